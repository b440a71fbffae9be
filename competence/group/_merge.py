"""What joining units would change: coverage, duplicates, what one alone has, and words for the same thing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from competence._texts import text
from competence.equality import GroupTable, TableKind
from competence.errors import InputError
from competence.graph import CompetenceGraph
from competence.group._map import GroupMap, map_units
from competence.group._told import labels_of, listed, plain, whole_per_cent
from competence.linking import similar_local_terms
from competence.model import Concept
from competence.settings import Settings

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["HeldInOne", "HeldInSeveral", "MergeChange", "MergeMap", "MergedNeed", "SameWords", "merge_units"]


class MergeChange(StrEnum):
    """What joining units does to the places of one concept."""

    BECOMES_COVERED = "becomes_covered"
    """Short in a unit before, filled after."""
    EASED = "eased"
    """Short before and after, by fewer places after."""
    STAYS_SHORT = "stays_short"
    """Short by as many places after as before."""
    COVERED = "covered"
    """Filled before and after."""
    WORSE = "worse"
    """Short by more after: somebody who worked in several of the units filled a place in each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MergedNeed:
    """Places of one concept before, unit by unit in the order given, and after."""

    concept_id: str
    hard: bool
    needed_before: tuple[int, ...]
    filled_before: tuple[int, ...]
    needed: int
    filled: int

    @property
    def change(self) -> MergeChange:
        """What joining does."""
        before, after = sum(self.needed_before) - sum(self.filled_before), self.needed - self.filled
        if after > before:
            return MergeChange.WORSE
        if not after:
            return MergeChange.BECOMES_COVERED if before else MergeChange.COVERED
        return MergeChange.EASED if after < before else MergeChange.STAYS_SHORT


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldInSeveral:
    """A concept that people of several of the units hold: how many in each, and what they are more than asked for together.

    ``spare`` counts those who reach the lowest level asked for, less the places; where nothing is asked, all holders.
    """

    concept_id: str
    holders: tuple[int, ...]
    spare: int


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldInOne:
    """A concept that only people of one of the units hold, and whether roles in another one ask for it."""

    concept_id: str
    unit_id: str
    people: tuple[str, ...]
    asked_by_others: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SameWords:
    """Words of two of the units that may mean the same, to be made one before the units are.

    Parameters
    ----------
    kind : str
        ``term`` for an own term, proposed by :func:`competence.linking.similar_local_terms`; ``title`` for titles of one role.
    id, words, unit_ids : str, str, tuple of str
        One of the two: concept id (role id for titles), how it is written, and the units that use it.
    other_id, other_words, other_unit_ids : str, str, tuple of str
        The other.
    reason : str
        A :class:`competence.linking.NearReason`, or ``same_role``.
    likeness : float
        In [0, 1].
    """

    kind: str
    id: str
    words: str
    unit_ids: tuple[str, ...]
    other_id: str
    other_words: str
    other_unit_ids: tuple[str, ...]
    reason: str
    likeness: float


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class MergeMap:
    """What joining units changes, before anybody moves; names persons (a *named* result, DESIGN 8).

    Attributes
    ----------
    before : tuple of GroupMap
        Each unit by itself, in the order given.
    after : GroupMap
        All of them as one.
    coverage_before : float or None
        What the units fill, each for itself, of what is asked for in all of them; ``after.coverage`` is the other side.
    needs : tuple of MergedNeed
        Every concept asked for, the most changed first.
    held_in_several, held_in_one, same_words : tuple
        Duplicates, what only one unit has, and words for the same thing.
    by_sex : GroupTable
        People of each unit (``people:<unit_id>``) and of all (named).
    """

    before: tuple[GroupMap, ...]
    after: GroupMap
    coverage_before: float | None
    needs: tuple[MergedNeed, ...]
    held_in_several: tuple[HeldInSeveral, ...]
    held_in_one: tuple[HeldInOne, ...]
    same_words: tuple[SameWords, ...]
    by_sex: GroupTable
    _concepts: Mapping[str, Concept] = field(repr=False)

    def __repr__(self) -> str:
        def share(value: float | None) -> str:
            return "–" if value is None else f"{value:.3f}"

        return (
            f"MergeMap({self.after.title!r}, coverage {share(self.coverage_before)} before, {share(self.after.coverage)} after)"
        )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, MergeMap) and self.to_dict() == other.to_dict()

    def __hash__(self) -> int:
        return hash((self.after, self.coverage_before))

    def changed(self, change: MergeChange | str) -> tuple[MergedNeed, ...]:
        """Return the needs with one kind of change."""
        return tuple(n for n in self.needs if n.change == change)

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return plain(self) | {
            "before": [b.to_dict() for b in self.before],
            "after": self.after.to_dict(),
            "needs": [plain(n) | {"change": n.change.value} for n in self.needs],
            "labels": labels_of(self._concepts),
        }

    def to_frame(self, lang: str = "sv") -> pd.DataFrame:
        """Return one row per concept asked for: places and filled places per unit before, after, and the change."""
        import pandas as pd

        units = [b.unit_ids[0] for b in self.before]
        columns = ["concept_id", "label", "hard", *(f"needed:{u}" for u in units), *(f"filled:{u}" for u in units)]
        columns += ["needed", "filled", "change"]
        rows = [
            (
                *(n.concept_id, self._concepts[n.concept_id].label(lang), n.hard, *n.needed_before, *n.filled_before),
                *(n.needed, n.filled, n.change.value),
            )
            for n in self.needs
        ]
        return pd.DataFrame(rows, columns=columns)

    def explain(self, lang: str = "sv") -> str:
        """Say in a few sentences what joining changes."""

        def told(concepts: Iterable[str]) -> str:
            return listed([self._concepts[c].label(lang) for c in concepts], lang)

        lines = [text("merge.people", lang, units=self.after.title, people=len(self.after.people))]
        if self.coverage_before is not None and self.after.coverage is not None:
            before, after = whole_per_cent(self.coverage_before), whole_per_cent(self.after.coverage)
            lines.append(text("merge.coverage", lang, before=before, after=after))
        short = [n.concept_id for n in self.needs if n.needed > n.filled]
        parts = {
            "becomes_covered": [n.concept_id for n in self.changed(MergeChange.BECOMES_COVERED)],
            "short": short,
            "several": [h.concept_id for h in self.held_in_several if h.spare > 0],
            "one": [h.concept_id for h in self.held_in_one if h.asked_by_others],
        }
        lines += [text(f"merge.{key}", lang, n=len(found), concepts=told(found)) for key, found in parts.items() if found]
        if self.same_words:
            pairs = [f"{s.words} – {s.other_words}" for s in self.same_words]
            lines.append(text("merge.words", lang, n=len(pairs), pairs=listed(pairs, lang)))
        return "\n".join(lines)


def merge_units(graph: CompetenceGraph, units: Iterable[str], *, settings: Settings | None = None) -> MergeMap:
    """Show what joining units would change: coverage before and after, duplicates, what one alone has, words for one thing.

    Parameters
    ----------
    graph : CompetenceGraph
        Its audience decides which evidence is seen at all.
    units : iterable of str
        Names or ids of two or more units, none within another; each takes in those below it.
    settings : Settings or None
        None means the graph's.

    Returns
    -------
    MergeMap

    Raises
    ------
    UnknownIdError
        If a unit does not exist.
    InputError
        If fewer than two are given, one twice, or one lies within another.

    Notes
    -----
    Before, each unit fills its own places; after, anybody in any of them may. Somebody who works in several counts in each
    before and once after. Own terms are compared as :func:`competence.linking.similar_local_terms` does, those of these units
    only. O(holdings and requirements of the units + own terms ** 2).
    """
    graph = graph.seen(settings=settings)
    chosen = [graph.staff.find_unit(u) for u in ([units] if isinstance(units, str) else units)]
    below = [graph.staff.units_below(u.unit_id) for u in chosen]
    if len(chosen) < 2:
        raise InputError(f"units must be at least two units to join; got {len(chosen)}")
    for i, one in enumerate(chosen):
        for k, other in enumerate(chosen):
            if i != k and one.unit_id in below[k]:
                raise InputError(f"units must lie apart; {one.name or one.unit_id!r} is (within) {other.name or other.unit_id!r}")
    before = tuple(map_units(graph, (u,)) for u in chosen)
    after = map_units(graph, chosen)
    asked_before = [{(n.concept_id, n.hard): n for n in b.needs} for b in before]
    asked_after = {(n.concept_id, n.hard): n for n in after.needs}
    needs = []
    for concept_id, hard in sorted({key for own in (*asked_before, asked_after) for key in own}):
        own = [found.get((concept_id, hard)) for found in asked_before]
        joined = asked_after.get((concept_id, hard))
        needs.append(
            MergedNeed(
                concept_id=concept_id,
                hard=hard,
                needed_before=tuple(n.needed if n else 0 for n in own),
                filled_before=tuple(n.filled if n else 0 for n in own),
                needed=joined.needed if joined else 0,
                filled=joined.filled if joined else 0,
            )
        )
    order = tuple(MergeChange)
    weighed = [n for b in before for n in b.needs if not n.hard]
    total = sum(n.weight for n in weighed)
    several, one_only = _held(graph, before, after)
    sex = {p: graph.sex[p] for p in after.people}
    concepts = after._concepts.keys() | {c for b in before for c in b._concepts}
    return MergeMap(
        before=before,
        after=after,
        coverage_before=sum(n.weight * n.coverage for n in weighed) / total if total else None,
        needs=tuple(sorted(needs, key=lambda n: (order.index(n.change), -(n.needed - n.filled), n.concept_id, n.hard))),
        held_in_several=several,
        held_in_one=one_only,
        same_words=(*_same_terms(graph, before), *_same_titles(graph, before, below)),
        by_sex=GroupTable(
            {"people": after.people, **{f"people:{b.unit_ids[0]}": b.people for b in before}}, sex, kind=TableKind.NAMED
        ),
        _concepts={c: graph.taxonomy.concepts[c] for c in sorted(concepts)},
    )


def _held(
    graph: CompetenceGraph, before: Sequence[GroupMap], after: GroupMap
) -> tuple[tuple[HeldInSeveral, ...], tuple[HeldInOne, ...]]:
    """Return what several of the units hold, most to spare first, and what only one holds, what others ask for first."""
    several, one_only = [], []
    for depth in after.depth:
        holders = tuple(b._depth_of[depth.concept_id].holders if depth.concept_id in b._depth_of else 0 for b in before)
        having = [k for k, n in enumerate(holders) if n]
        if len(having) > 1:
            need = after._need_of.get(depth.concept_id)
            spare = depth.holders if need is None else need.reaching[-1][1] - need.needed
            several.append(HeldInSeveral(concept_id=depth.concept_id, holders=holders, spare=spare))
        elif having:
            own = before[having[0]]
            people = tuple(p for p, level in own._depth_of[depth.concept_id].people if level)
            others = any(depth.concept_id in b._need_of for b in before if b is not own)
            one_only.append(
                HeldInOne(concept_id=depth.concept_id, unit_id=own.unit_ids[0], people=people, asked_by_others=others)
            )
    several.sort(key=lambda h: (-h.spare, h.concept_id))
    one_only.sort(key=lambda h: (not h.asked_by_others, h.unit_id, h.concept_id))
    return tuple(several), tuple(one_only)


def _same_terms(graph: CompetenceGraph, before: Sequence[GroupMap]) -> tuple[SameWords, ...]:
    """Return own terms of one unit that look the same as a term or concept that another one uses."""
    used: dict[str, list[str]] = {}
    for b in before:
        for concept_id in b._concepts:
            used.setdefault(concept_id, []).append(b.unit_ids[0])
    own = tuple(c for c in graph.staff.local_concepts if c.concept_id in used)
    if not own:
        return ()
    found = []
    for near in similar_local_terms(graph.staff.replace(local_concepts=own), graph.taxonomy):
        here, there = used.get(near.id, []), used.get(near.target_id, [])
        # Both used in the same units is their own affair already, and no matter of joining.
        if here and there and set(here) != set(there):
            found.append(
                SameWords(
                    kind="term",
                    id=near.id,
                    words=near.label,
                    unit_ids=tuple(here),
                    other_id=near.target_id,
                    other_words=near.target_label,
                    other_unit_ids=tuple(there),
                    reason=near.reason.value,
                    likeness=near.likeness,
                )
            )
    return tuple(found)


def _same_titles(graph: CompetenceGraph, before: Sequence[GroupMap], below: Sequence[frozenset[str]]) -> tuple[SameWords, ...]:
    """Return titles that are written otherwise in another unit and were linked to the same role."""
    written: dict[str, dict[str, tuple[str, dict[str, None]]]] = {}
    for b, within in zip(before, below, strict=True):
        for person_id in b.people:
            for employment in graph.people[graph.person_index[person_id]].employments:
                if employment.unit_id in within and employment.is_current(graph.as_of):
                    for role in employment.roles:
                        if role.role_id and role.role_id in graph.role_index:
                            plain = " ".join(role.title.casefold().split())
                            titles = written.setdefault(role.role_id, {})
                            titles.setdefault(plain, (role.title, {}))[1][b.unit_ids[0]] = None
    found = []
    for role_id, titles in sorted(written.items()):
        names = sorted(titles)
        for i, one in enumerate(names):
            for other in names[i + 1 :]:
                here, there = titles[one][1], titles[other][1]
                if here.keys() != there.keys():
                    found.append(
                        SameWords(
                            kind="title",
                            id=role_id,
                            words=titles[one][0],
                            unit_ids=tuple(here),
                            other_id=role_id,
                            other_words=titles[other][0],
                            other_unit_ids=tuple(there),
                            reason="same_role",
                            likeness=1.0,
                        )
                    )
    return tuple(found)
