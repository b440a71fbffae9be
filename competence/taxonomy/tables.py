"""Releases that are tables: ESCO, O*NET and JobTech, read as their layouts in ``taxonomies/formats`` declare.

This module knows what a table can give (concepts, groups, roles, labels, kinds, an outline, broader and related concepts,
requirements) and nothing of any publisher; which file gives what, from which columns and words, stands in the layouts.
A row that cannot be used becomes a Problem and the rest is kept; only a release that gives no concept at all is refused.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from competence.errors import ProblemEffect, Problems, UnreadableFileError
from competence.model import Concept, ConceptKind, Importance, Requirement, Role
from competence.taxonomy.core import Taxonomy
from competence.taxonomy.releases import Findings, Release, layout, load_json

__all__ = ["Parts", "assemble", "drop_unnamed", "files_of", "read_tables"]

TaxonomyT = TypeVar("TaxonomyT", bound=Taxonomy)

_SAME_LABELS = 0.5
"""Share of labels equal to another language's from which a file is taken to be in that language by mistake. Product names
and loan words make some per cent alike in any two languages."""
_FEWEST_COMPARED = 20
_SAME_IN_EVERY_LANGUAGE = frozenset({"broader", "related", "requirements", "kind"})


@dataclass(frozen=True, slots=True)
class _Wish:
    """What a relation word is worth as a requirement."""

    importance: Importance
    weight: float
    level: int

    @classmethod
    def of(cls, declared: Mapping[str, Any]) -> _Wish:
        return cls(Importance(declared["importance"]), float(declared["weight"]), int(declared["level"]))


@dataclass
class Parts:
    """What the files of a release say of each id, before records are made of it."""

    kinds: dict[str, ConceptKind] = field(default_factory=dict)
    """Concepts and groups in the order they were met."""
    roles: dict[str, dict[str, str]] = field(default_factory=dict)
    """Roles in the order they were met, with sector and codes."""
    labels: dict[str, dict[str, str]] = field(default_factory=dict)
    alternatives: dict[str, dict[str, dict[str, None]]] = field(default_factory=dict)
    descriptions: dict[str, dict[str, str]] = field(default_factory=dict)
    notations: dict[str, str] = field(default_factory=dict)
    extra: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Further fields of a concept: currency_months, safety_critical, rarely_named, scheme."""
    broader: dict[str, dict[str, None]] = field(default_factory=dict)
    related: dict[str, dict[str, None]] = field(default_factory=dict)
    matches: dict[str, dict[tuple[str, str], None]] = field(default_factory=dict)
    requirements: dict[str, dict[str, Requirement]] = field(default_factory=dict)

    def __contains__(self, key: str) -> bool:
        return key in self.kinds or key in self.roles

    def add_label(self, key: str, lang: str, label: str) -> None:
        """Take the first label of a language as the preferred one, later ones as alternatives."""
        if label and self.labels.setdefault(key, {}).setdefault(lang, label) != label:
            self.add_alternative(key, lang, label)

    def add_alternative(self, key: str, lang: str, label: str) -> None:
        """Keep another label, once."""
        if label:
            self.alternatives.setdefault(key, {}).setdefault(lang, {})[label] = None

    def forget(self, key: str) -> None:
        """Take an id out again, with all that was said of it."""
        held: tuple[dict[str, Any], ...] = (
            self.kinds,
            self.roles,
            self.labels,
            self.alternatives,
            self.descriptions,
            self.notations,
            self.extra,
            self.broader,
            self.related,
            self.matches,
            self.requirements,
        )
        for part in held:
            part.pop(key, None)


def assemble(
    cls: type[TaxonomyT],
    parts: Parts,
    findings: Findings,
    *,
    id: str,
    format: str,
    file_of: Callable[[str], str] = lambda _: "",
    titles: Mapping[str, str] | None = None,
    descriptions: Mapping[str, str] | None = None,
    version: str = "",
    licence: str = "",
    sources: Iterable[str] = (),
) -> TaxonomyT:
    """Make the taxonomy of ``parts``: references to nothing and relations that close a circle are set aside and told.

    Parameters
    ----------
    file_of : callable
        Name of the file that gave a part (``broader``, ``related``, ``requirements``), for the Problems.
    """
    _resolve(parts, findings, file_of)
    _break_circles(parts, findings, file_of("broader"))
    concepts = {
        key: Concept(
            concept_id=key,
            kind=kind,
            labels=parts.labels.get(key, {}),
            alternative_labels=_other_labels(parts, key),
            descriptions=parts.descriptions.get(key, {}),
            broader=tuple(parts.broader.get(key, ())),
            related=tuple(parts.related.get(key, ())),
            currency_months=parts.extra.get(key, {}).get("currency_months", None if kind is ConceptKind.GROUP else 60),
            safety_critical=parts.extra.get(key, {}).get("safety_critical", False),
            rarely_named=parts.extra.get(key, {}).get("rarely_named", False),
            matches=tuple(parts.matches.get(key, ())),
            notation=parts.notations.get(key, ""),
            scheme=parts.extra.get(key, {}).get("scheme", id),
        )
        for key, kind in parts.kinds.items()
    }
    roles = {
        key: Role(
            role_id=key,
            labels=parts.labels.get(key, {}),
            alternative_labels=_other_labels(parts, key),
            sector=codes.get("sector", ""),
            ssyk=codes.get("ssyk", ""),
            isco=codes.get("isco", ""),
            aid=tuple(codes.get("aid", "").split()),
            requirements=tuple(parts.requirements.get(key, {}).values()),
            matches=tuple(parts.matches.get(key, ())),
            scheme=parts.extra.get(key, {}).get("scheme", id),
            descriptions=parts.descriptions.get(key, {}),
        )
        for key, codes in parts.roles.items()
    }
    return cls(
        id=id,
        concepts=concepts,
        roles=roles,
        titles=titles or {},
        descriptions=descriptions or {},
        version=version,
        licence=licence,
        sources=tuple(sources),
        format=format,
        problems=findings.problems(),
    )


def drop_unnamed(parts: Parts, findings: Findings, file: str = "") -> None:
    """Set aside what no language has a label for: nobody can be asked about it, and no words can be linked to it."""
    for key in [k for k in (*parts.kinds, *parts.roles) if not any(parts.labels.get(k, {}).values())]:
        table = "roles" if key in parts.roles else "concepts"
        findings.add("taxonomy_label_missing", table=table, file=file, column="label", value=key)
        parts.forget(key)


def _other_labels(parts: Parts, key: str) -> dict[str, tuple[str, ...]]:
    """Return the alternative labels without the preferred one, which ESCO repeats among them."""
    preferred = parts.labels.get(key, {})
    found = {
        lang: tuple(label for label in labels if label != preferred.get(lang))
        for lang, labels in parts.alternatives.get(key, {}).items()
    }
    return {lang: labels for lang, labels in found.items() if labels}


def _resolve(parts: Parts, findings: Findings, file_of: Callable[[str], str]) -> None:
    """Set aside relations and requirements of what is not there."""
    for name, relations in (("broader", parts.broader), ("related", parts.related)):
        for key, others in list(relations.items()):
            if key not in parts.kinds:
                findings.add(
                    "taxonomy_reference_unknown", table=name, file=file_of(name), column=name, value=key, count=len(others)
                )
                del relations[key]
                continue
            for other in [o for o in others if o not in parts.kinds]:
                findings.add("taxonomy_reference_unknown", table=name, file=file_of(name), column=name, value=other, detail=key)
                del others[other]
            if key in others:
                findings.add("taxonomy_relation_self", table=name, file=file_of(name), column=name, value=key)
                del others[key]
    name = "requirements"
    for role, wishes in list(parts.requirements.items()):
        if role not in parts.roles:
            findings.add(
                "taxonomy_reference_unknown", table=name, file=file_of(name), column="role", value=role, count=len(wishes)
            )
            del parts.requirements[role]
            continue
        for concept in [c for c in wishes if parts.kinds.get(c, ConceptKind.GROUP) is ConceptKind.GROUP]:
            findings.add(
                "taxonomy_reference_unknown", table=name, file=file_of(name), column="concept", value=concept, detail=role
            )
            del wishes[concept]


def _break_circles(parts: Parts, findings: Findings, file: str) -> None:
    """Set aside each broader relation that closes a circle, met in depth from the smallest id."""
    done: set[str] = set()
    for start in sorted(parts.broader):
        if start in done:
            continue
        path = {start: None}
        waiting = [list(parts.broader.get(start, ()))]
        while path:
            current = next(reversed(path))
            if not waiting[-1]:
                done.add(current)
                del path[current]
                waiting.pop()
                continue
            parent = waiting[-1].pop(0)
            if parent in path:
                way = list(path)
                circle = [*way[way.index(parent) :], parent]
                findings.add(
                    "taxonomy_cycle", table="broader", file=file, column="broader", value=current, detail=" → ".join(circle)
                )
                del parts.broader[current][parent]
            elif parent not in done:
                path[parent] = None
                waiting.append(list(parts.broader.get(parent, ())))


def files_of(patterns: Iterable[str], release: Release) -> Iterator[tuple[str, str]]:
    """Yield the files that meet the declared names, each with the language in its name (empty when there is none)."""
    for pattern in patterns:
        for name in release.names:
            met = re.fullmatch(re.escape(pattern).replace(r"\{lang\}", "(?P<lang>[a-z]{2,3})"), name)
            if met:
                yield name, met.groupdict().get("lang") or ""


def read_tables(cls: type[TaxonomyT], release: Release, format: str, langs: tuple[str, ...] | None) -> tuple[TaxonomyT, Problems]:
    """Read a release by its declared layout; the taxonomy has no concepts where it cannot be used.

    Raises
    ------
    UnreadableFileError
        If a file that must be there is not, or a file is broken.
    """
    return _Reading(release, format, langs).read(cls)


class _Reading:
    """One reading of one release: the layout, what was gathered, and what was found wrong."""

    def __init__(self, release: Release, format: str, langs: tuple[str, ...] | None) -> None:
        self.release = release
        self.format = format
        self.layout = layout(format)
        self.langs = langs
        self.parts = Parts()
        self.findings = release.findings
        self.prefix = str(self.layout.get("prefix", ""))
        self.files: dict[str, str] = {}
        self.by_language: dict[str, dict[str, dict[str, str]]] = {}
        """Kind of table -> language -> id -> preferred label, to see that the languages are of one release."""
        self.ssyk: dict[str, list[str]] = {}
        self.scaled: dict[tuple[str, str], dict[str, float]] = {}
        self.outline: dict[str, tuple[str, str]] = {}
        self.made: dict[_Wish, dict[str, Requirement]] = {}
        self.usable = True

    def read(self, cls: type[TaxonomyT]) -> tuple[TaxonomyT, Problems]:
        handlers: dict[str, Callable[[_Columns, Mapping[str, Any]], None]] = {
            "concepts": self._record,
            "groups": self._record,
            "roles": self._record,
            "labels": self._label,
            "kind": self._kind,
            "broader": self._relation,
            "related": self._relation,
            "requirements": self._requirement,
            "outline": self._outline_row,
        }
        for table in self.layout["tables"]:
            found = self._chosen(table)
            if not found:
                self._missing(table)
            for name, lang in found:
                self._table(name, lang, table, handlers[table["gives"]])
        self._json()
        self._close_outline()
        self._close_scales()
        self._compare_languages()
        drop_unnamed(self.parts, self.findings)
        taxonomy = assemble(
            cls,
            self.parts if self.usable else Parts(),
            self.findings,
            id=self.format,
            format=self.format,
            file_of=lambda part: self.files.get(part, ""),
            titles=self.layout.get("title"),
            version=self._version(),
            licence=str(self.layout.get("licence", "")),
            sources=[self.layout["attribution"]] if "attribution" in self.layout else [],
        )
        return taxonomy, taxonomy.problems

    def _chosen(self, table: Mapping[str, Any]) -> list[tuple[str, str]]:
        """Return the files of a table that are to be read, each with its language."""
        fixed = str(self.layout.get("lang", ""))
        found = [(name, lang or fixed) for name, lang in files_of(table["files"], self.release)]
        if table["gives"] in _SAME_IN_EVERY_LANGUAGE:
            # Relations stand in the files of each language from ESCO 1.2 on, and are the same in all of them.
            return found[:1]
        return [(name, lang) for name, lang in found if self.langs is None or lang in self.langs]

    def _missing(self, table: Mapping[str, Any]) -> None:
        names = " / ".join(table["files"])
        others = [f for f, _ in files_of(table["files"], self.release)]
        if others and self.langs is not None and table.get("required"):
            raise UnreadableFileError(f"{self.release.name} has {', '.join(others)}, and none in {', '.join(self.langs)}")
        if table.get("required") and not self._has_json():
            raise UnreadableFileError(f"{self.release.name} has no {names}; {self.format} cannot be read without it")
        if not table.get("optional") and not self._has_json():
            self.findings.add("taxonomy_file_missing", file=names, detail=table["gives"], effect=ProblemEffect.NOTICE)

    def _has_json(self) -> bool:
        return "json" in self.layout and any(name.lower().endswith(".json") for name in self.release.names)

    def _version(self) -> str:
        found = re.search(self.layout["version"], self.release.name) if "version" in self.layout else None
        return found[1].replace("_", ".") if found else ""

    # Tables

    def _table(self, name: str, lang: str, table: Mapping[str, Any], take: Callable[[_Columns, Mapping[str, Any]], None]) -> None:
        gives = str(table["gives"])
        opened = self.release.table(name)
        self.files.setdefault(gives, opened.name)
        places: dict[str, int] = {}
        for column, spellings in table["columns"].items():
            wanted = [str(s).replace("{lang}", lang) for s in spellings]
            index = next((opened.headings.index(w) for w in wanted if w in opened.headings), None)
            if index is not None:
                places[column] = index
            elif column in table["must"] or column in table.get("told", ()):
                must = column in table["must"]
                effect = ProblemEffect.SET_ASIDE if must else ProblemEffect.NOTICE
                self.findings.add(
                    "taxonomy_column_missing", table=gives, file=opened.name, column=" / ".join(wanted), effect=effect
                )
                if must and table.get("required"):
                    self.usable = False
        if any(column not in places for column in table["must"]):
            return
        wishes = {word: _Wish.of(declared) for word, declared in table.get("relations", {}).items()}
        columns = _Columns(opened.name, lang, gives, places, len(opened.headings), wishes)
        only = {places[c]: set(words) for c, words in table.get("only", {}).items() if c in places}
        only_not = {places[c]: set(words) for c, words in table.get("only_not", {}).items() if c in places}
        for number, cells in opened.rows:
            if len(cells) != columns.width:
                self.findings.add("taxonomy_row_cells", table=gives, file=opened.name, row=number, detail=str(columns.width))
                continue
            if only and any(cells[k].strip() not in words for k, words in only.items()):
                continue
            if only_not and any(cells[k].strip() in words for k, words in only_not.items()):
                continue
            columns.row, columns.cells = number, cells
            take(columns, table)

    def _fault(self, columns: _Columns, code: str, column: str, detail: str = "") -> None:
        self.findings.add(
            code,
            table=columns.gives,
            file=columns.file,
            row=columns.row,
            column=column,
            value=columns.get(column),
            detail=detail,
        )

    def _id(self, columns: _Columns, column: str) -> str:
        raw = columns.get(column)
        return f"{self.prefix}{raw}" if raw else ""

    def _record(self, columns: _Columns, table: Mapping[str, Any]) -> None:
        """Take a concept, a group or a role, in one language."""
        key, label = self._id(columns, "id"), columns.get("label")
        if not key:
            self._fault(columns, "taxonomy_value", "id", "id")
            return
        known = self.by_language.setdefault(columns.gives, {}).setdefault(columns.lang, {})
        if key in known:
            if not table.get("repeats"):
                self._fault(columns, "taxonomy_id_duplicate", "id")
                return
        elif key in self.parts and (key in self.parts.roles) != (columns.gives == "roles"):
            self._fault(columns, "taxonomy_id_duplicate", "id")
            return
        if key not in known:
            known[key] = label
            if columns.gives == "roles":
                self._role(key, columns)
            else:
                kind = self._kind_of(columns, table)
                if key not in self.parts.kinds:
                    self.parts.kinds[key] = kind
            if label:
                self.parts.labels.setdefault(key, {}).setdefault(columns.lang, label)
            if columns.get("description"):
                self.parts.descriptions.setdefault(key, {}).setdefault(columns.lang, columns.get("description"))
            if columns.get("notation"):
                self.parts.notations.setdefault(key, columns.get("notation"))
        for column in ("alternatives", "hidden"):
            for other in _several(columns.get(column), table.get("many", ())):
                self.parts.add_alternative(key, columns.lang, other)

    def _kind_of(self, columns: _Columns, table: Mapping[str, Any]) -> ConceptKind:
        if columns.gives == "groups":
            return ConceptKind.GROUP
        kind = ConceptKind(table.get("kind", "skill"))
        for column, words in table.get("kinds", {}).items():
            if columns.get(column) in words:
                kind = ConceptKind(words[columns.get(column)])
        return kind

    def _role(self, key: str, columns: _Columns) -> None:
        codes = self.parts.roles.setdefault(key, {})
        for name in ("ssyk", "isco", "sector"):
            if columns.get(name):
                codes.setdefault(name, columns.get(name))
        if codes.get("ssyk"):
            self.ssyk.setdefault(codes["ssyk"], []).append(key)

    def _label(self, columns: _Columns, table: Mapping[str, Any]) -> None:
        key, label = self._id(columns, "id"), columns.get("label")
        if key not in self.parts:
            self._fault(columns, "taxonomy_reference_unknown", "id")
        elif label and columns.get("order") == "0":
            self.parts.labels.setdefault(key, {}).setdefault(columns.lang, label)
        else:
            self.parts.add_alternative(key, columns.lang, label)

    def _kind(self, columns: _Columns, table: Mapping[str, Any]) -> None:
        key = self._id(columns, "id")
        if key in self.parts.kinds:
            self.parts.kinds[key] = ConceptKind(table["kind"])

    def _relation(self, columns: _Columns, table: Mapping[str, Any]) -> None:
        key, other = self._id(columns, "id"), self._id(columns, "other")
        held = self.parts.broader if columns.gives == "broader" else self.parts.related
        if not key or not other:
            self._fault(columns, "taxonomy_value", "id" if not key else "other", "id")
        elif key not in self.parts.kinds:
            # Told here and not when all is read, so that the row is known.
            self._fault(columns, "taxonomy_reference_unknown", "id")
        elif other not in self.parts.kinds:
            self._fault(columns, "taxonomy_reference_unknown", "other")
        elif key == other:
            self._fault(columns, "taxonomy_relation_self", "id")
        else:
            held.setdefault(key, {})[other] = None

    def _requirement(self, columns: _Columns, table: Mapping[str, Any]) -> None:
        concept = self._id(columns, "concept")
        roles = self.ssyk.get(columns.get("role"), []) if table.get("role_is") == "ssyk" else [self._id(columns, "role")]
        if not roles:
            # A group of occupations that no occupation name of this release belongs to.
            self._fault(columns, "taxonomy_reference_unknown", "role")
            return
        for role in roles:
            if role not in self.parts.roles:
                self._fault(columns, "taxonomy_reference_unknown", "role")
            elif self.parts.kinds.get(concept, ConceptKind.GROUP) is ConceptKind.GROUP:
                self._fault(columns, "taxonomy_reference_unknown", "concept")
            elif "scale" in table["must"]:
                self._scale(columns, role, concept)
            else:
                self._wish(columns, table, role, concept)

    def _wish(self, columns: _Columns, table: Mapping[str, Any], role: str, concept: str) -> None:
        wish = columns.wishes.get(columns.get("relation"))
        if wish is None:
            self._fault(columns, "taxonomy_value", "relation", ", ".join(w for w in columns.wishes if w))
            return
        held = self.parts.requirements.setdefault(role, {})
        new = self._requirement_of(concept, wish)
        if concept not in held:
            held[concept] = new
        elif table.get("repeats"):
            held[concept] = max(held[concept], new, key=lambda r: r.weight)
        else:
            self._fault(columns, "taxonomy_requirement_twice", "concept", role)

    def _requirement_of(self, concept: str, wish: _Wish) -> Requirement:
        # ESCO asks for the same in the same way 124 thousand times: one frozen record serves all of them.
        made = self.made.setdefault(wish, {})
        found = made.get(concept)
        if found is None:
            found = made[concept] = Requirement(
                concept_id=concept, level=wish.level, importance=wish.importance, weight=wish.weight
            )
        return found

    # Scales (O*NET)

    def _scale(self, columns: _Columns, role: str, concept: str) -> None:
        try:
            value = float(columns.get("value"))
        except ValueError:
            self._fault(columns, "taxonomy_value", "value", "0–7")
            return
        self.scaled.setdefault((role, concept), {})[columns.get("scale")] = value

    def _close_scales(self) -> None:
        """Make requirements of importance and level, once both are read."""
        scales = self.layout.get("scales")
        if not scales:
            return
        low, high = scales["lowest_importance"], scales["highest_importance"]
        for (role, concept), values in self.scaled.items():
            importance, level = values.get(scales["importance"]), values.get(scales["level"])
            if importance is None or not low <= importance <= high or importance < scales["optional_from"]:
                continue
            steps = scales["level_unknown"] if level is None else sum(level >= step for step in scales["steps"])
            wish = _Wish(
                Importance.ESSENTIAL if importance >= scales["essential_from"] else Importance.OPTIONAL,
                round((importance - low) / (high - low), 4),
                min(max(steps, 1), 5),
            )
            self.parts.requirements.setdefault(role, {})[concept] = self._requirement_of(concept, wish)

    # Outline (O*NET)

    def _outline_row(self, columns: _Columns, table: Mapping[str, Any]) -> None:
        if columns.get("id"):
            self.outline[columns.get("id")] = (columns.get("label"), columns.get("description"))

    def _close_outline(self) -> None:
        """Describe the concepts that stand in the outline, and make groups of what is above them."""
        lang = str(self.layout.get("lang", ""))
        for key in list(self.parts.kinds):
            code = key.removeprefix(self.prefix)
            if code not in self.outline:
                continue
            self._describe(key, code, lang)
            while "." in code:
                parent = code.rpartition(".")[0]
                if parent not in self.outline:
                    break
                above = f"{self.prefix}{parent}"
                self.parts.broader.setdefault(f"{self.prefix}{code}", {})[above] = None
                if above not in self.parts.kinds:
                    self.parts.kinds[above] = ConceptKind.GROUP
                    self.parts.labels[above] = {lang: self.outline[parent][0]}
                    self._describe(above, parent, lang)
                code = parent

    def _describe(self, key: str, code: str, lang: str) -> None:
        label, description = self.outline[code]
        if description and description != label:
            self.parts.descriptions.setdefault(key, {}).setdefault(lang, description)

    # JSON answers (JobTech)

    def _json(self) -> None:
        if "json" not in self.layout:
            return
        for name in self.release.names:
            if name.lower().endswith(".json"):
                _JsonConcepts(self, name).read()

    # Languages

    def _compare_languages(self) -> None:
        """Keep the ids of the fullest language; tell what a language lacks, and a file that is in another language."""
        for gives, languages in self.by_language.items():
            if len(languages) < 2:
                continue
            main = max(sorted(languages, key=lambda lang: (lang != "en", lang)), key=lambda lang: len(languages[lang]))
            ids = languages[main]
            for lang, labels in languages.items():
                if lang == main:
                    continue
                surplus = [key for key in labels if key not in ids]
                for key in surplus:
                    self.parts.forget(key)
                if surplus:
                    self.findings.add(
                        "taxonomy_language_surplus", table=gives, column=lang, value=surplus[0], detail=main, count=len(surplus)
                    )
                compared = [(label, ids[key]) for key, label in labels.items() if key in ids]
                same = sum(a == b for a, b in compared)
                if len(compared) >= _FEWEST_COMPARED and same >= _SAME_LABELS * len(compared):
                    self.findings.add(
                        "taxonomy_language_same",
                        table=gives,
                        column=lang,
                        value=main,
                        detail=f"{same}/{len(compared)}",
                        effect=ProblemEffect.NOTICE,
                    )
        self._missing_labels()

    def _missing_labels(self) -> None:
        groups = {
            "concepts": [k for k, kind in self.parts.kinds.items() if kind is not ConceptKind.GROUP],
            "groups": [k for k, kind in self.parts.kinds.items() if kind is ConceptKind.GROUP],
            "roles": list(self.parts.roles),
        }
        langs = sorted({lang for labels in self.parts.labels.values() for lang in labels})
        for gives, keys in groups.items():
            for lang in langs:
                without = sum(lang not in self.parts.labels.get(key, {}) for key in keys)
                if without:
                    self.findings.add(
                        "taxonomy_language_partial",
                        table=gives,
                        value=lang,
                        detail=str(len(keys)),
                        count=without,
                        effect=ProblemEffect.NOTICE,
                    )


@dataclass(slots=True)
class _Columns:
    """The row being read, by the names that layouts give its columns."""

    file: str
    lang: str
    gives: str
    places: Mapping[str, int]
    width: int
    wishes: Mapping[str, _Wish]
    row: int = 0
    cells: list[str] = field(default_factory=list)

    def get(self, column: str) -> str:
        place = self.places.get(column)
        return "" if place is None else self.cells[place].strip()


def _several(cell: str, separators: Iterable[str]) -> Iterator[str]:
    """Split a cell that holds several labels; ESCO separates them by line breaks, in its collections by bars."""
    parts = [cell]
    for separator in separators:
        parts = [piece for part in parts for piece in part.split(separator)]
    for part in parts:
        if part.strip():
            yield part.strip()


class _JsonConcepts:
    """Concepts as the JobTech GraphQL service answers: records that hold other records as related, broader, narrower."""

    def __init__(self, reading: _Reading, name: str) -> None:
        self.reading, self.name = reading, name
        self.words: Mapping[str, Any] = reading.layout["json"]
        self.lang = str(reading.layout["lang"])
        self.types: dict[str, str] = {}
        self.codes: dict[str, str] = {}
        self.asked: dict[str, dict[str, None]] = {}
        self.under: dict[str, dict[str, None]] = {}

    def read(self) -> None:
        values = load_json(self.reading.release, self.name)
        data = values.get("data") if isinstance(values, dict) else None
        concepts = data.get("concepts") if isinstance(data, dict) else None
        if not isinstance(concepts, list):
            raise UnreadableFileError(f'{self.name}: it must be {{"data": {{"concepts": [...]}}}}')
        # A list to work off and no recursion: how deep records lie in each other is the file's choice.
        waiting: deque[tuple[Any, int]] = deque((record, number) for number, record in enumerate(concepts, start=1))
        while waiting:
            record, number = waiting.popleft()
            waiting.extend((other, number) for other in self._take(record, number))
        self._close()

    def _fault(self, code: str, number: int, column: str, value: str, detail: str = "") -> None:
        self.reading.findings.add(code, table="concepts", file=self.name, row=number, column=column, value=value, detail=detail)

    def _take(self, record: Any, number: int) -> list[Any]:
        """Take one record and return those inside it."""
        key = record.get("id") if isinstance(record, dict) else None
        if not isinstance(key, str) or not key:
            self._fault("taxonomy_value", number, "id", str(key)[:60], "id")
            return []
        own, label, kind = f"{self.reading.prefix}{key}", self._text(record, "label"), self._type(record, key)
        parts = self.reading.parts
        if kind in self.words["roles"]:
            parts.roles.setdefault(own, {})
        elif kind in self.words["kinds"]:
            parts.kinds.setdefault(own, ConceptKind(self.words["kinds"][kind]))
        if own in parts and label:
            parts.labels.setdefault(own, {}).setdefault(self.lang, label)
            for other in self._texts(record, "alternatives"):
                parts.add_alternative(own, self.lang, other)
            description = self._text(record, "description")
            if description and description != label:
                parts.descriptions.setdefault(own, {}).setdefault(self.lang, description)
        code = self._text(record, "code")
        if code:
            self.codes[own] = code
        inside = []
        for relation in ("broader", "narrower", "related"):
            for name in self.words[relation]:
                for other in record.get(name) or ():
                    if isinstance(other, dict) and isinstance(other.get("id"), str):
                        self._relate(own, relation, f"{self.reading.prefix}{other['id']}")
                        inside.append(other)
        for name, predicate in self.words["matches"].items():
            for other in record.get(name) or ():
                uri = other.get("uri") or other.get("id") if isinstance(other, dict) else None
                if isinstance(uri, str):
                    uri = uri if ":" in uri else f"{self.reading.prefix}{uri}"
                    parts.matches.setdefault(own, {})[(predicate, uri)] = None
        return inside

    def _type(self, record: Mapping[str, Any], key: str) -> str:
        found = record.get("type")
        if isinstance(found, str):
            self.types[f"{self.reading.prefix}{key}"] = found
            return found
        return self.types.get(f"{self.reading.prefix}{key}", "")

    def _text(self, record: Mapping[str, Any], name: str) -> str:
        found = next((record[n] for n in self.words[name] if isinstance(record.get(n), str)), "")
        return str(found).strip()

    def _texts(self, record: Mapping[str, Any], name: str) -> Iterator[str]:
        for column in self.words[name]:
            for found in record.get(column) or ():
                if isinstance(found, str) and found.strip():
                    yield found.strip()

    def _relate(self, own: str, relation: str, other: str) -> None:
        if relation == "related":
            self.asked.setdefault(own, {})[other] = None
            return
        low, high = (own, other) if relation == "broader" else (other, own)
        self.under.setdefault(low, {})[high] = None

    def _close(self) -> None:
        """Make relations and requirements, now that the type of every record is known."""
        parts, groups = self.reading.parts, set(self.words["role_groups"])
        for low, above in self.under.items():
            for high in above:
                if low in parts.kinds and high in parts.kinds:
                    parts.broader.setdefault(low, {})[high] = None
                elif low in parts.roles and self.types.get(high) in groups and high in self.codes:
                    parts.roles[low].setdefault("ssyk", self.codes[high])
        for key, codes in parts.roles.items():
            if codes.get("ssyk") and key not in self.reading.ssyk.get(codes["ssyk"], ()):
                self.reading.ssyk.setdefault(codes["ssyk"], []).append(key)
        wish = _Wish.of(self.words["requirement"])
        for one, others in self.asked.items():
            for other in others:
                # The service tells a relation from either end.
                for left, right in ((one, other), (other, one)):
                    if right not in parts.kinds or parts.kinds[right] is ConceptKind.GROUP:
                        continue
                    if left in parts.kinds and left == one:
                        parts.related.setdefault(left, {})[right] = None
                    roles = [left] if left in parts.roles else self.reading.ssyk.get(self.codes.get(left, "-"), [])
                    for role in roles:
                        held = parts.requirements.setdefault(role, {})
                        held.setdefault(right, self.reading._requirement_of(right, wish))
