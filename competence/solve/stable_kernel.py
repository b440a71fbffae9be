"""The compiled inner loops of :mod:`competence.solve.stable`; imported only when a stable plan is asked for."""

from __future__ import annotations

import numpy as np
from numba import njit

__all__ = ["propose", "ranked"]


@njit(cache=True)
def ranked(ends, arc_column, first, column_tie):  # type: ignore[no-untyped-def]
    """Return each row's arcs from best to worst, equals in the order of ``column_tie``."""
    arcs = np.empty(first.shape[0], dtype=np.int64)
    for r in range(ends.shape[0] - 1):
        low = ends[r]
        high = ends[r + 1]
        start = np.argsort(column_tie[arc_column[low:high]], kind="mergesort")
        order = np.argsort(-first[low:high][start], kind="mergesort")
        for k in range(high - low):
            arcs[low + k] = low + start[order[k]]
    return arcs


@njit(cache=True)
def _worse(a, b, second, arc_row, row_tie):  # type: ignore[no-untyped-def]
    """Return whether a column would rather have arc b than arc a."""
    return second[a] < second[b] or (second[a] == second[b] and row_tie[arc_row[a]] > row_tie[arc_row[b]])


@njit(cache=True)
def propose(state, most, ends, arcs, at, arc_column, arc_row, second, row_tie, starts, filled, kept):  # type: ignore[no-untyped-def]
    """Let rows propose along ``arcs[at[r] : ends[r + 1]]`` until each is kept or has nobody left to ask; ``most`` times.

    ``kept[starts[j] : starts[j] + filled[j]]`` is column j's heap of arcs with the worst on top. ``state`` holds the row
    whose turn it is and the row that was refused last (-1: none), so that a run in parts is the same as a run in one.
    Returns the number of proposals.
    """
    n = ends.shape[0] - 1
    made = 0
    while state[0] < n:
        r = state[1]
        if r < 0:
            r = state[0]
        state[1] = -1
        while r >= 0 and at[r] < ends[r + 1]:
            if made >= most:
                state[1] = r
                return made
            arc = arcs[at[r]]
            c = arc_column[arc]
            at[r] += 1
            made += 1
            low = starts[c]
            size = starts[c + 1] - low
            i = 0
            if filled[c] < size:
                i = filled[c]
                filled[c] += 1
                while i > 0:
                    above = (i - 1) >> 1
                    if not _worse(arc, kept[low + above], second, arc_row, row_tie):
                        break
                    kept[low + i] = kept[low + above]
                    i = above
                kept[low + i] = arc
                r = -1
            elif size > 0 and _worse(kept[low], arc, second, arc_row, row_tie):
                r = arc_row[kept[low]]
                while True:
                    child = 2 * i + 1
                    if child >= size:
                        break
                    if child + 1 < size and _worse(kept[low + child + 1], kept[low + child], second, arc_row, row_tie):
                        child += 1
                    if not _worse(kept[low + child], arc, second, arc_row, row_tie):
                        break
                    kept[low + i] = kept[low + child]
                    i = child
                kept[low + i] = arc
        state[0] += 1
    return made
