"""Stable pairs: nobody finds a partner whom both would rather have than what they got.

This module decides pairs from two sides' own preferences; the highest total score is
:mod:`competence.solve.assign`'s question. Usually the stable plan has a few per cent less in total.
"""

from __future__ import annotations

from math import fsum

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from competence.errors import InputError
from competence.solve.assign import Assignment, _canonical, _capacity
from competence.solve.budget import Budget, Progress

__all__ = ["blocking_pairs", "stable_match"]

_CHUNK = 100_000  # proposals between two looks at the clock


def stable_match(
    row_preference: sparse.csr_array | sparse.csr_matrix,
    column_preference: sparse.csr_array | sparse.csr_matrix,
    column_capacity: ArrayLike = 1,
    *,
    effort: int | None = None,
    time_limit: float | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> Assignment:
    """Match each row with at most one column so that no pair blocks, as well for the rows as any stable plan can be.

    Parameters
    ----------
    row_preference, column_preference : CSR array, shape (n_rows, n_columns)
        What row i thinks of column j, and what column j thinks of row i; higher is better, zero is allowed. A pair
        is acceptable where both have an entry.
    column_capacity : int or array of int
        How many rows a column takes.
    effort : int or None
        Proposals at most.
    time_limit : float or None
        Guard in seconds, looked at every 100 000 proposals.
    seed : int
        0 puts equal preferences in the order of position; any other number in an order drawn from it.
    progress : callable or None
        See :data:`~competence.solve.budget.Progress`.

    Returns
    -------
    Assignment
        ``objective`` is the sum of row_preference over the pairs and equals ``bound``: no plan that is stable under
        the same breaking of ties gives any row more. The prices are zeros; a stable plan has none. A run that was
        stopped has no bound and the note ``stability_not_proven``: rows that had not asked, or were refused last, are
        without a partner.

    Notes
    -----
    Deferred acceptance (Gale & Shapley 1962, https://doi.org/10.1080/00029890.1962.11989827; many-to-one: Roth 1984,
    https://doi.org/10.1086/261272). Rows propose in the order of their preference; a column keeps the best it has
    been offered. Find x so that no pair outside of it is preferred by both sides to what they have. Put the input in
    :func:`~competence.solve.order.seeded_order` first, so that ties do not depend on the order of a file. Iterative;
    O(pairs * log) time, O(pairs) memory.

    Examples
    --------
    >>> from scipy.sparse import csr_array
    >>> rows = csr_array([[2.0, 1.0], [2.0, 1.0]])
    >>> columns = csr_array([[1.0, 1.0], [2.0, 1.0]])
    >>> stable_match(rows, columns).pairs.tolist()
    [[0, 1], [1, 0]]
    """
    budget = Budget(effort, time_limit, progress)
    first, second, row, column = _acceptable(row_preference, column_preference)
    n, m = row_preference.shape
    capacity = _capacity(column_capacity, m, "column_capacity")
    ends = np.zeros(n + 1, dtype=np.int64)
    np.cumsum(np.bincount(row, minlength=n), out=ends[1:])
    starts = np.zeros(m + 1, dtype=np.int64)
    np.cumsum(np.minimum(capacity, np.bincount(column, minlength=m)), out=starts[1:])
    row_tie, column_tie = np.arange(n), np.arange(m)
    if seed:
        draw = np.random.default_rng(seed)
        row_tie, column_tie = draw.permutation(n), draw.permutation(m)
    from competence.solve.stable_kernel import propose, ranked

    arcs = ranked(ends, column, first, column_tie)
    at, filled = ends[:-1].copy(), np.zeros(m, dtype=np.int64)
    kept = np.full(max(1, int(starts[-1])), -1, dtype=np.int64)
    state = np.array([0, -1], dtype=np.int64)
    go_on = budget.go_on("match")
    while go_on and state[0] < n:
        budget.steps += int(
            propose(state, budget.allow(_CHUNK), ends, arcs, at, column, row, second, row_tie, starts, filled, kept)
        )
        go_on = state[0] >= n or budget.go_on("match")
    chosen = np.sort(kept[kept >= 0])
    pairs = np.column_stack([row[chosen], column[chosen]])
    value = fsum(first[chosen])
    finished = bool(state[0] >= n)
    outcome = budget.outcome(
        value,
        value if finished else None,
        "deferred acceptance, row-optimal, ties by " + ("seed" if seed else "position"),
        notes=() if finished else ("stability_not_proven",),
    )
    return Assignment(pairs, np.zeros(n), np.zeros(m), 0.0, outcome)


def blocking_pairs(
    row_preference: sparse.csr_array | sparse.csr_matrix,
    column_preference: sparse.csr_array | sparse.csr_matrix,
    pairs: NDArray[np.int64],
    column_capacity: ArrayLike = 1,
) -> NDArray[np.int64]:
    """Return the acceptable pairs that both sides strictly prefer to what they have.

    Parameters
    ----------
    row_preference, column_preference, column_capacity
        As for :func:`stable_match`.
    pairs : ndarray of int, shape (k, 2)
        A plan in which each row stands at most once.

    Returns
    -------
    ndarray of int64, shape (b, 2)
        Sorted by row and column; empty if the plan is stable. A row without a partner prefers any acceptable one, a
        column with room likewise. Equal preference never blocks. Cost O(acceptable pairs).
    """
    first, second, row, column = _acceptable(row_preference, column_preference)
    n, m = row_preference.shape
    capacity = _capacity(column_capacity, m, "column_capacity")
    chosen = np.asarray(pairs, dtype=np.int64).reshape(-1, 2)
    if np.unique(chosen[:, 0]).size != len(chosen):
        raise InputError("pairs must hold each row at most once")
    if len(chosen) and not (chosen.min() >= 0 and chosen[:, 0].max() < n and chosen[:, 1].max() < m):
        raise InputError(f"pairs must name rows under {n} and columns under {m}")
    key = row * m + column
    at = np.searchsorted(key, chosen[:, 0] * m + chosen[:, 1])
    if len(chosen) and (at.max(initial=0) >= key.size or (key[at] != chosen[:, 0] * m + chosen[:, 1]).any()):
        raise InputError("pairs must all be acceptable to both sides")
    has = np.full(n, -np.inf)
    has[chosen[:, 0]] = first[at]
    worst = np.full(m, np.inf)
    np.minimum.at(worst, chosen[:, 1], second[at])
    worst[np.bincount(chosen[:, 1], minlength=m) < capacity] = -np.inf
    taken = np.zeros(row.size, dtype=bool)
    taken[at] = True
    blocks = ~taken & (first > has[row]) & (second > worst[column]) & (capacity[column] > 0)
    return np.column_stack([row[blocks], column[blocks]])


def _acceptable(
    row_preference: sparse.csr_array | sparse.csr_matrix, column_preference: sparse.csr_array | sparse.csr_matrix
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64], NDArray[np.int64]]:
    """Return both preferences, row and column of each pair acceptable to both, sorted by row then column."""
    first, second = _canonical(row_preference, "row_preference"), _canonical(column_preference, "column_preference")
    if first.shape != second.shape:
        raise InputError(f"both preferences must have one shape, rows by columns; got {first.shape} and {second.shape}")
    n, m = first.shape
    if np.array_equal(first.indptr, second.indptr) and np.array_equal(first.indices, second.indices):
        rows = np.repeat(np.arange(n, dtype=np.int64), np.diff(first.indptr))
        return first.data, second.data, rows, first.indices.astype(np.int64)
    keys = [
        np.repeat(np.arange(n, dtype=np.int64), np.diff(side.indptr)) * m + side.indices.astype(np.int64)
        for side in (first, second)
    ]
    both, mine, theirs = np.intersect1d(keys[0], keys[1], assume_unique=True, return_indices=True)
    width = max(m, 1)
    return first.data[mine], second.data[theirs], both // width, both % width
