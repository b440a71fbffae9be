"""Measures of a person against a role, by hand on the municipality of eight."""

from __future__ import annotations

from datetime import date
from math import isclose

import numpy as np
import pytest
from cases import (
    AS_OF,
    ASSISTANT,
    CALM,
    CARETAKER,
    CARPENTRY,
    COORDINATOR,
    DEMENTIA,
    LICENCE,
    LIFT,
    NURSE,
    REGISTERED,
    ROSTER,
    asks,
    certificate,
    graph_of,
    piece,
    random_staff,
    small_staff,
    taxonomy,
)
from hypothesis import given
from hypothesis import strategies as st

from competence.errors import UnknownIdError
from competence.fit import coverage, evidence_facts, fit, freshness, gap, gaps, growth, hard_met, role_fit, sum_of, surplus
from competence.model import LearningForm, Reason, Source, ValidationStage

LEVELS = np.arange(6, dtype=np.int8)


def of(values: np.ndarray, person_id: str) -> float:  # type: ignore[type-arg]
    return float(values[graph_of().row(person_id)])


def test_coverage_gap_and_surplus_of_every_level() -> None:
    assert coverage(LEVELS, 4).tolist() == [0, 0.25, 0.5, 0.75, 1, 1]
    assert gap(LEVELS, 4).tolist() == [4, 3, 2, 1, 0, 0]
    assert surplus(LEVELS, 4).tolist() == [0, 0, 0, 0, 0, 1]


def test_fit_is_the_weighted_mean_of_coverage() -> None:
    # p2 as assistant nurse: dementia care 2 of 3 (weight 1), lifting 0 of 2 (0.8), calming 3 of 2 (0.5).
    values = fit(graph_of(), taxonomy().roles[ASSISTANT].requirements)
    assert isclose(of(values, "p2"), (1.0 * 2 / 3 + 0 + 0.5 * 1) / 2.3)
    # p1: dementia care 4 of 3, lifting 3 of 2, no calming.
    assert isclose(of(values, "p1"), 1.8 / 2.3)


def test_growth_counts_at_most_two_levels_and_only_where_the_fit_is_enough() -> None:
    # p4 as coordinator: rostering 2 of 3 (weight 1), calming 0 of 3 (0.7; three levels count as two), Finnish 5 of 2 (0.4).
    requirements = taxonomy().roles[COORDINATOR].requirements
    graph = graph_of()
    assert isclose(of(fit(graph, requirements), "p4"), (2 / 3 + 0.4) / 2.1)
    assert isclose(of(growth(graph, requirements), "p4"), (0.5 + 0.7) / 2.1)
    # p2: calming 3 of 3 only: a fit of 0.7 / 2.1 lies under the cutoff of 0.5, unless the call sets a lower one.
    assert of(growth(graph, requirements), "p2") == 0.0
    assert isclose(of(growth(graph, requirements, cutoff=0.3), "p2"), (1.0 + 0.4) / 2.1)


def test_hard_requirements_gate_and_never_weigh() -> None:
    requirements = taxonomy().roles[CARETAKER].requirements
    values = fit(graph_of(), requirements)
    # p5 holds carpentry 3 of 3 (weight 1), no lifting (0.5); the licence is not weighed.
    assert isclose(of(values, "p5"), 1.0 / 1.5)
    assert fit(graph_of(), [asks(LICENCE, 1, hard=True)]).tolist() == [1.0] * 8
    assert growth(graph_of(), [asks(LICENCE, 1, hard=True)]).tolist() == [0.0] * 8


@pytest.mark.parametrize("source", [s for s in Source if s is not Source.CERTIFICATE])
def test_informal_evidence_at_the_highest_level_never_meets_a_hard_requirement(source: Source) -> None:
    told = piece("p1", NURSE, 5, source, learning_form=LearningForm.INFORMAL, stage=ValidationStage.ASSESSED)
    graph = graph_of(small_staff(evidence=[told]))
    assert not hard_met(graph, [asks(NURSE, 1, hard=True)])[graph.row("p1")]


def test_a_certificate_meets_a_hard_requirement_at_its_level_and_no_higher() -> None:
    graph = graph_of(small_staff(evidence=[certificate("p1", NURSE, 2)]))
    assert hard_met(graph, [asks(NURSE, 2, hard=True)])[graph.row("p1")]
    assert not hard_met(graph, [asks(NURSE, 3, hard=True)])[graph.row("p1")]


def test_who_holds_a_role_with_the_same_hard_requirement_has_been_checked() -> None:
    graph = graph_of(small_staff(evidence=[]))
    met = hard_met(graph, taxonomy().roles[REGISTERED].requirements)
    assert [graph.person_ids[i] for i in np.flatnonzero(met)] == ["p6"]


def test_a_role_without_hard_requirements_is_open_to_all() -> None:
    assert hard_met(graph_of(), taxonomy().roles[COORDINATOR].requirements).all()


@pytest.mark.parametrize("seed", range(4))
def test_everybody_against_every_role_equals_person_by_person(seed: int) -> None:
    graph = graph_of(random_staff(seed, 6))
    found = role_fit(graph, graph.role_ids)
    for i, person_id in enumerate(graph.person_ids):
        held = {h.concept_id: h.rounded for h in graph.holdings(person_id)}
        for j, role_id in enumerate(graph.role_ids):
            weighed = [q for q in graph.role(role_id).requirements if not q.hard]
            total = sum(q.weight for q in weighed)
            fits = sum(q.weight * min(held.get(q.concept_id, 0) / q.level, 1) for q in weighed) / total
            grows = sum(q.weight * min(max(q.level - held.get(q.concept_id, 0), 0), 2) / 2 for q in weighed) / total
            assert isclose(found.fit[i, j], fits)
            assert isclose(found.growth[i, j], grows if fits >= 0.5 else 0.0)


def test_gaps_list_the_heaviest_first_and_name_unmet_law() -> None:
    found = gaps(graph_of(), "p1", REGISTERED)
    assert [(g.requirement.concept_id, g.held, g.missing, g.hard_unmet) for g in found] == [
        (ROSTER, 0, 3, False),
        (NURSE, 0, 1, True),
        (DEMENTIA, 4, 0, False),
    ]


def test_gaps_without_a_role_are_those_of_the_roles_held() -> None:
    assert {g.requirement.concept_id for g in gaps(graph_of(), "p2")} == {DEMENTIA, LIFT, CALM}
    with pytest.raises(UnknownIdError):
        gaps(graph_of(), "p1", "no-role")
    with pytest.raises(UnknownIdError):
        gaps(graph_of(), "p99")


def test_evidence_to_be_reconfirmed_covers_nothing() -> None:
    old = piece("p1", LIFT, 5, Source.SELF, day=date(2010, 1, 1))
    graph = graph_of(small_staff(evidence=[old]))
    assert fit(graph, [asks(LIFT, 1)]).max() == 0.0


def test_freshness_halves_with_every_half_life() -> None:
    latest = np.array([AS_OF.toordinal(), AS_OF.toordinal() - round(60 * 365.2425 / 12), 0], dtype=np.int32)
    assert freshness(latest, AS_OF, 60) == pytest.approx([1.0, 0.5, 0.5], abs=1e-4)
    assert freshness(latest, AS_OF, None).tolist() == [1.0, 1.0, 1.0]


@given(st.lists(st.floats(0, 1), max_size=12), st.randoms(use_true_random=False))
def test_a_score_does_not_depend_on_the_order_of_its_reasons(values: list[float], rng: object) -> None:
    reasons = [Reason(measure="m", value=v, weight=0.1, contribution=0.1 * v) for v in values]
    mixed = list(reasons)
    rng.shuffle(mixed)  # type: ignore[attr-defined]
    assert sum_of(mixed) == sum_of(reasons)


def test_facts_about_evidence_are_those_a_sentence_needs() -> None:
    pieces = [
        piece("p1", LIFT, 2, Source.SELF, day=date(2025, 6, 30), words="kan lyfta"),
        piece("p1", LIFT, 3, Source.MANAGER, day=None, stage=ValidationStage.DOCUMENTED),
    ]
    facts = evidence_facts(pieces, AS_OF)
    assert facts == {
        "sources": "manager,self",
        "latest": "2025-06-30",
        "age_months": 12,
        "stage": "documented",
        "words": "kan lyfta",
    }
    assert evidence_facts([], AS_OF)["latest"] is None
    assert CARPENTRY in graph_of().concept_index
