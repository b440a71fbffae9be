"""Who works where in the example municipality: units, people, their terms, answers and exceptions.

All choices are whole numbers drawn in a fixed order from named streams, so that equal arguments give equal people on
every platform. What the people can do and say, and the form of the files, is :mod:`competence.example._tables`.
"""

from __future__ import annotations

import csv
import io
import random
import tomllib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cached_property
from importlib.resources import files
from typing import Any, TypeVar

from competence.errors import InputError
from competence.taxonomy import Taxonomy

__all__ = ["SMALL", "WISHES", "Draw", "Hand", "Job", "Municipality", "Unit", "read_rows", "share_out"]

T = TypeVar("T")

_WHOLE = 2000
"""People in the table of groups (DOMAIN 6B); other sizes are scaled by largest remainder."""
_FIRST_ID = 10001
_SPECIAL = ("10014", "10031")
"""Always there from 200 people: opted in as mentees, with wishes that others can meet."""
_HOME_CARE = ("Hemtjänst Norr", "Hemtjänst Söder")
_HOME_STAFF = 14
"""Staff of each of the two home care units, at least; twelve are promised, two may be lost to faults in the files."""
SMALL = 200
"""From this many people on, everything promised by name exists."""


WISHES = {
    "10014": ("dementia-care", "palliative-care"),
    "10031": ("wound-care", "finnish"),
}
"""What the two people of the examples want to learn."""

_FORMS = (
    ("Tillsvidareanställning", 87),
    ("Vikariat", 6),
    ("Särskild visstidsanställning", 4),
    ("Timavlönad", 3),
)
_PART_TIME = (50, 60, 75, 75, 75, 80, 80, 85, 90)


class Draw:
    """Whole numbers from a named stream, so that a change in one part of the making leaves the others as they were.

    Only ``random()`` is used: of all the generator's methods it is the one whose sequence Python promises to keep
    (https://docs.python.org/3/library/random.html#notes-on-reproducibility).
    """

    def __init__(self, *key: object) -> None:
        self._random = random.Random("/".join(map(str, key)))

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


def share_out(weights: Sequence[int], total: int) -> list[int]:
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
class Unit:
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
class Job:
    """One employment: the unit, the title as written, the group and role behind it."""

    unit: Unit
    title: str
    role: str
    group: str


@dataclass(slots=True, eq=False)
class Hand:
    """One person while being made."""

    person_id: str
    job: Job
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
    others: list[tuple[Job, int, date, date | None]] = field(default_factory=list)
    levels: dict[str, int] = field(default_factory=dict)


class Municipality:
    """Everything about one example, made in a fixed order when it is built."""

    def __init__(self, people: int, seed: int) -> None:
        if not 8 <= people <= 60_000:
            raise InputError(f"people must be a whole number from 8 to 60 000; got {people!r}")
        self.people, self.seed = people, seed
        plan = _read_toml("municipality.toml")
        self.plan = plan
        self.as_of: date = plan["as_of"]
        self.taxonomy = Taxonomy.bundled("municipal")
        self.units: list[Unit] = []
        self.by_kind: dict[str, list[Unit]] = {}
        self._leads: dict[str, list[Unit]] = {}
        self._make_people()

    def draw(self, stream: str) -> Draw:
        return Draw("competence-example", self.people, self.seed, stream)

    def before(self, draw: Draw, days: int, first: int = 0) -> date:
        """Return a day from ``first`` to ``days`` days before the date of the files."""
        return self.as_of - timedelta(days=draw.between(first, days))

    def _make_people(self) -> None:
        groups = self.plan["group"]
        sizes = dict(zip((g["id"] for g in groups), share_out([g["n"] for g in groups], self.people), strict=True))
        jobs = self._make_jobs(sizes)
        slots = self.draw("order").shuffled([job for group in groups for job in jobs[group["id"]]])
        self._place_special(slots)
        self.hands = [Hand(str(_FIRST_ID + i), job) for i, job in enumerate(slots)]
        self.by_id = {h.person_id: h for h in self.hands}
        self._set_managers()
        self._set_sex()
        self._set_names_and_terms()
        self._set_answers()
        self._set_exceptions()

    def _make_jobs(self, sizes: Mapping[str, int]) -> dict[str, list[Job]]:
        """Make one job per person: how many of each group in each kind of unit, then which unit and title."""
        places: dict[str, list[tuple[str, int]]] = {}
        for row in read_rows("places.csv"):
            places.setdefault(row["group"], []).append((row["kind"], int(row["share"])))
        placed: dict[str, dict[str, int]] = {}
        for group, kinds in places.items():
            counts = share_out([share for _, share in kinds], sizes[group])
            placed[group] = {kind: n for (kind, _), n in zip(kinds, counts, strict=True)}
        if self.people >= SMALL:
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
        for row in read_rows("titles.csv"):
            titles.setdefault((row["group"], row["kind"]), []).append((row["title"], row["role_id"], int(row["weight"])))
        self.titles = titles
        jobs: dict[str, list[Job]] = {g["id"]: [] for g in self.plan["group"]}
        for group, counts_by_kind in placed.items():
            for kind, n in counts_by_kind.items():
                units, offered = self.by_kind.get(kind, []), titles[group, kind]
                quotas = share_out([w for _, _, w in offered], n)
                written = [(t, r) for (t, r, _), q in zip(offered, quotas, strict=True) for _ in range(q)]
                for i, (title, role) in enumerate(written):
                    jobs[group].append(Job(units[i % len(units)], title, role, group))
        for group in ("ec", "rektor", "ovr"):
            jobs[group] = self._manager_jobs(group, sizes[group])
        return jobs

    def _make_units(self, staff: Mapping[str, int]) -> None:
        plan, sites = self.plan, self.plan["sites"]
        kinds = [k for k in plan["kind"] if staff.get(k["id"], 0) > 0]
        branches = [b for b in plan["branch"] if any(k["code"].startswith(b["code"]) for k in kinds)]
        sectors = [s for s in plan["sector"] if any(b["code"].startswith(s["code"]) for b in branches)]
        self.units.append(Unit("0", plan["name"], "", "top", sites[0]))
        self.units += [Unit(s["code"], s["name"], "0", "top", sites[0]) for s in sectors]
        self.units += [Unit(b["code"], b["name"], b["code"][0], "top", sites[0]) for b in branches]
        draw = self.draw("units")
        for kind in kinds:
            home = kind["id"] == "hemtjanst"
            wanted = max(
                2 if home and staff["hemtjanst"] > 1 else 1, (2 * staff[kind["id"]] + kind["size"]) // (2 * kind["size"])
            )
            # Many small units would leave the two of the examples under strength.
            if home and self.people >= SMALL:
                wanted = max(2, min(wanted, staff["hemtjanst"] // _HOME_STAFF))
            names = kind["names"]
            for i in range(wanted):
                name = names[i] if i < len(names) else f"{names[i % len(names)]} {i // len(names) + 1}"
                # Norr and Söder lie in two villages, so that travel time means something.
                place = sites[(i + 1) % len(sites)] if home else sites[i % len(sites)] if kind.get("spread") else sites[0]
                unit = Unit(f"{kind['code']}{i + 1:02d}", name, kind["code"][:2], kind["id"], place, kind.get("moving"))
                unit.mapped = name in _HOME_CARE or draw.chance(16)
                unit.start = date(2012 + draw.below(9), 1 + draw.below(12), 1) if draw.chance(30) else None
                self.units.append(unit)
                self.by_kind.setdefault(kind["id"], []).append(unit)
        self.closed: Unit | None = None
        if self.people >= SMALL:
            self.closed = Unit(
                "21900", "Förskolan Näckrosen", "21", "closed", sites[3], start=date(1998, 8, 1), end=date(2023, 6, 30)
            )
            self.units.append(self.closed)

    def _manager_jobs(self, group: str, n: int) -> list[Job]:
        """Give managers their units; more managers than units, or the largest units, make shared leadership."""
        led = {k["id"] for k in self.plan["kind"] if k["led_by"] == group}
        units = [u for u in self.units if u.kind in led]
        if group == "ovr":
            units = [u for u in self.units if u.kind == "top" and len(u.code) == 1 and u.code != "0"] + units
        jobs = []
        for i in range(n):
            unit = units[i % len(units)] if units else self.units[0]
            offered = self.titles.get((group, unit.kind)) or self.titles[group, ""]
            jobs.append(Job(unit, offered[0][0], offered[0][1], group))
        self._leads[group] = units
        return jobs

    def _place_special(self, slots: list[Job]) -> None:
        """Put a home care nurse of each of the two units where the two known ids will stand."""
        for person_id, name in zip(_SPECIAL, _HOME_CARE, strict=True):
            place = int(person_id) - _FIRST_ID
            for i, job in enumerate(slots):
                if place < len(slots) and job.unit.name == name and job.role == "role-assistant-nurse-home-care":
                    slots[place], slots[i] = slots[i], slots[place]
                    break

    def _set_managers(self) -> None:
        staff = Counter(h.job.unit.code for h in self.hands)
        for group, units in self._leads.items():
            managers = [h for h in self.hands if h.job.group == group]
            for hand in managers:
                hand.manager = True
            if not managers or not units:
                continue
            own = {h.job.unit.code: h for h in reversed(managers)}
            for i, unit in enumerate(units):
                unit.managers.append(own.get(unit.code, managers[i % len(managers)]).person_id)
            for hand in managers:
                if hand.person_id not in hand.job.unit.managers and len(hand.job.unit.managers) < 2:
                    hand.job.unit.managers.append(hand.person_id)
            if len(managers) > 1 and not any(len(u.managers) > 1 for u in units):
                # Shared leadership is always present (REQ-HR-4): a second one for the unit with the largest staff.
                largest = max(units, key=lambda u: (staff[u.code], u.code))
                largest.managers.append(next(h.person_id for h in managers if h.person_id not in largest.managers))
        by_code = {u.code: u for u in self.units}
        for unit in self.units:
            if unit.kind == "top" and not unit.managers and unit.code != "0":
                unit.managers = list(by_code[unit.parent].managers[:1]) if unit.parent in by_code else []

    def managers_of(self, hand: Hand) -> list[str]:
        """Return who leads a person: the unit's managers, for a manager those of the unit above."""
        unit: Unit | None = hand.job.unit
        by_code = self._by_code
        while unit is not None:
            found = [m for m in unit.managers if m != hand.person_id]
            if found and not (hand.manager and hand.person_id in unit.managers):
                return found
            unit = by_code.get(unit.parent)
        return []

    @cached_property
    def _by_code(self) -> dict[str, Unit]:
        return {u.code: u for u in self.units}

    def _set_sex(self) -> None:
        draw = self.draw("sex")
        groups = self.plan["group"]
        largest = sorted(range(len(groups)), key=lambda i: (-groups[i]["n"], i))[:7]
        unstated = share_out([1] * 7, self.people // 200)
        for i, group in enumerate(groups):
            hands = [h for h in self.hands if h.job.group == group["id"]]
            blank = min(unstated[largest.index(i)], len(hands)) if i in largest else 0
            # The share is of those stated; half a person is rounded up.
            women = (int(group["women"] * 10) * (len(hands) - blank) * 2 + 1000) // 2000
            sexes = draw.shuffled(["Kvinna"] * women + ["Man"] * (len(hands) - blank - women))
            for hand, sex in zip(self._known_last(hands), ["Uppgift saknas"] * blank + sexes, strict=True):
                hand.sex = sex

    def _known_last(self, hands: Sequence[Hand]) -> list[Hand]:
        """Put the people of the examples last, where nothing is missing."""
        return sorted(hands, key=lambda h: h.person_id in _SPECIAL)

    def _set_names_and_terms(self) -> None:
        names, draw, terms = _read_toml("names.toml"), self.draw("names"), self.draw("terms")
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
        self.movers: list[Hand] = []
        for name in _HOME_CARE:
            able = [h for h in self.hands if h.job.unit.name == name and h.job.role == "role-assistant-nurse-home-care"]
            for hand in self._known_last(able)[::-1][:5]:
                hand.chosen = True
                hand.opt_ins["Rotation"] = "Ja"
                hand.form, hand.end, hand.leaves = "Tillsvidareanställning", None, None
                hand.birth = min(hand.birth, self.as_of.year - 24)
                hand.start = min(hand.start, date(2024, 3, 1))
                self.movers.append(hand)
        self.mentors: dict[str, list[Hand]] = {}
        care = [h for h in self.hands if not h.manager and not h.chosen and h.job.group in ("usk", "ssk", "vb", "stod")]
        pool = self.draw("mentors").shuffled(care)
        for person_id, concepts in WISHES.items():
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

        def take(n: int) -> list[Hand]:
            taken, free[:] = free[:n], free[n:]
            return taken

        for hand in take(4 if self.people >= SMALL else self.people // 50):
            hand.protected = True
        young = [h for h in free if h.job.group in ("vb", "lokal", "malt", "teknik")][: 2 if self.people >= SMALL else 0]
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
                hand.job = Job(hand.job.unit, f"{hand.job.title} {first} % / {title} {100 - first} %", hand.job.role, group)
                hand.second_role = role
                free.remove(hand)
        part = [h for h in free if 50 <= h.percent <= 80 and h.end is None]
        for hand in part[: max(1, self.people * 15 // 1000)]:
            same = [u for u in self.by_kind.get(hand.job.unit.kind, []) if u is not hand.job.unit]
            unit = draw.pick(same) if same else hand.job.unit
            hand.others.append((Job(unit, hand.job.title, hand.job.role, hand.job.group), 100 - hand.percent, hand.start, None))
            free.remove(hand)
        elsewhere = [h.job for h in self.hands if not h.manager and "%" not in h.job.title]
        for hand in [h for h in free if h.start.year >= 2012 and h.end is None][: max(1, self.people * 15 // 1000)]:
            job = draw.pick(elsewhere)
            unit = self.closed if self.closed is not None and job.unit.kind == "forskola" else job.unit
            last = hand.start - timedelta(days=draw.between(1, 200))
            if self.closed is unit:
                last = min(last, date(2023, 6, 30))
            first_day = last - timedelta(days=draw.between(200, 1500))
            hand.others.append((Job(unit, job.title, job.role, job.group), 100, first_day, last))
            free.remove(hand)
        self.overfull = [h for h in free if h.percent == 100 and h.end is None][:1] if self.people >= 30 else []
        for hand in self.overfull:
            hand.others.append((Job(hand.job.unit, hand.job.title, hand.job.role, hand.job.group), 25, hand.start, None))
            free.remove(hand)
        self.astray = [h for h in free if not h.others][:1] if self.people >= 30 else []
        self.twice = (
            [h for h in free if not h.others and h not in self.astray][: 1 + self.people // 2000] if self.people >= 30 else []
        )


def _read_toml(name: str) -> dict[str, Any]:
    return tomllib.loads((files("competence") / "example" / "data" / name).read_text(encoding="utf-8"))


def read_rows(name: str) -> list[dict[str, str]]:
    raw = (files("competence") / "example" / "data" / name).read_text(encoding="utf-8")
    return list(csv.DictReader(io.StringIO(raw), delimiter=";"))
