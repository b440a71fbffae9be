"""Teams as records: one team as a Suggestion, both stages with their difference, and what the pool is short of.

This module decides what a result of teams carries; how that is said, ``_teams_lines`` decides.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from competence._texts import LANGUAGES, text
from competence.fit import sum_of
from competence.graph import CompetenceGraph
from competence.model import Outcome, Reason, Sex
from competence.settings import EqualitySettings
from competence.suggest._teams_plan import Formed, Job, Stage
from competence.suggest._teams_replace import Bench
from competence.suggest.result import Alternative, Member, Suggestion
from competence.suggest.scoring import concept_facts, ordered

__all__ = [
    "certificate_of",
    "conflict_limits",
    "difference_of",
    "labels_of",
    "sexes_of",
    "team_suggestion",
]

_SEXES: Mapping[str, Sex] = {"women": Sex.WOMAN, "men": Sex.MAN}
_POOLS = 3
"""Roles named as the pools that limit an even team, at most."""


def labels_of(purpose: str, number: int, name: str = "") -> dict[str, str]:
    """Return what a team is called in each language: the name of its task, or its purpose, and a number."""
    return {lang: text("team.label.task" if name else f"team.label.{purpose}", lang, name=name, n=number) for lang in LANGUAGES}


def team_suggestion(
    graph: CompetenceGraph,
    rows: NDArray[np.int64],
    job: Job,
    team: Sequence[int],
    *,
    rules: tuple[str, ...],
    bench: Bench,
) -> Suggestion:
    """Word one team: a reason per item of the need, and the best replacement of each member; rank and labels come later."""
    people = sorted(graph.person_ids[rows[i]] for i in team)
    total = sum(i.weight for i in job.items)
    reasons = []
    for k, item in enumerate(job.items):
        holders = sorted(graph.person_ids[rows[i]] for i in team if job.holds[i, k])
        value = min(len(holders), item.count) / item.count
        column = graph.concept_index[item.concept_id]
        evidence: list[str] = []
        for person_id in holders:
            position = graph.position(graph.person_index[person_id], column)
            if position is not None:
                evidence += [e.evidence_id for e in graph.evidence_at(position)]
        weight = item.weight / total
        reasons.append(
            Reason(
                measure="coverage",
                value=value,
                weight=weight,
                contribution=weight * value,
                concept_id=item.concept_id,
                evidence=tuple(evidence),
                path=(item.words, item.label, item.concept_id),
                facts={
                    **concept_facts(graph, item.concept_id),
                    "asked": item.level,
                    "count": len(holders),
                    "needed": item.count,
                    "holders": ",".join(holders),
                },
            )
        )
    score = sum_of(reasons)
    others = [
        Alternative(
            (graph.person_ids[rows[e.out]], graph.person_ids[rows[e.new]]), e.score, difference={"coverage": score - e.score}
        )
        for e in bench.replacements(job, team)
    ]
    return Suggestion(
        kind="teams",
        rank=0,
        members=tuple(Member(p, "member") for p in people),
        target="",
        labels={},
        score=score,
        reasons=ordered(reasons),
        rules=rules,
        alternatives=tuple(others),
        facts={**sexes_of(graph, people), **({"task": job.name, "priority": job.priority} if job.name else {})},
    )


def sexes_of(graph: CompetenceGraph, people: Sequence[str]) -> dict[str, Any]:
    """Return how many women, men and not stated there are among people, and the units that they come from."""
    sexes = [graph.sex[p] for p in people]
    return {
        "women": sexes.count(Sex.WOMAN),
        "men": sexes.count(Sex.MAN),
        "not_stated": sexes.count(Sex.NOT_STATED),
        "units": sorted({graph.unit_name(u) for p in people for u in graph.units_of[graph.person_index[p]]}),
    }


# -- the record ---------------------------------------------------------------------------------------------------------


def difference_of(formed: Sequence[Formed]) -> dict[str, object]:
    """Return what stage 2 gave up and gained against stage 1, as plain JSON values; of several tasks one record each."""
    records: list[dict[str, object]] = [
        {
            "stage_1": [asdict(level) for level in f.stage1.levels],
            "stage_2": [asdict(level) for level in f.stage2.levels],
            "balance_1": asdict(f.stage1.balance) if f.stage1.balance else None,
            "balance_2": asdict(f.stage2.balance) if f.stage2.balance else None,
            "pool_bounds": asdict(f.pool) if f.pool else None,
            "pool_limits": [asdict(limit) for limit in f.limits],
            "coverage_1": _figures(f.stage1),
            "coverage_2": _figures(f.stage2),
            "teams": len(f.stage1.teams),
            "task": f.job.name,
            "yielded": f.yielded,
        }
        for f in formed
    ]
    return records[0] if len(records) == 1 else {"tasks": records}


def _figures(stage: Stage) -> dict[str, float]:
    return {"worst": min(stage.coverage), "mean": float(np.mean(stage.coverage))} if stage.coverage else {}


def certificate_of(
    graph: CompetenceGraph, rows: NDArray[np.int64], formed: Sequence[Formed], equality: EqualitySettings
) -> list[dict[str, object]]:
    """Return what the pool or the need itself limits: which constraint, in which pool, how many there are and are short."""
    found: list[dict[str, object]] = []
    for f in formed:
        task = {"task": f.job.name} if f.job.name else {}
        for item in f.job.items:
            if item.count > f.job.size and f.job.n is not None:
                found.append(
                    _limit("count_over_size", f.job.size, item.count, **_item(graph, item.concept_id, item.level), **task)
                )
        for limit in f.limits:
            more: dict[str, object] = dict(task)
            if limit.kind == "item":
                item = f.job.items[limit.index]
                more |= _item(graph, item.concept_id, item.level)
            else:
                more |= {"band": list(equality.band), "pools": _pools(graph, rows, _SEXES[limit.kind], equality.band[0])}
            found.append(_limit(f"pool_{limit.kind}", limit.available, limit.needed, **more))
    return found


def conflict_limits(
    graph: CompetenceGraph, rows: NDArray[np.int64], outcome: Outcome, units: Sequence[str]
) -> list[dict[str, object]]:
    """Return the figures in the conflicts of the solver: how many there are, are needed and are short."""
    found = []
    for conflict in outcome.conflicts:
        rule, _, detail = conflict.partition(":")
        figures = re.search(r"(\d+)([<>])(\d+)$", detail)
        if figures is None:
            continue
        left, sign, right = int(figures[1]), figures[2], int(figures[3])
        available, needed = (left, right) if sign == "<" else (right, left)
        first = detail.partition(" ")[0]
        more: dict[str, object] = {}
        if rule == "at_most" and first.isdigit():
            rule, more = "unit_over_limit", {"unit": units[int(first)]}
        elif rule in ("together_too_large", "apart_too_many"):
            more = {"people": [graph.person_ids[rows[int(i)]] for i in first.split(",")]}
        found.append(_limit(rule, available, needed, **more))
    return found


def _limit(rule: str, available: int, needed: int, **more: object) -> dict[str, object]:
    return {"rule": rule, "available": available, "needed": needed, "short": needed - available, **more}


def _item(graph: CompetenceGraph, concept_id: str, level: int) -> dict[str, object]:
    return {"concept_id": concept_id, **concept_facts(graph, concept_id), "level": level}


def _pools(graph: CompetenceGraph, rows: NDArray[np.int64], sex: Sex, low: float) -> list[dict[str, object]]:
    """Return the roles of the pool in which a sex is under the lower limit, those with most people first (REQ-EQ-4)."""
    number: dict[str, list[int]] = {}
    for row in rows.tolist():
        person = graph.people[row]
        for role_id in sorted(set(graph.person_roles[row])):
            count = number.setdefault(role_id, [0, 0])
            count[0] += person.sex is sex
            count[1] += person.sex is not Sex.NOT_STATED
    few = [(role_id, own, known) for role_id, (own, known) in number.items() if own < low * known]
    few.sort(key=lambda r: (-r[2], r[0]))
    return [
        {"role_sv": graph.role(r).label("sv"), "role_en": graph.role(r).label("en"), "count": own, "of": known}
        for r, own, known in few[:_POOLS]
    ]
