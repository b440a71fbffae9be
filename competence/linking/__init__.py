"""Words to concepts and titles to roles, with a probability and the label that was met.

This module decides which concept a text names and how sure that is. The matcher gets words and context (roles or
concepts that may break a tie), never a person; :func:`link_statements` only carries ids across, and nothing here reads
a person's sex. What two spellings have in common is decided in ``competence._words``.

Ways a text meets a label, surest first: the same words as the preferred label, as an alternative label, other
inflection, order or compound form, a misspelling, and likeness (TF-IDF of character n-grams and stems). The first four
also work for some words inside a longer sentence, so one sentence can name several competences.
"""

from __future__ import annotations

import hashlib
import io
import json
import multiprocessing
import os
import sys
import tempfile
import threading
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cached_property, partial
from operator import itemgetter
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar, overload

import numpy as np

from competence._memory import uncollected
from competence._words import (
    FILLERS,
    MEASURES,
    STOP,
    Lexicon,
    Speller,
    Stance,
    Token,
    clauses,
    content_words,
    fold,
    segments,
    spoken_words,
    stances,
    stated_level,
    stated_years,
    title_places,
    title_tokens,
    tokenize,
)
from competence.errors import InputError, Problem
from competence.linking._corrections import Correction, Corrections, settled, words_key
from competence.linking._meanings import Meaning, Meanings
from competence.linking._ranker import Catalogue, Example, Query, Ranker, Recipe
from competence.linking._settling import SimilarTerm, Unknown, chosen_merges, list_unknown, similar_local_terms, unknown_words
from competence.linking._titles import TitleGroups, head_end
from competence.model import (
    Concept,
    ConceptKind,
    Employment,
    Evidence,
    Interest,
    LearningForm,
    LearntWhere,
    Post,
    Requirement,
    Role,
    RoleShare,
    Statement,
    Visibility,
)
from competence.settings import Settings
from competence.staff import Staff, TitleLink, Unlinked
from competence.taxonomy import AidList, LocalTitle, Taxonomy, map_titles
from competence.taxonomy.aid import MappedBy
from competence.taxonomy.core import NOTHING

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

    from scipy.sparse import csr_matrix

__all__ = [
    "Correction",
    "Corrections",
    "How",
    "Link",
    "Linker",
    "Links",
    "Pair",
    "RoleLink",
    "SimilarTerm",
    "Stance",
    "Unknown",
    "chosen_merges",
    "link_statements",
    "list_unknown",
    "resolve",
    "similar_local_terms",
    "unknown_words",
]


class How(StrEnum):
    """How the words met the label, surest first."""

    EXACT = "exact"
    """The preferred label, word for word."""
    ALTERNATIVE = "alternative"
    """An alternative label, word for word."""
    CODE = "code"
    """The AID or SSYK code given beside a title."""
    INFLECTED = "inflected"
    """The same words in other inflection, order or compound form."""
    MISSPELT = "misspelt"
    """The same words but for a letter or two, or for missing dots and rings."""
    SIMILAR = "similar"
    """Alike in characters and stems."""
    SAYING = "saying"
    """Said like what people say when they mean it."""


# Probability that the concept is the one meant, per way of meeting. For a whole text the first four are what a reader
# of the labels would grant; where only words inside a longer text met, the share of the text they make up counts
# too. Checked, and the constants of LIKENESS fitted, by benchmarks/calibrate_linking.py (held-out alternative labels
# and hand-written statements with and without a competence).
_WHOLE = {How.EXACT: 0.99, How.ALTERNATIVE: 0.97, How.INFLECTED: 0.93, How.MISSPELT: 0.90}
_INSIDE_ONE_WORD = (0.60, 0.36)
"""Base and share by coverage for a one-word label met inside a text."""
_INSIDE_MORE_WORDS = (0.80, 0.16)
"""The same for a label of several words."""
_SPREAD = 6
"""Words that may stand between those of one label, at most."""
_LIKENESS = (-2.71, 1.45, 6.18, 2.85, -0.90)
"""Logistic of likeness: intercept, top score, lead, cover, share (see :func:`likeness_probability`)."""
_STEM_WEIGHT = 0.5
"""Weight of stems beside character n-grams (METHODS-words section 5: +0.01 S@1 over n-grams alone)."""
_DESCRIPTION_WEIGHT = 0.25
"""Weight of the description beside the best label (same source: +0.02 S@1)."""
_NGRAMS = (2, 3, 4)
_LONGEST_LABEL = 9
"""Words of the longest label looked for word for word inside a text."""
_CACHE_FILES = 8
"""Cache files kept, newest first; one takes some megabytes."""
_FEWEST_WORDS = 2
"""Words that carry something from which on a part of a text is weighed as a statement."""
_SURE_PART = 0.8
"""Probability from which on a part of a text is taken for a statement of its own."""
_AGREED = ((1, 1.0), (3, 0.75), (12, 0.5))
_DOUBTED = 0.3
"""What a label met inside a statement counts where its concept is among the so many nearest meanings, and where it is not."""
_FARTHEST = _AGREED[-1][0]
"""Nearest meanings of which one counts more than those not among them."""
_FEWEST_SAYINGS = 200
"""Sayings of concepts from which on statements are weighed by what people say, not only by labels."""
_CHUNK = 512
"""Texts weighed at once: bounds memory to about 512 x labels x 8 bytes."""
_PART = 500
"""Texts read at once, while those before are weighed."""
_FEWEST_SHARED = 500
"""Texts for each process from which on it pays to make one."""
_CODE_SURE = MappingProxyType({MappedBy.AID: 0.9, MappedBy.AID_LABEL: 0.9, MappedBy.AID_SSYK: 0.8})
"""Probability of a role that the AID list leads to; as in :meth:`Linker.link_role`, SSYK groups are wider than roles."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """Tie words to a concept.

    Parameters
    ----------
    concept_id : str
        The concept.
    probability : float
        Probability in [0, 1] that it is what the words mean.
    words : str
        The words as written that met the label.
    label, lang : str
        The label they met and its language.
    how : How
        In which way.
    margin : float
        Lead in probability over the next candidate for the same words.
    stance : Stance
        Whether the text claims the competence, wishes for it or denies it.
    place : int
        1 for the first candidate for these words, 2 for the next and so on.
    level : int or None
        The level 1-5 that the same clause says plainly ("flytande", "grunderna"), None where it says none.
    years : int or None
        How many years the same clause says ("i tio år"). Years are not a level, and none is made of them.
    """

    concept_id: str
    probability: float
    words: str
    label: str
    lang: str
    how: How
    margin: float = 0.0
    stance: Stance = Stance.CLAIMED
    place: int = 1
    level: int | None = None
    years: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleLink:
    """Tie a job title to a role; the fields are those of :class:`Link`."""

    role_id: str
    probability: float
    words: str
    label: str
    lang: str
    how: How
    margin: float = 0.0
    stance: Stance = Stance.CLAIMED
    place: int = 1


@dataclass(frozen=True, slots=True)
class Pair:
    """Say which concept or role some words mean, as people here have confirmed or a crosswalk has it.

    Parameters
    ----------
    words : str
        As written.
    target_id : str
        Id of a concept or role; ``""`` says that the words mean none.
    codes : tuple of str
        Occupation codes (SSYK 2012 or ISCO-08, four digits) that stand with the words.
    """

    words: str
    target_id: str
    codes: tuple[str, ...] = ()


LinkT = TypeVar("LinkT", Link, RoleLink)
_Wanted = tuple[str, tuple[str, ...]]
"""A text and the context it is read in."""


class Links(Sequence[LinkT], Generic[LinkT]):
    """Hold the links of one text, best first.

    A text can name several things, so the sequence mixes first candidates for different words with alternatives;
    ``accepted`` gives those to act on, ``best`` the surest of them, None when the text is not understood.
    """

    def __init__(self, text: str, links: Iterable[LinkT] = (), *, cutoff: float) -> None:
        self.text = text
        self.cutoff = cutoff
        self._links: tuple[LinkT, ...] = tuple(links)

    @overload
    def __getitem__(self, index: int) -> LinkT: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[LinkT, ...]: ...
    def __getitem__(self, index: int | slice) -> LinkT | tuple[LinkT, ...]:
        return self._links[index]

    def __len__(self) -> int:
        return len(self._links)

    def __iter__(self) -> Iterator[LinkT]:
        return iter(self._links)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Links) and (self.text, self.cutoff, self._links) == (other.text, other.cutoff, other._links)

    def __hash__(self) -> int:
        return hash((self.text, self.cutoff, self._links))

    def __repr__(self) -> str:
        return f"Links({self.text!r}: {list(self._links)})"

    @property
    def accepted(self) -> tuple[LinkT, ...]:
        """What the text claims: the first candidate for each of its words, where it reaches the cutoff."""
        return tuple(k for k in self._links if k.place == 1 and k.stance is Stance.CLAIMED and k.probability >= self.cutoff)

    @property
    def best(self) -> LinkT | None:
        """The surest accepted link; None when the text is not understood."""
        return next(iter(self.accepted), None)

    @property
    def understood(self) -> bool:
        """True when at least one link is accepted."""
        return bool(self.accepted)

    @property
    def named(self) -> LinkT | None:
        """The surest first candidate whatever the stance: for wishes, where "vill lära mig finska" means Finnish."""
        return next((k for k in self._links if k.place == 1 and k.probability >= self.cutoff), None)


@dataclass(frozen=True, slots=True)
class _Entry:
    """One label of one target, with what it is compared by."""

    target: int
    label: str
    lang: str
    preferred: bool
    words: tuple[str, ...]
    stems: tuple[frozenset[str], frozenset[str]]


@dataclass(frozen=True, slots=True)
class _Named:
    """What the index asks of a concept or role: its id and its labels."""

    key: str
    labels: tuple[tuple[str, str, bool], ...]
    descriptions: tuple[str, ...] = ()
    local: bool = False


@dataclass(slots=True)
class _Match:
    """A target met by some words of a text, before it becomes a link; never changed, but to freeze it takes thrice the time."""

    target: int
    probability: float
    entry: _Entry | None
    how: How
    stance: Stance
    places: tuple[int, ...]
    margin: float = 1.0
    place: int = 1


def _alias_order(entry: _Entry) -> tuple[bool, int]:
    return (not entry.preferred, entry.target)


_Filed = dict[str, list[tuple[_Entry, frozenset[str]]]]
"""Labels, each with its stems, by the rarest of these."""
_LabelStems = tuple[tuple[tuple[str, ...], ...], tuple[bool, ...], tuple[bool, ...]]
"""See :meth:`_Index._label_stems`."""


class _Space:
    """Turn words into weighted vectors of character n-grams and stems: TF-IDF with 1 + log tf, length 1.

    Vectors are built from words, and each distinct word's features are counted once, so many texts cost little more
    than their distinct words. Features that no label has count in a text's length: a text that says much else is
    less like any label.
    """

    def __init__(self, lexicon: Lexicon, features: Mapping[str, int], idf: np.ndarray, unknown: float) -> None:
        self.lexicon = lexicon
        self.features = dict(features)
        self.idf = idf
        self.unknown = unknown
        self._is_stem = np.zeros(len(self.features), dtype=bool)
        self._is_stem[[place for f, place in self.features.items() if f[:2] in ("s:", "e:")]] = True

    @classmethod
    def fit(cls, lexicon: Lexicon, documents: Sequence[Sequence[str]]) -> Self:
        """Learn the features and their rarity, idf = ln((1 + n) / (1 + df)) + 1, from the labels."""
        seen: Counter[str] = Counter()
        for words in documents:
            seen.update({f for w in set(words) for f in cls._of_word(lexicon, w)})
        names = sorted(seen)
        n = len(documents)
        idf = np.log((1 + n) / (1 + np.array([seen[f] for f in names], dtype=float))) + 1
        return cls(lexicon, {f: i for i, f in enumerate(names)}, idf, float(np.log(1 + n) + 1))

    def extended(self, documents: Sequence[Sequence[str]]) -> _Space:
        """Return a space that also knows the features of these documents, as rare as can be; old places stay."""
        features = dict(self.features)
        for words in documents:
            for word in words:
                for feature in self._of_word(self.lexicon, word):
                    features.setdefault(feature, len(features))
        idf = np.concatenate([self.idf, np.full(len(features) - len(self.idf), self.unknown)])
        return _Space(self.lexicon, features, idf, self.unknown)

    @staticmethod
    def _of_word(lexicon: Lexicon, word: str) -> list[str]:
        padded = f" {word} "
        grams = [padded[i : i + n] for n in _NGRAMS for i in range(len(padded) - n + 1)]
        return [*grams, *(f"s:{p}" for p in lexicon.parts(word)), f"e:{lexicon.english(word)}"]

    def vectors(self, documents: Sequence[Sequence[str]]) -> csr_matrix:
        """Return one row of length at most 1 per document, shape (n_documents, n_features)."""
        from scipy.sparse import csr_matrix

        width = len(self.features)
        vocabulary = {w: i for i, w in enumerate(dict.fromkeys(w for words in documents for w in words))}
        counts = _counts([[vocabulary[w] for w in words] for words in documents], len(vocabulary))
        known: list[list[int]] = []
        missing = np.zeros((len(vocabulary), 2))
        for row, word in enumerate(vocabulary):
            found = []
            for feature in self._of_word(self.lexicon, word):
                place = self.features.get(feature)
                if place is None:
                    missing[row, int(feature[1:2] == ":" and feature[0] in "se")] += 1
                else:
                    found.append(place)
            known.append(found)
        matrix = counts @ _counts(known, width)
        matrix.sort_indices()
        matrix.data = (1 + np.log(matrix.data)) * self.idf[matrix.indices]
        # Two blocks, each of length 1 in itself: n-grams, and stems with their smaller weight.
        in_stem = self._is_stem[matrix.indices]
        absent = counts @ missing * self.unknown**2
        rows = np.repeat(np.arange(len(documents)), np.diff(matrix.indptr))
        for block, weight in ((False, 1.0), (True, _STEM_WEIGHT)):
            mask = in_stem == block
            square = np.bincount(rows[mask], matrix.data[mask] ** 2, minlength=len(documents)) + absent[:, int(block)]
            length = np.sqrt(np.where(square > 0, square, 1.0))
            matrix.data[mask] *= np.sqrt(weight / (1 + _STEM_WEIGHT)) / length[rows[mask]]
        return csr_matrix(matrix)


def _counts(rows: Sequence[Sequence[int]], width: int) -> csr_matrix:
    """Return how often each column is named in each row, shape (len(rows), width)."""
    from scipy.sparse import csr_matrix

    indptr = np.concatenate([[0], np.cumsum([len(r) for r in rows])])
    indices = np.array([c for r in rows for c in r], dtype=np.int64)
    matrix = csr_matrix((np.ones(len(indices)), indices, indptr), shape=(len(rows), width))
    matrix.sum_duplicates()
    return matrix


class _Index:
    """Find the labels that words meet. Holds labels of concepts, or of roles (then titles are made neutral first)."""

    def __init__(self, lexicon: Lexicon, named: Sequence[_Named], *, titles: bool) -> None:
        self.lexicon = lexicon
        self.titles = titles
        self.keys = [n.key for n in named]
        self.local = [n.local for n in named]
        self.position = {key: i for i, key in enumerate(self.keys)}
        self.entries: list[_Entry] = []
        self.descriptions: list[tuple[int, list[str]]] = []
        for target, item in enumerate(named):
            self._add(target, item)
        self._file()
        self.space: _Space | None = None
        self.label_rows: csr_matrix | None = None
        self.description_rows: csr_matrix | None = None

    def _add(self, target: int, item: _Named) -> None:
        for label, lang, preferred in item.labels:
            raw = [t.word for t in tokenize(label)]
            words = tuple(title_tokens(raw) if self.titles else raw)
            if words:
                self.entries.append(_Entry(target, label, lang, preferred, words, self.lexicon.keys(words)))
        for description in item.descriptions:
            self.descriptions.append((target, content_words(t.word for t in tokenize(description))))

    def _file(self) -> None:
        """Build the look-up tables; a label's stems are filed under their rarest one."""
        self.exact: dict[tuple[str, ...], list[_Entry]] = {}
        self.joined: dict[str, list[_Entry]] = {}
        self.folded: dict[str, list[_Entry]] = {}
        self.stemmed: dict[tuple[int, frozenset[str]], list[_Entry]] = {}
        self.rarest: dict[tuple[int, str], list[_Entry]] = {}
        self.rarity: Counter[str] = Counter(s for e in self.entries for s in e.stems[0] | e.stems[1])
        for entry in sorted(self.entries, key=_alias_order):
            self.exact.setdefault(entry.words, []).append(entry)
            self.joined.setdefault("".join(entry.words), []).append(entry)
            self.folded.setdefault(fold("".join(entry.words)), []).append(entry)
            for side in self._sides(entry):
                self.stemmed.setdefault((side, entry.stems[side]), []).append(entry)
                rare = min(entry.stems[side], key=lambda s: (self.rarity[s], s))
                self.rarest.setdefault((side, rare), []).append(entry)
        self.runs: dict[str, tuple[int, ...]] = {}
        for words in self.exact:
            if 1 < len(words) <= _LONGEST_LABEL and len(words) not in self.runs.get(words[0], ()):
                self.runs[words[0]] = (*self.runs.get(words[0], ()), len(words))
        self.vocabulary = frozenset(w for e in self.entries for w in e.words)
        self.undotted: dict[str, str] = {}
        for word in sorted(self.vocabulary):
            plain = fold(self.lexicon.stem(word))
            if plain != self.lexicon.stem(word):
                # Two label words that look the same without dots (far, får): none of them is guessed.
                same = self.lexicon.stem(self.undotted.get(plain, word)) == self.lexicon.stem(word)
                self.undotted[plain] = self.undotted.get(plain, word) if same else ""
        self._near: dict[tuple[str, int], list[str]] = {}
        for word in sorted(self.vocabulary):
            if len(word) >= 5:
                self._near.setdefault((word[0], len(word)), []).append(word)
        self._corrected: dict[str, str | None] = {}
        self._of_labels: dict[str, _LabelStems] = {}
        self._told: dict[frozenset[str], float] = {}

    @staticmethod
    def _sides(entry: _Entry) -> tuple[int, ...]:
        # A Swedish label is compared by Swedish stems, an English one by English; of unknown language by both.
        return (0,) if entry.lang == "sv" else (1,) if entry.lang == "en" else (0, 1)

    def documents(self) -> list[list[str]]:
        """Return the words of each label that are weighed by likeness."""
        return [content_words(e.words) for e in self.entries]

    def weigh(self, space: _Space, label_rows: csr_matrix | None = None, description_rows: csr_matrix | None = None) -> None:
        """Set the vectors of all labels and descriptions, computed unless given (from the cache)."""
        self.space = space
        self.label_rows = space.vectors(self.documents()) if label_rows is None else label_rows
        found = [words for _, words in self.descriptions]
        self.description_rows = space.vectors(found) if description_rows is None else description_rows

    def extended(self, named: Sequence[_Named]) -> _Index:
        """Return an index with these added, or more labels of what there is; the vectors already made are kept."""
        from scipy.sparse import csr_matrix, vstack

        other = _Index.__new__(_Index)
        other.lexicon, other.titles = self.lexicon, self.titles
        fresh = [n for n in named if n.key not in self.position]
        other.keys = [*self.keys, *(n.key for n in fresh)]
        other.local = [*self.local, *(n.local for n in fresh)]
        other.position = {key: i for i, key in enumerate(other.keys)}
        other.entries, other.descriptions = list(self.entries), list(self.descriptions)
        for item in named:
            other._add(other.position[item.key], item)
        other._file()
        labels = other.documents()[len(self.entries) :]
        descriptions = [words for _, words in other.descriptions[len(self.descriptions) :]]
        if self.space is None or self.label_rows is None or self.description_rows is None:
            raise InputError("an index must be weighed before it is extended")
        other.space = self.space.extended([*labels, *descriptions])
        rows = []
        for old, new in ((self.label_rows, labels), (self.description_rows, descriptions)):
            wide = csr_matrix((old.data, old.indices, old.indptr), shape=(old.shape[0], len(other.space.features)))
            rows.append(csr_matrix(vstack([wide, other.space.vectors(new)])))
        other.label_rows, other.description_rows = rows
        return other

    def whole(self, words: Sequence[str]) -> tuple[How, list[_Entry]] | None:
        """Return the labels that these words meet as a whole, and how."""
        words = tuple(words)
        if not words:
            return None
        joined = "".join(words)
        found = self.exact.get(words) or self.joined.get(joined)
        if found:
            return (How.EXACT if found[0].preferred else How.ALTERNATIVE), found
        if found := self._inflected(words):
            return How.INFLECTED, found
        if len(joined) >= 5 and joined.isascii() and (found := self.folded.get(joined)):
            return How.MISSPELT, found
        corrected = self.corrected(words)
        if corrected is not None:
            again = self.exact.get(corrected) or self.joined.get("".join(corrected))
            if again:
                return How.MISSPELT, again
            if found := self._inflected(corrected):
                return How.MISSPELT, found
        return None

    def _inflected(self, words: Sequence[str]) -> list[_Entry] | None:
        """Return the labels with the same stems as these words; most texts have one soon that no label has."""
        content = content_words(words)
        memory = self._of_labels
        for side in (0, 1):
            stems: set[str] = set()
            for word in content:
                known = memory.get(word) or self._label_stems(word)
                if not known[2][side]:
                    break
                stems.update(known[0][side])
            else:
                if found := self.stemmed.get((side, frozenset(stems))):
                    return found
        return None

    def corrected(self, words: Sequence[str]) -> tuple[str, ...] | None:
        """Return the words with unknown ones replaced by the nearest label word; None when nothing changes."""
        found = self._corrections(words)
        return tuple(c or w for c, w in zip(found, words, strict=True)) if any(found) else None

    def _corrections(self, words: Sequence[str]) -> list[str | None]:
        memory = self._corrected
        return [memory[w] if w in memory else self._correct(w) for w in words]

    def _correct(self, word: str) -> str | None:
        if word in self._corrected:
            return self._corrected[word]
        found = None
        restored = self.restored(word)
        if restored != word:
            found = restored
        elif len(word) >= 5 and self._is_strange(word):
            from rapidfuzz import process
            from rapidfuzz.distance import OSA

            # One slip in a short word, two in a long one; the first letter is nearly always right. In words of five
            # letters one slip is more often another word (borde, bonde).
            # In a compound only the part not known can be misspelt, and it counts by its own length ("sim|undervisning").
            doubtful = len(self.lexicon.head_before_known(word))
            allowed = 0 if doubtful < 6 else 1 if doubtful < 10 else 2
            near = [w for n in range(len(word) - allowed, len(word) + allowed + 1) for w in self._near.get((word[0], n), ())]
            hits = process.extract(word, near, scorer=OSA.distance, score_cutoff=allowed, limit=3)
            if hits:
                found = min(hits, key=lambda h: (h[1], h[0]))[0]
        self._corrected[word] = found
        return found

    def restored(self, word: str) -> str:
        """Return the word with its dots and rings put back, where it was written without and only one label word fits."""
        if len(word) < 5 or not word.isascii() or not self._is_strange(word):
            return word
        return self.undotted.get(self.lexicon.stem(word)) or word

    def _is_strange(self, word: str) -> bool:
        return word not in self.vocabulary and word not in FILLERS and word not in STOP and not self._is_known(word)

    def _is_known(self, word: str) -> bool:
        """Say whether the word is only an inflection or compound of words that labels use."""
        return (
            all((0, p) in self._all_stems for p in self.lexicon.parts(word)) or (1, self.lexicon.english(word)) in self._all_stems
        )

    @cached_property
    def _all_stems(self) -> frozenset[tuple[int, str]]:
        return frozenset((side, s) for e in self.entries for side in (0, 1) for s in e.stems[side])

    def inside(self, words: Sequence[str], first: int, last: int) -> list[tuple[_Entry, tuple[int, ...], How]]:
        """Return the labels met by some of the words from ``first`` to ``last``, those of most words first."""
        written = words[first:last]
        corrected = self._corrections(written)
        readings = [(How.INFLECTED, written)]
        if any(corrected):
            readings.append((How.MISSPELT, [c or w for c, w in zip(corrected, written, strict=True)]))
        found: dict[tuple[int, tuple[int, ...]], tuple[_Entry, tuple[int, ...], How]] = {}
        memory = self._of_labels
        for how, read in readings:
            known = [memory.get(w) or self._label_stems(w) for w in read]
            for side, rarest in enumerate(self._rarest_of_side):
                present: set[str] = set().union(*[k[0][side] for k in known])
                hits = [
                    (stem, entry, wanted)
                    for stem in present
                    if stem in rarest
                    for entry, wanted in rarest[stem]
                    if wanted <= present
                ]
                if not hits:
                    continue
                places: dict[str, list[int]] = {}
                alone: dict[str, list[int]] = {}
                for i, k in enumerate(known):
                    for part in k[0][side]:
                        places.setdefault(part, []).append(i)
                    if k[1][side]:
                        alone.setdefault(k[0][side][0], []).append(i)
                # Entries of one stem stay in the order they were filed in.
                for stem, entry, wanted in sorted(hits, key=itemgetter(0)):
                    spot = self._spot(wanted, stem, places if len(wanted) > 1 else alone)
                    if spot is not None and (len(spot) > 1 or self._stands_alone(entry, read[spot[0]])):
                        key = (entry.target, spot)
                        if key not in found:
                            found[key] = (entry, tuple(first + i for i in spot), how)
        if len(found) < 2:
            return list(found.values())
        # What says most comes first: the label whose stems are rarest in all.
        return sorted(
            found.values(), key=lambda f: (-self._says(f[0]), f[2] is How.MISSPELT, len(f[1]), f[1], self.keys[f[0].target])
        )

    @cached_property
    def _rarest_of_side(self) -> tuple[_Filed, _Filed]:
        found: tuple[_Filed, _Filed] = ({}, {})
        for (side, stem), entries in self.rarest.items():
            found[side][stem] = [(entry, entry.stems[side]) for entry in entries]
        return found

    def _label_stems(self, word: str) -> _LabelStems:
        """Return which stems of a word labels have, if it has one only, and if labels have all: in Swedish and in English."""
        both = self.lexicon.parts(word), (self.lexicon.english(word),)
        kept = tuple(tuple(p for p in parts if (side, p) in self._all_stems) for side, parts in enumerate(both))
        whole = [len(mine) == len(parts) for mine, parts in zip(kept, both, strict=True)]
        single = [len(parts) == 1 and bool(mine) for mine, parts in zip(kept, both, strict=True)]
        found = kept, tuple(single), tuple(whole)
        if len(self._of_labels) < 200_000:
            self._of_labels[word] = found
        return found

    @staticmethod
    def _stands_alone(entry: _Entry, word: str) -> bool:
        """Say whether one word of a text is enough to name a label: the same word, but for its ending, or its compound.

        A label of several words that share a stem ("först in, först ut") is not named by that stem, and a stem of four
        letters is too little to tell an inflection (händerna) from another word (händig).
        """
        if word in entry.words and len(entry.words) == 1:
            return True
        if len(entry.words) > 1:
            return len(entry.stems[0]) > 1
        return word[:5] == entry.words[0][:5] and len(word) >= 5

    def _says(self, entry: _Entry) -> float:
        """Return how much a label's stems tell, as the sum of their rarity."""
        stems = entry.stems[self._sides(entry)[0]]
        found = self._told.get(stems)
        if found is None:
            n = len(self.entries)
            found = round(sum(float(np.log((1 + n) / (1 + self.rarity[s])) + 1) for s in sorted(stems)), 9)
            self._told[stems] = found
        return found

    @staticmethod
    def _spot(wanted: frozenset[str], stem: str, places: Mapping[str, list[int]]) -> tuple[int, ...] | None:
        """Return the places nearest the rarest stem where all wanted stems stand, None when too far apart."""
        if not wanted <= places.keys():
            return None
        anchor = places[stem][0]
        spot = sorted({min(places[s], key=lambda i: (abs(i - anchor), i)) for s in wanted})
        return tuple(spot) if spot[-1] - spot[0] < len(spot) + _SPREAD else None

    def likeness(self, texts: Sequence[Sequence[str]], n: int) -> list[list[tuple[int, float, _Entry]]]:
        """Return the ``n`` most alike targets of each text with score in [0, 1] and best label, best first.

        The score is the best label's cosine plus a share of the description's, O(texts x labels).
        """
        if not self.entries or not texts or self.space is None or self.label_rows is None or self.description_rows is None:
            return [[] for _ in texts]
        starts, order = self._label_groups
        found: list[list[tuple[int, float, _Entry]]] = []
        labels, described = self._columns
        owners = np.array([target for target, _ in self.descriptions], dtype=np.int64)
        with_labels = np.array([self.entries[i].target for i in order[starts]], dtype=np.int64)
        for begin in range(0, len(texts), _CHUNK):
            vectors = self.space.vectors(texts[begin : begin + _CHUNK])
            by_label = np.asarray((vectors @ labels).toarray())[:, order]
            scores = np.zeros((by_label.shape[0], len(self.keys)))
            scores[:, with_labels] = np.maximum.reduceat(by_label, starts, axis=1)
            if len(owners):
                meant = np.asarray((vectors @ described).toarray())
                best = np.zeros_like(scores)
                # Descriptions stand in the order of their targets.
                begins = np.flatnonzero(np.concatenate([[True], np.diff(owners) > 0]))
                best[:, owners[begins]] = np.maximum.reduceat(meant, begins, axis=1)
                scores += _DESCRIPTION_WEIGHT * best
            # Rounded so that the last bits, which depend on how texts are bundled, cannot change an order.
            scores = np.round(scores / (1 + _DESCRIPTION_WEIGHT), 9)
            for row in range(len(scores)):
                count = min(n, scores.shape[1])
                top = np.argpartition(-scores[row], count - 1)[:count] if count < scores.shape[1] else np.arange(count)
                lowest = scores[row][top].min()
                # All that tie with the last one are looked at, so that ids and not memory order decide.
                top = np.flatnonzero(scores[row] >= lowest) if lowest > 0 else np.flatnonzero(scores[row] > 0)
                ranked = sorted(top, key=lambda t: (-scores[row, t], self.keys[t]))[:count]
                found.append([(int(t), float(scores[row, t]), self._best_label(int(t), by_label[row])) for t in ranked])
        return found

    def preferred(self, target: int) -> _Entry | None:
        """Return the first preferred label of a target, else its first label; None where it has none."""
        return self._preferred.get(target)

    @cached_property
    def _preferred(self) -> dict[int, _Entry]:
        found: dict[int, _Entry] = {}
        for entry in sorted(self.entries, key=lambda e: (not e.preferred, e.lang != "sv")):
            found.setdefault(entry.target, entry)
        return found

    @cached_property
    def _columns(self) -> tuple[csr_matrix, csr_matrix]:
        """Labels and descriptions as columns, the form that texts are multiplied by."""
        if self.label_rows is None or self.description_rows is None:
            raise InputError("an index must be weighed before texts are")
        return self.label_rows.T.tocsr(), self.description_rows.T.tocsr()

    def _best_label(self, target: int, scores: np.ndarray) -> _Entry:
        starts, order = self._label_groups
        group = self._group_of[target]
        end = starts[group + 1] if group + 1 < len(starts) else len(order)
        part = np.round(scores[starts[group] : end], 9)
        return self.entries[int(order[starts[group] + int(np.argmax(part))])]

    @cached_property
    def _label_groups(self) -> tuple[np.ndarray, np.ndarray]:
        targets = np.array([e.target for e in self.entries], dtype=np.int64)
        order = np.argsort(targets, kind="stable")
        starts = np.flatnonzero(np.concatenate([[True], np.diff(targets[order]) > 0]))
        return starts, order

    @cached_property
    def _group_of(self) -> dict[int, int]:
        starts, order = self._label_groups
        return {self.entries[order[s]].target: g for g, s in enumerate(starts)}


@dataclass(slots=True)
class _Reading:
    """One text on its way to links: its tokens, what met word for word, what is still to be weighed by likeness."""

    text: str
    tokens: list[Token]
    words: list[str]
    stance: list[Stance]
    matches: list[_Match] = field(default_factory=list)
    spans: list[tuple[int, int]] = field(default_factory=list)
    whole: bool = False
    segments: list[tuple[int, int]] = field(default_factory=list)
    term: bool = False
    tied: bool = False
    pieces: list[list[tuple[int, int]]] = field(init=False)
    """The clauses of each segment."""
    carries: list[bool] = field(init=False)
    """Whether each word says something of its own."""
    claimed: bool = field(init=False)
    """Whether nothing is wished for or denied."""
    measured: bool = field(init=False)
    """Whether a word is there that may tell a level or years."""

    def __post_init__(self) -> None:
        self.pieces = [clauses(self.words, first, last) for first, last in self.segments]
        self.carries = [w not in _SILENT and not w.isdigit() for w in self.words]
        self.claimed = self.stance.count(Stance.CLAIMED) == len(self.stance)
        self.measured = not MEASURES.isdisjoint(self.words)

    def stance_of(self, places: Iterable[int]) -> Stance:
        """Return the first wish or denial among these words, else that they claim."""
        if self.claimed:
            return Stance.CLAIMED
        return next((self.stance[i] for i in places if self.stance[i] is not Stance.CLAIMED), Stance.CLAIMED)


@dataclass(frozen=True)
class _Said:
    """What the sayings of a taxonomy teach, beside the index of its labels: targets are those of the index, in its order."""

    meanings: Meanings
    speller: Speller

    @classmethod
    def of(
        cls,
        taxonomy: Taxonomy,
        named: Sequence[_Named],
        lexicon: Lexicon,
        stored: _Stored | None = None,
        nothing: Iterable[str] = (),
    ) -> _Said | None:
        """Learn from the sayings, or take what was learned from the cache; None where a taxonomy has too few to learn from."""
        if stored and stored.said:
            return cls(Meanings.of(stored.said, stored.arrays, lexicon), Speller(stored.spelled))
        position = {n.key: i for i, n in enumerate(named)}
        said, asked = (
            [
                (position.get(key, -1), spoken_words(t.word for t in tokenize(saying)))
                for lang in sorted(words)
                for key, sayings in sorted(words[lang].items())
                if key == NOTHING or key in position
                for saying in sayings
            ]
            for words in (taxonomy.spoken, taxonomy.asked)
        )
        said += [(-1, spoken_words(words_key(words))) for words in nothing]
        if sum(target >= 0 for target, _ in said) < _FEWEST_SAYINGS:
            return None
        labels = [(i, spoken_words(t.word for t in tokenize(label))) for i, n in enumerate(named) for label, _, _ in n.labels]
        about = [(i, spoken_words(t.word for t in tokenize(text))) for i, n in enumerate(named) for text in n.descriptions]
        words = [w for found in (labels, about, said, asked) for _, text in found for w in text]
        return cls(Meanings.fit(len(named), labels, about, said, lexicon, asked), Speller(words))

    def words(self, words: Sequence[str]) -> tuple[str, ...]:
        """Return the words of a statement as they are compared."""
        return spoken_words(words, self.speller)


@dataclass(frozen=True)
class _Learned:
    """A ranker of all concepts or all roles, with their ids."""

    ranker: Ranker
    keys: list[str]
    titles: bool

    def words(self, text: str) -> tuple[str, ...]:
        return _term_words(text, titles=self.titles)

    @classmethod
    def of(cls, linker: Linker, kind: str) -> _Learned:
        """Learn from the taxonomy's labels, and from pairs where there are enough."""
        taxonomy, titles = linker.taxonomy, kind == "roles"
        records: list[Concept | Role] = [*taxonomy.roles.values()] if titles else [*taxonomy.competences]
        roles = [r for r in records if isinstance(r, Role)]
        keys = [r.role_id if isinstance(r, Role) else r.concept_id for r in records]
        position = {key: i for i, key in enumerate(keys)}
        labels, preferred, languages = [], [], []
        for i, record in enumerate(records):
            for label, lang, first in sorted(dict.fromkeys(_labels(record)), key=lambda named: named[1]):
                if words := _term_words(label, titles=titles):
                    labels.append((i, words))
                    preferred.append(first)
                    languages.append(lang)
        profiles = _role_codes(roles) if titles else _concept_codes(taxonomy, keys)
        groups = {p.isco: i for i, p in enumerate(records) if isinstance(p, Role) and p.scheme == "isco"}
        catalogue = Catalogue(
            size=len(records),
            labels=labels,
            preferred=preferred,
            languages=languages,
            descriptions=[
                (i, _term_words(text, titles=False)) for i, r in enumerate(records) for text in r.descriptions.values()
            ],
            documents=_role_documents(taxonomy, roles),
            profiles=profiles,
            parents=[groups.get(r.isco, -1) if isinstance(r, Role) and r.scheme != "isco" else -1 for r in records],
        )
        examples = [
            Example(_term_words(p.words, titles=titles), position[p.target_id], p.codes)
            for p in linker._pairs
            if p.target_id in position and _term_words(p.words, titles=titles)
        ]
        national = [(_term_words(title, titles=True), code) for title, code in linker._titles] if titles else []
        lexicon = linker._concepts.lexicon
        return cls(Ranker.fit(catalogue, lexicon, Recipe(), examples, [t for t in national if t[0]]), keys, titles)


def _term_words(text: str, *, titles: bool) -> tuple[str, ...]:
    words = [t.word for t in tokenize(text)]
    return tuple(title_tokens(words)) if titles and words else tuple(words)


def _group_key(role: Role) -> str:
    """Return the occupation group of a role, itself where it has no code."""
    return role.ssyk or role.isco or role.role_id


def _role_codes(roles: Sequence[Role]) -> list[dict[str, float]]:
    return [{r.isco or r.ssyk: 1.0} if r.isco or r.ssyk else {} for r in roles]


def _concept_codes(taxonomy: Taxonomy, keys: Sequence[str]) -> list[dict[str, float]]:
    """Return per concept the codes of the roles that ask for it, the most frequent counting 1."""
    counts: dict[str, Counter[str]] = {}
    for role in taxonomy.roles.values():
        if code := role.isco or role.ssyk:
            for need in role.requirements:
                counts.setdefault(need.concept_id, Counter())[code] += 1
    found = []
    for key in keys:
        mine = counts.get(key, Counter())
        most = max(mine.values(), default=1)
        found.append({code: (count / most) ** 0.5 for code, count in sorted(mine.items())})
    return found


_FEWEST_TITLES = 1000
"""With fewer titles the weights of :mod:`competence.linking._titles`, fitted on thousands, do not hold."""
_HEAD_MET = 0.85
"""A label that is all of a title before its comma or preposition ("förare av buss"), where groups are not learned."""
_ROLES_WEIGHED = 30
"""Roles of a title that are compared before its occupation group is."""
_MEANINGS_CARRIED = 12
"""Meanings of a statement that are carried over to another taxonomy."""
_ALIKE_SHARE = 0.7
"""What a concept that is only alike counts beside one that somebody has matched."""
_PLAIN_SHARE = 0.2
"""What the words alone count beside what a statement means."""
_MEMBER_LABELS = 20
"""Labels of each member's skills that stand in the document of its group."""


def _role_documents(taxonomy: Taxonomy, roles: Sequence[Role]) -> list[tuple[int, tuple[str, ...]]]:
    """Return per role the words of what it asks for; for a group those of its members."""
    own: list[list[str]] = []
    for role in roles:
        asked = [taxonomy.concepts[q.concept_id] for q in role.requirements if q.concept_id in taxonomy.concepts]
        own.append([label for concept in asked for label in concept.labels.values()])
    by_code: dict[str, list[int]] = {}
    for i, role in enumerate(roles):
        if role.scheme != "isco":
            by_code.setdefault(role.isco, []).append(i)
    found = []
    for i, role in enumerate(roles):
        texts = own[i]
        if role.scheme == "isco" and len(role.isco) >= 3:
            members = [m for code in sorted(by_code) if code.startswith(role.isco) for m in by_code[code]]
            texts = [label for m in members for label in own[m][:_MEMBER_LABELS]]
        words = tuple(w for text in texts for w in _term_words(text, titles=False))
        if words:
            found.append((i, words))
    return found


class Linker:
    """Link texts to concepts and titles to roles; made by :meth:`fit`, never changed.

    Examples
    --------
    >>> from competence.model import Concept
    >>> taxonomy = Taxonomy.of(
    ...     [
    ...         Concept(concept_id="dementia-care", labels={"sv": "demensvård", "en": "dementia care"}),
    ...         Concept(concept_id="finnish", labels={"sv": "finska", "en": "Finnish"}),
    ...     ]
    ... )
    >>> linker = Linker.fit(taxonomy, cache=False)
    >>> [link.concept_id for link in linker.link("Jag pratar finska och har jobbat med vård av dementa").accepted]
    ['finnish']
    >>> linker.link("dementia care").best.how
    <How.EXACT: 'exact'>
    >>> linker.link("vill lära mig finska").understood
    False
    """

    def __init__(
        self,
        taxonomy: Taxonomy,
        concepts: _Index,
        roles: _Index,
        settings: Settings,
        pairs: tuple[Pair, ...],
        meanings: _Said | None = None,
        titles: tuple[tuple[str, str], ...] = (),
    ) -> None:
        self.taxonomy = taxonomy
        self.settings = settings
        self._concepts = concepts
        self._roles = roles
        self._pairs = pairs
        self._said = meanings
        self._titles = titles
        self._settled = settled(pairs, taxonomy.roles)
        self._learned: dict[str, _Learned] = {}
        self._carried: dict[str, Mapping[str, tuple[tuple[str, float], ...]]] = {}
        self._title_groups: TitleGroups | None = None
        self._lock = threading.Lock()

    @classmethod
    def fit(
        cls,
        taxonomy: Taxonomy,
        pairs: Iterable[Pair | tuple[str, str]] | None = None,
        *,
        titles: Iterable[tuple[str, str]] = (),
        settings: Settings | None = None,
        cache: bool = True,
    ) -> Self:
        """Make a linker for a taxonomy.

        Parameters
        ----------
        taxonomy : Taxonomy
            Its concepts (not groups) and roles, with all their labels in both languages.
        pairs : iterable of Pair or (str, str), optional
            Words and the id of the concept or role they mean (``""``: none), as people here have confirmed; they count as
            alternative labels, hold for the whole text before any other label (see :meth:`with_pairs`),
            and :meth:`rank_concepts` and :meth:`rank_roles` learn from them.
        titles : iterable of (str, str), optional
            Titles of a national list, each with its occupation code: :meth:`rank_roles` learns from them what code a title
            without one has.
        settings : Settings, optional
            ``settings.linking`` has the cutoffs; None means the shipped ones.
        cache : bool
            Whether to look for, and leave, what was computed in the folder ``COMPETENCE_CACHE``, else
            ``~/.cache/competence``. A damaged file is made anew, a folder that cannot be written is left alone.

        Returns
        -------
        Linker

        Raises
        ------
        UnknownIdError
            If a pair names a concept or role that is not in the taxonomy.

        Notes
        -----
        Cost O(labels); about a second for 6 000 labels, a third of it from the cache.
        """
        settings = settings or Settings()
        given = {p if isinstance(p, Pair) else Pair(*p) for p in pairs or ()}
        known = tuple(sorted(given, key=lambda p: (p.words, p.target_id, p.codes)))
        _refuse_unknown(known, taxonomy)
        path = _cache_path(taxonomy, settings, known) if cache else None
        stored = _read_cache(path) if path else None
        aliases: dict[str, list[str]] = {}
        for pair in known:
            aliases.setdefault(pair.target_id, []).append(pair.words)
        named = [_named_concept(c, aliases.get(c.concept_id, ())) for c in taxonomy.competences]
        named_roles = [_named_role(r, aliases.get(r.role_id, ())) for r in taxonomy.roles.values()]
        words = sorted({t.word for n in (*named, *named_roles) for label, _, _ in n.labels for t in tokenize(label)})
        lexicon = Lexicon(words, stored.memory if stored else None)
        concepts, roles = _Index(lexicon, named, titles=False), _Index(lexicon, named_roles, titles=True)
        if stored:
            stored.restore(lexicon, concepts, roles)
        else:
            for index in (concepts, roles):
                index.weigh(_Space.fit(lexicon, index.documents()))
        said = _Said.of(taxonomy, named, lexicon, stored, [p.words for p in known if p.target_id == NOTHING])
        if path and not stored:
            _write_cache(path, lexicon, (concepts, roles), said)
        return cls(taxonomy, concepts, roles, settings, known, said, tuple(sorted(set(titles))))

    def with_concepts(self, concepts: Iterable[Concept]) -> Linker:
        """Return a linker that also knows these concepts, such as an employer's own; cost O(their labels)."""
        return self.with_taxonomy(self.taxonomy.merged(concepts))

    def with_pairs(self, pairs: Iterable[Pair | tuple[str, str]]) -> Linker:
        """Return a linker that also takes these words for what they mean here, at once; cost O(their words + labels).

        Parameters
        ----------
        pairs : iterable of Pair or (str, str)
            Such as :attr:`Corrections.pairs`: words and the id of the concept or role they mean, ``""`` for none.

        Returns
        -------
        Linker
            The words are further alternative labels. A text that is these words and nothing else means the target before
            whatever else it meets or is like; where the target is ``""``, nothing is accepted. They do not turn a wish or a
            denial into a claim. New pairs take the place of this linker's own for the same words. What can be learned of them for
            other words comes with the next :meth:`fit`; to undo one, begin again with the linker from before.

        Raises
        ------
        UnknownIdError
            If a pair names a concept or role that is not in the taxonomy.

        Examples
        --------
        >>> linker = Linker.fit(Taxonomy.of([Concept(concept_id="payroll", labels={"en": "payroll systems"})]), cache=False)
        >>> linker.link("Primula").best is None
        True
        >>> linker.with_pairs([("Primula", "payroll")]).link("PRIMULA").best.concept_id
        'payroll'
        """
        added = tuple(dict.fromkeys(p if isinstance(p, Pair) else Pair(*p) for p in pairs))
        _refuse_unknown(added, self.taxonomy)
        anew = settled(added, self.taxonomy.roles).keys()
        kept = tuple(p for p in self._pairs if not settled([p], self.taxonomy.roles).keys() & anew)

        def labelled(index: _Index) -> _Index:
            named = [_Named(p.target_id, ((p.words, "", False),)) for p in added if p.target_id in index.position]
            return index.extended(named) if named else index

        concepts, roles = labelled(self._concepts), labelled(self._roles)
        other = Linker(self.taxonomy, concepts, roles, self.settings, (*kept, *added), self._said, self._titles)
        other._learned = dict(self._learned)
        other._title_groups = self._title_groups
        return other

    def with_taxonomy(self, merged: Taxonomy) -> Linker:
        """Return a linker for ``merged``: cheap where it only adds to this linker's taxonomy, else made anew."""
        ours, theirs = self.taxonomy, merged
        kept = all(theirs.concepts.get(k) == c for k, c in ours.concepts.items()) and all(
            theirs.roles.get(k) == r for k, r in ours.roles.items()
        )
        if not kept:
            return Linker.fit(merged, self._pairs, titles=self._titles, settings=self.settings, cache=False)
        concepts = [_named_concept(c) for c in theirs.competences if c.concept_id not in ours.concepts]
        roles = [_named_role(r) for key, r in theirs.roles.items() if key not in ours.roles]
        return Linker(
            merged,
            self._concepts.extended(concepts) if concepts else self._concepts,
            self._roles.extended(roles) if roles else self._roles,
            self.settings,
            self._pairs,
            self._said,
            self._titles,
        )

    def link(
        self, text: str, *, lang: str | None = None, context: Iterable[str] | None = None, n: int = 5, asked: bool = False
    ) -> Links[Link]:
        """Return the concepts that a text names, best first.

        Parameters
        ----------
        text : str
            A word, a heading or a sentence; Swedish or English, also mixed.
        lang : str, optional
            ``sv`` or ``en``: which label wins where two are met alike. Both languages are always searched.
        context : iterable of str, optional
            Ids of roles or concepts; where candidates tie, those of the context come first.
        n : int
            How many links at most.
        asked : bool
            Whether the text asks for somebody who can ("vem vet hur man lagar en punka?"), or for what somebody wants to learn,
            and so claims nothing.

        Returns
        -------
        Links of Link
            With alternatives, also when nothing reaches the cutoff (``best`` is None then).
        """
        return self._link_many([text], lang=lang, contexts=[tuple(context or ())], n=n, asked=asked)[0]

    def link_many(
        self,
        texts: Iterable[str],
        *,
        lang: str | None = None,
        context: Iterable[str] | None = None,
        n: int = 5,
        asked: bool = False,
        workers: int = 1,
    ) -> list[Links[Link]]:
        """Return ``link(text)`` for each text, in order; equal texts are read once, and they are weighed many at a time.

        Parameters
        ----------
        texts : iterable of str
            Words, headings or sentences.
        lang, context, n, asked
            As for :meth:`link`, the same for all texts.
        workers : int
            Processes that share a thousand texts or more, this one among them. Further ones are forks of it: they are made only
            on Linux, and only while this process runs no other thread, so never in a server; elsewhere this one does all.

        Returns
        -------
        list of Links of Link
            The same for any number of workers.

        Notes
        -----
        From some hundred distinct texts on compiled loops are used, which take a second to load (some seconds the first time
        after an installation). From 501 on a thread weighs what has been read while this one reads on, and the collector of
        cycles rests meanwhile.
        """
        if workers < 1:
            raise InputError(f"workers must be at least 1; got {workers}")
        texts = list(texts)
        shared = tuple(context or ())
        return self._link_many(texts, lang=lang, contexts=[shared] * len(texts), n=n, asked=asked, workers=workers)

    def link_heading(self, text: str, *, n: int = 5) -> Links[Link]:
        """Return the concepts that a heading or a term names as a whole, never by some of its words only."""
        return self.link_headings([text], n=n)[0]

    def link_headings(self, texts: Iterable[str], *, n: int = 5) -> list[Links[Link]]:
        """Return ``link_heading(text)`` for each text, in order."""
        readings = []
        for text in texts:
            reading = _read_heading(text)
            self._meet_whole(self._concepts, reading, None)
            reading.spans = [(0, len(reading.tokens))] if reading.tokens else []
            readings.append(reading)
        index, cutoff = self._concepts, self.settings.linking.cutoff
        return [
            Links(reading.text, _links(self._as_settled(index, reading, matches)[:n], index, reading), cutoff=cutoff)
            for reading, matches in zip(readings, self._weigh(index, readings, n, frozenset()), strict=True)
        ]

    def link_role(self, title: str, *, ssyk: str | None = None, aid: str | None = None, n: int = 5) -> Links[RoleLink]:
        """Return the roles that a job title names, best first; feminine, masculine and short forms are alike.

        Parameters
        ----------
        title : str
            As the employer writes it ("Leg. sjuksköterska natt", "USK vik").
        ssyk, aid : str, optional
            Codes that came with the title: a role with the same code wins a tie, and is the answer where the title
            alone is not understood and only one role has the code.
        n : int
            How many links at most.
        """
        index = self._roles
        reading = _read_title(title)
        coded = self._coded(ssyk, aid)
        self._meet_whole(index, reading, None, favoured=coded)
        if not reading.whole:
            self._meet_inside(index, reading, 0, len(reading.tokens))
            head = set(range(head_end(title, reading.tokens)))
            reading.matches = [
                replace(m, probability=max(m.probability, _HEAD_MET))
                if m.how is not How.MISSPELT and set(m.places) == head
                else m
                for m in reading.matches
            ]
        reading.spans = [(0, len(reading.tokens))] if reading.tokens else []
        matches = self._weigh(index, [reading], max(n, _ROLES_WEIGHED), coded)[0]
        if not reading.whole:
            matches = self._in_groups(title, matches, coded)
        matches = self._as_settled(index, reading, matches)
        cutoff = self.settings.linking.title_cutoff
        if len(coded) == 1 and not any(m.place == 1 and m.probability >= cutoff for m in matches):
            target = next(iter(coded))
            # AID is set by the employer per employment; SSYK groups are wider than roles: no surer than a title must be.
            sure = 0.9 if aid and aid in self.taxonomy.roles[index.keys[target]].aid else cutoff
            first = _Match(target, sure, None, How.CODE, Stance.CLAIMED, tuple(range(len(reading.tokens))), sure)
            matches = [first, *(replace(m, place=m.place + 1) for m in matches if m.target != target)]
        links = [_role_link(m, index, reading) for m in matches]
        return Links(title, links[:n], cutoff=cutoff)

    def _groups_of_titles(self) -> TitleGroups | None:
        """Return what was learned of the taxonomy's titles by occupation group; None where they are too few to learn from."""
        with self._lock:
            if self._title_groups is None and len(self._roles.entries) >= _FEWEST_TITLES:
                titles = [(e.label, _group_key(self.taxonomy.roles[self._roles.keys[e.target]])) for e in self._roles.entries]
                self._title_groups = TitleGroups.fit(titles, self._roles.lexicon)
            return self._title_groups

    def _in_groups(self, title: str, matches: list[_Match], coded: frozenset[int]) -> list[_Match]:
        """Weigh the roles of a title that no label meets as a whole: first the occupation group, then the role in it."""
        known = self._groups_of_titles()
        index = self._roles
        first = next((m for m in matches if m.place == 1), None)
        keys = [_group_key(self.taxonomy.roles[key]) for key in index.keys]
        if known is None or (first is not None and keys[first.target] not in known.codes):
            return matches
        met = {m.target: m for m in reversed(matches)}
        places = matches[0].places if matches else ()
        found: list[_Match] = []
        groups = known.weigh(title)
        left = 1 - groups[0][1] if groups else 0.0
        for code, sure in groups:
            roles = [i for i, key in enumerate(keys) if key == code]
            roles.sort(key=lambda i: (i not in coded, -met[i].probability if i in met else 0.0, index.keys[i]))
            weights = [met[i].probability if i in met else 0.0 for i in roles]
            total = sum(weights)
            for i, weight in zip(roles, weights, strict=True):
                share = weight / total if total else 1 / len(roles)
                # The first role stands for its group; all others are what is meant where it is not.
                chance = round(min(left, sure * share), 6) if found else sure
                base = met.get(i) or _Match(i, chance, index.preferred(i), How.SIMILAR, Stance.CLAIMED, places)
                found.append(replace(base, probability=chance, place=len(found) + 1, margin=0.0))
        found.sort(key=lambda m: (m.place > 1, -m.probability, m.place))
        if len(found) > 1:
            found[0] = replace(found[0], margin=round(max(0.0, found[0].probability - found[1].probability), 6))
        return found

    def rank_concepts(
        self, terms: Iterable[str], *, codes: Iterable[Sequence[str]] | None = None, n: int = 10
    ) -> list[list[tuple[str, float]]]:
        """Return the likeliest concepts of terms (headings, list entries of another taxonomy), each as a whole.

        Parameters
        ----------
        terms : iterable of str
            Swedish or English.
        codes : iterable of sequence of str, optional
            Per term the occupation codes (SSYK 2012, ISCO-08) of whom it speaks of, for terms that mean several things.
        n : int
            How many concepts at most.

        Returns
        -------
        list of list of (str, float)
            Concept ids with probabilities, best first. Whether one is meant at all is for the reader to judge: 0.5 is even odds.

        Notes
        -----
        Learned on first use, O(labels * learning labels), some seconds for the municipal taxonomy and minutes for ESCO: from
        pairs where there are 300, else from the concepts' own labels, each hidden while it is asked for.
        """
        return self._rank("concepts", terms, codes, n)

    def rank_roles(
        self, titles: Iterable[str], *, codes: Iterable[Sequence[str]] | None = None, n: int = 10
    ) -> list[list[tuple[str, float]]]:
        """Return the likeliest roles of job titles; see :meth:`rank_concepts`.

        A role of the scheme ``isco`` stands for the group of its code: it is an answer where a title has no role of its own.
        """
        return self._rank("roles", titles, codes, n)

    def rank_statements(self, texts: Iterable[str], *, through: Linker, n: int = 10) -> list[list[tuple[str, float]]]:
        """Return the likeliest concepts of statements by what a linker of another taxonomy understands.

        For a taxonomy without sayings, such as ESCO: the other one's concepts are carried over by their exact and close
        matches, else by likeness of their labels, and what the words alone rank high comes behind.

        Parameters
        ----------
        texts : iterable of str
            Statements.
        through : Linker
            A linker of a taxonomy with sayings, such as the municipal one.
        n : int
            How many concepts at most.

        Returns
        -------
        list of list of (str, float)
            Concept ids of this linker's taxonomy with scores in [0, 1], best first: the probability of the meaning, times how
            surely it is the same concept. They are not calibrated on statements.

        Notes
        -----
        The first call carries all concepts of ``through`` over, O(its concepts) calls of :meth:`rank_concepts`.
        """
        texts = list(texts)
        carried = self._carried_from(through)
        meant = through.link_many(texts, n=_MEANINGS_CARRIED)
        plain = self.rank_concepts(texts, n=max(n, _MEANINGS_CARRIED))
        found = []
        for links, ranked in zip(meant, plain, strict=True):
            scores = {concept_id: _PLAIN_SHARE * p for concept_id, p in ranked}
            for link in links:
                for concept_id, share in carried.get(link.concept_id, ()):
                    # Of what is alike only the order counts: a text that claims little is still nearest to something.
                    scores[concept_id] = max(scores.get(concept_id, 0.0), link.probability * share)
            found.append(sorted(scores.items(), key=lambda s: (-s[1], s[0]))[:n])
        return found

    def _carried_from(self, other: Linker) -> Mapping[str, tuple[tuple[str, float], ...]]:
        """Return for each concept of another linker the concepts here that it is, or is like."""
        with self._lock:
            known = self._carried.get(other.taxonomy.digest)
        if known is not None:
            return known
        concepts = list(other.taxonomy.competences)
        likely = self.rank_concepts([c.label("sv") for c in concepts], n=3)
        carried = {}
        for concept, near in zip(concepts, likely, strict=True):
            matched = {
                uri: 1.0 if predicate == "exact_match" else 0.9
                for predicate, uri in concept.matches
                if uri in self.taxonomy.concepts and predicate in ("exact_match", "close_match")
            }
            for concept_id, p in near:
                matched.setdefault(concept_id, _ALIKE_SHARE * p)
            carried[concept.concept_id] = tuple(sorted(matched.items()))
        with self._lock:
            self._carried[other.taxonomy.digest] = carried
        return carried

    def _rank(
        self, kind: str, texts: Iterable[str], codes: Iterable[Sequence[str]] | None, n: int
    ) -> list[list[tuple[str, float]]]:
        with self._lock:
            if kind not in self._learned:
                self._learned[kind] = _Learned.of(self, kind)
        learned = self._learned[kind]
        texts = list(texts)
        given = [tuple(c) for c in codes] if codes is not None else [()] * len(texts)
        queries = [Query(learned.words(text), code) for text, code in zip(texts, given, strict=True)]
        distinct = dict.fromkeys(q for q in queries if q.words)
        ranked = dict(zip(distinct, learned.ranker.rank(list(distinct), n), strict=True))
        keys = learned.keys
        return [
            [(keys[t], float(p)) for t, p in zip(ranked[q].targets, ranked[q].probabilities, strict=True)] if q.words else []
            for q in queries
        ]

    def _coded(self, ssyk: str | None, aid: str | None) -> frozenset[int]:
        """Return the roles with the code given, by AID where any has it, else by SSYK."""
        roles = [(i, self.taxonomy.roles[key]) for i, key in enumerate(self._roles.keys)]
        by_aid = frozenset(i for i, r in roles if aid and aid in r.aid)
        return by_aid or frozenset(i for i, r in roles if ssyk and r.ssyk == ssyk)

    def _link_many(
        self,
        texts: Sequence[str],
        *,
        lang: str | None,
        contexts: Sequence[tuple[str, ...]],
        n: int,
        asked: bool = False,
        workers: int = 1,
    ) -> list[Links[Link]]:
        if n < 1:
            raise InputError(f"n must be at least 1; got {n}")
        # Each distinct text is read once; a second time, with its context, only where its first candidates tie.
        plain = dict.fromkeys(texts)
        with uncollected() if len(plain) > _PART else nullcontext():
            links, tied = self._link_shared([(text, ()) for text in plain], lang, n, asked, workers)
            found = {text: one for (text, _), one in links.items()}
            again = dict.fromkeys(key for key in zip(texts, contexts, strict=True) if key[0] in tied and key[1])
            with_context, _ = self._link_shared(list(again), lang, n, asked, workers)
        return [with_context[key] if key in with_context else found[key[0]] for key in zip(texts, contexts, strict=True)]

    def _link_shared(
        self, wanted: Sequence[_Wanted], lang: str | None, n: int, asked: bool, workers: int
    ) -> tuple[dict[_Wanted, Links[Link]], set[str]]:
        """Return what :meth:`_link_parts` does, shared among forks of this process where they are safe and pay."""
        workers = min(workers, len(wanted) // _FEWEST_SHARED)
        # A fork takes locks along as they are, but not the threads that would open them.
        if workers < 2 or not sys.platform.startswith("linux") or threading.active_count() > 1:
            return self._link_parts(wanted, lang, n, asked)
        if self._said is not None:
            self._said.meanings.prepare()
        shares = [wanted[i::workers] for i in range(workers)]
        forks = multiprocessing.get_context("fork")
        running = []
        for share in shares[1:]:
            ours, theirs = forks.Pipe(duplex=False)
            process = forks.Process(target=_send_links, args=(theirs, self, share, lang, n, asked), daemon=True)
            with warnings.catch_warnings():
                # From Python 3.12 on a fork warns of threads, also those of a library of linear algebra, which stops them itself.
                warnings.simplefilter("ignore", DeprecationWarning)
                process.start()
            theirs.close()
            running.append((share, ours, process))
        links, tied = self._link_parts(shares[0], lang, n, asked)
        for share, ours, process in running:
            try:
                found, again = ours.recv()
            except EOFError:
                # The fork was ended from outside, perhaps for want of memory: its share is done here.
                found, again = self._link_parts(share, lang, n, asked)
            ours.close()
            process.join()
            links |= found
            tied |= again
        return links, tied

    def _link_parts(
        self, wanted: Sequence[_Wanted], lang: str | None, n: int, asked: bool
    ) -> tuple[dict[_Wanted, Links[Link]], set[str]]:
        """Return the links of each text and context, and the texts whose first candidates tie.

        Few texts at a time, so that what is needed on the way is soon forgotten. Where there are many, a thread weighs some
        while the next ones are read: what weighs is compiled and leaves Python to others.
        """
        links: dict[_Wanted, Links[Link]] = {}
        tied: set[str] = set()

        def finish(part: _Part, weighed: Callable[[], list[Meaning]] | None) -> None:
            found, again = self._linked(part, None if weighed is None else weighed(), n)
            links.update(found)
            tied.update(again)

        parts = [wanted[start : start + _PART] for start in range(0, len(wanted), _PART)]
        if self._said is None or len(parts) < 2:
            for few in parts:
                part = self._read_part(few, lang)
                finish(part, None if part.queries is None else partial(self._meant_by, part.queries, n, asked))
            return links, tied
        with ThreadPoolExecutor(max_workers=1) as weigher:
            before: tuple[_Part, Callable[[], list[Meaning]]] | None = None
            for few in parts:
                part = self._read_part(few, lang)
                weighed = weigher.submit(self._meant_by, part.queries, n, asked).result
                if before is not None:
                    finish(*before)
                before = part, weighed
            if before is not None:
                finish(*before)
        return links, tied

    def _read_part(self, wanted: Sequence[_Wanted], lang: str | None) -> _Part:
        """Read some texts, each with what its context favours, and say what is to be weighed of them."""
        index = self._concepts
        favours: dict[tuple[str, ...], frozenset[int]] = {}
        readings = []
        for text, context in wanted:
            if context not in favours:
                favours[context] = self._favoured(context)
            reading = _read(text)
            self._meet(index, reading, lang, favours[context])
            readings.append(reading)
        queries = None if self._said is None else _questions(self._said, readings, self.settings.linking.cutoff)
        return _Part(wanted, readings, [favours[c] for _, c in wanted], queries)

    def _meant_by(self, queries: _Queries | None, n: int, asked: bool) -> list[Meaning]:
        if self._said is None or queries is None:
            raise InputError("statements are weighed by what people say, and the taxonomy has no sayings")
        return self._said.meanings.weigh(queries.texts, max(n + 3, _FARTHEST), queries.least, asked=asked)

    def _linked(self, part: _Part, weighed: list[Meaning] | None, n: int) -> tuple[dict[_Wanted, Links[Link]], set[str]]:
        index, readings = self._concepts, part.readings
        if part.queries is None or weighed is None:
            found = self._weigh(index, readings, n, part.favoured)
        else:
            found = self._agreed(index, part, part.queries.spans, weighed, n)
        if self._settled:
            found = [self._as_settled(index, reading, matches) for reading, matches in zip(readings, found, strict=True)]
        cutoff = self.settings.linking.cutoff
        links = {
            key: Links(reading.text, _links(matches[:n], index, reading), cutoff=cutoff)
            for key, reading, matches in zip(part.wanted, readings, found, strict=True)
        }
        return links, {reading.text for reading in readings if reading.tied}

    def _as_settled(self, index: _Index, reading: _Reading, matches: list[_Match]) -> list[_Match]:
        """Put what people here said the whole text means before everything; where they said none, leave no first candidate."""
        if not self._settled:
            return matches
        key = self._settled.get((index.titles, words_key(reading.text)))
        if key is None or (key != NOTHING and key not in index.position):
            return matches
        target = index.position.get(key)
        others = [replace(m, place=m.place + 1, margin=0.0) for m in matches if m.target != target]
        if target is None:
            return others
        sure = _WHOLE[How.ALTERNATIVE]
        rest = [replace(m, probability=min(m.probability, round(1 - sure, 6))) for m in others]
        # A text that claims in one part and wishes in another was chosen for what it claims.
        stance = Stance.CLAIMED if Stance.CLAIMED in reading.stance else next(iter(reading.stance), Stance.CLAIMED)
        met = (e for e in index.exact.get(tuple(reading.words), ()) if e.target == target)
        lead = round(sure - (rest[0].probability if rest else 0.0), 6)
        places = tuple(range(len(reading.tokens)))
        return [_Match(target, sure, next(met, index.preferred(target)), How.ALTERNATIVE, stance, places, lead), *rest]

    def _favoured(self, context: tuple[str, ...]) -> frozenset[int]:
        """Return the concepts of a context: those named, and those its roles ask for."""
        ids: set[str] = set()
        for key in context:
            role = self.taxonomy.roles.get(key)
            ids.update({key} if role is None else {r.concept_id for r in role.requirements})
        return frozenset(self._concepts.position[i] for i in ids if i in self._concepts.position)

    def _meet(self, index: _Index, reading: _Reading, lang: str | None, favoured: frozenset[int]) -> None:
        """Find all labels that the text meets word for word, and the spans left to be weighed."""
        self._meet_whole(index, reading, lang, favoured=favoured)
        whole = (0, len(reading.tokens))
        if reading.whole or not reading.tokens:
            reading.spans = [whole] if reading.tokens else []
            return
        taken: set[int] = set()
        self._meet_runs(index, reading, taken)
        for (first, last), pieces in zip(reading.segments, reading.pieces, strict=True):
            self._meet_inside(index, reading, first, last, taken)
            for a, b in dict.fromkeys([(first, last), *pieces]):
                content = [i for i in range(a, b) if reading.carries[i]]
                # Likeness speaks only for what no label has met: a piece half met is taken as understood.
                if content and 2 * sum(i in taken for i in content) < len(content) and (a, b) not in reading.spans:
                    reading.spans.append((a, b))
        # The text as a whole gives alternatives, but says nothing of its own where several things are named in it.
        if whole not in reading.spans and (not reading.matches or len(reading.segments) == 1):
            reading.spans.append(whole)

    def _meet_whole(self, index: _Index, reading: _Reading, lang: str | None, *, favoured: frozenset[int] = frozenset()) -> None:
        words = reading.words
        start = 0
        while start < len(words) - 1 and (words[start] in STOP or words[start] in FILLERS):
            start += 1
        for first in dict.fromkeys((0, start)):
            if not reading.claimed and any(s is not Stance.CLAIMED for s in reading.stance[first:]):
                continue
            met = index.whole(words[first:])
            if met is not None:
                how, entries = met
                reading.matches = _share_out(index, how, entries, lang, favoured, tuple(range(first, len(words))))
                reading.tied = len({e.target for e in entries if e.preferred == entries[0].preferred}) > 1
                reading.whole = True
                return

    def _meet_runs(self, index: _Index, reading: _Reading, taken: set[int]) -> None:
        """Find labels of two words or more that stand in the text just as they are, "och" included; longest first."""
        words, runs = reading.words, index.runs
        spots = [
            (-size, first)
            for first, word in enumerate(words)
            if word in runs
            for size in runs[word]
            if first + size <= len(words)
        ]
        for size, first in ((-negative, first) for negative, first in sorted(spots)):
            entries = index.exact.get(tuple(words[first : first + size]))
            if not entries:
                continue
            places = tuple(range(first, first + size))
            if not taken.intersection(places) and any(reading.carries[i] for i in places):
                how = How.EXACT if entries[0].preferred else How.ALTERNATIVE
                self._keep(index, reading, entries[0], places, how, _WHOLE[how])
                taken.update(places)

    def _meet_inside(self, index: _Index, reading: _Reading, first: int, last: int, taken: set[int] | None = None) -> None:
        taken = set() if taken is None else taken
        words = reading.words
        for entry, places, how in index.inside(words, first, last):
            if not _is_free(words, places, taken):
                continue
            if how is How.INFLECTED and len(places) == 1 and words[places[0]] in entry.words and len(entry.words) == 1:
                how = How.EXACT if entry.preferred else How.ALTERNATIVE
            self._keep(index, reading, entry, places, how, _WHOLE[how])
            taken.update(places)

    def _keep(self, index: _Index, reading: _Reading, entry: _Entry, places: tuple[int, ...], how: How, base: float) -> None:
        """Add a match inside the text; its probability falls with how much else its clause says."""
        words = reading.words
        # A title is one clause: "Lärare, matematik" is not two things.
        parts = [clauses(words, 0, len(words))] if index.titles else reading.pieces
        inside = [(a, b) for pieces in parts for a, b in pieces if any(a <= i < b for i in places)]
        content = {i for a, b in inside for i in range(a, b) if reading.carries[i]} | set(places)
        coverage = len([i for i in places if reading.carries[i]] or places) / len(content)
        low, share = _INSIDE_ONE_WORD if len(places) == 1 else _INSIDE_MORE_WORDS
        if how is How.MISSPELT and len(places) == 1 and len(words[places[0]]) < 8:
            # One short word amid others, one letter off: as often another word as a slip.
            low, share = low / 2, share / 2
        sure = round(base * (low + share * coverage), 6)
        reading.matches.append(_Match(entry.target, sure, entry, how, reading.stance_of(places), places))

    def _weigh(
        self, index: _Index, readings: Sequence[_Reading], n: int, favoured: Sequence[frozenset[int]] | frozenset[int]
    ) -> list[list[_Match]]:
        """Weigh by likeness what is left of each text, and put all its matches in order."""
        queries: dict[tuple[str, ...], int] = {}
        for reading in readings:
            for a, b in reading.spans:
                queries.setdefault(_query(index, reading, a, b), len(queries))
        scored = index.likeness(list(queries), max(n, 2) + 1)
        found = []
        for number, reading in enumerate(readings):
            prefer = favoured if isinstance(favoured, frozenset) else favoured[number]
            pieces = [
                (a, b, _likely(index, reading, (a, b), scored[queries[_query(index, reading, a, b)]], prefer))
                for a, b in reading.spans
            ]
            found.append(_in_order(index, reading, pieces, n))
        return found

    def _agreed(
        self, index: _Index, part: _Part, spans: Sequence[Sequence[tuple[int, int, int]]], weighed: Sequence[Meaning], n: int
    ) -> list[list[_Match]]:
        """Put in order what each statement means: the whole, and each part between punctuation where there are several."""
        cutoff = self.settings.linking.cutoff
        enough = min(cutoff, _SURE_PART)
        found = []
        for reading, mine, prefer in zip(part.readings, spans, part.favoured, strict=True):
            if mine:
                _agree(reading, weighed[mine[0][2]], [(a, b, weighed[k]) for a, b, k in mine])
            # A part of a text speaks for itself only where it is sure; else the whole tells what is nearest.
            pieces_meant = []
            for place, (a, b, k) in enumerate(mine):
                if place == 0:
                    pieces_meant.append((a, b, _meant(index, reading, (a, b), weighed[k], prefer, n + 3, n + 3)))
                    continue
                # None of its meanings is likelier than the first is without a context.
                if not weighed[k].targets or weighed[k].probabilities[0] * weighed[k].claimed < enough - 1e-6:
                    continue
                if sum(reading.carries[a:b]) < _FEWEST_WORDS:
                    continue
                meant = _meant(index, reading, (a, b), weighed[k], prefer, 3, 1)
                # Beside something else that is understood, the rest is a thing of its own.
                beside = any(m.probability >= cutoff and not any(a <= i < b for i in m.places) for m in reading.matches)
                if meant[0].probability >= (cutoff if beside else _SURE_PART):
                    pieces_meant.append((a, b, meant))
            found.append(_in_order(index, reading, pieces_meant, n))
        return found


@dataclass(frozen=True)
class _Queries:
    """What is to be weighed of some statements: distinct words, the least claim each takes, and per statement (a, b, place)."""

    texts: list[tuple[str, ...]]
    least: list[float]
    spans: list[list[tuple[int, int, int]]]


@dataclass(frozen=True)
class _Part:
    """Some texts with their contexts, as read; ``queries`` is None where likeness to labels is all there is."""

    wanted: Sequence[_Wanted]
    readings: list[_Reading]
    favoured: list[frozenset[int]]
    queries: _Queries | None


def _questions(said: _Said, readings: Sequence[_Reading], cutoff: float) -> _Queries:
    queries: dict[tuple[str, ...], int] = {}
    least: list[float] = []
    spans: list[list[tuple[int, int, int]]] = []
    for reading in readings:
        words = said.words(reading.words)
        mine = []
        for a, b, claimed in _asked_spans(reading, cutoff):
            k = queries.setdefault(words[a:b], len(least))
            if k == len(least):
                least.append(claimed)
            elif claimed < least[k]:
                least[k] = claimed
            mine.append((a, b, k))
        spans.append(mine)
    return _Queries(list(queries), least, spans)


def _send_links(pipe: Connection, linker: Linker, share: Sequence[_Wanted], lang: str | None, n: int, asked: bool) -> None:
    """Do a share of :meth:`Linker.link_many` in a fork."""
    pipe.send(linker._link_parts(share, lang, n, asked))
    pipe.close()


def _asked_spans(reading: _Reading, cutoff: float) -> Iterator[tuple[int, int, float]]:
    """Yield the whole and the parts that can count beside it, each with the probability of a claim that it takes."""
    size = len(reading.words)
    if size:
        yield 0, size, 0.0
    if reading.whole:
        return
    # A part is asked for where it may be sure enough to speak for itself, and where a label met in it asks whether it agrees.
    spoken = min(cutoff, _SURE_PART) if reading.matches else _SURE_PART
    met = {i for m in reading.matches for i in m.places} if reading.matches else set()
    seen = {(0, size)}
    for segment, pieces in zip(reading.segments, reading.pieces, strict=True):
        for span in (segment, *pieces):
            if span in seen:
                continue
            seen.add(span)
            a, b = span
            carrying = sum(reading.carries[a:b])
            if carrying and met and not met.isdisjoint(range(a, b)):
                yield a, b, 0.0
            elif carrying >= _FEWEST_WORDS:
                yield a, b, spoken - 1e-6


def _agree(reading: _Reading, whole: Meaning, parts: Sequence[tuple[int, int, Meaning]]) -> None:
    """Lower what met word for word by how little is claimed, and where nothing else said points the same way."""
    if reading.whole or not reading.matches:
        return
    long = sum(reading.carries) >= _FEWEST_WORDS
    claimed = min(1.0, 2 * whole.claimed) if long else 1.0
    changed = []
    for match in reading.matches:
        near = [m for a, b, m in parts if any(a <= i < b for i in match.places)] or [whole]
        ranks = [m.targets[:_FARTHEST] for m in near] if long else []
        place = min((r.index(match.target) for r in ranks if match.target in r), default=_FARTHEST)
        trust = next((share for most, share in _AGREED if place < most), _DOUBTED) if long else 1.0
        changed.append(_moved(match, round(match.probability * claimed * trust, 6), match.margin, match.place))
    reading.matches = changed


def _moved(match: _Match, probability: float, margin: float, place: int) -> _Match:
    return _Match(match.target, probability, match.entry, match.how, match.stance, match.places, margin, place)


def _meant(
    index: _Index, reading: _Reading, span: tuple[int, int], meaning: Meaning, favoured: frozenset[int], most: int, kept: int
) -> list[_Match]:
    """Turn what a span means into matches: the first ``kept`` of the likeliest ``most``."""
    targets, chances = meaning.targets[:most], meaning.probabilities[:most]
    ranked = list(zip(targets, chances, strict=True))
    # A context breaks ties only: it never lifts a concept over one that is clearly likelier.
    if favoured or len(set(chances)) < len(chances):
        ranked.sort(key=lambda r: (-round(r[1], 2), r[0] not in favoured, -r[1], index.keys[r[0]]))
    if len(ranked) > 1 and round(ranked[0][1], 2) == round(ranked[1][1], 2):
        reading.tied = True
    places = tuple(range(*span))
    stance = reading.stance_of(places)
    return [
        _Match(target, round(p * meaning.claimed, 6), index.preferred(target), How.SAYING, stance, places, 1.0, place)
        for place, (target, p) in enumerate(ranked[:kept], start=1)
    ]


def _is_free(words: Sequence[str], places: tuple[int, ...], taken: set[int]) -> bool:
    """Say whether a match may use these words: none is taken, or the rest are joined on ("planera och leda möten")."""
    shared = taken.intersection(places)
    if not shared:
        return True
    rest = [i for i in places if i not in shared]
    around = [words[i + step] for i in rest for step in (-1, 1) if 0 <= i + step < len(words)]
    return bool(rest) and any(w in ("och", "samt", "and", "eller", "or") for w in around)


def _read(text: str) -> _Reading:
    tokens = tokenize(text)
    words = [t.word for t in tokens]
    stance: list[Stance] = []
    parts = segments(text, tokens)
    for first, last in parts:
        stance += stances(words, first, last)
    return _Reading(text, tokens, words, stance, segments=parts)


def _read_heading(text: str) -> _Reading:
    """Read a term: it neither wishes nor denies ("Hantera hot, aldrig ensam")."""
    tokens = tokenize(text)
    return _Reading(text, tokens, [t.word for t in tokens], [Stance.CLAIMED] * len(tokens), term=True)


def _read_title(text: str) -> _Reading:
    tokens = tokenize(text)
    kept = title_places([t.word for t in tokens])
    return _Reading(text, [tokens[i] for i, _ in kept], [word for _, word in kept], [Stance.CLAIMED] * len(kept), term=True)


_SILENT = STOP | FILLERS


def _carries(word: str) -> bool:
    return word not in _SILENT and not word.isdigit()


def _query(index: _Index, reading: _Reading, first: int, last: int) -> tuple[str, ...]:
    """Return the words of a span that are weighed by likeness."""
    words = [index.restored(w) for w in reading.words[first:last]]
    return tuple([w for w in words if _carries(w)] or content_words(words))


def _share_out(
    index: _Index, how: How, entries: Sequence[_Entry], lang: str | None, favoured: frozenset[int], places: tuple[int, ...]
) -> list[_Match]:
    """Turn the labels met by a whole text into matches; where several concepts tie, they share the probability."""

    def rank(entry: _Entry) -> tuple[bool, bool, bool, bool, str]:
        return (
            not index.local[entry.target],
            not entry.preferred,
            entry.target not in favoured,
            lang is not None and entry.lang != lang,
            index.keys[entry.target],
        )

    best: dict[int, _Entry] = {}
    for entry in sorted(entries, key=rank):
        best.setdefault(entry.target, entry)
    ranked = list(best.values())
    first = rank(ranked[0])[:3]
    tied = [e for e in ranked if rank(e)[:3] == first]
    sure = _WHOLE[how] / len(tied)
    rest = (1 - _WHOLE[how]) / max(1, len(ranked) - len(tied))
    matches = []
    for place, entry in enumerate(ranked, start=1):
        own = how if how not in (How.EXACT, How.ALTERNATIVE) else How.EXACT if entry.preferred else How.ALTERNATIVE
        matches.append(
            _Match(entry.target, round(sure if entry in tied else rest, 6), entry, own, Stance.CLAIMED, places, 0.0, place)
        )
    return matches


def _refuse_unknown(pairs: Iterable[Pair], taxonomy: Taxonomy) -> None:
    for pair in pairs:
        if pair.target_id not in taxonomy.roles and pair.target_id != NOTHING:
            taxonomy.concept(pair.target_id)


def likeness_probability(score: float, lead: float, cover: float, share: float) -> float:
    """Return the probability that the most alike concept is meant.

    Parameters
    ----------
    score, lead : float
        Likeness in [0, 1], and its lead over the next concept.
    cover : float
        Share of the best label's stems that the text has.
    share : float
        Share of the text's words that have a stem in the label: little of much text is seldom what it means.

    Notes
    -----
    Logistic with the constants ``_LIKENESS``, fitted by benchmarks/calibrate_linking.py.
    """
    a, b, c, d, e = _LIKENESS
    return float(1 / (1 + np.exp(-(a + b * score + c * lead + d * cover + e * share))))


def _overlap(index: _Index, words: Sequence[str], entry: _Entry) -> tuple[float, float]:
    """Return the share of the label's stems that the words have, and the share of the words with a stem in the label."""
    best = (0.0, 0.0)
    for side in (0, 1):
        stems = [index.lexicon.keys([w])[side] for w in words]
        label = entry.stems[side]
        met = sum(bool(s & label) for s in stems)
        cover = len(label & frozenset().union(*stems)) / max(1, len(label))
        best = max(best, (cover, met / max(1, len(words))))
    return best


def _likely(
    index: _Index, reading: _Reading, span: tuple[int, int], scored: Sequence[tuple[int, float, _Entry]], favoured: frozenset[int]
) -> list[_Match]:
    """Turn likeness into probabilities: the logistic for the first, what it leaves shared among the others."""
    if not scored:
        return []
    # A context breaks ties only: it never lifts a concept over one that is clearly more alike.
    ranked = sorted(scored, key=lambda s: (-round(s[1], 3), s[0] not in favoured, -s[1]))
    reading.tied = reading.tied or (len(ranked) > 1 and round(ranked[0][1], 3) == round(ranked[1][1], 3))
    top = ranked[0][1]
    lead = max(0.0, top - ranked[1][1]) if len(ranked) > 1 else top
    words = _query(index, reading, *span)
    cover, share = _overlap(index, words, ranked[0][2])
    sure = likeness_probability(top, lead, cover, share)
    if reading.term:
        # In a term each word counts: "Finska fordonsparken" is not Finnish, though a sentence with "finska" may be.
        sure *= share
    total = sum(score for _, score, _ in ranked[1:]) or 1.0
    places = tuple(i for i in range(*span))
    stance = next((reading.stance[i] for i in places if reading.stance[i] is not Stance.CLAIMED), Stance.CLAIMED)
    matches = []
    for place, (target, score, entry) in enumerate(ranked, start=1):
        probability = sure if place == 1 else min(sure, (1 - sure) * score / total)
        matches.append(_Match(target, round(probability, 6), entry, How.SIMILAR, stance, places, place=place))
    return matches


def _in_order(index: _Index, reading: _Reading, pieces: Sequence[tuple[int, int, list[_Match]]], n: int) -> list[_Match]:
    """Join what met word for word with what is alike: each concept once, first candidates for words before others."""
    if not reading.matches and len(pieces) == 1:
        return _in_order_alone(index, pieces[0][2], n)
    chosen = list(reading.matches)
    others: list[_Match] = []
    whole = (0, len(reading.tokens))
    if reading.whole:
        spent = sum(m.probability for m in chosen)
        for a, b, found in pieces:
            if (a, b) == whole:
                left = round(1 - spent, 6)
                others += [_moved(m, min(m.probability, left), m.margin, m.place + len(chosen)) for m in found]
    else:
        met = {i for m in chosen for i in m.places}
        taken: set[int] = set()
        # The surest reading of any span wins its words; a whole segment against the clauses it holds, and so on.
        for _a, _b, found in sorted(pieces, key=lambda p: (-(p[2][0].probability if p[2] else 0), p[0], p[1])):
            if not found:
                continue
            span = set(found[0].places)
            first_is_free = not span & taken and not (
                span & met and 2 * len(_carrying(reading, span & met)) >= len(_carrying(reading, span))
            )
            if first_is_free:
                taken |= span
                chosen.append(found[0])
                others += found[1:]
            else:
                others += [_moved(found[0], found[0].probability, found[0].margin, 2), *found[1:]]
    best: dict[int, _Match] = {}
    # Where a label was met word for word, likeness to the same concept adds nothing.
    for match in sorted(
        chosen, key=lambda m: (m.stance is not Stance.CLAIMED, m.how is How.SIMILAR, -m.probability, index.keys[m.target])
    ):
        best.setdefault(match.target, match)
    for match in sorted(others, key=lambda m: (-m.probability, index.keys[m.target])):
        best.setdefault(match.target, match)
    ranked = sorted(
        best.values(),
        key=lambda m: (
            m.stance is not Stance.CLAIMED,
            m.place > 1 and not reading.whole,
            -m.probability,
            m.place,
            index.keys[m.target],
        ),
    )
    firsts = [m for m in ranked if m.place == 1]
    rest = [m for m in ranked if m.place > 1]
    next_best = rest[0].probability if rest else 0.0
    leading = [_moved(m, m.probability, round(max(0.0, m.probability - next_best), 6), m.place) for m in firsts[:n]]
    return leading + [_moved(m, m.probability, 0.0, m.place) for m in rest[: max(0, n - len(leading))]]


def _in_order_alone(index: _Index, found: Sequence[_Match], n: int) -> list[_Match]:
    """Do what :func:`_in_order` does where nothing met word for word and one span alone was weighed, as for most statements."""
    if not found:
        return []
    first, *others = found
    others.sort(key=lambda m: (-m.probability, m.place, index.keys[m.target]))
    next_best = others[0].probability if others else 0.0
    leading = _moved(first, first.probability, round(max(0.0, first.probability - next_best), 6), 1)
    return [leading, *(_moved(m, m.probability, 0.0, m.place) for m in others[: n - 1])]


def _carrying(reading: _Reading, places: set[int]) -> set[int]:
    return {i for i in places if reading.carries[i]}


def _words_met(match: _Match, reading: _Reading) -> str:
    """Return the words as written: the stretch of text where they stand together, else the words one by one."""
    places: Sequence[int] = match.places
    if not places or places[-1] >= len(reading.tokens):
        places = [i for i in places if i < len(reading.tokens)]
    if not places:
        return reading.text.strip()
    if places[-1] - places[0] + 1 == len(places):
        return reading.text[reading.tokens[places[0]].start : reading.tokens[places[-1]].end]
    return " ".join(reading.text[reading.tokens[i].start : reading.tokens[i].end] for i in places)


def _links(matches: Iterable[_Match], index: _Index, reading: _Reading) -> Iterator[Link]:
    """Yield the link of each match."""
    places, words = None, ""
    level = years = None
    for match in matches:
        if match.places != places:
            # Most candidates are for the same words as the one before.
            places, words = match.places, _words_met(match, reading)
            if reading.measured:
                clause = _clause_words(match, reading)
                level, years = stated_level(clause), stated_years(clause)
        label, lang = (match.entry.label, match.entry.lang) if match.entry else ("", "")
        yield Link(
            concept_id=index.keys[match.target],
            probability=match.probability,
            words=words,
            label=label,
            lang=lang,
            how=match.how,
            margin=match.margin,
            stance=match.stance,
            place=match.place,
            level=level,
            years=years,
        )


def _clause_words(match: _Match, reading: _Reading) -> Sequence[str]:
    """Return the words of the clauses that a match stands in: what is said there of level and time is said of it."""
    if not reading.segments:
        return reading.words
    mine = [(a, b) for pieces in reading.pieces for a, b in pieces if any(a <= i < b for i in match.places)]
    return [w for a, b in mine for w in reading.words[a:b]]


def _role_link(match: _Match, index: _Index, reading: _Reading) -> RoleLink:
    return RoleLink(
        role_id=index.keys[match.target],
        probability=match.probability,
        words=reading.text.strip(),
        label=match.entry.label if match.entry else "",
        lang=match.entry.lang if match.entry else "",
        how=match.how,
        margin=match.margin,
        place=match.place,
    )


def _labels(record: Concept | Role) -> Iterator[tuple[str, str, bool]]:
    for lang, label in record.labels.items():
        yield label, lang, True
    for lang, found in record.alternative_labels.items():
        for label in found:
            yield label, lang, False


def _named_concept(concept: Concept, aliases: Iterable[str] = ()) -> _Named:
    labels = dict.fromkeys((*_labels(concept), *((alias, "", False) for alias in aliases)))
    return _Named(concept.concept_id, tuple(labels), tuple(concept.descriptions.values()), concept.scheme == "local")


def _named_role(role: Role, aliases: Iterable[str] = ()) -> _Named:
    labels = dict.fromkeys((*_labels(role), *((alias, "", False) for alias in aliases)))
    return _Named(role.role_id, tuple(labels), (), role.scheme == "local")


# ---------------------------------------------------------------- the disk cache


@dataclass(frozen=True, slots=True)
class _Stored:
    """What a cache file holds: compound parts found, the vectors of both indexes, and what was learned of sayings."""

    memory: dict[str, dict[str, str]]
    features: tuple[list[str], list[str]]
    said: Mapping[str, list[str]]
    spelled: Mapping[str, int]
    arrays: Mapping[str, np.ndarray]

    def restore(self, lexicon: Lexicon, *indexes: _Index) -> None:
        """Give the indexes their vectors back."""
        from scipy.sparse import csr_matrix

        for number, index in enumerate(indexes):
            names = self.features[number]
            idf = self.arrays[f"{number}.idf"]
            space = _Space(lexicon, {f: i for i, f in enumerate(names)}, idf, float(self.arrays[f"{number}.unknown"][0]))
            rows = []
            for name in ("labels", "descriptions"):
                data, indices, indptr = (self.arrays[f"{number}.{name}.{part}"] for part in ("data", "indices", "indptr"))
                rows.append(csr_matrix((data, indices, indptr), shape=(len(indptr) - 1, len(names))))
            index.weigh(space, rows[0], rows[1])


def _cache_path(taxonomy: Taxonomy, settings: Settings, pairs: tuple[Pair, ...]) -> Path | None:
    """Return where the cache file lies; its name holds everything that the content depends on."""
    from importlib.metadata import version

    import scipy
    import snowballstemmer

    folder = os.environ.get("COMPETENCE_CACHE")
    try:
        place = Path(folder) if folder else Path.home() / ".cache" / "competence"
        here = Path(__file__).parent
        files = [here.parent / "_words.py", *sorted(here.glob("*.py"))]
        code = hashlib.sha256(b"".join(f.read_bytes() for f in files)).hexdigest()
    except (OSError, RuntimeError):
        # No home folder, or the code lies where it cannot be read as files: work without a cache.
        return None
    stemmer = getattr(snowballstemmer, "__version__", "")
    parts = [
        taxonomy.digest,
        settings.linking.model_dump(mode="json"),
        [(p.words, p.target_id, p.codes) for p in pairs],
        code,
        np.__version__,
        scipy.__version__,
        stemmer,
        version("scikit-learn"),
    ]
    key = hashlib.sha256(json.dumps(parts, sort_keys=True, ensure_ascii=False).encode()).hexdigest()
    return place / f"linker-{key}.npz"


def _write_cache(path: Path, lexicon: Lexicon, indexes: Sequence[_Index], said: _Said | None) -> None:
    """Leave the vectors on disk, whole or not at all: written beside and then renamed; the first 32 bytes check the rest."""
    arrays: dict[str, np.ndarray] = {}
    features = []
    for number, index in enumerate(indexes):
        if index.space is None or index.label_rows is None or index.description_rows is None:
            return
        features.append(list(index.space.features))
        arrays[f"{number}.idf"] = index.space.idf
        arrays[f"{number}.unknown"] = np.array([index.space.unknown])
        for name, rows in (("labels", index.label_rows), ("descriptions", index.description_rows)):
            for part in ("data", "indices", "indptr"):
                arrays[f"{number}.{name}.{part}"] = getattr(rows, part)
    spoken: Mapping[str, list[str]] = {}
    spelled: Mapping[str, int] = {}
    if said is not None:
        spoken, spelled = said.meanings.features(), said.speller.counts
        arrays |= said.meanings.arrays()
    known = {"memory": lexicon.memory, "features": features, "said": spoken, "spelled": spelled}
    texts = json.dumps(known, ensure_ascii=False).encode()
    arrays["texts"] = np.frombuffer(texts, dtype=np.uint8)
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **arrays)
    payload = buffer.getvalue()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, suffix=".part")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(hashlib.sha256(payload).digest() + payload)
            Path(name).replace(path)
            _forget_old(path.parent)
        except OSError:
            Path(name).unlink(missing_ok=True)
    except OSError:
        # A folder that cannot be written costs a second per start, nothing else.
        return


def _forget_old(folder: Path) -> None:
    """Keep the newest files only: each change of taxonomy, confirmed pairs or code leaves one behind."""
    files = sorted(folder.glob("linker-*.npz"), key=lambda f: f.stat().st_mtime, reverse=True)
    for file in files[_CACHE_FILES:]:
        file.unlink(missing_ok=True)


def _read_cache(path: Path) -> _Stored | None:
    """Return what the file holds; None when it is not there or damaged, so that it is made anew."""
    try:
        raw = path.read_bytes()
    except OSError:
        return None
    payload = raw[32:]
    if hashlib.sha256(payload).digest() != raw[:32]:
        return None
    with np.load(io.BytesIO(payload), allow_pickle=False) as stored:
        arrays = {name: stored[name] for name in stored.files}
    texts: dict[str, Any] = json.loads(arrays.pop("texts").tobytes())
    return _Stored(
        texts["memory"], (texts["features"][0], texts["features"][1]), texts["said"], texts["spelled"], MappingProxyType(arrays)
    )


# ---------------------------------------------------------------- from words in files to ids


def resolve(staff: Staff, taxonomy: Taxonomy) -> Taxonomy:
    """Return the taxonomy with the employer's own concepts and roles, as the linked staff speaks of them."""
    return taxonomy.merged(staff.local_concepts, staff.roles)


def link_statements(
    staff: Staff,
    taxonomy: Taxonomy,
    *,
    linker: Linker | None = None,
    settings: Settings | None = None,
    aid: AidList | None = None,
) -> Staff:
    """Link all words of a staff: titles to roles; headings, evidence, requirements, interests and statements to concepts.

    Parameters
    ----------
    staff : Staff
        As read from files. One already linked is linked again from its words, with the same result.
    taxonomy : Taxonomy
        What to link to.
    linker : Linker, optional
        A linker fitted to ``taxonomy``; None fits one (from the disk cache).
    settings : Settings, optional
        Cutoffs; None means those of ``linker``, else the shipped ones.
    aid : AidList, optional
        The employer's AID list (:func:`competence.taxonomy.read_aid`). An employment with a code, whose title is not
        certain by its own words, is then led as :func:`competence.taxonomy.map_titles` says: to the role with the code,
        else by the list's words for it, else by the list's SSYK, unless the words are surer than that. Its ``problems``
        and those of the mapping join the staff's. None: a code counts only where a role has it and the words say nothing.

    Returns
    -------
    Staff
        With ``linked`` True. Role ids stand on employments and posts; each accepted link of a statement became one
        Evidence with id ``<statement_id>#<k>``; headings, evidence words and requirement words that were not
        understood became ``local_concepts``, each with a notice; ``unlinked`` lists free text, wishes, denials and
        titles that gave nothing, with the nearest concepts.

    Notes
    -----
    A statement that is private, or for the manager alone, is linked but its words are not listed in ``unlinked``,
    which others read. Learning form is formal for what was learnt in education and else informal. The order of people
    and rows changes nothing; nothing of a person but the words and the person's roles reaches the matcher, and the
    roles only break ties. Cost: one product of distinct texts and labels.
    """
    if linker is None:
        linker = Linker.fit(taxonomy, settings=settings)
    elif linker.taxonomy != taxonomy:
        linker = linker.with_taxonomy(taxonomy)
    if settings is not None and settings != linker.settings:
        linker = Linker(linker.taxonomy, linker._concepts, linker._roles, settings, linker._pairs, linker._said, linker._titles)
    staff = _unlinked_again(staff)
    staff, local = _link_terms(staff, linker)
    # Local roles go in with their resolved requirements, local concepts so that statements can name them too.
    linker = linker.with_taxonomy(linker.taxonomy.merged(local, staff.roles))
    staff = _link_titles(staff, linker, aid)
    return _link_free_text(staff, linker).replace(linked=True)


def _unlinked_again(staff: Staff) -> Staff:
    """Take away what an earlier linking added, keeping the words."""
    if not staff.linked:
        return staff
    ids = {s.statement_id for s in staff.statements}
    local = {c.concept_id: c.label("sv") for c in staff.local_concepts}
    evidence = tuple(
        replace(e, concept_id=None, label="", probability=1.0) if e.label and e.words else e
        for e in staff.evidence
        if not _made_by_linking(e, ids)
    )
    roles = tuple(
        replace(r, requirements=tuple(replace(q, concept_id=local.get(q.concept_id, q.concept_id)) for q in r.requirements))
        for r in staff.roles
    )
    interests = tuple(replace(i, concept_id=None) if i.words else i for i in staff.interests)
    return staff.replace(
        evidence=evidence,
        roles=roles,
        interests=interests,
        problems=type(staff.problems)(p for p in staff.problems if p.table not in ("linking", "aid")),
        linked=False,
        title_links=MappingProxyType({}),
        local_concepts=(),
        unlinked=(),
    )


def _made_by_linking(evidence: Evidence, statement_ids: set[str]) -> bool:
    owner, mark, _ = evidence.evidence_id.rpartition("#")
    return bool(mark) and owner == evidence.statement_id and owner in statement_ids


def _link_terms(staff: Staff, linker: Linker) -> tuple[Staff, tuple[Concept, ...]]:
    """Link headings, evidence words and requirement words; what is not understood becomes a concept of its own."""
    known = linker.taxonomy.concepts

    def unknown(concept_id: str | None) -> bool:
        return concept_id is None or concept_id not in known or known[concept_id].kind is ConceptKind.GROUP

    # A local concept, a Problem and a list of words are seen by everybody: words kept from the unit never become one.
    def shared(visibility: Visibility) -> bool:
        return visibility.rank >= Visibility.UNIT.rank

    headings = Counter(s.text for s in staff.statements if s.heading and shared(s.visibility))
    evidence = Counter(e.words or e.concept_id or "" for e in staff.evidence if unknown(e.concept_id) and shared(e.visibility))
    kept_back = {s.text for s in staff.statements if s.heading} | {
        e.words or e.concept_id or "" for e in staff.evidence if unknown(e.concept_id)
    }
    asked = Counter(q.concept_id for r in staff.roles for q in r.requirements if unknown(q.concept_id))
    counts = headings + evidence + asked
    terms = sorted(t for t in kept_back.union(counts) if tokenize(t))
    links = dict(zip(terms, linker.link_headings(terms), strict=True))
    own = _local_concepts({t: counts[t] for t in terms if t in counts and not links[t].understood}, linker)

    def target(words: str) -> tuple[str | None, float, str]:
        if words in own:
            return own[words].concept_id, 1.0, own[words].label("sv")
        best = links[words].best if words in links else None
        return (best.concept_id, best.probability, best.label) if best else (None, 1.0, "")

    def of_evidence(row: Evidence) -> Evidence:
        if not unknown(row.concept_id):
            return row
        words = row.words or row.concept_id or ""
        concept_id, probability, label = target(words)
        return replace(row, concept_id=concept_id, probability=probability, label=label, words=words)

    roles = tuple(
        replace(
            r, requirements=_merged_requirements(q if not unknown(q.concept_id) else _asked(q, target) for q in r.requirements)
        )
        for r in staff.roles
    )
    made = [e for s in staff.statements if s.heading for e in (_evidence(s, 1, *target(s.text), s.text),) if e.concept_id]
    local = tuple(sorted({c.concept_id: c for c in own.values()}.values(), key=lambda c: c.concept_id))
    named: Counter[str] = Counter()
    for words, concept in own.items():
        named[concept.concept_id] += counts[words]
    notices = [
        Problem(code="local_concept", table="linking", value=c.label("sv"), detail=c.concept_id, count=named[c.concept_id])
        for c in local
    ]
    nearest = linker.settings.linking.alternatives
    unlinked = tuple(
        Unlinked(words, _kind_of_term(words, headings, evidence), counts[words], _nearest(links[words], nearest))
        for words in sorted(own)
    )
    changed = staff.replace(
        roles=roles,
        evidence=(*(of_evidence(e) for e in staff.evidence), *made),
        local_concepts=local,
        unlinked=unlinked,
        problems=staff.problems + notices,
    )
    return changed, local


def _kind_of_term(words: str, headings: Counter[str], evidence: Counter[str]) -> str:
    return "heading" if words in headings else "evidence" if words in evidence else "requirement"


def _local_concepts(counts: Mapping[str, int], linker: Linker) -> dict[str, Concept]:
    """Make one concept of all spellings that have the same stems; its label is the one written most often."""
    groups: dict[frozenset[str], list[str]] = {}
    for words in counts:
        read = [t.word for t in tokenize(words)]
        groups.setdefault(linker._concepts.lexicon.keys(read)[0], []).append(words)
    found: dict[str, Concept] = {}
    for spellings in groups.values():
        ranked = sorted(spellings, key=lambda w: (-counts[w], w))
        label = ranked[0].strip()
        concept = Concept(
            concept_id="local:" + "-".join(t.word for t in tokenize(label)),
            labels={"sv": label, "en": label},
            alternative_labels={"sv": tuple(w.strip() for w in ranked[1:])} if ranked[1:] else {},
            scheme="local",
        )
        found.update(dict.fromkeys(spellings, concept))
    return found


def _asked(requirement: Requirement, target: Any) -> Requirement:
    concept_id = target(requirement.concept_id)[0]
    return replace(requirement, concept_id=concept_id or requirement.concept_id)


def _merged_requirements(requirements: Iterable[Requirement]) -> tuple[Requirement, ...]:
    """Keep one requirement per concept, the strictest in each respect, where two words meant the same."""
    found: dict[str, Requirement] = {}
    for need in requirements:
        other = found.get(need.concept_id)
        found[need.concept_id] = (
            need
            if other is None
            else replace(
                other,
                level=max(other.level, need.level),
                weight=max(other.weight, need.weight),
                hard=other.hard or need.hard,
                importance=min(other.importance, need.importance),
                source=other.source or need.source,
            )
        )
    return tuple(found.values())


def _evidence(
    statement: Statement,
    number: int,
    concept_id: str | None,
    probability: float,
    label: str,
    words: str,
    level: int | None = None,
) -> Evidence:
    """Make evidence of a link; the statement's own level column goes before a level word in its text."""
    formal = statement.learnt_where is LearntWhere.EDUCATION
    return Evidence(
        evidence_id=f"{statement.statement_id}#{number}",
        person_id=statement.person_id,
        concept_id=concept_id,
        words=words,
        level=level if statement.level is None else statement.level,
        source=statement.source,
        learning_form=LearningForm.FORMAL if formal else LearningForm.INFORMAL,
        day=statement.day,
        statement_id=statement.statement_id,
        visibility=statement.visibility,
        probability=probability,
        label=label,
    )


def _link_titles(staff: Staff, linker: Linker, aid: AidList | None) -> Staff:
    """Put the role on each title of employments and posts; where words are not certain, the AID code is asked."""
    # Each title with the code it stands with, as often as it does; a post has none.
    counts = Counter((s.title, e.aid) for p in staff.people for e in p.employments for s in e.roles)
    counts.update((s.title, "") for post in staff.posts for s in post.roles)
    codes: dict[str, dict[str, int]] = {}
    for (title, code), count in sorted(counts.items()):
        if title.strip():
            codes.setdefault(title, {})[code] = count
    most = linker.settings.linking.alternatives
    links = {title: linker.link_role(title, n=most) for title in codes}
    titles = {title: _title_link(title, found) for title, found in links.items()}
    if aid is None:
        coded = {
            (title, code): _title_link(title, linker.link_role(title, aid=code, n=most))
            for title, found in titles.items()
            if found.role_id is None
            for code in codes[title]
            if code
        }
        problems: list[Problem] = []
    else:
        coded, told = _led_by_list(titles, codes, linker, aid)
        problems = [*aid.problems, *told]
    coded = {key: found for key, found in coded.items() if found.role_id}
    unlinked = []
    for title, of_codes in codes.items():
        led = [coded[title, code] for code in of_codes if (title, code) in coded]
        if len({found.role_id for found in led}) == 1:
            # Where all codes agree, they tell what the title means here, also where it stands without one.
            titles[title] = led[0]
        left = sum(count for code, count in of_codes.items() if (title, code) not in coded)
        if titles[title].role_id is None and left:
            near = tuple((k.role_id, k.probability) for k in links[title])
            unlinked.append(Unlinked(title, "title", left, near))
            detail = ", ".join(linker.taxonomy.roles[role_id].label("sv") for role_id, _ in near[:3])
            problems.append(Problem(code="title_unlinked", table="linking", value=title, detail=detail or "–", count=left))

    def linked(share: RoleShare, code: str = "") -> RoleShare:
        found = coded.get((share.title, code)) or titles.get(share.title)
        return replace(share, role_id=found.role_id if found else None)

    def employed(employment: Employment) -> Employment:
        return replace(employment, roles=tuple(linked(s, employment.aid) for s in employment.roles))

    def posted(post: Post) -> Post:
        return replace(post, roles=tuple(linked(s) for s in post.roles))

    return staff.replace(
        people=tuple(replace(p, employments=tuple(employed(e) for e in p.employments)) for p in staff.people),
        posts=tuple(posted(p) for p in staff.posts),
        title_links=MappingProxyType(titles),
        unlinked=(*staff.unlinked, *unlinked),
        problems=staff.problems + problems,
    )


def _led_by_list(
    titles: Mapping[str, TitleLink], codes: Mapping[str, Mapping[str, int]], linker: Linker, aid: AidList
) -> tuple[dict[tuple[str, str], TitleLink], list[Problem]]:
    """Lead titles that are less certain than a code is by their codes; tell what is wrong in a code once per title."""
    roles, surest = linker.taxonomy.roles, max(_CODE_SURE.values())
    asked = [
        (title, code)
        for title, found in titles.items()
        if found.role_id is None or found.probability < surest
        for code in codes[title]
        if code.strip()
    ]
    mapped, told = map_titles([LocalTitle(title=title, aid=code) for title, code in asked], linker.taxonomy, aid=aid)
    led = {}
    for (title, code), found in zip(asked, mapped, strict=True):
        sure = _CODE_SURE.get(found.by, 0.0)
        worded = titles[title].probability if titles[title].role_id else linker.settings.linking.title_cutoff
        if found.role_id and sure and sure >= worded:
            label = found.through if found.by is MappedBy.AID_LABEL else roles[found.role_id].label("sv")
            led[title, code] = TitleLink(title, found.role_id, sure, How.CODE.value, label)
    problems = []
    for problem in told:
        title, code = asked[(problem.row or 1) - 1]
        detail = problem.detail
        if problem.code.startswith("title_"):
            detail = ", ".join(roles[role_id].label("sv") for role_id in detail.split(", "))
        # The row is a place among the titles asked for; in the file there are as many as the count.
        problems.append(replace(problem, table="linking", row=None, detail=detail, count=codes[title][code]))
    return led, problems


def _title_link(title: str, links: Links[RoleLink]) -> TitleLink:
    best = links.best
    if best is None:
        return TitleLink(title, None, links[0].probability if links else 0.0, links[0].how.value if links else "", "")
    return TitleLink(title, best.role_id, best.probability, best.how.value, best.label)


def _link_free_text(staff: Staff, linker: Linker) -> Staff:
    """Link statements in people's own words, and interests."""
    roles = {p.person_id: tuple(sorted({s.role_id for e in p.employments for s in e.roles if s.role_id})) for p in staff.people}
    free = [s for s in staff.statements if not s.heading]
    most = max(8, linker.settings.linking.alternatives)
    links = linker._link_many([s.text for s in free], lang=None, contexts=[roles.get(s.person_id, ()) for s in free], n=most)
    made: list[Evidence] = []
    left: dict[tuple[str, str], tuple[int, Links[Link]]] = {}
    for statement, found in zip(free, links, strict=True):
        accepted = found.accepted
        made += [
            _evidence(statement, k, link.concept_id, link.probability, link.label, link.words, link.level)
            for k, link in enumerate(accepted, start=1)
        ]
        if not accepted and statement.visibility.rank >= Visibility.UNIT.rank:
            key = (statement.text, _why_left(found))
            left[key] = (left.get(key, (0, found))[0] + 1, found)
    wanted = sorted({i.words for i in staff.interests if i.words})
    meant = dict(zip(wanted, linker.link_many(wanted, n=most, asked=True), strict=True))
    interests = tuple(_interest(i, meant, linker) for i in staff.interests)
    for interest in interests:
        if interest.concept_id is None and interest.words:
            key = (interest.words, "interest")
            left[key] = (left.get(key, (0, meant[interest.words]))[0] + 1, meant[interest.words])
    nearest = linker.settings.linking.alternatives
    unlinked = tuple(
        Unlinked(words, kind, count, _nearest(found, nearest))
        for (words, kind), (count, found) in sorted(left.items(), key=lambda p: p[0])
    )
    return staff.replace(evidence=(*staff.evidence, *made), interests=interests, unlinked=(*staff.unlinked, *unlinked))


def _why_left(links: Links[Link]) -> str:
    """Say why a statement gave no evidence: a wish, a denial, or words not understood."""
    named = links.named
    return named.stance.value if named is not None and named.stance is not Stance.CLAIMED else "statement"


def _interest(interest: Interest, meant: Mapping[str, Links[Link]], linker: Linker) -> Interest:
    if interest.concept_id is not None and interest.concept_id in linker.taxonomy.concepts:
        return interest
    # What somebody wants to learn is often worded as a wish, so the stance is not asked.
    named = meant[interest.words].named if interest.words in meant else None
    return replace(interest, concept_id=named.concept_id if named else None)


def _nearest(links: Links[Link], n: int) -> tuple[tuple[str, float], ...]:
    return tuple((k.concept_id, k.probability) for k in links[:n])
