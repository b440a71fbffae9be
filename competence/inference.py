"""Hidden competence that nobody stated: proposed as questions to the person, never as facts (DESIGN 4.2).

What stands together is learnt from what roles ask for, in closed form (EASE in its dual form, neighbours among roles and
likeness of texts; :mod:`competence.solve.items`), never from people. A person's score for a concept is a sum over the
competences known of that person and the roles held, so each contribution is exact. A probability is read off a curve at
score / sqrt(weight of what is known), fitted on people made up from roles that were taken out of the model for them. It
says how often such a proposal was right among people made up from the *taxonomy*; nobody's answers are in it until HR
starts :func:`recalibrate`, and answers to suggestions never are.

What a role held asks for follows from the role and is listed apart. Languages and licences are never guessed, and nothing
is guessed from them: a language says something of a person's origin, and a licence, or a register check, is held or not.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from functools import cached_property
from math import fsum, isfinite
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from competence._texts import LANGUAGES, text
from competence.errors import InputError
from competence.graph import CompetenceGraph, Inferred
from competence.model import Concept, ConceptKind, Importance, OptIn
from competence.settings import InferenceSettings, Settings
from competence.solve.items import ItemModel, fit_items
from competence.taxonomy import Taxonomy

__all__ = [
    "Answer",
    "Calibration",
    "Curve",
    "Guess",
    "InferenceModel",
    "NearRole",
    "Prompt",
    "Proposal",
    "fit_inference",
    "follows_from_roles",
    "infer_hidden",
    "prompts",
    "proposals",
    "recalibrate",
]

_ESSENTIAL_HELD, _OPTIONAL_HELD = 0.85, 0.4
"""Shares of what a role asks for that a made-up person has."""
_KNOWN = (0.3, 0.7)
"""Lowest and highest share of it that is known."""
_MOST_ROLES = 3
_READ = 50
"""Best proposals per made-up person that a curve is fitted on: about as deep as anybody could ask."""
_AT_ONCE = 100
_DIGITS = 12
_BLOCKS, _IN_BLOCK = 80, 30
"""Blocks that readings of made-up people are gathered in, at most, and readings in each, at least."""
_STEM = 6
"""Letters that stand for a word: what follows is mostly inflection, and stemmers did no better."""
_COMMON_WORD = 50
"""Concepts that may share a word for it still to count as telling."""
_NEVER = frozenset({ConceptKind.GROUP, ConceptKind.LANGUAGE, ConceptKind.LICENCE})
_WORD = re.compile(r"[^\W\d_]+")


class Guess(StrEnum):
    """How sure a proposal is, by ``settings.inference.probable`` and ``cutoff``. What follows from a role is no guess."""

    PROBABLE = "probable"
    POSSIBLE = "possible"


@dataclass(frozen=True, slots=True)
class Curve:
    """A probability for each reading: rising, straight between the points and level beyond them."""

    readings: tuple[float, ...]
    probabilities: tuple[float, ...]

    def __post_init__(self) -> None:
        points = np.array([self.readings, self.probabilities]) if len(self.readings) == len(self.probabilities) else np.empty(0)
        if not points.size or not np.isfinite(points).all() or (np.diff(points, axis=1) < 0).any():
            raise InputError("a curve must have as many readings as probabilities, at least one, both rising")
        if points[1, 0] < 0 or points[1, -1] > 1:
            raise InputError(f"probabilities must lie in [0, 1]; got {self.probabilities[0]!r} to {self.probabilities[-1]!r}")

    def __call__(self, reading: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the probability at each reading."""
        return np.interp(reading, self.readings, self.probabilities)


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """How scores are read as probabilities: a versioned record that HR keeps and the union may read.

    Parameters
    ----------
    taxonomy : str
        Id and version of the taxonomy the model was learnt from.
    version : int
        1 as shipped, fitted on made-up people; one more for each recalibration.
    day : date or None
        Date of the recalibration as the caller gave it; None as shipped.
    answers, said_yes : int
        How many answers to questions it rests on, and how many of them were yes.
    alone, with_role : Curve
        For people of whom no role is known, and for those with a role.
    follows : tuple of two floats
        How often a made-up person has what a role held asks for and nobody stated: essential, optional.
    previous : Calibration or None
        What it replaced.
    """

    taxonomy: str
    version: int = 1
    day: date | None = None
    answers: int = 0
    said_yes: int = 0
    alone: Curve
    with_role: Curve
    follows: tuple[float, float]
    previous: Calibration | None = None

    def undo(self) -> Calibration:
        """Return what this calibration replaced.

        Raises
        ------
        InputError
            If it is the shipped one.
        """
        if self.previous is None:
            raise InputError("this is the calibration as shipped, version 1: there is nothing earlier to go back to")
        return self.previous

    def to_dict(self) -> dict[str, Any]:
        """Return the record as plain JSON values, earlier versions within it; :meth:`of` gives it back."""
        return {
            "taxonomy": self.taxonomy,
            "version": self.version,
            "day": self.day.isoformat() if self.day else None,
            "answers": self.answers,
            "said_yes": self.said_yes,
            **{
                name: [list(c.readings), list(c.probabilities)]
                for name, c in (("alone", self.alone), ("with_role", self.with_role))
            },
            "follows": list(self.follows),
            "previous": self.previous.to_dict() if self.previous else None,
        }

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Calibration:
        """Build a calibration from what :meth:`to_dict` gave.

        Raises
        ------
        InputError
            If something is missing or not allowed.
        """
        try:
            essential, optional = (float(p) for p in data["follows"])
            return cls(
                taxonomy=str(data["taxonomy"]),
                version=int(data["version"]),
                day=date.fromisoformat(data["day"]) if data["day"] else None,
                answers=int(data["answers"]),
                said_yes=int(data["said_yes"]),
                alone=Curve(*(tuple(map(float, part)) for part in data["alone"])),
                with_role=Curve(*(tuple(map(float, part)) for part in data["with_role"])),
                follows=(essential, optional),
                previous=cls.of(data["previous"]) if data["previous"] else None,
            )
        except (KeyError, TypeError, ValueError) as error:
            if isinstance(error, InputError):
                raise
            raise InputError(f"a calibration must be what Calibration.to_dict() gave; {error!r}") from error


@dataclass(frozen=True, slots=True)
class Answer:
    """A yes or no to one question, without who gave it or what it was about: all that a recalibration needs."""

    reading: float
    with_role: bool
    yes: bool

    def __post_init__(self) -> None:
        if not isfinite(self.reading):
            raise InputError(f"reading must be the finite number that a question carries; got {self.reading!r}")

    def to_dict(self) -> dict[str, Any]:
        """Return the answer as plain JSON values."""
        return {"reading": self.reading, "with_role": self.with_role, "yes": self.yes}


@dataclass(frozen=True, slots=True)
class NearRole:
    """A role that asks both for the proposed and for something known of the person."""

    role_id: str
    shared: tuple[str, ...]
    """Known concepts that it also asks for, those that contributed most first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """One guess about one person, with all that led to it."""

    person_id: str
    concept_id: str
    guess: Guess
    probability: float
    score: float
    contributions: tuple[tuple[str, str, float], ...]
    """(``holding`` or ``role``, id, contribution), the largest first; they sum to the score."""
    near: tuple[NearRole, ...]
    reading: float
    with_role: bool

    def to_dict(self) -> dict[str, Any]:
        """Return the proposal as plain JSON values, for the person's own page only: it is never stored."""
        return {
            "person_id": self.person_id,
            "concept_id": self.concept_id,
            "guess": self.guess.value,
            "probability": self.probability,
            "score": self.score,
            "contributions": [{"kind": kind, "id": source, "contribution": c} for kind, source, c in self.contributions],
            "near": [{"role_id": n.role_id, "shared": list(n.shared)} for n in self.near],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """A question to one person, in words people use.

    Parameters
    ----------
    question : str
        "Har du kanske ...?"
    example : str
        How somebody could say it; empty when the taxonomy has no saying.
    meaning : str
        The concept's description.
    why : tuple of str
        Why it is asked, in sentences: what is known, and where both are needed.
    proposal : Proposal
        What is behind it.
    """

    person_id: str
    concept_id: str
    lang: str
    question: str
    example: str
    meaning: str
    why: tuple[str, ...]
    proposal: Proposal

    def answer(self, yes: bool) -> Answer:
        """Return what a recalibration may learn from the answer; the competence itself becomes self evidence elsewhere."""
        return Answer(self.proposal.reading, self.proposal.with_role, bool(yes))

    def to_dict(self) -> dict[str, Any]:
        """Return the question as plain JSON values."""
        return {
            "person_id": self.person_id,
            "concept_id": self.concept_id,
            "lang": self.lang,
            "question": self.question,
            "example": self.example,
            "meaning": self.meaning,
            "why": list(self.why),
            "proposal": self.proposal.to_dict(),
        }

    def __str__(self) -> str:
        return " ".join(part for part in (self.question, self.example, *self.why) if part)


@dataclass(frozen=True, eq=False)
class InferenceModel:
    """What was learnt from the roles of a taxonomy; made by :func:`fit_inference`, the same for everybody.

    Parameters
    ----------
    concept_ids, role_ids : tuple of str
        Columns and rows of the model.
    items : ItemModel
        The numbers.
    may_be_asked : ndarray of bool, shape (n_concepts,)
        Asked for by some role, and neither a group, a language, a licence nor one that ``settings.never`` names.
    calibration : Calibration
        As shipped, fitted on made-up people.
    settings : InferenceSettings
        What it was made with.
    """

    concept_ids: tuple[str, ...]
    role_ids: tuple[str, ...]
    items: ItemModel
    may_be_asked: NDArray[np.bool_]
    calibration: Calibration
    settings: InferenceSettings

    @cached_property
    def column(self) -> Mapping[str, int]:
        """Column of each concept."""
        return {c: i for i, c in enumerate(self.concept_ids)}

    @cached_property
    def row(self) -> Mapping[str, int]:
        """Row of each role."""
        return {r: i for i, r in enumerate(self.role_ids)}

    def rank(
        self,
        known: Sequence[Collection[str]],
        k: int,
        *,
        roles: Sequence[Collection[str]] | None = None,
    ) -> list[list[tuple[str, float]]]:
        """Rank concepts for sets of known ones: for measuring, since it asks nobody's leave.

        Parameters
        ----------
        known : sequence of collections of concept ids
            Ids the model does not know count as known without saying anything.
        k : int
            How many at most.
        roles : sequence of collections of role ids, or None
            Roles held. What they ask for is then ranked too, with how often a made-up person has it.

        Returns
        -------
        list of list of (concept id, probability)
            Best first; ties by score, then by the order of the concepts. Never a known one.

        Notes
        -----
        O(n_sets * n_roles * (n_roles + requirements per role)).
        """
        if k < 1:
            raise InputError(f"k must be at least 1; got {k}")
        if roles is not None and len(roles) != len(known):
            raise InputError(f"roles must be given for each of the {len(known)} sets; got {len(roles)}")
        found: list[list[tuple[str, float]]] = []
        for start in range(0, len(known), _AT_ONCE):
            part = range(start, min(start + _AT_ONCE, len(known)))
            people = [
                _Known(
                    [self.column[c] for c in sorted(known[i]) if c in self.column],
                    [self.row[r] for r in sorted(roles[i] if roles is not None else ()) if r in self.row],
                )
                for i in part
            ]
            has = self._has(people)
            scores = self.items.scores(has)
            # What the model has never met says nothing of anything else, and yet is known: made-up people have such too.
            unmet = np.array([sum(c not in self.column for c in known[i]) for i in part])
            mass = np.sqrt(np.maximum(np.asarray(has.sum(axis=1)).ravel() + unmet, 1.0))
            for one, score, root in zip(people, scores, mass, strict=True):
                if not one.known and not one.roles:
                    found.append([])
                    continue
                probability = self._curve(self.calibration, one)(score / root)
                probability[score <= 0] = 0.0
                if one.roles:
                    asked = self.items.rows[one.roles].max(axis=0).toarray().ravel()
                    essential, optional = self.calibration.follows
                    probability = np.where(asked == 1, essential, np.where(asked > 0, optional, probability))
                barred = ~self.may_be_asked
                barred[one.known] = True
                order = _best(np.where(barred, -np.inf, probability), score, k)
                found.append([(self.concept_ids[c], round(float(probability[c]), _DIGITS)) for c in order if not barred[c]])
        return found

    @staticmethod
    def _curve(calibration: Calibration, one: _Known) -> Curve:
        return calibration.with_role if one.roles else calibration.alone

    def _sources(self, one: _Known) -> tuple[list[tuple[str, int]], NDArray[np.int64], NDArray[np.float64], NDArray[np.int64]]:
        """Return the sources of a score, and item, weight and source of each thing that goes into it."""
        sources: list[tuple[str, int]] = [("holding", c) for c in one.known]
        item, weight = list(one.known), [1.0] * len(one.known)
        source = list(range(len(sources)))
        known = set(one.known)
        for role in one.roles:
            start, stop = self.items.rows.indptr[role], self.items.rows.indptr[role + 1]
            new = [
                (int(c), float(w))
                for c, w in zip(self.items.rows.indices[start:stop], self.items.rows.data[start:stop], strict=True)
                if int(c) not in known
            ]
            if new and self.settings.role_weight > 0:
                item += [c for c, _ in new]
                weight += [self.settings.role_weight * w for _, w in new]
                source += [len(sources)] * len(new)
                sources.append(("role", role))
        return sources, np.array(item, np.int64), np.array(weight), np.array(source, np.int64)

    def _has(self, people: Sequence[_Known]) -> sparse.csr_array:
        """Return what goes into each person's score, shape (n_people, n_concepts)."""
        parts = [self._sources(one) for one in people]
        rows = np.repeat(np.arange(len(people)), [len(p[1]) for p in parts])
        items = np.concatenate([p[1] for p in parts]) if parts else np.empty(0, np.int64)
        weights = np.concatenate([p[2] for p in parts]) if parts else np.empty(0)
        return sparse.coo_array((weights, (rows, items)), shape=(len(people), len(self.concept_ids))).tocsr()

    def _propose(self, people: Sequence[_Known], settings: InferenceSettings, calibration: Calibration) -> Iterator[_Found]:
        """Yield what is proposed to each person."""
        for start in range(0, len(people), _AT_ONCE):
            part = people[start : start + _AT_ONCE]
            has = self._has(part)
            scores = self.items.scores(has)
            roots = np.sqrt(np.maximum(np.asarray(has.sum(axis=1)).ravel(), 1.0))
            for one, score, root in zip(part, scores, roots, strict=True):
                probability = np.round(self._curve(calibration, one)(score / root), _DIGITS)
                barred = ~self.may_be_asked | (score <= 0) | (probability < settings.cutoff)
                barred[one.known] = True
                barred[one.barred] = True
                for role in one.roles:
                    barred[self.items.rows.indices[self.items.rows.indptr[role] : self.items.rows.indptr[role + 1]]] = True
                if len(one.known) + len(one.roles) < settings.least_known:
                    barred[:] = True
                best = np.array(
                    [c for c in _best(np.where(barred, -np.inf, probability), score, settings.most) if not barred[c]], np.int64
                )
                explained = self._explain(one, best)
                exact = np.array([fsum(part for _, _, part in parts) for parts in explained])
                yield _Found(best, self._curve(calibration, one)(exact / root), exact, exact / root, explained)

    def _explain(self, one: _Known, proposed: NDArray[np.int64]) -> list[tuple[tuple[str, str, float], ...]]:
        """Return the contribution of each holding and role to each proposal, the largest first."""
        if not len(proposed):
            return []
        sources, item, weight, source = self._sources(one)
        parts = np.zeros((len(sources), len(proposed)))
        np.add.at(parts, source, self.items.contributions(item, weight, proposed))
        names = [(kind, self.concept_ids[i] if kind == "holding" else self.role_ids[i]) for kind, i in sources]
        return [
            tuple((*names[i], float(parts[i, k])) for i in sorted(range(len(names)), key=lambda i: (-parts[i, k], names[i])))
            for k in range(len(proposed))
        ]


@dataclass(frozen=True, slots=True)
class _Known:
    """What is known of one person: columns, rows, and columns that are not to be proposed."""

    known: list[int]
    roles: list[int]
    barred: Sequence[int] = ()


@dataclass(frozen=True, slots=True)
class _Found:
    concept: NDArray[np.int64]
    probability: NDArray[np.float64]
    score: NDArray[np.float64]
    reading: NDArray[np.float64]
    contributions: list[tuple[tuple[str, str, float], ...]]


def _best(probability: NDArray[np.float64], score: NDArray[np.float64], k: int) -> list[int]:
    """Return the k best columns by probability, score and place, without sorting them all.

    The last digits of a score depend on who else is scored at once; they must not decide between equals.
    """
    probability, score = np.round(probability, _DIGITS), np.round(score, _DIGITS)
    k = min(k, len(probability))
    least = np.partition(probability, len(probability) - k)[len(probability) - k]
    among = np.flatnonzero(probability >= least)
    return [int(c) for c in among[np.lexsort((among, -score[among], -probability[among]))[:k]]]


# ---------------------------------------------------------------------------------------------------------- learning


def fit_inference(taxonomy: Taxonomy, *, settings: Settings | None = None, seed: int = 0) -> InferenceModel:
    """Learn from the roles of a taxonomy which competences stand together, and how a score is read as a probability.

    Parameters
    ----------
    taxonomy : Taxonomy
        Its roles and what they ask for, and the texts of its concepts. No person is read.
    settings : Settings or None
        None means the shipped ones.
    seed : int
        Draws the made-up people that the probability is calibrated on.

    Returns
    -------
    InferenceModel
        With fewer than ``settings.inference.least_roles`` roles that ask for something, every probability is 0.

    Notes
    -----
    A made-up person has one to three roles, 85 % of what is essential in them and 40 % of what is optional; 30-70 % of it is
    known. For each, these roles are taken out of the model first, exactly; with a role known, that one stays. Isotonic
    regression on the 50 best readings of each. O(roles ** 3 + roles * requirements); 3 000 roles take some seconds.

    Examples
    --------
    >>> from competence.model import Concept, Requirement, Role
    >>> def trade(name, *skills):
    ...     return Role(role_id=name, requirements=tuple(Requirement(concept_id=s, level=2) for s in skills))
    >>> trades = [trade(f"cook {i}", "frying", "baking") for i in range(3)] + [trade(f"smith {i}", "forging") for i in range(3)]
    >>> skills = [Concept(concept_id=s, labels={"en": s}) for s in ("frying", "baking", "forging")]
    >>> fit_inference(Taxonomy.of(skills, trades)).rank([{"frying"}], 1)[0][0][0]
    'baking'
    """
    chosen = (settings or Settings()).inference
    concepts = list(taxonomy.concepts.values())
    index = {c.concept_id: i for i, c in enumerate(concepts)}
    silent = {c.concept_id for c in concepts if _is_silent(c, chosen)}
    rows, columns, weights = [], [], []
    for row, role in enumerate(taxonomy.roles.values()):
        for requirement in role.requirements:
            if requirement.concept_id not in silent and requirement.concept_id in index:
                rows.append(row)
                columns.append(index[requirement.concept_id])
                weights.append(1.0 if requirement.importance is Importance.ESSENTIAL else chosen.optional)
    asked = sparse.coo_array((weights, (rows, columns)), shape=(max(len(taxonomy.roles), 1), len(concepts))).tocsr()
    # A file that asks for the same thing twice asks for it once.
    asked.data = np.minimum(asked.data, 1.0)
    items = fit_items(
        asked,
        _words(concepts),
        ridge=chosen.ridge,
        neighbour_weight=chosen.neighbour_weight,
        word_weight=chosen.label_weight,
    )
    may_be_asked = np.array([c.concept_id not in silent for c in concepts], dtype=np.bool_)
    may_be_asked &= np.bincount(asked.indices, minlength=len(concepts)) > 0
    nothing = Curve((0.0,), (0.0,))
    name = f"{taxonomy.id} {taxonomy.version}".strip()
    model = InferenceModel(
        concept_ids=tuple(index),
        role_ids=tuple(taxonomy.roles),
        items=items,
        may_be_asked=may_be_asked,
        calibration=Calibration(taxonomy=name, alone=nothing, with_role=nothing, follows=(0.0, 0.0)),
        settings=chosen,
    )
    if np.count_nonzero(np.diff(asked.indptr)) < chosen.least_roles:
        return model
    rng = np.random.default_rng(seed)
    alone, _ = _simulate(model, rng, with_role=False)
    with_role, follows = _simulate(model, rng, with_role=True)
    calibrated = replace(model.calibration, alone=alone, with_role=with_role, follows=follows)
    return replace(model, calibration=calibrated)


def _simulate(model: InferenceModel, rng: np.random.Generator, *, with_role: bool) -> tuple[Curve, tuple[float, float]]:
    """Fit a curve on made-up people, and count how often they have what a role held asks for."""
    rows = model.items.rows
    usable = np.flatnonzero(np.diff(rows.indptr))
    people: list[tuple[_Known, NDArray[np.int64], NDArray[np.int64]]] = []
    following = np.zeros((2, 2))
    for _ in range(model.settings.simulated):
        own = rng.choice(usable, size=min(int(rng.integers(1, _MOST_ROLES + 1)), len(usable) - 1), replace=False)
        has: dict[int, None] = {}
        for role in own:
            span = slice(rows.indptr[role], rows.indptr[role + 1])
            share = np.where(rows.data[span] == 1.0, _ESSENTIAL_HELD, _OPTIONAL_HELD)
            has.update((int(c), None) for c in rows.indices[span][rng.random(len(share)) < share])
        all_of_it = np.array(sorted(has), np.int64)
        shown = rng.random(len(all_of_it)) < rng.uniform(*_KNOWN)
        known, rest = all_of_it[shown], all_of_it[~shown]
        if not len(known):
            continue
        held = [int(own[0])] if with_role else []
        if with_role:
            span = slice(rows.indptr[own[0]], rows.indptr[own[0] + 1])
            unstated = ~np.isin(rows.indices[span], known)
            essential = rows.data[span] == 1.0
            true = np.isin(rows.indices[span], rest)
            for k, kind in enumerate((essential, ~essential)):
                following[k] = following[k] + (np.count_nonzero(true & unstated & kind), np.count_nonzero(unstated & kind))
        people.append((_Known(known.tolist(), held), rest, own[1:] if with_role else own))
    readings: list[NDArray[np.float64]] = [np.empty(0)]
    truths: list[NDArray[np.float64]] = [np.empty(0)]
    for start in range(0, len(people), _AT_ONCE):
        part = people[start : start + _AT_ONCE]
        has_matrix = model._has([one for one, _, _ in part])
        scores = model.items.scores(has_matrix, [np.sort(out).astype(np.int64) for _, _, out in part])
        roots = np.sqrt(np.maximum(np.asarray(has_matrix.sum(axis=1)).ravel(), 1.0))
        for (one, rest, _), score, root in zip(part, scores, roots, strict=True):
            barred = ~model.may_be_asked
            barred[one.known] = True
            for role in one.roles:
                barred[rows.indices[rows.indptr[role] : rows.indptr[role + 1]]] = True
            best = [c for c in _best(np.where(barred, -np.inf, score), score, _READ) if not barred[c]]
            readings.append(score[best] / root)
            truths.append(np.isin(best, rest).astype(np.float64))
    shares = [float(hits / n) if n else 0.0 for hits, n in following]
    return _isotonic(*_blocks(np.concatenate(readings), np.concatenate(truths))), (shares[0], shares[1])


def _blocks(
    reading: NDArray[np.float64], truth: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return the mean reading, mean truth and size of blocks of neighbours.

    Single best readings that happened to be right would else make the curve end at certainty.
    """
    if not len(reading):
        return reading, truth, truth
    order = np.lexsort((truth, reading))
    parts = np.array_split(order, max(min(_BLOCKS, len(order) // _IN_BLOCK), 1))
    return (
        np.array([reading[part].mean() for part in parts]),
        np.array([truth[part].mean() for part in parts]),
        np.array([float(len(part)) for part in parts]),
    )


def _isotonic(reading: NDArray[np.float64], truth: NDArray[np.float64], weight: NDArray[np.float64] | None = None) -> Curve:
    """Return the rising curve of least squares."""
    from sklearn.isotonic import IsotonicRegression

    if not len(reading):
        return Curve((0.0,), (0.0,))
    fitted = IsotonicRegression(y_min=0.0, y_max=1.0, out_of_bounds="clip").fit(reading, truth, sample_weight=weight)
    probabilities = np.maximum.accumulate(np.clip(fitted.y_thresholds_, 0.0, 1.0))
    return Curve(tuple(map(float, fitted.X_thresholds_)), tuple(map(float, probabilities)))


def _words(concepts: Sequence[Concept]) -> sparse.csr_array:
    """Return text vectors of labels and descriptions: TF-IDF of the beginnings of words, in every language there is."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    documents = []
    for concept in concepts:
        found = []
        for lang in sorted({*concept.labels, *concept.alternative_labels, *concept.descriptions}):
            told = (concept.labels.get(lang, ""), *concept.alternative_labels.get(lang, ()), concept.descriptions.get(lang, ""))
            # The same letters in two languages are two words.
            found += [f"{lang}:{word[:_STEM]}" for word in _WORD.findall(" ".join(told).casefold())]
        documents.append(found)
    if not any(documents):
        return sparse.csr_array((len(concepts), 1), dtype=np.float64)
    # A word of every twentieth concept says little about any, and costs most.
    most = max(_COMMON_WORD, len(concepts) // 20)
    return sparse.csr_array(TfidfVectorizer(analyzer=_as_given, sublinear_tf=True, max_df=most).fit_transform(documents))


def _as_given(words: list[str]) -> list[str]:
    return words


# ----------------------------------------------------------------------------------------------------------- people


def infer_hidden(
    graph: CompetenceGraph,
    *,
    settings: Settings | None = None,
    seed: int = 0,
    people: Iterable[str] | None = None,
    calibration: Calibration | None = None,
    model: InferenceModel | None = None,
) -> CompetenceGraph:
    """Return a new graph with proposals of competence that nobody has stated beside the holdings.

    Parameters
    ----------
    graph : CompetenceGraph
        Not changed; the new graph shares its holdings.
    settings : Settings or None
        None means the graph's.
    seed : int
        Draws the made-up people that the probability is calibrated on.
    people : iterable of str or None
        Only these; None takes everybody.
    calibration : Calibration or None
        One that HR has made from answers; None means the shipped one.
    model : InferenceModel or None
        What :func:`fit_inference` made of the graph's taxonomy, to save the time; None fits it. ``seed`` is then not read.

    Returns
    -------
    CompetenceGraph
        With ``inferred`` set. Only people who answered yes to ``prompts`` get proposals, and only those of whom at least
        ``settings.inference.least_known`` competences and roles are known; no export, statistic or suggestion reads them.

    Raises
    ------
    InputError
        If the calibration is of another taxonomy, or the model was not made from the graph's.
    UnknownIdError
        If a person is not in the graph.

    Notes
    -----
    Sex, age, name and unit are not read. O(roles ** 3) once, then O(people * roles * (roles + requirements per role)).
    """
    chosen = (settings or graph.settings).inference
    if model is None:
        model = fit_inference(graph.taxonomy, settings=settings or graph.settings, seed=seed)
    elif model.concept_ids != graph.concept_ids or model.role_ids != graph.role_ids:
        raise InputError("model was made from another taxonomy than the graph's; call fit_inference(graph.taxonomy)")
    else:
        # How much is shown may differ from call to call; what was learnt may not.
        shown = {name: getattr(chosen, name) for name in ("probable", "cutoff", "most", "least_known")}
        model = replace(model, settings=model.settings.model_copy(update=shown))
    used = calibration or model.calibration
    if used.taxonomy != model.calibration.taxonomy:
        raise InputError(
            f"calibration is of the taxonomy {used.taxonomy!r}, and the graph's is {model.calibration.taxonomy!r}: "
            "use None, the shipped one, until there are answers enough for a new one"
        )
    rows = [r for r in graph.rows(people).tolist() if graph.people[r].opt_ins.prompts is OptIn.YES]
    known = [_known_of(graph, r, model) for r in rows]
    person, found = [np.empty(0, np.int64)], []
    for row, one in zip(rows, model._propose(known, model.settings, used), strict=True):
        found.append(one)
        person.append(np.full(len(one.concept), row, np.int64))
    following = [
        (row, c) for row, one in zip(rows, known, strict=True) for c in _following(graph, row) if c not in set(one.barred)
    ]

    def joined(name: str) -> NDArray[Any]:
        return np.concatenate([getattr(f, name) for f in found]) if found else np.empty(0)

    return graph.with_inferred(
        Inferred(
            person=np.concatenate(person).astype(np.int32),
            concept=joined("concept").astype(np.int32),
            probability=joined("probability"),
            score=joined("score"),
            contributions=tuple(c for f in found for c in f.contributions),
            reading=joined("reading"),
            follows_person=np.array([r for r, _ in following], np.int32),
            follows_concept=np.array([c for _, c in following], np.int32),
            model=model,
        )
    )


def _known_of(graph: CompetenceGraph, row: int, model: InferenceModel) -> _Known:
    """Return what is known of a person: holdings that count and roles held; what is to be re-confirmed is only not proposed."""
    arrays = graph.arrays
    span = slice(arrays.indptr[row], arrays.indptr[row + 1])
    columns, counts = arrays.concept[span].tolist(), (arrays.rounded[span] > 0).tolist()
    concepts = graph.taxonomy.concepts
    telling = [not _is_silent(concepts[graph.concept_ids[c]], model.settings) for c in columns]
    known = [c for c, holds, tells in zip(columns, counts, telling, strict=True) if holds and tells]
    return _Known(known, [graph.role_index[r] for r in graph.person_roles[row]], columns)


def _is_silent(concept: Concept, settings: InferenceSettings) -> bool:
    """Say whether nobody is asked about a concept and nothing is guessed from it."""
    return concept.kind in _NEVER or concept.concept_id in settings.never


def _following(graph: CompetenceGraph, row: int) -> list[int]:
    """Return columns of what the roles held ask for."""
    return sorted(
        {graph.concept_index[q.concept_id] for r in graph.person_roles[row] for q in graph.taxonomy.roles[r].requirements}
    )


def follows_from_roles(graph: CompetenceGraph, person_id: str) -> tuple[str, ...]:
    """Return what a person's roles ask for and nobody has stated, in the order of the taxonomy: it is no guess.

    Raises
    ------
    InputError
        If :func:`infer_hidden` has not been called.
    UnknownIdError
        If nobody in the graph has this id.
    """
    row, inferred = graph.row(person_id), _inferred(graph)
    return tuple(graph.concept_ids[c] for c in inferred.follows_concept[inferred.follows_person == row])


def _inferred(graph: CompetenceGraph) -> Inferred:
    if graph.inferred is None:
        raise InputError("graph has no proposals; call infer_hidden(graph) first and use the graph it returns")
    return graph.inferred


def proposals(graph: CompetenceGraph, person_id: str) -> tuple[Proposal, ...]:
    """Return what is proposed to one person, best first, for that person's own eyes.

    Raises
    ------
    InputError
        If :func:`infer_hidden` has not been called.
    UnknownIdError
        If nobody in the graph has this id.
    """
    row, inferred = graph.row(person_id), _inferred(graph)
    model = inferred.model
    if not isinstance(model, InferenceModel):
        raise InputError("the proposals of this graph were not made by infer_hidden, so there is nothing to explain them with")
    found = np.flatnonzero(inferred.person == row)
    if not len(found):
        return ()
    one = _known_of(graph, row, model)
    alike = model.items.alike(model._has([one]))[0]
    return tuple(
        Proposal(
            person_id=person_id,
            concept_id=graph.concept_ids[inferred.concept[i]],
            guess=Guess.PROBABLE if inferred.probability[i] >= model.settings.probable else Guess.POSSIBLE,
            probability=float(inferred.probability[i]),
            score=float(inferred.score[i]),
            contributions=inferred.contributions[i],
            near=_near(model, one, int(inferred.concept[i]), inferred.contributions[i], alike),
            reading=float(inferred.reading[i]),
            with_role=bool(one.roles),
        )
        for i in found.tolist()
    )


def _near(
    model: InferenceModel,
    one: _Known,
    proposed: int,
    contributions: tuple[tuple[str, str, float], ...],
    alike: NDArray[np.float64],
) -> tuple[NearRole, ...]:
    """Return the (at most three) roles nearest to the person that ask for the proposed and for something known.

    Those that ask for the known competence named first come before the others.
    """
    rows = model.items.rows
    order = [model.column[source] for kind, source, part in contributions if kind == "holding" and part > 0]
    order += [c for c in one.known if c not in set(order)]
    asking = np.flatnonzero(rows[:, [proposed]].toarray().ravel() > 0)
    found: list[tuple[bool, float, str, tuple[str, ...]]] = []
    for row in asking.tolist():
        asked = set(rows.indices[rows.indptr[row] : rows.indptr[row + 1]].tolist())
        shared = [c for c in order if c in asked]
        if shared:
            named = tuple(model.concept_ids[c] for c in shared)
            found.append((shared[0] != order[0], -float(alike[row]), model.role_ids[row], named))
    return tuple(NearRole(role_id, shared) for _, _, role_id, shared in sorted(found)[:_NEAREST])


# -------------------------------------------------------------------------------------------------------- questions


def prompts(graph: CompetenceGraph, person_id: str, n: int = 5, lang: str = "sv") -> tuple[Prompt, ...]:
    """Return questions to one person about what nobody has stated, in words people use, each with why it is asked.

    Parameters
    ----------
    graph : CompetenceGraph
        What :func:`infer_hidden` returned; of any other graph, the proposals to this person are made first.
    person_id : str
        Who is asked. Whoever has not said yes to ``prompts`` gets none.
    n : int
        How many at most; ``settings.inference.most`` is the limit.
    lang : str
        ``sv`` or ``en``.

    Returns
    -------
    tuple of Prompt
        The surest first. A question is no claim: until the person says yes it counts in nothing.

    Raises
    ------
    InputError
        If n is below 1 or the language has no texts.
    UnknownIdError
        If nobody in the graph has this id.
    """
    if n < 1:
        raise InputError(f"n must be at least 1; got {n}")
    if lang not in LANGUAGES:
        raise InputError(f"lang must be one of {', '.join(LANGUAGES)}; got {lang!r}")
    graph.row(person_id)
    if graph.inferred is None:
        graph = infer_hidden(graph, people=[person_id])
    found = proposals(graph, person_id)[:n]
    if not found:
        return ()
    words = _Wording(graph.taxonomy, lang)
    return tuple(
        Prompt(
            person_id=person_id,
            concept_id=proposal.concept_id,
            lang=lang,
            question=words.question(proposal.concept_id),
            example=words.example(proposal.concept_id),
            meaning=graph.taxonomy.concepts[proposal.concept_id].descriptions.get(lang, ""),
            why=words.why(proposal),
            proposal=proposal,
        )
        for proposal in found
    )


_NEAREST = 3
_NAMED = 3
"""Competences named as reasons in one sentence, at most."""
_IRREGULAR = {"veta": "vet", "kunna": "kan", "vara": "är", "göra": "gör"}
_NO_VERBS = frozenset("första trygga svåra extra enkla öppna fria nya formalia vuxna moderna allmänna egna".split())
_VERBS = frozenset("minska önska fiska".split())
_NO_VERB_ENDINGS = ("ska", "iga", "iva", "ala", "ella", "ära", "fulla", "ilda", "arta", "vana", "bara", "samma")
"""Endings of adjectives and nouns; a verb that has one is known by its present tense."""
_FORMERLY = {"sv": "tidigare ", "en": "former "}
_TO_YOU = {"sv": {"sin": "din", "sitt": "ditt", "sina": "dina", "sig": "dig"}, "en": {"one's": "your", "oneself": "yourself"}}
_SHORTEST, _LONGEST = 4, 16
"""Words of a saying that is quoted."""


class _Wording:
    """How a taxonomy's words are put into questions and reasons in one language."""

    def __init__(self, taxonomy: Taxonomy, lang: str) -> None:
        self.taxonomy, self.lang = taxonomy, lang
        self.verbs: set[str] = set()
        self.common: set[str] = set()
        self.well_spelt: set[str] = set()
        for concept in taxonomy.concepts.values():
            description = concept.descriptions.get(lang, "").casefold()
            # Descriptions begin with what one does: "Bakar bröd, bullar och räknar om receptet".
            self.verbs.update(re.findall(r"(?:^|, |och )(\w+)", description))
            self.well_spelt.update(_WORD.findall(f"{description} {self._name(concept)}".casefold()))
        said = (s for sayings in taxonomy.sayings(lang).values() for s in sayings)
        self.common = self.well_spelt.union(w for saying in said for w in _WORD.findall(saying.casefold()))

    def _name(self, concept: Concept) -> str:
        return concept.label(self.lang)

    def _is_infinitive(self, word: str, *, sure: bool = False) -> bool:
        """Say whether a Swedish word is an infinitive: its present tense is in use, or it looks like nothing else."""
        word = word.casefold()
        if word in _VERBS:
            return True
        if word in _NO_VERBS or len(word) < 2:
            return False
        if word.endswith("as"):
            return f"{word[:-2]}s" in self.verbs
        if word.endswith("ra") and word[:-1] in self.verbs:
            return True
        if word[-1] in "aåeoö" and not {f"{word}r", f"{word[:-1]}er", _IRREGULAR.get(word, "")}.isdisjoint(self.common):
            return True
        return not sure and word[-1] == "a" and not word.endswith(_NO_VERB_ENDINGS)

    def _asks_to_do(self, concept: Concept) -> bool:
        """Say whether a Swedish name says what one does ("baka till många"), not what it is about ("sårvård")."""
        words = self._name(concept).split()
        if not words:
            return False
        sure = concept.kind is ConceptKind.KNOWLEDGE
        if len(words) > 2 and words[1] == "och" and not self._is_infinitive(words[2], sure=sure):
            # "vila och sömn": two things.
            return False
        if words[0] in _NO_VERBS and words[1:2] in (["de"], ["den"], ["det"], ["en"], ["ett"]):
            # "trygga de första dygnen": somebody does it.
            return True
        return self._is_infinitive(words[0], sure=sure)

    def question(self, concept_id: str) -> str:
        """Ask about a concept."""
        concept = self.taxonomy.concepts[concept_id]
        name = self._name(concept)
        if name.casefold().startswith(_FORMERLY[self.lang]):
            return text("prompt.former", self.lang, concept=name[len(_FORMERLY[self.lang]) :])
        kind = concept.kind.value if concept.kind in (ConceptKind.KNOWLEDGE, ConceptKind.TRANSVERSAL) else "skill"
        form = "verb" if self.lang == "sv" and self._asks_to_do(concept) else "noun"
        if kind == "skill" and concept.rarely_named and (form == "verb" or self.lang == "en"):
            # Knacks that no course teaches and no title names.
            kind = "transversal"
        return text(f"prompt.{kind}_{form}", self.lang, concept=self._to_you(name))

    def _to_you(self, name: str) -> str:
        """Turn "planera sin egen tid" into "planera din egen tid", but leave whose it is in a clause about others."""
        before, clause, after = name.partition(" som ")
        return re.sub(r"\w+(?:'s)?", lambda m: _TO_YOU[self.lang].get(m[0], m[0]), before) + clause + after

    def example(self, concept_id: str) -> str:
        """Quote how somebody could say it: the plainest of the concept's sayings."""
        sayings = [s for s in self.taxonomy.sayings(self.lang).get(concept_id, ()) if _SHORTEST <= len(s.split()) <= _LONGEST]
        if not sayings:
            return ""
        concept = self.taxonomy.concepts[concept_id]
        own = {
            w[:5]
            for w in _WORD.findall(
                " ".join(
                    (
                        self._name(concept),
                        *concept.alternative_labels.get(self.lang, ()),
                        concept.descriptions.get(self.lang, ""),
                    )
                ).casefold()
            )
            if len(w) > 3
        }

        def plainness(saying: str) -> tuple[int, int, int]:
            words = _WORD.findall(saying.casefold())
            # Sayings are spelt as people spell; what descriptions never use is misspelt, dialect or of one person's life.
            return (
                sum(w not in self.well_spelt for w in words),
                -min(len({w[:5] for w in words} & own), 2),
                abs(len(words) - 9),
            )

        return text("prompt.example", self.lang, saying=min(sayings, key=lambda s: (*plainness(s), s)))

    def why(self, proposal: Proposal) -> tuple[str, ...]:
        """Say why it is asked: what is known, and where both are needed."""
        positive = [(kind, source) for kind, source, part in proposal.contributions if part > 0]
        known = [self._name(self.taxonomy.concepts[c]) for kind, c in positive if kind == "holding"][:_NAMED]
        roles = [self.taxonomy.roles[r].label(self.lang) for kind, r in positive if kind == "role"]
        sentences = []
        if known:
            sentences.append(text("prompt.why_known", self.lang, known=self._list(known)))
        if roles and (not known or positive[0][0] == "role"):
            sentences.append(text("prompt.why_role", self.lang, roles=self._list(roles, quote=False)))
        if proposal.near:
            near = [self.taxonomy.roles[r.role_id].label(self.lang) for r in proposal.near]
            sentences.append(text("prompt.why_near", self.lang, roles=self._list(near, quote=False, last="or")))
        return tuple(sentences)

    def _list(self, names: Sequence[str], *, quote: bool = True, last: str = "and") -> str:
        named = [text("prompt.quoted", self.lang, words=name) if quote else name for name in names]
        if len(named) == 1:
            return named[0]
        return f"{', '.join(named[:-1])} {text(f'prompt.{last}', self.lang)} {named[-1]}"


# ------------------------------------------------------------------------------------------------------ recalibration


def recalibrate(
    earlier: Calibration | InferenceModel,
    answers: Iterable[Answer],
    *,
    day: date,
    settings: Settings | None = None,
) -> Calibration:
    """Fit the probability anew on answers to questions; only in a run that HR starts, and never of itself.

    Parameters
    ----------
    earlier : Calibration or InferenceModel
        What is to be replaced; a model stands for its shipped calibration. It is kept within the result.
    answers : iterable of Answer
        From :meth:`Prompt.answer`. They do not say who answered or what about. Decisions on suggestions are refused.
    day : date
        Date of the run.
    settings : Settings or None
        None means the shipped ones.

    Returns
    -------
    Calibration
        One version higher. Scores, and so the order of anybody's proposals, stay as they were.

    Raises
    ------
    InputError
        If there are fewer answers than ``settings.inference.least_answers``, both for people with and without a role, or
        anything else than answers to questions.

    Notes
    -----
    Isotonic regression on the answers together with the earlier curve, which counts as ``prior_answers`` answers. A curve
    (with a role, alone) of which there are too few answers stays. Nobody is asked below the cutoff, so there the earlier
    curve stays but for what must be lowered for the whole to rise. O(answers log answers).
    """
    chosen = (settings or Settings()).inference
    if isinstance(earlier, InferenceModel):
        earlier = earlier.calibration
    received: list[object] = list(answers)
    given = [a for a in received if isinstance(a, Answer)]
    wrong = next((a for a in received if not isinstance(a, Answer)), None)
    if wrong is not None:
        raise InputError(
            f"answers must come from Prompt.answer(); got {type(wrong).__name__}. "
            "A yes or no to a suggestion is never learnt from"
        )
    by_curve = {True: [a for a in given if a.with_role], False: [a for a in given if not a.with_role]}
    curves = {True: earlier.with_role, False: earlier.alone}
    used = []
    for with_role, group in by_curve.items():
        if len(group) >= chosen.least_answers:
            curves[with_role] = _relearnt(curves[with_role], group, chosen.prior_answers)
            used += group
    if not used:
        raise InputError(
            f"at least {chosen.least_answers} answers are needed (settings.inference.least_answers) from people with a role, "
            f"or as many from people without; got {len(by_curve[True])} and {len(by_curve[False])}. Nothing was changed"
        )
    return replace(
        earlier,
        version=earlier.version + 1,
        day=day,
        answers=len(used),
        said_yes=sum(a.yes for a in used),
        alone=curves[False],
        with_role=curves[True],
        previous=earlier,
    )


def _relearnt(curve: Curve, answers: Sequence[Answer], prior: float) -> Curve:
    """Return the curve fitted on answers and itself."""
    reading = np.array(sorted(a.reading for a in answers))
    said = np.array([float(a.yes) for a in sorted(answers, key=lambda a: (a.reading, a.yes))])
    expected = curve(reading)
    weight = np.r_[np.ones(len(said)), np.full(len(said), prior / len(said))]
    inner = _isotonic(np.r_[reading, reading], np.r_[said, expected], np.maximum(weight, 1e-12))
    low, high = inner.readings[0], inner.readings[-1]
    points = list(zip(inner.readings, inner.probabilities, strict=True))
    for at, p in zip(curve.readings, curve.probabilities, strict=True):
        if at < low:
            points.append((at, min(p, inner.probabilities[0])))
        elif at > high:
            points.append((at, max(p, inner.probabilities[-1])))
    points.sort()
    return Curve(tuple(at for at, _ in points), tuple(p for _, p in points))
