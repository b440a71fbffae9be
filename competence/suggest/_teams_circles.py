"""Circles as teams: four to eight people around a topic, dealt with sex hidden, then the most even of equally good deals.

Who sits together, :mod:`competence.organisation.circles` decides, and what a circle scores,
``_mentoring_circles``. This module deals several times (equals fall otherwise) and chooses as stage 2 does.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean
from typing import Any

from competence.graph import CompetenceGraph, ResolvedNeed
from competence.settings import Settings
from competence.suggest._mentoring_circles import circle_suggestions
from competence.suggest._teams_words import sexes_of
from competence.suggest.result import LeftOutRow, Suggestion

__all__ = ["Dealt", "deal_circles"]

_DEALS = 8
"""Deals that stage 2 chooses among, the one of stage 1 first."""
_EQUAL = 1e-9


@dataclass(frozen=True, slots=True)
class Dealt:
    """The circles of both stages with who is in none of them, why there are none, and the record of the difference."""

    stage1: tuple[Suggestion, ...]
    stage2: tuple[Suggestion, ...]
    left_out1: tuple[LeftOutRow, ...]
    left_out2: tuple[LeftOutRow, ...]
    reason: str | None
    difference: Mapping[str, object]


def deal_circles(
    graph: CompetenceGraph,
    topic: ResolvedNeed,
    *,
    size: int,
    n: int,
    people: Sequence[str] | None,
    units: Sequence[str] | None,
    apart: Iterable[tuple[str, str]],
    balance: str,
    epsilon: float,
    refused: frozenset[frozenset[str]],
    settings: Settings,
    seed: int,
) -> Dealt:
    """Deal circles of 4 to ``size`` people and choose the most even deal that keeps (1 - epsilon) of the first one.

    Notes
    -----
    A deal with the next seed settles equals otherwise and is as good in kind; of those with as many circles, whose worst
    and mean score keep what ``epsilon`` asks, the best by ``balance`` is taken, the first of equals.
    """
    deals = [
        _deal(graph, topic, size, n, people, units, apart, refused, settings, seed + k)
        for k in range(_DEALS if balance != "off" else 1)
    ]
    first, left_first, reason = deals[0]
    if not first:
        return Dealt((), (), left_first, left_first, reason, {})

    def keeps(made: tuple[Suggestion, ...]) -> bool:
        if len(made) != len(first):
            return False
        own, before = [s.score for s in made], [s.score for s in first]
        kept = 1 - epsilon
        return min(own) >= kept * min(before) - _EQUAL and fmean(own) >= kept * fmean(before) - _EQUAL

    possible = [(made, left) for made, left, _ in deals if keeps(made)]
    chosen, left_chosen = min(possible, key=lambda d: _uneven(d[0], balance, settings)) if balance != "off" else possible[0]
    record: dict[str, object] = {
        "coverage_1": _figures(first),
        "coverage_2": _figures(chosen),
        "balance_1": _counts(first, settings),
        "balance_2": _counts(chosen, settings),
        "stage_1": [{"name": name, "value": value, "bound": None} for name, value in _figures(first).items()],
        "stage_2": [] if balance == "off" else [{"name": k, "value": v, "bound": None} for k, v in _figures(chosen).items()],
        "pool_bounds": None,
        "pool_limits": [],
        "teams": len(first),
        "task": "",
        "yielded": False,
    }
    return Dealt(first, chosen, left_first, left_chosen, None, record)


def _deal(
    graph: CompetenceGraph,
    topic: ResolvedNeed,
    size: int,
    n: int,
    people: Sequence[str] | None,
    units: Sequence[str] | None,
    apart: Iterable[tuple[str, str]],
    refused: frozenset[frozenset[str]],
    settings: Settings,
    seed: int,
) -> tuple[tuple[Suggestion, ...], tuple[LeftOutRow, ...], str | None]:
    from competence.organisation.circles import circles

    found = circles(graph, topic, size=(4, size), n=n, units=units, bringing=people, seeking=people, apart=apart, seed=seed)
    made, left_out = circle_suggestions(graph, found, refused, 0.0, settings)
    teams = tuple(replace(s, kind="teams", facts={**s.facts, **sexes_of(graph, s.people)}) for s in made)
    return teams, tuple(left_out), found.reason


def _counts(made: Sequence[Suggestion], settings: Settings) -> dict[str, Any]:
    """Count women and men of each circle, those with somebody alone of their sex, and those within the band."""
    low, high = settings.equality.band
    women, men = ([int(s.facts[sex]) for s in made] for sex in ("women", "men"))
    sizes = [len(s.people) for s in made]
    return {
        "women": women,
        "men": men,
        "lone": sum((w == 1) + (m == 1) for w, m in zip(women, men, strict=True)),
        "lone_teams": sum(1 in pair for pair in zip(women, men, strict=True)),
        "in_band": sum(
            all(low * size - _EQUAL <= k <= high * size + _EQUAL for k in (w, m))
            for w, m, size in zip(women, men, sizes, strict=True)
        ),
        "single_sex": sum((w == 0) != (m == 0) for w, m in zip(women, men, strict=True)),
    }


def _uneven(made: Sequence[Suggestion], balance: str, settings: Settings) -> tuple[float, ...]:
    counts = _counts(made, settings)
    if balance == "no_lone":
        return counts["lone_teams"], -counts["in_band"]
    if balance == "balanced":
        return (-counts["in_band"],)
    # Proportional: as near as can be to the shares of all who sit in some circle.
    people = sum(len(s.people) for s in made)
    spread = 0.0
    for side in ("women", "men"):
        share = sum(counts[side]) / people
        spread += sum(abs(k - share * len(s.people)) for k, s in zip(counts[side], made, strict=True))
    return (round(spread, 9),)


def _figures(made: Sequence[Suggestion]) -> dict[str, float]:
    return {"worst": min(s.score for s in made), "mean": fmean(s.score for s in made)}
