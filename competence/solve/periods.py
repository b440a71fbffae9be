"""Who is in whose post, period after period: nobody twice in the same post, everybody's own post kept for them.

This module decides the plan of highest total gain over several periods under limits on the load each person carries,
on how long one waits while others move, and on all that :mod:`competence.solve.rotate` keeps within one period. Each
person's own post stays theirs: who is not placed elsewhere is at home, and a placement lasts one period.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import fsum

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from competence.errors import InputError
from competence.model import Outcome, Status
from competence.solve.budget import Budget, Progress
from competence.solve.programme import Rows, maximise, maximise_whole
from competence.solve.rotate import (
    _COARSE,
    _Arcs,
    _arcs,
    _cycles_of,
    _free_bound,
    _kept,
    _rings,
    _Sides,
    _sides,
    _useful,
    rotate,
)

__all__ = ["PeriodsSolution", "PeriodsStart", "rotate_periods"]

_WHOLE = 600  # moves times periods up to which the whole plan is one whole-number programme
_ALIKE = 200  # the same where periods are alike and moves free: what is planned without saying when is then easier
_OPEN = 8000  # moves that may still change, up to which the last proof is tried
_INNER = 500  # moves in one neighbourhood
_RINGS = 30_000  # cycles up to which they bound the plan; above that free moves do
_PENALTY = 20.0  # cost of a broken rule while searching; gains are at most 1 there
_STALE = 25  # neighbourhoods without gain after which the search ends


@dataclass(frozen=True, slots=True, eq=False)
class PeriodsStart:
    """What a later call needs to go on from a plan.

    Parameters
    ----------
    posts : ndarray of int, shape (periods, n + n_supply)
        Whose post each person is in; of a supply post, whose post is empty in its stead.
    """

    posts: NDArray[np.int64]

    def renumbered(self, position: ArrayLike) -> PeriodsStart:
        """Return the start for other positions, as when somebody has come or gone.

        Parameters
        ----------
        position : array of int
            New position of each old one; -1 is gone. New positions that no old one has are at home.

        Returns
        -------
        PeriodsStart

        Raises
        ------
        InputError
            If there is not one entry per position.

        Examples
        --------
        >>> PeriodsStart(np.array([[1, 0, 2]])).renumbered([2, 0, -1]).posts.tolist()
        [[2, 1, 0]]
        """
        new = np.asarray(position, dtype=np.int64)
        if new.shape != self.posts.shape[1:]:
            raise InputError(f"position must have one entry per person and supply post ({self.posts.shape[1]}); got {new.shape}")
        size = int(new.max(initial=-1)) + 1
        posts = np.tile(np.arange(size), (len(self.posts), 1))
        for row, old in zip(posts, self.posts, strict=True):
            for ring in _cycles_of(old, old.size):
                moved = [int(new[i]) for i in ring]
                if min(moved) >= 0:
                    row[moved] = [*moved[1:], moved[0]]
        return PeriodsStart(posts)


@dataclass(frozen=True, slots=True, eq=False)
class PeriodsSolution:
    """A plan for several periods.

    Parameters
    ----------
    posts : ndarray of int, shape (periods, n)
        Whose post each person is in, the own position at home; the fixed past first.
    cycles : tuple of tuple of tuple of int
        Cycles and chains of each planned period, written as in :class:`~competence.solve.rotate.RotationSolution`.
    gains : tuple of float
        Gain of each planned period.
    moves : ndarray of int, shape (n,)
        Periods away from the own post, the past included.
    loads : ndarray of float, shape (n,)
        Load carried over all periods, the past included; zeros without ``load``.
    load_prices : ndarray of float, shape (n,)
        What one unit more of the person's load limit would be worth, at most.
    outcome : Outcome
        ``conflicts`` names every rule that the plan does not keep; a plan without conflicts keeps all.
    start : PeriodsStart
        For ``start`` of a later call.
    """

    posts: NDArray[np.int64]
    cycles: tuple[tuple[tuple[int, ...], ...], ...]
    gains: tuple[float, ...]
    moves: NDArray[np.int64]
    loads: NDArray[np.float64]
    load_prices: NDArray[np.float64]
    outcome: Outcome
    start: PeriodsStart


@dataclass(frozen=True, slots=True, eq=False)
class _Task:
    """What is to be planned; gains brought under 1 by a power of two, load limits less what staying at home costs."""

    people: int
    n: int
    arcs: tuple[_Arcs, ...]
    same: bool
    sides: _Sides
    groups: ArrayLike | None
    group_limit: ArrayLike | None
    cover: tuple[sparse.csr_array | sparse.csr_matrix | ArrayLike, ArrayLike] | None
    max_cycle: int | None
    load: NDArray[np.float64]
    room: NDArray[np.float64]
    waits: int | None
    may_move: NDArray[np.bool_]
    moved: NDArray[np.int64]
    run: NDArray[np.int64]
    return_after: int | None

    @property
    def planned(self) -> int:
        return len(self.arcs)


def rotate_periods(
    gain: sparse.csr_array | sparse.csr_matrix | Sequence[sparse.csr_array | sparse.csr_matrix],
    periods: int,
    *,
    max_cycle: int | None = 3,
    groups: ArrayLike | None = None,
    group_limit: ArrayLike | None = None,
    locked: Sequence[int] = (),
    home: ArrayLike | None = None,
    cover: tuple[sparse.csr_array | sparse.csr_matrix | ArrayLike, ArrayLike] | None = None,
    may_empty: Sequence[int] | None = None,
    load: ArrayLike | None = None,
    load_limit: ArrayLike | None = None,
    waits: int | None = 3,
    return_after: int | None = None,
    past: ArrayLike | None = None,
    start: PeriodsStart | None = None,
    effort: int | None = None,
    time_limit: float | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> PeriodsSolution:
    """Plan who is in whose post in each period, for the highest total gain; nobody is twice in the same post.

    Parameters
    ----------
    gain : CSR array, shape (n, n + n_supply), or a sequence of them
        Entry (i, j) >= 0: what a period of i in the post of j is worth; absent is forbidden; columns from n on are
        posts without a holder, as in :func:`~competence.solve.rotate.rotate`. One for all periods, or one per period.
    periods : int
        How many periods there are, the past ones included.
    max_cycle : int or None
        Most people in a cycle or chain within a period, at least 2; None is without limit.
    groups, group_limit, cover
        Unit of each person, movers per unit, critical competences kept: in each period, as in ``rotate``.
    locked : sequence of int
        People who keep their posts in every period.
    home : array of bool, shape (n, periods), or None
        True where the person is at home whatever the plan is: a right to return that is used, a leave.
    may_empty : sequence of int or None
        People whose posts a chain may leave empty; None is all.
    load : array of float, shape (n + n_supply,), or None
        Load of each post for one period, in any unit, at least 0.
    load_limit : float or array of float, shape (n,), or None
        Most load a person carries over all periods, the past and the periods at home included.
    waits : int or None
        Nobody moves this many times while somebody who could move never does; None leaves that open. Who could move
        is in some cycle of the allowed length in some planned period, other limits aside.
    return_after : int or None
        Periods in a row away from the own post at most; then one at home.
    past : array of int, shape (n_past, n), or None
        Whose post each person was in, in the periods that are over. They are fixed and count in every rule.
    start : PeriodsStart or None
        ``start`` of an earlier solution: the search begins at what of it is still allowed.
    effort : int or None
        Neighbourhoods and periods solved at most; None takes 60 + n / 10 up to 400.
    time_limit : float or None
        Guard in seconds.
    seed : int
        Where the search looks first.
    progress : callable or None
        See :data:`~competence.solve.budget.Progress`.

    Returns
    -------
    PeriodsSolution
        Conflicts are ``load:i`` (person i carries more than the limit) and ``waits:i`` (i never moves while another
        does often). With status infeasible no plan keeps these rules; with heuristic none was found. The plan is
        then the one that breaks least.

    Raises
    ------
    InputError
        If shapes do not fit, or numbers are not in the ranges above.

    Notes
    -----
    Where nothing differs between the periods and moves are free, one integral circulation y with y_ij <= 1 and
    sum over j of y_ij <= T is the same plan: with the periods at home it is a T-regular bipartite multigraph, which
    falls into T perfect matchings (Konig 1916, https://doi.org/10.1007/BF01456961), one per period. So loads and
    moves are planned without saying when, by a linear programme (its prices give the bound, whatever the solver's
    tolerances), and neighbourhoods solved exactly; periods are then told apart by matchings. Cost per neighbourhood
    is bounded by its nodes. Elsewhere (cycle limits, units, cover, periods that differ) one period after the other is
    solved by ``rotate``, given the others, which makes every rule over periods a matter of which moves are left; the
    bound is the lesser of the linear programme over all periods and of the sum of the periods alone. Small plans are
    one whole-number programme and proven. ``waits`` is either-or: everybody who could moves, or nobody as often.

    Examples
    --------
    >>> from scipy.sparse import csr_array
    >>> plan = rotate_periods(csr_array([[0, 5.0, 1.0], [5.0, 0, 1.0], [1.0, 1.0, 0]]), 2, waits=None)
    >>> plan.gains, plan.outcome.status.value
    ((7.0, 7.0), 'optimal')
    """
    budget = Budget(effort, time_limit, progress, default=400)
    task, planned_gain, before, exponent, own = _task(
        gain,
        periods,
        max_cycle=max_cycle,
        groups=groups,
        group_limit=group_limit,
        locked=locked,
        home=home,
        cover=cover,
        may_empty=may_empty,
        load=load,
        load_limit=load_limit,
        waits=waits,
        return_after=return_after,
        past=past,
    )
    if effort is None:
        budget.limit = min(400, 60 + task.people // 10)
    answer = _solve(task, budget, seed, None if start is None else _kept_plan(task, start, len(before)))
    to = (
        answer.to[np.argsort([-_worth(task, t, row) for t, row in enumerate(answer.to)], kind="stable")]
        if answer.turns
        else answer.to
    )
    cycles = tuple(tuple(sorted(_cycles_of(row, task.people))) for row in to)
    gains = tuple(
        fsum(float(g[c[k], c[(k + 1) % len(c)]]) for c in period for k in range(len(c)) if c[k] < task.people)
        for period, g in zip(cycles, planned_gain, strict=True)
    )
    posts = np.vstack([before, to[:, : task.people]])
    away = posts != np.arange(task.people)
    conflicts = _conflicts(task, to)
    value = fsum(gains)
    if conflicts:
        status = Status.INFEASIBLE if answer.impossible else Status.HEURISTIC
        outcome = replace(budget.outcome(value, None, answer.method), status=status, conflicts=conflicts)
    else:
        bound = float(np.ldexp(answer.bound, exponent))
        outcome = budget.outcome(value, bound, answer.method, notes=answer.notes, rounding=float(np.ldexp(1e-12, exponent)))
    whole = np.vstack([np.hstack([before, np.tile(np.arange(task.people, task.n), (len(before), 1))]), to])
    return PeriodsSolution(
        posts,
        cycles,
        gains,
        away.sum(axis=0),
        own[posts].sum(axis=0),
        np.ldexp(answer.load_prices, exponent) / answer.unit,
        outcome,
        PeriodsStart(whole.astype(np.int64)),
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Answer:
    """A permutation per period; ``turns`` when periods may be told in any order; ``impossible`` when proven so."""

    to: NDArray[np.int64]
    bound: float
    method: str
    load_prices: NDArray[np.float64]
    unit: float
    turns: bool = False
    impossible: bool = False
    notes: tuple[str, ...] = ()


def _task(
    gain: sparse.csr_array | sparse.csr_matrix | Sequence[sparse.csr_array | sparse.csr_matrix],
    periods: int,
    *,
    max_cycle: int | None,
    groups: ArrayLike | None,
    group_limit: ArrayLike | None,
    locked: Sequence[int],
    home: ArrayLike | None,
    cover: tuple[sparse.csr_array | sparse.csr_matrix | ArrayLike, ArrayLike] | None,
    may_empty: Sequence[int] | None,
    load: ArrayLike | None,
    load_limit: ArrayLike | None,
    waits: int | None,
    return_after: int | None,
    past: ArrayLike | None,
) -> tuple[_Task, list[sparse.csr_array], NDArray[np.int64], int, NDArray[np.float64]]:
    """Check the input whole; return the task, the gains of planned periods, the past, the scale and the loads as given."""
    if periods < 1:
        raise InputError(f"periods must be at least 1; got {periods}")
    if max_cycle is not None and max_cycle < 2:
        raise InputError(f"max_cycle must be at least 2, or None; got {max_cycle}")
    for name, number in (("waits", waits), ("return_after", return_after)):
        if number is not None and number < 1:
            raise InputError(f"{name} must be at least 1, or None; got {number}")
    given: list[sparse.csr_array] = [sparse.csr_array(g) for g in ([gain] if sparse.issparse(gain) else gain)]
    one = sparse.issparse(gain)
    if (not one and len(given) != periods) or len({g.shape for g in given}) != 1:
        raise InputError(f"gain must be one matrix, or one of the same shape per period ({periods}); got {len(given)}")
    people, n = given[0].shape
    before = np.empty((0, people), dtype=np.int64) if past is None else np.atleast_2d(np.asarray(past, dtype=np.int64))
    if before.shape[1] != people or len(before) >= periods or (before.size and (before.min() < 0 or before.max() >= n)):
        raise InputError(f"past must be fewer than {periods} rows of {people} positions in 0..{n - 1}; got shape {before.shape}")
    if any(np.unique(row).size != people for row in before):
        raise InputError("past must place one person in a post at most in each period")
    planned = periods - len(before)
    stays = np.zeros((people, periods), dtype=bool) if home is None else np.asarray(home, dtype=bool)
    if stays.shape != (people, periods):
        raise InputError(f"home must have one row per person and one column per period ({people}, {periods}); got {stays.shape}")
    stays = stays[:, len(before) :]
    own = np.zeros(n) if load is None else np.asarray(load, dtype=np.float64)
    if own.shape == (people,) and n > people:
        raise InputError(f"load must have one number per post, supply posts too ({n}); got {people}")
    if own.shape != (n,) or not (np.isfinite(own).all() and (own >= 0).all()):
        raise InputError(f"load must have one finite number >= 0 per post ({n}); got shape {own.shape}")
    if load_limit is not None and load is None:
        raise InputError("load_limit needs load, what each post weighs in a period")
    limit = np.full(people, np.inf) if load_limit is None else np.array(np.broadcast_to(np.asarray(load_limit, float), (people,)))
    if np.isnan(limit).any() or (limit < 0).any():
        raise InputError("load_limit must be at least 0 for everybody")
    me = np.arange(people)
    room = limit - own[before].sum(axis=0) - planned * own[:people]
    away = before != me
    run = np.zeros(people, dtype=np.int64)
    for row in away:
        run = np.where(row, run + 1, 0)
    used = {(i, int(j)) for row in before for i, j in enumerate(row.tolist()) if i != j}
    gains = [given[0 if one else k] for k in range(len(before), periods)]
    uniform = bool((stays == stays[:, :1]).all())
    distinct = gains[:1] if one and uniform else gains
    arcs: list[_Arcs] = []
    for t, g in enumerate(distinct):
        fixed = np.union1d(np.asarray(locked, dtype=np.int64).reshape(-1), np.flatnonzero(stays[:, t]))
        moves = _arcs(g, fixed.tolist(), may_empty)
        if used:
            old = np.array(sorted(i * n + j for i, j in used), dtype=np.int64)
            moves = _kept(moves, ~np.isin(moves.source * n + moves.target, old))
        arcs.append(moves)
    sides = _sides(people, n, groups, group_limit, cover)
    may_move = np.zeros(people, dtype=bool)
    for moves in arcs:
        useful = _useful(moves, sides)[0]
        who = np.concatenate([useful.source, useful.target])
        if max_cycle is not None:
            rings, _, complete = _rings(useful, max_cycle, 3_000_000)
            who = rings[rings >= 0].astype(np.int64) if complete else who
        may_move[who[who < people]] = True
    exponent = int(np.frexp(max((float(a.gain.max(initial=0.0)) for a in arcs), default=0.0))[1])
    scaled = [replace(a, gain=np.ldexp(a.gain, -exponent)) for a in arcs]
    most = away.sum(axis=0) + planned
    task = _Task(
        people,
        n,
        tuple(scaled * planned if len(scaled) == 1 else scaled),
        len(scaled) == 1,
        sides,
        groups,
        group_limit,
        cover,
        max_cycle,
        own,
        room,
        # Nobody can move so often: the rule says nothing.
        waits if waits is not None and most.max(initial=0) >= waits else None,
        may_move,
        away.sum(axis=0),
        run,
        return_after if return_after is not None and return_after < periods else None,
    )
    return task, gains, before, exponent, own


def _worth(task: _Task, t: int, row: NDArray[np.int64]) -> float:
    """Return the gain of one period's permutation."""
    arcs = task.arcs[t]
    return fsum(arcs.gain[row[arcs.source] == arcs.target])


def _excess(task: _Task, to: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return how much each person carries above the limit."""
    if not np.isfinite(task.room).any():
        return np.zeros(task.people)
    more = (task.load[to[:, : task.people]] - task.load[: task.people]).sum(axis=0)
    over = more - task.room
    return np.where(over > 1e-9 * max(1.0, float(task.load.max(initial=0.0))), over, 0.0)


def _waiting(task: _Task, to: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Say who never moves while another moves as often as ``waits``."""
    moves = task.moved + (to[:, : task.people] != np.arange(task.people)).sum(axis=0)
    if task.waits is None or not (moves >= task.waits).any():
        return np.zeros(task.people, dtype=bool)
    idle: NDArray[np.bool_] = task.may_move & (moves == 0)
    return idle


def _conflicts(task: _Task, to: NDArray[np.int64]) -> tuple[str, ...]:
    """Name the rules over periods that a plan does not keep."""
    over, idle = np.flatnonzero(_excess(task, to)), np.flatnonzero(_waiting(task, to))
    return (*(f"load:{i}" for i in over.tolist()), *(f"waits:{i}" for i in idle.tolist()))


def _merit(task: _Task, to: NDArray[np.int64]) -> float:
    """Return the worth of a plan, less a cost for every broken rule."""
    broken = float(_excess(task, to).sum()) / max(float(task.load.max(initial=0.0)), 1e-12) + float(_waiting(task, to).sum())
    return fsum(_worth(task, t, row) for t, row in enumerate(to)) - _PENALTY * broken


def _at_home(task: _Task) -> NDArray[np.int64]:
    return np.tile(np.arange(task.n, dtype=np.int64), (task.planned, 1))


def _kept_plan(task: _Task, start: PeriodsStart, n_past: int) -> NDArray[np.int64]:
    """Return what of an earlier plan is still allowed: its cycles, or where moves are free as many of its moves as can be."""
    to = _at_home(task)
    if start.posts.shape[1] != task.n:
        raise InputError(f"start is for {start.posts.shape[1]} people and supply posts, not {task.n}; use start.renumbered")
    old = start.posts[n_past : n_past + task.planned]
    taken = np.empty(0, dtype=np.int64)
    position = np.arange(task.n, dtype=np.int64)
    for t, row in enumerate(old):
        arcs = task.arcs[t]
        key = arcs.source * task.n + arcs.target
        used = np.isin(key, taken) & (arcs.source < task.people)
        moving = np.flatnonzero(row != position)
        if np.isin(moving * task.n + row[moving], key[~used]).all():
            to[t] = row
        elif task.max_cycle is None:
            # One move that is gone would take a cycle of hundreds with it: keep the moves, and close what is open.
            later = np.isin(key, (position * task.n + old[t + 1 :]).ravel()) & (row[arcs.source] != arcs.target)
            kept = (row[arcs.source] == arcs.target).astype(np.float64)
            part = _kept(arcs, ~used & ~later, kept + 0.01 * arcs.gain)
            to[t] = _free_bound(part, _COARSE)[3]
        else:
            open_ = set(key[~used].tolist())
            for ring in _cycles_of(row, task.people):
                ahead = (*ring[1:], ring[0])
                if all(i * task.n + j in open_ for i, j in zip(ring, ahead, strict=True)):
                    to[t, list(ring)] = ahead
        if not _keeps(task, to, t):
            to[t] = position
        mine = np.flatnonzero(to[t, : task.people] != position[: task.people])
        taken = np.concatenate([taken, mine * task.n + to[t, mine]])
    return to


def _keeps(task: _Task, to: NDArray[np.int64], t: int) -> bool:
    """Say whether a period keeps the rules that the searches take as kept: lengths, units, cover, return."""
    row = to[t]
    rings = _cycles_of(row, task.people)
    if task.max_cycle is not None and any(sum(i < task.people for i in ring) > task.max_cycle for ring in rings):
        return False
    moving = np.flatnonzero(row != np.arange(task.n))
    if moving.size and (task.sides.of_arcs(moving, row[moving]).sum(axis=1) > task.sides.limit + 1e-9).any():
        return False
    if task.return_after is None:
        return True
    run = task.run.copy()
    for period in to:
        run = np.where(period[: task.people] != np.arange(task.people), run + 1, 0)
        if (run > task.return_after).any():
            return False
    return True


# -- the programme ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class _Programme:
    """Maximise gain @ x with matrix @ x <= limit, equal @ x = 0, 0 <= x <= top, over moves or cycles in slots.

    A slot is a period, or all periods at once. ``load_rows`` are the people whose load rows stand from ``load_at`` on.
    """

    gain: NDArray[np.float64]
    matrix: sparse.csr_array
    limit: NDArray[np.float64]
    equal: sparse.csr_array
    top: NDArray[np.float64]
    load_rows: NDArray[np.int64]
    load_at: int
    slot: NDArray[np.int64]
    rings: NDArray[np.int32] | None


def _together(task: _Task) -> tuple[_Arcs, NDArray[np.float64]]:
    """Return every move of any period once, at its highest gain, and in how many periods each position may move."""
    if task.same:
        return task.arcs[0], np.full(task.n, float(task.planned))
    source = np.concatenate([a.source for a in task.arcs])
    target = np.concatenate([a.target for a in task.arcs])
    gain = np.concatenate([a.gain for a in task.arcs])
    order = np.lexsort((-gain, target, source))
    key = source[order] * task.n + target[order]
    first = np.ones(key.size, dtype=bool)
    first[1:] = key[1:] != key[:-1]
    pick = order[first]
    indptr = np.zeros(task.n + 1, dtype=np.int64)
    np.cumsum(np.bincount(source[pick], minlength=task.n), out=indptr[1:])
    often = sum((np.diff(a.indptr) > 0).astype(np.float64) for a in task.arcs)
    return _Arcs(task.n, task.people, indptr, target[pick], gain[pick]), np.asarray(often, dtype=np.float64)


def _programme(task: _Task, slots: Sequence[_Arcs], often: NDArray[np.float64], waits: str, use_rings: bool) -> _Programme | None:
    """Build the programme; None when the cycles are too many. ``waits`` is off, all (everybody moves), few or either."""
    n, people, whole = task.n, task.people, len(slots) == 1 and task.planned > 1
    count = [a.gain.size for a in slots]
    total = sum(count)
    slot = np.repeat(np.arange(len(slots)), count)
    source = np.concatenate([a.source for a in slots])
    target = np.concatenate([a.target for a in slots])
    gain = np.concatenate([a.gain for a in slots])
    column = np.arange(total)
    mine = source < people

    def by(row: NDArray[np.int64], value: NDArray[np.float64], rows: int, keep: NDArray[np.bool_]) -> sparse.csr_array:
        return sparse.csr_array(sparse.coo_array((value[keep], (row[keep], column[keep])), shape=(rows, total)))

    ones, every = np.ones(total), np.ones(total, dtype=bool)
    leave = by(slot * n + source, ones, n * len(slots), every)
    arrive = by(slot * n + target, ones, n * len(slots), every)
    rows: list[sparse.csr_array] = [leave]
    limits: list[NDArray[np.float64]] = [often if whole else np.ones(n * len(slots))]
    if len(slots) > 1:
        _, pair = np.unique(source * n + target, return_inverse=True)
        once = by(pair, ones, int(pair.max(initial=-1)) + 1, mine)
        several = np.diff(once.indptr) > 1
        rows.append(once[several])
        limits.append(np.ones(int(several.sum())))
    loaded = np.flatnonzero(np.isfinite(task.room))
    load_at = sum(r.shape[0] for r in rows)
    more = by(source, task.load[target] - task.load[source], n, mine)[loaded]
    rows.append(more)
    limits.append(task.room[loaded])
    moving = by(source, ones, n, mine)[:people]
    if waits == "few" and task.waits is not None:
        rows.append(moving)
        limits.append(np.maximum(task.waits - 1.0 - task.moved, 0.0))
    idle = np.flatnonzero(task.may_move & (task.moved == 0))
    if waits == "all":
        rows.append(sparse.csr_array(-moving[idle]))
        limits.append(np.full(idle.size, -1.0))
    if not whole and task.return_after is not None:
        r = task.return_after
        for i in range(people):
            for first in range(-int(min(task.run[i], r)), task.planned - r):
                window = mine & (source == i) & (slot >= first) & (slot <= first + r)
                if window.any():
                    rows.append(by(np.zeros(total, dtype=np.int64), ones, 1, window))
                    limits.append(np.array([float(r + min(first, 0))]))
    finite = np.flatnonzero(np.isfinite(task.sides.limit))
    if finite.size:
        for k, a in enumerate(slots):
            part = sparse.csc_array(task.sides.of_arcs(a.source, a.target)[finite])
            left, right = sum(count[:k]), sum(count[k + 1 :])
            padded = [sparse.csc_array((finite.size, left)), part, sparse.csc_array((finite.size, right))]
            rows.append(sparse.csr_array(sparse.hstack(padded, format="csr")))
            limits.append(task.sides.limit[finite] * (task.planned if whole else 1))
    matrix, limit = sparse.csr_array(sparse.vstack(rows, format="csr")), np.concatenate(limits)
    top = np.where(mine, 1.0, float(task.planned) if whole else 1.0)
    equal = sparse.csr_array(leave - arrive)
    rings: NDArray[np.int32] | None = None
    if use_rings and task.max_cycle is not None:
        parts, gather_row, gather_column, where, at = [], [], [], [], 0
        for k, a in enumerate(slots):
            found, _, complete = _rings(a, task.max_cycle, _RINGS - at)
            if not complete:
                return None
            ahead = np.roll(found, -1, axis=1)
            last = (found >= 0).sum(axis=1) - 1
            ahead[np.arange(len(found)), last] = found[:, 0]
            inside = found >= 0
            key = a.source * n + a.target
            arc = np.searchsorted(key, found[inside].astype(np.int64) * n + ahead[inside])
            gather_row.append(arc + sum(count[:k]))
            gather_column.append(at + np.broadcast_to(np.arange(len(found))[:, None], found.shape)[inside])
            where.append(np.full(len(found), k))
            parts.append(found)
            at += len(found)
        row, col = np.concatenate(gather_row), np.concatenate(gather_column)
        gather = sparse.csr_array((np.ones(row.size), (row, col)), shape=(total, at))
        rings = np.concatenate(parts)
        gain, matrix, slot = gain @ gather, sparse.csr_array(matrix @ gather), np.concatenate(where)
        equal = sparse.csr_array((0, at))
        # A chain may come again only with other moves; a cycle has moves of its own that come once.
        top = np.ones(at)
    if waits == "either" and task.waits is not None:
        # One more column: 1 when everybody moves, and then nobody need move seldom.
        take = np.zeros((matrix.shape[0], 1))
        often_rows = moving if rings is None else sparse.csr_array(moving @ gather)
        loose = float(task.planned + task.moved.max(initial=0))
        body = sparse.vstack(
            [
                sparse.hstack([matrix, sparse.csr_array(take)]),
                sparse.hstack([often_rows, sparse.csr_array(np.full((people, 1), -loose))]),
                sparse.hstack([-often_rows[idle], sparse.csr_array(np.ones((idle.size, 1)))]),
            ],
            format="csr",
        )
        matrix, gain, top = sparse.csr_array(body), np.append(gain, 0.0), np.append(top, 1.0)
        limit = np.concatenate([limit, task.waits - 1.0 - task.moved, np.zeros(idle.size)])
        equal = sparse.csr_array(sparse.hstack([equal, sparse.csr_array((equal.shape[0], 1))], format="csr"))
    return _Programme(gain, matrix, limit, equal, top, loaded, load_at, slot, rings)


@dataclass(frozen=True, slots=True, eq=False)
class _Relaxed:
    """A linear programme's values, its safe bound, reduced gains and the prices of load limits."""

    values: NDArray[np.float64]
    bound: float
    reduced: NDArray[np.float64]
    load_prices: NDArray[np.float64]


def _relax(task: _Task, model: _Programme) -> _Relaxed | None:
    """Solve the linear programme; None when it has no answer."""
    if not model.gain.size:
        stays = bool((model.limit >= -1e-9).all())
        return _Relaxed(model.gain, 0.0, model.gain, np.zeros(task.people)) if stays else None
    answer = maximise(
        model.gain * 1000.0, model.matrix, model.limit, equal=model.equal, equal_to=np.zeros(model.equal.shape[0]), top=model.top
    )
    if answer is None:
        return None
    price, balance = answer.limit_prices / 1000.0, answer.equality_prices / 1000.0
    reduced = model.gain - model.matrix.T @ price
    if model.equal.shape[0]:
        reduced = reduced - model.equal.T @ balance
    # At any prices this bounds every plan.
    bound = fsum(price * model.limit) + fsum(np.maximum(reduced, 0.0) * model.top)
    loads = np.zeros(task.people)
    loads[model.load_rows] = price[model.load_at : model.load_at + model.load_rows.size]
    return _Relaxed(answer.values, bound, reduced, loads)


# -- ways to a plan --------------------------------------------------------------------------------------------------------


def _solve(task: _Task, budget: Budget, seed: int, before: NDArray[np.int64] | None) -> _Answer:
    """Choose how to solve, by what the task asks for."""
    size = sum(a.gain.size for a in task.arcs)
    none = np.zeros(task.people)
    if not size:
        return _Answer(_at_home(task), 0.0, "no move exists", none, 1.0, impossible=True)
    union, often = _together(task)
    ways = ["off"] if task.waits is None else ["all", "few"]
    relaxed: dict[str, _Relaxed] = {}
    models: dict[str, _Programme] = {}
    limited = task.max_cycle is not None
    for way in ways:
        model = _programme(task, [union], often, way, limited) or _programme(task, [union], often, way, False)
        if model is None:
            continue
        answer = _relax(task, model)
        if answer is not None:
            relaxed[way], models[way] = answer, model
    prices = max(relaxed.values(), key=lambda r: r.bound).load_prices if relaxed else none
    bound = max((r.bound for r in relaxed.values()), default=0.0)
    free = task.same and not limited and not task.sides.binding and task.return_after is None
    if size <= (min(_ALIKE, _WHOLE) if free else _WHOLE) and budget.limit != 0:
        answer_whole = _whole(task, budget, bound, prices)
        if answer_whole is not None:
            return answer_whole
    if free and relaxed:
        return _moves_first(task, union, often, relaxed, models, budget, seed, before)
    alone = _alone(task)
    bound = min(bound, alone) if relaxed else alone
    to, method = _by_period(task, budget, seed, before, prices)
    return _Answer(to, bound, method, prices, 1.0)


def _alone(task: _Task) -> float:
    """Return the bound of the periods each by itself."""
    bounds: list[float] = []
    for t in range(1 if task.same else task.planned):
        arcs = task.arcs[t]
        outcome = rotate(
            _as_gain(arcs, arcs.gain),
            max_cycle=task.max_cycle,
            groups=task.groups,
            group_limit=task.group_limit,
            cover=task.cover,
            may_empty=_last_places(arcs),
            effort=0,
        ).outcome
        bounds.append(float(outcome.bound or 0.0))
    return bounds[0] * task.planned if task.same else fsum(bounds)


def _as_gain(arcs: _Arcs, gain: NDArray[np.float64]) -> sparse.csr_array:
    """Return moves of people as the matrix that ``rotate`` takes."""
    stop = int(arcs.indptr[arcs.people])
    return sparse.csr_array((gain[:stop], arcs.target[:stop], arcs.indptr[: arcs.people + 1]), shape=(arcs.people, arcs.n))


def _last_places(arcs: _Arcs) -> list[int]:
    """Return whose posts may stay empty."""
    return [int(i) for i in np.unique(arcs.target[arcs.indptr[arcs.people] :])]


def _whole(task: _Task, budget: Budget, bound: float, prices: NDArray[np.float64]) -> _Answer | None:
    """Solve everything as one whole-number programme; None when that does not come to an end."""
    waits = "off" if task.waits is None else "either"
    model = _programme(task, list(task.arcs), np.zeros(0), waits, task.max_cycle is not None)
    if model is None or model.gain.size > 2 * _WHOLE:
        return None
    if not model.gain.size:
        return _Answer(_at_home(task), 0.0, "no cycle exists", prices, 1.0, impossible=True)
    answer = _ask(model, budget, 5_000)
    method = "one whole-number programme over all periods (HiGHS in SciPy)"
    if answer is None:
        return None
    budget.steps += 1
    if answer is not _NONE:
        to = _told(task, model, answer)
        return _Answer(to, fsum(_worth(task, t, row) for t, row in enumerate(to)), method, prices, 1.0)
    # No plan keeps every rule: the one that breaks least, so that the rules it breaks can be named.
    rows, columns = model.matrix.shape
    soft = model.load_rows.size
    slack = sparse.coo_array((-np.ones(soft), (model.load_at + np.arange(soft), np.arange(soft))), shape=(rows, soft))
    heavy = max(float(task.load.max(initial=0.0)), 1e-12)
    idle = 0 if task.waits is None else int((task.may_move & (task.moved == 0)).sum())
    late = sparse.coo_array((-np.ones(idle), (rows - idle + np.arange(idle), np.arange(idle))), shape=(rows, idle))
    loose = replace(
        model,
        gain=np.concatenate([model.gain, np.full(soft, -_PENALTY / heavy), np.full(idle, -_PENALTY)]),
        matrix=sparse.csr_array(sparse.hstack([model.matrix, slack, late], format="csr")),
        equal=sparse.csr_array(sparse.hstack([model.equal, sparse.csr_array((model.equal.shape[0], soft + idle))], format="csr")),
        top=np.concatenate([model.top, np.full(soft, heavy * task.planned * 10), np.ones(idle)]),
    )
    answer = _ask(loose, budget, 5_000, columns)
    if answer is None or answer is _NONE:
        return None
    return _Answer(_told(task, model, answer[:columns]), 0.0, method, prices, 1.0, impossible=True)


_NONE = np.empty(0)


def _ask(model: _Programme, budget: Budget, nodes: int, whole: int | None = None) -> NDArray[np.float64] | None:
    """Return the optimal whole values, ``_NONE`` if there are none, None if the nodes or the clock ended it."""
    kinds = np.ones(model.gain.size, dtype=bool)
    if whole is not None:
        kinds[whole:] = False
    rows: list[Rows] = [(model.matrix, -np.inf, model.limit)]
    if model.equal.shape[0]:
        rows.append((model.equal, 0.0, 0.0))
    answer = maximise_whole(model.gain * 1000.0, rows, model.top, kinds, nodes=nodes, seconds=budget.seconds_left)
    if answer.impossible:
        return _NONE
    return answer.values if answer.finished else None


def _told(task: _Task, model: _Programme, values: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the permutation of each period from the values of the programme over periods."""
    to = _at_home(task)
    chosen = np.flatnonzero(values[: model.slot.size] > 0.5)
    if model.rings is not None:
        for k in chosen.tolist():
            ring = [int(i) for i in model.rings[k] if i >= 0]
            to[model.slot[k], ring] = [*ring[1:], ring[0]]
        return to
    source = np.concatenate([a.source for a in task.arcs])
    target = np.concatenate([a.target for a in task.arcs])
    to[model.slot[chosen], source[chosen]] = target[chosen]
    return to


# -- moves first, periods after ----------------------------------------------------------------------------------------------


@dataclass(slots=True, eq=False)
class _Count:
    """How often each move is made, over all periods, and what follows from it."""

    times: NDArray[np.int64]
    moves: NDArray[np.int64]
    excess: NDArray[np.float64]
    idle: NDArray[np.bool_]
    merit: float


def _counted(task: _Task, arcs: _Arcs, times: NDArray[np.int64], way: str) -> _Count:
    source = arcs.source
    mine = source < task.people
    moves = np.bincount(source[mine], weights=times[mine], minlength=task.people).astype(np.int64)
    more = np.bincount(
        source[mine], weights=times[mine] * (task.load[arcs.target[mine]] - task.load[source[mine]]), minlength=task.people
    )
    heavy = max(float(task.load.max(initial=0.0)), 1e-12)
    over = np.where(np.isfinite(task.room), more - task.room, 0.0)
    excess = np.where(over > 1e-9 * heavy, over, 0.0) / heavy
    idle = np.zeros(task.people, dtype=bool)
    if way == "all":
        idle = task.may_move & (task.moved + moves == 0)
    merit = fsum(arcs.gain * times) - _PENALTY * (float(excess.sum()) + float(idle.sum()))
    return _Count(times, moves, excess, idle, merit)


def _moves_first(
    task: _Task,
    arcs: _Arcs,
    often: NDArray[np.float64],
    relaxed: dict[str, _Relaxed],
    models: dict[str, _Programme],
    budget: Budget,
    seed: int,
    before: NDArray[np.int64] | None,
) -> _Answer:
    """Plan how often each move is made, then tell the periods apart."""
    bounds = {way: r.bound for way, r in relaxed.items()}
    best: _Count | None = None
    best_way = ""
    method = "moves over all periods: price bound and neighbourhoods (HiGHS in SciPy), periods by matchings"
    for turn, way in enumerate(sorted(relaxed, key=lambda w: (-bounds[w], w))):
        if best is not None and not best.excess.any() and not best.idle.any() and best.merit >= bounds[way] - 1e-12:
            continue
        # Where everybody should move and cannot be brought to, the other way must still have its turn.
        spare = 0 if turn or len(relaxed) == 1 or budget.limit is None else budget.limit // 2
        found, bound = _neighbourhoods(task, arcs, often, relaxed[way], models[way], way, budget, spare, seed, before)
        bounds[way] = bound
        if best is None or found.merit > best.merit:
            best, best_way = found, way
        kept = not found.excess.any() and not found.idle.any()
        if kept and turn == 0 and len(relaxed) == 2 and found.merit >= min(bounds.values()) - 1e-12:
            break
    if best is None:
        return _Answer(_at_home(task), 0.0, method, np.zeros(task.people), 1.0)
    notes = () if task.waits is None else (f"waits:{best_way}",)
    return _Answer(
        _told_apart(task, arcs, best.times), max(bounds.values()), method, relaxed[best_way].load_prices, 1.0, True, notes=notes
    )


def _rounded(task: _Task, arcs: _Arcs, relaxed: _Relaxed, way: str) -> NDArray[np.int64]:
    """Return one free plan after another under the prices of the linear programme, each move once."""
    times = np.zeros(arcs.gain.size, dtype=np.int64)
    mine = arcs.source < task.people
    who = np.minimum(arcs.source, task.people - 1)
    turns = task.planned if way != "few" or task.waits is None else min(task.planned, max(task.waits - 1, 0))
    seldom = np.full(task.people, turns)
    if way == "few" and task.waits is not None:
        seldom = np.maximum(task.waits - 1 - task.moved, 0)
    # Reduced gains: what the prices of moving say sums to nought along every cycle of the best plan.
    priced = np.minimum(relaxed.reduced, 0.0) + 0.05 * np.clip(relaxed.values, 0.0, 1.0) + 1e-9
    heavy = max(float(task.load.max(initial=0.0)), 1e-12)
    shift = np.where(mine, task.load[arcs.target] - task.load[arcs.source], 0.0) / heavy
    # What a turn that is still to come can relieve a person of, without asking for the lightest post of all.
    relief = np.zeros(task.people)
    np.maximum.at(relief, who[mine], -shift[mine])
    relief *= 0.7
    left, moves = task.room / heavy, np.zeros(task.people, dtype=np.int64)
    for turn in range(turns):
        open_ = ~mine | ((times == 0) & (moves[who] < seldom[who]))
        later = (turns - 1 - turn) * relief
        at_home = np.maximum(-left - later, 0.0)
        moved = np.maximum(shift - left[who] - later[who], 0.0)
        part = _kept(arcs, open_, priced + np.where(mine, _PENALTY * (at_home[who] - moved), 0.0))
        to = _free_bound(part, _COARSE)[3]
        made = open_ & (to[arcs.source] == arcs.target)
        times[made] += 1
        left = left - np.bincount(who[made], weights=shift[made], minlength=task.people)
        moves += to[: task.people] != np.arange(task.people)
    return times


def _neighbourhoods(
    task: _Task,
    arcs: _Arcs,
    often: NDArray[np.float64],
    relaxed: _Relaxed,
    model: _Programme,
    way: str,
    budget: Budget,
    spare: int,
    seed: int,
    before: NDArray[np.int64] | None,
) -> tuple[_Count, float]:
    """Improve from the rounded linear programme, or from an earlier plan, until nothing is gained; return plan and bound."""
    rng = np.random.default_rng(seed)
    source, target, reduced, bound = arcs.source, arcs.target, relaxed.reduced, relaxed.bound
    candidates = [np.zeros(arcs.gain.size, dtype=np.int64), _rounded(task, arcs, relaxed, way)]
    if before is not None:
        candidates.append(sum((row[source] == target).astype(np.int64) for row in before))
    state = max((_counted(task, arcs, c, way) for c in candidates if _allowed(task, arcs, c, way)), key=lambda c: c.merit)
    size, stale, smallest = 40.0, 0, np.inf
    # An earlier plan is near enough for the proof to be tried at once.
    patience, enough, done = (1, 0, 0) if before is not None else (_STALE - 5, 30, 0)
    near = sparse.csr_array((np.arange(1, source.size + 1), (source, target)), shape=(task.n, task.n))
    near = sparse.csr_array(near + near.T.tocsr())
    limit = None if budget.limit is None else budget.limit - spare
    turn = 0
    while (
        bound - state.merit > 1e-9 * max(abs(bound), 1e-9) and (limit is None or budget.steps < limit) and budget.go_on("periods")
    ):
        broken = bool(state.excess.any() or state.idle.any())
        room = bound - state.merit
        may_change = (reduced <= room + 1e-9) & (reduced >= -room - 1e-9)
        n_open = int(may_change.sum())
        cost = 1 + n_open // 1000
        # With half of what it takes it may come to an end as well.
        given = budget.allow(cost)
        if (
            not broken
            and n_open <= _OPEN
            and n_open < 0.8 * smallest
            and (stale >= patience or done >= enough)
            and 2 * given >= cost
        ):
            smallest = n_open
            # What the prices already decide stays; the rest is one programme.
            fixed = np.where(may_change, 0, np.where(reduced > 0, model.top, 0)).astype(np.int64)
            answer = _part(task, arcs, often, state, way, may_change, fixed, budget, 400 * given // cost)
            if budget.stopped_by == "clock":
                break
            budget.steps += given
            if answer is not None:
                found = _counted(task, arcs, answer[0], way)
                if found.merit > state.merit:
                    state, stale = found, 0
                bound = min(bound, max(state.merit, answer[1]))
            continue
        if stale >= (3 * _STALE if broken else _STALE):
            break
        mending = np.flatnonzero((state.excess > 0) | state.idle) if broken else np.empty(0, dtype=np.int64)
        # Who is hard to help gets wider and wider neighbourhoods, in turn with the others.
        centre = int(mending[turn % mending.size]) if mending.size else -1
        most = int(min(_INNER * 1.2 ** (turn // mending.size), 3 * _INNER)) if mending.size else _INNER
        turn += 1
        done += 1
        inside = _around(task, arcs, state, relaxed, near, int(size), rng, centre, most)
        fixed = np.where(inside, 0, state.times)
        answer = _part(task, arcs, often, state, way, inside, fixed, budget, 20)
        if budget.stopped_by == "clock":
            break
        budget.steps += 1
        gained = False
        if answer is not None:
            found = _counted(task, arcs, answer[0], way)
            gained = found.merit > state.merit + 1e-9
            state = found if gained else state
        stale = 0 if gained else stale + 1
        if int(((state.excess > 0) | state.idle).sum()) < mending.size:
            turn = 0
        finished = answer is not None and answer[2]
        size = min(size * 1.05, 200.0, 20.0 + 0.5 * task.n) if finished else max(12.0, size * 0.85)
    return state, bound


def _allowed(task: _Task, arcs: _Arcs, times: NDArray[np.int64], way: str) -> bool:
    """Say whether a start keeps the rules that the neighbourhoods take as kept."""
    moves = np.bincount(arcs.source, weights=times, minlength=task.n)
    if (times[arcs.source < task.people] > 1).any() or moves.max(initial=0) > task.planned:
        return False
    if way != "few" or task.waits is None:
        return True
    return bool((moves[: task.people] <= np.maximum(task.waits - 1 - task.moved, 0)).all())


def _around(
    task: _Task,
    arcs: _Arcs,
    state: _Count,
    relaxed: _Relaxed,
    near: sparse.csr_array,
    size: int,
    rng: np.random.Generator,
    centre: int,
    most: int,
) -> NDArray[np.bool_]:
    """Choose moves among about ``size`` people around one where a rule is broken, or gain is lost by the prices."""
    source, target, reduced = arcs.source, arcs.target, relaxed.reduced
    # A move made at a loss, or not made at a gain, says where.
    lost = np.where(state.times > 0, np.maximum(-reduced, 0.0), np.maximum(reduced, 0.0))
    loss = np.bincount(source, weights=lost, minlength=task.n)
    first = centre
    if centre < 0:
        weights = loss + 1e-3 * max(float(loss.max(initial=0.0)), 1e-12)
        weights[np.bincount(source, minlength=task.n) == 0] = 0.0
        first = int(rng.choice(task.n, p=weights / weights.sum()))
    chosen = np.zeros(task.n, dtype=bool)
    queue, count = [first], 0
    closeness = np.append(np.inf, np.abs(reduced))
    while queue and count < size:
        here = queue.pop(0)
        if chosen[here]:
            continue
        chosen[here] = True
        count += 1
        span = slice(int(near.indptr[here]), int(near.indptr[here + 1]))
        others, move = near.indices[span], np.minimum(near.data[span], arcs.gain.size)
        key = closeness[move] * (0.3 + rng.random(others.size))
        made = np.isin(others, target[(source == here) & (state.times > 0)])
        key[made] = 0.0
        best = others[np.argsort(key, kind="stable")[:8]]
        queue.extend(int(i) for i in best if not chosen[i])
    inside = chosen[source] & chosen[target]
    if int(inside.sum()) > most:
        where = np.flatnonzero(inside & (state.times == 0))
        spare = int(inside.sum()) - most
        inside[where[np.argsort(reduced[where], kind="stable")[:spare]]] = False
    return inside


def _part(
    task: _Task,
    arcs: _Arcs,
    often: NDArray[np.float64],
    state: _Count,
    way: str,
    inside: NDArray[np.bool_],
    fixed: NDArray[np.int64],
    budget: Budget,
    nodes: int,
) -> tuple[NDArray[np.int64], float, bool] | None:
    """Solve some moves with the others fixed; return all moves, a bound on plans with these fixed, whether proven."""
    source, target, mine = arcs.source, arcs.target, arcs.source < task.people
    pick = np.flatnonzero(inside)
    column, ones, k = np.arange(pick.size), np.ones(pick.size), pick.size
    leave = sparse.csr_array((ones, (source[pick], column)), shape=(task.n, k))
    arrive = sparse.csr_array((ones, (target[pick], column)), shape=(task.n, k))
    gone = np.bincount(source, weights=fixed, minlength=task.n)
    come = np.bincount(target, weights=fixed, minlength=task.n)
    balance = leave - arrive
    touched = np.flatnonzero(np.diff(leave.indptr) + np.diff(arrive.indptr))
    if ((gone != come) & ~np.isin(np.arange(task.n), touched)).any():
        return None
    cap = often - gone
    if way == "few" and task.waits is not None:
        cap[: task.people] = np.minimum(cap[: task.people], np.maximum(task.waits - 1 - task.moved, 0) - gone[: task.people])
    heavy = max(float(task.load.max(initial=0.0)), 1e-12)
    shift = (task.load[target] - task.load[source]) / heavy
    loaded = np.flatnonzero(np.isfinite(task.room) & (np.diff(leave.indptr)[: task.people] > 0))
    carried = np.bincount(source[mine], weights=(fixed * shift)[mine], minlength=task.people)
    left = task.room / heavy - carried
    load = sparse.csr_array((shift[pick], (source[pick], column)), shape=(task.n, k))[loaded]
    # Who is above the limit now may stay so, at a cost; who is not must not come above it.
    over = np.flatnonzero(state.excess[loaded] > 0)
    slack = sparse.csr_array((-np.ones(over.size), (over, np.arange(over.size))), shape=(loaded.size, over.size))
    must = np.flatnonzero(
        task.may_move & (task.moved == 0) & (gone[: task.people] == 0) & (np.diff(leave.indptr)[: task.people] > 0)
    )
    must = must if way == "all" else must[:0]
    late = np.flatnonzero(state.idle[must])
    idle = sparse.csr_array((-np.ones(late.size), (late, np.arange(late.size))), shape=(must.size, late.size))
    extra = over.size + late.size
    blank = np.zeros((touched.size, extra))
    rows: list[Rows] = [
        (sparse.csr_array(sparse.hstack([leave[touched], sparse.csr_array(blank)], format="csr")), -np.inf, cap[touched]),
        (
            sparse.csr_array(sparse.hstack([balance[touched], sparse.csr_array(blank)], format="csr")),
            (come - gone)[touched],
            (come - gone)[touched],
        ),
    ]
    if loaded.size:
        wide = sparse.hstack([load, slack, sparse.csr_array((loaded.size, late.size))], format="csr")
        rows.append((sparse.csr_array(wide), -np.inf, left[loaded] + 1e-9))
    if must.size:
        wide = sparse.hstack([-leave[must], sparse.csr_array((must.size, over.size)), idle], format="csr")
        rows.append((sparse.csr_array(wide), -np.inf, np.full(must.size, -1.0)))
    objective = np.concatenate([arcs.gain[pick], np.full(extra, -_PENALTY)])
    top = np.concatenate(
        [np.where(mine[pick], 1.0, float(task.planned)), np.full(over.size, 10.0 * task.planned), np.ones(late.size)]
    )
    kinds = np.concatenate([np.ones(k, dtype=bool), np.zeros(extra, dtype=bool)])
    answer = maximise_whole(objective * 1000.0, rows, top, kinds, nodes=nodes, seconds=budget.seconds_left)
    left_over = budget.seconds_left
    if not answer.finished and left_over is not None and left_over < 0.5:
        # What the clock cut short could not be repeated by steps.
        budget.stopped_by = "clock"
        return None
    if answer.values is None:
        return None
    times = fixed.copy()
    times[pick] = np.rint(answer.values[:k]).astype(np.int64)
    constant = fsum(arcs.gain * fixed)
    value = fsum(arcs.gain * times)
    return times, value if answer.finished else constant + answer.bound / 1000.0, answer.finished


def _told_apart(task: _Task, arcs: _Arcs, times: NDArray[np.int64]) -> NDArray[np.int64]:
    """Split moves into periods: with the periods at home, a regular bipartite multigraph into perfect matchings."""
    from scipy.sparse.csgraph import maximum_bipartite_matching

    stay = np.arange(task.n, dtype=np.int64)
    made = np.flatnonzero(times > 0)
    home = task.planned - np.bincount(arcs.source, weights=times, minlength=task.n)
    source, target = np.concatenate([arcs.source[made], stay]), np.concatenate([arcs.target[made], stay])
    left = np.concatenate([times[made].astype(np.float64), home])
    to = np.empty((task.planned, task.n), dtype=np.int64)
    for t in range(task.planned):
        open_ = left > 0.5
        graph = sparse.csr_array((np.ones(int(open_.sum())), (source[open_], target[open_])), shape=(task.n, task.n))
        to[t] = maximum_bipartite_matching(graph, perm_type="column")
        left[open_ & (to[t][source] == target)] -= 1.0
    return to


# -- one period after the other ----------------------------------------------------------------------------------------------


def _by_period(
    task: _Task, budget: Budget, seed: int, before: NDArray[np.int64] | None, prices: NDArray[np.float64]
) -> tuple[NDArray[np.int64], str]:
    """Solve each period given the others, again and again; two at a time when none gains alone."""
    method = "period by period given the others, each by cycles or assignment (SciPy)"
    ways = ["off"] if task.waits is None else ["all", "few"]
    best: NDArray[np.int64] | None = None
    whole = budget.limit
    for turn, way in enumerate(ways):
        if turn and whole is not None:
            budget.limit = whole
        elif len(ways) == 2 and whole is not None:
            budget.limit = max(whole // 2, 1) if whole else 0
        to = _sweeps(task, budget, seed, way, before, prices)
        best = to if best is None or _merit(task, to) > _merit(task, best) else best
        if budget.stopped_by in ("clock", "cancelled"):
            break
    budget.limit = whole
    return (_at_home(task) if best is None else best), method


def _sweeps(
    task: _Task, budget: Budget, seed: int, way: str, before: NDArray[np.int64] | None, prices: NDArray[np.float64]
) -> NDArray[np.int64]:
    rng = np.random.default_rng(seed)
    to = _at_home(task)
    if before is not None and (way != "few" or _seldom(task, before)):
        to = before.copy()
    else:
        for t in range(task.planned):
            row = _one_period(task, to, t, way, budget, seed, prices)
            if row is None:
                break
            to[t] = row
    merit, still, stale = _merit(task, to), 0, 0
    t = 0
    nothing = np.zeros(task.people)
    while still < task.planned and budget.go_on("periods"):
        row = _one_period(task, to, t, way, budget, seed, nothing)
        if row is None:
            break
        after = to.copy()
        after[t] = row
        gained = _merit(task, after) > merit + 1e-9
        if gained:
            to, merit, still = after, _merit(task, after), 0
        else:
            still += 1
        t = (t + 1) % task.planned
    while task.planned > 1 and stale < 3 * task.planned and budget.go_on("periods"):
        a, b = (int(k) for k in rng.choice(task.planned, 2, replace=False))
        after = to.copy()
        after[[a, b]] = np.arange(task.n)
        for k in (a, b):
            row = _one_period(task, after, k, way, budget, seed, nothing)
            if row is None:
                return to
            after[k] = row
        if _merit(task, after) > merit + 1e-9:
            to, merit, stale = after, _merit(task, after), 0
        else:
            stale += 1
    return to


def _seldom(task: _Task, to: NDArray[np.int64]) -> bool:
    """Say whether nobody moves as often as ``waits``."""
    moves = task.moved + (to[:, : task.people] != np.arange(task.people)).sum(axis=0)
    return task.waits is None or bool((moves < task.waits).all())


def _one_period(
    task: _Task, to: NDArray[np.int64], t: int, way: str, budget: Budget, seed: int, prices: NDArray[np.float64]
) -> NDArray[np.int64] | None:
    """Solve one period given the others; None when it was cut short."""
    arcs, me = task.arcs[t], np.arange(task.people)
    rest = np.delete(to, t, axis=0)[:, : task.people]
    away = to[:, : task.people] != me
    others = task.moved + away.sum(axis=0) - away[t]
    stays = np.zeros(task.people, dtype=bool)
    if way == "few" and task.waits is not None:
        stays |= others >= task.waits - 1
    if task.return_after is not None:
        run = np.zeros(task.people, dtype=np.int64)
        for u in range(t - 1, -2, -1):
            if u < 0:
                whole = away[:t].all(axis=0)
                run += np.where(whole, task.run, 0)
            else:
                run += away[u:t].all(axis=0)
        for u in range(t + 1, task.planned):
            run += away[t + 1 : u + 1].all(axis=0)
        stays |= run + 1 > task.return_after
    source, target = arcs.source, arcs.target
    mine = source < task.people
    who = np.minimum(source, task.people - 1)
    used = np.zeros(source.size, dtype=bool)
    for row in rest:
        used |= mine & (row[who] == target)
    left = task.room - (task.load[rest] - task.load[me]).sum(axis=0)
    shift = task.load[target] - task.load[source]
    heavy = max(float(task.load.max(initial=0.0)), 1e-12)
    fits = shift <= left[who] + 1e-9 * heavy
    relief = (left[who] < -1e-9 * heavy) & (shift < 0)
    keep = ~mine | (~used & (fits | relief))
    keep &= ~(stays[who] & mine) & ~(np.append(stays, np.zeros(task.n - task.people, dtype=bool))[target])
    bonus = np.where(left < -1e-9 * heavy, 4.0, 0.0)
    if way == "all":
        bonus += np.where(task.may_move & (others == 0), 4.0, 0.0)
    # Where home is too heavy, what relieves most is worth most.
    worth = arcs.gain + np.where(mine, bonus[who] + np.where(relief | (left[who] < 0), -shift / heavy, 0.0), 0.0)
    worth = np.where(mine, np.maximum(worth - prices[who] * shift, 0.0), worth)
    part = _kept(arcs, keep, worth)
    solution = rotate(
        _as_gain(part, part.gain),
        max_cycle=task.max_cycle,
        groups=task.groups,
        group_limit=task.group_limit,
        cover=task.cover,
        may_empty=_last_places(part),
        effort=15 + task.people // 100,
        time_limit=budget.seconds_left,
        seed=seed,
        progress=None if budget.progress is None else lambda steps, phase: budget.go_on(phase),
    )
    if solution.outcome.stopped_by in ("clock", "cancelled"):
        budget.stopped_by = solution.outcome.stopped_by
        return None
    budget.steps += 1
    row = np.arange(task.n, dtype=np.int64)
    for ring in solution.cycles:
        row[list(ring)] = [*ring[1:], ring[0]]
    return row
