"""Plan job rotation: swaps and cycles over filled posts, where every left post is filled again.

A small municipality has few vacancies, so people move by changing places. Five steps: posts and who may move, moves
under the hard rules, scores, cycles under unit limits and cover, result. Sex, age and name are never read.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from math import floor

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from competence.errors import InputError
from competence.fit import fit, growth, hard_met, sum_of
from competence.graph import CompetenceGraph
from competence.model import Choice, Importance, InterestKind, Outcome, Post, Reason, Requirement, Status
from competence.settings import Settings
from competence.solve.budget import Progress
from competence.solve.order import seeded_order
from competence.solve.rotate import rotate
from competence.suggest.result import LeftOutRow, Member, Suggestion, Suggestions
from competence.suggest.scoring import answered_pairs, concept_facts, evidence_of, not_taking_part, ordered, prepare, to_ask_first

__all__ = ["plan_rotation"]

_KIND = "rotation"
_CRITICAL_LEVEL = 2
"""Level from which a holder can be left alone with a safety-critical competence: on one's own in usual cases."""


def plan_rotation(
    graph: CompetenceGraph,
    *,
    units: Iterable[str] | None = None,
    people: Iterable[str] | None = None,
    months: int = 6,
    max_cycle: int | None = 3,
    n: int | None = None,
    locked: Iterable[str] = (),
    pinned: Iterable[tuple[str, ...]] = (),
    forbidden: Iterable[tuple[str, str]] = (),
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
    max_cycle : int or None
        Most people in a cycle: 2, 3 or 4. None sets no limit and makes very long cycles.
    n : int or None
        Show only the n best cycles; the plan is made for all.
    locked : iterable of str
        Ids of people who stay.
    pinned : iterable of tuple of str
        Cycles that must be in the plan: each person moves to the next one's post. Decisions in the data are added.
    forbidden : iterable of (person, person)
        The first may not move to the second's post. Rejected and forbidden decisions are added.
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
        Empty with ``no_posts`` (no titles and units in the files), ``nobody_takes_part`` or ``no_moves``.

    Raises
    ------
    InputError
        If months or max_cycle is not allowed, or a pinned cycle breaks a hard rule.
    UnknownIdError
        If a person or unit does not exist.

    Notes
    -----
    maximise the sum of move scores over cycles of at most ``max_cycle`` people, each person in at most one cycle, at
    most a share of each unit moving, and each unit keeping ``settings.suggest.cover`` holders of every safety-critical
    competence its roles ask for (or as many as it has). Measures of a move: fit and growth against the roles of the
    post, interest (share of the concepts the person wants to learn or use that the post asks for), new_unit. Hard
    rules: takes_part, hard_requirement, fit_below_cutoff, nothing_to_learn, travel_too_long, share_differs, same_work,
    locked, forbidden_move. At most ``settings.suggest.choices`` posts per person are considered, the best ones; the
    bound is for those. Headcount per unit never changes, so minimum staffing is kept by construction.
    """
    graph, settings, as_of = prepare(graph, as_of, settings)
    if months < 1:
        raise InputError(f"months must be at least 1; got {months!r}")
    if max_cycle is not None and max_cycle not in (2, 3, 4):
        raise InputError(f"max_cycle must be 2, 3, 4 or None; got {max_cycle!r}")
    if n is not None and n < 1:
        raise InputError(f"n must be at least 1; got {n!r}")
    units = sorted(set(units)) if units is not None else None
    people = sorted(set(people)) if people is not None else None
    locked, pinned, forbidden = sorted(set(locked)), sorted(set(pinned)), sorted(set(forbidden))
    lowest = settings.fit.cutoff if cutoff is None else cutoff
    request: dict[str, object] = {
        "units": units,
        "people": people,
        "months": months,
        "max_cycle": max_cycle,
        "n": n,
        "cutoff": lowest,
        "locked": locked,
        "pinned": [list(p) for p in pinned],
        "forbidden": [list(p) for p in forbidden],
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
            _KIND,
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
    stays = {graph.row(p) for p in locked}
    movers: list[int] = []
    for row in rows.tolist():
        rule = not_taking_part(graph, row, "rotation")
        if rule is None and row in stays:
            rule = "locked"
        if rule is None and row not in held:
            rule = "no_post"
        if rule is None and not any(s.role_id for s in held[row].roles):
            rule = "role_not_understood"
        if rule is None:
            movers.append(row)
        else:
            left_out.append(LeftOutRow(graph.person_ids[row], rule))
    movers = [movers[i] for i in seeded_order([graph.person_ids[r] for r in movers], seed)]
    if len(movers) < 2:
        return empty("nobody_takes_part")

    moves = _Moves(graph, movers, held, settings, lowest)
    moves.forbid(_forbidden(graph, forbidden))
    gain = moves.gain(settings.suggest.choices)
    if not gain.nnz:
        left_out += [LeftOutRow(graph.person_ids[r], moves.why_not(i)) for i, r in enumerate(movers)]
        return empty("no_moves")
    groups, limits = _unit_limits(graph, movers, held, settings)
    pins, unkept = _pinned(graph, pinned, movers, gain)
    solution = rotate(
        gain,
        max_cycle=max_cycle,
        groups=groups,
        group_limit=limits,
        cover=_cover(graph, movers, held, groups, len(limits), settings),
        pinned_cycles=pins,
        effort=effort,
        time_limit=time_limit,
        seed=seed,
        progress=progress,
    )
    items = [moves.suggestion(cycle, months) for cycle in solution.cycles]
    moving = {i for cycle in solution.cycles for i in cycle}
    in_arcs = set(gain.indices.tolist())
    impossible = solution.outcome.status is Status.INFEASIBLE
    for i, row in enumerate(movers):
        if i not in moving and not impossible:
            reachable = gain.indptr[i + 1] > gain.indptr[i] and i in in_arcs
            left_out.append(LeftOutRow(graph.person_ids[row], "not_in_best_plan" if reachable else moves.why_not(i)))
    if not items and not impossible:
        return empty("no_cycles")
    shuffle = seeded_order(["|".join(s.people) for s in items], seed)
    best_first = [
        replace(s, rank=rank) for rank, s in enumerate(sorted((items[i] for i in shuffle), key=lambda s: -s.score), start=1)
    ]
    if n is not None:
        left_out += [LeftOutRow(p, "not_among_best") for s in best_first[n:] for p in s.people]
        best_first = best_first[:n]
    notes: tuple[str, ...] = ()
    if any(s.ask_first for s in best_first):
        notes = (*notes, "opt_in_not_asked")
    if moves.travel_unknown:
        notes = (*notes, "travel_unknown")
    if moves.limited:
        notes = (*notes, f"choices_limited:{settings.suggest.choices}")
    if unkept:
        notes = (*notes, f"pin_not_kept:{unkept}")
    return Suggestions.build(
        graph,
        _KIND,
        best_first,
        outcome=_named(graph, solution.outcome, movers, held),
        left_out=left_out,
        considered=considered,
        settings=settings,
        as_of=as_of,
        request=request,
        seed=seed,
        notes=notes,
    )


def _held_posts(graph: CompetenceGraph) -> dict[int, Post]:
    """Return the post each person would leave: the one with the largest share, the first in order of id among equals."""
    best: dict[int, tuple[float, str, Post]] = {}
    for post in graph.staff.filled_posts:
        row = graph.person_index.get(post.holder_id or "")
        if row is None or not post.unit_id or not post.roles:
            continue
        key = (-_share(post), post.post_id)
        if row not in best or key < best[row][:2]:
            best[row] = (*key, post)
    return {row: post for row, (_, _, post) in best.items()}


def _share(post: Post) -> float:
    """Return the post's share of full time; 1 when the files do not say."""
    shares = [r.share for r in post.roles if r.share is not None]
    return sum(shares) if shares else 1.0


class _Moves:
    """Every allowed move between the movers' posts, with the measures behind its score."""

    def __init__(
        self, graph: CompetenceGraph, movers: Sequence[int], held: Mapping[int, Post], settings: Settings, cutoff: float
    ) -> None:
        self.graph = graph
        self.movers = list(movers)
        self.posts = [held[r] for r in movers]
        self.settings = settings
        self.travel_unknown = False
        self.limited = False
        self._roles = [tuple(sorted({s.role_id for s in p.roles if s.role_id})) for p in self.posts]
        # Posts that ask for the same roles are measured once.
        self.kinds = sorted(set(self._roles))
        kind_at = {kind: k for k, kind in enumerate(self.kinds)}
        self.kind = np.array([kind_at[r] for r in self._roles], dtype=np.int64)
        self.requirements = [_merged(graph, kind) for kind in self.kinds]
        rows = np.array(self.movers, dtype=np.int64)
        self.fit = np.column_stack([fit(graph, r)[rows] for r in self.requirements])
        # Whoever holds a role today fits it, however little of it the files tell: the employer chose the person for it.
        own = [frozenset(graph.person_roles[row]) for row in self.movers]
        known = np.array([[roles.issuperset(kind) for kind in self.kinds] for roles in own], dtype=np.bool_)
        self.fits = (self.fit >= cutoff) | known
        could_learn = np.column_stack([growth(graph, r, cutoff=0.0)[rows] for r in self.requirements])
        self.growth = np.where(self.fits, could_learn, 0.0)
        self.hard = np.column_stack([hard_met(graph, r)[rows] for r in self.requirements])
        self.wishes = [self._wished(row) for row in self.movers]
        asked = [frozenset(graph.concept_index[q.concept_id] for q in r) for r in self.requirements]
        self.interest = np.array(
            [[len(wish & kind) / len(wish) if wish else 0.0 for kind in asked] for wish in self.wishes], dtype=np.float64
        ).reshape(len(self.movers), len(self.kinds))
        self.refused: dict[str, NDArray[np.bool_]] = {}
        self._rules()

    def _wished(self, row: int) -> frozenset[int]:
        person_id = self.graph.person_ids[row]
        return self.graph.interests.get((person_id, InterestKind.LEARN), frozenset()) | self.graph.interests.get(
            (person_id, InterestKind.USE), frozenset()
        )

    def _rules(self) -> None:
        """Mark every move that a hard rule forbids, shape (n_movers, n_movers), one array per rule."""
        n = len(self.movers)
        names = sorted({p.unit_id for p in self.posts})
        unit = np.searchsorted(names, [p.unit_id for p in self.posts])
        same_unit = unit[:, None] == unit[None, :]
        by_kind = self.kind
        self.new_unit = ~same_unit
        share = np.array([_share(p) for p in self.posts])
        minutes = self._minutes()
        nothing = (self.growth[:, by_kind] <= 0) & (self.interest[:, by_kind] <= 0)
        self.refused = {
            "same_work": same_unit & (by_kind[:, None] == by_kind[None, :]),
            "hard_requirement": ~self.hard[:, by_kind],
            "fit_below_cutoff": ~self.fits[:, by_kind],
            "nothing_to_learn": nothing,
            "travel_too_long": minutes > self.settings.suggest.travel_minutes,
            "share_differs": np.abs(share[:, None] - share[None, :]) > self.settings.suggest.share_tolerance + 1e-9,
            "forbidden_move": np.zeros((n, n), dtype=np.bool_),
        }

    def _minutes(self) -> NDArray[np.float64]:
        """Return travel in minutes from each mover's site to each post's site; 0 where the files do not say."""
        graph = self.graph
        table: dict[tuple[str, str], float] = {}
        for t in graph.staff.travel:
            for pair in ((t.from_site, t.to_site), (t.to_site, t.from_site)):
                table[pair] = min(t.minutes, table.get(pair, t.minutes))
        origin = [graph.staff.site_of(graph.person_ids[r]) for r in self.movers]
        target = []
        for i, post in enumerate(self.posts):
            unit = graph.unit(post.unit_id)
            target.append(unit.site if unit is not None and unit.site else origin[i])
        sites = sorted(set(origin) | set(target))
        at = {s: k for k, s in enumerate(sites)}
        between = np.zeros((len(sites), len(sites)))
        for a in sites:
            for b in sites:
                if a == b:
                    continue
                if (a, b) in table:
                    between[at[a], at[b]] = table[a, b]
                elif table and a and b:
                    self.travel_unknown = True
        return between[np.ix_([at[s] for s in origin], [at[s] for s in target])]

    def forbid(self, pairs: Iterable[tuple[int, int]]) -> None:
        """Forbid that one person moves to another's post."""
        at = {row: i for i, row in enumerate(self.movers)}
        for source, target in pairs:
            if source in at and target in at:
                self.refused["forbidden_move"][at[source], at[target]] = True

    def score(self) -> NDArray[np.float64]:
        """Return the score of every move, allowed or not, shape (n_movers, n_movers)."""
        weights = self.settings.suggest.rotation
        by_kind = weights["fit"] * self.fit + weights["growth"] * self.growth + weights["interest"] * self.interest
        return np.asarray(by_kind[:, self.kind] + weights["new_unit"] * self.new_unit, dtype=np.float64)

    def gain(self, choices: int) -> sparse.csr_array:
        """Return the allowed moves with their scores, at most ``choices`` per person, the best; ties by position."""
        allowed = ~np.logical_or.reduce(list(self.refused.values()))
        np.fill_diagonal(allowed, False)
        score = np.where(allowed, self.score(), -np.inf)
        if allowed.sum(axis=1).max(initial=0) > choices:
            self.limited = True
            order = np.argsort(-score, axis=1, kind="stable")[:, choices:]
            np.put_along_axis(allowed, order, False, axis=1)
        source, target = np.nonzero(allowed)
        return sparse.csr_array((score[source, target], (source, target)), shape=allowed.shape)

    def why_not(self, i: int) -> str:
        """Name the rule that removed most of a mover's moves; ``nobody_swaps_back`` when some were left."""
        others = np.arange(len(self.movers)) != i
        barred = np.logical_or.reduce([r[i] for r in self.refused.values()])
        if not barred[others].all():
            return "nobody_swaps_back"
        counts = {rule: int((mask[i] & others).sum()) for rule, mask in self.refused.items()}
        return max(sorted(counts), key=lambda rule: counts[rule])

    def suggestion(self, cycle: Sequence[int], months: int) -> Suggestion:
        """Word one cycle: each move's reasons divided by the number of moves, so that they sum to the mean."""
        graph = self.graph
        members, reasons = [], []
        path: dict[str, list[str]] = {"sv": [], "en": []}
        moves = []
        for i, j in zip(cycle, (*cycle[1:], cycle[0]), strict=True):
            person_id, post = graph.person_ids[self.movers[i]], self.posts[j]
            titles = [graph.taxonomy.roles[r] for r in self._roles[j]]
            unit = graph.unit_name(post.unit_id)
            said = {lang: f"{unit}: {', '.join(t.label(lang) for t in titles)}" for lang in ("sv", "en")}
            members.append(Member(person_id, "mover", said["sv"], said))
            for lang in ("sv", "en"):
                path[lang].append(f"{unit} ({', '.join(t.label(lang) for t in titles)})")
            moves.append(
                {
                    "person_id": person_id,
                    "from_unit": self.posts[i].unit_id,
                    "to_unit": post.unit_id,
                    "to_post": post.post_id,
                    "roles": list(self._roles[j]),
                }
            )
            reasons += self._reasons(i, j, len(cycle))
        return Suggestion(
            kind=_KIND,
            rank=0,
            members=tuple(members),
            target=" → ".join(m["to_post"] for m in moves if isinstance(m["to_post"], str)),
            labels={lang: " → ".join(steps) for lang, steps in path.items()},
            score=sum_of(reasons),
            reasons=ordered(reasons),
            rules=(
                "takes_part",
                "hard_requirements_met",
                "fit_kept",
                "something_to_learn",
                "unit_limit_kept",
                "cover_kept",
                "posts_filled",
            ),
            ask_first=to_ask_first(graph, [m.person_id for m in members], "rotation"),
            facts={"moves": moves, "months": months, "right_to_return": True},
        )

    def _reasons(self, i: int, j: int, length: int) -> list[Reason]:
        """Return the Reasons of one move; the concepts behind growth and interest stand in the facts."""
        graph, kind, row = self.graph, int(self.kind[j]), self.movers[i]
        weights = self.settings.suggest.rotation
        person_id = graph.person_ids[row]
        unit = graph.unit_name(self.posts[j].unit_id)
        missing = self._largest_gap(row, kind)
        wished = sorted(self.wishes[i] & {graph.concept_index[q.concept_id] for q in self.requirements[kind]})
        held = self._strongest(row, kind)
        values = {
            "fit": (float(self.fit[i, kind]), held),
            "growth": (float(self.growth[i, kind]), missing),
            "interest": (float(self.interest[i, kind]), graph.concept_ids[wished[0]] if wished else None),
            "new_unit": (float(self.new_unit[i, j]), None),
        }
        reasons = []
        for measure, (value, concept_id) in values.items():
            if value == 0:
                continue
            facts: dict[str, str | int | float | None] = {"unit": unit}
            evidence: tuple[str, ...] = ()
            if concept_id is not None:
                facts |= concept_facts(graph, concept_id)
                if measure == "fit":
                    evidence, proof = evidence_of(graph, row, graph.concept_index[concept_id])
                    facts |= proof
            weight = weights[measure] / length
            reasons.append(
                Reason(
                    measure=measure,
                    value=value,
                    weight=weight,
                    contribution=weight * value,
                    person_id=person_id,
                    concept_id=concept_id,
                    evidence=evidence,
                    path=(*self.kinds[kind], *((concept_id,) if concept_id else ())),
                    facts=facts,
                )
            )
        return reasons

    def _largest_gap(self, row: int, kind: int) -> str | None:
        """Return the concept of the post that weighs most among those missing, the first in order of id among equals."""
        best = max(
            (
                (q.weight * max(q.level - self._level(row, q.concept_id), 0), q.concept_id)
                for q in self.requirements[kind]
                if not q.hard
            ),
            key=lambda pair: (pair[0], _reverse(pair[1])),
            default=(0.0, None),
        )
        return best[1] if best[0] > 0 else None

    def _strongest(self, row: int, kind: int) -> str | None:
        """Return the concept of the post that contributes most to the fit."""
        best = max(
            (
                (q.weight * min(self._level(row, q.concept_id) / q.level, 1.0), q.concept_id)
                for q in self.requirements[kind]
                if not q.hard
            ),
            key=lambda pair: (pair[0], _reverse(pair[1])),
            default=(0.0, None),
        )
        return best[1] if best[0] > 0 else None

    def _level(self, row: int, concept_id: str) -> int:
        position = self.graph.position(row, self.graph.concept_index[concept_id])
        return 0 if position is None else int(self.graph.arrays.rounded[position])


def _reverse(text: str) -> tuple[int, ...]:
    """Return a key that sorts texts backwards, so that max() takes the first in order of id among equals."""
    return tuple(-ord(c) for c in text)


def _merged(graph: CompetenceGraph, roles: Sequence[str]) -> tuple[Requirement, ...]:
    """Join the requirements of the roles in one post: the higher level and weight, hard if either is."""
    merged: dict[str, Requirement] = {}
    for role_id in roles:
        for q in graph.taxonomy.roles[role_id].requirements:
            known = merged.get(q.concept_id)
            merged[q.concept_id] = (
                q
                if known is None
                else replace(
                    known, level=max(known.level, q.level), weight=max(known.weight, q.weight), hard=known.hard or q.hard
                )
            )
    return tuple(merged[c] for c in sorted(merged))


def _unit_limits(
    graph: CompetenceGraph, movers: Sequence[int], held: Mapping[int, Post], settings: Settings
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the unit of each mover and how many may leave each unit at once: the share of its filled posts, at least one."""
    filled: dict[str, int] = {}
    for post in held.values():
        filled[post.unit_id] = filled.get(post.unit_id, 0) + 1
    units = sorted({held[r].unit_id for r in movers})
    limits = []
    for unit_id in units:
        unit = graph.unit(unit_id)
        share = unit.max_moving_share if unit is not None and unit.max_moving_share is not None else settings.suggest.moving_share
        # A unit that lets nobody move says so with 0; rounding down a small unit must not say it in its place.
        limits.append(0 if share == 0 else max(1, floor(share * filled[unit_id] + 1e-9)))
    at = {u: k for k, u in enumerate(units)}
    return np.array([at[held[r].unit_id] for r in movers], dtype=np.int64), np.array(limits, dtype=np.int64)


def _cover(
    graph: CompetenceGraph,
    movers: Sequence[int],
    held: Mapping[int, Post],
    groups: NDArray[np.int64],
    n_units: int,
    settings: Settings,
) -> tuple[sparse.csr_array, NDArray[np.int64]] | None:
    """Return who holds each safety-critical competence, and how many of the movers' holders each unit must keep.

    Those who do not take part in the rotation stay, so what they hold lowers what the movers must keep.
    """
    units = sorted({held[r].unit_id for r in movers})
    at = {u: k for k, u in enumerate(units)}
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
    moving = set(movers)
    minimum = np.zeros((n_units, len(columns)), dtype=np.int64)
    holds = np.zeros((len(movers), len(columns)), dtype=np.bool_)
    for k, column in enumerate(columns):
        level = graph.rounded_column(column)
        holds[:, k] = level[list(movers)] >= _CRITICAL_LEVEL
        for unit in asked[column]:
            staying = sum(
                level[row] >= _CRITICAL_LEVEL for row, post in held.items() if post.unit_id == units[unit] and row not in moving
            )
            minimum[unit, k] = max(settings.suggest.cover - int(staying), 0)
    wanted = minimum.any(axis=0)
    if not wanted.any():
        return None
    return sparse.csr_array(holds[:, wanted]), minimum[:, wanted]


def _forbidden(graph: CompetenceGraph, forbidden: Iterable[tuple[str, str]]) -> list[tuple[int, int]]:
    """Return forbidden moves as rows: those of the call, and every move of a rejected or forbidden cycle."""
    pairs = [(graph.row(a), graph.row(b)) for a, b in forbidden]
    answered = answered_pairs(graph, _KIND)
    for choice in (Choice.REJECTED, Choice.FORBIDDEN):
        for people in answered[choice]:
            if all(p in graph.person_index for p in people):
                rows = [graph.person_index[p] for p in people]
                pairs += list(zip(rows, (*rows[1:], rows[0]), strict=True))
    return pairs


def _pinned(
    graph: CompetenceGraph, pinned: Iterable[tuple[str, ...]], movers: Sequence[int], gain: sparse.csr_array
) -> tuple[tuple[tuple[int, ...], ...], int]:
    """Return pinned cycles as solver positions, and how many earlier pins a hard rule now forbids.

    A pin of this call with a forbidden move is refused; one from an earlier decision is not kept, and one about somebody
    who is not in this call has nothing to do with it.
    """
    at = {row: i for i, row in enumerate(movers)}

    def allowed(cycle: tuple[int, ...]) -> bool:
        steps = zip(cycle, (*cycle[1:], cycle[0]), strict=True)
        return min(cycle) >= 0 and all(b in gain.indices[gain.indptr[a] : gain.indptr[a + 1]] for a, b in steps)

    cycles = []
    for people in pinned:
        cycle = tuple(at.get(graph.row(p), -1) for p in people)
        if len(cycle) < 2 or not allowed(cycle):
            raise InputError(
                f"pinned cycle {' → '.join(people)} has a move that a hard rule forbids; unpin it or change what forbids it"
            )
        cycles.append(cycle)
    unkept = 0
    for people in sorted(answered_pairs(graph, _KIND)[Choice.PINNED]):
        cycle = tuple(at.get(graph.person_index.get(p, -1), -1) for p in people)
        if len(cycle) > 1 and min(cycle) >= 0:
            if allowed(cycle):
                cycles.append(cycle)
            else:
                unkept += 1
    return tuple(dict.fromkeys(cycles)), unkept


def _named(graph: CompetenceGraph, outcome: Outcome, movers: Sequence[int], held: Mapping[int, Post]) -> Outcome:
    """Return the Outcome with ids in place of the solver's positions."""
    units = sorted({held[r].unit_id for r in movers})
    conflicts = []
    for conflict in outcome.conflicts:
        rule, _, place = conflict.partition(":")
        first = int(place.partition(",")[0]) if place else 0
        if rule in ("group_limit", "cover"):
            name = "pinned_over_unit_limit" if rule == "group_limit" else "pinned_breaks_cover"
            conflict = f"{name}:{graph.unit_name(units[first])}"
        elif rule.startswith("pinned_"):
            conflict = f"{rule}:{graph.person_ids[movers[first]]}"
        conflicts.append(conflict)
    # "best 12 moves per person" is the solver's English; the number says it in any language.
    notes = tuple(re.sub(r":\D*(\d+).*", r":\1", note) for note in outcome.notes)
    return replace(outcome, conflicts=tuple(dict.fromkeys(conflicts)), notes=notes)
