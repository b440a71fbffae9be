"""What the pool of people allows in teams, known before any search: bounds on coverage and on balance, and limits."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from competence.solve.programme import Rows, maximise, maximise_whole
from competence.solve.teams_problem import EPS, MAN, NOT_STATED, WOMAN, Problem

__all__ = [
    "Balance",
    "Balancing",
    "Level",
    "PoolBounds",
    "PoolLimit",
    "aim",
    "count_figures",
    "coverage_bounds",
    "item_limits",
    "read_balance",
    "sex_limits",
]

_AIM_NODES = 300  # HiGHS mostly needs one; the way to an even plan need not be the very shortest


@dataclass(frozen=True, slots=True)
class Level:
    """One aim of a lexicographic order: what was reached and what is proven to be the most."""

    name: str
    value: float
    bound: float

    @property
    def proven(self) -> bool:
        """Whether the value is the most possible, given the aims before it."""
        return self.bound - self.value <= EPS * max(1.0, abs(self.bound))


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
    """What the numbers of women and men in the pool, and who stays together, allow, whatever they can do.

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


def coverage_bounds(problem: Problem) -> tuple[float, float]:
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


def _is_lone(women: NDArray[np.int64], men: NDArray[np.int64], size: NDArray[np.int64] | int) -> NDArray[np.bool_]:
    """Whether somebody is alone of their sex; in a team of one nobody can be otherwise."""
    alone: NDArray[np.bool_] = ((women == 1) | (men == 1)) & (np.asarray(size) > 1)
    return alone


def _in_band(
    women: NDArray[np.int64], men: NDArray[np.int64], size: NDArray[np.int64] | int, band: tuple[float, float]
) -> NDArray[np.bool_]:
    """Whether women and men each are a share of the team within the band."""
    low, high = band[0] * np.asarray(size) - EPS, band[1] * np.asarray(size) + EPS
    inside: NDArray[np.bool_] = (women >= low) & (women <= high) & (men >= low) & (men <= high)
    return inside


@dataclass(frozen=True, slots=True, eq=False)
class Balancing:
    """What stage 2 adds: sexes, and the cost of each composition of a team.

    ``cost`` is lexicographic in one number: teams with a lone member count more than all teams outside the band.
    """

    codes: NDArray[np.int64]
    mode: str
    band: tuple[float, float]
    compositions: dict[int, NDArray[np.int64]]
    cost: dict[int, NDArray[np.float64]]
    n_teams: int
    pool: PoolBounds
    cost_bound: float

    def of(self, problem: Problem, team: NDArray[np.int64]) -> Balance:
        """Return the figures of a plan."""
        return count_figures(problem, team, self.codes, self.band)

    def total(self, figures: Balance, sizes: NDArray[np.int64]) -> float:
        """Return the cost of a plan."""
        women, men = np.array(figures.women), np.array(figures.men)
        value = 0.0
        for size, cost in self.cost.items():
            here = sizes == size
            w, m = women[here], men[here]
            # The place of a composition in _compositions: those with fewer women, then those with fewer men.
            value += float(cost[w * (size + 1) - w * (w - 1) // 2 + m].sum())
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


def count_figures(
    problem: Problem,
    team: NDArray[np.int64],
    codes: NDArray[np.int64],
    band: tuple[float, float],
    order: NDArray[np.int64] | None = None,
) -> Balance:
    """Count each team's women and men, in an order of teams, and the teams that are even, lone or of one sex."""
    t = problem.n_teams
    placed = team < t
    turn = np.arange(t) if order is None else order
    women, men = (np.bincount(team[placed & (codes == code)], minlength=t)[turn] for code in (WOMAN, MAN))
    sizes = problem.sizes[turn]
    alone = _is_lone(women, men, sizes)
    return Balance(
        int(_in_band(women, men, sizes, band).sum()),
        int(((women == 1).astype(np.int64) + (men == 1))[alone].sum()),
        int(alone.sum()),
        int((((women == 0) != (men == 0)) & (sizes > 1)).sum()),
        tuple(women.tolist()),
        tuple(men.tolist()),
    )


def read_balance(problem: Problem, codes: NDArray[np.int64], mode: str, band: tuple[float, float]) -> Balancing:
    """Count what the pool's numbers of women and men, and who stays together, allow: a bound for stage 2, before the run."""
    t = problem.n_teams
    joined = _joined(problem, codes)
    number = np.bincount(codes, minlength=3)
    classes = sorted(set(problem.sizes.tolist()))
    compositions = {s: _compositions(s) for s in classes}
    lone = {s: _is_lone(c[:, 0], c[:, 1], s).astype(float) for s, c in compositions.items()}
    outside = {s: (~_in_band(c[:, 0], c[:, 1], s, band)).astype(np.float64) for s, c in compositions.items()}
    single = {s: ((c[:, 0] == 0) != (c[:, 1] == 0)).astype(float) * (s > 1) for s, c in compositions.items()}
    cost = outside
    if mode == "proportional":
        part = number / max(1, codes.size)
        cost = {s: np.abs(c[:, 0] - part[0] * s) + np.abs(c[:, 1] - part[1] * s) for s, c in compositions.items()}
    elif mode != "balanced":
        cost = {s: (t + 1) * lone[s] + outside[s] for s in classes}

    def least(value: dict[int, NDArray[np.float64]], ceiling: float | None = None) -> float:
        return _least_cost(problem, compositions, value, number, joined, None if ceiling is None else (cost, ceiling))

    best = least(cost)
    whole = mode != "proportional"
    bound = float(round(best)) if whole else best
    pool = PoolBounds(
        t - round(least(outside)),
        t - round(least(lone)),
        round(least(single)),
        round(least(single, bound + (0.5 if whole else 1e-6 * max(1.0, bound)))),
    )
    return Balancing(codes, mode, band, compositions, cost, t, pool, bound)


def _joined(problem: Problem, codes: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the kinds of groups that stay together, as women, men and not stated, and how many there are of each.

    Where people may stay out, so may a whole group: then none is sure to need a place.
    """
    if not problem.together or not problem.all_placed:
        return np.empty((0, 3), dtype=np.int64), np.empty(0, dtype=np.int64)
    people = np.unique(np.array(problem.together).ravel())
    _, group = np.unique(problem.cluster[people], return_inverse=True)
    inside = np.zeros((int(group.max()) + 1, 3), dtype=np.int64)
    np.add.at(inside, (group.ravel(), codes[people]), 1)
    kinds, number = np.unique(inside, axis=0, return_counts=True)
    return kinds, number


def _least_cost(
    problem: Problem,
    compositions: dict[int, NDArray[np.int64]],
    value: dict[int, NDArray[np.float64]],
    number: NDArray[np.int64],
    joined: tuple[NDArray[np.int64], NDArray[np.int64]],
    ceiling: tuple[dict[int, NDArray[np.float64]], float] | None,
) -> float:
    """Return the least total over how many teams get each composition: a whole-number programme of a few rows.

    Columns: teams of each composition, then groups of each kind that stay together in teams of each composition that
    has room for one. All groups in teams of a composition fit into all the places there: a relaxation, hence a bound.
    """
    classes = sorted(compositions)
    size = np.concatenate([np.full(len(compositions[s]), s) for s in classes])
    parts = np.concatenate([compositions[s] for s in classes])
    whole = np.column_stack([parts, size - parts.sum(axis=1)])
    p = len(whole)
    kinds, groups = joined
    kind, at = np.nonzero((whole[None, :, :] >= kinds[:, None, :]).all(axis=2))
    width = p + kind.size
    column = p + np.arange(kind.size)

    def row(values: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.concatenate([values, np.zeros(width - p)])

    objective = row(np.concatenate([value[s] for s in classes]))
    teams = np.array([row((size == s).astype(float)) for s in classes])
    per_class = np.array([float((problem.sizes == s).sum()) for s in classes])
    people = np.array([row(side) for side in whole.T.astype(float)])
    rows: list[Rows] = [
        (sparse.csr_array(teams), per_class, per_class),
        (sparse.csr_array(people), number.astype(float) if problem.all_placed else 0.0, number.astype(float)),
    ]
    if kind.size:
        every = sparse.csr_array((np.ones(kind.size), (kind, column)), shape=(len(kinds), width))
        rows.append((every, groups.astype(float), groups.astype(float)))
        for side in range(3):
            taken = sparse.csr_array((kinds[kind, side].astype(float), (at, column)), shape=(p, width))
            places = sparse.csr_array((-whole[:, side].astype(float), (np.arange(p), np.arange(p))), shape=(p, width))
            rows.append((sparse.csr_array(taken + places), -np.inf, 0.0))
        # As many of one kind as fit into one team, times the teams: sharper where a team holds one and a half.
        with np.errstate(divide="ignore"):
            fit = np.where(kinds[kind] > 0, whole[at] // np.maximum(kinds[kind], 1), np.iinfo(np.int64).max).min(axis=1)
        one = np.arange(kind.size)
        rows.append(
            (
                sparse.csr_array(
                    (np.concatenate([np.ones(kind.size), -fit.astype(float)]), (np.tile(one, 2), np.concatenate([column, at]))),
                    shape=(kind.size, width),
                ),
                -np.inf,
                0.0,
            )
        )
    if ceiling is not None:
        rows.append((sparse.csr_array(row(np.concatenate([ceiling[0][s] for s in classes]))[None, :]), -np.inf, ceiling[1]))
    answer = maximise_whole(-objective, rows, np.inf, nodes=5000)
    if answer.finished and answer.values is not None:
        return float(objective @ np.rint(answer.values))
    return max(0.0, -answer.bound) if np.isfinite(answer.bound) else 0.0


def aim(problem: Problem, balancing: Balancing, team: NDArray[np.int64]) -> NDArray[np.int64] | None:
    """Give each team the women and men to aim at: together as even as the pool allows, with the fewest changes.

    Parameters
    ----------
    problem, balancing
        The problem and what stage 2 adds to it.
    team : array of int, shape (n_people,)
        The team that each person is in now.

    Returns
    -------
    array of int, shape (n_teams, 2), or None
        Women and men of each team, of the least cost for which whoever must be together can stay where they are.
        None where HiGHS found no such numbers.

    Notes
    -----
    Teams of one size and composition are alike, so the programme only counts how many teams go from which composition
    to which: at most a few thousand whole numbers, however many teams there are.
    """
    t = problem.n_teams
    number = np.bincount(balancing.codes, minlength=3)
    now, kept = np.zeros((t, 3), dtype=np.int64), np.zeros((t, 3), dtype=np.int64)
    placed = np.flatnonzero(team < t)
    np.add.at(now, (team[placed], balancing.codes[placed]), 1)
    # A swap moves one person: two who must be together would have to leave at once, and seldom can.
    bound = np.unique(np.array([p for p in problem.together if team[p[0]] == team[p[1]] < t], dtype=np.int64).ravel())
    np.add.at(kept, (team[bound], balancing.codes[bound]), 1)
    start, kind, teams = np.unique(np.column_stack([problem.sizes, now, kept]), axis=0, return_inverse=True, return_counts=True)
    origin, target, price, far = [], [], [], []
    for at, row in enumerate(start):
        parts, cost = balancing.compositions[int(row[0])], balancing.cost[int(row[0])]
        whole = np.column_stack([parts, row[0] - parts.sum(axis=1)])
        can = (whole >= row[4:]).all(axis=1)
        origin.append(np.full(int(can.sum()), at))
        target.append(whole[can])
        price.append(cost[can])
        far.append(np.abs(whole[can] - row[1:4]).sum(axis=1) / 2)
    where, to, each = np.concatenate(origin), np.concatenate(target), np.concatenate(price)
    leave = sparse.csr_array((np.ones(where.size), (where, np.arange(where.size))), shape=(len(start), where.size))
    rows: list[Rows] = [
        (leave, teams.astype(float), teams.astype(float)),
        (sparse.csr_array(to.T.astype(float)), number.astype(float) if problem.all_placed else 0.0, number.astype(float)),
    ]
    even = maximise_whole(-each, rows, float(t), nodes=_AIM_NODES)
    if even.values is None:
        return None
    least = float(each @ np.rint(even.values))
    rows.append((sparse.csr_array(each[None, :]), -np.inf, least + 1e-6 * max(1.0, least)))
    answer = maximise_whole(-np.concatenate(far), rows, float(t), nodes=_AIM_NODES)
    if answer.values is None:
        return None
    goal = np.empty((t, 2), dtype=np.int64)
    # Both are in the order of the composition that is left: the teams, and the changes of composition.
    goal[np.argsort(kind.ravel(), kind="stable")] = np.repeat(to[:, :2], np.rint(answer.values).astype(np.int64), axis=0)
    return goal


def item_limits(problem: Problem) -> tuple[PoolLimit, ...]:
    """Name the items that the pool has too few holders of."""
    holders = problem.holds.sum(axis=0, dtype=np.int64)
    needed = problem.n_teams * problem.counts
    return tuple(PoolLimit("item", k, int(holders[k]), int(needed[k])) for k in np.flatnonzero(holders < needed).tolist())


def sex_limits(problem: Problem, balancing: Balancing) -> tuple[PoolLimit, ...]:
    """Name the sex of which too few are there for every team to be within the band."""
    if balancing.pool.in_band_max == problem.n_teams:
        return ()
    least = np.ceil(balancing.band[0] * problem.sizes - EPS)
    most = np.floor(balancing.band[1] * problem.sizes + EPS)
    number = np.bincount(balancing.codes, minlength=3)
    needed = int(least.sum())
    if problem.all_placed:
        # Too many of one sex means too few others beside them; those who have not stated are such others too.
        each = np.maximum(least, problem.sizes - most)
        needed = max(needed, int(each.sum()) - int(number[NOT_STATED]))
    return tuple(
        PoolLimit(name, -1, int(number[code]), needed) for name, code in (("women", WOMAN), ("men", MAN)) if number[code] < needed
    )
