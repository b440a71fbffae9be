"""Decisions written into the sheet of suggestions, read back so that the next run remembers them.

``Suggestions.to_excel`` leaves a column for them, in which pins stand already. Who answered what about which suggestion is
read here; what an answer does to the next plan, each suggest function decides. Nothing is decided by reading.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from competence._texts import LANGUAGES, text
from competence.errors import InputError
from competence.model import Decision
from competence.staff import join_cells
from competence.suggest.result import Suggestions

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["read_answers"]

_OURS = ("rank", "person_id", "choice")
_BESIDE = ("decided_by", "day", "alternatives", "reasoning", "equality_reasoning")
"""Columns of a decision that somebody may add to the sheet."""


def read_answers(source: str | Path | pd.DataFrame, result: Suggestions) -> tuple[Decision, ...]:
    """Read what somebody wrote in the decision column of a result's sheet of suggestions.

    Parameters
    ----------
    source : path or DataFrame
        The workbook that ``result.to_excel`` wrote, edited, or its first sheet. Rows may have been sorted or taken away,
        and columns added: who decided, day, reasoning, gender-equality reasoning, under the headings of a table of
        decisions. One word in one row of a suggestion is enough.
    result : Suggestions
        The result that was written.

    Returns
    -------
    tuple of Decision
        In the order of rank, for ``staff.with_decisions``. Suggestions without a word are not decided.

    Raises
    ------
    InputError
        If the sheet has not those columns, speaks of other people than the result, or says two things of one suggestion.
    UnreadableFileError
        If the file cannot be opened.

    Examples
    --------
    >>> import pandas as pd
    >>> from tests.cases import graph_of
    >>> from competence.suggest.rotation import plan_rotation
    >>> plan = plan_rotation(graph_of(), cutoff=0.3)
    >>> sheet = plan.to_frame().assign(choice=["låst", ""])
    >>> [(d.choice.value, d.people) for d in read_answers(sheet, plan)]
    [('pinned', ('p7', 'p4'))]
    """
    import pandas as pd

    from competence.io import decisions_from_frame
    from competence.io._headings import HEADINGS

    rows = _rows(source)
    known = {name: {name, *HEADINGS["decisions"][name]} for name in _BESIDE}
    by_rank = {s.rank: s for s in result}
    said: dict[int, dict[str, Any]] = {}
    people: dict[int, set[str]] = {}
    for number, row in enumerate(rows, start=2):
        if not str(row["rank"]).strip() and not str(row["person_id"]).strip():
            continue
        rank = _whole(row["rank"])
        if rank not in by_rank or str(row["person_id"]) not in by_rank[rank].people:
            raise InputError(
                f"row {number}: rank {row['rank']!r} with person {row['person_id']!r} is no suggestion of this result; "
                "use the sheet of the same run"
            )
        people.setdefault(rank, set()).add(str(row["person_id"]))
        answer = str(row["choice"]).strip()
        if not answer:
            continue
        entry = said.setdefault(rank, {"choice": answer})
        if entry["choice"].casefold() != answer.casefold():
            raise InputError(f"row {number}: rank {rank} is both {entry['choice']!r} and {answer!r}; leave one of them")
        for name, headings in known.items():
            value = next((str(row[h]).strip() for h in row if h in headings and str(row[h]).strip()), "")
            if value:
                entry.setdefault(name, value)
    if not said:
        return ()
    table = [
        {
            "kind": result.kind,
            "people": join_cells(by_rank[rank].people),
            "target": by_rank[rank].target,
            **{name: entry.get(name, "") for name in ("choice", *_BESIDE)},
        }
        for rank, entry in sorted(said.items())
    ]
    return decisions_from_frame(pd.DataFrame(table))


def _rows(source: str | Path | pd.DataFrame) -> list[Mapping[str, Any]]:
    """Return the rows of the sheet; our own columns by name, whichever language their headings are in."""
    if isinstance(source, str | Path):
        from competence.io._files import grids_of

        grids = [g for g in grids_of(source).grids if g.rows]
        titles = {text("sheet.suggestions", lang) for lang in LANGUAGES}
        grid = next((g for g in grids if g.name in titles or g.label.rpartition("!")[2] in titles), None)
        if grid is None:
            raise InputError(
                f"{Path(source).name} has no sheet {' or '.join(sorted(titles))}; give the workbook that was written"
            )
        cells: Sequence[Sequence[Any]] = grid.rows
    else:
        cells = [list(source.columns), *source.itertuples(index=False, name=None)]
    names = {text(f"column.{name}", lang): name for name in _OURS for lang in LANGUAGES}
    heads = [names.get(str(h).strip(), str(h).strip()) for h in cells[0]]
    if missing := [text(f"column.{name}", lang) for name in _OURS if name not in heads for lang in ("sv",)]:
        raise InputError(f"the sheet has no column {', '.join(missing)}; its headings are {', '.join(heads)}")
    empty = [dict(zip(heads, ["" if c is None or c != c else c for c in row], strict=False)) for row in cells[1:]]
    return [{**dict.fromkeys(heads, ""), **row} for row in empty]


def _whole(cell: Any) -> int:
    """Return a rank that a spreadsheet may have made a number with decimals; -1 for what is none."""
    try:
        return int(float(cell))
    except (TypeError, ValueError):
        return -1
