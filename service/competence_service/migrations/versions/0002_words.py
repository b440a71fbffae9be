"""What words were said to mean: one row per choice, and one per undo."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table, and let the database itself refuse to change or remove a choice."""
    op.create_table(
        "word_choices",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("target_id", sa.Text(), nullable=False),
        sa.Column("decided_by", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("undoes_id", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_word_choices")),
        sa.ForeignKeyConstraint(["undoes_id"], ["word_choices.id"], name=op.f("fk_word_choices_undoes_id_word_choices")),
    )
    for statement in _APPEND_ONLY[op.get_bind().dialect.name]:
        op.execute(statement)


def downgrade() -> None:
    """Refuse: choices that were made are never removed."""
    raise NotImplementedError("there is no way back from 0002")


_APPEND_ONLY = {
    "sqlite": tuple(
        f"CREATE TRIGGER word_choices_no_{verb} BEFORE {verb} ON word_choices "
        "BEGIN SELECT RAISE(ABORT, 'choices are added, never changed'); END"
        for verb in ("UPDATE", "DELETE")
    ),
    "postgresql": (
        "CREATE FUNCTION word_choices_refuse() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'choices are added, never changed'; END $$",
        "CREATE TRIGGER word_choices_no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON word_choices "
        "FOR EACH STATEMENT EXECUTE FUNCTION word_choices_refuse()",
    ),
}
