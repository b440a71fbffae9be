"""Teams in two stages: competence first with sex hidden, then balance within what was reached.

This module decides who is in which team for a need of several items. Stage 1 never sees a person's sex: its functions
are not given it. Stage 2 may only choose among plans that keep (1 - epsilon) of what stage 1 reached.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import reduce
from math import floor, gcd, lcm

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from competence.errors import InputError
from competence.model import Outcome
from competence.solve.budget import Budget, Progress, infeasible
from competence.solve.programme import Rows, WholeAnswer, maximise, maximise_whole

__all__ = ["BALANCES", "Balance", "Level", "PoolBounds", "PoolLimit", "TeamsSolution", "partition", "select"]

BALANCES = ("no_lone", "balanced", "proportional", "off")
WOMAN, MAN, NOT_STATED = 0, 1, 2

_EPS = 1e-9
_MIP_SIZE = 900  # whole-number variables up to which HiGHS usually proves something within seconds
_MIP_NODES = 400
_MIP_SPREAD = 1e6  # largest over smallest piece of coverage that HiGHS is trusted with: its tolerances are 1e-7 to 1e-6


@dataclass(frozen=True, slots=True)
class Level:
    """One aim of a lexicographic order: what was reached and what is proven to be the most."""

    name: str
    value: float
    bound: float

    @property
    def proven(self) -> bool:
        """Whether the value is the most possible, given the aims before it."""
        return self.bound - self.value <= _EPS * max(1.0, abs(self.bound))


@dataclass(frozen=True, slots=True)
class Balance:
    """Counts of teams and people by sex: teams within the band, people alone of their sex in a team, teams of one sex."""

    in_band: int
    lone: int
    lone_teams: int
    single_sex: int
    women: tuple[int, ...]
    men: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class PoolBounds:
    """What the numbers of women and men in the pool allow, whatever they can do; known before the run.

    ``in_band_max``: teams within the band at most. ``lone_free_max``: teams without anybody alone of their sex at
    most. ``single_sex_min``: teams of one sex that cannot be avoided. ``single_sex_at_best``: the same among plans
    that are best by the chosen balance.
    """

    in_band_max: int
    lone_free_max: int
    single_sex_min: int
    single_sex_at_best: int


@dataclass(frozen=True, slots=True)
class PoolLimit:
    """Why the pool cannot give more: ``kind`` is ``item``, ``women`` or ``men``; ``index`` the item, else -1."""

    kind: str
    index: int
    available: int
    needed: int

    def __str__(self) -> str:
        where = f":{self.index}" if self.index >= 0 else ""
        return f"{self.kind}{where} available={self.available} needed={self.needed}"


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
    problem, genders = _problem(
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
    problem, genders = _problem(holds, counts, weights, sex, sizes, True, together, apart, at_most, balance, epsilon, band)
    return _solve(problem, genders, balance, epsilon, band, seed, effort, time_limit, progress)


# --- the problem -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class _Problem:
    """Everything stage 1 may see. ``share[k]`` is what one holder of item k adds to a team's coverage."""

    holds: NDArray[np.uint8]
    counts: NDArray[np.int64]
    share: NDArray[np.float64]
    sizes: NDArray[np.int64]
    all_placed: bool
    together: tuple[tuple[int, int], ...]
    apart: tuple[tuple[int, int], ...]
    group: NDArray[np.int64]
    group_limit: int
    cluster: NDArray[np.int64]
    grid: float | None
    conflicts: tuple[str, ...] = ()

    @property
    def n(self) -> int:
        return int(self.holds.shape[0])

    @property
    def n_teams(self) -> int:
        return int(self.sizes.size)

    def held(self, team: NDArray[np.int64]) -> NDArray[np.int64]:
        """Count the holders of each item in each team."""
        placed = team < self.n_teams
        held = np.zeros((self.n_teams, self.counts.size), dtype=np.int64)
        np.add.at(held, team[placed], self.holds[placed].astype(np.int64))
        return held

    def cover(self, team: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return each team's coverage in [0, 1]."""
        result: NDArray[np.float64] = np.minimum(self.held(team), self.counts) @ self.share
        return result

    def broken(self, team: NDArray[np.int64]) -> tuple[str, ...]:
        """Name every rule that the plan breaks."""
        bench = self.n_teams
        found = [f"together:{i},{j}" for i, j in self.together if team[i] != team[j]]
        found += [f"apart:{i},{j}" for i, j in self.apart if team[i] == team[j] < bench]
        known = (self.group >= 0) & (team < bench)
        if known.any():
            key, number = np.unique(self.group[known] * bench + team[known], return_counts=True)
            for k, c in zip(key.tolist(), number.tolist(), strict=True):
                found += [f"at_most:{k // bench}"] * max(0, c - self.group_limit)
        return tuple(found)

    def down(self, value: float) -> float:
        """Round a bound on a sum of coverages down to what such a sum can be."""
        if self.grid is None:
            return value
        return floor(value / self.grid + 1e-6) * self.grid


def _grid(counts: NDArray[np.int64], weights: NDArray[np.float64]) -> float | None:
    """Return the unit of which every coverage is a multiple, or None if the weights have no common one."""
    exact = [Fraction(float(w)).limit_denominator(1000) for w in weights]
    if any(abs(float(f) - w) > 1e-12 * w for f, w in zip(exact, weights.tolist(), strict=True)):
        return None
    pieces = [f / int(c) for f, c in zip(exact, counts, strict=True)]
    below = reduce(lcm, (p.denominator for p in pieces))
    unit = Fraction(reduce(gcd, (int(p * below) for p in pieces)), below) / sum(exact)
    return float(unit) if unit > Fraction(1, 100_000) else None


def _problem(
    holds: ArrayLike,
    counts: ArrayLike,
    weights: ArrayLike,
    sex: ArrayLike | None,
    sizes: list[int],
    all_placed: bool,
    together: Sequence[tuple[int, int]],
    apart: Sequence[tuple[int, int]],
    at_most: tuple[ArrayLike, int] | None,
    balance: str,
    epsilon: float,
    band: tuple[float, float],
) -> tuple[_Problem, NDArray[np.int64] | None]:
    """Check the input whole, join pairs into clusters and name contradictions."""
    who = np.asarray(holds)
    if np.ndim(who) != 2 or who.shape[-1] < 1:
        raise InputError(f"holds must be people by items, with at least one item; got shape {who.shape}")
    n, k = who.shape
    number, weight = np.asarray(counts, dtype=np.int64), np.asarray(weights, dtype=np.float64)
    if number.shape != (k,) or weight.shape != (k,):
        raise InputError(f"counts and weights must have one entry per item ({k}); got {number.shape} and {weight.shape}")
    if (number < 1).any() or not (np.isfinite(weight).all() and (weight > 0).all()):
        raise InputError("counts must be at least 1 and weights above 0")
    if balance not in BALANCES:
        raise InputError(f"balance must be one of {', '.join(BALANCES)}; got {balance!r}")
    if not 0 <= epsilon <= 0.05:
        raise InputError(f"epsilon must lie in [0, 0.05]; got {epsilon}")
    if not 0 <= band[0] <= band[1] <= 1:
        raise InputError(f"band must be two shares in [0, 1], low first; got {band}")
    genders = None if sex is None else np.asarray(sex, dtype=np.int64)
    if genders is None and balance != "off":
        raise InputError("balance needs sex; give it, or balance='off'")
    if genders is not None and (genders.shape != (n,) or not np.isin(genders, (WOMAN, MAN, NOT_STATED)).all()):
        raise InputError("sex must be 0 (woman), 1 (man) or 2 (not stated) for each person")
    for name, pairs in (("together", together), ("apart", apart)):
        for pair in pairs:
            if pair[0] == pair[1] or not (min(pair) >= 0 and max(pair) < n):
                raise InputError(f"{name} must be pairs of different positions in 0..{n - 1}; got {pair}")
    group = np.full(n, -1, dtype=np.int64)
    limit = max(sizes)
    if at_most is not None:
        group, limit = np.asarray(at_most[0], dtype=np.int64), int(at_most[1])
        if group.shape != (n,) or limit < 1:
            raise InputError(f"at_most must be one unit per person ({n}) and a limit of at least 1; got {group.shape}, {limit}")
    joined = tuple(sorted({(min(p), max(p)) for p in together}))
    parted = tuple(sorted({(min(p), max(p)) for p in apart}))
    cluster = np.arange(n, dtype=np.int64)
    if joined:
        ends = np.array(joined, dtype=np.int64)
        links = sparse.coo_array((np.ones(len(joined)), (ends[:, 0], ends[:, 1])), shape=(n, n))
        cluster = sparse.csgraph.connected_components(links, directed=False)[1].astype(np.int64)
    conflicts = _conflicts(n, sizes, all_placed, cluster, joined, parted, group, limit)
    problem = _Problem(
        np.ascontiguousarray(who.astype(bool).astype(np.uint8)),
        number,
        weight / number / weight.sum(),
        np.array(sizes, dtype=np.int64),
        all_placed,
        joined,
        parted,
        group,
        limit,
        cluster,
        _grid(number, weight),
        conflicts,
    )
    return problem, genders


def _conflicts(
    n: int,
    sizes: list[int],
    all_placed: bool,
    cluster: NDArray[np.int64],
    together: tuple[tuple[int, int], ...],
    apart: tuple[tuple[int, int], ...],
    group: NDArray[np.int64],
    limit: int,
) -> tuple[str, ...]:
    """Name the rules that no plan can satisfy together, where that can be seen without a search."""
    found = []
    if n < sum(sizes) or n == 0:
        found.append(f"too_few_people:{n}<{sum(sizes)}")
    found += [f"together_apart:{i},{j}" for i, j in apart if cluster[i] == cluster[j] and all_placed]
    usable = np.ones(n, dtype=bool)
    for c in np.unique(cluster[np.array(together, dtype=np.int64).ravel()]) if together else ():
        inside = np.flatnonzero(cluster == c)
        units = group[inside]
        crowded = units[units >= 0].size and np.bincount(units[units >= 0]).max() > limit
        if inside.size > max(sizes):
            usable[inside] = False
            if all_placed:
                found.append(f"together_too_large:{inside[0]} size={inside.size}>{max(sizes)}")
        elif crowded or any(cluster[i] == cluster[j] == c for i, j in apart):
            usable[inside] = False
            if all_placed and crowded:
                found.append(f"together_at_most:{inside[0]}")
    if not all_placed and n >= sum(sizes) and int(usable.sum()) < sum(sizes):
        found.append(f"too_few_people_after_together:{int(usable.sum())}<{sum(sizes)}")
    members = np.bincount(group[group >= 0]) if (group >= 0).any() else np.empty(0, dtype=np.int64)
    if all_placed:
        found += [
            f"at_most:{u} people={c}>{limit * len(sizes)}" for u, c in enumerate(members.tolist()) if c > limit * len(sizes)
        ]
    elif int(np.minimum(members, limit * len(sizes)).sum()) + int((group < 0).sum()) < sum(sizes) <= n:
        found.append(f"at_most:limit={limit}")
    return tuple(found)


# --- bounds ----------------------------------------------------------------------------------------------------------


def _coverage_bounds(problem: _Problem) -> tuple[float, float]:
    """Return bounds on the worst team's coverage and on the sum over teams, from the pool alone."""
    t, k = problem.n_teams, problem.counts.size
    # Those who must be together hold an item for one team only, however many they are.
    effective = np.zeros((int(problem.cluster.max(initial=-1)) + 1, k), dtype=np.int64)
    np.add.at(effective, problem.cluster, problem.holds.astype(np.int64))
    most = np.minimum(np.minimum(effective, problem.counts).sum(axis=0), t * problem.counts)
    total = float(most @ problem.share)
    if not problem.all_placed:
        kinds, members = np.unique(problem.holds, axis=0, return_counts=True)
        y = len(kinds)
        matrix = sparse.csr_array(np.hstack([-kinds.T.astype(float), np.eye(k)]))
        answer = maximise(
            np.concatenate([np.zeros(y), problem.share]),
            matrix,
            np.zeros(k),
            equal=sparse.csr_array(np.concatenate([np.ones(y), np.zeros(k)])[None, :]),
            equal_to=np.array([float(problem.sizes.sum())]),
            top=np.concatenate([members, most]).astype(float),
        )
        if answer is not None:
            # The dual value, not the primal one: it is a bound even where the solver stopped short by its tolerance.
            price, each = answer.limit_prices, float(answer.equality_prices[0])
            value = each * float(problem.sizes.sum())
            value += float(np.maximum(kinds @ price - each, 0.0) @ members)
            value += float(np.maximum(problem.share - price, 0.0) @ most)
            total = min(total, value)
    total = min(problem.down(total), float(t))
    return min(problem.down(total / t), 1.0), total


def _compositions(size: int) -> NDArray[np.int64]:
    """Return every (women, men) a team of this size can have; the rest have not stated."""
    return np.array([(w, m) for w in range(size + 1) for m in range(size + 1 - w)], dtype=np.int64)


def _is_lone(women: NDArray[np.int64], men: NDArray[np.int64], size: int) -> NDArray[np.bool_]:
    """Whether somebody is alone of their sex; in a team of one nobody can be otherwise."""
    alone: NDArray[np.bool_] = (women == 1) | (men == 1)
    return alone if size > 1 else np.zeros_like(alone)


def _in_band(women: NDArray[np.int64], men: NDArray[np.int64], size: int, band: tuple[float, float]) -> NDArray[np.bool_]:
    """Whether women and men each are a share of the team within the band."""
    low, high = band[0] * size - _EPS, band[1] * size + _EPS
    inside: NDArray[np.bool_] = (women >= low) & (women <= high) & (men >= low) & (men <= high)
    return inside


@dataclass(frozen=True, slots=True, eq=False)
class _Balancing:
    """What stage 2 adds: sexes, and the cost of each composition of a team.

    ``cost`` is lexicographic in one number: teams with a lone member count more than all teams outside the band.
    """

    sex: NDArray[np.int64]
    mode: str
    band: tuple[float, float]
    compositions: dict[int, NDArray[np.int64]]
    cost: dict[int, NDArray[np.float64]]
    n_teams: int
    pool: PoolBounds
    cost_bound: float

    def of(self, problem: _Problem, team: NDArray[np.int64]) -> Balance:
        """Return the figures of a plan."""
        t = problem.n_teams
        women = np.bincount(team[(self.sex == WOMAN) & (team < t)], minlength=t)
        men = np.bincount(team[(self.sex == MAN) & (team < t)], minlength=t)
        return _figures(women, men, problem.sizes, self.band)

    def total(self, figures: Balance, sizes: NDArray[np.int64]) -> float:
        """Return the cost of a plan."""
        value = 0.0
        for w, m, s in zip(figures.women, figures.men, sizes.tolist(), strict=True):
            value += float(self.cost[s][_place(w, m, s)])
        return value

    def levels(self, figures: Balance, cost: float, bound: float) -> tuple[Level, ...]:
        """Bring a plan's cost and its bound into levels."""
        t = self.n_teams
        if self.mode == "proportional":
            return (Level("spread", -cost, -bound),)
        if self.mode == "balanced":
            return (Level("in_band", float(figures.in_band), float(t - round(bound))),)
        lone_free = Level("lone_free_teams", float(t - figures.lone_teams), float(t - round(bound) // (t + 1)))
        # Without the first aim at its bound, only the unconditional limit bounds the second.
        second = t - round(bound) % (t + 1) if lone_free.proven else max(self.pool.in_band_max, figures.in_band)
        return (lone_free, Level("in_band", float(figures.in_band), float(second)))


def _place(women: int, men: int, size: int) -> int:
    """Return the position of a composition in :func:`_compositions`."""
    return women * (size + 1) - women * (women - 1) // 2 + men


def _figures(women: NDArray[np.int64], men: NDArray[np.int64], sizes: NDArray[np.int64], band: tuple[float, float]) -> Balance:
    in_band = lone = lone_teams = single = 0
    for w, m, s in zip(women.tolist(), men.tolist(), sizes.tolist(), strict=True):
        one, other = np.array([w]), np.array([m])
        in_band += int(_in_band(one, other, s, band)[0])
        alone = bool(_is_lone(one, other, s)[0])
        lone_teams += int(alone)
        lone += ((w == 1) + (m == 1)) if alone else 0
        single += int((w == 0) != (m == 0) and s > 1)
    return Balance(in_band, lone, lone_teams, single, tuple(women.tolist()), tuple(men.tolist()))


def _balancing(problem: _Problem, sex: NDArray[np.int64], mode: str, band: tuple[float, float]) -> _Balancing:
    """Count what the pool's numbers of women and men allow: an exact bound for stage 2, known before the run."""
    t = problem.n_teams
    number = np.bincount(sex, minlength=3)
    classes = sorted(set(problem.sizes.tolist()))
    compositions = {s: _compositions(s) for s in classes}
    lone = {s: _is_lone(c[:, 0], c[:, 1], s).astype(float) for s, c in compositions.items()}
    outside = {s: (~_in_band(c[:, 0], c[:, 1], s, band)).astype(np.float64) for s, c in compositions.items()}
    single = {s: ((c[:, 0] == 0) != (c[:, 1] == 0)).astype(float) * (s > 1) for s, c in compositions.items()}
    cost = outside
    if mode == "proportional":
        part = number / max(1, sex.size)
        cost = {s: np.abs(c[:, 0] - part[0] * s) + np.abs(c[:, 1] - part[1] * s) for s, c in compositions.items()}
    elif mode != "balanced":
        cost = {s: (t + 1) * lone[s] + outside[s] for s in classes}

    def least(value: dict[int, NDArray[np.float64]], ceiling: float | None = None) -> float:
        return _least_cost(problem, compositions, value, number, None if ceiling is None else (cost, ceiling))

    best = least(cost)
    whole = mode != "proportional"
    bound = float(round(best)) if whole else best
    pool = PoolBounds(
        t - round(least(outside)),
        t - round(least(lone)),
        round(least(single)),
        round(least(single, bound + (0.5 if whole else 1e-6 * max(1.0, bound)))),
    )
    return _Balancing(sex, mode, band, compositions, cost, t, pool, bound)


def _least_cost(
    problem: _Problem,
    compositions: dict[int, NDArray[np.int64]],
    value: dict[int, NDArray[np.float64]],
    number: NDArray[np.int64],
    ceiling: tuple[dict[int, NDArray[np.float64]], float] | None,
) -> float:
    """Return the least total over how many teams get each composition: a whole-number programme of a few rows."""
    classes = sorted(compositions)
    parts = [(s, w, m) for s in classes for w, m in compositions[s].tolist()]
    objective = np.concatenate([value[s] for s in classes])
    teams = np.array([[float(p[0] == s) for p in parts] for s in classes])
    per_class = np.array([float((problem.sizes == s).sum()) for s in classes])
    people = np.array([[p[1] for p in parts], [p[2] for p in parts], [p[0] - p[1] - p[2] for p in parts]], dtype=float)
    rows: list[Rows] = [
        (sparse.csr_array(teams), per_class, per_class),
        (sparse.csr_array(people), number.astype(float) if problem.all_placed else 0.0, number.astype(float)),
    ]
    if ceiling is not None:
        rows.append((sparse.csr_array(np.concatenate([ceiling[0][s] for s in classes])[None, :]), -np.inf, ceiling[1]))
    answer = maximise_whole(-objective, rows, np.inf, nodes=5000)
    if answer.finished and answer.values is not None:
        return float(objective @ np.rint(answer.values))
    return max(0.0, -answer.bound) if np.isfinite(answer.bound) else 0.0


# --- the run ---------------------------------------------------------------------------------------------------------


def _solve(
    problem: _Problem,
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
    team, levels1, method, impossible = _stage1(problem, budget, seed)
    if impossible:
        return _nothing(budget, ("together_apart_at_most",))
    broken = problem.broken(team)
    limits = _limits(problem)
    teams1, cover1 = _listed(problem, team)
    words = "; ".join(map(str, limits))
    outcome1 = _outcome(budget, levels1, method, broken, words)
    if balance == "off" or sex is None:
        figures = None if sex is None else _listed_figures(problem, team, sex, band)
        return TeamsSolution(
            teams1, teams1, cover1, cover1, levels1, (), outcome1, outcome1, figures, figures, None, limits, broken
        )
    balancing = _balancing(problem, sex, balance, band)
    left = None if time_limit is None else max(0.0, time_limit - budget.seconds)
    budget2 = Budget(second, left, progress, default)
    if budget.stopped_by == "cancelled":
        budget2.stopped_by = "cancelled"
    after, levels2, method = _stage2(problem, balancing, team, levels1, epsilon, budget2, seed)
    limits += _sex_limits(problem, balancing)
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
        _listed_figures(problem, team, sex, band),
        _listed_figures(problem, after, sex, band),
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


def _order(problem: _Problem, team: NDArray[np.int64]) -> list[int]:
    """Return team numbers in the order of their first member."""
    first = np.full(problem.n_teams, problem.n, dtype=np.int64)
    placed = team < problem.n_teams
    np.minimum.at(first, team[placed], np.flatnonzero(placed))
    order: list[int] = np.argsort(first, kind="stable").tolist()
    return order


def _listed(problem: _Problem, team: NDArray[np.int64]) -> tuple[tuple[tuple[int, ...], ...], NDArray[np.float64]]:
    """Return teams as sorted positions with their coverage."""
    order = _order(problem, team)
    by_team = np.argsort(team, kind="stable")
    ends = np.searchsorted(team[by_team], np.arange(problem.n_teams + 1))
    teams = tuple(tuple(by_team[ends[t] : ends[t + 1]].tolist()) for t in order)
    return teams, problem.cover(team)[order]


def _listed_figures(problem: _Problem, team: NDArray[np.int64], sex: NDArray[np.int64], band: tuple[float, float]) -> Balance:
    """Return the figures by sex in the order in which teams are listed."""
    order, t = _order(problem, team), problem.n_teams
    women = np.bincount(team[(sex == WOMAN) & (team < t)], minlength=t)[order]
    men = np.bincount(team[(sex == MAN) & (team < t)], minlength=t)[order]
    return _figures(women, men, problem.sizes[order], band)


def _limits(problem: _Problem) -> tuple[PoolLimit, ...]:
    """Name the items that the pool has too few holders of."""
    holders = problem.holds.sum(axis=0, dtype=np.int64)
    needed = problem.n_teams * problem.counts
    return tuple(PoolLimit("item", k, int(holders[k]), int(needed[k])) for k in np.flatnonzero(holders < needed).tolist())


def _sex_limits(problem: _Problem, balancing: _Balancing) -> tuple[PoolLimit, ...]:
    """Name the sex of which too few are there for every team to be within the band."""
    if balancing.pool.in_band_max == problem.n_teams:
        return ()
    least = np.ceil(balancing.band[0] * problem.sizes - _EPS)
    most = np.floor(balancing.band[1] * problem.sizes + _EPS)
    number = np.bincount(balancing.sex, minlength=3)
    needed = int(least.sum())
    if problem.all_placed:
        # Too many of one sex means too few others beside them; those who have not stated are such others too.
        each = np.maximum(least, problem.sizes - most)
        needed = max(needed, int(each.sum()) - int(number[NOT_STATED]))
    return tuple(
        PoolLimit(name, -1, int(number[code]), needed) for name, code in (("women", WOMAN), ("men", MAN)) if number[code] < needed
    )


# --- stage 1 ---------------------------------------------------------------------------------------------------------


def _stage1(problem: _Problem, budget: Budget, seed: int) -> tuple[NDArray[np.int64], tuple[Level, ...], str, bool]:
    """Find no broken rule, then the best worst coverage, then the best mean. Nothing here knows anybody's sex."""
    worst_bound, total_bound = _coverage_bounds(problem)
    team = _greedy(problem)

    def key(plan: NDArray[np.int64]) -> tuple[float, ...]:
        cover = problem.cover(plan)
        return (len(problem.broken(plan)), -round(float(cover.min()), 9), -round(float(cover.sum()), 9))

    def reached(best: tuple[float, ...]) -> bool:
        return best[0] == 0 and -best[1] >= worst_bound - _EPS and -best[2] >= total_bound - _EPS * problem.n_teams

    best = key(team)
    rounds = 0
    unit = float(problem.share.min())
    step = problem.grid or unit
    while not reached(best) and budget.go_on("teams stage 1") and rounds < 3:
        # First aim at the bound itself; if that fails, at the next step above what was found.
        target = worst_bound if rounds == 0 else min(worst_bound, -best[1] + step)
        goal = _Goal(1.0, 3.0, 1.5, target / unit, -1.0, 0.0, 30.0, 1.5 if rounds < 2 else 0.7, 0.06)
        team, best = _search(problem, None, team, best, key, reached, goal, budget, seed * 7919 + rounds, "teams stage 1")
        rounds += 1
    method = "swap search, proved by pool bounds" if reached(best) else "swap search with pool bounds"
    impossible = False
    if not reached(best) and budget.limit != 0 and budget.stopped_by not in ("clock", "cancelled"):
        model = _model(problem, None)
        if model is not None:
            method = "swap search and whole-number programme (HiGHS in SciPy)"
            team, best, worst_bound, total_bound, impossible = _prove1(
                problem, model, team, best, key, worst_bound, total_bound, budget
            )
    cover = problem.cover(team)
    worst, mean = float(cover.min()), float(cover.mean())
    levels = (
        Level("worst_coverage", worst, max(worst, worst_bound)),
        Level("mean_coverage", mean, max(mean, total_bound / problem.n_teams)),
    )
    return team, levels, method, impossible


def _greedy(problem: _Problem) -> NDArray[np.int64]:
    """Give the weakest team with room the people who add most to it; those who stay together go together."""
    n, t = problem.n, problem.n_teams
    team = np.full(n, t, dtype=np.int64)
    room = problem.sizes.copy()
    rarity = 1.0 / np.maximum(problem.holds.sum(axis=0), 1)
    wanted = (problem.holds * rarity * problem.share).sum(axis=1)
    if n * problem.counts.size * int(problem.sizes.sum()) > 400_000_000:
        # Too many for the careful way: deal people out like cards, the rarest competences first.
        order = np.lexsort((np.arange(n), -wanted))[: int(problem.sizes.sum())]
        seats = np.concatenate([np.flatnonzero(problem.sizes > r) for r in range(int(problem.sizes.max()))])
        team[order] = seats
        return team
    held = np.zeros((t, problem.counts.size), dtype=np.int64)
    cover = np.zeros(t)
    leaders: dict[int, NDArray[np.int64]] = {}
    if problem.together:
        for c in np.unique(problem.cluster[np.array(problem.together).ravel()]).tolist():
            leaders[c] = np.flatnonzero(problem.cluster == c)
    alone = np.ones(n, dtype=bool)
    for inside in leaders.values():
        alone[inside] = False
    for inside in sorted(leaders.values(), key=lambda i: (-i.size, int(i[0]))):
        if not problem.all_placed:
            continue
        fits = np.flatnonzero(room >= inside.size)
        if fits.size:
            added = problem.holds[inside].sum(axis=0, dtype=np.int64)
            gain = (np.minimum(held[fits] + added, problem.counts) - np.minimum(held[fits], problem.counts)) @ problem.share
            chosen = int(fits[np.lexsort((fits, -gain, cover[fits]))[0]])
            team[inside] = chosen
            held[chosen] += added
            room[chosen] -= inside.size
            cover[chosen] = float(np.minimum(held[chosen], problem.counts) @ problem.share)
    enemies: dict[int, list[int]] = {}
    for i, j in problem.apart:
        enemies.setdefault(i, []).append(j)
        enemies.setdefault(j, []).append(i)
    free = alone & (team == t)
    while room.any():
        chosen = int(np.lexsort((-room, np.where(room > 0, cover, np.inf)))[0])
        candidates = np.flatnonzero(free)
        if not candidates.size:
            candidates = np.flatnonzero(team == t)
        lack = np.maximum(problem.counts - held[chosen], 0) > 0
        gain = problem.holds[candidates] @ (lack * problem.share)
        spare = problem.holds[candidates] @ (~lack * rarity * problem.share)
        ranked = candidates[np.lexsort((candidates, spare, -gain))]
        pick = int(ranked[0])
        for person in ranked[:20].tolist():
            if not any(team[e] == chosen for e in enemies.get(person, ())):
                pick = person
                break
        team[pick] = chosen
        free[pick] = False
        held[chosen] += problem.holds[pick]
        room[chosen] -= 1
        cover[chosen] = float(np.minimum(held[chosen], problem.counts) @ problem.share)
    return team


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
    lone: float = 0.0
    outside: float = 0.0


_Key = tuple[float, ...]


def _search(
    problem: _Problem,
    balancing: _Balancing | None,
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
    sex = np.full(n, NOT_STATED, dtype=np.int64) if balancing is None else balancing.sex
    classes = sorted(set(problem.sizes.tolist()))
    size_class = np.array([classes.index(s) for s in problem.sizes.tolist()], dtype=np.int64)
    table = np.zeros((len(classes), widest + 2, widest + 2))
    if balancing is not None:
        for c, s in enumerate(classes):
            for (w, m), cost in zip(balancing.compositions[s].tolist(), balancing.cost[s].tolist(), strict=True):
                if balancing.mode == "proportional":
                    table[c, w, m] = goal.outside * cost
                else:
                    table[c, w, m] = goal.lone * (cost // (t + 1)) + goal.outside * (cost % (t + 1))
    holder_start = np.zeros(k + 1, dtype=np.int64)
    np.cumsum(problem.holds.sum(axis=0, dtype=np.int64), out=holder_start[1:])
    holder_people = np.nonzero(problem.holds.T)[1].astype(np.int64)
    if not holder_people.size:
        holder_people = np.zeros(1, dtype=np.int64)
    pairs = [(i, j, 0) for i, j in problem.together] + [(i, j, 1) for i, j in problem.apart]
    both = sorted([*pairs, *((j, i, kind) for i, j, kind in pairs)])
    pair_start = np.zeros(n + 1, dtype=np.int64)
    np.cumsum(np.bincount([p[0] for p in both], minlength=n) if both else np.zeros(n, dtype=np.int64), out=pair_start[1:])
    pair_other = np.array([p[1] for p in both] or [0], dtype=np.int64)
    pair_kind = np.array([p[2] for p in both] or [0], dtype=np.int64)
    state = np.array([(abs(seed) * 0x9E3779B97F4A7C15 + 0x2545F4914F6CDD1D) % 2**64 or 1], dtype=np.uint64)
    length = int(min(7_000_000, max(60_000, 1700 * n)))
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
            live = _Live.of(problem, plan, sex, share, widest, size_class, table)
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
            sex,
            live.women,
            live.men,
            size_class,
            table,
            live.balance,
            pair_start,
            pair_other,
            pair_kind,
            problem.group,
            problem.group_limit,
            live.group_count,
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
    group_count: NDArray[np.int64]

    @classmethod
    def of(
        cls,
        problem: _Problem,
        plan: NDArray[np.int64],
        sex: NDArray[np.int64],
        share: NDArray[np.float64],
        widest: int,
        size_class: NDArray[np.int64],
        table: NDArray[np.float64],
    ) -> _Live:
        t = problem.n_teams
        members = np.full((t, widest), -1, dtype=np.int64)
        place = np.zeros(problem.n, dtype=np.int64)
        filled = [0] * t
        for person in np.flatnonzero(plan < t).tolist():
            where = int(plan[person])
            members[where, filled[where]] = person
            place[person] = filled[where]
            filled[where] += 1
        held = problem.held(plan)
        women = np.bincount(plan[(sex == WOMAN) & (plan < t)], minlength=t)
        men = np.bincount(plan[(sex == MAN) & (plan < t)], minlength=t)
        groups = np.zeros((t + 1, int(problem.group.max(initial=-1)) + 1), dtype=np.int64)
        known = problem.group >= 0
        np.add.at(groups, (plan[known], problem.group[known]), 1)
        cover = np.minimum(held, problem.counts) @ share
        return cls(members, place, held, cover, women, men, table[size_class, women, men], groups)


def _weak(problem: _Problem, plan: NDArray[np.int64], live: _Live, target: float) -> NDArray[np.int64]:
    """Return the teams where the search should look first: under the target, unbalanced, or in a broken rule."""
    t = problem.n_teams
    bad = (live.cover < target - 1e-9) | (live.balance > 0)
    for i, j in problem.together:
        if plan[i] != plan[j]:
            bad[[p for p in (plan[i], plan[j]) if p < t]] = True
    for i, j in problem.apart:
        if plan[i] == plan[j] < t:
            bad[plan[i]] = True
    if live.group_count.size:
        bad |= (live.group_count[:t] > problem.group_limit).any(axis=1)
    return np.flatnonzero(bad).astype(np.int64)


# --- whole-number programmes -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class _Model:
    """Kinds of people x teams: x[kind, team] people, then h[item, team] counted holders (both row by row).

    People in a pair are a kind each; the others are alike when they hold the same, are of the same unit where units
    matter, and, in stage 2 only, of the same sex. Not ``sharp``: the weights are so unequal that the solver's
    tolerances could hide the smallest; the rows then only decide whether the rules can be kept, and ``cover`` counts
    every item alike.
    """

    kinds: tuple[NDArray[np.int64], ...]
    rows: sparse.csr_array
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    top: NDArray[np.float64]
    cover: sparse.csr_array
    people: int
    sharp: bool


def _model(problem: _Problem, sex: NDArray[np.int64] | None) -> _Model | None:
    """Build the rows that every stage has; None where it would be too large to prove anything."""
    n, t, k = problem.n, problem.n_teams, problem.counts.size
    if t * n > 40 * _MIP_SIZE and t * 2**k > 40 * _MIP_SIZE:
        return None
    unlike = np.zeros(n, dtype=np.int64)
    paired = sorted({i for p in (*problem.together, *problem.apart) for i in p})
    unlike[paired] = np.arange(1, len(paired) + 1)
    label = np.column_stack([problem.holds, problem.group, unlike, np.zeros(n, dtype=np.int64) if sex is None else sex]).astype(
        np.int64
    )
    _, first, kind = np.unique(label, axis=0, return_index=True, return_inverse=True)
    order = np.argsort(kind.ravel(), kind="stable")
    kinds = tuple(np.split(order, np.cumsum(np.bincount(kind.ravel()))[:-1]))
    c = len(kinds)
    if c * t > _MIP_SIZE:
        return None
    width = (c + k) * t
    x = np.arange(c * t).reshape(c, t)
    h = (c * t + np.arange(k * t)).reshape(k, t)
    row, column, value = [], [], []
    low: list[float] = []
    high: list[float] = []

    def add(columns: NDArray[np.int64], values: NDArray[np.float64], least: float, most: float) -> None:
        row.append(np.full(columns.size, len(low)))
        column.append(columns)
        value.append(values)
        low.append(least)
        high.append(most)

    for team in range(t):
        add(x[:, team], np.ones(c), float(problem.sizes[team]), float(problem.sizes[team]))
    for number, people in enumerate(kinds):
        add(x[number], np.ones(t), float(people.size) if problem.all_placed else 0.0, float(people.size))
    has = problem.holds[first].astype(float)
    for item in range(k):
        holders = np.flatnonzero(has[:, item])
        for team in range(t):
            add(np.append(x[holders, team], h[item, team]), np.append(-np.ones(holders.size), 1.0), -np.inf, 0.0)
    where = {int(people[0]): number for number, people in enumerate(kinds) if unlike[people[0]]}
    for team in range(t):
        for i, j in problem.together:
            add(np.array([x[where[i], team], x[where[j], team]]), np.array([1.0, -1.0]), 0.0, 0.0)
        for i, j in problem.apart:
            add(np.array([x[where[i], team], x[where[j], team]]), np.ones(2), -np.inf, 1.0)
    group = problem.group[first]
    for unit in np.unique(group[group >= 0]).tolist():
        inside = np.flatnonzero(group == unit)
        if sum(kinds[number].size for number in inside.tolist()) > problem.group_limit:
            for team in range(t):
                add(x[inside, team], np.ones(inside.size), -np.inf, float(problem.group_limit))
    # Coverage in units of its smallest piece, so that the solver's tolerances are far under one step of it.
    share = problem.share / problem.share.min()
    sharp = bool(share.max() <= _MIP_SPREAD)
    if not sharp:
        share = np.ones(k)
    cover = sparse.csr_array((np.tile(share, t), (np.repeat(np.arange(t), k), h.T.ravel())), shape=(t, width))
    for team in range(t - 1):
        # Teams of one size are alike: fix their order by coverage.
        if problem.sizes[team] == problem.sizes[team + 1]:
            add(np.concatenate([h[:, team], h[:, team + 1]]), np.concatenate([share, -share]), 0.0, np.inf)
    rows = sparse.coo_array(
        (np.concatenate(value), (np.concatenate(row), np.concatenate(column))), shape=(len(low), width)
    ).tocsr()
    top = np.concatenate(
        [np.repeat([float(min(p.size, problem.sizes.max())) for p in kinds], t), np.repeat(problem.counts.astype(float), t)]
    )
    return _Model(kinds, rows, np.array(low), np.array(high), top, cover, c * t, sharp)


def _programme(
    model: _Model,
    objective: NDArray[np.float64],
    extra: list[Rows],
    more_top: NDArray[np.float64],
    whole: int,
    budget: Budget,
) -> WholeAnswer:
    """Maximise over the model's columns and ``more_top.size`` further ones, the last ``whole`` of them whole."""
    width, more = model.top.size, more_top.size
    pad = sparse.csr_array((model.low.size, more))
    rows: list[Rows] = [(sparse.csr_array(sparse.hstack([model.rows, pad], format="csr")), model.low, model.high), *extra]
    kinds = np.zeros(width + more, dtype=np.bool_)
    kinds[: model.people] = True
    kinds[width + more - whole :] = True
    top = np.concatenate([model.top, more_top])
    return maximise_whole(objective, rows, top, kinds, nodes=_MIP_NODES, seconds=budget.seconds_left)


def _placed(problem: _Problem, model: _Model, values: NDArray[np.float64]) -> NDArray[np.int64]:
    """Turn numbers of each kind per team into a plan, lower positions first."""
    t = problem.n_teams
    team = np.full(problem.n, t, dtype=np.int64)
    number = np.rint(values[: len(model.kinds) * t]).astype(np.int64).reshape(len(model.kinds), t)
    for people, row in zip(model.kinds, number, strict=True):
        team[people[: int(row.sum())]] = np.repeat(np.arange(t), row)
    return team


def _prove1(
    problem: _Problem,
    model: _Model,
    team: NDArray[np.int64],
    best: _Key,
    key: Callable[[NDArray[np.int64]], _Key],
    worst_bound: float,
    total_bound: float,
    budget: Budget,
) -> tuple[NDArray[np.int64], _Key, float, float, bool]:
    """Solve stage 1 as whole-number programmes: the worst team first, then the sum."""
    t, width = problem.n_teams, model.rows.shape[1]
    unit = float(problem.share.min())
    if not model.sharp:
        if best[0] > 0:
            answer = _programme(model, np.zeros(width), [], np.empty(0), 0, budget)
            if answer.values is not None and key(_placed(problem, model, answer.values)) < best:
                team = _placed(problem, model, answer.values)
            return team, key(team), worst_bound, total_bound, answer.impossible
        return team, best, worst_bound, total_bound, False
    if best[0] > 0 or -best[1] < worst_bound - _EPS:
        objective = np.append(np.zeros(width), 1.0)
        least = sparse.csr_array(sparse.hstack([model.cover, sparse.csr_array(-np.ones((t, 1)))], format="csr"))
        answer = _programme(model, objective, [(least, 0.0, np.inf)], np.array([worst_bound / unit]), 0, budget)
        if answer.impossible:
            return team, best, worst_bound, total_bound, True
        worst_bound = min(worst_bound, problem.down(answer.bound * unit + 1e-9 * unit))
        if answer.values is not None:
            plan = _placed(problem, model, answer.values)
            if key(plan) < best:
                team, best = plan, key(plan)
    if best[0] == 0 and -best[1] >= worst_bound - _EPS and -best[2] < total_bound - _EPS * t:
        objective = np.asarray(model.cover.sum(axis=0), dtype=np.float64).ravel()
        answer = _programme(model, objective, [(model.cover, -best[1] / unit - 1e-6, np.inf)], np.empty(0), 0, budget)
        if np.isfinite(answer.bound):
            total_bound = min(total_bound, problem.down(answer.bound * unit + 1e-9 * unit))
        if answer.values is not None:
            plan = _placed(problem, model, answer.values)
            if key(plan) < best:
                team, best = plan, key(plan)
    return team, best, worst_bound, total_bound, False


# --- stage 2 ---------------------------------------------------------------------------------------------------------


def _stage2(
    problem: _Problem,
    balancing: _Balancing,
    team: NDArray[np.int64],
    levels1: tuple[Level, ...],
    epsilon: float,
    budget: Budget,
    seed: int,
) -> tuple[NDArray[np.int64], tuple[Level, ...], str]:
    """Choose the best balance among plans that keep (1 - epsilon) of the worst and the mean coverage."""
    t = problem.n_teams
    least = (1 - epsilon) * levels1[0].value - _EPS
    least_total = (1 - epsilon) * levels1[1].value * t - _EPS * t
    start_broken = len(problem.broken(team))

    def key(plan: NDArray[np.int64]) -> tuple[float, ...]:
        cover = problem.cover(plan)
        fine = float(cover.min()) >= least and float(cover.sum()) >= least_total
        cost = balancing.total(balancing.of(problem, plan), problem.sizes)
        return (max(0, len(problem.broken(plan)) - start_broken), 0 if fine else 1, round(cost, 9), -round(float(cover.sum()), 9))

    def reached(best: tuple[float, ...]) -> bool:
        return best[:2] == (0, 0) and best[2] <= balancing.cost_bound + _EPS * max(1.0, balancing.cost_bound)

    unit = float(problem.share.min())
    best = key(team)
    bound = balancing.cost_bound
    rounds = 0
    while not reached(best) and budget.go_on("teams stage 2") and rounds < 3:
        goal = _Goal(0.05, 4.0, 2.0, least / unit, least_total / unit, 3.0, 40.0, 1.0 if rounds < 2 else 0.6, 0.1, 2.2, 2.0)
        team, best = _search(
            problem, balancing, team, best, key, reached, goal, budget, seed * 7919 + 101 + rounds, "teams stage 2"
        )
        rounds += 1
    method = "swap search, proved by the numbers of women and men" if reached(best) else "swap search with pool bounds"
    if not reached(best) and start_broken == 0 and budget.limit != 0 and budget.stopped_by not in ("clock", "cancelled"):
        model = _model(problem, balancing.sex)
        if model is not None and model.sharp:
            method = "swap search and whole-number programme (HiGHS in SciPy)"
            team, best, bound = _prove2(problem, balancing, model, team, best, key, least, least_total, bound, budget)
    return team, balancing.levels(balancing.of(problem, team), best[2], min(bound, best[2])), method


def _prove2(
    problem: _Problem,
    balancing: _Balancing,
    model: _Model,
    team: NDArray[np.int64],
    best: _Key,
    key: Callable[[NDArray[np.int64]], _Key],
    least: float,
    least_total: float,
    bound: float,
    budget: Budget,
) -> tuple[NDArray[np.int64], _Key, float]:
    """Solve stage 2 as a whole-number programme: one composition per team, people of each sex to match."""
    t, width, _c = problem.n_teams, model.rows.shape[1], len(model.kinds)
    unit = float(problem.share.min())
    parts = [balancing.compositions[int(s)] for s in problem.sizes]
    starts = np.concatenate([[0], np.cumsum([len(p) for p in parts])])
    total = int(starts[-1])
    objective = np.concatenate([np.zeros(width), *(-balancing.cost[int(s)] for s in problem.sizes)])
    sexes = np.array([balancing.sex[people[0]] for people in model.kinds])
    row, column, value = [], [], []
    for team_number in range(t):
        span = width + np.arange(starts[team_number], starts[team_number + 1])
        row.append(np.full(span.size, team_number))
        column.append(span)
        value.append(np.ones(span.size))
        for place, code in enumerate((WOMAN, MAN)):
            at = t + 2 * team_number + place
            kinds = np.flatnonzero(sexes == code)
            row += [np.full(span.size, at), np.full(kinds.size, at)]
            column += [span, kinds * t + team_number]
            value += [parts[team_number][:, place].astype(float), -np.ones(kinds.size)]
    matrix = sparse.coo_array(
        (np.concatenate(value), (np.concatenate(row), np.concatenate(column))), shape=(3 * t, width + total)
    ).tocsr()
    need = np.concatenate([np.ones(t), np.zeros(2 * t)])
    pad = sparse.csr_array((t, total))
    cover = sparse.hstack([model.cover, pad], format="csr")
    whole = sparse.csr_array(cover.sum(axis=0).reshape(1, -1))
    extra: list[Rows] = [
        (matrix, need, need),
        (cover, least / unit - 1e-6, np.inf),
        (whole, least_total / unit - 1e-6, np.inf),
    ]
    answer = _programme(model, objective, extra, np.ones(total), total, budget)
    if np.isfinite(answer.bound):
        lifted = -answer.bound
        bound = max(bound, float(np.ceil(lifted - 1e-4)) if balancing.mode != "proportional" else lifted - 1e-9)
    if answer.values is not None:
        plan = _placed(problem, model, answer.values)
        if key(plan) < best:
            team, best = plan, key(plan)
    return team, best, bound
