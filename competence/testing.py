"""For audits of one's own: swap all sex labels, and draw small legal staffs to try any rule on.

``swap_sex`` answers the question of an equality audit: does anything change that must not? The strategies are for
Hypothesis (https://hypothesis.readthedocs.io), which is needed only when they are used.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING

from competence.errors import InputError, MissingExtraError
from competence.model import (
    Concept,
    ConceptKind,
    Employment,
    Evidence,
    HistoryEntry,
    HistoryKind,
    Importance,
    Interest,
    InterestKind,
    OptIn,
    OptIns,
    Person,
    Post,
    Requirement,
    Role,
    RoleShare,
    Sex,
    Source,
    Statement,
    Unit,
    ValidationStage,
    Visibility,
)
from competence.staff import OPT_INS, Staff
from competence.taxonomy import Taxonomy

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

__all__ = ["small_taxonomy", "staff_strategy", "swap_sex"]

_SWAPPED = {Sex.WOMAN: Sex.MAN, Sex.MAN: Sex.WOMAN, Sex.NOT_STATED: Sex.NOT_STATED}
_AS_OF = date(2026, 3, 1)


def swap_sex(staff: Staff) -> Staff:
    """Return the same staff with every woman a man and every man a woman; not stated stays not stated.

    Use it to check that experts, mentoring pairs, rotations and validations do not depend on sex, and that teams do
    so in stage 2 only: their figures by sex change places, and nothing else may change.

    Parameters
    ----------
    staff : Staff
        Not changed.

    Returns
    -------
    Staff
        Swapping twice gives an equal staff back.

    Notes
    -----
    A swap finds what reads sex directly. It does not find what follows from it, such as an occupation where nearly all
    are of one sex. O(people).

    Examples
    --------
    >>> staff = Staff(people=(Person(person_id="1", sex=Sex.WOMAN), Person(person_id="2")), as_of=date(2026, 3, 1))
    >>> [p.sex.value for p in swap_sex(staff).people]
    ['man', 'not_stated']
    """
    return staff.replace(people=tuple(replace(p, sex=_SWAPPED[p.sex]) for p in staff.people))


def small_taxonomy() -> Taxonomy:
    """Return seven competences and three roles in Swedish and English, small enough to reckon with by hand.

    The care assistant and the assistant nurse share competences, so that they can change places; the driver's licence
    is required by law; English is asked for by nobody.

    Examples
    --------
    >>> len(small_taxonomy().concepts), sorted(small_taxonomy().roles)
    (7, ['role-assistant-nurse', 'role-care-assistant', 'role-driver'])
    """

    def concept(key: str, sv: str, en: str, kind: ConceptKind = ConceptKind.SKILL, months: int | None = 60) -> Concept:
        return Concept(concept_id=key, labels={"sv": sv, "en": en}, kind=kind, currency_months=months, scheme="small")

    def asked(key: str, level: int, weight: float, *, hard: bool = False) -> Requirement:
        importance = Importance.ESSENTIAL if weight >= 0.5 else Importance.OPTIONAL
        source = "Körkortslagen (1998:488)" if hard else ""
        return Requirement(concept_id=key, level=level, weight=weight, importance=importance, hard=hard, source=source)

    concepts = (
        replace(concept("dementia-care", "demensvård", "dementia care"), safety_critical=True),
        concept("meal-support", "stöd vid måltider", "meal support"),
        concept("documentation", "dokumentation", "documentation", months=24),
        concept("calming-relatives", "lugna oroliga anhöriga", "calming worried relatives"),
        concept("driving", "köra skåpbil", "driving a van"),
        concept("driving-licence-b", "B-körkort", "driving licence B", ConceptKind.LICENCE, None),
        concept("english", "engelska", "English", ConceptKind.LANGUAGE, None),
    )
    roles = (
        Role(
            role_id="role-assistant-nurse",
            labels={"sv": "undersköterska", "en": "assistant nurse"},
            requirements=(
                asked("dementia-care", 3, 1.0),
                asked("documentation", 2, 0.6),
                asked("meal-support", 2, 0.5),
                asked("calming-relatives", 3, 0.3),
            ),
            scheme="small",
        ),
        Role(
            role_id="role-care-assistant",
            labels={"sv": "vårdbiträde", "en": "care assistant"},
            requirements=(asked("meal-support", 3, 1.0), asked("dementia-care", 1, 0.5), asked("documentation", 1, 0.4)),
            scheme="small",
        ),
        Role(
            role_id="role-driver",
            labels={"sv": "chaufför", "en": "driver"},
            requirements=(asked("driving", 3, 1.0), asked("driving-licence-b", 1, 1.0, hard=True), asked("meal-support", 1, 0.2)),
            scheme="small",
        ),
    )
    return Taxonomy.of(concepts, roles, id="small", titles={"sv": "Liten taxonomi", "en": "Small taxonomy"})


def staff_strategy(
    taxonomy: Taxonomy | None = None,
    *,
    people: tuple[int, int] = (1, 8),
    units: int = 3,
    most_evidence: int = 4,
    as_of: date = _AS_OF,
) -> SearchStrategy[Staff]:
    """Return a Hypothesis strategy that draws small legal staffs: whatever it draws, the library must manage.

    People have none, one or two employments, evidence of every source, stage, age and visibility (dated, undated, with
    and without a level), wishes, answers to every opt-in, perhaps an end date; units have managers among them or none;
    some posts are vacant; some pairs have met before. Nobody is protected: such people are in no Staff.

    Parameters
    ----------
    taxonomy : Taxonomy or None
        Where concepts and roles are taken from; None takes :func:`small_taxonomy`.
    people : (int, int)
        Fewest and most people.
    units : int
        Most units; 0 draws staffs without any.
    most_evidence : int
        Most pieces of evidence per person.
    as_of : date
        The staff's date; evidence is up to eight years older.

    Returns
    -------
    SearchStrategy of Staff
        Linked: evidence names concepts and titles name roles, so that ``build_graph(staff, taxonomy)`` can follow.

    Raises
    ------
    InputError
        If the taxonomy has no competence, or a number is not allowed.
    MissingExtraError
        If Hypothesis is not installed.

    Examples
    --------
    >>> from hypothesis import given
    >>> @given(staff_strategy())
    ... def check(staff):
    ...     assert swap_sex(swap_sex(staff)) == staff
    >>> check()
    """
    try:
        from hypothesis import strategies as st
    except ImportError:
        raise MissingExtraError("staff_strategy needs Hypothesis: pip install hypothesis") from None
    taxonomy = taxonomy or small_taxonomy()
    concepts = [c.concept_id for c in taxonomy.competences]
    roles = list(taxonomy.roles.values())
    if not concepts:
        raise InputError("taxonomy must have at least one competence that is not a group; got none")
    if not 0 <= people[0] <= people[1] or units < 0 or most_evidence < 0:
        raise InputError(
            f"people must be two whole numbers, low first, units and most_evidence at least 0; "
            f"got {people!r}, {units!r}, {most_evidence!r}"
        )
    # Each text is drawn whole from a few, since the point is the shape of the data and not its letters.
    days = st.none() | st.integers(0, 8 * 365).map(lambda back: as_of - timedelta(days=back))
    answers = st.sampled_from(OptIn)
    shares = st.sampled_from((None, 0.5, 0.75, 1.0))
    levels = st.none() | st.integers(1, 5)

    @st.composite
    def staffs(draw: st.DrawFn) -> Staff:
        count = draw(st.integers(*people))
        ids = [str(10001 + k) for k in range(count)]
        unit_ids = [f"U{k}" for k in range(draw(st.integers(0, units)))]

        def somebody(most: int) -> tuple[str, ...]:
            return tuple(draw(st.lists(st.sampled_from(ids), max_size=most, unique=True))) if ids else ()

        def title() -> tuple[RoleShare, ...]:
            if not roles:
                return ()
            role = draw(st.sampled_from(roles))
            return (RoleShare(title=role.label("sv"), role_id=role.role_id),)

        def employment() -> Employment:
            unit_id = draw(st.sampled_from(["", *unit_ids]))
            start = draw(days)
            end = draw(st.none() | st.integers(-400, 400).map(lambda ahead: as_of + timedelta(days=ahead)))
            return Employment(
                unit_id=unit_id,
                roles=title() if draw(st.booleans()) else (),
                form=draw(st.sampled_from(("tillsvidare", "vikariat"))),
                share=draw(shares),
                start=start,
                end=end if end is None or start is None or end >= start else None,
            )

        members = tuple(
            Person(
                person_id=person_id,
                name=f"Person {person_id}",
                sex=draw(st.sampled_from(Sex)),
                employments=tuple(employment() for _ in range(draw(st.integers(0, 2)))),
                manager_ids=tuple(m for m in somebody(1) if m != person_id),
                capacity=draw(st.none() | st.integers(0, 3)),
                opt_ins=OptIns(**{name: draw(answers) for name in OPT_INS}),
                end=draw(st.none() | st.just(as_of) | st.just(as_of - timedelta(days=30))),
            )
            for person_id in ids
        )
        statements: list[Statement] = []
        evidence: list[Evidence] = []
        for person_id in ids:
            for k in range(draw(st.integers(0, most_evidence))):
                source = draw(st.sampled_from(Source))
                concept_id, day, level = draw(st.sampled_from(concepts)), draw(days), draw(levels)
                visibility = draw(st.sampled_from(Visibility))
                statement_id = None
                if source is Source.SELF:
                    statement_id = f"S-{person_id}-{k}"
                    words = taxonomy.concept(concept_id).label("sv")
                    statements.append(
                        Statement(
                            statement_id=statement_id,
                            person_id=person_id,
                            text=words,
                            day=day,
                            level=level,
                            visibility=visibility,
                        )
                    )
                evidence.append(
                    Evidence(
                        evidence_id=f"{statement_id}#1" if statement_id else f"E-{person_id}-{k}",
                        person_id=person_id,
                        concept_id=concept_id,
                        words=taxonomy.concept(concept_id).label("sv"),
                        level=level,
                        source=source,
                        day=day,
                        statement_id=statement_id,
                        stage=draw(st.sampled_from(ValidationStage)),
                        visibility=visibility,
                        label=taxonomy.concept(concept_id).label("sv"),
                    )
                )
        interests = tuple(
            Interest(
                person_id=person_id,
                words=taxonomy.concept(concept_id).label("sv"),
                kind=draw(st.sampled_from(InterestKind)),
                concept_id=concept_id,
            )
            for person_id in ids
            for concept_id in draw(st.lists(st.sampled_from(concepts), max_size=2, unique=True))
        )
        met = [somebody(2) for _ in range(draw(st.integers(0, 2)))]
        posts = _posts(draw(st.booleans()), members, unit_ids, as_of)
        return Staff(
            people=members,
            as_of=as_of,
            units=tuple(
                Unit(
                    unit_id=unit_id,
                    name=f"Enhet {unit_id}",
                    parent_id=draw(st.sampled_from([None, *unit_ids[:k]])),
                    manager_ids=somebody(2),
                    max_moving_share=draw(st.sampled_from((None, 0.5, 1.0))),
                )
                for k, unit_id in enumerate(unit_ids)
            ),
            posts=posts,
            statements=tuple(statements),
            evidence=tuple(evidence),
            interests=interests,
            history=tuple(
                HistoryEntry(kind=HistoryKind.PAIR, person_id=pair[0], other_id=pair[1], end=as_of - timedelta(days=100))
                for pair in met
                if len(pair) == 2
            ),
            opt_in_columns=frozenset(draw(st.sets(st.sampled_from(OPT_INS)))),
            tables=frozenset(
                {"people", "units", "statements", "evidence", "interests", "history", *(("posts",) if posts else ())}
            ),
            linked=True,
        )

    return staffs()


def _posts(wanted: bool, people: Sequence[Person], unit_ids: Sequence[str], as_of: date) -> tuple[Post, ...]:
    """Return a post per current employment with a title and a unit, and one vacancy, where a table of posts is wanted."""
    if not wanted or not unit_ids:
        return ()
    held = [
        Post(post_id=f"P{person.person_id}-{k}", unit_id=job.unit_id, roles=job.roles, holder_id=person.person_id)
        for person in people
        for k, job in enumerate(person.employments)
        if job.unit_id and job.roles and job.is_current(as_of)
    ]
    vacant = [replace(held[0], post_id="P-vacant", holder_id=None)] if held else []
    return (*held, *vacant)
