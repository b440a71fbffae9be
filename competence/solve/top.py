"""The best n people for what is asked, exactly, from posting lists.

This module decides only order by fit; which concepts are meant, who may be shown and why is decided above it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from competence.errors import InputError

__all__ = ["Postings", "top"]


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
            If the arrays do not fit together, or a level or a position is out of range.

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
        Positions of people with a score above 0, by (higher score, position).
    scores : ndarray of float64
        fit (+ base).

    Notes
    -----
    fit = sum w * min(level, L) / L / sum w over what is asked, as DESIGN section 6 has it, summed in the order of
    ``concepts``. Only the lists of the concepts asked are read: O(entries in those lists + n_people), then a
    selection in O(n_people) and a sort of the n found.

    Examples
    --------
    >>> p = Postings.build([0, 2, 3], [0, 1, 1], [3, 1, 5], 2)
    >>> indices, scores = top(p, [0, 1], [1.0, 1.0], [3, 4], 5)
    >>> indices.tolist(), [round(s, 3) for s in scores.tolist()]
    ([1, 0], [0.667, 0.5])
    """
    asked = np.atleast_1d(np.asarray(concepts, dtype=np.int64))
    weight = np.atleast_1d(np.asarray(weights, dtype=np.float64))
    wanted = np.atleast_1d(np.asarray(levels, dtype=np.int64))
    if not asked.shape == weight.shape == wanted.shape:
        raise InputError(f"concepts, weights and levels must be of one length; got {asked.size}, {weight.size}, {wanted.size}")
    if asked.size and not (int(asked.min()) >= 0 and int(asked.max()) < postings.n_concepts):
        raise InputError(f"concepts must be positions in 0..{postings.n_concepts - 1}; got {asked.min()}..{asked.max()}")
    if asked.size and not (np.isfinite(weight).all() and weight.min() > 0):
        raise InputError("weights must be above 0")
    if asked.size and not (wanted.min() >= 1 and wanted.max() <= 5):
        raise InputError("levels must lie in 1..5")
    for name, array in (("allowed", allowed), ("base", base)):
        if array is not None and array.shape != (postings.n_people,):
            raise InputError(f"{name} must have one entry per person ({postings.n_people}); got shape {array.shape}")
    score = np.zeros(postings.n_people)
    total = float(weight.sum())
    steps = np.arange(6)
    for c, w, level in zip(asked.tolist(), weight.tolist(), wanted.tolist(), strict=True):
        span = slice(int(postings.indptr[c]), int(postings.indptr[c + 1]))
        # Six possible levels: a table look-up instead of a division per entry. A person stands once per list, so
        # plain indexed addition is enough.
        share = w * (np.minimum(steps, level) / level) / total
        score[postings.people[span]] += share[postings.levels[span]]
    if base is not None:
        score += base
    if allowed is not None:
        score[~allowed] = 0.0
    return _best(score, n)


def _best(score: NDArray[np.float64], n: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Select the n highest positive scores, ties by position, without sorting everybody."""
    positive = np.flatnonzero(score > 0)
    if n <= 0:
        positive = positive[:0]
    elif positive.size > n:
        values = score[positive]
        cut = np.partition(values, positive.size - n)[positive.size - n]
        above = positive[values > cut]
        positive = np.concatenate([above, positive[values == cut][: n - above.size]])
    order = positive[np.lexsort((positive, -score[positive]))].astype(np.int64)
    return order, score[order]
