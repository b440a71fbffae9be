"""The group as bearer of competence: coverage by hand, what each adds by removal, what lies unused, units to be joined."""

from __future__ import annotations

import inspect
import json
import re
from dataclasses import replace
from datetime import date
from itertools import permutations
from math import isclose
from typing import Any

import pytest
from cases import (
    ASSISTANT,
    CALM,
    CARETAKER,
    CARPENTRY,
    COORDINATOR,
    DEMENTIA,
    EARLY,
    EVIDENCE,
    FINNISH,
    LICENCE,
    LIFT,
    NORTH,
    NURSE,
    OFFICE,
    PEOPLE,
    REGISTERED,
    ROSTER,
    SOUTH,
    asks,
    certificate,
    concept,
    graph_of,
    linker,
    person,
    piece,
    random_staff,
    role,
    shuffled,
    small_staff,
    taxonomy,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from competence import group as module
from competence._texts import _texts, keys, text
from competence.equality import WHOLE, TableKind
from competence.errors import InputError, UnknownIdError
from competence.graph import CompetenceGraph, build_graph
from competence.group import (
    AskedWhere,
    GroupMap,
    MergeChange,
    group_map,
    merge_units,
    unused_competence,
)
from competence.inference import infer_hidden
from competence.model import ConceptKind, Employment, OptIn, OptIns, Post, RoleShare, Sex, Source, Unit, Visibility
from competence.organisation import unused_figures
from competence.settings import Settings
from competence.staff import Staff
from competence.taxonomy import Taxonomy
from competence.testing import staff_strategy, swap_sex

EIGHT = [p.person_id for p in PEOPLE]


def needs_of(found: GroupMap) -> dict[str, tuple[int, int, int]]:
    """Return places, filled places and those who reach it themselves, per concept."""
    return {n.concept_id: (n.needed, n.filled, n.own) for n in found.needs}


# -- the unit of eight, by hand -------------------------------------------------------------------------------------------------
#
# Whole levels that the organisation may see (p1's Finnish and p3's dementia care are for narrower audiences):
#
#            dementia  lift  calm  roster  finnish  carpentry  licence  nurse  early
#   p1 assistant   4     3
#   p2 assistant   2           3                       4
#   p3 coordinator             4      3
#   p4 coordinator                    2       5
#   p5 caretaker                                       3         proof
#   p6 nurse       3                  2                                  proof    4
#   p7 coordinator             3      4
#   p8 coordinator       2            5
#
# Assistants are asked dementia 3 (weight 1), lift 2 (0.8), calm 2 (0.5); coordinators roster 3 (1), calm 3 (0.7), Finnish 2
# (0.4); the caretaker carpentry 3 (1), lift 2 (0.5) and by law a licence; the nurse dementia 2 (0.6), roster 3 (1) and by law
# a registration.

BY_HAND = {
    # concept: (places, filled, own, weight, sum of weight * min(level / asked, 1) of those asked)
    DEMENTIA: (3, 3, 2, 1 + 1 + 0.6, 1 + 2 / 3 + 0.6),  # asked 3, 3, 2; held 4, 3, 2: each place by another person
    LIFT: (3, 2, 1, 0.8 + 0.8 + 0.5, 0.8),  # asked 2, 2, 2; held 3, 2, but p8 is not asked
    CALM: (6, 3, 3, 4 * 0.7 + 2 * 0.5, 0.5 + 0.7 + 0.7),  # asked 3 four times, 2 twice; held 4, 3, 3
    ROSTER: (5, 3, 3, 5.0, 1 + 2 / 3 + 2 / 3 + 1 + 1),  # asked 3 five times; held 5, 4, 3, 2, 2
    FINNISH: (4, 1, 1, 1.6, 0.4),  # asked 2 four times; held 5
    CARPENTRY: (1, 1, 1, 1.0, 1.0),  # asked 3; held 4, 3
}
TOTAL = 2.6 + 2.1 + 3.8 + 5.0 + 1.6 + 1.0  # 16.1


def test_coverage_of_the_eight_is_what_the_hand_gives() -> None:
    found = group_map(graph_of(), EIGHT)
    by_concept = {n.concept_id: n for n in found.needs if not n.hard}
    assert set(by_concept) == set(BY_HAND)
    for concept_id, (needed, filled, own, weight, near) in BY_HAND.items():
        need = by_concept[concept_id]
        assert (need.needed, need.filled, need.own, need.short) == (needed, filled, own, needed - filled)
        assert isclose(need.weight, weight)
        assert isclose(need.fit, near / weight)
    # 2.6 * 3/3 + 2.1 * 2/3 + 3.8 * 3/6 + 5 * 3/5 + 1.6 * 1/4 + 1 * 1/1 = 2.6 + 1.4 + 1.9 + 3 + 0.4 + 1 = 10.3
    assert found.coverage is not None
    assert isclose(found.coverage, 10.3 / 16.1)
    # Only those asked: 2.6 * 2/3 + 2.1 * 1/3 + 3.8 * 3/6 + 5 * 3/5 + 1.6 * 1/4 + 1 = 1.7333 + 0.7 + 1.9 + 3 + 0.4 + 1 = 8.7333
    assert found.own is not None
    assert isclose(found.own, (26 / 15 + 0.7 + 1.9 + 3 + 0.4 + 1) / 16.1)
    # 2.2667 + 0.8 + 1.9 + 4.3333 + 0.4 + 1 = 10.7
    assert found.fit is not None
    assert isclose(found.fit, 10.7 / 16.1)
    assert isclose(sum(n.weight for n in by_concept.values()), TOTAL)


def test_levels_asked_and_reached_of_the_eight_stand_level_by_level() -> None:
    by_concept = {n.concept_id: n for n in group_map(graph_of(), EIGHT).needs}
    assert by_concept[CALM].asked == ((3, 4), (2, 2))
    assert by_concept[CALM].reaching == ((3, 3), (2, 3))
    assert by_concept[DEMENTIA].asked == ((3, 2), (2, 1))
    assert by_concept[DEMENTIA].reaching == ((3, 2), (2, 3))


def test_what_law_asks_for_is_filled_by_proof_only_and_weighed_in_nothing() -> None:
    found = group_map(graph_of(), EIGHT)
    hard = {n.concept_id: n for n in found.needs if n.hard}
    assert {c: (n.needed, n.filled, n.own) for c, n in hard.items()} == {LICENCE: (1, 1, 1), NURSE: (1, 1, 1)}
    claimed = [*(e for e in EVIDENCE if e.concept_id != NURSE), piece("p6", NURSE, 5), piece("p6", NURSE, 5, Source.ASSESSMENT)]
    without = group_map(graph_of(small_staff(evidence=claimed)), EIGHT)
    (need,) = (n for n in without.needs if n.concept_id == NURSE)
    assert (need.hard, need.filled, need.own, need.fit) == (True, 0, 0, 0.0)
    assert without.needs[0] is need, "what law asks for and nobody proves stands first"
    assert without.coverage == found.coverage


def test_depth_of_the_eight_counts_people_at_each_level_and_names_them() -> None:
    depth = {d.concept_id: d for d in group_map(graph_of(), EIGHT).depth}
    assert depth[ROSTER].levels == (0, 2, 1, 1, 1)
    assert depth[ROSTER].people == (("p8", 5), ("p7", 4), ("p3", 3), ("p4", 2), ("p6", 2))
    assert depth[FINNISH].levels == (0, 0, 0, 0, 1)
    assert set(depth) == {e.concept_id for e in EVIDENCE}


def test_what_each_of_the_eight_adds_is_what_the_hand_gives() -> None:
    # p1: dementia 3 of 3 -> 2 (p6 fills a place at 3, p2 the one at 2), lift 2 of 3 -> 1.
    # p2: dementia: two places at 3 and one at 2 remain for p1 and p6; calm 3 of 6 -> 2. Carpentry is filled by p5 as well.
    # p6: dementia -> 2; roster at level 2 filled no place. p4: Finnish 1 of 4 -> 0. p5: carpentry is filled by p2.
    by_hand = {
        "p1": 2.6 / 3 + 2.1 / 3,
        "p2": 2.6 / 3 + 3.8 / 6,
        "p3": 3.8 / 6 + 5 / 5,
        "p4": 1.6 / 4,
        "p5": 0.0,
        "p6": 2.6 / 3,
        "p7": 3.8 / 6 + 5 / 5,
        "p8": 2.1 / 3 + 5 / 5,
    }
    found = group_map(graph_of(), EIGHT)
    assert [c.person_id for c in found.contributions] == EIGHT
    for adds in found.contributions:
        assert isclose(adds.marginal, by_hand[adds.person_id] / TOTAL, abs_tol=1e-12)
    added = {c.person_id: (c.places, c.alone) for c in found.contributions}
    assert added["p1"] == ((DEMENTIA, LIFT), ())
    assert added["p4"] == ((FINNISH,), (FINNISH,))
    assert added["p5"] == ((LICENCE,), (LICENCE,))
    assert added["p6"] == ((DEMENTIA, NURSE), (EARLY, NURSE))


def test_what_rests_on_one_of_the_eight_alone() -> None:
    single = group_map(graph_of(), EIGHT).single_holders
    assert [(s.concept_id, s.person_id, s.level, s.asked, s.hard) for s in single] == [
        (LICENCE, "p5", 1, 1, True),
        (FINNISH, "p4", 5, 2, False),
        (NURSE, "p6", 1, 1, True),
        (EARLY, "p6", 4, None, False),
    ]


def test_the_only_one_at_the_level_is_single_though_others_hold_it_lower() -> None:
    evidence = [piece("p3", ROSTER, 4), piece("p4", ROSTER, 2), piece("p7", ROSTER, 1)]
    (single,) = group_map(graph_of(small_staff(evidence=evidence)), ["p3", "p4", "p7"]).single_holders
    assert (single.concept_id, single.person_id, single.asked) == (ROSTER, "p3", 3)


def test_a_unit_takes_in_those_below_it_and_only_the_roles_held_there_ask() -> None:
    graph = graph_of()
    care = group_map(graph, "Vård och omsorg")
    assert care.people == ("p1", "p2", "p3", "p4", "p6", "p7", "p8")
    assert care == group_map(graph, "u-care") == group_map(graph, graph.staff.find_unit("u-care"))
    assert care.needs == group_map(graph, care.people).needs
    assert (care.title, care.unit_ids) == ("Vård och omsorg", ("u-care",))
    # A second job in the office asks for carpentry there, and for nothing in the north.
    job = Employment(unit_id=OFFICE, roles=(RoleShare(title="vaktmästare", role_id=CARETAKER),))
    two = replace(PEOPLE[0], employments=(*PEOPLE[0].employments, job))
    graph = graph_of(small_staff([two, *PEOPLE[1:]]))
    assert CARPENTRY not in needs_of(group_map(graph, NORTH))
    # p1 and p5 are asked in the office, and p1 has no carpentry.
    assert needs_of(group_map(graph, OFFICE))[CARPENTRY] == (2, 1, 1)
    assert DEMENTIA not in needs_of(group_map(graph, OFFICE))
    assert CARPENTRY in needs_of(group_map(graph, ["p1"]))


def test_a_post_held_in_the_unit_asks_and_a_vacant_one_does_not() -> None:
    share = (RoleShare(title="vaktmästare", role_id=CARETAKER),)
    held = Post(post_id="x", unit_id=NORTH, holder_id="p1", roles=share)
    assert needs_of(group_map(graph_of(small_staff(posts=(held,))), NORTH))[CARPENTRY] == (1, 0, 0)
    for other in (replace(held, holder_id=None), replace(held, unit_id=SOUTH)):
        assert CARPENTRY not in needs_of(group_map(graph_of(small_staff(posts=(other,))), NORTH))


def test_one_person_with_two_roles_that_ask_the_same_is_one_place_at_the_higher_level_and_weight() -> None:
    both = (RoleShare(title="a", role_id=ASSISTANT), RoleShare(title="b", role_id=COORDINATOR))
    one = replace(PEOPLE[0], employments=(Employment(unit_id=NORTH, roles=both),))
    found = group_map(graph_of(small_staff([one, *PEOPLE[1:]])), ["p1"])
    (need,) = (n for n in found.needs if n.concept_id == CALM)
    assert (need.asked, need.weight) == (((3, 1),), 0.7)
    assert found.roles == ((ASSISTANT, 1), (COORDINATOR, 1))


# -- the same by slower ways -----------------------------------------------------------------------------------------------------


def slow_coverage(
    graph: CompetenceGraph, holders: list[str], asked: list[str]
) -> tuple[float | None, dict[tuple[str, bool], int]]:
    """Try every way to seat holders on the places of those asked, and return coverage and filled places."""
    places: dict[tuple[str, bool], list[tuple[int, float]]] = {}
    for p in asked:
        for r in graph.required(p).values():
            places.setdefault((r.concept_id, r.hard), []).append((r.level, r.weight))
    filled, value, total = {}, 0.0, 0.0
    for (concept_id, hard), levels in places.items():
        name = "formal_level" if hard else "rounded"
        column = graph.column(name, graph.concept_index[concept_id])
        held = [int(column[graph.row(p)]) for p in holders] + [0] * len(levels)
        best = max(sum(h >= n for h, (n, _) in zip(seats, levels, strict=True)) for seats in permutations(held, len(levels)))
        filled[concept_id, hard] = best
        if not hard:
            weight = sum(w for _, w in levels)
            total += weight
            value += weight * best / len(levels)
    return (value / total if total else None), filled


@pytest.mark.parametrize("seed", range(12))
def test_coverage_and_what_each_adds_equal_every_seating_with_and_without_each(seed: int) -> None:
    graph = graph_of(random_staff(seed, 4))
    people = list(graph.person_ids)
    found = group_map(graph, people)
    whole, filled = slow_coverage(graph, people, people)
    assert whole is not None
    assert found.coverage is not None
    assert isclose(found.coverage, whole)
    assert {(n.concept_id, n.hard): n.filled for n in found.needs} == filled
    for adds in found.contributions:
        rest = [p for p in people if p != adds.person_id]
        without, filled_without = slow_coverage(graph, rest, people)
        assert without is not None
        assert isclose(adds.marginal, whole - without, abs_tol=1e-12)
        assert set(adds.places) == {key[0] for key, n in filled.items() if filled_without[key] == n - 1}
        others = {h.concept_id for p in rest for h in graph.holdings(p) if h.rounded}
        assert set(adds.alone) == {h.concept_id for h in graph.holdings(adds.person_id) if h.rounded} - others


@pytest.mark.parametrize("seed", range(6))
def test_the_mean_of_own_fits_and_what_those_asked_reach_equal_a_sum_over_people(seed: int) -> None:
    graph = graph_of(random_staff(seed, 9))
    found = group_map(graph, graph.person_ids)
    weight = near = 0.0
    reached: dict[tuple[str, bool], int] = {}
    for p in graph.person_ids:
        for r in graph.required(p).values():
            holding = graph.holding(p, r.concept_id)
            level = holding.rounded if holding else 0
            if r.hard:
                level = int(graph.column("formal_level", graph.concept_index[r.concept_id])[graph.row(p)])
            else:
                weight += r.weight
                near += r.weight * min(level / r.level, 1.0)
            key = (r.concept_id, r.hard)
            reached[key] = reached.get(key, 0) + (level >= r.level)
    assert found.fit is not None
    assert isclose(found.fit, near / weight)
    assert {(n.concept_id, n.hard): n.own for n in found.needs} == reached
    assert all(n.own <= n.filled <= n.needed for n in found.needs)
    assert found.own is not None
    assert found.coverage is not None
    assert found.own <= found.coverage


@pytest.mark.parametrize("seed", range(6))
def test_unused_holdings_equal_those_of_the_graph_and_say_where_the_nearest_asks(seed: int) -> None:
    graph = graph_of(random_staff(seed, 8))
    found = unused_competence(graph)
    expected = {}
    asked_by = {
        p: {r.concept_id for x in graph.person_roles[graph.row(p)] for r in graph.role(x).requirements} for p in graph.person_ids
    }
    for p in graph.person_ids:
        own = set(graph.units_of[graph.row(p)])
        for h in graph.unused(p):
            near = {q for q in graph.person_ids if h.concept_id in asked_by[q]}
            here = any(own & set(graph.units_of[graph.row(q)]) for q in near)
            expected[p, h.concept_id] = (
                h.rounded,
                AskedWhere.UNIT if here else AskedWhere.ELSEWHERE if near else AskedWhere.NOWHERE,
            )
    assert {(h.person_id, h.concept_id): (h.level, h.asked) for h in found.holdings} == expected
    for p in graph.person_ids:
        assert [h.concept_id for h in found.of_person(p)] == [h.concept_id for h in graph.unused(p)]
    counted = {c.concept_id: set(c.people) for c in found.concepts}
    assert counted == {
        c: {p for (p, k), (level, _) in expected.items() if k == c and level}
        for c in {k for (_, k), (level, _) in expected.items() if level}
    }
    for c in found.concepts:
        assert sum(c.levels) == len(c.people) == sum(n for _, n in c.asked)


# -- unused in common, languages -------------------------------------------------------------------------------------------------


def test_unused_in_common_is_held_by_several_and_asked_of_no_holder() -> None:
    extra = [piece(p, CARPENTRY, 3) for p in ("p1", "p3")] + [piece("p3", LIFT, 3)]
    graph = graph_of(small_staff(evidence=[*EVIDENCE, *extra]))
    # In the north p1 and p3 hold carpentry; lift is asked of p1, who holds it.
    (common,) = group_map(graph, NORTH).unused_in_common
    assert (common.concept_id, common.people, common.asked_here) == (CARPENTRY, ("p1", "p3"), False)
    # With p5, whose role asks for carpentry and who holds it, it is used in the group.
    assert CARPENTRY not in {c.concept_id for c in group_map(graph, ["p1", "p3", "p5"]).unused_in_common}
    three = Settings.of({"group": {"common": 3}})
    assert group_map(graph, NORTH, settings=three).unused_in_common == ()


def test_unused_in_common_says_when_a_role_of_somebody_else_here_asks_for_it() -> None:
    evidence = [piece(p, FINNISH, 3) for p in ("p1", "p2")]
    graph = graph_of(small_staff(evidence=evidence))
    (common,) = group_map(graph, ["p1", "p2", "p4"]).unused_in_common
    assert (common.concept_id, common.asked_here) == (FINNISH, True)


def test_languages_of_a_group_are_those_among_what_is_held() -> None:
    graph = graph_of(small_staff(evidence=[*EVIDENCE, piece("p2", FINNISH, 2)]))
    (language,) = group_map(graph, SOUTH).languages
    assert (language.concept_id, language.people) == (FINNISH, (("p4", 5), ("p2", 2)))
    assert taxonomy().concepts[FINNISH].kind is ConceptKind.LANGUAGE


def test_what_is_to_be_reconfirmed_fills_nothing_and_is_told_apart() -> None:
    old = piece("p7", ROSTER, 4, Source.SELF, day=date(1990, 1, 1))
    found = group_map(graph_of(small_staff(evidence=[old])), NORTH)
    (depth,) = found.depth
    assert (depth.holders, depth.reconfirm, depth.people) == (0, 1, (("p7", 0),))
    assert needs_of(found)[ROSTER] == (2, 0, 0)
    assert found.single_holders == found.unused_in_common == ()
    weak = unused_competence(graph_of(small_staff(evidence=[replace(old, concept_id=CARPENTRY)])))
    assert [(h.person_id, h.level) for h in weak.holdings] == [("p7", 0)]
    assert weak.concepts == ()
    assert weak.by_sex["with_unused"].total == 0


# -- where it would be wanted ----------------------------------------------------------------------------------------------------


def test_unused_of_the_eight_and_where_it_would_be_wanted() -> None:
    found = unused_competence(graph_of())
    assert [(h.person_id, h.concept_id, h.asked) for h in found.holdings] == [
        ("p2", CARPENTRY, AskedWhere.ELSEWHERE),  # the caretaker in the office
        ("p6", EARLY, AskedWhere.NOWHERE),
        ("p8", LIFT, AskedWhere.UNIT),  # p2, an assistant in the south
    ]
    assert [(u.unit_id, u.people, u.with_unused, u.holdings, u.concepts) for u in found.units] == [
        (NORTH, 3, 0, 0, 0),
        (OFFICE, 1, 0, 0, 0),
        (SOUTH, 4, 3, 3, 3),
    ]
    # Finnish 2: two coordinators in the north, none of whom reaches it; two in the south, of whom p4 does.
    wanted = [(w.unit_id, w.role_id, w.people, w.reaching, w.missing) for w in found.wanted(FINNISH)]
    assert wanted == [(NORTH, COORDINATOR, 2, 0, 2), (SOUTH, COORDINATOR, 2, 1, 1)]
    assert found.wanted(EARLY) == ()
    # By law only proof reaches: the nurse has it.
    assert [(w.role_id, w.hard, w.reaching) for w in found.wanted(NURSE)] == [(REGISTERED, True, 1)]
    assert found.of_unit(SOUTH).people == ("p2", "p4", "p6", "p8")
    assert len(found.of_unit("Hemtjänst Norr")) == 0
    assert found.of_unit("Vård och omsorg").holdings == found.holdings


def test_a_vacant_post_asks_and_one_whose_holder_the_files_do_not_tell_of_does_not() -> None:
    share = (RoleShare(title="vaktmästare", role_id=CARETAKER),)
    vacant = Post(post_id="x", unit_id=SOUTH, roles=share)
    gone = person("p9", unit=SOUTH, end=date(2026, 1, 1))
    for post, missing in ((vacant, 1), (replace(vacant, holder_id="p9"), 1), (replace(vacant, holder_id="stranger"), None)):
        found = unused_competence(graph_of(small_staff([*PEOPLE, gone], posts=(post,))))
        here = {w.unit_id: (w.people, w.vacant, w.missing) for w in found.wanted(CARPENTRY)}
        assert here == {OFFICE: (1, 0, 0)} | ({SOUTH: (0, 1, missing)} if missing else {})
        (carpentry,) = (h for h in found.holdings if h.concept_id == CARPENTRY)
        assert carpentry.asked is (AskedWhere.UNIT if missing else AskedWhere.ELSEWHERE)


def test_only_the_people_or_units_asked_for_are_covered() -> None:
    graph = graph_of()
    assert unused_competence(graph, units=["Hemtjänst Söder"]).people == ("p2", "p4", "p6", "p8")
    few = unused_competence(graph, people=["p6", "p2"])
    assert few.people == ("p2", "p6")
    assert few.holdings == tuple(h for h in unused_competence(graph).holdings if h.person_id in ("p2", "p6"))
    with pytest.raises(UnknownIdError, match="not among the 2"):
        few.of_person("p8")
    with pytest.raises(InputError, match="not both"):
        unused_competence(graph, people=["p1"], units=[NORTH])
    assert len(unused_competence(graph, people=[])) == 0


# -- units to be joined ----------------------------------------------------------------------------------------------------------


def test_joining_two_units_fills_a_place_that_each_alone_leaves() -> None:
    # North: p1 assistant, p3 and p7 coordinators. South: p2 assistant, p4 and p8 coordinators, p6 nurse.
    evidence = [
        piece("p3", ROSTER, 3),
        piece("p7", ROSTER, 3),
        piece("p1", ROSTER, 4),  # spare in the north, missing in the south
        piece("p4", ROSTER, 3),
        piece("p8", ROSTER, 2),
        piece("p6", ROSTER, 3),
        piece("p2", DEMENTIA, 3),
        piece("p4", CARPENTRY, 2),
        piece("p1", CALM, 1),
    ]
    found = merge_units(graph_of(small_staff(evidence=evidence)), ["Hemtjänst Norr", SOUTH])
    by_concept = {n.concept_id: n for n in found.needs if not n.hard}
    roster = by_concept[ROSTER]
    assert (roster.needed_before, roster.filled_before, roster.needed, roster.filled) == ((2, 3), (2, 2), 5, 5)
    assert roster.change is MergeChange.BECOMES_COVERED
    # Dementia care: north needs 3, south 3 and 2; held by p2 alone, whether joined or not.
    assert (by_concept[DEMENTIA].filled_before, by_concept[DEMENTIA].filled) == ((0, 1), 1)
    assert by_concept[DEMENTIA].change is MergeChange.STAYS_SHORT
    assert found.changed("becomes_covered") == (roster,)
    # Weights: assistant 1 + 0.8 + 0.5, coordinator 1 + 0.7 + 0.4, nurse 0.6 + 1. North 2.3 + 4.2 = 6.5, south 6.5 + 1.6 = 8.1.
    # Before: roster 2 * 2/2 in the north, 3 * 2/3 and dementia 1.6 * 1/2 in the south. After: roster 5, dementia 2.6 * 1/3.
    assert found.coverage_before is not None
    assert isclose(found.coverage_before, (2 + 2 + 0.8) / 14.6)
    assert found.after.coverage is not None
    assert isclose(found.after.coverage, (5 + 2.6 / 3) / 14.6)
    several = {h.concept_id: (h.holders, h.spare) for h in found.held_in_several}
    assert several == {ROSTER: ((3, 3), 0)}  # five reach level 3, five places
    one = [(h.concept_id, h.unit_id, h.people, h.asked_by_others) for h in found.held_in_one]
    assert one == [
        (CALM, NORTH, ("p1",), True),
        (DEMENTIA, SOUTH, ("p2",), True),
        (CARPENTRY, SOUTH, ("p4",), False),
    ]
    assert found.by_sex["people"].total == 7
    assert found.by_sex[f"people:{NORTH}"].total == 3
    assert found.after == group_map(graph_of(small_staff(evidence=evidence)), "u-care") or found.after.unit_ids == (NORTH, SOUTH)


@pytest.mark.parametrize("seed", range(8))
def test_joining_units_with_nobody_in_common_never_leaves_more_places_short(seed: int) -> None:
    graph = graph_of(random_staff(seed, 12))
    found = merge_units(graph, [NORTH, SOUTH, OFFICE])
    assert found.changed(MergeChange.WORSE) == ()
    for n in found.needs:
        assert n.needed == sum(n.needed_before)
        assert n.filled >= sum(n.filled_before)
        before = sum(n.needed_before) - sum(n.filled_before)
        after = n.needed - n.filled
        assert (n.change is MergeChange.BECOMES_COVERED) == (before > 0 and after == 0)
        assert (n.change is MergeChange.EASED) == (0 < after < before)
        assert (n.change is MergeChange.COVERED) == (before == 0 == after)


def test_somebody_who_works_in_both_fills_one_place_after_and_one_in_each_before() -> None:
    jobs = tuple(Employment(unit_id=u, roles=(RoleShare(title="s", role_id=COORDINATOR),)) for u in (NORTH, OFFICE))
    both = replace(person("b"), employments=jobs)
    other = person("c", unit=OFFICE, role_id=COORDINATOR)
    found = merge_units(graph_of(small_staff([both, other], [piece("b", ROSTER, 3)], ())), [NORTH, OFFICE])
    (roster,) = (n for n in found.needs if n.concept_id == ROSTER)
    assert (roster.needed_before, roster.filled_before, roster.needed, roster.filled) == ((1, 2), (1, 1), 2, 1)
    assert roster.change is MergeChange.STAYS_SHORT
    assert found.by_sex["people"].total == 2


def test_somebody_who_filled_a_place_in_each_unit_leaves_one_short_when_they_are_one() -> None:
    # b fills the own place in the north, and in the office, where b is a caretaker, that of c.
    jobs = (
        Employment(unit_id=NORTH, roles=(RoleShare(title="s", role_id=COORDINATOR),)),
        Employment(unit_id=OFFICE, roles=(RoleShare(title="v", role_id=CARETAKER),)),
    )
    people = [replace(person("b"), employments=jobs), person("c", unit=OFFICE, role_id=COORDINATOR)]
    found = merge_units(graph_of(small_staff(people, [piece("b", ROSTER, 3)], ())), [NORTH, OFFICE])
    (roster,) = found.changed(MergeChange.WORSE)
    assert (roster.concept_id, roster.needed_before, roster.filled_before) == (ROSTER, (1, 1), (1, 1))
    assert (roster.needed, roster.filled) == (2, 1)


def test_words_for_the_same_thing_are_found_between_the_units_and_not_within_one() -> None:
    terms = [
        concept(f"local:{k}", k, k, scheme="local") for k in ("kylteknik", "kyl-teknik", "värmepump", "värmepumpp", "stickning")
    ]
    evidence = [
        piece("p1", "local:kylteknik", 3),
        piece("p2", "local:kyl-teknik", 3),
        piece("p4", "local:värmepump", 3),  # both words in the south only
        piece("p8", "local:värmepumpp", 3),
        piece("p3", "local:stickning", 3),
    ]
    titled = [
        replace(p, employments=tuple(replace(e, roles=(replace(e.roles[0], title="Usk"),)) for e in p.employments))
        if p.person_id == "p2"
        else p
        for p in PEOPLE
    ]
    staff = small_staff(titled, evidence, (), local_concepts=tuple(terms))
    found = merge_units(graph_of(staff), [NORTH, SOUTH])
    terms_found = [(s.words, s.unit_ids, s.other_words, s.other_unit_ids) for s in found.same_words if s.kind == "term"]
    assert [(({s[0], s[2]}), {s[1], s[3]}) for s in terms_found] == [({"kylteknik", "kyl-teknik"}, {(NORTH,), (SOUTH,)})]
    titles = [(s.id, s.words, s.unit_ids, s.other_words, s.other_unit_ids) for s in found.same_words if s.kind == "title"]
    assert titles == [(ASSISTANT, "undersköterska", (NORTH,), "Usk", (SOUTH,))]
    assert "Usk" in found.explain()


def test_units_to_join_must_be_two_and_lie_apart() -> None:
    graph = graph_of()
    with pytest.raises(InputError, match="at least two"):
        merge_units(graph, [NORTH])
    with pytest.raises(InputError, match="at least two"):
        merge_units(graph, NORTH)
    with pytest.raises(InputError, match="Hemtjänst Norr"):
        merge_units(graph, [NORTH, "Hemtjänst Norr"])
    with pytest.raises(InputError, match="within"):
        merge_units(graph, ["u-care", SOUTH])
    with pytest.raises(UnknownIdError, match="Hemtjänst"):
        merge_units(graph, [NORTH, "Hemtjänst Väster"])


# -- who may see, and who is not there -------------------------------------------------------------------------------------------


def everything(graph: CompetenceGraph) -> list[dict[str, Any]]:
    """Return every result of the module as plain values."""
    return [
        group_map(graph, graph.person_ids).to_dict(),
        group_map(graph, "u-care").to_dict(),
        unused_competence(graph).to_dict(),
        unused_figures(graph).to_dict(),
        merge_units(graph, [NORTH, SOUTH]).to_dict(),
    ]


@pytest.mark.parametrize("audience", ["manager", "unit", "organisation"])
def test_evidence_narrower_than_the_audience_changes_nothing(audience: str) -> None:
    narrower = [v for v in Visibility if v.rank < Visibility(audience).rank]
    hidden = [
        piece(p, c, 5, Source.ASSESSMENT, visibility=v, evidence_id=f"hidden-{p}-{c}-{v}")
        for v in narrower
        for p in EIGHT
        for c in (DEMENTIA, FINNISH, CARPENTRY, EARLY)
    ]
    kept = [e for e in EVIDENCE if e.visibility.rank >= Visibility(audience).rank]
    assert hidden
    shown = graph_of(small_staff(evidence=[*kept, *hidden]), audience=audience)
    assert everything(shown) == everything(graph_of(small_staff(evidence=kept), audience=audience))


def test_a_wider_audience_sees_what_the_unit_may_see() -> None:
    # p1's Finnish is for the unit: asked of no assistant, but of the coordinators in the north.
    seen = unused_competence(graph_of(audience="unit"), people=["p1"])
    assert [(h.concept_id, h.level, h.asked) for h in seen.holdings] == [(FINNISH, 3, AskedWhere.UNIT)]
    assert len(unused_competence(graph_of(), people=["p1"])) == 0
    assert group_map(graph_of(audience="unit"), NORTH).audience == "unit"
    assert group_map(graph_of(), NORTH).scope == "unscoped"


def test_a_protected_person_is_in_nothing() -> None:
    people = [replace(p, protected=p.person_id == "p4") for p in PEOPLE]
    without = small_staff([p for p in PEOPLE if p.person_id != "p4"], [e for e in EVIDENCE if e.person_id != "p4"], ())
    results = everything(graph_of(small_staff(people, interests=())))
    assert "p4" not in json.dumps(results)
    assert results == everything(graph_of(without))
    with pytest.raises(UnknownIdError):
        group_map(graph_of(small_staff(people)), ["p1", "p4"])


def test_proposals_of_hidden_competence_are_in_nothing() -> None:
    people = [replace(p, opt_ins=OptIns(prompts=OptIn.YES)) for p in PEOPLE]
    graph = graph_of(small_staff(people))
    inferred = infer_hidden(graph)
    assert inferred.inferred is not None
    assert everything(inferred) == everything(graph)


def test_whoever_has_left_is_in_no_group() -> None:
    left = [replace(p, end=date(2026, 1, 1)) if p.person_id == "p4" else p for p in PEOPLE]
    found = group_map(graph_of(small_staff(left)), SOUTH)
    assert found.people == ("p2", "p6", "p8")
    assert FINNISH not in {d.concept_id for d in found.depth}


# -- sex ------------------------------------------------------------------------------------------------------------------------


def without_figures(value: Any) -> Any:
    """Return plain values without the figures by sex, wherever they stand."""
    if isinstance(value, dict):
        return (
            {k: without_figures(v) for k, v in value.items() if k not in ("by_sex",)}
            if "kind" not in value or "units" not in value
            else {}
        )
    return [without_figures(v) for v in value] if isinstance(value, list) else value


@pytest.mark.parametrize("seed", [None, *range(4)])
def test_swapping_all_sex_labels_changes_nothing_but_the_figures_by_sex(seed: int | None) -> None:
    staff = small_staff() if seed is None else random_staff(seed, 12)
    before, after = everything(graph_of(staff)), everything(graph_of(swap_sex(staff)))
    assert without_figures(before) == without_figures(after)
    rows, swapped = before[0]["by_sex"]["rows"], after[0]["by_sex"]["rows"]
    assert [(r["women"], r["men"], r["total"]) for r in rows] == [(r["men"], r["women"], r["total"]) for r in swapped]


def test_figures_of_the_eight_by_sex_count_as_they_are() -> None:
    found = group_map(graph_of(), EIGHT)
    assert found.by_sex.kind is TableKind.NAMED
    cells = {r.measure: (r.women, r.men, r.total) for r in found.by_sex.rows}
    # Alone with something asked for: p4 (Finnish), p5 (licence), p6 (registration). Unused: p2, p6, p8.
    assert cells == {"people": (4, 3, 8), "alone_with_asked": (1, 1, 3), "with_unused": (1, 2, 3)}
    calm = {r.measure: (r.women, r.men, r.total) for r in found.by_sex_of(CALM).rows}
    assert calm == {"people": (4, 3, 8), "holders": (2, 1, 3), "reaching": (2, 1, 3)}
    roster = found.by_sex_of(ROSTER)
    assert (roster["holders"].total, roster["reaching"].total) == (5, 3)
    with pytest.raises(UnknownIdError, match="neither held nor asked"):
        found.by_sex_of("knitting")


def test_no_parameter_takes_sex_or_another_ground() -> None:
    taken = {p for f in (group_map, merge_units, unused_competence, unused_figures) for p in inspect.signature(f).parameters}
    assert taken == {"graph", "people_or_unit", "units", "people", "settings"}


# -- what may be published -------------------------------------------------------------------------------------------------------


AREA = "u-area"


def many(n: int = 30) -> Staff:
    """Return women and men by turns in two sectors: two thirds in the north and the rest in the south."""
    people = [person(f"q{i:02}", (Sex.WOMAN, Sex.MAN)[i % 2], unit=NORTH if i < 2 * n // 3 else SOUTH) for i in range(n)]
    units = (Unit(unit_id=AREA), Unit(unit_id=NORTH, name="Norr", parent_id=AREA), Unit(unit_id=SOUTH, parent_id=AREA))
    return small_staff(people, (), (), units)


def test_published_figures_hide_one_person_in_a_unit_and_what_would_tell_of_her() -> None:
    staff = many()
    # Ten in the north and one in the south hold carpentry unused; one holds Finnish.
    evidence = [piece(f"q{i:02}", CARPENTRY, 3) for i in (*range(10), 20)] + [piece("q21", FINNISH, 3)]
    graph = graph_of(staff.replace(evidence=tuple(evidence)))
    figures = unused_figures(graph)
    measure = f"unused:{CARPENTRY}"
    south, north, whole = (figures.concepts[u][measure] for u in (SOUTH, NORTH, WHOLE))
    assert (south.women, south.men, south.total) == (None, None, None)
    # The whole less the north would tell of the one in the south.
    assert whole.total is None or north.total is None
    south, north, whole = (figures.units[u]["with_unused"] for u in (SOUTH, NORTH, WHOLE))
    assert (south.women, south.men, south.total) == (None, None, None)
    assert whole.total is None or north.total is None
    assert figures.units[WHOLE]["people"].total == 30
    assert {figures.units.kind, figures.concepts.kind} == {TableKind.PUBLISHED}
    # One person holds Finnish: no row tells of it at all.
    told = json.dumps(figures.to_dict())
    assert FINNISH not in told
    assert not any(p in told for p in graph.person_ids)


def test_published_figures_show_what_is_large_enough_with_women_men_and_total() -> None:
    staff = many()
    evidence = [piece(f"q{i:02}", CARPENTRY, 3) for i in range(10)] + [piece(f"q{i:02}", DEMENTIA, 3) for i in range(20)]
    figures = unused_figures(graph_of(staff.replace(evidence=tuple(evidence))))
    row = figures.concepts[WHOLE][f"unused:{CARPENTRY}"]
    assert (row.women, row.men, row.total) == (5, 5, 10)
    assert figures.concepts[NORTH][f"holders:{CARPENTRY}"].total == 10
    assert (figures.units[WHOLE]["with_unused"].total, figures.units[WHOLE]["people"].total) == (10, 30)
    # The area is everybody, so that its two units are the sectors.
    assert set(figures.concepts) == {WHOLE, NORTH, SOUTH}
    assert set(figures.units) == {WHOLE, AREA, NORTH, SOUTH}
    # Dementia care is asked of all of them, so that nobody holds it unused.
    assert DEMENTIA not in json.dumps(figures.to_dict())
    frame = figures.to_frame("en")
    assert list(frame.columns[:6]) == ["unit_id", "unit", "concept_id", "label", "measure", "women"]
    here = frame[(frame["unit_id"] == NORTH) & (frame["measure"] == "unused")]
    assert here[["unit", "label", "women", "men", "total"]].values.tolist() == [["Norr", "carpentry", 5, 5, 10]]
    assert (frame["measure"] == "people").sum() == 4


def test_published_figures_take_no_choice_of_people_or_units() -> None:
    assert set(inspect.signature(unused_figures).parameters) == {"graph", "settings"}


# -- any staff ------------------------------------------------------------------------------------------------------------------


@settings(max_examples=25)
@given(st.integers(0, 10_000), st.integers(1, 10), st.integers(0, 1000))
def test_the_order_of_rows_changes_nothing(seed: int, n: int, mix: int) -> None:
    staff = random_staff(seed, n)
    graph, mixed = graph_of(staff), graph_of(shuffled(staff, mix))
    assert group_map(graph, graph.person_ids) == group_map(mixed, graph.person_ids[::-1])
    assert unused_competence(graph) == unused_competence(mixed)
    assert unused_figures(graph).to_dict() == unused_figures(mixed).to_dict()
    assert merge_units(graph, [NORTH, SOUTH]) == merge_units(mixed, [NORTH, SOUTH])


def small_linker() -> tuple[Taxonomy, Any]:
    from competence.linking import Linker
    from competence.testing import small_taxonomy

    made = small_taxonomy()
    return made, Linker.fit(made, cache=False)


MADE, LINKER = small_linker()


@settings(max_examples=40)
@given(staff_strategy())
def test_figures_of_any_staff_hold_together(staff: Staff) -> None:
    graph = build_graph(staff, MADE, linker=LINKER)
    unused = unused_competence(graph)
    assert {(h.person_id, h.concept_id) for h in unused.holdings} == {
        (p, h.concept_id) for p in graph.person_ids for h in graph.unused(p)
    }
    if not graph.person_ids:
        return
    found = group_map(graph, graph.person_ids)
    for n in found.needs:
        assert 0 <= n.own <= n.filled <= n.needed
        assert 0 <= n.fit <= 1
        assert sum(k for _, k in n.asked) == n.needed
    if found.coverage is not None:
        assert found.own is not None
        assert 0 <= found.own <= found.coverage + 1e-12 <= 1 + 2e-12
    assert all(0 <= c.marginal <= (found.coverage or 0) + 1e-12 for c in found.contributions)
    assert sum(d.holders + d.reconfirm for d in found.depth) == sum(len(graph.holdings(p)) for p in graph.person_ids)
    single = {s.concept_id for s in found.single_holders if s.asked is None}
    assert single <= {c for a in found.contributions for c in a.alone}
    json.dumps(found.to_dict())


@given(st.integers(0, 10_000))
@settings(max_examples=20)
def test_one_more_person_never_covers_less(seed: int) -> None:
    staff = random_staff(seed, 6)
    more = piece("r0", ROSTER, 5, Source.ASSESSMENT, evidence_id="more")
    before = group_map(graph_of(staff), ["r0", "r1", "r2"])
    richer = staff.replace(evidence=(*(e for e in staff.evidence if (e.person_id, e.concept_id) != ("r0", ROSTER)), more))
    after = group_map(graph_of(richer), ["r0", "r1", "r2"])
    assert (after.coverage or 0) >= (before.coverage or 0) - 1e-12


# -- shapes, words, faults -------------------------------------------------------------------------------------------------------


def test_a_unit_without_people_gives_an_empty_map() -> None:
    graph = graph_of(small_staff(units=(*small_staff().units, Unit(unit_id="empty", name="Tom"))))
    found = group_map(graph, "Tom")
    assert (found.people, found.coverage, found.own, found.fit, found.needs, found.depth) == ((), None, None, None, (), ())
    assert found.to_frame().empty
    assert text("group_map.nothing_asked", "sv") in found.explain("sv")
    assert repr(found) == "GroupMap('Tom', 0 people, nothing asked for, 0 asked for, 0 held)"
    assert len(unused_competence(graph, units=["Tom"])) == 0
    assert merge_units(graph, ["Tom", OFFICE]).after.people == ("p5",)


def test_people_without_roles_and_without_evidence_are_no_fault() -> None:
    graph = graph_of(small_staff([person("x", role_id=None)], (), ()))
    found = group_map(graph, ["x"])
    assert (found.coverage, found.contributions[0].marginal) == (None, 0.0)
    bare = group_map(graph_of(small_staff([person("x")], (), ())), ["x"])
    assert (bare.coverage, bare.own, bare.fit) == (0.0, 0.0, 0.0)


def test_a_group_must_have_people_that_exist() -> None:
    graph = graph_of()
    with pytest.raises(InputError, match="at least one"):
        group_map(graph, [])
    with pytest.raises(UnknownIdError, match="nobody"):
        group_map(graph, ["nobody"])
    with pytest.raises(UnknownIdError, match="Hemtjänst"):
        group_map(graph, "Hemtjänst")
    with pytest.raises(UnknownIdError):
        unused_competence(graph).wanted("knitting")


def test_the_same_concept_asked_by_law_and_without_has_a_row_of_each() -> None:
    driver = role("driver", "förare", "driver", asks(LICENCE, 2, 0.5))
    made = Taxonomy.of(taxonomy().concepts.values(), [*taxonomy().roles.values(), driver], id="two")
    drives = Employment(unit_id=OFFICE, roles=(RoleShare(title="förare", role_id="driver"),))
    staff = small_staff(
        [PEOPLE[4], replace(PEOPLE[0], employments=(drives,))], [certificate("p5", LICENCE), piece("p1", LICENCE, 2)], ()
    )
    found = group_map(build_graph(staff, made, linker=linker()), OFFICE)
    rows = {(n.concept_id, n.hard): (n.needed, n.filled) for n in found.needs}
    assert rows[LICENCE, True] == (1, 1)
    assert rows[LICENCE, False] == (1, 1)
    assert len(found.to_frame().query("concept_id == @LICENCE")) == 2
    assert len(found.single_holders) == len({(s.concept_id, s.hard) for s in found.single_holders})


def test_results_are_plain_values_tables_and_short_words() -> None:
    graph = graph_of()
    found, unused, merged, figures = (
        group_map(graph, "u-care"),
        unused_competence(graph),
        merge_units(graph, [NORTH, SOUTH]),
        unused_figures(graph),
    )
    for result in (found, unused, merged, figures):
        again = json.loads(json.dumps(result.to_dict()))
        assert again == result.to_dict()
        assert len(repr(result)) < 160
        assert "_sex" not in again
        for lang in ("sv", "en"):
            assert len(result.to_frame(lang)) >= 1
    frame = found.to_frame("en").set_index("concept_id")
    assert frame.loc[ROSTER, "label"] == "rostering"
    assert frame.loc[ROSTER, ["needed", "filled", "own", "holders", "level_5"]].tolist() == [5, 3, 3, 5, 1]
    assert unused.to_frame()["person_id"].tolist() == ["p2", "p6", "p8"]
    assert unused.to_dict()["concepts"][0]["wanted"][0]["unit_id"] == OFFICE
    assert list(merged.to_frame().columns[3:7]) == [f"needed:{NORTH}", f"needed:{SOUTH}", f"filled:{NORTH}", f"filled:{SOUTH}"]
    assert hash(found) == hash(group_map(graph, "u-care"))
    assert hash(unused) == hash(unused_competence(graph))
    assert hash(merged) == hash(merge_units(graph, [NORTH, SOUTH]))


def test_the_sentences_say_the_figures() -> None:
    graph = graph_of()
    said = group_map(graph, EIGHT).explain("sv")
    # 10.3 / 16.1 = 63.98 %, told as 63: nothing short is rounded up.
    assert "63 procent" in said
    assert "54 procent" in said  # 8.7333 / 16.1
    assert "schemaläggning" in said
    assert "63 per cent" in group_map(graph, EIGHT).explain("en")
    assert "3 av 8" in unused_competence(graph).explain("sv")
    assert "Hemtjänst Norr + Hemtjänst Söder" in merge_units(graph, [NORTH, SOUTH]).explain("sv")
    assert "Hemtjänst Norr + Hemtjänst Söder" in merge_units(graph, [NORTH, SOUTH]).explain("en")


def test_the_swedish_sentences_are_easy_to_read() -> None:
    # LIX = words per sentence + per cent of words with more than six letters (Björnsson 1968); REQ-AI-3 wants 45 at most.
    for key in sorted(k for k in keys("sv") if k.startswith(("group_map.", "unused.", "merge."))):
        said = re.sub(r"\{\w+\}", "1", _texts("sv")[key])
        words = re.findall(r"\w+", said)
        lix = len(words) / max(len(re.findall(r"[.:]", said)), 1) + 100 * sum(len(w) > 6 for w in words) / len(words)
        assert lix <= 45 or len(words) < 10, (key, lix)


def test_a_long_list_says_how_many_more_there_are() -> None:
    from competence.group._told import listed

    assert listed(list("abcde"), "sv") == "a, b, c, d, e"
    assert listed(list("abcdefg"), "sv") == "a, b, c, d, e och 2 till"


def test_settings_are_those_asked_for() -> None:
    strict = Settings.of({"evidence": {"reconfirm_below": 0.4}})
    # One's own word alone has a confidence of 0.375.
    assert CARPENTRY in {c.concept_id for c in unused_competence(graph_of()).concepts}
    found = unused_competence(graph_of(), settings=strict)
    assert CARPENTRY not in {c.concept_id for c in found.concepts}
    assert found.settings == strict
    few = unused_competence(graph_of(), settings=Settings.of({"group": {"places": 1}}))
    assert all(len(c["wanted"]) <= 1 for c in few.to_dict()["concepts"])


def test_every_public_name_is_there_and_says_what_it_is() -> None:
    for name in module.__all__:
        assert (getattr(module, name).__doc__ or "").strip()
