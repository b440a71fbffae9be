"""How one cell becomes a value: text, day, share, level, answer, word, roles; and what a personal number looks like.

Every parser takes a raw cell and returns a :class:`Parsed`; a fault is a Problem code, never an exception, since a bad
cell must not stop a file. No parser knows of rows, tables or people.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from functools import cache
from typing import Generic, TypeVar

from competence.errors import ProblemEffect
from competence.model import (
    AgeBand,
    Choice,
    HistoryKind,
    Importance,
    InterestKind,
    LearningForm,
    LearntWhere,
    OptIn,
    RoleShare,
    Sex,
    Source,
    ValidationStage,
    Visibility,
)
from competence.staff import parse_roles

__all__ = [
    "MASK",
    "WORDS",
    "Cell",
    "Parsed",
    "answer",
    "as_text",
    "band_of",
    "birth",
    "day",
    "fold",
    "has_personal_number",
    "is_personal_number",
    "level",
    "mask_personal_numbers",
    "minutes",
    "name_key",
    "roles",
    "share",
    "text_cell",
    "whole",
    "word",
]

Cell = str | int | float | bool | date | datetime | time | timedelta | None
T = TypeVar("T")
E = TypeVar("E", bound=StrEnum)

MASK = "[…]"
"""Stands where a personal identity number stood in a text; the same in every language."""

_FIRST_YEAR, _LAST_YEAR = 1900, 2100
_FOREVER = 2200
"""HR systems write 9999-12-31 or 2999-12-31 for "until further notice"."""
_MOST_SHARE = 2.0
"""Above 200 % of full time a share is a typing error, not an employment."""


@dataclass(frozen=True, slots=True)
class Parsed(Generic[T]):
    """A value read from one cell, and the Problem code of what was wrong with it (empty: nothing)."""

    value: T
    code: str = ""
    effect: ProblemEffect = ProblemEffect.CELL_DROPPED
    echo: bool = True


# The Swedish word written to files stands first; the member's own value is always understood too.
WORDS: Mapping[type[StrEnum], Mapping[StrEnum, tuple[str, ...]]] = {
    Sex: {
        Sex.WOMAN: ("kvinna", "k", "kv", "kvinnor", "female", "f", "woman"),
        Sex.MAN: ("man", "m", "män", "male"),
        Sex.NOT_STATED: (
            "ej angivet",
            "uppgift saknas",
            "saknas",
            "okänt",
            "annat",
            "ickebinär",
            "not stated",
            "unknown",
            "other",
        ),
    },
    Source: {
        Source.SELF: ("egen", "själv", "egen uppgift", "egen bedömning", "självskattning", "jag", "medarbetare"),
        Source.COLLEAGUE: ("kollega", "kollegor", "arbetskamrat", "peer"),
        Source.MANAGER: ("chef", "närmaste chef", "chefen", "enhetschef", "boss"),
        Source.COURSE: ("kurs", "utbildning", "kursintyg", "training"),
        Source.CERTIFICATE: ("intyg", "certifikat", "betyg", "legitimation", "körkort", "examen", "diplom"),
        Source.WORK_SAMPLE: ("arbetsprov", "work sample"),
        Source.OBSERVATION: ("observation", "iakttagelse"),
        Source.SIMULATION: ("simulering", "övning"),
        Source.ASSESSMENT: ("bedömning", "validering", "assessed"),
        Source.ROLE_HISTORY: ("rollhistorik", "tidigare roll", "tidigare arbete", "arbetslivserfarenhet"),
    },
    LearningForm: {
        LearningForm.FORMAL: ("formell", "formellt", "formellt lärande", "skola", "högskola"),
        LearningForm.NON_FORMAL: ("icke-formell", "icke-formellt", "ickeformellt lärande", "kurs"),
        LearningForm.INFORMAL: ("informell", "informellt", "informellt lärande", "vardag"),
    },
    LearntWhere: {
        LearntWhere.WORK: ("arbete", "jobb", "på jobbet", "i arbetet", "tidigare jobb", "arbetet"),
        LearntWhere.HOME: ("hemma", "hemmet", "familj", "anhörig", "omsorg hemma", "hem", "home/care", "care"),
        LearntWhere.ASSOCIATION: ("förening", "föreningsliv", "idrott", "ideellt", "föreningen", "kyrka", "club"),
        LearntWhere.OTHER_COUNTRY: ("annat land", "utomlands", "utlandet", "hemland", "abroad"),
        LearntWhere.OWN_PROJECT: ("eget projekt", "eget företag", "hobby", "fritid", "fritiden", "eget intresse"),
        LearntWhere.EDUCATION: ("utbildning", "skola", "kurs", "studier", "school", "course"),
    },
    ValidationStage: {
        ValidationStage.IDENTIFIED: ("identifierad", "identifierat", "kartlagd", "kartlagt"),
        ValidationStage.DOCUMENTED: ("dokumenterad", "dokumenterat"),
        ValidationStage.ASSESSED: ("bedömd", "bedömt"),
        ValidationStage.CERTIFIED: ("intygad", "intygat", "certifierad", "certifierat"),
    },
    Visibility: {
        Visibility.PRIVATE: ("privat", "endast jag", "bara jag"),
        Visibility.MANAGER: ("chef", "min chef", "chefen"),
        Visibility.UNIT: ("enhet", "enheten", "min enhet", "arbetslaget"),
        Visibility.ORGANISATION: ("organisation", "organisationen", "alla", "kommunen", "all", "organization"),
    },
    OptIn: {
        OptIn.YES: ("ja",),
        OptIn.NO: ("nej",),
        OptIn.NOT_ASKED: ("ej tillfrågad", "inte tillfrågad", "vet ej", "not asked"),
    },
    InterestKind: {
        InterestKind.USE: ("använda", "vill använda", "arbeta med", "use"),
        InterestKind.LEARN: ("lära mig", "vill lära mig", "lära", "lära sig", "utvecklas i", "learn"),
        InterestKind.TEACH: ("lära ut", "vill lära ut", "handleda", "undervisa", "lära andra", "teach"),
    },
    HistoryKind: {
        HistoryKind.PAIR: ("par", "mentorpar", "mentorskap", "mentor", "mentorship"),
        HistoryKind.MOVE: ("flytt", "rotation", "byte", "placering", "jobbrotation"),
    },
    Choice: {
        Choice.ACCEPTED: ("godkänd", "ja", "antagen", "godkänt", "accepterad", "accept", "yes"),
        Choice.REJECTED: ("avslagen", "nej", "avvisad", "avböjd", "avslaget", "reject", "no"),
        Choice.PINNED: ("låst", "fast", "fastlåst", "pin", "locked"),
        Choice.FORBIDDEN: ("förbjuden", "spärrad", "ej tillåten", "förbjudet", "forbid"),
    },
    Importance: {
        Importance.ESSENTIAL: ("nödvändig", "krav", "ska", "skall", "nödvändigt", "måste", "obligatorisk", "must"),
        Importance.OPTIONAL: ("önskvärd", "meriterande", "bör", "önskvärt", "nice to have", "should"),
    },
    AgeBand: {
        AgeBand.UNDER_30: ("18-29", "18–29", "under 30", "-29"),
        AgeBand.FROM_30: ("30-39", "30–39"),
        AgeBand.FROM_40: ("40-49", "40–49"),
        AgeBand.FROM_50: ("50-59", "50–59"),
        AgeBand.FROM_60: ("60+", "60-", "60 år och äldre", "60–"),
        AgeBand.NOT_STATED: ("ej angivet", "uppgift saknas", "okänd"),
    },
}

_YES = frozenset({"ja", "j", "x", "1", "true", "yes", "y", "sant", "ok"})
_NO = frozenset({"nej", "n", "0", "false", "no", "falskt"})

# Six digits of a date (two or four of them the year), a sign or none, four digits. Days 61-91 are coordination numbers.
_PERSONAL = re.compile(r"(?<![\d.,])((?:18|19|20)?\d{2})(\d{2})(\d{2})([-+–]?)(\d{4})(?![\d])")


@cache
def fold(text: str) -> str:
    """Return ``text`` as headings and words are compared: case, accents, spaces and punctuation away."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    return "".join(c for c in plain if c.isalnum())


def name_key(name: str) -> str:
    """Return a name as names are compared: ``Svensson, Anna`` is ``anna svensson``; accents stay, Åsa is not Asa."""
    if name.count(",") == 1:
        last, first = name.split(",")
        name = f"{first} {last}"
    return " ".join(unicodedata.normalize("NFC", name).casefold().split())


def as_text(cell: Cell, *, lines: bool = False) -> str:
    """Return a cell as trimmed text: 10014.0 as ``10014``, days in ISO form; ``lines`` keeps line breaks."""
    if cell is None:
        return ""
    if isinstance(cell, str):
        plain = unicodedata.normalize("NFC", cell).replace("\u200b", "").replace("\ufeff", "")
        # Excel's ="0012" and a leading apostrophe both mean "this is text"; neither is part of what was written.
        if plain.startswith('="') and plain.endswith('"') and len(plain) > 2:
            plain = plain[2:-1]
        elif len(plain) > 1 and plain[0] == "'" and plain[1] in "=+-@":
            plain = plain[1:]
        plain = "\n".join(" ".join(line.split()) for line in plain.splitlines()) if lines else " ".join(plain.split())
        return plain.strip()
    if isinstance(cell, bool):
        return "ja" if cell else "nej"
    if isinstance(cell, float):
        if not math.isfinite(cell):
            return ""
        return str(int(cell)) if cell.is_integer() and abs(cell) < 1e15 else repr(cell)
    if isinstance(cell, datetime):
        return cell.date().isoformat() if cell.time() == time() else cell.isoformat(sep=" ", timespec="minutes")
    if isinstance(cell, date):
        return cell.isoformat()
    return str(cell)


def is_empty(cell: Cell) -> bool:
    """Say whether a cell holds nothing; a lone dash is how many people write nothing."""
    return cell is None or cell == "" or (isinstance(cell, str) and cell.strip() in ("", "-", "–", "—"))


def is_formula(cell: Cell) -> bool:
    """Say whether a text cell would be run as a formula (``="0012"`` is only a text)."""
    return (
        isinstance(cell, str) and cell[:1] == "=" and not (cell.startswith('="') and cell.endswith('"') and cell.count('"') == 2)
    )


def _luhn(digits: str) -> bool:
    total = 0
    for position, digit in enumerate(digits):
        number = int(digit) * (2 if position % 2 == 0 else 1)
        total += number - 9 if number > 9 else number
    return total % 10 == 0


def _is_personal(match: re.Match[str]) -> bool:
    month, day_ = int(match[2]), int(match[3])
    return 1 <= month <= 12 and (1 <= day_ <= 31 or 61 <= day_ <= 91)


def is_personal_number(cell: Cell) -> bool:
    """Say whether a whole cell has the shape of a Swedish personal identity or coordination number.

    The check digit is not asked for: a mistyped number is as personal as a right one. Only where a spreadsheet has
    eaten the leading zeros of a number (born 2000-2009) does the Luhn check decide.
    """
    text = as_text(cell).replace(" ", "")
    if len(text) < 8:
        return False
    match = _PERSONAL.fullmatch(text)
    if match:
        return _is_personal(match)
    if text.isdecimal() and len(text) in (8, 9):
        padded = text.zfill(10)
        match = _PERSONAL.fullmatch(padded)
        return isinstance(cell, float | int) and match is not None and _is_personal(match) and _luhn(padded)
    return False


def has_personal_number(text: str) -> bool:
    """Say whether a personal identity number stands anywhere in ``text``."""
    return any(_is_personal(m) for m in _PERSONAL.finditer(text))


def mask_personal_numbers(text: str) -> str:
    """Return ``text`` with every personal identity number replaced by :data:`MASK`."""
    return _PERSONAL.sub(lambda m: MASK if _is_personal(m) else m[0], text)


def _is_plain_number(cell: Cell) -> bool:
    """Say whether a faulty value may be shown again: digits and signs, since letters may be a name in the wrong column."""
    text = as_text(cell)
    return not is_personal_number(cell) and not any(c.isalpha() for c in text)


def text_cell(cell: Cell, *, lines: bool = False) -> Parsed[str]:
    """Read a text; personal identity numbers in it are masked and told."""
    text = "" if is_empty(cell) else as_text(cell, lines=lines)
    if any(c.isdigit() for c in text) and has_personal_number(text):
        return Parsed(mask_personal_numbers(text), "personal_id_in_text", ProblemEffect.CHANGED, echo=False)
    return Parsed(text)


def _number(cell: Cell) -> Decimal | None:
    """Read a number with point or comma, thousands spaces and a percent sign dropped; None when it is none."""
    if isinstance(cell, bool) or cell is None:
        return None
    if isinstance(cell, int | float):
        return Decimal(repr(cell)) if math.isfinite(cell) else None
    text = as_text(cell).replace(" ", "").replace("\u2212", "-").replace(",", ".").removesuffix("%")
    try:
        value = Decimal(text)
    except InvalidOperation:
        return None
    return value if value.is_finite() else None


def _built(year: int, month: int, day_: int) -> date | None:
    try:
        return date(year, month, day_)
    except ValueError:
        return None


_ISO = re.compile(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?:[T ].*)?")
_NORDIC = re.compile(r"(\d{1,2})\.(\d{1,2})\.(\d{4})")
_MONTH = re.compile(r"(\d{4})-(\d{1,2})")
_EXCEL_EPOCH = date(1899, 12, 30)


def _some_day(cell: Cell) -> tuple[date | None, bool]:
    """Return the day a cell means and whether only a year or month was written."""
    if isinstance(cell, datetime):
        return cell.date(), False
    if isinstance(cell, date):
        return cell, False
    text = as_text(cell)
    if match := _ISO.fullmatch(text):
        return _built(int(match[1]), int(match[2]), int(match[3])), False
    if match := _NORDIC.fullmatch(text):
        return _built(int(match[3]), int(match[2]), int(match[1])), False
    if match := _MONTH.fullmatch(text):
        return _built(int(match[1]), int(match[2]), 1), True
    if text.isdecimal():
        if len(text) == 8:
            return _built(int(text[:4]), int(text[4:6]), int(text[6:])), False
        if len(text) == 6:
            year = int(text[:2])
            # The POSIX pivot: 69-99 are 1900s. Nobody's employment began before 1969 and still runs.
            return _built(year + (1900 if year >= 69 else 2000), int(text[2:4]), int(text[4:])), False
        if len(text) == 5:
            return _EXCEL_EPOCH + timedelta(days=int(text)), False
        if len(text) == 4:
            return _built(int(text), 1, 1), True
    return None, False


def day(cell: Cell, *, ends: bool = False) -> Parsed[date | None]:
    """Read a day: ISO, yyyymmdd, yymmdd, d.m.yyyy, Excel dates; ``ends`` takes 9999-12-31 for no end."""
    if is_empty(cell):
        return Parsed(None)
    found, partly = _some_day(cell)
    if found is not None and ends and found.year >= _FOREVER:
        return Parsed(None)
    if found is None or not _FIRST_YEAR <= found.year <= _LAST_YEAR:
        return Parsed(None, "date_invalid", echo=_is_plain_number(cell))
    if partly:
        return Parsed(found, "date_incomplete", ProblemEffect.CHANGED)
    return Parsed(found)


def end_day(cell: Cell) -> Parsed[date | None]:
    """Read a last day; far future dates mean that there is none."""
    return day(cell, ends=True)


def birth(cell: Cell) -> Parsed[date | int | None]:
    """Read a birth year (int) or birth date; never echoed. A personal identity number is not taken for one."""
    if is_empty(cell):
        return Parsed(None)
    if isinstance(cell, str) and is_personal_number(cell):
        return Parsed(None, "personal_id_in_text", echo=False)
    text = as_text(cell)
    if text.isdecimal() and len(text) == 4 and _FIRST_YEAR <= int(text) <= _LAST_YEAR:
        return Parsed(int(text))
    found, partly = _some_day(cell)
    if found is None or partly or not _FIRST_YEAR <= found.year <= _LAST_YEAR:
        return Parsed(None, "birth_invalid", echo=False)
    return Parsed(found)


def band_of(age: int) -> AgeBand:
    """Return the band of an age in whole years (18 or over)."""
    for limit, band in ((30, AgeBand.UNDER_30), (40, AgeBand.FROM_30), (50, AgeBand.FROM_40), (60, AgeBand.FROM_50)):
        if age < limit:
            return band
    return AgeBand.FROM_60


def share(cell: Cell) -> Parsed[float | None]:
    """Read a share of full time: ``75``, ``0,75``, ``75 %`` and 0.75 are all 0.75; up to 2 (200 %)."""
    if is_empty(cell):
        return Parsed(None)
    value = _number(cell)
    if value is None or value < 0:
        return Parsed(None, "share_invalid", echo=_is_plain_number(cell))
    percent = isinstance(cell, str) and "%" in cell
    # From 1.5 up a plain number must be percent: 1.2 is a real (too high) share of full time, 15 is 15 %.
    result = float(value / 100 if percent or value > Decimal("1.5") else value)
    return Parsed(result) if result <= _MOST_SHARE else Parsed(None, "share_invalid", echo=_is_plain_number(cell))


def level(cell: Cell) -> Parsed[int | None]:
    """Read a level from 1 to 5; 0 comes back as 0, which the tables take for "nothing to record"."""
    if is_empty(cell):
        return Parsed(None)
    value = _number(cell)
    if value is None or value != value.to_integral_value() or not 0 <= value <= 5:
        return Parsed(None, "level_invalid", echo=_is_plain_number(cell))
    return Parsed(int(value))


def whole(cell: Cell) -> Parsed[int | None]:
    """Read a whole number from 0 up."""
    if is_empty(cell):
        return Parsed(None)
    value = _number(cell)
    if value is None or value != value.to_integral_value() or not 0 <= value < 1_000_000:
        return Parsed(None, "number_invalid", echo=_is_plain_number(cell))
    return Parsed(int(value))


def minutes(cell: Cell) -> Parsed[float | None]:
    """Read minutes: a number from 0 to 1 440."""
    if is_empty(cell):
        return Parsed(None)
    value = _number(cell)
    if value is None or not 0 <= value <= 1440:
        return Parsed(None, "number_invalid", echo=_is_plain_number(cell))
    return Parsed(float(value))


def weight(cell: Cell) -> Parsed[float | None]:
    """Read a weight in (0, 1]."""
    if is_empty(cell):
        return Parsed(None)
    value = _number(cell)
    if value is not None and isinstance(cell, str) and "%" in cell:
        value = value / 100
    if value is None or not 0 < value <= 1:
        return Parsed(None, "weight_invalid", echo=_is_plain_number(cell))
    return Parsed(float(value))


def probability(cell: Cell) -> Parsed[float | None]:
    """Read a probability in [0, 1]."""
    if is_empty(cell):
        return Parsed(None)
    value = _number(cell)
    if value is None or not 0 <= value <= 1:
        return Parsed(None, "number_invalid", echo=_is_plain_number(cell))
    return Parsed(float(value))


def answer(cell: Cell) -> Parsed[bool | None]:
    """Read yes or no; None is no answer."""
    if is_empty(cell):
        return Parsed(None)
    key = fold(as_text(cell))
    if key in _YES:
        return Parsed(True)
    if key in _NO:
        return Parsed(False)
    return Parsed(None, "answer_invalid", echo=False)


def opt_in(cell: Cell) -> Parsed[OptIn]:
    """Read an opt-in: yes, no or not asked."""
    said = answer(cell)
    if said.code:
        found = _lookup(OptIn).get(fold(as_text(cell)))
        return Parsed(OptIn(found)) if found else Parsed(OptIn.NOT_ASKED, "answer_invalid", echo=False)
    return Parsed(OptIn.NOT_ASKED if said.value is None else OptIn.YES if said.value else OptIn.NO)


def protected(cell: Cell) -> Parsed[bool]:
    """Read the protected mark. Whatever is not a plain no protects: an odd word must never expose anybody."""
    return Parsed(not is_empty(cell) and fold(as_text(cell)) not in _NO)


@cache
def _lookup(kind: type[StrEnum]) -> dict[str, StrEnum]:
    found: dict[str, StrEnum] = {}
    for member, words in WORDS[kind].items():
        for text in (member.value, *words):
            found.setdefault(fold(text), member)
    return found


def word(cell: Cell, kind: type[E]) -> Parsed[E | None]:
    """Read one of a set of values by its Swedish or English word."""
    if is_empty(cell):
        return Parsed(None)
    text = as_text(cell)
    member = _lookup(kind).get(fold(text))
    # 60+ and 60- fold to 60: bands are told apart by their digits alone, which is enough.
    if member is None:
        return Parsed(None, "word_invalid", echo=False)
    return Parsed(kind(member))


def sex(cell: Cell) -> Parsed[Sex]:
    """Read the legal sex as the register writes it; what is not understood is not stated, and never guessed."""
    read = word(cell, Sex)
    return Parsed(read.value or Sex.NOT_STATED, "sex_invalid" if read.code else "", echo=False)


def written(member: StrEnum) -> str:
    """Return the Swedish word that files get for a value."""
    return WORDS[type(member)][member][0]


def roles(cell: Cell) -> Parsed[tuple[RoleShare, ...]]:
    """Read one or several titles with their shares, see :func:`competence.staff.parse_roles`."""
    text = text_cell(cell, lines=True)
    return Parsed(parse_roles(text.value), text.code, text.effect, text.echo)
