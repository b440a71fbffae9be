"""Whole-number programmes over kinds of people x teams: the proof of small team problems (HiGHS in SciPy)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from competence.solve.budget import Budget
from competence.solve.programme import Rows, WholeAnswer, maximise_whole
from competence.solve.teams_bounds import Balancing
from competence.solve.teams_problem import EPS, MAN, WOMAN, Problem

__all__ = ["Model", "build_model", "name_conflicts", "prove_balance", "prove_cover"]

_MIP_SIZE = 900  # whole-number variables up to which HiGHS usually proves something within seconds
_MIP_NODES = 400
_MIP_SPREAD = 1e6  # largest over smallest piece of coverage that HiGHS is trusted with: its tolerances are 1e-7 to 1e-6

_NAMING = 60
"""Programmes solved at most to name few rules that already contradict each other; each is small, and needs no optimum."""

_Key = tuple[float, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Model:
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


def build_model(problem: Problem, codes: NDArray[np.int64] | None) -> Model | None:
    """Build the rows that every stage has; None where it would be too large to prove anything."""
    n, t, k = problem.n, problem.n_teams, problem.counts.size
    if t * n > 40 * _MIP_SIZE and t * 2**k > 40 * _MIP_SIZE:
        return None
    unlike = np.zeros(n, dtype=np.int64)
    paired = sorted({i for p in (*problem.together, *problem.apart) for i in p})
    unlike[paired] = np.arange(1, len(paired) + 1)
    label = np.column_stack(
        [problem.holds, problem.group, unlike, np.zeros(n, dtype=np.int64) if codes is None else codes]
    ).astype(np.int64)
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
    return Model(kinds, rows, np.array(low), np.array(high), top, cover, c * t, sharp)


def _programme(
    model: Model,
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


def _placed(problem: Problem, model: Model, values: NDArray[np.float64]) -> NDArray[np.int64]:
    """Turn numbers of each kind per team into a plan, lower positions first."""
    t = problem.n_teams
    team = np.full(problem.n, t, dtype=np.int64)
    number = np.rint(values[: len(model.kinds) * t]).astype(np.int64).reshape(len(model.kinds), t)
    for people, row in zip(model.kinds, number, strict=True):
        team[people[: int(row.sum())]] = np.repeat(np.arange(t), row)
    return team


def prove_cover(
    problem: Problem,
    model: Model,
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
    if best[0] > 0 or -best[1] < worst_bound - EPS:
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
    if best[0] == 0 and -best[1] >= worst_bound - EPS and -best[2] < total_bound - EPS * t:
        objective = np.asarray(model.cover.sum(axis=0), dtype=np.float64).ravel()
        answer = _programme(model, objective, [(model.cover, -best[1] / unit - 1e-6, np.inf)], np.empty(0), 0, budget)
        if np.isfinite(answer.bound):
            total_bound = min(total_bound, problem.down(answer.bound * unit + 1e-9 * unit))
        if answer.values is not None:
            plan = _placed(problem, model, answer.values)
            if key(plan) < best:
                team, best = plan, key(plan)
    return team, best, worst_bound, total_bound, False


def name_conflicts(problem: Problem, budget: Budget) -> tuple[str, ...]:
    """Return few rules that no plan can keep at once, of a problem whose rules together are proven impossible.

    Rules are left out, half of them at first, then fewer and in the end one by one, as long as the others are still
    proven impossible (a deletion filter, Chinneck & Dravnieks 1991, https://doi.org/10.1287/ijoc.3.2.157). With steps
    to spare no named rule could be left out.
    """
    units = np.unique(problem.group[problem.group >= 0])
    crowded = [u for u in units.tolist() if int((problem.group == u).sum()) > problem.group_limit]
    rules: list[tuple[str, tuple[int, ...]]] = [
        *(("at_most", (u,)) for u in crowded),
        *(("apart", p) for p in problem.apart),
        *(("together", p) for p in problem.together),
    ]
    solved, length = 0, max(1, len(rules) // 2)
    while solved < _NAMING:
        at, before = 0, len(rules)
        while at < len(rules) and solved < _NAMING and budget.go_on("teams conflicts"):
            fewer = rules[:at] + rules[at + length :]
            solved += 1
            # Without any rule there is a plan: the people suffice, as was checked before.
            if fewer and _impossible(problem, fewer, budget):
                rules = fewer
            else:
                at += length
        if length == 1 and (len(rules) == before or len(rules) <= 1):
            break
        length = max(1, length // 2)
        if not budget.go_on("teams conflicts"):
            break
    names = {"apart": "apart_impossible", "together": "together_impossible", "at_most": "at_most"}
    return tuple(f"{names[rule]}:{','.join(map(str, who))}" for rule, who in sorted(rules))


def _impossible(problem: Problem, rules: list[tuple[str, tuple[int, ...]]], budget: Budget) -> bool:
    """Say whether it is proven that no plan keeps these rules alone."""
    kept = {who[0] for rule, who in rules if rule == "at_most"}
    fewer = replace(
        problem,
        together=tuple((who[0], who[1]) for rule, who in rules if rule == "together"),
        apart=tuple((who[0], who[1]) for rule, who in rules if rule == "apart"),
        group=np.where(np.isin(problem.group, sorted(kept)), problem.group, -1),
        # What anybody holds has no say in what is possible; people who are alike make the programme smaller.
        holds=np.zeros_like(problem.holds),
    )
    model = build_model(fewer, None)
    if model is None:
        return False
    return _programme(model, np.zeros(model.top.size), [], np.empty(0), 0, budget).impossible


def prove_balance(
    problem: Problem,
    balancing: Balancing,
    model: Model,
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
    sexes = np.array([balancing.codes[people[0]] for people in model.kinds])
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
