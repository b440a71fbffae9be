"""AID: the employer's list read, and titles led to roles by codes and words, with nothing made up."""

from __future__ import annotations

from pathlib import Path

import pytest

import competence as cp
from competence.errors import UnreadableFileError
from competence.io import write_tables
from competence.model import Role
from competence.taxonomy import AidList, LocalTitle, Taxonomy, map_titles, read_aid
from competence.taxonomy.aid import AidLabel, MappedBy

# Codes stand for themselves here: the list is SKR's, and these rows only have its form.
NURSE = Role(role_id="nurse", labels={"sv": "undersköterska"}, alternative_labels={"sv": ("USK",)}, ssyk="5321", aid=("207009",))
AIDE = Role(role_id="aide", labels={"sv": "vårdbiträde"}, ssyk="5330")
COOK = Role(role_id="cook", labels={"sv": "kock", "en": "cook"}, ssyk="5120")
BAKER = Role(role_id="baker", labels={"sv": "kallskänka"}, ssyk="5120")
CLERK = Role(role_id="clerk", labels={"sv": "handläggare"}, ssyk="2422")
CLERK_2 = Role(
    role_id="clerk-care", labels={"sv": "biståndshandläggare"}, alternative_labels={"sv": ("handläggare",)}, ssyk="3412"
)
ROLES = Taxonomy.of([], [NURSE, AIDE, COOK, BAKER, CLERK, CLERK_2])


def one(title: LocalTitle | str, aid: AidList | None = None) -> tuple[str | None, str, list[str]]:
    found, problems = map_titles([title], ROLES, aid=aid)
    return found[0].role_id, found[0].by.value, [p.code for p in problems]


@pytest.mark.parametrize("delimiter", [";", ",", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
def test_a_list_is_read_whatever_its_delimiter_and_encoding(tmp_path: Path, delimiter: str, encoding: str) -> None:
    path = tmp_path / "aid.csv"
    lines = [
        "AID-lista 2024",
        delimiter.join(("AID-kod", "Etikett", "SSYK 2012")),
        delimiter.join(("207009", "Undersköterska", "5321")),
    ]
    path.write_bytes("\r\n".join(lines).encode(encoding))
    found = read_aid(path)
    assert found.labels == (AidLabel(code="207009", label="Undersköterska", ssyk=("5321",)),)
    assert not found.problems
    assert "207009" in found
    assert found.get("207010") is None
    assert len(found) == 1


def test_every_row_that_cannot_be_used_is_told_with_its_row_number(tmp_path: Path) -> None:
    path = tmp_path / "aid.csv"
    path.write_text(
        "kod;benämning;ssyk\n20700;kort\n207009;första;53\n207009;andra;\n207010;;\nABC123;bokstäver;\n", encoding="utf-8"
    )
    found = read_aid(path)
    assert found.labels == (AidLabel(code="207009", label="första"),)
    assert [(p.row, p.code, p.value) for p in found.problems] == [
        (2, "aid_code", "20700"),
        (3, "aid_ssyk", "53"),
        (4, "aid_duplicate", "207009"),
        (5, "aid_label_missing", "207010"),
        (6, "aid_code", "ABC123"),
    ]
    assert all(p.message(lang) and p.remedy(lang) for p in found.problems for lang in ("sv", "en"))


def test_rows_of_a_workbook_are_read_as_they_come() -> None:
    found = read_aid([{"AID": 207009.0, "Etikett": "Undersköterska", "SSYK": float("nan")}])
    assert found.labels == (AidLabel(code="207009", label="Undersköterska"),)


def test_a_data_frame_is_read_too() -> None:
    import pandas as pd

    found = read_aid(pd.DataFrame({"AID": ["207009"], "Etikett": ["Undersköterska"], "SSYK": ["5321 5330"]}))
    assert found.get("207009") == AidLabel(code="207009", label="Undersköterska", ssyk=("5321", "5330"))


def test_the_sheet_of_a_workbook_that_has_the_columns_is_read(tmp_path: Path) -> None:
    rows = [{"AID-kod": 207009, "Benämning": "Undersköterska", "SSYK": 5321}, {"AID-kod": 2070, "Benämning": "?", "SSYK": ""}]
    path = write_tables({"Om": [{"Version": 2024}], "Etiketter": rows}, tmp_path / "aid.xlsx")
    found = cp.read_aid(path)
    assert found.labels == (AidLabel(code="207009", label="Undersköterska", ssyk=("5321",)),)
    assert [(p.code, p.row, p.file) for p in found.problems] == [("aid_code", 3, "aid.xlsx!Etiketter")]


@pytest.mark.parametrize("content", [b"", b"namn;adress\nx;y\n", b"PK\x03\x04\0\0", b"\x89PNG\0\0"])
def test_what_is_no_list_is_one_error_and_no_traceback(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "aid.csv"
    path.write_bytes(content)
    with pytest.raises(UnreadableFileError) as error:
        read_aid(path)
    assert error.value.problem is None or error.value.problem.message("sv")


def test_aid_goes_before_ssyk_and_ssyk_before_words() -> None:
    assert one(LocalTitle(title="Vårdbiträde", aid="207009", ssyk="5330")) == ("nurse", "aid", ["title_codes_differ"])
    assert one(LocalTitle(title="Vårdare natt", aid="207009 C")) == ("nurse", "aid", [])
    assert one(LocalTitle(title="Natt", ssyk="5330")) == ("aide", "ssyk", [])
    assert one("  vårdBITRÄDE ") == ("aide", "words", [])
    assert one("USK") == ("nurse", "words", [])


def test_a_code_that_no_role_has_leads_on_by_the_words_or_the_ssyk_of_the_list() -> None:
    aid = AidList(labels=(AidLabel(code="900001", label="Kock"), AidLabel(code="900002", label="Annat", ssyk=("5330",))))
    assert one(LocalTitle(title="Köksmästare", aid="900001"), aid) == ("cook", "aid_label", [])
    assert one(LocalTitle(title="Natt", aid="900002"), aid) == ("aide", "aid_ssyk", [])
    assert one(LocalTitle(title="Natt", aid="900003"), aid) == (None, "words_needed", ["aid_not_listed"])


def test_several_roles_of_one_code_are_told_apart_by_words_or_else_told() -> None:
    found, problems = map_titles([LocalTitle(title="Kock", ssyk="5120"), LocalTitle(title="Köksa", ssyk="5120")], ROLES)
    assert (found[0].role_id, found[0].by, found[0].narrowed_by) == ("cook", MappedBy.SSYK, ("words",))
    assert (found[1].role_id, found[1].by, found[1].candidates) == (None, MappedBy.AMBIGUOUS, ("cook", "baker"))
    assert [(p.code, p.row, p.detail) for p in problems] == [("title_ambiguous", 2, "cook, baker")]


def test_a_label_of_two_roles_is_ambiguous_and_a_code_settles_it() -> None:
    assert one("Handläggare") == (None, "ambiguous", ["title_ambiguous"])
    assert one(LocalTitle(title="Handläggare", ssyk="3412")) == ("clerk-care", "ssyk", [])


def test_similar_words_are_left_to_linking_and_wrong_codes_are_told() -> None:
    assert one("Undersköterskor") == (None, "words_needed", [])
    assert one(LocalTitle(title="Kock", aid="12", ssyk="x")) == ("cook", "words", ["aid_code", "aid_ssyk"])


def test_the_order_of_titles_changes_nothing_but_the_order() -> None:
    titles = [LocalTitle(title="Kock", ssyk="5120"), "USK", "Vikarie"]
    forward, _ = map_titles(titles, ROLES)
    backward, _ = map_titles(titles[::-1], ROLES)
    assert forward == backward[::-1]


def test_the_bundled_roles_claim_only_codes_of_six_digits_and_every_label_leads_to_its_role() -> None:
    municipal = Taxonomy.bundled("municipal")
    assert all(len(code) == 6 and code.isdigit() for role in municipal.roles.values() for code in role.aid)
    found, _ = map_titles([role.label("sv") for role in municipal.roles.values()], municipal)
    assert [m.role_id for m in found] == list(municipal.roles)
