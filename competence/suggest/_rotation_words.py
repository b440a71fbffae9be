"""One ring of moves as a Suggestion: who goes where, why, under which rules, and what has to be talked about first."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass
from datetime import date, timedelta
from math import isfinite
from typing import Any

from competence._texts import text
from competence.fit import sum_of
from competence.graph import CompetenceGraph
from competence.model import Reason
from competence.suggest._rotation_moves import Moves
from competence.suggest._rotation_plan import Model, Others, Ring
from competence.suggest.result import Alternative, Member, Suggestion
from competence.suggest.scoring import concept_facts, evidence_of, ordered, to_ask_first

__all__ = ["ARROW", "KIND", "Span", "steps_of", "suggestion_of"]

KIND = "rotation"
ARROW = " → "
"""Stands between the posts of a target."""

_RULES: tuple[str, ...] = (
    "takes_part",
    "hard_requirements_met",
    "fit_kept",
    "something_to_learn",
    "unit_limit_kept",
    "cover_kept",
    "posts_filled",
)
_GOALS = 3
"""Learning goals named per move, at most."""


@dataclass(frozen=True, slots=True)
class Span:
    """How long one period of the plan is, and when it runs; ``weeks`` is for try-outs, in place of ``months``."""

    start: date
    months: int | None
    weeks: int | None
    periods: int

    def day(self, period: int) -> date:
        """Return the first day of a period, counted from 1; that of one more than there are is the day after the end."""
        if self.weeks is not None:
            return self.start + timedelta(weeks=self.weeks * (period - 1))
        month = self.start.month - 1 + (self.months or 0) * (period - 1)
        year, month = self.start.year + month // 12, month % 12 + 1
        for day in range(self.start.day, 27, -1):
            try:
                return date(year, month, day)
            except ValueError:  # the month is shorter: its last day
                continue
        return date(year, month, min(self.start.day, 28))

    def last(self, period: int) -> date:
        """Return the last day of a period."""
        return self.day(period + 1) - timedelta(days=1)


def steps_of(model: Model, ring: Ring) -> list[tuple[int, int]]:
    """Return the moves of a ring; of a chain the one into the open post first, then each into the post just left."""
    steps = [(i, j) for i, j in zip(ring, (*ring[1:], ring[0]), strict=True) if i < model.n_held]
    if len(steps) == len(ring):
        return steps
    into = {j: i for i, j in steps}
    at = next(i for i in ring if i >= model.n_held)
    chain = []
    while at in into:
        chain.append((into[at], at))
        at = into[at]
    return chain


def suggestion_of(
    moves: Moves,
    model: Model,
    ring: Ring,
    span: Span,
    *,
    period: int = 1,
    others: Others | None = None,
    asked_managers: Mapping[str, bool] | None = None,
) -> Suggestion:
    """Word one ring: each move's reasons divided by the number of moves, so that they sum to the mean."""
    graph = moves.graph
    steps = steps_of(model, ring)
    chain = len(steps) < len(ring)
    moving = {graph.person_ids[moves.places[i].row] for i, _ in steps}
    members, told, reasons = [], [], []
    path: dict[str, list[str]] = {"sv": [], "en": []}
    for i, j in steps:
        here, there = moves.places[i], moves.places[j]
        person_id = graph.person_ids[here.row]
        unit = graph.unit_name(there.post.unit_id)
        titles = {lang: ", ".join(graph.taxonomy.roles[r].label(lang) for r in there.roles) for lang in ("sv", "en")}
        for lang in ("sv", "en"):
            if there.part:
                titles[lang] += text("rotation.part", lang, percent=round(100 * there.share))
            path[lang].append(f"{unit} ({titles[lang]})")
        said = {lang: f"{unit}: {titles[lang]}" for lang in ("sv", "en")}
        members.append(Member(person_id, "mover", said["sv"], said))
        told.append(_move(moves, i, j, moving, asked_managers or {}))
        reasons += _reasons(moves, i, j, len(steps))
    names = [moves.places[j].name for _, j in steps]
    facts: dict[str, Any] = {
        "moves": told,
        "places": [moves.places[i].name for i in ring],
        "months": span.months,
        "right_to_return": True,
        "ask_managers": sorted({m for move in told for m in move["ask_managers"]}),
        "start": span.day(period).isoformat(),
        "end": span.last(period).isoformat(),
        # Half-way through, health and work environment are followed up (REQ-HR-7).
        "follow_up": (span.day(period) + (span.last(period) - span.day(period)) / 2).isoformat(),
    }
    labels = {lang: ARROW.join(names_of) for lang, names_of in path.items()}
    rules = _RULES
    if chain:
        empty = moves.places[steps[-1][0]]
        names.append(empty.name)
        rules = tuple("chain_filled" if r == "posts_filled" else r for r in _RULES)
        facts |= {"chain": True, "left_empty": empty.name}
        for lang in ("sv", "en"):
            left = (
                f"{graph.unit_name(empty.post.unit_id)} ({', '.join(graph.taxonomy.roles[r].label(lang) for r in empty.roles)})"
            )
            labels[lang] = text("rotation.chain", lang, steps=labels[lang], empty=left)
    if span.weeks is not None:
        facts |= {"weeks": span.weeks, "try_out": True}
        labels = {lang: text("rotation.try_out", lang, steps=label, weeks=span.weeks) for lang, label in labels.items()}
    if span.periods > 1:
        facts["period"] = period
        labels = {lang: text("rotation.period", lang, steps=label, period=period) for lang, label in labels.items()}
    if ring in model.pins and period == 1:
        facts["pinned"] = True
    elif others is not None and isfinite(others.refusal):
        # Sums of floats: what lies under the last digit is nothing.
        facts["refusal_at_most"] = max(round(others.refusal, 9), 0.0)
    return Suggestion(
        kind=KIND,
        rank=0,
        members=tuple(members),
        target=ARROW.join(names),
        labels=labels,
        score=sum_of(reasons),
        reasons=ordered(reasons),
        rules=rules,
        alternatives=tuple(
            Alternative(tuple(graph.person_ids[moves.places[i].row] for i in other), worth / len(other), cost)
            for other, worth, cost in (others.rings if others is not None else ())
        ),
        ask_first=to_ask_first(graph, [m.person_id for m in members], KIND),
        facts=facts,
    )


def _move(moves: Moves, i: int, j: int, moving: Set[str], asked: Mapping[str, bool]) -> dict[str, Any]:
    """Tell one move: from where, to where, what there is to learn, and which managers have not said yes."""
    graph, here, there = moves.graph, moves.places[i], moves.places[j]
    person_id = graph.person_ids[here.row]
    to_ask: list[str] = []
    for unit_id in (here.post.unit_id, there.post.unit_id):
        if asked.get(unit_id) is not True:
            to_ask += [m for m in _managers(graph, unit_id, moving) if m not in to_ask]
    receiving = graph.unit(there.post.unit_id)
    goals = list(moves.missing(here.row, int(moves.kind[j]))[:_GOALS])
    return {
        "person_id": person_id,
        "from_unit": here.post.unit_id,
        "from_post": here.name,
        "to_unit": there.post.unit_id,
        "to_post": there.name,
        "roles": list(there.roles),
        "share": there.share,
        "part": here.part,
        "learning_goals": goals,
        "goal_labels": {lang: [graph.taxonomy.concepts[c].label(lang) for c in goals] for lang in ("sv", "en")},
        "ask_managers": to_ask,
        "supervised_by": list(receiving.manager_ids) if receiving is not None else [],
    }


def _managers(graph: CompetenceGraph, unit_id: str, moving: Set[str]) -> tuple[str, ...]:
    """Return who answers for a unit in a swap: its managers, or those above it where these are in the swap themselves."""
    seen: set[str] = set()
    unit = graph.unit(unit_id)
    while unit is not None and unit.unit_id not in seen:
        seen.add(unit.unit_id)
        if apart := tuple(m for m in unit.manager_ids if m not in moving):
            return apart
        unit = graph.unit(unit.parent_id) if unit.parent_id else None
    return ()


def _reasons(moves: Moves, i: int, j: int, length: int) -> list[Reason]:
    """Return the Reasons of one move; the concepts behind growth and interest stand in the facts."""
    graph, place = moves.graph, moves.places[j]
    weights = moves.settings.suggest.rotation
    row = moves.places[i].row
    unit = graph.unit_name(place.post.unit_id)
    reasons = []
    for measure, (value, concept_id) in moves.values(i, j).items():
        if value == 0:
            continue
        facts: dict[str, str | int | float | None] = {"unit": unit}
        evidence: tuple[str, ...] = ()
        if concept_id is not None:
            facts |= concept_facts(graph, concept_id)
            if measure == "fit":
                evidence, proof = evidence_of(graph, row, graph.concept_index[concept_id])
                facts |= proof
        weight = weights[measure] / length
        reasons.append(
            Reason(
                measure=measure,
                value=value,
                weight=weight,
                contribution=weight * value,
                person_id=graph.person_ids[row],
                concept_id=concept_id,
                evidence=evidence,
                path=(*place.roles, *((concept_id,) if concept_id else ())),
                facts=facts,
            )
        )
    return reasons
