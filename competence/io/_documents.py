"""What a CV or another text of one's own tells: paragraphs in reading order, and from them statements of one person.

``_paragraphs`` opens the file. This module decides what is kept, before anything leaves it: personal identity numbers,
contact details and the name at the top are not; nor is what others say of (references), nor what must not be held
(REQ-DP-3, by the same words as headings of tables). Headings tell where the rest was learnt. No taxonomy is needed.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from enum import StrEnum
from itertools import groupby
from pathlib import Path
from typing import BinaryIO

from competence.errors import InputError, Problem, ProblemEffect, Problems
from competence.io._files import unreadable
from competence.io._headings import is_forbidden
from competence.io._paragraphs import (
    MOST_CHARACTERS,
    MOST_FILE_BYTES,
    BlockKind,
    Opened,
    Paragraph,
    open_document,
    open_text,
    refused,
)
from competence.io._reading import content_id
from competence.io._values import MASK, fold, is_personal_number, mask_personal_numbers
from competence.model import LearntWhere, Source, Statement, Visibility

__all__ = ["Block", "Document", "read_document"]

_PASTED = "text"
"""What pasted text is called where a file has its name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """One paragraph, bullet, heading or table row of a document, in its own words.

    ``page`` is None where the format has no pages. ``section`` is the heading it stands under, as written, and
    ``learnt_where`` what that heading tells. ``lang`` is ``sv`` or ``en``, a guess from its commonest words.
    """

    text: str
    kind: BlockKind = BlockKind.PARAGRAPH
    page: int | None = None
    section: str = ""
    learnt_where: LearntWhere | None = None
    lang: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """What was read of one document, in reading order; made by :func:`read_document`.

    ``format`` is docx, odt, pdf or text; ``pages`` None where it has none. ``problems`` says by number, never by words,
    what was left out.
    """

    name: str
    format: str
    blocks: tuple[Block, ...] = field(default=(), repr=False)
    pages: int | None = None
    problems: Problems = field(default_factory=Problems)

    @property
    def passages(self) -> tuple[Block, ...]:
        """The blocks that say something: no headings, no lines of dates; long ones in groups of whole sentences."""
        return tuple(
            replace(block, text=text)
            for block in self.blocks
            if block.kind is not BlockKind.HEADING and _says_something(block.text)
            for text in _groups(block.text)
        )

    def to_statements(
        self, person_id: str, *, as_of: date | None = None, visibility: Visibility = Visibility.PRIVATE
    ) -> tuple[Statement, ...]:
        r"""Return what the document says as statements of one person.

        Parameters
        ----------
        person_id : str
            Whose document it is.
        as_of : date, optional
            The day of the statements; None leaves them without.
        visibility : Visibility
            Who may see them; ``private`` until the person chooses otherwise.

        Returns
        -------
        tuple of Statement
            One per passage, each text once. Equal input gives equal ids.

        Raises
        ------
        InputError
            If ``person_id`` is empty or a personal identity number.

        Examples
        --------
        >>> document = read_document(text="Utbildning\n\nKurs i demensvård, fem dagar")
        >>> [(s.text, s.learnt_where.value, s.lang) for s in document.to_statements("7")]
        [('Kurs i demensvård, fem dagar', 'education', 'sv')]
        """
        if not person_id or is_personal_number(person_id):
            raise InputError("person_id must be the employer's own key, never a personal identity number or nothing")
        found: dict[str, Statement] = {}
        for said in self.passages:
            where, source = said.learnt_where, Source.SELF
            key = content_id("s", person_id, said.text, said.lang, where, as_of, source, None, visibility)
            found[key] = Statement(
                statement_id=key,
                person_id=person_id,
                text=said.text,
                lang=said.lang,
                learnt_where=where,
                day=as_of,
                source=source,
                visibility=visibility,
            )
        return tuple(found.values())


def read_document(source: str | Path | bytes | BinaryIO | None = None, *, name: str = "", text: str | None = None) -> Document:
    r"""Read what a person has written about themselves: a file such as a CV, or pasted text.

    The words stand as written. Lines that a PDF or a mail program broke are joined again, and so are words it
    hyphenated; bullets and rows of tables stay apart. Left out, and counted in ``problems``: personal identity numbers,
    contact details and the name at the top, references, and what must not be held (health, union, faith, origin, pay,
    absence, family). Nothing in a file is executed or fetched.

    Parameters
    ----------
    source : str, Path, bytes or binary stream, optional
        A path, or what the file holds: docx, odt, PDF or text.
    name : str
        The file's name where the source has none; its ending must fit the content.
    text : str, optional
        Pasted text in place of a file.

    Returns
    -------
    Document

    Raises
    ------
    UnreadableFileError
        In one line, with what to do: if the file is missing, empty, damaged, locked, of another kind than its name says,
        carries macros or packed files, holds only pictures, or is larger than 20 MB, 200 pages or 500 000 characters.
    MissingExtraError
        If it is a PDF and the extra ``documents`` is not installed.
    InputError
        If there is neither a source nor a text, or both.

    Notes
    -----
    Cost is linear in the document; 200 pages of PDF take some seconds. In docx and odt pages are made by whoever shows
    the file, so ``page`` is None there.

    Examples
    --------
    >>> document = read_document(text="Eva Lind\neva.lind@example.org\n\n- Talar finska\n- Lugnar oroliga anhöriga")
    >>> [passage.text for passage in document.passages]
    ['Talar finska', 'Lugnar oroliga anhöriga']
    >>> document.problems.by_code()
    {'document_contact': 2}
    """
    if (source is None) == (text is None):
        raise InputError("read_document takes either a source or a text; got " + ("neither" if text is None else "both"))
    if text is not None:
        label = name or _PASTED
        if not text.strip():
            raise unreadable(label, "empty")
        if len(text) > 2 * MOST_CHARACTERS:
            raise refused(label, "too_long")
        return _document(label, open_text(label, text))
    label, data = _bytes_of(source, name)
    return _document(label, open_document(label, data))


def _bytes_of(source: object, name: str) -> tuple[str, bytes]:
    """Return the name and content of a source; of what is too large no more than shows that it is."""
    if isinstance(source, str | Path):
        path = Path(source)
        label = name or path.name
        try:
            with path.open("rb") as stream:
                return label, stream.read(MOST_FILE_BYTES + 1)
        except FileNotFoundError:
            raise unreadable(label, "missing") from None
        except OSError:
            raise unreadable(label, "no_access") from None
    if isinstance(source, bytes | bytearray | memoryview):
        return name or "document", bytes(source)
    if hasattr(source, "read"):
        given = getattr(source, "name", "")
        label = name or (Path(given).name if isinstance(given, str) else "") or "document"
        data = source.read(MOST_FILE_BYTES + 1)
        if isinstance(data, bytes):
            return label, data
    raise InputError(f"source must be a path, bytes or a binary stream; got {type(source).__name__}")


# What headings tell


class _Left(StrEnum):
    """Why a section is left out."""

    CONTACT = "contact"
    OTHERS = "others"
    FORBIDDEN = "forbidden"


_Meaning = LearntWhere | _Left | None

_SECTIONS: dict[str, _Meaning] = {
    fold(title): meaning
    for meaning, titles in (
        (
            LearntWhere.WORK,
            """arbetslivserfarenhet; yrkeserfarenhet; arbetserfarenhet; erfarenhet; erfarenheter; anställningar; anställning;
            tidigare anställningar; nuvarande anställning; tidigare arbeten; arbete; arbetsliv; yrkesliv; yrkesbakgrund; praktik;
            work experience; experience; employment; employment history; professional experience; work history; work; career;
            internships""",
        ),
        (
            LearntWhere.EDUCATION,
            """utbildning; utbildningar; studier; skola; skolgång; kurser; kurs; fortbildning; vidareutbildning; examina;
            kompetensutveckling; education; studies; training; courses; academic background""",
        ),
        (
            LearntWhere.ASSOCIATION,
            """föreningsliv; föreningar; föreningsuppdrag; ideella uppdrag; ideellt arbete; ideellt engagemang;
            engagemang; förtroendeuppdrag; volontärarbete; volunteering; volunteer work; voluntary work;
            volunteer experience; associations""",
        ),
        (
            LearntWhere.OWN_PROJECT,
            """egna projekt; eget företag; fritid; fritidsintressen; intressen; hobby; hobbyer; interests; hobbies; leisure;
            own projects; personal projects; side projects""",
        ),
        (
            LearntWhere.OTHER_COUNTRY,
            """utlandserfarenhet; utomlands; arbete utomlands; erfarenhet från andra länder; international experience; abroad;
            experience abroad; work experience abroad; work abroad""",
        ),
        (LearntWhere.HOME, "hemma; hem och familj; anhörigomsorg; omsorg hemma; at home; caring at home"),
        (
            None,
            """profil; profile; sammanfattning; summary; om mig; about me; about; presentation; egenskaper; övrigt; other;
            personliga egenskaper; styrkor; strengths; meriter; övriga meriter; merits; kompetenser; kompetens; färdigheter;
            kunskaper; nyckelkompetenser; skills; key skills; språk; språkkunskaper; languages; language skills; it; data;
            it-kunskaper; datakunskaper; it-kompetens; computer skills; it skills; certifikat; intyg; certificates; behörigheter;
            certifications; licences; licenses; körkort; driving licence; curriculum vitae; cv; meritförteckning; resume;
            personligt brev; publikationer; publications; objective; mål; det här kan jag; vad jag kan; what i can do""",
        ),
        (_Left.OTHERS, "referenser; referens; references; referees"),
        (
            _Left.CONTACT,
            """kontakt; kontaktuppgifter; kontaktinformation; personuppgifter; contact; contact details; personal details;
            contact information; personal information""",
        ),
    )
    for title in titles.split(";")
}
_STEMS = (
    (re.compile("utomlands|utland|abroad|andra länder|annat land", re.IGNORECASE), LearntWhere.OTHER_COUNTRY),
    (re.compile("utbildning|kurser|education|courses", re.IGNORECASE), LearntWhere.EDUCATION),
    (re.compile("förening|ideell|volont|volunt", re.IGNORECASE), LearntWhere.ASSOCIATION),
    (re.compile("anställning|yrkes|arbets|employment|experience", re.IGNORECASE), LearntWhere.WORK),
)
"""What a heading that is laid out as one tells, where it is not one of the usual."""
_AND = re.compile(r"\s+(?:och|and|samt)\s+|\s*[&/,+]\s*")
_MOST_TITLE_WORDS = 6
_YEAR = re.compile(r"(?<!\d)(?:19|20)\d{2}(?!\d)")
_ON_REQUEST = re.compile(r"^refere(?:nser|nces)\b.*\b(?:begäran|request)\b", re.IGNORECASE)


def _section(text: str) -> tuple[bool, _Meaning]:
    """Say whether a line is one of the usual headings, and what it tells."""
    plain = text.strip(" :–—-•").strip()
    if not plain or len(plain.split()) > _MOST_TITLE_WORDS:
        return False, None
    if fold(plain) in _SECTIONS:
        return True, _SECTIONS[fold(plain)]
    parts = [fold(part) for part in _AND.split(plain)]
    if len(parts) > 1 and all(part in _SECTIONS for part in parts):
        meanings = [_SECTIONS[part] for part in parts]
        return True, next((m for m in meanings if m is not None), None)
    return False, None


_COLUMN_TITLES = frozenset(
    map(
        fold,
        """språk nivå år tid period kurs arbetsgivare befattning titel plats ort skola lärosäte kompetens kommentar från till
        language level year period course employer position title place school skill comment from to""".split(),
    )
)


_TASKS = frozenset(map(fold, "resultat potential score rehab rehabilitering medicin prestation".split()))
"""Columns of such names in a table rate somebody or tell of their health; over a text they name what was done."""


def _must_not_be_held(title: str) -> bool:
    return fold(title) not in _TASKS and is_forbidden(title)


def _is_column_titles(words: Sequence[str]) -> bool:
    return len(words) > 1 and all(fold(word) in _COLUMN_TITLES for word in words)


# What is not kept

_EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_ADDRESS_OF_PAGE = re.compile(r"(?:https?://|www\.)\S+|\b(?:linkedin|facebook|instagram|github)\.com/\S+", re.IGNORECASE)
_PHONE = re.compile(
    r"(?<![\w-])(?:(?:\+|00)[1-9][\d\s()/–-]{6,17}\d|0\d{1,3}\s?[-–/]\s?\d[\d\s]{3,10}\d|07\d[\d\s-]{7,9}|0\d{1,2}(?:\s\d{2,3}){2,4})"
    r"(?!\d)"
)
_POSTAL = re.compile(r"(?<![\w-])(?:SE?-?\s?)?\d{3}\s?\d{2}\s+[A-ZÅÄÖ][\w-]+(?:\s[A-ZÅÄÖ][\w-]+)?")
_STREET = re.compile(
    r"\b[A-ZÅÄÖ][\w-]*(?:gatan|vägen|gränd|gränden|torget|stigen|backen|allén|gata|väg)\s+\d+\s?[A-Za-z]?\b"
    r"|\b\d+[A-Za-z]?\s+(?:[A-Z]\w+\s){1,3}(?:Street|Road|Avenue|Lane)\b"
)
_SPACED_NUMBER = re.compile(r"(?<![\d.,])((?:18|19|20)?\d{6})\s?[-–+]?\s?(\d{4})(?!\d)")
_DASHED_NUMBER = re.compile(r"(?<![\d.,])((?:18|19|20)\d{2})[-/.](\d{2})[-/.](\d{2})\s?[-–+ ]\s?(\d{4})(?!\d)")
_CONTACT_LABELS = frozenset(
    map(
        fold,
        """
        adress;hemadress;postadress;bostadsort;bostad;ort;telefon;tel;tfn;mobil;mobiltelefon;mobilnummer;telefonnummer;e-post;mail;
        e-postadress;e-mail;mejl;personnummer;pnr;född;födelsedatum;födelseår;födelseort;ålder;namn;förnamn;efternamn;linkedin;
        hemsida;webbplats;address;phone;telephone;mobile;cell;name;first name;last name;born;date of birth;age;website;skype;
        samordningsnummer;personal identity number;
        """.strip()
        .replace("\n", "")
        .split(";"),
    )
) - {""}
_BORN = re.compile(r"^(?:född|born)\b.{0,40}\d{2,4}", re.IGNORECASE)
_LABELLED = re.compile(r"^([^:|.]{2,40})(?::|\s\|)\s*\S")
_FEW_WORDS = 4
"""What is left of a line of contact details: a name, a town. A sentence with an address in it is kept without it."""

_OF_ONESELF = re.compile(
    r"""\b(?:föräldraledig|mammaledig|pappaledig|tjänstledig|sjukskriven|långtidssjukskriven|sjukpensionär|fackombud|
    (?:maternity|paternity|parental|sick)\sleave|on\sleave|fackligt?\s(?:ombud|förtroendevald|förtroendeman|uppdrag)|
    (?:medlem|aktiv)\si\s(?:facket|kommunal|vision|vårdförbundet|akademikerförbundet|lärarförbundet|sveriges\slärare|unionen)|
    (?:trade\s)?union\s(?:representative|member|official))\b""",
    re.IGNORECASE | re.VERBOSE,
)
"""What somebody tells of their own absence or union. Words that also name a task (rehabilitering, diagnos, fackliga
förhandlingar) are not here: they are competences of those who work with them."""

_TITLE_OF_CV = re.compile(r"^(?:curriculum vitae|cv|meritförteckning|resume)\W+", re.IGNORECASE)
_OF_A_NAME = re.compile(r"[^\W\d_][^\W\d_'’.-]*(?:['’.-][^\W\d_]*)*")
_BESIDE_A_NAME = frozenset({"cv", "sida", "sid", "page", "av", "of", "curriculum", "vitae", "meritförteckning", "resume"})
_SMALLER = 0.3
"""Points of size, or less than one level, by which a heading stands below another."""
_NEAR_THE_TOP = 8
"""Paragraphs within which a name stands above contact details."""


@dataclass(slots=True)
class _Tally:
    """What was left out, by number."""

    contact: int = 0
    numbers: int = 0
    masked: int = 0
    others: int = 0
    forbidden: Counter[str] = field(default_factory=Counter)
    told_of: int = 0

    def problems(self, name: str) -> Iterator[Problem]:
        aside = ProblemEffect.SET_ASIDE
        for code, count, effect in (
            ("personal_id_in_text", self.numbers, ProblemEffect.CHANGED),
            ("document_contact", self.contact, aside),
            ("document_masked", self.masked, ProblemEffect.CHANGED),
            ("document_others", self.others, aside),
            ("document_forbidden_text", self.told_of, aside),
        ):
            if count:
                yield Problem(code=code, file=name, table=name, count=count, effect=effect)
        for heading, count in self.forbidden.items():
            yield Problem(code="document_forbidden", file=name, table=name, column=heading, count=count, effect=aside)


def _without_numbers(text: str) -> tuple[str, int]:
    """Mask personal identity numbers, also those written with spaces or a whole date; say how many."""

    def mask(match: re.Match[str]) -> str:
        return MASK if is_personal_number("".join(match.groups())) else match[0]

    if not any(c.isdigit() for c in text):
        return text, 0
    before = text.count(MASK)
    for pattern in (_DASHED_NUMBER, _SPACED_NUMBER):
        text = pattern.sub(mask, text)
    text = mask_personal_numbers(text)
    return text, text.count(MASK) - before


def _without_contact(text: str) -> tuple[str, int]:
    """Mask addresses and numbers to reach somebody at; say how many."""
    count = 0
    for pattern in (_EMAIL, _ADDRESS_OF_PAGE, _PHONE, _STREET, _POSTAL):
        text, n = pattern.subn(MASK, text)
        count += n
    return text, count


def _label(text: str) -> str:
    """Return what stands before a colon, or in the first cell of a row."""
    met = _LABELLED.match(text)
    return met[1].strip() if met else ""


def _words_left(text: str) -> int:
    return sum(fold(word) not in _CONTACT_LABELS and fold(word) not in {"post"} for word in re.findall(r"[^\W\d_]{2,}", text))


def _is_name(text: str) -> bool:
    """Say whether a line could be somebody's name: two to four words with capitals and nothing else."""
    words = text.split()
    return 2 <= len(words) <= 4 and all(word[0].isupper() and _OF_A_NAME.fullmatch(word) for word in words)


class _Sifting:
    """One document, paragraph by paragraph: which section it is in, what is kept of it, what is counted."""

    def __init__(self, paragraphs: Sequence[Paragraph]) -> None:
        self.paragraphs = paragraphs
        self.tally = _Tally()
        self.section = ""
        self.where: LearntWhere | None = None
        self.left: _Left | None = None
        self.rank = float("inf")
        self.name = self._name()

    def blocks(self) -> Iterator[Block]:
        for paragraph in self.paragraphs:
            block = self._block(paragraph)
            if block is not None:
                yield block

    def _name(self) -> str:
        """Return the name that stands above contact details, or as the title of a CV, if any."""
        top = [p for p in self.paragraphs[:_NEAR_THE_TOP] if p.kind is not BlockKind.ROW]
        contact = any(_without_contact(p.text)[1] or _without_numbers(p.text)[1] for p in top)
        for place, paragraph in enumerate(top[:3]):
            bare = _TITLE_OF_CV.sub("", paragraph.text)
            titled = place == 0 and (paragraph.kind is BlockKind.HEADING or bare != paragraph.text)
            if (contact or titled) and _is_name(bare) and not _section(paragraph.text)[0]:
                return bare
        return ""

    def _block(self, paragraph: Paragraph) -> Block | None:
        text = paragraph.text
        if _is_column_titles(paragraph.cells or text.split()):
            return None
        if self.name and self._is_only_the_name(text):
            self.tally.contact += 1
            return None
        heading = self._heading(paragraph)
        if heading is not None:
            return heading if self.left is None else None
        if paragraph.kind is BlockKind.ROW:
            known, meaning = _section(paragraph.cells[0])
            if known:
                # A table with headings in its first column.
                self._enter(paragraph.cells[0], meaning, self.rank)
                text = " | ".join(paragraph.cells[1:])
        if self._left_out(text, paragraph.cells):
            return None
        text = self._kept(text)
        if not text:
            return None
        known, meaning = _section(_label(text))
        where = meaning if known and isinstance(meaning, LearntWhere) else self.where
        kind = BlockKind.PARAGRAPH if paragraph.kind is BlockKind.HEADING else paragraph.kind
        return Block(text=text, kind=kind, page=paragraph.page, section=self.section, learnt_where=where)

    def _is_only_the_name(self, text: str) -> bool:
        """Say whether a line is the name again, perhaps with a page number, as at the head of a second page."""
        before, met, after = text.casefold().partition(self.name.casefold())
        return bool(met) and set(re.findall(r"[^\W\d_]+", f"{before} {after}")) <= _BESIDE_A_NAME

    def _heading(self, paragraph: Paragraph) -> Block | None:
        """Enter a section where the paragraph is a heading; None where it says something itself."""
        text, marked = paragraph.text, paragraph.kind is BlockKind.HEADING
        if not marked and paragraph.kind is not BlockKind.PARAGRAPH:
            return None
        known, meaning = _section(text)
        if not known:
            short = len(text.split()) <= _MOST_TITLE_WORDS and (text.endswith(":") or text.isupper())
            if _must_not_be_held(text.strip(" :")) and (marked or short):
                meaning = _Left.FORBIDDEN
            elif not marked or _YEAR.search(text) or self._is_entry(paragraph):
                return None
            else:
                meaning = next((where for stem, where in _STEMS if stem.search(text)), None)
        self._enter(text, meaning, paragraph.rank if marked else self.rank)
        shown, n = _without_numbers(text)
        self.tally.numbers += n
        return Block(text=shown, kind=BlockKind.HEADING, page=paragraph.page, section=self.section, learnt_where=self.where)

    def _is_entry(self, paragraph: Paragraph) -> bool:
        """Say whether a smaller heading is an entry (an employer, a school) under one for work or education."""
        return paragraph.rank > self.rank + _SMALLER and (self.where is not None or self.left is not None)

    def _enter(self, title: str, meaning: _Meaning, rank: float) -> None:
        self.section, self.rank = title.strip(" :"), rank
        self.where = meaning if isinstance(meaning, LearntWhere) else None
        self.left = meaning if isinstance(meaning, _Left) else None

    def _left_out(self, text: str, cells: Sequence[str]) -> bool:
        """Count a paragraph that is not kept as a whole."""
        if self.left is _Left.CONTACT and len(text) > 60:
            # Nobody's address; what follows stands under no heading of its own.
            self.left = None
        label = cells[0] if len(cells) > 1 else _label(text)
        if self.left is _Left.OTHERS or _ON_REQUEST.search(text):
            self.tally.others += 1
        elif self.left is _Left.FORBIDDEN:
            self.tally.forbidden[self.section] += 1
        elif label and _must_not_be_held(label):
            self.tally.forbidden[label] += 1
        elif self.left is _Left.CONTACT or fold(label) in _CONTACT_LABELS or _BORN.match(text):
            self.tally.numbers += _without_numbers(text)[1]
            self.tally.contact += 1
        else:
            return False
        return True

    def _kept(self, text: str) -> str:
        """Return what is kept of a paragraph; nothing, if it was contact details."""
        text, numbers = _without_numbers(text)
        bare, masked = _without_contact(text)
        self.tally.numbers += numbers
        if (numbers or masked) and _words_left(bare) <= _FEW_WORDS:
            self.tally.contact += 1
            return ""
        self.tally.masked += masked
        if _OF_ONESELF.search(bare):
            sentences = _sentences(bare)
            kept = [sentence for sentence in sentences if not _OF_ONESELF.search(sentence)]
            self.tally.told_of += len(sentences) - len(kept)
            bare = " ".join(kept)
        return bare


def _document(name: str, opened: Opened) -> Document:
    sifting = _Sifting(opened.paragraphs)
    return Document(
        name=name,
        format=opened.format,
        blocks=tuple(_with_languages(list(sifting.blocks()))),
        pages=opened.pages,
        problems=Problems((*opened.problems, *sifting.tally.problems(name))),
    )


def _with_languages(blocks: Sequence[Block]) -> Iterator[Block]:
    """Guess each block's language; where its words do not tell, its section's holds, else that of the section before."""
    usual = _language(" ".join(block.text for block in blocks), "")
    for _, group in groupby(blocks, key=lambda block: block.section):
        section = list(group)
        usual = _language(" ".join(block.text for block in section), usual)
        for block in section:
            yield replace(block, lang=_language(block.text, usual))


# Passages

_LONGEST = 280
"""Characters of a passage: about two lines of a printed page, so that the words quoted stand near what they tell of."""
_LONGEST_SENTENCE = 600
_ENDED = re.compile(r"[.!?…][\"”»)]?$")
_BETWEEN = re.compile(r"(?<=[.!?…])\s+(?=[\"”«(\[]?[^\W\d_a-zåäöéü])")
_LAST_WORD = 12
_SHORTENED = re.compile(
    r"(?:\b\w\.\w\.|\b\w\.|\b(?:bl|ca|dr|e|etc|ev|fil|forts|inkl|jur|leg|mag|max|med|min|nr|resp|s|st|tekn|tel|t|år)\.)$"
)


def _sentences(text: str) -> list[str]:
    found: list[str] = []
    for piece in _BETWEEN.split(text):
        if found and _SHORTENED.search(found[-1][-_LAST_WORD:]):
            found[-1] += " " + piece
        else:
            found.append(piece)
    return found


def _groups(text: str) -> Iterator[str]:
    """Return a text whole, or in groups of sentences where it is long."""
    if len(text) <= _LONGEST:
        yield text
        return
    group = ""
    for sentence in _sentences(text):
        if group and len(group) + 1 + len(sentence) > _LONGEST:
            yield group
            group = ""
        group = f"{group} {sentence}" if group else sentence
        while len(group) > _LONGEST_SENTENCE:
            cut = group.rfind(" ", 0, _LONGEST_SENTENCE)
            cut = cut if cut > 0 else _LONGEST_SENTENCE
            yield group[:cut]
            group = group[cut:].strip()
    if group:
        yield group


_TIMES = frozenset(
    """
    januari februari mars april maj juni juli augusti september oktober november december jan feb mar apr jun jul aug sep sept okt
    nov dec january february march may june july august october oct pågående nu idag dags dato tillsvidare tills vidare present
    now today ongoing current sedan since från till from to fr om och med
    """.split()
)


def _says_something(text: str) -> bool:
    """Say whether there is a word besides dates."""
    return any(word.lower() not in _TIMES for word in re.findall(r"[^\W\d_]{2,}", text.replace(MASK, " ")))


_SWEDISH = frozenset(
    "jag och att det som på är av för med till den har inte om ett min men var vi från hos när samt vid år kan mig en i".split()
)
_ENGLISH = frozenset("i the and of to a in is was with for my that on at have has as by an from which are we but not or".split())


def _language(text: str, usual: str) -> str:
    """Guess Swedish or English from the commonest words; ``usual`` where they do not tell."""
    words = re.findall(r"[^\W\d_]+", text.lower())
    swedish = sum(word in _SWEDISH or any(c in "åäö" for c in word) for word in words)
    english = sum(word in _ENGLISH for word in words)
    return usual if swedish == english else "sv" if swedish > english else "en"
