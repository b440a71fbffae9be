"""Which targets a text is likely to mean, with probabilities: candidates by several ways of likeness, then learned trees.

This module decides what is compared (labels, descriptions, documents of what a target asks for, known examples, occupation
groups, codes), which candidates are weighed and how the weights are learnt. It sees words and numbers: no concept, no person.
Which words of a text form a query, and what a probability leads to, belongs to the linker.

References
----------
Candidates and features follow what carried the gain for Swedish occupation titles: labels grouped by target, a classifier
of occupation groups, neighbours among known titles, documents of skills, features relative to the best candidate.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from competence._words import Lexicon
from competence.linking._learn import Classifier, Trees
from competence.linking._space import Space, characters, stems
from competence.solve.choice import fit_choice

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

__all__ = ["Catalogue", "Example", "Head", "Query", "Ranker", "Ranking", "Recipe"]

Words = tuple[str, ...]

_CHUNK_CELLS = 24_000_000
"""Cells of the largest matrix held at once (texts x labels): bounds memory to some hundred megabytes."""
_SHARPNESS = 12.0
"""Scores of the code classifier become probabilities as exp(_SHARPNESS * score), normalised."""
_BLEND = {"also": 0.47, "document": 0.3, "about": 0.2, "group": 0.3, "near": 0.7, "prior": 0.7, "code4": 0.2, "code3": 0.1}
"""Weights of the other channels beside likeness to labels, where all are simply added."""
_ALIKE = ("also", "about")
"""The channels beside likeness to labels that no example has taught."""
_LABEL_MIX, _EXAMPLE_MIX = 0.15, 1.0
"""See :class:`Head`: for labels that are few, and for examples that are few."""
_FEW_EXAMPLES = 0.2
"""Examples per target below which trees order better beside likeness: skill terms have 0.1, job titles 0.3."""
_WAYS = ("char", "stem", "label", "also", "about", "document", "several", "group_label")
"""Ways of likeness whose weights beside the trees are learned where each target has many labels."""
_WAYS_RIDGE, _LEAST_TREES = 3.0, 0.1
"""Shrinks those weights, per unit of spread; and what the trees count at least."""
_MANY_LABELS = 4
"""Labels per target from which on they are such as people write: a hidden one then teaches what is asked."""
_WEIGHED_BEST, _WEIGHED_REST = 20, 6
"""Of each query trees learn from what is right, the best by plain likeness, and of the rest, where many, every so many."""
_WORD_FOR_WORD = 0.89
"""How often a text that is a label word for word means its target: of 167 terms of another list that are one skill label of
ESCO, by the development half of the skill crosswalk; see benchmarks/calibrate_linking.py."""
_MODELS = 3
"""Models that answer together where examples come with codes and are not few (MAP 0.739 on a fifth where one alone had 0.722),
and where they learn from many labels (of 1 500 hidden English titles 0.660 come first, with one model 0.653)."""
_STEM_SHARE = 0.5
"""Weight of stems beside character n-grams where the two are added (METHODS-words section 5)."""


@dataclass(frozen=True, slots=True)
class Example:
    """A text whose target is known; -1 for a text that means none of them."""

    words: Words
    target: int
    codes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Query:
    """A text to be ranked: its words, and the occupation codes that came with it."""

    words: Words
    codes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Catalogue:
    """What there is to find.

    Parameters
    ----------
    size : int
        How many targets; they are numbered from 0.
    labels : sequence of (int, words)
        All labels, in the order of their targets, those of a target in the order of their languages.
    preferred : sequence of bool
        Which of them are preferred.
    languages : sequence of str
        Which language each of them is in; empty where there is one only.
    descriptions, documents : sequence of (int, words)
        Descriptions; and what else tells of a target, such as the labels of the skills it asks for. In the order of targets.
    profiles : sequence of mapping
        Per target the occupation codes it belongs to (ISCO-08 or SSYK 2012, 1-4 digits), each with a weight in (0, 1].
    parents : sequence of int
        Per target the one that stands for its group, else -1.
    """

    size: int
    labels: Sequence[tuple[int, Words]]
    preferred: Sequence[bool]
    languages: Sequence[str] = ()
    descriptions: Sequence[tuple[int, Words]] = ()
    documents: Sequence[tuple[int, Words]] = ()
    profiles: Sequence[Mapping[str, float]] = ()
    parents: Sequence[int] = ()


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How a ranker is made.

    Parameters
    ----------
    candidates : mapping
        How many candidates each channel gives.
    trees : int
        Trees of each head.
    most_labels : int
        Labels learned from at most, drawn by hash; half as many again where each target has many.
    """

    candidates: Mapping[str, int] = field(
        default_factory=lambda: {"char": 50, "stem": 30, "near": 20, "document": 20, "prior": 30, "blend": 60}
    )
    trees: int = 200
    most_labels: int = 2500


@dataclass(frozen=True)
class Head:
    """What was learned for one kind of question: trees, and how their scores become probabilities.

    Parameters
    ----------
    trees : Trees
        Log odds of a candidate.
    trust : (float, float, float)
        Logistic of the calibrated probability: intercept, score, lead over the best other candidate.
    mix : float
        0: the score is the trees' log odds. Else it is the plain sum of likeness plus ``mix`` times the trees' probability:
        that orders what people write better than a few labels alone can teach, or few examples of many targets.
    ways : tuple of float
        Where each target has many labels: what each way of likeness adds to the log odds, instead of ``mix``.
    lean : bool
        Whether learned from labels only.
    """

    trees: Trees
    trust: tuple[float, float, float]
    mix: float
    ways: tuple[float, ...]
    lean: bool


@dataclass(frozen=True)
class _Seen:
    """Candidates of some queries while learning: a row each, and per query how many, and a number its words drew.

    ``learned`` says which rows the trees learn from.
    """

    inputs: np.ndarray
    right: np.ndarray
    alike: np.ndarray
    learned: np.ndarray
    counts: np.ndarray
    draws: np.ndarray


@dataclass(frozen=True)
class Ranking:
    """The candidates of one query, best first: targets, probabilities, the place of the label nearest to it."""

    targets: np.ndarray
    probabilities: np.ndarray
    labels: np.ndarray


class Ranker:
    """Rank targets for texts; made by :meth:`fit`. Codes are learned from labels when first asked with, else nothing changes."""

    def __init__(
        self,
        catalogue: Catalogue,
        lexicon: Lexicon,
        recipe: Recipe,
        examples: Sequence[Example],
        *,
        char: Space,
        stem: Space,
        parts: Mapping[str, Classifier],
        titles: Sequence[str],
        heads: Mapping[str, Head],
    ) -> None:
        self.catalogue = catalogue
        self.lexicon = lexicon
        self.recipe = recipe
        self.examples = tuple(examples)
        self.char = char
        self.stem = stem
        self.parts = dict(parts)
        self.titles = tuple(titles)
        self.heads = dict(heads)
        self._left_out: dict[str, np.ndarray] = {}

    # ------------------------------------------------------------ fitting

    @classmethod
    def fit(
        cls,
        catalogue: Catalogue,
        lexicon: Lexicon,
        recipe: Recipe,
        examples: Sequence[Example] = (),
        titles: Sequence[tuple[Words, str]] = (),
    ) -> Ranker:
        """Learn to rank.

        Parameters
        ----------
        catalogue : Catalogue
            What there is to find.
        lexicon : Lexicon
            Stems and compound parts.
        recipe : Recipe
            How.
        examples : sequence of Example
            Texts with their targets. Each is ranked as if it were not there when the weights are learned.
        titles : sequence of (words, code)
            Titles of a national list with their occupation code: what code a title without one has is learned from them.

        Notes
        -----
        From 300 examples on, the weights are learned from examples; before that, from the targets' own labels, each hidden
        while it is asked for (where labels are few, every third of them together with its whole target: the answer is then its
        group, or nothing). Where each target has many labels, what each way of likeness counts beside the trees is learned
        from their answers to the half of the queries that they have not seen.
        """
        label_words = [words for _, words in catalogue.labels]
        texts = [
            *label_words,
            *(w for _, w in catalogue.descriptions),
            *(e.words for e in examples),
            *(words for words, _ in titles),
        ]
        char = Space.fit(characters(4), texts)
        stem = Space.fit(stems(lexicon), texts)
        codes = sorted({code for _, code in titles} | {c for e in examples for c in e.codes} | _four_digits(catalogue))
        ranker = cls(catalogue, lexicon, recipe, examples, char=char, stem=stem, parts={}, titles=codes, heads={})
        left_out = ranker._fit_parts(titles)
        ranker._fit_heads(left_out)
        return ranker

    def _both(self, texts: Sequence[Words]) -> tuple[csr_matrix, csr_matrix]:
        return self.char.rows(texts), self.stem.rows(texts)

    @staticmethod
    def _joined(rows: tuple[csr_matrix, csr_matrix]) -> csr_matrix:
        from scipy.sparse import csr_matrix, hstack

        return csr_matrix(hstack([rows[0] * np.sqrt(0.5), rows[1] * np.sqrt(0.5)]))

    def _fit_parts(self, titles: Sequence[tuple[Words, str]]) -> dict[str, np.ndarray]:
        """Fit the classifiers of targets, groups and codes; return what each says of the examples with themselves left out."""
        from scipy.sparse import csr_matrix, vstack

        left_out: dict[str, np.ndarray] = {}
        label_words = [words for _, words in self.catalogue.labels]
        own = self._joined(self._example_rows) if self.examples else None
        if self._groups:
            of_label = self._group_of[self._label_owner]
            chosen = np.flatnonzero(of_label >= 0)
            of_example = np.array([self._group_of[e.target] if e.target >= 0 else -1 for e in self.examples], dtype=np.int64)
            if len(chosen) + len(of_example) <= 14_000:
                known = np.flatnonzero(of_example >= 0)
                rows = self._joined((self._label_char[chosen], self._label_stem[chosen]))
                if own is not None and len(known):
                    rows = csr_matrix(vstack([rows, own[known]]))
                owners = np.concatenate([of_label[chosen], of_example[known]])
                part, loo = Classifier.fit(rows, owners, len(self._groups), ridge=1.0, balance=0.0, kept=200)
                self.parts["group"] = part
                left_out["group"] = np.zeros((len(self.examples), len(self._groups)), dtype=np.float32)
                left_out["group"][known] = loo[len(chosen) :]
        if titles:
            place = {code: i for i, code in enumerate(self.titles)}
            rows = self._joined(self._both([words for words, _ in titles]))
            owners = np.array([place[code] for _, code in titles])
            part, loo = Classifier.fit(rows, owners, len(self.titles), ridge=0.5, balance=0.0, kept=200)
            self.parts["code"] = part
            # What is also a title of the list is judged without that title.
            row_of = {words: i for i, (words, _) in enumerate(titles)}
            for name, texts, known_rows in (
                ("code", [e.words for e in self.examples], own),
                ("code of labels", label_words, self._joined(self._label_rows)),
            ):
                if known_rows is not None:
                    said = part.scores(known_rows).astype(np.float32)
                    for i, words in enumerate(texts):
                        if words in row_of:
                            said[i] = loo[row_of[words]]
                    left_out[name] = said
        return left_out

    def _fit_heads(self, left_out: Mapping[str, np.ndarray]) -> None:
        # A text with several targets is asked for once, and any of them is right.
        known = [places[0] for places in self._same_words.values()]
        if len(known) >= 300:
            self._fit_head("plain", known, left_out)
            coded = [i for i in known if self.examples[i].codes]
            if len(coded) >= 300:
                self._fit_head("coded", coded, left_out, coded=True)
        if "plain" not in self.heads:
            self._fit_on_labels("plain", left_out)
            self._left_out = {name: said for name, said in left_out.items() if name == "code of labels"}

    def _fit_head(self, name: str, rows: Sequence[int], left_out: Mapping[str, np.ndarray], *, coded: bool = False) -> None:
        """Learn from examples, each as if it were not there."""
        seen: list[_Seen] = []
        step = max(1, min(len(rows), self._chunk))
        for start in range(0, len(rows), step):
            part = list(rows[start : start + step])
            queries = [Query(self.examples[i].words, self.examples[i].codes if coded else ()) for i in part]
            without = {k: v[part] for k, v in left_out.items() if k != "code of labels"}
            channels = self._channels(queries, examples=np.array(part), left_out=without)
            gold = [[self.examples[k].target for k in self._same_words[self.examples[i].words]] for i in part]
            seen.append(self._seen(queries, channels, gold, lean=False))
        self._learn(name, seen, mix=_EXAMPLE_MIX if self._few_examples else 0.0, lean=False)

    def _seen(
        self, queries: Sequence[Query], channels: Mapping[str, np.ndarray], gold: Sequence[Sequence[int]], *, lean: bool
    ) -> _Seen:
        candidates = self._candidates(channels)
        together, first = candidates
        likeness = self._likeness(channels, together, lean=lean)
        alike = self._alike(channels, candidates, lean=lean)
        inputs = self._inputs(queries, channels, candidates, lean=lean)
        draws = np.array([_hashed(q.words) for q in queries])
        right = np.array([np.isin(row, wanted) for row, wanted in zip(together, gold, strict=True)])
        sampled = (together + draws[:, None]) % _WEIGHED_REST == 0
        learned = right | sampled | (_better(likeness, first) < _WEIGHED_BEST) | (not lean and not self._few_examples)
        return _Seen(inputs, right[first], alike, learned[first], first.sum(axis=1), draws)

    def _learn(self, name: str, seen: Sequence[_Seen], *, mix: float, lean: bool) -> None:
        """Fit the trees, and from trees of either half of the queries how far their answers to the other half can be trusted."""
        if not seen:
            return
        inputs = np.concatenate([s.inputs for s in seen])
        right = np.concatenate([s.right for s in seen])
        alike = np.concatenate([s.alike for s in seen])
        learned = np.concatenate([s.learned for s in seen])
        counts = np.concatenate([s.counts for s in seen])
        half = np.repeat(np.concatenate([s.draws for s in seen]) % 2, counts)
        if min(int(right[half == 0].sum()), int(right[half == 1].sum())) < 20:
            return

        def learnt(rows: np.ndarray) -> Trees:
            together = self._many_labels if lean else name == "coded" and not self._few_examples
            models = _MODELS if together else 1
            return Trees.fit(inputs[rows], right[rows], trees=self.recipe.trees, models=models)

        crossed = np.empty(len(right))
        for side in (0, 1):
            crossed[half == side] = learnt((half != side) & learned).log_odds(inputs[half == side])
        ways = _fit_ways(crossed, alike, right, counts) if lean and self._many_labels else ()
        trust = _fit_trust(_mixed(crossed, alike, mix, ways), right, counts)
        self.heads[name] = Head(learnt(learned), trust, mix, ways, lean)

    def _fit_on_labels(self, name: str, left_out: Mapping[str, np.ndarray], *, coded: bool = False) -> None:
        """Learn from the targets' own labels, each hidden, some with all of their target."""
        labels = self.catalogue.labels
        several = np.bincount(self._label_owner, minlength=self.catalogue.size)
        drawn = sorted(range(len(labels)), key=lambda i: hashlib.sha256(repr((labels[i][0], labels[i][1])).encode()).digest())
        many = self._many_labels
        drawn = sorted(drawn[: self.recipe.most_labels * (3 if many else 2) // 2])
        seen: list[_Seen] = []
        same: dict[tuple[int, Words], list[int]] = {}
        for i, (target, words) in enumerate(labels):
            same.setdefault((target, words), []).append(i)
        step = max(1, min(len(drawn), self._chunk))
        for start in range(0, len(drawn), step):
            queries, hidden, gone, gold = [], [], [], []
            for i in drawn[start : start + step]:
                target, words = labels[i]
                parent = self.catalogue.parents[target] if self.catalogue.parents else -1
                whole = several[target] == len(same[target, words]) or (not many and _hashed(words) % 3 == 0)
                codes = tuple(sorted(self.catalogue.profiles[target])) if coded and self.catalogue.profiles else ()
                queries.append(Query(words, codes))
                hidden.append(same[target, words])
                gone.append(target if whole else -1)
                gold.append([parent if whole else target])
            code = {"code": left_out["code of labels"][drawn[start : start + step]]} if "code of labels" in left_out else {}
            channels = self._channels(queries, hidden=hidden, gone=np.array(gone), left_out=code)
            seen.append(self._seen(queries, channels, gold, lean=True))
        self._learn(name, seen, mix=_LABEL_MIX, lean=True)

    # ------------------------------------------------------------ what the catalogue is compared by

    @cached_property
    def _label_owner(self) -> np.ndarray:
        return np.array([target for target, _ in self.catalogue.labels], dtype=np.int64)

    @cached_property
    def _label_rows(self) -> tuple[csr_matrix, csr_matrix]:
        return self._both([words for _, words in self.catalogue.labels])

    @property
    def _label_char(self) -> csr_matrix:
        return self._label_rows[0]

    @property
    def _label_stem(self) -> csr_matrix:
        return self._label_rows[1]

    @cached_property
    def _label_columns(self) -> tuple[csr_matrix, csr_matrix]:
        return self._label_char.T.tocsr(), self._label_stem.T.tocsr()

    @cached_property
    def _starts(self) -> tuple[np.ndarray, np.ndarray]:
        """Where the labels of each target that has any begin, and which target it is."""
        owner = self._label_owner
        starts = np.flatnonzero(np.concatenate([[True], np.diff(owner) > 0])) if len(owner) else np.zeros(0, dtype=np.int64)
        return starts, owner[starts]

    @property
    def _few_examples(self) -> bool:
        return len(self.examples) < _FEW_EXAMPLES * self.catalogue.size

    @property
    def _many_labels(self) -> bool:
        return len(self.catalogue.labels) >= _MANY_LABELS * self.catalogue.size

    @cached_property
    def _in_language(self) -> tuple[np.ndarray, np.ndarray] | None:
        """Where the labels of each target in each language begin, and which target it is; None where all have one language."""
        languages = self.catalogue.languages
        if len(set(languages)) < 2:
            return None
        owner = self._label_owner
        place = {language: i for i, language in enumerate(dict.fromkeys(languages))}
        spoken = np.array([place[language] for language in languages])
        starts = np.flatnonzero(np.concatenate([[True], (np.diff(owner) > 0) | (np.diff(spoken) != 0)]))
        return starts, owner[starts]

    @cached_property
    def _example_rows(self) -> tuple[csr_matrix, csr_matrix]:
        return self._both([e.words for e in self.examples])

    @cached_property
    def _same_words(self) -> dict[Words, list[int]]:
        """The places of the examples with the same words."""
        found: dict[Words, list[int]] = {}
        for i, example in enumerate(self.examples):
            found.setdefault(example.words, []).append(i)
        return found

    @cached_property
    def _example_columns(self) -> csr_matrix:
        return self._joined(self._example_rows).T.tocsr()

    @cached_property
    def _example_owner(self) -> np.ndarray:
        return np.array([e.target if e.target >= 0 else self.catalogue.size for e in self.examples], dtype=np.int64)

    @cached_property
    def _example_order(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        order = np.argsort(self._example_owner, kind="stable")
        owner = self._example_owner[order]
        starts = np.flatnonzero(np.concatenate([[True], np.diff(owner) > 0])) if len(owner) else np.zeros(0, dtype=np.int64)
        return order, starts, owner[starts]

    @cached_property
    def _about_columns(self) -> tuple[csr_matrix, np.ndarray]:
        rows = self._joined(self._both([words for _, words in self.catalogue.descriptions]))
        return rows.T.tocsr(), np.array([target for target, _ in self.catalogue.descriptions], dtype=np.int64)

    @cached_property
    def _document_columns(self) -> tuple[csr_matrix, np.ndarray, Space]:
        space = Space.fit(stems(self.lexicon), [words for _, words in self.catalogue.documents])
        rows = space.rows([words for _, words in self.catalogue.documents])
        return rows.T.tocsr(), np.array([target for target, _ in self.catalogue.documents], dtype=np.int64), space

    @cached_property
    def _groups(self) -> tuple[str, ...]:
        """The four-digit groups that targets belong to, where each target belongs to one at most."""
        if not self.catalogue.profiles or any(len(p) > 1 for p in self.catalogue.profiles):
            return ()
        found = sorted({c for p in self.catalogue.profiles for c in p if len(c) == 4})
        return tuple(found) if len(found) > 1 else ()

    @cached_property
    def _group_of(self) -> np.ndarray:
        place = {code: i for i, code in enumerate(self._groups)}
        return np.array([place.get(next(iter(p), ""), -1) for p in self.catalogue.profiles], dtype=np.int64)

    @cached_property
    def _has_codes(self) -> bool:
        return any(self.catalogue.profiles)

    @cached_property
    def _code_place(self) -> dict[str, int]:
        return {code: i for i, code in enumerate(self.titles)}

    @cached_property
    def _code_match(self) -> dict[int, csr_matrix]:
        """Per number of digits: what share of a target's profile begins like the code, shape (n_targets, n_codes)."""
        from scipy.sparse import csr_matrix

        found = {}
        for digits in (4, 3, 2, 1):
            by_start: dict[str, list[int]] = {}
            for i, code in enumerate(self.titles):
                by_start.setdefault(code[:digits], []).append(i)
            rows, columns, values = [], [], []
            for target, profile in enumerate(self.catalogue.profiles):
                total: dict[str, float] = {}
                for code, weight in profile.items():
                    if len(code) >= digits:
                        total[code[:digits]] = max(total.get(code[:digits], 0.0), weight)
                for start, weight in total.items():
                    for i in by_start.get(start, ()):
                        rows.append(target)
                        columns.append(i)
                        values.append(weight)
            found[digits] = csr_matrix((values, (rows, columns)), shape=(self.catalogue.size, len(self.titles)))
        return found

    @cached_property
    def _code_counts(self) -> tuple[csr_matrix, np.ndarray]:
        """How often examples with each code meant each target, shape (n_targets, n_codes), and examples per code."""
        from scipy.sparse import csr_matrix

        rows, columns = [], []
        for example in self.examples:
            for code in example.codes:
                if example.target >= 0:
                    rows.append(example.target)
                    columns.append(self._code_place[code])
        counts = csr_matrix((np.ones(len(rows)), (rows, columns)), shape=(self.catalogue.size, len(self.titles)))
        counts.sum_duplicates()
        return counts, np.asarray(counts.sum(axis=0)).ravel()

    def _own_codes(self, place: int) -> dict[str, list[int]]:
        """Return the targets that each code's examples with the words of this example mean."""
        found: dict[str, list[int]] = {}
        for k in self._same_words[self.examples[place].words]:
            for code in self.examples[k].codes if self.examples[k].target >= 0 else ():
                found.setdefault(code, []).append(self.examples[k].target)
        return found

    @cached_property
    def _code_prior(self) -> csr_matrix:
        from scipy.sparse import csr_matrix, diags

        counts, total = self._code_counts
        return csr_matrix(counts @ diags(1 / (total + 2)))

    @property
    def _chunk(self) -> int:
        """Texts weighed at once."""
        widest = max(len(self.catalogue.labels), 4 * self.catalogue.size, len(self.examples), 1)
        return int(max(16, min(512, _CHUNK_CELLS // widest)))

    # ------------------------------------------------------------ channels: how alike each target is, one matrix each

    def _channels(
        self,
        queries: Sequence[Query],
        *,
        examples: np.ndarray | None = None,
        left_out: Mapping[str, np.ndarray] | None = None,
        hidden: Sequence[Sequence[int]] | None = None,
        gone: np.ndarray | None = None,
    ) -> dict[str, np.ndarray]:
        """Return each way of likeness, shape (n_queries, n_targets).

        While learning, ``examples`` are the places of the queries among the examples (not their own neighbours),
        ``left_out`` what the classifiers say without them, ``hidden`` labels that count as not there, and ``gone`` targets
        of which nothing is there.
        """
        size = self.catalogue.size
        rows = self._both([q.words for q in queries])
        joined = self._joined(rows)
        found: dict[str, np.ndarray] = {}
        found |= self._label_channels(rows, hidden, gone)
        if self.catalogue.descriptions:
            columns, owner = self._about_columns
            found["about"] = _spread(np.asarray((joined @ columns).toarray()), owner, size)
        if self.catalogue.documents:
            columns, owner, space = self._document_columns
            found["document"] = _spread(np.asarray((space.rows([q.words for q in queries]) @ columns).toarray()), owner, size)
        if self.examples:
            found |= self._example_channels(joined, examples)
        if self._groups:
            scores = None
            if "group" in self.parts:
                scores = left_out["group"] if left_out and "group" in left_out else self.parts["group"].scores(joined)
            found |= self._group_channels(found, scores)
        if self._has_codes:
            found |= self._code_channels(queries, joined, examples, left_out)
        if gone is not None:
            for name, values in found.items():
                if name != "best":
                    some = np.flatnonzero(gone >= 0)
                    values[some, gone[some]] = 0.0
        return found

    def _label_channels(
        self, rows: tuple[csr_matrix, csr_matrix], hidden: Sequence[Sequence[int]] | None, gone: np.ndarray | None
    ) -> dict[str, np.ndarray]:
        size = self.catalogue.size
        by_char = np.asarray((rows[0] @ self._label_columns[0]).toarray())
        by_stem = np.asarray((rows[1] @ self._label_columns[1]).toarray())
        for row, columns in enumerate(hidden or ()):
            by_char[row, list(columns)] = 0.0
            by_stem[row, list(columns)] = 0.0
        if gone is not None:
            for row in np.flatnonzero(gone >= 0).tolist():
                mine = np.flatnonzero(self._label_owner == gone[row])
                by_char[row, mine] = by_stem[row, mine] = 0.0
        n = len(by_char)
        starts, owners = self._starts
        found: dict[str, np.ndarray] = {name: np.zeros((n, size)) for name in ("char", "stem", "label")}
        best = np.zeros((n, size), dtype=np.int64)
        if len(starts):
            found["char"][:, owners] = np.maximum.reduceat(by_char, starts, axis=1)
            found["stem"][:, owners] = np.maximum.reduceat(by_stem, starts, axis=1)
            # Rounded, since which of two labels is nearer must not hang on the last bit.
            blend = np.round(by_char + _STEM_SHARE * by_stem, 9)
            top = np.maximum.reduceat(blend, starts, axis=1)
            found["label"][:, owners] = top
            sizes = np.diff(np.concatenate([starts, [blend.shape[1]]]))
            place = np.where(blend >= np.repeat(top, sizes, axis=1), np.arange(blend.shape[1]), blend.shape[1])
            best[:, owners] = np.minimum.reduceat(place, starts, axis=1)
            if self._many_labels:
                # Cubes: several labels that are rather alike tell of a target, many that are hardly alike do not.
                found["several"] = np.zeros((n, size))
                found["several"][:, owners] = np.add.reduceat(blend**3, starts, axis=1)
            if self._in_language:
                # What a text has in common with a label of another language too, such as a loan word, tells something more.
                parts, of = self._in_language
                first = np.flatnonzero(np.concatenate([[True], np.diff(of) > 0]))
                total = np.add.reduceat(np.maximum.reduceat(blend, parts, axis=1), first, axis=1)
                found["also"] = np.zeros((n, size))
                found["also"][:, owners] = total - top
        found["best"] = best
        return found

    def _example_channels(self, joined: csr_matrix, own: np.ndarray | None) -> dict[str, np.ndarray]:
        size = self.catalogue.size
        alike = np.asarray((joined @ self._example_columns).toarray())
        if own is not None:
            # The other targets of the same words too: a text that is asked for has no neighbour of its own words.
            for row, place in enumerate(own):
                alike[row, self._same_words[self.examples[place].words]] = 0.0
        n = len(alike)
        order, starts, owners = self._example_order
        sorted_alike = alike[:, order]
        near = np.zeros((n, size + 1))
        near[:, owners] = np.maximum.reduceat(sorted_alike, starts, axis=1)
        votes = np.zeros((n, size + 1))
        votes[:, owners] = np.add.reduceat(sorted_alike**3, starts, axis=1)
        return {
            "near": np.ascontiguousarray(near[:, :size]),
            "votes": np.ascontiguousarray(votes[:, :size]),
        }

    def _group_channels(self, found: Mapping[str, np.ndarray], scores: np.ndarray | None) -> dict[str, np.ndarray]:
        groups, member = len(self._groups), self._group_of
        chosen = np.flatnonzero(member >= 0)
        order = chosen[np.argsort(member[chosen], kind="stable")]
        starts = np.flatnonzero(np.concatenate([[True], np.diff(member[order]) > 0]))

        def best_of_group(values: np.ndarray, *, total: bool = False) -> np.ndarray:
            joined = (np.add if total else np.maximum).reduceat(values[:, order], starts, axis=1)
            out = np.zeros((len(values), self.catalogue.size))
            out[:, chosen] = joined[:, member[chosen]]
            return out

        made = {"group_label": best_of_group(found["label"])}
        if scores is not None:
            out = np.zeros((len(scores), self.catalogue.size))
            out[:, chosen] = scores[:, member[chosen]]
            made["group"] = out
            by_three = np.array([int(c[:3]) for c in self._groups])
            wider = np.zeros((len(scores), groups))
            positive = np.maximum(scores, 0)
            for start in np.unique(by_three):
                inside = by_three == start
                wider[:, inside] = positive[:, inside].sum(axis=1, keepdims=True)
            out = np.zeros((len(scores), self.catalogue.size))
            out[:, chosen] = wider[:, member[chosen]]
            made["wider"] = out
        if "near" in found:
            made["group_near"] = best_of_group(found["near"])
            made["group_votes"] = best_of_group(found["votes"], total=True)
        return made

    def _code_channels(
        self,
        queries: Sequence[Query],
        joined: csr_matrix,
        own: np.ndarray | None,
        left_out: Mapping[str, np.ndarray] | None,
    ) -> dict[str, np.ndarray]:
        sure = np.zeros((len(queries), len(self.titles)))
        open_ones = []
        for i, query in enumerate(queries):
            known = [self._code_place[c] for c in query.codes if c in self._code_place]
            if known:
                sure[i, known] = 1 / len(known)
            else:
                open_ones.append(i)
        if open_ones and "code" in self.parts:
            if left_out and "code" in left_out:
                scores = left_out["code"][open_ones]
            else:
                scores = self.parts["code"].scores(joined[open_ones])
            scores = np.exp(_SHARPNESS * (scores - scores.max(axis=1, keepdims=True)))
            sure[open_ones] = scores / scores.sum(axis=1, keepdims=True)
        made = {f"code{digits}": np.asarray((match @ sure.T).T) for digits, match in self._code_match.items()}
        if any(e.codes for e in self.examples):
            prior = np.asarray((self._code_prior @ sure.T).T)
            if own is not None:
                by_code, total = self._code_counts[0].tocsc(), self._code_counts[1]
                for i, place in enumerate(own):
                    for code, mine in self._own_codes(int(place)).items():
                        c = self._code_place[code]
                        column = slice(by_code.indptr[c], by_code.indptr[c + 1])
                        before = by_code.data[column] / (total[c] + 2)
                        after = by_code.data[column] / (total[c] + 2 - len(mine))
                        prior[i, by_code.indices[column]] += sure[i, c] * (after - before)
                        np.subtract.at(prior[i], mine, sure[i, c] / (total[c] + 2 - len(mine)))
            made["prior"] = prior
        return made

    # ------------------------------------------------------------ candidates and what is asked of each

    def _candidates(self, channels: Mapping[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        """Return the candidates of each query, shape (n, width), and which of them stand there for the first time."""
        size = self.catalogue.size
        found = []
        for name, count in self.recipe.candidates.items():
            values = self._blend(channels) if name == "blend" else channels.get(name)
            if values is not None:
                found.append(_top(values, min(count, size)))
        if "group" in channels:
            found.append(_top(channels["group"] + 0.2 * channels["char"], min(40, size)))
        if "code4" in channels:
            found.append(_top(channels["code4"] + 0.1 * channels["char"], min(25, size)))
        together = np.sort(np.concatenate(found, axis=1), axis=1)
        first = np.ones(together.shape, dtype=bool)
        first[:, 1:] = together[:, 1:] != together[:, :-1]
        return together, first

    @staticmethod
    def _blend(channels: Mapping[str, np.ndarray], names: Iterable[str] = tuple(_BLEND)) -> np.ndarray:
        """Return the plain sum of likeness; weights found on titles of the development half without any pair."""
        total = channels["label"] / (1 + _STEM_SHARE)
        for name in names:
            if name in channels:
                total += _BLEND[name] * channels[name]
        return np.asarray(total)

    def _likeness(self, channels: Mapping[str, np.ndarray], together: np.ndarray, *, lean: bool) -> np.ndarray:
        """Return the plain likeness of candidates, shape (n, width): of words only where examples teach the rest."""
        blend = self._blend(channels) if lean else self._blend(channels, _ALIKE)
        return np.asarray(np.round(blend[np.arange(len(together))[:, None], together], 9))

    def _alike(self, channels: Mapping[str, np.ndarray], candidates: tuple[np.ndarray, np.ndarray], *, lean: bool) -> np.ndarray:
        """Return what is weighed beside the trees, shape (candidates that count, ways): plain likeness, or each way of it."""
        together, first = candidates
        if not (lean and self._many_labels):
            return np.asarray(self._likeness(channels, together, lean=lean)[first][:, None])
        at = np.arange(len(together))[:, None]
        ways = [channels[name][at, together][first] for name in _WAYS if name in channels]
        return np.asarray(np.round(np.column_stack(ways), 9))

    _CHANNELS = (
        *("char", "stem", "label", "several", "also", "about", "document", "near", "votes", "group_label", "group", "wider"),
        *("group_near", "group_votes", "code4", "code3", "code2", "code1", "prior"),
    )

    def _inputs(
        self,
        queries: Sequence[Query],
        channels: Mapping[str, np.ndarray],
        candidates: tuple[np.ndarray, np.ndarray],
        *,
        lean: bool,
    ) -> np.ndarray:
        """Return a row for each candidate that counts: its channels, each also less the query's best, and its words.

        ``lean`` leaves out what tells a label that is hidden while learning from the labels that are not: which is
        preferred, how many words it has, and whether its target is a group.
        """
        together, first = candidates
        at = np.arange(len(together))[:, None]
        columns: list[np.ndarray] = []
        for name in self._CHANNELS:
            if name not in channels:
                continue
            values = channels[name]
            mine = values[at, together]
            columns.append(mine[first])
            columns.append((mine - values.max(axis=1, keepdims=True))[first])
            if name in ("char", "label", "near", "group", "prior", "document"):
                columns.append(_better(mine, first)[first])
        owner = np.nonzero(first)[0]
        columns += self._word_columns(queries, owner, channels["best"][at, together][first], together[first], lean=lean)
        return np.column_stack(columns)

    def _word_columns(
        self, queries: Sequence[Query], owner: np.ndarray, best: np.ndarray, targets: np.ndarray, *, lean: bool
    ) -> list[np.ndarray]:
        lengths = np.array([len(q.words) for q in queries], dtype=float)
        columns = [lengths[owner]]
        from rapidfuzz import fuzz
        from rapidfuzz.distance import JaroWinkler

        columns.append(np.array([sum(map(len, q.words)) for q in queries], dtype=float)[owner])
        if self.catalogue.labels:
            texts = [" ".join(q.words) for q in queries]
            turned = [t[::-1] for t in texts]
            names, backwards = self._label_texts
            pairs = list(zip(owner.tolist(), best.tolist(), strict=True))
            columns.append(np.array([fuzz.ratio(texts[q], names[b]) for q, b in pairs]) / 100)
            columns.append(np.array([fuzz.token_set_ratio(texts[q], names[b]) for q, b in pairs]) / 100)
            columns.append(np.array([JaroWinkler.similarity(texts[q], names[b]) for q, b in pairs]))
            columns.append(np.array([JaroWinkler.similarity(turned[q], backwards[b]) for q, b in pairs]))
            if not lean:
                columns.append(self._label_sizes[best] - lengths[owner])
                columns.append(np.array(self.catalogue.preferred, dtype=float)[best])
        if self._has_codes and not lean:
            columns.append(self._code_digits[targets])
        return columns

    def _word_for_word(self, words: Words, targets: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
        """Lift a first candidate that has the text as a label: the weights were learned from labels that were hidden.

        Several targets with that label share what is granted as they stand, and what is left bounds all others.
        """
        met = np.isin(targets, self._targets_of.get(words, ()))
        if not met[int(np.argmax(probabilities))]:
            return probabilities
        lifted = probabilities * max(1.0, _WORD_FOR_WORD / float(probabilities[met].sum()))
        left = 1 - _WORD_FOR_WORD
        others = probabilities * min(1.0, left / max(left, float(probabilities[~met].max(initial=0.0))))
        return np.asarray(np.round(np.where(met, lifted, others), 9))

    @cached_property
    def _targets_of(self) -> dict[Words, list[int]]:
        """The targets that have a label of these words."""
        found: dict[Words, set[int]] = {}
        for target, words in self.catalogue.labels:
            found.setdefault(words, set()).add(target)
        return {words: sorted(targets) for words, targets in found.items()}

    @cached_property
    def _label_texts(self) -> tuple[list[str], list[str]]:
        names = [" ".join(words) for _, words in self.catalogue.labels]
        return names, [n[::-1] for n in names]

    @cached_property
    def _label_sizes(self) -> np.ndarray:
        return np.array([len(words) for _, words in self.catalogue.labels], dtype=float)

    @cached_property
    def _code_digits(self) -> np.ndarray:
        """Digits of a target's code; 0 for none, 9 more where it stands for a group."""
        groups = set(self.catalogue.parents)
        return np.array(
            [max((len(c) for c in p), default=0) + 9 * (i in groups) for i, p in enumerate(self.catalogue.profiles)], dtype=float
        )

    # ------------------------------------------------------------ ranking

    def rank(self, queries: Sequence[Query], n: int = 10) -> list[Ranking]:
        """Return the ``n`` likeliest targets of each query; the same alone as among others."""
        if not self.catalogue.size or "plain" not in self.heads:
            return [_nothing() for _ in queries]
        if self.heads["plain"].lean and "coded" not in self.heads and self._has_codes and any(q.codes for q in queries):
            self._fit_on_labels("coded", self._left_out, coded=True)
        step = self._chunk
        plain = [i for i, q in enumerate(queries) if not (q.codes and "coded" in self.heads)]
        coded = [i for i, q in enumerate(queries) if q.codes and "coded" in self.heads]
        by_place: dict[int, Ranking] = {}
        for name, places in (("plain", plain), ("coded", coded)):
            for start in range(0, len(places), step):
                part = places[start : start + step]
                for place, ranking in zip(part, self._rank([queries[i] for i in part], name, n), strict=True):
                    by_place[place] = ranking
        return [by_place[i] for i in range(len(queries))]

    def _rank(self, queries: Sequence[Query], head: str, n: int) -> list[Ranking]:
        channels = self._channels(queries)
        together, first = self._candidates(channels)
        learned = self.heads[head]
        counts = first.sum(axis=1)
        odds = learned.trees.log_odds(self._inputs(queries, channels, (together, first), lean=learned.lean))
        alike = self._alike(channels, (together, first), lean=learned.lean)
        probabilities = np.round(_trusted(_mixed(odds, alike, learned.mix, learned.ways), counts, learned.trust), 9)
        ends = np.cumsum(counts)
        found = []
        for i, (end, count) in enumerate(zip(ends, counts, strict=True)):
            targets = together[i][first[i]]
            mine = probabilities[end - count : end]
            if learned.lean and not self._many_labels:
                mine = self._word_for_word(queries[i].words, targets, mine)
            # Of equals the one more alike in words comes first, then the earlier target.
            order = np.lexsort((targets, -np.round(channels["label"][i, targets], 9), -mine))[:n]
            chosen = targets[order]
            found.append(Ranking(chosen, mine[order], channels["best"][i, chosen]))
        return found


def _better(values: np.ndarray, first: np.ndarray) -> np.ndarray:
    """Return how many candidates of the same query are better than each, the same for equals."""
    shown = np.sort(np.where(first, values, -np.inf), axis=1)
    width = values.shape[1]
    better = np.empty(values.shape)
    for i, row in enumerate(values):
        better[i] = width - np.searchsorted(shown[i], row, side="right")
    return better


def _mixed(odds: np.ndarray, alike: np.ndarray, mix: float, ways: Sequence[float]) -> np.ndarray:
    """Return the score that orders candidates; the sum runs way by way, so that it hangs on no number of texts."""
    if ways:
        return np.asarray(odds + sum(w * column for w, column in zip(ways, alike.T, strict=True)))
    return odds if mix == 0 else np.asarray(alike[:, 0] + mix / (1 + np.exp(-odds)))


def _fit_ways(odds: np.ndarray, alike: np.ndarray, right: np.ndarray, counts: np.ndarray) -> tuple[float, ...]:
    """Fit what each way of likeness adds to the log odds: a softmax over the candidates of each query finds the right one."""
    spread = alike.std(axis=0) + 1e-9
    first, *others = fit_choice(np.column_stack([odds, alike / spread]), right, counts, ridge=_WAYS_RIDGE)
    return tuple(float(w) for w in np.array(others) / spread / max(first, _LEAST_TREES))


def _leads(scores: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Return how far each candidate stands before the best other of its query (below 0 for all but the best)."""
    leads = np.zeros(len(scores))
    ends = np.cumsum(counts)
    for end, count in zip(ends, counts, strict=True):
        if count > 1:
            mine = scores[end - count : end]
            second, first = np.partition(mine, count - 2)[count - 2 :]
            leads[end - count : end] = mine - np.where(mine >= first, second, first)
    return leads


def _fit_trust(scores: np.ndarray, right: np.ndarray, counts: np.ndarray) -> tuple[float, float, float]:
    """Fit the probability that a candidate is right, on the first five of each query."""
    from sklearn.linear_model import LogisticRegression

    leads = _leads(scores, counts)
    chosen = []
    start = 0
    for count in counts:
        chosen.append(start + np.argsort(-scores[start : start + count], kind="stable")[:5])
        start += count
    rows = np.concatenate(chosen)
    model = LogisticRegression(C=100.0, max_iter=1000).fit(np.column_stack([scores, leads])[rows], right[rows])
    by_score, by_lead = (max(0.0, float(c)) for c in model.coef_[0])
    return float(model.intercept_[0]), by_score, by_lead


def _trusted(scores: np.ndarray, counts: np.ndarray, trust: tuple[float, float, float]) -> np.ndarray:
    return np.asarray(1 / (1 + np.exp(-(trust[0] + trust[1] * scores + trust[2] * _leads(scores, counts)))))


def _nothing() -> Ranking:
    empty = np.zeros(0, dtype=np.int64)
    return Ranking(empty, np.zeros(0), empty)


def _four_digits(catalogue: Catalogue) -> set[str]:
    return {c for p in catalogue.profiles for c in p if len(c) == 4}


def _hashed(words: Words) -> int:
    """Return a number in [0, 255] that these words draw: every choice while learning hangs on words, none on their order."""
    return hashlib.sha256(" ".join(words).encode()).digest()[0]


def _spread(values: np.ndarray, owner: np.ndarray, size: int) -> np.ndarray:
    """Return the best value of each target's columns, which stand in the order of targets; 0 for targets without any."""
    out = np.zeros((len(values), size))
    if len(owner):
        starts = np.flatnonzero(np.concatenate([[True], np.diff(owner) > 0]))
        out[:, owner[starts]] = np.maximum.reduceat(values, starts, axis=1)
    return out


def _top(values: np.ndarray, count: int) -> np.ndarray:
    """Return the places of the ``count`` largest values of each row, in no order."""
    if count >= values.shape[1]:
        return np.broadcast_to(np.arange(values.shape[1]), values.shape)
    return np.argpartition(-values, count - 1, axis=1)[:, :count]
