"""Commands on what people can do together: units as bearers of competence, what lies unused, roles within reach.

Each reads the files, calls the library and prints what the result says of itself; ``--out`` writes the whole table.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import click

from competence._texts import text
from competence.cli._options import Call, exit_code, lang_option, load_taxonomy, suggesting_options
from competence.errors import InputError, UnreadableFileError
from competence.model import Visibility

if TYPE_CHECKING:
    import pandas as pd

    from competence.staff import Staff

__all__ = ["group_of_maps"]


class Table(Protocol):
    """What every result can be written as."""

    def to_dict(self) -> dict[str, Any]: ...
    def to_frame(self) -> pd.DataFrame: ...


class Told(Table, Protocol):
    """A result that says in words what it holds."""

    def explain(self, lang: str = "sv") -> str: ...


@click.group(name="map")
def group_of_maps() -> None:
    """Show what units and people can do together, what lies unused, and which roles are within reach."""


def finish(ctx: click.Context, call: Call, result: Told, staff: Staff, *frame: str) -> None:
    """Print what a result says, write it whole where asked, and end with the exit code of the reading."""
    call.ticker.stage("write")
    if call.out is not None:
        write_result(result, call.out, *frame)
    call.ticker.close()
    click.echo(result.explain(call.lang))
    if call.out is not None:
        click.echo(text("cli.written", call.lang, path=call.out))
    ctx.exit(exit_code(staff))


def write_result(result: Table, out: Path, *frame: str) -> None:
    """Write a result as JSON, or its table as a workbook of one sheet."""
    if out.suffix.lower() == ".json":
        out.write_text(json.dumps(result.to_dict(), ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
        return
    from competence.io import write_tables

    table = result.to_frame(*frame)
    rows = table.astype(object).where(table.notna(), None).to_dict("records")
    write_tables({type(result).__name__: rows}, out)


@group_of_maps.command(name="group")
@suggesting_options
@click.option("--unit", help="A unit with those below it, by name or id.")
@click.option(
    "--person", "people", multiple=True, metavar="ID", help="In place of a unit: these people. May be given several times."
)
@click.pass_context
def group_command(ctx: click.Context, unit: str | None, people: tuple[str, ...]) -> None:
    """Show what the people of a unit in FILES cover together of what their roles ask for, and who adds what."""
    from competence.group import group_map

    call = Call.of(ctx)
    if (unit is None) == (not people):
        raise InputError(text("cli.group_rule", call.lang))
    graph = call.graph(call.read())
    finish(ctx, call, group_map(graph, unit if unit is not None else people), graph.staff, call.lang)


@group_of_maps.command(name="merge")
@suggesting_options
@click.option("--unit", "units", multiple=True, required=True, metavar="UNIT", help="A unit to be joined. Give at least two.")
@click.pass_context
def merge_command(ctx: click.Context, units: tuple[str, ...]) -> None:
    """Show what joining units in FILES changes: what becomes covered, what stays short, what only one of them has."""
    from competence.group import merge_units

    call = Call.of(ctx)
    graph = call.graph(call.read())
    finish(ctx, call, merge_units(graph, units), graph.staff, call.lang)


@group_of_maps.command(name="unused")
@suggesting_options
@click.option("--units", multiple=True, metavar="UNIT", help="Only this unit and those below it. May be given several times.")
@click.option("--people", multiple=True, metavar="ID", help="Only these people. May be given several times.")
@click.pass_context
def unused_command(ctx: click.Context, units: tuple[str, ...], people: tuple[str, ...]) -> None:
    """List what people in FILES can and no role of theirs asks for, and where it would be wanted."""
    from competence.group import unused_competence

    call = Call.of(ctx)
    graph = call.graph(call.read())
    found = unused_competence(graph, people=people or None, units=units or None)
    finish(ctx, call, found, graph.staff, call.lang)


@group_of_maps.command(name="reach")
@suggesting_options
@click.option("--person", required=True, metavar="ID", help="Whose roles within reach.")
@click.option("--n", type=click.IntRange(min=1), default=10, show_default=True, help="How many roles at most.")
@click.pass_context
def reach_command(ctx: click.Context, person: str, n: int) -> None:
    """List the roles that somebody in FILES covers best, what is missing, and which rules stand in the way."""
    from competence.transitions import roles_within_reach

    call = Call.of(ctx)
    graph = call.graph(call.read())
    reach = roles_within_reach(graph, person, n=n)
    call.ticker.stage("write")
    if call.out is not None:
        write_result(reach, call.out)
    call.ticker.close()
    for move in reach:
        click.echo(move.explain(call.lang))
        click.echo("")
    if call.out is not None:
        click.echo(text("cli.written", call.lang, path=call.out))
    ctx.exit(exit_code(graph.staff))


@group_of_maps.command(name="transition")
@click.argument("from_role")
@click.argument("to_role")
@click.option(
    "--taxonomy", "place", type=click.Path(path_type=Path), help="Folder or zip of a taxonomy (default: the municipal one)."
)
@lang_option
@click.pass_context
def transition_command(ctx: click.Context, from_role: str, to_role: str, place: Path | None) -> None:
    """Say how much of what TO_ROLE asks for FROM_ROLE gives, what is missing, and which rules stand in the way.

    Roles are named by id or by title.
    """
    from competence.transitions import transition

    lang = ctx.meta["competence.lang"]
    click.echo(transition(load_taxonomy(place), from_role, to_role).explain(lang))


_KINDS = click.option(
    "--kind",
    type=click.Choice(["published", "named"]),
    default="published",
    show_default=True,
    help="published: figures for women, men and total, small ones hidden. named: for whoever may see the persons.",
)
_UNITS = click.option("--units", multiple=True, metavar="UNIT", help="Only this unit, by name or id. May be given several times.")
_ROWS = click.option("--rows", type=click.IntRange(min=1), default=40, show_default=True, help="Lines shown; --out writes all.")


def of_kind(ctx: click.Context, kind: str) -> Call:
    """Read the shared options. What is published counts only what everybody may see, whatever the audience of persons."""
    call = Call.of(ctx)
    return replace(call, audience=Visibility.ORGANISATION.value) if kind == "published" else call


def read_need(path: Path, lang: str) -> list[dict[str, object]]:
    """Read a table of a future need: the first sheet or the file, with the delimiter and the encoding it happens to have."""
    from competence.io._files import grids_of

    grids = grids_of(path).grids
    filled = [row for grid in grids[:1] for row in grid.rows if any(cell not in (None, "") for cell in row)]
    if not filled:
        raise UnreadableFileError(text("cli.map.no_need", lang, file=path.name))
    headings = [str(cell).strip() for cell in filled[0]]
    # A cell that is empty says nothing of its column, which then keeps its default; a text file has numbers as text.
    return [
        {h: int(c) if h in ("level", "count") and isinstance(c, str) and c.strip().isdecimal() else c for h, c in cells if h}
        for row in filled[1:]
        if (cells := [(h, c) for h, c in zip(headings, row, strict=False) if c not in (None, "")])
    ]


def lay_out(ctx: click.Context, call: Call, result: Table, staff: Staff, rows: int, *frame: str) -> None:
    """Print the first lines of a result's table, write all of it where asked, and end with the exit code of the reading."""
    call.ticker.stage("write")
    if call.out is not None:
        write_result(result, call.out, *frame)
    table = result.to_frame(*frame)
    call.ticker.close()
    # Hidden cells are dots, as in the statistics of authorities.
    shown = table.head(rows).astype(object).where(table.head(rows).notna(), "..")
    click.echo(shown.to_string(index=False) if len(table) else text("cli.map.none", call.lang))
    if len(table) > rows:
        click.echo(text("cli.map.more", call.lang, shown=rows, count=len(table)))
    if call.out is not None:
        click.echo(text("cli.written", call.lang, path=call.out))
    ctx.exit(exit_code(staff))


@group_of_maps.command(name="heat")
@suggesting_options
@_UNITS
@click.option(
    "--concept", "concepts", multiple=True, metavar="ID", help="Only this competence, by id. May be given several times."
)
@_KINDS
@_ROWS
@click.pass_context
def heat_command(ctx: click.Context, units: tuple[str, ...], concepts: tuple[str, ...], kind: str, rows: int) -> None:
    """Count who holds what in each unit of FILES, with level and confidence."""
    from competence.organisation import heat_map

    call = of_kind(ctx, kind)
    graph = call.graph(call.read())
    found = heat_map(graph, units=units or None, concepts=concepts or None, kind=kind)
    lay_out(ctx, call, found, graph.staff, rows, call.lang)


@group_of_maps.command(name="gaps")
@suggesting_options
@_UNITS
@click.option("--people", multiple=True, metavar="ID", help="In place of units: this person. May be given several times.")
@click.option(
    "--need",
    type=click.Path(path_type=Path),
    metavar="TABLE",
    help="In place of both: a future need as .xlsx or .csv with the columns concept, level, count, unit and by (a date).",
)
@_ROWS
@click.pass_context
def gaps_command(ctx: click.Context, units: tuple[str, ...], people: tuple[str, ...], need: Path | None, rows: int) -> None:
    """Set what people and units in FILES can beside what their roles, or a future need, ask for."""
    from competence.organisation import gap_table

    call = of_kind(ctx, "named" if people else "published")
    asked = None if need is None else read_need(need, call.lang)
    graph = call.graph(call.read())
    found = gap_table(graph, people=people or None, units=units or None, need=asked)
    lay_out(ctx, call, found, graph.staff, rows)


@group_of_maps.command(name="points")
@suggesting_options
@_UNITS
@_KINDS
@_ROWS
@click.pass_context
def points_command(ctx: click.Context, units: tuple[str, ...], kind: str, rows: int) -> None:
    """Count, or list by --kind named, what in FILES hangs on one single person."""
    from competence.organisation import single_points

    call = of_kind(ctx, kind)
    graph = call.graph(call.read())
    lay_out(ctx, call, single_points(graph, units=units or None, kind=kind), graph.staff, rows)


@group_of_maps.command(name="departures")
@suggesting_options
@_UNITS
@click.option(
    "--by", metavar="DATE|AGE BAND", help='Who has left by a date, or an age band such as "60+" (default: all end dates).'
)
@_KINDS
@_ROWS
@click.pass_context
def departures_command(ctx: click.Context, units: tuple[str, ...], by: str | None, kind: str, rows: int) -> None:
    """Show which competences units in FILES lose holders of, and what falls below what is needed."""
    from competence.organisation import departures

    call = of_kind(ctx, kind)
    graph = call.graph(call.read())
    lay_out(ctx, call, departures(graph, by=by, units=units or None, kind=kind), graph.staff, rows)


@group_of_maps.command(name="bridges")
@suggesting_options
@_KINDS
@_ROWS
@click.pass_context
def bridges_command(ctx: click.Context, kind: str, rows: int) -> None:
    """Show how the units of FILES are tied by what their people can, and which stand alone."""
    from competence.organisation import bridges

    call = of_kind(ctx, kind)
    graph = call.graph(call.read())
    lay_out(ctx, call, bridges(graph, kind=kind), graph.staff, rows)


@group_of_maps.command(name="circles")
@suggesting_options
@click.option("--topic", required=True, metavar="WORDS", help="What the circle is about, in Swedish or English or a concept id.")
@_UNITS
@click.option("--n", type=click.IntRange(min=1), default=3, show_default=True, help="How many circles at most.")
@click.pass_context
def circles_command(ctx: click.Context, topic: str, units: tuple[str, ...], n: int) -> None:
    """Bring 4 to 8 people of different units in FILES together around a topic, among those who are willing."""
    from competence.organisation import circles

    call = Call.of(ctx)
    graph = call.graph(call.read())
    found = circles(graph, topic, n=n, units=units or None, seed=call.seed)
    call.ticker.stage("write")
    if call.out is not None:
        write_result(found, call.out)
    call.ticker.close()
    click.echo("\n\n".join(circle.explain(call.lang) for circle in found.circles) or text("cli.map.none", call.lang))
    if call.out is not None:
        click.echo(text("cli.written", call.lang, path=call.out))
    ctx.exit(exit_code(graph.staff))


@group_of_maps.command(name="snapshot")
@suggesting_options
@click.option(
    "--before", type=click.Path(path_type=Path), metavar="FILE", help="An earlier snapshot: what has changed since is shown."
)
@_ROWS
@click.pass_context
def snapshot_command(ctx: click.Context, before: Path | None, rows: int) -> None:
    """Write the published figures of FILES to --out as .json, to be compared with later ones; it holds no person."""
    from competence.organisation import Snapshot, compare, snapshot

    call = of_kind(ctx, "published")
    if (call.out is None and before is None) or (call.out is not None and call.out.suffix.lower() != ".json"):
        raise InputError(text("cli.map.snapshot_rule", call.lang))
    earlier = None if before is None else Snapshot.from_json(before.read_text(encoding="utf-8"))
    graph = call.graph(call.read())
    now = snapshot(graph)
    if call.out is not None:
        call.out.write_text(now.to_json() + "\n", encoding="utf-8")
    if earlier is not None:
        changes = compare(earlier, now).to_frame()
        click.echo(changes.head(rows).astype(object).where(changes.head(rows).notna(), "..").to_string(index=False))
    call.ticker.close()
    if call.out is not None:
        click.echo(text("cli.written", call.lang, path=call.out))
    ctx.exit(exit_code(graph.staff))
