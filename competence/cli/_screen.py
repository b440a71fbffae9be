"""What stands on the screen: a plan as a table with its outcome, and what was read with every Problem.

Only words and layout; every figure comes from the library.
"""

from __future__ import annotations

import json
import shutil
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from competence._texts import keys, text
from competence.errors import Problem, ProblemEffect

if TYPE_CHECKING:
    from competence.graph import CompetenceGraph
    from competence.linking import Corrections
    from competence.staff import Staff
    from competence.suggest.result import Suggestion, Suggestions
    from competence.taxonomy import LocalLayer, Taxonomy

__all__ = ["print_check", "print_plan", "problem_lines", "title_of", "word_lines", "write_check", "write_words"]

_SHOWN = 5
"""Places shown per kind of Problem, and half the words per list, unless all are asked for."""
_ROWS_SHOWN = 12
_ALWAYS_WHOLE = frozenset({"table_missing"})
"""What is not had without a table is said for each table, and there are ten at most."""
_SEXES = (("women", "women"), ("men", "men"), ("unstated", "not_stated"))
_LEAST_ROOM = 24
_NARROW, _WIDE = 80, 110
"""Fewest characters a table is laid out for, and what is taken where the output is no terminal."""


def title_of(read: Taxonomy, lang: str) -> str:
    """Return the title in the language asked for, else in any."""
    return read.titles.get(lang) or read.title


def _number(value: float, lang: str, form: str = ".3f") -> str:
    shown = format(value, form)
    return shown.replace(".", ",") if lang == "sv" else shown


def _width() -> int:
    return max(_NARROW, shutil.get_terminal_size((_WIDE, 24)).columns)


def _table(
    headings: Sequence[str],
    rows: Iterable[Sequence[Sequence[str]]],
    widest: Sequence[int],
    *,
    right: Sequence[int] = (),
    apart: bool = False,
) -> list[str]:
    """Lay out rows of cells of lines under headings.

    The last column takes what room is left, the others at most ``widest``; columns in ``right`` are set to the right, and
    ``apart`` puts an empty line after each row.
    """
    cells = [[[line for part in cell for line in part.splitlines() or [""]] for cell in row] for row in rows]
    fixed = []
    for k, most in enumerate(widest):
        natural = max([len(headings[k]), *(len(line) for row in cells for line in row[k])])
        fixed.append(min(natural, most))
    # A long cell of names gives way before the reasons do.
    while _width() - sum(fixed) - 2 * len(fixed) < _LEAST_ROOM and max(fixed) > _LEAST_ROOM:
        fixed[fixed.index(max(fixed))] -= 1
    room = max(_LEAST_ROOM, _width() - sum(fixed) - 2 * len(fixed))
    widths = [*fixed, room]
    blocks = [_laid([[h] for h in headings], widths, right), ["-" * (sum(fixed) + 2 * len(fixed) + room)]]
    for row in cells:
        wrapped = [[piece for line in cell for piece in _wrap(line, width)] for cell, width in zip(row, widths, strict=True)]
        blocks.append([*_laid(wrapped, widths, right), *([""] if apart else [])])
    return [line.rstrip() for block in blocks for line in block]


def _wrap(line: str, width: int) -> list[str]:
    """Break a line, its own indent kept and two more for what follows."""
    indent = line[: len(line) - len(line.lstrip())]
    return textwrap.wrap(line, width, subsequent_indent=f"{indent}  ") or [""]


def _laid(cells: Sequence[Sequence[str]], widths: Sequence[int], right: Sequence[int]) -> list[str]:
    height = max(len(cell) for cell in cells)
    lines = []
    for i in range(height):
        parts = [cell[i] if i < len(cell) else "" for cell in cells]
        lines.append(
            "  ".join(p.rjust(w) if k in right else p.ljust(w) for k, (p, w) in enumerate(zip(parts, widths, strict=True)))
        )
    return lines


def print_plan(plan: Suggestions, graph: CompetenceGraph, lang: str, *, names: bool, explain: bool) -> None:
    """Print what was asked, the suggestions, how good they are, figures by sex and who was left out."""
    from competence.suggest.result import not_used

    click.echo(text(f"cli.kind.{plan.kind}", lang))
    for line in _understood(plan.provenance.request, graph, lang):
        click.echo(line)
    click.echo("")
    if len(plan) and explain:
        for suggestion in plan:
            click.echo(suggestion.explain(lang, names=names) + "\n")
    elif len(plan):
        heads = [text(f"cli.head.{name}", lang) for name in ("rank", "people", "target", "score", "why")]
        for line in _table(heads, (_plan_row(s, lang, names) for s in plan), (3, 44, 30, 5), right=(0,), apart=True):
            click.echo(line)
    click.echo(plan.explain(lang))
    if len(plan) and not explain:
        leaders = plan.provenance.request.get("purpose") == "co_leaders"
        click.echo(text("explain.not_used_leaders", lang) if leaders else not_used(plan.kind, lang))
        click.echo(text("explain.draft", lang))


def _plan_row(suggestion: Suggestion, lang: str, names: bool) -> list[list[str]]:
    """Return the cells of one suggestion; what only one member does stands under that member."""
    from competence.explain import reason_sentence

    known = suggestion.names if names else {}
    several_parts = len({m.part for m in suggestion.members}) > 1
    who = []
    for member in suggestion.members:
        name = known.get(member.person_id)
        line = f"{name} ({member.person_id})" if name else member.person_id
        who.append(f"{line}, {text(f'part.{member.part}', lang)}" if several_parts else line)
        if suggestion.kind == "rotation":
            who.append(f"  \u2192 {member.labels.get(lang, member.target)}")
    target = [suggestion.labels.get(lang, suggestion.target)]
    if suggestion.kind == "experts":
        who += [f"  {unit}" for unit in suggestion.facts.get("units", ())]
    elif suggestion.kind == "rotation":
        target = _ring(suggestion, lang)
        if suggestion.facts.get("chain"):
            # What is left empty ends the label of a chain.
            before, after = text("rotation.chain", lang, steps="\0", empty="\0").split("\0")[1:]
            empty = suggestion.labels.get(lang, "").rpartition(before)[2].removesuffix(after)
            who.append(f"  {before.strip(' .')} {empty}")
    elif suggestion.kind == "teams":
        counts = {name: suggestion.facts.get(key, 0) for name, key in _SEXES}
        target.append(text("cli.team.sexes_unstated" if counts["unstated"] else "cli.team.sexes", lang, **counts))
    why = [reason_sentence(suggestion.kind, reason, lang, known) for reason in suggestion.reasons[:2]]
    return [[str(suggestion.rank)], who, target, [_number(suggestion.score, lang)], why]


def _ring(suggestion: Suggestion, lang: str) -> list[str]:
    """Say whether it is a cycle or a chain, of how many, in which period and for how long."""
    facts = suggestion.facts
    lines = [text("cli.chain" if facts.get("chain") else "cli.cycle", lang, count=len(suggestion.members))]
    if "period" in facts:
        lines.append(text("cli.period", lang, period=facts["period"]))
    if facts.get("try_out"):
        lines.append(text("cli.weeks", lang, weeks=facts["weeks"]))
    if facts.get("pinned"):
        lines.append(text("choice.pinned", lang))
    return lines


def _understood(request: Mapping[str, Any], graph: CompetenceGraph, lang: str) -> list[str]:
    """Say what each word asked for was taken to mean, and which words were not understood."""
    needs = [request.get("need") or request.get("topics"), *(task.get("need") for task in request.get("tasks") or ())]

    def label(concept_id: str) -> str:
        concept = graph.taxonomy.concepts.get(concept_id)
        return concept.label(lang) if concept else concept_id

    lines = []
    items = [item for asked in needs if isinstance(asked, Mapping) for item in asked.get("items", ())]
    unclear = [item for asked in needs if isinstance(asked, Mapping) for item in asked.get("not_understood", ())]
    for item in items:
        said = {"words": item["words"], "label": label(item["concept_id"]), "level": item["level"]}
        if item["count"] > 1:
            lines.append(text("cli.need.understood_count", lang, **said, count=item["count"]))
        else:
            lines.append(text("cli.need.understood", lang, **said))
    for item in unclear:
        near = ", ".join(label(concept_id) for concept_id, _ in item["nearest"][:3]) or text("cli.need.none_near", lang)
        lines.append(text("cli.need.not_understood", lang, words=item["words"], nearest=near))
    return lines


# -- what was read ------------------------------------------------------------------------------------------------------


def _table_name(table: str, lang: str) -> str:
    if table == "linking":
        return text("cli.check.linking", lang)
    return text(f"table.{table}.name", lang) if f"table.{table}.name" in keys(lang) else table


def print_check(staff: Staff, taxonomy: Taxonomy, lang: str, everything: bool) -> None:
    """Print rows read, kept and set aside, every Problem with its remedy, and what was not understood."""
    heads = [text(f"cli.head.{name}", lang) for name in ("table", "read", "kept", "set_aside", "file")]
    rows = [[[_table_name(c.table, lang)], [str(c.read)], [str(c.kept)], [str(c.set_aside)], [c.file]] for c in staff.row_counts]
    for line in _table(heads, rows, (24, 8, 8, 12), right=(1, 2, 3)):
        click.echo(line)
    read, kept = sum(c.read for c in staff.row_counts), sum(c.kept for c in staff.row_counts)
    click.echo(text("cli.check.read", lang, read=read, kept=kept, set_aside=read - kept))
    click.echo(text("cli.check.as_of", lang, as_of=staff.as_of.isoformat()))
    click.echo(
        text(
            "cli.check.people",
            lang,
            people=len(staff.people),
            units=len(staff.units),
            posts=len(staff.filled_posts),
            statements=len(staff.statements),
            evidence=len(staff.evidence),
        )
    )
    click.echo("")
    # Titles that were not understood have a list of their own below.
    told = [p for p in staff.problems if p.code != "title_unlinked"]
    lines = problem_lines(told, lang, everything)
    click.echo(text("cli.check.problems" if lines else "cli.check.no_problems", lang))
    for line in lines:
        click.echo(line)
    if staff.linked:
        for line in _linked_lines(staff, taxonomy, lang, everything):
            click.echo(line)


def problem_lines(problems: Iterable[Problem], lang: str, everything: bool) -> list[str]:
    """Say every Problem by what it did, then by kind: where, what is wrong, and what to do."""
    effects = list(ProblemEffect)
    # Equal faults in the same column of the same sheet are one line with all their rows.
    places: dict[tuple[int, str], dict[tuple[str, str, str, str], list[Problem]]] = {}
    for problem in problems:
        kind = (effects.index(problem.effect), problem.code)
        place = (
            problem.file or _table_name(problem.table, lang),
            problem.column or "",
            problem.message(lang),
            problem.remedy(lang),
        )
        places.setdefault(kind, {}).setdefault(place, []).append(problem)
    lines: list[str] = []
    said: int | None = None
    for (effect, code), found in sorted(
        places.items(), key=lambda kind: (kind[0][0], -sum(map(len, kind[1].values())), kind[0][1])
    ):
        if effect != said:
            lines += ["", text(f"cli.effect.{effects[effect].value}", lang).upper()]
            said = effect
        shown = list(found.items()) if everything or code in _ALWAYS_WHOLE else list(found.items())[:_SHOWN]
        for (file, column, message, _), told in shown:
            where = ", ".join(part for part in (file, column, _rows(told, lang, everything)) if part)
            lines += textwrap.wrap(
                f"{where}: {message}" if where else message, _width(), initial_indent="  ", subsequent_indent="    "
            )
        if len(found) > len(shown):
            lines.append("  " + text("cli.check.more", lang, count=len(found) - len(shown)))
        for remedy in dict.fromkeys(remedy for (_, _, _, remedy), _ in shown):
            lines += textwrap.wrap(f"\u2192 {remedy}", _width(), initial_indent="    ", subsequent_indent="      ")
    return lines


def _rows(problems: Sequence[Problem], lang: str, everything: bool) -> str:
    rows = sorted({p.row for p in problems if p.row is not None})
    if not rows:
        return text("cli.check.times", lang, count=len(problems)) if len(problems) > 1 else ""
    shown = ", ".join(map(str, rows if everything else rows[:_ROWS_SHOWN]))
    if len(rows) > _ROWS_SHOWN and not everything:
        shown = text("cli.check.more_rows", lang, rows=shown, count=len(rows) - _ROWS_SHOWN)
    return text("cli.check.rows", lang, rows=shown)


def _linked_lines(staff: Staff, taxonomy: Taxonomy, lang: str, everything: bool) -> list[str]:
    """Say how many titles and statements were understood, and list the words that were not."""
    titles = staff.title_links.values()
    lines = ["", text("cli.check.titles", lang, linked=sum(t.role_id is not None for t in titles), total=len(titles))]
    own = [s for s in staff.statements if not s.heading]
    gave = {e.statement_id for e in staff.evidence}
    lines.append(text("cli.check.words", lang, linked=sum(s.statement_id in gave for s in own), total=len(own)))
    kinds: dict[str, list[tuple[str, int, str]]] = {}
    for left in staff.unlinked:
        kinds.setdefault(left.kind, []).append((left.words, left.count, _nearest(left.nearest, taxonomy, lang)))
    # The headings, evidence and requirements that were not understood became local concepts, which are Problems above.
    for kind in ("title", "statement", "wish", "negated", "interest"):
        words = sorted(kinds.get(kind, ()), key=lambda w: (-w[1], w[0]))
        if not words:
            continue
        shown = words if everything else words[: 2 * _SHOWN]
        said = text(f"cli.unlinked.{kind}", lang)
        lines += ["", text("cli.check.titles_unlinked", lang) if kind == "title" else text("cli.check.unlinked", lang, kind=said)]
        heads = [text(f"cli.head.{name}", lang) for name in ("words", "count", "nearest")]
        rows = [[[written], [str(count)], [near]] for written, count, near in shown]
        lines += [f"  {line}" for line in _table(heads, rows, (50, 6), right=(1,))]
        if len(words) > len(shown):
            lines.append("  " + text("cli.check.more", lang, count=len(words) - len(shown)))
    return lines


def _nearest(nearest: Iterable[tuple[str, float]], taxonomy: Taxonomy, lang: str) -> str:
    labels = []
    for key, _ in nearest:
        record = taxonomy.concepts.get(key) or taxonomy.roles.get(key)
        labels.append(record.label(lang) if record else key)
    return ", ".join(labels[:3])


def write_check(staff: Staff, taxonomy: Taxonomy, path: Path, lang: str) -> None:
    """Write what was read and every Problem as a workbook or JSON."""
    if path.suffix.lower() == ".json":
        whole = {
            "as_of": staff.as_of.isoformat(),
            "sources": [{"file": name, "sha256": digest} for name, digest in staff.sources],
            "rows": [asdict(c) for c in staff.row_counts],
            "problems": [{**asdict(p), "message": p.message(lang), "remedy": p.remedy(lang)} for p in staff.problems],
            "titles": [asdict(t) for t in staff.title_links.values()],
            "unlinked": [asdict(u) for u in staff.unlinked],
        }
        path.write_text(json.dumps(whole, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
        return
    from competence.io import write_tables

    def head(name: str) -> str:
        return text(f"cli.head.{name}", lang)

    tables = {
        "rows": [
            {
                head("file"): c.file,
                head("table"): _table_name(c.table, lang),
                head("read"): c.read,
                head("kept"): c.kept,
                head("set_aside"): c.set_aside,
            }
            for c in staff.row_counts
        ],
        "problems": [
            {
                head("effect"): text(f"cli.effect.{p.effect.value}", lang),
                head("file"): p.file,
                head("rows"): p.row,
                head("column"): p.column,
                head("message"): p.message(lang),
                head("remedy"): p.remedy(lang),
                head("count"): p.count,
                head("code"): p.code,
            }
            for p in staff.problems
        ],
        "titles": [
            {head("words"): t.title, head("role"): t.role_id or "", head("label"): t.label, head("probability"): t.probability}
            for t in staff.title_links.values()
        ],
        "unlinked": [
            {
                head("words"): u.words,
                head("kind"): text(f"cli.unlinked.{u.kind}", lang),
                head("count"): u.count,
                head("nearest"): _nearest(u.nearest, taxonomy, lang),
            }
            for u in staff.unlinked
        ],
    }
    write_tables({text(f"cli.sheet.{name}", lang): rows for name, rows in tables.items()}, path)


def word_lines(staff: Staff, taxonomy: Taxonomy, corrections: Corrections, lang: str, everything: bool) -> list[str]:
    """List the words to settle, the most frequent first, and the own terms that may be the same as something else."""
    from competence.linking import similar_local_terms, unknown_words

    table = unknown_words(staff, taxonomy, corrections=corrections, lang=lang).to_dict("records")
    count = sum(int(row["count"]) for row in table)
    lines = [text("cli.words.unknown", lang, words=len(table), count=count, chosen=len(corrections.in_force))]
    shown = table if everything else table[: 4 * _SHOWN]
    if shown:
        heads = [text(f"cli.head.{name}", lang) for name in ("words", "kind", "count", "nearest")]
        cells = [
            [
                [str(row["words"])],
                [text(f"cli.unlinked.{row['kind']}", lang)],
                [str(row["count"])],
                [row[f"nearest_{n}"] for n in range(1, 4) if row[f"nearest_{n}"]] or ["–"],
            ]
            for row in shown
        ]
        lines += ["", *_table(heads, cells, (40, 20, 6), right=(2,))]
    if len(table) > len(shown):
        lines.append(text("cli.check.more", lang, count=len(table) - len(shown)))
    similar = similar_local_terms(staff, taxonomy, lang=lang)
    if similar:
        lines += ["", text("cli.words.similar", lang, count=len(similar))]
        for term in similar if everything else similar[: 4 * _SHOWN]:
            why = text(f"cli.words.{term.reason.value}", lang)
            lines.append(f"  {term.label} ({term.count}) → {term.target_label}: {why}, {100 * term.likeness:.0f} %")
        if len(similar) > 4 * _SHOWN and not everything:
            lines.append("  " + text("cli.check.more", lang, count=len(similar) - 4 * _SHOWN))
    return lines


def write_words(staff: Staff, taxonomy: Taxonomy, corrections: Corrections, merged: LocalLayer, path: Path, lang: str) -> None:
    """Write the words to settle with the choices made so far under them, and the terms to merge on a second sheet."""
    from competence.io import write_tables
    from competence.linking import similar_local_terms, unknown_words

    def head(name: str) -> str:
        return text(f"cli.words.head.{name}", lang)

    unknown = unknown_words(staff, taxonomy, corrections=corrections, lang=lang).to_dict("records")
    similar = similar_local_terms(staff, taxonomy, lang=lang)
    if path.suffix.lower() == ".json":
        terms = [asdict(term) for term in similar]
        chosen = [{**row, "day": str(row["day"] or "")} for row in corrections.to_frame().to_dict("records")]
        whole = {"as_of": staff.as_of.isoformat(), "unknown": unknown, "chosen": chosen, "similar": terms}
        path.write_text(json.dumps(whole, ensure_ascii=False, indent=1, default=str) + "\n", encoding="utf-8")
        return
    columns = [*(unknown_words(staff, taxonomy).columns), "undone_by", "undone_day"]
    rows: list[dict[Any, Any]] = [{**row, "kind": text(f"cli.unlinked.{row['kind']}", lang)} for row in unknown]
    rows += corrections.to_frame().to_dict("records")
    words = [{_word_head(column, lang): row.get(column, "") for column in columns} for row in rows]
    merges = [
        {
            head("term"): term.label,
            head("count"): term.count,
            head("target_label"): term.target_label,
            head("why"): text(f"cli.words.{term.reason.value}", lang),
            head("likeness"): round(term.likeness, 2),
            head("merge"): "",
            head("id"): term.id,
            head("term_kind"): term.kind.value,
            head("target"): term.target_id,
        }
        for term in similar
    ]
    for row in merged.rows:
        # A merge that was said yes to, as chosen_merges made it: it goes on holding in the next workbook.
        own = row.id.startswith("local:") and not row.target
        merges.append(
            {
                head("term"): row.also_sv[0] if own else row.label_sv,
                head("target_label"): row.label_sv if own else "",
                head("merge"): text("cli.words.yes", lang),
                head("id"): row.id,
                head("term_kind"): row.kind,
                head("target"): row.id if own else row.target[0],
            }
        )
    tables = {text("cli.words.sheet", lang): words or [{_word_head(column, lang): "" for column in columns}]}
    if merges:
        tables[text("cli.words.merge_sheet", lang)] = merges
    write_tables(tables, path)


def _word_head(column: str, lang: str) -> str:
    name, _, number = column.partition("_")
    return f"{text('cli.words.head.nearest', lang)} {number}" if name == "nearest" else text(f"cli.words.head.{column}", lang)
