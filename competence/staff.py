"""Staff: the immutable data set of one employer's people and everything the files say of them.

This module decides what a consistent data set is: ids resolve, protected people are gone and only counted, posts are
derived from employments where no table of posts came. It opens no file (:mod:`competence.io` does) and links no
words (:mod:`competence.linking` does); both return a new Staff.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import date
from functools import cached_property
from types import MappingProxyType
from typing import Any, Self

from competence.errors import InputError, Problems, UnknownIdError
from competence.model import (
    Concept,
    Decision,
    Employment,
    Evidence,
    HistoryEntry,
    Interest,
    Person,
    Post,
    Role,
    Statement,
    Travel,
    Unit,
)

__all__ = ["OPT_INS", "RowCount", "Staff", "TitleLink", "Unlinked"]

OPT_INS = ("mentor", "mentee", "rotation", "expert", "prompts")


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
            raise InputError(f"{self.file} {self.table}: {self.read} rows read but {self.kept} kept and {self.set_aside} set aside")


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
    units, posts, roles, statements, evidence, interests, travel, history, decisions : tuple
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
        put("decisions", tuple(d for d in self.decisions if not hidden.intersection(d.people)))
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
                        roles=employment.roles,
                        holder_id=person.person_id,
                        derived=True,
                    )
                )
        return tuple(derived)

    def current_employments(self, person_id: str) -> tuple[Employment, ...]:
        """Return the person's employments that run on ``as_of``."""
        return tuple(e for e in self.person(person_id).employments if e.is_current(self.as_of))

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

    def __repr__(self) -> str:
        parts = [f"{len(getattr(self, f.name))} {f.name}" for f in fields(self) if f.name in _COUNTED and getattr(self, f.name)]
        return f"Staff({', '.join(parts)}; as_of={self.as_of.isoformat()})"


_COUNTED = {"people", "units", "posts", "roles", "statements", "evidence", "interests", "history", "decisions"}
