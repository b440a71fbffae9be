"""Rotation over periods: against plain enumeration of every plan, with every rule checked apart from the solver."""

from __future__ import annotations

from itertools import permutations, product
from math import fsum
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from competence.errors import InputError
from competence.model import Status
from competence.solve import periods as periods_module
from competence.solve.periods import PeriodsSolution, rotate_periods
from competence.solve.rotate import rotate


def cycles_of(to: list[int]) -> list[list[int]]:
    seen: set[int] = set()
    found = []
    for i in range(len(to)):
        ring = []
        while i not in seen:
            seen.add(i)
            ring.append(i)
            i = to[i]
        if len(ring) > 1:
            found.append(ring)
    return found


def could_move(cells: dict[tuple[int, int], float], n: int, rules: dict[str, Any]) -> set[int]:
    """Who is in some cycle of the allowed length in some planned period, whoever else moves."""
    home, past, limit = rules.get("home"), rules.get("past", []), rules.get("group_limit")
    used = {(i, j) for row in past for i, j in enumerate(row)}
    found: set[int] = set()
    for t in range(len(past), rules["periods"]):
        for length in range(2, (rules["max_cycle"] or n) + 1):
            for ring in permutations(range(n), length):
                moves = [(ring[k], ring[(k + 1) % length]) for k in range(length)]
                barred = limit is not None and any(limit[rules["groups"][i]] < 1 for i in ring)
                at_home = home is not None and any(home[i][t] for i in ring)
                if all(m in cells and m not in used for m in moves) and not barred and not at_home:
                    found |= set(ring)
    return found


def broken(
    posts: list[list[int]], cells: dict[tuple[int, int], float], n: int, rules: dict[str, Any], could: set[int]
) -> list[str]:
    """Name what a plan breaks, from scratch: each rule by itself, in plain Python."""
    n_past, wrong = len(rules.get("past", [])), []
    away = [[posts[t][i] != i for t in range(len(posts))] for i in range(n)]
    for t in range(n_past, len(posts)):
        if sorted(posts[t]) != list(range(n)):
            wrong.append("left_post")
        if any(posts[t][i] != i and (i, posts[t][i]) not in cells for i in range(n)):
            wrong.append("forbidden")
        if rules["max_cycle"] and any(len(c) > rules["max_cycle"] for c in cycles_of(posts[t])):
            wrong.append("max_cycle")
        if rules.get("home") is not None and any(rules["home"][i][t] and away[i][t] for i in range(n)):
            wrong.append("home")
        if rules.get("group_limit") is not None:
            for u, most in enumerate(rules["group_limit"]):
                if sum(away[i][t] for i in range(n) if rules["groups"][i] == u) > most:
                    wrong.append("group_limit")
        if rules.get("cover") is not None:
            holders, least = rules["cover"]
            for u in range(len(least)):
                for k in range(len(least[u])):
                    now = sum(holders[i][k] for i in range(n) if rules["groups"][i] == u)
                    then = sum(holders[i][k] for i in range(n) if rules["groups"][posts[t][i]] == u)
                    if then < min(least[u][k], now):
                        wrong.append("cover")
    for i in range(n):
        places = [row[i] for row in posts if row[i] != i]
        if len(set(places)) < len(places):
            wrong.append("twice")
        if rules.get("load_limit") is not None and sum(rules["load"][row[i]] for row in posts) > rules["load_limit"] + 1e-9:
            wrong.append(f"load:{i}")
        longest = rules.get("return_after")
        if longest and any(all(away[i][t - longest : t + 1]) for t in range(max(longest, n_past), len(posts))):
            wrong.append("return_after")
    moves = [sum(a) for a in away]
    if rules.get("waits") and max(moves) >= rules["waits"]:
        wrong += [f"waits:{i}" for i in could if moves[i] == 0]
    return wrong


def brute_force(cells: dict[tuple[int, int], float], n: int, rules: dict[str, Any]) -> float | None:
    """Return the highest gain of any plan that breaks nothing; None when there is none."""
    could = could_move(cells, n, rules)
    single = [list(p) for p in permutations(range(n)) if all(i == j or (i, j) in cells for i, j in enumerate(p))]
    within = {k: rules.get(k) for k in ("max_cycle", "groups", "group_limit", "cover")} | {"periods": 1}
    single = [row for row in single if not broken([row], cells, n, within, set())]
    past, best = [list(row) for row in rules.get("past", [])], None
    for plan in product(single, repeat=rules["periods"] - len(past)):
        if not broken([*past, *plan], cells, n, rules, could):
            value = fsum(cells[i, j] for row in plan for i, j in enumerate(row) if i != j)
            best = value if best is None else max(best, value)
    return best


def call(cells: dict[tuple[int, int], float], n: int, rules: dict[str, Any], **more: Any) -> PeriodsSolution:
    rows, columns = ([c[i] for c in cells] for i in (0, 1))
    gain = sparse.coo_array((list(cells.values()), (rows, columns)), shape=(n, n)).tocsr()
    kept = {k: v for k, v in rules.items() if k != "past" or v}
    if "cover" in kept:
        kept["cover"] = (np.array(kept["cover"][0]), kept["cover"][1])
    return rotate_periods(gain, **kept, **more)


def posts_of(plan: PeriodsSolution) -> list[list[int]]:
    return [[int(j) for j in row] for row in plan.posts]


@st.composite
def tasks(draw: st.DrawFn) -> tuple[int, dict[tuple[int, int], float], dict[str, Any]]:
    n, count = draw(st.integers(2, 4)), draw(st.integers(1, 3))
    value = st.one_of(st.none(), st.integers(1, 8))
    drawn = {(i, j): draw(value) for i in range(n) for j in range(n) if i != j}
    cells = {move: float(worth) for move, worth in drawn.items() if worth is not None}
    rules: dict[str, Any] = {"periods": count, "max_cycle": draw(st.sampled_from([2, 3, None]))}
    rules["waits"] = draw(st.sampled_from([None, 2, 3]))
    rules["return_after"] = draw(st.sampled_from([None, 1, 2]))
    if draw(st.booleans()):
        rules["load"] = [float(draw(st.integers(1, 3))) for _ in range(n)]
        rules["load_limit"] = float(draw(st.integers(count, 3 * count)))
    if draw(st.booleans()):
        rules["home"] = [[draw(st.sampled_from([False, False, False, True])) for _ in range(count)] for _ in range(n)]
    if draw(st.booleans()):
        rules["groups"] = [draw(st.integers(0, 1)) for _ in range(n)]
        rules["group_limit"] = [draw(st.integers(0, 3)) for _ in range(2)]
        if draw(st.booleans()):
            rules["cover"] = ([[int(draw(st.booleans()))] for _ in range(n)], [[1], [1]])
    if count > 1 and draw(st.booleans()):
        rules["past"] = [draw(st.permutations(range(n)))]
    return n, cells, rules


@settings(max_examples=50, deadline=None)
@given(tasks())
def test_small_plans_equal_brute_force_and_are_proven(task) -> None:  # type: ignore[no-untyped-def]
    n, cells, rules = task
    plan = call(cells, n, rules)
    best = brute_force(cells, n, rules)
    wrong = broken(posts_of(plan), cells, n, rules, could_move(cells, n, rules))
    if best is None:
        # The rules contradict each other: each one that the plan does not keep is named, and nothing else.
        assert plan.outcome.status is Status.INFEASIBLE
        assert sorted(wrong) == sorted(plan.outcome.conflicts)
        return
    assert not wrong
    assert plan.outcome.status is Status.OPTIMAL
    assert plan.outcome.objective == pytest.approx(best, abs=1e-9)
    assert plan.outcome.objective == pytest.approx(fsum(plan.gains))


@settings(max_examples=30, deadline=None)
@given(tasks())
def test_the_searches_break_nothing_and_their_bound_holds(task) -> None:  # type: ignore[no-untyped-def]
    """The ways taken by large plans, on plans small enough to enumerate."""
    n, cells, rules = task
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(periods_module, "_WHOLE", -1)
        plan = call(cells, n, rules, effort=30)
    best = brute_force(cells, n, rules)
    wrong = broken(posts_of(plan), cells, n, rules, could_move(cells, n, rules))
    assert sorted(wrong) == sorted(plan.outcome.conflicts)
    if best is not None and not wrong:
        assert plan.outcome.objective <= best + 1e-9
        assert plan.outcome.bound >= best - 1e-9


def ring(n: int, seed: int, degree: int = 8) -> tuple[dict[tuple[int, int], float], np.random.Generator]:
    rng = np.random.default_rng(seed)
    return {(i, (i + d) % n): float(rng.integers(1, 40)) for i in range(n) for d in (*range(1, degree), n - 1)}, rng


def test_larger_plans_with_loads_and_waiting_break_nothing_and_state_a_small_gap() -> None:
    n = 40
    cells, rng = ring(n, 1)
    load = rng.integers(1, 6, n).astype(float)
    rules = {"periods": 4, "max_cycle": None, "waits": 3, "load": load.tolist(), "load_limit": 1.12 * 4 * float(load.mean())}
    plan = call(cells, n, rules, effort=40)
    assert not plan.outcome.conflicts
    assert not broken(posts_of(plan), cells, n, rules, could_move(dict.fromkeys(cells, 1.0), n, {**rules, "max_cycle": 2}))
    assert plan.outcome.gap < 0.035
    assert plan.moves.tolist() == [sum(row[i] != i for row in posts_of(plan)) for i in range(n)]
    assert plan.loads.tolist() == [sum(load[row[i]] for row in posts_of(plan)) for i in range(n)]


def test_short_cycles_units_and_cover_hold_in_every_period() -> None:
    n = 40
    cells, _ = ring(n, 2)
    rules: dict[str, Any] = {"periods": 3, "max_cycle": 3, "waits": None, "groups": [i // 10 for i in range(n)]}
    rules |= {"group_limit": [6, 6, 6, 6], "return_after": 2}
    rules["cover"] = ([[int(i % 10 < 2)] for i in range(n)], [[1]] * 4)
    plan = call(cells, n, rules, effort=12)
    assert not broken(posts_of(plan), cells, n, rules, set())
    assert 0 < plan.outcome.objective <= plan.outcome.bound


def test_where_nothing_binds_the_first_period_is_the_free_plan() -> None:
    cells, _ = ring(12, 3, 4)
    gain = sparse.coo_array((list(cells.values()), ([c[0] for c in cells], [c[1] for c in cells])), shape=(12, 12)).tocsr()
    one = rotate_periods(gain, 1, max_cycle=None)
    assert one.outcome.objective == pytest.approx(rotate(gain, max_cycle=None).outcome.objective)
    assert one.outcome.status is Status.OPTIMAL


TWO = {(0, 1): 5.0, (1, 0): 5.0}


def test_each_rule_over_periods_is_named_when_it_bites() -> None:
    # 0 carries 3 + 3 at home or 3 + 1 away once, and nobody may be in the same post twice: a limit of 3 is out of reach.
    rules = {"periods": 2, "max_cycle": 3, "waits": None, "load": [3.0, 1.0], "load_limit": [3.0, 9.0]}
    assert call(TWO, 2, rules).outcome.conflicts == ("load:0",)
    rules["load_limit"] = [4.0, 9.0]
    assert call(TWO, 2, rules).outcome.status is Status.OPTIMAL
    # In the past 0 and 1 moved twice; 2 could move only with 3, who is locked away from it in the last period.
    past = [[1, 0, 2, 3], [1, 0, 2, 3]]
    cells = {**TWO, (2, 3): 1.0, (3, 2): 1.0}
    plan = call(cells, 4, {"periods": 3, "max_cycle": 3, "waits": 2, "past": past})
    assert plan.posts[2].tolist() == [0, 1, 3, 2]
    assert not plan.outcome.conflicts
    cells = {**TWO, (0, 2): 1.0, (2, 0): 1.0, (0, 3): 1.0, (3, 0): 1.0}
    plan = call(cells, 4, {"periods": 3, "max_cycle": 2, "waits": 2, "past": past})
    assert len(plan.outcome.conflicts) == 1
    assert plan.outcome.conflicts[0] in ("waits:2", "waits:3")
    assert plan.outcome.status is Status.INFEASIBLE


def test_supply_posts_start_chains_in_every_period() -> None:
    # 0 and 1 both want the vacancy; each may have it once, and the other then takes no post of theirs.
    gain = sparse.csr_array(([4.0, 3.0], ([0, 1], [2, 2])), shape=(2, 3))
    plan = rotate_periods(gain, 3, waits=None)
    assert plan.outcome.objective == 7.0
    assert sorted(c for period in plan.cycles for c in period) == [(0, 2), (1, 2)]


def test_a_plan_goes_on_with_its_past_fixed() -> None:
    n = 30
    cells, _ = ring(n, 4)
    first = call(cells, n, {"periods": 3, "max_cycle": None, "waits": None}, effort=30)
    past = posts_of(first)[:1]
    rules = {"periods": 3, "max_cycle": None, "waits": None, "past": past}
    second = call(cells, n, rules, effort=30, start=first.start)
    assert second.posts[0].tolist() == past[0]
    assert not broken(posts_of(second), cells, n, rules, set())
    # What was planned for the two periods left is where it starts from, so nothing is lost.
    assert second.outcome.objective >= fsum(first.gains[1:]) - 1e-9


@pytest.mark.parametrize("change", ["lock", "refuse"])
def test_after_a_change_a_fifth_of_the_steps_reach_the_gap_again(change: str) -> None:
    n = 50
    cells, rng = ring(n, 5)
    load = rng.integers(1, 6, n).astype(float).tolist()
    rules: dict[str, Any] = {"periods": 4, "max_cycle": None, "waits": None, "load": load, "load_limit": [20.0] * n}
    rules["load_limit"] = [max(16.0, 4 * load[i]) for i in range(n)]
    first = call(cells, n, rules)
    a, b = next((i, row[i]) for row in posts_of(first) for i in range(n) if row[i] != i)
    if change == "lock":
        rules["locked"] = [a]
    else:
        cells = {m: g for m, g in cells.items() if m != (a, b)}
    again = call(cells, n, rules, start=first.start, effort=first.outcome.steps // 5)
    assert not again.outcome.conflicts
    assert again.outcome.steps <= 0.2 * first.outcome.steps
    assert again.outcome.gap <= first.outcome.gap + 1e-3


def test_the_same_call_twice_and_a_run_cut_by_the_clock_are_repeatable() -> None:
    n = 30
    cells, _ = ring(n, 6)
    for rules in ({"periods": 3, "max_cycle": None, "waits": 3}, {"periods": 3, "max_cycle": 3, "waits": 3}):
        one, two = (call(cells, n, rules, effort=9) for _ in range(2))
        assert (one.posts == two.posts).all()
        assert one.outcome == two.outcome
        cut = call(cells, n, rules, effort=30, time_limit=0.3)
        if cut.outcome.stopped_by == "clock":
            again = call(cells, n, rules, effort=cut.outcome.steps)
            assert (again.posts == cut.posts).all()


@pytest.mark.parametrize(
    "bad",
    [
        {"periods": 0},
        {"max_cycle": 1},
        {"waits": 0},
        {"return_after": 0},
        {"past": [[0, 1]]},
        {"past": [[0, 0, 0]]},
        {"home": [[True]]},
        {"load": [1.0]},
        {"load": [-1.0, 1.0, 1.0]},
        {"load_limit": 3.0},
        {"load": [1.0, 1.0, 1.0], "load_limit": -1.0},
        {"locked": [7]},
    ],
)
def test_wrong_input_is_refused(bad: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        call({(0, 1): 1.0, (1, 2): 1.0}, 3, {"periods": 1, "max_cycle": 3, **bad})
