"""People: a list to search in, and one person's roles, holdings, gaps and own words."""

from __future__ import annotations

from flask import request

from competence.errors import UnknownIdError
from competence.fit import gaps
from competence.graph import CompetenceGraph
from competence.model import InterestKind, Use
from competence_service.app import services
from competence_service.policy import permission
from competence_service.web import web
from competence_service.web.view import alphabetical, current, lang, page, unit_choices

PAGE_SIZE = 50


@web.get("/people")
@permission("practice")
def people() -> tuple[str, int]:
    """List people by name, unit and title."""
    graph = current()[1]
    words, unit = request.args.get("q", "").strip(), request.args.get("unit", "")
    number = max(request.args.get("page", 1, type=int), 1)
    if unit and unit not in graph.staff.unit_index:
        raise UnknownIdError("no such unit")
    rows = matching(graph, words, unit)
    pages = max(-(-len(rows) // PAGE_SIZE), 1)
    number = min(number, pages)
    shown = rows[(number - 1) * PAGE_SIZE : number * PAGE_SIZE]
    return page(
        "people.html",
        words=words,
        unit=unit,
        units=unit_choices(graph),
        total=len(rows),
        number=number,
        pages=pages,
        people=[summary(graph, row) for row in shown],
    )


def matching(graph: CompetenceGraph, words: str, unit: str) -> list[int]:
    """Return the rows whose name, id or titles have every word, in order of name; the order says nothing of anybody."""
    wanted = words.casefold().split()
    found = []
    for row in graph.rows(None, [unit] if unit else None).tolist():
        person = graph.people[row]
        titles = " ".join(r.title for e in graph.staff.current_employments(person.person_id) for r in e.roles)
        text = f"{person.name} {person.person_id} {titles}".casefold()
        if all(w in text for w in wanted):
            found.append(row)
    return sorted(found, key=lambda r: (alphabetical(graph.people[r].name), graph.person_ids[r]))


def summary(graph: CompetenceGraph, row: int) -> dict[str, object]:
    """Return what a list tells of one person."""
    person = graph.people[row]
    holdings = graph.holdings(person.person_id)
    return {
        "person_id": person.person_id,
        "name": person.name or person.person_id,
        "units": [graph.unit_name(u) for u in graph.units_of[row]],
        "titles": list(dict.fromkeys(r.title for e in graph.staff.current_employments(person.person_id) for r in e.roles)),
        "holdings": len(holdings),
        "unused": sum(h.use is Use.UNUSED and not h.to_be_reconfirmed for h in holdings),
    }


@web.get("/people/<person_id>")
@permission("practice")
def person(person_id: str) -> tuple[str, int]:
    """Show one person: roles, holdings with their sources apart, gaps, and statements that were not understood."""
    row, graph = current()
    if person_id not in graph.person_index:
        ended = services().store.ended_on(person_id)
        if ended is not None:
            return page("ended.html", 410, ended=ended)
        raise UnknownIdError("no such person")
    found = graph.people[graph.row(person_id)]
    language = lang()
    understood = {e.statement_id for e in graph.staff.evidence if e.person_id == person_id and e.statement_id and e.concept_id}
    words = [
        s
        for s in graph.staff.statements
        if s.person_id == person_id and s.statement_id not in understood and s.visibility.rank >= graph.audience.rank
    ]
    concepts = graph.taxonomy.concepts
    interests = {
        kind.value: sorted(
            concepts[i.concept_id].label(language) if i.concept_id and i.concept_id in concepts else i.words
            for i in graph.staff.interests
            if i.person_id == person_id and i.kind is kind
        )
        for kind in InterestKind
    }
    holdings = [(h, concepts[h.concept_id]) for h in graph.holdings(person_id)]
    return page(
        "person.html",
        row=row,
        person=found,
        employments=[
            (e, graph.unit_name(e.unit_id), [(r, graph.taxonomy.roles.get(r.role_id or "")) for r in e.roles])
            for e in graph.staff.current_employments(person_id)
        ],
        managers=[graph.people[graph.row(m)] for m in sorted(graph.staff.managers_of(person_id)) if m in graph.person_index],
        required=[(h, c) for h, c in holdings if h.use is Use.REQUIRED],
        unused=[(h, c) for h, c in holdings if h.use is Use.UNUSED],
        gaps=[
            (gap, concepts[gap.requirement.concept_id], graph.taxonomy.roles[gap.role_id])
            for gap in gaps(graph, person_id)
            if gap.missing > 0 or gap.hard_unmet
        ],
        not_understood=words,
        interests=interests,
        names={p: graph.people[i].name for p, i in graph.person_index.items() if p != person_id},
    )
