"""Every measure of those who hold anything near what is asked of an expert, and the words of it.

This module decides how somebody is measured and which rule takes a person out. Who is chosen of those that are left,
:mod:`competence.suggest.experts` decides.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from competence.fit import coverage, freshness, sum_of, surplus
from competence.graph import CompetenceGraph, ResolvedItem
from competence.model import Reason
from competence.settings import Settings
from competence.suggest._experts_record import CODE, KIND, Book, sorted_rows
from competence.suggest.result import Alternative, Member, Suggestion
from competence.suggest.scoring import concept_facts, evidence_of, ordered, to_ask_first

__all__ = ["Measured"]

_MOST_SURPLUS = 4.0
"""Levels from the lowest to the highest."""
_OF_HOLDING = frozenset({"coverage", "surplus", "confidence", "freshness"})


@dataclass(slots=True, eq=False)
class _Values:
    """The measures of one item, shape (n_holders,) each."""

    measures: dict[str, NDArray[np.float64]]
    via: NDArray[np.int64] = field(repr=False)


class Measured:
    """Every measure of those who hold anything near the items of a need; everybody else scores 0.

    ``rows`` are their rows in the graph; the other arrays are parallel to it.
    """

    def __init__(
        self,
        graph: CompetenceGraph,
        items: tuple[ResolvedItem, ...],
        settings: Settings,
        among: NDArray[np.int64],
        book: Book,
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
        refused[self._at(self.book.refused.get(frozenset(i.concept_id for i in self.items), sorted_rows(())))] = True
        since_asked = self.graph.as_of.toordinal() - self.book.last_asked[self.rows]
        answer = self.book.answer[self.rows]
        asked_in_turn = (
            ("to_be_reconfirmed", ~self.known & doubtful),
            ("no_evidence", ~self.known),
            ("opted_out", answer == CODE["opted_out"]),
            ("not_opted_in", answer == CODE["not_opted_in"]),
            ("rejected_before", refused),
            ("hard_requirement", ~self.hard_met),
            ("below_cutoff", self.score < lowest),
            ("mentees_at_cap", self.mentees >= self.limits.expert_most_mentees),
            ("asked_at_cap", self.asked >= self.limits.expert_most_asked),
            ("resting", since_asked < self.limits.expert_rest_days),
        )
        code = np.zeros(len(self.rows), dtype=np.int8)
        for rule, bites in reversed(asked_in_turn):
            code[bites] = CODE[rule]
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
            kind=KIND,
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
