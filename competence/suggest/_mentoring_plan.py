"""The plan of a mentoring round: which allowed pairs are made, proven best, and what another choice would cost.

This module decides the order of aims and turns it into one exact assignment. It sees scores, room and rounds waited; who
the people are, it does not know.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import ceil, fsum, log2

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from competence.model import Outcome, Status
from competence.solve.assign import Assignment, alternatives, assign
from competence.solve.budget import PROOF, Progress
from competence.solve.stable import blocking_pairs, stable_match

__all__ = ["Other", "Plan", "best_plan", "blocking", "stable_plan"]

Pins = Sequence[tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Other:
    """Another mentor for a mentee: the position, and at least what the whole would lose.

    ``cost`` is None where it is not known; ``displaces`` says that somebody else would then go without.
    """

    mentor: int
    cost: float | None
    displaces: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """Pairs as (mentee, mentor) positions, how good they are known to be, and the prices behind it where there are some.

    ``aims`` are the scores the assignment was solved with and ``step`` what one pair or one round of waiting adds to
    them, 0 where only scores count.
    """

    pairs: tuple[tuple[int, int], ...]
    total: float
    outcome: Outcome
    assignment: Assignment | None = None
    aims: sparse.csr_array | None = None
    step: float = 0.0

    def others(self, mentee: int, score: sparse.csr_array, pins: Pins, n: int) -> list[Other]:
        """Return up to n other mentors for a mentee, the one that costs the whole least first.

        Without prices, and for a pinned pair, whose place in the plan no price decided, the best scores without a cost.
        """
        if self.assignment is None or self.aims is None or any(e == mentee for e, _ in pins):
            mine = {r for e, r in self.pairs if e == mentee}
            span = slice(int(score.indptr[mentee]), int(score.indptr[mentee + 1]))
            ranked = sorted(zip(-score.data[span], score.indices[span].tolist(), strict=True))
            return [Other(r, None) for _, r in ranked if r not in mine][:n]
        found = []
        for other in alternatives(self.aims, self.assignment, mentee, n):
            steps = round(other.loss / self.step) if self.step else other.pairs_lost
            found.append(Other(other.column, None if steps > 0 else max(other.loss, 0.0), steps > 0))
        return found


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
        return _plan(score, found, found.outcome, score, 0.0)
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
    free = score.tocoo()
    keep = ~np.isin(free.row, [e for e, _ in pins])
    rest = sparse.csr_array((free.data[keep], (free.row[keep], free.col[keep])), shape=score.shape)
    found = stable_match(rest, _seen_by_mentors(rest, rounds), room - taken)
    pairs = sorted([*map(tuple, found.pairs.tolist()), *pins])
    total = _total(score, pairs)
    outcome = replace(found.outcome, objective=total, bound=total, gap=0.0)
    return Plan(tuple(pairs), total, outcome), blocking(score, room, rounds, pairs)


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
    values = []
    for e, r in pairs:
        start, stop = int(score.indptr[e]), int(score.indptr[e + 1])
        values.append(float(score.data[start + int(np.searchsorted(score.indices[start:stop], r))]))
    return fsum(values)


def _plan(score: sparse.csr_array, found: Assignment, outcome: Outcome, aims: sparse.csr_array | None, step: float) -> Plan:
    pairs = tuple((int(e), int(r)) for e, r in found.pairs)
    return Plan(pairs, _total(score, pairs), outcome, found, aims, step)
