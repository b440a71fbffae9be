"""Which occupation group a job title belongs to, by its head, its other parts and its letters, with a probability.

A title that no label meets as a whole is weighed here: "Kundtjänstchef" is a manager, whatever is called kundtjänst. The
module sees words and codes; which role of a group is meant, and what a probability leads to, belongs to the linker.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from competence._words import Lexicon, Token, title_tokens, tokenize
from competence.linking._space import Space, characters, stems

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

__all__ = ["Title", "TitleGroups", "head_end"]

_JOINTS = frozenset("inom i på för med till av vid och hos samt in of for at and".split())
"""After these words a title says where or with what, no longer what the person is."""
_SEPARATOR = re.compile(r"[,/(;]|\s[-–]\s")
_SMOOTHED = 2.0
"""Titles of a group, as it were, that stand beside those seen with a head or part."""
_BEST = 4
"""Groups of each way of weighing that are compared."""
_WEIGHTS = (-1.14, 0.81, 4.84, -0.07, 0.43, 3.2, 10.52)
"""Logistic: intercept, best label and its lead, head, lead of the parts together, letters and their lead. Fitted on the
municipal taxonomy's own titles, each left out while it was asked for (benchmarks/calibrate_linking.py)."""
_TRUST = (-0.3, 0.57)
"""Logistic of the first group's log odds: titles of an employer are further from any label than labels from each other.
Fitted on one half of JobTech's occupation names, by hash (benchmarks/calibrate_linking.py)."""


def head_end(text: str, tokens: Sequence[Token]) -> int:
    """Return how many words of a title say what the person is, before where or with what."""
    separator = _SEPARATOR.search(text, tokens[0].end) if tokens else None
    stop = separator.start() if separator else len(text)
    return next((k for k, t in enumerate(tokens) if k and (t.start >= stop or t.word in _JOINTS)), len(tokens))


@dataclass(frozen=True, slots=True)
class Title:
    """A title in its parts: all words as compared; stem of its head; stems of what else it says, first segment and rest."""

    words: tuple[str, ...]
    head: str
    others: frozenset[str]

    @classmethod
    def of(cls, text: str, lexicon: Lexicon) -> Self:
        """Read a title: its head is the last part of the last word before a comma, stroke, bracket or preposition."""
        segments = [title_tokens([t.word for t in tokenize(s)]) for s in _SEPARATOR.split(text)]
        segments = [s for s in segments if s]
        if not segments:
            return cls((), "", frozenset())
        first = segments[0]
        end = next((k for k, word in enumerate(first) if k and word in _JOINTS), len(first))
        parts = [part for segment in segments for word in segment for part in lexicon.parts(word)]
        head = (lexicon.parts(first[end - 1]) or ("",))[-1]
        return cls(tuple(w for s in segments for w in s), head, frozenset(parts) - {head})


class TitleGroups:
    """Weigh titles against the titles of each occupation group; made by :meth:`fit`, never changed."""

    def __init__(self, titles: Sequence[Title], owners: NDArray[Any], codes: Sequence[str], lexicon: Lexicon) -> None:
        from scipy.sparse import csr_matrix

        self.codes = list(codes)
        self.lexicon = lexicon
        self.titles = list(titles)
        self.owners = owners
        texts = [t.words for t in titles]
        self.char = Space.fit(characters(5), texts)
        self.stem = Space.fit(stems(lexicon), texts)
        self._char_rows, self._stem_rows = self.char.rows(texts), self.stem.rows(texts)
        n = len(codes)
        self._base = (np.bincount(owners, minlength=n) + 1) / (len(owners) + n)
        self._heads: dict[str, NDArray[np.float64]] = {}
        self._others: dict[str, NDArray[np.float64]] = {}
        for title, owner in zip(titles, owners, strict=True):
            for table, keys in ((self._heads, (title.head,)), (self._others, title.others)):
                for key in keys:
                    table.setdefault(key, np.zeros(n))[owner] += 1
        member = csr_matrix((np.ones(len(owners)), (owners, np.arange(len(owners)))), shape=(n, len(owners)))
        self._sums = (member @ self._char_rows).toarray()
        self._profiles = _lengthened(np.sqrt(self._sums))
        self._columns = (self._char_rows.T.tocsr(), self._stem_rows.T.tocsr())
        self._order = np.argsort(owners, kind="stable")
        self._starts = np.flatnonzero(np.concatenate([[True], np.diff(owners[self._order]) > 0]))

    @classmethod
    def fit(cls, titles: Sequence[tuple[str, str]], lexicon: Lexicon) -> Self:
        """Learn from titles with the code of their group, O(titles)."""
        read = [(Title.of(text, lexicon), code) for text, code in titles]
        kept = [(title, code) for title, code in read if title.words]
        codes = sorted({code for _, code in kept})
        place = {code: i for i, code in enumerate(codes)}
        return cls([t for t, _ in kept], np.array([place[c] for _, c in kept]), codes, lexicon)

    def weigh(self, text: str) -> list[tuple[str, float]]:
        """Return the likeliest groups of a title, best first, with the probability that it belongs to them."""
        title = Title.of(text, self.lexicon)
        if not title.words:
            return []
        groups, inputs = self.inputs(title)
        odds = _WEIGHTS[0] + inputs @ np.array(_WEIGHTS[1:])
        likely = 1 / (1 + np.exp(-odds))
        likely /= max(1.0, float(likely.sum()))
        order = np.lexsort((groups, -np.round(likely, 9)))
        first = float(np.clip(likely[order[0]], 1e-9, 1 - 1e-9))
        sure = 1 / (1 + np.exp(-(_TRUST[0] + _TRUST[1] * np.log(first / (1 - first)))))
        found = [(self.codes[groups[order[0]]], round(float(sure), 6))]
        for k in order[1:]:
            found.append((self.codes[groups[k]], round(float(min(likely[k], sure, 1 - sure)), 6)))
        return found

    def inputs(self, title: Title, without: Sequence[int] = ()) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Return the groups that are compared, and per group what speaks for it, as if the titles ``without`` were not there."""
        char, stem = self.char.rows([title.words]), self.stem.rows([title.words])
        gone = np.array(sorted(without), dtype=np.int64)
        alike = 0.5 * (char @ self._columns[0]).toarray()[0] + 0.5 * (stem @ self._columns[1]).toarray()[0]
        alike[gone] = 0.0
        label = np.zeros(len(self.codes))
        label[self.owners[self._order][self._starts]] = np.maximum.reduceat(alike[self._order], self._starts)
        head = self._share(self._heads, title.head, [k for k in gone if self.titles[k].head == title.head])
        together = np.log(head / self._base) + np.log(self._base)
        for part in sorted(title.others):
            share = self._share(self._others, part, [k for k in gone if part in self.titles[k].others])
            together += np.log(share / self._base)
        letters = self._letters(char, gone)
        chosen = np.unique(np.concatenate([np.argsort(-v, kind="stable")[:_BEST] for v in (label, together, letters)]))
        columns = [label, _lead(label), np.log(head / self._base), _lead(together), letters, _lead(letters)]
        return chosen, np.round(np.array([c[chosen] for c in columns]).T, 9)

    def _share(self, table: Mapping[str, NDArray[np.float64]], key: str, gone: Sequence[int]) -> NDArray[np.float64]:
        counts = table.get(key)
        seen = np.zeros(len(self.codes)) if counts is None else counts.copy()
        for k in gone:
            seen[self.owners[k]] -= 1
        return np.asarray((seen + _SMOOTHED * self._base) / (seen.sum() + _SMOOTHED), dtype=np.float64)

    def _letters(self, char: csr_matrix, gone: NDArray[Any]) -> NDArray[np.float64]:
        scores = np.asarray(self._profiles[:, char.indices] @ char.data, dtype=np.float64)
        for group in sorted(set(self.owners[gone].tolist())):
            left = self._sums[group] - self._char_rows[gone[self.owners[gone] == group]].sum(axis=0).A1
            scores[group] = float(_lengthened(np.sqrt(np.maximum(left, 0.0))[None, :])[0, char.indices] @ char.data)
        return scores


def _lengthened(rows: NDArray[Any]) -> NDArray[np.float64]:
    """Return rows of length 1."""
    return np.asarray(rows / np.maximum(np.sqrt((rows**2).sum(axis=1, keepdims=True)), 1e-12), dtype=np.float64)


def _lead(values: NDArray[Any]) -> NDArray[np.float64]:
    """Return how far each value is ahead of the best other one."""
    if len(values) < 2:
        return values
    best, second = np.sort(values)[::-1][:2]
    return np.asarray(values - np.where(values == best, second, best), dtype=np.float64)
