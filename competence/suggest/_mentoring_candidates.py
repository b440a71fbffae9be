"""Candidate pairs of a mentoring round with what is measured of each: who could teach whom, or be whose buddy.

This module decides topics and measures. Which pairs a hard rule forbids, :mod:`competence.suggest._mentoring_rules`
decides. Sex, age and name are never read.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from math import fsum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from competence.evidence import age_in_months
from competence.fit import gaps
from competence.graph import CompetenceGraph, ResolvedNeed
from competence.model import Importance, InterestKind, Need, NeedItem, Person
from competence.settings import Settings
from competence.suggest.scoring import levels_at, positions_of

__all__ = [
    "BEST_LEAD",
    "LONGEST_LEAD",
    "Candidates",
    "Newcomer",
    "Topic",
    "buddy_candidates",
    "most_wanted",
    "newcomer",
    "skill_candidates",
    "teaches",
    "topics_of",
    "with_role_since",
]

BEST_LEAD = 2
"""Lead in levels from which a mentor's lead counts in full; a lead of one level counts half."""
LONGEST_LEAD = 24.0
"""Months longer in the role from which a buddy's time there counts in full."""

_DENSE = 8  # pairs per topic met up to which all pairs are counted in place
_BLOCK = 2_000_000
"""Pairs looked at in one go."""

_Asked = ResolvedNeed | Need | NeedItem | str | Mapping[str, int] | Iterable[str | NeedItem] | None


class Topic(NamedTuple):
    """Something a mentee wants to learn: the column, the weight, and where the wish comes from."""

    column: int
    weight: float
    origin: str


@dataclass(frozen=True, slots=True)
class Candidates:
    """Pairs that could be, by position among mentees and mentors, with each measure in [0, 1] and their weighted sum."""

    mentee: NDArray[np.int64]
    mentor: NDArray[np.int64]
    measures: Mapping[str, NDArray[np.float64]]
    score: NDArray[np.float64]
    weights: Mapping[str, float]

    @classmethod
    def of(
        cls,
        mentee: NDArray[np.int64],
        mentor: NDArray[np.int64],
        measures: Mapping[str, NDArray[np.float64]],
        weights: Mapping[str, float],
    ) -> Candidates:
        """Add the measures up by their weights."""
        score = np.zeros(len(mentee))
        for name, values in measures.items():
            score += weights[name] * values
        return cls(mentee, mentor, measures, score, weights)

    def only(self, keep: NDArray[np.bool_]) -> Candidates:
        """Return the pairs marked."""
        measures = {name: values[keep] for name, values in self.measures.items()}
        return Candidates(self.mentee[keep], self.mentor[keep], measures, self.score[keep], self.weights)

    def differences(self, own: NDArray[np.int64], other: NDArray[np.int64]) -> list[dict[str, float]]:
        """Return by measure how much more each pair of ``own`` contributes than its one of ``other``, where they differ."""
        gains = {name: self.weights[name] * (values[own] - values[other]) for name, values in self.measures.items()}
        gains = {name: gain for name, gain in gains.items() if gain.any()}
        if not gains:
            return [{} for _ in own]
        parts = zip(*(gain.tolist() for gain in gains.values()), strict=True)
        return [{name: gain for name, gain in zip(gains, part, strict=True) if gain} for part in parts]

    def keys(self, n_mentors: int) -> NDArray[np.int64]:
        """Return each pair as one number, ``mentee * n_mentors + mentor``; they ascend."""
        return self.mentee * n_mentors + self.mentor


# -- topics -------------------------------------------------------------------------------------------------------


def topics_of(
    graph: CompetenceGraph,
    rows: Sequence[int],
    mentor_rows: Sequence[int],
    topics: _Asked,
    goal_role: str | None,
    settings: Settings,
) -> tuple[dict[int, tuple[Topic, ...]], object, bool]:
    """Return the topics of each mentee, how they were chosen (for the request), and whether some words met nothing."""
    if topics is not None:
        need = graph.need(topics)
        shared = tuple(Topic(graph.concept_index[i.concept_id], i.weight, "asked") for i in need.items)
        return dict.fromkeys(rows, shared), need.recorded(), bool(need.not_understood)
    found: dict[int, tuple[Topic, ...]] = {}
    teachable = _Teachable(graph, mentor_rows)
    for row in rows:
        person_id = graph.person_ids[row]
        stated = sorted(graph.interests.get((person_id, InterestKind.LEARN), ()))
        if stated and goal_role is None:
            found[row] = tuple([Topic(column, 1.0, "stated") for column in stated])
            continue
        # The same concept may be missing in two roles held; the larger gap counts.
        missing: dict[int, tuple[float, float]] = {}
        for gap in gaps(graph, person_id, goal_role):
            column, weight = graph.concept_index[gap.requirement.concept_id], gap.requirement.weight
            essential = gap.requirement.importance is Importance.ESSENTIAL
            if gap.missing > 0 and essential and not gap.requirement.hard and teachable.above(column, gap.held):
                missing[column] = max(missing.get(column, (0.0, 0.0)), (gap.missing * weight, weight))
        heaviest = sorted(missing, key=lambda c: (-missing[c][0], graph.concept_ids[c]))
        found[row] = tuple(Topic(c, missing[c][1], "gap") for c in heaviest[: settings.suggest.topics])
        if not found[row] and goal_role is None:
            found[row] = _lowest_held(graph, row, teachable, settings)
    return found, "goal_role" if goal_role else "stated_or_gaps", False


class _Teachable:
    """The highest level any mentor holds in a concept, looked up once per concept."""

    def __init__(self, graph: CompetenceGraph, mentor_rows: Sequence[int]) -> None:
        self._graph = graph
        self._rows = np.array(mentor_rows, dtype=np.int64)
        self._best: dict[int, int] = {}

    def above(self, column: int, level: int) -> bool:
        """Say whether some mentor holds more than ``level``."""
        if column not in self._best:
            self._best[column] = int(self._graph.rounded_column(column)[self._rows].max(initial=0))
        return self._best[column] > level


def _lowest_held(graph: CompetenceGraph, row: int, teachable: _Teachable, settings: Settings) -> tuple[Topic, ...]:
    """Return what a person without wishes and roles holds at level 1 or 2 and some mentor holds higher, lowest first."""
    span = range(graph.arrays.indptr[row], graph.arrays.indptr[row + 1])
    low = [
        (int(graph.arrays.rounded[p]), graph.concept_ids[graph.arrays.concept[p]], int(graph.arrays.concept[p]))
        for p in span
        if 1 <= graph.arrays.rounded[p] <= BEST_LEAD
        and teachable.above(int(graph.arrays.concept[p]), int(graph.arrays.rounded[p]))
    ]
    return tuple(Topic(column, 1.0, "held") for _, _, column in sorted(low)[: settings.suggest.topics])


def most_wanted(graph: CompetenceGraph, wanted: Mapping[int, tuple[Topic, ...]]) -> str | None:
    """Return the concept that the topics weigh most in, over all mentees; of equals the first by id."""
    weight: dict[int, list[float]] = {}
    for topics in wanted.values():
        for topic in topics:
            weight.setdefault(topic.column, []).append(topic.weight)
    if not weight:
        return None
    return graph.concept_ids[min(weight, key=lambda c: (-fsum(weight[c]), graph.concept_ids[c]))]


def teaches(graph: CompetenceGraph, person_id: str, column: int) -> bool:
    """Say whether a person has stated an interest to teach a concept."""
    return column in graph.interests.get((person_id, InterestKind.TEACH), ())


# -- pairs around topics --------------------------------------------------------------------------------------------


def skill_candidates(
    graph: CompetenceGraph,
    mentee_rows: Sequence[int],
    mentor_rows: Sequence[int],
    wanted: Mapping[int, tuple[Topic, ...]],
    load: Sequence[float],
    settings: Settings,
) -> Candidates:
    """Measure every pair with a topic that the mentor leads in by the levels allowed, from the holders of each topic."""
    low, high = settings.suggest.level_gap
    # Who wants each topic, and its share of all that the mentee wants; wishes for one topic stand together.
    totals = [sum(t.weight for t in wanted[row]) for row in mentee_rows]
    column = np.array([t.column for row in mentee_rows for t in wanted[row]], dtype=np.int64)
    mentee = np.repeat(np.arange(len(mentee_rows)), [len(wanted[row]) for row in mentee_rows])
    share = np.array([t.weight / total for row, total in zip(mentee_rows, totals, strict=True) for t in wanted[row]])
    by_topic = np.argsort(column, kind="stable")
    column, mentee, share = column[by_topic], mentee[by_topic], share[by_topic]
    have = levels_at(graph, positions_of(graph, np.array(mentee_rows, dtype=np.int64)[mentee], column))
    held = _Held.of(graph, mentor_rows)
    # Each wish meets all who hold its topic: the pairs before each wish, of all there are.
    before = np.concatenate([[0], np.cumsum(held.ends[column + 1] - held.ends[column])])
    keys: list[NDArray[np.int64]] = []
    values: tuple[list[NDArray[np.float64]], ...] = ([], [], [])
    start = 0
    while start < len(column):
        # A block at a time, so that topics that thousands want and thousands hold take little memory beside the pairs.
        stop = max(start + 1, int(np.searchsorted(before, before[start] + _BLOCK, side="right")) - 1)
        wish = np.repeat(np.arange(start, stop), np.diff(before[start : stop + 1]))
        holder = np.arange(before[start], before[stop]) + (held.ends[column] - before[:-1])[wish]
        lead = held.level[holder] - have[wish]
        # Nobody leads over themselves, so nobody becomes their own mentor.
        fits = np.flatnonzero((lead >= low) & (lead <= high))
        wish, holder = wish[fits], holder[fits]
        keys.append(mentee[wish] * len(mentor_rows) + held.mentor[holder])
        values[0].append(share[wish] * np.minimum(lead[fits], BEST_LEAD) / BEST_LEAD)
        values[1].append(share[wish] * held.confidence[holder])
        values[2].append(share[wish] * held.teaching[holder])
        start = stop
    every = np.concatenate(keys) if keys else np.empty(0, dtype=np.int64)
    possible = len(mentee_rows) * len(mentor_rows)
    # Where many of all pairs have a topic they are added up in place; else each pair first gets a number of its own.
    dense = possible <= _DENSE * len(every)
    key, place = (np.flatnonzero(np.bincount(every)), every) if dense else np.unique(every, return_inverse=True)

    def summed(part: list[NDArray[np.float64]]) -> NDArray[np.float64]:
        weights = np.concatenate(part) if part else np.empty(0)
        added = np.asarray(np.bincount(place, weights=weights), dtype=np.float64)
        return added[key] if dense else added

    e_of, r_of = key // len(mentor_rows), key % len(mentor_rows)
    measures = {
        "topic_gain": summed(values[0]),
        "mentor_confidence": summed(values[1]),
        "teaching": summed(values[2]),
        "other_unit": _in_other_units(graph, mentee_rows, mentor_rows, key, r_of),
        "load": np.asarray(load, dtype=np.float64)[r_of],
    }
    return Candidates.of(e_of, r_of, measures, settings.suggest.pairs)


@dataclass(frozen=True, slots=True)
class _Held:
    """What the mentors hold, by concept: the holdings of column c stand in ``ends[c] : ends[c + 1]``."""

    ends: NDArray[np.int64]
    mentor: NDArray[np.int64]
    level: NDArray[np.int64]
    confidence: NDArray[np.float64]
    teaching: NDArray[np.float64]

    @classmethod
    def of(cls, graph: CompetenceGraph, mentor_rows: Sequence[int]) -> _Held:
        """Take the holdings that count; ``mentor`` is the position among ``mentor_rows``."""
        arrays, n_columns = graph.arrays, len(graph.concept_ids)
        place = np.full(len(graph.person_ids), -1, dtype=np.int64)
        place[np.array(mentor_rows, dtype=np.int64)] = np.arange(len(mentor_rows))
        counts = (place[arrays.column_person] >= 0) & (arrays.rounded[arrays.column_position] > 0)
        ends = np.concatenate([[0], np.cumsum(counts)])[arrays.column_ptr]
        row, position = arrays.column_person[counts].astype(np.int64), arrays.column_position[counts]
        taught = [
            graph.person_index[person_id] * n_columns + column
            for (person_id, kind), columns in graph.interests.items()
            if kind is InterestKind.TEACH and person_id in graph.person_index
            for column in columns
        ]
        teaching = np.isin(row * n_columns + arrays.concept[position], np.array(taught, dtype=np.int64))
        level = levels_at(graph, position)
        return cls(ends, place[row], level, arrays.confidence[position], teaching.astype(np.float64))


def _in_other_units(
    graph: CompetenceGraph,
    mentee_rows: Sequence[int],
    mentor_rows: Sequence[int],
    key: NDArray[np.int64],
    mentor: NDArray[np.int64],
) -> NDArray[np.float64]:
    """Return 1 for each pair whose mentor has a unit that the mentee does not share, else 0."""
    every = dict.fromkeys(u for rows in (mentee_rows, mentor_rows) for row in rows for u in graph.units_of[row])
    names = {u: k for k, u in enumerate(every)}

    def members(rows: Sequence[int]) -> sparse.csr_array:
        own = [graph.units_of[row] for row in rows]
        at = np.array([names[u] for units in own for u in units], dtype=np.int64)
        ends = np.concatenate([[0], np.cumsum([len(units) for units in own], dtype=np.int64)])
        return sparse.csr_array((np.ones(len(at)), at, ends), shape=(len(rows), max(len(names), 1)))

    shared = (members(mentee_rows) @ members(mentor_rows).T).tocoo()
    together = shared.row.astype(np.int64) * len(mentor_rows) + shared.col
    other = np.array([bool(graph.units_of[r]) for r in mentor_rows], dtype=np.bool_)[mentor]
    if len(key):
        # The keys ascend, and those who share a unit are far fewer.
        at = np.minimum(np.searchsorted(key, together), len(key) - 1)
        other[at[key[at] == together]] = False
    return other.astype(np.float64)


# -- new employees and buddies ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Newcomer:
    """A new employee: the role that is new, since when, and the unit of that employment."""

    role_id: str
    start: date
    unit_id: str


def with_role_since(person: Person, as_of: date) -> dict[str, date | None]:
    """Return since when a person has had each role: the first day of any employment with it; None where a date is missing.

    Only roles of current employments are returned; an earlier contract in the same role counts.
    """
    since: dict[str, date | None] = {}
    for employment in person.employments:
        for share in employment.roles:
            if share.role_id and (employment.start is None or employment.start <= as_of):
                known = since.get(share.role_id, employment.start)
                since[share.role_id] = None if known is None or employment.start is None else min(known, employment.start)
    now = {s.role_id for e in person.employments if e.is_current(as_of) for s in e.roles}
    return {role_id: start for role_id, start in since.items() if role_id in now}


def newcomer(graph: CompetenceGraph, row: int, months: float) -> Newcomer | str:
    """Return in what a person is new, the latest where there are several; else ``not_new`` or ``role_not_understood``."""
    person = graph.people[row]
    since = with_role_since(person, graph.as_of)
    found: list[tuple[int, str, Newcomer]] = []
    unlinked = False
    for employment in person.employments:
        age = age_in_months(employment.start, graph.as_of)
        if not employment.is_current(graph.as_of) or age is None or age >= months:
            continue
        known = [s.role_id for s in employment.roles if s.role_id is not None and s.role_id in graph.role_index]
        unlinked |= not known
        for role_id in known:
            start = since[role_id]
            if start is not None and (age_in_months(start, graph.as_of) or 0.0) < months:
                found.append((-start.toordinal(), role_id, Newcomer(role_id, start, employment.unit_id)))
    if found:
        return min(found, key=lambda f: f[:2])[2]
    return "role_not_understood" if unlinked else "not_new"


def buddy_candidates(
    graph: CompetenceGraph,
    new: Sequence[Newcomer],
    mentee_rows: Sequence[int],
    mentor_rows: Sequence[int],
    load: Sequence[float],
    settings: Settings,
) -> tuple[Candidates, dict[str, NDArray[np.bool_]]]:
    """Measure every newcomer beside every colleague in the same role, and say which are not longer there or not near.

    Near is 1 in the same unit, and 0.5 in a unit under the same one, right above or below it, or at the same site.
    """
    nearness = _Nearness(graph, mentor_rows)
    since = [with_role_since(graph.people[row], graph.as_of) for row in mentor_rows]
    in_role: dict[str, tuple[NDArray[np.int64], NDArray[np.float64]]] = {}
    for role_id in sorted({n.role_id for n in new}):
        having = [r for r, roles in enumerate(since) if role_id in roles]
        # Somebody whose first day in the role is not known cannot be shown to have been there longer.
        first = [d.toordinal() if (d := since[r][role_id]) else np.inf for r in having]
        in_role[role_id] = np.array(having, dtype=np.int64), np.array(first, dtype=np.float64)
    parts: list[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]] = []
    for e, (person, row) in enumerate(zip(new, mentee_rows, strict=True)):
        places, days = in_role[person.role_id]
        others = np.array([mentor_rows[r] != row for r in places.tolist()], dtype=np.bool_)
        places, days = places[others], days[others]
        months = np.maximum(person.start.toordinal() - days, 0.0) * 12 / 365.25
        near = nearness.of(person.unit_id, graph.staff.site_of(graph.person_ids[row]))[places]
        parts.append((np.full(len(places), e, dtype=np.int64), places, near, months))
    mentee, mentor = (np.concatenate([p[k] for p in parts]) if parts else np.empty(0, np.int64) for k in (0, 1))
    near, months = (np.concatenate([p[k] for p in parts]) if parts else np.empty(0) for k in (2, 3))
    measures = {
        "nearby": near,
        "time_in_role": np.minimum(months, LONGEST_LEAD) / LONGEST_LEAD,
        "load": np.asarray(load, dtype=np.float64)[mentor],
    }
    found = Candidates.of(mentee, mentor, measures, settings.suggest.buddies)
    return found, {"not_longer_in_role": months <= 0, "not_near": near <= 0}


class _Nearness:
    """How near each mentor works to a unit, looked up once per unit and site."""

    def __init__(self, graph: CompetenceGraph, mentor_rows: Sequence[int]) -> None:
        self._graph = graph
        self._units = [graph.units_of[row] for row in mentor_rows]
        self._sites = [graph.staff.site_of(graph.person_ids[row]) for row in mentor_rows]
        self._known: dict[tuple[str, str], NDArray[np.float64]] = {}

    def of(self, unit_id: str, site: str) -> NDArray[np.float64]:
        """Return the nearness of every mentor, shape (n_mentors,)."""
        key = (unit_id, site)
        if key not in self._known:
            near = {u: self._between(unit_id, u) for u in {u for own in self._units for u in own}}
            self._known[key] = np.array(
                [
                    max([near[u] for u in own] + [0.5 if site and site == at else 0.0])
                    for own, at in zip(self._units, self._sites, strict=True)
                ]
            )
        return self._known[key]

    def _between(self, one: str, other: str) -> float:
        if one == other and one:
            return 1.0
        above, below = self._graph.unit(one), self._graph.unit(other)
        if above is None or below is None:
            return 0.0
        siblings = above.parent_id is not None and above.parent_id == below.parent_id
        return 0.5 if siblings or above.parent_id == other or below.parent_id == one else 0.0
