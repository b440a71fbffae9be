"""Plan teams for one need or for several in turn: both stages, and the promise of stage 2 kept for every need.

This module decides in which order several needs are served and when stage 2 must yield. Who is in which team for one
need, :mod:`competence.solve.teams` decides. Nothing here knows a person: positions and arrays only.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from competence.graph import ResolvedItem
from competence.model import Outcome, Status
from competence.solve.budget import Budget, Progress
from competence.solve.teams import (
    Balance,
    Level,
    PoolBounds,
    PoolLimit,
    TeamNeed,
    TeamsSolution,
    partition,
    select,
    select_in_turn,
)

__all__ = ["Formed", "Job", "Rules", "Stage", "plan_teams"]

_EQUAL = 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class Job:
    """One need with the teams asked for. ``holds`` is (n_people, n_items) over the whole pool; n None places everybody."""

    name: str
    items: tuple[ResolvedItem, ...]
    size: int
    n: int | None
    priority: int
    holds: NDArray[np.bool_]

    @property
    def counts(self) -> NDArray[np.int64]:
        """How many holders of each item a team should have."""
        return np.array([i.count for i in self.items], dtype=np.int64)

    @property
    def weights(self) -> NDArray[np.float64]:
        """Weight of each item."""
        return np.array([i.weight for i in self.items], dtype=np.float64)


@dataclass(frozen=True, slots=True, eq=False)
class Rules:
    """Pairs of positions that are in one team or both out, pairs never in one team, and units with a limit (or None)."""

    together: tuple[tuple[int, int], ...] = ()
    apart: tuple[tuple[int, int], ...] = ()
    at_most: tuple[NDArray[np.int64], int] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Stage:
    """Teams as positions of the whole pool, what each covers, the aims reached, figures by sex, and how good it is."""

    teams: tuple[tuple[int, ...], ...]
    coverage: tuple[float, ...]
    levels: tuple[Level, ...]
    balance: Balance | None
    outcome: Outcome


@dataclass(frozen=True, slots=True, eq=False)
class Formed:
    """Both stages of one need, what the pool allows and lacks, and whether stage 2 yielded to a later need.

    ``steps`` are those of each stage. ``refused`` are the names of the rules for which there is no plan; the stages then
    are empty.
    """

    job: Job
    stage1: Stage
    stage2: Stage
    limits: tuple[PoolLimit, ...] = ()
    pool: PoolBounds | None = None
    yielded: bool = False
    steps: tuple[int, int] = (0, 0)
    refused: Outcome | None = None


def plan_teams(
    jobs: Sequence[Job],
    sex: NDArray[np.int8],
    rules: Rules,
    *,
    balance: str,
    epsilon: float,
    band: tuple[float, float],
    effort: int | tuple[int, int] | None,
    time_limit: float | None,
    seed: int,
    progress: Progress | None,
) -> list[Formed]:
    """Form the teams of each need, the first need first; nobody is in two teams.

    Parameters
    ----------
    jobs : sequence of Job
        The most important need first. One with ``n=None`` must be alone.
    sex : array of int8, shape (n_people,)
        0 woman, 1 man, 2 not stated. Read in stage 2 and for figures only.
    rules : Rules
        Kept in every stage.
    balance : str
        ``off`` leaves stage 2 out.
    effort, time_limit
        Steps for each need and stage; seconds over all.

    Returns
    -------
    list of Formed
        In the order of the jobs.

    Notes
    -----
    Stage 1 of all needs is planned first, with sex hidden. Then stage 2 of a need is taken only if every later need,
    planned again with sex hidden, keeps (1 - epsilon) of the worst and the mean coverage that stage 1 gave it; else the
    need keeps its stage 1. So no need gives up more than epsilon for balance anywhere. With T needs at most
    T (T + 3) / 2 calls of the solver.
    """
    options = {"epsilon": epsilon, "band": band, "effort": effort, "seed": seed, "progress": progress}
    if len(jobs) == 1:
        (job,) = jobs
        call: Callable[..., TeamsSolution] = partition if job.n is None else partial(select, n_teams=job.n)
        found = call(
            job.holds,
            job.counts,
            job.weights,
            sex,
            size=job.size,
            together=rules.together,
            apart=rules.apart,
            at_most=rules.at_most,
            balance=balance,
            time_limit=time_limit,
            **options,
        )
        return [_formed(job, found)]

    clock = Budget(time_limit=time_limit)
    free = np.arange(sex.size, dtype=np.int64)

    def among(pool: NDArray[np.int64], rest: Sequence[Job], mode: str) -> tuple[TeamsSolution, ...]:
        return _among(pool, rest, sex, rules, mode, {**options, "time_limit": clock.seconds_left})

    neutral = among(free, jobs, "off")
    if balance == "off" or any(_bad(s) for s in neutral):
        return [_formed(job, s) for job, s in zip(jobs, neutral, strict=True)]
    made: list[Formed] = []
    for k, (job, first) in enumerate(zip(jobs, neutral, strict=True)):
        (own,) = among(free, [job], balance)
        if _bad(own):
            return [*made, _formed(job, own)]
        keeps = _keeps(first, own.coverage2, epsilon)
        if keeps and _people(own.stage2) != _people(own.stage1):
            later = among(np.setdiff1d(free, _array(own.stage2)), jobs[k + 1 :], "off")
            keeps = all(not _bad(s) and _keeps(n, s.coverage1, epsilon) for n, s in zip(neutral[k + 1 :], later, strict=True))
        before = _stage(first, 1)
        after = _stage(own, 2) if keeps else _stage(own, 1)
        made.append(Formed(job, before, after, own.certificate, own.pool_bounds, not keeps))
        free = np.setdiff1d(free, _array(after.teams))
    return made


def _among(
    pool: NDArray[np.int64],
    jobs: Sequence[Job],
    sex: NDArray[np.int8],
    rules: Rules,
    balance: str,
    options: dict[str, object],
) -> tuple[TeamsSolution, ...]:
    """Select in turn from a part of the pool; teams come back as positions of the whole pool."""
    if not jobs:
        return ()
    at = np.full(sex.size, -1, dtype=np.int64)
    at[pool] = np.arange(pool.size)
    # A team keeps its pairs, so a pair that stays together is wholly in what is left or wholly out of it.
    pairs = [[(int(at[i]), int(at[j])) for i, j in kind if min(at[i], at[j]) >= 0] for kind in (rules.together, rules.apart)]
    call: Callable[..., tuple[TeamsSolution, ...]] = select_in_turn
    found = call(
        [TeamNeed(j.holds[pool], j.counts, j.weights, j.size, j.n or 1) for j in jobs],
        sex[pool],
        together=pairs[0],
        apart=pairs[1],
        at_most=None if rules.at_most is None else (rules.at_most[0][pool], rules.at_most[1]),
        balance=balance,
        **options,
    )

    def whole(teams: tuple[tuple[int, ...], ...]) -> tuple[tuple[int, ...], ...]:
        return tuple(tuple(pool[list(t)].tolist()) for t in teams)

    def named(conflicts: tuple[str, ...]) -> tuple[str, ...]:
        # Positions are those of the part of the pool: of these rules only the names are told.
        return conflicts if pool.size == sex.size else tuple(dict.fromkeys(c.partition(":")[0] for c in conflicts))

    return tuple(
        replace(
            s,
            stage1=whole(s.stage1),
            stage2=whole(s.stage2),
            outcome1=replace(s.outcome1, conflicts=named(s.outcome1.conflicts)),
            outcome2=replace(s.outcome2, conflicts=named(s.outcome2.conflicts)),
            broken=named(s.broken),
        )
        for s in found
    )


def _bad(solution: TeamsSolution) -> bool:
    return solution.outcome2.status is Status.INFEASIBLE or bool(solution.broken)


def _keeps(before: TeamsSolution, after: NDArray[np.float64], epsilon: float) -> bool:
    """Say whether the worst and the mean team keep what stage 2 must leave of them."""
    kept = 1 - epsilon
    worst = after.min() >= kept * before.coverage1.min() - _EQUAL
    return bool(worst and after.mean() >= kept * before.coverage1.mean() - _EQUAL)


def _people(teams: Sequence[Sequence[int]]) -> set[int]:
    return {i for team in teams for i in team}


def _array(teams: Sequence[Sequence[int]]) -> NDArray[np.int64]:
    return np.array(sorted(_people(teams)), dtype=np.int64)


def _stage(solution: TeamsSolution, number: int) -> Stage:
    """Return one stage; the second is proven only against a first that is: an open gap there is the plan's gap."""
    if number == 1:
        teams, cover, levels, figures = solution.stage1, solution.coverage1, solution.levels1, solution.balance1
        outcome = solution.outcome1
    else:
        teams, cover, levels, figures = solution.stage2, solution.coverage2, solution.levels2, solution.balance2
        outcome, last = solution.outcome1, solution.outcome2
        if outcome.status is Status.OPTIMAL:
            outcome = last
        elif last.stopped_by in ("clock", "cancelled"):
            # What stopped the second stage is why another run may give other teams.
            outcome = replace(outcome, stopped_by=last.stopped_by)
    return Stage(teams, tuple(cover.tolist()), levels, figures, outcome)


def _formed(job: Job, solution: TeamsSolution) -> Formed:
    """Return what a solution says of a need; a plan that breaks a rule is no plan."""
    refused = None
    if solution.outcome2.status is Status.INFEASIBLE:
        refused = solution.outcome2
    elif solution.broken:
        refused = replace(solution.outcome2, status=Status.EMPTY, objective=None, bound=None, gap=None, conflicts=solution.broken)
    stages = (_stage(solution, 1), _stage(solution, 2))
    steps = (solution.outcome1.steps, solution.outcome2.steps)
    return Formed(job, *stages, solution.certificate, solution.pool_bounds, steps=steps, refused=refused)
