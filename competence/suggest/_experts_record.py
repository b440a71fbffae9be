"""What an expert search knows of everybody beside what they hold: answers, load, wishes and earlier decisions, as arrays.

This module decides which rules there are, what counts as a request and when somebody is free again. Nobody is measured
here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from competence.graph import CompetenceGraph
from competence.model import Choice, HistoryKind, InterestKind, OptIn
from competence.settings import SuggestSettings
from competence.suggest.scoring import turned_down

__all__ = ["CODE", "KIND", "RULES", "Book", "read_book", "sorted_rows"]

KIND = "experts"
RULES = (
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
CODE = {rule: np.int8(code) for code, rule in enumerate(RULES)}


@dataclass(frozen=True, slots=True, eq=False)
class Book:
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


def read_book(graph: CompetenceGraph) -> Book:
    """Read answers, load, wishes and earlier decisions into arrays. O(people + history + interests + requirements)."""
    n = len(graph.person_ids)
    index = graph.person_index
    today = graph.as_of.toordinal()
    limits = graph.settings.suggest
    answer = np.zeros(n, dtype=np.int8)
    for row, person in enumerate(graph.people):
        if person.opt_ins.expert is OptIn.NO:
            answer[row] = CODE["opted_out"]
        elif graph.takes_part(row, "expert") is OptIn.NO:
            answer[row] = CODE["not_opted_in"]
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
        if decision.kind != KIND or decision.choice is not Choice.ACCEPTED or decision.day is None:
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
    for person_id, target in turned_down(graph, KIND):
        if person_id in index:
            refused.setdefault(frozenset(target.split(", ")), set()).add(index[person_id])
    return Book(
        answer=answer,
        mentees=mentees,
        mentees_end={row: tuple(sorted(found)) for row, found in ends.items()},
        asked=asked,
        asked_days={row: tuple(sorted(found)) for row, found in days.items()},
        last_asked=last,
        unit=unit,
        hashes=np.frombuffer(b"".join(digests), dtype="<u8").astype(np.uint64),
        willing={column: sorted_rows(found) for column, found in wishes.items()},
        refused={target: sorted_rows(found) for target, found in refused.items()},
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
    return {
        column: tuple((level, sorted_rows(rows)) for level, rows in sorted(levels.items())) for column, levels in found.items()
    }


def sorted_rows(rows: Iterable[int]) -> NDArray[np.int64]:
    """Return rows in order, as an array."""
    return np.array(sorted(rows), dtype=np.int64)
