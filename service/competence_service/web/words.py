"""Words of an import that were not understood: what is nearest, one choice per row, and every choice with its undo."""

from __future__ import annotations

from datetime import UTC, datetime

from flask import redirect, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from competence.linking import Corrections, Unknown, list_unknown
from competence.model import Concept, Role, Visibility
from competence_service.app import services
from competence_service.policy import permission
from competence_service.store import ImportRow
from competence_service.suggestions import Fault
from competence_service.web import web
from competence_service.web.view import _, lang, page, percent

_ROWS = 25
"""Rows on one page; the most frequent come first, and what is settled makes room for more."""
_OWN_WORDS = ("statement", "interest")
"""Kinds that people said themselves, perhaps to their unit alone."""
_NONE, _OTHER = "none", "other"


@web.get("/imports/<import_id>/words")
@permission("practice")
def words(import_id: str) -> tuple[str, int] | BaseResponse:
    """Show the words that were not understood, with what is nearest, and the choices made so far."""
    return _shown(services().store.get_import(import_id))


@web.post("/imports/<import_id>/words")
@permission("practice")
def settle_words(import_id: str) -> tuple[str, int] | BaseResponse:
    """Take what somebody says that words mean, row by row, or take a choice back."""
    store = services().store
    row = store.get_import(import_id)
    who, today = request.form.get("decided_by", "").strip(), datetime.now(UTC).date()
    undo = request.form.get("undo", "")
    if undo:
        if not who:
            return _shown(row, [Fault(field="undone_by", code="required")])
        if not undo.isdecimal() or not store.undo_choice(int(undo), decided_by=who, day=today):
            return _shown(row, [Fault(field="form", code="no_choice")])
        return redirect(url_for("web.words", import_id=import_id, _anchor="choices"), 303)
    chosen, faults = _chosen(row)
    if not who:
        faults.append(Fault(field="decided_by", code="required"))
    if not chosen and not faults:
        faults.append(Fault(field="form", code="nothing_chosen"))
    if faults:
        return _shown(row, faults)
    store.choose_words(chosen, decided_by=who, day=today)
    return redirect(url_for("web.words", import_id=import_id, start=request.args.get("start"), _anchor="choices"), 303)


def _chosen(row: ImportRow) -> tuple[dict[str, str], list[Fault]]:
    """Read one choice per row of the form; a row left alone chooses nothing."""
    library = services().library
    asked = {unknown.words: unknown for unknown in _unknown(row, Corrections())}
    chosen: dict[str, str] = {}
    faults = []
    for number in range(1, _ROWS + 1):
        unknown = asked.get(request.form.get(f"words_{number}", ""))
        said, other = request.form.get(f"choice_{number}", ""), request.form.get(f"other_{number}", "").strip()
        # Whoever writes a word of their own means it, whether or not they also chose “another”.
        said = _OTHER if other and not said else said
        if unknown is None or not said:
            continue
        if said == _NONE:
            chosen[unknown.words] = ""
        elif said == _OTHER:
            # A label means a role for a title and a concept for anything else.
            found = Corrections().with_choice(unknown.words, other, who="", day=None).checked(library.taxonomy, library.layer).log
            if other and found and _fits(unknown, found[0].target_id):
                chosen[unknown.words] = found[0].target_id
            else:
                faults.append(Fault(field=f"other_{number}", code="no_such_label" if other else "required"))
        elif _fits(unknown, said) and said in dict(unknown.nearest):
            chosen[unknown.words] = said
        else:
            faults.append(Fault(field=f"choice_{number}", code="choose"))
    return chosen, faults


def _fits(unknown: Unknown, key: str) -> bool:
    taxonomy = services().library.taxonomy
    return key in (taxonomy.roles if unknown.kind == "title" else taxonomy.concepts)


def _unknown(row: ImportRow, corrections: Corrections) -> list[Unknown]:
    library = services().library
    staff = library.graph(row).staff
    # What was told the unit alone is not shown to a wider circle.
    wide = row.audience.rank > Visibility.UNIT.rank
    return [u for u in list_unknown(staff, library.taxonomy, corrections) if not (wide and u.kind in _OWN_WORDS)]


def _shown(row: ImportRow, faults: list[Fault] | None = None) -> tuple[str, int] | BaseResponse:
    if row.state != "confirmed":
        return redirect(url_for("web.show_import", import_id=row.id), 303)
    store, library = services().store, services().library
    choices = store.word_choices()
    corrections = library.corrections
    unknown = _unknown(row, corrections)
    # Words of a row come back where a form is refused, also when others have settled something meanwhile.
    start = min(max(request.args.get("start", 0, type=int), 0), max(len(unknown) - 1, 0))
    # By identity: the same person may choose the same twice on one day, and only the later of the two holds.
    held = {id(made) for made in Corrections(log=tuple(c.correction for c in choices)).in_force}
    return page(
        "words.html",
        422 if faults else 200,
        row=row,
        unknown=unknown[start : start + _ROWS],
        count=len(unknown),
        start=start,
        next=start + _ROWS if start + _ROWS < len(unknown) else None,
        before=max(start - _ROWS, 0) if start else None,
        near=_near,
        choices_of=_choices_of,
        label=_label,
        kinds=_kinds(),
        choices=[(c, id(c.correction) in held) for c in reversed(choices)],
        lost=corrections.problems,
        faults=faults or [],
        asked=request.form,
    )


def _near(unknown: Unknown) -> list[str]:
    """Return what is nearest to a row's words, with how likely it is that it is meant."""
    # A share is not broken over two lines.
    return [f"{_label(key)} {percent(chance)}".replace(" %", "\u00a0%") for key, chance in unknown.nearest if _fits(unknown, key)]


def _choices_of(unknown: Unknown) -> list[tuple[str, str]]:
    """Return what can be chosen for a row, the likeliest first."""
    found = [(key, _label(key)) for key, _chance in unknown.nearest if _fits(unknown, key)]
    return [*found, (_NONE, _("none of these")), (_OTHER, _("another, which I write"))]


def _label(key: str) -> str:
    taxonomy = services().library.taxonomy
    record: Concept | Role | None = taxonomy.concepts.get(key) or taxonomy.roles.get(key)
    return key if record is None else record.label(lang())


def _kinds() -> dict[str, str]:
    return {
        "statement": _("statement"),
        "interest": _("interest"),
        "title": _("job title"),
        "heading": _("heading of a competence matrix"),
        "evidence": _("evidence"),
        "requirement": _("role requirement"),
    }
