"""Order, assignment, stable pairs: against plain enumeration, and the proofs checked apart from the solver."""

from __future__ import annotations

from itertools import combinations, product
from math import fsum

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from competence.errors import InputError
from competence.model import Status
from competence.solve.assign import Assignment, alternatives, assign
from competence.solve.order import seeded_order
from competence.solve.stable import blocking_pairs, stable_match


def csr(cells: dict[tuple[int, int], float], shape: tuple[int, int]) -> sparse.csr_array:
    """Build a matrix in which stored zeros are allowed pairs."""
    rows, columns = ([c[i] for c in cells] for i in (0, 1))
    return sparse.coo_array((list(cells.values()), (rows, columns)), shape=shape).tocsr()


@st.composite
def pairings(draw: st.DrawFn, largest: int = 4, many: bool = True) -> tuple[dict[tuple[int, int], float], list[int], list[int]]:
    n, m = draw(st.integers(1, largest)), draw(st.integers(1, largest))
    scores = st.one_of(st.none(), st.sampled_from([0.0, 0.1, 0.25, 0.5, 1.0]), st.floats(0, 1))
    cells = {(i, j): draw(scores) for i in range(n) for j in range(m)}
    capacity = st.integers(0, 2 if many else 1)
    rows, columns = [draw(capacity) for _ in range(n)], [draw(st.integers(0, 2)) for _ in range(m)]
    return {c: s for c, s in cells.items() if s is not None}, rows, columns


def plans(cells: dict[tuple[int, int], float], rows: list[int], columns: list[int]):  # type: ignore[no-untyped-def]
    """Yield every set of pairs within the capacities, by plain enumeration."""
    allowed = sorted(cells)

    def extend(at: int, chosen: list[tuple[int, int]], row_left: list[int], column_left: list[int]):  # type: ignore[no-untyped-def]
        if at == len(allowed):
            yield list(chosen)
            return
        yield from extend(at + 1, chosen, row_left, column_left)
        i, j = allowed[at]
        if row_left[i] and column_left[j]:
            row_left[i] -= 1
            column_left[j] -= 1
            yield from extend(at + 1, [*chosen, (i, j)], row_left, column_left)
            row_left[i] += 1
            column_left[j] += 1

    yield from extend(0, [], list(rows), list(columns))


def best_plan(cells: dict[tuple[int, int], float], rows: list[int], columns: list[int]) -> tuple[float, tuple[int, float]]:
    """Return the best score, and the most pairs with their best score: every filling of the columns, row by row."""
    n, m = len(rows), len(columns)

    # Per row every set of columns it may take; per state of the columns' room the best that the rows so far can have.
    states: dict[tuple[int, ...], dict[int, float]] = {tuple(columns): {0: 0.0}}
    for i in range(n):
        mine = [j for j in range(m) if (i, j) in cells]
        following: dict[tuple[int, ...], dict[int, float]] = {}
        for taken in (t for k in range(min(rows[i], len(mine)) + 1) for t in combinations(mine, k)):
            worth = fsum(cells[i, j] for j in taken)
            for room, known in states.items():
                if all(room[j] for j in taken):
                    left = tuple(c - (j in taken) for j, c in enumerate(room))
                    into = following.setdefault(left, {})
                    for pairs, value in known.items():
                        into[pairs + len(taken)] = max(into.get(pairs + len(taken), -1.0), value + worth)
        states = following
    flat = [(pairs, value) for known in states.values() for pairs, value in known.items()]
    most = max(pairs for pairs, _ in flat)
    return max(value for _, value in flat), (most, max(value for pairs, value in flat if pairs == most))


def check(plan: Assignment, cells: dict[tuple[int, int], float], rows: list[int], columns: list[int]) -> list[tuple[int, int]]:
    pairs = [tuple(p) for p in plan.pairs.tolist()]
    assert len(set(pairs)) == len(pairs)
    assert all(p in cells for p in pairs), "a forbidden pair was drawn"
    assert all(sum(p[0] == i for p in pairs) <= c for i, c in enumerate(rows))
    assert all(sum(p[1] == j for p in pairs) <= c for j, c in enumerate(columns))
    assert plan.outcome.objective == pytest.approx(fsum(cells[p] for p in pairs))
    assert plan.outcome.bound >= plan.outcome.objective
    return pairs


def test_order_does_not_depend_on_the_order_of_the_input() -> None:
    ids = [f"p{i}" for i in range(200)]
    shuffled = list(np.random.default_rng(1).permutation(ids))
    assert [ids[i] for i in seeded_order(ids, 3)] == [shuffled[i] for i in seeded_order(shuffled, 3)]
    assert [ids[i] for i in seeded_order(ids, 3)] != [ids[i] for i in seeded_order(ids, 4)]
    assert sorted(seeded_order(ids, 3).tolist()) == list(range(200))


def prove(plan: Assignment, cells: dict[tuple[int, int], float], rows: list[int], columns: list[int]) -> None:
    """Check by hand that the prices allow no better plan: what they add up to is what the plan has."""
    u, v, bonus = plan.row_duals, plan.column_duals, plan.pair_bonus
    assert (u >= 0).all()
    assert (v >= 0).all()
    dual = u @ np.array(rows) + v @ np.array(columns)
    dual += fsum(max(0.0, s + bonus - u[i] - v[j]) for (i, j), s in cells.items())
    assert dual == pytest.approx(plan.outcome.objective + bonus * len(plan.pairs), abs=1e-9 * max(1.0, bonus))


@settings(max_examples=100, deadline=None)  # one takes more than 20 ms, nearly all of it the enumeration
@given(pairings(largest=8, many=False), st.sampled_from(["score", "most_pairs"]), st.booleans())
def test_assign_equals_brute_force_up_to_eight_and_its_prices_prove_it(problem, objective, turned) -> None:  # type: ignore[no-untyped-def]
    cells, rows, columns = problem
    if turned:
        cells, rows, columns = {(j, i): s for (i, j), s in cells.items()}, columns, rows
    plan = assign(csr(cells, (len(rows), len(columns))), rows, columns, objective=objective)
    pairs = check(plan, cells, rows, columns)
    if turned:
        score, (most, most_score) = best_plan({(j, i): s for (i, j), s in cells.items()}, columns, rows)
    else:
        score, (most, most_score) = best_plan(cells, rows, columns)
    assert plan.outcome.status is Status.OPTIMAL
    if objective == "score":
        assert plan.outcome.objective == pytest.approx(score, abs=1e-12)
    else:
        assert len(pairs) == most
        assert plan.outcome.objective == pytest.approx(most_score, abs=1e-12)
    prove(plan, cells, rows, columns)


@settings(max_examples=500, deadline=None)
@given(pairings(largest=4), st.sampled_from(["score", "most_pairs"]))
def test_assign_equals_brute_force_where_both_sides_take_several(problem, objective) -> None:  # type: ignore[no-untyped-def]
    cells, rows, columns = problem
    plan = assign(csr(cells, (len(rows), len(columns))), rows, columns, objective=objective)
    pairs = check(plan, cells, rows, columns)
    score, most = best_plan(cells, rows, columns)
    assert plan.outcome.status is Status.OPTIMAL
    found = (len(pairs), plan.outcome.objective)
    assert found[1] == pytest.approx(score if objective == "score" else most[1], abs=1e-12)
    assert objective == "score" or found[0] == most[0]
    prove(plan, cells, rows, columns)


def generated(kind: str, n: int, m: int, k: int) -> tuple[sparse.csr_array, np.ndarray]:
    """Return k candidates per row out of m columns and the columns' room; scores in thousandths."""
    rng = np.random.default_rng(7)
    key = np.unique(np.repeat(np.arange(n), k) * m + rng.integers(0, m, n * k))
    scores = rng.integers(0, 1001, key.size) / 1000
    if kind == "ties":
        scores[:] = 0.5
    elif kind == "bottleneck":
        scores = scores / 10 + 0.9 * (key % m < m // 10)
    room = rng.integers(1, 4, m)
    return sparse.coo_array((scores, (key // m, key % m)), shape=(n, m)).tocsr(), np.zeros_like(
        room
    ) if kind == "nobody" else room


@pytest.mark.parametrize("kind", ["uniform", "ties", "bottleneck", "nobody"])
def test_stated_optima_are_confirmed_by_a_linear_programme_of_another_make(kind: str) -> None:
    from scipy.optimize import linprog

    score, room = generated(kind, 300, 110, 12)
    plan = assign(score, 1, room)
    coo = score.tocoo()
    place = np.arange(score.nnz)
    sides = [sparse.csr_array((np.ones(score.nnz), (side, place))) for side in (coo.row, coo.col)]
    sides = [sparse.csr_array((one.data, one.indices, one.indptr), shape=one.shape) for one in sides]
    limits = np.concatenate([np.ones(sides[0].shape[0]), room[: sides[1].shape[0]]])
    other = linprog(-coo.data, A_ub=sparse.vstack(sides, format="csr"), b_ub=limits, bounds=(0, 1), method="highs")
    assert plan.outcome.status is Status.OPTIMAL
    assert plan.outcome.objective == pytest.approx(-other.fun, abs=1e-6)
    prove(
        plan,
        {(i, j): s for i, j, s in zip(coo.row.tolist(), coo.col.tolist(), coo.data.tolist(), strict=True)},
        [1] * 300,
        room.tolist(),
    )
    assert (len(plan.pairs) == 0) == (kind == "nobody")


def test_most_pairs_of_many_confirmed_by_scipy_and_turned_round() -> None:
    from scipy.sparse.csgraph import maximum_bipartite_matching

    score, _ = generated("uniform", 400, 400, 3)
    plan = assign(score, objective="most_pairs")
    assert len(plan.pairs) == (maximum_bipartite_matching(sparse.csr_matrix(score)) >= 0).sum()
    turned = assign(sparse.csr_array(score.T.tocsr()), objective="most_pairs")
    assert (len(turned.pairs), turned.outcome.objective) == (len(plan.pairs), pytest.approx(plan.outcome.objective, abs=1e-9))


@pytest.mark.parametrize("effort", [500, 3000, 4200])
def test_a_stopped_run_is_the_beginning_of_the_whole_one_in_parts_or_at_once(effort: int, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    score, room = generated("uniform", 900, 300, 10)
    one = assign(score, 1, room, effort=effort)
    monkeypatch.setattr("competence.solve.assign._CHUNK", 37)
    parts = assign(score, 1, room, effort=effort)
    assert one.pairs.tolist() == parts.pairs.tolist()
    assert one.outcome.steps == parts.outcome.steps <= effort
    best = assign(score, 1, room).outcome.objective
    assert one.outcome.objective <= best + 1e-9
    assert one.outcome.bound >= best - 1e-9
    if one.outcome.status is not Status.OPTIMAL:
        assert one.outcome.stopped_by == "steps"


def test_stable_match_can_be_stopped_and_breaks_ties_by_seed() -> None:
    ones = sparse.csr_array(np.ones((40, 40)))
    stopped = stable_match(ones, ones, effort=10)
    assert (stopped.outcome.status, stopped.outcome.bound, stopped.outcome.stopped_by) == (Status.HEURISTIC, None, "steps")
    assert (len(stopped.pairs), stopped.outcome.notes) == (4, ("stability_not_proven",))  # 1 + 2 + 3 + 4 proposals
    assert stable_match(ones, ones, progress=lambda steps, phase: False).outcome.stopped_by == "cancelled"
    assert stable_match(ones, ones).pairs.tolist() == [[i, i] for i in range(40)]
    drawn = [stable_match(ones, ones, seed=s).pairs.tolist() for s in (1, 1, 2)]
    assert drawn[0] == drawn[1] != drawn[2]
    assert not len(blocking_pairs(ones, ones, np.array(drawn[0])))


@settings(max_examples=60, deadline=None)
@given(pairings(largest=3), st.data())
def test_minimums_are_kept_or_named_as_what_cannot_be(problem, data) -> None:  # type: ignore[no-untyped-def]
    cells, rows, columns = problem
    low = [data.draw(st.integers(0, c)) for c in rows], [data.draw(st.integers(0, c)) for c in columns]
    for objective in ("score", "most_pairs"):
        plan = assign(csr(cells, (len(rows), len(columns))), rows, columns, lower=low, objective=objective)
        legal = [
            one
            for one in plans(cells, rows, columns)
            if all(sum(p[0] == i for p in one) >= c for i, c in enumerate(low[0]))
            and all(sum(p[1] == j for p in one) >= c for j, c in enumerate(low[1]))
        ]
        if not legal:
            assert plan.outcome.status is Status.INFEASIBLE
            assert plan.outcome.conflicts
            continue
        pairs = check(plan, cells, rows, columns)
        assert sorted(pairs) in [sorted(one) for one in legal]
        value = max(((len(one) if objective == "most_pairs" else 0), fsum(cells[p] for p in one)) for one in legal)
        assert plan.outcome.objective == pytest.approx(value[1], abs=1e-9)


@settings(max_examples=60, deadline=None)
@given(pairings(largest=3), st.data())
def test_alternatives_never_overstate_what_the_whole_would_lose(problem, data) -> None:  # type: ignore[no-untyped-def]
    cells, rows, columns = problem
    score = csr(cells, (len(rows), len(columns)))
    plan = assign(score, rows, columns)
    row = data.draw(st.integers(0, len(rows) - 1))
    chosen = {tuple(p) for p in plan.pairs.tolist()}
    for other in alternatives(score, plan, row, 3):
        assert (row, other.column) in cells
        assert (row, other.column) not in chosen
        with_it = [fsum(cells[p] for p in one) for one in plans(cells, rows, columns) if (row, other.column) in one]
        if with_it:
            assert other.loss <= plan.outcome.objective - max(with_it) + 1e-9
            forced = assign(score, rows, columns, pinned=[(row, other.column)])
            assert forced.outcome.objective == pytest.approx(max(with_it), abs=1e-9)


def test_a_stored_zero_is_an_allowed_pair_and_an_absent_one_is_never_drawn() -> None:
    score = csr({(0, 0): 0.0, (1, 0): 0.0}, (2, 2))
    plan = assign(score, objective="most_pairs")
    assert plan.pairs.tolist() in ([[0, 0]], [[1, 0]])


def test_ties_everywhere_are_broken_by_position_alone() -> None:
    ids = [f"p{i}" for i in range(30)]
    score = sparse.csr_array(np.ones((30, 20)))
    answers = set()
    for seed in range(3):
        given_order = list(np.random.default_rng(seed).permutation(ids))
        order = seeded_order(given_order, 5)
        plan = assign(score)
        answers.add(frozenset((given_order[order[i]], j) for i, j in plan.pairs.tolist()))
    assert len(answers) == 1


def test_pinned_pairs_are_kept_and_contradictions_are_named() -> None:
    score = csr({(0, 0): 1.0, (0, 1): 0.2, (1, 0): 0.3}, (2, 2))
    assert assign(score, pinned=[(0, 1)]).pairs.tolist() == [[0, 1], [1, 0]]
    assert assign(score, pinned=[(1, 1)]).outcome.conflicts == ("pinned_forbidden:1,1",)
    assert assign(score, pinned=[(0, 0), (0, 1)]).outcome.conflicts == ("pinned_over_row_capacity:0",)


def test_a_run_stopped_by_steps_states_a_gap_and_is_repeatable() -> None:
    score = sparse.csr_array(np.random.default_rng(0).random((40, 40)))
    part, again = (assign(score, effort=10) for _ in range(2))
    assert part.outcome.stopped_by == "steps"
    assert part.outcome.steps == 10
    assert part.outcome.status is Status.FEASIBLE
    assert part.pairs.tolist() == again.pairs.tolist()
    assert part.outcome.bound >= assign(score).outcome.objective


def test_progress_can_cancel() -> None:
    plan = assign(sparse.csr_array(np.ones((3, 3))), progress=lambda steps, phase: False)
    assert plan.outcome.stopped_by == "cancelled"
    assert not len(plan.pairs)


def test_assignment_meets_scipy_on_a_dense_instance() -> None:
    from scipy.optimize import linear_sum_assignment

    dense = np.random.default_rng(2).random((120, 90))
    rows, columns = linear_sum_assignment(dense, maximize=True)
    plan = assign(sparse.csr_array(dense))
    assert plan.outcome.objective == pytest.approx(dense[rows, columns].sum(), abs=1e-9)
    assert plan.outcome.gap <= 1e-9


@pytest.mark.parametrize(
    "bad", [{"row_capacity": -1}, {"row_capacity": 1.5}, {"column_capacity": [1, 1, 1]}, {"objective": "most"}]
)
def test_wrong_input_is_refused_with_what_is_allowed(bad) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(InputError):
        assign(sparse.csr_array(np.ones((2, 2))), **bad)
    with pytest.raises(InputError, match="at least 0"):
        assign(sparse.csr_array(-np.ones((2, 2))))
    with pytest.raises(InputError, match="once"):
        assign(sparse.csr_array((np.ones(2), [0, 0], [0, 2]), shape=(1, 2)))


@settings(max_examples=120, deadline=None)
@given(pairings(largest=3, many=False), st.data())
def test_stable_match_has_no_blocking_pair_and_no_row_does_better_in_any_stable_plan(problem, data) -> None:  # type: ignore[no-untyped-def]
    cells, _, capacity = problem
    # Strict preferences: with ties "best for every row" is not defined.
    order = data.draw(st.permutations(sorted(cells)))
    mine = {c: float(k) for k, c in enumerate(order)}
    theirs = {c: float(k) for k, c in enumerate(data.draw(st.permutations(sorted(cells))))}
    n, m = problem[1].__len__(), len(capacity)
    first, second = csr(mine, (n, m)), csr(theirs, (n, m))
    plan = stable_match(first, second, capacity)
    pairs = check(plan, mine, [1] * n, capacity)
    assert not len(blocking_pairs(first, second, plan.pairs, capacity))
    best = dict.fromkeys(range(n), -1.0)
    for one in plans(mine, [1] * n, capacity):
        if not len(blocking_pairs(first, second, np.array(one, dtype=np.int64).reshape(-1, 2), capacity)):
            for i, j in one:
                best[i] = max(best[i], mine[i, j])
    assert {i: mine[i, j] for i, j in pairs} == {i: b for i, b in best.items() if b >= 0}


def test_blocking_pairs_are_those_found_by_looking_at_each_pair() -> None:
    rng = np.random.default_rng(4)
    first, second = rng.integers(1, 5, (6, 4)).astype(float), rng.integers(1, 5, (6, 4)).astype(float)
    pairs = np.array([[0, 1], [1, 1], [2, 0], [3, 3]])
    capacity = [1, 2, 1, 1]
    partner = dict(pairs.tolist())
    held = {j: [i for i, k in partner.items() if k == j] for j in range(4)}
    expected = [
        [i, j]
        for i, j in product(range(6), range(4))
        if partner.get(i) != j
        and (i not in partner or first[i, j] > first[i, partner[i]])
        and (len(held[j]) < capacity[j] or any(second[i, j] > second[k, j] for k in held[j]))
    ]
    found = blocking_pairs(sparse.csr_array(first), sparse.csr_array(second), pairs, capacity)
    assert found.tolist() == expected
    assert expected


def test_stable_plan_of_many_with_ties_has_no_blocking_pair() -> None:
    rng = np.random.default_rng(0)
    n, m = 2000, 200
    rows, columns = np.repeat(np.arange(n), 10), rng.integers(0, m, 10 * n)
    first = sparse.csr_array((np.ones(10 * n), (rows, columns)), shape=(n, m))
    first.sum_duplicates()
    second = first.copy()
    first.data, second.data = rng.integers(1, 4, first.nnz).astype(float), rng.integers(1, 4, first.nnz).astype(float)
    plan = stable_match(first, second, 5)
    assert np.bincount(plan.pairs[:, 1], minlength=m).max() <= 5
    assert not len(blocking_pairs(first, second, plan.pairs, 5))


def test_every_pair_of_a_small_complete_instance_is_found() -> None:
    plan = assign(sparse.csr_array(np.ones((4, 2))), 1, 2)
    assert len(plan.pairs) == 4
    assert plan.outcome.objective == 4.0
    assert len(list(combinations(range(4), 2))) == 6  # every way to fill the first column would have done


@pytest.mark.parametrize("effort", [0, 1])
def test_a_stopped_run_is_not_optimal_while_more_pairs_may_be_possible(effort) -> None:  # type: ignore[no-untyped-def]
    score = csr({(0, 0): 0.0, (1, 1): 0.0}, (2, 2))
    plan = assign(score, objective="most_pairs", effort=effort)
    # All scores are zero, so the score is the best possible; the number of pairs is not.
    assert (len(plan.pairs), plan.outcome.objective, plan.outcome.bound) == (effort, 0.0, 0.0)
    assert plan.outcome.status is Status.FEASIBLE
    assert plan.outcome.notes == ("number_of_pairs_not_proven",)
    assert assign(score, objective="most_pairs", effort=2).outcome.status is Status.OPTIMAL


@pytest.mark.parametrize("size", [1e-12, 1.0, 1e12])
def test_scores_of_any_size_are_solved_alike(size: float) -> None:
    # Row 1 must be paired: with column 0, since column 2 is worth more to row 0. 3 + 1.25.
    score = csr({(0, 2): 3.0 * size, (1, 0): 1.25 * size, (1, 2): 1.0 * size}, (2, 3))
    for lower in (None, ([0, 1], [0, 0, 0])):
        for objective in ("score", "most_pairs"):
            plan = assign(score, lower=lower, objective=objective)
            assert plan.pairs.tolist() == [[0, 2], [1, 0]]
            assert plan.outcome.status is Status.OPTIMAL
            assert plan.outcome.objective == pytest.approx(4.25 * size, rel=1e-12)
    stopped = assign(score, effort=0).outcome
    assert (stopped.status, stopped.objective, stopped.gap) == (Status.FEASIBLE, 0.0, 1.0)


def test_a_pair_without_capacity_does_not_set_the_scale_of_the_others() -> None:
    score = csr({(0, 0): 1e12, (0, 1): 1e-6, (1, 1): 2e-6}, (2, 2))
    plan = assign(score, 1, [0, 1], lower=(0, 0))
    assert (plan.pairs.tolist(), plan.outcome.objective, plan.outcome.status) == ([[1, 1]], 2e-6, Status.OPTIMAL)


def test_minimums_are_called_impossible_only_on_proof(monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr("competence.solve.assign.maximise", lambda *args, **options: None)
    score = csr({(0, 0): 1.0, (1, 0): 1.0}, (2, 1))
    for objective in ("score", "most_pairs"):
        stopped = assign(score, lower=([1, 0], [0]), objective=objective).outcome
        assert (stopped.status, stopped.bound, stopped.conflicts) == (Status.HEURISTIC, None, ("lower_not_decided",))
        refused = assign(score, lower=([1, 1], [0]), objective=objective).outcome
        assert (refused.status, refused.conflicts) == (Status.INFEASIBLE, ("lower",))


@settings(max_examples=60, deadline=None)
@given(pairings(largest=3), st.data())
def test_alternatives_under_most_pairs_overstate_neither_pairs_nor_score_lost(problem, data) -> None:  # type: ignore[no-untyped-def]
    cells, rows, columns = problem
    score = csr(cells, (len(rows), len(columns)))
    plan = assign(score, rows, columns, objective="most_pairs")
    row = data.draw(st.integers(0, len(rows) - 1))
    for other in alternatives(score, plan, row, 3):
        legal = [one for one in plans(cells, rows, columns) if (row, other.column) in one]
        if legal:
            most, best = max((len(one), fsum(cells[p] for p in one)) for one in legal)
            assert (other.pairs_lost, other.loss) <= (len(plan.pairs) - most, plan.outcome.objective - best + 1e-9)


def test_one_pair_more_outweighs_twice_every_change_of_score() -> None:
    """Else a reduced cost of score alone could round to a pair lost: 3 pairs at 1.0 against 3 at 0.0."""
    assert assign(sparse.csr_array(np.eye(3)), objective="most_pairs").pair_bonus >= 2 * 3 * 1.0
    assert assign(sparse.csr_array(np.eye(3) * 1e-12), objective="most_pairs").pair_bonus < 1e-10


@pytest.mark.parametrize("pair", [(0, 2), (1, -1), (2, 0)])
def test_a_plan_to_check_must_name_rows_and_columns_that_exist(pair) -> None:  # type: ignore[no-untyped-def]
    ones = sparse.csr_array(np.ones((2, 2)))
    with pytest.raises(InputError):
        blocking_pairs(ones, ones, np.array([pair]))
