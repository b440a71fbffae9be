"""Staff as tables: what is written comes back exactly, and titles with shares are cut as people write them."""

from __future__ import annotations

import json
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from competence.errors import InputError
from competence.model import (
    AgeBand,
    Choice,
    Concept,
    Decision,
    Delegation,
    Employment,
    Evidence,
    HistoryEntry,
    HistoryKind,
    Interest,
    InterestKind,
    LearningForm,
    LearntWhere,
    OptIn,
    OptIns,
    Person,
    Post,
    Requirement,
    Role,
    RoleShare,
    Sex,
    Source,
    Statement,
    Travel,
    Unit,
    ValidationStage,
    Visibility,
)
from competence.staff import (
    OPT_INS,
    TABLE_COLUMNS,
    RowCount,
    Staff,
    TitleLink,
    Unlinked,
    format_roles,
    join_cells,
    parse_roles,
    split_cells,
)

AS_OF = date(2026, 3, 1)

# Any text but line ends and control marks; trimmed, since cells are.
words = (
    st.text(st.characters(exclude_categories=("C", "Z"), include_characters=" "), min_size=1, max_size=20)
    .map(lambda t: " ".join(t.split()))
    .filter(lambda t: t not in ("", "-"))
)
maybe = st.one_of(st.just(""), words)
days = st.one_of(st.none(), st.dates(date(1970, 1, 1), date(2030, 12, 31)))
shares = st.one_of(st.none(), st.floats(0.01, 1, allow_subnormal=False))
role_shares = st.builds(RoleShare, title=words, share=shares, role_id=st.one_of(st.none(), words))
jobs = st.builds(
    Employment,
    unit_id=words,
    roles=st.lists(role_shares, max_size=3).map(tuple),
    form=maybe,
    share=shares,
    aid=maybe,
    start=days,
    end=days,
)


@st.composite
def staffs(draw: st.DrawFn) -> Staff:
    ids = draw(st.lists(words, min_size=1, max_size=4, unique=True))
    person = st.sampled_from(ids)
    people = tuple(
        Person(
            person_id=i,
            name=draw(maybe),
            sex=draw(st.sampled_from(Sex)),
            age_band=draw(st.sampled_from(AgeBand)),
            employments=tuple(draw(st.lists(jobs, max_size=2))),
            manager_ids=tuple(draw(st.lists(person, max_size=2, unique=True))),
            site=draw(maybe),
            capacity=draw(st.one_of(st.none(), st.integers(0, 5))),
            opt_ins=OptIns(**{o: draw(st.sampled_from(OptIn)) for o in OPT_INS}),
            end=draw(days),
        )
        for i in ids
    )
    level = st.one_of(st.none(), st.integers(1, 5))
    units = draw(
        st.lists(
            st.builds(
                Unit,
                unit_id=words,
                name=maybe,
                parent_id=st.one_of(st.none(), words),
                manager_ids=st.lists(person, max_size=2).map(tuple),
                max_moving_share=shares,
                start=days,
            ),
            max_size=2,
            unique_by=lambda u: u.unit_id,
        )
    )
    requirements = st.builds(
        Requirement, concept_id=words, level=st.integers(1, 5), weight=st.floats(0.01, 1), hard=st.booleans(), source=maybe
    )
    return Staff(
        people=people,
        as_of=AS_OF,
        units=tuple(units),
        posts=tuple(
            draw(
                st.lists(
                    st.builds(
                        Post,
                        post_id=words,
                        unit_id=words,
                        roles=st.lists(role_shares, max_size=2).map(tuple),
                        holder_id=st.none(),
                    ),
                    max_size=2,
                )
            )
        ),
        roles=tuple(
            draw(
                st.lists(
                    st.builds(
                        Role,
                        role_id=words,
                        labels=words.map(lambda t: {"sv": t}),
                        alternative_labels=st.lists(words, min_size=1, max_size=2).map(lambda t: {"en": tuple(t)}),
                        aid=st.lists(words, max_size=2).map(tuple),
                        requirements=st.lists(requirements, max_size=2).map(tuple),
                    ),
                    max_size=2,
                    unique_by=lambda r: r.role_id,
                )
            )
        ),
        statements=tuple(
            draw(
                st.lists(
                    st.builds(
                        Statement,
                        statement_id=words,
                        person_id=person,
                        text=words,
                        learnt_where=st.one_of(st.none(), st.sampled_from(LearntWhere)),
                        day=days,
                        source=st.sampled_from(Source),
                        level=level,
                        heading=st.booleans(),
                        visibility=st.sampled_from(Visibility),
                    ),
                    max_size=2,
                )
            )
        ),
        evidence=tuple(
            draw(
                st.lists(
                    st.builds(
                        Evidence,
                        evidence_id=words,
                        person_id=person,
                        concept_id=st.one_of(st.none(), words),
                        words=maybe,
                        level=level,
                        source=st.sampled_from(Source),
                        learning_form=st.sampled_from(LearningForm),
                        day=days,
                        author=maybe,
                        stage=st.sampled_from(ValidationStage),
                        visibility=st.sampled_from(Visibility),
                        probability=st.floats(0, 1),
                        valid_until=days,
                    ),
                    max_size=2,
                )
            )
        ),
        interests=tuple(
            draw(st.lists(st.builds(Interest, person_id=person, words=words, kind=st.sampled_from(InterestKind)), max_size=2))
        ),
        travel=tuple(draw(st.lists(st.builds(Travel, from_site=words, to_site=words, minutes=st.floats(0, 500)), max_size=1))),
        history=tuple(
            draw(st.lists(st.builds(HistoryEntry, kind=st.sampled_from(HistoryKind), person_id=person, start=days), max_size=1))
        ),
        decisions=tuple(
            draw(
                st.lists(
                    st.builds(
                        Decision,
                        kind=words,
                        choice=st.sampled_from(Choice),
                        people=st.lists(person, min_size=1, max_size=3).map(tuple),
                        day=days,
                        reasoning=maybe,
                    ),
                    max_size=2,
                )
            )
        ),
        delegations=tuple(
            Delegation(
                delegator_id="a", delegate_id="b", task=task, unit_id=unit, start=start, end=start + timedelta(days=length)
            )
            for task, unit, start, length in draw(
                st.lists(st.tuples(words, words, st.dates(date(2020, 1, 1), date(2030, 1, 1)), st.integers(0, 364)), max_size=2)
            )
        ),
        opt_in_columns=frozenset(draw(st.sets(st.sampled_from(OPT_INS)))),
        title_links=draw(
            st.lists(words, max_size=2, unique=True).map(
                lambda ts: {t: TitleLink(title=t, role_id=None, probability=0.25, how="exact") for t in ts}
            )
        ),
        local_concepts=tuple(
            draw(
                st.lists(
                    st.builds(
                        Concept,
                        concept_id=words,
                        labels=words.map(lambda t: {"sv": t}),
                        broader=st.lists(words, max_size=2).map(tuple),
                    ),
                    max_size=2,
                )
            )
        ),
        unlinked=tuple(
            draw(
                st.lists(
                    st.builds(
                        Unlinked,
                        words=words,
                        kind=words,
                        count=st.integers(0, 9),
                        nearest=st.lists(st.tuples(words, st.floats(0, 1)), max_size=2).map(tuple),
                    ),
                    max_size=1,
                )
            )
        ),
        linked=draw(st.booleans()),
        protected_count=draw(st.integers(0, 3)),
    )


@given(staffs())
def test_tables_give_back_the_same_staff_through_json(staff: Staff) -> None:
    tables = json.loads(json.dumps(staff.to_tables()))
    assert Staff.from_tables(tables, problems=staff.problems) == staff


@given(staffs())
def test_every_row_of_the_tables_has_exactly_the_columns_of_its_table(staff: Staff) -> None:
    for name, rows in staff.to_tables().items():
        assert all(tuple(row) == TABLE_COLUMNS[name] for row in rows)


@given(st.lists(st.builds(RoleShare, title=words, share=shares), max_size=4))
def test_roles_written_to_one_cell_are_read_back(roles: list[RoleShare]) -> None:
    assert parse_roles(format_roles(roles)) == tuple(roles)


@given(st.lists(words, max_size=4))
def test_several_values_joined_in_a_cell_are_cut_back(values: list[str]) -> None:
    assert split_cells(join_cells(values)) == tuple(values)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Undersköterska", [("Undersköterska", None)]),
        ("Undersköterska 60% / Vårdbiträde 40%", [("Undersköterska", 0.6), ("Vårdbiträde", 0.4)]),
        ("Undersköterska (60 %) + Vårdbiträde (40 %)", [("Undersköterska", 0.6), ("Vårdbiträde", 0.4)]),
        ("Kock 37,5 %, Måltidsbiträde 62,5 %", [("Kock", 0.375), ("Måltidsbiträde", 0.625)]),
        ("Lärare; Rektor", [("Lärare", None), ("Rektor", None)]),
        ("Barnskötare/fritidsledare", [("Barnskötare/fritidsledare", None)]),
        ("Handläggare 2", [("Handläggare 2", None)]),
        ("", []),
    ],
)
def test_titles_are_cut_as_people_write_them(text: str, expected: list[tuple[str, float | None]]) -> None:
    assert [(r.title, r.share) for r in parse_roles(text)] == expected


def test_an_unknown_table_or_column_or_value_is_refused_by_name() -> None:
    with pytest.raises(InputError, match="'salaries'"):
        Staff.from_tables({"salaries": []}, as_of=AS_OF)
    with pytest.raises(InputError, match="people has no column 'pay'"):
        Staff.from_tables({"people": [{"person_id": "1", "pay": 3}]}, as_of=AS_OF)
    with pytest.raises(InputError, match=r"people, row 1, sex must be one of woman, man, not_stated; got 'k'"):
        Staff.from_tables({"people": [{"person_id": "1", "sex": "k"}]}, as_of=AS_OF)
    with pytest.raises(InputError, match="as_of must be given"):
        Staff.from_tables({"people": [{"person_id": "1"}]})


def test_protected_people_leave_no_trace_in_any_table() -> None:
    hidden = Person(person_id="2", name="Dold Person", protected=True)
    staff = Staff(
        people=(Person(person_id="1", manager_ids=("2",)), hidden),
        as_of=AS_OF,
        units=(Unit(unit_id="E1", manager_ids=("2",)),),
        posts=(Post(post_id="T1", unit_id="E1", holder_id="2"),),
        statements=(Statement(statement_id="s", person_id="2", text="kan"),),
        evidence=(Evidence(evidence_id="e", person_id="1", words="kan", author="2"), Evidence(evidence_id="f", person_id="2")),
        interests=(Interest(person_id="2", words="kan"),),
        history=(HistoryEntry(kind=HistoryKind.PAIR, person_id="1", other_id="2"),),
        decisions=(Decision(kind="pairs", choice=Choice.ACCEPTED, people=("1", "2")),),
    )
    tables = staff.to_tables()
    assert staff.protected_count == 1
    assert set(tables) == {"people", "units", "evidence", "staff"}
    assert '"2"' not in json.dumps({k: v for k, v in tables.items() if k != "staff"})


def test_rows_read_must_be_rows_kept_and_set_aside() -> None:
    with pytest.raises(InputError, match="3 rows read but 2 kept and 0 set aside"):
        RowCount(file="a.csv", table="people", read=3, kept=2, set_aside=0)
