"""One mentoring pair as a Suggestion: a reason per topic and per measure of the pair, which sum to its score.

This module decides nothing; it turns a pair and its measures into what can be shown and checked.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from competence.fit import sum_of
from competence.graph import CompetenceGraph
from competence.model import Reason
from competence.settings import Settings
from competence.suggest._mentoring_candidates import BEST_LEAD, Newcomer, Topic, teaches, with_role_since
from competence.suggest._mentoring_rules import KIND, PASSED
from competence.suggest.result import Alternative, Member, Suggestion
from competence.suggest.scoring import concept_facts, evidence_of, ordered, to_ask_first

__all__ = ["PARTS", "buddy_suggestion", "skill_suggestion"]

PARTS: Mapping[str, tuple[str, str]] = {
    "one_to_one": ("mentee", "mentor"),
    "reverse": ("mentee", "mentor"),
    "job_shadow": ("visitor", "host"),
    "buddy": ("newcomer", "buddy"),
}
"""What the one who learns and the other one are called in each mode, in the order of a pair."""


def skill_suggestion(
    graph: CompetenceGraph,
    settings: Settings,
    mode: str,
    pair: tuple[int, int],
    topics: tuple[Topic, ...],
    measures: Mapping[str, float],
    others: tuple[Alternative, ...],
    mentees_now: int,
    waited: int,
) -> Suggestion:
    """Word a pair around topics: a reason per topic the mentor leads in, and the measures of the pair as a whole."""
    mentee, mentor = pair
    weights = settings.suggest.pairs
    low, high = settings.suggest.level_gap
    mentor_id = graph.person_ids[mentor]
    total = sum(t.weight for t in topics)
    reasons: list[Reason] = []
    covered: list[str] = []
    held, known = _positions(graph, mentor), _positions(graph, mentee)
    for topic in topics:
        theirs, own = held.get(topic.column), known.get(topic.column)
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
            ("topic_gain", min(lead, BEST_LEAD) / BEST_LEAD, proof),
            ("mentor_confidence", float(graph.arrays.confidence[theirs]), {}),
            # The wish to teach counts only in what the evidence shows a lead in, so it rests on the same pieces.
            ("teaching", float(teaches(graph, mentor_id, topic.column)), {}),
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
                        path=(topic.origin, concept_id),
                        facts={**facts, **said},
                    )
                )
    units = graph.units_of[mentor]
    reasons += _whole(
        {"other_unit": {"unit": graph.unit_name(units[0]) if units else ""}, "load": {"count": mentees_now}},
        measures,
        weights,
        mentor_id,
    )
    concepts = [graph.taxonomy.concepts[c] for c in covered]
    left = [graph.concept_ids[t.column] for t in topics if graph.concept_ids[t.column] not in covered]
    return _suggestion(
        graph,
        mode,
        pair,
        reasons,
        others,
        waited,
        target=", ".join(covered),
        labels={lang: ", ".join(c.label(lang) for c in concepts) for lang in ("sv", "en")},
        facts={"topics": covered, "topics_not_covered": left},
    )


def buddy_suggestion(
    graph: CompetenceGraph,
    settings: Settings,
    pair: tuple[int, int],
    new: Newcomer,
    measures: Mapping[str, float],
    others: tuple[Alternative, ...],
    mentees_now: int,
    waited: int,
) -> Suggestion:
    """Word a newcomer and a buddy: how near they work, how much longer the buddy has had the role, and the load."""
    buddy = graph.people[pair[1]]
    role = graph.role(new.role_id)
    since = with_role_since(buddy, graph.as_of)[new.role_id]
    longer = 0 if since is None else int((new.start - since).days * 12 / 365.25)
    units = graph.units_of[pair[1]]
    unit = new.unit_id if new.unit_id in units else units[0] if units else ""
    told: dict[str, dict[str, Any]] = {
        "nearby": {"unit": graph.unit_name(unit) if unit else ""},
        "time_in_role": {"count": longer},
        "load": {"count": mentees_now},
    }
    return _suggestion(
        graph,
        "buddy",
        pair,
        _whole(told, measures, settings.suggest.buddies, buddy.person_id),
        others,
        waited,
        target=new.role_id,
        labels={lang: role.label(lang) for lang in ("sv", "en")},
        facts={"role": new.role_id, "started": new.start.isoformat()},
    )


def _positions(graph: CompetenceGraph, row: int) -> dict[int, int]:
    """Return where each holding of a person stands, by concept: one look-up for all topics of a pair."""
    start, stop = int(graph.arrays.indptr[row]), int(graph.arrays.indptr[row + 1])
    return dict(zip(graph.arrays.concept[start:stop].tolist(), range(start, stop), strict=True))


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


def _suggestion(
    graph: CompetenceGraph,
    mode: str,
    pair: tuple[int, int],
    reasons: list[Reason],
    others: tuple[Alternative, ...],
    waited: int,
    *,
    target: str,
    labels: Mapping[str, str],
    facts: Mapping[str, Any],
) -> Suggestion:
    first, second = (graph.person_ids[row] for row in pair)
    ask = (*to_ask_first(graph, [first], "mentee"), *to_ask_first(graph, [second], "mentor"))
    return Suggestion(
        kind=KIND,
        rank=0,
        members=(Member(first, PARTS[mode][0]), Member(second, PARTS[mode][1])),
        target=target,
        labels=labels,
        score=sum_of(reasons),
        reasons=ordered(reasons),
        rules=(*PASSED[mode], *([f"waited:{waited}"] if waited else [])),
        alternatives=others,
        ask_first=tuple(dict.fromkeys(ask)),
        facts={**facts, **({"mode": mode} if mode != "one_to_one" else {}), **({"waited": waited} if waited else {})},
    )
