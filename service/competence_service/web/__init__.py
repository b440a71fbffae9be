"""Pages for people: server-rendered HTML without any script, Swedish first.

A view reads the request, calls the library or the store, and renders; it computes nothing.
"""

from __future__ import annotations

from flask import Blueprint

__all__ = ["web"]

web = Blueprint("web", __name__)

# The views add themselves to the blueprint, so they come after it.
import competence_service.web.imports  # noqa: E402
import competence_service.web.people  # noqa: E402
import competence_service.web.start  # noqa: E402
import competence_service.web.suggest  # noqa: E402
import competence_service.web.taxonomy  # noqa: E402
import competence_service.web.words  # noqa: E402, F401
