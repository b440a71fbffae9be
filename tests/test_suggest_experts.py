"""Experts: the exact best n by scores that a slow sum gives too, and every hard rule by its name."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from math import isclose

import pytest
from cases import (
    AS_OF,
    CALM,
    DEMENTIA,
    EARLY,
    EVIDENCE,
    LICENCE,
    LIFT,
    NORTH,
    NURSE,
    PEOPLE,
    ROSTER,
    answering,
    certificate,
    graph_of,
    piece,
    random_staff,
    small_staff,
    taxonomy,
    wish,
)

from competence.errors import InputError, UnknownIdError
from competence.fit import freshness
from competence.graph import CompetenceGraph
from competence.model import (
    Choice,
    Decision,
    HistoryEntry,
    HistoryKind,
    InterestKind,
    LearningForm,
    NeedItem,
    Source,
    Status,
    Visibility,
)
from competence.settings import Settings
from competence.suggest.experts import find_experts

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
            part = WEIGHTS["coverage"] * cover + WEIGHTS["related"] * kin
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
    assert isclose(found[0].score, 0.5 + 0.15 * confidence + 0.1 + 0.1 + 0.05)
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
    weights = {"coverage": 1.0, "confidence": 0.0, "freshness": 0.0, "related": 0.0, "willingness": 0.0, "load": 0.0}
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
