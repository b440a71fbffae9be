"""The numbers of a team problem: checked whole, pairs joined, and what contradicts itself named.

What stands here is everything that stage 1 of :mod:`competence.solve.teams` may see: who holds what and the rules,
and nobody's sex.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import reduce
from math import floor, gcd, lcm

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from competence.errors import InputError

__all__ = ["BALANCES", "EPS", "MAN", "NOT_STATED", "WOMAN", "Problem", "read_problem"]

BALANCES = ("no_lone", "balanced", "proportional", "off")
WOMAN, MAN, NOT_STATED = 0, 1, 2

EPS = 1e-9
"""Sums of coverage that differ by less are the same: they were added in another order."""


@dataclass(frozen=True, slots=True, eq=False)
class Problem:
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
        """People in the pool."""
        return int(self.holds.shape[0])

    @property
    def n_teams(self) -> int:
        """Teams to fill; this number itself is the bench."""
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


def read_problem(
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
) -> tuple[Problem, NDArray[np.int64] | None]:
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
    problem = Problem(
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
    torn = {int(cluster[i]) for i, j in apart if cluster[i] == cluster[j]}
    people = np.unique(np.array(together, dtype=np.int64).ravel())
    inside: dict[int, list[int]] = {}
    for person, c in zip(people.tolist(), cluster[people].tolist(), strict=True):
        inside.setdefault(c, []).append(person)
    for c in sorted(inside):
        members = inside[c]
        units = group[members]
        crowded = bool(units[units >= 0].size) and int(np.unique(units[units >= 0], return_counts=True)[1].max()) > limit
        if len(members) > max(sizes):
            usable[members] = False
            if all_placed:
                found.append(f"together_too_large:{members[0]} size={len(members)}>{max(sizes)}")
        elif crowded or c in torn:
            usable[members] = False
            if all_placed and crowded:
                found.append(f"together_at_most:{members[0]}")
    if all_placed:
        found += _cliques(len(sizes), cluster, apart)
    if not all_placed and n >= sum(sizes) and int(usable.sum()) < sum(sizes):
        found.append(f"too_few_people_after_together:{int(usable.sum())}<{sum(sizes)}")
    of_unit = np.bincount(group[group >= 0]) if (group >= 0).any() else np.empty(0, dtype=np.int64)
    if all_placed:
        found += [
            f"at_most:{u} people={c}>{limit * len(sizes)}" for u, c in enumerate(of_unit.tolist()) if c > limit * len(sizes)
        ]
    elif int(np.minimum(of_unit, limit * len(sizes)).sum()) + int((group < 0).sum()) < sum(sizes) <= n:
        room = int(np.minimum(of_unit, limit * len(sizes)).sum()) + int((group < 0).sum())
        found.append(f"at_most:limit={limit} people={room}<{sum(sizes)}")
    return tuple(found)


def _cliques(n_teams: int, cluster: NDArray[np.int64], apart: tuple[tuple[int, int], ...]) -> list[str]:
    """Name people who must all be apart from each other and are more than there are teams: one such group at most.

    Groups are grown from each person, those with the most pairs first; one that is not found this way may still exist.
    """
    beside: dict[int, set[int]] = {}
    person: dict[int, int] = {}
    for i, j in apart:
        a, b = int(cluster[i]), int(cluster[j])
        if a != b:
            beside.setdefault(a, set()).add(b)
            beside.setdefault(b, set()).add(a)
            person.setdefault(a, i)
            person.setdefault(b, j)
    order = sorted((c for c in beside if len(beside[c]) >= n_teams), key=lambda c: (-len(beside[c]), person[c]))
    for first in order:
        clique, common = [first], set(beside[first])
        while common:
            following = min(common, key=lambda c: (-len(beside[c] & common), person[c]))
            clique.append(following)
            common &= beside[following]
        if len(clique) > n_teams:
            people = ",".join(map(str, sorted(person[c] for c in clique[: n_teams + 1])))
            return [f"apart_too_many:{people} people={len(clique)}>{n_teams}"]
    return []
