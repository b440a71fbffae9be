"""An employer's own small tables, from a text file or a sheet of a workbook: its words, its AID list, its choices of meanings.

What a row means is decided in :mod:`competence.taxonomy` and, of what words mean here, in :mod:`competence.linking`; this module
only opens workbooks for it, and finds the sheet.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from competence.errors import Problem, Problems, UnreadableFileError
from competence.io._files import grids_of
from competence.linking import Corrections, chosen_merges
from competence.taxonomy import aid, local
from competence.taxonomy.aid import AidList
from competence.taxonomy.local import Cells, LocalLayer, Records

__all__ = ["read_aid", "read_local", "read_merges", "read_words"]

_Source = str | Path | Records | Iterable[Mapping[str, object]]
_Own = TypeVar("_Own", LocalLayer, AidList, Corrections)
_BOOKS = (b"PK\x03\x04", b"PK\x05\x06", b"\xd0\xcf\x11\xe0")


def read_local(source: _Source) -> LocalLayer:
    """Read an employer's own table over the taxonomy, also from a sheet of a workbook.

    Parameters
    ----------
    source : str, Path, DataFrame or rows
        As :meth:`competence.taxonomy.LocalLayer.read`; of a workbook (.xlsx, .ods, .xls) the first sheet that has the columns.

    Returns
    -------
    LocalLayer
        ``problems`` tells each row set aside.

    Raises
    ------
    UnreadableFileError
        If it cannot be opened, or nothing in it has the columns action and id.

    Examples
    --------
    >>> layer = read_local([{"Åtgärd": "byt namn", "Id": "dementia-care", "Benämning sv": "minnesvård"}])
    >>> layer.rows[0].labels, len(layer.problems)
    ({'sv': 'minnesvård'}, 0)
    """
    return _read(source, local.LocalLayer.read)


def read_aid(source: _Source) -> AidList:
    """Read an employer's AID list, also from a sheet of a workbook.

    Parameters
    ----------
    source : str, Path, DataFrame or rows
        As :func:`competence.taxonomy.read_aid`; of a workbook (.xlsx, .ods, .xls) the first sheet that has the columns.

    Returns
    -------
    AidList
        ``problems`` tells each row set aside.

    Raises
    ------
    UnreadableFileError
        If it cannot be opened, or nothing in it has a code and a label column.

    Examples
    --------
    >>> len(read_aid([{"AID": 207009, "Etikett": "Undersköterska"}]))
    1
    """
    return _read(source, aid.read_aid)


def read_words(source: _Source) -> Corrections:
    """Read choices of what words mean here, also from a sheet of a workbook: a log, or a table of unknown words filled in.

    Parameters
    ----------
    source : str, Path, DataFrame or rows
        As :meth:`competence.linking.Corrections.read`; of a workbook the first sheet that has the columns.

    Returns
    -------
    Corrections
        ``problems`` tells each row set aside.

    Raises
    ------
    UnreadableFileError
        If it cannot be opened, or nothing in it has columns of words and choices.

    Examples
    --------
    >>> chosen = read_words([{"Ord": "Primula", "Val": "payroll"}, {"Ord": "Resurs", "Val": "0"}, {"Ord": "Annat", "Val": ""}])
    >>> [(pair.words, pair.target_id) for pair in chosen.pairs]
    [('Primula', 'payroll'), ('Resurs', '')]
    """
    return _read(source, Corrections.read)


def read_merges(source: _Source) -> LocalLayer:
    """Read which own terms are to become one, from the other sheet of a workbook of words.

    Parameters
    ----------
    source : str, Path, DataFrame or rows
        As :func:`competence.linking.chosen_merges`; of a workbook the first sheet that has the columns.

    Returns
    -------
    LocalLayer
        Without rows where nothing in the file is a table of proposals.

    Examples
    --------
    >>> len(read_merges([{"Ord": "Primula", "Val": "payroll"}]).rows)
    0
    """
    try:
        return _read(source, chosen_merges)
    except UnreadableFileError:
        # A log of choices has no proposals beside it; a file that cannot be opened is told by read_words.
        return LocalLayer()


def _read(source: _Source, read: Callable[[_Source | Cells], _Own]) -> _Own:
    if not isinstance(source, str | Path) or not _is_workbook(Path(source)):
        return read(source)
    faults = []
    for grid in grids_of(source).grids:
        try:
            own = read(Cells(file=grid.label, rows=grid.rows, first_row=grid.first_row))
        except UnreadableFileError as error:
            # Another sheet may have the columns; if none has, the first is the one that was meant.
            faults.append(error)
            continue
        return _with(own, grid.problems)
    raise faults[0]


def _with(own: _Own, told: Sequence[Problem]) -> _Own:
    """Tell what was noticed of the sheet before what was noticed in its rows."""
    return replace(own, problems=Problems((*told, *own.problems)))


def _is_workbook(path: Path) -> bool:
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(4) in _BOOKS
