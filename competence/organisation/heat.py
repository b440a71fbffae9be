"""The heat map: how many hold what where, how well, and how sure that is."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from competence._texts import text
from competence.equality import GroupRow, GroupTable, TableKind
from competence.errors import InputError, UnknownIdError
from competence.graph import CompetenceGraph
from competence.organisation._published import Figures, conceal
from competence.organisation._units import concept_columns, holder_matrix, membership, sex_columns, unit_nodes
from competence.units import WHOLE, UnitTree, names_of, unit_tree

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["HeatCell", "HeatMap", "heat_map"]

HIDDEN = -1
"""Stands for a hidden head count in the arrays of a map."""


@dataclass(frozen=True, slots=True)
class HeatCell:
    """One competence in one unit: holders by sex, and mean level and confidence of women, men and all of them.

    A count of None is hidden. A mean of None is hidden, or there is nobody to take it over.
    """

    unit_id: str
    concept_id: str
    holders: GroupRow
    level: float | None = None
    level_women: float | None = None
    level_men: float | None = None
    confidence: float | None = None
    confidence_women: float | None = None
    confidence_men: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        means = [n for n in self.__slots__ if n.startswith(("level", "confidence"))]
        return {
            "unit_id": self.unit_id,
            "concept_id": self.concept_id,
            "women": self.holders.women,
            "men": self.holders.men,
            "total": self.holders.total,
            **{name: getattr(self, name) for name in means},
        }


@dataclass(frozen=True, eq=False, kw_only=True)
class HeatMap:
    """Units by competences. Made by :func:`heat_map`; read-only.

    Parameters
    ----------
    kind : TableKind
        Published or named.
    as_of : date
        The graph's date.
    unit_ids, unit_names, parent_ids : tuple
        Rows; the unit id of the whole employer is an empty text.
    concept_ids : tuple of str
        Columns.
    labels : dict of language to tuple of str
        Labels of the columns.
    people : ndarray of int, shape (3, n_units)
        Women, men and total in each unit; -1 where hidden.
    holders : ndarray of int, shape (3, n_units, n_concepts)
        Women, men and total who hold each competence; -1 where hidden.
    level, confidence : ndarray of float, shape (3, n_units, n_concepts)
        Means over the holders (women, men, all): level 1-5, confidence in [0, 1]; NaN where hidden or nobody.
    """

    kind: TableKind
    as_of: date
    unit_ids: tuple[str, ...]
    unit_names: tuple[str, ...]
    parent_ids: tuple[str | None, ...]
    concept_ids: tuple[str, ...]
    labels: dict[str, tuple[str, ...]]
    people: NDArray[np.int64]
    holders: NDArray[np.int64]
    level: NDArray[np.float64]
    confidence: NDArray[np.float64]

    def cell(self, unit_id: str, concept_id: str) -> HeatCell:
        """Return one cell.

        Raises
        ------
        UnknownIdError
            If the unit or the concept is not in this map.
        """
        return self._cell(_at(self.unit_ids, unit_id, "unit"), _at(self.concept_ids, concept_id, "concept"))

    def _cell(self, u: int, c: int) -> HeatCell:
        level = [_mean(v) for v in self.level[:, u, c]]
        confidence = [_mean(v) for v in self.confidence[:, u, c]]
        return HeatCell(
            unit_id=self.unit_ids[u],
            concept_id=self.concept_ids[c],
            holders=_row(self.concept_ids[c], self.holders[:, u, c]),
            level=level[2],
            level_women=level[0],
            level_men=level[1],
            confidence=confidence[2],
            confidence_women=confidence[0],
            confidence_men=confidence[1],
        )

    def by_sex(self, unit_id: str) -> GroupTable:
        """Return one unit's head count and holders as a table by sex: ``people`` and a row per competence."""
        u = _at(self.unit_ids, unit_id, "unit")
        rows = [_row("people", self.people[:, u]), *(_row(c, self.holders[:, u, k]) for k, c in enumerate(self.concept_ids))]
        return GroupTable.from_rows(rows, self.kind)

    def cells(self) -> list[HeatCell]:
        """Return every cell that somebody is in or that is hidden, unit by unit; what is not listed is nobody."""
        at = np.argwhere((self.holders != 0).any(axis=0))
        return [self._cell(u, c) for u, c in at.tolist()]

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values; cells with nobody are left out."""
        units = zip(self.unit_ids, self.unit_names, self.parent_ids, strict=True)
        return {
            "kind": self.kind.value,
            "as_of": self.as_of.isoformat(),
            "units": [
                {"unit_id": i, "name": name, "parent_id": parent, **_counts(self.people[:, u])}
                for u, (i, name, parent) in enumerate(units)
            ],
            "concepts": [
                {"concept_id": c, **{f"label_{lang}": own[k] for lang, own in self.labels.items()}}
                for k, c in enumerate(self.concept_ids)
            ],
            "cells": [cell.to_dict() for cell in self.cells()],
        }

    def to_frame(self, lang: str = "sv") -> pd.DataFrame:
        """Return one row per cell of :meth:`cells`, with names; hidden counts and means are missing values."""
        import pandas as pd

        names = dict(zip(self.unit_ids, self.unit_names, strict=True))
        if WHOLE in names:
            names[WHOLE] = text("organisation.whole", lang)
        labels = dict(zip(self.concept_ids, self.labels[lang], strict=True))
        rows = [
            {**(d := cell.to_dict()), "unit": names[d["unit_id"]], "concept": labels[d["concept_id"]]} for cell in self.cells()
        ]
        means = [f"{what}{sex}" for what in ("level", "confidence") for sex in ("", "_women", "_men")]
        columns = ["unit_id", "unit", "concept_id", "concept", "women", "men", "total", *means]
        frame = pd.DataFrame(rows, columns=columns)
        types = dict.fromkeys(("women", "men", "total"), "Int64") | dict.fromkeys(means, "Float64")
        return frame.astype(types)


def heat_map(
    graph: CompetenceGraph,
    *,
    units: Iterable[str] | None = None,
    concepts: Iterable[str] | None = None,
    kind: TableKind | str = TableKind.PUBLISHED,
) -> HeatMap:
    """Count who holds what in each unit, with the level and how sure it is.

    Parameters
    ----------
    graph : CompetenceGraph
        What its audience may see is counted; proposals of ``infer_hidden`` never are.
    units : iterable of str or None
        Ids or names; each counts itself and the units below it. None means all, and first the whole employer.
    concepts : iterable of str or None
        Ids or words. None means what somebody holds or a role held here asks for.
    kind : TableKind
        ``published`` (default) hides small cells and what would reveal them; ``named`` shows counts as they are, for
        those entitled to see the persons behind them.

    Returns
    -------
    HeatMap
        Units in the order of the tree (the one above first, siblings by id), concepts in the taxonomy's order.

    Raises
    ------
    InputError
        If words are understood as no concept, or kind is neither.
    UnknownIdError
        If a unit does not exist.

    Notes
    -----
    A holder has a holding that counts (whole level 1 or more). Named figures count a person in every unit that the
    person works in; published ones once, in the first current unit. What is hidden does not depend on ``units`` and
    ``concepts``: several published maps of one graph tell no more together than the whole map does. Head counts below
    ``settings.equality.smallest_cell`` are hidden, among holders and among the rest of the unit, and means over fewer
    than ``smallest_result`` people. A unit whose own head count is hidden shows nothing.
    O(holdings * depth of the tree + units * concepts).

    Examples
    --------
    >>> from tests.cases import graph_of
    >>> cell = heat_map(graph_of(), kind="named").cell("u-south", "dementia")
    >>> cell.holders.women, cell.holders.men, cell.holders.total, cell.level
    (1, 1, 2, 2.5)
    """
    try:
        kind = TableKind(kind)
    except ValueError:
        raise InputError(f"kind must be one of {', '.join(TableKind)}; got {kind!r}") from None
    tree = unit_tree(graph)
    nodes = unit_nodes(graph, tree, units)
    columns = concept_columns(graph, concepts)
    if kind is TableKind.PUBLISHED:
        people, holders, level, confidence = _published(Figures(graph), nodes, columns)
    else:
        people, holders, level, confidence = _named(graph, tree, nodes, columns)
    ids = tuple(graph.concept_ids[c] for c in columns)
    labels = {lang: tuple(graph.taxonomy.concepts[c].label(lang) for c in ids) for lang in ("sv", "en")}
    return HeatMap(
        kind=kind,
        as_of=graph.as_of,
        unit_ids=tuple(tree.ids[n] for n in nodes),
        unit_names=tuple(names_of(tree, nodes, text("organisation.whole", "sv"))),
        parent_ids=tuple(tree.parent_id(n) for n in nodes),
        concept_ids=ids,
        labels=labels,
        people=people,
        holders=holders,
        level=level,
        confidence=confidence,
    )


Arrays = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]


def _with_total(parts: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return women, men and total of women, men and not stated, along the first axis."""
    return np.stack([parts[0], parts[1], parts.sum(axis=0)])


def _means(sums: NDArray[np.float64], counts: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return sums over counts, NaN where nobody is."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(counts > 0, sums / counts, np.nan)


def _named(graph: CompetenceGraph, tree: UnitTree, nodes: list[int], columns: NDArray[np.int64]) -> Arrays:
    member = membership(graph, tree, once=False)[nodes]
    sex = sex_columns(graph)
    held = holder_matrix(graph, columns)

    def total(entries: sparse.csr_matrix) -> NDArray[np.float64]:
        return _with_total(np.stack([np.asarray((member.multiply(one[None]).tocsr() @ entries).todense()) for one in sex.T]))

    counts = total(held)
    level = _means(total(holder_matrix(graph, columns, graph.arrays.level)), counts)
    confidence = _means(total(holder_matrix(graph, columns, graph.arrays.confidence)), counts)
    people = total(sparse.csr_matrix(np.ones((len(graph.person_ids), 1))))[..., 0]
    return people.astype(np.int64), counts.astype(np.int64), level, confidence


def _published(figures: Figures, nodes: list[int], columns: NDArray[np.int64]) -> Arrays:
    graph, tree, least = figures.graph, figures.tree, figures.graph.settings.equality.smallest_result
    parts: list[tuple[NDArray[Any], ...]] = []
    for chunk in figures.chunks(columns) or [columns]:
        counts, shown, by_sex = figures.at_least(chunk, 1)
        # Means are results: over at least seven, also what is left when those shown are taken from the whole.
        mean = conceal(tree, counts.sum(axis=0)[None], least, shown)
        mean_by_sex = conceal(tree, counts, least, mean & by_sex)
        totals = _with_total(counts)
        # Where nobody holds it, no woman and no man does.
        by_sex = by_sex | (shown & (totals[2] == 0))
        visible = np.stack([mean_by_sex, mean_by_sex, mean])
        level, confidence = (
            np.where(visible, _means(_with_total(figures.count(holder_matrix(graph, chunk, values))), totals), np.nan)
            for values in (graph.arrays.level, graph.arrays.confidence)
        )
        told = np.where(np.stack([by_sex, by_sex, shown]), totals, HIDDEN).astype(np.int64)
        parts.append((told[:, nodes], np.round(level[:, nodes], 2), np.round(confidence[:, nodes], 2)))
    everybody = np.stack([figures.people_by_sex, figures.people_by_sex, figures.people_shown])
    people = np.where(everybody, _with_total(figures.people), HIDDEN)[:, nodes, 0].astype(np.int64)
    holders, level, confidence = (np.concatenate([p[k] for p in parts], axis=2) for k in range(3))
    return people, holders.astype(np.int64), level, confidence


def _at(ids: tuple[str, ...], wanted: str, what: str) -> int:
    try:
        return ids.index(wanted)
    except ValueError:
        raise UnknownIdError(f"{what} {wanted!r} is not in this map of {len(ids)}") from None


def _row(measure: str, counts: NDArray[np.int64]) -> GroupRow:
    women, men, total = (None if v == HIDDEN else int(v) for v in counts)
    return GroupRow(measure, women, men, total)


def _counts(counts: NDArray[np.int64]) -> dict[str, int | None]:
    row = _row("people", counts)
    return {"women": row.women, "men": row.men, "total": row.total}


def _mean(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
