"""Co-leader pairs: two people who together cover what leading a unit asks, each with what the other lacks.

This module decides which pairs there are and which of them to suggest, exactly. Sex is never read: leading a unit is a
permanent post (REQ-EQ-3).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from competence.fit import sum_of
from competence.graph import CompetenceGraph
from competence.model import Outcome, Reason, Status
from competence.solve.programme import Rows, maximise_whole
from competence.suggest._teams_plan import Job, Rules
from competence.suggest._teams_replace import Bench
from competence.suggest._teams_words import team_suggestion
from competence.suggest.result import Alternative, Member, Suggestion
from competence.suggest.scoring import ordered

__all__ = ["Leaders", "pair_leaders"]

_GAP = 1e-6  # the absolute tolerance of HiGHS on the sum of scores
_NODES = 5000


@dataclass(frozen=True, slots=True)
class Leaders:
    """The pairs as Suggestions, the best first, and how good the plan is known to be."""

    pairs: tuple[Suggestion, ...]
    outcome: Outcome


def pair_leaders(
    graph: CompetenceGraph,
    rows: NDArray[np.int64],
    job: Job,
    *,
    apart: Iterable[tuple[int, int]],
    willing: frozenset[str] | None,
    weights: Mapping[str, float],
    rules: tuple[str, ...],
) -> Leaders:
    """Choose the disjoint pairs with the highest sum of scores.

    Parameters
    ----------
    graph : CompetenceGraph
        The people.
    rows : array of int64, shape (n_people,)
        The pool in the seeded order; all in it may be suggested.
    job : Job
        What leading asks, and how many pairs.
    apart : iterable of (int, int)
        Positions that must not be a pair.
    willing : frozenset of str or None
        Who has said yes; None: nobody has been asked.
    weights : Mapping
        Of ``coverage`` and ``complement``.

    Returns
    -------
    Leaders
        Fewer pairs than asked for, or none, where no two of the pool each hold something that the other lacks.

    Notes
    -----
    Score = a * coverage of the two as a team + b * complement; complement = 2 min(only the one, only the other) / all, each
    a sum of weights of items, 1 where each alone holds half. A pair in which one adds nothing is none (``both_bring``).
    For T pairs only the 2 T - 1 best partners of each are looked at: of those, T - 1 other pairs leave one free, so no
    better plan is lost. People who hold the same items are alike, and 2 T of a kind are enough. The choice is a
    whole-number programme over these pairs (HiGHS in SciPy). O(kinds^2 items) for the scores.
    """
    n_pairs = job.n or 1
    barred = {frozenset(p) for p in apart}
    named = {i for p in barred for i in p}
    kept = _enough_of_each(job.holds, named, 2 * n_pairs)
    score = _scores(job, kept, weights)
    at = {int(p): k for k, p in enumerate(kept)}
    for pair in barred:
        i, j = (at[p] for p in pair)
        score[i, j] = score[j, i] = -1.0
    best = _best_partners(score, 2 * n_pairs - 1)
    chosen, outcome = _choose(best, score, n_pairs)
    bench = Bench(Rules(), np.empty(0, dtype=np.int64))
    made = []
    for i, j in chosen:
        team = (int(kept[i]), int(kept[j]))
        plain = team_suggestion(graph, rows, job, team, rules=rules, bench=bench)
        taken = {k for pair in chosen for k in pair}
        others = [_other(graph, rows, kept, score, pair, taken) for pair in ((i, j), (j, i))]
        made.append(_leaders(graph, rows, job, team, plain, weights, willing, [o for o in others if o is not None]))
    made.sort(key=lambda s: -s.score)
    return Leaders(tuple(made), outcome)


def _enough_of_each(holds: NDArray[np.bool_], named: set[int], most: int) -> NDArray[np.int64]:
    """Return the first of those who hold the same, as many as any plan can use, and all whom a pair apart names."""
    _, kind = np.unique(holds, axis=0, return_inverse=True)
    seen: dict[int, int] = {}
    kept = []
    # Two more than a plan uses, so that each of a pair has somebody like the other to be replaced by.
    for position, k in enumerate(kind.ravel().tolist()):
        if position in named:
            kept.append(position)
        elif seen.get(k, 0) < most + 2:
            seen[k] = seen.get(k, 0) + 1
            kept.append(position)
    return np.array(kept, dtype=np.int64)


def _scores(job: Job, kept: NDArray[np.int64], weights: Mapping[str, float]) -> NDArray[np.float64]:
    """Return the score of every two, -1 where they are no pair; shape (n_kept, n_kept)."""
    holds = job.holds[kept].astype(np.float64)
    share = job.weights / job.weights.sum()
    both = (holds * share) @ holds.T
    alone = np.diag(both)
    only = alone[:, None] - both
    least = np.minimum(only, only.T)
    # Of an item that one holder is enough for, one of the two counts in full; of one for more, each counts a part.
    one = share * (job.counts == 1)
    several = share * (job.counts > 1) / job.counts
    covered = (holds @ one)[:, None] + (holds @ one)[None, :] - (holds * one) @ holds.T
    covered += (holds @ several)[:, None] + (holds @ several)[None, :]
    score: NDArray[np.float64] = weights["coverage"] * covered + weights["complement"] * 2 * least
    score[least <= 1e-12] = -1.0
    np.fill_diagonal(score, -1.0)
    # Equal scores are equal whatever order their parts were added in, so that the seeded order settles them.
    rounded: NDArray[np.float64] = np.round(score, 12)
    return rounded


def _best_partners(score: NDArray[np.float64], most: int) -> list[tuple[int, int]]:
    """Return every pair in which one is among the best partners of the other, in the order of positions."""
    found = set()
    for i, own in enumerate(score):
        for j in np.lexsort((np.arange(own.size), -own))[:most].tolist():
            if own[j] >= 0:
                found.add((min(i, j), max(i, j)))
    return sorted(found)


def _choose(pairs: list[tuple[int, int]], score: NDArray[np.float64], n_pairs: int) -> tuple[list[tuple[int, int]], Outcome]:
    """Return the disjoint pairs, as many as there can be up to the number, of the highest sum."""
    method = "every pair compared" if n_pairs == 1 else "pairs chosen by a whole-number programme (HiGHS)"
    if not pairs:
        return [], Outcome(status=Status.EMPTY, conflicts=("no_complement",), method=method)
    value = np.array([score[i, j] for i, j in pairs])
    if n_pairs == 1:
        best = int(np.argmax(value))
        second = float(np.partition(value, -2)[-2]) if value.size > 1 else None
        return [pairs[best]], Outcome(
            status=Status.OPTIMAL,
            objective=float(value[best]),
            bound=float(value[best]),
            gap=0.0,
            method=method,
            steps=len(pairs),
            runner_up=None if second is None else float(value[best]) - second,
        )
    ends = np.array(pairs).T
    each = sparse.csr_array(
        (np.ones(2 * len(pairs)), (ends.ravel(), np.tile(np.arange(len(pairs)), 2))), shape=(len(score), len(pairs))
    )
    rows: list[Rows] = [(each, 0.0, 1.0), (sparse.csr_array(np.ones((1, len(pairs)))), 0.0, float(n_pairs))]
    # One pair more always counts more than any scores: a score is at most 1.
    answer = maximise_whole(value + n_pairs, rows, 1.0, nodes=_NODES)
    if answer.values is None:
        return [], Outcome(status=Status.EMPTY, conflicts=("no_complement",), method=method)
    taken = np.flatnonzero(np.rint(answer.values))
    total = float(value[taken].sum())
    bound = max(total, answer.bound - n_pairs * len(taken))
    proven = answer.finished or bound - total <= _GAP
    bound = total if proven else bound
    return [pairs[int(k)] for k in taken], Outcome(
        status=Status.OPTIMAL if proven else Status.FEASIBLE,
        objective=total,
        bound=bound,
        gap=(bound - total) / (abs(bound) or 1.0),
        method=method,
        steps=len(pairs),
        stopped_by="proof" if proven else "steps",
    )


def _other(
    graph: CompetenceGraph,
    rows: NDArray[np.int64],
    kept: NDArray[np.int64],
    score: NDArray[np.float64],
    pair: tuple[int, int],
    taken: set[int],
) -> Alternative | None:
    """Return the best partner in place of the second of a pair, of those who are in no pair."""
    stays, out = pair
    own = score[stays].copy()
    own[sorted(taken)] = -1.0
    new = int(np.argmax(own))
    if own[new] < 0:
        return None
    ids = [graph.person_ids[rows[kept[k]]] for k in (out, new)]
    return Alternative((ids[0], ids[1]), float(own[new]))


def _leaders(
    graph: CompetenceGraph,
    rows: NDArray[np.int64],
    job: Job,
    team: tuple[int, int],
    plain: Suggestion,
    weights: Mapping[str, float],
    willing: frozenset[str] | None,
    others: list[Alternative],
) -> Suggestion:
    """Word a pair: what the two cover, item by item, and what each alone brings."""
    at = {graph.person_ids[rows[i]]: i for i in team}
    reasons = _weighed(graph, job, {p: job.holds[i] for p, i in at.items()}, plain.reasons, weights)
    score = sum_of(reasons)
    row_of = {p: k for k, p in enumerate(graph.person_ids[r] for r in rows.tolist())}
    told = []
    for other in others:
        out, new = other.people
        two = {p: job.holds[row_of[p]] for p in (*(p for p in at if p != out), new)}
        coverage, complement = pair_measures(job, *two.values())
        difference = {
            "coverage": sum(r.contribution for r in reasons if r.measure == "coverage") - weights["coverage"] * coverage,
            "complement": sum(r.contribution for r in reasons if r.measure == "complement") - weights["complement"] * complement,
        }
        kept = {m: d for m, d in difference.items() if abs(d) > 1e-9}
        told.append(replace(other, score=score - sum(difference.values()), difference=kept))
    return replace(
        plain,
        members=tuple(Member(p, "co_leader") for p in sorted(at)),
        score=score,
        reasons=ordered(reasons),
        alternatives=tuple(sorted(told, key=lambda a: (-a.score, a.people))),
        ask_first=tuple(sorted(at)) if willing is None else (),
    )


def pair_measures(job: Job, one: NDArray[np.bool_], other: NDArray[np.bool_]) -> tuple[float, float]:
    """Return what two cover and how evenly they complement each other, both in [0, 1]."""
    share = job.weights / job.weights.sum()
    held = one.astype(np.int64) + other
    alone = (float(share[one & ~other].sum()), float(share[other & ~one].sum()))
    return float(share @ (np.minimum(held, job.counts) / job.counts)), 2 * min(alone)


def _weighed(
    graph: CompetenceGraph,
    job: Job,
    holds: Mapping[str, NDArray[np.bool_]],
    covered: Iterable[Reason],
    weights: Mapping[str, float],
) -> list[Reason]:
    """Return the reasons of a team at their weight, and one for how evenly the two complement each other."""
    reasons = [replace(r, weight=w, contribution=w * r.value) for r in covered for w in (r.weight * weights["coverage"],)]
    (first, one), (second, other) = sorted(holds.items())
    _, complement = pair_measures(job, one, other)
    # Each says half: the one of the two who adds least sets the value of both.
    half = weights["complement"] / 2
    for person_id, own, theirs in ((first, one, other), (second, other, one)):
        alone = [job.items[k].concept_id for k in np.flatnonzero(own & ~theirs).tolist()]
        evidence: list[str] = []
        for concept_id in alone:
            position = graph.position(graph.person_index[person_id], graph.concept_index[concept_id])
            if position is not None:
                evidence += [e.evidence_id for e in graph.evidence_at(position)]
        said = {lang: ", ".join(graph.taxonomy.concepts[c].label(lang) for c in alone) for lang in ("sv", "en")}
        reasons.append(
            Reason(
                measure="complement",
                value=complement,
                weight=half,
                contribution=half * complement,
                person_id=person_id,
                evidence=tuple(evidence),
                path=tuple(alone),
                facts={f"concept_{lang}": words for lang, words in said.items()},
            )
        )
    return reasons
