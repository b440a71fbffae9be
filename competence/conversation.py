"""The conversation: questions that draw out what people do unpaid, unseen or long ago, and their answers as statements.

The guide is data in ``_guides``: what is asked where stands once, the words once per language. A page and a printed form
are made of the same record, so that nobody needs a desk to answer. For each area it asks what the person does, what
others do and what the person does not do; only the first is ever a claim. This module opens no file of the user's and
links nothing: :func:`competence.link_statements` makes evidence of the statements.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from competence._texts import LANGUAGES
from competence.errors import InputError, UnknownIdError
from competence.model import LearntWhere, Source, Statement, Visibility

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Guide", "GuideArea", "Perspective", "Question", "answers_to_statements", "read_guide"]

# A stop before a capital ends a sentence, unless the stop is that of "t.ex." or "kl.".
_SENTENCE_END = re.compile(r"(?<=[.!?…])\s+(?=[\"”»'(]?[A-ZÅÄÖÉ])")
_ABBREVIATED = re.compile(r"(?:^|[\s(])(?:\w\.(?:\w\.)?\w{1,2}|kl|ca|nr|resp|[Mm]rs?|[Dd]r|[Ss]t)\.$")
_BULLET = re.compile(r"^\s*(?:[-–—•*·]|\d{1,2}[.)])\s+")
_LINES = {"own": 4, "others": 2, "not_own": 2}
"""Lines to write on in a printed form, by perspective."""


class Perspective(StrEnum):
    """Whose doing a question asks about; only ``own`` is a claim of the person who answers."""

    OWN = "own"
    OTHERS = "others"
    NOT_OWN = "not_own"


@dataclass(frozen=True, slots=True, kw_only=True)
class GuideArea:
    """A part of life that is asked about; ``learnt_where`` is what statements from it say."""

    area_id: str
    learnt_where: LearntWhere
    title: str
    intro: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {"area_id": self.area_id, "learnt_where": self.learnt_where.value, "title": self.title, "intro": self.intro}


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One question, in one language.

    Parameters
    ----------
    question_id, area_id : str
        The same in every language.
    perspective : Perspective
        What I do, what others do, or what I do not do.
    text, help : str
        The question, and what helps to answer it.
    examples : tuple of str
        How somebody may answer.
    order : int
        Place in the guide, from 1.
    short : bool
        Whether it is in the form of ten minutes.
    minutes : float
        About how long it takes to answer by speaking.
    """

    question_id: str
    area_id: str
    perspective: Perspective
    text: str
    help: str = ""
    examples: tuple[str, ...] = ()
    order: int = 1
    short: bool = False
    minutes: float = 1.0

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {
            "question_id": self.question_id,
            "area_id": self.area_id,
            "perspective": self.perspective.value,
            "text": self.text,
            "help": self.help,
            "examples": list(self.examples),
            "order": self.order,
            "short": self.short,
            "minutes": self.minutes,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Guide:
    """A question guide in one language: areas and questions in the order they are asked.

    Parameters
    ----------
    guide_id, version, lang : str
        Which guide it is; answers are kept with all three.
    title, intro, outro : str
        What stands above and below the questions.
    areas : tuple of GuideArea
    questions : tuple of Question
    words : Mapping of str to str
        What a form says beside them: ``example``, ``answer``, ``minutes``, ``name``, ``date``, ``short_title``.
    nothing : tuple of str
        Answers that say nothing of what somebody can do, such as "nej".

    Examples
    --------
    >>> guide = read_guide("en")
    >>> guide.question("work-day").text
    'Think of an ordinary day at work. What do you do?'
    >>> sum(q.minutes for q in guide.short_form()) <= 10
    True
    """

    guide_id: str
    version: str
    lang: str
    title: str
    intro: str = ""
    outro: str = ""
    areas: tuple[GuideArea, ...] = ()
    questions: tuple[Question, ...] = ()
    words: Mapping[str, str] = field(default_factory=dict)
    nothing: tuple[str, ...] = ()

    def __iter__(self) -> Iterator[Question]:
        return iter(self.questions)

    def __len__(self) -> int:
        return len(self.questions)

    @property
    def minutes(self) -> float:
        """About how long it takes to answer everything by speaking."""
        return sum(q.minutes for q in self.questions)

    def question(self, question_id: str) -> Question:
        """Return the question with this id.

        Raises
        ------
        UnknownIdError
            If there is none; the message offers the nearest.
        """
        for question in self.questions:
            if question.question_id == question_id:
                return question
        from rapidfuzz import process

        near = [name for name, _, _ in process.extract(question_id, [q.question_id for q in self.questions], limit=3)]
        raise UnknownIdError(f"no question {question_id!r} in the guide {self.guide_id!r}; nearest: {', '.join(near)}")

    def area(self, area_id: str) -> GuideArea:
        """Return the area with this id.

        Raises
        ------
        UnknownIdError
            If there is none; the message lists those there are.
        """
        for area in self.areas:
            if area.area_id == area_id:
                return area
        raise UnknownIdError(f"no area {area_id!r} in the guide; there are: {', '.join(a.area_id for a in self.areas)}")

    def short_form(self) -> Guide:
        """Return the guide with the questions of the ten-minute form alone; ids and order stay."""
        kept = tuple(q for q in self.questions if q.short)
        used = {q.area_id for q in kept}
        areas = tuple(a for a in self.areas if a.area_id in used)
        return replace(self, title=self.words.get("short_title", self.title), areas=areas, questions=kept)

    def to_form(self) -> str:
        """Return the guide as a form to print and write on, in Markdown without any HTML.

        Each question has its number, help, example answers and lines to write on (``___``, a rule in Markdown, which is
        a line when read as it stands). The same questions, in the same words, as a page shows.
        """
        parts = [f"# {self.title}", *_paragraphs(self.intro), self.words["minutes"].format(minutes=round(self.minutes))]
        parts += [f"**{self.words[k]}**\n\n___" for k in ("name", "date")]
        number = 0
        for area in self.areas:
            parts += [f"## {area.title}", *_paragraphs(area.intro)]
            for question in (q for q in self.questions if q.area_id == area.area_id):
                number += 1
                parts.append(f"### {number}. {question.text}")
                parts += _paragraphs(question.help)
                if question.examples:
                    parts.append("\n".join([f"*{self.words['example']}*", "", *(f"- {e}" for e in question.examples)]))
                parts.append(f"**{self.words['answer']}**")
                parts += ["___"] * _LINES[question.perspective.value]
        parts += _paragraphs(self.outro)
        return "\n\n".join(parts) + "\n"

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values, as a page or another program takes them."""
        return {
            "guide_id": self.guide_id,
            "version": self.version,
            "lang": self.lang,
            "title": self.title,
            "intro": self.intro,
            "outro": self.outro,
            "minutes": self.minutes,
            "areas": [a.to_dict() for a in self.areas],
            "questions": [q.to_dict() for q in self.questions],
        }

    def to_frame(self) -> pd.DataFrame:
        """Return one row per question."""
        import pandas as pd

        columns = ["question_id", "area_id", "perspective", "text", "help", "examples", "order", "short", "minutes"]
        return pd.DataFrame([{**q.to_dict(), "examples": "; ".join(q.examples)} for q in self.questions], columns=columns)


@cache
def read_guide(lang: str = "sv") -> Guide:
    """Return the question guide in a language.

    Parameters
    ----------
    lang : str
        ``sv`` or ``en``; both have the same questions under the same ids.

    Raises
    ------
    InputError
        If the guide is not written in the language.

    Examples
    --------
    >>> read_guide("sv").area("home").title
    'Hemma och för dina nära'
    """
    if lang not in LANGUAGES:
        raise InputError(f"lang must be one of {', '.join(LANGUAGES)}; got {lang!r}")
    folder = files("competence") / "_guides"
    bones = tomllib.loads((folder / "guide.toml").read_text(encoding="utf-8"))
    words = tomllib.loads((folder / f"{lang}.toml").read_text(encoding="utf-8"))
    areas = tuple(
        GuideArea(area_id=a["id"], learnt_where=LearntWhere(a["learnt_where"]), **words["area"][a["id"]]) for a in bones["area"]
    )
    questions = []
    for order, bone in enumerate(bones["question"], start=1):
        said = words["question"][bone["id"]]
        questions.append(
            Question(
                question_id=bone["id"],
                area_id=bone["area"],
                perspective=Perspective(bone["perspective"]),
                text=said["text"],
                help=said["help"],
                examples=tuple(said["examples"]),
                order=order,
                short=bone.get("short", False),
                minutes=bone["minutes"],
            )
        )
    return Guide(
        guide_id=bones["id"],
        version=bones["version"],
        lang=lang,
        title=words["title"],
        intro=words["intro"].strip(),
        outro=words["outro"].strip(),
        areas=areas,
        questions=tuple(questions),
        words={k: words[k] for k in ("example", "answer", "minutes", "name", "date", "short_title")},
        nothing=tuple(words["nothing"]),
    )


def answers_to_statements(
    guide: Guide, person_id: str, answers: Mapping[str, str | Sequence[str]], *, day: date
) -> tuple[Statement, ...]:
    """Turn answers into statements in the person's own words.

    Parameters
    ----------
    guide : Guide
        The one that was answered; its language becomes that of the statements.
    person_id : str
        Who answered.
    answers : Mapping of str to str, or to several
        By question id. Blank ones are skipped.
    day : date
        When they were given.

    Returns
    -------
    tuple of Statement
        In the order of the guide; one per line and sentence, so that each piece of evidence quotes a few words. They are
        private, from the person, and learnt where the area says. Ids are made of person, guide, day, question and place,
        so that the same answers give the same statements.

    Raises
    ------
    UnknownIdError
        If an answer is to no question of the guide.
    InputError
        If there is no person_id, day is not a date, or an answer is not text.

    Notes
    -----
    What others do, and what the person does not do, is never a claim: such answers give no statement, and nothing is
    stored of them here. A bare "no" gives none either. The words are not changed but for blanks and bullets.

    Examples
    --------
    >>> said = {"home-run": "Jag syr om kläder. Jag lagar cyklar", "home-not": "Jag rör inte elen."}
    >>> for s in answers_to_statements(read_guide("sv"), "10014", said, day=date(2026, 6, 30)):
    ...     print(s.text, s.learnt_where.value, s.visibility.value)
    Jag syr om kläder. home private
    Jag lagar cyklar home private
    """
    if not person_id:
        raise InputError("person_id must say who answered; got an empty one")
    if not isinstance(day, date):
        raise InputError(f"day must be a date, such as date(2026, 6, 30); got {day!r}")
    texts: dict[str, tuple[str, ...]] = {}
    for question_id, answer in answers.items():
        guide.question(question_id)
        texts[question_id] = _texts_of(question_id, answer)
    made = []
    for question in guide:
        if question.perspective is not Perspective.OWN:
            continue
        said = [part for text in texts.get(question.question_id, ()) for part in _said(text, guide.nothing)]
        for place, words in enumerate(dict.fromkeys(said), start=1):
            made.append(
                Statement(
                    statement_id=f"{person_id}:{guide.guide_id}:{day.isoformat()}:{question.question_id}:{place}",
                    person_id=person_id,
                    text=words,
                    lang=guide.lang,
                    learnt_where=guide.area(question.area_id).learnt_where,
                    day=day,
                    source=Source.SELF,
                    visibility=Visibility.PRIVATE,
                )
            )
    return tuple(made)


def _texts_of(question_id: str, answer: object) -> tuple[str, ...]:
    """Return an answer as texts; a form of the web may send anything."""
    several = (answer,) if isinstance(answer, str) or not isinstance(answer, Sequence) else tuple(answer)
    texts = tuple(text for text in several if isinstance(text, str))
    if len(texts) < len(several):
        raise InputError(f"the answer to {question_id!r} must be text, or several texts; got {answer!r}")
    return texts


def _said(text: str, nothing: Sequence[str]) -> Iterator[str]:
    """Yield the lines and sentences of an answer that say something."""
    for line in text.splitlines():
        for sentence in _sentences(_BULLET.sub("", line)):
            words = " ".join(sentence.split())
            bare = words.strip(" .,!?-–—…").casefold()
            if any(c.isalpha() for c in bare) and bare not in nothing:
                yield words


def _sentences(line: str) -> list[str]:
    """Return the sentences of a line, each with its own stop."""
    found: list[str] = []
    for part in _SENTENCE_END.split(line.strip()):
        if found and _ABBREVIATED.search(found[-1]):
            found[-1] = f"{found[-1]} {part}"
        else:
            found.append(part)
    return found


def _paragraphs(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.strip()]
