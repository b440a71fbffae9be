"""Words of an import in the service: one choice per row, in force at once, logged, undone, and never shown too widely."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from service_cases import Browser, make_app, services_of, taxonomy
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from competence_service.models import WordChoice

STAFF = (
    "Anst.nr;Namn;Kön;Enhet;Befattning;Från;Brunklimp;Zxqvation;Demensvård\n"
    "1;Eva Lind;kvinna;Norr;Trollkarl;2020-01-01;4;2;3\n"
    "2;Bo Ek;man;Norr;Undersköterska;2021-02-01;3;;2\n"
)
SAID = "Anst.nr;Utsaga;Datum\n1;Kvibblefnask;2026-01-10\n1;Vill lära mig finska;2026-01-10\n"
DEMENTIA, WELDING, COOK = "dementia-care", "welding", "role-cook"
DAY = date(2026, 3, 2)


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[Browser]:
    app = make_app(tmp_path / "words")
    yield Browser(app)
    services_of(app).store.close()


def imported(browser: Browser, audience: str = "unit") -> str:
    address = browser.import_files([(STAFF.encode(), "personal.csv"), (SAID.encode(), "utsagor.csv")], audience)
    return f"{address}/words"


def held(browser: Browser) -> set[str]:
    current = browser.services.library.current()
    assert current is not None
    return {e.concept_id or "" for e in current[1].staff.evidence}


def row_of(browser: Browser, address: str, words: str) -> str:
    """Return the number of the row in the form that asks for these words."""
    fields = [a for a in browser.get(address).all("input") if a.get("value") == words]
    assert len(fields) == 1, words
    return str(fields[0]["name"]).removeprefix("words_")


def choose(browser: Browser, address: str, status: int = 303, who: str = "Karin Ny", **said: str) -> str:
    """Choose for words (``_`` for a space): an id, none, or ``=`` before a name to write in the field of others."""
    form = {"decided_by": who}
    for key, choice in said.items():
        words = key.replace("_", " ")
        number = row_of(browser, address, words)
        form |= {f"words_{number}": words}
        form |= {f"other_{number}": choice[1:]} if choice.startswith("=") else {f"choice_{number}": choice}
    return browser.post(address, form, status).text


def test_the_page_lists_words_with_counts_and_what_is_nearest_in_both_languages(browser: Browser) -> None:
    address = imported(browser)
    page = browser.get(f"{address}?lang=sv")
    for said in (
        "Brunklimp (rubrik i en kompetensmatris, 2 gånger)",
        "Trollkarl (befattning, 1 gång)",
        "Kvibblefnask",
    ):
        assert said in page.text
    assert "inget av dem" in page.text
    assert "Vill lära mig finska" not in page.text
    # Five that are nearest, the empty choice, none, and another.
    number = row_of(browser, address, "Brunklimp")
    assert page.html.split(f'<select id="choice_{number}"')[1].split("</select>")[0].count("<option") <= 8
    assert "Trollkarl (job title, 1 time)" in browser.get(f"{address}?lang=en").text
    assert "Ord som inte förstods" in browser.get(address.removesuffix("/words") + "?lang=sv").text


def test_a_choice_holds_at_once_and_in_the_next_import_and_is_not_asked_again(browser: Browser) -> None:
    address = imported(browser)
    assert not browser.services.library.linker.link("brunklimp").understood
    choose(browser, address, Brunklimp=f"={taxonomy().concept(WELDING).label('sv')}", Trollkarl=f"={COOK}", Zxqvation="none")
    linker = browser.services.library.linker
    assert [k.concept_id for k in linker.link("Brunklimp").accepted] == [WELDING]
    assert not linker.link("zxqvation").accepted
    current = browser.services.library.current()
    assert current is not None
    assert [k.concept_id for k in current[1].linker.link("Brunklimp").accepted] == [WELDING]
    text = browser.get(address).text
    assert "Brunklimp (rubrik" not in text
    assert "Karin Ny" in text
    assert WELDING not in held(browser)
    imported(browser)
    assert WELDING in held(browser)
    after = browser.services.library.current()
    assert after is not None
    assert {s.role_id for p in after[1].staff.people for e in p.employments for s in e.roles} >= {COOK}


def test_an_undo_is_added_and_brings_the_earlier_links_back(browser: Browser) -> None:
    address = imported(browser)
    before = browser.services.library.linker.link_many(["Brunklimp", "demensvård"])
    choose(browser, address, Brunklimp=f"={WELDING}")
    made = browser.services.store.word_choices()[0]
    assert "Ditt namn, för att ångra: Fyll i" in browser.post(address, {"undo": str(made.id), "decided_by": " "}, 422).text
    browser.post(address, {"undo": str(made.id), "decided_by": "Bo Ek"})
    assert browser.services.library.linker.link_many(["Brunklimp", "demensvård"]) == before
    text = browser.get(address).text
    assert "ångrat av Bo Ek" in text
    assert "Brunklimp (rubrik" in text
    assert "Det valet är redan ångrat." in browser.post(address, {"undo": str(made.id), "decided_by": "Bo Ek"}, 422).text
    assert browser.services.store.choice_count() == 2


def test_a_form_without_a_name_a_choice_or_a_known_label_is_refused_and_keeps_what_was_written(browser: Browser) -> None:
    address = imported(browser)
    assert "Ditt namn: Fyll i" in choose(browser, address, 422, who=" ", Trollkarl="none")
    assert "Inget valdes på någon rad." in choose(browser, address, 422)
    refused = browser.post(
        address,
        {
            "decided_by": "Karin Ny",
            f"words_{row_of(browser, address, 'Trollkarl')}": "Trollkarl",
            f"other_{row_of(browser, address, 'Trollkarl')}": "trollkonstnär",
        },
        422,
    )
    assert "Taxonomin har inget, eller flera, med den benämningen." in refused.text
    assert 'value="trollkonstnär"' in refused.html
    # A title means a role, and other words a concept.
    choose(browser, address, 422, Trollkarl=f"={WELDING}")
    choose(browser, address, 422, Brunklimp=f"={COOK}")
    choose(browser, address, 422, Brunklimp=WELDING if WELDING not in browser.get(address).html else "nothing")
    assert browser.services.store.choice_count() == 0


def test_what_was_told_the_unit_alone_is_not_listed_for_a_wider_circle(browser: Browser) -> None:
    page = browser.get(imported(browser, "organisation"))
    assert "Kvibblefnask" not in page.text
    assert "Trollkarl" in page.text
    assert "Det som människor bara har delat med sin enhet visas inte här." in page.text


def test_a_draft_has_no_page_of_words(browser: Browser) -> None:
    address = browser.upload([(STAFF.encode(), "personal.csv")]).location
    assert browser.get(f"{address}/words", 303).location == address
    browser.get("/imports/i1/words", 404)


def test_a_service_that_starts_again_knows_the_choices_and_forgets_what_is_undone(tmp_path: Path) -> None:
    first = make_app(tmp_path)
    services_of(first).store.migrate()
    services_of(first).store.choose_words({"Brunklimp": WELDING, "bortaord": "gone"}, decided_by="Karin", day=DAY)
    services_of(first).store.close()
    second = make_app(tmp_path, sayings=False)
    library, store = services_of(second).library, services_of(second).store
    assert [k.concept_id for k in library.linker.link("Brunklimp").accepted] == [WELDING]
    assert [p.code for p in library.corrections.problems] == ["words_target_gone"]
    assert store.undo_choice(1, decided_by="Karin", day=DAY)
    assert not store.undo_choice(1, decided_by="Karin", day=DAY)
    assert not store.undo_choice(3, decided_by="Karin", day=DAY)
    assert not library.linker.link("Brunklimp").understood
    store.close()


@pytest.mark.parametrize("change", ["UPDATE word_choices SET target_id = ''", "DELETE FROM word_choices"])
def test_choices_are_added_and_never_changed(browser: Browser, change: str) -> None:
    store = browser.services.store
    store.choose_words({"Primula": WELDING}, decided_by="Karin", day=DAY)
    with pytest.raises(DBAPIError, match="never changed"), store.engine.begin() as connection:
        connection.execute(text(change))
    with Session(store.engine) as session:
        row = session.get(WordChoice, 1)
        assert row is not None
        row.target_id = DEMENTIA
        with pytest.raises(TypeError, match="never changed"):
            session.flush()
    assert [c.correction.target_id for c in store.word_choices()] == [WELDING]
