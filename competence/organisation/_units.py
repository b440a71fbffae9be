"""Who counts in which unit, and what is asked of them, as arrays: what every figure of the map is counted over.

The tree itself, and where a person stands in published figures, is decided in :mod:`competence.units`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from competence.errors import InputError, UnknownIdError
from competence.graph import CompetenceGraph
from competence.model import Importance, Sex
from competence.units import WHOLE, UnitTree, placement

__all__ = [
    "SEXES",
    "Asked",
    "asked_of_people",
    "concept_columns",
    "holder_matrix",
    "membership",
    "sex_columns",
    "unit_nodes",
]

SEXES = (Sex.WOMAN, Sex.MAN, Sex.NOT_STATED)

Matrix = sparse.csr_matrix
Places = tuple[NDArray[np.int64], NDArray[np.int64]]


def unit_nodes(graph: CompetenceGraph, tree: UnitTree, units: Iterable[str] | None, *, below: bool = False) -> list[int]:
    """Return the nodes of units given by id or name, in the tree's order; all of them with None.

    Raises
    ------
    UnknownIdError
        If a unit does not exist; the message offers the nearest names.
    """
    if units is None:
        return list(range(len(tree.ids)))
    index = tree.index
    found: set[int] = set()
    for name in [units] if isinstance(units, str) else units:
        unit_id = name if name in index else graph.staff.find_unit(name).unit_id
        if unit_id not in index:
            raise UnknownIdError(f"unit {name!r} does not exist on {graph.as_of.isoformat()} and has nobody")
        found.add(index[unit_id])
    if below:
        for node in range(1, len(tree.ids)):
            if int(tree.parent[node]) in found:
                found.add(node)
    return sorted(found)


def _places(graph: CompetenceGraph, tree: UnitTree) -> Places:
    """Return person and node of every current place of work; those in no unit have node 0."""
    index = tree.index
    pairs = [(row, index[u]) for row, own in enumerate(graph.units_of) for u in own or (WHOLE,)]
    both = np.array(pairs, dtype=np.int64).reshape(len(pairs), 2)
    return both[:, 0], both[:, 1]


def membership(graph: CompetenceGraph, tree: UnitTree, *, once: bool, below: bool = True) -> Matrix:
    """Return who counts in each node, shape (n_nodes, n_people), entries 1.

    Parameters
    ----------
    once : bool
        Each person in the first current unit only, as published figures count.
    below : bool
        A node has the people of the units below it too.
    """
    if once:
        person, node = np.arange(len(graph.person_ids), dtype=np.int64), placement(graph, tree)
    else:
        person, node = _places(graph, tree)
    people, nodes = [person], [node]
    while below and (node > 0).any():
        person, node = person[node > 0], tree.parent[node[node > 0]]
        people.append(person)
        nodes.append(node)
    both = np.unique(np.concatenate(nodes) * max(len(graph.person_ids), 1) + np.concatenate(people))
    row, column = np.divmod(both, max(len(graph.person_ids), 1))
    shape = (len(tree.ids), len(graph.person_ids))
    return sparse.csr_matrix((np.ones(len(both)), (row, column)), shape=shape)


def sex_columns(graph: CompetenceGraph) -> NDArray[np.float64]:
    """Return women, men and not stated as columns of ones, shape (n_people, 3); read by figures by sex only."""
    code = np.fromiter((SEXES.index(p.sex) for p in graph.people), np.int64, len(graph.people))
    return np.eye(3)[code]


def holder_matrix(graph: CompetenceGraph, columns: NDArray[np.int64], values: NDArray[np.float64] | None = None) -> Matrix:
    """Return holdings that count (whole level above 0) of some concepts, shape (n_people, n_columns), entries 1 or values."""
    arrays = graph.arrays
    shape = (len(graph.person_ids), len(graph.concept_ids))
    counts = arrays.rounded > 0
    data = np.where(counts, 1.0 if values is None else values, 0.0)
    whole = sparse.csr_matrix((data, arrays.concept, arrays.indptr), shape=shape)[:, columns]
    whole.eliminate_zeros()
    return whole


def concept_columns(graph: CompetenceGraph, concepts: Iterable[str] | None) -> NDArray[np.int64]:
    """Return the columns of concepts given by id or words; with None of all that somebody holds or a role here asks for.

    Raises
    ------
    InputError
        If words are understood as no concept.
    """
    if concepts is not None:
        resolved = graph.need([concepts] if isinstance(concepts, str) else list(concepts))
        if resolved.not_understood:
            unknown = resolved.not_understood[0]
            near = ", ".join(c for c, _ in unknown.nearest[:3]) or "none"
            raise InputError(f"concepts must be ids or words of the taxonomy; {unknown.words!r} is neither, nearest: {near}")
        return np.array(sorted({graph.concept_index[i.concept_id] for i in resolved.items}), dtype=np.int64)
    held = np.unique(graph.arrays.concept[graph.arrays.rounded > 0])
    return np.union1d(held, np.unique(asked_of_people(graph).concept)).astype(np.int64)


@dataclass(frozen=True, eq=False, slots=True)
class Asked:
    """What people's current roles ask of them, one entry per person, role and requirement.

    ``held`` is the person's whole level; ``met`` says whether that is enough, or, for a hard requirement, whether the
    employer has checked it for the role.
    """

    person: NDArray[np.int64]
    role: NDArray[np.int64]
    concept: NDArray[np.int64]
    level: NDArray[np.int64]
    hard: NDArray[np.bool_]
    essential: NDArray[np.bool_]
    held: NDArray[np.int64]

    @property
    def met(self) -> NDArray[np.bool_]:
        """Whether each entry is met. A role held today means that its hard requirements were checked (fit.hard_met)."""
        return self.hard | (self.held >= self.level)

    def only(self, keep: NDArray[np.bool_]) -> Asked:
        """Return the entries where ``keep`` is True."""
        return self.at(np.flatnonzero(keep))

    def at(self, order: NDArray[np.int64]) -> Asked:
        """Return the entries at these places, in that order."""
        return Asked(*(getattr(self, name)[order] for name in self.__slots__))


def requirement_columns(graph: CompetenceGraph) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the requirements of all roles as rows (concept, level, hard, essential), and where each role's begin."""
    listed = [graph.taxonomy.roles[r].requirements for r in graph.role_ids]
    rows = [
        (graph.concept_index[r.concept_id], r.level, r.hard, r.importance is Importance.ESSENTIAL) for own in listed for r in own
    ]
    start = np.cumsum([0, *(len(own) for own in listed)])
    return np.array(rows, dtype=np.int64).reshape(len(rows), 4), start.astype(np.int64)


def spread(owner: NDArray[np.int64], role: NDArray[np.int64], start: NDArray[np.int64]) -> Places:
    """Return, for owners with a role each, the owner's position and the requirement's row, for every requirement."""
    counts = start[role + 1] - start[role]
    at = np.repeat(np.arange(len(owner)), counts)
    within = np.arange(int(counts.sum())) - np.repeat(np.cumsum(counts) - counts, counts)
    return at, start[role][at] + within


def asked_of_people(graph: CompetenceGraph) -> Asked:
    """Return what every person's current roles ask for. O(people * requirements per role)."""
    pairs = [(row, graph.role_index[r]) for row, own in enumerate(graph.person_roles) for r in own]
    both = np.array(pairs, dtype=np.int64).reshape(len(pairs), 2)
    table, start = requirement_columns(graph)
    at, row = spread(both[:, 0], both[:, 1], start)
    person, wanted = both[at, 0], table[row]
    return Asked(
        person=person,
        role=both[at, 1],
        concept=wanted[:, 0],
        level=wanted[:, 1],
        hard=wanted[:, 2].astype(np.bool_),
        essential=wanted[:, 3].astype(np.bool_),
        held=levels_at(graph, person, wanted[:, 0]),
    )


def levels_at(graph: CompetenceGraph, person: NDArray[np.int64], concept: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the whole level of each pair of a row and a column; 0 without a holding that counts. O(pairs log holdings)."""
    arrays, m = graph.arrays, len(graph.concept_ids)
    if not len(arrays.concept):
        return np.zeros(len(person), dtype=np.int64)
    owner = np.repeat(np.arange(len(graph.person_ids), dtype=np.int64), np.diff(arrays.indptr))
    keys = owner * m + arrays.concept
    wanted = person * m + concept
    at = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return np.where(keys[at] == wanted, arrays.rounded[at], 0).astype(np.int64)
