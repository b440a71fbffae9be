"""What every page shares: language, protection of forms, words for values, error pages."""

from __future__ import annotations

import hmac
import re
import secrets
import unicodedata
from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, date, datetime
from typing import Any

from flask import Flask, Response, abort, g, render_template, request, session, url_for
from flask_babel import format_datetime, format_decimal, format_percent, get_locale, ngettext
from flask_babel import gettext as babel_gettext
from markupsafe import Markup
from werkzeug.exceptions import HTTPException, SecurityError
from werkzeug.wrappers import Response as BaseResponse

from competence import explain
from competence.errors import CompetenceError, UnknownIdError
from competence.graph import CompetenceGraph
from competence.model import OptIn, Reason
from competence_service.api.errors import http_problem
from competence_service.app import services
from competence_service.store import ImportRow
from competence_service.suggestions import Fault

__all__ = [
    "UnfedError",
    "_",
    "alphabetical",
    "current",
    "decimal",
    "fault_text",
    "lang",
    "method_words",
    "moment",
    "page",
    "percent",
    "prepare_pages",
    "refusal",
    "selected_language",
    "unit_choices",
]


def _(message: str, **values: object) -> str:
    """Return a text in the language of the page; ``_`` is the name that the extractor of texts looks for."""
    return str(babel_gettext(message, **values))


def selected_language() -> str:
    """Return the language of the page: asked for in the address, else chosen before, else the first of the settings."""
    languages = services().config.languages
    for wanted in (request.args.get("lang"), request.cookies.get("competence_lang")):
        if wanted in languages:
            return wanted
    return languages[0]


def lang() -> str:
    """Return the language of this request as ``sv`` or ``en``."""
    return str(get_locale())


class UnfedError(CompetenceError):
    """A page needs staff, and none has been imported yet."""


def current() -> tuple[ImportRow, CompetenceGraph]:
    """Return the current import and its graph.

    Raises
    ------
    UnfedError
        Before the first import; the page then leads to the start.
    """
    found = services().library.current()
    if found is None:
        raise UnfedError("nothing has been imported yet")
    return found


def page(template: str, status: int = 200, **values: object) -> tuple[str, int]:
    """Render a template with a status."""
    return render_template(template, **values), status


def alphabetical(text: str) -> str:
    """Return a key that puts words in Swedish order: å, ä, ö last and in that order, other accents as without."""
    text = text.casefold().translate(_SWEDISH_LAST)
    return "".join(c for c in unicodedata.normalize("NFD", text) if not unicodedata.combining(c))


# Code points after z, in the order that Swedish lists have; æ and ø are filed as ä and ö.
_SWEDISH_LAST = str.maketrans({"å": "{a", "ä": "{b", "æ": "{b", "ö": "{c", "ø": "{c"})


def unit_choices(graph: CompetenceGraph) -> list[tuple[str, str, int]]:
    """Return (id, name, depth) of each unit, children under their parents, by name."""
    children: dict[str | None, list[tuple[str, str]]] = {}
    known = {u.unit_id for u in graph.staff.units}
    for unit in graph.staff.units:
        parent = unit.parent_id if unit.parent_id in known else None
        children.setdefault(parent, []).append((unit.name or unit.unit_id, unit.unit_id))
    found: list[tuple[str, str, int]] = []
    seen: set[str] = set()

    def walk(parent: str | None, depth: int) -> None:
        for name, unit_id in sorted(children.get(parent, []), key=lambda c: (alphabetical(c[0]), c[1])):
            if unit_id not in seen:
                seen.add(unit_id)
                found.append((unit_id, name, depth))
                walk(unit_id, depth + 1)

    walk(None, 0)
    return found


def fault_text(fault: Fault) -> str:
    """Say one fault of a request in the language of the page."""
    known = {
        "missing": _("Fill in this field."),
        "string_too_short": _("Fill in this field."),
        "too_short": _("Fill in at least one."),
        "string_too_long": _("The text is too long."),
        "int_parsing": _("Write a whole number."),
        "int_from_float": _("Write a whole number."),
        "float_parsing": _("Write a number."),
        "literal_error": _("Choose one of the options."),
        "not_understood": _("These words were not understood."),
        "choose": _("Choose one of the options."),
        "required": _("Fill in this field."),
        "unknown": _("There is no such proposal."),
        "nobody": _("Nobody could be read from the files, so there is nothing to confirm."),
        "unknown_unit": _("A unit that was chosen is not in the latest import. Choose units in the list again."),
        "unknown_id": _("Somebody or something that was chosen is not in the latest import. Choose again."),
        "no_file": _("Choose at least one file."),
        "no_choice": _("That choice is undone already."),
        "nothing_chosen": _("Nothing was chosen in any row."),
        "no_such_label": _("The taxonomy has nothing by that name, or several. Write a name that it has."),
        "not_in_circle": _("Has no meaning in a circle. Leave it empty, or choose another kind of pairs."),
        "not_for_buddy": _("A buddy has the same role, so nothing is chosen here. Leave it empty."),
        "not_with_purpose": _("Has no meaning for circles and shared leadership. Leave it empty."),
        "size_circle": _("A circle has 4 to 8 people. Write one of those, or leave it empty."),
        "size_leaders": _("Shared leadership is for two. Write 2, or leave it empty."),
        "only_leaders": _("Has a meaning only for shared leadership. Leave it empty, or choose shared leadership."),
        "both_needed": _(
            "The legal ground and the individual assessment are needed together. Fill in both, or leave both empty."
        ),
        "same_twice": _("The same person stands twice in a pair. Write two different people."),
        "need_and_tasks": _("Write the need either here or for each team."),
        "name_twice": _("Two teams have the same name. Give each a name of its own."),
        "everybody_with_tasks": _("Teams with needs of their own are chosen by number. Untick this, or empty the other teams."),
        "unknown_run": _("That earlier result is not there. Choose one in the list."),
        "unknown_rank": _("The earlier plan has no such swap. Begin again from the page of that plan."),
        "keep_first": _("Only swaps of the first period can be kept. Let this one be decided anew."),
        "no_earlier": _("Begin from the page of the plan whose swaps you want to keep or ban."),
        "kept_and_banned": _("A swap cannot be both kept and banned. Choose one of them."),
        "pin_refused": _(
            "A swap that is to be kept has a move that a rule now forbids. Let it be decided anew, or change what forbids it."
        ),
        "yes_and_no": _("A unit cannot have both a yes and a no. Untick one of them."),
        "date_from_datetime_parsing": _("Write a date as year-month-day, such as 2026-01-31."),
        "date_parsing": _("Write a date as year-month-day, such as 2026-01-31."),
        "date": _("Write a date as year-month-day, such as 2026-01-31."),
    }
    if fault.field == "rank":
        return known["unknown"]
    value = fault.values.get("value", "")
    if fault.code == "no_such_person":
        return _("Nobody is called “%(value)s”. Write the name as in the list of people, or the id.", value=value)
    if fault.code == "several_people":
        return _(
            "Several are called “%(value)s”. Write the id in place of the name: %(ids)s.", value=value, ids=fault.values["ids"]
        )
    if fault.code == "couple_line":
        return _("“%(value)s” is not two names. Write two names with + between, one pair on each line.", value=value)
    if fault.code == "hours_line":
        return _("“%(value)s” was not understood. Write a unit or a person, a colon, and the hours.", value=value)
    if fault.code == "no_such_place":
        return _("No unit or person is called “%(value)s”, or several are. Write the name as in the lists.", value=value)
    if fault.code == "no_such_role":
        nearest = fault.values.get(lang(), "")
        if nearest:
            return _("No role is known by this title. Write one that is, such as: %(nearest)s.", nearest=nearest)
        return _("No role is known by this title. Write the title of a role in the taxonomy.")
    if fault.code in ("greater_than_equal", "greater_than"):
        low = fault.values.get("ge", fault.values.get("gt"))
        return _("Must be at least %(number)s.", number=low)
    if fault.code in ("less_than_equal", "less_than"):
        high = fault.values.get("le", fault.values.get("lt"))
        return _("Must be at most %(number)s.", number=high)
    if fault.code == "unreadable":
        # Already said in the language of the page.
        return fault.message
    return known.get(fault.code) or _("This was not accepted. Technical text: %(text)s", text=fault.message or fault.code)


def refusal(error: CompetenceError, field: str, fields: Collection[str] = ()) -> Fault:
    """Return what the library refused as a fault of a form, at the field its text begins with where the form has it."""
    if str(error).startswith("pinned cycle"):
        return Fault(field="rings" if "max_cycle" in fields else field, code="pin_refused", message=str(error))
    name = re.match(r"[a-z_]*", str(error))
    return Fault(field=name[0] if name and name[0] in fields else field, code="refused", message=str(error))


def _fault_field(fault: Fault, kind: str = "") -> str:
    """Return the label of the field a fault stands at, for the summary above the form."""
    parts = re.fullmatch(r"(.*?)((?:_\d+)*)", fault.field)
    base, numbers = (parts[1], parts[2].split("_")[1:]) if parts else (fault.field, [])
    line = numbers[-1] if numbers else ""
    labels = {
        "words": _("Competence %(number)s", number=line),
        "level": _("At least"),
        "count": _("How many people"),
        "n": _("Number of teams") if kind == "teams" else _("How many to show"),
        "name": _("What the team is called"),
        "priority": _("Priority"),
        "at_most": _("Most from one unit in a team"),
        "together": _("Must be in the same team"),
        "apart": _("Must not be in the same team"),
        "willing": _("Who has said yes to leading together"),
        "everybody": _("Place everybody"),
        "balance": _("How should women and men be mixed?"),
        "purpose": _("What are the teams for?"),
        "mode": _("What kind of pairs?"),
        "best": _("What should be best?"),
        "goal_role": _("Role to learn for"),
        "earlier": _("Earlier result"),
        "weeks": _("Try-out in weeks"),
        "start": _("First day"),
        "periods": _("Number of periods"),
        "travel_minutes": _("Longest journey, in minutes"),
        "open_all": _("Open posts"),
        "open_post": _("Open posts"),
        "place_unit": _("Unit or other employer"),
        "place_title": _("Job title"),
        "locked": _("People who stay"),
        "managers_no": _("Managers who have said no"),
        "hours": _("Working hours"),
        "ring": _("Swap %(number)s of the earlier plan", number=line),
        "rings": _("Swaps of the earlier plan"),
        "stage": _("Claims that so far are"),
        "audience": _("Which of people’s own words may count here?"),
        "people": _("How many employees"),
        "size": _("People per team"),
        "capacity": _("Mentees per mentor"),
        "months": _("Length in months"),
        "max_cycle": _("Largest ring"),
        "time_limit": _("Longest search, in seconds"),
        "ground": _("Legal ground"),
        "assessment": _("Individual assessment"),
        "choice": _("Your decision"),
        "decided_by": _("Your name"),
        "undone_by": _("Your name, to undo"),
        "other": _("Another competence or role"),
        "reasoning": _("How you reasoned"),
        "equality_reasoning": _("Gender-equality reasoning"),
        "files": _("Files"),
        "as_of": _("Date of the data"),
        "scale": _("Scale of a competence matrix"),
    }
    label = labels.get(base, "")
    # In a form of several teams, which of them.
    of_team = kind == "teams" and (len(numbers) > 1 or (numbers and base in ("name", "priority", "size", "n")))
    return _("Team %(number)s: %(field)s", number=numbers[0], field=label) if of_team and label else label


# -- forms ------------------------------------------------------------------------------------------------------------


def _token() -> str:
    """Return the token that every form of this browser carries, and that the signed cookie repeats."""
    if "token" not in session:
        session["token"] = secrets.token_urlsafe(24)
    return str(session["token"])


def _check_form() -> None:
    """Refuse a form that did not come from a page of ours."""
    if request.endpoint is None or request.method in ("GET", "HEAD", "OPTIONS") or request.blueprint == "api":
        # Without endpoint the address does not exist, or not for this method; that is told instead.
        return
    origin = request.headers.get("Origin")
    if origin is not None and origin != request.host_url.rstrip("/"):
        abort(403)
    sent, kept = request.form.get("token", ""), session.get("token")
    if not kept or not hmac.compare_digest(sent.encode(), str(kept).encode()):
        g.form_refused = True
        abort(403)


# -- words ------------------------------------------------------------------------------------------------------------


def decimal(value: float | None, digits: int = 2) -> str:
    """Write a number as the language of the page does; a dash where there is none."""
    if value is None:
        return "–"
    return str(format_decimal(round(value, digits), format="#,##0." + "0" * digits if digits else "#,##0"))


def percent(value: float | None) -> str:
    """Write a share as the language of the page does; a dash where there is none."""
    return "–" if value is None else str(format_percent(value, format="#,##0 %" if lang() == "sv" else "#,##0%"))


def _day(value: date | None) -> str:
    return "–" if value is None else Markup('<time datetime="{0}">{0}</time>').format(value.isoformat())


def moment(value: datetime) -> str:
    """Write a day and time as plain text."""
    return str(format_datetime(value.astimezone(UTC), "yyyy-MM-dd HH:mm"))


def _moment(value: datetime | None) -> str:
    if value is None:
        return "–"
    shown = moment(value)
    return Markup('<time datetime="{}">{}</time>').format(value.isoformat(timespec="seconds"), shown)


def _level(level: int | None) -> str:
    words = {
        1: _("with guidance"),
        2: _("on one's own in usual cases"),
        3: _("on one's own in difficult cases"),
        4: _("guides others"),
        5: _("develops the field"),
    }
    return words.get(level or 0, _("not stated"))


def _confidence(value: float) -> str:
    """Say confidence in words: the bounds are where one fresh certificate and one fresh own statement lie."""
    if value < 0.15:
        return _("to be re-confirmed")
    if value < 0.45:
        return _("low")
    return _("medium") if value < 0.7 else _("high")


def _answer(value: OptIn) -> str:
    return {OptIn.YES: _("yes"), OptIn.NO: _("no")}.get(value, _("not asked"))


def _kind_name(kind: str) -> str:
    return {
        "experts": _("Experts"),
        "pairs": _("Mentoring pairs"),
        "rotation": _("Rotation"),
        "teams": _("Teams"),
        "validations": _("Validation"),
    }.get(kind, kind)


def _table_name(table: str) -> str:
    names = {
        "people": _("People"),
        "units": _("Units"),
        "posts": _("Posts"),
        "role_requirements": _("Role requirements"),
        "statements": _sentence(_said("table.statements.name")),
        "evidence": _sentence(_said("table.evidence.name")),
        "interests": _("Interests"),
        "travel": _("Travel times"),
        "history": _("History"),
        "decisions": _("Decisions"),
        "delegations": _sentence(_said("table.delegations.name")),
        "matrix": _("Competence matrix"),
        "linking": _("Words and titles"),
        "local": _("Your own table"),
        "aid": _("AID list"),
        "unknown": _("Not recognised"),
    }
    return names.get(table, table)


def _file_name(file: str) -> str:
    """Say a file and its sheet, which the library joins with an exclamation mark."""
    name, _mark, sheet = file.partition("!")
    return _("%(file)s, sheet “%(sheet)s”", file=name, sheet=sheet) if sheet else name


def _method(method: str) -> str:
    """Say how a result was computed; a method without words of its own is shown as the library names it."""
    return method_words(method) or method


def method_words(method: str) -> str | None:
    """Return the words for how a result was computed, or None where there are none."""
    return {
        "": "–",
        "every person measured, exact best n": _("everybody was measured; the best are exact"),
        "every claim measured, exact best n": _("every claim was measured; the best are exact"),
        "everybody who holds any of it measured, best n, nearly equal ones spread": _(
            "everybody who can any of it was measured; the best are shown, those nearly as good spread over units and people"
        ),
        "the best of each meaning the words may have, in turn": _("the best of each meaning that the words may have, in turn"),
        "linear programme of the assignment (HiGHS in SciPy)": _("assignment as a linear programme (HiGHS)"),
        "assignment by shortest augmenting paths, proved by prices": _("exact assignment by shortest paths, proved by prices"),
        "assignment by auction and shortest augmenting paths, proved by prices": _(
            "exact assignment by auction and shortest paths, proved by prices"
        ),
        "deferred acceptance, row-optimal, ties by seed": _("stable matching, best for mentees; ties by the seed"),
        "deferred acceptance, row-optimal, ties by position": _("stable matching, best for mentees; ties by their order"),
        "circles filled in turns": _("circles filled one person at a time, in turns"),
        "assignment": _("exact assignment"),
        "rotation": _("choice among rings"),
        "teams": _("search by swapping members"),
        "every pair compared": _("every pair was compared"),
        "pairs chosen by a whole-number programme (HiGHS)": _("pairs chosen by a whole-number programme (HiGHS)"),
        "no move exists": _("there is no move to choose from"),
        "no cycle exists": _("no ring can be closed"),
        "one whole-number programme over all periods (HiGHS in SciPy)": _("one whole-number programme over all periods (HiGHS)"),
        "moves over all periods: price bound and neighbourhoods (HiGHS in SciPy), periods by matchings": _(
            "search over all periods, with a limit from prices (HiGHS)"
        ),
        "period by period given the others, each by cycles or assignment (SciPy)": _(
            "one period at a time with the others as they are, again and again"
        ),
        "set packing of cycles (HiGHS in SciPy)": _("choice among all rings as a whole-number programme (HiGHS)"),
        "set packing of cycles: column bound and neighbourhood search (HiGHS in SciPy)": _(
            "choice among rings by search, with a limit from prices (HiGHS)"
        ),
        "assignment with stay, proved by prices": _("exact assignment where staying is allowed, proved by prices"),
        "cycles of at most 3 within the limits, bound of free plans under their prices": _(
            "rings of at most three within the limits, with a limit from prices"
        ),
        "free cycles within the limits (HiGHS in SciPy), bound from the limits' prices": _(
            "rings of any size within the limits (HiGHS), with a limit from prices"
        ),
        "swap search, proved by pool bounds": _("search by swapping members, proved by what there is to choose from"),
        "swap search with pool bounds": _("search by swapping members, with a limit from what there is to choose from"),
        "swap search, proved by the numbers of women and men": _(
            "search by swapping members, proved by the numbers of women and men"
        ),
        "swap search and whole-number programme (HiGHS in SciPy)": _(
            "search by swapping members, then a whole-number programme (HiGHS)"
        ),
    }.get(method)


def _state(state: str) -> str:
    return {"draft": _("dry run"), "confirmed": _("confirmed"), "discarded": _("discarded")}.get(state, state)


def _effect(effect: str) -> str:
    return {
        "set_aside": _("row set aside"),
        "cell_dropped": _("cell left out"),
        "changed": _("changed"),
        "notice": _("to know"),
    }.get(effect, effect)


def _stage(stage: str) -> str:
    return {
        "identified": _("identified"),
        "documented": _("documented"),
        "assessed": _("assessed"),
        "certified": _("certified"),
    }.get(stage, stage)


def _audience(audience: str) -> str:
    return {
        "unit": _("Shared with the unit or the whole organisation"),
        "organisation": _("Only what is shared with the whole organisation"),
    }.get(audience, audience)


def _audience_choices(audiences: Iterable[str]) -> list[tuple[str, str]]:
    return [(a, _audience(a)) for a in audiences]


def _sentence(text: str) -> str:
    """Begin with a capital letter, leaving the rest as it is."""
    return text[:1].upper() + text[1:]


def _reason_text(reason: Reason, kind: str, names: Mapping[str, str]) -> str:
    return _sentence(explain.reason_sentence(kind, reason, lang(), names))


def _said(key: str) -> str:
    return explain.word(key, lang())


def _switch(language: str) -> str:
    """Return the address of this page in another language; a page that only answers forms leads to the start."""
    arguments: Mapping[str, Iterable[str] | str] = {**request.args.to_dict(flat=False), "lang": language}
    if request.endpoint and request.url_rule and "GET" in (request.url_rule.methods or ()):
        return url_for(request.endpoint, **{**(request.view_args or {}), **arguments})
    return url_for("web.start", lang=language)


def prepare_pages(app: Flask) -> None:
    """Give templates their words and helpers, guard forms, and show errors as pages."""
    app.jinja_env.trim_blocks = True
    app.jinja_env.lstrip_blocks = True
    app.jinja_env.filters.update(
        number=decimal,
        percent=percent,
        day=_day,
        moment=_moment,
        level=_level,
        confidence=_confidence,
        answer=_answer,
        kind_name=_kind_name,
        fault_text=fault_text,
        fault_field=_fault_field,
        table_name=_table_name,
        file_name=_file_name,
        method=_method,
        state=_state,
        effect=_effect,
        stage=_stage,
        audience=_audience,
        audience_choices=_audience_choices,
        sentence=_sentence,
        reason_text=_reason_text,
    )
    app.before_request(_check_form)

    @app.context_processor
    def _shared() -> dict[str, Any]:
        return {
            "lang": lang(),
            "languages": services().config.languages,
            "switch": _switch,
            "token": _token,
            "said": _said,
            "rule": lambda name, detail="": explain.rule_sentence(name, lang(), detail),
            "measure": lambda kind, name: explain.measure_name(kind, name, lang()),
            "taxonomy": services().library.taxonomy,
            "ngettext": ngettext,
        }

    @app.after_request
    def _keep_language(response: Response) -> Response:
        wanted = request.args.get("lang")
        if wanted in services().config.languages and request.blueprint != "api":
            response.set_cookie(
                "competence_lang", wanted, max_age=365 * 86400, samesite="Lax", httponly=True, secure=services().config.production
            )
        return response

    @app.errorhandler(UnfedError)
    def _unfed(_error: UnfedError) -> tuple[str, int]:
        return page("unfed.html")

    @app.errorhandler(UnknownIdError)
    def _unknown(_error: UnknownIdError) -> tuple[str, int]:
        return page("error.html", 404, code=404)

    @app.errorhandler(HTTPException)
    def _http(error: HTTPException) -> tuple[str, int] | BaseResponse:
        if request.path.startswith("/api/") and not isinstance(error, SecurityError):
            # An address that does not exist belongs to no blueprint, but it was asked for in JSON.
            return http_problem(error)
        if isinstance(error, SecurityError):
            # Asked for under a name that is not ours: no address can be built for a page either.
            return Response("Bad request: this service answers on loopback only.\n", 400, mimetype="text/plain")
        code = error.code or 500
        if error.response is not None or code < 400:
            return error.get_response()
        if code == 403 and g.get("form_refused"):
            return page("error.html", 403, code="form")
        return page("error.html", code, code=code)
