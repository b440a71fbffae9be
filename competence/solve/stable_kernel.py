"""The compiled inner loop of :mod:`competence.solve.stable`; imported only when a stable plan is asked for."""

from __future__ import annotations

from numba import njit

__all__ = ["propose"]


@njit(cache=True)
def propose(ends, arcs, arc_column, arc_row, rank, starts, kept):  # type: ignore[no-untyped-def]
    """Let every row propose along ``arcs[ends[r]:ends[r + 1]]`` until it is kept or has nobody left to ask.

    ``kept[starts[j]:starts[j + 1]]`` is column j's heap of arcs with the worst (largest rank) on top; empty places
    hold -1 and are filled first. Returns the number of proposals.
    """
    n = ends.shape[0] - 1
    at = ends[:-1].copy()
    filled = starts[:-1].copy()
    proposals = 0
    for first in range(n):
        r = first
        while r >= 0 and at[r] < ends[r + 1]:
            arc = arcs[at[r]]
            c = arc_column[at[r]]
            at[r] += 1
            proposals += 1
            low = starts[c]
            high = starts[c + 1]
            if filled[c] < high:
                i = filled[c] - low
                filled[c] += 1
                while i > 0:
                    above = (i - 1) >> 1
                    if rank[kept[low + above]] >= rank[arc]:
                        break
                    kept[low + i] = kept[low + above]
                    i = above
                kept[low + i] = arc
                r = -1
            elif high > low and rank[kept[low]] > rank[arc]:
                r = arc_row[kept[low]]
                size = high - low
                i = 0
                while True:
                    child = 2 * i + 1
                    if child >= size:
                        break
                    if child + 1 < size and rank[kept[low + child + 1]] > rank[kept[low + child]]:
                        child += 1
                    if rank[kept[low + child]] <= rank[arc]:
                        break
                    kept[low + i] = kept[low + child]
                    i = child
                kept[low + i] = arc
    return proposals
