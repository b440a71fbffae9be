"""Pair mentees with mentors: who can teach what somebody wants to learn, the best pairs for all at once.

Five steps: topics per mentee, candidate pairs under the hard rules, scores, exact assignment under capacities, result.
Sex, age and name are never read.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from competence.errors import InputError
from competence.fit import gaps, sum_of
from competence.graph import CompetenceGraph
from competence.model import Choice, HistoryKind, Importance, InterestKind, Need, NeedItem, Outcome, Reason, Status
from competence.settings import Settings
from competence.solve.assign import Assignment, alternatives, assign
from competence.solve.budget import Progress
from competence.solve.order import seeded_order
from competence.solve.stable import blocking_pairs, stable_match
from competence.suggest.result import Alternative, LeftOutRow, Member, Suggestion, Suggestions
from competence.suggest.scoring import (
    active_mentees,
    answered_pairs,
    concept_facts,
    evidence_of,
    not_taking_part,
    ordered,
    prepare,
    to_ask_first,
    understood_request,
)

__all__ = ["pair_mentors"]

_KIND = "pairs"
_RULES = ("forbidden_pair", "own_line_manager", "paired_before", "below_cutoff")
_ALLOWED = -1
_Places = tuple[dict[int, int], dict[int, int]]
"""Solver position of each mentee row and of each mentor row."""
_BEST_LEAD = 2
"""Lead in levels from which a mentor's lead counts in full; a lead of one level counts half."""
_WAITING = ("mentors_full", "nobody_leads_in_topic", "below_cutoff", "own_line_manager", "paired_before", "forbidden_pair")
"""Rules that leave somebody with something to learn without a mentor."""


def pair_mentors(
    graph: CompetenceGraph,
    mentees: Iterable[str] | None = None,
    *,
    mentors: Iterable[str] | None = None,
    topics: Need | NeedItem | str | Mapping[str, int] | Iterable[str | NeedItem] | None = None,
    goal_role: str | None = None,
    capacity: int | None = None,
    n: int | None = None,
    stable: bool = False,
    pinned: Iterable[tuple[str, str]] = (),
    forbidden: Iterable[tuple[str, str]] = (),
    cutoff: float | None = None,
    effort: int | None = None,
    time_limit: float | None = None,
    settings: Settings | None = None,
    as_of: date | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> Suggestions:
    """Pair mentees with mentors at the highest total score, exactly.

    Parameters
    ----------
    graph : CompetenceGraph
        People, holdings, interests and history.
    mentees, mentors : iterable of str or None
        Ids; None takes everybody who takes part in that purpose.
    topics : need or None
        What all mentees want to learn. None takes each mentee's stated interests to learn; without any, the gaps to
        ``goal_role`` or to the roles held that some mentor could help with, the heaviest first; without roles too,
        what the mentee holds at the lowest levels (1 or 2).
    goal_role : str or None
        Role id whose gaps are the topics of all mentees; overrides stated interests.
    capacity : int or None
        Mentees per mentor where the file does not say; None takes ``settings.suggest.mentor_capacity``. Mentees a
        mentor already has count against it.
    n : int or None
        Show only the n best pairs; the plan is made for all.
    stable : bool
        True gives the mentee-optimal stable matching in place of the highest total score.
    pinned, forbidden : iterable of (mentee, mentor)
        Pairs that must be, or must not be. Decisions in the data (pinned; forbidden, rejected) are added.
    cutoff : float or None
        Lowest score of a pair; None takes ``settings.suggest.pair_cutoff``.
    effort, time_limit, progress
        Budget of the solver in steps, a guard in seconds, and a callback.
    settings, as_of, seed
        As for every suggestion.

    Returns
    -------
    Suggestions
        One Suggestion per pair, parts ``mentee`` and ``mentor``, with up to ``settings.suggest.alternatives`` other
        mentors and at least what each would cost the whole. Empty with ``no_topics`` or ``no_pairs``.

    Raises
    ------
    InputError
        If capacity or n is negative, or a pinned pair breaks a hard rule.
    UnknownIdError
        If a person, role or concept does not exist.

    Notes
    -----
    maximise sum(s[e, r] x[e, r]) subject to sum over r of x <= 1, sum over e of x <= capacity[r], x in {0, 1}: integral,
    solved exactly. Measures: topic_gain = sum(w min(lead, 2) / 2) / sum(w) over topics where the mentor leads by
    ``settings.suggest.level_gap`` levels, mentor_confidence and teaching over the same topics, other_unit, and load
    (1 / (1 + mentees now)). Hard rules: takes_part, own_line_manager (either way), paired_before, forbidden_pair,
    level_gap. O(sum over mentees and topics of holders) for the scores.
    """
    graph, settings, as_of = prepare(graph, as_of, settings)
    for value, name in ((capacity, "capacity"), (n, "n")):
        if value is not None and value < 0:
            raise InputError(f"{name} must be at least 0; got {value!r}")
    mentees = sorted(set(mentees)) if mentees is not None else None
    mentors = sorted(set(mentors)) if mentors is not None else None
    pinned, forbidden = sorted(set(pinned)), sorted(set(forbidden))
    lowest = settings.suggest.pair_cutoff if cutoff is None else cutoff
    rounds = _Round(graph, settings, seed)
    # Why somebody got no part, by row, as mentee and as mentor apart: most people are asked for both.
    as_mentee: dict[int, str] = {}
    as_mentor: dict[int, str] = {}
    mentee_rows = rounds.taking_part(mentees, "mentee", as_mentee)
    mentor_rows = rounds.taking_part(mentors, "mentor", as_mentor)
    considered = {graph.person_ids[r] for r in (*mentee_rows, *mentor_rows, *as_mentee, *as_mentor)}
    wanted, topics_asked, unclear = _topics(graph, mentee_rows, mentor_rows, topics, goal_role, settings)
    request: dict[str, object] = {
        "topics": topics_asked,
        "mentees": mentees,
        "mentors": mentors,
        "goal_role": goal_role,
        "capacity": capacity,
        "n": n,
        "stable": stable,
        "pinned": [list(p) for p in pinned],
        "forbidden": [list(p) for p in forbidden],
        "cutoff": lowest,
        "effort": effort,
        "time_limit": time_limit,
    }
    as_mentee |= {r: "no_topics" for r in mentee_rows if not wanted.get(r)}
    with_topics = [r for r in mentee_rows if wanted.get(r)]

    def empty(reason: str) -> Suggestions:
        return Suggestions.empty(
            graph,
            _KIND,
            reason,
            settings=settings,
            as_of=as_of,
            request=request,
            seed=seed,
            left_out=_left_out(graph, as_mentee, as_mentor),
            considered=considered,
        )

    if not with_topics:
        return empty("no_mentees" if not mentee_rows else "not_understood" if unclear else "no_topics")
    if not mentor_rows:
        return empty("no_mentors")

    candidates = _candidates(graph, with_topics, mentor_rows, wanted, settings)
    barred = rounds.barred(forbidden)
    asked, earlier = rounds.fixed(pinned)
    at = {row: i for i, row in enumerate(with_topics)}, {row: i for i, row in enumerate(mentor_rows)}
    refused = _refuse(candidates, rounds.refusals(at, barred), rounds.as_keys(at, asked | earlier), lowest, len(mentor_rows))
    tried = candidates.mentee
    candidates = candidates.only(refused == _ALLOWED)
    shape = (len(with_topics), len(mentor_rows))
    score = sparse.csr_array((candidates.score, (candidates.mentee, candidates.mentor)), shape=shape)
    mentees_now = active_mentees(graph)
    room = np.array([rounds.capacity(r, capacity, mentees_now) for r in mentor_rows], dtype=np.int64)
    pins, unkept = _pins(graph, asked, earlier, at, score)
    if stable:
        solution = _stable(score, room, pins)
    else:
        solution = assign(score, 1, room, pinned=pins, effort=effort, time_limit=time_limit, seed=seed, progress=progress)
    if solution.outcome.status is Status.INFEASIBLE:
        return Suggestions.build(
            graph,
            _KIND,
            (),
            outcome=_named(graph, solution.outcome, with_topics, mentor_rows),
            left_out=_left_out(graph, {r: why for r, why in as_mentee.items() if r not in at[1]}, {}),
            considered=considered,
            settings=settings,
            as_of=as_of,
            request=request,
            seed=seed,
        )
    pairs = [(int(e), int(r)) for e, r in solution.pairs]
    matched = {e for e, _ in pairs}
    as_mentee |= {row: _why_unmatched(e, score, tried, refused) for e, row in enumerate(with_topics) if e not in matched}
    used, fitting = {r for _, r in pairs}, set(score.indices.tolist())
    as_mentor |= {
        row: "no_room" if room[r] == 0 else "not_needed" if r in fitting else "no_mentee_fits"
        for r, row in enumerate(mentor_rows)
        if r not in used
    }
    if not pairs:
        return empty("no_pairs")

    position = {(int(e), int(r)): k for k, (e, r) in enumerate(zip(candidates.mentee, candidates.mentor, strict=True))}
    items: list[Suggestion] = []
    for e, r in pairs:
        others: tuple[Alternative, ...] = ()
        if not stable:
            others = tuple(
                Alternative(
                    (graph.person_ids[with_topics[e]], graph.person_ids[mentor_rows[a.column]]), a.score, max(a.loss, 0.0)
                )
                for a in alternatives(score, solution, e, settings.suggest.alternatives)
            )
        items.append(
            rounds.suggestion(
                with_topics[e], mentor_rows[r], wanted[with_topics[e]], candidates, position[e, r], others, mentees_now
            )
        )
    shuffle = seeded_order([s.people[0] for s in items], seed)
    best_first = sorted((items[i] for i in shuffle), key=lambda s: -s.score)
    shown = [replace(s, rank=rank) for rank, s in enumerate(best_first, start=1)]
    if n is not None:
        as_mentee |= {graph.person_index[s.people[0]]: "not_among_best" for s in shown[n:]}
        as_mentor |= {graph.person_index[s.people[1]]: "not_among_best" for s in shown[n:]}
        shown = shown[:n]
    # Who mentors is in a suggestion and so not left out; that the same person waits for a mentor is said there.
    waits = [as_mentee.get(graph.person_index[s.people[1]], "") for s in shown]
    shown = [
        replace(s, facts={**s.facts, "mentor_waits": why}) if why in _WAITING else s for s, why in zip(shown, waits, strict=True)
    ]
    waiting = len({s.people[1] for s in shown if "mentor_waits" in s.facts})
    blocking = len(blocking_pairs(score, score, solution.pairs, room))
    notes: tuple[str, ...] = (f"blocking_pairs:{blocking}",)
    if waiting:
        notes = (*notes, f"mentors_waiting:{waiting}")
    if unclear:
        notes = (*notes, "need_partly_understood")
    if unkept:
        notes = (*notes, f"pin_not_kept:{unkept}")
    if any(s.ask_first for s in shown):
        notes = (*notes, "opt_in_not_asked")
    return Suggestions.build(
        graph,
        _KIND,
        shown,
        outcome=solution.outcome,
        left_out=_left_out(graph, as_mentee, as_mentor),
        considered=considered,
        settings=settings,
        as_of=as_of,
        request=request,
        seed=seed,
        notes=notes,
    )


@dataclass(frozen=True, slots=True)
class _Topic:
    """Something a mentee wants to learn: the column, the weight, and where the wish comes from."""

    column: int
    weight: float
    origin: str


def _topics(
    graph: CompetenceGraph,
    rows: Sequence[int],
    mentor_rows: Sequence[int],
    topics: Need | NeedItem | str | Mapping[str, int] | Iterable[str | NeedItem] | None,
    goal_role: str | None,
    settings: Settings,
) -> tuple[dict[int, tuple[_Topic, ...]], object, bool]:
    """Return the topics of each mentee, how they were chosen (for the request), and whether some words met nothing."""
    if topics is not None:
        need = graph.need(topics)
        shared = tuple(_Topic(graph.concept_index[i.concept_id], i.weight, "asked") for i in need.items)
        return dict.fromkeys(rows, shared), understood_request(need), bool(need.not_understood)
    found: dict[int, tuple[_Topic, ...]] = {}
    teachable = _Teachable(graph, mentor_rows)
    for row in rows:
        person_id = graph.person_ids[row]
        stated = sorted(graph.interests.get((person_id, InterestKind.LEARN), ()))
        if stated and goal_role is None:
            found[row] = tuple(_Topic(column, 1.0, "stated") for column in stated)
            continue
        # The same concept may be missing in two roles held; the larger gap counts.
        missing: dict[int, tuple[float, float]] = {}
        for gap in gaps(graph, person_id, goal_role):
            column, weight = graph.concept_index[gap.requirement.concept_id], gap.requirement.weight
            essential = gap.requirement.importance is Importance.ESSENTIAL
            if gap.missing > 0 and essential and not gap.requirement.hard and teachable.above(column, gap.held):
                missing[column] = max(missing.get(column, (0.0, 0.0)), (gap.missing * weight, weight))
        heaviest = sorted(missing, key=lambda c: (-missing[c][0], graph.concept_ids[c]))
        found[row] = tuple(_Topic(c, missing[c][1], "gap") for c in heaviest[: settings.suggest.topics])
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


def _lowest_held(graph: CompetenceGraph, row: int, teachable: _Teachable, settings: Settings) -> tuple[_Topic, ...]:
    """Return what a person without wishes and roles holds at level 1 or 2 and some mentor holds higher, lowest first."""
    span = range(graph.arrays.indptr[row], graph.arrays.indptr[row + 1])
    low = [
        (int(graph.arrays.rounded[p]), graph.concept_ids[graph.arrays.concept[p]], int(graph.arrays.concept[p]))
        for p in span
        if 1 <= graph.arrays.rounded[p] <= _BEST_LEAD
        and teachable.above(int(graph.arrays.concept[p]), int(graph.arrays.rounded[p]))
    ]
    return tuple(_Topic(column, 1.0, "held") for _, _, column in sorted(low)[: settings.suggest.topics])


@dataclass(frozen=True, slots=True)
class _Candidates:
    """Pairs with at least one topic that the mentor leads in, as columns of equal length."""

    mentee: NDArray[np.int64]
    mentor: NDArray[np.int64]
    topic_gain: NDArray[np.float64]
    mentor_confidence: NDArray[np.float64]
    teaching: NDArray[np.float64]
    other_unit: NDArray[np.float64]
    load: NDArray[np.float64]
    score: NDArray[np.float64]

    def only(self, keep: NDArray[np.bool_]) -> _Candidates:
        return _Candidates(*(getattr(self, name)[keep] for name in self.__slots__))


def _candidates(
    graph: CompetenceGraph,
    mentee_rows: Sequence[int],
    mentor_rows: Sequence[int],
    wanted: Mapping[int, tuple[_Topic, ...]],
    settings: Settings,
) -> _Candidates:
    """Measure every pair that shares a topic, from the holders of each topic."""
    low, high = settings.suggest.level_gap
    mentor_at = np.full(len(graph.person_ids), -1, dtype=np.int64)
    mentor_at[list(mentor_rows)] = np.arange(len(mentor_rows))
    columns = sorted({t.column for row in mentee_rows for t in wanted[row]})
    holders: dict[int, tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]] = {}
    teachers: dict[int, set[int]] = {}
    for (person_id, kind), stated in graph.interests.items():
        if kind is InterestKind.TEACH and person_id in graph.person_index:
            for column in stated:
                teachers.setdefault(column, set()).add(graph.person_index[person_id])
    for column in columns:
        level = graph.rounded_column(column).astype(np.int64)
        rows = np.flatnonzero((level > 0) & (mentor_at >= 0))
        confidence = graph.column("confidence", column)[rows]
        teaching = np.fromiter((r in teachers.get(column, ()) for r in rows.tolist()), np.float64, len(rows))
        holders[column] = (rows, level[rows], confidence, teaching)
    parts: list[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]] = []
    for e, row in enumerate(mentee_rows):
        total = sum(t.weight for t in wanted[row])
        for topic in wanted[row]:
            rows, level, confidence, teaching = holders[topic.column]
            position = graph.position(row, topic.column)
            own = 0 if position is None else int(graph.arrays.rounded[position])
            lead = level - own
            fits = (lead >= low) & (lead <= high) & (rows != row)
            share = topic.weight / total
            parts.append(
                (
                    np.full(int(fits.sum()), e, dtype=np.int64),
                    mentor_at[rows[fits]],
                    share * np.minimum(lead[fits], _BEST_LEAD) / _BEST_LEAD,
                    share * confidence[fits],
                    share * teaching[fits],
                )
            )
    mentee = np.concatenate([p[0] for p in parts]) if parts else np.empty(0, np.int64)
    mentor = np.concatenate([p[1] for p in parts]) if parts else np.empty(0, np.int64)
    key, inverse = np.unique(mentee * len(mentor_rows) + mentor, return_inverse=True)

    def summed(part: int) -> NDArray[np.float64]:
        values = np.concatenate([p[part] for p in parts]) if parts else np.empty(0)
        return np.asarray(np.bincount(inverse, weights=values, minlength=len(key)), dtype=np.float64)

    gain, confident, willing = summed(2), summed(3), summed(4)
    e_of, r_of = key // len(mentor_rows), key % len(mentor_rows)
    other = _in_other_units(graph, mentee_rows, mentor_rows, key, r_of)
    now = active_mentees(graph)
    load = np.array([1.0 / (1.0 + now.get(graph.person_ids[r], 0)) for r in mentor_rows])[r_of]
    weights = settings.suggest.pairs
    score = (
        weights["topic_gain"] * gain
        + weights["mentor_confidence"] * confident
        + weights["teaching"] * willing
        + weights["other_unit"] * other
        + weights["load"] * load
    )
    return _Candidates(e_of, r_of, gain, confident, willing, other, load, score)


def _in_other_units(
    graph: CompetenceGraph,
    mentee_rows: Sequence[int],
    mentor_rows: Sequence[int],
    key: NDArray[np.int64],
    mentor: NDArray[np.int64],
) -> NDArray[np.float64]:
    """Return 1 for each pair whose mentor has a unit that the mentee does not share, else 0."""
    names = {u: k for k, u in enumerate(sorted({u for own in graph.units_of for u in own}))}

    def members(rows: Sequence[int]) -> sparse.csr_array:
        at = [(i, names[u]) for i, row in enumerate(rows) for u in graph.units_of[row]]
        places = ([i for i, _ in at], [k for _, k in at])
        return sparse.csr_array((np.ones(len(at)), places), shape=(len(rows), max(len(names), 1)))

    shared = (members(mentee_rows) @ members(mentor_rows).T).tocoo()
    together = shared.row.astype(np.int64) * len(mentor_rows) + shared.col
    has_unit = np.array([bool(graph.units_of[r]) for r in mentor_rows], dtype=np.bool_)
    return (has_unit[mentor] & ~np.isin(key, together)).astype(np.float64)


class _Round:
    """One mentoring round: who takes part, which pairs are barred or fixed, and how a pair is worded."""

    def __init__(self, graph: CompetenceGraph, settings: Settings, seed: int) -> None:
        self.graph = graph
        self.settings = settings
        self.seed = seed
        self.answered = answered_pairs(graph, _KIND)
        self.before = {
            frozenset((h.person_id, h.other_id)) for h in graph.staff.history if h.kind is HistoryKind.PAIR and h.other_id
        } | {frozenset(people) for people in self.answered[Choice.ACCEPTED]}
        self.managers = [graph.staff.managers_of(p) for p in graph.person_ids]

    def taking_part(self, people: Iterable[str] | None, purpose: str, left_out: dict[int, str]) -> list[int]:
        """Return the rows that take part, in seeded order; the others go to ``left_out`` with their rule."""
        rows = self.graph.rows(people).tolist()
        found = []
        for row in rows:
            rule = not_taking_part(self.graph, row, purpose)
            if rule is None:
                found.append(row)
            else:
                left_out[row] = rule
        order = seeded_order([self.graph.person_ids[r] for r in found], self.seed)
        return [found[i] for i in order]

    def barred(self, forbidden: Iterable[tuple[str, str]]) -> set[tuple[int, int]]:
        """Return forbidden (mentee, mentor) rows: from the call and from earlier answers."""
        asked = [(self.graph.row(e), self.graph.row(r)) for e, r in forbidden]
        index = self.graph.person_index
        earlier = [
            (index[people[0]], index[people[1]])
            for choice in (Choice.FORBIDDEN, Choice.REJECTED)
            for people in self.answered[choice]
            if len(people) == 2 and people[0] in index and people[1] in index
        ]
        return {*asked, *earlier}

    def fixed(self, pinned: Iterable[tuple[str, str]]) -> tuple[set[tuple[int, int]], set[tuple[int, int]]]:
        """Return pinned (mentee, mentor) rows: from the call, and from earlier answers."""
        asked = {(self.graph.row(e), self.graph.row(r)) for e, r in pinned}
        index = self.graph.person_index
        return asked, {
            (index[p[0]], index[p[1]]) for p in self.answered[Choice.PINNED] if len(p) == 2 and p[0] in index and p[1] in index
        }

    def refusals(self, at: _Places, barred: set[tuple[int, int]]) -> Mapping[str, NDArray[np.int64]]:
        """Return the pairs that each hard rule forbids, as keys ``mentee * n_mentors + mentor``."""
        index = self.graph.person_index
        lines = {
            pair
            for row, managers in enumerate(self.managers)
            for manager in managers
            if manager in index
            for pair in ((row, index[manager]), (index[manager], row))
        }
        before = {
            (index[a], index[b]) for pair in self.before if all(p in index for p in pair) for a in pair for b in pair if a != b
        }
        return {
            "forbidden_pair": self.as_keys(at, barred),
            "own_line_manager": self.as_keys(at, lines),
            "paired_before": self.as_keys(at, before),
        }

    @staticmethod
    def as_keys(at: _Places, pairs: Iterable[tuple[int, int]]) -> NDArray[np.int64]:
        """Return (mentee, mentor) rows as keys, leaving out those who are not in the round."""
        mentees, mentors = at
        return np.array(
            sorted(mentees[e] * len(mentors) + mentors[r] for e, r in pairs if e in mentees and r in mentors), dtype=np.int64
        )

    def capacity(self, row: int, capacity: int | None, mentees_now: Mapping[str, int]) -> int:
        """Return how many more mentees a mentor can take."""
        own = self.graph.people[row].capacity
        most = own if own is not None else self.settings.suggest.mentor_capacity if capacity is None else capacity
        return max(most - mentees_now.get(self.graph.person_ids[row], 0), 0)

    def suggestion(
        self,
        mentee: int,
        mentor: int,
        topics: tuple[_Topic, ...],
        candidates: _Candidates,
        at: int,
        others: tuple[Alternative, ...],
        mentees_now: Mapping[str, int],
    ) -> Suggestion:
        """Word one pair: a reason per topic the mentor leads in, and the measures of the pair as a whole."""
        graph, weights = self.graph, self.settings.suggest.pairs
        low, high = self.settings.suggest.level_gap
        mentee_id, mentor_id = graph.person_ids[mentee], graph.person_ids[mentor]
        total = sum(t.weight for t in topics)
        reasons: list[Reason] = []
        covered: list[str] = []
        for topic in topics:
            theirs, own = graph.position(mentor, topic.column), graph.position(mentee, topic.column)
            have = 0 if own is None else int(graph.arrays.rounded[own])
            lead = 0 if theirs is None else int(graph.arrays.rounded[theirs]) - have
            if theirs is None or not low <= lead <= high or graph.arrays.rounded[theirs] == 0:
                continue
            concept_id = graph.concept_ids[topic.column]
            covered.append(concept_id)
            evidence, proof = evidence_of(graph, mentor, topic.column)
            facts = {
                **concept_facts(graph, concept_id),
                "have": have,
                "other_have": int(graph.arrays.rounded[theirs]),
                "origin": topic.origin,
            }
            share = topic.weight / total
            for measure, value, said in (
                ("topic_gain", min(lead, _BEST_LEAD) / _BEST_LEAD, proof),
                ("mentor_confidence", float(graph.arrays.confidence[theirs]), {}),
                ("teaching", float(_teaches(graph, mentor_id, topic.column)), {}),
            ):
                if value > 0:
                    weight = weights[measure] * share
                    reasons.append(
                        Reason(
                            measure=measure,
                            value=value,
                            weight=weight,
                            contribution=weight * value,
                            person_id=mentor_id,
                            concept_id=concept_id,
                            evidence=evidence if measure != "teaching" else (),
                            path=(topic.origin, concept_id),
                            facts={**facts, **said},
                        )
                    )
        for measure, value, extra in (
            ("other_unit", float(candidates.other_unit[at]), {"unit": self._unit(mentor)}),
            ("load", float(candidates.load[at]), {"count": mentees_now.get(mentor_id, 0)}),
        ):
            if value > 0:
                reasons.append(
                    Reason(
                        measure=measure,
                        value=value,
                        weight=weights[measure],
                        contribution=weights[measure] * value,
                        person_id=mentor_id,
                        facts=extra,
                    )
                )
        concepts = [graph.taxonomy.concepts[c] for c in covered]
        return Suggestion(
            kind=_KIND,
            rank=0,
            members=(Member(mentee_id, "mentee"), Member(mentor_id, "mentor")),
            target=", ".join(covered),
            labels={lang: ", ".join(c.label(lang) for c in concepts) for lang in ("sv", "en")},
            score=sum_of(reasons),
            reasons=ordered(reasons),
            rules=("takes_part", "not_own_line_manager", "not_paired_before", "level_gap_kept"),
            alternatives=others,
            ask_first=tuple(
                dict.fromkeys((*to_ask_first(graph, [mentee_id], "mentee"), *to_ask_first(graph, [mentor_id], "mentor")))
            ),
            facts={
                "topics": covered,
                "topics_not_covered": [graph.concept_ids[t.column] for t in topics if graph.concept_ids[t.column] not in covered],
            },
        )

    def _unit(self, row: int) -> str:
        units = self.graph.units_of[row]
        return self.graph.unit_name(units[0]) if units else ""


def _teaches(graph: CompetenceGraph, person_id: str, column: int) -> bool:
    """Say whether a person has stated an interest to teach a concept."""
    return column in graph.interests.get((person_id, InterestKind.TEACH), ())


def _left_out(graph: CompetenceGraph, as_mentee: Mapping[int, str], as_mentor: Mapping[int, str]) -> list[LeftOutRow]:
    """Return one row per person: why no mentor was found, else why the person mentors nobody."""
    return [LeftOutRow(graph.person_ids[row], rule) for row, rule in {**as_mentor, **as_mentee}.items()]


def _stable(score: sparse.csr_array, room: NDArray[np.int64], pins: Sequence[tuple[int, int]]) -> Assignment:
    """Return the mentee-optimal stable matching of those who are not pinned, with the pinned pairs beside it."""
    taken = np.bincount([r for _, r in pins], minlength=len(room)) if pins else np.zeros(len(room), dtype=np.int64)
    if not pins or (taken > room).any():
        # With too many pins the assignment names what is over; there is nothing stable to look for.
        return assign(score, 1, room, pinned=pins) if pins else stable_match(score, score, room)
    free = score.tocoo()
    keep = ~np.isin(free.row, [e for e, _ in pins])
    rest = sparse.csr_array((free.data[keep], (free.row[keep], free.col[keep])), shape=score.shape)
    found = stable_match(rest, rest, room - taken)
    pairs = np.array(sorted([*map(tuple, found.pairs.tolist()), *pins]), dtype=np.int64).reshape(-1, 2)
    total = float(sum(score[e, r] for e, r in pairs.tolist()))
    outcome = replace(found.outcome, objective=total, bound=total, gap=0.0)
    return replace(found, pairs=pairs, outcome=outcome)


def _named(graph: CompetenceGraph, outcome: Outcome, mentees: Sequence[int], mentors: Sequence[int]) -> Outcome:
    """Return the Outcome with ids in place of the solver's positions."""
    conflicts = []
    for conflict in outcome.conflicts:
        rule, _, place = conflict.partition(":")
        if rule in ("pinned_over_row_capacity", "pinned_over_column_capacity"):
            rows = mentees if rule == "pinned_over_row_capacity" else mentors
            conflict = f"pinned_over_capacity:{graph.person_ids[rows[int(place)]]}"
        conflicts.append(conflict)
    return replace(outcome, conflicts=tuple(conflicts))


def _pins(
    graph: CompetenceGraph,
    asked: set[tuple[int, int]],
    earlier: set[tuple[int, int]],
    at: _Places,
    score: sparse.csr_array,
) -> tuple[list[tuple[int, int]], int]:
    """Return pinned pairs as solver positions, and how many earlier pins a hard rule now forbids.

    A pin of this call that breaks a rule is refused; one from an earlier decision is not kept, and one about somebody who
    is not in this call has nothing to do with it.
    """
    pins, unkept = [], 0
    for mentee, mentor in sorted(asked | earlier):
        pair = (at[0].get(mentee, -1), at[1].get(mentor, -1))
        allowed = score.indices[score.indptr[pair[0]] : score.indptr[pair[0] + 1]].tolist() if pair[0] >= 0 else []
        if pair[1] not in allowed:
            if (mentee, mentor) not in asked:
                unkept += min(pair) >= 0
                continue
            raise InputError(
                f"pinned pair {graph.person_ids[mentee]} – {graph.person_ids[mentor]} breaks a hard rule "
                "(takes_part, own_line_manager, paired_before, forbidden_pair, level_gap); unpin it or change what forbids it"
            )
        pins.append(pair)
    return pins, unkept


def _refuse(
    candidates: _Candidates,
    refusals: Mapping[str, NDArray[np.int64]],
    pinned: NDArray[np.int64],
    lowest: float,
    n_mentors: int,
) -> NDArray[np.int64]:
    """Return per candidate which of ``_RULES`` forbids it, the first that does, or ``_ALLOWED``."""
    key = candidates.mentee * n_mentors + candidates.mentor
    refused = np.full(len(key), _ALLOWED, dtype=np.int64)
    refused[(candidates.score < lowest) & ~np.isin(key, pinned)] = _RULES.index("below_cutoff")
    for rule in reversed(list(refusals)):
        refused[np.isin(key, refusals[rule])] = _RULES.index(rule)
    return refused


def _why_unmatched(e: int, score: sparse.csr_array, tried: NDArray[np.int64], refused: NDArray[np.int64]) -> str:
    """Name the rule that left a mentee without a mentor: capacity if any pair was allowed, else what refused most."""
    if score.indptr[e + 1] > score.indptr[e]:
        return "mentors_full"
    rules = refused[tried == e]
    return _RULES[int(np.bincount(rules).argmax())] if len(rules) else "nobody_leads_in_topic"
