"""How a docx, odt, PDF or text file becomes paragraphs in reading order, safely.

Nothing here knows what a paragraph tells of; that belongs to ``_documents``. Word and Writer files are zips of XML and
are read here, with the parser Python has: every member is counted while it is unpacked, a document type (where entities
would be declared) is refused, and nothing outside the file is ever asked for. PDF needs pypdf (the extra ``documents``),
which is plain Python, so that a faulty file can end in an error but not in foreign code. No macro, script, form or
attachment is looked into.
"""

from __future__ import annotations

import io
import logging
import re
import struct
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from enum import StrEnum
from itertools import pairwise
from pathlib import PurePath
from typing import TYPE_CHECKING, Any
from xml.parsers import expat

from competence.errors import MissingExtraError, Problem, ProblemEffect, UnreadableFileError
from competence.io._files import decoded, unpack, unreadable

if TYPE_CHECKING:
    import pypdf

__all__ = ["MOST_CHARACTERS", "MOST_PAGES", "BlockKind", "Opened", "Paragraph", "open_document", "open_text"]

MOST_FILE_BYTES = 20_000_000
"""A long CV with photographs is below 5 MB."""
MOST_UNPACKED = 60_000_000
MOST_PAGES = 200
MOST_CHARACTERS = 500_000
"""200 pages of 2 500 characters."""
_MOST_NODES = 600_000
"""Elements of one XML file. 200 pages written in Word, every word a run of its own, have about 400 000."""
_MOST_DEPTH = 200
"""Tables in tables reach about 60."""
_MOST_STEPS = 500_000
"""Drawing operations of a PDF: a page of text has 500 to 9 000, and a second does about 30 000."""
_MOST_PARSED = 500_000
"""Operations with what they work on, in one stream."""
_MOST_STREAM = 10_000_000
"""Unpacked bytes of one stream in a PDF that is read for text or structure; an ordinary page has 10 000."""


class BlockKind(StrEnum):
    """What a paragraph is in the document."""

    HEADING = "heading"
    PARAGRAPH = "paragraph"
    BULLET = "bullet"
    ROW = "row"


@dataclass(frozen=True, slots=True, kw_only=True)
class Paragraph:
    """One paragraph as it stands.

    ``rank`` orders headings: the smaller, the higher in the document. ``cells`` are those of a table row.
    """

    text: str
    kind: BlockKind = BlockKind.PARAGRAPH
    page: int | None = None
    rank: float = 0.0
    cells: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """All paragraphs of one document, its format, how many pages it has where that is known, and what was told."""

    format: str
    paragraphs: tuple[Paragraph, ...]
    pages: int | None = None
    problems: tuple[Problem, ...] = ()


def refused(name: str, why: str, detail: str = "") -> UnreadableFileError:
    """Return the error for a document that is not read, worded by ``document_<why>``."""
    problem = Problem(code=f"document_{why}", file=name, table=name, detail=detail, effect=ProblemEffect.SET_ASIDE)
    return UnreadableFileError(f"{name}: {problem.message('en')} {problem.remedy('en')}", problem)


_COMPOUND = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ZIPS = (b"PK\x03\x04", b"PK\x05\x06")
_PACKED = (*_ZIPS, b"Rar!", b"7z\xbc\xaf", b"\x1f\x8b", b"BZh", b"\xfd7zXZ")
_FORMATS = {".docx": "docx", ".odt": "odt", ".pdf": "pdf", ".txt": "text", ".md": "text", ".text": "text"}
_WITH_MACROS = frozenset({".docm", ".dotm"})


def open_document(name: str, data: bytes) -> Opened:
    """Read one file; what it is is told from its content, and must agree with its name.

    Raises
    ------
    UnreadableFileError
        If it is empty, damaged, locked, too large or long, carries macros or packed files, has no text, or is
        something else.
    MissingExtraError
        If it is a PDF and pypdf is not installed.
    """
    if not data.strip():
        raise unreadable(name, "empty")
    if len(data) > MOST_FILE_BYTES:
        raise refused(name, "too_large")
    suffix = PurePath(name).suffix.lower()
    if suffix in _WITH_MACROS:
        raise refused(name, "macros")
    found, parts = _format_of(name, data)
    named = _FORMATS.get(suffix)
    if named is not None and named != found:
        # Somebody's mistake or a disguise: either way the user should know what was about to be read.
        raise refused(name, "not_as_named", detail=found)
    if found == "docx":
        opened = _docx(name, parts)
    elif found == "odt":
        opened = _odt(name, parts)
    elif found == "pdf":
        opened = _pdf(name, data)
    else:
        text, problems = decoded(name, data)
        opened = replace(open_text(name, text), problems=tuple(problems))
    return _checked(name, opened)


def open_text(name: str, text: str) -> Opened:
    """Read text that was pasted, or stood in a text file."""
    return _checked(name, Opened(format="text", paragraphs=tuple(_of_text(text))))


def _checked(name: str, opened: Opened) -> Opened:
    """Refuse a document without words, and one with too many."""
    length = 0
    words = False
    for paragraph in opened.paragraphs:
        length += len(paragraph.text)
        words = words or any(c.isalpha() for c in paragraph.text)
    if length > MOST_CHARACTERS:
        raise refused(name, "too_long")
    if not words:
        raise refused(name, "no_text")
    return opened


def _format_of(name: str, data: bytes) -> tuple[str, Mapping[str, bytes]]:
    """Tell what the content is, and unpack it where it is packed."""
    if data[:8] == _COMPOUND:
        # Word wraps a locked document in a compound file, as Excel does; an old .doc is one too.
        locked = "EncryptedPackage".encode("utf-16-le") in data[:1_000_000]
        raise refused(name, "password" if locked else "unknown")
    if data[:4] in _ZIPS:
        parts = unpack(name, data, lambda member: True, most=MOST_UNPACKED, refused=refused)
        if b"encryption-data" in parts.get("META-INF/manifest.xml", b""):
            raise refused(name, "password")
        if parts.get("mimetype", b"").startswith(b"application/vnd.oasis.opendocument.text"):
            found = "odt"
        elif _main_part(name, parts).startswith("word/"):
            found = "docx"
        else:
            raise refused(name, "unknown")
        _check_members(name, parts)
        return found, parts
    # Some programs write a few bytes before the mark; readers of PDF look for it in the first kilobyte.
    if b"%PDF-" in data[:1024]:
        return "pdf", {}
    unicode = data[:2] in (b"\xff\xfe", b"\xfe\xff")
    start = data[:512].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if (b"\0" in data and not unicode) or data[:4] in _PACKED or start.startswith((b"{\\rtf", b"<!doctype", b"<html", b"<?xml")):
        raise refused(name, "unknown")
    if sum(byte < 32 and byte not in b"\t\n\r\f" for byte in data[:2000]) > 20 and not unicode:
        raise refused(name, "unknown")
    return "text", {}


_EMPTY_BASIC = ("script-lc.xml", "script-lb.xml", "dialog-lc.xml", "dialog-lb.xml")


def _check_members(name: str, parts: Mapping[str, bytes]) -> None:
    """Refuse a document with macros or with packed files inside; neither belongs in what is read here."""
    for member, content in parts.items():
        lower = member.lower()
        module = lower.startswith(("basic/", "scripts/")) and not lower.endswith(("/", *_EMPTY_BASIC))
        if "vbaproject" in lower or "vbadata" in lower or module:
            raise refused(name, "macros")
        if content[:4].startswith(tuple(mark[:4] for mark in _PACKED)):
            raise refused(name, "packed")
    if b"macroEnabled" in parts.get("[Content_Types].xml", b""):
        raise refused(name, "macros")


# XML


@dataclass(slots=True)
class _Node:
    """An element: its name without namespace, attributes likewise, and what it holds in order."""

    tag: str
    attributes: Mapping[str, str]
    children: list[_Node | str] = field(default_factory=list)

    def elements(self, *tags: str) -> Iterator[_Node]:
        """Return child elements, of these names where any are given."""
        for child in self.children:
            if isinstance(child, _Node) and (not tags or child.tag in tags):
                yield child

    def first(self, *path: str) -> _Node | None:
        """Return the first element down a path of names."""
        node: _Node | None = self
        for tag in path:
            node = next(node.elements(tag), None) if node is not None else None
        return node

    def find(self, tag: str) -> _Node | None:
        """Return the first element of a name at any depth, in document order."""
        waiting = [self]
        while waiting:
            node = waiting.pop()
            if node.tag == tag:
                return node
            waiting.extend(reversed(list(node.elements())))
        return None


def _tree(name: str, xml: bytes) -> _Node:
    """Parse one XML file. Names lose their namespace: strict and ordinary files of Word differ in nothing else."""
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    top = _Node("", {})
    stack = [top]
    count = 0

    def begin(tag: str, attributes: dict[str, str]) -> None:
        nonlocal count
        count += 1
        if count > _MOST_NODES:
            raise refused(name, "too_long")
        if len(stack) > _MOST_DEPTH:
            raise refused(name, "damaged")
        node = _Node(tag.rpartition(" ")[2], {key.rpartition(" ")[2]: value for key, value in attributes.items()})
        stack[-1].children.append(node)
        stack.append(node)

    def end(tag: str) -> None:
        stack.pop()

    def letters(text: str) -> None:
        stack[-1].children.append(text)

    def no_type(*declared: object) -> None:
        raise refused(name, "damaged")

    parser.StartElementHandler = begin
    parser.EndElementHandler = end
    parser.CharacterDataHandler = letters
    parser.StartDoctypeDeclHandler = no_type
    try:
        parser.Parse(xml, True)
    except (expat.ExpatError, ValueError, LookupError):
        # LookupError: an encoding that does not exist.
        raise refused(name, "damaged") from None
    return top


_MARKS = "•·●○▪▫■□‣⁃∙◦➢➤►✓✔–—*§\u2010-\u2012\uf000-\uf0ff"
_BULLET = re.compile(rf"^\s*(?:[{_MARKS}]\s+|[•●▪■‣◦➢➤►✓✔\uf000-\uf0ff]|-\s+|o\s+(?=[A-ZÅÄÖ])|\d{{1,2}}[.)]\s+(?=\D))")
_UNSEEN = re.compile("[\u200b\u200c\u200d\u2060\ufeff\u00ad\x00-\x08\x0b\x0e-\x1f\ufffe]")


_LONGEST_WORD = 200
"""Longer runs of letters are no words, and would make the search for words and addresses slow."""


def _tidy(text: str) -> str:
    """Return the text with single spaces and without characters that nobody sees."""
    return " ".join(word[:_LONGEST_WORD] for word in _UNSEEN.sub("", text).split())


def _pieces(text: str, kind: BlockKind, rank: float = 0.0) -> Iterator[Paragraph]:
    """Return a paragraph, or several where line breaks were typed into it."""
    for line in text.split("\n"):
        tidy = _tidy(line)
        mark = _BULLET.match(tidy)
        if mark and kind is BlockKind.PARAGRAPH:
            yield from _piece(tidy[mark.end() :], BlockKind.BULLET, rank)
        else:
            yield from _piece(tidy, kind, rank)


def _piece(text: str, kind: BlockKind, rank: float) -> Iterator[Paragraph]:
    if text:
        yield Paragraph(text=text, kind=kind, rank=rank)


_ROW_LENGTH = 200
"""A row of short cells is one thing said (a language and how well); longer cells are paragraphs laid out side by side."""


def _row(cells: Sequence[Sequence[Paragraph]]) -> Iterator[Paragraph]:
    filled = [cell for cell in cells if cell]
    texts = tuple(cell[0].text for cell in filled)
    if len(filled) > 1 and all(len(cell) == 1 for cell in filled) and sum(map(len, texts)) <= _ROW_LENGTH:
        yield Paragraph(text=" | ".join(texts), kind=BlockKind.ROW, cells=texts)
    else:
        for cell in filled:
            yield from cell


# Word

_NOT_SHOWN = frozenset(
    """
    pPr rPr tblPr trPr tcPr sectPr sdtPr sdtEndPr tblGrid del delText moveFrom instrText fldData Fallback footnoteReference
    endnoteReference commentReference annotationRef pict_alt
    """.split()
)
"""What stands in the XML of a paragraph and is no text of it: settings, deleted text, field codes, second versions."""
_OFF = frozenset({"0", "false", "off", "none"})


def _on(node: _Node | None) -> bool:
    return node is not None and node.attributes.get("val", "true").lower() not in _OFF


def _main_part(name: str, parts: Mapping[str, bytes]) -> str:
    """Return the member that holds the text of a Word file, or "" where there is none."""
    for link in _tree(name, parts["_rels/.rels"]).children if "_rels/.rels" in parts else ():
        for relation in link.elements("Relationship") if isinstance(link, _Node) else ():
            if relation.attributes.get("Type", "").endswith("/officeDocument"):
                target = relation.attributes.get("Target", "").lstrip("/")
                if target in parts:
                    return target
    return "word/document.xml" if "word/document.xml" in parts else ""


class _Word:
    """One reading of a Word file."""

    def __init__(self, name: str, styles: Mapping[str, tuple[str, float | None, bool]]) -> None:
        self.name = name
        self.styles = styles
        self.breaks = 0

    def blocks(self, node: _Node) -> Iterator[Paragraph]:
        for child in node.elements():
            if child.tag == "p":
                yield from self.paragraph(child)
            elif child.tag == "tbl":
                for row in child.elements("tr"):
                    yield from _row([list(self.blocks(cell)) for cell in self.cells(row)])
            elif child.tag not in _NOT_SHOWN:
                yield from self.blocks(child)

    def cells(self, row: _Node) -> Iterator[_Node]:
        for child in row.elements():
            if child.tag == "tc":
                yield child
            elif child.tag not in _NOT_SHOWN:
                yield from self.cells(child)

    def paragraph(self, node: _Node) -> Iterator[Paragraph]:
        kind, rank = self.kind(node.first("pPr"))
        boxes: list[_Node] = []
        yield from _pieces("".join(self.words(node, boxes)), kind, rank)
        for box in boxes:
            yield from self.blocks(box)

    def kind(self, settings: _Node | None) -> tuple[BlockKind, float]:
        if settings is None:
            return BlockKind.PARAGRAPH, 0.0
        style = settings.first("pStyle")
        _, rank, listed = self.styles.get(style.attributes.get("val", "") if style else "", ("", None, False))
        outline = settings.first("outlineLvl")
        if outline is not None and outline.attributes.get("val", "") in set("012345678"):
            rank = float(outline.attributes["val"]) + 1
        if rank is not None:
            return BlockKind.HEADING, rank
        number = settings.first("numPr", "numId")
        if number is not None:
            listed = number.attributes.get("val") != "0"
        return (BlockKind.BULLET if listed else BlockKind.PARAGRAPH), 0.0

    def words(self, node: _Node, boxes: list[_Node]) -> Iterator[str]:
        """Return what is shown of a paragraph; text boxes hang in it and are read after it."""
        for child in node.elements():
            tag = child.tag
            if tag == "t":
                yield "".join(part for part in child.children if isinstance(part, str))
            elif tag in ("tab", "ptab"):
                yield " "
            elif tag in ("br", "cr"):
                if child.attributes.get("type") == "page":
                    self.breaks += 1
                    if self.breaks >= MOST_PAGES:
                        raise refused(self.name, "too_many_pages")
                yield "\n"
            elif tag == "noBreakHyphen":
                yield "-"
            elif tag == "txbxContent":
                boxes.append(child)
            elif tag == "r" and _on(child.first("rPr", "vanish")):
                continue
            elif tag not in _NOT_SHOWN:
                yield from self.words(child, boxes)


def _word_styles(name: str, xml: bytes | None) -> dict[str, tuple[str, float | None, bool]]:
    """Return for each style its name, its rank as a heading (None: it is none) and whether it makes a list.

    Ids are translated (Rubrik1), names are not (heading 1).
    """
    if xml is None:
        return {}
    own: dict[str, tuple[str, str, float | None, bool]] = {}
    root = _tree(name, xml).find("styles")
    for style in root.elements("style") if root else ():
        label, based = style.first("name"), style.first("basedOn")
        outline, number = style.first("pPr", "outlineLvl"), style.first("pPr", "numPr")
        title = (label.attributes.get("val", "") if label else "").lower()
        met = re.fullmatch(r"heading (\d)", title)
        rank = float(met[1]) if met else 0.5 if title in ("title", "subtitle") else None
        if rank is None and outline is not None and outline.attributes.get("val", "") in set("012345678"):
            rank = float(outline.attributes["val"]) + 1
        listed = number is not None or title.startswith(("list bullet", "list number"))
        own[style.attributes.get("styleId", "")] = (title, based.attributes.get("val", "") if based else "", rank, listed)
    styles = {}
    for key, (title, parent, rank, listed) in own.items():
        seen = {key}
        while rank is None and not listed and parent in own and parent not in seen:
            seen.add(parent)
            _, parent, rank, listed = own[parent]
        styles[key] = (title, rank, listed)
    return styles


def _docx(name: str, parts: Mapping[str, bytes]) -> Opened:
    body = _tree(name, parts[_main_part(name, parts)]).find("body")
    if body is None:
        raise refused(name, "damaged")
    reading = _Word(name, _word_styles(name, parts.get("word/styles.xml")))
    return Opened(format="docx", paragraphs=tuple(reading.blocks(body)))


# OpenDocument

_ODT_NOT_SHOWN = frozenset(
    """
    tracked-changes annotation annotation-end note forms sequence-decls variable-decls user-field-decls dde-connection-decls
    title desc table-column covered-table-cell event-listeners hidden-text hidden-paragraph bibliography-mark ruby-text
    """.split()
)


class _Writer:
    """One reading of an OpenDocument text."""

    def __init__(self, titles: frozenset[str]) -> None:
        self.titles = titles

    def blocks(self, node: _Node, kind: BlockKind = BlockKind.PARAGRAPH) -> Iterator[Paragraph]:
        for child in node.elements():
            if child.tag == "h":
                level = child.attributes.get("outline-level", "1")
                yield from self.paragraph(child, BlockKind.HEADING, float(level) if level.isdecimal() else 1.0)
            elif child.tag == "p":
                title = child.attributes.get("style-name", "") in self.titles
                yield from self.paragraph(child, BlockKind.HEADING if title else kind, 0.5 if title else 0.0)
            elif child.tag == "list":
                yield from self.blocks(child, BlockKind.BULLET)
            elif child.tag == "table-row":
                yield from _row([list(self.blocks(cell)) for cell in child.elements("table-cell")])
            elif child.tag not in _ODT_NOT_SHOWN:
                yield from self.blocks(child, kind)

    def paragraph(self, node: _Node, kind: BlockKind, rank: float) -> Iterator[Paragraph]:
        boxes: list[_Node] = []
        yield from _pieces("".join(self.words(node, boxes)), kind, rank)
        for box in boxes:
            yield from self.blocks(box)

    def words(self, node: _Node, boxes: list[_Node]) -> Iterator[str]:
        for child in node.children:
            if isinstance(child, str):
                # A line end in the XML is only a space.
                yield child.replace("\n", " ")
            elif child.tag in ("s", "tab"):
                # However many spaces it stands for.
                yield " "
            elif child.tag == "line-break":
                yield "\n"
            elif child.tag == "text-box":
                boxes.append(child)
            elif child.tag not in _ODT_NOT_SHOWN:
                yield from self.words(child, boxes)


def _odt(name: str, parts: Mapping[str, bytes]) -> Opened:
    if "content.xml" not in parts:
        raise refused(name, "damaged")
    tree = _tree(name, parts["content.xml"])
    body = tree.find("text")
    if body is None:
        raise refused(name, "damaged")
    titles = {"Title", "Subtitle"}
    automatic = tree.find("automatic-styles")
    for style in automatic.elements("style") if automatic else ():
        if style.attributes.get("parent-style-name") in titles:
            titles.add(style.attributes.get("name", ""))
    return Opened(format="odt", paragraphs=tuple(_Writer(frozenset(titles)).blocks(body)))


# Lines that become paragraphs again

_ENDS = re.compile(r"[.!?:;…][\"”»)]?$")
_HYPHEN = "-\u2010\u00ad"
_SUSPENDED = re.compile(r"^(?:och|eller|samt|respektive|and|or)\b")
_KEPT_BEFORE = re.compile(r"(?:^|[\s(])(?:\w|\d+|[A-ZÅÄÖ]{2,}|(?i:hjärt|self|well|co|non|first|it))$")
"""First elements that are written with a hyphen where the next one stands on the same line too: e-post, IT-stöd."""


def _joined(before: str, after: str, vocabulary: Counter[str], *, drawn: bool = False) -> str:
    """Return two lines as one: without the hyphen that only broke a word, with one that belongs to it.

    ``drawn`` says that the hyphen was put there apart from the text, as programs that break words do.
    """
    if before[-1:] not in _HYPHEN or not before[:-1].rstrip()[-1:].isalnum() or before[-2:-1].isspace():
        return f"{before} {after}"
    if _SUSPENDED.match(after):
        return f"{before} {after}"
    if not after[:1].islower():
        return before + after
    stem = before[:-1]
    # The last word is enough, however long the paragraph has grown.
    last = stem[-_LONGEST_WORD - 1 :]
    met = re.search(r"[\w-]+$", last)
    head = re.match(r"\w+", after)
    first, second = (met[0] if met else "").lower(), (head[0] if head else "").lower()
    if vocabulary[f"{first}-{second}"] > vocabulary[f"{first}{second}"]:
        return before + after
    if not drawn and not vocabulary[f"{first}{second}"] and _KEPT_BEFORE.search(last):
        return before + after
    return stem + after


def _vocabulary(lines: Iterable[str]) -> Counter[str]:
    """Count the words of a document, those with hyphens whole; a line's last word is left out if it ends in a hyphen."""
    return Counter(word.lower() for line in lines for word in re.findall(r"\w+(?:-\w+)*(?![\w-])", line))


_FULL = 0.85
"""A line of plain text that the next word would have filled to this share of the longest was broken for want of room."""


def _is_full(line: str, after: str, width: int) -> bool:
    first = after.split(" ", 1)[0]
    return len(line) + 1 + len(first) >= _FULL * width


_WIDEST_WRAPPED = 160
"""Text with longer lines was not broken into lines by whoever wrote it."""
_NARROWEST_WRAPPED = 50
"""Narrower, and the lengths of lines tell nothing."""


def _of_text(text: str) -> Iterator[Paragraph]:
    """Return the paragraphs of plain text: apart by empty lines, bullets, and line ends that no want of room explains."""
    lines = [_tidy(line) for line in text.replace("\r\n", "\n").replace("\r", "\n").replace("\f", "\n\n").split("\n")]
    width = max(map(len, lines), default=0)
    wrapped = _NARROWEST_WRAPPED <= width <= _WIDEST_WRAPPED
    vocabulary = _vocabulary(lines)
    open_line, kind, last = "", BlockKind.PARAGRAPH, ""
    for line in [*lines, ""]:
        mark = _BULLET.match(line)
        broken = bool(last) and last[-1] in _HYPHEN and line[:1].islower()
        goes_on = bool(open_line and line and not mark) and (broken or (wrapped and _is_full(last, line, width)))
        if goes_on:
            open_line = _joined(open_line, line, vocabulary)
        else:
            yield from _piece(open_line, kind, 0.0)
            kind = BlockKind.BULLET if mark else BlockKind.PARAGRAPH
            open_line = line[mark.end() :] if mark else line
        last = line


# PDF

_PDF_FAULTS = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    EOFError,
    LookupError,
    NotImplementedError,
    OSError,
    RecursionError,
    TypeError,
    ValueError,
    struct.error,
    zlib.error,
)
"""What reading a damaged PDF raises besides pypdf's own errors: the file's objects are not of the kinds they should be."""


@dataclass(slots=True)
class _Line:
    """One line of a page: its text, where it starts, how large it is.

    ``text_x`` is where the text after a bullet starts, ``drawn`` says that its last hyphen was put there apart from the
    text, ``margin`` that it stands at the top or bottom edge.
    """

    text: str
    page: int
    x: float
    y: float
    size: float
    bold: bool
    text_x: float
    bullet: bool = False
    drawn: bool = False
    margin: bool = False


_MARGIN = 0.1
"""Share of the page's height, at the top and at the bottom, where running heads and page numbers stand."""


class _SpentError(Exception):
    """The page draws more than any page of text does."""


class _Lines:
    """Gathers the fragments of one page to lines; pypdf calls it for each."""

    def __init__(self, page: int, steps: int, low: float, high: float) -> None:
        self.page = page
        self.steps = steps
        margin = _MARGIN * (high - low)
        self.low, self.high = low + margin, high - margin
        self.lines: list[_Line] = []
        self.fragments: list[tuple[str, float, float, float, bool]] = []

    def operation(self, operator: object, operands: object, transform: object, text_transform: object) -> None:
        """Count one operation. pypdf swallows errors inside forms, so every later call raises again."""
        self.steps -= 1
        if self.steps < 0:
            raise _SpentError

    def text(self, text: str, transform: Sequence[float], at: Sequence[float], font: Any, size: float) -> None:
        """Take one fragment and where it starts."""
        x = at[4] * transform[0] + at[5] * transform[2] + transform[4]
        y = at[4] * transform[1] + at[5] * transform[3] + transform[5]
        height = abs(size) * max(abs(at[3] * transform[3]), abs(at[1] * transform[2]), 1e-6)
        bold = bool(re.search("bold|black|heavy|semib", str((font or {}).get("/BaseFont", "")).lower()))
        for number, part in enumerate(text.split("\n")):
            if number:
                self.end()
            if part.strip():
                self.fragments.append((part, x, y, height, bold))
            elif part and self.fragments:
                before = self.fragments[-1]
                self.fragments[-1] = (before[0] + " ", *before[1:])

    def end(self) -> None:
        """Close the line that is being gathered."""
        fragments, self.fragments = self.fragments, []
        text = _tidy("".join(f[0] for f in fragments))
        if not text:
            return
        x, y = fragments[0][1:3]
        mark = _BULLET.match(text + " ")
        text_x = x
        if mark and len(fragments) > 1 and len(_tidy(fragments[0][0])) <= 3:
            text_x = fragments[1][1]
        main = max(fragments, key=lambda f: len(f[0]))
        drawn = len(fragments) > 1 and fragments[-1][0].strip() in tuple(_HYPHEN)
        bare = text[mark.end() :].strip() if mark and mark.end() <= len(text) else "" if mark else text
        bold = all(f[4] for f in fragments if len(f[0].strip()) > 1)
        margin = not self.low <= y <= self.high
        self.lines.append(_Line(bare, self.page, x, y, round(main[3], 1), bold, text_x, bool(mark), drawn, margin))


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep pypdf from telling on stderr what it mended: the words of its warnings come out of the file."""
    logger = logging.getLogger("pypdf")
    before = logger.level
    logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        logger.setLevel(before)


def _pdf(name: str, data: bytes) -> Opened:
    try:
        import pypdf
        from pypdf.errors import LimitReachedError, PyPdfError
    except ImportError:
        raise MissingExtraError("PDF is read with pypdf, which is not installed: pip install 'competence[documents]'") from None
    # No outside program is called, whatever a page asks for.
    limits = pypdf.Configuration(
        jbig2dec_binary=None,
        page_tree_maximum_entries=20 * MOST_PAGES,
        zlib_maximum_output_length=_MOST_STREAM,
        lzw_maximum_output_length=_MOST_STREAM,
        run_length_maximum_output_length=_MOST_STREAM,
        brotli_maximum_output_length=_MOST_STREAM,
        array_based_stream_maximum_output_length=_MOST_STREAM,
        xform_maximum_invocations_per_extraction=500,
        stream_parsing_work_maximum_count=_MOST_PARSED,
    )
    try:
        with _quiet(), pypdf.apply_configuration(limits):
            reader = pypdf.PdfReader(io.BytesIO(data), root_object_recovery_limit=1000)
            if reader.is_encrypted:
                raise refused(name, "password")
            pages = _page_count(name, reader)
            lines = _pdf_lines(name, reader)
    except UnreadableFileError:
        raise
    except (_SpentError, LimitReachedError):
        raise refused(name, "too_long") from None
    except (PyPdfError, *_PDF_FAULTS):
        raise refused(name, "damaged") from None
    return Opened(format="pdf", paragraphs=tuple(_of_lines(_side_by_side(_without_margins(lines, pages)))), pages=pages)


def _page_count(name: str, reader: pypdf.PdfReader) -> int:
    """Return how many pages there are, before any is read: first what the file claims, then what it holds."""
    root: Any = reader.root_object["/Pages"].get_object()
    claimed = root.get("/Count")
    if isinstance(claimed, int | float) and claimed > MOST_PAGES:
        raise refused(name, "too_many_pages")
    count = 0
    for _ in _leaves(root):
        count += 1
        if count > MOST_PAGES:
            raise refused(name, "too_many_pages")
    return count


def _leaves(root: Any) -> Iterator[Any]:
    """Walk the tree of pages without following a branch into itself."""
    waiting: list[tuple[Any, frozenset[int]]] = [(root, frozenset())]
    while waiting:
        node, above = waiting.pop()
        kids = node.get("/Kids")
        if kids is None:
            yield node
            continue
        if id(node) in above or len(above) > _MOST_DEPTH:
            raise ValueError("the tree of pages goes round")
        # A hundred branches without a leaf on each level would never end, so empty ones count as pages.
        inside = list(kids.get_object())
        if not inside:
            yield node
        waiting.extend((kid.get_object(), above | {id(node)}) for kid in reversed(inside[: MOST_PAGES + 1]))


def _pdf_lines(name: str, reader: pypdf.PdfReader) -> list[_Line]:
    lines: list[_Line] = []
    steps, length = _MOST_STEPS, 0
    for number, page in enumerate(reader.pages, start=1):
        gathered = _Lines(number, steps, float(page.mediabox.bottom), float(page.mediabox.top))
        page.extract_text(visitor_operand_before=gathered.operation, visitor_text=gathered.text)
        gathered.end()
        steps = gathered.steps
        if steps < 0:
            raise _SpentError
        length += sum(len(line.text) for line in gathered.lines)
        if length > MOST_CHARACTERS:
            raise refused(name, "too_long")
        lines += gathered.lines
    return lines


_PAGE_NUMBER = re.compile(r"(?:sida|sid|page|s\.)?\s*\d+\s*(?:(?:av|of|/|\()\s*\d+\s*\)?)?", re.IGNORECASE)


def _without_margins(lines: Sequence[_Line], pages: int) -> list[_Line]:
    """Drop what stands in the margins of most pages, but for its numbers the same, and lone page numbers there."""

    def shape(line: _Line) -> tuple[str, int]:
        return re.sub(r"\d+", "#", line.text), round(line.y)

    told = Counter(found for found, _ in {(shape(line), line.page) for line in lines if line.margin})
    return [
        line
        for line in lines
        if not (line.margin and (told[shape(line)] > max(1, pages // 2) or _PAGE_NUMBER.fullmatch(line.text)))
    ]


_SAME_HEIGHT = 0.25
"""Share of the letters' size by which what stands on one line may differ in height."""


def _side_by_side(lines: Sequence[_Line]) -> list[_Line]:
    """Join what was drawn apart on one line: the cells of a row, and a bullet to what it stands before."""
    joined: list[_Line] = []
    for line in lines:
        last = joined[-1] if joined else None
        level = last is not None and last.page == line.page and abs(last.y - line.y) <= _SAME_HEIGHT * max(last.size, line.size)
        if last is None or not level or line.x <= last.x:
            joined.append(line)
        elif _is_mark(last.text):
            joined[-1] = replace(line, bullet=True, x=last.x)
        else:
            joined[-1] = replace(last, text=f"{last.text} {line.text}")
    return [line for line in joined if not _is_mark(line.text)]


def _is_mark(text: str) -> bool:
    """Say whether a line is nothing but a bullet, whatever the font calls it."""
    return len(text) <= 2 and not any(c.isalnum() for c in text)


_INDENT = 0.3
_SAME_SIZE = 0.06
_HEADING_SIZE = 1.12
"""A heading is at least this much larger than the text; a step of one point on eleven is 1.09."""
_MOST_HEADING_WORDS = 8


def _of_lines(lines: Sequence[_Line]) -> Iterator[Paragraph]:
    """Join the lines of a PDF to the paragraphs they were broken from."""
    if not lines:
        return
    sizes: Counter[float] = Counter()
    for line in lines:
        sizes[line.size] += len(line.text)
    body = min(sizes, key=lambda size: (-sizes[size], size))
    leading, widths = _leading(lines), _widths(lines)
    vocabulary = _vocabulary(line.text for line in lines)
    group: list[_Line] = []
    text = ""
    for line in lines:
        if group and _goes_on(group, line, text, leading, widths):
            text = _joined(text, line.text, vocabulary, drawn=group[-1].drawn) if text else line.text
            group.append(line)
            continue
        yield from _of_group(group, text, body)
        group, text = [line], line.text
    yield from _of_group(group, text, body)


def _of_group(group: Sequence[_Line], text: str, body: float) -> Iterator[Paragraph]:
    if not group or not text:
        return
    first = group[0]
    large = first.size >= _HEADING_SIZE * body and len(text.split()) <= _MOST_HEADING_WORDS
    kind = BlockKind.BULLET if first.bullet else BlockKind.HEADING if large else BlockKind.PARAGRAPH
    yield Paragraph(text=text, kind=kind, page=first.page, rank=1000 - first.size)


def _leading(lines: Sequence[_Line]) -> dict[float, float]:
    """Return for each size of letters the distance between lines of one paragraph: the smallest that is common."""
    gaps: dict[float, list[float]] = {}
    for above, below in pairwise(lines):
        gap = above.y - below.y
        if above.page == below.page and abs(above.size - below.size) <= _SAME_SIZE * above.size and 0.5 < gap / above.size < 2.5:
            gaps.setdefault(above.size, []).append(gap)
    return {size: sorted(found)[len(found) // 4] for size, found in gaps.items()}


_WIDE, _THIN = frozenset("mwMWOQGÅÄÖ@%–—"), frozenset("iljtfrI.,:;!'|()-’ ")


def _room(text: str) -> float:
    """Estimate how wide a text is, in widths of an ordinary letter; its font is not asked, as not every file tells."""
    return sum(1.5 if c in _WIDE else 0.6 if c in _THIN else 1.25 if c.isupper() else 1.0 for c in text)


_LETTER = 0.5
"""Width of an ordinary letter by its size."""
_FILLED = 0.93
"""A line that the next word would have filled to this share of the widest was broken for want of room."""
_NARROW = 45
"""Ordinary letters in a line of a side column at most."""
_RUNNING = frozenset(".!?,;:-–")


def _widths(lines: Sequence[_Line]) -> dict[tuple[float, int], float]:
    """Return for each size of letters and place from the left how much room a line has there.

    That is as far as the lines go that start about there, an indent to either side.
    """
    ends: dict[tuple[float, int], float] = {}
    for line in lines:
        key = (line.size, round(line.text_x))
        ends[key] = max(ends.get(key, 0.0), line.text_x + _LETTER * line.size * _room(line.text))
    return {
        (size, x): (max(end for (other, at), end in ends.items() if other == size and abs(at - x) <= 3 * size) - x)
        / (_LETTER * size)
        for size, x in ends
    }


def _goes_on(
    group: Sequence[_Line], line: _Line, text: str, leading: Mapping[float, float], widths: Mapping[tuple[float, int], float]
) -> bool:
    """Say whether a line belongs to the paragraph above it."""
    last = group[-1]
    if line.bullet or abs(line.size - last.size) > _SAME_SIZE * last.size or line.bold != last.bold:
        return False
    if not text:
        # A bullet drawn apart from its text.
        return last.page == line.page and abs(last.y - line.y) <= last.size
    broken = last.text[-1:] in tuple(_HYPHEN) and line.text[:1].islower()
    if line.page != last.page:
        return line.page == last.page + 1 and line.text[:1].islower() and (broken or not _ENDS.search(text))
    gap = last.y - line.y
    if not 0 < gap <= 1.25 * leading.get(last.size, 1.6 * last.size):
        return False
    if group[0].bullet and group[0].text_x - group[0].x > _INDENT * line.size:
        # Under a bullet the text hangs: what starts where its text does goes on, and nothing else.
        return abs(line.x - group[0].text_x) <= _INDENT * line.size
    if abs(line.x - last.text_x) > 1.5 * line.size and len(group) > 1:
        return False
    width = widths[last.size, round(last.text_x)]
    if width < _NARROW and line.text[:1].isupper() and last.text[-1:] not in _RUNNING:
        # In a narrow column a list of short lines looks like wrapped text.
        return False
    if last.text.endswith(","):
        return True
    return broken or _room(last.text) + _room(" ") + _room(line.text.split(" ", 1)[0]) >= _FILLED * width
