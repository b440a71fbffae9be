"""How a grid becomes a table: where its headings stand, which table it is, what each column means.

A recognised table is a :class:`Rows`: columns of raw cells by the name of the record field, the competence columns of a
matrix apart, and the fate of every row, so that rows read are always rows kept plus rows set aside.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import TypeVar

from competence.errors import Problem, ProblemEffect
from competence.io._files import MOST_COLUMNS, Grid, letters
from competence.io._headings import (
    HEADINGS,
    MULTIPLE,
    REQUIRED,
    fields_of,
    hinted_table,
    is_forbidden,
    is_known_useless,
    split_number,
)
from competence.io._values import Cell, Parsed, as_text, day, fold, has_personal_number, is_empty, is_formula
from competence.staff import RowCount

__all__ = ["IGNORE", "LETTERS", "MARKS", "Column", "Rows", "recognise"]

T = TypeVar("T")

IGNORE = "ignore"
"""What a caller maps a heading to that should not be read and not be told."""
_LOOK = 15
"""Rows looked through for the headings: exports put titles, dates and notes above them, seldom ten."""
_KEPT, _SET_ASIDE, _SILENT = 0, 1, 2
_MOST_ECHO = 60

MARKS: Mapping[str, int | None] = {**{str(n): n for n in range(6)}, "x": None, "ja": None, "nej": 0}
"""What a cell of a competence matrix may hold, folded, and what it says; 0 is nothing, None a level not stated."""
LETTERS = frozenset("abcde")


@dataclass(frozen=True, slots=True)
class Column:
    """One column: heading as written, the number at its end (``Chef 2``: 2), and its cells, one per row."""

    heading: str
    number: int
    cells: Sequence[Cell]


@dataclass(slots=True)
class Rows:
    """One table of one sheet, being read. Rows are addressed by position; ``numbers`` has the spreadsheet's row."""

    table: str
    label: str
    numbers: list[int] = field(default_factory=list)
    columns: dict[str, list[Column]] = field(default_factory=dict)
    matrix: list[Column] = field(default_factory=list)
    title: str = ""
    fate: bytearray = field(default_factory=bytearray)
    told: list[tuple[int, Problem]] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.numbers)

    def has(self, name: str) -> bool:
        """Say whether the table has a column for this field."""
        return name in self.columns

    def heading(self, name: str) -> str | None:
        """Return the heading of a field as the file writes it."""
        return self.columns[name][0].heading if name in self.columns else None

    def tell(
        self,
        row: int,
        code: str,
        effect: ProblemEffect = ProblemEffect.NOTICE,
        *,
        column: str | None = None,
        value: str | None = None,
        detail: str = "",
        count: int = 1,
    ) -> None:
        """Note a Problem at a row (-1: the whole table)."""
        if value is not None and has_personal_number(value):
            value = None
        number = self.numbers[row] if row >= 0 else None
        short = value if value is None or len(value) <= _MOST_ECHO else value[: _MOST_ECHO - 1] + "…"
        problem = Problem(
            code=code,
            table=self.table,
            row=number,
            column=column,
            value=short,
            effect=effect,
            detail=detail,
            count=count,
            file=self.label,
        )
        self.told.append((row, problem))

    def reject(self, row: int, code: str, *, column: str | None = None, value: str | None = None, detail: str = "") -> None:
        """Set a row aside and say why."""
        self.fate[row] = max(self.fate[row], _SET_ASIDE)
        self.tell(row, code, ProblemEffect.SET_ASIDE, column=column, value=value, detail=detail)

    def silence(self, row: int) -> None:
        """Set a row aside without a word: it belongs to a protected person."""
        self.fate[row] = _SILENT

    def open(self, row: int) -> bool:
        """Say whether the row is still used."""
        return self.fate[row] == _KEPT

    def parse(self, column: Column, parser: Callable[[Cell], Parsed[T]]) -> list[T]:
        """Parse one column; equal cells are parsed once, faults are told per row."""
        memo: dict[tuple[type, Cell], Parsed[T]] = {}
        values: list[T] = []
        for row, cell in enumerate(column.cells):
            key = (cell.__class__, cell)
            parsed = memo.get(key)
            if parsed is None:
                if is_formula(cell):
                    parsed = Parsed(parser(None).value, "formula_cell", ProblemEffect.CELL_DROPPED, echo=False)
                else:
                    parsed = parser(cell)
                memo[key] = parsed
            values.append(parsed.value)
            if parsed.code:
                self.tell(row, parsed.code, parsed.effect, column=column.heading, value=as_text(cell) if parsed.echo else None)
        return values

    def read(self, name: str, parser: Callable[[Cell], Parsed[T]]) -> list[T]:
        """Parse the column of a field; where there is none, every row has the value of an empty cell."""
        if name not in self.columns:
            return [parser(None).value] * len(self.numbers)
        return self.parse(self.columns[name][0], parser)

    def count(self) -> RowCount:
        """Count rows read, kept and set aside."""
        kept = self.fate.count(_KEPT)
        return RowCount(file=self.label, table=self.table, read=len(self.fate), kept=kept, set_aside=len(self.fate) - kept)

    def problems(self) -> list[Problem]:
        """Return what was told, in the order of the file, without a word on protected rows."""
        told = [(row, p) for row, p in self.told if row < 0 or self.fate[row] != _SILENT]
        return [p for _, p in sorted(told, key=lambda pair: pair[0])]

    def title_day(self) -> date | None:
        """Return the day written above the headings, if there is exactly one."""
        days = {d for t in re.findall(r"\d{4}-\d{2}-\d{2}", self.title) if (d := day(t).value) is not None}
        return days.pop() if len(days) == 1 else None


def recognise(grid: Grid, columns: Mapping[str, str]) -> Rows:
    """Find headings, table and columns of a grid.

    Parameters
    ----------
    grid : Grid
        Raw cells.
    columns : mapping of folded heading to field
        What the caller said headings mean; wins over what is known.

    Returns
    -------
    Rows
        With table ``unknown`` and every row set aside if no table is recognised.
    """
    filled = [i for i, row in enumerate(grid.rows) if not all(map(is_empty, row))]
    if not filled:
        rows = Rows("unknown", grid.label, told=[(-1, p) for p in grid.problems])
        rows.tell(-1, "sheet_empty")
        return rows
    head = _head_row(grid, filled[:_LOOK], columns)
    if head is None:
        return _unknown(grid, filled, "sheet_unknown")
    headings, groups, last = _headings(grid, head, columns)
    if sum(1 for h in headings if h) > MOST_COLUMNS:
        return _unknown(grid, [i for i in filled if i > last], "too_many_columns")
    table, missing = _which(headings, columns, grid)
    if table is None:
        return _unknown(grid, filled, "sheet_unknown")
    body = [i for i in filled if i > last]
    rows = Rows(table, grid.label, numbers=[grid.first_row + i for i in body], fate=bytearray(len(body)))
    rows.told = [(-1, p) for p in grid.problems]
    rows.title = "\n".join(" ".join(as_text(c) for c in grid.rows[i] if not is_empty(c)) for i in filled if i < head)
    if last > head or groups:
        rows.tell(-1, "header_two_rows")
    if missing:
        for row in range(len(rows)):
            rows.fate[row] = _SET_ASIDE
        rows.tell(-1, "heading_missing", ProblemEffect.SET_ASIDE, detail=", ".join(HEADINGS[table][m][0] for m in missing),
                  count=max(len(rows), 1))  # fmt: skip
        return rows
    _fill_merged(grid, last, rows)
    width = max(len(headings), max((len(grid.rows[i]) for i in body), default=0))
    padded = [row + [""] * (width - len(row)) if len(row) < width else row for row in (grid.rows[i] for i in body)]
    cells: list[Sequence[Cell]] = list(zip(*padded, strict=True)) if padded else [()] * width
    _assign(rows, headings, cells, columns)
    _repeated_heads(rows, headings, padded)
    return rows


def _unknown(grid: Grid, filled: Sequence[int], code: str) -> Rows:
    rows = Rows("unknown", grid.label, numbers=[grid.first_row + i for i in filled], fate=bytearray([_SET_ASIDE]) * len(filled))
    rows.told = [(-1, p) for p in grid.problems]
    rows.tell(-1, code, ProblemEffect.SET_ASIDE, count=max(len(filled), 1))
    return rows


def _field(table: str, heading: str, columns: Mapping[str, str]) -> str | None:
    if not heading:
        return None
    told = columns.get(fold(heading))
    if told is not None and (told in HEADINGS[table] or told == IGNORE):
        return None if told == IGNORE else told
    # One of the forbidden headings can also be a synonym; what we must not hold goes first.
    return None if is_forbidden(heading) else fields_of(table, heading)


def _known(row: Sequence[Cell], columns: Mapping[str, str]) -> int:
    """Count the fields that a row of headings gives the table it suits best."""
    texts = [as_text(c) for c in row if isinstance(c, str) and not is_empty(c)]
    return max(len({f for t in texts if (f := _field(table, t, columns))}) for table in HEADINGS)


def _head_row(grid: Grid, candidates: Sequence[int], columns: Mapping[str, str]) -> int | None:
    """Choose the row with most known headings, then with most filled text cells, then the first."""
    best, best_score = None, (0, 0)
    for i in candidates:
        score = (_known(grid.rows[i], columns), sum(1 for c in grid.rows[i] if isinstance(c, str) and not is_empty(c)))
        if score[0] > 0 and score > best_score:
            best, best_score = i, score
    return best


def _is_mark(cell: Cell) -> bool:
    key = as_text(cell).casefold()
    return key in MARKS or key in LETTERS


def _headings(grid: Grid, head: int, columns: Mapping[str, str]) -> tuple[list[str], bool, int]:
    """Return the headings, whether groups above were used, and the last row that headings take.

    Two rows of headings come in two shapes: group names above (the lower row rules, the upper fills its blanks), or
    known headings merged downwards beside groups that are split below (the lower row rules where it has words).
    """
    upper = [as_text(c) for c in grid.rows[head]]
    last = head
    below = grid.rows[head + 1] if head + 1 < len(grid.rows) else []
    known = {j for j, h in enumerate(upper) if any(_field(t, h, columns) for t in HEADINGS)}
    words = [j for j, c in enumerate(below) if isinstance(c, str) and not is_empty(c) and not _is_mark(c)]
    if (
        len(words) >= 2
        and not known.intersection(j for j, c in enumerate(below) if not is_empty(c))
        and len(words) == sum(not is_empty(c) for c in below)
    ):
        # Below known headings nothing, beside them only words: a second row of headings, not a row about somebody.
        last = head + 1
        width = max(len(upper), len(below))
        upper += [""] * (width - len(upper))
        lower = [as_text(c) for c in below] + [""] * (width - len(below))
        headings = [low or up for low, up in zip(lower, upper, strict=True)]
        return _apart(headings, _spread(grid, head, upper)), True, last
    above = grid.rows[head - 1] if head > 0 else []
    group = [as_text(c) for c in above] + [""] * (len(upper) - len(above))
    used = False
    if sum(1 for g in group if g) >= 2:
        for j in range(min(len(upper), len(group))):
            # Only a single cell above a blank one is its heading; a wide merged one is a group's name.
            if not upper[j] and group[j] and any(not is_empty(r[j]) for r in grid.rows[head + 1 : head + 6] if j < len(r)):
                upper[j], used = group[j], True
        separate = _apart(upper, _spread(grid, head - 1, group))
        return separate, used or separate != upper or _is_grouped(grid, head - 1), last
    return upper, False, last


def _is_grouped(grid: Grid, row: int) -> bool:
    return (
        any(r0 <= row <= r1 and c1 > c0 for r0, c0, r1, c1 in grid.merged) and sum(not is_empty(c) for c in grid.rows[row]) >= 2
    )


def _spread(grid: Grid, row: int, texts: Sequence[str]) -> list[str]:
    """Give each column the group it stands under: by the merged cells, else the nearest group name to the left."""
    spread = list(texts)
    ranges = {(r0, c0): c1 for r0, c0, _, c1 in grid.merged if r0 == row}
    current, until = "", -1
    for j, own in enumerate(texts):
        if own:
            current, until = own, ranges.get((row, j), len(texts) if not ranges else j)
        spread[j] = current if j <= until else ""
    return spread


def _apart(headings: list[str], groups: Sequence[str]) -> list[str]:
    """Put the group's name before headings that stand twice, so that ``Nivå`` under two groups are two."""
    twice = {h for h in headings if h and headings.count(h) > 1}
    return [
        f"{g} {h}" if h in twice and g and g != h else h for h, g in zip(headings, [*groups, *[""] * len(headings)], strict=False)
    ]


def _which(headings: Sequence[str], columns: Mapping[str, str], grid: Grid) -> tuple[str | None, tuple[str, ...]]:
    """Choose the table whose fields the headings suit best; also return the required fields it lacks.

    A heading counts the more the fewer tables know it; the sheet's name counts as two headings of its own.
    """
    fields = {t: {f for h in headings if (f := _field(t, h, columns))} for t in HEADINGS}
    sharing = {h: sum(1 for t in HEADINGS if _field(t, h, columns)) for h in set(headings)}
    hint = grid.table or hinted_table(grid.name)

    def score(table: str) -> float:
        own: dict[str, float] = {}
        for heading in headings:
            name = _field(table, heading, columns)
            if name:
                own[name] = max(own.get(name, 0.0), 1 / sharing[heading])
        return len(own) + sum(own.values()) + (3.0 if table == hint else 0.0)

    def lacks(table: str) -> tuple[str, ...]:
        return tuple(group[0] for group in REQUIRED[table] if not fields[table].intersection(group))

    if grid.table is not None:
        return grid.table, lacks(grid.table)
    whole = [t for t in HEADINGS if not lacks(t)]
    if whole:
        best = max(whole, key=score)
        if (
            best == "people"
            and "units" in whole
            and hint is None
            and not fields["people"] - {"unit_id", "name", "manager_ids", "site", "start", "end"}
        ):
            # Code, name and managers suit units and people alike: a list of units has each code once, and few more columns.
            spare = [h for h in headings if h and not _field("people", h, columns)]
            if "unit_id" in fields["people"] and not spare and _all_different(headings, columns, grid):
                best = "units"
        return best, ()
    best = max(HEADINGS, key=score)
    if len(fields[best]) >= 2 or (hint == best and fields[best]):
        return best, lacks(best)
    return None, ()


def _all_different(headings: Sequence[str], columns: Mapping[str, str], grid: Grid) -> bool:
    place = next(j for j, h in enumerate(headings) if _field("people", h, columns) == "unit_id")
    values = [as_text(r[place]) for r in grid.rows if place < len(r) and not is_empty(r[place])]
    return len(values) == len(set(values))


def _fill_merged(grid: Grid, last: int, rows: Rows) -> None:
    """Give every row under a downward merged cell its value; cells merged sideways are only told."""
    filled = sideways = 0
    for r0, c0, r1, c1 in grid.merged:
        if r0 <= last:
            continue
        if c1 > c0:
            sideways += 1
        for i in range(r0 + 1, min(r1 + 1, len(grid.rows))):
            row = grid.rows[i]
            if not all(map(is_empty, row)):
                row += [""] * (c0 + 1 - len(row))
                row[c0] = grid.rows[r0][c0]
                filled += 1
    if filled:
        rows.tell(-1, "merged_cells_filled", ProblemEffect.CHANGED, count=filled)
    if sideways:
        rows.tell(-1, "merged_cells", count=sideways)


def _assign(rows: Rows, headings: Sequence[str], cells: Sequence[Sequence[Cell]], columns: Mapping[str, str]) -> None:
    """Give each column its field, take it for a competence, or drop it by name."""
    seen: set[str] = set()
    for j, values in enumerate(cells):
        heading = headings[j] if j < len(headings) else ""
        if not heading:
            lost = sum(1 for c in values if not is_empty(c))
            if lost:
                rows.tell(-1, "column_no_heading", ProblemEffect.CELL_DROPPED, column=letters(j + 1), count=lost)
            continue
        if has_personal_number(heading):
            rows.tell(-1, "column_unknown", column=letters(j + 1))
            continue
        name = _field(rows.table, heading, columns)
        column = Column(heading, split_number(heading)[1], values)
        if name is not None:
            if name == "unit_id" and name in rows.columns and rows.table == "people" and "unit_name" not in rows.columns:
                # ENHET_KOD and ENHET side by side: the one is the key, the other its name.
                rows.columns["unit_name"] = [column]
                if _is_code(heading) and not _is_code(rows.columns["unit_id"][0].heading):
                    rows.columns["unit_name"], rows.columns["unit_id"] = rows.columns["unit_id"], [column]
            elif name in rows.columns and name not in MULTIPLE:
                rows.tell(-1, "column_duplicate", ProblemEffect.CELL_DROPPED, column=heading)
            else:
                rows.columns.setdefault(name, []).append(column)
        elif columns.get(fold(heading)) == IGNORE:
            continue
        elif is_forbidden(heading):
            rows.tell(-1, "column_forbidden", column=heading)
        elif rows.table != "people" or is_known_useless(heading):
            rows.tell(-1, "column_unknown", column=heading)
        elif fold(heading) in seen:
            rows.tell(-1, "column_duplicate", ProblemEffect.CELL_DROPPED, column=heading)
        else:
            seen.add(fold(heading))
            rows.matrix.append(column)


def _is_code(heading: str) -> bool:
    return fold(heading).endswith(("kod", "id", "nr", "code"))


def _repeated_heads(rows: Rows, headings: Sequence[str], padded: Sequence[Sequence[Cell]]) -> None:
    """Set aside headings that a report repeats on every page."""
    first = next((j for j, h in enumerate(headings) if h), None)
    if first is None:
        return
    wanted = [h for h in headings if h]
    for row, cells in enumerate(padded):
        if as_text(cells[first]) == headings[first] and [as_text(cells[j]) for j, h in enumerate(headings) if h] == wanted:
            rows.reject(row, "header_repeated")
