"""Moves between roles: the coverage worked out by hand, vetoes that stay, and nothing read of who somebody is."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from math import fsum, log, sqrt

import numpy as np
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
    NURSE,
    PEOPLE,
    REGISTERED,
    ROSTER,
    asks,
    certificate,
    concept,
    graph_of,
    person,
    piece,
    random_staff,
    role,
    shuffled,
    small_staff,
    taxonomy,
)
from hypothesis import given
from hypothesis import strategies as st

from competence.errors import InputError, UnknownIdError
from competence.fit import hard_met
from competence.graph import CompetenceGraph
from competence.model import Concept, ConceptKind, Importance, Role, Source
from competence.settings import Settings
from competence.taxonomy import Taxonomy
from competence.testing import swap_sex
from competence.transitions import CURVE_COVERAGE, CURVE_FEASIBLE, feasibility_of, find_role, roles_within_reach, transition

SAME_ONLY = Settings.of({"transition": {"likeness_cutoff": 1.0}, "fit": {"related_credit": 0.0}})
RELATED = Settings.of({"transition": {"likeness_cutoff": 1.0}})


# -- by hand: every concept of the small taxonomy is asked for by two of four roles, so shares are those of the weights


def test_coverage_is_the_weight_of_what_is_given_at_the_level_asked() -> None:
    move = transition(taxonomy(), ASSISTANT, REGISTERED, settings=SAME_ONLY)
    # Dementia care (weight 0.6) is given at 3 where 2 is asked, rostering (weight 1) is not given.
    assert move.coverage == pytest.approx(0.6 / 1.6)
    assert [(p.concept_id, p.level) for p in move.missing] == [(ROSTER, 3)]


def test_a_lower_level_covers_its_share_of_the_level_asked() -> None:
    move = transition(taxonomy(), REGISTERED, ASSISTANT, settings=SAME_ONLY)
    # Dementia care 2 of 3, weight 1 of 1.8; lifting is missing. What is optional in the destination is not asked.
    assert move.coverage == pytest.approx((1 / 1.8) * (2 / 3))
    assert {p.concept_id for p in move.parts} == {DEMENTIA, LIFT}
    assert [p.concept_id for p in move.missing] == [LIFT, DEMENTIA], "the largest loss first"


def test_what_the_origin_asks_for_as_optional_is_given_too() -> None:
    move = transition(taxonomy(), ASSISTANT, COORDINATOR, settings=SAME_ONLY)
    assert move.coverage == pytest.approx((0.7 / 1.7) * (2 / 3))


def test_a_related_concept_gives_its_credit_and_is_named() -> None:
    move = transition(taxonomy(), COORDINATOR, ASSISTANT, settings=RELATED)
    # Calming (3) is related to dementia care (3): half of weight 1 of 1.8.
    assert move.coverage == pytest.approx(0.5 / 1.8)
    dementia = next(p for p in move.parts if p.concept_id == DEMENTIA)
    assert (dementia.given_by, dementia.given_level, dementia.likeness, dementia.same) == (CALM, 3, 0.5, False)


def test_a_narrower_concept_counts_towards_the_broader_and_not_the_other_way() -> None:
    roles = (role("a", "a", "a", asks(EARLY, 3)), role("b", "b", "b", asks(DEMENTIA, 3)))
    small = Taxonomy.of(taxonomy().concepts.values(), roles)
    assert transition(small, "a", "b", settings=RELATED).coverage == pytest.approx(0.5)
    assert transition(small, "b", "a", settings=RELATED).coverage == 0.0


def test_what_few_roles_ask_for_weighs_more() -> None:
    roles = (role("a", "a", "a", asks(ROSTER, 2)), role("b", "b", "b", asks(ROSTER, 2), asks(CARPENTRY, 2)))
    move = transition(Taxonomy.of(taxonomy().concepts.values(), roles), "a", "b", settings=SAME_ONLY)
    # Rostering is asked for by both of two roles, carpentry by one: weights 1 and 1 + ln(3/2).
    assert move.coverage == pytest.approx(1 / (2 + log(3 / 2)))


def likeness(texts: list[str], a: int, b: int) -> float:
    """Return the cosine of character n-grams within words, step by step."""

    def grams(text: str) -> Counter[str]:
        found: Counter[str] = Counter()
        for word in text.lower().split():
            padded = f" {word} "
            for n in (3, 4, 5):
                found.update(padded[k : k + n] for k in range(max(1, len(padded) - n + 1)))
                if len(padded) <= n:
                    # A short word is counted whole, once.
                    break
        return found

    counted = [grams(t) for t in texts]
    df = Counter(g for c in counted for g in c)
    weighed = [{g: (1 + log(k)) * (1 + log((1 + len(texts)) / (1 + df[g]))) for g, k in c.items()} for c in counted]
    dot = sum(v * weighed[b].get(g, 0.0) for g, v in weighed[a].items())
    return dot / sqrt(sum(v * v for v in weighed[a].values()) * sum(v * v for v in weighed[b].values()))


def test_a_concept_that_is_alike_counts_as_much_as_it_is_alike() -> None:
    concepts = [
        Concept(concept_id="meals", labels={"sv": "laga mat i storkök"}, descriptions={"sv": "Lagar mat på en gång till många."}),
        Concept(concept_id="camp", labels={"sv": "laga mat på läger"}, alternative_labels={"sv": ("lägermat",)}),
        Concept(concept_id="rescue", labels={"sv": "rökdykning"}),
    ]
    roles = (role("a", "a", "a", asks("camp", 3)), role("b", "b", "b", asks("meals", 3)), role("c", "c", "c", asks("rescue", 1)))
    small = Taxonomy.of(concepts, roles)
    expected = likeness(["laga mat i storkök Lagar mat på en gång till många.", "laga mat på läger lägermat", "rökdykning"], 0, 1)
    assert expected > 0.25
    move = transition(small, "a", "b")
    assert move.coverage == pytest.approx(expected, abs=1e-5)
    assert move.parts[0].given_by == "camp"
    above = Settings.of({"transition": {"likeness_cutoff": min(1.0, expected + 0.01)}})
    assert transition(small, "a", "b", settings=above).coverage == 0.0, "under the cutoff nothing counts"
    assert transition(small, "c", "b").coverage == 0.0


@pytest.mark.parametrize("kind", [ConceptKind.LANGUAGE, ConceptKind.LICENCE])
def test_one_language_or_licence_never_counts_as_another(kind: ConceptKind) -> None:
    said = {"sv": "Talar språket i vardagen och förstår det som sägs."}
    concepts = (
        concept("x", "finska", "Finnish", kind=kind, descriptions=said, related=("y",)),
        concept("y", "finlandssvenska", "Finland Swedish", kind=kind, descriptions=said),
    )
    small = Taxonomy.of(concepts, (role("a", "a", "a", asks("x", 2)), role("b", "b", "b", asks("y", 2))))
    assert transition(small, "a", "b").coverage == 0.0


def test_equal_texts_of_two_concepts_are_still_two_concepts() -> None:
    concepts = (concept("x", "svetsa", "weld"), concept("y", "svetsa", "weld"))
    small = Taxonomy.of(concepts, (role("a", "a", "a", asks("x", 2)), role("b", "b", "b", asks("x", 2), asks("y", 2))))
    move = transition(small, "a", "b")
    assert [p.same for p in move.parts] == [p.concept_id == "x" for p in move.parts]
    assert move.coverage < 1


# -- the same role, sums, vetoes


@pytest.mark.parametrize("role_id", [ASSISTANT, REGISTERED, COORDINATOR, CARETAKER])
def test_a_role_covers_itself_wholly_and_nothing_bars_it(role_id: str) -> None:
    move = transition(taxonomy(), role_id, role_id)
    assert move.coverage == pytest.approx(1.0, abs=1e-12)
    assert (move.missing, move.vetoes, move.feasibility) == ((), (), pytest.approx(1.0))


def test_every_municipal_role_covers_itself_and_contributions_sum() -> None:
    municipal = Taxonomy.bundled("municipal")
    roles = list(municipal.roles)
    for here, there in zip(roles, roles[7:] + roles[:7], strict=True):
        assert transition(municipal, here, here).coverage == pytest.approx(1.0, abs=1e-12)
        move = transition(municipal, here, there)
        assert fsum(p.contribution for p in move.parts) == pytest.approx(move.coverage, abs=1e-9)
        assert fsum(p.share for p in move.parts) == pytest.approx(1.0, abs=1e-9)
        assert 0 <= move.coverage <= 1


def test_a_veto_stays_a_veto_whatever_the_coverage() -> None:
    # Everything but the licence is given in full, and the person says to have the licence too.
    found = [piece("p1", c, 5, Source.ASSESSMENT) for c in (DEMENTIA, ROSTER)] + [piece("p1", NURSE, 5, Source.SELF)]
    graph = graph_of(small_staff(evidence=found))
    move = next(t for t in roles_within_reach(graph, "p1") if t.to_role == REGISTERED)
    assert move.coverage == pytest.approx(1.0)
    assert [(v.concept_id, v.level, v.source) for v in move.vetoes] == [(NURSE, 1, "lag")]
    assert move.is_barred
    assert move.feasibility == 0.0
    assert REGISTERED not in {t.to_role for t in roles_within_reach(graph, "p1").open}
    proven = graph_of(small_staff(evidence=[*found, certificate("p1", NURSE)]))
    move = next(t for t in roles_within_reach(proven, "p1") if t.to_role == REGISTERED)
    assert (move.vetoes, move.feasibility) == ((), pytest.approx(1.0))


@pytest.mark.parametrize("seed", range(6))
def test_who_is_barred_is_whoever_does_not_meet_the_hard_requirements(seed: int) -> None:
    graph = graph_of(random_staff(seed, 8))
    for t in [t for p in graph.person_ids for t in roles_within_reach(graph, p)]:
        met = hard_met(graph, graph.taxonomy.roles[t.to_role].requirements)
        assert t.is_barred == (not met[graph.row(t.person_id or "")])


def test_between_roles_a_hard_requirement_is_met_by_the_same_in_the_origin() -> None:
    roles = (
        role("a", "a", "a", asks(LICENCE, 1, hard=True), asks(LIFT, 2)),
        role("b", "b", "b", asks(LICENCE, 1, hard=True), asks(LIFT, 2)),
        role("c", "c", "c", asks(LICENCE, 1), asks(LIFT, 2)),
    )
    small = Taxonomy.of(taxonomy().concepts.values(), roles)
    assert not transition(small, "a", "b").vetoes
    assert [v.concept_id for v in transition(small, "c", "b").vetoes] == [LICENCE], "asked for but not checked by law"
    assert transition(small, "c", "b").coverage == pytest.approx(1.0), "a hard requirement is never weighed"


def test_a_role_with_nothing_but_hard_requirements_is_decided_by_them() -> None:
    roles = (role("a", "a", "a", asks(LIFT, 2)), role("b", "b", "b", asks(LICENCE, 1, hard=True)))
    move = transition(Taxonomy.of(taxonomy().concepts.values(), roles), "a", "b")
    assert (move.coverage, move.parts, move.is_barred) == (1.0, (), True)


# -- roles within reach


def slow_coverage(graph: CompetenceGraph, person_id: str, role_id: str) -> float:
    """Return the coverage by the same concepts, requirement by requirement."""
    roles = graph.taxonomy.roles
    total = got = 0.0
    for r in roles[role_id].requirements:
        if r.hard or r.importance is not Importance.ESSENTIAL:
            continue
        asking = sum(any(q.concept_id == r.concept_id for q in other.requirements) for other in roles.values())
        weight = r.weight * (1 + log((1 + len(roles)) / (1 + asking)))
        holding = graph.holding(person_id, r.concept_id)
        total += weight
        got += weight * (min(holding.rounded / r.level, 1.0) if holding else 0.0)
    return got / total


def test_the_reach_of_each_of_eight_is_what_their_holdings_cover() -> None:
    graph = graph_of(small_staff())
    for person_id in graph.person_ids:
        own = set(graph.person_roles[graph.row(person_id)])
        expected = {r: slow_coverage(graph, person_id, r) for r in graph.role_ids if r not in own}
        reach = roles_within_reach(graph, person_id, settings=SAME_ONLY)
        ranked = sorted((r for r, v in expected.items() if v > 0), key=lambda r: (-round(expected[r], 12), r))
        assert [t.to_role for t in reach] == ranked
        assert [t.coverage for t in reach] == pytest.approx([expected[r] for r in ranked])
        assert all(t.person_id == person_id and t.from_role is None for t in reach)


@given(seed=st.integers(0, 300), n=st.integers(1, 6))
def test_contributions_sum_and_the_order_of_rows_and_sex_change_nothing(seed: int, n: int) -> None:
    staff = random_staff(seed, n)
    graph = graph_of(staff)
    others = [graph_of(shuffled(staff, seed)), graph_of(swap_sex(staff))]
    for person_id in graph.person_ids:
        reach = roles_within_reach(graph, person_id, n=4)
        for t in reach:
            assert fsum(p.contribution for p in t.parts) == pytest.approx(t.coverage, abs=1e-9)
            assert t.coverage <= 1
        coverages = [round(t.coverage, 9) for t in reach]
        assert coverages == sorted(coverages, reverse=True)
        assert all(roles_within_reach(other, person_id, n=4) == reach for other in others)


def test_removing_the_holding_that_gives_most_lowers_the_coverage() -> None:
    graph = graph_of(small_staff())
    move = next(t for t in roles_within_reach(graph, "p6") if t.to_role == COORDINATOR)
    most = max(move.parts, key=lambda p: p.contribution)
    kept = [e for e in EVIDENCE if not (e.person_id == "p6" and e.concept_id == most.given_by)]
    after = {t.to_role: t.coverage for t in roles_within_reach(graph_of(small_staff(evidence=kept)), "p6")}
    assert after.get(COORDINATOR, 0.0) < move.coverage


def test_a_holding_to_be_reconfirmed_covers_nothing() -> None:
    old = replace(piece("p1", ROSTER, 4, Source.SELF), day=None, probability=0.5)
    strict = Settings.of({"evidence": {"reconfirm_below": 0.9}})
    assert list(roles_within_reach(graph_of(small_staff(evidence=[old]), settings=strict), "p1")) == []


def test_private_evidence_is_in_the_persons_own_view_only() -> None:
    staff = small_staff(
        people=(*PEOPLE, person("p9", role_id=None)), evidence=[*EVIDENCE[:8], *[e for e in EVIDENCE if e.person_id == "p3"]]
    )
    seen = {t.to_role: t.coverage for t in roles_within_reach(graph_of(staff), "p3", settings=SAME_ONLY)}
    own = {
        t.to_role: t.coverage
        for t in roles_within_reach(graph_of(staff, audience="private", person_id="p3"), "p3", settings=SAME_ONLY)
    }
    assert own[ASSISTANT] > seen.get(ASSISTANT, 0.0)
    assert list(roles_within_reach(graph_of(staff), "p9")) == []


def test_the_cutoff_and_n_leave_out_the_lowest() -> None:
    graph = graph_of(small_staff())
    every = roles_within_reach(graph, "p2")
    assert len(every) >= 2
    assert list(roles_within_reach(graph, "p2", n=1)) == list(every[:1])
    assert list(roles_within_reach(graph, "p2", cutoff=every[0].coverage)) == list(every[:1])


# -- the curve


def test_the_curve_rises_from_nothing_to_all() -> None:
    assert np.all(np.diff(CURVE_COVERAGE) > 0)
    assert np.all(np.diff(CURVE_FEASIBLE) >= 0)
    assert (feasibility_of(0.0), feasibility_of(1.0)) == (0.0, 1.0)
    # Half way between the knots 0.2 (0.45) and 0.25 (0.526).
    assert feasibility_of(0.225) == pytest.approx((0.45 + 0.526) / 2)


@pytest.mark.parametrize("coverage", [-0.1, 1.1, float("nan")])
def test_a_coverage_outside_the_unit_interval_is_refused(coverage: float) -> None:
    with pytest.raises(InputError, match=r"coverage must lie in \[0, 1\]"):
        feasibility_of(coverage)


# -- finding roles, input, shapes


def test_a_role_is_found_by_id_by_title_and_by_the_linker() -> None:
    assert find_role(taxonomy(), REGISTERED).role_id == REGISTERED
    assert find_role(taxonomy(), " Registered  nurse ").role_id == REGISTERED
    assert find_role(graph_of(), "leg. sjuksköterska natt").role_id == REGISTERED
    with pytest.raises(UnknownIdError, match="nearest"):
        find_role(taxonomy(), "leg. sjuksköterska natt")


def test_a_title_of_two_roles_asks_for_an_id() -> None:
    twins = Taxonomy.of(
        [],
        [
            Role(role_id="r1", labels={"sv": "vaktmästare skola"}, alternative_labels={"sv": ("vaktis",)}),
            Role(role_id="r2", labels={"sv": "vaktmästare idrott"}, alternative_labels={"sv": ("vaktis",)}),
        ],
    )
    with pytest.raises(UnknownIdError, match="2 roles are called 'vaktis'; give one of their ids: r1, r2"):
        find_role(twins, "vaktis")


def test_input_that_cannot_be_used_says_what_to_do() -> None:
    graph = graph_of(small_staff())
    with pytest.raises(InputError, match="n must be at least 1"):
        roles_within_reach(graph, "p1", n=0)
    with pytest.raises(InputError, match="cutoff must lie in"):
        roles_within_reach(graph, "p1", cutoff=1.5)
    with pytest.raises(UnknownIdError, match="no person with id 'nobody'"):
        roles_within_reach(graph, "nobody")
    bare = Taxonomy.of(taxonomy().concepts.values(), (role("a", "a", "a", asks(LIFT, 2)), role("b", "b", "b")))
    with pytest.raises(InputError, match="asks for nothing"):
        transition(bare, "a", "b")
    broken = Taxonomy.of([], [role("a", "a", "a", asks("gone", 2))])
    with pytest.raises(UnknownIdError, match="'gone', which is not among the concepts"):
        transition(broken, "a", "a")


def test_a_graph_and_its_taxonomy_give_the_same_transition() -> None:
    graph = graph_of(small_staff())
    assert transition(graph, ASSISTANT, COORDINATOR) == transition(taxonomy(), ASSISTANT, COORDINATOR)


def test_results_become_json_and_tables() -> None:
    reach = roles_within_reach(graph_of(small_staff()), "p6")
    data = json.loads(json.dumps(reach.to_dict(), ensure_ascii=False))
    assert [r["to_role"] for r in data["roles"]] == [t.to_role for t in reach]
    frame = reach.to_frame()
    assert list(frame.columns) == ["rank", "role_id", "label_sv", "label_en", "coverage", "feasibility", "vetoes", "missing"]
    assert len(frame) == len(reach)
    parts = reach[0].to_frame()
    assert parts["contribution"].sum() == pytest.approx(reach[0].coverage)
    assert list(parts["concept_id"]) == [p.concept_id for p in reach[0].parts]


@pytest.mark.parametrize(
    ("lang", "barred", "missing"),
    [
        ("sv", "Hinder: sjuksköterskelegitimation", "schemaläggning: saknas"),
        ("en", "Barred: nursing registration", "rostering: missing"),
    ],
)
def test_a_transition_is_said_in_both_languages(lang: str, barred: str, missing: str) -> None:
    said = transition(taxonomy(), ASSISTANT, REGISTERED, settings=SAME_ONLY).explain(lang)
    assert barred in said
    assert missing in said
    assert "38" in said.split("\n")[0], "0.375 in whole per cent"
    assert FINNISH not in said
