"""The plan of a mentoring round: which allowed pairs are made, proven best, and what another choice would cost.

This module decides the order of aims and turns it into one exact assignment. It sees scores, room and rounds waited; who
the people are, it does not know.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import ceil, fsum, isnan, log2
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from competence.model import Outcome, Status
from competence.solve.assign import Assignment, assign
from competence.solve.budget import PROOF, Progress
from competence.solve.stable import blocking_pairs, stable_match

__all__ = ["Other", "Plan", "best_plan", "blocking", "comparison", "stable_plan"]

Pins = Sequence[tuple[int, int]]


class Other(NamedTuple):
    """Another mentor for a mentee: the position, which allowed pair it is, and at least what the whole would lose.

    ``cost`` is None where it is not known; ``displaces`` says that somebody else would then go without.
    """

    mentor: int
    pair: int
    cost: float | None
    displaces: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """Pairs as (mentee, mentor) positions, how good they are known to be, and the prices behind it where there are some.

    ``aims`` are the scores the assignment was solved with and ``step`` what one pair or one round of waiting counts for,
    0 where only scores count.
    """

    pairs: tuple[tuple[int, int], ...]
    total: float
    outcome: Outcome
    assignment: Assignment | None = None
    aims: sparse.csr_array | None = None
    step: float = 0.0

    def others(self, score: sparse.csr_array, room: NDArray[np.int64], pins: Pins, n: int) -> dict[int, list[Other]]:
        """Return up to n other mentors for each mentee in a pair, the one that costs the whole least first.

        Notes
        -----
        With u and v the prices, the best plan that holds the pair (e, r) is worth less than this one by the reduced cost
        u_e + v_r - s_er, and where r is full also by what it costs the one of r's mentees who leaves most easily to go
        elsewhere or without: the first two steps of the path by which a plan changes, whose other steps cost nothing or
        more (linear programming duality; Ahuja, Magnanti & Orlin 1993, Network Flows, chapter 9). So it loses at least
        that. A pinned pair's place no price decided, and a stable plan has no prices: there the best scores come without
        a cost. Nobody is offered a mentor whose places are all pinned. O(allowed pairs * log).
        """
        row = np.repeat(np.arange(score.shape[0]), np.diff(score.indptr))
        column = score.indices.astype(np.int64)
        mine = np.full(score.shape[0], -1, dtype=np.int64)
        for e, r in self.pairs:
            mine[e] = r
        fixed = np.zeros(score.shape[0], dtype=np.bool_)
        fixed[[e for e, _ in pins]] = True
        taken = np.bincount([r for _, r in pins], minlength=len(room)) if pins else np.zeros(len(room), dtype=np.int64)
        offered = (mine[row] >= 0) & (column != mine[row]) & (room[column] > taken[column])
        loss = np.full(len(row), np.nan)
        if self.assignment is not None and self.aims is not None:
            loss = _loss(self.assignment, self.aims, row, column, mine, fixed, room)
            loss[fixed[row]] = np.nan
        first = np.where(np.isnan(loss), 0.0, loss)
        near = np.flatnonzero(offered)
        near = near[_among_least(first[near], row[near], n)]
        best = near[np.lexsort((column[near], -score.data[near], first[near], row[near]))]
        found: dict[int, list[Other]] = {e: [] for e, _ in self.pairs}
        best = best[_rank_within(row[best]) < n]
        told = (of[best].tolist() for of in (row, column, loss))
        for at, e, r, lost in zip(best.tolist(), *told, strict=True):
            known = not isnan(lost)
            displaces = known and self.step > 0 and round(lost / self.step) > 0
            found[e].append(Other(r, at, lost if known and not displaces else None, displaces))
        return found


def _loss(
    assignment: Assignment,
    aims: sparse.csr_array,
    row: NDArray[np.int64],
    column: NDArray[np.int64],
    mine: NDArray[np.int64],
    fixed: NDArray[np.bool_],
    room: NDArray[np.int64],
) -> NDArray[np.float64]:
    """Return at least what the aims lose where a pair is made, per allowed pair."""
    u, v = assignment.row_duals, assignment.column_duals
    reduced = np.maximum(u[row] + v[column] - (assignment.pair_bonus + aims.data), 0.0)
    # What it costs each mentee to go to another mentor than now, or without.
    leaving = np.where(fixed, np.inf, np.maximum(u, 0.0))
    elsewhere = (column != mine[row]) & ~fixed[row]
    np.minimum.at(leaving, row[elsewhere], reduced[elsewhere])
    easiest = np.full(len(room), np.inf)
    placed = mine >= 0
    np.minimum.at(easiest, mine[placed], leaving[placed])
    easiest[np.bincount(mine[placed], minlength=len(room)) < room] = 0.0
    return np.asarray(reduced + easiest[column], dtype=np.float64)


def _among_least(value: NDArray[np.float64], group: NDArray[np.int64], n: int) -> NDArray[np.bool_]:
    """Say of each entry whether it is one of the n least different values of its group, where groups stand together.

    At least the n least entries are, and few others, so that only those few need to be put in order.
    """
    if not len(value) or n < 1:
        return np.zeros(len(value), dtype=np.bool_)
    starts = np.flatnonzero(np.r_[True, group[1:] != group[:-1]])
    sizes = np.diff(np.r_[starts, len(group)])
    left = value.copy()
    for _ in range(n):
        least = np.repeat(np.minimum.reduceat(left, starts), sizes)
        left[left <= least] = np.inf
    return np.asarray(value <= least, dtype=np.bool_)


def _rank_within(group: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the place of each entry within its group, where groups stand together."""
    starts = np.flatnonzero(np.r_[True, group[1:] != group[:-1]]) if len(group) else np.empty(0, dtype=np.int64)
    return np.arange(len(group)) - np.repeat(starts, np.diff(np.r_[starts, len(group)]))


def best_plan(
    score: sparse.csr_array,
    room: NDArray[np.int64],
    rounds: NDArray[np.int64],
    pins: Pins,
    objective: str,
    *,
    effort: int | None,
    time_limit: float | None,
    seed: int,
    progress: Progress | None,
) -> Plan:
    """Return the plan that is best by the aims in their order, proven.

    Notes
    -----
    ``most_pairs``: as many pairs as possible, then most rounds of waiting ended, then the highest total score.
    ``score``: most rounds of waiting ended, then the highest total score. The first two aims never stand against each
    other: the sets of mentees that can have a mentor at the same time are a matroid (Edmonds & Fulkerson 1965,
    https://doi.org/10.6028/jres.069B.016), so any of them can be added to without leaving one out until no more pairs
    are possible. Waiting is put into the scores as step * rounds (for ``most_pairs`` step * (1 + rounds)), where the step
    is a power of two above twice what all pairs together can score; so one round outweighs every difference in score.
    """
    if not rounds.any():
        found = assign(
            score, 1, room, objective=objective, pinned=pins, effort=effort, time_limit=time_limit, seed=seed, progress=progress
        )
        return _plan(score, found, found.outcome, score, found.pair_bonus)
    units = min(score.shape[0], int(np.minimum(room, score.shape[0]).sum()))
    step = 2.0 ** ceil(log2(2 * (units + 1) * max(float(score.data.max(initial=0.0)), 1e-6)))
    lift = step * (rounds + (objective == "most_pairs"))
    aims = sparse.csr_array((score.data + np.repeat(lift, np.diff(score.indptr)), score.indices, score.indptr), shape=score.shape)
    found = assign(
        aims, 1, room, objective="score", pinned=pins, effort=effort, time_limit=time_limit, seed=seed, progress=progress
    )
    if found.outcome.status is Status.INFEASIBLE:
        return _plan(score, found, found.outcome, aims, step)
    total = _total(score, found.pairs.tolist())
    open_part = max((found.outcome.bound or 0.0) - (found.outcome.objective or 0.0), 0.0)
    # The proof is of scores with steps; what it leaves open is compared with the scores alone.
    if open_part <= PROOF * max(total, 1.0):
        outcome = replace(found.outcome, objective=total, bound=total, gap=0.0)
    else:
        settled = open_part < step / 2
        most = total + open_part if settled else fsum(score.data[a:b].max(initial=0.0) for a, b in _spans(score))
        notes = found.outcome.notes if settled else (*found.outcome.notes, "number_of_pairs_not_proven")
        status = Status.FEASIBLE if found.outcome.status is Status.OPTIMAL else found.outcome.status
        gap = (most - total) / (abs(most) or PROOF)
        outcome = replace(found.outcome, status=status, objective=total, bound=most, gap=gap, notes=notes)
    return _plan(score, found, outcome, aims, step)


def stable_plan(
    score: sparse.csr_array,
    room: NDArray[np.int64],
    rounds: NDArray[np.int64],
    pins: Pins,
) -> tuple[Plan, int]:
    """Return the plan that is stable and best for the mentees among those, and how many pairs block it.

    Mentors take who has waited longest first, then the higher score; mentees look at the score. The pinned pairs stand
    beside it, and may be the ones that block.
    """
    taken = np.bincount([r for _, r in pins], minlength=len(room)) if pins else np.zeros(len(room), dtype=np.int64)
    if (taken > room).any():
        # With too many pins the assignment names what is over; there is nothing stable to look for.
        found = assign(score, 1, room, pinned=pins)
        return _plan(score, found, found.outcome, None, 0.0), 0
    rest = score
    if pins:
        free = score.tocoo()
        keep = ~np.isin(free.row, [e for e, _ in pins])
        rest = sparse.csr_array((free.data[keep], (free.row[keep], free.col[keep])), shape=score.shape)
    found = stable_match(rest, _seen_by_mentors(rest, rounds), room - taken)
    pairs = sorted([*map(tuple, found.pairs.tolist()), *pins])
    total = _total(score, pairs)
    outcome = replace(found.outcome, objective=total, bound=total, gap=0.0)
    # Nothing but a pin can stand in the way of what two would both rather have.
    return Plan(tuple(pairs), total, outcome), blocking(score, room, rounds, pairs) if pins else 0


def comparison(
    score: sparse.csr_array,
    room: NDArray[np.int64],
    rounds: NDArray[np.int64],
    pins: Pins,
    best: Plan,
    stable: tuple[Plan, int] | None,
) -> tuple[str, ...]:
    """Return notes on the plan that is shown: pairs that block it, and the other plan's pairs, score and price.

    ``stable`` is what :func:`stable_plan` gave where that plan is shown; None where the best one is.
    """
    other, blocked = stable or stable_plan(score, room, rounds, pins)
    told, name = (other, "stable") if stable is None else (best, "best")
    return (
        f"blocking_pairs:{blocked if stable else blocking(score, room, rounds, best.pairs)}",
        f"{name}_pairs:{len(told.pairs)}",
        f"{name}_score:{told.total:.3f}",
        f"stable_price:{best.total - other.total:.3f}",
    )


def blocking(
    score: sparse.csr_array, room: NDArray[np.int64], rounds: NDArray[np.int64], pairs: Sequence[tuple[int, int]]
) -> int:
    """Return how many pairs would both rather have each other."""
    return len(blocking_pairs(score, _seen_by_mentors(score, rounds), np.array(pairs, dtype=np.int64).reshape(-1, 2), room))


def _seen_by_mentors(score: sparse.csr_array, rounds: NDArray[np.int64]) -> sparse.csr_array:
    # Scores lie in [0, 1]: two per round keep those who have waited before all others.
    values = score.data + 2.0 * np.repeat(rounds, np.diff(score.indptr))
    return sparse.csr_array((values, score.indices, score.indptr), shape=score.shape)


def _spans(score: sparse.csr_array) -> list[tuple[int, int]]:
    return list(zip(score.indptr[:-1].tolist(), score.indptr[1:].tolist(), strict=True))


def _total(score: sparse.csr_array, pairs: Sequence[Sequence[int]]) -> float:
    """Return the exact sum of the scores of pairs, all of which are allowed."""
    if not len(pairs):
        return 0.0
    n_columns = score.shape[1]
    keys = np.repeat(np.arange(score.shape[0]) * n_columns, np.diff(score.indptr)) + score.indices
    mentee, mentor = np.array(pairs, dtype=np.int64).T
    return fsum(score.data[np.searchsorted(keys, mentee * n_columns + mentor)].tolist())


def _plan(score: sparse.csr_array, found: Assignment, outcome: Outcome, aims: sparse.csr_array | None, step: float) -> Plan:
    pairs = tuple([(e, r) for e, r in found.pairs.tolist()])
    return Plan(pairs, _total(score, pairs), outcome, found, aims, step)
