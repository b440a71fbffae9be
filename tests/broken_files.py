"""A folder of files as they should not be, each with what reading it must say.

Used by the tests of reading, of the command line and of the import page, so that all three meet the same files.
"""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import xlsxwriter


@dataclass(frozen=True)
class Broken:
    """One file: its name, the Problem code that reading must give, rows read and kept (None: unreadable as a whole)."""

    name: str
    code: str
    read: int | None
    kept: int | None
    row: int | None = None


HEAD = "Anst.nr;Namn;Enhet;Befattning;Sysselsättningsgrad;Från"
BROKEN = (
    Broken("merged_headings.xlsx", "header_two_rows", 2, 2),
    Broken("two_header_rows.csv", "header_two_rows", 2, 2),
    Broken("hidden_rows.xlsx", "hidden_rows", 3, 3),
    Broken("hidden_sheet.xlsx", "sheet_hidden", 2, 2),
    Broken("empty.csv", "file_empty", None, None),
    Broken("empty.xlsx", "file_empty", None, None),
    Broken("wrong_encoding.csv", "encoding_repaired", 1, 1),
    Broken("old_dos_encoding.csv", "encoding_repaired", 1, 1),
    Broken("image.xlsx", "file_damaged", None, None),
    Broken("image.csv", "file_not_a_table", None, None),
    Broken("truncated.xlsx", "file_damaged", None, None),
    Broken("zip_bomb.xlsx", "file_too_large", None, None),
    Broken("lying_zip_bomb.xlsx", "file_too_large", None, None),
    Broken("stray_last_cell.xlsx", "file_too_many_cells", None, None),
    Broken("password.xlsx", "file_password", None, None),
    Broken("web_page.xls", "file_not_a_table", None, None),
    Broken("text_called_xls.xls", "file_type_differs", 1, 1),
    Broken("three_hundred_columns.csv", "column_unknown", 2, 2),
    Broken("two_thousand_columns.csv", "too_many_columns", 2, 0),
    Broken("duplicate_ids.csv", "duplicate_id", 3, 2, 4),
    Broken("duplicate_rows.csv", "duplicate_row", 3, 2, 4),
    Broken("unknown_unit.xlsx", "unknown_unit", 3, 3, 3),
    Broken("over_full_time.csv", "fte_over_100", 2, 2, 3),
    Broken("no_such_date.csv", "date_invalid", 2, 2, 3),
    Broken("formulas.csv", "formula_cell", 2, 2, 2),
    Broken("formulas_without_value.xlsx", "formula_cell", 1, 1, 2),
    Broken("missing_heading.csv", "heading_missing", 2, 0),
    Broken("no_headings.csv", "sheet_unknown", 2, 0),
    Broken("personal_numbers_as_id.csv", "personal_id_as_key", 2, 0),
    Broken("one_personal_number_as_id.csv", "personal_id_as_key", 2, 1, 3),
    Broken("personal_number_in_text.csv", "personal_id_in_text", 1, 1, 2),
    Broken("forbidden_columns.csv", "column_forbidden", 1, 1),
    Broken("matrix_one_odd_cell.csv", "matrix_column_dropped", 5, 5),
    Broken("merged_cells.xlsx", "merged_cells_filled", 3, 3),
    Broken("under_age.csv", "under_age", 2, 1, 3),
    Broken("protected.csv", "protected", 2, 1),
    Broken("circle_of_units.xlsx", "unit_cycle", 3, 3, 2),
)


def _csv(*lines: str, encoding: str = "utf-8") -> bytes:
    return "\n".join(lines).encode(encoding)


def _book(build: Callable[[Any], None]) -> bytes:
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"in_memory": True})
    book.set_properties({"created": datetime(2026, 1, 1)})  # noqa: DTZ001 - XlsxWriter wants it without a zone
    build(book)
    book.close()
    return out.getvalue()


def _rows(sheet: Any, *rows: tuple[object, ...], start: int = 0) -> None:
    for i, row in enumerate(rows, start=start):
        for j, cell in enumerate(row):
            if cell is not None:
                sheet.write(i, j, cell)


def _merged_headings(book: Any) -> None:
    sheet = book.add_worksheet("Blad1")
    sheet.merge_range(0, 0, 0, 5, "Kompetenser hösten 2025")
    for column, name in enumerate(("Anst.nr", "Namn")):
        sheet.merge_range(1, column, 2, column, name)
    sheet.merge_range(1, 2, 1, 3, "Vård")
    sheet.merge_range(1, 4, 1, 5, "System")
    _rows(sheet, (None, None, "Demensvård", "Nivå två", "Treserva", "Nivå två"), start=2)
    _rows(sheet, (10001, "Eva Lind", 4, 2, 3, 1), (10002, "Bo Ek", 2, 1, "x", None), start=3)


def _hidden_rows(book: Any) -> None:
    sheet = book.add_worksheet("Personal")
    _rows(
        sheet,
        ("Anst.nr", "Namn", "Från"),
        (1, "Eva Lind", "2020-01-01"),
        (2, "Bo Ek", "2020-01-01"),
        (3, "Maj Sand", "2021-01-01"),
    )
    sheet.set_row(2, None, None, {"hidden": True})


def _hidden_sheet(book: Any) -> None:
    sheet = book.add_worksheet("Personal")
    _rows(sheet, ("Anst.nr", "Namn", "Från"), (1, "Eva Lind", "2020-01-01"))
    extra = book.add_worksheet("Dold")
    _rows(extra, ("Anst.nr", "Namn", "Från"), (2, "Bo Ek", "2020-01-01"))
    extra.hide()


def _unknown_unit(book: Any) -> None:
    _rows(
        book.add_worksheet("Personal"),
        ("Anst.nr", "Namn", "Enhet", "Från"),
        (1, "Eva Lind", "E1", "2020-01-01"),
        (2, "Bo Ek", "Okänd", "2020-01-01"),
    )
    _rows(book.add_worksheet("Enheter"), ("Enhetskod", "Enhetsnamn"), ("E1", "Hemtjänst Norr"))


def _circle(book: Any) -> None:
    _rows(book.add_worksheet("Personal"), ("Anst.nr", "Namn", "Enhet", "Från"), (1, "Eva Lind", "E1", "2020-01-01"))
    _rows(
        book.add_worksheet("Enheter"),
        ("Enhetskod", "Enhetsnamn", "Överordnad enhet"),
        ("E1", "Norr", "E2"),
        ("E2", "Söder", "E1"),
    )


def _merged_cells(book: Any) -> None:
    sheet = book.add_worksheet("Personal")
    _rows(
        sheet,
        ("Anst.nr", "Namn", "Enhet", "Från"),
        (1, "Eva Lind", None, "2020-01-01"),
        (2, "Bo Ek", None, "2020-01-01"),
        (3, "Maj Sand", "Söder", "2020-01-01"),
    )
    sheet.merge_range(1, 2, 2, 2, "Norr")


def _replaced(data: bytes, member: str, old: bytes, new: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as before, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as after:
        for info in before.infolist():
            content = before.read(info)
            after.writestr(info.filename, content.replace(old, new) if info.filename == member else content)
    return out.getvalue()


def _bomb(size: int) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        with archive.open("xl/worksheets/sheet1.xml", "w") as member:
            for _ in range(size // 1_000_000):
                member.write(b" " * 1_000_000)
    return out.getvalue()


def _lying(data: bytes) -> bytes:
    """Make every size in the zip's directory and local headers claim 100 bytes."""
    bomb = bytearray(data)
    for mark, place in ((b"PK\x01\x02", 24), (b"PK\x03\x04", 22)):
        at = bomb.find(mark)
        while at >= 0:
            bomb[at + place : at + place + 4] = struct.pack("<I", 100)
            at = bomb.find(mark, at + 4)
    return bytes(bomb)


def _compound(stream: str) -> bytes:
    """Build the smallest compound file with one stream, as Excel writes around an encrypted workbook."""
    end, free, fat_mark = 0xFFFFFFFE, 0xFFFFFFFF, 0xFFFFFFFD
    header = (
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
        + bytes(16)
        + struct.pack("<HHHHH6xIIIIIIIII", 0x3E, 3, 0xFFFE, 9, 6, 0, 1, 1, 0, 4096, end, 0, end, 0)
    )
    header += struct.pack("<109I", 0, *[free] * 108)
    fat = struct.pack("<128I", fat_mark, end, *range(3, 10), end, *[free] * 118)

    def entry(name, kind, child, start, size):
        raw = name.encode("utf-16-le")
        return raw.ljust(64, b"\0") + struct.pack(
            "<HBBIII16xI8x8xIQ", len(raw) + 2 if name else 0, kind, 1, free, free, child, 0, start, size
        )

    directory = entry("Root Entry", 5, 1, end, 0) + entry(stream, 2, free, 2, 4096) + entry("", 0, free, 0, 0) * 2
    return header + fat + directory + bytes(4096)


def write_broken_files(folder: Path) -> tuple[Broken, ...]:
    """Write every broken file into ``folder`` and return what is expected of each."""
    simple = _book(_hidden_rows)
    uncached = _replaced(
        _book(lambda b: _rows(b.add_worksheet("Personal"), ("Anst.nr", "Namn", "Från"), (1, '=UPPER("eva")', "2020-01-01"))),
        "xl/worksheets/sheet1.xml",
        b"</f><v>0</v>",
        b"</f><v></v>",
    )
    stray = _book(lambda b: _rows(b.add_worksheet("Personal"), ("Anst.nr", "Namn"), (1, "Eva Lind"), start=0))
    stray = _replaced(stray, "xl/worksheets/sheet1.xml", b'r="B2"', b'r="XFD1048576"')
    image = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 20
    files: dict[str, bytes] = {
        "merged_headings.xlsx": _book(_merged_headings),
        "two_header_rows.csv": _csv(
            "Anst.nr;Namn;Vård;;System;", ";;Demensvård;Nivå;Treserva;Nivå", "1;Eva Lind;4;2;3;1", "2;Bo Ek;2;1;x;", ""
        ).replace(b"Anst.nr;Namn", b"Uppdaterad 2025-09-01;;;;;\nAnst.nr;Namn"),
        "hidden_rows.xlsx": simple,
        "hidden_sheet.xlsx": _book(_hidden_sheet),
        "empty.csv": b"",
        "empty.xlsx": b"",
        "wrong_encoding.csv": _csv(HEAD, "1;Åsa Öberg;Förskolan Äpplet;Förskollärare;100;2020-01-01")
        .decode()
        .encode()
        .decode("cp1252", "replace")
        .replace("\ufffd", "")
        .encode(),
        "old_dos_encoding.csv": _csv(HEAD, "1;Måns Sjöö;Skogsgården;Barnskötare;100;2020-01-01", encoding="cp850"),
        "image.xlsx": image,
        "image.csv": image,
        "truncated.xlsx": simple[: len(simple) // 2],
        "zip_bomb.xlsx": _bomb(60_000_000),
        "lying_zip_bomb.xlsx": _lying(_bomb(60_000_000)),
        "stray_last_cell.xlsx": stray,
        "password.xlsx": _compound("EncryptedPackage"),
        "web_page.xls": b"<html><body><table><tr><td>Namn</td></tr></table></body></html>",
        "text_called_xls.xls": _csv("Anst.nr\tNamn\tFrån", "1\tEva Lind\t2020-01-01", encoding="cp1252"),
        "three_hundred_columns.csv": _csv(
            f"{HEAD};" + ";".join(f"Extra {n}:a" for n in range(300)),
            "1;Eva Lind;Norr;Kock;100;2020-01-01;" + ";".join("text" for _ in range(300)),
            "2;Bo Ek;Norr;Kock;100;2020-01-01;" + ";".join("text" for _ in range(300)),
        ),
        "two_thousand_columns.csv": _csv(
            f"{HEAD};" + ";".join(f"Extra {n}:a" for n in range(2000)),
            "1;Eva Lind;Norr;Kock;100;2020-01-01",
            "2;Bo Ek;Norr;Kock;100;2020-01-01",
        ),
        "duplicate_ids.csv": _csv(
            HEAD, "1;Eva Lind;Norr;Kock;50;2020-01-01", "2;Bo Ek;Norr;Kock;50;2020-01-01", "1;Maj Sand;Norr;Kock;50;2020-01-01"
        ),
        "duplicate_rows.csv": _csv(
            HEAD, "1;Eva Lind;Norr;Kock;50;2020-01-01", "2;Bo Ek;Norr;Kock;50;2020-01-01", "1;Eva Lind;Norr;Kock;50;2020-01-01"
        ),
        "unknown_unit.xlsx": _book(_unknown_unit),
        "over_full_time.csv": _csv(HEAD, "1;Eva Lind;Norr;Kock;75;2020-01-01", "1;Eva Lind;Söder;Kock;0,5;2020-01-01"),
        "no_such_date.csv": _csv(HEAD, "1;Eva Lind;Norr;Kock;75;2020-01-01", "2;Bo Ek;Norr;Kock;75;2026-02-30"),
        "formulas.csv": _csv(HEAD, "1;Eva Lind;=HYPERLINK(A1);Kock;75;2020-01-01", "2;Bo Ek;Norr;Kock;75;2020-01-01"),
        "formulas_without_value.xlsx": uncached,
        "missing_heading.csv": _csv(
            "Enhet;Befattning;Sysselsättningsgrad;Från", "Norr;Kock;75;2020-01-01", "Norr;Kock;75;2020-01-02"
        ),
        "no_headings.csv": _csv("17;blå;lång", "18;grön;kort"),
        "personal_numbers_as_id.csv": _csv("Anst.nr;Enhet;Från", "850101-1234;Norr;2020-01-01", "19900229-1234;Norr;2020-01-01"),
        "one_personal_number_as_id.csv": _csv("Anst.nr;Namn;Från", "10001;Eva Lind;2020-01-01", "8501011234;Bo Ek;2020-01-01"),
        "personal_number_in_text.csv": _csv(
            "Anst.nr;Namn;Från;Egna ord", "1;Eva Lind;2020-01-01;Vikarierar för 850161-1234 på fredagar"
        ),
        "forbidden_columns.csv": _csv(
            "Anst.nr;Namn;Från;Månadslön;Sjukfrånvaro %;Fack;Religion", "1;Eva Lind;2020-01-01;31000;4;ja;x"
        ),
        "matrix_one_odd_cell.csv": _csv(
            "Anst.nr;Namn;Från;Demensvård;Finska",
            *(
                f"{n};Namn {c};2020-01-01;{m};3"
                for n, c, m in zip(range(1, 6), "ABCDE", ("3", "4", "lite", "2", "x"), strict=True)
            ),
        ),
        "merged_cells.xlsx": _book(_merged_cells),
        "under_age.csv": _csv("Anst.nr;Namn;Födelseår;Från", "1;Eva Lind;1980;2020-01-01", "2;Bo Ek;2010;2025-06-15"),
        "protected.csv": _csv("Anst.nr;Namn;Skyddad;Från", "1;Eva Lind;;2020-01-01", "2;Bo Ek;ja;2026-02-30"),
        "circle_of_units.xlsx": _book(_circle),
    }
    assert set(files) == {b.name for b in BROKEN}
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in files.items():
        (folder / name).write_bytes(data)
    return BROKEN
