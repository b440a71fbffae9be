"""The search for teams: a greedy start, then swaps under simulated annealing, stage by stage."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from competence.solve.budget import Budget
from competence.solve.teams_bounds import Balancing, Level, aim, coverage_bounds
from competence.solve.teams_model import build_model, name_conflicts, prove_balance, prove_cover
from competence.solve.teams_problem import EPS, MAN, NOT_STATED, WOMAN, Problem

__all__ = ["balance_teams", "cover_teams"]

_AIMED = 3
_TURNS = ((0.5, 300), (1.0, 600), (1.0, 1000), (1.0, 1500), (0.6, 1500))
"""Stage 2: the temperature and the swaps tried per person of each round of search; ``_AIMED`` of them have an aim."""


def cover_teams(problem: Problem, budget: Budget, seed: int) -> tuple[NDArray[np.int64], tuple[Level, ...], str, tuple[str, ...]]:
    """Find no broken rule, then the best worst coverage, then the best mean. Nothing here knows anybody's sex.

    Returns the plan, what it reached, how, and the rules that contradict each other where no plan is proven possible.
    """
    worst_bound, total_bound = coverage_bounds(problem)
    team = _greedy(problem)

    def key(plan: NDArray[np.int64]) -> tuple[float, ...]:
        cover = problem.cover(plan)
        return (len(problem.broken(plan)), -round(float(cover.min()), 9), -round(float(cover.sum()), 9))

    def reached(best: tuple[float, ...]) -> bool:
        return best[0] == 0 and -best[1] >= worst_bound - EPS and -best[2] >= total_bound - EPS * problem.n_teams

    best = key(team)
    rounds = 0
    unit = float(problem.share.min())
    step = problem.grid or unit
    while not reached(best) and budget.go_on("teams stage 1") and rounds < 3:
        # First aim at the bound itself; if that fails, at the next step above what was found.
        target = worst_bound if rounds == 0 else min(worst_bound, -best[1] + step)
        goal = _Goal(1.0, 3.0, 1.5, target / unit, -1.0, 0.0, 30.0, 1.5 if rounds < 2 else 0.7, 0.06)
        team, best = _search(
            problem, _Sides.none(problem), team, best, key, reached, goal, budget, seed * 7919 + rounds, "teams stage 1"
        )
        rounds += 1
    method = "swap search, proved by pool bounds" if reached(best) else "swap search with pool bounds"
    model = None if reached(best) or not _may_prove(budget) else build_model(problem, None)
    if model is not None:
        proven = prove_cover(problem, model, team, best, key, worst_bound, total_bound, budget)
        if _proof_in_time(budget):
            method = "swap search and whole-number programme (HiGHS in SciPy)"
            team, best, worst_bound, total_bound, impossible = proven
            if impossible:
                return team, (), method, name_conflicts(problem, budget)
    cover = problem.cover(team)
    worst, mean = float(cover.min()), float(cover.mean())
    levels = (
        Level("worst_coverage", worst, max(worst, worst_bound)),
        Level("mean_coverage", mean, max(mean, total_bound / problem.n_teams)),
    )
    return team, levels, method, ()


def _may_prove(budget: Budget) -> bool:
    """Say whether a step is left for the whole-number programmes, which count as one."""
    return budget.stopped_by not in ("clock", "cancelled") and (budget.limit is None or budget.steps < budget.limit)


def _proof_in_time(budget: Budget) -> bool:
    """Count the programmes as a step, unless the clock ran out meanwhile: what they were at is then not repeatable."""
    if budget.time_limit is not None and budget.seconds >= budget.time_limit:
        budget.stopped_by = "clock"
        return False
    budget.steps += 1
    return True


def _greedy(problem: Problem) -> NDArray[np.int64]:
    """Give the weakest team with room the people who add most to it; those who stay together go together."""
    from competence.solve.teams_kernel import deal

    n, t = problem.n, problem.n_teams
    team = np.full(n, t, dtype=np.int64)
    rarity = 1.0 / np.maximum(problem.holds.sum(axis=0), 1)
    room = problem.sizes.copy()
    held = np.zeros((t, problem.counts.size), dtype=np.int64)
    cover = np.zeros(t)
    alone = np.ones(n, dtype=bool)
    if problem.together:
        paired = np.unique(np.array(problem.together).ravel())
        clusters = np.split(paired[np.argsort(problem.cluster[paired], kind="stable")], _starts(problem.cluster[paired]))
        alone[paired] = False
        for inside in sorted(clusters, key=lambda people: (-people.size, int(people[0]))) if problem.all_placed else ():
            fits = np.flatnonzero(room >= inside.size)
            if fits.size:
                added = problem.holds[inside].sum(axis=0, dtype=np.int64)
                after = np.minimum(held[fits] + added, problem.counts)
                gain = (after - np.minimum(held[fits], problem.counts)) @ problem.share
                chosen = int(fits[np.lexsort((fits, -gain, cover[fits]))[0]])
                team[inside] = chosen
                held[chosen] += added
                room[chosen] -= inside.size
                cover[chosen] = float(np.minimum(held[chosen], problem.counts) @ problem.share)
    members = np.full((t, int(problem.sizes.max())), -1, dtype=np.int64)
    filled = np.zeros(t, dtype=np.int64)
    for person in np.flatnonzero(team < t).tolist():
        members[team[person], filled[team[person]]] = person
        filled[team[person]] += 1
    pairs = _pair_lists(problem)
    # Whoever must come with somebody else is taken only when nobody else is left.
    for free in (alone, ~alone):
        people = np.flatnonzero(free & (team == t))
        if not people.size or bool((filled == problem.sizes).all()):
            continue
        kinds, kind = np.unique(problem.holds[people], axis=0, return_inverse=True)
        start = np.concatenate([[0], np.cumsum(np.bincount(kind.ravel(), minlength=len(kinds)))]).astype(np.int64)
        order = people[np.argsort(kind.ravel(), kind="stable")].astype(np.int64)
        deal(
            team,
            members,
            filled,
            t,
            problem.sizes,
            np.ascontiguousarray(kinds),
            start,
            order,
            rarity,
            problem.counts,
            problem.share,
            held,
            cover,
            *pairs,
            problem.group,
            problem.group_limit,
        )
    return team


def _starts(label: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return where, after sorting, each label but the first begins."""
    ends: NDArray[np.int64] = np.cumsum(np.unique(label, return_counts=True)[1])[:-1]
    return ends


def _pair_lists(problem: Problem) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return where each person's pairs start, the other of each, and whether it is a pair together (0) or apart (1)."""
    pairs = [(i, j, 0) for i, j in problem.together] + [(i, j, 1) for i, j in problem.apart]
    both = sorted([*pairs, *((j, i, kind) for i, j, kind in pairs)])
    start = np.zeros(problem.n + 1, dtype=np.int64)
    if both:
        np.cumsum(np.bincount([p[0] for p in both], minlength=problem.n), out=start[1:])
    other, kind = ([p[at] for p in both] or [0] for at in (1, 2))
    return start, np.array(other, dtype=np.int64), np.array(kind, dtype=np.int64)


@dataclass(frozen=True, slots=True)
class _Goal:
    """What the search is after: the terms of a team's cost, in units of the smallest piece of coverage."""

    cover: float
    short: float
    short_squared: float
    target: float
    total_floor: float
    total_weight: float
    broken: float
    hot: float
    cold: float
    length: int = 1600  # swaps tried per person: three rounds leave steps of the usual effort for a proof


@dataclass(frozen=True, slots=True, eq=False)
class _Sides:
    """What stage 2 adds to the search: each person's side, and what a team costs by ``table[shape, women, men]``."""

    codes: NDArray[np.int64]
    shape: NDArray[np.int64]
    table: NDArray[np.float64]

    @classmethod
    def none(cls, problem: Problem) -> _Sides:
        """Return the sides of stage 1: nobody has one, and no composition costs anything."""
        widest = int(problem.sizes.max()) + 2
        codes = np.full(problem.n, NOT_STATED, dtype=np.int64)
        return cls(codes, np.zeros(problem.n_teams, dtype=np.int64), np.zeros((1, widest, widest)))

    @classmethod
    def by_cost(cls, problem: Problem, balancing: Balancing, first: float, second: float) -> _Sides:
        """Let a team cost what stage 2 counts: ``first`` for a lone member, ``second`` for being outside the band."""
        classes, shape = np.unique(problem.sizes, return_inverse=True)
        widest = int(problem.sizes.max()) + 2
        table = np.zeros((classes.size, widest, widest))
        for c, size in enumerate(classes.tolist()):
            women, men = balancing.compositions[size].T
            cost = balancing.cost[size]
            if balancing.mode == "proportional":
                table[c, women, men] = second * cost
            else:
                table[c, women, men] = first * (cost // (problem.n_teams + 1)) + second * (cost % (problem.n_teams + 1))
        return cls(balancing.codes, shape.ravel().astype(np.int64), table)

    @classmethod
    def by_aim(cls, problem: Problem, balancing: Balancing, plan: NDArray[np.int64], each: float) -> _Sides | None:
        """Let a team cost ``each`` for every person to be changed until it has the women and men aimed at."""
        goal = aim(problem, balancing, plan)
        if goal is None:
            return None
        aims, shape = np.unique(np.column_stack([problem.sizes, goal]), axis=0, return_inverse=True)
        widest = int(problem.sizes.max()) + 2
        table = np.zeros((len(aims), widest, widest))
        for a, (size, w, m) in enumerate(aims.tolist()):
            parts = balancing.compositions[size]
            away = np.abs(parts - np.array([w, m])).sum(axis=1) + np.abs(parts.sum(axis=1) - w - m)
            table[a, parts[:, 0], parts[:, 1]] = each * away / 2
        return cls(balancing.codes, shape.ravel().astype(np.int64), table)


_Key = tuple[float, ...]


def _search(
    problem: Problem,
    sides: _Sides,
    team: NDArray[np.int64],
    best: _Key,
    key: Callable[[NDArray[np.int64]], _Key],
    reached: Callable[[_Key], bool],
    goal: _Goal,
    budget: Budget,
    seed: int,
    phase: str,
) -> tuple[NDArray[np.int64], _Key]:
    """Run one round of annealing from a plan and return the best plan seen, by the key."""
    from competence.solve.teams_kernel import anneal

    n, t, k = problem.n, problem.n_teams, problem.counts.size
    unit = float(problem.share.min())
    share = problem.share / unit
    widest = int(problem.sizes.max())
    holder_start = np.zeros(k + 1, dtype=np.int64)
    np.cumsum(problem.holds.sum(axis=0, dtype=np.int64), out=holder_start[1:])
    holder_people = np.nonzero(problem.holds.T)[1].astype(np.int64)
    if not holder_people.size:
        holder_people = np.zeros(1, dtype=np.int64)
    pair_start, pair_other, pair_kind = _pair_lists(problem)
    state = np.array([(abs(seed) * 0x9E3779B97F4A7C15 + 0x2545F4914F6CDD1D) % 2**64 or 1], dtype=np.uint64)
    length = int(min(10_000_000, goal.length * max(35, n)))
    epochs = min(60, max(12, length // max(1, 100 * n)))
    chunk = length // epochs
    seats = np.flatnonzero((np.arange(widest)[None, :] < problem.sizes[:, None]).ravel()).astype(np.int64)
    weights = np.array([goal.cover, goal.short, goal.short_squared])
    kept = team
    for epoch in range(epochs):
        if not budget.go_on(phase):
            break
        if epoch == 0:
            plan = team.copy()
            live = _Live.of(problem, plan, sides, share)
        hot = goal.hot * (goal.cold / goal.hot) ** (epoch / epochs)
        cold = goal.hot * (goal.cold / goal.hot) ** ((epoch + 1) / epochs)
        if epoch >= epochs - 2:
            hot = cold = 0.0
        bad = _weak(problem, plan, live, goal.target)
        steps = budget.allow(chunk)
        anneal(
            plan,
            live.members,
            live.place,
            t,
            problem.holds,
            problem.counts,
            share,
            live.held,
            live.cover,
            holder_start,
            holder_people,
            sides.codes,
            live.women,
            live.men,
            sides.shape,
            sides.table,
            live.balance,
            pair_start,
            pair_other,
            pair_kind,
            problem.group,
            problem.group_limit,
            seats,
            bad,
            bad.size,
            goal.target,
            weights,
            goal.total_floor,
            goal.total_weight,
            goal.broken,
            hot,
            cold,
            steps,
            state,
        )
        budget.steps += steps
        now = key(plan)
        if now < best:
            best, kept = now, plan.copy()
            if reached(best):
                break
    return kept, best


@dataclass(frozen=True, slots=True, eq=False)
class _Live:
    """The arrays that the kernel keeps up to date beside the plan."""

    members: NDArray[np.int64]
    place: NDArray[np.int64]
    held: NDArray[np.int64]
    cover: NDArray[np.float64]
    women: NDArray[np.int64]
    men: NDArray[np.int64]
    balance: NDArray[np.float64]

    @classmethod
    def of(
        cls,
        problem: Problem,
        plan: NDArray[np.int64],
        sides: _Sides,
        share: NDArray[np.float64],
    ) -> _Live:
        """Count anew what the kernel then keeps."""
        t = problem.n_teams
        members = np.full((t, int(problem.sizes.max())), -1, dtype=np.int64)
        place = np.zeros(problem.n, dtype=np.int64)
        filled = [0] * t
        for person in np.flatnonzero(plan < t).tolist():
            where = int(plan[person])
            members[where, filled[where]] = person
            place[person] = filled[where]
            filled[where] += 1
        held = problem.held(plan)
        women = np.bincount(plan[(sides.codes == WOMAN) & (plan < t)], minlength=t)
        men = np.bincount(plan[(sides.codes == MAN) & (plan < t)], minlength=t)
        cover = np.minimum(held, problem.counts) @ share
        return cls(members, place, held, cover, women, men, sides.table[sides.shape, women, men])


def _weak(problem: Problem, plan: NDArray[np.int64], live: _Live, target: float) -> NDArray[np.int64]:
    """Return the teams where the search should look first: under the target, unbalanced, or in a broken rule."""
    t = problem.n_teams
    bad = (live.cover < target - 1e-9) | (live.balance > 0)
    for i, j in problem.together:
        if plan[i] != plan[j]:
            bad[[p for p in (plan[i], plan[j]) if p < t]] = True
    for i, j in problem.apart:
        if plan[i] == plan[j] < t:
            bad[plan[i]] = True
    known = (problem.group >= 0) & (plan < t)
    if known.any():
        key, number = np.unique(problem.group[known] * t + plan[known], return_counts=True)
        bad[key[number > problem.group_limit] % t] = True
    if not bad.any():
        # What is left to gain is an item that some team lacks and another has to spare.
        used = np.minimum(live.held, problem.counts).sum(axis=0)
        open_items = used < np.minimum(live.held.sum(axis=0), t * problem.counts)
        bad = (live.held[:, open_items] > problem.counts[open_items]).any(axis=1)
    return np.flatnonzero(bad).astype(np.int64)


def balance_teams(
    problem: Problem,
    balancing: Balancing,
    team: NDArray[np.int64],
    levels1: tuple[Level, ...],
    epsilon: float,
    budget: Budget,
    seed: int,
) -> tuple[NDArray[np.int64], tuple[Level, ...], str]:
    """Choose the best balance among plans that keep (1 - epsilon) of the worst and the mean coverage."""
    t = problem.n_teams
    least = (1 - epsilon) * levels1[0].value - EPS
    least_total = (1 - epsilon) * levels1[1].value * t - EPS * t
    start_broken = len(problem.broken(team))

    def key(plan: NDArray[np.int64]) -> tuple[float, ...]:
        cover = problem.cover(plan)
        fine = float(cover.min()) >= least and float(cover.sum()) >= least_total
        cost = balancing.total(balancing.of(problem, plan), problem.sizes)
        return (max(0, len(problem.broken(plan)) - start_broken), 0 if fine else 1, round(cost, 9), -round(float(cover.sum()), 9))

    def reached(best: tuple[float, ...]) -> bool:
        return best[:2] == (0, 0) and best[2] <= balancing.cost_bound + EPS * max(1.0, balancing.cost_bound)

    unit = float(problem.share.min())
    best = key(team)
    bound = balancing.cost_bound
    for turn, (hot, length) in enumerate(_TURNS):
        if reached(best) or not budget.go_on("teams stage 2"):
            break
        # First towards numbers of women and men that together are as even as the pool allows; where what people can
        # do or the rules forbid those, towards fewer lone members and more teams within the band, whichever they are.
        sides = _Sides.by_aim(problem, balancing, team, 2.0) if turn < _AIMED else None
        if sides is None:
            sides = _Sides.by_cost(problem, balancing, 2.2, 2.0)
        goal = _Goal(0.05, 4.0, 2.0, least / unit, least_total / unit, 3.0, 40.0, hot, 0.1, length)
        team, best = _search(problem, sides, team, best, key, reached, goal, budget, seed * 7919 + 101 + turn, "teams stage 2")
    method = "swap search, proved by the numbers of women and men" if reached(best) else "swap search with pool bounds"
    model = None
    if not reached(best) and start_broken == 0 and _may_prove(budget):
        model = build_model(problem, balancing.codes)
    if model is not None and model.sharp:
        proven = prove_balance(problem, balancing, model, team, best, key, least, least_total, bound, budget)
        if _proof_in_time(budget):
            method = "swap search and whole-number programme (HiGHS in SciPy)"
            team, best, bound = proven
    return team, balancing.levels(balancing.of(problem, team), best[2], min(bound, best[2])), method
