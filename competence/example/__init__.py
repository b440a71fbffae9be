"""The example municipality: made-up staff files of any size, in the form and with the faults of real ones.

This module writes the files; who works where is :mod:`competence.example._people`, what they can do and say, and what
is wrong in the files, :mod:`competence.example._tables`. Sizes and women's shares of the groups follow national
statistics; names, units and places are invented, and there are no personal identity numbers. The same ``people`` and
``seed`` give the same bytes on every platform. Sentences, titles, units and names stand as data in ``data``.
"""

from __future__ import annotations

import csv
import io
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from competence.example._people import Municipality
from competence.example._tables import ExampleTruth, Planted, Row, Tables

if TYPE_CHECKING:
    from competence.staff import Staff

__all__ = ["ExampleTruth", "Planted", "example_municipality", "example_truth", "planted", "write_example"]


def write_example(folder: str | Path, *, people: int = 2000, seed: int = 1) -> list[Path]:
    """Write the files of the example municipality and return their paths.

    ``staff.xlsx`` holds every table as a sheet, ``export/`` the same as CSV in cp1252 with ``;`` and decimal comma.

    Parameters
    ----------
    folder : str or Path
        Made when missing; files of the same names are replaced.
    people : int
        How many people, from 8 to 60 000.
    seed : int
        Another seed gives other people in an organisation of the same size.

    Raises
    ------
    InputError
        If ``people`` is not from 8 to 60 000.

    Notes
    -----
    Cost O(people); 2 000 people take some seconds. Bytes are equal on every run: workbook dates are fixed.
    """
    from competence.io import write_tables

    folder = Path(folder)
    tables = Tables(Municipality(people, seed)).by_sheet
    export = folder / "export"
    export.mkdir(parents=True, exist_ok=True)
    workbook = folder / "staff.xlsx"
    write_tables(tables, workbook)
    written = [workbook]
    for sheet, rows in tables.items():
        path = export / f"{sheet.lower()}.csv"
        path.write_bytes(_csv(rows, _EXPORT_HEADINGS if sheet == "Personal" else {}))
        written.append(path)
    return written


def example_municipality(people: int = 2000, seed: int = 1) -> Staff:
    """Return the example municipality as a Staff: what reading its workbook gives.

    Parameters
    ----------
    people, seed : int
        As for :func:`write_example`.

    Raises
    ------
    InputError
        If ``people`` is not from 8 to 60 000.
    """
    from competence.io import read_staff

    with tempfile.TemporaryDirectory() as folder:
        return read_staff(write_example(folder, people=people, seed=seed)[0])


def example_truth(people: int = 2000, seed: int = 1) -> ExampleTruth:
    """Return what :func:`write_example` with the same arguments put into its files."""
    return Tables(Municipality(people, seed)).truth()


def planted(people: int = 2000, seed: int = 1) -> tuple[Planted, ...]:
    """Return which concept each statement of the example was written about.

    Examples
    --------
    >>> {p.person_id for p in planted(people=40)} <= {str(10001 + i) for i in range(40)}
    True
    """
    return example_truth(people, seed).planted


_EXPORT_HEADINGS = {
    "Anst.nr": "ANSTNR",
    "Förnamn": "FNAMN",
    "Efternamn": "ENAMN",
    "Kön": "KÖN",
    "Födelseår": "FODELSEAR",
    "Enhet": "ENHET_KOD",
    "Befattning": "BEFATTNING",
    "Anställningsform": "ANST_FORM",
    "Syss.grad": "SYSS_GRAD",
    "Anställd from": "FROM_DAT",
    "Anställd tom": "TOM_DAT",
    "Chef": "CHEF_ANSTNR",
}
"""Headings of the people in ``export/personal.csv``, as payroll systems write them."""


def _csv(rows: Sequence[Row], headings: Mapping[str, str]) -> bytes:
    """Write as payroll systems export: cp1252 and decimal comma, which files for people to open do not have."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=";", lineterminator="\r\n")
    columns = list(rows[0])
    writer.writerow([headings.get(c, c) for c in columns])
    for row in rows:
        cells = (row[c] for c in columns)
        writer.writerow(["" if c is None else str(c).replace(".", ",") if isinstance(c, float) else c for c in cells])
    return out.getvalue().encode("cp1252")
