"""What the commands are told: options many share, and one call from files to a printed result."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from competence._texts import LANGUAGES, text
from competence.cli._screen import print_plan
from competence.errors import InputError, ProblemEffect
from competence.model import Need, NeedItem, Visibility

if TYPE_CHECKING:
    from competence.graph import CompetenceGraph
    from competence.linking import Corrections, Linker
    from competence.settings import Settings
    from competence.staff import Staff
    from competence.suggest.result import Suggestions
    from competence.taxonomy import AidList, Taxonomy

__all__ = [
    "Call",
    "answers_option",
    "budget_options",
    "cutoff_option",
    "exit_code",
    "lang_option",
    "load_taxonomy",
    "local_option",
    "localised",
    "need_options",
    "parse_ids",
    "parse_need",
    "parse_two",
    "people_options",
    "reading_options",
    "refuse_out",
    "suggesting_options",
    "words_option",
]

_Command = TypeVar("_Command", bound=Callable[..., object])

_OUT = (".xlsx", ".json")
_OWN = ("local", "aid", "words")
_UNREADABLE = frozenset(
    f"file_{why}"
    for why in ("missing", "no_access", "empty", "damaged", "password", "too_large", "too_many_cells", "not_a_table")
)


def _keep(ctx: click.Context, param: click.Parameter, value: Any) -> Any:
    """Lay an option that many commands share in the context, where :class:`Call` finds it."""
    ctx.meta[f"competence.{param.name}"] = value
    return value


def _options(*options: Callable[[_Command], _Command]) -> Callable[[_Command], _Command]:
    def apply(command: _Command) -> _Command:
        for option in reversed(options):
            command = option(command)
        return command

    return apply


def lang_option(command: _Command) -> _Command:
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


local_option = click.option(
    "--local",
    type=click.Path(path_type=Path),
    metavar="TABLE",
    expose_value=False,
    callback=_keep,
    help="Your own table of concepts and roles that adds to, renames or retires those of the taxonomy: .csv or .xlsx.",
)

words_option = click.option(
    "--words",
    type=click.Path(path_type=Path),
    metavar="TABLE",
    expose_value=False,
    callback=_keep,
    help='What words mean at your place, as chosen in the table that "competence words" writes: .xlsx or .csv.',
)

reading_options = _options(
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
    local_option,
    click.option(
        "--aid",
        type=click.Path(path_type=Path),
        metavar="LIST",
        expose_value=False,
        callback=_keep,
        help="Your AID list (.csv or .xlsx), which leads titles that are not certain to roles by their AID codes.",
    ),
    words_option,
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
    lang_option,
)

suggesting_options = _options(
    reading_options,
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
        "--change-for",
        metavar="ID",
        expose_value=False,
        callback=_keep,
        help="Say also what would make this person be suggested or stand higher: each change is tried by a second run.",
    ),
    click.option(
        "--names/--ids", default=True, expose_value=False, callback=_keep, help="Show names with ids (default), or ids only."
    ),
    click.option("--seed", type=int, default=0, show_default=True, expose_value=False, callback=_keep, help="Orders equals."),
)

people_options = _options(
    click.option(
        "--units",
        multiple=True,
        metavar="UNIT",
        help="Only this unit and those below it, by name or id. May be given several times.",
    ),
    click.option("--people", multiple=True, metavar="ID", help="Only these people. May be given several times."),
)

budget_options = _options(
    click.option("--effort", type=click.IntRange(min=0), help="Budget of the solver in steps (default: the solver's own)."),
    click.option(
        "--time-limit", type=click.FloatRange(min=0), metavar="SECONDS", help="Stop the solver after this time, as a guard."
    ),
)

cutoff_option = click.option(
    "--cutoff", type=click.FloatRange(0, 1), help="Lowest score or fit that is kept (default: the settings')."
)


answers_option = click.option(
    "--answers",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="WORKBOOK",
    help="The same earlier result, written by --out as .xlsx, with what somebody wrote in its column of decisions: pinned, "
    "rejected, accepted.",
)


def need_options(flag: str, required: bool) -> Callable[[_Command], _Command]:
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
class Call:
    """What the shared options of one command say."""

    files: tuple[Path, ...]
    columns: Mapping[str, str]
    scale: Mapping[int | str, int] | str | None
    as_of: date | None
    taxonomy: Path | None
    local: Path | None
    aid: Path | None
    words: Path | None
    settings: Path | None
    out: Path | None
    audience: str
    explain: bool
    change_for: str | None
    names: bool
    seed: int
    lang: str
    ticker: Ticker

    @classmethod
    def of(cls, ctx: click.Context) -> Call:
        """Read the shared options, and refuse what can be refused before any work is done."""

        def given(name: str, default: Any = None) -> Any:
            return ctx.meta.get(f"competence.{name}", default)

        lang = given("lang", "sv")
        day: datetime | None = given("as_of")
        progress, out = given("progress"), given("out")
        if out is not None:
            refuse_out(out, _OUT, lang)
        return cls(
            files=given("files"),
            columns=_columns(given("columns", ()), lang),
            scale=_scale(given("scale"), lang),
            as_of=day.date() if day else None,
            taxonomy=given("taxonomy"),
            local=given("local"),
            aid=given("aid"),
            words=given("words"),
            settings=given("settings"),
            out=out,
            audience=given("audience", Visibility.UNIT.value),
            explain=given("explain", False),
            change_for=given("change_for"),
            names=given("names", True),
            seed=given("seed", 0),
            lang=lang,
            ticker=Ticker(sys.stderr.isatty() if progress is None else progress, lang),
        )

    def load_settings(self) -> Settings:
        from competence.settings import Settings

        return Settings() if self.settings is None else Settings.read(self.settings)

    def load_aid(self) -> AidList | None:
        from competence.io import read_aid

        return None if self.aid is None else read_aid(self.aid)

    def read(self) -> Staff:
        """Read the files, not linked."""
        from competence.io import read_staff

        self.ticker.stage("read")
        source = self.files[0] if len(self.files) == 1 else list(self.files)
        return read_staff(source, columns=self.columns or None, scale=self.scale, as_of=self.as_of)

    def localised(self, staff: Staff) -> tuple[Taxonomy, Staff, Corrections]:
        """Load the taxonomy with the employer's own table over it and over what the files say of its ids, and the choices."""
        return localised(staff, load_taxonomy(self.taxonomy), self.local, self.words)

    def linked(self, staff: Staff, taxonomy: Taxonomy, corrections: Corrections) -> tuple[Staff, Linker]:
        """Link the words of a staff, by a linker that has learned from the choices."""
        from competence.linking import Linker, link_statements

        settings, aid = self.load_settings(), self.load_aid()
        self.ticker.stage("link")
        linker = Linker.fit(taxonomy, corrections.pairs, settings=settings)
        return link_statements(staff, taxonomy, linker=linker, settings=settings, aid=aid), linker

    def graph(self, staff: Staff) -> CompetenceGraph:
        """Link the words and join the evidence."""
        from competence.graph import build_graph

        taxonomy, staff, corrections = self.localised(staff)
        linked, linker = self.linked(staff, taxonomy, corrections)
        self.ticker.stage("graph")
        graph = build_graph(linked, taxonomy, linker=linker, audience=self.audience, settings=self.load_settings())
        self.ticker.stage("solve")
        return graph

    def finish(self, ctx: click.Context, plan: Suggestions, graph: CompetenceGraph) -> None:
        """Print a result, write it where asked, and end with the exit code of the reading."""
        changes = None
        if self.change_for is not None:
            from competence.suggest.change import what_would_change

            # Before anything is written or printed, so that an id that is not there is told at once.
            changes = what_would_change(graph, plan, self.change_for)
        self.ticker.stage("write")
        if self.out is not None:
            if self.out.suffix.lower() == ".json":
                self.out.write_text(plan.to_json() + "\n", encoding="utf-8")
            else:
                plan.to_excel(self.out, lang=self.lang)
        self.ticker.close()
        print_plan(plan, graph, self.lang, names=self.names, explain=self.explain)
        if changes is not None:
            click.echo("\n" + changes.explain(self.lang, names=self.names))
        if self.out is not None:
            click.echo(text("cli.written", self.lang, path=self.out))
        code = exit_code(graph.staff)
        if code:
            aside = sum(c.set_aside for c in graph.staff.row_counts) + _own_set_aside(graph.staff)
            key = "cli.unreadable" if code > 1 else "cli.set_aside"
            click.echo(text(key, self.lang, count=aside), err=True)
        ctx.exit(code)


class Ticker:
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


def load_taxonomy(path: Path | None) -> Taxonomy:
    from competence.taxonomy import Taxonomy

    return Taxonomy.bundled() if path is None else Taxonomy.read(path)


def localised(staff: Staff, taxonomy: Taxonomy, local: Path | None, words: Path | None) -> tuple[Taxonomy, Staff, Corrections]:
    """Lay the employer's own table, and the terms merged in the table of words, over a taxonomy and a staff."""
    from competence.linking import Corrections

    if local is None and words is None:
        return taxonomy, staff, Corrections()
    from competence.io import read_local, read_merges, read_words
    from competence.taxonomy import LocalLayer, apply_local

    layer = LocalLayer() if local is None else read_local(local)
    corrections = Corrections() if words is None else read_words(words)
    if words is not None:
        merged = read_merges(words)
        layer = LocalLayer(
            rows=(*layer.rows, *merged.rows), problems=layer.problems + merged.problems, file=layer.file or merged.file
        )
    taxonomy, staff = apply_local(layer, taxonomy, staff)
    corrections = corrections.checked(taxonomy, layer)
    return taxonomy, staff.replace(problems=staff.problems + corrections.problems), corrections


def exit_code(staff: Staff) -> int:
    if any(p.code in _UNREADABLE for p in staff.problems):
        return 2
    return 1 if any(c.set_aside for c in staff.row_counts) or _own_set_aside(staff) else 0


def _own_set_aside(staff: Staff) -> int:
    """Count the rows set aside of the employer's own table and AID list, which no row count of the staff holds."""
    return sum(p.table in _OWN and p.effect is ProblemEffect.SET_ASIDE for p in staff.problems)


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


def refuse_out(path: Path, allowed: Sequence[str], lang: str) -> None:
    """Refuse a file that could not be written, before the work rather than after."""
    if path.suffix.lower() not in allowed:
        raise InputError(text("cli.out_rule", lang, allowed=", ".join(allowed), value=repr(path.name)))
    if not path.parent.is_dir():
        raise InputError(text("cli.out_folder", lang, value=path.parent))


def parse_need(values: Sequence[str], level: int, lang: str) -> Need:
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


def parse_ids(values: Sequence[str], option: str, lang: str, exactly: int | None = 2) -> list[tuple[str, ...]]:
    """Read groups of ids with commas between."""
    found = []
    for value in values:
        ids = tuple(part.strip() for part in value.split(","))
        if not all(ids) or len(ids) < 2 or (exactly is not None and len(ids) != exactly):
            raise InputError(text("cli.pin_rule", lang, option=option, value=repr(value)))
        found.append(ids)
    return found


def parse_two(values: Sequence[str], option: str, lang: str) -> list[tuple[str, str]]:
    return [(ids[0], ids[1]) for ids in parse_ids(values, option, lang)]
