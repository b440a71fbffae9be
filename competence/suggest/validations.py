"""Suggest what is worth validating: claims not yet proven that would matter most if they were recognised.

A suggestion to open a conversation about one claim of one person; it says nothing of how good the person is. Five
steps: claims within the stage, measures, exact best n, reasons, result. Sex, age and name are never read.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from competence.errors import InputError
from competence.fit import role_fit, sum_of
from competence.graph import CompetenceGraph
from competence.model import Outcome, Reason, Status, ValidationStage
from competence.settings import Settings
from competence.solve.order import seeded_order
from competence.suggest.result import LeftOutRow, Member, Suggestion, Suggestions
from competence.suggest.scoring import check_count, concept_facts, evidence_of, ordered, prepare, turned_down

__all__ = ["suggest_validations"]

_KIND = "validations"
_STAGES = tuple(ValidationStage)


def suggest_validations(
    graph: CompetenceGraph,
    *,
    people: Iterable[str] | None = None,
    units: Iterable[str] | None = None,
    stage: ValidationStage | str = ValidationStage.DOCUMENTED,
    n: int = 20,
    settings: Settings | None = None,
    as_of: date | None = None,
    seed: int = 0,
) -> Suggestions:
    """Suggest which claims, so far at most at ``stage``, would matter most if they were recognised.

    Parameters
    ----------
    graph : CompetenceGraph
        People and what they hold.
    people, units : iterable of str or None
        Only these ids, or these units and those below them; None takes everybody.
    stage : ValidationStage or str
        Claims at this stage or an earlier one; ``identified`` or ``documented``. What a certificate or other formal
        proof backs is no claim.
    n : int
        How many claims at most.
    settings, as_of, seed
        As for every suggestion.

    Returns
    -------
    Suggestions
        One Suggestion per claim, part ``claimant``. Empty with ``no_claims``.

    Raises
    ------
    InputError
        If stage is not identified or documented, or n is below 1.
    UnknownIdError
        If a person or unit does not exist.

    Notes
    -----
    Measures, each in [0, 1]: required_now, the weight with which a role held asks for it; single_holder, 1 when nobody
    else in a unit of the person holds it and a role there asks for it, 1/2 when two do; within_reach, the highest
    weight in a role not held that the person fits by ``settings.suggest.reach_cutoff``; safety, whether it is
    safety-critical and asked for by a role held or within reach; weak_proof, 1 - confidence. A claim that none of the
    first three speaks for is left out (``no_role_needs_it``). Exact: every claim is measured. O(holdings + people * roles).
    """
    started = perf_counter()
    check_count(n, "n")
    try:
        highest = ValidationStage(stage)
    except ValueError:
        highest = ValidationStage.CERTIFIED
    if highest.rank > ValidationStage.DOCUMENTED.rank:
        raise InputError(f"stage must be identified or documented (later stages are proven already); got {stage!r}")
    graph, settings, as_of = prepare(graph, as_of, settings)
    people = sorted(set(people)) if people is not None else None
    units = sorted(set(units)) if units is not None else None
    rows = graph.rows(people, units)
    considered = [graph.person_ids[r] for r in rows]
    request = {"stage": highest.value, "n": n, "people": people, "units": units}
    said_no = turned_down(graph, _KIND)
    held = _claims(graph, rows, highest)
    claims = [c for c in held if (graph.person_ids[c[0]], graph.concept_ids[graph.arrays.concept[c[1]]]) not in said_no]
    left_out: list[LeftOutRow] = []
    measured = _measure(graph, claims, settings)
    needed = (measured["required_now"] > 0) | (measured["single_holder"] > 0) | (measured["within_reach"] > 0)
    weights = settings.suggest.validations
    score = np.zeros(len(claims))
    for measure, value in measured.items():
        score = score + weights[measure] * value
    ids = [f"{graph.person_ids[r]}|{graph.concept_ids[graph.arrays.concept[p]]}" for r, p in claims]
    order = np.array([i for i in seeded_order(ids, seed) if needed[i]], dtype=np.int64)
    ranked = order[np.argsort(-score[order], kind="stable")] if len(order) else order
    chosen = ranked[:n]
    with_held, with_claim = {row for row, _ in held}, {row for row, _ in claims}
    with_need = {int(claims[i][0]) for i in ranked}
    suggested = {int(claims[i][0]) for i in chosen}
    for row in rows.tolist():
        if row not in suggested:
            rule = "no_role_needs_it" if row not in with_need else "not_among_best"
            if row not in with_claim:
                rule = "rejected_before" if row in with_held else "no_claims"
            left_out.append(LeftOutRow(graph.person_ids[row], rule))
    if not len(chosen):
        return Suggestions.empty(
            graph,
            _KIND,
            "no_claims",
            settings=settings,
            as_of=as_of,
            request=request,
            seed=seed,
            left_out=left_out,
            considered=considered,
        )
    items = [
        _suggestion(graph, claims[i], {m: float(v[i]) for m, v in measured.items()}, settings, rank)
        for rank, i in enumerate(chosen.tolist(), start=1)
    ]
    total = sum(s.score for s in items)
    return Suggestions.build(
        graph,
        _KIND,
        items,
        outcome=Outcome(
            status=Status.OPTIMAL,
            objective=total,
            bound=total,
            gap=0.0,
            method="every claim measured, exact best n",
            seconds=perf_counter() - started,
            steps=len(claims),
            runner_up=float(score[chosen[-1]] - score[ranked[n]]) if len(ranked) > n else None,
        ),
        left_out=left_out,
        considered=considered,
        settings=settings,
        as_of=as_of,
        request=request,
        seed=seed,
    )


def _claims(graph: CompetenceGraph, rows: NDArray[np.int64], highest: ValidationStage) -> list[tuple[int, int]]:
    """Return (row, position) of each holding whose furthest stage is at most ``highest`` and that no formal proof backs."""
    found = []
    for row in rows.tolist():
        for position in range(graph.arrays.indptr[row], graph.arrays.indptr[row + 1]):
            if graph.arrays.stage[position] <= highest.rank and graph.arrays.formal_level[position] == 0:
                found.append((row, position))
    return found


def _measure(graph: CompetenceGraph, claims: list[tuple[int, int]], settings: Settings) -> dict[str, NDArray[np.float64]]:
    """Measure every claim, shape (n_claims,) per measure."""
    names = ("required_now", "single_holder", "within_reach", "safety", "weak_proof")
    values = {name: np.zeros(len(claims)) for name in names}
    roles = graph.role_ids
    reach = role_fit(graph, roles)
    near = (reach.fit >= settings.suggest.reach_cutoff) & reach.hard_met
    asked_by = [{r.concept_id: r.weight for r in graph.taxonomy.roles[role].requirements} for role in roles]
    staff_of: dict[str, list[int]] = {}
    for row, units in enumerate(graph.units_of):
        for unit in units:
            staff_of.setdefault(unit, []).append(row)
    unit_asks = {
        unit: {c for row in members for role in graph.person_roles[row] for c in asked_by[graph.role_index[role]]}
        for unit, members in staff_of.items()
    }
    required: dict[int, dict[str, float]] = {}
    reachable: dict[int, dict[str, float]] = {}
    holding: dict[int, frozenset[int]] = {}
    for k, (row, position) in enumerate(claims):
        if row not in required:
            own = {graph.role_index[r] for r in graph.person_roles[row]}
            required[row] = _highest(asked_by[j] for j in own)
            reachable[row] = _highest(asked_by[j] for j in np.flatnonzero(near[row]).tolist() if j not in own)
        column = int(graph.arrays.concept[position])
        concept_id = graph.concept_ids[column]
        values["required_now"][k] = required[row].get(concept_id, 0.0)
        values["within_reach"][k] = reachable[row].get(concept_id, 0.0)
        values["weak_proof"][k] = 1.0 - graph.arrays.confidence[position]
        if column not in holding:
            holding[column] = frozenset(np.flatnonzero(graph.rounded_column(column)).tolist())
        for unit in graph.units_of[row]:
            if concept_id in unit_asks[unit]:
                number = len((holding[column] | {row}).intersection(staff_of[unit]))
                values["single_holder"][k] = max(values["single_holder"][k], 1.0 / number if number <= 2 else 0.0)
        if graph.taxonomy.concepts[concept_id].safety_critical and (
            required[row].get(concept_id) or reachable[row].get(concept_id)
        ):
            values["safety"][k] = 1.0
    return values


def _highest(asked: Iterable[dict[str, float]]) -> dict[str, float]:
    """Return the highest weight per concept over several roles."""
    best: dict[str, float] = {}
    for role in asked:
        for concept_id, weight in role.items():
            best[concept_id] = max(best.get(concept_id, 0.0), weight)
    return best


def _suggestion(
    graph: CompetenceGraph, claim: tuple[int, int], values: dict[str, float], settings: Settings, rank: int
) -> Suggestion:
    row, position = claim
    person_id = graph.person_ids[row]
    column = int(graph.arrays.concept[position])
    concept = graph.taxonomy.concepts[graph.concept_ids[column]]
    evidence, proof = evidence_of(graph, row, column)
    weights = settings.suggest.validations
    reasons = [
        Reason(
            measure=measure,
            value=value,
            weight=weights[measure],
            contribution=weights[measure] * value,
            person_id=person_id,
            concept_id=concept.concept_id,
            evidence=evidence if measure == "weak_proof" else (),
            path=(concept.concept_id,),
            facts={
                **concept_facts(graph, concept.concept_id),
                "have": int(graph.arrays.rounded[position]),
                "count": round(1 / value) if measure == "single_holder" and value else 0,
                **(proof if measure == "weak_proof" else {}),
            },
        )
        for measure, value in values.items()
        if value > 0
    ]
    stage = _STAGES[int(graph.arrays.stage[position])]
    return Suggestion(
        kind=_KIND,
        rank=rank,
        members=(Member(person_id, "claimant"),),
        target=concept.concept_id,
        labels={lang: concept.label(lang) for lang in ("sv", "en")},
        score=sum_of(reasons),
        reasons=ordered(reasons),
        rules=("not_proven_yet",),
        facts={"stage": stage.value, "level": int(graph.arrays.rounded[position]), "evidence": list(evidence)},
    )
