"""The pages: valid and labelled HTML in both languages, guarded forms, safe headers, one decision at a time."""

from __future__ import annotations

import re
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import openpyxl
import pytest
from flask import Flask
from service_cases import ASKED, KEY, PAGES, Browser, copy_fed, make_app, services_of

from competence.errors import InputError
from competence_service import Config, create_app
from competence_service.config import DEVELOPMENT_SECRET
from competence_service.policy import PERMISSIONS, permission_of
from competence_service.web.view import alphabetical, refusal

KINDS = tuple(ASKED)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """Return an application with the municipality of eight, for tests that decide nothing."""
    app = make_app(copy_fed(tmp_path_factory.mktemp("fed")))
    yield app
    services_of(app).store.close()


@pytest.fixture
def fed(shared: Flask) -> Browser:
    """Return a new browser, without cookies, on the shared application."""
    return Browser(shared)


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Browser]:
    """Return a browser on a copy of its own, for tests that change something."""
    app = make_app(copy_fed(tmp_path / "own"))
    yield Browser(app)
    services_of(app).store.close()


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Browser]:
    """Return a browser on a folder without anything."""
    app = make_app(tmp_path / "empty")
    yield Browser(app)
    services_of(app).store.close()


@pytest.mark.parametrize("lang", ["sv", "en"])
def test_every_page_is_valid_html_in_both_languages(fed: Browser, lang: str) -> None:
    person = fed.people()[0]["person_id"]
    imported = fed.client.get("/api/v1/imports").json["items"][0]["id"]
    for address in (*PAGES, f"/people/{person}", f"/imports/{imported}", "/people?q=under&page=3", "/nothing"):
        page = fed.get(f"{address}{'&' if '?' in address else '?'}lang={lang}", status=404 if address == "/nothing" else 200)
        assert page.all("html")[0]["lang"] == lang


@pytest.mark.parametrize("lang", ["sv", "en"])
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_suggestion_has_a_valid_page_with_its_reasons_and_a_workbook(fed: Browser, kind: str, lang: str) -> None:
    fed.get(f"/?lang={lang}")
    page = fed.suggest(kind)
    assert page.all("html")[0]["lang"] == lang
    assert ("draft" if lang == "en" else "utkast") in page.text
    stored = fed.client.get(f"/api/v1{page.location}").json["result"]
    assert page.html.count("<article") == min(len(stored["suggestions"]), 25)
    for suggestion in stored["suggestions"]:
        assert sum(r["contribution"] for r in suggestion["reasons"]) == pytest.approx(suggestion["score"], abs=1e-9)
    workbook = fed.client.get(f"{page.location}/excel")
    assert workbook.mimetype.endswith("spreadsheetml.sheet")
    assert f'filename="{kind}-' in workbook.headers["Content-Disposition"]
    sheets = openpyxl.load_workbook(BytesIO(workbook.data)).sheetnames
    assert len(sheets) >= 5


@pytest.mark.parametrize("lang", ["sv", "en"])
def test_pages_without_data_lead_to_the_start_instead_of_failing(empty: Browser, lang: str) -> None:
    for address in PAGES:
        page = empty.get(f"{address}?lang={lang}")
        assert page.html
    assert "exempelkommunen" in empty.get("/?lang=sv").text
    for kind in KINDS:
        assert 'href="/"' in empty.post(f"/suggest/{kind}", ASKED[kind], status=200).html


def test_swedish_is_the_default_and_a_choice_of_language_is_remembered(empty: Browser) -> None:
    assert empty.get("/").all("html")[0]["lang"] == "sv"
    empty.get("/?lang=en")
    assert empty.get("/imports").all("html")[0]["lang"] == "en"
    assert empty.get("/imports?lang=xx").all("html")[0]["lang"] == "en"


def test_every_page_says_that_it_is_practice_mode_and_what_was_not_measured(fed: Browser) -> None:
    for address in PAGES:
        text = fed.get(address).text
        assert "Övningsläge" in text
        assert "kön, ålder, namn, frånvaro och lön ingår inte" in text
        assert "CC0-1.0" in text


def test_every_route_declares_a_permission(fed: Browser) -> None:
    endpoints = {rule.endpoint for rule in fed.app.url_map.iter_rules()}
    undeclared = [e for e in endpoints if permission_of(fed.app, e) not in PERMISSIONS]
    assert undeclared == []
    assert [e for e in endpoints if permission_of(fed.app, e) == "open"] == ["static"]


def test_a_route_without_permission_is_refused(tmp_path: Path) -> None:
    app = make_app(tmp_path)
    app.add_url_rule("/forgotten", "forgotten", lambda: "secret")
    answer = app.test_client().get("/forgotten")
    assert answer.status_code == 403
    assert "secret" not in answer.get_data(as_text=True)
    services_of(app).store.close()


def test_no_route_offers_to_accept_all_or_takes_sex(fed: Browser) -> None:
    rules = [str(rule) for rule in fed.app.url_map.iter_rules()]
    assert not [r for r in rules if "all" in re.split(r"[/_-]", r)]
    for address in PAGES:
        names = {a.get("name") for tag in ("input", "select", "textarea") for a in fed.get(address).all(tag)}
        assert not {n for n in names if n and re.search(r"sex|gender|kon$|kön", n)}


@pytest.mark.parametrize("address", ["/imports", "/example", "/suggest/experts", "/runs/r1", "/imports/i1"])
@pytest.mark.parametrize("token", [None, "wrong", ""])
def test_a_form_without_the_right_token_is_refused(fed: Browser, address: str, token: str | None) -> None:
    fed.get("/imports")
    data = {} if token is None else {"token": token}
    answer = fed.client.post(address, data=data)
    assert answer.status_code == 403
    assert len(fed.client.get("/api/v1/imports").json["items"]) == 1


def test_a_form_from_another_origin_is_refused_even_with_a_token(fed: Browser) -> None:
    token = fed.token()
    answer = fed.client.post(
        "/suggest/experts", data={"token": token, **ASKED["experts"]}, headers={"Origin": "https://evil.example"}
    )
    assert answer.status_code == 403


def test_a_name_pointed_at_this_machine_is_refused(fed: Browser) -> None:
    # DNS rebinding: the browser thinks it is still on the other site.
    assert fed.client.get("/people", headers={"Host": "evil.example"}).status_code == 400


def test_answers_carry_protective_headers_and_are_kept_in_no_cache(fed: Browser) -> None:
    for address in (*PAGES, "/api/v1/", "/nothing", "/api/v1/nothing"):
        headers = fed.client.get(address).headers
        policy = headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "script-src" not in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "same-origin"
        assert headers["Cache-Control"] == "no-store"
    cookie = fed.client.get("/imports?lang=en").headers.getlist("Set-Cookie")
    fed.client.delete_cookie("competence_session")
    cookie += fed.client.get("/imports").headers.getlist("Set-Cookie")
    assert any("competence_session" in c for c in cookie)
    assert all("SameSite=Lax" in c and "HttpOnly" in c for c in cookie)


def test_the_style_sheet_names_no_other_host() -> None:
    style = (Path(create_app.__code__.co_filename).parent / "static" / "competence.css").read_text(encoding="utf-8")
    assert "http" not in style
    assert "@import" not in style


def test_faults_in_a_form_are_summed_up_and_linked_to_their_fields(fed: Browser) -> None:
    page = fed.post("/suggest/teams", {**ASKED["teams"], "words_1": "", "size": "1"}, status=422)
    assert 'role="alert"' in page.html
    assert {a["href"] for a in page.all("a") if str(a.get("href")).startswith("#")} >= {"#words_1", "#size"}
    assert next(a for a in page.all("input") if a.get("id") == "size")["aria-invalid"] == "true"
    assert page.html.count('class="wrong"') == 2
    assert "Fel:" in page.text


def test_what_was_typed_stays_when_a_form_comes_back(fed: Browser) -> None:
    page = fed.post("/suggest/experts", {"words_2": "finska <b>", "level_2": "4", "n": "0"}, status=422)
    assert next(a for a in page.all("input") if a.get("id") == "words_2")["value"] == "finska <b>"
    assert "<b>" not in page.html


def test_words_that_mean_nothing_give_an_empty_result_with_a_reason(fed: Browser) -> None:
    page = fed.suggest("experts", words_1="qwxz vrrk")
    assert "Inget förslag" in page.text
    assert page.html.count("<article") == 0


def test_a_question_can_be_changed_without_writing_it_again(fed: Browser) -> None:
    page = fed.suggest("teams", words_1="demensvård", level_1="3", count_1="2", size="3", n="1")
    again = next(a["href"] for a in page.all("a") if str(a["href"]).startswith("/suggest/teams?"))
    inputs = {i.get("id"): i.get("value") for i in fed.get(str(again)).all("input")}
    assert (inputs["words_1"], inputs["count_1"], inputs["size"]) == ("demensvård", "2", "3")


def test_a_fault_in_a_need_stands_at_the_line_that_was_filled_in(fed: Browser) -> None:
    data = {"words_1": "demensvård", "words_3": "finska", "level_3": "9"}
    page = fed.post("/suggest/experts", data, 422)
    assert 'href="#level_3"' in page.html


def test_what_the_library_refuses_is_said_in_swedish_first(fed: Browser) -> None:
    page = fed.post("/suggest/experts", {"words_1": "demensvård", "units": "no-such"}, 422)
    assert "En enhet som valdes finns inte i den senaste inläsningen" in page.text
    assert "no unit" not in page.text
    fault = refusal(InputError("size must be at least 2; got 1"), "form", ("size", "n"))
    assert (fault.field, fault.code) == ("size", "refused")
    assert refusal(InputError("nothing of the kind"), "form", ("size",)).field == "form"


def test_swedish_letters_come_last_and_in_their_order() -> None:
    assert sorted(["Öst", "Äng", "Zorn", "Ås", "Émile", "Eva", "Emil"], key=alphabetical) == [
        *("Emil", "Émile", "Eva", "Zorn", "Ås", "Äng", "Öst")
    ]


# -- decisions ---------------------------------------------------------------------------------------------------------


def decide(browser: Browser, address: str, status: int = 303, **data: str) -> str:
    given = {
        "rank": "1",
        "choice": "accepted",
        "decided_by": "Karin Ny",
        "reasoning": "Vill båda",
        "equality_reasoning": "Jämnt",
        **data,
    }
    return browser.post(address, given, status).text


def test_a_decision_needs_a_name_and_a_reason(own: Browser) -> None:
    address = own.suggest("experts").location
    text = decide(own, address, 422, decided_by=" ", reasoning="", choice="")
    assert "Något behöver rättas till" in text
    assert "Ditt namn: Fyll i det här fältet." in text
    assert own.services.store.decisions() == ()
    decide(own, address)
    assert "Antaget av Karin Ny" in own.get(address).text


def test_accepting_a_pair_needs_a_gender_equality_reasoning_and_rejecting_does_not(own: Browser) -> None:
    address = own.suggest("pairs").location
    text = decide(own, address, 422, equality_reasoning=" ", decided_by="")
    assert "Ditt namn: Fyll i" in text
    assert "Jämställdhetsresonemang: Fyll i" in text
    decide(own, address, choice="rejected", equality_reasoning="")
    decide(own, address, equality_reasoning="Två kvinnor; fler män får frågan i nästa omgång")
    made = own.services.store.decisions()
    assert [d.decision.choice.value for d in made] == ["rejected", "accepted"]


def test_a_later_decision_is_added_and_the_earlier_one_still_shown(own: Browser) -> None:
    address = own.suggest("experts").location
    decide(own, address)
    decide(own, address, choice="rejected", reasoning="Har för mycket att göra")
    text = own.get(address).text
    assert "Antaget av Karin Ny" in text
    assert "Avvisat av Karin Ny" in text
    assert "ersatt av ett senare beslut" in text
    standing = own.services.store.standing_decisions()
    assert [d.choice.value for d in standing] == ["rejected"]


def test_only_a_suggestion_that_exists_can_be_decided(own: Browser) -> None:
    address = own.suggest("experts").location
    for rank in ("99", "0", "x", ""):
        decide(own, address, 422, rank=rank)
    decide(own, address, 422, choice="pinned")
    assert own.services.store.decisions() == ()


def test_a_rejected_pair_is_not_proposed_again(own: Browser) -> None:
    first = own.suggest("pairs")
    before = own.client.get(f"/api/v1{first.location}").json["result"]["suggestions"]
    pair = [m["person_id"] for m in before[0]["members"]]
    decide(own, first.location, choice="rejected")
    again = own.client.get(f"/api/v1{own.suggest('pairs').location}").json["result"]["suggestions"]
    assert pair not in [[m["person_id"] for m in s["members"]] for s in again]


# -- people ------------------------------------------------------------------------------------------------------------


def test_people_are_found_by_part_of_a_name_and_by_unit(fed: Browser) -> None:
    assert "Leila Haddad" in fed.get("/people?q=hadd").text
    assert "1 person" in fed.get("/people?q=hadd").text
    units = dict(re.findall(r'<option value="([^"]+)"[^>]*>(?:&nbsp;|\s|\u00a0)*([^<]+)</option>', fed.get("/people").html))
    north = next(key for key, name in units.items() if name == "Hemtjänst Norr")
    text = fed.get(f"/people?unit={north}").text
    assert "Eva Lind" in text
    assert "Leila Haddad" not in text
    fed.get("/people?unit=nowhere", status=404)


def test_a_person_page_shows_each_source_apart_and_what_is_unused(fed: Browser) -> None:
    person = next(p for p in fed.people() if p["name"] == "Leila Haddad")
    text = fed.get(f"/people/{person['person_id']}").text
    assert "kurs" in text
    assert "varje källa för sig" in text
    assert "används inte" in text
    fed.get("/people/pnobody", status=404)


def test_no_page_shows_a_key_of_the_employer(fed: Browser) -> None:
    shown = [fed.get(a).html for a in PAGES] + [fed.get(f"/people/{p['person_id']}").html for p in fed.people()]
    shown += [fed.suggest(kind).html for kind in KINDS]
    for html in shown:
        assert not KEY.search(html)


# -- settings ----------------------------------------------------------------------------------------------------------


def test_only_loopback_is_bound_and_development_secrets_stay_out_of_production() -> None:
    with pytest.raises(InputError, match="no sign-in"):
        Config(host="0.0.0.0")
    with pytest.raises(InputError, match="secret"):
        Config(production=True)
    assert Config(production=True, secret="x" * 40).production
    assert DEVELOPMENT_SECRET not in repr(Config())


def test_the_secret_of_a_folder_is_random_and_stays(tmp_path: Path) -> None:
    first = Config(folder=tmp_path).with_kept_secret()
    assert first.secret != DEVELOPMENT_SECRET
    assert Config(folder=tmp_path).with_kept_secret().secret == first.secret
    assert Config(folder=tmp_path, secret="chosen").with_kept_secret().secret == "chosen"


def test_too_large_uploads_are_told_plainly(tmp_path: Path) -> None:
    app = make_app(tmp_path, upload_limit=2000)
    browser = Browser(app)
    page = browser.upload([(b"x" * 5000, "stor.csv")], status=413)
    assert "för stora" in page.text
    services_of(app).store.close()


def test_a_fault_of_ours_is_logged_without_values(own: Browser, caplog: pytest.LogCaptureFixture) -> None:
    secret = " ".join(["Leila", "Haddad", "10003"])

    def broken() -> str:
        raise RuntimeError(secret)

    broken.__dict__["permission"] = "practice"
    own.app.testing = False
    own.app.add_url_rule("/broken", "broken", broken)
    page = own.get("/broken", status=500)
    assert "Leila" not in page.html
    assert "RuntimeError" in caplog.text
    assert secret not in caplog.text
