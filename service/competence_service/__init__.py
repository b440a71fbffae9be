"""A thin web service over :mod:`competence`: pages and JSON, one SQLite file or a PostgreSQL database, nothing else.

Every rule stands in the library; here requests are read, the library or the store is called, and the answer is shown.
:func:`create_app` makes the WSGI application from one :class:`Config`.
"""

from __future__ import annotations

from competence_service.app import create_app
from competence_service.config import Config

__all__ = ["Config", "create_app"]
