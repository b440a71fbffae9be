"""Figures about women and men that need the whole graph: how divided the work is, what is valued, who is suggested.

Three statistics, published by default: :func:`segregation` (dissimilarity index per unit level or role),
:func:`valuation_audit` (level, weight, recognition and evidence, by sex and by who is mostly asked for the competence)
and :func:`access_equity` (who was considered and who suggested). They describe; they explain nothing, and no suggestion
reads them. What is hidden is decided in :mod:`competence.equality`; every index and ratio is made from what is shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import exp, log, sqrt
from typing import TYPE_CHECKING, cast

import numpy as np
from numpy.typing import NDArray

from competence._texts import keys, text
from competence.equality import WHOLE, GroupTable, GroupTables, Guard, Shown, TableKind, publish_units, sex_columns
from competence.errors import InputError
from competence.graph import CompetenceGraph
from competence.model import ConceptKind, Employment, ValidationStage
from competence.settings import Settings
from competence.units import head_counts, role_counts, unit_tree, units_counted

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "AccessEquity",
    "AuditRow",
    "Estimate",
    "Exposure",
    "Segregation",
    "SegregationLevel",
    "ValuationAudit",
    "access_equity",
    "segregation",
    "valuation_audit",
]

_Z = 1.959963984540054
"""Of the normal distribution, for an interval of 95 %."""


# -- segregation --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class SegregationLevel:
    """How unevenly women and men are spread over the units of one level, or over the roles.

    ``index`` is the share of the women (or of the men) who would have to move for every group to have the same share of
    women, in [0, 1]; None where women and men of the whole are not shown or too few. ``compared`` groups went into it
    one by one, ``joined`` ones together because their women and men are not shown. ``women``, ``men`` and ``total``
    are those of the whole.
    """

    level: int
    index: float | None
    compared: int
    joined: int
    women: int | None
    men: int | None
    total: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Segregation:
    """The dissimilarity index per level, with the tables that it is made from."""

    by: str
    tables: GroupTables
    levels: tuple[SegregationLevel, ...]
    names: Mapping[str, str]

    @property
    def kind(self) -> TableKind:
        """Whether the figures may be published."""
        return self.tables.kind

    def to_dict(self) -> dict[str, object]:
        """Return plain JSON values."""
        return {
            "by": self.by,
            "kind": self.kind.value,
            "levels": [{f: getattr(level, f) for f in SegregationLevel.__slots__} for level in self.levels],
            "tables": self.tables.to_dict(),
            "names": dict(self.names),
        }

    def to_frame(self) -> pd.DataFrame:
        """Return the table of every group with its name and level, the whole first."""
        frame = self.tables.to_frame()
        frame.insert(1, "name", [self.names.get(u, u) for u in frame["unit_id"]])
        depth = _depths(self.tables.parents)
        frame.insert(2, "level", [depth[u] for u in frame["unit_id"]])
        return frame

    def sentences(self, lang: str = "sv") -> list[str]:
        """Say the index of each level in words."""
        lines = []
        for level in self.levels:
            key = f"figures.segregation.{self.by}" if level.index is not None else "figures.segregation.hidden"
            lines.append(text(key, lang, level=level.level, index=_number(level.index or 0.0, lang, 2), groups=level.compared))
        return lines


def segregation(
    graph: CompetenceGraph, *, by: str = "unit", kind: TableKind | str = TableKind.PUBLISHED, settings: Settings | None = None
) -> Segregation:
    """Measure how unevenly women and men are spread over units, level by level, or over roles.

    Parameters
    ----------
    graph : CompetenceGraph
        Everybody in it is counted: in every role, and in every unit when named; published figures of units count each
        person once, in the first current unit, as those of :mod:`competence.organisation` do.
    by : {"unit", "role"}
        Units give one index per level of the tree, roles one in all.
    kind : TableKind or str
        ``published`` makes the index from shown cells alone, ``named`` from all.
    settings : Settings or None
        None means the graph's.

    Returns
    -------
    Segregation
        Level 1 has the topmost units. Who works in no unit of a level is a group of its own there.

    Raises
    ------
    InputError
        If by or kind is not one of those named.

    Notes
    -----
    D = 1/2 * sum over groups of |women_i / women - men_i / men|: 0 when every group has the same share of women, 1 when
    women and men have no group in common. Groups whose women and men are hidden are one group, which can only lower it,
    and the index follows from the published tables, so that it tells nothing more. O(people * depth).

    References
    ----------
    Duncan & Duncan (1955), A methodological analysis of segregation indexes, American Sociological Review 20(2),
    210-217. doi:10.2307/2088328

    Examples
    --------
    >>> from datetime import date
    >>> from competence.graph import build_graph
    >>> from competence.model import Person, Sex
    >>> from competence.staff import Staff
    >>> from competence.testing import small_taxonomy
    >>> rows = [("1", "woman", "north"), ("2", "woman", "north"), ("3", "woman", "south"), ("4", "man", "south")]
    >>> people = [Person(person_id=p, sex=Sex(s), employments=(Employment(unit_id=u),)) for p, s, u in rows]
    >>> graph = build_graph(Staff(people=tuple(people), as_of=date(2026, 3, 1)), small_taxonomy())
    >>> round(segregation(graph, kind="named").levels[0].index, 4)
    0.6667
    >>> segregation(graph).levels[0].index is None
    True
    """
    settings = settings or graph.settings
    if by not in ("unit", "role"):
        raise InputError(f"by must be unit or role; got {by!r}")
    graph = graph.seen(settings=settings)
    if by == "unit":
        tree = unit_tree(graph)
        tables = head_counts(graph, tree, _kind(kind))
        names = dict(zip(tree.ids, tree.names, strict=True))
    else:
        tables = role_counts(graph, _kind(kind))
        names = {r: graph.taxonomy.roles[r].label() for r in tables if r != WHOLE}
    depth = _depths(tables.parents)
    levels = tuple(
        _level(tables, [u for u in tables if depth[u] == level], level, settings.equality.smallest_result)
        for level in range(1, max(depth.values()) + 1)
    )
    return Segregation(by=by, tables=tables, levels=levels, names={u: names[u] for u in tables if u in names})


def _level(tables: GroupTables, units: Sequence[str], level: int, smallest: int) -> SegregationLevel:
    whole = tables[WHOLE]["people"]
    shown = [row for row in (tables[u]["people"] for u in units) if row.women is not None and row.men is not None]
    index = None
    fewest = 1 if tables.kind is TableKind.NAMED else smallest
    if shown and whole.women is not None and whole.men is not None and min(whole.women, whole.men) >= fewest:
        women = np.array([r.women for r in shown], dtype=np.float64)
        men = np.array([r.men for r in shown], dtype=np.float64)
        # Who is counted in two units can make the shown ones add up to more than the whole.
        women = np.append(women, max(whole.women - women.sum(), 0.0))
        men = np.append(men, max(whole.men - men.sum(), 0.0))
        index = float(np.abs(women / women.sum() - men / men.sum()).sum() / 2)
    return SegregationLevel(
        level=level,
        index=index,
        compared=len(shown),
        joined=len(units) - len(shown),
        women=whole.women,
        men=whole.men,
        total=whole.total,
    )


def _depths(parents: Mapping[str, str | None]) -> dict[str, int]:
    depth: dict[str, int] = {}
    # Tables stand from the whole downwards, so that a parent comes before its units.
    for unit_id, parent in parents.items():
        depth[unit_id] = 0 if parent is None else -1
    pending = [u for u, d in depth.items() if d < 0]
    while pending:
        for unit_id in pending:
            above = depth[parents[unit_id] or WHOLE]
            depth[unit_id] = above + 1 if above >= 0 else -1
        pending = [u for u in pending if depth[u] < 0]
    return depth


def _kind(kind: TableKind | str) -> TableKind:
    try:
        return TableKind(kind)
    except ValueError:
        raise InputError(f"kind must be one of {', '.join(TableKind)}; got {kind!r}") from None


# -- valuation ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean or a share with the ends of its interval of 95 %."""

    value: float
    low: float
    high: float

    def to_dict(self) -> dict[str, float]:
        """Return plain JSON values."""
        return {"value": self.value, "low": self.low, "high": self.high}


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRow:
    """One measure of one class of competences for women, men and all; None where it is hidden or there is none.

    ``apart`` says that the intervals of women and men do not overlap; None where either is missing.
    """

    measure: str
    group: str
    women: Estimate | None
    men: Estimate | None
    total: Estimate | None

    @property
    def apart(self) -> bool | None:
        """Whether the intervals of women and men have nothing in common."""
        if self.women is None or self.men is None:
            return None
        return self.women.high < self.men.low or self.men.high < self.women.low

    def to_dict(self) -> dict[str, object]:
        """Return plain JSON values."""
        sides = {side: None if (e := getattr(self, side)) is None else e.to_dict() for side in ("women", "men", "total")}
        return {"measure": self.measure, "group": self.group, **sides, "apart": self.apart}


_MEASURES = ("asked", "weight", "level", "recognition", "evidence")
_SHARES = frozenset({"asked", "recognition"})
_CLASSES = ("all", "woman_dominated", "mixed", "man_dominated", "few")


@dataclass(frozen=True, slots=True, kw_only=True)
class ValuationAudit:
    """What is known of how women's and men's competence is valued, with who it is about and how many concepts it is."""

    kind: TableKind
    rows: tuple[AuditRow, ...]
    people: GroupTable
    concepts: Mapping[str, int]

    def row(self, measure: str, group: str = "all") -> AuditRow:
        """Return the row of a measure and a class of competences.

        Raises
        ------
        InputError
            If there is none.
        """
        for row in self.rows:
            if (row.measure, row.group) == (measure, group):
                return row
        raise InputError(
            f"measure must be one of {', '.join(_MEASURES)} and group one of {', '.join(_CLASSES)}; got {measure!r}, {group!r}"
        )

    def to_dict(self) -> dict[str, object]:
        """Return plain JSON values."""
        return {
            "kind": self.kind.value,
            "rows": [row.to_dict() for row in self.rows],
            "people": self.people.to_dict(),
            "concepts": dict(self.concepts),
        }

    def to_frame(self) -> pd.DataFrame:
        """Return measure, group and value, low and high for women, men and total; hidden ones are missing values."""
        import pandas as pd

        records = []
        for row in self.rows:
            record: dict[str, object] = {"measure": row.measure, "group": row.group}
            for side in ("women", "men", "total"):
                estimate = getattr(row, side)
                record[side] = None if estimate is None else estimate.value
                record[f"{side}_low"] = None if estimate is None else estimate.low
                record[f"{side}_high"] = None if estimate is None else estimate.high
            record["apart"] = row.apart
            records.append(record)
        frame = pd.DataFrame(records)
        numbers = [f"{side}{end}" for side in ("women", "men", "total") for end in ("", "_low", "_high")]
        return frame.astype({**dict.fromkeys(numbers, "Float64"), "apart": "boolean"})

    def sentences(self, lang: str = "sv") -> list[str]:
        """Say each row in words: the figures of women and men, and whether the difference is more than uncertainty."""
        return [self._sentence(row, lang) for row in self.rows if row.total is not None or row.group != "few"]

    def _sentence(self, row: AuditRow, lang: str) -> str:
        def said(estimate: Estimate | None) -> str:
            if estimate is None:
                return text("figures.hidden", lang)
            parts = (estimate.value, estimate.low, estimate.high)
            shown = [_percent(v, lang) if row.measure in _SHARES else _number(v, lang, 2) for v in parts]
            return text("figures.interval", lang, value=shown[0], low=shown[1], high=shown[2])

        verdict = {True: "apart", False: "overlap", None: "hidden"}[row.apart]
        return text(
            "figures.audit.row",
            lang,
            measure=text(f"figures.audit.{row.measure}", lang),
            group=text(f"figures.class.{row.group}", lang),
            women=said(row.women),
            men=said(row.men),
            total=said(row.total),
            verdict=text(f"figures.audit.verdict_{verdict}", lang),
        )


def valuation_audit(
    graph: CompetenceGraph, *, kind: TableKind | str = TableKind.PUBLISHED, settings: Settings | None = None
) -> ValuationAudit:
    """Compare how women's and men's competence is valued: asked for, weighed, levelled, recognised, and on what evidence.

    Parameters
    ----------
    graph : CompetenceGraph
        Its holdings are the claims compared; what its audience may not see is not in it.
    kind : TableKind or str
        ``published`` hides results of fewer than ``settings.equality.smallest_result`` people, with what would reveal
        them; ``named`` hides nothing.
    settings : Settings or None
        None means the graph's.

    Returns
    -------
    ValuationAudit
        A row per measure and class of competences.

    Notes
    -----
    Measures, over claims (one person's holding of one concept):

    - asked: share of the claims that a current role of the person asks for;
    - weight: mean weight in (0, 1] with which it is asked for, of those;
    - level: mean level 1-5 that the evidence gives;
    - recognition: share that is assessed or certified;
    - evidence: mean number of pieces of evidence behind a recognised claim, i.e. what recognition took.

    A concept is woman-dominated, mixed or man-dominated by the share of women among *those whose roles ask for it*
    (over, within or under ``settings.equality.band``): not among its holders, since how many have written it down is
    part of what is examined. Where the roles of fewer than ``smallest_result`` women and men ask for it the holders
    count, and where those are fewer too its class is ``few``. People of sex not stated are in the total where they
    are not too few, and in neither side.

    Claims of one person are not independent, so intervals are made from persons: for means the linearised standard
    error of a ratio of sums over persons with Student's t, for shares Wilson's interval with the number of claims divided
    by the design effect (Korn & Graubard 1998). No resampling, no seed. O(holdings + roles * concepts).

    References
    ----------
    Wilson (1927), Journal of the American Statistical Association 22, 209-212. doi:10.1080/01621459.1927.10502953.
    Korn & Graubard (1998), Survey Methodology 24(2), 193-201.
    """
    settings = settings or graph.settings
    chosen = _kind(kind)
    equality = settings.equality
    arrays = graph.arrays
    n_people, n_concepts = len(graph.person_ids), len(graph.concept_ids)
    person = np.repeat(np.arange(n_people), np.diff(arrays.indptr))
    concept = arrays.concept.astype(np.int64)
    column = sex_columns(graph.person_ids, graph.sex)
    weight, asks_of = _asked(graph)
    group = _domination(weight[:-1], asks_of, concept, person, column, n_concepts, equality.band, equality.smallest_result)
    is_group = np.array([c.kind is ConceptKind.GROUP for c in graph.taxonomy.concepts.values()], dtype=np.bool_)
    claims = ~is_group[concept] if len(concept) else np.empty(0, dtype=np.bool_)
    own_weight = weight[asks_of[person], concept] if len(concept) else np.empty(0)
    recognised = arrays.stage >= ValidationStage.ASSESSED.rank
    pieces = np.diff(arrays.evidence_ptr).astype(np.float64)
    measured: dict[str, tuple[NDArray[np.bool_], NDArray[np.float64]]] = {
        "asked": (claims, (own_weight > 0).astype(np.float64)),
        "weight": (claims & (own_weight > 0), own_weight),
        "level": (claims & (arrays.rounded > 0), arrays.level),
        "recognition": (claims, recognised.astype(np.float64)),
        "evidence": (claims & recognised, pieces),
    }
    own_class = group[concept] if len(concept) else np.empty(0, dtype=np.int64)
    rows = []
    for measure, (items, values) in measured.items():
        kept = np.flatnonzero(items)
        rows += _audit_rows(
            measure,
            person[kept],
            column[person[kept]] if len(kept) else np.empty(0, dtype=np.int64),
            own_class[kept],
            values[kept],
            chosen,
            equality.smallest_result,
            equality.smallest_cell,
        )
    held_by = {name: np.unique(person[claims & ((own_class == k) | (k == 0))]) for k, name in enumerate(_CLASSES)}
    ids = {name: [graph.person_ids[i] for i in members] for name, members in held_by.items()}
    # One may hold competences of several classes, so that these have nothing to do with one another.
    people = publish_units(
        {"all": ids.pop("all")},
        [{name: members} for name, members in ids.items()],
        units_of={},
        parents={},
        sex=graph.sex,
        kind=chosen,
        settings=equality,
    )[WHOLE]
    used = np.zeros(n_concepts, dtype=np.bool_)
    used[concept[claims]] = True
    return ValuationAudit(
        kind=chosen,
        rows=tuple(rows),
        people=people,
        concepts={name: int((used & ((group == k) | (k == 0))).sum()) for k, name in enumerate(_CLASSES)},
    )


def _asked(graph: CompetenceGraph) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return the weight with which each set of roles asks for each concept (last row: no role), and each person's set.

    People share few sets of roles, so that a row per set is small where a row per person would not be.
    """
    sets: dict[tuple[str, ...], int] = {}
    of_person = np.fromiter((sets.setdefault(own, len(sets)) for own in graph.person_roles), np.int64, len(graph.person_ids))
    weight = np.zeros((len(sets) + 1, len(graph.concept_ids)))
    for roles, k in sets.items():
        for role_id in roles:
            for requirement in graph.taxonomy.roles[role_id].requirements:
                c = graph.concept_index[requirement.concept_id]
                weight[k, c] = max(weight[k, c], requirement.weight)
    return weight, of_person


def _domination(
    weight: NDArray[np.float64],
    asks_of: NDArray[np.int64],
    concept: NDArray[np.int64],
    person: NDArray[np.int64],
    column: NDArray[np.int64],
    n_concepts: int,
    band: tuple[float, float],
    smallest: int,
) -> NDArray[np.int64]:
    """Return the position in ``_CLASSES`` of each concept."""
    asks = (weight > 0).astype(np.float64)
    share = np.full(n_concepts, np.nan)
    holders = [np.bincount(concept[column[person] == s], minlength=n_concepts).astype(np.float64) for s in (0, 1)]
    askers = [np.bincount(asks_of[column == s], minlength=len(weight)).astype(np.float64) @ asks for s in (0, 1)]
    for women, men in (holders, askers):
        enough = women + men >= smallest
        share[enough] = women[enough] / (women + men)[enough]
    group = np.full(n_concepts, _CLASSES.index("few"), dtype=np.int64)
    group[share > band[1]] = _CLASSES.index("woman_dominated")
    group[(share >= band[0]) & (share <= band[1])] = _CLASSES.index("mixed")
    group[share < band[0]] = _CLASSES.index("man_dominated")
    return group


def _audit_rows(
    measure: str,
    person: NDArray[np.int64],
    column: NDArray[np.int64],
    group: NDArray[np.int64],
    values: NDArray[np.float64],
    kind: TableKind,
    smallest_result: int,
    smallest_cell: int,
) -> list[AuditRow]:
    """Return the rows of one measure: guarded by persons, since one may own many claims."""
    members = {name: np.flatnonzero((group == k) | (k == 0)) for k, name in enumerate(_CLASSES)}
    # Who is of sex not stated is left out of the total where they are few, so that it follows from women and men.
    stated = column < 2
    full = {}
    for name, items in members.items():
        others = len(np.unique(person[items[~stated[items]]]))
        left_out = kind is TableKind.PUBLISHED and 0 < others < smallest_result
        full[name] = items[stated[items]] if left_out else items
    if kind is TableKind.PUBLISHED and len({len(full[n]) == len(members[n]) for n in members if len(members[n])}) > 1:
        # Left out of some rows they could be told from the others by a difference.
        full = {name: items[stated[items]] for name, items in members.items()}
    guard = Guard(column, person)
    much: dict[str, Shown] = {}
    for name in sorted(members, key=lambda n: (n != "all", -len(full[n]))):
        much[name] = Shown.ALL if kind is TableKind.NAMED else guard.show(full[name], smallest_result)
        if measure in _SHARES and kind is TableKind.PUBLISHED:
            much[name] = min(much[name], _share_shown(full[name], person, column, values, smallest_cell))
    rows = []
    for name, items in full.items():
        sides: dict[str, Estimate | None] = dict.fromkeys(("women", "men", "total"))
        if much[name] is Shown.ALL:
            for side, s in (("women", 0), ("men", 1)):
                own = items[column[items] == s]
                sides[side] = _estimate(measure, person[own], values[own])
        if much[name] is not Shown.NOTHING:
            sides["total"] = _estimate(measure, person[items], values[items])
        rows.append(AuditRow(measure=measure, group=name, **sides))
    return rows


def _share_shown(
    items: NDArray[np.int64], person: NDArray[np.int64], column: NDArray[np.int64], values: NDArray[np.float64], smallest: int
) -> Shown:
    """Return how much of a share may be shown: not that it is of one or two persons, or of all but one or two."""

    def few(part: NDArray[np.int64]) -> bool:
        return any(0 < len(np.unique(person[part[values[part] == v]])) < smallest for v in (0.0, 1.0))

    if few(items):
        return Shown.NOTHING
    return Shown.TOTAL if any(few(items[column[items] == s]) for s in (0, 1)) else Shown.ALL


def _estimate(measure: str, person: NDArray[np.int64], values: NDArray[np.float64]) -> Estimate | None:
    """Return a mean over claims, with an interval that takes persons as what was drawn."""
    if not len(values):
        return None
    people, own = np.unique(person, return_inverse=True)
    counts = np.bincount(own).astype(np.float64)
    sums = np.bincount(own, weights=values)
    n, total = len(people), float(counts.sum())
    value = float(sums.sum() / total)
    deviation = sums - value * counts
    variance = float((deviation**2).sum() / total**2 * n / (n - 1)) if n > 1 else 0.0
    if measure in _SHARES:
        # All or none recognised: the claims of one person are taken for one.
        low, high = _wilson(value, min(value * (1 - value) / variance, total) if variance > 0 else float(n))
    else:
        from scipy.special import stdtrit

        half = float(stdtrit(n - 1, 0.975)) * sqrt(variance) if n > 1 else 0.0
        low, high = value - half, value + half
    return Estimate(round(value, 4), round(low, 4), round(high, 4))


def _wilson(share: float, n: float) -> tuple[float, float]:
    """Return Wilson's interval for a share of n."""
    centre = (share + _Z**2 / (2 * n)) / (1 + _Z**2 / n)
    half = _Z / (1 + _Z**2 / n) * sqrt(share * (1 - share) / n + _Z**2 / (4 * n**2))
    return max(centre - half, 0.0), min(centre + half, 1.0)


# -- access -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposure:
    """How often one group was suggested beside another, among those considered.

    ``ratio`` is the share suggested of ``group`` divided by that of ``beside``, with its interval of 95 %; None where
    a count is hidden, a group too small or nobody was suggested. ``outside`` says that the ratio lies outside
    ``settings.equality.exposure``; it is a reason to look closer and no judgement.
    """

    by: str
    group: str
    beside: str
    ratio: float | None
    low: float | None
    high: float | None
    outside: bool | None

    @property
    def is_more_than_chance(self) -> bool:
        """Whether the interval has no room for a ratio of 1."""
        return self.low is not None and self.high is not None and not self.low <= 1.0 <= self.high

    def to_dict(self) -> dict[str, object]:
        """Return plain JSON values."""
        return {f: getattr(self, f) for f in Exposure.__slots__}


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessEquity:
    """Who was considered and who suggested: a table per grouping, and the ratios."""

    kind: TableKind
    tables: Mapping[str, GroupTables]
    exposures: tuple[Exposure, ...]
    names: Mapping[str, str]
    bounds: tuple[float, float]

    def exposure(self, by: str, group: str) -> Exposure:
        """Return the ratio of a group.

        Raises
        ------
        InputError
            If there is none.
        """
        for found in self.exposures:
            if (found.by, found.group) == (by, group):
                return found
        raise InputError(f"no ratio of {group!r} by {by!r}; there are {', '.join(f'{e.by}: {e.group}' for e in self.exposures)}")

    def to_dict(self) -> dict[str, object]:
        """Return plain JSON values."""
        return {
            "kind": self.kind.value,
            "tables": {by: tables.to_dict() for by, tables in self.tables.items()},
            "exposures": [e.to_dict() for e in self.exposures],
            "names": dict(self.names),
            "bounds": list(self.bounds),
        }

    def to_frame(self) -> pd.DataFrame:
        """Return the tables of all groupings under each other, with the grouping in ``by`` and the name of the group."""
        import pandas as pd

        frames = []
        for by, tables in self.tables.items():
            frame = tables.to_frame().rename(columns={"unit_id": "group", "parent_id": "within"})
            frame.insert(0, "by", by)
            frame.insert(2, "name", [self._name(g, "sv") for g in frame["group"]])
            frames.append(frame)
        return pd.concat(frames, ignore_index=True)

    def sentences(self, lang: str = "sv") -> list[str]:
        """Say each ratio in words, those outside the bounds first; of units only those that chance seldom gives."""
        said = [e for e in self.exposures if e.by != "unit" or (e.outside and e.is_more_than_chance)]
        return [self._sentence(e, lang) for e in sorted(said, key=lambda e: not e.outside)]

    def _sentence(self, exposure: Exposure, lang: str) -> str:
        names = {"group": self._name(exposure.group, lang), "beside": self._name(exposure.beside, lang)}
        if exposure.ratio is None or exposure.low is None or exposure.high is None:
            return _begun(text("figures.access.hidden", lang, **names))
        key = "inside"
        if exposure.outside:
            key = "outside_sure" if exposure.is_more_than_chance else "outside"
        numbers = {k: _number(getattr(exposure, k), lang, 2) for k in ("ratio", "low", "high")}
        bounds = {"least": _number(self.bounds[0], lang, 2), "most": _number(self.bounds[1], lang, 2)}
        return _begun(text(f"figures.access.{key}", lang, **names, **numbers, **bounds))

    def _name(self, group: str, lang: str) -> str:
        key = f"figures.group.{'whole' if group == WHOLE else group}"
        return text(key, lang) if key in keys(lang) else self.names.get(group, group)


def access_equity(
    graph: CompetenceGraph,
    considered: Iterable[str],
    suggested: Iterable[str],
    *,
    kind: TableKind | str = TableKind.PUBLISHED,
    settings: Settings | None = None,
) -> AccessEquity:
    """Compare who was considered with who was suggested: by sex, part-time, employment form and unit.

    Parameters
    ----------
    graph : CompetenceGraph
        Where everybody works, and how.
    considered, suggested : iterable of person ids
        Who could have been suggested, and who was; the second lies in the first. Of a ``Suggestions`` object::

            suggested = {p for suggestion in result for p in suggestion.people}
            considered = suggested | {row.person_id for row in result.left_out}
            access_equity(graph, considered, suggested)

    kind : TableKind or str
        ``published`` (default) or ``named``.
    settings : Settings or None
        None means the graph's.

    Returns
    -------
    AccessEquity
        Tables by ``unit``, ``share`` (part-time, full-time, share not stated) and ``form``, each with the rows
        considered and suggested, women, men and total; ratios women to men, part-time to full-time, and each form and
        unit to the others.

    Raises
    ------
    InputError
        If somebody is suggested who was not considered, or is not in the graph.

    Notes
    -----
    ratio = (suggested / considered of the group) / (the same of those beside), with the interval
    exp(log ratio +- 1.96 * sqrt(1/s1 - 1/c1 + 1/s2 - 1/c2)) (Katz and others 1978); a half is added to every count where
    nobody of one group was suggested. Made from shown counts only, and from no fewer than
    ``settings.equality.smallest_result`` considered in either group. Many ratios are looked at, so some lie outside by
    chance. O(people * groupings).

    References
    ----------
    Katz, Baptista, Azen & Pike (1978), Obtaining confidence intervals for the risk ratio in cohort studies, Biometrics
    34(3), 469-474. doi:10.2307/2530610
    """
    settings = settings or graph.settings
    chosen = _kind(kind)
    pool, found = sorted(set(considered)), set(suggested)
    rows = [graph.row(p) for p in pool]
    if stray := sorted(found - set(pool)):
        raise InputError(f"suggested must lie within considered; {stray[0]!r} is not in it ({len(stray)} in all)")
    units = units_counted(graph, chosen)
    employments = {graph.person_ids[r]: _current(graph, r) for r in rows}
    groupings: dict[str, tuple[dict[str, tuple[str, ...]], dict[str, str | None]]] = {
        "share": ({p: (_part_time(own),) for p, own in employments.items()}, {}),
        "form": ({p: tuple(sorted({e.form or "form_not_stated" for e in own})) for p, own in employments.items()}, {}),
        "unit": ({p: units[p] for p in pool}, unit_tree(graph).parents),
    }
    tables = {
        by: publish_units(
            {"considered": pool},
            [{"suggested": found}],
            units_of=groups,
            parents=parents,
            sex=graph.sex,
            kind=chosen,
            settings=settings.equality,
        )
        for by, (groups, parents) in groupings.items()
    }
    whole = tables["share"][WHOLE]
    fewest = 1 if chosen is TableKind.NAMED else settings.equality.smallest_result
    bounds = settings.equality.exposure
    exposures = [_exposure("sex", "women", "men", _side(whole, "women"), _side(whole, "men"), fewest, bounds)]
    by_share = tables["share"]
    part = _side(by_share["part_time"], "total") if "part_time" in by_share else (None, None)
    full = _side(by_share["full_time"], "total") if "full_time" in by_share else (None, None)
    exposures.append(_exposure("share", "part_time", "full_time", part, full, fewest, bounds))
    everybody = _side(whole, "total")
    for by in ("form", "unit"):
        for group in tables[by]:
            if group != WHOLE:
                own = _side(tables[by][group], "total")
                exposures.append(_exposure(by, group, "others", own, _less(everybody, own), fewest, bounds))
    names = {u: graph.unit_name(u) for u in tables["unit"] if u != WHOLE}
    return AccessEquity(kind=chosen, tables=tables, exposures=tuple(exposures), names=names, bounds=bounds)


_Counts = tuple[int | None, int | None]


def _side(table: GroupTable, side: str) -> _Counts:
    """Return how many of a column were considered and suggested."""
    return cast("_Counts", tuple(getattr(table[row], side) for row in ("considered", "suggested")))


def _less(whole: _Counts, part: _Counts) -> _Counts:
    return cast("_Counts", tuple(None if a is None or b is None else a - b for a, b in zip(whole, part, strict=True)))


def _exposure(
    by: str, group: str, beside: str, own: _Counts, others: _Counts, fewest: int, bounds: tuple[float, float]
) -> Exposure:
    none = Exposure(by=by, group=group, beside=beside, ratio=None, low=None, high=None, outside=None)
    (c1, s1), (c2, s2) = own, others
    if c1 is None or s1 is None or c2 is None or s2 is None or min(c1, c2) < fewest or s1 + s2 == 0:
        return none
    extra = 0.5 if 0 in (s1, s2) else 0.0
    n1, a, n2, b = c1 + extra, s1 + extra, c2 + extra, s2 + extra
    ratio = (a / n1) / (b / n2)
    half = _Z * sqrt(max(1 / a - 1 / n1 + 1 / b - 1 / n2, 0.0))
    return Exposure(
        by=by,
        group=group,
        beside=beside,
        ratio=ratio,
        low=exp(log(ratio) - half),
        high=exp(log(ratio) + half),
        outside=not bounds[0] <= ratio <= bounds[1],
    )


def _current(graph: CompetenceGraph, row: int) -> tuple[Employment, ...]:
    return tuple(e for e in graph.people[row].employments if e.is_current(graph.as_of))


def _part_time(employments: Sequence[Employment]) -> str:
    """Return whether all current employments together are less than full time."""
    shares = [e.share for e in employments]
    if not shares or any(s is None for s in shares):
        return "share_not_stated"
    return "part_time" if sum(s for s in shares if s is not None) < 1 - 1e-9 else "full_time"


def _begun(sentence: str) -> str:
    """Return a sentence with a capital at its start, since it may begin with the name of a group."""
    return sentence[:1].upper() + sentence[1:]


def _number(value: float, lang: str, decimals: int) -> str:
    shown = f"{value:.{decimals}f}"
    return shown.replace(".", ",") if lang == "sv" else shown


def _percent(share: float, lang: str) -> str:
    return f"{_number(100 * share, lang, 0)}{' ' if lang == 'sv' else ''}%"
