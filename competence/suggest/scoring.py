"""What all five suggestions share: who may take part, earlier answers, and measures that become Reasons.

This module decides how a named hard rule takes a person out and how weighted measures are turned into a score with
Reasons that sum to it. Which measures there are, each suggestion decides.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date

import numpy as np
from numpy.typing import NDArray

from competence.errors import InputError
from competence.fit import evidence_facts
from competence.graph import CompetenceGraph
from competence.model import Choice, HistoryKind, OptIn, Reason
from competence.settings import Settings

__all__ = [
    "active_mentees",
    "answered_pairs",
    "check_count",
    "concept_facts",
    "evidence_at",
    "evidence_of",
    "levels_at",
    "not_taking_part",
    "ordered",
    "positions_of",
    "prepare",
    "to_ask_first",
    "turned_down",
]


def prepare(graph: CompetenceGraph, as_of: date | None, settings: Settings | None) -> tuple[CompetenceGraph, Settings, date]:
    """Return the graph on the date and with the settings asked for, and both."""
    seen = graph.seen(as_of, settings)
    return seen, seen.settings, seen.as_of


def not_taking_part(graph: CompetenceGraph, row: int, purpose: str) -> str | None:
    """Return the rule that keeps a person out of a purpose, or None.

    ``opted_out`` is an answer of no; ``not_opted_in`` a blank where the files have a column to answer in.
    """
    if graph.takes_part(row, purpose) is not OptIn.NO:
        return None
    return "opted_out" if getattr(graph.people[row].opt_ins, purpose) is OptIn.NO else "not_opted_in"


def to_ask_first(graph: CompetenceGraph, people: Iterable[str], *purposes: str) -> tuple[str, ...]:
    """Return those who were never asked about any of the purposes: their suggestion is a draft to ask them first."""
    found = []
    for person_id in people:
        row = graph.person_index[person_id]
        if any(graph.takes_part(row, purpose) is OptIn.NOT_ASKED for purpose in purposes):
            found.append(person_id)
    return tuple(found)


def active_mentees(graph: CompetenceGraph) -> Mapping[str, int]:
    """Return how many mentees each mentor has on the graph's date, from the history table (mentor is ``other_id``)."""
    found: dict[str, int] = {}
    for entry in graph.staff.history:
        if entry.kind is HistoryKind.PAIR and entry.other_id and (entry.end is None or entry.end >= graph.as_of):
            found[entry.other_id] = found.get(entry.other_id, 0) + 1
    return found


def answered_pairs(graph: CompetenceGraph, kind: str) -> Mapping[Choice, frozenset[tuple[str, ...]]]:
    """Return the people of each decision of a kind, by choice; the latest decision about the same people wins."""
    latest: dict[tuple[str, ...], tuple[date, Choice]] = {}
    for decision in graph.staff.decisions:
        if decision.kind == kind:
            day = decision.day or date.min
            if decision.people not in latest or day >= latest[decision.people][0]:
                latest[decision.people] = (day, decision.choice)
    return {c: frozenset(people for people, (_, choice) in latest.items() if choice is c) for c in Choice}


def turned_down(graph: CompetenceGraph, kind: str) -> frozenset[tuple[str, str]]:
    """Return the (person_id, target) that the latest decision of a kind rejected or forbade, for suggestions of one person."""
    latest: dict[tuple[str, str], tuple[date, int, Choice]] = {}
    for decision in graph.staff.decisions:
        if decision.kind == kind and len(decision.people) == 1:
            key, no = (decision.people[0], decision.target), decision.choice in (Choice.REJECTED, Choice.FORBIDDEN)
            # Of two decisions on one day the one that says no counts, whatever their order in the file.
            answer = (decision.day or date.min, int(no), decision.choice)
            latest[key] = max(latest.get(key, answer), answer)
    return frozenset(key for key, (_, no, _) in latest.items() if no)


def concept_facts(graph: CompetenceGraph, concept_id: str) -> dict[str, str | int | float | None]:
    """Return the labels of a concept for a sentence in either language."""
    concept = graph.taxonomy.concepts[concept_id]
    return {"concept_sv": concept.label("sv"), "concept_en": concept.label("en")}


def evidence_of(graph: CompetenceGraph, row: int, column: int) -> tuple[tuple[str, ...], dict[str, str | int | float | None]]:
    """Return the evidence ids behind a holding and what a sentence says of them; nothing without a holding."""
    position = graph.position(row, column)
    return ((), {}) if position is None else evidence_at(graph, position)


def evidence_at(graph: CompetenceGraph, position: int) -> tuple[tuple[str, ...], dict[str, str | int | float | None]]:
    """Return the same of a holding whose place in the graph's arrays is known."""
    pieces = graph.evidence_at(position)
    return tuple([e.evidence_id for e in pieces]), evidence_facts(pieces, graph.as_of)


def positions_of(graph: CompetenceGraph, rows: NDArray[np.int64], columns: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return where the holding of each row and column stands in the graph's arrays, -1 where there is none.

    O(holdings + places * log): for many places at once; of a single one ``graph.position`` is quicker.
    """
    arrays, n_columns = graph.arrays, len(graph.concept_ids)
    if not len(arrays.concept):
        return np.full(len(rows), -1, dtype=np.int64)
    held = np.repeat(np.arange(len(graph.person_ids)), np.diff(arrays.indptr)) * n_columns + arrays.concept
    sought = rows * n_columns + columns
    at = np.minimum(np.searchsorted(held, sought), len(held) - 1)
    return np.where(held[at] == sought, at, -1)


def levels_at(graph: CompetenceGraph, positions: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the whole level of the holding at each position, 0 where the position is -1."""
    levels = np.zeros(len(positions), dtype=np.int64)
    known = positions >= 0
    levels[known] = graph.arrays.rounded[positions[known]]
    return levels


def ordered(reasons: Iterable[Reason]) -> tuple[Reason, ...]:
    """Return Reasons with the largest contribution first; equal ones in the order of measure and concept."""
    return tuple(sorted(reasons, key=lambda r: (-r.contribution, r.measure, r.concept_id or "", r.person_id or "")))


def check_count(value: int | None, name: str, lowest: int = 1) -> None:
    """Refuse a head count under ``lowest``."""
    if value is not None and value < lowest:
        raise InputError(f"{name} must be a whole number of at least {lowest}; got {value!r}")
