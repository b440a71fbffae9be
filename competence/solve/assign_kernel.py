"""The compiled inner loop of :mod:`competence.solve.assign`; imported only when a pairing is solved."""

from __future__ import annotations

import numpy as np
from numba import njit

__all__ = ["insert_rows"]


@njit(cache=True)
def _push(keys, nodes, size, key, node):  # type: ignore[no-untyped-def]
    """Add to the heap ordered by (key, node): equal distances leave in the order of the index, on every machine."""
    i = size
    while i > 0:
        parent = (i - 1) >> 1
        if keys[parent] < key or (keys[parent] == key and nodes[parent] <= node):
            break
        keys[i] = keys[parent]
        nodes[i] = nodes[parent]
        i = parent
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
def insert_rows(  # type: ignore[no-untyped-def]
    first,
    last,
    indptr,
    columns,
    profit,
    arc_row,
    row_capacity,
    column_capacity,
    column_start,
    column_arcs,
    column_used,
    used,
    u,
    v,
    distance,
    parent,
    done,
    touched,
    keys,
    nodes,
):
    """Insert the units of rows ``first`` to ``last`` one by one, each along a cheapest augmenting path.

    Before and after each unit the plan is optimal for the units inserted so far: u, v >= 0; u + v >= profit on every
    unused arc and <= on every used one; u = 0 for a row with a unit left over, v = 0 for a column with room. All
    arrays from ``column_used`` on are changed in place. ``parent[node]`` is the arc by which the search came.
    """
    n = row_capacity.shape[0]
    for start in range(first, last):
        # No unit of this row is placed yet, so its price may be set to the least that satisfies every arc (a row
        # without capacity keeps it: it costs nothing).
        best_price = 0.0
        for a in range(indptr[start], indptr[start + 1]):
            gain = profit[a] - v[columns[a]]
            if gain > best_price:
                best_price = gain
        u[start] = best_price
        for _ in range(row_capacity[start]):
            best = u[start]
            if best <= 0.0:
                break
            best_node = start
            count = 1
            touched[0] = start
            distance[start] = 0.0
            parent[start] = -1
            size = _push(keys, nodes, 0, 0.0, start)
            while size > 0:
                d = keys[0]
                node = nodes[0]
                if d >= best:
                    break
                size = _pop(keys, nodes, size)
                if done[node]:
                    continue
                done[node] = True
                if node < n:
                    if d + u[node] < best:
                        best = d + u[node]
                        best_node = node
                    for a in range(indptr[node], indptr[node + 1]):
                        if used[a]:
                            continue
                        c = columns[a]
                        reduced = u[node] + v[c] - profit[a]
                        if reduced < 0.0:
                            reduced = 0.0
                        there = d + reduced
                        k = n + c
                        if there < best and there < distance[k]:
                            if distance[k] == np.inf:
                                touched[count] = k
                                count += 1
                            distance[k] = there
                            parent[k] = a
                            if column_used[c] < column_capacity[c]:
                                best = there
                                best_node = k
                            else:
                                size = _push(keys, nodes, size, there, k)
                else:
                    c = node - n
                    for slot in range(column_start[c], column_start[c] + column_used[c]):
                        a = column_arcs[slot]
                        r = arc_row[a]
                        reduced = profit[a] - u[r] - v[c]
                        if reduced < 0.0:
                            reduced = 0.0
                        there = d + reduced
                        if there < best and there < distance[r]:
                            if distance[r] == np.inf:
                                touched[count] = r
                                count += 1
                            distance[r] = there
                            parent[r] = a
                            size = _push(keys, nodes, size, there, r)
            for t in range(count):
                node = touched[t]
                if done[node] and distance[node] < best:
                    if node < n:
                        u[node] = max(0.0, u[node] - (best - distance[node]))
                    else:
                        v[node - n] += best - distance[node]
            # Walk back, turning the arcs of the path over.
            if best_node < n:
                u[best_node] = 0.0
            node = best_node
            while parent[node] >= 0:
                a = parent[node]
                if node >= n:
                    c = node - n
                    used[a] = True
                    if node == best_node:
                        column_arcs[column_start[c] + column_used[c]] = a
                        column_used[c] += 1
                    node = arc_row[a]
                else:
                    c = columns[a]
                    used[a] = False
                    before = parent[n + c]
                    for slot in range(column_start[c], column_start[c] + column_used[c]):
                        if column_arcs[slot] == a:
                            column_arcs[slot] = before
                            break
                    node = n + c
            for t in range(count):
                distance[touched[t]] = np.inf
                done[touched[t]] = False
            if best_node == start:
                break
