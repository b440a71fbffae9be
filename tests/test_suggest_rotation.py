"""Rotation: the best total of every possible set of swaps and cycles, and every hard rule by its name."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import date
from itertools import permutations, product
from math import floor, isclose
from pathlib import Path
from random import Random

import pytest
from cases import (
    ASSISTANT,
    CALM,
    CARETAKER,
    COORDINATOR,
    DEMENTIA,
    FINNISH,
    LICENCE,
    LIFT,
    NORTH,
    OFFICE,
    REGISTERED,
    ROSTER,
    SOUTH,
    UNITS,
    answering,
    certificate,
    graph_of,
    person,
    piece,
    random_staff,
    shuffled,
    small_staff,
    taxonomy,
    wish,
)

from competence.errors import InputError, UnknownIdError
from competence.fit import hard_met
from competence.graph import CompetenceGraph
from competence.model import Choice, Decision, Employment, Evidence, Interest, Person, Post, RoleShare, Source, Status, Travel
from competence.settings import Settings
from competence.staff import Staff
from competence.suggest.change import repeat
from competence.suggest.compare import refuse
from competence.suggest.result import Suggestions
from competence.suggest.rotation import plan_rotation

WEIGHTS = Settings().suggest.rotation
FREE = Settings.of({"suggest": {"moving_share": 1.0, "cover": 0}})
"""No unit limit and no cover, where these are not what is tested."""


def rules(result: Suggestions) -> dict[str, str]:
    return {r.person_id: r.rule for r in result.left_out}


def cycles(result: Suggestions) -> set[tuple[str, ...]]:
    """Return each cycle from its smallest id, so that where it starts does not matter."""
    found = set()
    for s in result:
        ring = [m["person_id"] for m in s.facts["moves"]]
        low = ring.index(min(ring))
        found.add(tuple(ring[low:] + ring[:low]))
    return found


def coordinators(
    n: int = 2,
    *,
    units: tuple[str, ...] = (NORTH, SOUTH, OFFICE),
    extra: tuple[Evidence, ...] = (),
    interests: tuple[Interest, ...] = (),
    people: dict[str, dict[str, object]] | None = None,
    **fields: object,
) -> Staff:
    """Return coordinators in units of their own who all hold rostering 2 of 3 and calming 2 of 3: enough, and more to learn."""
    own = people or {}
    crew = [person(f"c{i}", unit=units[i % len(units)], role_id=COORDINATOR, **own.get(f"c{i}", {})) for i in range(n)]  # type: ignore[arg-type]
    held = [piece(p.person_id, c, 2) for p in crew for c in (ROSTER, CALM)]
    return small_staff(crew, [*held, *extra], interests, **fields)


def moves_of(graph: CompetenceGraph) -> dict[tuple[str, str], float]:
    """Work out every allowed move's score from the holdings alone; one post and one role per person."""
    found = {}
    for i in graph.person_ids:
        row = graph.row(i)
        held = {h.concept_id: h.rounded for h in graph.holdings(i)}
        wishes = {w.concept_id for w in graph.staff.interests if w.person_id == i and w.kind.value in ("learn", "use")}
        for j in graph.person_ids:
            (mine,), (theirs,) = graph.person_roles[row], graph.person_roles[graph.row(j)]
            (here,), (there,) = graph.units_of[row], graph.units_of[graph.row(j)]
            role = taxonomy().roles[theirs]
            weighed = [q for q in role.requirements if not q.hard]
            total = sum(q.weight for q in weighed)
            fit = sum(q.weight * min(held.get(q.concept_id, 0) / q.level, 1) for q in weighed) / total
            growth = sum(q.weight * min(max(q.level - held.get(q.concept_id, 0), 0), 2) / 2 for q in weighed) / total
            interest = len(wishes & {q.concept_id for q in role.requirements}) / len(wishes) if wishes else 0.0
            # Whoever holds the role today fits it, however little the files tell.
            if fit < 0.5 and mine != theirs:
                continue
            if i == j or (mine == theirs and here == there) or not hard_met(graph, role.requirements)[row]:
                continue
            if growth > 0 or interest > 0:
                found[i, j] = (
                    WEIGHTS["fit"] * fit
                    + WEIGHTS["growth"] * growth
                    + WEIGHTS["interest"] * interest
                    + WEIGHTS["new_unit"] * (here != there)
                )
    return found


def keeps_limits(graph: CompetenceGraph, plan: dict[str, str], share: float) -> bool:
    """Say whether a plan keeps each unit's limit of movers and the cover of lifting, which is safety-critical."""
    unit = {p: graph.units_of[graph.row(p)][0] for p in graph.person_ids}
    holds = {p for p in graph.person_ids if (h := graph.holding(p, LIFT)) is not None and h.rounded >= 2}
    asks = {p for p in graph.person_ids if LIFT in graph.required(p)}
    for own in set(unit.values()):
        staff = [p for p in unit if unit[p] == own]
        if sum(p in plan for p in staff) > max(1, floor(share * len(staff) + 1e-9)):
            return False
        if any(p in asks for p in staff):
            now = sum(p in holds for p in staff)
            # Who sits on p's post afterwards: whoever moves to it, else p.
            coming = {j: i for i, j in plan.items()}
            then = sum(coming.get(p, p) in holds for p in staff)
            if then < min(1, now):
                return False
    return True


def best_total(graph: CompetenceGraph, max_cycle: int, share: float) -> float:
    """Try every way to change places."""
    moves, ids, best = moves_of(graph), graph.person_ids, 0.0
    for places in permutations(ids):
        plan = {i: j for i, j in zip(ids, places, strict=True) if i != j}
        if not all(move in moves for move in plan.items()):
            continue
        if _longest(plan) <= max_cycle and keeps_limits(graph, plan, share):
            best = max(best, sum(moves[m] for m in plan.items()))
    return best


def _longest(plan: dict[str, str]) -> int:
    longest, seen = 0, set()
    for start in plan:
        length, at = 0, start
        while at not in seen:
            seen.add(at)
            at, length = plan[at], length + 1
        longest = max(longest, length)
    return longest


@pytest.mark.parametrize("max_cycle", [2, 3, 4])
@pytest.mark.parametrize(("seed", "share"), [(0, 1.0), (1, 1.0), (2, 0.5), (3, 0.2), (4, 0.5), (11, 1.0)])
def test_the_total_equals_the_best_of_every_possible_set_of_cycles(seed: int, share: float, max_cycle: int) -> None:
    settings = Settings.of({"suggest": {"moving_share": share}, "fit": {"cutoff": 0.5}})
    graph = graph_of(random_staff(seed, 6), settings=settings)
    found = plan_rotation(graph, max_cycle=max_cycle)
    best = best_total(graph, max_cycle, share)
    moves = moves_of(graph)
    total = 0.0
    for s in found:
        ring = [m["person_id"] for m in s.facts["moves"]]
        scores = [moves[m] for m in zip(ring, (*ring[1:], ring[0]), strict=True)]
        assert isclose(s.score, sum(scores) / len(scores), abs_tol=1e-12)
        assert len(ring) <= max_cycle
        total += sum(scores)
    assert isclose(total, best, abs_tol=1e-9)
    if len(found):
        assert found.outcome.status is Status.OPTIMAL
        assert isclose(found.outcome.objective or 0.0, best, abs_tol=1e-9)


def test_the_cases_tried_by_force_have_plans_to_find() -> None:
    plans = [plan_rotation(graph_of(random_staff(seed, 6), settings=FREE)) for seed in (0, 1, 2, 3, 4, 11)]
    assert sum(len(p) > 0 for p in plans) >= 3


def test_one_swap_by_hand() -> None:
    found = plan_rotation(graph_of(coordinators(), settings=FREE), months=9)
    assert cycles(found) == {("c0", "c1")}
    # Fit (2/3 + 0.7 * 2/3) / 2.1; growth (0.5 + 0.7 * 0.5 + 0.4) / 2.1 (Finnish is missing altogether); a new unit.
    fit, growth = (2 / 3 + 0.7 * 2 / 3) / 2.1, (0.5 + 0.35 + 0.4) / 2.1
    assert isclose(found[0].score, 0.35 * fit + 0.35 * growth + 0.1)
    assert found[0].facts["months"] == 9
    assert found[0].facts["right_to_return"] is True


def test_where_each_goes_is_said_in_the_language_asked_for() -> None:
    found = plan_rotation(graph_of(coordinators(), settings=FREE))
    assert set(found.to_frame("sv")["target"]) == {"Hemtjänst Norr: samordnare", "Hemtjänst Söder: samordnare"}
    assert set(found.to_frame("en")["target"]) == {"Hemtjänst Norr: coordinator", "Hemtjänst Söder: coordinator"}


def test_every_left_post_is_filled_again_once() -> None:
    found = plan_rotation(graph_of(coordinators(3), settings=FREE))
    moves = [m for s in found for m in s.facts["moves"]]
    assert sorted(m["to_post"] for m in moves) == sorted(f"{m['person_id']}:1" for m in moves)


@pytest.mark.parametrize(
    ("answer", "column", "expected"),
    [
        ("no", False, "opted_out"),
        ("no", True, "opted_out"),
        (None, True, "not_opted_in"),
        ("yes", True, None),
        (None, False, None),
    ],
)
def test_opt_in_is_read_by_whether_the_files_had_a_column(answer: str | None, column: bool, expected: str | None) -> None:
    staff = coordinators(3, opt_in_columns=frozenset({"rotation"}) if column else frozenset())
    yes = {f"c{i}": {"rotation": "yes"} for i in (1, 2)} if column else {}
    people = answering(staff.people, {**yes, **({"c0": {"rotation": answer}} if answer else {})})
    found = plan_rotation(graph_of(staff.replace(people=people), settings=FREE))
    assert rules(found).get("c0") == expected
    if expected is None:
        assert any("c0" in s.people for s in found)
        assert ("opt_in_not_asked" in found.notes) is (answer is None)


def test_a_locked_person_stays_also_when_given_by_an_iterator() -> None:
    found = plan_rotation(graph_of(coordinators(3), settings=FREE), locked=iter(["c0"]))
    assert rules(found)["c0"] == "locked"
    assert cycles(found) == {("c1", "c2")}
    assert found.provenance.request["locked"] == ["c0"]


def test_a_post_without_title_or_an_unknown_title_is_named() -> None:
    staff = coordinators(3)
    untitled = replace(staff.people[0], employments=(Employment(unit_id=NORTH),))
    unknown = replace(staff.people[1], employments=(Employment(unit_id=SOUTH, roles=(RoleShare(title="Glidflygare"),)),))
    found = plan_rotation(graph_of(staff.replace(people=(untitled, unknown, staff.people[2]))))
    assert rules(found) == {"c0": "no_post", "c1": "role_not_understood", "c2": "nobody_takes_part"}
    assert found.outcome.conflicts == ("nobody_takes_part",)


def test_without_units_or_titles_the_result_is_empty_and_no_error() -> None:
    people = [Person(person_id=f"q{i}") for i in range(3)]
    found = plan_rotation(graph_of(small_staff(people, [], [], [])))
    assert found.outcome.status is Status.EMPTY
    assert found.outcome.conflicts == ("no_posts",)
    assert set(rules(found).values()) == {"no_posts"}


def test_the_same_work_in_the_same_unit_is_no_move() -> None:
    found = plan_rotation(graph_of(coordinators(units=(NORTH,)), settings=FREE))
    assert rules(found) == {"c0": "same_work", "c1": "same_work"}
    assert found.outcome.conflicts == ("no_moves",)


@pytest.mark.parametrize("source", [Source.SELF, Source.MANAGER])
def test_informal_evidence_at_level_five_never_meets_a_hard_requirement(source: Source) -> None:
    crew = [person("a", role_id=COORDINATOR), person("b", unit=SOUTH, role_id=REGISTERED)]
    held = [piece(p, c, 2) for p in ("a", "b") for c in (ROSTER, CALM, DEMENTIA)]
    told = piece("a", "nurse-licence", 5, source)
    refused = plan_rotation(graph_of(small_staff(crew, [*held, told], []), settings=FREE))
    assert rules(refused)["a"] == "hard_requirement"
    proven = plan_rotation(graph_of(small_staff(crew, [*held, certificate("a", "nurse-licence")], []), settings=FREE))
    assert cycles(proven) == {("a", "b")}


def test_a_fit_below_the_cutoff_is_named_and_the_cutoff_of_the_call_counts_for_growth_too() -> None:
    crew = [person("a", role_id=COORDINATOR), person("b", unit=SOUTH, role_id=ASSISTANT)]
    held = [piece(p, c, 1) for p in ("a", "b") for c in (ROSTER, CALM, DEMENTIA)]
    graph = graph_of(small_staff(crew, held, []), settings=FREE)
    # As assistant nurse a fits (1/3 + 0.5/2) / 2.3 = 0.25, as coordinator b (1/3 + 0.7/3) / 2.1 = 0.27.
    assert rules(plan_rotation(graph)) == {"a": "fit_below_cutoff", "b": "fit_below_cutoff"}
    (swap,) = plan_rotation(graph, cutoff=0.2)
    grown = {r.person_id: r.value for r in swap.reasons if r.measure == "growth"}
    assert isclose(grown["a"], (1.0 + 0.8 + 0.25) / 2.3)
    assert isclose(grown["b"], (1.0 + 0.7 + 0.4) / 2.1)


def test_who_holds_a_role_today_fits_it_however_little_the_files_tell() -> None:
    crew = [person("a", role_id=COORDINATOR), person("b", unit=SOUTH, role_id=COORDINATOR)]
    found = plan_rotation(graph_of(small_staff(crew, [], []), settings=FREE))
    assert cycles(found) == {("a", "b")}
    assert not any(r.measure == "fit" for r in found[0].reasons), "no evidence, no contribution"


def test_a_move_has_something_to_learn_or_wished_for() -> None:
    full = [piece(p, c, 5) for p in ("c0", "c1") for c in (ROSTER, CALM, FINNISH)]
    crew = coordinators()
    graph = graph_of(crew.replace(evidence=tuple(full)), settings=FREE)
    assert rules(plan_rotation(graph)) == {"c0": "nothing_to_learn", "c1": "nothing_to_learn"}
    wished = crew.replace(evidence=tuple(full), interests=(wish("c0", ROSTER), wish("c1", FINNISH)))
    assert cycles(plan_rotation(graph_of(wished, settings=FREE))) == {("c0", "c1")}


@pytest.mark.parametrize(("minutes", "allowed"), [(45, True), (46, False)])
def test_a_journey_over_the_limit_is_named(minutes: float, allowed: bool) -> None:
    staff = coordinators(travel=(Travel(from_site="Södra", to_site="Norra", minutes=minutes),))
    found = plan_rotation(graph_of(staff, settings=FREE))
    assert bool(len(found)) is allowed
    if not allowed:
        assert rules(found)["c0"] == "travel_too_long"


def test_a_journey_that_the_files_do_not_give_is_noted() -> None:
    staff = coordinators(travel=(Travel(from_site="Södra", to_site="Östra", minutes=10),))
    assert "travel_unknown" in plan_rotation(graph_of(staff, settings=FREE)).notes
    assert "travel_unknown" not in plan_rotation(graph_of(coordinators(), settings=FREE)).notes


@pytest.mark.parametrize(("share", "allowed"), [(0.75, True), (0.5, False)])
def test_shares_of_full_time_that_differ_too_much_are_named(share: float, allowed: bool) -> None:
    staff = coordinators(people={"c0": {"share": 1.0}, "c1": {"share": share}})
    found = plan_rotation(graph_of(staff, settings=FREE))
    assert bool(len(found)) is allowed
    if not allowed:
        assert rules(found)["c0"] == "share_differs"


def test_the_share_of_an_employment_counts_where_its_title_gives_none() -> None:
    staff = coordinators()
    half = replace(staff.people[0], employments=(replace(staff.people[0].employments[0], share=0.5),))
    found = plan_rotation(graph_of(staff.replace(people=(half, staff.people[1])), settings=FREE))
    assert rules(found) == {"c0": "share_differs", "c1": "share_differs"}


def test_a_forbidden_move_is_named_and_the_other_way_round_stays_open() -> None:
    staff = coordinators(2)
    found = plan_rotation(graph_of(staff, settings=FREE), forbidden=iter([("c0", "c1")]))
    assert rules(found)["c0"] == "forbidden_move"
    assert rules(found)["c1"] == "nobody_swaps_back"


@pytest.mark.parametrize("choice", [Choice.REJECTED, Choice.FORBIDDEN])
def test_a_rejected_cycle_does_not_come_back(choice: Choice) -> None:
    graph = graph_of(coordinators(), settings=FREE)
    (suggested,) = plan_rotation(graph)
    decided = Decision(kind="rotation", choice=choice, people=suggested.people)
    again = plan_rotation(graph_of(coordinators(decisions=(decided,)), settings=FREE))
    assert len(again) == 0


def test_at_most_a_share_of_a_unit_moves_at_once() -> None:
    staff = coordinators(10, units=(NORTH, SOUTH))
    limited = plan_rotation(graph_of(staff, settings=Settings.of({"suggest": {"moving_share": 0.4, "cover": 0}})))
    leaving = [m["from_unit"] for s in limited for m in s.facts["moves"]]
    assert (leaving.count(NORTH), leaving.count(SOUTH)) == (2, 2)
    units = [replace(u, max_moving_share=0.2) if u.unit_id == NORTH else u for u in UNITS]
    own = plan_rotation(graph_of(staff.replace(units=tuple(units)), settings=FREE))
    leaving = [m["from_unit"] for s in own for m in s.facts["moves"]]
    assert leaving.count(NORTH) == 1
    closed = [replace(u, max_moving_share=0.0) if u.unit_id == NORTH else u for u in UNITS]
    assert len(plan_rotation(graph_of(staff.replace(units=tuple(closed)), settings=FREE))) == 0


def test_the_last_holder_of_a_safety_critical_competence_does_not_leave_unless_another_comes() -> None:
    crew = [person("a", role_id=ASSISTANT), person("b", unit=SOUTH, role_id=COORDINATOR)]
    held = [piece(p, c, 2) for p in ("a", "b") for c in (DEMENTIA, ROSTER, CALM)]
    settings = Settings.of({"suggest": {"moving_share": 1.0}, "fit": {"cutoff": 0.3}})
    alone = small_staff(crew, [*held, piece("a", LIFT, 2)], [])
    assert len(plan_rotation(graph_of(alone, settings=settings))) == 0
    assert rules(plan_rotation(graph_of(alone, settings=settings))) == {"a": "needed_for_cover", "b": "not_in_best_plan"}
    both = small_staff(crew, [*held, piece("a", LIFT, 2), piece("b", LIFT, 3)], [])
    assert cycles(plan_rotation(graph_of(both, settings=settings))) == {("a", "b")}
    nobody = small_staff(crew, held, [])
    assert cycles(plan_rotation(graph_of(nobody, settings=settings))) == {("a", "b")}, "what is not there cannot be kept"


def test_pinned_cycles_are_in_the_plan() -> None:
    found = plan_rotation(graph_of(coordinators(3), settings=FREE), pinned=[("c0", "c2")], max_cycle=2)
    assert ("c0", "c2") in cycles(found)


def test_a_pin_that_breaks_a_hard_rule_is_refused_in_the_call_and_not_kept_from_before() -> None:
    staff = coordinators(3, units=(NORTH, NORTH, SOUTH))
    with pytest.raises(InputError, match="c0 → c1"):
        plan_rotation(graph_of(staff, settings=FREE), pinned=[("c0", "c1")])
    decided = Decision(kind="rotation", choice=Choice.PINNED, people=("c0", "c1"))
    found = plan_rotation(graph_of(staff.replace(decisions=(decided,)), settings=FREE))
    assert "pin_not_kept:1" in found.notes
    assert len(found)


def test_pins_that_cannot_stand_together_are_infeasible_by_name() -> None:
    graph = graph_of(coordinators(3), settings=FREE)
    twice = plan_rotation(graph, pinned=[("c0", "c1"), ("c0", "c2")])
    assert twice.outcome.status is Status.INFEASIBLE
    assert twice.outcome.conflicts == ("pinned_twice:c0",)
    assert set(rules(twice).values()) == {"pinned_twice"}
    long = plan_rotation(graph, pinned=[("c0", "c1", "c2")], max_cycle=2)
    assert long.outcome.conflicts[0].startswith("pinned_too_long:c")
    limited = graph_of(
        coordinators(4, units=(NORTH, SOUTH)), settings=Settings.of({"suggest": {"moving_share": 0.5, "cover": 0}})
    )
    over = plan_rotation(limited, pinned=[("c0", "c1"), ("c2", "c3")])
    assert set(over.outcome.conflicts) == {"pinned_over_unit_limit:Hemtjänst Norr", "pinned_over_unit_limit:Hemtjänst Söder"}


def test_only_the_posts_of_the_units_or_people_asked_for_change_hands() -> None:
    graph = graph_of(coordinators(6), settings=FREE)
    found = plan_rotation(graph, units=iter(["Hemtjänst Norr", "Hemtjänst Söder"]))
    assert {m["from_unit"] for s in found for m in s.facts["moves"]} == {NORTH, SOUTH}
    assert found.by_sex["considered"].total == 4
    few = plan_rotation(graph, people=iter(["c0", "c1"]))
    assert cycles(few) == {("c0", "c1")}


def test_without_a_limit_of_length_the_plan_is_at_least_as_good() -> None:
    graph = graph_of(random_staff(0, 7), settings=FREE)
    short, free = plan_rotation(graph), plan_rotation(graph, max_cycle=None)
    assert (free.outcome.objective or 0.0) >= (short.outcome.objective or 0.0) - 1e-9


def test_posts_of_the_posts_table_are_used_where_they_came() -> None:
    graph = graph_of(random_staff(0, 6, posts=True), settings=FREE)
    derived = graph_of(random_staff(0, 6), settings=FREE)
    assert cycles(plan_rotation(graph)) == cycles(plan_rotation(derived))
    assert all(m["to_post"].startswith("post-") for s in plan_rotation(graph) for m in s.facts["moves"])


def test_of_several_posts_the_one_with_the_largest_share_is_left() -> None:
    staff = coordinators()
    title = staff.people[0].employments[0].roles[0]
    posts = (
        Post(post_id="small", unit_id=OFFICE, roles=(replace(title, share=0.2),), holder_id="c0"),
        Post(post_id="large", unit_id=NORTH, roles=(replace(title, share=0.8),), holder_id="c0"),
        Post(post_id="other", unit_id=SOUTH, roles=(replace(title, share=0.8),), holder_id="c1"),
        Post(post_id="vacant", unit_id=SOUTH, roles=(title,)),
    )
    (swap,) = plan_rotation(graph_of(staff.replace(posts=posts), settings=FREE))
    assert {m["to_post"] for m in swap.facts["moves"]} == {"large", "other"}


def test_the_best_moves_of_each_person_are_kept_and_it_is_said() -> None:
    settings = Settings.of({"suggest": {"choices": 1, "moving_share": 1.0, "cover": 0}})
    found = plan_rotation(graph_of(coordinators(4), settings=settings))
    assert "choices_limited:1" in found.notes


def test_showing_the_best_n_leaves_the_plan_as_it_was() -> None:
    graph = graph_of(coordinators(6), settings=FREE)
    everything, best = plan_rotation(graph, max_cycle=2), plan_rotation(graph, max_cycle=2, n=1)
    assert len(everything) == 3
    assert [s.people for s in best] == [everything[0].people]
    assert best.left_out.counts == {"not_among_best": 4}


def test_who_has_left_on_the_date_asked_for_does_not_move() -> None:
    staff = coordinators(3)
    leaving = replace(staff.people[0], end=date(2026, 12, 31))
    graph = graph_of(staff.replace(people=(leaving, *staff.people[1:])), settings=FREE)
    assert any("c0" in s.people for s in plan_rotation(graph, max_cycle=3))
    assert cycles(plan_rotation(graph, as_of=date(2027, 1, 1))) == {("c1", "c2")}


@pytest.mark.parametrize("fault", [{"months": 0}, {"max_cycle": 1}, {"max_cycle": 5}, {"n": 0}])
def test_arguments_out_of_range_are_refused(fault: dict[str, int]) -> None:
    with pytest.raises(InputError, match=next(iter(fault))):
        plan_rotation(graph_of(), **fault)  # type: ignore[arg-type]


def test_unknown_units_and_people_are_named() -> None:
    with pytest.raises(UnknownIdError, match="Hemtjänst"):
        plan_rotation(graph_of(), units=["Hemtjänst Väst"])
    with pytest.raises(UnknownIdError, match="p99"):
        plan_rotation(graph_of(), locked=["p99"])
    assert CARETAKER in graph_of().role_ids


# -- parts, open posts, hours, answers, dates, periods --------------------------------------------------------------


def shared(person_id: str, unit: str, *roles: tuple[str, float], **fields: object) -> Person:
    """Return somebody whose one post has several roles with their shares."""
    own = tuple(RoleShare(title=taxonomy().roles[r].label(), role_id=r, share=share) for r, share in roles)
    made = person(person_id, unit=unit, **fields)  # type: ignore[arg-type]
    return replace(made, employments=(replace(made.employments[0], roles=own),))


HALVES = ((COORDINATOR, 0.5), (CARETAKER, 0.5))


def halves() -> Staff:
    """Return a half coordinator, half caretaker with a licence, and a coordinator by half who has none."""
    crew = [
        shared("a", NORTH, *HALVES),
        shared("b", SOUTH, (COORDINATOR, 0.5)),
    ]
    held = [piece(p, c, 2) for p in ("a", "b") for c in (ROSTER, CALM)]
    return small_staff(crew, [*held, certificate("a", LICENCE)], [])


def test_a_part_of_a_post_changes_hands_where_the_shares_are_alike() -> None:
    graph = graph_of(halves(), settings=FREE)
    # b has no licence, so the whole post is out of reach; half of it is not.
    (swap,) = plan_rotation(graph)
    assert {(m["person_id"], m["to_post"], m["part"], m["share"]) for m in swap.facts["moves"]} == {
        ("a", "b:1", True, 0.5),
        ("b", f"a:1#{COORDINATOR}", False, 0.5),
    }
    # As in the swap by hand above: fit 0.54, growth 0.6 and a new unit, the same for both.
    fit, growth = (2 / 3 + 0.7 * 2 / 3) / 2.1, (0.5 + 0.35 + 0.4) / 2.1
    assert isclose(swap.score, 0.35 * fit + 0.35 * growth + 0.1)
    assert "50 % av heltid" in swap.explain("sv")
    assert len(plan_rotation(graph, parts=False)) == 0


@pytest.mark.parametrize(("share", "allowed"), [(0.6, True), (0.65, False)])
def test_a_part_whose_share_differs_more_than_the_setting_is_named(share: float, allowed: bool) -> None:
    staff = halves()
    other = shared("b", SOUTH, (COORDINATOR, share))
    found = plan_rotation(graph_of(staff.replace(people=(staff.people[0], other)), settings=FREE))
    assert bool(len(found)) is allowed
    if not allowed:
        assert rules(found)["a"] == "share_differs"


def test_nobody_leaves_two_parts_of_a_post_and_the_better_one_is_left() -> None:
    crew = [
        shared("a", NORTH, (COORDINATOR, 0.5), (ASSISTANT, 0.5)),
        shared("b", SOUTH, (COORDINATOR, 0.5)),
        shared("c", OFFICE, (ASSISTANT, 0.5)),
        # Stays, so that north may let two go.
        person("d", rotation="no"),
    ]
    held = [piece(p.person_id, c, 2) for p in crew for c in (ROSTER, CALM, DEMENTIA, LIFT)]
    found = plan_rotation(graph_of(small_staff(crew, held, [wish("c", DEMENTIA)]), settings=FREE), max_cycle=2)
    # Either half could be swapped; the wish makes that with c the better one.
    assert [set(s.people) for s in found] == [{"a", "c"}]
    assert rules(found) == {"b": "not_in_best_plan", "d": "opted_out"}
    # Both together would be worth more, but that is no plan: the one without is proven best.
    assert found.outcome.status is Status.OPTIMAL


def vacancy(unit: str = OFFICE, post_id: str = "v1", **fields: object) -> Post:
    """Return a vacant coordinator's post."""
    title = RoleShare(title="samordnare", role_id=COORDINATOR)
    return Post(post_id=post_id, unit_id=unit, roles=(title,), **fields)  # type: ignore[arg-type]


def with_posts(staff: Staff, *more: Post, least: dict[str, int] | None = None) -> Staff:
    """Return the staff with a posts table: everybody's post, and more."""
    own = [
        Post(
            post_id=f"post-{p.person_id}",
            unit_id=p.employments[0].unit_id,
            roles=p.employments[0].roles,
            holder_id=p.person_id,
            min_staffing=(least or {}).get(p.employments[0].unit_id),
        )
        for p in staff.people
    ]
    return staff.replace(posts=(*own, *more))


def test_a_vacant_post_starts_a_chain_and_one_post_is_left_empty_instead() -> None:
    graph = graph_of(with_posts(coordinators(2, units=(NORTH, SOUTH)), vacancy()), settings=FREE)
    assert all(not s.facts.get("chain") for s in plan_rotation(graph))
    found = plan_rotation(graph, open_posts="vacant", forbidden=[("c0", "c1")])
    (chain,) = found
    first, second = chain.facts["moves"]
    # c0 may not go to c1's post and so to the vacancy; c1 goes to the post of c0, and the own one stays empty.
    assert (first["person_id"], first["to_post"]) == ("c0", "v1")
    assert second["to_post"] == first["from_post"]
    assert chain.facts["left_empty"] == second["from_post"]
    assert chain.target == f"v1 → {first['from_post']} → {second['from_post']}"
    assert "Kedja: Kontoret (samordnare) → " in chain.explain("sv")
    assert "chain_filled" in chain.rules
    assert "posts_filled" not in chain.rules
    assert found.provenance.request["open_posts"] == ["v1"]


def test_a_chain_leaves_no_unit_under_its_smallest_staffing() -> None:
    staff = with_posts(coordinators(3, units=(NORTH, SOUTH, SOUTH)), vacancy(), least={NORTH: 1, SOUTH: 1})
    graph = graph_of(staff, settings=FREE)
    found = plan_rotation(graph, open_posts="vacant", max_cycle=2)
    left = [s.facts["left_empty"] for s in found if s.facts.get("chain")]
    assert len(left) == 1
    assert left[0] in ("post-c1", "post-c2"), "north has one and needs one"
    over = plan_rotation(graph, open_posts=["v1"], pinned=[("c0", "v1")])
    assert over.outcome.conflicts == ("pinned_below_staffing:Hemtjänst Norr",)
    assert set(rules(over).values()) == {"pinned_below_staffing"}
    fine = plan_rotation(graph, open_posts=["v1"], pinned=[("post-c1", "v1")])
    assert [s.facts["left_empty"] for s in fine if s.facts.get("pinned")] == ["post-c1"]


@pytest.mark.parametrize(("least", "empties"), [(0, 2), (1, 1), (2, 0)])
def test_as_many_posts_are_left_empty_as_the_smallest_staffing_lets(least: int, empties: int) -> None:
    more = (vacancy(), vacancy(post_id="v2"))
    staff = with_posts(coordinators(2, units=(NORTH,)), *more, least={NORTH: least})
    found = plan_rotation(graph_of(staff, settings=FREE), open_posts=["v1", "v2"])
    assert sum("left_empty" in s.facts for s in found) == empties
    assert found.outcome.status is (Status.OPTIMAL if empties else Status.EMPTY)


def test_a_placement_at_another_employer_is_a_post_given_in_the_call() -> None:
    graph = graph_of(coordinators(2, units=(NORTH, SOUTH)), settings=FREE)
    outside = {"post_id": "region-1", "unit_id": "Regionen", "roles": [{"title": "samordnare"}]}
    found = plan_rotation(graph, open_posts=[outside], forbidden=[("c0", "c1")])
    assert any(m["to_unit"] == "Regionen" for s in found for m in s.facts["moves"])
    assert found.provenance.request["open_posts"] == [
        {
            "post_id": "region-1",
            "unit_id": "Regionen",
            "roles": [{"title": "samordnare", "share": None, "role_id": COORDINATOR}],
            "min_staffing": None,
        }
    ]
    assert repeat(graph, found) == found


@pytest.mark.parametrize(
    "wrong",
    [
        "v1",
        [{"post_id": "x"}],
        [{"post_id": "x", "unit_id": "y", "roles": [{"title": "Glidflygare"}]}],
        [{"post_id": "c0:1", "unit_id": "y", "roles": [{"title": "samordnare"}]}],
    ],
)
def test_an_open_post_that_cannot_be_read_is_refused(wrong: object) -> None:
    with pytest.raises(InputError, match=r"open[ _]post"):
        plan_rotation(graph_of(coordinators()), open_posts=wrong)  # type: ignore[arg-type]


def test_an_open_post_that_nobody_knows_is_named() -> None:
    with pytest.raises(UnknownIdError, match="v9"):
        plan_rotation(graph_of(coordinators()), open_posts=["v9"])


def test_who_is_away_from_an_open_post_stays_out_of_the_plan() -> None:
    graph = graph_of(with_posts(coordinators(2)), settings=FREE)
    found = plan_rotation(graph, open_posts=["post-c0"])
    assert rules(found)["c0"] == "post_open"
    assert any(m["to_post"] == "post-c0" for s in found for m in s.facts["moves"])


def test_a_pinned_or_rejected_chain_is_remembered_by_its_target() -> None:
    staff = with_posts(coordinators(3), vacancy(), vacancy(post_id="v2"))
    (chain, *_) = [s for s in plan_rotation(graph_of(staff, settings=FREE), open_posts="vacant") if s.facts.get("chain")]
    for choice, stays in ((Choice.PINNED, True), (Choice.REJECTED, False)):
        decided = Decision(kind="rotation", choice=choice, people=chain.people, target=chain.target)
        again = plan_rotation(graph_of(staff.with_decisions([decided]), settings=FREE), open_posts="vacant")
        assert (chain.target in {s.target for s in again}) is stays
        assert any(s.facts.get("pinned") for s in again) is stays


@pytest.mark.parametrize(
    ("hours", "expected"),
    [
        ({NORTH: "natt"}, {"c1": "working_hours"}),
        ({NORTH: "natt", "c1": "Natt; helg"}, {}),
        ({"Hemtjänst Norr": ["natt"], SOUTH: ["natt"]}, {}),
        ({"c0:1": ["natt", "helg"], "c1": ["natt"]}, {"c1": "working_hours"}),
    ],
)
def test_nobody_moves_to_hours_they_cannot_work(hours: dict[str, object], expected: dict[str, str]) -> None:
    found = plan_rotation(graph_of(coordinators(), settings=FREE), hours=hours)  # type: ignore[arg-type]
    assert {p: r for p, r in rules(found).items() if r != "nobody_swaps_back"} == expected
    assert bool(len(found)) is not bool(expected)


def test_hours_of_an_unknown_place_are_refused() -> None:
    with pytest.raises(UnknownIdError, match="Västra"):
        plan_rotation(graph_of(coordinators()), hours={"Västra": "natt"})


def test_forms_of_employment_that_take_part() -> None:
    staff = coordinators(3)
    people = [
        replace(p, employments=(replace(p.employments[0], form=form),))
        for p, form in zip(staff.people, ("Tillsvidare", "tillsvidare", "Timavlönad"), strict=True)
    ]
    graph = graph_of(staff.replace(people=tuple(people)), settings=FREE)
    assert rules(plan_rotation(graph, forms=["tillsvidare"])) == {"c2": "employment_form"}
    assert "c2" not in rules(plan_rotation(graph))


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ({NORTH: False}, {"c0": "manager_said_no"}),
        ({"Hemtjänst Norr": False}, {"c0": "manager_said_no"}),
        ({"u-care": False}, {"c0": "manager_said_no", "c1": "manager_said_no"}),
        ({"u-care": False, SOUTH: True}, {"c0": "manager_said_no"}),
        ({"c0": False}, {"c0": "manager_said_no"}),
        ({NORTH: False, "c0": True}, {}),
        ({NORTH: True}, {}),
    ],
)
def test_what_managers_answered(answers: dict[str, bool], expected: dict[str, str]) -> None:
    found = plan_rotation(graph_of(coordinators(3), settings=FREE), managers=answers)
    assert {p: r for p, r in rules(found).items() if r == "manager_said_no"} == expected


def test_managers_of_both_units_are_asked_until_they_have_said_yes() -> None:
    graph = graph_of(coordinators(2, people={}), settings=FREE)
    # The managers p7 and p8 of the units are not among the staff here; they are asked all the same.
    (swap,) = plan_rotation(graph)
    assert [m["ask_managers"] for m in swap.facts["moves"]] in ([["p7", "p8"], ["p8", "p7"]], [["p8", "p7"], ["p7", "p8"]])
    assert "managers_to_ask:2" in plan_rotation(graph).notes
    (swap,) = plan_rotation(graph, managers={NORTH: True})
    assert {tuple(m["ask_managers"]) for m in swap.facts["moves"]} == {("p8",)}
    (swap,) = plan_rotation(graph, managers={"u-care": True})
    assert not any(m["ask_managers"] for m in swap.facts["moves"])


def test_a_manager_who_moves_is_not_asked_about_the_own_move_but_the_one_above() -> None:
    units = [replace(u, manager_ids={"u-care": ("top",), NORTH: ("c0",)}.get(u.unit_id, u.manager_ids)) for u in UNITS]
    (swap,) = plan_rotation(graph_of(coordinators(units=(NORTH, SOUTH)).replace(units=tuple(units)), settings=FREE))
    assert swap.facts["ask_managers"] == ["p8", "top"]


def test_a_decision_about_one_person_keeps_the_person_out_or_out_of_a_unit() -> None:
    def of(choice: Choice, target: str = "") -> Suggestions:
        decided = Decision(kind="rotation", choice=choice, people=("c0",), target=target)
        return plan_rotation(graph_of(coordinators(2, decisions=(decided,)), settings=FREE))

    assert rules(of(Choice.REJECTED))["c0"] == "rejected_before"
    assert rules(of(Choice.PINNED))["c0"] == "locked"
    assert rules(of(Choice.FORBIDDEN, SOUTH))["c0"] == "forbidden_move"
    assert rules(of(Choice.FORBIDDEN, "Hemtjänst Söder"))["c0"] == "forbidden_move"
    assert len(of(Choice.FORBIDDEN, OFFICE)) == 1


def test_the_latest_decision_counts_whatever_the_order_of_the_table() -> None:
    no = Decision(kind="rotation", choice=Choice.REJECTED, people=("c0", "c1"), day=date(2026, 5, 1))
    yes = replace(no, choice=Choice.PINNED, day=date(2026, 6, 1))
    for decisions in ((no, yes), (yes, no)):
        (swap,) = plan_rotation(graph_of(coordinators(decisions=decisions), settings=FREE))
        assert swap.facts["pinned"]
    same_day = replace(yes, day=no.day)
    for decisions in ((no, same_day), (same_day, no)):
        assert len(plan_rotation(graph_of(coordinators(decisions=decisions), settings=FREE))) == 0


def test_a_try_out_lasts_weeks_and_a_placement_months_from_the_day_it_starts() -> None:
    graph = graph_of(coordinators(), settings=FREE)
    (swap,) = plan_rotation(graph, weeks=4, start=date(2026, 9, 7))
    assert (swap.facts["weeks"], swap.facts["months"], swap.facts["try_out"]) == (4, None, True)
    assert (swap.facts["start"], swap.facts["follow_up"], swap.facts["end"]) == ("2026-09-07", "2026-09-20", "2026-10-04")
    assert swap.explain("sv").splitlines()[0].endswith("prova på i 4 veckor.")
    # Six months from the last of August end with February, which is shorter.
    (swap,) = plan_rotation(graph, months=6, start="2026-08-31")
    assert (swap.facts["start"], swap.facts["end"]) == ("2026-08-31", "2027-02-27")
    assert "try_out" not in swap.facts
    # Short of one step in rostering (weight 1), one in calming (0.7) and two in Finnish (0.4 each).
    assert swap.facts["moves"][0]["learning_goals"] == [ROSTER, FINNISH, CALM]
    assert repeat(graph, plan_rotation(graph, weeks=2, start="2026-09-07")).provenance.request["start"] == "2026-09-07"


def test_what_is_to_be_agreed_is_said_to_the_manager_and_to_each_who_moves() -> None:
    graph = graph_of(coordinators(), settings=FREE)
    (swap,) = plan_rotation(graph, weeks=4, start=date(2026, 9, 7))
    said = swap.explain("sv")
    assert "Tid: 2026-09-07 till 2026-10-04, med rätt att komma tillbaka." in said
    assert "följs upp 2026-09-20." in said
    assert "Namn c0 kan lära sig schemaläggning, finska och lugnande bemötande där." in said
    assert "Fråga cheferna: p7 och p8 har inte sagt ja ännu." in said
    own = swap.explain("sv", to="c1")
    assert "Du kan lära dig schemaläggning, finska och lugnande bemötande där." in own
    assert "c0 kan lära sig" not in own
    assert "Fråga cheferna" not in own
    assert "avböjs" not in own


@pytest.mark.parametrize("fault", [{"weeks": 1}, {"weeks": 9}, {"periods": 0}, {"periods": 13}, {"start": "i höst"}])
def test_lengths_out_of_range_are_refused(fault: dict[str, object]) -> None:
    with pytest.raises(InputError, match=next(iter(fault))):
        plan_rotation(graph_of(), **fault)  # type: ignore[arg-type]


def test_who_leaves_before_the_last_day_does_not_move_and_is_not_counted_on() -> None:
    def crew(**own: dict[str, object]) -> list[Person]:
        return [
            person("a", role_id=ASSISTANT, **own.get("a", {})),  # type: ignore[arg-type]
            person("b", unit=SOUTH, role_id=COORDINATOR),
            person("stays", role_id=ASSISTANT, rotation="no", **own.get("stays", {})),  # type: ignore[arg-type]
        ]

    held = [piece(p, c, 2) for p in ("a", "b", "stays") for c in (DEMENTIA, ROSTER, CALM)]
    held += [piece("a", LIFT, 2), piece("stays", LIFT, 2)]
    settings = Settings.of({"suggest": {"moving_share": 1.0}, "fit": {"cutoff": 0.3}})
    day = date(2026, 10, 1)
    # Two lift; the one who stays is enough, until it is known that this one leaves within the half year.
    assert cycles(plan_rotation(graph_of(small_staff(crew(), held, []), settings=settings))) == {("a", "b")}
    leaves = graph_of(small_staff(crew(stays={"end": day}), held, []), settings=settings)
    assert rules(plan_rotation(leaves)) == {"a": "needed_for_cover", "b": "not_in_best_plan", "stays": "opted_out"}
    assert cycles(plan_rotation(leaves, months=3)) == {("a", "b")}, "over by then"
    gone = graph_of(small_staff(crew(a={"end": day}), held, []), settings=settings)
    assert rules(plan_rotation(gone))["a"] == "leaves_before_end"
    assert cycles(plan_rotation(gone, weeks=8)) == {("a", "b")}


def test_a_limit_of_the_unit_that_holds_somebody_back_is_named() -> None:
    staff = coordinators(6, units=(NORTH, SOUTH))
    found = plan_rotation(graph_of(staff, settings=Settings.of({"suggest": {"moving_share": 0.4, "cover": 0}})))
    assert len(found) == 1
    assert list(rules(found).values()) == ["unit_limit_reached"] * 4


def test_the_cover_of_the_unit_that_holds_somebody_back_is_named() -> None:
    crew = [
        person("a", role_id=ASSISTANT),
        person("b", unit=SOUTH, role_id=COORDINATOR),
        person("c", unit=OFFICE, role_id=COORDINATOR),
    ]
    held = [piece(p, c, 2) for p in ("a", "b", "c") for c in (DEMENTIA, ROSTER, CALM)]
    settings = Settings.of({"suggest": {"moving_share": 1.0}, "fit": {"cutoff": 0.3}})
    found = plan_rotation(graph_of(small_staff(crew, [*held, piece("a", LIFT, 2)], []), settings=settings))
    assert cycles(found) == {("b", "c")}
    assert rules(found) == {"a": "needed_for_cover"}


@pytest.mark.parametrize("seed", [0, 2, 4])
def test_two_periods_equal_the_best_of_every_pair_of_plans(seed: int) -> None:
    graph = graph_of(random_staff(seed, 5), settings=FREE)
    moves, ids = moves_of(graph), graph.person_ids
    plans = []
    for places in permutations(ids):
        plan = {i: j for i, j in zip(ids, places, strict=True) if i != j}
        if all(m in moves for m in plan.items()) and _longest(plan) <= 3:
            plans.append((set(plan.items()), sum(moves[m] for m in plan.items())))
    best = max(a + b for one, a in plans for two, b in plans if not one & two)
    found = plan_rotation(graph, periods=2, months=3)
    total = sum(s.score * len(s.members) for s in found)
    assert isclose(total, best, abs_tol=1e-9)
    placed = [(m["person_id"], m["to_post"]) for s in found for m in s.facts["moves"]]
    assert len(placed) == len(set(placed)), "nobody twice in the same post"
    for s in found:
        starts = {1: ("2026-06-30", "2026-09-29"), 2: ("2026-09-30", "2026-12-29")}
        assert (s.facts["start"], s.facts["end"]) == starts[s.facts["period"]]
        assert f"Period {s.facts['period']}: " in s.explain("sv")


def test_pins_belong_to_the_first_period_and_an_earlier_plan_is_begun_from() -> None:
    graph = graph_of(coordinators(4), settings=FREE)
    pinned = plan_rotation(graph, periods=2, pinned=[("c0", "c2")], max_cycle=2)
    assert [(s.people, s.facts["period"]) for s in pinned if s.facts.get("pinned")] == [(("c0", "c2"), 1)]
    assert (2, {"c0", "c2"}) not in [(s.facts["period"], set(s.people)) for s in pinned]
    again = repeat(graph, pinned, pinned=[], earlier=pinned)
    assert (again.outcome.objective or 0.0) >= (pinned.outcome.objective or 0.0) - 1e-9
    assert repeat(graph, again) == again


def test_nobody_moves_three_times_while_somebody_who_could_move_never_does() -> None:
    # One of four in each unit may move at a time, so in three periods somebody of each never does.
    staff = coordinators(8, units=(NORTH, SOUTH), interests=(wish("c0", FINNISH), wish("c1", FINNISH)))
    units = [replace(u, max_moving_share=0.25) if u.unit_id in (NORTH, SOUTH) else u for u in UNITS]
    graph = graph_of(staff.replace(units=tuple(units)), settings=FREE)
    found = plan_rotation(graph, periods=3, months=2)
    assert len(found) == 3
    for t in (1, 2, 3):
        leaving = [m["from_unit"] for s in found if s.facts["period"] == t for m in s.facts["moves"]]
        assert sorted(leaving) == [NORTH, SOUTH]
    # c0 and c1 gain most each time, but may not go a third time.
    moves = Counter(p for s in found for p in s.people)
    assert max(moves.values()) == 2
    assert not any(n.startswith("waits_not_kept") for n in found.notes)


@pytest.mark.parametrize("seed", [0, 3, 11])
def test_what_an_alternative_or_a_refusal_costs_holds_when_it_is_tried(seed: int) -> None:
    settings = Settings.of({"suggest": {"moving_share": 0.5}})
    graph = graph_of(random_staff(seed, 9), settings=settings)
    found = plan_rotation(graph)
    if found.outcome.status is not Status.OPTIMAL:
        pytest.fail("the case is to be proven")
    best = found.outcome.objective or 0.0
    for s in found:
        for other in s.alternatives:
            tried = repeat(graph, found, pinned=[other.people])
            assert best - (tried.outcome.objective or 0.0) >= (other.cost or 0.0) - 1e-7
        without, cost = refuse(graph, found, s.rank)
        assert cost <= s.facts["refusal_at_most"] + 1e-7
        assert s.people not in [t.people for t in without]


def test_some_alternatives_cost_something_and_are_said_so() -> None:
    found = [s for seed in (0, 3, 11) for s in plan_rotation(graph_of(random_staff(seed, 9), settings=FREE))]
    told = [a for s in found for a in s.alternatives if a.cost]
    assert told
    assert any("helheten förlorar minst" in s.explain("sv") for s in found)
    assert all("Om bytet avböjs förlorar hela planen högst" in s.explain("sv") for s in found)


RICH = {
    "plain": {},
    "two periods": {"periods": 2, "months": 3},
    "chains": {"open_posts": "vacant", "weeks": 4, "managers": {SOUTH: True}},
    "free": {"max_cycle": None, "hours": {NORTH: "natt", SOUTH: "natt", OFFICE: "natt"}},
}


@pytest.mark.parametrize("call", list(RICH))
def test_the_same_call_twice_and_on_shuffled_tables_gives_equal_bytes(call: str) -> None:
    staff = with_posts(random_staff(4, 8), vacancy(), vacancy(SOUTH, "v2"))
    first = plan_rotation(graph_of(staff, settings=FREE), **RICH[call])  # type: ignore[arg-type]
    assert len(first)
    assert plan_rotation(graph_of(staff, settings=FREE), **RICH[call]).to_json() == first.to_json()  # type: ignore[arg-type]
    for order in (1, 2):
        assert plan_rotation(graph_of(shuffled(staff, order), settings=FREE), **RICH[call]).to_json() == first.to_json()  # type: ignore[arg-type]
    assert repeat(graph_of(staff, settings=FREE), Suggestions.from_json(first.to_json())) == first


def test_pins_that_leave_a_unit_without_a_critical_competence_are_infeasible_by_name() -> None:
    crew = [person("a", role_id=ASSISTANT), person("b", unit=SOUTH, role_id=COORDINATOR)]
    held = [piece(p, c, 2) for p in ("a", "b") for c in (DEMENTIA, ROSTER, CALM)]
    settings = Settings.of({"suggest": {"moving_share": 1.0}, "fit": {"cutoff": 0.3}})
    graph = graph_of(small_staff(crew, [*held, piece("a", LIFT, 2)], []), settings=settings)
    found = plan_rotation(graph, pinned=[("a", "b")])
    assert found.outcome.conflicts == ("pinned_breaks_cover:Hemtjänst Norr",)


@pytest.mark.parametrize(("seed", "max_cycle"), [(0, 2), (0, 3), (2, 3), (4, 3), (6, 2)])
def test_a_plan_with_a_vacancy_equals_the_best_of_all_chains_and_cycles(seed: int, max_cycle: int) -> None:
    base = random_staff(seed, 5)
    staff = with_posts(base, vacancy())
    # Somebody who sits in the vacancy, for whom moves are worked out as for all others, and who then is taken away.
    phantom = base.replace(people=(*base.people, person("v1", unit=OFFICE, role_id=COORDINATOR)))
    moves = {m: value for m, value in moves_of(graph_of(phantom, settings=FREE)).items() if m[0] != "v1"}
    ids = [p.person_id for p in base.people]
    # The vacancy "moves" to the post that is left empty.
    moves |= {("v1", i): 0.0 for i in ids}
    best = 0.0
    for places in permutations([*ids, "v1"]):
        plan = {i: j for i, j in zip([*ids, "v1"], places, strict=True) if i != j}
        if all(m in moves for m in plan.items()) and _longest_of_people(plan) <= max_cycle:
            best = max(best, sum(moves[m] for m in plan.items()))
    found = plan_rotation(graph_of(staff, settings=FREE), open_posts="vacant", max_cycle=max_cycle)
    assert isclose(sum(s.score * len(s.members) for s in found), best, abs_tol=1e-9)
    assert found.outcome.status is Status.OPTIMAL or best == 0


def _longest_of_people(plan: dict[str, str]) -> int:
    longest, seen = 0, set()
    for start in plan:
        length, at = 0, start
        while at not in seen:
            seen.add(at)
            at, length = plan[at], length + (at != "v1")
        longest = max(longest, length)
    return longest


@pytest.mark.parametrize(("people", "periods"), [(60, 1), (12, 2)])
def test_what_the_clock_stopped_is_made_again_by_its_steps(people: int, periods: int) -> None:
    staff = with_posts(random_staff(5, people), vacancy(), vacancy(SOUTH, "v2"), least={NORTH: 3, SOUTH: 3, OFFICE: 3})
    graph = graph_of(staff, settings=FREE)
    stopped = plan_rotation(graph, open_posts="vacant", periods=periods, months=2, time_limit=1e-9)
    assert stopped.outcome.stopped_by == "clock"
    assert len(stopped)
    again = repeat(graph, stopped)
    assert again.outcome.stopped_by == "steps"
    assert [(s.people, s.target, s.score) for s in again] == [(s.people, s.target, s.score) for s in stopped]


def test_a_run_that_is_stopped_before_there_is_a_plan_says_so() -> None:
    graph = graph_of(random_staff(5, 60), settings=FREE)
    found = plan_rotation(graph, periods=2, progress=lambda steps, phase: False)
    assert found.outcome.conflicts == ("stopped_early",)
    assert "innan någon plan fanns" in found.explain("sv")


Where = tuple[str, str, tuple[str, ...], float, bool]
"""Of a place: who holds it, the unit, the roles, the share and whether it is a part."""


def places_by_hand(staff: Staff) -> dict[str, Where]:
    """Return every post, and every role of a post with several."""
    found: dict[str, Where] = {}
    for p in staff.people:
        shares = p.employments[0].roles
        unit, name = p.employments[0].unit_id, f"{p.person_id}:1"
        whole = sum(r.share or 0.0 for r in shares)
        found[name] = (p.person_id, unit, tuple(sorted(r.role_id or "" for r in shares)), whole, False)
        if len(shares) > 1:
            found |= {f"{name}#{r.role_id}": (p.person_id, unit, (r.role_id or "",), r.share or 0.0, True) for r in shares}
    return found


def moves_between(graph: CompetenceGraph, places: dict[str, Where]) -> dict[tuple[str, str], float]:
    """Work out every allowed move's score between places, from the holdings alone; nobody has stated a wish."""
    found = {}
    for i, (who, here, mine, share, part) in places.items():
        held = {h.concept_id: h.rounded for h in graph.holdings(who)}
        own = {r for w, _, roles, *_ in places.values() if w == who for r in roles}
        for j, (other, there, theirs, their_share, their_part) in places.items():
            if other == who or abs(share - their_share) > (0.1 if part or their_part else 0.25) + 1e-9:
                continue
            asked: dict[str, tuple[float, int]] = {}
            for q in (q for r in theirs for q in taxonomy().roles[r].requirements):
                weight, level = asked.get(q.concept_id, (0.0, 0))
                asked[q.concept_id] = (max(weight, q.weight), max(level, q.level))
            total = sum(w for w, _ in asked.values())
            fit = sum(w * min(held.get(c, 0) / level, 1) for c, (w, level) in asked.items()) / total
            growth = sum(w * min(max(level - held.get(c, 0), 0), 2) / 2 for c, (w, level) in asked.items()) / total
            if growth > 0 and (fit >= 0.5 or own.issuperset(theirs)) and not (mine == theirs and here == there):
                found[i, j] = WEIGHTS["fit"] * fit + WEIGHTS["growth"] * growth + WEIGHTS["new_unit"] * (here != there)
    return found


@pytest.mark.parametrize("seed", range(6))
def test_a_plan_of_parts_equals_the_best_of_every_choice_of_places(seed: int) -> None:
    rng = Random(seed)
    crew = []
    for i in range(4):
        unit = rng.choice((NORTH, SOUTH, OFFICE))
        roles = ((COORDINATOR, 0.5), (ASSISTANT, 0.5)) if i % 2 == 0 else ((rng.choice((COORDINATOR, ASSISTANT)), 0.5),)
        crew.append(shared(f"r{i}", unit, *roles))
    # Those who stay leave room under the limit of each unit.
    crew += [person(f"stays{u}{k}", unit=u, role_id=ASSISTANT, rotation="no") for u in (NORTH, SOUTH, OFFICE) for k in range(9)]
    held = [piece(f"r{i}", c, rng.randint(1, 3)) for i in range(4) for c in (ROSTER, CALM, DEMENTIA, LIFT)]
    staff = small_staff(crew, held, [])
    graph = graph_of(staff, settings=FREE)
    places = places_by_hand(staff.replace(people=tuple(crew[:4])))
    moves = moves_between(graph, places)
    options = [[None, *((i, j) for i, j in moves if places[i][0] == f"r{k}")] for k in range(4)]
    best = 0.0
    for chosen in product(*options):
        plan = dict(m for m in chosen if m is not None)
        if set(plan) == set(plan.values()) and (not plan or _longest(plan) <= 3):
            best = max(best, sum(moves[m] for m in plan.items()))
    found = plan_rotation(graph)
    total = 0.0
    for s in found:
        total += s.score * len(s.members)
        for m in s.facts["moves"]:
            assert (m["from_post"], m["to_post"]) in moves
    movers = [m["person_id"] for s in found for m in s.facts["moves"]]
    assert len(movers) == len(set(movers)), "nobody leaves two places"
    assert isclose(total, best, abs_tol=1e-9)
    assert found.outcome.status is (Status.OPTIMAL if best else Status.EMPTY)


def test_every_hard_rule_the_call_names_has_a_test_here() -> None:
    said = " ".join((plan_rotation.__doc__ or "").split())
    named = said.partition("Hard rules: takes_part, ")[2].partition(". ")[0].split(", ")
    named += said.partition("are told so (")[2].partition(")")[0].split(", ")
    assert len(named) >= 15
    here = Path(__file__).read_text(encoding="utf-8").partition("def test_every_hard_rule")[0]
    pins = ["over_unit_limit", "breaks_cover", "twice", "too_long", "below_staffing"]
    assert not {n for n in (*named, "opted_out", "not_opted_in", *(f"pinned_{p}" for p in pins)) if f'"{n}' not in here}
