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
from competence.solve import budget
from competence.solve.order import seeded_order
from competence.solve.teams import TeamNeed, TeamsSolution, partition, select, select_in_turn

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


def balance_key(plan: Plan, sex: list[int], mode: str) -> tuple[float, ...]:
    """Smaller is better."""
    if mode == "proportional":
        part = [sex.count(s) / len(sex) for s in (0, 1)]
        return (round(sum(abs(sum(sex[p] == s for p in t) - part[s] * len(t)) for t in plan for s in (0, 1)), 6),)
    outside = sum(not even(t, sex) for t in plan)
    return (sum(lone(t, sex) for t in plan), outside) if mode == "no_lone" else (outside,)


@st.composite
def problems(draw: st.DrawFn, largest: int = 8):  # type: ignore[no-untyped-def]
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


@settings(max_examples=30, deadline=None)
@given(problems(), st.integers(1, 2), st.integers(1, 3), st.sampled_from(["no_lone", "balanced", "proportional", "off"]))
def test_select_equals_brute_force_in_both_stages(problem, n_teams, size, mode) -> None:  # type: ignore[no-untyped-def]
    n, holds, counts, weights, sex, together, apart, at_most = problem
    solution = select(
        holds, counts, weights, sex, size=size, n_teams=n_teams, together=together, apart=apart, at_most=at_most, balance=mode
    )
    plans = [p for p in every_plan(tuple(range(n)), [size] * n_teams) if legal(p, together, apart, at_most)]
    verify(solution, plans, problem, mode)


@settings(max_examples=30, deadline=None)
@given(problems(), st.integers(2, 4), st.sampled_from(["no_lone", "balanced", "proportional", "off"]))
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


def test_pairs_that_stay_together_count_in_the_pool_bounds() -> None:
    # 7 women, 4 men, 1 not stated, three teams of 4. Alone: 2 + 2 twice, and 3 women with the one not stated.
    sex = [0] * 7 + [1] * 4 + [2]
    free = partition(np.ones((12, 1), bool), [1], [1.0], sex, size=4)
    # A man with the one not stated: 3 men are left for at most one team of 2 + 2, and whichever way they are spread,
    # in one team somebody is alone of their sex.
    tied = partition(np.ones((12, 1), bool), [1], [1.0], sex, size=4, together=[(10, 11)])
    for solution, in_band, lone_free in ((free, 2, 3), (tied, 1, 2)):
        assert solution.pool_bounds is not None
        assert (solution.pool_bounds.in_band_max, solution.pool_bounds.lone_free_max) == (in_band, lone_free)
        assert [level.value for level in solution.levels2] == [lone_free, in_band]
        assert solution.outcome2.status is Status.OPTIMAL
    # Where people may stay out, so may the pair; the 3 men left make one team of 2 + 2.
    chosen = select(np.ones((12, 1), bool), [1], [1.0], sex, size=4, n_teams=2, together=[(10, 11)])
    assert chosen.balance2 is not None
    assert (chosen.balance2.in_band, chosen.balance2.lone) == (1, 0)
    assert chosen.outcome2.status is Status.OPTIMAL


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
        (
            lambda h: partition(h, [1], [1.0], size=3, balance="off", together=[(0, 1)], at_most=([0, 0, 1, 1, 2, 2], 1)),
            "together_at_most:0",
        ),
        (
            lambda h: select(h, [1], [1.0], size=3, n_teams=2, balance="off", together=[(0, 1), (1, 2), (2, 3)]),
            "too_few_people_after_together:2<6",
        ),
    ],
)
def test_what_cannot_be_is_named(call, conflict) -> None:  # type: ignore[no-untyped-def]
    solution = call(np.ones((6, 1), bool))
    assert solution.outcome1.status is Status.INFEASIBLE
    assert solution.outcome1.conflicts == (conflict,)
    assert solution.stage1 == ()


def impossible(n: int, apart=(), together=(), at_most=None, teams: int | None = None, size: int = 4):  # type: ignore[no-untyped-def]
    rules = {"apart": apart, "together": together, "at_most": at_most, "balance": "off"}
    holds = np.ones((n, 1), bool)
    solution = (
        partition(holds, [1], [1.0], size=size, **rules)
        if teams is None
        else select(holds, [1], [1.0], size=size, n_teams=teams, **rules)
    )
    assert solution.outcome1.status is Status.INFEASIBLE
    assert solution.stage1 == ()
    return solution.outcome1.conflicts


def test_people_who_must_all_be_apart_are_counted_against_the_teams() -> None:
    assert impossible(4, apart=[(0, 1), (1, 2), (0, 2)], size=2) == ("apart_too_many:0,1,2 people=3>2",)
    # 1 and 2 stay together, so 0, they and 3 are the three.
    assert impossible(8, apart=[(0, 1), (2, 3), (0, 3)], together=[(1, 2)]) == ("apart_too_many:0,1,3 people=3>2",)


def test_rules_that_contradict_each_other_only_together_are_named_and_no_others() -> None:
    # Five in a ring, each apart from the next, cannot be in two teams, though no three of them are all apart.
    ring = [(0, 1), (1, 2), (2, 3), (3, 4), (0, 4)]
    named = {f"apart_impossible:{min(p)},{max(p)}" for p in ring}
    assert set(impossible(8, apart=[*ring, (5, 6)], together=[(6, 7)])) == named
    # Without 0 and 4 being apart there is a plan, but not if they are together.
    line = impossible(8, apart=[p for p in ring if p != (0, 4)] + [(4, 5)], together=[(0, 5)])
    assert {name.partition(":")[0] for name in line} == {"apart_impossible", "together_impossible"}
    assert "together_impossible:0,5" in line
    # One of each unit in each team: 0 is with 2 or with 3, and must be with neither.
    units = [0, 0, 1, 1, 2, 2, 3, 3]
    found = impossible(8, apart=[(0, 2), (0, 3), (1, 7)], together=[(4, 6)], at_most=(units, 1))
    assert set(found) == {"apart_impossible:0,2", "apart_impossible:0,3", "at_most:1"}


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


@pytest.mark.parametrize("kind", ["bottleneck", "ties", "women", "weighted", "units"])
def test_hard_pools_break_nothing_and_stay_under_their_bounds(kind) -> None:  # type: ignore[no-untyped-def]
    holds, counts, weights, sex, rng = pool(90, 8, 4)
    if kind == "bottleneck":
        holds[:, 0] = np.arange(90) == 7
    if kind == "ties":
        holds[:] = [True, False] * 4
    if kind == "women":
        sex = np.zeros(90, int)
    if kind == "weighted":
        weights, counts = rng.random(8) + 0.1, rng.integers(1, 4, 8)
    at_most = ((np.arange(90) % 30).tolist(), 1) if kind == "units" else None
    order = rng.permutation(90).tolist()
    together, apart = [(order[0], order[1]), (order[2], order[3])], [(order[4], order[k]) for k in range(5, 12)]
    rules = {"together": together, "apart": apart, "at_most": at_most}
    solution = partition(holds, counts, weights, sex, size=5, effort=(60_000, 60_000), **rules)
    assert not solution.broken
    for stage, covered in ((solution.stage1, solution.coverage1), (solution.stage2, solution.coverage2)):
        assert legal(list(stage), **rules)
        assert sorted(p for t in stage for p in t) == list(range(90))
        assert covered == pytest.approx([coverage(t, holds, counts, weights) for t in stage])
    assert all(level.bound >= level.value for level in (*solution.levels1, *solution.levels2))
    for now, before in zip((min, np.mean), solution.levels1, strict=True):
        assert now(solution.coverage2) >= 0.98 * before.value - 1e-9
    assert solution.balance2 is not None
    assert solution.balance2.lone_teams == sum(lone(t, sex.tolist()) for t in solution.stage2)
    if kind in ("ties", "women"):
        assert all(level.proven for level in solution.levels2)


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


def test_what_the_clock_stopped_is_had_again_by_its_steps(monkeypatch) -> None:  # type: ignore[no-untyped-def]
    holds, counts, _, sex, rng = pool(300, 8, 6)
    weights = rng.random(8) + 0.1
    # A clock that moves by one at each look: it stops the run in the middle of the search on any machine.
    for limit in (5, 20, 40):
        ticks = iter(range(10**6))
        with monkeypatch.context() as patch:
            patch.setattr(budget, "perf_counter", lambda ticks=ticks: float(next(ticks)))
            one = partition(holds, counts, weights, sex, size=5, time_limit=limit)
        assert one.outcome2.stopped_by == "clock"
        other = partition(holds, counts, weights, sex, size=5, effort=(one.outcome1.steps, one.outcome2.steps))
        assert (other.stage1, other.stage2) == (one.stage1, one.stage2)
    assert one.outcome1.steps > 0


def test_needs_in_turn_take_disjoint_teams_and_the_first_has_the_first_choice() -> None:
    holds, counts, weights, sex, _ = pool(40, 6, 9)
    needs = [TeamNeed(holds[:, :3], [1, 1, 2], [1.0, 2.0, 1.0], 4, 2), TeamNeed(holds[:, 2:], counts[2:], weights[2:], 3, 3)]
    apart, together, units = [(0, 1), (2, 3)], [(4, 5), (6, 7)], (np.arange(40) % 8).tolist()
    rules = {"apart": apart, "together": together, "at_most": (units, 1)}
    first, second = select_in_turn(needs, sex, **rules)
    alone = select(holds[:, :3], [1, 1, 2], [1.0, 2.0, 1.0], sex, size=4, n_teams=2, **rules)
    assert (first.stage1, first.stage2) == (alone.stage1, alone.stage2)
    plan = [*first.stage2, *second.stage2]
    assert sorted(map(len, plan)) == [3, 3, 3, 4, 4]
    people = [p for team in plan for p in team]
    assert len(set(people)) == len(people)
    assert legal(plan, **rules)
    for need, solution in zip(needs, (first, second), strict=True):
        rows = [coverage(t, np.asarray(need.holds), list(need.counts), list(need.weights)) for t in solution.stage2]
        assert solution.coverage2 == pytest.approx(rows)
    # The two holders go to the need that is named first.
    held, three = np.array([[1], [1], [0], [0], [0], [0]], bool), [TeamNeed([[k < 2] for k in range(6)], [1], [1.0], 2)] * 3
    assert select_in_turn(three, balance="off")[0].coverage2.tolist() == [1.0]
    last = select_in_turn([TeamNeed(held, [2], [1.0], 2), TeamNeed(held, [1], [1.0], 5)], balance="off")[1]
    assert last.outcome1.conflicts == ("too_few_people:4<5",)
    # Names of rules speak of positions in the whole pool: 0 and 1 are gone, of 2 to 5 none is left out.
    taken = [TeamNeed(held, [2], [1.0], 2), TeamNeed(held, [1], [1.0], 2, 2)]
    found = select_in_turn(taken, apart=[(2, 3), (3, 4), (2, 4)], balance="off")[1]
    assert set(found.outcome1.conflicts) == {"apart_impossible:2,3", "apart_impossible:3,4", "apart_impossible:2,4"}


@pytest.mark.parametrize(
    "bad",
    [{"sex": [0] * 3}, {"at_most": ([0] * 3, 1)}, {"together": [(0, 9)]}, {"needs": [np.ones((3, 1), bool)]}],
)
def test_needs_in_turn_refuse_what_speaks_of_other_people(bad) -> None:  # type: ignore[no-untyped-def]
    holds = [np.ones((4, 1), bool), *bad.pop("needs", [])]
    with pytest.raises(InputError):
        select_in_turn([TeamNeed(h, [1], [1.0], 2) for h in holds], balance="off", **bad)


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
