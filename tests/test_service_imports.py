"""Importing: dry run first, random ids only, the same files twice change nothing, broken files never break the page."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from io import BytesIO
from pathlib import Path

import pytest
from broken_files import write_broken_files
from flask import Flask
from service_cases import DATA, EMPLOYER_KEYS, KEY, Browser, copy_fed, eight, linker, make_app, services_of, taxonomy
from sqlalchemy import select

from competence.errors import Problem, Problems
from competence.io import read_staff
from competence.linking import link_statements
from competence.model import Visibility
from competence.settings import Settings
from competence_service.imports import Importer, with_random_ids, without_values
from competence_service.models import PersonKey


@pytest.fixture
def app(tmp_path: Path) -> Iterator[Flask]:
    app = make_app(tmp_path / "empty")
    yield app
    services_of(app).store.close()


@pytest.fixture
def fed(tmp_path: Path) -> Iterator[Browser]:
    app = make_app(copy_fed(tmp_path / "fed"))
    yield Browser(app)
    services_of(app).store.close()


def without(files: list[tuple[Path, str]], key: str) -> list[tuple[bytes, str]]:
    """Return the files without the rows that name a key."""
    kept = []
    for path, name in files:
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
        kept.append(("".join(line for line in lines if key not in line).encode(), name))
    return kept


def keys_of(browser: Browser) -> dict[str, str]:
    with browser.services.store.engine.connect() as connection:
        found = connection.execute(select(PersonKey.employer_key, PersonKey.person_id))
        return {row.employer_key: row.person_id for row in found}


def folders(browser: Browser) -> list[str]:
    place = browser.services.config.uploads
    return sorted(p.name for p in place.iterdir()) if place.is_dir() else []


def test_a_dry_run_stores_no_row_and_no_key_until_it_is_confirmed(app: Flask) -> None:
    browser = Browser(app)
    address = browser.upload(eight()).location
    page = browser.get(address)
    assert "inget är sparat ännu" in page.text
    assert "8" in page.text
    assert keys_of(browser) == {}
    assert browser.services.store.current_import() is None
    assert len(folders(browser)) == 1
    browser.post(address, {"action": "confirm", "audience": "unit"})
    assert set(keys_of(browser)) == set(EMPLOYER_KEYS)
    assert folders(browser) == []
    assert "bekräftad" in browser.get(address).text


def test_a_discarded_import_leaves_neither_rows_nor_files_nor_words(app: Flask) -> None:
    browser = Browser(app)
    address = browser.upload(eight()).location
    browser.post(address, {"action": "discard"})
    assert folders(browser) == []
    assert keys_of(browser) == {}
    assert "kastad" in browser.get(address).text
    row = browser.services.store.get_import(address.rsplit("/", 1)[1])
    assert (row.problems, row.preview, row.files, row.row_counts) == ((), {}, (), ())
    browser.post(address, {"action": "confirm", "audience": "unit"})
    assert browser.services.store.current_import() is None


def test_rows_read_are_rows_kept_and_set_aside(fed: Browser) -> None:
    row = fed.services.store.current_import()
    assert row is not None
    read, kept, aside = row.rows
    assert read == kept + aside
    assert read == sum(len(p.read_text(encoding="utf-8").strip().splitlines()) - 1 for p, _ in eight())


def test_the_stored_staff_is_the_one_that_was_read_under_other_ids(fed: Browser) -> None:
    row = fed.services.store.current_import()
    assert row is not None
    stored = fed.services.store.staff(row.id)
    linked = link_statements(read_staff([p for p, _ in eight()]), taxonomy(), linker=linker())
    expected = with_random_ids(linked, keys_of(fed))
    assert stored.to_tables() == expected.to_tables()
    assert stored.as_of == expected.as_of


def test_no_key_of_the_employer_is_stored_outside_the_table_of_keys(fed: Browser) -> None:
    for kind in ("experts", "pairs", "rotation", "teams", "validations"):
        fed.suggest(kind)
    ids = keys_of(fed)
    assert not set(ids.values()) & set(EMPLOYER_KEYS)
    assert not [i for i in ids.values() if any(k in i for k in EMPLOYER_KEYS)]
    path = fed.services.config.folder / "competence.db"
    with sqlite3.connect(path) as connection:
        tables = [name for (name,) in connection.execute("select name from sqlite_master where type = 'table'")]
        for table in tables:
            if table == "person_keys":
                continue
            for stored in connection.execute(f'select * from "{table}"'):
                assert not KEY.search(repr(stored)), table
    connection.close()


def test_stored_results_hold_ids_and_no_names(fed: Browser) -> None:
    names = [p["name"] for p in fed.people()]
    assert len(names) == 8
    for kind in ("experts", "pairs", "rotation", "teams", "validations"):
        run = fed.services.store.run(fed.suggest(kind).location.rsplit("/", 1)[1])
        assert not [name for name in names if name in repr(run.result) + repr(run.request)], kind


def test_the_same_files_again_give_the_same_ids_and_the_same_answers(fed: Browser) -> None:
    before = {p["name"]: p for p in fed.people()}
    first = fed.client.get("/api/v1/experts?need=demensvård").json
    fed.import_files(eight())
    assert {p["name"]: p for p in fed.people()} == before
    assert fed.client.get("/api/v1/experts?need=demensvård").json == first
    assert len(keys_of(fed)) == 8


def test_confirming_twice_stores_once(app: Flask) -> None:
    browser = Browser(app)
    address = browser.upload(eight()).location
    for _ in range(2):
        browser.post(address, {"action": "confirm", "audience": "unit"})
    assert len(browser.people()) == 8


def test_confirming_after_a_restart_stores_the_same(app: Flask, tmp_path: Path) -> None:
    browser = Browser(app)
    address = browser.upload(eight()).location
    again = make_app(browser.services.config.folder)
    other = Browser(again)
    other.post(address, {"action": "confirm", "audience": "unit"})
    row = browser.services.store.current_import()
    assert row is not None
    linked = link_statements(read_staff([p for p, _ in eight()]), taxonomy(), linker=linker())
    assert browser.services.store.staff(row.id).to_tables() == with_random_ids(linked, keys_of(browser)).to_tables()
    services_of(again).store.close()


def test_whoever_vanishes_is_marked_as_ended_and_comes_back_under_the_same_id(fed: Browser) -> None:
    ids = keys_of(fed)
    gone = ids["10003"]
    run = fed.suggest("experts").location
    page = fed.get(fed.upload(without(eight(), "10003")).location)
    assert "1 i den nuvarande inläsningen finns inte" in page.text
    fed.import_files(without(eight(), "10003"))
    assert gone not in {p["person_id"] for p in fed.people()}
    assert "Finns inte längre" in fed.get(f"/people/{gone}", status=410).text
    assert fed.services.store.ended_on(gone) is not None
    assert keys_of(fed)["10003"] == gone
    # An earlier result still opens, and does not bring the name back.
    shown = fed.get(run)
    assert "Leila Haddad" not in shown.html
    assert "Nyare filer" in shown.text
    fed.import_files(eight())
    assert keys_of(fed)["10003"] == gone
    assert fed.services.store.ended_on(gone) is None
    fed.get(f"/people/{gone}")


def test_protected_people_are_counted_and_leave_no_trace(app: Flask) -> None:
    browser = Browser(app)
    people = "Anst.nr;Namn;Kön;Enhet;Befattning;Skyddad\n1;Ann Alm;kvinna;A;Kock;nej\n2;Hemlig Hult;man;A;Kock;ja\n"
    address = browser.upload([(people.encode(), "personal.csv")], as_of="2026-01-31").location
    page = browser.get(address)
    assert "1 med skyddade personuppgifter" in page.text
    assert "Hult" not in page.html
    browser.post(address, {"action": "confirm", "audience": "unit"})
    assert [p["name"] for p in browser.people()] == ["Ann Alm"]
    assert b"Hult" not in (browser.services.config.folder / "competence.db").read_bytes()


def test_own_words_count_as_widely_as_was_chosen(fed: Browser) -> None:
    def statements_counted() -> int:
        found = 0
        for person in fed.people():
            holdings = fed.client.get(f"/api/v1/people/{person['person_id']}").json["holdings"]
            found += sum(e["source"] == "self" for h in holdings for e in h["evidence"])
        return found

    shared_with_unit = statements_counted()
    fed.import_files(eight(), audience="organisation")
    assert statements_counted() < shared_with_unit


def test_a_service_for_the_organisation_never_counts_what_is_for_the_unit(tmp_path: Path) -> None:
    app = make_app(tmp_path, audience=Visibility.ORGANISATION)
    browser = Browser(app)
    address = browser.upload(eight()).location
    assert 'value="unit"' not in browser.get(address).html
    browser.post(address, {"action": "confirm", "audience": "unit"}, status=422)
    browser.post(address, {"action": "confirm", "audience": "organisation"})
    row = browser.services.store.current_import()
    assert row is not None
    assert row.audience is Visibility.ORGANISATION
    services_of(app).store.close()


def test_the_wide_matrix_of_a_manager_goes_in_as_it_is(app: Flask) -> None:
    browser = Browser(app)
    path = DATA / "kompetensmatris_40.xlsx"
    browser.import_files([(path, path.name)])
    assert len(browser.people()) == 40
    assert browser.client.get("/api/v1/experts?need=demensvård").json["suggestions"]


def test_a_dry_run_can_be_read_again_with_another_date_and_scale(app: Flask) -> None:
    browser = Browser(app)
    path = DATA / "kompetensmatris_40.xlsx"
    address = browser.upload([(path, path.name)]).location
    browser.post(address, {"action": "reread", "as_of": "2025-06-30", "scale": "1-5"})
    row = browser.services.store.get_import(address.rsplit("/", 1)[1])
    assert row.as_of == date(2025, 6, 30)
    page = browser.post(address, {"action": "reread", "as_of": "30 juni"}, status=422)
    assert "år-månad-dag" in page.text
    browser.post(address, {"action": "no such"}, status=400)


def test_a_page_says_what_to_do_in_words_of_the_page(app: Flask) -> None:
    browser = Browser(app)
    table = "Anst.nr;Namn;Kön;Enhet;Befattning;Skåpnr\n1;Eva Ek;K;Norr;Undersköterska;a12b\n2;Bo Al;M;Norr;Undersköterska;c3\n"
    address = browser.upload([(table.encode(), "personal.csv")]).location
    for lang in ("sv", "en"):
        text = browser.get(f"{address}?lang={lang}").text
        assert "columns=" not in text
        assert "as_of=" not in text
    text = browser.get(f"{address}?lang=sv").text
    assert "ladda upp filen igen med en rubrik som känns igen" in text
    assert "dagen då de laddades upp" in text
    assert "är så liten att någon kan pekas ut" in text


def test_a_licence_is_held_and_has_no_level_in_words(app: Flask) -> None:
    browser = Browser(app)
    table = "Anst.nr;Namn;Enhet;Befattning;Körkort B\n1;Eva Ek;Norr;Undersköterska;x\n"
    browser.import_files([(table.encode(), "matris.csv")])
    text = browser.get(f"/people/{browser.people()[0]['person_id']}").text
    assert "finns; har inga nivåer" in text


def test_files_without_anybody_cannot_be_confirmed_and_end_nobody(fed: Browser) -> None:
    before = fed.people()
    address = fed.upload([(b"Rubrik;Annat\nett;tv\xe5\n", "fel.csv")]).location
    assert "inget att bekräfta" in fed.get(address).text
    fed.post(address, {"action": "confirm", "audience": "unit"}, 422)
    assert fed.people() == before


def test_a_heading_of_their_own_is_not_also_called_not_understood(app: Flask) -> None:
    browser = Browser(app)
    table = "Anst.nr;Namn;Enhet;Befattning;Qvarpsnitt\n1;Eva Ek;Norr;Undersköterska;2\n2;Bo Al;Norr;Undersköterska;5\n"
    text = browser.get(browser.upload([(table.encode(), "matris.csv")]).location).text
    assert "Egna kompetenser" in text
    assert "Ord som inte förstods" not in text


def test_no_broken_file_breaks_the_page(app: Flask, tmp_path: Path) -> None:
    browser = Browser(app)
    folder = tmp_path / "broken"
    folder.mkdir()
    for broken in write_broken_files(folder):
        answer = browser.client.post(
            "/imports",
            data={"token": browser.token(), "files": [(BytesIO((folder / broken.name).read_bytes()), broken.name)]},
            content_type="multipart/form-data",
        )
        assert answer.status_code in (303, 422), broken.name
        if answer.status_code == 303:
            address = answer.location
            browser.get(address)
            row = browser.services.store.get_import(address.rsplit("/", 1)[1])
            read, kept, aside = row.rows
            assert read == kept + aside, broken.name
            browser.post(address, {"action": "discard"})
        else:
            assert broken.name in answer.get_data(as_text=True), "the page names the file"
    assert folders(browser) == []


def test_uploads_without_a_file_and_names_with_paths_are_handled(app: Flask) -> None:
    browser = Browser(app)
    page = browser.upload([], status=422)
    assert "Välj minst en fil" in page.text
    content = b"Anst.nr;Namn\n1;Ann Alm\n"
    address = browser.upload(
        [(content, "../../etc/pass:wd.csv"), (content, "passwd.csv"), (b"", "")], as_of="2026-01-31"
    ).location
    row = browser.services.store.get_import(address.rsplit("/", 1)[1])
    assert sorted(name for name, _ in row.files) == ["passwd (2).csv", "passwd.csv"]
    inside = [p for p in browser.services.config.uploads.rglob("*") if p.is_file()]
    assert len(inside) == 2


def test_problems_repeat_no_name_and_no_key() -> None:
    staff = read_staff([p for p, _ in eight()])
    problems = Problems(
        [
            Problem(code="unknown_person", row=4, value="99999"),
            Problem(code="duplicate_id", row=5, value="10001", detail="10001"),
            Problem(code="word_invalid", row=6, value="Eva Lind"),
            Problem(code="word_invalid", row=7, value="haddad, chef"),
            Problem(code="date_invalid", row=8, value="2026-02-30"),
        ]
    )
    shown = without_values(problems, staff)
    assert [p.value for p in shown] == [None, None, None, None, "2026-02-30"]
    assert [p.detail for p in shown] == ["", "", "", "", ""]
    assert [p.row for p in shown] == [4, 5, 6, 7, 8]


def test_who_wrote_evidence_is_a_random_id_or_a_name_never_a_key() -> None:
    staff = read_staff([p for p, _ in eight()])
    ids = {p.person_id: f"p{n}" for n, p in enumerate(staff.people)}
    odd = tuple(
        replace(e, author=author) for e, author in zip(staff.evidence, ["10005", "Anna i receptionen", "77777"], strict=False)
    )
    authors = [e.author for e in with_random_ids(staff.replace(evidence=odd), ids).evidence]
    assert authors == [ids["10005"], "Anna i receptionen", ""]


def test_an_import_id_cannot_lead_out_of_the_folder(app: Flask, tmp_path: Path) -> None:
    services = services_of(app)
    importer = Importer(services.store, tmp_path, taxonomy(), linker(), Settings(), Visibility.UNIT)
    with pytest.raises(ValueError, match="letters and digits"):
        importer._place("../elsewhere")
    assert Browser(app).client.get("/imports/..%2f..%2fetc").status_code == 404


def test_the_example_municipality_is_taken_in_like_any_other_file(app: Flask) -> None:
    browser = Browser(app)
    browser.post("/example", {"people": "3"}, status=422)
    address = browser.post("/example", {"people": "200"}).location
    assert "staff.xlsx" in browser.get(address).text
    browser.post(address, {"action": "confirm", "audience": "unit"})
    assert 180 <= len(browser.client.get("/api/v1/people?limit=200").json["items"]) <= 200
    for kind in ("experts", "pairs", "rotation", "teams", "validations"):
        assert browser.suggest(kind).html.count("<article") > 0, kind
