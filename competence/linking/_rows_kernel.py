"""The compiled inner loops of :mod:`competence.linking._meanings`; imported only when very many statements are weighed."""

from __future__ import annotations

import numpy as np
from numba import njit

__all__ = ["multiply_rows", "weigh_rows"]

_SEQUENCE = np.uint64(0x03F79D71B4CB0A89)
"""Each run of six bits stands in it once."""
_BIT = np.zeros(64, dtype=np.int32)
_BIT[[(0x03F79D71B4CB0A89 << bit & (1 << 64) - 1) >> 58 for bit in range(64)]] = np.arange(64)
"""Which single bit multiplies the sequence to such a run."""


@njit(cache=True)
def weigh_rows(  # type: ignore[no-untyped-def]
    starts, words, word_starts, word_columns, word_absent, pair_starts, pair_columns, width, logs, idf, unknown, share
):
    """Return TF-IDF rows as (indptr, columns, values), each of length ``share`` or less and its columns in order.

    Document d has the words ``words[starts[d]:starts[d + 1]]``, and beside them single features, the columns
    ``pair_columns[pair_starts[d]:pair_starts[d + 1]]``, -1 for one that is not known. Word w has the columns
    ``word_columns[word_starts[w]:word_starts[w + 1]]`` and ``word_absent[w]`` features that are not known. ``logs[k]`` is
    ln k as numpy gives it. Every operation comes in the order of the sparse products of ``Space.rows``, so the values are
    the same to the last bit.
    """
    n = starts.shape[0] - 1
    most = 0
    for d in range(n):
        for i in range(starts[d], starts[d + 1]):
            most += word_starts[words[i] + 1] - word_starts[words[i]]
        most += pair_starts[d + 1] - pair_starts[d]
    columns = np.empty(most, dtype=np.int32)
    values = np.empty(most, dtype=np.float64)
    indptr = np.zeros(n + 1, dtype=np.int64)
    counts = np.zeros(width, dtype=np.int32)
    marks = np.zeros(width // 64 + 1, dtype=np.uint64)
    one = np.uint64(1)
    end = 0
    for d in range(n):
        first = end
        absent = 0
        for i in range(starts[d], starts[d + 1]):
            w = words[i]
            absent += word_absent[w]
            for k in range(word_starts[w], word_starts[w + 1]):
                c = word_columns[k]
                marks[c >> 6] |= one << np.uint64(c & 63)
                counts[c] += 1
        for i in range(pair_starts[d], pair_starts[d + 1]):
            c = pair_columns[i]
            if c < 0:
                absent += 1
            else:
                marks[c >> 6] |= one << np.uint64(c & 63)
                counts[c] += 1
        # The columns in order, without sorting: where the lowest bit stands is told by a de Bruijn sequence.
        for m in range(marks.shape[0]):
            bits = marks[m]
            while bits != 0:
                low = bits & (~bits + one)
                columns[end] = m * 64 + _BIT[(low * _SEQUENCE) >> np.uint64(58)]
                end += 1
                bits ^= low
            marks[m] = 0
        square = 0.0
        for k in range(first, end):
            c = columns[k]
            values[k] = (1.0 + logs[counts[c]]) * idf[c]
            counts[c] = 0
            square += values[k] * values[k]
        square += absent * (unknown * unknown)
        length = np.sqrt(square) if square > 0 else 1.0
        for k in range(first, end):
            values[k] = values[k] / length * share
        indptr[d + 1] = end
    return indptr, columns[:end], values[:end]


@njit(cache=True)
def multiply_rows(  # type: ignore[no-untyped-def]
    indptr, columns, values, other_indptr, other_columns, other_values, place, dense, out
):
    """Add to ``out`` the product of sparse rows with another sparse matrix, whose fullest rows also stand in ``dense``.

    ``place[c]`` is the row of ``dense`` that holds row c of the other matrix, -1 where it is only sparse. Adding its zeros
    changes no sum, and whole rows are added several numbers at a time.
    """
    for d in range(indptr.shape[0] - 1):
        row = out[d]
        for k in range(indptr[d], indptr[d + 1]):
            c = columns[k]
            value = values[k]
            if place[c] >= 0:
                full = dense[place[c]]
                for t in range(row.shape[0]):
                    row[t] += value * full[t]
            else:
                for i in range(other_indptr[c], other_indptr[c + 1]):
                    row[other_columns[i]] += value * other_values[i]
