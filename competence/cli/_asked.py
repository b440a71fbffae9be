"""Options that say several things at once, read: answers of managers, hours, open posts, teams, and earlier results.

Everything is refused before any work is done, in the language asked for.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from competence._texts import text
from competence.cli._options import parse_need
from competence.errors import InputError

if TYPE_CHECKING:
    from competence.graph import CompetenceGraph
    from competence.suggest.result import Suggestions

__all__ = [
    "check_answers",
    "open_posts",
    "parse_answers",
    "parse_hours",
    "parse_placements",
    "parse_tasks",
    "read_earlier",
    "with_answers",
]

_YES, _NO = frozenset({"yes", "ja"}), frozenset({"no", "nej"})
_VACANT = "vacant"


def parse_answers(values: Sequence[str], lang: str) -> dict[str, bool] | None:
    """Read ``UNIT=yes`` and ``ID=no``; None where nothing is said."""
    found = {}
    for value in values:
        who, sign, said = (part.strip() for part in value.rpartition("="))
        if not sign or not who or said.casefold() not in _YES | _NO:
            raise InputError(text("cli.manager_rule", lang, value=repr(value)))
        found[who] = said.casefold() in _YES
    return found or None


def parse_hours(values: Sequence[str], lang: str) -> dict[str, list[str]] | None:
    """Read ``PLACE=HOURS,HOURS``; None where nothing is said."""
    found = {}
    for value in values:
        place, sign, said = value.rpartition("=")
        words = [w.strip() for w in said.split(",") if w.strip()]
        if not sign or not place.strip() or not words:
            raise InputError(text("cli.hours_rule", lang, value=repr(value)))
        found[place.strip()] = words
    return found or None


def parse_placements(values: Sequence[str], lang: str) -> list[dict[str, Any]]:
    """Read ``EMPLOYER=TITLE`` as posts that the files lack."""
    found = []
    for number, value in enumerate(values, start=1):
        employer, sign, title = (part.strip() for part in value.partition("="))
        if not sign or not employer or not title:
            raise InputError(text("cli.placement_rule", lang, value=repr(value)))
        found.append({"post_id": f"placement-{number}", "unit_id": employer, "roles": [{"title": title}]})
    return found


def open_posts(graph: CompetenceGraph, asked: Sequence[str], placements: Sequence[dict[str, Any]]) -> Any:
    """Return the open posts as the library takes them; ``vacant`` may stand beside others here."""
    if _VACANT not in asked:
        return [*asked, *_placed(graph, placements)]
    if not placements and set(asked) == {_VACANT}:
        return _VACANT
    vacant = [
        p.post_id for p in graph.staff.filled_posts if p.holder_id is None and p.unit_id and any(r.role_id for r in p.roles)
    ]
    return [*dict.fromkeys([*vacant, *(p for p in asked if p != _VACANT)]), *_placed(graph, placements)]


def _placed(graph: CompetenceGraph, placements: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return placements with the id of the unit where the files have one of that name."""
    names = {unit.name.casefold(): unit.unit_id for unit in graph.staff.units if unit.name}
    return [{**post, "unit_id": names.get(post["unit_id"].casefold(), post["unit_id"])} for post in placements]


def parse_tasks(values: Sequence[str], level: int, size: int | None, lang: str) -> list[dict[str, Any]]:
    """Read ``NAME; WORDS=LEVEL:COUNT; WORDS; size=4; n=2; priority=1`` as teams with needs of their own."""
    found = []
    for value in values:
        name, *rest = (part.strip() for part in value.split(";"))
        numbers = {m[1]: int(m[2]) for part in rest if (m := re.fullmatch(r"(size|n|priority)\s*=\s*([1-9]\d*)", part))}
        words = [part for part in rest if part and not re.match(r"(size|n|priority)\s*=", part)]
        wrong = sum(bool(re.match(r"(size|n|priority)\s*=", part)) for part in rest) != len(numbers)
        if not name or not words or wrong:
            raise InputError(text("cli.task_rule", lang, value=repr(value)))
        own = {"size": size} if size is not None else {}
        found.append({"name": name, "need": parse_need(words, level, lang), **own, **numbers})
    return found


def read_earlier(path: Path | None) -> Suggestions | None:
    """Read the result of an earlier run."""
    if path is None:
        return None
    from competence.suggest.result import Suggestions

    return Suggestions.from_json(path.read_text(encoding="utf-8"))


def check_answers(answers: Path | None, earlier: Suggestions | None, lang: str) -> None:
    """Refuse answers without the result that they are about."""
    if answers is not None and earlier is None:
        raise InputError(text("cli.answers_rule", lang))


def with_answers(graph: CompetenceGraph, answers: Path | None, earlier: Suggestions | None) -> CompetenceGraph:
    """Return the graph with what was written in the workbook of the earlier result."""
    if answers is None or earlier is None:
        return graph
    from competence.suggest.answers import read_answers

    return graph.with_staff(graph.staff.with_decisions(read_answers(answers, earlier)))
