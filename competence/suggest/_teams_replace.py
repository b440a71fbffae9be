"""What one member more or less would change: the best replacement of each member, and which rule keeps somebody out.

This module decides nothing about teams that are formed; it tries every single exchange of a member for somebody who is
in no team, works the coverage out again, and names the rule that stands against it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from math import fsum

import numpy as np
from numpy.typing import NDArray

from competence.suggest._teams_plan import Job, Rules

__all__ = ["Bench", "Exchange"]

_GAIN = 1e-9


@dataclass(frozen=True, slots=True)
class Exchange:
    """A member out, somebody else in, and the coverage of the team then."""

    out: int
    new: int
    score: float


@dataclass(frozen=True, slots=True, eq=False)
class Bench:
    """Those of the pool who are in no team, as positions in the seeded order, under the rules of the teams."""

    rules: Rules
    free: NDArray[np.int64]
    _beside: dict[int, set[int]] = field(default_factory=dict)
    _apart: dict[int, set[int]] = field(default_factory=dict)
    _kinds: dict[int, tuple[NDArray[np.bool_], tuple[NDArray[np.int64], ...]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for pairs, found in ((self.rules.together, self._beside), (self.rules.apart, self._apart)):
            for i, j in pairs:
                found.setdefault(i, set()).add(j)
                found.setdefault(j, set()).add(i)

    def against(self, team: Sequence[int], out: int, new: int) -> tuple[str, int] | None:
        """Return the rule against an exchange and the position that it is about; None where it can be made."""
        if new in self._beside:
            return "partner_no_place", min(self._beside[new])
        if out in self._beside:
            return "member_has_partner", out
        stay = [i for i in team if i != out]
        foes = sorted(self._apart.get(new, set()).intersection(stay))
        if foes:
            return "kept_apart", foes[0]
        if self.rules.at_most is not None:
            group, limit = self.rules.at_most
            if sum(int(group[i] == group[new]) for i in stay) >= limit:
                return "unit_full", new
        return None

    def replacements(self, job: Job, team: Sequence[int]) -> list[Exchange]:
        """Return for each member the best exchange that keeps the rules, the least loss first.

        Notes
        -----
        Only kinds of people (who hold the same items) are compared, and of one kind the first in the seeded order that
        the rules let in is taken. O(members * kinds * items).
        """
        found = []
        for out, scores, members in self._tried(job, team):
            for kind in np.lexsort((np.arange(scores.size), -scores)).tolist():
                new = next((int(i) for i in members[kind] if self.against(team, out, int(i)) is None), None)
                if new is not None:
                    found.append(Exchange(out, new, coverage(job, [*(i for i in team if i != out), new])))
                    break
        return sorted(found, key=lambda e: (-e.score, e.out))

    def kept_out(self, teams: Sequence[tuple[Job, Sequence[int]]]) -> dict[int, tuple[str, int]]:
        """Return those who would raise some team's coverage but for a rule, with the rule and the position it is about.

        Notes
        -----
        Of whom some team could take as well, nothing is said: no rule stands in the way. O(members * kinds * items), and
        for those of rules one look each.
        """
        size = int(self.free.max(initial=-1)) + 1
        welcome = np.zeros(size, dtype=np.bool_)
        found: dict[int, tuple[str, int]] = {}
        special = np.array(sorted({*self._beside, *self._apart}), dtype=np.int64)
        for job, team in teams:
            now = coverage(job, team)
            for out, scores, members in self._tried(job, team):
                for kind in np.flatnonzero(scores > now + _GAIN).tolist():
                    left = members[kind][~welcome[members[kind]]]
                    by_rule = np.isin(left, special) | (out in self._beside)
                    if self.rules.at_most is not None:
                        group, limit = self.rules.at_most
                        units, number = np.unique(group[[i for i in team if i != out]], return_counts=True)
                        by_rule |= np.isin(group[left], units[number >= limit])
                    welcome[left[~by_rule]] = True
                    for new in left[by_rule].tolist():
                        rule = self.against(team, out, new)
                        if rule is None:
                            welcome[new] = True
                        else:
                            found.setdefault(new, rule)
        return {position: rule for position, rule in found.items() if not welcome[position]}

    def _tried(self, job: Job, team: Sequence[int]) -> Iterator[tuple[int, NDArray[np.float64], tuple[NDArray[np.int64], ...]]]:
        """Yield each member with the team's coverage for each kind of people on the bench, and who is of each kind."""
        if not self.free.size:
            return
        kinds, members = self._kinds_of(job)
        share = job.weights / job.counts / job.weights.sum()
        held = job.holds[list(team)].sum(axis=0)
        for out in team:
            yield out, np.minimum(held - job.holds[out] + kinds, job.counts) @ share, members

    def _kinds_of(self, job: Job) -> tuple[NDArray[np.bool_], tuple[NDArray[np.int64], ...]]:
        """Return the kinds of people on the bench, who hold the same of a need, and who is of each in the seeded order."""
        if id(job) not in self._kinds:
            kinds, number = np.unique(job.holds[self.free], axis=0, return_inverse=True)
            order = np.argsort(number.ravel(), kind="stable")
            ends = np.cumsum(np.bincount(number.ravel(), minlength=len(kinds)))[:-1]
            self._kinds[id(job)] = (kinds, tuple(np.split(self.free[order], ends)))
        return self._kinds[id(job)]


def coverage(job: Job, team: Sequence[int]) -> float:
    """Return a team's coverage in [0, 1], added as its reasons are."""
    total = sum(i.weight for i in job.items)
    held = job.holds[list(team)].sum(axis=0).tolist()
    return fsum(i.weight / total * (min(h, i.count) / i.count) for i, h in zip(job.items, held, strict=True))
