"""How recognised tables become one Staff: keys met, units found, days judged, every fault told.

The order is fixed, whatever the order of files and sheets: units, people, the tables that speak of people, the date,
then what depends on the date (age bands, minors, full time). Rows of protected people are silenced as soon as the
people are known, so that no later step can tell of them.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from difflib import get_close_matches
from hashlib import blake2s
from typing import Any

from competence.errors import InputError, Problem, ProblemEffect, Problems
from competence.io._files import Found, grids_of
from competence.io._headings import HEADINGS, known_fields
from competence.io._tables import IGNORE, LETTERS, MARKS, Column, Rows, recognise
from competence.io._values import (
    Cell,
    Parsed,
    answer,
    as_text,
    band_of,
    birth,
    day,
    end_day,
    fold,
    is_empty,
    is_formula,
    is_personal_number,
    level,
    minutes,
    name_key,
    opt_in,
    probability,
    protected,
    roles,
    sex,
    share,
    text_cell,
    weight,
    whole,
    word,
)
from competence.model import (
    AgeBand,
    Choice,
    Decision,
    Delegation,
    Employment,
    Evidence,
    HistoryEntry,
    HistoryKind,
    Importance,
    Interest,
    InterestKind,
    LearningForm,
    LearntWhere,
    OptIn,
    OptIns,
    Person,
    Post,
    Requirement,
    Role,
    RoleShare,
    Sex,
    Source,
    Statement,
    Travel,
    Unit,
    ValidationStage,
    Visibility,
)
from competence.staff import OPT_INS, TABLES, Staff, split_cells

__all__ = ["Scale", "content_id", "decisions_from_frame", "read_staff"]

Scale = Mapping[Any, Any] | str

_ADULT = 18
_OPTIONAL_WEIGHT = 0.5
"""Weight of a wish where the file gives none: half of a demand's 1.0."""
_SUM_ROWS = frozenset(
    map(fold, ("Summa", "Totalt", "Total", "Antal", "Medel", "Medelvärde", "Genomsnitt", "Sum", "Antal personer"))
)
_KINDS: Mapping[str, str] = {
    **dict.fromkeys(("expert", "experter"), "experts"),
    **dict.fromkeys(("par", "mentorpar", "mentorskap"), "pairs"),
    **dict.fromkeys(("rotation", "rotationer"), "rotation"),
    **dict.fromkeys(("team", "grupper", "lag"), "teams"),
    **dict.fromkeys(("validering", "valideringar"), "validations"),
}


def read_staff(
    source: Any,
    columns: Mapping[str, str] | None = None,
    scale: Scale | None = None,
    as_of: date | None = None,
) -> Staff:
    """Read an employer's own files into a Staff, with every fault told and no row lost unseen.

    Tables are known by their headings, in any file and on any sheet, hidden ones too: people, units, posts, role
    requirements, statements, evidence, interests, travel, history and decisions. Only people is required. Headings of
    ordinary Swedish HR exports and English ones are understood; case, accents and punctuation do not matter. A heading
    that is neither known nor forbidden is a competence if all its cells are 0-5, x, ja, nej, or A-E (the usual
    competence matrix). What must not be held (pay, absence, rating, health, union ...) and whatever is not known is
    dropped and told by name only. A personal identity number is never a key and never kept.

    Parameters
    ----------
    source : path, folder, DataFrame, several of them, or mapping of table name to DataFrame, path or rows
        xlsx, xlsm, xlsb, xls and ods; csv and tsv in UTF-8, UTF-16 or cp1252 with ``;``, ``,`` or tab.
        Of a folder every file is read, in name order.
    columns : mapping of heading to field, optional
        For headings that are not understood, such as ``{"Agressonr": "person_id"}``; ``"ignore"`` leaves one out.
    scale : mapping or {"1-3", "1-4", "1-5"}, optional
        How the marks of a competence matrix become levels 1-5, such as ``{1: 1, 2: 3, 3: 5}`` or ``{"A": 5, "B": 3}``.
        A text stretches its steps evenly. Without it marks count as they stand, A is 1 and E is 5, and a largest
        mark of 3 or 4 is told.
    as_of : date, optional
        Else the latest day on which something in the files was recorded or begun, else 1 January of the newest year
        named in a title, heading or file name, else the day the file was last saved (each told as a Problem).

    Returns
    -------
    Staff
        ``row_counts`` says for every file and table how many rows came, were kept and set aside; ``problems`` why.

    Raises
    ------
    UnreadableFileError
        If a file is empty, damaged, locked with a password, too large, or not what it says.
    InputError
        If ``columns`` or ``scale`` is not allowed, or a table without a file gives no date and ``as_of`` is None.

    Notes
    -----
    Reading the same files again, in any order and even twice, gives the same records; a row that repeats another whole
    is set aside (``duplicate_row``). Cost is linear in cells.

    Examples
    --------
    >>> import pandas as pd
    >>> staff = read_staff(pd.DataFrame({"Anst.nr": [7], "Namn": ["Eva Lind"], "Från": ["2024-02-01"], "Finska": [3]}))
    >>> staff.people[0].name, staff.statements[0].text, staff.statements[0].level, staff.as_of.isoformat()
    ('Eva Lind', 'Finska', 3, '2024-02-01')
    """
    mapping = _checked_columns(columns or {})
    steps = _checked_scale(scale)
    found = grids_of(source)
    return _Reader(found, [recognise(grid, mapping) for grid in found.grids], steps, as_of).staff()


def decisions_from_frame(frame: Any) -> tuple[Decision, ...]:
    """Read decisions from a DataFrame with the columns of ``to_tables()["decisions"]`` or Swedish headings.

    Raises
    ------
    InputError
        If a row cannot be read; the message lists every fault.
    """
    found = grids_of({"decisions": frame})
    rows = recognise(found.grids[0], {})
    decisions = tuple(d for _, d in _decisions(rows, lambda row, ids: ids))
    faults = [p for p in rows.problems() if p.effect in (ProblemEffect.SET_ASIDE, ProblemEffect.CELL_DROPPED)]
    if faults:
        raise InputError("; ".join(f"row {p.row if p.row is not None else '-'}: {p.message('en')}" for p in faults))
    return decisions


def _checked_columns(columns: Mapping[str, str]) -> dict[str, str]:
    allowed = sorted({IGNORE}.union(*(known_fields(t) for t in HEADINGS)))
    for heading, name in columns.items():
        if name not in allowed:
            near = ", ".join(get_close_matches(str(name), allowed, n=3, cutoff=0.3)) or ", ".join(allowed)
            raise InputError(f"columns: {heading!r} must be mapped to a field; got {name!r}, nearest: {near}")
    return {fold(str(heading)): name for heading, name in columns.items()}


def _checked_scale(scale: Scale | None) -> dict[str, int | None] | None:
    """Return marks, folded, and the level each stands for; 0 records nothing."""
    if scale is None:
        return None
    if isinstance(scale, str):
        match = re.fullmatch(r"1\s*[-–]\s*([2-9]|10)", scale.strip())
        if not match:
            raise InputError(f"scale must be a mapping of mark to level or a text such as '1-4'; got {scale!r}")
        top = int(match[1])
        # Evenly stretched and rounded half up: 1-3 gives 1, 3, 5 and 1-4 gives 1, 2, 4, 5.
        return {str(n): int(1 + (n - 1) * 4 / (top - 1) + 0.5) for n in range(1, top + 1)}
    steps: dict[str, int | None] = {}
    for mark, step in scale.items():
        if isinstance(step, bool) or not isinstance(step, int) or not 0 <= step <= 5:
            raise InputError(f"scale: the level of {mark!r} must be a whole number from 0 (nothing) to 5; got {step!r}")
        steps[as_text(mark).casefold()] = step
    if not steps:
        raise InputError("scale must have at least one mark; got none")
    return steps


_HEX_AS_LETTERS = str.maketrans("0123456789", "ghijklmnop")


def content_id(prefix: str, *parts: object) -> str:
    """Return an id that depends on nothing but the content: 64 bits, so that a million rows do not collide.

    Letters only, since ten digits in a row can look like a personal identity number.
    """
    plain = json.dumps([str(p) if p is not None else None for p in parts], ensure_ascii=False)
    return f"{prefix}-{blake2s(plain.encode(), digest_size=8).hexdigest().translate(_HEX_AS_LETTERS)}"


def _plain(cell: Cell) -> Parsed[str]:
    return text_cell(cell)


def _long(cell: Cell) -> Parsed[str]:
    return text_cell(cell, lines=True)


def _id(cell: Cell) -> Parsed[str]:
    """Read a key; whether it is a personal identity number is judged apart, for the column as a whole first."""
    return Parsed("" if is_empty(cell) else as_text(cell))


def _key(text: str) -> str:
    return " ".join(text.casefold().split())


def _slug(text: str) -> str:
    return re.sub(r"[^\w]+", "-", text.casefold()).strip("-") or "-"


def _worded(kind: Any) -> Callable[[Cell], Parsed[Any]]:
    """Return a parser for one enum."""
    return lambda cell: word(cell, kind)


@dataclass(slots=True)
class _Draft:
    """A person while the rows that speak of them are gathered."""

    person_id: str
    name: str = ""
    sex: Sex = Sex.NOT_STATED
    born: date | int | None = None
    age: int | None = None
    band: AgeBand | None = None
    jobs: list[tuple[str, Employment, Rows, int]] = field(default_factory=list)
    managers: list[tuple[str, Rows, int, str]] = field(default_factory=list)
    site: str = ""
    capacity: int | None = None
    answers: dict[str, OptIn] = field(default_factory=dict)
    protected: bool = False
    end: date | None = None
    rows: list[tuple[Rows, int]] = field(default_factory=list)
    contents: set[tuple[object, ...]] = field(default_factory=set)


@dataclass(slots=True)
class _UnitMade:
    """A unit known from people's rows: how often each id and name was written."""

    ids: Counter[str] = field(default_factory=Counter)
    names: Counter[str] = field(default_factory=Counter)

    def build(self) -> Unit:
        name = _commonest(self.names) or _commonest(self.ids)
        return Unit(unit_id=_commonest(self.ids) or name, name=name)


def _commonest(counts: Counter[str]) -> str:
    return min(counts, key=lambda text: (-counts[text], text)) if counts else ""


class _Reader:
    """One reading: the tables, what is known so far, and what was told."""

    def __init__(self, found: Found, tables: Sequence[Rows], scale: dict[str, int | None] | None, as_of: date | None) -> None:
        self.found = found
        self.tables = tables
        self.scale = scale
        self.given = as_of
        self.told: list[Problem] = list(found.problems)
        self.drafts: dict[str, _Draft] = {}
        self.by_name: dict[str, set[str]] = {}
        self.short_ids: dict[str, set[str]] = {}
        self.excluded: dict[str, str] = {}
        self.units: dict[str, Unit] = {}
        self.unit_ids: dict[str, str] = {}
        self.unit_names: dict[str, set[str]] = {}
        self.made: dict[str, _UnitMade] = {}
        self.made_names: dict[str, str] = {}
        self.statements: dict[str, tuple[Statement, Rows, int]] = {}
        self.days: list[tuple[date, Rows, int]] = []
        self.cells: dict[int, _PeopleCells] = {}

    def of(self, table: str) -> list[Rows]:
        """Return every recognised table of one kind."""
        return [rows for rows in self.tables if rows.table == table]

    # The whole way

    def staff(self) -> Staff:
        """Build the Staff."""
        units = [self._units(rows) for rows in self.of("units")]
        people = [(rows, self._matrix(rows)) for rows in self.of("people")]
        self._learn_units()
        for rows, marks in people:
            self._people(rows, marks, named=False)
        for rows, marks in people:
            self._people(rows, marks, named=True)
        self._silence_protected()
        self._managers_of_units([pair for pairs in units for pair in pairs])
        for rows in self.of("statements"):
            self._statements(rows)
        evidence = self._unique([e for rows in self.of("evidence") for e in self._evidence(rows)])
        interests = self._unique([e for rows in self.of("interests") for e in self._interests(rows)])
        history = self._unique([e for rows in self.of("history") for e in self._history(rows)])
        decisions = self._unique([e for rows in self.of("decisions") for e in _decisions(rows, self._whom_all(rows))])
        for (rows, i), decision in decisions:
            self._dated(decision.day, rows, i)
        delegations = self._unique([e for rows in self.of("delegations") for e in self._delegations(rows)])
        as_of = self._date()
        self._set_aside_minors(as_of)
        for (rows, i), record in (*evidence, *interests, *history, *decisions, *delegations):
            if self.excluded.keys() & _people_in(record) and rows.open(i):
                rows.reject(i, "under_age")
        persons = tuple(self._person(d, as_of) for d in self.drafts.values() if d.person_id not in self.excluded)
        gone = set(self.excluded)
        posts = self._posts()
        roles_ = self._roles()
        travel = self._unique([e for rows in self.of("travel") for e in self._travel(rows)])
        counts = tuple(rows.count() for rows in self.tables if len(rows) or rows.table != "unknown")
        statements = tuple(s for s, _, _ in self.statements.values() if s.person_id not in gone)
        came = {rows.table for rows in self.tables if rows.table in TABLES and rows.fate.count(0)}
        if statements:
            came.add("statements")
        self._missing_tables(came)
        hidden = sum(d.protected for d in self.drafts.values())
        if hidden:
            self.told.append(Problem(code="protected", table="people", count=hidden, effect=ProblemEffect.SET_ASIDE))
        problems = [*self.told, *(p for rows in self.tables for p in rows.problems())]
        return Staff(
            people=persons,
            as_of=as_of,
            units=self._all_units(),
            posts=posts,
            roles=roles_,
            statements=statements,
            evidence=tuple(e for _, e in evidence if not gone & _people_in(e)),
            interests=tuple(e for _, e in interests if not gone & _people_in(e)),
            travel=tuple(e for _, e in travel),
            history=tuple(e for _, e in history if not gone & _people_in(e)),
            decisions=tuple(e for _, e in decisions if not gone & _people_in(e)),
            delegations=tuple(e for _, e in delegations if not gone & _people_in(e)),
            problems=Problems(problems),
            row_counts=counts,
            opt_in_columns=frozenset(o for o in OPT_INS if any(r.has(o) for r in self.of("people"))),
            tables=frozenset(came | {"people"}),
            sources=tuple(dict.fromkeys(self.found.sources)),
            protected_count=hidden,
        )

    def _unique(self, pairs: list[tuple[tuple[Rows, int], Any]]) -> list[tuple[tuple[Rows, int], Any]]:
        """Keep each record once; a row that gives the same again is set aside."""
        seen: set[Any] = set()
        kept = []
        for (rows, i), record in pairs:
            if record in seen:
                rows.reject(i, "duplicate_row")
            else:
                seen.add(record)
                kept.append(((rows, i), record))
        return kept

    # Units

    def _units(self, rows: Rows) -> list[tuple[str, str, list[str], Rows, int]]:
        """Read a table of units; parents and managers are resolved once all units and people are known."""
        ids, names = rows.read("unit_id", _plain), rows.read("name", _plain)
        parents, sites = rows.read("parent_id", _plain), rows.read("site", _plain)
        shares, starts, ends = rows.read("max_moving_share", share), rows.read("start", day), rows.read("end", end_day)
        managers = self._several(rows, "manager_ids")
        later = []
        for i in range(len(rows)):
            if not rows.open(i):
                continue
            unit_id = ids[i] or names[i]
            if not unit_id:
                rows.reject(i, "key_missing")
                continue
            moving = shares[i]
            if moving is not None and moving > 1:
                rows.tell(i, "share_invalid", ProblemEffect.CELL_DROPPED, column=rows.heading("max_moving_share"))
                moving = None
            unit = Unit(
                unit_id=unit_id,
                name=names[i] or unit_id,
                site=sites[i],
                max_moving_share=moving,
                start=starts[i],
                end=self._ordered(rows, i, starts[i], ends[i]),
            )
            known = self.unit_ids.get(_key(unit_id))
            if known is not None:
                same = self.units[known] == unit
                rows.reject(i, "duplicate_row" if same else "duplicate_id", column=rows.heading("unit_id"))
                continue
            self.units[unit_id] = unit
            self.unit_ids[_key(unit_id)] = unit_id
            self.unit_names.setdefault(fold(unit.name), set()).add(unit_id)
            later.append((unit_id, parents[i], managers[i], rows, i))
        return later

    def _ordered(self, rows: Rows, i: int, start: date | None, end: date | None) -> date | None:
        """Drop a last day that lies before the first."""
        if start is not None and end is not None and end < start:
            rows.tell(i, "date_order", ProblemEffect.CELL_DROPPED, column=rows.heading("end"), value=end.isoformat())
            return None
        return end

    def _managers_of_units(self, later: list[tuple[str, str, list[str], Rows, int]]) -> None:
        """Resolve parents and managers of the units table, and break circles."""
        for unit_id, parent, managers, rows, i in later:
            parent_id = None
            if parent and _key(parent) not in (_key(unit_id),):
                parent_id = self._unit(parent, "", rows, i, "parent_id", make=False)
            self.units[unit_id] = replace(
                self.units[unit_id], parent_id=parent_id, manager_ids=self._manager_ids(managers, rows, i)
            )
        for unit_id, _, _, rows, i in later:
            seen = {unit_id}
            above = self.units[unit_id].parent_id
            while above is not None and above not in seen:
                seen.add(above)
                above = self.units[above].parent_id if above in self.units else None
            if above == unit_id:
                self.units[unit_id] = replace(self.units[unit_id], parent_id=None)
                rows.tell(i, "unit_cycle", ProblemEffect.CELL_DROPPED, column=rows.heading("parent_id"))

    def _unit(self, code: str, name: str, rows: Rows, i: int, column: str, *, make: bool = True) -> str | None:
        """Return the key of the unit a row means: by id, else by unique name, else a unit of its own is made."""
        if not code and not name:
            return None
        for text in (code, name):
            if not text:
                continue
            if _key(text) in self.unit_ids:
                return self.unit_ids[_key(text)]
            named = self.unit_names.get(fold(text), set())
            if len(named) == 1:
                return next(iter(named))
            if len(named) > 1:
                rows.tell(i, "unit_not_unique", ProblemEffect.CELL_DROPPED, column=rows.heading(column), value=text)
                return None
        if not make:
            rows.tell(i, "unknown_unit", ProblemEffect.CELL_DROPPED, column=rows.heading(column), value=code or name)
            return None
        if self.units:
            rows.tell(i, "unknown_unit", column=rows.heading(column), value=code or name)
        key = _key(code) if code else self.made_names.get(fold(name), _key(name))
        made = self.made.get(key)
        if made is None:
            made = self.made[key] = _UnitMade()
        if code:
            made.ids[code] += 1
        if name:
            made.names[name] += 1
        # The mark tells a made unit's key from the id of one in the table; no text of a file holds it.
        return f"\0{key}"

    def _learn_units(self) -> None:
        """Note which name goes with which code, so that a row with the name alone meets the same unit."""
        for rows in self.of("people"):
            cells = self._cells(rows)
            for code, name in dict.fromkeys(zip(cells.codes, cells.unit_names, strict=True)):
                if code and name:
                    self.made_names.setdefault(fold(name), _key(code))

    def _unit_id(self, key: str | None) -> str:
        """Return the final id of a unit key; made units get the spelling used most."""
        if key is None:
            return ""
        return self.made[key[1:]].build().unit_id if key.startswith("\0") else key

    def _all_units(self) -> tuple[Unit, ...]:
        return (*self.units.values(), *(made.build() for made in self.made.values()))

    # People

    def _several(self, rows: Rows, name: str) -> list[list[str]]:
        """Return for each row the texts of a field that may have several columns and several values per cell."""
        values: list[list[str]] = [[] for _ in range(len(rows))]
        for column in sorted(rows.columns.get(name, ()), key=lambda c: c.number):
            if name == "manager_ids":
                marks = {fold(as_text(c)) for c in column.cells if not is_empty(c)}
                if marks and (marks <= _ANSWERS or marks == {"0", "1"}):
                    # "Chef: ja" says that somebody is a manager, not who the manager is.
                    rows.tell(-1, "column_unknown", column=column.heading)
                    continue
            for i, text in enumerate(rows.parse(column, _plain)):
                if text:
                    values[i].append(text)
        return values

    def _jobs(self, rows: Rows, name: str) -> list[tuple[RoleShare, ...]]:
        """Return the roles of each row, from all title columns, with shares from columns of the same number."""
        shares = {c.number: rows.parse(c, share) for c in rows.columns.get("title_share", ())}
        found: list[tuple[RoleShare, ...]] = [()] * len(rows)
        for column in sorted(rows.columns.get(name, ()), key=lambda c: c.number):
            beside = shares.get(column.number)
            for i, own in enumerate(rows.parse(column, roles)):
                if beside is not None and len(own) == 1 and own[0].share is None:
                    own = (replace(own[0], share=beside[i]),)
                if own:
                    found[i] += tuple(r for r in own if r not in found[i])
        return found

    def _keys(self, rows: Rows) -> list[str]:
        """Return the id of each row, empty where there is none; personal identity numbers are no ids."""
        if rows.has("personal_number"):
            rows.tell(-1, "column_personal_id", column=rows.heading("personal_number"))
        if not rows.has("person_id"):
            return [""] * len(rows)
        column = rows.columns["person_id"][0]
        judged = {c: is_personal_number(c) for c in set(column.cells)}
        personal = [judged[c] for c in column.cells]
        filled = sum(not is_empty(c) for c in column.cells)
        ids = rows.parse(column, _id)
        if filled and sum(personal) == filled:
            rows.tell(-1, "personal_id_as_key", column=column.heading, count=filled)
            return [""] * len(rows)
        for i, bad in enumerate(personal):
            if bad and rows.open(i):
                rows.reject(i, "personal_id_as_key", column=column.heading)
        return ["" if bad else key for key, bad in zip(ids, personal, strict=True)]

    def _names(self, rows: Rows) -> list[str]:
        whole_, first, last = rows.read("name", _plain), rows.read("first_name", _plain), rows.read("last_name", _plain)
        names = []
        for w, f, n in zip(whole_, first, last, strict=True):
            if w.count(",") == 1:
                after, before = w.split(",")
                w = f"{before.strip()} {after.strip()}".strip()
            names.append(w or f"{f} {n}".strip())
        return names

    def _key_fault(self, rows: Rows) -> str:
        """Name why a row without a key cannot be kept."""
        if rows.has("personal_number"):
            return "personal_id_as_key"
        if rows.has("person_id") and any(is_personal_number(c) for c in rows.columns["person_id"][0].cells):
            return "personal_id_as_key"
        return "key_missing"

    def _people(self, rows: Rows, marks: list[tuple[Column, list[int | None]]], *, named: bool) -> None:
        """Gather rows that have an id, or (``named``) those that have only a name.

        Ids go first over all tables, so that a matrix with names alone meets the people of the HR export.
        """
        cells = self._cells(rows)
        fault = ""
        counts = Counter(name_key(n) for n, k in zip(cells.names, cells.keys, strict=True) if n and not k)
        contents: dict[str, set[tuple[object, ...]]] = {}
        if named:
            fault = self._key_fault(rows)
            for i, name in enumerate(cells.names):
                if name and not cells.keys[i] and rows.open(i):
                    contents.setdefault(name_key(name), set()).add(cells.content(i, marks))
        made = 0
        for i in range(len(rows)):
            if not rows.open(i) or bool(cells.keys[i]) == named:
                continue
            key, name = cells.keys[i], cells.names[i]
            if named:
                if not name:
                    rows.reject(i, fault)
                    continue
                if self._is_no_person(name, i, cells, marks, rows):
                    rows.reject(i, "not_a_person")
                    continue
                known = self.by_name.get(name_key(name), set())
                if len(known) > 1 or (counts[name_key(name)] > 1 and len(contents[name_key(name)]) > 1):
                    # Two people of one name, or one person twice: only an id can tell.
                    if any(self.drafts[k].protected for k in known):
                        rows.silence(i)
                    else:
                        rows.reject(i, "name_not_unique", column=rows.heading("name"))
                    continue
                key = next(iter(known)) if known else content_id("n", name_key(name))
                made += not known
            self._take(rows, i, key, cells, marks)
        if made:
            rows.tell(-1, "id_from_name", count=made)

    def _cells(self, rows: Rows) -> _PeopleCells:
        if id(rows) not in self.cells:
            self.cells[id(rows)] = _PeopleCells(self, rows)
        return self.cells[id(rows)]

    def _is_no_person(
        self, name: str, i: int, cells: _PeopleCells, marks: list[tuple[Column, list[int | None]]], rows: Rows
    ) -> bool:
        """Say whether a row of a list without ids is a sum, a legend or a heading between groups."""
        if fold(name) in _SUM_ROWS:
            return True
        empty = all(is_empty(c.cells[i]) for columns in rows.columns.values() for c in columns if as_text(c.cells[i]) != name)
        empty = empty and all(is_empty(c.cells[i]) for c, _ in marks)
        others = sum(len(columns) for columns in rows.columns.values()) + len(marks) > 1
        return empty and others and (" " not in name or bool(re.search(r"[=:\d]", name)))

    def _take(self, rows: Rows, i: int, key: str, cells: _PeopleCells, marks: list[tuple[Column, list[int | None]]]) -> None:
        """Add one row to the person it belongs to."""
        name = cells.names[i]
        draft = self.drafts.get(key)
        content = cells.content(i, marks)
        if draft is None:
            draft = self.drafts[key] = _Draft(person_id=key)
            self.short_ids.setdefault(_key(key).lstrip("0"), set()).add(key)
        elif content in draft.contents:
            rows.reject(i, "duplicate_row")
            draft.rows.append((rows, i))
            draft.protected |= cells.protected[i]
            return
        elif name and draft.name and not _same_name(name, draft.name):
            rows.reject(i, "duplicate_id", column=rows.heading("person_id"))
            # Which of the two is protected cannot be known, so a mark on either protects both.
            draft.protected |= cells.protected[i]
            draft.rows.append((rows, i))
            return
        draft.contents.add(content)
        draft.rows.append((rows, i))
        draft.protected |= cells.protected[i]
        if name:
            draft.name = draft.name or name
            self.by_name.setdefault(name_key(name), set()).add(key)
        if cells.sexes[i] is not Sex.NOT_STATED and draft.sex not in (Sex.NOT_STATED, cells.sexes[i]):
            rows.tell(i, "sex_differs", ProblemEffect.CHANGED, column=rows.heading("sex"))
        elif draft.sex is Sex.NOT_STATED:
            draft.sex = cells.sexes[i]
        draft.born = draft.born if draft.born is not None else cells.born[i]
        draft.age = draft.age if draft.age is not None else cells.ages[i]
        draft.band = draft.band or cells.bands[i]
        draft.site = draft.site or cells.sites[i]
        draft.capacity = draft.capacity if draft.capacity is not None else cells.capacities[i]
        draft.end = draft.end or cells.person_ends[i]
        for purpose in OPT_INS:
            said = cells.answers[purpose][i]
            # A no anywhere is a no: it is a hard rule, and asking too little is the smaller fault.
            if said is OptIn.NO or (said is OptIn.YES and draft.answers.get(purpose) is not OptIn.NO):
                draft.answers[purpose] = said
        for manager in cells.managers[i]:
            draft.managers.append((manager, rows, i, rows.heading("manager_ids") or ""))
        self._employ(draft, rows, i, cells)
        self._dated(cells.starts[i], rows, i)
        self._dated(cells.days[i], rows, i)
        words = cells.statements[i]
        if words:
            visibility = cells.visibilities[i] or Visibility.UNIT
            self._state(rows, i, key, words, None, cells.days[i], Source.SELF, False, visibility)
        source = cells.sources[i] or Source.MANAGER
        visibility = cells.visibilities[i] or Visibility.ORGANISATION
        said_on = cells.days[i] or cells.title_day
        for column, levels in marks:
            if levels[i] != 0:
                step = levels[i] if levels[i] != _UNSTATED else None
                self._state(rows, i, key, column.heading, step, said_on, source, True, visibility)

    def _dated(self, on: date | None, rows: Rows, i: int) -> None:
        """Note a day on which something was recorded or begun."""
        if on is not None:
            self.days.append((on, rows, i))

    def _state(
        self,
        rows: Rows,
        i: int,
        person_id: str,
        text: str,
        step: int | None,
        on: date | None,
        source: Source,
        heading: bool,
        visibility: Visibility,
    ) -> None:
        """Keep a statement that came with a person's row."""
        key = content_id("m" if heading else "s", person_id, text, step, on, source, visibility)
        statement = Statement(
            statement_id=key,
            person_id=person_id,
            text=text,
            day=on,
            source=source,
            level=step,
            heading=heading,
            visibility=visibility,
        )
        self.statements.setdefault(key, (statement, rows, i))

    def _employ(self, draft: _Draft, rows: Rows, i: int, cells: _PeopleCells) -> None:
        """Add the row's employment, unless the row tells of none."""
        unit = self._unit(cells.codes[i], cells.unit_names[i], rows, i, "unit_id" if rows.has("unit_id") else "unit_name")
        jobs = _shared_out(cells.jobs[i], cells.shares[i], rows, i, "title")
        ids = cells.role_ids[i]
        if ids and len(ids) == len(jobs):
            jobs = tuple(replace(r, role_id=None if x == "-" else x) for r, x in zip(jobs, ids, strict=True))
        employment = Employment(
            roles=jobs,
            form=cells.forms[i],
            share=cells.shares[i],
            aid=cells.aids[i],
            start=cells.starts[i],
            end=self._ordered(rows, i, cells.starts[i], cells.ends[i]),
        )
        if unit is not None or employment != Employment():
            draft.jobs.append((unit or "", employment, rows, i))

    def _silence_protected(self) -> None:
        """Take every row of protected people out of all that is told, and out of what other tables may meet."""
        for draft in self.drafts.values():
            if draft.protected:
                self.excluded[draft.person_id] = ""
                for rows, i in draft.rows:
                    rows.silence(i)

    def _set_aside_minors(self, as_of: date) -> None:
        """Set people under 18 aside, with every row about them (REQ-DP-11)."""
        for draft in self.drafts.values():
            age = _age(draft, as_of)
            if age is None or age >= _ADULT or draft.person_id in self.excluded:
                continue
            self.excluded[draft.person_id] = "under_age"
            for rows, i in draft.rows:
                if rows.open(i):
                    rows.reject(i, "under_age")
            for statement, rows, i in self.statements.values():
                if statement.person_id == draft.person_id and rows.open(i):
                    rows.reject(i, "under_age")

    def _person(self, draft: _Draft, as_of: date) -> Person:
        age = _age(draft, as_of)
        band = band_of(age) if age is not None else draft.band or AgeBand.NOT_STATED
        jobs = []
        for unit, employment, rows, i in draft.jobs:
            jobs.append((replace(employment, unit_id=self._unit_id(unit or None)), rows, i))
        kept = jobs if len(jobs) < 2 else [job for n, job in enumerate(jobs) if not _absorbed(n, [j[0] for j in jobs])]
        current = [(e.share, rows, i) for e, rows, i in kept if e.share is not None and e.is_current(as_of)]
        total = sum(s for s, _, _ in current)
        if total > 1 + 1e-9:
            _, rows, i = current[-1]
            rows.tell(i, "fte_over_100", column=rows.heading("share"), value=f"{total * 100:.6g} %")
        managers: dict[str, None] = {}
        for written, rows, i, _ in draft.managers:
            for manager in self._manager_ids([written], rows, i):
                if manager != draft.person_id:
                    managers[manager] = None
        return Person(
            person_id=draft.person_id,
            name=draft.name,
            sex=draft.sex,
            age_band=band,
            employments=tuple(e for e, _, _ in kept),
            manager_ids=tuple(managers),
            site=draft.site,
            capacity=draft.capacity,
            opt_ins=OptIns(**draft.answers),
            end=draft.end,
        )

    def _find(self, text: str) -> set[str]:
        """Return the ids a text may mean: an id, an id with or without leading zeros, a name."""
        if text in self.drafts:
            return {text}
        if text.isdecimal():
            return self.short_ids.get(text.lstrip("0"), set())
        return self.by_name.get(name_key(text), set())

    def _manager_ids(self, written: Iterable[str], rows: Rows, i: int) -> tuple[str, ...]:
        """Resolve managers by id, else by unique name; protected ones leave no trace."""
        found: dict[str, None] = {}
        for cell in written:
            parts: Sequence[str] = (cell,)
            if len(self._find(cell)) != 1:
                parts = split_cells(cell)
                if len(parts) == 1:
                    parts = [p for p in re.split(r"\s*[/,&|]\s*|\s+(?:och|and)\s+", cell) if p]
            for part in parts:
                ids = self._find(part)
                if len(ids) == 1:
                    manager = next(iter(ids))
                    if manager not in self.excluded:
                        found[manager] = None
                elif not any(self.drafts[k].protected for k in ids):
                    rows.tell(i, "unknown_manager", ProblemEffect.CELL_DROPPED, column=rows.heading("manager_ids"))
        return tuple(found)

    # The competence matrix

    def _matrix(self, rows: Rows) -> list[tuple[Column, list[int | None]]]:
        """Return the columns whose cells are all marks, with their levels; drop the others by name.

        Level 0 is nothing, ``_UNSTATED`` a level not stated.
        """
        steps = dict(MARKS)
        if self.scale is not None:
            steps.update(self.scale)
        found: list[tuple[Column, list[int | None]]] = []
        letters_used = False
        largest = 0
        for column in rows.matrix:
            marks = ["" if is_empty(c) else as_text(c).casefold() for c in column.cells]
            filled = [(i, m) for i, m in enumerate(marks) if m and not is_formula(column.cells[i])]
            for i, cell in enumerate(column.cells):
                if is_formula(cell):
                    rows.tell(i, "formula_cell", ProblemEffect.CELL_DROPPED, column=column.heading)
                    marks[i] = ""
            # A sum or legend below the matrix is no person, and must not cost the columns their meaning.
            people = [(i, m) for i, m in filled if not self._below(rows, i)]
            odd = [i for i, m in people if m not in steps]
            if people and all(m in LETTERS for _, m in people) and not (self.scale and not odd):
                letters_used = True
                table: Mapping[str, int | None] = {c: n for n, c in enumerate("abcde", start=1)}
            elif odd or not (people or self._is_matrix_like(rows)):
                if odd and len(odd) * 5 <= len(people) and len(people) - len(odd) >= 2:
                    shown = ", ".join(str(rows.numbers[i]) for i in odd[:5])
                    rows.tell(
                        -1,
                        "matrix_column_dropped",
                        ProblemEffect.CELL_DROPPED,
                        column=column.heading,
                        detail=shown,
                        count=len(odd),
                    )
                else:
                    rows.tell(-1, "column_unknown", column=column.heading)
                continue
            else:
                table = steps
                largest = max([largest, *(int(m) for _, m in people if m.isdecimal())])
            found.append((column, [0 if not m else _level_of(table.get(m, 0)) for m in marks]))
        if found and self.scale is None:
            if letters_used:
                rows.tell(-1, "scale_letters", detail="A=1, B=2, C=3, D=4, E=5")
            if largest in (3, 4):
                rows.tell(-1, "scale_unclear", value=str(largest), detail=", ".join(f"{n}={n}" for n in range(1, largest + 1)))
        return found

    def _is_matrix_like(self, rows: Rows) -> bool:
        """Say whether at least one other column holds marks, so that an empty one is a competence nobody has."""
        return any(
            any(not is_empty(c) for c in column.cells)
            and all(as_text(c).casefold() in MARKS for c in column.cells if not is_empty(c))
            for column in rows.matrix
        )

    def _below(self, rows: Rows, i: int) -> bool:
        """Say whether a row of a matrix is about nobody: a sum, a legend, a row without a key."""
        cells = self._cells(rows)
        return not rows.open(i) or not (cells.keys[i] or cells.names[i]) or fold(cells.names[i]) in _SUM_ROWS

    # Tables that speak of people

    def _whom(self, rows: Rows) -> list[str | None]:
        """Return whom each row is about, by id, else by unique name; set aside rows about nobody known."""
        keys, names = self._keys(rows), self._names(rows)
        found: list[str | None] = []
        for i in range(len(rows)):
            text = keys[i] or names[i]
            if not rows.open(i):
                found.append(None)
            elif not text:
                rows.reject(i, self._key_fault(rows))
                found.append(None)
            else:
                found.append(self._one(rows, i, text))
        return found

    def _one(self, rows: Rows, i: int, text: str) -> str | None:
        ids = self._find(text)
        if any(self.drafts[k].protected for k in ids):
            rows.silence(i)
            return None
        if len(ids) != 1:
            rows.reject(i, "name_not_unique" if ids else "unknown_person")
            return None
        return next(iter(ids))

    def _whom_all(self, rows: Rows) -> Callable[[int, tuple[str, ...]], tuple[str, ...] | None]:
        """Return a function that resolves several people of one row, or None if one of them is not there."""

        def resolve(i: int, texts: tuple[str, ...]) -> tuple[str, ...] | None:
            found = []
            for text in texts:
                person = self._one(rows, i, text)
                if person is None:
                    return None
                found.append(person)
            return tuple(found)

        return resolve

    def _statements(self, rows: Rows) -> None:
        whom = self._whom(rows)
        ids, texts, langs = rows.read("statement_id", _plain), rows.read("text", _long), rows.read("lang", _plain)
        where, days = rows.read("learnt_where", _worded(LearntWhere)), rows.read("day", day)
        sources, levels = rows.read("source", _worded(Source)), rows.read("level", level)
        headings, visibilities = rows.read("heading", answer), rows.read("visibility", _worded(Visibility))
        for i, person_id in enumerate(whom):
            if person_id is None:
                continue
            if not texts[i]:
                rows.reject(i, "text_missing", column=rows.heading("text"))
                continue
            source = sources[i] or Source.SELF
            own = Visibility.UNIT if source is Source.SELF else Visibility.ORGANISATION
            visibility = visibilities[i] or own
            key = ids[i] or content_id("s", person_id, texts[i], langs[i], where[i], days[i], source, levels[i], visibility)
            statement = Statement(
                statement_id=key,
                person_id=person_id,
                text=texts[i],
                lang=langs[i],
                learnt_where=where[i],
                day=days[i],
                source=source,
                level=levels[i] or None,
                heading=bool(headings[i]),
                visibility=visibility,
            )
            if key in self.statements:
                rows.reject(i, "duplicate_row" if self.statements[key][0] == statement else "duplicate_id")
                continue
            self.statements[key] = (statement, rows, i)
            self._dated(days[i], rows, i)

    def _evidence(self, rows: Rows) -> Iterable[tuple[tuple[Rows, int], Evidence]]:
        whom = self._whom(rows)
        ids, concepts, words = rows.read("evidence_id", _plain), rows.read("concept_id", _plain), rows.read("words", _plain)
        levels, sources = rows.read("level", level), rows.read("source", _worded(Source))
        forms, days = rows.read("learning_form", _worded(LearningForm)), rows.read("day", day)
        authors, statements = rows.read("author", _plain), rows.read("statement_id", _plain)
        stages, visibilities = rows.read("stage", _worded(ValidationStage)), rows.read("visibility", _worded(Visibility))
        chances, labels = rows.read("probability", probability), rows.read("label", _plain)
        ends = rows.read("valid_until", end_day)
        seen: dict[str, Evidence] = {}
        for i, person_id in enumerate(whom):
            if person_id is None:
                continue
            if not words[i] and not concepts[i]:
                rows.reject(i, "text_missing", column=rows.heading("words") or rows.heading("concept_id"))
                continue
            if levels[i] == 0:
                rows.reject(i, "level_zero", column=rows.heading("level"))
                continue
            source = sources[i] or Source.SELF
            form = forms[i] or _FORM_OF.get(source, LearningForm.INFORMAL)
            own = Visibility.UNIT if source is Source.SELF else Visibility.ORGANISATION
            author = self._author(authors[i])
            if author is None:
                author = ""
            evidence = Evidence(
                evidence_id=ids[i],
                person_id=person_id,
                concept_id=concepts[i] or None,
                words=words[i],
                level=levels[i],
                source=source,
                learning_form=form,
                day=days[i],
                author=author,
                statement_id=statements[i] or None,
                stage=stages[i] or ValidationStage.IDENTIFIED,
                visibility=visibilities[i] or own,
                probability=1.0 if (chance := chances[i]) is None else chance,
                label=labels[i],
                valid_until=ends[i],
            )
            if not ids[i]:
                evidence = replace(evidence, evidence_id=content_id("e", *_values(evidence)))
            elif ids[i] in seen and seen[ids[i]] != evidence:
                rows.reject(i, "duplicate_id", column=rows.heading("evidence_id"))
                continue
            seen[evidence.evidence_id] = evidence
            self._dated(days[i], rows, i)
            yield (rows, i), evidence

    def _author(self, text: str) -> str | None:
        """Return an author as an id where it is one of the staff; None for a protected one."""
        ids = self._find(text) if text else set()
        if any(self.drafts[k].protected for k in ids):
            return None
        return next(iter(ids)) if len(ids) == 1 else text

    def _interests(self, rows: Rows) -> Iterable[tuple[tuple[Rows, int], Interest]]:
        whom = self._whom(rows)
        words, concepts = rows.read("words", _plain), rows.read("concept_id", _plain)
        kinds = rows.read("kind", _worded(InterestKind))
        for i, person_id in enumerate(whom):
            if person_id is None:
                continue
            kind = kinds[i]
            if not words[i] and not concepts[i]:
                rows.reject(i, "text_missing", column=rows.heading("words"))
            elif kind is None:
                rows.reject(i, "value_missing", column=rows.heading("kind"))
            else:
                yield (rows, i), Interest(person_id=person_id, words=words[i], kind=kind, concept_id=concepts[i] or None)

    def _history(self, rows: Rows) -> Iterable[tuple[tuple[Rows, int], HistoryEntry]]:
        whom = self._whom(rows)
        kinds, others = rows.read("kind", _worded(HistoryKind)), rows.read("other_id", _id)
        before, after = rows.read("from_unit", _plain), rows.read("to_unit", _plain)
        starts, ends = rows.read("start", day), rows.read("end", end_day)
        for i, person_id in enumerate(whom):
            if person_id is None:
                continue
            kind = kinds[i]
            if kind is None:
                rows.reject(i, "value_missing", column=rows.heading("kind"))
                continue
            other = self._one(rows, i, others[i]) if others[i] else None
            if others[i] and other is None:
                continue
            if kind is HistoryKind.PAIR and other is None:
                rows.reject(i, "value_missing", column=rows.heading("other_id"))
                continue
            self._dated(starts[i], rows, i)
            yield (
                (rows, i),
                HistoryEntry(
                    kind=kind,
                    person_id=person_id,
                    other_id=other,
                    from_unit=self._known_unit(before[i]),
                    to_unit=self._known_unit(after[i]),
                    start=starts[i],
                    end=self._ordered(rows, i, starts[i], ends[i]),
                ),
            )

    def _delegations(self, rows: Rows) -> Iterable[tuple[tuple[Rows, int], Delegation]]:
        givers, takers = rows.read("delegator_id", _id), rows.read("delegate_id", _id)
        tasks, units = rows.read("task", _plain), rows.read("unit_id", _plain)
        starts, ends = rows.read("start", day), rows.read("end", end_day)
        for i in range(len(rows)):
            if not rows.open(i):
                continue
            missing = next((c for c, v in (("delegator_id", givers), ("delegate_id", takers), ("task", tasks)) if not v[i]), "")
            if missing:
                rows.reject(i, "value_missing", column=rows.heading(missing))
                continue
            giver = self._one(rows, i, givers[i])
            taker = self._one(rows, i, takers[i]) if giver else None
            if giver is None or taker is None:
                continue
            start, end = starts[i], ends[i]
            if start is None or end is None:
                rows.reject(i, "delegation_undated", column=rows.heading("end") if start else rows.heading("start"))
                continue
            unit = self._known_unit(units[i]) if units[i] else self._only_unit(taker)
            if not unit:
                rows.reject(i, "delegation_without_unit", column=rows.heading("unit_id"))
                continue
            try:
                made = Delegation(delegator_id=giver, delegate_id=taker, task=tasks[i], unit_id=unit, start=start, end=end)
            except InputError:
                days = (end - start).days + 1
                rows.reject(i, "delegation_too_long", column=rows.heading("end"), value=end.isoformat(), detail=str(days))
                continue
            self._dated(start, rows, i)
            yield (rows, i), made

    def _only_unit(self, person_id: str) -> str:
        """Return the unit of somebody who works in one only, else nothing."""
        units = {self._unit_id(unit) for unit, *_ in self.drafts[person_id].jobs if unit}
        return next(iter(units)) if len(units) == 1 else ""

    def _known_unit(self, text: str) -> str:
        """Return the id of a unit that history names; one that no longer exists keeps its name."""
        if _key(text) in self.unit_ids:
            return self.unit_ids[_key(text)]
        named = self.unit_names.get(fold(text), set())
        if len(named) == 1:
            return next(iter(named))
        made = self.made.get(_key(text)) or self.made.get(self.made_names.get(fold(text), ""))
        return made.build().unit_id if made else text

    def _travel(self, rows: Rows) -> Iterable[tuple[tuple[Rows, int], Travel]]:
        starts, ends, times = rows.read("from_site", _plain), rows.read("to_site", _plain), rows.read("minutes", minutes)
        for i in range(len(rows)):
            if not rows.open(i):
                continue
            time_ = times[i]
            if not starts[i] or not ends[i] or time_ is None:
                rows.reject(i, "value_missing")
            else:
                yield (rows, i), Travel(from_site=starts[i], to_site=ends[i], minutes=time_)

    # Posts and roles

    def _posts(self) -> tuple[Post, ...]:
        posts: dict[str, Post] = {}
        for rows in self.of("posts"):
            ids, jobs, holders = rows.read("post_id", _plain), self._jobs(rows, "roles"), rows.read("holder_id", _id)
            units, least, shares = rows.read("unit_id", _plain), rows.read("min_staffing", whole), rows.read("share", share)
            role_ids = [split_cells(t) for t in rows.read("role_id", _plain)]
            alike: Counter[str] = Counter()
            for i in range(len(rows)):
                if not rows.open(i):
                    continue
                if not jobs[i] or not units[i]:
                    rows.reject(i, "value_missing", column=rows.heading("roles" if not jobs[i] else "unit_id"))
                    continue
                holder = None
                if holders[i] and fold(holders[i]) not in _VACANT:
                    if is_personal_number(holders[i]):
                        rows.reject(i, "personal_id_as_key", column=rows.heading("holder_id"))
                        continue
                    holder = self._one(rows, i, holders[i])
                    if holder is None or holder in self.excluded:
                        if rows.open(i):
                            rows.reject(i, "under_age")
                        continue
                own = _shared_out(jobs[i], shares[i], rows, i, "roles")
                if len(own) == 1 and own[0].share is None and shares[i] is not None:
                    own = (replace(own[0], share=shares[i]),)
                if role_ids[i] and len(role_ids[i]) == len(own):
                    own = tuple(replace(r, role_id=None if x == "-" else x) for r, x in zip(own, role_ids[i], strict=True))
                unit = self._unit_id(self._unit(units[i], "", rows, i, "unit_id"))
                key = ids[i]
                if not key:
                    # Two vacancies alike are two posts, so alike rows are numbered.
                    plain = content_id("p", unit, own, holder, least[i])
                    alike[plain] += 1
                    key = f"{plain}-{alike[plain]}" if alike[plain] > 1 else plain
                post = Post(post_id=key, unit_id=unit, roles=own, holder_id=holder, min_staffing=least[i])
                before = posts.get(key)
                if before is None:
                    posts[key] = post
                elif before == post or set(own) <= set(before.roles):
                    rows.reject(i, "duplicate_row")
                    continue
                elif (before.unit_id, before.holder_id) == (unit, holder):
                    posts[key] = replace(before, roles=(*before.roles, *(r for r in own if r not in before.roles)))
                else:
                    rows.reject(i, "duplicate_id", column=rows.heading("post_id"))
                    continue
                total = sum(r.share or 0 for r in posts[key].roles)
                if total > 1 + 1e-9:
                    rows.tell(i, "fte_over_100", column=rows.heading("roles"), value=f"{total * 100:.6g} %")
        return tuple(posts.values())

    def _roles(self) -> tuple[Role, ...]:
        found: dict[str, Role] = {}
        for rows in self.of("role_requirements"):
            ids, titles, english = rows.read("role_id", _plain), rows.read("title", _plain), rows.read("title_en", _plain)
            others, others_en = rows.read("alternative_titles", _long), rows.read("alternative_titles_en", _long)
            sectors, ssyk, isco = rows.read("sector", _plain), rows.read("ssyk", _plain), rows.read("isco", _plain)
            aid, concepts, levels = rows.read("aid", _plain), rows.read("concept_id", _plain), rows.read("level", level)
            importance, weights = rows.read("importance", _worded(Importance)), rows.read("weight", weight)
            hard, sources, schemes = rows.read("hard", answer), rows.read("source", _plain), rows.read("scheme", _plain)
            for i in range(len(rows)):
                if not rows.open(i):
                    continue
                if not titles[i] and not ids[i]:
                    rows.reject(i, "value_missing", column=rows.heading("title") or rows.heading("role_id"))
                    continue
                if levels[i] == 0:
                    rows.reject(i, "level_zero", column=rows.heading("level"))
                    continue
                key = ids[i] or f"local:{_slug(titles[i])}"
                labels = {lang: t for lang, t in (("sv", titles[i]), ("en", english[i])) if t}
                names = {lang: split_cells(t) for lang, t in (("sv", others[i]), ("en", others_en[i])) if t}
                role = found.get(key) or Role(
                    role_id=key,
                    labels=labels,
                    alternative_labels=names,
                    sector=sectors[i],
                    ssyk=ssyk[i],
                    isco=isco[i],
                    aid=split_cells(aid[i]),
                    scheme=schemes[i] or "local",
                )
                if not concepts[i]:
                    if key in found:
                        rows.reject(i, "value_missing", column=rows.heading("concept_id"))
                    found[key] = role
                    continue
                kind = importance[i] or Importance.ESSENTIAL
                usual = 1.0 if kind is Importance.ESSENTIAL else _OPTIONAL_WEIGHT
                requirement = Requirement(
                    concept_id=concepts[i],
                    level=levels[i] or 2,
                    importance=kind,
                    weight=weights[i] or usual,
                    hard=bool(hard[i]),
                    source=sources[i],
                )
                same = [r for r in role.requirements if _key(r.concept_id) == _key(requirement.concept_id)]
                if same:
                    rows.reject(i, "duplicate_row" if requirement in same else "duplicate_requirement", value=concepts[i])
                    continue
                found[key] = replace(role, requirements=(*role.requirements, requirement))
        return tuple(found.values())

    # The date and what was missing

    def _date(self) -> date:
        """Return the date everything is told for (DESIGN 2)."""
        if self.given is not None:
            return self.given
        days = [d for d, rows, i in self.days if rows.open(i)]
        days += [d for rows in self.tables if (d := rows.title_day()) is not None]
        if days:
            return max(days)
        named = [t for rows in self.tables for t in (rows.title, rows.label)]
        named += [c.heading for rows in self.tables for c in (*rows.matrix, *(x for cs in rows.columns.values() for x in cs))]
        years = [int(y) for text in named for y in re.findall(r"(?<!\d)(?:19[5-9]\d|20\d\d)(?!\d)", text)]
        if years:
            self.told.append(Problem(code="no_date", detail=f"{max(years)}-01-01", effect=ProblemEffect.CHANGED))
            return date(max(years), 1, 1)
        if self.found.saved:
            # A manager's matrix without any date should still be read: the day the file was saved is the best there is,
            # and where nothing is dated no result depends on it.
            self.told.append(
                Problem(code="no_date_saved", detail=max(self.found.saved).isoformat(), effect=ProblemEffect.CHANGED)
            )
            return max(self.found.saved)
        faults = Counter(p.code for rows in self.tables for p in rows.problems() if p.effect is ProblemEffect.SET_ASIDE)
        also = f"; also: {', '.join(f'{code} ({n})' for code, n in faults.most_common(5))}" if faults else ""
        raise InputError(f"as_of must be given, since no date stands in the files, e.g. as_of=date(2026, 3, 1){also}")

    def _missing_tables(self, came: set[str]) -> None:
        for table in TABLES:
            # Delegations change no suggestion, so nobody misses a table of them.
            if table not in came and table != "delegations":
                self.told.append(Problem(code="table_missing", table=table))


_ANSWERS = frozenset({"ja", "nej", "j", "n", "x", "yes", "no"})
_VACANT = frozenset({"vakant", "vacant", "ledig", "vakans", "obesatt", "ingen"})
_UNSTATED = -1
"""Level of a mark that says yes but not how much, within this module."""

_FORM_OF = {
    Source.COURSE: LearningForm.NON_FORMAL,
    Source.CERTIFICATE: LearningForm.FORMAL,
}
"""How something was learnt where the file does not say: a course is organised outside school, a certificate formal."""


def _people_in(record: Evidence | Interest | HistoryEntry | Decision | Delegation) -> set[str]:
    """Return everybody a record speaks of."""
    if isinstance(record, Delegation):
        return {record.delegator_id, record.delegate_id}
    if isinstance(record, Decision):
        return set(record.people)
    return {record.person_id, record.other_id or record.person_id} if isinstance(record, HistoryEntry) else {record.person_id}


def _level_of(step: int | None) -> int:
    return _UNSTATED if step is None else step


def _values(record: Evidence) -> tuple[object, ...]:
    # A piece that states no last day keeps the id it had before there was such a column.
    later = ("evidence_id",) if record.valid_until else ("evidence_id", "valid_until")
    return tuple(getattr(record, name) for name in record.__dataclass_fields__ if name not in later)


def _same_name(one: str, other: str) -> bool:
    """Say whether two names can be one person's: the words of one all stand in the other, in any order."""
    a, b = set(name_key(one).split()), set(name_key(other).split())
    return a <= b or b <= a


def _age(draft: _Draft, as_of: date) -> int | None:
    """Return the age in whole years; from a year alone, the age reached during the year of ``as_of``."""
    if isinstance(draft.born, date):
        return as_of.year - draft.born.year - ((as_of.month, as_of.day) < (draft.born.month, draft.born.day))
    if draft.born is not None:
        return as_of.year - draft.born
    return draft.age


def _absorbed(position: int, jobs: Sequence[Employment]) -> bool:
    """Say whether an employment only repeats, with less, what another row of the person tells."""
    own = jobs[position]
    said = {n: v for n in Employment.__dataclass_fields__ if (v := getattr(own, n))}
    for other_position, other in enumerate(jobs):
        if other_position == position:
            continue
        covered = all(_covers(getattr(other, n), v) for n, v in said.items())
        if covered and (other != own or other_position < position):
            return True
    return False


def _covers(whole_: object, part: object) -> bool:
    if isinstance(whole_, tuple) and isinstance(part, tuple):
        return {_key(r.title) for r in part} <= {_key(r.title) for r in whole_}
    return whole_ == part


def _shared_out(jobs: tuple[RoleShare, ...], fte: float | None, rows: Rows, i: int, column: str) -> tuple[RoleShare, ...]:
    """Make the shares of several roles sum to the full-time equivalent; a split of the post itself is scaled."""
    if len(jobs) < 2 or fte is None or any(r.share is None for r in jobs):
        return jobs
    total = sum(r.share or 0.0 for r in jobs)
    if abs(total - fte) <= 0.005:
        return jobs
    if abs(total - 1) <= 0.005:
        rows.tell(i, "shares_scaled", ProblemEffect.CHANGED, column=rows.heading(column), value=f"{fte * 100:.6g} %")
        return tuple(replace(r, share=round((r.share or 0.0) * fte, 6)) for r in jobs)
    rows.tell(i, "shares_do_not_sum", column=rows.heading(column), value=f"{total * 100:.6g} %", detail=f"{fte * 100:.6g} %")
    return jobs


def _decisions(
    rows: Rows, resolve: Callable[[int, tuple[str, ...]], tuple[str, ...] | None]
) -> list[tuple[tuple[Rows, int], Decision]]:
    """Read a table of decisions; ``resolve`` turns the people of a row into ids."""
    kinds, choices = rows.read("kind", _plain), rows.read("choice", _worded(Choice))
    people, targets, deciders = rows.read("people", _id), rows.read("target", _plain), rows.read("decided_by", _plain)
    days, alternatives = rows.read("day", day), rows.read("alternatives", _long)
    reasons, equality = rows.read("reasoning", _long), rows.read("equality_reasoning", _long)
    found = []
    for i in range(len(rows)):
        if not rows.open(i):
            continue
        choice, ids = choices[i], split_cells(people[i])
        if len(ids) == 1:
            ids = tuple(p for p in re.split(r"\s*[,|/]\s*", ids[0]) if p)
        if choice is None or not ids:
            rows.reject(i, "value_missing", column=rows.heading("choice" if choice is None else "people"))
            continue
        if any(map(is_personal_number, ids)):
            rows.reject(i, "personal_id_as_key", column=rows.heading("people"))
            continue
        resolved = resolve(i, ids)
        if resolved is None:
            continue
        decision = Decision(
            kind=_KINDS.get(fold(kinds[i]), kinds[i]),
            choice=choice,
            people=resolved,
            target=targets[i],
            decided_by=deciders[i],
            day=days[i],
            alternatives=alternatives[i],
            reasoning=reasons[i],
            equality_reasoning=equality[i],
        )
        found.append(((rows, i), decision))
    return found


class _PeopleCells:
    """Every column of a table of people, parsed once."""

    def __init__(self, reader: _Reader, rows: Rows) -> None:
        self.keys = reader._keys(rows)
        self.names = reader._names(rows)
        self.protected = rows.read("protected", protected)
        self.sexes = rows.read("sex", sex)
        self.born = rows.read("birth", birth)
        self.ages = rows.read("age", _age_cell)
        self.bands: list[AgeBand | None] = rows.read("age_band", _worded(AgeBand))
        self.codes = rows.read("unit_id", _plain)
        self.unit_names = rows.read("unit_name", _plain)
        self.jobs = reader._jobs(rows, "title")
        self.role_ids = [split_cells(t) for t in rows.read("role_id", _plain)]
        self.forms = rows.read("form", _plain)
        self.shares = rows.read("share", share)
        self.aids = rows.read("aid", _plain)
        self.starts = rows.read("start", day)
        self.ends = rows.read("end", end_day)
        self.person_ends = rows.read("person_end", end_day)
        self.managers = reader._several(rows, "manager_ids")
        self.sites = rows.read("site", _plain)
        self.capacities = rows.read("capacity", whole)
        self.answers = {name: rows.read(name, opt_in) for name in OPT_INS}
        self.days = rows.read("day", day)
        self.sources: list[Source | None] = rows.read("source", _worded(Source))
        self.visibilities: list[Visibility | None] = rows.read("visibility", _worded(Visibility))
        self.statements = rows.read("statement", _long)
        self.title_day = rows.title_day()

    def content(self, i: int, marks: Sequence[tuple[Column, list[int | None]]]) -> tuple[object, ...]:
        """Return all that row ``i`` says, to know a row that repeats another."""
        return (
            name_key(self.names[i]), self.protected[i], self.sexes[i], self.born[i], self.ages[i], self.bands[i], self.codes[i],
            self.unit_names[i], self.jobs[i], self.forms[i], self.shares[i], self.aids[i], self.starts[i], self.ends[i],
            self.person_ends[i], tuple(self.managers[i]), self.sites[i], self.capacities[i],
            tuple(self.answers[n][i] for n in OPT_INS), self.days[i], self.sources[i], self.visibilities[i], self.statements[i],
            tuple((fold(c.heading), levels[i]) for c, levels in marks if levels[i]),
        )  # fmt: skip


def _age_cell(cell: Cell) -> Parsed[int | None]:
    read = whole(cell)
    if read.code or (read.value is not None and not 0 < read.value < 120):
        return Parsed(None, "birth_invalid", echo=False)
    return read
