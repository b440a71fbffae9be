"""Form teams: competence first with sex hidden, then, among plans just as good, the most even by sex.

Two stages (REQ-EQ-2). Stage 1 sees only who holds what: no broken pair, then the best worst team, then the best mean.
Stage 2 may choose among plans within epsilon of stage 1 the one that is best by ``balance``. Both are shown with
their difference. Five steps: need, pool, solve, reasons, result.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import date
from functools import partial

import numpy as np
from numpy.typing import NDArray

from competence.errors import InputError
from competence.fit import hard_met, sum_of
from competence.graph import CompetenceGraph, ResolvedItem
from competence.model import Choice, Need, NeedItem, Outcome, Reason, Requirement, Sex, Status
from competence.settings import Settings
from competence.solve.budget import Progress
from competence.solve.order import seeded_order
from competence.solve.teams import PoolLimit, TeamsSolution, partition, select
from competence.suggest.result import LeftOutRow, Member, Suggestion, Suggestions
from competence.suggest.scoring import answered_pairs, check_count, concept_facts, ordered, prepare, understood_request

__all__ = ["form_teams"]

_KIND = "teams"
_BALANCES = ("no_lone", "balanced", "proportional")
_PURPOSES = ("project", "steering", "circle", "work_team")
_MOST_EPSILON = 0.05
_SEX_CODE = {Sex.WOMAN: 0, Sex.MAN: 1, Sex.NOT_STATED: 2}


def form_teams(
    graph: CompetenceGraph,
    need: Need | NeedItem | str | Mapping[str, int] | Iterable[str | NeedItem],
    *,
    people: Iterable[str] | None = None,
    units: Iterable[str] | None = None,
    size: int = 5,
    n: int | None = 1,
    balance: str = "no_lone",
    epsilon: float = 0.02,
    together: Iterable[tuple[str, str]] = (),
    apart: Iterable[tuple[str, str]] = (),
    at_most: int | None = None,
    purpose: str = "project",
    ground: str = "",
    assessment: str = "",
    effort: int | None = None,
    time_limit: float | None = None,
    settings: Settings | None = None,
    as_of: date | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> Suggestions:
    """Form teams that cover a need, each as well as can be, then as mixed as that allows.

    Parameters
    ----------
    graph : CompetenceGraph
        People and what they hold.
    need : str, list of str, {str: level}, NeedItem or Need
        What each team must hold; ``NeedItem(count=...)`` says how many members at that level.
    people, units : iterable of str or None
        The pool: these ids, or everybody in these units and those below them. None with ``n`` an integer takes
        everybody who holds something of the need; None with ``n=None`` everybody.
    size : int
        People per team, at least 2.
    n : int or None
        How many teams to select, the others staying out; None places the whole pool in round(people / size) teams.
    balance : {"no_lone", "balanced", "proportional"}
        What stage 2 prefers: no lone woman or man (0 or at least 2 of each), then most teams within 40-60 per cent;
        most teams within 40-60; or shares like the pool's.
    epsilon : float
        How much coverage stage 2 may give up, as a share of stage 1, in [0, 0.05].
    together, apart : iterable of (person, person)
        Pairs that must be in one team (or both out), or must not be. Pinned decisions about teams keep their people
        together, forbidden ones about two people keep them apart.
    at_most : int or None
        Most members of one unit in a team.
    purpose : {"project", "steering", "circle", "work_team"}
        For ``work_team`` (a permanent post) stage 2 is off unless ``ground`` and ``assessment`` are given.
    ground, assessment : str
        The recorded ground and individual assessment that REQ-EQ-3 asks for; carried by the result.
    effort, time_limit, progress
        Budget of the solver in steps, a guard in seconds, and a callback.
    settings, as_of, seed
        As for every suggestion.

    Returns
    -------
    Suggestions
        One Suggestion per team, part ``member``, its score the team's coverage; ``neutral`` holds stage 1. Empty with
        ``not_understood`` or ``pool_too_small``.

    Raises
    ------
    InputError
        If an argument is outside its range; the message names the range.
    UnknownIdError
        If a person or unit does not exist.

    Notes
    -----
    Team coverage = sum(w min(members with rounded level >= L, count) / count) / sum(w). Somebody near a level counts
    as not there. Sex is read for stage 2 and for the figures only; people whose sex is not stated count in the size
    and in neither sex.
    """
    graph, settings, as_of = prepare(graph, as_of, settings)
    check_count(size, "size", 2)
    check_count(n, "n")
    check_count(at_most, "at_most")
    if balance not in _BALANCES:
        raise InputError(f"balance must be one of {', '.join(_BALANCES)}; got {balance!r}")
    if purpose not in _PURPOSES:
        raise InputError(f"purpose must be one of {', '.join(_PURPOSES)}; got {purpose!r}")
    if not 0 <= epsilon <= _MOST_EPSILON:
        raise InputError(f"epsilon must lie in [0, {_MOST_EPSILON}]; got {epsilon!r}")
    people = sorted(set(people)) if people is not None else None
    units = sorted(set(units)) if units is not None else None
    together, apart = sorted(set(together)), sorted(set(apart))
    resolved = graph.need(need)
    answered = answered_pairs(graph, _KIND)
    index = graph.person_index
    fixed = [(people[0], p) for people in sorted(answered[Choice.PINNED]) if all(q in index for q in people) for p in people[1:]]
    barred = [(p[0], p[1]) for p in sorted(answered[Choice.FORBIDDEN]) if len(p) == 2 and all(q in index for q in p)]
    pairs = {
        "together": _pairs(graph, [*together, *fixed], "together"),
        "apart": _pairs(graph, [*apart, *barred], "apart"),
    }
    request: dict[str, object] = {
        "need": understood_request(resolved),
        "people": people,
        "units": units,
        "together": [list(p) for p in together],
        "apart": [list(p) for p in apart],
        "size": size,
        "n": n,
        "balance": balance,
        "epsilon": epsilon,
        "at_most": at_most,
        "purpose": purpose,
        "ground": ground,
        "assessment": assessment,
        "effort": effort,
        "time_limit": time_limit,
    }
    rows = graph.rows(people, units)
    considered = [graph.person_ids[r] for r in rows]

    def empty(reason: str) -> Suggestions:
        return Suggestions.empty(
            graph, _KIND, reason, settings=settings, as_of=as_of, request=request, seed=seed, considered=considered
        )

    if not resolved.items:
        return empty("not_understood")
    holds = _holds(graph, resolved.items, rows)
    left_out: list[LeftOutRow] = []
    if people is None and n is not None:
        named = {i for kind in pairs.values() for pair in kind for i in pair}
        useful = holds.any(axis=1) | np.isin(rows, sorted(named))
        # Fill up with others only where those who hold something are too few for the teams asked for.
        missing = n * size - int(useful.sum())
        if missing > 0:
            others = np.flatnonzero(~useful)
            fill = others[seeded_order([graph.person_ids[r] for r in rows[others]], seed)][:missing]
            useful[fill] = True
        left_out += [LeftOutRow(graph.person_ids[r], "no_evidence") for r in rows[~useful].tolist()]
        rows, holds = rows[useful], holds[useful]
    if len(rows) < size * (n or 1):
        return empty("pool_too_small")

    shuffle = seeded_order([graph.person_ids[r] for r in rows], seed)
    rows, holds = rows[shuffle], holds[shuffle]
    at = {int(row): i for i, row in enumerate(rows)}
    sex = np.array([_SEX_CODE[graph.people[r].sex] for r in rows], dtype=np.int8)
    counts = np.array([i.count for i in resolved.items], dtype=np.int64)
    weights = np.array([i.weight for i in resolved.items], dtype=np.float64)
    # An earlier answer about people outside this pool says nothing here; a pair asked for now must be kept.
    for a, b in _pairs(graph, together, "together"):
        for row in (a, b):
            if row not in at:
                raise InputError(
                    f"together names {graph.person_ids[row]!r}, who is not in the pool; add the person or drop the pair"
                )
    # Of a pair that must be apart, somebody outside the pool is apart already.
    inside = {name: [(at[a], at[b]) for a, b in kind if a in at and b in at] for name, kind in pairs.items()}
    stated = bool((sex != _SEX_CODE[Sex.NOT_STATED]).any())
    recorded = purpose != "work_team" or (bool(ground.strip()) and bool(assessment.strip()))
    form: Callable[..., TeamsSolution] = partition if n is None else partial(select, n_teams=n)
    solution = form(
        holds,
        counts,
        weights,
        sex,
        size=size,
        together=inside["together"],
        apart=inside["apart"],
        at_most=None if at_most is None else (_unit_groups(graph, rows), at_most),
        balance=balance if stated and recorded else "off",
        epsilon=epsilon,
        band=settings.equality.band,
        effort=effort,
        time_limit=time_limit,
        seed=seed,
        progress=progress,
    )
    if solution.outcome2.status is Status.INFEASIBLE or solution.broken:
        # A plan that breaks a pair is no plan: better none, with the rules that could not be kept.
        return Suggestions.build(
            graph,
            _KIND,
            (),
            outcome=_named(graph, rows, _refused(solution)),
            left_out=left_out,
            considered=considered,
            settings=settings,
            as_of=as_of,
            request=request,
            seed=seed,
        )
    notes: tuple[str, ...] = ()
    if not stated:
        notes = ("no_sex",)
    elif not recorded:
        notes = ("stage_2_off",)
    notes = (*notes, *(_pool_note(graph, resolved.items, limit) for limit in solution.certificate))
    proven = solution.outcome1.status is Status.OPTIMAL
    if resolved.not_understood:
        notes = (*notes, "need_partly_understood")

    asked = (("together_kept", inside["together"]), ("apart_kept", inside["apart"]), ("at_most_kept", at_most))
    rules = tuple(rule for rule, given in asked if given)

    def result(teams: Sequence[Sequence[int]], stage: int, neutral: Suggestions | None) -> Suggestions:
        # The best covered team first; equal ones in the order of their first member in the seeded order.
        covered = solution.coverage2 if stage == 2 else solution.coverage1
        order = sorted(range(len(teams)), key=lambda k: -covered[k])
        ranked = [_team(graph, rows, holds, resolved.items, teams[k], rank, rules) for rank, k in enumerate(order, start=1)]
        chosen = {i for team in teams for i in team}
        rest = [LeftOutRow(graph.person_ids[r], "not_selected") for i, r in enumerate(rows.tolist()) if i not in chosen]
        return Suggestions.build(
            graph,
            _KIND,
            ranked,
            # Stage 2 is proven only against a stage 1 that is: an open gap there is the plan's gap.
            outcome=_named(graph, rows, solution.outcome2 if stage == 2 and proven else solution.outcome1),
            left_out=[*left_out, *rest],
            considered=considered,
            settings=settings,
            as_of=as_of,
            request={**request, "stage": stage, "difference": _difference(solution)},
            seed=seed,
            neutral=neutral,
            notes=notes if stage == 2 else (),
        )

    return result(solution.stage2, 2, result(solution.stage1, 1, None))


def _refused(solution: TeamsSolution) -> Outcome:
    """Return why no team is suggested: the proof that none can be, or the rules that the search could not keep."""
    if solution.outcome2.status is Status.INFEASIBLE:
        return solution.outcome2
    return replace(solution.outcome2, status=Status.EMPTY, objective=None, bound=None, gap=None, conflicts=solution.broken)


def _named(graph: CompetenceGraph, rows: NDArray[np.int64], outcome: Outcome) -> Outcome:
    """Return an Outcome whose conflicts name people in place of the solver's positions, and units not at all.

    The note that names the aim last proven stands with its figures in the request's ``difference``.
    """
    said = []
    for conflict in outcome.conflicts:
        rule, _, detail = conflict.partition(":")
        positions = [int(i) for i in detail.partition(" ")[0].split(",") if i.isdigit()]
        if rule in ("at_most", "too_few_people", "too_few_people_after_together") or not positions:
            said.append(rule)
        else:
            said.append(f"{rule}:{', '.join(graph.person_ids[rows[i]] for i in positions)}")
    return replace(
        outcome, conflicts=tuple(dict.fromkeys(said)), notes=tuple(n for n in outcome.notes if not n.startswith("level:"))
    )


def _pool_note(graph: CompetenceGraph, items: Sequence[ResolvedItem], limit: PoolLimit) -> str:
    """Say what the pool lacks: how many there are of how many that all teams would need."""
    what = ""
    if limit.kind == "item":
        concept = graph.taxonomy.concepts[items[limit.index].concept_id]
        what = f"{' / '.join(dict.fromkeys((concept.label('sv'), concept.label('en'))))}, "
    return f"pool_{limit.kind}:{what}{limit.available}/{limit.needed}"


def _pairs(graph: CompetenceGraph, pairs: Iterable[tuple[str, str]], name: str) -> list[tuple[int, int]]:
    """Return pairs of ids as rows, refusing somebody paired with themselves."""
    found = []
    for a, b in pairs:
        if a == b:
            raise InputError(f"{name} must hold pairs of two different people; got {a!r} twice")
        found.append((graph.row(a), graph.row(b)))
    return found


def _holds(graph: CompetenceGraph, items: Sequence[ResolvedItem], rows: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return who holds which item at its level, shape (n_people, n_items); a hard item needs proof."""
    columns = []
    for item in items:
        column = graph.concept_index[item.concept_id]
        if item.hard:
            held = hard_met(graph, [Requirement(concept_id=item.concept_id, level=item.level, hard=True)])
        else:
            held = graph.rounded_column(column) >= item.level
        columns.append(held[rows])
    return np.column_stack(columns)


def _unit_groups(graph: CompetenceGraph, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return a number per person for the first unit; somebody without a unit is a group of their own."""
    names = [graph.units_of[r][0] if graph.units_of[r] else f"\0{r}" for r in rows.tolist()]
    at = {name: k for k, name in enumerate(sorted(set(names)))}
    return np.array([at[name] for name in names], dtype=np.int64)


def _difference(solution: TeamsSolution) -> dict[str, object]:
    """Return what stage 2 gave up and gained against stage 1, as plain JSON values."""
    return {
        "stage_1": [asdict(level) for level in solution.levels1],
        "stage_2": [asdict(level) for level in solution.levels2],
        "balance_1": asdict(solution.balance1) if solution.balance1 else None,
        "balance_2": asdict(solution.balance2) if solution.balance2 else None,
        "pool_bounds": asdict(solution.pool_bounds) if solution.pool_bounds else None,
        "pool_limits": [asdict(limit) for limit in solution.certificate],
    }


def _team(
    graph: CompetenceGraph,
    rows: NDArray[np.int64],
    holds: NDArray[np.bool_],
    items: Sequence[ResolvedItem],
    team: Sequence[int],
    number: int,
    rules: tuple[str, ...],
) -> Suggestion:
    """Word one team: a reason per item of the need, with the members who hold it and their evidence."""
    people = sorted(graph.person_ids[rows[i]] for i in team)
    total = sum(i.weight for i in items)
    reasons = []
    for k, item in enumerate(items):
        holders = sorted(graph.person_ids[rows[i]] for i in team if holds[i, k])
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
    sexes = [graph.sex[p] for p in people]
    return Suggestion(
        kind=_KIND,
        rank=number,
        members=tuple(Member(p, "member") for p in people),
        target=f"team-{number}",
        labels={"sv": f"Grupp {number}", "en": f"Team {number}"},
        score=sum_of(reasons),
        reasons=ordered(reasons),
        rules=rules,
        facts={
            "women": sexes.count(Sex.WOMAN),
            "men": sexes.count(Sex.MAN),
            "not_stated": sexes.count(Sex.NOT_STATED),
            "units": sorted({graph.unit_name(u) for p in people for u in graph.units_of[graph.person_index[p]]}),
        },
    )
