"""Hidden competence: questions to those who want them, explained to the last digit, and read by nothing else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from math import fsum

import numpy as np
import pytest
from cases import PEOPLE, answering, concept, graph_of, linker, person, piece, random_staff, role, small_staff, taxonomy

from competence.graph import CompetenceGraph, build_graph
from competence.inference import infer_hidden
from competence.linking import Linker
from competence.model import ConceptKind, Importance, OptIn, Requirement
from competence.settings import Settings
from competence.staff import Staff
from competence.suggest.experts import find_experts
from competence.suggest.mentoring import pair_mentors
from competence.suggest.result import Suggestions
from competence.suggest.rotation import plan_rotation
from competence.suggest.validations import suggest_validations
from competence.taxonomy import Taxonomy

ASK = Settings.of({"inference": {"cutoff": 0.0, "most": 50, "least_known": 1}})
"""Everything that may be asked is: the rules are what is tested here, not the numbers."""


def willing(staff: Staff) -> Staff:
    """Return the staff with everybody wanting questions."""
    return staff.replace(people=tuple(replace(p, opt_ins=replace(p.opt_ins, prompts=OptIn.YES)) for p in staff.people))


def proposals(graph: CompetenceGraph) -> dict[tuple[str, str], float]:
    assert graph.inferred is not None
    found = graph.inferred
    return {
        (graph.person_ids[p], graph.concept_ids[c]): float(s)
        for p, c, s in zip(found.person, found.concept, found.score, strict=True)
    }


@pytest.fixture(scope="module")
def world() -> tuple[Taxonomy, Linker]:
    """Return a taxonomy of two trades with shared skills, large enough to learn from."""
    skills = [concept(f"s{i}", f"färdighet {chr(97 + i)}{i}", f"skill {chr(97 + i)}{i}") for i in range(12)]
    skills += [
        concept("lang", "teckenspråk", "sign language", kind=ConceptKind.LANGUAGE),
        concept("lic", "traktorkort", "tractor licence", kind=ConceptKind.LICENCE),
        concept("group", "grupp", "group", kind=ConceptKind.GROUP),
    ]
    roles = []
    for k in range(12):
        first = range(6) if k % 2 == 0 else range(6, 12)
        own = [f"s{i}" for i in first if i != first[0] + k // 2] + ["lang", "lic"]
        asked = (Requirement(concept_id=c, level=2, importance=Importance.ESSENTIAL) for c in own)
        roles.append(role(f"r{k}", f"yrke {k}", f"trade {k}", *asked))
    made = Taxonomy.of(skills, roles)
    return made, Linker.fit(made, cache=False)


def infer(world: tuple[Taxonomy, Linker], evidence: list[str], **answers: OptIn) -> CompetenceGraph:
    """Return the graph of one person without a role who holds some skills, with proposals."""
    who = person("a", role_id=None)
    who = replace(who, opt_ins=replace(who.opt_ins, prompts=answers.get("prompts", OptIn.YES)))
    staff = small_staff([who], [piece("a", c, 3) for c in evidence], [])
    return infer_hidden(build_graph(staff, world[0], linker=world[1], settings=ASK))


def test_contributions_sum_to_the_score(world: tuple[Taxonomy, Linker]) -> None:
    graphs = [infer(world, ["s0", "s1", "s2"]), infer_hidden(graph_of(willing(random_staff(1, 6)), settings=ASK))]
    for graph in graphs:
        found = graph.inferred
        assert found is not None
        assert len(found.score)
        for score, parts in zip(found.score, found.contributions, strict=True):
            assert abs(fsum(p for _, _, p in parts) - score) < 1e-9
            assert {kind for kind, _, _ in parts} <= {"holding", "role"}


def test_skills_that_stand_together_in_roles_are_proposed_before_others(world: tuple[Taxonomy, Linker]) -> None:
    found = proposals(infer(world, ["s0", "s1", "s2"]))
    same = [found["a", f"s{i}"] for i in (3, 4, 5)]
    # What speaks against is not proposed at all.
    other = [found.get(("a", f"s{i}"), 0.0) for i in range(6, 12)]
    assert min(same) > max(other)


def test_removing_the_holding_that_contributes_most_lowers_the_score(world: tuple[Taxonomy, Linker]) -> None:
    graph = infer(world, ["s0", "s1", "s2"])
    assert graph.inferred is not None
    top = int(np.argmax(graph.inferred.score))
    proposed = graph.concept_ids[graph.inferred.concept[top]]
    _, strongest, _ = max(graph.inferred.contributions[top], key=lambda part: part[2])
    less = proposals(infer(world, [c for c in ("s0", "s1", "s2") if c != strongest]))
    assert less["a", proposed] < graph.inferred.score[top]


@pytest.mark.parametrize("answer", [OptIn.NO, OptIn.NOT_ASKED])
def test_only_who_said_yes_is_asked(world: tuple[Taxonomy, Linker], answer: OptIn) -> None:
    assert proposals(infer(world, ["s0", "s1"], prompts=answer)) == {}


def test_no_language_licence_or_group_is_ever_guessed(world: tuple[Taxonomy, Linker]) -> None:
    found = {c for _, c in proposals(infer(world, ["s0", "s1", "s2"]))}
    assert found
    assert not found & {"lang", "lic", "group"}


def test_nothing_held_and_nothing_a_current_role_asks_for_is_proposed() -> None:
    graph = infer_hidden(graph_of(willing(small_staff()), settings=ASK))
    found = proposals(graph)
    assert found
    for person_id, concept_id in found:
        assert graph.holding(person_id, concept_id) is None
        assert concept_id not in graph.required(person_id)


def test_probabilities_lie_in_zero_to_one_and_rise_with_the_score(world: tuple[Taxonomy, Linker]) -> None:
    found = infer(world, ["s0", "s1", "s2"]).inferred
    assert found is not None
    order = np.argsort(found.score)
    assert ((found.probability >= 0) & (found.probability <= 1)).all()
    assert (np.diff(found.probability[order]) >= -1e-12).all()


def test_at_most_so_many_questions_per_person_and_none_below_the_cutoff(world: tuple[Taxonomy, Linker]) -> None:
    graph = infer(world, ["s0", "s1", "s2"])
    strict = infer_hidden(graph, settings=Settings.of({"inference": {"cutoff": 0.2, "most": 2}}))
    assert strict.inferred is not None
    assert len(strict.inferred.person) <= 2
    assert (strict.inferred.probability >= 0.2).all()


def test_the_graph_itself_is_not_changed() -> None:
    graph = graph_of(willing(small_staff()), settings=ASK)
    proposed = infer_hidden(graph)
    assert graph.inferred is None
    assert proposed.arrays is graph.arrays
    assert proposed.holdings("p1") == graph.holdings("p1")
    assert proposed.staff is graph.staff


def test_equal_calls_give_equal_proposals_and_another_seed_only_another_calibration() -> None:
    graph = graph_of(willing(small_staff()), settings=ASK)
    first, again, other = infer_hidden(graph), infer_hidden(graph), infer_hidden(graph, seed=1)
    assert first.inferred is not None
    assert again.inferred is not None
    assert np.array_equal(first.inferred.probability, again.inferred.probability)
    assert first.inferred.contributions == again.inferred.contributions
    assert proposals(first) == proposals(other)


CALLS: dict[str, Callable[[CompetenceGraph], Suggestions]] = {
    "experts": lambda g: find_experts(g, {"demensvård": 3}),
    "pairs": pair_mentors,
    "rotation": plan_rotation,
    "validations": suggest_validations,
}


@pytest.mark.parametrize("kind", list(CALLS))
def test_suggestions_before_and_after_are_identical(kind: str) -> None:
    graph = graph_of(willing(random_staff(5, 7)), settings=ASK)
    proposed = infer_hidden(graph)
    assert proposed.inferred is not None
    assert len(proposed.inferred.person)
    assert CALLS[kind](proposed).to_json() == CALLS[kind](graph).to_json()


def test_a_taxonomy_without_roles_proposes_nothing() -> None:
    made = Taxonomy.of([concept("a", "skidor", "skiing"), concept("b", "simning", "swimming")])
    staff = willing(small_staff([person("p", role_id=None)], [piece("p", "a")], []))
    graph = infer_hidden(build_graph(staff, made, linker=Linker.fit(made, cache=False)))
    assert proposals(graph) == {}


def test_sex_and_age_are_not_read() -> None:
    from competence.model import AgeBand, Sex

    staff = willing(small_staff())
    other = staff.replace(people=tuple(replace(p, sex=Sex.MAN, age_band=AgeBand.FROM_60, name="X") for p in staff.people))
    assert proposals(infer_hidden(graph_of(staff, settings=ASK))) == proposals(infer_hidden(graph_of(other, settings=ASK)))


def test_the_answer_no_for_one_leaves_the_others_as_they_were() -> None:
    everybody = willing(small_staff())
    without = everybody.replace(people=answering(everybody.people, {"p1": {"prompts": "no"}}))
    all_found = proposals(infer_hidden(graph_of(everybody, settings=ASK)))
    found = proposals(infer_hidden(graph_of(without, settings=ASK)))
    assert found == {key: score for key, score in all_found.items() if key[0] != "p1"}
    assert linker().taxonomy == taxonomy()
    assert len(PEOPLE) == 8
