"""Exceptions, warnings and Problems: what was wrong, where, and what to do about it.

This module decides how faults are told: an exception stops a call, a :class:`Problem` describes one fault in the
input while everything else is kept. The wording of each Problem code stands in ``_texts`` (Swedish and English), so
that a page, a shell and a DataFrame say the same.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, overload

from competence._texts import keys, text

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "CompetenceError",
    "DataWarning",
    "InputError",
    "MissingExtraError",
    "Problem",
    "ProblemEffect",
    "Problems",
    "SmallGroupWarning",
    "TaxonomyError",
    "UnknownIdError",
    "UnreadableFileError",
]


class CompetenceError(Exception):
    """Base of every exception that this library raises on purpose."""


class InputError(CompetenceError, ValueError):
    """A parameter or a record has a value that is not allowed; the message says which are."""


class UnknownIdError(CompetenceError, KeyError):
    """An id or label is not in the data; the message offers the nearest ones."""

    def __str__(self) -> str:
        # KeyError shows the repr of its argument; a sentence should be shown as it is.
        return str(self.args[0]) if self.args else ""


class UnreadableFileError(CompetenceError, OSError):
    """A file could not be opened as what it says it is; nothing of it was read.

    ``problem`` says the same as a Problem, worded in Swedish and English with what to do about it.
    """

    def __init__(self, message: str, problem: Problem | None = None) -> None:
        super().__init__(message)
        self.problem = problem


class TaxonomyError(CompetenceError, ValueError):
    """A taxonomy cannot be used as it stands; ``problems`` lists every fault found."""

    def __init__(self, message: str, problems: Problems | None = None) -> None:
        super().__init__(message)
        self.problems = problems if problems is not None else Problems()


class MissingExtraError(CompetenceError, ImportError):
    """A part that needs an optional package was used without it; the message has the install line."""


class DataWarning(UserWarning):
    """The data can be used, but something in it limits what the result means."""


class SmallGroupWarning(UserWarning):
    """A figure rests on so few people that it says little, or was hidden."""


class ProblemEffect(StrEnum):
    """What a Problem did to the row it speaks of."""

    SET_ASIDE = "set_aside"
    """The whole row is not used."""
    CELL_DROPPED = "cell_dropped"
    """The row is kept without this cell."""
    CHANGED = "changed"
    """The cell is kept with another value than the one written."""
    NOTICE = "notice"
    """Nothing was lost; something should be known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Describe one fault in the input: where it stands, what came, what to do.

    Parameters
    ----------
    code : str
        Stable name of the kind of fault, e.g. ``date_invalid``. Its texts stand under ``[problem.<code>]``.
    table : str
        The table (people, units ...) or file the fault is in.
    row : int or None
        Row number as a spreadsheet shows it, the first row being 1; None when the fault is the whole table's.
    column : str or None
        Heading as written in the file.
    value : str or None
        What was written. Never given for names, personal identity numbers and columns we must not hold.
    effect : ProblemEffect
        What happened to the row.
    detail : str
        What the texts need besides the value, such as the value used instead.
    count : int
        How many cells or rows this Problem stands for.
    file : str
        Name (not path) of the file, and the sheet after an exclamation mark where there is one.
    """

    code: str
    table: str = ""
    row: int | None = None
    column: str | None = None
    value: str | None = None
    effect: ProblemEffect = ProblemEffect.NOTICE
    detail: str = ""
    count: int = 1
    file: str = ""

    def message(self, lang: str = "sv") -> str:
        """Say what is wrong, in Swedish or English."""
        return self._worded("message", lang)

    def remedy(self, lang: str = "sv") -> str:
        """Say what to do about it, in Swedish or English."""
        return self._worded("remedy", lang)

    def _worded(self, part: str, lang: str) -> str:
        # What a table is called, and what cannot be done without it, where the table is one an employer hands in.
        named = f"table.{self.table}.name" in keys(lang)
        return text(
            f"problem.{self.code}.{part}",
            lang,
            table=text(f"table.{self.table}.name", lang) if named else self.table,
            without=text(f"table.{self.table}.without", lang) if named else "",
            row=self.row if self.row is not None else "–",
            column=self.column or "–",
            value=self.value if self.value is not None else "–",
            detail=self.detail,
            count=self.count,
            file=self.file,
        )


class Problems(Sequence[Problem]):
    """Hold every Problem found in one reading, in the order of the file.

    Examples
    --------
    >>> problems = Problems([Problem(code="date_invalid", row=4, column="Från", value="2026-02-30")])
    >>> len(problems), problems.by_code()
    (1, {'date_invalid': 1})
    """

    def __init__(self, problems: Iterable[Problem] = ()) -> None:
        self._problems = tuple(problems)

    @overload
    def __getitem__(self, index: int) -> Problem: ...
    @overload
    def __getitem__(self, index: slice) -> Problems: ...
    def __getitem__(self, index: int | slice) -> Problem | Problems:
        if isinstance(index, slice):
            return Problems(self._problems[index])
        return self._problems[index]

    def __len__(self) -> int:
        return len(self._problems)

    def __iter__(self) -> Iterator[Problem]:
        return iter(self._problems)

    def __add__(self, other: Iterable[Problem]) -> Problems:
        return Problems((*self._problems, *other))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Problems) and self._problems == other._problems

    def __hash__(self) -> int:
        return hash(self._problems)

    def __repr__(self) -> str:
        return f"Problems({dict(self.by_code())})"

    def by_code(self) -> dict[str, int]:
        """Count cells and rows per code, the most frequent first."""
        counts: Counter[str] = Counter()
        for problem in self._problems:
            counts[problem.code] += problem.count
        return dict(counts.most_common())

    def to_frame(self, lang: str = "sv") -> pd.DataFrame:
        """Return one row per Problem with its message and remedy in ``lang``."""
        import pandas as pd

        columns = ["code", "effect", "file", "table", "row", "column", "value", "detail", "count"]
        rows = [
            {**{k: v for k, v in asdict(p).items() if k in columns}, "message": p.message(lang), "remedy": p.remedy(lang)}
            for p in self._problems
        ]
        frame = pd.DataFrame(rows, columns=[*columns, "message", "remedy"])
        frame["row"] = frame["row"].astype("Int64")
        frame["effect"] = frame["effect"].astype(str)
        return frame
