"""The group of commands: whose they are, and how a call that cannot be done ends."""

from __future__ import annotations

import errno
from collections.abc import Mapping
from typing import Any

import click

from competence._texts import text
from competence.errors import CompetenceError, MissingExtraError, UnreadableFileError

__all__ = ["Commands", "Failure"]

_GROUP = "competence.commands"
_OF_THE_SERVICE = {
    "serve": "Start the web service (extra: service).",
    "migrate": "Bring the service's database up to date (extra: service).",
}


class Failure(click.ClickException):
    """Ends a command with one line on stderr and exit code 2."""

    exit_code = 2

    def show(self, file: Any = None) -> None:
        click.echo(self.message, file=file, err=file is None)


class Commands(click.Group):
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
            raise Failure(error.format_message()) from error
        except ModuleNotFoundError as error:
            if ctx.invoked_subcommand not in _OF_THE_SERVICE:
                raise
            raise Failure(_install_line(str(ctx.invoked_subcommand))) from error
        except UnreadableFileError as error:
            lang = ctx.meta.get("competence.lang", lang)
            raise Failure(text("cli.error", lang, message=_unreadable_line(error, lang))) from error
        except (CompetenceError, OSError) as error:
            if isinstance(error, OSError) and error.errno == errno.EPIPE:
                # Whoever read our output has had enough; click ends such a run quietly.
                raise
            lang = ctx.meta.get("competence.lang", lang)
            raise Failure(text("cli.error", lang, message=_one_line(error))) from error


def _installed() -> Mapping[str, Any]:
    """Return the entry points of other packages by command name, not loaded."""
    from importlib.metadata import entry_points

    return {point.name: point for point in entry_points(group=_GROUP)}


def _missing(name: str) -> click.Command:
    """Return a command that says how to install the extra it belongs to."""

    def say() -> None:
        raise Failure(_install_line(name))

    return click.Command(
        name,
        callback=say,
        help=_OF_THE_SERVICE.get(name, ""),
        context_settings={"ignore_unknown_options": True, "allow_extra_args": True},
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
