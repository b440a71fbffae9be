"""The ``competence`` command: files in, a table on the screen, and the same calls as from Python.

This module reads options, calls the library and prints. It decides nothing but words on a screen and exit codes: 0
everything was kept, 1 rows were set aside (the result is still printed), 2 something could not be read or is not
allowed, with one line on stderr. The library is loaded inside the commands, so that ``--help`` answers at once.
"""

from __future__ import annotations

import errno
import json
import re
import shutil
import sys
import textwrap
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from competence import __version__
from competence._texts import LANGUAGES, keys, text
from competence.errors import CompetenceError, InputError, MissingExtraError, Problem, ProblemEffect, UnreadableFileError
from competence.model import Need, NeedItem, Visibility

if TYPE_CHECKING:
    from competence.graph import CompetenceGraph
    from competence.settings import Settings
    from competence.staff import Staff
    from competence.suggest.result import Suggestion, Suggestions
    from competence.taxonomy import Taxonomy

__all__ = ["cli", "main"]

_GROUP = "competence.commands"
_OF_THE_SERVICE = {
    "serve": "Start the web service (extra: service).",
    "migrate": "Bring the service's database up to date (extra: service).",
}
_OUT = (".xlsx", ".json")
_UNREADABLE = frozenset(
    f"file_{why}"
    for why in ("missing", "no_access", "empty", "damaged", "password", "too_large", "too_many_cells", "not_a_table")
)
_SHOWN = 5
"""Places shown per kind of Problem, and words per list, unless all are asked for."""
_ROWS_SHOWN = 12
_NARROW, _WIDE = 80, 110
"""Fewest characters a table is laid out for, and what is taken where the output is no terminal."""


class _Failure(click.ClickException):
    """Ends a command with one line on stderr and exit code 2."""

    exit_code = 2

    def show(self, file: Any = None) -> None:
        click.echo(self.message, file=file, err=file is None)


class _Commands(click.Group):
    """The group of commands; other installed packages add theirs by the entry-point group ``competence.commands``."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*super().list_commands(ctx), *_OF_THE_SERVICE, *_installed()})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        own = super().get_command(ctx, cmd_name)
        if own is not None:
            return own
        point = _installed().get(cmd_name)
        if point is None:
            return _missing(cmd_name) if cmd_name in _OF_THE_SERVICE else None
        try:
            command = point.load()
        except ImportError:
            return _missing(cmd_name)
        return command if isinstance(command, click.Command) else None

    def invoke(self, ctx: click.Context) -> Any:
        lang = "sv"
        try:
            return super().invoke(ctx)
        except click.ClickException as error:
            if error.exit_code != 1:
                raise
            # 1 means that rows were set aside, so a refused call ends in 2, whoever refused it.
            raise _Failure(error.format_message()) from error
        except ModuleNotFoundError as error:
            if ctx.invoked_subcommand not in _OF_THE_SERVICE:
                raise
            raise _Failure(_install_line(str(ctx.invoked_subcommand))) from error
        except UnreadableFileError as error:
            lang = ctx.meta.get("competence.lang", lang)
            raise _Failure(text("cli.error", lang, message=_unreadable_line(error, lang))) from error
        except (CompetenceError, OSError) as error:
            if isinstance(error, OSError) and error.errno == errno.EPIPE:
                # Whoever read our output has had enough; click ends such a run quietly.
                raise
            lang = ctx.meta.get("competence.lang", lang)
            raise _Failure(text("cli.error", lang, message=_one_line(error))) from error


def _installed() -> Mapping[str, Any]:
    """Return the entry points of other packages by command name, not loaded."""
    from importlib.metadata import entry_points

    return {point.name: point for point in entry_points(group=_GROUP)}


def _missing(name: str) -> click.Command:
    """Return a command that says how to install the extra it belongs to."""

    def say() -> None:
        raise _Failure(_install_line(name))

    return click.Command(
        name, callback=say, help=_OF_THE_SERVICE.get(name, ""), context_settings={"ignore_unknown_options": True}
    )


def _install_line(command: str) -> str:
    return str(MissingExtraError(text("cli.missing_extra", "sv", command=command)))


def _unreadable_line(error: UnreadableFileError, lang: str) -> str:
    """Say in the user's language which file could not be read, and what to do."""
    problem = error.problem
    return _one_line(error) if problem is None else f"{problem.file}: {problem.message(lang)} {problem.remedy(lang)}"


def _one_line(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    return " ".join(str(error).split())


# -- options ------------------------------------------------------------------------------------------------------------

_Command = TypeVar("_Command", bound=Callable[..., object])


def _keep(ctx: click.Context, param: click.Parameter, value: Any) -> Any:
    """Lay an option that many commands share in the context, where :class:`_Call` finds it."""
    ctx.meta[f"competence.{param.name}"] = value
    return value


def _options(*options: Callable[[_Command], _Command]) -> Callable[[_Command], _Command]:
    def apply(command: _Command) -> _Command:
        for option in reversed(options):
            command = option(command)
        return command

    return apply


def _lang_option(command: _Command) -> _Command:
    return click.option(
        "--lang",
        type=click.Choice(LANGUAGES),
        default="sv",
        show_default=True,
        envvar="COMPETENCE_LANG",
        expose_value=False,
        is_eager=True,
        callback=_keep,
        help="Language of the output.",
    )(command)


_reading = _options(
    click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path), expose_value=False, callback=_keep),
    click.option(
        "--columns",
        multiple=True,
        metavar="HEADING=FIELD",
        expose_value=False,
        callback=_keep,
        help='What a heading means where it is not understood, such as "Anst.nr=person_id". May be given several times.',
    ),
    click.option(
        "--scale",
        metavar="SCALE",
        expose_value=False,
        callback=_keep,
        help="How marks of a competence matrix become levels 1-5: 1-3, 1-4, 1-5, or pairs such as 1=1,2=3,3=5.",
    ),
    click.option(
        "--as-of",
        type=click.DateTime(["%Y-%m-%d"]),
        metavar="DATE",
        expose_value=False,
        callback=_keep,
        help="The date everything is counted from (default: the latest date in the files).",
    ),
    click.option(
        "--taxonomy",
        type=click.Path(path_type=Path),
        expose_value=False,
        callback=_keep,
        help="Folder or zip of a taxonomy (default: the municipal one that comes along).",
    ),
    click.option(
        "--settings",
        type=click.Path(path_type=Path),
        metavar="FILE",
        expose_value=False,
        callback=_keep,
        help="Settings as .toml or .json (default: those shipped).",
    ),
    click.option(
        "--out",
        type=click.Path(path_type=Path, dir_okay=False),
        metavar="FILE",
        expose_value=False,
        callback=_keep,
        help="Write the whole result to this file too: .xlsx or .json.",
    ),
    click.option(
        "--progress/--no-progress",
        default=None,
        expose_value=False,
        callback=_keep,
        help="Tell on stderr how far the work has come (default: when stderr is a terminal).",
    ),
    _lang_option,
)

_suggesting = _options(
    _reading,
    click.option(
        "--audience",
        type=click.Choice([Visibility.ORGANISATION.value, Visibility.UNIT.value, Visibility.MANAGER.value]),
        default=Visibility.UNIT.value,
        show_default=True,
        expose_value=False,
        callback=_keep,
        help=(
            "Whose eyes the result is for. Evidence that is narrower is left out and counted in nothing. unit: what people "
            "show their unit, their own words among it. organisation: only what everybody may see. manager: also what only "
            "the manager may see. What a person keeps private is never used."
        ),
    ),
    click.option(
        "--explain", is_flag=True, expose_value=False, callback=_keep, help="Print every reason, not only the two largest."
    ),
    click.option(
        "--names/--ids", default=True, expose_value=False, callback=_keep, help="Show names with ids (default), or ids only."
    ),
    click.option("--seed", type=int, default=0, show_default=True, expose_value=False, callback=_keep, help="Orders equals."),
)

_people = _options(
    click.option(
        "--units",
        multiple=True,
        metavar="UNIT",
        help="Only this unit and those below it, by name or id. May be given several times.",
    ),
    click.option("--people", multiple=True, metavar="ID", help="Only these people. May be given several times."),
)

_budget = _options(
    click.option("--effort", type=click.IntRange(min=0), help="Budget of the solver in steps (default: the solver's own)."),
    click.option(
        "--time-limit", type=click.FloatRange(min=0), metavar="SECONDS", help="Stop the solver after this time, as a guard."
    ),
)

_cutoff = click.option("--cutoff", type=click.FloatRange(0, 1), help="Lowest score or fit that is kept (default: the settings').")


def _need_options(flag: str, required: bool) -> Callable[[_Command], _Command]:
    return _options(
        click.option(
            flag,
            multiple=True,
            required=required,
            metavar="WORDS[=LEVEL[:COUNT]]",
            help="What is asked for, in Swedish or English or a concept id; the level 1-5 that is asked; how many people must "
            "hold it. May be given several times.",
        ),
        click.option(
            "--level", type=click.IntRange(1, 5), default=1, show_default=True, help="Level asked where the words do not say."
        ),
    )


# -- one call -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class _Call:
    """What the shared options of one command say."""

    files: tuple[Path, ...]
    columns: Mapping[str, str]
    scale: Mapping[int | str, int] | str | None
    as_of: date | None
    taxonomy: Path | None
    settings: Path | None
    out: Path | None
    audience: str
    explain: bool
    names: bool
    seed: int
    lang: str
    ticker: _Ticker

    @classmethod
    def of(cls, ctx: click.Context) -> _Call:
        """Read the shared options, and refuse what can be refused before any work is done."""

        def given(name: str, default: Any = None) -> Any:
            return ctx.meta.get(f"competence.{name}", default)

        lang = given("lang", "sv")
        day: datetime | None = given("as_of")
        progress = given("progress")
        return cls(
            files=given("files"),
            columns=_columns(given("columns", ()), lang),
            scale=_scale(given("scale"), lang),
            as_of=day.date() if day else None,
            taxonomy=given("taxonomy"),
            settings=given("settings"),
            out=_out(given("out"), lang),
            audience=given("audience", Visibility.UNIT.value),
            explain=given("explain", False),
            names=given("names", True),
            seed=given("seed", 0),
            lang=lang,
            ticker=_Ticker(sys.stderr.isatty() if progress is None else progress, lang),
        )

    def load_settings(self) -> Settings:
        from competence.settings import Settings

        return Settings() if self.settings is None else Settings.read(self.settings)

    def load_taxonomy(self) -> Taxonomy:
        return _taxonomy(self.taxonomy)

    def read(self) -> Staff:
        """Read the files, not linked."""
        from competence.io import read_staff

        self.ticker.stage("read")
        source = self.files[0] if len(self.files) == 1 else list(self.files)
        return read_staff(source, columns=self.columns or None, scale=self.scale, as_of=self.as_of)

    def graph(self, staff: Staff) -> CompetenceGraph:
        """Link the words and join the evidence."""
        from competence.graph import build_graph
        from competence.linking import Linker, link_statements

        settings, taxonomy = self.load_settings(), self.load_taxonomy()
        self.ticker.stage("link")
        linker = Linker.fit(taxonomy, settings=settings)
        linked = link_statements(staff, taxonomy, linker=linker, settings=settings)
        self.ticker.stage("graph")
        graph = build_graph(linked, taxonomy, linker=linker, audience=self.audience, settings=settings)
        self.ticker.stage("solve")
        return graph

    def finish(self, ctx: click.Context, plan: Suggestions, graph: CompetenceGraph) -> None:
        """Print a result, write it where asked, and end with the exit code of the reading."""
        self.ticker.stage("write")
        if self.out is not None:
            if self.out.suffix.lower() == ".json":
                self.out.write_text(plan.to_json() + "\n", encoding="utf-8")
            else:
                plan.to_excel(self.out, lang=self.lang)
        self.ticker.close()
        _print_plan(plan, graph, self)
        if self.out is not None:
            click.echo(text("cli.written", self.lang, path=self.out))
        code = _exit_code(graph.staff)
        if code:
            aside = sum(c.set_aside for c in graph.staff.row_counts)
            key = "cli.unreadable" if code > 1 else "cli.set_aside"
            click.echo(text(key, self.lang, count=aside), err=True)
        ctx.exit(code)


class _Ticker:
    """Tells on stderr which stage a call is in and how many steps the solver has done."""

    def __init__(self, shown: bool, lang: str) -> None:
        self._shown = shown
        self._live = shown and sys.stderr.isatty()
        self._lang = lang
        self._stage = ""
        self._last = 0.0

    def stage(self, name: str) -> None:
        """Say that the next stage begins."""
        self._stage = text(f"cli.progress.{name}", self._lang)
        self._write(self._stage)

    def __call__(self, steps: int, phase: str) -> bool:
        """Take the solver's progress; always go on."""
        now = time.monotonic()
        if self._shown and now - self._last >= (0.2 if self._live else 5.0):
            self._write(text("cli.progress.steps", self._lang, stage=self._stage, steps=steps))
        return True

    def close(self) -> None:
        """Clear the line, so that the result stands alone."""
        if self._live:
            click.echo("\r\033[K", nl=False, err=True)

    def _write(self, line: str) -> None:
        self._last = time.monotonic()
        if self._live:
            click.echo(f"\r\033[K{line} …", nl=False, err=True)
        elif self._shown:
            click.echo(line, err=True)


def _taxonomy(path: Path | None) -> Taxonomy:
    from competence.taxonomy import Taxonomy

    return Taxonomy.bundled() if path is None else Taxonomy.read(path)


def _exit_code(staff: Staff) -> int:
    if any(p.code in _UNREADABLE for p in staff.problems):
        return 2
    return 1 if any(c.set_aside for c in staff.row_counts) else 0


def _columns(pairs: Sequence[str], lang: str) -> dict[str, str]:
    found = {}
    for pair in pairs:
        # The last sign parts, since a heading may hold one.
        heading, sign, name = pair.rpartition("=")
        if not sign or not heading.strip() or not name.strip():
            raise InputError(text("cli.columns_rule", lang, value=repr(pair)))
        found[heading.strip()] = name.strip()
    return found


def _scale(value: str | None, lang: str) -> Mapping[int | str, int] | str | None:
    if value is None or "=" not in value:
        return value
    steps: dict[int | str, int] = {}
    for pair in value.split(","):
        mark, _, level = (part.strip() for part in pair.partition("="))
        if not mark or not level.isdecimal():
            raise InputError(text("cli.scale_rule", lang, value=repr(value)))
        steps[int(mark) if mark.isdecimal() else mark] = int(level)
    return steps


def _out(path: Path | None, lang: str) -> Path | None:
    """Refuse a file that could not be written, before the work rather than after."""
    if path is None:
        return None
    if path.suffix.lower() not in _OUT:
        raise InputError(text("cli.out_rule", lang, allowed=", ".join(_OUT), value=repr(path.name)))
    if not path.parent.is_dir():
        raise InputError(text("cli.out_folder", lang, value=path.parent))
    return path


def _need(values: Sequence[str], level: int, lang: str) -> Need:
    """Read ``words``, ``words=3`` and ``words=3:2`` (level 3, two people)."""
    items = []
    for value in values:
        words, sign, asked = value.rpartition("=")
        if not sign:
            items.append(NeedItem(words=value.strip(), level=level))
            continue
        match = re.fullmatch(r"\s*([1-5])\s*(?::\s*([1-9]\d*))?\s*", asked)
        if match is None or not words.strip():
            raise InputError(text("cli.need_rule", lang, value=repr(value)))
        items.append(NeedItem(words=words.strip(), level=int(match[1]), count=int(match[2] or 1)))
    return Need(tuple(items))


def _ids(values: Sequence[str], option: str, lang: str, exactly: int | None = 2) -> list[tuple[str, ...]]:
    """Read groups of ids with commas between."""
    found = []
    for value in values:
        ids = tuple(part.strip() for part in value.split(","))
        if not all(ids) or len(ids) < 2 or (exactly is not None and len(ids) != exactly):
            raise InputError(text("cli.pin_rule", lang, option=option, value=repr(value)))
        found.append(ids)
    return found


def _two(values: Sequence[str], option: str, lang: str) -> list[tuple[str, str]]:
    return [(ids[0], ids[1]) for ids in _ids(values, option, lang)]


# -- commands -----------------------------------------------------------------------------------------------------------


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="competence")
def cli() -> None:
    """Map what people can do, and suggest experts, mentoring pairs, rotations, teams and validations.

    FILES are an HR export and what people have said they can do: .xlsx, .ods, .csv, or folders of them.

    Exit codes: 0 everything was kept, 1 rows were set aside (the result is still printed), 2 something could not be read
    or is not allowed.
    """


@cli.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@click.option("--people", type=click.IntRange(8, 60_000), default=2000, show_default=True, help="How many people.")
@click.option("--seed", type=int, default=1, show_default=True, help="Another seed gives other people.")
@_lang_option
@click.pass_context
def example(ctx: click.Context, folder: Path, people: int, seed: int) -> None:
    """Write the example municipality to FOLDER.

    The people are made up. staff.xlsx holds every table as a sheet, export/ the same as cp1252 CSV with ; and decimal
    comma. The same people and seed give the same bytes.
    """
    from competence.example import write_example

    lang = ctx.meta["competence.lang"]
    for path in write_example(folder, people=people, seed=seed):
        click.echo(text("cli.written", lang, path=path))
    click.echo(text("cli.example_written", lang, people=people, seed=seed, path=folder / "staff.xlsx"))


@cli.command()
@_reading
@click.option(
    "--all", "everything", is_flag=True, help="Show every place of every problem, and all words that were not understood."
)
@click.pass_context
def check(ctx: click.Context, everything: bool) -> None:
    """Read FILES and say what was kept, what was set aside, why, and what to do about it."""
    from competence.linking import link_statements

    call = _Call.of(ctx)
    staff = call.read()
    problem: CompetenceError | None = None
    taxonomy = call.load_taxonomy()
    call.ticker.stage("link")
    try:
        staff = link_statements(staff, taxonomy, settings=call.load_settings())
    except CompetenceError as error:
        # What was read is still worth telling.
        problem = error
    call.ticker.stage("write")
    if call.out is not None:
        _write_check(staff, taxonomy, call)
    call.ticker.close()
    _print_check(staff, taxonomy, call, everything)
    if problem is not None:
        raise problem
    if call.out is not None:
        click.echo(text("cli.written", call.lang, path=call.out))
    ctx.exit(_exit_code(staff))


@cli.command()
@_suggesting
@_need_options("--need", required=True)
@_people
@click.option("--n", type=click.IntRange(min=1), default=10, show_default=True, help="How many experts at most.")
@_cutoff
@click.pass_context
def experts(
    ctx: click.Context,
    need: tuple[str, ...],
    level: int,
    units: tuple[str, ...],
    people: tuple[str, ...],
    n: int,
    cutoff: float | None,
) -> None:
    """Find people in FILES who can what is asked for."""
    from competence.suggest.experts import find_experts

    call = _Call.of(ctx)
    asked = _need(need, level, call.lang)
    graph = call.graph(call.read())
    plan = find_experts(graph, asked, n=n, people=people or None, units=units or None, cutoff=cutoff, seed=call.seed)
    call.finish(ctx, plan, graph)


@cli.command()
@_suggesting
@click.option("--mentee", "mentees", multiple=True, metavar="ID", help="Only these mentees. May be given several times.")
@click.option("--mentor", "mentors", multiple=True, metavar="ID", help="Only these mentors. May be given several times.")
@_need_options("--topic", required=False)
@click.option(
    "--goal-role", metavar="ROLE", help="Role id whose gaps are the topics, in place of what the mentees want to learn."
)
@click.option(
    "--capacity", type=click.IntRange(min=0), help="Mentees per mentor where the file does not say (default: the settings')."
)
@click.option("--n", type=click.IntRange(min=0), help="Show only the n best pairs; the plan is made for all.")
@click.option("--stable", is_flag=True, help="Stable pairs (nobody would rather swap) in place of the highest total score.")
@click.option("--pin", multiple=True, metavar="MENTEE,MENTOR", help="A pair that must be. May be given several times.")
@click.option("--forbid", multiple=True, metavar="MENTEE,MENTOR", help="A pair that must not be. May be given several times.")
@_cutoff
@_budget
@click.pass_context
def pairs(
    ctx: click.Context,
    mentees: tuple[str, ...],
    mentors: tuple[str, ...],
    topic: tuple[str, ...],
    level: int,
    goal_role: str | None,
    capacity: int | None,
    n: int | None,
    stable: bool,
    pin: tuple[str, ...],
    forbid: tuple[str, ...],
    cutoff: float | None,
    effort: int | None,
    time_limit: float | None,
) -> None:
    """Pair mentees with mentors in FILES at the highest total score."""
    from competence.suggest.mentoring import pair_mentors

    call = _Call.of(ctx)
    topics = _need(topic, level, call.lang) if topic else None
    pinned, forbidden = _two(pin, "--pin", call.lang), _two(forbid, "--forbid", call.lang)
    graph = call.graph(call.read())
    plan = pair_mentors(
        graph,
        mentees or None,
        mentors=mentors or None,
        topics=topics,
        goal_role=goal_role,
        capacity=capacity,
        n=n,
        stable=stable,
        pinned=pinned,
        forbidden=forbidden,
        cutoff=cutoff,
        effort=effort,
        time_limit=time_limit,
        seed=call.seed,
        progress=call.ticker,
    )
    call.finish(ctx, plan, graph)


@cli.command()
@_suggesting
@_people
@click.option(
    "--months",
    type=click.IntRange(min=1),
    default=6,
    show_default=True,
    help="How long the placements last, with a right to return.",
)
@click.option("--max-cycle", default="3", show_default=True, metavar="2|3|4|none", help="Most people in one chain of moves.")
@click.option("--n", type=click.IntRange(min=0), help="Show only the n best cycles; the plan is made for all.")
@click.option("--lock", multiple=True, metavar="ID", help="Somebody who stays. May be given several times.")
@click.option("--pin", multiple=True, metavar="ID,ID[,ID]", help="A cycle that must be: each moves to the next one's post.")
@click.option(
    "--forbid", multiple=True, metavar="ID,ID", help="The first may not move to the second's post. May be given several times."
)
@_cutoff
@_budget
@click.pass_context
def rotation(
    ctx: click.Context,
    units: tuple[str, ...],
    people: tuple[str, ...],
    months: int,
    max_cycle: str,
    n: int | None,
    lock: tuple[str, ...],
    pin: tuple[str, ...],
    forbid: tuple[str, ...],
    cutoff: float | None,
    effort: int | None,
    time_limit: float | None,
) -> None:
    """Plan who in FILES changes places with whom."""
    from competence.suggest.rotation import plan_rotation

    call = _Call.of(ctx)
    if max_cycle not in ("2", "3", "4", "none"):
        raise InputError(text("cli.cycle_rule", call.lang, value=repr(max_cycle)))
    pinned, forbidden = _ids(pin, "--pin", call.lang, exactly=None), _two(forbid, "--forbid", call.lang)
    graph = call.graph(call.read())
    plan = plan_rotation(
        graph,
        units=units or None,
        people=people or None,
        months=months,
        max_cycle=None if max_cycle == "none" else int(max_cycle),
        n=n,
        locked=lock,
        pinned=pinned,
        forbidden=forbidden,
        cutoff=cutoff,
        effort=effort,
        time_limit=time_limit,
        seed=call.seed,
        progress=call.ticker,
    )
    call.finish(ctx, plan, graph)


@cli.command()
@_suggesting
@_need_options("--need", required=True)
@_people
@click.option("--size", type=click.IntRange(min=2), default=5, show_default=True, help="People per team.")
@click.option("--n", default="1", show_default=True, metavar="N|all", help="How many teams to choose; all places everybody.")
@click.option(
    "--balance",
    type=click.Choice(["no_lone", "balanced", "proportional"]),
    default="no_lone",
    show_default=True,
    help="What stage 2 prefers among equally good teams: nobody the only woman or man, then most teams within 40-60; most "
    "teams within 40-60; or shares as in the pool.",
)
@click.option(
    "--epsilon",
    type=click.FloatRange(0, 0.05),
    default=0.02,
    show_default=True,
    help="How much coverage stage 2 may give up, as a share.",
)
@click.option("--together", multiple=True, metavar="ID,ID", help="Two who must be in one team. May be given several times.")
@click.option("--apart", multiple=True, metavar="ID,ID", help="Two who must not. May be given several times.")
@click.option("--at-most", type=click.IntRange(min=1), help="Most members of one unit in a team.")
@click.option(
    "--purpose",
    type=click.Choice(["project", "steering", "circle", "work_team"]),
    default="project",
    show_default=True,
    help="For work_team, a permanent post, stage 2 is off unless ground and assessment are given.",
)
@click.option("--ground", default="", help="The recorded ground that stage 2 needs for a work team.")
@click.option("--assessment", default="", help="The individual assessment that stage 2 needs for a work team.")
@_budget
@click.pass_context
def teams(
    ctx: click.Context,
    need: tuple[str, ...],
    level: int,
    units: tuple[str, ...],
    people: tuple[str, ...],
    size: int,
    n: str,
    balance: str,
    epsilon: float,
    together: tuple[str, ...],
    apart: tuple[str, ...],
    at_most: int | None,
    purpose: str,
    ground: str,
    assessment: str,
    effort: int | None,
    time_limit: float | None,
) -> None:
    """Form teams of people in FILES that cover a need, then as mixed as that allows."""
    from competence.suggest.teams import form_teams

    call = _Call.of(ctx)
    if n != "all" and not re.fullmatch(r"[1-9]\d*", n):
        raise InputError(text("cli.all_rule", call.lang, value=repr(n)))
    asked = _need(need, level, call.lang)
    kept, parted = _two(together, "--together", call.lang), _two(apart, "--apart", call.lang)
    graph = call.graph(call.read())
    plan = form_teams(
        graph,
        asked,
        people=people or None,
        units=units or None,
        size=size,
        n=None if n == "all" else int(n),
        balance=balance,
        epsilon=epsilon,
        together=kept,
        apart=parted,
        at_most=at_most,
        purpose=purpose,
        ground=ground,
        assessment=assessment,
        effort=effort,
        time_limit=time_limit,
        seed=call.seed,
        progress=call.ticker,
    )
    call.finish(ctx, plan, graph)


@cli.command()
@_suggesting
@_people
@click.option(
    "--stage",
    type=click.Choice(["identified", "documented"]),
    default="documented",
    show_default=True,
    help="Claims that have come this far or less.",
)
@click.option("--n", type=click.IntRange(min=1), default=20, show_default=True, help="How many claims at most.")
@click.pass_context
def validations(ctx: click.Context, units: tuple[str, ...], people: tuple[str, ...], stage: str, n: int) -> None:
    """List claims of people in FILES that would matter most if recognised."""
    from competence.suggest.validations import suggest_validations

    call = _Call.of(ctx)
    graph = call.graph(call.read())
    plan = suggest_validations(graph, people=people or None, units=units or None, stage=stage, n=n, seed=call.seed)
    call.finish(ctx, plan, graph)


@cli.group()
def taxonomy() -> None:
    """Look at a taxonomy, or check it for faults."""


@taxonomy.command(name="check")
@click.argument("path", required=False, type=click.Path(path_type=Path))
@click.option("--all", "everything", is_flag=True, help="Show every place of every fault.")
@_lang_option
@click.pass_context
def taxonomy_check(ctx: click.Context, path: Path | None, everything: bool) -> None:
    """Check the taxonomy at PATH (a folder or zip; default: the municipal one).

    Exit code 1 when there are faults.
    """
    from competence.taxonomy import Taxonomy
    from competence.taxonomy import check as check_taxonomy
    from competence.taxonomy.core import bundled_folders
    from competence.taxonomy.files import read_leniently

    lang = ctx.meta["competence.lang"]
    folders = (place / "municipal" for place in bundled_folders())
    source = path or next((f for f in folders if (f / "about.toml").is_file()), None)
    if source is None:
        # Says which bundled ones there are.
        Taxonomy.bundled()
        return
    problems = check_taxonomy(source)
    read, _ = read_leniently(source)
    faults = sum(p.count for p in problems if p.effect is not ProblemEffect.NOTICE)
    notices = sum(p.count for p in problems) - faults
    shape = {"title": _title(read, lang), "version": read.version, "concepts": len(read.competences), "roles": len(read.roles)}
    click.echo(text("cli.taxonomy.faults", lang, count=faults, **shape) if faults else text("cli.taxonomy.ok", lang, **shape))
    if notices:
        click.echo(text("cli.taxonomy.notices", lang, count=notices))
    for line in _problem_lines(problems, lang, everything):
        click.echo(line)
    ctx.exit(1 if faults else 0)


@taxonomy.command(name="info")
@click.argument("path", required=False, type=click.Path(path_type=Path))
@_lang_option
@click.pass_context
def taxonomy_info(ctx: click.Context, path: Path | None) -> None:
    """Say what the taxonomy at PATH holds (default: the municipal one)."""
    lang = ctx.meta["competence.lang"]
    read = _taxonomy(path)
    asked = [r for role in read.roles.values() for r in role.requirements]
    kinds: dict[str, int] = {}
    for concept in read.competences:
        kinds[concept.kind.value] = kinds.get(concept.kind.value, 0) + 1
    click.echo(text("cli.taxonomy.info", lang, title=_title(read, lang), id=read.id, version=read.version, licence=read.licence))
    click.echo(
        text(
            "cli.taxonomy.counts",
            lang,
            concepts=len(read.competences),
            groups=len(read.concepts) - len(read.competences),
            roles=len(read.roles),
            requirements=len(asked),
            hard=sum(r.hard for r in asked),
        )
    )
    click.echo(text("cli.taxonomy.kinds", lang, kinds=", ".join(f"{kind} {n}" for kind, n in sorted(kinds.items()))))
    if read.sources:
        click.echo(text("cli.taxonomy.sources", lang, sources="; ".join(read.sources)))
    click.echo(text("cli.taxonomy.digest", lang, digest=read.digest))


# -- the screen ---------------------------------------------------------------------------------------------------------


def _title(read: Taxonomy, lang: str) -> str:
    return read.titles.get(lang) or read.title


def _number(value: float, lang: str, form: str = ".3f") -> str:
    shown = format(value, form)
    return shown.replace(".", ",") if lang == "sv" else shown


def _width() -> int:
    return max(_NARROW, shutil.get_terminal_size((_WIDE, 24)).columns)


def _table(
    headings: Sequence[str], rows: Iterable[Sequence[Sequence[str]]], widest: Sequence[int], right: Sequence[int] = ()
) -> list[str]:
    """Lay out rows of cells of lines under headings; the last column takes what room is left, the others at most ``widest``."""
    cells = [[[line for part in cell for line in part.splitlines() or [""]] for cell in row] for row in rows]
    fixed = []
    for k, most in enumerate(widest):
        natural = max([len(headings[k]), *(len(line) for row in cells for line in row[k])])
        fixed.append(min(natural, most))
    room = max(24, _width() - sum(fixed) - 2 * len(fixed))
    widths = [*fixed, room]
    lines = [_laid([[h] for h in headings], widths, right), ["-" * min(_width(), sum(widths) + 2 * len(fixed))]]
    for row in cells:
        wrapped = [
            [piece for line in cell for piece in (textwrap.wrap(line, width, subsequent_indent="  ") or [""])]
            for cell, width in zip(row, widths, strict=True)
        ]
        lines.append(_laid(wrapped, widths, right))
    return [line.rstrip() for block in lines for line in block]


def _laid(cells: Sequence[Sequence[str]], widths: Sequence[int], right: Sequence[int]) -> list[str]:
    height = max(len(cell) for cell in cells)
    lines = []
    for i in range(height):
        parts = [cell[i] if i < len(cell) else "" for cell in cells]
        lines.append(
            "  ".join(p.rjust(w) if k in right else p.ljust(w) for k, (p, w) in enumerate(zip(parts, widths, strict=True)))
        )
    return lines


def _print_plan(plan: Suggestions, graph: CompetenceGraph, call: _Call) -> None:
    """Print what was asked, the suggestions, how good they are, figures by sex and who was left out."""
    from competence.suggest.result import not_used

    lang = call.lang
    click.echo(text(f"cli.kind.{plan.kind}", lang))
    for line in _understood(plan.provenance.request, graph, lang):
        click.echo(line)
    if len(plan):
        click.echo("")
        if call.explain:
            for suggestion in plan:
                click.echo(suggestion.explain(lang, names=call.names) + "\n")
        else:
            heads = [text(f"cli.head.{name}", lang) for name in ("rank", "people", "target", "score", "why")]
            for line in _table(heads, (_plan_row(s, call) for s in plan), (3, 38, 30, 5), right=(0,)):
                click.echo(line)
            click.echo("")
    for line in _stages(plan, lang):
        click.echo(line)
    click.echo(plan.explain(lang))
    if len(plan) and not call.explain:
        click.echo(not_used(plan.kind, lang))
        click.echo(text("explain.draft", lang))


def _plan_row(suggestion: Suggestion, call: _Call) -> list[list[str]]:
    """Return the cells of one suggestion; where a member has a target of its own it stands beside the member."""
    lang, who = call.lang, []
    for member in suggestion.members:
        name = suggestion.names.get(member.person_id, "") if call.names else ""
        line = f"{name} ({member.person_id})" if name else member.person_id
        if len({m.part for m in suggestion.members}) > 1:
            line = f"{line}, {text(f'part.{member.part}', lang)}"
        who.append(line)
    if suggestion.kind == "experts":
        who += list(suggestion.facts.get("units", ()))
    target = suggestion.labels.get(lang, suggestion.target).split(" \u2192 ")
    target = [f"\u2192 {part}" for part in target] if len(target) > 1 else target
    if suggestion.kind == "teams":
        women, men, unstated = (suggestion.facts.get(k, 0) for k in ("women", "men", "not_stated"))
        key = "cli.team.sexes_unstated" if unstated else "cli.team.sexes"
        target.append(
            text(key, lang, women=women, men=men, unstated=unstated) if unstated else text(key, lang, women=women, men=men)
        )
    why = suggestion.why(lang)
    if not call.names:
        why = _without_names(suggestion, lang)
    return [[str(suggestion.rank)], who, target, [_number(suggestion.score, lang)], [why]]


def _without_names(suggestion: Suggestion, lang: str) -> str:
    from competence.explain import reason_sentence

    return " ".join(reason_sentence(suggestion.kind, r, lang) for r in suggestion.reasons[:2])


def _understood(request: Mapping[str, Any], graph: CompetenceGraph, lang: str) -> list[str]:
    """Say what each word asked for was taken to mean, and which words were not understood."""
    asked = request.get("need") or request.get("topics")
    if not isinstance(asked, Mapping):
        return []

    def label(concept_id: str) -> str:
        concept = graph.taxonomy.concepts.get(concept_id)
        return concept.label(lang) if concept else concept_id

    lines = []
    for item in asked.get("items", ()):
        said = {"words": item["words"], "label": label(item["concept_id"]), "level": item["level"]}
        if item["count"] > 1:
            lines.append(text("cli.need.understood_count", lang, **said, count=item["count"]))
        else:
            lines.append(text("cli.need.understood", lang, **said))
    for item in asked.get("not_understood", ()):
        near = ", ".join(label(concept_id) for concept_id, _ in item["nearest"][:3]) or text("cli.need.none_near", lang)
        lines.append(text("cli.need.not_understood", lang, words=item["words"], nearest=near))
    return lines


def _stages(plan: Suggestions, lang: str) -> list[str]:
    """Say what stage 2 of a team plan changed against stage 1."""
    difference = plan.provenance.request.get("difference")
    if not isinstance(difference, Mapping):
        return []
    shares = {k: f"{_number(100 * difference[k], lang, '.0f')} %" for k in ("worst_1", "mean_1", "worst_2", "mean_2")}
    return [text("cli.team.stages", lang, **shares)]


# -- what was read ------------------------------------------------------------------------------------------------------


def _table_name(table: str, lang: str) -> str:
    return text(f"table.{table}.name", lang) if f"table.{table}.name" in keys(lang) else table


def _print_check(staff: Staff, taxonomy: Taxonomy, call: _Call, everything: bool) -> None:
    lang = call.lang
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
    lines = _problem_lines(told, lang, everything)
    click.echo(text("cli.check.problems" if lines else "cli.check.no_problems", lang))
    for line in lines:
        click.echo(line)
    if staff.linked:
        for line in _linked_lines(staff, taxonomy, lang, everything):
            click.echo(line)


def _problem_lines(problems: Iterable[Problem], lang: str, everything: bool) -> list[str]:
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
    for (effect, _), found in sorted(places.items(), key=lambda kind: (kind[0][0], -sum(map(len, kind[1].values())), kind[0][1])):
        if effect != said:
            lines += ["", text(f"cli.effect.{effects[effect].value}", lang).upper()]
            said = effect
        shown = list(found.items()) if everything else list(found.items())[:_SHOWN]
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


def _write_check(staff: Staff, taxonomy: Taxonomy, call: _Call) -> None:
    """Write what was read and every Problem as a workbook or JSON."""
    from dataclasses import asdict

    lang, path = call.lang, call.out
    if path is None:
        return
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


def main() -> None:
    """Run the command; what a terminal cannot show is replaced rather than an error."""
    for stream in (sys.stdout, sys.stderr):
        # An old Windows terminal is cp1252, and names come from everywhere.
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="replace")
    cli(prog_name="competence")
