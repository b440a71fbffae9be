"""Reading employers' own files: nothing lost unseen, nothing kept that must not be, the same whatever the order."""

from __future__ import annotations

import hashlib
import io
import zipfile
from datetime import date
from pathlib import Path

import pandas as pd
import pytest
import xlsxwriter
from broken_files import BROKEN, Broken, write_broken_files
from hypothesis import given
from hypothesis import strategies as st

from competence._texts import keys
from competence.errors import CompetenceError, InputError, Problem, UnreadableFileError
from competence.io import decisions_from_frame, read_staff, write_staff, write_tables
from competence.io._headings import HEADINGS, REQUIRED, fields_of, is_forbidden
from competence.io._values import is_personal_number, mask_personal_numbers
from competence.model import (
    AgeBand,
    Choice,
    HistoryKind,
    Importance,
    InterestKind,
    LearningForm,
    LearntWhere,
    OptIn,
    RoleShare,
    Sex,
    Source,
    ValidationStage,
    Visibility,
)
from competence.staff import TABLES, Staff

DATA = Path(__file__).parent / "data"
AS_OF = date(2026, 3, 1)


def codes(staff: Staff) -> set[str]:
    return {p.code for p in staff.problems} - {"table_missing"}


def read(text: str, **options: object) -> Staff:
    """Read one csv text as a file would be."""
    rows = [line.split(";") for line in text.strip("\n").split("\n")]
    frame = pd.DataFrame(rows[1:], columns=rows[0])
    return read_staff(frame, as_of=AS_OF, **options)  # type: ignore[arg-type]


def ends_well(path: Path) -> bool:
    """Say whether reading ends in a Staff whose row sum holds, or in an error of one line."""
    try:
        staff = read_staff(path, as_of=AS_OF)
    except CompetenceError as error:
        return "\n" not in str(error)
    return all(c.read == c.kept + c.set_aside for c in staff.row_counts)


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("broken")
    write_broken_files(folder)
    return folder


# Files as they should not be


@pytest.mark.parametrize("case", BROKEN, ids=lambda c: c.name)
def test_a_broken_file_ends_in_named_problems_or_one_line_and_the_row_sum_holds(case: Broken, broken: Path) -> None:
    if case.read is None:
        with pytest.raises(UnreadableFileError) as caught:
            read_staff(broken / case.name, as_of=AS_OF)
        assert "\n" not in str(caught.value)
        assert str(caught.value).startswith(case.name)
        assert caught.value.problem is not None
        assert caught.value.problem.code == case.code
        return
    staff = read_staff(broken / case.name, as_of=AS_OF)
    told = [p for p in staff.problems if p.code == case.code]
    assert told
    assert case.row is None or case.row in {p.row for p in told}
    assert sum(c.read for c in staff.row_counts) == case.read
    assert sum(c.kept for c in staff.row_counts) == case.kept
    assert all(c.read == c.kept + c.set_aside for c in staff.row_counts)


def test_a_folder_with_unreadable_files_is_read_for_the_rest(broken: Path) -> None:
    staff = read_staff(broken, as_of=AS_OF)
    unreadable = {b.code for b in BROKEN if b.read is None}
    assert unreadable <= codes(staff)
    assert all(c.read == c.kept + c.set_aside for c in staff.row_counts)


def test_every_problem_told_has_its_words_in_both_languages(broken: Path) -> None:
    staff = read_staff(broken, as_of=AS_OF)
    for problem in staff.problems:
        for lang in ("sv", "en"):
            assert problem.message(lang)
            assert problem.remedy(lang)
    assert keys("sv") == keys("en")


def test_a_missing_file_an_empty_folder_and_an_odd_source_are_refused_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFileError, match="does not exist"):
        read_staff(tmp_path / "none.xlsx")
    with pytest.raises(InputError, match="no file to read"):
        read_staff(tmp_path)
    with pytest.raises(InputError, match="source must be a path"):
        read_staff(17)


def test_what_is_no_table_is_skipped_and_named(tmp_path: Path) -> None:
    (tmp_path / "anteckningar.docx").write_bytes(b"x")
    (tmp_path / "personal.csv").write_text("Anst.nr;Namn;Från\n1;Eva Lind;2020-01-01\n", encoding="utf-8")
    (tmp_path / ".~lock.personal.csv#").write_bytes(b"x")
    staff = read_staff(tmp_path)
    assert [p.file for p in staff.problems if p.code == "file_skipped"] == ["anteckningar.docx"]
    assert len(staff.people) == 1


def test_a_locked_ods_says_that_it_is_locked(tmp_path: Path) -> None:
    path = tmp_path / "locked.ods"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("META-INF/manifest.xml", "<manifest:file-entry><manifest:encryption-data/></manifest:file-entry>")
    with pytest.raises(UnreadableFileError, match="password"):
        read_staff(path)


def test_an_ods_is_read_like_any_workbook_and_absurd_repeats_are_refused(tmp_path: Path) -> None:
    name = "urn:oasis:names:tc:opendocument:xmlns:"
    spaces = "".join(f' xmlns:{short}="{name}{short}:1.0"' for short in ("office", "table", "text"))

    def cell(text: str, repeated: int = 1) -> str:
        times = f' table:number-columns-repeated="{repeated}"' if repeated > 1 else ""
        return f'<table:table-cell office:value-type="string"{times}><text:p>{text}</text:p></table:table-cell>'

    def ods(*rows: str) -> bytes:
        body = "".join(f"<table:table-row>{row}</table:table-row>" for row in rows)
        rest = '<table:table-cell table:number-columns-repeated="16384"/>'
        body += f'<table:table-row table:number-rows-repeated="1048573">{rest}</table:table-row>'
        sheet = f'<office:spreadsheet><table:table table:name="Personal">{body}</table:table></office:spreadsheet>'
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w") as archive:
            archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
            archive.writestr("META-INF/manifest.xml", "<manifest/>")
            archive.writestr(
                "content.xml", f"<office:document-content{spaces}><office:body>{sheet}</office:body></office:document-content>"
            )
        return out.getvalue()

    rows = ("".join(map(cell, ("Anst.nr", "Namn", "Från"))), "".join(map(cell, ("1", "Eva Lind", "2020-01-01"))))
    (tmp_path / "a.ods").write_bytes(ods(*rows))
    assert [p.name for p in read_staff(tmp_path / "a.ods").people] == ["Eva Lind"]
    (tmp_path / "b.ods").write_bytes(ods(*rows, cell("x", 16384)))
    with pytest.raises(UnreadableFileError, match="more cells"):
        read_staff(tmp_path / "b.ods")


# The ordinary Swedish exports


HEROMA = """\
ANSTNR;FNAMN;ENAMN;ENHET_KOD;ENHET;ANST_FORM;SYSS_GRAD;BEFATTNING;AID;CHEF;KÖN;FÖDELSEÅR;FROM;PERSNR;KOL_AVTAL;LAS_DAGAR
10001;Eva;Lind;E1;Hemtjänst Norr;Tillsvidare;75,00;Undersköterska;207009;10002;K;1980;190301;;AB;12
10002;Bo;Ek;E1;Hemtjänst Norr;Tillsvidare;1,0;Enhetschef;;;M;1966;2020-01-01;;AB;0
10002;Bo;Ek;E2;Hemtjänst Söder;Vikariat;0;Enhetschef;;;M;1966;20210101;;AB;0
"""


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
@pytest.mark.parametrize("delimiter", [";", "\t", "|"])
def test_a_heroma_like_export_is_read_in_any_encoding_and_with_any_delimiter(
    tmp_path: Path, encoding: str, delimiter: str
) -> None:
    path = tmp_path / "export.csv"
    path.write_bytes(HEROMA.replace(";", delimiter).encode(encoding))
    staff = read_staff(path)
    eva, bo = staff.people
    assert (eva.person_id, eva.name, eva.sex, eva.age_band) == ("10001", "Eva Lind", Sex.WOMAN, AgeBand.FROM_40)
    job = eva.employments[0]
    assert (job.unit_id, job.form, job.share, job.aid, job.start) == ("E1", "Tillsvidare", 0.75, "207009", date(2019, 3, 1))
    assert job.roles == (RoleShare(title="Undersköterska"),)
    assert eva.manager_ids == ("10002",)
    assert [(e.unit_id, e.share) for e in bo.employments] == [("E1", 1.0), ("E2", 0.0)]
    assert [(u.unit_id, u.name) for u in staff.units] == [("E1", "Hemtjänst Norr"), ("E2", "Hemtjänst Söder")]
    assert staff.as_of == date(2021, 1, 1)
    assert codes(staff) == {"column_personal_id", "column_unknown"}


def test_a_comma_file_with_decimal_commas_in_quotes_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text('Employee id,Full name,FTE,Start date\n1,"Lind, Eva","0,5",2020-01-01\n', encoding="utf-8")
    person = read_staff(path).people[0]
    assert (person.name, person.employments[0].share) == ("Eva Lind", 0.5)


@pytest.mark.parametrize(
    ("written", "expected"),
    [("75", 0.75), ("0,75", 0.75), ("75 %", 0.75), ("0.75", 0.75), ("1", 1.0), ("100", 1.0), ("37,5%", 0.375), ("0", 0.0)],
)
def test_a_share_of_full_time_is_read_however_it_is_written(written: str, expected: float) -> None:
    assert read(f"Anst.nr;Namn;SYSS_GRAD\n1;Eva Lind;{written}").people[0].employments[0].share == expected


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("2024-03-01", date(2024, 3, 1)),
        ("240301", date(2024, 3, 1)),
        ("20240301", date(2024, 3, 1)),
        ("690301", date(1969, 3, 1)),
        ("45352", date(2024, 3, 1)),
        ("2024-03-01 00:00:00", date(2024, 3, 1)),
        ("1.3.2024", date(2024, 3, 1)),
        ("2024-03", date(2024, 3, 1)),
        ("2024", date(2024, 1, 1)),
    ],
)
def test_a_day_is_read_however_it_is_written(written: str, expected: date) -> None:
    assert read(f"Anst.nr;Namn;Från\n1;Eva Lind;{written}").people[0].employments[0].start == expected


@pytest.mark.parametrize("written", ["2026-02-30", "1/3/2024", "snart", "24030", "9999999", "0001-01-01"])
def test_a_day_that_does_not_exist_is_told_and_only_the_cell_is_lost(written: str) -> None:
    staff = read(f"Anst.nr;Namn;Enhet;Från\n1;Eva Lind;Norr;{written}")
    if written == "24030":  # five digits are an Excel day number, here in 1965
        assert staff.people[0].employments[0].start == date(1965, 10, 15)
        return
    assert codes(staff) == {"date_invalid"}
    assert staff.people[0].employments[0].start is None


def test_until_further_notice_is_no_last_day() -> None:
    assert read("Anst.nr;Namn;Enhet;Till\n1;Eva Lind;Norr;9999-12-31").people[0].employments[0].end is None


def test_several_title_columns_with_shares_are_roles_of_one_employment() -> None:
    staff = read("Anst.nr;Namn;Befattning 1;Andel 1;Befattning 2;Andel 2;Syss.grad\n1;Eva Lind;Kock;50;Vaktmästare;25;75")
    assert staff.people[0].employments[0].roles == (
        RoleShare(title="Kock", share=0.5),
        RoleShare(title="Vaktmästare", share=0.25),
    )
    assert codes(staff) == set()


def test_roles_that_split_the_post_are_scaled_to_its_share_and_told() -> None:
    staff = read("Anst.nr;Namn;Befattning;Syss.grad\n1;Eva Lind;Kock 60% / Vaktmästare 40%;50")
    assert [r.share for r in staff.people[0].employments[0].roles] == [0.3, 0.2]
    assert codes(staff) == {"shares_scaled"}


def test_roles_that_sum_to_something_else_are_told() -> None:
    assert codes(read("Anst.nr;Namn;Befattning;Syss.grad\n1;Eva Lind;Kock 60% / Vaktmästare 20%;50")) == {"shares_do_not_sum"}


def test_the_manager_column_may_hold_an_id_a_name_or_several() -> None:
    staff = read("Anst.nr;Namn;Chef\n1;Eva Lind;Bo Ek\n2;Bo Ek;3\n3;Maj Sand;1, 2\n4;Kim Dal;Någon Annan")
    assert [p.manager_ids for p in staff.people] == [("2",), ("3",), ("1", "2"), ()]
    assert [(p.code, p.row, p.value) for p in staff.problems if p.code == "unknown_manager"] == [("unknown_manager", 5, None)]


def test_a_column_saying_who_is_a_manager_is_not_taken_for_who_the_manager_is() -> None:
    staff = read("Anst.nr;Namn;Chef\n1;Eva Lind;ja\n2;Bo Ek;nej")
    assert codes(staff) == {"column_unknown"}


def test_an_id_and_a_matrix_with_names_alone_meet(tmp_path: Path) -> None:
    (tmp_path / "1_matris.csv").write_text("Namn;Demensvård;Finska\nEva Lind;3;x\nLind, Eva;;\nNy Person;2;\n", encoding="utf-8")
    (tmp_path / "2_personal.csv").write_text("Anst.nr;Namn;Enhet;Från\n7;Eva Lind;Norr;2020-01-01\n", encoding="utf-8")
    staff = read_staff(tmp_path)
    assert [s.person_id for s in staff.statements if s.text == "Finska"] == []
    assert "name_not_unique" in codes(staff)
    (tmp_path / "1_matris.csv").write_text("Namn;Demensvård;Finska\nLind, Eva;3;x\nNy Person;2;\n", encoding="utf-8")
    staff = read_staff(tmp_path)
    assert {(s.person_id, s.text, s.level) for s in staff.statements if s.person_id == "7"} == {
        ("7", "Demensvård", 3),
        ("7", "Finska", None),
    }
    assert len(staff.people) == 2


def test_ids_match_with_and_without_leading_zeros_since_spreadsheets_eat_them(tmp_path: Path) -> None:
    (tmp_path / "personal.csv").write_text("Anst.nr;Namn;Från\n00071;Eva Lind;2020-01-01\n", encoding="utf-8")
    (tmp_path / "ord.csv").write_text("Anst.nr;Vad jag kan\n71;finska\n", encoding="utf-8")
    assert [s.person_id for s in read_staff(tmp_path).statements] == ["00071"]


def test_what_the_caller_says_of_headings_wins_and_can_leave_a_column_out() -> None:
    staff = read(
        "Agressonr;Kallas;Hemligt\n1;Eva Lind;3", columns={"agressonr": "person_id", "Kallas": "name", "Hemligt": "ignore"}
    )
    assert (staff.people[0].person_id, staff.people[0].name, codes(staff), staff.statements) == ("1", "Eva Lind", set(), ())
    with pytest.raises(InputError, match="nearest: person_id"):
        read("A;B\n1;2", columns={"A": "personid"})


def test_the_first_heading_of_every_column_is_its_own_and_required_columns_exist() -> None:
    for table, fields in HEADINGS.items():
        for name, headings in fields.items():
            assert fields_of(table, headings[0]) == name, (table, name)
        assert all(name in fields for group in REQUIRED[table] for name in group)
    assert tuple(HEADINGS) == TABLES


# Titles above the headings, sums and legends below


def test_a_title_a_legend_and_a_sum_around_the_matrix_are_no_people(tmp_path: Path) -> None:
    path = tmp_path / "matris.csv"
    path.write_text(
        "Kompetenser i köket;;;\nUppdaterad 2025-10-02;;;\n;;;\nNamn;Enhet;Specialkost;Bakning\n"
        "Eva Lind;Köket;3;5\nBo Ek;Köket;x;\n;;;\n"
        "Summa;;17;9\n1 = kan lite;;;\n",
        encoding="utf-8",
    )
    staff = read_staff(path)
    assert [p.name for p in staff.people] == ["Eva Lind", "Bo Ek"]
    assert [(p.code, p.row) for p in staff.problems if p.row] == [("not_a_person", 8), ("not_a_person", 9)]
    assert staff.as_of == date(2025, 10, 2)
    assert {s.day for s in staff.statements} == {date(2025, 10, 2)}
    assert [(s.text, s.level) for s in staff.statements] == [("Specialkost", 3), ("Bakning", 5), ("Specialkost", None)]


def test_the_managers_matrix_of_forty_is_read_without_any_configuration() -> None:
    from_csv, from_book = (read_staff(DATA / f"kompetensmatris_40.{kind}") for kind in ("csv", "xlsx"))
    assert len(from_csv.people) == 40
    assert codes(from_csv) == {"id_from_name"}
    assert from_csv.as_of == date(2026, 2, 16)
    assert {u.name for u in from_csv.units} == {"Hemtjänst Norr", "Hemtjänst Söder"}
    assert len({s.text for s in from_csv.statements}) == 14
    # Counted in the file: filled cells under the fourteen competences.
    lines = (DATA / "kompetensmatris_40.csv").read_text(encoding="utf-8").splitlines()[4:]
    assert len(from_csv.statements) == sum(1 for line in lines for cell in line.split(";")[3:] if cell)
    assert all(s.heading and s.source is Source.MANAGER and s.visibility is Visibility.ORGANISATION for s in from_csv.statements)
    assert (from_csv.people, from_csv.statements, from_csv.units) == (from_book.people, from_book.statements, from_book.units)


def test_marks_of_nothing_record_nothing_and_yes_is_a_level_not_stated() -> None:
    staff = read("Anst.nr;Namn;Finska\n1;A B;0\n2;C D;nej\n3;E F;-\n4;G H;JA\n5;I J;X\n6;K L;5")
    assert [(s.person_id, s.level) for s in staff.statements] == [("4", None), ("5", None), ("6", 5)]


def test_a_heading_with_other_cells_is_no_competence_and_is_dropped_by_name() -> None:
    staff = read("Anst.nr;Namn;Skonummer;Finska\n1;A B;38;3\n2;C D;44;5")
    assert [(p.code, p.column, p.value) for p in staff.problems if p.code != "table_missing"] == [
        ("column_unknown", "Skonummer", None)
    ]
    assert {s.text for s in staff.statements} == {"Finska"}


def test_ordinary_columns_of_small_numbers_are_not_taken_for_competences() -> None:
    staff = read("Anst.nr;Namn;Schemagrupp;Våning;Antal barn\n1;A B;3;2;1\n2;C D;1;1;2")
    assert staff.statements == ()
    assert codes(staff) == {"column_unknown", "column_forbidden"}


@pytest.mark.parametrize("largest", [3, 4])
def test_a_scale_that_may_not_go_to_five_is_told_with_the_mapping_used(largest: int) -> None:
    told = [p for p in read(f"Anst.nr;Namn;Finska;Bakning\n1;A B;1;{largest}").problems if p.code == "scale_unclear"]
    assert [(p.value, p.detail.split(", ")[-1]) for p in told] == [(str(largest), f"{largest}={largest}")]


@pytest.mark.parametrize("largest", ["2", "5", "x"])
def test_other_scales_are_not_questioned(largest: str) -> None:
    assert "scale_unclear" not in codes(read(f"Anst.nr;Namn;Finska\n1;A B;{largest}"))


@pytest.mark.parametrize(
    ("scale", "expected"),
    [
        ("1-3", [1, 3, 5]),
        ("1-4", [1, 2, 4]),
        ("1-5", [1, 2, 3]),
        ({1: 2, 2: 3, 3: 4}, [2, 3, 4]),
        ({"1": 5, 2.0: 3, 3: 1}, [5, 3, 1]),
    ],
)
def test_a_scale_can_be_set(scale: object, expected: list[int]) -> None:
    staff = read("Anst.nr;Namn;Finska\n1;A B;1\n2;C D;2\n3;E F;3", scale=scale)
    assert [s.level for s in staff.statements] == expected
    assert "scale_unclear" not in codes(staff)


def test_letters_count_from_a_unless_the_scale_says_otherwise() -> None:
    text = "Anst.nr;Namn;Finska\n1;A B;A\n2;C D;b\n3;E F;E"
    staff = read(text)
    assert [s.level for s in staff.statements] == [1, 2, 5]
    assert codes(staff) == {"scale_letters"}
    turned = read(text, scale={"A": 5, "B": 4, "C": 3, "D": 2, "E": 1})
    assert [s.level for s in turned.statements] == [5, 4, 1]
    assert codes(turned) == set()


@pytest.mark.parametrize("scale", ["0-5", "fem", {}, {1: 6}, {1: "två"}, {1: True}])
def test_a_scale_that_is_none_is_refused(scale: object) -> None:
    with pytest.raises(InputError, match="scale"):
        read("Anst.nr;Namn;Finska\n1;A B;1", scale=scale)


def test_two_matrices_without_ids_and_with_the_same_name_are_one_person_but_two_rows_in_one_are_none() -> None:
    first, second = (pd.DataFrame({"Namn": ["Eva Lind"], heading: [3]}) for heading in ("Finska", "Bakning"))
    assert len(read_staff([first, second], as_of=AS_OF).people) == 1
    staff = read("Namn;Finska\nEva Lind;3\nEva Lind;2")
    assert (staff.people, codes(staff)) == ((), {"name_not_unique", "scale_unclear"})


# What must not be held


@pytest.mark.parametrize(
    "heading",
    [
        "Lön",
        "Månadslön",
        "Lön 2024",
        "Timlön kr",
        "Salary",
        "Frånvaro",
        "Sjukfrånvaro %",
        "Sick leave",
        "Betyg",
        "Rating",
        "Performance",
        "Prestation",
        "Prestationsbedömning",
        "Hälsa",
        "Diagnos",
        "Fack",
        "Fackförbund",
        "Facklig tillhörighet?",
        "Union",
        "Religion",
        "Nationalitet",
        "Medborgarskap",
        "Etnicitet",
        "Ursprung",
        "Födelseland",
        "Civilstånd",
        "Antal barn",
    ],
)
def test_columns_that_must_not_be_held_are_dropped_by_name_only(heading: str) -> None:
    staff = read(f"Anst.nr;Namn;{heading}\n1;Eva Lind;3")
    assert [(p.code, p.column, p.value) for p in staff.problems if p.code != "table_missing"] == [
        ("column_forbidden", heading, None)
    ]
    assert staff.statements == ()


@pytest.mark.parametrize(
    "heading",
    ["Sjukvård", "Lönehandläggning", "Lönesamtal", "Hälsofrämjande arbete", "Fackspråk", "Betygssättning", "Barnkonventionen"],
)
def test_competences_that_only_sound_alike_are_kept(heading: str) -> None:
    assert not is_forbidden(heading)


@pytest.mark.parametrize(
    "written",
    ["850101-1234", "19850101-1234", "8501011234", "198501011234", "850161-1234", "850101+1234", 8501011234, 198501011234.0],
)
def test_a_personal_identity_number_is_known_by_its_shape(written: object) -> None:
    assert is_personal_number(written)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "written", ["10014", "1234567890", "851301-1234", "850132-1234", "2024-03-01", "", None, 0.75, "070-123 45 67"]
)
def test_other_numbers_are_not_taken_for_one(written: object) -> None:
    assert not is_personal_number(written)  # type: ignore[arg-type]


def test_a_number_with_its_leading_zeros_eaten_is_known_by_its_check_digit() -> None:
    # 010101-0007: 0*2, 1*1, 0*2, 1*1, 0*2, 1*1, 0*2, 0*1, 0*2 sum to 3, so the check digit is 7.
    assert is_personal_number(101010007)
    assert not is_personal_number(101010008)


def test_no_personal_identity_number_is_anywhere_in_what_was_read(tmp_path: Path) -> None:
    number = "850101-1234"
    (tmp_path / "personal.csv").write_text(
        f"Anst.nr;Namn;PERSNR;Enhet;Befattning;Från;Chef\n"
        f"1;Eva Lind {number};{number};Enhet {number};Kock {number};2020-01-01;{number}\n"
        f"{number};Bo Ek;;;;;\n",
        encoding="utf-8",
    )
    (tmp_path / "egna_ord.csv").write_text(f"Anst.nr;Vad jag kan\n1;ring {number}\n{number};finska\n", encoding="utf-8")
    (tmp_path / "belagg.csv").write_text(
        f"Namn;Kompetens;Nivå;Källa;Lämnad av\nEva Lind;{number};{number};{number};{number}\n", encoding="utf-8"
    )
    staff = read_staff(tmp_path)
    assert number not in repr(staff.to_tables())
    assert number not in repr(list(staff.problems))
    assert {"column_personal_id", "personal_id_as_key", "personal_id_in_text"} <= codes(staff)
    assert mask_personal_numbers(f"ring {number}.") == "ring […]."


def test_protected_people_are_counted_and_nothing_else_tells_of_them(tmp_path: Path) -> None:
    files = {
        "personal.csv": "Anst.nr;Namn;Enhet;Skydd;Från;Chef\n1;Eva Lind;Norr;;2020-01-01;2\n"
        "2;Dold Person;Norr;skyddad;2026-02-30;\n"
        "2;Dold Person;Söder;;x;\n3;Bo Ek;Norr;nej;2020-01-01;Dold Person\n",
        "egna_ord.csv": "Anst.nr;Vad jag kan;Nivå\n2;finska;99\n1;bakning;\n",
        "belagg.csv": "Namn;Kompetens;Lämnad av;Datum\nDold Person;Finska;;2026-02-31\nBo Ek;Finska;Dold Person;2025-01-01\n",
        "enheter.csv": "Enhetskod;Enhetsnamn;Chef 1;Chef 2\nNorr;Norr;2;1\nSöder;Söder;;\n",
        "tjanster.csv": "Tjänst-id;Enhet;Roll;Innehavare\nT1;Norr;Kock;2\nT2;Norr;Kock;1\n",
        "historik.csv": "Händelse;Anst.nr;Andra personen\npar;1;2\npar;1;3\n",
        "beslut.csv": "Förslag;Beslut;Personer\npar;ja;1, 2\npar;nej;1, 3\n",
        "intressen.csv": "Anst.nr;Kompetens;Vill\n2;Finska;lära ut\n1;Finska;lära mig\n",
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    staff = read_staff(tmp_path)
    assert staff.protected_count == 1
    told = [p for p in staff.problems if p.code != "table_missing"]
    assert [(p.code, p.count, p.row, p.file) for p in told] == [("protected", 1, None, "")]
    tables = repr(staff.to_tables())
    assert "Dold" not in tables
    assert "'2'" not in tables
    assert {(c.file, c.read, c.kept) for c in staff.row_counts} >= {
        ("personal.csv", 4, 2),
        ("egna_ord.csv", 2, 1),
        ("belagg.csv", 2, 1),
        ("tjanster.csv", 2, 1),
        ("beslut.csv", 2, 1),
    }


@pytest.mark.parametrize("mark", ["ja", "x", "1", "true", "skyddad folkbokföring", "???"])
def test_any_mark_but_a_plain_no_protects(mark: str) -> None:
    assert read(f"Anst.nr;Namn;Skyddad\n1;Eva Lind;{mark}\n2;Bo Ek;nej").protected_count == 1


def test_minors_are_set_aside_with_everything_about_them() -> None:
    tables = {
        "people": pd.DataFrame(
            {
                "Anst.nr": [1, 2, 3],
                "Namn": ["Eva Lind", "Bo Ek", "Maj Sand"],
                "Födelsedatum": ["1980-01-01", "2008-03-02", "2008-03-01"],
            }
        ),
        "interests": pd.DataFrame({"Anst.nr": [1, 2], "Kompetens": ["Finska", "Finska"], "Vill": ["använda", "lära mig"]}),
        "posts": pd.DataFrame({"Enhet": ["Norr", "Norr"], "Roll": ["Kock", "Kock"], "Innehavare": [1, 2]}),
    }
    staff = read_staff(tables, as_of=AS_OF)
    assert [p.person_id for p in staff.people] == ["1", "3"]  # eighteen on the very day
    assert [(p.table, p.row) for p in staff.problems if p.code == "under_age"] == [("people", 3), ("interests", 3), ("posts", 3)]
    assert [p.holder_id for p in staff.posts] == ["1"]


def test_the_birth_year_becomes_a_band_and_is_not_kept() -> None:
    staff = read("Anst.nr;Namn;Födelseår\n1;A B;2008\n2;C D;1997\n3;E F;1996\n4;G H;1966\n5;I J;\n6;K L;i fjol")
    assert [p.age_band for p in staff.people] == [
        AgeBand.UNDER_30,
        AgeBand.UNDER_30,
        AgeBand.FROM_30,
        AgeBand.FROM_60,
        AgeBand.NOT_STATED,
        AgeBand.NOT_STATED,
    ]
    assert [(p.row, p.value) for p in staff.problems if p.code == "birth_invalid"] == [(7, None)]
    assert "1997" not in repr(staff.to_tables())


# One person, many rows


def test_a_name_in_the_wrong_column_is_never_shown_again() -> None:
    staff = read("Anst.nr;Namn;Kön;Från;Syss.grad;Mentor;Datum;Källa;Synlighet\n" + ";".join(["1", *["Eva Lind"] * 8]))
    told = [p for p in staff.problems if p.row]
    assert {p.code for p in told} == {"sex_invalid", "date_invalid", "share_invalid", "answer_invalid", "word_invalid"}
    assert {p.value for p in told} == {None}


def test_rows_of_one_person_are_employments_and_differences_are_told() -> None:
    staff = read(
        "Anst.nr;Namn;Kön;Enhet;Syss.grad\n1;Eva Lind;kvinna;Norr;50\n1;Lind Eva;man;Söder;25\n1;Maj Sand;kvinna;Väst;25\n"
        "1;Eva Lind;;Norr;50"
    )
    assert len(staff.people) == 1
    assert staff.people[0].sex is Sex.WOMAN
    assert [e.unit_id for e in staff.people[0].employments] == ["Norr", "Söder"]
    assert [(p.code, p.row) for p in staff.problems if p.row] == [("sex_differs", 3), ("duplicate_id", 4)]


def test_a_row_that_says_less_of_the_same_employment_is_not_a_second_one() -> None:
    full = pd.DataFrame({"Anst.nr": [1], "Namn": ["Eva Lind"], "Enhet": ["Norr"], "Befattning": ["Kock"], "Syss.grad": [75]})
    less = pd.DataFrame({"Anst.nr": [1], "Enhet": ["norr"], "Finska": [5]})
    staff = read_staff([less, full], as_of=AS_OF)
    assert len(staff.people[0].employments) == 1
    assert staff.people[0].employments[0].share == 0.75


def test_a_no_anywhere_is_a_no() -> None:
    staff = read("Anst.nr;Namn;Enhet;Mentor\n1;Eva Lind;Norr;ja\n1;Eva Lind;Söder;nej\n2;Bo Ek;Norr;kanske")
    assert [p.opt_ins.mentor for p in staff.people] == [OptIn.NO, OptIn.NOT_ASKED]
    assert staff.opt_in_columns == {"mentor"}
    assert codes(staff) == {"answer_invalid"}


def test_a_sex_that_is_not_understood_is_not_stated_and_not_echoed() -> None:
    staff = read("Anst.nr;Namn;Kön\n1;Eva Lind;2\n2;Bo Ek;\n3;Kim Dal;ej angivet")
    assert {p.sex for p in staff.people} == {Sex.NOT_STATED}
    assert [(p.code, p.row, p.value) for p in staff.problems if p.row] == [("sex_invalid", 2, None)]


# All tables


def test_the_staff_of_eight_fills_every_table_without_a_problem() -> None:
    staff = read_staff(DATA / "staff_eight")
    assert list(staff.problems) == []
    assert staff.tables == set(TABLES)
    assert [sum(p.sex is s for p in staff.people) for s in Sex] == [5, 2, 1]
    assert staff.as_of == date(2026, 2, 27)
    assert staff.opt_in_columns == {"mentor", "mentee", "rotation", "expert", "prompts"}
    assert staff.units[2].manager_ids == ("10006", "10005")
    assert staff.units[2].parent_id == "E0"
    tove = staff.person("10007").employments[0]
    assert [(r.title, r.share) for r in tove.roles] == [("Undersköterska", 0.5), ("Stödassistent", 0.25)]
    assert (tove.unit_id, tove.share) == ("E2", 0.75)
    nurse = staff.roles[0]
    assert (nurse.role_id, nurse.scheme, nurse.label()) == ("local:undersköterska", "local", "Undersköterska")
    delegation = nurse.requirements[1]
    assert (delegation.concept_id, delegation.level, delegation.weight, delegation.hard) == ("Läkemedelsdelegering", 2, 0.8, True)
    assert nurse.requirements[2].importance is Importance.OPTIONAL
    own = staff.statements[1]
    assert (own.person_id, own.learnt_where, own.source, own.visibility) == (
        "10002",
        LearntWhere.HOME,
        Source.SELF,
        Visibility.UNIT,
    )
    proof = staff.evidence[0]
    assert (proof.level, proof.source, proof.stage, proof.author, proof.visibility) == (
        4,
        Source.ASSESSMENT,
        ValidationStage.ASSESSED,
        "10005",
        Visibility.ORGANISATION,
    )
    assert staff.evidence[4].learning_form is LearningForm.NON_FORMAL
    assert staff.evidence[6].visibility is Visibility.UNIT  # a person's own word
    assert (staff.interests[0].kind, staff.interests[1].kind, staff.interests[2].kind) == (
        InterestKind.TEACH,
        InterestKind.LEARN,
        InterestKind.USE,
    )
    assert staff.travel[0].minutes == 20
    assert [h.kind for h in staff.history] == [HistoryKind.PAIR, HistoryKind.MOVE]
    assert (staff.decisions[0].kind, staff.decisions[0].choice, staff.decisions[0].people) == (
        "pairs",
        Choice.REJECTED,
        ("10001", "10002"),
    )
    assert [p.post_id for p in staff.posts if p.holder_id is None] == ["T9"]
    assert [(d.delegator_id, d.delegate_id, d.task, d.unit_id, d.end) for d in staff.delegations] == [
        ("10001", "10002", "insulin enligt ordination", "E1", date(2026, 10, 31))
    ]


def test_a_delegation_needs_both_days_a_unit_and_at_most_a_year(tmp_path: Path) -> None:
    (tmp_path / "personal.csv").write_text(
        "Anst.nr;Namn;Enhetskod;Befattning;Från\n1;Eva Lind;E1;Undersköterska;2020-01-01\n2;Bo Ek;E1;Vårdbiträde;2021-01-01\n"
        "2;Bo Ek;E2;Vårdbiträde;2021-01-01\n3;Kim Dal;E1;Vårdbiträde;2026-01-01\n",
        encoding="utf-8",
    )
    (tmp_path / "delegeringar.csv").write_text(
        "Delegerad av;Delegerad till;Uppgift;Enhetskod;Från;Till\n"
        "1;3;insulin;;2026-01-01;2026-12-31\n"  # the only unit of the one who does it
        "1;2;insulin;;2026-01-01;2026-12-31\n"  # works in two
        "1;3;ögondroppar;E1;2026-01-01;2027-01-01\n"  # a day too long
        "1;1;insulin;E1;2026-01-01;2026-02-01\n"
        "1;3;insulin;E1;;2026-02-01\n"
        "1;9;insulin;E1;2026-01-01;2026-02-01\n"
        "1;3;;E1;2026-01-01;2026-02-01\n",
        encoding="utf-8",
    )
    staff = read_staff(tmp_path)
    assert [(d.delegate_id, d.unit_id) for d in staff.delegations] == [("3", "E1")]
    told = {p.row: p.code for p in staff.problems if p.table == "delegations" and p.row}
    assert told == {
        3: "delegation_without_unit",
        4: "delegation_too_long",
        5: "delegation_too_long",
        6: "delegation_undated",
        7: "unknown_person",
        8: "value_missing",
    }
    assert [d.task for d in staff.delegations_of("3")] == ["insulin"]
    assert staff.delegations_of("3", date(2027, 1, 1)) == ()
    assert staff.delegations_of("1") == ()


def test_a_certificate_may_say_its_last_day(tmp_path: Path) -> None:
    (tmp_path / "personal.csv").write_text("Anst.nr;Namn\n1;Eva Lind\n", encoding="utf-8")
    (tmp_path / "belagg.csv").write_text(
        "Anst.nr;Kompetens;Källa;Datum;Giltig till\n"
        "1;Truckkort;intyg;2024-05-02;2026-05-01\n1;Svetsarprövning;intyg;2024-05-02;\n",
        encoding="utf-8",
    )
    staff = read_staff(tmp_path)
    assert [e.valid_until for e in staff.evidence] == [date(2026, 5, 1), None]
    assert Staff.from_tables(staff.to_tables()).evidence == staff.evidence
    assert {p.code for p in staff.problems} == {"table_missing"}


def test_a_missing_table_is_named_once_with_what_cannot_be_done() -> None:
    told = [p for p in read("Anst.nr;Namn\n1;Eva Lind").problems if p.code == "table_missing"]
    assert [p.table for p in told] == [t for t in TABLES if t not in ("people", "delegations")]
    assert told[-1].message("sv") == "Tabellen beslut saknas. Tidigare beslut är inte kända."


def test_rows_about_nobody_known_are_set_aside() -> None:
    tables = {
        "people": pd.DataFrame({"Anst.nr": [1], "Namn": ["Eva Lind"]}),
        "statements": pd.DataFrame({"Anst.nr": [1, 9, None], "Vad jag kan": ["finska", "samiska", "?"]}),
        "posts": pd.DataFrame({"Enhet": ["Norr"], "Roll": ["Kock"], "Innehavare": ["9"]}),
    }
    staff = read_staff(tables, as_of=AS_OF)
    assert [(p.table, p.code, p.row) for p in staff.problems if p.row] == [
        ("statements", "unknown_person", 3),
        ("statements", "key_missing", 4),
        ("posts", "unknown_person", 2),
    ]
    assert staff.posts == ()


def test_two_vacancies_alike_are_two_posts_and_rows_of_one_post_are_its_roles() -> None:
    tables = {
        "people": pd.DataFrame({"Anst.nr": [1], "Namn": ["Eva Lind"]}),
        "a": pd.DataFrame({"Enhet": ["Norr", "Norr"], "Roll": ["Kock", "Kock"], "Innehavare": ["vakant", ""]}),
        "b": pd.DataFrame(
            {
                "Tjänst-id": ["T1", "T1", "T1"],
                "Enhet": ["Norr"] * 3,
                "Roll": ["Kock 50%", "Vaktmästare 75%", "Kock 50%"],
                "Innehavare": [1, 1, 1],
            }
        ),
    }
    staff = read_staff(tables, as_of=AS_OF)
    assert len(staff.posts) == 3
    assert [r.title for r in staff.posts[-1].roles] == ["Kock", "Vaktmästare"]
    assert [(p.code, p.row) for p in staff.problems if p.row] == [("fte_over_100", 3), ("duplicate_row", 4)]


def test_a_units_table_met_before_people_with_the_name_alone_is_one_unit() -> None:
    tables = {
        "people": pd.DataFrame({"Anst.nr": [1, 2], "Namn": ["Eva Lind", "Bo Ek"], "Enhet": ["hemtjänst norr", "E1"]}),
        "units": pd.DataFrame(
            {
                "Enhetskod": ["E1", "E2", "E3"],
                "Enhetsnamn": ["Hemtjänst Norr", "Köket", "Köket"],
                "Överordnad enhet": ["Köket", "E9", ""],
            }
        ),
    }
    staff = read_staff(tables, as_of=AS_OF)
    assert [p.employments[0].unit_id for p in staff.people] == ["E1", "E1"]
    assert [(p.code, p.row) for p in staff.problems if p.row] == [("unit_not_unique", 2), ("unknown_unit", 3)]


def test_code_and_name_of_a_unit_meet_whichever_row_comes_first() -> None:
    staff = read("Anst.nr;Namn;ENHET_KOD;ENHET\n1;Eva Lind;;Hemtjänst Norr\n2;Bo Ek;E1;Hemtjänst Norr")
    assert [(u.unit_id, u.name) for u in staff.units] == [("E1", "Hemtjänst Norr")]
    assert [p.employments[0].unit_id for p in staff.people] == ["E1", "E1"]


# The date


def test_the_date_is_the_latest_day_recorded_or_begun_never_a_last_day() -> None:
    frame = pd.DataFrame(
        {"Anst.nr": [1, 2], "Namn": ["Eva Lind", "Bo Ek"], "Från": ["2020-05-01", "2024-09-02"], "Till": ["2027-01-01", ""]}
    )
    assert read_staff(frame).as_of == date(2024, 9, 2)
    assert read_staff(frame, as_of=AS_OF).as_of == AS_OF


def test_without_any_date_the_newest_year_named_counts_and_is_told(tmp_path: Path) -> None:
    path = tmp_path / "matris våren 2025.csv"
    path.write_text("Namn;Finska\nEva Lind;5\n", encoding="utf-8")
    staff = read_staff(path)
    assert staff.as_of == date(2025, 1, 1)
    assert [p.detail for p in staff.problems if p.code == "no_date"] == ["2025-01-01"]


def test_without_date_or_year_the_caller_is_asked_for_one() -> None:
    with pytest.raises(InputError, match="as_of must be given"):
        read_staff(pd.DataFrame({"Namn": ["Eva Lind"], "Finska": [5]}))
    with pytest.raises(InputError, match=r"also: personal_id_as_key \(1\)"):
        read_staff(pd.DataFrame({"Anst.nr": ["850101-1234"]}))


# Order, repetition, sources


def test_reading_twice_or_in_another_order_gives_the_same_records(tmp_path: Path) -> None:
    files = sorted((DATA / "staff_eight").iterdir())
    once = read_staff(files)
    twice = read_staff([*files, *files])
    turned = read_staff(list(reversed(files)))
    assert once.to_tables() == twice.to_tables() == turned.to_tables()
    assert twice.problems.by_code() == {"duplicate_row": sum(c.read for c in once.row_counts)}
    assert [s[0] for s in once.sources] == [f.name for f in files]
    assert once.sources[0][1] == hashlib.sha256(files[0].read_bytes()).hexdigest()


def test_rows_in_another_order_give_the_same_set_of_records() -> None:
    frame = pd.read_csv(DATA / "staff_eight" / "personal.csv", sep=";", dtype=str)
    plain, turned = (read_staff(f, as_of=AS_OF) for f in (frame, frame.iloc[::-1]))
    assert set(plain.people) == set(turned.people)
    assert set(plain.units) == set(turned.units)


def test_a_dataframe_is_read_as_the_sheet_it_would_be_saved_as() -> None:
    frame = pd.DataFrame(
        {
            "Anst.nr": [7.0, 8.0],
            "Namn": ["Eva Lind", None],
            "Från": pd.to_datetime(["2024-03-01", None]),
            "Mentor": [True, False],
            "Finska": pd.array([3, None], dtype="Int64"),
        }
    )
    staff = read_staff(frame)
    assert [p.person_id for p in staff.people] == ["7", "8"]
    assert [p.opt_ins.mentor for p in staff.people] == [OptIn.YES, OptIn.NO]
    assert staff.as_of == date(2024, 3, 1)
    assert [s.level for s in staff.statements] == [3]


def test_a_mapping_names_its_tables_and_rows_may_be_plain() -> None:
    staff = read_staff(
        {
            "people": [{"person_id": "1", "name": "Eva Lind", "start": "2024-03-01"}],
            "interests": [{"person_id": "1", "words": "Finska", "kind": "use"}],
        }
    )
    assert staff.interests[0].kind is InterestKind.USE


# Writing


@pytest.mark.parametrize("name", ["ut.xlsx", "ut"])
def test_what_is_written_is_read_back_the_same(tmp_path: Path, name: str) -> None:
    staff = read_staff(DATA / "staff_eight")
    back = read_staff(write_staff(staff, tmp_path / name))
    assert back.to_tables() == staff.to_tables()
    assert list(back.problems) == []


def test_the_same_staff_gives_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    staff = read_staff(DATA / "staff_eight")
    first = write_staff(staff, tmp_path / "a.xlsx").read_bytes()
    monkeypatch.setenv("TZ", "America/Lima")
    assert write_staff(staff, tmp_path / "b.xlsx").read_bytes() == first
    with zipfile.ZipFile(io.BytesIO(first)) as archive:
        assert {i.date_time for i in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_no_text_is_ever_written_as_a_formula(tmp_path: Path) -> None:
    rows = [{"ord": t} for t in ("=1+1", "+46 70", "-x", "@SUM(A1)", "https://a.example", "vanlig")]
    book = write_tables({"Blad: [1]/2": rows}, tmp_path / "a.xlsx").read_bytes()
    with zipfile.ZipFile(io.BytesIO(book)) as archive:
        sheet = archive.read("xl/worksheets/sheet1.xml")
        assert b"<f>" not in sheet
        assert b"<hyperlink" not in sheet
        assert b'state="frozen"' in sheet
        assert b"<autoFilter" in sheet
    text = write_tables({"a": rows}, tmp_path / "a.csv").read_text(encoding="utf-8-sig")
    assert text.splitlines() == ["ord", "'=1+1", "'+46 70", "'-x", "'@SUM(A1)", "https://a.example", "vanlig"]


def test_tables_of_every_kind_of_value_are_written(tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {
            "namn": ["a", None],
            "tal": [1.5, float("nan")],
            "dag": [date(2024, 3, 1), None],
            "ja": [True, False],
            "när": [pd.Timestamp(2024, 3, 1), None],
        }
    )
    assert write_tables({"a": frame}, tmp_path / "a.xlsx").stat().st_size > 1000
    assert write_tables({"a": frame}, tmp_path / "a.csv").read_text(encoding="utf-8-sig").splitlines() == [
        "namn;tal;dag;ja;när",
        "a;1,5;2024-03-01;ja;2024-03-01T00:00:00",
        ";;;nej;",
    ]
    with pytest.raises(InputError, match="one table; got 2"):
        write_tables({"a": frame, "b": frame}, tmp_path / "a.csv")
    with pytest.raises(InputError, match="at least one table"):
        write_tables({}, tmp_path / "a.xlsx")


def test_a_text_that_began_with_a_sign_comes_back_as_it_was(tmp_path: Path) -> None:
    staff = read("Anst.nr;Namn;Egna ord\n1;Eva Lind;+ kan finska")
    back = read_staff(write_staff(staff, tmp_path / "ut"), as_of=AS_OF)
    assert [s.text for s in back.statements] == ["+ kan finska"]


def test_decisions_come_from_a_frame_and_are_remembered() -> None:
    staff = read_staff(DATA / "staff_eight")
    frame = pd.DataFrame(staff.to_tables()["decisions"])
    assert decisions_from_frame(frame) == staff.decisions
    assert staff.replace(decisions=()).with_decisions(frame).decisions == staff.decisions
    with pytest.raises(InputError, match=r"row 2: .*Beslut"):
        decisions_from_frame(pd.DataFrame({"Beslut": ["kanske"], "Personer": ["1"]}))


# Any table at all


cells = st.one_of(
    st.none(),
    st.integers(-5, 10_000),
    st.floats(allow_infinity=True),
    st.booleans(),
    st.dates(),
    st.datetimes(),
    st.text(max_size=8),
    st.sampled_from(
        [
            "ja",
            "nej",
            "x",
            "3",
            "A",
            "Eva Lind",
            "Bo Ek",
            "10001",
            "850101-1234",
            "=A1",
            "2026-02-30",
            "50 %",
            "Norr",
            "kurs",
            "-",
        ]
    ),
)
headings = st.one_of(
    st.sampled_from(sorted({h for fields in HEADINGS.values() for names in fields.values() for h in names[:2]})),
    st.text(max_size=6),
)


@given(
    st.lists(headings, min_size=1, max_size=7).flatmap(
        lambda hs: st.tuples(
            st.just(hs),
            st.lists(st.lists(cells, min_size=len(hs), max_size=len(hs)), max_size=6),
            st.sampled_from([None, *TABLES]),
        )
    )
)
def test_whatever_the_table_rows_in_are_rows_kept_and_set_aside_and_nothing_crashes(
    table: tuple[list[str], list[list[object]], str | None],
) -> None:
    heads, rows, name = table
    frame = pd.DataFrame(rows, columns=heads, dtype=object)
    source = (
        {name or "Blad1": frame, "people": pd.DataFrame({"Anst.nr": ["10001"], "Namn": ["Eva Lind"]})}
        if name != "people"
        else {"people": frame}
    )
    staff = read_staff(source, as_of=AS_OF)
    assert all(c.read == c.kept + c.set_aside for c in staff.row_counts)
    for problem in staff.problems:
        assert isinstance(problem, Problem)
        assert problem.message("sv")
        assert problem.message("en")
    assert "850101-1234" not in repr(staff.to_tables())
    assert Staff.from_tables(staff.to_tables()).to_tables() == staff.to_tables()


@given(
    st.binary(max_size=400),
    st.sampled_from(["a.csv", "a.xlsx", "a.ods", "a.xls", "a.tsv"]),
    st.sampled_from([b"", b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"]),
)
def test_whatever_the_bytes_reading_ends_in_a_staff_or_a_named_error(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, name: str, magic: bytes
) -> None:
    path = tmp_path_factory.mktemp("bytes") / name
    path.write_bytes(magic + data)
    assert ends_well(path)


@given(st.integers(0, 5000), st.integers(1, 255))
def test_a_workbook_with_one_damaged_byte_ends_in_a_staff_or_a_named_error(
    tmp_path_factory: pytest.TempPathFactory, place: int, change: int
) -> None:
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"in_memory": True})
    sheet = book.add_worksheet("Personal")
    for i, row in enumerate((("Anst.nr", "Namn", "Från"), (1, "Eva Lind", "2020-01-01"))):
        sheet.write_row(i, 0, row)
    book.close()
    data = bytearray(out.getvalue())
    data[place % len(data)] ^= change
    path = tmp_path_factory.mktemp("bytes") / "a.xlsx"
    path.write_bytes(data)
    assert ends_well(path)
