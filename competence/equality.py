"""Figures by sex: women, men and total for anything that can be counted, with small groups hidden when published.

Two kinds of table. A *named* one stands beside a list of persons that the reader is entitled to see and shows counts
as they are. A *published* one (statistics, exports, the union's view) hides head counts under
``settings.equality.smallest_cell`` together with what would reveal them. People of sex not stated count in the total
and in neither share (REQ-EQ-8, EQ-9, EQ-10).

What is shown is decided by a :class:`Guard`, for one table, or for the tables of all units at once
(:func:`publish_units`), where sums and differences of tables are an outsider's way in.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
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

__all__ = ["WHOLE", "GroupRow", "GroupTable", "GroupTables", "Guard", "Shown", "TableKind", "publish_units", "sex_columns"]

WHOLE = "*"
"""Key of the table of everybody in :func:`publish_units`, above the topmost units."""

_COLUMN = MappingProxyType({Sex.WOMAN: 0, Sex.MAN: 1, Sex.NOT_STATED: 2})


class TableKind(StrEnum):
    """Whether a table stands beside names or may be published."""

    NAMED = "named"
    PUBLISHED = "published"


class Shown(IntEnum):
    """How much of a row is shown: nothing, the total only, or women, men and total."""

    NOTHING = 0
    TOTAL = 1
    ALL = 2


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
        each other or add up to another; when published, whatever they tell apart together is guarded like a row.
    sex : Mapping of person id to Sex
        Legal sex as the HR register gives it.
    kind : TableKind
        ``published`` (default) hides small cells; ``named`` does not.
    settings : EqualitySettings
        The smallest head count shown.

    Notes
    -----
    Published rows hide women and men together, since either follows from the other and the total. The first row is
    asked first, then the others by size, the largest first: each shows as much as a :class:`Guard` lets it, so that
    of several rows that would together give a small head count away the smallest is hidden. O(sum of row sizes).
    Tables of several units go through :func:`publish_units`, which guards them together.

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
        everybody = sorted(frozenset().union(*members.values()))
        index = {p: i for i, p in enumerate(everybody)}
        column = sex_columns(everybody, sex)
        guard = Guard(column)
        shown: dict[str, GroupRow] = {}
        for measure in sorted(members, key=lambda m: (m != next(iter(members)), -len(members[m]))):
            part = np.fromiter((index[p] for p in members[measure]), np.int64, len(members[measure]))
            much = Shown.ALL if self.kind is TableKind.NAMED else guard.show(part, settings.smallest_cell)
            shown[measure] = _row(measure, column[part], much)
        self.rows: tuple[GroupRow, ...] = tuple(shown[measure] for measure in members)

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


def sex_columns(people: Sequence[str], sex: Mapping[str, Sex]) -> NDArray[np.int64]:
    """Return 0 for each woman, 1 for each man, 2 for each whose sex is not stated, shape (n_people,)."""
    return np.fromiter((_COLUMN[sex.get(p, Sex.NOT_STATED)] for p in people), np.int64, len(people))


def _row(measure: str, column: NDArray[np.int64], much: Shown) -> GroupRow:
    """Count the people of a row and leave out what is not shown."""
    women, men, _ = np.bincount(column, minlength=3).tolist()
    return GroupRow(
        measure,
        women if much is Shown.ALL else None,
        men if much is Shown.ALL else None,
        len(column) if much is not Shown.NOTHING else None,
    )


_MOST_FIRST = (Shown.ALL, Shown.TOTAL, Shown.NOTHING)


class _Partition:
    """Who is told apart by the groups shown so far.

    Items in the same groups share a label; those in none have the label 0. Of a label, the count in each column can be
    worked out from what is shown; of nothing smaller can it.
    """

    def __init__(self, columns: NDArray[np.bool_], owner: NDArray[np.int64] | None) -> None:
        self._columns = columns
        self._owner = owner
        self._label = np.zeros(len(columns), dtype=np.int64)
        self._items = np.array([len(columns)], dtype=np.int64)
        self._counts = self._count(np.arange(len(columns)), np.zeros(len(columns), dtype=np.int64), 1)

    def _count(self, items: NDArray[np.int64], group: NDArray[np.int64], n_groups: int) -> NDArray[np.int64]:
        """Return head counts per group and column, shape (n_groups, n_columns); an owner of several items counts once."""
        counts = np.zeros((n_groups, self._columns.shape[1]), dtype=np.int64)
        for c in range(self._columns.shape[1]):
            within = self._columns[items, c]
            own = group[within]
            if self._owner is not None:
                most = int(self._owner.max(initial=0)) + 1
                own = np.unique(own * most + self._owner[items[within]]) // most
            counts[:, c] = np.bincount(own, minlength=n_groups)
        return counts

    def _parts(self, members: NDArray[np.int64]) -> tuple[NDArray[np.int64], ...]:
        """Return the labels that the group meets, its items and head counts in each, and those of the rest of each."""
        labels, group = np.unique(self._label[members], return_inverse=True)
        items = np.bincount(group, minlength=len(labels))
        inside = self._count(members, group, len(labels))
        if self._owner is None:
            outside = self._counts[labels] - inside
        else:
            # Who owns items on both sides is in both counts, so these cannot be told by a difference.
            apart = np.isin(self._label, labels)
            apart[members] = False
            rest = np.flatnonzero(apart)
            outside = self._count(rest, np.searchsorted(labels, self._label[rest]), len(labels))
        return labels, items, inside, self._items[labels] - items, outside

    def allows(self, members: NDArray[np.int64], smallest: int) -> bool:
        """Say whether everything told apart when the group is shown counts nobody or at least ``smallest``."""
        labels, _, inside, left, outside = self._parts(members)
        own = self._count(members, np.zeros(len(members), dtype=np.int64), 1)
        # A label that lies in the group as a whole tells nothing new; nothing is known of the rest of those in no group.
        new = (left > 0) | (labels == 0)
        known = (left > 0) & (labels != 0)
        return all(not ((part > 0) & (part < smallest)).any() for part in (own, inside[new], outside[known]))

    def at_most(self, members: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the most that the group can count in each column, by the labels it meets; unbounded where one is 0."""
        labels = np.unique(self._label[members])
        if 0 in labels:
            return np.full(self._columns.shape[1], np.inf)
        return np.asarray(self._counts[labels].sum(axis=0), dtype=np.float64)

    def split(self, members: NDArray[np.int64]) -> None:
        """Tell the group apart from now on."""
        labels, items, inside, left, outside = self._parts(members)
        new = np.flatnonzero((left > 0) | (labels == 0))
        fresh = labels.copy()
        fresh[new] = len(self._items) + np.arange(len(new))
        self._items = np.concatenate([self._items, items[new]])
        self._counts = np.concatenate([self._counts, inside[new]])
        self._items[labels[new]] = left[new]
        self._counts[labels[new]] = outside[new]
        self._label = self._label.copy()
        self._label[members] = fresh[np.searchsorted(labels, self._label[members])]


class Guard:
    """Decide how much of each group may be shown, given all that is shown already.

    Parameters
    ----------
    column : ndarray of int, shape (n_items,)
        0 woman, 1 man, 2 not stated, as :func:`sex_columns` gives.
    owner : ndarray of int, shape (n_items,), or None
        The person behind each item, where items are not persons (claims, say): then persons are counted, each once in
        a group. None means that every item is a person.

    Notes
    -----
    The groups shown so far cut the items into classes that they tell apart, one division for totals and a coarser one
    for women, men and not stated. A group is shown only if afterwards every class counts nobody or at least
    ``smallest``, in each column. All sums and differences of shown cells are sums over classes, so no group of one or
    two follows from them. Nor do bounds give one away: where totals divide a class further, any table with the same
    margins is possible, and a cell of such a table is fixed only if it equals a whole margin or 0 (Frechet 1951,
    Annales de l'Universite de Lyon A 14, 53-77). Hides rather too much where groups cross. O(items of the group), with
    owners O(items log items).

    Examples
    --------
    >>> guard = Guard(np.array([0, 0, 0, 0, 0, 1, 1, 1, 1]))
    >>> guard.show(np.arange(9), 3).name, guard.show(np.arange(8), 3).name
    ('ALL', 'NOTHING')
    """

    def __init__(self, column: NDArray[np.int64], owner: NDArray[np.int64] | None = None) -> None:
        self._totals = _Partition(np.ones((len(column), 1), dtype=np.bool_), owner)
        self._sexes = _Partition(column[:, None] == np.arange(3), owner)

    def allows(self, members: NDArray[np.int64], smallest: int, much: Shown) -> bool:
        """Say whether that much of a group may be shown beside what is shown already."""
        if not len(members) or much is Shown.NOTHING:
            return True
        return self._totals.allows(members, smallest) and (much is Shown.TOTAL or self._sexes.allows(members, smallest))

    def at_most(self, members: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return how many women, men and not stated can be in a group at most, by what is shown; shape (3,)."""
        return self._sexes.at_most(members)

    def tell(self, members: NDArray[np.int64], much: Shown) -> None:
        """Remember that this much of a group is shown."""
        if len(members) and much is not Shown.NOTHING:
            self._totals.split(members)
            if much is Shown.ALL:
                self._sexes.split(members)

    def show(self, members: NDArray[np.int64], smallest: int) -> Shown:
        """Show as much as can be of a group, remember it and return how much that is.

        Parameters
        ----------
        members : ndarray of int
            Positions of the group's items, each once.
        smallest : int
            Smallest head count that may be told apart.
        """
        much = next(m for m in _MOST_FIRST if self.allows(members, smallest, m))
        self.tell(members, much)
        return much


@dataclass(frozen=True, slots=True, eq=True)
class GroupTables(Mapping[str, GroupTable]):
    """Tables by sex of units and the units they lie in, guarded together; a mapping from unit id to table.

    Parameters
    ----------
    kind : TableKind
        Of every table.
    tables : Mapping of unit id to GroupTable
        From the whole (:data:`WHOLE`) downwards.
    parents : Mapping of unit id to unit id or None
        Where each unit lies; None for the whole.
    """

    kind: TableKind
    tables: Mapping[str, GroupTable]
    parents: Mapping[str, str | None]

    def __getitem__(self, unit_id: str) -> GroupTable:
        return self.tables[unit_id]

    def __iter__(self) -> Iterator[str]:
        return iter(self.tables)

    def __len__(self) -> int:
        return len(self.tables)

    def __repr__(self) -> str:
        return f"GroupTables({len(self.tables)} units, {self.kind.value}; whole: {self.tables[WHOLE]!r})"

    def to_dict(self) -> dict[str, object]:
        """Return plain JSON values, a list of units from the whole downwards."""
        return {
            "kind": self.kind.value,
            "units": [{"unit_id": u, "parent_id": self.parents[u], "rows": t.to_dict()["rows"]} for u, t in self.tables.items()],
        }

    def to_frame(self) -> pd.DataFrame:
        """Return unit_id, parent_id and the columns of :meth:`GroupTable.to_frame`, one row per unit and measure."""
        import pandas as pd

        frames = []
        for unit_id, table in self.tables.items():
            frame = table.to_frame()
            frame.insert(0, "unit_id", unit_id)
            frame.insert(1, "parent_id", pd.Series([self.parents[unit_id]] * len(frame), dtype="string"))
            frames.append(frame)
        return pd.concat(frames, ignore_index=True)


def publish_units(
    people: Mapping[str, Iterable[str]],
    measures: Iterable[Mapping[str, Iterable[str]]],
    *,
    units_of: Mapping[str, Iterable[str]],
    parents: Mapping[str, str | None],
    sex: Mapping[str, Sex],
    kind: TableKind | str = TableKind.PUBLISHED,
    settings: EqualitySettings | None = None,
) -> GroupTables:
    """Count people by sex in the whole and in every unit, so that no table nor any difference of tables reveals a few.

    Parameters
    ----------
    people : Mapping of one row name to person ids
        Who is counted at all, e.g. ``{"people": graph.person_ids}``: the first row of every table.
    measures : iterable of Mapping of row name to person ids
        Further rows, all within ``people``. Rows of one mapping have to do with one another: of any two, one lies in
        the other, or they have nobody in common (``{"claims": ..., "assessed": ...}``, ``{"level 1": ..., "level 2":
        ...}``); they are guarded together. Mappings are about different things and guarded apart, e.g. one mapping
        per competence.
    units_of : Mapping of person id to unit ids
        Where each person works; a person of two units is counted in both and once in a unit above both.
    parents : Mapping of unit id to unit id or None
        The tree of units. A unit that is only named in ``units_of`` lies directly in the whole.
    sex, kind, settings
        As for :class:`GroupTable`.

    Returns
    -------
    GroupTables
        The whole first, then units by depth and id, each with the same rows.

    Raises
    ------
    InputError
        If ``people`` has not one row, a row name stands twice, a measure counts somebody outside of ``people``, rows of
        one mapping cross, a unit is called as :data:`WHOLE` or units lie in a ring.

    Notes
    -----
    Higher units are asked before lower, among equals rows that others lie in first, then units with more ``people``
    (by powers of two, then by id). A row shows no more of a unit than the row it lies in does. Rows that lie in the same row
    divide it into parts, the rest being one more; for every set of parts that can be worked out in a unit, the parts of
    it that units tell apart are guarded as in :class:`Guard`. Where more than five rows lie directly in one, all of
    them are shown of a unit or none. What sums and differences of all tables together tell is covered by this, and what
    bounds tell of one unit at a time. Bounds over several units at once are not: the tests attack with a solver, which
    found one group out in 6 000 random staffs of at most 60 people (200 000 groups) and none in the example
    municipality. Two calls for the same people must count them in the same units, or their difference tells who works
    in two. O(people * depth * rows).

    Examples
    --------
    >>> sex = {"a": Sex.WOMAN, "b": Sex.WOMAN, "c": Sex.WOMAN, "d": Sex.MAN, "e": Sex.MAN, "f": Sex.MAN}
    >>> units_of = {p: ["north" if p in "ab" else "south"] for p in sex}
    >>> tables = publish_units({"people": sex}, [], units_of=units_of, parents={"north": None, "south": None}, sex=sex)
    >>> tables["*"], tables["north"], tables["south"]
    (GroupTable(women | men | total; people: 3 | 3 | 6), GroupTable(women | men | total; people: .. | .. | ..), \
GroupTable(women | men | total; people: .. | .. | ..))
    """
    settings = settings or EqualitySettings()
    kind = TableKind(kind)
    if len(people) != 1:
        raise InputError(f"people must have one row, those counted at all; got {len(people)}")
    ((base, counted),) = people.items()
    everybody = sorted(set(counted))
    index = {p: i for i, p in enumerate(everybody)}
    held = {base: np.ones(len(everybody), dtype=np.bool_)}
    within: dict[str, str] = {}
    for rows in measures:
        for name, those in rows.items():
            if name in held:
                raise InputError(f"every row needs a name of its own; {name!r} stands twice")
            held[name] = np.zeros(len(everybody), dtype=np.bool_)
            try:
                held[name][[index[p] for p in those]] = True
            except KeyError as error:
                raise InputError(f"row {name!r} must lie within {base!r}; {error.args[0]!r} is not in it") from None
        within |= _rows_within({name: held[name] for name in rows}, base)
    levels, members, above = _unit_tree(everybody, units_of, parents)
    column = sex_columns(everybody, sex)
    shown: dict[tuple[str, str], Shown] = {}
    if kind is TableKind.PUBLISHED:
        _show_units(base, held, within, list(measures), levels, members, column, settings.smallest_cell, shown)
    tables = {}
    for unit_id in (u for level in levels for u in level):
        parts = {name: column[members[unit_id][mask[members[unit_id]]]] for name, mask in held.items()}
        counted_rows = (_row(name, part, shown.get((unit_id, name), Shown.ALL)) for name, part in parts.items())
        tables[unit_id] = GroupTable.from_rows(counted_rows, kind)
    return GroupTables(kind, MappingProxyType(tables), MappingProxyType(above))


def _rows_within(held: Mapping[str, NDArray[np.bool_]], base: str) -> dict[str, str]:
    """Return the row that each row lies in directly; refuse rows that cross."""
    order = sorted(held, key=lambda name: -int(held[name].sum()))
    within: dict[str, str] = {}
    for k, name in enumerate(order):
        within[name] = base
        for wider in order[:k]:
            common = held[name] & held[wider]
            if common.any() and (held[name] & ~held[wider]).any():
                raise InputError(
                    f"rows of one mapping must lie in each other or have nobody in common; {wider!r} and {name!r} cross: "
                    "give each a mapping of its own, or count those in both as a row too"
                )
            if common.any():
                # The smaller rows come later, so that the last one found is the one directly above.
                within[name] = wider
    return within


class _Siblings:
    """Guard the rows that lie directly in one row: they and the rest are its parts, and any set of parts may follow."""

    _MOST = 5
    """Rows for which every set of parts is guarded; there are 2 ** (rows + 1) of them."""

    def __init__(self, above: str | None, rows: Sequence[str], held: Mapping[str, NDArray[np.bool_]], column: NDArray[np.int64]):
        self.above, self.rows = above, tuple(rows)
        taken = np.logical_or.reduce([held[r] for r in rows])
        left = held[above] & ~taken if above is not None else np.zeros(len(column), dtype=np.bool_)
        self._part = np.where(left, len(rows), -1)
        for k, row in enumerate(rows):
            self._part[held[row]] = k
        # Where the rows add up to the row above there is no rest, as a reader may know.
        self._every = frozenset(range(len(rows) + bool(left.any())))
        if len(rows) > self._MOST:
            sets = [frozenset({k}) for k in sorted(self._every)]
            self.steps: tuple[tuple[str, ...], ...] = (self.rows,)
        else:
            chosen = (frozenset(k for k in self._every if bits >> k & 1) for bits in range(1, 2 ** len(self._every) - 1))
            sets = list(chosen) if above is not None else [self._every]
            self.steps = tuple((row,) for row in self.rows)
        self._guards = {parts: Guard(column) for parts in sets}
        # The last place stands for -1, those in no part.
        places = np.arange(len(rows) + 2)
        self._in = {parts: np.isin(places, list(parts)) for parts in sets}

    def show(
        self,
        step: Sequence[str],
        members: NDArray[np.int64],
        column: NDArray[np.int64],
        already: Mapping[str, Shown],
        most: Shown,
        smallest: int,
    ) -> Shown:
        """Show as much as can be of one or all rows in a unit, and remember it.

        ``members`` are the unit's people in the row above, ``column`` their sex, ``already`` is what the rows show of
        the unit and ``most`` what the row above shows.
        """
        part = self._part[members]
        counts = np.bincount(column, minlength=3).astype(np.float64)
        new = frozenset(self.rows.index(row) for row in step)
        for much in _MOST_FIRST[:-1]:
            if much > most:
                continue
            found: dict[frozenset[int], tuple[NDArray[np.bool_], Shown]] = {}
            for level in _MOST_FIRST[:-1]:
                if level <= much:
                    self._told(found, members, part, counts, new, already, level, most, smallest)
            told = [(own, known, self._guards[parts]) for parts, (own, known) in found.items()]
            if all(guard.allows(members[own], smallest, known) for own, known, guard in told):
                for own, known, guard in told:
                    guard.tell(members[own], known)
                return much
        return Shown.NOTHING

    def _told(
        self,
        found: dict[frozenset[int], tuple[NDArray[np.bool_], Shown]],
        members: NDArray[np.int64],
        part: NDArray[np.int64],
        counts: NDArray[np.float64],
        new: frozenset[int],
        already: Mapping[str, Shown],
        level: Shown,
        most: Shown,
        smallest: int,
    ) -> None:
        """Add each set of parts that can be worked out at a level, who in the unit is in it, and how much is known."""
        shown = new | {k for k, row in enumerate(self.rows) if already.get(row, Shown.NOTHING) >= level}
        for parts in self._guards:
            if parts not in found and (parts <= shown or (level <= most and self._every - parts <= shown)):
                own = self._in[parts][part]
                tells = self.above is not None and level < most and self._total_tells(parts, members, own, counts, smallest)
                found[parts] = own, most if tells else level

    def _total_tells(
        self,
        parts: frozenset[int],
        members: NDArray[np.int64],
        own: NDArray[np.bool_],
        counts: NDArray[np.float64],
        smallest: int,
    ) -> bool:
        """Say whether the total of parts nearly tells how many women and men are in them.

        The unit's women and men are known in the row above; bounds on those in the parts follow from both totals and
        from what is known of the parts and of the others elsewhere.
        """
        total, rest = float(own.sum()), float((~own).sum())
        others = self._guards.get(self._every - parts)
        high = np.minimum(np.minimum(counts, total), self._guards[parts].at_most(members[own]))
        beside = np.minimum(counts, rest)
        if others is not None:
            beside = np.minimum(beside, others.at_most(members[~own]))
        low = np.maximum(counts - beside, 0.0)
        for _ in range(3):
            low = np.maximum(low, total - (high.sum() - high))
            high = np.minimum(high, total - (low.sum() - low))
        return bool(((counts > 0) & (high - low < smallest - 1)).any())


def _show_units(
    base: str,
    held: Mapping[str, NDArray[np.bool_]],
    within: Mapping[str, str],
    measures: Sequence[Mapping[str, object]],
    levels: Sequence[Sequence[str]],
    members: Mapping[str, NDArray[np.int64]],
    column: NDArray[np.int64],
    smallest: int,
    shown: dict[tuple[str, str], Shown],
) -> None:
    """Decide how much each row shows of each unit, from the whole downwards."""
    # Larger units first, so that of several that would give a few away the smaller are hidden; but only roughly, since an
    # exact order would tell how large the hidden ones are. Never by what a row counts.
    ordered = [sorted(level, key=lambda u: (-len(members[u]).bit_length(), u)) for level in levels]
    families: list[list[_Siblings]] = [[_Siblings(None, [base], held, column)]]
    for rows in measures:
        found = []
        for above in [base, *sorted(rows, key=lambda r: -int(held[r].sum()))]:
            own = [r for r in rows if within[r] == above]
            if own:
                found.append(_Siblings(above, own, held, column))
        families.append(found)
    for family in families:
        for level in ordered:
            for siblings in family:
                for step in siblings.steps:
                    for unit_id in level:
                        within_unit = members[unit_id]
                        most = Shown.ALL
                        if siblings.above is not None:
                            within_unit = within_unit[held[siblings.above][within_unit]]
                            most = shown[unit_id, siblings.above]
                        already = {r: shown.get((unit_id, r), Shown.NOTHING) for r in siblings.rows}
                        much = siblings.show(step, within_unit, column[within_unit], already, most, smallest)
                        for row in step:
                            # A total of nobody tells that there are neither women nor men.
                            nobody = much is Shown.TOTAL and not held[row][within_unit].any()
                            shown[unit_id, row] = Shown.ALL if nobody else much


def _unit_tree(
    everybody: Sequence[str], units_of: Mapping[str, Iterable[str]], parents: Mapping[str, str | None]
) -> tuple[list[list[str]], dict[str, NDArray[np.int64]], dict[str, str | None]]:
    """Return units by depth, who works in each or below it, and the unit that each lies in."""
    direct: dict[str, list[int]] = {}
    for i, person in enumerate(everybody):
        for unit_id in units_of.get(person, ()):
            direct.setdefault(unit_id, []).append(i)
    if WHOLE in parents or WHOLE in direct:
        raise InputError(f"no unit may be called {WHOLE!r}, which stands for the whole")
    above: dict[str, str | None] = {WHOLE: None}
    known = {*parents, *direct}
    for unit_id in sorted(known):
        parent = parents.get(unit_id)
        above[unit_id] = parent if parent in known else WHOLE
    depth = {WHOLE: 0}
    for unit_id in above:
        path: list[str] = []
        here: str = unit_id
        while here not in depth:
            if here in path:
                raise InputError(f"units must not lie in a ring; {' > '.join([*path, here])}")
            path.append(here)
            here = above[here] or WHOLE
        for step, passed in enumerate(reversed(path), start=depth[here] + 1):
            depth[passed] = step
    levels: list[list[str]] = [[] for _ in range(max(depth.values()) + 1)]
    for unit_id in above:
        levels[depth[unit_id]].append(unit_id)
    below: dict[str, list[NDArray[np.int64]]] = {u: [np.array(direct.get(u, ()), dtype=np.int64)] for u in above}
    members: dict[str, NDArray[np.int64]] = {}
    for level in reversed(levels):
        for unit_id in level:
            members[unit_id] = np.unique(np.concatenate(below[unit_id]))
            parent = above[unit_id]
            if parent is not None:
                below[parent].append(members[unit_id])
    members[WHOLE] = np.arange(len(everybody))
    return levels, members, above
