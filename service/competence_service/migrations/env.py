"""Alembic's door: it uses the connection that :func:`competence_service.migrations.migrate` hands over."""

from __future__ import annotations

from alembic import context

from competence_service.models import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    # SQLite cannot alter a column in place; Alembic then copies the table.
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
