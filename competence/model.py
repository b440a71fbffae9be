"""The records that everything else speaks of, and the sets of values they may take.

All records are frozen; nothing here opens a file, asks the clock or computes a score. Terms follow SKOS and ESCO
(concept, preferred and alternative label, broader, related), the EU Council Recommendation 2012/C 398/01 (learning
form, validation stage) and operations research (outcome, objective, bound, gap).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from types import MappingProxyType
from typing import Self

from competence.errors import InputError

__all__ = [
    "LEVELS",
    "LONGEST_DELEGATION_DAYS",
    "SIDE_OF",
    "AgeBand",
    "Choice",
    "Concept",
    "ConceptKind",
    "Decision",
    "Delegation",
    "Employment",
    "Evidence",
    "HistoryEntry",
    "HistoryKind",
    "Holding",
    "Importance",
    "Interest",
    "InterestKind",
    "LearningForm",
    "LearntWhere",
    "Need",
    "NeedItem",
    "OptIn",
    "OptIns",
    "Outcome",
    "Person",
    "Post",
    "Reason",
    "Requirement",
    "Role",
    "RoleShare",
    "Sex",
    "Side",
    "SideView",
    "Source",
    "Statement",
    "Status",
    "Travel",
    "Unit",
    "Use",
    "ValidationStage",
    "Visibility",
]

LEVELS = (1, 2, 3, 4, 5)
"""1 with guidance, 2 on one's own in usual cases, 3 in difficult cases, 4 guides others, 5 develops the field.
Background: Dreyfus & Dreyfus (1980), A five-stage model of the mental activities involved in directed skill
acquisition, https://apps.dtic.mil/sti/citations/ADA084551. A person has no EQF or SeQF level."""


LONGEST_DELEGATION_DAYS = 365
"""REQ-VAL-15."""


class Sex(StrEnum):
    """Legal sex as the HR register gives it, never guessed; enters only statistics and team stage 2."""

    WOMAN = "woman"
    MAN = "man"
    NOT_STATED = "not_stated"


class AgeBand(StrEnum):
    """Age at the reading date in bands; the birth year itself is not kept."""

    UNDER_30 = "18-29"
    FROM_30 = "30-39"
    FROM_40 = "40-49"
    FROM_50 = "50-59"
    FROM_60 = "60+"
    NOT_STATED = "not_stated"


class ConceptKind(StrEnum):
    """What sort of competence a concept is; a group is a heading to browse by, which nobody holds."""

    SKILL = "skill"
    KNOWLEDGE = "knowledge"
    TRANSVERSAL = "transversal"
    LANGUAGE = "language"
    LICENCE = "licence"
    GROUP = "group"


class Importance(StrEnum):
    """How a role asks for a concept (ESCO)."""

    ESSENTIAL = "essential"
    OPTIONAL = "optional"


class Source(StrEnum):
    """Who or what a piece of evidence comes from."""

    SELF = "self"
    COLLEAGUE = "colleague"
    MANAGER = "manager"
    COURSE = "course"
    CERTIFICATE = "certificate"
    WORK_SAMPLE = "work_sample"
    OBSERVATION = "observation"
    SIMULATION = "simulation"
    ASSESSMENT = "assessment"
    ROLE_HISTORY = "role_history"


class LearningForm(StrEnum):
    """How something was learnt (EU Council Recommendation 2012/C 398/01, annex)."""

    FORMAL = "formal"
    NON_FORMAL = "non_formal"
    INFORMAL = "informal"


class LearntWhere(StrEnum):
    """Where the person says it was learnt."""

    WORK = "work"
    HOME = "home"
    ASSOCIATION = "association"
    OTHER_COUNTRY = "other_country"
    OWN_PROJECT = "own_project"
    EDUCATION = "education"


class ValidationStage(StrEnum):
    """How far a claim has come on the way to recognition, lowest first."""

    IDENTIFIED = "identified"
    DOCUMENTED = "documented"
    ASSESSED = "assessed"
    CERTIFIED = "certified"

    @property
    def rank(self) -> int:
        """Position from 0 (identified) to 3 (certified)."""
        return _STAGE_RANK[self]


class Visibility(StrEnum):
    """Who may see a piece of evidence, narrowest first."""

    PRIVATE = "private"
    MANAGER = "manager"
    UNIT = "unit"
    ORGANISATION = "organisation"

    @property
    def rank(self) -> int:
        """Position from 0 (private) to 3 (organisation)."""
        return _VISIBILITY_RANK[self]


# Looked up for every piece of evidence, a million at a time.
_STAGE_RANK = MappingProxyType({stage: rank for rank, stage in enumerate(ValidationStage)})
_VISIBILITY_RANK = MappingProxyType({visibility: rank for rank, visibility in enumerate(Visibility)})


class OptIn(StrEnum):
    """What the person answered when asked to take part; ``no`` is always a hard rule."""

    YES = "yes"
    NO = "no"
    NOT_ASKED = "not_asked"


class InterestKind(StrEnum):
    """What the person wants to do with a competence; separate from the level, always."""

    USE = "use"
    LEARN = "learn"
    TEACH = "teach"


class Use(StrEnum):
    """Whether the person's current roles ask for a holding. Hidden competence is unused or inferred."""

    REQUIRED = "required"
    UNUSED = "unused"
    INFERRED = "inferred"


class HistoryKind(StrEnum):
    """What earlier event a history row tells of."""

    PAIR = "pair"
    MOVE = "move"


class Choice(StrEnum):
    """What a named human decided about one suggestion, or fixed for the next run."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"
    PINNED = "pinned"
    FORBIDDEN = "forbidden"


class Status(StrEnum):
    """How good the answer is known to be. ``heuristic`` has no bound; ``feasible`` has one with a gap above zero."""

    OPTIMAL = "optimal"
    FEASIBLE = "feasible"
    HEURISTIC = "heuristic"
    INFEASIBLE = "infeasible"
    EMPTY = "empty"


def _check_level(level: float, what: str) -> None:
    if not 1 <= level <= 5:
        raise InputError(f"{what} must be a level from 1 to 5; got {level!r}")


def _check_share(value: float, what: str, *, zero: bool = True) -> None:
    if not (0 <= value <= 1 if zero else 0 < value <= 1):
        raise InputError(f"{what} must lie in {'[0, 1]' if zero else '(0, 1]'}; got {value!r}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Concept:
    """A competence that can be held (SKOS concept); ``labels`` and ``descriptions`` are keyed by ``sv`` and ``en``.

    ``currency_months`` says how long evidence stays fresh (its half-life); None means for life. ``matches`` holds
    (predicate, URI) pairs such as ``("exact_match", "http://data.europa.eu/esco/skill/...")``. ``notation`` is the
    publisher's code where it has one beside the id. ``scheme`` names the taxonomy it comes from; ``local`` means it came
    from the employer's own file.
    """

    concept_id: str
    kind: ConceptKind = ConceptKind.SKILL
    labels: Mapping[str, str] = field(default_factory=dict)
    alternative_labels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    descriptions: Mapping[str, str] = field(default_factory=dict)
    broader: tuple[str, ...] = ()
    related: tuple[str, ...] = ()
    currency_months: int | None = 60
    safety_critical: bool = False
    rarely_named: bool = False
    matches: tuple[tuple[str, str], ...] = ()
    notation: str = ""
    scheme: str = ""

    def label(self, lang: str = "sv") -> str:
        """Return the preferred label in ``lang``, else in any language, else the id."""
        return self.labels.get(lang) or next(iter(self.labels.values()), self.concept_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirement:
    """What a role asks for: a concept at a level, how much it weighs, and whether law makes it hard.

    A hard requirement gates: it is never weighed, and informal competence never satisfies it. ``source`` names the
    law or decision behind a hard one.
    """

    concept_id: str
    level: int = 2
    importance: Importance = Importance.ESSENTIAL
    weight: float = 1.0
    hard: bool = False
    source: str = ""

    def __post_init__(self) -> None:
        _check_level(self.level, "level")
        _check_share(self.weight, "weight", zero=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """A kind of post in the organisation, with its requirements; ``aid`` only where verified.

    ``matches`` are those of :class:`Concept`, with occupations of other taxonomies; ``descriptions`` are keyed by language.
    """

    role_id: str
    labels: Mapping[str, str] = field(default_factory=dict)
    alternative_labels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    sector: str = ""
    ssyk: str = ""
    isco: str = ""
    aid: tuple[str, ...] = ()
    requirements: tuple[Requirement, ...] = ()
    matches: tuple[tuple[str, str], ...] = ()
    scheme: str = ""
    descriptions: Mapping[str, str] = field(default_factory=dict)

    def label(self, lang: str = "sv") -> str:
        """Return the preferred label in ``lang``, else in any language, else the id."""
        return self.labels.get(lang) or next(iter(self.labels.values()), self.role_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class NeedItem:
    """One thing asked for: a concept id or words, the level, how many people must hold it, its weight."""

    words: str = ""
    concept_id: str | None = None
    level: int = 1
    count: int = 1
    weight: float = 1.0
    hard: bool = False

    def __post_init__(self) -> None:
        if not self.words and not self.concept_id:
            raise InputError("a need item must have words or a concept_id; got neither")
        _check_level(self.level, "level")
        _check_share(self.weight, "weight", zero=False)
        if self.count < 1:
            raise InputError(f"count must be at least 1; got {self.count!r}")


@dataclass(frozen=True, slots=True)
class Need:
    """What is asked for, as a tuple of :class:`NeedItem`.

    A bare number is always a level; how many people must hold something needs a ``NeedItem`` with ``count``.

    Examples
    --------
    >>> Need.of({"demensvård": 3, "finska": 2}).items[0].level
    3
    >>> len(Need.of("demensvård"))
    1
    """

    items: tuple[NeedItem, ...]

    def __len__(self) -> int:
        return len(self.items)

    @classmethod
    def of(cls, what: Need | NeedItem | str | Mapping[str, int] | Iterable[str | NeedItem]) -> Self:
        """Make one Need of a text, a list of texts or ids, a {text or id: level}, items or a Need.

        Raises
        ------
        InputError
            If nothing is asked for, or a level is not a whole number from 1 to 5.
        """
        items: tuple[NeedItem, ...]
        if isinstance(what, Need):
            items = what.items
        elif isinstance(what, NeedItem):
            items = (what,)
        elif isinstance(what, str):
            items = (NeedItem(words=what.strip()),) if what.strip() else ()
        elif isinstance(what, Mapping):
            for words, level in what.items():
                if isinstance(level, bool) or not isinstance(level, int):
                    raise InputError(f"the level asked of {words!r} must be a whole number from 1 to 5; got {level!r}")
            items = tuple(NeedItem(words=words.strip(), level=level) for words, level in what.items())
        else:
            items = tuple(w if isinstance(w, NeedItem) else NeedItem(words=w.strip()) for w in what)
        if not items:
            raise InputError("need must ask for at least one thing, e.g. 'demensvård' or {'demensvård': 3}; got nothing")
        return cls(items)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """A part of the organisation, dated; one or two managers (shared leadership)."""

    unit_id: str
    name: str = ""
    parent_id: str | None = None
    manager_ids: tuple[str, ...] = ()
    site: str = ""
    max_moving_share: float | None = None
    start: date | None = None
    end: date | None = None

    def is_current(self, as_of: date) -> bool:
        """Say whether the unit exists on ``as_of``."""
        return (self.start is None or self.start <= as_of) and (self.end is None or as_of <= self.end)


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleShare:
    """One role within a post: the local title as written, its share of full time, the role it was linked to."""

    title: str
    share: float | None = None
    role_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Employment:
    """One employment of a person: where, as what, in which form, how much, from and to."""

    unit_id: str = ""
    roles: tuple[RoleShare, ...] = ()
    form: str = ""
    share: float | None = None
    aid: str = ""
    start: date | None = None
    end: date | None = None

    def is_current(self, as_of: date) -> bool:
        """Say whether the employment runs on ``as_of``."""
        return (self.start is None or self.start <= as_of) and (self.end is None or as_of <= self.end)


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """A place in a unit with one or several roles, held by somebody or vacant.

    ``derived`` posts were made from employments because the files have no posts table.
    """

    post_id: str
    unit_id: str = ""
    roles: tuple[RoleShare, ...] = ()
    holder_id: str | None = None
    min_staffing: int | None = None
    derived: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class OptIns:
    """The person's answers, one per purpose."""

    mentor: OptIn = OptIn.NOT_ASKED
    mentee: OptIn = OptIn.NOT_ASKED
    rotation: OptIn = OptIn.NOT_ASKED
    expert: OptIn = OptIn.NOT_ASKED
    prompts: OptIn = OptIn.NOT_ASKED


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A member of staff. ``person_id`` is the employer's own key, never a personal identity number.

    ``capacity`` is how many mentees the person can take (None: the call's default). A person with ``protected``
    identity is counted and dropped when a Staff is built, and is in nothing after that.
    """

    person_id: str
    name: str = ""
    sex: Sex = Sex.NOT_STATED
    age_band: AgeBand = AgeBand.NOT_STATED
    employments: tuple[Employment, ...] = ()
    manager_ids: tuple[str, ...] = ()
    site: str = ""
    capacity: int | None = None
    opt_ins: OptIns = OptIns()
    protected: bool = False
    end: date | None = None

    def unit_ids(self, as_of: date) -> tuple[str, ...]:
        """Return the units of the current employments, each once, in the order of the file."""
        return tuple(dict.fromkeys(e.unit_id for e in self.employments if e.unit_id and e.is_current(as_of)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """Somebody's own words about what a person can do, or one cell of a competence matrix.

    ``heading`` is True for a matrix cell, whose ``text`` is the column heading. ``level`` is None when not stated.
    """

    statement_id: str
    person_id: str
    text: str
    lang: str = ""
    learnt_where: LearntWhere | None = None
    day: date | None = None
    source: Source = Source.SELF
    level: int | None = None
    heading: bool = False
    visibility: Visibility = Visibility.UNIT


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """One reason to believe that a person holds a concept at a level.

    ``words`` are those in the file; ``concept_id`` is None until they have been linked. ``probability`` is the
    link's, 1.0 where the file names the concept itself. ``level`` None means no level was stated. ``label`` is the
    taxonomy label that the words met. ``valid_until`` is the last day that a certificate, licence or course holds (None:
    it states none); after it the piece meets no hard requirement (REQ-VAL-14).
    """

    evidence_id: str
    person_id: str
    concept_id: str | None = None
    words: str = ""
    level: int | None = None
    source: Source = Source.SELF
    learning_form: LearningForm = LearningForm.INFORMAL
    day: date | None = None
    author: str = ""
    statement_id: str | None = None
    stage: ValidationStage = ValidationStage.IDENTIFIED
    visibility: Visibility = Visibility.ORGANISATION
    probability: float = 1.0
    label: str = ""
    valid_until: date | None = None

    def is_valid(self, as_of: date) -> bool:
        """Say whether the piece has not run out before ``as_of``."""
        return self.valid_until is None or as_of <= self.valid_until


@dataclass(frozen=True, slots=True, kw_only=True)
class Interest:
    """What a person wants to use, learn or teach; ``concept_id`` is None until the words have been linked."""

    person_id: str
    words: str = ""
    kind: InterestKind = InterestKind.LEARN
    concept_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Travel:
    """Minutes between two sites, counted in both directions."""

    from_site: str
    to_site: str
    minutes: float


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryEntry:
    """An earlier mentoring pair (person and other) or move (person, from unit, to unit)."""

    kind: HistoryKind
    person_id: str
    other_id: str | None = None
    from_unit: str = ""
    to_unit: str = ""
    start: date | None = None
    end: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Delegation:
    """A task that one person has handed to another, for some time and in one unit (REQ-VAL-15).

    It is no competence: it is counted in no holding, meets no requirement, and ends where the person leaves the unit.

    Parameters
    ----------
    delegator_id, delegate_id : str
        Who answers for it and who does it.
    task : str
        In the words of the file, such as "insulin enligt ordination".
    unit_id : str
        Where it holds.
    start, end : date
        First and last day, at most 365 days.

    Raises
    ------
    InputError
        If it is to oneself, ends before it begins, or is longer than 365 days.

    Examples
    --------
    >>> days = {"start": date(2026, 1, 1), "end": date(2026, 6, 30)}
    >>> one = Delegation(delegator_id="7", delegate_id="8", task="insulin", unit_id="north", **days)
    >>> one.holds(date(2026, 3, 1), ["north"]), one.holds(date(2026, 3, 1), ["south"])
    (True, False)
    """

    delegator_id: str
    delegate_id: str
    task: str
    unit_id: str
    start: date
    end: date

    def __post_init__(self) -> None:
        if self.delegator_id == self.delegate_id:
            raise InputError(f"a delegation must be to somebody else; {self.delegator_id!r} is both")
        if not 0 <= (self.end - self.start).days < LONGEST_DELEGATION_DAYS:
            raise InputError(
                f"a delegation must last from 1 to {LONGEST_DELEGATION_DAYS} days; "
                f"got {self.start.isoformat()} to {self.end.isoformat()}"
            )

    def holds(self, as_of: date, unit_ids: Iterable[str]) -> bool:
        """Say whether it holds on ``as_of`` for somebody who then works in these units."""
        return self.start <= as_of <= self.end and self.unit_id in unit_ids


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What a named human chose about a suggestion, and how it was reasoned.

    ``kind`` is the suggestion kind (experts, pairs, rotation, teams, validations), ``people`` the persons it speaks
    of in the order of their parts, ``target`` what it was about. ``equality_reasoning`` holds the
    gender-equality reasoning that must stand before a round is marked decided (REQ-EQ-7).
    """

    kind: str
    choice: Choice
    people: tuple[str, ...]
    target: str = ""
    decided_by: str = ""
    day: date | None = None
    alternatives: str = ""
    reasoning: str = ""
    equality_reasoning: str = ""


class Side(StrEnum):
    """Who says what a person can do; sides stand beside each other and are never averaged in a view."""

    SELF = "self"
    COLLEAGUE = "colleague"
    MANAGER = "manager"
    ASSESSOR = "assessor"
    DOCUMENT = "document"
    HISTORY = "history"


SIDE_OF: Mapping[Source, Side] = MappingProxyType(
    {
        Source.SELF: Side.SELF,
        Source.COLLEAGUE: Side.COLLEAGUE,
        Source.MANAGER: Side.MANAGER,
        Source.COURSE: Side.DOCUMENT,
        Source.CERTIFICATE: Side.DOCUMENT,
        Source.WORK_SAMPLE: Side.ASSESSOR,
        Source.OBSERVATION: Side.ASSESSOR,
        Source.SIMULATION: Side.ASSESSOR,
        Source.ASSESSMENT: Side.ASSESSOR,
        Source.ROLE_HISTORY: Side.HISTORY,
    }
)
"""Whose view each source of evidence is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SideView:
    """What one side says of one holding: the level it stated last (None: none), on which day, and its evidence."""

    side: Side
    level: int | None
    day: date | None
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """What all evidence for one person and concept amounts to on a date.

    ``level`` in [1, 5] is the precision-weighted mean, ``confidence`` in [0, 1). ``rounded`` is the whole step used
    by coverage, gap and growth, 0 when the holding is to be re-confirmed (confidence below the setting).
    """

    person_id: str
    concept_id: str
    level: float
    confidence: float
    rounded: int
    stage: ValidationStage
    use: Use
    evidence: tuple[Evidence, ...] = ()
    level_assumed: bool = False
    latest: date | None = None

    @property
    def sides(self) -> tuple[SideView, ...]:
        """What self, colleagues, manager, assessors and documents say, each for itself, in the order of :class:`Side`."""
        found = []
        for side in Side:
            # Undated evidence is the oldest; of the same day the last in the file's order wins.
            pieces = sorted((e for e in self.evidence if SIDE_OF[e.source] is side), key=lambda e: e.day or date.min)
            if pieces:
                stated = [e for e in pieces if e.level is not None]
                last = stated[-1] if stated else pieces[-1]
                found.append(SideView(side=side, level=last.level, day=last.day, evidence=tuple(pieces)))
        return tuple(found)

    @property
    def disagreement(self) -> int:
        """Steps between the lowest and the highest level that two sides stated last; 0 where fewer than two did."""
        levels = [view.level for view in self.sides if view.level is not None]
        return max(levels) - min(levels) if levels else 0

    @property
    def to_be_reconfirmed(self) -> bool:
        """True when the evidence is too weak or too old to cover anything."""
        return self.rounded == 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """One part of a score: ``contribution = weight * value``, and all contributions sum to the score.

    Parameters
    ----------
    measure : str
        Name of the measure, documented in :mod:`competence.fit` and worded in ``_texts``.
    value, weight, contribution : float
        Value in [0, 1], its weight, and their product.
    person_id, concept_id : str or None
        Whom and what it speaks of.
    evidence : tuple of str
        Ids of the evidence it rests on.
    path : tuple of str
        The steps from words to measure, such as words, label, concept.
    facts : Mapping
        What the sentence needs: labels (``concept_sv``, ``concept_en``), levels, dates as ISO text.
    """

    measure: str
    value: float
    weight: float
    contribution: float
    person_id: str | None = None
    concept_id: str | None = None
    evidence: tuple[str, ...] = ()
    path: tuple[str, ...] = ()
    facts: Mapping[str, str | int | float | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How good an answer is known to be.

    Parameters
    ----------
    status : Status
        ``optimal`` only with a proof (gap 0 within 1e-9); ``empty`` when the data cannot feed the call.
    objective, bound, gap : float or None
        Value reached, proven limit of what any answer can reach, and (bound - objective) / |bound|.
    method : str
        What computed it, such as ``assignment (SciPy)``.
    seconds : float
        Wall time. Never compared: two equal Outcomes may differ in it.
    steps : int
        Budget used; running again with ``effort=steps`` gives the same answer.
    stopped_by : str
        ``proof``, ``steps``, ``clock`` or ``cancelled``.
    conflicts : tuple of str
        Names of the hard rules that made it infeasible or empty, or that it wants known.
    certificate : str
        Text key or plain words of what limits the answer; empty if nothing does.
    runner_up : float or None
        Objective or score difference to the next best, where it is known.
    """

    status: Status
    objective: float | None = None
    bound: float | None = None
    gap: float | None = None
    method: str = ""
    seconds: float = field(default=0.0, compare=False)
    steps: int = 0
    stopped_by: str = "proof"
    conflicts: tuple[str, ...] = ()
    certificate: str = ""
    runner_up: float | None = None
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        if self.status is Status.OPTIMAL:
            head = "optimal"
        elif self.status is Status.FEASIBLE and self.gap is not None:
            head = f"within {self.gap:.1%} of the best possible"
        elif self.status is Status.HEURISTIC:
            head = "found by search, no bound"
        elif self.status is Status.INFEASIBLE:
            head = "infeasible"
        else:
            head = "empty"
        why = f": {', '.join(self.conflicts)}" if self.conflicts and self.status in (Status.INFEASIBLE, Status.EMPTY) else ""
        how = f" ({self.method})" if self.method else ""
        return f"{head}{why}{how}"
