"""The page of a result: every kind and mode in its own words, in both languages, with all that the library tells."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from service_cases import Browser, Page, copy_fed, make_app, services_of

from competence.graph import CompetenceGraph
from competence.model import Choice, Decision, Status
from competence.suggest.experts import find_experts
from competence.suggest.mentoring import pair_mentors
from competence.suggest.result import Alternative, LeftOut, LeftOutRow, Member, Suggestion, Suggestions
from competence.suggest.rotation import plan_rotation
from competence.suggest.teams import form_teams
from competence_service.suggestions import without_names
from competence_service.web import view


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    made = make_app(copy_fed(tmp_path_factory.mktemp("results")))
    yield made
    services_of(made).store.close()


@pytest.fixture(scope="module")
def graph(app: Flask) -> CompetenceGraph:
    found = services_of(app).library.current()
    assert found is not None
    return found[1]


OPEN = {"post_id": "x", "unit_id": "E2", "roles": [{"title": "Vårdbiträde"}]}
"""A post that starts a chain of three in the municipality of eight."""


def ids(graph: CompetenceGraph) -> dict[str, str]:
    return {p.name.split()[0]: p.person_id for p in graph.people}


def shown(app: Flask, result: Suggestions, lang: str = "sv") -> Page:
    """Store a result as a run and return its page."""
    found = services_of(app)
    row = found.store.current_import()
    assert row is not None
    run_id = found.store.add_run(
        import_id=row.id, kind=result.kind, request={}, result=without_names(result.to_dict()), seconds=0.1
    )
    return Browser(app).get(f"/runs/{run_id}?lang={lang}")


def with_items(result: Suggestions, *items: Suggestion, **request: Any) -> Suggestions:
    """Return the result with other suggestions, and the record of the call changed."""
    data = Suggestions(
        result.kind,
        items,
        outcome=result.outcome,
        left_out=result.left_out,
        by_sex=result.by_sex,
        settings=result.settings,
        as_of=result.as_of,
        provenance=replace(result.provenance, request={**result.provenance.request, **request}),
        notes=result.notes,
    )
    return Suggestions.from_dict(data.to_dict())


@pytest.fixture(scope="module")
def pair(graph: CompetenceGraph) -> Suggestions:
    return pair_mentors(graph)


MODES = {
    "one_to_one": ("mentee", "mentor", "Föreslagna mentorpar", "mentor → {a} adept", "mentor → {a} mentee"),
    "reverse": ("mentee", "mentor", "Föreslagna par för omvänt mentorskap", "mentor → {a} adept", "mentor → {a} mentee"),
    "job_shadow": ("visitor", "host", "Föreslagen jobbskuggning", "besökare → {b} värd", "visitor → {b} host"),
    "buddy": ("newcomer", "buddy", "Föreslagna faddrar", "fadder → {a} nyanställd", "buddy → {a} new employee"),
}


@pytest.mark.parametrize("mode", MODES)
def test_people_of_a_pair_are_called_by_their_parts_in_the_mode(
    app: Flask, graph: CompetenceGraph, pair: Suggestions, mode: str
) -> None:
    first, second, heading, sv, en = MODES[mode]
    made = pair[0]
    members = (replace(made.members[0], part=first), replace(made.members[1], part=second))
    result = with_items(pair, replace(made, members=members, facts={**made.facts, "mode": mode}), mode=mode)
    called = dict(zip("ab", (graph.people[graph.row(p)].name for p in made.people), strict=True))
    page = shown(app, result)
    assert heading in page.text
    assert sv.format(**called) in page.text
    assert en.format(**called) in shown(app, result, "en").text


def test_a_circle_names_each_member_with_their_part_and_no_pair(app: Flask, graph: CompetenceGraph, pair: Suggestions) -> None:
    four = sorted(graph.person_ids)[:4]
    members = tuple(Member(p, "brings" if k == 0 else "seeks") for k, p in enumerate(four))
    circle = replace(pair[0], members=members, facts={"mode": "circle"}, alternatives=())
    page = shown(app, with_items(pair, circle, mode="circle"))
    names = [graph.people[graph.row(p)].name for p in four]
    assert "Föreslagna cirklar" in page.text
    assert "Cirkel: " in page.text
    assert f"{names[0]} kunnig" in page.text
    assert [f"{name} deltagare" in page.text for name in names[1:]] == [True] * 3
    assert " mentor " not in page.text.partition("Cirkel: ")[2].partition("Varför")[0]


def test_another_choice_says_its_cost_the_difference_by_measure_and_whose_partner_it_is(
    app: Flask, graph: CompetenceGraph, pair: Suggestions
) -> None:
    who = ids(graph)
    mentee, mentor = pair[0].people
    other_mentor = next(p for p in sorted(graph.person_ids) if p not in (mentee, mentor))
    other_mentee = next(p for p in sorted(graph.person_ids) if p not in (mentee, mentor, other_mentor))
    costly = Alternative((mentee, other_mentor), 0.25, 0.125, {"topic_gain": 0.2, "load": -0.05})
    displacing = Alternative((mentee, other_mentor), 0.25, None, {"topic_gain": 0.2}, displaces=True)
    second = replace(pair[0], rank=2, members=(Member(other_mentee, "mentee"), Member(other_mentor, "mentor")), alternatives=())
    page = shown(app, with_items(pair, replace(pair[0], alternatives=(costly, displacing)), second))
    name = {p: graph.people[graph.row(p)].name for p in who.values()}
    text = page.text.replace(" .", ".").replace(" ,", ",")
    assert f"Annat val: {name[other_mentor]}, poäng 0,250; helheten förlorar minst 0,125." in text
    assert "Förslaget ger, mått för mått: lärande +0,200 och belastning −0,050." in text
    assert "Då blir någon annan utan." in text
    assert f"Nu föreslås {name[other_mentor]} ihop med {name[other_mentee]}." in text


def test_the_runner_up_of_an_expert_stands_with_its_difference(app: Flask, graph: CompetenceGraph) -> None:
    result = find_experts(graph, "demensvård")
    first, second = result[0], result[1]
    assert first.runner_up is not None
    page = shown(app, result, "en")
    name = graph.people[graph.row(second.people[0])].name
    text = page.text.replace(" ,", ",")
    if first.runner_up.difference:
        assert f"Next in rank: {name}, {first.score - second.score:.3f} lower:" in text
    else:
        assert f"As good: {name}" in text


def test_who_rests_after_a_request_is_told_with_the_day_of_being_free_again(app: Flask, graph: CompetenceGraph) -> None:
    best = find_experts(graph, "demensvård")[0]
    asked = Decision(kind="experts", choice=Choice.ACCEPTED, people=best.people, target=best.target, day=graph.as_of)
    rested = graph.with_staff(graph.staff.with_decisions([asked]))
    result = find_experts(rested, "demensvård")
    row = next(r for r in result.left_out if r.person_id == best.people[0])
    assert row.rule == "resting"
    # By hand: so many days of rest after the request.
    day = date.fromordinal(graph.as_of.toordinal() + graph.settings.suggest.expert_rest_days).isoformat()
    page = shown(app, result)
    name = graph.people[graph.row(best.people[0])].name
    assert "Lediga igen" in page.text
    assert f"{day} : {name} – Har nyss fått en fråga" in page.text


def test_shared_leadership_names_co_leaders_and_shows_no_stage_that_was_not_used(app: Flask, graph: CompetenceGraph) -> None:
    result = form_teams(graph, {"demensvård": 2, "schemaläggning": 1}, purpose="co_leaders", people=sorted(graph.person_ids))
    assert len(result), result
    page = shown(app, result)
    assert "Föreslaget delat ledarskap" in page.text
    assert "Steg 1: samma sak med kön dolt" not in page.text
    assert "Steg 2 är avstängt för ledande poster" in page.text
    for member in result[0].members:
        assert graph.people[graph.row(member.person_id)].name in page.text
    assert not re.search(r"\bp[a-z0-9]{16}\b", page.text)


def test_what_a_plan_of_teams_is_short_of_is_said_with_names_instead_of_ids(app: Flask, graph: CompetenceGraph) -> None:
    people = sorted(graph.person_ids)
    apart = [(a, b) for k, a in enumerate(people[:3]) for b in people[k + 1 : 3]]
    result = form_teams(graph, "demensvård", people=people[:4], size=2, n=None, apart=apart)
    assert result.outcome.status is Status.INFEASIBLE
    page = shown(app, result)
    for person_id in people[:3]:
        assert person_id not in page.text
        assert graph.people[graph.row(person_id)].name in page.text


def test_a_chain_says_from_where_to_where_and_what_is_left_empty(app: Flask, graph: CompetenceGraph) -> None:
    result = plan_rotation(graph, open_posts=[OPEN], weeks=4, cutoff=0.05)
    chain = next(s for s in result if s.facts.get("chain"))
    page = shown(app, result)
    assert f"Kedja om {len(chain.members)} till en öppen plats" in page.text
    assert "prova på, 4 veckor" in page.text
    posts = {p.post_id: p for p in graph.staff.filled_posts}
    post = posts[chain.facts["left_empty"].partition("#")[0]]
    assert f"Tom i stället: {graph.unit_name(post.unit_id)}: " in page.text
    assert "Att komma överens om först: Tid: " in page.text
    assert "Tid: 20" in page.text
    assert not re.search(r"\bp[a-z0-9]{16}\b", page.text)


def test_periods_and_parts_of_posts_are_told(app: Flask, graph: CompetenceGraph) -> None:
    result = plan_rotation(graph, periods=2, cutoff=0.1)
    assert {s.facts["period"] for s in result} <= {1, 2}
    page = shown(app, result, "en")
    assert [f"period {s.facts['period']}" in page.text for s in result] == [True] * len(result)
    part = next(s for s in plan_rotation(graph, cutoff=0.1))
    move = {**part.facts["moves"][0], "part": True}
    told = replace(part, facts={**part.facts, "moves": [move, *part.facts["moves"][1:]]})
    assert "with a part of the post" in shown(app, with_items(result, told), "en").text


def test_nothing_found_says_which_rule_removed_most(app: Flask, graph: CompetenceGraph) -> None:
    result = pair_mentors(graph, topics="arabiska", cutoff=1.0)
    assert len(result) == 0
    _rule, count = next(iter(result.left_out.counts.items()))
    assert f"Flest föll bort på en regel, {count} av {len(result.left_out)}" in shown(app, result).text


def test_names_with_markup_stay_text(app: Flask, pair: Suggestions) -> None:
    odd = Alternative((pair[0].people[0], "<b>x</b>"), 0.2, 0.1, {"topic_gain": 0.1})
    page = shown(app, with_items(pair, replace(pair[0], alternatives=(odd,))))
    assert "<b>x" not in page.html


def test_left_out_is_read_back_as_stored() -> None:
    rows = (LeftOutRow("p1", "resting", "2026-07-01"),)
    assert tuple(LeftOut(rows)) == rows


# -- how a result was computed ----------------------------------------------------------------------------------------


def _texts_of(node: ast.expr) -> set[str] | None:
    """Return every text that an expression can be; None where that cannot be read from the code."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return {node.value}
    if isinstance(node, ast.IfExp):
        one, two = _texts_of(node.body), _texts_of(node.orelse)
        return None if one is None or two is None else one | two
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        one, two = _texts_of(node.left), _texts_of(node.right)
        return None if one is None or two is None else {a + b for a in one for b in two}
    return None


_CARRIES = {"Outcome": (None, "method"), "outcome": (2, "method"), "infeasible": (2, "method"), "_Answer": (None, "method")}
"""Calls that carry a method: by which position, and under which name."""


def methods_in(folder: Path) -> tuple[set[str], list[str]]:
    """Return every method named in the code, and the places where one is made in a way that cannot be read."""
    found: set[str] = set()
    unread: list[str] = []
    for path in sorted(folder.glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            given: list[ast.expr] = []
            if isinstance(node, ast.Assign):
                for target in node.targets:
                    if isinstance(target, ast.Name) and target.id == "method":
                        given.append(node.value)
                    elif isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
                        names = [t.id if isinstance(t, ast.Name) else "" for t in target.elts]
                        given += [v for name, v in zip(names, node.value.elts, strict=True) if name == "method"]
            elif isinstance(node, ast.Call):
                name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
                if name in _CARRIES:
                    position, keyword = _CARRIES[name]
                    given += [k.value for k in node.keywords if k.arg == keyword]
                    if position is not None:
                        given += node.args[position : position + 1]
                    elif name == "_Answer":
                        # The only texts among its positions are the method.
                        given += [a for a in node.args if _texts_of(a)]
            for value in given:
                texts = _texts_of(value)
                if texts is not None:
                    found |= texts
                elif not isinstance(value, ast.Name | ast.Attribute):
                    unread.append(f"{path.name}:{value.lineno}")
    return found, unread


def test_every_way_a_result_can_be_computed_has_words_in_both_languages(app: Flask) -> None:
    root = Path(__file__).parent.parent / "competence"
    found, unread = set(), []
    for folder in ("solve", "suggest"):
        methods, places = methods_in(root / folder)
        found |= methods
        unread += places
    assert unread == []
    # That the search finds what it should: one of each way of writing it down.
    assert {"swap search with pool bounds", "no cycle exists", "teams", "every pair compared", "rotation"} <= found
    assert len(found) > 20
    from competence_service.translations import read

    catalogue = {m.id for m in read() if isinstance(m.id, str)}
    lacking = []
    for method in sorted(found):
        with app.test_request_context("/?lang=en"):
            said = view.method_words(method)
        if said is None or said not in catalogue:
            lacking.append(method)
    assert lacking == []
