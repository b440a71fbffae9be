"""The ``competence`` command: files in, a table on the screen, and the same calls as from Python.

This package reads options, calls the library and prints. It decides nothing but words on a screen and exit codes: 0
everything was kept, 1 rows were set aside (the result is still printed), 2 something could not be read or is not
allowed, with one line on stderr. The library is loaded inside the commands, so that ``--help`` answers at once.
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from competence import __version__
from competence._texts import text
from competence.cli._asked import (
    check_answers,
    open_posts,
    parse_answers,
    parse_hours,
    parse_placements,
    parse_tasks,
    read_earlier,
    with_answers,
)
from competence.cli._document import print_document
from competence.cli._group import Commands
from competence.cli._map import group_of_maps
from competence.cli._options import (
    Call,
    answers_option,
    budget_options,
    cutoff_option,
    exit_code,
    lang_option,
    load_taxonomy,
    local_option,
    localised,
    need_options,
    parse_ids,
    parse_need,
    parse_two,
    people_options,
    reading_options,
    refuse_out,
    suggesting_options,
    words_option,
)
from competence.cli._screen import print_check, problem_lines, title_of, word_lines, write_check, write_words
from competence.errors import CompetenceError, InputError, ProblemEffect

if TYPE_CHECKING:
    from competence.errors import Problems
    from competence.taxonomy import LocalLayer, Taxonomy

__all__ = ["cli", "main"]


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="competence")
def cli() -> None:
    """Map what people can do, and suggest experts, mentoring pairs, rotations, teams and validations.

    FILES are an HR export and what people have said they can do: .xlsx, .ods, .csv, or folders of them.

    Exit codes: 0 everything was kept, 1 rows were set aside (the result is still printed), 2 something could not be read
    or is not allowed.
    """


cli.add_command(group_of_maps)


@cli.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@click.option("--people", type=click.IntRange(8, 60_000), default=2000, show_default=True, help="How many people.")
@click.option("--seed", type=int, default=1, show_default=True, help="Another seed gives other people.")
@lang_option
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
@reading_options
@click.option(
    "--all", "everything", is_flag=True, help="Show every place of every problem, and all words that were not understood."
)
@click.pass_context
def check(ctx: click.Context, everything: bool) -> None:
    """Read FILES and say what was kept, what was set aside, why, and what to do about it."""
    call = Call.of(ctx)
    staff = call.read()
    problem: CompetenceError | None = None
    taxonomy, staff, corrections = call.localised(staff)
    try:
        staff, _ = call.linked(staff, taxonomy, corrections)
    except CompetenceError as error:
        # What was read is still worth telling.
        problem = error
    call.ticker.stage("write")
    if call.out is not None:
        write_check(staff, taxonomy, call.out, call.lang)
    call.ticker.close()
    print_check(staff, taxonomy, call.lang, everything)
    if problem is not None:
        raise problem
    if call.out is not None:
        click.echo(text("cli.written", call.lang, path=call.out))
    ctx.exit(exit_code(staff))


@cli.command()
@reading_options
@click.option("--all", "everything", is_flag=True, help="Show all words, not only the most frequent.")
@click.pass_context
def words(ctx: click.Context, everything: bool) -> None:
    """List words in FILES that were not understood, for you to say what they mean, and own terms that may be the same.

    --out writes both as a workbook. Write in the column of choices what a row means, or leave it empty, and give the
    workbook to any command by --words: the words then mean that at your place. Give it to this command too, and what was
    chosen comes along to the next workbook.
    """
    from competence.io import read_merges
    from competence.taxonomy import LocalLayer

    call = Call.of(ctx)
    taxonomy, staff, corrections = call.localised(call.read())
    staff, _ = call.linked(staff, taxonomy, corrections)
    call.ticker.stage("write")
    if call.out is not None:
        merged = LocalLayer() if call.words is None else read_merges(call.words)
        write_words(staff, taxonomy, corrections, merged, call.out, call.lang)
    call.ticker.close()
    told = [p for p in staff.problems if p.table == "words"]
    for line in (*problem_lines(told, call.lang, everything), *word_lines(staff, taxonomy, corrections, call.lang, everything)):
        click.echo(line)
    if call.out is not None:
        click.echo(text("cli.written", call.lang, path=call.out))
    ctx.exit(exit_code(staff))


@cli.command()
@suggesting_options
@need_options("--need", required=True)
@people_options
@click.option("--n", type=click.IntRange(min=1), default=10, show_default=True, help="How many experts at most.")
@cutoff_option
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

    call = Call.of(ctx)
    asked = parse_need(need, level, call.lang)
    graph = call.graph(call.read())
    plan = find_experts(graph, asked, n=n, people=people or None, units=units or None, cutoff=cutoff, seed=call.seed)
    call.finish(ctx, plan, graph)


@cli.command()
@suggesting_options
@click.option("--mentee", "mentees", multiple=True, metavar="ID", help="Only these mentees. May be given several times.")
@click.option("--mentor", "mentors", multiple=True, metavar="ID", help="Only these mentors. May be given several times.")
@need_options("--topic", required=False)
@click.option(
    "--goal-role", metavar="ROLE", help="Role id whose gaps are the topics, in place of what the mentees want to learn."
)
@click.option(
    "--capacity", type=click.IntRange(min=0), help="Mentees per mentor where the file does not say (default: the settings')."
)
@click.option("--n", type=click.IntRange(min=0), help="Show only the n best pairs; the plan is made for all.")
@click.option(
    "--mode",
    type=click.Choice(["one_to_one", "reverse", "circle", "job_shadow", "buddy"]),
    default="one_to_one",
    show_default=True,
    help="reverse: who leads teaches a manager. circle: 4 to 8 around a topic. job_shadow: at another workplace. buddy: for "
    "those who are new.",
)
@click.option(
    "--objective",
    type=click.Choice(["most_pairs", "score"]),
    default="most_pairs",
    show_default=True,
    help="As many pairs as possible and then the highest total score, or the highest total score at once.",
)
@click.option(
    "--earlier",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="The result of an earlier round, written by --out as .json: its pairs are left as they are.",
)
@answers_option
@click.option("--stable", is_flag=True, help="Stable pairs (nobody would rather swap) in place of the highest total score.")
@click.option("--pin", multiple=True, metavar="MENTEE,MENTOR", help="A pair that must be. May be given several times.")
@click.option("--forbid", multiple=True, metavar="MENTEE,MENTOR", help="A pair that must not be. May be given several times.")
@cutoff_option
@budget_options
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
    mode: str,
    objective: str,
    earlier: Path | None,
    answers: Path | None,
    stable: bool,
    pin: tuple[str, ...],
    forbid: tuple[str, ...],
    cutoff: float | None,
    effort: int | None,
    time_limit: float | None,
) -> None:
    """Pair mentees with mentors in FILES: as many as possible, the best for all at once."""
    from competence.suggest.mentoring import pair_mentors

    call = Call.of(ctx)
    topics = parse_need(topic, level, call.lang) if topic else None
    pinned, forbidden = parse_two(pin, "--pin", call.lang), parse_two(forbid, "--forbid", call.lang)
    before = read_earlier(earlier)
    check_answers(answers, before, call.lang)
    graph = with_answers(call.graph(call.read()), answers, before)
    plan = pair_mentors(
        graph,
        mentees or None,
        mentors=mentors or None,
        topics=topics,
        goal_role=goal_role,
        capacity=capacity,
        n=n,
        mode=mode,
        objective=objective,
        earlier=before,
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
@suggesting_options
@people_options
@click.option(
    "--months",
    type=click.IntRange(min=1),
    default=6,
    show_default=True,
    help="How long the placements last, with a right to return.",
)
@click.option("--weeks", type=click.IntRange(2, 8), help="A try-out of so many weeks, in place of months.")
@click.option(
    "--start",
    type=click.DateTime(formats=["%Y-%m-%d"]),
    metavar="YYYY-MM-DD",
    help="First day of the placements (default: the date everything is counted from).",
)
@click.option(
    "--periods",
    type=click.IntRange(1, 12),
    default=1,
    show_default=True,
    help="Periods of that length, one after the other; nobody is twice in the same post.",
)
@click.option("--max-cycle", default="3", show_default=True, metavar="2|3|4|none", help="Most people in one cycle of moves.")
@click.option("--n", type=click.IntRange(min=0), help="Show only the n best cycles; the plan is made for all.")
@click.option("--whole-posts", is_flag=True, help="Only whole posts change hands, never one of several roles in a post.")
@click.option(
    "--open-post",
    "opened",
    multiple=True,
    metavar="ID|vacant",
    help="A post that starts a chain of moves, or every vacant post of the files. May be given several times.",
)
@click.option(
    "--placement",
    "placements",
    multiple=True,
    metavar="EMPLOYER=TITLE",
    help="An open post that the files lack, such as at another employer. May be given several times.",
)
@click.option("--lock", multiple=True, metavar="ID", help="Somebody who stays. May be given several times.")
@click.option("--pin", multiple=True, metavar="ID,ID[,ID]", help="A cycle that must be: each moves to the next one's post.")
@click.option(
    "--forbid", multiple=True, metavar="ID,ID", help="The first may not move to the second's post. May be given several times."
)
@click.option(
    "--manager",
    "managers",
    multiple=True,
    metavar="UNIT|ID=yes|no",
    help="What a manager has answered, for a unit and those below it or for a person. May be given several times.",
)
@click.option(
    "--hours",
    multiple=True,
    metavar="UNIT|POST|ID=HOURS[,HOURS]",
    help="Working hours in words, such as u-north=night,weekend; nobody moves to other hours. May be given several times.",
)
@click.option(
    "--form",
    "forms",
    multiple=True,
    metavar="WORDS",
    help="A form of employment that takes part (default: all). May be given several times.",
)
@click.option(
    "--earlier",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="An earlier plan, written by --out as .json, from which the search begins.",
)
@answers_option
@cutoff_option
@budget_options
@click.pass_context
def rotation(
    ctx: click.Context,
    units: tuple[str, ...],
    people: tuple[str, ...],
    months: int,
    weeks: int | None,
    start: datetime | None,
    periods: int,
    max_cycle: str,
    n: int | None,
    whole_posts: bool,
    opened: tuple[str, ...],
    placements: tuple[str, ...],
    lock: tuple[str, ...],
    pin: tuple[str, ...],
    forbid: tuple[str, ...],
    managers: tuple[str, ...],
    hours: tuple[str, ...],
    forms: tuple[str, ...],
    earlier: Path | None,
    answers: Path | None,
    cutoff: float | None,
    effort: int | None,
    time_limit: float | None,
) -> None:
    """Plan who in FILES changes places with whom."""
    from competence.suggest.rotation import plan_rotation

    call = Call.of(ctx)
    if max_cycle not in ("2", "3", "4", "none"):
        raise InputError(text("cli.cycle_rule", call.lang, value=repr(max_cycle)))
    pinned, forbidden = parse_ids(pin, "--pin", call.lang, exactly=None), parse_two(forbid, "--forbid", call.lang)
    said, at_work = parse_answers(managers, call.lang), parse_hours(hours, call.lang)
    placed, before = parse_placements(placements, call.lang), read_earlier(earlier)
    check_answers(answers, before, call.lang)
    graph = with_answers(call.graph(call.read()), answers, before)
    plan = plan_rotation(
        graph,
        units=units or None,
        people=people or None,
        months=months,
        weeks=weeks,
        start=start.date() if start else None,
        periods=periods,
        parts=not whole_posts,
        open_posts=open_posts(graph, opened, placed),
        managers=said,
        hours=at_work,
        forms=forms or None,
        earlier=before,
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
@suggesting_options
@need_options("--need", required=False)
@click.option(
    "--task",
    "tasks",
    multiple=True,
    metavar="NAME;WORDS[=LEVEL[:COUNT]][;...]",
    help="In place of --need: a team with a need of its own, such as 'E-services; scheduling=3; size=4; n=2; priority=1'. "
    "Priority 1 is served first. May be given several times.",
)
@people_options
@click.option("--size", type=click.IntRange(min=2), help="People per team (default: 5; 8 in a circle, 2 co-leaders).")
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
    type=click.Choice(["project", "steering", "circle", "co_leaders", "work_team"]),
    default="project",
    show_default=True,
    help="steering: as a project. circle: 4 to 8 of different units around a topic. co_leaders: two who each hold what the "
    "other lacks. For work_team, a permanent post, stage 2 is off unless ground and assessment are given.",
)
@click.option(
    "--willing",
    multiple=True,
    metavar="ID",
    help="Of co-leaders: somebody who has said yes to leading together; others are left out. May be given several times.",
)
@click.option("--ground", default="", help="The recorded ground that stage 2 needs for a work team.")
@click.option("--assessment", default="", help="The individual assessment that stage 2 needs for a work team.")
@budget_options
@click.pass_context
def teams(
    ctx: click.Context,
    need: tuple[str, ...],
    level: int,
    tasks: tuple[str, ...],
    units: tuple[str, ...],
    people: tuple[str, ...],
    size: int | None,
    n: str,
    balance: str,
    epsilon: float,
    together: tuple[str, ...],
    apart: tuple[str, ...],
    at_most: int | None,
    purpose: str,
    willing: tuple[str, ...],
    ground: str,
    assessment: str,
    effort: int | None,
    time_limit: float | None,
) -> None:
    """Form teams of people in FILES that cover a need, then as mixed as that allows."""
    from competence.suggest.teams import form_teams

    call = Call.of(ctx)
    if n != "all" and not re.fullmatch(r"[1-9]\d*", n):
        raise InputError(text("cli.all_rule", call.lang, value=repr(n)))
    if bool(need) == bool(tasks):
        raise InputError(text("cli.need_or_task", call.lang))
    asked = parse_need(need, level, call.lang) if need else None
    several = parse_tasks(tasks, level, size, call.lang)
    kept, parted = parse_two(together, "--together", call.lang), parse_two(apart, "--apart", call.lang)
    graph = call.graph(call.read())
    plan = form_teams(
        graph,
        asked,
        tasks=several,
        people=people or None,
        units=units or None,
        size=None if several else size,
        n=None if n == "all" else int(n),
        balance=balance,
        epsilon=epsilon,
        together=kept,
        apart=parted,
        at_most=at_most,
        purpose=purpose,
        willing=willing or None,
        ground=ground,
        assessment=assessment,
        effort=effort,
        time_limit=time_limit,
        seed=call.seed,
        progress=call.ticker,
    )
    call.finish(ctx, plan, graph)


@cli.command()
@suggesting_options
@people_options
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

    call = Call.of(ctx)
    graph = call.graph(call.read())
    plan = suggest_validations(graph, people=people or None, units=units or None, stage=stage, n=n, seed=call.seed)
    call.finish(ctx, plan, graph)


@cli.command()
@click.argument("file", type=click.Path(path_type=Path, allow_dash=True))
@click.option(
    "--taxonomy", "place", type=click.Path(path_type=Path), help="Folder or zip of a taxonomy (default: the municipal one)."
)
@local_option
@lang_option
@click.pass_context
def document(ctx: click.Context, file: Path, place: Path | None) -> None:
    """Read a CV or another text of one's own, and the competences it names.

    FILE is .docx, .odt, .pdf or text; - takes the same, or pasted text, from standard input. Nothing is stored. Contact
    details and what must not be held are left out and counted. Exit codes: 0 it was read, 2 it could not be.
    """
    from competence.io import read_document, read_local
    from competence.linking import Linker

    lang = ctx.meta["competence.lang"]
    read = read_document(sys.stdin.buffer, name="-") if str(file) == "-" else read_document(file)
    known = load_taxonomy(place)
    table: Path | None = ctx.meta.get("competence.local")
    if table is not None:
        known, _ = read_local(table).apply(known)
    print_document(read, Linker.fit(known).link_many([passage.text for passage in read.passages]), known, lang)


@cli.command()
@click.option("--whole", is_flag=True, help="All questions, not only those of the ten-minute form.")
@lang_option
@click.pass_context
def guide(ctx: click.Context, whole: bool) -> None:
    """Print the questions that draw out what somebody can do, also from home, associations and other countries.

    A form to print or to read aloud, as Markdown. Answers are read from files as what people say with their own words.
    """
    from competence.conversation import read_guide

    questions = read_guide(ctx.meta["competence.lang"])
    click.echo((questions if whole else questions.short_form()).to_form())


@cli.group()
def taxonomy() -> None:
    """Look at a taxonomy, check it for faults, or keep your own table over it."""


@taxonomy.command(name="check")
@click.argument("path", required=False, type=click.Path(path_type=Path))
@local_option
@click.option("--all", "everything", is_flag=True, help="Show every place of every fault.")
@lang_option
@click.pass_context
def taxonomy_check(ctx: click.Context, path: Path | None, everything: bool) -> None:
    """Check the taxonomy at PATH (a folder or zip; default: the municipal one), and your own table against it.

    Exit code 1 when there are faults.
    """
    from competence.io import read_local
    from competence.taxonomy import check as check_taxonomy
    from competence.taxonomy.files import read_leniently

    lang = ctx.meta["competence.lang"]
    source = path or _municipal_folder()
    problems = check_taxonomy(source)
    read, _ = read_leniently(source)
    faults = sum(p.count for p in problems if p.effect is not ProblemEffect.NOTICE)
    notices = sum(p.count for p in problems) - faults
    shape = {"title": title_of(read, lang), "version": read.version, "concepts": len(read.competences), "roles": len(read.roles)}
    click.echo(text("cli.taxonomy.faults", lang, count=faults, **shape) if faults else text("cli.taxonomy.ok", lang, **shape))
    if notices:
        click.echo(text("cli.taxonomy.notices", lang, count=notices))
    table: Path | None = ctx.meta.get("competence.local")
    if table is not None:
        layer = read_local(table)
        conflicts = layer.problems + layer.apply(read)[1]
        faults += _told_of_table(table, layer, conflicts, lang)
        problems = problems + conflicts
    for line in problem_lines(problems, lang, everything):
        click.echo(line)
    ctx.exit(1 if faults else 0)


def _told_of_table(path: Path, layer: LocalLayer, conflicts: Problems, lang: str) -> int:
    """Say how many rows there are and what is wrong with them; return how many faults that is."""
    faults = sum(p.count for p in conflicts if p.effect is not ProblemEffect.NOTICE)
    notices = sum(p.count for p in conflicts) - faults
    click.echo(text("cli.taxonomy.local", lang, file=path.name, rows=len(layer.rows), faults=faults, notices=notices))
    return faults


@taxonomy.command(name="local")
@click.argument("table", type=click.Path(path_type=Path))
@click.argument("files", nargs=-1, type=click.Path(path_type=Path))
@click.option("--taxonomy", "path", type=click.Path(path_type=Path), help="The taxonomy in use (default: the municipal one).")
@click.option(
    "--before",
    type=click.Path(path_type=Path),
    help="The version that was in use until now. What people in FILES have, and the new one lacks, is kept by rows of its own.",
)
@words_option
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), required=True, metavar="FILE", help="The table, as .csv.")
@lang_option
@click.pass_context
def taxonomy_local(
    ctx: click.Context, table: Path, files: tuple[Path, ...], path: Path | None, before: Path | None, out: Path
) -> None:
    """Write your own TABLE again, with what each renamed or merged concept was called in the taxonomy.

    A later version of the taxonomy that calls it something else is then told. Before you take a new version into use, name
    the one you have by --before, and FILES with your staff: what somebody has is then never lost.

    Exit code 1 when rows of the table could not be used.
    """
    from competence.io import read_local, read_staff
    from competence.linking import Linker, link_statements
    from competence.taxonomy import carry_over

    lang = ctx.meta["competence.lang"]
    if (before is None) != (not files):
        raise InputError(text("cli.before_rule", lang))
    refuse_out(out, (".csv",), lang)
    layer, now = read_local(table), load_taxonomy(path)
    old = now if before is None else load_taxonomy(before)
    told = layer.problems
    layer = layer.anchored(old)
    if files:
        read = read_staff(files[0] if len(files) == 1 else list(files))
        theirs, staff, corrections = localised(read, old, table, ctx.meta.get("competence.words"))
        staff = link_statements(staff, theirs, linker=Linker.fit(theirs, corrections.pairs))
        own = {c.concept_id for c in staff.local_concepts}
        used = {e.concept_id for e in staff.evidence if e.concept_id} | {i.concept_id for i in staff.interests if i.concept_id}
        layer, carried = carry_over(old, now, used - own, layer=layer)
        told = told + carried
    told = told + layer.apply(now)[1]
    faults = _told_of_table(table, layer, told, lang)
    for line in problem_lines(told, lang, False):
        click.echo(line)
    click.echo(text("cli.written", lang, path=layer.write(out)))
    ctx.exit(1 if faults else 0)


def _municipal_folder() -> Path:
    """Return where the municipal taxonomy lies: what is checked is the files, not what could be read of them."""
    from competence.taxonomy import Taxonomy
    from competence.taxonomy.core import bundled_folders

    for place in bundled_folders():
        if (place / "municipal" / "about.toml").is_file():
            return place / "municipal"
    # There is none, which this says with the names of those there are.
    return Path(Taxonomy.bundled().id)


@taxonomy.command(name="near")
@click.argument("path", required=False, type=click.Path(path_type=Path))
@click.option("--all", "everything", is_flag=True, help="Also show the pairs that are kept apart, with the reason.")
@lang_option
@click.pass_context
def taxonomy_near(ctx: click.Context, path: Path | None, everything: bool) -> None:
    """List what is nearly the same in the taxonomy at PATH (default: the municipal one): concepts, roles and sayings.

    Why two are kept apart stands in kept_apart.csv beside them. Exit code 1 when a pair has no reason there.
    """
    from competence.taxonomy.near import gone, near_duplicates, read_kept_apart

    lang = ctx.meta["competence.lang"]
    source = path or _municipal_folder()
    read, kept = load_taxonomy(source), read_kept_apart(source)
    pairs = near_duplicates(read, kept=kept)
    unargued = sum(not pair.reason for pair in pairs)
    click.echo(text("cli.taxonomy.near", lang, title=title_of(read, lang), count=unargued, kept=len(pairs) - unargued))
    for pair in pairs:
        if everything or not pair.reason:
            names = (f"{key or '–'} «{said}»" if said else key for key, said in pair.ordered)
            click.echo("  ".join(filter(None, (f"{pair.likeness:4.0%}", " | ".join(names), pair.reason))))
    for places in gone(read, kept):
        click.echo(text("cli.taxonomy.gone", lang, pair=" | ".join(said or key for key, said in sorted(places))))
    ctx.exit(1 if unargued else 0)


@taxonomy.command(name="info")
@click.argument("path", required=False, type=click.Path(path_type=Path))
@local_option
@lang_option
@click.pass_context
def taxonomy_info(ctx: click.Context, path: Path | None) -> None:
    """Say what the taxonomy at PATH holds (default: the municipal one), with your own table over it."""
    lang = ctx.meta["competence.lang"]
    read = load_taxonomy(path)
    table: Path | None = ctx.meta.get("competence.local")
    if table is not None:
        from competence.io import read_local

        read, _ = read_local(table).apply(read)
    asked = [r for role in read.roles.values() for r in role.requirements]
    kinds: dict[str, int] = {}
    for concept in read.competences:
        kinds[concept.kind.value] = kinds.get(concept.kind.value, 0) + 1
    click.echo(
        text("cli.taxonomy.info", lang, title=title_of(read, lang), id=read.id, version=read.version, licence=read.licence)
    )
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
    click.echo(text("cli.taxonomy.rare", lang, count=sum(c.rarely_named for c in read.competences)))
    for line in _role_lines(read, lang):
        click.echo(line)
    for name, mark in (("ESCO", "data.europa.eu/esco/"), ("JobTech", "data.jobtechdev.se/")):
        matched = sum(any(mark in uri for _, uri in c.matches) for c in read.competences)
        share = f"{100 * matched / max(len(read.competences), 1):.0f}"
        click.echo(text("cli.taxonomy.matched", lang, name=name, count=matched, share=share))
    if path is None:
        people, covered = _example_cover(read)
        click.echo(text("cli.taxonomy.cover", lang, people=people, share=_decimal(100 * covered / people, lang)))
    if read.sources:
        click.echo(text("cli.taxonomy.sources", lang, sources="; ".join(read.sources)))
    click.echo(text("cli.taxonomy.digest", lang, digest=read.digest))


def _decimal(value: float, lang: str) -> str:
    """Write a number with one decimal as the language does."""
    shown = f"{value:.1f}"
    return shown.replace(".", ",") if lang == "sv" else shown


def _role_lines(read: Taxonomy, lang: str) -> list[str]:
    """Return roles by sector and how many requirements they have, with the shortest and the longest."""
    if not read.roles:
        return []
    sectors = Counter(role.sector or "–" for role in read.roles.values())
    by_length = sorted(read.roles.values(), key=lambda r: (len(r.requirements), r.role_id))
    first, last = by_length[0], by_length[-1]
    mean = sum(len(r.requirements) for r in by_length) / len(by_length)
    return [
        text("cli.taxonomy.sectors", lang, sectors=", ".join(f"{s} {n}" for s, n in sorted(sectors.items()))),
        text(
            "cli.taxonomy.lengths",
            lang,
            mean=_decimal(mean, lang),
            least=len(first.requirements),
            shortest=first.label(lang),
            most=len(last.requirements),
            longest=last.label(lang),
        ),
    ]


def _example_cover(read: Taxonomy) -> tuple[int, int]:
    """Count the people of the example municipality, and those with a title today that meets one of the roles."""
    from competence.example import example_municipality
    from competence.linking import Linker

    staff = example_municipality()
    linker = Linker.fit(read)
    titles = {r.title for p in staff.people for e in p.employments for r in e.roles}
    known = {title for title in titles if linker.link_role(title).understood}
    covered = sum(
        any(r.title in known for e in p.employments if e.is_current(staff.as_of) for r in e.roles) for p in staff.people
    )
    return len(staff.people), covered


def main() -> None:
    """Run the command; what a terminal cannot show is replaced rather than an error."""
    for stream in (sys.stdout, sys.stderr):
        # An old Windows terminal is cp1252, and names come from everywhere.
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="replace")
    cli(prog_name="competence")
