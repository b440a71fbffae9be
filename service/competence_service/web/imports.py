"""Importing: choose files, see what a dry run found, confirm or discard."""

from __future__ import annotations

from collections import defaultdict
from datetime import date

from flask import redirect, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from competence.equality import GroupRow, GroupTable
from competence.errors import InputError, Problem, UnreadableFileError
from competence.model import Visibility
from competence_service.app import services
from competence_service.imports import SCALES
from competence_service.policy import permission
from competence_service.store import ImportRow
from competence_service.suggestions import Fault
from competence_service.web import web
from competence_service.web.view import _, lang, page, refusal

_ROWS_SHOWN = 25
"""Places listed under one kind of problem; the count above them is complete."""


@web.get("/imports")
@permission("practice")
def imports() -> tuple[str, int]:
    """List earlier imports and offer a new one."""
    return page("imports.html", imports=services().store.imports(), scales=SCALES)


@web.post("/imports")
@permission("practice")
def receive() -> tuple[str, int] | BaseResponse:
    """Take files in and show the dry run."""
    options, faults = _options()
    files = [f for f in (*request.files.getlist("files"), *request.files.getlist("folder")) if f.filename]
    if not files:
        faults.append(Fault(field="files", code="no_file"))
    if not faults:
        try:
            import_id = services().library.importer().receive(files, options)
            return redirect(url_for("web.show_import", import_id=import_id), 303)
        except UnreadableFileError as error:
            faults.append(Fault(field="files", code="unreadable", message=_said(error)))
        except InputError as error:
            faults.append(refusal(error, "files"))
    return page("imports.html", 422, imports=services().store.imports(), scales=SCALES, faults=faults, asked=request.form)


@web.get("/imports/<import_id>")
@permission("practice")
def show_import(import_id: str) -> tuple[str, int]:
    """Show what a reading found: rows, problems with their remedies, and what was not understood."""
    return _shown(services().store.get_import(import_id))


@web.post("/imports/<import_id>")
@permission("practice")
def settle(import_id: str) -> tuple[str, int] | BaseResponse:
    """Confirm or discard a draft, or read it again with other choices."""
    row = services().store.get_import(import_id)
    if row.state != "draft":
        return redirect(url_for("web.show_import", import_id=import_id), 303)
    importer, action = services().library.importer(), request.form.get("action")
    if action == "discard":
        importer.discard(import_id)
        return redirect(url_for("web.imports"), 303)
    if action == "reread":
        options, faults = _options()
        if not faults:
            try:
                importer.reread(import_id, options)
                return redirect(url_for("web.show_import", import_id=import_id), 303)
            except InputError as error:
                faults.append(refusal(error, "scale"))
        return _shown(row, faults, 422)
    if action == "confirm":
        audience = request.form.get("audience", "")
        if audience not in _audiences():
            return _shown(row, [Fault(field="audience", code="choose")], 422)
        if not row.preview["people"]:
            # Else everybody of the current import would be marked as ended by one unreadable file.
            return _shown(row, [Fault(field="form", code="nobody")], 422)
        importer.confirm(import_id, Visibility(audience))
        return redirect(url_for("web.show_import", import_id=import_id), 303)
    return page("error.html", 400, code=400)


def _said(error: UnreadableFileError) -> str:
    """Say in the language of the page what is wrong with a file and what to do about it."""
    found = error.problem
    return str(error) if found is None else f"{found.file}: {_message(found)} {_remedy(found)}".rstrip()


def _message(found: Problem) -> str:
    if found.code == "no_date_saved":
        # An uploaded file is saved when it arrives.
        return _("No date or year stands in the files; %(day)s, the day they were uploaded, is used.", day=found.detail)
    return found.message(lang())


def _remedy(found: Problem) -> str:
    """Say what to do about a Problem on a page, where there are fields and no arguments; empty when there is nothing to do."""
    again = _("If another day holds, write it under “Read the files again with other choices”.")
    scale = _("If it is wrong, choose the scale under “Read the files again with other choices”.")
    here = {
        "column_unknown": _(
            "Nothing, if the column is not needed. If it is, upload the file again with a heading that is known, such as "
            "Anst.nr, Namn, Enhet or Befattning."
        ),
        "heading_missing": _("Add the heading to the file and upload it again."),
        "no_date": again,
        "no_date_saved": again,
        "scale_unclear": scale,
        "scale_letters": _("If A is not the highest, write the levels as figures and upload the file again."),
        "sheet_unknown": _(
            "If the sheet is needed, upload the file again with a row of headings such as Anst.nr, Namn, Enhet and Befattning."
        ),
    }
    remedy = here.get(found.code) or found.remedy(lang())
    return "" if remedy in ("Inget.", "Nothing.") else remedy


def _audiences() -> tuple[str, ...]:
    widest = services().config.audience
    return tuple(v.value for v in (Visibility.UNIT, Visibility.ORGANISATION) if v.rank >= widest.rank)


def _options() -> tuple[dict[str, str], list[Fault]]:
    faults = []
    day, scale = request.form.get("as_of", "").strip(), request.form.get("scale", "")
    if day:
        try:
            date.fromisoformat(day)
        except ValueError:
            faults.append(Fault(field="as_of", code="date"))
    if scale not in SCALES:
        faults.append(Fault(field="scale", code="choose"))
    return {"as_of": day, "scale": scale}, faults


def _shown(row: ImportRow, faults: list[Fault] | None = None, status: int = 200) -> tuple[str, int]:
    groups: dict[str, list[Problem]] = defaultdict(list)
    for problem in row.problems:
        groups[problem.code].append(problem)
    effects = {"set_aside": 0, "cell_dropped": 1, "changed": 2, "notice": 3}
    ordered = sorted(groups.items(), key=lambda g: (effects[g[1][0].effect.value], -sum(p.count for p in g[1]), g[0]))
    by_sex = row.preview.get("by_sex")
    table = None
    if by_sex:
        rows = [GroupRow(r["measure"], r["women"], r["men"], r["total"]) for r in by_sex["rows"]]
        table = GroupTable.from_rows(rows, by_sex["kind"])
    return page(
        "import.html",
        status,
        row=row,
        problems=[
            {
                "code": code,
                "effect": found[0].effect.value,
                "alike": len(found) - 1,
                "remedy": _remedy(found[0]),
                "places": [(p, _message(p)) for p in found[:_ROWS_SHOWN]],
                "more": max(len(found) - _ROWS_SHOWN, 0),
            }
            for code, found in ordered
        ],
        by_sex=table,
        audiences=_audiences(),
        scales=SCALES,
        faults=faults or [],
        asked=request.form or row.options,
    )
