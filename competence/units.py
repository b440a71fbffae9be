"""The tree of an employer's units, and where each person stands in it.

Units nest; one above all others is the employer itself. Named figures count a person in every unit that the person works
in. Published ones count each person once, in the first current unit (:func:`home_units`): counted in two ways, or in
several units, published tables would tell of the few who work in two.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from competence.equality import GroupTables, TableKind, publish_units
from competence.graph import CompetenceGraph

__all__ = [
    "WHOLE",
    "UnitTree",
    "head_counts",
    "home_units",
    "names_of",
    "placement",
    "role_counts",
    "sectors",
    "unit_tree",
    "units_counted",
]

WHOLE = ""
"""Id of the node above all units: everybody in the graph, also those in no unit."""


@dataclass(frozen=True, eq=False, slots=True)
class UnitTree:
    """Units in an order where each stands after the one above it; node 0 is the whole employer.

    Parameters
    ----------
    ids, names : tuple of str
        Per node.
    parent : ndarray of int, shape (n_nodes,)
        Node above; -1 for node 0.
    """

    ids: tuple[str, ...]
    names: tuple[str, ...]
    parent: NDArray[np.int64]

    @property
    def index(self) -> dict[str, int]:
        """Node of each unit id."""
        return {unit_id: node for node, unit_id in enumerate(self.ids)}

    @property
    def parents(self) -> dict[str, str | None]:
        """The unit that each unit lies in, None for those right under the whole; without the whole itself."""
        return {u: self.parent_id(node) or None for node, u in enumerate(self.ids) if node}

    def parent_id(self, node: int) -> str | None:
        """Return the id of the unit above; None for the whole."""
        return None if node == 0 else self.ids[self.parent[node]]

    def last(self) -> NDArray[np.int64]:
        """Return the last node below each node: those below stand right after it, shape (n_nodes,)."""
        last = np.arange(len(self.ids), dtype=np.int64)
        for node in range(len(self.ids) - 1, 0, -1):
            last[self.parent[node]] = max(last[self.parent[node]], last[node])
        return last


def unit_tree(graph: CompetenceGraph) -> UnitTree:
    """Return the tree of the units that exist on the graph's date or have people; siblings stand in the order of ids.

    A unit whose parent is not there, or that is its own ancestor by a fault in the files, hangs under the whole.
    """
    known = {u.unit_id: u for u in graph.staff.units}
    named = {unit_id for own in graph.units_of for unit_id in own}
    kept = {i for i, u in known.items() if u.is_current(graph.as_of)} | named

    def above(unit_id: str) -> str:
        seen = {unit_id}
        here = known[unit_id].parent_id if unit_id in known else None
        while here is not None and here in known and here not in seen:
            if here in kept:
                return here
            seen.add(here)
            here = known[here].parent_id
        return WHOLE

    parents = {unit_id: above(unit_id) for unit_id in kept}
    for unit_id in sorted(kept):
        # A circle of units: the first of them by id is taken to be the topmost.
        walked, here = {unit_id}, parents[unit_id]
        while here != WHOLE and here not in walked:
            walked.add(here)
            here = parents[here]
        if here == unit_id:
            parents[unit_id] = WHOLE
    below: dict[str, list[str]] = {}
    for unit_id in sorted(kept, reverse=True):
        below.setdefault(parents[unit_id], []).append(unit_id)
    ids, queue = [WHOLE], list(below.get(WHOLE, ()))
    while queue:
        here = queue.pop()
        ids.append(here)
        queue.extend(below.get(here, ()))
    at = {unit_id: node for node, unit_id in enumerate(ids)}
    parent = np.array([-1, *(at[parents[i]] for i in ids[1:])], dtype=np.int64)
    return UnitTree(tuple(ids), tuple(graph.unit_name(i) for i in ids), parent)


def sectors(tree: UnitTree) -> tuple[int, ...]:
    """Return the nodes that are sectors: the topmost units, or those below where one unit stands above all others."""
    top = np.flatnonzero(tree.parent == 0).tolist()
    with_units = [node for node in top if (tree.parent == node).any()]
    if len(with_units) == 1:
        top = sorted([n for n in top if n != with_units[0]] + np.flatnonzero(tree.parent == with_units[0]).tolist())
    return tuple(top)


def names_of(tree: UnitTree, nodes: Sequence[int], whole: str) -> list[str]:
    """Return the names of nodes, with the given words for the whole employer."""
    return [whole if node == 0 else tree.names[node] for node in nodes]


def home_units(graph: CompetenceGraph) -> dict[str, tuple[str, ...]]:
    """Return the one unit that each person counts in when figures are published: the first current one, or none."""
    return {p: own[:1] for p, own in zip(graph.person_ids, graph.units_of, strict=True)}


def units_counted(graph: CompetenceGraph, kind: TableKind) -> Mapping[str, tuple[str, ...]]:
    """Return the units that each person counts in, in tables of a kind."""
    return home_units(graph) if kind is TableKind.PUBLISHED else dict(zip(graph.person_ids, graph.units_of, strict=True))


def placement(graph: CompetenceGraph, tree: UnitTree) -> NDArray[np.int64]:
    """Return the node of each person's first current unit, shape (n_people,); 0 for those in no unit."""
    index = tree.index
    return np.fromiter((index[own[0]] if own else 0 for own in graph.units_of), np.int64, len(graph.person_ids))


def head_counts(graph: CompetenceGraph, tree: UnitTree, kind: TableKind = TableKind.PUBLISHED) -> GroupTables:
    """Return how many work in each unit, by sex: published, one answer for every table of a graph.

    Named, who works in several units counts in each.

    Whatever is published of a unit stands beside its head count, so that two ways to decide which are hidden would let
    one table give away what another hides.
    """
    return publish_units(
        {"people": graph.person_ids},
        [],
        units_of=units_counted(graph, kind),
        parents=tree.parents,
        sex=graph.sex,
        kind=kind,
        settings=graph.settings.equality,
    )


def role_counts(graph: CompetenceGraph, kind: TableKind = TableKind.PUBLISHED) -> GroupTables:
    """Return how many have each role, by sex; who has several counts in each."""
    return publish_units(
        {"people": graph.person_ids},
        [],
        units_of=dict(zip(graph.person_ids, graph.person_roles, strict=True)),
        parents=dict.fromkeys(sorted({r for own in graph.person_roles for r in own})),
        sex=graph.sex,
        kind=kind,
        settings=graph.settings.equality,
    )
