"""Staff: the immutable data set of one employer's people and everything the files say of them.

This module decides what a consistent data set is: ids resolve, protected people are gone and only counted, posts are
derived from employments where no table of posts came. It opens no file (:mod:`competence.io` does) and links no
words (:mod:`competence.linking` does); both return a new Staff.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import date
from decimal import Decimal
from enum import StrEnum
from functools import cached_property
from types import MappingProxyType
from typing import Any, Self, TypeVar

from competence.errors import InputError, Problem, Problems, UnknownIdError
from competence.model import (
    AgeBand,
    Choice,
    Concept,
    ConceptKind,
    Decision,
    Delegation,
    Employment,
    Evidence,
    HistoryEntry,
    HistoryKind,
    Importance,
    Interest,
    InterestKind,
    LearningForm,
    LearntWhere,
    OptIn,
    OptIns,
    Person,
    Post,
    Requirement,
    Role,
    RoleShare,
    Sex,
    Source,
    Statement,
    Travel,
    Unit,
    ValidationStage,
    Visibility,
)

__all__ = [
    "LINK_TABLES",
    "OPT_INS",
    "TABLES",
    "TABLE_COLUMNS",
    "RowCount",
    "Staff",
    "TitleLink",
    "Unlinked",
    "format_roles",
    "join_cells",
    "parse_roles",
    "split_cells",
]

OPT_INS = ("mentor", "mentee", "rotation", "expert", "prompts")

TABLE_COLUMNS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "people": (
            *("person_id", "name", "sex", "age_band", "unit_id", "title", "role_id", "form", "share", "aid", "start", "end"),
            *("manager_ids", "site", "capacity", *OPT_INS, "person_end"),
        ),
        "units": ("unit_id", "name", "parent_id", "manager_ids", "site", "max_moving_share", "start", "end"),
        "posts": ("post_id", "unit_id", "roles", "role_id", "holder_id", "min_staffing"),
        "role_requirements": (
            *("role_id", "title", "title_en", "alternative_titles", "alternative_titles_en", "sector", "ssyk", "isco", "aid"),
            *("concept_id", "level", "importance", "weight", "hard", "source", "scheme"),
        ),
        "statements": (
            *("statement_id", "person_id", "text", "lang", "learnt_where", "day", "source", "level", "heading", "visibility"),
        ),
        "evidence": (
            *("evidence_id", "person_id", "concept_id", "words", "level", "source", "learning_form", "day", "author"),
            *("statement_id", "stage", "visibility", "probability", "label", "valid_until"),
        ),
        "interests": ("person_id", "words", "kind", "concept_id"),
        "travel": ("from_site", "to_site", "minutes"),
        "history": ("kind", "person_id", "other_id", "from_unit", "to_unit", "start", "end"),
        "decisions": (
            *("kind", "choice", "people", "target", "decided_by", "day", "alternatives", "reasoning", "equality_reasoning"),
        ),
        "delegations": ("delegator_id", "delegate_id", "task", "unit_id", "start", "end"),
        "staff": ("as_of", "linked", "protected_count", "opt_in_columns", "tables"),
        "title_links": ("title", "role_id", "probability", "how", "label"),
        "local_concepts": (
            *("concept_id", "kind", "label_sv", "label_en", "alternatives_sv", "alternatives_en", "description_sv"),
            *("description_en", "broader", "related", "currency_months", "safety_critical", "rarely_named", "matches", "scheme"),
        ),
        "unlinked": ("words", "kind", "count", "nearest"),
    }
)
"""Columns of every table that :meth:`Staff.to_tables` gives. ``people`` has one row per employment, ``role_requirements``
one per requirement. Several values in one cell are joined with ``; `` (:func:`join_cells`)."""

TABLES: tuple[str, ...] = tuple(TABLE_COLUMNS)[:11]
"""The tables an employer may hand in; only people is required."""

LINK_TABLES: tuple[str, ...] = ("title_links", "local_concepts", "unlinked")
"""What linking found, as tables; made again from the others at any time."""

# Backslash escapes keep a literal ; or % apart from the ones that join values and tell shares; while a text is cut
# they stand as private-use characters, which no file has in a title.
_ESCAPES = (("\\\\", "\ue000", "\\"), ("\\;", "\ue001", ";"), ("\\%", "\ue002", "%"))
_SHARE = re.compile(r"(?P<title>.+?)(?:\s+|\s*\()(?P<share>\d+(?:[.,]\d+)?)\s*%\)?")


def _hide(text: str) -> str:
    for written, hidden, _ in _ESCAPES:
        text = text.replace(written, hidden)
    return text


def _unhide(text: str) -> str:
    for _, hidden, meant in _ESCAPES:
        text = text.replace(hidden, meant)
    return text


def join_cells(values: Iterable[str]) -> str:
    """Join several values for one cell with ``; ``, so that :func:`split_cells` gives them back.

    Examples
    --------
    >>> join_cells(["10014", "10031"])
    '10014; 10031'
    """
    return "; ".join(v.replace("\\", "\\\\").replace(";", "\\;") for v in values)


def split_cells(text: str) -> tuple[str, ...]:
    """Cut one cell at ``;`` and line breaks into its values, empty ones left out."""
    parts = (_unhide(part).strip() for part in re.split(r"[;\n]", _hide(text)))
    return tuple(p for p in parts if p)


def parse_roles(text: str) -> tuple[RoleShare, ...]:
    """Read the titles of one employment or post, with their shares where the text gives them.

    ``;`` and line breaks part titles always; ``/``, ``+`` and ``,`` only where every part has its own percentage, since
    ``Barnskötare/fritidsledare`` is one title.

    Examples
    --------
    >>> [(r.title, r.share) for r in parse_roles("Undersköterska 60 % / Vårdbiträde 40 %")]
    [('Undersköterska', 0.6), ('Vårdbiträde', 0.4)]
    >>> [r.title for r in parse_roles("Barnskötare/fritidsledare; Kock")]
    ['Barnskötare/fritidsledare', 'Kock']
    """
    roles: list[RoleShare] = []
    for part in re.split(r"[;\n]", _hide(text)):
        pieces = [p.strip() for p in re.split(r"[/+]|,(?!\d)", part)]
        if len(pieces) < 2 or not all(_SHARE.fullmatch(p) for p in pieces):
            pieces = [part.strip()]
        for piece in pieces:
            match = _SHARE.fullmatch(piece)
            title, share = piece, None
            if match:
                # Decimal, so that 7 % is 0.07 and not 0.07000000000000001.
                title, share = match["title"], float(Decimal(match["share"].replace(",", ".")) / 100)
            title = _unhide(title).strip()
            if title:
                roles.append(RoleShare(title=title, share=share))
    return tuple(roles)


def format_roles(roles: Iterable[RoleShare]) -> str:
    """Write titles with their shares so that :func:`parse_roles` gives them back, role ids apart.

    Examples
    --------
    >>> format_roles([RoleShare(title="Kock", share=0.75), RoleShare(title="Måltidsbiträde")])
    'Kock 75 %; Måltidsbiträde'
    """
    parts = []
    for role in roles:
        title = role.title.replace("\\", "\\\\").replace(";", "\\;").replace("%", "\\%")
        percent = "" if role.share is None else format(Decimal(repr(role.share)) * 100, "f")
        percent = percent.rstrip("0").rstrip(".") if "." in percent else percent
        parts.append(f"{title} {percent} %" if percent else title)
    return "; ".join(parts)


@dataclass(frozen=True, slots=True)
class RowCount:
    """Rows of one table in one file: ``read == kept + set_aside``, always."""

    file: str
    table: str
    read: int
    kept: int
    set_aside: int

    def __post_init__(self) -> None:
        if self.read != self.kept + self.set_aside:
            raise InputError(
                f"{self.file} {self.table}: {self.read} rows read but {self.kept} kept and {self.set_aside} set aside"
            )


@dataclass(frozen=True, slots=True)
class TitleLink:
    """Which role a local title was linked to, how, and how sure that is; ``role_id`` None means not understood."""

    title: str
    role_id: str | None
    probability: float
    how: str
    label: str = ""


@dataclass(frozen=True, slots=True)
class Unlinked:
    """Words that were not understood, kept as written, with the nearest concepts and their probabilities."""

    words: str
    kind: str
    count: int
    nearest: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True, kw_only=True)
class Staff:
    """Hold people, organisation, statements, evidence and memory; every change makes a new Staff.

    Parameters
    ----------
    people : tuple of Person
        Without protected people; ``protected_count`` says how many there were.
    units, posts, roles, statements, evidence, interests, travel, history, decisions, delegations : tuple
        The other tables. ``roles`` are the employer's own roles with their requirements.
    as_of : date
        The date every later ``as_of=None`` means.
    problems : Problems
        Each fault found when reading.
    row_counts : tuple of RowCount
        Rows read, kept and set aside, per file and table.
    opt_in_columns : frozenset of str
        Which of mentor, mentee, rotation, expert, prompts the files had a column for. Where a column exists only
        ``yes`` takes part; where none does everybody not answering ``no`` is drafted, marked "ask first".
    tables : frozenset of str
        Which tables came (people, units, posts ...).
    sources : tuple of (str, str)
        File name and SHA-256 of each file read.
    linked : bool
        Whether :func:`competence.link_statements` has run; then ``title_links``, ``local_concepts``, ``unlinked`` are set.
    """

    people: tuple[Person, ...]
    as_of: date
    units: tuple[Unit, ...] = ()
    posts: tuple[Post, ...] = ()
    roles: tuple[Role, ...] = ()
    statements: tuple[Statement, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    interests: tuple[Interest, ...] = ()
    travel: tuple[Travel, ...] = ()
    history: tuple[HistoryEntry, ...] = ()
    decisions: tuple[Decision, ...] = ()
    delegations: tuple[Delegation, ...] = ()
    problems: Problems = field(default_factory=Problems)
    row_counts: tuple[RowCount, ...] = ()
    opt_in_columns: frozenset[str] = frozenset()
    tables: frozenset[str] = frozenset({"people"})
    sources: tuple[tuple[str, str], ...] = ()
    protected_count: int = 0
    linked: bool = False
    title_links: Mapping[str, TitleLink] = field(default_factory=lambda: MappingProxyType({}))
    local_concepts: tuple[Concept, ...] = ()
    unlinked: tuple[Unlinked, ...] = ()

    def __post_init__(self) -> None:
        seen: set[str] = set()
        for person in self.people:
            if person.person_id in seen:
                raise InputError(f"person_id must be unique; {person.person_id!r} stands twice")
            seen.add(person.person_id)
        hidden = {p.person_id for p in self.people if p.protected}
        if hidden:
            self._drop(hidden)

    def _drop(self, hidden: set[str]) -> None:
        """Remove protected people and every trace of them (REQ-DP-10), keeping only how many they were."""

        def put(name: str, value: object) -> None:
            object.__setattr__(self, name, value)

        def without(ids: Iterable[str]) -> tuple[str, ...]:
            return tuple(i for i in ids if i not in hidden)

        put("people", tuple(replace(p, manager_ids=without(p.manager_ids)) for p in self.people if not p.protected))
        put("units", tuple(replace(u, manager_ids=without(u.manager_ids)) for u in self.units))
        # A protected person's post goes too: as a vacancy it would tell that somebody is there.
        put("posts", tuple(p for p in self.posts if p.holder_id not in hidden))
        for name in ("statements", "evidence", "interests"):
            put(name, tuple(r for r in getattr(self, name) if r.person_id not in hidden))
        put("evidence", tuple(replace(e, author="") if e.author in hidden else e for e in self.evidence))
        put("history", tuple(h for h in self.history if h.person_id not in hidden and h.other_id not in hidden))
        put("delegations", tuple(d for d in self.delegations if not hidden & {d.delegator_id, d.delegate_id}))
        kept = (d for d in self.decisions if not hidden.intersection(d.people))
        put("decisions", tuple(_without_ids(d, hidden) for d in kept))
        put("protected_count", self.protected_count + len(hidden))

    def replace(self, **changes: Any) -> Self:
        """Return a copy with the given fields changed; the same checks run again."""
        return replace(self, **changes)

    @cached_property
    def person_index(self) -> Mapping[str, int]:
        """Position of each person_id in ``people``."""
        return MappingProxyType({p.person_id: i for i, p in enumerate(self.people)})

    @cached_property
    def unit_index(self) -> Mapping[str, int]:
        """Position of each unit_id in ``units``."""
        return MappingProxyType({u.unit_id: i for i, u in enumerate(self.units)})

    def person(self, person_id: str) -> Person:
        """Return the person with this id.

        Raises
        ------
        UnknownIdError
            If there is none (or the person is protected, which is told in the same words).
        """
        try:
            return self.people[self.person_index[person_id]]
        except KeyError:
            raise UnknownIdError(f"no person with id {person_id!r} among {len(self.people)} people") from None

    def find_unit(self, name_or_id: str) -> Unit:
        """Return the unit with this id, else with this name (case ignored).

        Raises
        ------
        UnknownIdError
            If there is none; the message offers the three nearest names.
        """
        if name_or_id in self.unit_index:
            return self.units[self.unit_index[name_or_id]]
        wanted = name_or_id.casefold().strip()
        for unit in self.units:
            if unit.name.casefold() == wanted:
                return unit
        from difflib import get_close_matches

        near = get_close_matches(name_or_id, [u.name or u.unit_id for u in self.units], n=3, cutoff=0.3)
        raise UnknownIdError(f"no unit {name_or_id!r}; nearest: {', '.join(near) or 'none'}")

    def units_below(self, unit_id: str) -> frozenset[str]:
        """Return the unit's id and those of all units under it."""
        children: dict[str | None, list[str]] = {}
        for unit in self.units:
            children.setdefault(unit.parent_id, []).append(unit.unit_id)
        found: set[str] = set()
        queue = [unit_id]
        while queue:
            current = queue.pop()
            if current not in found:
                found.add(current)
                queue.extend(children.get(current, ()))
        return frozenset(found)

    def managers_of(self, person_id: str) -> frozenset[str]:
        """Return the ids of the person's managers: those on the person, else those of the person's units."""
        person = self.person(person_id)
        managers = set(person.manager_ids)
        for unit_id in person.unit_ids(self.as_of):
            position = self.unit_index.get(unit_id)
            if position is not None:
                managers.update(self.units[position].manager_ids)
        managers.discard(person_id)
        return frozenset(managers)

    def site_of(self, person_id: str) -> str:
        """Return the person's own site, else that of the first current unit, else an empty text."""
        person = self.person(person_id)
        if person.site:
            return person.site
        for unit_id in person.unit_ids(self.as_of):
            position = self.unit_index.get(unit_id)
            if position is not None and self.units[position].site:
                return self.units[position].site
        return ""

    @cached_property
    def filled_posts(self) -> tuple[Post, ...]:
        """Posts of the posts table; where none came, one per current employment that has a title and a unit."""
        if self.posts:
            return self.posts
        derived: list[Post] = []
        for person in self.people:
            current = [e for e in person.employments if e.unit_id and e.roles and e.is_current(self.as_of)]
            for number, employment in enumerate(current, start=1):
                derived.append(
                    Post(
                        post_id=f"{person.person_id}:{number}",
                        unit_id=employment.unit_id,
                        roles=_with_shares(employment),
                        holder_id=person.person_id,
                        derived=True,
                    )
                )
        return tuple(derived)

    def current_employments(self, person_id: str) -> tuple[Employment, ...]:
        """Return the person's employments that run on ``as_of``."""
        return tuple(e for e in self.person(person_id).employments if e.is_current(self.as_of))

    def delegations_of(self, person_id: str, as_of: date | None = None) -> tuple[Delegation, ...]:
        """Return what is delegated to a person and holds on a date (None: the staff's), in the units of that date.

        A delegation does not follow the person to another unit (REQ-VAL-15).
        """
        day = as_of or self.as_of
        units = self.person(person_id).unit_ids(day)
        return tuple(d for d in self.delegations if d.delegate_id == person_id and d.holds(day, units))

    def with_decisions(self, decisions: Iterable[Decision] | Any) -> Self:
        """Return a new Staff that remembers these decisions too.

        Parameters
        ----------
        decisions : iterable of Decision, or DataFrame
            A DataFrame has the columns that ``to_tables()["decisions"]`` gives.
        """
        from competence.io import decisions_from_frame

        if hasattr(decisions, "columns"):
            decisions = decisions_from_frame(decisions)
        return self.replace(decisions=(*self.decisions, *decisions), tables=self.tables | {"decisions"})

    def to_tables(self) -> dict[str, list[dict[str, Value]]]:
        """Return everything as tables of plain JSON values, columns as in :data:`TABLE_COLUMNS`.

        Days are ISO texts, enum values their words, several values in one cell joined with ``; ``. Tables without rows
        are left out. Derived posts are not written: they are made again. The table ``staff`` has one row with the date
        and what the columns cannot tell.

        Returns
        -------
        dict of str to list of dict
            One list of rows per table; a row has every column of its table, None where nothing is known.
        """
        tables: dict[str, list[dict[str, Value]]] = {
            "people": [row for person in self.people for row in _person_rows(person)],
            "units": [
                {
                    **{n: getattr(u, n) for n in ("unit_id", "name", "parent_id", "site", "max_moving_share")},
                    "manager_ids": join_cells(u.manager_ids),
                    "start": _iso(u.start),
                    "end": _iso(u.end),
                }
                for u in self.units
            ],
            "posts": [
                {
                    **{n: getattr(p, n) for n in ("post_id", "unit_id", "holder_id", "min_staffing")},
                    "roles": format_roles(p.roles),
                    "role_id": _role_ids(p.roles),
                }
                for p in self.posts
                if not p.derived
            ],
            "role_requirements": [row for role in self.roles for row in _role_rows(role)],
            "statements": [_plain(r, "statements") for r in self.statements],
            "evidence": [_plain(r, "evidence") for r in self.evidence],
            "interests": [_plain(r, "interests") for r in self.interests],
            "travel": [_plain(r, "travel") for r in self.travel],
            "history": [_plain(r, "history") for r in self.history],
            "decisions": [{**_plain(r, "decisions"), "people": join_cells(r.people)} for r in self.decisions],
            "delegations": [_plain(r, "delegations") for r in self.delegations],
            "staff": [
                {
                    "as_of": self.as_of.isoformat(),
                    "linked": self.linked,
                    "protected_count": self.protected_count,
                    "opt_in_columns": join_cells(o for o in OPT_INS if o in self.opt_in_columns),
                    "tables": join_cells(sorted(self.tables)),
                }
            ],
            "title_links": [_plain(r, "title_links") for r in self.title_links.values()],
            "local_concepts": [_concept_row(c) for c in self.local_concepts],
            "unlinked": [
                {**_plain(u, "unlinked"), "nearest": join_cells(f"{concept}={chance!r}" for concept, chance in u.nearest)}
                for u in self.unlinked
            ],
        }
        return {
            name: [{column: row.get(column) for column in TABLE_COLUMNS[name]} for row in rows]
            for name, rows in tables.items()
            if rows
        }

    @classmethod
    def from_tables(
        cls,
        tables: Mapping[str, Iterable[Mapping[str, Any]]],
        *,
        as_of: date | None = None,
        problems: Iterable[Problem] = (),
        row_counts: Iterable[RowCount] = (),
        sources: Iterable[tuple[str, str]] = (),
    ) -> Self:
        """Build a Staff from the tables of :meth:`to_tables`, exactly as it was.

        It is strict, for tables that were written here; files of unknown make go through
        :func:`competence.io.read_staff`, which tells faults as Problems.

        Parameters
        ----------
        tables : mapping of table name to rows
            Missing tables and missing columns are taken for empty.
        as_of : date, optional
            Wins over the one in the table ``staff``; one of the two must be there.
        problems, row_counts, sources : optional
            What the reading said, which stands in no table.

        Raises
        ------
        InputError
            If a table or column is unknown, or a value not allowed; the message names table, row and column.
        """
        for name, rows in tables.items():
            if name not in TABLE_COLUMNS:
                raise InputError(f"table must be one of {', '.join(TABLE_COLUMNS)}; got {name!r}")
            for row in rows:
                odd = sorted(set(row) - set(TABLE_COLUMNS[name]))
                if odd:
                    raise InputError(f"{name} has no column {odd[0]!r}; its columns are {', '.join(TABLE_COLUMNS[name])}")
        read = {name: [_Row(name, i, row) for i, row in enumerate(rows, start=1)] for name, rows in tables.items()}
        meta = (read.get("staff") or [_Row("staff", 1, {})])[0]
        day = as_of or meta.day("as_of")
        if day is None:
            raise InputError("as_of must be given, since the tables have no row in 'staff' that says it")
        came = meta.many("tables")
        return cls(
            as_of=day,
            people=_people_of(read.get("people", [])),
            units=tuple(
                Unit(
                    unit_id=r.text("unit_id"),
                    name=r.text("name"),
                    parent_id=r.text("parent_id") or None,
                    manager_ids=r.many("manager_ids"),
                    site=r.text("site"),
                    max_moving_share=r.number("max_moving_share"),
                    start=r.day("start"),
                    end=r.day("end"),
                )
                for r in read.get("units", [])
            ),
            posts=tuple(
                Post(
                    post_id=r.text("post_id"),
                    unit_id=r.text("unit_id"),
                    roles=r.roles("roles"),
                    holder_id=r.text("holder_id") or None,
                    min_staffing=r.whole("min_staffing"),
                )
                for r in read.get("posts", [])
            ),
            roles=_roles_of(read.get("role_requirements", [])),
            statements=tuple(
                Statement(
                    statement_id=r.text("statement_id"),
                    person_id=r.text("person_id"),
                    text=r.text("text"),
                    lang=r.text("lang"),
                    learnt_where=r.word("learnt_where", LearntWhere) if r.text("learnt_where") else None,
                    day=r.day("day"),
                    source=r.word("source", Source, Source.SELF),
                    level=r.whole("level"),
                    heading=r.yes("heading"),
                    visibility=r.word("visibility", Visibility, Visibility.UNIT),
                )
                for r in read.get("statements", [])
            ),
            evidence=tuple(
                Evidence(
                    evidence_id=r.text("evidence_id"),
                    person_id=r.text("person_id"),
                    concept_id=r.text("concept_id") or None,
                    words=r.text("words"),
                    level=r.whole("level"),
                    source=r.word("source", Source, Source.SELF),
                    learning_form=r.word("learning_form", LearningForm, LearningForm.INFORMAL),
                    day=r.day("day"),
                    author=r.text("author"),
                    statement_id=r.text("statement_id") or None,
                    stage=r.word("stage", ValidationStage, ValidationStage.IDENTIFIED),
                    visibility=r.word("visibility", Visibility, Visibility.ORGANISATION),
                    probability=r.number("probability", 1.0),
                    label=r.text("label"),
                    valid_until=r.day("valid_until"),
                )
                for r in read.get("evidence", [])
            ),
            interests=tuple(
                Interest(
                    person_id=r.text("person_id"),
                    words=r.text("words"),
                    kind=r.word("kind", InterestKind, InterestKind.LEARN),
                    concept_id=r.text("concept_id") or None,
                )
                for r in read.get("interests", [])
            ),
            travel=tuple(
                Travel(from_site=r.text("from_site"), to_site=r.text("to_site"), minutes=r.number("minutes", 0.0))
                for r in read.get("travel", [])
            ),
            history=tuple(
                HistoryEntry(
                    kind=r.word("kind", HistoryKind),
                    person_id=r.text("person_id"),
                    other_id=r.text("other_id") or None,
                    from_unit=r.text("from_unit"),
                    to_unit=r.text("to_unit"),
                    start=r.day("start"),
                    end=r.day("end"),
                )
                for r in read.get("history", [])
            ),
            decisions=tuple(
                Decision(
                    kind=r.text("kind"),
                    choice=r.word("choice", Choice),
                    people=r.many("people"),
                    target=r.text("target"),
                    decided_by=r.text("decided_by"),
                    day=r.day("day"),
                    alternatives=r.text("alternatives"),
                    reasoning=r.text("reasoning"),
                    equality_reasoning=r.text("equality_reasoning"),
                )
                for r in read.get("decisions", [])
            ),
            delegations=tuple(
                Delegation(
                    delegator_id=r.text("delegator_id"),
                    delegate_id=r.text("delegate_id"),
                    task=r.text("task"),
                    unit_id=r.text("unit_id"),
                    start=r.required_day("start"),
                    end=r.required_day("end"),
                )
                for r in read.get("delegations", [])
            ),
            opt_in_columns=frozenset(meta.many("opt_in_columns")),
            tables=frozenset(came or (name for name in TABLES if read.get(name))),
            protected_count=meta.whole("protected_count") or 0,
            linked=meta.yes("linked"),
            title_links=MappingProxyType(
                {
                    r.text("title"): TitleLink(
                        title=r.text("title"),
                        role_id=r.text("role_id") or None,
                        probability=r.number("probability", 0.0),
                        how=r.text("how"),
                        label=r.text("label"),
                    )
                    for r in read.get("title_links", [])
                }
            ),
            local_concepts=tuple(_concept_of(r) for r in read.get("local_concepts", [])),
            unlinked=tuple(
                Unlinked(words=r.text("words"), kind=r.text("kind"), count=r.whole("count") or 0, nearest=r.pairs("nearest"))
                for r in read.get("unlinked", [])
            ),
            problems=Problems(problems),
            row_counts=tuple(row_counts),
            sources=tuple(sources),
        )

    def __repr__(self) -> str:
        parts = [f"{len(getattr(self, f.name))} {f.name}" for f in fields(self) if f.name in _COUNTED and getattr(self, f.name)]
        return f"Staff({', '.join(parts)}; as_of={self.as_of.isoformat()})"


def _without_ids(decision: Decision, hidden: set[str]) -> Decision:
    """Return the decision without hidden people's ids, also where somebody wrote one into a text."""

    def clean(text: str) -> str:
        return "" if hidden.intersection(re.findall(r"[\w-]+", text)) else text

    return replace(
        decision,
        decided_by="" if decision.decided_by in hidden else decision.decided_by,
        alternatives=clean(decision.alternatives),
        reasoning=clean(decision.reasoning),
        equality_reasoning=clean(decision.equality_reasoning),
    )


def _with_shares(employment: Employment) -> tuple[RoleShare, ...]:
    """Return the roles with the employment's share of full time, in equal parts, where the titles themselves give none."""
    if employment.share is None or any(r.share is not None for r in employment.roles):
        return employment.roles
    return tuple(replace(r, share=employment.share / len(employment.roles)) for r in employment.roles)


_COUNTED = {"people", "units", "posts", "roles", "statements", "evidence", "interests", "history", "decisions", "delegations"}

Value = str | int | float | None
_E = TypeVar("_E", bound=StrEnum)


def _iso(day: date | None) -> str | None:
    return day.isoformat() if day else None


def _role_ids(roles: Sequence[RoleShare]) -> str | None:
    """Join the role ids in the order of the titles; a dash holds the place of one not linked."""
    return join_cells(r.role_id or "-" for r in roles) if any(r.role_id for r in roles) else None


def _plain(record: Any, table: str) -> dict[str, Value]:
    """Write a flat record; an enum value is its word, and a day its ISO text."""
    row: dict[str, Value] = {}
    for column in TABLE_COLUMNS[table]:
        value = getattr(record, column)
        row[column] = value.isoformat() if isinstance(value, date) else str(value) if isinstance(value, StrEnum) else value
    return row


def _person_rows(person: Person) -> list[dict[str, Value]]:
    """Write one row per employment; what belongs to the person is repeated on each."""
    own: dict[str, Value] = {
        "person_id": person.person_id,
        "name": person.name,
        "sex": person.sex.value,
        "age_band": person.age_band.value,
        "manager_ids": join_cells(person.manager_ids),
        "site": person.site,
        "capacity": person.capacity,
        **{name: str(getattr(person.opt_ins, name)) for name in OPT_INS},
        "person_end": _iso(person.end),
    }
    return [
        {
            **own,
            "unit_id": e.unit_id,
            "title": format_roles(e.roles),
            "role_id": _role_ids(e.roles),
            "form": e.form,
            "share": e.share,
            "aid": e.aid,
            "start": _iso(e.start),
            "end": _iso(e.end),
        }
        for e in person.employments
    ] or [own]


def _role_rows(role: Role) -> list[dict[str, Value]]:
    own: dict[str, Value] = {
        "role_id": role.role_id,
        "title": role.labels.get("sv"),
        "title_en": role.labels.get("en"),
        "alternative_titles": join_cells(role.alternative_labels.get("sv", ())),
        "alternative_titles_en": join_cells(role.alternative_labels.get("en", ())),
        "sector": role.sector,
        "ssyk": role.ssyk,
        "isco": role.isco,
        "aid": join_cells(role.aid),
        "scheme": role.scheme,
    }
    return [
        {
            **own,
            "concept_id": r.concept_id,
            "level": r.level,
            "importance": r.importance.value,
            "weight": r.weight,
            "hard": r.hard,
            "source": r.source,
        }
        for r in role.requirements
    ] or [own]


def _concept_row(concept: Concept) -> dict[str, Value]:
    return {
        "concept_id": concept.concept_id,
        "kind": concept.kind.value,
        "label_sv": concept.labels.get("sv"),
        "label_en": concept.labels.get("en"),
        "alternatives_sv": join_cells(concept.alternative_labels.get("sv", ())),
        "alternatives_en": join_cells(concept.alternative_labels.get("en", ())),
        "description_sv": concept.descriptions.get("sv"),
        "description_en": concept.descriptions.get("en"),
        "broader": join_cells(concept.broader),
        "related": join_cells(concept.related),
        "currency_months": concept.currency_months,
        "safety_critical": concept.safety_critical,
        "rarely_named": concept.rarely_named,
        "matches": join_cells(f"{predicate}={uri}" for predicate, uri in concept.matches),
        "scheme": concept.scheme,
    }


@dataclass(frozen=True, slots=True)
class _Row:
    """One row of a canonical table, read strictly; faults name table, row and column."""

    table: str
    position: int
    cells: Mapping[str, Any]

    def _fail(self, column: str, allowed: str) -> InputError:
        return InputError(f"{self.table}, row {self.position}, {column} must be {allowed}; got {self.cells.get(column)!r}")

    def text(self, column: str) -> str:
        value = self.cells.get(column)
        return "" if value is None else str(value)

    def many(self, column: str) -> tuple[str, ...]:
        return split_cells(self.text(column))

    def pairs(self, column: str) -> tuple[tuple[str, float], ...]:
        pairs = (part.rpartition("=") for part in self.many(column))
        return tuple((name, self._cast(column, value, float, "a number")) for name, _, value in pairs)

    def roles(self, column: str) -> tuple[RoleShare, ...]:
        roles = parse_roles(self.text(column))
        ids = self.many("role_id")
        if ids and len(ids) != len(roles):
            raise self._fail("role_id", f"one per title ({len(roles)}), a dash where there is none")
        return tuple(replace(r, role_id=None if i == "-" else i) for r, i in zip(roles, ids or ("-",) * len(roles), strict=True))

    def _cast(self, column: str, value: Any, kind: Callable[[Any], Any], allowed: str) -> Any:
        try:
            return kind(value)
        except (TypeError, ValueError):
            raise self._fail(column, allowed) from None

    def _given(self, column: str) -> bool:
        return self.cells.get(column) not in (None, "")

    def day(self, column: str) -> date | None:
        found = self._cast(column, self.text(column), date.fromisoformat, "an ISO date") if self._given(column) else None
        return found if isinstance(found, date) else None

    def required_day(self, column: str) -> date:
        found = self.day(column)
        if found is None:
            raise self._fail(column, "a day as YYYY-MM-DD")
        return found

    def number(self, column: str, default: Any = None) -> Any:
        return self._cast(column, self.cells.get(column), float, "a number") if self._given(column) else default

    def whole(self, column: str) -> int | None:
        return int(self._cast(column, self.cells.get(column), int, "a whole number")) if self._given(column) else None

    def yes(self, column: str) -> bool:
        if self.cells.get(column) not in (None, "", True, False):
            raise self._fail(column, "true or false")
        return bool(self.cells.get(column))

    def word(self, column: str, kind: type[_E], default: _E | None = None) -> _E:
        if not self._given(column) and default is not None:
            return default
        try:
            return kind(self.text(column))
        except ValueError:
            raise self._fail(column, f"one of {', '.join(kind)}") from None


def _people_of(rows: list[_Row]) -> tuple[Person, ...]:
    """Join the rows of each person: the first tells the person, each an employment unless it is empty."""
    grouped: dict[str, list[_Row]] = {}
    for row in rows:
        grouped.setdefault(row.text("person_id"), []).append(row)
    people = []
    for person_id, own in grouped.items():
        first = own[0]
        employments = tuple(
            Employment(
                unit_id=r.text("unit_id"),
                roles=r.roles("title"),
                form=r.text("form"),
                share=r.number("share"),
                aid=r.text("aid"),
                start=r.day("start"),
                end=r.day("end"),
            )
            for r in own
        )
        answers = {name: first.word(name, OptIn, OptIn.NOT_ASKED) for name in OPT_INS}
        people.append(
            Person(
                person_id=person_id,
                name=first.text("name"),
                sex=first.word("sex", Sex, Sex.NOT_STATED),
                age_band=first.word("age_band", AgeBand, AgeBand.NOT_STATED),
                employments=tuple(e for e in employments if e != Employment()),
                manager_ids=first.many("manager_ids"),
                site=first.text("site"),
                capacity=first.whole("capacity"),
                opt_ins=OptIns(**answers),
                end=first.day("person_end"),
            )
        )
    return tuple(people)


def _labels(row: _Row, sv: str, en: str) -> dict[str, str]:
    return {lang: row.text(column) for lang, column in (("sv", sv), ("en", en)) if row.text(column)}


def _label_lists(row: _Row, sv: str, en: str) -> dict[str, tuple[str, ...]]:
    return {lang: row.many(column) for lang, column in (("sv", sv), ("en", en)) if row.many(column)}


def _roles_of(rows: list[_Row]) -> tuple[Role, ...]:
    grouped: dict[str, list[_Row]] = {}
    for row in rows:
        grouped.setdefault(row.text("role_id"), []).append(row)
    return tuple(
        Role(
            role_id=role_id,
            labels=_labels(own[0], "title", "title_en"),
            alternative_labels=_label_lists(own[0], "alternative_titles", "alternative_titles_en"),
            sector=own[0].text("sector"),
            ssyk=own[0].text("ssyk"),
            isco=own[0].text("isco"),
            aid=own[0].many("aid"),
            requirements=tuple(
                Requirement(
                    concept_id=r.text("concept_id"),
                    level=r.whole("level") or 2,
                    importance=r.word("importance", Importance, Importance.ESSENTIAL),
                    weight=r.number("weight", 1.0),
                    hard=r.yes("hard"),
                    source=r.text("source"),
                )
                for r in own
                if r.text("concept_id")
            ),
            scheme=own[0].text("scheme"),
        )
        for role_id, own in grouped.items()
    )


def _concept_of(row: _Row) -> Concept:
    matches = (part.partition("=") for part in row.many("matches"))
    return Concept(
        concept_id=row.text("concept_id"),
        kind=row.word("kind", ConceptKind, ConceptKind.SKILL),
        labels=_labels(row, "label_sv", "label_en"),
        alternative_labels=_label_lists(row, "alternatives_sv", "alternatives_en"),
        descriptions=_labels(row, "description_sv", "description_en"),
        broader=row.many("broader"),
        related=row.many("related"),
        currency_months=row.whole("currency_months"),
        safety_critical=row.yes("safety_critical"),
        rarely_named=row.yes("rarely_named"),
        matches=tuple((predicate, uri) for predicate, _, uri in matches),
        scheme=row.text("scheme"),
    )
