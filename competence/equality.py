"""Figures by sex: women, men and total for anything that can be counted, with small groups hidden when published.

Two kinds of table. A *named* one stands beside a list of persons that the reader is entitled to see and shows counts
as they are. A *published* one (statistics, exports, the union's view) hides head counts under
``settings.equality.smallest_cell`` together with what would reveal them. People of sex not stated count in the total
and in neither share (REQ-EQ-8, EQ-9, EQ-10).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import NDArray

from competence.errors import InputError
from competence.model import Sex
from competence.settings import EqualitySettings

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["GroupRow", "GroupTable", "TableKind"]

_ZERO = 1e-9


class TableKind(StrEnum):
    """Whether a table stands beside names or may be published."""

    NAMED = "named"
    PUBLISHED = "published"


@dataclass(frozen=True, slots=True)
class GroupRow:
    """One measure by sex: head counts (None: hidden) and shares of those whose sex is stated (None: none, or hidden)."""

    measure: str
    women: int | None
    men: int | None
    total: int | None

    @property
    def share_women(self) -> float | None:
        """Women among women and men, in [0, 1]; None when hidden or when there are neither."""
        return self._share(self.women)

    @property
    def share_men(self) -> float | None:
        """Men among women and men, in [0, 1]; None when hidden or when there are neither."""
        return self._share(self.men)

    def _share(self, part: int | None) -> float | None:
        if part is None or self.women is None or self.men is None or self.women + self.men == 0:
            return None
        return part / (self.women + self.men)


class GroupTable:
    """Count people by sex, one row per measure.

    Parameters
    ----------
    groups : Mapping of str to iterable of person ids
        Who is counted in each row, e.g. ``{"considered": [...], "suggested": [...]}``. Rows may overlap, lie within
        each other or add up to another; when published, what the rest of the first row comes to is guarded like a row.
    sex : Mapping of person id to Sex
        Legal sex as the HR register gives it.
    kind : TableKind
        ``published`` (default) hides small cells; ``named`` does not.
    settings : EqualitySettings
        The smallest head count shown.

    Notes
    -----
    Published rows hide women and men together, since either follows from the other and the total; the total is
    hidden too when it is small, or when the rest of the first row is. Then everything that sums and differences of the
    shown cells amount to is looked for (the linear span of the shown cells over who is in which rows, an attack by
    differencing), and the smallest rows that give a hidden head count away are hidden as well. O(rows ** 3) at worst.

    Examples
    --------
    >>> table = GroupTable({"considered": "abc"}, {"a": Sex.WOMAN, "b": Sex.WOMAN, "c": Sex.MAN}, kind="named")
    >>> table["considered"].women, table["considered"].men, table["considered"].total
    (2, 1, 3)
    >>> GroupTable({"considered": "abc"}, {"a": Sex.WOMAN, "b": Sex.WOMAN, "c": Sex.MAN})["considered"].women is None
    True
    """

    def __init__(
        self,
        groups: Mapping[str, Iterable[str]],
        sex: Mapping[str, Sex],
        *,
        kind: TableKind | str = TableKind.PUBLISHED,
        settings: EqualitySettings | None = None,
    ) -> None:
        settings = settings or EqualitySettings()
        self.kind = TableKind(kind)
        members = {measure: frozenset(people) for measure, people in groups.items()}
        rows = [GroupRow(measure, *_count(people, sex)) for measure, people in members.items()]
        if self.kind is TableKind.PUBLISHED and rows:
            rows = _Guard(list(members.values()), sex, settings.smallest_cell).hide(rows)
        self.rows: tuple[GroupRow, ...] = tuple(rows)

    @classmethod
    def from_rows(cls, rows: Iterable[GroupRow], kind: TableKind | str) -> Self:
        """Rebuild a table from rows that were already counted and hidden, as :meth:`to_dict` gives them."""
        table = cls({}, {}, kind=kind)
        table.rows = tuple(rows)
        return table

    def __getitem__(self, measure: str) -> GroupRow:
        for row in self.rows:
            if row.measure == measure:
                return row
        raise InputError(f"measure must be one of {', '.join(r.measure for r in self.rows)}; got {measure!r}")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, GroupTable) and self.kind == other.kind and self.rows == other.rows

    def __hash__(self) -> int:
        return hash((self.kind, self.rows))

    def __repr__(self) -> str:
        cells = "; ".join(f"{r.measure}: {_cell(r.women)} | {_cell(r.men)} | {_cell(r.total)}" for r in self.rows)
        return f"GroupTable(women | men | total; {cells})"

    def to_dict(self) -> dict[str, object]:
        """Return plain JSON values."""
        return {
            "kind": self.kind.value,
            "rows": [
                {
                    "measure": r.measure,
                    "women": r.women,
                    "men": r.men,
                    "total": r.total,
                    "share_women": r.share_women,
                    "share_men": r.share_men,
                }
                for r in self.rows
            ],
        }

    def to_frame(self) -> pd.DataFrame:
        """Return the columns measure, women, men, total, share_women, share_men; hidden cells are missing values."""
        import pandas as pd

        columns = ["measure", "women", "men", "total", "share_women", "share_men"]
        frame = pd.DataFrame([[getattr(r, c) for c in columns] for r in self.rows], columns=columns)
        return frame.astype(
            {"women": "Int64", "men": "Int64", "total": "Int64", "share_women": "Float64", "share_men": "Float64"}
        )


def _cell(value: int | None) -> str:
    return ".." if value is None else str(value)


def _count(people: frozenset[str], sex: Mapping[str, Sex]) -> tuple[int, int, int]:
    women = sum(sex.get(p) is Sex.WOMAN for p in people)
    men = sum(sex.get(p) is Sex.MAN for p in people)
    return women, men, len(people)


class _Shown(IntEnum):
    """How much of a row is shown."""

    NOTHING = 0
    TOTAL = 1
    ALL = 2


_TOLD: Mapping[_Shown, tuple[int, ...]] = MappingProxyType({_Shown.NOTHING: (), _Shown.TOTAL: (3,), _Shown.ALL: (0, 1, 2)})
"""Columns (women, men, not stated, total) that a row tells; the total follows from the other three."""


class _Guard:
    """Find which cells of a table give small head counts away, and hide them.

    People who are in the same rows are one atom; a cell is a sum of (atom, column) variables, where the columns are
    women, men and not stated. What can be worked out from the shown cells is their linear span, together with every
    variable of a sum that is known to be 0.
    """

    def __init__(self, rows: Sequence[frozenset[str]], sex: Mapping[str, Sex], smallest: int) -> None:
        patterns: dict[tuple[bool, ...], int] = {}
        everybody = sorted(frozenset().union(*rows))
        atom = [patterns.setdefault(tuple(p in row for row in rows), len(patterns)) for p in everybody]
        place = [{Sex.WOMAN: 0, Sex.MAN: 1}.get(sex.get(p, Sex.NOT_STATED), 2) for p in everybody]
        self.n = len(patterns)
        self.value = np.zeros(3 * self.n)
        np.add.at(self.value, np.array(place, dtype=np.int64) * self.n + np.array(atom, dtype=np.int64), 1.0)
        within = np.array(list(patterns), dtype=np.float64).reshape(self.n, len(rows))
        self.cells = [self._columns(within[:, k]) for k in range(len(rows))]
        self.rests = [self._columns(within[:, 0] * (1.0 - within[:, k])) for k in range(1, len(rows))]
        self.smallest = smallest

    def _columns(self, within: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return women, men, not stated and total of the atoms in a group, shape (4, n_variables)."""
        columns = np.kron(np.eye(3), within)
        return np.vstack([columns, columns.sum(axis=0)])

    def _is_small(self, cell: NDArray[np.float64]) -> bool:
        return bool(0 < cell @ self.value < self.smallest)

    def hide(self, rows: Sequence[GroupRow]) -> list[GroupRow]:
        """Return the rows without the cells that are small or tell of small ones."""
        shown = []
        for k, cells in enumerate(self.cells):
            beside = [cells] if k == 0 else [cells, self.rests[k - 1]]
            if any(self._is_small(c[3]) for c in beside):
                shown.append(_Shown.NOTHING)
            else:
                shown.append(_Shown.TOTAL if any(self._is_small(c) for group in beside for c in group) else _Shown.ALL)
        guarded = [c for group in (*self.cells, *self.rests) for c in group if self._is_small(c)]
        for cell in guarded:
            while helping := self._helping(cell, shown):
                # The smallest row that alone would do, else the smallest that helps; the later among equals.
                ranked = sorted(helping, key=lambda k: (self.cells[k][3] @ self.value, -k))
                enough = (k for k in ranked if not self._helping(cell, self._less(shown, k)))
                shown = self._less(shown, next(enough, ranked[0]))
        return [
            GroupRow(
                row.measure,
                row.women if much is _Shown.ALL else None,
                row.men if much is _Shown.ALL else None,
                row.total if much is not _Shown.NOTHING else None,
            )
            for row, much in zip(rows, shown, strict=True)
        ]

    @staticmethod
    def _less(shown: Sequence[_Shown], k: int) -> list[_Shown]:
        """Return what is shown when one row shows one step less."""
        return [_Shown(much - (i == k)) for i, much in enumerate(shown)]

    def _helping(self, cell: NDArray[np.float64], shown: Sequence[_Shown]) -> set[int]:
        """Return the rows whose shown cells together give a count away; none when they do not."""
        known, owner = self._known(shown)
        if not len(known):
            return set()
        part, *_ = np.linalg.lstsq(known.T, cell, rcond=None)
        if np.abs(known.T @ part - cell).max() > _ZERO:
            return set()
        return {owner[i] for i in np.flatnonzero(np.abs(part) > _ZERO).tolist()}

    def _known(self, shown: Sequence[_Shown]) -> tuple[NDArray[np.float64], list[int]]:
        """Return the sums of variables that the shown cells tell, and the row that each comes from."""
        known: list[NDArray[np.float64]] = []
        owner: list[int] = []
        for k, much in enumerate(shown):
            own = [self.cells[k][c] for c in _TOLD[much]]
            rest = [self.rests[k - 1][c] for c in _TOLD[min(shown[0], much)]] if k else []
            known += own
            owner += [k] * len(own)
            # Head counts are never negative, so a sum of nobody is nobody everywhere in it.
            for cell in (*own, *rest):
                for variable in np.flatnonzero(cell) if not cell @ self.value else ():
                    known.append(np.eye(1, len(self.value), int(variable))[0])
                    owner.append(k)
        return np.array(known).reshape(len(known), len(self.value)), owner
