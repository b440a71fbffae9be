"""Circles: four to eight people from different units around a topic, some who bring it and some who want it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np

from competence._texts import text
from competence.equality import GroupTable, TableKind
from competence.errors import InputError
from competence.fit import evidence_facts
from competence.graph import CompetenceGraph, NotUnderstood, ResolvedNeed
from competence.model import InterestKind, Need, NeedItem, OptIn
from competence.solve.order import seeded_order
from competence.units import WHOLE

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Circle", "CircleMember", "Circles", "circles"]

_BRINGS, _SEEKS = "brings", "seeks"
_PURPOSE: Mapping[str, str] = {_BRINGS: "mentor", _SEEKS: "mentee"}
_SMALLEST, _LARGEST = 4, 8


@dataclass(frozen=True, slots=True, kw_only=True)
class CircleMember:
    """One member: what the person brings or seeks, on which evidence, and whether to ask first.

    ``part`` is ``brings`` (holds the concept at the level, or offers to teach it) or ``seeks`` (wants to learn it, lacks
    it for the present role, or holds it at a lower level). ``why`` is one of wants_to_teach, holds, wants_to_learn,
    role_asks, wants_to_use and holds_some.
    """

    person_id: str
    unit_id: str
    part: str
    why: str
    concept_id: str
    level: int
    ask_first: bool
    evidence: tuple[str, ...] = ()
    latest: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {name: list(v) if isinstance(v := getattr(self, name), tuple) else v for name in self.__slots__}


@dataclass(frozen=True, slots=True, kw_only=True)
class Circle:
    """One proposed circle; the members that bring something stand first."""

    rank: int
    members: tuple[CircleMember, ...]
    names: Mapping[str, str]
    labels: Mapping[str, Mapping[str, str]]
    units: Mapping[str, str]

    @property
    def people(self) -> tuple[str, ...]:
        """Person ids of the members."""
        return tuple(m.person_id for m in self.members)

    def explain(self, lang: str = "sv") -> str:
        """Say who is in the circle and why, a line each."""
        lines = [text("organisation.circle", lang, rank=self.rank, n=len(self.members))]
        for m in self.members:
            sentence = text(
                f"organisation.circle_{m.why}",
                lang,
                who=self.names.get(m.person_id) or m.person_id,
                unit=self.units.get(m.unit_id) or m.unit_id or text("organisation.no_unit", lang),
                concept=self.labels[m.concept_id][lang],
                level=m.level,
            )
            lines.append(f"{sentence} {text('organisation.ask_first', lang)}" if m.ask_first else sentence)
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {"rank": self.rank, "members": [m.to_dict() for m in self.members]}


@dataclass(frozen=True, kw_only=True)
class Circles:
    """Proposed circles, to be said yes or no to one by one. Made by :func:`circles`; always named.

    Parameters
    ----------
    as_of : date
        The graph's date.
    circles : tuple of Circle
        The one with the most to bring first.
    reason : str or None
        Why there is none: ``not_understood``, ``nobody_brings_it`` or ``too_few``.
    left_out : tuple of (str, str)
        People with a tie to the topic who are in no circle, and why: ``opted_out``, ``not_opted_in``, ``no_place``.
    by_sex : GroupTable
        Considered and suggested, counted when all was settled.
    not_understood : tuple of NotUnderstood
        Words of the topic that met no concept.
    """

    as_of: date
    circles: tuple[Circle, ...]
    reason: str | None
    left_out: tuple[tuple[str, str], ...]
    by_sex: GroupTable
    not_understood: tuple[NotUnderstood, ...] = ()

    def __len__(self) -> int:
        return len(self.circles)

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {
            "as_of": self.as_of.isoformat(),
            "circles": [c.to_dict() for c in self.circles],
            "reason": self.reason,
            "left_out": [{"person_id": p, "why": why} for p, why in self.left_out],
            "by_sex": self.by_sex.to_dict(),
            "not_understood": [{"words": n.words, "nearest": [list(p) for p in n.nearest]} for n in self.not_understood],
        }

    def to_frame(self) -> pd.DataFrame:
        """Return one row per member."""
        import pandas as pd

        columns = ["circle", "person_id", "unit_id", "part", "why", "concept_id", "level", "ask_first"]
        rows = [{"circle": c.rank, **m.to_dict()} for c in self.circles for m in c.members]
        return pd.DataFrame(rows, columns=columns)


def circles(
    graph: CompetenceGraph,
    topic: ResolvedNeed | Need | NeedItem | str | Mapping[str, int] | Iterable[str | NeedItem],
    *,
    size: tuple[int, int] = (4, 8),
    n: int = 3,
    units: Iterable[str] | None = None,
    bringing: Iterable[str] | None = None,
    seeking: Iterable[str] | None = None,
    apart: Iterable[tuple[str, str]] = (),
    seed: int = 0,
) -> Circles:
    """Propose circles of people from different units around a topic.

    Parameters
    ----------
    graph : CompetenceGraph
        People and holdings on its date; proposals of ``infer_hidden`` are not read.
    topic : str, list of str, {str: level}, NeedItem, Need or ResolvedNeed
        What the circle is about; a level above 1 says from which level a member brings it.
    size : (int, int)
        Fewest and most members, within 4-8.
    n : int
        Most circles.
    units : iterable of str or None
        Where members are looked for, with the units below; None is everywhere.
    bringing, seeking : iterable of str or None
        Ids of those who may bring something, and of those who may seek something; None is everybody.
    apart : iterable of (str, str)
        People who must not sit in the same circle.
    seed : int
        Settles equals, by a hash of ids.

    Returns
    -------
    Circles
        Nobody is in two circles.

    Raises
    ------
    InputError
        If size or n is outside its range.
    UnknownIdError
        If a unit, person or concept does not exist.

    Notes
    -----
    Hard rules: each member is of another unit; at least one brings something; who said no to being a mentor brings
    nothing here and who said no to being mentored seeks nothing; nobody meets the own line manager. A person who was
    never asked is marked ``ask_first``. Those who bring come in the order of offering to teach, level and confidence;
    those who seek in the order of wanting to learn, lacking it for the role, wanting to use it, and holding some. As
    many circles as can reach the smallest size are begun with one who brings each, and filled in turns, seeking and
    bringing by turns. No sex is read but for ``by_sex``. O(n * people with a tie to the topic * size).

    Examples
    --------
    >>> from tests.cases import graph_of
    >>> circles(graph_of(), "demensvård").reason
    'too_few'
    """
    if not _SMALLEST <= size[0] <= size[1] <= _LARGEST:
        raise InputError(f"size must be two whole numbers from {_SMALLEST} to {_LARGEST}, low first; got {size!r}")
    if n < 1:
        raise InputError(f"n must be a whole number of at least 1; got {n!r}")
    resolved = graph.need(topic)
    rows = graph.rows(None, [units] if isinstance(units, str) else units)
    only = {_BRINGS: _known(graph, bringing), _SEEKS: _known(graph, seeking)}
    not_together = frozenset(frozenset((graph.person_ids[graph.row(a)], graph.person_ids[graph.row(b)])) for a, b in apart)
    found, kept_out = _candidates(graph, resolved, rows, only, seed)
    brings, seeks = ([m for m in found if m.part == part] for part in (_BRINGS, _SEEKS))
    made: list[list[CircleMember]] = []
    for count in range(min(n, len(brings)), 0, -1):
        made = _deal(graph, brings, seeks, count, size, not_together)
        if made:
            break
    reason = None if made else "not_understood" if not resolved.items else "nobody_brings_it" if not brings else "too_few"
    members = [sorted(c, key=lambda m: m.part) for c in made]
    placed = {m.person_id for c in members for m in c}
    rest = {m.person_id: "no_place" for m in found if m.person_id not in placed}
    everybody = sorted({m.person_id for m in found} | set(kept_out))
    labels = {
        i.concept_id: {lang: graph.taxonomy.concepts[i.concept_id].label(lang) for lang in ("sv", "en")} for i in resolved.items
    }
    return Circles(
        as_of=graph.as_of,
        circles=tuple(
            Circle(
                rank=k,
                members=tuple(c),
                names={m.person_id: graph.people[graph.row(m.person_id)].name for m in c},
                labels=labels,
                units={m.unit_id: graph.unit_name(m.unit_id) for m in c if m.unit_id != WHOLE},
            )
            for k, c in enumerate(members, start=1)
        ),
        reason=reason,
        left_out=tuple(sorted({**kept_out, **rest}.items())),
        by_sex=GroupTable(
            {"considered": everybody, "suggested": sorted(placed)},
            graph.sex,
            kind=TableKind.NAMED,
            settings=graph.settings.equality,
        ),
        not_understood=resolved.not_understood,
    )


def _known(graph: CompetenceGraph, people: Iterable[str] | None) -> frozenset[str] | None:
    """Return ids, all of which are in the graph."""
    return None if people is None else frozenset(graph.person_ids[graph.row(p)] for p in people)


def _candidates(
    graph: CompetenceGraph, topic: ResolvedNeed, rows: Any, only: Mapping[str, frozenset[str] | None], seed: int
) -> tuple[list[CircleMember], dict[str, str]]:
    """Return who may take part, best first within each part, and who is kept out by an answer."""
    place = {i: k for k, i in enumerate(seeded_order([graph.person_ids[r] for r in rows], seed).tolist())}
    columns = {i.concept_id: graph.concept_index[i.concept_id] for i in topic.items}
    levels = {c: graph.rounded_column(column) for c, column in columns.items()}
    sure = {c: graph.column("confidence", column) for c, column in columns.items()}
    lowest = {i.concept_id: i.level if i.level > 1 else graph.settings.organisation.circle_level for i in topic.items}
    asked = _asked(graph, columns)
    ranked: list[tuple[tuple[Any, ...], CircleMember]] = []
    kept_out: dict[str, str] = {}
    for k, row in enumerate(np.asarray(rows).tolist()):
        person_id = graph.person_ids[row]
        wishes = {kind: graph.interests.get((person_id, kind), frozenset()) for kind in InterestKind}
        ties: list[tuple[tuple[Any, ...], str, str, str, int]] = []
        for c, column in columns.items():
            level = int(levels[c][row])
            sureness = -float(sure[c][row])
            if level >= 1 and column in wishes[InterestKind.TEACH]:
                ties.append(((0, 0, -level, sureness), _BRINGS, "wants_to_teach", c, level))
            elif level >= lowest[c]:
                ties.append(((0, 1, -level, sureness), _BRINGS, "holds", c, level))
            if column in wishes[InterestKind.LEARN]:
                ties.append(((1, 0, level, 0.0), _SEEKS, "wants_to_learn", c, level))
            elif level < asked.get((row, column), 0):
                ties.append(((1, 1, level, 0.0), _SEEKS, "role_asks", c, level))
            elif column in wishes[InterestKind.USE] and level < lowest[c]:
                ties.append(((1, 2, level, 0.0), _SEEKS, "wants_to_use", c, level))
            elif 1 <= level < lowest[c]:
                ties.append(((1, 3, level, 0.0), _SEEKS, "holds_some", c, level))
        ties = [t for t in ties if (allowed := only[t[1]]) is None or person_id in allowed]
        open_ties = [t for t in ties if graph.takes_part(row, _PURPOSE[t[1]]) is not OptIn.NO]
        if ties and not open_ties:
            answers = graph.people[row].opt_ins
            no = any(getattr(answers, _PURPOSE[t[1]]) is OptIn.NO for t in ties)
            kept_out[person_id] = "opted_out" if no else "not_opted_in"
        if not open_ties:
            continue
        order, part, why, c, level = min(open_ties)
        position = graph.position(row, columns[c])
        pieces = () if position is None else graph.evidence_at(position)
        latest = evidence_facts(pieces, graph.as_of)["latest"]
        member = CircleMember(
            person_id=person_id,
            unit_id=graph.units_of[row][0] if graph.units_of[row] else WHOLE,
            part=part,
            why=why,
            concept_id=c,
            level=level,
            ask_first=graph.takes_part(row, _PURPOSE[part]) is OptIn.NOT_ASKED,
            evidence=tuple(e.evidence_id for e in pieces),
            latest=None if latest is None else str(latest),
        )
        ranked.append(((*order, place[k]), member))
    return [m for _, m in sorted(ranked, key=lambda r: r[0])], kept_out


def _asked(graph: CompetenceGraph, columns: Mapping[str, int]) -> dict[tuple[int, int], int]:
    """Return the level that each person's roles ask of the topic's concepts."""
    by_role = {
        role_id: {columns[r.concept_id]: r.level for r in role.requirements if r.concept_id in columns and not r.hard}
        for role_id, role in graph.taxonomy.roles.items()
    }
    found: dict[tuple[int, int], int] = {}
    for row, own in enumerate(graph.person_roles):
        for role_id in own:
            for column, level in by_role[role_id].items():
                found[row, column] = max(found.get((row, column), 0), level)
    return found


def _deal(
    graph: CompetenceGraph,
    brings: list[CircleMember],
    seeks: list[CircleMember],
    count: int,
    size: tuple[int, int],
    apart: frozenset[frozenset[str]],
) -> list[list[CircleMember]]:
    """Return that many circles filled by turns, or none when one stays too small."""
    made = [[m] for m in brings[:count]]
    left = {_BRINGS: brings[count:], _SEEKS: list(seeks)}
    managers = {m.person_id: graph.staff.managers_of(m.person_id) for m in (*brings, *seeks)}

    def fits(circle: list[CircleMember], m: CircleMember) -> bool:
        return all(
            o.unit_id != m.unit_id
            and o.person_id not in managers[m.person_id]
            and m.person_id not in managers[o.person_id]
            and frozenset((o.person_id, m.person_id)) not in apart
            for o in circle
        )

    for turn in range(1, size[1]):
        first = _SEEKS if turn % 2 else _BRINGS
        for circle in made:
            if len(circle) < turn:
                continue
            for part in (first, _BRINGS if first == _SEEKS else _SEEKS):
                chosen = next((m for m in left[part] if fits(circle, m)), None)
                if chosen is not None:
                    circle.append(chosen)
                    left[part].remove(chosen)
                    break
    return made if all(len(c) >= size[0] for c in made) else []
