"""How tables become workbooks and CSV files: the same bytes for the same content, and no text ever run as a formula."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from competence.errors import InputError
from competence.io._headings import HEADINGS, SHEETS
from competence.io._values import written
from competence.model import (
    AgeBand,
    Choice,
    HistoryKind,
    Importance,
    InterestKind,
    LearningForm,
    LearntWhere,
    OptIn,
    Sex,
    Source,
    ValidationStage,
    Visibility,
)
from competence.staff import OPT_INS, TABLE_COLUMNS, TABLES, Staff

__all__ = ["write_staff", "write_tables"]

_ENUMS: Mapping[tuple[str, str], type[StrEnum]] = {
    ("people", "sex"): Sex,
    ("people", "age_band"): AgeBand,
    **{("people", name): OptIn for name in OPT_INS},
    ("role_requirements", "importance"): Importance,
    ("statements", "learnt_where"): LearntWhere,
    ("statements", "source"): Source,
    ("statements", "visibility"): Visibility,
    ("evidence", "source"): Source,
    ("evidence", "learning_form"): LearningForm,
    ("evidence", "stage"): ValidationStage,
    ("evidence", "visibility"): Visibility,
    ("interests", "kind"): InterestKind,
    ("history", "kind"): HistoryKind,
    ("decisions", "choice"): Choice,
}
_FIXED_DATE = datetime(2000, 1, 1)  # noqa: DTZ001 - XlsxWriter wants it without a zone
"""Creation date in every workbook, so that equal tables give equal bytes."""
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_WIDEST = 60
_MOST_ROWS = 1_048_576

Rows = Sequence[Mapping[str, Any]]


def write_staff(staff: Staff, path: str | Path) -> Path:
    """Write every table of a Staff with Swedish headings and words, as one workbook or a folder of CSV files.

    :func:`read_staff` gives the same records back. Evidence that linking made from statements is left out, since linking
    makes it again. Columns that are empty in all rows are left out, except what somebody was asked
    (an opt-in column says that people were asked, even where all answers are blank).

    Parameters
    ----------
    staff : Staff
        Protected people are in no Staff, and so in no file.
    path : str or Path
        Ending in ``.xlsx`` for a workbook; anything else is a folder, made if it is not there, with ``;`` and UTF-8.

    Returns
    -------
    Path
        What was written.

    Examples
    --------
    >>> import tempfile, datetime
    >>> from competence.model import Person
    >>> staff = Staff(people=(Person(person_id="7", name="Eva Lind"),), as_of=datetime.date(2026, 3, 1))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     print(sorted(p.name for p in write_staff(staff, f"{folder}/out").iterdir()))
    ['personal.csv']
    """
    tables = staff.to_tables()
    sheets: dict[str, list[dict[str, Any]]] = {}
    for table in TABLES:
        rows = [dict(row) for row in tables.get(table, ())]
        if table == "evidence":
            rows = [r for r in rows if not (r["statement_id"] and str(r["evidence_id"]).startswith(f"{r['statement_id']}#"))]
        if not rows:
            continue
        asked = staff.opt_in_columns if table == "people" else frozenset()
        used = [c for c in TABLE_COLUMNS[table] if c in asked or (c not in OPT_INS and any(r[c] not in (None, "") for r in rows))]
        sheets[SHEETS[table][0]] = [{HEADINGS[table][c][0]: _swedish(table, c, row[c]) for c in used} for row in rows]
    return write_tables(sheets, path)


def _swedish(table: str, column: str, value: Any) -> Any:
    kind = _ENUMS.get((table, column))
    if kind is not None and value:
        return "" if value == OptIn.NOT_ASKED and kind is OptIn else written(kind(value))
    return ("ja" if value else "nej") if isinstance(value, bool) else value


def write_tables(tables: Mapping[str, Any], path: str | Path) -> Path:
    """Write tables to an xlsx (a sheet each), to a CSV file (one table) or to a folder of CSV files.

    Sheets get frozen, filtered headings and fitting widths. A text is always written as text: in a workbook by its
    type, in CSV with a leading apostrophe where a spreadsheet would take it for a formula. Equal tables give equal bytes.

    Parameters
    ----------
    tables : mapping of name to rows or DataFrame
        Rows are mappings of heading to value; the headings are those of all rows, in order of appearance.
    path : str or Path
        Its ending decides: ``.xlsx``, ``.csv``, else a folder.

    Returns
    -------
    Path
        What was written.

    Raises
    ------
    InputError
        If there is no table, or several for one ``.csv``, or a table has more rows than a sheet can hold.
    """
    path = Path(path)
    plain = {name: _grid(rows) for name, rows in tables.items()}
    if not plain:
        raise InputError("tables must have at least one table; got none")
    if path.suffix.lower() == ".xlsx":
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(_workbook(plain))
    elif path.suffix.lower() == ".csv":
        if len(plain) != 1:
            raise InputError(f"a .csv holds one table; got {len(plain)}: {', '.join(plain)}")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(_csv(*next(iter(plain.values()))))
    else:
        path.mkdir(parents=True, exist_ok=True)
        for name, (headings, rows) in plain.items():
            file_name = re.sub(r"[^\w-]+", "_", name.lower())
            (path / f"{file_name}.csv").write_bytes(_csv(headings, rows))
    return path


def _grid(table: Any) -> tuple[list[str], list[list[Any]]]:
    """Return headings and rows of a DataFrame or of a sequence of mappings."""
    if hasattr(table, "itertuples") and hasattr(table, "columns"):
        tidy = table.astype(object).where(table.notna(), None)
        rows = [[v.item() if hasattr(v, "item") else v for v in row] for row in tidy.itertuples(index=False, name=None)]
        return [str(c) for c in table.columns], rows
    records: Iterable[Mapping[str, Any]] = list(table)
    headings = list(dict.fromkeys(key for row in records for key in row))
    return [str(h) for h in headings], [[row.get(h) for h in headings] for row in records]


def _csv(headings: Sequence[str], rows: Sequence[Sequence[Any]]) -> bytes:
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=";", lineterminator="\r\n")
    writer.writerow([_safe(h) for h in headings])
    writer.writerows([[_csv_cell(v) for v in row] for row in rows])
    # With its mark, so that a double click in Excel shows å, ä and ö.
    return out.getvalue().encode("utf-8-sig")


def _csv_cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "ja" if value else "nej"
    if isinstance(value, float):
        return repr(value).replace(".", ",") if value == value else ""
    if isinstance(value, date):
        return value.isoformat()
    return _safe(str(value))


def _safe(text: str) -> str:
    """Put an apostrophe before what a spreadsheet would run (CWE-1236); reading takes it away again."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def _sheet_name(name: str, taken: set[str]) -> str:
    plain = re.sub(r"[\[\]:*?/\\]", " ", name).strip("' ")[:31] or "Blad"
    unique, number = plain, 2
    while unique.casefold() in taken:
        unique = f"{plain[:28]} {number}"
        number += 1
    taken.add(unique.casefold())
    return unique


def _workbook(tables: Mapping[str, tuple[list[str], list[list[Any]]]]) -> bytes:
    import xlsxwriter

    out = io.BytesIO()
    # Every text goes through write_string below; the options say it once more for what would be missed.
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    book = xlsxwriter.Workbook(out, options)
    book.set_properties({"created": _FIXED_DATE, "author": "", "comments": ""})
    bold = book.add_format({"bold": True, "bottom": 1, "text_wrap": True, "valign": "top"})
    day = book.add_format({"num_format": "yyyy-mm-dd"})
    taken: set[str] = set()
    for name, (headings, rows) in tables.items():
        if len(rows) >= _MOST_ROWS:
            raise InputError(f"{name}: a sheet holds {_MOST_ROWS - 1} rows; got {len(rows)}")
        sheet = book.add_worksheet(_sheet_name(name, taken))
        for j, heading in enumerate(headings):
            sheet.write_string(0, j, heading, bold)
        for i, row in enumerate(rows, start=1):
            for j, value in enumerate(row):
                if value is None or value == "":
                    continue
                if isinstance(value, bool):
                    sheet.write_string(i, j, "ja" if value else "nej")
                elif isinstance(value, int | float) and abs(value) < 1e15 and value == value:
                    sheet.write_number(i, j, value)
                elif isinstance(value, date):
                    sheet.write_datetime(i, j, value, day)
                else:
                    sheet.write_string(i, j, str(value)[:32_767])
        for j, heading in enumerate(headings):
            longest = max([len(heading), *(len(str(row[j])) for row in rows[:500] if row[j] is not None)])
            sheet.set_column(j, j, min(longest + 3, _WIDEST))
        sheet.freeze_panes(1, 0)
        if headings:
            sheet.autofilter(0, 0, max(len(rows), 1), len(headings) - 1)
    book.close()
    return out.getvalue()
