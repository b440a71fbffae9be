"""Taxonomy: an immutable set of concepts and roles, found by id.

This module decides what a taxonomy is and how its parts are found. How it lies on disk is
:mod:`competence.taxonomy.files`, what makes it sound is :mod:`competence.taxonomy.checks`; linking words to it is
:mod:`competence.linking`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Self, TypeVar

from competence.errors import InputError, Problem, Problems, TaxonomyError, UnknownIdError
from competence.model import Concept, ConceptKind, Role

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["FORMATS", "Taxonomy"]

T = TypeVar("T")

FORMATS = ("csv",)
"""Formats that ``Taxonomy.read`` knows."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Taxonomy:
    """Hold concepts and roles in the order of their files; every change makes a new Taxonomy.

    Parameters
    ----------
    id : str
        Name of the taxonomy, such as ``municipal``.
    concepts : Mapping of str to Concept
        By id. Groups (kind ``group``) are headings to browse by, which nobody holds; ``competences`` leaves them out.
    roles : Mapping of str to Role
        By id, each with its requirements.
    titles, descriptions : Mapping of str to str
        By language, ``sv`` and ``en``.
    version, licence : str
        As the publisher gives them.
    sources : tuple of str
        What it was made from.
    stated_digest : str
        The digest its files state, empty when they state none; a check compares it with ``digest``.

    Notes
    -----
    Two taxonomies are equal when their ``digest`` is: the same content, whatever the order of the files.

    Examples
    --------
    >>> small = Taxonomy.of([Concept(concept_id="finnish", labels={"sv": "finska", "en": "Finnish"})])
    >>> small.concept("finnish").label("en")
    'Finnish'
    """

    id: str
    concepts: Mapping[str, Concept] = field(default_factory=lambda: MappingProxyType({}))
    roles: Mapping[str, Role] = field(default_factory=lambda: MappingProxyType({}))
    titles: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    descriptions: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    version: str = ""
    licence: str = ""
    sources: tuple[str, ...] = ()
    stated_digest: str = ""

    def __post_init__(self) -> None:
        for name in ("concepts", "roles", "titles", "descriptions"):
            object.__setattr__(self, name, MappingProxyType(dict(getattr(self, name))))

    @classmethod
    def of(
        cls,
        concepts: Iterable[Concept],
        roles: Iterable[Role] = (),
        *,
        id: str = "local",
        titles: Mapping[str, str] | None = None,
    ) -> Self:
        """Make a taxonomy of records.

        Raises
        ------
        TaxonomyError
            If an id stands twice; ``problems`` lists each.
        """
        problems: list[Problem] = []
        by_id = _unique(concepts, lambda c: c.concept_id, "concepts", problems)
        by_role = _unique(roles, lambda r: r.role_id, "roles", problems)
        if problems:
            raise TaxonomyError(f"{len(problems)} ids stand twice, the first is {problems[0].value!r}", Problems(problems))
        return cls(id=id, concepts=by_id, roles=by_role, titles=titles or {})

    @classmethod
    def bundled(cls, name: str = "municipal") -> Self:
        """Return a taxonomy that comes with the library.

        Looked for in ``_taxonomies`` beside the package (an installed wheel), else in ``taxonomies`` of the checkout.

        Raises
        ------
        UnknownIdError
            If there is none of that name; the message lists those there are.
        """
        places = bundled_folders()
        for place in places:
            if (place / name / "about.toml").is_file():
                return cls.read(place / name)
        names = sorted({about.parent.name for place in places for about in place.glob("*/about.toml")})
        raise UnknownIdError(f"no bundled taxonomy {name!r}; there are: {', '.join(names) or 'none'}")

    @classmethod
    def read(cls, path: str | Path, format: str = "csv") -> Self:
        """Read a taxonomy from a folder or a zip file.

        Parameters
        ----------
        path : str or Path
            Folder or zip with ``concepts.csv``, ``labels.csv``, ``relations.csv``, ``roles.csv``, ``requirements.csv``,
            ``groups.csv`` and ``about.toml``; only ``concepts.csv`` must be there.
        format : str
            ``csv`` is the only one so far.

        Raises
        ------
        InputError
            If the format is not known.
        UnreadableFileError
            If there is nothing to read there.
        TaxonomyError
            If rows cannot be used (ids twice, values out of range, references to nothing); ``problems`` lists them.
            :func:`competence.taxonomy.check` lists the same without raising.

        Notes
        -----
        Cost O(rows); the municipal taxonomy takes some hundredths of a second.
        """
        from competence.taxonomy.files import read_csv

        if format not in FORMATS:
            raise InputError(f"format must be one of {', '.join(FORMATS)}; got {format!r}")
        taxonomy, problems = read_csv(cls, Path(path))
        if problems:
            first = problems[0]
            raise TaxonomyError(
                f"{len(problems)} rows of {Path(path).name} cannot be used; the first: {first.file} row {first.row}: "
                f"{first.message('en')}",
                problems,
            )
        return taxonomy

    def write(self, path: str | Path) -> Path:
        """Write the CSV form to a folder, or to one zip file when ``path`` ends in ``.zip``; return the path.

        Rows are sorted by id and zip dates are fixed, so equal content gives equal bytes. ``Taxonomy.read`` gives an
        equal taxonomy back.
        """
        from competence.taxonomy.files import write_csv

        return write_csv(self, Path(path))

    def check(self) -> Problems:
        """Return every fault of the content; see :func:`competence.taxonomy.check`."""
        from competence.taxonomy.checks import check_content

        return check_content(self)

    @property
    def title(self) -> str:
        """The Swedish title, else any, else the id."""
        return self.titles.get("sv") or next(iter(self.titles.values()), self.id)

    @cached_property
    def competences(self) -> tuple[Concept, ...]:
        """The concepts that can be held: all but groups."""
        return tuple(c for c in self.concepts.values() if c.kind is not ConceptKind.GROUP)

    def concept(self, concept_id: str) -> Concept:
        """Return the concept with this id.

        Raises
        ------
        UnknownIdError
            If there is none; the message offers the three nearest.
        """
        try:
            return self.concepts[concept_id]
        except KeyError:
            raise UnknownIdError(_nearest("concept", concept_id, self.concepts)) from None

    def role(self, role_id: str) -> Role:
        """Return the role with this id.

        Raises
        ------
        UnknownIdError
            If there is none; the message offers the three nearest.
        """
        try:
            return self.roles[role_id]
        except KeyError:
            raise UnknownIdError(_nearest("role", role_id, self.roles)) from None

    @cached_property
    def _narrower(self) -> Mapping[str, tuple[str, ...]]:
        found: dict[str, list[str]] = {}
        for concept in self.concepts.values():
            for parent in concept.broader:
                found.setdefault(parent, []).append(concept.concept_id)
        return MappingProxyType({k: tuple(v) for k, v in found.items()})

    def narrower(self, concept_id: str) -> tuple[str, ...]:
        """Return the ids one step under this concept or group, in the order of the files."""
        self.concept(concept_id)
        return self._narrower.get(concept_id, ())

    def ancestors(self, concept_id: str) -> tuple[str, ...]:
        """Return the ids above this concept, nearest first, each once; a cycle does not loop."""
        found: dict[str, None] = {}
        queue = list(self.concept(concept_id).broader)
        while queue:
            current = queue.pop(0)
            if current in found or current == concept_id or current not in self.concepts:
                continue
            found[current] = None
            queue.extend(self.concepts[current].broader)
        return tuple(found)

    def merged(self, concepts: Iterable[Concept] = (), roles: Iterable[Role] = ()) -> Self:
        """Return a taxonomy with these concepts and roles added; one with an id that exists takes its place."""
        return replace(
            self,
            concepts={**self.concepts, **{c.concept_id: c for c in concepts}},
            roles={**self.roles, **{r.role_id: r for r in roles}},
            stated_digest="",
        )

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the content, independent of the order of concepts, roles, labels and requirements."""
        head = [self.id, self.version]
        body = [_plain(self.concepts[key]) for key in sorted(self.concepts)]
        tail = [_plain(self.roles[key]) for key in sorted(self.roles)]
        raw = json.dumps([head, body, tail], ensure_ascii=False, separators=(",", ":"))
        return hashlib.sha256(raw.encode()).hexdigest()

    def __iter__(self) -> Iterator[Concept]:
        return iter(self.concepts.values())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Taxonomy) and self.digest == other.digest

    def __hash__(self) -> int:
        return hash(self.digest)

    def __repr__(self) -> str:
        groups = len(self.concepts) - len(self.competences)
        return f"Taxonomy({self.id} {self.version}: {len(self.competences)} concepts, {groups} groups, {len(self.roles)} roles)"


def bundled_folders() -> tuple[Path, ...]:
    """Return the folders where bundled taxonomies may lie, in the order they are searched."""
    package = Path(__file__).resolve().parent.parent
    return (package / "_taxonomies", package.parent / "taxonomies")


def _unique(records: Iterable[T], key: Callable[[T], str], table: str, problems: list[Problem]) -> dict[str, T]:
    found: dict[str, T] = {}
    for record in records:
        if key(record) in found:
            problems.append(Problem(code="taxonomy_id_duplicate", table=table, value=key(record)))
        found[key(record)] = record
    return found


def _nearest(what: str, wanted: str, records: Mapping[str, Concept] | Mapping[str, Role]) -> str:
    from rapidfuzz import fuzz, process

    names: dict[str, str] = {}
    for key, record in records.items():
        names[key] = key
        for label in record.labels.values():
            names.setdefault(label.casefold(), key)
    found = process.extract(wanted.casefold(), list(names), scorer=fuzz.ratio, limit=9)
    near = list(dict.fromkeys(names[name] for name, _, _ in found))[:3]
    return f"no {what} with id {wanted!r}; nearest: {', '.join(near) or 'none'}"


def _plain(record: Concept | Role) -> list[Any]:
    """Turn a record into JSON values whose order is that of content, not of files."""
    labels = sorted(record.labels.items())
    others = sorted((lang, sorted(found)) for lang, found in record.alternative_labels.items() if found)
    if isinstance(record, Role):
        wants = sorted([r.concept_id, r.level, r.importance.value, r.weight, r.hard, r.source] for r in record.requirements)
        return [record.role_id, labels, others, record.sector, record.ssyk, record.isco, sorted(record.aid), wants]
    return [
        record.concept_id,
        record.kind.value,
        labels,
        others,
        sorted(record.descriptions.items()),
        sorted(record.broader),
        sorted(record.related),
        record.currency_months,
        record.safety_critical,
        record.rarely_named,
        sorted(record.matches),
    ]
