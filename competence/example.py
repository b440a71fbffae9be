"""The example municipality: made-up staff files of any size, in the form and with the faults of real ones.

This module decides who works where, what they say they can do and what is wrong in the files. Sizes and women's
shares of the groups follow national statistics; names, units and places are invented, and there are no personal
identity numbers. The same ``people`` and ``seed`` give the same bytes on every platform: all choices are whole
numbers drawn in a fixed order. Reading the files is :mod:`competence.io`; the sentences, titles, units and names
stand as data in ``_example``.

``planted`` tells which concept each sentence was written about, for tests and measurements of linking.
"""

from __future__ import annotations

import csv
import io
import random
import tempfile
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from typing import Any, TypeVar

from competence.errors import InputError
from competence.model import ConceptKind, Importance, Requirement
from competence.staff import Staff
from competence.taxonomy import Taxonomy

__all__ = ["ExampleTruth", "Planted", "example_municipality", "example_truth", "planted", "write_example"]

T = TypeVar("T")
Cell = str | int | float | None
Row = dict[str, Cell]

_WHOLE = 2000
"""People in the table of groups (DOMAIN 6B); other sizes are scaled by largest remainder."""
_FIRST_ID = 10001
_SPECIAL = ("10014", "10031")
"""Always there from 200 people: opted in as mentees, with wishes that others can meet."""
_HOME_CARE = ("Hemtjänst Norr", "Hemtjänst Söder")
_HOME_STAFF = 14
"""Staff of each of the two home care units, at least; twelve are promised, two may be lost to faults in the files."""
_SMALL = 200
"""From this many people on, everything promised by name exists."""


@dataclass(frozen=True, slots=True)
class Planted:
    """One statement and one concept it was written about; ``misspelt`` when letters were changed on purpose."""

    person_id: str
    concept_id: str
    statement_id: str
    misspelt: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ExampleTruth:
    """What the files of :func:`write_example` hold by design.

    Parameters
    ----------
    planted : tuple of Planted
        One per statement and concept.
    meaningless : tuple of str
        Ids of statements that name no competence.
    groups : Mapping of str to str
        Group of each person_id, such as ``usk``; all people, also those that reading sets aside.
    roles : Mapping of str to str
        Role of the first title of each person_id; one that starts with ``local:`` is the employer's own.
    protected, under_age : tuple of str
        Who is left out when the files are read.
    faults : Mapping of str to int
        How many rows or cells of each fault were put into the tables of people and statements.
    """

    planted: tuple[Planted, ...]
    meaningless: tuple[str, ...]
    groups: Mapping[str, str]
    roles: Mapping[str, str]
    protected: tuple[str, ...]
    under_age: tuple[str, ...]
    faults: Mapping[str, int]


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
    tables = _Municipality(people, seed).tables()
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
    municipality = _Municipality(people, seed)
    municipality.tables()
    return municipality.truth()


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
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=";", lineterminator="\r\n")
    columns = list(rows[0])
    writer.writerow([headings.get(c, c) for c in columns])
    for row in rows:
        cells = (row[c] for c in columns)
        writer.writerow(["" if c is None else str(c).replace(".", ",") if isinstance(c, float) else c for c in cells])
    return out.getvalue().encode("cp1252")


class _Draw:
    """Whole numbers from a named stream, so that a change in one part of the making leaves the others as they were.

    Only ``random()`` is used: of all the generator's methods it is the one whose sequence Python promises to keep
    (https://docs.python.org/3/library/random.html#notes-on-reproducibility).
    """

    def __init__(self, *key: object) -> None:
        self._random = random.Random("/".join(map(str, key)))  # noqa: S311

    def below(self, limit: int) -> int:
        return int(self._random.random() * limit)

    def between(self, low: int, high: int) -> int:
        return low + self.below(high - low + 1)

    def chance(self, percent: int) -> bool:
        return self.below(100) < percent

    def pick(self, items: Sequence[T]) -> T:
        return items[self.below(len(items))]

    def weighted(self, items: Sequence[tuple[T, int]]) -> T:
        rest = self.below(sum(weight for _, weight in items))
        for item, weight in items:
            if rest < weight:
                return item
            rest -= weight
        return items[-1][0]

    def shuffled(self, items: Iterable[T]) -> list[T]:
        mixed = list(items)
        for i in range(len(mixed) - 1, 0, -1):
            j = self.below(i + 1)
            mixed[i], mixed[j] = mixed[j], mixed[i]
        return mixed

    def some(self, items: Sequence[T], n: int) -> list[T]:
        return self.shuffled(items)[:n]


def _share_out(weights: Sequence[int], total: int) -> list[int]:
    """Split ``total`` after ``weights`` by largest remainder; equal remainders go to the first."""
    whole = sum(weights)
    if whole == 0:
        return [0] * len(weights)
    parts = [w * total // whole for w in weights]
    order = sorted(range(len(weights)), key=lambda i: (-(weights[i] * total % whole), i))
    for i in order[: total - sum(parts)]:
        parts[i] += 1
    return parts


@dataclass(slots=True, eq=False)
class _Unit:
    code: str
    name: str
    parent: str
    kind: str = ""
    site: str = ""
    moving: float | None = None
    managers: list[str] = field(default_factory=list)
    mapped: bool = False
    start: date | None = None
    end: date | None = None


@dataclass(slots=True, eq=False)
class _Job:
    """One employment: the unit, the title as written, the group and role behind it."""

    unit: _Unit
    title: str
    role: str
    group: str


@dataclass(slots=True, eq=False)
class _Hand:
    """One person while being made."""

    person_id: str
    job: _Job
    sex: str = ""
    first: str = ""
    last: str = ""
    birth: int = 1980
    form: str = "Tillsvidareanställning"
    percent: int = 100
    start: date = date(2015, 1, 1)
    end: date | None = None
    leaves: date | None = None
    second_role: str = ""
    manager: bool = False
    protected: bool = False
    under_age: bool = False
    chosen: bool = False
    opt_ins: dict[str, str] = field(default_factory=dict)
    capacity: int | None = None
    others: list[tuple[_Job, int, date, date | None]] = field(default_factory=list)
    levels: dict[str, int] = field(default_factory=dict)


_LOCAL_ROLES: Mapping[str, tuple[tuple[str, int, str, str], ...]] = {
    "Fritidsbanksansvarig": (
        ("repairing-bicycles", 3, "ska", "0,9"),
        ("recruiting-volunteers", 3, "ska", "0,8"),
        ("selling-and-customer-contact", 2, "ska", "0,6"),
        ("spotting-what-can-be-reused", 2, "bör", "0,5"),
        ("arranging-events", 2, "bör", "0,4"),
        ("youth-sports-leader", 2, "bör", "0,3"),
        ("building-trust", 3, "ska", "0,7"),
        ("spreadsheets", 1, "bör", "0,2"),
    ),
    "Digitaliseringscoach": (
        ("helping-others-with-digital", 4, "ska", "1,0"),
        ("instructing-step-by-step", 3, "ska", "0,9"),
        ("digital-meetings", 3, "ska", "0,7"),
        ("office-software", 3, "ska", "0,6"),
        ("personal-data-protection", 2, "ska", "0,5"),
        ("responsible-ai-use", 2, "bör", "0,5"),
        ("facilitating-workshops", 2, "bör", "0,4"),
        ("welfare-technology", 2, "bör", "0,3"),
    ),
}
"""The employer's own roles: concept, level, whether needed, weight."""

_COURSES = (
    *("first-aid-and-cpr", "fire-safety-basics", "de-escalation", "personal-data-protection", "threats-and-violence-prevention"),
    *("food-hygiene", "supervising-students", "motivational-interviewing", "takk-signs", "spreadsheets", "project-management"),
    *("writing-plain-swedish", "dementia-care", "palliative-care", "neurodivergence-knowledge", "crisis-preparedness"),
    *("systematic-work-environment", "responsible-ai-use", "gender-mainstreaming", "forklift-permit", "hot-work-permit"),
)
"""Courses that people take beside what their role asks for."""

_WISHES = {
    "10014": ("dementia-care", "palliative-care"),
    "10031": ("wound-care", "finnish"),
}
"""What the two people of the examples want to learn."""

_WHERE = {
    "work": "arbetet",
    "home": "hemma",
    "association": "förening",
    "other_country": "annat land",
    "own_project": "eget projekt",
    "education": "utbildning",
    "": None,
}
_FORMS = (
    ("Tillsvidareanställning", 87),
    ("Vikariat", 6),
    ("Särskild visstidsanställning", 4),
    ("Timavlönad", 3),
)
_PART_TIME = (50, 60, 75, 75, 75, 80, 80, 85, 90)
_COUNTS = ((0, 10), (1, 18), (2, 24), (3, 22), (4, 14), (5, 8), (6, 4))
"""Statements per person, in percent: 2.5 on average."""
_MARKS = (" (van)", ", rätt bra på det", ", på grundnivå", ", det är min grej", ", men inte på ett tag", " sedan länge")


class _Municipality:
    """Everything about one example, made in a fixed order; ``tables`` gives it in the form of files."""

    def __init__(self, people: int, seed: int) -> None:
        if isinstance(people, bool) or not isinstance(people, int) or not 8 <= people <= 60_000:
            raise InputError(f"people must be a whole number from 8 to 60 000; got {people!r}")
        self.people, self.seed = people, seed
        plan = _toml("municipality.toml")
        self.plan = plan
        self.as_of: date = plan["as_of"]
        self.taxonomy = Taxonomy.bundled("municipal")
        self.faults: dict[str, int] = {}
        self.said: list[Planted] = []
        self.meaningless: list[str] = []
        self.units: list[_Unit] = []
        self.by_kind: dict[str, list[_Unit]] = {}
        self._make_people()

    def draw(self, stream: str) -> _Draw:
        return _Draw("competence-example", self.people, self.seed, stream)

    def before(self, draw: _Draw, days: int, first: int = 0) -> date:
        """Return a day from ``first`` to ``days`` days before the date of the files."""
        return self.as_of - timedelta(days=draw.between(first, days))

    # -- organisation and people -------------------------------------------------------------------------------------

    def _make_people(self) -> None:
        groups = self.plan["group"]
        sizes = dict(zip((g["id"] for g in groups), _share_out([g["n"] for g in groups], self.people), strict=True))
        jobs = self._make_jobs(sizes)
        slots = self.draw("order").shuffled([job for group in groups for job in jobs[group["id"]]])
        self._place_special(slots)
        self.hands = [_Hand(str(_FIRST_ID + i), job) for i, job in enumerate(slots)]
        self.by_id = {h.person_id: h for h in self.hands}
        self._set_managers()
        self._set_sex()
        self._set_names_and_terms()
        self._set_answers()
        self._set_exceptions()

    def _make_jobs(self, sizes: Mapping[str, int]) -> dict[str, list[_Job]]:
        """Make one job per person: how many of each group in each kind of unit, then which unit and title."""
        places: dict[str, list[tuple[str, int]]] = {}
        for row in _rows("places.csv"):
            places.setdefault(row["group"], []).append((row["kind"], int(row["share"])))
        placed: dict[str, dict[str, int]] = {}
        for group, kinds in places.items():
            counts = _share_out([share for _, share in kinds], sizes[group])
            placed[group] = {kind: n for (kind, _), n in zip(kinds, counts, strict=True)}
        if self.people >= _SMALL:
            lacking = len(_HOME_CARE) * _HOME_STAFF - placed["usk"]["hemtjanst"] - placed["vb"]["hemtjanst"]
            moved = max(0, min(lacking, placed["usk"]["sabo"]))
            placed["usk"]["hemtjanst"] += moved
            placed["usk"]["sabo"] -= moved
        staff: dict[str, int] = {}
        for counts_by_kind in placed.values():
            for kind, n in counts_by_kind.items():
                staff[kind] = staff.get(kind, 0) + n
        self._make_units(staff)
        titles: dict[tuple[str, str], list[tuple[str, str, int]]] = {}
        for row in _rows("titles.csv"):
            titles.setdefault((row["group"], row["kind"]), []).append((row["title"], row["role_id"], int(row["weight"])))
        self.titles = titles
        jobs: dict[str, list[_Job]] = {g["id"]: [] for g in self.plan["group"]}
        for group, counts_by_kind in placed.items():
            for kind, n in counts_by_kind.items():
                units, offered = self.by_kind.get(kind, []), titles[group, kind]
                quotas = _share_out([w for _, _, w in offered], n)
                written = [(t, r) for (t, r, _), q in zip(offered, quotas, strict=True) for _ in range(q)]
                for i, (title, role) in enumerate(written):
                    jobs[group].append(_Job(units[i % len(units)], title, role, group))
        for group in ("ec", "rektor", "ovr"):
            jobs[group] = self._manager_jobs(group, sizes[group])
        return jobs

    def _make_units(self, staff: Mapping[str, int]) -> None:
        plan, sites = self.plan, self.plan["sites"]
        kinds = [k for k in plan["kind"] if staff.get(k["id"], 0) > 0]
        branches = [b for b in plan["branch"] if any(k["code"].startswith(b["code"]) for k in kinds)]
        sectors = [s for s in plan["sector"] if any(b["code"].startswith(s["code"]) for b in branches)]
        self.units.append(_Unit("0", plan["name"], "", "top", sites[0]))
        self.units += [_Unit(s["code"], s["name"], "0", "top", sites[0]) for s in sectors]
        self.units += [_Unit(b["code"], b["name"], b["code"][0], "top", sites[0]) for b in branches]
        draw = self.draw("units")
        for kind in kinds:
            home = kind["id"] == "hemtjanst"
            wanted = max(
                2 if home and staff["hemtjanst"] > 1 else 1, (2 * staff[kind["id"]] + kind["size"]) // (2 * kind["size"])
            )
            # Many small units would leave the two of the examples under strength.
            if home and self.people >= _SMALL:
                wanted = max(2, min(wanted, staff["hemtjanst"] // _HOME_STAFF))
            names = kind["names"]
            for i in range(wanted):
                name = (
                    names[i % len(names)]
                    if len(names) >= wanted or i < len(names)
                    else f"{names[i % len(names)]} {i // len(names) + 1}"
                )
                # Norr and Söder lie in two villages, so that travel time means something.
                place = sites[(i + 1) % len(sites)] if home else sites[i % len(sites)] if kind.get("spread") else sites[0]
                unit = _Unit(f"{kind['code']}{i + 1:02d}", name, kind["code"][:2], kind["id"], place, kind.get("moving"))
                unit.mapped = name in _HOME_CARE or draw.chance(16)
                unit.start = date(2012 + draw.below(9), 1 + draw.below(12), 1) if draw.chance(30) else None
                self.units.append(unit)
                self.by_kind.setdefault(kind["id"], []).append(unit)
        self.closed: _Unit | None = None
        if self.people >= _SMALL:
            self.closed = _Unit(
                "21199", "Förskolan Näckrosen", "21", "closed", sites[3], start=date(1998, 8, 1), end=date(2023, 6, 30)
            )
            self.units.append(self.closed)

    def _manager_jobs(self, group: str, n: int) -> list[_Job]:
        """Give managers their units; more managers than units, or the largest units, make shared leadership."""
        led = {k["id"] for k in self.plan["kind"] if k["led_by"] == group}
        units = [u for u in self.units if u.kind in led]
        if group == "ovr":
            units = [u for u in self.units if u.kind == "top" and len(u.code) == 1 and u.code != "0"] + units
        jobs = []
        for i in range(n):
            unit = units[i % len(units)] if units else self.units[0]
            offered = self.titles.get((group, unit.kind)) or self.titles[group, ""]
            jobs.append(_Job(unit, offered[0][0], offered[0][1], group))
        self._leads = {**getattr(self, "_leads", {}), group: units}
        return jobs

    def _place_special(self, slots: list[_Job]) -> None:
        """Put a home care nurse of each of the two units where the two known ids will stand."""
        for person_id, name in zip(_SPECIAL, _HOME_CARE, strict=True):
            place = int(person_id) - _FIRST_ID
            for i, job in enumerate(slots):
                if place < len(slots) and job.unit.name == name and job.role == "role-assistant-nurse-home-care":
                    slots[place], slots[i] = slots[i], slots[place]
                    break

    def _set_managers(self) -> None:
        for group, units in self._leads.items():
            managers = [h for h in self.hands if h.job.group == group]
            for hand in managers:
                hand.manager = True
            if not managers or not units:
                continue
            for i, unit in enumerate(units):
                owner = next((h for h in managers if h.job.unit is unit), managers[i % len(managers)])
                unit.managers.append(owner.person_id)
            for hand in managers:
                if hand.person_id not in hand.job.unit.managers and len(hand.job.unit.managers) < 2:
                    hand.job.unit.managers.append(hand.person_id)
            if len(managers) > 1 and not any(len(u.managers) > 1 for u in units):
                # Shared leadership is always present (REQ-HR-4): a second one for the unit with the largest staff.
                largest = max(units, key=lambda u: (sum(h.job.unit is u for h in self.hands), u.code))
                largest.managers.append(next(h.person_id for h in managers if h.person_id not in largest.managers))
        by_code = {u.code: u for u in self.units}
        for unit in self.units:
            if unit.kind == "top" and not unit.managers and unit.code != "0":
                unit.managers = list(by_code[unit.parent].managers[:1]) if unit.parent in by_code else []

    def managers_of(self, hand: _Hand) -> list[str]:
        """Return who leads a person: the unit's managers, for a manager those of the unit above."""
        unit: _Unit | None = hand.job.unit
        by_code = self._by_code
        while unit is not None:
            found = [m for m in unit.managers if m != hand.person_id]
            if found and not (hand.manager and hand.person_id in unit.managers):
                return found
            unit = by_code.get(unit.parent)
        return []

    @cached_property
    def _by_code(self) -> dict[str, _Unit]:
        return {u.code: u for u in self.units}

    def _set_sex(self) -> None:
        draw = self.draw("sex")
        groups = self.plan["group"]
        largest = sorted(range(len(groups)), key=lambda i: (-groups[i]["n"], i))[:7]
        unstated = _share_out([1] * 7, self.people // 200)
        for i, group in enumerate(groups):
            hands = [h for h in self.hands if h.job.group == group["id"]]
            blank = min(unstated[largest.index(i)], len(hands)) if i in largest else 0
            # The share is of those stated; half a person is rounded up.
            women = (int(group["women"] * 10) * (len(hands) - blank) * 2 + 1000) // 2000
            sexes = draw.shuffled(["Kvinna"] * women + ["Man"] * (len(hands) - blank - women))
            for hand, sex in zip(self._known_last(hands), ["Uppgift saknas"] * blank + sexes, strict=True):
                hand.sex = sex

    def _known_last(self, hands: Sequence[_Hand]) -> list[_Hand]:
        """Put the people of the examples last, where nothing is missing."""
        return sorted(hands, key=lambda h: h.person_id in _SPECIAL)

    def _set_names_and_terms(self) -> None:
        names, draw, terms = _toml("names.toml"), self.draw("names"), self.draw("terms")
        groups = {g["id"]: g for g in self.plan["group"]}
        either = {"Kvinna": names["women"], "Man": names["men"], "Uppgift saknas": names["any"]}
        for hand in self.hands:
            group = groups[hand.job.group]
            hand.first = draw.pick(names["any"] if draw.chance(2) else either[hand.sex])
            hand.last = (
                draw.pick(names["surname_whole"])
                if draw.chance(24)
                else draw.pick(names["surname_first"]) + draw.pick(names["surname_last"])
            )
            age = group["age"] + terms.between(-11, 11) + terms.between(-11, 11) + terms.between(-11, 11)
            age = min(max(age, 33 if hand.manager else 20), 66)
            hand.birth = self.as_of.year - age
            hand.form = "Tillsvidareanställning" if hand.manager else terms.weighted(_FORMS)
            years = min(terms.below(max(age - 19, 1)), terms.below(36))
            hand.start = self.before(terms, 365 * years + 330, 365 * years)
            if hand.form != "Tillsvidareanställning":
                hand.start = self.before(terms, 700, 10)
                hand.end = self.as_of + timedelta(days=terms.between(20, 400))
            hand.percent = 100 if terms.chance(group["full"]) else terms.pick(_PART_TIME)
            if age >= 63 and hand.end is None and terms.chance(35):
                hand.leaves = self.as_of + timedelta(days=terms.between(30, 500))

    def _set_answers(self) -> None:
        draw = self.draw("answers")
        for hand in self.hands:
            for question in ("Mentor", "Adept", "Rotation", "Expert", "Frågor"):
                hand.opt_ins[question] = draw.weighted((("Ja", 60), ("Nej", 5), ("", 35)))
            if hand.opt_ins["Mentor"] == "Ja" and draw.chance(35):
                hand.capacity = draw.weighted(((1, 6), (2, 4), (3, 1)))
        for hand in self.hands:
            if hand.person_id in _SPECIAL and not hand.manager:
                hand.chosen = True
                hand.opt_ins["Adept"] = "Ja"
        # Enough willing people in both home care units to make a swap, whatever the seed.
        self.movers: list[_Hand] = []
        for name in _HOME_CARE:
            able = [h for h in self.hands if h.job.unit.name == name and h.job.role == "role-assistant-nurse-home-care"]
            for hand in self._known_last(able)[::-1][:5]:
                hand.chosen = True
                hand.opt_ins["Rotation"] = "Ja"
                hand.form, hand.end, hand.leaves = "Tillsvidareanställning", None, None
                hand.birth = min(hand.birth, self.as_of.year - 24)
                hand.start = min(hand.start, date(2024, 3, 1))
                self.movers.append(hand)
        self.mentors: dict[str, list[_Hand]] = {}
        care = [h for h in self.hands if not h.manager and not h.chosen and h.job.group in ("usk", "ssk", "vb", "stod")]
        pool = self.draw("mentors").shuffled(care)
        for person_id, concepts in _WISHES.items():
            mentee = self.by_id.get(person_id)
            if mentee is None or not mentee.chosen:
                continue
            for concept in concepts:
                found = [h for h in pool if h.job.unit is not mentee.job.unit and not h.chosen][:4]
                for hand in found:
                    hand.chosen = True
                    hand.opt_ins["Mentor"] = "Ja"
                    hand.capacity = max(hand.capacity or 0, 2)
                    hand.form, hand.end, hand.leaves = "Tillsvidareanställning", None, None
                self.mentors[concept] = found

    def _set_exceptions(self) -> None:
        """Choose who is protected, too young, on two posts or above full time; never the people of the examples."""
        draw = self.draw("exceptions")
        free = draw.shuffled(
            h
            for h in self.hands
            if not h.manager and not h.chosen and h.job.unit.name not in _HOME_CARE and h.sex != "Uppgift saknas"
        )

        def take(n: int) -> list[_Hand]:
            taken, free[:] = free[:n], free[n:]
            return taken

        for hand in take(4 if self.people >= _SMALL else self.people // 50):
            hand.protected = True
        young = [h for h in free if h.job.group in ("vb", "lokal", "malt", "teknik")][: 2 if self.people >= _SMALL else 0]
        for hand in young:
            hand.under_age, hand.birth = True, self.as_of.year - 16
            hand.form, hand.percent, hand.leaves = "Feriearbete", 100, None
            hand.start, hand.end = self.as_of - timedelta(days=20), self.as_of + timedelta(days=40)
            free.remove(hand)
        pairs = (
            ("barnsk", "Måltidsbiträde", "role-kitchen-assistant"),
            ("malt", "Lokalvårdare", "role-cleaner"),
            ("elevass", "Fritidspedagog", "role-school-age-educare-teacher"),
            ("adm", "Registrator", "role-registrar"),
            ("fastighet", "Parkarbetare", "role-park-worker"),
        )
        for group, title, role in pairs:
            able = [h for h in free if h.job.group == group and h.percent == 100 and h.job.title != title]
            for hand in able[: max(1, self.people * 3 // 1000)]:
                first = draw.pick((50, 60, 75))
                hand.job = _Job(hand.job.unit, f"{hand.job.title} {first} % / {title} {100 - first} %", hand.job.role, group)
                hand.second_role = role
                free.remove(hand)
        part = [h for h in free if 50 <= h.percent <= 80 and h.end is None]
        for hand in part[: max(1, self.people * 15 // 1000)]:
            same = [u for u in self.by_kind.get(hand.job.unit.kind, []) if u is not hand.job.unit]
            unit = draw.pick(same) if same else hand.job.unit
            hand.others.append((_Job(unit, hand.job.title, hand.job.role, hand.job.group), 100 - hand.percent, hand.start, None))
            free.remove(hand)
        elsewhere = [h.job for h in self.hands if not h.manager and "%" not in h.job.title]
        for hand in [h for h in free if h.start.year >= 2012 and h.end is None][: max(1, self.people * 15 // 1000)]:
            job = draw.pick(elsewhere)
            unit = self.closed if self.closed is not None and job.unit.kind == "forskola" else job.unit
            last = hand.start - timedelta(days=draw.between(1, 200))
            if self.closed is unit:
                last = min(last, date(2023, 6, 30))
            first_day = last - timedelta(days=draw.between(200, 1500))
            hand.others.append((_Job(unit, job.title, job.role, job.group), 100, first_day, last))
            free.remove(hand)
        self.overfull = [h for h in free if h.percent == 100 and h.end is None][:1] if self.people >= 30 else []
        for hand in self.overfull:
            hand.others.append((_Job(hand.job.unit, hand.job.title, hand.job.role, hand.job.group), 25, hand.start, None))
            free.remove(hand)
        self.astray = [h for h in free if not h.others][:1] if self.people >= 30 else []
        self.twice = (
            [h for h in free if not h.others and h not in self.astray][: 1 + self.people // 2000] if self.people >= 30 else []
        )

    # -- tables ------------------------------------------------------------------------------------------------------

    def tables(self) -> dict[str, list[Row]]:
        """Return every table, sheet by sheet; cells are text, numbers or empty."""
        self.said.clear()
        self.meaningless.clear()
        self.faults.clear()
        personal = self._personal()
        evidence = self._evidence()
        statements = self._statements()
        interests = self._interests()
        return {
            "Personal": personal,
            "Enheter": self._units_table(),
            "Tjänster": self._posts(),
            "Rollkrav": self._role_requirements(),
            "Utsagor": statements,
            "Belägg": evidence,
            "Intressen": interests,
            "Restider": self._travel(),
            "Historik": self._history(),
            "Beslut": self._decisions(),
        }

    def truth(self) -> ExampleTruth:
        """Return what was made; call after ``tables``."""
        return ExampleTruth(
            planted=tuple(self.said),
            meaningless=tuple(self.meaningless),
            groups={h.person_id: h.job.group for h in self.hands},
            roles={h.person_id: h.job.role for h in self.hands},
            protected=tuple(h.person_id for h in self.hands if h.protected),
            under_age=tuple(h.person_id for h in self.hands if h.under_age),
            faults=dict(self.faults),
        )

    def _count(self, fault: str, n: int = 1) -> None:
        self.faults[fault] = self.faults.get(fault, 0) + n

    def _personal(self) -> list[Row]:
        draw, rows = self.draw("personal"), []
        for hand in self.hands:
            employments = [(hand.job, hand.percent, hand.start, hand.end), *hand.others]
            leader = next(iter(self.managers_of(hand)), None)
            locker, away = f"{draw.pick('ABCDE')}-{draw.between(1, 240):03d}", draw.below(9) if draw.chance(40) else None
            for number, (job, percent, start, end) in enumerate(employments):
                unit = job.unit.code
                if hand in self.astray and number == 0:
                    unit = "99999"
                    self._count("unknown_unit")
                row: Row = {
                    "Anst.nr": int(hand.person_id),
                    "Förnamn": hand.first,
                    "Efternamn": hand.last,
                    "Kön": hand.sex if hand.sex != "Uppgift saknas" or draw.chance(50) else None,
                    "Födelseår": hand.birth,
                    "Enhet": int(unit),
                    "Befattning": self._written(job.title, draw),
                    "Anställningsform": hand.form if number == 0 or end is None else "Tillsvidareanställning",
                    "Syss.grad": self._percent(percent, draw),
                    "Anställd from": self._day(start, draw),
                    "Anställd tom": end.isoformat() if end else None,
                    "Chef": int(leader) if leader and not draw.chance(3) else None,
                    "Plats": job.unit.site if draw.chance(8) else None,
                    "Skyddad identitet": "Ja" if hand.protected else None,
                    **{question: said or None for question, said in hand.opt_ins.items()},
                    "Antal adepter": hand.capacity,
                    "Slutar": hand.leaves.isoformat() if hand.leaves else None,
                    "Frånvarodagar": away,
                    "Skåpnr": locker,
                }
                rows.append(row)
                if hand in self.twice and number == 0:
                    rows.append(dict(row))
                    self._count("duplicate_row")
        self._count("share_over_full_time", len(self.overfull))
        self._count("forbidden_column")
        self._count("unknown_column")
        return rows

    def _written(self, title: str, draw: _Draw) -> str:
        """Return a title as somebody typed it: now and then in capitals, in lower case or with a space too many."""
        way = draw.below(100)
        if way < 2:
            self._count("capitals")
            return title.upper()
        if way < 6:
            return title.lower()
        if way < 8:
            self._count("blanks")
            return f"{title} " if way == 6 else title.replace(" ", "  ", 1) + " "
        return title

    def _percent(self, percent: int, draw: _Draw) -> Cell:
        way = draw.below(100)
        return f"{percent} %" if way < 10 else percent / 100 if way < 22 else percent

    def _day(self, day: date, draw: _Draw) -> str:
        # Two digits for the year only where no reader can take the century wrong.
        if day.year >= 2000 and draw.chance(7):
            self._count("short_dates")
            return day.strftime("%y%m%d")
        return day.isoformat()

    def _units_table(self) -> list[Row]:
        return [
            {
                "Enhetskod": int(u.code),
                "Enhetsnamn": u.name,
                "Överordnad": int(u.parent) if u.parent else None,
                "Chef 1": int(u.managers[0]) if u.managers else None,
                "Chef 2": int(u.managers[1]) if len(u.managers) > 1 else None,
                "Plats": u.site,
                "Största andel som flyttar": u.moving,
                "Från": u.start.isoformat() if u.start else None,
                "Till": u.end.isoformat() if u.end else None,
            }
            for u in self.units
        ]

    def _posts(self) -> list[Row]:
        draw, rows, number = self.draw("posts"), [], 20000
        alike: dict[tuple[str, str], int] = {}
        for hand in self.hands:
            if not hand.under_age:
                alike[hand.job.unit.code, hand.job.role] = alike.get((hand.job.unit.code, hand.job.role), 0) + 1
        for hand in self.hands:
            if hand.under_age or hand in self.astray:
                continue
            current = [hand.job, *(job for job, _, _, end in hand.others if end is None and hand not in self.overfull)]
            for place, job in enumerate(current):
                number += 1
                least = (
                    alike[job.unit.code, job.role] * 3 // 5
                    if place == 0 and job.unit.kind in ("hemtjanst", "sabo", "lss", "forskola")
                    else 0
                )
                rows.append(self._post(number, job, hand.person_id, least or None))
            if draw.below(1000) < 15:
                number += 1
                rows.append(self._post(number, self._plain(hand.job), None, None))
        if not any(r["Innehavare"] is None for r in rows):
            rows.append(self._post(number + 1, self._plain(self.hands[0].job), None, None))
        return rows

    def _plain(self, job: _Job) -> _Job:
        return _Job(
            job.unit, job.title.split(" / ")[0].rstrip(" %0123456789") if "%" in job.title else job.title, job.role, job.group
        )

    def _post(self, number: int, job: _Job, holder: str | None, least: int | None) -> Row:
        return {
            "Tjänst-id": f"T{number}",
            "Enhet": int(job.unit.code),
            "Roller": job.title,
            "Innehavare": int(holder) if holder else None,
            "Minsta bemanning": least,
        }

    def _role_requirements(self) -> list[Row]:
        return [
            {
                "Roll": title,
                "Kompetens": self.label(concept),
                "Nivå": level,
                "Viktighet": importance,
                "Vikt": float(weight.replace(",", ".")),
                "Lagkrav": "Nej",
            }
            for title, wants in _LOCAL_ROLES.items()
            for concept, level, importance, weight in wants
        ]

    def label(self, concept_id: str) -> str:
        """Return the Swedish label of a concept."""
        return self.taxonomy.concept(concept_id).label("sv")

    def _wanted(self, role_id: str, title: str = "") -> list[Requirement]:
        if role_id.startswith("local:"):
            return [
                Requirement(concept_id=c, level=level, weight=float(weight.replace(",", ".")))
                for c, level, _, weight in _LOCAL_ROLES[title]
            ]
        return list(self.taxonomy.role(role_id).requirements)

    def _evidence(self) -> list[Row]:
        draw, rows = self.draw("evidence"), []
        for hand in self.hands:
            if hand.under_age:
                continue
            found = self._proofs(hand, draw)
            for concept, level, source, form, day, author, stage in found:
                hand.levels[concept] = max(level, hand.levels.get(concept, 0))
                rows.append(
                    {
                        "Belägg-id": f"B{len(rows) + 1:06d}",
                        "Anst.nr": int(hand.person_id),
                        "Kompetens": self.label(concept),
                        "Nivå": level,
                        "Källa": source,
                        "Lärform": form,
                        "Datum": day.isoformat(),
                        "Utfärdare": author,
                        "Valideringssteg": stage,
                    }
                )
        return rows

    def _proofs(self, hand: _Hand, draw: _Draw) -> list[tuple[str, int, str, str, date, str, str]]:
        """Return what is known of one person: concept, level, source, learning form, day, author, stage."""
        wanted = self._wanted(hand.job.role, hand.job.title)
        if hand.second_role:
            asked = {r.concept_id for r in wanted}
            wanted += [r for r in self._wanted(hand.second_role) if r.concept_id not in asked]
        leader = next(iter(self.managers_of(hand)), "")
        found: list[tuple[str, int, str, str, date, str, str]] = []
        adult = date(hand.birth + 20, 6, 10)
        soft: list[Requirement] = []
        for need in wanted:
            licence = self.taxonomy.concept(need.concept_id).kind is ConceptKind.LICENCE
            if not licence:
                soft.append(need)
            elif need.concept_id.startswith("register-check"):
                if need.hard or draw.chance(60):
                    found.append(
                        (need.concept_id, 1, "intyg", "formell", self.before(draw, 900, 30), "Polismyndigheten", "certifierad")
                    )
            elif need.hard or draw.chance(70 if need.importance is Importance.ESSENTIAL else 45):
                day = adult + timedelta(days=draw.below(max((min(hand.start, self.as_of) - adult).days, 1)))
                found.append((need.concept_id, need.level, "intyg", "formell", day, "Utfärdande myndighet", "certifierad"))
        mapped = hand.job.unit.mapped or hand.manager and draw.chance(30)
        mover = hand in self.movers
        if mover:
            # Everything asked for is held but for three things, which are what a placement elsewhere would teach.
            apart = [r.concept_id for r in soft if not self.taxonomy.concept(r.concept_id).safety_critical and r.level > 1]
            lacking = set(draw.some(sorted(apart), 3))
            for need in soft:
                if need.importance is Importance.ESSENTIAL or draw.chance(50):
                    level = need.level - 1 if need.concept_id in lacking else need.level
                    found.append((need.concept_id, level, "chef", "informell", self.before(draw, 400, 5), leader, "dokumenterad"))
        else:
            picked = [n for n in soft if draw.chance(86 if n.importance is Importance.ESSENTIAL else 38)] if mapped else []
            if not picked:
                picked = draw.some(soft, draw.weighted(((0, 1), (1, 3), (2, 4), (3, 4), (4, 2), (5, 1))))
            for need in picked:
                level = min(max(need.level + draw.weighted(((-1, 20), (0, 58), (1, 22))), 1), 5)
                source = draw.weighted(
                    (
                        ("chef", 60),
                        ("kurs", 12),
                        ("kollega", 9),
                        ("rollhistorik", 8),
                        ("observation", 4),
                        ("bedömning", 4),
                        ("arbetsprov", 3),
                    )
                    if mapped
                    else (
                        ("kurs", 34),
                        ("chef", 22),
                        ("rollhistorik", 18),
                        ("intyg", 8),
                        ("kollega", 8),
                        ("bedömning", 6),
                        ("simulering", 4),
                    )
                )
                found.append((need.concept_id, level, *self._origin(source, leader, draw)))
        if draw.chance(34):
            course = draw.pick(_COURSES)
            if all(course != f[0] for f in found):
                found.append((course, draw.between(1, 3), *self._origin("kurs", leader, draw)))
        for job, _, _, end in hand.others:
            if end is not None:
                for need in draw.some([r for r in self._wanted(job.role, job.title) if not r.hard], 3):
                    if self.taxonomy.concept(need.concept_id).kind is not ConceptKind.LICENCE:
                        found.append((need.concept_id, need.level, "rollhistorik", "informell", end, "", "identifierad"))
        for concept, hands in self.mentors.items():
            if hand in hands:
                found = [f for f in found if f[0] != concept]
                day = self.before(draw, 500, 10)
                found.append((concept, 4, "bedömning", "informell", day, "Kommunens validerare", "bedömd"))
                found.append((concept, 4, "chef", "informell", day - timedelta(days=60), leader, "dokumenterad"))
        if hand.chosen:
            for concept in _WISHES.get(hand.person_id, ()):
                found = [f for f in found if f[0] != concept]
                found.append((concept, 1, "chef", "informell", self.before(draw, 300, 20), leader, "dokumenterad"))
        return found

    def _origin(self, source: str, leader: str, draw: _Draw) -> tuple[str, str, date, str, str]:
        day = self.before(draw, min(draw.between(60, 2190), draw.between(60, 2190)), 5)
        authors = {
            "kurs": draw.pick(("Kommunens utbildningsenhet", "Vuxenutbildningen", "Regionen", "Branschorganisation")),
            "intyg": draw.pick(("Tidigare arbetsgivare", "Utbildningsanordnare", "Folkhögskola")),
            "bedömning": "Kommunens validerare",
            "arbetsprov": "Kommunens validerare",
            "simulering": "Kommunens validerare",
            "observation": leader,
            "chef": leader,
            "kollega": "",
            "rollhistorik": "",
        }
        stages = {
            "kurs": "dokumenterad",
            "intyg": "dokumenterad",
            "bedömning": "bedömd",
            "arbetsprov": "bedömd",
            "simulering": "bedömd",
        }
        stage = "certifierad" if source == "bedömning" and draw.chance(25) else stages.get(source, "identifierad")
        if source == "chef" and draw.chance(60):
            stage = "dokumenterad"
        form = "formell" if source == "intyg" else "icke-formell" if source in ("kurs", "simulering") else "informell"
        return source, form, day, authors[source], stage

    def _statements(self) -> list[Row]:
        draw, rows = self.draw("statements"), []
        sayings = [
            (tuple(filter(None, r["concepts"].split("+"))), r["where"], r["scope"].split("+"), r["text"])
            for r in _rows("statements.csv")
        ]
        nothing = [i for i, s in enumerate(sayings) if not s[0]]
        scopes = {k["id"]: k["scope"] for k in self.plan["kind"]}
        at_work: dict[str, list[int]] = {}
        for i, (concepts, _, scope, _) in enumerate(sayings):
            for name in scope if concepts else ():
                at_work.setdefault(name, []).append(i)
        for hand in self.hands:
            if hand.under_age:
                continue
            scope_name = "lead" if hand.manager else scopes.get(hand.job.unit.kind, "office")
            told: list[int] = []
            for _ in range(draw.weighted(_COUNTS)):
                kind = draw.below(100)
                pool = nothing if kind < 4 else at_work[scope_name] if kind < 52 else at_work["any"]
                i = draw.pick(pool)
                abroad = sayings[i][1] == "other_country" and any(sayings[j][1] == "other_country" for j in told)
                if i not in told and not abroad:
                    told.append(i)
            for i in told:
                rows.append(self._statement(hand, sayings[i], len(rows) + 1, draw))
        # The newest date of all files is the date they were drawn up.
        rows[0]["Datum"] = self.as_of.isoformat()
        if self.people >= 30:
            rows[len(rows) // 2]["Datum"] = "2026-02-30"
            self._count("wrong_date")
            stray = dict(rows[-1], **{"Utsage-id": f"U{len(rows) + 1:06d}", "Anst.nr": 9001, "Vad jag kan": "Kan köra truck"})
            rows.append(stray)
            self._count("unknown_person")
        return rows

    def _statement(self, hand: _Hand, saying: tuple[tuple[str, ...], str, list[str], str], number: int, draw: _Draw) -> Row:
        concepts, where, _, text = saying
        statement_id = f"U{number:06d}"
        text = text.replace("{n}", str(draw.between(2, 25)))
        if concepts and draw.chance(6):
            text += draw.pick(_MARKS)
        clean = text
        if draw.chance(12):
            text = _misspell(text, draw)
        if draw.chance(15):
            text = text[0].lower() + text[1:]
        if draw.chance(10):
            text += "."
        elif draw.chance(2):
            text = f" {text} "
        if not concepts:
            self.meaningless.append(statement_id)
        for concept in concepts:
            self.said.append(Planted(hand.person_id, concept, statement_id, clean.casefold() not in text.casefold()))
        day = self.before(draw, min(draw.between(30, 2190), draw.between(30, 2190)), 1)
        told = draw.weighted((("organisationen", 75), ("enheten", 18), ("chefen", 4), ("bara jag", 3)))
        return {
            "Utsage-id": statement_id,
            "Anst.nr": int(hand.person_id),
            "Vad jag kan": text,
            "Var lärt": None if draw.chance(12) else _WHERE[where],
            "Nivå": draw.weighted(((1, 2), (2, 5), (3, 6), (4, 3), (5, 1))) if concepts and draw.chance(24) else None,
            "Datum": None if draw.chance(3) else day.strftime("%y%m%d") if draw.chance(6) else day.isoformat(),
            "Synlighet": told,
        }

    def _interests(self) -> list[Row]:
        draw, rows = self.draw("interests"), []
        told: dict[str, list[str]] = {}
        for said in self.said:
            told.setdefault(said.person_id, []).append(said.concept_id)
        teaches: dict[str, list[str]] = {}
        for concept, hands in self.mentors.items():
            for hand in hands:
                teaches.setdefault(hand.person_id, []).append(concept)
        for hand in self.hands:
            if hand.under_age:
                continue
            wishes: dict[tuple[str, str], None] = {}
            soft = [
                r
                for r in self._wanted(hand.job.role, hand.job.title)
                if not r.hard and self.taxonomy.concept(r.concept_id).kind is not ConceptKind.LICENCE
            ]
            gaps = [r.concept_id for r in soft if hand.levels.get(r.concept_id, 0) < r.level]
            if hand.chosen:
                wishes.update(dict.fromkeys(("lära mig", c) for c in _WISHES.get(hand.person_id, ())))
                wishes.update(dict.fromkeys(("lära ut", c) for c in teaches.get(hand.person_id, ())))
                if hand in self.movers:
                    known = [c for c in gaps if c in hand.levels]
                    wishes.update(dict.fromkeys(("lära mig", c) for c in (known or gaps)[:2]))
            elif draw.chance(45):
                for _ in range(draw.between(1, 2)):
                    way = draw.below(100)
                    strong = [c for c, level in hand.levels.items() if level >= 3]
                    if way < 50 and gaps:
                        wishes["lära mig", draw.pick(gaps)] = None
                    elif way < 75 and hand.person_id in told:
                        wishes["använda", draw.pick(told[hand.person_id])] = None
                    elif strong:
                        wishes["lära ut", draw.pick(strong)] = None
            rows += [{"Anst.nr": int(hand.person_id), "Vill": kind, "Kompetens": self.label(c)} for kind, c in wishes]
        return rows or [
            {"Anst.nr": int(self.hands[0].person_id), "Vill": "lära mig", "Kompetens": self.label("first-aid-and-cpr")}
        ]

    def _travel(self) -> list[Row]:
        sites = self.plan["sites"]
        return [
            {"Från plats": sites[i], "Till plats": sites[i + 1 + j], "Minuter": minutes}
            for i, row in enumerate(self.plan["minutes"])
            for j, minutes in enumerate(row)
        ]

    def _history(self) -> list[Row]:
        draw = self.draw("history")
        plain = [h for h in self.hands if not (h.manager or h.chosen or h.under_age or h.protected)]
        some = draw.some(plain, max(4, self.people // 25))
        rows: list[Row] = []
        for mentee, mentor in zip(some[: len(some) // 2], some[len(some) // 2 :], strict=False):
            start = self.before(draw, 1400, 260)
            unit, other = mentee.job.unit, mentor.job.unit
            moves = unit is not other and draw.chance(45)
            rows.append(
                {
                    "Händelse": "flytt" if moves else "par",
                    "Anst.nr": int(mentee.person_id),
                    "Andra personen": None if moves else int(mentor.person_id),
                    "Från enhet": int(unit.code) if moves else None,
                    "Till enhet": int(other.code) if moves else None,
                    "Från": start.isoformat(),
                    "Till": (start + timedelta(days=draw.between(90, 240))).isoformat(),
                }
            )
        return rows

    def _decisions(self) -> list[Row]:
        draw = self.draw("decisions")
        plain = [h for h in self.hands if not (h.manager or h.chosen or h.under_age or h.protected)]
        leaders = [h for h in self.hands if h.manager and not h.protected] or plain[:1]
        told = (
            ("pairs", "godkänd", "Tydlig nivåskillnad och båda vill."),
            ("pairs", "avslagen", "Adepten önskar en mentor på samma ort."),
            ("pairs", "förbjuden", "De arbetar redan nära varandra i ett gemensamt uppdrag."),
            ("pairs", "avslagen", "Mentorn har fullt upp under våren."),
            ("rotation", "avslagen", "Passar inte ihop med schemat före sommaren."),
            ("experts", "godkänd", "Tog uppdraget som kontaktperson."),
        )
        people = draw.some(plain, 2 * len(told))
        if len(people) < 2 * len(told):
            people = (people * (2 * len(told)))[: 2 * len(told)]
        rows: list[Row] = []
        for i, (kind, choice, reason) in enumerate(told):
            involved = people[2 * i : 2 * i + (1 if kind == "experts" else 2)]
            rows.append(
                {
                    "Förslag": kind,
                    "Beslut": choice,
                    "Personer": "; ".join(dict.fromkeys(h.person_id for h in involved)),
                    "Avser": self.label("first-aid-and-cpr") if kind == "experts" else None,
                    "Beslutat av": draw.pick(leaders).person_id,
                    "Datum": self.before(draw, 500, 20).isoformat(),
                    "Alternativ": "Tre andra förslag fanns." if choice == "godkänd" else None,
                    "Motivering": reason,
                    "Jämställdhetsresonemang": "Könsfördelningen bland dem som fått förslag följer gruppens."
                    if choice == "godkänd"
                    else None,
                }
            )
        return rows


def _misspell(text: str, draw: _Draw) -> str:
    """Change one of the longer words as hurried people do, or shorten a small one."""
    words = text.split(" ")
    long = [i for i, w in enumerate(words) if len(w) >= 6 and w.isalpha()]
    way = draw.below(10)
    if way == 0 and "och" in words:
        words[words.index("och")] = "o"
    elif way == 1 and any(c in text for c in "åäö"):
        return text.translate(str.maketrans("åäöÅÄÖ", "aaoAAO"))
    elif long:
        i = draw.pick(long)
        word, at = words[i], draw.between(2, len(words[i]) - 3)
        changed = {
            0: word[:at] + word[at + 1 :],
            1: word[:at] + word[at + 1] + word[at] + word[at + 2 :],
            2: word[:at] + word[at] + word[at:],
        }
        words[i] = changed[draw.below(3)]
    return " ".join(words)


def _toml(name: str) -> dict[str, Any]:
    return tomllib.loads((files("competence") / "_example" / name).read_text(encoding="utf-8"))


def _rows(name: str) -> list[dict[str, str]]:
    raw = (files("competence") / "_example" / name).read_text(encoding="utf-8")
    return list(csv.DictReader(io.StringIO(raw), delimiter=";"))
