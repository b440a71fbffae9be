"""Experts: the exact best n by scores that a slow sum gives too, and every hard rule by its name."""

from __future__ import annotations

import csv
import pickle
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from itertools import permutations
from math import isclose
from pathlib import Path

import pytest
from cases import (
    AS_OF,
    CALM,
    CARPENTRY,
    DEMENTIA,
    EARLY,
    EVIDENCE,
    FINNISH,
    LICENCE,
    LIFT,
    NORTH,
    NURSE,
    PEOPLE,
    ROSTER,
    SOUTH,
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

from competence._texts import LANGUAGES, keys
from competence.errors import InputError, UnknownIdError
from competence.fit import freshness
from competence.graph import CompetenceGraph
from competence.linking import How, Link, Links
from competence.model import (
    Choice,
    Decision,
    HistoryEntry,
    HistoryKind,
    InterestKind,
    LearningForm,
    NeedItem,
    OptIn,
    Requirement,
    Source,
    Status,
    Visibility,
)
from competence.settings import Settings
from competence.staff import Staff
from competence.suggest._experts_record import RULES
from competence.suggest.change import repeat
from competence.suggest.experts import find_experts
from competence.suggest.result import LeftOut, Suggestions

WEIGHTS = Settings().suggest.experts
EXACT = Settings.of({"suggest": {"expert_margin": 0.0}})
"""Nobody is nearly equal: the best n by score alone."""


def rules(result: object) -> dict[str, str]:
    """Return the rule that left each person out."""
    return {r.person_id: r.rule for r in result.left_out}  # type: ignore[attr-defined]


def scores(graph: CompetenceGraph, asked: dict[str, int]) -> dict[str, float]:
    """Work out everybody's score from the holdings alone, measure by measure."""
    near = {DEMENTIA: (CALM, EARLY), CALM: (DEMENTIA,)}
    found = {}
    for person_id in graph.person_ids:
        held = {h.concept_id: h for h in graph.holdings(person_id)}
        total, knows = 0.0, False
        for concept_id, level in asked.items():
            own = held.get(concept_id)
            cover = min(own.rounded / level, 1.0) if own else 0.0
            kin = max((0.5 * min(held[c].rounded / level, 1.0) for c in near.get(concept_id, ()) if c in held), default=0.0)
            kin = min(kin, 1.0 - cover)
            more = max(own.rounded - level, 0) / 4 if own else 0.0
            part = WEIGHTS["coverage"] * cover + WEIGHTS["surplus"] * more + WEIGHTS["related"] * kin
            if own and cover > 0:
                currency = taxonomy().concepts[concept_id].currency_months
                days = (graph.as_of - own.latest).days if own.latest else None
                fresh = 1.0 if currency is None else 0.5 if days is None else 2 ** (-max(days, 0) / (365.2425 / 12) / currency)
                part += WEIGHTS["confidence"] * own.confidence + WEIGHTS["freshness"] * fresh
            if cover > 0 or kin > 0:
                knows = True
                column = graph.concept_index[concept_id]
                wants = any(column in graph.interests.get((person_id, k), ()) for k in (InterestKind.USE, InterestKind.TEACH))
                part += WEIGHTS["willingness"] * wants
            total += part / len(asked)
        found[person_id] = total + WEIGHTS["load"] if knows else 0.0
    return found


@pytest.mark.parametrize("asked", [{DEMENTIA: 3}, {LIFT: 2, ROSTER: 4}, {CALM: 5, DEMENTIA: 1, NURSE: 1}])
@pytest.mark.parametrize("seed", range(5))
def test_the_best_n_equal_a_sort_of_independently_computed_scores(seed: int, asked: dict[str, int]) -> None:
    graph = graph_of(random_staff(seed, 7))
    expected = {p: s for p, s in scores(graph, asked).items() if s >= Settings().suggest.expert_cutoff}
    for n in (1, 3, 10):
        found = find_experts(graph, asked, n=n, settings=EXACT)
        best = sorted(expected.values(), reverse=True)[:n]
        assert [s.score for s in found] == pytest.approx(best, abs=1e-12)
        assert all(isclose(s.score, expected[s.people[0]], abs_tol=1e-12) for s in found)
        assert found.outcome.status is (Status.OPTIMAL if expected else Status.EMPTY)


def test_one_expert_by_hand() -> None:
    # p6 holds dementia care 3 of 3 told by a manager today, wants to teach it, and mentors nobody.
    found = find_experts(graph_of(), {"demensvård": 3}, people=["p6"])
    confidence = 1 - 1 / (1.5 * (1 / 2.25 + 1 / 0.81) ** 0.5)
    assert isclose(found[0].score, 0.4 + 0.15 * confidence + 0.1 + 0.1 + 0.05)
    assert [r.measure for r in found[0].reasons] == ["coverage", "freshness", "willingness", "confidence", "load"]
    assert found[0].reasons[0].evidence == ("p6:dementia:manager",)
    assert found[0].reasons[0].path == ("demensvård", "demensvård", DEMENTIA)


def test_a_related_concept_counts_half_and_only_for_what_is_missing() -> None:
    # p7 holds calming 3, related to dementia care: half of coverage 1.
    found = find_experts(graph_of(), "demensvård", people=["p7"])
    assert isclose(found[0].score, 0.1 * 0.5 + 0.05)
    (reason,) = (r for r in found[0].reasons if r.measure == "related")
    assert reason.path[-1] == CALM
    assert reason.evidence == ("p7:calm:manager",)


def test_where_no_level_is_asked_those_who_can_more_come_first() -> None:
    evidence = [piece(p, LIFT, level) for p, level in (("p1", 2), ("p2", 5), ("p3", 3))]
    found = find_experts(graph_of(small_staff(evidence=evidence, interests=[])), "lyftteknik")
    assert [s.people[0] for s in found] == ["p2", "p3", "p1"]
    # Level 5 is four levels beyond 1, level 3 two: the whole of the weight, and half of it.
    more = {s.people[0]: r for s in found for r in s.reasons if r.measure == "surplus"}
    assert {p: r.contribution for p, r in more.items()} == pytest.approx({"p2": 0.1, "p3": 0.05, "p1": 0.025})
    assert more["p2"].evidence == ("p2:lift:manager",)
    enough = find_experts(graph_of(small_staff(evidence=evidence, interests=[])), {"lyftteknik": 5}, people=["p2"])
    assert "surplus" not in {r.measure for r in enough[0].reasons}


def test_the_runner_up_is_the_difference_to_the_best_left_out() -> None:
    graph = graph_of()
    everybody = find_experts(graph, "demensvård")
    best = find_experts(graph, "demensvård", n=2)
    assert isclose(best.outcome.runner_up or 0.0, everybody[1].score - everybody[2].score)
    assert everybody.outcome.runner_up is None


@pytest.mark.parametrize(
    ("answers", "columns", "expected"),
    [
        ({"expert": "no"}, frozenset(), "opted_out"),
        ({"expert": "no"}, frozenset({"expert"}), "opted_out"),
        ({}, frozenset({"expert"}), "not_opted_in"),
        ({"expert": "yes"}, frozenset({"expert"}), None),
        ({}, frozenset(), None),
    ],
)
def test_opt_in_is_read_by_whether_the_files_had_a_column(
    answers: dict[str, str], columns: frozenset[str], expected: str | None
) -> None:
    people = answering(PEOPLE, {"p1": answers})
    found = find_experts(graph_of(small_staff(people, opt_in_columns=columns)), "demensvård")
    assert rules(found).get("p1") == expected
    drafts = {p for s in found for p in s.ask_first}
    assert ("p1" in drafts) is (expected is None and not answers)
    assert ("opt_in_not_asked" in found.notes) is bool(drafts)


def test_who_has_no_evidence_is_told_so_before_any_opt_in() -> None:
    people = answering(PEOPLE, {"p5": {"expert": "no"}})
    assert rules(find_experts(graph_of(small_staff(people)), "demensvård"))["p5"] == "no_evidence"


def test_evidence_too_old_is_named() -> None:
    old = piece("p5", LIFT, 4, Source.SELF, day=date(2010, 1, 1))
    graph = graph_of(small_staff(evidence=[*EVIDENCE, old]))
    assert rules(find_experts(graph, "lyftteknik"))["p5"] == "to_be_reconfirmed"


@pytest.mark.parametrize("source", [Source.SELF, Source.MANAGER, Source.ASSESSMENT])
def test_informal_evidence_at_level_five_never_meets_a_hard_need(source: Source) -> None:
    told = piece("p2", NURSE, 5, source, learning_form=LearningForm.INFORMAL)
    graph = graph_of(small_staff(evidence=[*EVIDENCE, told]))
    found = find_experts(graph, NeedItem(concept_id=NURSE, hard=True))
    assert [s.people[0] for s in found] == ["p6"]
    assert rules(found)["p2"] == "hard_requirement"
    assert "hard_requirements_met" in found[0].rules


def test_an_expert_turned_down_for_this_need_is_named_and_found_for_another() -> None:
    no = Decision(kind="experts", choice=Choice.REJECTED, people=("p6",), target=DEMENTIA)
    graph = graph_of(small_staff(decisions=(no,)))
    assert rules(find_experts(graph, "demensvård"))["p6"] == "rejected_before"
    assert "p6" in {s.people[0] for s in find_experts(graph, "schemaläggning")}


def test_whoever_scores_under_the_cutoff_is_named() -> None:
    found = find_experts(graph_of(), "demensvård", cutoff=0.5)
    assert rules(found)["p7"] == "below_cutoff"
    assert all(s.score >= 0.5 for s in found)


def test_the_others_that_fitted_are_named() -> None:
    found = find_experts(graph_of(), "demensvård", n=1)
    assert [s.people[0] for s in found] == ["p6"]
    assert rules(found)["p1"] == "not_among_best"


def test_words_that_meet_nothing_give_an_empty_result_that_names_the_nearest() -> None:
    found = find_experts(graph_of(), "xyzzyplugh")
    assert len(found) == 0
    assert found.outcome.status is Status.EMPTY
    assert found.outcome.conflicts == ("not_understood",)
    assert set(rules(found).values()) == {"not_understood"}
    request = found.provenance.request["need"]
    assert request["not_understood"][0]["words"] == "xyzzyplugh"


def test_words_partly_understood_are_noted() -> None:
    assert "need_partly_understood" in find_experts(graph_of(), ["demensvård", "xyzzyplugh"]).notes


def test_a_need_nobody_meets_is_empty_and_no_error() -> None:
    found = find_experts(graph_of(small_staff(evidence=[])), "demensvård")
    assert found.outcome.conflicts == ("nobody_holds",)
    assert len(found.left_out) == 8


def test_only_the_units_asked_for_are_searched() -> None:
    found = find_experts(graph_of(), "demensvård", units=["Hemtjänst Norr"])
    assert {s.people[0] for s in found} | set(rules(found)) == {"p1", "p3", "p7"}
    assert found.by_sex["considered"].total == 3


def test_people_and_units_may_be_given_as_any_iterable() -> None:
    graph = graph_of()
    assert find_experts(graph, "demensvård", units=iter([NORTH])) == find_experts(graph, "demensvård", units=[NORTH])
    assert find_experts(graph, "demensvård", people=iter(["p1"])) == find_experts(graph, "demensvård", people=["p1"])


def test_private_evidence_is_neither_used_nor_counted() -> None:
    graph = graph_of()
    without = graph_of(small_staff(evidence=[e for e in EVIDENCE if e.visibility is not Visibility.PRIVATE]))
    assert find_experts(graph, "demensvård").to_json() == find_experts(without, "demensvård").to_json()


def test_mentees_now_are_a_load() -> None:
    history = tuple(
        HistoryEntry(kind=HistoryKind.PAIR, person_id=p, other_id="p6", end=end) for p, end in (("p1", None), ("p2", AS_OF))
    )
    ended = HistoryEntry(kind=HistoryKind.PAIR, person_id="p3", other_id="p6", end=date(2026, 1, 1))
    found = find_experts(graph_of(small_staff(history=(*history, ended))), "demensvård", people=["p6"])
    (load,) = (r for r in found[0].reasons if r.measure == "load")
    assert isclose(load.value, 1 / 3)
    assert load.facts["count"] == 2


def test_another_date_ages_the_evidence() -> None:
    graph = graph_of()
    now, later = find_experts(graph, "lyftteknik", n=1), find_experts(graph, "lyftteknik", n=1, as_of=date(2028, 6, 30))
    assert later.as_of == date(2028, 6, 30)
    assert later[0].score < now[0].score
    assert freshness(graph.column("latest", graph.concept_index[LIFT]), later.as_of, 24).max() == pytest.approx(0.5, abs=1e-3)


def test_equal_scores_are_ordered_by_the_seed_and_never_by_name_or_id() -> None:
    people = [replace(p, employments=PEOPLE[0].employments) for p in PEOPLE]
    graph = graph_of(small_staff(people, [piece(p.person_id, LIFT) for p in people], []))
    orders = {tuple(s.people[0] for s in find_experts(graph, "lyftteknik", seed=seed)) for seed in range(8)}
    assert len(orders) > 4
    renamed = [replace(p, name=f"Z{9 - i}") for i, p in enumerate(people)]
    other = graph_of(small_staff(renamed, [piece(p.person_id, LIFT) for p in people], []))
    assert [s.people for s in find_experts(other, "lyftteknik")] == [s.people for s in find_experts(graph, "lyftteknik")]


def test_weights_come_from_the_settings() -> None:
    weights = {
        "coverage": 1.0,
        "surplus": 0.0,
        "confidence": 0.0,
        "freshness": 0.0,
        "related": 0.0,
        "willingness": 0.0,
        "load": 0.0,
    }
    found = find_experts(graph_of(), {"demensvård": 4}, settings=Settings.of({"suggest": {"experts": weights}}))
    assert {s.people[0]: s.score for s in found} == {"p1": 1.0, "p6": 0.75, "p2": 0.5}
    assert found.settings.suggest.experts == weights


def test_arguments_out_of_range_are_refused() -> None:
    graph = graph_of()
    with pytest.raises(InputError, match="n must"):
        find_experts(graph, "demensvård", n=0)
    with pytest.raises(InputError, match="at least one thing"):
        find_experts(graph, "")
    with pytest.raises(UnknownIdError):
        find_experts(graph, "demensvård", people=["p99"])


def test_a_licence_is_found_by_its_certificate() -> None:
    graph = graph_of(small_staff(evidence=[certificate("p3", LICENCE)], interests=[wish("p3", LICENCE, InterestKind.USE)]))
    assert [s.people[0] for s in find_experts(graph, NeedItem(words="körkort B", hard=True))] == ["p3"]


def test_a_hard_item_gates_and_is_not_weighed_beside_others() -> None:
    need = (NeedItem(concept_id=NURSE, hard=True), NeedItem(concept_id=DEMENTIA, level=2))
    found = find_experts(graph_of(), need)
    alone = find_experts(graph_of(), NeedItem(concept_id=DEMENTIA, level=2))
    assert [s.people[0] for s in found] == ["p6"]
    assert isclose(found[0].score, next(s.score for s in alone if s.people[0] == "p6"))


# -- load, rest and spread -----------------------------------------------------------------------------------------


def request(person_id: str, days_ago: int, target: str = DEMENTIA, choice: Choice = Choice.ACCEPTED) -> Decision:
    """Make a decision that somebody was asked as an expert some days before the date of the graph."""
    return Decision(kind="experts", choice=choice, people=(person_id,), target=target, day=AS_OF - timedelta(days=days_ago))


def pair(mentor: str, end: date | None = None) -> HistoryEntry:
    """Make a running mentoring pair."""
    return HistoryEntry(kind=HistoryKind.PAIR, person_id="p8", other_id=mentor, start=date(2026, 1, 1), end=end)


def detail(result: Suggestions, person_id: str) -> str:
    """Return what is told beside the rule that left a person out."""
    (row,) = (r for r in result.left_out if r.person_id == person_id)
    return row.detail


def alike(n: int, units: int) -> Staff:
    """Return n people with the same evidence, each in the next of some units."""
    people = [person(f"a{i}", unit=f"unit-{i % units}") for i in range(n)]
    return small_staff(people, [piece(p.person_id, LIFT) for p in people], [])


def test_whoever_was_asked_within_the_days_of_rest_is_shown_as_free_again() -> None:
    # Rest is 7 days: asked 6 days ago, free tomorrow; asked 7 days ago, free today.
    resting = find_experts(graph_of(small_staff(decisions=(request("p6", 40), request("p6", 6)))), "demensvård")
    assert rules(resting)["p6"] == "resting"
    assert detail(resting, "p6") == (AS_OF + timedelta(days=1)).isoformat()
    (told,) = (r for r in resting.to_tables("sv")["left_out"] if r["person_id"] == "p6")
    assert told["detail"] == "2026-07-01"
    assert "vilar" in told["why"]
    assert "Ledig igen 2026-07-01: p6." in resting.explain("sv")
    assert "Free again on 2026-07-01: p6." in resting.explain("en")
    rested = find_experts(graph_of(small_staff(decisions=(request("p6", 7),))), "demensvård")
    assert "p6" in {s.people[0] for s in rested}
    on_the_day = find_experts(graph_of(small_staff(decisions=(request("p6", 6),))), "demensvård", as_of=date(2026, 7, 1))
    assert "p6" in {s.people[0] for s in on_the_day}


@pytest.mark.parametrize(
    "decision",
    [
        request("p6", 1, choice=Choice.REJECTED, target=LIFT),
        replace(request("p6", 1), kind="pairs"),
        replace(request("p6", 1), day=None),
        request("p6", -3),
        request("p5", 1),
    ],
)
def test_only_an_accepted_expert_request_of_a_past_day_is_a_load(decision: Decision) -> None:
    plain = find_experts(graph_of(), "demensvård")
    found = find_experts(graph_of(small_staff(decisions=(decision,))), "demensvård")
    assert [(s.people, s.score) for s in found] == [(s.people, s.score) for s in plain]


def test_requests_up_to_the_cap_are_a_load_and_at_the_cap_a_rule() -> None:
    settings = Settings.of({"suggest": {"expert_most_asked": 3, "expert_asked_days": 30, "expert_rest_days": 0}})
    # The one of 30 days ago has left the window.
    two = [request("p6", d) for d in (30, 20, 10)]
    found = find_experts(graph_of(small_staff(decisions=tuple(two))), "demensvård", people=["p6"], settings=settings)
    (load,) = (r for r in found[0].reasons if r.measure == "load")
    assert isclose(load.value, 1 / 3)
    assert load.facts["lately"] == 2
    assert found[0].facts["asked_lately"] == 2
    assert found[0].facts["busy"] is True
    assert "2" in found[0].explain("sv").split("belastning")[1].splitlines()[0]
    three = (*two, request("p6", 5))
    full = find_experts(graph_of(small_staff(decisions=three)), "demensvård", settings=settings)
    assert rules(full)["p6"] == "asked_at_cap"
    # Of 20, 10 and 5 days ago the first leaves the window of 30 days in 10 days; then two are left.
    assert detail(full, "p6") == (AS_OF + timedelta(days=10)).isoformat()
    later = find_experts(
        graph_of(small_staff(decisions=three)), "demensvård", settings=settings, as_of=AS_OF + timedelta(days=10)
    )
    assert "p6" in {s.people[0] for s in later}


def test_running_mentees_up_to_the_cap_are_a_load_and_at_the_cap_a_rule() -> None:
    settings = Settings.of({"suggest": {"expert_most_mentees": 2}})
    history = (pair("p6", date(2026, 9, 1)), pair("p6", date(2026, 12, 1)))
    found = find_experts(graph_of(small_staff(history=history)), "demensvård", settings=settings)
    assert rules(found)["p6"] == "mentees_at_cap"
    assert detail(found, "p6") == "2026-09-02", "the day after the first pair ends"
    later = find_experts(graph_of(small_staff(history=history)), "demensvård", settings=settings, as_of=date(2026, 9, 2))
    assert "p6" in {s.people[0] for s in later}
    endless = find_experts(graph_of(small_staff(history=(pair("p6"), pair("p6")))), "demensvård", settings=settings)
    assert (rules(endless)["p6"], detail(endless, "p6")) == ("mentees_at_cap", "")
    assert "p6" in {s.people[0] for s in find_experts(graph_of(small_staff(history=history[:1])), "demensvård")}


def test_beside_a_busy_expert_stands_the_best_with_more_time() -> None:
    graph = graph_of(small_staff(decisions=(request("p6", 30),)))
    found = find_experts(graph, "demensvård", settings=EXACT)
    shown = {s.people[0]: s for s in found}
    assert shown["p6"].facts["busy"] is True
    (other,) = shown["p6"].alternatives
    free = [s for s in found if s.people[0] != "p6"]
    assert other.people == free[0].people
    assert isclose(other.score, free[0].score)
    assert "Näst bäst med mer tid: Namn p1" in shown["p6"].explain("sv")
    assert "Second best with more time: p1" in shown["p6"].explain("en", names=False)
    assert all(not s.alternatives and s.facts["busy"] is False for s in free)


def test_the_one_with_more_time_may_be_off_the_list_but_never_one_that_a_rule_took_out() -> None:
    people = answering(PEOPLE, {"p1": {"expert": "no"}})
    graph = graph_of(small_staff(people, decisions=(request("p6", 30),)))
    (found,) = find_experts(graph, "demensvård", n=1, settings=EXACT)
    assert found.people == ("p6",)
    assert found.alternatives[0].people == ("p2",)
    alone = find_experts(graph_of(small_staff(people, decisions=(request("p6", 30),))), "demensvård", people=["p1", "p6"])
    assert alone[0].alternatives == ()


def follows_the_turns(graph: CompetenceGraph, order: Sequence[str], score: Mapping[str, float], margin: float) -> bool:
    """Say, place by place in plain Python, whether people in this order are each among those whose turn it is."""
    asked = Counter(p for d in graph.staff.decisions for p in d.people)
    open_now, places = dict(score), Counter[str]()
    for person_id in order:
        near = [p for p, s in open_now.items() if s >= max(open_now.values()) - margin]
        turn = min((places[unit_of(graph, p)], asked[p]) for p in near)
        if person_id not in near or (places[unit_of(graph, person_id)], asked[person_id]) != turn:
            return False
        del open_now[person_id]
        places[unit_of(graph, person_id)] += 1
    return True


def unit_of(graph: CompetenceGraph, person_id: str) -> str:
    """Return the unit where somebody works."""
    return graph.units_of[graph.person_index[person_id]][0]


@pytest.mark.parametrize("margin", [0.02, 0.1])
@pytest.mark.parametrize("seed", range(4))
def test_each_place_goes_to_somebody_whom_the_order_of_turns_allows(seed: int, margin: float) -> None:
    graph = graph_of(random_staff(seed, 24).replace(decisions=tuple(request(f"r{i}", 20 + i) for i in range(0, 24, 3))))
    settings = Settings.of({"suggest": {"expert_margin": margin}})
    for asked in ("demensvård", "lyftteknik"):
        score = {s.people[0]: s.score for s in find_experts(graph, asked, n=24, settings=EXACT)}
        for n in (1, 2, 3):
            chosen = [s.people[0] for s in find_experts(graph, asked, n=n, settings=settings)]
            assert len(chosen) == n
            # Who of several equals takes a place only the hash says, and the list is by score: any order of turns will do.
            assert any(follows_the_turns(graph, order, score, margin) for order in permutations(chosen))


def test_places_are_spread_over_units_when_all_are_equal() -> None:
    graph = graph_of(alike(12, 4))
    for n, most in ((4, 1), (8, 2), (3, 1)):
        units = Counter(unit_of(graph, s.people[0]) for s in find_experts(graph, "lyftteknik", n=n))
        assert max(units.values()) == most
        assert len(units) == min(n, 4)


def test_a_difference_beyond_the_margin_is_never_given_up_for_a_unit() -> None:
    people = [person(f"a{i}", unit=NORTH) for i in range(3)] + [person("b0", unit=SOUTH)]
    evidence = [piece(f"a{i}", LIFT, 4) for i in range(3)] + [piece("b0", LIFT, 2)]
    found = find_experts(graph_of(small_staff(people, evidence, [])), {"lyftteknik": 4}, n=3)
    assert {s.people[0] for s in found} == {"a0", "a1", "a2"}
    assert rules(found)["b0"] == "not_among_best"
    assert found.outcome.status is Status.OPTIMAL


def test_whoever_scored_more_than_somebody_chosen_is_named_and_the_cost_is_the_gap() -> None:
    # Three alike in one unit and one slightly older piece in another: the second place goes to the other unit.
    people = [person(f"a{i}", unit=NORTH) for i in range(3)] + [person("b0", unit=SOUTH)]
    older = piece("b0", LIFT, day=AS_OF - timedelta(days=60))
    graph = graph_of(small_staff(people, [*(piece(f"a{i}", LIFT) for i in range(3)), older], []))
    exact = {s.people[0]: s.score for s in find_experts(graph, "lyftteknik", settings=EXACT)}
    assert 0 < exact["a0"] - exact["b0"] < 0.02, "nearly equal"
    found = find_experts(graph, "lyftteknik", n=2)
    assert found[1].people == ("b0",)
    assert Counter(rules(found).values()) == {"nearly_equal": 2}
    assert found.outcome.status is Status.FEASIBLE
    assert isclose(found.outcome.gap or 0.0, (exact["a0"] - exact["b0"]) / (2 * exact["a0"]))
    assert isclose(found.outcome.bound or 0.0, 2 * exact["a0"])
    assert "spread_within_margin" in found.outcome.notes


def test_of_nearly_equal_people_those_asked_least_lately_come_first() -> None:
    asked = tuple(request("a0", 20 + k) for k in range(2))
    graph = graph_of(alike(3, 1).replace(decisions=asked))
    settings = Settings.of({"suggest": {"expert_margin": 0.2}})
    for seed in range(5):
        assert "a0" not in {s.people[0] for s in find_experts(graph, "lyftteknik", n=2, settings=settings, seed=seed)}


def test_different_needs_show_different_people_of_equals() -> None:
    people = [person(f"a{i}") for i in range(40)]
    held = (LIFT, ROSTER, CARPENTRY, FINNISH, EARLY)
    graph = graph_of(small_staff(people, [piece(p.person_id, c) for p in people for c in held], []))
    lists = [frozenset(s.people[0] for s in find_experts(graph, NeedItem(concept_id=c), n=4)) for c in held]
    assert len(set(lists)) == len(held)
    hits = Counter(p for shown in lists for p in shown)
    assert max(hits.values()) <= 3


# -- what is refused, and what would be lost -------------------------------------------------------------------------


def test_every_rule_has_a_case_in_which_it_bites() -> None:
    people = answering([*PEOPLE, *(person(f"q{i}") for i in range(8))], {"q0": {"expert": "no"}})
    people = tuple(
        replace(p, opt_ins=replace(p.opt_ins, expert=OptIn.YES)) if p.person_id not in ("q0", "q1") else p for p in people
    )
    evidence = [*EVIDENCE, *(certificate(f"q{i}", NURSE) for i in range(8)), piece("p2", NURSE, 5, Source.SELF)]
    evidence = [e for e in evidence if not (e.person_id in ("q2", "q7") and e.concept_id == NURSE)]
    evidence += [piece("q2", NURSE, 4, Source.SELF, day=AS_OF), piece("q7", LIFT, 2, Source.SELF, day=date(2006, 1, 1))]
    staff = small_staff(
        people,
        evidence,
        opt_in_columns=frozenset({"expert"}),
        history=tuple(pair("q4") for _ in range(3)),
        decisions=(
            request("q3", 1, NURSE, Choice.REJECTED),
            *(request("q5", 20 + k) for k in range(6)),
            request("q6", 2),
        ),
    )
    graph = graph_of(staff)
    # Scores of p6 and of the rest that is open differ by what p6 was never asked: nothing, so both are equals.
    found = find_experts(graph, NeedItem(concept_id=NURSE, hard=True), n=1)
    told = rules(found)
    assert {told[p] for p in ("q0", "q1", "q2", "q3", "q4", "q5", "q6", "p1")} == {
        "opted_out",
        "not_opted_in",
        "hard_requirement",
        "rejected_before",
        "mentees_at_cap",
        "asked_at_cap",
        "resting",
        "no_evidence",
    }
    assert rules(find_experts(graph, "lyftteknik"))["q7"] == "to_be_reconfirmed"
    for lang in LANGUAGES:
        assert all(f"rule.{rule}" in keys(lang) for rule in RULES if rule)


def test_nothing_found_is_explained_by_the_rule_that_took_out_most_of_those_who_hold_it() -> None:
    # Dementia care or a relative: p1, p2, p3, p6 and p7 hold it; p4, p5 and p8 do not.
    people = answering(PEOPLE, {p: {"expert": "no"} for p in ("p1", "p2", "p3")})
    # p7 holds half of a relative and has been asked once: 0.05 + 0.05 / 2, so the cutoff has to let that through.
    staff = small_staff(people, decisions=(request("p6", 2), request("p7", 2)))
    found = find_experts(graph_of(staff), "demensvård", cutoff=0.05)
    assert len(found) == 0
    assert found.outcome.conflicts == ("opted_out:3", "resting:2")
    said = found.explain("sv")
    assert "Har svarat nej till att delta (3)" in said
    assert "vilar" in said


def test_the_decision_about_a_need_counts_whatever_the_order_of_its_items() -> None:
    no = Decision(kind="experts", choice=Choice.REJECTED, people=("p6",), target=f"{ROSTER}, {DEMENTIA}")
    found = find_experts(graph_of(small_staff(decisions=(no,))), {"demensvård": 1, "schemaläggning": 1})
    assert rules(found)["p6"] == "rejected_before"


@pytest.mark.parametrize("level", [1, 2])
def test_a_hard_item_is_met_exactly_as_fit_says(level: int) -> None:
    from competence.fit import hard_met

    graph = graph_of(random_staff(3, 30))
    met = hard_met(graph, [Requirement(concept_id=NURSE, level=level, hard=True)])
    found = find_experts(graph, NeedItem(concept_id=NURSE, level=level, hard=True), n=30, cutoff=0.0, settings=EXACT)
    told = rules(found)
    holds = {p for p, rule in told.items() if rule not in ("no_evidence", "to_be_reconfirmed")} | {s.people[0] for s in found}
    assert {s.people[0] for s in found} == {p for p in holds if met[graph.person_index[p]]}
    assert {p for p, rule in told.items() if rule == "hard_requirement"} == {p for p in holds if not met[graph.person_index[p]]}


def without(graph: CompetenceGraph, evidence: tuple[str, ...]) -> CompetenceGraph:
    """Return the graph of the same staff without some pieces of evidence."""
    return graph_of(graph.staff.replace(evidence=tuple(e for e in graph.staff.evidence if e.evidence_id not in evidence)))


@pytest.mark.parametrize("asked", [{DEMENTIA: 3}, {LIFT: 2, ROSTER: 4}, {CALM: 5, DEMENTIA: 1}])
@pytest.mark.parametrize("seed", range(4))
def test_without_its_evidence_the_first_reason_is_lost_and_with_it_all_that_rests_on_the_same(
    seed: int, asked: dict[str, int]
) -> None:
    graph = graph_of(random_staff(seed, 8))
    for s in find_experts(graph, asked, settings=EXACT, cutoff=0.0):
        first = s.reasons[0]
        if not first.evidence:
            continue
        (again,) = find_experts(without(graph, first.evidence), asked, people=s.people, settings=EXACT, cutoff=0.0) or (None,)
        gone = [r for r in s.reasons if r.evidence == first.evidence]
        if again is None:
            # Nothing else was held: willingness and load say nothing of somebody who has no evidence.
            assert {r.measure for r in s.reasons if r not in gone and r.value} <= {"willingness", "load"}
            continue
        kin = sum(r.contribution for r in again.reasons if r.measure == "related")
        kin -= sum(r.contribution for r in s.reasons if r.measure == "related" and r not in gone)
        wish = sum(r.contribution for r in s.reasons if r.measure == "willingness")
        wish -= sum(r.contribution for r in again.reasons if r.measure == "willingness")
        assert isclose(s.score - again.score, sum(r.contribution for r in gone) + wish - kin, abs_tol=1e-12)


def test_where_coverage_is_all_that_counts_the_score_falls_by_exactly_the_first_contribution() -> None:
    only = {"coverage": 1.0, "surplus": 0.0, "confidence": 0.0, "freshness": 0.0, "related": 0.0, "willingness": 0.0, "load": 0.0}
    settings = Settings.of({"suggest": {"experts": only, "expert_margin": 0.0}})
    graph = graph_of()
    asked = {"demensvård": 3, "schemaläggning": 2}
    found = find_experts(graph, asked, settings=settings, cutoff=0.0)
    assert len(found) >= 5
    for s in found:
        after = find_experts(without(graph, s.reasons[0].evidence), asked, people=s.people, settings=settings, cutoff=0.0)
        left = after[0].score if len(after) else 0.0
        assert isclose(s.score - left, s.reasons[0].contribution, abs_tol=1e-12)


def test_one_sentence_may_ask_for_several_things() -> None:
    found = find_experts(graph_of(), "Vem kan både demensvård och schemaläggning, och helst finska?")
    understood = {i["concept_id"] for i in found.provenance.request["need"]["items"]}
    assert understood == {DEMENTIA, ROSTER, FINNISH}
    by_ids = find_experts(graph_of(), [DEMENTIA, ROSTER, FINNISH])
    assert {s.people[0]: s.score for s in found} == pytest.approx({s.people[0]: s.score for s in by_ids})


# -- the rows of those left out are made when they are read ------------------------------------------------------------


def test_left_out_made_late_is_what_its_rows_are() -> None:
    found = find_experts(graph_of(random_staff(2, 20)), "demensvård", n=3).left_out
    counts, length = found.counts, len(found)
    rows = list(found)
    assert LeftOut(rows) == found
    assert hash(LeftOut(rows)) == hash(found)
    assert (LeftOut(rows).counts, len(rows)) == (counts, length)
    assert list(counts.values()) == sorted(counts.values(), reverse=True)
    assert [r.person_id for r in rows] == sorted(r.person_id for r in rows)
    assert (
        pickle.loads(pickle.dumps(find_experts(graph_of(), "demensvård").left_out))
        == find_experts(graph_of(), "demensvård").left_out
    )


def test_the_questions_of_the_benchmark_name_no_label() -> None:
    from competence.taxonomy import Taxonomy

    known = Taxonomy.bundled("municipal").concepts
    for name in ("sv", "chat_sv", "third_sv"):
        with (Path(__file__).parent / "data" / f"expert_questions_{name}.csv").open(encoding="utf-8", newline="") as file:
            asked = list(csv.DictReader(file))
        assert len({q["question"] for q in asked}) == len({q["concept_id"] for q in asked}) == 200
        assert {q["concept_id"] for q in asked} <= set(known)
        if name == "sv":
            assert not [q for q in asked if known[q["concept_id"]].label("sv").casefold() in q["question"].casefold()]


def test_the_words_that_only_say_that_somebody_is_looked_for_are_not_read() -> None:
    graph = graph_of()
    plain = [s.people for s in find_experts(graph, "demensvård")]
    for asked in (
        "Vem kan demensvård?",
        "Finns det någon som kan demensvård?",
        "Who knows dementia care?",
        "vi behöver någon som kan demensvård",
    ):
        found = find_experts(graph, asked)
        assert [s.people for s in found] == plain, asked
        assert repeat(graph, found) == found


class Unsure:
    """A linker that is sure of nothing: every text may mean dementia care or rostering, and hardly carpentry."""

    def __init__(self, *links: tuple[str, str, float, int]) -> None:
        self.links = links or (("", DEMENTIA, 0.4, 1), ("", ROSTER, 0.2, 2), ("", CARPENTRY, 0.05, 3))

    def link(self, words: str, *, asked: bool) -> Links[Link]:
        """Say what words may mean; where none are given, the whole text."""
        found = [
            Link(concept_id=c, words=part or words, label=c, lang="sv", how=How.SIMILAR, probability=p, place=k)
            for part, c, p, k in self.links
        ]
        return Links(words, found, cutoff=0.5)


def unsure_graph(*links: tuple[str, str, float, int]) -> CompetenceGraph:
    """Return the graph of the eight with a linker that is sure of nothing, or of what is given."""
    graph = graph_of()
    graph.linker = Unsure(*links)  # type: ignore[assignment]
    return graph


def test_where_one_thing_was_understood_but_not_for_sure_its_other_meanings_get_places_too() -> None:
    likely = (("", DEMENTIA, 0.7, 1), ("", ROSTER, 0.2, 2), ("", CARPENTRY, 0.01, 3))
    found = find_experts(unsure_graph(*likely), "något oklart", n=3)
    assert [i["concept_id"] for i in found.provenance.request["need"]["items"]] == [DEMENTIA]
    assert {s.target for s in found} == {DEMENTIA, ROSTER}
    assert "need_guessed" in found.notes
    assert repeat(graph_of(), found) == found
    sure = find_experts(unsure_graph(*likely), "något oklart", n=3, settings=Settings.of({"suggest": {"expert_sure": 0.7}}))
    assert {s.target for s in sure} == {DEMENTIA}
    assert "need_guessed" not in sure.notes
    # Two things asked for at once are both asked for, and neither is a guess.
    both = find_experts(unsure_graph(("a", DEMENTIA, 0.7, 1), ("b", ROSTER, 0.6, 1), ("b", CARPENTRY, 0.3, 2)), "a och b", n=3)
    assert {i["concept_id"] for i in both.provenance.request["need"]["items"]} == {DEMENTIA, ROSTER}
    assert "need_guessed" not in both.notes


def test_a_label_met_in_passing_gives_way_to_what_the_question_as_a_whole_more_likely_means() -> None:
    def understood(*links: tuple[str, str, float, int]) -> list[str]:
        return [i.concept_id for i in unsure_graph(*links).need("vem håller ihop schemat för alla").items]

    assert understood(("håller ihop", DEMENTIA, 0.6, 1), ("", ROSTER, 0.8, 2)) == [ROSTER]
    assert understood(("håller ihop", DEMENTIA, 0.6, 1), ("", ROSTER, 0.5, 2)) == [DEMENTIA]
    # What is likelier but stands beside it takes nothing away.
    assert understood(("håller ihop", DEMENTIA, 0.6, 1), ("för alla", ROSTER, 0.8, 2)) == [DEMENTIA]


def test_where_no_word_was_understood_the_meanings_take_turns_and_the_result_says_so() -> None:
    graph = unsure_graph()
    best = {c: [s.people[0] for s in find_experts(graph, NeedItem(concept_id=c), settings=EXACT)] for c in (DEMENTIA, ROSTER)}
    # In turn: the first of dementia care, the first of rostering who is not taken, the next of dementia care.
    expected: list[tuple[str, str]] = []
    for c in (DEMENTIA, ROSTER, DEMENTIA):
        expected.append((next(p for p in best[c] if p not in {q for q, _ in expected}), c))
    settings = Settings.of({"suggest": {"expert_margin": 0.0, "expert_other": 0.1}})
    found = find_experts(graph, "något oklart", n=3, settings=settings)
    assert {(s.people[0], s.target) for s in found} == set(expected)
    assert "need_guessed" in found.notes
    assert found.outcome.status is Status.HEURISTIC
    assert found.outcome.bound is None
    assert [s.score for s in found] == sorted((s.score for s in found), reverse=True)
    # Carpentry is less probable than 0.1: p5, who holds nothing else of it, is told that there is no evidence.
    assert rules(found)["p5"] == "no_evidence"
    assert {s.people[0] for s in found} | set(rules(found)) == set(graph.person_ids)
    assert repeat(graph, found) == found
    everybody = find_experts(graph, "något oklart", n=8, settings=settings)
    assert {s.people[0] for s in everybody} == set(best[DEMENTIA]) | set(best[ROSTER])
    assert len({s.people[0] for s in everybody}) == len(everybody)


def test_a_meaning_less_probable_than_the_setting_is_not_searched_for() -> None:
    found = find_experts(unsure_graph(), "något oklart", settings=Settings.of({"suggest": {"expert_guess": 0.5}}))
    assert found.outcome.conflicts == ("not_understood",)
    only = find_experts(unsure_graph(), "något oklart", settings=Settings.of({"suggest": {"expert_other": 0.3}}))
    assert {s.target for s in only} == {DEMENTIA}


def test_of_people_equally_good_everybody_is_asked_as_often_over_time() -> None:
    staff, asked = alike(12, 3), []
    for day in range(24):
        today = AS_OF + timedelta(days=day)
        now = graph_of(staff.replace(decisions=tuple(asked)), as_of=today)
        (found,) = find_experts(now, "lyftteknik", n=1)
        asked.append(replace(request(found.people[0], 0, LIFT), day=today))
    # Twelve people, 24 days: each is asked in the first twelve and again in the next.
    assert set(Counter(d.people[0] for d in asked).values()) == {2}
