"""Records: what they refuse, and that nothing in them can be changed."""

from __future__ import annotations

import dataclasses
from datetime import date
from enum import StrEnum

import pytest

from competence import model
from competence.errors import InputError
from competence.model import (
    Employment,
    Need,
    NeedItem,
    Outcome,
    Person,
    Requirement,
    Status,
    Unit,
    ValidationStage,
    Visibility,
)


def test_every_record_is_frozen() -> None:
    records = [r for name in model.__all__ if dataclasses.is_dataclass(r := getattr(model, name))]
    assert len(records) > 10
    for record in records:
        assert record.__dataclass_params__.frozen, record


def test_values_of_an_enum_are_the_words_in_files() -> None:
    for name in model.__all__:
        kind = getattr(model, name)
        if isinstance(kind, type) and issubclass(kind, StrEnum):
            assert all(str(v) == v.value for v in kind)


@pytest.mark.parametrize("level", [0, 6, -1])
def test_a_level_lies_from_one_to_five(level: int) -> None:
    with pytest.raises(InputError, match="1 to 5"):
        Requirement(concept_id="c", level=level)
    with pytest.raises(InputError, match="1 to 5"):
        Need.of({"demensvård": level})


@pytest.mark.parametrize("weight", [0, -0.1, 1.1])
def test_a_weight_lies_above_zero_up_to_one(weight: float) -> None:
    with pytest.raises(InputError, match="weight"):
        Requirement(concept_id="c", weight=weight)
    with pytest.raises(InputError, match="weight"):
        NeedItem(words="c", weight=weight)


def test_a_bare_number_in_a_need_is_a_level_and_never_a_count() -> None:
    (item,) = Need.of({"demensvård": 3}).items
    assert (item.level, item.count, item.weight, item.hard) == (3, 1, 1.0, False)


@pytest.mark.parametrize("level", [True, 2.5, "3"])
def test_a_level_that_is_no_whole_number_is_refused(level: object) -> None:
    with pytest.raises(InputError, match="whole number"):
        Need.of({"demensvård": level})  # type: ignore[dict-item]


@pytest.mark.parametrize("nothing", ["", "  ", [], {}])
def test_a_need_asks_for_something(nothing: object) -> None:
    with pytest.raises(InputError, match="at least one thing"):
        Need.of(nothing)  # type: ignore[arg-type]


def test_every_way_to_ask_becomes_the_same_need() -> None:
    one = Need((NeedItem(words="finska"),))
    ways = ("finska", ["finska"], {"finska": 1}, NeedItem(words="finska"), one, (NeedItem(words="finska"),))
    assert all(Need.of(way) == one for way in ways)


def test_a_need_item_has_words_or_an_id_and_at_least_one_holder() -> None:
    with pytest.raises(InputError, match="words or a concept_id"):
        NeedItem()
    with pytest.raises(InputError, match="count"):
        NeedItem(words="finska", count=0)


def test_stages_and_visibilities_are_in_order() -> None:
    assert [s.rank for s in ValidationStage] == [0, 1, 2, 3]
    assert ValidationStage.IDENTIFIED.rank < ValidationStage.CERTIFIED.rank
    assert Visibility.PRIVATE.rank < Visibility.MANAGER.rank < Visibility.UNIT.rank < Visibility.ORGANISATION.rank


def test_an_employment_and_a_unit_run_through_their_last_day() -> None:
    for record in (Employment(start=date(2026, 1, 1), end=date(2026, 6, 30)), Unit(unit_id="u", end=date(2026, 6, 30))):
        assert record.is_current(date(2026, 6, 30))
        assert not record.is_current(date(2026, 7, 1))
    assert not Employment(start=date(2026, 1, 1)).is_current(date(2025, 12, 31))


def test_units_of_a_person_are_those_of_current_employments_each_once() -> None:
    person = Person(
        person_id="p",
        employments=(
            Employment(unit_id="b"),
            Employment(unit_id="a"),
            Employment(unit_id="b"),
            Employment(unit_id="old", end=date(2020, 1, 1)),
        ),
    )
    assert person.unit_ids(date(2026, 1, 1)) == ("b", "a")


def test_an_outcome_says_what_is_known_and_no_more() -> None:
    assert str(Outcome(status=Status.OPTIMAL, method="m")) == "optimal (m)"
    assert str(Outcome(status=Status.FEASIBLE, gap=0.021)) == "within 2.1% of the best possible"
    assert str(Outcome(status=Status.HEURISTIC)) == "found by search, no bound"
    assert str(Outcome(status=Status.INFEASIBLE, conflicts=("apart",))) == "infeasible: apart"
    assert str(Outcome(status=Status.EMPTY, conflicts=("no_posts",))) == "empty: no_posts"


def test_two_outcomes_may_differ_in_seconds_and_be_equal() -> None:
    assert Outcome(status=Status.OPTIMAL, seconds=1.0) == Outcome(status=Status.OPTIMAL, seconds=2.0)
