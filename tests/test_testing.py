"""What the tools for audits promise: a swap changes nothing but sex, and every staff that is drawn is legal."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta

import pytest
from hypothesis import given, settings

from competence.errors import InputError
from competence.graph import build_graph
from competence.linking import Linker
from competence.model import Person, Sex
from competence.staff import Staff
from competence.taxonomy import check
from competence.testing import small_taxonomy, staff_strategy, swap_sex

TAXONOMY = small_taxonomy()
LINKER = Linker.fit(TAXONOMY, cache=False)
DAY = date(2026, 3, 1)


def test_swap_makes_women_men_and_men_women_and_leaves_not_stated() -> None:
    people = tuple(
        Person(person_id=str(k), sex=sex) for k, sex in enumerate((Sex.WOMAN, Sex.WOMAN, Sex.MAN, Sex.NOT_STATED), start=1)
    )
    swapped = swap_sex(Staff(people=people, as_of=DAY))
    assert [p.sex for p in swapped.people] == [Sex.MAN, Sex.MAN, Sex.WOMAN, Sex.NOT_STATED]
    assert [p.sex for p in people] == [Sex.WOMAN, Sex.WOMAN, Sex.MAN, Sex.NOT_STATED]


@given(staff_strategy())
def test_swapping_twice_gives_the_same_staff_and_once_changes_nothing_but_sex(staff: Staff) -> None:
    swapped = swap_sex(staff)
    assert swap_sex(swapped) == staff
    before, after = staff.to_tables(), swapped.to_tables()
    for row in (*before["people"], *after["people"]):
        row.pop("sex")
    assert before == after
    count, opposite = Counter(p.sex for p in staff.people), Counter(p.sex for p in swapped.people)
    assert (count[Sex.WOMAN], count[Sex.MAN]) == (opposite[Sex.MAN], opposite[Sex.WOMAN])


def test_small_taxonomy_has_no_fault_but_short_texts_and_few_requirements() -> None:
    # It is made for reckoning by hand; "english" is asked for by nobody on purpose.
    codes = {p.code for p in check(TAXONOMY)}
    assert codes <= {"taxonomy_description_missing", "taxonomy_orphan", "taxonomy_few_requirements", "taxonomy_digest"}


@given(staff_strategy(people=(0, 6), units=2, most_evidence=3))
def test_drawn_staffs_keep_the_numbers_asked_for_and_refer_only_to_what_exists(staff: Staff) -> None:
    assert len(staff.people) <= 6
    assert len(staff.units) <= 2
    ids, units = set(staff.person_index), set(staff.unit_index)
    per_person = Counter(e.person_id for e in staff.evidence)
    assert all(n <= 3 for n in per_person.values())
    assert {e.person_id for e in staff.evidence} <= ids
    assert {e.concept_id for e in staff.evidence} <= set(TAXONOMY.concepts)
    assert all(e.day is None or DAY - timedelta(days=8 * 365) <= e.day <= DAY for e in staff.evidence)
    statements = {s.statement_id for s in staff.statements}
    assert {e.statement_id for e in staff.evidence if e.statement_id} == statements
    for person in staff.people:
        assert person.person_id not in person.manager_ids
        assert set(person.manager_ids) <= ids
        for job in person.employments:
            assert not job.unit_id or job.unit_id in units
            assert job.start is None or job.end is None or job.start <= job.end
    for unit in staff.units:
        assert unit.unit_id in staff.units_below(unit.unit_id)
        assert unit.parent_id is None or unit.parent_id in units
        assert set(unit.manager_ids) <= ids
    assert all(h.person_id != h.other_id and {h.person_id, h.other_id} <= ids for h in staff.history)
    assert all(p.holder_id is None or p.holder_id in ids for p in staff.posts)


@given(staff_strategy())
def test_drawn_staffs_survive_the_round_trip_through_tables(staff: Staff) -> None:
    assert Staff.from_tables(staff.to_tables()).to_tables() == staff.to_tables()


@settings(max_examples=30)
@given(staff_strategy())
def test_every_drawn_staff_becomes_a_graph_without_those_who_have_left(staff: Staff) -> None:
    graph = build_graph(staff, TAXONOMY, linker=LINKER)
    ended = {p.person_id for p in staff.people if p.end is not None and p.end < DAY}
    running = {p.person_id for p in staff.people if p.end is None and any(e.is_current(DAY) for e in p.employments)}
    assert running <= set(graph.person_ids) <= set(staff.person_index) - ended


def test_strategy_reaches_what_matters_vacancies_leavers_two_jobs_and_earlier_pairs() -> None:
    seen: Counter[str] = Counter()

    @settings(max_examples=60, database=None, derandomize=True)
    @given(staff_strategy())
    def look(staff: Staff) -> None:
        seen["vacancy"] += any(p.holder_id is None for p in staff.posts)
        seen["left"] += any(p.end is not None and p.end < staff.as_of for p in staff.people)
        seen["two jobs"] += any(len(p.employments) == 2 for p in staff.people)
        seen["met before"] += bool(staff.history)
        seen["asked"] += bool(staff.opt_in_columns)

    look()
    assert all(seen[what] for what in ("vacancy", "left", "two jobs", "met before", "asked")), seen


def test_numbers_that_make_no_sense_are_refused() -> None:
    with pytest.raises(InputError, match="low first"):
        staff_strategy(people=(3, 1))
    with pytest.raises(InputError, match="at least 0"):
        staff_strategy(units=-1)
