"""The best n people for what is asked, exactly, from posting lists.

This module decides only order by fit; which concepts are meant, who may be shown and why is decided above it.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from competence.errors import InputError

__all__ = ["Postings", "top", "top_many"]

_NEEDS_PER_THREAD = 32
"""Needs for which another thread is worth its start and its arrays."""


@dataclass(frozen=True, slots=True, eq=False)
class Postings:
    """For each concept, who holds it and at which level.

    Concept c is held by ``people[indptr[c]:indptr[c + 1]]`` at ``levels`` of the same positions.
    """

    indptr: NDArray[np.int64]
    people: NDArray[np.int32]
    levels: NDArray[np.uint8]
    n_people: int

    @property
    def n_concepts(self) -> int:
        """Number of concepts."""
        return int(self.indptr.size - 1)

    @classmethod
    def build(cls, indptr: ArrayLike, people: ArrayLike, levels: ArrayLike, n_people: int) -> Postings:
        """Build posting lists from the three arrays of a sparse people x concepts matrix by column (CSC).

        Parameters
        ----------
        indptr : array of int, shape (n_concepts + 1,)
            Where each concept's list begins.
        people : array of int
            Positions of people, each at most once per concept.
        levels : array of int
            Levels 1-5 (0 counts as not held), parallel to ``people``.
        n_people : int
            How many people there are.

        Raises
        ------
        InputError
            If the arrays do not fit together, a level or a position is out of range, or somebody stands twice in the
            list of a concept.

        Examples
        --------
        >>> Postings.build([0, 2, 3], [0, 1, 1], [3, 1, 5], 2).n_concepts
        2
        """
        starts = np.asarray(indptr, dtype=np.int64)
        who, level = np.asarray(people), np.asarray(levels)
        if starts.ndim != 1 or not starts.size or starts[0] != 0 or (np.diff(starts) < 0).any():
            raise InputError("indptr must begin with 0 and never fall")
        if who.shape != level.shape or who.shape != (int(starts[-1]),):
            raise InputError(f"people and levels must have {starts[-1]} entries each; got {who.shape} and {level.shape}")
        if who.size and not (int(who.min()) >= 0 and int(who.max()) < n_people):
            raise InputError(f"people must be positions in 0..{n_people - 1}; got {who.min()}..{who.max()}")
        if level.size and not (level.min() >= 0 and level.max() <= 5):
            raise InputError(f"levels must lie in 0..5; got {level.min()}..{level.max()}")
        # Lists whose people come in order need no sorting to be checked.
        if not np.isin(np.flatnonzero(who[1:] <= who[:-1]) + 1, starts).all():
            key = np.repeat(np.arange(starts.size - 1, dtype=np.int64) * n_people, np.diff(starts)) + who
            key.sort()
            twice = np.flatnonzero(np.diff(key) == 0)
            if twice.size:
                concept, person = divmod(int(key[twice[0]]), n_people)
                raise InputError(
                    f"a person must stand at most once in a concept's list; concept {concept} has person {person} twice: "
                    "keep the highest level"
                )
        return cls(starts, who.astype(np.int32), level.astype(np.uint8), int(n_people))


def top(
    postings: Postings,
    concepts: ArrayLike,
    weights: ArrayLike,
    levels: ArrayLike,
    n: int,
    *,
    allowed: NDArray[np.bool_] | None = None,
    base: NDArray[np.float64] | None = None,
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the n people of highest fit, best first, and their scores.

    Parameters
    ----------
    postings : Postings
        Who holds what.
    concepts : array of int, shape (k,)
        Positions of the concepts asked for. One that stands twice counts twice.
    weights : array of float, shape (k,)
        Weight of each, above 0.
    levels : array of int, shape (k,)
        Level asked of each, 1-5.
    n : int
        How many people at most.
    allowed : ndarray of bool, shape (n_people,), or None
        Who may be in the answer; None is everybody.
    base : ndarray of float, shape (n_people,), or None
        Added to each person's fit before ranking.

    Returns
    -------
    indices : ndarray of int64
        Positions of people with a score above 0, by (higher score, position); see Notes for what is a tie.
    scores : ndarray of float64
        fit (+ base).

    Notes
    -----
    fit = sum w * min(level, L) / L / sum w over what is asked, as DESIGN section 6 has it. Each concept's part is
    rounded to a whole number of 2^-52 (never to nothing), so that sums are exact and the order of ``concepts`` decides
    nothing. Fits that round to the same multiple of 2^-32 are a tie, decided by position: sums that are equal on
    paper, such as 3 x 1/6 and 1/2, leave different last bits.

    Only the lists of the concepts asked are read: O(entries in those lists), and O(n_people) more for the sums' array.
    The sums are then looked through from the shortest list on, up to where somebody who stands in no list before cannot
    be among the best n any longer (as Turtle and Flood's "max-score" stops, Query evaluation: strategies and
    optimizations, Information Processing & Management 31(6), 1995): O(entries looked through * log n) at worst.
    Somebody may stand in the list of a concept at level 0, which counts as nothing.

    Examples
    --------
    >>> p = Postings.build([0, 2, 3], [0, 1, 1], [3, 1, 5], 2)
    >>> indices, scores = top(p, [0, 1], [1.0, 1.0], [3, 4], 5)
    >>> indices.tolist(), [round(s, 3) for s in scores.tolist()]
    ([1, 0], [0.667, 0.5])
    """
    return top_many(postings, [(concepts, weights, levels)], n, allowed=allowed, base=base)[0]


def top_many(
    postings: Postings,
    needs: Sequence[tuple[ArrayLike, ArrayLike, ArrayLike]],
    n: int,
    *,
    allowed: NDArray[np.bool_] | None = None,
    base: NDArray[np.float64] | None = None,
) -> list[tuple[NDArray[np.int64], NDArray[np.float64]]]:
    """Return for each of many needs what :func:`top` would, in one pass on every core.

    Parameters
    ----------
    postings, n, allowed, base
        As for :func:`top`; the same for every need.
    needs : sequence of (concepts, weights, levels)
        What :func:`top` takes of each.

    Returns
    -------
    list of (indices, scores)
        One per need, in their order.

    Raises
    ------
    InputError
        As :func:`top`; where there are several needs, with the number of the first wrong one.

    Examples
    --------
    >>> p = Postings.build([0, 2, 3], [0, 1, 1], [3, 1, 5], 2)
    >>> [indices.tolist() for indices, _ in top_many(p, [([0], [1.0], [3]), ([1], [1.0], [3])], 5)]
    [[0, 1], [1]]
    """
    for name, array in (("allowed", allowed), ("base", base)):
        if array is not None and array.shape != (postings.n_people,):
            raise InputError(f"{name} must have one entry per person ({postings.n_people}); got shape {array.shape}")
    parts = [(_row(concepts, np.int64), _row(weights, np.float64), _row(levels, np.int64)) for concepts, weights, levels in needs]
    for k, (asked, weight, wanted) in enumerate(parts):
        if not asked.shape == weight.shape == wanted.shape or asked.ndim != 1:
            where = f"need {k}: " if len(parts) > 1 else ""
            raise InputError(
                f"{where}concepts, weights and levels must be lists of one length; got {asked.size}, {weight.size}, {wanted.size}"
            )
    if not parts:
        return []
    ends = np.zeros(len(parts) + 1, dtype=np.int64)
    np.cumsum([asked.size for asked, _, _ in parts], out=ends[1:])
    asked, weight, wanted = (np.concatenate(side) for side in zip(*parts, strict=True))
    for wrong, text in (
        ((asked < 0) | (asked >= postings.n_concepts), f"concepts must be positions in 0..{postings.n_concepts - 1}; got {{}}"),
        (~(np.isfinite(weight) & (weight > 0)), "weights must be above 0"),
        ((wanted < 1) | (wanted > 5), "levels must lie in 1..5"),
    ):
        if wrong.any():
            at = int(np.flatnonzero(wrong)[0])
            where = f"need {int(np.searchsorted(ends, at, side='right')) - 1}: " if len(parts) > 1 else ""
            raise InputError(where + text.format(asked[at]))
    most = max(0, min(int(n), postings.n_people))
    if not most:
        return [(np.empty(0, dtype=np.int64), np.empty(0)) for _ in parts]
    # The kernel wants the concept of the shortest list first; lists of one length by concept, so that no sum is another
    # where a need names its concepts in another order.
    length = postings.indptr[asked + 1] - postings.indptr[asked]
    order = np.lexsort((length * postings.n_concepts + asked, np.repeat(np.arange(len(parts)), np.diff(ends))))
    asked, weight, wanted = asked[order], weight[order], wanted[order]
    people = np.asarray(postings.people, dtype=np.int32).view(
        np.uint32
    )  # a position known not to be negative is read with fewer instructions
    found, values = np.empty((len(parts), most), dtype=np.int64), np.empty((len(parts), most))
    sizes = np.zeros(len(parts), dtype=np.int64)
    from competence.solve.top_kernel import best_of_each

    kernel: Any = best_of_each  # the checker does not see past numba's decorator
    may = np.empty(0, dtype=np.bool_) if allowed is None else np.asarray(allowed, dtype=np.bool_)
    start = np.empty(0) if base is None else np.asarray(base, dtype=np.float64)

    def run(own: slice) -> None:
        kernel(
            postings.indptr,
            people,
            postings.levels,
            ends[own.start : own.stop + 1],
            asked,
            weight,
            wanted,
            most,
            may,
            start,
            np.zeros(postings.n_people, dtype=np.int64),
            found[own],
            values[own],
            sizes[own],
        )

    # Needs have nothing to do with one another, so that the answer is the same on any number of cores.
    threads = max(min(os.cpu_count() or 1, len(parts) // _NEEDS_PER_THREAD), 1)
    if threads == 1:
        run(slice(0, len(parts)))
    else:
        edges = np.linspace(0, len(parts), threads + 1).astype(int).tolist()
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(run, [slice(first, last) for first, last in pairwise(edges)]))
    return [(found[q, :size], values[q, :size]) for q, size in enumerate(sizes.tolist())]


def _row(values: ArrayLike, dtype: type) -> NDArray[Any]:
    """Return values as an array of one dimension where they are one number or a plain list."""
    row: NDArray[Any] = np.asarray(values, dtype=dtype)
    return row if row.ndim else row.reshape(1)
