"""Commands of the service; they join ``competence`` through the entry-point group ``competence.commands``."""

from __future__ import annotations

import socket
import sys
from dataclasses import replace
from pathlib import Path

import click

from competence.errors import CompetenceError
from competence_service.config import Config

__all__ = ["migrate", "serve"]

_TRIES = 20


def _config(folder: Path | None, database_url: str | None, host: str = "127.0.0.1", port: int = 8000) -> Config:
    config = Config.from_environment()
    try:
        return replace(
            config,
            folder=folder or config.folder,
            database_url=database_url or config.database_url,
            host=host,
            port=port,
        ).with_kept_secret()
    except CompetenceError as error:
        raise click.ClickException(str(error)) from None


_folder = click.option(
    "--folder",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where the database and files under way are kept (default: ./instance).",
)
_database = click.option(
    "--database-url", help="SQLAlchemy URL, such as postgresql+psycopg://... (default: SQLite in the folder)."
)


@click.command()
@_folder
@_database
@click.option("--host", default="127.0.0.1", show_default=True, help="Loopback only, as long as there is no sign-in.")
@click.option("--port", default=8000, show_default=True, help="The next free one is taken when it is in use.")
def serve(folder: Path | None, database_url: str | None, host: str, port: int) -> None:
    """Start the web service on this machine and print its address."""
    import waitress

    from competence_service.app import create_app

    config = _config(folder, database_url, host, port)
    app = create_app(config)
    listener = _listen(config)
    taken = listener.getsockname()[1]
    if taken != config.port and config.port:
        click.echo(f"Port {config.port} är upptagen; tar {taken} i stället. / Port {config.port} is in use; taking {taken}.")
    shown = f"[{config.host}]" if ":" in config.host else config.host
    click.echo(f"http://{shown}:{taken}/")
    click.echo("Övningsläge: bara på den här datorn, ingen inloggning ännu. Avsluta med Ctrl+C.")
    click.echo("Practice mode: this machine only, no sign-in yet. Stop with Ctrl+C.")
    # Whoever started this waits for the address; it must not stay in a buffer.
    sys.stdout.flush()
    waitress.serve(
        app,
        sockets=[listener],
        threads=4,
        ident=None,
        max_request_body_size=config.upload_limit + 64 * 1024,
        channel_timeout=600,
    )


@click.command()
@_folder
@_database
def migrate(folder: Path | None, database_url: str | None) -> None:
    """Bring the tables of the database up to date; ``serve`` does so by itself."""
    from competence_service.store import Store, open_engine

    store = Store(open_engine(_config(folder, database_url)))
    store.migrate()
    store.close()
    click.echo("Databasen är uppdaterad. / The database is up to date.")


def _listen(config: Config) -> socket.socket:
    """Bind to the port, or to the first free one after it."""
    family = socket.AF_INET6 if ":" in config.host else socket.AF_INET
    for port in range(config.port, min(config.port + _TRIES, 65535) + 1):
        listener = socket.socket(family, socket.SOCK_STREAM)
        if sys.platform != "win32":
            # A port left in TIME_WAIT by a run just ended is free; on Windows the option would share a port in use.
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((config.host, port))
            listener.listen(128)
        except OSError:
            listener.close()
            continue
        return listener
    raise click.ClickException(
        f"ports {config.port}-{config.port + _TRIES} on {config.host} are all in use; choose one with --port"
    )
