"""What every unit must be able to do, from the roles held and posted there, and who can: as arrays and as records."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from competence.fit import hard_met
from competence.graph import CompetenceGraph
from competence.model import Requirement
from competence.organisation._units import membership, requirement_columns, spread, unit_nodes
from competence.units import UnitTree, unit_tree

if TYPE_CHECKING:
    pass

__all__ = ["Requirements", "UnitRequirement", "requirements_of", "unit_requirements"]


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitRequirement:
    """What a unit must be able to do: at least ``minimum`` people with the concept at the level, and how many there are.

    ``role_ids`` are the roles that ask for it. A hard one counts only those who meet it as :func:`competence.fit.hard_met`
    says. ``holders`` are people who work in the unit itself; ``elsewhere`` those at the level in the rest of the employer.
    """

    unit_id: str
    concept_id: str
    level: int
    hard: bool
    minimum: int
    role_ids: tuple[str, ...]
    holders: int
    elsewhere: int

    @property
    def is_met(self) -> bool:
        """Say whether enough people hold it today."""
        return self.holders >= self.minimum

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {name: list(v) if isinstance(v := getattr(self, name), tuple) else v for name in self.__slots__}


@dataclass(frozen=True, eq=False, slots=True)
class Requirements:
    """Requirements of units as arrays, and who meets each: ``who[entry]`` meets requirement ``of[entry]``."""

    node: NDArray[np.int64]
    concept: NDArray[np.int64]
    level: NDArray[np.int64]
    hard: NDArray[np.bool_]
    minimum: NDArray[np.int64]
    roles: tuple[tuple[str, ...], ...]
    of: NDArray[np.int64]
    who: NDArray[np.int64]
    holders: NDArray[np.int64]
    everywhere: NDArray[np.int64]

    def record(self, graph: CompetenceGraph, tree: UnitTree, k: int) -> UnitRequirement:
        """Return one requirement as a record."""
        return UnitRequirement(
            unit_id=tree.ids[self.node[k]],
            concept_id=graph.concept_ids[self.concept[k]],
            level=int(self.level[k]),
            hard=bool(self.hard[k]),
            minimum=int(self.minimum[k]),
            role_ids=self.roles[k],
            holders=int(self.holders[k]),
            elsewhere=int(self.everywhere[k] - self.holders[k]),
        )

    def within(self, nodes: Iterable[int]) -> NDArray[np.bool_]:
        """Say which requirements are of these units."""
        return np.isin(self.node, list(nodes))


def requirements_of(graph: CompetenceGraph, tree: UnitTree) -> Requirements:
    """Return what every unit's roles ask for and who meets it. O(people * requirements per role + holdings * units)."""
    owner, role, least = _roles_of_units(graph, tree)
    table, start = requirement_columns(graph)
    at, row = spread(owner, role, start)
    essential = table[row, 3] == 1
    at, row = at[essential], row[essential]
    wanted = np.column_stack([owner[at], table[row, 0], table[row, 1], table[row, 2]])
    keys, of = np.unique(wanted, axis=0, return_inverse=True)
    of = of.reshape(-1)
    minimum = np.zeros(len(keys), dtype=np.int64)
    np.maximum.at(minimum, of, least[at])
    named: list[set[str]] = [set() for _ in keys]
    for k, j in zip(of.tolist(), role[at].tolist(), strict=True):
        named[k].add(graph.role_ids[j])
    node, concept, level, hard = (keys[:, k] for k in range(4))
    hard = hard.astype(np.bool_)

    m = len(graph.concept_ids)
    place = membership(graph, tree, once=False, below=False).T.tocsr()
    arrays = graph.arrays
    owners = np.repeat(np.arange(len(graph.person_ids), dtype=np.int64), np.diff(arrays.indptr))
    entries: list[tuple[NDArray[np.int64], NDArray[np.int64]]] = []
    everywhere = np.zeros(len(keys), dtype=np.int64)
    for asked in np.unique(level[~hard]).tolist():
        mine = np.flatnonzero(~hard & (level == asked))
        enough = arrays.rounded >= asked
        everywhere[mine] = np.bincount(arrays.concept[enough], minlength=m)[concept[mine]]
        entries.append(_meeting(mine, node[mine] * m + concept[mine], place, owners[enough], arrays.concept[enough], m))
    # Requirements of law follow another rule, one mask of people for each.
    for c, asked in np.unique(keys[hard][:, 1:3], axis=0).tolist():
        mine = np.flatnonzero(hard & (concept == c) & (level == asked))
        rule = Requirement(concept_id=graph.concept_ids[c], level=asked, hard=True)
        people = np.flatnonzero(hard_met(graph, [rule])).astype(np.int64)
        everywhere[mine] = len(people)
        entries.append(_meeting(mine, node[mine] * m + c, place, people, np.full(len(people), c), m))
    of_entry = np.concatenate([np.empty(0, np.int64), *(e[0] for e in entries)])
    who = np.concatenate([np.empty(0, np.int64), *(e[1] for e in entries)])
    return Requirements(
        node=node,
        concept=concept,
        level=level,
        hard=hard,
        minimum=minimum,
        roles=tuple(tuple(sorted(own)) for own in named),
        of=of_entry,
        who=who,
        holders=np.bincount(of_entry, minlength=len(keys)).astype(np.int64),
        everywhere=everywhere,
    )


def _meeting(
    mine: NDArray[np.int64],
    keys: NDArray[np.int64],
    place: sparse.csr_matrix,
    people: NDArray[np.int64],
    concepts: NDArray[Any],
    m: int,
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return which requirement (its key is unit * m + concept, ascending) each holder in each of the holder's units meets."""
    counts = np.diff(place.indptr)[people]
    at = np.repeat(np.arange(len(people)), counts)
    within = np.arange(int(counts.sum())) - np.repeat(np.cumsum(counts) - counts, counts)
    unit = place.indices[place.indptr[people][at] + within].astype(np.int64)
    found = unit * m + concepts[at]
    where = np.minimum(np.searchsorted(keys, found), max(len(keys) - 1, 0))
    hit = keys[where] == found if len(keys) else np.zeros(len(found), np.bool_)
    return mine[where[hit]], people[at[hit]]


def _roles_of_units(graph: CompetenceGraph, tree: UnitTree) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return each role held or posted in each unit, and the smallest number of people it needs there."""
    index, lowest = tree.index, graph.settings.organisation.minimum
    found: dict[tuple[int, int], int] = {}
    for person in graph.people:
        for employment in person.employments:
            if employment.unit_id and employment.is_current(graph.as_of):
                for share in employment.roles:
                    if share.role_id is not None and share.role_id in graph.role_index:
                        found.setdefault((index[employment.unit_id], graph.role_index[share.role_id]), 0)
    for post in graph.staff.posts:
        if post.unit_id in index:
            for share in post.roles:
                if share.role_id is not None and share.role_id in graph.role_index:
                    key = (index[post.unit_id], graph.role_index[share.role_id])
                    # Several posts of one kind repeat what the unit needs of it; they do not add up.
                    found[key] = max(found.get(key, 0), post.min_staffing or 0)
    rows = np.array([(u, r, least or lowest) for (u, r), least in sorted(found.items())], dtype=np.int64).reshape(len(found), 3)
    return rows[:, 0], rows[:, 1], rows[:, 2]


def unit_requirements(graph: CompetenceGraph, *, units: Iterable[str] | None = None) -> tuple[UnitRequirement, ...]:
    """Return what the roles of each unit ask for, with the minimum and how many hold it, by unit, concept and level.

    Parameters
    ----------
    units : iterable of str or None
        Ids or names, with the units below them; None means all.
    """
    tree = unit_tree(graph)
    asked = requirements_of(graph, tree)
    keep = asked.within(unit_nodes(graph, tree, units, below=True))
    return tuple(asked.record(graph, tree, k) for k in np.flatnonzero(keep).tolist())
