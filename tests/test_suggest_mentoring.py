"""Mentoring pairs: the best total of every possible plan, and every hard rule by its name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from itertools import product
from math import isclose

import pytest
from cases import (
    AS_OF,
    CALM,
    CARPENTRY,
    COORDINATOR,
    DEMENTIA,
    EVIDENCE,
    INTERESTS,
    LIFT,
    NURSE,
    OFFICE,
    PEOPLE,
    REGISTERED,
    ROSTER,
    answering,
    graph_of,
    person,
    piece,
    random_staff,
    small_staff,
    wish,
)

from competence.errors import InputError, UnknownIdError
from competence.graph import CompetenceGraph
from competence.model import Choice, Decision, HistoryEntry, HistoryKind, InterestKind, Status
from competence.settings import Settings
from competence.suggest.mentoring import pair_mentors
from competence.suggest.result import Suggestions

WEIGHTS = Settings().suggest.pairs
CUTOFF = Settings().suggest.pair_cutoff


def rules(result: Suggestions) -> dict[str, str]:
    return {r.person_id: r.rule for r in result.left_out}


def pairs(result: Suggestions) -> set[tuple[str, str]]:
    return {(s.people[0], s.people[1]) for s in result}


def pair_scores(graph: CompetenceGraph, topics: tuple[str, ...]) -> dict[tuple[str, str], float]:
    """Work out every allowed pair's score from the holdings alone, for topics that all mentees want equally."""
    found = {}
    staff = graph.staff
    for e, r in product(graph.person_ids, repeat=2):
        if e == r or r in staff.managers_of(e) or e in staff.managers_of(r):
            continue
        parts = []
        for topic in topics:
            own, theirs = graph.holding(e, topic), graph.holding(r, topic)
            lead = (theirs.rounded if theirs else 0) - (own.rounded if own else 0)
            if theirs and theirs.rounded and 1 <= lead <= 3:
                teaches = graph.concept_index[topic] in graph.interests.get((r, InterestKind.TEACH), ())
                parts.append(
                    WEIGHTS["topic_gain"] * min(lead, 2) / 2
                    + WEIGHTS["mentor_confidence"] * theirs.confidence
                    + WEIGHTS["teaching"] * teaches
                )
        if parts:
            mine, others = set(graph.units_of[graph.row(e)]), set(graph.units_of[graph.row(r)])
            score = sum(parts) / len(topics) + WEIGHTS["other_unit"] * (bool(others) and not mine & others) + WEIGHTS["load"]
            if score >= CUTOFF:
                found[e, r] = score
    return found


def plans(mentees: tuple[str, ...], scores: Mapping[tuple[str, str], float], capacity: int) -> Iterator[dict[str, str]]:
    """Return every plan: each mentee with an allowed mentor or none, each mentor with at most ``capacity``."""
    choices = [[None, *(r for e, r in scores if e == mentee)] for mentee in mentees]
    for chosen in product(*choices):
        taken = [r for r in chosen if r is not None]
        if all(taken.count(r) <= capacity for r in taken):
            yield {e: r for e, r in zip(mentees, chosen, strict=True) if r is not None}


@pytest.mark.parametrize("capacity", [1, 2])
@pytest.mark.parametrize("seed", range(8))
def test_the_total_equals_the_best_of_every_possible_plan(seed: int, capacity: int) -> None:
    graph = graph_of(random_staff(seed, 6))
    topics = (DEMENTIA, ROSTER)
    scores = pair_scores(graph, topics)
    mentees = graph.person_ids[:5]
    best = max(sum(scores[p] for p in plan.items()) for plan in plans(mentees, scores, capacity))
    found = pair_mentors(graph, mentees, topics=list(topics), capacity=capacity)
    assert isclose(sum(s.score for s in found), best, abs_tol=1e-9)
    assert all(isclose(s.score, scores[s.people[0], s.people[1]], abs_tol=1e-12) for s in found)
    if len(found):
        assert found.outcome.status is Status.OPTIMAL
        assert (found.outcome.bound or 0.0) >= (found.outcome.objective or 0.0) - 1e-12
        assert isclose(found.outcome.objective or 0.0, best, abs_tol=1e-9)


@pytest.mark.parametrize("seed", range(8))
def test_the_stable_plan_has_no_pair_that_would_rather_have_each_other(seed: int) -> None:
    graph = graph_of(random_staff(seed, 6))
    topics = (DEMENTIA, ROSTER)
    scores = pair_scores(graph, topics)
    found = pair_mentors(graph, topics=list(topics), stable=True)
    plan = {s.people[0]: s.people[1] for s in found}
    own = {e: scores[e, r] for e, r in plan.items()}
    of_mentor = {r: scores[e, r] for e, r in plan.items()}
    blocking = [p for p in scores if scores[p] > own.get(p[0], -1) + 1e-12 and scores[p] > of_mentor.get(p[1], -1) + 1e-12]
    assert blocking == []
    assert not plan or "blocking_pairs:0" in found.notes


def test_one_pair_by_hand() -> None:
    # p2 (south) wants dementia care and holds 2; p1 (north) holds 4, assessed: lead 2, another unit, no mentees.
    found = pair_mentors(graph_of(), ["p2"], mentors=["p1"])
    confidence = 1 - 1 / (1.5 * (1 / 2.25 + 6.25) ** 0.5)
    assert pairs(found) == {("p2", "p1")}
    assert isclose(found[0].score, 0.5 + 0.2 * confidence + 0.1 + 0.05)
    assert found[0].target == DEMENTIA
    assert {r.measure for r in found[0].reasons} == {"topic_gain", "mentor_confidence", "other_unit", "load"}


@pytest.mark.parametrize(("lead", "allowed"), [(0, False), (1, True), (2, True), (3, True), (4, False)])
def test_a_mentor_leads_by_one_to_three_levels(lead: int, allowed: bool) -> None:
    evidence = [piece("p1", CARPENTRY, 1), piece("p5", CARPENTRY, 1 + lead)]
    found = pair_mentors(graph_of(small_staff(evidence=evidence)), ["p1"], mentors=["p5"], topics=CARPENTRY)
    assert len(found) == allowed
    if not allowed:
        assert rules(found)["p1"] == "nobody_leads_in_topic"
        assert rules(found)["p5"] == "no_mentee_fits"
    else:
        gain = next(r for r in found[0].reasons if r.measure == "topic_gain")
        assert gain.value == min(lead, 2) / 2


@pytest.mark.parametrize("purpose", ["mentee", "mentor"])
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
def test_opt_in_is_read_by_whether_the_files_had_a_column(
    purpose: str, answer: str | None, column: bool, expected: str | None
) -> None:
    who = "p2" if purpose == "mentee" else "p1"
    people = answering(PEOPLE, {who: {purpose: answer}} if answer else {})
    staff = small_staff(people, opt_in_columns=frozenset({purpose}) if column else frozenset())
    found = pair_mentors(graph_of(staff), ["p2"], mentors=["p1"])
    assert rules(found).get(who) == expected
    assert len(found) == (expected is None)
    if expected is None:
        assert (who in found[0].ask_first) is (answer is None)


def test_nobody_is_paired_with_an_own_manager_or_report() -> None:
    evidence = [piece("p1", ROSTER, 1), piece("p7", ROSTER, 3)]
    graph = graph_of(small_staff(evidence=evidence))
    assert rules(pair_mentors(graph, ["p1"], mentors=["p7"], topics=ROSTER))["p1"] == "own_line_manager"
    turned = graph_of(small_staff(evidence=[piece("p7", ROSTER, 1), piece("p1", ROSTER, 3)]))
    assert rules(pair_mentors(turned, ["p7"], mentors=["p1"], topics=ROSTER))["p7"] == "own_line_manager"


@pytest.mark.parametrize("order", [("p2", "p1"), ("p1", "p2")])
def test_those_paired_before_are_not_paired_again_in_either_order(order: tuple[str, str]) -> None:
    history = (HistoryEntry(kind=HistoryKind.PAIR, person_id=order[0], other_id=order[1], end=date(2020, 1, 1)),)
    found = pair_mentors(graph_of(small_staff(history=history)), ["p2"], mentors=["p1"])
    assert rules(found)["p2"] == "paired_before"


def test_an_accepted_decision_counts_as_paired_before_and_a_rejected_one_forbids() -> None:
    for choice, rule in (
        (Choice.ACCEPTED, "paired_before"),
        (Choice.REJECTED, "forbidden_pair"),
        (Choice.FORBIDDEN, "forbidden_pair"),
    ):
        decided = (Decision(kind="pairs", choice=choice, people=("p2", "p1")),)
        found = pair_mentors(graph_of(small_staff(decisions=decided)), ["p2"], mentors=["p1"])
        assert rules(found)["p2"] == rule


def test_the_latest_decision_about_a_pair_wins() -> None:
    decided = (
        Decision(kind="pairs", choice=Choice.REJECTED, people=("p2", "p1"), day=date(2026, 1, 1)),
        Decision(kind="pairs", choice=Choice.PINNED, people=("p2", "p1"), day=date(2026, 2, 1)),
    )
    for decisions in (decided, decided[::-1]):
        found = pair_mentors(graph_of(small_staff(decisions=decisions)), ["p2"], mentors=["p1"])
        assert pairs(found) == {("p2", "p1")}


def test_a_forbidden_pair_is_named() -> None:
    found = pair_mentors(graph_of(), ["p2"], mentors=["p1"], forbidden=[("p2", "p1")])
    assert rules(found)["p2"] == "forbidden_pair"


def test_mentors_that_are_full_are_named_and_capacity_counts_mentees_now() -> None:
    wanting = [wish(p, DEMENTIA) for p in ("p2", "p3", "p4")]
    staff = small_staff(interests=wanting)
    found = pair_mentors(graph_of(staff), ["p2", "p3", "p4"], mentors=["p6"], capacity=2)
    assert len(found) == 2
    assert list(rules(found).values()) == ["mentors_full"]
    busy = (HistoryEntry(kind=HistoryKind.PAIR, person_id="p5", other_id="p6"),)
    found = pair_mentors(graph_of(small_staff(interests=wanting, history=busy)), ["p2", "p3", "p4"], mentors=["p6"], capacity=2)
    assert len(found) == 1
    found = pair_mentors(graph_of(small_staff(interests=wanting, history=busy)), ["p2", "p3"], mentors=["p6"], capacity=1)
    assert len(found) == 0
    assert rules(found)["p6"] == "no_room"


def test_capacity_in_the_file_goes_before_that_of_the_call() -> None:
    people = [person("p1", capacity=0), *PEOPLE[1:]]
    found = pair_mentors(graph_of(small_staff(people)), ["p2"], mentors=["p1"], capacity=5)
    assert rules(found) == {"p1": "no_room", "p2": "mentors_full"}


def test_a_mentor_not_needed_is_named() -> None:
    found = pair_mentors(graph_of(), ["p2"], mentors=["p1", "p6"])
    assert len(found) == 1
    (rest,) = {"p1", "p6"} - {found[0].people[1]}
    assert rules(found)[rest] == "not_needed"


def test_a_pair_under_the_cutoff_is_named() -> None:
    found = pair_mentors(graph_of(), ["p2"], mentors=["p1"], cutoff=0.95)
    assert rules(found)["p2"] == "below_cutoff"


def test_stated_wishes_are_the_topics_before_gaps() -> None:
    found = pair_mentors(graph_of(), ["p3"], mentors=["p6"])
    assert found[0].facts["topics"] == [DEMENTIA]


def test_without_wishes_the_gaps_of_the_roles_held_are_the_topics() -> None:
    found = pair_mentors(graph_of(small_staff(interests=[])), ["p4"], mentors=["p7"])
    # p4 is a coordinator with rostering 2 of 3 and no calming: p7 leads by two and by three.
    assert set(found[0].facts["topics"]) == {ROSTER, CALM}


def test_a_goal_role_gives_the_topics_and_never_a_licence() -> None:
    found = pair_mentors(graph_of(), ["p1"], mentors=["p6"], goal_role=REGISTERED)
    assert found[0].facts["topics"] == [ROSTER]
    assert NURSE not in found[0].facts["topics_not_covered"]
    with pytest.raises(UnknownIdError):
        pair_mentors(graph_of(), ["p1"], goal_role="no-role")


def test_who_has_nothing_to_learn_from_is_named() -> None:
    staff = small_staff([*PEOPLE, person("p9", unit=OFFICE, role_id=None)], interests=[])
    assert rules(pair_mentors(graph_of(staff), ["p9"]))["p9"] == "no_topics"


def test_topics_that_are_not_understood_are_told() -> None:
    found = pair_mentors(graph_of(), ["p2"], topics="xyzzyplugh")
    assert found.outcome.conflicts == ("not_understood",)
    partly = pair_mentors(graph_of(), ["p2"], topics=["demensvård", "xyzzyplugh"])
    assert "need_partly_understood" in partly.notes


def test_no_mentees_no_mentors_and_no_pairs_are_told_apart() -> None:
    nobody = small_staff(opt_in_columns=frozenset({"mentee"}))
    assert pair_mentors(graph_of(nobody)).outcome.conflicts == ("no_mentees", "not_opted_in:8")
    nobody = small_staff(opt_in_columns=frozenset({"mentor"}))
    assert pair_mentors(graph_of(nobody), ["p2"]).outcome.conflicts == ("no_mentors", "not_opted_in:8")
    assert pair_mentors(graph_of(), ["p2"], mentors=["p5"]).outcome.conflicts == ("no_pairs", "nobody_leads_in_topic:1")


# -- pins ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stable", [False, True])
def test_a_pinned_pair_is_in_the_plan_and_its_mentor_has_so_much_less_room(stable: bool) -> None:
    graph = graph_of()
    found = pair_mentors(graph, ["p2", "p3"], mentors=["p1", "p6"], pinned=[("p2", "p6")], stable=stable)
    assert ("p2", "p6") in pairs(found)
    assert len({r for _, r in pairs(found)}) == len(found)
    assert isclose(found.outcome.objective or 0, sum(s.score for s in found))


def test_a_pin_that_breaks_a_hard_rule_is_refused_in_the_call_and_not_kept_from_before() -> None:
    with pytest.raises(InputError, match="p1 – p7"):
        pair_mentors(graph_of(), ["p1"], pinned=[("p1", "p7")])
    staff = small_staff(decisions=(Decision(kind="pairs", choice=Choice.PINNED, people=("p1", "p7")),))
    found = pair_mentors(graph_of(staff), ["p1"])
    assert ("p1", "p7") not in pairs(found)
    assert "pin_not_kept:1" in found.notes


def test_a_pin_about_others_has_nothing_to_do_with_this_call() -> None:
    staff = small_staff(decisions=(Decision(kind="pairs", choice=Choice.PINNED, people=("p3", "p6")),))
    found = pair_mentors(graph_of(staff), ["p2"], mentors=["p1"])
    assert pairs(found) == {("p2", "p1")}
    assert not any(n.startswith("pin_not_kept") for n in found.notes)


def test_more_pins_than_a_mentor_has_room_for_are_infeasible_and_name_the_mentor() -> None:
    found = pair_mentors(graph_of(), ["p2", "p3"], mentors=["p6"], pinned=[("p2", "p6"), ("p3", "p6")], capacity=1)
    assert found.outcome.status is Status.INFEASIBLE
    assert found.outcome.conflicts == ("pinned_over_capacity:p6",)
    assert set(rules(found)) == {"p2", "p3", "p6"}


# -- what is said -------------------------------------------------------------------------------------------------


def test_alternatives_cost_at_least_what_is_said() -> None:
    graph = graph_of()
    found = pair_mentors(graph)
    best = found.outcome.objective or 0.0
    tried = 0
    for suggestion in found:
        for other in suggestion.alternatives:
            again = pair_mentors(graph, pinned=[(other.people[0], other.people[1])])
            assert other.cost is not None
            assert best - (again.outcome.objective or 0.0) >= other.cost - 1e-9
            tried += 1
    assert tried


def test_somebody_who_mentors_and_waits_for_a_mentor_is_told_of_in_the_suggestion() -> None:
    # p1 mentors p2 in dementia care, and wants rostering, in which nobody else here leads.
    found = pair_mentors(graph_of(), ["p1", "p2"], mentors=["p1", "p2"])
    assert pairs(found) == {("p2", "p1")}
    assert found[0].facts["mentor_waits"] == "nobody_leads_in_topic"
    assert "mentors_waiting:1" in found.notes
    assert len(found.left_out) == 0


def test_showing_the_best_n_leaves_the_plan_as_it_was() -> None:
    graph = graph_of()
    everything, best = pair_mentors(graph), pair_mentors(graph, n=2)
    assert [s.people for s in best] == [s.people for s in everything[:2]]
    assert best.outcome == everything.outcome
    assert "not_among_best" in best.left_out.counts


def test_the_stated_wish_to_teach_counts() -> None:
    with_wish = pair_mentors(graph_of(), ["p2"], mentors=["p6"])
    without = pair_mentors(
        graph_of(small_staff(interests=[i for i in INTERESTS if i.kind is not InterestKind.TEACH])), ["p2"], mentors=["p6"]
    )
    assert isclose(with_wish[0].score - without[0].score, WEIGHTS["teaching"])


def test_the_record_holds_the_whole_call() -> None:
    found = pair_mentors(
        graph_of(), iter(["p3", "p2"]), mentors=iter(["p1", "p6"]), forbidden=iter([("p3", "p1")]), n=5, capacity=1
    )
    request = found.provenance.request
    assert request["mentees"] == ["p2", "p3"]
    assert request["mentors"] == ["p1", "p6"]
    assert request["forbidden"] == [["p3", "p1"]]
    assert (request["n"], request["capacity"], request["stable"]) == (5, 1, False)


def test_arguments_out_of_range_are_refused() -> None:
    with pytest.raises(InputError, match="capacity"):
        pair_mentors(graph_of(), capacity=-1)
    with pytest.raises(InputError, match="n must"):
        pair_mentors(graph_of(), n=-1)
    with pytest.raises(UnknownIdError, match="p99"):
        pair_mentors(graph_of(), ["p99"])


def test_an_interest_to_learn_lifting_needs_somebody_ahead() -> None:
    staff = small_staff(evidence=[*EVIDENCE], interests=[wish("p2", LIFT)])
    found = pair_mentors(graph_of(staff), ["p2"])
    assert pairs(found) <= {("p2", "p1")}
    assert found.as_of == AS_OF
    assert COORDINATOR in graph_of().role_ids
