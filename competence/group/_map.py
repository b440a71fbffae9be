"""What a group holds together beside what the roles held in it ask for.

A *place* is one person of whom a concept is asked at a level. Places are filled by anybody in the group, each by another
person who reaches the level; nobody is counted for being near it. With ``n(L)`` places that ask for level L or more and
``h(L)`` people who hold L or more, as many places as can be filled are

    filled = n(1) - max(0, max over L of (n(L) - h(L)))

since whoever can fill a place can fill every lower one (the deficiency form of Hall's theorem; Ore 1955,
https://doi.org/10.1215/S0012-7094-55-02268-7). The coverage of the group is ``sum(weight * filled / n) / sum(weight)`` where the
weight of a concept is that of all its places. Law-bound places are filled by formal proof only, and gate: they are told beside
the coverage and never weighed in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from competence._texts import text
from competence.equality import GroupTable, TableKind
from competence.errors import InputError, UnknownIdError
from competence.fit import coverage
from competence.graph import CompetenceGraph
from competence.group._holdings import N_LEVELS, Entries, Places
from competence.group._told import labels_of, listed, plain, whole_per_cent
from competence.model import Concept, ConceptKind, Sex, Unit
from competence.settings import Settings

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["CommonUnused", "Contribution", "Depth", "GroupMap", "GroupNeed", "SingleHolder", "group_map", "map_units"]


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupNeed:
    """What the roles held in a group ask for of one concept, and how far the group fills it.

    Parameters
    ----------
    concept_id : str
        The concept.
    hard : bool
        Whether law asks for it; then only formal proof counts, and it is in no weighted figure.
    asked : tuple of (int, int)
        Level and how many people it is asked of, the highest level first.
    reaching : tuple of (int, int)
        The same levels, each with how many in the group reach it.
    needed, filled : int
        Places, and how many of them can be filled at once, each by another person.
    own : int
        Those of whom it is asked who reach the level themselves; at most ``filled``.
    weight : float
        Sum of the weights of the places.
    fit : float
        How near those come themselves of whom it is asked (DESIGN 6): sum(weight * min(level / asked, 1)) / sum(weight).
    """

    concept_id: str
    hard: bool
    asked: tuple[tuple[int, int], ...]
    reaching: tuple[tuple[int, int], ...]
    needed: int
    filled: int
    own: int
    weight: float
    fit: float

    @property
    def coverage(self) -> float:
        """Share of the places that the group can fill, in [0, 1]."""
        return self.filled / self.needed

    @property
    def short(self) -> int:
        """Places that nobody in the group can fill."""
        return self.needed - self.filled


@dataclass(frozen=True, slots=True, kw_only=True)
class Depth:
    """Who in a group holds a concept: how many at each level, highest last, and who, the highest first.

    ``reconfirm`` people have evidence that is too old or too weak to count; they stand last in ``people``, with level 0.
    """

    concept_id: str
    levels: tuple[int, int, int, int, int]
    reconfirm: int
    people: tuple[tuple[str, int], ...]

    @property
    def holders(self) -> int:
        """How many hold it, at any level that counts."""
        return sum(self.levels)


@dataclass(frozen=True, slots=True, kw_only=True)
class Contribution:
    """What one person adds that nobody else in the group has.

    Parameters
    ----------
    person_id : str
        Whom it is about.
    marginal : float
        Coverage of the group less its coverage without the person, who leaves the places behind; in [0, 1].
    places : tuple of str
        Concepts of which one place less could be filled, law-bound ones among them.
    alone : tuple of str
        Concepts that nobody else in the group holds at any level.
    """

    person_id: str
    marginal: float
    places: tuple[str, ...]
    alone: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CommonUnused:
    """A concept that several hold and that no role of any holder asks for; ``asked_here`` of others in the group."""

    concept_id: str
    people: tuple[str, ...]
    asked_here: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SingleHolder:
    """Something that one person alone bears: the only one at the lowest level ``asked``, or, unasked (None), the only holder."""

    concept_id: str
    person_id: str
    level: int
    asked: int | None
    hard: bool = False


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class GroupMap:
    """What a group holds together, beside what the roles held in it ask for; names persons (a *named* result, DESIGN 8).

    Attributes
    ----------
    title : str
        The unit's name; empty for people given by id.
    unit_ids : tuple of str
        The units mapped, those below them not listed; empty for people given by id.
    people : tuple of str
        The group, in the order of ids.
    roles : tuple of (str, int)
        Roles held in the group and by how many.
    coverage : float or None
        Share of what is asked for that the group can fill together, in [0, 1]; None when nothing weighed is asked for.
    own : float or None
        The same counting only those of whom it is asked; what lies between the two is carried by colleagues.
    fit : float or None
        How near those come themselves of whom it is asked: sum(weight * min(level / asked, 1)) / sum(weight) over all places.
    needs : tuple of GroupNeed
        What is short first.
    depth : tuple of Depth
        Every concept held, in the order of ids.
    contributions : tuple of Contribution
        Everybody, in the order of ids: no ranking.
    unused_in_common : tuple of CommonUnused
        Held by ``settings.group.common`` or more, asked of no holder.
    single_holders : tuple of SingleHolder
        What is asked for first.
    languages : tuple of Depth
        The languages among ``depth``.
    by_sex : GroupTable
        People, those alone with something asked for, those with something unused (named: counts as they are).
    audience, scope, as_of, settings
        Whose view it is (evidence of narrower visibility is left out), ``unscoped`` as for every call of the library, the
        date, and the settings used.
    """

    title: str
    unit_ids: tuple[str, ...]
    people: tuple[str, ...]
    roles: tuple[tuple[str, int], ...]
    coverage: float | None
    own: float | None
    fit: float | None
    needs: tuple[GroupNeed, ...]
    depth: tuple[Depth, ...]
    contributions: tuple[Contribution, ...]
    unused_in_common: tuple[CommonUnused, ...]
    single_holders: tuple[SingleHolder, ...]
    languages: tuple[Depth, ...]
    by_sex: GroupTable
    audience: str
    as_of: date
    settings: Settings
    scope: str = "unscoped"
    _concepts: Mapping[str, Concept] = field(repr=False)
    _sex: Mapping[str, Sex] = field(repr=False)

    def __repr__(self) -> str:
        held = "nothing asked for" if self.coverage is None else f"coverage {self.coverage:.3f}"
        name = f"{self.title!r}, " if self.title else ""
        return f"GroupMap({name}{len(self.people)} people, {held}, {len(self.needs)} asked for, {len(self.depth)} held)"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, GroupMap) and self.to_dict() == other.to_dict()

    def __hash__(self) -> int:
        return hash((self.people, self.unit_ids, self.coverage, self.as_of))

    @cached_property
    def _need_of(self) -> Mapping[str, GroupNeed]:
        """The need of each concept; where it is asked both by law and without, that without."""
        return {n.concept_id: n for n in sorted(self.needs, key=lambda n: not n.hard)}

    @cached_property
    def _depth_of(self) -> Mapping[str, Depth]:
        return {d.concept_id: d for d in self.depth}

    def by_sex_of(self, concept_id: str) -> GroupTable:
        """Return women, men and total who hold a concept, and who reach the lowest level asked for (named).

        Raises
        ------
        UnknownIdError
            If the concept is neither held nor asked for in the group.
        """
        if concept_id not in self._concepts:
            raise UnknownIdError(
                f"concept {concept_id!r} is neither held nor asked for in the group of {len(self.people)} people"
            )
        depth, need = self._depth_of.get(concept_id), self._need_of.get(concept_id)
        held = [(p, level) for p, level in depth.people if level] if depth else []
        rows = {"people": self.people, "holders": [p for p, _ in held]}
        if need is not None and not need.hard:
            rows["reaching"] = [p for p, level in held if level >= need.asked[-1][0]]
        return GroupTable(rows, self._sex, kind=TableKind.NAMED)

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values; ``labels`` says every concept in both languages."""
        return plain(self) | {"labels": labels_of(self._concepts)}

    def to_frame(self, lang: str = "sv") -> pd.DataFrame:
        """Return one row per concept asked for or held: what is asked, what is filled, and how many hold which level.

        A concept asked for both by law and without has two rows. Missing values stand where nothing is asked.
        """
        import pandas as pd

        common = {c.concept_id for c in self.unused_in_common}
        single = {s.concept_id: s.person_id for s in self.single_holders}
        asked = {n.concept_id for n in self.needs}
        rows = []
        for need, concept_id in [
            *((n, n.concept_id) for n in self.needs),
            *((None, c) for c in self._depth_of if c not in asked),
        ]:
            depth, concept = self._depth_of.get(concept_id), self._concepts[concept_id]
            told = (
                (need.hard, need.asked[0][0], need.asked[-1][0], need.needed, need.filled, need.own, need.coverage, need.fit)
                if need
                else (None,) * 8
            )
            levels = depth.levels if depth else (0,) * N_LEVELS
            rows.append(
                (
                    *(concept_id, concept.label(lang), concept.kind.value, *told),
                    *(sum(levels), *levels, depth.reconfirm if depth else 0, concept_id in common, single.get(concept_id)),
                )
            )
        columns = ["concept_id", "label", "kind", "hard", "asked_highest", "asked_lowest", "needed", "filled", "own"]
        columns += ["coverage", "fit", "holders", *(f"level_{k}" for k in range(1, N_LEVELS + 1))]
        columns += ["reconfirm", "unused_in_common", "single_holder"]
        whole = dict.fromkeys(("asked_highest", "asked_lowest", "needed", "filled", "own"), "Int64")
        return pd.DataFrame(rows, columns=columns).astype(
            whole | {"hard": "boolean", "coverage": "Float64", "fit": "Float64", "single_holder": "string"}
        )

    def explain(self, lang: str = "sv") -> str:
        """Say in a few sentences what the group covers, where it is short and on whom alone it rests."""

        def told(concepts: Iterable[str]) -> str:
            return listed([self._concepts[c].label(lang) for c in concepts], lang)

        lines = [text("group_map.people", lang, people=len(self.people), unit=self.title or text("group_map.the_group", lang))]
        if self.coverage is None or self.own is None:
            lines.append(text("group_map.nothing_asked", lang))
        else:
            lines.append(text("group_map.coverage", lang, covered=whole_per_cent(self.coverage), own=whole_per_cent(self.own)))
        parts = {
            "short": [n.concept_id for n in self.needs if n.short and not n.hard],
            "hard_short": [n.concept_id for n in self.needs if n.short and n.hard],
            "single": list(dict.fromkeys(s.concept_id for s in self.single_holders if s.asked is not None)),
            "unused": [c.concept_id for c in self.unused_in_common],
            "languages": [d.concept_id for d in self.languages if d.holders],
        }
        lines += [text(f"group_map.{key}", lang, n=len(found), concepts=told(found)) for key, found in parts.items() if found]
        return "\n".join(lines)


def group_map(
    graph: CompetenceGraph, people_or_unit: str | Unit | Iterable[str], *, settings: Settings | None = None
) -> GroupMap:
    """Map what a group holds together beside what the roles held in it ask for.

    Parameters
    ----------
    graph : CompetenceGraph
        Its audience decides which evidence is seen at all.
    people_or_unit : str, Unit or iterable of str
        Name or id of a unit, which takes in those below it, or ids of people. Of a person in a unit only the roles held
        there ask; of people given by id all current roles do. Vacant posts ask for nothing here.
    settings : Settings or None
        None means the graph's.

    Returns
    -------
    GroupMap
        A unit without people gives an empty map.

    Raises
    ------
    UnknownIdError
        If the unit or a person does not exist.
    InputError
        If no people are given.

    Notes
    -----
    Where several roles of a person ask for one concept, the person is one place at the highest level with the highest weight.
    Formulas stand at the head of the module. O(holdings and requirements of the group).

    Examples
    --------
    >>> from competence.graph import build_graph
    >>> from competence.linking import Linker
    >>> from competence.model import Employment, Evidence, Person, Requirement, Role, RoleShare, Source
    >>> from competence.staff import Staff
    >>> from competence.taxonomy import Taxonomy
    >>> concepts = [Concept(concept_id="finnish", labels={"sv": "finska"}, kind=ConceptKind.LANGUAGE)]
    >>> roles = [Role(role_id="host", labels={"sv": "värd"}, requirements=(Requirement(concept_id="finnish", level=3),))]
    >>> taxonomy = Taxonomy.of(concepts, roles)
    >>> work = Employment(unit_id="u", roles=(RoleShare(title="värd", role_id="host"),))
    >>> people = tuple(Person(person_id=p, employments=(work,)) for p in ("1", "2"))
    >>> day = date(2026, 1, 1)
    >>> evidence = (Evidence(evidence_id="e", person_id="2", concept_id="finnish", level=4, source=Source.MANAGER, day=day),)
    >>> staff = Staff(people=people, units=(Unit(unit_id="u", name="Torget"),), evidence=evidence, as_of=day, linked=True)
    >>> found = group_map(build_graph(staff, taxonomy, linker=Linker.fit(taxonomy, cache=False)), "Torget")
    >>> found
    GroupMap('Torget', 2 people, coverage 0.500, 1 asked for, 1 held)
    >>> [(c.person_id, c.marginal) for c in found.contributions]
    [('1', 0.0), ('2', 0.5)]
    """
    graph = graph.seen(settings=settings)
    if isinstance(people_or_unit, str | Unit):
        unit = graph.staff.find_unit(people_or_unit.unit_id if isinstance(people_or_unit, Unit) else people_or_unit)
        return map_units(graph, (unit,))
    rows = graph.rows(people_or_unit)
    if not len(rows):
        raise InputError("people_or_unit must be a unit or at least one person's id; got no people")
    return _map(graph, rows, None, "", ())


def map_units(graph: CompetenceGraph, units: Sequence[Unit]) -> GroupMap:
    """Map one unit, or several as if they were one."""
    within = frozenset[str]().union(*(graph.staff.units_below(u.unit_id) for u in units))
    rows = np.array(sorted({row for unit_id in within for row in graph.unit_rows.get(unit_id, ())}), dtype=np.int64)
    title = " + ".join(graph.unit_name(u.unit_id) for u in units)
    return _map(graph, rows, within, title, tuple(u.unit_id for u in units))


def _roles_within(graph: CompetenceGraph, rows: NDArray[np.int64], within: frozenset[str]) -> list[tuple[str, ...]]:
    """Return the roles that each person holds in some units: another job elsewhere asks for nothing here."""
    found: list[set[str]] = [
        {
            role.role_id
            for employment in graph.people[row].employments
            if employment.unit_id in within and employment.is_current(graph.as_of)
            for role in employment.roles
            if role.role_id and role.role_id in graph.role_index
        }
        for row in rows.tolist()
    ]
    # A post can add only what the employments here do not say already; most say all, and the posts need not be gone through.
    open_rows = {graph.person_ids[r]: i for i, r in enumerate(rows.tolist()) if not found[i].issuperset(graph.person_roles[r])}
    for post in graph.staff.posts if open_rows else ():
        if post.holder_id in open_rows and post.unit_id in within:
            found[open_rows[post.holder_id]].update(r.role_id for r in post.roles if r.role_id and r.role_id in graph.role_index)
    return [tuple(sorted(r)) for r in found]


def _at_least(row: NDArray[np.int64], level: NDArray[np.int64], n_rows: int) -> NDArray[np.int64]:
    """Count, per row, how many have level L or more, shape (n_rows, 5) for L = 1 to 5."""
    counts = np.bincount(row * (N_LEVELS + 1) + level, minlength=n_rows * (N_LEVELS + 1)).reshape(n_rows, N_LEVELS + 1)
    return np.asarray(counts[:, ::-1].cumsum(axis=1)[:, ::-1][:, 1:], dtype=np.int64)


@dataclass(frozen=True, slots=True)
class _Measured:
    """The needs of a group as arrays: key (column * 2 + hard) per need, places, fillers, and who fills what."""

    key: NDArray[np.int64]
    asked: NDArray[np.int64]
    reach: NDArray[np.int64]
    own: NDArray[np.int64]
    weight: NDArray[np.float64]
    fit: NDArray[np.float64]
    unfilled: NDArray[np.int64]
    filler: NDArray[np.int64]
    filler_need: NDArray[np.int64]
    filler_level: NDArray[np.int64]
    critical: NDArray[np.bool_]

    @property
    def needed(self) -> NDArray[np.int64]:
        return self.asked[:, 0]

    @property
    def filled(self) -> NDArray[np.int64]:
        return self.needed - self.unfilled

    @property
    def weighed(self) -> NDArray[np.float64]:
        """Weight of each need, 0 where law asks."""
        return np.where(self.key % 2 == 0, self.weight, 0.0)


def _measure(places: Places, entries: Entries, n_concepts: int) -> _Measured:
    key, need = np.unique(places.concept * 2 + places.hard, return_inverse=True)
    asked = _at_least(need, places.level, len(key))
    # Whoever holds a concept can fill places without law by level, and places under law by proof.
    person = np.concatenate([entries.person, entries.person])
    held = np.concatenate([entries.concept * 2, entries.concept * 2 + 1])
    level = np.concatenate([entries.rounded, entries.formal])
    at = np.minimum(np.searchsorted(key, held), max(len(key) - 1, 0))
    fills = (level > 0) & (key[at] == held) if len(key) else np.zeros(len(held), dtype=np.bool_)
    filler, filler_need, filler_level = person[fills], at[fills], level[fills]
    reach = _at_least(filler_need, filler_level, len(key))
    lacking = asked - reach
    unfilled = lacking.max(axis=1, initial=0)
    # Without a holder of level l every count up to l falls by one; a place is lost where one of them was the tightest.
    tightest = np.maximum.accumulate(lacking, axis=1)
    critical = tightest[filler_need, filler_level - 1] >= unfilled[filler_need]

    own_key = places.person * n_concepts + places.concept
    entry_key = entries.person * n_concepts + entries.concept
    where = np.minimum(np.searchsorted(entry_key, own_key), max(len(entry_key) - 1, 0))
    has = entry_key[where] == own_key if len(entry_key) else np.zeros(len(own_key), dtype=np.bool_)
    own_level = np.where(has, entries.rounded[where], 0) if len(entry_key) else np.zeros(len(own_key), dtype=np.int64)
    proof = np.where(has, entries.formal[where], 0) if len(entry_key) else own_level
    credit = np.zeros(len(own_key))
    for step in range(1, N_LEVELS + 1):
        here = places.level == step
        credit[here] = coverage(own_level[here].astype(np.int8), step)
    credit = np.where(places.hard, proof >= places.level, credit)
    weight = np.bincount(need, weights=places.weight, minlength=len(key)).astype(np.float64)
    fit = np.bincount(need, weights=places.weight * credit, minlength=len(key)) / weight
    own = np.bincount(need[np.where(places.hard, proof, own_level) >= places.level], minlength=len(key))
    return _Measured(key, asked, reach, own, weight, fit, unfilled, filler, filler_need, filler_level, critical)


def _map(
    graph: CompetenceGraph, rows: NDArray[np.int64], within: frozenset[str] | None, title: str, unit_ids: tuple[str, ...]
) -> GroupMap:
    """Measure a group; only the roles held in some units ask, or all of its people (None)."""
    all_roles = [graph.person_roles[row] for row in rows.tolist()]
    roles = all_roles if within is None else _roles_within(graph, rows, within)
    people = [graph.person_ids[row] for row in rows.tolist()]
    m = len(graph.concept_ids)
    entries = Entries.of(graph, rows)
    found = _measure(Places.of(graph, roles), entries, m)
    weighed = found.weighed
    total = float(weighed.sum())
    share = weighed / np.maximum(found.needed, 1)
    marginal = np.bincount(found.filler, weights=share[found.filler_need] * found.critical, minlength=len(people))

    # Unused is asked for by no current role of the holder, wherever it is held.
    anywhere = Places.of(graph, all_roles)
    used = np.isin(entries.person * m + entries.concept, anywhere.person * m + anywhere.concept)
    depth, common = _depth(graph, people, entries, used, {int(k) // 2 for k in found.key.tolist()})
    needs = _needs(graph, found)
    alone = {d.concept_id: d.people[0] for d in depth if d.holders == 1}
    single = _single(graph, people, found, alone)
    adds: list[dict[str, None]] = [{} for _ in people]
    for i, k in zip(found.filler[found.critical].tolist(), found.filler_need[found.critical].tolist(), strict=True):
        adds[i][graph.concept_ids[found.key[k] // 2]] = None
    own_alone: dict[str, list[str]] = {}
    for concept_id, (person_id, _) in alone.items():
        own_alone.setdefault(person_id, []).append(concept_id)
    counts: dict[str, int] = {}
    for held in roles:
        for role_id in held:
            counts[role_id] = counts.get(role_id, 0) + 1
    sex = {p: graph.people[row].sex for p, row in zip(people, rows.tolist(), strict=True)}
    unused = np.unique(entries.person[~used & (entries.rounded > 0)]).tolist()
    table = {
        "people": people,
        "alone_with_asked": [s.person_id for s in single if s.asked is not None],
        "with_unused": [people[i] for i in unused],
    }
    concepts = {d.concept_id for d in depth} | {n.concept_id for n in needs}
    return GroupMap(
        title=title,
        unit_ids=unit_ids,
        people=tuple(people),
        roles=tuple(sorted(counts.items())),
        coverage=float((share * found.filled).sum()) / total if total else None,
        own=float((share * found.own).sum()) / total if total else None,
        fit=float((weighed * found.fit).sum()) / total if total else None,
        needs=needs,
        depth=depth,
        contributions=tuple(
            Contribution(
                person_id=p,
                marginal=float(marginal[i]) / total if total else 0.0,
                places=tuple(sorted(adds[i])),
                alone=tuple(own_alone.get(p, ())),
            )
            for i, p in enumerate(people)
        ),
        unused_in_common=common,
        single_holders=single,
        languages=tuple(d for d in depth if graph.taxonomy.concepts[d.concept_id].kind is ConceptKind.LANGUAGE),
        by_sex=GroupTable(table, sex, kind=TableKind.NAMED),
        audience=graph.audience.value,
        as_of=graph.as_of,
        settings=graph.settings,
        _concepts={c: graph.taxonomy.concepts[c] for c in sorted(concepts)},
        _sex=sex,
    )


def _needs(graph: CompetenceGraph, found: _Measured) -> tuple[GroupNeed, ...]:
    """Return the needs as records, the heaviest shortfall first."""
    needs = []
    for k, key in enumerate(found.key.tolist()):
        asked, reach = found.asked[k].tolist(), found.reach[k].tolist()
        at = [level for level in range(N_LEVELS, 0, -1) if asked[level - 1] > (asked[level] if level < N_LEVELS else 0)]
        needs.append(
            GroupNeed(
                concept_id=graph.concept_ids[key // 2],
                hard=bool(key % 2),
                asked=tuple((n, asked[n - 1] - (asked[n] if n < N_LEVELS else 0)) for n in at),
                reaching=tuple((n, reach[n - 1]) for n in at),
                needed=asked[0],
                filled=asked[0] - int(found.unfilled[k]),
                own=int(found.own[k]),
                weight=float(found.weight[k]),
                fit=float(found.fit[k]),
            )
        )
    return tuple(sorted(needs, key=lambda n: (not (n.hard and n.short), -n.weight * (1 - n.coverage), n.concept_id, n.hard)))


def _depth(
    graph: CompetenceGraph, people: Sequence[str], entries: Entries, used: NDArray[np.bool_], asked: set[int]
) -> tuple[tuple[Depth, ...], tuple[CommonUnused, ...]]:
    """Return who holds each concept, and what several hold and none of its holders is asked for."""
    order = np.lexsort((entries.person, -entries.rounded, entries.concept))
    column = entries.concept[order]
    starts = np.flatnonzero(np.r_[True, column[1:] != column[:-1]]) if len(column) else np.empty(0, np.int64)
    stops = np.append(starts[1:], len(column))[: len(starts)]
    of = np.repeat(np.arange(len(starts)), stops - starts)
    level = entries.rounded[order]
    counts = np.bincount(of * (N_LEVELS + 1) + level, minlength=len(starts) * (N_LEVELS + 1)).reshape(-1, N_LEVELS + 1).tolist()
    asked_of = np.bincount(of, weights=used[order] & (level > 0), minlength=len(starts)).tolist()
    who, levels = [people[i] for i in entries.person[order].tolist()], level.tolist()
    depth, common = [], []
    for start, stop, count, by_role in zip(starts.tolist(), stops.tolist(), counts, asked_of, strict=True):
        place = int(column[start])
        concept_id = graph.concept_ids[place]
        one, two, three, four, five = count[1:]
        held = tuple(zip(who[start:stop], levels[start:stop], strict=True))
        depth.append(Depth(concept_id=concept_id, levels=(one, two, three, four, five), reconfirm=count[0], people=held))
        if not by_role and stop - start - count[0] >= graph.settings.group.common:
            holders = tuple(sorted(who[start : stop - count[0]]))
            common.append(CommonUnused(concept_id=concept_id, people=holders, asked_here=place in asked))
    depth.sort(key=lambda d: d.concept_id)
    return tuple(depth), tuple(sorted(common, key=lambda c: (-len(c.people), c.concept_id)))


def _single(
    graph: CompetenceGraph, people: Sequence[str], found: _Measured, alone: Mapping[str, tuple[str, int]]
) -> tuple[SingleHolder, ...]:
    """Return what rests on one person: asked for, by concept; then what nobody asks for."""
    lowest = (np.diff(found.asked, axis=1, append=0) < 0).argmax(axis=1) if len(found.key) else np.empty(0, np.int64)
    one = found.reach[np.arange(len(found.key)), lowest] == 1
    is_it = one[found.filler_need] & (found.filler_level > lowest[found.filler_need])
    single = [
        SingleHolder(
            concept_id=graph.concept_ids[found.key[k] // 2],
            person_id=people[i],
            level=level,
            asked=int(lowest[k]) + 1,
            hard=bool(found.key[k] % 2),
        )
        for i, k, level in zip(
            found.filler[is_it].tolist(), found.filler_need[is_it].tolist(), found.filler_level[is_it].tolist(), strict=True
        )
    ]
    asked = {graph.concept_ids[key // 2] for key in found.key.tolist()}
    single += [
        SingleHolder(concept_id=c, person_id=p, level=level, asked=None) for c, (p, level) in alone.items() if c not in asked
    ]
    return tuple(sorted(single, key=lambda s: (s.asked is None, s.concept_id, s.hard)))
