"""Figures by sex: women, men and total for anything that can be counted, with small groups hidden when published.

Two kinds of table. A *named* one stands beside a list of persons that the reader is entitled to see and shows counts
as they are. A *published* one (statistics, exports, the union's view) hides head counts under
``settings.equality.smallest_cell`` together with what would reveal them. People of sex not stated count in the total
and in neither share (REQ-EQ-8, EQ-9, EQ-10).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Self

from competence.errors import InputError
from competence.model import Sex
from competence.settings import EqualitySettings

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["GroupRow", "GroupTable", "TableKind"]


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
        Who is counted in each row, e.g. ``{"considered": [...], "suggested": [...]}``. Later rows are taken to be
        drawn from the first, so that differences to it are guarded too when published.
    sex : Mapping of person id to Sex
        Legal sex as the HR register gives it.
    kind : TableKind
        ``published`` (default) hides small cells; ``named`` does not.
    settings : EqualitySettings
        The smallest head count shown.

    Notes
    -----
    Published rows hide women and men together, since either follows from the other and the total; the total is
    hidden too when it is small, or when the difference to the first row is small in any column.

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
        counts = {measure: _count(set(people), sex) for measure, people in groups.items()}
        rows = {m: GroupRow(m, w, k, t) for m, (w, k, t) in counts.items()}
        if self.kind is TableKind.PUBLISHED:
            rows = _hide(rows, settings.smallest_cell)
        self.rows: tuple[GroupRow, ...] = tuple(rows.values())

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


def _count(people: set[str], sex: Mapping[str, Sex]) -> tuple[int, int, int]:
    women = sum(sex.get(p) is Sex.WOMAN for p in people)
    men = sum(sex.get(p) is Sex.MAN for p in people)
    return women, men, len(people)


def _hide(rows: dict[str, GroupRow], smallest: int) -> dict[str, GroupRow]:
    """Hide small cells, their complements, and rows whose difference to the first row is small."""

    def small(value: int) -> bool:
        return 0 < value < smallest

    def unsafe(women: int, men: int, total: int) -> bool:
        return small(women) or small(men) or small(total - women - men)

    hidden: dict[str, GroupRow] = {}
    first: GroupRow | None = None
    for name, row in rows.items():
        women, men, total = row.women or 0, row.men or 0, row.total or 0
        by_sex = unsafe(women, men, total)
        whole = small(total)
        if first is not None:
            rest = ((first.women or 0) - women, (first.men or 0) - men, (first.total or 0) - total)
            by_sex = by_sex or unsafe(*rest)
            whole = whole or small(rest[2])
        else:
            first = row
        hidden[name] = GroupRow(
            name,
            None if by_sex or whole else women,
            None if by_sex or whole else men,
            None if whole else total,
        )
    return hidden
