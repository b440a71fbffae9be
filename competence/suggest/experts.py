"""Find internal experts: who, of those willing, can do what is asked, and how that is known.

Five steps: link the words of the need, keep those who take part, measure everybody, take the exact best n, say why.
Sex, age and name are never read.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from competence.fit import coverage, freshness, hard_met, sum_of
from competence.graph import CompetenceGraph, ResolvedItem
from competence.model import InterestKind, Need, NeedItem, Outcome, Reason, Requirement, Status
from competence.settings import Settings
from competence.solve.order import seeded_order
from competence.suggest.result import LeftOutRow, Member, Suggestion, Suggestions
from competence.suggest.scoring import (
    active_mentees,
    check_count,
    concept_facts,
    evidence_of,
    not_taking_part,
    ordered,
    prepare,
    to_ask_first,
    turned_down,
    understood_request,
)

__all__ = ["find_experts"]

_KIND = "experts"


def find_experts(
    graph: CompetenceGraph,
    need: Need | NeedItem | str | Mapping[str, int] | Iterable[str | NeedItem],
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
    need : str, list of str, {str: level}, NeedItem or Need
        Words in Swedish or English, or concept ids. A bare number is a level 1-5.
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
        Orders equals by a hash of their ids.

    Returns
    -------
    Suggestions
        One Suggestion per expert, part ``expert``. Empty with ``not_understood`` when no word met a concept, or
        ``nobody_holds`` when nobody taking part has evidence of it.

    Raises
    ------
    InputError
        If the need is empty or n below 1.
    UnknownIdError
        If a person or unit does not exist.

    Notes
    -----
    Measures per item, weighted by the item and summed: coverage of the level asked, confidence of the holding,
    freshness of its latest evidence, a related or narrower concept where the one asked for is not fully covered
    (times ``settings.fit.related_credit``), willingness (stated interest to use or teach), and load (1 / (1 + mentees
    now)). The n best are exact: every person is measured. O(holders of the concepts and their relatives + people).
    """
    started = perf_counter()
    check_count(n, "n")
    graph, settings, as_of = prepare(graph, as_of, settings)
    people = sorted(set(people)) if people is not None else None
    units = sorted(set(units)) if units is not None else None
    resolved = graph.need(need)
    rows = graph.rows(people, units)
    considered = [graph.person_ids[r] for r in rows]
    lowest = settings.suggest.expert_cutoff if cutoff is None else cutoff
    request = {"need": understood_request(resolved), "n": n, "cutoff": lowest, "people": people, "units": units}
    if not resolved.items:
        return Suggestions.empty(
            graph, _KIND, "not_understood", settings=settings, as_of=as_of, request=request, seed=seed, considered=considered
        )

    measured = _Measured(graph, resolved.items, settings)
    said_no = turned_down(graph, _KIND)
    left_out: list[LeftOutRow] = []
    eligible: list[int] = []
    for row in rows.tolist():
        rule = not_taking_part(graph, row, "expert") if measured.known[row] else measured.why_nothing(row)
        if rule is None and (graph.person_ids[row], measured.target) in said_no:
            rule = "rejected_before"
        if rule is None and not measured.hard_met[row]:
            rule = "hard_requirement"
        if rule is None and measured.score[row] < lowest:
            rule = "below_cutoff"
        if rule is None:
            eligible.append(row)
        else:
            left_out.append(LeftOutRow(graph.person_ids[row], rule))

    order = seeded_order([graph.person_ids[r] for r in eligible], seed)
    shuffled = np.array(eligible, dtype=np.int64)[order]
    ranked = shuffled[np.argsort(-measured.score[shuffled], kind="stable")].tolist()
    chosen, rest = ranked[:n], ranked[n:]
    left_out += [LeftOutRow(graph.person_ids[r], "not_among_best") for r in rest]
    notes = ("need_partly_understood",) if resolved.not_understood else ()
    if not chosen:
        return Suggestions.empty(
            graph,
            _KIND,
            "nobody_holds",
            settings=settings,
            as_of=as_of,
            request=request,
            seed=seed,
            left_out=left_out,
            considered=considered,
            notes=notes,
        )
    items = [measured.suggestion(row, rank) for rank, row in enumerate(chosen, start=1)]
    total = sum(s.score for s in items)
    outcome = Outcome(
        status=Status.OPTIMAL,
        objective=total,
        bound=total,
        gap=0.0,
        method="every person measured, exact best n",
        seconds=perf_counter() - started,
        steps=len(rows),
        runner_up=float(measured.score[chosen[-1]] - measured.score[rest[0]]) if rest else None,
    )
    if any(s.ask_first for s in items):
        notes = (*notes, "opt_in_not_asked")
    return Suggestions.build(
        graph,
        _KIND,
        items,
        outcome=outcome,
        left_out=left_out,
        considered=considered,
        settings=settings,
        as_of=as_of,
        request=request,
        seed=seed,
        notes=notes,
    )


class _Measured:
    """Every measure of everybody against the items of one need, shape (n_people,) per measure and item."""

    def __init__(self, graph: CompetenceGraph, items: tuple[ResolvedItem, ...], settings: Settings) -> None:
        self.graph = graph
        self.items = items
        self.target = ", ".join(i.concept_id for i in items)
        self.weights = settings.suggest.experts
        n = len(graph.person_ids)
        # Hard items gate and are not weighed, unless nothing else is asked for to rank by.
        weighed = [0.0 if i.hard and not all(k.hard for k in items) else i.weight for i in items]
        self.share = [weight / sum(weighed) for weight in weighed]
        self.columns = [graph.concept_index[i.concept_id] for i in items]
        self.values: dict[str, list[NDArray[np.float64]]] = {
            m: [] for m in ("coverage", "confidence", "freshness", "related", "willingness")
        }
        self.via: list[NDArray[np.int64]] = []
        self.known = np.zeros(n, dtype=np.bool_)
        self.doubtful = np.zeros(n, dtype=np.bool_)
        self.hard_met = np.ones(n, dtype=np.bool_)
        for item, column in zip(items, self.columns, strict=True):
            self._measure(item, column, settings)
        mentees = active_mentees(graph)
        load = np.array([1.0 / (1.0 + mentees.get(p, 0)) for p in graph.person_ids])
        self.load = np.where(self.known, load, 0.0)
        self.score = self.weights["load"] * self.load
        for measure, columns in self.values.items():
            for share, column_values in zip(self.share, columns, strict=True):
                self.score = self.score + self.weights[measure] * share * column_values

    def _measure(self, item: ResolvedItem, column: int, settings: Settings) -> None:
        graph = self.graph
        held = graph.rounded_column(column)
        covered = coverage(held, item.level)
        self.doubtful |= (graph.column("confidence", column) > 0) & (held == 0)
        currency = graph.taxonomy.concepts[item.concept_id].currency_months
        fresh = freshness(graph.column("latest", column), graph.as_of, currency)
        related, via = self._related(column, item.level, covered, settings)
        known = (covered > 0) | (related > 0)
        wanting = np.zeros(len(known))
        for (person_id, kind), wanted in graph.interests.items():
            if column in wanted and kind is not InterestKind.LEARN and person_id in graph.person_index:
                wanting[graph.person_index[person_id]] = 1.0
        self.values["coverage"].append(covered)
        self.values["confidence"].append(np.where(covered > 0, graph.column("confidence", column), 0.0))
        self.values["freshness"].append(np.where(covered > 0, fresh, 0.0))
        self.values["related"].append(related)
        self.values["willingness"].append(np.where(known, wanting, 0.0))
        self.via.append(via)
        self.known |= known
        if item.hard:
            self.hard_met &= hard_met(graph, [Requirement(concept_id=item.concept_id, level=item.level, hard=True)])

    def _related(
        self, column: int, level: int, covered: NDArray[np.float64], settings: Settings
    ) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Return the credit that the best related concept gives where the one asked for is not covered, and which it is."""
        best = np.zeros(len(covered))
        via = np.full(len(covered), -1, dtype=np.int64)
        for other in self.graph.related_columns.get(column, ()):
            credit = settings.fit.related_credit * coverage(self.graph.rounded_column(other), level)
            better = credit > best
            best[better], via[better] = credit[better], other
        # What is fully covered needs no relative; what is half covered gains at most the missing half.
        return np.minimum(best, 1.0 - covered), via

    def why_nothing(self, row: int) -> str:
        """Say why a person has nothing of what is asked: no evidence at all, or evidence too old or weak to count."""
        return "to_be_reconfirmed" if self.doubtful[row] else "no_evidence"

    def suggestion(self, row: int, rank: int) -> Suggestion:
        """Word the measures of one person as Reasons and join them."""
        graph = self.graph
        person_id = graph.person_ids[row]
        reasons: list[Reason] = []
        for k, (item, column) in enumerate(zip(self.items, self.columns, strict=True)):
            facts = concept_facts(graph, item.concept_id)
            evidence, proof = evidence_of(graph, row, column)
            position = graph.position(row, column)
            have = 0 if position is None else int(graph.arrays.rounded[position])
            for measure, values in self.values.items():
                value = float(values[k][row])
                # That something asked for is not held is a reason too; other measures of nothing say nothing.
                if value == 0 and measure != "coverage":
                    continue
                weight = self.weights[measure] * self.share[k]
                ids, said = (evidence, proof) if measure in ("coverage", "confidence", "freshness") else ((), {})
                extra: dict[str, str | int | float | None] = {"have": have, "asked": item.level}
                path: tuple[str, ...] = (item.words, item.label, item.concept_id)
                if measure == "related":
                    other = int(self.via[k][row])
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
        load = float(self.load[row])
        reasons.append(
            Reason(
                measure="load",
                value=load,
                weight=self.weights["load"],
                contribution=self.weights["load"] * load,
                person_id=person_id,
                facts={"count": round(1.0 / load) - 1 if load else 0},
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
            ask_first=to_ask_first(graph, [person_id], "expert"),
            facts={"units": [graph.unit_name(u) for u in graph.units_of[row]]},
        )
