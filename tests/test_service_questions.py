"""The forms: every option of a call, faults that say what to do, nothing typed is lost, and the same calls as JSON."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from service_cases import ASKED, Browser, copy_fed, make_app, services_of

from competence.graph import CompetenceGraph
from competence.suggest.experts import find_experts
from competence.suggest.result import Suggestions
from competence_service.suggestions import Fault, parse, without_names
from competence_service.web.view import fault_text


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    made = make_app(copy_fed(tmp_path_factory.mktemp("questions")))
    yield made
    services_of(made).store.close()


@pytest.fixture
def fed(app: Flask) -> Browser:
    return Browser(app)


@pytest.fixture(scope="module")
def graph(app: Flask) -> CompetenceGraph:
    found = services_of(app).library.current()
    assert found is not None
    return found[1]


@pytest.fixture(scope="module")
def called(graph: CompetenceGraph) -> dict[str, str]:
    """Return ids by first name."""
    return {p.name.split()[0]: p.person_id for p in graph.people}


class Fields(HTMLParser):
    """What a browser would send of the form on a page."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.sent: dict[str, list[str]] = {}
        self._inside = False
        self._select = self._area = ""
        self._written = ""
        self.feed(html)
        self.sent.pop("token", None)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        a = dict(attrs)
        name = a.get("name") or ""
        if tag == "form":
            self._inside = a.get("id") == "form"
        elif not self._inside:
            return
        elif tag == "input" and (a.get("type") not in ("radio", "checkbox") or "checked" in a):
            self._add(name, a.get("value") or "")
        elif tag == "select":
            self._select = name
        elif tag == "option" and self._select and ("selected" in a or self._select not in self.sent):
            self.sent[self._select] = [a.get("value") or ""]
        elif tag == "textarea":
            self._area, self._written = name, ""

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._inside = False
        elif tag == "select":
            self._select = ""
        elif tag == "textarea" and self._area:
            self._add(self._area, self._written)
            self._area = ""

    def handle_data(self, data: str) -> None:
        self._written += data

    def _add(self, name: str, value: str) -> None:
        self.sent.setdefault(name, []).append(value)


def run_of(browser: Browser, kind: str, **asked: Any) -> dict[str, Any]:
    """Send a form and return the stored run as JSON."""
    address = browser.post(f"/suggest/{kind}", {**ASKED[kind], **asked}).location
    found = browser.client.get(f"/api/v1{address}").json
    assert isinstance(found, dict)
    return found


def refused(browser: Browser, kind: str, lang: str = "sv", **asked: Any) -> tuple[str, set[str], Fields]:
    """Send a form that is refused; return the text, the fields the summary leads to, and what stands in the form."""
    page = browser.post(f"/suggest/{kind}?lang={lang}", {**ASKED[kind], **asked}, 422)
    links = {str(a["href"])[1:] for a in page.all("a") if str(a.get("href")).startswith("#")} - {"main"}
    return page.text.replace("  ", " "), links, Fields(page.html)


# -- pairs --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["reverse", "job_shadow", "buddy", "circle"])
def test_each_mode_of_pairs_can_be_asked_for(fed: Browser, mode: str) -> None:
    found = run_of(fed, "pairs", mode=mode)
    assert found["request"]["mode"] == found["result"]["provenance"]["request"]["mode"] == mode


def test_what_should_be_best_reaches_the_library(fed: Browser) -> None:
    for best, objective, stable in (
        ("score", "score", False),
        ("stable", "most_pairs", True),
        ("most_pairs", "most_pairs", False),
    ):
        told = run_of(fed, "pairs", best=best)["result"]["provenance"]["request"]
        assert (told["objective"], told["stable"]) == (objective, stable)


def test_a_round_goes_on_from_an_earlier_one_and_leaves_its_pairs(fed: Browser) -> None:
    first = run_of(fed, "pairs")
    pairs = [[m["person_id"] for m in s["members"]] for s in first["result"]["suggestions"]]
    page = fed.get(f"/runs/{first['id']}")
    onward = next(str(a["href"]) for a in page.all("a") if f"earlier={first['id']}" in str(a.get("href")))
    assert Fields(fed.get(onward).html).sent["earlier"] == [first["id"]]
    second = run_of(fed, "pairs", earlier=first["id"])
    assert second["result"]["provenance"]["request"]["earlier"]["pairs"] == sorted(pairs)
    assert sorted([m["person_id"] for m in s["members"]] for s in second["result"]["suggestions"]) == sorted(pairs)


def test_what_has_no_meaning_in_a_circle_is_refused_in_the_language_of_the_page(fed: Browser) -> None:
    text, links, fields = refused(fed, "pairs", mode="circle", capacity="2")
    assert links == {"capacity"}
    assert "Adepter per mentor: Gäller inte cirklar. Lämna tomt, eller välj en annan sorts par." in text
    assert fields.sent["capacity"] == ["2"]
    assert fields.sent["mode"] == ["circle"]
    assert "Mentees per mentor: Has no meaning in a circle." in refused(fed, "pairs", "en", mode="circle", capacity="2")[0]
    assert refused(fed, "pairs", mode="buddy", words_1="demensvård")[1] == {"words_1"}
    assert refused(fed, "pairs", mode="circle", best="stable")[1] == {"best"}


# -- rotation -----------------------------------------------------------------------------------------------------------

OPEN = {"place_unit_2": "Region Söder", "place_title_2": "Vårdbiträde"}


def test_a_rotation_takes_every_option_of_the_form(fed: Browser, graph: CompetenceGraph, called: dict[str, str]) -> None:
    found = run_of(
        fed,
        "rotation",
        weeks="4",
        start="2026-03-02",
        periods="1",
        whole_posts="yes",
        open_all="yes",
        locked="Eva  lind\n" + called["Kim"],
        managers_no="E1",
        managers_yes=["E0", "E2"],
        hours="Hemtjänst Söder: Natt, helg\nBo Ek: natt",
        travel_minutes="20",
        forms="tillsvidare",
        **OPEN,
    )
    told = found["result"]["provenance"]["request"]
    assert (told["weeks"], told["start"], told["parts"]) == (4, "2026-03-02", False)
    assert told["locked"] == sorted([called["Eva"], called["Kim"]])
    assert told["managers"] == {"E0": True, "E1": False, "E2": True}
    assert told["hours"] == {"E2": ["helg", "natt"], called["Bo"]: ["natt"]}
    assert told["forms"] == ["tillsvidare"]
    assert found["result"]["settings"]["suggest"]["travel_minutes"] == 20
    page = fed.get(f"/runs/{found['id']}").text
    assert "Längd 4 veckor Första dag 2026-03-02" in page
    assert "Öppna platser alla vakanta platser; Region Söder: Vårdbiträde" in page
    assert "Personer som stannar Eva Lind, Kim Dal" in page
    assert "Chefer som har sagt nej Hemtjänst Norr" in page
    assert "Arbetstider Hemtjänst Söder: Natt, helg; Bo Ek: natt" in page
    vacant = [p.post_id for p in graph.staff.filled_posts if p.holder_id is None]
    named = [p if isinstance(p, str) else (p["unit_id"], p["roles"][0]["title"]) for p in told["open_posts"]]
    assert sorted(named, key=str) == sorted([*vacant, ("Region Söder", "Vårdbiträde")], key=str)


def test_swaps_of_an_earlier_plan_are_kept_or_banned_one_by_one(fed: Browser, called: dict[str, str]) -> None:
    first = run_of(fed, "rotation", max_cycle="2")
    people = [[m["person_id"] for m in s["members"]] for s in first["result"]["suggestions"]]
    assert people
    page = fed.get(f"/suggest/rotation?again={first['id']}&earlier={first['id']}")
    fields = Fields(page.html).sent
    assert fields["earlier"] == [first["id"]]
    assert fields["ring_1"] == [""]
    kept = run_of(fed, "rotation", max_cycle="2", earlier=first["id"], ring_1="keep")
    assert [
        s["facts"].get("pinned") for s in kept["result"]["suggestions"] if people[0] == [m["person_id"] for m in s["members"]]
    ]
    banned = run_of(fed, "rotation", max_cycle="2", earlier=first["id"], ring_1="ban")
    told = banned["result"]["provenance"]["request"]
    a, b = people[0]
    assert sorted(told["forbidden"]) == sorted([[a, b], [b, a]])
    assert people[0] not in [[m["person_id"] for m in s["members"]] for s in banned["result"]["suggestions"]]
    # The page of the plan made so shows the same choices again.
    again = Fields(fed.get(f"/suggest/rotation?again={banned['id']}").html).sent
    assert again["ring_1"] == ["ban"]


def test_only_swaps_of_the_first_period_can_be_kept(fed: Browser) -> None:
    store = fed.services.store
    planned = store.run(run_of(fed, "rotation", max_cycle="2")["id"])
    # The municipality of eight has no second swap, so the one there is stands in both periods here.
    ring = planned.result["suggestions"][0]
    rings = [{**ring, "rank": k, "facts": {**ring["facts"], "period": k}} for k in (1, 2)]
    run_id = store.add_run(
        import_id=planned.import_id,
        kind="rotation",
        request=dict(planned.request),
        result={**planned.result, "suggestions": rings},
        seconds=0.1,
    )
    first, ranks = {"id": run_id}, [2]
    page = fed.get(f"/suggest/rotation?again={first['id']}&earlier={first['id']}")
    offered = [a.get("value") for a in page.all("option")]
    assert (offered.count("keep"), offered.count("ban")) == (1, 2)
    text, links, _fields = refused(fed, "rotation", earlier=first["id"], **{f"ring_{ranks[0]}": "keep"})
    assert links == {f"ring_{ranks[0]}"}
    assert f"Byte {ranks[0]} i den tidigare planen: Bara byten i den första perioden kan ligga kvar." in text


def test_what_a_plan_changes_is_told_beside_the_plan_it_goes_on_from(fed: Browser) -> None:
    first = run_of(fed, "rotation", max_cycle="2")
    page = fed.get(f"/runs/{first['id']}/effects")
    moves = sum(len(s["members"]) for s in first["result"]["suggestions"])
    assert f"Byten: {moves}, varav" in page.text
    second = run_of(fed, "rotation", max_cycle="2", earlier=first["id"], ring_1="ban")
    text = fed.get(f"/runs/{second['id']}/effects?lang=en").text
    assert "Beside the earlier plan This plan goes on from that of" in text
    assert "With this plan Moves: " in text
    assert "With the earlier plan Moves: " in text
    assert "Second plan." not in text
    told = fed.client.get(f"/api/v1/runs/{second['id']}/effects").json
    assert f"Cycles kept: {len(told['kept'])}. Gone: {len(told['gone'])}. New: {len(told['new'])}." in text
    assert told["gone"]
    assert fed.client.get(f"/api/v1/runs/{run_of(fed, 'validations')['id']}/effects").status_code == 422
    fed.get(f"/runs/{run_of(fed, 'validations')['id']}/effects", 404)


def test_a_chain_can_be_banned_too(fed: Browser) -> None:
    asked = {"open_posts": [{"post_id": "x", "unit_id": "E2", "roles": [{"title": "Vårdbiträde"}]}], "cutoff": 0.05}
    answer = fed.client.post("/api/v1/rotation", json=asked)
    run_id = answer.headers["Location"].rsplit("/", 1)[1]
    chain = next(s for s in answer.json["suggestions"] if s["facts"].get("chain"))
    other = fed.client.post("/api/v1/rotation", json={**asked, "earlier": run_id, "ban": [chain["rank"]]}).json
    assert chain["target"] not in [s["target"] for s in other["suggestions"]]
    first = (chain["facts"]["moves"][0]["person_id"], "x")
    assert first not in [(m["person_id"], m["to_post"]) for s in other["suggestions"] for m in s["facts"]["moves"]]


def test_a_swap_that_is_kept_but_no_longer_allowed_says_what_to_do(fed: Browser, called: dict[str, str]) -> None:
    first = run_of(fed, "rotation", max_cycle="2")
    who = first["result"]["suggestions"][0]["members"][0]["person_id"]
    text, links, fields = refused(fed, "rotation", max_cycle="2", earlier=first["id"], ring_1="keep", locked=who)
    assert links == {"rings"}
    assert "har en flytt som en regel nu förbjuder. Låt det prövas på nytt" in text
    assert fields.sent["ring_1"] == ["keep"]
    assert fields.sent["locked"] == [who]
    assert "pinned cycle" not in text


def test_what_cannot_be_read_in_a_rotation_is_told_at_its_field_and_kept(fed: Browser) -> None:
    typed = {
        "locked": "Ingen Alls\nEva Lind",
        "hours": "natt\nMånens baksida: dag",
        "place_unit_1": "Region Söder",
        "place_unit_2": "Region Söder",
        "place_title_2": "qwxz vrrk",
        "weeks": "9",
        "start": "i morgon",
    }
    text, links, fields = refused(fed, "rotation", **typed)
    assert {"locked", "hours", "place_title_1", "place_title_2", "weeks", "start"} == links
    for name, value in typed.items():
        assert fields.sent[name] == [value], name
    assert "Ingen heter ”Ingen Alls”." in text
    assert "”natt” förstods inte." in text
    assert "Ingen enhet eller person heter ”Månens baksida”" in text
    assert "Prova på, i veckor: " in text
    text, links, _fields = refused(fed, "rotation", place_unit_2="Region Söder", place_title_2="qwxz vrrk")
    assert links == {"place_title_2"}
    assert "Ingen roll känns igen på den befattningen" in text
    text, links, _fields = refused(fed, "rotation", managers_no="E1", managers_yes="E1")
    assert links == {"managers_no"}
    assert "En enhet kan inte ha både ja och nej" in text


def test_a_name_that_several_have_asks_for_the_id(app: Flask, graph: CompetenceGraph) -> None:
    from werkzeug.datastructures import MultiDict

    from competence_service.web.questions import asked_for

    twice = replace(graph.people[1], name=graph.people[0].name)
    same = graph.with_staff(graph.staff.replace(people=(graph.people[0], twice, *graph.people[2:])))
    _data, faults = asked_for("rotation", MultiDict({"locked": graph.people[0].name}), same)
    assert [(f.field, f.code) for f in faults] == [("locked", "several_people")]
    assert set(faults[0].values["ids"].split(", ")) == {graph.people[0].person_id, twice.person_id}


# -- teams --------------------------------------------------------------------------------------------------------------


def test_several_teams_with_needs_and_priorities_of_their_own(fed: Browser) -> None:
    asked = {
        "name_1": "Demens",
        "words_1": "demensvård",
        "level_1": "2",
        "size": "2",
        "priority_1": "2",
        "name_3": "Schema",
        "words_3_2": "schemaläggning",
        "level_3_2": "1",
        "size_3": "2",
        "priority_3": "1",
    }
    found = run_of(fed, "teams", **asked)
    tasks = found["request"]["tasks"]
    assert [(t["name"], t["size"], t["priority"], t["need"][0]["words"]) for t in tasks] == [
        ("Demens", 2, 2, "demensvård"),
        ("Schema", 2, 1, "schemaläggning"),
    ]
    page = fed.get(f"/runs/{found['id']}").text
    assert "Demens" in page
    assert "Schema" in page
    assert "prioritet 2" in page
    assert "schemaläggning" in page
    text, links, fields = refused(fed, "teams", **{**asked, "name_1": "", "words_3_2": "", "size_3": "1", "everybody": "yes"})
    assert {"name_1", "words_3_1", "size_3", "everybody"} == links
    assert "Grupp 3, Personer per grupp:" in text
    assert fields.sent["name_3"] == ["Schema"]
    assert "Två grupper har samma namn." in refused(fed, "teams", **{**asked, "name_3": "demens"})[0]


def test_shared_leadership_takes_who_has_said_yes(fed: Browser, called: dict[str, str]) -> None:
    found = run_of(fed, "teams", purpose="co_leaders", size="", words_2="schemaläggning", willing="Eva Lind; Tove Ask")
    told = found["result"]["provenance"]["request"]
    assert told["purpose"] == "co_leaders"
    assert sorted(told["willing"]) == sorted([called["Eva"], called["Tove"]])
    text, links, _fields = refused(fed, "teams", purpose="co_leaders", size="3", together="Eva Lind + Bo Ek", everybody="yes")
    assert links == {"size", "together", "n"}
    assert "Delat ledarskap är för två." in text
    assert refused(fed, "teams", willing="Eva Lind")[1] == {"willing"}
    assert "En cirkel har 4 till 8 personer." in refused(fed, "teams", purpose="circle", size="3")[0]


def test_pairs_that_must_or_must_not_work_together_are_named(fed: Browser, called: dict[str, str]) -> None:
    found = run_of(fed, "teams", apart="Eva Lind + Bo Ek\n", at_most="2")
    told = found["result"]["provenance"]["request"]
    assert [sorted(p) for p in told["apart"]] == [sorted([called["Eva"], called["Bo"]])]
    assert told["at_most"] == 2
    text, links, fields = refused(fed, "teams", apart="Eva Lind\nEva Lind + Eva Lind")
    assert links == {"apart"}
    assert "”Eva Lind” är inte två namn." in text
    assert "Samma person står två gånger i ett par." in text
    assert fields.sent["apart"] == ["Eva Lind\nEva Lind + Eva Lind"]


def test_a_standing_team_needs_ground_and_assessment_together(fed: Browser) -> None:
    text, links, fields = refused(fed, "teams", purpose="work_team", ground="Diskrimineringslagen 2 kap. 2 §")
    assert links == {"assessment"}
    assert "behövs tillsammans" in text
    assert fields.sent["ground"] == ["Diskrimineringslagen 2 kap. 2 §"]


# -- a question again ---------------------------------------------------------------------------------------------------


QUESTIONS: dict[str, list[dict[str, Any]]] = {
    "experts": [{"need": {"demensvård": 2, "finska": 3}, "n": 4, "units": ["E1"]}],
    "pairs": [
        {"mode": "reverse", "objective": "score", "topics": {"demensvård": 1}, "capacity": 0},
        {"stable": True, "n": 3, "units": ["E2"]},
    ],
    "rotation": [
        {
            "weeks": 3,
            "periods": 2,
            "max_cycle": None,
            "parts": False,
            "forms": ["tillsvidare"],
            "travel_minutes": 15.5,
            "managers": {"E1": False, "E2": True},
            "hours": {"E2": ["natt", "helg"]},
            "start": "2026-05-04",
            "open_posts": ["vacant", {"post_id": "placement-1", "unit_id": "Regionen", "roles": [{"title": "Vårdbiträde"}]}],
        },
    ],
    "teams": [
        {"need": {"demensvård": 2}, "n": None, "size": 2, "balance": "balanced"},
        {
            "tasks": [
                {"name": "A", "need": [{"words": "demensvård", "level": 2, "count": 2}], "size": 2, "n": 1, "priority": 2},
                {"name": "B", "need": "finska", "size": 3},
            ],
            "at_most": 2,
        },
        {"purpose": "co_leaders", "need": ["demensvård", "schemaläggning"]},
    ],
    "validations": [{"stage": "identified", "n": 7, "units": ["E1"]}],
}


@pytest.mark.parametrize(("kind", "asked"), [(k, q) for k, several in QUESTIONS.items() for q in several])
def test_a_question_asked_again_through_its_form_is_the_same_question(
    fed: Browser, called: dict[str, str], kind: str, asked: dict[str, Any]
) -> None:
    if kind == "rotation":
        asked = {**asked, "locked": [called["Eva"]]}
    if asked.get("purpose") == "co_leaders":
        asked = {**asked, "willing": [called["Eva"], called["Tove"]]}
    store = fed.services.store
    whole = parse(kind, asked)
    row = store.current_import()
    assert row is not None
    answer = fed.client.post(f"/api/v1/{kind}", json=asked)
    assert answer.status_code == 201, answer.json
    run_id = answer.headers["Location"].rsplit("/", 1)[1]
    page = fed.get(f"/suggest/{kind}?again={run_id}")
    address = fed.post(f"/suggest/{kind}", Fields(page.html).sent).location
    again = fed.client.get(f"/api/v1{address}").json["request"]
    for name, value in whole.items():
        if name == "time_limit":
            # The form says how long it searches where the request left it to the service.
            continue
        if name == "open_posts":
            assert [p if isinstance(p, str) else (p["unit_id"], p["roles"]) for p in again[name]] == [
                p if isinstance(p, str) else (p["unit_id"], p["roles"]) for p in value
            ]
        elif name == "forms" and not value:
            assert not again[name]
        else:
            assert again[name] == value, name


def test_a_question_of_another_kind_is_not_found(fed: Browser) -> None:
    run_id = run_of(fed, "validations")["id"]
    fed.get(f"/suggest/pairs?again={run_id}", 404)
    fed.get("/suggest/pairs?again=rnone", 404)


def test_words_not_understood_lead_to_the_same_question_with_what_is_nearest(fed: Browser, graph: CompetenceGraph) -> None:
    asked = parse("experts", {"need": [{"words": "demensvård", "level": 2}, {"words": "grottekvarn", "level": 3}], "n": 4})
    found = find_experts(graph, "demensvård")
    one, two = sorted(graph.taxonomy.concepts)[:2]
    need = {**found.provenance.request["need"], "not_understood": [{"words": "grottekvarn", "nearest": [[one, 0.3], [two, 0.1]]}]}
    data = {**found.to_dict()}
    data["provenance"] = {**data["provenance"], "request": {**data["provenance"]["request"], "need": need}}
    row = fed.services.store.current_import()
    assert row is not None
    result = without_names(Suggestions.from_dict(data).to_dict())
    run_id = fed.services.store.add_run(import_id=row.id, kind="experts", request=asked, result=result, seconds=0.1)
    page = fed.get(f"/runs/{run_id}")
    assert "förstods inte, och räknas inte" in page.text
    nearest = [str(a["href"]) for a in page.all("a") if "words_2=" in str(a.get("href"))]
    assert len(nearest) == 2
    sent = Fields(fed.get(nearest[0]).html).sent
    assert sent["words_1"] == ["demensvård"]
    assert sent["words_2"] == [graph.taxonomy.concepts[one].label("sv")]
    assert sent["level_2"] == ["3"]
    assert sent["n"] == ["4"]


# -- JSON ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "body", "field"),
    [
        ("pairs", {"mode": "friends"}, "mode"),
        ("pairs", {"mode": "circle", "capacity": 0}, "capacity"),
        ("pairs", {"mode": "circle", "stable": True}, "stable"),
        ("pairs", {"mode": "buddy", "goal_role": "x"}, "goal_role"),
        ("pairs", {"earlier": "rnone"}, "earlier"),
        ("rotation", {"weeks": 1}, "weeks"),
        ("rotation", {"periods": 13}, "periods"),
        ("rotation", {"start": "tomorrow"}, "start"),
        ("rotation", {"keep": [1]}, "keep"),
        (
            "rotation",
            {"open_posts": [{"post_id": "x", "unit_id": "y", "roles": [{"title": "qwxz"}]}]},
            "open_posts.0.roles.0.title",
        ),
        ("rotation", {"managers": {"E1": "perhaps"}}, "managers.E1"),
        ("teams", {"need": "finska", "tasks": [{"name": "A", "need": "finska"}]}, "need"),
        ("teams", {"tasks": [{"name": "A", "need": "finska"}, {"name": " a", "need": "finska"}]}, "tasks"),
        ("teams", {"tasks": [{"name": "A", "need": ""}]}, "tasks.0.need"),
        ("teams", {"need": "finska", "purpose": "circle", "size": 9}, "size"),
        ("teams", {"need": "finska", "purpose": "co_leaders", "n": None}, "n"),
        ("teams", {"need": "finska", "willing": ["p1"]}, "willing"),
        ("teams", {"need": "finska", "purpose": "work_team", "assessment": "x"}, "assessment"),
        ("teams", {"need": "finska", "apart": [["p1", "p1"]]}, "apart"),
    ],
)
def test_options_that_do_not_fit_are_named_by_field(fed: Browser, kind: str, body: dict[str, Any], field: str) -> None:
    answer = fed.client.post(f"/api/v1/{kind}", json=body)
    assert answer.status_code == 422
    assert [e["field"] for e in answer.json["errors"]] == [field]


def test_an_earlier_run_must_be_of_the_same_kind_and_have_the_rank(fed: Browser) -> None:
    of_pairs = run_of(fed, "pairs")["id"]
    answer = fed.client.post("/api/v1/rotation", json={"earlier": of_pairs})
    assert [(e["field"], e["code"]) for e in answer.json["errors"]] == [("earlier", "unknown_run")]
    plan = run_of(fed, "rotation")["id"]
    answer = fed.client.post("/api/v1/rotation", json={"earlier": plan, "keep": [99], "ban": [98]})
    assert [(e["field"], e["code"]) for e in answer.json["errors"]] == [("keep", "unknown_rank"), ("ban", "unknown_rank")]
    answer = fed.client.post("/api/v1/rotation", json={"earlier": plan, "keep": [1], "ban": [1]})
    assert [(e["field"], e["code"]) for e in answer.json["errors"]] == [("ban", "kept_and_banned")]


def test_who_was_accepted_as_an_expert_rests_in_the_next_search(tmp_path: Path) -> None:
    app = make_app(copy_fed(tmp_path))
    browser = Browser(app)
    first = browser.suggest("experts")
    best = browser.client.get(f"/api/v1{first.location}").json["result"]["suggestions"][0]["members"][0]["person_id"]
    given = {"rank": "1", "choice": "accepted", "decided_by": "Karin Ny", "reasoning": "Har tid"}
    browser.post(first.location, given)
    # The request is of today, long after the day of the data: the next search is of today and knows of it.
    second = browser.suggest("experts")
    result = browser.client.get(f"/api/v1{second.location}").json["result"]
    assert [r["rule"] for r in result["left_out"] if r["person_id"] == best] == ["resting"]
    assert result["as_of"] == datetime.now(UTC).date().isoformat()
    assert "Lediga igen" in second.text
    assert "uppgifter från 2026-02-27" in second.text.replace("  ", " ")
    # A no to the same person, after the yes, takes the request back.
    browser.post(first.location, {**given, "choice": "rejected"})
    third = browser.client.get(f"/api/v1{browser.suggest('experts').location}").json["result"]
    assert "resting" not in [r["rule"] for r in third["left_out"] if r["person_id"] == best]
    services_of(app).store.close()


# -- words ----------------------------------------------------------------------------------------------------------------


def _codes() -> set[str]:
    """Return every code of a fault that the service makes itself."""
    folder = Path(parse.__code__.co_filename).parent
    found = set()
    for path in (
        folder / "suggestions.py",
        folder / "web" / "questions.py",
        folder / "web" / "view.py",
        folder / "web" / "suggest.py",
    ):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            name = node.func.id if isinstance(node.func, ast.Name) else ""
            given = [k.value for k in node.keywords if k.arg == "code"] if name == "Fault" else []
            given += node.args[:1] if name == "PydanticCustomError" else []
            # A code that is read from somewhere else is no code of the service's own.
            for value in (v for v in given if not isinstance(v, ast.Subscript)):
                found |= {c.value for c in ast.walk(value) if isinstance(c, ast.Constant) and isinstance(c.value, str)}
    return found


@pytest.mark.parametrize("lang", ["sv", "en"])
def test_every_fault_says_what_to_do_without_technical_text(app: Flask, lang: str) -> None:
    codes = _codes() - {"refused"}
    assert {"not_in_circle", "no_such_person", "unknown_run", "pin_refused", "hours_line"} <= codes
    technical = "Teknisk text" if lang == "sv" else "Technical text"
    lacking = []
    with app.test_request_context(f"/?lang={lang}"):
        for code in sorted(codes):
            values = {"value": "x", "ids": "y", "sv": "z", "en": "z"}
            if technical in fault_text(Fault(field="any", code=code, values=values, message="m")):
                lacking.append(code)
    assert lacking == []
