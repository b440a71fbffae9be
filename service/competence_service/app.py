"""The application factory: joins settings, store, library, pages and JSON, and guards what goes in and out."""

from __future__ import annotations

import traceback
from dataclasses import dataclass
from datetime import timedelta
from types import TracebackType
from typing import Any

from flask import Flask, Response, current_app, request
from flask_babel import Babel

from competence_service.config import Config
from competence_service.library import Library
from competence_service.policy import guard
from competence_service.store import Store, open_engine

__all__ = ["Services", "create_app", "services"]

_CONTENT_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; font-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
"""Nothing from other hosts, no script at all, no style outside the files, no framing."""


@dataclass(frozen=True, slots=True)
class Services:
    """What the views call."""

    config: Config
    store: Store
    library: Library


class _Application(Flask):
    def log_exception(self, exc_info: tuple[type, BaseException, TracebackType] | tuple[None, None, None]) -> None:
        """Log where it went wrong, not with which values: a message may hold names or people's own words."""
        kind, _, trace = exc_info
        lines = "".join(traceback.format_tb(trace)) if trace else ""
        self.logger.error("%s in %s\n%s", kind.__name__ if kind else "error", request.endpoint, lines)


def services() -> Services:
    """Return the services of the application that handles the current request."""
    found = current_app.extensions["competence"]
    if not isinstance(found, Services):
        raise TypeError(f"the extension must be Services; got {type(found).__name__}")
    return found


def create_app(config: Config | None = None, *, migrate: bool = True) -> Flask:
    """Make the WSGI application.

    Parameters
    ----------
    config : Config, optional
        None takes the defaults.
    migrate : bool
        Bring the tables up to date first.

    Returns
    -------
    Flask

    Raises
    ------
    InputError
        If a setting is not allowed, such as the development secret in production.
    """
    from competence_service.api import api
    from competence_service.web import web
    from competence_service.web.view import prepare_pages, selected_language

    config = config or Config()
    app = _Application("competence_service", static_folder="static", template_folder="templates")
    app.config.update(
        SECRET_KEY=config.secret,
        MAX_CONTENT_LENGTH=config.upload_limit,
        SESSION_COOKIE_NAME="competence_session",
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SECURE=config.production,
        PERMANENT_SESSION_LIFETIME=timedelta(hours=12),
        # Without sign-in a page on another site must not reach this one through a name it points here (DNS rebinding).
        TRUSTED_HOSTS=["127.0.0.1", "localhost", "[::1]"],
        BABEL_DEFAULT_LOCALE=config.languages[0],
        BABEL_DEFAULT_TIMEZONE="Europe/Stockholm",
        BABEL_TRANSLATION_DIRECTORIES="translations",
        SEND_FILE_MAX_AGE_DEFAULT=3600,
    )
    app.json.sort_keys = False  # type: ignore[attr-defined]
    store = Store(open_engine(config))
    if migrate:
        store.migrate()
    app.extensions["competence"] = Services(config, store, Library(config, store))
    Babel(app, locale_selector=selected_language)
    guard(app)
    app.register_blueprint(web)
    app.register_blueprint(api)
    prepare_pages(app)
    app.after_request(_protect)
    return app


def _protect(response: Response) -> Response:
    """Send the same protective headers with every answer."""
    headers: dict[str, Any] = {
        "Content-Security-Policy": _CONTENT_POLICY,
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        # same-origin and not no-referrer: the latter would also take the Origin away that forms are checked by.
        "Referrer-Policy": "same-origin",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    }
    for name, value in headers.items():
        response.headers.setdefault(name, value)
    if request.endpoint != "static":
        # Personal data stays in no cache.
        response.headers["Cache-Control"] = "no-store"
    return response
