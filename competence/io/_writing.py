"""How tables become workbooks and CSV files: the same bytes for the same content, and no text ever run as a formula."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

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

if TYPE_CHECKING:
    import networkx as nx

    from competence.graph import CompetenceGraph

__all__ = ["write_graph", "write_staff", "write_tables"]

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


def write_graph(
    graph: CompetenceGraph | nx.Graph[Any],
    path: str | Path,
    *,
    people: Sequence[str] | None = None,
    units: Sequence[str] | None = None,
) -> Path:
    """Write a graph as GraphML or as node-link JSON, for Gephi, yEd, networkx and other programs.

    Parameters
    ----------
    graph : CompetenceGraph or networkx graph
        A CompetenceGraph is written as its ``to_networkx`` gives it: what its audience may see, never what was inferred.
    path : str or Path
        Its ending decides: ``.graphml``, or ``.json`` for node-link form.
    people, units : sequence of str or None
        What is asked for of a CompetenceGraph; None is everything.

    Returns
    -------
    Path
        What was written.

    Raises
    ------
    InputError
        If the ending is neither, or people or units are given with a networkx graph.
    UnknownIdError
        If a person or unit does not exist.

    Notes
    -----
    GraphML knows neither lists nor empty values (http://graphml.graphdrawing.org): a list becomes its values with ``; ``
    between, an empty value is left out. JSON keeps both. Equal graphs give equal bytes. O(nodes + edges).

    Examples
    --------
    >>> import tempfile, networkx as nx
    >>> net = nx.Graph()
    >>> net.add_node("a", label=None, tags=["x", "y"])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     print(nx.read_graphml(write_graph(net, f"{folder}/net.graphml")).nodes["a"])
    {'tags': 'x; y'}
    """
    import networkx as nx

    path = Path(path)
    suffix = path.suffix.lower()
    if suffix not in (".graphml", ".json"):
        raise InputError(f"path must end in .graphml or .json; got {path.name!r}")
    net: nx.Graph[Any]
    if isinstance(graph, nx.Graph):
        if people is not None or units is not None:
            raise InputError("people and units choose from a CompetenceGraph; a networkx graph is written whole")
        net = graph
    else:
        net = graph.to_networkx(people, units)
    path.parent.mkdir(parents=True, exist_ok=True)
    if suffix == ".json":
        data = nx.node_link_data(net, edges="links")
        path.write_text(json.dumps(data, ensure_ascii=False, indent=1, default=_plain_value) + "\n", encoding="utf-8")
    else:
        path.write_bytes("\n".join(nx.generate_graphml(_for_graphml(net))).encode() + b"\n")
    return path


def _for_graphml(net: nx.Graph[Any]) -> nx.Graph[Any]:
    """Return a copy whose attributes GraphML can hold."""
    import networkx as nx

    plain = net.__class__()
    plain.graph.update(_attributes(net.graph))
    plain.add_nodes_from((node, _attributes(data)) for node, data in net.nodes(data=True))
    if isinstance(net, nx.MultiGraph) and isinstance(plain, nx.MultiGraph):
        for a, b, key, data in net.edges(keys=True, data=True):
            plain.add_edge(a, b, key)
            plain.edges[a, b, key].update(_attributes(data))
    else:
        plain.add_edges_from((a, b, _attributes(data)) for a, b, data in net.edges(data=True))
    return plain


def _attributes(data: Mapping[Any, Any]) -> dict[str, Any]:
    """Leave out what is empty, and write as text what is neither text, number nor yes or no."""
    kept: dict[str, Any] = {}
    for name, value in data.items():
        value = _plain_value(value) if not isinstance(value, str | bool | int | float | None) else value
        if value is None:
            continue
        kept[str(name)] = "; ".join(str(v) for v in value) if isinstance(value, list) else _no_controls(value)
    return kept


def _no_controls(value: Any) -> Any:
    """Take out what XML 1.0 has no way to write."""
    return re.sub(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]", "", value) if isinstance(value, str) else value


def _plain_value(value: Any) -> Any:
    """Return a value as JSON has it."""
    if isinstance(value, date):
        return value.isoformat()
    if hasattr(value, "item") and not isinstance(value, Mapping):
        return value.item()
    if isinstance(value, list | tuple | set | frozenset):
        return sorted(value) if isinstance(value, set | frozenset) else list(value)
    return str(value)


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
