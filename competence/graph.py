"""The competence graph: people, concepts, roles and units joined, as sparse arrays with the ids beside them.

This module decides which evidence counts (audience, date, linked or not) and joins it into holdings; what a person
must be able to do follows from the roles held. Scores, suggestions and proposals stand on higher floors. People are
kept in the order of their ids, so that the order of the input changes nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from competence.errors import InputError, UnknownIdError
from competence.evidence import combine, is_formal, round_level
from competence.linking import Link, Linker, link_statements, resolve
from competence.model import (
    ConceptKind,
    Decision,
    Evidence,
    Holding,
    InterestKind,
    Need,
    NeedItem,
    OptIn,
    Person,
    Requirement,
    Role,
    Sex,
    Unit,
    Use,
    ValidationStage,
    Visibility,
)
from competence.settings import Settings
from competence.staff import Staff

if TYPE_CHECKING:
    import networkx as nx

    from competence.taxonomy import Taxonomy

__all__ = ["CompetenceGraph", "Inferred", "NotUnderstood", "ResolvedItem", "ResolvedNeed", "build_graph"]

_STAGES = tuple(ValidationStage)
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolvedItem:
    """One thing asked for after its words met the taxonomy; ``nearest`` is what else the words may mean, with probabilities."""

    concept_id: str
    words: str
    level: int
    count: int
    weight: float
    hard: bool
    probability: float
    label: str
    nearest: tuple[tuple[str, float], ...] = ()

    @classmethod
    def of(cls, recorded: Mapping[str, Any]) -> ResolvedItem:
        """Return the item of a record, as :meth:`recorded` gave it."""
        return cls(**{**recorded, "nearest": tuple((c, p) for c, p in recorded.get("nearest", ()))})

    def recorded(self) -> dict[str, object]:
        """Return plain JSON values, probabilities with six decimals."""
        found = {
            "words": self.words,
            "concept_id": self.concept_id,
            "label": self.label,
            "level": self.level,
            "count": self.count,
            "weight": self.weight,
            "hard": self.hard,
            "probability": round(self.probability, 6),
        }
        return found | ({"nearest": [[c, round(p, 6)] for c, p in self.nearest]} if self.nearest else {})


@dataclass(frozen=True, slots=True)
class NotUnderstood:
    """Words of a need that met no concept, with the nearest concepts and their probabilities."""

    words: str
    nearest: tuple[tuple[str, float], ...]


@dataclass(frozen=True, slots=True)
class ResolvedNeed:
    """A need whose words have been linked; ``not_understood`` keeps those that were not."""

    items: tuple[ResolvedItem, ...]
    not_understood: tuple[NotUnderstood, ...] = ()

    @classmethod
    def of(cls, recorded: Mapping[str, Any]) -> ResolvedNeed:
        """Return the need of a record, as it was understood then, from what :meth:`recorded` gave."""
        unknown = (NotUnderstood(u["words"], tuple((c, p) for c, p in u["nearest"])) for u in recorded["not_understood"])
        return cls(tuple(map(ResolvedItem.of, recorded["items"])), tuple(unknown))

    def recorded(self) -> dict[str, object]:
        """Return plain JSON values: what each word was taken for, and what was not understood."""
        unknown = [{"words": u.words, "nearest": [[c, round(p, 6)] for c, p in u.nearest]} for u in self.not_understood]
        return {"items": [i.recorded() for i in self.items], "not_understood": unknown}

    @property
    def total_weight(self) -> float:
        """Sum of the weights of the items."""
        return sum(i.weight for i in self.items)


@dataclass(frozen=True, slots=True, kw_only=True)
class Inferred:
    """Proposals beside the holdings, in memory only: a question to ask the person, never a fact (DESIGN 4.2).

    Parameters
    ----------
    person, concept : ndarray of int, shape (n_proposals,)
        Row and column in the graph.
    probability, score : ndarray of float, shape (n_proposals,)
        Calibrated probability in [0, 1] and the additive score behind it.
    contributions : tuple of tuple
        Per proposal (kind, id, contribution) for each holding or role that produced it; they sum to the score.
    reading : ndarray of float, shape (n_proposals,)
        What the probability was read off the curve at.
    follows_person, follows_concept : ndarray of int, shape (n_following,)
        What a role held asks for and nobody has stated: it follows from the role, and is no guess.
    model : object or None
        What made the proposals, for explaining them.
    """

    person: NDArray[np.int32]
    concept: NDArray[np.int32]
    probability: NDArray[np.float64]
    score: NDArray[np.float64]
    contributions: tuple[tuple[tuple[str, str, float], ...], ...]
    reading: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    follows_person: NDArray[np.int32] = field(default_factory=lambda: np.empty(0, np.int32))
    follows_concept: NDArray[np.int32] = field(default_factory=lambda: np.empty(0, np.int32))
    model: object = None


@dataclass(frozen=True, slots=True)
class _Arrays:
    """Holdings in compressed rows (people x concepts), each with what its evidence amounts to."""

    indptr: NDArray[np.int64]
    concept: NDArray[np.int32]
    level: NDArray[np.float64]
    confidence: NDArray[np.float64]
    rounded: NDArray[np.int8]
    assumed: NDArray[np.bool_]
    formal_level: NDArray[np.int8]
    stage: NDArray[np.int8]
    latest: NDArray[np.int32]
    evidence_ptr: NDArray[np.int64]
    # The same entries by concept: who holds it, and where in the arrays above.
    column_ptr: NDArray[np.int64]
    column_person: NDArray[np.int32]
    column_position: NDArray[np.int64]


class CompetenceGraph:
    """People, concepts, roles and units of one employer on one date, seen by one audience.

    Made by :func:`build_graph`. Read-only: :func:`competence.infer_hidden` returns a new graph.

    Attributes
    ----------
    staff : Staff
        The linked data set.
    taxonomy : Taxonomy
        With the employer's local concepts and roles merged in.
    linker : Linker
        Links the words of needs.
    as_of : date
        The date of the graph.
    audience : Visibility
        Evidence with a narrower visibility is left out.
    person_ids, concept_ids, role_ids : tuple of str
        Rows and columns of every array.
    inferred : Inferred or None
        Set by ``infer_hidden``.
    """

    def __init__(
        self,
        staff: Staff,
        taxonomy: Taxonomy,
        linker: Linker,
        *,
        as_of: date,
        audience: Visibility,
        viewer_id: str | None,
        settings: Settings,
        inferred: Inferred | None = None,
    ) -> None:
        # What staff answers "today" (posts, managers, sites) must be of the graph's date, not of the files'.
        self.staff = staff if staff.as_of == as_of else staff.replace(as_of=as_of)
        self.taxonomy = taxonomy
        self.linker = linker
        self.as_of = as_of
        self.audience = audience
        self.viewer_id = viewer_id
        self.settings = settings
        self.inferred = inferred
        self._worked_out: dict[str, Any] = {}
        # Who has left is in no function from that day on (REQ-DP-9).
        people = sorted((p for p in staff.people if not _has_left(p, as_of)), key=lambda p: p.person_id)
        self.people: tuple[Person, ...] = tuple(people)
        self.person_ids: tuple[str, ...] = tuple(p.person_id for p in people)
        self.concept_ids: tuple[str, ...] = tuple(taxonomy.concepts)
        self.role_ids: tuple[str, ...] = tuple(taxonomy.roles)
        self.person_index: Mapping[str, int] = {p: i for i, p in enumerate(self.person_ids)}
        self.concept_index: Mapping[str, int] = {c: i for i, c in enumerate(self.concept_ids)}
        self.role_index: Mapping[str, int] = {r: i for i, r in enumerate(self.role_ids)}
        self._evidence = self._visible_evidence()
        self.arrays = self._join()

    # -- building -------------------------------------------------------------------------------------------------

    def _visible_evidence(self) -> tuple[Evidence, ...]:
        """Return the evidence this audience may see, sorted by person, concept, date and id; the rest is not even counted."""
        kept: list[tuple[int, int, int, str, Evidence]] = []
        cutoff = self.settings.linking.cutoff
        for piece in self.staff.evidence:
            person = self.person_index.get(piece.person_id)
            concept = self.concept_index.get(piece.concept_id or "")
            if person is None or concept is None or piece.probability < cutoff:
                continue
            own = self.viewer_id is not None and piece.person_id == self.viewer_id
            wanted = self.audience if own or self.viewer_id is None else Visibility.ORGANISATION
            if piece.visibility.rank >= wanted.rank:
                kept.append((person, concept, piece.day.toordinal() if piece.day else 0, piece.evidence_id, piece))
        kept.sort(key=lambda k: k[:4])
        return tuple(k[4] for k in kept)

    def _join(self) -> _Arrays:
        pieces = self._evidence
        n, m = len(self.person_ids), len(self.concept_ids)
        settings = self.settings.evidence
        person = np.fromiter((self.person_index[e.person_id] for e in pieces), np.int64, len(pieces))
        concept = np.fromiter((self.concept_index[e.concept_id or ""] for e in pieces), np.int64, len(pieces))
        assumed = np.fromiter((e.level is None for e in pieces), np.bool_, len(pieces))
        level = np.fromiter((settings.assumed_level if e.level is None else e.level for e in pieces), np.float64, len(pieces))
        sigma = np.fromiter(
            (settings.assumed_sigma if e.level is None else settings.sigma[e.source] for e in pieces), np.float64, len(pieces)
        )
        probability = np.fromiter((e.probability for e in pieces), np.float64, len(pieces))
        day = np.fromiter((e.day.toordinal() if e.day else 0 for e in pieces), np.int32, len(pieces))
        months = np.maximum(self.as_of.toordinal() - day, 0) / (365.2425 / 12)
        currency = np.array(
            [np.nan if c.currency_months is None else c.currency_months for c in self.taxonomy.concepts.values()],
            dtype=np.float64,
        )
        half_life = currency[concept] if len(pieces) else np.empty(0)
        with np.errstate(invalid="ignore"):
            freshness = np.where(np.isnan(half_life), 1.0, np.where(day == 0, 0.5, 2.0 ** (-months / half_life)))
        weight = probability * freshness / sigma**2

        key = person * m + concept
        starts = np.flatnonzero(np.r_[True, key[1:] != key[:-1]]) if len(key) else np.empty(0, np.int64)
        holding = np.cumsum(np.r_[0, key[1:] != key[:-1]]) if len(key) else np.empty(0, np.int64)
        mean, confidence = combine(holding.astype(np.int64), level, weight, len(starts), settings)
        # What has run out meets no hard requirement (REQ-VAL-14); as a sign of what somebody can do it ages like the rest.
        formal = np.fromiter(
            ((5 if e.level is None else e.level) if is_formal(e) and e.is_valid(self.as_of) else 0 for e in pieces),
            np.int8,
            len(pieces),
        )
        stage = np.fromiter((e.stage.rank for e in pieces), np.int8, len(pieces))
        rounded = round_level(mean, confidence, settings)
        held_by, held = person[starts].astype(np.int64), concept[starts].astype(np.int32)
        by_concept = np.lexsort((held_by, held))
        return _Arrays(
            indptr=np.searchsorted(held_by, np.arange(n + 1)).astype(np.int64),
            concept=held,
            level=mean,
            confidence=confidence,
            rounded=rounded,
            assumed=np.logical_and.reduceat(assumed, starts) if len(starts) else np.empty(0, np.bool_),
            # What is to be re-confirmed covers nothing, a hard requirement least of all.
            formal_level=np.where(rounded > 0, np.maximum.reduceat(formal, starts), 0).astype(np.int8)
            if len(starts)
            else np.empty(0, np.int8),
            stage=np.maximum.reduceat(stage, starts) if len(starts) else np.empty(0, np.int8),
            latest=np.maximum.reduceat(day, starts) if len(starts) else np.empty(0, np.int32),
            evidence_ptr=np.r_[starts, len(pieces)].astype(np.int64),
            column_ptr=np.searchsorted(held[by_concept], np.arange(m + 1)).astype(np.int64),
            column_person=held_by[by_concept].astype(np.int32),
            column_position=by_concept.astype(np.int64),
        )

    # -- people, units, roles -------------------------------------------------------------------------------------

    def once(self, name: str, make: Callable[[], _T]) -> _T:
        """Return what ``make`` gives, called once per graph and name: arrays that every call of a floor above reads.

        It may read all of the graph but ``inferred``, which :meth:`with_inferred` changes.
        """
        if name not in self._worked_out:
            self._worked_out[name] = make()
        return cast("_T", self._worked_out[name])

    @cached_property
    def sex(self) -> Mapping[str, Sex]:
        """Sex of each person, for figures and team stage 2 only."""
        return {p.person_id: p.sex for p in self.people}

    @cached_property
    def person_roles(self) -> tuple[tuple[str, ...], ...]:
        """Role ids that each person's current employments and posts were linked to, per row, each once."""
        roles: list[dict[str, None]] = [{} for _ in self.people]
        for row, person in enumerate(self.people):
            for employment in person.employments:
                if employment.is_current(self.as_of):
                    roles[row].update((r.role_id, None) for r in employment.roles if r.role_id)
        for post in self.staff.posts:
            row_of = self.person_index.get(post.holder_id or "")
            if row_of is not None:
                roles[row_of].update((r.role_id, None) for r in post.roles if r.role_id)
        return tuple(tuple(sorted(r for r in found if r in self.role_index)) for found in roles)

    @cached_property
    def units_of(self) -> tuple[tuple[str, ...], ...]:
        """Current unit ids of each person, per row, first the first employment's."""
        return tuple(p.unit_ids(self.as_of) for p in self.people)

    @cached_property
    def unit_rows(self) -> Mapping[str, tuple[int, ...]]:
        """Rows of those who currently work in each unit itself, by its id."""
        found: dict[str, list[int]] = {}
        for row, units in enumerate(self.units_of):
            for unit_id in units:
                found.setdefault(unit_id, []).append(row)
        return {unit_id: tuple(rows) for unit_id, rows in found.items()}

    def unit(self, unit_id: str) -> Unit | None:
        """Return the unit, or None for one that the files only name."""
        position = self.staff.unit_index.get(unit_id)
        return None if position is None else self.staff.units[position]

    def unit_name(self, unit_id: str) -> str:
        """Return the unit's name, else its id."""
        unit = self.unit(unit_id)
        return unit.name if unit is not None and unit.name else unit_id

    def role(self, role_id: str) -> Role:
        """Return the role with this id."""
        return self.taxonomy.role(role_id)

    def required(self, person_id: str) -> Mapping[str, Requirement]:
        """Return what the person's current roles ask for, by concept id; the higher level where two roles ask."""
        merged: dict[str, Requirement] = {}
        for role_id in self.person_roles[self.row(person_id)]:
            for requirement in self.taxonomy.roles[role_id].requirements:
                known = merged.get(requirement.concept_id)
                if known is None:
                    merged[requirement.concept_id] = requirement
                else:
                    merged[requirement.concept_id] = replace(
                        requirement if requirement.weight > known.weight else known,
                        level=max(known.level, requirement.level),
                        hard=known.hard or requirement.hard,
                    )
        return merged

    def row(self, person_id: str) -> int:
        """Return the person's row.

        Raises
        ------
        UnknownIdError
            If nobody in the graph has this id.
        """
        try:
            return self.person_index[person_id]
        except KeyError:
            raise UnknownIdError(f"no person with id {person_id!r} in the graph of {len(self.person_ids)} people") from None

    def rows(self, people: Iterable[str] | None, units: Iterable[str] | None = None) -> NDArray[np.int64]:
        """Return the rows of the people named, or of everybody in the units (and those below them), or of everybody."""
        if people is not None:
            return np.array(sorted({self.row(p) for p in people}), dtype=np.int64)
        if units is None:
            return np.arange(len(self.person_ids), dtype=np.int64)
        wanted: set[str] = set()
        for name in units:
            wanted |= self.staff.units_below(self.staff.find_unit(name).unit_id)
        return np.array(sorted({row for unit_id in wanted for row in self.unit_rows.get(unit_id, ())}), dtype=np.int64)

    def takes_part(self, row: int, purpose: str) -> OptIn:
        """Say whether a person takes part in a purpose: yes, no, or not asked (a draft, marked "ask first").

        Where the files have a column for the purpose, only ``yes`` takes part, and a blank counts as no.
        """
        answer: OptIn = getattr(self.people[row].opt_ins, purpose)
        if answer is OptIn.NOT_ASKED and purpose in self.staff.opt_in_columns:
            return OptIn.NO
        return answer

    @cached_property
    def interests(self) -> Mapping[tuple[str, InterestKind], frozenset[int]]:
        """Concept columns that each (person_id, kind) stated an interest in."""
        found: defaultdict[tuple[str, InterestKind], set[int]] = defaultdict(set)
        index = self.concept_index
        for interest in self.staff.interests:
            column = index.get(interest.concept_id or "")
            if column is not None:
                found[interest.person_id, interest.kind].add(column)
        return {key: frozenset(columns) for key, columns in found.items()}

    # -- holdings -------------------------------------------------------------------------------------------------

    def position(self, row: int, column: int) -> int | None:
        """Return where the holding of a row and a column stands in ``arrays``; None when there is none."""
        start, stop = self.arrays.indptr[row], self.arrays.indptr[row + 1]
        at = int(start + np.searchsorted(self.arrays.concept[start:stop], column))
        return at if at < stop and self.arrays.concept[at] == column else None

    def rounded_column(self, column: int) -> NDArray[np.int8]:
        """Return everybody's whole level in one concept, shape (n_people,), 0 without a holding that counts."""
        return self._column(self.arrays.rounded, column)

    def _column(self, values: NDArray[Any], column: int) -> NDArray[Any]:
        dense = np.zeros(len(self.person_ids), dtype=values.dtype)
        part = slice(self.arrays.column_ptr[column], self.arrays.column_ptr[column + 1])
        dense[self.arrays.column_person[part]] = values[self.arrays.column_position[part]]
        return dense

    def column(self, name: str, column: int) -> NDArray[Any]:
        """Return one array of ``arrays`` (level, confidence, rounded, formal_level, stage, latest) for one concept."""
        return self._column(getattr(self.arrays, name), column)

    def evidence_at(self, position: int) -> tuple[Evidence, ...]:
        """Return the evidence behind the holding at a position of ``arrays``."""
        return self._evidence[self.arrays.evidence_ptr[position] : self.arrays.evidence_ptr[position + 1]]

    def holding(self, person_id: str, concept_id: str) -> Holding | None:
        """Return what all evidence for one person and concept amounts to; None when there is no evidence."""
        column = self.concept_index.get(concept_id)
        if column is None:
            self.taxonomy.concept(concept_id)
            return None
        position = self.position(self.row(person_id), column)
        return None if position is None else self._holding(person_id, position, self.required(person_id))

    def holdings(self, person_id: str) -> tuple[Holding, ...]:
        """Return all holdings of a person, the surest first."""
        row = self.row(person_id)
        required = self.required(person_id)
        found = [self._holding(person_id, p, required) for p in range(self.arrays.indptr[row], self.arrays.indptr[row + 1])]
        return tuple(sorted(found, key=lambda h: (-h.confidence, h.concept_id)))

    def _holding(self, person_id: str, position: int, required: Mapping[str, Requirement]) -> Holding:
        arrays = self.arrays
        concept_id = self.concept_ids[arrays.concept[position]]
        latest = int(arrays.latest[position])
        return Holding(
            person_id=person_id,
            concept_id=concept_id,
            level=float(arrays.level[position]),
            confidence=float(arrays.confidence[position]),
            rounded=int(arrays.rounded[position]),
            stage=_STAGES[int(arrays.stage[position])],
            use=Use.REQUIRED if concept_id in required else Use.UNUSED,
            evidence=self.evidence_at(position),
            level_assumed=bool(arrays.assumed[position]),
            latest=date.fromordinal(latest) if latest else None,
        )

    def expiring(self, days: int = 90) -> tuple[tuple[Evidence, int], ...]:
        """Return evidence with a last day that is past or due in ``days``, and the days left (negative: past), soonest first.

        Only the piece that holds longest is told of a person's concept: a renewed certificate takes the place of the old one.
        Reminders stand at 90 and at 30 days (REQ-VAL-14).
        """
        if days < 0:
            raise InputError(f"days must be 0 or more; got {days}")
        longest: dict[tuple[str, str | None], Evidence] = {}
        for piece in self._evidence:
            key = (piece.person_id, piece.concept_id)
            last = longest[key].valid_until if key in longest else date.min
            if is_formal(piece) and (piece.valid_until or date.max) >= (last or date.max):
                longest[key] = piece
        left = [(e, (e.valid_until - self.as_of).days) for e in longest.values() if e.valid_until is not None]
        return tuple(
            sorted((found for found in left if found[1] <= days), key=lambda f: (f[1], f[0].person_id, f[0].evidence_id))
        )

    def unused(self, person_id: str) -> tuple[Holding, ...]:
        """Return holdings that no current role of the person asks for: hidden competence of the first kind."""
        return tuple(h for h in self.holdings(person_id) if h.use is Use.UNUSED)

    def evidence_by_id(self, evidence_id: str) -> Evidence:
        """Return a piece of evidence that a Reason names."""
        try:
            return self._evidence_index[evidence_id]
        except KeyError:
            raise UnknownIdError(f"no evidence {evidence_id!r} visible to audience {self.audience.value}") from None

    @cached_property
    def _evidence_index(self) -> Mapping[str, Evidence]:
        return {e.evidence_id: e for e in self._evidence}

    @cached_property
    def related_columns(self) -> Mapping[int, tuple[int, ...]]:
        """Columns of the concepts related to or narrower than each concept (one step), without groups."""
        near: dict[int, set[int]] = {}
        for concept in self.taxonomy.concepts.values():
            here = self.concept_index[concept.concept_id]
            for other in concept.related:
                there = self.concept_index.get(other)
                if there is not None:
                    near.setdefault(here, set()).add(there)
                    near.setdefault(there, set()).add(here)
            for parent in concept.broader:
                above = self.concept_index.get(parent)
                if above is not None and self.taxonomy.concepts[parent].kind is not ConceptKind.GROUP:
                    near.setdefault(above, set()).add(here)
        return {column: tuple(sorted(others - {column})) for column, others in near.items()}

    # -- needs ----------------------------------------------------------------------------------------------------

    def need(self, what: ResolvedNeed | Need | NeedItem | str | Mapping[str, int] | Iterable[str | NeedItem]) -> ResolvedNeed:
        """Link the words of a need to concepts; what is not understood is kept with the nearest concepts.

        A text may name several things ("demensvård och finska"): each becomes an item with the text's level. A need that
        was resolved before is returned as it is.
        """
        if isinstance(what, ResolvedNeed):
            return what
        items: dict[str, ResolvedItem] = {}
        unknown: list[NotUnderstood] = []
        for item in Need.of(what).items:
            for resolved in self._resolve(item, unknown):
                known = items.get(resolved.concept_id)
                if known is not None:
                    resolved = replace(
                        resolved,
                        level=max(known.level, resolved.level),
                        count=max(known.count, resolved.count),
                        weight=max(known.weight, resolved.weight),
                        hard=known.hard or resolved.hard,
                    )
                items[resolved.concept_id] = resolved
        return ResolvedNeed(tuple(items.values()), tuple(unknown))

    def _resolve(self, item: NeedItem, unknown: list[NotUnderstood]) -> list[ResolvedItem]:
        named = item.concept_id or (item.words if item.words in self.concept_index else None)
        if named is not None:
            label = self.taxonomy.concept(named).label()
            return [self._resolved(item, named, item.words or named, 1.0, label)]
        links = self.linker.link(item.words, asked=True)
        cutoff = self.settings.linking.cutoff
        # The stance is not asked: whoever writes "vill lära mig finska" as a topic means Finnish.
        met: dict[str, Link] = {}
        for link in links:
            if link.place == 1:
                met.setdefault(link.words, link)
        for link in links:
            if link.place == 1 or link.probability < cutoff:
                continue
            # Of words inside others the likelier meaning counts: a label met in a question may be said in passing.
            for words, other in list(met.items()):
                if other.probability < link.probability and f" {words} " in f" {link.words} ":
                    del met[words]
                    met[link.words] = link
        sure = [link for link in met.values() if link.probability >= cutoff]
        if not sure:
            unknown.append(NotUnderstood(item.words, tuple((li.concept_id, li.probability) for li in links)))
        # Several things in one text are all asked for; of one the others are what it may mean instead.
        others = () if len(sure) != 1 else tuple((li.concept_id, li.probability) for li in links if li is not sure[0])
        return [self._resolved(item, li.concept_id, li.words, li.probability, li.label, others) for li in sure]

    @staticmethod
    def _resolved(
        item: NeedItem,
        concept_id: str,
        words: str,
        probability: float,
        label: str,
        nearest: tuple[tuple[str, float], ...] = (),
    ) -> ResolvedItem:
        return ResolvedItem(
            concept_id=concept_id,
            words=words,
            level=item.level,
            count=item.count,
            weight=item.weight,
            hard=item.hard,
            probability=probability,
            label=label,
            nearest=nearest,
        )

    # -- other shapes ---------------------------------------------------------------------------------------------

    def seen(self, as_of: date | None = None, settings: Settings | None = None) -> CompetenceGraph:
        """Return the graph on another date or with other settings; itself when nothing differs.

        Proposals are not carried over: they were made from other holdings.
        """
        as_of, settings = as_of or self.as_of, settings or self.settings
        if as_of == self.as_of and settings == self.settings:
            return self
        return self._made_anew(self.staff, as_of, settings)

    def with_staff(self, staff: Staff) -> CompetenceGraph:
        """Return the graph of another staff, linked and on the same taxonomy, seen by the same eyes on the same date."""
        return self._made_anew(staff, self.as_of, self.settings)

    def with_decisions(self, decisions: Iterable[Decision], linker: Linker | None = None) -> CompetenceGraph:
        """Return the same graph after further decisions, and with another linker for the words of needs.

        The holdings are shared, since a decision changes none; what was worked out from the decisions before is forgotten.
        """
        other = object.__new__(CompetenceGraph)
        other.__dict__.update(self.__dict__)
        other.staff, other.linker, other._worked_out = self.staff.with_decisions(decisions), linker or self.linker, {}
        return other

    def _made_anew(self, staff: Staff, as_of: date, settings: Settings) -> CompetenceGraph:
        return CompetenceGraph(
            staff,
            self.taxonomy,
            self.linker,
            as_of=as_of,
            audience=self.audience,
            viewer_id=self.viewer_id,
            settings=settings,
        )

    def with_inferred(self, inferred: Inferred) -> CompetenceGraph:
        """Return the same graph with proposals beside the holdings; the holdings are shared, not changed."""
        other = object.__new__(CompetenceGraph)
        other.__dict__.update(self.__dict__)
        other.inferred = inferred
        return other

    def to_networkx(self, people: Sequence[str] | None = None, units: Sequence[str] | None = None) -> nx.MultiDiGraph[str]:
        """Return people, concepts, roles and units asked for as a networkx MultiDiGraph.

        Nodes carry ``kind`` (person, concept, role, unit) and ``label``; edges have the keys ``holds`` (level,
        confidence), ``works_in``, ``has_role`` and ``requires`` (level, importance, weight, hard). Proposals of
        :func:`competence.infer_hidden` are never exported.
        """
        import networkx as nx

        graph: nx.MultiDiGraph[str] = nx.MultiDiGraph(as_of=self.as_of.isoformat(), audience=self.audience.value)
        for row in self.rows(people, units):
            person_id = self.person_ids[row]
            graph.add_node(f"person:{person_id}", kind="person", label=self.people[row].name or person_id)
            for unit_id in self.units_of[row]:
                graph.add_node(f"unit:{unit_id}", kind="unit", label=self.unit_name(unit_id))
                graph.add_edge(f"person:{person_id}", f"unit:{unit_id}", key="works_in")
            for role_id in self.person_roles[row]:
                graph.add_edge(f"person:{person_id}", f"role:{role_id}", key="has_role")
            for position in range(self.arrays.indptr[row], self.arrays.indptr[row + 1]):
                concept_id = self.concept_ids[self.arrays.concept[position]]
                graph.add_node(f"concept:{concept_id}", kind="concept", label=self.taxonomy.concepts[concept_id].label())
                graph.add_edge(
                    f"person:{person_id}",
                    f"concept:{concept_id}",
                    key="holds",
                    level=float(self.arrays.level[position]),
                    confidence=float(self.arrays.confidence[position]),
                )
        for node in [n for n in graph if n.startswith("role:")]:
            role = self.taxonomy.roles[node.removeprefix("role:")]
            graph.nodes[node].update(kind="role", label=role.label())
            for requirement in role.requirements:
                concept = f"concept:{requirement.concept_id}"
                graph.add_node(concept, kind="concept", label=self.taxonomy.concepts[requirement.concept_id].label())
                graph.add_edge(
                    node,
                    concept,
                    key="requires",
                    level=requirement.level,
                    importance=requirement.importance.value,
                    weight=requirement.weight,
                    hard=requirement.hard,
                )
        return graph

    def __repr__(self) -> str:
        return (
            f"CompetenceGraph({len(self.person_ids)} people, {len(self.arrays.concept)} holdings of {len(self.concept_ids)} "
            f"concepts, {len(self.role_ids)} roles; as_of={self.as_of.isoformat()}, audience={self.audience.value})"
        )


def _has_left(person: Person, as_of: date) -> bool:
    """Say whether the person's end date, or else the end of every employment, has passed."""
    if person.end is not None:
        return person.end < as_of
    return bool(person.employments) and all(e.end is not None and e.end < as_of for e in person.employments)


def build_graph(
    staff: Staff,
    taxonomy: Taxonomy,
    *,
    linker: Linker | None = None,
    as_of: date | None = None,
    audience: Visibility | str = Visibility.ORGANISATION,
    person_id: str | None = None,
    settings: Settings | None = None,
) -> CompetenceGraph:
    """Join people, evidence, roles and units into a competence graph.

    Parameters
    ----------
    staff : Staff
        Linked by :func:`competence.link_statements`; if it is not, that runs first.
    taxonomy : Taxonomy
        Concepts and roles; the employer's local ones in ``staff`` are merged in.
    linker : Linker or None
        Links the words of needs; None fits (or reads from the cache) one for ``taxonomy``.
    as_of : date or None
        None means ``staff.as_of``.
    audience : Visibility or str
        Evidence of narrower visibility is left out, so that no later step can show or count it.
    person_id : str or None
        With ``audience="private"``, the person whose own view this is: all of that person's evidence counts, and of
        others only what the whole organisation may see.
    settings : Settings or None
        None means the shipped ones.

    Returns
    -------
    CompetenceGraph

    Raises
    ------
    InputError
        If audience is not a visibility, or if it is private without a person it is for or wider with one.

    Notes
    -----
    O(evidence log evidence).
    """
    try:
        seen_by = Visibility(audience)
    except ValueError:
        raise InputError(f"audience must be one of {', '.join(Visibility)}; got {audience!r}") from None
    if seen_by is Visibility.PRIVATE and person_id is None:
        raise InputError("audience='private' is one person's own view and needs person_id; got None")
    if person_id is not None:
        if seen_by is not Visibility.PRIVATE:
            raise InputError(f"person_id goes with audience='private', the person's own view; got audience={seen_by.value!r}")
        staff.person(person_id)
    settings = settings or Settings()
    if linker is None:
        linker = Linker.fit(taxonomy, settings=settings)
    if not staff.linked:
        staff = link_statements(staff, taxonomy, linker=linker, settings=settings)
    resolved = resolve(staff, taxonomy)
    return CompetenceGraph(
        staff,
        resolved,
        linker.with_taxonomy(resolved),
        as_of=as_of or staff.as_of,
        audience=seen_by,
        viewer_id=person_id,
        settings=settings,
    )
