"""Hidden competence: questions to those who want them, explained to the last digit, and read by nothing else."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from math import fsum

import numpy as np
import pytest
from cases import PEOPLE, answering, concept, graph_of, linker, person, piece, random_staff, role, small_staff, taxonomy
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import sparse

from competence.errors import InputError, UnknownIdError
from competence.graph import CompetenceGraph, build_graph
from competence.inference import (
    Answer,
    Calibration,
    Curve,
    Guess,
    InferenceModel,
    _Known,
    fit_inference,
    follows_from_roles,
    infer_hidden,
    prompts,
    recalibrate,
)
from competence.inference import proposals as proposals_to
from competence.linking import Linker
from competence.model import Choice, ConceptKind, Decision, Importance, OptIn, Requirement, Visibility
from competence.settings import Settings
from competence.solve.items import fit_items
from competence.staff import Staff
from competence.suggest.experts import find_experts
from competence.suggest.mentoring import pair_mentors
from competence.suggest.result import Suggestions
from competence.suggest.rotation import plan_rotation
from competence.suggest.validations import suggest_validations
from competence.taxonomy import Taxonomy
from competence.testing import swap_sex

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


# ---------------------------------------------------------------------------------------------------- the model, slowly


def dense_scores(
    rows: NDArray[np.float64], words: NDArray[np.float64], has: NDArray[np.float64], ridge: float, near: float, told: float
) -> NDArray[np.float64]:
    """Return the score of one set by the textbook: EASE with the inverse between columns, and loops for the rest."""
    n_rows, n_items = rows.shape
    precision = np.linalg.inv(rows.T @ rows + ridge * np.eye(n_items))
    between = -precision / np.diag(precision)
    np.fill_diagonal(between, 0.0)
    score = has @ between
    idf = np.array([np.log(1 + n_rows / max(np.count_nonzero(rows[:, j]), 1)) for j in range(n_items)])
    length = [np.linalg.norm(rows[r] * idf) for r in range(n_rows)]
    for r in range(n_rows):
        if length[r]:
            alike = sum(has[j] * idf[j] ** 2 * rows[r, j] for j in range(n_items)) / (length[r] * np.mean(length))
            score = score + near * alike**2 * rows[r]
    for i in range(n_items):
        score[i] += told * sum(has[j] * float(words[j] @ words[i]) for j in range(n_items) if j != i)
    return np.asarray(score)


@st.composite
def cases(draw: st.DrawFn) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Draw roles, texts and what somebody has."""
    n_rows, n_items = draw(st.integers(2, 7)), draw(st.integers(3, 9))
    weights = st.sampled_from([0.0, 0.0, 0.7, 1.0])
    rows = np.array([[draw(weights) for _ in range(n_items)] for _ in range(n_rows)])
    words = np.array([[draw(st.sampled_from([0.0, 1.0, 2.0])) for _ in range(4)] for _ in range(n_items)])
    length = np.linalg.norm(words, axis=1, keepdims=True)
    has = np.array([draw(st.sampled_from([0.0, 0.25, 1.0])) for _ in range(n_items)])
    has[draw(st.integers(0, n_items - 1))] = 1.0
    return rows, words / np.where(length > 0, length, 1), has


@hypothesis_settings(max_examples=50)
@given(cases())
def test_the_dual_form_equals_the_textbook_form_and_contributions_sum_to_it(
    case: tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]],
) -> None:
    rows, words, has = case
    model = fit_items(sparse.csr_array(rows), sparse.csr_array(words), ridge=2.0, neighbour_weight=0.3, word_weight=0.1)
    score = model.scores(sparse.csr_array(has[None, :]))[0]
    assert np.allclose(score, dense_scores(rows, words, has, 2.0, 0.3, 0.1), atol=1e-9)
    had = np.flatnonzero(has)
    free = np.flatnonzero(has == 0)
    parts = model.contributions(had.astype(np.int64), has[had], free.astype(np.int64))
    assert parts.shape == (len(had), len(free))
    for k, item in enumerate(free):
        assert abs(fsum(parts[:, k]) - score[item]) < 1e-9


@hypothesis_settings(max_examples=50)
@given(cases(), st.data())
def test_rows_taken_out_leave_the_scores_of_a_model_that_never_saw_them(
    case: tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]], data: st.DataObject
) -> None:
    rows, words, has = case
    out = sorted(data.draw(st.sets(st.integers(0, len(rows) - 1), min_size=1, max_size=len(rows) - 1)))
    model = fit_items(sparse.csr_array(rows), sparse.csr_array(words), ridge=2.0, neighbour_weight=0.0, word_weight=0.1)
    left = fit_items(
        sparse.csr_array(np.delete(rows, out, axis=0)), sparse.csr_array(words), ridge=2.0, neighbour_weight=0.0, word_weight=0.1
    )
    sets = sparse.csr_array(np.stack([has, has]))
    found = model.scores(sets, [np.array(out), np.array([], np.int64)])
    assert np.allclose(found[0], left.scores(sets)[0], atol=1e-9)
    assert np.allclose(found[1], model.scores(sets)[1], atol=1e-12)


# ------------------------------------------------------------------------------------------ evidence taken away


@st.composite
def holdings(draw: st.DrawFn) -> tuple[str | None, tuple[str, ...]]:
    """Draw a role or none, and some skills held."""
    role_id = draw(st.sampled_from([None, *(f"r{k}" for k in range(12))]))
    return role_id, tuple(sorted(draw(st.sets(st.sampled_from([f"s{i}" for i in range(12)]), min_size=1, max_size=6))))


def of_one(world: tuple[Taxonomy, Linker], role_id: str | None, held: tuple[str, ...], model: InferenceModel) -> CompetenceGraph:
    who = person("a")
    shares = () if role_id is None else (replace(who.employments[0].roles[0], role_id=role_id),)
    employments = tuple(replace(e, roles=shares) for e in who.employments)
    who = replace(who, employments=employments, opt_ins=replace(who.opt_ins, prompts=OptIn.YES))
    staff = small_staff([who], [piece("a", c, 3) for c in held], [])
    return infer_hidden(build_graph(staff, world[0], linker=world[1], settings=ASK), model=model)


@pytest.fixture(scope="module")
def model(world: tuple[Taxonomy, Linker]) -> InferenceModel:
    return fit_inference(world[0], settings=ASK)


@hypothesis_settings(max_examples=30)
@given(case=holdings())
def test_taking_away_the_evidence_named_first_lowers_the_score(
    world: tuple[Taxonomy, Linker], model: InferenceModel, case: tuple[str | None, tuple[str, ...]]
) -> None:
    role_id, held = case
    graph = of_one(world, role_id, held, model)
    for proposal in proposals_to(graph, "a"):
        kind, source, part = proposal.contributions[0]
        assert abs(fsum(p for _, _, p in proposal.contributions) - proposal.score) < 1e-9
        assert part > 0
        less_held = tuple(c for c in held if c != source) if kind == "holding" else held
        less_role = None if kind == "role" else role_id
        less = of_one(world, less_role, less_held, model)
        # What is no longer among the proposals has a score of 0 or less, or fell under the cutoff; so compare the model's own.
        whole = _Known([model.column[c] for c in held], [model.row[role_id]] if role_id else [])
        apart = model.items.scores(model._has([whole]))[0][model.column[proposal.concept_id]]
        assert abs(apart - proposal.score) < 1e-9
        columns = [model.column[c] for c in less_held]
        rows = [model.row[less_role]] if less_role else []
        score = model.items.scores(model._has([_Known(columns, rows)]))[0][model.column[proposal.concept_id]]
        assert score < proposal.score
        assert all(p.score < proposal.score for p in proposals_to(less, "a") if p.concept_id == proposal.concept_id)


# ------------------------------------------------------------------------------------------------- three kinds apart


def test_what_a_role_asks_for_follows_from_it_and_is_no_guess() -> None:
    graph = infer_hidden(graph_of(willing(small_staff()), settings=ASK))
    # p1 is an assistant (dementia, lift, calm) of whom dementia and lift are stated.
    assert follows_from_roles(graph, "p1") == ("calm",)
    assert all(p.concept_id != "calm" for p in proposals_to(graph, "p1"))
    assert follows_from_roles(graph_of_answer(OptIn.NO), "p1") == ()


def graph_of_answer(answer: OptIn) -> CompetenceGraph:
    staff = small_staff()
    people = tuple(replace(p, opt_ins=replace(p.opt_ins, prompts=answer)) for p in staff.people)
    return infer_hidden(graph_of(staff.replace(people=people), settings=ASK))


def test_probable_from_one_cutoff_possible_from_the_other_and_nothing_below(world: tuple[Taxonomy, Linker]) -> None:
    low, high = 0.2, 0.4
    settings = Settings.of({"inference": {"cutoff": low, "probable": high, "least_known": 1}})
    graph = infer_hidden(infer(world, ["s0", "s1", "s2", "s3"]), settings=settings)
    found = proposals_to(graph, "a")
    assert found
    for proposal in found:
        assert proposal.probability >= low
        assert (proposal.guess is Guess.PROBABLE) == (proposal.probability >= high)


def test_too_little_known_of_a_person_gives_no_guess(world: tuple[Taxonomy, Linker]) -> None:
    graph = infer(world, ["s0", "s1"])
    strict = Settings.of({"inference": {"cutoff": 0.0, "least_known": 3}})
    assert proposals(infer_hidden(graph, settings=Settings.of({"inference": {"cutoff": 0.0, "least_known": 2}})))
    assert proposals(infer_hidden(graph, settings=strict)) == {}


def test_too_few_roles_teach_nothing(world: tuple[Taxonomy, Linker]) -> None:
    settings = Settings.of({"inference": {"cutoff": 0.01, "least_known": 1, "least_roles": 13}})
    assert proposals(infer_hidden(infer(world, ["s0", "s1", "s2"]), settings=settings)) == {}


def test_nothing_is_guessed_from_a_language_or_a_licence(world: tuple[Taxonomy, Linker]) -> None:
    assert proposals(infer(world, ["s0", "s1", "lang", "lic"])) == proposals(infer(world, ["s0", "s1"]))
    assert proposals(infer(world, ["lang", "lic"])) == {}


def test_the_nearest_roles_ask_for_the_proposed_and_for_something_known(world: tuple[Taxonomy, Linker]) -> None:
    graph = infer(world, ["s0", "s1", "s2"])
    found = [p for p in proposals_to(graph, "a") if p.concept_id in {"s3", "s4", "s5"}]
    assert len(found) == 3
    for proposal in found:
        assert 1 <= len(proposal.near) <= 3
        for role_near in proposal.near:
            asked = {r.concept_id for r in world[0].roles[role_near.role_id].requirements}
            assert proposal.concept_id in asked
            assert role_near.shared
            assert set(role_near.shared) <= asked & {"s0", "s1", "s2"}
        # A role that has the competence named first stands before one that has not.
        first = proposal.contributions[0][1]
        has_first = [first in n.shared for n in proposal.near]
        assert has_first == sorted(has_first, reverse=True)
        json.dumps(proposal.to_dict())


def test_swapping_sex_changes_no_inference() -> None:
    staff = willing(random_staff(3, 9))
    before, after = infer_hidden(graph_of(staff, settings=ASK)), infer_hidden(graph_of(swap_sex(staff), settings=ASK))
    assert before.inferred is not None
    assert after.inferred is not None
    assert len(before.inferred.person)
    assert proposals(before) == proposals(after)
    assert before.inferred.contributions == after.inferred.contributions
    assert np.array_equal(before.inferred.probability, after.inferred.probability)
    for who in before.person_ids:
        assert prompts(before, who) == prompts(after, who)


def test_evidence_that_the_audience_may_not_see_is_not_guessed_from() -> None:
    # p3's dementia is private: only p3's own view may lead anywhere from it.
    staff = willing(small_staff())
    settings = ASK
    everybody = infer_hidden(graph_of(staff, settings=settings))
    own = infer_hidden(graph_of(staff, settings=settings, audience=Visibility.PRIVATE, person_id="p3"), people=["p3"])
    assert all(source != "dementia" for p in proposals_to(everybody, "p3") for _, source, _ in p.contributions)
    assert any(source == "dementia" for p in proposals_to(own, "p3") for _, source, _ in p.contributions)


# --------------------------------------------------------------------------------------------------------- questions


@pytest.fixture(scope="module")
def kitchen() -> CompetenceGraph:
    """Return one cook of three roles that ask for much the same, with words to ask in."""
    skills = [
        concept(
            "bake",
            "baka till många",
            "baking for many",
            descriptions={"sv": "Bakar bröd till stora sällskap.", "en": "Bakes bread for many."},
        ),
        concept("fry", "steka", "frying", descriptions={"sv": "Steker fisk och kött.", "en": "Fries fish and meat."}),
        concept("clean", "köksstädning", "kitchen cleaning", descriptions={"sv": "Rengör köket.", "en": "Cleans the kitchen."}),
        concept("allergy", "allergener", "allergens", kind=ConceptKind.KNOWLEDGE),
        concept("own", "planera sin egen tid", "planning one's own time", kind=ConceptKind.TRANSVERSAL),
        concept("weld", "svetsa", "welding"),
    ]
    asked = ("bake", "fry", "clean", "allergy", "own")
    roles = [
        role(f"cook{k}", f"kock {k}", f"cook {k}", *(Requirement(concept_id=c, level=2) for c in asked if c != asked[k]))
        for k in range(5)
    ]
    roles += [role("smith", "smed", "smith", Requirement(concept_id="weld", level=2))]
    said = {"sv": {"bake": ("steker bröd till stora sällskap", "jag bakr ti hela stan")}}
    made = replace(Taxonomy.of(skills, roles, id="kitchen"), spoken=said)
    who = replace(person("a", role_id=None), opt_ins=replace(person("a").opt_ins, prompts=OptIn.YES))
    staff = small_staff([who], [piece("a", "fry", 3)], [])
    return infer_hidden(build_graph(staff, made, linker=Linker.fit(made, cache=False), settings=ASK))


def test_questions_are_worded_by_what_is_asked(kitchen: CompetenceGraph) -> None:
    asked = {p.concept_id: p for p in prompts(kitchen, "a", n=10)}
    assert set(asked) == {"bake", "clean", "allergy", "own"}
    assert asked["bake"].question == "Har du kanske vana av att baka till många?"
    assert asked["clean"].question == "Har du kanske vana av köksstädning?"
    assert asked["allergy"].question == "Har du kanske lärt dig en del om allergener?"
    assert asked["own"].question == "Har du kanske lätt för att planera din egen tid?"
    assert asked["bake"].example == "Så här kan det låta: ”steker bröd till stora sällskap”."
    assert asked["clean"].example == ""
    assert asked["bake"].why[0] == "Vi frågar för att du kan ”steka”."
    assert asked["bake"].meaning == "Bakar bröd till stora sällskap."
    assert asked["bake"].proposal.contributions[0][:2] == ("holding", "fry")
    json.dumps(asked["bake"].to_dict())


def test_questions_in_english(kitchen: CompetenceGraph) -> None:
    asked = {p.concept_id: p for p in prompts(kitchen, "a", n=10, lang="en")}
    assert asked["bake"].question == "Do you perhaps have experience of baking for many?"
    assert asked["own"].question == "Are you perhaps good at planning your own time?"
    assert asked["bake"].why[0] == "We ask because you know “frying”."


def test_every_question_says_why_and_the_surest_comes_first(kitchen: CompetenceGraph) -> None:
    asked = prompts(kitchen, "a", n=2)
    assert len(asked) == 2
    assert all(p.why for p in asked)
    assert asked[0].proposal.probability >= asked[1].proposal.probability
    assert prompts(kitchen, "a", n=10)[:2] == asked


def test_questions_of_a_graph_without_proposals_are_made_for_that_person_alone() -> None:
    graph = graph_of(willing(small_staff()), settings=ASK)
    assert prompts(graph, "p2") == prompts(infer_hidden(graph), "p2")
    assert prompts(graph, "p2")
    assert graph.inferred is None


def test_whoever_has_not_said_yes_is_asked_nothing() -> None:
    assert prompts(graph_of_answer(OptIn.NO), "p1") == ()
    assert prompts(graph_of_answer(OptIn.NOT_ASKED), "p1") == ()


def test_questions_refuse_what_they_cannot_do(kitchen: CompetenceGraph) -> None:
    with pytest.raises(InputError, match="n must be at least 1"):
        prompts(kitchen, "a", n=0)
    with pytest.raises(InputError, match="sv, en"):
        prompts(kitchen, "a", lang="fi")
    with pytest.raises(UnknownIdError):
        prompts(kitchen, "nobody")
    with pytest.raises(InputError, match="infer_hidden"):
        proposals_to(graph_of(), "p1")


# ------------------------------------------------------------------------------------------------------ recalibration


DAY = date(2026, 11, 1)
SHIPPED = Calibration(
    taxonomy="t", alone=Curve((0.0, 1.0), (0.0, 0.5)), with_role=Curve((0.0, 1.0), (0.0, 0.8)), follows=(0.7, 0.2)
)
FEW = Settings.of({"inference": {"least_answers": 50, "prior_answers": 0.0}})


def answers(n: int, yes: int, *, reading: float = 0.5, with_role: bool = True) -> list[Answer]:
    return [Answer(reading, with_role, k < yes) for k in range(n)]


def test_answers_move_the_curve_to_how_many_said_yes() -> None:
    made = recalibrate(SHIPPED, answers(100, 25), day=DAY, settings=FEW)
    assert made.with_role(np.array([0.5]))[0] == pytest.approx(0.25)
    assert made.alone == SHIPPED.alone
    assert (made.version, made.day, made.answers, made.said_yes) == (2, DAY, 100, 25)


def test_the_earlier_curve_counts_as_so_many_answers() -> None:
    # 100 answers with 25 yes, and as many again that agree with the earlier 0.4: (25 + 40) / 200.
    settings = Settings.of({"inference": {"least_answers": 50, "prior_answers": 100.0}})
    made = recalibrate(SHIPPED, answers(100, 25), day=DAY, settings=settings)
    assert made.with_role(np.array([0.5]))[0] == pytest.approx(0.325)


def test_a_recalibrated_curve_still_rises_beside_what_was_asked() -> None:
    made = recalibrate(SHIPPED, answers(100, 95) + answers(100, 5, reading=0.6), day=DAY, settings=FEW)
    at = made.with_role(np.linspace(-0.5, 1.5, 41))
    assert (np.diff(at) >= 0).all()
    # Fewer yes at the higher reading: both are read as their common share.
    assert made.with_role(np.array([0.5, 0.6])) == pytest.approx([0.5, 0.5])
    assert made.with_role(np.array([0.0, 1.0])) == pytest.approx([0.0, 0.8])


def test_too_few_answers_change_nothing() -> None:
    with pytest.raises(InputError, match="at least 200 answers are needed"):
        recalibrate(SHIPPED, answers(199, 20) + answers(50, 20, with_role=False), day=DAY)
    made = recalibrate(SHIPPED, answers(200, 20) + answers(50, 20, with_role=False), day=DAY)
    assert made.alone == SHIPPED.alone
    assert made.answers == 200


def test_a_decision_on_a_suggestion_is_never_learnt_from() -> None:
    decision = Decision(kind="experts", choice=Choice.ACCEPTED, people=("p1",), target="x", day=DAY)
    with pytest.raises(InputError, match="never learnt from"):
        recalibrate(SHIPPED, [*answers(300, 20), decision], day=DAY)  # type: ignore[list-item]


def test_a_recalibration_can_be_undone_and_written_down() -> None:
    first = recalibrate(SHIPPED, answers(100, 25), day=DAY, settings=FEW)
    second = recalibrate(first, answers(100, 75), day=date(2026, 12, 1), settings=FEW)
    assert (second.version, second.undo(), second.undo().undo()) == (3, first, SHIPPED)
    assert Calibration.of(json.loads(json.dumps(second.to_dict()))) == second
    with pytest.raises(InputError, match="nothing earlier"):
        SHIPPED.undo()
    with pytest.raises(InputError, match="to_dict"):
        Calibration.of({"taxonomy": "t"})
    with pytest.raises(InputError, match="both rising"):
        Curve((0.0, 1.0), (0.5, 0.2))


def test_inference_with_a_recalibration_changes_probabilities_and_no_score(
    world: tuple[Taxonomy, Linker], model: InferenceModel
) -> None:
    graph = infer(world, ["s0", "s1", "s2"])
    given_answers = [p.answer(False) for p in prompts(graph, "a")] * 40
    made = recalibrate(model, given_answers, day=DAY, settings=FEW)
    again = infer_hidden(graph, settings=ASK, calibration=made, model=model)
    assert proposals(again) == proposals(graph)
    assert again.inferred is not None
    assert graph.inferred is not None
    assert again.inferred.probability.max() < graph.inferred.probability.max()
    with pytest.raises(InputError, match="is of the taxonomy"):
        infer_hidden(graph_of(willing(small_staff()), settings=ASK), calibration=made)
    with pytest.raises(InputError, match="another taxonomy"):
        infer_hidden(graph_of(willing(small_staff()), settings=ASK), model=model)


# ------------------------------------------------------------------------------------------------------------ ranking


def test_ranking_sets_gives_best_first_and_never_what_is_known(model: InferenceModel) -> None:
    (found, nothing), again = model.rank([{"s0", "s1", "x"}, set()], 5), model.rank([{"x", "s1", "s0"}], 5)
    assert found == again[0]
    assert nothing == []
    assert len(found) == 5
    assert [p for _, p in found] == sorted((p for _, p in found), reverse=True)
    assert {c for c, _ in found[:4]} <= {"s2", "s3", "s4", "s5"}
    with pytest.raises(InputError, match="k must"):
        model.rank([{"s0"}], 0)
    with pytest.raises(InputError, match="roles must"):
        model.rank([{"s0"}], 3, roles=[])


def test_with_roles_known_what_they_ask_for_is_ranked_by_how_often_people_have_it(model: InferenceModel) -> None:
    (found,) = model.rank([set()], 5, roles=[["r0"]])
    assert {c for c, p in found if p == pytest.approx(model.calibration.follows[0])} == {"s1", "s2", "s3", "s4", "s5"}


def test_nobody_is_asked_about_what_would_hint_at_where_they_come_from() -> None:
    municipal = Taxonomy.bundled("municipal")
    model = fit_inference(municipal)
    never = Settings().inference.never
    assert set(never) <= municipal.concepts.keys()
    assert not any(model.may_be_asked[model.column[c]] for c in never)
