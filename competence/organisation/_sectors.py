"""Counts of people and requirements per sector: what is published where units are too small to be told of."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from competence._texts import text
from competence.equality import GroupRow, TableKind
from competence.errors import InputError
from competence.graph import CompetenceGraph
from competence.organisation._published import Figures, Parts, conceal, conceal_by_sex, sector_tree
from competence.organisation._requirements import Requirements
from competence.units import UnitTree, names_of, sectors

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "SectorCount",
    "group_row",
    "is_told",
    "nodes_inside",
    "sector_counts",
    "sector_frame",
    "sectors_of",
    "show",
    "table_kind",
]


@dataclass(frozen=True, slots=True)
class SectorCount:
    """A published number per sector: people by sex, and requirements; None is hidden."""

    unit_id: str
    name: str
    people: GroupRow
    requirements: int | None

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        row = self.people
        return {
            "unit_id": self.unit_id,
            "name": self.name,
            "women": row.women,
            "men": row.men,
            "total": row.total,
            "requirements": self.requirements,
        }


def sector_frame(rows: Iterable[SectorCount]) -> pd.DataFrame:
    import pandas as pd

    counts = ["women", "men", "total", "requirements"]
    frame = pd.DataFrame([s.to_dict() for s in rows], columns=["unit_id", "name", *counts])
    return frame.astype(dict.fromkeys(counts, "Int64"))


def table_kind(kind: TableKind | str) -> TableKind:
    try:
        return TableKind(kind)
    except ValueError:
        raise InputError(f"kind must be one of {', '.join(TableKind)}; got {kind!r}") from None


def sectors_of(tree: UnitTree, nodes: Iterable[int]) -> list[int]:
    """Return the sectors that units lie in."""
    top = set(sectors(tree))
    found = set()
    for node in nodes:
        while node > 0 and node not in top:
            node = int(tree.parent[node])
        if node > 0:
            found.add(node)
    return sorted(found)


def sector_counts(
    graph: CompetenceGraph,
    tree: UnitTree,
    asked: Requirements,
    people: NDArray[np.bool_],
    requirements: NDArray[np.bool_],
    kind: TableKind,
) -> tuple[SectorCount, ...]:
    """Count people and requirements per sector and for the whole, hidden where published and small."""
    figures = Figures(graph)
    small, nodes = sector_tree(tree)
    counts = figures.count(sparse.csr_matrix(people.astype(np.float64)[:, None]))[:, nodes]
    everybody = figures.people[:, nodes]
    shown, by_sex = show(figures, small, nodes, counts, everybody) if kind is TableKind.PUBLISHED else _all(counts)
    inside = [nodes_inside(tree, n) for n in nodes]
    rows = []
    for k, (node, name) in enumerate(zip(nodes, names_of(tree, nodes, text("organisation.whole", "sv")), strict=True)):
        total = int(requirements[np.isin(asked.node, inside[k])].sum())
        people_row = group_row(tree.ids[node] or "whole", counts[:, k, 0], shown[k, 0], by_sex[k, 0])
        told = shown[k, 0] and (kind is TableKind.NAMED or is_told(total, figures))
        rows.append(SectorCount(tree.ids[node], name, people_row, total if told else None))
    return tuple(rows)


def _all(counts: Parts) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    everything = np.ones(counts.shape[1:], dtype=np.bool_)
    return everything, everything


def show(
    figures: Figures,
    small: UnitTree,
    nodes: list[int],
    counts: Parts,
    everybody: Parts,
    allowed: NDArray[np.bool_] | None = None,
    allowed_by_sex: NDArray[np.bool_] | None = None,
    also: tuple[Parts, ...] = (),
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Say where a count of people per sector may be shown, beside how many work there."""
    cells = counts.shape[2]
    may = np.repeat(figures.people_shown[nodes], cells, axis=1)
    may_by_sex = np.repeat(figures.people_by_sex[nodes], cells, axis=1)
    if allowed is not None and allowed_by_sex is not None:
        may, may_by_sex = may & allowed, may_by_sex & allowed_by_sex
    others = everybody - counts
    parts = np.stack([p.sum(axis=0) for p in (counts, others, *also)])
    shown = conceal(small, parts, figures.smallest, may)
    by_sex = conceal_by_sex(small, counts, others, shown, figures.smallest, allowed=may_by_sex, also=also)
    return shown, by_sex


def is_told(number: int, figures: Figures) -> bool:
    """Say whether a number of requirements may be published: none, or not a small one."""
    return number == 0 or number >= figures.smallest


def nodes_inside(tree: UnitTree, node: int) -> NDArray[np.int64]:
    return np.arange(node, tree.last()[node] + 1)


def group_row(measure: str, counts: NDArray[np.float64], shown: bool, by_sex: bool) -> GroupRow:
    women, men, total = int(counts[0]), int(counts[1]), int(counts.sum())
    return GroupRow(measure, women if by_sex else None, men if by_sex else None, total if shown else None)
