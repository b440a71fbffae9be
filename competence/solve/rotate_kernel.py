"""The compiled neighbourhood solver of :mod:`competence.solve.rotate`; imported only when cycles are packed."""

from __future__ import annotations

import numpy as np
from numba import njit

__all__ = ["pack"]


@njit(cache=True)
def pack(cycles, reduced, price, start, column, side_start, side_row, side_value, side_price, left, one_way, ceiling, node_limit):  # type: ignore[no-untyped-def]
    """Find the packing that loses least against the prices, by depth-first search with their bound.

    A plan is worth the sum of prices minus what it loses: the reduced cost of each cycle taken, the price of each
    person left out, and the price of what each side row has left, which is known when everybody is decided.
    ``cycles`` (c, L) holds people 0..m-1, padded with -1; ``column[start[i]:start[i + 1]]`` are person i's cycles by
    rising reduced cost. Each open person will lose at least the least of the price and an equal part of an open
    cycle's reduced cost; the person with the greatest regret is decided next. Side rows with ``one_way`` (no negative
    entry) are checked at once, the others when everybody is decided.

    Returns the cycles taken, the loss (``ceiling`` if no plan loses less) and the nodes used; fewer than
    ``node_limit`` nodes means that the search was exhaustive.
    """
    m = price.shape[0]
    length = cycles.shape[1]
    decided = np.zeros(m, dtype=np.bool_)
    person = np.full(m + 1, -1, dtype=np.int64)
    option = np.zeros(m + 1, dtype=np.int64)
    taken = np.full(m + 1, -1, dtype=np.int64)
    lost = np.zeros(m + 2)
    best_taken = np.full(m + 1, -1, dtype=np.int64)
    best = ceiling
    nodes = 0
    depth = 0
    fresh = True
    parts = np.zeros(cycles.shape[0])
    for c in range(cycles.shape[0]):
        people = 0
        for k in range(length):
            if cycles[c, k] >= 0:
                people += 1
        parts[c] = reduced[c] / people
    while depth >= 0:
        if fresh:
            nodes += 1
            if nodes >= node_limit:
                break
            # Bound the rest, and find whom to decide next.
            rest = 0.0
            chosen = -1
            regret = -1.0
            for i in range(m):
                if decided[i]:
                    continue
                least = price[i]
                first = price[i]
                second = np.inf
                seen = 0
                for s in range(start[i], start[i + 1]):
                    c = column[s]
                    open_ = True
                    for k in range(length):
                        j = cycles[c, k]
                        if j >= 0 and decided[j]:
                            open_ = False
                            break
                    if not open_:
                        continue
                    least = min(least, parts[c])
                    if reduced[c] < first:
                        second = first
                        first = reduced[c]
                    elif reduced[c] < second:
                        second = reduced[c]
                    seen += 1
                    # Lists rise, and a part is at least reduced / length: nothing further can be less.
                    if seen >= 2 and reduced[c] / length >= least:
                        break
                rest += least
                if second == np.inf:
                    second = first + 1e6
                if second - first > regret:
                    regret = second - first
                    chosen = i
            if lost[depth] + rest >= best:
                depth -= 1
                fresh = False
                continue
            if chosen < 0:
                feasible = True
                loss = lost[depth]
                for r in range(left.shape[0]):
                    if left[r] < -1e-9:
                        feasible = False
                        break
                    loss += side_price[r] * left[r]
                if feasible and loss < best:
                    best = loss
                    for d in range(m + 1):
                        best_taken[d] = taken[d] if d < depth else -1
                depth -= 1
                fresh = False
                continue
            person[depth] = chosen
            option[depth] = start[chosen]
            taken[depth] = -1
            decided[chosen] = True
        else:
            # Undo what was tried here last.
            c = taken[depth]
            if c >= 0:
                for k in range(length):
                    j = cycles[c, k]
                    if j >= 0 and j != person[depth]:
                        decided[j] = False
                for s in range(side_start[c], side_start[c + 1]):
                    left[side_row[s]] += side_value[s]
                taken[depth] = -1
        i = person[depth]
        moved = False
        while option[depth] < start[i + 1]:
            c = column[option[depth]]
            option[depth] += 1
            if lost[depth] + reduced[c] >= best:
                continue
            fits = True
            for k in range(length):
                j = cycles[c, k]
                if j >= 0 and j != i and decided[j]:
                    fits = False
                    break
            if fits:
                for s in range(side_start[c], side_start[c + 1]):
                    r = side_row[s]
                    if one_way[r] and side_value[s] > left[r] + 1e-9:
                        fits = False
                        break
            if not fits:
                continue
            for k in range(length):
                j = cycles[c, k]
                if j >= 0:
                    decided[j] = True
            for s in range(side_start[c], side_start[c + 1]):
                left[side_row[s]] -= side_value[s]
            taken[depth] = c
            lost[depth + 1] = lost[depth] + reduced[c]
            moved = True
            break
        if not moved and option[depth] == start[i + 1]:
            # Last choice: leave the person out.
            option[depth] += 1
            if lost[depth] + price[i] < best:
                lost[depth + 1] = lost[depth] + price[i]
                moved = True
        if moved:
            depth += 1
            fresh = True
        else:
            decided[i] = False
            person[depth] = -1
            depth -= 1
            fresh = False
    return best_taken, best, nodes
