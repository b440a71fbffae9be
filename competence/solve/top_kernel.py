"""The compiled inner loop of :mod:`competence.solve.top`; imported only when somebody is looked for."""

from __future__ import annotations

import numpy as np
from numba import njit

__all__ = ["best_of_each"]

_WHOLE = 1 << 52
"""A fit of 1 as a whole number. Floats between 1 and 2 lie this close, so that every sum is also a float."""

_EQUAL = 20
"""Bits of a sum that decide nothing: sums that round to the same multiple of 2^-32 are a tie.

A part such as 1/6 is off by up to half a unit and what its own computation loses, so that sums that are equal on paper
differ in their last bits. Equal fits of k parts with denominator D round alike wherever D (k + 3) < 2^20: they lie at
least 2^-33 / D from a limit of rounding, and are (k + 3) 2^-53 off at most.
"""

_LAST_FLOOR = 500 * 2 * _WHOLE
"""The highest floor: it, twice, with two sums on top, is below 2^63, so that no difference of two leaves an int64."""


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
def _rounded(fit):  # type: ignore[no-untyped-def]
    """Return a sum as a float, rounded to what decides."""
    return ((fit + (1 << (_EQUAL - 1))) >> _EQUAL << _EQUAL) / _WHOLE


@njit(cache=True, nogil=True)
def best_of_each(  # type: ignore[no-untyped-def]
    indptr, people, levels, ends, concepts, weights, wanted, most, allowed, base, score, found, values, sizes
):
    """Write the ``most`` (1 or more) best of each need in order into ``found`` and ``values``; ``sizes`` says how many.

    ``allowed`` and ``base`` may be empty: everybody, nothing. ``score`` comes as zeros of int64. A need's concepts come
    with the shortest list first: long lists are then rarely looked through a second time.

    Notes
    -----
    Sums are whole numbers of 1 / ``_WHOLE``, hence exact in any order. Each need counts from a floor of its own that
    lies above all sums of the needs before it: what is below the floor is an older need's and means nothing yet. So the
    sums are never set back, and no list of the people reached is kept.
    """
    widest = 0
    for q in range(ends.shape[0] - 1):
        widest = max(widest, ends[q + 1] - ends[q])
    share = np.zeros((widest, 6), dtype=np.int64)
    floor = 0
    for q in range(ends.shape[0] - 1):
        if floor >= _LAST_FLOOR:
            score[:] = 0
            floor = 0
        floor += 2 * _WHOLE
        first, end = ends[q], ends[q + 1]
        total = 0.0
        for k in range(first, end):
            total += weights[k]
        rest = 0  # what the lists not yet looked through give at most
        for k in range(first, end):
            part = share[k - first]
            part[0] = floor
            for step in range(1, 6):
                exact = weights[k] * (min(step, wanted[k]) / wanted[k]) / total * _WHOLE
                part[step] = floor + max(1, int(exact + 0.5))
            rest += part[5] - floor
            for e in range(indptr[concepts[k]], indptr[concepts[k] + 1]):
                p = people[e]
                before = score[p] - floor
                # The larger of before and 0, in bits: compilers make a jump of max(), and many guesses go wrong.
                score[p] = (before & ~(before >> 63)) + part[levels[e]]
        # People are ranked by the rounded sum; ``values`` holds that (and the base) until the end.
        size = 0
        if base.size == 0:
            least = floor + 1
            for k in range(first, end):
                if floor + rest < least:
                    break
                rest -= share[k - first, 5] - floor
                for e in range(indptr[concepts[k]], indptr[concepts[k] + 1]):
                    p = people[e]
                    if score[p] < least:
                        continue
                    value = _rounded(score[p] - floor)
                    score[p] = -score[p]  # not again in another list
                    if allowed.size > 0 and not allowed[p]:
                        continue
                    person = np.int64(p)
                    if size == most and (value == values[q, 0] and person > found[q, 0]):
                        continue
                    size = _keep(found[q], values[q], size, most, person, value)
                    if size == most:
                        least = floor + max(1, int(values[q, 0] * _WHOLE) - (1 << (_EQUAL - 1)))
        else:
            for p in range(score.shape[0]):
                fit = max(score[p] - floor, 0)
                if fit / _WHOLE + base[p] > 0.0 and (allowed.size == 0 or allowed[p]):
                    value = _rounded(fit) + base[p]
                    if size == most and (value < values[q, 0] or (value == values[q, 0] and p > found[q, 0])):
                        continue
                    size = _keep(found[q], values[q], size, most, p, value)
        sizes[q] = size
        # The last in order stands at the top of the heap: it goes to the end, again and again.
        for last in range(size - 1, 0, -1):
            person, value = found[q, last], values[q, last]
            found[q, last], values[q, last] = found[q, 0], values[q, 0]
            _keep(found[q], values[q], last, last, person, value)
        for i in range(size):
            person = found[q, i]
            values[q, i] = max(abs(score[person]) - floor, 0) / _WHOLE
            if base.size > 0:
                values[q, i] += base[person]
