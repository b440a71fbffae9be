"""The same as the pages, as JSON under ``/api/v1``; every error has the one shape of RFC 9457.

Requests that change something take ``application/json`` only: a page on another site cannot send that without asking
first, so no form token is needed here.
"""

from __future__ import annotations

from flask import Blueprint

__all__ = ["api"]

api = Blueprint("api", __name__, url_prefix="/api/v1")

# The views add themselves to the blueprint, so they come after it.
import competence_service.api.errors  # noqa: E402
import competence_service.api.resources  # noqa: E402, F401
