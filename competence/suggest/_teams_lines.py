"""Lines that tell a plan of teams: the recorded ground, both stages with their difference, what is short, exchanges.

They are made from the record of the call alone, so that a result read from a file says the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from competence._texts import text
from competence.explain import join

if TYPE_CHECKING:
    from competence.suggest.result import Alternative

__all__ = ["exchange_line", "plan_lines"]

_EQUAL = 1e-9


def plan_lines(request: Mapping[str, Any], lang: str) -> list[str]:
    """Say the recorded ground, what the pool allows, both stages with their difference, and what is short."""
    lines = []
    if request.get("ground") and request.get("assessment") and request.get("purpose") == "work_team":
        lines.append(text("team.recorded", lang, ground=request["ground"], assessment=request["assessment"]))
    difference = request.get("difference") or {}
    for record in difference.get("tasks", [difference]):
        lines += _stage_lines(record, request.get("purpose") == "circle", lang)
    lines += [_limit_line(limit, lang) for limit in request.get("certificate", ())]
    return lines


def _stage_lines(record: Mapping[str, Any], circles: bool, lang: str) -> list[str]:
    before, after = record.get("coverage_1"), record.get("coverage_2")
    if not before or not after:
        return []
    head = text("team.task", lang, name=record["task"]) + " " if record.get("task") else ""
    lines = []
    pool = record.get("pool_bounds")
    if pool:
        even = {"teams": record["teams"], "in_band": pool["in_band_max"], "single": pool["single_sex_min"]}
        single = text("team.single" if even["single"] else "team.single_none", lang, **even)
        lines.append(f"{head}{text('team.before', lang, **even)} {single}")
    figures = {f"{name}_{k}": _percent(part[name], lang) for k, part in ((1, before), (2, after)) for name in ("worst", "mean")}
    if record.get("stage_2") or record.get("yielded") or circles:
        less = {f"less_{name}": _points(after[name] - before[name], lang) for name in ("worst", "mean")}
        lines.append(head + text("team.circles" if circles else "team.stages", lang, **figures, **less))
        one, two = record.get("balance_1"), record.get("balance_2")
        if one and two:
            counts = {f"{name}_{k}": side[name] for k, side in ((1, one), (2, two)) for name in ("lone_teams", "in_band")}
            lines.append(head + text("team.balance", lang, **counts))
    else:
        lines.append(head + text("team.stage_1", lang, **figures))
    return lines


def _limit_line(limit: Mapping[str, Any], lang: str) -> str:
    band = "–".join(f"{100 * share:g}" for share in limit.get("band", ()))
    said = text(
        f"team.limit.{limit['rule']}",
        lang,
        available=limit["available"],
        needed=limit["needed"],
        short=limit["short"],
        concept=limit.get(f"concept_{lang}", ""),
        level=limit.get("level", ""),
        unit=limit.get("unit", ""),
        who=join(limit.get("people", ()), lang),
        band=band,
    )
    if limit.get("pools"):
        roles = join(
            (text("team.pool", lang, role=p[f"role_{lang}"], count=p["count"], of=p["of"]) for p in limit["pools"]), lang
        )
        said += " " + text("team.pools", lang, roles=roles)
    if limit["rule"] in ("pool_women", "pool_men"):
        said += " " + text("team.supply", lang)
    return text("team.task", lang, name=limit["task"]) + " " + said if limit.get("task") else said


def _percent(share: float, lang: str) -> str:
    shown = f"{100 * share:.1f}".removesuffix(".0")
    return shown.replace(".", ",") if lang == "sv" else shown


def _points(difference: float, lang: str) -> str:
    value = round(100 * difference, 1)
    sign = "+" if value > 0 else "−" if value < 0 else "±"
    return sign + _percent(abs(value) / 100, lang)


def exchange_line(other: Alternative, called: Mapping[str, str], lang: str) -> str:
    """Say one replacement: who in whose place, the score then, and how much lower it is."""
    out, new = (called.get(p) or p for p in other.people)
    less = sum(other.difference.values())
    score, lower = (f"{v:.3f}" for v in (other.score, abs(less)))
    if lang == "sv":
        score, lower = score.replace(".", ","), lower.replace(".", ",")
    key = "team.exchange_lower" if less > _EQUAL else "team.exchange_higher" if less < -_EQUAL else "team.exchange_equal"
    return text(key, lang, out=out, new=new, score=score, difference=lower)
