"""Reasons in words: every sentence about a score comes from ``_texts`` and from what the Reason carries.

This module decides how a Reason, a hard rule, an Outcome or a table by sex is said in Swedish and English. It computes
nothing: a sentence can only tell what the record holds.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from competence._texts import keys, text
from competence.equality import GroupTable
from competence.model import Outcome, Reason, Status

__all__ = ["by_sex_lines", "join", "measure_name", "outcome_sentence", "reason_sentence", "rule_sentence", "word"]


def word(key: str, lang: str = "sv") -> str:
    """Return the word for a value of an enum or a fixed phrase, such as ``word("part.mentor", "sv")``."""
    return text(key, lang)


def measure_name(kind: str, measure: str, lang: str = "sv") -> str:
    """Return the short name of a measure, such as "täckning"."""
    return text(f"measure.{kind}.{measure}.name", lang)


def reason_sentence(kind: str, reason: Reason, lang: str = "sv", names: Mapping[str, str] | None = None) -> str:
    """Say one Reason: what was measured, on what evidence, and what it contributes to the score.

    Parameters
    ----------
    kind : str
        Kind of suggestion, since the same measure is said differently in each.
    reason : Reason
        Its ``facts`` fill the sentence; a fact that is missing is said as unknown.
    names : Mapping of person id to name, or None
        None leaves persons as their ids.
    """
    facts: dict[str, object] = {k: v for k, v in reason.facts.items() if v is not None}
    for fact in list(facts):
        if fact.endswith(f"_{lang}"):
            facts[fact.removesuffix(f"_{lang}")] = facts[fact]
    person = reason.person_id or ""
    key = f"measure.{kind}.{reason.measure}.sentence"
    sentence = text(
        key,
        lang,
        concept=facts.get("concept", reason.concept_id or ""),
        have=facts.get("have", 0),
        asked=facts.get("asked", 0),
        other=facts.get("other", ""),
        other_have=facts.get("other_have", 0),
        via=facts.get("via", ""),
        unit=facts.get("unit", ""),
        count=facts.get("count", 0),
        lately=facts.get("lately", 0),
        needed=facts.get("needed", 0),
        percent=round(100 * reason.value),
        person=(names or {}).get(person, person),
    )
    return " ".join(part for part in (sentence, _proof(facts, lang)) if part)


def _proof(facts: Mapping[str, object], lang: str) -> str:
    """Say what the evidence is: who says it, when, and in which words."""
    if not facts.get("sources"):
        return ""
    sources = ", ".join(text(f"source.{s}", lang) for s in str(facts["sources"]).split(","))
    day = str(facts["latest"]) if facts.get("latest") else text("phrase.no_date", lang)
    words = f" {text('phrase.words', lang, words=facts['words'])}" if facts.get("words") else ""
    return text("phrase.proof", lang, sources=sources, day=day, words=words)


def rule_sentence(rule: str, lang: str = "sv", detail: str = "") -> str:
    """Say a hard rule, note or named reason (``name`` or ``name:detail``); one without a text is said by its name."""
    rule, _, inline = rule.partition(":")
    detail = detail or inline
    key = f"rule.{rule}"
    if key not in keys(lang):
        return f"{rule}: {detail}" if detail else rule
    sentence = text(key, lang)
    return f"{sentence} ({detail})" if detail else sentence


def outcome_sentence(outcome: Outcome, lang: str = "sv") -> str:
    """Say how good the answer is known to be, and why it is not better."""
    if outcome.status is Status.FEASIBLE and outcome.gap is not None:
        head = text("outcome.feasible", lang, gap=_percent(outcome.gap, lang))
    else:
        head = text(f"outcome.{outcome.status.value}", lang)
    parts = [head]
    if outcome.conflicts:
        parts.append("; ".join(rule_sentence(c, lang) for c in outcome.conflicts) + ".")
    if outcome.stopped_by not in ("proof", ""):
        parts.append(text(f"outcome.stopped_by_{outcome.stopped_by}", lang, steps=outcome.steps))
    return " ".join(parts)


def by_sex_lines(table: GroupTable, lang: str = "sv") -> list[str]:
    """Say a table by sex, one line per measure: women | men | total with shares where they are shown."""

    def shown(value: int | None, share: float | None) -> str:
        if value is None:
            return text("phrase.hidden", lang)
        return f"{value} ({_percent(share, lang)})" if share is not None else str(value)

    return [
        text(
            "phrase.by_sex",
            lang,
            measure=text(f"group.{row.measure}", lang),
            women=shown(row.women, row.share_women),
            men=shown(row.men, row.share_men),
            total=shown(row.total, None),
        )
        for row in table.rows
    ]


def _percent(share: float, lang: str) -> str:
    number = f"{100 * share:.1f}".removesuffix(".0")
    return f"{number.replace('.', ',')} %" if lang == "sv" else f"{number}%"


def join(parts: Iterable[str], lang: str = "sv") -> str:
    """Join words as a list in running text: "a, b och c"."""
    items = [p for p in parts if p]
    if len(items) < 2:
        return "".join(items)
    return f"{', '.join(items[:-1])} {text('phrase.and', lang)} {items[-1]}"
