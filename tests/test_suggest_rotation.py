"""Rotation: the best total of every possible set of swaps and cycles, and every hard rule by its name."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from itertools import permutations
from math import floor, isclose

import pytest
from cases import (
    ASSISTANT,
    CALM,
    CARETAKER,
    COORDINATOR,
    DEMENTIA,
    FINNISH,
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
    assert set(rules(plan_rotation(graph_of(alone, settings=settings))).values()) == {"not_in_best_plan"}
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
