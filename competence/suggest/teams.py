"""Form teams: competence first with sex hidden, then, among plans just as good, the most even by sex.

Two stages (REQ-EQ-2). Stage 1 sees only who holds what: no broken pair, then the best worst team, then the best mean.
Stage 2 may choose among plans within epsilon of stage 1 the one that is best by ``balance``. Both are shown with
their difference. Five steps: needs, pool, plan (``_teams_plan``), reasons and replacements (``_teams_words``,
``_teams_replace``), result. Circles are dealt in ``_teams_circles``, co-leaders paired in ``_teams_leaders``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from math import fsum
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from competence.errors import InputError
from competence.fit import hard_met
from competence.graph import CompetenceGraph, ResolvedItem, ResolvedNeed
from competence.model import Choice, Need, NeedItem, Outcome, Requirement, Sex, Status
from competence.settings import Settings
from competence.solve.budget import Progress
from competence.solve.order import seeded_order
from competence.solve.teams import PoolLimit
from competence.suggest._teams_circles import deal_circles
from competence.suggest._teams_leaders import pair_leaders
from competence.suggest._teams_plan import Formed, Job, Rules, plan_teams
from competence.suggest._teams_replace import Bench
from competence.suggest._teams_words import certificate_of, conflict_limits, difference_of, labels_of, team_suggestion
from competence.suggest.result import LeftOutRow, Suggestion, Suggestions
from competence.suggest.scoring import answered_pairs, check_count, prepare

__all__ = ["TeamTask", "form_teams"]

_KIND = "teams"
_BALANCES = ("no_lone", "balanced", "proportional")
_PURPOSES = ("project", "steering", "circle", "work_team", "co_leaders")
_MOST_EPSILON = 0.05
_SEX_CODE = {Sex.WOMAN: 0, Sex.MAN: 1, Sex.NOT_STATED: 2}
_CIRCLE = (4, 8)
_SIZE = 5
_SIZES = {"circle": _CIRCLE[1], "co_leaders": 2}
"""People per team where the call does not say."""
_PERMANENT = ("work_team", "co_leaders")
"""Purposes that are permanent posts (REQ-EQ-3)."""

_What = ResolvedNeed | Need | NeedItem | str | Mapping[str, int] | Iterable[str | NeedItem]


@dataclass(frozen=True, slots=True, kw_only=True)
class TeamTask:
    """One of several needs that teams are formed for in one call.

    Parameters
    ----------
    need : str, list of str, {str: level}, NeedItem or Need
        What each team of the task must hold.
    name : str
        What the team is called; unique in a call.
    size, n : int
        People per team, at least 2, and teams.
    priority : int
        1 is served first. Of equal priority the task that stands first is.

    Examples
    --------
    >>> TeamTask(name="E-tjänster", need="schemaläggning", size=3).priority
    1
    """

    need: _What
    name: str
    size: int = 5
    n: int = 1
    priority: int = 1

    @classmethod
    def of(cls, task: TeamTask | Mapping[str, Any]) -> Self | TeamTask:
        """Return a task, also of a mapping or the record of one.

        Raises
        ------
        InputError
            If it has other fields than a task, or no need or name.
        """
        if isinstance(task, TeamTask):
            return task
        given = dict(task)
        known = ("need", "name", "size", "n", "priority")
        if not {"need", "name"} <= set(given) <= set(known):
            raise InputError(f"a task has a need and a name, and may have size, n and priority; got {', '.join(given)}")
        if isinstance(given.get("need"), Mapping) and "items" in given["need"]:
            given["need"] = ResolvedNeed.of(given["need"])
        return cls(**given)


def form_teams(
    graph: CompetenceGraph,
    need: _What | None = None,
    *,
    tasks: Iterable[TeamTask | Mapping[str, Any]] = (),
    people: Iterable[str] | None = None,
    units: Iterable[str] | None = None,
    size: int | None = None,
    n: int | None = 1,
    balance: str = "no_lone",
    epsilon: float = 0.02,
    together: Iterable[tuple[str, str]] = (),
    apart: Iterable[tuple[str, str]] = (),
    at_most: int | None = None,
    purpose: str = "project",
    ground: str = "",
    assessment: str = "",
    willing: Iterable[str] | None = None,
    effort: int | Sequence[int] | None = None,
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
    need : str, list of str, {str: level}, NeedItem, Need or None
        What each team must hold; ``NeedItem(count=...)`` says how many members at that level. For a circle the topic,
        for co-leaders what leading asks. None where ``tasks`` say it.
    tasks : iterable of TeamTask or Mapping
        Several needs in one call, each with its own size and number of teams, in the order of their priority: no task
        ever costs one before it anything. ``need``, ``size`` and ``n`` then have no meaning.
    people, units : iterable of str or None
        The pool: these ids, or everybody in these units and those below them. None with ``n`` an integer takes
        everybody who holds something of the need; None with ``n=None`` everybody.
    size : int or None
        People per team, at least 2; the most in a circle, 4 to 8. None takes 5, of a circle 8, and of co-leaders 2.
    n : int or None
        How many teams to select, the others staying out; None places the whole pool in round(people / size) teams. Of
        circles the most, of co-leaders pairs; None is not for these.
    balance : {"no_lone", "balanced", "proportional"}
        What stage 2 prefers: no lone woman or man (0 or at least 2 of each), then most teams within 40-60 per cent;
        most teams within 40-60; or shares like the pool's, which may leave somebody alone (said in ``notes``).
    epsilon : float
        How much coverage stage 2 may give up, as a share of stage 1, in [0, 0.05].
    together, apart : iterable of (person, person)
        Pairs that must be in one team (or both out), or must not be. Pinned decisions about teams keep their people
        together, forbidden ones about two people keep them apart. Co-leaders or a circle turned down before are not
        suggested again; another team turned down is named in ``notes`` where it is still the best.
    at_most : int or None
        Most members of one unit in a team.
    purpose : {"project", "steering", "circle", "work_team", "co_leaders"}
        ``project``, ``steering``: temporary groups. ``work_team``, a permanent post: stage 2 is off unless ``ground``
        and ``assessment`` are given. ``circle``: people of different units around a topic, who bring it or seek it.
        ``co_leaders``: shared leadership of two who each hold what the other lacks; always without stage 2.
    ground, assessment : str
        The recorded ground and individual assessment that REQ-EQ-3 asks for; carried by the result.
    willing : iterable of str or None
        Of co-leaders: who has said yes to leading together with somebody; others are left out. None: nobody has been
        asked, and the pairs are drafts to ask first.
    effort, time_limit, progress
        Budget of the solver in steps for each task and stage (or two numbers, of stage 1 and of stage 2), a guard in
        seconds over all, and a callback. With 0 steps the call says what the pool allows and lacks, beside a first plan
        without search. The record holds the steps done, so that a run of one need that the clock stopped is repeated.
    settings, as_of, seed
        As for every suggestion.

    Returns
    -------
    Suggestions
        One Suggestion per team, its score the team's coverage; ``neutral`` holds stage 1. ``alternatives`` are for each
        member (the member, who would be best in that place of those in no team) with the coverage lost. The record
        holds in ``difference`` both stages and, before the run, how many teams can be within 40-60 and how many of one
        sex the pool forces; in ``certificate`` what is short. Empty with ``not_understood`` or ``pool_too_small``.

    Raises
    ------
    InputError
        If an argument is outside its range or has no meaning for the purpose; the message says what to do.
    UnknownIdError
        If a person or unit does not exist.

    Notes
    -----
    Team coverage = sum(w min(members with rounded level >= L, count) / count) / sum(w). Somebody near a level counts
    as not there. Sex is read for stage 2 and for the figures only; people whose sex is not stated count in the size
    and in neither sex. With several tasks, stage 2 of one is taken only where each later task keeps (1 - epsilon) of
    what stage 1 gives it; else that task keeps stage 1 (note ``stage_2_yielded``). Measures of co-leaders and circles:
    ``settings.suggest.co_leaders`` and ``circles``.

    Whoever is in no team is named in ``left_out``: ``no_evidence``, ``not_willing``, ``not_selected``; who would have
    raised a coverage but for a rule by that rule (``kept_apart``, ``unit_full``, ``partner_no_place``,
    ``member_has_partner``); who is in stage 1 only, ``not_in_stage_2``.

    Examples
    --------
    >>> from tests.cases import graph_of
    >>> found = form_teams(graph_of(), {"demensvård": 3, "schemaläggning": 3}, size=2)
    >>> found[0].score, found[0].labels["en"], found.outcome.status.value
    (1.0, 'Project group 1', 'optimal')
    """
    graph, settings, as_of = prepare(graph, as_of, settings)
    size = _SIZES.get(purpose, _SIZE) if size is None else size
    people = sorted(set(people)) if people is not None else None
    units = sorted(set([units] if isinstance(units, str) else units)) if units is not None else None
    together, apart = sorted(set(together)), sorted(set(apart))
    said_yes = None if willing is None else frozenset(graph.person_ids[graph.row(p)] for p in willing)
    asked = sorted((TeamTask.of(t) for t in tasks), key=lambda t: t.priority)
    _check(purpose, balance, epsilon, size, n, at_most, asked, need, together, said_yes, effort)
    wanted = [_Wanted(graph.need(t.need), t.name, t.size, t.n, t.priority) for t in asked]
    if not asked:
        wanted = [_Wanted(graph.need(need if need is not None else ()), "", size, n, 1)]
    answered = answered_pairs(graph, _KIND)
    index = graph.person_index
    fixed = [(who[0], p) for who in sorted(answered[Choice.PINNED]) if all(q in index for q in who) for p in who[1:]]
    no = answered[Choice.FORBIDDEN] | (answered[Choice.REJECTED] if purpose == "co_leaders" else frozenset())
    barred = [(p[0], p[1]) for p in sorted(no) if len(p) == 2 and all(q in index for q in p)]
    refused_before = frozenset(frozenset(who) for who in answered[Choice.REJECTED])
    pairs = {
        "together": _pairs(graph, [*together, *fixed], "together"),
        "apart": _pairs(graph, [*apart, *barred], "apart"),
    }
    request: dict[str, Any] = {
        "need": None if asked else wanted[0].need.recorded(),
        "tasks": [{**_told(w), "need": w.need.recorded()} for w in wanted] if asked else [],
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
        "willing": None if said_yes is None else sorted(said_yes),
        "effort": effort if effort is None or isinstance(effort, int) else list(effort),
        "time_limit": time_limit,
    }
    if asked:
        # What all tasks ask for together, for whoever asks what would change the result.
        request["topics"] = graph.need(Need(tuple(_item(i) for w in wanted for i in w.need.items))).recorded()
    rows = graph.rows(people, units)
    pool = _Pool(graph, settings, as_of, seed, request, [graph.person_ids[r] for r in rows], refused_before)
    if not all(w.need.items for w in wanted):
        return pool.empty("not_understood")
    partly = ("need_partly_understood",) if any(w.need.not_understood for w in wanted) else ()
    recorded = purpose not in _PERMANENT or (bool(ground.strip()) and bool(assessment.strip()))
    if purpose == "circle":
        parted = [(graph.person_ids[a], graph.person_ids[b]) for a, b in pairs["apart"]]
        return _circles(pool, wanted[0], people, units, parted, balance, epsilon, partly)
    left_out: list[LeftOutRow] = []
    if said_yes is not None:
        yes = np.array([graph.person_ids[r] in said_yes for r in rows], dtype=np.bool_)
        left_out += [LeftOutRow(graph.person_ids[r], "not_willing") for r in rows[~yes].tolist()]
        rows = rows[yes]
    holds = [_holds(graph, w.need.items, rows) for w in wanted]
    asked_for = sum(w.size * (w.n or 1) for w in wanted)
    if people is None and n is not None:
        named = {i for kind in pairs.values() for pair in kind for i in pair}
        useful = np.logical_or.reduce([h.any(axis=1) for h in holds])
        if purpose != "co_leaders":
            useful |= np.isin(rows, sorted(named))
            # Fill up with others only where those who hold something are too few for the teams asked for.
            missing = asked_for - int(useful.sum())
            if missing > 0:
                others = np.flatnonzero(~useful)
                fill = others[seeded_order([graph.person_ids[r] for r in rows[others]], seed)][:missing]
                useful[fill] = True
        left_out += [LeftOutRow(graph.person_ids[r], "no_evidence") for r in rows[~useful].tolist()]
        rows, holds = rows[useful], [h[useful] for h in holds]
    if len(rows) < asked_for:
        request["certificate"] = [
            {"rule": "too_few_people", "available": len(rows), "needed": asked_for, "short": asked_for - len(rows)}
        ]
        return pool.empty("pool_too_small", left_out)

    shuffle = seeded_order([graph.person_ids[r] for r in rows], seed)
    rows = rows[shuffle]
    jobs = [Job(w.name, w.need.items, w.size, w.n, w.priority, h[shuffle]) for w, h in zip(wanted, holds, strict=True)]
    at = {int(row): i for i, row in enumerate(rows)}
    # An earlier answer about people outside this pool says nothing here; a pair asked for now must be kept.
    for a, b in _pairs(graph, together, "together"):
        for row in (a, b):
            if row not in at:
                raise InputError(
                    f"together names {graph.person_ids[row]!r}, who is not in the pool; add the person or drop the pair"
                )
    # Of a pair that must be apart, somebody outside the pool is apart already.
    inside = {name: tuple((at[a], at[b]) for a, b in kind if a in at and b in at) for name, kind in pairs.items()}
    if purpose == "co_leaders":
        return _leaders(pool, rows, jobs[0], inside["apart"], said_yes, left_out, partly)
    unit_names, groups = _unit_groups(graph, rows)
    rules = Rules(inside["together"], inside["apart"], None if at_most is None else (groups, at_most))
    sex = np.array([_SEX_CODE[graph.people[r].sex] for r in rows], dtype=np.int8)
    stated = bool((sex != _SEX_CODE[Sex.NOT_STATED]).any())
    steps = effort if effort is None or isinstance(effort, int) else (effort[0], effort[1])
    formed = plan_teams(
        jobs,
        sex,
        rules,
        balance=balance if stated and recorded else "off",
        epsilon=epsilon,
        band=settings.equality.band,
        effort=steps,
        time_limit=time_limit,
        seed=seed,
        progress=progress,
    )
    refused = next((f.refused for f in formed if f.refused is not None), None)
    if refused is not None:
        # A plan that breaks a pair is no plan: better none, with the rules that could not be kept.
        request["certificate"] = conflict_limits(graph, rows, refused, unit_names)
        return pool.built((), _named(graph, rows, refused, unit_names), left_out)
    request["difference"] = difference_of(formed)
    if len(formed) == 1:
        request["steps"] = list(formed[0].steps)
    request["certificate"] = certificate_of(graph, rows, formed, settings.equality)
    notes = () if stated and recorded else ("no_sex",) if not stated else ("stage_2_off",)
    limits = (_pool_note(graph, f.job.items, limit) for f in formed for limit in f.limits)
    notes = (*notes, *dict.fromkeys(limits), *_stage_notes(formed, balance), *partly)
    neutral = _stage(pool, rows, formed, rules, unit_names, 1, left_out, (), None)
    return _stage(pool, rows, formed, rules, unit_names, 2, left_out, notes, neutral)


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A need as it was understood, and the teams asked for."""

    need: ResolvedNeed
    name: str
    size: int
    n: int | None
    priority: int


@dataclass(frozen=True, slots=True)
class _Pool:
    """What every result of a call shares."""

    graph: CompetenceGraph
    settings: Settings
    as_of: date
    seed: int
    request: dict[str, Any]
    considered: list[str]
    refused_before: frozenset[frozenset[str]]

    def built(
        self,
        items: Iterable[Suggestion],
        outcome: Outcome,
        left_out: Iterable[LeftOutRow],
        notes: tuple[str, ...] = (),
        neutral: Suggestions | None = None,
        **more: object,
    ) -> Suggestions:
        """Return a result; ``more`` is added to the record of the call."""
        return Suggestions.build(
            self.graph,
            _KIND,
            items,
            outcome=outcome,
            left_out=left_out,
            considered=self.considered,
            settings=self.settings,
            as_of=self.as_of,
            request={**self.request, **more},
            seed=self.seed,
            neutral=neutral,
            notes=notes,
        )

    def empty(self, reason: str, left_out: Iterable[LeftOutRow] = ()) -> Suggestions:
        """Return a result without teams that says why by name."""
        return self.built((), Outcome(status=Status.EMPTY, conflicts=(reason,)), left_out)


def _check(
    purpose: str,
    balance: str,
    epsilon: float,
    size: int,
    n: int | None,
    at_most: int | None,
    tasks: Sequence[TeamTask],
    need: _What | None,
    together: Sequence[tuple[str, str]],
    willing: frozenset[str] | None,
    effort: int | Sequence[int] | None,
) -> None:
    """Refuse arguments outside their range, or without meaning for the purpose."""
    check_count(size, "size", 2)
    check_count(n, "n")
    check_count(at_most, "at_most")
    if balance not in _BALANCES:
        raise InputError(f"balance must be one of {', '.join(_BALANCES)}; got {balance!r}")
    if purpose not in _PURPOSES:
        raise InputError(f"purpose must be one of {', '.join(_PURPOSES)}; got {purpose!r}")
    if effort is not None and not isinstance(effort, int) and len(effort) != 2:
        raise InputError(f"effort must be a number of steps, or two, of stage 1 and of stage 2; got {effort!r}")
    if not 0 <= epsilon <= _MOST_EPSILON:
        raise InputError(f"epsilon must lie in [0, {_MOST_EPSILON}]; got {epsilon!r}")
    if (need is None) != bool(tasks):
        raise InputError("give either a need or tasks, each with a need of its own")
    for task in tasks:
        check_count(task.size, f"size of task {task.name!r}", 2)
        check_count(task.n, f"n of task {task.name!r}")
        check_count(task.priority, f"priority of task {task.name!r}")
    names = [t.name.strip() for t in tasks]
    if "" in names or len(set(names)) < len(names):
        raise InputError(f"each task must have a name of its own; got {', '.join(map(repr, names))}")
    if willing is not None and purpose != "co_leaders":
        raise InputError("willing has a meaning only with purpose='co_leaders'; leave it out")
    if purpose not in ("circle", "co_leaders"):
        return
    if tasks or together or at_most is not None or n is None:
        raise InputError(f"tasks, together, at_most and n=None have no meaning with purpose={purpose!r}; leave them out")
    low, high = _CIRCLE if purpose == "circle" else (2, 2)
    if not low <= size <= high:
        raise InputError(f"size must be {low} to {high} with purpose={purpose!r}, or left out; got {size}")


def _told(wanted: _Wanted) -> dict[str, object]:
    return {"name": wanted.name, "size": wanted.size, "n": wanted.n, "priority": wanted.priority}


def _item(item: ResolvedItem) -> NeedItem:
    return NeedItem(
        words=item.words, concept_id=item.concept_id, level=item.level, count=item.count, weight=item.weight, hard=item.hard
    )


def _stage(
    pool: _Pool,
    rows: NDArray[np.int64],
    formed: Sequence[Formed],
    rules: Rules,
    unit_names: Sequence[str],
    number: int,
    left_out: Sequence[LeftOutRow],
    notes: tuple[str, ...],
    neutral: Suggestions | None,
) -> Suggestions:
    """Return the teams of one stage: the best covered first; equal ones by priority and first member in seeded order."""
    graph = pool.graph
    stages = [f.stage1 if number == 1 else f.stage2 for f in formed]
    teams = [
        (f.job, team, cover) for f, s in zip(formed, stages, strict=True) for team, cover in zip(s.teams, s.coverage, strict=True)
    ]
    teams.sort(key=lambda t: -t[2])
    chosen = {i for _, team, _ in teams for i in team}
    bench = Bench(rules, np.array([i for i in range(len(rows)) if i not in chosen], dtype=np.int64))
    asked = (("together_kept", rules.together), ("apart_kept", rules.apart), ("at_most_kept", rules.at_most))
    passed = tuple(rule for rule, given in asked if given)
    ranked: list[Suggestion] = []
    numbered: dict[str, int] = {}
    for rank, (job, team, _) in enumerate(teams, start=1):
        numbered[job.name] = numbered.get(job.name, 0) + 1
        labels = labels_of(pool.request["purpose"], numbered[job.name], job.name)
        if job.name and job.n == 1:
            labels = dict.fromkeys(labels, job.name)
        made = team_suggestion(graph, rows, job, team, rules=passed, bench=bench)
        ranked.append(replace(made, rank=rank, target=f"team-{rank}", labels=labels))
    rest = _rest(graph, rows, bench, [(job, team) for job, team, _ in teams], unit_names)
    if number == 2:
        # The plan as a whole is still the best; that somebody has turned one of its teams down is told, not hidden.
        again = (s.people for s in ranked if frozenset(s.people) in pool.refused_before)
        notes = (*notes, *(f"rejected_before:{', '.join(people)}" for people in again))
        before = {i for f in formed for team in f.stage1.teams for i in team}
        rest = [
            LeftOutRow(graph.person_ids[rows[i]], "not_in_stage_2") if i in before else row
            for i, row in zip(bench.free.tolist(), rest, strict=True)
        ]
    outcome = next((s.outcome for s in stages if s.outcome.status is not Status.OPTIMAL), stages[-1].outcome)
    outcome = replace(outcome, seconds=fsum(s.outcome.seconds for s in stages))
    return pool.built(ranked, _named(graph, rows, outcome, unit_names), [*left_out, *rest], notes, neutral, stage=number)


def _rest(
    graph: CompetenceGraph,
    rows: NDArray[np.int64],
    bench: Bench,
    teams: Sequence[tuple[Job, Sequence[int]]],
    unit_names: Sequence[str],
) -> list[LeftOutRow]:
    """Return why each of those in no team is in none: a rule, where but for it a team would cover more with them."""
    against = bench.kept_out(teams)
    found = []
    for position in bench.free.tolist():
        rule = against.get(position)
        person_id = graph.person_ids[rows[position]]
        if rule is None:
            found.append(LeftOutRow(person_id, "not_selected"))
        else:
            name, about = rule
            limited = bench.rules.at_most
            detail = graph.person_ids[rows[about]]
            if name == "unit_full" and limited is not None:
                detail = unit_names[int(limited[0][about])]
            found.append(LeftOutRow(person_id, name, detail))
    return found


def _stage_notes(formed: Sequence[Formed], balance: str) -> tuple[str, ...]:
    """Say where stage 2 yielded to a later task, and whom a proportional plan leaves alone of their sex."""
    found = [f"stage_2_yielded:{f.job.name}" for f in formed if f.yielded]
    lone = sum(f.stage2.balance.lone for f in formed if f.stage2.balance is not None and f.stage2.levels)
    if balance == "proportional" and lone:
        found.append(f"lone_members:{lone}")
    return tuple(found)


def _circles(
    pool: _Pool,
    wanted: _Wanted,
    people: Sequence[str] | None,
    units: Sequence[str] | None,
    apart: Sequence[tuple[str, str]],
    balance: str,
    epsilon: float,
    notes: tuple[str, ...],
) -> Suggestions:
    """Return circles around the topic, in both stages."""
    graph, request = pool.graph, pool.request
    stated = any(graph.sex[p] is not Sex.NOT_STATED for p in pool.considered)
    dealt = deal_circles(
        graph,
        wanted.need,
        size=wanted.size,
        n=wanted.n or 1,
        people=people,
        units=units,
        apart=apart,
        balance=balance if stated else "off",
        epsilon=epsilon,
        refused=pool.refused_before,
        settings=pool.settings,
        seed=pool.seed,
    )

    def result(
        made: Sequence[Suggestion], left_out: Sequence[LeftOutRow], number: int, neutral: Suggestions | None
    ) -> Suggestions:
        told = {r.person_id for r in left_out} | {p for s in made for p in s.people}
        rest = [LeftOutRow(p, "no_evidence") for p in pool.considered if p not in told]
        ranked = [replace(s, rank=k, target=f"team-{k}", labels=_of_topic(s, k)) for k, s in enumerate(made, start=1)]
        outcome = Outcome(
            status=Status.HEURISTIC,
            objective=fsum(s.score for s in made),
            method="circles filled in turns",
            stopped_by="steps",
        )
        asks = ("opt_in_not_asked",) if any(s.ask_first for s in made) else ()
        said = (*(() if stated else ("no_sex",)), *notes, *asks) if number == 2 else ()
        return pool.built(ranked, outcome, [*left_out, *rest], said, neutral, stage=number)

    if dealt.reason is not None or not dealt.stage1:
        return pool.empty(dealt.reason or "no_circles", dealt.left_out1)
    request["difference"], request["certificate"] = dict(dealt.difference), []
    neutral = result(dealt.stage1, dealt.left_out1, 1, None)
    return result(dealt.stage2, dealt.left_out2, 2, neutral)


def _of_topic(circle: Suggestion, number: int) -> dict[str, str]:
    """Return what a circle is called, with its topics."""
    return {lang: f"{label}: {circle.labels[lang]}" for lang, label in labels_of("circle", number).items()}


def _leaders(
    pool: _Pool,
    rows: NDArray[np.int64],
    job: Job,
    apart: Sequence[tuple[int, int]],
    willing: frozenset[str] | None,
    left_out: Sequence[LeftOutRow],
    notes: tuple[str, ...],
) -> Suggestions:
    """Return co-leader pairs; leading is a permanent post, so that stage 2 is off and both stages are the same."""
    graph = pool.graph
    rules = ("takes_part", "both_bring", *(("apart_kept",) if apart else ()))
    found = pair_leaders(graph, rows, job, apart=apart, willing=willing, weights=pool.settings.suggest.co_leaders, rules=rules)
    chosen = {p for s in found.pairs for p in s.people}
    rest = [
        LeftOutRow(p, "not_selected" if found.pairs else "no_complement")
        for p in (graph.person_ids[r] for r in rows.tolist())
        if p not in chosen
    ]
    if not found.pairs:
        return pool.built((), found.outcome, [*left_out, *rest])
    ranked = [
        replace(s, rank=k, target=f"team-{k}", labels=labels_of("co_leaders", k)) for k, s in enumerate(found.pairs, start=1)
    ]
    said = ("stage_2_off", *notes, *(("opt_in_not_asked",) if willing is None else ()))
    if len(ranked) < (job.n or 1):
        said = (*said, f"fewer_pairs:{len(ranked)}/{job.n}")
    neutral = pool.built(ranked, found.outcome, [*left_out, *rest], stage=1)
    return pool.built(ranked, found.outcome, [*left_out, *rest], said, neutral, stage=2)


def _named(graph: CompetenceGraph, rows: NDArray[np.int64], outcome: Outcome, unit_names: Sequence[str]) -> Outcome:
    """Return an Outcome whose conflicts name people and units in place of the solver's positions.

    The note that names the aim last proven stands with its figures in the request's ``difference``.
    """
    said = []
    for conflict in outcome.conflicts:
        rule, _, detail = conflict.partition(":")
        positions = [int(i) for i in detail.partition(" ")[0].split(",") if i.isdigit()]
        if rule == "at_most" and positions:
            said.append(f"{rule}:{unit_names[positions[0]]}")
        elif rule in ("too_few_people", "too_few_people_after_together") or not positions:
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


def _unit_groups(graph: CompetenceGraph, rows: NDArray[np.int64]) -> tuple[list[str], NDArray[np.int64]]:
    """Return the units by number, and the number of each person's first unit; who has none is a unit of their own."""
    ids = [graph.units_of[r][0] if graph.units_of[r] else f"\0{r}" for r in rows.tolist()]
    at = {unit_id: k for k, unit_id in enumerate(sorted(set(ids)))}
    names = ["" if unit_id.startswith("\0") else graph.unit_name(unit_id) for unit_id in at]
    return names, np.array([at[unit_id] for unit_id in ids], dtype=np.int64)
