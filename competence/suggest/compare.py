"""What a rotation plan changes in the organisation, and two plans side by side.

:func:`plan_effects` carries a plan out on a copy of the staff and measures before and after: requirements met per unit,
single points of failure, ties inside units, and how unevenly women and men are spread over units and roles, beside a plan
of as many moves that looks at likeness alone. :func:`compare_plans` says what differs between two plans and what that
costs; :func:`refuse` makes the plan again without one cycle. Statistics are made after the plan: none of them chooses moves.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from math import fsum
from typing import TYPE_CHECKING, Any

from competence._texts import keys, text
from competence.errors import InputError
from competence.explain import join
from competence.figures import segregation
from competence.graph import CompetenceGraph
from competence.model import Choice, Decision, Employment, Person, Post, RoleShare
from competence.organisation import bridges, single_points, unit_requirements
from competence.settings import Settings
from competence.staff import Staff
from competence.suggest.change import repeat
from competence.suggest.result import Suggestion, Suggestions

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Change", "PlanComparison", "PlanEffects", "UnitEffect", "carried_out", "compare_plans", "plan_effects", "refuse"]

_SAME = 1e-9
_INDEX_SAME = 5e-4
"""Difference of two indexes that is not told as one: they are shown with three decimals."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitEffect:
    """Requirements that a unit meets before and after the plan, of those its roles ask for."""

    unit_id: str
    name: str
    asked_before: int
    met_before: int
    asked_after: int
    met_after: int
    moving: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanEffects:
    """What a plan changes. Made by :func:`plan_effects`.

    Parameters
    ----------
    moves, between_units : int
        Moves in the plan, and those of them to another unit.
    bridges : int
        Pairs of units between which somebody moves.
    units : tuple of UnitEffect
        Of the units that somebody leaves or comes to, by id.
    single_before, single_after : int
        Requirements that hang on one person.
    inside_before, inside_after : float or None
        Mean share of ties that stay inside a unit, weighted by people; lower is more bridged. None without ties.
    by_unit, by_role : Mapping of str to float or None
        Dissimilarity index ``before``, ``after``, and at ``compared`` moves each ``plan`` and ``similar``: with the best
        cycles of the plan, and with those of a plan that looks at likeness alone.
    level : int
        Level of the organisation that ``by_unit`` is about: that with most units.
    compared : int
        Moves in either plan where the two are set beside each other; 0 when there is nothing to set beside.
    lowers_more : bool or None
        Whether the plan lowers the index of units more than the other one at as many moves; None where it is not known.
    """

    moves: int
    between_units: int
    bridges: int
    units: tuple[UnitEffect, ...]
    single_before: int
    single_after: int
    inside_before: float | None
    inside_after: float | None
    by_unit: Mapping[str, float | None]
    by_role: Mapping[str, float | None]
    level: int
    compared: int
    lowers_more: bool | None

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        data = asdict(self)
        data["units"] = [asdict(u) for u in self.units]
        return {**data, "by_unit": dict(self.by_unit), "by_role": dict(self.by_role)}

    def to_frame(self) -> pd.DataFrame:
        """Return one row per unit that the plan touches."""
        import pandas as pd

        return pd.DataFrame([asdict(u) for u in self.units], columns=[*UnitEffect.__slots__])

    def sentences(self, lang: str = "sv") -> list[str]:
        """Say it in words, and also where the plan does not do what one might hope for."""
        lines = [
            text("plan.moves", lang, moves=self.moves, between=self.between_units, bridges=self.bridges),
            text(
                "plan.coverage",
                lang,
                before=sum(u.met_before for u in self.units),
                after=sum(u.met_after for u in self.units),
                units=len(self.units),
            ),
            text("plan.single", lang, before=self.single_before, after=self.single_after),
        ]
        if self.inside_before is not None and self.inside_after is not None:
            before, after = (_number(100 * v, lang, 1) for v in (self.inside_before, self.inside_after))
            lines.append(text("plan.inside", lang, before=before, after=after))
        before_index, after_index = self.by_unit.get("before"), self.by_unit.get("after")
        if before_index is None or after_index is None:
            lines.append(text("plan.index_unknown", lang))
            return lines
        before, after = _number(before_index, lang, 3), _number(after_index, lang, 3)
        lines.append(text("plan.index", lang, before=before, after=after))
        plan, similar = self.by_unit.get("plan"), self.by_unit.get("similar")
        if plan is None or similar is None or self.lowers_more is None:
            lines.append(text("plan.nothing_beside", lang))
        else:
            said = text("plan.beside", lang, moves=self.compared, plan=_number(plan, lang, 3), similar=_number(similar, lang, 3))
            lines.append(f"{said} {text('plan.lowers_more' if self.lowers_more else 'plan.lowers_no_more', lang)}")
        return lines


def plan_effects(graph: CompetenceGraph, plan: Suggestions, *, period: int = 1) -> PlanEffects:
    """Measure what a rotation plan would change, were all of it accepted.

    Parameters
    ----------
    graph : CompetenceGraph
        The graph that the plan came from.
    plan : Suggestions
        Of :func:`~competence.suggest.rotation.plan_rotation`; the suggestions it shows are those carried out.
    period : int
        Of a plan of several periods, which: placements end with it, so each is measured from today's posts.

    Returns
    -------
    PlanEffects

    Raises
    ------
    InputError
        If the plan is of another kind.

    Notes
    -----
    The plan beside it is the same call with the weight of the fit at 1 and all others at 0. Of both plans the cycles with
    the highest total score are taken that make as many moves as both can make exactly. The index is that of
    :func:`competence.figures.segregation`, named, since the plan names the people. Two calls and four graphs:
    O(2 * the call + 4 * holdings).

    Examples
    --------
    >>> from tests.cases import graph_of
    >>> from competence.suggest.rotation import plan_rotation
    >>> effects = plan_effects(graph_of(), plan_rotation(graph_of(), cutoff=0.3))
    >>> effects.moves, effects.between_units, effects.single_before, effects.single_after
    (2, 2, 9, 9)
    """
    _check(plan)
    graph = graph.seen(plan.as_of, plan.settings)
    items = [s for s in plan if s.facts.get("period", 1) == period]
    moves = [m for s in items for m in s.facts["moves"]]
    after = _graph_with(graph, items, plan)
    between = {tuple(sorted((m["from_unit"], m["to_unit"]))) for m in moves if m["from_unit"] != m["to_unit"]}
    similar = _similar(graph, plan, period) if items else []
    count = _most_alike([len(s.members) for s in items], [len(s.members) for s in similar])
    by_unit: dict[str, float | None] = {}
    by_role: dict[str, float | None] = {}
    level = _level(graph)
    graphs = {"before": graph, "after": after}
    if count:
        graphs["plan"] = after if count == len(moves) else _graph_with(graph, _best(items, count), plan)
        graphs["similar"] = _graph_with(graph, _best(similar, count), plan)
    for name, one in graphs.items():
        by_unit[name], by_role[name] = _index(one, "unit", level), _index(one, "role", 1)
    lower = [by_unit.get(name) for name in ("plan", "similar")]
    more = None if lower[0] is None or lower[1] is None else lower[0] < lower[1] - _INDEX_SAME
    return PlanEffects(
        moves=len(moves),
        between_units=sum(m["from_unit"] != m["to_unit"] for m in moves),
        bridges=len(between),
        units=_units(graph, after, moves),
        single_before=len(single_points(graph, kind="named")),
        single_after=len(single_points(after, kind="named")),
        inside_before=_inside(graph),
        inside_after=_inside(after),
        by_unit=by_unit,
        by_role=by_role,
        level=level,
        compared=count,
        lowers_more=more,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """Where somebody goes in either plan: the units and roles in words, empty where the person stays."""

    person_id: str
    name: str
    before: Mapping[str, str]
    after: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanComparison:
    """Two plans side by side. Made by :func:`compare_plans`.

    Parameters
    ----------
    arguments : tuple of str
        Names of the arguments and settings that differ between the calls.
    kept, gone, new : tuple of tuple of str
        People of the cycles in both plans, only in the first, and only in the second.
    changes : tuple of Change
        Everybody who goes elsewhere in the second plan than in the first, by id.
    objective_before, objective_after, cost : float or None
        Total score of either plan, and how much lower the second is; negative when it is higher.
    bound_after : float or None
        What no plan under the second call's rules can exceed.
    before, after : PlanEffects
        What either plan changes.
    """

    arguments: tuple[str, ...]
    kept: tuple[tuple[str, ...], ...]
    gone: tuple[tuple[str, ...], ...]
    new: tuple[tuple[str, ...], ...]
    changes: tuple[Change, ...]
    objective_before: float | None
    objective_after: float | None
    cost: float | None
    bound_after: float | None
    before: PlanEffects
    after: PlanEffects

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {
            "arguments": list(self.arguments),
            **{name: [list(people) for people in getattr(self, name)] for name in ("kept", "gone", "new")},
            "changes": [
                {"person_id": c.person_id, "name": c.name, "before": dict(c.before), "after": dict(c.after)} for c in self.changes
            ],
            **{name: getattr(self, name) for name in ("objective_before", "objective_after", "cost", "bound_after")},
            "before": self.before.to_dict(),
            "after": self.after.to_dict(),
        }

    def to_frame(self, lang: str = "sv") -> pd.DataFrame:
        """Return one row per person who goes elsewhere."""
        import pandas as pd

        rows = [[c.person_id, c.name, c.before.get(lang, ""), c.after.get(lang, "")] for c in self.changes]
        return pd.DataFrame(rows, columns=["person_id", "name", "before", "after"])

    def sentences(self, lang: str = "sv") -> list[str]:
        """Say what was changed, what that changed in the plan, and what it cost."""
        lines = []
        if self.arguments:
            lines.append(text("plan.arguments", lang, names=join((_called(a, lang) for a in self.arguments), lang)))
        lines.append(text("plan.cycles", lang, kept=len(self.kept), gone=len(self.gone), new=len(self.new)))
        if self.cost is not None and self.objective_before is not None and self.objective_after is not None:
            key = "plan.cost_none" if abs(self.cost) <= _SAME else "plan.cost" if self.cost > 0 else "plan.gain"
            before, after, cost = (_number(v, lang, 3) for v in (self.objective_before, self.objective_after, abs(self.cost)))
            lines.append(text(key, lang, before=before, after=after, cost=cost))
        for c in self.changes:
            stays = text("plan.stays", lang)
            who = c.name or c.person_id
            lines.append(text("plan.change", lang, who=who, before=c.before.get(lang) or stays, after=c.after.get(lang) or stays))
        for name, one in (("first", self.before), ("second", self.after)):
            lines += [text(f"plan.{name}", lang, sentence=line) for line in one.sentences(lang)]
        return lines


def compare_plans(graph: CompetenceGraph, before: Suggestions, after: Suggestions) -> PlanComparison:
    """Set two rotation plans side by side: what was asked otherwise, who goes elsewhere, what it costs.

    Parameters
    ----------
    graph : CompetenceGraph
        The graph that the plans came from; where somebody was added, the later one.
    before, after : Suggestions
        Of :func:`~competence.suggest.rotation.plan_rotation`, such as one and the same ``repeat`` with other arguments.

    Returns
    -------
    PlanComparison
        Cycles are the same when the same people go to the same posts in the same period, wherever the telling starts.

    Raises
    ------
    InputError
        If either is of another kind.

    Notes
    -----
    Totals are compared as they are: under other weights they do not measure the same thing, and ``arguments`` says that
    the weights differ. Costs what two :func:`plan_effects` cost.

    Examples
    --------
    >>> from tests.cases import graph_of
    >>> from competence.suggest.rotation import plan_rotation
    >>> first = plan_rotation(graph_of(), cutoff=0.3)
    >>> second = repeat(graph_of(), first, locked=["p7"], earlier=first)
    >>> found = compare_plans(graph_of(), first, second)
    >>> found.arguments, found.gone, [c.person_id for c in found.changes][:2]
    (('earlier', 'locked'), (('p7', 'p4'),), ['p3', 'p4'])
    """
    _check(before)
    _check(after)
    one, two = _cycles(before), _cycles(after)
    where_before, where_after = _where(before), _where(after)
    changed = sorted(p for p in {*where_before, *where_after} if _targets(before, p) != _targets(after, p))
    costs = (before.outcome.objective, after.outcome.objective)
    values = tuple(0.0 if c is None and not len(plan) else c for c, plan in zip(costs, (before, after), strict=True))
    first, second = values
    names = {**_names(before), **_names(after)}
    return PlanComparison(
        arguments=_arguments(before, after),
        kept=tuple(one[k] for k in one if k in two),
        gone=tuple(one[k] for k in one if k not in two),
        new=tuple(two[k] for k in two if k not in one),
        changes=tuple(
            Change(
                person_id=p,
                name=names.get(p, ""),
                before=where_before.get(p, {}),
                after=where_after.get(p, {}),
            )
            for p in changed
        ),
        objective_before=first,
        objective_after=second,
        cost=None if first is None or second is None else first - second,
        bound_after=after.outcome.bound,
        before=plan_effects(graph, before),
        after=plan_effects(graph, after),
    )


def refuse(graph: CompetenceGraph, plan: Suggestions, rank: int) -> tuple[Suggestions, float]:
    """Make the plan again as if one of its cycles had been refused, and say what that costs.

    Parameters
    ----------
    graph : CompetenceGraph
        The graph that the plan came from.
    plan : Suggestions
        Of :func:`~competence.suggest.rotation.plan_rotation`.
    rank : int
        Rank of the cycle that somebody refuses.

    Returns
    -------
    (Suggestions, float)
        The plan without it, begun from the other cycles, and how much lower its total score is. Both plans proven
        optimal, that is the exact price of the refusal; else it is as sure as they are.

    Raises
    ------
    InputError
        If the plan is of another kind or has no such rank.

    Notes
    -----
    One call more. The refusal is a decision in the data of that call alone; every move of the cycle is then forbidden.

    Examples
    --------
    >>> from tests.cases import graph_of
    >>> from competence.suggest.rotation import plan_rotation
    >>> plan = plan_rotation(graph_of(), cutoff=0.3)
    >>> other, cost = refuse(graph_of(), plan, 1)
    >>> plan[0].people, [s.people for s in other], round(cost, 3)
    (('p7', 'p4'), [('p4', 'p3')], 0.0)
    """
    _check(plan)
    chosen = next((s for s in plan if s.rank == rank), None)
    if chosen is None:
        raise InputError(f"rank must be one of the plan's 1 to {len(plan)}; got {rank!r}")
    # Said after all there is, so that no earlier answer about the same people outweighs it.
    days = [d.day for d in graph.staff.decisions if d.day is not None]
    no = Decision(
        kind=plan.kind,
        choice=Choice.REJECTED,
        people=chosen.people,
        target=chosen.target,
        day=max([*days, plan.as_of]),
    )
    pins = [p for p in plan.provenance.request["pinned"] if not chosen.facts.get("pinned") or set(p) != set(chosen.people)]
    rest = [(s.facts.get("period", 1), s.facts["places"]) for s in plan if s is not chosen]
    other = repeat(graph.with_staff(graph.staff.with_decisions([no])), plan, pinned=pins, earlier=rest)
    return other, (plan.outcome.objective or 0.0) - (other.outcome.objective or 0.0)


# -- carrying a plan out ------------------------------------------------------------------------------------------


def carried_out(staff: Staff, items: Iterable[Suggestion], open_posts: Iterable[Post] = ()) -> Staff:
    """Return the staff as it would be if these cycles were carried out: employments and posts changed, nothing else.

    Parameters
    ----------
    staff : Staff
        As it is.
    items : iterable of Suggestion
        Of one period of :func:`~competence.suggest.rotation.plan_rotation`.
    open_posts : iterable of Post
        Posts that are not in the files, such as placements at other employers.

    Returns
    -------
    Staff
        A copy for figures; who moved keeps the form of employment, its dates and everything told about them.
    """
    posts = {p.post_id: p for p in (*open_posts, *staff.filled_posts)}
    changed: dict[str, Post] = {}
    people = {p.person_id: p for p in staff.people}
    moves = [(m, s) for s in items for m in s.facts["moves"]]

    def place(name: str) -> Post:
        """Return a place as a post of its own: a part is split from the rest of its post."""
        if name in changed:
            return changed[name]
        base, _, role_id = name.partition("#")
        post = changed.get(base, posts[base])
        if not role_id:
            return post
        part = tuple(r for r in post.roles if r.role_id == role_id)
        changed[base] = replace(post, roles=tuple(r for r in post.roles if r.role_id != role_id))
        changed[name] = replace(post, post_id=name, roles=part)
        return changed[name]

    for move, _ in moves:
        for name in (move["from_post"], move["to_post"]):
            changed[name] = place(name)
    roles = {name: post.roles for name, post in changed.items()}
    units = {name: post.unit_id for name, post in changed.items()}
    for move, s in moves:
        to, back = move["to_post"], move["from_post"]
        changed[to] = replace(changed[to], holder_id=move["person_id"])
        if s.facts.get("left_empty") == back:
            changed[back] = replace(changed[back], holder_id=None)
        people[move["person_id"]] = _moved(people[move["person_id"]], staff, units[back], roles[back], units[to], roles[to])
    new_posts = staff.posts
    if staff.posts:
        kept = [changed.get(p.post_id, p) for p in staff.posts]
        known = {p.post_id for p in staff.posts}
        new_posts = (*kept, *(changed[name] for name in sorted(changed) if name not in known))
    return staff.replace(people=tuple(people[p.person_id] for p in staff.people), posts=new_posts)


def _moved(
    person: Person,
    staff: Staff,
    unit: str,
    left: Sequence[RoleShare],
    to_unit: str,
    taken: Sequence[RoleShare],
) -> Person:
    """Return the person with the roles left taken out of the employment they are in, and the new ones put in."""
    gone = {r.role_id or r.title for r in left}

    def stands(e: Employment) -> bool:
        return e.is_current(staff.as_of) and e.unit_id == unit and any((r.role_id or r.title) in gone for r in e.roles)

    found = next((e for e in person.employments if stands(e)), None)
    if found is None:
        # The posts table says more than the employments: what they tell is left as it is.
        return replace(person, employments=(*person.employments, Employment(unit_id=to_unit, roles=tuple(taken))))
    rest = tuple(r for r in found.roles if (r.role_id or r.title) not in gone)
    new = replace(found, unit_id=to_unit, roles=tuple(taken), share=None if rest else found.share)
    put = ([replace(found, roles=rest)] if rest else []) + [new]
    employments: list[Employment] = []
    for e in person.employments:
        employments += put if e is found else [e]
    return replace(person, employments=tuple(employments))


def _graph_with(graph: CompetenceGraph, items: Sequence[Suggestion], plan: Suggestions) -> CompetenceGraph:
    if not items:
        return graph
    given = [p for p in plan.provenance.request.get("open_posts", ()) if isinstance(p, Mapping)]
    outside = [Post(post_id=p["post_id"], unit_id=p["unit_id"], roles=tuple(RoleShare(**r) for r in p["roles"])) for p in given]
    return graph.with_staff(carried_out(graph.staff, items, outside))


# -- the plan that looks at likeness alone --------------------------------------------------------------------------


def _similar(graph: CompetenceGraph, plan: Suggestions, period: int) -> list[Suggestion]:
    """Return the cycles of the same call where a move is worth its fit and nothing else."""
    data = plan.settings.to_dict()
    data["suggest"]["rotation"] = {m: float(m == "fit") for m in data["suggest"]["rotation"]}
    other = repeat(graph, plan, settings=Settings.of(data), earlier=None, n=None)
    return [s for s in other if s.facts.get("period", 1) == period]


def _reachable(sizes: Sequence[int]) -> list[bool]:
    """Say which numbers of moves some of these cycles make together."""
    can = [True] + [False] * sum(sizes)
    for size in sizes:
        for total in range(len(can) - 1, size - 1, -1):
            can[total] = can[total] or can[total - size]
    return can


def _most_alike(one: Sequence[int], two: Sequence[int]) -> int:
    """Return the largest number of moves that both can make exactly."""
    both = [a and b for a, b in zip(_reachable(one), _reachable(two), strict=False)]
    return max(k for k, yes in enumerate(both) if yes)


def _best(items: Sequence[Suggestion], count: int) -> list[Suggestion]:
    """Return the cycles with the highest total score among those with this many moves; the first in rank of equals."""
    best: list[tuple[float, tuple[int, ...]] | None] = [(0.0, ())] + [None] * count
    for k, s in enumerate(items):
        size = len(s.members)
        for total in range(count, size - 1, -1):
            before = best[total - size]
            if before is not None:
                value = before[0] + s.score * size
                now = best[total]
                if now is None or value > now[0] + _SAME:
                    best[total] = (value, (*before[1], k))
    chosen = best[count]
    return [items[k] for k in chosen[1]] if chosen is not None else []


# -- measures -------------------------------------------------------------------------------------------------------


def _level(graph: CompetenceGraph) -> int:
    """Return the level of the tree with most units that people work in, the lowest of equals."""
    levels = segregation(graph, by="unit", kind="named").levels
    return max(levels, key=lambda x: (x.compared, x.level)).level if levels else 1


def _index(graph: CompetenceGraph, by: str, level: int) -> float | None:
    return next((x.index for x in segregation(graph, by=by, kind="named").levels if x.level == level), None)


def _inside(graph: CompetenceGraph) -> float | None:
    """Return the mean share of ties inside units, weighted by people."""
    ties = [(u.people.total or 0, u.inside) for u in bridges(graph, kind="named").units if u.inside is not None]
    total = sum(n for n, _ in ties)
    return fsum(n * (inside or 0.0) for n, inside in ties) / total if total else None


def _units(graph: CompetenceGraph, after: CompetenceGraph, moves: Sequence[Mapping[str, Any]]) -> tuple[UnitEffect, ...]:
    """Return requirements met per unit that the plan touches."""
    counts: dict[str, list[list[int]]] = {}
    touched = sorted({m[side] for m in moves for side in ("from_unit", "to_unit")})
    for k, one in enumerate((graph, after)):
        for r in unit_requirements(one):
            entry = counts.setdefault(r.unit_id, [[0, 0], [0, 0]])[k]
            entry[0] += 1
            entry[1] += r.is_met
    found = []
    for unit_id in touched:
        (asked_before, met_before), (asked_after, met_after) = counts.get(unit_id, [[0, 0], [0, 0]])
        found.append(
            UnitEffect(
                unit_id=unit_id,
                name=graph.unit_name(unit_id),
                asked_before=asked_before,
                met_before=met_before,
                asked_after=asked_after,
                met_after=met_after,
                moving=sum(m["from_unit"] == unit_id for m in moves),
            )
        )
    return tuple(found)


# -- what differs ---------------------------------------------------------------------------------------------------


def _check(plan: Suggestions) -> None:
    if plan.kind != "rotation":
        raise InputError(f"the plan must be one of plan_rotation; got {plan.kind}")


def _cycles(plan: Suggestions) -> dict[tuple[Any, ...], tuple[str, ...]]:
    """Return the people of each cycle by its moves and period, best first."""
    return {
        (s.facts.get("period", 1), tuple(sorted((m["person_id"], m["to_post"]) for m in s.facts["moves"]))): s.people
        for s in plan
    }


def _targets(plan: Suggestions, person_id: str) -> list[tuple[int, str]]:
    return sorted((s.facts.get("period", 1), m["to_post"]) for s in plan for m in s.facts["moves"] if m["person_id"] == person_id)


def _where(plan: Suggestions) -> dict[str, dict[str, str]]:
    """Return where each mover goes in words."""
    found: dict[str, dict[str, str]] = {}
    for s in sorted(plan, key=lambda s: (s.facts.get("period", 1), s.rank)):
        for m in s.members:
            for lang, label in m.labels.items():
                known = found.setdefault(m.person_id, {})
                known[lang] = f"{known[lang]}; {label}" if lang in known else label
    return found


def _names(plan: Suggestions) -> dict[str, str]:
    return {p: name for s in plan for p, name in s.names.items()}


def _arguments(before: Suggestions, after: Suggestions) -> tuple[str, ...]:
    """Return the names of arguments and settings that differ."""
    one, two = before.provenance.request, after.provenance.request
    asked = {name for name in {*one, *two} if one.get(name) != two.get(name)}
    mine, theirs = before.settings.to_dict(), after.settings.to_dict()
    asked |= {f"{s}.{f}" for s in mine for f in mine[s] if mine[s][f] != theirs[s][f]}
    if before.as_of != after.as_of:
        asked.add("as_of")
    if before.provenance.seed != after.provenance.seed:
        asked.add("seed")
    return tuple(sorted(asked))


def _called(argument: str, lang: str) -> str:
    """Return the words for an argument or setting, else its name."""
    key = f"plan.argument.{argument.removeprefix('suggest.')}"
    return text(key, lang) if key in keys(lang) else argument


def _number(value: float, lang: str, decimals: int) -> str:
    shown = f"{value:.{decimals}f}"
    return shown.replace(".", ",") if lang == "sv" else shown
