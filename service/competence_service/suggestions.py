"""What can be asked of the five suggest functions, checked before anything runs, and the call itself.

Pages and JSON use the same request models, so that a form can ask for nothing that the API cannot. No field includes
or excludes anybody by sex (REQ-EQ-1).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from time import perf_counter
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from competence.errors import CompetenceError
from competence.graph import CompetenceGraph
from competence.model import Choice, Decision, Need, NeedItem
from competence.suggest.result import Suggestions

__all__ = [
    "EQUALITY_ASKED",
    "KINDS",
    "MODELS",
    "DecisionAsked",
    "Fault",
    "RequestError",
    "call",
    "decision",
    "named",
    "parse",
    "without_names",
]

KINDS = ("experts", "pairs", "rotation", "teams", "validations")
EQUALITY_ASKED = frozenset({"pairs", "rotation", "teams"})
"""Kinds whose acceptance needs a gender-equality reasoning (REQ-EQ-7)."""


_M = TypeVar("_M", bound=BaseModel)


class _Asked(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class NeedItemAsked(_Asked):
    """One thing asked for: words or a concept id, the lowest level, how many people, its weight."""

    words: str = Field("", max_length=500, description="In Swedish or English.")
    concept_id: str | None = Field(None, max_length=200)
    level: int = Field(1, ge=1, le=5, description="Lowest level, 1-5.")
    count: int = Field(1, ge=1, le=50, description="How many people must hold it.")
    weight: float = Field(1.0, gt=0, le=1)
    hard: bool = False


def _need_items(value: Any) -> Any:
    """Accept a text, a list of texts, {text: level} and {"items": [...]}, as the library does."""
    if isinstance(value, str):
        return [{"words": value.strip()}] if value.strip() else []
    if isinstance(value, Mapping):
        if set(value) == {"items"}:
            return _need_items(value["items"])
        return [{"words": words, "level": level} for words, level in value.items()]
    if isinstance(value, list):
        return [{"words": item.strip()} if isinstance(item, str) else item for item in value]
    return value


NeedAsked = Annotated[list[NeedItemAsked], BeforeValidator(_need_items), Field(min_length=1, max_length=30)]
OptionalNeed = Annotated[list[NeedItemAsked], BeforeValidator(_need_items), Field(max_length=30)]
Ids = Annotated[list[Annotated[str, Field(min_length=1, max_length=200)]], Field(max_length=5_000)]
TimeLimit = Annotated[float | None, Field(gt=0, le=60, description="Seconds; None takes the service's limit.")]
Effort = Annotated[int | None, Field(ge=1, le=10_000_000, description="Budget in steps; the same steps give the same answer.")]
Cutoff = Annotated[float | None, Field(ge=0, le=1)]
Seed = Annotated[int, Field(ge=0, le=2**31 - 1, description="Orders equals by a hash of their ids.")]


class ExpertsAsked(_Asked):
    """Find internal experts for a need."""

    need: NeedAsked
    n: int = Field(10, ge=1, le=100)
    units: Ids = Field(default=[])
    people: Ids | None = None
    cutoff: Cutoff = None
    seed: Seed = 0


class PairsAsked(_Asked):
    """Pair mentees with mentors."""

    mentees: Ids | None = None
    mentors: Ids | None = None
    units: Ids = Field(default=[], description="Mentees from these units and those below them, where mentees is not given.")
    topics: OptionalNeed = Field(default=[], description="What all mentees want to learn; empty takes what each has said.")
    goal_role: str | None = Field(None, max_length=200)
    capacity: int | None = Field(None, ge=0, le=20, description="Mentees per mentor where the files do not say.")
    n: int | None = Field(None, ge=1, le=1_000)
    stable: bool = False
    pinned: list[tuple[str, str]] = Field(default=[], max_length=1_000)
    forbidden: list[tuple[str, str]] = Field(default=[], max_length=1_000)
    cutoff: Cutoff = None
    effort: Effort = None
    time_limit: TimeLimit = None
    seed: Seed = 0


class RotationAsked(_Asked):
    """Plan swaps and cycles over filled posts."""

    units: Ids = Field(default=[])
    people: Ids | None = None
    n: int | None = Field(None, ge=1, le=1_000)
    months: int = Field(6, ge=1, le=24)
    max_cycle: int | None = Field(3, ge=2, le=4)
    locked: Ids = Field(default=[])
    cutoff: Cutoff = None
    effort: Effort = None
    time_limit: TimeLimit = None
    seed: Seed = 0


class TeamsAsked(_Asked):
    """Form teams that cover a need."""

    need: NeedAsked
    units: Ids = Field(default=[])
    people: Ids | None = None
    size: int = Field(5, ge=2, le=50)
    n: int | None = Field(1, ge=1, le=200, description="How many teams; None places everybody.")
    balance: Literal["no_lone", "balanced", "proportional"] = "no_lone"
    epsilon: float = Field(0.02, ge=0, le=0.05)
    together: list[list[str]] = Field(default=[], max_length=500)
    apart: list[list[str]] = Field(default=[], max_length=500)
    purpose: Literal["project", "steering", "circle", "work_team"] = "project"
    ground: str = Field("", max_length=4_000)
    assessment: str = Field("", max_length=4_000)
    effort: Effort = None
    time_limit: TimeLimit = None
    seed: Seed = 0


class ValidationsAsked(_Asked):
    """Suggest which claims are worth validating."""

    units: Ids = Field(default=[])
    people: Ids | None = None
    stage: Literal["identified", "documented"] = "documented"
    n: int = Field(20, ge=1, le=500)
    seed: Seed = 0


MODELS: Mapping[str, type[_Asked]] = {
    "experts": ExpertsAsked,
    "pairs": PairsAsked,
    "rotation": RotationAsked,
    "teams": TeamsAsked,
    "validations": ValidationsAsked,
}
"""The request model of each kind; its fields are those of the library's function."""


class DecisionAsked(_Asked):
    """One decision by a named human about one suggestion. There is no way to accept all (REQ-AI-1)."""

    model_config = ConfigDict(str_strip_whitespace=True)

    rank: int = Field(ge=1)
    choice: Literal["accepted", "rejected"]
    decided_by: str = Field(min_length=1, max_length=200)
    reasoning: str = Field(min_length=1, max_length=4_000)
    equality_reasoning: str = Field("", max_length=4_000, description="Needed to accept pairs, rotations and teams.")


class Fault(BaseModel):
    """One thing wrong with a request: the field, a stable code, and what the code's text needs."""

    model_config = ConfigDict(frozen=True)

    field: str
    code: str
    values: dict[str, Any] = {}
    message: str = ""


class RequestError(CompetenceError, ValueError):
    """A request cannot be carried out; ``faults`` has every reason."""

    def __init__(self, faults: tuple[Fault, ...]) -> None:
        super().__init__("; ".join(f"{f.field}: {f.message or f.code}" for f in faults))
        self.faults = faults


def parse(kind: str, data: Mapping[str, Any]) -> dict[str, Any]:
    """Check a request whole and return it complete, as plain JSON values.

    Raises
    ------
    RequestError
        With every fault at once.
    """
    return _checked(MODELS[kind], data).model_dump(mode="json")


def _checked(model: type[_M], data: Mapping[str, Any]) -> _M:
    try:
        return model.model_validate(data)
    except ValidationError as error:
        faults = tuple(
            Fault(
                field=".".join(str(part) for part in e["loc"]),
                code=e["type"],
                values={k: v for k, v in e.get("ctx", {}).items() if isinstance(v, str | int | float)},
                message=e["msg"],
            )
            for e in error.errors(include_url=False, include_input=False)
        )
        raise RequestError(faults) from None


def call(graph: CompetenceGraph, kind: str, request: Mapping[str, Any], *, time_limit: float) -> tuple[Suggestions, float]:
    """Run the suggest function of ``kind`` and return its result with the seconds it took.

    Parameters
    ----------
    graph : CompetenceGraph
        What it works on.
    kind : str
        One of :data:`KINDS`.
    request : mapping
        From :func:`parse`.
    time_limit : float
        Seconds, where the request does not say.

    Raises
    ------
    CompetenceError
        If a unit, person or role does not exist, or the library refuses a combination of values.
    """
    asked = dict(request)
    for name in ("need", "topics"):
        if name in asked:
            items = tuple(NeedItem(**item) for item in asked[name])
            asked[name] = Need(items) if items else None
    for name in ("units", "people", "mentees", "mentors"):
        if name in asked:
            asked[name] = asked[name] or None
    if "time_limit" in asked:
        asked["time_limit"] = asked["time_limit"] or time_limit
    started = perf_counter()
    result = _FUNCTIONS[kind](graph, asked)
    return result, perf_counter() - started


def _experts(graph: CompetenceGraph, asked: dict[str, Any]) -> Suggestions:
    from competence.suggest.experts import find_experts

    return find_experts(graph, asked.pop("need"), **asked)


def _pairs(graph: CompetenceGraph, asked: dict[str, Any]) -> Suggestions:
    from competence.suggest.mentoring import pair_mentors

    units, mentees = asked.pop("units"), asked.pop("mentees")
    if mentees is None and units is not None:
        mentees = [graph.person_ids[row] for row in graph.rows(None, units)]
    return pair_mentors(graph, mentees, **asked)


def _rotation(graph: CompetenceGraph, asked: dict[str, Any]) -> Suggestions:
    from competence.suggest.rotation import plan_rotation

    return plan_rotation(graph, **asked)


def _teams(graph: CompetenceGraph, asked: dict[str, Any]) -> Suggestions:
    from competence.suggest.teams import form_teams

    return form_teams(graph, asked.pop("need"), **asked)


def _validations(graph: CompetenceGraph, asked: dict[str, Any]) -> Suggestions:
    from competence.suggest.validations import suggest_validations

    return suggest_validations(graph, **asked)


_FUNCTIONS = {"experts": _experts, "pairs": _pairs, "rotation": _rotation, "teams": _teams, "validations": _validations}


def decision(kind: str, result: Mapping[str, Any], data: Mapping[str, Any], day: date) -> tuple[int, Decision]:
    """Check a decision about one suggestion of a stored result, and return its rank and the record.

    Raises
    ------
    RequestError
        If somebody has not said who, why or what; if a kind that needs it has no gender-equality reasoning; or if
        there is no suggestion of that rank.
    """
    faults: tuple[Fault, ...] = ()
    if kind in EQUALITY_ASKED and data.get("choice") == "accepted" and not str(data.get("equality_reasoning") or "").strip():
        faults = (Fault(field="equality_reasoning", code="missing", message="must be given to accept this kind of suggestion"),)
    try:
        asked = _checked(DecisionAsked, data)
    except RequestError as error:
        raise RequestError((*error.faults, *faults)) from None
    if faults:
        raise RequestError(faults)
    for suggestion in Suggestions.from_dict(result):
        if suggestion.rank == asked.rank:
            return asked.rank, Decision(
                kind=kind,
                choice=Choice(asked.choice),
                people=suggestion.people,
                target=suggestion.target,
                decided_by=asked.decided_by,
                day=day,
                reasoning=asked.reasoning,
                equality_reasoning=asked.equality_reasoning,
            )
    raise RequestError((Fault(field="rank", code="unknown", message="no suggestion of that rank"),))


def without_names(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``Suggestions.to_dict()`` with every name taken out: what is stored holds ids only."""
    return {
        **data,
        "suggestions": [{**s, "names": {}} for s in data["suggestions"]],
        "neutral": None if data.get("neutral") is None else without_names(data["neutral"]),
    }


def named(result: Mapping[str, Any], graph: CompetenceGraph, unknown: str) -> Suggestions:
    """Return a stored result with the names that people have today.

    Parameters
    ----------
    result : mapping
        As stored.
    graph : CompetenceGraph
        The current one. Somebody who is not in it (has left, or is protected now) is shown as ``unknown``.
    unknown : str
        What to call them.
    """
    names = {p.person_id: p.name or p.person_id for p in graph.people}

    def joined(part: Suggestions) -> Suggestions:
        items = [replace(s, names={p: names.get(p, unknown) for p in s.everybody}) for s in part]
        return Suggestions(
            part.kind,
            items,
            outcome=part.outcome,
            left_out=part.left_out,
            by_sex=part.by_sex,
            settings=part.settings,
            as_of=part.as_of,
            provenance=part.provenance,
            neutral=None if part.neutral is None else joined(part.neutral),
            notes=part.notes,
        )

    return joined(Suggestions.from_dict(result))
