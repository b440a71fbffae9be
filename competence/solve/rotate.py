"""Who moves to whose post: swaps and cycles in which every left post is filled again.

This module decides the plan of highest total gain under limits on the length of cycles, on movers per unit and on
critical competence left in each unit; posts without a holder start chains. Which moves are possible, and what each is
worth, is decided above it; several periods in a row are planned in :mod:`competence.solve.periods`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import fsum
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from competence.errors import InputError
from competence.model import Outcome
from competence.solve.assign import assign
from competence.solve.budget import PROOF, Budget, Progress, infeasible
from competence.solve.programme import maximise, maximise_whole

__all__ = ["RotationSolution", "RotationStart", "enumerate_cycles", "rotate"]

_LIMIT = 3_000_000  # cycles kept in memory at most: about 100 MB
_PATHS = 1_500_000  # paths held at once while enumerating
_ALL_COLUMNS = 60_000  # up to here the linear programme gets every cycle at once
_POOL = 15  # best cycles per person kept for the neighbourhood search
_FIRST = 15  # most valuable cycles per person that the linear programme begins with
_LIFT = 1e-4  # share of the bound that may be lost by ending the linear programme before every column was priced out
_COARSE = 16  # bits of gains under a programme's prices: there moves tie but for its tolerance, and bids creep
_CHUNK = 4096  # cycles looked at together for those whose people are all free
_NODES = 20_000  # search nodes per neighbourhood: more is better spent on another neighbourhood
_WHOLE = 1000  # people up to whom everybody is tried as one neighbourhood: of more it is never searched through
_FEW = 2000  # cycles left open up to which a changed plan is first tried as a whole: it may be proven at once
_PATIENCE = (80, 500)  # neighbourhoods in a row without gain after which the search ends: by default, and with effort asked for


@dataclass(frozen=True, slots=True, eq=False)
class RotationStart:
    """What a later call needs to go on from a solution instead of from nothing.

    Parameters
    ----------
    plan : tuple of tuple of int
        The cycles and chains of the plan.
    columns : ndarray of int32, shape (k, longest)
        Cycles that the linear programme or the search still considered, padded with -1; none where moves were free.
    size : float
        People in a neighbourhood that the search could still search through when it ended.
    """

    plan: tuple[tuple[int, ...], ...]
    columns: NDArray[np.int32]
    size: float = 60.0

    def renumbered(self, position: ArrayLike) -> RotationStart:
        """Return the start for other positions, as when somebody has come or gone.

        Parameters
        ----------
        position : array of int
            New position of each old one (people and supply posts); -1 is gone, and so is every cycle through it.

        Returns
        -------
        RotationStart

        Raises
        ------
        InputError
            If a position of the plan has no entry.

        Examples
        --------
        >>> RotationStart(((0, 2),), np.array([[0, 2], [1, 2]], dtype=np.int32)).renumbered([1, -1, 0]).plan
        ((0, 1),)
        """
        new = np.append(np.asarray(position, dtype=np.int64), -1)
        if self.columns.max(initial=-1) >= new.size - 1 or max((i for c in self.plan for i in c), default=-1) >= new.size - 1:
            raise InputError("position must have one entry for each person and supply post of the earlier call")
        plan = [tuple(int(new[i]) for i in c) for c in self.plan]
        inside = self.columns >= 0
        columns = new[self.columns]
        columns = columns[~(inside & (columns < 0)).any(axis=1)]
        return RotationStart(tuple(sorted(_canonical(c) for c in plan if min(c) >= 0)), columns.astype(np.int32), self.size)


@dataclass(frozen=True, slots=True, eq=False)
class RotationSolution:
    """A plan and the prices behind its bound.

    Parameters
    ----------
    cycles : tuple of tuple of int
        ``(a, b, c)``: a moves to the post of b, b to that of c, c to that of a. Smallest position first, sorted. In a
        chain one position is a supply post: ``(a, n + k, b)`` moves a to supply post k and b to the post of a, and
        the post of b is left empty.
    gains : tuple of float
        Gain of each cycle: the sum of its moves.
    person_prices : ndarray, shape (n + n_supply,)
        What the person, or the supply post, is worth to the plan. Without cycle limit: the price of moving plus that
        of the post.
    group_prices : ndarray, shape (n_groups,)
        What one more mover in the unit would be worth, at most.
    cover_prices : ndarray, shape (n_groups, n_competences)
        What one holder less to be kept would be worth, at most.
    n_candidates : int
        Cycles (moves, when the length is free) that were considered.
    outcome : Outcome
        ``steps`` are rounds of the linear programme and neighbourhoods solved.
    start : RotationStart
        For ``start`` of a later call on almost the same problem.

    Notes
    -----
    What a refused cycle would have cost: the prices of its people and rows minus its gain. Every plan that contains
    the cycle is worth at least that much less than the bound of the linear programme.
    """

    cycles: tuple[tuple[int, ...], ...]
    gains: tuple[float, ...]
    person_prices: NDArray[np.float64]
    group_prices: NDArray[np.float64]
    cover_prices: NDArray[np.float64]
    n_candidates: int
    outcome: Outcome
    start: RotationStart


@dataclass(frozen=True, slots=True, eq=False)
class _Arcs:
    """Allowed moves as CSR: sorted columns, no move to the own post, no locked person.

    Positions from ``people`` on are supply posts; a move of theirs leaves that person's post empty.
    """

    n: int
    people: int
    indptr: NDArray[np.int64]
    target: NDArray[np.int64]
    gain: NDArray[np.float64]

    @property
    def source(self) -> NDArray[np.int64]:
        return np.repeat(np.arange(self.n, dtype=np.int64), np.diff(self.indptr))


@dataclass(frozen=True, slots=True, eq=False)
class _Sides:
    """Side rows over moves: ``of_arcs(source, target)`` gives each move's coefficients; ``limit`` what is left.

    Rows 0..n_groups-1 count movers (limit may be infinite); the rest are (unit, competence) cells that could bind.
    """

    people: int
    groups: NDArray[np.int64]
    holders: sparse.csr_array
    cell: NDArray[np.int64]
    n_groups: int
    n_kinds: int
    limit: NDArray[np.float64]

    @property
    def binding(self) -> bool:
        """Whether any row could bind at all."""
        return bool(np.isfinite(self.limit).any())

    def of_arcs(self, source: NDArray[np.int64], target: NDArray[np.int64]) -> sparse.csr_array:
        """Return the rows x moves matrix."""
        k, rows = source.size, self.n_groups + self.cell.size
        position = np.arange(k)
        here, there = self.groups[source], self.groups[target]
        known = (here >= 0) & (source < self.people)
        parts = [(here[known], position[known], np.ones(int(known.sum())))]
        if self.cell.size:
            held = self.holders[source].tocoo()
            move, kind = held.coords[0].astype(np.int64), held.coords[1].astype(np.int64)
            for unit, sign in ((here[move], 1.0), (there[move], -1.0)):
                key = unit * self.n_kinds + kind
                at = np.minimum(np.searchsorted(self.cell, key), self.cell.size - 1)
                hit = (unit >= 0) & (self.cell[at] == key)
                parts.append((self.n_groups + at[hit], move[hit], np.full(int(hit.sum()), sign)))
        row, column, value = (np.concatenate([p[i] for p in parts]) for i in range(3))
        return sparse.coo_array((value, (row, column)), shape=(rows, k)).tocsr()


def enumerate_cycles(
    gain: sparse.csr_array | sparse.csr_matrix, max_cycle: int = 3, limit: int = _LIMIT
) -> tuple[NDArray[np.int32], NDArray[np.float64], bool]:
    """List every cycle of 2 to max_cycle people once, smallest position first.

    Parameters
    ----------
    gain : CSR array, shape (n, n)
        Entry (i, j) where i may take the post of j; the diagonal is ignored.
    max_cycle : int
        Longest cycle, at least 2.
    limit : int
        Stop when more cycles than this are found.

    Returns
    -------
    cycles : ndarray of int32, shape (k, max_cycle)
        Padded with -1, by smallest member.
    gains : ndarray of float64, shape (k,)
        Sum of the moves.
    complete : bool
        False if the limit stopped it.

    Notes
    -----
    Paths are grown from each person over people of higher position, in blocks, and closed by a look-up among the
    sorted moves: O(n * degree ** (max_cycle - 1) * log). The number of cycles grows with degree ** max_cycle / n.

    Examples
    --------
    >>> from scipy.sparse import csr_array
    >>> enumerate_cycles(csr_array([[0, 1.0, 0], [0, 0, 2.0], [3.0, 0, 0]]))[0].tolist()
    [[0, 1, 2]]
    """
    return _enumerate(_arcs(gain, ()), max_cycle, limit)


def _canonical(ring: Sequence[int]) -> tuple[int, ...]:
    """Turn a cycle so that its smallest position comes first."""
    low = list(ring).index(min(ring))
    return tuple(int(i) for i in (*ring[low:], *ring[:low]))


def _positions(given: Sequence[int], n: int, name: str) -> NDArray[np.int64]:
    """Check a list of positions of people."""
    who = np.asarray(given, dtype=np.int64).reshape(-1)
    if who.size and (who.min() < 0 or who.max() >= n):
        raise InputError(f"{name} must be positions of people in 0..{n - 1}")
    return who


def _arcs(gain: sparse.csr_array | sparse.csr_matrix, locked: Sequence[int], may_empty: Sequence[int] | None = None) -> _Arcs:
    """Check the gains and return the moves that may be made, with those by which a supply post takes a last place."""
    csr = sparse.csr_array(gain, copy=True).astype(np.float64)
    people, n = csr.shape
    if n < people:
        raise InputError(
            f"gain must be people by their posts (square), with a column more per supply post; got shape {csr.shape}"
        )
    csr.sum_duplicates()
    csr.sort_indices()
    if csr.nnz and not (np.isfinite(csr.data).all() and csr.data.min() >= 0):
        raise InputError("gain must be finite and at least 0; forbid a move by leaving it out")
    free = np.ones(n, dtype=bool)
    free[_positions(locked, people, "locked")] = False
    source = np.repeat(np.arange(people, dtype=np.int64), np.diff(csr.indptr))
    target = csr.indices.astype(np.int64)
    keep = (source != target) & free[source] & free[target]
    source, target, worth = source[keep], target[keep], csr.data[keep]
    empties = free[:people].copy()
    if may_empty is not None:
        chosen = np.zeros(people, dtype=bool)
        chosen[_positions(may_empty, people, "may_empty")] = True
        empties &= chosen
    if n > people:
        last = np.flatnonzero(empties)
        source = np.concatenate([source, np.repeat(np.arange(people, n), last.size)])
        target = np.concatenate([target, np.tile(last, n - people)])
        worth = np.concatenate([worth, np.zeros(last.size * (n - people))])
    indptr = np.zeros(n + 1, dtype=np.int64)
    np.cumsum(np.bincount(source, minlength=n), out=indptr[1:])
    return _Arcs(n, people, indptr, target, worth)


def _kept(arcs: _Arcs, keep: NDArray[np.bool_], gain: NDArray[np.float64] | None = None) -> _Arcs:
    """Return some of the moves, with other gains if given (one per move before the choice)."""
    indptr = np.zeros(arcs.n + 1, dtype=np.int64)
    np.cumsum(np.bincount(arcs.source[keep], minlength=arcs.n), out=indptr[1:])
    return _Arcs(arcs.n, arcs.people, indptr, arcs.target[keep], (arcs.gain if gain is None else gain)[keep])


def _rings(arcs: _Arcs, max_cycle: int, limit: int) -> tuple[NDArray[np.int32], NDArray[np.float64], bool]:
    """List the cycles of people and the chains into supply posts, of at most max_cycle people each."""
    if arcs.people == arcs.n:
        return _enumerate(arcs, max_cycle, limit)
    among = (arcs.source < arcs.people) & (arcs.target < arcs.people)
    cycles, worth, complete = _enumerate(_kept(arcs, among), max_cycle, limit)
    if not complete:
        return cycles, worth, False
    chains, gains, complete = _chains(arcs, max_cycle, limit - len(cycles))
    wide = np.full((len(cycles) + len(chains), max_cycle + 1), -1, dtype=np.int32)
    wide[: len(cycles), :max_cycle] = cycles
    wide[len(cycles) :] = chains
    worth = np.concatenate([worth, gains])
    order = np.argsort(wide[:, 0], kind="stable")
    return wide[order], worth[order], complete


def _chains(arcs: _Arcs, most: int, limit: int) -> tuple[NDArray[np.int32], NDArray[np.float64], bool]:
    """List the chains of at most ``most`` people into each supply post: who takes it, who takes that one's post, ...

    Grown backwards from the supply post; closed where the last post left may stay empty.
    """
    source = arcs.source
    moves = np.flatnonzero(source < arcs.people)
    order = moves[np.lexsort((source[moves], arcs.target[moves]))]
    into = np.zeros(arcs.n + 1, dtype=np.int64)
    np.cumsum(np.bincount(arcs.target[moves], minlength=arcs.n), out=into[1:])
    found: list[NDArray[np.int32]] = [np.empty((0, most + 1), dtype=np.int32)]
    gains: list[NDArray[np.float64]] = [np.empty(0)]
    total = 0
    for post in range(arcs.people, arcs.n):
        empties = np.zeros(arcs.n, dtype=bool)
        empties[arcs.target[arcs.indptr[post] : arcs.indptr[post + 1]]] = True
        path, value = np.array([[post]], dtype=np.int64), np.zeros(1)
        for length in range(1, most + 1):
            last = path[:, -1]
            count = into[last + 1] - into[last]
            at = np.repeat(np.arange(len(path)), count)
            arc = order[into[last][at] + np.arange(at.size) - np.repeat(np.cumsum(count) - count, count)]
            keep = (path[at] != source[arc][:, None]).all(axis=1)
            at, arc = at[keep], arc[keep]
            path, value = np.column_stack([path[at], source[arc]]), value[at] + arcs.gain[arc]
            closed = empties[source[arc]]
            ring = path[closed][:, ::-1]
            # From here on the smallest position first, as in cycles.
            low = ring.argmin(axis=1)
            ring = ring[np.arange(len(ring))[:, None], (low[:, None] + np.arange(length + 1)) % (length + 1)]
            wide = np.full((len(ring), most + 1), -1, dtype=np.int32)
            wide[:, : length + 1] = ring
            found.append(wide)
            gains.append(value[closed])
            total += len(ring)
            if total > limit or len(path) > 20 * _PATHS:
                return np.concatenate(found)[:limit], np.concatenate(gains)[:limit], False
    return np.concatenate(found), np.concatenate(gains), True


def _enumerate(arcs: _Arcs, max_cycle: int, limit: int) -> tuple[NDArray[np.int32], NDArray[np.float64], bool]:
    if max_cycle < 2:
        raise InputError(f"max_cycle must be at least 2; got {max_cycle}")
    n, key = arcs.n, arcs.source * max(arcs.n, 1) + arcs.target
    degree = np.diff(arcs.indptr)
    found: list[NDArray[np.int32]] = []
    gains: list[NDArray[np.float64]] = []
    total = 0
    mean = max(1.0, float(degree.mean()) if n else 1.0)
    # A block of starts whose paths, all grown, fit in memory.
    block = max(1, int(_PATHS / mean ** (max_cycle - 1)))
    for first in range(0, n, block):
        path = np.arange(first, min(first + block, n), dtype=np.int64)[:, None]
        value = np.zeros(len(path))
        for length in range(2, max_cycle + 1):
            last = path[:, -1]
            count = degree[last]
            at = np.repeat(np.arange(len(path)), count)
            offset = np.arange(at.size) - np.repeat(np.cumsum(count) - count, count)
            arc = arcs.indptr[last][at] + offset
            node = arcs.target[arc]
            keep = node > path[at, 0]
            for step in range(1, path.shape[1]):
                keep &= node != path[at, step]
            at, arc, node = at[keep], arc[keep], node[keep]
            path = np.column_stack([path[at], node])
            value = value[at] + arcs.gain[arc]
            close = node * n + path[:, 0]
            where = np.minimum(np.searchsorted(key, close), max(key.size - 1, 0))
            closed = key[where] == close if key.size else np.zeros(0, dtype=bool)
            if closed.any():
                ring = np.full((int(closed.sum()), max_cycle), -1, dtype=np.int32)
                ring[:, :length] = path[closed]
                found.append(ring)
                gains.append(value[closed] + arcs.gain[where[closed]])
                total += len(ring)
                if total > limit:
                    return np.concatenate(found)[:limit], np.concatenate(gains)[:limit], False
    if not found:
        return np.empty((0, max_cycle), dtype=np.int32), np.empty(0), True
    cycles, worth = np.concatenate(found), np.concatenate(gains)
    order = np.argsort(cycles[:, 0], kind="stable")
    return cycles[order], worth[order], True


def rotate(
    gain: sparse.csr_array | sparse.csr_matrix,
    *,
    max_cycle: int | None = 3,
    groups: ArrayLike | None = None,
    group_limit: ArrayLike | None = None,
    locked: Sequence[int] = (),
    cover: tuple[sparse.csr_array | sparse.csr_matrix | ArrayLike, ArrayLike] | None = None,
    may_empty: Sequence[int] | None = None,
    pinned_cycles: Sequence[Sequence[int]] = (),
    start: RotationStart | None = None,
    effort: int | None = None,
    time_limit: float | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> RotationSolution:
    """Choose disjoint cycles of moves for the highest total gain; anybody may stay.

    Parameters
    ----------
    gain : CSR array, shape (n, n + n_supply)
        Entry (i, j) >= 0: what it is worth that i takes the post of j. Absent is forbidden. Columns from n on are
        supply posts, which nobody holds (vacancies, parental leave): each may be filled and starts a chain, at whose
        end one post is left empty instead, so that no more posts are empty after the plan than before.
    max_cycle : int or None
        Most people in a cycle or chain, at least 2; None is without limit (cycles of thousands of people are then
        usual).
    groups : array of int, shape (n,) or (n + n_supply,), or None
        Unit of each person, and of each supply post, 0..n_groups-1; -1 is none.
    group_limit : array of int, shape (n_groups,), or None
        How many people of each unit may move.
    locked : sequence of int
        People who keep their posts.
    cover : (holders, minimum) or None
        ``holders`` (n, k), true where the person holds critical competence k; ``minimum`` (n_groups, k). After the
        plan each unit keeps at least min(minimum, holders now) holders. Needs ``groups``.
    may_empty : sequence of int or None
        People whose posts a chain may leave empty; None is all who are not locked.
    pinned_cycles : sequence of sequences of int
        Cycles that are in the plan whatever they are worth (a move that is not in ``gain`` counts 0).
    start : RotationStart or None
        ``start`` of an earlier solution of almost the same problem: its plan, as far as it is still allowed, is
        where the search begins, and its columns are where the linear programme begins.
    effort : int or None
        Rounds of the linear programme and neighbourhoods at most; None takes 50 + n / 5 up to 450, and fewer where
        nothing is gained any more.
    time_limit : float or None
        Guard in seconds.
    seed : int
        Where the neighbourhood search looks first.
    progress : callable or None
        See :data:`~competence.solve.budget.Progress`.

    Returns
    -------
    RotationSolution
        ``infeasible`` only when the pinned cycles by themselves break a rule, named in ``conflicts``. A cycle that
        would bring a holder back to a unit they leave short is not looked for: pin it too.

    Notes
    -----
    Cycle formulation (Abraham, Blum & Sandholm 2007, https://doi.org/10.1145/1250910.1250954; Roth, Sonmez & Unver
    2007, https://doi.org/10.1257/aer.97.3.828): maximise sum w_c z_c with, for each person, sum of z_c over cycles
    through the person <= 1; for each unit, movers <= limit; for each unit and competence, holders leaving - holders
    arriving <= holders now - kept. NP-hard for max_cycle >= 3. The linear programme (HiGHS in SciPy; by column
    generation over the enumerated cycles when they are many) gives prices; these are lifted until no cycle is worth
    more than its prices, so the bound holds whatever the solver's tolerances. Cycles whose reduced cost exceeds the
    gap cannot be in a better plan and are fixed to zero; if few are left HiGHS proves the optimum, else
    neighbourhoods are solved exactly, chosen where the prices say that gain is lost (large-neighbourhood search:
    Shaw 1998, https://doi.org/10.1007/3-540-49481-2_30).
    Where there are too many cycles each person keeps the best moves only; the bound is then that of plans without
    cycle limit. ``max_cycle=None`` without limits is an assignment problem with "stay" as one choice and exact; with
    limits their prices come from the linear programme over moves and the bound from the assignment under them.

    Examples
    --------
    >>> from scipy.sparse import csr_array
    >>> plan = rotate(csr_array([[0, 1.0, 0], [2.0, 0, 5.0], [4.0, 0, 0]]))
    >>> plan.cycles, plan.outcome.objective, plan.outcome.status.value
    (((0, 1, 2),), 10.0, 'optimal')
    """
    arcs = _arcs(gain, locked, may_empty)
    n = arcs.n
    if max_cycle is not None and max_cycle < 2:
        raise InputError(f"max_cycle must be at least 2, or None; got {max_cycle}")
    budget = Budget(effort, time_limit, progress, default=min(450, 50 + n // 5))
    sides = _sides(arcs.people, n, groups, group_limit, cover)
    pinned, pinned_gain, conflicts = _pin(gain, sides, pinned_cycles, locked, max_cycle)
    if conflicts:
        outcome = infeasible(budget, conflicts, "rotation")
        return _solution(n, sides, (), {}, np.zeros(n), np.zeros(sides.limit.size), 0, outcome, _NO_COLUMNS)
    if pinned:
        taken = np.fromiter((i for c in pinned for i in c), dtype=np.int64)
        gone = np.zeros(n, dtype=bool)
        gone[taken] = True
        arcs = _kept(arcs, ~(gone[arcs.source] | gone[arcs.target]))
        ahead = np.fromiter((c[(k + 1) % len(c)] for c in pinned for k in range(len(c))), dtype=np.int64)
        spent = sides.of_arcs(taken, ahead).sum(axis=1)
        sides = _Sides(sides.people, sides.groups, sides.holders, sides.cell, sides.n_groups, sides.n_kinds, sides.limit - spent)
    arcs, exponent = _useful(arcs, sides)
    if max_cycle is None:
        answer = _free(arcs, sides, budget, seed, start)
    else:
        answer = _limited(arcs, sides, max_cycle, budget, seed, start)
    answer = _rescaled(answer, exponent)
    cycles = {**dict(zip(pinned, pinned_gain, strict=True)), **answer.cycles}
    value = fsum(cycles.values())
    # Prices of free plans are exact to the step to which gains are rounded, which is under this part of the largest gain
    # per person; those of cycles are sums of floats.
    rounding = float(np.ldexp(PROOF if max_cycle is None else 1e-12, exponent))
    outcome = budget.outcome(value, answer.bound + fsum(pinned_gain), answer.method, notes=answer.notes, rounding=rounding)
    return _solution(
        n, sides, tuple(cycles), cycles, answer.person, answer.side, answer.candidates, outcome, answer.columns, answer.size
    )


_NO_COLUMNS = np.empty((0, 2), dtype=np.int32)


@dataclass(frozen=True, slots=True, eq=False)
class _Answer:
    cycles: dict[tuple[int, ...], float]
    bound: float
    person: NDArray[np.float64]
    side: NDArray[np.float64]
    candidates: int
    method: str
    columns: NDArray[np.int32]
    notes: tuple[str, ...] = ()
    size: float = 60.0


def _useful(arcs: _Arcs, sides: _Sides) -> tuple[_Arcs, int]:
    """Keep the moves that some cycle can contain, their gains brought under 1 by a power of two, which is exact.

    Tolerances of the search and of the solvers are absolute, so gains of any size must be of the order of 1; and a
    move that nobody can make would set that order for those that can be made.
    """
    source = arcs.source
    limit = np.append(sides.limit[: sides.n_groups], np.inf)
    barred = limit[np.where(sides.groups >= 0, sides.groups, sides.n_groups)] < 1 - 1e-9
    barred[arcs.people :] = False
    open_ = ~(barred[source] | barred[arcs.target])
    graph = sparse.csr_array((np.ones(int(open_.sum())), (source[open_], arcs.target[open_])), shape=(arcs.n, arcs.n))
    part = sparse.csgraph.connected_components(graph, connection="strong")[1] if arcs.n else np.empty(0, dtype=np.int64)
    keep = open_ & (part[source] == part[arcs.target])
    exponent = int(np.frexp(arcs.gain[keep].max(initial=0.0))[1])
    return _kept(arcs, keep, np.ldexp(arcs.gain, -exponent)), exponent


def _rescaled(answer: _Answer, exponent: int) -> _Answer:
    """Bring an answer back to the size of the gains as they were given."""
    cycles = {cycle: float(np.ldexp(gain, exponent)) for cycle, gain in answer.cycles.items()}
    bound = float(np.ldexp(answer.bound, exponent))
    person, side = np.ldexp(answer.person, exponent), np.ldexp(answer.side, exponent)
    return _Answer(cycles, bound, person, side, answer.candidates, answer.method, answer.columns, answer.notes, answer.size)


def _solution(
    n: int,
    sides: _Sides,
    cycles: tuple[tuple[int, ...], ...],
    gains: dict[tuple[int, ...], float],
    person: NDArray[np.float64],
    side: NDArray[np.float64],
    candidates: int,
    outcome: Outcome,
    columns: NDArray[np.int32],
    size: float = 60.0,
) -> RotationSolution:
    ordered = tuple(sorted(cycles))
    cover = np.zeros(sides.n_groups * sides.n_kinds)
    cover[sides.cell] = side[sides.n_groups :]
    return RotationSolution(
        ordered,
        tuple(gains[c] for c in ordered),
        person,
        side[: sides.n_groups],
        cover.reshape(sides.n_groups, sides.n_kinds),
        candidates,
        outcome,
        RotationStart(ordered, columns, size),
    )


def _sides(
    people: int,
    n: int,
    groups: ArrayLike | None,
    group_limit: ArrayLike | None,
    cover: tuple[sparse.csr_array | sparse.csr_matrix | ArrayLike, ArrayLike] | None,
) -> _Sides:
    """Check units, limits and cover, and bring them into rows."""
    if groups is None and (group_limit is not None or cover is not None):
        raise InputError("group_limit and cover need groups, the unit of each person")
    unit = np.full(n, -1, dtype=np.int64) if groups is None else np.asarray(groups, dtype=np.int64)
    if unit.shape == (people,):
        unit = np.append(unit, np.full(n - people, -1, dtype=np.int64))
    if unit.shape != (n,):
        raise InputError(f"groups must have one entry per person ({people}), and per supply post; got shape {unit.shape}")
    limits = None if group_limit is None else np.asarray(group_limit, dtype=np.float64)
    minimum = np.zeros((0, 0)) if cover is None else np.asarray(cover[1], dtype=np.int64)
    n_groups = max([int(unit.max(initial=-1)) + 1, 0 if limits is None else limits.size, minimum.shape[0]])
    if limits is None:
        limits = np.full(n_groups, np.inf)
    if limits.shape != (n_groups,) or (limits < 0).any():
        raise InputError(f"group_limit must have one number >= 0 per unit ({n_groups}); got shape {limits.shape}")
    if cover is None:
        return _Sides(people, unit, sparse.csr_array((n, 0)), np.empty(0, dtype=np.int64), n_groups, 0, limits)
    held: Any = cover[0]
    holders: sparse.csr_array = sparse.csr_array(held, copy=True).astype(np.float64)
    holders.eliminate_zeros()
    holders.data[:] = 1.0
    if minimum.ndim != 2 or minimum.shape != (n_groups, holders.shape[1]) or holders.shape[0] != people:
        raise InputError(
            f"cover must be holders ({people}, k) and minimum ({n_groups}, k); got {holders.shape} and {minimum.shape}"
        )
    holders = sparse.csr_array(sparse.vstack([holders, sparse.csr_array((n - people, holders.shape[1]))], format="csr"))
    known = np.flatnonzero(unit >= 0)
    by_unit = sparse.csr_array((np.ones(known.size), (unit[known], known)), shape=(n_groups, n))
    now = np.asarray((by_unit @ holders).todense(), dtype=np.float64).reshape(n_groups, -1)
    kept = np.minimum(minimum, now)
    cell = np.flatnonzero((kept > 0).ravel()).astype(np.int64)
    slack = (now - kept).ravel()[cell]
    return _Sides(people, unit, holders, cell, n_groups, holders.shape[1], np.concatenate([limits, slack]))


def _pin(
    gain: sparse.csr_array | sparse.csr_matrix,
    sides: _Sides,
    pinned_cycles: Sequence[Sequence[int]],
    locked: Sequence[int],
    max_cycle: int | None,
) -> tuple[list[tuple[int, ...]], list[float], tuple[str, ...]]:
    """Bring pinned cycles into canonical order with their gains, and name every rule they break."""
    csr = sparse.csr_array(gain)
    people, n = csr.shape
    cycles: list[tuple[int, ...]] = []
    conflicts: list[str] = []
    seen: set[int] = set()
    for given in pinned_cycles:
        ring = [int(i) for i in given]
        if len(ring) < 2 or len(set(ring)) != len(ring) or min(ring) < 0 or max(ring) >= n:
            raise InputError(f"a pinned cycle must name at least two different positions in 0..{n - 1}; got {tuple(given)}")
        if sum(i >= people for i in ring) > 1:
            raise InputError(f"a pinned chain must name one supply post; got {tuple(given)}")
        canonical = _canonical(ring)
        if canonical in cycles:
            continue
        conflicts += [f"pinned_twice:{i}" for i in canonical if i in seen]
        conflicts += [f"pinned_locked:{i}" for i in canonical if i in set(locked)]
        if max_cycle is not None and sum(i < people for i in canonical) > max_cycle:
            conflicts.append(f"pinned_too_long:{canonical[0]}")
        seen.update(canonical)
        cycles.append(canonical)
    gains = [fsum(float(csr[c[k], c[(k + 1) % len(c)]]) for k in range(len(c)) if c[k] < people) for c in cycles]
    if cycles and not conflicts:
        source = np.fromiter((i for c in cycles for i in c), dtype=np.int64)
        target = np.fromiter((c[(k + 1) % len(c)] for c in cycles for k in range(len(c))), dtype=np.int64)
        for row in np.flatnonzero(sides.of_arcs(source, target).sum(axis=1) > sides.limit + 1e-9):
            if row < sides.n_groups:
                conflicts.append(f"group_limit:{row}")
            else:
                where = int(sides.cell[row - sides.n_groups])
                conflicts.append(f"cover:{where // sides.n_kinds},{where % sides.n_kinds}")
    return cycles, gains, tuple(conflicts)


@dataclass(frozen=True, slots=True, eq=False)
class _Packing:
    """The set packing model: one column per cycle, one row per person, then the side rows that could bind."""

    n: int
    cycles: NDArray[np.int32]
    weight: NDArray[np.float64]
    side: sparse.csc_array
    limit: NDArray[np.float64]

    def priced(self, person: NDArray[np.float64], side: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return prices of each cycle's people and rows minus its gain: its reduced cost."""
        padded = np.append(person, 0.0)
        reduced: NDArray[np.float64] = padded[self.cycles].sum(axis=1) - self.weight
        if side.size:
            reduced = reduced + self.side.T @ side
        return reduced

    def rows(self, columns: NDArray[np.int64]) -> sparse.csr_array:
        """Return people and side rows of some columns as one matrix."""
        cycles = self.cycles[columns]
        inside = cycles >= 0
        at = np.broadcast_to(np.arange(len(columns))[:, None], cycles.shape)[inside]
        people = sparse.coo_array((np.ones(at.size), (cycles[inside], at)), shape=(self.n, len(columns)))
        if not self.limit.size:
            return sparse.csr_array(people)
        return sparse.csr_array(sparse.vstack([people, self.side[:, columns]], format="csr"))


def _packing(
    arcs: _Arcs, sides: _Sides, cycles: NDArray[np.int32], weight: NDArray[np.float64]
) -> tuple[_Packing, NDArray[np.int64]]:
    """Build the model; also return which side rows it kept."""
    ahead = np.empty_like(cycles)
    length = (cycles >= 0).sum(axis=1)
    ahead[:, :-1] = cycles[:, 1:]
    ahead[:, -1] = -1
    ahead[np.arange(len(cycles)), length - 1] = cycles[:, 0]
    inside = cycles >= 0
    column = np.broadcast_to(np.arange(len(cycles))[:, None], cycles.shape)[inside]
    finite = np.flatnonzero(np.isfinite(sides.limit))
    if not finite.size or not len(cycles):
        empty = sparse.csc_array((0, len(cycles)))
        return _Packing(arcs.n, cycles, weight, empty, np.empty(0)), finite[:0]
    of_arcs = sides.of_arcs(cycles[inside].astype(np.int64), ahead[inside].astype(np.int64))[finite]
    gather = sparse.csr_array((np.ones(column.size), (np.arange(column.size), column)), shape=(column.size, len(cycles)))
    matrix = sparse.csr_array(of_arcs @ gather)
    matrix.eliminate_zeros()
    # A row that cannot be exceeded, even if everybody went, only slows the solver.
    most = np.asarray(matrix.maximum(0).sum(axis=1)).ravel()
    keep = most > sides.limit[finite] + 1e-9
    return _Packing(arcs.n, cycles, weight, sparse.csc_array(matrix[keep]), sides.limit[finite][keep]), finite[keep]


def _fits_alone(model: _Packing) -> NDArray[np.bool_]:
    """Say of each cycle whether some plan can contain it: what it takes of rows that no cycle gives to must be there."""
    side = model.side
    gives = np.zeros(model.limit.size, dtype=np.bool_)
    gives[side.indices[side.data < 0]] = True
    over = ~gives[side.indices] & (side.data > model.limit[side.indices] + 1e-9)
    fits = np.ones(len(model.cycles), dtype=np.bool_)
    fits[np.repeat(np.arange(len(model.cycles)), np.diff(side.indptr))[over]] = False
    return fits


def _limited(
    arcs: _Arcs, sides: _Sides, max_cycle: int, budget: Budget, seed: int, start: RotationStart | None = None
) -> _Answer:
    """Solve with a limit on the length of cycles."""
    notes: tuple[str, ...] = ()
    cycles, weight, complete = _rings(arcs, max_cycle, _LIMIT)
    outer: float | None = None
    if not complete:
        outer = _free_bound(arcs)[0]
        best = int(np.diff(arcs.indptr)[: arcs.people].max())
        while not complete:
            best = best * 2 // 3
            cycles, weight, complete = _rings(_best_arcs(arcs, best), max_cycle, _LIMIT)
        notes = (f"cycles_limited:best {best} moves per person",)
    model, kept = _packing(arcs, sides, cycles, weight)
    alone = _fits_alone(model)
    if not alone.all():
        cycles, weight = cycles[alone], weight[alone]
        model = _Packing(model.n, cycles, weight, sparse.csc_array(model.side[:, alone]), model.limit)
    zero_side = np.zeros(sides.limit.size)
    if not len(cycles):
        return _Answer({}, 0.0 if outer is None else outer, np.zeros(arcs.n), zero_side, 0, "no cycle exists", _NO_COLUMNS, notes)
    known = np.empty(0, dtype=np.int64) if start is None else _find(cycles, start.columns)
    person, side, x = _relax(model, budget, known)
    bound = fsum(person) + fsum(side * model.limit)
    reduced = model.priced(person, side)
    plan = _greedy(model, reduced, x)
    size, first = 60.0 if start is None else start.size, list[int]()
    if start is not None:
        before = _find(cycles, _table(start.plan, cycles.shape[1]))
        again = _greedy(model, reduced, x, before)
        if fsum(model.weight[again]) > fsum(model.weight[plan]):
            plan = again
            # Look first where the earlier plan fell apart.
            lost = {i for c in start.plan for i in c} - {int(i) for c in plan for i in cycles[c]}
            first = sorted(lost, key=lambda i: (-person[i], i))
    plan, better, method, size = _improve(model, plan, reduced, bound, person, side, budget, seed, size, first, start is not None)
    bound = min(bound, better)
    if outer is not None:
        bound = outer
        method += ", bound of plans without cycle limit"
    zero_side[kept] = side
    chosen = {tuple(int(i) for i in cycles[c] if i >= 0): float(weight[c]) for c in plan}
    columns = cycles[np.union1d(_per_person(model, reduced, _POOL), np.asarray(plan, dtype=np.int64))]
    return _Answer(chosen, bound, person, zero_side, len(cycles), method, columns, notes, size)


def _table(plan: Sequence[Sequence[int]], width: int) -> NDArray[np.int32]:
    """Return cycles as rows padded with -1; those too long are left out."""
    fitting = [c for c in plan if len(c) <= width]
    table = np.full((len(fitting), width), -1, dtype=np.int32)
    for row, ring in zip(table, fitting, strict=True):
        row[: len(ring)] = ring
    return table


def _find(cycles: NDArray[np.int32], wanted: NDArray[np.int32]) -> NDArray[np.int64]:
    """Return where the wanted cycles stand among the cycles, in their own order; those that are not there are left out."""
    width = max(cycles.shape[1], wanted.shape[1])
    tables, keys = [], []
    for table in (cycles, wanted):
        wide = np.full((len(table), width), -1, dtype=np.int64)
        wide[:, : table.shape[1]] = table
        key = np.zeros(len(table), dtype=np.uint64)
        for column in wide.T:
            # Whole numbers that wrap around; should two keys meet, the rows are compared below.
            key = key * np.uint64(0x9E3779B97F4A7C15) + column.astype(np.uint64)
        tables.append(wide)
        keys.append(key)
    if not len(cycles):
        return np.empty(0, dtype=np.int64)
    order = np.argsort(keys[0], kind="stable")
    at = np.minimum(np.searchsorted(keys[0], keys[1], sorter=order), len(cycles) - 1)
    found = order[at]
    there: NDArray[np.int64] = found[(tables[0][found] == tables[1]).all(axis=1)]
    return there


def _best_arcs(arcs: _Arcs, most: int) -> _Arcs:
    """Keep each person's best moves, ties by position."""
    source = arcs.source
    order = np.lexsort((arcs.target, -arcs.gain, source))
    place = np.arange(order.size) - arcs.indptr[source[order]]
    keep = np.zeros(order.size, dtype=bool)
    keep[order[place < most]] = True
    return _kept(arcs, keep | (source >= arcs.people))


def _relax(
    model: _Packing, budget: Budget, known: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Solve the linear programme; return dual-feasible prices of people and side rows, and the primal values."""
    count = len(model.cycles)
    scale = 1000.0 / float(model.weight.max(initial=1e-12) or 1.0)
    limits = np.concatenate([np.ones(model.n), model.limit])
    active = np.arange(count, dtype=np.int64)
    if count > _ALL_COLUMNS:
        # Each person's most valuable cycles are a start from which few rounds of pricing are needed; what an earlier
        # programme ended with is a better one.
        most = np.bincount(model.cycles[known][model.cycles[known] >= 0], minlength=model.n)
        missing = np.append(most < _POOL, False)
        best = _per_person(model, -model.weight, _FIRST)
        active = np.union1d(known, best[missing[model.cycles[best]].any(axis=1)]) if known.size else best
    person, side = np.zeros(model.n), np.zeros(model.limit.size)
    # No prices at all are bound enough for what stands before the first round.
    np.maximum.at(person, model.cycles[:, 0], model.weight)
    lowest, x = np.inf, np.zeros(count)
    keep = 0.3 * float(model.weight.max(initial=0.0))
    for turn in range(60):
        answer = maximise(model.weight[active] * scale, model.rows(active), limits)
        if answer is None:
            break
        budget.steps += turn > 0
        prices = answer.limit_prices / scale
        reduced = model.priced(prices[: model.n], prices[model.n :])
        # Lift the price of a cycle's first person until no cycle is worth more than its prices: the bound is then
        # valid whatever the solver's tolerance was, and before all columns are in.
        lift = np.zeros(model.n)
        np.maximum.at(lift, model.cycles[:, 0], np.maximum(-reduced, 0.0))
        value = fsum(prices * limits)
        if value + fsum(lift) < lowest:
            lowest = value + fsum(lift)
            person, side = prices[: model.n] + lift, prices[model.n :]
            x = np.zeros(count)
            x[active] = answer.values
        if active.size == count or fsum(lift) <= _LIFT * value:
            break
        wanted = np.setdiff1d(np.flatnonzero(reduced < -1e-9 * max(1.0, float(model.weight.max()))), active)
        if not wanted.size or not budget.go_on("bound"):
            break
        # Also those that are nearly worth it: they are the ones the next round would ask for.
        active = np.union1d(np.union1d(active[reduced[active] < keep], wanted), _per_person(model, reduced, 6))
    return person, side, x


def _per_person(model: _Packing, key: NDArray[np.float64], most: int) -> NDArray[np.int64]:
    """Return the columns that are among the ``most`` lowest keys of any of their people."""
    return _lowest(model, np.arange(len(model.cycles), dtype=np.int64), key, most)


def _lowest(model: _Packing, columns: NDArray[np.int64], key: NDArray[np.float64], most: int) -> NDArray[np.int64]:
    """Return positions in ``columns`` that are among the ``most`` lowest keys of any of their people."""
    # Sorted by key first and then, stably, by person: small whole numbers are sorted without being compared.
    by_key = np.argsort(key, kind="stable")
    cycles = model.cycles[columns[by_key]]
    inside = cycles >= 0
    person = cycles[inside].astype(np.uint16 if model.n < 2**16 else np.int64)
    column = np.broadcast_to(by_key[:, None], cycles.shape)[inside]
    order = np.argsort(person, kind="stable")
    start = np.zeros(model.n + 1, dtype=np.int64)
    np.cumsum(np.bincount(person, minlength=model.n), out=start[1:])
    place = np.arange(order.size) - start[person[order]]
    return np.unique(column[order[place < most]]).astype(np.int64)


def _greedy(
    model: _Packing, reduced: NDArray[np.float64], x: NDArray[np.float64], before: NDArray[np.int64] | None = None
) -> list[int]:
    """Take what was there ``before``, then cycles by their share in the linear programme, then by reduced cost.

    As long as every row allows it.
    """
    share = np.round(x, 6)
    if before is not None:
        share[before] = 2.0
    order = np.lexsort((-model.weight, reduced, -share))
    free = np.ones(model.n + 1, dtype=bool)
    left = model.limit.copy()
    plan: list[int] = []
    indptr, indices, data = model.side.indptr, model.side.indices, model.side.data
    deferred: list[int] = []
    for again in range(2):
        # A second round takes cycles that a cover row refused before others brought holders in.
        asked = order if again == 0 else np.array(deferred, dtype=np.int64)
        for first in range(0, len(asked), _CHUNK):
            chunk = asked[first : first + _CHUNK]
            # Padding stands for the last entry, which stays free. Most cycles meet somebody who has gone.
            for c in chunk[free[model.cycles[chunk]].all(axis=1)].tolist():
                ring = model.cycles[c]
                ring = ring[ring >= 0]
                if not free[ring].all():
                    continue
                span = slice(int(indptr[c]), int(indptr[c + 1]))
                if (data[span] > left[indices[span]] + 1e-9).any():
                    if again == 0:
                        deferred.append(c)
                    continue
                left[indices[span]] -= data[span]
                free[ring] = False
                plan.append(c)
    return plan


def _improve(
    model: _Packing,
    plan: list[int],
    reduced: NDArray[np.float64],
    bound: float,
    person: NDArray[np.float64],
    side: NDArray[np.float64],
    budget: Budget,
    seed: int,
    size: float,
    first: list[int],
    again: bool,
) -> tuple[list[int], float, str, float]:
    """Improve the plan: exactly when few cycles can still be in a better one, else neighbourhood by neighbourhood."""
    value, prices = fsum(model.weight[plan]), bound
    method = "set packing of cycles (HiGHS in SciPy)"
    everybody = np.ones(model.n, dtype=bool)
    rng = np.random.default_rng(seed)
    pairs_only = not (model.cycles[:, 2:] >= 0).any()
    stale, smallest, most = 0, np.inf, _POOL
    patience = _PATIENCE[0] if budget.by_default else _PATIENCE[1]
    pool: NDArray[np.int64] = np.empty(0, dtype=np.int64)
    members: sparse.csr_array | None = None
    while bound - value > PROOF * max(abs(bound), 1e-9) and budget.go_on("rotation"):
        # A cycle that costs more than the prices leave above the plan is in no better plan. Not the bound: whole-number
        # programmes may have brought that under what the prices prove.
        open_columns = np.flatnonzero(reduced <= prices - value + 1e-9)
        # Swaps alone are a matching problem, whose cuts HiGHS finds; elsewhere its time grows fast with the columns.
        large = 20_000 if pairs_only else 600
        cost = 1 + (open_columns.size // 1000 if pairs_only else open_columns.size**2 // 5000)
        few = open_columns.size <= (_FEW if again else 200)
        if (few or pairs_only or stale >= 15) and open_columns.size < 0.9 * smallest:
            smallest = open_columns.size
            whole = max(3, model.n // 50)
            if not pairs_only and model.n <= _WHOLE and whole <= budget.allow(whole):
                # The neighbourhood of everybody: if it is searched through, the plan is proven.
                found, proven = _dive(
                    model, open_columns, everybody, person, side, reduced, model.limit, prices - value, 5 * _NODES
                )
                budget.steps += whole
                if found is not None:
                    plan, value, stale, members = found, fsum(model.weight[found]), 0, None
                if proven:
                    bound = value
                    break
                if found is not None:
                    continue
            if open_columns.size <= large and cost <= budget.allow(cost):
                answer = _exact(model, open_columns, everybody, model.limit, budget, 400)
                if answer is None:
                    # Cut short by the clock, so it counts for nothing and nothing may follow it.
                    budget.stopped_by = "clock"
                    break
                budget.steps += cost
                if fsum(model.weight[answer[0]]) > value:
                    plan, value, stale, members = answer[0], fsum(model.weight[answer[0]]), 0, None
                bound = min(bound, max(value, answer[1]))
                continue
        if stale >= patience:
            break
        if members is None:
            pool = np.intersect1d(open_columns, _per_person(model, reduced, most))
            pool = np.union1d(pool, np.asarray(plan, dtype=np.int64))
            members = model.rows(pool)[: model.n]
        method = "set packing of cycles: column bound and neighbourhood search (HiGHS in SciPy)"
        chosen = np.asarray(plan, dtype=np.int64)
        centre = first.pop(0) if first else -1
        free = _neighbourhood(model, chosen, reduced, person, pool, members, int(size), rng, centre)
        padded = np.append(free, True)
        moved = free[model.cycles[chosen, 0]]
        stay, now = chosen[~moved], fsum(model.weight[chosen[moved]])
        left = model.limit - (model.side[:, stay].sum(axis=1) if model.limit.size else 0.0)
        # The prices bound what the opened people can reach; a cycle that costs more than the rest of it is out.
        room = fsum(person[free]) + fsum(side * left) - now
        inside = pool[(reduced[pool] <= room + 1e-9) & padded[model.cycles[pool]].all(axis=1)]
        # Where nothing is gained any more it takes a longer look, and so it does where little is left to put right.
        nodes = _NODES << (min(stale // 40, 4) + 2 * again)
        found, proven = _dive(model, inside, free, person, side, reduced, left, room, nodes)
        budget.steps += 1
        gained = fsum(model.weight[found]) - now if found is not None else 0.0
        # Neighbourhoods as large as can still be searched through: that is where they gain most per second.
        size = min(size * 1.04, 400.0) if proven else max(12.0, size * 0.95)
        if gained > 1e-9 * max(1.0, value):
            plan, stale = [*stay.tolist(), *(found or ())], 0
            value = fsum(model.weight[plan])
        else:
            stale += 1
            if proven and free.all():
                if np.isin(open_columns, pool).all():
                    bound = value
                    break
                # Nothing better among the best cycles of everybody: look at more of each.
                most, members = 2 * most, None
    return plan, bound, method, size


def _neighbourhood(
    model: _Packing,
    plan: NDArray[np.int64],
    reduced: NDArray[np.float64],
    person: NDArray[np.float64],
    pool: NDArray[np.int64],
    members: sparse.csr_array,
    size: int,
    rng: np.random.Generator,
    centre: int,
) -> NDArray[np.bool_]:
    """Choose about ``size`` people around one who, by the prices, loses gain; their cycles are opened."""
    of_person = np.full(model.n, -1, dtype=np.int64)
    loss = person.copy()
    for c in plan.tolist():
        ring = model.cycles[c]
        ring = ring[ring >= 0]
        of_person[ring] = c
        loss[ring] = max(reduced[c], 0.0) / len(ring)
    loss = np.maximum(loss, 0.0) + 1e-3 * max(float(loss.max(initial=0.0)), 1e-12)
    free = np.zeros(model.n, dtype=bool)
    queue: list[int] = [centre] if centre >= 0 else []
    count = 0
    while count < min(size, model.n):
        if not queue:
            weights = np.where(free, 0.0, loss)
            if not weights.any():
                break
            queue.append(int(rng.choice(model.n, p=weights / weights.sum())))
        here = queue.pop(0)
        ring_of = of_person[here]
        ring = [here] if ring_of < 0 else [int(i) for i in model.cycles[ring_of] if i >= 0]
        for i in ring:
            if not free[i]:
                free[i] = True
                count += 1
        near = pool[members.indices[members.indptr[here] : members.indptr[here + 1]]]
        if near.size:
            best = near[np.argsort(reduced[near] * (0.5 + rng.random(near.size)), kind="stable")[:4]]
            queue.extend(int(i) for c in best.tolist() for i in model.cycles[c] if i >= 0 and not free[i])
    return free


def _dive(
    model: _Packing,
    columns: NDArray[np.int64],
    free: NDArray[np.bool_],
    person: NDArray[np.float64],
    side: NDArray[np.float64],
    reduced: NDArray[np.float64],
    left: NDArray[np.float64],
    room: float,
    nodes: int,
) -> tuple[list[int] | None, bool]:
    """Search a neighbourhood for a plan that loses less than ``room``; say also whether the search was exhaustive."""
    from competence.solve.rotate_kernel import pack

    people = np.flatnonzero(free)
    local = np.full(model.n + 1, -1, dtype=np.int64)
    local[people] = np.arange(people.size)
    cycles = local[model.cycles[columns]]
    inside = cycles >= 0
    who, which = cycles[inside], np.broadcast_to(np.arange(columns.size)[:, None], cycles.shape)[inside]
    order = np.lexsort((which, reduced[columns][which], who))
    start = np.zeros(people.size + 1, dtype=np.int64)
    np.cumsum(np.bincount(who, minlength=people.size), out=start[1:])
    rows = model.side[:, columns] if model.limit.size else sparse.csc_array((0, columns.size))
    one_way = np.ones(model.limit.size, dtype=np.bool_)
    one_way[rows.indices[rows.data < 0]] = False
    taken, _, used = pack(
        cycles,
        np.maximum(reduced[columns], 0.0),
        person[people],
        start,
        which[order].astype(np.int64),
        rows.indptr.astype(np.int64),
        rows.indices.astype(np.int64),
        rows.data.astype(np.float64),
        side.astype(np.float64),
        left.astype(np.float64).copy(),
        one_way,
        # Less than this is rounding of sums of prices; gains are of the order of 1 here.
        room - 1e-12 * max(1.0, fsum(person)),
        nodes,
    )
    found = columns[taken[taken >= 0]].tolist()
    return found or None, bool(used < nodes)


def _exact(
    model: _Packing,
    columns: NDArray[np.int64],
    free: NDArray[np.bool_],
    left: NDArray[np.float64],
    budget: Budget,
    nodes: int,
) -> tuple[list[int], float] | None:
    """Solve the packing over some columns; return the cycles and an upper bound for these columns."""
    if not columns.size:
        return [], 0.0
    matrix = model.rows(columns)
    limits = np.concatenate([free.astype(float), left])
    used = np.flatnonzero(np.diff(matrix.indptr))
    # Gains are scaled so that the solver's absolute tolerance of 1e-6 is far under one part in 10^9 of the plan.
    scale = 1000.0 / float(model.weight[columns].max() or 1.0)
    answer = maximise_whole(
        model.weight[columns] * scale, [(matrix[used], -np.inf, limits[used])], 1.0, nodes=nodes, seconds=budget.seconds_left
    )
    left_over = budget.seconds_left
    if not answer.finished and left_over is not None and left_over < 0.5:
        # What the clock cut short could not be repeated by steps.
        return None
    if answer.values is None:
        return [], answer.bound / scale
    found = columns[answer.values > 0.5]
    value = fsum(model.weight[found])
    return found.tolist(), value if answer.finished else max(answer.bound / scale, value)


def _free_bound(arcs: _Arcs, bits: int = 36) -> tuple[float, NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]:
    """Solve the plan without limits; return its bound, prices of moving and of posts, and who takes whose post.

    Gains may be negative here: under the prices of limits a move may cost, and still close a good cycle.
    """
    n = arcs.n
    stay = np.arange(n, dtype=np.int64)
    source, target = np.concatenate([arcs.source, stay]), np.concatenate([arcs.target, stay])
    gain = np.concatenate([arcs.gain, np.zeros(n)])
    if not n:
        return 0.0, np.zeros(0), np.zeros(0), stay
    # Everybody takes one post, their own or another: as many pairs as possible, of highest gain. In whole numbers that
    # leave room for what a pair more is worth, every price is exact, and so is the proof.
    largest = float(np.abs(gain).max()) or 1.0
    scale = 2.0 ** min(bits, 48 - int(np.ceil(np.log2(n + 1)))) / largest
    # Gains that are whole multiples of a coarser step keep it: bids are fewer with short numbers.
    for short in (7, 10, 14, 20):
        coarse = float(np.ldexp(1.0, short - int(np.frexp(largest)[1])))
        if (gain * coarse == np.rint(gain * coarse)).all():
            scale = coarse
            break
    whole = np.rint(gain * scale)
    square = sparse.csr_array((whole - min(0.0, float(whole.min())), (source, target)), shape=(n, n))
    plan = assign(square, objective="most_pairs")
    # The bound is taken at these prices from the gains as they are, so it holds for them.
    v = (plan.column_duals - plan.column_duals.min()) / scale
    u = np.full(n, -np.inf)
    np.maximum.at(u, source, gain - v[target])
    return fsum([*u, *v]), u, v, plan.pairs[:, 1]


def _cycles_of(to: NDArray[np.int64], people: int) -> list[tuple[int, ...]]:
    """Split a permutation into its cycles of two or more, smallest position first, one supply post in each at most."""
    seen = np.zeros(to.size, dtype=bool)
    found = []
    for first in range(to.size):
        ring: list[int] = []
        i = first
        while not seen[i]:
            seen[i] = True
            ring.append(i)
            i = int(to[i])
        if len(ring) < 2:
            continue
        ends = [k for k, i in enumerate(ring) if i >= people]
        if len(ends) < 2:
            found.append(tuple(ring))
            continue
        # Any empty post may take any last place: cut behind each supply post, and each part closes by itself.
        ring = [*ring[ends[-1] + 1 :], *ring[: ends[-1] + 1]]
        part: list[int] = []
        for i in ring:
            part.append(i)
            if i >= people:
                if len(part) > 1:
                    found.append(_canonical(part))
                part = []
    return found


def _free(arcs: _Arcs, sides: _Sides, budget: Budget, seed: int, start: RotationStart | None = None) -> _Answer:
    """Solve without a limit on the length of cycles."""

    def worth(cycles: list[tuple[int, ...]]) -> dict[tuple[int, ...], float]:
        one = np.fromiter((i for c in cycles for i in c), dtype=np.int64)
        other = np.fromiter((i for c in cycles for i in (*c[1:], c[0])), dtype=np.int64)
        at = np.searchsorted(key, one * arcs.n + other)
        gains, found, first = arcs.gain[at].tolist(), {}, 0
        for c in cycles:
            found[c] = fsum(gains[first : first + len(c)])
            first += len(c)
        return found

    key = arcs.source * arcs.n + arcs.target
    bound, u, v, to = _free_bound(arcs)
    rows = np.flatnonzero(np.isfinite(sides.limit))
    matrix = sides.of_arcs(arcs.source, arcs.target)[rows]
    limit = sides.limit[rows]
    side = np.zeros(sides.limit.size)
    moving = to[arcs.source] == arcs.target
    plan = worth(_cycles_of(to, arcs.people))
    if not rows.size or (matrix @ moving.astype(float) <= limit + 1e-9).all():
        return _Answer(plan, bound, u + v, side, arcs.gain.size, "assignment with stay, proved by prices", _NO_COLUMNS)
    # The limits bind: their prices from the linear programme over moves, a bound from the assignment under them.
    prices = _price_moves(arcs, matrix, limit)
    under = _Arcs(arcs.n, arcs.people, arcs.indptr, arcs.target, arcs.gain - prices @ matrix)
    positive, u, v, _ = _free_bound(under, _COARSE)
    bound = min(bound, positive + fsum(prices * limit))
    side[rows] = prices
    best: dict[tuple[int, ...], float] = {}
    method = "free cycles within the limits (HiGHS in SciPy), bound from the limits' prices"
    again = [] if start is None else _still_allowed(start.plan, arcs)
    for cycles in (_fitting(_cycles_of(to, arcs.people), arcs, sides), _fitting(again, arcs, sides)):
        gains = worth(cycles)
        best = gains if fsum(gains.values()) > fsum(best.values()) else best
    if budget.go_on("moves"):
        whole = _whole_moves(arcs, matrix, limit, budget)
        gains = {} if whole is None else worth(whole)
        best = gains if fsum(gains.values()) > fsum(best.values()) else best
    limited = _limited(arcs, sides, 3, budget, seed, start)
    if fsum(limited.cycles.values()) > fsum(best.values()):
        best, method = limited.cycles, "cycles of at most 3 within the limits, bound of free plans under their prices"
    return _Answer(best, bound, u + v, side, arcs.gain.size, method, limited.columns)


def _still_allowed(plan: Sequence[tuple[int, ...]], arcs: _Arcs) -> list[tuple[int, ...]]:
    """Return the cycles of an earlier plan all of whose moves are still there."""
    allowed = set(zip(arcs.source.tolist(), arcs.target.tolist(), strict=True))
    return [c for c in plan if all((c[k], c[(k + 1) % len(c)]) in allowed for k in range(len(c)))]


def _price_moves(arcs: _Arcs, matrix: sparse.csr_array, limit: NDArray[np.float64]) -> NDArray[np.float64]:
    """Solve the linear programme over moves; return the prices of the side rows."""
    balance, once = _flow_rows(arcs)
    scale = 1000.0 / float(arcs.gain.max(initial=1.0) or 1.0)
    rows = sparse.csr_array(sparse.vstack([once, matrix], format="csr"))
    limits = np.concatenate([np.ones(arcs.n), limit])
    answer = maximise(arcs.gain * scale, rows, limits, equal=balance, equal_to=np.zeros(arcs.n), top=1.0)
    return np.zeros(limit.size) if answer is None else answer.limit_prices[arcs.n :] / scale


def _flow_rows(arcs: _Arcs) -> tuple[sparse.csr_array, sparse.csr_array]:
    """Return the rows that a left post is filled and that a person moves once."""
    k, position, ones = arcs.gain.size, np.arange(arcs.gain.size), np.ones(arcs.gain.size)
    leave = sparse.csr_array((ones, (arcs.source, position)), shape=(arcs.n, k))
    arrive = sparse.csr_array((ones, (arcs.target, position)), shape=(arcs.n, k))
    return sparse.csr_array(leave - arrive), leave


def _whole_moves(
    arcs: _Arcs, matrix: sparse.csr_array, limit: NDArray[np.float64], budget: Budget
) -> list[tuple[int, ...]] | None:
    """Ask HiGHS for a plan over moves with the side rows, within a few nodes; None if too large or none was found."""
    if arcs.gain.size > 70_000:
        return None
    budget.steps += 1
    balance, once = _flow_rows(arcs)
    scale = 1000.0 / float(arcs.gain.max(initial=1.0) or 1.0)
    answer = maximise_whole(
        arcs.gain * scale,
        [(balance, 0.0, 0.0), (once, -np.inf, 1.0), (matrix, -np.inf, limit)],
        1.0,
        nodes=2000 if arcs.gain.size < 2000 else 20,
        seconds=budget.seconds_left,
    )
    left_over = budget.seconds_left
    if not answer.finished and left_over is not None and left_over < 0.5:
        budget.stopped_by = "clock"
        budget.steps -= 1
        return None
    if answer.values is None:
        return None
    to = np.arange(arcs.n, dtype=np.int64)
    moves = answer.values > 0.5
    to[arcs.source[moves]] = arcs.target[moves]
    return _cycles_of(to, arcs.people)


def _fitting(cycles: list[tuple[int, ...]], arcs: _Arcs, sides: _Sides) -> list[tuple[int, ...]]:
    """Keep whole cycles, the most gain per person first, while the side rows allow."""
    lookup = sparse.csr_array((arcs.gain, arcs.target, arcs.indptr), shape=(arcs.n, arcs.n))
    ranked = sorted(cycles, key=lambda c: (-fsum(float(lookup[c[k], c[(k + 1) % len(c)]]) for k in range(len(c))) / len(c), c))
    spent = np.zeros(sides.limit.size)
    kept = []
    for ring in ranked:
        source = np.array(ring, dtype=np.int64)
        more = spent + sides.of_arcs(source, np.roll(source, -1)).sum(axis=1)
        if (more <= sides.limit + 1e-9).all():
            spent = more
            kept.append(ring)
    return kept
