"""What has to be agreed before somebody moves, in words: time, way back, follow-up, what to learn and whom to ask.

Made from the facts of a suggestion alone, so that a result read from a file says the same (REQ-HR-7).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from competence._texts import text
from competence.explain import join

__all__ = ["agreement_lines"]


def agreement_lines(facts: Mapping[str, Any], names: Mapping[str, str], lang: str, *, only: str = "") -> list[str]:
    """Return the lines of a rotation's facts; with ``only`` those about one of its people.

    Facts of before these were told give no lines.
    """
    if "follow_up" not in facts:
        return []
    lines = [text("rotation.time", lang, start=facts["start"], end=facts["end"], follow_up=facts["follow_up"])]

    def called(person_id: str) -> str:
        return names.get(person_id) or person_id

    for move in facts["moves"]:
        if only and move["person_id"] != only:
            continue
        goals = join(move["goal_labels"][lang], lang)
        if goals:
            key = "rotation.own_goals" if only else "rotation.goals"
            lines.append(text(key, lang, who=called(move["person_id"]), goals=goals))
    if facts.get("ask_managers") and not only:
        lines.append(text("rotation.ask_managers", lang, who=join(map(called, facts["ask_managers"]), lang)))
    if "refusal_at_most" in facts and not only:
        cost = f"{facts['refusal_at_most']:.3f}"
        lines.append(text("explain.refusal", lang, cost=cost.replace(".", ",") if lang == "sv" else cost))
    return lines
