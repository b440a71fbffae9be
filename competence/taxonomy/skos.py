"""SKOS: a taxonomy as an RDF graph, read from and written to Turtle, RDF/XML and JSON-LD.

Which class and property means what stands in ``taxonomies/formats/skos.toml``. Reading needs rdflib (the extra
``formats``); writing does not, since a sorted list of plain statements is all there is to write, and rdflib neither keeps
an order nor writes large graphs fast. Nothing is fetched: a JSON-LD context at an address is refused.

References
----------
SKOS Simple Knowledge Organization System Reference, W3C 2009, https://www.w3.org/TR/skos-reference/
"""

from __future__ import annotations

import json
import re
import uuid
import xml.sax
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote, unquote
from xml.sax.saxutils import escape, quoteattr

from competence.errors import InputError, MissingExtraError, ProblemEffect, Problems, UnreadableFileError
from competence.model import Concept, ConceptKind, Importance, Requirement, Role
from competence.taxonomy.core import Taxonomy
from competence.taxonomy.releases import Findings, Release, layout, load_json
from competence.taxonomy.tables import Parts, assemble, drop_unnamed

if TYPE_CHECKING:
    import rdflib

__all__ = ["UNKNOWN_LANGUAGE", "id_of", "iri_of", "main_language", "read_skos", "scheme_iri", "scheme_of", "skos_text"]

TaxonomyT = TypeVar("TaxonomyT", bound=Taxonomy)

UNKNOWN_LANGUAGE = "und"
"""ISO 639-2 code of texts that do not say their language."""

_OWN = "urn:x-competence:"
"""Begins the URIs of what has none: ours are ``urn:x-competence:<taxonomy>:<id>``."""
_IRI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[^\x00-\x20<>\"{}|\\^`]+")
_LARGEST_GRAPH = 60_000_000
"""Bytes of a graph: rdflib needs about ten times that in memory and a minute per 20 MB. ESCO's whole graph is far larger,
and its CSV files hold the same."""
_TURTLE = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def iri_of(key: str, scheme: str) -> str:
    """Return the URI of an id: itself where it is one, else ours with the name of its taxonomy.

    Examples
    --------
    >>> iri_of("finnish", "municipal")
    'urn:x-competence:municipal:finnish'
    >>> id_of("urn:x-competence:municipal:finnish")
    ('finnish', 'municipal')
    """
    if _IRI.fullmatch(key) and not key.startswith(_OWN):
        return key
    return f"{_OWN}{quote(scheme or 'local', safe='')}:{quote(key, safe='')}"


def id_of(iri: str) -> tuple[str, str]:
    """Return the id that a URI stands for, and its taxonomy where the URI is one of ours (else empty)."""
    if iri.startswith(_OWN):
        scheme, colon, key = iri[len(_OWN) :].partition(":")
        if colon and key:
            return unquote(key), unquote(scheme)
    return iri, ""


def scheme_iri(id: str) -> str:
    """Return the URI of a taxonomy: its id where that is one, else ours with its name."""
    return id if _IRI.fullmatch(id) and not id.startswith(_OWN) else f"{_OWN}{quote(id or 'local', safe='')}"


def scheme_of(iri: str) -> str:
    """Return the id of the taxonomy that a URI stands for."""
    return unquote(iri[len(_OWN) :]) if iri.startswith(_OWN) else iri


def main_language(tag: str) -> str:
    """Return the language of a tag without its region (``sv-SE`` is ``sv``); what is no language code is unknown."""
    met = re.match("[a-z]{2,3}(?![a-z0-9])", tag.strip().lower())
    return met[0] if met else UNKNOWN_LANGUAGE


class _Words:
    """The declared words as URIs."""

    def __init__(self) -> None:
        declared = layout("skos")
        self.prefixes: Mapping[str, str] = declared["prefixes"]
        self.classes = {name: [self.iri(w) for w in words] for name, words in declared["classes"].items()}
        self.properties = {name: [self.iri(w) for w in words] for name, words in declared["properties"].items()}
        self.matches = {name: self.iri(word) for name, word in declared["matches"].items()}
        self.kinds: Mapping[str, str] = declared["kinds"]
        self.isco = str(declared["isco"]["uri"])
        self.suffixes: Mapping[str, str] = declared["suffixes"]
        self.requirements: Mapping[str, Mapping[str, Any]] = declared["requirements"]

    def iri(self, word: str) -> str:
        prefix, _, local = word.partition(":")
        return self.prefixes[prefix] + local


# Reading


def read_skos(cls: type[TaxonomyT], release: Release, langs: tuple[str, ...] | None) -> tuple[TaxonomyT, Problems]:
    """Read the graphs of a release as one taxonomy.

    Raises
    ------
    MissingExtraError
        If rdflib is not installed.
    UnreadableFileError
        If there is no graph, or one is broken, names a context at an address, or is larger than 60 million bytes.
    """
    try:
        import rdflib
    except ImportError:
        raise MissingExtraError("SKOS is read with rdflib, which is not installed: pip install 'competence[formats]'") from None
    words = _Words()
    names = [name for name in release.names if Path(name).suffix.lower() in words.suffixes]
    if not names:
        raise UnreadableFileError(f"{release.name} has no file that ends in {', '.join(words.suffixes)}")
    # A store without named graphs: half the memory.
    graph = rdflib.Graph(store="SimpleMemory", bind_namespaces="none")
    for name in names:
        _parse(graph, release, name, words.suffixes[Path(name).suffix.lower()])
    return _GraphReading(graph, words, release.findings, langs, names).read(cls)


def _parse(graph: rdflib.Graph, release: Release, name: str, format: str) -> None:
    from rdflib.exceptions import ParserError
    from rdflib.plugins.parsers.jsonld import to_rdf

    shown = release.shown(name)
    raw = release.text(name)
    if len(raw) > _LARGEST_GRAPH:
        raise UnreadableFileError(
            f"{shown} is too large for a graph ({len(raw)} characters); read the publisher's CSV files instead"
        )
    values = load_json(release, name) if format == "json-ld" else None
    _refuse_addresses(values, shown)
    if format == "xml" and re.search(r"<!ENTITY[^>]*(?:\bSYSTEM\b|\bPUBLIC\b|&|%)", raw):
        # An entity may stand for a short text. One that names a file or another entity is how bombs are built.
        raise UnreadableFileError(f"{shown} declares entities that name files or each other; refused")
    try:
        if format == "json-ld":
            # Graph.parse goes over a class that rdflib itself calls deprecated.
            to_rdf(values, graph, base=_OWN)
        else:
            graph.parse(data=raw, format=format, publicID=_OWN)
    except (
        # rdflib raises what its parsers happen to run into; all of these have been seen on cut files.
        SyntaxError,
        ValueError,
        LookupError,
        TypeError,
        AttributeError,
        AssertionError,
        RecursionError,
        xml.sax.SAXException,
        ParserError,
    ) as error:
        why = " ".join(str(error).split())[:200] or type(error).__name__
        raise UnreadableFileError(f"{shown} is not {format}, or is cut short: {why}") from None


def _refuse_addresses(values: Any, shown: str) -> None:
    """Refuse JSON-LD whose meaning lies elsewhere: a context given as an address would be fetched."""
    waiting = [values]
    while waiting:
        value = waiting.pop()
        if isinstance(value, Mapping):
            contexts = value.get("@context", [])
            for context in contexts if isinstance(contexts, list) else [contexts]:
                if isinstance(context, str) or (isinstance(context, Mapping) and "@import" in context):
                    named = context if isinstance(context, str) else context["@import"]
                    raise UnreadableFileError(
                        f"{shown} names a context that lies elsewhere ({str(named)[:200]}), and nothing is fetched; "
                        "write the context into the file"
                    )
            waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(value)


class _GraphReading:
    """One reading of one graph; statements are taken in the order of their text, since a graph has none."""

    def __init__(
        self, graph: rdflib.Graph, words: _Words, findings: Findings, langs: tuple[str, ...] | None, names: list[str]
    ) -> None:
        import rdflib

        self.rdf = rdflib
        self.graph, self.words, self.findings, self.langs = graph, words, findings, langs
        self.file = ", ".join(names)
        self.parts = Parts()
        self.ids: dict[Any, str] = {}
        self.unknown = 0
        self.default = UNKNOWN_LANGUAGE

    def read(self, cls: type[TaxonomyT]) -> tuple[TaxonomyT, Problems]:
        scheme = self._scheme()
        self.default = self._default_language(scheme)
        self._collections()
        roles = self._typed("role")
        for node in sorted({*self._typed("concept"), *self._named()} - roles, key=str):
            self._concept(node)
        for node in sorted(roles, key=str):
            self._role(node)
        for node, key in self.ids.items():
            self._relations(node, key)
        for node in sorted(roles, key=str):
            if node in self.ids:
                self._requirements(node, self.ids[node])
        if self.unknown:
            self.findings.add(
                "taxonomy_language_unknown", file=self.file, value=self.default, count=self.unknown, effect=ProblemEffect.NOTICE
            )
        drop_unnamed(self.parts, self.findings, self.file)
        taxonomy = assemble(
            cls,
            self.parts,
            self.findings,
            id="skos" if scheme is None else scheme_of(str(scheme)),
            format="skos",
            file_of=lambda _: self.file,
            titles=self._texts(scheme, "title"),
            descriptions=self._texts(scheme, "scheme_description"),
            version=self._text(scheme, "version"),
            licence=self._text(scheme, "licence"),
            sources=[str(o) for o in self._objects(scheme, "source")],
        )
        return taxonomy, taxonomy.problems

    # Statements

    def _objects(self, node: Any, name: str) -> list[Any]:
        """Return what stands for the first of the declared properties that stands for anything."""
        if node is None:
            return []
        for iri in self.words.properties[name]:
            found = sorted(self.graph.objects(node, self.rdf.URIRef(iri)), key=_order)
            if found:
                return found
        return []

    def _all(self, node: Any, name: str) -> Iterator[Any]:
        for iri in self.words.properties[name]:
            yield from sorted(self.graph.objects(node, self.rdf.URIRef(iri)), key=_order)

    def _text(self, node: Any, name: str) -> str:
        return next((str(o).strip() for o in self._objects(node, name)), "")

    def _language(self, literal: Any) -> str:
        tag = getattr(literal, "language", None)
        if not tag:
            self.unknown += 1
            return self.default
        return main_language(tag)

    def _literals(self, node: Any, name: str, deep: str = "") -> list[tuple[str, str]]:
        """Return (language, text) of labels, plain and (SKOS-XL) by way of a label of its own."""
        found = [o for o in self._all(node, name) if isinstance(o, self.rdf.Literal)]
        if deep:
            for label in self._all(node, deep):
                found += [o for o in self._all(label, "xl_literal") if isinstance(o, self.rdf.Literal)]
        texts = [(self._language(o), str(o).strip()) for o in found]
        return [(lang, text) for lang, text in dict.fromkeys(texts) if text and (self.langs is None or lang in self.langs)]

    def _texts(self, node: Any, name: str) -> dict[str, str]:
        if node is None:
            return {}
        found: dict[str, str] = {}
        for literal in self._objects(node, name):
            if isinstance(literal, self.rdf.Literal):
                found.setdefault(self._language(literal), str(literal).strip())
        return {lang: text for lang, text in found.items() if text and (self.langs is None or lang in self.langs)}

    def _typed(self, name: str) -> set[Any]:
        rdf_type = self.rdf.RDF.type
        return {n for iri in self.words.classes[name] for n in self.graph.subjects(rdf_type, self.rdf.URIRef(iri))}

    def _named(self) -> set[Any]:
        """Return what has a preferred label and no class: SKOS lets that be understood."""
        found = set()
        for name in ("label", "xl_label"):
            for iri in self.words.properties[name]:
                for node in self.graph.subjects(self.rdf.URIRef(iri), None):
                    if (node, self.rdf.RDF.type, None) not in self.graph:
                        found.add(node)
        return found

    # The whole

    def _scheme(self) -> Any:
        """Return the scheme of most concepts."""
        schemes = self._typed("scheme")
        used: dict[Any, int] = dict.fromkeys(schemes, 0)
        for iri in self.words.properties["in_scheme"]:
            for node in self.graph.objects(None, self.rdf.URIRef(iri)):
                used[node] = used.get(node, 0) + 1
        return min(used, key=lambda node: (-used[node], str(node)), default=None)

    def _default_language(self, scheme: Any) -> str:
        stated = [str(o) for o in self._objects(scheme, "language")]
        return main_language(stated[0].rpartition("/")[2]) if len(stated) == 1 else UNKNOWN_LANGUAGE

    def _collections(self) -> None:
        count = len(self._typed("collection"))
        if count:
            self.findings.add(
                "taxonomy_not_kept", file=self.file, value="skos:Collection", count=count, effect=ProblemEffect.NOTICE
            )

    # Concepts and roles

    def _new(self, node: Any, table: str) -> str:
        """Return the id of a node, empty where it cannot have one."""
        if not isinstance(node, self.rdf.URIRef):
            self.findings.add("taxonomy_value", table=table, file=self.file, column="id", value="_:", detail="URI")
            return ""
        key, scheme = id_of(str(node))
        if key in self.parts:
            self.findings.add("taxonomy_id_duplicate", table=table, file=self.file, value=key)
            return ""
        self.ids[node] = key
        if scheme:
            self.parts.extra.setdefault(key, {})["scheme"] = scheme
        return key

    def _words(self, node: Any, key: str) -> None:
        for lang, label in self._literals(node, "label", "xl_label"):
            preferred = self.parts.labels.setdefault(key, {}).setdefault(lang, label)
            if preferred != label:
                self.findings.add(
                    "taxonomy_label_twice",
                    file=self.file,
                    column=lang,
                    value=key,
                    detail=label,
                    effect=ProblemEffect.CHANGED,
                )
                self.parts.add_alternative(key, lang, label)
        for lang, label in self._literals(node, "alternatives", "xl_alternatives"):
            self.parts.add_alternative(key, lang, label)
        description = self._texts(node, "description")
        if description:
            self.parts.descriptions[key] = description

    def _concept(self, node: Any) -> None:
        key = self._new(node, "concepts")
        if not key:
            return
        self.parts.kinds[key] = self._kind(node)
        self._words(node, key)
        notation = self._text(node, "notation")
        if notation:
            self.parts.notations[key] = notation
        extra = self.parts.extra.setdefault(key, {})
        months = self._text(node, "currency_months")
        if months:
            extra["currency_months"] = self._number(months, key, "currency_months", 0, 600) or None
        for name in ("safety_critical", "rarely_named"):
            extra[name] = self._text(node, name) in ("true", "1")

    def _kind(self, node: Any) -> ConceptKind:
        for value in self._all(node, "kind"):
            word = self.words.kinds.get(str(value), str(value))
            if word in tuple(ConceptKind):
                return ConceptKind(word)
        return ConceptKind.SKILL

    def _role(self, node: Any) -> None:
        key = self._new(node, "roles")
        if not key:
            return
        codes = {name: self._text(node, name) for name in ("sector", "ssyk", "isco")}
        if not codes["isco"]:
            above = [str(o) for o in self._all(node, "broader") if str(o).startswith(self.words.isco)]
            codes["isco"] = above[0].removeprefix(self.words.isco) if above else ""
        codes["aid"] = " ".join(str(o) for o in self._objects(node, "aid"))
        self.parts.roles[key] = codes
        self._words(node, key)

    def _relations(self, node: Any, key: str) -> None:
        for predicate, iri in self.words.matches.items():
            for other in sorted(self.graph.objects(node, self.rdf.URIRef(iri)), key=_order):
                self.parts.matches.setdefault(key, {})[(predicate, str(other))] = None
        if key in self.parts.roles:
            others = [o for o in self._all(node, "broader") if not str(o).startswith(self.words.isco)]
            if others:
                self.findings.add(
                    "taxonomy_not_kept",
                    file=self.file,
                    value="skos:broader (role)",
                    count=len(others),
                    effect=ProblemEffect.NOTICE,
                )
            return
        for other in self._all(node, "broader"):
            self.parts.broader.setdefault(key, {})[self._known(other)] = None
        for other in self._all(node, "narrower"):
            self.parts.broader.setdefault(self._known(other), {})[key] = None
        for other in self._all(node, "related"):
            self.parts.related.setdefault(key, {})[self._known(other)] = None

    def _known(self, node: Any) -> str:
        return self.ids.get(node) or id_of(str(node))[0]

    def _requirements(self, node: Any, role: str) -> None:
        held = self.parts.requirements.setdefault(role, {})
        for wish in self._all(node, "requirement"):
            found = self._requirement(wish, role)
            if found is not None:
                held[found.concept_id] = found
        for name in ("essential", "optional"):
            declared = self.words.requirements[name]
            for other in self._all(node, name):
                concept = self._known(other)
                if concept not in held:
                    held[concept] = Requirement(
                        concept_id=concept,
                        level=declared["level"],
                        importance=Importance(declared["importance"]),
                        weight=declared["weight"],
                    )

    def _requirement(self, node: Any, role: str) -> Requirement | None:
        concept = next((self._known(o) for o in self._all(node, "requirement_concept")), "")
        level = self._number(self._text(node, "requirement_level") or "2", role, "level", 1, 5)
        weight = self._number(self._text(node, "requirement_weight") or "1", role, "weight", 0, 1)
        importance = self._text(node, "requirement_importance") or "essential"
        if not concept or level is None or not weight or level != int(level) or importance not in tuple(Importance):
            self.findings.add(
                "taxonomy_value", table="requirements", file=self.file, column="requirement", value=str(node), detail=role
            )
            return None
        return Requirement(
            concept_id=concept,
            level=int(level),
            importance=Importance(importance),
            weight=weight,
            hard=self._text(node, "requirement_hard") in ("true", "1"),
            source=self._text(node, "requirement_source"),
        )

    def _number(self, raw: str, key: str, column: str, low: float, high: float) -> Any:
        try:
            value = float(raw)
        except ValueError:
            value = float("nan")
        if low <= value <= high:
            return int(value) if value == int(value) and column != "weight" else value
        self.findings.add("taxonomy_value", file=self.file, column=column, value=raw, detail=f"{low}–{high}; {key}")
        return None


def _order(term: Any) -> tuple[str, str]:
    return str(term), str(getattr(term, "language", "") or "")


# Writing


@dataclass(frozen=True, slots=True, order=True)
class _Value:
    """An object of a statement: a URI, or a text with a language or a type."""

    text: str
    lang: str = ""
    type: str = ""
    is_iri: bool = False


_Subject = tuple[str, list[tuple[str, _Value]]]


def skos_text(taxonomy: Taxonomy, format: str) -> str:
    """Return the taxonomy as ``turtle``, ``nt``, ``xml`` or ``json-ld``; equal content gives equal text.

    Raises
    ------
    InputError
        If an id or a match cannot be written as a URI.
    """
    words = _Words()
    subjects = list(_statements(taxonomy, words))
    if format == "json-ld":
        return _json_ld(subjects, words)
    if format == "xml":
        return _rdf_xml(subjects, words)
    return _turtle(subjects, words, short=format == "turtle")


def _statements(taxonomy: Taxonomy, words: _Words) -> Iterator[_Subject]:
    scheme = scheme_iri(taxonomy.id)
    head = [_typed(words.classes["scheme"][0])]
    head += _labelled(words, "title", taxonomy.titles) + _labelled(words, "scheme_description", taxonomy.descriptions)
    head += [(words.properties[n][0], _Value(v)) for n, v in (("version", taxonomy.version), ("licence", taxonomy.licence)) if v]
    head += [(words.properties["source"][0], _Value(source)) for source in taxonomy.sources]
    yield scheme, _sorted(head)
    iris = {key: iri_of(key, concept.scheme or taxonomy.id) for key, concept in taxonomy.concepts.items()}
    for key in sorted(taxonomy.concepts):
        yield iris[key], _sorted(_concept_statements(taxonomy.concepts[key], scheme, iris, words))
    for key in sorted(taxonomy.roles):
        yield from _role_statements(
            taxonomy.roles[key], iri_of(key, taxonomy.roles[key].scheme or taxonomy.id), scheme, iris, words
        )


def _typed(iri: str) -> tuple[str, _Value]:
    return "http://www.w3.org/1999/02/22-rdf-syntax-ns#type", _Value(iri, is_iri=True)


def _sorted(found: Iterable[tuple[str, _Value]]) -> list[tuple[str, _Value]]:
    # The type first, as people expect it.
    return sorted(set(found), key=lambda s: (not s[0].endswith("#type"), s))


def _labelled(words: _Words, name: str, texts: Mapping[str, str]) -> list[tuple[str, _Value]]:
    tags = {lang: "" if lang == UNKNOWN_LANGUAGE else lang for lang in texts}
    return [(words.properties[name][0], _Value(text, lang=tags[lang])) for lang, text in texts.items() if text]


def _record_statements(record: Concept | Role, scheme: str, words: _Words) -> list[tuple[str, _Value]]:
    found = [(words.properties["in_scheme"][0], _Value(scheme, is_iri=True))]
    found += _labelled(words, "label", record.labels)
    for lang, labels in record.alternative_labels.items():
        for label in labels:
            found += _labelled(words, "alternatives", {lang: label})
    for predicate, uri in record.matches:
        if predicate not in words.matches:
            raise InputError(f"match must be one of {', '.join(words.matches)}; got {predicate!r} for {uri}")
        found.append((words.matches[predicate], _iri_value(uri)))
    return found


def _iri_value(uri: str) -> _Value:
    if not _IRI.fullmatch(uri):
        raise InputError(f"what is matched must be a URI; got {uri!r}")
    return _Value(uri, is_iri=True)


def _concept_statements(concept: Concept, scheme: str, iris: Mapping[str, str], words: _Words) -> list[tuple[str, _Value]]:
    own, xsd = words.properties, words.prefixes["xsd"]
    found = [_typed(words.classes["concept"][0]), *_record_statements(concept, scheme, words)]
    found += _labelled(words, "description", concept.descriptions)
    if concept.notation:
        found.append((own["notation"][0], _Value(concept.notation)))
    for name, others in (("broader", concept.broader), ("related", concept.related)):
        found += [(own[name][0], _Value(iris.get(other) or iri_of(other, concept.scheme), is_iri=True)) for other in others]
    if concept.kind is not ConceptKind.SKILL:
        found.append((own["kind"][0], _Value(concept.kind.value)))
    usual = None if concept.kind is ConceptKind.GROUP else 60
    if concept.currency_months != usual:
        # 0 stands for "for life": a graph has no empty cell.
        found.append((own["currency_months"][0], _Value(str(concept.currency_months or 0), type=f"{xsd}integer")))
    for name, flag in (("safety_critical", concept.safety_critical), ("rarely_named", concept.rarely_named)):
        if flag:
            found.append((own[name][0], _Value("true", type=f"{xsd}boolean")))
    return found


def _role_statements(role: Role, iri: str, scheme: str, iris: Mapping[str, str], words: _Words) -> Iterator[_Subject]:
    own, xsd = words.properties, words.prefixes["xsd"]
    found = [_typed(words.classes["concept"][0]), _typed(words.classes["role"][0]), *_record_statements(role, scheme, words)]
    found += _labelled(words, "description", role.descriptions)
    found += [(own[name][0], _Value(value)) for name in ("sector", "ssyk", "isco") if (value := getattr(role, name))]
    found += [(own["aid"][0], _Value(code)) for code in role.aid]
    wishes: list[_Subject] = []
    for need in role.requirements:
        concept = _Value(iris.get(need.concept_id) or iri_of(need.concept_id, role.scheme), is_iri=True)
        # Named after what it joins and not left blank: blank nodes have no order, and equal content is to give equal text.
        name = f"{_OWN}requirement:{uuid.uuid5(uuid.NAMESPACE_URL, f'{iri} {concept.text}')}"
        found += [(own[need.importance.value][0], concept), (own["requirement"][0], _Value(name, is_iri=True))]
        wish = [
            (own["requirement_concept"][0], concept),
            (own["requirement_level"][0], _Value(str(need.level), type=f"{xsd}integer")),
            (own["requirement_importance"][0], _Value(need.importance.value)),
            (own["requirement_weight"][0], _Value(repr(float(need.weight)), type=f"{xsd}double")),
        ]
        if need.hard:
            wish.append((own["requirement_hard"][0], _Value("true", type=f"{xsd}boolean")))
        if need.source:
            wish.append((own["requirement_source"][0], _Value(need.source)))
        wishes.append((name, _sorted(wish)))
    yield iri, _sorted(found)
    yield from sorted(wishes)


def _short(iri: str, words: _Words) -> str:
    """Return a URI of the vocabulary as prefix and name."""
    for prefix, start in words.prefixes.items():
        local = iri[len(start) :]
        if iri.startswith(start) and re.fullmatch(r"[A-Za-z][A-Za-z0-9]*", local):
            return f"{prefix}:{local}"
    return f"<{iri}>"


def _turtle(subjects: list[_Subject], words: _Words, *, short: bool) -> str:
    def named(iri: str) -> str:
        return _short(iri, words) if short else f"<{iri}>"

    def written(value: _Value) -> str:
        if value.is_iri:
            return named(value.text)
        quoted = f'"{"".join(_TURTLE.get(c, c) for c in value.text)}"'
        return f"{quoted}@{value.lang}" if value.lang else f"{quoted}^^{named(value.type)}" if value.type else quoted

    lines = [f"@prefix {prefix}: <{start}> ." for prefix, start in words.prefixes.items()] if short else []
    for subject, found in subjects:
        if short:
            told = " ;\n".join(f"    {named(predicate)} {written(value)}" for predicate, value in found)
            lines += ["", f"<{subject}>\n{told} ."]
        else:
            lines += [f"<{subject}> {named(predicate)} {written(value)} ." for predicate, value in found]
    return "\n".join(lines) + "\n"


def _rdf_xml(subjects: list[_Subject], words: _Words) -> str:
    def named(iri: str) -> str:
        return _short(iri, words)

    spaces = "".join(f"\n  xmlns:{prefix}={quoteattr(start)}" for prefix, start in words.prefixes.items())
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', f"<rdf:RDF{spaces}>"]
    for subject, found in subjects:
        lines.append(f"  <rdf:Description rdf:about={quoteattr(subject)}>")
        for predicate, value in found:
            name = named(predicate)
            if value.is_iri:
                lines.append(f"    <{name} rdf:resource={quoteattr(value.text)}/>")
                continue
            # XML cannot hold control characters, which no label needs.
            content = escape(_NOT_XML.sub(" ", value.text), {"\r": "&#13;"})
            of = (
                f" xml:lang={quoteattr(value.lang)}"
                if value.lang
                else f" rdf:datatype={quoteattr(value.type)}"
                if value.type
                else ""
            )
            lines.append(f"    <{name}{of}>{content}</{name}>")
        lines.append("  </rdf:Description>")
    return "\n".join([*lines, "</rdf:RDF>"]) + "\n"


def _json_ld(subjects: list[_Subject], words: _Words) -> str:
    records = []
    for subject, found in subjects:
        record: dict[str, Any] = {"@id": subject}
        for predicate, value in found:
            if predicate.endswith("#type"):
                record.setdefault("@type", []).append(_short(value.text, words))
                continue
            said: dict[str, str] = {"@id": value.text} if value.is_iri else {"@value": value.text}
            if value.lang:
                said["@language"] = value.lang
            if value.type:
                said["@type"] = value.type
            record.setdefault(_short(predicate, words), []).append(said)
        records.append(record)
    return json.dumps({"@context": dict(words.prefixes), "@graph": records}, ensure_ascii=False, indent=1) + "\n"
