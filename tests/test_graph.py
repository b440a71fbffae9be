"""The graph: which evidence counts, for whom it may be seen, and that nobody is in it who should not be."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from math import isclose, sqrt

import numpy as np
import pytest
from cases import (
    AS_OF,
    ASSISTANT,
    CALM,
    CARPENTRY,
    COORDINATOR,
    DEMENTIA,
    EARLY,
    FINNISH,
    LICENCE,
    LIFT,
    NORTH,
    NURSE,
    OFFICE,
    PEOPLE,
    REGISTERED,
    ROSTER,
    SOUTH,
    asks,
    certificate,
    concept,
    graph_of,
    linker,
    person,
    piece,
    random_staff,
    role,
    shuffled,
    small_staff,
    taxonomy,
)

from competence.errors import InputError, UnknownIdError
from competence.evidence import is_formal, piece_level, precision
from competence.graph import build_graph
from competence.inference import infer_hidden
from competence.model import (
    Choice,
    Decision,
    Employment,
    Evidence,
    HistoryEntry,
    HistoryKind,
    InterestKind,
    NeedItem,
    OptIn,
    Post,
    RoleShare,
    Source,
    Statement,
    Unit,
    Use,
    Visibility,
)
from competence.settings import Settings
from competence.suggest.experts import find_experts
from competence.taxonomy import Taxonomy


def held(graph: object, person_id: str) -> dict[str, int]:
    """Return the whole levels of a person by concept."""
    return {h.concept_id: h.rounded for h in graph.holdings(person_id)}  # type: ignore[attr-defined]


@pytest.mark.parametrize("seed", range(6))
def test_holdings_equal_a_slow_sum_over_pieces(seed: int) -> None:
    staff = random_staff(seed, 6)
    graph = graph_of(staff)
    settings = Settings().evidence
    expected: dict[tuple[str, str], list[tuple[float, float, bool, int]]] = {}
    for e in staff.evidence:
        assert e.concept_id is not None
        weight = precision(e, taxonomy().concepts[e.concept_id].currency_months, AS_OF, settings)
        expected.setdefault((e.person_id, e.concept_id), []).append(
            (weight, piece_level(e.level, settings)[0], is_formal(e), e.level or 5)
        )
    found = {(h.person_id, h.concept_id): h for p in graph.person_ids for h in graph.holdings(p)}
    assert set(found) == set(expected)
    for key, pieces in expected.items():
        total = sum(w for w, _, _, _ in pieces)
        level = sum(w * x for w, x, _, _ in pieces) / total
        confidence = 1 - 1 / (1.5 * sqrt(1 / 2.25 + total))
        holding = found[key]
        assert isclose(holding.level, level)
        assert isclose(holding.confidence, confidence)
        rounded = int(level + 0.5 + 1e-12) if confidence >= 0.15 else 0
        assert holding.rounded == rounded
        row, column = graph.row(key[0]), graph.concept_index[key[1]]
        assert graph.rounded_column(column)[row] == rounded
        proof = max((n for _, _, formal, n in pieces if formal), default=0)
        assert graph.column("formal_level", column)[row] == (proof if rounded else 0)
        assert [e.evidence_id for e in holding.evidence] == sorted(
            (e.evidence_id for e in holding.evidence), key=lambda i: (graph.evidence_by_id(i).day or date.min, i)
        )


def test_evidence_linked_below_the_cutoff_counts_nothing() -> None:
    kept, dropped = piece("p1", LIFT, 3, probability=0.5), piece("p1", CALM, 3, probability=0.49)
    graph = graph_of(small_staff(evidence=[kept, dropped]))
    assert held(graph, "p1") == {LIFT: 3}
    with pytest.raises(UnknownIdError):
        graph.evidence_by_id(dropped.evidence_id)


@pytest.mark.parametrize(
    ("audience", "seen"),
    [
        ("manager", {Visibility.MANAGER, Visibility.UNIT, Visibility.ORGANISATION}),
        ("unit", {Visibility.UNIT, Visibility.ORGANISATION}),
        ("organisation", {Visibility.ORGANISATION}),
    ],
)
def test_what_is_narrower_than_the_audience_is_left_out(audience: str, seen: set[Visibility]) -> None:
    concepts = dict(zip(Visibility, (DEMENTIA, CALM, LIFT, ROSTER), strict=True))
    evidence = [piece("p1", c, 3, visibility=v) for v, c in concepts.items()]
    graph = graph_of(small_staff(evidence=evidence), audience=audience)
    assert set(held(graph, "p1")) == {concepts[v] for v in seen}
    assert graph.audience is Visibility(audience)


def test_a_persons_own_view_has_all_of_ones_own_and_of_others_what_the_organisation_sees() -> None:
    evidence = [
        piece(p, c, 3, visibility=v)
        for p in ("p1", "p2")
        for v, c in zip(Visibility, (DEMENTIA, CALM, LIFT, ROSTER), strict=True)
    ]
    graph = graph_of(small_staff(evidence=evidence), audience="private", person_id="p1")
    assert set(held(graph, "p1")) == {DEMENTIA, CALM, LIFT, ROSTER}
    assert set(held(graph, "p2")) == {ROSTER}


def test_a_private_view_is_somebodys_and_no_other_view_is() -> None:
    with pytest.raises(InputError, match="person_id"):
        graph_of(audience="private")
    with pytest.raises(InputError, match="private"):
        graph_of(audience="manager", person_id="p1")
    with pytest.raises(UnknownIdError):
        graph_of(audience="private", person_id="nobody")
    with pytest.raises(InputError, match="private, manager, unit, organisation"):
        graph_of(audience="everybody")


def test_a_protected_person_is_nowhere() -> None:
    people = [replace(p, protected=p.person_id == "p7") for p in PEOPLE]
    people[0] = replace(people[0], manager_ids=("p7", "p8"))
    post = Post(post_id="x", unit_id=NORTH, holder_id="p7", roles=(RoleShare(title="samordnare", role_id=COORDINATOR),))
    staff = small_staff(
        people,
        evidence=[piece("p7", ROSTER, 4), piece("p1", LIFT, 3, author="p7")],
        posts=(post, replace(post, post_id="y", holder_id="p3")),
        statements=(Statement(statement_id="s", person_id="p7", text="hemligt"),),
        history=(HistoryEntry(kind=HistoryKind.PAIR, person_id="p1", other_id="p7"),),
        decisions=(
            Decision(kind="pairs", choice=Choice.ACCEPTED, people=("p1", "p7")),
            Decision(kind="pairs", choice=Choice.ACCEPTED, people=("p1", "p2"), decided_by="p7"),
        ),
    )
    assert staff.protected_count == 1
    graph = graph_of(staff)
    assert "p7" not in graph.person_ids
    assert "p7" not in repr((staff.people, staff.units, staff.posts, staff.evidence, staff.statements, staff.history))
    assert "p7" not in repr(staff.decisions)
    assert "p7" not in repr(staff.to_tables())
    assert graph.staff.managers_of("p1") == {"p8"}
    assert "p7" not in str(graph.to_networkx().nodes)
    with pytest.raises(UnknownIdError, match="no person with id"):
        staff.person("p7")


@pytest.mark.parametrize(
    ("end", "employment_end", "is_in"),
    [
        (None, None, True),
        (AS_OF, None, True),
        (AS_OF - timedelta(days=1), None, False),
        (None, AS_OF, True),
        (None, AS_OF - timedelta(days=1), False),
    ],
)
def test_whoever_has_left_is_in_nothing_from_the_next_day(end: date | None, employment_end: date | None, is_in: bool) -> None:
    leaving = replace(person("p1", end=employment_end), end=end)
    graph = graph_of(small_staff([leaving, *PEOPLE[1:]]))
    assert ("p1" in graph.person_ids) is is_in
    assert ("p1" in graph.sex) is is_in
    assert (graph.column("level", graph.concept_index[LIFT]) > 0).sum() == (2 if is_in else 1)


def test_one_ended_employment_of_two_is_not_leaving() -> None:
    two = replace(PEOPLE[0], employments=(Employment(unit_id=SOUTH, end=date(2020, 1, 1)), *PEOPLE[0].employments))
    graph = graph_of(small_staff([two, *PEOPLE[1:]]))
    assert graph.units_of[graph.row("p1")] == (NORTH,)


def test_what_a_current_role_asks_for_is_required_and_the_rest_unused() -> None:
    graph = graph_of()
    use = {h.concept_id: h.use for h in graph.holdings("p2")}
    assert use == {DEMENTIA: Use.REQUIRED, CALM: Use.REQUIRED, CARPENTRY: Use.UNUSED}
    assert [h.concept_id for h in graph.unused("p2")] == [CARPENTRY]


def test_a_role_of_an_ended_employment_asks_for_nothing() -> None:
    ended = Employment(unit_id=NORTH, roles=(RoleShare(title="vaktmästare", role_id="caretaker"),), end=AS_OF - timedelta(days=1))
    both = replace(PEOPLE[1], employments=(*PEOPLE[1].employments, ended))
    graph = graph_of(small_staff([PEOPLE[0], both, *PEOPLE[2:]]))
    assert CARPENTRY in {h.concept_id for h in graph.unused("p2")}


def test_several_roles_ask_for_the_higher_level_and_are_hard_if_either_is() -> None:
    roles = tuple(RoleShare(title=r, role_id=r) for r in (ASSISTANT, REGISTERED))
    both = replace(PEOPLE[0], employments=(Employment(unit_id=NORTH, roles=roles),))
    graph = graph_of(small_staff([both, *PEOPLE[1:]]))
    required = graph.required("p1")
    assert set(required) == {DEMENTIA, LIFT, CALM, NURSE, ROSTER}
    assert (required[DEMENTIA].level, required[DEMENTIA].weight, required[NURSE].hard) == (3, 1.0, True)


def test_roles_of_a_held_post_count_too() -> None:
    post = Post(post_id="x", unit_id=NORTH, holder_id="p1", roles=(RoleShare(title="samordnare", role_id=COORDINATOR),))
    graph = graph_of(small_staff(posts=(post,)))
    assert graph.person_roles[graph.row("p1")] == (ASSISTANT, COORDINATOR)


def test_evidence_of_unknown_people_and_concepts_is_passed_over() -> None:
    graph = graph_of(small_staff(evidence=[piece("nobody", LIFT), piece("p1", "no-concept"), piece("p1", LIFT)]))
    assert len(graph.arrays.concept) == 1


def test_a_graph_without_evidence_is_a_graph() -> None:
    graph = graph_of(small_staff(evidence=[]))
    assert graph.holdings("p1") == ()
    assert graph.rounded_column(0).tolist() == [0] * 8
    assert graph.holding("p1", LIFT) is None


def test_unknown_ids_are_named() -> None:
    graph = graph_of()
    with pytest.raises(UnknownIdError, match="p99"):
        graph.row("p99")
    with pytest.raises(UnknownIdError):
        graph.holding("p1", "no-concept")
    with pytest.raises(UnknownIdError, match="Hemtjänst"):
        graph.rows(None, ["Hemtjänst Nord"])


def test_rows_take_a_unit_with_those_below_it() -> None:
    graph = graph_of()

    def ids(units: list[str]) -> list[str]:
        return [graph.person_ids[r] for r in graph.rows(None, units)]

    assert ids(["Hemtjänst Norr"]) == ["p1", "p3", "p7"]
    assert ids(["vård och omsorg"]) == ["p1", "p2", "p3", "p4", "p6", "p7", "p8"]
    assert ids([OFFICE]) == ["p5"]


# -- the date -----------------------------------------------------------------------------------------------------


def test_the_graph_on_another_date_ages_evidence_and_lets_people_go() -> None:
    leaving = replace(PEOPLE[1], end=date(2027, 1, 1))
    graph = graph_of(small_staff([PEOPLE[0], leaving, *PEOPLE[2:]]))
    later = graph.seen(date(2028, 6, 30))
    assert "p2" in graph.person_ids
    assert "p2" not in later.person_ids
    now, then = graph.holding("p1", LIFT), later.holding("p1", LIFT)
    assert now is not None
    assert then is not None
    # Lifting stays fresh 24 months: two years halve the precision 1 / 0.81.
    assert isclose(then.confidence, 1 - 1 / (1.5 * sqrt(1 / 2.25 + 0.5 / 0.81)), abs_tol=1e-3)
    assert then.confidence < now.confidence
    assert graph.seen() is graph
    assert graph.seen(AS_OF) is graph


def test_posts_managers_and_sites_are_those_of_the_graphs_date() -> None:
    moved = replace(
        PEOPLE[0],
        employments=(
            Employment(unit_id=NORTH, roles=PEOPLE[0].employments[0].roles, end=date(2026, 12, 31)),
            Employment(unit_id=SOUTH, roles=PEOPLE[0].employments[0].roles, start=date(2027, 1, 1)),
        ),
    )
    graph = graph_of(small_staff([moved, *PEOPLE[1:]]))
    later = graph.seen(date(2027, 2, 1))
    assert graph.staff.managers_of("p1") == {"p7"}
    assert later.staff.managers_of("p1") == {"p8"}
    assert later.staff.site_of("p1") == "Södra"
    assert {p.unit_id for p in later.staff.filled_posts if p.holder_id == "p1"} == {SOUTH}
    assert later.units_of[later.row("p1")] == (SOUTH,)


def test_evidence_too_old_to_count_is_to_be_reconfirmed_and_proves_nothing() -> None:
    old = certificate("p1", LIFT, 3, day=date(2000, 1, 1))
    graph = graph_of(small_staff(evidence=[old]))
    holding = graph.holding("p1", LIFT)
    assert holding is not None
    assert holding.to_be_reconfirmed
    assert holding.level == 3.0
    assert graph.column("formal_level", graph.concept_index[LIFT]).max() == 0


def test_a_certificate_that_has_run_out_proves_nothing_but_still_tells_a_level() -> None:
    ended = replace(certificate("p1", LIFT, 3, day=AS_OF), valid_until=AS_OF - timedelta(days=1))
    graph = graph_of(small_staff(evidence=[ended]))
    assert graph.rounded_column(graph.concept_index[LIFT])[graph.row("p1")] == 3
    assert graph.column("formal_level", graph.concept_index[LIFT])[graph.row("p1")] == 0
    last = graph_of(small_staff(evidence=[replace(certificate("p1", LIFT, 3, day=AS_OF), valid_until=AS_OF)]))
    assert last.column("formal_level", last.concept_index[LIFT])[last.row("p1")] == 3


def test_what_runs_out_is_told_unless_it_has_been_renewed() -> None:
    def held(person_id: str, number: str, days: int | None) -> Evidence:
        until = None if days is None else AS_OF + timedelta(days=days)
        return replace(certificate(person_id, LIFT, 3, day=AS_OF), evidence_id=number, valid_until=until)

    # The second has a newer one, the third one for life, the fourth is due later.
    own = [("p1", "a", -3), ("p2", "b", -3), ("p2", "c", 40), ("p3", "d", 20), ("p3", "e", None), ("p4", "f", 91)]
    pieces = [held(*one) for one in own]
    graph = graph_of(small_staff(evidence=pieces))
    assert [(e.evidence_id, days) for e, days in graph.expiring()] == [("a", -3), ("c", 40)]
    assert [(e.evidence_id, days) for e, days in graph.expiring(91)] == [("a", -3), ("c", 40), ("f", 91)]
    with pytest.raises(InputError):
        graph.expiring(-1)


# -- needs --------------------------------------------------------------------------------------------------------


def test_words_in_either_language_and_ids_become_the_same_item() -> None:
    graph = graph_of()
    for words in ("demensvård", "dementia care", DEMENTIA):
        (item,) = graph.need(words).items
        assert item.concept_id == DEMENTIA


def test_a_text_that_names_two_things_becomes_two_items_with_its_level() -> None:
    resolved = graph_of().need({"demensvård och finska": 3})
    assert [(i.concept_id, i.level) for i in sorted(resolved.items, key=lambda i: i.concept_id)] == [(DEMENTIA, 3), (FINNISH, 3)]


def test_levels_of_a_map_stay_with_their_words() -> None:
    resolved = graph_of().need({"demensvård": 3, "finska": 2})
    assert {i.concept_id: i.level for i in resolved.items} == {DEMENTIA: 3, FINNISH: 2}


def test_the_same_concept_asked_twice_is_one_item_with_the_higher_of_each() -> None:
    asked = [
        NeedItem(words="demensvård", level=2, count=3, weight=0.4),
        NeedItem(concept_id=DEMENTIA, level=4, weight=0.9, hard=True),
    ]
    (item,) = graph_of().need(asked).items
    assert (item.level, item.count, item.weight, item.hard) == (4, 3, 0.9, True)


def test_words_not_understood_are_kept_with_the_nearest() -> None:
    resolved = graph_of().need(["demensvård", "xyzzyplugh"])
    assert [i.concept_id for i in resolved.items] == [DEMENTIA]
    (unknown,) = resolved.not_understood
    assert unknown.words == "xyzzyplugh"
    assert all(0 <= p < Settings().linking.cutoff for _, p in unknown.nearest)


def test_an_unknown_concept_id_is_refused() -> None:
    with pytest.raises(UnknownIdError):
        graph_of().need(NeedItem(concept_id="no-such-concept"))


# -- linking through the real linker ------------------------------------------------------------------------------


def test_an_unlinked_staff_is_linked_and_local_words_become_concepts() -> None:
    staff = small_staff(
        [replace(person("p1"), employments=(Employment(unit_id=NORTH, roles=(RoleShare(title="Undersköterska"),)),))],
        evidence=[replace(piece("p1", DEMENTIA), concept_id=None, words="demensvård")],
        interests=[],
        statements=(
            Statement(
                statement_id="s1", person_id="p1", text="Jag pratar finska hemma", day=AS_OF, visibility=Visibility.ORGANISATION
            ),
            Statement(
                statement_id="s2",
                person_id="p1",
                text="Husets egen rutin",
                level=4,
                heading=True,
                visibility=Visibility.ORGANISATION,
            ),
        ),
        linked=False,
    )
    graph = build_graph(staff, taxonomy(), linker=linker())
    assert graph.person_roles == ((ASSISTANT,),)
    holdings = {h.concept_id: h for h in graph.holdings("p1")}
    assert {DEMENTIA, FINNISH} < set(holdings)
    (local,) = (c for c in holdings if c not in (DEMENTIA, FINNISH))
    assert graph.taxonomy.concepts[local].scheme == "local"
    assert holdings[FINNISH].level_assumed
    assert holdings[FINNISH].rounded == 2
    assert graph.need("Husets egen rutin").items[0].concept_id == local


# -- other shapes -------------------------------------------------------------------------------------------------


def test_the_exported_graph_has_people_units_roles_concepts_and_what_joins_them() -> None:
    exported = graph_of().to_networkx()
    kinds = {k for _, k in exported.nodes(data="kind")}
    assert kinds == {"person", "unit", "role", "concept"}
    assert exported.edges["person:p1", f"concept:{LIFT}", "holds"]["level"] == 3.0
    assert exported.has_edge("person:p1", f"unit:{NORTH}", "works_in")
    assert exported.has_edge("person:p1", f"role:{ASSISTANT}", "has_role")
    assert exported.edges[f"role:{ASSISTANT}", f"concept:{DEMENTIA}", "requires"]["level"] == 3


def test_the_export_can_be_of_some_people_or_units_only() -> None:
    graph = graph_of()
    assert {n for n in graph.to_networkx(people=["p5"]) if n.startswith("person")} == {"person:p5"}
    assert {n for n in graph.to_networkx(units=[NORTH]) if n.startswith("person")} == {"person:p1", "person:p3", "person:p7"}


def test_the_export_has_no_proposals_and_no_sex_and_nothing_private() -> None:
    people = [replace(p, opt_ins=replace(p.opt_ins, prompts=OptIn.YES)) for p in PEOPLE]
    settings = Settings.of({"inference": {"cutoff": 0.0}})
    graph = graph_of(small_staff(people), settings=settings)
    proposed = infer_hidden(graph)
    assert proposed.inferred is not None
    assert len(proposed.inferred.person)
    before, after = graph.to_networkx(), proposed.to_networkx()
    assert set(before.edges) == set(after.edges)
    assert dict(before.nodes(data=True)) == dict(after.nodes(data=True))
    assert "woman" not in repr(dict(after.nodes(data=True)))
    assert not after.has_edge("person:p3", f"concept:{DEMENTIA}", "holds"), "p3 keeps it private"


def test_related_columns_are_related_both_ways_and_narrower_but_no_group() -> None:
    graph = graph_of()

    def near(concept_id: str) -> set[str]:
        return {graph.concept_ids[c] for c in graph.related_columns.get(graph.concept_index[concept_id], ())}

    assert near(DEMENTIA) == {CALM, EARLY}
    assert near(CALM) == {DEMENTIA}
    assert near(EARLY) == set()
    assert near(LIFT) == set()


def test_takes_part_reads_a_blank_by_whether_the_files_had_a_column() -> None:
    graph = graph_of()
    asked = graph_of(small_staff(opt_in_columns=frozenset({"mentor"})))
    row = graph.row("p1")
    assert graph.takes_part(row, "mentor") is OptIn.NOT_ASKED
    assert asked.takes_part(row, "mentor") is OptIn.NO
    assert asked.takes_part(row, "mentee") is OptIn.NOT_ASKED


def test_the_order_of_every_table_changes_nothing() -> None:
    graph, mixed = graph_of(), graph_of(shuffled(small_staff(), 3))
    assert graph.person_ids == mixed.person_ids
    for name in ("indptr", "concept", "level", "confidence", "rounded", "formal_level", "stage", "latest"):
        assert np.array_equal(getattr(graph.arrays, name), getattr(mixed.arrays, name)), name
    assert graph.interests == mixed.interests
    assert [h.evidence for h in graph.holdings("p1")] == [h.evidence for h in mixed.holdings("p1")]


def test_interests_are_kept_by_kind() -> None:
    graph = graph_of()
    assert graph.interests["p6", InterestKind.TEACH] == {graph.concept_index[DEMENTIA]}
    assert ("p6", InterestKind.LEARN) not in graph.interests


def test_a_unit_that_the_files_only_name_goes_by_its_id() -> None:
    graph = graph_of(small_staff(units=[Unit(unit_id=NORTH)]))
    assert graph.unit(SOUTH) is None
    assert graph.unit_name(SOUTH) == SOUTH
    assert graph.unit_name(NORTH) == NORTH


def test_a_local_role_with_its_own_requirement_is_in_the_graph() -> None:
    own = Taxonomy.of([concept("c", "c", "c")], [role("local:r", "eget", "own", asks("c", 2))])
    staff = small_staff(
        [person("p1", role_id=None)], [], [], roles=tuple(own.roles.values()), local_concepts=tuple(own.concepts.values())
    )
    graph = graph_of(staff)
    assert "local:r" in graph.role_ids
    assert graph.role("local:r").requirements[0].concept_id == "c"
    with pytest.raises(UnknownIdError):
        graph.role("no-role")


def test_a_licence_of_the_taxonomy_is_known_by_its_swedish_name() -> None:
    assert graph_of().need("körkort B").items[0].concept_id == LICENCE
    assert graph_of().need({"schemaläggning": 2}).items[0].concept_id == ROSTER


def test_the_source_of_each_piece_stays_apart_in_a_holding() -> None:
    graph = graph_of(small_staff(evidence=[piece("p1", LIFT, 2, Source.SELF), piece("p1", LIFT, 4, Source.MANAGER)]))
    holding = graph.holding("p1", LIFT)
    assert holding is not None
    assert {(e.source, e.level) for e in holding.evidence} == {(Source.SELF, 2), (Source.MANAGER, 4)}


def test_a_graph_after_decisions_shares_the_holdings_and_forgets_what_was_worked_out_from_the_decisions_before() -> None:
    graph = graph_of()
    first = find_experts(graph, {DEMENTIA: 1}, n=1)
    asked = Decision(kind="experts", choice=Choice.ACCEPTED, people=first[0].people, target=DEMENTIA, day=graph.as_of)
    after = graph.with_decisions([asked])
    assert after.arrays is graph.arrays
    assert (len(graph.staff.decisions), len(after.staff.decisions)) == (0, 1)
    # Whoever was asked today rests; in the graph before nobody was asked.
    assert find_experts(after, {DEMENTIA: 1}, n=1)[0].people != first[0].people
    assert find_experts(graph, {DEMENTIA: 1}, n=1) == first
    assert find_experts(after, {DEMENTIA: 1}, n=1) == find_experts(graph_of(after.staff), {DEMENTIA: 1}, n=1)
