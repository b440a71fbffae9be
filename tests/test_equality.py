"""Figures by sex: what is shown, and that no shown figure gives a hidden one away."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from random import Random

import numpy as np
import pytest
from cases import NORTH, person, small_staff
from hypothesis import given, settings
from hypothesis import strategies as st
from outsider import Family, Outsider

from competence.equality import WHOLE, GroupRow, GroupTable, GroupTables, Guard, Shown, TableKind, publish_units
from competence.errors import InputError
from competence.example import example_municipality
from competence.model import Sex, ValidationStage
from competence.settings import EqualitySettings
from competence.staff import Staff

W, M, N = Sex.WOMAN, Sex.MAN, Sex.NOT_STATED


def people(women: int, men: int, not_stated: int = 0, prefix: str = "") -> dict[str, Sex]:
    """Return that many people of each sex."""
    sexes = [W] * women + [M] * men + [N] * not_stated
    return {f"{prefix}{i}": s for i, s in enumerate(sexes)}


def shown(table: GroupTable, measure: str) -> tuple[int | None, int | None, int | None]:
    row = table[measure]
    return row.women, row.men, row.total


def test_sex_not_stated_counts_in_total_but_in_no_share() -> None:
    sex = people(3, 1, 4)
    row = GroupTable({"people": sex}, sex, kind="named")["people"]
    assert (row.women, row.men, row.total) == (3, 1, 8)
    assert (row.share_women, row.share_men) == (0.75, 0.25)


def test_a_named_table_shows_counts_as_they_are() -> None:
    sex = people(1, 2)
    assert shown(GroupTable({"people": sex}, sex, kind="named"), "people") == (1, 2, 3)


def test_a_table_is_published_unless_said_otherwise() -> None:
    assert GroupTable({}, {}).kind is TableKind.PUBLISHED


@pytest.mark.parametrize(("women", "men", "not_stated"), [(1, 9, 0), (2, 9, 0), (9, 2, 0), (9, 9, 1), (9, 9, 2)])
def test_a_count_of_one_or_two_hides_both_sexes_and_their_shares_and_leaves_the_total(
    women: int, men: int, not_stated: int
) -> None:
    sex = people(women, men, not_stated)
    row = GroupTable({"people": sex}, sex)["people"]
    assert (row.women, row.men, row.share_women, row.share_men) == (None, None, None, None)
    assert row.total == women + men + not_stated


@pytest.mark.parametrize(("women", "men"), [(3, 3), (0, 9), (3, 0), (0, 0)])
def test_counts_of_three_and_more_and_of_nobody_are_shown(women: int, men: int) -> None:
    sex = people(women, men)
    assert shown(GroupTable({"people": sex}, sex), "people") == (women, men, women + men)


def test_a_total_of_one_or_two_is_hidden_too() -> None:
    sex = people(1, 1)
    assert shown(GroupTable({"people": sex}, sex), "people") == (None, None, None)


def test_a_row_whose_rest_is_small_is_hidden_since_the_difference_would_tell() -> None:
    sex = people(10, 10)
    suggested = [p for p in sex if p != "0"]
    # One woman is not suggested: women, men and total of the row would each tell it.
    assert shown(GroupTable({"considered": sex, "suggested": suggested}, sex), "suggested") == (None, None, None)
    without_three_women_and_one_man = [p for p in sex if p not in {"0", "1", "2", "10"}]
    table = GroupTable({"considered": sex, "suggested": without_three_women_and_one_man}, sex)
    assert shown(table, "suggested") == (None, None, 16)


def test_three_parts_of_a_whole_do_not_give_the_small_one_away() -> None:
    a, b, c = people(5, 5, prefix="a"), people(6, 6, prefix="b"), people(1, 4, prefix="c")
    sex = a | b | c
    table = GroupTable({"all": sex, "a": a, "b": b, "c": c}, sex)
    assert shown(table, "c") == (None, None, 5)
    # 12 - 5 - 6 = 1 woman: one of the other parts is hidden as well, the smaller.
    assert shown(table, "a") == (None, None, 10)
    assert shown(table, "b") == (6, 6, 12)
    assert shown(table, "all") == (12, 15, 27)


def test_the_smallest_cell_shown_is_a_setting() -> None:
    sex = people(4, 9)
    table = GroupTable({"people": sex}, sex, settings=EqualitySettings(smallest_cell=5))
    assert shown(table, "people") == (None, None, 13)


def test_an_unknown_measure_is_refused_with_those_there_are() -> None:
    with pytest.raises(InputError, match="considered"):
        GroupTable({"considered": ()}, {})["suggested"]


def test_a_table_survives_its_rows() -> None:
    sex = people(3, 2)
    table = GroupTable({"people": sex}, sex)
    again = GroupTable.from_rows(table.rows, table.kind)
    assert again == table
    assert hash(again) == hash(table)
    assert again.to_dict() == table.to_dict()
    frame = table.to_frame()
    assert list(frame.columns) == ["measure", "women", "men", "total", "share_women", "share_men"]
    assert frame["women"].isna().all()


@pytest.mark.parametrize(("groups", "most"), [(1, 9), (2, 6)])
def test_whoever_tries_every_possible_staff_cannot_tell_a_count_of_one_or_two(groups: int, most: int) -> None:
    """The strongest attack: the reader knows the rules and excludes every staff that would show otherwise.

    With two groups the second row lies within the first; every staff of up to ``most`` people is tried.
    """
    worlds = [w for w in product(range(most + 1), repeat=3 * groups) if sum(w) <= most]
    by_view: dict[tuple[object, ...], list[tuple[int, ...]]] = {}
    for world in worlds:
        within = [people(*world[3 * g : 3 * g + 3], prefix=f"{g}-") for g in range(groups)]
        sex = {p: s for part in within for p, s in part.items()}
        rows = {"considered": list(sex)} if groups == 1 else {"considered": list(sex), "suggested": list(within[1])}
        table = GroupTable(rows, sex)
        by_view.setdefault(tuple(shown(table, name) for name in rows), []).append(world)
    for view, staffs in by_view.items():
        for g in range(groups):
            parts = [staff[3 * g : 3 * g + 3] for staff in staffs]
            for cell in (*zip(*parts, strict=True), tuple(map(sum, parts))):
                assert set(cell) not in ({1}, {2}), view


@settings(max_examples=40)
@given(st.data())
def test_sums_and_differences_of_shown_cells_never_give_a_count_of_one_or_two(data: st.DataObject) -> None:
    n_rows = data.draw(st.integers(1, 4))
    members = data.draw(
        st.lists(
            st.tuples(st.sampled_from([W, M, N]), st.lists(st.booleans(), min_size=n_rows, max_size=n_rows)),
            min_size=1,
            max_size=40,
        )
    )
    sex = {str(i): s for i, (s, _) in enumerate(members)}
    groups = {f"row {k}": [str(i) for i, (_, rows) in enumerate(members) if rows[k]] for k in range(n_rows)}
    table = GroupTable(groups, sex)
    totals = {name: (shown(table, name), {s: sum(sex[p] is s for p in who) for s in (W, M, N)}) for name, who in groups.items()}
    for name, ((women, men, total), truth) in totals.items():
        for value, real in ((women, truth[W]), (men, truth[M])):
            assert value is None or (value == real and real not in (1, 2))
        assert total is None or (total == sum(truth.values()) and total not in (1, 2))
        if women is not None:
            assert truth[N] not in (1, 2), "what is left of the total tells those not stated"
        for other, ((women_2, men_2, total_2), _) in totals.items():
            if other != name and set(groups[other]) <= set(groups[name]):
                for big, small in ((women, women_2), (men, men_2), (total, total_2)):
                    # A row within the first row: the rest is a group of people too.
                    if name == "row 0" and big is not None and small is not None:
                        assert big - small not in (1, 2)


def test_the_order_of_people_changes_nothing() -> None:
    sex = people(5, 4, 2)
    forward = GroupTable({"a": list(sex), "b": list(sex)[3:]}, sex)
    backward = GroupTable({"a": list(sex)[::-1], "b": list(sex)[3:][::-1]}, sex)
    assert forward == backward


# -- tables of nested units ---------------------------------------------------------------------------------------


def in_units(**units: tuple[int, int]) -> tuple[dict[str, Sex], dict[str, list[str]]]:
    """Return people of units, given as women and men of each, and where each works."""
    sex: dict[str, Sex] = {}
    units_of: dict[str, list[str]] = {}
    for unit_id, (women, men) in units.items():
        for p, s in people(women, men, prefix=f"{unit_id}-").items():
            sex[p], units_of[p] = s, [unit_id]
    return sex, units_of


def test_the_unit_that_a_hidden_one_could_be_taken_from_is_hidden_too() -> None:
    # 9 women in all; 4 + 4 of them shown would leave 1 in c, so the second unit of that size is hidden as well.
    sex, units_of = in_units(a=(4, 4), b=(4, 4), c=(1, 4))
    tables = publish_units({"people": sex}, [], units_of=units_of, parents=dict.fromkeys("abc", None), sex=sex)
    assert [shown(tables[u], "people") for u in (WHOLE, "a", "b", "c")] == [
        (9, 12, 21),
        (4, 4, 8),
        (None, None, 8),
        (None, None, 5),
    ]


def test_a_few_who_work_directly_in_a_unit_hide_one_of_the_units_below_it() -> None:
    # The area has 2 people beside its units: 22 - 10 - 10 would tell.
    sex, units_of = in_units(area=(1, 1), north=(5, 5), south=(5, 5))
    parents = {"area": None, "north": "area", "south": "area"}
    tables = publish_units({"people": sex}, [], units_of=units_of, parents=parents, sex=sex)
    assert [shown(tables[u], "people") for u in ("area", "north", "south")] == [(11, 11, 22), (5, 5, 10), (None, None, None)]


def test_a_measure_is_hidden_where_those_outside_of_it_are_few() -> None:
    sex, units_of = in_units(a=(5, 5), b=(6, 6))
    asked = [p for p in sex if p != "a-0"]
    tables = publish_units({"people": sex}, [{"asked": asked}], units_of=units_of, parents={"a": None, "b": None}, sex=sex)
    # One woman of a was not asked: neither a nor the whole may tell; of b everybody was.
    assert shown(tables["a"], "asked") == shown(tables[WHOLE], "asked") == (None, None, None)
    assert shown(tables["b"], "asked") == (6, 6, 12)


def test_rows_that_add_up_to_another_do_not_give_the_hidden_one_away() -> None:
    sex, units_of = in_units(a=(12, 12))
    ids = sorted(sex, key=lambda p: int(p.removeprefix("a-")))
    women, men = ids[:12], ids[12:]
    levels = {"1": women[:5] + men[:5], "2": women[5:9] + men[5:9], "3": women[9:11] + men[9:]}
    tables = publish_units(
        {"people": ids}, [{"all": women[:11] + men, **levels}], units_of=units_of, parents={"a": None}, sex=sex
    )
    # 11 of 12 women hold it at all: that is hidden, and so are its parts' women and men where they would tell.
    assert tables["a"]["all"].women is None
    without = {"all": ids, "1": levels["1"], "2": levels["2"], "3": levels["3"] + [women[11]]}
    tables = publish_units({"people": ids}, [without], units_of=units_of, parents={"a": None}, sex=sex)
    assert [shown(tables["a"], r) for r in ("all", "1", "2", "3")] == [(12, 12, 24), (5, 5, 10), (4, 4, 8), (3, 3, 6)]


def test_somebody_of_two_units_is_counted_in_both_and_once_above() -> None:
    sex, units_of = in_units(a=(4, 4), b=(4, 4))
    units_of["a-0"] = ["a", "b"]
    tables = publish_units(
        {"people": sex}, [], units_of=units_of, parents={"a": "top", "b": "top", "top": None}, sex=sex, kind="named"
    )
    assert [shown(tables[u], "people") for u in (WHOLE, "top", "a", "b")] == [(8, 8, 16), (8, 8, 16), (4, 4, 8), (5, 4, 9)]
    assert tables.kind is TableKind.NAMED


def test_tables_of_units_tell_their_rows_as_json_and_as_a_frame() -> None:
    sex, units_of = in_units(a=(4, 4), b=(1, 4))
    tables = publish_units({"people": sex}, [{"asked": []}], units_of=units_of, parents={"a": None}, sex=sex)
    assert list(tables) == [WHOLE, "a", "b"]
    assert tables.parents == {WHOLE: None, "a": WHOLE, "b": WHOLE}
    data = tables.to_dict()
    assert [(u["unit_id"], u["parent_id"], len(u["rows"])) for u in data["units"]] == [
        (WHOLE, None, 2),
        ("a", WHOLE, 2),
        ("b", WHOLE, 2),
    ]  # type: ignore[attr-defined]
    frame = tables.to_frame()
    assert list(frame.columns[:6]) == ["unit_id", "parent_id", "measure", "women", "men", "total"]
    assert len(frame) == 6
    assert frame["women"].isna().sum() == sum(r.women is None for t in tables.values() for r in t.rows)


@pytest.mark.parametrize(
    ("base", "measures", "parents", "message"),
    [
        ({}, [], {}, "one row"),
        ({"people": "ab"}, [{"people": "a"}], {}, "stands twice"),
        ({"people": "ab"}, [{"asked": "c"}], {}, "'c' is not in it"),
        ({"people": "abc"}, [{"x": "ab", "y": "bc"}], {}, "cross"),
        ({"people": "ab"}, [], {WHOLE: None}, "stands for the whole"),
        ({"people": "ab"}, [], {"u": "v", "v": "u"}, "ring"),
    ],
)
def test_what_cannot_be_guarded_is_refused(
    base: Family, measures: list[Family], parents: dict[str, str | None], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        publish_units(base, measures, units_of={}, parents=parents, sex={})  # type: ignore[arg-type]


def test_a_guard_counts_the_owner_of_several_items_once() -> None:
    # Six claims of women, but of two women only.
    owner = np.array([0, 0, 0, 1, 1, 1, 2, 3, 4])
    column = np.array([0] * 6 + [1] * 3)
    assert Guard(column).show(np.arange(9), 3) is Shown.ALL
    assert Guard(column, owner).show(np.arange(9), 3) is Shown.TOTAL
    assert Guard(column, owner).show(np.arange(6), 3) is Shown.NOTHING


# -- attacks ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def municipality() -> Staff:
    return example_municipality(2000, 1)


def measured(staff: Staff) -> list[dict[str, list[str]]]:
    """Return three things to count in the example: claims and how far they came, wishes, part-time."""
    furthest: dict[str, int] = {}
    for e in staff.evidence:
        furthest[e.person_id] = max(furthest.get(e.person_id, 0), e.stage.rank)
    stages = {"claims": ValidationStage.IDENTIFIED, "assessed": ValidationStage.ASSESSED, "certified": ValidationStage.CERTIFIED}
    known = set(staff.person_index)
    return [
        {row: [p for p, rank in furthest.items() if rank >= stage.rank] for row, stage in stages.items()},
        {"wishes": sorted({i.person_id for i in staff.interests} & known)},
        {"part-time": [p.person_id for p in staff.people if any((e.share or 1) < 1 for e in p.employments)]},
    ]


def published(staff: Staff, families: list[dict[str, list[str]]]) -> GroupTables:
    sex = {p.person_id: p.sex for p in staff.people}
    units_of = {p.person_id: p.unit_ids(staff.as_of) for p in staff.people}
    parents = {u.unit_id: u.parent_id for u in staff.units}
    return publish_units({"people": sex}, families, units_of=units_of, parents=parents, sex=sex)


def test_nobody_outside_can_work_out_a_group_of_one_or_two_in_the_example_municipality(municipality: Staff) -> None:
    sex = {p.person_id: p.sex for p in municipality.people}
    units_of = {p.person_id: p.unit_ids(municipality.as_of) for p in municipality.people}
    families = measured(municipality)
    tables = published(municipality, families)
    assert len(tables) > 100
    outsider = Outsider(tables, "people", families, units_of, sex)
    assert len(outsider.secrets()) > 500
    assert outsider.found_out() == []
    # Nor is it safe because nothing is shown.
    rows = [t["people"] for t in tables.values()]
    assert rows[0].women is not None
    assert sum(r.total is not None for r in rows) > 0.6 * len(rows)
    assert sum(t["wishes"].total is not None for t in tables.values()) > 0.5 * len(rows)


def test_the_same_attack_finds_groups_out_where_only_small_cells_are_hidden(municipality: Staff) -> None:
    """The attack must be able to succeed: here each table is safe by itself, as if there were no other."""
    sex = {p.person_id: p.sex for p in municipality.people}
    units_of = {p.person_id: p.unit_ids(municipality.as_of) for p in municipality.people}
    named = publish_units(
        {"people": sex},
        [],
        units_of=units_of,
        parents={u.unit_id: u.parent_id for u in municipality.units},
        sex=sex,
        kind="named",
    )

    def small(value: int) -> bool:
        return 0 < value < 3

    def alone(row: GroupRow) -> GroupRow:
        assert row.women is not None
        assert row.men is not None
        assert row.total is not None
        hidden = any(small(v) for v in (row.women, row.men, row.total - row.women - row.men))
        both = (None, None) if hidden else (row.women, row.men)
        return GroupRow(row.measure, *both, None if small(row.total) else row.total)

    careless = GroupTables(
        TableKind.PUBLISHED,
        {u: GroupTable.from_rows([alone(r) for r in t.rows], TableKind.PUBLISHED) for u, t in named.items()},
        named.parents,
    )
    found = Outsider(careless, "people", [], units_of, sex).found_out()
    assert len(found) > 5
    assert {who for *_, who in found} & {"woman", "man", "all"}


def drawn(seed: int) -> tuple[dict[str, Sex], dict[str, list[str]], dict[str, str | None], list[dict[str, set[str]]]]:
    """Return a small staff with units in units, some people of two, and rows that lie in each other or add up."""
    rng = Random(seed)
    units = [f"u{i}" for i in range(rng.randint(1, 7))]
    parents = {u: None if i == 0 or rng.random() < 0.3 else rng.choice(units[:i]) for i, u in enumerate(units)}
    weights = rng.choice([(8, 2, 0), (5, 5, 0), (5, 4, 1)])
    sex = {f"p{i}": rng.choices([W, M, N], weights)[0] for i in range(rng.randint(8, 60))}
    units_of = {p: rng.sample(units, min(len(units), rng.choice([1, 1, 1, 1, 2]))) for p in sex}

    def some(those: list[str], share: float) -> list[str]:
        return [p for p in those if rng.random() < share]

    a = some(list(sex), rng.random())
    b = some(a, 0.6)
    level = {p: rng.randint(1, 3) for p in a}
    families = rng.choice(
        [
            [{"a": set(a), "b": set(b), "c": set(some(b, 0.6))}],
            [{"a": set(a)}, {"x": set(some(list(sex), 0.5))}],
            [{"a": set(a), **{f"level {k}": {p for p in a if level[p] == k} for k in (1, 2, 3)}}],
        ]
    )
    return sex, units_of, parents, families


@pytest.mark.parametrize("seed", range(60))
def test_nobody_outside_can_work_out_a_group_of_one_or_two_in_small_staffs(seed: int) -> None:
    sex, units_of, parents, families = drawn(seed)
    tables = publish_units({"people": sex}, families, units_of=units_of, parents=parents, sex=sex)
    assert Outsider(tables, "people", families, units_of, sex).found_out(4) == []


def test_a_protected_person_changes_no_published_figure() -> None:
    staff = small_staff()
    hidden = replace(person("p9", Sex.WOMAN, unit=NORTH), protected=True)
    with_hidden = staff.replace(people=(*staff.people, hidden))
    assert with_hidden.protected_count == staff.protected_count + 1
    families = measured(staff)
    assert published(with_hidden, measured(with_hidden)).to_dict() == published(staff, families).to_dict()


def test_protected_people_change_no_published_figure_of_the_example_municipality(municipality: Staff) -> None:
    """Ten more, with evidence and wishes of their own, in units of every size: the tables are the same to the last cell."""
    copied = [p for p in municipality.people if p.employments][::200]
    hidden = {p.person_id: f"hidden-{p.person_id}" for p in copied}
    more = municipality.replace(
        people=(*municipality.people, *(replace(p, person_id=hidden[p.person_id], protected=True) for p in copied)),
        evidence=(
            *municipality.evidence,
            *(
                replace(e, person_id=hidden[e.person_id], evidence_id=f"hidden-{e.evidence_id}")
                for e in municipality.evidence
                if e.person_id in hidden
            ),
        ),
        interests=(
            *municipality.interests,
            *(replace(i, person_id=hidden[i.person_id]) for i in municipality.interests if i.person_id in hidden),
        ),
    )
    assert more.protected_count == municipality.protected_count + len(hidden)
    assert published(more, measured(more)).to_dict() == published(municipality, measured(municipality)).to_dict()
