"""How evidence becomes a holding: the formulas by hand, and what more or older evidence may never do."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from math import isclose, sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from competence.errors import InputError
from competence.evidence import age_in_months, combine, highest_stage, is_formal, piece_level, precision, round_level
from competence.model import SIDE_OF, Delegation, Evidence, Holding, LearningForm, Side, Source, Use, ValidationStage
from competence.settings import EvidenceSettings

AS_OF = date(2026, 6, 30)
SHIPPED = EvidenceSettings()


def piece(source: Source = Source.SELF, level: int | None = 3, day: date | None = AS_OF, probability: float = 1.0) -> Evidence:
    return Evidence(evidence_id="e", person_id="p", level=level, source=source, day=day, probability=probability)


def joined(pieces: list[Evidence], currency: int | None = 60) -> tuple[float, float]:
    """Return level and confidence of one holding."""
    weights = np.array([precision(p, currency, AS_OF, SHIPPED) for p in pieces])
    levels = np.array([piece_level(p.level, SHIPPED)[0] for p in pieces])
    level, confidence = combine(np.zeros(len(pieces), dtype=np.int64), levels, weights, 1, SHIPPED)
    return float(level[0]), float(confidence[0])


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (Source.SELF, 1 / 1.44),
        (Source.COLLEAGUE, 1.0),
        (Source.MANAGER, 1 / 0.81),
        (Source.COURSE, 1 / 0.81),
        (Source.OBSERVATION, 1 / 0.36),
        (Source.CERTIFICATE, 4.0),
        (Source.ASSESSMENT, 6.25),
        (Source.ROLE_HISTORY, 1 / 1.69),
    ],
)
def test_fresh_evidence_counts_with_one_over_sigma_squared(source: Source, expected: float) -> None:
    assert isclose(precision(piece(source), 60, AS_OF, SHIPPED), expected)


def test_evidence_one_half_life_old_counts_half() -> None:
    half_life_ago = AS_OF - timedelta(days=round(60 * 365.2425 / 12))
    assert isclose(precision(piece(Source.COLLEAGUE, day=half_life_ago), 60, AS_OF, SHIPPED), 0.5, abs_tol=1e-4)
    twice = AS_OF - timedelta(days=round(2 * 60 * 365.2425 / 12))
    assert isclose(precision(piece(Source.COLLEAGUE, day=twice), 60, AS_OF, SHIPPED), 0.25, abs_tol=1e-4)


def test_evidence_without_a_date_counts_as_one_half_life_old() -> None:
    assert precision(piece(Source.COLLEAGUE, day=None), 60, AS_OF, SHIPPED) == 0.5


def test_what_is_held_for_life_does_not_age_with_or_without_a_date() -> None:
    for day in (None, date(1980, 1, 1), AS_OF):
        assert precision(piece(Source.COLLEAGUE, day=day), None, AS_OF, SHIPPED) == 1.0


def test_a_level_not_stated_is_two_with_a_wider_error_whatever_the_source() -> None:
    assert piece_level(None, SHIPPED) == (2.0, True)
    assert piece_level(4, SHIPPED) == (4.0, False)
    assert isclose(precision(piece(Source.ASSESSMENT, level=None), 60, AS_OF, SHIPPED), 1 / 2.25)


def test_the_probability_of_the_link_scales_the_precision() -> None:
    assert isclose(precision(piece(Source.MANAGER, probability=0.6), 60, AS_OF, SHIPPED), 0.6 / 0.81)


def test_two_pieces_by_hand() -> None:
    # Own word 5 (precision 1/1.44) and an assessment 3 (6.25): (5/1.44 + 18.75) / (1/1.44 + 6.25).
    level, confidence = joined([piece(Source.SELF, 5), piece(Source.ASSESSMENT, 3)])
    assert isclose(level, 3.2)
    assert isclose(confidence, 1 - 1 / (1.5 * sqrt(1 / 2.25 + 1 / 1.44 + 6.25)))


def test_one_piece_gives_exactly_the_level_it_states() -> None:
    level, confidence = joined([piece(Source.SELF, 4)])
    assert level == 4.0
    assert isclose(confidence, 1 - 1 / (1.5 * sqrt(1 / 2.25 + 1 / 1.44)))


def test_no_evidence_gives_no_level_and_no_confidence() -> None:
    level, confidence = combine(np.array([], dtype=np.int64), np.array([]), np.array([]), 1, SHIPPED)
    assert np.isnan(level[0])
    assert confidence[0] == 0.0


def test_levels_are_rounded_half_upwards_and_are_zero_where_to_be_reconfirmed() -> None:
    level, confidence = np.array([1.0, 2.5, 3.49, 4.5, 5.0, np.nan]), np.array([0.5, 0.15, 0.5, 0.149, 0.5, 0.0])
    assert round_level(level, confidence, SHIPPED).tolist() == [1, 3, 3, 0, 5, 0]


def test_age_counts_from_the_day_and_is_never_negative() -> None:
    assert age_in_months(None, AS_OF) is None
    assert age_in_months(date(2027, 1, 1), AS_OF) == 0.0
    assert isclose(age_in_months(date(2025, 6, 30), AS_OF) or 0.0, 12.0, abs_tol=0.01)


@pytest.mark.parametrize("source", list(Source))
def test_informal_evidence_is_never_formal_proof_unless_it_is_a_certificate(source: Source) -> None:
    told = Evidence(evidence_id="e", person_id="p", level=5, source=source, learning_form=LearningForm.INFORMAL)
    assert is_formal(told) is (source is Source.CERTIFICATE)


@pytest.mark.parametrize("source", [Source.SELF, Source.COLLEAGUE])
def test_ones_own_or_a_colleagues_word_for_formal_learning_is_a_claim_and_no_proof(source: Source) -> None:
    assert not is_formal(Evidence(evidence_id="e", person_id="p", source=source, learning_form=LearningForm.FORMAL))


def test_formal_learning_seen_by_the_employer_and_certified_claims_are_proof() -> None:
    assert is_formal(Evidence(evidence_id="e", person_id="p", source=Source.MANAGER, learning_form=LearningForm.FORMAL))
    assert is_formal(Evidence(evidence_id="e", person_id="p", source=Source.SELF, stage=ValidationStage.CERTIFIED))
    assert not is_formal(Evidence(evidence_id="e", person_id="p", source=Source.SELF, stage=ValidationStage.ASSESSED))


def test_the_furthest_stage_counts() -> None:
    stages = (ValidationStage.DOCUMENTED, ValidationStage.ASSESSED, ValidationStage.IDENTIFIED)
    pieces = [Evidence(evidence_id="e", person_id="p", stage=s) for s in stages]
    assert highest_stage(pieces) is ValidationStage.ASSESSED
    assert highest_stage([]) is ValidationStage.IDENTIFIED


pieces_of_evidence = st.builds(
    piece,
    source=st.sampled_from(Source),
    level=st.none() | st.integers(1, 5),
    day=st.none() | st.dates(date(1990, 1, 1), AS_OF),
    probability=st.floats(0.5, 1.0),
)


@given(st.lists(pieces_of_evidence, min_size=1, max_size=8), pieces_of_evidence, st.none() | st.integers(1, 120))
def test_more_evidence_never_lowers_the_confidence(pieces: list[Evidence], more: Evidence, currency: int | None) -> None:
    assert joined([*pieces, more], currency)[1] >= joined(pieces, currency)[1] - 1e-12


@given(st.lists(pieces_of_evidence, min_size=1, max_size=6), st.integers(0, 5000), st.none() | st.integers(1, 120))
def test_ageing_never_raises_the_confidence(pieces: list[Evidence], days: int, currency: int | None) -> None:
    from dataclasses import replace

    older = [replace(p, day=p.day - timedelta(days=days) if p.day else None) for p in pieces]
    assert joined(older, currency)[1] <= joined(pieces, currency)[1] + 1e-12


@given(st.lists(pieces_of_evidence, min_size=1, max_size=8), st.none() | st.integers(1, 120))
def test_the_level_lies_within_those_stated_and_the_confidence_in_zero_to_one(
    pieces: list[Evidence], currency: int | None
) -> None:
    level, confidence = joined(pieces, currency)
    stated = [piece_level(p.level, SHIPPED)[0] for p in pieces]
    if sum(precision(p, currency, AS_OF, SHIPPED) for p in pieces) > 1e-100:
        assert min(stated) - 1e-9 <= level <= max(stated) + 1e-9
    assert 0 <= confidence < 1


@given(st.lists(pieces_of_evidence, min_size=2, max_size=8), st.randoms(use_true_random=False))
def test_the_order_of_evidence_changes_nothing(pieces: list[Evidence], rng: object) -> None:
    mixed = list(pieces)
    rng.shuffle(mixed)  # type: ignore[attr-defined]
    assert joined(mixed) == pytest.approx(joined(pieces), abs=1e-12)


def test_a_piece_is_valid_through_its_last_day() -> None:
    dated = replace(piece(Source.CERTIFICATE), valid_until=AS_OF)
    assert dated.is_valid(AS_OF)
    assert not dated.is_valid(AS_OF + timedelta(days=1))
    assert piece(Source.CERTIFICATE).is_valid(date.max)


def test_every_source_is_somebodys_view() -> None:
    assert set(SIDE_OF) == set(Source)


def test_sides_stand_beside_each_other_and_the_last_word_of_each_counts() -> None:
    pieces = (
        replace(piece(Source.SELF, 2, date(2024, 1, 1)), evidence_id="old"),
        replace(piece(Source.SELF, 4, date(2026, 1, 1)), evidence_id="new"),
        replace(piece(Source.MANAGER, 3, None), evidence_id="undated"),
        replace(piece(Source.MANAGER, None, date(2026, 2, 1)), evidence_id="no level"),
        replace(piece(Source.OBSERVATION, 1, date(2026, 3, 1)), evidence_id="seen"),
    )
    holding = Holding(
        person_id="p",
        concept_id="c",
        level=3.0,
        confidence=0.5,
        rounded=3,
        stage=ValidationStage.IDENTIFIED,
        use=Use.UNUSED,
        evidence=pieces,
    )
    assert [(v.side, v.level, v.day) for v in holding.sides] == [
        (Side.SELF, 4, date(2026, 1, 1)),
        (Side.MANAGER, 3, None),
        (Side.ASSESSOR, 1, date(2026, 3, 1)),
    ]
    assert [len(v.evidence) for v in holding.sides] == [2, 2, 1]
    assert holding.disagreement == 3


def test_a_delegation_is_for_somebody_else_and_for_a_year_at_most() -> None:
    def made(delegate: str, end: date) -> Delegation:
        return Delegation(delegator_id="1", delegate_id=delegate, task="t", unit_id="u", start=date(2026, 1, 1), end=end)

    assert made("2", date(2026, 12, 31)).holds(date(2026, 12, 31), ["u"])
    assert not made("2", date(2026, 12, 31)).holds(date(2026, 12, 31), ["v"])
    for delegate, end in (("1", date(2026, 2, 1)), ("2", date(2027, 1, 1)), ("2", date(2025, 12, 31))):
        with pytest.raises(InputError):
            made(delegate, end)
