"""An employer's own words over a taxonomy: a table of its own that updates of ours never overwrite.

This module decides what each row of that table does (add, rename, merge, split, retire, keep), what holds where the table and a
new version of the taxonomy disagree (always the employer's word, and the conflict is told), and where evidence on an id that is
no longer there belongs. It changes no file but the employer's own.

A retired concept stays in the taxonomy, in the group ``local:retired``: no role asks for it, what people hold of it is held, and
the words they wrote still lead to it, so that reading a file again loses nothing.
"""

from __future__ import annotations

import codecs
import csv
import io
import math
import unicodedata
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Protocol, Self, TypeVar

from competence.errors import InputError, Problem, ProblemEffect, Problems, UnknownIdError, UnreadableFileError
from competence.model import Concept, ConceptKind, Employment, Evidence, Post, Requirement, Role
from competence.taxonomy.core import MATCHES, Taxonomy
from competence.taxonomy.releases import Release

if TYPE_CHECKING:
    from competence.staff import Staff

__all__ = [
    "RETIRED",
    "Cells",
    "LocalAction",
    "LocalLayer",
    "LocalRow",
    "Records",
    "apply_local",
    "carry_over",
    "is_retired",
    "normalised",
    "text_rows",
]

RETIRED = "local:retired"
"""Id of the group that retired concepts stand in."""

_ROLE = "role"
_CONCEPT = "concept"
_KINDS = (*ConceptKind, _CONCEPT, _ROLE)
_BETWEEN = " | "
_HEADING_ROWS = 20
"""Rows searched for the headings: exports often begin with a title and a date."""
_DELIMITERS = (";", "\t", ",")

R = TypeVar("R", Concept, Role)
S = TypeVar("S", Employment, Post)


class LocalAction(StrEnum):
    """What a row of the employer's table does."""

    ADD = "add"
    """A concept, group or role of its own; ``target`` is its broader concept or, for a role, the role it is like."""
    RENAME = "rename"
    """Its own labels; ours become alternatives."""
    MERGE = "merge"
    """``id`` becomes one with ``target``."""
    SPLIT = "split"
    """``id`` is retired; ``target`` names its parts, which roles ask for instead."""
    RETIRE = "retire"
    """``id`` is no longer asked for; with a ``target``, the same as merge."""
    KEEP = "keep"
    """``id`` is kept as retired where the taxonomy has it no more; no effect where it has it."""


_ACTION_WORDS: Mapping[str, LocalAction] = MappingProxyType(
    {
        **{action.value: action for action in LocalAction},
        "lägg till": LocalAction.ADD,
        "byt namn": LocalAction.RENAME,
        "slå ihop": LocalAction.MERGE,
        "dela": LocalAction.SPLIT,
        "avsluta": LocalAction.RETIRE,
        "behåll": LocalAction.KEEP,
    }
)


class Records(Protocol):
    """A table already read, such as a pandas DataFrame."""

    def to_dict(self, orient: Any) -> Any:
        """Return its rows when asked for ``records``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cells:
    """A sheet already opened: its name, its cells as they stand, and the number of the first row."""

    file: str
    rows: Sequence[Sequence[object]]
    first_row: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalRow:
    """One decision of the employer on one concept or role.

    Parameters
    ----------
    action : LocalAction
        What is decided.
    id : str
        The concept, group or role it is about.
    kind : str
        A concept kind, ``concept`` (any) or ``role``; add and keep need the kind itself.
    label_sv, label_en : str
        Preferred labels; add, rename and keep need at least one.
    target : tuple of str
        See :class:`LocalAction`.
    note, who, day : str, str, date or None
        Why, who decided, when.
    was_sv, was_en : str
        What ours was called when the row was written (:meth:`LocalLayer.anchored`); a later change of ours is then told.
    also_sv, also_en : tuple of str
        Alternative labels, added to those there are.
    description_sv, description_en : str
        For add and keep.
    currency_months : int or None
        For add and keep: how long evidence stays fresh; 0 for life, None for 60 months or what ours says.
    safety_critical : bool
        For add and keep.
    matches : tuple of (str, str)
        (predicate, URI) of other taxonomies, such as ``("exact_match", "http://data.europa.eu/esco/skill/...")``.
    row : int or None
        Where it stands in the file; not compared.

    Raises
    ------
    InputError
        If something that the action needs is missing.
    """

    action: LocalAction
    id: str
    kind: str = ""
    label_sv: str = ""
    label_en: str = ""
    target: tuple[str, ...] = ()
    note: str = ""
    who: str = ""
    day: date | None = None
    was_sv: str = ""
    was_en: str = ""
    also_sv: tuple[str, ...] = ()
    also_en: tuple[str, ...] = ()
    description_sv: str = ""
    description_en: str = ""
    currency_months: int | None = None
    safety_critical: bool = False
    matches: tuple[tuple[str, str], ...] = ()
    row: int | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        fault = _fault(self.action, self.kind, self.id, (self.label_sv, self.label_en), self.target)
        if fault:
            raise InputError(f"a row that is to {self.action.value} {self.id!r} needs another {fault[0]}: {fault[1]}")

    @property
    def labels(self) -> dict[str, str]:
        """Labels by language, those given."""
        return {lang: label for lang, label in (("sv", self.label_sv), ("en", self.label_en)) if label}

    @property
    def also(self) -> dict[str, tuple[str, ...]]:
        """Alternative labels by language, those given."""
        return {lang: labels for lang, labels in (("sv", self.also_sv), ("en", self.also_en)) if labels}

    @property
    def descriptions(self) -> dict[str, str]:
        """Descriptions by language, those given."""
        return {lang: text for lang, text in (("sv", self.description_sv), ("en", self.description_en)) if text}


_COLUMNS = (
    *("action", "kind", "id", "label_sv", "label_en", "target", "note", "who", "day", "was_sv", "was_en", "also_sv", "also_en"),
    *("description_sv", "description_en", "currency_months", "safety_critical", "matches"),
)
_HEADINGS: Mapping[str, str] = MappingProxyType(
    {
        **{"".join(c for c in column if c.isalnum()): column for column in _COLUMNS},
        "åtgärd": "action",
        "typ": "kind",
        "benämningsv": "label_sv",
        "benämningen": "label_en",
        "mål": "target",
        "anteckning": "note",
        "vem": "who",
        "datum": "day",
    }
)


def _fault(action: LocalAction, kind: str, id: str, labels: Iterable[str], target: Sequence[str]) -> tuple[str, str] | None:
    """Return the column at fault and what is allowed there."""
    if not id:
        return "id", "id"
    if kind and kind not in _KINDS:
        return "kind", ", ".join(_KINDS)
    if action is LocalAction.ADD and kind in ("", _CONCEPT):
        return "kind", ", ".join(k for k in _KINDS if k != _CONCEPT)
    if action is LocalAction.KEEP and kind in ("", _CONCEPT, _ROLE, ConceptKind.GROUP):
        return "kind", ", ".join(k for k in ConceptKind if k is not ConceptKind.GROUP)
    if action in (LocalAction.ADD, LocalAction.RENAME, LocalAction.KEEP) and not any(labels):
        return "label_sv", "text"
    if action is LocalAction.MERGE and len(target) != 1:
        return "target", "id"
    if action is LocalAction.SPLIT and len(set(target)) < 2:
        return "target", "id id"
    if action is LocalAction.RETIRE and len(target) > 1:
        return "target", "id"
    if id in target:
        return "target", f"≠ {id}"
    return None


@dataclass(frozen=True, kw_only=True)
class LocalLayer:
    """The employer's own table over a taxonomy, applied anew to each version of it.

    Parameters
    ----------
    rows : tuple of LocalRow
        In the order of the file. Keep and add come first, then rename, then merge, split and retire. Of several moves of one
        id the first counts, of several renames the last.
    problems : Problems
        Rows set aside when it was read; not compared.
    file : str
        Name of the file it was read from, for what is told of its rows; not compared.

    Examples
    --------
    >>> ours = Taxonomy.of([Concept(concept_id="finnish", labels={"sv": "finska"}), Concept(concept_id="suomi")])
    >>> layer = LocalLayer(rows=(LocalRow(action=LocalAction.MERGE, id="suomi", target=("finnish",)),))
    >>> theirs, problems = layer.apply(ours)
    >>> list(theirs.concepts), layer.resolve("suomi", theirs), len(problems)
    (['finnish'], 'finnish', 0)
    """

    rows: tuple[LocalRow, ...] = ()
    problems: Problems = field(default_factory=Problems, compare=False)
    file: str = field(default="", compare=False)

    @classmethod
    def read(cls, source: str | Path | Cells | Records | Iterable[Mapping[str, object]]) -> Self:
        """Read the table from a text file, or from rows already read; :func:`competence.read_local` opens workbooks too.

        Parameters
        ----------
        source : str, Path, Cells, DataFrame or rows
            Comma, semicolon or tab between cells; UTF-8, UTF-16 with a mark, or cp1252. Columns: action, kind, id, label_sv,
            label_en, target (several: space between), note, who, day (ISO) and, where wanted, those of :class:`LocalRow`
            (several alternative labels: ``|`` between; a match is predicate, space, URI).

        Returns
        -------
        LocalLayer
            ``problems`` tells each row set aside.

        Raises
        ------
        UnreadableFileError
            If it is not a table of text, or has no action and id columns.
        """
        file, rows, problems = text_rows(source, _HEADINGS, ("action", "id"))
        kept = [row for number, cells in rows for row in _parsed(number, cells, file, problems)]
        return cls(rows=tuple(kept), problems=Problems(problems), file=file)

    def write(self, path: str | Path) -> Path:
        """Write the table as CSV (UTF-8 with a mark, for Excel) and return the path; ``read`` gives it back."""
        out = io.StringIO(newline="")
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(_COLUMNS)
        for row in self.rows:
            cells = {column: getattr(row, column) for column in _COLUMNS}
            cells |= {
                "target": " ".join(row.target),
                "day": row.day.isoformat() if row.day else "",
                "also_sv": _BETWEEN.join(row.also_sv),
                "also_en": _BETWEEN.join(row.also_en),
                "currency_months": "" if row.currency_months is None else str(row.currency_months),
                "safety_critical": "1" if row.safety_critical else "",
                "matches": _BETWEEN.join(f"{predicate} {uri}" for predicate, uri in row.matches),
            }
            writer.writerow([cells[column] for column in _COLUMNS])
        path = Path(path)
        path.write_text(out.getvalue(), encoding="utf-8-sig", newline="")
        return path

    def with_rows(self, rows: Iterable[LocalRow]) -> Self:
        """Return the layer with these rows after its own."""
        return replace(self, rows=(*self.rows, *rows))

    def anchored(self, taxonomy: Taxonomy) -> Self:
        """Return the layer with what ``taxonomy`` calls each renamed or merged id noted, where nothing was noted.

        Do so against the version that the rows were written for: when a later version gives another name to what was
        renamed here, ``apply`` then tells it; and the words of what was merged lead on when the version drops the id.
        """
        noted = []
        for row in self.rows:
            known: Concept | Role | None = taxonomy.concepts.get(row.id) or taxonomy.roles.get(row.id)
            moved = row.action in (LocalAction.RENAME, LocalAction.MERGE, LocalAction.RETIRE)
            if known is not None and moved and not (row.was_sv or row.was_en):
                row = replace(row, was_sv=known.labels.get("sv", ""), was_en=known.labels.get("en", ""))
            noted.append(row)
        return replace(self, rows=tuple(noted))

    def apply(self, taxonomy: Taxonomy) -> tuple[Taxonomy, Problems]:
        """Lay the table over a version of the taxonomy.

        Parameters
        ----------
        taxonomy : Taxonomy
            Ours, without the layer.

        Returns
        -------
        Taxonomy, Problems
            The employer's taxonomy, and every row that could not be applied or that the version disagrees with, each with
            what was done. Hard requirements are never taken away: a retired concept that law asks for stays asked for.

        Notes
        -----
        Of what is merged, labels and sayings go over to the target, relations and requirements too (a hard one before a heavier
        one); matches go over as close ones, and so does the id. A licence is merged with licences only, for else informal
        competence would count as one. Parts of a split share the weight asked of the whole. Equal input gives equal output.
        Cost O(concepts + relations + requirements + rows).
        """
        return _Applying(self, taxonomy).result() if self.rows else (taxonomy, Problems())

    @cached_property
    def _moves(self) -> Mapping[str, LocalRow]:
        """Return the move of each id: its first merge, split or retire that closes no circle."""
        moves: dict[str, LocalRow] = {}
        leads: dict[str, str] = {}
        for row in self.rows:
            if row.action not in (LocalAction.MERGE, LocalAction.SPLIT, LocalAction.RETIRE) or row.id in moves:
                continue
            if row.action is not LocalAction.SPLIT and row.target:
                if row.id in _chain(row.target[0], leads):
                    continue
                leads[row.id] = row.target[0]
            moves[row.id] = row
        return MappingProxyType(moves)

    @cached_property
    def _leads(self) -> Mapping[str, str]:
        """Return id -> the id it became one with, by the table alone."""
        whole = {key: row for key, row in self._moves.items() if row.action is not LocalAction.SPLIT and row.target}
        return MappingProxyType({key: row.target[0] for key, row in whole.items()})

    def resolve(self, concept_id: str, taxonomy: Taxonomy) -> str:
        """Return the concept that evidence on ``concept_id`` counts for, itself as long as it is there.

        Parameters
        ----------
        concept_id : str
            As the evidence names it, also from long ago.
        taxonomy : Taxonomy
            What ``apply`` returned.

        Raises
        ------
        UnknownIdError
            If neither it nor what it was merged into is a concept there; :func:`carry_over` prevents it.
        """
        found = self._held_as(concept_id, taxonomy)
        if found is None:
            raise UnknownIdError(f"no concept with id {concept_id!r} in {taxonomy.id}, nor a row that leads on from it")
        return found

    def resolve_role(self, role_id: str, taxonomy: Taxonomy) -> str:
        """Return the role that stands for ``role_id``; as :meth:`resolve`, for roles.

        Raises
        ------
        UnknownIdError
            If there is none: it was retired without a target.
        """
        found = next((key for key in _chain(role_id, self._leads) if key in taxonomy.roles), None)
        if found is None:
            raise UnknownIdError(f"no role with id {role_id!r} in {taxonomy.id}, nor a row that leads on from it")
        return found

    def resolve_evidence(self, evidence: Iterable[Evidence], taxonomy: Taxonomy) -> tuple[Evidence, ...]:
        """Return the evidence with each concept id resolved, in the same order; ids that nothing is known of are left."""
        return tuple(
            piece
            if piece.concept_id is None
            else replace(piece, concept_id=self._held_as(piece.concept_id, taxonomy) or piece.concept_id)
            for piece in evidence
        )

    def _held_as(self, concept_id: str, taxonomy: Taxonomy) -> str | None:
        return next((key for key in _chain(concept_id, self._leads) if _can_be_held(taxonomy.concepts.get(key))), None)


def is_retired(taxonomy: Taxonomy, concept_id: str) -> bool:
    """Say whether a concept is kept only for what people hold of it.

    Raises
    ------
    UnknownIdError
        If it is not in the taxonomy.
    """
    return RETIRED in taxonomy.concept(concept_id).broader


def carry_over(
    old: Taxonomy, new: Taxonomy, used_ids: Iterable[str], *, layer: LocalLayer | None = None
) -> tuple[LocalLayer, Problems]:
    """Prepare the employer's table for a new version, so that nothing held by a person is lost.

    Parameters
    ----------
    old, new : Taxonomy
        The version in use and the one to come, both without the layer.
    used_ids : iterable of str
        Every concept id that evidence, interests or needs name.
    layer : LocalLayer, optional
        The employer's table; None: there is none yet.

    Returns
    -------
    LocalLayer, Problems
        The table with a row for each used concept that the new version lacks: merged with the one concept that states a
        match with the old id, else kept as retired with its labels, months and matches. Each is told. Ids that are concepts
        in neither version are told too, and get no row.

    Notes
    -----
    After ``layer.apply(new)`` every used id that was a concept resolves to one. Deterministic; rows by id. Cost as two
    ``apply``.

    Examples
    --------
    >>> old = Taxonomy.of([Concept(concept_id="telex", labels={"sv": "telex"}, currency_months=24)])
    >>> layer, told = carry_over(old, Taxonomy.of([Concept(concept_id="e-mail")]), ["telex"])
    >>> theirs, _ = layer.apply(Taxonomy.of([Concept(concept_id="e-mail")]))
    >>> theirs.concept("telex").currency_months, is_retired(theirs, "telex"), [p.code for p in told]
    (24, True, ['local_kept'])
    """
    layer = layer if layer is not None else LocalLayer()
    before, _ = layer.apply(old)
    after, _ = layer.apply(new)
    rows: dict[str, LocalRow] = {}
    problems = []
    for used in sorted(set(used_ids)):
        held, now = layer._held_as(used, before), layer._held_as(used, after)
        if held is None:
            if now is None:
                problems.append(Problem(code="local_used_unknown", table="local", value=used))
            continue
        concept = before.concepts[held]
        # What was no licence must not become one because the row that would have been refused lost its source.
        if held in rows or (now is not None and (now == held or _alike(concept.kind, after.concepts[now].kind))):
            continue
        matched = [key for key in after.from_matches([held])[held] if _can_be_held(after.concepts.get(key))]
        matched = [key for key in matched if key != held and _alike(concept.kind, after.concepts[key].kind)]
        free = held not in layer._moves and not any(held in _chain(key, layer._leads) for key in matched)
        if len(matched) == 1 and free and held not in after.concepts:
            rows[held] = _moved(concept, matched[0])
            problems.append(Problem(code="local_followed", table="local", value=held, detail=matched[0]))
        else:
            rows[held] = _kept(concept)
            detail = ", ".join(matched) or "–"
            problems.append(Problem(code="local_kept", table="local", value=held, detail=detail))
    return layer.with_rows(rows.values()), Problems(problems)


def apply_local(layer: LocalLayer, taxonomy: Taxonomy, staff: Staff, *, before: Taxonomy | None = None) -> tuple[Taxonomy, Staff]:
    """Lay the employer's table over a taxonomy and over a staff that names its ids.

    Do so before :func:`competence.link_statements`, so that words are linked to the employer's taxonomy. A staff linked
    already keeps its links: what it holds of something merged is held of what that became.

    Parameters
    ----------
    layer : LocalLayer
        The employer's table.
    taxonomy : Taxonomy
        Ours, without the layer.
    staff : Staff
        Linked or not.
    before : Taxonomy, optional
        The version of ours whose ids the staff names, where ``taxonomy`` is a newer one; what that lacks and somebody holds is
        then kept (:func:`carry_over`). None: the same version.

    Returns
    -------
    Taxonomy, Staff
        The employer's taxonomy; and the staff with the concept ids of evidence, interests and requirements and the role ids of
        employments, posts and titles resolved (a role retired without a target becomes None). What of the table was set aside
        or is in conflict stands in ``staff.problems``, in place of what an earlier call told there.

    Notes
    -----
    Of two requirements of a role that became one, the harder and then the heavier stays. Cost: as ``apply``, and
    O(evidence + people).

    Examples
    --------
    >>> from competence.model import Sex, Person
    >>> from competence.staff import Staff
    >>> ours = Taxonomy.of([Concept(concept_id="finnish", labels={"sv": "finska"}), Concept(concept_id="suomi")])
    >>> layer = LocalLayer(rows=(LocalRow(action=LocalAction.MERGE, id="suomi", target=("finnish",)),))
    >>> held = Evidence(evidence_id="e", person_id="1", concept_id="suomi")
    >>> staff = Staff(people=(Person(person_id="1", sex=Sex.WOMAN),), evidence=(held,), as_of=date(2026, 1, 1))
    >>> theirs, staff = apply_local(layer, ours, staff)
    >>> list(theirs.concepts), staff.evidence[0].concept_id
    (['finnish'], 'finnish')
    """
    own = {concept.concept_id for concept in staff.local_concepts}
    named = [*(e.concept_id for e in staff.evidence), *(i.concept_id for i in staff.interests)]
    named += [need.concept_id for role in staff.roles for need in role.requirements]
    used = {key for key in named if key is not None and key not in own}
    layer, carried = carry_over(before if before is not None else taxonomy, taxonomy, used, layer=layer)
    # What is not linked yet may be words that stand where an id does; linking tells which it does not understand.
    told = [p for p in carried if staff.linked or p.code != "local_used_unknown"]
    theirs, conflicts = layer.apply(taxonomy)

    def held(key: str) -> str:
        return layer._held_as(key, theirs) or key

    def kept(role_id: str | None) -> str | None:
        if role_id is None or any(role.role_id == role_id for role in staff.roles):
            return role_id
        return next((key for key in _chain(role_id, layer._leads) if key in theirs.roles), None)

    def asked(needs: Iterable[Requirement]) -> tuple[Requirement, ...]:
        found: dict[str, Requirement] = {}
        for need in needs:
            key = held(need.concept_id)
            found[key] = _heavier(found.get(key), replace(need, concept_id=key))
        return tuple(found.values())

    def shares(record: S) -> S:
        return replace(record, roles=tuple(replace(share, role_id=kept(share.role_id)) for share in record.roles))

    return theirs, staff.replace(
        evidence=layer.resolve_evidence(staff.evidence, theirs),
        interests=tuple(i if i.concept_id is None else replace(i, concept_id=held(i.concept_id)) for i in staff.interests),
        roles=tuple(replace(role, requirements=asked(role.requirements)) for role in staff.roles),
        people=tuple(replace(p, employments=tuple(shares(e) for e in p.employments)) for p in staff.people),
        posts=tuple(shares(post) for post in staff.posts),
        title_links={title: replace(link, role_id=kept(link.role_id)) for title, link in staff.title_links.items()},
        problems=Problems((*(p for p in staff.problems if p.table != "local"), *layer.problems, *conflicts, *told)),
    )


def _moved(concept: Concept, target: str) -> LocalRow:
    was = concept.labels
    return LocalRow(
        action=LocalAction.MERGE,
        id=concept.concept_id,
        kind=concept.kind.value,
        target=(target,),
        was_sv=was.get("sv", ""),
        was_en=was.get("en", ""),
        also_sv=tuple(concept.alternative_labels.get("sv", ())),
        also_en=tuple(concept.alternative_labels.get("en", ())),
    )


def _kept(concept: Concept) -> LocalRow:
    label_sv, label_en = concept.labels.get("sv", ""), concept.labels.get("en", "")
    return LocalRow(
        action=LocalAction.KEEP,
        id=concept.concept_id,
        kind=concept.kind.value,
        label_sv=label_sv,
        # A taxonomy in other languages has one label at least, or its id.
        label_en=label_en if label_sv or label_en else concept.label(),
        also_sv=tuple(concept.alternative_labels.get("sv", ())),
        also_en=tuple(concept.alternative_labels.get("en", ())),
        description_sv=concept.descriptions.get("sv", ""),
        description_en=concept.descriptions.get("en", ""),
        currency_months=concept.currency_months or 0,
        safety_critical=concept.safety_critical,
        matches=concept.matches,
    )


def _can_be_held(concept: Concept | None) -> bool:
    return concept is not None and concept.kind is not ConceptKind.GROUP


def _alike(one: ConceptKind, two: ConceptKind) -> bool:
    """Say whether two kinds may become one: a licence is decided by somebody else, and a group is held by nobody."""
    apart = (ConceptKind.LICENCE, ConceptKind.GROUP)
    return one is two or (one not in apart and two not in apart)


def _chain(key: str, leads: Mapping[str, str]) -> list[str]:
    """Return the id and those it leads on to; ``leads`` has no circle."""
    found = [key]
    while found[-1] in leads:
        found.append(leads[found[-1]])
    return found


class _Applying:
    """One application of a layer: the records as they become, and what is told on the way."""

    def __init__(self, layer: LocalLayer, taxonomy: Taxonomy) -> None:
        self.layer = layer
        self.base = taxonomy
        self.concepts = dict(taxonomy.concepts)
        self.roles = dict(taxonomy.roles)
        self.parents: dict[str, dict[str, None]] = {}
        self.leads: dict[str, str] = {}
        self.retired: dict[str, tuple[str, ...]] = {}
        self.retired_roles: set[str] = set()
        self.problems: list[Problem] = []
        named = (LocalAction.ADD, LocalAction.RENAME)
        self.claimed = {
            (row.id, normalised(label)) for row in layer.rows if row.action in named for label in row.labels.values() if label
        }

    def tell(self, code: str, row: LocalRow, column: str, effect: ProblemEffect, *, value: str = "", detail: str = "") -> None:
        self.problems.append(
            Problem(
                code=code,
                table="local",
                row=row.row,
                column=column,
                value=value or row.id,
                effect=effect,
                detail=detail or "–",
                file=self.layer.file,
            )
        )

    def result(self) -> tuple[Taxonomy, Problems]:
        rows = self.layer.rows
        # What people hold comes before what is only named.
        for action, step in (
            (LocalAction.KEEP, self._keep),
            (LocalAction.ADD, self._add),
            (LocalAction.RENAME, self._rename),
        ):
            for row in rows:
                if row.action is action:
                    step(row)
        for row in rows:
            if row.action in (LocalAction.MERGE, LocalAction.SPLIT, LocalAction.RETIRE):
                self._move(row)
        self._into_retired()
        self._requirements()
        self._fold()
        self._relations()
        self._shared()
        spoken, asked = self._said(self.base.spoken), self._said(self.base.asked)
        taxonomy = replace(
            self.base, concepts=self.concepts, roles=self.roles, spoken=spoken, asked=asked, stated_digest="", format=""
        )
        return taxonomy, Problems(self.problems)

    def _said(self, sayings: Mapping[str, Mapping[str, tuple[str, ...]]]) -> dict[str, dict[str, tuple[str, ...]]]:
        """Let what people say of what was merged mean its target."""
        said: dict[str, dict[str, tuple[str, ...]]] = {}
        for lang, by_key in sayings.items():
            found = said.setdefault(lang, {})
            for key, phrases in by_key.items():
                end = _chain(key, self.leads)[-1]
                # The empty id, of what means nothing, is no concept and stays.
                if end in self.concepts or not key:
                    found[end] = tuple(dict.fromkeys((*found.get(end, ()), *phrases)))
        return said

    def _keep(self, row: LocalRow) -> None:
        known = self.concepts.get(row.id)
        if _can_be_held(known):
            return
        self._free_of_role(row)
        if known is not None:
            self.tell("local_group_now", row, "id", ProblemEffect.CHANGED)
        self.concepts[row.id] = _concept(row, scheme=self.base.id)
        self.retired[row.id] = ()

    def _free_of_role(self, row: LocalRow) -> None:
        if self.roles.pop(row.id, None) is not None:
            self.tell("local_id_both", row, "id", ProblemEffect.CHANGED)

    def _add(self, row: LocalRow) -> None:
        if row.kind == _ROLE:
            self._add_role(row)
            return
        known = self.concepts.get(row.id)
        if known is not None and known.kind is not ConceptKind.GROUP and row.kind == ConceptKind.GROUP:
            self.tell("local_add_exists", row, "id", ProblemEffect.SET_ASIDE, detail=known.label())
            return
        if known is not None:
            self.tell("local_add_exists", row, "id", ProblemEffect.NOTICE, detail=known.label())
        self._free_of_role(row)
        made = _concept(row, scheme="local")
        self.concepts[row.id] = made if known is None else self._joined(made, known, row)
        # Added here and kept before: it is alive.
        self.retired.pop(row.id, None)
        self.parents[row.id] = dict.fromkeys(row.target)
        for parent in row.target:
            if parent not in self.base.concepts and not any(
                r.id == parent and r.action in (LocalAction.ADD, LocalAction.KEEP) and r.kind != _ROLE for r in self.layer.rows
            ):
                self.parents[row.id].pop(parent)
                self.tell("local_target_gone", row, "target", ProblemEffect.CELL_DROPPED, detail=parent)

    def _joined(self, theirs: Concept, ours: Concept, row: LocalRow) -> Concept:
        """Let their word hold, and ours fill in where they say nothing."""
        named = self._named(ours, row)
        return replace(
            theirs,
            labels=named.labels,
            alternative_labels=named.alternative_labels,
            descriptions={**ours.descriptions, **theirs.descriptions},
            broader=ours.broader,
            related=ours.related,
            currency_months=ours.currency_months if row.currency_months is None else theirs.currency_months,
            safety_critical=ours.safety_critical or theirs.safety_critical,
            rarely_named=ours.rarely_named,
            matches=tuple(dict.fromkeys((*theirs.matches, *ours.matches))),
            notation=ours.notation,
        )

    def _add_role(self, row: LocalRow) -> None:
        if row.id in self.concepts:
            # Evidence may name the concept; nothing names a role but a title, which is linked anew.
            self.tell("local_id_both", row, "id", ProblemEffect.SET_ASIDE)
            return
        like = [self.roles[key] for key in row.target if key in self.roles]
        for key in row.target:
            if key not in self.roles:
                self.tell("local_target_gone", row, "target", ProblemEffect.CELL_DROPPED, detail=key)
        known = self.roles.get(row.id)
        if known is not None:
            self.tell("local_add_exists", row, "id", ProblemEffect.NOTICE, detail=known.label())
            self.roles[row.id] = replace(self._named(known, row), scheme="local")
            return
        asked: dict[str, Requirement] = {}
        for role in like:
            for need in role.requirements:
                asked[need.concept_id] = _heavier(asked.get(need.concept_id), need)
        self.roles[row.id] = Role(
            role_id=row.id,
            labels=row.labels,
            alternative_labels=row.also,
            sector=like[0].sector if like else "",
            requirements=tuple(asked.values()),
            matches=row.matches,
            scheme="local",
        )

    def _rename(self, row: LocalRow) -> None:
        if row.id in self.concepts:
            self._told_rename(row, self.concepts[row.id])
            self.concepts[row.id] = self._named(self.concepts[row.id], row)
        elif row.id in self.roles:
            self._told_rename(row, self.roles[row.id])
            self.roles[row.id] = self._named(self.roles[row.id], row)
        else:
            self.tell("local_id_gone", row, "id", ProblemEffect.SET_ASIDE)

    def _told_rename(self, row: LocalRow, known: Concept | Role) -> None:
        ours: Concept | Role | None = self.base.concepts.get(row.id) or self.base.roles.get(row.id)
        if ours is None:
            return
        for lang, was, new in (("sv", row.was_sv, row.label_sv), ("en", row.was_en, row.label_en)):
            now = ours.labels.get(lang, "")
            if was and new and now not in (was, new, ""):
                self.tell("local_renamed_both", row, f"label_{lang}", ProblemEffect.NOTICE, detail=now)

    def _named(self, record: R, row: LocalRow) -> R:
        """Return the record under their labels; what it was called leads to it still, unless they call another so."""
        labels = {**record.labels, **row.labels}
        also = {lang: dict.fromkeys(found) for lang, found in record.alternative_labels.items()}
        for lang, label in record.labels.items():
            word = normalised(label)
            if label != labels[lang] and not any(w == word and key != row.id for key, w in self.claimed):
                also.setdefault(lang, {})[label] = None
        for lang, found in row.also.items():
            also.setdefault(lang, {}).update(dict.fromkeys(found))
        other = {lang: tuple(label for label in found if label != labels.get(lang)) for lang, found in also.items()}
        matches = tuple(dict.fromkeys((*record.matches, *row.matches)))
        return replace(
            record, labels=labels, alternative_labels={lang: found for lang, found in other.items() if found}, matches=matches
        )

    def _move(self, row: LocalRow) -> None:
        if self.layer._moves.get(row.id) is not row:
            self.tell("local_row_twice", row, "action", ProblemEffect.SET_ASIDE, detail=row.action.value)
            return
        records: Mapping[str, Concept] | Mapping[str, Role]
        is_role = row.id in self.roles or (row.id not in self.concepts and any(t in self.roles for t in row.target))
        records = self.roles if is_role else self.concepts
        missing = [key for key in row.target if key not in records]
        if missing:
            self.tell("local_target_gone", row, "target", ProblemEffect.SET_ASIDE, detail=", ".join(missing))
            return
        # A term that linking found in the files is in no taxonomy: the row brings its words along.
        if row.id not in records and not (row.target and row.labels and row.id.startswith("local:")):
            effect = ProblemEffect.NOTICE if row.target else ProblemEffect.SET_ASIDE
            self.tell("local_id_gone", row, "id", effect)
        if not is_role and not self._may_merge(row):
            return
        if row.action is not LocalAction.SPLIT and row.target:
            self.leads[row.id] = row.target[0]
            # Kept here, and then told where it belongs.
            self.retired.pop(row.id, None)
        elif row.id in self.roles:
            self.retired_roles.add(row.id)
        elif row.id in self.concepts:
            self.retired[row.id] = row.target

    def _may_merge(self, row: LocalRow) -> bool:
        known = self.concepts.get(row.id)
        kind = known.kind if known is not None else ConceptKind(row.kind) if row.kind in tuple(ConceptKind) else None
        apart = [key for key in row.target if kind is not None and not _alike(kind, self.concepts[key].kind)]
        if apart:
            self.tell("local_merge_kind", row, "target", ProblemEffect.SET_ASIDE, detail=", ".join(apart))
        return not apart

    def _into_retired(self) -> None:
        """Tell merges into what is itself only kept."""
        for row in self.layer.rows:
            if self.layer._moves.get(row.id) is row and row.id in self.leads and row.id in self.concepts:
                end = _chain(row.id, self.leads)[-1]
                if end in self.retired:
                    self.tell("local_target_retired", row, "target", ProblemEffect.NOTICE, detail=end)

    def _requirements(self) -> None:
        """Let roles ask for what concepts became; law stays asked for."""
        kept_by_law: dict[str, list[str]] = {}
        for role_id, role in self.roles.items():
            asked: dict[str, Requirement] = {}
            for need in role.requirements:
                end = _chain(need.concept_id, self.leads)[-1]
                if end in self.retired and need.hard:
                    kept_by_law.setdefault(end, []).append(role_id)
                parts = self.retired.get(end, (end,)) if not need.hard else (end,)
                # A part may itself have been merged or retired.
                ends = dict.fromkeys(e for p in parts for e in (_chain(p, self.leads)[-1],) if e == end or e not in self.retired)
                for part in ends:
                    new = need if part == need.concept_id else replace(need, concept_id=part, weight=need.weight / len(parts))
                    asked[part] = _heavier(asked.get(part), new)
            if tuple(asked.values()) != role.requirements:
                self.roles[role_id] = replace(role, requirements=tuple(asked.values()))
        for row in self.layer.rows:
            if row.id in kept_by_law and self.layer._moves.get(row.id) is row:
                roles = ", ".join(sorted(set(kept_by_law[row.id])))
                self.tell("local_hard_kept", row, "action", ProblemEffect.CHANGED, detail=roles)

    def _fold(self) -> None:
        """Move labels and matches of what was merged to its target, and take it out."""
        for key in self.leads:
            end = _chain(key, self.leads)[-1]
            row = self.layer._moves[key]
            if end in self.roles:
                self.roles[end] = self._taken_in(self.roles[end], key, self.roles.get(key), row)
            else:
                self.concepts[end] = self._taken_in(self.concepts[end], key, self.concepts.get(key), row)
        for key in self.leads:
            self.concepts.pop(key, None)
            self.roles.pop(key, None)
        for key in self.retired_roles:
            self.roles.pop(key, None)

    def _taken_in(self, target: R, key: str, source: R | None, row: LocalRow) -> R:
        also = {lang: dict.fromkeys(found) for lang, found in target.alternative_labels.items()}
        words = [*(source.labels.items() if source is not None else ()), ("sv", row.was_sv), ("en", row.was_en)]
        words += [("sv", row.label_sv), ("en", row.label_en)]
        for held in (source.alternative_labels if source is not None else {}, row.also):
            words += [(lang, label) for lang, found in held.items() for label in found]
        for lang, label in words:
            if label and label != target.labels.get(lang):
                also.setdefault(lang, {})[label] = None
        matches = dict.fromkeys(target.matches)
        for predicate, uri in source.matches if source is not None else row.matches:
            # The same as a part of the target: no more than close to the whole.
            matches[("close_match" if predicate == "exact_match" else predicate, uri)] = None
        matches[("close_match", key)] = None
        # What the target is matched with exactly already need not be close to it too.
        exact = {uri for predicate, uri in matches if predicate == "exact_match"}
        kept = tuple(m for m in matches if m[0] != "close_match" or m[1] not in exact)
        return replace(target, alternative_labels={lang: tuple(found) for lang, found in also.items()}, matches=kept)

    def _relations(self) -> None:
        """Point broader and related to what is there, without closing a circle."""
        gone_groups = {key for key in self.retired if self.concepts[key].kind is ConceptKind.GROUP}
        alive = {key: c for key, c in self.concepts.items() if key not in gone_groups}
        above = {**{key: c.broader for key, c in self.base.concepts.items()}}
        above |= {key: (*above.get(key, ()), *found) for key, found in self.parents.items()}

        def ends(key: str, seen: frozenset[str] = frozenset()) -> Iterator[str]:
            end = _chain(key, self.leads)[-1]
            if end in gone_groups and end not in seen:
                # A group that is retired hands what stood in it to those above.
                for parent in above.get(end, ()):
                    yield from ends(parent, seen | {end})
            elif end not in gone_groups:
                yield end

        links: dict[str, dict[str, None]] = {}
        moved: list[tuple[str, str]] = []
        for key, concept in alive.items():
            links[key] = {}
            if key in self.retired:
                links[key][RETIRED] = None
                continue
            for parent in concept.broader:
                if parent in self.leads or parent in gone_groups:
                    moved += [(key, end) for end in ends(parent)]
                else:
                    links[key][parent] = None
            moved += [(key, end) for parent in self.parents.get(key, ()) for end in ends(parent)]
        for source in sorted(self.leads):
            # What was merged stood somewhere; its target stands there too only if it stood nowhere.
            target = _chain(source, self.leads)[-1]
            if target in links and not links[target] and not any(child == target != end for child, end in moved):
                moved += [(target, end) for parent in above.get(source, ()) for end in ends(parent)]
        for child, parent in moved:
            if child == parent or parent in links[child]:
                continue
            if _reaches(parent, child, links):
                self.problems.append(
                    Problem(
                        code="taxonomy_cycle",
                        table="local",
                        file=self.layer.file,
                        value=child,
                        column="broader",
                        effect=ProblemEffect.CELL_DROPPED,
                        detail=f"{child} → {parent}",
                    )
                )
            else:
                links[child][parent] = None
        self.concepts = {}
        for key, concept in alive.items():
            related = dict.fromkeys(_chain(other, self.leads)[-1] for other in (*concept.related, *self.retired.get(key, ())))
            related.pop(key, None)
            kept = tuple(other for other in related if other not in gone_groups)
            self.concepts[key] = replace(concept, broader=tuple(links[key]), related=kept)
        if any(key in self.concepts for key in self.retired) and RETIRED not in self.concepts:
            self.concepts[RETIRED] = Concept(
                concept_id=RETIRED,
                kind=ConceptKind.GROUP,
                labels={"sv": "Utgångna", "en": "Retired"},
                descriptions={
                    "sv": "Det som ingen roll frågar efter längre, men som någon har.",
                    "en": "What no role asks for any more, but somebody holds.",
                },
                currency_months=None,
                scheme="local",
            )

    def _shared(self) -> None:
        """Tell a label of theirs that names something else too, such as what a new version of ours has added."""
        for records in (self.concepts, self.roles):
            owners: dict[str, list[str]] = {}
            for key, record in records.items():
                if key not in self.retired:
                    for word in {normalised(label) for label in record.labels.values()}:
                        owners.setdefault(word, []).append(key)
            for row in self.layer.rows:
                if row.action in (LocalAction.ADD, LocalAction.RENAME) and row.id in records and row.id not in self.retired:
                    for label in dict.fromkeys(row.labels.values()):
                        others = [key for key in owners.get(normalised(label), ()) if key != row.id]
                        if others:
                            detail = ", ".join(sorted(others))
                            self.tell("local_label_shared", row, "label_sv", ProblemEffect.NOTICE, value=label, detail=detail)


def _concept(row: LocalRow, *, scheme: str) -> Concept:
    months = 60 if row.currency_months is None else row.currency_months or None
    return Concept(
        concept_id=row.id,
        kind=ConceptKind(row.kind),
        labels=row.labels,
        alternative_labels=row.also,
        descriptions=row.descriptions,
        currency_months=None if row.kind == ConceptKind.GROUP else months,
        safety_critical=row.safety_critical,
        matches=row.matches,
        scheme=scheme,
    )


def _heavier(held: Requirement | None, new: Requirement) -> Requirement:
    """Keep law before weight: a heavier wish must not take the place of a hard requirement."""
    return new if held is None else max(held, new, key=lambda r: (r.hard, r.weight, r.level))


def _reaches(start: str, wanted: str, links: Mapping[str, Mapping[str, None]]) -> bool:
    waiting, seen = [start], set[str]()
    while waiting:
        key = waiting.pop()
        if key == wanted:
            return True
        if key not in seen:
            seen.add(key)
            waiting += links.get(key, {})
    return False


def normalised(label: str) -> str:
    """Return a label as it is compared: letters composed, case folded, single spaces."""
    return " ".join(unicodedata.normalize("NFC", label).casefold().split())


def _parsed(number: int, cells: Mapping[str, str], file: str, problems: list[Problem]) -> Iterator[LocalRow]:
    """Yield the row, or nothing after telling why."""

    def fault(column: str, allowed: str, effect: ProblemEffect) -> None:
        value, _code = cells.get(column, ""), "taxonomy_value"
        problems.append(
            Problem(
                code="taxonomy_value",
                table="local",
                row=number,
                column=column,
                value=value,
                effect=effect,
                detail=allowed,
                file=file,
            )
        )

    action = _ACTION_WORDS.get(normalised(cells.get("action", "")))
    if action is None:
        fault("action", ", ".join(LocalAction), ProblemEffect.SET_ASIDE)
        return
    target, kind = tuple(dict.fromkeys(cells.get("target", "").split())), cells.get("kind", "").casefold()
    wrong = _fault(action, kind, cells.get("id", ""), (cells.get("label_sv", ""), cells.get("label_en", "")), target)
    if wrong:
        fault(*wrong, ProblemEffect.SET_ASIDE)
        return
    try:
        day = date.fromisoformat(cells["day"]) if cells.get("day") else None
    except ValueError:
        fault("day", "2026-01-31", ProblemEffect.CELL_DROPPED)
        day = None
    months, flag = cells.get("currency_months", ""), cells.get("safety_critical", "") or "0"
    if months and not (months.isascii() and months.isdigit() and int(months) <= 600):
        fault("currency_months", "0–600", ProblemEffect.CELL_DROPPED)
        months = ""
    if flag not in ("0", "1"):
        fault("safety_critical", "0, 1", ProblemEffect.CELL_DROPPED)
    matches = []
    for match in _several(cells.get("matches", "")):
        predicate, _, uri = match.partition(" ")
        if predicate in MATCHES and uri.strip():
            matches.append((predicate, uri.strip()))
        else:
            fault("matches", ", ".join(f"{m} URI" for m in MATCHES), ProblemEffect.CELL_DROPPED)
    plain = ("id", "label_sv", "label_en", "note", "who", "was_sv", "was_en", "description_sv", "description_en")
    yield LocalRow(
        action=action,
        kind=kind,
        target=target,
        day=day,
        also_sv=_several(cells.get("also_sv", "")),
        also_en=_several(cells.get("also_en", "")),
        currency_months=int(months) if months else None,
        safety_critical=flag == "1",
        matches=tuple(matches),
        row=number,
        **{column: cells.get(column, "") for column in plain},
    )


def _several(cell: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(part.strip() for part in cell.split("|") if part.strip()))


def text_rows(
    source: str | Path | Cells | Records | Iterable[Mapping[str, object]], headings: Mapping[str, str], needed: Sequence[str]
) -> tuple[str, list[tuple[int, dict[str, str]]], list[Problem]]:
    """Return the rows of a small table that an employer keeps, by the columns known.

    Parameters
    ----------
    source : str, Path, Cells, DataFrame or rows
        Text with ``;``, ``,`` or tab between cells (UTF-8, UTF-16 with a mark, cp1252), or a table already read.
    headings : Mapping of str to str
        Column by heading: letters and digits only, lower case.
    needed : sequence of str
        Columns without which nothing can be read.

    Returns
    -------
    str, list of (int, dict), list of Problem
        Name of the file; per row, its number as a spreadsheet shows it and its cells by column; an empty list that the
        caller adds Problems to.

    Raises
    ------
    UnreadableFileError
        If it is no table of text, or a needed column is not among the first rows.
    """
    if isinstance(source, str | Path):
        file = Path(source).name
        table = _best_table(_text_of(Path(source)), headings)
    elif isinstance(source, Cells):
        file = source.file
        table = [(number, [_cell(value) for value in row]) for number, row in enumerate(source.rows, source.first_row)]
    else:
        file = ""
        records = source.to_dict("records") if hasattr(source, "to_dict") else list(source)
        names = list(dict.fromkeys(str(name) for record in records for name in record))
        table = [(1, names)]
        for number, record in enumerate(records, 2):
            by_name = {str(name): _cell(value) for name, value in record.items()}
            table.append((number, [by_name.get(name, "") for name in names]))
    first = max(range(min(len(table), _HEADING_ROWS)), key=lambda i: (len(_columns(table[i][1], headings)), -i), default=None)
    columns = _columns(table[first][1], headings) if first is not None else {}
    missing = [column for column in needed if column not in columns]
    if missing or first is None:
        name = file or "rows"
        told = Problem(
            code="taxonomy_column_missing", table=name, column=", ".join(missing), effect=ProblemEffect.SET_ASIDE, file=name
        )
        raise UnreadableFileError(f"{name} has no column {', '.join(missing)}", told)
    rows = []
    for number, cells in table[first + 1 :]:
        found = {column: cells[place].strip() for column, place in columns.items() if place < len(cells)}
        if any(found.values()):
            rows.append((number, found))
    return file, rows, []


def _columns(cells: Sequence[str], headings: Mapping[str, str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for place, cell in enumerate(cells):
        key = "".join(c for c in unicodedata.normalize("NFC", cell).casefold() if c.isalnum())
        if key in headings:
            found.setdefault(headings[key], place)
    return found


def _text_of(path: Path) -> str:
    if path.is_dir() or (path.is_file() and zipfile.is_zipfile(path)):
        # Workbooks are zips; their sheets are read by the reader of files, and handed here as rows.
        told = Problem(code="file_not_a_table", file=path.name, table=path.name, effect=ProblemEffect.SET_ASIDE)
        raise UnreadableFileError(f"{path.name} is no text file; of a workbook, hand in the rows of the sheet", told)
    release = Release([path])
    data = release.read(release.names[0])
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        text = data.decode("utf-16", errors="replace")
    else:
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError:
            # The five bytes that cp1252 leaves open are no letters in any export.
            text = data.decode("cp1252", errors="replace")
    if "\0" in text:
        told = Problem(code="file_not_a_table", file=path.name, table=path.name, effect=ProblemEffect.SET_ASIDE)
        raise UnreadableFileError(f"{path.name} is no text file; it has zero bytes", told)
    return text


def _best_table(text: str, headings: Mapping[str, str]) -> list[tuple[int, list[str]]]:
    """Return the rows by the delimiter under which most headings are known."""
    tables = []
    for delimiter in _DELIMITERS:
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
        rows: list[tuple[int, list[str]]] = []
        try:
            rows.extend((reader.line_num, row) for row in reader if any(cell.strip() for cell in row))
        except csv.Error:
            # A cell beyond 131 072 characters: what stands before it is read, and a table cut short is no table.
            continue
        tables.append(rows)
    return max(tables, key=lambda rows: max((len(_columns(r, headings)) for _, r in rows[:_HEADING_ROWS]), default=0), default=[])


def _cell(value: object) -> str:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, date):
        return value.isoformat()[:10]
    return str(value)
