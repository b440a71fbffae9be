"""What stands on the page of a result: each suggestion in the words of its kind, and the lines about the whole.

Sentences that the library has are the library's; here people become links and numbers are written as the language of the
page does. Nothing is computed that the result does not hold.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from flask import url_for
from flask_babel import ngettext
from markupsafe import Markup, escape

from competence._texts import text
from competence.explain import join, measure_name, rule_sentence, word
from competence.graph import CompetenceGraph
from competence.model import Outcome, Post
from competence.suggest._rotation_lines import agreement_lines
from competence.suggest._teams_lines import exchange_line, plan_lines
from competence.suggest.result import Alternative, Member, Suggestion, Suggestions
from competence_service.web.view import _, decimal, lang

__all__ = [
    "Card",
    "Free",
    "Page",
    "cards",
    "free_again",
    "heading",
    "mode_words",
    "place_words",
    "purpose_words",
    "question",
    "told",
]

_MOST_FREE = 20
"""Dates of being free again that a page lists; the others stand in the workbook."""
_OF_LOAD = frozenset({"resting", "asked_at_cap", "mentees_at_cap"})
_EQUAL, _SHOWN = 1e-9, 5e-4
_DECIMAL = re.compile(r"-?\d+\.\d+")


def mode_words() -> dict[str, str]:
    """Return what each mode of pairs is called, in the language of the request."""
    return {
        "one_to_one": _("Mentor and mentee"),
        "reverse": _("Reverse mentoring"),
        "circle": _("Circle around a topic"),
        "job_shadow": _("Job shadowing"),
        "buddy": _("Buddy for new employees"),
    }


def purpose_words() -> dict[str, str]:
    """Return what teams are for, in the language of the request."""
    return {
        "project": _("Project"),
        "steering": _("Steering group"),
        "work_team": _("Standing work team"),
        "circle": _("Circle around a topic"),
        "co_leaders": _("Shared leadership of two"),
    }


@dataclass(frozen=True, slots=True)
class Card:
    """One suggestion as its card shows it; people are links.

    Parameters
    ----------
    head, target : Markup and str
        Who or what it is, and what it is about.
    tags : list of str
        Short marks beside the heading, such as the period.
    members : list of Markup
        One line per member, where the heading does not name them.
    lines : list of Markup
        What else the kind tells.
    agreed : list of str
        What has to be agreed before it is carried out.
    runner_up : Markup or None
    others : list of Markup
        The runner-up of kinds that are ranked, and other choices.
    """

    suggestion: Suggestion
    head: Markup
    target: str
    tags: list[str]
    members: list[Markup]
    members_class: str
    lines: list[Markup]
    agreed: list[str]
    runner_up: Markup | None
    others: list[Markup]


@dataclass(frozen=True, slots=True)
class Free:
    """Who is free again on which day, and which rule holds until then."""

    person: Markup
    day: date
    rule: str


@dataclass(frozen=True, slots=True)
class Page:
    """What links and names a page shows: the people of today's graph, and of each suggestion."""

    graph: CompetenceGraph
    lang: str
    posts: Mapping[str, Post]

    @classmethod
    def of(cls, graph: CompetenceGraph) -> Page:
        """Return a page in the language of the request."""
        return cls(graph, lang(), {post.post_id: post for post in graph.staff.filled_posts})

    def place(self, place: str, unit_id: str = "") -> str:
        """Say a place of a rotation by unit and title."""
        return place_words(self.graph, self.posts, place, self.lang, unit_id)

    def person(self, person_id: str, names: Mapping[str, str]) -> Markup:
        """Return a person as a link; somebody who is not in the data any more as text."""
        row = self.graph.person_index.get(person_id)
        if row is None:
            return escape(names.get(person_id) or _("former employee"))
        name = self.graph.people[row].name or person_id
        return Markup('<a href="{}">{}</a>').format(url_for("web.person", person_id=person_id), name)

    def people(self, ids: Iterable[str], names: Mapping[str, str]) -> Markup:
        """Return several people as links, in running text."""
        links = [self.person(p, names) for p in ids]
        if len(links) < 2:
            return links[0] if links else Markup("")
        return Markup("{} {} {}").format(Markup(", ").join(links[:-1]), word("phrase.and", self.lang), links[-1])

    def name(self, person_id: str) -> str:
        """Return what somebody is called in plain text; what is not an id of a person stays as it is."""
        row = self.graph.person_index.get(person_id)
        return person_id if row is None else self.graph.people[row].name or person_id

    def said(self, key: str, **values: object) -> Markup:
        """Return a sentence of the library with people as links."""
        # The fields stay open until the sentence is escaped; what fills them is escaped then, links excepted.
        return escape(text(key, self.lang, **{name: f"{{{name}}}" for name in values})).format(**values)

    def by_name(self, outcome: Outcome) -> Outcome:
        """Return an Outcome whose conflicts name people instead of their ids."""
        conflicts = []
        for conflict in outcome.conflicts:
            rule, colon, detail = conflict.partition(":")
            conflicts.append(f"{rule}{colon}{', '.join(self.name(part) for part in detail.split(', '))}")
        return replace(outcome, conflicts=tuple(conflicts))

    def noted(self, note: str) -> str:
        """Say a note or conflict of the library, people in its detail by name."""
        rule, colon, detail = note.partition(":")
        detail = ", ".join(self.name(part) for part in detail.split(", ")) if colon else ""
        if _DECIMAL.fullmatch(detail):
            detail = decimal(float(detail), 3)
        return rule_sentence(rule, self.lang, detail)


def heading(kind: str, request: Mapping[str, Any]) -> str:
    """Return the heading of a result's page; pairs and teams are called by their mode and purpose."""
    headings = {
        "experts": _("Proposed experts"),
        "pairs": _("Proposed mentoring pairs"),
        "pairs.reverse": _("Proposed pairs for reverse mentoring"),
        "pairs.circle": _("Proposed circles"),
        "pairs.job_shadow": _("Proposed job shadowing"),
        "pairs.buddy": _("Proposed buddies"),
        "rotation": _("Proposed rotation"),
        "teams": _("Proposed teams"),
        "teams.circle": _("Proposed circles"),
        "teams.co_leaders": _("Proposed shared leadership"),
        "validations": _("Worth validating"),
    }
    part = request.get("mode") if kind == "pairs" else request.get("purpose")
    return headings.get(f"{kind}.{part}", headings[kind])


def question(kind: str, request: Mapping[str, Any], page: Page) -> list[tuple[str, str]]:
    """Return what was asked for beyond the usual, as label and value."""
    found: list[tuple[str, str]] = []

    def add(label: str, value: object) -> None:
        if value not in (None, "", [], {}):
            found.append((label, str(value)))

    def names(ids: Iterable[str] | None) -> str:
        return ", ".join(page.name(p) for p in ids or ())

    def units(ids: Iterable[str] | None) -> str:
        return ", ".join(page.graph.unit_name(u) if u not in page.graph.person_index else page.name(u) for u in ids or ())

    add(_("Units"), units(request.get("units")))
    if kind == "pairs":
        add(_("Kind of pairs"), mode_words().get(request.get("mode") or ""))
        best = "stable" if request.get("stable") else request.get("objective")
        add(
            _("Best in"),
            {"stable": _("stable pairs"), "score": _("the highest total"), "most_pairs": _("most pairs")}.get(best or ""),
        )
        add(_("Mentees"), names(request.get("mentees")))
        role = page.graph.taxonomy.roles.get(request.get("goal_role") or "")
        add(_("Role to learn for"), role.label(page.lang) if role else None)
        add(_("Mentees per mentor"), request.get("capacity"))
    elif kind == "rotation":
        weeks, months = request.get("weeks"), request.get("months")
        length = (
            ngettext("%(num)s week", "%(num)s weeks", weeks)
            if weeks
            else ngettext("%(num)s month", "%(num)s months", months or 0)
        )
        add(_("Length"), length if weeks or months else None)
        add(_("First day"), request.get("start"))
        periods = request.get("periods") or 1
        add(_("Number of periods"), periods if periods > 1 else None)
        add(_("Largest ring"), request.get("max_cycle") or (_("any size") if "max_cycle" in request else None))
        opened = [
            page.place(p) if p != "vacant" else _("every vacant post")
            for p in request.get("open_posts") or ()
            if isinstance(p, str)
        ]
        opened += [
            f"{page.graph.unit_name(p['unit_id'])}: {p['roles'][0]['title']}"
            for p in request.get("open_posts") or ()
            if not isinstance(p, str)
        ]
        add(_("Open posts"), "; ".join(opened))
        add(_("People who stay"), names(request.get("locked")))
        managers = request.get("managers") or {}
        add(_("Managers who have said no"), units(key for key, yes in managers.items() if not yes))
        add(_("Managers who have said yes"), units(key for key, yes in managers.items() if yes))
        add(_("Working hours"), "; ".join(f"{units([k])}: {', '.join(v)}" for k, v in (request.get("hours") or {}).items()))
        add(_("Forms of employment that take part"), ", ".join(request.get("forms") or ()))
        travel = request.get("travel_minutes")
        add(_("Longest journey, in minutes"), None if travel is None else decimal(travel, 0))
    elif kind == "teams":
        add(_("For"), purpose_words().get(request.get("purpose") or ""))
        for name in ("together", "apart"):
            pairs = "; ".join(" + ".join(page.name(p) for p in pair) for pair in request.get(name) or ())
            add(_("Must be in the same team") if name == "together" else _("Must not be in the same team"), pairs)
        add(_("Most from one unit in a team"), request.get("at_most"))
        add(_("Who has said yes to leading together"), names(request.get("willing")))
    return found


def told(result: Suggestions, page: Page) -> list[str]:
    """Return the lines about the whole: for teams both stages and what is short, then every note."""
    notes = (*result.notes, *result.outcome.notes)
    lines: list[str] = []
    if result.kind == "teams":
        request = result.provenance.request
        limits = [{**c, "people": [page.name(p) for p in c.get("people", ())]} for c in request.get("certificate", ())]
        lines = plan_lines({**request, "certificate": limits}, page.lang)
        # What the pool is short of stands in those lines, with how many.
        notes = tuple(note for note in notes if not note.startswith("pool_"))
    lines += [page.noted(note) for note in notes]
    most = next(iter(result.left_out.counts.items()), None)
    if not len(result) and most is not None:
        rule, count = most
        lines.append(
            text(
                "explain.removed_most",
                page.lang,
                count=count,
                total=len(result.left_out),
                rule=rule_sentence(rule, page.lang),
            )
        )
    return list(dict.fromkeys(line[:1].upper() + line[1:] for line in lines))


def free_again(result: Suggestions, page: Page) -> list[Free]:
    """Return who of those left out for their load is free again when, the first day first."""
    if result.kind != "experts":
        return []
    dated = sorted((r for r in result.left_out if r.rule in _OF_LOAD and r.detail), key=lambda r: (r.detail, r.person_id))
    return [
        Free(page.person(r.person_id, {}), date.fromisoformat(r.detail), rule_sentence(r.rule, page.lang))
        for r in dated[:_MOST_FREE]
    ]


def cards(result: Suggestions, shown: Sequence[Suggestion], page: Page) -> list[Card]:
    """Return the cards of the suggestions on one page."""
    partners: dict[str, list[str]] = {}
    if result.kind == "pairs":
        for s in result:
            if len(s.members) == 2:
                partners.setdefault(s.people[1], []).append(s.people[0])
    return [_card(s, page, partners) for s in shown]


def _card(s: Suggestion, page: Page, partners: Mapping[str, Sequence[str]]) -> Card:
    kind, labels = s.kind, s.labels.get(page.lang, s.target)
    circle = s.facts.get("mode") == "circle"
    members: list[Markup] = []
    head, target, members_class = page.person(s.people[0], s.names), labels, "members"
    if kind == "pairs" and not circle:
        head = _pair(s, page)
    elif kind == "pairs":
        head, target = escape(_("Circle: %(topic)s", topic=labels)), ""
        members = [_with_part(m, s, page) for m in s.members]
    elif kind == "rotation":
        head, target, members_class = escape(_ring(s)), "", "moves"
        members = _moves(s, page)
    elif kind == "teams":
        head, target = escape(labels), ""
        several = len({m.part for m in s.members}) > 1
        members = [_with_part(m, s, page) if several else page.person(m.person_id, s.names) for m in s.members]
    return Card(
        suggestion=s,
        head=head,
        target=target,
        tags=_tags(s),
        members=members,
        members_class=members_class,
        lines=_lines(s, page),
        agreed=agreement_lines(s.facts, s.names, page.lang) if kind == "rotation" else [],
        runner_up=_runner_up(s, page),
        others=[_other(s, other, page, partners) for other in s.alternatives],
    )


def _with_part(member: Member, s: Suggestion, page: Page) -> Markup:
    part = word(f"part.{member.part}", page.lang)
    return Markup('{} <span class="part">{}</span>').format(page.person(member.person_id, s.names), part)


def _pair(s: Suggestion, page: Page) -> Markup:
    """Return who does something for whom; a visitor goes to the host, a mentor or buddy stands before the other."""
    order = s.members if s.members[0].part == "visitor" else s.members[::-1]
    return Markup(" → ").join(_with_part(m, s, page) for m in order)


def _ring(s: Suggestion) -> str:
    count = len(s.people)
    if s.facts.get("chain"):
        if count == 1:
            return _("Move to an open post")
        return _("Chain of %(count)s to an open post", count=count)
    return _("Swap between two") if count == 2 else _("Ring of %(count)s", count=count)


def _tags(s: Suggestion) -> list[str]:
    tags = []
    if "period" in s.facts:
        tags.append(_("period %(number)s", number=s.facts["period"]))
    if s.facts.get("try_out"):
        tags.append(_("try-out, %(weeks)s weeks", weeks=s.facts["weeks"]))
    if s.facts.get("pinned"):
        tags.append(word("choice.pinned", lang()))
    if s.facts.get("waited"):
        tags.append(ngettext("has waited %(num)s round", "has waited %(num)s rounds", s.facts["waited"]))
    if s.facts.get("priority", 1) > 1:
        tags.append(_("priority %(number)s", number=s.facts["priority"]))
    return tags


def _moves(s: Suggestion, page: Page) -> list[Markup]:
    """Return each move from where to where, and of a chain what is left empty in place of the open post."""
    lines = []
    moves = {m["person_id"]: m for m in s.facts.get("moves", ())}
    for member in s.members:
        to = member.labels.get(page.lang, member.target)
        move = moves.get(member.person_id)
        line = Markup("{} → {}").format(page.person(member.person_id, s.names), to)
        if move:
            here = _("from %(place)s", place=page.place(move["from_post"], move["from_unit"]))
            part = ", " + _("with a part of the post") if move.get("part") else ""
            line += Markup(' <span class="note">({}{})</span>').format(here, part)
        lines.append(line)
    empty = s.facts.get("left_empty")
    if empty:
        last = next((m for m in moves.values() if m["from_post"] == empty), None)
        place = page.place(empty, last["from_unit"] if last else "")
        lines.append(Markup("<em>{}</em> {}").format(_("Left empty instead:"), place))
    return lines


def place_words(graph: CompetenceGraph, posts: Mapping[str, Post], place: str, language: str, unit_id: str = "") -> str:
    """Say a place by unit and title; one that the data of today lack by its unit alone, else by its id."""
    post_id, _sign, role_id = place.partition("#")
    post = posts.get(post_id)
    unit_id = unit_id or (post.unit_id if post else "")
    shares = [r for r in post.roles if not role_id or r.role_id == role_id] if post else []
    roles = graph.taxonomy.roles
    titles = [roles[r.role_id].label(language) if r.role_id and r.role_id in roles else r.title for r in shares]
    unit = graph.unit_name(unit_id)
    return f"{unit}: {', '.join(titles)}" if titles else unit or place


def _lines(s: Suggestion, page: Page) -> list[Markup]:
    facts, found = s.facts, []
    if s.kind == "experts":
        if facts.get("units"):
            found.append(escape(", ".join(facts["units"])))
        if facts.get("busy"):
            mentees, lately = facts.get("mentees", 0), facts.get("asked_lately", 0)
            said = [ngettext("%(num)s mentee", "%(num)s mentees", mentees)] if mentees else []
            said += [ngettext("%(num)s request lately", "%(num)s requests lately", lately)] if lately else []
            found.append(escape(_("Has this to do already: %(what)s", what=join(said, page.lang))))
    if s.kind == "teams" and "women" in facts:
        women, men, unstated = (facts.get(name, 0) for name in ("women", "men", "not_stated"))
        said = [ngettext("%(num)s woman", "%(num)s women", women), ngettext("%(num)s man", "%(num)s men", men)]
        said += [_("%(count)s not stated", count=unstated)] if unstated else []
        found.append(escape(", ".join(said)))
    if facts.get("started"):
        found.append(escape(_("Began on %(day)s", day=facts["started"])))
    if facts.get("mentor_waits"):
        why = rule_sentence(facts["mentor_waits"], page.lang)
        found.append(
            escape(_("%(who)s has no mentor in turn: %(why)s.")) % {"who": page.person(s.people[1], s.names), "why": why}
        )
    left = facts.get("topics_not_covered") or ()
    concepts = page.graph.taxonomy.concepts
    if left:
        names = join((concepts[c].label(page.lang) for c in left if c in concepts), page.lang)
        if names:
            found.append(escape(_("Wished for too, but not found here: %(topics)s", topics=names)))
    return found


def _parts(s: Suggestion, other: Alternative, page: Page) -> str:
    """Say by measure how much more the suggestion gives than another choice."""
    parts = sorted(other.difference.items(), key=lambda d: (-abs(d[1]), d[0]))
    # What three decimals show as nothing is left out where something else is there to say.
    told = [p for p in parts if abs(p[1]) >= _SHOWN] or [p for p in parts if abs(p[1]) > _EQUAL]
    return join((f"{measure_name(s.kind, m, page.lang)} {signed(d)}" for m, d in told), page.lang)


def signed(value: float) -> str:
    """Write a difference with its sign."""
    return f"{'+' if value >= 0 else '−'}{decimal(abs(value), 3)}"


def _runner_up(s: Suggestion, page: Page) -> Markup | None:
    then = s.runner_up
    if then is None:
        return None
    who, parts = page.people(then.people, s.names), _parts(s, then, page)
    if not parts:
        return page.said("explain.runner_up_equal", who=who)
    return page.said("explain.runner_up", who=who, difference=decimal(s.score - then.score, 3), parts=parts)


def _other(s: Suggestion, other: Alternative, page: Page, partners: Mapping[str, Sequence[str]]) -> Markup:
    """Say one other choice, what it costs or whom it leaves without, and where it falls short."""
    if s.kind == "teams":
        places = dict(zip(other.people, ("{out}", "{new}"), strict=True))
        out, new = (page.person(p, s.names) for p in other.people)
        return escape(exchange_line(other, places, page.lang)).format(out=out, new=new)
    # The cost is the least that the whole loses: that it is at least nothing says nothing.
    key = "explain.alternative" if other.cost is None or other.cost < _SHOWN else "explain.alternative_cost"
    key = "explain.alternative_time" if s.kind == "experts" else key
    key = "explain.alternative_displaces" if other.displaces else key
    # Of a pair the first is the same in every choice.
    ids = other.people[1:] if s.kind == "pairs" and other.people[:1] == s.people[:1] else other.people
    cost = "" if other.cost is None else decimal(other.cost, 3)
    line = page.said(key, who=page.people(ids, s.names), score=decimal(other.score, 3), cost=cost)
    now = [p for p in partners.get(other.people[-1], ()) if p not in s.people]
    if other.displaces and now:
        line += " " + escape(_("%(who)s is proposed with %(others)s now.")) % {
            "who": page.people(ids, s.names),
            "others": page.people(now, s.names),
        }
    parts = _parts(s, other, page)
    if parts:
        line += Markup(' <span class="note">{}</span>').format(_("The proposal gives, by measure: %(parts)s.", parts=parts))
    return line
