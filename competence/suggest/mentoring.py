"""Pair mentees with mentors: who can teach what somebody wants to learn, the best pairs for all at once.

Five steps: topics per mentee (``_mentoring_candidates``), hard rules and earlier rounds (``_mentoring_rules``), exact
assignment under capacities (``_mentoring_plan``), reasons (``_mentoring_words``), result. Circles are dealt by
:mod:`competence.organisation.circles`. Sex, age and name are never read.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from competence._memory import uncollected
from competence.errors import InputError
from competence.graph import CompetenceGraph, ResolvedNeed
from competence.model import Choice, Decision, Need, NeedItem, Outcome, Status
from competence.settings import Settings
from competence.solve.budget import Progress
from competence.suggest._mentoring_candidates import (
    Candidates,
    Newcomer,
    Topic,
    buddy_candidates,
    most_wanted,
    newcomer,
    skill_candidates,
    topics_of,
)
from competence.suggest._mentoring_circles import CIRCLES, circle_suggestions, outcome_of
from competence.suggest._mentoring_plan import Other, best_plan, comparison, stable_plan
from competence.suggest._mentoring_rules import (
    ALLOWED,
    KIND,
    WAITING,
    Earlier,
    Past,
    Places,
    Round,
    main_rules,
    pin_refused,
    pins_of,
    refused_by,
    removed_most,
)
from competence.suggest._mentoring_words import buddy_told, skills_told, suggestion
from competence.suggest.result import Alternative, LeftOutRow, Suggestion, Suggestions
from competence.suggest.scoring import prepare

__all__ = ["pair_mentors", "waiting_list"]

_MODES = ("one_to_one", "reverse", "circle", "job_shadow", "buddy")
_OBJECTIVES = ("most_pairs", "score")
_NOBODY: Mapping[str, tuple[str, str]] = {"buddy": ("nobody_with_the_role", "no_newcomer_fits")}
"""Rules of a mentee and of a mentor without any candidate, where they are not those of a topic."""
_NOT_SEEKING = frozenset({"opted_out", "not_opted_in", "not_new"})
"""Rules of those who seek no mentor."""


@uncollected()
def pair_mentors(
    graph: CompetenceGraph,
    mentees: Iterable[str] | None = None,
    *,
    mentors: Iterable[str] | None = None,
    mode: str = "one_to_one",
    topics: ResolvedNeed | Need | NeedItem | str | Mapping[str, int] | Iterable[str | NeedItem] | None = None,
    goal_role: str | None = None,
    capacity: int | Mapping[str, int] | None = None,
    n: int | None = None,
    objective: str = "most_pairs",
    stable: bool = False,
    pinned: Iterable[tuple[str, str]] = (),
    forbidden: Iterable[tuple[str, str]] = (),
    earlier: Suggestions | Mapping[str, Any] | None = None,
    cutoff: float | None = None,
    effort: int | None = None,
    time_limit: float | None = None,
    settings: Settings | None = None,
    as_of: date | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> Suggestions:
    """Pair as many mentees with mentors as possible, then at the highest total score, exactly.

    Parameters
    ----------
    graph : CompetenceGraph
        People, holdings, interests, history and decisions.
    mentees, mentors : iterable of str or None
        Ids; None takes everybody who takes part in that purpose. For circles: those who may seek, and may bring.
    mode : {"one_to_one", "reverse", "circle", "job_shadow", "buddy"}
        ``reverse``: somebody placed lower, or as high and newer in service, teaches a manager or a senior; who leads
        in the topic decides, never age. ``circle``: 4-8 people of different units around a topic. ``job_shadow``: a
        mentor at another workplace: no unit in common, and another site where both are known. ``buddy``: for those
        whose employment began within ``settings.suggest.buddy_months``, a colleague longer in the same role in the same
        unit or one near it.
    topics : need or None
        What all mentees want to learn. None takes each mentee's stated interests to learn; without any, the gaps to
        ``goal_role`` or to the roles held that some mentor could help with, the heaviest first; without roles too,
        what the mentee holds at the lowest levels (1 or 2). A circle is about the topic most of them want.
    goal_role : str or None
        Role id whose gaps are the topics of all mentees; overrides stated interests.
    capacity : int, Mapping of person id to int, or None
        Mentees per mentor, from 0. A number holds where the file does not say; a mapping goes before the file for those
        it names. None takes ``settings.suggest.mentor_capacity``. Mentees a mentor already has count against it.
    n : int or None
        Show only the n best pairs; the plan is made for all. Most circles, 3 where None.
    objective : {"most_pairs", "score"}
        ``most_pairs`` makes as many pairs above the cutoff as possible before it looks at their scores, since each
        mentee left without one waits for the next round. ``score`` lets somebody go without where the sum gains.
    stable : bool
        True gives the mentee-optimal stable matching instead. Either way the notes hold the other plan and the price;
        the stable plan that was not asked for is made when the notes are first read.
    pinned, forbidden : iterable of (mentee, mentor)
        Pairs that must be, or must not be. Decisions in the data (pinned; forbidden, rejected) are added.
    earlier : Suggestions, Mapping or None
        An earlier result, or the record of it in ``provenance.request["earlier"]``. Its pairs stay as they are where
        nothing was decided against them and no rule forbids them now, also when only late joiners are in this call.
    cutoff : float or None
        Lowest score of a pair; None takes ``settings.suggest.pair_cutoff``.
    effort, time_limit, progress
        Budget of the solver in steps, a guard in seconds, and a callback.
    settings, as_of, seed
        As for every suggestion.

    Returns
    -------
    Suggestions
        One Suggestion per pair, the one who learns first, with up to ``settings.suggest.alternatives`` other mentors and
        at least what each would cost the whole. Empty with ``no_topics`` or ``no_pairs``, and then the rules that
        removed pairs, the one that removed most first.

    Raises
    ------
    InputError
        If an argument is out of its range or has no meaning in the mode, or a pinned pair breaks a hard rule.
    UnknownIdError
        If a person, role or concept does not exist.

    Notes
    -----
    maximise sum(s[e, r] x[e, r]) subject to sum over r of x <= 1, sum over e of x <= capacity[r], x in {0, 1}: integral,
    solved exactly; with ``most_pairs`` among the plans with most pairs. Measures: topic_gain = sum(w min(lead, 2) / 2) /
    sum(w) over topics where the mentor leads by ``settings.suggest.level_gap`` levels, mentor_confidence and teaching
    over the same topics, other_unit, and load (1 / (1 + mentees now)). For a buddy: nearby (1 in the unit, 0.5 near
    it), time_in_role (months longer, at most 24, / 24) and load. Hard rules: takes_part, has_mentor, own_line_manager
    (either way), paired_before, forbidden_pair, level_gap, and those of the mode.

    Who has waited comes first: of the plans with most pairs (with ``score``: of all) those that end most rounds of
    waiting. Rounds are counted since the mentee last got a mentor, as days on which a decision refused the mentee's pair
    or pinned the mentee alone, or as the earlier results say; 9 at most.
    O(sum over mentees and topics of holders) for the scores.

    Examples
    --------
    >>> from tests.cases import graph_of
    >>> found = pair_mentors(graph_of(), ["p2", "p3"], mentors=["p1", "p6"])
    >>> sorted(s.people for s in found), found.outcome.status.value
    ([('p2', 'p1'), ('p3', 'p6')], 'optimal')
    """
    graph, settings, as_of = prepare(graph, as_of, settings)
    _check(graph, mode, objective, capacity, n, topics, goal_role)
    mentees = sorted(set(mentees)) if mentees is not None else None
    mentors = sorted(set(mentors)) if mentors is not None else None
    pinned, forbidden = sorted(set(pinned)), sorted(set(forbidden))
    lowest = settings.suggest.pair_cutoff if cutoff is None else cutoff
    left_by = Earlier.of(earlier)
    past = Past(graph, left_by, settings)
    rounds = Round(graph, past, mode, settings, seed)
    request: dict[str, object] = {
        "topics": "role",
        "mentees": mentees,
        "mentors": mentors,
        "mode": mode,
        "goal_role": goal_role,
        "capacity": dict(sorted(capacity.items())) if isinstance(capacity, Mapping) else capacity,
        "n": n,
        "objective": objective,
        "stable": stable,
        "pinned": [list(p) for p in pinned],
        "forbidden": [list(p) for p in forbidden],
        "earlier": left_by.record(graph),
        "cutoff": lowest,
        "effort": effort,
        "time_limit": time_limit,
    }
    if mode == "circle":
        if pinned or earlier is not None or stable or capacity is not None:
            raise InputError("pinned, earlier, stable and capacity have no meaning in a circle; leave them out")
        return _circles(rounds, mentees, mentors, topics, goal_role, n, forbidden, lowest, request)

    # Why somebody got no part, by row, as mentee and as mentor apart: most people are asked for both.
    as_mentee: dict[int, str] = {}
    as_mentor: dict[int, str] = {}
    mentee_rows = rounds.taking_part(mentees, "mentee", as_mentee)
    mentor_rows = rounds.taking_part(mentors, "mentor", as_mentor)
    asked_for = {graph.person_ids[r] for r in (*mentee_rows, *as_mentee)}
    considered = asked_for | {graph.person_ids[r] for r in (*mentor_rows, *as_mentor)}
    wanted: dict[int, tuple[Topic, ...]] = {}
    new: dict[int, Newcomer] = {}
    unclear, no_topics = False, "no_topics"
    if mode == "buddy":
        for row in mentee_rows:
            found = newcomer(graph, row, settings.suggest.buddy_months)
            if isinstance(found, str):
                as_mentee[row] = found
            else:
                new[row] = found
    else:
        wanted, request["topics"], unclear = topics_of(graph, mentee_rows, mentor_rows, topics, goal_role, settings)
        no_topics = "not_understood" if unclear and not any(wanted.values()) else "no_topics"
        as_mentee |= {r: no_topics for r in mentee_rows if not wanted.get(r)}
    learners = [r for r in mentee_rows if r in new or wanted.get(r)]
    waited = np.array([past.waited(graph.person_ids[r]) for r in learners], dtype=np.int64)
    request["waited"] = {graph.person_ids[r]: int(k) for r, k in sorted(zip(learners, waited, strict=True)) if k}

    def built(
        items: Iterable[Suggestion],
        outcome: Outcome,
        notes: tuple[str, ...] = (),
        compared: Callable[[], tuple[str, ...]] | None = None,
    ) -> Suggestions:
        return Suggestions.build(
            graph,
            KIND,
            items,
            outcome=outcome,
            left_out=_left_out(graph, as_mentee, as_mentor),
            considered=considered,
            settings=settings,
            as_of=as_of,
            request=request,
            seed=seed,
            notes=notes,
            comparison=compared,
        )

    def empty(reason: str, why: Iterable[str] = ()) -> Suggestions:
        return built((), Outcome(status=Status.EMPTY, conflicts=(reason, *why)))

    asked = set(rounds.asked_rows(pinned))
    for mentee, mentor in sorted(asked):
        if mentee not in learners or mentor not in mentor_rows:
            raise pin_refused(graph, mentee, mentor)
    if not learners:
        none = "no_mentees" if not mentee_rows else "no_newcomers" if mode == "buddy" else no_topics
        return empty(none, (why for why in _most(as_mentee) if not why.startswith(none)))
    if not mentor_rows:
        return empty("no_mentors", _most(as_mentor))

    at = Places(learners, mentor_rows)
    load = [1.0 / (1.0 + past.mentees_now.get(graph.person_ids[r], 0)) for r in mentor_rows]
    if mode == "buddy":
        candidates, masks = buddy_candidates(graph, [new[r] for r in learners], learners, mentor_rows, load, settings)
    else:
        candidates = skill_candidates(graph, learners, mentor_rows, wanted, load, settings)
        masks = rounds.refused_in_mode(at, candidates)
    # A draft of the earlier result whose mentee is not in this call still takes its mentor's time.
    reserved = Counter(r for e, r in past.kept if e not in asked_for)
    room = np.array([rounds.capacity(r, capacity, reserved.get(graph.person_ids[r], 0)) for r in mentor_rows], dtype=np.int64)
    before = rounds.rows_of((*past.answered(Choice.PINNED), *past.kept))
    refused = refused_by(
        candidates,
        rounds.barred(at, rounds.asked_rows(forbidden)),
        masks,
        at.keys(asked | before),
        at.keys(asked),
        lowest,
        room,
    )
    nobody, no_fit = _NOBODY.get(mode, ("nobody_leads_in_topic", "no_mentee_fits"))
    why_no_mentor = main_rules(candidates.mentee, refused, len(learners), nobody, "mentors_full")
    why_no_mentee = main_rules(candidates.mentor, refused, len(mentor_rows), no_fit, "not_needed")
    possible = len(learners) * len(mentor_rows) - len(set(learners) & set(mentor_rows))
    removed = removed_most(refused, possible - len(refused), nobody)
    candidates = candidates.only(refused == ALLOWED)
    score = sparse.csr_array((candidates.score, (candidates.mentee, candidates.mentor)), shape=(len(learners), len(mentor_rows)))
    pins, unkept = pins_of(graph, asked, before, at, score, room)

    best = best_plan(score, room, waited, pins, objective, effort=effort, time_limit=time_limit, seed=seed, progress=progress)
    if best.outcome.status is Status.INFEASIBLE:
        as_mentee = {r: why for r, why in as_mentee.items() if r not in at.mentors}
        as_mentor = {}
        return built((), _named(graph, best.outcome, at))
    settled = stable_plan(score, room, waited, pins) if stable else None
    plan = best if settled is None else settled[0]
    notes: list[str] = []
    matched, used = {e for e, _ in plan.pairs}, {r for _, r in plan.pairs}
    as_mentee |= {row: why_no_mentor[e] for e, row in enumerate(learners) if e not in matched}
    as_mentor |= {row: "no_room" if room[r] == 0 else why_no_mentee[r] for r, row in enumerate(mentor_rows) if r not in used}
    if not plan.pairs:
        return empty("no_pairs", removed)

    # Candidates ascend by mentee and mentor, as the pairs of a sparse array do: a pair has the same place in both.
    keys = candidates.keys(len(mentor_rows))
    places = np.searchsorted(keys, [e * len(mentor_rows) + r for e, r in plan.pairs])
    columns = [values[places].tolist() for values in candidates.measures.values()]
    measures = [dict(zip(candidates.measures, values, strict=True)) for values in zip(*columns, strict=True)]
    pairs = [(learners[e], mentor_rows[r]) for e, r in plan.pairs]
    now = past.mentees_now
    if mode == "buddy":
        told = [
            buddy_told(graph, settings, pair, new[pair[0]], values, now[graph.person_ids[pair[1]]])
            for pair, values in zip(pairs, measures, strict=True)
        ]
    else:
        told = skills_told(graph, settings, pairs, wanted, measures, now)
    # Pairs stand in the seeded order of their mentees, which decides between equal scores.
    best_first = sorted(range(len(pairs)), key=lambda i: -told[i].score)
    for i in [] if n is None else best_first[n:]:
        as_mentee[pairs[i][0]] = as_mentor[pairs[i][1]] = "not_among_best"
    others = _alternatives(graph, plan.others(score, room, pins, settings.suggest.alternatives), candidates, places, at)
    shown = []
    for rank, i in enumerate(best_first[:n], start=1):
        # Who mentors is in a suggestion and so not left out; that the same person waits for a mentor is said there.
        waits = as_mentee.get(pairs[i][1], "")
        mentor_waits, rounds_waited = waits if waits in WAITING else "", int(waited[plan.pairs[i][0]])
        shown.append(
            suggestion(graph, mode, pairs[i], told[i], others[i], rank=rank, waited=rounds_waited, mentor_waits=mentor_waits)
        )
    both_ways = set(pairs)
    new_load = Counter(graph.person_ids[row] for _, row in pairs)
    for name, number in (
        ("waiting_first", int((waited > 0).sum())),
        ("mentors_waiting", len({s.people[1] for s in shown if "mentor_waits" in s.facts})),
        ("mutual_pairs", sum((r, e) in both_ways for e, r in both_ways) // 2),
        ("mentors_loaded", sum(k + past.mentees_now[p] > settings.suggest.mentor_load for p, k in new_load.items())),
        ("pin_not_kept", unkept),
    ):
        if number:
            notes.append(f"{name}:{number}")
    if unclear:
        notes.append("need_partly_understood")
    if any(s.ask_first for s in shown):
        notes.append("opt_in_not_asked")
    return built(shown, plan.outcome, tuple(notes), partial(comparison, score, room, waited, pins, best, settled))


def _alternatives(
    graph: CompetenceGraph,
    others: Mapping[int, Sequence[Other]],
    candidates: Candidates,
    places: NDArray[np.int64],
    at: Places,
) -> list[tuple[Alternative, ...]]:
    """Return the other mentors of each pair, with how each differs from the own one; ``places`` are those of the pairs."""
    flat = np.array([o.pair for found in others.values() for o in found], dtype=np.int64)
    own = np.repeat(places, [len(found) for found in others.values()])
    measured = zip(candidates.score[flat].tolist(), candidates.differences(own, flat), strict=True)
    mentors = [graph.person_ids[row] for row in at.mentor_rows.tolist()]
    made = []
    for e, found in others.items():
        mentee = graph.person_ids[at.mentee_rows[e]]
        alternatives = []
        for o in found:
            score, difference = next(measured)
            alternatives.append(Alternative((mentee, mentors[o.mentor]), score, o.cost, difference, o.displaces))
        made.append(tuple(alternatives))
    return made


def waiting_list(result: Suggestions, *, decided_by: str, day: date) -> tuple[Decision, ...]:
    """Return a decision for each mentee left without a mentor, to be kept so that the next round puts them first.

    Parameters
    ----------
    result : Suggestions
        From :func:`pair_mentors`.
    decided_by : str
        The named human who keeps the list (REQ-AI-1).
    day : date
        The day of the round; each day counts as one round of waiting.

    Returns
    -------
    tuple of Decision
        Pinned, about the mentee alone, with the rule that stood in the way; for ``staff.with_decisions``. In the order of
        ids.

    Examples
    --------
    >>> from tests.cases import graph_of
    >>> found = pair_mentors(graph_of(), ["p2", "p3"], mentors=["p6"])
    >>> [(d.people, d.reasoning) for d in waiting_list(found, decided_by="Kim", day=date(2026, 3, 1))]
    [(('p2',), 'mentors_full')]
    """
    waits = {r.person_id: r.rule for r in result.left_out if r.rule in WAITING}
    waits |= {s.people[1]: s.facts["mentor_waits"] for s in result if "mentor_waits" in s.facts}
    return tuple(
        Decision(kind=KIND, choice=Choice.PINNED, people=(p,), decided_by=decided_by, day=day, reasoning=rule)
        for p, rule in sorted(waits.items())
    )


def _check(
    graph: CompetenceGraph,
    mode: str,
    objective: str,
    capacity: int | Mapping[str, int] | None,
    n: int | None,
    topics: object,
    goal_role: str | None,
) -> None:
    """Refuse arguments out of their range."""
    for value, name, known in ((mode, "mode", _MODES), (objective, "objective", _OBJECTIVES)):
        if value not in known:
            raise InputError(f"{name} must be one of {', '.join(known)}; got {value!r}")
    if isinstance(capacity, Mapping):
        for person_id, places in capacity.items():
            graph.row(person_id)
            if places < 0:
                raise InputError(f"capacity must be at least 0; got {places!r} for {person_id!r}")
    for number, name in ((None if isinstance(capacity, Mapping) else capacity, "capacity"), (n, "n")):
        if number is not None and number < 0:
            raise InputError(f"{name} must be at least 0; got {number!r}")
    if mode == "buddy" and (topics is not None or goal_role is not None):
        raise InputError("topics and goal_role have no meaning for a buddy, who has the same role; leave them out")


def _circles(
    rounds: Round,
    mentees: list[str] | None,
    mentors: list[str] | None,
    topics: ResolvedNeed | Need | NeedItem | str | Mapping[str, int] | Iterable[str | NeedItem] | None,
    goal_role: str | None,
    n: int | None,
    forbidden: list[tuple[str, str]],
    lowest: float,
    request: dict[str, object],
) -> Suggestions:
    """Deal circles around the topics, or around the topic that most mentees want."""
    from competence.organisation.circles import circles

    graph, past, settings = rounds.graph, rounds.past, rounds.settings
    out: dict[int, str] = {}
    seeking, bringing = rounds.taking_part(mentees, "mentee", out), rounds.taking_part(mentors, "mentor", out)
    need: ResolvedNeed | None = None
    if topics is None:
        wanted, request["topics"], _ = topics_of(graph, seeking, bringing, None, goal_role, settings)
        topic = most_wanted(graph, wanted)
        if topic is not None:
            need = graph.need(NeedItem(concept_id=topic))
    else:
        need = graph.need(topics)
        request["topics"] = need.recorded()

    def built(items: list[Suggestion], outcome: Outcome, left_out: list[LeftOutRow], notes: tuple[str, ...] = ()) -> Suggestions:
        told = {r.person_id for r in left_out} | {p for s in items for p in s.people}
        return Suggestions.build(
            graph,
            KIND,
            items,
            outcome=outcome,
            left_out=left_out,
            considered=told,
            settings=settings,
            as_of=graph.as_of,
            request=request,
            seed=rounds.seed,
            notes=notes,
        )

    if need is None:
        rows = sorted({*seeking, *bringing, *out})
        left_out = [LeftOutRow(graph.person_ids[row], out.get(row, "no_topics")) for row in rows]
        return built([], Outcome(status=Status.EMPTY, conflicts=("no_topics",)), left_out)
    if not need.items or n == 0:
        return built([], Outcome(status=Status.EMPTY, conflicts=("not_understood" if not need.items else "no_circles",)), [])
    barred = [*forbidden, *past.answered(Choice.FORBIDDEN, Choice.REJECTED)]
    found = circles(
        graph,
        need,
        n=CIRCLES if n is None else n,
        bringing=mentors,
        seeking=mentees,
        apart=[pair for pair in barred if pair in forbidden or set(pair) <= set(graph.person_index)],
        seed=rounds.seed,
    )
    made, left_out = circle_suggestions(graph, found, past.refused_groups, lowest, settings)
    if not made:
        counted = Counter(r.rule for r in left_out).most_common()
        why = (found.reason or "no_circles", *(f"{rule}:{k}" for rule, k in counted))
        return built([], Outcome(status=Status.EMPTY, conflicts=why), left_out)
    notes = ["need_partly_understood"] if need.not_understood else []
    if any(s.ask_first for s in made):
        notes.append("opt_in_not_asked")
    ranked = [replace(s, rank=rank) for rank, s in enumerate(made, start=1)]
    return built(ranked, outcome_of(ranked), left_out, tuple(notes))


def _left_out(graph: CompetenceGraph, as_mentee: Mapping[int, str], as_mentor: Mapping[int, str]) -> list[LeftOutRow]:
    """Return one row per person: why no mentor was found, else why the person mentors nobody.

    Of somebody who seeks no mentor the second says more.
    """
    seeking = {row: rule for row, rule in as_mentee.items() if rule not in _NOT_SEEKING or row not in as_mentor}
    return [LeftOutRow(graph.person_ids[row], rule) for row, rule in {**as_mentor, **seeking}.items()]


def _most(left_out: Mapping[int, str]) -> list[str]:
    """Return ``rule:people`` of those who take no part, the rule that removed most first."""
    counted = sorted(Counter(left_out.values()).items(), key=lambda i: (-i[1], i[0]))
    return [f"{rule}:{number}" for rule, number in counted]


def _named(graph: CompetenceGraph, outcome: Outcome, at: Places) -> Outcome:
    """Return the Outcome with ids in place of the solver's positions."""
    conflicts = []
    for conflict in outcome.conflicts:
        rule, _, place = conflict.partition(":")
        if rule in ("pinned_over_row_capacity", "pinned_over_column_capacity"):
            rows = at.mentee_rows if rule == "pinned_over_row_capacity" else at.mentor_rows
            conflict = f"pinned_over_capacity:{graph.person_ids[int(rows[int(place)])]}"
        conflicts.append(conflict)
    return replace(outcome, conflicts=tuple(conflicts))
