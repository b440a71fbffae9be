"""Mentoring pairs as Suggestions: a reason per topic and per measure of the pair, which sum to its score.

This module decides nothing; it turns a pair and its measures into what can be shown and checked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from competence.fit import sum_of
from competence.graph import CompetenceGraph
from competence.model import InterestKind, OptIn, Reason
from competence.settings import Settings
from competence.suggest._mentoring_candidates import BEST_LEAD, Newcomer, Topic, with_role_since
from competence.suggest._mentoring_rules import KIND, PASSED
from competence.suggest.result import Alternative, Member, Suggestion
from competence.suggest.scoring import concept_facts, evidence_at, levels_at, ordered, positions_of

__all__ = ["PARTS", "Told", "buddy_told", "skills_told", "suggestion"]

_LABELS = (("sv", "concept_sv"), ("en", "concept_en"))
_Proof = tuple[tuple[str, ...], dict[str, str | int | float | None]]

PARTS: Mapping[str, tuple[str, str]] = {
    "one_to_one": ("mentee", "mentor"),
    "reverse": ("mentee", "mentor"),
    "job_shadow": ("visitor", "host"),
    "buddy": ("newcomer", "buddy"),
}
"""What the one who learns and the other one are called in each mode, in the order of a pair."""


class Told(NamedTuple):
    """What is said of a pair before its rank is known: the reasons, whose sum is the score, and what it is about."""

    reasons: tuple[Reason, ...]
    score: float
    target: str
    labels: Mapping[str, str]
    facts: Mapping[str, Any]


def skills_told(
    graph: CompetenceGraph,
    settings: Settings,
    pairs: Sequence[tuple[int, int]],
    wanted: Mapping[int, tuple[Topic, ...]],
    measures: Sequence[Mapping[str, float]],
    mentees_now: Mapping[str, int],
) -> list[Told]:
    """Word pairs around topics: a reason per topic the mentor leads in, and the measures of each pair as a whole.

    ``pairs`` are (mentee, mentor) rows. What is said of a concept or a holding is worded once, however many pairs it is in.
    """
    weights = settings.suggest.pairs
    low, high = settings.suggest.level_gap
    mentee, mentor = np.repeat(np.array(pairs, dtype=np.int64).reshape(-1, 2).T, [len(wanted[e]) for e, _ in pairs], axis=1)
    column = np.array([topic.column for e, _ in pairs for topic in wanted[e]], dtype=np.int64)
    held = positions_of(graph, mentor, column)
    theirs, own = levels_at(graph, held), levels_at(graph, positions_of(graph, mentee, column))
    leads = (theirs > 0) & (theirs - own >= low) & (theirs - own <= high)
    confidence = graph.arrays.confidence[np.maximum(held, 0)] if len(graph.arrays.confidence) else np.zeros(len(held))
    holdings = zip(held.tolist(), theirs.tolist(), own.tolist(), leads.tolist(), confidence.tolist(), strict=True)
    concepts = {c: concept_facts(graph, graph.concept_ids[c]) for c in sorted(set(column.tolist()))}
    proofs: dict[int, _Proof] = {}
    found: list[Told] = []
    for (mentee_row, mentor_row), of_pair in zip(pairs, measures, strict=True):
        mentor_id, topics = graph.person_ids[mentor_row], wanted[mentee_row]
        taught = graph.interests.get((mentor_id, InterestKind.TEACH), frozenset())
        total = sum(t.weight for t in topics)
        reasons: list[Reason] = []
        covered: list[int] = []
        left: list[str] = []
        for topic in topics:
            position, level, have, leading, sure = next(holdings)
            concept_id = graph.concept_ids[topic.column]
            if not leading:
                left.append(concept_id)
                continue
            covered.append(topic.column)
            if position not in proofs:
                proofs[position] = evidence_at(graph, position)
            evidence, said = proofs[position]
            share, path = topic.weight / total, (topic.origin, concept_id)
            facts = {**concepts[topic.column], "have": have, "other_have": level, "origin": topic.origin}
            for measure, value, told in (
                ("topic_gain", min(level - have, BEST_LEAD) / BEST_LEAD, {**facts, **said}),
                ("mentor_confidence", sure, facts),
                # The wish to teach counts only in what the evidence shows a lead in, so it rests on the same pieces.
                ("teaching", 1.0 if topic.column in taught else 0.0, facts),
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
                            evidence=evidence,
                            path=path,
                            facts=told,
                        )
                    )
        units = graph.units_of[mentor_row]
        unit = graph.unit_name(units[0]) if units else ""
        whole: dict[str, dict[str, Any]] = {"other_unit": {"unit": unit}, "load": {"count": mentees_now.get(mentor_id, 0)}}
        reasons += _whole(whole, of_pair, weights, mentor_id)
        ids = [graph.concept_ids[c] for c in covered]
        labels = {lang: ", ".join([str(concepts[c][key]) for c in covered]) for lang, key in _LABELS}
        facts = {"topics": ids, "topics_not_covered": left}
        found.append(Told(ordered(reasons), sum_of(reasons), ", ".join(ids), labels, facts))
    return found


def buddy_told(
    graph: CompetenceGraph,
    settings: Settings,
    pair: tuple[int, int],
    new: Newcomer,
    measures: Mapping[str, float],
    mentees_now: int,
) -> Told:
    """Word a newcomer and a buddy: how near they work, how much longer the buddy has had the role, and the load."""
    buddy = graph.people[pair[1]]
    role = graph.role(new.role_id)
    since = with_role_since(buddy, graph.as_of)[new.role_id]
    longer = 0 if since is None else int((new.start - since).days * 12 / 365.25)
    units = graph.units_of[pair[1]]
    unit = new.unit_id if new.unit_id in units else units[0] if units else ""
    whole: dict[str, dict[str, Any]] = {
        "nearby": {"unit": graph.unit_name(unit) if unit else ""},
        "time_in_role": {"count": longer},
        "load": {"count": mentees_now},
    }
    reasons = _whole(whole, measures, settings.suggest.buddies, buddy.person_id)
    labels = {lang: role.label(lang) for lang in ("sv", "en")}
    facts = {"role": new.role_id, "started": new.start.isoformat()}
    return Told(ordered(reasons), sum_of(reasons), new.role_id, labels, facts)


def _whole(
    told: Mapping[str, Mapping[str, Any]], measures: Mapping[str, float], weights: Mapping[str, float], person_id: str
) -> list[Reason]:
    """Return the reasons that speak of the pair as a whole."""
    return [
        Reason(
            measure=measure,
            value=measures[measure],
            weight=weights[measure],
            contribution=weights[measure] * measures[measure],
            person_id=person_id,
            facts=facts,
        )
        for measure, facts in told.items()
        if measures[measure] > 0
    ]


def suggestion(
    graph: CompetenceGraph,
    mode: str,
    pair: tuple[int, int],
    told: Told,
    others: tuple[Alternative, ...],
    *,
    rank: int,
    waited: int,
    mentor_waits: str,
) -> Suggestion:
    """Return a pair of rows as a suggestion, with the names of all it speaks of.

    ``waited`` are rounds; ``mentor_waits`` is the rule by which the mentor waits for a mentor, or an empty text.
    """
    first, second, parts = graph.person_ids[pair[0]], graph.person_ids[pair[1]], PARTS[mode]
    facts = {**told.facts}
    if mode != "one_to_one":
        facts["mode"] = mode
    if waited:
        facts["waited"] = waited
    if mentor_waits:
        facts["mentor_waits"] = mentor_waits
    ask = [first] if graph.takes_part(pair[0], "mentee") is OptIn.NOT_ASKED else []
    if graph.takes_part(pair[1], "mentor") is OptIn.NOT_ASKED:
        ask.append(second)
    index, people = graph.person_index, graph.people
    # Of the other choices the first is the same mentee.
    spoken_of = [first, second, *[a.people[1] for a in others]]
    return Suggestion(
        kind=KIND,
        rank=rank,
        members=(Member(first, parts[0]), Member(second, parts[1])),
        target=told.target,
        labels=told.labels,
        score=told.score,
        reasons=told.reasons,
        rules=(*PASSED[mode], f"waited:{waited}") if waited else PASSED[mode],
        alternatives=others,
        ask_first=tuple(ask),
        facts=facts,
        names={person_id: people[index[person_id]].name for person_id in spoken_of},
    )
