"""Find internal experts: who, of those willing, can do what is asked, how that is known, and who else has more time.

Five steps: link the words of the need, measure everybody who holds any of it, keep those whom no rule takes out, choose
the best and spread those that are nearly equal, say why. Sex, age and name are never read.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from hashlib import blake2b
from math import fsum
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from competence.fit import coverage, freshness, sum_of, surplus
from competence.graph import CompetenceGraph, ResolvedItem, ResolvedNeed
from competence.model import Choice, HistoryKind, InterestKind, Need, NeedItem, OptIn, Outcome, Reason, Status
from competence.settings import Settings, SuggestSettings
from competence.suggest.result import Alternative, LeftOut, Member, Suggestion, Suggestions
from competence.suggest.scoring import (
    check_count,
    concept_facts,
    evidence_of,
    ordered,
    prepare,
    to_ask_first,
    turned_down,
    understood_request,
)

__all__ = ["find_experts"]

_KIND = "experts"
_RULES = (
    "",
    "no_evidence",
    "to_be_reconfirmed",
    "opted_out",
    "not_opted_in",
    "rejected_before",
    "hard_requirement",
    "below_cutoff",
    "mentees_at_cap",
    "asked_at_cap",
    "resting",
    "nearly_equal",
    "not_among_best",
    "not_understood",
)
"""Every reason why somebody is not on the list, in the order they are asked after; the first that bites is told."""
_CODE = {rule: np.int8(code) for code, rule in enumerate(_RULES)}
_MOST_SURPLUS = 4.0
"""Levels from the lowest to the highest."""
_OF_HOLDING = frozenset({"coverage", "surplus", "confidence", "freshness"})
_DATED = tuple(int(_CODE[rule]) for rule in ("mentees_at_cap", "asked_at_cap", "resting"))


def find_experts(
    graph: CompetenceGraph,
    need: ResolvedNeed | Need | NeedItem | str | Mapping[str, int] | Iterable[str | NeedItem],
    *,
    n: int = 10,
    people: Iterable[str] | None = None,
    units: Iterable[str] | None = None,
    cutoff: float | None = None,
    settings: Settings | None = None,
    as_of: date | None = None,
    seed: int = 0,
) -> Suggestions:
    """Find the people whose holdings best meet a need.

    Parameters
    ----------
    graph : CompetenceGraph
        People and what they hold.
    need : str, list of str, {str: level}, NeedItem, Need or ResolvedNeed
        Words in Swedish or English, or concept ids; a sentence may name several things. A bare number is a level 1-5.
    n : int
        How many experts at most.
    people, units : iterable of str or None
        Search only among these ids, or in these units and those below them. None searches everybody.
    cutoff : float or None
        Lowest score in [0, 1] that is shown; None takes ``settings.suggest.expert_cutoff``.
    settings : Settings or None
        None means the graph's.
    as_of : date or None
        None means the graph's.
    seed : int
        Orders equals by a hash of their ids and of what is asked.

    Returns
    -------
    Suggestions
        One Suggestion per expert, part ``expert``, the highest score first. ``facts`` hold the units, the running mentees,
        the requests lately and ``busy`` (any of the two). Where an expert is busy, ``alternatives`` names the best of those
        with less to do. Empty with ``not_understood`` when no word met a concept, ``nobody_holds`` when nobody has evidence
        of it, and otherwise with the rules that took those out who have, the one that removed most first, each with how
        many.

    Raises
    ------
    InputError
        If the need is empty or n below 1.
    UnknownIdError
        If a person or unit does not exist.

    Notes
    -----
    Measures per item, weighted by the item and summed: coverage of the level asked; surplus (levels beyond it, of four, so
    that where no level is asked those who can more come first); confidence of the holding; freshness of its latest
    evidence; a related or narrower concept where the one asked for is not fully covered (times
    ``settings.fit.related_credit``); willingness (stated interest to use or teach); and load (1 / (1 + mentees now +
    requests lately)).

    Words: what only says that somebody is looked for ("vem kan", "is there anyone who") is not read. Where nothing of the
    need was understood, what its words may mean with a probability of at least ``settings.suggest.expert_guess`` is
    searched for instead, each meaning apart; the places go to the meanings in turn, and the note ``need_guessed`` tells.

    Load: a request is an accepted decision of kind ``experts`` with a day. Whoever has ``expert_most_mentees`` running
    mentees, or had ``expert_most_asked`` requests in the last ``expert_asked_days`` days, or one in the last
    ``expert_rest_days``, is not on the list; ``left_out`` gives the date of being free again, where it is known.

    Spread: scores within ``settings.suggest.expert_margin`` are nearly equal. Places are filled one by one: of those within
    the margin of the best still open, one from the unit that has the fewest places so far, then with the fewest requests
    lately, then by a hash of seed, need and id, so that another question asks other people. A margin of 0 gives the exact
    best n, ties by the hash. What spreading costs is the gap of the Outcome; whoever scored more than somebody chosen is
    left out as ``nearly_equal``.

    O(holders of the concepts and their relatives + n * nearly equal people); nothing is done per person in Python but for
    the n chosen.

    Examples
    --------
    >>> from tests.cases import graph_of
    >>> found = find_experts(graph_of(), "demensvård", n=2)
    >>> [(s.people[0], round(s.score, 2)) for s in found], found.left_out.counts["no_evidence"]
    ([('p6', 0.77), ('p1', 0.74)], 3)
    """
    started = perf_counter()
    check_count(n, "n")
    graph, settings, as_of = prepare(graph, as_of, settings)
    people = sorted(set(people)) if people is not None else None
    units = sorted(set(units)) if units is not None else None
    resolved = graph.need(need if isinstance(need, ResolvedNeed) else _without_frame(graph, Need.of(need)))
    rows = graph.rows(people, units)
    lowest = settings.suggest.expert_cutoff if cutoff is None else cutoff
    request = {"need": understood_request(resolved), "n": n, "cutoff": lowest, "people": people, "units": units}
    guessed = () if resolved.items else _readings(graph, resolved, settings)
    meant = [resolved.items] if resolved.items else [(item,) for item in guessed]
    code = np.full(len(graph.person_ids), _CODE["no_evidence" if meant else "not_understood"], dtype=np.int8)
    details: dict[int, str] = {}
    chosen: list[Suggestion] = []
    outcome = Outcome(status=Status.EMPTY, conflicts=("not_understood",))
    notes: tuple[str, ...] = ("need_partly_understood",) if resolved.items and resolved.not_understood else ()
    if meant:
        searches = [_Search(graph, items, settings, rows, lowest, n, seed) for items in meant]
        picked = _in_turn(searches, n)
        for search in searches:
            # Of several readings the one in which a person came furthest tells why there is no place.
            code[search.measured.rows] = np.maximum(code[search.measured.rows], search.rule)
        code[[search.row(at) for search, at in picked]] = 0
        for row in rows[np.isin(code[rows], _DATED)].tolist():
            details[row] = searches[0].book.free_again(row, _RULES[code[row]], settings.suggest)
        chosen = [
            search.measured.suggestion(at, rank, search.measured.with_more_time(at, search.open_now, search.key))
            for rank, (search, at) in enumerate(picked, start=1)
        ]
        outcome = _outcome(searches, picked, code[rows], len(rows), perf_counter() - started)
        if guessed:
            notes = (*notes, "need_guessed")
        if any(s.ask_first for s in chosen):
            notes = (*notes, "opt_in_not_asked")
    told = rows[code[rows] > 0]
    return Suggestions.build(
        graph,
        _KIND,
        chosen,
        outcome=outcome,
        left_out=LeftOut.of_codes(graph.person_ids, told, code[told], _RULES, details),
        considered_rows=rows,
        settings=settings,
        as_of=as_of,
        request=request,
        seed=seed,
        notes=notes,
    )


_FRAME = re.compile(
    r"^\s*(?:vem(?: här| hos oss)?|vilka|(?:finns|har vi) (?:det )?(?:någon|nån) (?:här )?som|"
    r"(?:vi|jag) (?:behöver|söker|letar efter) (?:någon|nån) som|(?:någon|nån) som|"
    r"who(?: here)?|(?:is|are) there (?:anyone|anybody|someone|somebody|people) who|"
    r"(?:we|i) (?:need|want|look for|am looking for|are looking for) (?:someone|somebody|anyone|anybody) who|"
    r"(?:someone|somebody|anyone|anybody) who)\s+",
    re.IGNORECASE,
)
"""The words that make a search of a sentence. They say nothing of what is asked for, and are not in what people say of
themselves, which the linker has learnt from."""


def _without_frame(graph: CompetenceGraph, asked: Need) -> Need:
    """Return the need without the words that only say that somebody is looked for."""

    def bare(item: NeedItem) -> NeedItem:
        if item.concept_id or item.words in graph.concept_index:
            return item
        return replace(item, words=_FRAME.sub("", item.words).rstrip(" ?") or item.words)

    return Need(tuple(bare(item) for item in asked.items))


def _readings(graph: CompetenceGraph, resolved: ResolvedNeed, settings: Settings) -> tuple[ResolvedItem, ...]:
    """Return what words that were not understood may mean, the most probable first; no level is asked of a guess."""
    probable: dict[str, tuple[float, str]] = {}
    for unknown in resolved.not_understood:
        for concept_id, probability in unknown.nearest:
            # As the record of the call keeps it, so that a repeated call finds the same.
            known = round(probability, 6)
            if known >= settings.suggest.expert_guess:
                probable[concept_id] = max(probable.get(concept_id, (0.0, "")), (known, unknown.words))
    best = sorted(probable.items(), key=lambda found: (-found[1][0], found[0]))[: settings.linking.alternatives]
    return tuple(
        ResolvedItem(
            concept_id=concept_id,
            words=words,
            level=1,
            count=1,
            weight=1.0,
            hard=False,
            probability=probability,
            label=graph.taxonomy.concept(concept_id).label(),
        )
        for concept_id, (probability, words) in best
    )


class _Search:
    """The answer to one reading of a need: who is open, in which order, and why the others are not."""

    def __init__(
        self,
        graph: CompetenceGraph,
        items: tuple[ResolvedItem, ...],
        settings: Settings,
        among: NDArray[np.int64],
        lowest: float,
        n: int,
        seed: int,
    ) -> None:
        self.book = book = graph.once("experts", lambda: _read(graph))
        self.measured = measured = _Measured(graph, items, settings, among, book)
        self.rule = measured.rules(lowest)
        self.open_now = np.flatnonzero(self.rule == 0)
        self.key = _key(book.hashes[measured.rows], seed, measured.target)
        unit, margin = book.unit[measured.rows], settings.suggest.expert_margin
        self.picked = _spread(self.open_now, measured.score, self.key, unit, measured.asked, n, margin)
        self.rule[self.open_now] = _CODE["not_among_best"]
        if self.picked.size:
            better = measured.score[self.open_now] > measured.score[self.picked].min()
            self.rule[self.open_now[better]] = _CODE["nearly_equal"]

    def row(self, at: int) -> int:
        """Return the row in the graph of somebody here."""
        return int(self.measured.rows[at])

    def score(self, at: int) -> float:
        """Return the score of somebody here."""
        return float(self.measured.score[at])


def _in_turn(searches: list[_Search], n: int) -> list[tuple[_Search, int]]:
    """Fill n places from the readings in turn, each person once; the highest score first."""
    queues = [(search, deque(search.picked.tolist())) for search in searches]
    taken: dict[int, tuple[_Search, int]] = {}
    while queues and len(taken) < n:
        for search, queue in queues:
            while queue and search.row(queue[0]) in taken:
                queue.popleft()
            if queue and len(taken) < n:
                at = queue.popleft()
                taken[search.row(at)] = (search, at)
        queues = [(search, queue) for search, queue in queues if queue]
    # A stable sort: within a reading the order is that of the search.
    return sorted(taken.values(), key=lambda found: -found[0].score(found[1]))


@dataclass(frozen=True, slots=True, eq=False)
class _Book:
    """What is known of everybody beside their holdings, each by row, shape (n_people,); worked out once per graph."""

    answer: NDArray[np.int8]
    """Code of the rule that keeps the person out of being an expert, 0 for nobody."""
    mentees: NDArray[np.int64]
    mentees_end: Mapping[int, tuple[int, ...]]
    """Last days (ordinals) of the running pairs of a mentor, soonest first; those without an end are not in it."""
    asked: NDArray[np.int64]
    asked_days: Mapping[int, tuple[int, ...]]
    """Days (ordinals) of the requests lately, oldest first."""
    last_asked: NDArray[np.int64]
    unit: NDArray[np.int64]
    """Position of the first current unit; one position for all who have none."""
    hashes: NDArray[np.uint64]
    willing: Mapping[int, NDArray[np.int64]]
    """Rows that stated that they want to use or teach a concept, by its column."""
    refused: Mapping[frozenset[str], NDArray[np.int64]]
    """Rows whose latest decision about a need was no, by the concepts of the need."""
    licensed: Mapping[int, tuple[tuple[int, NDArray[np.int64]], ...]]
    """By column, the levels that roles ask for by law and the rows that hold such a role."""

    def free_again(self, row: int, rule: str, limits: SuggestSettings) -> str:
        """Return the first day (ISO) on which a rule of load no longer bites; empty where no date is known."""
        if rule == "resting":
            day = int(self.last_asked[row]) + limits.expert_rest_days
        elif rule == "asked_at_cap":
            # As many of the oldest have to leave the window as brings the rest under the cap.
            day = self.asked_days[row][-limits.expert_most_asked] + limits.expert_asked_days
        else:
            over = int(self.mentees[row]) - limits.expert_most_mentees
            ends = self.mentees_end.get(row, ())
            if len(ends) <= over:
                return ""
            day = ends[over] + 1
        return date.fromordinal(day).isoformat()


def _read(graph: CompetenceGraph) -> _Book:
    """Read answers, load, wishes and earlier decisions into arrays. O(people + history + interests + requirements)."""
    n = len(graph.person_ids)
    index = graph.person_index
    today = graph.as_of.toordinal()
    limits = graph.settings.suggest
    answer = np.zeros(n, dtype=np.int8)
    for row, person in enumerate(graph.people):
        if person.opt_ins.expert is OptIn.NO:
            answer[row] = _CODE["opted_out"]
        elif graph.takes_part(row, "expert") is OptIn.NO:
            answer[row] = _CODE["not_opted_in"]
    mentees = np.zeros(n, dtype=np.int64)
    ends: dict[int, list[int]] = {}
    for entry in graph.staff.history:
        mentor = index.get(entry.other_id or "")
        running = entry.end is None or entry.end >= graph.as_of
        if mentor is not None and running and entry.kind is HistoryKind.PAIR:
            mentees[mentor] += 1
            if entry.end is not None:
                ends.setdefault(mentor, []).append(entry.end.toordinal())
    days: dict[int, list[int]] = {}
    last = np.zeros(n, dtype=np.int64)
    for decision in graph.staff.decisions:
        if decision.kind != _KIND or decision.choice is not Choice.ACCEPTED or decision.day is None:
            continue
        day = decision.day.toordinal()
        for person_id in dict.fromkeys(decision.people):
            row_of = index.get(person_id)
            if row_of is not None and day <= today:
                last[row_of] = max(int(last[row_of]), day)
                if day > today - limits.expert_asked_days:
                    days.setdefault(row_of, []).append(day)
    asked = np.zeros(n, dtype=np.int64)
    for row, found in days.items():
        asked[row] = len(found)
    unit_index: dict[str, int] = {}
    unit = np.array([unit_index.setdefault(u[0] if u else "", len(unit_index)) for u in graph.units_of], dtype=np.int64)
    digests = (blake2b(person_id.encode(), digest_size=8).digest() for person_id in graph.person_ids)
    wishes: dict[int, set[int]] = {}
    for (person_id, kind), columns in graph.interests.items():
        if kind is not InterestKind.LEARN and person_id in index:
            for column in columns:
                wishes.setdefault(column, set()).add(index[person_id])
    refused: dict[frozenset[str], set[int]] = {}
    for person_id, target in turned_down(graph, _KIND):
        if person_id in index:
            refused.setdefault(frozenset(target.split(", ")), set()).add(index[person_id])
    return _Book(
        answer=answer,
        mentees=mentees,
        mentees_end={row: tuple(sorted(found)) for row, found in ends.items()},
        asked=asked,
        asked_days={row: tuple(sorted(found)) for row, found in days.items()},
        last_asked=last,
        unit=unit,
        hashes=np.frombuffer(b"".join(digests), dtype="<u8").astype(np.uint64),
        willing={column: _rows(found) for column, found in wishes.items()},
        refused={target: _rows(found) for target, found in refused.items()},
        licensed=_licensed(graph),
    )


def _licensed(graph: CompetenceGraph) -> dict[int, tuple[tuple[int, NDArray[np.int64]], ...]]:
    """Return by column who holds a role that asks for it by law, which the employer has then already checked."""
    holders: dict[str, list[int]] = {}
    for row, roles in enumerate(graph.person_roles):
        for role_id in roles:
            holders.setdefault(role_id, []).append(row)
    found: dict[int, dict[int, set[int]]] = {}
    for role_id, held_by in holders.items():
        for r in graph.taxonomy.roles[role_id].requirements:
            if r.hard:
                found.setdefault(graph.concept_index[r.concept_id], {}).setdefault(r.level, set()).update(held_by)
    return {column: tuple((level, _rows(rows)) for level, rows in sorted(levels.items())) for column, levels in found.items()}


def _rows(rows: Iterable[int]) -> NDArray[np.int64]:
    return np.array(sorted(rows), dtype=np.int64)


def _key(hashes: NDArray[np.uint64], seed: int, target: str) -> NDArray[np.uint64]:
    """Return numbers that order equals: another seed or another need gives another, equally arbitrary order.

    The finaliser of splitmix64 (Steele, Lea and Flood 2014, https://doi.org/10.1145/2660193.2660195) over the hash of the
    id and that of seed and need; it is a bijection, so that distinct hashes stay distinct.
    """
    start = np.uint64(int.from_bytes(blake2b(f"{seed}\x00{target}".encode(), digest_size=8).digest(), "little"))
    z = hashes ^ start
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(z ^ (z >> np.uint64(31)), dtype=np.uint64)


def _spread(
    open_now: NDArray[np.int64],
    score: NDArray[np.float64],
    key: NDArray[np.uint64],
    unit: NDArray[np.int64],
    asked: NDArray[np.int64],
    n: int,
    margin: float,
) -> NDArray[np.int64]:
    """Choose n of ``open_now``, each within the margin of the best still open when it is chosen; the highest score first."""
    if open_now.size > n:
        floor = np.partition(score[open_now], open_now.size - n)[open_now.size - n] - margin
        # When a place is filled, fewer than n are gone, so the best still open has at least the n-th score.
        near = open_now[score[open_now] >= floor]
        near = near[np.lexsort((key[near], -score[near]))]
        if margin > 0:
            near = _by_turns(near, -score[near], unit[near], asked[near], key[near], n, margin)
        open_now = near[:n]
    return open_now[np.lexsort((key[open_now], -score[open_now]))]


def _by_turns(
    near: NDArray[np.int64],
    falling: NDArray[np.float64],
    unit: NDArray[np.int64],
    asked: NDArray[np.int64],
    key: NDArray[np.uint64],
    n: int,
    margin: float,
) -> NDArray[np.int64]:
    """Fill n places one by one from people in falling order of score; see :func:`find_experts` for the order of turns."""
    still = np.ones(len(near), dtype=np.bool_)
    places = np.zeros(int(unit.max()) + 1, dtype=np.int64)
    taken: list[int] = []
    first = 0
    for _ in range(n):
        while not still[first]:
            first += 1
        stop = int(np.searchsorted(falling, falling[first] + margin, side="right"))
        within = first + np.flatnonzero(still[first:stop])
        fewest = places[unit[within]]
        within = within[fewest == fewest.min()]
        requests = asked[within]
        within = within[requests == requests.min()]
        at = int(within[np.argmin(key[within])])
        still[at] = False
        places[unit[at]] += 1
        taken.append(at)
    return near[taken]


def _outcome(
    searches: list[_Search], picked: list[tuple[_Search, int]], code: NDArray[np.int8], people: int, seconds: float
) -> Outcome:
    """Say how near the best n the chosen are, or which rule took out most of those who hold something."""
    if not picked:
        codes, number = np.unique(code[code > _CODE["to_be_reconfirmed"]], return_counts=True)
        by_number = np.lexsort((codes, -number))
        conflicts = tuple(f"{_RULES[codes[k]]}:{number[k]}" for k in by_number)
        return Outcome(status=Status.EMPTY, conflicts=conflicts or ("nobody_holds",))
    total = fsum(search.score(at) for search, at in picked)
    if len(searches) > 1:
        method = "the best of each meaning the words may have, in turn"
        return Outcome(status=Status.HEURISTIC, objective=total, method=method, seconds=seconds, steps=people)
    (search,) = searches
    score = search.measured.score
    best = fsum(np.sort(score[search.open_now])[-len(picked) :].tolist())
    rest = np.setdiff1d(search.open_now, search.picked, assume_unique=True)
    gap = (best - total) / best if best > 0 else 0.0
    exact = gap <= 1e-9
    return Outcome(
        status=Status.OPTIMAL if exact else Status.FEASIBLE,
        objective=total,
        bound=total if exact else best,
        gap=0.0 if exact else gap,
        method="everybody who holds any of it measured, best n, nearly equal ones spread",
        seconds=seconds,
        steps=people,
        runner_up=float(score[search.picked].min() - score[rest].max()) if rest.size else None,
        notes=() if exact else ("spread_within_margin",),
    )


@dataclass(slots=True, eq=False)
class _Values:
    """The measures of one item, shape (n_holders,) each."""

    measures: dict[str, NDArray[np.float64]]
    via: NDArray[np.int64] = field(repr=False)


class _Measured:
    """Every measure of those who hold anything near the items of a need; everybody else scores 0.

    ``rows`` are their rows in the graph; the other arrays are parallel to it.
    """

    def __init__(
        self,
        graph: CompetenceGraph,
        items: tuple[ResolvedItem, ...],
        settings: Settings,
        among: NDArray[np.int64],
        book: _Book,
    ) -> None:
        self.graph = graph
        self.items = items
        self.book = book
        self.limits = settings.suggest
        self.credit = settings.fit.related_credit
        self.target = ", ".join(i.concept_id for i in items)
        self.weights = settings.suggest.experts
        # Hard items gate and are not weighed, unless nothing else is asked for to rank by.
        weighed = [0.0 if i.hard and not all(k.hard for k in items) else i.weight for i in items]
        self.share = [weight / sum(weighed) for weight in weighed]
        self.columns = [graph.concept_index[i.concept_id] for i in items]
        self.rows = self._holders(among)
        self._place = np.full(len(graph.person_ids), -1, dtype=np.int64)
        self._place[self.rows] = np.arange(len(self.rows))
        self.known = np.zeros(len(self.rows), dtype=np.bool_)
        self.hard_met = np.ones(len(self.rows), dtype=np.bool_)
        self.values = [self._measure(item, column) for item, column in zip(items, self.columns, strict=True)]
        self.mentees, self.asked = book.mentees[self.rows], book.asked[self.rows]
        self.load = np.where(self.known, 1.0 / (1.0 + self.mentees + self.asked), 0.0)
        self.score = self.weights["load"] * self.load
        for share, values in zip(self.share, self.values, strict=True):
            for measure, value in values.measures.items():
                self.score = self.score + self.weights[measure] * share * value

    def _near(self, column: int) -> tuple[int, ...]:
        return self.graph.related_columns.get(column, ())

    def _holders(self, among: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the rows of those with evidence of an item or of anything near one."""
        arrays = self.graph.arrays
        anything = np.zeros(len(self.graph.person_ids), dtype=np.bool_)
        for column in self.columns:
            for c in (column, *self._near(column)):
                anything[arrays.column_person[arrays.column_ptr[c] : arrays.column_ptr[c + 1]]] = True
        return among[anything[among]]

    def _at(self, rows: NDArray[np.integer]) -> NDArray[np.int64]:
        """Return where rows stand here, without those that do not."""
        found = self._place[rows]
        return np.asarray(found[found >= 0], dtype=np.int64)

    def _column(self, values: NDArray[Any], column: int) -> NDArray[Any]:
        """Return one array of the graph for one concept, by people here, 0 without a holding."""
        arrays = self.graph.arrays
        dense = np.zeros(len(self.rows), dtype=values.dtype)
        part = slice(arrays.column_ptr[column], arrays.column_ptr[column + 1])
        place = self._place[arrays.column_person[part]]
        here = place >= 0
        dense[place[here]] = values[arrays.column_position[part][here]]
        return dense

    def _measure(self, item: ResolvedItem, column: int) -> _Values:
        arrays = self.graph.arrays
        held = self._column(arrays.rounded, column)
        covered = coverage(held, item.level)
        currency = self.graph.taxonomy.concepts[item.concept_id].currency_months
        fresh = freshness(self._column(arrays.latest, column), self.graph.as_of, currency)
        related, via = self._related(column, item.level, covered)
        known = (covered > 0) | (related > 0)
        wanting = np.zeros(len(self.rows), dtype=np.bool_)
        if column in self.book.willing:
            wanting[self._at(self.book.willing[column])] = True
        self.known |= known
        if item.hard:
            self.hard_met &= self._proven(column, item.level)
        measures = {
            "coverage": covered,
            "surplus": surplus(held, item.level) / _MOST_SURPLUS,
            "confidence": np.where(covered > 0, self._column(arrays.confidence, column), 0.0),
            "freshness": np.where(covered > 0, fresh, 0.0),
            "related": related,
            "willingness": (known & wanting).astype(np.float64),
        }
        return _Values(measures, via)

    def _related(self, column: int, level: int, covered: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Return the credit that the best related concept gives where the one asked for is not covered, and which it is."""
        arrays = self.graph.arrays
        best = np.zeros(len(covered))
        via = np.full(len(covered), -1, dtype=np.int64)
        for other in self._near(column):
            part = slice(arrays.column_ptr[other], arrays.column_ptr[other + 1])
            if part.start == part.stop:
                continue
            place = self._place[arrays.column_person[part]]
            credit = self.credit * coverage(arrays.rounded[arrays.column_position[part]], level)
            here = np.flatnonzero(place >= 0)
            better = here[credit[here] > best[place[here]]]
            best[place[better]], via[place[better]] = credit[better], other
        # What is fully covered needs no relative; what is half covered gains at most the missing half.
        return np.minimum(best, 1.0 - covered), via

    def _proven(self, column: int, level: int) -> NDArray[np.bool_]:
        """Say who meets a hard item, as :func:`competence.fit.hard_met` does: by formal evidence or by a role held today."""
        met = np.asarray(self._column(self.graph.arrays.formal_level, column) >= level, dtype=np.bool_)
        for asked, rows in self.book.licensed.get(column, ()):
            if asked >= level:
                met[self._at(rows)] = True
        return met

    def rules(self, lowest: float) -> NDArray[np.int8]:
        """Return the code of the first rule that takes each out, 0 for nobody."""
        doubtful = np.zeros(len(self.rows), dtype=np.bool_)
        for column in self.columns:
            confidence = self._column(self.graph.arrays.confidence, column)
            doubtful |= (confidence > 0) & (self._column(self.graph.arrays.rounded, column) == 0)
        refused = np.zeros(len(self.rows), dtype=np.bool_)
        refused[self._at(self.book.refused.get(frozenset(i.concept_id for i in self.items), _rows(())))] = True
        since_asked = self.graph.as_of.toordinal() - self.book.last_asked[self.rows]
        answer = self.book.answer[self.rows]
        asked_in_turn = (
            ("to_be_reconfirmed", ~self.known & doubtful),
            ("no_evidence", ~self.known),
            ("opted_out", answer == _CODE["opted_out"]),
            ("not_opted_in", answer == _CODE["not_opted_in"]),
            ("rejected_before", refused),
            ("hard_requirement", ~self.hard_met),
            ("below_cutoff", self.score < lowest),
            ("mentees_at_cap", self.mentees >= self.limits.expert_most_mentees),
            ("asked_at_cap", self.asked >= self.limits.expert_most_asked),
            ("resting", since_asked < self.limits.expert_rest_days),
        )
        code = np.zeros(len(self.rows), dtype=np.int8)
        for rule, bites in reversed(asked_in_turn):
            code[bites] = _CODE[rule]
        return code

    def with_more_time(self, at: int, open_now: NDArray[np.int64], key: NDArray[np.uint64]) -> tuple[Alternative, ...]:
        """Return the best of those who have less to do than a busy expert; nobody beside one who is free."""
        busy = self.mentees + self.asked
        if not busy[at]:
            return ()
        freer = open_now[busy[open_now] < busy[at]]
        if not freer.size:
            return ()
        best = freer[np.lexsort((key[freer], -self.score[freer]))[0]]
        difference = float(self.score[at] - self.score[best])
        return (Alternative((self.graph.person_ids[self.rows[best]],), float(self.score[best]), max(difference, 0.0)),)

    def suggestion(self, at: int, rank: int, alternatives: tuple[Alternative, ...]) -> Suggestion:
        """Word the measures of one person as Reasons and join them."""
        graph = self.graph
        row = int(self.rows[at])
        person_id = graph.person_ids[row]
        reasons: list[Reason] = []
        for k, (item, column) in enumerate(zip(self.items, self.columns, strict=True)):
            facts = concept_facts(graph, item.concept_id)
            evidence, proof = evidence_of(graph, row, column)
            position = graph.position(row, column)
            have = 0 if position is None else int(graph.arrays.rounded[position])
            for measure, values in self.values[k].measures.items():
                value = float(values[at])
                # That something asked for is not held is a reason too; other measures of nothing say nothing.
                if value == 0 and measure != "coverage":
                    continue
                weight = self.weights[measure] * self.share[k]
                ids, said = (evidence, proof) if measure in _OF_HOLDING else ((), {})
                extra: dict[str, str | int | float | None] = {"have": have, "asked": item.level}
                path: tuple[str, ...] = (item.words, item.label, item.concept_id)
                if measure == "related":
                    other = int(self.values[k].via[at])
                    ids, said = evidence_of(graph, row, other)
                    concept = graph.taxonomy.concepts[graph.concept_ids[other]]
                    extra |= {"via_sv": concept.label("sv"), "via_en": concept.label("en")}
                    path = (*path, concept.concept_id)
                reasons.append(
                    Reason(
                        measure=measure,
                        value=value,
                        weight=weight,
                        contribution=weight * value,
                        person_id=person_id,
                        concept_id=item.concept_id,
                        evidence=ids,
                        path=path,
                        facts={**facts, **extra, **(said if measure in ("coverage", "related") else {})},
                    )
                )
        mentees, lately = int(self.mentees[at]), int(self.asked[at])
        load = float(self.load[at])
        reasons.append(
            Reason(
                measure="load",
                value=load,
                weight=self.weights["load"],
                contribution=self.weights["load"] * load,
                person_id=person_id,
                facts={"count": mentees, "lately": lately},
            )
        )
        concepts = [graph.taxonomy.concepts[i.concept_id] for i in self.items]
        return Suggestion(
            kind=_KIND,
            rank=rank,
            members=(Member(person_id, "expert"),),
            target=self.target,
            labels={lang: ", ".join(c.label(lang) for c in concepts) for lang in ("sv", "en")},
            score=sum_of(reasons),
            reasons=ordered(reasons),
            rules=("takes_part", *(("hard_requirements_met",) if any(i.hard for i in self.items) else ())),
            alternatives=alternatives,
            ask_first=to_ask_first(graph, [person_id], "expert"),
            facts={
                "units": [graph.unit_name(u) for u in graph.units_of[row]],
                "mentees": mentees,
                "asked_lately": lately,
                "busy": bool(mentees or lately),
            },
        )
