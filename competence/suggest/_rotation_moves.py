"""Which moves a rotation may make, and what each is worth: the hard rules and measures, as arrays over places.

A place is a whole post, one part of a post with several roles, or a post that is open: vacant, or at another employer.
Everybody may leave any of their places and take any other for which no rule stands in the way. Which of these moves are
made together is decided in :mod:`competence.suggest.rotation`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from competence.fit import fit, growth, hard_met
from competence.graph import CompetenceGraph
from competence.model import InterestKind, Post, Requirement
from competence.settings import Settings

__all__ = ["OPEN", "Moves", "Place", "places_of", "share_of"]

OPEN = -1
"""Row of a place that nobody holds."""


@dataclass(frozen=True, slots=True)
class Place:
    """A whole post, or the part of it that one role takes up.

    Parameters
    ----------
    row : int
        Row of who holds it; :data:`OPEN` when nobody does.
    post : Post
        The post it is, or is a part of.
    roles : tuple of str
        Role ids that it asks for, in order, each once.
    share : float
        Of full time; 1 when the files do not say.
    part : bool
        Whether it is only a part of the post.
    """

    row: int
    post: Post
    roles: tuple[str, ...]
    share: float
    part: bool = False

    @property
    def name(self) -> str:
        """The post's id, with the role after ``#`` when it is a part."""
        return f"{self.post.post_id}#{self.roles[0]}" if self.part else self.post.post_id


def share_of(post: Post) -> float:
    """Return the post's share of full time; 1 when the files do not say."""
    shares = [r.share for r in post.roles if r.share is not None]
    return sum(shares) if shares else 1.0


def places_of(row: int, post: Post, *, parts: bool) -> tuple[Place, ...]:
    """Return the whole post and, where it has several roles with known shares, each part of it in order of role."""
    roles = tuple(sorted({s.role_id for s in post.roles if s.role_id}))
    whole = Place(row, post, roles, share_of(post))
    if not parts or len(post.roles) < 2 or any(s.share is None for s in post.roles):
        return (whole,)
    by_role: dict[str, float] = {}
    for s in post.roles:
        if s.role_id and s.share:
            by_role[s.role_id] = by_role.get(s.role_id, 0.0) + s.share
    # A role that takes up the whole post, under two titles, is no part of it.
    own = [Place(row, post, (r,), by_role[r], part=True) for r in sorted(by_role) if by_role[r] < whole.share - 1e-9]
    return (whole, *own)


class Moves:
    """Every allowed move from a place held to another place, with the measures behind its score.

    Parameters
    ----------
    graph, settings
        People, holdings, wishes, sites and weights.
    places : sequence of Place
        Those held first, all places of a person next to each other; then the open ones.
    cutoff : float
        Lowest fit to a role that is not held today.
    hours : Mapping of str to frozenset of str, or None
        Working hours that a person can work, or that a post or unit has, by id.
    """

    def __init__(
        self,
        graph: CompetenceGraph,
        places: Sequence[Place],
        settings: Settings,
        cutoff: float,
        hours: Mapping[str, frozenset[str]] | None = None,
    ) -> None:
        self.graph = graph
        self.places = list(places)
        self.settings = settings
        self.travel_unknown = False
        self.limited = False
        self.n_held = sum(p.row != OPEN for p in self.places)
        self.rows = np.array([p.row for p in self.places[: self.n_held]], dtype=np.int64)
        """Row of who holds each place held."""
        who, self.of = np.unique(self.rows, return_inverse=True)
        # Places that ask for the same roles are measured once, and so is each person.
        self.kinds = sorted({p.roles for p in self.places})
        kind_at = {kind: k for k, kind in enumerate(self.kinds)}
        self.kind = np.array([kind_at[p.roles] for p in self.places], dtype=np.int64)
        self.requirements = [_merged(graph, kind) for kind in self.kinds]
        self._fit = np.column_stack([fit(graph, r)[who] for r in self.requirements])
        # Whoever holds a role today fits it, however little of it the files tell: the employer chose the person for it.
        own = [frozenset(graph.person_roles[row]) for row in who]
        known = np.array([[roles.issuperset(kind) for kind in self.kinds] for roles in own], dtype=np.bool_)
        self._fits = (self._fit >= cutoff) | known
        could_learn = np.column_stack([growth(graph, r, cutoff=0.0)[who] for r in self.requirements])
        self._growth = np.where(self._fits, could_learn, 0.0)
        self._hard = np.column_stack([hard_met(graph, r)[who] for r in self.requirements])
        self.wishes = [self._wished(row) for row in who.tolist()]
        asked = [frozenset(graph.concept_index[q.concept_id] for q in r) for r in self.requirements]
        self._interest = np.array(
            [[len(wish & kind) / len(wish) if wish else 0.0 for kind in asked] for wish in self.wishes], dtype=np.float64
        ).reshape(len(who), len(self.kinds))
        self.refused: dict[str, NDArray[np.bool_]] = {}
        self._rules(hours or {})

    def _wished(self, row: int) -> frozenset[int]:
        person_id = self.graph.person_ids[row]
        return self.graph.interests.get((person_id, InterestKind.LEARN), frozenset()) | self.graph.interests.get(
            (person_id, InterestKind.USE), frozenset()
        )

    def _rules(self, hours: Mapping[str, frozenset[str]]) -> None:
        """Mark every move that a hard rule forbids, shape (n_held, n_places), one array per rule."""
        n, suggest = self.n_held, self.settings.suggest
        names = sorted({p.post.unit_id for p in self.places})
        unit = np.searchsorted(names, [p.post.unit_id for p in self.places])
        same_unit = unit[:n, None] == unit[None, :]
        self.new_unit = ~same_unit
        share = np.array([p.share for p in self.places])
        part = np.array([p.part for p in self.places])
        apart = np.abs(share[:n, None] - share[None, :])
        most = np.where(part[:n, None] | part[None, :], suggest.part_tolerance, suggest.share_tolerance)
        nothing = ((self._growth <= 0) & (self._interest <= 0))[self.of]
        self.refused = {
            "same_work": same_unit & (self.kind[:n, None] == self.kind[None, :]),
            "hard_requirement": ~self._hard[self.of][:, self.kind],
            "fit_below_cutoff": ~self._fits[self.of][:, self.kind],
            "nothing_to_learn": nothing[:, self.kind],
            "travel_too_long": self._minutes() > suggest.travel_minutes,
            "share_differs": apart > most + 1e-9,
            "working_hours": self._outside_hours(hours),
            "forbidden_move": np.zeros((n, len(self.places)), dtype=np.bool_),
        }

    def _outside_hours(self, hours: Mapping[str, frozenset[str]]) -> NDArray[np.bool_]:
        """Say where a place has working hours that the person cannot work.

        A post's own hours go before those of its unit. Who is not in the table works the hours of the own post.
        """
        if not hours:
            return np.zeros((self.n_held, len(self.places)), dtype=np.bool_)
        none: frozenset[str] = frozenset()
        asked = [hours.get(p.post.post_id, hours.get(p.post.unit_id, none)) for p in self.places]
        can = [hours.get(self.graph.person_ids[p.row], asked[i]) for i, p in enumerate(self.places[: self.n_held])]
        kinds, at = np.unique([" ".join(sorted(h)) for h in asked], return_inverse=True)
        sets = [frozenset(k.split()) for k in kinds.tolist()]
        return np.array([[not s <= c for s in sets] for c in can], dtype=np.bool_).reshape(self.n_held, -1)[:, at]

    def _minutes(self) -> NDArray[np.float64]:
        """Return travel in minutes from each holder's site to each place's site; 0 where the files do not say."""
        graph = self.graph
        table: dict[tuple[str, str], float] = {}
        for t in graph.staff.travel:
            for pair in ((t.from_site, t.to_site), (t.to_site, t.from_site)):
                table[pair] = min(t.minutes, table.get(pair, t.minutes))
        origin = [graph.staff.site_of(graph.person_ids[r]) for r in self.rows.tolist()]
        target = []
        for i, place in enumerate(self.places):
            unit = graph.unit(place.post.unit_id)
            target.append(unit.site if unit is not None and unit.site else origin[i] if i < len(origin) else "")
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

    def forbid(
        self,
        pairs: Iterable[tuple[int, int]],
        to_units: Iterable[tuple[int, str]] = (),
        to_places: Iterable[tuple[int, str]] = (),
    ) -> None:
        """Forbid that one person moves to another's places, to any place in a unit, or to one place by its name."""
        mine: dict[int, list[int]] = {}
        inside: dict[str, list[int]] = {}
        for i, place in enumerate(self.places):
            mine.setdefault(place.row, []).append(i)
            inside.setdefault(place.post.unit_id, []).append(i)
        mine.pop(OPEN, None)
        for source, target in pairs:
            if source != target and source in mine and target in mine:
                self.refused["forbidden_move"][np.ix_(mine[source], mine[target])] = True
        for source, unit_id in to_units:
            if source in mine and unit_id in inside:
                self.refused["forbidden_move"][np.ix_(mine[source], inside[unit_id])] = True
        at = {place.name: i for i, place in enumerate(self.places)}
        for source, name in to_places:
            if source in mine and name in at:
                self.refused["forbidden_move"][mine[source], at[name]] = True

    def score(self) -> NDArray[np.float64]:
        """Return the score of every move, allowed or not, shape (n_held, n_places)."""
        weights = self.settings.suggest.rotation
        by_kind = weights["fit"] * self._fit + weights["growth"] * self._growth + weights["interest"] * self._interest
        return np.asarray(by_kind[self.of][:, self.kind] + weights["new_unit"] * self.new_unit, dtype=np.float64)

    def gain(self, choices: int) -> sparse.csr_array:
        """Return the allowed moves with their scores, at most ``choices`` per place, the best; ties by position."""
        allowed = ~np.logical_or.reduce(list(self.refused.values()))
        allowed[:, : self.n_held] &= self.of[:, None] != self.of[None, :]
        score = np.where(allowed, self.score(), -np.inf)
        if allowed.sum(axis=1).max(initial=0) > choices:
            self.limited = True
            order = np.argsort(-score, axis=1, kind="stable")[:, choices:]
            np.put_along_axis(allowed, order, False, axis=1)
        source, target = np.nonzero(allowed)
        return sparse.csr_array((score[source, target], (source, target)), shape=allowed.shape)

    def why_not(self, row: int) -> str:
        """Name the rule that removed most of a person's moves; ``nobody_swaps_back`` when some were left."""
        own = np.flatnonzero(self.rows == row)
        others = np.ones(len(self.places), dtype=np.bool_)
        others[own] = False
        barred = np.logical_or.reduce([mask[own] for mask in self.refused.values()])
        if not barred[:, others].all():
            return "nobody_swaps_back"
        counts = {rule: int(mask[own][:, others].sum()) for rule, mask in self.refused.items()}
        return max(sorted(counts), key=lambda rule: counts[rule])

    def values(self, source: int, target: int) -> dict[str, tuple[float, str | None]]:
        """Return each measure of one move, and the concept that it says most about."""
        person, kind, row = int(self.of[source]), int(self.kind[target]), int(self.rows[source])
        wished = sorted(self.wishes[person] & {self.graph.concept_index[q.concept_id] for q in self.requirements[kind]})
        missing = self.missing(row, kind)
        return {
            "fit": (float(self._fit[person, kind]), self._strongest(row, kind)),
            "growth": (float(self._growth[person, kind]), missing[0] if missing else None),
            "interest": (float(self._interest[person, kind]), self.graph.concept_ids[wished[0]] if wished else None),
            "new_unit": (float(self.new_unit[source, target]), None),
        }

    def missing(self, row: int, kind: int) -> tuple[str, ...]:
        """Return the concepts of a kind of place that the person lacks, the heaviest first, equals in order of id."""
        short = [(q.weight * max(q.level - self._level(row, q.concept_id), 0), q.concept_id) for q in self._weighed(kind)]
        return tuple(c for _, c in sorted((pair for pair in short if pair[0] > 0), key=lambda pair: (-pair[0], pair[1])))

    def _strongest(self, row: int, kind: int) -> str | None:
        """Return the concept of the place that contributes most to the fit."""
        held = [(q.weight * min(self._level(row, q.concept_id) / q.level, 1.0), q.concept_id) for q in self._weighed(kind)]
        best = min(held, key=lambda pair: (-pair[0], pair[1]), default=(0.0, None))
        return best[1] if best[0] > 0 else None

    def _weighed(self, kind: int) -> list[Requirement]:
        return [q for q in self.requirements[kind] if not q.hard]

    def _level(self, row: int, concept_id: str) -> int:
        position = self.graph.position(row, self.graph.concept_index[concept_id])
        return 0 if position is None else int(self.graph.arrays.rounded[position])


def _merged(graph: CompetenceGraph, roles: Sequence[str]) -> tuple[Requirement, ...]:
    """Join the requirements of the roles in one place: the higher level and weight, hard if either is."""
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
