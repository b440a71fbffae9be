"""JSON under /api/v1: the same answers as the library, one error shape, nothing that a foreign page could send."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from service_cases import ASKED, Browser, copy_fed, make_app, services_of

from competence.suggest.result import Suggestions
from competence_service.suggestions import KINDS, MODELS

BODIES: dict[str, dict[str, Any]] = {
    "experts": {"need": {"demensvård": 2, "finska": 1}, "n": 5},
    "pairs": {"capacity": 2},
    "rotation": {"months": 3, "max_cycle": 2},
    "teams": {"need": [{"words": "demensvård", "count": 1}], "size": 3, "n": 1},
    "validations": {"n": 5},
}


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    app = make_app(copy_fed(tmp_path_factory.mktemp("api")))
    yield app
    services_of(app).store.close()


@pytest.fixture
def fed(app: Flask) -> Browser:
    return Browser(app)


def assert_problem(answer: Any, status: int, code: str) -> dict[str, Any]:
    assert answer.status_code == status
    assert answer.mimetype == "application/problem+json"
    body = answer.json
    assert set(body) >= {"type", "title", "status", "detail"}
    assert body["type"] == f"urn:competence:problem:{code}"
    assert body["status"] == status
    return dict(body)


def test_the_index_leads_to_everything(fed: Browser) -> None:
    body = fed.client.get("/api/v1/").json
    assert body["mode"] == "practice"
    assert set(body["links"]) == {"imports", "people", "concepts", *KINDS}
    for name in ("imports", "people"):
        assert fed.client.get(body["links"][name]).status_code == 200


@pytest.mark.parametrize("kind", KINDS)
def test_a_run_returns_what_the_library_would_and_is_stored(fed: Browser, kind: str) -> None:
    answer = fed.client.post(f"/api/v1/{kind}", json=BODIES[kind])
    assert answer.status_code == 201
    result = Suggestions.from_dict(answer.json)
    assert result.kind == kind
    stored = fed.client.get(answer.headers["Location"]).json
    assert Suggestions.from_dict(stored["result"]) == result
    assert stored["request"] == {**stored["request"], **{k: v for k, v in BODIES[kind].items() if k not in ("need",)}}
    assert stored["decisions"] == []


def test_a_page_and_json_give_the_same_answer(fed: Browser) -> None:
    page = fed.suggest("experts", words_1="demensvård", level_1="2", n="5")
    by_page = fed.client.get(f"/api/v1{page.location}").json["result"]
    by_json = fed.client.post("/api/v1/experts", json={"need": {"demensvård": 2}, "n": 5}).json
    assert by_page == by_json


def test_experts_can_be_asked_for_in_the_address_and_nothing_is_stored(fed: Browser) -> None:
    before = len(services_of(fed.app).store.runs(limit=1000))
    found = fed.client.get("/api/v1/experts?need=demensv%C3%A5rd&need=finska&n=3").json
    assert 1 <= len(found["suggestions"]) <= 3
    assert len(services_of(fed.app).store.runs(limit=1000)) == before


def test_people_come_a_page_at_a_time_and_each_once(fed: Browser) -> None:
    seen: list[str] = []
    address = "/api/v1/people?limit=3"
    while address:
        body = fed.client.get(address).json
        assert body["total"] == 8
        seen += [p["person_id"] for p in body["items"]]
        address = body["next"]
    assert len(seen) == len(set(seen)) == 8
    assert seen == sorted(seen)


def test_one_person_has_holdings_with_each_source_apart_and_gaps(fed: Browser) -> None:
    person = next(p for p in fed.people() if p["name"] == "Eva Lind")
    body = fed.client.get(f"/api/v1/people/{person['person_id']}").json
    assert body["as_of"]
    sources = {e["source"] for h in body["holdings"] for e in h["evidence"]}
    assert {"assessment", "certificate", "manager", "self"} <= sources
    assert all(g["missing"] == max(g["asked"] - g["held"], 0) for g in body["gaps"])
    assert "sex" not in body


def test_words_lead_to_concepts_with_a_probability(fed: Browser) -> None:
    body = fed.client.get("/api/v1/taxonomy/concepts?q=demensv%C3%A5rd").json
    assert body["items"][0]["probability"] > 0.9
    assert {"sv", "en"} <= set(body["items"][0]["labels"])
    assert_problem(fed.client.get("/api/v1/taxonomy/concepts"), 422, "request_invalid")


def test_a_decision_is_added_by_name_and_shown_with_the_run(fed: Browser) -> None:
    address = fed.client.post("/api/v1/pairs", json=BODIES["pairs"]).headers["Location"]
    body = {"rank": 1, "choice": "accepted", "decided_by": "Olle Vik", "reasoning": "Båda vill"}
    fault = assert_problem(fed.client.post(f"{address}/decisions", json=body), 422, "request_invalid")
    assert [e["field"] for e in fault["errors"]] == ["equality_reasoning"]
    body["equality_reasoning"] = "Jämnt mellan kvinnor och män"
    assert fed.client.post(f"{address}/decisions", json=body).status_code == 201
    shown = fed.client.get(address).json["decisions"]
    assert [(d["rank"], d["choice"], d["decided_by"]) for d in shown] == [(1, "accepted", "Olle Vik")]
    for wrong in ({**body, "choice": "pinned"}, {**body, "rank": 99}, {**body, "decided_by": " "}, {**body, "more": 1}):
        assert_problem(fed.client.post(f"{address}/decisions", json=wrong), 422, "request_invalid")


@pytest.mark.parametrize(
    ("kind", "body", "field"),
    [
        ("experts", {}, "need"),
        ("experts", {"need": ""}, "need"),
        ("experts", {"need": {"finska": 6}}, "need.0.level"),
        ("experts", {"need": "finska", "n": 0}, "n"),
        ("experts", {"need": "finska", "sex": "woman"}, "sex"),
        ("teams", {"need": "finska", "balance": "women_first"}, "balance"),
        ("teams", {"need": "finska", "epsilon": 0.5}, "epsilon"),
        ("rotation", {"max_cycle": 7}, "max_cycle"),
        ("validations", {"stage": "certified"}, "stage"),
        ("pairs", {"time_limit": 3600}, "time_limit"),
    ],
)
def test_values_that_are_not_allowed_are_named_by_field(fed: Browser, kind: str, body: dict[str, Any], field: str) -> None:
    fault = assert_problem(fed.client.post(f"/api/v1/{kind}", json=body), 422, "request_invalid")
    assert field in [e["field"] for e in fault["errors"]]


def test_every_fault_of_a_request_is_told_at_once(fed: Browser) -> None:
    fault = assert_problem(fed.client.post("/api/v1/teams", json={"size": 1, "n": 0}), 422, "request_invalid")
    assert {e["field"] for e in fault["errors"]} == {"need", "size", "n"}


def test_no_request_has_a_field_that_picks_people_by_sex_or_age() -> None:
    fields = {name for model in MODELS.values() for name in model.model_fields}
    assert not fields & {"sex", "gender", "women", "men", "age", "age_band", "name"}


def test_every_error_has_the_one_shape(fed: Browser) -> None:
    client = fed.client
    assert_problem(client.get("/api/v1/nothing"), 404, "not_found")
    assert_problem(client.get("/api/v1/people/pnobody"), 404, "not_found")
    assert_problem(client.get("/api/v1/runs/rnone"), 404, "not_found")
    assert_problem(client.get("/api/v1/people?unit=nowhere"), 404, "not_found")
    assert_problem(client.get("/api/v1/people?limit=0"), 422, "request_invalid")
    assert_problem(client.post("/api/v1/experts", json={"need": "finska", "units": ["nowhere"]}), 404, "not_found")
    assert_problem(client.post("/api/v1/experts", json=[1]), 422, "request_invalid")
    refused = client.delete("/api/v1/people")
    assert_problem(refused, 405, "method_not_allowed")
    assert "GET" in refused.headers["Allow"]
    assert_problem(client.post("/api/v1/experts", data="{", content_type="application/json"), 400, "http_error")


def test_only_json_is_taken_so_that_no_form_of_another_site_gets_in(fed: Browser) -> None:
    for kind in KINDS:
        assert_problem(fed.client.post(f"/api/v1/{kind}", data=ASKED[kind]), 415, "not_json")
        text = fed.client.post(f"/api/v1/{kind}", data='{"need": "finska"}', content_type="text/plain")
        assert_problem(text, 415, "not_json")


def test_nothing_imported_is_an_error_of_its_own(tmp_path: Path) -> None:
    app = make_app(tmp_path)
    client = app.test_client()
    assert client.get("/api/v1/imports").json == {"items": []}
    assert client.get("/api/v1/").json["current_import"] is None
    for answer in (
        client.get("/api/v1/people"),
        client.post("/api/v1/pairs", json={}),
        client.get("/api/v1/experts?need=finska"),
    ):
        assert_problem(answer, 409, "nothing_imported")
    services_of(app).store.close()
