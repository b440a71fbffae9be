"""Teams: stage 1 equals the best of every possible plan with sex hidden, stage 2 gives up no more than epsilon."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations
from math import isclose

import pytest
from cases import (
    CALM,
    DEMENTIA,
    EVIDENCE,
    FINNISH,
    LIFT,
    NORTH,
    NURSE,
    OFFICE,
    PEOPLE,
    ROSTER,
    SOUTH,
    graph_of,
    person,
    piece,
    random_staff,
    small_staff,
)

from competence.errors import InputError, UnknownIdError
from competence.graph import CompetenceGraph
from competence.model import Choice, Decision, NeedItem, Sex, Source, Status
from competence.staff import Staff
from competence.suggest.result import Suggestions
from competence.suggest.teams import form_teams
from competence.testing import swap_sex

NEED = (
    NeedItem(concept_id=DEMENTIA, level=3, weight=1.0),
    NeedItem(concept_id=ROSTER, level=2, count=2, weight=0.5),
    NeedItem(concept_id=LIFT, level=2, weight=0.8),
)

Plan = tuple[tuple[str, ...], ...]


def rules(result: Suggestions) -> dict[str, str]:
    return {r.person_id: r.rule for r in result.left_out}


def plan_of(result: Suggestions) -> set[tuple[str, ...]]:
    return {s.people for s in result}


def covered(graph: CompetenceGraph, team: tuple[str, ...], need: tuple[NeedItem, ...] = NEED) -> float:
    """Work out a team's coverage from the holdings alone."""
    total = 0.0
    for item in need:
        holders = 0
        for p in team:
            held = graph.holding(p, item.concept_id or "")
            holders += held is not None and held.rounded >= item.level
        total += item.weight * min(holders, item.count) / item.count
    return total / sum(i.weight for i in need)


def every_plan(pool: tuple[str, ...], sizes: tuple[int, ...]) -> Iterator[Plan]:
    """Return every way to fill teams of these sizes, with teams of equal size also in other orders."""
    if not sizes:
        yield ()
        return
    for team in combinations(pool, sizes[0]):
        for rest in every_plan(tuple(p for p in pool if p not in team), sizes[1:]):
            yield (team, *rest)


def keeps(plan: Plan, together: tuple[str, str] | None, apart: tuple[str, str] | None) -> bool:
    """Say whether a plan keeps a pair together (or both out) and another apart."""
    if together and any((together[0] in t) != (together[1] in t) for t in plan):
        return False
    return not (apart and any(apart[0] in t and apart[1] in t for t in plan))


def best(graph: CompetenceGraph, plans: list[Plan]) -> tuple[float, float]:
    """Return the best worst team and the best mean among plans that reach it."""
    reached = [(min(c), sum(c) / len(c)) for c in ([covered(graph, t) for t in plan] for plan in plans)]
    worst = max(w for w, _ in reached)
    return worst, max(m for w, m in reached if w >= worst - 1e-12)


def reached(result: Suggestions) -> tuple[float, float]:
    scores = [s.score for s in result]
    return min(scores), sum(scores) / len(scores)


PAIRS = [(None, None), (("r0", "r1"), None), (None, ("r0", "r1")), (("r2", "r3"), ("r0", "r1"))]


@pytest.mark.parametrize("pair", PAIRS)
@pytest.mark.parametrize(("seed", "size", "n"), [(0, 3, 2), (1, 2, 3), (2, 3, 1), (3, 3, 2), (4, 2, 2)])
def test_selected_teams_equal_the_best_of_every_possible_plan(
    seed: int, size: int, n: int, pair: tuple[tuple[str, str] | None, tuple[str, str] | None]
) -> None:
    graph = graph_of(random_staff(seed, 7))
    together, apart = pair
    found = form_teams(
        graph,
        list(NEED),
        people=graph.person_ids,
        size=size,
        n=n,
        together=[together] if together else (),
        apart=[apart] if apart else (),
    )
    plans = [p for p in every_plan(graph.person_ids, (size,) * n) if keeps(p, together, apart)]
    assert found.neutral is not None
    assert reached(found.neutral) == pytest.approx(best(graph, plans), abs=1e-9)
    assert keeps(tuple(plan_of(found.neutral)), together, apart)
    assert keeps(tuple(plan_of(found)), together, apart)
    for s in (*found, *found.neutral):
        assert isclose(s.score, covered(graph, s.people), abs_tol=1e-12)
        assert len(s.people) == size


@pytest.mark.parametrize("seed", range(6))
def test_a_partition_places_everybody_and_equals_the_best_of_every_possible_plan(seed: int) -> None:
    graph = graph_of(random_staff(seed, 7))
    found = form_teams(graph, list(NEED), size=3, n=None)
    # Seven people in teams of about three: round(7 / 3) = 2 teams, of four and three.
    assert sorted(len(s.people) for s in found) == [3, 4]
    assert sorted(p for s in found for p in s.people) == list(graph.person_ids)
    assert len(found.left_out) == 0
    assert found.neutral is not None
    assert reached(found.neutral) == pytest.approx(best(graph, list(every_plan(graph.person_ids, (4, 3)))), abs=1e-9)


@pytest.mark.parametrize("epsilon", [0.0, 0.02, 0.05])
@pytest.mark.parametrize("balance", ["no_lone", "balanced", "proportional"])
@pytest.mark.parametrize("seed", range(3))
def test_stage_two_gives_up_no_more_than_epsilon_of_the_worst_and_of_the_mean(seed: int, balance: str, epsilon: float) -> None:
    graph = graph_of(random_staff(seed, 7))
    found = form_teams(graph, list(NEED), people=graph.person_ids, size=3, n=2, balance=balance, epsilon=epsilon)
    assert found.neutral is not None
    for after, before in zip(reached(found), reached(found.neutral), strict=True):
        assert after >= (1 - epsilon) * before - 1e-9


def equals(n: int, women: int) -> Staff:
    """Return people who all hold the same, the first of them women."""
    people = [person(f"e{i}", Sex.WOMAN if i < women else Sex.MAN) for i in range(n)]
    return small_staff(people, [piece(p.person_id, LIFT) for p in people], [])


def test_among_plans_just_as_good_nobody_is_alone_of_their_sex() -> None:
    found = form_teams(graph_of(equals(12, 4)), LIFT, size=4, n=None, balance="no_lone")
    assert all(s.facts["women"] != 1 and s.facts["men"] != 1 for s in found)
    assert found.outcome.status is Status.OPTIMAL


def test_among_plans_just_as_good_the_most_teams_are_even() -> None:
    found = form_teams(graph_of(equals(12, 4)), LIFT, size=4, n=None, balance="balanced")
    assert sum(s.facts["women"] == 2 for s in found) == 2


@pytest.mark.parametrize("seed", range(4))
def test_stage_one_is_the_same_for_any_sex_labels(seed: int) -> None:
    staff = random_staff(seed, 7)
    unstated = staff.replace(people=tuple(replace(p, sex=Sex.NOT_STATED) for p in staff.people))
    plans = []
    for version in (staff, swap_sex(staff)):
        found = form_teams(graph_of(version), list(NEED), size=3, n=2)
        assert found.neutral is not None
        plans.append([(s.rank, s.people, s.score, s.reasons) for s in found.neutral])
    assert plans[0] == plans[1]
    none = form_teams(graph_of(unstated), list(NEED), size=3, n=2)
    assert [(s.rank, s.people, s.score, s.reasons) for s in none] == plans[0]


def test_where_no_sex_is_stated_teams_are_formed_on_competence_and_it_is_said() -> None:
    staff = equals(6, 3)
    unstated = staff.replace(people=tuple(replace(p, sex=Sex.NOT_STATED) for p in staff.people))
    found = form_teams(graph_of(unstated), LIFT, size=3, n=2)
    assert "no_sex" in found.notes
    assert found.neutral is not None
    assert plan_of(found) == plan_of(found.neutral)
    assert found[0].facts == {"women": 0, "men": 0, "not_stated": 3, "units": ["Hemtjänst Norr"]}


def test_a_permanent_work_team_has_no_stage_two_without_recorded_ground_and_assessment() -> None:
    graph = graph_of(equals(12, 4))
    plain = form_teams(graph, LIFT, size=4, n=None, purpose="work_team")
    assert plain.neutral is not None
    assert plan_of(plain) == plan_of(plain.neutral)
    assert "stage_2_off" in plain.notes
    half = form_teams(graph, LIFT, size=4, n=None, purpose="work_team", ground="plan 3", assessment="  ")
    assert "stage_2_off" in half.notes
    full = form_teams(graph, LIFT, size=4, n=None, purpose="work_team", ground="plan 3", assessment="var och en bedömd")
    assert "stage_2_off" not in full.notes
    assert full.provenance.request["ground"] == "plan 3"
    assert full.provenance.request["assessment"] == "var och en bedömd"


def test_somebody_near_a_level_counts_as_not_there() -> None:
    evidence = [piece("p1", LIFT, 2), piece("p2", LIFT, 3)]
    found = form_teams(graph_of(small_staff(evidence=evidence)), {"lyftteknik": 3}, people=["p1", "p3"], size=2)
    assert found[0].score == 0.0


def test_a_need_for_several_holders_counts_them_up_to_the_number() -> None:
    evidence = [piece(p, LIFT, 3) for p in ("p1", "p2")]
    graph = graph_of(small_staff(evidence=evidence))
    (found,) = form_teams(graph, NeedItem(concept_id=LIFT, count=3), people=["p1", "p2", "p3"], size=3)
    assert isclose(found.score, 2 / 3)
    (reason,) = found.reasons
    assert (reason.facts["count"], reason.facts["needed"], reason.facts["holders"]) == (2, 3, "p1,p2")
    assert set(reason.evidence) == {e.evidence_id for e in evidence}


@pytest.mark.parametrize("source", [Source.SELF, Source.MANAGER, Source.ASSESSMENT])
def test_informal_evidence_at_level_five_never_meets_a_hard_item(source: Source) -> None:
    told = piece("p2", NURSE, 5, source)
    graph = graph_of(small_staff(evidence=[*EVIDENCE, told]))
    need = NeedItem(concept_id=NURSE, hard=True)
    assert form_teams(graph, need, people=["p1", "p2"], size=2)[0].score == 0.0
    assert form_teams(graph, need, people=["p1", "p6"], size=2)[0].score == 1.0


def test_without_a_pool_those_who_hold_something_are_considered_and_the_rest_named() -> None:
    found = form_teams(graph_of(), {"demensvård": 2}, size=2, n=1)
    assert rules(found)["p5"] == "no_evidence"
    assert set(rules(found).values()) <= {"no_evidence", "not_selected", "not_in_stage_2"}


def test_those_not_selected_are_named_for_each_stage() -> None:
    graph = graph_of(random_staff(3, 7))
    found = form_teams(graph, list(NEED), people=graph.person_ids, size=3, n=2)
    assert found.neutral is not None
    for result in (found, found.neutral):
        assert set(rules(result)) == set(graph.person_ids) - {p for s in result for p in s.people}
        assert set(rules(result).values()) <= {"not_selected", "not_in_stage_2"}
    first = {p for s in found.neutral for p in s.people}
    for person_id, rule in rules(found).items():
        assert (rule == "not_in_stage_2") == (person_id in first)
    assert "not_in_stage_2" not in rules(found.neutral).values()


def test_at_most_so_many_of_one_unit() -> None:
    graph = graph_of(random_staff(5, 7))
    found = form_teams(graph, list(NEED), people=graph.person_ids, size=3, n=1, at_most=1)
    for s in found:
        units = [graph.units_of[graph.row(p)][0] for p in s.people]
        assert len(set(units)) == len(units)


def test_too_few_people_is_empty_with_a_name() -> None:
    found = form_teams(graph_of(), "demensvård", people=["p1", "p2"], size=3)
    assert found.outcome.conflicts == ("pool_too_small",)
    assert rules(found) == {"p1": "pool_too_small", "p2": "pool_too_small"}


def test_words_that_meet_nothing_are_told() -> None:
    assert form_teams(graph_of(), "xyzzyplugh").outcome.conflicts == ("not_understood",)
    assert "need_partly_understood" in form_teams(graph_of(), ["demensvård", "xyzzyplugh"], size=2).notes


def test_rules_that_cannot_stand_together_are_infeasible_by_name() -> None:
    found = form_teams(graph_of(), LIFT, n=None, size=4, together=[("p1", "p2")], apart=[("p1", "p2")])
    assert found.outcome.status is Status.INFEASIBLE
    assert found.outcome.conflicts[0].startswith("together_apart:p")
    assert set(rules(found).values()) == {"together_apart"}


def test_a_pair_to_keep_together_must_be_in_the_pool_and_be_two() -> None:
    with pytest.raises(InputError, match="p5"):
        form_teams(graph_of(), LIFT, people=["p1", "p2", "p3"], size=2, together=[("p1", "p5")])
    with pytest.raises(InputError, match="twice"):
        form_teams(graph_of(), LIFT, apart=[("p1", "p1")])
    with pytest.raises(UnknownIdError):
        form_teams(graph_of(), LIFT, apart=[("p1", "p99")])


@pytest.mark.parametrize(
    "fault",
    [{"size": 1}, {"n": 0}, {"at_most": 0}, {"balance": "even"}, {"purpose": "party"}, {"epsilon": 0.06}, {"epsilon": -0.01}],
)
def test_arguments_out_of_range_are_refused(fault: dict[str, object]) -> None:
    with pytest.raises(InputError, match=next(iter(fault))):
        form_teams(graph_of(), LIFT, **fault)  # type: ignore[arg-type]


def test_both_stages_and_their_difference_are_in_the_record() -> None:
    found = form_teams(graph_of(equals(12, 4)), LIFT, size=4, n=None)
    difference = found.provenance.request["difference"]
    assert {"stage_1", "stage_2", "balance_1", "balance_2", "pool_bounds"} <= set(difference)
    assert found.provenance.request["stage"] == 2
    assert found.neutral is not None
    assert found.neutral.provenance.request["stage"] == 1


def test_units_give_the_pool() -> None:
    found = form_teams(graph_of(), {"demensvård": 1}, units=["Hemtjänst Söder"], n=None, size=2)
    assert {p for s in found for p in s.people} == {"p2", "p4", "p6", "p8"}
    assert {NORTH, SOUTH, OFFICE} >= {u for p in PEOPLE for u in p.unit_ids(found.as_of)}
    assert {CALM, FINNISH} <= set(graph_of().concept_index)


def test_earlier_answers_about_teams_keep_people_together_and_apart() -> None:
    need, pool = {"demensvård": 2}, ["p1", "p2", "p3", "p6"]
    for pair, choice, expected in (
        (("p3", "p5"), Choice.PINNED, None),
        (("p1", "p3"), Choice.PINNED, True),
        (("p1", "p2"), Choice.FORBIDDEN, False),
    ):
        answered = Decision(kind="teams", choice=choice, people=pair)
        found = form_teams(graph_of(small_staff(decisions=(answered,))), need, people=pool, size=2, n=2)
        together = any(set(pair) <= set(s.people) for s in found)
        # A pinned pair with somebody outside the pool is no reason to refuse the call.
        assert together is (expected or False)


def test_a_legal_requirement_that_the_role_held_already_has_is_met_in_a_team() -> None:
    graph = graph_of(small_staff(evidence=[e for e in EVIDENCE if e.concept_id != NURSE]))
    assert graph.holding("p6", NURSE) is None
    assert form_teams(graph, NeedItem(concept_id=NURSE, hard=True), people=["p1", "p6"], size=2)[0].score == 1.0
