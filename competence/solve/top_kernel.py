"""The compiled inner loop of :mod:`competence.solve.top`; imported only when somebody is looked for."""

from __future__ import annotations

import numpy as np
from numba import njit

__all__ = ["SORTED_UP_TO", "best_of_each"]

SORTED_UP_TO = 64
"""Answers that are put in order here; longer ones are left as they come."""


@njit(cache=True, nogil=True)
def _keep(found, values, size, most, person, value):  # type: ignore[no-untyped-def]
    """Add to the heap whose top is the last in order (lowest score, then highest position); return the new size."""
    if size < most:
        i = size
        size += 1
        while i > 0:
            above = (i - 1) >> 1
            if values[above] < value or (values[above] == value and found[above] > person):
                break
            values[i] = values[above]
            found[i] = found[above]
            i = above
    else:
        i = 0
        while True:
            child = 2 * i + 1
            if child >= size:
                break
            if child + 1 < size and (
                values[child + 1] < values[child] or (values[child + 1] == values[child] and found[child + 1] > found[child])
            ):
                child += 1
            if value < values[child] or (value == values[child] and person > found[child]):
                break
            values[i] = values[child]
            found[i] = found[child]
            i = child
    values[i] = value
    found[i] = person
    return size


@njit(cache=True, nogil=True)
def best_of_each(  # type: ignore[no-untyped-def]
    indptr, people, levels, ends, concepts, weights, wanted, most, allowed, base, score, touched, found, values, sizes
):
    """Write the ``most`` best of each need into the rows of ``found`` and ``values``; ``sizes`` says how many. In order if few.

    ``allowed`` and ``base`` may be empty: everybody, nothing. ``score`` comes and goes as zeros.
    """
    share = np.zeros(6)
    n = score.shape[0]
    for q in range(ends.shape[0] - 1):
        total = 0.0
        for k in range(ends[q], ends[q + 1]):
            total += weights[k]
        seen = 0
        for k in range(ends[q], ends[q + 1]):
            for step in range(6):
                share[step] = weights[k] * (min(step, wanted[k]) / wanted[k]) / total
            for e in range(indptr[concepts[k]], indptr[concepts[k] + 1]):
                p = people[e]
                before = score[p]
                # The place is written in any case and kept only the first time: no branch to guess wrong.
                touched[seen] = p
                seen += (before == 0.0) & (share[levels[e]] > 0.0)
                score[p] = before + share[levels[e]]
        size = 0
        if base.size == 0:
            least = 0.0
            for t in range(seen):
                p = touched[t]
                value = score[p]
                score[p] = 0.0
                if value >= least and value > 0.0 and (allowed.size == 0 or allowed[p]):
                    if size == most and (most == 0 or (value == values[q, 0] and p > found[q, 0])):
                        continue
                    size = _keep(found[q], values[q], size, most, p, value)
                    if size == most:
                        least = values[q, 0]
        else:
            for p in range(n):
                value = score[p] + base[p]
                score[p] = 0.0
                if value > 0.0 and (allowed.size == 0 or allowed[p]):
                    if size == most and (most == 0 or value < values[q, 0] or (value == values[q, 0] and p > found[q, 0])):
                        continue
                    size = _keep(found[q], values[q], size, most, p, value)
        sizes[q] = size
        if size <= SORTED_UP_TO:
            for i in range(1, size):
                value, person = values[q, i], found[q, i]
                k = i
                while k > 0 and (values[q, k - 1] < value or (values[q, k - 1] == value and found[q, k - 1] > person)):
                    values[q, k] = values[q, k - 1]
                    found[q, k] = found[q, k - 1]
                    k -= 1
                values[q, k] = value
                found[q, k] = person
