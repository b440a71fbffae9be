"""Measures of a person against a need or a role, each a documented function, and how they become one score.

All measures lie in [0, 1] and use whole levels (``rounded``, 0 without counting evidence):

    coverage = min(level / asked, 1)
    gap      = max(asked - level, 0)                          in levels
    surplus  = max(level - asked, 0)                          in levels
    fit      = sum(weight * coverage) / sum(weight)
    growth   = sum(weight * min(gap, cap) / cap) / sum(weight), counted only where fit >= cutoff

Hard requirements gate and are never weighed. A score is a weighted sum of measures; its Reasons sum to it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from math import fsum

import numpy as np
from numpy.typing import NDArray

from competence.evidence import age_in_months
from competence.graph import CompetenceGraph
from competence.model import Evidence, Reason, Requirement

__all__ = [
    "Gap",
    "RoleFit",
    "coverage",
    "evidence_facts",
    "fit",
    "freshness",
    "gap",
    "gaps",
    "growth",
    "hard_met",
    "role_fit",
    "sum_of",
    "surplus",
]


def coverage(rounded: NDArray[np.int8], asked: int) -> NDArray[np.float64]:
    """Return the share of the asked level that is held, in [0, 1]: min(level / asked, 1)."""
    return np.asarray(np.minimum(rounded / float(asked), 1.0), dtype=np.float64)


def gap(rounded: NDArray[np.int8], asked: int) -> NDArray[np.float64]:
    """Return how many levels are missing: max(asked - level, 0)."""
    return np.asarray(np.maximum(float(asked) - rounded, 0.0), dtype=np.float64)


def surplus(rounded: NDArray[np.int8], asked: int) -> NDArray[np.float64]:
    """Return how many levels are held beyond those asked: max(level - asked, 0)."""
    return np.asarray(np.maximum(rounded - float(asked), 0.0), dtype=np.float64)


def fit(graph: CompetenceGraph, requirements: Iterable[Requirement]) -> NDArray[np.float64]:
    """Return everybody's fit to a set of requirements, shape (n_people,), in [0, 1].

    Hard requirements are left out of the sums (they gate, see :func:`hard_met`). Nothing weighed gives a fit of 1.
    O(holders of the concepts asked + people).
    """
    total = np.zeros(len(graph.person_ids))
    weights = 0.0
    for requirement in requirements:
        if requirement.hard:
            continue
        total += requirement.weight * coverage(
            graph.rounded_column(graph.concept_index[requirement.concept_id]), requirement.level
        )
        weights += requirement.weight
    return total / weights if weights else np.ones(len(graph.person_ids))


def growth(graph: CompetenceGraph, requirements: Sequence[Requirement], *, cutoff: float | None = None) -> NDArray[np.float64]:
    """Return how much everybody could learn, shape (n_people,), in [0, 1].

    It counts only where the fit reaches ``cutoff`` in [0, 1]; None takes ``settings.fit.cutoff``. O(holders + people).
    """
    cap = graph.settings.fit.growth_cap
    total = np.zeros(len(graph.person_ids))
    weights = 0.0
    for requirement in requirements:
        if requirement.hard:
            continue
        missing = gap(graph.rounded_column(graph.concept_index[requirement.concept_id]), requirement.level)
        total += requirement.weight * np.minimum(missing, cap) / cap
        weights += requirement.weight
    if not weights:
        return total
    lowest = graph.settings.fit.cutoff if cutoff is None else cutoff
    return np.where(fit(graph, requirements) >= lowest, total / weights, 0.0)


def hard_met(graph: CompetenceGraph, requirements: Iterable[Requirement]) -> NDArray[np.bool_]:
    """Say who meets every hard requirement, shape (n_people,).

    Met by formal evidence (a certificate, formal learning or a certified stage) at the level asked, or because a role
    the person holds today has the same hard requirement, which the employer has then already checked. Informal
    evidence never meets one, whatever its level (REQ-VAL-16).
    """
    met = np.ones(len(graph.person_ids), dtype=np.bool_)
    for requirement in requirements:
        if requirement.hard:
            column = graph.concept_index[requirement.concept_id]
            proven = graph.column("formal_level", column) >= requirement.level
            met &= proven | _checked_by_current_role(graph, requirement)
    return met


def _checked_by_current_role(graph: CompetenceGraph, requirement: Requirement) -> NDArray[np.bool_]:
    asking = {
        role_id
        for role_id, role in graph.taxonomy.roles.items()
        for r in role.requirements
        if r.hard and r.concept_id == requirement.concept_id and r.level >= requirement.level
    }
    return np.fromiter((not asking.isdisjoint(own) for own in graph.person_roles), np.bool_, len(graph.person_ids))


@dataclass(frozen=True, slots=True)
class RoleFit:
    """Everybody against every role: fit, growth and whether hard requirements are met, shape (n_people, n_roles)."""

    fit: NDArray[np.float64]
    growth: NDArray[np.float64]
    hard_met: NDArray[np.bool_]


def role_fit(graph: CompetenceGraph, role_ids: Sequence[str]) -> RoleFit:
    """Measure everybody against each of the roles. O(roles * (people + holders))."""
    shape = (len(graph.person_ids), len(role_ids))
    fits, grows, hard = np.zeros(shape), np.zeros(shape), np.zeros(shape, dtype=np.bool_)
    for j, role_id in enumerate(role_ids):
        requirements = graph.taxonomy.roles[role_id].requirements
        fits[:, j] = fit(graph, requirements)
        grows[:, j] = growth(graph, requirements)
        hard[:, j] = hard_met(graph, requirements)
    return RoleFit(fits, grows, hard)


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """What one requirement of a role means for one person."""

    role_id: str
    requirement: Requirement
    held: int
    missing: int
    hard_unmet: bool


def gaps(graph: CompetenceGraph, person_id: str, role_id: str | None = None) -> tuple[Gap, ...]:
    """List a person against the requirements of a role, or of every role the person holds, largest gap first.

    Raises
    ------
    UnknownIdError
        If the person or the role is not in the graph.
    """
    row = graph.row(person_id)
    roles = graph.person_roles[row] if role_id is None else (graph.role(role_id).role_id,)
    found = []
    for own in roles:
        for requirement in graph.taxonomy.roles[own].requirements:
            position = graph.position(row, graph.concept_index[requirement.concept_id])
            held = 0 if position is None else int(graph.arrays.rounded[position])
            unmet = bool(requirement.hard and not hard_met(graph, [requirement])[row])
            found.append(
                Gap(role_id=own, requirement=requirement, held=held, missing=max(requirement.level - held, 0), hard_unmet=unmet)
            )
    return tuple(sorted(found, key=lambda g: (-g.missing * g.requirement.weight, g.role_id, g.requirement.concept_id)))


def freshness(latest: NDArray[np.int32], as_of: date, currency_months: int | None) -> NDArray[np.float64]:
    """Return how fresh the latest evidence is, in [0, 1]: 2 ** (-age / currency); 0.5 without a date, 1 if held for life."""
    if currency_months is None:
        return np.ones(len(latest))
    months = np.maximum(as_of.toordinal() - latest, 0) / (365.2425 / 12)
    return np.where(latest == 0, 0.5, 2.0 ** (-months / currency_months))


def sum_of(reasons: Iterable[Reason]) -> float:
    """Return the score that Reasons amount to: the exactly rounded sum of their contributions."""
    return fsum(r.contribution for r in reasons)


def evidence_facts(pieces: Sequence[Evidence], as_of: date) -> dict[str, str | int | float | None]:
    """Return what a sentence about evidence needs: sources, latest date, age in months, words, furthest stage."""
    words: str | None
    stage: str | None
    if len(pieces) == 1:
        # Most holdings rest on one piece, and a result tells of thousands.
        (piece,) = pieces
        latest, sources, stage, words = piece.day, piece.source.value, piece.stage.value, piece.words or None
    else:
        latest = max((p.day for p in pieces if p.day), default=None)
        sources = ",".join(sorted({p.source.value for p in pieces}))
        stage = max((p.stage for p in pieces), key=lambda s: s.rank).value if pieces else None
        words = next((p.words for p in pieces if p.words), None)
    months = age_in_months(latest, as_of)
    return {
        "sources": sources,
        "latest": latest.isoformat() if latest else None,
        "age_months": None if months is None else round(months),
        "stage": stage,
        "words": words,
    }
