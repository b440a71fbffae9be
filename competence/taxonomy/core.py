"""Taxonomy: an immutable set of concepts and roles, found by id.

This module decides what a taxonomy is and how its parts are found. How it lies on disk is
:mod:`competence.taxonomy.files`, what makes it sound is :mod:`competence.taxonomy.checks`; linking words to it is
:mod:`competence.linking`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Self, TypeVar

from competence.errors import InputError, Problem, ProblemEffect, Problems, TaxonomyError, UnknownIdError
from competence.model import Concept, ConceptKind, Role

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["FORMATS", "MATCHES", "NOTHING", "WRITTEN", "Taxonomy"]

T = TypeVar("T")

FORMATS = ("csv", "esco", "jobtech", "onet", "skos", "case")
"""Formats that ``Taxonomy.read`` knows."""
WRITTEN = ("csv", "skos", "case")
"""Formats that ``Taxonomy.write`` knows."""
MATCHES = ("exact_match", "close_match", "broad_match", "narrow_match", "related_match")
"""Kinds of match with a concept of another taxonomy (SKOS mapping properties), the closest first."""
NOTHING = ""
"""What stands in place of a concept id for sayings that mean none."""


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
    format : str
        What it was read from (one of ``FORMATS``); empty when it was made of records or merged.
    problems : Problems
        What of another publisher's release was set aside when it was read, and what should be known of it.
    spoken : Mapping of str to Mapping of str to tuple of str
        What people say when they mean a concept, by language and concept id; see ``sayings``.
    asked : Mapping of str to Mapping of str to tuple of str
        The plain words with which people ask for a concept or call it ("nån som kan laga en punka?"), by language and concept
        id. Like ``spoken`` words to learn links from, but they tell nothing of how a competence is claimed; under ``NOTHING``
        stand questions that ask for nobody's competence.

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
    format: str = ""
    problems: Problems = field(default_factory=Problems)
    spoken: Mapping[str, Mapping[str, tuple[str, ...]]] = field(default_factory=lambda: MappingProxyType({}))
    asked: Mapping[str, Mapping[str, tuple[str, ...]]] = field(default_factory=lambda: MappingProxyType({}))

    def __post_init__(self) -> None:
        for name in ("concepts", "roles", "titles", "descriptions"):
            object.__setattr__(self, name, MappingProxyType(dict(getattr(self, name))))
        for name in ("spoken", "asked"):
            words = {
                lang: MappingProxyType({key: tuple(said) for key, said in by_id.items() if said})
                for lang, by_id in getattr(self, name).items()
            }
            object.__setattr__(self, name, MappingProxyType({lang: by_id for lang, by_id in words.items() if by_id}))

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
    def read(
        cls,
        path: str | Path | Sequence[str | Path],
        format: str | None = None,
        *,
        langs: str | Sequence[str] | None = None,
    ) -> Self:
        """Read a taxonomy: our own CSV files, or a release of ESCO, JobTech, O*NET, SKOS or CASE.

        Parameters
        ----------
        path : str, Path or several of them
            Folder, zip or file. Several are read as one release, such as ESCO's English files and its Swedish ones.
            Files may end in ``.gz``.
        format : str, optional
            ``csv`` (ours), ``esco``, ``jobtech``, ``onet`` (folders of tables), ``skos`` (Turtle, RDF/XML, JSON-LD; needs
            the extra ``formats``) or ``case`` (CASE 1.1 package). None recognises it by the files.
        langs : str or sequence of str, optional
            Languages to read, such as ``("sv", "en")``; None reads all there are. ``csv`` is always read whole.

        Returns
        -------
        Taxonomy
            ``problems`` says what of another publisher's release could not be used; such rows are set aside and the rest
            is kept. ESCO ids are its URIs, its occupations are roles (essential: weight 1, optional: 0.45, level 2).

        Raises
        ------
        InputError
            If the format is not known, or cannot be told from the files.
        UnreadableFileError
            If there is nothing to read there, or a file is missing, damaged or too large.
        MissingExtraError
            If SKOS is read without the extra ``formats``.
        TaxonomyError
            If rows of our own CSV files cannot be used (ids twice, values out of range, references to nothing), or
            nothing of a release can; ``problems`` lists them. :func:`competence.taxonomy.check` lists the same without raising.

        Notes
        -----
        Cost O(rows). The municipal taxonomy takes some hundredths of a second, ESCO in English a few seconds and some
        hundred MiB. Nothing is fetched from the network, whatever a file names.
        """
        from competence.taxonomy.opening import read_any

        taxonomy, problems = read_any(cls, path, format, langs)
        if (taxonomy.format == "csv" and problems) or not taxonomy.concepts:
            first = next((p for p in problems if p.effect is not ProblemEffect.NOTICE), None)
            what = f"{len(problems)} faults" if taxonomy.concepts else "nothing to use"
            place = " ".join(part for part in (first.file, f"row {first.row}" if first.row else "") if part) if first else ""
            told = f"; the first: {f'{place}: ' if place else ''}{first.message('en')}" if first else ""
            raise TaxonomyError(f"{taxonomy.id}: {what} in {taxonomy.format} files{told}", problems)
        return taxonomy

    def write(self, path: str | Path, format: str | None = None) -> Path:
        """Write the taxonomy and return the path.

        Parameters
        ----------
        path : str or Path
            A folder, or a file: ``.zip`` for our CSV files in one, ``.ttl``, ``.rdf`` or ``.jsonld`` for SKOS, ``.json`` for
            CASE.
        format : str, optional
            ``csv``, ``skos`` or ``case``; None goes by the ending, and is ``csv`` for a folder or a zip.

        Raises
        ------
        InputError
            If the format is not one of these, or the ending does not go with it.

        Notes
        -----
        Rows are sorted by id and dates are fixed, so equal content gives equal bytes. ``Taxonomy.read`` gives an equal
        taxonomy back from ``csv``; from ``skos`` and ``case`` all ids, labels, relations, requirements and matches, but no
        sayings, which they have no place for. Nothing needs the extra ``formats``.
        """
        from competence.taxonomy.opening import write_any

        return write_any(self, Path(path), format)

    def to_matches(
        self, ids: Iterable[str], scheme: str, *, kinds: Sequence[str] = ("exact_match", "close_match")
    ) -> dict[str, tuple[str, ...]]:
        """Read concepts or roles as ids of another taxonomy.

        Parameters
        ----------
        ids : iterable of str
            Ids of this taxonomy: a person's concepts, a role.
        scheme : str
            ``esco``, ``jobtech`` or ``onet``, or the beginning of the URIs asked for.
        kinds : sequence of str
            Kinds of match that count (``MATCHES``), the preferred first. Broad and narrow ones change what is said.

        Returns
        -------
        dict of str to tuple of str
            For each id, in the order given, its ids there; none where there is no match, itself where it is one of them.

        Raises
        ------
        InputError
            If a kind or the scheme is not known.
        UnknownIdError
            If an id is not in this taxonomy.

        Examples
        --------
        >>> esco = "http://data.europa.eu/esco/skill/3f6ba5d0"
        >>> own = Taxonomy.of([Concept(concept_id="finnish", matches=(("exact_match", esco),)), Concept(concept_id="thrift")])
        >>> own.to_matches(["finnish", "thrift"], "esco")
        {'finnish': ('http://data.europa.eu/esco/skill/3f6ba5d0',), 'thrift': ()}
        >>> own.from_matches([esco])
        {'http://data.europa.eu/esco/skill/3f6ba5d0': ('finnish',)}
        """
        starts = _starts(scheme)
        kinds = _kinds(kinds)
        found = {}
        for key in ids:
            record: Concept | Role = self.roles[key] if key in self.roles else self.concept(key)
            own = [key] if key.startswith(starts) else []
            matched = [uri for kind in kinds for predicate, uri in record.matches if predicate == kind and uri.startswith(starts)]
            found[key] = tuple(dict.fromkeys([*own, *matched]))
        return found

    def from_matches(
        self, uris: Iterable[str], *, kinds: Sequence[str] = ("exact_match", "close_match")
    ) -> dict[str, tuple[str, ...]]:
        """Read ids of another taxonomy as our own; the way back of :meth:`to_matches`.

        Returns
        -------
        dict of str to tuple of str
            For each URI, in the order given, the ids of the concepts and roles matched with it, the closest kind first, then
            in the order of the files; none where nothing is.
        """
        kinds = _kinds(kinds)
        found = {}
        for uri in uris:
            own = [uri] if uri in self.concepts or uri in self.roles else []
            found[uri] = tuple(dict.fromkeys([*own, *(key for kind in kinds for key in self._matched.get((kind, uri), ()))]))
        return found

    @cached_property
    def _matched(self) -> Mapping[tuple[str, str], tuple[str, ...]]:
        found: dict[tuple[str, str], list[str]] = {}
        for records in (self.concepts, self.roles):
            for key, record in records.items():
                for match in record.matches:
                    found.setdefault(match, []).append(key)
        return MappingProxyType({match: tuple(keys) for match, keys in found.items()})

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

    def sayings(self, lang: str) -> Mapping[str, tuple[str, ...]]:
        """Return what people say in a language when they mean a concept, in whole phrases as spoken.

        Words to learn links from: they are neither labels nor shown to anyone as names.

        Parameters
        ----------
        lang : str
            Such as ``sv`` or ``en``.

        Returns
        -------
        Mapping of str to tuple of str
            By concept id, in the order of the files. Under ``NOTHING`` (the empty id) stand those that mean no concept:
            wishes, complaints, what one cannot, what others can. Empty when there are none in that language.

        Examples
        --------
        >>> said = {"sv": {"welding": ("lagade räcket med migen",), NOTHING: ("önskar att vi fick längre raster",)}}
        >>> small = Taxonomy.of([Concept(concept_id="welding")])
        >>> replace(small, spoken=said).sayings("sv")["welding"]
        ('lagade räcket med migen',)
        >>> dict(small.sayings("sv"))
        {}
        """
        return self.spoken.get(lang, MappingProxyType({}))

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
            format="",
        )

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the content, independent of the order of concepts, roles, labels, sayings, plain words and requirements."""
        head = [self.id, self.version]
        body = [_plain(self.concepts[key]) for key in sorted(self.concepts)]
        tail = [_plain(self.roles[key]) for key in sorted(self.roles)]
        # What came later stands last and only where it says something, so that digests stated before stay true.
        later = [
            [[lang, sorted((key, sorted(of)) for key, of in by_id.items())] for lang, by_id in sorted(words.items())]
            for words in (self.spoken, self.asked)
        ]
        while later and not later[-1]:
            later.pop()
        raw = json.dumps([head, body, tail, *later], ensure_ascii=False, separators=(",", ":"))
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


def _starts(scheme: str) -> tuple[str, ...]:
    """Return how the ids of a taxonomy begin."""
    from competence.taxonomy.releases import layout, layout_names

    if ":" in scheme:
        return (scheme,)
    known = {name: tuple(layout(name).get("uris", ())) for name in layout_names()}
    if not known.get(scheme):
        named = ", ".join(name for name, starts in known.items() if starts)
        raise InputError(f"scheme must be one of {named}, or the beginning of a URI; got {scheme!r}")
    return known[scheme]


def _kinds(kinds: Sequence[str]) -> tuple[str, ...]:
    kinds = (kinds,) if isinstance(kinds, str) else tuple(kinds)
    unknown = [kind for kind in kinds if kind not in MATCHES]
    if unknown:
        raise InputError(f"kinds must be among {', '.join(MATCHES)}; got {', '.join(map(repr, unknown))}")
    return kinds


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
        codes = [record.sector, record.ssyk, record.isco, sorted(record.aid)]
        # What came later stands last and only where it says something, so that digests stated before stay true.
        matches = [sorted(record.matches)] if record.matches else []
        descriptions = [dict(sorted(record.descriptions.items()))] if record.descriptions else []
        return [record.role_id, labels, others, *codes, wants, *matches, *descriptions]
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
        *([record.notation] if record.notation else []),
    ]
