"""What lies unused: evidenced, and asked for by no current role of its holder; how near it is asked for, and where."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from datetime import date
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from competence._texts import text
from competence.equality import GroupTable, TableKind
from competence.errors import InputError, UnknownIdError
from competence.graph import CompetenceGraph
from competence.group._holdings import N_LEVELS, Entries, Places, ranges
from competence.group._told import labels_of, listed, plain
from competence.model import Requirement
from competence.settings import Settings

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "AskedWhere",
    "UnitUnused",
    "UnusedCompetence",
    "UnusedConcept",
    "UnusedHolding",
    "Wanted",
    "unused_competence",
]


class AskedWhere(StrEnum):
    """Nearest place that asks for what no current role of its holder asks for."""

    UNIT = "unit"
    """A colleague's role, or a vacant post, in a unit of the holder."""
    ELSEWHERE = "elsewhere"
    """Nobody's role in a unit of the holder, but one in another unit."""
    NOWHERE = "nowhere"
    """No role held and no vacant post anywhere."""


_ASKED = tuple(AskedWhere)


@dataclass(frozen=True, slots=True, kw_only=True)
class UnusedHolding:
    """Something a person has evidence of and no current role of the person asks for; level 0 is to be re-confirmed."""

    person_id: str
    concept_id: str
    level: int
    confidence: float
    asked: AskedWhere


@dataclass(frozen=True, slots=True, kw_only=True)
class UnusedConcept:
    """Who holds a concept unused, at a level that counts: ids, how many at each level, and how near it is asked for."""

    concept_id: str
    people: tuple[str, ...]
    levels: tuple[int, int, int, int, int]
    asked: tuple[tuple[AskedWhere, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitUnused:
    """How much lies unused in one unit: people, those of them who hold something unused, holdings and concepts that count."""

    unit_id: str
    name: str
    people: int
    with_unused: int
    holdings: int
    concepts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A role in a unit that asks for a concept, and how many there reach the level (by proof, where law asks).

    ``people`` hold the role there, ``reaching`` of them reach the level, ``vacant`` posts ask as well; ``missing`` is what
    remains.
    """

    unit_id: str
    unit: str
    role_id: str
    level: int
    weight: float
    hard: bool
    people: int
    reaching: int
    vacant: int

    @property
    def missing(self) -> int:
        """How many places there have nobody who reaches the level."""
        return self.people - self.reaching + self.vacant


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class UnusedCompetence:
    """What is evidenced and asked for by no current role of its holder; lists persons (a *named* result, DESIGN 8).

    Attributes
    ----------
    people : tuple of str
        Whom it covers, in the order of ids.
    by_sex : GroupTable
        People, those with something unused, those whose unused competence is asked for somewhere (named).
    audience, scope, as_of, settings
        As for :class:`GroupMap`.
    """

    people: tuple[str, ...]
    by_sex: GroupTable
    audience: str
    as_of: date
    settings: Settings
    scope: str = "unscoped"
    _graph: CompetenceGraph = field(repr=False)
    _demand: _Demand = field(repr=False)
    _rows: NDArray[np.int64] = field(repr=False)
    _entries: Entries = field(repr=False)
    _asked: NDArray[np.int64] = field(repr=False)

    def __repr__(self) -> str:
        held = int((self._entries.rounded > 0).sum())
        return f"UnusedCompetence({len(self.people)} people, {held} holdings of {len(self.concepts)} concepts)"

    def __len__(self) -> int:
        return len(self._asked)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, UnusedCompetence) and self.to_dict() == other.to_dict()

    def __hash__(self) -> int:
        return hash((self.people, len(self), self.as_of))

    @cached_property
    def holdings(self) -> tuple[UnusedHolding, ...]:
        """Every unused holding, by person and then the surest first."""
        e = self._entries
        found = [
            UnusedHolding(
                person_id=self.people[i],
                concept_id=self._graph.concept_ids[c],
                level=level,
                confidence=confidence,
                asked=_ASKED[asked],
            )
            for i, c, level, confidence, asked in zip(
                *(e.person.tolist(), e.concept.tolist(), e.rounded.tolist(), e.confidence.tolist(), self._asked.tolist()),
                strict=True,
            )
        ]
        return tuple(sorted(found, key=lambda h: (h.person_id, -h.confidence, h.concept_id)))

    def of_person(self, person_id: str) -> tuple[UnusedHolding, ...]:
        """Return what one person holds unused, the surest first.

        Raises
        ------
        UnknownIdError
            If the person is not among those covered.
        """
        return self._of(np.array([self._graph.row(person_id)])).holdings

    def of_unit(self, unit: str) -> UnusedCompetence:
        """Return the same for the people of one unit and those below it."""
        return self._of(self._graph.rows(None, [unit]))

    def _of(self, rows: NDArray[np.int64]) -> UnusedCompetence:
        kept = np.intersect1d(rows, self._rows)
        if len(kept) < len(rows) and len(rows) == 1:
            raise UnknownIdError(f"person {self._graph.person_ids[int(rows[0])]!r} is not among the {len(self.people)} covered")
        return _unused_of(self._graph, kept, self._demand)

    @cached_property
    def concepts(self) -> tuple[UnusedConcept, ...]:
        """Every concept somebody holds unused at a level that counts; most holders first, ties by id."""
        e, counts = self._entries, self._entries.rounded > 0
        by_concept: dict[int, tuple[list[str], list[int], list[int]]] = {}
        for i, c, level, asked in zip(
            *(e.person[counts].tolist(), e.concept[counts].tolist(), e.rounded[counts].tolist(), self._asked[counts].tolist()),
            strict=True,
        ):
            people, levels, near = by_concept.setdefault(c, ([], [0] * N_LEVELS, [0] * len(_ASKED)))
            people.append(self.people[i])
            levels[level - 1] += 1
            near[asked] += 1
        found = []
        for c, (people, (one, two, three, four, five), near) in by_concept.items():
            places = tuple((where, n) for where, n in zip(_ASKED, near, strict=True) if n)
            levels_of = (one, two, three, four, five)
            concept_id = self._graph.concept_ids[c]
            found.append(UnusedConcept(concept_id=concept_id, people=tuple(people), levels=levels_of, asked=places))
        return tuple(sorted(found, key=lambda u: (-len(u.people), u.concept_id)))

    @cached_property
    def units(self) -> tuple[UnitUnused, ...]:
        """How much lies unused in each unit that somebody covered works in, units below it not counted in; by id."""
        members: dict[str, list[int]] = {}
        for i, row in enumerate(self._rows.tolist()):
            for unit_id in self._graph.units_of[row]:
                members.setdefault(unit_id, []).append(i)
        counts = self._entries.rounded > 0
        person, concept = self._entries.person[counts], self._entries.concept[counts]
        starts = np.searchsorted(person, np.arange(len(self.people) + 1))
        lengths = np.diff(starts)
        found = []
        for unit_id, own in sorted(members.items()):
            here = lengths[own]
            found.append(
                UnitUnused(
                    unit_id=unit_id,
                    name=self._graph.unit_name(unit_id),
                    people=len(own),
                    with_unused=int((here > 0).sum()),
                    holdings=int(here.sum()),
                    concepts=len(np.unique(concept[ranges(starts[own], here)])),
                )
            )
        return tuple(found)

    def wanted(self, concept_id: str) -> tuple[Wanted, ...]:
        """Return the roles, unit by unit, that ask for a concept; most places without anybody first.

        The list goes on for the whole employer, whoever is covered; :meth:`to_dict` keeps ``settings.group.places`` of each.

        Raises
        ------
        UnknownIdError
            If there is no such concept.
        """
        self._graph.taxonomy.concept(concept_id)
        return self._demand.wanted(self._graph, concept_id)

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values: holdings, concepts with where each is wanted, units, figures by sex."""
        most = self.settings.group.places
        concepts = {c: self._graph.taxonomy.concepts[c] for c in dict.fromkeys(h.concept_id for h in self.holdings)}
        return plain(self) | {
            "holdings": [plain(h) for h in self.holdings],
            "concepts": [
                plain(c) | {"wanted": [plain(w) | {"missing": w.missing} for w in self.wanted(c.concept_id)[:most]]}
                for c in self.concepts
            ],
            "units": [plain(u) for u in self.units],
            "labels": labels_of(concepts),
        }

    def to_frame(self, lang: str = "sv") -> pd.DataFrame:
        """Return one row per holding: person_id, name, units, concept_id, label, level, confidence, asked."""
        import pandas as pd

        graph, e = self._graph, self._entries
        ids = np.array([*self.people, ""], dtype=object)
        names = np.array([*(graph.people[r].name for r in self._rows.tolist()), ""], dtype=object)
        units = [", ".join(graph.unit_name(u) for u in graph.units_of[r]) for r in self._rows.tolist()]
        columns, inverse = np.unique(e.concept, return_inverse=True)
        concepts = [graph.concept_ids[c] for c in columns.tolist()]
        labels = [graph.taxonomy.concepts[c].label(lang) for c in concepts]
        return pd.DataFrame(
            {
                "person_id": ids[e.person],
                "name": names[e.person],
                "units": np.array([*units, ""], dtype=object)[e.person],
                "concept_id": np.array([*concepts, ""], dtype=object)[inverse],
                "label": np.array([*labels, ""], dtype=object)[inverse],
                "level": e.rounded,
                "confidence": e.confidence,
                "asked": np.array([a.value for a in _ASKED], dtype=object)[self._asked],
            }
        )

    def explain(self, lang: str = "sv") -> str:
        """Say in a few sentences how much lies unused and what most people hold."""
        held = self._entries.rounded > 0
        near = np.bincount(self._asked[held], minlength=len(_ASKED)).tolist()
        row = self.by_sex["with_unused"]
        lines = [text("unused.people", lang, n=row.total, people=len(self.people))]
        if self.concepts:
            most = [self._graph.taxonomy.concepts[c.concept_id].label(lang) for c in self.concepts]
            lines.append(text("unused.near", lang, unit=near[0], elsewhere=near[1], nowhere=near[2]))
            lines.append(text("unused.most", lang, concepts=listed(most, lang)))
        return "\n".join(lines)


@dataclass(frozen=True, slots=True)
class _Demand:
    """Rows of the holders and vacant posts per (unit, role), and what they ask for: in a unit, and at all."""

    holders: Mapping[tuple[str, str], NDArray[np.int64]]
    vacant: Mapping[tuple[str, str], int]
    unit_index: Mapping[str, int]
    asked_in_unit: NDArray[np.int64]
    asked: NDArray[np.bool_]
    by_concept: Mapping[str, tuple[tuple[str, Requirement], ...]]
    by_role: Mapping[str, tuple[str, ...]]

    @classmethod
    def of(cls, graph: CompetenceGraph) -> _Demand:
        holders: dict[tuple[str, str], dict[int, None]] = {}
        vacant: dict[tuple[str, str], int] = {}
        for row, person in enumerate(graph.people):
            for employment in person.employments:
                if employment.is_current(graph.as_of):
                    for role in employment.roles:
                        if role.role_id and role.role_id in graph.role_index:
                            holders.setdefault((employment.unit_id, role.role_id), {})[row] = None
        known = graph.staff.person_index
        for post in graph.staff.posts:
            row_of = graph.person_index.get(post.holder_id or "")
            # Whoever has left leaves a vacancy; a holder the files do not tell of is nobody's business.
            free = not post.holder_id or (row_of is None and post.holder_id in known)
            for role_id in sorted({r.role_id for r in post.roles if r.role_id and r.role_id in graph.role_index}):
                if row_of is not None:
                    holders.setdefault((post.unit_id, role_id), {})[row_of] = None
                elif free:
                    vacant[post.unit_id, role_id] = vacant.get((post.unit_id, role_id), 0) + 1
        pairs = sorted({*holders, *vacant})
        unit_index = {unit_id: k for k, unit_id in enumerate(dict.fromkeys(unit_id for unit_id, _ in pairs))}
        by_role: dict[str, list[str]] = {}
        for unit_id, role_id in pairs:
            by_role.setdefault(role_id, []).append(unit_id)
        by_concept: dict[str, list[tuple[str, Requirement]]] = {}
        asked = np.zeros(len(graph.concept_ids), dtype=np.bool_)
        keys = [np.empty(0, np.int64)]
        for role_id, units in by_role.items():
            requirements = graph.taxonomy.roles[role_id].requirements
            columns = np.fromiter((graph.concept_index[r.concept_id] for r in requirements), np.int64, len(requirements))
            asked[columns] = True
            for r in requirements:
                by_concept.setdefault(r.concept_id, []).append((role_id, r))
            numbers = np.fromiter((unit_index[u] for u in units if u), np.int64)
            keys.append((numbers[:, None] * len(asked) + columns).ravel())
        return cls(
            {pair: np.fromiter(rows, np.int64, len(rows)) for pair, rows in holders.items()},
            vacant,
            unit_index,
            np.unique(np.concatenate(keys)),
            asked,
            {c: tuple(found) for c, found in by_concept.items()},
            {r: tuple(found) for r, found in by_role.items()},
        )

    def wanted(self, graph: CompetenceGraph, concept_id: str) -> tuple[Wanted, ...]:
        found = []
        column = graph.concept_index[concept_id]
        for role_id, r in self.by_concept.get(concept_id, ()):
            level = graph.column("formal_level" if r.hard else "rounded", column)
            for unit_id in self.by_role[role_id]:
                rows = self.holders.get((unit_id, role_id), np.empty(0, np.int64))
                found.append(
                    Wanted(
                        unit_id=unit_id,
                        unit=graph.unit_name(unit_id),
                        role_id=role_id,
                        level=r.level,
                        weight=r.weight,
                        hard=r.hard,
                        people=len(rows),
                        reaching=int((level[rows] >= r.level).sum()),
                        vacant=self.vacant.get((unit_id, role_id), 0),
                    )
                )
        return tuple(sorted(found, key=lambda w: (-w.missing, -w.weight, w.unit_id, w.role_id)))


def unused_competence(
    graph: CompetenceGraph,
    *,
    people: Iterable[str] | None = None,
    units: Iterable[str] | None = None,
    settings: Settings | None = None,
) -> UnusedCompetence:
    """Find what people have evidence of and none of their current roles asks for: hidden competence of the first kind.

    Parameters
    ----------
    graph : CompetenceGraph
        Its audience decides which evidence is seen at all.
    people, units : iterable of str or None
        Only these ids, or these units and those below them; None covers everybody.
    settings : Settings or None
        None means the graph's.

    Returns
    -------
    UnusedCompetence
        Holdings per person, concepts, units, and for each concept where it would be wanted. Each holding says where the
        nearest role is that asks for it (:class:`AskedWhere`): in a unit of the holder, elsewhere, or nowhere.

    Raises
    ------
    UnknownIdError
        If a person or unit does not exist.
    InputError
        If both people and units are given.

    Notes
    -----
    Holdings that are to be re-confirmed are listed with level 0 and counted in no figure. Vacant posts ask like held ones.
    What may be published stands in :func:`competence.organisation.unused_figures`. O(holdings + requirements of everybody).
    """
    if people is not None and units is not None:
        raise InputError("give people or units, not both: units take in everybody who works there")
    graph = graph.seen(settings=settings)
    return _unused_of(graph, graph.rows(people, units), _Demand.of(graph))


def _unused_of(graph: CompetenceGraph, rows: NDArray[np.int64], demand: _Demand) -> UnusedCompetence:
    m = len(graph.concept_ids)
    entries = Entries.of(graph, rows)
    places = Places.of(graph, [graph.person_roles[row] for row in rows.tolist()])
    free = ~np.isin(entries.person * m + entries.concept, places.person * m + places.concept)
    unused = Entries(*(getattr(entries, f.name)[free] for f in fields(Entries)))
    # Units of each person, flat, so that each holding can be looked up in every unit of its holder.
    own = [[demand.unit_index[u] for u in graph.units_of[row] if u in demand.unit_index] for row in rows.tolist()]
    n_units = np.fromiter((len(u) for u in own), np.int64, len(own))
    flat = np.fromiter((u for found in own for u in found), np.int64, int(n_units.sum()))
    lengths = n_units[unused.person]
    at = ranges((np.cumsum(n_units) - n_units)[unused.person], lengths)
    of = np.repeat(np.arange(len(unused.person)), lengths)
    here = np.isin(flat[at] * m + unused.concept[of], demand.asked_in_unit)
    near = np.bincount(of[here], minlength=len(unused.person)) > 0
    asked = np.where(near, 0, np.where(demand.asked[unused.concept], 1, 2)).astype(np.int64)
    ids = [graph.person_ids[row] for row in rows.tolist()]
    counts = unused.rounded > 0
    table = {
        "people": ids,
        "with_unused": [ids[i] for i in np.unique(unused.person[counts]).tolist()],
        "unused_wanted": [ids[i] for i in np.unique(unused.person[counts & (asked < 2)]).tolist()],
    }
    sex = {p: graph.people[row].sex for p, row in zip(ids, rows.tolist(), strict=True)}
    return UnusedCompetence(
        people=tuple(ids),
        by_sex=GroupTable(table, sex, kind=TableKind.NAMED),
        audience=graph.audience.value,
        as_of=graph.as_of,
        settings=graph.settings,
        _graph=graph,
        _demand=demand,
        _rows=rows,
        _entries=unused,
        _asked=asked,
    )
