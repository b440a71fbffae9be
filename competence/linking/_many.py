"""Very many statements at once: the rows and products of ``_meanings``, compiled and without what a sparse product looks up.

This module decides nothing: what it gives is, to the last bit, what the array operations of ``_meanings`` give. It earns the
second or two that its kernels take to load only where hundreds of statements are weighed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np

from competence._words import STOP, Lexicon
from competence.linking._space import PAIR, Space

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

__all__ = ["Bundle", "Many"]

Words = tuple[str, ...]

_FULL = 0.2
"""Share of targets that have a feature, from which on its zeros are kept too."""


class _Pairs:
    """Know the columns of the features that are made of two words, by the numbers of the two."""

    def __init__(self, features: Mapping[str, int], mark: str) -> None:
        self.numbers: dict[str, int] = {}
        halves, columns = [], []
        for feature, column in features.items():
            first, found, second = feature.partition(mark)
            if found:
                halves.append([self.numbers.setdefault(half, len(self.numbers)) for half in (first, second)])
                columns.append(column)
        both = np.array(halves, dtype=np.int64).reshape(-1, 2)
        keys = both[:, 0] * len(self.numbers) + both[:, 1]
        order = np.argsort(keys)
        self.keys = keys[order]
        self.columns = np.array(columns, dtype=np.int32)[order]

    def find(self, bundle: Bundle, halves: Sequence[str], kept: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return where the pairs of neighbouring kept words of each text start, and their columns; ``halves`` as words are."""
        from competence.linking._rows_kernel import find_pairs

        numbers = np.array([self.numbers.get(half, -1) for half in halves], dtype=np.int64)
        found = find_pairs(bundle.starts, bundle.words, numbers, kept, self.keys, self.columns, len(self.numbers))
        return found[0], found[1]


@dataclass(frozen=True)
class Bundle:
    """Texts as numbers of words: text d has ``words[starts[d]:starts[d + 1]]``, places in ``vocabulary``."""

    vocabulary: list[str]
    starts: np.ndarray
    words: np.ndarray

    @classmethod
    def of(cls, texts: Sequence[Words]) -> Bundle:
        place = {w: i for i, w in enumerate(dict.fromkeys(chain.from_iterable(texts)))}
        starts = _starts(list(map(len, texts)))
        words = np.fromiter(map(place.__getitem__, chain.from_iterable(texts)), dtype=np.int64, count=int(starts[-1]))
        return cls(list(place), starts, words)

    def some(self, chosen: np.ndarray) -> Bundle:
        """Return the texts at these places, which stand in order."""
        lengths = np.diff(self.starts)
        taken = np.zeros(len(lengths), dtype=bool)
        taken[chosen] = True
        return Bundle(self.vocabulary, _starts(lengths[taken]), self.words[np.repeat(taken, lengths)])


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

    def claim_odds(self, bundle: Bundle, intercept: float) -> np.ndarray:
        """Return the log odds of a claim of each text, shape (n,)."""
        from competence.linking._rows_kernel import claim_odds

        if self.claim is None:
            return np.zeros(len(bundle.starts) - 1)
        pairs = self._claim_pairs.find(bundle, bundle.vocabulary, np.ones(len(bundle.vocabulary), dtype=bool))
        table = _table(self.claim, bundle, pairs)
        return np.asarray(claim_odds(bundle.starts, bundle.words, *table[:3], *pairs, *table[3:], self.weights, intercept))

    def likeliest(self, bundle: Bundle, sharpness: float, count: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the likeliest targets of each text, best first, and their probabilities, both of shape (n, count).

        -1 for all targets of a text that is equally near to all.
        """
        from competence.linking._rows_kernel import likeliest

        vocabulary = bundle.vocabulary
        kept = np.array([w not in STOP for w in vocabulary], dtype=bool)
        pairs = self._stem_pairs.find(bundle, [self.lexicon.stem(w) for w in vocabulary], kept)
        char, stem = _table(self.char, bundle), _table(self.stem, bundle, pairs)
        p = self.profiles
        targets, chances = likeliest(
            *(bundle.starts, bundle.words, char, stem, *pairs),
            *(p.indptr, p.indices, p.data, self._place, self._dense, sharpness, count),
        )
        return targets, chances


def _starts(lengths: Sequence[int] | np.ndarray) -> np.ndarray:
    return np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)])


def _table(
    space: Space, bundle: Bundle, pairs: tuple[np.ndarray, np.ndarray] | None = None
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray, float]:
    """Return the features of each distinct word as the kernels read them, logarithms, and the rarity of features."""
    found = [space._columns(w) for w in bundle.vocabulary]
    starts = _starts([len(columns) for columns, _ in found])
    columns = np.fromiter(chain.from_iterable(c for c, _ in found), dtype=np.int32, count=int(starts[-1]))
    absent = np.array([absent for _, absent in found], dtype=np.int64)
    # No feature of a text can stand in it more often than there are features.
    ends = np.concatenate([[0], np.cumsum(np.diff(starts)[bundle.words])])
    most = int((np.diff(ends[bundle.starts]) + (0 if pairs is None else np.diff(pairs[0]))).max(initial=1))
    return starts, columns, absent, np.log(np.maximum(1.0, np.arange(most + 1))), space.idf, space.unknown
