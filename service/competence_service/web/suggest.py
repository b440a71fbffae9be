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
from competence_service.store import RunRow
from competence_service.suggestions import (
    EQUALITY_ASKED,
    KINDS,
    Fault,
    RequestError,
    call,
    decision,
    effects,
    named,
    parse,
    vacancies,
    without_names,
)
from competence_service.web import web
from competence_service.web.questions import NEED_ROWS, PLACE_ROWS, PLAIN, TASK_ROWS, TASKS, asked_for, at_fields, fields_of
from competence_service.web.results import Page, cards, free_again, heading, mode_words, purpose_words, question, told
from competence_service.web.view import _, alphabetical, current, lang, moment, page, refusal, unit_choices

PAGE_SIZE = 25
"""Proposals on one page; a round for a whole municipality has hundreds, each with its reasons."""
_EARLIER = 20
"""Earlier results that a form offers to go on from."""
_EXCEL = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@web.get("/suggest/<kind>")
@permission("practice")
def ask(kind: str) -> tuple[str, int]:
    """Show the form of one kind, filled in as an earlier question where ``again`` names one."""
    values = MultiDict(request.args)
    run_id = values.pop("again", "")
    if run_id:
        run = services().store.run(run_id)
        if run.kind != _known(kind):
            abort(404)
        kept = fields_of(kind, run.request, current()[1])
        if values.get("earlier", kept.get("earlier")) != kept.get("earlier"):
            # What was said of the rings of another plan says nothing of this one.
            kept = MultiDict([item for item in kept.items(multi=True) if not item[0].startswith("ring_")])
        for name in values:
            kept.setlist(name, values.getlist(name))
        values = kept
    return _form(_known(kind), values, [])


@web.post("/suggest/<kind>")
@permission("practice")
def make(kind: str) -> tuple[str, int] | BaseResponse:
    """Make suggestions, store them, and lead to their page."""
    row, graph = current()
    data, faults = asked_for(_known(kind), request.form, graph)
    try:
        asked = parse(kind, data)
        if faults:
            raise RequestError(())
        result, seconds = call(
            graph, kind, asked, time_limit=services().config.time_limit, run=services().store.run, today=datetime.now(UTC).date()
        )
    except RequestError as error:
        return _form(kind, request.form, [*at_fields(kind, error.faults, request.form), *faults], 422)
    except UnknownIdError as error:
        code = "unknown_unit" if set(asked["units"]) - set(graph.staff.unit_index) else "unknown_id"
        return _form(kind, request.form, [Fault(field="form", code=code, message=str(error))], 422)
    except CompetenceError as error:
        return _form(kind, request.form, [refusal(error, "form", PLAIN[kind])], 422)
    run_id = services().store.add_run(
        import_id=row.id, kind=kind, request=asked, result=without_names(result.to_dict()), seconds=seconds
    )
    return redirect(url_for("web.show_run", run_id=run_id), 303)


def _known(kind: str) -> str:
    if kind not in KINDS:
        abort(404)
    return kind


def _form(kind: str, asked: MultiDict[str, str], faults: list[Fault], status: int = 200) -> tuple[str, int]:
    graph = current()[1]
    chosen = [p for p in asked.getlist("mentees") if p in graph.person_index]
    known = graph.taxonomy.roles.values()
    return page(
        f"ask_{kind}.html",
        status,
        kind=kind,
        asked=asked,
        faults=faults,
        units=unit_choices(graph),
        need_rows=NEED_ROWS,
        mentees=[graph.people[graph.row(p)] for p in chosen],
        people_count=len(graph.people),
        runs=services().store.runs(kind, limit=5),
        **_choices(kind, asked, graph) if kind in ("pairs", "rotation", "teams") else {},
        **{"roles": sorted(((r.role_id, r.label(lang())) for r in known), key=lambda r: alphabetical(r[1]))}
        if kind == "pairs"
        else {},
    )


def _choices(kind: str, asked: MultiDict[str, str], graph: CompetenceGraph) -> dict[str, Any]:
    """Return what the form of one kind offers to choose from."""
    if kind == "teams":
        return {"purposes": list(purpose_words().items()), "tasks": range(2, TASKS + 1), "task_rows": TASK_ROWS}
    store = services().store
    runs = store.runs(kind, limit=_EARLIER)
    earlier = next((run for run in runs if run.id == asked.get("earlier")), None)
    if earlier is None and asked.get("earlier"):
        earlier = _run_or_none(kind, asked["earlier"])
        runs = (*runs, earlier) if earlier else runs
    words = mode_words()
    if kind == "pairs":
        # What is no pair has nothing that goes on.
        rounds = [run for run in runs if run.request.get("mode") != "circle"]
        return {"modes": list(words.items()), "rounds": [(run.id, moment(run.created_at)) for run in rounds]}
    people = Page.of(graph)
    forms = {e.form for p in graph.people for e in p.employments if e.form and e.is_current(graph.as_of)}
    return {
        "rounds": [(run.id, moment(run.created_at)) for run in runs],
        "earlier_run": earlier,
        "rings": [] if earlier is None else _rings(store.run(earlier.id), people),
        "vacant": [(post.post_id, people.place(post.post_id), 0) for post in vacancies(graph)],
        "forms": [(form, form, 0) for form in sorted(forms, key=alphabetical)],
        "place_rows": PLACE_ROWS,
        "travel": graph.settings.suggest.travel_minutes,
    }


def _run_or_none(kind: str, run_id: str) -> RunRow | None:
    try:
        run = services().store.run(run_id)
    except UnknownIdError:
        return None
    return run if run.kind == kind else None


def _rings(run: RunRow, people: Page) -> list[dict[str, Any]]:
    """Return the rings of an earlier plan, to be kept or banned one by one."""
    result = named(run.result, people.graph, _("former employee"))
    return [{"rank": card.suggestion.rank, "card": card} for card in cards(result, list(result), people)]


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
        question=question(run.kind, run.request, people),
        earlier=_run_or_none(run.kind, run.request.get("earlier") or ""),
        free=free_again(result, people),
        stages=_has_stages(result),
        same_stages=result.neutral is not None and [s.people for s in result.neutral] == [s.people for s in result],
        not_used=_not_used(result),
        number=number,
        pages=pages,
        outdated=run.import_id != row.id,
        data_of=store.get_import(run.import_id).as_of,
        outcome=outcome_sentence(people.by_name(result.outcome), lang()),
        reading=_reading(run, result, graph),
        again=url_for("web.ask", kind=run.kind, again=run.id),
        onward=_onward(run, result),
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


def _onward(run: RunRow, result: Suggestions) -> str:
    """Return the address of the form that goes on from a result, of kinds that can; empty for others."""
    if run.kind not in ("pairs", "rotation") or run.request.get("mode") == "circle":
        return ""
    return url_for("web.ask", kind=run.kind, again=run.id, earlier=run.id)


def _reading(run: RunRow, result: Suggestions, graph: CompetenceGraph) -> dict[str, list[dict[str, Any]]]:
    """Return what each word of the need was taken for, and what was not understood with what is nearest.

    What is nearest leads to the same question with that in place of the words.
    """
    told, language, concepts = result.provenance.request, lang(), graph.taxonomy.concepts
    needs = [told.get("topics" if run.kind == "pairs" else "need"), *(t.get("need") for t in told.get("tasks") or ())]
    asked = [need for need in needs if isinstance(need, Mapping) and "items" in need]
    fields = fields_of(run.kind, run.request, graph)

    def address(words: str, label: str) -> str:
        field = next((name for name, value in fields.items() if value == words), "words_1")
        changed: dict[str, Any] = {field: label}
        return url_for("web.ask", kind=run.kind, again=run.id, **changed)

    return {
        "understood": [
            {**item, "label": concepts[item["concept_id"]].label(language)}
            for need in asked
            for item in need["items"]
            if item["concept_id"] in concepts
        ],
        "unclear": [
            {
                "words": item["words"],
                "nearest": [
                    (label, address(item["words"], label))
                    for label in (concepts[c].label(language) for c, _probability in item["nearest"] if c in concepts)
                ],
            }
            for need in asked
            for item in need["not_understood"]
        ],
    }


@web.get("/runs/<run_id>/effects")
@permission("practice")
def show_effects(run_id: str) -> tuple[str, int]:
    """Show what a plan of rotation changes in the units, beside the plan that it goes on from."""
    from competence.suggest.compare import PlanEffects

    run = services().store.run(run_id)
    graph = current()[1]
    if run.kind != "rotation":
        abort(404)
    earlier = _run_or_none("rotation", run.request.get("earlier") or "")
    compared: list[str] = []
    now: list[str] = []
    before: list[str] = []
    try:
        made = effects(graph, run, earlier)
    except CompetenceError:
        pass
    else:
        if isinstance(made, PlanEffects):
            now = made.sentences(lang())
        else:
            now, before = made.after.sentences(lang()), made.before.sentences(lang())
            # The comparison ends with what either plan changes, which stands apart here.
            compared = made.sentences(lang())[: -len(now) - len(before)]
    return page("effects.html", run=run, earlier=earlier, compared=compared, effects=now, effects_before=before)


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
