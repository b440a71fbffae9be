"""Commands on what people can do together: units as bearers of competence, what lies unused, roles within reach.

Each reads the files, calls the library and prints what the result says of itself; ``--out`` writes the whole table.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import click

from competence._texts import text
from competence.cli._options import Call, exit_code, lang_option, load_taxonomy, suggesting_options
from competence.errors import InputError

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
