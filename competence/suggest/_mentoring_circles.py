"""Circles as Suggestions: four to eight people around a topic, dealt by :mod:`competence.organisation.circles`.

This module decides what a circle scores; who sits in which, ``circles`` decides.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import fsum
from typing import TYPE_CHECKING

from competence.fit import sum_of
from competence.graph import CompetenceGraph
from competence.model import LEVELS, Outcome, Reason, Status
from competence.settings import Settings
from competence.suggest._mentoring_rules import KIND, PASSED
from competence.suggest.result import LeftOutRow, Member, Suggestion
from competence.suggest.scoring import concept_facts, ordered

if TYPE_CHECKING:
    from competence.organisation import Circle, Circles

__all__ = ["CIRCLES", "circle_suggestions", "outcome_of"]

CIRCLES = 3
"""Circles proposed where the call does not say how many."""
_WISH: Mapping[str, float] = {"wants_to_learn": 1.0, "role_asks": 0.75, "wants_to_use": 0.5, "holds_some": 0.25}
"""How much each tie to a topic counts of those who seek something: a stated wish most."""


def circle_suggestions(
    graph: CompetenceGraph, found: Circles, refused: frozenset[frozenset[str]], lowest: float, settings: Settings
) -> tuple[list[Suggestion], list[LeftOutRow]]:
    """Return the circles as Suggestions, the best first, and who is in none with the rule."""
    made, left_out = [], [LeftOutRow(p, why) for p, why in found.left_out]
    for circle in found.circles:
        suggestion = _suggestion(graph, circle, settings.suggest.circles)
        if frozenset(circle.people) in refused or suggestion.score < lowest:
            rule = "rejected_before" if frozenset(circle.people) in refused else "below_cutoff"
            left_out += [LeftOutRow(p, rule) for p in circle.people]
        else:
            made.append(suggestion)
    return sorted(made, key=lambda s: -s.score), left_out


def outcome_of(made: Iterable[Suggestion]) -> Outcome:
    """Return the Outcome of dealt circles: a way of dealing, with no bound on what another deal could give."""
    return Outcome(
        status=Status.HEURISTIC, objective=fsum(s.score for s in made), method="circles filled in turns", stopped_by="steps"
    )


def _suggestion(graph: CompetenceGraph, circle: Circle, weights: Mapping[str, float]) -> Suggestion:
    """Score a circle: the mean level of those who bring, and how much those who seek want it, each member a reason."""
    number = {part: sum(m.part == part for m in circle.members) for part in weights}
    reasons = []
    for m in circle.members:
        value = m.level / LEVELS[-1] if m.part == "brings" else _WISH[m.why]
        weight = weights[m.part] / number[m.part]
        facts = {**concept_facts(graph, m.concept_id), "have": m.level}
        reasons.append(
            Reason(
                measure=m.part,
                value=value,
                weight=weight,
                contribution=weight * value,
                person_id=m.person_id,
                concept_id=m.concept_id,
                evidence=m.evidence,
                path=(m.why, m.concept_id),
                facts=facts,
            )
        )
    concepts = [graph.taxonomy.concepts[c] for c in sorted({m.concept_id for m in circle.members})]
    return Suggestion(
        kind=KIND,
        rank=0,
        members=tuple(Member(m.person_id, m.part) for m in circle.members),
        target=", ".join(c.concept_id for c in concepts),
        labels={lang: ", ".join(c.label(lang) for c in concepts) for lang in ("sv", "en")},
        score=sum_of(reasons),
        reasons=ordered(reasons),
        rules=PASSED["circle"],
        ask_first=tuple(m.person_id for m in circle.members if m.ask_first),
        facts={"mode": "circle", "topics": [c.concept_id for c in concepts]},
    )
