"""Words as weighted vectors: TF-IDF with 1 + log tf and length 1, computed row by row and therefore the same in any bundle.

This module decides how words become numbers; what is compared with what belongs to the ranker. Everything here is a sparse
product or a sum in the order of features, so a text has bit for bit the same vector alone and among ten thousand.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import chain, pairwise
from typing import TYPE_CHECKING, Self

import numpy as np

from competence._words import STOP, Lexicon

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

__all__ = ["Space", "characters", "count_rows", "pairs_of_words", "stems"]

PAIR = "\x00"
"""Between two neighbouring words that are looked at as one; no word holds it."""


def characters(longest: int) -> Callable[[str], list[str]]:
    """Return the analysis of a word into character n-grams of 2 to ``longest``, its edges marked by a space."""

    def of_word(word: str) -> list[str]:
        if PAIR in word:
            return []
        padded = f" {word} "
        return [padded[i : i + n] for n in range(2, longest + 1) for i in range(len(padded) - n + 1)]

    return of_word


def stems(lexicon: Lexicon) -> Callable[[str], list[str]]:
    """Return the analysis of a word into the stems of its compound parts; of two words into one feature."""

    def of_word(word: str) -> list[str]:
        if PAIR in word:
            first, second = word.split(PAIR)
            return [f"{lexicon.stem(first)}_{lexicon.stem(second)}"]
        return [] if word in STOP else list(lexicon.parts(word))

    return of_word


def pairs_of_words(words: Sequence[str]) -> list[str]:
    """Return the words and, after them, each two neighbours among those that carry something, as one."""
    kept = [w for w in words if w not in STOP]
    return [*words, *(a + PAIR + b for a, b in pairwise(kept))]


def count_rows(rows: Sequence[Sequence[int]], width: int) -> csr_matrix:
    """Return how often each column is named in each row, shape (len(rows), width)."""
    from scipy.sparse import csr_matrix

    indptr = np.concatenate([[0], np.cumsum([len(r) for r in rows])])
    indices = np.fromiter(chain.from_iterable(rows), dtype=np.int64, count=int(indptr[-1]))
    matrix = csr_matrix((np.ones(len(indices)), indices, indptr), shape=(len(rows), width))
    matrix.sum_duplicates()
    return matrix


class Space:
    """Know the features of some documents and their rarity, idf = ln((1 + n) / (1 + df)) + 1.

    Parameters
    ----------
    analyse : callable
        A word's features.
    features : mapping
        Column of each known feature.
    idf : ndarray
        Their rarity, shape (n_features,).
    unknown : float
        Rarity of a feature that no document has: it counts in the length of a text, which is then less like any label.
    """

    def __init__(
        self, analyse: Callable[[str], Sequence[str]], features: Mapping[str, int], idf: np.ndarray, unknown: float
    ) -> None:
        self.analyse = analyse
        self.features = dict(features)
        self.idf = idf
        self.unknown = unknown
        self._known: dict[str, tuple[list[int], int]] = {}

    @classmethod
    def fit(cls, analyse: Callable[[str], Sequence[str]], documents: Sequence[Sequence[str]]) -> Self:
        """Learn features and rarity from documents, each a sequence of words."""
        from scipy.sparse import csr_matrix

        vocabulary = {w: i for i, w in enumerate(dict.fromkeys(chain.from_iterable(documents)))}
        analysed = [analyse(word) for word in vocabulary]
        names = sorted(set(chain.from_iterable(analysed)))
        place = {f: i for i, f in enumerate(names)}
        words = count_rows([[vocabulary[w] for w in document] for document in documents], len(vocabulary))
        columns = [[place[f] for f in found] for found in analysed]
        features = count_rows(columns, len(names))
        # Every document counts a feature once, however often it has it.
        held = csr_matrix(words @ features)
        n = len(documents)
        idf = np.log((1 + n) / (1 + np.bincount(held.indices, minlength=len(names)).astype(float))) + 1
        made = cls(analyse, place, idf, float(np.log(1 + n) + 1))
        made._known = {word: (found, 0) for word, found in zip(vocabulary, columns, strict=True)}
        return made

    def _columns(self, word: str) -> tuple[list[int], int]:
        """Return the columns of a word's known features and how many are not known; remembered for words of labels."""
        found = self._known.get(word)
        if found is None:
            features = self.analyse(word)
            columns = [self.features[f] for f in features if f in self.features]
            found = columns, len(features) - len(columns)
            if len(self._known) < 200_000:
                self._known[word] = found
        return found

    def knows(self, word: str) -> bool:
        """Say whether some document had a feature of the word."""
        return bool(self._columns(word)[0])

    def rows(self, documents: Sequence[Sequence[str]]) -> csr_matrix:
        """Return one row per document, shape (n_documents, n_features), of length 1 or less (unknown features)."""
        from scipy.sparse import csr_matrix

        vocabulary = {w: i for i, w in enumerate(dict.fromkeys(w for words in documents for w in words))}
        found = [self._columns(w) for w in vocabulary]
        known = count_rows([columns for columns, _ in found], len(self.features))
        missing = np.array([absent for _, absent in found], dtype=float)
        counts = count_rows([[vocabulary[w] for w in words] for words in documents], len(vocabulary))
        matrix = csr_matrix(counts @ known)
        matrix.sort_indices()
        matrix.data = (1 + np.log(matrix.data)) * self.idf[matrix.indices]
        owner = np.repeat(np.arange(len(documents)), np.diff(matrix.indptr))
        square = np.bincount(owner, matrix.data**2, minlength=len(documents)) + (counts @ missing) * self.unknown**2
        matrix.data /= np.sqrt(np.where(square > 0, square, 1.0))[owner]
        return matrix
