"""Hard rules of a mentoring round, each by its name, and what earlier rounds mean for this one.

This module decides who takes part, which pairs are forbidden, fixed or running, who has waited, and how many mentees a
mentor can take. Who could teach whom, :mod:`competence.suggest._mentoring_candidates` decides.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from competence.errors import InputError
from competence.evidence import age_in_months
from competence.graph import CompetenceGraph
from competence.model import Choice, HistoryKind
from competence.settings import Settings
from competence.solve.order import seeded_order
from competence.suggest._mentoring_candidates import Candidates
from competence.suggest.result import Suggestions
from competence.suggest.scoring import not_taking_part

__all__ = [
    "ALLOWED",
    "KIND",
    "PASSED",
    "WAITING",
    "Earlier",
    "Past",
    "Places",
    "Round",
    "main_rules",
    "pin_refused",
    "pins_of",
    "refused_by",
    "removed_most",
]

_NOBODY: frozenset[str] = frozenset()
KIND = "pairs"
ALLOWED = -1
_RULES = (
    "forbidden_pair",
    "own_line_manager",
    "paired_before",
    "not_newer_or_lower",
    "not_other_workplace",
    "not_longer_in_role",
    "not_near",
    "below_cutoff",
    "mentors_full",
)
"""Rules that refuse a pair, the first that does naming it."""
WAITING = (
    *("nobody_leads_in_topic", "nobody_with_the_role"),
    *_RULES,
)
"""Rules that leave somebody with something to learn without a mentor."""
_ALWAYS = ("takes_part", "not_own_line_manager", "not_paired_before")
PASSED: Mapping[str, tuple[str, ...]] = {
    "one_to_one": (*_ALWAYS, "level_gap_kept"),
    "reverse": (*_ALWAYS, "level_gap_kept", "newer_or_lower"),
    "job_shadow": (*_ALWAYS, "level_gap_kept", "other_workplace"),
    "buddy": (*_ALWAYS, "longer_in_role", "near_unit"),
    "circle": ("takes_part", "not_own_line_manager", "different_units"),
}
"""Names of the hard rules that every suggestion of a mode has passed."""
_MOST_ROUNDS = 9
"""Rounds of waiting from which more make no difference: priorities stay whole numbers that floats hold exactly."""


@dataclass(frozen=True, slots=True)
class Earlier:
    """What an earlier result left: its pairs, and how many rounds those without one have waited by then."""

    pairs: tuple[tuple[str, str], ...] = ()
    waited: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, earlier: Suggestions | Mapping[str, Any] | None) -> Earlier:
        """Read an earlier result, or the record of one that the request of a later result holds."""
        if earlier is None:
            return cls()
        if not isinstance(earlier, Suggestions):
            if set(earlier) != {"pairs", "waited"}:
                raise InputError(f"earlier must be Suggestions, or a record with pairs and waited; got {', '.join(earlier)}")
            pairs = tuple((str(e), str(r)) for e, r in earlier["pairs"])
            return cls(pairs, {str(p): int(n) for p, n in earlier["waited"].items()})
        if earlier.kind != KIND:
            raise InputError(f"earlier must be a result of pair_mentors; got one of kind {earlier.kind!r}")
        before = earlier.provenance.request.get("waited", {})
        waiting = [r.person_id for r in earlier.left_out if r.rule in WAITING]
        # Who mentors is in a suggestion and so not left out; the suggestion says that the person waits.
        waiting += [s.people[1] for s in earlier if "mentor_waits" in s.facts]
        two = tuple((s.people[0], s.people[1]) for s in earlier if len(s.people) == 2)
        return cls(two, {p: 1 + before.get(p, 0) for p in waiting} | {e: before[e] for e, _ in two if e in before})

    def record(self, graph: CompetenceGraph) -> dict[str, object] | None:
        """Return it as plain JSON values, without people who are not in the graph; None where there is nothing."""
        known = graph.person_index
        pairs = [list(pair) for pair in self.pairs if pair[0] in known and pair[1] in known]
        waited = {p: n for p, n in sorted(self.waited.items()) if p in known}
        # Somebody whose partner is gone was left without, and that must be read from the record too.
        waited |= {e: 1 + waited.get(e, 0) for e, r in self.pairs if e in known and r not in known}
        return {"pairs": pairs, "waited": waited} if pairs or waited else None


class Past:
    """What history, decisions and an earlier result say of pairs; rows are persons' positions in the graph."""

    def __init__(self, graph: CompetenceGraph, earlier: Earlier, settings: Settings) -> None:
        self._graph = graph
        self._months = settings.suggest.pair_months
        self._index = graph.person_index
        self._earlier = earlier

    @cached_property
    def _history(self) -> list[tuple[str, str, date | None, date | None]]:
        entries = self._graph.staff.history
        return [(h.person_id, h.other_id, h.start, h.end) for h in entries if h.kind is HistoryKind.PAIR and h.other_id]

    @cached_property
    def _answers(self) -> dict[tuple[str, ...], tuple[date, Choice]]:
        """The latest decision about the same people; of two on one day the one that says no counts."""
        found: dict[tuple[str, ...], tuple[date, bool, Choice]] = {}
        for decision in self._graph.staff.decisions:
            if decision.kind == KIND:
                no = decision.choice in (Choice.REJECTED, Choice.FORBIDDEN)
                answer = (decision.day or date.min, no, decision.choice)
                found[decision.people] = max(found.get(decision.people, answer), answer)
        return {people: (day, choice) for people, (day, _, choice) in found.items()}

    def answered(self, *choices: Choice) -> list[tuple[str, str]]:
        """Return the (mentee, mentor) of the latest decisions with one of these choices."""
        return [(p[0], p[1]) for p, (_, choice) in self._answers.items() if choice in choices and len(p) == 2]

    @cached_property
    def refused_groups(self) -> frozenset[frozenset[str]]:
        """Groups of more than two that the latest decision about them refused."""
        no = (Choice.REJECTED, Choice.FORBIDDEN)
        return frozenset(frozenset(p) for p, (_, choice) in self._answers.items() if choice in no and len(p) > 2)

    @cached_property
    def running(self) -> frozenset[tuple[str, str]]:
        """(mentee, mentor) pairs that run now.

        History rows that have not ended, and accepted pairs of the last months that history says nothing of.
        """
        as_of = self._graph.as_of
        told = {frozenset((e, r)) for e, r, *_ in self._history}
        found = {(e, r) for e, r, _, end in self._history if end is None or end >= as_of}
        for people, (day, choice) in self._answers.items():
            if choice is Choice.ACCEPTED and len(people) == 2 and frozenset(people) not in told:
                age = None if day == date.min else age_in_months(day, as_of)
                if age is not None and age < self._months:
                    found.add((people[0], people[1]))
        return frozenset(found)

    @cached_property
    def mentees_now(self) -> Counter[str]:
        """How many mentees each mentor has."""
        return Counter(r for _, r in self.running)

    @cached_property
    def mentors_now(self) -> Counter[str]:
        """How many mentors each mentee has."""
        return Counter(e for e, _ in self.running)

    @cached_property
    def before(self) -> frozenset[frozenset[str]]:
        """Two people who have been a pair, in either order."""
        return frozenset(
            frozenset(pair)
            for pair in (*((e, r) for e, r, *_ in self._history), *self.answered(Choice.ACCEPTED))
            if len(set(pair)) == 2
        )

    @cached_property
    def kept(self) -> frozenset[tuple[str, str]]:
        """Draft pairs of the earlier result that nothing has been decided against and that have not begun or ended since."""
        no = frozenset(self.answered(Choice.REJECTED, Choice.FORBIDDEN))
        return frozenset(
            p for p in self._earlier.pairs if p not in no and frozenset(p) not in self.before and set(p) <= set(self._index)
        )

    def waited(self, person_id: str) -> int:
        """Return how many rounds somebody has gone without a mentor since the last one.

        Days on which a pair with this mentee was refused or the mentee alone was pinned, counted since the mentee last
        got a mentor; or what the earlier result says, if that is more.
        """
        if not self._days_without and not self._earlier.waited and not self._drafts:
            return 0
        days: Iterable[date] = self._days_without.get(person_id, frozenset())
        got = self._last_got.get(person_id) if days else None
        by_decisions = sum(got is None or day > got for day in days)
        drafts = self._drafts.get(person_id, ())
        lost = any(pair not in self.kept for pair in drafts)
        # A draft that became a pair ended the waiting.
        told = 0 if self._done.intersection(drafts) else self._earlier.waited.get(person_id, 0) + lost
        return min(max(by_decisions, int(told)), _MOST_ROUNDS)

    @cached_property
    def _drafts(self) -> dict[str, list[tuple[str, str]]]:
        """The pairs of the earlier result by mentee."""
        found: dict[str, list[tuple[str, str]]] = {}
        for pair in self._earlier.pairs:
            found.setdefault(pair[0], []).append(pair)
        return found

    @cached_property
    def _done(self) -> frozenset[tuple[str, str]]:
        """Earlier drafts that became pairs."""
        return frozenset(p for p in self._earlier.pairs if frozenset(p) in self.before)

    @cached_property
    def _days_without(self) -> dict[str, set[date]]:
        found: dict[str, set[date]] = {}
        for decision in self._graph.staff.decisions:
            refused = decision.choice is Choice.REJECTED and len(decision.people) == 2
            listed = decision.choice is Choice.PINNED and len(decision.people) == 1
            if decision.kind == KIND and (refused or listed):
                found.setdefault(decision.people[0], set()).add(decision.day or date.min)
        return found

    @cached_property
    def _last_got(self) -> dict[str, date]:
        found: dict[str, date] = {}
        got = [(e, start or end or date.min) for e, _, start, end in self._history]
        got += [(p[0], day) for p, (day, choice) in self._answers.items() if choice is Choice.ACCEPTED and len(p) == 2]
        for person_id, day in got:
            found[person_id] = max(found.get(person_id, day), day)
        return found


class Round:
    """One mentoring round: who takes part, and which pairs are barred or fixed."""

    def __init__(self, graph: CompetenceGraph, past: Past, mode: str, settings: Settings, seed: int) -> None:
        self.graph = graph
        self.past = past
        self.mode = mode
        self.settings = settings
        self.seed = seed
        self.index = graph.person_index

    def taking_part(self, people: Iterable[str] | None, purpose: str, left_out: dict[int, str]) -> list[int]:
        """Return the rows that take part, in seeded order; the others go to ``left_out`` with their rule."""
        found = []
        graph, most = self.graph, self.settings.suggest.mentors_at_once
        now = self.past.mentors_now if purpose == "mentee" and self.mode != "circle" else None
        for row in graph.rows(people).tolist():
            rule = not_taking_part(graph, row, purpose)
            if rule is None and now is not None and now.get(graph.person_ids[row], 0) >= most:
                rule = "has_mentor"
            if rule is None:
                found.append(row)
            else:
                left_out[row] = rule
        order = seeded_order([self.graph.person_ids[r] for r in found], self.seed)
        return [found[i] for i in order]

    def rows_of(self, pairs: Iterable[tuple[str, str]]) -> set[tuple[int, int]]:
        """Return pairs of ids as rows, leaving out those who are not in the graph."""
        return {(self.index[a], self.index[b]) for a, b in pairs if a in self.index and b in self.index}

    def asked_rows(self, pairs: Iterable[tuple[str, str]]) -> Iterator[tuple[int, int]]:
        """Give pairs of ids that the call names as rows, one by one: thousands may be forbidden."""
        index = self.index
        try:
            for a, b in pairs:
                yield index[a], index[b]
        except KeyError as unknown:
            self.graph.row(unknown.args[0])
            raise

    @cached_property
    def managers(self) -> list[frozenset[str]]:
        """Ids of each person's managers, by row: those on the person, and those of the person's units."""
        graph = self.graph
        of_unit = {unit.unit_id: unit.manager_ids for unit in graph.staff.units if unit.manager_ids}
        found = []
        for person, units in zip(graph.people, graph.units_of, strict=True):
            ids = {*person.manager_ids, *(m for unit_id in units for m in of_unit.get(unit_id, ()))}
            found.append(frozenset(ids - {person.person_id}) if ids else _NOBODY)
        return found

    @cached_property
    def leaders(self) -> frozenset[str]:
        """Ids of everybody who manages somebody or a unit."""
        own = {m for managers in self.managers for m in managers}
        return frozenset(
            own | {m for unit in self.graph.staff.units if unit.is_current(self.graph.as_of) for m in unit.manager_ids}
        )

    def barred(self, at: Places, forbidden: Iterable[tuple[int, int]]) -> dict[str, NDArray[np.int64]]:
        """Return the pairs that each rule on named persons forbids, as keys ``mentee * n_mentors + mentor``."""
        no = self.rows_of(self.past.answered(Choice.FORBIDDEN, Choice.REJECTED))
        lines = {
            pair
            for row, managers in enumerate(self.managers)
            for manager in managers
            if manager in self.index
            for pair in ((row, self.index[manager]), (self.index[manager], row))
        }
        before = self.rows_of(order for a, b in map(sorted, self.past.before) for order in ((a, b), (b, a)))
        return {
            "forbidden_pair": at.keys(chain(forbidden, no)),
            "own_line_manager": at.keys(lines),
            "paired_before": at.keys(before),
        }

    def refused_in_mode(self, at: Places, found: Candidates) -> dict[str, NDArray[np.bool_]]:
        """Return for each rule of the mode which candidates it refuses."""
        mentees, mentors = at.mentee_rows[found.mentee], at.mentor_rows[found.mentor]
        if self.mode == "reverse":
            return {"not_newer_or_lower": ~self._newer_or_lower(mentees, mentors)}
        if self.mode == "job_shadow":
            return {"not_other_workplace": ~self._other_workplace(mentees, mentors)}
        return {}

    def _newer_or_lower(self, mentees: NDArray[np.int64], mentors: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Say of each pair whether the mentor is placed lower, or as high and newer in service, both days being known."""
        leads = np.array([p in self.leaders for p in self.graph.person_ids], dtype=np.int64)
        first = np.array(
            [min((e.start.toordinal() for e in p.employments if e.start), default=np.nan) for p in self.graph.people],
            dtype=np.float64,
        )
        lower = leads[mentors] < leads[mentees]
        # A comparison with a day that is not known is false.
        newer = (leads[mentors] == leads[mentees]) & (first[mentors] > first[mentees])
        return np.asarray(lower | newer, dtype=np.bool_)

    def _other_workplace(self, mentees: NDArray[np.int64], mentors: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Say of each pair whether both have units, none in common, and not the same site where both are known."""
        graph = self.graph
        units = sorted({u for own in graph.units_of for u in own})
        number = {u: k for k, u in enumerate(units)}
        at = [(row, number[u]) for row, own in enumerate(graph.units_of) for u in own]
        shape = (len(graph.person_ids), max(len(units), 1))
        place = sparse.csr_array((np.ones(len(at)), ([i for i, _ in at], [k for _, k in at])), shape=shape)
        shared = (
            np.asarray(place[mentees].multiply(place[mentors]).sum(axis=1)).ravel() > 0 if len(mentees) else np.empty(0, bool)
        )
        has = np.array([bool(own) for own in graph.units_of], dtype=np.bool_)
        sites = [graph.staff.site_of(p) for p in graph.person_ids]
        code = {s: k for k, s in enumerate(sorted(set(sites) - {""}))}
        site = np.array([code.get(s, -1) for s in sites], dtype=np.int64)
        same_site = (site[mentees] == site[mentors]) & (site[mentees] >= 0)
        return np.asarray(has[mentees] & has[mentors] & ~shared & ~same_site, dtype=np.bool_)

    def capacity(self, row: int, capacity: int | Mapping[str, int] | None, reserved: int) -> int:
        """Return how many more mentees a mentor can take, by the call's own number, the file, the call or the settings."""
        person_id, own = self.graph.person_ids[row], self.graph.people[row].capacity
        usual = self.settings.suggest.mentor_capacity
        if isinstance(capacity, Mapping):
            most = capacity.get(person_id, usual if own is None else own)
        else:
            most = own if own is not None else usual if capacity is None else capacity
        return max(most - self.past.mentees_now.get(person_id, 0) - reserved, 0)


class Places:
    """Solver position of each mentee and mentor, and back."""

    def __init__(self, mentee_rows: Sequence[int], mentor_rows: Sequence[int]) -> None:
        self.mentee_rows, self.mentor_rows = np.array(mentee_rows, dtype=np.int64), np.array(mentor_rows, dtype=np.int64)
        self.mentees = {row: e for e, row in enumerate(mentee_rows)}
        self.mentors = {row: r for r, row in enumerate(mentor_rows)}

    def keys(self, pairs: Iterable[tuple[int, int]]) -> NDArray[np.int64]:
        """Return (mentee, mentor) rows as keys, leaving out those who are not in the round."""
        mentees, mentors, width = self.mentees, self.mentors, len(self.mentors)
        inside = [mentees[e] * width + mentors[r] for e, r in pairs if e in mentees and r in mentors]
        return np.sort(np.array(inside, dtype=np.int64))


def refused_by(
    found: Candidates,
    barred: Mapping[str, NDArray[np.int64]],
    masks: Mapping[str, NDArray[np.bool_]],
    fixed: NDArray[np.int64],
    asked: NDArray[np.int64],
    lowest: float,
    room: NDArray[np.int64],
) -> NDArray[np.int64]:
    """Return per candidate which of the rules refuses it, the first that does, or ``ALLOWED``.

    A fixed pair may lie under the cutoff. One that the call asks for and that is one too many for its mentor is told of
    by the solver.
    """
    key = found.keys(len(room))
    by_rule = {rule: np.isin(key, keys) for rule, keys in barred.items()} | dict(masks)
    by_rule["below_cutoff"] = (found.score < lowest) & ~np.isin(key, fixed)
    by_rule["mentors_full"] = (room[found.mentor] == 0) & ~np.isin(key, asked)
    refused = np.full(len(key), ALLOWED, dtype=np.int64)
    for rule in reversed(_RULES):
        if rule in by_rule:
            refused[by_rule[rule]] = _RULES.index(rule)
    return refused


def removed_most(refused: NDArray[np.int64], others: int, nobody: str) -> tuple[str, ...]:
    """Return ``rule:pairs`` for each rule that removed pairs, the one that removed most first.

    ``others`` are pairs that were no candidates at all, told as the rule ``nobody``.
    """
    numbers = {rule: int((refused == k).sum()) for k, rule in enumerate(_RULES)} | {nobody: others}
    return tuple(f"{rule}:{n}" for rule, n in sorted(numbers.items(), key=lambda i: (-i[1], i[0])) if n)


def main_rules(place: NDArray[np.int64], refused: NDArray[np.int64], size: int, nobody: str, allowed: str) -> list[str]:
    """Name for each position what stood in the way: ``allowed`` if some pair may be, else the rule that refused most.

    Of rules that refused as many, the first in their order; ``nobody`` where there was no candidate.
    """
    count = np.zeros((size, len(_RULES)), dtype=np.int64)
    np.add.at(count, (place[refused != ALLOWED], refused[refused != ALLOWED]), 1)
    may = np.zeros(size, dtype=np.bool_)
    may[place[refused == ALLOWED]] = True
    most = count.argmax(axis=1)
    return [allowed if may[k] else _RULES[most[k]] if count[k].any() else nobody for k in range(size)]


def pin_refused(graph: CompetenceGraph, mentee: int, mentor: int) -> InputError:
    """Return the error that says why a pair of the call cannot be pinned."""
    return InputError(
        f"pinned pair {graph.person_ids[mentee]} – {graph.person_ids[mentor]} breaks a hard rule "
        "(takes_part, has_mentor, level_gap, own_line_manager, paired_before, forbidden_pair, or one of the mode); "
        "unpin it or change what forbids it"
    )


def pins_of(
    graph: CompetenceGraph,
    asked: set[tuple[int, int]],
    from_before: set[tuple[int, int]],
    at: Places,
    score: sparse.csr_array,
    room: NDArray[np.int64],
) -> tuple[list[tuple[int, int]], int]:
    """Return pinned pairs as solver positions, and how many from before could not be kept.

    A pin of this call that breaks a rule is refused. One from an earlier decision or result is let go where a rule forbids
    it, the mentee is pinned elsewhere or the mentor has no room; of those of one mentor the best stay. One about somebody
    who is not in this call has nothing to do with it.
    """
    pins: list[tuple[int, int]] = []
    loose: list[tuple[float, int, int]] = []
    unkept = 0
    for mentee, mentor in sorted(asked | from_before):
        e, r = at.mentees.get(mentee, -1), at.mentors.get(mentor, -1)
        start, stop = (int(score.indptr[e]), int(score.indptr[e + 1])) if e >= 0 else (0, 0)
        where = np.flatnonzero(score.indices[start:stop] == r)
        if where.size and (mentee, mentor) in asked:
            pins.append((e, r))
        elif where.size:
            loose.append((-float(score.data[start + int(where[0])]), e, r))
        elif (mentee, mentor) in asked:
            raise pin_refused(graph, mentee, mentor)
        else:
            unkept += min(e, r) >= 0
    placed, left = {e for e, _ in pins}, room.copy()
    for _, r in pins:
        left[r] -= 1
    for _, e, r in sorted(loose):
        if e in placed or left[r] <= 0:
            unkept += 1
            continue
        placed.add(e)
        left[r] -= 1
        pins.append((e, r))
    return sorted(pins), unkept
