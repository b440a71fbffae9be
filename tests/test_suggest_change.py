"""What would change a result: every change shown is made here by hand, and the call made again by its own name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from cases import AS_OF, CALM, CARPENTRY, DEMENTIA, FINNISH, LICENCE, PEOPLE, ROSTER, graph_of, random_staff, small_staff
from hypothesis import given, settings
from hypothesis import strategies as st

from competence.errors import InputError, UnknownIdError
from competence.graph import CompetenceGraph
from competence.model import Evidence, Interest, InterestKind, OptIn, OptIns, Source, ValidationStage
from competence.suggest.change import Counterfactual, repeat, what_would_change
from competence.suggest.experts import find_experts
from competence.suggest.mentoring import pair_mentors
from competence.suggest.result import Suggestions
from competence.suggest.rotation import plan_rotation
from competence.suggest.teams import form_teams
from competence.suggest.validations import suggest_validations

CALLS: dict[str, Callable[[CompetenceGraph], Suggestions]] = {
    "experts": lambda g: find_experts(g, {DEMENTIA: 4, ROSTER: 2}, n=3),
    "pairs": lambda g: pair_mentors(g, capacity=1),
    "pairs about one thing": lambda g: pair_mentors(g, topics=[DEMENTIA], capacity=1),
    "rotation": plan_rotation,
    "teams": lambda g: form_teams(g, {DEMENTIA: 3, FINNISH: 2}, size=2),
    "validations": lambda g: suggest_validations(g, n=3),
}


def changed(graph: CompetenceGraph, change: Counterfactual) -> CompetenceGraph:
    """Return the graph of a staff in which the change is made, written out here anew."""
    staff = graph.staff
    if change.change in ("confirm", "tell"):
        how: dict[str, Any] = {"source": Source.SELF}
        if change.change == "confirm":
            how = {"source": Source.ASSESSMENT, "stage": ValidationStage.ASSESSED}
        new = Evidence(
            evidence_id="new", person_id=change.person_id, concept_id=change.concept_id, level=change.level, day=AS_OF, **how
        )
        staff = staff.replace(evidence=(*staff.evidence, new))
    elif change.change == "wish":
        wish = Interest(person_id=change.person_id, concept_id=change.concept_id, kind=InterestKind(change.purpose))
        staff = staff.replace(interests=(*staff.interests, wish))
    else:
        people = [
            replace(p, opt_ins=replace(p.opt_ins, **{change.purpose: OptIn.YES})) if p.person_id == change.person_id else p
            for p in staff.people
        ]
        staff = staff.replace(people=tuple(people))
    return graph_of(staff)


def standing(result: Suggestions, person_id: str) -> tuple[int | None, float | None]:
    own = [s for s in result if person_id in s.people]
    return (own[0].rank, own[0].score) if own else (None, None)


@settings(max_examples=30)
@given(st.sampled_from(sorted(CALLS)), st.integers(0, 10_000), st.integers(4, 9), st.integers(0, 100))
def test_every_change_shown_holds_when_it_is_made_and_the_call_made_again(kind: str, seed: int, n: int, who: int) -> None:
    graph = graph_of(random_staff(seed, n))
    person_id = graph.person_ids[who % len(graph.person_ids)]
    before = CALLS[kind](graph)
    found = what_would_change(graph, before, person_id, tries=6)
    assert found.tried <= 6
    for change in found:
        assert (change.rank_before, change.score_before) == standing(before, person_id)
        after = CALLS[kind](changed(graph, change))
        rank, score = standing(after, person_id)
        assert (rank, score) == (change.rank, pytest.approx(change.score) if change.score is not None else None)
        if change.rank is None:
            assert change.rule in {r.rule for r in after.left_out if r.person_id == person_id}
            assert change.rule != change.rule_before
        elif change.score_before is not None:
            assert score is not None
            assert score > change.score_before - 1e-9


@pytest.mark.parametrize("kind", sorted(CALLS))
def test_a_result_is_repeated_from_what_it_carries_also_after_a_file(kind: str) -> None:
    graph = graph_of()
    result = CALLS[kind](graph)
    assert repeat(graph, result) == result
    assert repeat(graph, Suggestions.from_json(result.to_json())) == result


def test_an_argument_changed_is_a_what_if() -> None:
    graph = graph_of()
    result = find_experts(graph, {DEMENTIA: 3}, n=1)
    assert repeat(graph, result, n=2) == find_experts(graph, {DEMENTIA: 3}, n=2)
    with pytest.raises(InputError, match="takes no size; it takes need"):
        repeat(graph, result, size=3)


def test_a_host_with_a_level_confirmed_would_be_suggested() -> None:
    graph = graph_of()
    result = find_experts(graph, {DEMENTIA: 4}, cutoff=0.55)
    assert "p2" in {r.person_id for r in result.left_out}
    change = what_would_change(graph, result, "p2")[0]
    assert (change.change, change.concept_id, change.level, change.rank_before) == ("confirm", DEMENTIA, 4, None)
    assert change.rank is not None
    sentence = change.sentence("en", name="Olof")
    assert sentence == "With dementia care confirmed at level 4 for Olof: suggested (expert)."
    assert change.sentence("sv", to="person") == "Om demensvård bekräftas på nivå 4 för dig: blir föreslagen (expert)."


def test_an_answer_of_no_is_the_persons_own_to_change() -> None:
    no = replace(PEOPLE[0], opt_ins=OptIns(expert=OptIn.NO))
    graph = graph_of(small_staff((no, *PEOPLE[1:])))
    found = what_would_change(graph, find_experts(graph, {DEMENTIA: 3}), "p1")
    assert (found.rule, found[0].change) == ("opted_out", "take_part")
    assert "svarar ja" in found.explain("sv", to="person")
    assert "svarar ja" not in found.explain("sv")
    assert "säga nej" in found.explain("sv")


def test_requirements_of_law_are_not_opened_by_an_assessment() -> None:
    graph = graph_of()
    result = find_experts(graph, {LICENCE: 1, CARPENTRY: 3})
    found = [c for p in graph.person_ids for c in what_would_change(graph, result, p)]
    assert {c.concept_id for c in found if c.change == "confirm"} == {CARPENTRY}


def test_where_nothing_helps_it_is_said_how_much_was_tried() -> None:
    graph = graph_of()
    result = find_experts(graph, {CALM: 1}, people=["p1"])
    found = what_would_change(graph, result, "p2", tries=2)
    assert list(found) == []
    assert f"({found.tried})" in found.explain("en")
    assert found.to_frame().empty
    with pytest.raises(UnknownIdError):
        what_would_change(graph, result, "p99")
    for wrong in ({"n": 0}, {"tries": 0}):
        with pytest.raises(InputError, match="must be at least 1"):
            what_would_change(graph, result, "p2", **wrong)
    with pytest.raises(InputError, match="to must be one of"):
        found.explain(to="union")


def test_the_next_in_rank_is_named_with_the_difference_by_measure() -> None:
    first, second = find_experts(graph_of(), {DEMENTIA: 4}, n=2)
    assert first.runner_up is not None
    assert first.runner_up.people == second.people
    assert sum(first.runner_up.difference.values()) == pytest.approx(first.score - second.score)
    assert "Närmast efter: Namn p6" in first.explain("sv")
    assert second.runner_up is None
    # Ranks and others are not told to the person.
    assert "Namn p6" not in first.explain("sv", to="p1")
    with pytest.raises(InputError, match="to must be manager or one of p1"):
        first.explain(to="p2")


def test_of_nothing_found_the_rule_that_removed_most_is_told() -> None:
    result = find_experts(graph_of(), {DEMENTIA: 4}, cutoff=1.0)
    rule, count = next(iter(result.left_out.counts.items()))
    assert f"{count} of {len(result.left_out)}" in result.explain("en")
    assert len(result) == 0
    assert count == max(result.left_out.counts.values())
    assert rule in result.left_out.counts
