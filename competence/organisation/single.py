"""Single points of failure: the people without whom a unit can no longer do what its roles ask.

A requirement of a unit is a competence that a role held or posted there asks for as essential, at the role's level, with
the smallest number of people who must hold it. A person is a single point of failure for those requirements that are met
now and would not be without the person.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np

from competence.equality import GroupTable, TableKind
from competence.graph import CompetenceGraph
from competence.organisation._requirements import UnitRequirement, requirements_of
from competence.organisation._sectors import SectorCount, sector_counts, sector_frame, sectors_of, table_kind
from competence.organisation._units import unit_nodes
from competence.units import unit_tree

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["SinglePoint", "SinglePoints", "single_points"]


@dataclass(frozen=True, slots=True)
class SinglePoint:
    """One person without whom one requirement of one unit falls below its minimum."""

    person_id: str
    requirement: UnitRequirement

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {"person_id": self.person_id, **self.requirement.to_dict()}


@dataclass(frozen=True, kw_only=True)
class SinglePoints:
    """What hangs on one person. Made by :func:`single_points`.

    Parameters
    ----------
    kind : TableKind
        Named: ``points`` and ``unmet`` are filled and the counts are as they are. Published: they are empty.
    as_of : date
        The graph's date.
    points : tuple of SinglePoint
        By person id, unit, concept and level.
    unmet : tuple of UnitRequirement
        Requirements that too few people hold already; nobody is a single point for these.
    by_sector : tuple of SectorCount
        People who are single points, women, men and total, and requirements that hang on one person.
    """

    kind: TableKind
    as_of: date
    points: tuple[SinglePoint, ...]
    unmet: tuple[UnitRequirement, ...]
    by_sector: tuple[SectorCount, ...]

    def __len__(self) -> int:
        return len(self.points)

    def by_person(self) -> dict[str, tuple[UnitRequirement, ...]]:
        """Return what is lost with each person, by person id."""
        found: dict[str, list[UnitRequirement]] = {}
        for point in self.points:
            found.setdefault(point.person_id, []).append(point.requirement)
        return {person: tuple(lost) for person, lost in found.items()}

    def by_sex(self) -> GroupTable:
        """Return the people of ``by_sector`` as a table by sex, one row per sector."""
        return GroupTable.from_rows([s.people for s in self.by_sector], self.kind)

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {
            "kind": self.kind.value,
            "as_of": self.as_of.isoformat(),
            "points": [p.to_dict() for p in self.points],
            "unmet": [r.to_dict() for r in self.unmet],
            "by_sector": [s.to_dict() for s in self.by_sector],
        }

    def to_frame(self) -> pd.DataFrame:
        """Return one row per point when named, one per sector when published; hidden counts are missing values."""
        import pandas as pd

        if self.kind is TableKind.NAMED:
            columns = ["person_id", "unit_id", "concept_id", "level", "hard", "minimum", "role_ids", "holders", "elsewhere"]
            rows = [{**p.to_dict(), "role_ids": ", ".join(p.requirement.role_ids)} for p in self.points]
            return pd.DataFrame(rows, columns=columns)
        return sector_frame(self.by_sector)


def single_points(
    graph: CompetenceGraph, *, units: Iterable[str] | None = None, kind: TableKind | str = TableKind.PUBLISHED
) -> SinglePoints:
    """Find the people without whom a unit can no longer do what its roles ask.

    Parameters
    ----------
    graph : CompetenceGraph
        People, holdings and roles on its date.
    units : iterable of str or None
        Ids or names. Named: these and the units below them. Published: the sectors they lie in. None means all.
    kind : TableKind
        ``named`` lists persons and what is lost; ``published`` (default) gives a number per sector only, small numbers
        and what reveals them hidden.

    Returns
    -------
    SinglePoints

    Raises
    ------
    InputError
        If kind is neither.
    UnknownIdError
        If a unit does not exist.

    Notes
    -----
    A requirement (unit, concept, level) is asked for as essential by a role that somebody has in the unit or that a
    post there has. Its minimum is the largest minimum staffing of such posts, else ``settings.organisation.minimum``.
    Taking a person away lowers the number of holders by one where the person holds it, so a person is a single point
    exactly where holders = minimum and the person is one of them; nobody need be taken away to find out (the tests do).
    What the unit asks for is kept: that a role had only this person does not make it unasked. A sector is one of the
    topmost units, or of those right below where one unit stands above all.
    O(people * requirements per role + holdings).

    Examples
    --------
    >>> from tests.cases import graph_of
    >>> found = single_points(graph_of(), units=["u-north"], kind="named")
    >>> [(p.person_id, p.requirement.concept_id, p.requirement.level) for p in found.points]
    [('p1', 'dementia', 3), ('p1', 'lift', 2)]
    """
    kind = table_kind(kind)
    tree = unit_tree(graph)
    asked = requirements_of(graph, tree)
    nodes = unit_nodes(graph, tree, units, below=True)
    hanging = asked.holders == asked.minimum
    if kind is TableKind.NAMED:
        keep = asked.within(nodes)
        entries = np.flatnonzero((hanging & keep)[asked.of])
        entries = entries[np.lexsort((asked.of[entries], asked.who[entries]))]
        records = {k: asked.record(graph, tree, k) for k in np.unique(asked.of[entries]).tolist()}
        points = tuple(
            SinglePoint(graph.person_ids[w], records[k])
            for w, k in zip(asked.who[entries].tolist(), asked.of[entries].tolist(), strict=True)
        )
        low = np.flatnonzero((asked.holders < asked.minimum) & keep).tolist()
        unmet = tuple(asked.record(graph, tree, k) for k in low)
    else:
        points, unmet, keep = (), (), np.ones(len(asked.node), dtype=np.bool_)
    on_whom = np.zeros(len(graph.person_ids), dtype=np.bool_)
    on_whom[asked.who[(hanging & keep)[asked.of]]] = True
    counts = sector_counts(graph, tree, asked, on_whom, hanging & keep, kind)
    wanted = {tree.ids[s] for s in sectors_of(tree, nodes)} if units is not None else None
    return SinglePoints(
        kind=kind,
        as_of=graph.as_of,
        points=points,
        unmet=unmet,
        by_sector=tuple(c for c in counts if wanted is None or c.unit_id in wanted),
    )
