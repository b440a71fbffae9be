"""What the API offers. Each view reads the request, calls the library or the store, and answers."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from flask import Response, abort, jsonify, request, url_for

import competence
from competence.fit import gaps
from competence.graph import CompetenceGraph
from competence.model import Use
from competence_service.api import api
from competence_service.api.errors import NothingImportedError
from competence_service.app import services
from competence_service.policy import permission
from competence_service.store import ImportRow
from competence_service.suggestions import KINDS, Fault, RequestError, call, decision, effects, named, parse, without_names

__all__: list[str] = []

_MOST = 200


def _current() -> tuple[ImportRow, CompetenceGraph]:
    found = services().library.current()
    if found is None:
        raise NothingImportedError("nothing has been imported yet")
    return found


def _body() -> dict[str, Any]:
    """Return the JSON object that was sent; anything but JSON is refused, which keeps forms of other sites out."""
    if not request.is_json:
        abort(415, "send application/json")
    data = request.get_json()
    if not isinstance(data, dict):
        raise RequestError((Fault(field="", code="object", message="the body must be a JSON object"),))
    return data


def _whole(name: str, default: int, low: int, high: int) -> int:
    raw = request.args.get(name)
    if raw is None:
        return default
    if not raw.isdigit() or not low <= int(raw) <= high:
        raise RequestError((Fault(field=name, code="whole_number", message=f"must be a whole number from {low} to {high}"),))
    return int(raw)


@api.get("/")
@permission("practice")
def index() -> Response:
    """List what there is."""
    row = services().store.current_import()
    return jsonify(
        name="competence",
        version=competence.__version__,
        mode="practice",
        current_import=None if row is None else row.id,
        links={
            "imports": url_for("api.imports"),
            "people": url_for("api.people"),
            "concepts": url_for("api.concepts", q="").rstrip("="),
            **{kind: url_for("api.suggest", kind=kind) for kind in KINDS},
        },
    )


@api.get("/imports")
@permission("practice")
def imports() -> Response:
    """List imports, the newest first: when, state, rows, and problems by code."""
    return jsonify(items=[_import(row) for row in services().store.imports()])


def _import(row: ImportRow) -> dict[str, Any]:
    read, kept, aside = row.rows
    by_code: dict[str, int] = {}
    for found in row.problems:
        by_code[found.code] = by_code.get(found.code, 0) + found.count
    return {
        "id": row.id,
        "state": row.state,
        "created_at": row.created_at.isoformat(),
        "confirmed_at": None if row.confirmed_at is None else row.confirmed_at.isoformat(),
        "as_of": row.as_of.isoformat(),
        "audience": row.audience.value,
        "files": [{"name": name, "sha256": digest} for name, digest in row.files],
        "rows": {"read": read, "kept": kept, "set_aside": aside},
        "problems": by_code,
    }


@api.get("/people")
@permission("practice")
def people() -> Response:
    """List people in the order of their random ids, a page at a time."""
    _, graph = _current()
    limit, offset = _whole("limit", 50, 1, _MOST), _whole("offset", 0, 0, 10_000_000)
    unit = request.args.get("unit")
    rows = graph.rows(None, [unit] if unit else None).tolist()
    shown = rows[offset : offset + limit]
    following = offset + limit if offset + limit < len(rows) else None
    return jsonify(
        total=len(rows),
        items=[_person(graph, row) for row in shown],
        next=None if following is None else url_for("api.people", offset=following, limit=limit, unit=unit or None),
    )


def _person(graph: CompetenceGraph, row: int) -> dict[str, Any]:
    person = graph.people[row]
    return {
        "person_id": person.person_id,
        "name": person.name,
        "units": [{"unit_id": u, "name": graph.unit_name(u)} for u in graph.units_of[row]],
        "roles": list(graph.person_roles[row]),
        "titles": list(dict.fromkeys(r.title for e in graph.staff.current_employments(person.person_id) for r in e.roles)),
    }


@api.get("/people/<person_id>")
@permission("practice")
def person(person_id: str) -> Response:
    """Return one person with holdings, each piece of evidence apart, and gaps against the roles held."""
    row, graph = _current()
    at = graph.row(person_id)
    concepts = graph.taxonomy.concepts
    return jsonify(
        **_person(graph, at),
        as_of=graph.as_of.isoformat(),
        audience=row.audience.value,
        holdings=[
            {
                "concept_id": h.concept_id,
                "labels": dict(concepts[h.concept_id].labels),
                "level": h.level,
                "rounded": h.rounded,
                "confidence": h.confidence,
                "stage": h.stage.value,
                "use": h.use.value,
                "unused": h.use is Use.UNUSED,
                "level_assumed": h.level_assumed,
                "latest": None if h.latest is None else h.latest.isoformat(),
                "evidence": [
                    {
                        "evidence_id": e.evidence_id,
                        "source": e.source.value,
                        "level": e.level,
                        "day": None if e.day is None else e.day.isoformat(),
                        "stage": e.stage.value,
                        "learning_form": e.learning_form.value,
                        "words": e.words,
                        "probability": e.probability,
                    }
                    for e in h.evidence
                ],
            }
            for h in graph.holdings(person_id)
        ],
        gaps=[
            {
                "role_id": g.role_id,
                "concept_id": g.requirement.concept_id,
                "asked": g.requirement.level,
                "held": g.held,
                "missing": g.missing,
                "hard": g.requirement.hard,
                "hard_unmet": g.hard_unmet,
            }
            for g in gaps(graph, person_id)
        ],
    )


@api.get("/experts")
@permission("practice")
def experts() -> Response:
    """Find experts for the words in ``need`` without storing anything; ``need`` may be repeated."""
    _, graph = _current()
    words = [w for w in request.args.getlist("need") if w.strip()]
    asked: dict[str, Any] = {
        "need": [{"words": w, "level": _whole("level", 1, 1, 5)} for w in words],
        "n": _whole("n", 10, 1, 100),
        "units": request.args.getlist("unit"),
    }
    result, _ = call(
        graph,
        "experts",
        parse("experts", asked),
        time_limit=services().config.time_limit,
        run=services().store.run,
        today=datetime.now(UTC).date(),
    )
    return jsonify(result.to_dict())


@api.post("/<any(experts, pairs, rotation, teams, validations):kind>")
@permission("practice")
def suggest(kind: str) -> tuple[Response, int, dict[str, str]]:
    """Make suggestions, store them, and return them; Location leads to the stored run."""
    row, graph = _current()
    asked = parse(kind, _body())
    result, seconds = call(
        graph, kind, asked, time_limit=services().config.time_limit, run=services().store.run, today=datetime.now(UTC).date()
    )
    data = result.to_dict()
    run_id = services().store.add_run(import_id=row.id, kind=kind, request=asked, result=without_names(data), seconds=seconds)
    return jsonify(data), 201, {"Location": url_for("api.show_run", run_id=run_id)}


@api.get("/runs/<run_id>")
@permission("practice")
def show_run(run_id: str) -> Response:
    """Return a stored run with the names of today, its request, and every decision about it."""
    store = services().store
    run = store.run(run_id)
    _, graph = _current()
    result = named(run.result, graph, "")
    return jsonify(
        id=run.id,
        kind=run.kind,
        import_id=run.import_id,
        created_at=run.created_at.isoformat(),
        seconds=run.seconds,
        request=run.request,
        result=result.to_dict(),
        decisions=[
            {
                "rank": d.rank,
                "choice": d.decision.choice.value,
                "decided_by": d.decision.decided_by,
                "reasoning": d.decision.reasoning,
                "equality_reasoning": d.decision.equality_reasoning,
                "day": None if d.decision.day is None else d.decision.day.isoformat(),
            }
            for d in store.decisions(run_id)
        ],
    )


@api.get("/runs/<run_id>/effects")
@permission("practice")
def run_effects(run_id: str) -> Response:
    """Return what a stored plan of rotation changes, beside the plan that it goes on from."""
    store = services().store
    run = store.run(run_id)
    _, graph = _current()
    earlier = run.request.get("earlier")
    return jsonify(effects(graph, run, store.run(earlier) if earlier else None).to_dict())


@api.post("/runs/<run_id>/decisions")
@permission("practice")
def decide(run_id: str) -> tuple[Response, int]:
    """Add one decision; earlier ones stay as they were. There is no way to accept all."""
    store = services().store
    run = store.run(run_id)
    rank, made = decision(run.kind, run.result, _body(), datetime.now(UTC).date())
    number = store.decide(run_id, rank, made)
    return jsonify(id=number, run_id=run_id, rank=rank, choice=made.choice.value), 201


@api.get("/taxonomy/concepts")
@permission("practice")
def concepts() -> Response:
    """Return the concepts that words may mean, the likeliest first, with the probability and the label they met."""
    words = request.args.get("q", "").strip()
    if not words:
        raise RequestError((Fault(field="q", code="missing", message="give words to look for"),))
    found = services().library.current()
    linker = services().library.linker if found is None else found[1].linker
    known = (services().library.taxonomy if found is None else found[1].taxonomy).concepts
    links = linker.link(words[:500], n=_whole("n", 10, 1, 50))
    return jsonify(
        q=words,
        items=[
            {
                "concept_id": link.concept_id,
                "labels": dict(known[link.concept_id].labels),
                "descriptions": dict(known[link.concept_id].descriptions),
                "kind": known[link.concept_id].kind.value,
                "probability": link.probability,
                "words": link.words,
                "met_label": link.label,
                "how": str(link.how),
            }
            for link in links
            if link.concept_id in known
        ],
    )
