"""Teams: against plain enumeration of every plan, with every rule checked apart from the solver."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from competence.errors import InputError
from competence.model import Status
from competence.solve.order import seeded_order
from competence.solve.teams import TeamsSolution, partition, select

Plan = list[tuple[int, ...]]


def every_plan(people: tuple[int, ...], sizes: list[int]) -> Iterator[Plan]:
    """Yield every way to fill teams of these sizes; the last may leave people out."""
    if not sizes:
        yield []
        return
    for team in combinations(people, sizes[0]):
        rest = tuple(p for p in people if p not in team)
        for others in every_plan(rest, sizes[1:]):
            yield [team, *others]


def coverage(team: tuple[int, ...], holds: np.ndarray, counts: list[int], weights: list[float]) -> float:
    return sum(
        w * min(sum(holds[p, k] for p in team), c) / c for k, (c, w) in enumerate(zip(counts, weights, strict=True))
    ) / sum(weights)


def legal(plan: Plan, together=(), apart=(), at_most=None) -> bool:  # type: ignore[no-untyped-def]
    where = {p: t for t, team in enumerate(plan) for p in team}
    if any(where.get(i) != where.get(j) for i, j in together):
        return False
    if any(i in where and where.get(i) == where.get(j) for i, j in apart):
        return False
    if at_most is None:
        return True
    groups, limit = at_most
    return all(sum(groups[p] == u for p in team) <= limit for team in plan for u in set(groups) if u >= 0)


def lone(team: tuple[int, ...], sex: list[int]) -> bool:
    return len(team) > 1 and any(sum(sex[p] == s for p in team) == 1 for s in (0, 1))


def even(team: tuple[int, ...], sex: list[int]) -> bool:
    return all(0.4 * len(team) - 1e-9 <= sum(sex[p] == s for p in team) <= 0.6 * len(team) + 1e-9 for s in (0, 1))


def balance_key(plan: Plan, sex: list[int], mode: str) -> tuple[int, ...]:
    """Smaller is better."""
    outside = sum(not even(t, sex) for t in plan)
    return (sum(lone(t, sex) for t in plan), outside) if mode == "no_lone" else (outside,)


@st.composite
def problems(draw: st.DrawFn, largest: int = 7):  # type: ignore[no-untyped-def]
    n, k = draw(st.integers(2, largest)), draw(st.integers(1, 3))
    holds = np.array([[draw(st.booleans()) for _ in range(k)] for _ in range(n)])
    counts = [draw(st.integers(1, 2)) for _ in range(k)]
    weights = [draw(st.sampled_from([0.25, 0.5, 1.0])) for _ in range(k)]
    sex = [draw(st.sampled_from([0, 0, 1, 1, 2])) for _ in range(n)]
    pair = st.tuples(st.integers(0, n - 1), st.integers(0, n - 1)).filter(lambda p: p[0] != p[1])
    together, apart = draw(st.lists(pair, max_size=1)), draw(st.lists(pair, max_size=2))
    at_most = draw(st.one_of(st.none(), st.just(([draw(st.integers(-1, 1)) for _ in range(n)], 1))))
    return n, holds, counts, weights, sex, together, apart, at_most


def verify(solution: TeamsSolution, plans: list[Plan], problem, mode: str) -> None:  # type: ignore[no-untyped-def]
    """Compare a solution with every legal plan, stage by stage."""
    _, holds, counts, weights, sex, together, apart, at_most = problem
    if not plans:
        assert solution.outcome1.status is Status.INFEASIBLE
        assert solution.outcome1.conflicts
        return
    assert not solution.broken
    for stage in (solution.stage1, solution.stage2):
        assert legal(list(stage), together, apart, at_most)

    def key(plan: Plan) -> tuple[float, float]:
        cover = [coverage(t, holds, counts, weights) for t in plan]
        return round(min(cover), 9), round(sum(cover) / len(cover), 9)

    best = max(key(p) for p in plans)
    assert key(list(solution.stage1)) == best
    assert [level.value for level in solution.levels1] == pytest.approx(best)
    assert all(level.bound >= level.value for level in (*solution.levels1, *solution.levels2))
    assert solution.outcome1.status is Status.OPTIMAL
    near = [p for p in plans if key(p)[0] >= 0.98 * best[0] - 1e-9 and key(p)[1] >= 0.98 * best[1] - 1e-9]
    if mode == "off":
        assert solution.stage2 == solution.stage1
        return
    assert key(list(solution.stage2)) in {key(p) for p in near}
    assert balance_key(list(solution.stage2), sex, mode) == min(balance_key(p, sex, mode) for p in near)
    assert solution.outcome2.status is Status.OPTIMAL
    figures = solution.balance2
    assert figures is not None
    assert figures.in_band == sum(even(t, sex) for t in solution.stage2)
    assert figures.lone_teams == sum(lone(t, sex) for t in solution.stage2)


@settings(max_examples=40, deadline=None)
@given(problems(), st.integers(1, 2), st.integers(1, 3), st.sampled_from(["no_lone", "balanced", "off"]))
def test_select_equals_brute_force_in_both_stages(problem, n_teams, size, mode) -> None:  # type: ignore[no-untyped-def]
    n, holds, counts, weights, sex, together, apart, at_most = problem
    solution = select(
        holds, counts, weights, sex, size=size, n_teams=n_teams, together=together, apart=apart, at_most=at_most, balance=mode
    )
    plans = [p for p in every_plan(tuple(range(n)), [size] * n_teams) if legal(p, together, apart, at_most)]
    verify(solution, plans, problem, mode)


@settings(max_examples=40, deadline=None)
@given(problems(), st.integers(2, 4), st.sampled_from(["no_lone", "balanced", "off"]))
def test_partition_equals_brute_force_in_both_stages(problem, size, mode) -> None:  # type: ignore[no-untyped-def]
    n, holds, counts, weights, sex, together, apart, at_most = problem
    solution = partition(holds, counts, weights, sex, size=size, together=together, apart=apart, at_most=at_most, balance=mode)
    teams = max(1, int(n / size + 0.5))
    sizes = [n // teams + (t < n % teams) for t in range(teams)]
    plans = [p for p in every_plan(tuple(range(n)), sizes) if legal(p, together, apart, at_most)]
    verify(solution, plans, problem, mode)
    if plans:
        assert sorted(p for t in solution.stage2 for p in t) == list(range(n))


def pool(n: int, k: int, seed: int, women: float = 0.75):  # type: ignore[no-untyped-def]
    rng = np.random.default_rng(seed)
    return rng.random((n, k)) < 0.22, np.ones(k, int), np.ones(k), np.where(rng.random(n) < women, 0, 1), rng


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 1000), st.lists(st.integers(0, 2), min_size=16, max_size=16))
def test_stage_1_is_the_same_whatever_the_sex_labels(seed, labels) -> None:  # type: ignore[no-untyped-def]
    holds, counts, weights, sex, _ = pool(16, 5, seed)
    one = partition(holds, counts, weights, sex, size=4, balance="balanced", effort=(3000, 500))
    for other_sex, mode in ((1 - sex, "balanced"), (labels, "no_lone"), (None, "off")):
        other = partition(holds, counts, weights, other_sex, size=4, balance=mode, effort=(3000, 500))
        assert one.stage1 == other.stage1
        assert one.outcome1 == other.outcome1


def test_swapping_all_sex_labels_gives_the_same_balance() -> None:
    holds, counts, weights, sex, _ = pool(60, 8, 3)
    for mode in ("no_lone", "balanced", "proportional"):
        one, other = (partition(holds, counts, weights, s, size=5, balance=mode) for s in (sex, 1 - sex))
        assert one.levels2 == other.levels2


def test_proportional_brings_each_team_as_near_the_pool_as_whole_people_allow() -> None:
    sex = [0] * 9 + [1] * 3
    solution = partition(np.ones((12, 1), bool), [1], [1.0], sex, size=4, balance="proportional")
    assert solution.balance2 is not None
    assert solution.balance2.women == (3, 3, 3)
    assert solution.balance2.lone == 3  # the mode puts one man in each team, and the figures say so
    assert solution.outcome2.status is Status.OPTIMAL


def test_pool_bounds_are_those_counted_by_hand() -> None:
    # 10 people, teams of 5, 2 men: at most one team can be 3 + 2; the other is then of one sex.
    sex = [0] * 8 + [1] * 2
    for mode in ("no_lone", "balanced"):
        solution = partition(np.ones((10, 1), bool), [1], [1.0], sex, size=5, balance=mode)
        bounds = solution.pool_bounds
        assert bounds is not None
        assert (bounds.in_band_max, bounds.lone_free_max, bounds.single_sex_min, bounds.single_sex_at_best) == (1, 2, 0, 1)
        assert solution.balance2 is not None
        assert (solution.balance2.in_band, solution.balance2.lone, solution.balance2.single_sex) == (1, 0, 1)
        assert [str(limit) for limit in solution.certificate] == [
            "men available=2 needed=4",
        ]


def test_a_pool_of_one_sex_is_said_to_allow_no_team_within_the_band() -> None:
    solution = partition(np.ones((10, 1), bool), [1], [1.0], [0] * 10, size=5)
    assert solution.pool_bounds is not None
    assert solution.pool_bounds.in_band_max == 0
    assert solution.pool_bounds.single_sex_min == 2
    assert solution.outcome2.status is Status.OPTIMAL


def test_not_stated_counts_in_the_size_and_in_neither_sex() -> None:
    # Two women, two men and one not stated: 40 % of each.
    solution = select(np.ones((5, 1), bool), [1], [1.0], [0, 0, 1, 1, 2], size=5, balance="balanced")
    assert solution.balance2 is not None
    assert solution.balance2.in_band == 1
    # Three women, one man and one not stated: 20 % men.
    solution = select(np.ones((5, 1), bool), [1], [1.0], [0, 0, 0, 1, 2], size=5, balance="balanced")
    assert solution.balance2 is not None
    assert solution.balance2.in_band == 0


def test_the_certificate_names_the_item_its_holders_and_how_many_are_needed() -> None:
    holds = np.zeros((6, 2), bool)
    holds[:, 0] = True
    holds[0, 1] = True
    solution = partition(holds, [1, 2], [1.0, 1.0], size=3, balance="off")
    assert [str(limit) for limit in solution.certificate] == ["item:1 available=1 needed=4"]
    assert solution.outcome1.certificate == "item:1 available=1 needed=4"
    # One team has both items half: (1 + 1/2) / 2; the other (1 + 0) / 2.
    assert sorted(solution.coverage1.tolist()) == [0.5, 0.75]


@pytest.mark.parametrize(
    ("call", "conflict"),
    [
        (lambda h: select(h, [1], [1.0], size=4, n_teams=2, balance="off"), "too_few_people:6<8"),
        (lambda h: partition(h, [1], [1.0], size=3, balance="off", together=[(0, 1)], apart=[(1, 0)]), "together_apart:0,1"),
        (
            lambda h: partition(h, [1], [1.0], size=3, balance="off", together=[(0, 1), (1, 2), (2, 3)]),
            "together_too_large:0 size=4>3",
        ),
        (lambda h: partition(h, [1], [1.0], size=3, balance="off", at_most=([0] * 5 + [1], 2)), "at_most:0 people=5>4"),
        (lambda h: select(h, [1], [1.0], size=3, n_teams=2, balance="off", at_most=([0] * 6, 2)), "at_most:limit=2 people=4<6"),
        (lambda h: select(np.empty((0, 1), bool), [1], [1.0], size=3, balance="off"), "too_few_people:0<3"),
    ],
)
def test_what_cannot_be_is_named(call, conflict) -> None:  # type: ignore[no-untyped-def]
    solution = call(np.ones((6, 1), bool))
    assert solution.outcome1.status is Status.INFEASIBLE
    assert solution.outcome1.conflicts == (conflict,)
    assert solution.stage1 == ()


def test_rules_that_contradict_each_other_only_together_are_proven_impossible() -> None:
    # Three people who must all be apart cannot be in two teams.
    solution = partition(np.ones((4, 1), bool), [1], [1.0], size=2, balance="off", apart=[(0, 1), (1, 2), (0, 2)])
    assert solution.outcome1.status is Status.INFEASIBLE


def test_many_people_with_pairs_meet_every_bound_or_state_the_gap() -> None:
    holds, counts, weights, sex, rng = pool(200, 10, 11)
    order = rng.permutation(200).tolist()
    together = [(order[2 * i], order[2 * i + 1]) for i in range(4)]
    apart = [(order[20 + 2 * i], order[21 + 2 * i]) for i in range(10)]
    units = rng.integers(0, 20, 200)
    solution = partition(holds, counts, weights, sex, size=5, together=together, apart=apart, at_most=(units, 2))
    for stage in (solution.stage1, solution.stage2):
        assert legal(list(stage), together, apart, (units.tolist(), 2))
        assert sorted(p for t in stage for p in t) == list(range(200))
    assert not solution.broken
    one, two = solution.levels1, solution.levels2
    assert one[0].proven
    assert solution.coverage2.min() >= 0.98 * solution.coverage1.min() - 1e-9
    assert solution.coverage2.mean() >= 0.98 * solution.coverage1.mean() - 1e-9
    assert two[0].value == 40.0  # nobody alone of their sex in any of the forty teams


def test_weighted_needs_report_bound_and_gap() -> None:
    rng = np.random.default_rng(5)
    holds = rng.random((60, 6)) < 0.25
    solution = select(holds, [1, 2, 1, 1, 3, 1], rng.random(6) + 0.1, rng.integers(0, 2, 60), size=5, n_teams=6, effort=30_000)
    assert solution.outcome1.bound is not None
    assert solution.outcome1.objective is not None
    assert solution.outcome1.bound >= solution.outcome1.objective
    assert solution.outcome1.gap is not None


def test_the_order_of_the_input_changes_nothing_after_the_seeded_order() -> None:
    holds, counts, weights, sex, _ = pool(30, 5, 2)
    ids = [f"p{i}" for i in range(30)]
    answers = set()
    for seed in range(3):
        shuffle = np.random.default_rng(seed).permutation(30)
        names = [ids[i] for i in shuffle]
        order = seeded_order(names, 4)
        rows = shuffle[order]
        solution = partition(holds[rows], counts, weights, sex[rows], size=5)
        answers.add(frozenset(frozenset(names[order[p]] for p in team) for team in solution.stage2))
    assert len(answers) == 1


def test_a_run_stopped_by_steps_is_repeatable_and_stages_have_their_own_budgets() -> None:
    holds, counts, weights, sex, _ = pool(100, 8, 6)
    one, two = (partition(holds, counts, weights, sex, size=4, effort=(5000, 3000)) for _ in range(2))
    assert one.stage1 == two.stage1
    assert one.stage2 == two.stage2
    assert one.outcome1.steps <= 5000
    assert one.outcome2.steps <= 3000


def test_progress_can_cancel_and_what_was_found_is_given() -> None:
    holds, counts, _, sex, rng = pool(50, 8, 7)
    solution = partition(holds, counts, rng.random(8) + 0.1, sex, size=5, progress=lambda steps, phase: False)
    assert sorted(p for t in solution.stage1 for p in t) == list(range(50))
    assert solution.outcome1.stopped_by == "cancelled"
    assert solution.outcome1.status is Status.FEASIBLE


@pytest.mark.parametrize(
    "bad",
    [
        {"size": 0},
        {"epsilon": 0.2},
        {"balance": "fair"},
        {"together": [(0, 0)]},
        {"apart": [(0, 9)]},
        {"sex": [0, 0, 0, 5]},
        {"sex": None},
    ],
)
def test_wrong_input_is_refused(bad) -> None:  # type: ignore[no-untyped-def]
    arguments = {"size": 2, "sex": [0, 0, 1, 1], **bad}
    with pytest.raises(InputError):
        partition(np.ones((4, 1), bool), [1], [1.0], **arguments)


def test_only_the_proportions_of_the_weights_matter() -> None:
    holds = np.array([[1, 0], [1, 1], [0, 0], [0, 1]], bool)
    for weight in (1e-13, 1.0, 1e13):
        solution = partition(holds, [1, 1], [weight, weight], size=2, balance="off")
        # Each item has two holders; one person holds both, and only 0 and 3 together also cover both.
        assert sorted(solution.coverage1.tolist()) == [1.0, 1.0]
        assert solution.outcome1.status is Status.OPTIMAL


def test_weights_far_apart_do_not_make_rules_impossible() -> None:
    # 2 is apart from 3 and 4, 6 from 3: {2, 6, x, y} against {3, 4, ...} is always possible.
    holds = [[0, 0, 1, 1], [0, 0, 0, 1], [0, 1, 0, 0], [0, 1, 1, 1], [0, 1, 0, 0], [1, 0, 1, 1], [0, 0, 0, 1]]
    apart = [(6, 3), (2, 4), (2, 3)]
    for effort in (1, 500, None):
        solution = partition(holds, [1, 3, 1, 2], [1e9, 1e-9, 1.0, 1.0], size=4, apart=apart, balance="off", effort=effort)
        assert solution.outcome1.status is not Status.INFEASIBLE
        # With next to no steps a rule may be left broken; then that is said.
        assert legal(list(solution.stage1), apart=apart) is not bool(solution.broken)
        assert effort == 1 or not solution.broken
    impossible = partition(holds, [1, 3, 1, 2], [1e9, 1e-9, 1.0, 1.0], size=4, apart=[(0, 1), (1, 2), (0, 2)], balance="off")
    assert impossible.outcome1.status is Status.INFEASIBLE


def test_who_has_not_stated_makes_up_for_too_few_of_a_sex_in_the_certificate() -> None:
    # Teams of 3 and 2, 30 to 50 % of each sex: 1 woman and 1 man at most in each, so at least 1 man in each; the
    # third person of the first team can be the one who has not stated.
    solution = partition(np.ones((5, 1), bool), [1], [1.0], [0, 0, 2, 1, 0], size=3, balance="balanced", band=(0.3, 0.5))
    assert [str(limit) for limit in solution.certificate] == ["men available=1 needed=2"]
