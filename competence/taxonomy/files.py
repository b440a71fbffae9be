"""How a taxonomy lies on disk: six CSV files and ``about.toml`` in a folder or a zip.

This module decides columns, spelling of values and row order, and turns rows into records while collecting every row
that cannot be used. Whether the content is sound is :mod:`competence.taxonomy.checks`.

=================  ======================================================================================================
groups.csv         group_id, preferred_label_sv, preferred_label_en, description_sv, description_en
concepts.csv       concept_id, kind, preferred_label_sv, preferred_label_en, description_sv, description_en,
                   currency_months (empty: for life), safety_critical (0/1), rarely_named (0/1)
labels.csv         id (concept, group or role), lang, label: the alternative labels
relations.csv      subject, predicate (broader, related, exact_match, close_match), object (id, or URI for the matches)
roles.csv          role_id, preferred_label_sv, preferred_label_en, sector, ssyk, isco, aid (several: space between)
requirements.csv   role_id, concept_id, level (1-5), importance, weight (0, 1], hard (0/1), source
about.toml         id, version, licence, sources, sha256, [title] and [description] with sv and en
=================  ======================================================================================================
"""

from __future__ import annotations

import csv
import io
import json
import tomllib
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, TypeVar

from competence.errors import Problem, ProblemEffect, Problems, UnreadableFileError
from competence.model import Concept, ConceptKind, Importance, Requirement, Role
from competence.taxonomy.core import Taxonomy

__all__ = ["COLUMNS", "read_csv", "read_leniently", "write_csv"]

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

_LANGUAGES = ("sv", "en")
_MATCHES = ("exact_match", "close_match")
_LARGEST_MEMBER = 200_000_000
"""Bytes of one unpacked file in a zip; ESCO's largest is 20 MB. More is taken for a zip bomb."""


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
        return {lang: self.get(f"{stem}_{lang}") for lang in _LANGUAGES if self.get(f"{stem}_{lang}")}


@dataclass
class _Parts:
    """What the secondary files say of each id, before the records are made."""

    alternative: dict[str, dict[str, list[str]]] = field(default_factory=dict)
    broader: dict[str, list[str]] = field(default_factory=dict)
    related: dict[str, list[str]] = field(default_factory=dict)
    matches: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    requirements: dict[str, list[Requirement]] = field(default_factory=dict)


def read_csv(cls: type[TaxonomyT], path: Path) -> tuple[TaxonomyT, Problems]:
    """Read the files at ``path`` into a ``cls``, with a Problem for each row that could not be used."""
    opened = _open(path)
    problems: list[Problem] = []
    if "concepts.csv" not in opened:
        raise UnreadableFileError(f"{path.name} has no concepts.csv; a taxonomy folder or zip needs one")
    about = _about(opened, path)
    scheme = str(about.get("id") or path.stem)
    rows = {table: list(_rows(table, opened, problems)) for table in COLUMNS}
    ids = _ids(rows)
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
    )
    return taxonomy, Problems(problems)


def read_leniently(path: Path) -> tuple[Taxonomy, Problems]:
    """Read what can be read, for the checker: rows with faults are left out and told."""
    return read_csv(Taxonomy, path)


def write_csv(taxonomy: Taxonomy, path: Path) -> Path:
    """Write ``taxonomy`` to a folder, or to one zip when ``path`` ends in ``.zip``."""
    contents = {f"{table}.csv": _csv(COLUMNS[table], rows) for table, rows in _tables(taxonomy).items()}
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


def _open(path: Path) -> dict[str, str]:
    """Return the text of each known file, from a folder or a zip (whose files may lie in one folder)."""
    names = {f"{table}.csv" for table in COLUMNS} | {"about.toml"}
    found: dict[str, bytes] = {}
    try:
        if path.is_dir():
            found = {name: (path / name).read_bytes() for name in names if (path / name).is_file()}
        else:
            with zipfile.ZipFile(path) as archive:
                for info in archive.infolist():
                    name = PurePosixPath(info.filename).name
                    if name not in names:
                        continue
                    if info.file_size > _LARGEST_MEMBER:
                        raise UnreadableFileError(f"{path.name}: {name} would unpack to {info.file_size} bytes; refused")
                    found[name] = archive.read(info)
    except FileNotFoundError:
        raise UnreadableFileError(f"there is no taxonomy at {path.name}") from None
    except (zipfile.BadZipFile, EOFError) as error:
        raise UnreadableFileError(f"{path.name} is neither a folder nor a zip file that can be read: {error}") from error
    try:
        return {name: raw.decode("utf-8-sig") for name, raw in found.items()}
    except UnicodeDecodeError as error:
        raise UnreadableFileError(f"the files of {path.name} must be UTF-8: {error}") from error


def _about(opened: Mapping[str, str], path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(opened.get("about.toml", ""))
    except tomllib.TOMLDecodeError as error:
        raise UnreadableFileError(f"about.toml of {path.name} is not TOML: {error}") from error


def _texts(value: object) -> dict[str, str]:
    return {str(k): str(v) for k, v in value.items()} if isinstance(value, dict) else {}


def _rows(table: str, opened: Mapping[str, str], problems: list[Problem]) -> Iterator[_Row]:
    raw = opened.get(f"{table}.csv")
    if raw is None:
        return
    reader = csv.DictReader(io.StringIO(raw, newline=""))
    missing = [c for c in COLUMNS[table] if c not in (reader.fieldnames or ())]
    if missing:
        problems.append(
            Problem(
                code="taxonomy_column_missing",
                table=table,
                column=", ".join(missing),
                effect=ProblemEffect.SET_ASIDE,
                file=f"{table}.csv",
            )
        )
        return
    for cells in reader:
        # line_num counts lines, so quoted line breaks keep the number an editor shows.
        yield _Row(table, reader.line_num, cells, problems)


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
    for row in rows["labels"]:
        key, lang, label = row.get("id"), row.one_of("lang", _LANGUAGES), row.get("label")
        if key not in ids:
            row.fault("taxonomy_reference_unknown", "id")
        elif not label:
            row.fault("taxonomy_value", "label", detail="text")
        elif lang:
            parts.alternative.setdefault(key, {}).setdefault(lang, []).append(label)
    for row in rows["relations"]:
        subject, target = row.get("subject"), row.get("object")
        predicate = row.one_of("predicate", ("broader", "related", *_MATCHES))
        if ids.get(subject) not in ("groups", "concepts"):
            row.fault("taxonomy_reference_unknown", "subject")
        elif predicate in _MATCHES:
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


def _scheme(key: str, scheme: str) -> str:
    """Tell what came from an employer's own file by its id."""
    return "local" if key.startswith("local:") else scheme


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
            currency_months=None,
            scheme=_scheme(key, scheme),
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
            scheme=_scheme(key, scheme),
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
            scheme=_scheme(key, scheme),
        )
        for row in rows
        for key in (row.get("role_id"),)
    }


def _tables(taxonomy: Taxonomy) -> dict[str, list[tuple[str, ...]]]:
    """Return the rows of each file, sorted by id; requirements by weight within a role."""
    tables: dict[str, list[tuple[str, ...]]] = {table: [] for table in COLUMNS}
    for key in sorted(taxonomy.concepts):
        concept = taxonomy.concepts[key]
        words = tuple(texts.get(lang, "") for texts in (concept.labels, concept.descriptions) for lang in _LANGUAGES)
        if concept.kind is ConceptKind.GROUP:
            tables["groups"].append((key, *words))
        else:
            months = "" if concept.currency_months is None else str(concept.currency_months)
            flags = (str(int(concept.safety_critical)), str(int(concept.rarely_named)))
            tables["concepts"].append((key, concept.kind.value, *words, months, *flags))
        tables["relations"].extend((key, "broader", other) for other in sorted(concept.broader))
        tables["relations"].extend((key, "related", other) for other in sorted(concept.related))
        tables["relations"].extend((key, predicate, uri) for predicate, uri in sorted(concept.matches))
    for key in sorted(taxonomy.roles):
        role = taxonomy.roles[key]
        labels = tuple(role.labels.get(lang, "") for lang in _LANGUAGES)
        tables["roles"].append((key, *labels, role.sector, role.ssyk, role.isco, " ".join(role.aid)))
        for need in sorted(role.requirements, key=lambda r: (-r.hard, -r.weight, r.concept_id)):
            values = (str(need.level), need.importance.value, f"{need.weight:g}", str(int(need.hard)), need.source)
            tables["requirements"].append((key, need.concept_id, *values))
    named: dict[str, Concept | Role] = {**taxonomy.concepts, **taxonomy.roles}
    for key in sorted(named):
        for lang in _LANGUAGES:
            tables["labels"].extend((key, lang, label) for label in named[key].alternative_labels.get(lang, ()))
    return tables


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
