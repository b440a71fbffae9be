"""The one result type of all five suggestions: ranked, with reasons, what was left out and figures by sex.

A :class:`Suggestion` is the smallest thing one can say yes or no to. :class:`Suggestions` holds them with the Outcome,
the rules, everybody left out and why, and what is needed to make the same result again. Nothing is decided here.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, overload

import numpy as np
from numpy.typing import NDArray

from competence._texts import text
from competence.equality import GroupRow, GroupTable, TableKind, sex_columns
from competence.errors import InputError
from competence.explain import by_sex_lines, join, measure_name, outcome_sentence, reason_sentence, rule_sentence, word
from competence.model import Outcome, Reason, Status, Visibility
from competence.settings import Settings
from competence.suggest._rotation_lines import agreement_lines
from competence.suggest._teams_lines import exchange_line, plan_lines

if TYPE_CHECKING:
    import pandas as pd

    from competence.graph import CompetenceGraph

__all__ = ["COLUMNS", "Alternative", "LeftOut", "LeftOutRow", "Member", "Provenance", "Suggestion", "Suggestions"]

COLUMNS = ("rank", "target", "person_id", "part", "score", "why")
"""First columns of every ``to_frame``, whatever the kind."""

_FORMAT = "competence.suggestions/1"

_ROWS = (*COLUMNS, "name", "suggestion")
_SHEETS = {
    # The last column is for decisions; suggest.answers reads them back.
    "suggestions": (*_ROWS, "choice"),
    "reasons": (
        "rank",
        "measure",
        "measure_name",
        "person_id",
        "name",
        "concept_id",
        "value",
        "weight",
        "contribution",
        "evidence",
        "sentence",
    ),
    "left_out": ("person_id", "rule", "detail", "why"),
    "by_sex": ("measure", "women", "men", "total", "share_women", "share_men"),
    "about": ("what", "value"),
    "neutral": _ROWS,
}
"""Columns of each sheet, in order; their headings stand in ``_texts`` under ``[column]``."""


@dataclass(frozen=True, slots=True)
class Member:
    """A person's part in a suggestion; ``target`` is what the part is about, such as the unit moved to.

    ``labels`` say the target in words, keyed by ``sv`` and ``en``, where they differ.
    """

    person_id: str
    part: str
    target: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Alternative:
    """Another choice in place of this one: who, its score, and at least what it would cost the whole objective.

    ``difference`` says by measure how much more the suggestion itself contributes than this one. ``displaces`` says that
    somebody else would then go without, which no score outweighs; ``cost`` is then None.
    """

    people: tuple[str, ...]
    score: float
    cost: float | None = None
    difference: Mapping[str, float] = field(default_factory=dict)
    displaces: bool = False


@dataclass(frozen=True, slots=True)
class LeftOutRow:
    """Who got nothing, and the named rule that says why."""

    person_id: str
    rule: str
    detail: str = ""


class LeftOut(Sequence[LeftOutRow]):
    """Everybody considered who is in no suggestion, one row each, with the rule that decided it.

    Of a large staff the rows are made when they are first read; how many there are, and by which rule, is known before.
    """

    def __init__(self, rows: Iterable[LeftOutRow] = ()) -> None:
        self._made: tuple[LeftOutRow, ...] | None = tuple(rows)
        self._make: Callable[[], tuple[LeftOutRow, ...]] | None = None
        self._len = len(self._made)
        self._counts: dict[str, int] | None = None

    @classmethod
    def of_codes(
        cls,
        person_ids: Sequence[str],
        rows: NDArray[np.int64],
        codes: NDArray[np.int8],
        rules: Sequence[str],
        details: Mapping[int, str],
    ) -> Self:
        """Hold the rule of each person as a code, without a record per person.

        Parameters
        ----------
        person_ids : sequence of str
            Ids by row.
        rows, codes : ndarray of int, shape (n_left_out,)
            Who, in the order of ids, and the position of the rule in ``rules``.
        details : Mapping of row to str
            What is to be told beside the rule.
        """

        def make() -> tuple[LeftOutRow, ...]:
            pairs = zip(rows.tolist(), codes.tolist(), strict=True)
            return tuple(LeftOutRow(person_ids[row], rules[code], details.get(row, "")) for row, code in pairs)

        held = cls()
        held._made, held._make, held._len = None, make, len(rows)
        found, first, number = np.unique(codes, return_index=True, return_counts=True)
        # The rule that removed most first; of equals the one met first, as a count over the rows would give.
        by_number = np.lexsort((first, -number))
        held._counts = {rules[int(found[k])]: int(number[k]) for k in by_number}
        return held

    @property
    def _rows(self) -> tuple[LeftOutRow, ...]:
        if self._made is None:
            self._made = self._make() if self._make else ()
            # What it was made from belongs to the graph, which may be large.
            self._make = None
        return self._made

    def __getstate__(self) -> dict[str, object]:
        return {"_made": self._rows, "_make": None, "_len": self._len, "_counts": self._counts}

    @overload
    def __getitem__(self, index: int) -> LeftOutRow: ...
    @overload
    def __getitem__(self, index: slice) -> LeftOut: ...
    def __getitem__(self, index: int | slice) -> LeftOutRow | LeftOut:
        return LeftOut(self._rows[index]) if isinstance(index, slice) else self._rows[index]

    def __len__(self) -> int:
        return self._len

    def __iter__(self) -> Iterator[LeftOutRow]:
        return iter(self._rows)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, LeftOut) and self._rows == other._rows

    def __hash__(self) -> int:
        return hash(self._rows)

    def __repr__(self) -> str:
        return f"LeftOut({self.counts})"

    @property
    def counts(self) -> dict[str, int]:
        """People per rule, the rule that removed most first."""
        if self._counts is None:
            self._counts = dict(Counter(r.rule for r in self._rows).most_common())
        return dict(self._counts)

    def to_frame(self, lang: str = "sv") -> pd.DataFrame:
        """Return person_id, rule, detail and the rule in words."""
        import pandas as pd

        rows = [[r.person_id, r.rule, r.detail, rule_sentence(r.rule, lang)] for r in self._rows]
        return pd.DataFrame(rows, columns=["person_id", "rule", "detail", "why"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    """One draft that a named human accepts, edits or rejects.

    Parameters
    ----------
    kind : str
        experts, pairs, rotation, teams or validations.
    rank : int
        From 1, the best first.
    members : tuple of Member
        Who, and in which part.
    target : str
        What it is about: concept ids, a unit, a team name; language-free.
    labels : Mapping
        The target in words, keyed by ``sv`` and ``en``.
    score : float
        In [0, 1], the exact sum of the contributions of ``reasons``.
    reasons : tuple of Reason
        The largest contribution first.
    rules : tuple of str
        Names of the hard rules it passed.
    alternatives : tuple of Alternative
        Other choices, the best first.
    runner_up : Alternative or None
        Of kinds that are ranked one by one, the next in rank, with the difference by measure.
    ask_first : tuple of str
        Ids of the members who have not been asked whether they want to take part.
    facts : Mapping
        What the kind adds, as plain JSON values.
    """

    kind: str
    rank: int
    members: tuple[Member, ...]
    target: str
    labels: Mapping[str, str]
    score: float
    reasons: tuple[Reason, ...]
    rules: tuple[str, ...] = ()
    alternatives: tuple[Alternative, ...] = ()
    runner_up: Alternative | None = None
    ask_first: tuple[str, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def people(self) -> tuple[str, ...]:
        """Ids of the members, in the order of their parts."""
        return tuple(m.person_id for m in self.members)

    @property
    def everybody(self) -> frozenset[str]:
        """Ids of all that the suggestion speaks of: members, other choices, managers to ask and those its reasons name."""
        others = (*self.alternatives, *([self.runner_up] if self.runner_up else []))
        people = set(self.people) | {p for a in others for p in a.people} | set(self.facts.get("ask_managers", ()))
        return frozenset(people | {r.person_id for r in self.reasons if r.person_id})

    def why(self, lang: str = "sv") -> str:
        """Say the two reasons that contribute most in one line."""
        return " ".join(reason_sentence(self.kind, r, lang, self.names) for r in self.reasons[:2])

    def explain(self, lang: str = "sv", *, names: bool = True, to: str = "manager") -> str:
        """Say who, what, each reason with its contribution, the rules passed, the alternatives and what was not used.

        Parameters
        ----------
        lang : str
            ``sv`` or ``en``.
        names : bool
            False shows ids instead of names.
        to : str
            ``manager``, or the id of a member: then it is said to that person, without ranks or other choices, and with
            how to object (REQ-AI-3).

        Raises
        ------
        InputError
            If ``to`` is neither ``manager`` nor a member.
        """
        known = self.names if names else {}
        own = next((m for m in self.members if m.person_id == to), None)
        if own is None and to != "manager":
            raise InputError(f"to must be manager or one of {', '.join(self.people)}; got {to!r}")

        def called(person_id: str) -> str:
            return known.get(person_id) or person_id

        told = [m for m in self.members if m is not own]
        who = join((f"{called(m.person_id)} ({word(f'part.{m.part}', lang)})" for m in told), lang)
        target = self.labels.get(lang, self.target)
        if own is None:
            head = text(f"explain.{self.kind}", lang, who=who, target=target, rank=self.rank)
        else:
            own_target = own.labels.get(lang) or own.target or target
            head = text(f"explain.person.{self.kind}", lang, part=word(f"part.{own.part}", lang), target=own_target, who=who)
        lines = [head, text("explain.score", lang, score=_number(self.score, lang))]
        lines += [
            f"  {_signed(r.contribution, lang)}  {measure_name(self.kind, r.measure, lang)}: "
            f"{reason_sentence(self.kind, r, lang, known)}"
            for r in self.reasons
        ]
        if self.rules:
            lines.append(text("explain.rules", lang, rules=join((rule_sentence(r, lang) for r in self.rules), lang)))
        if self.ask_first and own is None:
            lines.append(text("explain.ask_first", lang, who=join((called(p) for p in self.ask_first), lang)))
        if self.runner_up is not None and own is None:
            parts = (f"{measure_name(self.kind, m, lang)} {_signed(d, lang)}" for m, d in self.runner_up.difference.items())
            less = _number(self.score - self.runner_up.score, lang)
            then = join((called(p) for p in self.runner_up.people), lang)
            key = "explain.runner_up" if self.runner_up.difference else "explain.runner_up_equal"
            lines.append(text(key, lang, who=then, difference=less, parts=join(parts, lang)))
        for other in self.alternatives if own is None else ():
            if self.kind == "teams":
                lines.append(f"  {exchange_line(other, known, lang)}")
                continue
            key = "explain.alternative" if other.cost is None else "explain.alternative_cost"
            if self.kind == "experts":
                key = "explain.alternative_time"
            if other.displaces:
                key = "explain.alternative_displaces"
            cost = "" if other.cost is None else _number(other.cost, lang)
            lines.append(
                "  "
                + text(key, lang, who=join((called(p) for p in other.people), lang), score=_number(other.score, lang), cost=cost)
            )
        if self.kind == "rotation":
            lines += agreement_lines(self.facts, known, lang, only="" if own is None else own.person_id)
        if all(m.part == "co_leader" for m in self.members):
            lines.append(text("explain.not_used_leaders", lang))
        else:
            lines.append(not_used(self.kind, lang))
        lines.append(text("explain.draft" if own is None else "change.object.person", lang))
        return "\n".join(lines)


def not_used(kind: str, lang: str) -> str:
    """Say what a kind of suggestion does not read; only teams read sex, and only in stage 2."""
    return text("explain.not_used_teams" if kind == "teams" else "explain.not_used", lang)


def _number(value: float, lang: str) -> str:
    shown = f"{value:.3f}"
    return shown.replace(".", ",") if lang == "sv" else shown


def _signed(value: float, lang: str) -> str:
    return f"{'+' if value >= 0 else '−'}{_number(abs(value), lang)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """What is needed to make the same result again (REQ-AI-2).

    ``scope`` is ``unscoped`` for a library call without role and purpose (REQ-ROLE-3). ``request`` holds the call's
    arguments as plain JSON values.
    """

    library: str
    taxonomy: str
    taxonomy_version: str
    taxonomy_digest: str
    audience: str
    scope: str = "unscoped"
    sources: tuple[tuple[str, str], ...] = ()
    request: Mapping[str, Any] = field(default_factory=dict)
    seed: int = 0


class Suggestions(Sequence[Suggestion]):
    """Ranked suggestions of one kind with their Outcome, who was left out, figures by sex and provenance.

    Attributes
    ----------
    kind : str
        experts, pairs, rotation, teams or validations.
    outcome : Outcome
        Status, objective, bound, gap and method.
    left_out : LeftOut
        Who got nothing, and why.
    by_sex : GroupTable
        Women, men and total considered and suggested (named: counts as they are).
    settings, as_of, provenance
        What it was made with.
    neutral : Suggestions or None
        For teams: stage 1, made with sex hidden.
    notes : tuple of str
        Rule names that say what should be known, such as ``opt_in_not_asked``. Those that compare with a plan not asked
        for are worked out when the notes are first read.
    """

    def __init__(
        self,
        kind: str,
        items: Iterable[Suggestion],
        *,
        outcome: Outcome,
        left_out: LeftOut,
        by_sex: GroupTable,
        settings: Settings,
        as_of: date,
        provenance: Provenance,
        neutral: Suggestions | None = None,
        notes: tuple[str, ...] = (),
        comparison: Callable[[], tuple[str, ...]] | None = None,
    ) -> None:
        self.kind = kind
        self._items = tuple(items)
        self.outcome = outcome
        self.left_out = left_out
        self.by_sex = by_sex
        self.settings = settings
        self.as_of = as_of
        self.provenance = provenance
        self.neutral = neutral
        self._notes = notes
        self._comparison = comparison

    @property
    def notes(self) -> tuple[str, ...]:
        """Rule names that say what should be known, a comparison with another plan first."""
        if self._comparison is not None:
            self._notes, self._comparison = (*self._comparison(), *self._notes), None
        return self._notes

    @property
    def sources(self) -> tuple[tuple[str, str], ...]:
        """Name and SHA-256 of the files it rests on."""
        return self.provenance.sources

    @overload
    def __getitem__(self, index: int) -> Suggestion: ...
    @overload
    def __getitem__(self, index: slice) -> Suggestions: ...
    def __getitem__(self, index: int | slice) -> Suggestion | Suggestions:
        if isinstance(index, slice):
            other = object.__new__(Suggestions)
            other.__dict__.update(self.__dict__)
            other._items = self._items[index]
            return other
        return self._items[index]

    def __len__(self) -> int:
        return len(self._items)

    def __iter__(self) -> Iterator[Suggestion]:
        return iter(self._items)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Suggestions) and self.to_dict() == other.to_dict()

    def __hash__(self) -> int:
        return hash((self.kind, self.as_of, tuple((s.rank, s.target, s.people, s.score) for s in self._items)))

    def __repr__(self) -> str:
        return f"Suggestions({self.kind}: {len(self)}; {self.outcome})"

    def explain(self, lang: str = "sv") -> str:
        """Say the whole result: how good it is, figures by sex, how many were left out by which rule, and notes."""
        lines = [outcome_sentence(self.outcome, lang), *by_sex_lines(self.by_sex, lang)]
        most = next(iter(self.left_out.counts.items()), None)
        if not self._items and most is not None:
            # Of nothing found, the rule that removed most says where to begin.
            rule, count = most
            lines.append(
                text("explain.removed_most", lang, count=count, total=len(self.left_out), rule=rule_sentence(rule, lang))
            )
        lines += [
            text("explain.left_out", lang, count=n, rule=rule_sentence(rule, lang)) for rule, n in self.left_out.counts.items()
        ]
        if self.kind == "experts" and self.left_out.counts.keys() & _FREE_AGAIN:
            dated = [r for r in self.left_out if r.rule in _FREE_AGAIN and r.detail]
            soonest = sorted(dated, key=lambda r: (r.detail, r.person_id))[:_MOST_TOLD]
            lines += [text("explain.free_again", lang, who=r.person_id, day=r.detail) for r in soonest]
        notes = (*self.notes, *self.outcome.notes)
        if self.kind == "teams":
            lines += plan_lines(self.provenance.request, lang)
            # What the pool is short of stands in those lines, with how many.
            notes = tuple(note for note in notes if not note.startswith("pool_"))
        lines += [rule_sentence(note, lang) for note in notes]
        return "\n".join(lines)

    def to_frame(self, lang: str = "sv") -> pd.DataFrame:
        """Return one row per person and suggestion; the first columns are the same for all kinds (``COLUMNS``)."""
        import pandas as pd

        return pd.DataFrame(self._rows(lang), columns=list(_ROWS))

    def _rows(self, lang: str) -> list[dict[str, Any]]:
        return [
            {
                "rank": s.rank,
                "target": m.labels.get(lang) or m.target or s.labels.get(lang, s.target),
                "person_id": m.person_id,
                "part": m.part,
                "score": s.score,
                "why": s.why(lang),
                "name": s.names.get(m.person_id, ""),
                "suggestion": s.labels.get(lang, s.target),
                "choice": word("choice.pinned", lang) if s.facts.get("pinned") else "",
            }
            for s in self._items
            for m in s.members
        ]

    def to_tables(self, lang: str = "sv") -> dict[str, list[dict[str, Any]]]:
        """Return the sheets of the workbook as lists of rows: suggestions, reasons, left out, by sex, about."""
        reasons = [
            {
                "rank": s.rank,
                "measure": r.measure,
                "measure_name": measure_name(s.kind, r.measure, lang),
                "person_id": r.person_id or "",
                "name": s.names.get(r.person_id or "", ""),
                "concept_id": r.concept_id or "",
                "value": r.value,
                "weight": r.weight,
                "contribution": r.contribution,
                "evidence": ", ".join(r.evidence),
                "sentence": reason_sentence(s.kind, r, lang, s.names),
            }
            for s in self._items
            for r in s.reasons
        ]
        about: list[dict[str, Any]] = [{"what": k, "value": v} for k, v in self._about(lang).items()]
        tables: dict[str, list[dict[str, Any]]] = {
            "suggestions": self._rows(lang),
            "reasons": reasons,
            "left_out": [
                {"person_id": r.person_id, "rule": r.rule, "detail": r.detail, "why": rule_sentence(r.rule, lang)}
                for r in self.left_out
            ],
            "by_sex": [
                {
                    "measure": text(f"group.{row.measure}", lang),
                    "women": row.women,
                    "men": row.men,
                    "total": row.total,
                    "share_women": row.share_women,
                    "share_men": row.share_men,
                }
                for row in self.by_sex.rows
            ],
            "about": about,
        }
        if self.neutral is not None:
            tables["neutral"] = self.neutral._rows(lang)
        return tables

    def _about(self, lang: str) -> dict[str, str]:
        p = self.provenance
        return {
            "kind": self.kind,
            "outcome": outcome_sentence(self.outcome, lang),
            "method": self.outcome.method,
            "objective": "" if self.outcome.objective is None else repr(self.outcome.objective),
            "bound": "" if self.outcome.bound is None else repr(self.outcome.bound),
            "as_of": self.as_of.isoformat(),
            "audience": p.audience,
            "scope": p.scope,
            "library": p.library,
            "taxonomy": f"{p.taxonomy} {p.taxonomy_version} {p.taxonomy_digest[:12]}",
            "sources": "; ".join(f"{name} {digest[:12]}" for name, digest in p.sources),
            "request": json.dumps(dict(p.request), ensure_ascii=False, sort_keys=True),
            "settings": json.dumps(self.settings.to_dict(), ensure_ascii=False, sort_keys=True),
            "not_used": not_used(self.kind, lang),
            "draft": text("explain.draft", lang),
        }

    def to_excel(self, path: str | Path, *, lang: str = "sv") -> Path:
        """Write a workbook with the suggestions, every reason, who was left out, figures by sex and provenance."""
        import pandas as pd

        from competence.io import write_tables

        sheets = {}
        for name, rows in self.to_tables(lang).items():
            # A sheet without rows keeps its headings; a hidden figure stays an empty cell and no number turns into a float.
            frame = pd.DataFrame(rows, columns=list(_SHEETS[name]), dtype=object)
            if "part" in frame:
                frame["part"] = [word(f"part.{part}", lang) for part in frame["part"]]
            sheets[text(f"sheet.{name}", lang)] = frame.rename(columns={c: text(f"column.{c}", lang) for c in _SHEETS[name]})
        return write_tables(sheets, path)

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values; :meth:`from_dict` gives an equal result back."""
        outcome = {k: v for k, v in asdict(self.outcome).items() if k != "seconds"}
        return {
            "format": _FORMAT,
            "kind": self.kind,
            "as_of": self.as_of.isoformat(),
            "outcome": json.loads(json.dumps(outcome)),
            "suggestions": [_suggestion_dict(s) for s in self._items],
            "left_out": [asdict(r) for r in self.left_out],
            "by_sex": self.by_sex.to_dict(),
            "notes": list(self.notes),
            "settings": self.settings.to_dict(),
            "provenance": json.loads(json.dumps(asdict(self.provenance))),
            "neutral": None if self.neutral is None else self.neutral.to_dict(),
        }

    def to_json(self, *, indent: int | None = 1) -> str:
        """Return :meth:`to_dict` as JSON text; equal results give equal text."""
        return json.dumps(self.to_dict(), ensure_ascii=False, indent=indent, sort_keys=True)

    @classmethod
    def from_json(cls, raw: str) -> Self:
        """Read what :meth:`to_json` wrote.

        Raises
        ------
        InputError
            If it is something else.
        """
        try:
            data = json.loads(raw)
        except ValueError as error:
            raise InputError(f"a result must be JSON as to_json writes it; {error}") from None
        if not isinstance(data, Mapping):
            raise InputError(f"a result must be JSON as to_json writes it; got {type(data).__name__}")
        return cls.from_dict(data)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Read what :meth:`to_dict` gave.

        Raises
        ------
        InputError
            If it is not in that format.
        """
        if data.get("format") != _FORMAT:
            raise InputError(f"format must be {_FORMAT!r}; got {data.get('format')!r}")
        outcome = dict(data["outcome"])
        for name in ("conflicts", "notes"):
            outcome[name] = tuple(outcome[name])
        outcome["status"] = Status(outcome["status"])
        provenance = dict(data["provenance"])
        provenance["sources"] = tuple((name, digest) for name, digest in provenance["sources"])
        by_sex = data["by_sex"]
        rows = [GroupRow(r["measure"], r["women"], r["men"], r["total"]) for r in by_sex["rows"]]
        return cls(
            data["kind"],
            [_suggestion_of(s) for s in data["suggestions"]],
            outcome=Outcome(**outcome),
            left_out=LeftOut(LeftOutRow(**r) for r in data["left_out"]),
            by_sex=GroupTable.from_rows(rows, by_sex["kind"]),
            settings=Settings.of(data["settings"]),
            as_of=date.fromisoformat(data["as_of"]),
            provenance=Provenance(**provenance),
            neutral=None if data["neutral"] is None else cls.from_dict(data["neutral"]),
            notes=tuple(data["notes"]),
        )

    # -- making -----------------------------------------------------------------------------------------------------

    @classmethod
    def build(
        cls,
        graph: CompetenceGraph,
        kind: str,
        items: Iterable[Suggestion],
        *,
        outcome: Outcome,
        left_out: Iterable[LeftOutRow],
        considered: Iterable[str] = (),
        considered_rows: NDArray[np.int64] | None = None,
        settings: Settings,
        as_of: date,
        request: Mapping[str, Any],
        seed: int,
        neutral: Suggestions | None = None,
        notes: tuple[str, ...] = (),
        comparison: Callable[[], tuple[str, ...]] | None = None,
    ) -> Self:
        """Join what a suggest function found with names, figures by sex and provenance from the graph.

        ``considered_rows`` in place of ``considered`` says that ``left_out`` holds everybody considered who is in no
        suggestion, in the order of ids; then nothing is done per person. ``comparison`` gives notes that stand before the
        others, when they are first read.
        """
        import competence

        made = list(items)
        if kind in _ONE_BY_ONE:
            made = [replace(s, runner_up=_runner_up(s, then)) for s, then in zip(made, [*made[1:], None], strict=False)]
        named = [
            s
            if s.names
            else replace(s, names={p: graph.people[graph.person_index[p]].name for p in s.everybody if p in graph.person_index})
            for s in made
        ]
        suggested = {p for s in named for p in s.people}
        if considered_rows is not None and isinstance(left_out, LeftOut):
            gone, by_sex = left_out, _counted(graph, {"considered": considered_rows, "suggested": graph.rows(suggested)})
        else:
            everybody = sorted(set(considered))
            nothing = [r for r in left_out if r.person_id not in suggested]
            told = suggested | {r.person_id for r in nothing}
            # Where nothing can be suggested at all, what stopped it is also why each person got nothing.
            whole = next(iter(outcome.conflicts), outcome.status.value).partition(":")[0]
            nothing += [LeftOutRow(p, whole) for p in everybody if p not in told]
            # In the order of ids, so that it tells nothing of the order of the file.
            nothing.sort(key=lambda r: (r.person_id, r.rule))
            gone = LeftOut(nothing)
            by_sex = GroupTable(
                {"considered": everybody, "suggested": sorted(suggested)},
                graph.sex,
                kind=TableKind.NAMED,
                settings=settings.equality,
            )
        # Said of every view but a person's own, whether or not anything was left out: else it would tell that somebody
        # keeps something private.
        if graph.audience is not Visibility.PRIVATE:
            notes = (*notes, "narrower_visibility")
        return cls(
            kind,
            named,
            outcome=outcome,
            left_out=gone,
            by_sex=by_sex,
            settings=settings,
            as_of=as_of,
            provenance=Provenance(
                library=competence.__version__,
                taxonomy=graph.taxonomy.id,
                taxonomy_version=graph.taxonomy.version,
                taxonomy_digest=graph.taxonomy.digest,
                audience=graph.audience.value,
                sources=graph.staff.sources,
                request=request,
                seed=seed,
            ),
            neutral=neutral,
            notes=notes,
            comparison=comparison,
        )

    @classmethod
    def empty(
        cls,
        graph: CompetenceGraph,
        kind: str,
        reason: str,
        *,
        settings: Settings,
        as_of: date,
        request: Mapping[str, Any],
        seed: int,
        left_out: Iterable[LeftOutRow] = (),
        considered: Iterable[str] = (),
        notes: tuple[str, ...] = (),
    ) -> Self:
        """Return a result without suggestions that says by name why the data cannot feed the call."""
        return cls.build(
            graph,
            kind,
            (),
            outcome=Outcome(status=Status.EMPTY, conflicts=(reason,)),
            left_out=left_out,
            considered=considered,
            settings=settings,
            as_of=as_of,
            request=request,
            seed=seed,
            notes=notes,
        )


def _counted(graph: CompetenceGraph, groups: Mapping[str, NDArray[np.int64]]) -> GroupTable:
    """Count rows of the graph by sex, as a named GroupTable of their ids does."""
    column = graph.once("sex_columns", lambda: sex_columns(graph.person_ids, graph.sex))
    counts = {measure: np.bincount(column[rows], minlength=3) for measure, rows in groups.items()}
    return GroupTable.from_rows([GroupRow(m, int(c[0]), int(c[1]), int(c.sum())) for m, c in counts.items()], TableKind.NAMED)


_ONE_BY_ONE = frozenset({"experts", "validations"})
"""Kinds whose suggestions are ranked one by one, so that the next in rank is the runner-up."""


def _by_measure(suggestion: Suggestion) -> dict[str, float]:
    sums: dict[str, float] = {}
    for reason in suggestion.reasons:
        sums[reason.measure] = sums.get(reason.measure, 0.0) + reason.contribution
    return sums


def _runner_up(suggestion: Suggestion, then: Suggestion | None) -> Alternative | None:
    """Return the next in rank, with how much more each measure gives the suggestion; measures that are equal are left out."""
    if then is None:
        return None
    own, other = _by_measure(suggestion), _by_measure(then)
    parts = {m: own.get(m, 0.0) - other.get(m, 0.0) for m in sorted({*own, *other})}
    parts = {m: d for m, d in sorted(parts.items(), key=lambda p: (-abs(p[1]), p[0])) if abs(d) > _EQUAL}
    return Alternative(then.people, then.score, difference=parts)


_EQUAL = 1e-9
_FREE_AGAIN = frozenset({"resting", "asked_at_cap", "mentees_at_cap"})
"""Rules of load, whose detail is the day on which the person is free again."""
_MOST_TOLD = 5


def _suggestion_dict(suggestion: Suggestion) -> dict[str, Any]:
    data = asdict(suggestion)
    # An edit of "people" would not change "members"; the ids stand once.
    return dict(json.loads(json.dumps(data)))


def _suggestion_of(data: Mapping[str, Any]) -> Suggestion:
    reasons = tuple(Reason(**{**r, "evidence": tuple(r["evidence"]), "path": tuple(r["path"])}) for r in data["reasons"])
    return Suggestion(
        kind=data["kind"],
        rank=data["rank"],
        members=tuple(Member(**m) for m in data["members"]),
        target=data["target"],
        labels=data["labels"],
        score=data["score"],
        reasons=reasons,
        rules=tuple(data["rules"]),
        alternatives=tuple(_alternative_of(a) for a in data["alternatives"]),
        runner_up=None if data.get("runner_up") is None else _alternative_of(data["runner_up"]),
        ask_first=tuple(data["ask_first"]),
        facts=data["facts"],
        names=data["names"],
    )


def _alternative_of(data: Mapping[str, Any]) -> Alternative:
    # Files of before these were told have none.
    difference, displaces = data.get("difference", {}), data.get("displaces", False)
    return Alternative(tuple(data["people"]), data["score"], data["cost"], difference, displaces)
