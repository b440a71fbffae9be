"""A municipality of eight, made by hand: what every test of the core builds its cases from.

The numbers in the tests can be checked against the tables here. ``small_staff`` comes linked, so that a test of the
graph does not depend on how words are linked; tests of words build their own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from functools import cache
from random import Random
from typing import Any

from competence.graph import CompetenceGraph, build_graph
from competence.linking import Linker
from competence.model import (
    Concept,
    ConceptKind,
    Employment,
    Evidence,
    Importance,
    Interest,
    InterestKind,
    LearningForm,
    OptIn,
    OptIns,
    Person,
    Post,
    Requirement,
    Role,
    RoleShare,
    Sex,
    Source,
    Unit,
    ValidationStage,
    Visibility,
)
from competence.staff import Staff
from competence.taxonomy import Taxonomy

AS_OF = date(2026, 6, 30)
FRESH = AS_OF
"""Evidence of this day has not aged at all."""

DEMENTIA, EARLY, CALM, LIFT = "dementia", "early-dementia", "calm", "lift"
ROSTER, FINNISH, LICENCE, CARPENTRY, NURSE = "roster", "finnish", "driving-b", "carpentry", "nurse-licence"

ASSISTANT, REGISTERED, COORDINATOR, CARETAKER = "assistant", "registered-nurse", "coordinator", "caretaker"


def concept(concept_id: str, sv: str, en: str, **fields: Any) -> Concept:
    """Make a concept with a label in each language."""
    return Concept(concept_id=concept_id, labels={"sv": sv, "en": en}, **fields)


CONCEPTS = (
    concept("care", "vård och omsorg", "care", kind=ConceptKind.GROUP),
    concept(DEMENTIA, "demensvård", "dementia care", broader=("care",), related=(CALM,)),
    concept(EARLY, "stöd vid tidig demens", "early dementia support", broader=(DEMENTIA,)),
    concept(CALM, "lugnande bemötande", "calming manner", kind=ConceptKind.TRANSVERSAL, broader=("care",), currency_months=None),
    concept(LIFT, "lyftteknik", "lifting technique", broader=("care",), currency_months=24, safety_critical=True),
    concept(ROSTER, "schemaläggning", "rostering"),
    concept(FINNISH, "finska", "Finnish", kind=ConceptKind.LANGUAGE, currency_months=None),
    concept(LICENCE, "körkort B", "driving licence B", kind=ConceptKind.LICENCE, currency_months=None),
    concept(NURSE, "sjuksköterskelegitimation", "nursing registration", kind=ConceptKind.LICENCE, currency_months=None),
    concept(CARPENTRY, "snickeri", "carpentry"),
)


def asks(concept_id: str, level: int, weight: float = 1.0, *, hard: bool = False, optional: bool = False) -> Requirement:
    """Make a requirement."""
    importance = Importance.OPTIONAL if optional else Importance.ESSENTIAL
    source = "lag" if hard else ""
    return Requirement(concept_id=concept_id, level=level, weight=weight, hard=hard, importance=importance, source=source)


def role(role_id: str, sv: str, en: str, *requirements: Requirement) -> Role:
    """Make a role with a title in each language."""
    return Role(role_id=role_id, labels={"sv": sv, "en": en}, requirements=requirements)


ROLES = (
    role(
        ASSISTANT, "undersköterska", "assistant nurse", asks(DEMENTIA, 3), asks(LIFT, 2, 0.8), asks(CALM, 2, 0.5, optional=True)
    ),
    role(REGISTERED, "sjuksköterska", "registered nurse", asks(NURSE, 1, hard=True), asks(DEMENTIA, 2, 0.6), asks(ROSTER, 3)),
    role(COORDINATOR, "samordnare", "coordinator", asks(ROSTER, 3), asks(CALM, 3, 0.7), asks(FINNISH, 2, 0.4, optional=True)),
    role(CARETAKER, "vaktmästare", "caretaker", asks(LICENCE, 1, hard=True), asks(CARPENTRY, 3), asks(LIFT, 2, 0.5)),
)

NORTH, SOUTH, OFFICE = "u-north", "u-south", "u-office"
UNITS = (
    Unit(unit_id="u-care", name="Vård och omsorg"),
    Unit(unit_id=NORTH, name="Hemtjänst Norr", parent_id="u-care", manager_ids=("p7",), site="Norra"),
    Unit(unit_id=SOUTH, name="Hemtjänst Söder", parent_id="u-care", manager_ids=("p8",), site="Södra"),
    Unit(unit_id=OFFICE, name="Kontoret", site="Norra"),
)


@cache
def taxonomy() -> Taxonomy:
    """Return nine concepts, a group and four roles."""
    return Taxonomy.of(CONCEPTS, ROLES, id="small")


@cache
def linker() -> Linker:
    """Return a real linker of the small taxonomy, made once."""
    return Linker.fit(taxonomy(), cache=False)


def person(
    person_id: str,
    sex: Sex = Sex.NOT_STATED,
    *,
    unit: str = NORTH,
    role_id: str | None = ASSISTANT,
    share: float | None = None,
    start: date | None = None,
    end: date | None = None,
    **fields: Any,
) -> Person:
    """Make a person with one employment (none with ``role_id=None``); opt-in answers go by their purpose."""
    answers = {name: OptIn(fields.pop(name)) for name in ("mentor", "mentee", "rotation", "expert", "prompts") if name in fields}
    title = () if role_id is None else (RoleShare(title=taxonomy().roles[role_id].label(), role_id=role_id, share=share),)
    employments = (Employment(unit_id=unit, roles=title, start=start, end=end),) if unit else ()
    fields.setdefault("name", f"Namn {person_id}")
    return Person(person_id=person_id, sex=sex, employments=employments, opt_ins=OptIns(**answers), **fields)


def piece(
    person_id: str,
    concept_id: str,
    level: int | None = 3,
    source: Source = Source.MANAGER,
    *,
    day: date | None = FRESH,
    evidence_id: str | None = None,
    **fields: Any,
) -> Evidence:
    """Make a piece of evidence; its id names person, concept and source unless given."""
    return Evidence(
        evidence_id=evidence_id or f"{person_id}:{concept_id}:{source.value}",
        person_id=person_id,
        concept_id=concept_id,
        level=level,
        source=source,
        day=day,
        **fields,
    )


def certificate(person_id: str, concept_id: str, level: int = 1, **fields: Any) -> Evidence:
    """Make a certificate: formal evidence, which can meet a hard requirement."""
    return piece(person_id, concept_id, level, Source.CERTIFICATE, learning_form=LearningForm.FORMAL, **fields)


def wish(person_id: str, concept_id: str, kind: InterestKind = InterestKind.LEARN) -> Interest:
    """Make a stated interest."""
    return Interest(person_id=person_id, words=concept_id, concept_id=concept_id, kind=kind)


PEOPLE = (
    person("p1", Sex.WOMAN),
    person("p2", Sex.MAN, unit=SOUTH),
    person("p3", Sex.WOMAN, role_id=COORDINATOR),
    person("p4", Sex.MAN, unit=SOUTH, role_id=COORDINATOR),
    person("p5", Sex.NOT_STATED, unit=OFFICE, role_id=CARETAKER),
    person("p6", Sex.WOMAN, unit=SOUTH, role_id=REGISTERED),
    person("p7", Sex.WOMAN, role_id=COORDINATOR),
    person("p8", Sex.MAN, unit=SOUTH, role_id=COORDINATOR),
)

EVIDENCE = (
    piece("p1", DEMENTIA, 4, Source.ASSESSMENT, stage=ValidationStage.ASSESSED),
    piece("p1", LIFT, 3),
    piece("p1", FINNISH, 3, Source.SELF, visibility=Visibility.UNIT),
    piece("p2", DEMENTIA, 2),
    piece("p2", CALM, 3),
    piece("p2", CARPENTRY, 4, Source.SELF),
    piece("p3", ROSTER, 3),
    piece("p3", CALM, 4, Source.COLLEAGUE),
    piece("p3", DEMENTIA, 2, Source.SELF, visibility=Visibility.PRIVATE),
    piece("p4", ROSTER, 2),
    piece("p4", FINNISH, 5, Source.SELF),
    piece("p5", CARPENTRY, 3, Source.WORK_SAMPLE, stage=ValidationStage.DOCUMENTED),
    certificate("p5", LICENCE),
    certificate("p6", NURSE),
    piece("p6", DEMENTIA, 3),
    piece("p6", EARLY, 4),
    piece("p6", ROSTER, 2),
    piece("p7", ROSTER, 4),
    piece("p7", CALM, 3),
    piece("p8", ROSTER, 5, Source.SELF),
    piece("p8", LIFT, 2),
)

INTERESTS = (
    wish("p1", ROSTER),
    wish("p2", DEMENTIA),
    wish("p3", DEMENTIA),
    wish("p4", DEMENTIA, InterestKind.USE),
    wish("p6", DEMENTIA, InterestKind.TEACH),
    wish("p7", ROSTER, InterestKind.TEACH),
)


def small_staff(
    people: Iterable[Person] = PEOPLE,
    evidence: Iterable[Evidence] = EVIDENCE,
    interests: Iterable[Interest] = INTERESTS,
    units: Iterable[Unit] = UNITS,
    **fields: Any,
) -> Staff:
    """Return the municipality of eight, already linked; any table can be given in place of the usual one."""
    return Staff(
        people=tuple(people),
        evidence=tuple(evidence),
        interests=tuple(interests),
        units=tuple(units),
        as_of=fields.pop("as_of", AS_OF),
        linked=fields.pop("linked", True),
        tables=fields.pop("tables", frozenset({"people", "units", "evidence", "interests"})),
        **fields,
    )


def graph_of(staff: Staff | None = None, **options: Any) -> CompetenceGraph:
    """Return the graph of a staff, of the municipality of eight unless given."""
    return build_graph(small_staff() if staff is None else staff, taxonomy(), linker=linker(), **options)


def shuffled(staff: Staff, seed: int) -> Staff:
    """Return the same staff with the rows of every table in another order."""
    rng = Random(seed)

    def mix(rows: tuple[Any, ...]) -> tuple[Any, ...]:
        return tuple(rng.sample(rows, len(rows)))

    names = ("people", "units", "posts", "statements", "evidence", "interests", "travel", "history", "decisions", "roles")
    return staff.replace(**{name: mix(getattr(staff, name)) for name in names})


def answering(people: Iterable[Person], answers: Mapping[str, Mapping[str, str]]) -> tuple[Person, ...]:
    """Return the people with opt-in answers put in: ``{"p1": {"mentor": "no"}}``."""
    from dataclasses import replace

    return tuple(
        replace(p, opt_ins=replace(p.opt_ins, **{k: OptIn(v) for k, v in answers.get(p.person_id, {}).items()})) for p in people
    )


def random_staff(seed: int, n: int, *, posts: bool = False) -> Staff:
    """Return ``n`` people with random roles, units, evidence, interests and sex; equal seeds give equal staffs."""
    rng = Random(seed)
    sexes = (Sex.WOMAN, Sex.MAN, Sex.NOT_STATED)
    people = [
        person(f"r{i}", rng.choice(sexes), unit=rng.choice((NORTH, SOUTH, OFFICE)), role_id=rng.choice(tuple(taxonomy().roles)))
        for i in range(n)
    ]
    held = [c.concept_id for c in CONCEPTS if c.kind is not ConceptKind.GROUP]
    sources = (Source.SELF, Source.MANAGER, Source.ASSESSMENT, Source.COLLEAGUE)
    evidence = [
        piece(p.person_id, c, rng.randint(1, 5), rng.choice(sources), day=date(2020 + rng.randrange(6), 1 + rng.randrange(12), 1))
        for p in people
        for c in rng.sample(held, rng.randint(2, 6))
    ]
    evidence += [certificate(p.person_id, c) for p in people for c in (LICENCE, NURSE) if rng.random() < 0.7]
    kinds = tuple(InterestKind)
    interests = sorted(
        {(p.person_id, rng.choice(held), rng.choice(kinds)) for p in people for _ in range(rng.randint(0, 2))},
        key=lambda i: (i[0], i[1], i[2].value),
    )
    own = tuple(
        Post(post_id=f"post-{p.person_id}", unit_id=p.employments[0].unit_id, roles=p.employments[0].roles, holder_id=p.person_id)
        for p in people
    )
    unique = {e.evidence_id: e for e in evidence}
    return small_staff(
        people,
        unique.values(),
        [wish(person_id, concept_id, kind) for person_id, concept_id, kind in interests],
        posts=own if posts else (),
    )
