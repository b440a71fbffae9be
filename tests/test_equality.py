"""Figures by sex: what is shown, and that no shown figure gives a hidden one away."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from competence.equality import GroupTable, TableKind
from competence.errors import InputError
from competence.model import Sex
from competence.settings import EqualitySettings

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
