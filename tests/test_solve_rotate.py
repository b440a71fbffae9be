"""Rotation: against plain enumeration of every plan, with every rule checked apart from the solver."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from itertools import combinations, permutations
from math import fsum
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from competence.errors import InputError
from competence.model import Status
from competence.solve.order import seeded_order
from competence.solve.periods import rotate_periods
from competence.solve.rotate import RotationSolution, RotationStart, enumerate_cycles, rotate
from competence.solve.teams import partition


def family(n: int, degree: int, seed: int) -> sparse.csr_array:
    """Make ``degree`` moves per person, most of them inside groups of about 40, whole-number gains."""
    rng = np.random.default_rng(seed)
    group = np.arange(n) * max(1, n // 40) // n
    rows, columns = [], []
    for i in range(n):
        near = np.flatnonzero(group == group[i])
        targets = np.unique(np.concatenate([rng.choice(near, min(near.size, degree * 4 // 5)), rng.integers(0, n, degree // 5)]))
        targets = targets[targets != i]
        rows.append(np.full(targets.size, i))
        columns.append(targets)
    row, column = np.concatenate(rows), np.concatenate(columns)
    return sparse.coo_array((rng.integers(1, 101, row.size).astype(float), (row, column)), shape=(n, n)).tocsr()


def cycles_of(to: tuple[int, ...]) -> list[tuple[int, ...]]:
    seen: set[int] = set()
    found = []
    for i in range(len(to)):
        ring = []
        while i not in seen:
            seen.add(i)
            ring.append(i)
            i = to[i]
        if len(ring) > 1:
            found.append(tuple(ring))
    return found


def keeps_rules(cycles, max_cycle, groups=None, limit=None, holders=None, minimum=None) -> bool:  # type: ignore[no-untyped-def]
    """Check a plan from scratch: lengths, disjointness, movers per unit, holders left per unit."""
    people = [i for c in cycles for i in c]
    if len(set(people)) != len(people) or any(max_cycle is not None and len(c) > max_cycle for c in cycles):
        return False
    if groups is None:
        return True
    if limit is not None and any(sum(groups[i] == u for i in people) > most for u, most in enumerate(limit)):
        return False
    if holders is None:
        return True
    after = dict(enumerate(groups))
    for c in cycles:
        for k, i in enumerate(c):
            after[i] = groups[c[(k + 1) % len(c)]]
    for u in range(len(minimum)):
        for k in range(holders.shape[1]):
            now = sum(holders[i, k] and groups[i] == u for i in range(len(groups)))
            then = sum(holders[i, k] and after[i] == u for i in range(len(groups)))
            if then < min(minimum[u][k], now):
                return False
    return True


def check(plan: RotationSolution, gain: dict[tuple[int, int], float]) -> None:
    for c, worth in zip(plan.cycles, plan.gains, strict=True):
        moves = [(c[k], c[(k + 1) % len(c)]) for k in range(len(c))]
        assert all(move in gain for move in moves), "a forbidden move was made"
        assert worth == pytest.approx(fsum(gain[m] for m in moves))
        assert c[0] == min(c)
    assert plan.outcome.objective == pytest.approx(fsum(plan.gains))
    assert plan.outcome.bound >= plan.outcome.objective


@st.composite
def gains(draw: st.DrawFn, largest: int = 6) -> tuple[int, dict[tuple[int, int], float]]:
    n = draw(st.integers(2, largest))
    value = st.one_of(st.none(), st.sampled_from([0.0, 0.5, 1.0, 2.0]), st.floats(0.01, 5))
    cells = {(i, j): draw(value) for i in range(n) for j in range(n) if i != j}
    return n, {c: g for c, g in cells.items() if g is not None}


def matrix(n: int, cells: dict[tuple[int, int], float]) -> sparse.csr_array:
    rows, columns = ([c[i] for c in cells] for i in (0, 1))
    return sparse.coo_array((list(cells.values()), (rows, columns)), shape=(n, n)).tocsr()


def brute_force(n, cells, accept) -> float:  # type: ignore[no-untyped-def]
    best = 0.0
    for to in permutations(range(n)):
        moves = [(i, j) for i, j in enumerate(to) if i != j]
        if all(m in cells for m in moves) and accept(cycles_of(to)):
            best = max(best, fsum(cells[m] for m in moves))
    return best


@settings(max_examples=80, deadline=None)
@given(gains(), st.sampled_from([2, 3, 4, None]))
def test_rotate_equals_brute_force(problem, max_cycle) -> None:  # type: ignore[no-untyped-def]
    n, cells = problem
    plan = rotate(matrix(n, cells), max_cycle=max_cycle)
    check(plan, cells)
    assert keeps_rules(plan.cycles, max_cycle)
    expected = brute_force(n, cells, lambda c: keeps_rules(c, max_cycle))
    assert plan.outcome.objective == pytest.approx(expected, abs=1e-9)
    assert plan.outcome.status is Status.OPTIMAL


@settings(max_examples=70, deadline=None)
@given(gains(), st.sampled_from([2, 3, None]), st.data())
def test_rotate_keeps_unit_limits_and_cover_and_equals_brute_force(problem, max_cycle, data) -> None:  # type: ignore[no-untyped-def]
    n, cells = problem
    groups = [data.draw(st.integers(-1, 1)) for _ in range(n)]
    limit = [data.draw(st.integers(0, 3)) for _ in range(2)]
    holders = np.array([[data.draw(st.booleans()) for _ in range(2)] for _ in range(n)])
    minimum = [[data.draw(st.integers(0, 2)) for _ in range(2)] for _ in range(2)]
    plan = rotate(matrix(n, cells), max_cycle=max_cycle, groups=groups, group_limit=limit, cover=(holders, minimum), effort=40)
    check(plan, cells)
    assert keeps_rules(plan.cycles, max_cycle, groups, limit, holders, minimum)
    expected = brute_force(n, cells, lambda c: keeps_rules(c, max_cycle, groups, limit, holders, minimum))
    assert plan.outcome.bound >= expected - 1e-9
    if max_cycle is not None:
        assert plan.outcome.objective == pytest.approx(expected, abs=1e-9)
        assert plan.outcome.status is Status.OPTIMAL
    elif plan.outcome.status is Status.OPTIMAL:
        assert plan.outcome.objective == pytest.approx(expected, abs=1e-9)


@settings(max_examples=60, deadline=None)
@given(gains(largest=7), st.sampled_from([2, 3, 4]))
def test_each_cycle_is_listed_once(problem, max_cycle) -> None:  # type: ignore[no-untyped-def]
    n, cells = problem
    cycles, worth, complete = enumerate_cycles(matrix(n, cells), max_cycle)
    found = [tuple(i for i in c if i >= 0) for c in cycles.tolist()]
    expected = {
        p
        for length in range(2, max_cycle + 1)
        for p in permutations(range(n), length)
        if p[0] == min(p) and all((p[k], p[(k + 1) % length]) in cells for k in range(length))
    }
    assert complete
    assert len(set(found)) == len(found)
    assert set(found) == expected
    assert worth.tolist() == pytest.approx([fsum(cells[c[k], c[(k + 1) % len(c)]] for k in range(len(c))) for c in found])


def test_locked_people_keep_their_posts_and_are_taken_by_nobody() -> None:
    gain = family(30, 10, 1)
    plan = rotate(gain, locked=[0, 5, 7])
    assert not {0, 5, 7} & {i for c in plan.cycles for i in c}
    assert not {0, 5, 7} & {i for c in rotate(gain, max_cycle=None, locked=[0, 5, 7]).cycles for i in c}


def test_pinned_cycles_are_kept_in_any_notation_and_what_they_break_is_named() -> None:
    gain = matrix(4, {(0, 1): 1.0, (1, 0): 1.0, (0, 2): 9.0, (2, 0): 9.0, (2, 3): 1.0, (3, 2): 1.0})
    assert rotate(gain).cycles == ((0, 2),)
    plan = rotate(gain, pinned_cycles=[(1, 0)])
    assert plan.cycles == ((0, 1), (2, 3))
    assert plan.outcome.objective == 4.0
    assert rotate(gain, pinned_cycles=[(0, 1), (1, 2)]).outcome.conflicts == ("pinned_twice:1",)
    assert rotate(gain, pinned_cycles=[(0, 1)], locked=[1]).outcome.conflicts == ("pinned_locked:1",)
    full = rotate(gain, pinned_cycles=[(0, 1)], groups=[0, 0, 1, 1], group_limit=[1, 2])
    assert full.outcome.status is Status.INFEASIBLE
    assert full.outcome.conflicts == ("group_limit:0",)
    bare = rotate(gain, pinned_cycles=[(0, 2)], groups=[0, 0, 1, 1], cover=(np.array([[1], [0], [0], [0]]), [[1], [0]]))
    assert bare.outcome.conflicts == ("cover:0,0",)


def test_prices_bound_every_cycle() -> None:
    gain = family(60, 12, 3)
    groups = np.arange(60) % 4
    plan = rotate(gain, groups=groups, group_limit=[5] * 4)
    cycles, worth, _ = enumerate_cycles(gain, 3)
    padded = np.append(plan.person_prices + plan.group_prices[groups], 0.0)
    assert (padded[cycles].sum(axis=1) >= worth - 1e-9).all()
    assert plan.person_prices.sum() + 5 * plan.group_prices.sum() >= plan.outcome.bound - 1e-6


def test_a_free_plan_is_proven_and_no_worse_than_any_limited_one() -> None:
    gain = family(150, 12, 4)
    free = rotate(gain, max_cycle=None)
    assert free.outcome.status is Status.OPTIMAL
    values = [rotate(gain, max_cycle=k, effort=20).outcome.objective for k in (2, 3)]
    assert values[0] < values[1] <= free.outcome.objective


def test_larger_plans_state_a_small_gap_and_break_no_rule() -> None:
    n = 60
    gain = family(n, 10, 5)
    cells = {(int(i), int(j)): float(g) for i, j, g in zip(*gain.tocoo().coords, gain.tocoo().data, strict=True)}
    rng = np.random.default_rng(5)
    groups = rng.integers(0, 6, n)
    holders = rng.random((n, 3)) < 0.15
    limit, minimum = [4] * 6, np.full((6, 3), 3)
    plan = rotate(gain, groups=groups, group_limit=limit, cover=(holders, minimum), effort=15)
    check(plan, cells)
    assert keeps_rules(plan.cycles, 3, groups.tolist(), limit, holders, minimum.tolist())
    assert plan.outcome.gap < 0.1
    free = rotate(gain, max_cycle=None, groups=groups, group_limit=limit, cover=(holders, minimum), effort=2)
    check(free, cells)
    assert keeps_rules(free.cycles, None, groups.tolist(), limit, holders, minimum.tolist())
    assert free.outcome.bound >= plan.outcome.objective


def test_too_many_cycles_are_limited_to_the_best_moves_and_the_bound_stays_valid(monkeypatch) -> None:  # type: ignore[no-untyped-def]
    gain = family(40, 15, 6)
    full = rotate(gain)
    monkeypatch.setattr("competence.solve.rotate._LIMIT", 60)
    part = rotate(gain)
    assert part.n_candidates <= 60 < full.n_candidates
    assert part.outcome.notes
    assert part.outcome.notes[0].startswith("cycles_limited")
    assert part.outcome.objective <= full.outcome.objective <= part.outcome.bound


def test_a_run_stopped_by_steps_is_repeatable_and_more_steps_are_never_worse() -> None:
    gain = family(200, 20, 7)
    few, again, more = (rotate(gain, effort=e) for e in (3, 3, 12))
    assert few.cycles == again.cycles
    assert few.outcome == again.outcome
    assert few.outcome.objective <= more.outcome.objective
    assert rotate(gain, effort=0).outcome.steps == 0


def test_the_order_of_the_input_changes_nothing_after_the_seeded_order() -> None:
    gain = family(25, 10, 8).toarray()
    ids = [f"p{i}" for i in range(25)]
    plans = set()
    for seed in range(3):
        shuffle = np.random.default_rng(seed).permutation(25)
        names = [ids[i] for i in shuffle]
        order = seeded_order(names, 1)
        view = gain[np.ix_(shuffle, shuffle)][np.ix_(order, order)]
        plan = rotate(sparse.csr_array(view))
        plans.add(frozenset((names[order[c[k]]], names[order[c[(k + 1) % len(c)]]]) for c in plan.cycles for k in range(len(c))))
    assert len(plans) == 1


def test_nobody_can_move_is_an_empty_optimal_plan() -> None:
    plan = rotate(matrix(3, {(0, 1): 1.0}))
    assert plan.cycles == ()
    assert plan.outcome.objective == 0.0
    assert plan.outcome.status is Status.OPTIMAL
    assert rotate(sparse.csr_array((0, 0))).cycles == ()


def test_progress_can_cancel() -> None:
    plan = rotate(family(100, 15, 9), progress=lambda steps, phase: False)
    assert plan.outcome.stopped_by == "cancelled"
    assert plan.outcome.bound >= plan.outcome.objective > 0


@pytest.mark.parametrize(
    "bad",
    [
        {"max_cycle": 1},
        {"locked": [9]},
        {"group_limit": [1]},
        {"groups": [0]},
        {"pinned_cycles": [(0,)]},
        {"groups": [0, 0, 0], "group_limit": [-1]},
        {"effort": -1},
        {"may_empty": [3]},
        {"pinned_cycles": [(0, 3)]},
    ],
)
def test_wrong_input_is_refused(bad) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(InputError):
        rotate(matrix(3, {(0, 1): 1.0, (1, 0): 1.0}), **bad)
    with pytest.raises(InputError):
        rotate(matrix(3, {(0, 1): -1.0}))


def test_what_a_priced_unit_limit_has_left_counts_as_a_loss() -> None:
    """The swap 1-2 loses nothing against the prices of people, but leaves unit 1's priced limit unused."""
    cells = {(0, 4): 0.0, (1, 2): 0.0, (1, 4): 0.0, (2, 1): 0.0, (4, 0): 1.0, (4, 2): 0.25}
    plan = rotate(matrix(5, cells), groups=[1, 0, 0, 0, 1], group_limit=[2, 1])
    assert (plan.cycles, plan.outcome.objective, plan.outcome.status) == (((1, 4, 2),), 0.25, Status.OPTIMAL)


def test_a_bound_that_differs_by_rounding_alone_is_a_proof() -> None:
    gain = sparse.csr_array(([0.5, 1.5], ([2, 2], [0, 1])), shape=(3, 3))
    outcome = rotate(gain, max_cycle=None).outcome
    assert (outcome.status, outcome.objective, outcome.gap) == (Status.OPTIMAL, 0.0, 0.0)


@pytest.mark.parametrize("size", [1e-12, 1.0, 1e12])
def test_gains_of_any_size_are_solved_alike(size: float) -> None:
    """With two movers in unit 0 at most, 1-4-3 with 0 and 2 left is worth 16; tolerances must not swallow that."""
    cells = {(0, 2): 5.0, (1, 0): 3.0, (1, 4): 6.0, (2, 0): 1.0, (2, 1): 3.0, (2, 3): 7.0, (2, 4): 6.0}
    cells |= {(3, 0): 4.0, (3, 1): 7.0, (3, 2): 0.0, (3, 4): 1.0, (4, 0): 1.0, (4, 2): 0.0, (4, 3): 0.0}
    groups, limit = [0, 1, 2, 0, 0], [2, 2, 9]
    expected = brute_force(5, cells, lambda c: keeps_rules(c, 3, groups, limit))
    scaled = matrix(5, {c: g * size for c, g in cells.items()})
    outcome = rotate(scaled, groups=groups, group_limit=limit).outcome
    assert outcome.status is Status.OPTIMAL
    assert outcome.objective == pytest.approx(expected * size, rel=1e-12)
    for cycle in (2, 3):
        stopped = rotate(scaled, max_cycle=cycle, groups=groups, group_limit=limit, effort=0).outcome
        assert stopped.bound >= brute_force(5, cells, lambda c, k=cycle: keeps_rules(c, k, groups, limit)) * size * (1 - 1e-12)


@pytest.mark.parametrize("max_cycle", [2, 3, None])
def test_a_move_that_nobody_can_make_does_not_set_the_scale_of_the_others(max_cycle) -> None:  # type: ignore[no-untyped-def]
    # 3 has no way on, and unit 1 (4 and 5) may not move; what is left is 0-1 (2 in all) or 1-2 (3 in all).
    cells = {(0, 1): 1.0, (1, 0): 1.0, (1, 2): 1.0, (2, 1): 2.0, (0, 3): 1e12, (4, 5): 1e12, (5, 4): 1e12, (0, 4): 1e12}
    plan = rotate(matrix(6, cells), max_cycle=max_cycle, groups=[0, 0, 0, 0, 1, 1], group_limit=[4, 0])
    assert (plan.cycles, plan.outcome.objective, plan.outcome.status) == (((1, 2),), 3.0, Status.OPTIMAL)
    # 4-5 needs two movers where one is allowed.
    plan = rotate(matrix(6, cells), max_cycle=max_cycle, groups=[0, 0, 0, 0, 1, 1], group_limit=[4, 1])
    assert (plan.cycles, plan.outcome.objective) == (((1, 2),), 3.0)
    assert plan.outcome.status is Status.OPTIMAL or max_cycle is None


def best_packing(n: int, cells: dict[tuple[int, int], float], max_cycle: int) -> float:
    """Decide the lowest person first: stay, or any cycle with people who are free; by plain recursion."""
    memo: dict[int, float] = {0: 0.0}

    def best(free: int) -> float:
        if free in memo:
            return memo[free]
        low = (free & -free).bit_length() - 1
        others = [i for i in range(low + 1, n) if free >> i & 1]
        value = best(free & ~(1 << low))
        for size in range(1, max_cycle):
            for who in combinations(others, size):
                for order in permutations(who):
                    ring = (low, *order)
                    moves = [(ring[k], ring[(k + 1) % len(ring)]) for k in range(len(ring))]
                    if all(m in cells for m in moves):
                        mask = sum(1 << i for i in ring)
                        value = max(value, fsum(cells[m] for m in moves) + best(free & ~mask))
        memo[free] = value
        return value

    return best((1 << n) - 1)


@pytest.mark.parametrize("max_cycle", [2, 3, 4])
def test_eight_people_equal_plain_recursion(max_cycle: int) -> None:
    for seed in range(6):
        rng = np.random.default_rng(seed)
        cells = {(i, j): float(rng.integers(1, 10)) for i in range(8) for j in range(8) if i != j and rng.random() < 0.6}
        plan = rotate(matrix(8, cells), max_cycle=max_cycle)
        check(plan, cells)
        assert plan.outcome.status is Status.OPTIMAL
        assert plan.outcome.objective == pytest.approx(best_packing(8, cells, max_cycle))


def best_with_supply(people, posts, cells, may_empty, max_cycle, accept) -> float:  # type: ignore[no-untyped-def]
    """Try every placing of people into posts, their own or free ones; count the moves that a supply post starts."""
    best = 0.0
    for where in permutations(range(people + posts), people):
        moves = [(i, j) for i, j in enumerate(where) if i != j]
        if not all(m in cells for m in moves):
            continue
        empty = [j for j in range(people) if j not in where]
        if any(j not in may_empty for j in empty) or not accept(where):
            continue
        # Follow each chain back from the supply post that was filled, and each cycle once.
        follows = {j: i for i, j in moves}
        lengths, seen = [], set()
        for post in range(people, people + posts):
            length, at = 0, post
            while at in follows:
                at = follows[at]
                seen.add(at)
                length += 1
            lengths.append(length)
        for i in follows.values():
            length, at = 0, i
            while at not in seen:
                seen.add(at)
                at = follows[at]
                length += 1
            lengths.append(length)
        if max_cycle is None or max(lengths) <= max_cycle:
            best = max(best, fsum(cells[m] for m in moves))
    return best


@settings(max_examples=50, deadline=None)
@given(st.integers(2, 4), st.integers(1, 2), st.integers(0, 10**6), st.sampled_from([2, 3, None]))
def test_supply_posts_start_chains_and_equal_brute_force(people: int, posts: int, seed: int, max_cycle: int | None) -> None:
    rng = np.random.default_rng(seed)
    n = people + posts
    cells = {(i, j): float(rng.integers(1, 9)) for i in range(people) for j in range(n) if i != j and rng.random() < 0.6}
    gain = sparse.coo_array((list(cells.values()), ([c[0] for c in cells], [c[1] for c in cells])), shape=(people, n)).tocsr()
    groups = rng.integers(0, 2, n)
    limit = rng.integers(1, 4, 2)
    may_empty = [i for i in range(people) if rng.random() < 0.7]

    def accept(where: tuple[int, ...]) -> bool:
        return all(sum(groups[i] == u and where[i] != i for i in range(people)) <= limit[u] for u in (0, 1))

    plan = rotate(gain, max_cycle=max_cycle, groups=groups, group_limit=limit, may_empty=may_empty)
    where = list(range(people))
    for c in plan.cycles:
        assert sum(i >= people for i in c) <= 1
        for k, i in enumerate(c):
            if i < people:
                where[i] = c[(k + 1) % len(c)]
            else:
                assert c[(k + 1) % len(c)] in may_empty
    assert len(set(where)) == people
    assert accept(tuple(where))
    assert fsum(cells[i, j] for i, j in enumerate(where) if i != j) == pytest.approx(plan.outcome.objective)
    expected = best_with_supply(people, posts, cells, may_empty, max_cycle, accept)
    assert plan.outcome.bound >= expected - 1e-9
    if max_cycle is not None or plan.outcome.status is Status.OPTIMAL:
        assert plan.outcome.objective == pytest.approx(expected)


def test_a_chain_fills_the_vacancy_and_leaves_the_last_post_empty() -> None:
    # 0 wants the vacancy (position 2), 1 wants the post of 0; 0 arriving brings the first aider to unit 1.
    gain = sparse.csr_array(([3.0, 2.0], ([0, 1], [2, 0])), shape=(2, 3))
    plan = rotate(gain)
    assert plan.cycles == ((0, 2, 1),)
    assert plan.outcome.objective == 5.0
    assert rotate(gain, may_empty=[0]).cycles == ((0, 2),)
    assert rotate(gain, may_empty=[]).cycles == ()
    assert rotate(gain, pinned_cycles=[(2, 0)]).cycles == ((0, 2),)
    kept = rotate(gain, groups=[0, 0, 1], cover=(np.array([[1], [0]]), [[1], [0]]))
    assert kept.cycles == ()
    assert rotate(gain, max_cycle=None).cycles == ((0, 2, 1),)


def test_a_later_call_goes_on_from_the_plan_and_columns_of_an_earlier_one() -> None:
    gain = family(120, 14, 10)
    first = rotate(gain, effort=30)
    # Nothing changed: not a step is needed for the plan to be as good.
    assert rotate(gain, start=first.start, effort=0).outcome.objective >= first.outcome.objective
    locked = [first.cycles[0][0]]
    again = rotate(gain, locked=locked, start=first.start, effort=6)
    assert not set(locked) & {i for c in again.cycles for i in c}
    assert again.outcome.gap <= first.outcome.gap + 0.01
    # People in another order: the same start, renumbered.
    order = np.random.default_rng(0).permutation(120)
    position = np.argsort(order)
    other = rotate(sparse.csr_array(gain.toarray()[np.ix_(order, order)]), start=first.start.renumbered(position), effort=0)
    assert other.outcome.objective >= first.outcome.objective - 1e-9
    assert RotationStart(((0, 1),), np.empty((0, 2), dtype=np.int32)).renumbered([-1, 0]).plan == ()
    with pytest.raises(InputError):
        first.start.renumbered([0])


def test_a_run_stopped_by_the_clock_is_repeated_by_its_steps() -> None:
    gain = family(300, 20, 11)
    for options in ({"max_cycle": 3}, {"max_cycle": None, "groups": np.arange(300) % 12, "group_limit": [6] * 12}):
        cut = rotate(gain, effort=500, time_limit=0.4, **options)
        again = rotate(gain, effort=cut.outcome.steps, **options)
        assert cut.outcome.stopped_by != "clock" or cut.cycles == again.cycles


def test_the_number_of_cores_changes_nothing() -> None:
    code = (
        "import json, os, sys\n"
        "if hasattr(os, 'sched_setaffinity'): os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:1])\n"
        "from tests.test_solve_rotate import answers\n"
        "print(json.dumps(answers()))\n"
    )
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")
    root = Path(__file__).resolve().parent.parent
    alone = subprocess.run(
        [sys.executable, "-c", code], cwd=root, env=os.environ | threads, capture_output=True, text=True, check=True
    )
    together = json.loads(json.dumps(answers()))
    assert json.loads(alone.stdout) == together
    assert all(together.values())


def answers() -> dict[str, object]:
    """Plan one period, several, and teams, each ended by steps."""
    gain, draw = family(90, 14, 12), np.random.default_rng(3)
    teams = partition(draw.random((60, 6)) < 0.3, [1] * 6, draw.random(6), draw.integers(0, 2, 60), size=5, effort=4000)
    return {
        "rotate": rotate(gain, effort=12).cycles,
        "periods": rotate_periods(gain, 3, max_cycle=None, effort=12).posts.tolist(),
        "teams": [teams.stage1, teams.stage2],
    }
