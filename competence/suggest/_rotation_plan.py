"""Which moves are made together: the solver called with what it knows as rows, and again for what it does not.

Two rules are no rows of the solver: that a person leaves one place only, and that a unit keeps its smallest staffing when
a chain leaves a post empty. They seldom bite, so the plan is made without them first, which also bounds every plan that
keeps them; where it breaks one, the best part of it is kept, the rest shut, and the plan made again from there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from heapq import heappop, heappush
from math import fsum

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from competence.model import Outcome, Status
from competence.solve.budget import PROOF, Progress
from competence.solve.periods import PeriodsSolution, PeriodsStart, rotate_periods
from competence.solve.rotate import RotationSolution, RotationStart, enumerate_cycles, rotate

__all__ = ["Model", "Others", "Plan", "Ring", "alternatives", "best_periods", "best_plan", "held_back"]

Ring = tuple[int, ...]
"""Places in a ring: who holds each moves to the next; after an open post stands the post left empty in its stead."""

_TRIED = 3000  # moves up to which all ways to keep the rules that are no rows are tried
_NODES = 80  # plans made in that
_SMALL = 200  # places up to which several periods are planned with the solver's own budget
_STEPS = (
    12_000  # places times steps above that: of 850 places in four periods more steps gained a thousandth in four times the time
)
_MOST_RINGS = 300_000  # cycles looked through for alternatives


@dataclass(frozen=True, slots=True, eq=False)
class Model:
    """What is to be planned, over places: those held first, then the open ones.

    Parameters
    ----------
    gain : CSR array, shape (n_held, n_places)
    max_cycle : int or None
    groups : ndarray of int, shape (n_places,)
        Unit of each place.
    limits : ndarray of int, shape (n_units,)
        How many people may leave each unit at once.
    cover : (holders, minimum) or None
        As in :func:`~competence.solve.rotate.rotate`.
    owner : ndarray of int, shape (n_held,)
        Who holds each place.
    whole : ndarray of bool, shape (n_held,)
        Whether the place is a whole post.
    spare : ndarray of int, shape (n_units,)
        Posts that may be left empty in each unit without going under its smallest staffing.
    pins : tuple of Ring
    """

    gain: sparse.csr_array
    max_cycle: int | None
    groups: NDArray[np.int64]
    limits: NDArray[np.int64]
    cover: tuple[sparse.csr_array, NDArray[np.int64]] | None
    owner: NDArray[np.int64]
    whole: NDArray[np.bool_]
    spare: NDArray[np.int64]
    pins: tuple[Ring, ...] = ()

    @property
    def n_held(self) -> int:
        """Places that somebody holds."""
        return int(self.gain.shape[0])

    def worth(self, ring: Ring) -> float:
        """Return the sum of the scores of a ring's moves."""
        steps = zip(ring, (*ring[1:], ring[0]), strict=True)
        return fsum(float(self.gain[i, j]) for i, j in steps if i < self.n_held)

    def emptied(self, ring: Ring) -> int | None:
        """Return the whole post that a chain leaves empty, if it leaves one."""
        for i, j in zip(ring, (*ring[1:], ring[0]), strict=True):
            if i >= self.n_held and self.whole[j]:
                return j
        return None


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """The rings of each period, and what is known about them; ``first`` holds the prices of the plan without shutting."""

    rings: tuple[tuple[int, Ring], ...]
    outcome: Outcome
    first: RotationSolution | None = None
    notes: tuple[str, ...] = ()


class _Shut:
    """What has been shut so far, since the plan broke a rule that is no row of the solver."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.places: set[int] = set()
        self.full: dict[int, set[int]] = {}
        pinned = {i for ring in model.pins for i in ring if i < model.n_held}
        held = {int(model.owner[i]) for i in pinned}
        # Who is pinned from one place leaves no other.
        self.places |= {i for i in np.flatnonzero(np.isin(model.owner, sorted(held))).tolist() if i not in pinned}

    @property
    def may_empty(self) -> list[int] | None:
        """Return the posts a chain may leave empty; None for all."""
        if not self.full:
            return None
        groups = self.model.groups[: self.model.n_held].tolist()
        return [i for i, g in enumerate(groups) if not self.model.whole[i] or g not in self.full or i in self.full[g]]

    def learn(self, rings: Sequence[Ring]) -> bool:
        """Shut what the rings of one period do wrong; return whether anything was."""
        model = self.model
        best = sorted(rings, key=lambda ring: (ring not in model.pins, -model.worth(ring) / len(ring), ring))
        left: dict[int, int] = {}
        emptied: dict[int, list[int]] = {}
        twice: set[int] = set()
        for ring in best:
            for i in ring:
                if i < model.n_held and left.setdefault(int(model.owner[i]), i) != i:
                    twice.add(int(model.owner[i]))
            last = model.emptied(ring)
            if last is not None:
                emptied.setdefault(int(model.groups[last]), []).append(last)
        for owner in twice:
            self.places |= set(np.flatnonzero(model.owner == owner).tolist()) - {left[owner]}
        over = {g: posts for g, posts in emptied.items() if len(posts) > model.spare[g]}
        for g, posts in over.items():
            self.full[g] = self.full.get(g, set(posts)) & set(posts[: max(int(model.spare[g]), 0)])
        return bool(twice or over)


def best_plan(
    model: Model,
    *,
    start: Sequence[Ring] = (),
    effort: int | None = None,
    time_limit: float | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> Plan:
    """Return the best plan of one period that keeps every rule, with the bound that holds for all of them."""
    shut = _Shut(model)
    first: RotationSolution | None = None
    earlier = _start_of(start) if start else None

    def made(locked: set[int], may_empty: list[int] | None, begin: RotationStart | None) -> RotationSolution:
        return rotate(
            model.gain,
            max_cycle=model.max_cycle,
            groups=model.groups,
            group_limit=model.limits,
            locked=sorted(locked),
            cover=model.cover,
            may_empty=may_empty,
            pinned_cycles=model.pins,
            start=begin,
            effort=effort,
            time_limit=time_limit,
            seed=seed,
            progress=progress,
        )

    while True:
        found = made(shut.places, shut.may_empty, earlier)
        if first is None:
            first, begun = found, set(shut.places)
            # The rest is counted in steps alone, so that the whole can be made again.
            if found.outcome.stopped_by == "clock":
                effort = max(found.outcome.steps, 1)
            time_limit = None
        if found.outcome.status is Status.INFEASIBLE or not shut.learn(found.cycles):
            break
        earlier = found.start
    if found is first:
        return Plan(tuple((1, ring) for ring in found.cycles), first.outcome, first)
    bound = first.outcome.bound
    if first.outcome.status is Status.OPTIMAL and model.gain.nnz <= _TRIED:
        found, bound = _tried(model, made, first, found, begun)
    return Plan(tuple((1, ring) for ring in found.cycles), _bounded(found.outcome, replace(first.outcome, bound=bound)), first)


def _tried(
    model: Model,
    made: Callable[[set[int], list[int] | None, RotationStart | None], RotationSolution],
    first: RotationSolution,
    best: RotationSolution,
    begun: set[int],
) -> tuple[RotationSolution, float]:
    """Return the best plan of all ways to keep the rules that are no rows, and the bound of those not tried.

    Branch and bound: somebody who leaves two places leaves one of them at most; of one post more than a unit may leave
    empty, one is not left empty.
    """
    value = loose = best.outcome.objective or 0.0
    count = 0
    open_: list[tuple[float, int, frozenset[int], frozenset[int], RotationSolution]] = []
    heappush(open_, (-(first.outcome.bound or 0.0), count, frozenset(begun), frozenset(), first))
    while open_ and count < _NODES:
        limit, _, locked, kept, found = heappop(open_)
        if -limit <= value + PROOF:
            return best, max(value, loose)
        for more_locked, more_kept in _ways(model, found.cycles):
            count += 1
            places, full = locked | more_locked, kept | more_kept
            may_empty = [i for i in range(model.n_held) if i not in full] if full else None
            child = made(set(places), may_empty, found.start)
            top, worth = child.outcome.bound, child.outcome.objective
            if top is None or worth is None or top <= value + PROOF:
                continue
            if not _ways(model, child.cycles):
                # Nothing to branch on: what its own proof leaves open stays open.
                loose = max(loose, top)
                if worth > value + PROOF:
                    best, value = child, worth
                continue
            heappush(open_, (-top, count, places, full, child))
    return best, max([value, loose, *(-limit for limit, *_ in open_)])


def _ways(model: Model, rings: Sequence[Ring]) -> list[tuple[frozenset[int], frozenset[int]]]:
    """Return what to try where rings break a rule that is no row: places to lock, and posts to keep from being empty."""
    pinned = {i for ring in model.pins for i in ring}
    left: dict[int, int] = {}
    emptied: dict[int, list[int]] = {}
    for ring in rings:
        for i in ring:
            if i < model.n_held and left.setdefault(int(model.owner[i]), i) != i:
                own = np.flatnonzero(model.owner == model.owner[i]).tolist()
                return [(frozenset(own) - {place}, frozenset()) for place in own]
        last = model.emptied(ring)
        if last is not None:
            emptied.setdefault(int(model.groups[last]), []).append(last)
    for g, posts in sorted(emptied.items()):
        if len(posts) > model.spare[g]:
            free = [i for i in posts if i not in pinned]
            spare = max(int(model.spare[g]) - (len(posts) - len(free)), 0)
            return [(frozenset(), frozenset({i})) for i in free[: spare + 1]]
    return []


def _start_of(rings: Sequence[Ring]) -> RotationStart:
    columns = np.full((len(rings), max(map(len, rings))), -1, dtype=np.int32)
    for row, ring in zip(columns, rings, strict=True):
        row[: len(ring)] = ring
    return RotationStart(tuple(sorted(rings)), columns)


def _bounded(last: Outcome, first: Outcome) -> Outcome:
    """Return what is known of a plan made after something was shut: only the bound of before holds for every plan."""
    if last.status is Status.INFEASIBLE or last.objective is None or first.bound is None:
        return last
    bound = max(first.bound, last.objective)
    gap = (bound - last.objective) / (abs(bound) or 1e-9)
    optimal = gap <= PROOF
    stopped = "proof" if optimal else "steps" if first.stopped_by == "proof" else first.stopped_by
    status = Status.OPTIMAL if optimal else Status.FEASIBLE
    seconds = first.seconds + last.seconds
    return replace(last, status=status, bound=bound, gap=gap, steps=first.steps, stopped_by=stopped, seconds=seconds)


def best_periods(
    model: Model,
    periods: int,
    *,
    start: Sequence[tuple[int, Ring]] = (),
    effort: int | None = None,
    time_limit: float | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> Plan:
    """Return the best plan of several periods; pins belong to the first, which is planned before the others then.

    Nobody is twice in the same post, and nobody moves three times while somebody who could move never does: where that
    cannot be had the plan is made without, and a note says so.
    """
    n, size = model.n_held, int(model.gain.shape[1])
    if effort is None and n > _SMALL:
        effort = max(2 * periods, _STEPS // n)
    past: NDArray[np.int64] | None = None
    fixed: tuple[tuple[int, Ring], ...] = ()
    if model.pins:
        ahead = best_plan(
            model, start=[r for t, r in start if t == 1], effort=effort, time_limit=time_limit, seed=seed, progress=progress
        )
        if ahead.outcome.status is Status.INFEASIBLE:
            return ahead
        fixed = ahead.rings
        past = _row([ring for _, ring in fixed], size)[None, :n]
    shut = _Shut(replace(model, pins=()))
    waits: int | None = 3
    notes: tuple[str, ...] = ()
    first: PeriodsSolution | None = None
    begin: PeriodsStart | None = None
    if start:
        begin = PeriodsStart(np.stack([_row([r for t, r in start if t == k + 1], size) for k in range(periods)]))
    while True:
        found = rotate_periods(
            model.gain,
            periods,
            max_cycle=model.max_cycle,
            groups=model.groups,
            group_limit=model.limits,
            locked=sorted(shut.places),
            cover=model.cover,
            may_empty=shut.may_empty,
            waits=waits,
            past=past,
            start=begin,
            effort=effort,
            time_limit=time_limit,
            seed=seed,
            progress=progress,
        )
        if time_limit is not None and found.outcome.stopped_by == "clock":
            effort = max(found.outcome.steps, 1)
        time_limit = None
        if found.outcome.conflicts:
            waits, notes = None, (f"waits_not_kept:{len(found.outcome.conflicts)}",)
            begin, first = found.start, None
            continue
        first = first or found
        broken = [shut.learn(cycles) for cycles in found.cycles]
        if not any(broken):
            break
        begin = found.start
    outcome = found.outcome if found is first else _bounded(found.outcome, first.outcome)
    if fixed:
        value = (outcome.objective or 0.0) + fsum(model.worth(ring) for _, ring in fixed)
        # The bound is for what follows the first period as it was planned, and so for no other plan.
        outcome = replace(
            outcome,
            status=Status.HEURISTIC,
            objective=value,
            bound=None,
            gap=None,
            stopped_by=outcome.stopped_by.replace("proof", "steps"),
        )
    begun = 1 if fixed else 0
    later = tuple((t + 1 + begun, ring) for t, cycles in enumerate(found.cycles) for ring in cycles)
    return Plan((*fixed, *later), outcome, None, notes)


def _row(rings: Sequence[Ring], size: int) -> NDArray[np.int64]:
    """Return whose place each is in, everybody else at home."""
    row = np.arange(size, dtype=np.int64)
    for ring in rings:
        row[list(ring)] = [*ring[1:], ring[0]]
    return row


@dataclass(frozen=True, slots=True)
class Others:
    """What else there is for the people of a ring.

    Parameters
    ----------
    rings : tuple of (Ring, float, float or None)
        Other cycles for them, the nearest in price first: ring, worth, and at least what it costs the whole; None where
        the proof of the plan is too wide to say.
    refusal : float
        At most what it costs the whole that the ring is refused: its worth less that of other cycles, of its people and
        those who stay, which could take its place while all else is as planned.
    """

    rings: tuple[tuple[Ring, float, float | None], ...] = ()
    refusal: float = 0.0


def alternatives(model: Model, plan: Plan, most: int) -> dict[Ring, Others]:
    """Return what else there is for each ring of a plan of one period.

    The prices of the linear programme bound every plan that holds a cycle: bound - (prices of its places, units and
    competences - worth). What that lies under the plan's own worth is lost at least.
    """
    first = plan.first
    if first is None or plan.outcome.objective is None or not plan.rings:
        return {}
    n = model.n_held
    pinned = {i for ring in model.pins for i in ring}
    rings, worth, _ = enumerate_cycles(model.gain[:, :n], min(model.max_cycle or 3, 3), _MOST_RINGS)
    inside = rings >= 0
    at = np.where(inside, rings, 0).astype(np.int64)
    owner = np.where(inside, model.owner[at], -1 - np.arange(rings.shape[1]))
    fine = ~np.isin(rings, sorted(pinned)).any(axis=1) & ~(inside & (model.limits[model.groups[at]] < 1)).any(axis=1)
    for a in range(rings.shape[1]):
        for b in range(a):
            fine &= owner[:, a] != owner[:, b]
    rings, worth, at, inside = rings[fine], worth[fine], at[fine], inside[fine]
    price, bound = _priced(model, first, at, inside)
    cost = plan.outcome.objective - bound + price - worth
    order = np.lexsort((*rings.T[::-1], np.round(price - worth, 12)))
    rings, worth, cost = rings[order], worth[order], cost[order]
    place, rank = rings.ravel(), np.repeat(np.arange(len(rings)), rings.shape[1])
    place, rank = place[place >= 0], rank[place >= 0]
    by_place = np.argsort(place, kind="stable")
    place, rank = place[by_place], rank[by_place]
    own = {ring for _, ring in plan.rings}
    room = _Room(model, sorted(own))
    found: dict[Ring, Others] = {}
    for ring in sorted(own):
        about: list[int] = []
        for i in ring:
            lo, hi = np.searchsorted(place, [i, i + 1])
            about += rank[lo:hi].tolist()
        near = sorted(set(about))
        listed: list[tuple[Ring, float, float | None]] = []
        for r in near:
            other = tuple(int(i) for i in rings[r] if i >= 0)
            if other not in own and len(listed) < most:
                listed.append((other, float(worth[r]), float(cost[r]) if cost[r] > _PRICED else None))
        refusal = 0.0 if ring in model.pins else model.worth(ring)
        if ring not in model.pins and not any(i >= n for i in ring):
            refusal -= room.instead(ring, rings[near], worth[near])
        found[ring] = Others(tuple(listed), refusal)
    return found


def held_back(model: Model, rings: Sequence[Ring]) -> dict[int, str]:
    """Name the limit of their unit that keeps people where they are, by who holds the place.

    ``unit_limit_reached`` where the unit lets nobody more move; ``needed_for_cover`` where it would have too few holders
    of a critical competence without the person, unless another holder came.
    """
    room = _Room(model, rings)
    found: dict[int, str] = {}
    for i in np.flatnonzero(model.whole).tolist():
        owner, unit = int(model.owner[i]), model.groups[i]
        if room.moving[owner]:
            continue
        if room.left[unit] < 1:
            found[owner] = "unit_limit_reached"
        elif (room.slack[unit] - room.held[i] < -1e-9).any():
            found[owner] = "needed_for_cover"
    return found


_PRICED = 1e-6
"""Cost that is told: below it lies what the solver rounds."""


def _priced(
    model: Model, first: RotationSolution, at: NDArray[np.int64], inside: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], float]:
    """Return the price of each cycle and the bound that goes with the prices."""
    n = model.n_held
    after = np.where(np.roll(inside, -1, axis=1), np.roll(at, -1, axis=1), at[:, :1])
    price = np.where(inside, first.person_prices[at] + first.group_prices[model.groups[at]], 0.0).sum(axis=1)
    left = model.limits.astype(np.float64)
    moves = [(i, j) for ring in model.pins for i, j in zip(ring, (*ring[1:], ring[0]), strict=True) if i < n]
    for i, _ in moves:
        left[model.groups[i]] -= 1.0
    bound = float(first.person_prices.sum() + (first.group_prices * left).sum())
    bound += fsum(model.worth(ring) for ring in model.pins)
    if model.cover is not None:
        held = np.asarray(model.cover[0].toarray(), dtype=np.float64)
        by_unit = held @ first.cover_prices.T
        price += np.where(inside, by_unit[at, model.groups[at]] - by_unit[at, model.groups[after]], 0.0).sum(axis=1)
        slack = _slack(model, held)
        for i, j in moves:
            slack[model.groups[i]] -= held[i]
            slack[model.groups[j]] += held[i]
        bound += float((first.cover_prices * slack).sum())
    return price, bound


def _slack(model: Model, held: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how many holders each unit may lose of each critical competence."""
    if model.cover is None:
        return np.zeros((len(model.limits), 0))
    now = np.zeros((len(model.limits), held.shape[1]))
    np.add.at(now, model.groups[: model.n_held], held)
    return now - np.minimum(model.cover[1], now)


class _Room:
    """What a plan leaves free: who stays, movers left in each unit, and holders left of each critical competence."""

    def __init__(self, model: Model, rings: Sequence[Ring]) -> None:
        self.model = model
        self.held = (
            np.asarray(model.cover[0].toarray(), dtype=np.float64) if model.cover is not None else np.zeros((model.n_held, 0))
        )
        self.left = model.limits.astype(np.int64)
        self.slack = _slack(model, self.held)
        self.moving = np.zeros(int(model.owner.max(initial=-1)) + 1, dtype=np.bool_)
        for ring in rings:
            self._take(ring, 1)

    def _take(self, ring: Ring, sign: int) -> None:
        for i, j in zip(ring, (*ring[1:], ring[0]), strict=True):
            if i < self.model.n_held:
                here, there = self.model.groups[i], self.model.groups[j]
                self.left[here] -= sign
                self.slack[here] -= sign * self.held[i]
                self.slack[there] += sign * self.held[i]
                self.moving[self.model.owner[i]] = sign > 0

    def _fits(self) -> bool:
        return bool((self.left >= 0).all() and (self.slack >= -1e-9).all())

    def instead(self, ring: Ring, rings: NDArray[np.int32], worth: NDArray[np.float64]) -> float:
        """Return the worth of cycles that could take a refused one's place, none of its moves among them; 0 for none.

        The best that fits first, then the next. Where the rest does not keep its rules without the ring, nothing is
        known of what else is lost: minus infinity.
        """
        refused = set(zip(ring, (*ring[1:], ring[0]), strict=True))
        self._take(ring, -1)
        fits = self._fits()
        found: list[Ring] = []
        total: list[float] = []
        if fits and len(rings):
            inside = rings >= 0
            free = ~(inside & self.moving[self.model.owner[np.where(inside, rings, 0)]]).any(axis=1)
            rings, worth = rings[free], worth[free]
            for k in np.lexsort((*rings.T[::-1], -worth)).tolist():
                other = tuple(int(i) for i in rings[k] if i >= 0)
                if self.moving[self.model.owner[list(other)]].any():
                    continue
                if not refused.isdisjoint(zip(other, (*other[1:], other[0]), strict=True)):
                    continue
                self._take(other, 1)
                if self._fits():
                    found.append(other)
                    total.append(float(worth[k]))
                else:
                    self._take(other, -1)
        for other in found:
            self._take(other, -1)
        self._take(ring, 1)
        return fsum(total) if fits else float("-inf")
