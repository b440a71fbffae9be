"""What can be asked of the five suggest functions, checked before anything runs, and the call itself.

Pages and JSON use the same request models, so that a form can ask for nothing that the API cannot. No field includes
or excludes anybody by sex (REQ-EQ-1).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from time import perf_counter
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from competence.errors import CompetenceError, UnknownIdError
from competence.graph import CompetenceGraph
from competence.model import Choice, Decision, Need, NeedItem, Post
from competence.suggest.result import Suggestion, Suggestions
from competence_service.store import RunRow

if TYPE_CHECKING:
    from competence.suggest.compare import PlanComparison, PlanEffects

__all__ = [
    "EQUALITY_ASKED",
    "KINDS",
    "MODELS",
    "DecisionAsked",
    "Fault",
    "RequestError",
    "call",
    "decision",
    "effects",
    "named",
    "parse",
    "title_fault",
    "vacancies",
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
RunId = Annotated[str | None, Field(max_length=40)]
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

    mode: Literal["one_to_one", "reverse", "circle", "job_shadow", "buddy"] = Field(
        "one_to_one", description="What kind of pairs; circles are of 4 to 8."
    )
    objective: Literal["most_pairs", "score"] = Field(
        "most_pairs", description="As many pairs as possible and then the best, or the best total at once."
    )
    earlier: RunId = Field(
        None, description="Id of an earlier run of pairs: its pairs are left as they are, who waited comes first."
    )
    mentees: Ids | None = None
    mentors: Ids | None = None
    units: Ids = Field(default=[], description="Mentees from these units and those below them, where mentees is not given.")
    topics: OptionalNeed = Field(default=[], description="What all mentees want to learn; empty takes what each has said.")
    goal_role: str | None = Field(None, max_length=200, description="Role id whose gaps are the topics of all mentees.")
    capacity: int | None = Field(None, ge=0, le=20, description="Mentees per mentor where the files do not say.")
    n: int | None = Field(None, ge=1, le=1_000, description="Show only the best; of circles how many at most.")
    stable: bool = False
    pinned: list[tuple[str, str]] = Field(default=[], max_length=1_000)
    forbidden: list[tuple[str, str]] = Field(default=[], max_length=1_000)
    cutoff: Cutoff = None
    effort: Effort = None
    time_limit: TimeLimit = None
    seed: Seed = 0

    @field_validator("capacity", "stable", "pinned", "earlier")
    @classmethod
    def _not_in_a_circle(cls, value: Any, info: ValidationInfo) -> Any:
        # A capacity of 0 is said, not left out.
        left_out = value is None or value is False or value == []
        if info.data.get("mode") == "circle" and not left_out:
            raise PydanticCustomError("not_in_circle", "has no meaning in a circle; leave it out")
        return value

    @field_validator("topics", "goal_role")
    @classmethod
    def _not_for_a_buddy(cls, value: Any, info: ValidationInfo) -> Any:
        if info.data.get("mode") == "buddy" and value:
            raise PydanticCustomError("not_for_buddy", "has no meaning for a buddy, who has the same role; leave it out")
        return value


class RoleAsked(_Asked):
    """What an open post is in words, with its share of full time."""

    title: str = Field(min_length=1, max_length=200)
    share: float | None = Field(None, gt=0, le=1)


class PostAsked(_Asked):
    """An open post that the files do not have, such as a placement at another employer."""

    post_id: str = Field(min_length=1, max_length=200)
    unit_id: str = Field(min_length=1, max_length=200, description="A unit of the files, or the name of another employer.")
    roles: list[RoleAsked] = Field(min_length=1, max_length=5)


def _one_or_several(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


Texts = Annotated[
    list[Annotated[str, Field(min_length=1, max_length=100)]], BeforeValidator(_one_or_several), Field(max_length=20)
]


class RotationAsked(_Asked):
    """Plan swaps and cycles over filled posts, and chains from open ones."""

    units: Ids = Field(default=[])
    people: Ids | None = None
    n: int | None = Field(None, ge=1, le=1_000)
    months: int = Field(6, ge=1, le=24)
    weeks: int | None = Field(None, ge=2, le=8, description="A try-out of so many weeks, in place of months.")
    start: date | None = Field(None, description="First day; None is the date of the data.")
    periods: int = Field(1, ge=1, le=12, description="Periods of that length after each other; nobody is twice in the same post.")
    max_cycle: int | None = Field(3, ge=2, le=4)
    parts: bool = Field(True, description="Whether one role of a post may change hands by itself.")
    open_posts: Annotated[list[str | PostAsked], BeforeValidator(_one_or_several)] = Field(
        default=[], max_length=200, description='Ids of posts, posts as records, and "vacant" for every vacant post of the files.'
    )
    locked: Ids = Field(default=[], description="People who stay where they are.")
    pinned: list[Annotated[list[str], Field(min_length=2, max_length=20)]] = Field(
        default=[], max_length=200, description="Rings that must be in the plan: each moves to the next one's post."
    )
    forbidden: list[tuple[str, str]] = Field(
        default=[], max_length=1_000, description="The first may not move to the second's post."
    )
    managers: dict[str, bool] = Field(
        default={}, max_length=2_000, description="What managers have answered, by id or name of a unit or id of a person."
    )
    hours: dict[str, Texts] = Field(
        default={}, max_length=2_000, description="Working hours in words, by unit, post or person; nobody moves to other hours."
    )
    forms: Texts | None = Field(None, description="Forms of employment that take part; None is all.")
    travel_minutes: float | None = Field(None, ge=0, le=600, description="Longest journey; None is what the settings say.")
    earlier: RunId = Field(None, description="Id of an earlier run of rotation, from which the search goes on.")
    keep: list[int] = Field(default=[], max_length=1_000, description="Ranks in the earlier run that must be in this plan too.")
    ban: list[int] = Field(default=[], max_length=1_000, description="Ranks in the earlier run that may not come again.")
    cutoff: Cutoff = None
    effort: Effort = None
    time_limit: TimeLimit = None
    seed: Seed = 0

    @field_validator("keep", "ban")
    @classmethod
    def _of_an_earlier_run(cls, value: list[int], info: ValidationInfo) -> list[int]:
        if value and not info.data.get("earlier", "given and at fault"):
            raise PydanticCustomError("no_earlier", "needs earlier, the run that the ranks are of")
        if info.field_name == "ban" and set(value) & set(info.data.get("keep", ())):
            raise PydanticCustomError("kept_and_banned", "has a rank that keep has too; take it out of one of them")
        return value


class TaskAsked(_Asked):
    """One of several needs that teams are formed for in one call."""

    name: str = Field(min_length=1, max_length=200)
    need: NeedAsked
    size: int = Field(5, ge=2, le=50)
    n: int = Field(1, ge=1, le=200)
    priority: int = Field(1, ge=1, le=100, description="1 is served first.")


class TeamsAsked(_Asked):
    """Form teams that cover a need, or several needs with a priority each."""

    purpose: Literal["project", "steering", "circle", "work_team", "co_leaders"] = "project"
    tasks: list[TaskAsked] = Field(
        default=[], max_length=20, description="Several needs at once; need, size and n are then left out."
    )
    need: OptionalNeed = Field(default=[], validate_default=True)
    units: Ids = Field(default=[])
    people: Ids | None = None
    size: int | None = Field(None, ge=2, le=50, description="None is 5; in a circle 8, of co-leaders 2.")
    n: int | None = Field(1, ge=1, le=200, description="How many teams; None places everybody.")
    balance: Literal["no_lone", "balanced", "proportional"] = "no_lone"
    epsilon: float = Field(0.02, ge=0, le=0.05)
    together: list[tuple[str, str]] = Field(default=[], max_length=500)
    apart: list[tuple[str, str]] = Field(default=[], max_length=500)
    at_most: int | None = Field(None, ge=1, le=50, description="Most members of one unit in a team.")
    willing: Ids | None = Field(None, description="Of co-leaders: who has said yes; None is that nobody has been asked.")
    ground: str = Field("", max_length=4_000)
    assessment: str = Field("", max_length=4_000, validate_default=True)
    effort: Effort = None
    time_limit: TimeLimit = None
    seed: Seed = 0

    @field_validator("tasks")
    @classmethod
    def _with_names_of_their_own(cls, value: list[TaskAsked]) -> list[TaskAsked]:
        names = [task.name.strip().casefold() for task in value]
        if len(set(names)) < len(names):
            raise PydanticCustomError("name_twice", "must each have a name of its own")
        return value

    @field_validator("need")
    @classmethod
    def _one_or_several_needs(cls, value: Any, info: ValidationInfo) -> Any:
        tasks = info.data.get("tasks", "at fault")
        if not value and not tasks:
            raise PydanticCustomError("missing", "give a need, or tasks with a need each")
        if value and info.data.get("tasks"):
            raise PydanticCustomError("need_and_tasks", "has no meaning beside tasks, which have needs of their own")
        return value

    @field_validator("size")
    @classmethod
    def _size_of_the_purpose(cls, value: int | None, info: ValidationInfo) -> int | None:
        purpose = info.data.get("purpose")
        if value is not None and purpose == "circle" and not 4 <= value <= 8:
            raise PydanticCustomError("size_circle", "must be 4 to 8 in a circle, or left out")
        if value is not None and purpose == "co_leaders" and value != 2:
            raise PydanticCustomError("size_leaders", "must be 2 for co-leaders, or left out")
        return value

    @field_validator("tasks", "together", "at_most", "n")
    @classmethod
    def _only_for_groups(cls, value: Any, info: ValidationInfo) -> Any:
        given = value is None if info.field_name == "n" else value not in (None, [])
        if given and info.data.get("purpose") in ("circle", "co_leaders"):
            raise PydanticCustomError("not_with_purpose", "has no meaning for circles and co-leaders; leave it out")
        return value

    @field_validator("together", "apart")
    @classmethod
    def _two_people(cls, value: list[tuple[str, str]]) -> list[tuple[str, str]]:
        if any(a == b for a, b in value):
            raise PydanticCustomError("same_twice", "must hold pairs of two different people")
        return value

    @field_validator("willing")
    @classmethod
    def _only_for_leaders(cls, value: list[str] | None, info: ValidationInfo) -> list[str] | None:
        if value is not None and info.data.get("purpose") != "co_leaders":
            raise PydanticCustomError("only_leaders", "has a meaning only for co-leaders; leave it out")
        return value

    @field_validator("assessment")
    @classmethod
    def _with_the_ground(cls, value: str, info: ValidationInfo) -> str:
        if bool(value.strip()) != bool(str(info.data.get("ground", "")).strip()):
            raise PydanticCustomError("both_needed", "ground and assessment are needed together; give both or neither")
        return value


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


def call(
    graph: CompetenceGraph,
    kind: str,
    request: Mapping[str, Any],
    *,
    time_limit: float,
    run: Callable[[str], RunRow],
    today: date,
) -> tuple[Suggestions, float]:
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
    run : callable
        Gives a stored run by its id, for a request that goes on from an earlier one.
    today : date
        The day of the call. Experts who were asked after the day of the data rest from then, so that their search is of today.

    Raises
    ------
    RequestError
        If an earlier run is not there, is of another kind or has no such rank, or an open post has no role that is known.
    CompetenceError
        If a unit, person or role does not exist, or the library refuses a combination of values.
    """
    asked = dict(request)
    for name in ("need", "topics"):
        if name in asked:
            asked[name] = _need(asked[name])
    for name in ("units", "people", "mentees", "mentors"):
        if name in asked:
            asked[name] = asked[name] or None
    if "time_limit" in asked:
        asked["time_limit"] = asked["time_limit"] or time_limit
    if "earlier" in asked:
        asked["earlier"] = _earlier(asked["earlier"], kind, run)
    if kind == "experts" and any(_later_request(d, graph.as_of) for d in graph.staff.decisions):
        asked["as_of"] = max(today, graph.as_of)
    started = perf_counter()
    result = _FUNCTIONS[kind](graph, asked)
    return result, perf_counter() - started


def _later_request(made: Decision, as_of: date) -> bool:
    """Say whether somebody was asked as an expert after the day of the data, which a search of that day does not know."""
    return made.kind == "experts" and made.choice is Choice.ACCEPTED and made.day is not None and made.day > as_of


def _need(items: Sequence[Mapping[str, Any]]) -> Need | None:
    return Need(tuple(NeedItem(**item) for item in items)) if items else None


def _earlier(run_id: str | None, kind: str, run: Callable[[str], RunRow]) -> Suggestions | None:
    """Return the stored result that a request goes on from."""
    if not run_id:
        return None
    try:
        found = run(run_id)
    except UnknownIdError:
        raise RequestError((Fault(field="earlier", code="unknown_run", message="there is no run with this id"),)) from None
    if found.kind != kind:
        raise RequestError((Fault(field="earlier", code="unknown_run", message=f"must be a run of {kind}; got {found.kind}"),))
    return Suggestions.from_dict(found.result)


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

    earlier: Suggestions | None = asked["earlier"]
    by_rank = {s.rank: s for s in earlier or ()}
    keep, ban, travel = asked.pop("keep"), asked.pop("ban"), asked.pop("travel_minutes")
    faults = [
        Fault(field=name, code="unknown_rank", values={"rank": rank}, message=f"the earlier run has no rank {rank}")
        for name, ranks in (("keep", keep), ("ban", ban))
        for rank in ranks
        if rank not in by_rank
    ]
    faults += [
        Fault(field="keep", code="keep_first", values={"rank": rank}, message=f"rank {rank} is not of the first period")
        for rank in keep
        if rank in by_rank and by_rank[rank].facts.get("period", 1) > 1
    ]
    asked["open_posts"], unknown = _open_posts(graph, asked["open_posts"])
    if faults or unknown:
        raise RequestError((*faults, *unknown))
    asked["pinned"] = [*asked["pinned"], *(by_rank[rank].facts["places"] for rank in keep)]
    asked["forbidden"] = [tuple(pair) for pair in asked["forbidden"]]
    refused = []
    for rank in ban:
        ring = by_rank[rank]
        if ring.facts.get("chain"):
            # A move into an open post is no move between two people, so that only a decision can forbid it.
            refused.append(_said_no(ring, graph))
        else:
            asked["forbidden"] += zip(ring.people, (*ring.people[1:], ring.people[0]), strict=True)
    if refused:
        graph = graph.with_staff(graph.staff.with_decisions(refused))
    for name in ("managers", "hours"):
        asked[name] = asked[name] or None
    if travel is not None:
        section = graph.settings.suggest.model_copy(update={"travel_minutes": travel})
        asked["settings"] = graph.settings.model_copy(update={"suggest": section})
    return plan_rotation(graph, **asked)


def _said_no(ring: Suggestion, graph: CompetenceGraph) -> Decision:
    """Return a no to a chain, said after all there is, so that no earlier answer outweighs it; it is not stored."""
    days = [d.day for d in graph.staff.decisions if d.day is not None]
    day = max([*days, graph.as_of])
    return Decision(kind="rotation", choice=Choice.REJECTED, people=ring.people, target=ring.target, day=day)


def vacancies(graph: CompetenceGraph) -> list[Post]:
    """Return the vacant posts of the files that a chain can start from: those with a unit and a role that is known."""
    vacant = (p for p in graph.staff.filled_posts if p.holder_id is None and p.unit_id and any(r.role_id for r in p.roles))
    return sorted(vacant, key=lambda p: p.post_id)


def _open_posts(graph: CompetenceGraph, given: Sequence[Any]) -> tuple[list[Any], list[Fault]]:
    """Return open posts as the library takes them, and a fault for each title that no role is known for."""
    posts: dict[str, Any] = {}
    faults = []
    for number, item in enumerate(given):
        if item == "vacant":
            posts |= {p.post_id: p.post_id for p in vacancies(graph)}
        elif isinstance(item, str):
            posts[item] = item
        else:
            posts[item["post_id"]] = item
            told = (title_fault(graph, r["title"], f"open_posts.{number}.roles.{at}.title") for at, r in enumerate(item["roles"]))
            faults += [fault for fault in told if fault is not None]
    return list(posts.values()), faults


def title_fault(graph: CompetenceGraph, title: str, field: str) -> Fault | None:
    """Return what is wrong with a title that no role is known by, with the nearest; None where one is."""
    links = graph.linker.link_role(title, n=3)
    if links.best is not None:
        return None
    near = [graph.taxonomy.role(link.role_id) for link in links]
    return Fault(
        field=field,
        code="no_such_role",
        values={lang: ", ".join(role.label(lang) for role in near) for lang in ("sv", "en")},
        message=f"no role is known by this title; nearest: {', '.join(role.role_id for role in near) or 'none'}",
    )


def _teams(graph: CompetenceGraph, asked: dict[str, Any]) -> Suggestions:
    from competence.suggest.teams import form_teams

    asked["tasks"] = [{**task, "need": _need(task["need"])} for task in asked["tasks"]]
    for name in ("together", "apart"):
        asked[name] = [tuple(pair) for pair in asked[name]]
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


def effects(graph: CompetenceGraph, run: RunRow, earlier: RunRow | None) -> PlanEffects | PlanComparison:
    """Return what a stored plan of rotation changes, beside the plan it goes on from where there is one.

    Raises
    ------
    CompetenceError
        If it is no plan of rotation, or speaks of people or posts that the data of today lack.
    """
    from competence.suggest.compare import compare_plans, plan_effects

    plan = named(run.result, graph, "")
    try:
        if earlier is None:
            return plan_effects(graph, plan)
        return compare_plans(graph, named(earlier.result, graph, ""), plan)
    except KeyError as error:
        raise UnknownIdError(f"the plan speaks of {error.args[0]!r}, which is not in the data any more") from None


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
