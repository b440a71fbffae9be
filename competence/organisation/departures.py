"""What is lost as people leave: by end dates or by age, per unit when named and per sector when published."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from competence._texts import text
from competence.equality import GroupRow, TableKind
from competence.errors import InputError
from competence.graph import CompetenceGraph
from competence.model import AgeBand, Person
from competence.organisation._published import Figures, Parts, sector_tree
from competence.organisation._requirements import Requirements, UnitRequirement, requirements_of
from competence.organisation._sectors import (
    SectorCount,
    group_row,
    is_told,
    nodes_inside,
    sector_counts,
    sectors_of,
    show,
    table_kind,
)
from competence.organisation._units import membership, unit_nodes
from competence.units import UnitTree, names_of, unit_tree

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Departures", "LostHolders", "departures", "leaves_on"]

_FURTHEST_YEARS = 10
"""Published departures reach this many ends of years ahead: enough for a plan, few enough to settle together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LostHolders:
    """One competence that loses holders: how many hold it, by sex how many of those leave, and what falls short.

    ``unit_id`` is a unit when named, a sector or the whole employer (an empty text) when published. ``requirements``
    are those that are met today and not when the leavers have gone; None where it is hidden or the row is no requirement.
    """

    unit_id: str
    concept_id: str
    holders: int | None
    leaving: GroupRow
    requirements: tuple[UnitRequirement, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {
            "unit_id": self.unit_id,
            "concept_id": self.concept_id,
            "holders": self.holders,
            "women": self.leaving.women,
            "men": self.leaving.men,
            "total": self.leaving.total,
            "requirements": [r.to_dict() for r in self.requirements],
        }


@dataclass(frozen=True, kw_only=True)
class Departures:
    """Who leaves and what goes with them. Made by :func:`departures`.

    Parameters
    ----------
    kind : TableKind
        Named: ``leavers`` is filled and counts are as they are, per unit. Published: per sector.
    as_of : date
        The graph's date.
    by : str
        The date or the age band asked for; empty for every known end date.
    leavers : tuple of (str, str)
        Person id, and the end date as an ISO text or the age band. By date, then id.
    lost : tuple of LostHolders
        Competences that lose holders, per unit.
    by_sector : tuple of SectorCount
        Leavers, women, men and total, and the requirements that fall below their minimum.
    """

    kind: TableKind
    as_of: date
    by: str
    leavers: tuple[tuple[str, str], ...]
    lost: tuple[LostHolders, ...]
    by_sector: tuple[SectorCount, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {
            "kind": self.kind.value,
            "as_of": self.as_of.isoformat(),
            "by": self.by,
            "leavers": [{"person_id": p, "when": when} for p, when in self.leavers],
            "lost": [row.to_dict() for row in self.lost],
            "by_sector": [s.to_dict() for s in self.by_sector],
        }

    def to_frame(self) -> pd.DataFrame:
        """Return one row per unit and competence that loses holders; hidden counts are missing values."""
        import pandas as pd

        counts = ["holders", "women", "men", "total", "falls_below"]
        rows = [{**r.to_dict(), "falls_below": len(r.requirements) if self.kind is TableKind.NAMED else None} for r in self.lost]
        frame = pd.DataFrame(rows, columns=["unit_id", "concept_id", *counts])
        return frame.astype(dict.fromkeys(counts, "Int64"))


def leaves_on(person: Person, as_of: date) -> date | None:
    """Return the last day of a person's work as the files know it; None when it has no end.

    The person's own end date, else the last end of the current employments where all of them end.
    """
    if person.end is not None:
        return person.end
    ends = [e.end for e in person.employments if e.is_current(as_of)]
    known = [e for e in ends if e is not None]
    return max(known) if known and len(known) == len(ends) else None


def departures(
    graph: CompetenceGraph,
    *,
    by: date | AgeBand | str | None = None,
    units: Iterable[str] | None = None,
    kind: TableKind | str = TableKind.PUBLISHED,
) -> Departures:
    """Say which competences lose holders as people leave, and which requirements fall below their minimum.

    Parameters
    ----------
    graph : CompetenceGraph
        People and holdings on its date.
    by : date, AgeBand, str or None
        A date (also as an ISO text): who has left by the end of it, by end dates in the files. An age band such as
        ``"60+"``: everybody in it, as the outlook for retirement. None: everybody with a known end date.
    units : iterable of str or None
        Ids or names. Named: these and those below them. Published: the sectors they lie in. None means all.
    kind : TableKind
        ``named`` lists persons; ``published`` (default) counts per sector. So that no two published tables tell of the
        few who leave between them, it takes the end of a year within ten, the band 60+, or None.

    Returns
    -------
    Departures

    Raises
    ------
    InputError
        If by is neither a date nor an age band, lies before the graph's date, or may not be published.
    UnknownIdError
        If a unit does not exist.

    Notes
    -----
    Holders count at any level that counts; requirements at their own level (see :func:`single_points`). A requirement
    falls below when holders >= minimum > holders - leaving. O(people * requirements per role + holdings).

    Examples
    --------
    >>> from tests.cases import graph_of
    >>> departures(graph_of(), kind="named").leavers
    ()
    """
    kind = table_kind(kind)
    day, band = _when(graph, by)
    leaving, when = _leaving(graph, day, band)
    tree = unit_tree(graph)
    nodes = unit_nodes(graph, tree, units, below=True)
    asked = requirements_of(graph, tree)
    gone = np.bincount(asked.of[leaving[asked.who]], minlength=len(asked.node))
    falls = (asked.holders >= asked.minimum) & (asked.holders - gone < asked.minimum)
    leavers: tuple[tuple[str, str], ...] = ()
    if kind is TableKind.NAMED:
        lost = _named_losses(graph, tree, asked, falls, leaving, nodes)
        inside = membership(graph, tree, once=False, below=False)[nodes].sum(axis=0).A1 > 0
        rows = np.flatnonzero(leaving & inside).tolist()
        leavers = tuple(sorted(((graph.person_ids[r], when[r]) for r in rows), key=lambda p: (p[1], p[0])))
        by_sector = sector_counts(graph, tree, asked, leaving & inside, falls & asked.within(nodes), kind)
        if units is not None:
            kept = {tree.ids[s] for s in sectors_of(tree, nodes)}
            by_sector = tuple(s for s in by_sector if s.unit_id in kept)
    else:
        lost, by_sector = _published_losses(graph, tree, asked, falls, leaving, day, band)
        if units is not None:
            kept = {tree.ids[s] for s in sectors_of(tree, nodes)}
            lost = tuple(row for row in lost if row.unit_id in kept)
            by_sector = tuple(s for s in by_sector if s.unit_id in kept)
    said = band.value if band else day.isoformat() if day else ""
    return Departures(kind=kind, as_of=graph.as_of, by=said, leavers=leavers, lost=lost, by_sector=by_sector)


def _when(graph: CompetenceGraph, by: date | AgeBand | str | None) -> tuple[date | None, AgeBand | None]:
    if by is None or isinstance(by, AgeBand):
        return None, by
    if isinstance(by, str):
        if by in set(AgeBand):
            return None, AgeBand(by)
        try:
            by = date.fromisoformat(by)
        except ValueError:
            bands = ", ".join(b.value for b in AgeBand)
            raise InputError(f"by must be a date such as 2027-12-31 or an age band ({bands}); got {by!r}") from None
    if by < graph.as_of:
        raise InputError(f"by must not lie before the graph's date {graph.as_of.isoformat()}; got {by.isoformat()}")
    return by, None


def _leaving(graph: CompetenceGraph, day: date | None, band: AgeBand | None) -> tuple[NDArray[np.bool_], list[str]]:
    """Return who leaves, shape (n_people,), and when, as text."""
    if band is not None:
        return np.array([p.age_band is band for p in graph.people], dtype=np.bool_), [p.age_band.value for p in graph.people]
    ends = [leaves_on(p, graph.as_of) for p in graph.people]
    leaving = np.array([e is not None and (day is None or e <= day) for e in ends], dtype=np.bool_)
    return leaving, [e.isoformat() if e else "" for e in ends]


def _named_losses(
    graph: CompetenceGraph,
    tree: UnitTree,
    asked: Requirements,
    falls: NDArray[np.bool_],
    leaving: NDArray[np.bool_],
    nodes: list[int],
) -> tuple[LostHolders, ...]:
    figures = Figures(graph)
    going_with = np.repeat(leaving, np.diff(graph.arrays.indptr)) & (graph.arrays.rounded > 0)
    columns = np.union1d(graph.arrays.concept[going_with], asked.concept[falls]).astype(np.int64)
    held = figures.holding(columns, 1)
    member = membership(graph, tree, once=False, below=False)[nodes]
    holders = (member @ held).toarray()
    going = [(member.multiply((one * leaving)[None]).tocsr() @ held).toarray() for one in figures.sex.T]
    short: dict[tuple[int, int], list[UnitRequirement]] = {}
    for k in np.flatnonzero(falls & asked.within(nodes)).tolist():
        short.setdefault((int(asked.node[k]), int(asked.concept[k])), []).append(asked.record(graph, tree, k))
    rows = []
    for u, node in enumerate(nodes):
        for c in np.flatnonzero(sum(g[u] for g in going) > 0).tolist():
            counts = np.array([g[u, c] for g in going])
            concept_id = graph.concept_ids[columns[c]]
            rows.append(
                LostHolders(
                    unit_id=tree.ids[node],
                    concept_id=concept_id,
                    holders=int(holders[u, c]),
                    leaving=group_row(concept_id, counts, True, True),
                    requirements=tuple(short.pop((node, int(columns[c])), ())),
                )
            )
    # Of a requirement of law the holders may be those whom the employer has checked, without a holding of their own.
    for (node, column), own in sorted(short.items()):
        concept_id = graph.concept_ids[column]
        rows.append(
            LostHolders(
                unit_id=tree.ids[node],
                concept_id=concept_id,
                holders=own[0].holders,
                leaving=_checked_leaving(graph, figures, asked, own[0], leaving, tree),
                requirements=tuple(own),
            )
        )
    return tuple(rows)


def _checked_leaving(
    graph: CompetenceGraph,
    figures: Figures,
    asked: Requirements,
    own: UnitRequirement,
    leaving: NDArray[np.bool_],
    tree: UnitTree,
) -> GroupRow:
    """Count by sex those who meet a requirement and leave."""
    here = (asked.node == tree.index[own.unit_id]) & (asked.concept == graph.concept_index[own.concept_id]) & asked.hard
    who = np.unique(asked.who[here[asked.of]])
    return group_row(own.concept_id, figures.sex[who[leaving[who]]].sum(axis=0), True, True)


def _published_losses(
    graph: CompetenceGraph,
    tree: UnitTree,
    asked: Requirements,
    falls: NDArray[np.bool_],
    leaving: NDArray[np.bool_],
    day: date | None,
    band: AgeBand | None,
) -> tuple[tuple[LostHolders, ...], tuple[SectorCount, ...]]:
    if band not in (None, AgeBand.FROM_60):
        raise InputError(
            f"published departures by age are for 60+, since several bands together give each other away; got {band.value!r}. "
            "Use kind='named' for those entitled to see persons"
        )
    last = graph.as_of.year + _FURTHEST_YEARS
    if day is not None and not ((day.month, day.day) == (12, 31) and day.year <= last):
        raise InputError(
            f"published departures are by the end of a year, {graph.as_of.year}-12-31 to {last}-12-31; got {day.isoformat()}"
        )
    figures = Figures(graph)
    small, nodes = sector_tree(tree)
    arrays = graph.arrays
    columns = np.unique(arrays.concept[arrays.rounded > 0]).astype(np.int64)
    everybody = sparse.csr_matrix(np.ones((len(graph.person_ids), 1)))
    # The last column counts the people themselves.
    held = sparse.hstack([figures.holding(columns, 1), everybody]).tocsr()
    total = figures.count(held)[:, nodes]
    _, known, known_by_sex = figures.at_least(columns, 1)
    shown = np.hstack([known[nodes], figures.people_shown[nodes]])
    by_sex = np.hstack([known_by_sex[nodes], figures.people_by_sex[nodes]])
    steps: list[NDArray[np.bool_]] = [leaving]
    if band is None:
        ends = [date(y, 12, 31) for y in range(graph.as_of.year, last + 1)]
        steps = [_leaving(graph, end, None)[0] for end in ends if day is None or end <= day]
        if day is None:
            steps.append(leaving)
    before: list[Parts] = []
    counts = total
    for step in steps:
        counts = figures.count(sparse.diags(step.astype(np.float64)) @ held)[:, nodes]
        also = tuple(counts - earlier for earlier in before)
        shown, by_sex = show(figures, small, nodes, counts, total, shown, by_sex, also)
        before.append(counts)
    rows = []
    for k, node in enumerate(nodes):
        for c in np.flatnonzero((counts[:, k, :-1].sum(axis=0) > 0) | ~shown[k, :-1]).tolist():
            concept_id = graph.concept_ids[columns[c]]
            rows.append(
                LostHolders(
                    unit_id=tree.ids[node],
                    concept_id=concept_id,
                    holders=int(total[:, k, c].sum()) if known[node, c] else None,
                    leaving=group_row(concept_id, counts[:, k, c], shown[k, c], by_sex[k, c]),
                )
            )
    sector_rows = []
    for k, (node, name) in enumerate(zip(nodes, names_of(tree, nodes, text("organisation.whole", "sv")), strict=True)):
        row = group_row(tree.ids[node] or "whole", counts[:, k, -1], shown[k, -1], by_sex[k, -1])
        number = int(falls[np.isin(asked.node, nodes_inside(tree, node))].sum())
        sector_rows.append(SectorCount(tree.ids[node], name, row, number if shown[k, -1] and is_told(number, figures) else None))
    return tuple(rows), tuple(sector_rows)
