"""CASE 1.1: a taxonomy as a CFPackage, the JSON of competency frameworks in education.

Which words of the package mean what stands in ``taxonomies/formats/case.toml``. An item becomes a concept, a group or, by
its type, a role; associations become relations and matches. What the specification has no place for (levels, weights, law,
further labels) is written as ``extensions`` and ``ext:`` associations, as it prescribes.

An item's id is its URI where that holds its identifier, else ``urn:uuid:`` and the identifier, the URI being kept as an
exact match. The label is the abbreviated statement, the full one then being the description; without it the full statement
is the label and the notes are the description. Written back, the longer of the two is the full statement. Kept: ids, labels,
codes, languages, types, the associations named in the layout. Not kept: grade levels, rubrics, subjects, dates, groupings.

References
----------
1EdTech Competencies and Academic Standards Exchange (CASE) 1.1, 2025,
https://standards.1edtech.org/case/specifications/standards/v1p1/rest
"""

from __future__ import annotations

import json
import re
import uuid
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

from competence.errors import ProblemEffect, Problems, UnreadableFileError
from competence.model import Concept, ConceptKind, Importance, Requirement, Role
from competence.taxonomy.core import MATCHES, Taxonomy
from competence.taxonomy.releases import Findings, Release, layout, load_json
from competence.taxonomy.skos import UNKNOWN_LANGUAGE, id_of, iri_of, main_language, scheme_iri, scheme_of
from competence.taxonomy.tables import Parts, assemble, drop_unnamed

__all__ = ["case_text", "read_case"]

TaxonomyT = TypeVar("TaxonomyT", bound=Taxonomy)

_UUID = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}$")
_DATE = "2000-01-01T00:00:00+00:00"
"""Every part of a package must say when it was changed, which a taxonomy does not know; one date for all, so that equal
content gives equal bytes."""


def read_case(cls: type[TaxonomyT], release: Release, langs: tuple[str, ...] | None) -> tuple[TaxonomyT, Problems]:
    """Read the one package of a release.

    Raises
    ------
    UnreadableFileError
        If there is none or several, or it is not JSON of that form.
    """
    names = [name for name in release.names if name.lower().endswith(".json")]
    if len(names) != 1:
        raise UnreadableFileError(f"{release.name} must have one .json file, a CASE package; it has {len(names)}")
    return _PackageReading(release, names[0], langs).read(cls)


class _PackageReading:
    """One reading of one package."""

    def __init__(self, release: Release, name: str, langs: tuple[str, ...] | None) -> None:
        self.words = layout("case")
        self.types = {
            word.casefold(): kind
            for kinds in (self.words["types"], self.words["kinds"])
            for kind, words in kinds.items()
            for word in words
        }
        self.predicates = {word: name for name, words in self.words["associations"].items() for word in words}
        self.findings: Findings = release.findings
        self.file = release.shown(name)
        self.langs = langs
        self.parts = Parts()
        self.ids: dict[str, str] = {}
        """Identifier or URI of an item, in lower case -> id."""
        self.default = UNKNOWN_LANGUAGE
        self.unknown = 0
        package = load_json(release, name)
        if not isinstance(package, dict) or not isinstance(package.get("CFItems"), list):
            raise UnreadableFileError(f"{self.file} is not a CASE package: it has no list CFItems")
        self.document: Mapping[str, Any] = package["CFDocument"] if isinstance(package.get("CFDocument"), dict) else {}
        self.items: list[Any] = package["CFItems"]
        associations = package.get("CFAssociations")
        self.associations: list[Any] = associations if isinstance(associations, list) else []
        if not isinstance(package.get("CFDocument"), dict):
            self.findings.add(
                "taxonomy_file_missing", file="CFDocument", detail="title, language, version", effect=ProblemEffect.NOTICE
            )

    def _tell(
        self,
        code: str,
        column: str,
        row: int,
        value: str | None = None,
        detail: str = "",
    ) -> None:
        """Tell a fault; ``row`` counts the items or associations from 1."""
        self.findings.add(
            code,
            table=column.partition(".")[0],
            file=self.file,
            row=row,
            column=column,
            value=value,
            detail=detail,
        )

    def read(self, cls: type[TaxonomyT]) -> tuple[TaxonomyT, Problems]:
        uri = _text(self.document, "uri") or _text(self.document, "identifier") or "case"
        self.default = main_language(_text(self.document, "language"))
        translations = self._translations()
        for number, item in enumerate(self.items, start=1):
            self._item(number, item, translations)
        self._translated(translations)
        for number, association in enumerate(self.associations, start=1):
            self._association(number, association)
        if self.unknown:
            self.findings.add(
                "taxonomy_language_unknown",
                file=self.file,
                value=UNKNOWN_LANGUAGE,
                count=self.unknown,
                effect=ProblemEffect.NOTICE,
            )
        licence = self.document.get("licenseURI")
        extensions = _extensions(self.document)
        title, about = _text(self.document, "title"), _text(self.document, "description")
        sources = extensions.get("sources")
        drop_unnamed(self.parts, self.findings, self.file)
        taxonomy = assemble(
            cls,
            self.parts,
            self.findings,
            id=scheme_of(uri),
            format="case",
            file_of=lambda _: self.file,
            titles=_by_language(extensions, "titles") or ({self.default: title} if title else {}),
            descriptions=_by_language(extensions, "descriptions") or ({self.default: about} if about else {}),
            version=_text(self.document, "version"),
            licence=_text(extensions, "licence")
            or (_text(licence, "title") or _text(licence, "uri") if isinstance(licence, dict) else ""),
            sources=[s for s in sources if isinstance(s, str)]
            if isinstance(sources, list)
            else [_text(self.document, "creator")],
        )
        return taxonomy, taxonomy.problems

    # Items

    def _translations(self) -> dict[str, str]:
        """Return identifier of each translation -> identifier of what it translates."""
        found = {}
        for association in self.associations:
            if isinstance(association, dict) and self.predicates.get(_text(association, "associationType")) == "translation":
                origin, target = _node(association, "originNodeURI"), _node(association, "destinationNodeURI")
                if origin[0] and target[0]:
                    found[origin[0].lower()] = target[0].lower()
        return found

    def _language(self, item: Mapping[str, Any]) -> str:
        lang = main_language(_text(item, "language")) if _text(item, "language") else self.default
        if lang == UNKNOWN_LANGUAGE:
            self.unknown += 1
        return lang

    def _item(self, number: int, item: Any, translations: Mapping[str, str]) -> None:
        identifier = _text(item, "identifier") if isinstance(item, dict) else ""
        if not identifier or not _text(item, "fullStatement"):
            column = "CFItems.fullStatement" if identifier else "CFItems.identifier"
            self._tell("taxonomy_value", column, number, identifier or None, "text")
            return
        if identifier.lower() in translations:
            return
        uri = _text(item, "uri")
        # Either the URI holds the identifier, or the identifier was made of it (as ours are).
        held = not uri or identifier.lower() in uri.lower() or identifier.lower() == _made_of(uri)
        key, scheme = id_of(uri if uri and held else f"urn:uuid:{identifier}")
        if key in self.parts or identifier.lower() in self.ids:
            self._tell("taxonomy_id_duplicate", "CFItems.identifier", number, identifier)
            return
        self.ids[identifier.lower()] = key
        if uri:
            self.ids.setdefault(uri.lower(), key)
        if not held:
            self.parts.matches.setdefault(key, {})[("exact_match", uri)] = None
        extra = self.parts.extra.setdefault(key, {})
        if scheme:
            extra["scheme"] = scheme
        self._typed(key, item)
        self._labels(key, item)
        self._extended(key, number, _extensions(item))

    def _typed(self, key: str, item: Mapping[str, Any]) -> None:
        kind = self.types.get(_text(item, "CFItemType").casefold(), "skill")
        if kind == "role":
            self.parts.roles[key] = {}
        else:
            self.parts.kinds[key] = ConceptKind(kind)
            code = _text(item, "humanCodingScheme")
            if code:
                self.parts.notations[key] = code

    def _labels(self, key: str, item: Mapping[str, Any]) -> None:
        lang, full, short = self._language(item), _text(item, "fullStatement"), _text(item, "abbreviatedStatement")
        if self.langs is not None and lang not in self.langs:
            return
        self.parts.add_label(key, lang, short or full)
        description = full if short else _text(item, "notes")
        if description:
            self.parts.descriptions.setdefault(key, {})[lang] = description
        self.parts.add_alternative(key, lang, _text(item, "alternativeLabel"))

    def _extended(self, key: str, number: int, extensions: Mapping[str, Any]) -> None:
        """Take what our own packages say beyond the specification; other publishers' extensions are left alone."""
        for lang, label in _by_language(extensions, "labels").items():
            if self.langs is None or lang in self.langs:
                self.parts.labels.setdefault(key, {})[lang] = label
        for lang, text in _by_language(extensions, "descriptions").items():
            if self.langs is None or lang in self.langs:
                self.parts.descriptions.setdefault(key, {})[lang] = text
        others = extensions.get("alternativeLabels")
        for tag, labels in others.items() if isinstance(others, dict) else ():
            lang = main_language(str(tag))
            for label in labels if isinstance(labels, list) else ():
                if isinstance(label, str) and (self.langs is None or lang in self.langs):
                    self.parts.add_alternative(key, lang, label.strip())
        extra = self.parts.extra[key]
        if "currencyMonths" in extensions:
            months = extensions["currencyMonths"]
            if months is None or (isinstance(months, int) and 1 <= months <= 600):
                extra["currency_months"] = months
            else:
                self._tell("taxonomy_value", "CFItems.extensions.currencyMonths", number, str(months)[:60], "1–600")
        for name, word in (("safety_critical", "safetyCritical"), ("rarely_named", "rarelyNamed")):
            if extensions.get(word) is True:
                extra[name] = True
        if key in self.parts.roles:
            for name in ("sector", "ssyk", "isco", "aid"):
                if _text(extensions, name):
                    self.parts.roles[key][name] = _text(extensions, name)

    def _translated(self, translations: Mapping[str, str]) -> None:
        """Give each translation's words to what it translates; its own id stays as an exact match."""
        for number, item in enumerate(self.items, start=1):
            origin = _text(item, "identifier").lower() if isinstance(item, dict) else ""
            if origin not in translations:
                continue
            # A translation of a translation leads to the same item, unless they lead round.
            target, seen = translations[origin], {origin}
            while target in translations and target not in seen:
                seen.add(target)
                target = translations[target]
            key = self.ids.get(target)
            if key is None:
                self._tell("taxonomy_reference_unknown", "CFAssociations.isTranslationOf", number, target)
                continue
            self._labels(key, item)
            self.parts.matches.setdefault(key, {})[("exact_match", _text(item, "uri") or f"urn:uuid:{origin}")] = None

    # Associations

    def _association(self, number: int, association: Any) -> None:
        word = _text(association, "associationType") if isinstance(association, dict) else ""
        origin, target = _node(association, "originNodeURI"), _node(association, "destinationNodeURI")
        predicate = self.predicates.get(word)
        if not word or not any(origin) or not any(target):
            self._tell("taxonomy_value", "CFAssociations.associationType", number, word or None, "associationType, URI")
            return
        if predicate == "translation":
            return
        own, other = self._known(origin), self._known(target)
        if predicate is None:
            self.findings.add(
                "taxonomy_not_kept", file=self.file, column=word, value=f"CFAssociation {word}", effect=ProblemEffect.NOTICE
            )
        elif own is None:
            self._tell("taxonomy_reference_unknown", f"CFAssociations.{word}", number, origin[0] or origin[1])
        elif predicate in MATCHES:
            self.parts.matches.setdefault(own, {})[(predicate, other or target[1] or f"urn:uuid:{target[0]}")] = None
        elif predicate == "broader" and self._is_document(target):
            return
        elif other is None:
            self._tell("taxonomy_reference_unknown", f"CFAssociations.{word}", number, target[0] or target[1])
        else:
            self._relate(number, predicate, own, other, _extensions(association))

    def _relate(self, number: int, predicate: str, own: str, other: str, extensions: Mapping[str, Any]) -> None:
        """Take a relation between two items; between a role and a competence it is a requirement."""
        roles = {own, other} & set(self.parts.roles)
        if predicate == "requires" or (len(roles) == 1 and predicate == "related"):
            role, concept = (other, own) if predicate == "related" and other in roles else (own, other)
            self._requirement(number, role, concept, extensions)
        elif roles:
            self.findings.add(
                "taxonomy_not_kept", file=self.file, value=f"CFAssociation ({predicate}, role)", effect=ProblemEffect.NOTICE
            )
        else:
            held = self.parts.broader if predicate == "broader" else self.parts.related
            held.setdefault(own, {})[other] = None

    def _requirement(self, number: int, role: str, concept: str, extensions: Mapping[str, Any]) -> None:
        usual = self.words["requirement"]
        level, weight = extensions.get("level", usual["level"]), extensions.get("weight", usual["weight"])
        importance = extensions.get("importance", usual["importance"])
        whole = isinstance(level, int) and not isinstance(level, bool) and 1 <= level <= 5
        share = isinstance(weight, int | float) and not isinstance(weight, bool) and 0 < weight <= 1
        if not whole or not share or importance not in tuple(Importance):
            self._tell(
                "taxonomy_value", "CFAssociations.extensions", number, json.dumps(extensions)[:100], "level, weight, importance"
            )
            return
        self.parts.requirements.setdefault(role, {})[concept] = Requirement(
            concept_id=concept,
            level=level,
            importance=Importance(importance),
            weight=float(weight),
            hard=extensions.get("hard") is True,
            source=_text(extensions, "source"),
        )

    def _known(self, node: tuple[str, str]) -> str | None:
        return self.ids.get(node[1].lower()) or self.ids.get(node[0].lower()) if any(node) else None

    def _is_document(self, node: tuple[str, str]) -> bool:
        own = {_text(self.document, "identifier").lower(), _text(self.document, "uri").lower()} - {""}
        return bool(own & {node[0].lower(), node[1].lower()})


def _text(record: Any, name: str) -> str:
    found = record.get(name) if isinstance(record, dict) else None
    return found.strip() if isinstance(found, str) else ""


def _node(association: Any, name: str) -> tuple[str, str]:
    """Return identifier and URI of one end; CASE 1.0 has packages where the end is the URI itself."""
    node = association.get(name) if isinstance(association, dict) else None
    if isinstance(node, str):
        met = _UUID.search(node)
        return (met[0] if met else "", node)
    return _text(node, "identifier"), _text(node, "uri")


def _extensions(record: Any) -> Mapping[str, Any]:
    found = record.get("extensions") if isinstance(record, dict) else None
    return found if isinstance(found, dict) else {}


def _by_language(record: Mapping[str, Any], name: str) -> dict[str, str]:
    found = record.get(name)
    if not isinstance(found, dict):
        return {}
    return {main_language(str(k)): v.strip() for k, v in found.items() if isinstance(v, str) and v.strip()}


# Writing


def case_text(taxonomy: Taxonomy) -> str:
    """Return the taxonomy as a CFPackage; equal content gives equal text."""
    return json.dumps(_package(taxonomy), ensure_ascii=False, indent=1) + "\n"


def _package(taxonomy: Taxonomy) -> dict[str, Any]:
    words = layout("case")
    records: dict[str, Concept | Role] = {**taxonomy.concepts, **taxonomy.roles}
    iris = {key: iri_of(key, record.scheme or taxonomy.id) for key, record in records.items()}
    spoken = Counter(lang for record in records.values() for lang in record.labels)
    # The language most are named in; Swedish, then English, where several are.
    main = min(spoken, key=lambda lang: (-spoken[lang], lang != "sv", lang != "en", lang), default="sv")
    document = scheme_iri(taxonomy.id)
    identifier = _Identifiers()
    return {
        "CFDocument": {"identifier": identifier(document), **_document(taxonomy, document, main, words)},
        "CFItems": [
            {"identifier": identifier(iris[key]), **_item(records[key], iris[key], main, words)} for key in sorted(records)
        ],
        "CFAssociations": list(_associations(taxonomy, document, iris, identifier, words)),
    }


class _Identifiers:
    """The UUID of each URI: the one it ends in unless another URI has that, else one made of the URI."""

    def __init__(self) -> None:
        self._of: dict[str, str] = {}
        self._taken: set[str] = set()

    def __call__(self, iri: str) -> str:
        if iri not in self._of:
            met = _UUID.search(iri)
            found = met[0] if met and met[0].lower() not in self._taken else _made_of(iri)
            self._of[iri] = found
            self._taken.add(found.lower())
        return self._of[iri]


def _made_of(iri: str) -> str:
    """Return the UUID that stands for a URI (RFC 9562, version 5)."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, iri))


def _document(taxonomy: Taxonomy, iri: str, lang: str, words: Mapping[str, Any]) -> dict[str, Any]:
    extensions = {
        "titles": dict(taxonomy.titles),
        "descriptions": dict(taxonomy.descriptions),
        "licence": taxonomy.licence,
        "sources": list(taxonomy.sources),
    }
    about = taxonomy.descriptions.get(lang)
    return {
        "uri": iri,
        "creator": "; ".join(taxonomy.sources) or taxonomy.id,
        "title": taxonomy.titles.get(lang) or taxonomy.title,
        "lastChangeDateTime": _DATE,
        "language": lang,
        **({"version": taxonomy.version} if taxonomy.version else {}),
        **({"description": about} if about else {}),
        "caseVersion": words["version"],
        "extensions": {name: value for name, value in extensions.items() if value},
    }


def _item(record: Concept | Role, iri: str, main: str, words: Mapping[str, Any]) -> dict[str, Any]:
    lang = main if main in record.labels or not record.labels else next(iter(sorted(record.labels)))
    label = record.labels.get(lang, iri)
    descriptions = record.descriptions
    description = descriptions.get(lang, "")
    item: dict[str, Any] = {"uri": iri, "language": lang, "lastChangeDateTime": _DATE}
    if len(label) <= min(words["lengths"]["abbreviated"], len(description)):
        item |= {"fullStatement": description, "abbreviatedStatement": label}
    else:
        item |= {"fullStatement": label, **({"notes": description} if description else {})}
    extensions: dict[str, Any] = {
        "labels": {k: v for k, v in sorted(record.labels.items()) if k != lang},
        "descriptions": {k: v for k, v in sorted(descriptions.items()) if k != lang},
    }
    others = {k: list(v) for k, v in sorted(record.alternative_labels.items()) if v}
    if len(others.get(lang, ())) == 1:
        item["alternativeLabel"] = others.pop(lang)[0]
    extensions["alternativeLabels"] = others
    if isinstance(record, Role):
        item["CFItemType"] = words["types"]["role"][0]
        codes = {"sector": record.sector, "ssyk": record.ssyk, "isco": record.isco, "aid": " ".join(record.aid)}
        extensions |= codes
    else:
        group = record.kind is ConceptKind.GROUP
        item["CFItemType"] = words["types"]["group"][0] if group else words["kinds"][record.kind.value][0]
        if record.notation:
            item["humanCodingScheme"] = record.notation
        extensions |= {"safetyCritical": record.safety_critical, "rarelyNamed": record.rarely_named}
    kept = {name: value for name, value in extensions.items() if value}
    if isinstance(record, Concept) and record.currency_months != (None if record.kind is ConceptKind.GROUP else 60):
        # None is a value here: for life.
        kept["currencyMonths"] = record.currency_months
    return {**item, **({"extensions": kept} if kept else {})}


def _associations(
    taxonomy: Taxonomy, document: str, iris: Mapping[str, str], identifier: _Identifiers, words: Mapping[str, Any]
) -> Iterator[dict[str, Any]]:
    named = {name: found[0] for name, found in words["associations"].items()}
    titles = {iris[key]: record.label() for records in (taxonomy.concepts, taxonomy.roles) for key, record in records.items()}

    def joined(origin: str, name: str, target: str, extensions: Mapping[str, Any] | None = None) -> dict[str, Any]:
        made = uuid.uuid5(uuid.NAMESPACE_URL, f"{origin} {named[name]} {target}")
        ends = {
            end: {"title": titles.get(iri, iri), "identifier": identifier(iri), "uri": iri}
            for end, iri in (("originNodeURI", origin), ("destinationNodeURI", target))
        }
        return {
            "identifier": str(made),
            "uri": f"urn:uuid:{made}",
            "associationType": named[name],
            **ends,
            "lastChangeDateTime": _DATE,
            **({"extensions": dict(extensions)} if extensions else {}),
        }

    titles[document] = taxonomy.title
    for key in sorted(taxonomy.concepts):
        concept, own = taxonomy.concepts[key], iris[key]
        if not concept.broader:
            # What has nothing above it hangs on the document, where readers of CASE begin.
            yield joined(own, "broader", document)
        for name, others in (("broader", concept.broader), ("related", concept.related)):
            for other in sorted(others):
                yield joined(own, name, iris.get(other) or iri_of(other, concept.scheme))
        for predicate, uri in sorted(concept.matches):
            yield joined(own, predicate, iris.get(uri, uri))
    for key in sorted(taxonomy.roles):
        role, own = taxonomy.roles[key], iris[key]
        for predicate, uri in sorted(role.matches):
            yield joined(own, predicate, iris.get(uri, uri))
        for need in sorted(role.requirements, key=lambda r: r.concept_id):
            told = {"level": need.level, "importance": need.importance.value, "weight": need.weight}
            told |= {name: value for name, value in (("hard", need.hard), ("source", need.source)) if value}
            yield joined(own, "requires", iris.get(need.concept_id) or iri_of(need.concept_id, role.scheme), told)
