"""The compiled inner loops of :mod:`competence.solve.assign`; imported only when a pairing is solved.

Names shared by all: the arcs of row r are ``indptr[r]`` to ``indptr[r + 1]`` in ``columns`` and ``profit``; ``used`` says
which are in the plan; ``slots[starts[c] : starts[c] + column_used[c]]`` are the used arcs of column c.
"""

from __future__ import annotations

import numpy as np
from numba import njit

__all__ = ["ascending", "auction", "count", "earned", "fill_up", "keep_tight", "list_used", "search", "transpose"]


@njit(cache=True)
def ascending(indptr, indices, data):  # type: ignore[no-untyped-def]
    """Return 0 if every row's columns rise and every score is finite and >= 0, 1 for a score, 2 for the order."""
    order = 0
    for r in range(indptr.shape[0] - 1):
        last = -1
        for a in range(indptr[r], indptr[r + 1]):
            if not 0.0 <= data[a] < np.inf:
                return 1
            if indices[a] <= last:
                order = 2
            last = indices[a]
    return order


@njit(cache=True)
def earned(indptr, columns, profit, u, v, bonus):  # type: ignore[no-untyped-def]
    """Return the sum of what pairs earn above both prices, with Neumaier's compensation, so that no digit is lost."""
    total = 0.0
    lost = 0.0
    for r in range(indptr.shape[0] - 1):
        left = bonus - u[r]
        for a in range(indptr[r], indptr[r + 1]):
            gain = (left - v[columns[a]]) + profit[a]
            if gain > 0.0:
                more = total + gain
                if total >= gain:
                    lost += (total - more) + gain
                else:
                    lost += (gain - more) + total
                total = more
    return total + lost


@njit(cache=True)
def auction(  # type: ignore[no-untyped-def]
    state,
    most,
    indptr,
    columns,
    profit,
    arc_row,
    row_units,
    row_used,
    column_capacity,
    starts,
    column_used,
    slots,
    bids,
    used,
    v,
    eps,
):
    """Let rows bid for the columns worth most to them, ``most`` bids at most; return the number made.

    A column that is full costs what its lowest bidder offered, else nothing; ``slots`` is a heap with that bidder on
    top, ``bids`` beside it. ``state`` holds the row whose turn it is and the row that was outbid last (-1: none), so
    that a run in parts is the same as a run in one.
    """
    n = row_units.shape[0]
    made = 0
    while state[0] < n:
        r = state[1]
        if r < 0:
            r = state[0]
            if row_used[r] >= row_units[r]:
                state[0] += 1
                continue
        if made >= most:
            return made
        best = 0.0
        second = 0.0
        arc = -1
        for a in range(indptr[r], indptr[r + 1]):
            value = profit[a] - v[columns[a]]
            if value > second and not used[a]:
                if value > best:
                    second = best
                    best = value
                    arc = a
                else:
                    second = value
        state[1] = -1
        if arc < 0:
            # Nothing is worth its price: the row's other units would find the same.
            if r == state[0]:
                state[0] += 1
            continue
        made += 1
        c = columns[arc]
        low = starts[c]
        size = starts[c + 1] - low
        bid = v[c] + (best - second) + eps
        used[arc] = True
        row_used[r] += 1
        i = 0
        if column_used[c] < size:
            i = column_used[c]
            column_used[c] += 1
            while i > 0:
                above = (i - 1) >> 1
                if bids[low + above] <= bid:
                    break
                bids[low + i] = bids[low + above]
                slots[low + i] = slots[low + above]
                i = above
        else:
            out = slots[low]
            used[out] = False
            row_used[arc_row[out]] -= 1
            state[1] = arc_row[out]
            while True:
                child = 2 * i + 1
                if child >= size:
                    break
                if child + 1 < size and bids[low + child + 1] < bids[low + child]:
                    child += 1
                if bids[low + child] >= bid:
                    break
                bids[low + i] = bids[low + child]
                slots[low + i] = slots[low + child]
                i = child
        bids[low + i] = bid
        slots[low + i] = arc
        if column_used[c] == column_capacity[c]:
            v[c] = bids[low]
    return made


@njit(cache=True)
def keep_tight(indptr, columns, profit, row_used, starts, column_used, slots, used, u, v, drop):  # type: ignore[no-untyped-def]
    """Set each row's price to the least that satisfies its unused arcs; drop pairs that pay less, if ``drop``.

    What remains satisfies all that :func:`search` asks for except that a row may have a unit left at a price above 0
    and a column room at a price above 0. Returns the number dropped.
    """
    dropped = 0
    for r in range(indptr.shape[0] - 1):
        best = 0.0
        for a in range(indptr[r], indptr[r + 1]):
            gain = profit[a] - v[columns[a]]
            if gain > best and not used[a]:
                best = gain
        u[r] = best
    if not drop:
        return 0
    column_used[:] = 0
    for r in range(indptr.shape[0] - 1):
        if row_used[r] == 0:
            continue
        best = u[r]
        for a in range(indptr[r], indptr[r + 1]):
            if used[a]:
                c = columns[a]
                if profit[a] - v[c] < best:
                    used[a] = False
                    row_used[r] -= 1
                    dropped += 1
                else:
                    slots[starts[c] + column_used[c]] = a
                    column_used[c] += 1
    return dropped


@njit(cache=True)
def fill_up(indptr, columns, profit, row_units, row_used, starts, column_used, slots, used):  # type: ignore[no-untyped-def]
    """Give rows with units left the best column that has room: for a run that was stopped; return the pairs made."""
    made = 0
    for r in range(row_units.shape[0]):
        while row_used[r] < row_units[r]:
            best = 0.0
            arc = -1
            for a in range(indptr[r], indptr[r + 1]):
                c = columns[a]
                if profit[a] > best and not used[a] and column_used[c] < starts[c + 1] - starts[c]:
                    best = profit[a]
                    arc = a
            if arc < 0:
                break
            c = columns[arc]
            used[arc] = True
            slots[starts[c] + column_used[c]] = arc
            column_used[c] += 1
            row_used[r] += 1
            made += 1
    return made


@njit(cache=True)
def count(columns, n_columns):  # type: ignore[no-untyped-def]
    """Return how many arcs each column has."""
    found = np.zeros(n_columns, dtype=np.int64)
    for a in range(columns.shape[0]):
        found[columns[a]] += 1
    return found


@njit(cache=True)
def list_used(columns, used, starts, column_used, slots):  # type: ignore[no-untyped-def]
    """Write the used arcs of each column into its slots."""
    column_used[:] = 0
    for a in range(columns.shape[0]):
        if used[a]:
            c = columns[a]
            slots[starts[c] + column_used[c]] = a
            column_used[c] += 1


@njit(cache=True)
def transpose(indptr, columns, profit, used, n_columns):  # type: ignore[no-untyped-def]
    """Return pointers, rows, profit, used and place of the arcs by column."""
    k = columns.shape[0]
    starts = np.zeros(n_columns + 1, dtype=np.int64)
    for a in range(k):
        starts[columns[a] + 1] += 1
    for c in range(n_columns):
        starts[c + 1] += starts[c]
    at = starts[:-1].copy()
    rows = np.empty(k, dtype=np.int32)
    gains = np.empty(k)
    chosen = np.empty(k, dtype=np.bool_)
    place = np.empty(k, dtype=np.int64)
    for r in range(indptr.shape[0] - 1):
        for a in range(indptr[r], indptr[r + 1]):
            b = at[columns[a]]
            at[columns[a]] += 1
            rows[b] = r
            gains[b] = profit[a]
            chosen[b] = used[a]
            place[b] = a
    return starts, rows, gains, chosen, place


@njit(cache=True)
def _push(keys, nodes, size, key, node):  # type: ignore[no-untyped-def]
    """Add to the heap ordered by (key, node): equal distances leave in the order of the index, on every machine."""
    i = size
    while i > 0:
        above = (i - 1) >> 1
        if keys[above] < key or (keys[above] == key and nodes[above] <= node):
            break
        keys[i] = keys[above]
        nodes[i] = nodes[above]
        i = above
    keys[i] = key
    nodes[i] = node
    return size + 1


@njit(cache=True)
def _pop(keys, nodes, size):  # type: ignore[no-untyped-def]
    """Remove the top of the heap (the caller has read it); return the new size."""
    size -= 1
    key = keys[size]
    node = nodes[size]
    i = 0
    while True:
        child = 2 * i + 1
        if child >= size:
            break
        if child + 1 < size and (
            keys[child + 1] < keys[child] or (keys[child + 1] == keys[child] and nodes[child + 1] < nodes[child])
        ):
            child += 1
        if key < keys[child] or (key == keys[child] and node <= nodes[child]):
            break
        keys[i] = keys[child]
        nodes[i] = nodes[child]
        i = child
    if size > 0:
        keys[i] = key
        nodes[i] = node
    return size


@njit(cache=True)
def _bring_nearest(nodes, distance, size):  # type: ignore[no-untyped-def]
    """Swap the nearest node of a plain list to its end, the lowest index among equals."""
    at = 0
    node = nodes[0]
    key = distance[node]
    for i in range(1, size):
        other = nodes[i]
        if distance[other] < key or (distance[other] == key and other < node):
            at = i
            node = other
            key = distance[other]
    nodes[at] = nodes[size - 1]
    nodes[size - 1] = node


@njit(cache=True)
def search(  # type: ignore[no-untyped-def]
    state,
    most,
    plain,
    indptr,
    columns,
    profit,
    arc_row,
    row_units,
    row_used,
    column_capacity,
    starts,
    column_used,
    slots,
    used,
    u,
    v,
    distance,
    parent,
    done,
    touched,
    waiting,
    keys,
    nodes,
):
    """Place the units left of the rows from ``state[0]`` on, each along a cheapest augmenting path; ``most`` searches.

    Before and after each search: u, v >= 0; u + v >= profit on every unused arc and <= on every used one. A row whose
    units are all tried has u = 0 or no unit left. ``plain`` keeps the frontier in a list instead of a heap, which is
    quicker where a row has arcs to most columns. ``parent[node]`` is the arc by which a search came. Returns the
    number of searches.
    """
    n = row_units.shape[0]
    made = 0
    while state[0] < n:
        start = state[0]
        if row_used[start] == 0:
            # No unit of this row is placed, so its price may be set to the least that satisfies every arc.
            least = 0.0
            for a in range(indptr[start], indptr[start + 1]):
                gain = profit[a] - v[columns[a]]
                if gain > least:
                    least = gain
            u[start] = least
        best = u[start]
        if row_used[start] >= row_units[start] or best <= 0.0:
            state[0] += 1
            continue
        if made >= most:
            return made
        made += 1
        best_node = start
        seen = 1
        touched[0] = start
        distance[start] = 0.0
        parent[start] = -1
        size = 1
        keys[0] = 0.0
        nodes[0] = start
        ready = 0
        d = 0.0
        while size > 0 or ready > 0:
            if ready > 0:
                # As near as the node before: nothing can be nearer.
                ready -= 1
                node = waiting[ready]
                if d >= best:
                    break
                if done[node]:
                    continue
            elif plain:
                _bring_nearest(nodes, distance, size)
                node = nodes[size - 1]
                d = distance[node]
                if d >= best:
                    break
                size -= 1
                if done[node]:
                    continue
            else:
                d = keys[0]
                node = nodes[0]
                if d >= best:
                    break
                size = _pop(keys, nodes, size)
                if done[node]:
                    continue
            done[node] = True
            if node < n:
                price = u[node]
                if d + price < best:
                    best = d + price
                    best_node = node
                for a in range(indptr[node], indptr[node + 1]):
                    c = columns[a]
                    reduced = (price + v[c]) - profit[a]
                    there = d + reduced if reduced > 0.0 else d
                    k = n + c
                    if there < best and there < distance[k] and not used[a]:
                        fresh = distance[k] == np.inf
                        if fresh:
                            touched[seen] = k
                            seen += 1
                        distance[k] = there
                        parent[k] = a
                        if column_used[c] < column_capacity[c]:
                            best = there
                            best_node = k
                            if there <= d:
                                break
                        elif there <= d:
                            waiting[ready] = k
                            ready += 1
                        elif not plain:
                            size = _push(keys, nodes, size, there, k)
                        elif fresh:
                            nodes[size] = k
                            size += 1
            else:
                c = node - n
                for slot in range(starts[c], starts[c] + column_used[c]):
                    a = slots[slot]
                    r = arc_row[a]
                    reduced = (profit[a] - u[r]) - v[c]
                    there = d + reduced if reduced > 0.0 else d
                    if there < best and there < distance[r]:
                        fresh = distance[r] == np.inf
                        if fresh:
                            touched[seen] = r
                            seen += 1
                        distance[r] = there
                        parent[r] = a
                        if there <= d:
                            waiting[ready] = r
                            ready += 1
                        elif not plain:
                            size = _push(keys, nodes, size, there, r)
                        elif fresh:
                            nodes[size] = r
                            size += 1
        for t in range(seen):
            node = touched[t]
            if done[node] and distance[node] < best:
                if node < n:
                    u[node] = max(0.0, u[node] - (best - distance[node]))
                else:
                    v[node - n] += best - distance[node]
        # Walk back, turning the arcs of the path over. A path that ends in a row takes that row's unit out.
        if best_node < n:
            u[best_node] = 0.0
        if best_node != start:
            row_used[start] += 1
            if best_node < n:
                row_used[best_node] -= 1
        node = best_node
        while parent[node] >= 0:
            a = parent[node]
            if node >= n:
                c = node - n
                used[a] = True
                if node == best_node:
                    slots[starts[c] + column_used[c]] = a
                    column_used[c] += 1
                node = arc_row[a]
            else:
                c = columns[a]
                used[a] = False
                before = parent[n + c]
                for slot in range(starts[c], starts[c] + column_used[c]):
                    if slots[slot] == a:
                        slots[slot] = before
                        break
                node = n + c
        for t in range(seen):
            distance[touched[t]] = np.inf
            done[touched[t]] = False
        if best_node == start:
            state[0] += 1
    return made
