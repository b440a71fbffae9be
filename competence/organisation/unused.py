"""Unused competence in figures that may be published, for the whole employer, its units and its sectors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from competence.equality import WHOLE, GroupRow, GroupTable, GroupTables, TableKind, publish_units
from competence.graph import CompetenceGraph
from competence.group import unused_competence
from competence.model import Concept
from competence.organisation._published import Figures, sector_tree
from competence.organisation._sectors import group_row, show
from competence.settings import Settings
from competence.units import home_units

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["UnusedFigures", "unused_figures"]


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class UnusedFigures:
    """Unused competence in figures that may be *published*: women, men and total, small cells hidden (DESIGN 8).

    Attributes
    ----------
    units : GroupTables
        For the whole and every unit: ``people`` and, of those, ``with_unused``.
    concepts : GroupTables
        For the whole and its sectors, per concept: ``holders:<concept_id>`` and, of those, ``unused:<concept_id>``.
    audience, scope, as_of
        As for :class:`competence.group.UnusedCompetence`.
    """

    units: GroupTables
    concepts: GroupTables
    audience: str
    as_of: date
    scope: str = "unscoped"
    _concepts: Mapping[str, Concept] = field(repr=False)
    _names: Mapping[str, str] = field(repr=False)

    def __repr__(self) -> str:
        return f"UnusedFigures({len(self.units)} units, {len(self._concepts)} concepts in {len(self.concepts)}; published)"

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {
            "units": self.units.to_dict(),
            "concepts": self.concepts.to_dict(),
            "audience": self.audience,
            "as_of": self.as_of.isoformat(),
            "scope": self.scope,
            "labels": {c: {lang: concept.label(lang) for lang in ("sv", "en")} for c, concept in self._concepts.items()},
            "names": dict(self._names),
        }

    def to_frame(self, lang: str = "sv") -> pd.DataFrame:
        """Return unit_id, unit, concept_id, label, measure, women, men, total, share_women, share_men; hidden is missing.

        Rows without a concept first, unit by unit; ``people`` stands there once.
        """
        import pandas as pd

        concepts = self.concepts.to_frame()
        frame = pd.concat([self.units.to_frame(), concepts[concepts["measure"] != "people"]], ignore_index=True)
        frame = frame.drop(columns="parent_id")
        told = frame["measure"].str.partition(":")
        frame["measure"] = told[0]
        frame.insert(1, "unit", frame["unit_id"].map(dict(self._names)))
        frame.insert(2, "concept_id", told[2])
        frame.insert(3, "label", told[2].map({"": "", **{c: k.label(lang) for c, k in self._concepts.items()}}))
        return frame


def unused_figures(graph: CompetenceGraph, *, settings: Settings | None = None) -> UnusedFigures:
    """Count unused competence for the whole employer, its units and its sectors, as it may be published.

    Parameters
    ----------
    graph : CompetenceGraph
        Its audience decides which evidence is counted.
    settings : Settings or None
        None means the graph's; ``settings.equality.smallest_cell`` is the smallest head count shown.

    Returns
    -------
    UnusedFigures
        Concepts with fewer unused holders than ``settings.equality.smallest_cell`` are not listed.

    Notes
    -----
    There is no choice of people or units, on purpose: tables made one by one could be taken from each other until a single
    person is left. Head counts and holders are shown just where the heat map shows them, and those who hold a competence
    unused where neither they nor the others of the holders, nor the others of those with something unused, are few. Sectors
    are the top units, or those below where one unit stands above all others.
    O(people * (units + sectors * concepts)).
    """
    graph = graph.seen(settings=settings)
    found = unused_competence(graph)
    with_unused = {p for c in found.concepts for p in c.people}
    kept = [c for c in found.concepts if len(c.people) >= graph.settings.equality.smallest_cell]
    kept.sort(key=lambda c: graph.concept_index[c.concept_id])
    figures = Figures(graph)
    units = publish_units(
        {"people": graph.person_ids},
        [{"with_unused": with_unused}],
        units_of=home_units(graph),
        parents=figures.tree.parents,
        sex=graph.sex,
        settings=graph.settings.equality,
    )
    return UnusedFigures(
        units=units,
        concepts=_by_sector(figures, {c.concept_id: c.people for c in kept}, with_unused),
        audience=graph.audience.value,
        as_of=graph.as_of,
        _concepts={c.concept_id: graph.taxonomy.concepts[c.concept_id] for c in kept},
        _names={u: "" if u == WHOLE else graph.unit_name(u) for u in units},
    )


def _by_sector(figures: Figures, unused: Mapping[str, tuple[str, ...]], with_unused: set[str]) -> GroupTables:
    """Count holders and unused holders of each concept, per sector."""
    graph, tree = figures.graph, figures.tree
    small, nodes = sector_tree(tree)
    columns = np.array([graph.concept_index[c] for c in unused], dtype=np.int64)
    row = {p: i for i, p in enumerate(graph.person_ids)}
    who = [row[p] for people in unused.values() for p in people]
    column = np.repeat(np.arange(len(unused)), [len(people) for people in unused.values()])
    entries = sparse.csr_matrix((np.ones(len(who)), (who, column)), shape=(len(row), len(unused)))
    any_unused = sparse.csr_matrix(np.isin(graph.person_ids, sorted(with_unused)).astype(np.float64)[:, None])
    held, told, told_by_sex = figures.at_least(columns, 1)
    held, told, told_by_sex = held[:, nodes], told[nodes], told_by_sex[nodes]
    counts = figures.count(entries)[:, nodes]
    others = figures.count(any_unused)[:, nodes] - counts
    shown, by_sex = show(figures, small, nodes, counts, held, told, told_by_sex, (others,))
    tables = {}
    ids = [WHOLE if node == 0 else tree.ids[node] for node in nodes]
    for k, (unit_id, node) in enumerate(zip(ids, nodes, strict=True)):
        people = bool(figures.people_shown[node, 0]), bool(figures.people_by_sex[node, 0])
        rows: list[GroupRow] = [group_row("people", figures.people[:, node, 0], *people)]
        for c, concept_id in enumerate(unused):
            rows.append(group_row(f"holders:{concept_id}", held[:, k, c], bool(told[k, c]), bool(told_by_sex[k, c])))
            rows.append(group_row(f"unused:{concept_id}", counts[:, k, c], bool(shown[k, c]), bool(by_sex[k, c])))
        tables[unit_id] = GroupTable.from_rows(rows, TableKind.PUBLISHED)
    parents = {unit_id: None if node == 0 else WHOLE for unit_id, node in zip(ids, nodes, strict=True)}
    return GroupTables(TableKind.PUBLISHED, MappingProxyType(tables), MappingProxyType(parents))
