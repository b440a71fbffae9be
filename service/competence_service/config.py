"""Every setting of the service in one place; nothing else reads the environment."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Self

from competence.errors import InputError
from competence.model import Visibility
from competence.settings import Settings

__all__ = ["DEVELOPMENT_SECRET", "LANGUAGES", "LOOPBACK", "Config"]

DEVELOPMENT_SECRET = "development-only"  # noqa: S105  (a name for "none chosen", refused in production)
LANGUAGES = ("sv", "en")
LOOPBACK = ("127.0.0.1", "localhost", "::1")
"""The only addresses to bind to as long as nobody signs in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """Settings of one running service.

    Parameters
    ----------
    folder : Path
        Where the database, the secret and files under way are kept.
    database_url : str
        SQLAlchemy URL; empty means SQLite in ``folder``. PostgreSQL is ``postgresql+psycopg://...``.
    host, port : str, int
        Address to bind to. Only loopback is accepted: there is no sign-in yet.
    secret : str
        Signs cookies. :data:`DEVELOPMENT_SECRET` is refused in production.
    production : bool
        Refuse development settings, and send cookies over HTTPS only.
    upload_limit : int
        Largest request body, in bytes.
    audience : Visibility
        Widest circle people must have shared their own words with for them to count here: ``unit`` (default) leaves out
        what is private or for the manager alone, ``organisation`` also what is for the unit. Each import may narrow it.
    languages : tuple of str
        Languages of the pages, the default first.
    time_limit : float
        Seconds a search for suggestions may take when the request does not say.
    graphs : int
        How many graphs are kept in memory.
    local_taxonomy : Path, optional
        The employer's own table over the taxonomy, .csv or .xlsx; None: there is none. Read when the service starts.
    aid_list : Path, optional
        The employer's AID list, .csv or .xlsx; None: there is none. Read when the service starts.
    settings : Settings
        The library's numbers.
    """

    folder: Path = Path("instance")
    database_url: str = ""
    host: str = "127.0.0.1"
    port: int = 8000
    secret: str = field(default=DEVELOPMENT_SECRET, repr=False)
    production: bool = False
    upload_limit: int = 50 * 1024 * 1024
    audience: Visibility = Visibility.UNIT
    languages: tuple[str, ...] = LANGUAGES
    time_limit: float = 10.0
    graphs: int = 2
    local_taxonomy: Path | None = None
    aid_list: Path | None = None
    settings: Settings = field(default_factory=Settings)

    def __post_init__(self) -> None:
        if self.host not in LOOPBACK:
            raise InputError(
                f"host must be one of {', '.join(LOOPBACK)}, since there is no sign-in yet and whoever reaches the "
                f"service sees everything; got {self.host!r}"
            )
        if not 0 <= self.port <= 65535:
            raise InputError(f"port must lie in 0-65535; got {self.port!r}")
        if self.production and self.secret == DEVELOPMENT_SECRET:
            raise InputError("secret must be set (COMPETENCE_SECRET) in production; got the development secret")
        if not self.secret:
            raise InputError("secret must not be empty")
        if self.audience not in (Visibility.UNIT, Visibility.ORGANISATION):
            raise InputError(f"audience must be unit or organisation; got {self.audience!r}")
        if not self.languages or not set(self.languages) <= set(LANGUAGES):
            raise InputError(f"languages must be some of {', '.join(LANGUAGES)}; got {self.languages!r}")

    @property
    def url(self) -> str:
        """The database URL, SQLite in the folder where none was given."""
        return self.database_url or f"sqlite:///{(self.folder / 'competence.db').absolute().as_posix()}"

    @property
    def uploads(self) -> Path:
        """Folder of uploaded files that are neither confirmed nor discarded yet."""
        return self.folder / "uploads"

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> Self:
        """Read COMPETENCE_FOLDER, COMPETENCE_DATABASE_URL, COMPETENCE_SECRET and COMPETENCE_PRODUCTION.

        COMPETENCE_LOCAL_TAXONOMY and COMPETENCE_AID_LIST are paths; without them there is no such table.

        Parameters
        ----------
        environment : mapping, optional
            None means that of the process.
        """
        env = os.environ if environment is None else environment

        def path(name: str) -> Path | None:
            return Path(env[name]) if env.get(name) else None

        return cls(
            folder=Path(env.get("COMPETENCE_FOLDER", "instance")),
            database_url=env.get("COMPETENCE_DATABASE_URL", ""),
            secret=env.get("COMPETENCE_SECRET", DEVELOPMENT_SECRET),
            production=env.get("COMPETENCE_PRODUCTION", "") in ("1", "true", "yes"),
            local_taxonomy=path("COMPETENCE_LOCAL_TAXONOMY"),
            aid_list=path("COMPETENCE_AID_LIST"),
        )

    def with_kept_secret(self) -> Self:
        """Return the same settings with a random secret kept in the folder, unless one was chosen."""
        if self.secret != DEVELOPMENT_SECRET:
            return self
        path = self.folder / "secret"
        self.folder.mkdir(parents=True, exist_ok=True)
        try:
            # O_EXCL: of two processes that start together one writes, the other reads.
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
                file.write(secrets.token_hex(32))
        except FileExistsError:
            pass
        return replace(self, secret=path.read_text(encoding="ascii").strip() or secrets.token_hex(32))
