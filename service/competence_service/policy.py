"""Who may do what: every route says which permission it needs, and nothing is allowed that does not say it.

Until there is sign-in there is one permission, ``practice``: whoever sits at this machine, in practice mode.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from flask import Flask, abort, request

__all__ = ["PERMISSIONS", "guard", "permission", "permission_of"]

PERMISSIONS = frozenset({"open", "practice"})
"""``open`` is for what holds no data (styles), ``practice`` for everything else."""

_F = TypeVar("_F", bound=Callable[..., object])


def permission(name: str) -> Callable[[_F], _F]:
    """Say which permission a view needs; it stands nearest to the view, under the route."""
    if name not in PERMISSIONS:
        raise ValueError(f"permission must be one of {', '.join(sorted(PERMISSIONS))}; got {name!r}")

    def mark(view: _F) -> _F:
        view.__dict__["permission"] = name
        return view

    return mark


def permission_of(app: Flask, endpoint: str) -> str | None:
    """Return the permission that the view behind an endpoint declares; None when it declares none."""
    if endpoint == "static" or endpoint.endswith(".static"):
        return "open"
    declared = getattr(app.view_functions.get(endpoint), "permission", None)
    return declared if isinstance(declared, str) else None


def guard(app: Flask) -> None:
    """Refuse, before any view runs, what declares no permission."""

    @app.before_request
    def _refuse_undeclared() -> None:
        if request.endpoint is not None and permission_of(app, request.endpoint) not in PERMISSIONS:
            abort(403)
