"""Pairs of highest total score under capacities, exact, with the prices that prove it.

This module decides who is paired with whom when every allowed pair has a score; :mod:`competence.solve.stable`
decides it from two sides' preferences instead. "Forbidden" is an absent entry, never a zero and never a big number.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import fsum
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from competence.errors import InputError
from competence.model import Outcome
from competence.solve.budget import Budget, Progress, infeasible
from competence.solve.programme import LinearAnswer, maximise, maximise_whole

__all__ = ["Alternative", "Assignment", "alternatives", "assign"]

_CHUNK = 2000  # bids or searches between two looks at the clock
# A bid outdoes the one before by this many times the largest score over (pairs per row) ** 1.5: few bids where each row
# has few columns, close prices where it has thousands. Chosen on seeded instances of 30 to 2 000 columns per row.
_STEP = 10.0
_DENSE = 0.25  # share of all pairs that are allowed from which on rows are read as a table would be
_BIDS = 30  # bids per unit at most; further bids would cost more than the searches they save


@dataclass(frozen=True, slots=True, eq=False)
class Assignment:
    """Pairs and the prices that prove them best.

    Parameters
    ----------
    pairs : ndarray of int64, shape (k, 2)
        Row and column of each pair, sorted.
    row_duals, column_duals : ndarray of float64
        What one more unit of capacity of a row or column would be worth to the whole, at most; 0 where some is left.
        Negative only where a minimum (``lower``) forces somebody in. In the scale of score plus ``pair_bonus``.
    pair_bonus : float
        0.0 for ``objective="score"``. For ``"most_pairs"`` the constant added to every score so that one more pair
        outweighs every difference in score.
    outcome : Outcome
        ``objective`` is the total score. ``bound`` = sum of duals * capacity + what single pairs earn above the
        prices of both sides (possible only where both capacities are above one) - ``pair_bonus`` * pairs. With
        ``lower`` the minimums have prices of their own, so there the bound is only in ``outcome``.
    """

    pairs: NDArray[np.int64]
    row_duals: NDArray[np.float64]
    column_duals: NDArray[np.float64]
    pair_bonus: float
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Alternative:
    """Another column for a row: its score, and at least how much the whole would lose by it.

    ``pairs_lost`` is above 0 only for ``most_pairs``: so many pairs fewer could be made, and ``loss`` is counted
    after that (it may then be negative: fewer pairs, higher scores).
    """

    column: int
    score: float
    loss: float
    pairs_lost: int = 0


def _capacity(value: ArrayLike, size: int, name: str) -> NDArray[np.int64]:
    """Broadcast an int or an array to one whole number >= 0 per row or column."""
    array = np.asarray(value)
    if array.ndim > 1 or (array.ndim == 1 and array.shape != (size,)):
        raise InputError(f"{name} must be one number or one per line ({size}); got shape {array.shape}")
    if array.dtype.kind not in "iu" and not np.array_equal(array, np.rint(array)):
        raise InputError(f"{name} must be whole numbers")
    if array.size and int(array.min()) < 0:
        raise InputError(f"{name} must be at least 0; got {array.min()}")
    return np.broadcast_to(array.astype(np.int64), (size,)).copy()


def _canonical(score: sparse.csr_array | sparse.csr_matrix, name: str = "score") -> sparse.csr_array:
    """Return as CSR with sorted columns, keeping explicit zeros; check that it is finite, >= 0 and has no pair twice."""
    from competence.solve.assign_kernel import ascending

    csr: sparse.csr_array = sparse.csr_array(score)
    if csr.dtype != np.float64:
        csr = csr.astype(np.float64)
    found = ascending(csr.indptr, csr.indices, csr.data)
    if found == 2:
        csr = sparse.csr_array(csr, copy=True)
        csr.sort_indices()
        found = ascending(csr.indptr, csr.indices, csr.data)
    if found == 1:
        raise InputError(f"{name} must be finite and at least 0 for every allowed pair; forbid a pair by leaving it out")
    if found == 2:
        row = np.repeat(np.arange(csr.shape[0]), np.diff(csr.indptr))
        twice = (csr.indices[1:] == csr.indices[:-1]) & (row[1:] == row[:-1])
        raise InputError(f"{name} must hold each pair once; {int(twice.sum())} stand twice")
    return csr


def assign(
    score: sparse.csr_array | sparse.csr_matrix,
    row_capacity: ArrayLike = 1,
    column_capacity: ArrayLike = 1,
    *,
    lower: tuple[ArrayLike, ArrayLike] | None = None,
    objective: str = "score",
    pinned: Sequence[tuple[int, int]] = (),
    effort: int | None = None,
    time_limit: float | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> Assignment:
    """Pair rows with columns for the highest total score; anybody may stay unpaired.

    Parameters
    ----------
    score : CSR array, shape (n_rows, n_columns)
        Scores >= 0 of the allowed pairs, typically in [0, 1]. An absent entry is forbidden; a stored zero is allowed.
    row_capacity, column_capacity : int or array of int
        How many pairs each row or column can be in. A pair is made at most once.
    lower : (rows, columns) or None
        How many pairs each row and column must be in at least, as two ints or arrays.
    objective : {"score", "most_pairs"}
        Highest total score, or as many pairs as possible and then the highest total score.
    pinned : sequence of (row, column)
        Pairs that must be in the answer; they have to be allowed.
    effort : int or None
        Bids and searches at most; what is not paired by then stays so, and the gap says what that may cost. Ignored with
        ``lower``.
    time_limit : float or None
        Guard in seconds, looked at every 2 000 bids or searches.
    seed : int
        Not used: ties are broken by position; put the input in :func:`~competence.solve.order.seeded_order` first.
    progress : callable or None
        See :data:`~competence.solve.budget.Progress`.

    Returns
    -------
    Assignment
        ``infeasible`` where the rules named in ``conflicts`` contradict each other. Where the clock stopped before
        it was known whether ``lower`` can be met there are no pairs, no bound, and the conflict ``lower_not_decided``.

    Raises
    ------
    InputError
        If a score is negative, a pair stands twice, or a capacity is not a whole number >= 0.

    Notes
    -----
    Maximise sum s_ij x_ij subject to l_i <= sum_j x_ij <= c_i, l_j <= sum_i x_ij <= c_j, x in {0, 1}. The matrix is
    totally unimodular, so its linear programme has a whole-number optimum and the duals prove it. Rows first
    bid for columns, each bid leaving the next best option a little better, which gives prices near the right ones
    (Bertsekas 1988, https://doi.org/10.1007/BF02186476). Pairs that these do not prove best are taken out, and rows
    with units left, then columns with room at a price above zero, are set right along cheapest augmenting paths
    (Edmonds & Karp 1972, https://doi.org/10.1145/321694.321699; Jonker & Volgenant 1987,
    https://doi.org/10.1007/BF02278710), in floats without scaling. ``most_pairs`` goes on from the plan of highest
    score. O(units * arcs * log) at worst, far less in practice since a search ends within the step of a bid.
    With ``lower`` the linear programme goes to HiGHS (SciPy) instead. The bound is computed from the duals
    alone, apart from the search, and holds for any duals: sum u_i c_i + sum v_j c_j + sum max(0, s_ij - u_i - v_j).

    Examples
    --------
    >>> from scipy.sparse import csr_array
    >>> plan = assign(csr_array([[0.9, 0.8], [0.8, 0.1]]))
    >>> plan.pairs.tolist(), plan.outcome.objective, plan.outcome.status.value
    ([[0, 1], [1, 0]], 1.6, 'optimal')
    """
    budget = Budget(effort, time_limit, progress)
    csr = _canonical(score)
    n, m = csr.shape
    rows_free = _capacity(row_capacity, n, "row_capacity")
    columns_free = _capacity(column_capacity, m, "column_capacity")
    if objective not in ("score", "most_pairs"):
        raise InputError(f"objective must be 'score' or 'most_pairs'; got {objective!r}")
    low = None if lower is None else (_capacity(lower[0], n, "lower[0]"), _capacity(lower[1], m, "lower[1]"))
    arc_row = np.repeat(np.arange(n, dtype=np.int32), np.diff(csr.indptr))
    columns = csr.indices.astype(np.int32, copy=False)
    fixed = np.zeros(csr.nnz, dtype=bool)
    conflicts: list[str] = []
    for row, column in dict.fromkeys(pinned):
        if not (0 <= row < n and 0 <= column < m):
            raise InputError(f"pinned must name a row under {n} and a column under {m}; got {(row, column)}")
        where = int(csr.indptr[row] + np.searchsorted(columns[csr.indptr[row] : csr.indptr[row + 1]], column))
        if where >= csr.indptr[row + 1] or columns[where] != column:
            conflicts.append(f"pinned_forbidden:{row},{column}")
            continue
        fixed[where] = True
        rows_free[row] -= 1
        columns_free[column] -= 1
    conflicts += [f"pinned_over_row_capacity:{i}" for i in np.flatnonzero(rows_free < 0)]
    conflicts += [f"pinned_over_column_capacity:{j}" for j in np.flatnonzero(columns_free < 0)]
    if low is not None:
        conflicts += [f"lower_over_row_capacity:{i}" for i in np.flatnonzero(low[0] > _capacity(row_capacity, n, ""))]
        conflicts += [f"lower_over_column_capacity:{j}" for j in np.flatnonzero(low[1] > _capacity(column_capacity, m, ""))]
    if conflicts:
        return _none(budget, n, m, tuple(conflicts))
    if low is None and not fixed.any():
        free = None
        sub = _Arcs(n, m, arc_row, columns, csr.data, rows_free, columns_free)
    else:
        full = (rows_free[arc_row] == 0) | (columns_free[columns] == 0)
        # Minimums go to a solver whose scale the largest score sets: a pair that there is no room for must not be it.
        free = np.flatnonzero(~fixed if low is None else ~(fixed | full))
        sub = _Arcs(n, m, arc_row[free], columns[free], csr.data[free], rows_free, columns_free)
    fixed_score = csr.data[fixed]
    if low is not None:
        pinned_rows = np.bincount(arc_row[fixed], minlength=n)
        pinned_columns = np.bincount(columns[fixed], minlength=m)
        solved = _by_programme(
            sub, np.maximum(low[0] - pinned_rows, 0), np.maximum(low[1] - pinned_columns, 0), objective, budget
        )
        if isinstance(solved, str):
            stopped = budget.outcome(0.0, None, "assignment", conflicts=(solved,))
            return _none(budget, n, m, (solved,), stopped if solved == "lower_not_decided" else None)
        method = "linear programme of the assignment (HiGHS in SciPy)"
    else:
        solved = _by_paths(sub, objective, budget)
        method = "assignment by auction and shortest augmenting paths, proved by prices"
    used, u, v, bonus, bound, proven = solved
    if low is not None:
        # A line without room may have any price: the one by which its pairs cost nothing or something.
        over, without = np.flatnonzero(full & ~fixed), columns_free == 0
        at = over[without[columns[over]]]
        np.maximum.at(v, columns[at], csr.data[at] - u[arc_row[at]])
        np.maximum.at(u, arc_row[over], csr.data[over] - v[columns[over]])
    chosen = used if free is None else np.union1d(np.flatnonzero(fixed), free[used])
    value = fsum(csr.data[chosen])
    pairs = np.column_stack([arc_row[chosen], columns[chosen]]).astype(np.int64)
    # Prices are sums and differences of scores and bonus: what they are off by is far under this part of the largest.
    rounding = 1e-12 * max(float(csr.data.max(initial=0.0)), bonus if proven else 0.0)
    outcome = budget.outcome(
        value,
        bound + fsum(fixed_score),
        method,
        rounding=rounding,
        proven=proven,
        notes=() if proven else ("number_of_pairs_not_proven",),
    )
    return Assignment(pairs, u, v, bonus, outcome)


def alternatives(
    score: sparse.csr_array | sparse.csr_matrix, assignment: Assignment, row: int, n: int = 3
) -> tuple[Alternative, ...]:
    """Return the columns that would cost the whole least if this row took one of them, beside those it has.

    Parameters
    ----------
    score : CSR array
        As given to :func:`assign`.
    assignment : Assignment
        Its answer.
    row : int
        The row asked about.
    n : int
        How many at most.

    Returns
    -------
    tuple of Alternative
        By (pairs_lost, loss, higher score, column).

    Notes
    -----
    The loss is the reduced cost u_i + v_j - s_ij of the pair: by linear programming duality the best plan that
    contains the pair is worth at least that much less than ``outcome.bound``. It is a lower bound, and often exact;
    solving again with the pair pinned gives the exact loss. Cost O(allowed pairs of the row).
    """
    # assign() has checked the matrix; only the row asked about is read, since callers ask row by row.
    csr = score if isinstance(score, sparse.csr_array) else sparse.csr_array(score)
    if not 0 <= row < csr.shape[0]:
        raise InputError(f"row must be in 0..{csr.shape[0] - 1}; got {row}")
    span = slice(int(csr.indptr[row]), int(csr.indptr[row + 1]))
    column, value = csr.indices[span], csr.data[span]
    bonus = assignment.pair_bonus
    reduced = assignment.row_duals[row] + assignment.column_duals[column] - bonus - value
    lost = np.maximum(np.rint(reduced / bonus), 0.0) if bonus else np.zeros(len(reduced))
    loss = reduced - lost * bonus
    loss = np.where(lost == 0, np.maximum(loss, 0.0), loss)
    mine = set(assignment.pairs[assignment.pairs[:, 0] == row, 1].tolist())
    found: list[Alternative] = []
    for a in np.lexsort((column, -value, loss, lost)).tolist():
        if len(found) >= n:
            break
        if int(column[a]) not in mine:
            found.append(Alternative(int(column[a]), float(value[a]), float(loss[a]), int(lost[a])))
    return tuple(found)


@dataclass(frozen=True, slots=True, eq=False)
class _Arcs:
    """The allowed pairs that are not pinned, sorted by row then column, and what capacity is left for them."""

    n: int
    m: int
    row: NDArray[np.int32]
    column: NDArray[np.int32]
    score: NDArray[np.float64]
    row_capacity: NDArray[np.int64]
    column_capacity: NDArray[np.int64]

    def pointers(self) -> NDArray[np.int64]:
        """Return where each row's arcs begin."""
        return np.searchsorted(self.row, np.arange(self.n + 1), side="left").astype(np.int64)


_Solved = tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64], float, float, bool]
"""Used arcs, row duals, column duals, pair bonus, bound on the score, whether no more pairs are possible if asked for."""


def _none(budget: Budget, n: int, m: int, conflicts: tuple[str, ...], outcome: Outcome | None = None) -> Assignment:
    """Return the empty answer of a problem whose rules contradict each other, or that was stopped."""
    outcome = infeasible(budget, conflicts, "assignment") if outcome is None else outcome
    return Assignment(np.empty((0, 2), dtype=np.int64), np.zeros(n), np.zeros(m), 0.0, outcome)


def _bound(arcs: _Arcs, u: NDArray[np.float64], v: NDArray[np.float64], bonus: float) -> float:
    """Return the bound that prices u, v >= 0 give on the sum of score + bonus over any plan."""
    from competence.solve.assign_kernel import earned

    single = float(earned(arcs.pointers(), arcs.column, arcs.score, u, v, bonus))
    return fsum([*(u * arcs.row_capacity).tolist(), *(v * arcs.column_capacity).tolist(), single])


class _Paths:
    """The state of one run by auction and paths: the plan so far and its prices."""

    def __init__(self, arcs: _Arcs, budget: Budget) -> None:
        from competence.solve.assign_kernel import count

        n, m = arcs.n, arcs.m
        self.arcs, self.budget = arcs, budget
        self.indptr = arcs.pointers()
        self.profit = arcs.score
        self.row_degree = np.diff(self.indptr)
        self.column_degree = count(arcs.column, m)
        self.row_units = np.minimum(arcs.row_capacity, self.row_degree)
        column_units = np.minimum(arcs.column_capacity, self.column_degree)
        self.starts = np.zeros(m + 1, dtype=np.int64)
        np.cumsum(column_units, out=self.starts[1:])
        self.slots = np.full(max(1, int(self.starts[-1])), -1, dtype=np.int64)
        self.column_used, self.row_used = np.zeros(m, dtype=np.int64), np.zeros(n, dtype=np.int64)
        self.used = np.zeros(arcs.score.size, dtype=np.bool_)
        self.top = float(arcs.score.max(initial=0.0))
        self.u = np.zeros(n)
        # Nobody bids for a column without room.
        self.v = np.where(arcs.column_capacity > 0, 0.0, self.top)
        self.dropped = 0
        dense = arcs.score.size > _DENSE * n * m
        # Every push improves a distance along one arc, and a node's arcs are scanned once per search.
        room = n + m + 2 if dense else 2 * (arcs.score.size + n + m + 2)
        self.space = (
            np.full(n + m, np.inf),
            np.full(n + m, -1, dtype=np.int64),
            np.zeros(n + m, dtype=np.bool_),
            np.zeros(n + m, dtype=np.int64),
            np.zeros(n + m, dtype=np.int64),
            np.empty(room),
            np.empty(room, dtype=np.int64),
        )
        self.dense = dense

    def best_score(self) -> bool:
        """Find the plan of highest score; return whether the budget let it."""
        from competence.solve.assign_kernel import auction, keep_tight

        arcs, degree = self.arcs, self.row_degree
        state = np.array([0, -1], dtype=np.int64)
        bids = np.zeros(self.slots.size)
        step = self.top * min(0.1, _STEP / max(1.0, float(degree.mean()) if degree.size else 1.0) ** 1.5)
        if step > 0.0:
            # A power of two: prices of scores that are whole numbers, or halves of them, are then exact.
            step = float(np.ldexp(1.0, int(np.frexp(step)[1]) - 1))
        left = _BIDS * int(self.row_units.sum())
        go_on = self.budget.go_on("assign")
        while go_on and state[0] < arcs.n and left > 0:
            made = int(
                auction(
                    state,
                    self.budget.allow(min(_CHUNK, left)),
                    self.indptr,
                    arcs.column,
                    self.profit,
                    arcs.row,
                    self.row_units,
                    self.row_used,
                    arcs.column_capacity,
                    self.starts,
                    self.column_used,
                    self.slots,
                    bids,
                    self.used,
                    self.v,
                    step,
                )
            )
            left -= made
            go_on = self.budget.spend(made, "assign")
        self.dropped = int(
            keep_tight(
                self.indptr,
                arcs.column,
                self.profit,
                self.row_used,
                self.starts,
                self.column_used,
                self.slots,
                self.used,
                self.u,
                self.v,
                go_on,
            )
        )
        return go_on and self._place_rows() and self._place_columns()

    def most_pairs(self, bonus: float) -> bool:
        """Go on from the plan of highest score to one of most pairs; return whether the budget let it."""
        from competence.solve.assign_kernel import list_used

        list_used(self.arcs.column, self.used, self.starts, self.column_used, self.slots)
        self.u = self.u + bonus
        self.profit = self.profit + bonus
        return self._place_rows()

    def fill_up(self) -> None:
        """Use what room a stopped run has left over."""
        from competence.solve.assign_kernel import fill_up, list_used

        if self.dropped:
            list_used(self.arcs.column, self.used, self.starts, self.column_used, self.slots)
            fill_up(
                self.indptr,
                self.arcs.column,
                self.profit,
                self.row_units,
                self.row_used,
                self.starts,
                self.column_used,
                self.slots,
                self.used,
            )

    def _place_rows(self) -> bool:
        arcs = self.arcs
        return self._search(
            self.indptr,
            arcs.column,
            self.profit,
            arcs.row,
            self.row_units,
            self.row_used,
            arcs.column_capacity,
            self.starts,
            self.column_used,
            self.slots,
            self.used,
            self.u,
            self.v,
        )

    def _place_columns(self) -> bool:
        """Lower the prices of columns with room: the same search with the sides exchanged."""
        from competence.solve.assign_kernel import list_used, transpose

        arcs = self.arcs
        units = np.minimum(arcs.column_capacity, self.column_degree)
        if not ((self.column_used < units) & (self.v > 0)).any():
            return True
        indptr, rows, profit, used, place = transpose(self.indptr, arcs.column, self.profit, self.used, arcs.m)
        starts = np.zeros(arcs.n + 1, dtype=np.int64)
        np.cumsum(self.row_units, out=starts[1:])
        slots = np.full(max(1, int(starts[-1])), -1, dtype=np.int64)
        list_used(rows, used, starts, self.row_used, slots)
        owner = np.repeat(np.arange(arcs.m, dtype=np.int32), self.column_degree)
        done = self._search(
            indptr,
            rows,
            profit,
            owner,
            units,
            self.column_used,
            self.row_units,
            starts,
            self.row_used,
            slots,
            used,
            self.v,
            self.u,
        )
        self.used[place] = used
        return done

    def _search(self, *sides: NDArray[np.generic]) -> bool:
        """Search for each row of the first side until all are placed or the budget is spent; return whether all are."""
        from competence.solve.assign_kernel import search

        kernel: Any = search  # the checker does not see past numba's decorator
        state = np.zeros(1, dtype=np.int64)
        size = sides[0].size - 1
        while True:
            wanted = self.budget.allow(_CHUNK)
            made = int(kernel(state, wanted, self.dense, *sides, *self.space))
            self.budget.steps += made
            if state[0] >= size:
                return True
            if not self.budget.go_on("assign"):
                return False


def _by_paths(arcs: _Arcs, objective: str, budget: Budget) -> _Solved:
    """Solve without minimums, the side with fewer places bidding where most pairs are allowed: it outbids itself less."""
    from competence.solve.assign_kernel import transpose

    n, m = arcs.n, arcs.m
    row_units, column_units = np.minimum(arcs.row_capacity, m).sum(), np.minimum(arcs.column_capacity, n).sum()
    if arcs.score.size <= _DENSE * n * m or row_units <= column_units:
        return _by_bids(arcs, objective, budget)
    starts, rows, scores, _, place = transpose(
        arcs.pointers(), arcs.column, arcs.score, np.zeros(arcs.score.size, dtype=np.bool_), m
    )
    columns = np.repeat(np.arange(m, dtype=np.int32), np.diff(starts))
    turned = _Arcs(m, n, columns, rows, scores, arcs.column_capacity, arcs.row_capacity)
    used, v, u, bonus, bound, proven = _by_bids(turned, objective, budget)
    return np.sort(place[used]), u, v, bonus, bound, proven


def _by_bids(arcs: _Arcs, objective: str, budget: Budget) -> _Solved:
    """Find prices by an auction of the columns, then place what they do not prove best along cheapest augmenting paths."""
    n, m = arcs.n, arcs.m
    run = _Paths(arcs, budget)
    finished = run.best_score()
    bonus = 0.0
    score_u, score_v = run.u, run.v
    if objective == "most_pairs" and arcs.score.size:
        # One pair more must outweigh twice every change of score, so that a reduced cost rounds to the pairs it must
        # cost; a power of two keeps score + bonus exact to 2**-52 of it.
        units = min(int(np.minimum(arcs.row_capacity, m).sum()), int(np.minimum(arcs.column_capacity, n).sum()))
        bonus = float(2.0 ** np.ceil(np.log2(2 * (units + 1) * (run.top or 1.0))))
        score_v = run.v.copy()
        if finished:
            finished = run.most_pairs(bonus)
        else:
            run.u = run.u + bonus
    if not finished:
        run.fill_up()
    u, v = run.u, run.v
    # A row that may be in more pairs than it has allowed ones has capacity left: what it earns is each pair's own.
    u[arcs.row_capacity > run.row_units] = 0.0
    # A column without room may have any price that satisfies its pairs: the least of them says what a place is worth.
    at = np.flatnonzero(arcs.column_capacity[arcs.column] == 0) if not arcs.column_capacity.all() else np.empty(0, dtype=np.int64)
    if at.size:
        v[arcs.column_capacity == 0] = 0.0
        np.maximum.at(v, arcs.column[at], (bonus - u[arcs.row[at]]) + arcs.score[at])
    chosen = np.flatnonzero(run.used)
    bound = _bound(arcs, u, v, bonus)
    proven = True
    if bonus and not finished:
        # Prices may still prove that no more pairs are possible; else the score is bounded without regard to them.
        proven = bound - fsum(arcs.score[chosen] + bonus) < 0.5 * bonus
    if proven:
        bound -= bonus * chosen.size
    else:
        bound = _bound(arcs, score_u, score_v, 0.0)
    return chosen, u, v, bonus, bound, proven


def _by_programme(
    arcs: _Arcs, row_lower: NDArray[np.int64], column_lower: NDArray[np.int64], objective: str, budget: Budget
) -> _Solved | str:
    """Solve with minimums as a linear programme; a conflict if they cannot be met or if that was not decided."""
    n, m, k = arcs.n, arcs.m, arcs.score.size
    if k == 0:
        if row_lower.any() or column_lower.any():
            return "lower"
        return np.empty(0, dtype=np.int64), np.zeros(n), np.zeros(m), 0.0, 0.0, True
    ones, position = np.ones(k), np.arange(k)
    by_row = sparse.csr_array((ones, (arcs.row, position)), shape=(n, k))
    by_column = sparse.csr_array((ones, (arcs.column, position)), shape=(m, k))
    matrix = sparse.vstack([by_row, by_column, -by_row, -by_column], format="csr")
    limits = np.concatenate([arcs.row_capacity, arcs.column_capacity, -row_lower, -column_lower]).astype(float)

    def solve(profit: NDArray[np.float64], total: int | None) -> LinearAnswer | None:
        answer = maximise(
            profit,
            sparse.csr_array(matrix),
            limits,
            equal=None if total is None else sparse.csr_array(np.ones((1, k))),
            equal_to=None if total is None else np.array([float(total)]),
            top=1.0,
            simplex=True,
            seconds=budget.seconds_left,
        )
        budget.go_on("assign")
        return answer

    def undecided() -> str:
        # No answer is not yet a proof that none exists: the clock may have stopped the solver.
        known = maximise_whole(np.zeros(k), [(sparse.csr_array(matrix), -np.inf, limits)], 1.0, nodes=1, seconds=1.0)
        return "lower" if known.impossible else "lower_not_decided"

    total = None
    if objective == "most_pairs":
        most = solve(np.ones(k), None)
        if most is None:
            return undecided()
        total = round(float(most.values.sum()))
    # The solver's tolerances are absolute: scores of any size are brought to the order of 1, exactly.
    exponent = int(np.frexp(arcs.score.max())[1])
    best = solve(np.ldexp(arcs.score, -exponent), total)
    if best is None:
        return undecided()
    prices = np.ldexp(best.limit_prices, exponent)
    each = 0.0 if total is None else float(np.ldexp(best.equality_prices[0], exponent))
    chosen = np.flatnonzero(best.values > 0.5)
    earned = arcs.score - each - prices @ matrix
    bound = fsum([*(prices * limits), each * (total or 0), *earned[earned > 0]])
    u = prices[:n] - prices[n + m : 2 * n + m]
    v = prices[n : n + m] - prices[2 * n + m :]
    # Every pair also pays what fixing the number of pairs costs; in the row's price, reduced costs read the same way.
    return chosen, u + each, v, 0.0, bound, True
