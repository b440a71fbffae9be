"""Delegations, and the last day that a piece of evidence is valid."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table and the column; imports confirmed earlier have no delegations and no last days."""
    op.create_table(
        "rows_delegations",
        sa.Column(
            "import_id",
            sa.String(32),
            sa.ForeignKey("imports.id", name=op.f("fk_rows_delegations_import_id_imports")),
            nullable=False,
        ),
        sa.Column("row", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("delegator_id", sa.Text(), nullable=True),
        sa.Column("delegate_id", sa.Text(), nullable=True),
        sa.Column("task", sa.Text(), nullable=True),
        sa.Column("unit_id", sa.Text(), nullable=True),
        sa.Column("start", sa.Text(), nullable=True),
        sa.Column("end", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("import_id", "row", name=op.f("pk_rows_delegations")),
    )
    op.add_column("rows_evidence", sa.Column("valid_until", sa.Text(), nullable=True))


def downgrade() -> None:
    """Refuse: what was imported is never removed."""
    raise NotImplementedError("there is no way back from 0003")
