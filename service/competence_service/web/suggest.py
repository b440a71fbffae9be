"""The five kinds of suggestion: a form each, the stored result with its reasons, and one decision at a time."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from flask import Response, abort, redirect, request, url_for
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response as BaseResponse

from competence.errors import CompetenceError, UnknownIdError
from competence.explain import outcome_sentence
from competence.graph import CompetenceGraph
from competence.suggest.result import Suggestions
from competence_service.app import services
from competence_service.policy import permission
from competence_service.suggestions import (
    EQUALITY_ASKED,
    KINDS,
    Fault,
    RequestError,
    call,
    decision,
    named,
    parse,
    without_names,
)
from competence_service.web import web
from competence_service.web.results import Page, cards, free_again, heading, told
from competence_service.web.view import _, alphabetical, current, lang, page, refusal, unit_choices

NEED_ROWS = 5
"""Lines of a need that a form offers."""
PAGE_SIZE = 25
"""Proposals on one page; a round for a whole municipality has hundreds, each with its reasons."""
_EXCEL = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@web.get("/suggest/<kind>")
@permission("practice")
def ask(kind: str) -> tuple[str, int]:
    """Show the form of one kind."""
    return _form(_known(kind), request.args, [])


@web.post("/suggest/<kind>")
@permission("practice")
def make(kind: str) -> tuple[str, int] | BaseResponse:
    """Make suggestions, store them, and lead to their page."""
    row, graph = current()
    try:
        asked = parse(_known(kind), _asked(kind, request.form))
        result, seconds = call(graph, kind, asked, time_limit=services().config.time_limit)
    except RequestError as error:
        return _form(kind, request.form, _by_field(error.faults, _lines(request.form)), 422)
    except UnknownIdError as error:
        code = "unknown_unit" if set(asked["units"]) - set(graph.staff.unit_index) else "unknown_id"
        return _form(kind, request.form, [Fault(field="form", code=code, message=str(error))], 422)
    except CompetenceError as error:
        return _form(kind, request.form, [refusal(error, "form", _PLAIN[kind])], 422)
    run_id = services().store.add_run(
        import_id=row.id, kind=kind, request=asked, result=without_names(result.to_dict()), seconds=seconds
    )
    return redirect(url_for("web.show_run", run_id=run_id), 303)


def _known(kind: str) -> str:
    if kind not in KINDS:
        abort(404)
    return kind


def _form(kind: str, asked: Mapping[str, str], faults: list[Fault], status: int = 200) -> tuple[str, int]:
    graph = current()[1]
    values = asked if isinstance(asked, MultiDict) else MultiDict(asked)
    chosen = [p for p in values.getlist("mentees") if p in graph.person_index]
    return page(
        f"ask_{kind}.html",
        status,
        kind=kind,
        asked=values,
        faults=faults,
        units=unit_choices(graph),
        need_rows=NEED_ROWS,
        mentees=[graph.people[graph.row(p)] for p in chosen],
        roles=sorted(((r.role_id, r.label(lang())) for r in graph.taxonomy.roles.values()), key=lambda r: alphabetical(r[1])),
        people_count=len(graph.people),
        runs=services().store.runs(kind, limit=5),
    )


def _lines(form: MultiDict[str, str]) -> list[int]:
    """Return the lines of a need that have words; the others are not sent on."""
    return [line for line in range(1, NEED_ROWS + 1) if form.get(f"words_{line}", "").strip()]


def _by_field(faults: tuple[Fault, ...], lines: list[int]) -> list[Fault]:
    """Point faults inside a need at the line of the form they stand in."""
    moved = []
    for fault in faults:
        parts = fault.field.split(".")
        if parts[0] in ("need", "topics"):
            line = lines[int(parts[1])] if len(parts) > 1 and parts[1].isdigit() else 1
            name = parts[2] if len(parts) > 2 else "words"
            moved.append(fault.model_copy(update={"field": f"{name}_{line}"}))
        else:
            moved.append(fault.model_copy(update={"field": parts[0]}))
    return moved


def _asked(kind: str, form: MultiDict[str, str]) -> dict[str, Any]:
    """Return what a form asks for, as the request model takes it; a field left empty takes its default."""
    data: dict[str, Any] = {}
    for name in _PLAIN[kind]:
        value = form.get(name, "").strip()
        if value:
            data[name] = value
    if form.getlist("units"):
        data["units"] = form.getlist("units")
    if kind in ("experts", "teams", "pairs"):
        items = []
        for line in _lines(form):
            count = form.get(f"count_{line}", "").strip() or "1"
            words = form[f"words_{line}"].strip()
            items.append({"words": words, "level": form.get(f"level_{line}") or "1", "count": count})
        data["topics" if kind == "pairs" else "need"] = items
    if kind == "pairs":
        data["stable"] = form.get("mode") == "stable"
        if form.getlist("mentees"):
            data["mentees"] = form.getlist("mentees")
    if kind == "rotation" and form.get("max_cycle") == "any":
        data["max_cycle"] = None
    if kind == "teams" and form.get("everybody") == "yes":
        data["n"] = None
    return data


_PLAIN = {
    "experts": ("n",),
    "pairs": ("capacity", "n", "goal_role", "time_limit"),
    "rotation": ("months", "max_cycle", "time_limit"),
    "teams": ("size", "n", "balance", "purpose", "ground", "assessment", "time_limit"),
    "validations": ("stage", "n"),
}


# -- results ------------------------------------------------------------------------------------------------------------


@web.get("/runs/<run_id>")
@permission("practice")
def show_run(run_id: str) -> tuple[str, int]:
    """Show a stored result: how good it is, by sex, each suggestion with reasons, who was left out, decisions."""
    return _run_page(run_id, [])


@web.post("/runs/<run_id>")
@permission("practice")
def decide(run_id: str) -> tuple[str, int] | BaseResponse:
    """Take one decision about one suggestion from a named human."""
    run = services().store.run(run_id)
    data = {name: request.form.get(name, "") for name in ("rank", "choice", "decided_by", "reasoning", "equality_reasoning")}
    try:
        rank, made = decision(run.kind, run.result, data, datetime.now(UTC).date())
    except RequestError as error:
        rank = request.form.get("rank", 0, type=int)
        faults = [f if f.field == "rank" else f.model_copy(update={"field": f"{f.field}_{rank}"}) for f in error.faults]
        return _run_page(run_id, faults, rank)
    services().store.decide(run_id, rank, made)
    number = _page_of(Suggestions.from_dict(run.result), rank)
    return redirect(url_for("web.show_run", run_id=run_id, page=number if number > 1 else None, _anchor=f"s{rank}"), 303)


def _page_of(result: Suggestions, rank: int) -> int:
    """Return the page that shows the suggestion of a rank."""
    position = next((i for i, s in enumerate(result) if s.rank == rank), 0)
    return position // PAGE_SIZE + 1


def _run_page(run_id: str, faults: list[Fault], deciding: int = 0) -> tuple[str, int]:
    store = services().store
    run = store.run(run_id)
    row, graph = current()
    result = named(run.result, graph, _("former employee"))
    people = Page.of(graph)
    pages = max(-(-len(result) // PAGE_SIZE), 1)
    number = _page_of(result, deciding) if deciding else min(max(request.args.get("page", 1, type=int), 1), pages)
    again = _again(run.kind, run.request)
    decisions: dict[int, list[Any]] = {}
    for made in store.decisions(run_id):
        decisions.setdefault(made.rank, []).append(made)
    return page(
        "run.html",
        422 if faults else 200,
        run=run,
        result=result,
        heading=heading(run.kind, result.provenance.request),
        cards=cards(result, result[(number - 1) * PAGE_SIZE : number * PAGE_SIZE], people),
        people=people,
        told=told(result, people),
        free=free_again(result, people),
        stages=_has_stages(result),
        same_stages=result.neutral is not None and [s.people for s in result.neutral] == [s.people for s in result],
        not_used=_not_used(result),
        number=number,
        pages=pages,
        outdated=run.import_id != row.id,
        outcome=outcome_sentence(people.by_name(result.outcome), lang()),
        reading=_reading(run.kind, result, graph, again),
        again=url_for("web.ask", kind=run.kind, **again),
        decisions=decisions,
        faults=faults,
        deciding=deciding,
        equality_asked=run.kind in EQUALITY_ASKED,
        asked=request.form,
    )


def _has_stages(result: Suggestions) -> bool:
    """Say whether teams were mixed in a stage of their own; of permanent posts and without stated sex they are not."""
    return result.neutral is not None and len(result.neutral) > 0 and not {"stage_2_off", "no_sex"} & set(result.notes)


def _not_used(result: Suggestions) -> str:
    """Return the text that says what the result does not rest on."""
    if result.kind != "teams":
        return "explain.not_used"
    leaders = result.provenance.request.get("purpose") == "co_leaders"
    return "explain.not_used_leaders" if leaders else "explain.not_used_teams"


def _reading(kind: str, result: Suggestions, graph: CompetenceGraph, again: Mapping[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """Return what each word of the need was taken for, and what was not understood with what is nearest.

    What is nearest leads to the same question, ``again``, with that in place of the words.
    """
    asked = result.provenance.request.get("topics" if kind == "pairs" else "need")
    concepts, language = graph.taxonomy.concepts, lang()
    if not isinstance(asked, Mapping):
        return {"understood": [], "unclear": []}
    return {
        "understood": [
            {**item, "label": concepts[item["concept_id"]].label(language)}
            for item in asked["items"]
            if item["concept_id"] in concepts
        ],
        "unclear": [
            {
                "words": item["words"],
                "nearest": [
                    (
                        label,
                        url_for(
                            "web.ask",
                            **{"kind": kind, **again, **dict.fromkeys((k for k in again if again[k] == item["words"]), label)},
                        ),
                    )
                    for label in (concepts[c].label(language) for c, _probability in item["nearest"] if c in concepts)
                ],
            }
            for item in asked["not_understood"]
        ],
    }


def _again(kind: str, asked: Mapping[str, Any]) -> dict[str, Any]:
    """Return a request as the address of its form, so that one need not write it all once more."""
    fields: dict[str, Any] = {name: asked[name] for name in _PLAIN[kind] if asked.get(name) not in (None, "")}
    for line, item in enumerate(asked.get("topics" if kind == "pairs" else "need") or (), start=1):
        fields.update({f"words_{line}": item["words"] or item["concept_id"], f"level_{line}": item["level"]})
        if kind == "teams":
            fields[f"count_{line}"] = item["count"]
    if asked.get("units"):
        fields["units"] = asked["units"]
    if kind == "pairs":
        fields["mode"] = "stable" if asked.get("stable") else "total"
        if asked.get("mentees"):
            fields["mentees"] = asked["mentees"]
    if kind == "rotation" and asked.get("max_cycle") is None:
        fields["max_cycle"] = "any"
    if kind == "teams" and asked.get("n") is None:
        fields["everybody"] = "yes"
    # A reason written for one case is not carried into an address.
    return {name: value for name, value in fields.items() if name not in ("ground", "assessment")}


@web.get("/runs/<run_id>/excel")
@permission("practice")
def excel(run_id: str) -> Response:
    """Give the result as a workbook."""
    run = services().store.run(run_id)
    graph = current()[1]
    result = named(run.result, graph, _("former employee"))
    with tempfile.TemporaryDirectory() as folder:
        path = result.to_excel(Path(folder) / "result.xlsx", lang=lang())
        data = path.read_bytes()
    name = f"{run.kind}-{run.created_at.date().isoformat()}.xlsx"
    return Response(data, mimetype=_EXCEL, headers={"Content-Disposition": f'attachment; filename="{name}"'})
