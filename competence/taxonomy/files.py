"""How a taxonomy lies on disk: CSV files and ``about.toml`` in a folder or a zip.

This module decides columns, spelling of values and row order, and turns rows into records while collecting every row
that cannot be used. Whether the content is sound is :mod:`competence.taxonomy.checks`.

=================  ======================================================================================================
groups.csv         group_id, preferred_label_sv, preferred_label_en, description_sv, description_en
concepts.csv       concept_id, kind, preferred_label_sv, preferred_label_en, description_sv, description_en,
                   currency_months (empty: for life), safety_critical (0/1), rarely_named (0/1)
labels.csv         id (concept, group or role), lang, label: the alternative labels
relations.csv      subject, predicate (broader, related, exact_match, close_match, broad_match, narrow_match, related_match),
                   object (id, or URI for the matches); a role is the subject of matches only
roles.csv          role_id, preferred_label_sv, preferred_label_en, sector, ssyk, isco, aid (several: space between)
requirements.csv   role_id, concept_id, level (1-5), importance, weight (0, 1], hard (0/1), source
sayings_sv.csv     concept_id (empty: means no concept), saying: what people say, in whole phrases; one file per language
asked_sv.csv       the same columns: how people ask for a concept or call it (empty id: asks for nobody's competence)
about.toml         id, version, licence, sources, sha256, [title] and [description] with sv and en
=================  ======================================================================================================

Groups, concepts and roles may have further columns, written only when something stands in them: preferred_label_fi and
description_fi (any other language), notation (the publisher's code), scheme (which taxonomy a record of a merged one is from).
Beside these files may lie ``kept_apart.csv``, an editor's notes on near-duplicates (:mod:`competence.taxonomy.near`).
"""

from __future__ import annotations

import csv
import io
import json
import re
import tomllib
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from competence.errors import Problem, ProblemEffect, Problems, UnreadableFileError
from competence.model import Concept, ConceptKind, Importance, Requirement, Role
from competence.taxonomy.core import MATCHES, NOTHING, Taxonomy
from competence.taxonomy.releases import Release

__all__ = ["COLUMNS", "SAYINGS", "read_csv", "read_leniently", "write_csv"]

TaxonomyT = TypeVar("TaxonomyT", bound=Taxonomy)

COLUMNS: Mapping[str, tuple[str, ...]] = {
    "groups": ("group_id", "preferred_label_sv", "preferred_label_en", "description_sv", "description_en"),
    "concepts": (
        "concept_id",
        "kind",
        "preferred_label_sv",
        "preferred_label_en",
        "description_sv",
        "description_en",
        "currency_months",
        "safety_critical",
        "rarely_named",
    ),
    "labels": ("id", "lang", "label"),
    "relations": ("subject", "predicate", "object"),
    "roles": ("role_id", "preferred_label_sv", "preferred_label_en", "sector", "ssyk", "isco", "aid"),
    "requirements": ("role_id", "concept_id", "level", "importance", "weight", "hard", "source"),
}
"""Columns of each file, in order."""

SAYINGS = ("concept_id", "saying")
"""Columns of the files of sayings and of what is asked for, one file for each language."""

_LANGUAGES = ("sv", "en")
_SAYINGS = re.compile(r"(sayings|asked)_([A-Za-z]{2,3}(?:-[A-Za-z0-9]+)*)\.csv")
_OTHER_LANGUAGE = re.compile(r"preferred_label_([A-Za-z]{2,3}(?:-[A-Za-z0-9]+)*)")


@dataclass
class _Row:
    """One row with where it stands, and the list that its faults go to."""

    table: str
    number: int
    cells: Mapping[str, str]
    problems: list[Problem]

    def get(self, column: str) -> str:
        return (self.cells.get(column) or "").strip()

    def fault(self, code: str, column: str, value: str | None = None, detail: str = "") -> None:
        self.problems.append(
            Problem(
                code=code,
                table=self.table,
                row=self.number,
                column=column,
                value=self.get(column) if value is None else value,
                detail=detail,
                effect=ProblemEffect.SET_ASIDE,
                file=f"{self.table}.csv",
            )
        )

    def whole(self, column: str, low: int, high: int) -> int | None:
        raw = self.get(column)
        if raw.isascii() and raw.isdigit() and low <= int(raw) <= high:
            return int(raw)
        self.fault("taxonomy_value", column, detail=f"{low}–{high}")
        return None

    def share(self, column: str) -> float | None:
        try:
            value = float(self.get(column))
        except ValueError:
            value = 0.0
        if 0 < value <= 1:
            return value
        self.fault("taxonomy_value", column, detail="0 < x ≤ 1")
        return None

    def flag(self, column: str) -> bool | None:
        raw = self.get(column) or "0"
        if raw in ("0", "1"):
            return raw == "1"
        self.fault("taxonomy_value", column, detail="0, 1")
        return None

    def one_of(self, column: str, allowed: Iterable[str]) -> str | None:
        allowed = tuple(allowed)
        if self.get(column) in allowed:
            return self.get(column)
        self.fault("taxonomy_value", column, detail=", ".join(allowed))
        return None

    def by_language(self, stem: str) -> dict[str, str]:
        start = f"{stem}_"
        return {c.removeprefix(start): self.get(c) for c in self.cells if c and c.startswith(start) and self.get(c)}


@dataclass
class _Parts:
    """What the secondary files say of each id, before the records are made."""

    alternative: dict[str, dict[str, list[str]]] = field(default_factory=dict)
    broader: dict[str, list[str]] = field(default_factory=dict)
    related: dict[str, list[str]] = field(default_factory=dict)
    matches: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    requirements: dict[str, list[Requirement]] = field(default_factory=dict)


def read_csv(cls: type[TaxonomyT], release: Release) -> tuple[TaxonomyT, Problems]:
    """Read the files of ``release`` into a ``cls``, with a Problem for each row that could not be used."""
    problems: list[Problem] = []
    if "concepts.csv" not in release:
        raise UnreadableFileError(f"{release.name} has no concepts.csv; a taxonomy folder or zip needs one")
    about = _about(release)
    scheme = str(about.get("id") or release.places[0].stem)
    rows = {table: list(_rows(table, release, problems)) for table in COLUMNS}
    ids = _ids(rows)
    languages: dict[str, dict[str, str]] = {"sayings": {}, "asked": {}}
    for met in filter(None, map(_SAYINGS.fullmatch, release.names)):
        languages[met[1]][met[2]] = met.string
    parts = _gather(rows, ids)
    concepts = {**_groups(rows["groups"], parts, scheme), **_concepts(rows["concepts"], parts, scheme)}
    taxonomy = cls(
        id=scheme,
        concepts=concepts,
        roles=_roles(rows["roles"], parts, scheme),
        titles=_texts(about.get("title")),
        descriptions=_texts(about.get("description")),
        version=str(about.get("version", "")),
        licence=str(about.get("licence", "")),
        sources=tuple(str(s) for s in about.get("sources", ())),
        stated_digest=str(about.get("sha256", "")),
        format="csv",
        spoken={lang: _sayings(f"sayings_{lang}", ids, release, problems) for lang in _ordered(languages["sayings"])},
        asked={lang: _sayings(f"asked_{lang}", ids, release, problems) for lang in _ordered(languages["asked"])},
    )
    return taxonomy, Problems(problems)


def read_leniently(path: Path) -> tuple[Taxonomy, Problems]:
    """Read what can be read in any format, for the checker: rows with faults are left out and told."""
    from competence.taxonomy.opening import read_any

    return read_any(Taxonomy, path)


def write_csv(taxonomy: Taxonomy, path: Path) -> Path:
    """Write ``taxonomy`` to a folder, or to one zip when ``path`` ends in ``.zip``."""
    contents = {f"{table}.csv": _csv(*found) for table, found in _tables(taxonomy).items()}
    for name, words in (("sayings", taxonomy.spoken), ("asked", taxonomy.asked)):
        for lang, by_id in words.items():
            contents[f"{name}_{lang}.csv"] = _csv(SAYINGS, [(key, said) for key in sorted(by_id) for said in by_id[key]])
    contents["about.toml"] = _about_text(taxonomy)
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in contents.items():
                # A fixed date makes equal content give equal bytes.
                archive.writestr(zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0)), content, zipfile.ZIP_DEFLATED)
        return path
    path.mkdir(parents=True, exist_ok=True)
    for name, content in contents.items():
        (path / name).write_text(content, encoding="utf-8", newline="")
    return path


def _about(release: Release) -> dict[str, Any]:
    try:
        return tomllib.loads(release.text("about.toml")) if "about.toml" in release else {}
    except tomllib.TOMLDecodeError as error:
        raise UnreadableFileError(f"about.toml of {release.name} is not TOML: {error}") from error


def _texts(value: object) -> dict[str, str]:
    return {str(k): str(v) for k, v in value.items()} if isinstance(value, dict) else {}


def _rows(table: str, release: Release, problems: list[Problem]) -> Iterator[_Row]:
    name = f"{table}.csv"
    if name not in release:
        return
    opened = release.table(name)
    missing = [c for c in COLUMNS.get(table, SAYINGS) if c not in opened.headings]
    if missing:
        problems.append(
            Problem(
                code="taxonomy_column_missing",
                table=table,
                column=", ".join(missing),
                effect=ProblemEffect.SET_ASIDE,
                file=name,
            )
        )
        return
    for number, cells in opened.rows:
        # A row cut short lacks its last cells, and the rules of each column tell which may be empty.
        yield _Row(table, number, dict(zip(opened.headings, cells, strict=False)), problems)


def _sayings(table: str, ids: Mapping[str, str], release: Release, problems: list[Problem]) -> dict[str, tuple[str, ...]]:
    """Return the sayings of one language; the same one twice is kept, for the checker to tell."""
    found: dict[str, list[str]] = {}
    for row in _rows(table, release, problems):
        key, saying = row.get("concept_id"), row.get("saying")
        if key != NOTHING and ids.get(key) != "concepts":
            row.fault("taxonomy_reference_unknown", "concept_id")
        elif not saying:
            row.fault("taxonomy_value", "saying", detail="text")
        else:
            found.setdefault(key, []).append(saying)
    return {key: tuple(said) for key, said in found.items()}


def _ids(rows: Mapping[str, list[_Row]]) -> dict[str, str]:
    """Return the table of each id; an id used twice keeps its first row, and the later row is a Problem."""
    found: dict[str, str] = {}
    for table, column in (("groups", "group_id"), ("concepts", "concept_id"), ("roles", "role_id")):
        kept = []
        for row in rows[table]:
            key = row.get(column)
            if not key:
                row.fault("taxonomy_value", column, detail="id")
            elif key in found:
                row.fault("taxonomy_id_duplicate", column)
            else:
                found[key] = table
                kept.append(row)
        rows[table][:] = kept
    return found


def _gather(rows: Mapping[str, list[_Row]], ids: Mapping[str, str]) -> _Parts:
    parts = _Parts()
    # A language counts when some record is named in it, so that a slip of the pen in labels.csv is still told.
    named = [row.cells for table in ("groups", "concepts", "roles") for row in rows[table][:1]]
    others = {met[1] for cells in named for column in cells if (met := _OTHER_LANGUAGE.fullmatch(column or ""))}
    languages = (*_LANGUAGES, *sorted(others - set(_LANGUAGES)))
    for row in rows["labels"]:
        key, lang, label = row.get("id"), row.one_of("lang", languages), row.get("label")
        if key not in ids:
            row.fault("taxonomy_reference_unknown", "id")
        elif not label:
            row.fault("taxonomy_value", "label", detail="text")
        elif lang:
            parts.alternative.setdefault(key, {}).setdefault(lang, []).append(label)
    for row in rows["relations"]:
        subject, target = row.get("subject"), row.get("object")
        predicate = row.one_of("predicate", ("broader", "related", *MATCHES))
        if subject not in ids or (ids[subject] == "roles" and predicate not in MATCHES):
            row.fault("taxonomy_reference_unknown", "subject")
        elif predicate in MATCHES:
            parts.matches.setdefault(subject, []).append((predicate, target))
        elif predicate and ids.get(target) not in ("groups", "concepts"):
            row.fault("taxonomy_reference_unknown", "object")
        elif predicate:
            (parts.broader if predicate == "broader" else parts.related).setdefault(subject, []).append(target)
    for row in rows["requirements"]:
        role_id = row.get("role_id")
        if ids.get(role_id) != "roles":
            row.fault("taxonomy_reference_unknown", "role_id")
        elif ids.get(row.get("concept_id")) != "concepts":
            row.fault("taxonomy_reference_unknown", "concept_id")
        else:
            requirement = _requirement(row)
            if requirement is not None:
                parts.requirements.setdefault(role_id, []).append(requirement)
    return parts


def _requirement(row: _Row) -> Requirement | None:
    level, weight, hard = row.whole("level", 1, 5), row.share("weight"), row.flag("hard")
    importance = row.one_of("importance", tuple(Importance))
    if level is None or weight is None or hard is None or importance is None:
        return None
    return Requirement(
        concept_id=row.get("concept_id"),
        level=level,
        importance=Importance(importance),
        weight=weight,
        hard=hard,
        source=row.get("source"),
    )


def _scheme(row: _Row, key: str, scheme: str) -> str:
    """Tell what came from an employer's own file by its id."""
    return "local" if key.startswith("local:") else row.get("scheme") or scheme


def _alternative(parts: _Parts, key: str) -> dict[str, tuple[str, ...]]:
    return {lang: tuple(dict.fromkeys(found)) for lang, found in parts.alternative.get(key, {}).items()}


def _groups(rows: list[_Row], parts: _Parts, scheme: str) -> dict[str, Concept]:
    return {
        key: Concept(
            concept_id=key,
            kind=ConceptKind.GROUP,
            labels=row.by_language("preferred_label"),
            alternative_labels=_alternative(parts, key),
            descriptions=row.by_language("description"),
            broader=tuple(dict.fromkeys(parts.broader.get(key, ()))),
            related=tuple(dict.fromkeys(parts.related.get(key, ()))),
            currency_months=None,
            matches=tuple(parts.matches.get(key, ())),
            notation=row.get("notation"),
            scheme=_scheme(row, key, scheme),
        )
        for row in rows
        for key in (row.get("group_id"),)
    }


def _concepts(rows: list[_Row], parts: _Parts, scheme: str) -> dict[str, Concept]:
    found: dict[str, Concept] = {}
    kinds = tuple(k for k in ConceptKind if k is not ConceptKind.GROUP)
    for row in rows:
        key = row.get("concept_id")
        kind = row.one_of("kind", kinds)
        months = row.whole("currency_months", 1, 600) if row.get("currency_months") else None
        safety, rare = row.flag("safety_critical"), row.flag("rarely_named")
        if kind is None or safety is None or rare is None:
            continue
        found[key] = Concept(
            concept_id=key,
            kind=ConceptKind(kind),
            labels=row.by_language("preferred_label"),
            alternative_labels=_alternative(parts, key),
            descriptions=row.by_language("description"),
            broader=tuple(dict.fromkeys(parts.broader.get(key, ()))),
            related=tuple(dict.fromkeys(parts.related.get(key, ()))),
            currency_months=months,
            safety_critical=safety,
            rarely_named=rare,
            matches=tuple(parts.matches.get(key, ())),
            notation=row.get("notation"),
            scheme=_scheme(row, key, scheme),
        )
    return found


def _roles(rows: list[_Row], parts: _Parts, scheme: str) -> dict[str, Role]:
    return {
        key: Role(
            role_id=key,
            labels=row.by_language("preferred_label"),
            alternative_labels=_alternative(parts, key),
            sector=row.get("sector"),
            ssyk=row.get("ssyk"),
            isco=row.get("isco"),
            aid=tuple(row.get("aid").split()),
            requirements=tuple(parts.requirements.get(key, ())),
            matches=tuple(parts.matches.get(key, ())),
            scheme=_scheme(row, key, scheme),
            descriptions=row.by_language("description"),
        )
        for row in rows
        for key in (row.get("role_id"),)
    }


def _tables(taxonomy: Taxonomy) -> dict[str, tuple[tuple[str, ...], list[tuple[str, ...]]]]:
    """Return the columns and rows of each file, sorted by id; requirements by weight within a role."""
    records: dict[str, list[dict[str, str]]] = {table: [] for table in ("groups", "concepts", "roles")}
    tables: dict[str, list[tuple[str, ...]]] = {table: [] for table in ("labels", "relations", "requirements")}
    for key in sorted(taxonomy.concepts):
        concept = taxonomy.concepts[key]
        cells = {**_by_language("preferred_label", concept.labels), **_by_language("description", concept.descriptions)}
        cells |= _apart(concept, taxonomy.id, notation=concept.notation)
        if concept.kind is ConceptKind.GROUP:
            records["groups"].append({"group_id": key, **cells})
        else:
            cells |= {
                "concept_id": key,
                "kind": concept.kind.value,
                "currency_months": "" if concept.currency_months is None else str(concept.currency_months),
                "safety_critical": str(int(concept.safety_critical)),
                "rarely_named": str(int(concept.rarely_named)),
            }
            records["concepts"].append(cells)
        tables["relations"].extend((key, "broader", other) for other in sorted(concept.broader))
        tables["relations"].extend((key, "related", other) for other in sorted(concept.related))
        tables["relations"].extend((key, predicate, uri) for predicate, uri in sorted(concept.matches))
    for key in sorted(taxonomy.roles):
        role = taxonomy.roles[key]
        codes = {"sector": role.sector, "ssyk": role.ssyk, "isco": role.isco, "aid": " ".join(role.aid)}
        cells = {"role_id": key, **_by_language("preferred_label", role.labels), **codes, **_apart(role, taxonomy.id)}
        cells |= _by_language("description", role.descriptions)
        records["roles"].append(cells)
        tables["relations"].extend((key, predicate, uri) for predicate, uri in sorted(role.matches))
        for need in sorted(role.requirements, key=lambda r: (-r.hard, -r.weight, r.concept_id)):
            values = (str(need.level), need.importance.value, _number(need.weight), str(int(need.hard)), need.source)
            tables["requirements"].append((key, need.concept_id, *values))
    named: dict[str, Concept | Role] = {**taxonomy.concepts, **taxonomy.roles}
    for key in sorted(named):
        for lang in _ordered(named[key].alternative_labels):
            tables["labels"].extend((key, lang, label) for label in named[key].alternative_labels[lang])
    found = {table: (COLUMNS[table], rows) for table, rows in tables.items()}
    # A language that only alternative labels are in needs its column too, or it would not be known when read.
    spoken = {lang for record in named.values() for lang in record.alternative_labels} - set(_LANGUAGES)
    for table, rows in records.items():
        extra = {column for cells in rows for column, cell in cells.items() if cell} - set(COLUMNS[table])
        if table == "concepts":
            extra |= {f"preferred_label_{lang}" for lang in spoken}
        columns = (*COLUMNS[table], *sorted(extra))
        found[table] = (columns, [tuple(cells.get(column, "") for column in columns) for cells in rows])
    return found


def _by_language(stem: str, texts: Mapping[str, str]) -> dict[str, str]:
    return {f"{stem}_{lang}": text for lang, text in texts.items()}


def _ordered(texts: Mapping[str, object]) -> list[str]:
    """Return the languages of ``texts``, Swedish and English first."""
    return sorted(texts, key=lambda lang: (lang not in _LANGUAGES, lang == "en", lang))


def _apart(record: Concept | Role, id: str, *, notation: str = "") -> dict[str, str]:
    """Return what stands in a column of its own only where it says something."""
    scheme = "" if record.scheme in (id, "local") else record.scheme
    return {"scheme": scheme, "notation": notation}


def _number(value: float) -> str:
    """Write a number short, and whole where short would change it."""
    short = f"{value:g}"
    return short if float(short) == value else repr(value)


def _csv(columns: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return out.getvalue()


def _about_text(taxonomy: Taxonomy) -> str:
    # JSON strings are TOML basic strings as long as nothing is escaped beyond TOML's own set, which json keeps to.
    def quoted(value: str) -> str:
        return json.dumps(value, ensure_ascii=False)

    lines = [
        f"id = {quoted(taxonomy.id)}",
        f"version = {quoted(taxonomy.version)}",
        f"licence = {quoted(taxonomy.licence)}",
        f"sources = [{', '.join(quoted(s) for s in taxonomy.sources)}]",
        f"sha256 = {quoted(taxonomy.digest)}",
    ]
    for name, texts in (("title", taxonomy.titles), ("description", taxonomy.descriptions)):
        if texts:
            lines += ["", f"[{name}]", *(f"{lang} = {quoted(text)}" for lang, text in texts.items())]
    return "\n".join(lines) + "\n"
