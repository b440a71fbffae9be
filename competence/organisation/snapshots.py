"""Snapshots: the published figures of one day, kept as a file, and what has changed between two of them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from competence.errors import InputError
from competence.graph import CompetenceGraph
from competence.organisation._published import conceal
from competence.organisation.gaps import gap_table
from competence.organisation.heat import heat_map
from competence.organisation.links import bridges
from competence.organisation.single import single_points
from competence.units import WHOLE, UnitTree

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Change", "Comparison", "Snapshot", "compare", "snapshot"]

_FORMAT = "competence-snapshot/1"
_PARTS = ("heat", "gaps", "single_points", "bridges")


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """Published figures of one day: aggregates only, never a person, never what was inferred.

    Parameters
    ----------
    as_of : date
        The graph's date.
    taxonomy, taxonomy_version : str
        What the concept ids are of.
    smallest_cell : int
        Head counts below this are hidden.
    figures : Mapping
        ``heat``, ``gaps``, ``single_points`` and ``bridges`` as their ``to_dict`` gives them, published.
    """

    as_of: date
    taxonomy: str
    taxonomy_version: str
    smallest_cell: int
    figures: Mapping[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values; :meth:`from_dict` gives an equal snapshot back."""
        return {
            "format": _FORMAT,
            "as_of": self.as_of.isoformat(),
            "taxonomy": self.taxonomy,
            "taxonomy_version": self.taxonomy_version,
            "smallest_cell": self.smallest_cell,
            "figures": dict(self.figures),
        }

    def to_json(self, *, indent: int | None = None) -> str:
        """Return :meth:`to_dict` as JSON text; equal snapshots give equal text."""
        return json.dumps(self.to_dict(), ensure_ascii=False, indent=indent, sort_keys=True)

    @classmethod
    def from_json(cls, raw: str) -> Self:
        """Read what :meth:`to_json` wrote.

        Raises
        ------
        InputError
            If it is no JSON or not in that format.
        """
        try:
            data = json.loads(raw)
        except ValueError as error:
            raise InputError(f"a snapshot must be JSON as to_json writes it: {error}") from error
        if not isinstance(data, dict):
            raise InputError(f"a snapshot must be JSON as to_json writes it; got a {type(data).__name__}")
        return cls.from_dict(data)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Read what :meth:`to_dict` gave.

        Raises
        ------
        InputError
            If it is not in that format, or lacks a part.
        """
        found = dict(data).get("format")
        if found != _FORMAT:
            raise InputError(f"format must be {_FORMAT!r}; got {found!r}")
        missing = [name for name in _PARTS if name not in data.get("figures", {})]
        if missing:
            raise InputError(f"figures must have {', '.join(_PARTS)}; {', '.join(missing)} is missing")
        return cls(
            as_of=date.fromisoformat(data["as_of"]),
            taxonomy=data["taxonomy"],
            taxonomy_version=data["taxonomy_version"],
            smallest_cell=int(data["smallest_cell"]),
            figures={name: data["figures"][name] for name in _PARTS},
        )


def snapshot(graph: CompetenceGraph) -> Snapshot:
    """Keep the published figures of a graph: heat map, gaps of units, single points per sector, and how units meet.

    Parameters
    ----------
    graph : CompetenceGraph
        Seen by the organisation's audience, so that nothing narrower is counted.

    Returns
    -------
    Snapshot

    Raises
    ------
    InputError
        If the graph is one person's own view or a narrower audience's.

    Examples
    --------
    >>> from tests.cases import graph_of
    >>> kept = snapshot(graph_of())
    >>> Snapshot.from_json(kept.to_json()) == kept
    True
    """
    if graph.audience.value != "organisation":
        raise InputError(
            f"a snapshot is of what the whole organisation may see; got a graph for audience {graph.audience.value!r}"
        )
    figures = {
        "heat": heat_map(graph).to_dict(),
        "gaps": gap_table(graph).to_dict(),
        "single_points": single_points(graph).to_dict(),
        "bridges": bridges(graph).to_dict(),
    }
    return Snapshot(
        as_of=graph.as_of,
        taxonomy=graph.taxonomy.id,
        taxonomy_version=graph.taxonomy.version,
        smallest_cell=graph.settings.equality.smallest_cell,
        # Through JSON, so that a snapshot kept and one read again are the same.
        figures=json.loads(json.dumps(figures)),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """How one head count changed between two snapshots: after minus before, women, men and total; None is hidden.

    ``concept_id`` None is the unit's own head count. ``before`` and ``after`` are the totals, shown with the change.
    """

    unit_id: str
    concept_id: str | None
    before: int | None
    after: int | None
    women: int | None
    men: int | None
    total: int | None

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Changes between two snapshots. Made by :func:`compare`.

    Parameters
    ----------
    before, after : date
        The dates of the two.
    changes : tuple of Change
        Head counts and holders per unit and competence that both have, where something changed or is hidden in part.
    hidden : int
        How many counts are left out because one of the two, or the change itself, must not be told.
    units_new, units_gone, concepts_new, concepts_gone : tuple of str
        Ids that only one of the two has.
    single_points : tuple of Change
        The same for people who are single points of failure, per sector.
    """

    before: date
    after: date
    changes: tuple[Change, ...]
    hidden: int
    units_new: tuple[str, ...]
    units_gone: tuple[str, ...]
    concepts_new: tuple[str, ...]
    concepts_gone: tuple[str, ...]
    single_points: tuple[Change, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {
            "before": self.before.isoformat(),
            "after": self.after.isoformat(),
            "changes": [c.to_dict() for c in self.changes],
            "hidden": self.hidden,
            **{n: list(getattr(self, n)) for n in ("units_new", "units_gone", "concepts_new", "concepts_gone")},
            "single_points": [c.to_dict() for c in self.single_points],
        }

    def to_frame(self) -> pd.DataFrame:
        """Return one row per change; hidden counts are missing values."""
        import pandas as pd

        counts = ["before", "after", "women", "men", "total"]
        frame = pd.DataFrame([c.to_dict() for c in self.changes], columns=["unit_id", "concept_id", *counts])
        return frame.astype(dict.fromkeys(counts, "Int64"))


def compare(before: Snapshot, after: Snapshot) -> Comparison:
    """Say what changed between two snapshots of one employer, without telling what either hides.

    Parameters
    ----------
    before, after : Snapshot
        The earlier and the later.

    Returns
    -------
    Comparison
        By unit in the order of the tree, then the unit's head count and its competences.

    Raises
    ------
    InputError
        If after is older than before, or they are of different taxonomies.

    Notes
    -----
    A change is told only where both snapshots tell the count. A change of fewer people than ``smallest_cell`` is hidden,
    since it tells of those few who came or went, and so is what would reveal it by difference: the same rule as within
    one table, with changes in place of counts. Units that one of the two does not have, or that moved to another place
    in the organisation, are not compared. It computes with published figures only; there is nothing else in a snapshot.
    """
    if before.as_of > after.as_of:
        raise InputError(f"before must not be later than after; got {before.as_of.isoformat()} and {after.as_of.isoformat()}")
    if before.taxonomy != after.taxonomy:
        raise InputError(f"snapshots must be of one taxonomy; got {before.taxonomy!r} and {after.taxonomy!r}")
    smallest = max(before.smallest_cell, after.smallest_cell)
    old, new = before.figures["heat"], after.figures["heat"]
    parents = [{u["unit_id"]: u["parent_id"] for u in heat["units"]} for heat in (old, new)]
    concepts = [[c["concept_id"] for c in heat["concepts"]] for heat in (old, new)]
    units = [u for u in parents[1] if u in parents[0] and parents[0][u] == parents[1][u]]
    tree = _tree(units, parents[1])
    shared = [c for c in concepts[1] if c in set(concepts[0])]
    counts = [_counts(heat, units, shared) for heat in (old, new)]
    changes, hidden = _changes(tree, units, [None, *shared], counts[0], counts[1], smallest)
    points = [s.figures["single_points"]["by_sector"] for s in (before, after)]
    sectors = [p["unit_id"] for p in points[1] if p["unit_id"] in {q["unit_id"] for q in points[0]}]
    flat = _tree(sectors, dict.fromkeys(sectors, WHOLE))
    by_sector = [_point_counts(rows, sectors) for rows in points]
    point_changes, _ = _changes(flat, sectors, [None], by_sector[0], by_sector[1], smallest)
    return Comparison(
        before=before.as_of,
        after=after.as_of,
        changes=changes,
        hidden=hidden,
        units_new=tuple(u for u in parents[1] if u not in parents[0]),
        units_gone=tuple(u for u in parents[0] if u not in parents[1]),
        concepts_new=tuple(c for c in concepts[1] if c not in set(concepts[0])),
        concepts_gone=tuple(c for c in concepts[0] if c not in set(concepts[1])),
        single_points=point_changes,
    )


def _tree(units: list[str], parents: Mapping[str, str | None]) -> UnitTree:
    """Return the tree of the units compared; one whose parent is not compared hangs under the whole."""
    at = {u: k for k, u in enumerate(units)}
    above = [at.get(parents[u] or WHOLE, 0) if u != WHOLE else -1 for u in units]
    return UnitTree(tuple(units), tuple(units), np.array(above, dtype=np.int64))


def _counts(heat: Mapping[str, Any], units: list[str], concepts: list[str]) -> NDArray[np.float64]:
    """Return women, men and total, shape (3, n_units, 1 + n_concepts), NaN where hidden; first the units' own counts."""
    found = np.zeros((3, len(units), 1 + len(concepts)))
    at_unit = {u: k for k, u in enumerate(units)}
    at_concept = {c: k for k, c in enumerate(concepts, start=1)}
    for cell in [*({**u, "concept_id": None} for u in heat["units"]), *heat["cells"]]:
        u, c = at_unit.get(cell["unit_id"]), 0 if cell["concept_id"] is None else at_concept.get(cell["concept_id"])
        if u is not None and c is not None:
            found[:, u, c] = [np.nan if cell[s] is None else cell[s] for s in ("women", "men", "total")]
    return found


def _point_counts(rows: list[dict[str, Any]], sectors: list[str]) -> NDArray[np.float64]:
    by_id = {r["unit_id"]: r for r in rows}
    found = [[np.nan if by_id[u][s] is None else by_id[u][s] for u in sectors] for s in ("women", "men", "total")]
    return np.array(found, dtype=np.float64).reshape(3, len(sectors), 1)


def _changes(
    tree: UnitTree,
    units: list[str],
    concepts: list[str | None],
    before: NDArray[np.float64],
    after: NDArray[np.float64],
    smallest: int,
) -> tuple[tuple[Change, ...], int]:
    if not units:
        return (), 0
    change = after - before
    told = np.isfinite(change)
    # What is hidden counts as unknown: the rest of a unit is what a reader could take from the shown.
    filled = np.where(told, change, 0.0)
    total = _consistent(tree, filled[2], told[2])
    shown = conceal(tree, total[None], smallest, told[2])
    women, men = (_consistent(tree, filled[k], told[k]) for k in (0, 1))
    rest = _consistent(tree, filled[2] - filled[0] - filled[1], told[0])
    by_sex = conceal(tree, np.stack([women, men, rest]), smallest, shown & told[0])
    rows = []
    for u, c in np.argwhere(shown & ((change[2] != 0) | ~by_sex)).tolist():
        if change[2, u, c] == 0 and before[2, u, c] == 0:
            continue
        sexes = (int(change[k, u, c]) if by_sex[u, c] else None for k in (0, 1))
        rows.append(
            Change(
                unit_id=units[u],
                concept_id=concepts[c],
                before=int(before[2, u, c]),
                after=int(after[2, u, c]),
                women=next(sexes),
                men=next(sexes),
                total=int(change[2, u, c]),
            )
        )
    return tuple(rows), int((~shown).sum())


def _consistent(tree: UnitTree, change: NDArray[np.float64], told: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return changes that add up over the tree for :func:`conceal`, with what is unknown put at the unit above it."""
    value = change.copy()
    for node in range(len(tree.ids) - 1, -1, -1):
        below = np.flatnonzero(tree.parent == node)
        if len(below):
            value[node] = np.where(told[node], value[node], value[below].sum(axis=0))
    return value
