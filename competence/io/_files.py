"""How a path, a folder or a DataFrame becomes grids of raw cells, safely.

Nothing here knows what a heading means, except that the CSV sniffer prefers the delimiter that gives known headings.
A file that is not what it says, or too large to open, ends in an :class:`~competence.errors.UnreadableFileError`
of one line; everything milder is a Problem on the grid.
"""

from __future__ import annotations

import csv
import hashlib
import html
import io
import re
import zipfile
import zlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import python_calamine

from competence.errors import InputError, Problem, ProblemEffect, UnreadableFileError
from competence.io._headings import HEADINGS, fields_of
from competence.io._values import Cell
from competence.staff import TABLES

__all__ = ["MOST_COLUMNS", "Found", "Grid", "decoded", "grids_of", "letters", "unpack", "unreadable"]

WORKBOOKS = frozenset({".xlsx", ".xlsm", ".xlsb", ".ods", ".xls"})
TEXTS = frozenset({".csv", ".tsv", ".txt"})

MOST_BYTES = 500_000_000
"""Unpacked size of one file. 60 000 people in 40 columns unpack to about 120 MB; more is a mistake or an attack."""
MOST_RATIO = 200
"""Unpacked by packed size, for members above 10 MB. Real sheets pack 5-30 times; deflate's limit is 1032."""
MOST_CELLS = 30_000_000
"""Cells between A1 and the last cell used: one stray mark in XFD1048576 would otherwise ask for 17 thousand million."""
MOST_COLUMNS = 1000


@dataclass(slots=True)
class Grid:
    """The cells of one sheet or text file, as they stand.

    ``label`` is the file's name (with ``!sheet`` where there is one), ``name`` what hints at the table, ``rows`` the
    cells, the first of them being spreadsheet row ``first_row``. ``merged`` holds (row, column, last row, last column), counted
    from 0 in ``rows``. ``table`` is set when the caller said which table it is.
    """

    label: str
    name: str
    rows: list[list[Cell]]
    first_row: int = 1
    merged: tuple[tuple[int, int, int, int], ...] = ()
    table: str | None = None
    problems: list[Problem] = field(default_factory=list)


@dataclass(slots=True)
class Found:
    """All grids of one source, what was told on the way, the files' digests, and the days they were saved."""

    grids: list[Grid] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    sources: list[tuple[str, str]] = field(default_factory=list)
    saved: list[date] = field(default_factory=list)


def unreadable(name: str, why: str) -> UnreadableFileError:
    """Return the error for a file that cannot be read, worded by ``file_<why>``."""
    problem = Problem(code=f"file_{why}", file=name, table=name, effect=ProblemEffect.SET_ASIDE)
    return UnreadableFileError(f"{name}: {problem.message('en')}", problem)


def grids_of(source: Any) -> Found:
    """Return every grid of a path, folder, DataFrame, or several of them.

    Raises
    ------
    UnreadableFileError
        If the only file there is cannot be opened; among several it is told as a Problem.
    InputError
        If the source is none of these, or an empty folder.
    """
    found = Found()
    if _is_frame(source):
        found.grids.append(_frame_grid(source, "DataFrame", None))
    elif isinstance(source, str | Path):
        path = Path(source)
        if path.is_dir():
            _folder(path, found)
        else:
            _file(path, found)
    elif isinstance(source, Mapping):
        for name, value in source.items():
            _named(str(name), value, found)
    elif isinstance(source, Iterable):
        for number, value in enumerate(source, start=1):
            if _is_frame(value):
                found.grids.append(_frame_grid(value, f"DataFrame {number}", None))
            elif isinstance(value, str | Path):
                path = Path(value)
                if path.is_dir():
                    _folder(path, found)
                else:
                    _file(path, found)
            else:
                raise InputError(f"source must hold paths and DataFrames; got {type(value).__name__}")
    else:
        raise InputError(f"source must be a path, a folder, a DataFrame or several of them; got {type(source).__name__}")
    return found


def _is_frame(value: object) -> bool:
    """Say whether this is a pandas DataFrame, without importing pandas."""
    return hasattr(value, "itertuples") and hasattr(value, "columns")


def _named(name: str, value: object, found: Found) -> None:
    """Take one entry of a mapping, whose name says the table where it is one of the known."""
    table = name if name in TABLES else None
    if _is_frame(value):
        found.grids.append(_frame_grid(value, name, table))
    elif isinstance(value, str | Path):
        before = len(found.grids)
        _file(Path(value), found)
        for grid in found.grids[before:]:
            grid.table = table
    elif isinstance(value, Iterable):
        rows = [dict(row) for row in value]
        headings = list(dict.fromkeys(key for row in rows for key in row))
        cells: list[list[Cell]] = [[str(h) for h in headings], *([_plain_cell(row.get(h)) for h in headings] for row in rows)]
        found.grids.append(Grid(name, name, cells, table=table))
    else:
        raise InputError(f"table {name!r} must be a DataFrame, a path or rows; got {type(value).__name__}")


def _plain_cell(value: Any) -> Cell:
    """Return a value as a sheet would hold it: numpy and pandas scalars plain, whatever else as its text."""
    if hasattr(value, "to_pydatetime"):
        stamp: datetime = value.to_pydatetime()
        return stamp
    if value is None or isinstance(value, str | int | float | date | time | timedelta):
        return value
    return _plain_cell(value.item()) if hasattr(value, "item") and getattr(value, "ndim", 1) == 0 else str(value)


def _frame_grid(frame: Any, name: str, table: str | None) -> Grid:
    """Take a DataFrame as the sheet it would be written to: headings in row 1, no index."""
    tidy = frame.astype(object).where(frame.notna(), None)
    rows = [[_plain_cell(value) for value in row] for row in tidy.itertuples(index=False, name=None)]
    depth = getattr(frame.columns, "nlevels", 1)
    heads: list[list[Cell]] = [
        [str(c[level]) if isinstance(c, tuple) else str(c) for c in frame.columns] for level in range(depth)
    ]
    return Grid(name, name, [*heads, *rows], table=table)


def _folder(path: Path, found: Found) -> None:
    """Read every file of a folder in name order; one unreadable file does not stop the others."""
    entries = sorted((p for p in path.iterdir() if not p.name.startswith((".", "~$"))), key=lambda p: p.name)
    files = [p for p in entries if p.is_file() and p.suffix.lower() in WORKBOOKS | TEXTS]
    for entry in entries:
        if entry not in files:
            found.problems.append(Problem(code="file_skipped", file=entry.name, table=entry.name))
    if not files:
        raise InputError(f"{path.name}: no file to read; allowed are {', '.join(sorted(WORKBOOKS | TEXTS))}")
    errors: list[UnreadableFileError] = []
    for entry in files:
        try:
            _file(entry, found)
        except UnreadableFileError as error:
            errors.append(error)
            if error.problem is not None:
                found.problems.append(error.problem)
    if len(errors) == len(files):
        raise errors[0]


def _file(path: Path, found: Found) -> None:
    try:
        data = path.read_bytes()
        found.saved.append(datetime.fromtimestamp(path.stat().st_mtime, tz=UTC).date())
    except FileNotFoundError:
        raise unreadable(path.name, "missing") from None
    except OSError:
        raise unreadable(path.name, "no_access") from None
    found.sources.append((path.name, hashlib.sha256(data).hexdigest()))
    if not data.strip():
        raise unreadable(path.name, "empty")
    if data[:4] in (b"PK\x03\x04", b"PK\x05\x06") or data[:8] == b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1":
        found.grids.extend(_workbook(path.name, data))
        return
    suffix = path.suffix.lower()
    if suffix in WORKBOOKS and b"\0" in data[:4096] and data[:2] not in (b"\xff\xfe", b"\xfe\xff"):
        raise unreadable(path.name, "damaged")
    grid = _text_grid(path.name, data)
    if suffix in WORKBOOKS:
        # HR systems often write plain tables and call them .xls; Excel opens them, so they are read.
        grid.problems.append(Problem(code="file_type_differs", file=path.name, table=path.name, column=suffix))
    found.grids.append(grid)


# Workbooks


def unpack(
    name: str,
    data: bytes,
    wanted: Callable[[str], bool],
    *,
    most: int = MOST_BYTES,
    refused: Callable[[str, str], UnreadableFileError] = unreadable,
) -> dict[str, bytes]:
    """Return the members that are wanted by name, after counting what every member truly unpacks to.

    Sizes in a zip's directory are only claims, so each member is unpacked in pieces and counted before the reader
    sees the file. ``refused`` words what is wrong.
    """
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
        members = archive.infolist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError, EOFError, UnicodeDecodeError):
        raise refused(name, "damaged") from None
    if any(m.flag_bits & 1 for m in members):
        raise refused(name, "password")
    if len(members) > 10_000 or sum(m.file_size for m in members) > most:
        raise refused(name, "too_large")
    total = 0
    kept: dict[str, bytes] = {}
    for member in members:
        start = member.header_offset
        if data[start : start + 4] != b"PK\x03\x04":
            raise refused(name, "damaged")
        begin = start + 30 + int.from_bytes(data[start + 26 : start + 28], "little")
        begin += int.from_bytes(data[start + 28 : start + 30], "little")
        packed = memoryview(data)[begin : begin + member.compress_size]
        keep = wanted(member.filename)
        pieces: list[bytes] = []
        size = 0
        if member.compress_type == zipfile.ZIP_STORED:
            size = len(packed)
            pieces = [bytes(packed)] if keep else []
        elif member.compress_type == zipfile.ZIP_DEFLATED:
            unpacker = zlib.decompressobj(-zlib.MAX_WBITS)
            rest: bytes | memoryview = packed
            try:
                while rest and not unpacker.eof:
                    piece = unpacker.decompress(rest, 1 << 22)
                    rest = unpacker.unconsumed_tail
                    size += len(piece)
                    if total + size > most or (size > 10_000_000 and size > MOST_RATIO * len(packed)):
                        raise refused(name, "too_large")
                    if keep:
                        pieces.append(piece)
            except zlib.error:
                raise refused(name, "damaged") from None
        else:
            raise refused(name, "damaged")
        total += size
        if total > most:
            raise refused(name, "too_large")
        if keep:
            kept[member.filename] = b"".join(pieces)
    return kept


def _is_of_a_workbook(member: str) -> bool:
    return member.startswith(("xl/worksheets/", "xl/workbook", "xl/_rels/")) or member in _ODS_PARTS


_ODS_PARTS = frozenset({"content.xml", "META-INF/manifest.xml"})


def _column_number(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number


_ROW_HIDDEN = re.compile(rb'<row\b[^>]*?\bhidden="(?:1|true)"')
_CELL_AT = re.compile(rb'<c\b[^>]*?\br="([A-Z]{1,3})(\d{1,7})"')
_EMPTY_FORMULA = re.compile(
    rb'<c\b[^>]*?\br="([A-Z]{1,3})(\d{1,7})"[^>]*>\s*<f\b[^>]*?(?:/>|>[^<]*</f>)\s*(?:<v\s*/>|<v></v>)?\s*</c>'
)
_DIMENSION = re.compile(rb'<dimension\b[^>]*?ref="[A-Z]+\d+:([A-Z]{1,3})(\d{1,7})"')


def _sheet_facts(name: str, xml: bytes) -> tuple[int, list[tuple[int, int]]]:
    """Return how many rows are hidden and where formulas without a saved value stand; refuse impossible areas."""
    places = _CELL_AT.findall(xml)
    last_row = max(map(int, {row for _, row in places}), default=0)
    last_column = max(map(_column_number, {column for column, _ in places}), default=0)
    if last_row * last_column > MOST_CELLS:
        raise unreadable(name, "too_many_cells")
    formulas = [(int(m[2]), _column_number(m[1])) for m in _EMPTY_FORMULA.finditer(xml)] if b"<f" in xml else []
    return len(_ROW_HIDDEN.findall(xml)), formulas


def _sheet_files(parts: Mapping[str, bytes]) -> dict[str, str]:
    """Map each sheet's name to its file inside an xlsx."""
    targets = {}
    for match in re.finditer(rb"<Relationship\b[^>]*>", parts.get("xl/_rels/workbook.xml.rels", b"")):
        key, target = re.search(rb'\bId="([^"]*)"', match[0]), re.search(rb'\bTarget="([^"]*)"', match[0])
        if key and target:
            place = target[1].decode("utf-8", "replace")
            targets[key[1]] = place.lstrip("/") if place.startswith("/") else f"xl/{place}"
    sheets = {}
    for match in re.finditer(rb"<sheet\b[^>]*>", parts.get("xl/workbook.xml", b"")):
        title, key = re.search(rb'\bname="([^"]*)"', match[0]), re.search(rb'\br:id="([^"]*)"', match[0])
        if title and key and key[1] in targets:
            sheets[html.unescape(title[1].decode("utf-8", "replace"))] = targets[key[1]]
    return sheets


_ODS_CELL = re.compile(rb"<table:table-cell\b[^>]*?office:value-type[^>]*>")
_ODS_ROW = re.compile(rb'<table:table-row\b[^>]*?number-rows-repeated="(\d+)"[^>]*>(.*?)</table:table-row>', re.DOTALL)
_ODS_TIMES = re.compile(rb'number-columns-repeated="(\d+)"')


def _check_ods(name: str, xml: bytes) -> None:
    """Refuse an ods whose filled cells or rows are repeated beyond any real table."""
    for cell in _ODS_CELL.finditer(xml):
        times = _ODS_TIMES.search(cell[0])
        if times and int(times[1]) > MOST_COLUMNS:
            raise unreadable(name, "too_many_cells")
    for row in _ODS_ROW.finditer(xml):
        if int(row[1]) > 10_000 and b"office:value-type" in row[2]:
            raise unreadable(name, "too_many_cells")


def _workbook(name: str, data: bytes) -> list[Grid]:
    # Excel wraps a locked workbook in a compound file; the reader only says that it knows no such format.
    if "EncryptedPackage".encode("utf-16-le") in data[:1_000_000]:
        raise unreadable(name, "password")
    parts = unpack(name, data, _is_of_a_workbook) if data[:2] == b"PK" else {}
    facts = {part: _sheet_facts(name, xml) for part, xml in parts.items() if part.startswith("xl/worksheets/")}
    if b"encryption-data" in parts.get("META-INF/manifest.xml", b""):
        raise unreadable(name, "password")
    _check_ods(name, parts.get("content.xml", b""))
    files = _sheet_files(parts)
    book = _open(name, data)
    grids = []
    for sheet in book.sheets_metadata:
        if sheet.typ != python_calamine.SheetTypeEnum.WorkSheet:
            continue
        label = f"{name}!{sheet.name}"
        rows, merged = _sheet_rows(name, book, sheet.name)
        grid = Grid(label, sheet.name, rows, merged=merged)
        if sheet.visible != python_calamine.SheetVisibleEnum.Visible:
            grid.problems.append(Problem(code="sheet_hidden", file=label, table=sheet.name))
        hidden, formulas = facts.get(files.get(sheet.name, ""), (0, []))
        if hidden:
            grid.problems.append(Problem(code="hidden_rows", count=hidden, file=label, table=sheet.name))
        for row, column in formulas:
            if row <= len(rows) and column <= len(rows[row - 1]):
                grid.problems.append(
                    Problem(
                        code="formula_cell",
                        row=row,
                        column=letters(column),
                        effect=ProblemEffect.CELL_DROPPED,
                        file=label,
                        table=sheet.name,
                    )
                )
        grids.append(grid)
    if not grids:
        raise unreadable(name, "empty")
    return grids


def letters(column: int) -> str:
    """Return the letters of a column as spreadsheets show them, 1 being A."""
    found = ""
    while column:
        column, rest = divmod(column - 1, 26)
        found = chr(65 + rest) + found
    return found


def _guarded(name: str, fault: BaseException) -> UnreadableFileError:
    """Turn what the reader raises into one line; anything that is not its own is raised again."""
    if isinstance(fault, python_calamine.PasswordError):
        return unreadable(name, "password")
    # A fault inside the Rust reader surfaces as pyo3's PanicException, which derives from BaseException and cannot
    # be imported; a damaged file must not end in a traceback for that.
    if isinstance(fault, python_calamine.CalamineError | OSError | ValueError) or type(fault).__name__ == "PanicException":
        if "password" in str(fault).lower() or "encrypt" in str(fault).lower():
            return unreadable(name, "password")
        return unreadable(name, "damaged")
    raise fault


def _open(name: str, data: bytes) -> python_calamine.CalamineWorkbook:
    try:
        return python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(data))
    except BaseException as fault:  # noqa: BLE001 - re-raised unless it is the reader's own, see _guarded
        raise _guarded(name, fault) from None


def _sheet_rows(
    name: str, book: python_calamine.CalamineWorkbook, sheet_name: str
) -> tuple[list[list[Cell]], tuple[tuple[int, int, int, int], ...]]:
    try:
        sheet = book.get_sheet_by_name(sheet_name)
        if sheet.total_height * sheet.total_width > MOST_CELLS:
            raise unreadable(name, "too_many_cells")
        rows: list[list[Cell]] = [list(row) for row in sheet.to_python(skip_empty_area=False)]
        ranges = sheet.merged_cell_ranges or []
    except UnreadableFileError:
        raise
    except BaseException as fault:  # noqa: BLE001 - re-raised unless it is the reader's own, see _guarded
        raise _guarded(name, fault) from None
    merged = tuple(sorted((a[0], a[1], b[0], b[1]) for a, b in ranges))
    return rows, merged


# Text files

_MOJIBAKE = ("Ã¥", "Ã¤", "Ã¶", "Ã…", "Ã„", "Ã–", "Ã©")


def decoded(name: str, data: bytes) -> tuple[str, list[Problem]]:
    """Decode UTF-8, UTF-16 with its mark, cp1252 or the old DOS page; tell what had to be mended."""
    mended = Problem(code="encoding_repaired", effect=ProblemEffect.CHANGED, file=name, table=name)
    doubtful = Problem(code="encoding_doubtful", file=name, table=name)
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        try:
            return data.decode("utf-16"), []
        except UnicodeDecodeError:
            raise unreadable(name, "damaged") from None
    if b"\0" in data:
        raise unreadable(name, "not_a_table")
    try:
        plain = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        plain = data.decode("cp1252", "replace")
        # In cp437 and cp850 å ä ö are 86 84 94, which cp1252 shows as dagger and quotes inside words.
        if re.search(r"[A-Za-z][†„”][a-z]|[a-z][†„”]", plain) and not re.search("[åäöÅÄÖ]", plain):
            return data.decode("cp850", "replace"), [mended]
    problems = []
    if any(m in plain for m in _MOJIBAKE):
        try:
            plain = plain.encode("cp1252").decode("utf-8")
            problems.append(mended)
        except UnicodeError:
            problems.append(doubtful)
    elif "\ufffd" in plain:
        problems.append(doubtful)
    return plain, problems


def _is_heading(cell: str) -> bool:
    return bool(cell.strip()) and any(fields_of(table, cell) for table in HEADINGS)


def _rows_of(plain: str, delimiter: str, most: int | None = None) -> list[list[str]]:
    rows = []
    for row in csv.reader(io.StringIO(plain, newline=""), delimiter=delimiter):
        rows.append(row)
        if most is not None and len(rows) >= most:
            break
    return rows


def _delimiter(plain: str) -> str:
    """Choose the delimiter that gives most known headings in one row, then the most even number of cells."""
    first = plain.split("\n", 1)[0].strip()
    if first.lower().startswith("sep=") and len(first) == 5:
        return first[4]
    sample = "\n".join(plain.splitlines()[:60])
    best, best_score = ";", (-1.0, -1.0)
    for delimiter in (";", "\t", ",", "|"):
        rows = [r for r in _rows_of(sample, delimiter, 40) if any(c.strip() for c in r)]
        known = max((sum(map(_is_heading, r)) for r in rows), default=0)
        lengths = sorted(len(r) for r in rows)
        usual = lengths[len(lengths) // 2] if lengths else 0
        even = sum(n == usual for n in lengths) / len(lengths) if lengths else 0.0
        if (known, usual * even) > best_score:
            best, best_score = delimiter, (float(known), usual * even)
    return best


def _text_grid(name: str, data: bytes) -> Grid:
    plain, problems = decoded(name, data)
    if plain.lstrip()[:1] == "<":
        raise unreadable(name, "not_a_table")
    if sum(not (c.isprintable() or c in "\r\n\t") for c in plain[:2000]) > 20:
        raise unreadable(name, "not_a_table")
    # One cell may hold a long text; Python's own limit of 131 072 characters would end in a traceback.
    limit = csv.field_size_limit(10_000_000)
    try:
        rows = _rows_of(plain, _delimiter(plain))
    except csv.Error:
        raise unreadable(name, "not_a_table") from None
    finally:
        csv.field_size_limit(limit)
    if rows and rows[0] and len(rows[0]) <= 2 and rows[0][0].strip().lower().startswith("sep="):
        rows[0] = []
    cells: list[list[Cell]] = [list(row) for row in rows]
    return Grid(name, name.rsplit(".", 1)[0], cells, problems=problems)
