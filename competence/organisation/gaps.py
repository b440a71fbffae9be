"""Gaps: what is there and what is missing against what is asked, for persons, for units and for a future need."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np

from competence.equality import GroupRow, TableKind
from competence.errors import InputError
from competence.graph import CompetenceGraph, NotUnderstood
from competence.model import LEVELS, Need, NeedItem
from competence.organisation._published import Figures
from competence.organisation._units import asked_of_people, membership, unit_nodes
from competence.organisation.departures import leaves_on
from competence.units import WHOLE

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["FutureNeed", "GapRow", "GapTable", "gap_table"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FutureNeed:
    """One row of a need to come: how many must hold what, where and by when.

    Parameters
    ----------
    concept : str
        A concept id or words.
    level : int
        1-5.
    count : int
        How many people must hold it at that level.
    unit : str or None
        Id or name; None is the whole employer.
    by : date or None
        None is the graph's date.
    """

    concept: str
    level: int = 1
    count: int = 1
    unit: str | None = None
    by: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GapRow:
    """What is asked, what is there and what is missing.

    For a person (``person_id``): ``asked`` and ``there`` count that one person, ``held`` is the level held and
    ``missing_levels`` what lacks. For a unit: ``asked`` are people whose role asks for the competence as essential, each
    at their own level, and ``there`` those who reach it. For a need: ``asked`` is how many must hold it at ``level`` by
    ``by``, ``there`` those who do today and, by the end dates in the files, still work there then. ``missing`` is what
    ``asked`` has more than ``there``. None is hidden, or says nothing about such a row.
    """

    concept_id: str
    unit_id: str | None = None
    person_id: str | None = None
    role_id: str | None = None
    level: int | None = None
    hard: bool = False
    by: date | None = None
    asked: GroupRow
    there: GroupRow
    missing: int | None
    held: int | None = None
    missing_levels: int | None = None
    leaving: int | None = None
    to_reconfirm: int | None = None
    one_level_short: int | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        plain = ("unit_id", "person_id", "role_id", "concept_id", "level", "hard", "missing", "held", "missing_levels")
        more = ("leaving", "to_reconfirm", "one_level_short")
        counts = {f"{n}_{s}": getattr(getattr(self, n), s) for n in ("asked", "there") for s in ("women", "men", "total")}
        day = {"by": self.by.isoformat() if self.by else None}
        return {n: getattr(self, n) for n in plain} | day | counts | {n: getattr(self, n) for n in more}


@dataclass(frozen=True, kw_only=True)
class GapTable:
    """Rows of :class:`GapRow`, the largest gap first. Made by :func:`gap_table`.

    Parameters
    ----------
    kind : TableKind
        Named or published.
    of : str
        ``people``, ``units`` or ``need``.
    as_of : date
        The graph's date.
    rows : tuple of GapRow
    not_understood : tuple of NotUnderstood
        Words of a need that met no concept, with the nearest ones.
    """

    kind: TableKind
    of: str
    as_of: date
    rows: tuple[GapRow, ...]
    not_understood: tuple[NotUnderstood, ...] = ()

    def __len__(self) -> int:
        return len(self.rows)

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {
            "kind": self.kind.value,
            "of": self.of,
            "as_of": self.as_of.isoformat(),
            "rows": [r.to_dict() for r in self.rows],
            "not_understood": [{"words": n.words, "nearest": [list(p) for p in n.nearest]} for n in self.not_understood],
        }

    def to_frame(self) -> pd.DataFrame:
        """Return one row per gap; hidden counts are missing values."""
        import pandas as pd

        texts = ("unit_id", "person_id", "role_id", "concept_id", "by", "hard")
        example = GapRow(concept_id="", asked=GroupRow("", 0, 0, 0), there=GroupRow("", 0, 0, 0), missing=0).to_dict()
        frame = pd.DataFrame([r.to_dict() for r in self.rows], columns=list(example))
        return frame.astype({name: "Int64" for name in example if name not in texts})


NeedTable = Iterable[FutureNeed | Mapping[str, Any]] | Need | str


def gap_table(
    graph: CompetenceGraph,
    *,
    people: Iterable[str] | None = None,
    units: Iterable[str] | None = None,
    need: NeedTable | Any = None,
    kind: TableKind | str | None = None,
) -> GapTable:
    """Set what is there against what is asked: for persons, for units, or for a need to come.

    Give at most one of ``people``, ``units`` and ``need``; with none, all units.

    Parameters
    ----------
    graph : CompetenceGraph
        People and holdings on its date.
    people : iterable of str or None
        Person ids: each against every requirement of the roles the person has. Always named.
    units : iterable of str or None
        Ids or names, each with the units below it.
    need : iterable of FutureNeed or mapping, DataFrame, Need, str or None
        Mappings and DataFrames have the columns concept, and as they are needed level, count, unit and by.
    kind : TableKind or None
        None is named for people and published for the rest, with small counts and what reveals them hidden.

    Returns
    -------
    GapTable
        People: the most missing levels first; units and needs: the most missing people first. Equal ones by unit,
        person, concept and level. A published table of units leaves out what it must hide: a competence that is not
        listed for a unit is either hidden or not asked for there.

    Raises
    ------
    InputError
        If several of the three are given, people are to be published, or rows of the need are faulty (all are named).
    UnknownIdError
        If a person or unit does not exist.

    Notes
    -----
    A hard requirement of a role held today counts as met: the employer has checked it (:func:`competence.fit.hard_met`).
    In a need, ``leaving`` are those at the level whose work ends before ``by``; ``to_reconfirm`` those of the rest whose
    evidence will by then be too old to count unless it is confirmed again; ``one_level_short`` those who could soon be
    there. A published need counts those who are there today and leaves these three out: they are few as a rule, and would
    tell of who is about to leave. O(people * requirements per role + holdings); a need adds one graph per date.

    Examples
    --------
    >>> from tests.cases import graph_of
    >>> row = gap_table(graph_of(), need=[{"concept": "finska", "level": 2, "count": 3}], kind="named").rows[0]
    >>> row.there.total, row.missing
    (1, 2)
    """
    given = [name for name, value in (("people", people), ("units", units), ("need", need)) if value is not None]
    if len(given) > 1:
        raise InputError(f"give one of people, units and need; got {' and '.join(given)}")
    of = given[0] if given else "units"
    try:
        kind = TableKind(kind) if kind is not None else TableKind.NAMED if of == "people" else TableKind.PUBLISHED
    except ValueError:
        raise InputError(f"kind must be one of {', '.join(TableKind)}; got {kind!r}") from None
    if people is not None:
        if kind is TableKind.PUBLISHED:
            raise InputError("gaps of persons are always named; for a published table give units instead of people")
        return GapTable(kind=kind, of=of, as_of=graph.as_of, rows=_of_people(graph, people))
    if need is None:
        return GapTable(kind=kind, of=of, as_of=graph.as_of, rows=_of_units(graph, units, kind))
    rows, unknown = _of_need(graph, _read(need), kind)
    return GapTable(kind=kind, of=of, as_of=graph.as_of, rows=rows, not_understood=unknown)


def _of_people(graph: CompetenceGraph, people: Iterable[str]) -> tuple[GapRow, ...]:
    wanted = np.zeros(len(graph.person_ids), dtype=np.bool_)
    wanted[graph.rows([people] if isinstance(people, str) else people)] = True
    asked = asked_of_people(graph)
    asked = asked.only(wanted[asked.person])
    rows = []
    for k in range(len(asked.person)):
        person = graph.people[asked.person[k]]
        level, held, met = int(asked.level[k]), int(asked.held[k]), bool(asked.met[k])
        rows.append(
            GapRow(
                concept_id=graph.concept_ids[asked.concept[k]],
                person_id=person.person_id,
                role_id=graph.role_ids[asked.role[k]],
                level=level,
                hard=bool(asked.hard[k]),
                asked=GroupRow("asked", None, None, 1),
                there=GroupRow("there", None, None, int(met)),
                missing=int(not met),
                held=held,
                missing_levels=0 if met else level - held,
            )
        )
    return tuple(sorted(rows, key=lambda r: (-(r.missing_levels or 0), r.person_id or "", r.role_id or "", r.concept_id)))


def _of_units(graph: CompetenceGraph, units: Iterable[str] | None, kind: TableKind) -> tuple[GapRow, ...]:
    figures = Figures(graph)
    nodes = unit_nodes(graph, figures.tree, units)
    if kind is TableKind.NAMED:
        figures.member = membership(graph, figures.tree, once=False)
    columns = np.unique(figures.asked.concept).astype(np.int64)
    rows: list[GapRow] = []
    for chunk in figures.chunks(columns):
        wanted, met, shown, by_sex = figures.gaps(chunk)
        if kind is TableKind.NAMED:
            shown = by_sex = np.ones_like(shown)
        for u, c in np.argwhere(((wanted.sum(axis=0) > 0) & shown)[nodes]).tolist():
            node = nodes[u]
            asked, there = (
                _group(n, v[:, node, c], shown[node, c], by_sex[node, c]) for n, v in (("asked", wanted), ("there", met))
            )
            missing = None if asked.total is None or there.total is None else asked.total - there.total
            rows.append(
                GapRow(
                    concept_id=graph.concept_ids[chunk[c]],
                    unit_id=figures.tree.ids[node],
                    asked=asked,
                    there=there,
                    missing=missing,
                )
            )
    at = figures.tree.index
    return tuple(sorted(rows, key=lambda r: (-(r.missing or 0), at[r.unit_id or WHOLE], r.concept_id)))


def _group(measure: str, counts: Any, shown: bool, by_sex: bool) -> GroupRow:
    total = int(counts.sum())
    # Where nobody is, no woman and no man is.
    women, men = (int(v) if by_sex or (shown and total == 0) else None for v in counts[:2])
    return GroupRow(measure, women, men, total if shown else None)


def _read(need: Any) -> list[FutureNeed]:
    """Return the rows of a need table, every faulty one told at once."""
    if isinstance(need, Need | str | NeedItem):
        items = Need.of(need).items
        return [FutureNeed(concept=i.concept_id or i.words, level=i.level, count=i.count) for i in items]
    raw: Sequence[Any] = need.to_dict("records") if hasattr(need, "columns") else list(need)
    known = ("concept", "level", "count", "unit", "by")
    rows, faults = [], []
    for number, row in enumerate(raw, start=1):
        if isinstance(row, Mapping):
            values = {k: v for k, v in row.items() if v is not None and v == v and v != ""}
            if surplus := sorted(set(values) - set(known)):
                faults.append(f"row {number}: columns must be among {', '.join(known)}; got {', '.join(surplus)}")
                continue
        else:
            values = {k: v for k in known if (v := getattr(row, k, None)) is not None}
        fault = _fault(values)
        if fault:
            faults.append(f"row {number}: {fault}")
        else:
            rows.append(FutureNeed(**values))
    if faults or not rows:
        raise InputError("need must be a table of what is needed; " + ("; ".join(faults) or "it has no rows"))
    return rows


def _fault(values: dict[str, Any]) -> str | None:
    """Put whole numbers and dates right, and say what is wrong with a row."""
    if not isinstance(values.get("concept"), str) or not values["concept"].strip():
        return "concept must be an id or words; it is missing"
    for name, allowed in (("level", "a whole number from 1 to 5"), ("count", "a whole number of at least 1")):
        if name in values:
            number = values[name]
            if isinstance(number, bool) or not isinstance(number, int | float | np.number) or number != int(number):
                return f"{name} must be {allowed}; got {number!r}"
            values[name] = int(number)
            if values[name] < 1 or (name == "level" and values[name] not in LEVELS):
                return f"{name} must be {allowed}; got {number!r}"
    if "by" in values:
        day = values["by"]
        if hasattr(day, "date"):
            day = day.date()
        try:
            values["by"] = date.fromisoformat(day) if isinstance(day, str) else day
        except ValueError:
            return f"by must be a date such as 2027-12-31; got {day!r}"
        if not isinstance(values["by"], date):
            return f"by must be a date such as 2027-12-31; got {day!r}"
    return None


def _of_need(
    graph: CompetenceGraph, need: Sequence[FutureNeed], kind: TableKind
) -> tuple[tuple[GapRow, ...], tuple[NotUnderstood, ...]]:
    figures = Figures(graph)
    tree = figures.tree
    early = [n.by for n in need if n.by is not None and n.by < graph.as_of]
    if early:
        raise InputError(f"by must not lie before the graph's date {graph.as_of.isoformat()}; got {min(early).isoformat()}")
    resolved: list[tuple[FutureNeed, str]] = []
    unknown: list[NotUnderstood] = []
    for row in need:
        found = graph.need(NeedItem(words=row.concept.strip(), level=row.level, count=row.count))
        unknown.extend(found.not_understood)
        resolved.extend((row, item.concept_id) for item in found.items)
    member = membership(graph, tree, once=kind is TableKind.PUBLISHED)
    ends = [leaves_on(p, graph.as_of) for p in graph.people]
    later = {day: graph.seen(day) for day in sorted({n.by for n in need if n.by is not None and n.by > graph.as_of})}
    rows = []
    for row, concept_id in resolved:
        node = 0 if row.unit is None else _node(graph, figures, row.unit)
        column = graph.concept_index[concept_id]
        here = np.asarray(member[node].todense()).ravel() > 0
        level = graph.rounded_column(column)
        able = here & (level >= row.level)
        by = row.by or graph.as_of
        gone = np.array([e is not None and e < by for e in ends], dtype=np.bool_)
        staying = able & ~gone
        counts = figures.sex[staying].sum(axis=0)
        asked = GroupRow("asked", None, None, row.count)
        leaving, old, near = (
            int((able & gone).sum()),
            _too_old(graph, later.get(by), column, row.level, staying),
            int((here & ~gone & (level == row.level - 1) & (level > 0)).sum()),
        )
        there = _group("there", counts, True, True)
        leaves, ages, close = (None if kind is TableKind.PUBLISHED else v for v in (leaving, old, near))
        if kind is TableKind.PUBLISHED:
            # Those who leave and those who are near are few as a rule; what is published is who is there today.
            today, shown, by_sex = figures.at_least(np.array([column], dtype=np.int64), row.level)
            there = _group("there", today[:, node, 0], shown[node, 0], by_sex[node, 0])
        rows.append(
            GapRow(
                concept_id=concept_id,
                unit_id=tree.ids[node],
                level=row.level,
                by=by,
                asked=asked,
                there=there,
                missing=None if there.total is None else max(row.count - there.total, 0),
                leaving=leaves,
                to_reconfirm=ages,
                one_level_short=close,
            )
        )
    at = tree.index
    key = {id(r): (-(r.missing or 0), at[r.unit_id or WHOLE], r.concept_id, r.level or 0, r.by or date.min) for r in rows}
    return tuple(sorted(rows, key=lambda r: key[id(r)])), tuple(unknown)


def _node(graph: CompetenceGraph, figures: Figures, unit: str) -> int:
    nodes = unit_nodes(graph, figures.tree, [unit])
    return nodes[0]


def _too_old(graph: CompetenceGraph, later: CompetenceGraph | None, column: int, level: int, staying: Any) -> int:
    """Count those who would no longer be at the level on a later date, as evidence ages."""
    if later is None:
        return 0
    then = later.rounded_column(column)
    rows = np.flatnonzero(staying).tolist()
    return sum(1 for r in rows if graph.person_ids[r] not in later.person_index or then[later.row(graph.person_ids[r])] < level)
