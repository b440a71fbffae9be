"""The tables of the example municipality: what its people can do, say and want, and what is wrong in the files.

Cells are text, numbers or empty, as :func:`competence.io.write_tables` takes them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from competence.example._people import WISHES, Draw, Hand, Job, Municipality, read_rows
from competence.model import ConceptKind, Importance, Requirement

__all__ = ["Cell", "ExampleTruth", "Planted", "Row", "Tables"]

Cell = str | int | float | None
Row = dict[str, Cell]


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

_WHERE = {
    "work": "arbetet",
    "home": "hemma",
    "association": "förening",
    "other_country": "annat land",
    "own_project": "eget projekt",
    "education": "utbildning",
    "": None,
}
_COUNTS = ((0, 10), (1, 18), (2, 24), (3, 22), (4, 14), (5, 8), (6, 4))
"""Statements per person, in percent: 2.5 on average."""
_MARKS = (" (van)", ", rätt bra på det", ", på grundnivå", ", det är min grej", ", men inte på ett tag", " sedan länge")


class Tables:
    """Make the tables of one municipality once; ``by_sheet`` holds them, ``truth`` what was put into them."""

    def __init__(self, town: Municipality) -> None:
        self.town = town
        self.faults: dict[str, int] = {}
        self.said: list[Planted] = []
        self.meaningless: list[str] = []
        self.by_sheet = self._make()

    def _make(self) -> dict[str, list[Row]]:
        """Make every table; statements before interests, and evidence before both, as each reads the one before."""
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
        """Return what the tables hold by design."""
        return ExampleTruth(
            planted=tuple(self.said),
            meaningless=tuple(self.meaningless),
            groups={h.person_id: h.job.group for h in self.town.hands},
            roles={h.person_id: h.job.role for h in self.town.hands},
            protected=tuple(h.person_id for h in self.town.hands if h.protected),
            under_age=tuple(h.person_id for h in self.town.hands if h.under_age),
            faults=dict(self.faults),
        )

    def _count(self, fault: str, n: int = 1) -> None:
        self.faults[fault] = self.faults.get(fault, 0) + n

    def _personal(self) -> list[Row]:
        draw = self.town.draw("personal")
        rows: list[Row] = []
        for hand in self.town.hands:
            employments = [(hand.job, hand.percent, hand.start, hand.end), *hand.others]
            leader = next(iter(self.town.managers_of(hand)), None)
            locker, away = f"{draw.pick('ABCDE')}-{draw.between(1, 240):03d}", draw.below(9) if draw.chance(40) else None
            for number, (job, percent, start, end) in enumerate(employments):
                unit = job.unit.code
                if hand in self.town.astray and number == 0:
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
                if hand in self.town.twice and number == 0:
                    rows.append(dict(row))
                    self._count("duplicate_row")
        self._count("share_over_full_time", len(self.town.overfull))
        self._count("forbidden_column")
        self._count("unknown_column")
        return rows

    def _written(self, title: str, draw: Draw) -> str:
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

    def _percent(self, percent: int, draw: Draw) -> Cell:
        way = draw.below(100)
        return f"{percent} %" if way < 10 else percent / 100 if way < 22 else percent

    def _day(self, day: date, draw: Draw) -> str:
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
            for u in self.town.units
        ]

    def _posts(self) -> list[Row]:
        draw, number = self.town.draw("posts"), 20000
        rows: list[Row] = []
        alike: dict[tuple[str, str], int] = {}
        for hand in self.town.hands:
            if not hand.under_age:
                alike[hand.job.unit.code, hand.job.role] = alike.get((hand.job.unit.code, hand.job.role), 0) + 1
        for hand in self.town.hands:
            if hand.under_age or hand in self.town.astray:
                continue
            current = [hand.job, *(job for job, _, _, end in hand.others if end is None and hand not in self.town.overfull)]
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
            rows.append(self._post(number + 1, self._plain(self.town.hands[0].job), None, None))
        return rows

    def _plain(self, job: Job) -> Job:
        return Job(
            job.unit, job.title.split(" / ")[0].rstrip(" %0123456789") if "%" in job.title else job.title, job.role, job.group
        )

    def _post(self, number: int, job: Job, holder: str | None, least: int | None) -> Row:
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
        return self.town.taxonomy.concept(concept_id).label("sv")

    def _wanted(self, role_id: str, title: str = "") -> list[Requirement]:
        if role_id.startswith("local:"):
            return [
                Requirement(concept_id=c, level=level, weight=float(weight.replace(",", ".")))
                for c, level, _, weight in _LOCAL_ROLES[title]
            ]
        return list(self.town.taxonomy.role(role_id).requirements)

    def _evidence(self) -> list[Row]:
        draw = self.town.draw("evidence")
        rows: list[Row] = []
        for hand in self.town.hands:
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

    def _proofs(self, hand: Hand, draw: Draw) -> list[tuple[str, int, str, str, date, str, str]]:
        """Return what is known of one person: concept, level, source, learning form, day, author, stage."""
        wanted = self._wanted(hand.job.role, hand.job.title)
        if hand.second_role:
            asked = {r.concept_id for r in wanted}
            wanted += [r for r in self._wanted(hand.second_role) if r.concept_id not in asked]
        leader = next(iter(self.town.managers_of(hand)), "")
        found: list[tuple[str, int, str, str, date, str, str]] = []
        adult = date(hand.birth + 20, 6, 10)
        soft: list[Requirement] = []
        for need in wanted:
            licence = self.town.taxonomy.concept(need.concept_id).kind is ConceptKind.LICENCE
            if not licence:
                soft.append(need)
            elif need.concept_id.startswith("register-check"):
                if need.hard or draw.chance(60):
                    found.append(
                        (
                            need.concept_id,
                            1,
                            "intyg",
                            "formell",
                            self.town.before(draw, 900, 30),
                            "Polismyndigheten",
                            "certifierad",
                        )
                    )
            elif need.hard or draw.chance(70 if need.importance is Importance.ESSENTIAL else 45):
                day = adult + timedelta(days=draw.below(max((min(hand.start, self.town.as_of) - adult).days, 1)))
                found.append((need.concept_id, need.level, "intyg", "formell", day, "Utfärdande myndighet", "certifierad"))
        mapped = hand.job.unit.mapped or (hand.manager and draw.chance(30))
        mover = hand in self.town.movers
        if mover:
            # Everything asked for is held but for three things, which are what a placement elsewhere would teach.
            apart = [r.concept_id for r in soft if not self.town.taxonomy.concept(r.concept_id).safety_critical and r.level > 1]
            lacking = set(draw.some(sorted(apart), 3))
            for need in soft:
                if need.importance is Importance.ESSENTIAL or draw.chance(50):
                    level = need.level - 1 if need.concept_id in lacking else need.level
                    found.append(
                        (need.concept_id, level, "chef", "informell", self.town.before(draw, 400, 5), leader, "dokumenterad")
                    )
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
                    if self.town.taxonomy.concept(need.concept_id).kind is not ConceptKind.LICENCE:
                        found.append((need.concept_id, need.level, "rollhistorik", "informell", end, "", "identifierad"))
        for concept, hands in self.town.mentors.items():
            if hand in hands:
                found = [f for f in found if f[0] != concept]
                day = self.town.before(draw, 500, 10)
                found.append((concept, 4, "bedömning", "informell", day, "Kommunens validerare", "bedömd"))
                found.append((concept, 4, "chef", "informell", day - timedelta(days=60), leader, "dokumenterad"))
        if hand.chosen:
            for concept in WISHES.get(hand.person_id, ()):
                found = [f for f in found if f[0] != concept]
                found.append((concept, 1, "chef", "informell", self.town.before(draw, 300, 20), leader, "dokumenterad"))
        return found

    def _origin(self, source: str, leader: str, draw: Draw) -> tuple[str, str, date, str, str]:
        day = self.town.before(draw, min(draw.between(60, 2190), draw.between(60, 2190)), 5)
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
        draw = self.town.draw("statements")
        rows: list[Row] = []
        sayings = [
            (tuple(filter(None, r["concepts"].split("+"))), r["where"], r["scope"].split("+"), r["text"])
            for r in read_rows("statements.csv")
        ]
        nothing = [i for i, s in enumerate(sayings) if not s[0]]
        scopes = {k["id"]: k["scope"] for k in self.town.plan["kind"]}
        at_work: dict[str, list[int]] = {}
        for i, (concepts, _, scope, _) in enumerate(sayings):
            for name in scope if concepts else ():
                at_work.setdefault(name, []).append(i)
        for hand in self.town.hands:
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
        # Not on rows of protected people, which reading drops whole.
        hidden = {int(h.person_id) for h in self.town.hands if h.protected}
        seen = [row for row in rows if row["Anst.nr"] not in hidden]
        # The newest date of all files is the date they were drawn up.
        seen[0]["Datum"] = self.town.as_of.isoformat()
        if self.town.people >= 30:
            seen[len(seen) // 2]["Datum"] = "2026-02-30"
            self._count("wrong_date")
            rows.append({**rows[-1], "Utsage-id": f"U{len(rows) + 1:06d}", "Anst.nr": 9001, "Vad jag kan": "Kan köra truck"})
            self._count("unknown_person")
        return rows

    def _statement(self, hand: Hand, saying: tuple[tuple[str, ...], str, list[str], str], number: int, draw: Draw) -> Row:
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
        day = self.town.before(draw, min(draw.between(30, 2190), draw.between(30, 2190)), 1)
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
        draw = self.town.draw("interests")
        rows: list[Row] = []
        told: dict[str, list[str]] = {}
        for said in self.said:
            told.setdefault(said.person_id, []).append(said.concept_id)
        teaches: dict[str, list[str]] = {}
        for concept, hands in self.town.mentors.items():
            for hand in hands:
                teaches.setdefault(hand.person_id, []).append(concept)
        for hand in self.town.hands:
            if hand.under_age:
                continue
            wishes: dict[tuple[str, str], None] = {}
            soft = [
                r
                for r in self._wanted(hand.job.role, hand.job.title)
                if not r.hard and self.town.taxonomy.concept(r.concept_id).kind is not ConceptKind.LICENCE
            ]
            gaps = [r.concept_id for r in soft if hand.levels.get(r.concept_id, 0) < r.level]
            if hand.chosen:
                wishes.update(dict.fromkeys(("lära mig", c) for c in WISHES.get(hand.person_id, ())))
                wishes.update(dict.fromkeys(("lära ut", c) for c in teaches.get(hand.person_id, ())))
                if hand in self.town.movers:
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
            {"Anst.nr": int(self.town.hands[0].person_id), "Vill": "lära mig", "Kompetens": self.label("first-aid-and-cpr")}
        ]

    def _travel(self) -> list[Row]:
        sites = self.town.plan["sites"]
        return [
            {"Från plats": sites[i], "Till plats": sites[i + 1 + j], "Minuter": minutes}
            for i, row in enumerate(self.town.plan["minutes"])
            for j, minutes in enumerate(row)
        ]

    def _history(self) -> list[Row]:
        draw = self.town.draw("history")
        plain = [h for h in self.town.hands if not (h.manager or h.chosen or h.under_age or h.protected)]
        some = draw.some(plain, max(4, self.town.people // 25))
        rows: list[Row] = []
        for mentee, mentor in zip(some[: len(some) // 2], some[len(some) // 2 :], strict=False):
            start = self.town.before(draw, 1400, 260)
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
        draw = self.town.draw("decisions")
        plain = [h for h in self.town.hands if not (h.manager or h.chosen or h.under_age or h.protected)]
        leaders = [h for h in self.town.hands if h.manager and not h.protected] or plain[:1]
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
                    "Datum": self.town.before(draw, 500, 20).isoformat(),
                    "Alternativ": "Tre andra förslag fanns." if choice == "godkänd" else None,
                    "Motivering": reason,
                    "Jämställdhetsresonemang": "Könsfördelningen bland dem som fått förslag följer gruppens."
                    if choice == "godkänd"
                    else None,
                }
            )
        return rows


def _misspell(text: str, draw: Draw) -> str:
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
