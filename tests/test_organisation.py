"""The organisation's map: figures worked out by hand or by slow ways of their own, and what published ones may not tell."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from random import Random
from typing import Any

import networkx as nx
import numpy as np
import pytest
from cases import (
    ASSISTANT,
    CALM,
    CARETAKER,
    CARPENTRY,
    COORDINATOR,
    DEMENTIA,
    EARLY,
    FINNISH,
    FRESH,
    LICENCE,
    LIFT,
    NORTH,
    NURSE,
    OFFICE,
    PEOPLE,
    REGISTERED,
    ROSTER,
    SOUTH,
    answering,
    graph_of,
    person,
    piece,
    random_staff,
    shuffled,
    small_staff,
    wish,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from outsider import Outsider

from competence import organisation as org
from competence.equality import WHOLE as TOP
from competence.equality import GroupTable, GroupTables, TableKind
from competence.errors import InputError, UnknownIdError
from competence.fit import gaps, hard_met
from competence.graph import CompetenceGraph
from competence.io import write_graph
from competence.model import (
    AgeBand,
    Employment,
    InterestKind,
    Person,
    Post,
    Requirement,
    RoleShare,
    Sex,
    Source,
    Unit,
    Visibility,
)
from competence.organisation._published import conceal
from competence.settings import Settings
from competence.staff import Staff
from competence.testing import swap_sex
from competence.units import UnitTree, sectors, unit_tree

CALLS: dict[str, Callable[[CompetenceGraph], Any]] = {
    "heat map": org.heat_map,
    "named heat map": lambda g: org.heat_map(g, kind="named"),
    "gaps of units": org.gap_table,
    "named gaps of units": lambda g: org.gap_table(g, kind="named"),
    "gaps of people": lambda g: org.gap_table(g, people=g.person_ids),
    "gaps of a need": lambda g: org.gap_table(g, need=[{"concept": DEMENTIA, "level": 2, "count": 5}]),
    "single points": org.single_points,
    "named single points": lambda g: org.single_points(g, kind="named"),
    "departures": lambda g: org.departures(g, by="60+"),
    "named departures": lambda g: org.departures(g, by="60+", kind="named"),
    "bridges": org.bridges,
    "named bridges": lambda g: org.bridges(g, kind="named"),
    "circles": lambda g: org.circles(g, "demensvård"),
    "snapshot": org.snapshot,
}
SEXES = (Sex.WOMAN, Sex.MAN, Sex.NOT_STATED)
TREE = {"top": None, "a": "top", "b": "top", "a1": "a", "a2": "a", "a3": "a", "b1": "b", "b2": "b"}


def town(seed: int, n: int, *, wide: bool = False) -> Staff:
    """Return ``n`` people in units three deep; their levels are those of the evidence, which has not aged."""
    rng = Random(seed)
    roles = (ASSISTANT, REGISTERED, COORDINATOR, CARETAKER)
    units = [u for u in TREE if u != "top"] if wide else ["a1", "a2", "a3", "b1", "b2"]
    likely = {u: rng.choice(roles) for u in units}
    people, evidence = [], []
    for k in range(n):
        unit = rng.choice([*units, *units, rng.choice(["a", "b", "top", ""])])
        own = likely.get(unit) if rng.random() < 0.7 else rng.choice(roles)
        sex = rng.choices(SEXES, (6, 3, 0.6))[0]
        band = rng.choice(tuple(AgeBand))
        people.append(person(f"t{k}", sex, unit=unit, role_id=own or ASSISTANT, age_band=band))
        for c in (DEMENTIA, ROSTER, LIFT, CALM):
            if rng.random() < 0.55:
                evidence.append(piece(f"t{k}", c, rng.randint(1, 4), Source.ASSESSMENT))
    return small_staff(people, evidence, (), [Unit(unit_id=u, name=u.upper(), parent_id=p) for u, p in TREE.items()])


# -- heat map --------------------------------------------------------------------------------------------------------


def test_a_named_heat_map_counts_the_staff_of_eight_as_by_hand() -> None:
    found = org.heat_map(graph_of(), kind="named")
    # p1 level 4 and p6 level 3 are women, p2 level 2 is a man; p3's own word is private.
    cell = found.cell("", DEMENTIA)
    assert (cell.holders.women, cell.holders.men, cell.holders.total) == (2, 1, 3)
    assert (cell.level, cell.level_women, cell.level_men) == (3.0, 3.5, 2.0)
    assert found.cell("u-care", DEMENTIA).holders.total == 3
    assert found.cell(NORTH, DEMENTIA).holders.total == 1
    assert found.cell(OFFICE, DEMENTIA).holders.total == 0
    assert found.cell(OFFICE, CARPENTRY).holders == replace(found.cell(OFFICE, CARPENTRY).holders, women=0, men=0, total=1)
    assert found.by_sex(SOUTH)["people"].total == 4


def test_the_units_and_concepts_of_a_map_are_those_asked_for() -> None:
    found = org.heat_map(graph_of(), units=["Hemtjänst Söder", NORTH], concepts=["demensvård", ROSTER], kind="named")
    assert found.unit_ids == (NORTH, SOUTH)
    assert set(found.concept_ids) == {DEMENTIA, ROSTER}
    assert found.parent_ids == ("u-care", "u-care")


def test_what_a_map_does_not_know_is_said() -> None:
    with pytest.raises(UnknownIdError, match="no unit"):
        org.heat_map(graph_of(), units=["Brandstationen"])
    with pytest.raises(InputError, match="xyzzy"):
        org.heat_map(graph_of(), concepts=["xyzzy"])
    with pytest.raises(InputError, match="kind must be one of"):
        org.heat_map(graph_of(), kind="secret")
    with pytest.raises(UnknownIdError, match="not in this map"):
        org.heat_map(graph_of(), kind="named").cell("u-nowhere", DEMENTIA)


def test_somebody_in_two_units_counts_in_both_when_named_and_once_above() -> None:
    two = replace(PEOPLE[0], employments=(*PEOPLE[0].employments, Employment(unit_id=SOUTH)))
    found = org.heat_map(graph_of(small_staff((two, *PEOPLE[1:]))), concepts=[DEMENTIA], kind="named")
    assert [found.cell(u, DEMENTIA).holders.total for u in (NORTH, SOUTH, "u-care", "")] == [1, 3, 3, 3]


def test_means_stand_only_over_seven_people_in_a_published_map() -> None:
    found = org.heat_map(graph_of(town(1, 60)))
    means = np.isfinite(found.level[2])
    assert means.any()
    assert (found.holders[2][means] >= 7).all()
    by_sex = np.isfinite(found.level[0]) | np.isfinite(found.level[1])
    assert ((found.holders[:2] == 0) | (found.holders[:2] >= 7))[:, by_sex].all()


def test_a_published_part_of_a_map_is_what_the_whole_map_shows() -> None:
    graph = graph_of(town(4, 70, wide=True))
    whole = org.heat_map(graph)
    part = org.heat_map(graph, units=["a", "b1"], concepts=[ROSTER])
    for unit in part.unit_ids:
        assert part.cell(unit, ROSTER) == whole.cell(unit, ROSTER)


def test_a_frame_and_a_dict_hold_the_same_cells() -> None:
    found = org.heat_map(graph_of(town(2, 50)))
    frame = found.to_frame("en")
    assert len(frame) == len(found.cells()) == len(found.to_dict()["cells"])
    assert frame["total"].isna().sum() == sum(c["total"] is None for c in found.to_dict()["cells"])
    assert "dementia care" in set(frame["concept"])
    assert frame["unit"].iloc[0] == "The whole organisation"


# -- what published figures tell -------------------------------------------------------------------------------------


class Reader:
    """Somebody who adds and subtracts published figures, and knows where everybody first works but not who holds what.

    Variables are how many of each sex, level and asked level are placed in each unit.
    """

    def __init__(self, graph: CompetenceGraph, concept_id: str) -> None:
        tree = unit_tree(graph)
        self.nodes = list(tree.ids)
        self.above = {i: tree.parent_id(k) for k, i in enumerate(tree.ids)}
        self.states = [(s, level, asked) for s in range(3) for level in range(6) for asked in range(5)]
        self.truth = np.zeros((len(self.nodes), len(self.states)))
        column = graph.concept_index[concept_id]
        for row, p in enumerate(graph.people):
            asked = 0
            for role_id in graph.person_roles[row]:
                for r in graph.taxonomy.roles[role_id].requirements:
                    if r.concept_id == concept_id and r.importance.value == "essential":
                        asked = max(asked, r.level)
            unit = graph.units_of[row][0] if graph.units_of[row] else ""
            state = (SEXES.index(p.sex), int(graph.rounded_column(column)[row]), asked)
            self.truth[self.nodes.index(unit), self.states.index(state)] += 1
        self.known: list[np.ndarray[Any, Any]] = []

    def sum_of(self, unit: str, keep: Callable[[int, int, int], bool]) -> np.ndarray[Any, Any]:
        """Return the people of a unit and those below it who are in some states, as a vector of ones."""
        vector = np.zeros_like(self.truth)
        for k, node in enumerate(self.nodes):
            here: str | None = node
            while here is not None and here != unit:
                here = self.above[here]
            if here == unit:
                vector[k] = [keep(*s) for s in self.states]
        return vector.ravel()

    def learn(self, unit: str, keep: Callable[[int, int], bool], row: Any) -> None:
        """Read one published figure, and see that it is true."""
        for value, sexes in ((row.women, (0,)), (row.men, (1,)), (row.total, (0, 1, 2))):
            if value is not None:
                vector = self.sum_of(unit, lambda s, level, asked, sexes=sexes: s in sexes and keep(level, asked))  # type: ignore[misc]
                assert vector @ self.truth.ravel() == value
                self.known.append(vector)

    def works_out(self) -> Iterator[tuple[str, str, int]]:
        """Yield every head count of 1 or 2 that the figures give away."""
        rows = np.array(self.known)
        truth = self.truth.ravel()
        # What differs from a known sum by nothing is nobody; so is every part of a sum of nobody.
        zero = np.zeros(truth.size, dtype=bool)
        differences = [a - b for a in rows for b in rows if (a - b).min() >= 0]
        for vector in (*rows, *differences):
            if vector @ truth == 0:
                zero |= vector > 0
        free = ~zero
        _, values, basis = np.linalg.svd(rows[:, free], full_matrices=False)
        basis = basis[values > 1e-9]
        for unit in self.nodes:
            for name, keep in TARGETS.items():
                for label, sexes in (("all", (0, 1, 2)), ("women", (0,)), ("men", (1,)), ("not stated", (2,))):
                    target = self.sum_of(unit, lambda s, lv, a, keep=keep, sexes=sexes: s in sexes and keep(lv, a))  # type: ignore[misc]
                    count = int(target @ truth)
                    part = target[free]
                    if 0 < count < 3 and np.abs(part - basis.T @ (basis @ part)).max() < 1e-7:
                        yield unit, f"{name}, {label}", count


TARGETS: dict[str, Callable[[int, int], bool]] = {
    "people": lambda level, asked: True,
    "asked": lambda level, asked: asked > 0,
    "not asked": lambda level, asked: asked == 0,
    "met": lambda level, asked: asked > 0 and level >= asked,
    "asked and not met": lambda level, asked: asked > 0 and level < asked,
    "hold without being asked": lambda level, asked: asked == 0 and level > 0,
    **{f"at least {k}": lambda level, asked, k=k: level >= k for k in range(1, 6)},  # type: ignore[misc]
    **{f"below {k}": lambda level, asked, k=k: level < k for k in range(1, 6)},  # type: ignore[misc]
    **{f"just {k}": lambda level, asked, k=k: level == k for k in range(1, 6)},  # type: ignore[misc]
}


@pytest.mark.parametrize("concept_id", [DEMENTIA, LIFT])
@pytest.mark.parametrize(("seed", "n"), [(0, 25), (1, 40), (2, 60), (3, 90), (4, 140), (5, 60), (6, 90)])
def test_no_sums_and_differences_of_published_figures_tell_of_one_or_two_people(seed: int, n: int, concept_id: str) -> None:
    graph = graph_of(town(seed, n, wide=seed > 4))
    reader = Reader(graph, concept_id)
    heat = org.heat_map(graph)
    for unit in heat.unit_ids:
        reader.learn(unit, lambda level, asked: True, heat.by_sex(unit)["people"])
        reader.learn(unit, lambda level, asked: level >= 1, heat.by_sex(unit)[concept_id])
    for row in org.gap_table(graph).rows:
        if row.concept_id == concept_id and row.unit_id is not None:
            reader.learn(row.unit_id, lambda level, asked: asked > 0, row.asked)
            reader.learn(row.unit_id, lambda level, asked: asked > 0 and level >= asked, row.there)
    need = [
        {"concept": concept_id, "level": k, "count": 3, **({"unit": u} if u else {})} for u in heat.unit_ids for k in range(1, 6)
    ]
    for row in org.gap_table(graph, need=need).rows:
        least = row.level or 1
        reader.learn(row.unit_id or "", lambda level, asked, least=least: level >= least, row.there)  # type: ignore[misc]
    assert len(reader.known) > 5
    assert not list(reader.works_out())


def test_the_reader_of_these_tests_does_find_what_named_figures_give_away() -> None:
    graph = graph_of(town(2, 60))
    reader = Reader(graph, DEMENTIA)
    heat = org.heat_map(graph, kind="named")
    for unit in heat.unit_ids:
        reader.learn(unit, lambda level, asked: True, heat.by_sex(unit)["people"])
        reader.learn(unit, lambda level, asked: level >= 1, heat.by_sex(unit)[DEMENTIA])
    assert list(reader.works_out())


@pytest.mark.parametrize("seed", range(300, 308))
def test_a_reader_with_a_solver_finds_no_small_group_in_a_heat_map(seed: int) -> None:
    graph = graph_of(town(seed, Random(seed).choice([20, 35, 50, 80]), wide=bool(seed % 2)))
    heat = org.heat_map(graph)
    names = {unit: unit or TOP for unit in heat.unit_ids}
    rows = {unit: heat.by_sex(unit) for unit in heat.unit_ids}
    tables = {names[u]: GroupTable.from_rows([rows[u]["people"], rows[u][DEMENTIA]], "published") for u in heat.unit_ids}
    parents = {names[u]: None if p is None else names[p] for u, p in zip(heat.unit_ids, heat.parent_ids, strict=True)}
    level = graph.rounded_column(graph.concept_index[DEMENTIA])
    outsider = Outsider(
        GroupTables(TableKind.PUBLISHED, tables, parents),
        "people",
        [{DEMENTIA: {p for p, own in zip(graph.person_ids, level, strict=True) if own}}],
        {p: own[:1] for p, own in zip(graph.person_ids, graph.units_of, strict=True)},
        graph.sex,
    )
    assert outsider.secrets()
    assert outsider.found_out() == []


def flat(*counts: int) -> tuple[UnitTree, np.ndarray[Any, Any]]:
    """Return a whole with units of these head counts."""
    ids = ("", *(f"u{k}" for k in range(len(counts))))
    parts = np.array([sum(counts), *counts], dtype=np.float64)[None, :, None]
    return UnitTree(ids, ids, np.array([-1] + [0] * len(counts))), parts


@pytest.mark.parametrize(
    ("counts", "shown"),
    [
        ((5, 4, 3), (1, 1, 1, 1)),
        ((5, 4, 2), (1, 1, 0, 0)),
        ((5, 4, 1, 2), (1, 1, 1, 0, 0)),
        ((5, 1, 1), (1, 0, 0, 0)),
        ((5, 0, 2), (1, 0, 1, 0)),
        ((2,), (0, 0)),
        ((1, 1), (0, 0, 0)),
        ((1, 2), (1, 0, 0)),
    ],
)
def test_a_small_unit_is_hidden_with_the_smallest_one_that_covers_it(counts: tuple[int, ...], shown: tuple[int, ...]) -> None:
    tree, parts = flat(*counts)
    assert tuple(conceal(tree, parts, 3)[:, 0].astype(int)) == shown


def test_women_and_men_are_hidden_where_a_total_and_a_sex_that_all_hold_would_give_the_other_away() -> None:
    # All women of both units hold it: known from the whole, where no woman lacks it. Each unit's total would then tell
    # how many of its men do: 2 and 1.
    people, evidence = [], []
    for unit, men in (("a1", 2), ("a2", 1)):
        for k in range(15):
            woman = k < 10
            people.append(person(f"{unit}{k}", Sex.WOMAN if woman else Sex.MAN, unit=unit))
            if woman or k < 10 + men:
                evidence.append(piece(f"{unit}{k}", DEMENTIA, 3))
    units = [Unit(unit_id="top"), *(Unit(unit_id=u, parent_id="top") for u in ("a1", "a2"))]
    found = org.heat_map(graph_of(small_staff(people, evidence, (), units)), concepts=[DEMENTIA])
    assert [found.cell(u, DEMENTIA).holders.total for u in ("a1", "a2")] == [12, 11]
    assert all(found.cell(u, DEMENTIA).holders.women is None for u in found.unit_ids)


# -- single points of failure ----------------------------------------------------------------------------------------


def holders(graph: CompetenceGraph, asked: org.UnitRequirement) -> int:
    """Count who meets a requirement in its unit, person by person."""
    if asked.hard:
        met = hard_met(graph, [Requirement(concept_id=asked.concept_id, level=asked.level, hard=True)])
        return sum(bool(met[r]) for r, own in enumerate(graph.units_of) if asked.unit_id in own)
    found = 0
    for row, own in enumerate(graph.units_of):
        holding = graph.holding(graph.person_ids[row], asked.concept_id) if asked.unit_id in own else None
        found += holding is not None and holding.rounded >= asked.level
    return found


def removed(staff: Staff, graph: CompetenceGraph, asked: tuple[org.UnitRequirement, ...]) -> dict[str, set[Any]]:
    """Take every person away in turn, build the graph again and see what falls below its minimum."""
    lost: dict[str, set[Any]] = {}
    before = [holders(graph, a) for a in asked]
    for gone in graph.person_ids:
        rest = graph_of(staff.replace(people=tuple(p for p in staff.people if p.person_id != gone)))
        for a, count in zip(asked, before, strict=True):
            if count >= a.minimum > holders(rest, a):
                lost.setdefault(gone, set()).add((a.unit_id, a.concept_id, a.level, a.hard))
    return lost


def with_posts(staff: Staff, seed: int) -> Staff:
    """Return the staff with posts of its own, some vacant and some with a minimum staffing."""
    rng = Random(seed)
    posts = []
    for k, p in enumerate(staff.people):
        posts.append(
            Post(
                post_id=f"q{k}",
                unit_id=p.employments[0].unit_id,
                roles=p.employments[0].roles,
                holder_id=p.person_id if rng.random() < 0.8 else None,
                min_staffing=rng.choice((None, None, 1, 2, 3)),
            )
        )
    return staff.replace(posts=tuple(posts), tables=staff.tables | {"posts"})


@pytest.mark.parametrize("seed", [-1, 0, 1, 2, 3, 4, 5])
def test_single_points_are_what_taking_every_person_away_shows(seed: int) -> None:
    staff = small_staff() if seed < 0 else random_staff(seed, 14)
    staff = with_posts(staff, seed) if seed % 2 else staff
    graph = graph_of(staff)
    asked = org.unit_requirements(graph)
    assert [a.holders for a in asked] == [holders(graph, a) for a in asked]
    found = org.single_points(graph, kind="named").by_person()
    assert {p: {(a.unit_id, a.concept_id, a.level, a.hard) for a in lost} for p, lost in found.items()} == removed(
        staff, graph, asked
    )


@settings(max_examples=15)
@given(st.integers(0, 10_000))
def test_single_points_are_what_taking_away_shows_in_any_staff(seed: int) -> None:
    staff = with_posts(random_staff(seed, 6), seed)
    graph = graph_of(staff)
    found = org.single_points(graph, kind="named").by_person()
    expected = removed(staff, graph, org.unit_requirements(graph))
    assert {p: {(a.unit_id, a.concept_id, a.level, a.hard) for a in lost} for p, lost in found.items()} == expected


def test_what_a_unit_must_be_able_to_do_is_what_its_roles_call_essential() -> None:
    asked = {(a.concept_id, a.level): a for a in org.unit_requirements(graph_of(), units=[SOUTH])}
    # Assistant: dementia 3, lift 2 (calm is optional); coordinator: roster 3, calm 3; nurse: licence, dementia 2, roster 3.
    assert set(asked) == {(DEMENTIA, 3), (LIFT, 2), (ROSTER, 3), (CALM, 3), (NURSE, 1), (DEMENTIA, 2)}
    assert asked[ROSTER, 3].role_ids == (COORDINATOR, REGISTERED)
    # p8 holds roster at 5; p4 and p6 only at 2. Elsewhere p3 and p7 do.
    assert (asked[ROSTER, 3].holders, asked[ROSTER, 3].elsewhere) == (1, 2)
    assert asked[NURSE, 1].hard
    assert asked[NURSE, 1].holders == 1


def test_the_minimum_is_the_largest_minimum_staffing_of_the_units_posts_with_the_role() -> None:
    roles = (RoleShare(title="undersköterska", role_id=ASSISTANT),)
    posts = tuple(Post(post_id=f"q{k}", unit_id=SOUTH, roles=roles, min_staffing=k) for k in (1, 2))
    asked = {(a.concept_id, a.level): a for a in org.unit_requirements(graph_of(small_staff(posts=posts)), units=[SOUTH])}
    assert asked[DEMENTIA, 3].minimum == 2
    assert asked[ROSTER, 3].minimum == 1


def test_a_vacant_post_asks_too_and_what_is_short_already_is_told_apart() -> None:
    roles = (RoleShare(title="sjuksköterska", role_id=REGISTERED),)
    staff = small_staff(posts=(Post(post_id="v", unit_id=OFFICE, roles=roles),))
    found = org.single_points(graph_of(staff), units=[OFFICE], kind="named")
    assert (NURSE, 1) in {(a.concept_id, a.level) for a in found.unmet}
    assert {p.requirement.concept_id for p in found.points} == {CARPENTRY, LICENCE}


def test_settings_give_the_minimum_where_no_post_does() -> None:
    graph = graph_of(settings=Settings.of({"organisation": {"minimum": 2}}))
    found = org.single_points(graph, kind="named", units=[NORTH])
    # p3 and p7 both hold roster 3 and calm 3: with two asked for, each of them is one too few to lose.
    assert set(found.by_person()) == {"p3", "p7"}


def test_published_single_points_are_a_number_per_sector_without_persons() -> None:
    found = org.single_points(graph_of(town(7, 120)))
    assert not found.points
    assert not found.unmet
    assert [s.unit_id for s in found.by_sector] == ["", "a", "b"]
    named = {s.unit_id: s for s in org.single_points(graph_of(town(7, 120)), kind="named").by_sector}
    for sector in found.by_sector:
        for value in (sector.people.women, sector.people.men, sector.people.total, sector.requirements):
            assert value is None or value == 0 or value >= 3
        if sector.people.total is not None:
            assert sector.people.total == named[sector.unit_id].people.total
    assert [s.unit_id for s in org.single_points(graph_of(town(7, 120)), units=["a2"]).by_sector] == ["a"]


def test_sectors_are_the_topmost_units_or_those_below_a_single_one() -> None:
    tree = unit_tree(graph_of(town(0, 20)))
    assert [tree.ids[s] for s in sectors(tree)] == ["a", "b"]
    tree = unit_tree(graph_of())
    assert {tree.ids[s] for s in sectors(tree)} == {NORTH, SOUTH, OFFICE}


def test_units_in_a_circle_still_make_a_tree() -> None:
    units = [Unit(unit_id="x", parent_id="y"), Unit(unit_id="y", parent_id="x"), Unit(unit_id="z", parent_id="gone")]
    tree = unit_tree(graph_of(small_staff([person("p1", unit="x")], (), (), units)))
    assert {i: tree.parent_id(k) for k, i in enumerate(tree.ids)} == {"": None, "x": "", "y": "x", "z": ""}


# -- gaps ------------------------------------------------------------------------------------------------------------


def test_gaps_of_people_are_those_of_fit() -> None:
    graph = graph_of(random_staff(3, 12))
    rows = org.gap_table(graph, people=graph.person_ids).rows
    found = {(r.person_id, r.role_id, r.concept_id): (r.held, r.missing_levels, r.missing) for r in rows}
    expected = {}
    for p in graph.person_ids:
        for g in gaps(graph, p):
            missing = 0 if g.requirement.hard and not g.hard_unmet else g.missing
            expected[p, g.role_id, g.requirement.concept_id] = (g.held, missing, int(missing > 0))
    assert found == expected


def test_gaps_of_a_unit_are_counted_as_by_hand() -> None:
    rows = {(r.unit_id, r.concept_id): r for r in org.gap_table(graph_of(), units=["u-care", SOUTH], kind="named").rows}
    # In the south p4 and p8 (coordinators) and p6 (nurse) need roster 3: only p8 has it.
    row = rows[SOUTH, ROSTER]
    assert (row.asked.women, row.asked.men, row.asked.total) == (1, 2, 3)
    assert (row.there.women, row.there.men, row.there.total, row.missing) == (0, 1, 1, 2)
    # In all of care p3 and p7 need it too, and have it.
    assert (rows["u-care", ROSTER].asked.total, rows["u-care", ROSTER].there.total) == (5, 3)
    # What the law asks of a role held today has been checked by the employer.
    assert rows[SOUTH, NURSE].missing == 0


def test_a_need_to_come_counts_who_is_there_who_leaves_and_who_is_near() -> None:
    leaving = replace(PEOPLE[6], end=date(2026, 12, 31))
    graph = graph_of(small_staff((*PEOPLE[:6], leaving, PEOPLE[7])))
    need = [
        org.FutureNeed(concept="schemaläggning", level=3, count=4, by=date(2027, 6, 30)),
        {"concept": ROSTER, "level": 4, "count": 1, "unit": "Hemtjänst Norr"},
    ]
    found = org.gap_table(graph, need=need, kind="named")
    whole = next(r for r in found.rows if r.unit_id == "")
    # p3, p7 and p8 hold level 3; p7 leaves. p4 and p6 are at 2.
    assert (whole.there.total, whole.leaving, whole.one_level_short, whole.missing) == (2, 1, 2, 2)
    north = next(r for r in found.rows if r.unit_id == NORTH)
    assert (north.there.total, north.missing) == (1, 0)


def test_a_need_says_whose_evidence_will_be_too_old() -> None:
    # Lifting stays fresh for 24 months: a manager's word of today has confidence under 0.15 within twelve years.
    found = org.gap_table(graph_of(), need=[{"concept": LIFT, "level": 2, "count": 2, "by": "2038-06-30"}], kind="named")
    assert (found.rows[0].there.total, found.rows[0].to_reconfirm) == (2, 2)


def test_a_need_can_be_a_frame_a_need_or_words_and_words_not_understood_are_kept() -> None:
    import pandas as pd

    graph = graph_of()
    frame = pd.DataFrame({"concept": ["finska", "xyzzy"], "level": [2, 1], "count": [2, 1], "by": [None, None]})
    found = org.gap_table(graph, need=frame, kind="named")
    assert [(r.concept_id, r.missing) for r in found.rows] == [(FINNISH, 1)]
    assert [n.words for n in found.not_understood] == ["xyzzy"]
    assert org.gap_table(graph, need="finska", kind="named").rows[0].there.total == 1


def test_every_faulty_row_of_a_need_is_told() -> None:
    need = [{"concept": "finska", "level": 9}, {"level": 2}, {"concept": "finska", "by": "soon"}, {"concept": "x", "antal": 2}]
    with pytest.raises(InputError) as caught:
        org.gap_table(graph_of(), need=need)
    assert all(f"row {k}" in str(caught.value) for k in (1, 2, 3, 4))
    with pytest.raises(InputError, match="no rows"):
        org.gap_table(graph_of(), need=[])
    with pytest.raises(InputError, match="before the graph's date"):
        org.gap_table(graph_of(), need=[{"concept": "finska", "by": "2020-01-01"}])


def test_gaps_of_persons_are_never_published_and_one_thing_is_asked_at_a_time() -> None:
    with pytest.raises(InputError, match="always named"):
        org.gap_table(graph_of(), people=["p1"], kind="published")
    with pytest.raises(InputError, match="one of people, units and need"):
        org.gap_table(graph_of(), people=["p1"], units=[NORTH])


# -- departures ------------------------------------------------------------------------------------------------------


def leaving_staff() -> Staff:
    """Return the staff of eight where p1 leaves in a year, p3's only employment ends, and p6 is over sixty."""
    job = replace(PEOPLE[2].employments[0], end=date(2026, 9, 30))
    changed = {
        "p1": replace(PEOPLE[0], end=date(2027, 6, 30)),
        "p3": replace(PEOPLE[2], employments=(job,)),
        "p6": replace(PEOPLE[5], age_band=AgeBand.FROM_60),
    }
    return small_staff([changed.get(p.person_id, p) for p in PEOPLE])


def test_departures_by_date_say_who_goes_and_what_falls_short() -> None:
    graph = graph_of(leaving_staff())
    assert org.departures(graph, kind="named").leavers == (("p3", "2026-09-30"), ("p1", "2027-06-30"))
    found = org.departures(graph, by="2026-12-31", kind="named")
    assert found.leavers == (("p3", "2026-09-30"),)
    lost = {(row.unit_id, row.concept_id): row for row in found.lost}
    # p7 still holds roster and calm in the north.
    assert set(lost) == {(NORTH, ROSTER), (NORTH, CALM)}
    assert lost[NORTH, ROSTER].holders == 2
    assert lost[NORTH, ROSTER].leaving.women == 1
    assert not any(row.requirements for row in found.lost)
    later = {(r.unit_id, r.concept_id): r for r in org.departures(graph, by=date(2027, 12, 31), kind="named").lost}
    # With p1 the north loses its only holder of dementia 3 and of lift 2.
    assert [a.level for a in later[NORTH, DEMENTIA].requirements] == [3]
    assert [a.level for a in later[NORTH, LIFT].requirements] == [2]


def test_departures_by_age_take_everybody_in_the_band() -> None:
    found = org.departures(graph_of(leaving_staff()), by="60+", kind="named")
    assert found.leavers == (("p6", "60+"),)
    short = {(r.concept_id, a.level) for r in found.lost for a in r.requirements}
    # p6 is the only nurse, and the only one at dementia 3 in the south; p2 still holds dementia 2.
    assert short == {(NURSE, 1), (DEMENTIA, 3)}


def test_departures_equal_taking_the_leavers_away() -> None:
    for seed in range(4):
        staff = random_staff(seed, 14)
        rng = Random(seed)
        staff = staff.replace(people=tuple(replace(p, end=date(2027, 1, 1)) if rng.random() < 0.3 else p for p in staff.people))
        graph = graph_of(staff)
        rest = graph_of(staff.replace(people=tuple(p for p in staff.people if p.end is None)))
        expected = {
            (a.unit_id, a.concept_id, a.level)
            for a in org.unit_requirements(graph)
            if holders(graph, a) >= a.minimum > holders(rest, a)
        }
        found = org.departures(graph, kind="named")
        assert {(a.unit_id, a.concept_id, a.level) for row in found.lost for a in row.requirements} == expected


def test_published_departures_take_what_cannot_be_set_against_each_other() -> None:
    graph = graph_of(town(5, 90))
    for by in ("2027-06-30", "2060-12-31", "50-59"):
        with pytest.raises(InputError, match="published departures"):
            org.departures(graph, by=by)
    with pytest.raises(InputError, match="age band"):
        org.departures(graph, by="soon")
    with pytest.raises(InputError, match="must not lie before"):
        org.departures(graph, by=date(2020, 1, 1), kind="named")
    found = org.departures(graph, by="60+")
    assert not found.leavers
    for row in (*(r.leaving for r in found.lost), *(s.people for s in found.by_sector)):
        assert all(v is None or v == 0 or v >= 3 for v in (row.women, row.men, row.total))


def test_two_published_dates_do_not_tell_of_the_one_who_leaves_between_them() -> None:
    staff = town(5, 120)
    ends = {f"t{k}": date(2026, 10, 1) for k in range(8)} | {"t8": date(2027, 10, 1)}
    staff = staff.replace(people=tuple(replace(p, end=ends.get(p.person_id)) for p in staff.people))
    totals = [org.departures(graph_of(staff), by=f"{y}-12-31").by_sector[0].people.total for y in (2026, 2027)]
    assert totals in ([8, None], [None, None])


@pytest.mark.parametrize("seed", [0, 1, 2, 3])
def test_a_whole_less_its_shown_sectors_tells_of_no_one_or_two_who_leave_or_carry_something_alone(seed: int) -> None:
    staff = town(seed, 110, wide=True)
    rng = Random(seed)
    ends = [None, None, *(date(y, 12, 1) for y in range(2026, 2031))]
    graph = graph_of(staff.replace(people=tuple(replace(p, end=rng.choice(ends)) for p in staff.people)))
    by_year = [org.departures(graph, by=f"{y}-12-31") for y in range(2026, 2031)]
    tables = [
        [s.people for s in org.single_points(graph).by_sector],
        *([s.people for s in org.departures(graph, by=by).by_sector] for by in (None, "60+")),
        *([s.people for s in found.by_sector] for found in by_year),
    ]
    for concept_id in (DEMENTIA, ROSTER):
        for found in by_year:
            rows = {r.unit_id: r.leaving for r in found.lost if r.concept_id == concept_id}
            if "" in rows:
                tables.append([rows[u] for u in ("", "a", "b") if u in rows])
    told = 0
    for whole, *parts in tables:
        for count in ("women", "men", "total"):
            values = [getattr(row, count) for row in parts]
            if getattr(whole, count) is not None:
                rest = getattr(whole, count) - sum(v for v in values if v is not None)
                assert rest == 0 or rest >= 3
                told += 1
    assert told > 5
    for earlier, later in itertools.pairwise(by_year):
        for a, b in zip(earlier.by_sector, later.by_sector, strict=True):
            for count in ("women", "men", "total"):
                first, second = getattr(a.people, count), getattr(b.people, count)
                if first is not None and second is not None:
                    assert second - first == 0 or second - first >= 3


# -- bridges ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_ties_are_those_of_every_pair_of_people(seed: int) -> None:
    graph = graph_of(random_staff(seed, 20))
    held = {p: {h.concept_id for h in graph.holdings(p) if h.rounded} for p in graph.person_ids}
    count = {c: sum(c in concepts for concepts in held.values()) for c in graph.concept_ids}
    unit = {p: graph.units_of[r][0] for r, p in enumerate(graph.person_ids)}
    ties: dict[tuple[str, str], float] = {}
    for a, own in held.items():
        for b, others in held.items():
            if a != b:
                weight = sum(1 / (count[c] - 1) for c in own & others)
                ties[unit[a], unit[b]] = ties.get((unit[a], unit[b]), 0.0) + weight
    everything = {u: sum(w for (a, _), w in ties.items() if a == u) for u in set(unit.values())}
    found = org.bridges(graph, kind="named")
    for row in found.units:
        inside = ties.get((row.unit_id, row.unit_id), 0.0) / everything[row.unit_id]
        assert row.inside == pytest.approx(inside, abs=6e-4)
        assert row.ei_index == pytest.approx(1 - 2 * inside, abs=2e-3)
    for link in found.links:
        strength = ties[link.unit_id, link.other_id] / (everything[link.unit_id] * everything[link.other_id]) ** 0.5
        assert link.strength == pytest.approx(strength, abs=6e-5)


def test_units_that_share_nothing_are_silos_and_one_between_two_is_a_bridge() -> None:
    def staff_of(shared: dict[str, list[str]]) -> Staff:
        people, evidence = [], []
        for unit, concepts in shared.items():
            for k in range(3):
                people.append(person(f"{unit}{k}", unit=unit))
                evidence += [piece(f"{unit}{k}", c, 3) for c in concepts]
        return small_staff(people, evidence)

    found = org.bridges(graph_of(staff_of({NORTH: [DEMENTIA], SOUTH: [ROSTER]})), kind="named")
    assert [(u.inside, u.ei_index) for u in found.units] == [(1.0, -1.0), (1.0, -1.0)]
    assert not found.links
    found = org.bridges(graph_of(staff_of({NORTH: [DEMENTIA], SOUTH: [DEMENTIA, ROSTER], OFFICE: [ROSTER]})), kind="named")
    assert {u.unit_id: u.betweenness for u in found.units} == {NORTH: 0.0, SOUTH: 1.0, OFFICE: 0.0}
    assert {(link.unit_id, link.other_id): link.concept_ids for link in found.links} == {
        (NORTH, SOUTH): (DEMENTIA,),
        (OFFICE, SOUTH): (ROSTER,),
    }


def test_a_link_names_those_who_work_in_both_units_only_when_named() -> None:
    two = replace(PEOPLE[0], employments=(*PEOPLE[0].employments, Employment(unit_id=OFFICE)))
    graph = graph_of(small_staff((two, *PEOPLE[1:])))
    links = {(link.unit_id, link.other_id): link.people for link in org.bridges(graph, kind="named").links}
    assert links[NORTH, OFFICE] == ("p1",)
    assert not any(link.people for link in org.bridges(graph).links)


def test_published_ties_stand_over_seven_people() -> None:
    found = org.bridges(graph_of(town(3, 90)))
    shown = [u for u in found.units if u.inside is not None]
    assert shown
    assert all((u.people.total or 0) >= 7 for u in shown)
    assert all(u.people.women is not None for u in shown if u.inside_women is not None)
    hidden = {u.unit_id for u in found.units} - {u.unit_id for u in shown}
    assert not hidden & {x for link in found.links for x in (link.unit_id, link.other_id)}


# -- circles ---------------------------------------------------------------------------------------------------------


def spread_staff(**answers: dict[str, str]) -> Staff:
    """Return twelve people in six units: two who hold dementia care at 4, the rest who want to learn it."""
    units = [Unit(unit_id=f"w{k}", name=f"Enhet {k}") for k in range(6)]
    people = [person(f"c{k:02}", SEXES[k % 2], unit=f"w{k % 6}", role_id=COORDINATOR) for k in range(12)]
    evidence = [piece("c00", DEMENTIA, 4), piece("c01", DEMENTIA, 4)]
    wishes = [wish(f"c{k:02}", DEMENTIA) for k in range(2, 12)]
    return small_staff(answering(people, answers), evidence, wishes, units)


def test_circles_have_people_of_different_units_with_somebody_who_brings_the_topic() -> None:
    found = org.circles(graph_of(spread_staff()), "demensvård", n=5)
    assert len(found) == 2
    everybody = [p for c in found.circles for p in c.people]
    assert len(everybody) == len(set(everybody)) == 12
    for circle in found.circles:
        assert 4 <= len(circle.members) <= 8
        assert len({m.unit_id for m in circle.members}) == len(circle.members)
        assert circle.members[0].part == "brings"
        assert circle.members[0].evidence
        assert {m.why for m in circle.members} == {"holds", "wants_to_learn"}
    assert all(m.ask_first for c in found.circles for m in c.members)
    assert found.by_sex["suggested"].total == 12


def test_circles_are_explained_in_both_languages() -> None:
    circle = org.circles(graph_of(spread_staff()), "demensvård").circles[0]
    assert "kan demensvård på nivå 4" in circle.explain("sv")
    assert "wants to learn dementia care" in circle.explain("en")


def test_a_no_keeps_a_person_out_of_every_circle() -> None:
    graph = graph_of(spread_staff(c00={"mentor": "no"}, c05={"mentee": "no"}, c06={"mentor": "no"}))
    found = org.circles(graph, "demensvård", n=5)
    everybody = {p for c in found.circles for p in c.people}
    assert len(found) == 1
    assert not {"c00", "c05"} & everybody
    assert ("c00", "opted_out") in found.left_out
    assert ("c05", "opted_out") in found.left_out


def test_where_people_were_asked_only_a_yes_takes_part() -> None:
    staff = spread_staff().replace(opt_in_columns=frozenset({"mentee"}))
    found = org.circles(graph_of(staff), "demensvård")
    assert found.reason == "too_few"
    assert ("c02", "not_opted_in") in found.left_out


def test_nobody_is_in_a_circle_with_the_own_manager() -> None:
    staff = spread_staff()
    led = tuple(replace(p, manager_ids=("c00", "c01")) if p.person_id == "c03" else p for p in staff.people)
    found = org.circles(graph_of(staff.replace(people=led)), "demensvård", n=5)
    assert "c03" not in {p for c in found.circles for p in c.people}


def test_wishes_alone_make_nobody_bring_a_topic() -> None:
    staff = spread_staff()
    staff = staff.replace(interests=(*staff.interests, wish("c02", DEMENTIA, InterestKind.TEACH)))
    member = {m.person_id: m for c in org.circles(graph_of(staff), "demensvård", n=5).circles for m in c.members}["c02"]
    assert member.part == "seeks"


def test_a_circle_that_cannot_be_is_said_why() -> None:
    assert org.circles(graph_of(), "xyzzy").reason == "not_understood"
    assert org.circles(graph_of(), "finska", units=[OFFICE]).reason == "nobody_brings_it"
    with pytest.raises(InputError, match="size must be"):
        org.circles(graph_of(), "finska", size=(2, 8))
    with pytest.raises(InputError, match="n must be"):
        org.circles(graph_of(), "finska", n=0)


# -- snapshots -------------------------------------------------------------------------------------------------------


def test_a_snapshot_comes_back_equal_and_names_nobody() -> None:
    graph = graph_of(town(3, 80))
    kept = org.snapshot(graph)
    raw = kept.to_json()
    assert org.Snapshot.from_json(raw) == kept
    assert org.Snapshot.from_json(raw).to_json() == raw
    assert not any(f'"{p}"' in raw or graph.people[r].name in raw for r, p in enumerate(graph.person_ids))


def test_a_snapshot_holds_published_tables_only() -> None:
    figures = org.snapshot(graph_of(town(3, 80))).figures
    assert {part["kind"] for part in figures.values()} == {"published"}
    with pytest.raises(InputError, match="whole organisation"):
        org.snapshot(graph_of(audience=Visibility.MANAGER))


@pytest.mark.parametrize("raw", ["{", "[]", "{}", json.dumps({"format": "competence-snapshot/1", "figures": {"heat": {}}})])
def test_what_is_no_snapshot_is_refused(raw: str) -> None:
    with pytest.raises(InputError):
        org.Snapshot.from_json(raw)


def two_units(holding: dict[str, int], size: int = 20, day: date = FRESH) -> org.Snapshot:
    """Return the snapshot of two units of women where so many hold dementia care."""
    people = [person(f"{u}{k}", Sex.WOMAN, unit=u) for u in holding for k in range(size)]
    evidence = [piece(f"{u}{k}", DEMENTIA, 3, Source.ASSESSMENT, day=day) for u, n in holding.items() for k in range(n)]
    units = [Unit(unit_id="top"), *(Unit(unit_id=u, parent_id="top") for u in holding)]
    return org.snapshot(graph_of(small_staff(people, evidence, (), units, as_of=day)))


def test_a_comparison_tells_changes_of_counts_that_both_show() -> None:
    found = org.compare(two_units({"x": 5, "y": 6}), two_units({"x": 9, "y": 6}, day=date(2027, 6, 30)))
    changes = {c.unit_id: (c.before, c.after, c.total, c.women) for c in found.changes if c.concept_id == DEMENTIA}
    assert changes == {"": (11, 15, 4, 4), "top": (11, 15, 4, 4), "x": (5, 9, 4, 4)}


def test_a_comparison_hides_changes_of_one_or_two_and_what_reveals_them() -> None:
    found = org.compare(two_units({"x": 5, "y": 6}), two_units({"x": 9, "y": 7}, day=date(2027, 6, 30)))
    # The unit with one more is hidden; from the whole (+5) and the other unit (+4) it would follow.
    shown = {c.unit_id: c.total for c in found.changes if c.concept_id == DEMENTIA}
    assert "y" not in shown
    assert not ({"top", "x"} <= set(shown))
    assert not ({"", "x"} <= set(shown))
    assert found.hidden > 0


def test_a_comparison_keeps_hidden_what_one_of_the_two_hides() -> None:
    before, after = two_units({"x": 2, "y": 9}), two_units({"x": 8, "y": 9}, day=date(2027, 6, 30))
    hidden = {c["unit_id"] for c in before.figures["heat"]["cells"] if c["total"] is None and c["concept_id"] == DEMENTIA}
    assert "x" in hidden
    assert not {c.unit_id for c in org.compare(before, after).changes if c.concept_id == DEMENTIA} & hidden


def test_a_comparison_says_which_units_are_new_and_needs_the_same_taxonomy_in_order_of_time() -> None:
    before, after = two_units({"x": 5, "y": 6}), two_units({"x": 5, "z": 6}, day=date(2027, 6, 30))
    found = org.compare(before, after)
    assert (found.units_new, found.units_gone) == (("z",), ("y",))
    with pytest.raises(InputError, match="not be later"):
        org.compare(after, before)
    with pytest.raises(InputError, match="one taxonomy"):
        org.compare(replace(before, taxonomy="other"), after)


# -- promises that hold for all --------------------------------------------------------------------------------------


@pytest.mark.parametrize("call", list(CALLS))
@settings(max_examples=6)
@given(seed=st.integers(0, 1000), mixed=st.integers(0, 1000))
def test_the_order_of_the_input_changes_nothing(call: str, seed: int, mixed: int) -> None:
    staff = random_staff(seed, 10)
    assert CALLS[call](graph_of(staff)).to_dict() == CALLS[call](graph_of(shuffled(staff, mixed))).to_dict()


def swapped(value: Any) -> Any:
    """Return plain data with what stands of women and of men changed over."""
    if isinstance(value, dict):
        other = {"women": "men", "men": "women"}
        return {"_".join(other.get(w, w) for w in k.split("_")): swapped(v) for k, v in value.items()}
    return [swapped(v) for v in value] if isinstance(value, list) else value


@pytest.mark.parametrize("call", list(CALLS))
@pytest.mark.parametrize("seed", [0, 3])
def test_swapping_sex_labels_swaps_the_columns_and_changes_nothing_else(call: str, seed: int) -> None:
    for staff in (random_staff(seed, 12), town(seed, 60)):
        before, after = (CALLS[call](graph_of(s)).to_dict() for s in (staff, swap_sex(staff)))
        assert swapped(json.loads(json.dumps(after))) == json.loads(json.dumps(before))


@pytest.mark.parametrize("call", list(CALLS))
def test_an_employer_without_people_or_holdings_has_an_empty_map(call: str) -> None:
    for staff in (small_staff((), (), (), ()), small_staff([person("p1", unit="", role_id=None)], (), (), ())):
        assert json.dumps(CALLS[call](graph_of(staff)).to_dict())


@pytest.mark.parametrize("call", [c for c in CALLS if c != "snapshot"])
def test_every_table_becomes_a_frame(call: str) -> None:
    frame = CALLS[call](graph_of(town(3, 60))).to_frame()
    assert len(frame.columns) > 3


def test_evidence_of_narrower_visibility_is_in_no_figure() -> None:
    staff = small_staff()
    kept = staff.replace(evidence=tuple(e for e in staff.evidence if e.visibility is Visibility.ORGANISATION))
    assert org.heat_map(graph_of(staff), kind="named").to_dict() == org.heat_map(graph_of(kept), kind="named").to_dict()


def test_a_protected_person_changes_no_figure() -> None:
    hidden = Person(person_id="secret", protected=True, employments=PEOPLE[0].employments)
    staff = small_staff((*PEOPLE, hidden), (*small_staff().evidence, piece("secret", EARLY, 5)))
    for name, call in CALLS.items():
        assert call(graph_of(staff)).to_dict() == call(graph_of()).to_dict(), name


# -- writing graphs --------------------------------------------------------------------------------------------------


def test_a_graph_written_as_graphml_opens_again(tmp_path: Path) -> None:
    graph = graph_of()
    net = graph.to_networkx()
    again = nx.read_graphml(write_graph(graph, tmp_path / "map.graphml"), force_multigraph=True)
    assert set(again.nodes) == set(net.nodes)
    assert {n: dict(again.nodes[n]) for n in again} == {n: dict(net.nodes[n]) for n in net}
    # GraphML reads back every edge with its attributes; parallel ones keep their keys.
    assert sorted((a, b, sorted(d.items())) for a, b, d in again.edges(data=True)) == sorted(
        (a, b, sorted(d.items())) for a, b, d in net.edges(data=True)
    )


def test_a_graph_written_as_node_link_json_opens_again(tmp_path: Path) -> None:
    graph = graph_of()
    path = write_graph(graph, tmp_path / "deeper" / "map.json", units=["Hemtjänst Norr"])
    again = nx.node_link_graph(json.loads(path.read_text(encoding="utf-8")), edges="links")
    assert nx.utils.graphs_equal(again, graph.to_networkx(units=["Hemtjänst Norr"]))


def test_lists_and_empty_values_are_made_fit_for_graphml(tmp_path: Path) -> None:
    net: nx.Graph[str] = nx.Graph(name="n", day=date(2026, 1, 2), nothing=None)
    net.add_node("a", tags=["x", "y"], none=None, text="be\x07ll", number=np.float64(0.5))
    net.add_edge("a", "b", concepts=("p", "q"))
    again = nx.read_graphml(write_graph(net, tmp_path / "net.graphml"))
    assert again.nodes["a"] == {"tags": "x; y", "text": "bell", "number": 0.5}
    assert again.edges["a", "b"] == {"concepts": "p; q"}
    assert again.graph["day"] == "2026-01-02"
    assert write_graph(net, tmp_path / "net.json").read_text(encoding="utf-8").count('"x"') == 1


def test_the_units_of_bridges_can_be_written(tmp_path: Path) -> None:
    found = org.bridges(graph_of(town(3, 60)), kind="named")
    again = nx.read_graphml(write_graph(found.to_networkx(), tmp_path / "units.graphml"))
    assert set(again.nodes) == {u.unit_id for u in found.units}
    assert again.number_of_edges() == len(found.links)


def test_a_graph_has_one_of_two_endings_and_people_are_chosen_only_from_a_competence_graph(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"\.graphml or \.json"):
        write_graph(graph_of(), tmp_path / "map.gexf")
    with pytest.raises(InputError, match="written whole"):
        write_graph(nx.Graph(), tmp_path / "map.json", people=["p1"])
