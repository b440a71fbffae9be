"""The reference data as taxonomies the product's linker takes: shared by benchmarks/linking.py and benchmarks/skills.py.

A query of the development sets is a row of JobTech's lists too. So that a figure says what words alone give, the query's own
row (same normalised label) is hidden from all that the linker learns or looks up, unless it is asked for.
"""

from __future__ import annotations

import csv
import gzip
import os
import sys
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

if __package__ in (None, ""):
    # Run as a file, so that one command is enough.
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from competence.model import Concept, ConceptKind, Importance, Requirement, Role
from competence.taxonomy import Taxonomy

GROUP = "http://data.europa.eu/esco/isco/C"
HIDDEN_AT_ONCE = 300
"""Queries ranked by one linker: their own rows are hidden from it, so that few of the other rows are."""


def folder() -> Path:
    """Return the folder of the reference data; say so and end where it is not named."""
    stated = os.environ.get("COMPETENCE_DATA")
    if not stated:
        sys.exit("skipped: COMPETENCE_DATA must name the folder of the reference data")
    return Path(stated)


def rows(*parts: str) -> list[dict[str, str]]:
    """Return the rows of one table, plain or packed."""
    path = folder().joinpath(*parts)
    with (
        gzip.open(path, "rt", encoding="utf-8", newline="") if path.suffix == ".gz" else path.open(encoding="utf-8", newline="")
    ) as file:
        return list(csv.DictReader(file))


def normal(text: str) -> str:
    """Return a label as two of them are compared: case, composed letters and spaces apart."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


@cache
def isco_of() -> Mapping[str, str]:
    """Return the ISCO group of each ESCO occupation."""
    return {r["conceptUri"]: r["iscoGroup"] for r in rows("esco-1.1.1-en", "occupations_en.csv.gz")}


@cache
def asked_for() -> Mapping[str, tuple[tuple[str, str], ...]]:
    """Return what each ESCO occupation asks for: (skill, essential or optional)."""
    found: dict[str, list[tuple[str, str]]] = {}
    for r in rows("esco-1.1.1-en", "occupationSkillRelations.csv.gz"):
        found.setdefault(r["occupationUri"], []).append((r["skillUri"], r["relationType"]))
    return {key: tuple(value) for key, value in found.items()}


@cache
def swedish_skills() -> Mapping[str, str]:
    """Return the Swedish label of each ESCO skill."""
    return {r["conceptUri"]: r["preferredLabel_sv"] for r in rows("esco-sv", "skills_sv.csv.gz")}


@cache
def occupation_names() -> tuple[tuple[str, str], ...]:
    """Return JobTech's occupation names with their SSYK code."""
    return tuple((r["label_sv"], r["ssyk4"]) for r in rows("jobtech", "occupation_names.csv"))


def by_concept(corpus: Sequence[Mapping[str, Any]]) -> dict[str, list[Mapping[str, Any]]]:
    """Return the corpus grouped by concept, both in corpus order."""
    found: dict[str, list[Mapping[str, Any]]] = {}
    for row in corpus:
        found.setdefault(str(row["concept"]), []).append(row)
    return found


def requirements(occupation: str, known: Mapping[str, object]) -> tuple[Requirement, ...]:
    """Return what an occupation asks for of the skills that are known."""
    return tuple(
        Requirement(
            concept_id=skill,
            level=3,
            importance=Importance.ESSENTIAL if kind == "essential" else Importance.OPTIONAL,
            weight=1.0 if kind == "essential" else 0.5,
        )
        for skill, kind in dict(asked_for().get(occupation, ())).items()
        if skill in known
    )


def labelled(texts: Sequence[str], lang: str) -> dict[str, Any]:
    """Return a record's labels: the first is preferred."""
    kept = list(dict.fromkeys(texts))
    return {"labels": {lang: kept[0]}, "alternative_labels": {lang: tuple(kept[1:])} if kept[1:] else {}}


def occupations(corpus: Sequence[Mapping[str, Any]], lang: str = "sv") -> Taxonomy:
    """Return the corpus as roles, ISCO groups among them, with the Swedish labels of what they ask for."""
    skills = swedish_skills()
    roles = []
    for uri, found in by_concept(corpus).items():
        group = uri.startswith(GROUP)
        roles.append(
            Role(
                role_id=uri,
                isco=uri.removeprefix(GROUP) if group else isco_of().get(uri, ""),
                scheme="isco" if group else "",
                requirements=() if group else requirements(uri, skills),
                **labelled([str(r["text"]) for r in found], lang),
            )
        )
    used = {q.concept_id for r in roles for q in r.requirements}
    concepts = [Concept(concept_id=uri, labels={"sv": skills[uri]}) for uri in sorted(used)]
    return Taxonomy.of(concepts, roles, id="esco")


def skills(corpus: Sequence[Mapping[str, Any]], lang: str = "sv", *, english: bool = True) -> Taxonomy:
    """Return the corpus as concepts, asked for by ESCO's occupations.

    ``english`` adds ESCO's preferred label in English where the corpus lacks it: who reads ESCO in Swedish has it beside.
    """
    released = {r["conceptUri"]: r for r in rows("esco-1.1.1-en", "skills_en.csv.gz")}
    kinds = {"knowledge": ConceptKind.KNOWLEDGE}
    concepts = {}
    for uri, found in by_concept(corpus).items():
        texts, known = [str(r["text"]) for r in found], released.get(uri, {})
        named = labelled(texts, lang)
        if english and known and known["preferredLabel"] not in texts[1:]:
            named["labels"].setdefault("en", known["preferredLabel"])
        concepts[uri] = Concept(
            concept_id=uri,
            kind=kinds.get(known.get("skillType", ""), ConceptKind.SKILL),
            descriptions={"en": known["description"]} if lang == "en" and known.get("description") else {},
            **named,
        )
    asking = (Role(role_id=uri, isco=code, requirements=requirements(uri, concepts)) for uri, code in isco_of().items())
    return Taxonomy.of(concepts.values(), [r for r in asking if r.requirements], id="esco")


def codes(context: Mapping[str, Any] | None) -> tuple[str, ...]:
    """Return the SSYK codes of a query's context."""
    stated = (context or {}).get("ssyk4") or ()
    return (str(stated),) if isinstance(stated, str) else tuple(str(c) for c in stated)


def bundles(queries: Sequence[Mapping[str, Any]]) -> Iterator[list[int]]:
    """Yield the places of queries that are ranked by one linker; equal labels stand together, whatever their order."""
    order = sorted(range(len(queries)), key=lambda i: (normal(str(queries[i]["text"])), i))
    parts = max(1, -(-len(order) // HIDDEN_AT_ONCE))
    for part in range(parts):
        yield order[part::parts]


# ---------------------------------------------------------------- figures


@dataclass(frozen=True)
class Figures:
    """What one run gives per query: average precision, rank of the first hit (0: none), first probability."""

    ap: np.ndarray
    rank: np.ndarray
    sure: np.ndarray

    def hit(self, k: int) -> float:
        """Return the share of queries with a hit among the first k concepts."""
        return float(np.mean((self.rank > 0) & (self.rank <= k)))

    @property
    def mean_ap(self) -> float:
        return float(np.mean(self.ap))

    @property
    def ece(self) -> float:
        """Expected calibration error of the first answer, 10 bins of equal width."""
        right = (self.rank == 1).astype(float)
        place = np.minimum((self.sure * 10).astype(int), 9)
        return float(
            sum(
                abs(self.sure[place == b].mean() - right[place == b].mean()) * np.mean(place == b)
                for b in range(10)
                if (place == b).any()
            )
        )


def figures(ranked: Sequence[Sequence[tuple[str, float]]], gold: Sequence[frozenset[str]], sizes: Mapping[str, int]) -> Figures:
    """Measure ranked concepts; for average precision a concept stands for its corpus ids, one concept after the other."""
    ap, rank, sure = [], [], []
    for found, wanted in zip(ranked, gold, strict=True):
        before = hits = 0
        total, first = 0.0, 0
        relevant = sum(sizes.get(uri, 0) for uri in wanted)
        for place, (uri, _) in enumerate(found, start=1):
            size = sizes.get(uri, 0)
            if uri in wanted:
                first = first or place
                for k in range(size):
                    hits += 1
                    total += hits / (before + k + 1)
            before += size
        ap.append(total / relevant if relevant else 0.0)
        rank.append(first)
        sure.append(found[0][1] if found else 0.0)
    return Figures(np.array(ap), np.array(rank), np.array(sure))


def folds(n: int, seed: int, parts: int = 5) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield (train, test) places of a seeded cross-validation, the same as scikit-learn's shuffled KFold."""
    from sklearn.model_selection import KFold

    yield from KFold(parts, shuffle=True, random_state=seed).split(np.arange(n))
