"""What would change a result: the same call again, on data in which one thing about a person is otherwise.

A counter-factual is shown only after that second call has shown it to be true (REQ-AI-2). What is tried is what a person
or an employer can change: a level confirmed, an answer given, a wish stated, something told. Never who somebody is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from inspect import signature
from typing import TYPE_CHECKING, Any, overload

from competence._texts import text
from competence.errors import InputError
from competence.explain import rule_sentence
from competence.fit import gaps, role_fit
from competence.graph import CompetenceGraph, ResolvedNeed
from competence.model import (
    ConceptKind,
    Evidence,
    Importance,
    Interest,
    InterestKind,
    LearningForm,
    OptIn,
    Source,
    ValidationStage,
    Visibility,
)
from competence.staff import Staff
from competence.suggest.experts import find_experts
from competence.suggest.mentoring import pair_mentors
from competence.suggest.result import Suggestions
from competence.suggest.rotation import plan_rotation
from competence.suggest.teams import form_teams
from competence.suggest.validations import suggest_validations

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Counterfactual", "Counterfactuals", "repeat", "what_would_change"]

_CALLS: Mapping[str, Callable[..., Suggestions]] = {
    "experts": find_experts,
    "pairs": pair_mentors,
    "rotation": plan_rotation,
    "teams": form_teams,
    "validations": suggest_validations,
}
_PURPOSES: Mapping[str, tuple[str, ...]] = {"experts": ("expert",), "pairs": ("mentor", "mentee"), "rotation": ("rotation",)}
_HIGHEST = 5
_BETTER = 1e-9
_READERS = ("manager", "person")


@dataclass(frozen=True, slots=True, kw_only=True)
class Counterfactual:
    """One thing that, were it so, would make a person be suggested, or stand higher. Verified by a second call.

    Parameters
    ----------
    change : str
        ``confirm`` (a competence assessed at a level), ``tell`` (something said that is not known yet), ``wish`` (to
        learn, use or teach something) or ``take_part`` (an answer of yes).
    person_id, concept_id, level, purpose
        Of whom and of what; ``purpose`` is the kind of wish, or what to take part in.
    labels : Mapping
        The competence in words, keyed by ``sv`` and ``en``.
    part : str
        The part that the person would have; empty where the person would only be possible.
    rank_before, rank, score_before, score : int or float, or None
        Best place and score in the result before, and with the change; None: not suggested.
    rule_before, rule : str
        Why the person was not suggested before, and with the change; empty where suggested.
    """

    change: str
    person_id: str
    concept_id: str = ""
    level: int | None = None
    purpose: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    part: str = ""
    rank_before: int | None = None
    rank: int | None = None
    score_before: float | None = None
    score: float | None = None
    rule_before: str = ""
    rule: str = ""

    def sentence(self, lang: str = "sv", *, to: str = "manager", name: str = "") -> str:
        """Say it to the ``manager`` (of a person called ``name``, or by the id) or to the ``person`` concerned."""
        _check_reader(to)
        who = name or self.person_id
        what = self.labels.get(lang, self.concept_id)
        purpose = text(f"change.purpose.{self.purpose}", lang) if self.purpose else ""
        cause = text(f"change.{self.change}.{to}", lang, who=who, concept=what, level=self.level or 0, purpose=purpose)
        if self.rank is None:
            effect = text("change.possible", lang)
        elif self.rank_before is None:
            effect = text("change.suggested", lang, part=text(f"part.{self.part}", lang))
        elif self.rank < self.rank_before:
            effect = text("change.higher", lang, rank=self.rank, before=self.rank_before)
        else:
            effect = text("change.score", lang, score=_number(self.score, lang), before=_number(self.score_before, lang))
        return text("change.sentence", lang, cause=cause, effect=effect)

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {name: getattr(self, name) for name in self.__slots__ if name != "labels"} | {"labels": dict(self.labels)}


class Counterfactuals(Sequence[Counterfactual]):
    """What would change a result for one person; a sequence, those with the largest effect first.

    Attributes
    ----------
    kind, person_id : str
        Of which result, for whom.
    rule : str
        Why the person is not suggested; empty where the person is.
    tried : int
        Changes that the call was repeated with; most make no difference and are not shown.
    """

    def __init__(self, kind: str, person_id: str, rule: str, name: str, items: Sequence[Counterfactual], tried: int) -> None:
        self.kind = kind
        self.person_id = person_id
        self.rule = rule
        self.tried = tried
        self._name = name
        self._items = tuple(items)

    @overload
    def __getitem__(self, index: int) -> Counterfactual: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Counterfactual, ...]: ...
    def __getitem__(self, index: int | slice) -> Counterfactual | tuple[Counterfactual, ...]:
        return self._items[index]

    def __len__(self) -> int:
        return len(self._items)

    def __iter__(self) -> Iterator[Counterfactual]:
        return iter(self._items)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Counterfactuals) and self.to_dict() == other.to_dict()

    def __hash__(self) -> int:
        return hash((self.kind, self.person_id, self.rule, self.tried, len(self._items)))

    def __repr__(self) -> str:
        return f"Counterfactuals({self.kind}, {self.person_id}: {len(self)} of {self.tried} tried)"

    def explain(self, lang: str = "sv", *, to: str = "manager", names: bool = True) -> str:
        """Say how it stands and what would change it, in lines; ``to`` as in :meth:`Counterfactual.sentence`."""
        _check_reader(to)
        name = self._name if names else ""
        who = name or self.person_id
        lines = [text(f"change.now.{to}", lang, who=who, rule=rule_sentence(self.rule, lang))] if self.rule else []
        # Who has said no is not to be talked into it: that an answer of yes would do is for the person alone.
        shown = [f for f in self._items if to == "person" or not (f.change == "take_part" and f.rule_before == "opted_out")]
        lines += [f.sentence(lang, to=to, name=name) for f in shown]
        if not shown:
            lines.append(text("change.nothing", lang, tried=self.tried))
        lines.append(text(f"change.object.{to}", lang))
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {
            "kind": self.kind,
            "person_id": self.person_id,
            "rule": self.rule,
            "tried": self.tried,
            "changes": [f.to_dict() for f in self._items],
        }

    def to_frame(self) -> pd.DataFrame:
        """Return one row per change."""
        import pandas as pd

        return pd.DataFrame([f.to_dict() for f in self._items], columns=[*Counterfactual.__slots__])


def repeat(graph: CompetenceGraph, result: Suggestions, **changes: Any) -> Suggestions:
    """Make the call behind a result again, on this graph, with some arguments changed.

    Parameters
    ----------
    graph : CompetenceGraph
        The graph that the result came from, or one with other data.
    result : Suggestions
        Any of the five kinds; also one that was read back from a file.
    changes
        Arguments of the function that made it, such as ``capacity=1`` or ``locked=["10014"]``.

    Returns
    -------
    Suggestions
        On the same graph and without changes, equal to ``result``. A run that the clock stopped is repeated by its steps.

    Raises
    ------
    InputError
        If an argument is not one of that function.

    Examples
    --------
    >>> from tests.cases import graph_of
    >>> found = find_experts(graph_of(), "demensvård")
    >>> repeat(graph_of(), found) == found, len(repeat(graph_of(), found, n=1))
    (True, 1)
    """
    call = _CALLS[result.kind]
    known = signature(call).parameters
    if unknown := sorted(set(changes) - set(known)):
        raise InputError(f"{call.__name__} takes no {', '.join(unknown)}; it takes {', '.join(list(known)[1:])}")
    given = {name: value for name, value in result.provenance.request.items() if name in known}
    for name in ("need", "topics"):
        if name in given:
            given[name] = _need_of(given[name])
    for name in ("pinned", "forbidden", "together", "apart"):
        if name in given:
            given[name] = [tuple(pair) for pair in given[name]]
    if result.outcome.stopped_by == "clock":
        # Where a call has several stages, its record tells the steps of each.
        given |= {"effort": result.provenance.request.get("steps", result.outcome.steps), "time_limit": None}
    given |= {"settings": result.settings, "as_of": result.as_of, "seed": result.provenance.seed}
    return call(graph, **(given | changes))


def _need_of(asked: object) -> ResolvedNeed | None:
    """Return a need as it was understood; None where the call worked out the topics itself."""
    if not isinstance(asked, Mapping):
        return None
    return ResolvedNeed.of(asked)


def what_would_change(
    graph: CompetenceGraph, result: Suggestions, person_id: str, *, n: int = 3, tries: int = 12
) -> Counterfactuals:
    """Say what would make a person be suggested, or stand higher: each change shown is verified by a second call.

    Parameters
    ----------
    graph : CompetenceGraph
        The graph that the result came from.
    result : Suggestions
        Any of the five kinds.
    person_id : str
        Somebody in the graph.
    n : int
        How many changes at most.
    tries : int
        How often the call is repeated at most.

    Returns
    -------
    Counterfactuals
        Those that make the person be suggested first, then those that raise the place, the score, or make the person
        possible; of equals the smaller change. May be empty: then nothing tried changes it.

    Raises
    ------
    InputError
        If n or tries is below 1.
    UnknownIdError
        If the person is not in the graph.

    Notes
    -----
    One change at a time is tried: a competence asked for assessed at a higher level, an answer of yes, a wish, and for
    validations something told. The assessment stands beside the evidence there is, as it would in the files. Requirements
    of law are not tried, since no assessment meets them. O(tries * the call).

    Examples
    --------
    >>> from tests.cases import graph_of
    >>> graph = graph_of()
    >>> found = what_would_change(graph, find_experts(graph, {"demensvård": 4}), "p2", n=1)
    >>> found[0].change, found[0].level, found[0].rank_before, found[0].rank
    ('confirm', 4, 3, 1)
    """
    for value, name in ((n, "n"), (tries, "tries")):
        if value < 1:
            raise InputError(f"{name} must be at least 1; got {value!r}")
    row = graph.row(person_id)
    seen = graph.seen(result.as_of, result.settings)
    before = _place(result, person_id)
    found: list[Counterfactual] = []
    tried = 0
    for change, edit in _possible(seen, result, person_id):
        if tried == tries:
            break
        tried += 1
        after = _place(repeat(graph.with_staff(edit(graph.staff)), result), person_id)
        if _is_better(before, after):
            found.append(
                replace(
                    change,
                    part=after.part,
                    rank_before=before.rank,
                    rank=after.rank,
                    score_before=before.score,
                    score=after.score,
                    rule_before=before.rule,
                    rule=after.rule,
                )
            )
    found.sort(key=_effect)
    return Counterfactuals(result.kind, person_id, before.rule, graph.people[row].name, found[:n], tried)


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a person stands in a result."""

    part: str = ""
    rank: int | None = None
    score: float | None = None
    rule: str = ""


_POSSIBLE = frozenset(
    {
        *("not_needed", "mentors_full", "not_among_best", "not_in_best_plan", "nobody_swaps_back"),
        *("not_selected", "not_in_stage_2", "no_place"),
    }
)
"""Rules of those who would do, where others were chosen."""


def _place(result: Suggestions, person_id: str) -> _Place:
    for suggestion in result:
        for member in suggestion.members:
            if member.person_id == person_id:
                return _Place(member.part, suggestion.rank, suggestion.score)
    rules = [r.rule for r in result.left_out if r.person_id == person_id]
    # Somebody may be left out in two parts; the one that got further says more.
    return _Place(rule=next((r for r in rules if r in _POSSIBLE), rules[0] if rules else ""))


def _is_better(before: _Place, after: _Place) -> bool:
    if before.score is None or before.rank is None:
        return after.score is not None or (after.rule in _POSSIBLE and before.rule not in _POSSIBLE)
    if after.score is None or after.rank is None:
        return False
    return after.score > before.score + _BETTER or (after.rank < before.rank and after.score > before.score - _BETTER)


def _effect(change: Counterfactual) -> tuple[int, float, float, int, str, str]:
    """Order changes: suggested first, then by place and gain; of equals the smaller change."""
    newly = change.rank is not None and change.rank_before is None
    gain = (change.score or 0.0) - (change.score_before or 0.0)
    return (0 if newly else 1 if change.rank else 2, change.rank or 0, -gain, change.level or 0, change.change, change.concept_id)


_Possible = tuple[Counterfactual, Callable[[Staff], Staff]]


def _possible(graph: CompetenceGraph, result: Suggestions, person_id: str) -> Iterator[_Possible]:
    """Yield changes worth trying for a person, the likeliest to matter first."""
    rules = {r.rule for r in result.left_out if r.person_id == person_id}
    if rules & {"opted_out", "not_opted_in"}:
        for purpose in _PURPOSES.get(result.kind, ()):
            if graph.takes_part(graph.row(person_id), purpose) is not OptIn.YES:
                change = Counterfactual(change="take_part", person_id=person_id, purpose=purpose)
                yield change, partial(_answered, person_id=person_id, purpose=purpose)
    asked = _asked(graph, result, person_id)
    if result.kind == "validations":
        held = {h.concept_id for h in graph.holdings(person_id)}
        for concept_id, level in asked:
            if concept_id not in held:
                yield _told(graph, "tell", person_id, concept_id, level)
        return
    for concept_id, level in asked:
        yield _told(graph, "confirm", person_id, concept_id, level)
    wishes = {"experts": InterestKind.USE, "pairs": InterestKind.LEARN, "rotation": InterestKind.USE}
    if result.kind in wishes:
        for concept_id, _ in asked:
            for kind in (wishes[result.kind], *([InterestKind.TEACH] if result.kind == "pairs" else [])):
                if graph.concept_index[concept_id] not in graph.interests.get((person_id, kind), ()):
                    change = Counterfactual(
                        change="wish",
                        person_id=person_id,
                        concept_id=concept_id,
                        purpose=kind.value,
                        labels=_labels(graph, concept_id),
                    )
                    yield change, partial(_wished, wish=Interest(person_id=person_id, concept_id=concept_id, kind=kind))


def _asked(graph: CompetenceGraph, result: Suggestions, person_id: str) -> list[tuple[str, int]]:
    """Return what the person could hold at a higher level for this result: concept and level, the nearest first."""
    row = graph.row(person_id)

    def level_of(concept_id: str) -> int:
        position = graph.position(row, graph.concept_index[concept_id])
        return 0 if position is None else int(graph.arrays.rounded[position])

    wanted: list[tuple[str, int, float]] = []
    request = result.provenance.request
    need = _need_of(request.get("need") or request.get("topics"))
    if result.kind in ("experts", "teams") and need is not None:
        wanted = [(i.concept_id, i.level, i.weight) for i in need.items if i.concept_id and not i.hard]
    elif result.kind == "pairs":
        wanted = _taught(graph, result, need, level_of)
    elif result.kind == "rotation":
        wanted = _roles_near(graph, person_id, request.get("cutoff"))
    elif result.kind == "validations":
        wanted = [
            (g.requirement.concept_id, g.requirement.level, g.requirement.weight)
            for g in gaps(graph, person_id)
            if g.missing > 0 and not g.requirement.hard
        ]
    best: dict[str, tuple[int, float]] = {}
    for concept_id, level, weight in wanted:
        # A licence is not confirmed by an assessment.
        licence = graph.taxonomy.concepts[concept_id].kind is ConceptKind.LICENCE
        if level > level_of(concept_id) and concept_id not in best and not licence:
            best[concept_id] = (level, weight)
    steps = sorted(best, key=lambda c: (best[c][0] - level_of(c) - best[c][1], c))
    return [(c, best[c][0]) for c in steps]


def _taught(
    graph: CompetenceGraph, result: Suggestions, need: ResolvedNeed | None, level_of: Callable[[str], int]
) -> list[tuple[str, int, float]]:
    """Return what mentees want to learn, at the level that leads theirs; the most wanted first."""
    lead = graph.settings.suggest.level_gap[0]
    if need is not None:
        columns: dict[str, float] = {i.concept_id: 1.0 for i in need.items if i.concept_id}
    else:
        columns = {}
        mentees = result.provenance.request.get("mentees")
        for (person_id, kind), own in graph.interests.items():
            if kind is InterestKind.LEARN and (mentees is None or person_id in mentees):
                for column in own:
                    columns[graph.concept_ids[column]] = columns.get(graph.concept_ids[column], 0.0) + 1.0
    most = max(columns.values(), default=1.0)
    # One step up, or from nothing to what leads a beginner.
    return [(c, min(max(level_of(c) + 1, lead + 1), _HIGHEST), count / most) for c, count in columns.items()]


def _roles_near(graph: CompetenceGraph, person_id: str, cutoff: float | None) -> list[tuple[str, int, float]]:
    """Return what the person lacks for the roles of other people that the person is nearest to fit."""
    own = set(graph.person_roles[graph.row(person_id)])
    roles = sorted({r for roles in graph.person_roles for r in roles} - own)
    if not roles:
        return []
    lowest = graph.settings.fit.cutoff if cutoff is None else cutoff
    fits = role_fit(graph, roles).fit[graph.row(person_id)]
    near = sorted(range(len(roles)), key=lambda k: (bool(fits[k] >= lowest), -round(float(fits[k]), 9), roles[k]))
    wanted = []
    for k in near[:5]:
        for g in gaps(graph, person_id, roles[k]):
            if g.missing > 0 and not g.requirement.hard and g.requirement.importance is Importance.ESSENTIAL:
                wanted.append((g.requirement.concept_id, g.requirement.level, g.requirement.weight))
    return wanted


def _labels(graph: CompetenceGraph, concept_id: str) -> dict[str, str]:
    return {lang: graph.taxonomy.concepts[concept_id].label(lang) for lang in ("sv", "en")}


def _told(graph: CompetenceGraph, change: str, person_id: str, concept_id: str, level: int) -> _Possible:
    """Return the change that a competence is assessed at a level, or only told."""
    assessed = change == "confirm"
    piece = Evidence(
        evidence_id=f"if-{person_id}-{concept_id}",
        person_id=person_id,
        concept_id=concept_id,
        level=level,
        source=Source.ASSESSMENT if assessed else Source.SELF,
        learning_form=LearningForm.INFORMAL,
        stage=ValidationStage.ASSESSED if assessed else ValidationStage.IDENTIFIED,
        day=graph.as_of,
        visibility=Visibility.ORGANISATION,
    )
    shown = Counterfactual(
        change=change, person_id=person_id, concept_id=concept_id, level=level, labels=_labels(graph, concept_id)
    )
    return shown, partial(_with_piece, piece=piece)


def _with_piece(staff: Staff, piece: Evidence) -> Staff:
    return staff.replace(evidence=(*staff.evidence, piece))


def _wished(staff: Staff, wish: Interest) -> Staff:
    return staff.replace(interests=(*staff.interests, wish))


def _answered(staff: Staff, person_id: str, purpose: str) -> Staff:
    people = tuple(
        replace(p, opt_ins=replace(p.opt_ins, **{purpose: OptIn.YES})) if p.person_id == person_id else p for p in staff.people
    )
    return staff.replace(people=people)


def _number(value: float | None, lang: str) -> str:
    shown = f"{value or 0.0:.3f}"
    return shown.replace(".", ",") if lang == "sv" else shown


def _check_reader(to: str) -> None:
    if to not in _READERS:
        raise InputError(f"to must be one of {', '.join(_READERS)}; got {to!r}")
