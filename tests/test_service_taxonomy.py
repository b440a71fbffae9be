"""The employer's own table and AID list in the service: where they come from, what they change, and the page that shows them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from service_cases import Browser, copy_fed, make_app, services_of, taxonomy

from competence.errors import UnreadableFileError
from competence_service import Config, create_app

SETTINGS = ("COMPETENCE_LOCAL_TAXONOMY", "COMPETENCE_AID_LIST")
STAFF = (
    "Anst.nr;Namn;Kön;Enhet;Befattning;AID;Minnesvård;Från\n"
    "1;Eva Lind;kvinna;Norr;Trollkarl;900001;4;2020-01-01\n"
    "2;Bo Ek;man;Norr;Nattpatrull;;;2021-02-01\n"
)
TABLE = (
    "action,kind,id,label_sv,label_en,target,note\n"
    "add,role,local:patrol,nattpatrull,night patrol,role-cook,beslut 12\n"
    "rename,,dementia-care,minnesvård,memory care,,\n"
    "rename,,gone-long-ago,x,,,\n"
    "tear down,,welding,,,,\n"
)


@pytest.fixture
def tables(tmp_path: Path) -> dict[str, Path]:
    """Write an own table, and an AID list whose only code has the words of a role of ours; return them as settings."""
    # A label that names one role only, whatever else the municipal taxonomy calls its roles.
    cook = taxonomy().role("role-cook").label("sv")
    (tmp_path / "egna.csv").write_text(TABLE, encoding="utf-8")
    (tmp_path / "aid.csv").write_text(f"AID;Etikett\n900001;{cook}\n12;kort\n", encoding="utf-8")
    return {"local_taxonomy": tmp_path / "egna.csv", "aid_list": tmp_path / "aid.csv"}


@pytest.fixture
def local(tmp_path: Path, tables: dict[str, Path]) -> Iterator[Browser]:
    app = make_app(tmp_path / "local", sayings=False, **tables)
    yield Browser(app)
    services_of(app).store.close()


@pytest.fixture
def plain(tmp_path: Path) -> Iterator[Browser]:
    app = make_app(tmp_path / "plain")
    yield Browser(app)
    services_of(app).store.close()


def test_paths_come_from_the_environment_and_an_empty_one_is_none() -> None:
    config = Config.from_environment({"COMPETENCE_LOCAL_TAXONOMY": "egna.csv", "COMPETENCE_AID_LIST": ""})
    assert (config.local_taxonomy, config.aid_list) == (Path("egna.csv"), None)


@pytest.mark.parametrize("setting", ["local_taxonomy", "aid_list"])
def test_a_table_that_cannot_be_read_stops_the_start(tmp_path: Path, setting: str) -> None:
    with pytest.raises(UnreadableFileError, match=r"none\.csv"):
        create_app(Config(folder=tmp_path, **{setting: tmp_path / "none.csv"}))  # type: ignore[arg-type]


def test_the_page_says_what_is_in_use_and_how_to_add_what_is_not_there(plain: Browser) -> None:
    page = plain.get("/taxonomy")
    ours = taxonomy()
    for said in (
        ours.titles["sv"],
        ours.version,
        ours.licence,
        *ours.sources,
        "COMPETENCE_LOCAL_TAXONOMY",
        "COMPETENCE_AID_LIST",
    ):
        assert said in page.text
    assert "Konflikter" not in page.text
    assert 'href="/taxonomy" aria-current="page"' in page.html


def test_the_page_shows_own_rows_conflicts_and_problems_in_both_languages(local: Browser) -> None:
    page = local.get("/taxonomy?lang=sv")
    assert "3 rader ur egna.csv." in page.text
    assert "läggs till (roll)" in page.text
    # What is renamed stands under our name, with theirs beside it.
    assert f"{taxonomy().concept('dementia-care').label('sv')} (dementia-care) byter namn minnesvård" in page.text
    assert f"{taxonomy().role('role-cook').label('sv')} (role-cook) beslut 12" in page.text
    assert "1 kod." in page.text
    assert "egna.csv, rad 4 Tabellen ändrar gone-long-ago" in page.text
    assert "egna.csv, rad 5 er egen tabell, kolumnen action" in page.text
    assert "aid.csv, rad 3 ”12” är ingen AID-kod" in page.text
    assert "added (role)" in local.get("/taxonomy?lang=en").text


def test_files_are_imported_in_the_employers_own_words_and_by_its_codes(local: Browser, plain: Browser) -> None:
    def found(browser: Browser) -> tuple[set[str | None], set[str | None]]:
        browser.import_files([(STAFF.encode(), "personal.csv")])
        current = browser.services.library.current()
        assert current is not None
        staff = current[1].staff
        roles = {s.role_id for p in staff.people for e in p.employments for s in e.roles}
        return roles, {e.concept_id for e in staff.evidence}

    assert found(local) == ({"role-cook", "local:patrol"}, {"dementia-care"})
    roles, concepts = found(plain)
    assert "local:patrol" not in roles
    assert concepts == {"local:minnesvård"}


def test_what_was_imported_before_the_table_is_held_of_what_it_merged(tmp_path: Path) -> None:
    folder = copy_fed(tmp_path / "fed")
    before = make_app(folder)
    current = services_of(before).library.current()
    assert current is not None
    held = {(e.person_id, e.concept_id) for e in current[1].staff.evidence}
    services_of(before).store.close()
    # Two skills that people of the eight have: the first becomes the second.
    skills = sorted({c for _, c in held if c is not None and c in taxonomy().concepts and taxonomy().concept(c).kind == "skill"})
    gone, target = skills[:2]
    table = tmp_path / "egna.csv"
    table.write_text(f"action,id,target\nmerge,{gone},{target}\n", encoding="utf-8")
    after = make_app(folder, sayings=False, local_taxonomy=table)
    current = services_of(after).library.current()
    assert current is not None
    assert {(e.person_id, e.concept_id) for e in current[1].staff.evidence} == {
        (person, target if concept == gone else concept) for person, concept in held
    }
    assert gone not in current[1].concept_ids
    Browser(after).get("/")
    services_of(after).store.close()
