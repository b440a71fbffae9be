"""Very many statements at once: the rows and products of ``_meanings``, compiled and without what a sparse product looks up.

This module decides nothing: what it gives is, to the last bit, what the sparse products of ``_space`` give. It earns the
second or two that its kernels take to load only where hundreds of statements are weighed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np

from competence._words import STOP, Lexicon
from competence.linking._space import PAIR, Space

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

__all__ = ["Many"]

Words = tuple[str, ...]

_CHUNK = 64
"""Texts weighed at once: their scores stay in a processor's own memory."""
_FULL = 0.2
"""Share of targets that have a feature, from which on its zeros are kept too."""


class _Pairs:
    """Find the columns of the features that are made of two words, by the numbers of the two."""

    def __init__(self, features: Mapping[str, int], mark: str) -> None:
        self._numbers: dict[str, int] = {}
        halves, columns = [], []
        for feature, column in features.items():
            first, found, second = feature.partition(mark)
            if found:
                halves.append([self._numbers.setdefault(half, len(self._numbers)) for half in (first, second)])
                columns.append(column)
        both = np.array(halves, dtype=np.int64).reshape(-1, 2)
        keys = both[:, 0] * len(self._numbers) + both[:, 1]
        order = np.argsort(keys)
        # What is searched for beyond the last one ends here, and is no pair's.
        self._keys = np.append(keys[order], -1)
        self._columns = np.append(np.array(columns, dtype=np.int64)[order], -1)

    def of(self, halves: Sequence[str]) -> _Numbered:
        """Return the same for words by their places in ``halves``."""
        return _Numbered(self, np.array([self._numbers.get(half, -1) for half in halves], dtype=np.int64))

    def columns(self, first: np.ndarray, second: np.ndarray) -> np.ndarray:
        """Return the column of each pair of numbers, -1 where one of them or the pair is not known."""
        keys = first * len(self._numbers) + second
        spot = np.searchsorted(self._keys[:-1], keys)
        return np.where((first >= 0) & (second >= 0) & (self._keys[spot] == keys), self._columns[spot], -1)


@dataclass(frozen=True)
class _Numbered:
    """The pairs, and what number each word of a vocabulary has among their halves; -1 for none."""

    pairs: _Pairs
    numbers: np.ndarray

    def columns(self, first: np.ndarray, second: np.ndarray) -> np.ndarray:
        return self.pairs.columns(self.numbers[first], self.numbers[second])


class _Table:
    """The features of each distinct word, as the kernels read them."""

    def __init__(self, found: Sequence[tuple[Sequence[int], int]]) -> None:
        self.starts = _starts([len(columns) for columns, _ in found])
        self.columns = np.fromiter(chain.from_iterable(c for c, _ in found), dtype=np.int32, count=int(self.starts[-1]))
        self.absent = np.array([absent for _, absent in found], dtype=np.int64)


class Many:
    """Know what the kernels need of the spaces and profiles of :class:`~competence.linking._meanings.Meanings`."""

    def __init__(
        self, char: Space, stem: Space, claim: Space | None, profiles: csr_matrix, weights: np.ndarray, lexicon: Lexicon
    ) -> None:
        self.char, self.stem, self.claim = char, stem, claim
        self.profiles, self.weights, self.lexicon = profiles, weights, lexicon
        self._stem_pairs = _Pairs(stem.features, "_")
        self._claim_pairs = _Pairs(claim.features if claim else {}, PAIR)
        full = np.flatnonzero(np.diff(profiles.indptr) >= _FULL * profiles.shape[1])
        self._dense = profiles[full].toarray()
        self._place = np.full(profiles.shape[0], -1, dtype=np.int32)
        self._place[full] = np.arange(len(full))

    def prepare(self) -> None:
        """Load the kernels."""
        for _ in self.weigh([("",)]):
            pass

    def weigh(self, texts: Sequence[Words]) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield, some texts at a time, their likeness to each target, shape (k, size), and the odds of a claim, shape (k,)."""
        from competence.linking._rows_kernel import multiply_rows

        vocabulary = {w: i for i, w in enumerate(dict.fromkeys(chain.from_iterable(texts)))}
        carries = np.array([w not in STOP for w in vocabulary], dtype=bool)
        char, stem = (_Table([space._columns(w) for w in vocabulary]) for space in (self.char, self.stem))
        stem_pairs = self._stem_pairs.of([self.lexicon.stem(w) for w in vocabulary])
        claim = _Table([self.claim._columns(w) for w in vocabulary]) if self.claim else None
        claim_pairs = self._claim_pairs.of(list(vocabulary))
        for begin in range(0, len(texts), _CHUNK):
            part = texts[begin : begin + _CHUNK]
            starts = _starts(list(map(len, part)))
            words = np.fromiter(map(vocabulary.__getitem__, chain.from_iterable(part)), dtype=np.int64, count=int(starts[-1]))
            owner = np.repeat(np.arange(len(part)), np.diff(starts))
            nothing = _neighbours(owner[:0], words[:0], stem_pairs, len(part))
            kept = carries[words]
            scores = np.zeros((len(part), self.profiles.shape[1]))
            for space, table, pairs, first in (
                (self.char, char, nothing, 0),
                (self.stem, stem, _neighbours(owner[kept], words[kept], stem_pairs, len(part)), len(self.char.idf)),
            ):
                rows = _weigh_rows(space, starts, words, table, pairs, float(np.sqrt(0.5)))
                place = self._place[first : first + len(space.idf)]
                indptr = self.profiles.indptr[first : first + len(space.idf) + 1]
                multiply_rows(*rows, indptr, self.profiles.indices, self.profiles.data, place, self._dense, scores)
            if self.claim is None or claim is None:
                yield scores, np.zeros(len(part))
                continue
            found = _weigh_rows(self.claim, starts, words, claim, _neighbours(owner, words, claim_pairs, len(part)), 1.0)
            yield scores, self._summed(*found)

    def _summed(self, indptr: np.ndarray, columns: np.ndarray, values: np.ndarray) -> np.ndarray:
        from scipy.sparse import csr_matrix

        return np.asarray(csr_matrix((values, columns, indptr), shape=(len(indptr) - 1, len(self.weights))) @ self.weights)


def _starts(lengths: Sequence[int] | np.ndarray) -> np.ndarray:
    return np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)])


def _neighbours(owner: np.ndarray, words: np.ndarray, pairs: _Numbered, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Return where the pairs of neighbouring words of each text start, and their columns."""
    same = owner[1:] == owner[:-1]
    columns = pairs.columns(words[:-1][same], words[1:][same])
    return _starts(np.bincount(owner[1:][same], minlength=n)), columns


def _weigh_rows(
    space: Space, starts: np.ndarray, words: np.ndarray, table: _Table, pairs: tuple[np.ndarray, np.ndarray], share: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    from competence.linking._rows_kernel import weigh_rows

    # No feature of a text can stand in it more often than there are features.
    ends = np.concatenate([[0], np.cumsum(np.diff(table.starts)[words])])
    most = int((np.diff(ends[starts]) + np.diff(pairs[0])).max(initial=1))
    logs = np.log(np.maximum(1.0, np.arange(most + 1)))
    indptr, columns, values = weigh_rows(
        starts, words, table.starts, table.columns, table.absent, *pairs, len(space.idf), logs, space.idf, space.unknown, share
    )
    return indptr, columns, values
