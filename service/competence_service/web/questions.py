"""The fields of a form as a request, and a request as the fields of its form, so that nothing is written twice.

Names of people and units stand in forms, ids in requests. What cannot be read becomes a Fault at its field; what a value
may be is checked by the request models.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from werkzeug.datastructures import MultiDict

from competence.errors import UnknownIdError
from competence.graph import CompetenceGraph
from competence_service.suggestions import Fault, title_fault

__all__ = ["NEED_ROWS", "PLACE_ROWS", "PLAIN", "TASKS", "TASK_ROWS", "asked_for", "at_fields", "fields_of"]

NEED_ROWS = 5
"""Lines of a need that a form offers."""
TASKS, TASK_ROWS = 4, 3
"""Teams with needs of their own in one form, the first included, and the lines of a need in each of the others."""
PLACE_ROWS = 3
"""Placements outside of the files that a form offers."""

PLAIN: Mapping[str, tuple[str, ...]] = {
    "experts": ("n",),
    "pairs": ("mode", "goal_role", "capacity", "n", "earlier", "time_limit"),
    "rotation": ("months", "weeks", "start", "periods", "max_cycle", "travel_minutes", "earlier", "time_limit"),
    "teams": ("purpose", "size", "n", "balance", "at_most", "ground", "assessment", "time_limit"),
    "validations": ("stage", "n"),
}
"""Fields that are called the same in form and request; one left empty takes its default."""
_RING = re.compile(r"ring_([1-9]\d*)")
Form = MultiDict[str, str]


def asked_for(kind: str, form: Form, graph: CompetenceGraph) -> tuple[dict[str, Any], list[Fault]]:
    """Return what a form asks for, as the request model takes it, and what could not be read."""
    data: dict[str, Any] = {}
    faults: list[Fault] = []
    for name in PLAIN[kind]:
        value = form.get(name, "").strip()
        if value:
            data[name] = value
    if form.getlist("units"):
        data["units"] = form.getlist("units")
    if kind in ("experts", "pairs", "teams"):
        data["topics" if kind == "pairs" else "need"] = [_item(form, f"{line}") for line in _lines(form)]
    if kind == "pairs":
        best = form.get("best", "")
        data["stable"] = best == "stable"
        data["objective"] = "most_pairs" if best in ("", "stable") else best
        if form.getlist("mentees"):
            data["mentees"] = form.getlist("mentees")
    elif kind == "rotation":
        _rotation(form, graph, data, faults)
    elif kind == "teams":
        _teams(form, graph, data, faults)
    return data, faults


def _lines(form: Form, task: int = 1) -> list[int]:
    """Return the lines of a need that have words; the others are not sent on."""
    names = [(line, f"words_{line}" if task == 1 else f"words_{task}_{line}") for line in range(1, NEED_ROWS + 1)]
    return [line for line, name in names if form.get(name, "").strip()]


def _item(form: Form, line: str) -> dict[str, Any]:
    return {
        "words": form[f"words_{line}"].strip(),
        "level": form.get(f"level_{line}") or "1",
        "count": form.get(f"count_{line}", "").strip() or "1",
    }


# -- rotation -----------------------------------------------------------------------------------------------------------


def _rotation(form: Form, graph: CompetenceGraph, data: dict[str, Any], faults: list[Fault]) -> None:
    if form.get("max_cycle") == "any":
        data["max_cycle"] = None
    data["parts"] = form.get("whole_posts") != "yes"
    data["open_posts"] = [
        *(["vacant"] if form.get("open_all") == "yes" else []),
        *form.getlist("open_post"),
        *_placements(form, graph, faults),
    ]
    data["locked"] = _people(form, "locked", graph, faults)
    no, yes = form.getlist("managers_no"), form.getlist("managers_yes")
    if set(no) & set(yes):
        faults.append(Fault(field="managers_no", code="yes_and_no"))
    data["managers"] = dict.fromkeys(yes, True) | dict.fromkeys(no, False)
    data["hours"] = _hours(form, graph, faults)
    if form.getlist("forms"):
        data["forms"] = form.getlist("forms")
    chosen = [(int(m[1]), value) for name, value in form.items() if (m := _RING.fullmatch(name))]
    for name in ("keep", "ban"):
        data[name] = sorted(rank for rank, value in chosen if value == name)


def _placements(form: Form, graph: CompetenceGraph, faults: list[Fault]) -> list[dict[str, Any]]:
    """Return the open posts that the files lack; a place without a title, or the other way round, is a fault."""
    found = []
    for line in range(1, PLACE_ROWS + 1):
        unit, title = (form.get(f"{name}_{line}", "").strip() for name in ("place_unit", "place_title"))
        if not unit and not title:
            continue
        for name, value in (("place_unit", unit), ("place_title", title)):
            if not value:
                faults.append(Fault(field=f"{name}_{line}", code="required"))
        if title and (fault := title_fault(graph, title, f"place_title_{line}")):
            faults.append(fault)
        elif unit and title:
            # Else another employer, which no file has.
            with suppress(UnknownIdError):
                unit = graph.staff.find_unit(unit).unit_id
            found.append({"post_id": f"placement-{line}", "unit_id": unit, "roles": [{"title": title}]})
    return found


def _hours(form: Form, graph: CompetenceGraph, faults: list[Fault]) -> dict[str, list[str]]:
    """Read lines of ``unit or person: hours, hours``."""
    found: dict[str, list[str]] = {}
    for line in form.get("hours", "").splitlines():
        if not line.strip():
            continue
        who, colon, said = line.rpartition(":")
        words = [w.strip() for w in said.split(",") if w.strip()]
        if not colon or not who.strip() or not words:
            faults.append(Fault(field="hours", code="hours_line", values={"value": line.strip()}))
            continue
        key = _place_id(who.strip(), graph)
        if key is None:
            faults.append(Fault(field="hours", code="no_such_place", values={"value": who.strip()}))
        else:
            found[key] = words
    return found


def _place_id(words: str, graph: CompetenceGraph) -> str | None:
    """Return the id of a unit, a post or a person by id or name."""
    if any(words == post.post_id for post in graph.staff.filled_posts):
        return words
    try:
        return graph.staff.find_unit(words).unit_id
    except UnknownIdError:
        met = _called(words, graph)
        return met[0] if len(met) == 1 else None


# -- people by name -----------------------------------------------------------------------------------------------------


def _called(words: str, graph: CompetenceGraph) -> list[str]:
    """Return the ids of those with this id, else with this name, case and spaces aside."""
    if words in graph.person_index:
        return [words]
    wanted = " ".join(words.casefold().split())
    return [p.person_id for p in graph.people if " ".join(p.name.casefold().split()) == wanted]


def _one(words: str, field: str, graph: CompetenceGraph, faults: list[Fault]) -> str | None:
    met = _called(words, graph)
    if len(met) == 1:
        return met[0]
    values = {"value": words, "ids": ", ".join(met)}
    faults.append(Fault(field=field, code="several_people" if met else "no_such_person", values=values))
    return None


def _people(form: Form, field: str, graph: CompetenceGraph, faults: list[Fault]) -> list[str]:
    """Read names or ids, one on each line or with semicolons between."""
    names = (part.strip() for part in re.split(r"[;\n]", form.get(field, "")))
    found = (_one(name, field, graph, faults) for name in names if name)
    return list(dict.fromkeys(p for p in found if p))


def _couples(form: Form, field: str, graph: CompetenceGraph, faults: list[Fault]) -> list[list[str]]:
    """Read two names with a plus sign between, one pair on each line."""
    found = []
    for line in form.get(field, "").splitlines():
        if not line.strip():
            continue
        names = [part.strip() for part in line.split("+")]
        if len(names) != 2 or not all(names):
            faults.append(Fault(field=field, code="couple_line", values={"value": line.strip()}))
            continue
        pair = [_one(name, field, graph, faults) for name in names]
        if all(pair):
            found.append([p for p in pair if p])
    return found


def _name_of(person_id: str, graph: CompetenceGraph) -> str:
    """Return a name that leads back to the person, else the id."""
    row = graph.person_index.get(person_id)
    name = "" if row is None else graph.people[row].name
    return name if name and _called(name, graph) == [person_id] else person_id


# -- teams --------------------------------------------------------------------------------------------------------------


def _teams(form: Form, graph: CompetenceGraph, data: dict[str, Any], faults: list[Fault]) -> None:
    others = [task for task in range(2, TASKS + 1) if _lines(form, task) or form.get(f"name_{task}", "").strip()]
    everybody = form.get("everybody") == "yes"
    if others:
        data["tasks"] = [_task(form, task) for task in (1, *others)]
        for name in ("need", "size", "n"):
            data.pop(name, None)
        if everybody:
            faults.append(Fault(field="everybody", code="everybody_with_tasks"))
    elif everybody:
        data["n"] = None
    for name in ("together", "apart"):
        data[name] = _couples(form, name, graph, faults)
    if form.get("willing", "").strip():
        data["willing"] = _people(form, "willing", graph, faults)


def _task(form: Form, task: int) -> dict[str, Any]:
    own = "" if task == 1 else f"_{task}"
    told = {"name": f"name_{task}", "priority": f"priority_{task}", "size": f"size{own}", "n": f"n{own}"}
    plain = {name: form.get(field, "").strip() for name, field in told.items()}
    lines = [f"{line}" if task == 1 else f"{task}_{line}" for line in _lines(form, task)]
    # A name that is missing is told as such; other fields left empty take their defaults.
    return {
        **{name: value for name, value in plain.items() if value or name == "name"},
        "need": [_item(form, line) for line in lines],
    }


# -- faults at their fields -----------------------------------------------------------------------------------------------


def at_fields(kind: str, faults: Sequence[Fault], form: Form) -> list[Fault]:
    """Point each fault of a request at the field of the form that it comes from."""
    tasks = [1, *(t for t in range(2, TASKS + 1) if _lines(form, t) or form.get(f"name_{t}", "").strip())]
    places = [
        line
        for line in range(1, PLACE_ROWS + 1)
        if form.get(f"place_unit_{line}", "").strip() and form.get(f"place_title_{line}", "").strip()
    ]
    before = (form.get("open_all") == "yes") + len(form.getlist("open_post"))
    moved = []
    for fault in faults:
        name, *rest = fault.field.split(".")
        if name in ("need", "topics"):
            field = _need_field(rest, _lines(form), "")
        elif name == "tasks" and rest and rest[0].isdigit() and len(rest) > 1:
            task = tasks[int(rest[0])]
            own = "" if task == 1 else f"_{task}"
            if rest[1] == "need":
                field = _need_field(rest[2:], _lines(form, task), own)
            else:
                field = f"{rest[1]}_{task}" if rest[1] in ("name", "priority") else f"{rest[1]}{own}"
        elif name == "tasks":
            field = "name_1"
        elif name == "open_posts" and rest and rest[0].isdigit():
            at = int(rest[0]) - before
            field = f"place_title_{places[at]}" if 0 <= at < len(places) else "open_all"
        elif name in ("keep", "ban", "pinned"):
            field = f"ring_{fault.values['rank']}" if "rank" in fault.values else "rings"
        elif name in ("objective", "stable"):
            field = "best"
        else:
            field = name
        moved.append(fault.model_copy(update={"field": field}))
    return moved


def _need_field(rest: Sequence[str], lines: Sequence[int], own: str) -> str:
    line = lines[int(rest[0])] if rest and rest[0].isdigit() else 1
    return f"{rest[1] if len(rest) > 1 else 'words'}{own}_{line}"


# -- a request as fields --------------------------------------------------------------------------------------------------


def fields_of(kind: str, request: Mapping[str, Any], graph: CompetenceGraph) -> Form:
    """Return a stored request as the fields of its form; a reason written for one case is not carried over."""
    plain = [name for name in PLAIN[kind] if name not in ("ground", "assessment")]
    fields: list[tuple[str, str]] = [(n, str(request[n])) for n in plain if request.get(n) not in (None, "", [])]
    fields += [("units", unit) for unit in request.get("units") or ()]
    fields += _need_fields(request.get("topics" if kind == "pairs" else "need") or (), "")
    if kind == "pairs":
        fields.append(("best", "stable" if request.get("stable") else request.get("objective") or "most_pairs"))
        fields += [("mentees", p) for p in request.get("mentees") or ()]
    elif kind == "rotation":
        fields += _rotation_fields(request, graph)
    elif kind == "teams":
        fields += _team_fields(request, graph)
    return MultiDict(fields)


def _need_fields(items: Iterable[Mapping[str, Any]], own: str) -> list[tuple[str, str]]:
    found = []
    for line, item in enumerate(items, start=1):
        words = item["words"] or item.get("concept_id") or ""
        found += [
            (f"words{own}_{line}", words),
            (f"level{own}_{line}", str(item["level"])),
            (f"count{own}_{line}", str(item["count"])),
        ]
    return found


def _rotation_fields(request: Mapping[str, Any], graph: CompetenceGraph) -> list[tuple[str, str]]:
    fields = [("max_cycle", "any")] if request.get("max_cycle") is None else []
    fields += [("whole_posts", "yes")] if request.get("parts") is False else []
    records = []
    for post in request.get("open_posts") or ():
        if isinstance(post, str):
            fields.append(("open_all", "yes") if post == "vacant" else ("open_post", post))
        else:
            records.append(post)
    for line, post in enumerate(records, start=1):
        fields += [(f"place_unit_{line}", graph.unit_name(post["unit_id"])), (f"place_title_{line}", post["roles"][0]["title"])]
    fields.append(("locked", "\n".join(_name_of(p, graph) for p in request.get("locked") or ())))
    for key, yes in (request.get("managers") or {}).items():
        fields.append(("managers_yes" if yes else "managers_no", key))
    hours = (request.get("hours") or {}).items()
    places = [(_name_of(key, graph) if key in graph.person_index else graph.unit_name(key), words) for key, words in hours]
    fields.append(("hours", "\n".join(f"{place}: {', '.join(words)}" for place, words in places)))
    fields += [("forms", form) for form in request.get("forms") or ()]
    fields += [(f"ring_{rank}", name) for name in ("keep", "ban") for rank in request.get(name) or ()]
    return fields


def _team_fields(request: Mapping[str, Any], graph: CompetenceGraph) -> list[tuple[str, str]]:
    tasks = request.get("tasks") or ()
    fields = [("everybody", "yes")] if request.get("n") is None and not tasks else []
    for number, task in enumerate(tasks[:TASKS], start=1):
        own = "" if number == 1 else f"_{number}"
        fields += [(f"name_{number}", task["name"]), (f"priority_{number}", str(task["priority"]))]
        fields += [(f"size{own}", str(task["size"])), (f"n{own}", str(task["n"])), *_need_fields(task["need"], own)]
    for name in ("together", "apart"):
        lines = (" + ".join(_name_of(p, graph) for p in pair) for pair in request.get(name) or ())
        fields.append((name, "\n".join(lines)))
    fields.append(("willing", "\n".join(_name_of(p, graph) for p in request.get("willing") or ())))
    return fields
