"""Teams in two stages: competence first with sex hidden, then balance within what was reached.

This module decides who is in which team for a need of several items. Stage 1 never sees a person's sex: its functions
are not given it. Stage 2 may only choose among plans that keep (1 - epsilon) of what stage 1 reached. The problem is
checked in ``teams_problem``, bounded in ``teams_bounds``, searched in ``teams_search`` and, when small, proven in
``teams_model``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import floor

import numpy as np
from numpy.typing import ArrayLike, NDArray

from competence.errors import InputError
from competence.model import Outcome
from competence.solve.budget import Budget, Progress, infeasible
from competence.solve.teams_bounds import (
    Balance,
    Level,
    PoolBounds,
    PoolLimit,
    count_figures,
    item_limits,
    read_balance,
    sex_limits,
)
from competence.solve.teams_problem import BALANCES, Problem, read_problem
from competence.solve.teams_search import balance_teams, cover_teams

__all__ = [
    "BALANCES",
    "Balance",
    "Level",
    "PoolBounds",
    "PoolLimit",
    "TeamNeed",
    "TeamsSolution",
    "partition",
    "select",
    "select_in_turn",
]


@dataclass(frozen=True, slots=True, eq=False)
class TeamsSolution:
    """Both stages, what each reached, and what limits them.

    Parameters
    ----------
    stage1, stage2 : tuple of tuple of int
        Teams as sorted positions, in the order of their first member. With balance off both are the same.
    coverage1, coverage2 : ndarray of float64
        Coverage of each team in [0, 1], in the order of the teams.
    levels1, levels2 : tuple of Level
        ``worst_coverage``, ``mean_coverage``; then ``lone_free_teams``, ``in_band`` or ``spread`` (minus the people
        away from the pool's proportions).
    outcome1, outcome2 : Outcome
        Objective and bound of the first level that is not proven, else of the last; ``notes`` names it. ``steps``
        are swaps tried.
    balance1, balance2 : Balance or None
        Figures by sex; None where no sex was given.
    pool_bounds : PoolBounds or None
        None where balance is off.
    certificate : tuple of PoolLimit
        Items with fewer holders than places for them, and the sex of which too few are there for the band.
    broken : tuple of str
        Rules that the plan breaks because nothing better was found: ``together:i,j``, ``apart:i,j``, ``at_most:u``.
    """

    stage1: tuple[tuple[int, ...], ...]
    stage2: tuple[tuple[int, ...], ...]
    coverage1: NDArray[np.float64]
    coverage2: NDArray[np.float64]
    levels1: tuple[Level, ...]
    levels2: tuple[Level, ...]
    outcome1: Outcome
    outcome2: Outcome
    balance1: Balance | None = None
    balance2: Balance | None = None
    pool_bounds: PoolBounds | None = None
    certificate: tuple[PoolLimit, ...] = ()
    broken: tuple[str, ...] = ()


def select(
    holds: ArrayLike,
    counts: ArrayLike,
    weights: ArrayLike,
    sex: ArrayLike | None = None,
    *,
    size: int,
    n_teams: int = 1,
    together: Sequence[tuple[int, int]] = (),
    apart: Sequence[tuple[int, int]] = (),
    at_most: tuple[ArrayLike, int] | None = None,
    balance: str = "no_lone",
    epsilon: float = 0.02,
    band: tuple[float, float] = (0.4, 0.6),
    seed: int = 0,
    effort: int | tuple[int, int] | None = None,
    time_limit: float | None = None,
    progress: Progress | None = None,
) -> TeamsSolution:
    """Choose ``n_teams`` disjoint teams of ``size`` people; the others stay out.

    Parameters
    ----------
    holds : array of bool, shape (n, k)
        Whether the person's rounded level reaches what item k asks. No credit for being near.
    counts : array of int, shape (k,)
        How many holders of each item a team should have.
    weights : array of float, shape (k,)
        Weight of each item, above 0.
    sex : array of int, shape (n,), or None
        0 woman, 1 man, 2 not stated: counts in the size and in neither sex. Needed unless balance is "off"; read in
        stage 2 only.
    size, n_teams : int
        People per team, teams.
    together, apart : sequence of (int, int)
        Pairs that are in one team or both out; pairs that are never in one team.
    at_most : (groups, limit) or None
        Unit of each person (-1: none) and how many of one unit a team may have.
    balance : {"no_lone", "balanced", "proportional", "off"}
        no_lone: most teams in which nobody is alone of their sex (0 or at least 2), then most teams within the band.
        balanced: most teams within the band. proportional: each team as near the pool's shares as can be.
    epsilon : float
        Share of the worst and of the mean coverage that stage 2 may give up, at most 0.05.
    band : (float, float)
        Share of women and share of men, each, that count as even.
    seed : int
        Start of the search. Ties are broken by position: see :func:`~competence.solve.order.seeded_order`.
    effort : int, (int, int) or None
        Swaps tried at most in each stage (in stage 1, in stage 2). None takes 5 000 per person, 200 000 to
        20 million.
    time_limit : float or None
        Guard in seconds over both stages.
    progress : callable or None
        See :data:`~competence.solve.budget.Progress`.

    Returns
    -------
    TeamsSolution
        ``infeasible`` with named conflicts where no plan can satisfy the rules.

    Notes
    -----
    Team coverage is sum w min(holders, count) / count / sum w. Stage 1: no broken rule, then the highest worst
    coverage, then the highest mean. A greedy plan is improved by swaps under simulated annealing (Kirkpatrick, Gelatt
    & Vecchi 1983, https://doi.org/10.1126/science.220.4598.671) that starts at weak teams and fetches holders of what
    they lack. Bounds: the mean is at most the linear programme over kinds of people (holders there are, places in a
    team); the worst is at most the mean and, for one team, the best team; both rounded down to what coverage can be.
    A plan that meets them is proven. Else, when small, whole-number programmes over kinds of people x teams (HiGHS
    in SciPy) look for the proof; else the gap is stated. The same in stage 2, whose bound is an exact count over how
    many women and men each team can have.

    Examples
    --------
    >>> import numpy as np
    >>> holds = np.array([[1, 0], [0, 1], [1, 0], [0, 1]], dtype=bool)
    >>> plan = select(holds, [1, 1], [1.0, 1.0], [0, 0, 1, 1], size=2, n_teams=2, balance="balanced")
    >>> plan.coverage2.tolist(), plan.balance2.in_band, plan.outcome2.status.value
    ([1.0, 1.0], 2, 'optimal')
    """
    if size < 1 or n_teams < 1:
        raise InputError(f"size and n_teams must be at least 1; got {size} and {n_teams}")
    problem, genders = read_problem(
        holds, counts, weights, sex, [size] * n_teams, False, together, apart, at_most, balance, epsilon, band
    )
    return _solve(problem, genders, balance, epsilon, band, seed, effort, time_limit, progress)


def partition(
    holds: ArrayLike,
    counts: ArrayLike,
    weights: ArrayLike,
    sex: ArrayLike | None = None,
    *,
    size: int,
    together: Sequence[tuple[int, int]] = (),
    apart: Sequence[tuple[int, int]] = (),
    at_most: tuple[ArrayLike, int] | None = None,
    balance: str = "no_lone",
    epsilon: float = 0.02,
    band: tuple[float, float] = (0.4, 0.6),
    seed: int = 0,
    effort: int | tuple[int, int] | None = None,
    time_limit: float | None = None,
    progress: Progress | None = None,
) -> TeamsSolution:
    """Place everybody in T = n / size (rounded, halves up) teams of floor(n / T) or ceil(n / T) people.

    Parameters, result and method are those of :func:`select`; the bounds also use that everybody is placed.

    Examples
    --------
    >>> import numpy as np
    >>> plan = partition(np.eye(6, dtype=bool)[:, :2], [1, 1], [1.0, 1.0], [0, 0, 0, 1, 1, 1], size=3, balance="off")
    >>> len(plan.stage1), sorted(plan.coverage1.tolist())
    (2, [0.5, 0.5])
    """
    n = np.asarray(holds).shape[0]
    if size < 1:
        raise InputError(f"size must be at least 1; got {size}")
    n_teams = max(1, floor(n / size + 0.5))
    sizes = [n // n_teams + (1 if t < n % n_teams else 0) for t in range(n_teams)]
    problem, genders = read_problem(holds, counts, weights, sex, sizes, True, together, apart, at_most, balance, epsilon, band)
    return _solve(problem, genders, balance, epsilon, band, seed, effort, time_limit, progress)


@dataclass(frozen=True, slots=True, eq=False)
class TeamNeed:
    """One of several needs that teams are selected for: the arguments of :func:`select` that differ between them."""

    holds: ArrayLike
    counts: ArrayLike
    weights: ArrayLike
    size: int
    n_teams: int = 1


def select_in_turn(
    needs: Sequence[TeamNeed],
    sex: ArrayLike | None = None,
    *,
    together: Sequence[tuple[int, int]] = (),
    apart: Sequence[tuple[int, int]] = (),
    at_most: tuple[ArrayLike, int] | None = None,
    balance: str = "no_lone",
    epsilon: float = 0.02,
    band: tuple[float, float] = (0.4, 0.6),
    seed: int = 0,
    effort: int | tuple[int, int] | None = None,
    time_limit: float | None = None,
    progress: Progress | None = None,
) -> tuple[TeamsSolution, ...]:
    """Choose disjoint teams for several needs of one pool, the most important need first.

    Parameters
    ----------
    needs : sequence of TeamNeed
        In the order of their priority; all speak of the same people, in the same order.
    sex, together, apart, at_most, balance, epsilon, band, seed, effort, time_limit, progress
        As for :func:`select`; effort is for each need, the time limit over all.

    Returns
    -------
    tuple of TeamsSolution
        One per need. Whoever is in a team of stage 2 is not in the pool of the needs after it. Each outcome, bound and
        certificate is that of the need given the teams before it. Positions are those of the whole pool.

    Notes
    -----
    No need ever costs one before it anything. Of teams that are equally good for one need, the one that would leave
    most to the next is not looked for.

    Examples
    --------
    >>> import numpy as np
    >>> holds = np.array([[1], [1], [0], [0]], dtype=bool)
    >>> first, second = select_in_turn([TeamNeed(holds, [1], [1.0], 2), TeamNeed(holds, [1], [1.0], 2)], balance="off")
    >>> first.coverage2.tolist(), len(set(first.stage2[0]) & set(second.stage2[0]))
    ([1.0], 0)
    """
    shapes = {np.shape(need.holds)[:1] for need in needs}
    if len(shapes) > 1:
        raise InputError(f"needs must all speak of the same people; got {sorted(shapes)}")
    n = next(iter(shapes))[0] if needs else 0
    _check_whole(needs, n, sex, together, apart, at_most)
    units = None if at_most is None else np.asarray(at_most[0])
    clock = Budget(time_limit=time_limit)
    free = np.arange(n)
    found: list[TeamsSolution] = []
    for need in needs:
        at = np.full(n, -1, dtype=np.int64)
        at[free] = np.arange(free.size)
        # A pair that stays together is wholly in the pool or wholly out of it; one of a pair apart may be taken.
        pairs = [[(int(at[i]), int(at[j])) for i, j in pairs if at[i] >= 0 and at[j] >= 0] for pairs in (together, apart)]
        solution = select(
            np.asarray(need.holds)[free],
            need.counts,
            need.weights,
            None if sex is None else np.asarray(sex)[free],
            size=need.size,
            n_teams=need.n_teams,
            together=pairs[0],
            apart=pairs[1],
            at_most=None if units is None or at_most is None else (units[free], at_most[1]),
            balance=balance,
            epsilon=epsilon,
            band=band,
            seed=seed,
            effort=effort,
            time_limit=clock.seconds_left,
            progress=progress,
        )
        found.append(_in_pool(solution, free))
        # A plan that breaks a rule is no plan: it takes nobody from the needs after it.
        taken = [] if solution.broken else [p for team in found[-1].stage2 for p in team]
        free = np.setdiff1d(free, np.array(taken, dtype=np.int64))
    return tuple(found)


def _check_whole(
    needs: Sequence[TeamNeed],
    n: int,
    codes: ArrayLike | None,
    together: Sequence[tuple[int, int]],
    apart: Sequence[tuple[int, int]],
    at_most: tuple[ArrayLike, int] | None,
) -> None:
    """Refuse what speaks of other people than the pool, before any need is looked at."""
    for name, given in (("sex", codes), ("at_most", None if at_most is None else at_most[0])):
        if given is not None and np.shape(given) != (n,):
            raise InputError(f"{name} must have one entry per person ({n}); got shape {np.shape(given)}")
    for name, pairs in (("together", together), ("apart", apart)):
        for pair in pairs:
            if needs and not (min(pair) >= 0 and max(pair) < n):
                raise InputError(f"{name} must be pairs of different positions in 0..{n - 1}; got {pair}")


def _in_pool(solution: TeamsSolution, free: NDArray[np.int64]) -> TeamsSolution:
    """Return a solution whose positions are those of the whole pool."""

    def named(names: tuple[str, ...]) -> tuple[str, ...]:
        said = []
        for name in names:
            rule, _, detail = name.partition(":")
            who, space, rest = detail.partition(" ")
            if rule.startswith(("together", "apart")):
                who = ",".join(str(free[int(i)]) for i in who.split(","))
            said.append(f"{rule}:{who}{space}{rest}")
        return tuple(said)

    def worded(outcome: Outcome) -> Outcome:
        return replace(outcome, conflicts=named(outcome.conflicts))

    stage1, stage2 = (tuple(tuple(free[list(team)].tolist()) for team in stage) for stage in (solution.stage1, solution.stage2))
    return replace(
        solution,
        stage1=stage1,
        stage2=stage2,
        outcome1=worded(solution.outcome1),
        outcome2=worded(solution.outcome2),
        broken=named(solution.broken),
    )


def _solve(
    problem: Problem,
    sex: NDArray[np.int64] | None,
    balance: str,
    epsilon: float,
    band: tuple[float, float],
    seed: int,
    effort: int | tuple[int, int] | None,
    time_limit: float | None,
    progress: Progress | None,
) -> TeamsSolution:
    """Run both stages."""
    default = int(min(20_000_000, max(200_000, 5000 * problem.n)))
    first, second = effort if isinstance(effort, tuple) else (effort, effort)
    budget = Budget(first, time_limit, progress, default)
    if problem.conflicts:
        return _nothing(budget, problem.conflicts)
    team, levels1, method, impossible = cover_teams(problem, budget, seed)
    if impossible:
        return _nothing(budget, impossible)
    broken = problem.broken(team)
    limits = item_limits(problem)
    teams1, cover1 = _listed(problem, team)
    words = "; ".join(map(str, limits))
    outcome1 = _outcome(budget, levels1, method, broken, words)
    if balance == "off" or sex is None:
        figures = None if sex is None else count_figures(problem, team, sex, band, _order(problem, team))
        return TeamsSolution(
            teams1, teams1, cover1, cover1, levels1, (), outcome1, outcome1, figures, figures, None, limits, broken
        )
    balancing = read_balance(problem, sex, balance, band)
    left = None if time_limit is None else max(0.0, time_limit - budget.seconds)
    budget2 = Budget(second, left, progress, default)
    if budget.stopped_by == "cancelled":
        budget2.stopped_by = "cancelled"
    after, levels2, method = balance_teams(problem, balancing, team, levels1, epsilon, budget2, seed)
    limits += sex_limits(problem, balancing)
    teams2, cover2 = _listed(problem, after)
    outcome2 = _outcome(budget2, levels2, method, problem.broken(after), "; ".join(map(str, limits)))
    return TeamsSolution(
        teams1,
        teams2,
        cover1,
        cover2,
        levels1,
        levels2,
        outcome1,
        outcome2,
        count_figures(problem, team, sex, band, _order(problem, team)),
        count_figures(problem, after, sex, band, _order(problem, after)),
        balancing.pool,
        limits,
        problem.broken(after),
    )


def _nothing(budget: Budget, conflicts: tuple[str, ...]) -> TeamsSolution:
    outcome = infeasible(budget, conflicts, "teams")
    return TeamsSolution((), (), np.empty(0), np.empty(0), (), (), outcome, outcome)


def _outcome(budget: Budget, levels: tuple[Level, ...], method: str, broken: tuple[str, ...], words: str) -> Outcome:
    """Report the first level that is not proven; a plan that breaks a rule claims no bound."""
    level = next((one for one in levels if not one.proven), levels[-1])
    bound = None if broken else level.bound
    return budget.outcome(level.value, bound, method, certificate=words, conflicts=broken, notes=(f"level:{level.name}",))


def _order(problem: Problem, team: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return team numbers in the order of their first member."""
    first = np.full(problem.n_teams, problem.n, dtype=np.int64)
    placed = team < problem.n_teams
    np.minimum.at(first, team[placed], np.flatnonzero(placed))
    return np.argsort(first, kind="stable")


def _listed(problem: Problem, team: NDArray[np.int64]) -> tuple[tuple[tuple[int, ...], ...], NDArray[np.float64]]:
    """Return teams as sorted positions with their coverage."""
    order = _order(problem, team)
    by_team = np.argsort(team, kind="stable")
    ends = np.searchsorted(team[by_team], np.arange(problem.n_teams + 1))
    teams = tuple(tuple(by_team[ends[t] : ends[t + 1]].tolist()) for t in order.tolist())
    return teams, problem.cover(team)[order]
