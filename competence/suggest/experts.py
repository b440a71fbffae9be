"""Find internal experts: who, of those willing, can do what is asked, how that is known, and who else has more time.

Five steps: link the words of the need, measure everybody who holds any of it, keep those whom no rule takes out, choose
the best and spread those that are nearly equal, say why. Sex, age and name are never read.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date
from hashlib import blake2b
from math import fsum
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from competence.graph import CompetenceGraph, ResolvedItem, ResolvedNeed
from competence.model import Need, NeedItem, Outcome, Status
from competence.settings import Settings
from competence.suggest._experts_measures import Measured
from competence.suggest._experts_record import CODE, KIND, RULES, read_book
from competence.suggest.result import LeftOut, Suggestion, Suggestions
from competence.suggest.scoring import check_count, prepare

__all__ = ["find_experts"]

_DATED = tuple(int(CODE[rule]) for rule in ("mentees_at_cap", "asked_at_cap", "resting"))


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
    need was understood but its likeliest meaning has a probability of at least ``settings.suggest.expert_guess``, or where
    one thing was understood with less than ``expert_sure``, what else its words may mean with at least ``expert_other`` is
    searched for as well, each meaning apart; the places go to the meanings in turn, the likeliest first, and the note
    ``need_guessed`` tells.

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
    request = {"need": resolved.recorded(), "n": n, "cutoff": lowest, "people": people, "units": units}
    guessed = _readings(graph, resolved, settings)
    meant = [*([resolved.items] if resolved.items else []), *((item,) for item in guessed)]
    code = np.full(len(graph.person_ids), CODE["no_evidence" if meant else "not_understood"], dtype=np.int8)
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
            details[row] = searches[0].book.free_again(row, RULES[code[row]], settings.suggest)
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
        KIND,
        chosen,
        outcome=outcome,
        left_out=LeftOut.of_codes(graph.person_ids, told, code[told], RULES, details),
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
    """Return what else words may mean that were not, or hardly, understood: the likeliest first, no level asked of a guess."""
    if len(resolved.items) > 1:
        return ()
    unknown = () if resolved.items else resolved.not_understood
    if (
        not resolved.items
        and max((round(p, 6) for u in unknown for _, p in u.nearest), default=0.0) < settings.suggest.expert_guess
    ):
        return ()
    unsure = [(u.words, u.nearest) for u in unknown]
    unsure += [(i.words, i.nearest) for i in resolved.items if i.probability < settings.suggest.expert_sure]
    known = {i.concept_id for i in resolved.items}
    probable: dict[str, tuple[float, str]] = {}
    for words, nearest in unsure:
        for concept_id, probability in nearest:
            # As the record of the call keeps it, so that a repeated call finds the same.
            likely = round(probability, 6)
            if likely >= settings.suggest.expert_other and concept_id not in known:
                probable[concept_id] = max(probable.get(concept_id, (0.0, "")), (likely, words))
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
        self.book = book = graph.once("experts", lambda: read_book(graph))
        self.measured = measured = Measured(graph, items, settings, among, book)
        self.rule = measured.rules(lowest)
        self.open_now = np.flatnonzero(self.rule == 0)
        self.key = _key(book.hashes[measured.rows], seed, measured.target)
        unit, margin = book.unit[measured.rows], settings.suggest.expert_margin
        self.picked = _spread(self.open_now, measured.score, self.key, unit, measured.asked, n, margin)
        self.rule[self.open_now] = CODE["not_among_best"]
        if self.picked.size:
            better = measured.score[self.open_now] > measured.score[self.picked].min()
            self.rule[self.open_now[better]] = CODE["nearly_equal"]

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
        codes, number = np.unique(code[code > CODE["to_be_reconfirmed"]], return_counts=True)
        by_number = np.lexsort((codes, -number))
        conflicts = tuple(f"{RULES[codes[k]]}:{number[k]}" for k in by_number)
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
