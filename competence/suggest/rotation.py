"""Plan job rotation: swaps and cycles over filled posts, where every left post is filled again.

A small municipality has few vacancies, so people move by changing places. Five steps: who may move and from where, moves
under the hard rules with their scores (``_rotation_moves``), cycles under unit limits and cover (``_rotation_plan``),
words (``_rotation_words``), result. What a plan changes is told by :mod:`competence.suggest.compare`. Sex, age and name
are never read.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from math import floor
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from competence.errors import InputError, UnknownIdError
from competence.graph import CompetenceGraph
from competence.model import Choice, Decision, Importance, Outcome, Post, RoleShare, Status
from competence.organisation.departures import leaves_on
from competence.settings import Settings
from competence.solve.budget import Progress
from competence.solve.order import seeded_order
from competence.suggest._rotation_moves import OPEN, Moves, Place, places_of, share_of
from competence.suggest._rotation_plan import Model, Plan, Ring, alternatives, best_periods, best_plan, held_back
from competence.suggest._rotation_words import ARROW, KIND, Span, suggestion_of
from competence.suggest.result import LeftOutRow, Suggestions
from competence.suggest.scoring import not_taking_part, prepare

__all__ = ["plan_rotation"]

_CRITICAL_LEVEL = 2
"""Level from which a holder can be left alone with a safety-critical competence: on one's own in usual cases."""
_WEEKS = (2, 8)
"""Shortest and longest try-out, in weeks (REQ-HR-7: a proposal with a time limit)."""
_VACANT = "vacant"


def plan_rotation(
    graph: CompetenceGraph,
    *,
    units: Iterable[str] | None = None,
    people: Iterable[str] | None = None,
    months: int = 6,
    weeks: int | None = None,
    start: date | str | None = None,
    periods: int = 1,
    max_cycle: int | None = 3,
    parts: bool = True,
    open_posts: Iterable[str | Post | Mapping[str, Any]] = (),
    n: int | None = None,
    locked: Iterable[str] = (),
    pinned: Iterable[Iterable[str]] = (),
    forbidden: Iterable[tuple[str, str]] = (),
    managers: Mapping[str, bool] | None = None,
    hours: Mapping[str, str | Iterable[str]] | None = None,
    forms: Iterable[str] | None = None,
    earlier: Suggestions | Iterable[tuple[int, Iterable[str]]] | None = None,
    cutoff: float | None = None,
    effort: int | None = None,
    time_limit: float | None = None,
    settings: Settings | None = None,
    as_of: date | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> Suggestions:
    """Plan swaps and cycles between filled posts at the highest total score.

    Parameters
    ----------
    graph : CompetenceGraph
        People, posts, holdings, interests, sites and travel.
    units, people : iterable of str or None
        Plan only among the posts of these units (and those below them), or of these people; None takes everybody.
    months : int
        How long the placements last, each with a right to return.
    weeks : int or None
        2 to 8: a try-out of so many weeks instead of months.
    start : date, str or None
        When the first placements start, also as year-month-day; None is the date of the graph.
    periods : int
        How many periods of that length are planned, one after the other: nobody is twice in the same post, and nobody
        moves three times while somebody who could move never does. Above 1 only whole posts change hands.
    max_cycle : int or None
        Most people in a cycle: 2, 3 or 4. None sets no limit and makes very long cycles.
    parts : bool
        Whether somebody with several roles in one post may change places with one of them, where its share of full time
        is that of the other place within ``settings.suggest.part_tolerance``. Nobody leaves more than one place.
    open_posts : iterable of str, Post or Mapping; or "vacant"
        Posts that start chains: ids of posts in the files that are vacant, or whose holder is away and stays out of the
        plan; placements at other employers as records with post_id, unit_id and roles. ``"vacant"`` is every vacant post.
        At the end of each chain one post is left empty instead, so that no more posts are empty than before.
    n : int or None
        Show only the n best cycles; the plan is made for all.
    locked : iterable of str
        Ids of people who stay.
    pinned : iterable of iterables of str
        Cycles that must be in the plan: each person moves to the next one's post. The id of a post (with ``#`` and the
        role for a part) may stand for who holds it; after an open post stands the one left empty. Decisions in the data
        are added.
    forbidden : iterable of (person, person)
        The first may not move to the second's post. Rejected and forbidden decisions are added; one about a single
        person keeps the person out, or out of the unit that it is about.
    managers : Mapping of unit or person id to bool, or None
        What managers have answered: False for a unit keeps its posts as they are (units below it too, unless they say
        otherwise), for a person the person. Whoever has not said yes stands in the facts as somebody to ask.
    hours : Mapping of person, post or unit id to words, or None
        Working hours from the employer's schedules, such as ``{"u-north": "natt", "10014": ["natt", "helg"]}``: what a
        post or unit has, and what a person can work (else that of the own post). Nobody moves to other hours.
    forms : iterable of str or None
        Forms of employment that take part, as the files write them; None is all. The rules behind are the employer's.
    earlier : Suggestions, or its record in ``provenance.request["earlier"]``, or None
        An earlier plan from which the search begins, as far as it is still allowed.
    cutoff : float or None
        Lowest fit to the post moved to; None takes ``settings.fit.cutoff``. Roles held today are fitted already.
    effort, time_limit, progress
        Budget of the solver in steps, a guard in seconds, and a callback.
    settings, as_of, seed
        As for every suggestion.

    Returns
    -------
    Suggestions
        One Suggestion per cycle, part ``mover`` with the unit and role moved to; its score is the mean of its moves.
        Alternatives are other cycles for its people, with at least what each would cost the whole plan, where the proof
        of the plan is narrow enough to say; the fact ``refusal_at_most`` is what it costs at most if the cycle is refused
        (:func:`competence.suggest.compare.refuse` says it exactly, by another call).
        Empty with ``no_posts`` (no titles and units in the files), ``nobody_takes_part``, ``no_moves``, ``no_cycles`` or
        ``stopped_early``.

    Raises
    ------
    InputError
        If an argument is out of its range, a pinned cycle breaks a hard rule, or an open post has no known role.
    UnknownIdError
        If a person, unit or post does not exist.

    Notes
    -----
    maximise the sum of move scores over cycles of at most ``max_cycle`` people, each person in at most one cycle, at
    most a share of each unit moving, and each unit keeping ``settings.suggest.cover`` holders of every safety-critical
    competence its roles ask for (or as many as it has) from the first day to the last: whoever leaves before the last
    day is not counted. Who moves with a part of a post is still counted in the own unit. Measures of a move: fit and
    growth against the roles of the post, interest (share of the concepts the person wants to learn or use that the post
    asks for), new_unit. Hard rules: takes_part, employment_form, leaves_before_end, post_open, manager_said_no, locked,
    hard_requirement, fit_below_cutoff, nothing_to_learn, travel_too_long, share_differs, working_hours, same_work,
    forbidden_move. Of those left over for whom there were moves, those that a unit's limit or cover holds back are told so
    (unit_limit_reached, needed_for_cover). At most ``settings.suggest.choices`` places per place held are considered, the
    best ones; the bound is for those. Cycles change no unit's headcount; a chain leaves a post empty only where the unit has
    more people than the smallest staffing its posts state.

    Examples
    --------
    >>> from tests.cases import graph_of
    >>> plan = plan_rotation(graph_of(), cutoff=0.3, weeks=4)
    >>> [(s.people, s.facts["weeks"]) for s in plan], plan.outcome.status.value
    ([(('p7', 'p4'), 4)], 'optimal')
    """
    graph, settings, as_of = prepare(graph, as_of, settings)
    _check(months, weeks, periods, max_cycle, n)
    start = _day(start)
    units = sorted(set(units)) if units is not None else None
    people = sorted(set(people)) if people is not None else None
    locked, forbidden = sorted(set(locked)), sorted({(a, b) for a, b in forbidden})
    pinned = sorted({tuple(p) for p in pinned})
    opened = _opened(graph, open_posts)
    hours_of = _hours(graph, hours)
    answers = _manager_answers(graph, managers)
    kept_forms = sorted({f.casefold().strip() for f in forms}) if forms is not None else None
    before = _earlier(earlier)
    lowest = settings.fit.cutoff if cutoff is None else cutoff
    span = Span(start or as_of, None if weeks is not None else months, weeks, periods)
    request: dict[str, object] = {
        "units": units,
        "people": people,
        "months": months,
        "weeks": weeks,
        "start": start.isoformat() if start else None,
        "periods": periods,
        "max_cycle": max_cycle,
        "parts": parts,
        "open_posts": [_plain(post, graph) for post in opened],
        "n": n,
        "cutoff": lowest,
        "locked": locked,
        "pinned": [list(p) for p in pinned],
        "forbidden": [list(p) for p in forbidden],
        "managers": dict(sorted(managers.items())) if managers is not None else None,
        "hours": {k: sorted(v) for k, v in sorted(hours_of.items())} if hours is not None else None,
        "forms": kept_forms,
        "earlier": [[t, list(names)] for t, names in before],
        "effort": effort,
        "time_limit": time_limit,
    }
    rows = graph.rows(people, units)
    considered = [graph.person_ids[r] for r in rows]
    left_out: list[LeftOutRow] = []
    held = _held_posts(graph)

    def empty(reason: str) -> Suggestions:
        return Suggestions.empty(
            graph,
            KIND,
            reason,
            settings=settings,
            as_of=as_of,
            request=request,
            seed=seed,
            left_out=left_out,
            considered=considered,
        )

    if not held:
        return empty("no_posts")
    decided = _decided(graph)
    shut = {graph.row(p): "locked" for p in locked}
    shut |= {graph.person_index[p]: "locked" for p in _alone(decided, Choice.PINNED) if p in graph.person_index}
    shut |= {graph.person_index[p]: "rejected_before" for p in _alone(decided, *_NO) if p in graph.person_index}
    shut |= {graph.person_index[p]: "manager_said_no" for p, yes in answers.items() if not yes and p in graph.person_index}
    open_ids = {post.post_id for post in opened}
    movers: list[int] = []
    for row in rows.tolist():
        rule = _out(graph, row, held.get(row), shut, answers, open_ids, kept_forms, span)
        if rule is None:
            movers.append(row)
        else:
            left_out.append(LeftOutRow(graph.person_ids[row], rule))
    movers = [movers[i] for i in seeded_order([graph.person_ids[r] for r in movers], seed)]
    # A post that its manager keeps as it is takes nobody in either.
    opened = [post for post in opened if answers.get(post.unit_id) is not False]
    opened = [opened[i] for i in seeded_order([post.post_id for post in opened], seed)]
    if len(movers) < (1 if opened else 2):
        return empty("nobody_takes_part")

    places = [place for r in movers for place in places_of(r, held[r], parts=parts and periods == 1)]
    places += [replace(places_of(OPEN, post, parts=False)[0], row=OPEN) for post in opened]
    moves = Moves(graph, places, settings, lowest, hours_of)
    moves.forbid(*_forbidden(graph, forbidden, decided))
    gain = moves.gain(settings.suggest.choices)
    if not gain.nnz:
        left_out += [LeftOutRow(graph.person_ids[r], moves.why_not(r)) for r in movers]
        return empty("no_moves")
    unit_ids, groups, limits = _unit_limits(graph, places, held, settings)
    model = Model(
        gain,
        max_cycle,
        groups,
        limits,
        _cover(graph, places, held, groups, unit_ids, settings, span),
        moves.rows,
        np.array([not p.part for p in places[: moves.n_held]], dtype=np.bool_),
        _spare(graph, unit_ids, held),
    )
    model.gain.sort_indices()
    pins, unkept = _pinned(graph, pinned, decided, model, places)
    model = replace(model, pins=pins)
    at = {place.name: i for i, place in enumerate(places)}
    known = [(t, tuple(at[name] for name in names)) for t, names in before if all(name in at for name in names)]
    if conflicts := _pin_conflicts(model, unit_ids):
        plan = Plan((), Outcome(status=Status.INFEASIBLE, method="rotation", conflicts=conflicts))
    elif periods > 1:
        plan = best_periods(model, periods, start=known, effort=effort, time_limit=time_limit, seed=seed, progress=progress)
    else:
        only = [ring for t, ring in known if t == 1]
        plan = best_plan(model, start=only, effort=effort, time_limit=time_limit, seed=seed, progress=progress)
    others = alternatives(model, plan, settings.suggest.alternatives)
    items = [
        suggestion_of(moves, model, ring, span, period=t, others=others.get(ring), asked_managers=answers)
        for t, ring in plan.rings
    ]
    moving = {places[i].row for _, ring in plan.rings for i in ring}
    in_arcs = {places[j].row for j in set(gain.indices.tolist())}
    may_leave = {places[i].row for i in np.flatnonzero(np.diff(gain.indptr)).tolist()}
    impossible = plan.outcome.status is Status.INFEASIBLE
    limited = held_back(model, [ring for _, ring in plan.rings]) if periods == 1 and not impossible else {}
    for row in movers:
        if row not in moving and not impossible:
            reachable = row in may_leave and (row in in_arcs or bool(opened))
            rule = limited.get(row, "not_in_best_plan") if reachable else moves.why_not(row)
            left_out.append(LeftOutRow(graph.person_ids[row], rule))
    if not items and not impossible:
        return empty("stopped_early" if plan.outcome.stopped_by in ("clock", "cancelled") else "no_cycles")
    shuffle = seeded_order(["|".join((str(s.facts.get("period", 1)), *s.people)) for s in items], seed)
    best_first = [
        replace(s, rank=rank) for rank, s in enumerate(sorted((items[i] for i in shuffle), key=lambda s: -s.score), start=1)
    ]
    if n is not None:
        shown = {p for s in best_first[:n] for p in s.people}
        left_out += [LeftOutRow(p, "not_among_best") for p in sorted({p for s in best_first[n:] for p in s.people} - shown)]
        best_first = best_first[:n]
    notes: tuple[str, ...] = plan.notes
    if any(s.ask_first for s in best_first):
        notes = (*notes, "opt_in_not_asked")
    if to_ask := {m for s in best_first for m in s.facts["ask_managers"]}:
        notes = (*notes, f"managers_to_ask:{len(to_ask)}")
    if moves.travel_unknown:
        notes = (*notes, "travel_unknown")
    if moves.limited:
        notes = (*notes, f"choices_limited:{settings.suggest.choices}")
    if unkept:
        notes = (*notes, f"pin_not_kept:{unkept}")
    return Suggestions.build(
        graph,
        KIND,
        best_first,
        outcome=_named(graph, plan.outcome, places, unit_ids),
        left_out=left_out,
        considered=considered,
        settings=settings,
        as_of=as_of,
        request=request,
        seed=seed,
        notes=notes,
    )


def _check(months: int, weeks: int | None, periods: int, max_cycle: int | None, n: int | None) -> None:
    """Refuse numbers out of range."""
    if months < 1:
        raise InputError(f"months must be at least 1; got {months!r}")
    if weeks is not None and not _WEEKS[0] <= weeks <= _WEEKS[1]:
        raise InputError(f"weeks must be {_WEEKS[0]} to {_WEEKS[1]}, or None for months; got {weeks!r}")
    if not 1 <= periods <= 12:
        raise InputError(f"periods must be 1 to 12; got {periods!r}")
    if max_cycle is not None and max_cycle not in (2, 3, 4):
        raise InputError(f"max_cycle must be 2, 3, 4 or None; got {max_cycle!r}")
    if n is not None and n < 1:
        raise InputError(f"n must be at least 1; got {n!r}")


def _day(given: date | str | None) -> date | None:
    """Read a day that the record of a call holds as text."""
    if not isinstance(given, str):
        return given
    try:
        return date.fromisoformat(given)
    except ValueError:
        raise InputError(f"start must be a date, such as 2026-09-01; got {given!r}") from None


# -- who may move, and from where -----------------------------------------------------------------------------------


def _held_posts(graph: CompetenceGraph) -> dict[int, Post]:
    """Return the post each person would leave: the one with the largest share, the first in order of id among equals."""
    best: dict[int, tuple[float, str, Post]] = {}
    for post in graph.staff.filled_posts:
        row = graph.person_index.get(post.holder_id or "")
        if row is None or not post.unit_id or not post.roles:
            continue
        key = (-share_of(post), post.post_id)
        if row not in best or key < best[row][:2]:
            best[row] = (*key, post)
    return {row: post for row, (_, _, post) in best.items()}


def _out(
    graph: CompetenceGraph,
    row: int,
    post: Post | None,
    shut: Mapping[int, str],
    answers: Mapping[str, bool],
    open_ids: set[str],
    forms: Sequence[str] | None,
    span: Span,
) -> str | None:
    """Name the rule that keeps a person out of the whole plan, if one does."""
    rule = not_taking_part(graph, row, KIND) or shut.get(row)
    if rule is not None:
        return rule
    if post is None:
        return "no_post"
    if not any(s.role_id for s in post.roles):
        return "role_not_understood"
    if post.post_id in open_ids:
        return "post_open"
    if answers.get(post.unit_id) is False and answers.get(graph.person_ids[row]) is not True:
        return "manager_said_no"
    if forms is not None:
        own = {e.form.casefold().strip() for e in graph.people[row].employments if e.is_current(graph.as_of)}
        if own.isdisjoint(forms):
            return "employment_form"
    leaves = leaves_on(graph.people[row], graph.as_of)
    return "leaves_before_end" if leaves is not None and leaves < span.last(span.periods) else None


def _opened(graph: CompetenceGraph, given: Iterable[str | Post | Mapping[str, Any]]) -> list[Post]:
    """Return the open posts as records, in order of id; those that no role is known for are refused."""
    by_id = {post.post_id: post for post in graph.staff.filled_posts}
    if given == _VACANT:
        # Of the files' own vacancies those that cannot be used are no fault of the call.
        vacant = (p for p in by_id.values() if p.holder_id is None and p.unit_id and any(s.role_id for s in p.roles))
        return sorted(vacant, key=lambda p: p.post_id)
    if isinstance(given, str):
        raise InputError(f'open_posts must be "vacant", or a list of ids or posts; got {given!r}')
    found: dict[str, Post] = {}
    for item in given:
        if isinstance(item, str):
            if item not in by_id:
                raise UnknownIdError(f"no post with id {item!r} among the {len(by_id)} posts of the files")
            post = by_id[item]
        else:
            post = item if isinstance(item, Post) else _post_of(item)
            if post.post_id in by_id and by_id[post.post_id] != post:
                raise InputError(f"open post {post.post_id!r} is also a post of the files; give its id alone, or another id")
        post = replace(post, roles=tuple(_with_role(graph, share) for share in post.roles))
        if not post.unit_id or not any(s.role_id in graph.taxonomy.roles for s in post.roles):
            raise InputError(f"open post {post.post_id!r} must have a unit_id and a role that the taxonomy knows")
        found[post.post_id] = post
    return [found[k] for k in sorted(found)]


def _post_of(item: Mapping[str, Any]) -> Post:
    """Read a post from plain values, as the record of an earlier call holds it."""
    try:
        roles = tuple(
            RoleShare(title=r.get("title") or r.get("role_id") or "", share=r.get("share"), role_id=r.get("role_id"))
            for r in item["roles"]
        )
        return Post(post_id=item["post_id"], unit_id=item["unit_id"], roles=roles, min_staffing=item.get("min_staffing"))
    except (KeyError, AttributeError, TypeError):
        raise InputError(
            'an open post must be an id, a Post, or {"post_id": ..., "unit_id": ..., "roles": [{"title": ..., "share": ...}]}; '
            f"got {item!r}"
        ) from None


def _with_role(graph: CompetenceGraph, share: RoleShare) -> RoleShare:
    """Link the title of an open post that does not say its role."""
    if share.role_id is not None or not share.title:
        return share
    best = graph.linker.link_role(share.title, n=1).best
    return share if best is None else replace(share, role_id=best.role_id)


def _plain(post: Post, graph: CompetenceGraph) -> object:
    """Return an open post as the record of the call holds it: its id where the files have it."""
    if any(post.post_id == p.post_id for p in graph.staff.filled_posts):
        return post.post_id
    roles = [{"title": r.title, "share": r.share, "role_id": r.role_id} for r in post.roles]
    return {"post_id": post.post_id, "unit_id": post.unit_id, "roles": roles, "min_staffing": post.min_staffing}


def _hours(graph: CompetenceGraph, given: Mapping[str, str | Iterable[str]] | None) -> dict[str, frozenset[str]]:
    """Return working hours by person, post or unit id, each as a set of words."""
    known_posts = {post.post_id for post in graph.staff.filled_posts}
    found: dict[str, frozenset[str]] = {}
    for key, value in (given or {}).items():
        words = re.split(r"[;,]", value) if isinstance(value, str) else list(value)
        name = key
        if key not in graph.person_index and key not in known_posts and graph.unit(key) is None:
            name = graph.staff.find_unit(key).unit_id
        found[name] = frozenset("-".join(w.casefold().split()) for w in words if w.strip())
    return found


def _manager_answers(graph: CompetenceGraph, given: Mapping[str, bool] | None) -> dict[str, bool]:
    """Return the answer for each unit, those below included, and each person; the answer of the nearest unit counts."""
    found: dict[str, bool] = {}
    units: list[tuple[int, str, frozenset[str], bool]] = []
    for key, yes in (given or {}).items():
        if key in graph.person_index:
            found[key] = bool(yes)
        else:
            below = graph.staff.units_below(graph.staff.find_unit(key).unit_id)
            units.append((-len(below), key, below, bool(yes)))
    for _, _, below, yes in sorted(units, key=lambda u: u[:2]):
        found |= dict.fromkeys(below, yes)
    return found


def _earlier(given: Suggestions | Iterable[tuple[int, Iterable[str]]] | None) -> list[tuple[int, tuple[str, ...]]]:
    """Return period and places of each ring of an earlier plan, by the names of the places."""
    if given is None:
        return []
    if isinstance(given, Suggestions):
        if given.kind != KIND:
            raise InputError(f"earlier must be a plan of plan_rotation; got {given.kind}")
        given = [(int(s.facts.get("period", 1)), s.facts["places"]) for s in given if "places" in s.facts]
    return sorted((t, tuple(names)) for t, names in given)


# -- earlier answers ------------------------------------------------------------------------------------------------


def _decided(graph: CompetenceGraph) -> list[Decision]:
    """Return the latest decision about the same people and target; of two on one day the one that says no counts."""
    latest: dict[tuple[tuple[str, ...], str], tuple[tuple[date, bool, str], Decision]] = {}
    for d in graph.staff.decisions:
        if d.kind == KIND and d.people:
            # What one person was told is about the unit it names; a cycle is the same however it is worded.
            key = (d.people, d.target if len(d.people) == 1 else "")
            rank = (d.day or date.min, d.choice in (Choice.REJECTED, Choice.FORBIDDEN), d.target)
            if key not in latest or rank >= latest[key][0]:
                latest[key] = (rank, d)
    return [latest[key][1] for key in sorted(latest)]


_NO = (Choice.REJECTED, Choice.FORBIDDEN)


def _alone(decided: Iterable[Decision], *choices: Choice) -> list[str]:
    """Return those about whom alone, and about no place, one of these was decided: they stay where they are."""
    return [d.people[0] for d in decided if len(d.people) == 1 and d.choice in choices and not d.target]


def _forbidden(
    graph: CompetenceGraph, forbidden: Iterable[tuple[str, str]], decided: Iterable[Decision]
) -> tuple[list[tuple[int, int]], list[tuple[int, str]], list[tuple[int, str]]]:
    """Return forbidden moves between people as rows, to units and to places: those of the call and of decisions that say no."""
    pairs = [(graph.row(a), graph.row(b)) for a, b in forbidden]
    to_units: list[tuple[int, str]] = []
    to_places: list[tuple[int, str]] = []
    for d in decided:
        if d.choice not in _NO or not all(p in graph.person_index for p in d.people):
            continue
        rows = [graph.person_index[p] for p in d.people]
        targets = d.target.split(ARROW) if d.target else []
        if len(rows) == 1 and len(targets) == 1:
            unit = next((u for u in graph.staff.units if d.target in (u.unit_id, u.name)), None)
            to_units.append((rows[0], unit.unit_id if unit is not None else d.target))
        elif len(targets) == len(rows) + 1:
            # A chain: each moves to the post of the one named before, the first to a post that nobody holds.
            pairs += zip(rows[1:], rows[:-1], strict=True)
            to_places.append((rows[0], targets[0]))
        elif len(rows) > 1:
            pairs += zip(rows, (*rows[1:], rows[0]), strict=True)
    return pairs, to_units, to_places


def _pinned(
    graph: CompetenceGraph,
    pinned: Iterable[tuple[str, ...]],
    decided: Iterable[Decision],
    model: Model,
    places: Sequence[Place],
) -> tuple[tuple[Ring, ...], int]:
    """Return pinned rings as places, and how many earlier pins a hard rule now forbids.

    A pin of this call with a forbidden move is refused; one from an earlier decision is not kept, and one about somebody
    who is not in this call has nothing to do with it.
    """
    at: dict[str, int] = {}
    for i, place in enumerate(places):
        at[place.name] = i
        if place.row != OPEN and not place.part:
            at[graph.person_ids[place.row]] = i
    gain = model.gain

    def ring_of(names: Sequence[str]) -> Ring | None:
        ring = tuple(at.get(name, -1) for name in names)
        if len(ring) < 2 or min(ring) < 0 or len(set(ring)) < len(ring) or sum(i >= model.n_held for i in ring) > 1:
            return None
        steps = [(i, j) for i, j in zip(ring, (*ring[1:], ring[0]), strict=True) if i < model.n_held]
        allowed = all(j in gain.indices[gain.indptr[i] : gain.indptr[i + 1]] for i, j in steps)
        low = ring.index(min(ring))
        return (*ring[low:], *ring[:low]) if allowed else None

    rings: list[Ring] = []
    for names in pinned:
        for name in names:
            if name not in at:
                _known(graph, name)
        ring = ring_of(names)
        if ring is None:
            raise InputError(
                f"pinned cycle {ARROW.join(names)} has a move that a hard rule forbids; unpin it or change what forbids it"
            )
        rings.append(ring)
    unkept = 0
    for d in decided:
        if d.choice is Choice.PINNED and (len(d.people) > 1 or d.target) and all(p in at for p in d.people):
            targets = d.target.split(ARROW) if d.target else []
            if len(targets) == len(d.people) + 1:
                names = (targets[1], targets[0], *targets[:1:-1])
            elif len(targets) == len(d.people) and all(t in at for t in targets):
                names = (targets[-1], *targets[:-1])
            else:
                names = d.people
            ring = ring_of(names)
            if ring is None:
                unkept += 1
            else:
                rings.append(ring)
    return tuple(dict.fromkeys(rings)), unkept


def _known(graph: CompetenceGraph, name: str) -> None:
    """Say that a pin names nobody and no post, where it does not only name somebody who does not take part."""
    if not any(name.partition("#")[0] == post.post_id for post in graph.staff.filled_posts):
        graph.row(name)


def _pin_conflicts(model: Model, unit_ids: Sequence[str]) -> tuple[str, ...]:
    """Name what pins break that is no row of the solver."""
    left: dict[int, int] = {}
    emptied = np.zeros(len(unit_ids), dtype=np.int64)
    conflicts = []
    for ring in model.pins:
        for i in ring:
            if i < model.n_held and left.setdefault(int(model.owner[i]), i) != i:
                conflicts.append(f"pinned_twice:{i}")
        last = model.emptied(ring)
        if last is not None:
            emptied[model.groups[last]] += 1
    conflicts += [f"pinned_below_staffing:{g}" for g in np.flatnonzero(emptied > np.maximum(model.spare, 0)).tolist()]
    return tuple(conflicts)


# -- limits of units ------------------------------------------------------------------------------------------------


def _unit_limits(
    graph: CompetenceGraph, places: Sequence[Place], held: Mapping[int, Post], settings: Settings
) -> tuple[list[str], NDArray[np.int64], NDArray[np.int64]]:
    """Return the units, that of each place, and how many may leave each at once: the share of its filled posts, at least one."""
    filled: dict[str, int] = {}
    for post in held.values():
        filled[post.unit_id] = filled.get(post.unit_id, 0) + 1
    unit_ids = sorted({p.post.unit_id for p in places})
    limits = []
    for unit_id in unit_ids:
        unit = graph.unit(unit_id)
        share = unit.max_moving_share if unit is not None and unit.max_moving_share is not None else settings.suggest.moving_share
        # A unit that lets nobody move says so with 0; rounding down a small unit must not say it in its place.
        limits.append(0 if share == 0 else max(1, floor(share * filled.get(unit_id, 0) + 1e-9)))
    at = {u: k for k, u in enumerate(unit_ids)}
    groups = np.array([at[p.post.unit_id] for p in places], dtype=np.int64)
    return unit_ids, groups, np.array(limits, dtype=np.int64)


def _spare(graph: CompetenceGraph, unit_ids: Sequence[str], held: Mapping[int, Post]) -> NDArray[np.int64]:
    """Return how many posts each unit may leave empty: those filled above the smallest staffing that its posts state."""
    filled: dict[str, int] = {}
    least: dict[str, int] = {}
    for post in held.values():
        filled[post.unit_id] = filled.get(post.unit_id, 0) + 1
    for post in graph.staff.filled_posts:
        least[post.unit_id] = max(least.get(post.unit_id, 0), post.min_staffing or 0)
    return np.array([filled.get(u, 0) - least.get(u, 0) for u in unit_ids], dtype=np.int64)


def _cover(
    graph: CompetenceGraph,
    places: Sequence[Place],
    held: Mapping[int, Post],
    groups: NDArray[np.int64],
    unit_ids: Sequence[str],
    settings: Settings,
    span: Span,
) -> tuple[sparse.csr_array, NDArray[np.int64]] | None:
    """Return who holds each safety-critical competence, and how many of the movers' holders each unit must keep.

    Those who do not take part in the rotation stay, so what they hold lowers what the movers must keep; but only those
    who are there on the last day too. All who move are there then, so no day in between has fewer.
    """
    at = {u: k for k, u in enumerate(unit_ids)}
    asked: dict[int, set[int]] = {}
    for post in held.values():
        if post.unit_id in at:
            for share in post.roles:
                for q in graph.taxonomy.roles[share.role_id].requirements if share.role_id else ():
                    concept = graph.taxonomy.concepts[q.concept_id]
                    if concept.safety_critical and q.importance is Importance.ESSENTIAL and not q.hard:
                        asked.setdefault(graph.concept_index[q.concept_id], set()).add(at[post.unit_id])
    columns = sorted(asked)
    if not columns or settings.suggest.cover == 0:
        return None
    owners = np.array([p.row for p in places if p.row != OPEN], dtype=np.int64)
    whole = np.array([not p.part for p in places if p.row != OPEN], dtype=np.bool_)
    moving = set(owners.tolist())
    last = span.last(span.periods)
    there = {row: leaves_on(graph.people[row], graph.as_of) for row in held if row not in moving}
    staying: dict[str, list[int]] = {}
    for row, leaves in there.items():
        if leaves is None or leaves >= last:
            staying.setdefault(held[row].unit_id, []).append(row)
    minimum = np.zeros((len(unit_ids), len(columns)), dtype=np.int64)
    holds = np.zeros((len(owners), len(columns)), dtype=np.bool_)
    for k, column in enumerate(columns):
        level = graph.rounded_column(column)
        # Who moves with a part of a post is there for the rest of it, and is counted where they are.
        holds[:, k] = (level[owners] >= _CRITICAL_LEVEL) & whole
        for unit in asked[column]:
            stay = sum(int(level[row] >= _CRITICAL_LEVEL) for row in staying.get(unit_ids[unit], ()))
            minimum[unit, k] = max(settings.suggest.cover - stay, 0)
    wanted = minimum.any(axis=0)
    if not wanted.any():
        return None
    return sparse.csr_array(holds[:, wanted]), minimum[:, wanted]


def _named(graph: CompetenceGraph, outcome: Outcome, places: Sequence[Place], unit_ids: Sequence[str]) -> Outcome:
    """Return the Outcome with ids in place of the solver's positions."""
    conflicts = []
    for conflict in outcome.conflicts:
        rule, _, where = conflict.partition(":")
        first = int(where.partition(",")[0]) if where else 0
        if rule in ("group_limit", "cover", "pinned_below_staffing"):
            names = {"group_limit": "pinned_over_unit_limit", "cover": "pinned_breaks_cover"}
            conflict = f"{names.get(rule, rule)}:{graph.unit_name(unit_ids[first])}"
        elif rule.startswith("pinned_"):
            place = places[first]
            conflict = f"{rule}:{graph.person_ids[place.row] if place.row != OPEN else place.name}"
        conflicts.append(conflict)
    # "best 12 moves per person" is the solver's English; the number says it in any language.
    notes = tuple(re.sub(r":\D*(\d+).*", r":\1", note) for note in outcome.notes)
    return replace(outcome, conflicts=tuple(dict.fromkeys(conflicts)), notes=notes)
