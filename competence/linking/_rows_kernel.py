"""The compiled inner loops of :mod:`competence.linking._meanings`; imported only when very many statements are weighed.

None of them holds Python's lock, so that other threads go on meanwhile. Sums run in a stated order and nothing is fused, so
that what they give is, to the last bit, what the array operations for one statement give.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from competence.linking._exponential import LN2, LN2_REST, LOWEST, PER_LN2, SERIES

__all__ = ["claim_odds", "find_pairs", "likeliest"]

_SEQUENCE = np.uint64(0x03F79D71B4CB0A89)
"""Each run of six bits stands in it once."""
_BIT = np.zeros(64, dtype=np.int32)
_BIT[[(0x03F79D71B4CB0A89 << bit & (1 << 64) - 1) >> 58 for bit in range(64)]] = np.arange(64)
"""Which single bit multiplies the sequence to such a run."""


@njit(cache=True, nogil=True)
def find_pairs(starts, words, numbers, kept, keys, columns, size):  # type: ignore[no-untyped-def]
    """Return where the pairs of neighbouring kept words of each text start, and their columns, -1 for one that is not known.

    Text d has the words ``words[starts[d]:starts[d + 1]]``. ``numbers[w]`` is the number of word w among the halves of pairs,
    -1 for none; ``keys``, in order, are the numbers of first halves times ``size`` plus those of second halves.
    """
    n = starts.shape[0] - 1
    found = np.empty(starts[n], dtype=np.int32)
    begins = np.zeros(n + 1, dtype=np.int64)
    end = 0
    for d in range(n):
        before = -1
        for i in range(starts[d], starts[d + 1]):
            w = words[i]
            if not kept[w]:
                continue
            if before >= 0:
                column = -1
                if numbers[before] >= 0 and numbers[w] >= 0:
                    key = numbers[before] * size + numbers[w]
                    low = 0
                    high = keys.shape[0]
                    while low < high:
                        middle = (low + high) // 2
                        if keys[middle] < key:
                            low = middle + 1
                        else:
                            high = middle
                    if low < keys.shape[0] and keys[low] == key:
                        column = columns[low]
                found[end] = column
                end += 1
            before = w
        begins[d + 1] = end
    return begins, found[:end]


@njit(cache=True, nogil=True)
def _weigh_rows(  # type: ignore[no-untyped-def]
    first, last, starts, words, word_starts, word_columns, word_absent, pair_starts, pair_columns, logs, idf, unknown, share
):
    """Return TF-IDF rows of the texts from ``first`` to ``last`` as (indptr, columns, values), as ``Space.rows`` does.

    Beside the words of :func:`find_pairs` text d has single features, the columns
    ``pair_columns[pair_starts[d]:pair_starts[d + 1]]``, -1 for one that is not known. Word w has the columns
    ``word_columns[word_starts[w]:word_starts[w + 1]]`` and ``word_absent[w]`` features that are not known. ``logs[k]`` is
    ln k as numpy gives it. Each row has length ``share`` or less, and its columns in order.
    """
    most = 0
    for d in range(first, last):
        for i in range(starts[d], starts[d + 1]):
            most += word_starts[words[i] + 1] - word_starts[words[i]]
        most += pair_starts[d + 1] - pair_starts[d]
    columns = np.empty(most, dtype=np.int32)
    values = np.empty(most, dtype=np.float64)
    indptr = np.zeros(last - first + 1, dtype=np.int64)
    width = idf.shape[0]
    counts = np.zeros(width, dtype=np.int32)
    marks = np.zeros(width // 64 + 1, dtype=np.uint64)
    one = np.uint64(1)
    end = 0
    for d in range(first, last):
        begin = end
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
        for k in range(begin, end):
            c = columns[k]
            values[k] = (1.0 + logs[counts[c]]) * idf[c]
            counts[c] = 0
            square += values[k] * values[k]
        square += absent * (unknown * unknown)
        length = np.sqrt(square) if square > 0 else 1.0
        for k in range(begin, end):
            values[k] = values[k] / length * share
        indptr[d - first + 1] = end
    return indptr, columns[:end], values[:end]


@njit(cache=True, nogil=True)
def claim_odds(  # type: ignore[no-untyped-def]
    starts, words, word_starts, word_columns, word_absent, pair_starts, pair_columns, logs, idf, unknown, weights, intercept
):
    """Return the log odds of a claim of each text, shape (n,)."""
    n = starts.shape[0] - 1
    indptr, columns, values = _weigh_rows(
        0, n, starts, words, word_starts, word_columns, word_absent, pair_starts, pair_columns, logs, idf, unknown, 1.0
    )
    found = np.empty(n)
    for d in range(n):
        total = 0.0
        for k in range(indptr[d], indptr[d + 1]):
            total += values[k] * weights[columns[k]]
        found[d] = total + intercept
    return found


@njit(cache=True, nogil=True)
def _multiply(rows, width, indptr, columns, values, place, dense, out):  # type: ignore[no-untyped-def]
    """Add to ``out`` the product of sparse rows with another sparse matrix, whose fullest rows also stand in ``dense``.

    ``place[c]`` is the row of ``dense`` that holds row c of the other matrix, -1 where it is only sparse. Adding its zeros
    changes no sum, and whole rows are added several numbers at a time. Column by column, so that what is common to many
    rows is fetched once; each row of ``out`` still gets its terms in the order of its columns.
    """
    row_ends, row_columns, row_values = rows
    n = row_ends.shape[0] - 1
    begins = np.zeros(width + 1, dtype=np.int32)
    for k in range(row_ends[n]):
        begins[row_columns[k] + 1] += 1
    for c in range(width):
        begins[c + 1] += begins[c]
    spot = begins[:-1].copy()
    owner = np.empty(row_ends[n], dtype=np.int32)
    value = np.empty(row_ends[n])
    for d in range(n):
        for k in range(row_ends[d], row_ends[d + 1]):
            c = row_columns[k]
            owner[spot[c]] = d
            value[spot[c]] = row_values[k]
            spot[c] += 1
    for c in range(width):
        for k in range(begins[c], begins[c + 1]):
            row = out[owner[k]]
            factor = value[k]
            if place[c] >= 0:
                full = dense[place[c]]
                for t in range(row.shape[0]):
                    row[t] += factor * full[t]
            else:
                for i in range(indptr[c], indptr[c + 1]):
                    row[columns[i]] += factor * values[i]


@njit(cache=True, nogil=True)
def _exponential(values):  # type: ignore[no-untyped-def]
    """Do in place what :func:`competence.linking._exponential.exponential` does, in the same order."""
    bits = np.empty(values.shape[0], dtype=np.int64)
    for t in range(values.shape[0]):
        x = max(values[t], LOWEST)
        k = np.rint(x * PER_LN2)
        r = (x - k * LN2) - k * LN2_REST
        y = SERIES[0] * r + SERIES[1]
        y = y * r + SERIES[2]
        y = y * r + SERIES[3]
        y = y * r + SERIES[4]
        y = y * r + SERIES[5]
        y = y * r + SERIES[6]
        y = y * r + SERIES[7]
        y = y * r + SERIES[8]
        y = y * r + SERIES[9]
        y = y * r + SERIES[10]
        y = y * r + SERIES[11]
        y = y * r + SERIES[12]
        y = y * r + SERIES[13]
        values[t] = y
        bits[t] = (np.int64(k) + 1023) << 52
    powers = bits.view(np.float64)
    for t in range(values.shape[0]):
        values[t] *= powers[t]


@njit(cache=True, nogil=True)
def _choose(scores, sharpness, targets, chances):  # type: ignore[no-untyped-def]
    """Write the likeliest targets of one text and their shares of the softmax; -1 where all targets are equally near."""
    size = scores.shape[0]
    for t in range(size):
        scores[t] = np.rint(scores[t] * 1e9) / 1e9
    total = 0.0
    for t in range(size):
        total += scores[t]
    mean = total / size
    square = 0.0
    for t in range(size):
        square += (scores[t] - mean) * (scores[t] - mean)
    spread = np.sqrt(square / size)
    if not spread > 0:
        targets[:] = -1
        return
    # The best so far in order; of equals the earlier target comes first.
    count = targets.shape[0]
    filled = 0
    for t in range(size):
        if filled == count and scores[t] <= scores[targets[count - 1]]:
            continue
        place = min(filled, count - 1)
        while place > 0 and scores[targets[place - 1]] < scores[t]:
            targets[place] = targets[place - 1]
            place -= 1
        targets[place] = t
        filled = min(filled + 1, count)
    best = (scores[targets[0]] - mean) / spread
    for t in range(size):
        scores[t] = ((scores[t] - mean) / spread - best) * sharpness
    _exponential(scores)
    total = 0.0
    for t in range(size):
        total += scores[t]
    for i in range(count):
        chances[i] = np.rint(scores[targets[i]] / total * 1e9) / 1e9


@njit(cache=True, nogil=True)
def likeliest(  # type: ignore[no-untyped-def]
    starts, words, char, stem, pair_starts, pair_columns, indptr, columns, values, place, dense, sharpness, count
):
    """Return the ``count`` likeliest targets of each text and their probabilities, both of shape (n, count).

    ``char`` and ``stem`` are what :func:`_weigh_rows` asks of the two spaces whose features are the rows of the profiles
    (``indptr``, ``columns``, ``values``; see :func:`_multiply`), those of ``stem`` after those of ``char``.
    """
    n = starts.shape[0] - 1
    size = dense.shape[1]
    share = np.sqrt(0.5)
    targets = np.empty((n, count), dtype=np.int64)
    chances = np.zeros((n, count))
    none = np.zeros(n + 1, dtype=np.int64)
    empty = np.zeros(0, dtype=np.int32)
    middle = char[4].shape[0]
    for first in range(0, n, 128):
        last = min(n, first + 128)
        scores = np.zeros((last - first, size))
        rows = _weigh_rows(first, last, starts, words, char[0], char[1], char[2], none, empty, char[3], char[4], char[5], share)
        _multiply(rows, middle, indptr, columns, values, place, dense, scores)
        rows = _weigh_rows(
            first, last, starts, words, stem[0], stem[1], stem[2], pair_starts, pair_columns, stem[3], stem[4], stem[5], share
        )
        _multiply(rows, stem[4].shape[0], indptr[middle:], columns, values, place[middle:], dense, scores)
        for d in range(first, last):
            _choose(scores[d - first], sharpness, targets[d], chances[d])
    return targets, chances
