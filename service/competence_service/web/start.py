"""The first page: an offer to import or try the example while there is nothing, an overview by task after that."""

from __future__ import annotations

from flask import redirect, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from competence.equality import GroupTable
from competence_service.app import services
from competence_service.policy import permission
from competence_service.suggestions import KINDS, Fault
from competence_service.web import web
from competence_service.web.view import _, page

EXAMPLE_SIZES = (200, 500, 2000)
"""Sizes of the example municipality that are offered; 200 is made in a moment, 2 000 is a small municipality."""


@web.get("/")
@permission("practice")
def start() -> tuple[str, int]:
    """Show the overview, or how to begin."""
    store = services().store
    found = services().library.current()
    if found is None:
        drafts = [i for i in store.imports() if i.state == "draft"]
        return page("begin.html", sizes=EXAMPLE_SIZES, drafts=drafts)
    row, graph = found
    starts, arrays = graph.arrays.indptr, graph.arrays
    holding = [p for i, p in enumerate(graph.person_ids) if starts[i + 1] > starts[i]]
    required = {p: set(graph.required(p)) for p in holding}
    unused = [
        p
        for i, p in enumerate(graph.person_ids)
        if any(
            arrays.rounded[at] and graph.concept_ids[arrays.concept[at]] not in required[p]
            for at in range(starts[i], starts[i + 1])
        )
    ]
    groups = GroupTable(
        {"people": graph.person_ids, "with_holdings": holding, "with_unused": unused},
        graph.sex,
        settings=graph.settings.equality,
    )
    return page(
        "overview.html",
        row=row,
        graph=graph,
        groups=groups,
        group_names={
            "people": _("Employees"),
            "with_holdings": _("of whom have said or shown something they can do"),
            "with_unused": _("of whom can do something their role does not ask for"),
        },
        units=len(graph.staff.units),
        concepts=len(set(arrays.concept.tolist())),
        drafts=[i for i in store.imports() if i.state == "draft"],
        runs=store.runs(limit=8),
        kinds=KINDS,
        sizes=EXAMPLE_SIZES,
    )


@web.post("/example")
@permission("practice")
def example() -> tuple[str, int] | BaseResponse:
    """Make the example municipality and show its dry run."""
    size = request.form.get("people", "")
    if not size.isdigit() or int(size) not in EXAMPLE_SIZES:
        return page("begin.html", 422, sizes=EXAMPLE_SIZES, drafts=[], faults=(Fault(field="people", code="choose"),))
    import_id = services().library.importer().receive_example(int(size), seed=1)
    return redirect(url_for("web.show_import", import_id=import_id), 303)
