"""What every result promises, whatever its kind: the same checks on all five, also on empty and impossible ones."""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Callable
from datetime import date
from itertools import pairwise
from math import fsum
from pathlib import Path

import pytest
from cases import (
    ASSISTANT,
    CALM,
    COORDINATOR,
    DEMENTIA,
    LIFT,
    NORTH,
    ROSTER,
    SOUTH,
    answering,
    graph_of,
    person,
    piece,
    random_staff,
    shuffled,
    small_staff,
    wish,
)

from competence._texts import LANGUAGES, keys
from competence.equality import TableKind
from competence.errors import InputError
from competence.graph import CompetenceGraph
from competence.model import (
    Choice,
    Decision,
    HistoryEntry,
    HistoryKind,
    InterestKind,
    NeedItem,
    Post,
    Sex,
    Statement,
    Status,
    Travel,
)
from competence.settings import Settings
from competence.staff import Staff
from competence.suggest.experts import find_experts
from competence.suggest.mentoring import pair_mentors
from competence.suggest.result import COLUMNS, Suggestions
from competence.suggest.rotation import plan_rotation
from competence.suggest.teams import form_teams
from competence.suggest.validations import suggest_validations

Call = Callable[..., Suggestions]

CALLS: dict[str, Call] = {
    "experts": lambda g, **o: find_experts(g, {"demensvård": 3, "schemaläggning": 2}, n=3, **o),
    "experts, hard": lambda g, **o: find_experts(g, NeedItem(words="körkort B", hard=True), **o),
    "experts, nothing understood": lambda g, **o: find_experts(g, "xyzzyplugh", **o),
    "pairs": pair_mentors,
    "pairs, stable": lambda g, **o: pair_mentors(g, stable=True, **o),
    "pairs, the best": lambda g, **o: pair_mentors(g, n=2, capacity=2, **o),
    "pairs, nobody": lambda g, **o: pair_mentors(g, [], **o),
    "rotation": plan_rotation,
    "rotation, free": lambda g, **o: plan_rotation(g, max_cycle=None, n=1, cutoff=0.3, **o),
    "rotation, locked": lambda g, **o: plan_rotation(g, locked=g.person_ids, **o),
    "teams": lambda g, **o: form_teams(g, {"demensvård": 2, "schemaläggning": 2}, size=3, n=2, **o),
    "teams, all": lambda g, **o: form_teams(g, {"demensvård": 2, "schemaläggning": 2}, size=3, n=None, balance="balanced", **o),
    "teams, work": lambda g, **o: form_teams(g, {"demensvård": 2}, size=2, n=1, purpose="work_team", **o),
    "teams, impossible": lambda g, **o: form_teams(
        g, "demensvård", n=None, size=3, together=[g.person_ids[:2]], apart=[g.person_ids[:2]], **o
    ),
    "teams, tasks": lambda g, **o: form_teams(
        g,
        tasks=[
            {"name": "A", "need": "demensvård", "size": 2},
            {"name": "B", "need": "schemaläggning", "size": 2, "priority": 2},
        ],
        **o,
    ),
    "teams, leaders": lambda g, **o: form_teams(g, {"demensvård": 2, "schemaläggning": 2}, purpose="co_leaders", **o),
    "teams, too many": lambda g, **o: form_teams(g, "demensvård", n=9, size=3, **o),
    "validations": lambda g, **o: suggest_validations(g, n=5, **o),
    "validations, documented": lambda g, **o: suggest_validations(g, stage="identified", n=100, **o),
}


def everything(seed: int) -> Staff:
    """Return a staff with every table filled, and some who have answered no or nothing."""
    base = random_staff(seed, 8, posts=True)
    ids = [p.person_id for p in base.people]
    people = answering(base.people, {ids[0]: {"mentor": "no", "expert": "no"}, ids[1]: {"rotation": "no", "mentee": "no"}})
    return base.replace(
        people=people,
        statements=(Statement(statement_id="s1", person_id=ids[2], text="=2+3"),),
        travel=(Travel(from_site="Norra", to_site="Södra", minutes=20),),
        history=(
            HistoryEntry(kind=HistoryKind.PAIR, person_id=ids[3], other_id=ids[4], end=date(2024, 1, 1)),
            HistoryEntry(kind=HistoryKind.PAIR, person_id=ids[5], other_id=ids[2]),
        ),
        decisions=(
            Decision(kind="pairs", choice=Choice.REJECTED, people=(ids[2], ids[3])),
            Decision(kind="rotation", choice=Choice.REJECTED, people=(ids[4], ids[5])),
        ),
        sources=(("staff.xlsx", "0" * 64),),
    )


def graph_for(seed: int) -> CompetenceGraph:
    """Return the graph of a full staff; seed -1 is the municipality of eight."""
    return graph_of(small_staff() if seed < 0 else everything(seed))


@pytest.fixture(scope="module", params=[-1, 0, 7])
def graph(request: pytest.FixtureRequest) -> CompetenceGraph:
    return graph_for(request.param)


@pytest.fixture(scope="module", params=list(CALLS))
def result(request: pytest.FixtureRequest, graph: CompetenceGraph) -> Suggestions:
    return CALLS[request.param](graph)


def whole(result: Suggestions) -> list[Suggestions]:
    """Return the result and its neutral stage, where it has one."""
    return [result] if result.neutral is None else [result, result.neutral]


def test_the_cases_cover_all_five_kinds_and_most_outcomes() -> None:
    found = [call(graph_for(seed)) for seed in (-1, 7) for call in CALLS.values()]
    assert {r.kind for r in found if len(r)} == {"experts", "pairs", "rotation", "teams", "validations"}
    assert {Status.OPTIMAL, Status.EMPTY, Status.INFEASIBLE} <= {r.outcome.status for r in found}


def test_reasons_sum_to_the_score_which_lies_in_zero_to_one(result: Suggestions) -> None:
    for s in (s for stage in whole(result) for s in stage):
        assert abs(fsum(r.contribution for r in s.reasons) - s.score) < 1e-9
        assert -1e-12 <= s.score <= 1 + 1e-12
        for r in s.reasons:
            assert abs(r.weight * r.value - r.contribution) < 1e-12
            assert 0 <= r.value <= 1 + 1e-12


def test_every_reason_names_evidence_that_can_be_looked_up(result: Suggestions, graph: CompetenceGraph) -> None:
    for r in (r for s in result for r in s.reasons):
        for evidence_id in r.evidence:
            piece_of = graph.evidence_by_id(evidence_id)
            assert piece_of.person_id in graph.person_index
            if r.person_id is not None:
                assert piece_of.person_id == r.person_id


def test_ranks_count_from_one_with_the_best_first(result: Suggestions) -> None:
    assert [s.rank for s in result] == list(range(1, len(result) + 1))
    scores = [s.score for s in result]
    assert all(a >= b - 1e-9 for a, b in pairwise(scores))


def test_everybody_considered_is_either_suggested_or_told_why_not_once(result: Suggestions, graph: CompetenceGraph) -> None:
    for stage in whole(result):
        suggested = {p for s in stage for p in s.people}
        told = [r.person_id for r in stage.left_out]
        assert len(told) == len(set(told))
        assert not suggested & set(told)
        assert len(suggested) + len(told) == stage.by_sex["considered"].total
        assert suggested | set(told) <= set(graph.person_ids)


def test_figures_by_sex_are_counts_of_those_considered_and_suggested(result: Suggestions, graph: CompetenceGraph) -> None:
    for stage in whole(result):
        suggested = {p for s in stage for p in s.people}
        considered = suggested | {r.person_id for r in stage.left_out}
        assert stage.by_sex.kind is TableKind.NAMED
        for name, people in (("considered", considered), ("suggested", suggested)):
            row = stage.by_sex[name]
            sexes = [graph.sex[p] for p in people]
            assert (row.women, row.men, row.total) == (sexes.count(Sex.WOMAN), sexes.count(Sex.MAN), len(people))


def test_an_outcome_never_claims_more_than_its_bound(result: Suggestions) -> None:
    for stage in whole(result):
        outcome = stage.outcome
        if outcome.status in (Status.EMPTY, Status.INFEASIBLE):
            assert len(stage) == 0
            assert outcome.conflicts
            continue
        assert len(stage)
        assert outcome.method
        assert outcome.objective is not None
        if outcome.bound is not None:
            assert outcome.bound >= outcome.objective - 1e-9
        if outcome.status is Status.OPTIMAL:
            assert outcome.gap is not None
            assert outcome.gap <= 1e-9


def test_every_rule_named_has_a_text_in_both_languages(result: Suggestions) -> None:
    for stage in whole(result):
        named = {r.rule for r in stage.left_out} | {r for s in stage for r in s.rules} | {*stage.notes}
        named |= {*stage.outcome.conflicts, *stage.outcome.notes}
        for lang in LANGUAGES:
            without = {n for n in named if f"rule.{n.partition(':')[0]}" not in keys(lang)}
            assert not without, (stage.kind, lang)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_everything_is_said_without_blanks_left_open(result: Suggestions, lang: str) -> None:
    for stage in whole(result):
        said = [stage.explain(lang), *(s.explain(lang) for s in stage), *(s.why(lang) for s in stage)]
        for text in said:
            assert not re.search(r"[{}]", text)
            assert not re.search(r"\s[).,;]", text)
            assert not re.search(r"\bNone\b(?! of the words)", text)
        for s in stage:
            assert s.explain(lang).splitlines()[-1]
            for name in s.names.values():
                assert name not in s.explain(lang, names=False)


def test_the_score_and_each_contribution_are_in_the_explanation(result: Suggestions) -> None:
    for s in result:
        text = s.explain("sv")
        assert f"{s.score:.3f}".replace(".", ",") in text
        for r in s.reasons:
            assert f"+{r.contribution:.3f}".replace(".", ",") in text


def test_the_first_columns_of_the_table_are_the_same_for_all_kinds(result: Suggestions) -> None:
    for lang in LANGUAGES:
        frame = result.to_frame(lang)
        assert tuple(frame.columns[:6]) == COLUMNS == ("rank", "target", "person_id", "part", "score", "why")
        assert len(frame) == sum(len(s.members) for s in result)
        assert frame.notna().all().all()


def test_json_gives_an_equal_result_back(result: Suggestions) -> None:
    raw = result.to_json()
    again = Suggestions.from_json(raw)
    assert again == result
    assert again.to_json() == raw
    assert again.settings == result.settings
    assert again.outcome == result.outcome
    assert again.left_out == result.left_out
    assert again.explain("en") == result.explain("en")
    assert hash(again) == hash(result)
    assert json.loads(raw)["format"] == "competence.suggestions/1"


def test_equal_calls_give_equal_bytes(request: pytest.FixtureRequest) -> None:
    for seed in (-1, 7):
        for name, call in CALLS.items():
            assert call(graph_for(seed)).to_json() == call(graph_for(seed)).to_json(), name


@pytest.mark.parametrize("name", list(CALLS))
@pytest.mark.parametrize("seed", [-1, 0, 7])
def test_the_order_of_the_input_changes_nothing(name: str, seed: int) -> None:
    staff = small_staff() if seed < 0 else everything(seed)
    expected = CALLS[name](graph_of(staff)).to_json()
    for order in (1, 2):
        assert CALLS[name](graph_of(shuffled(staff, order))).to_json() == expected


@pytest.mark.parametrize("name", list(CALLS))
def test_the_order_of_the_taxonomy_and_names_and_ages_change_nothing_but_names(name: str) -> None:
    from dataclasses import replace

    from competence.model import AgeBand

    def bare(result: Suggestions) -> object:
        return [(s.people, s.score, s.target, s.reasons, s.alternatives) for s in result], list(result.left_out)

    staff = everything(7)
    other = staff.replace(
        people=tuple(replace(p, name=f"Å{9 - i}", age_band=AgeBand.FROM_60) for i, p in enumerate(staff.people))
    )
    assert bare(CALLS[name](graph_of(other))) == bare(CALLS[name](graph_of(staff)))


def test_the_seed_orders_equals_and_the_record_keeps_it(graph: CompetenceGraph) -> None:
    for call in CALLS.values():
        found = call(graph, seed=3)
        assert found.provenance.seed == 3
        assert found.to_json() == call(graph, seed=3).to_json()


def test_the_date_and_settings_asked_for_are_those_in_the_record(graph: CompetenceGraph) -> None:
    settings = Settings.of({"suggest": {"alternatives": 1}, "fit": {"cutoff": 0.4}})
    for call in CALLS.values():
        found = call(graph, as_of=date(2026, 12, 1), settings=settings)
        assert found.as_of == date(2026, 12, 1)
        assert found.settings == settings
        assert call(graph).as_of == graph.as_of
        assert call(graph).settings == graph.settings


def test_the_record_names_its_sources_and_says_that_it_is_unscoped(result: Suggestions, graph: CompetenceGraph) -> None:
    provenance = result.provenance
    assert provenance.scope == "unscoped"
    assert provenance.audience == "organisation"
    assert provenance.taxonomy_digest == graph.taxonomy.digest
    assert result.sources == graph.staff.sources
    assert json.dumps(dict(provenance.request))


def test_a_part_of_a_result_keeps_what_belongs_to_the_whole(result: Suggestions) -> None:
    part = result[:1]
    assert isinstance(part, Suggestions)
    assert len(part) == min(1, len(result))
    assert part.outcome == result.outcome
    assert len(list(result)) == len(result)


def test_another_format_is_refused() -> None:
    with pytest.raises(InputError, match="format must"):
        Suggestions.from_json("{}")


@pytest.mark.parametrize("kind", ["experts", "pairs", "rotation", "teams", "validations"])
def test_a_workbook_opens_and_no_cell_is_a_formula(kind: str, tmp_path: Path) -> None:
    from python_calamine import CalamineWorkbook

    formula = '=HYPERLINK("http://x","y")'
    people = [
        person(f"c{i}", unit=(NORTH, SOUTH)[i % 2], role_id=(COORDINATOR, ASSISTANT)[i % 2], name=f"{formula}{i}")
        for i in range(6)
    ]
    held = (DEMENTIA, ROSTER, CALM, LIFT)
    evidence = [piece(p.person_id, c, 2 + i % 4, words="+46 och @a") for i, p in enumerate(people) for c in held]
    staff = small_staff(people, evidence, [wish("c0", DEMENTIA), wish("c3", ROSTER, InterestKind.TEACH)])
    found = CALLS[kind](graph_of(staff, settings=Settings.of({"suggest": {"moving_share": 1.0, "cover": 0}})))
    assert len(found), "a workbook of nothing shows nothing"
    for lang in LANGUAGES:
        path = found.to_excel(tmp_path / f"{kind}-{lang}.xlsx", lang=lang)
        book = CalamineWorkbook.from_path(str(path))
        sheets = {name: book.get_sheet_by_name(name).to_python() for name in book.sheet_names}
        assert len(sheets) >= 5
        assert next(iter(sheets.values()))[0][:6] == (
            ["Plats", "Gäller", "Person", "Del", "Poäng", "Varför"]
            if lang == "sv"
            else ["Rank", "About", "Person", "Part", "Score", "Why"]
        )
        cells = [cell for rows in sheets.values() for row in rows for cell in row]
        assert any(isinstance(c, str) and c.startswith(formula) for c in cells), "names are there, as text"
        with zipfile.ZipFile(path) as archive:
            for name in archive.namelist():
                if name.startswith("xl/worksheets/"):
                    assert b"<f>" not in archive.read(name), name
    first = (tmp_path / f"{kind}-sv.xlsx").read_bytes()
    assert found.to_excel(tmp_path / "again.xlsx").read_bytes() == first


def test_an_empty_result_has_a_workbook_with_headings(tmp_path: Path) -> None:
    from python_calamine import CalamineWorkbook

    found = find_experts(graph_of(), "xyzzy plugh")
    assert len(found) == 0
    book = CalamineWorkbook.from_path(str(found.to_excel(tmp_path / "empty.xlsx")))
    assert book.get_sheet_by_name("Förslag").to_python()[0][0] == "Plats"


def test_private_evidence_changes_nothing_that_others_see(graph: CompetenceGraph) -> None:
    from competence.model import Visibility

    secret = tuple(
        piece(p.person_id, c, 5, evidence_id=f"secret-{p.person_id}-{c}", visibility=Visibility.PRIVATE)
        for p in graph.people
        for c in (LIFT, ROSTER)
    )
    more = graph_of(graph.staff.replace(evidence=(*graph.staff.evidence, *secret)))
    for name, call in CALLS.items():
        assert call(more).to_json() == call(graph).to_json(), name


def test_a_protected_person_changes_nothing_but_by_being_gone() -> None:
    from dataclasses import replace

    staff = everything(7)
    hidden = staff.people[6].person_id
    protected = staff.replace(people=tuple(replace(p, protected=p.person_id == hidden) for p in staff.people))
    for name, call in CALLS.items():
        assert hidden not in call(graph_of(protected)).to_json(), name


def test_posts_of_people_who_left_are_not_moved_to() -> None:
    from dataclasses import replace

    staff = everything(7)
    gone = staff.people[2].person_id
    left = staff.replace(people=tuple(replace(p, end=date(2026, 1, 1)) if p.person_id == gone else p for p in staff.people))
    for name, call in CALLS.items():
        assert gone not in {p for s in call(graph_of(left)) for p in s.people}, name
        assert gone not in {r.person_id for r in call(graph_of(left)).left_out}, name
    assert isinstance(staff.posts[0], Post)
