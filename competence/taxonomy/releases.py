"""What lies at a path, opened safely: the files of a release in a folder, a zip, or several of them.

This module decides which file is which, that nothing unpacks to more than a taxonomy can be, and how a table of text
becomes rows. What the columns mean stands in ``taxonomies/formats`` and is applied by :mod:`competence.taxonomy.tables`.
Whatever is broken here ends in an :class:`~competence.errors.UnreadableFileError` of one line.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import tomllib
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from competence.errors import InputError, Problem, ProblemEffect, Problems, UnreadableFileError
from competence.taxonomy.core import bundled_folders

__all__ = [
    "Findings",
    "Release",
    "Table",
    "layout",
    "layout_names",
    "load_json",
    "without_gz",
]

_LARGEST_MEMBER = 200_000_000
"""Bytes of one unpacked file. ESCO's largest table has 20 million; more is a mistake or a zip bomb."""
_MOST_RATIO = 200
"""Unpacked by packed size of a file above 10 MB. Real tables pack 3-20 times; deflate's limit is 1032."""
_MOST_MEMBERS = 10_000
"""Files in one zip or folder; a release has about thirty."""
_DATA = frozenset({".csv", ".tsv", ".txt", ".toml", ".json", ".jsonld", ".ttl", ".rdf", ".owl", ".xml", ".nt"})
"""Endings of files that a taxonomy is read from; a README that lies in two folders is no news."""
_TOLD_VALUES = 100
"""Different values of one fault that are told one by one; the rest are told as a number."""


def without_gz(name: str) -> str:
    """Return the name without the ending of gzip, which says nothing of what is inside."""
    return name[:-3] if name.lower().endswith(".gz") else name


def _unreadable(name: str, why: str, message: str) -> UnreadableFileError:
    """Make the error with a Problem of the reader of files, whose texts say what to do."""
    return UnreadableFileError(
        f"{name}: {message}", Problem(code=f"file_{why}", file=name, table=name, effect=ProblemEffect.SET_ASIDE)
    )


@dataclass(frozen=True, slots=True)
class _Member:
    """One file: where it lies, and inside which zip."""

    place: Path
    inside: str = ""

    @property
    def name(self) -> str:
        return PurePosixPath(self.inside).name if self.inside else self.place.name


@dataclass(slots=True)
class Findings:
    """Gather Problems while a release is read; equal faults become one Problem with a count."""

    _found: dict[tuple[str, str, str, str | None, str], Problem] = field(default_factory=dict)
    _kinds: dict[tuple[str, str, str], int] = field(default_factory=dict)

    def add(
        self,
        code: str,
        *,
        table: str = "",
        file: str = "",
        row: int | None = None,
        column: str = "",
        value: str | None = None,
        detail: str = "",
        count: int = 1,
        effect: ProblemEffect = ProblemEffect.SET_ASIDE,
    ) -> None:
        """Tell one fault; the first row it stands in is kept."""
        kind = (code, file, column)
        key = (*kind, value, detail)
        if key not in self._found:
            self._kinds[kind] = self._kinds.get(kind, 0) + 1
            if self._kinds[kind] > _TOLD_VALUES:
                # A release where every row is wrong must not become as many Problems.
                key, value, detail = (*kind, "…", ""), "…", ""
        known = self._found.get(key)
        self._found[key] = Problem(
            code=code,
            table=known.table if known else table,
            row=known.row if known else row,
            column=column or None,
            value=value,
            effect=effect,
            detail=detail,
            count=(known.count if known else 0) + count,
            file=file,
        )

    def problems(self) -> Problems:
        """Return what was found, in the order it was first met."""
        return Problems(self._found.values())

    def __len__(self) -> int:
        return len(self._found)


@dataclass(frozen=True, slots=True)
class Table:
    """The rows of one text table, with the headings of its first row."""

    name: str
    headings: tuple[str, ...]
    rows: Iterator[tuple[int, list[str]]]
    """Number of the row's last line as an editor shows it, and its cells."""


class Release:
    """The files found at one or several paths, by name; opened only when asked for.

    Parameters
    ----------
    places : sequence of Path
        Folders, zip files or single files. Files in a zip may lie in folders of their own.

    Raises
    ------
    UnreadableFileError
        If there is nothing there, or a zip cannot be opened or would unpack to more than a taxonomy can be.
    """

    def __init__(self, places: Sequence[Path], findings: Findings | None = None) -> None:
        if not places:
            raise InputError("path must name at least one folder or file; got none")
        self.places = tuple(places)
        self.findings = findings if findings is not None else Findings()
        self._members: dict[str, _Member] = {}
        for place in places:
            for member in _members(place):
                known = self._members.setdefault(without_gz(member.name), member)
                if known is not member and PurePosixPath(without_gz(member.name)).suffix.lower() in _DATA:
                    self.findings.add("taxonomy_file_twice", file=member.name, effect=ProblemEffect.NOTICE)

    @property
    def name(self) -> str:
        """Names of the places, without the folders above them."""
        return " + ".join(place.name or str(place) for place in self.places)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the files, without the ending of gzip."""
        return tuple(self._members)

    def __contains__(self, name: str) -> bool:
        return name in self._members

    def shown(self, name: str) -> str:
        """Return the name of the file as it lies there."""
        return self._members[name].name

    def read(self, name: str) -> bytes:
        """Return the unpacked bytes of a file.

        Raises
        ------
        UnreadableFileError
            If it is damaged, cut, locked, or larger than 200 million bytes.
        """
        member = self._members[name]
        try:
            if member.inside:
                with zipfile.ZipFile(member.place) as archive, archive.open(member.inside) as stream:
                    data = stream.read(_LARGEST_MEMBER + 1)
            else:
                with member.place.open("rb") as stream:
                    data = stream.read(_LARGEST_MEMBER + 1)
            if member.name.lower().endswith(".gz"):
                data = self._unpacked(member.name, data)
        except FileNotFoundError:
            raise _unreadable(member.name, "missing", "it was there a moment ago and is not any more") from None
        except PermissionError:
            raise _unreadable(member.name, "no_access", "it may not be opened") from None
        except (zipfile.BadZipFile, gzip.BadGzipFile, EOFError, zlib.error) as error:
            raise _unreadable(member.name, "damaged", f"it is damaged or cut short ({error})") from None
        except (RuntimeError, NotImplementedError) as error:
            # zipfile says so of a password, and of ways of packing it does not know.
            raise _unreadable(member.name, "password", f"it cannot be unpacked ({error})") from None
        if len(data) > _LARGEST_MEMBER:
            raise _too_large(member.name)
        return data

    def _unpacked(self, name: str, data: bytes) -> bytes:
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as stream:
            unpacked = stream.read(_LARGEST_MEMBER + 1)
        if len(unpacked) > 10_000_000 and len(unpacked) > _MOST_RATIO * max(len(data), 1):
            raise _too_large(name)
        return unpacked

    def text(self, name: str) -> str:
        """Return a file as text, which must be UTF-8 (a mark at its start is taken away).

        Raises
        ------
        UnreadableFileError
            As :meth:`read`, and if it is not UTF-8 text.
        """
        data = self.read(name)
        try:
            found = data.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise _unreadable(self.shown(name), "not_a_table", f"it must be UTF-8 text: {error}") from None
        if "\0" in found:
            raise _unreadable(self.shown(name), "not_a_table", "it must be UTF-8 text; it has zero bytes")
        return found

    def table(self, name: str) -> Table:
        """Return the rows of a table: tab-separated when the name ends in ``.txt`` or ``.tsv``, else separated by commas.

        Raises
        ------
        UnreadableFileError
            As :meth:`text`; while rows are taken, also for a cell beyond 131 072 characters and a quote that never ends.
        """
        tabbed = name.lower().endswith((".txt", ".tsv"))
        stream = io.StringIO(self.text(name), newline="")
        # Tab-separated releases (O*NET) quote nothing: a mark of inches is a mark of inches.
        reader = (
            csv.reader(stream, delimiter="\t", quoting=csv.QUOTE_NONE)
            if tabbed
            else csv.reader(stream, delimiter=",", strict=True)
        )
        rows = self._rows(name, reader)
        headings = next(rows, (0, []))[1]
        return Table(self.shown(name), tuple(h.strip() for h in headings), rows)

    def _rows(self, name: str, reader: Any) -> Iterator[tuple[int, list[str]]]:
        while True:
            try:
                row = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                # A cell beyond Python's limit of 131 072 characters ends here too; ESCO's longest has some thousands.
                place = f"row {reader.line_num}"
                raise _unreadable(self.shown(name), "damaged", f"{place} cannot be read ({error})") from None
            if row:
                yield reader.line_num, row


def _too_large(name: str) -> UnreadableFileError:
    limit = _LARGEST_MEMBER
    return _unreadable(name, "too_large", f"it unpacks to more than a taxonomy can hold ({limit:,} bytes); refused")


def _members(place: Path) -> Iterable[_Member]:
    try:
        if place.is_dir():
            # The folder's own files only: a release has no folders, and a home folder has many.
            inside = [p for p in sorted(place.iterdir()) if not p.name.startswith(".") and p.name != "__MACOSX"]
            if len(inside) == 1 and inside[0].is_dir():
                # A zip unpacked by hand often leaves a folder in a folder.
                inside = [p for p in sorted(inside[0].iterdir()) if not p.name.startswith(".")]
            found = [_Member(p) for p in inside if p.is_file()]
        elif not place.is_file():
            raise _unreadable(place.name, "missing", f"there is no taxonomy at {place.name}")
        elif zipfile.is_zipfile(place):
            found = _zipped(place)
        elif place.suffix.lower() == ".zip":
            raise _unreadable(place.name, "damaged", "it is neither a folder nor a zip file that can be read")
        else:
            found = [_Member(place)]
    except PermissionError:
        raise _unreadable(place.name, "no_access", "it may not be opened") from None
    if len(found) > _MOST_MEMBERS:
        raise _unreadable(place.name, "too_large", f"it has {len(found)} files; a taxonomy has some tens")
    return found


def _zipped(place: Path) -> list[_Member]:
    found = []
    try:
        with zipfile.ZipFile(place) as archive:
            infos = archive.infolist()
    except (zipfile.BadZipFile, EOFError, OSError) as error:
        raise _unreadable(place.name, "damaged", f"it is neither a folder nor a zip file that can be read: {error}") from None
    for info in sorted(infos[: _MOST_MEMBERS + 1], key=lambda i: i.filename):
        parts = PurePosixPath(info.filename.replace("\\", "/")).parts
        # macOS puts a shadow of each file beside it.
        if info.is_dir() or "__MACOSX" in parts or not parts or parts[-1].startswith("."):
            continue
        if info.file_size > _LARGEST_MEMBER or (
            info.file_size > 10_000_000 and info.file_size > _MOST_RATIO * max(info.compress_size, 1)
        ):
            raise _too_large(f"{place.name}: {parts[-1]}")
        found.append(_Member(place, info.filename))
    return found


def load_json(release: Release, name: str) -> Any:
    """Return the values of a JSON file.

    Raises
    ------
    UnreadableFileError
        If it is not JSON, is cut, or is nested beyond reason.
    """
    raw = release.text(name)
    try:
        return json.loads(raw)
    except (ValueError, RecursionError) as error:
        why = str(error) if isinstance(error, ValueError) else "it is nested too deep"
        raise _unreadable(release.shown(name), "damaged", f"it is not JSON, or cut short ({why})") from None


def layout(name: str) -> Mapping[str, Any]:
    """Return the declared layout of a format, from ``taxonomies/formats/<name>.toml``."""
    for place in bundled_folders():
        path = place / "formats" / f"{name}.toml"
        if path.is_file():
            return tomllib.loads(path.read_text(encoding="utf-8"))
    raise InputError(f"there is no layout {name!r}; there are: {', '.join(layout_names())}")


def layout_names() -> tuple[str, ...]:
    """Return the formats that have a declared layout, in the order of the alphabet."""
    return tuple(sorted({path.stem for place in bundled_folders() for path in (place / "formats").glob("*.toml")}))
