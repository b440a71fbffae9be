"""What makes a taxonomy sound: every rule, each as one small function that yields Problems.

Effects: ``set_aside`` is a fault that must be mended, ``notice`` something an editor should look at. The texts stand
under ``[problem.taxonomy_*]``.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping
from pathlib import Path

from competence.errors import Problem, ProblemEffect, Problems
from competence.model import Concept, ConceptKind, Role
from competence.taxonomy.core import NOTHING, Taxonomy
from competence.taxonomy.files import read_leniently

__all__ = ["FEWEST_REQUIREMENTS", "FEWEST_WORDS", "check", "check_content"]

FEWEST_WORDS = 3
"""A saying with fewer words is a label, or says too little to learn from."""
FEWEST_REQUIREMENTS = 12
"""A role with fewer can hardly be told from its neighbours (DESIGN section 11)."""

_LANGUAGES = ("sv", "en")


def check(source: Taxonomy | str | Path) -> Problems:
    """List every fault of a taxonomy, or of the files it would be read from.

    Parameters
    ----------
    source : Taxonomy, str or Path
        A path is read row by row, so that rows which cannot become records are listed too, with their row number.

    Returns
    -------
    Problems
        Empty when all is well. ``effect`` is ``notice`` for what need not be mended.

    Raises
    ------
    UnreadableFileError
        If there is nothing to read at the path.

    Notes
    -----
    Ids are unique; nothing is broader than itself in any number of steps; each requirement, relation and label names
    something that exists; each concept, group and role has its preferred label in Swedish and English; each concept
    has a parent or a role that asks for it; groups hold something; no label names two concepts or two roles; levels
    and weights are in range; a hard requirement names its source; a role has at least 12 requirements (notice). Each
    saying is of a concept or of none, stands once in its language, is not a label of a concept and has at least three
    words (notice).

    Of another publisher's release (ESCO, JobTech, O*NET, SKOS, CASE) only what was set aside in reading it is told, and
    what would stop it from working: it is not ours to edit, and has its own rules.

    Examples
    --------
    >>> from competence.model import Concept
    >>> lonely = Taxonomy.of([Concept(concept_id="finnish", labels={"sv": "finska", "en": "Finnish"})])
    >>> [p.code for p in check(lonely)]
    ['taxonomy_description_missing', 'taxonomy_orphan']
    """
    if isinstance(source, Taxonomy):
        return check_content(source)
    taxonomy, problems = read_leniently(Path(source))
    return problems + check_content(taxonomy)


def check_content(taxonomy: Taxonomy) -> Problems:
    """Apply every rule that speaks of content; rules on rows are applied when files are read."""
    if taxonomy.format not in ("", "csv"):
        return Problems(problem for rule in (_nothing, _cycles, _references) for problem in rule(taxonomy))
    rules = (
        *(_labels, _descriptions, _cycles, _references, _orphans, _empty_groups, _shared_labels),
        *(_hard_sources, _few, _spoken, _digest),
    )
    return Problems(problem for rule in rules for problem in rule(taxonomy))


def _fault(code: str, table: str, value: str, column: str | None = None, detail: str = "", *, notice: bool = False) -> Problem:
    effect = ProblemEffect.NOTICE if notice else ProblemEffect.SET_ASIDE
    return Problem(code=f"taxonomy_{code}", table=table, column=column, value=value, detail=detail, effect=effect)


def _table(concept: Concept) -> str:
    return "groups" if concept.kind is ConceptKind.GROUP else "concepts"


def _named(taxonomy: Taxonomy) -> Iterator[tuple[str, str, Concept | Role]]:
    for key, concept in taxonomy.concepts.items():
        yield _table(concept), key, concept
    for key, role in taxonomy.roles.items():
        yield "roles", key, role


def _nothing(taxonomy: Taxonomy) -> Iterator[Problem]:
    if not taxonomy.competences:
        yield _fault("nothing", "concepts", taxonomy.id)


def _labels(taxonomy: Taxonomy) -> Iterator[Problem]:
    for table, key, record in _named(taxonomy):
        for lang in _LANGUAGES:
            if not record.labels.get(lang, "").strip():
                yield _fault("label_missing", table, key, f"preferred_label_{lang}")


def _descriptions(taxonomy: Taxonomy) -> Iterator[Problem]:
    for key, concept in taxonomy.concepts.items():
        missing = [lang for lang in _LANGUAGES if not concept.descriptions.get(lang, "").strip()]
        # What came from an employer's own heading has no description, and nobody is asked for one.
        if missing and concept.scheme != "local":
            yield _fault("description_missing", _table(concept), key, detail=", ".join(missing), notice=True)


def _cycles(taxonomy: Taxonomy) -> Iterator[Problem]:
    """Walk upwards from each concept in depth; meeting one's own path again is a cycle, told once at its smallest id."""
    done: set[str] = set()
    for start in sorted(taxonomy.concepts):
        if start in done:
            continue
        path = [start]
        waiting = [list(taxonomy.concepts[start].broader)]
        while path:
            if not waiting[-1]:
                done.add(path.pop())
                waiting.pop()
                continue
            parent = waiting[-1].pop()
            if parent in path:
                cycle = path[path.index(parent) :]
                yield _fault("cycle", "relations", min(cycle), "broader", " → ".join([*cycle, parent]))
            elif parent in taxonomy.concepts and parent not in done:
                path.append(parent)
                waiting.append(list(taxonomy.concepts[parent].broader))


def _references(taxonomy: Taxonomy) -> Iterator[Problem]:
    for key, concept in taxonomy.concepts.items():
        for column, others in (("broader", concept.broader), ("related", concept.related)):
            for other in others:
                if other not in taxonomy.concepts:
                    yield _fault("reference_unknown", "relations", other, column, key)
    for key, role in taxonomy.roles.items():
        asked: set[str] = set()
        for need in role.requirements:
            wanted = taxonomy.concepts.get(need.concept_id)
            if wanted is None or wanted.kind is ConceptKind.GROUP:
                yield _fault("reference_unknown", "requirements", need.concept_id, "concept_id", key)
            if need.concept_id in asked:
                yield _fault("requirement_twice", "requirements", need.concept_id, "concept_id", key)
            asked.add(need.concept_id)


def _orphans(taxonomy: Taxonomy) -> Iterator[Problem]:
    asked = {need.concept_id for role in taxonomy.roles.values() for need in role.requirements}
    for concept in taxonomy.competences:
        if not concept.broader and concept.concept_id not in asked and concept.scheme != "local":
            yield _fault("orphan", "concepts", concept.concept_id)


def _empty_groups(taxonomy: Taxonomy) -> Iterator[Problem]:
    for key, concept in taxonomy.concepts.items():
        if concept.kind is ConceptKind.GROUP and not taxonomy.narrower(key):
            yield _fault("group_empty", "groups", key)


def _shared_labels(taxonomy: Taxonomy) -> Iterator[Problem]:
    """Tell labels that name two concepts, or two roles: words that meet them cannot be linked with certainty."""
    concepts = {c.concept_id: c for c in taxonomy.competences if c.scheme != "local"}
    roles = {key: role for key, role in taxonomy.roles.items() if role.scheme != "local"}
    for table, records in (("concepts", concepts), ("roles", roles)):
        yield from _shared_in(table, records)


def _shared_in(table: str, records: Mapping[str, Concept] | Mapping[str, Role]) -> Iterator[Problem]:
    owners: dict[str, list[str]] = {}
    for key, record in records.items():
        words = [*record.labels.values(), *(label for found in record.alternative_labels.values() for label in found)]
        for word in {_same(w) for w in words}:
            owners.setdefault(word, []).append(key)
    for word in sorted(owners):
        if len(owners[word]) > 1:
            yield _fault("label_shared", table, word, detail=", ".join(sorted(owners[word])))


def _same(text: str) -> str:
    """Return the text without what does not tell two texts apart: case, spaces, spelling of accents."""
    return " ".join(unicodedata.normalize("NFC", text).casefold().split())


def _spoken(taxonomy: Taxonomy) -> Iterator[Problem]:
    """Tell sayings and plain words that would teach a link to nothing or to two concepts, or what the label says already."""
    if not taxonomy.spoken and not taxonomy.asked:
        return
    labels: dict[str, str] = {}
    for concept in taxonomy.competences:
        for word in (*concept.labels.values(), *(label for found in concept.alternative_labels.values() for label in found)):
            labels.setdefault(_same(word), concept.concept_id)
    tables = [(f"sayings_{lang}", by_id) for lang, by_id in taxonomy.spoken.items()]
    tables += [(f"asked_{lang}", by_id) for lang, by_id in taxonomy.asked.items()]
    for table, by_id in tables:
        owners: dict[str, list[str]] = {}
        for key, said in by_id.items():
            concept_met = taxonomy.concepts.get(key)
            if key != NOTHING and (concept_met is None or concept_met.kind is ConceptKind.GROUP):
                yield _fault("reference_unknown", table, key, "concept_id")
            for saying in said:
                owners.setdefault(_same(saying), []).append(key)
        for saying, keys in sorted(owners.items()):
            if len(keys) > 1:
                yield _fault("saying_twice", table, saying, "saying", ", ".join(key or "–" for key in sorted(keys)))
            if saying in labels:
                yield _fault("saying_is_label", table, saying, "saying", labels[saying])
            # What is typed into a search is short by nature.
            if table.startswith("sayings") and len(saying.split()) < FEWEST_WORDS:
                yield _fault("saying_short", table, saying, "saying", ", ".join(sorted(keys)), notice=True)


def _hard_sources(taxonomy: Taxonomy) -> Iterator[Problem]:
    for key, role in taxonomy.roles.items():
        for need in role.requirements:
            # An employer's own hard demands are its decision; law is asked for where the taxonomy says so.
            if need.hard and not need.source.strip() and role.scheme != "local":
                yield _fault("hard_without_source", "requirements", need.concept_id, "source", key)


def _few(taxonomy: Taxonomy) -> Iterator[Problem]:
    for key, role in taxonomy.roles.items():
        if len(role.requirements) < FEWEST_REQUIREMENTS and role.scheme != "local":
            yield _fault("few_requirements", "roles", key, detail=str(len(role.requirements)), notice=True)


def _digest(taxonomy: Taxonomy) -> Iterator[Problem]:
    if taxonomy.stated_digest and taxonomy.stated_digest != taxonomy.digest:
        yield _fault("digest", "about.toml", taxonomy.digest, "sha256", notice=True)
