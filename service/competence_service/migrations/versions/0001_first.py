"""The first tables: imports, keys, the rows of each import, runs and decisions.

Spelt out rather than taken from the models, so that this step stays what it was when the models change.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables, and let the database itself refuse to change or remove a decision."""
    op.create_table(
        "imports",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("as_of", sa.Date(), nullable=False),
        sa.Column("audience", sa.String(12), nullable=False),
        sa.Column("options", sa.JSON(), nullable=False),
        sa.Column("files", sa.JSON(), nullable=False),
        sa.Column("row_counts", sa.JSON(), nullable=False),
        sa.Column("problems", sa.JSON(), nullable=False),
        sa.Column("preview", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_imports")),
    )
    op.create_table(
        "person_keys",
        sa.Column("employer_key", sa.String(200), nullable=False),
        sa.Column("person_id", sa.String(32), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_on", sa.Date(), nullable=True),
        sa.PrimaryKeyConstraint("employer_key", name=op.f("pk_person_keys")),
        sa.UniqueConstraint("person_id", name=op.f("uq_person_keys_person_id")),
    )
    op.create_table(
        "rows_decisions",
        sa.Column(
            "import_id",
            sa.String(32),
            sa.ForeignKey("imports.id", name=op.f("fk_rows_decisions_import_id_imports")),
            nullable=False,
        ),
        sa.Column("row", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.Text(), nullable=True),
        sa.Column("choice", sa.Text(), nullable=True),
        sa.Column("people", sa.Text(), nullable=True),
        sa.Column("target", sa.Text(), nullable=True),
        sa.Column("decided_by", sa.Text(), nullable=True),
        sa.Column("day", sa.Text(), nullable=True),
        sa.Column("alternatives", sa.Text(), nullable=True),
        sa.Column("reasoning", sa.Text(), nullable=True),
        sa.Column("equality_reasoning", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("import_id", "row", name=op.f("pk_rows_decisions")),
    )
    op.create_table(
        "rows_evidence",
        sa.Column(
            "import_id",
            sa.String(32),
            sa.ForeignKey("imports.id", name=op.f("fk_rows_evidence_import_id_imports")),
            nullable=False,
        ),
        sa.Column("row", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("evidence_id", sa.Text(), nullable=True),
        sa.Column("person_id", sa.Text(), nullable=True),
        sa.Column("concept_id", sa.Text(), nullable=True),
        sa.Column("words", sa.Text(), nullable=True),
        sa.Column("level", sa.Integer(), nullable=True),
        sa.Column("source", sa.Text(), nullable=True),
        sa.Column("learning_form", sa.Text(), nullable=True),
        sa.Column("day", sa.Text(), nullable=True),
        sa.Column("author", sa.Text(), nullable=True),
        sa.Column("statement_id", sa.Text(), nullable=True),
        sa.Column("stage", sa.Text(), nullable=True),
        sa.Column("visibility", sa.Text(), nullable=True),
        sa.Column("probability", sa.Double(), nullable=True),
        sa.Column("label", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("import_id", "row", name=op.f("pk_rows_evidence")),
    )
    op.create_table(
        "rows_history",
        sa.Column(
            "import_id",
            sa.String(32),
            sa.ForeignKey("imports.id", name=op.f("fk_rows_history_import_id_imports")),
            nullable=False,
        ),
        sa.Column("row", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.Text(), nullable=True),
        sa.Column("person_id", sa.Text(), nullable=True),
        sa.Column("other_id", sa.Text(), nullable=True),
        sa.Column("from_unit", sa.Text(), nullable=True),
        sa.Column("to_unit", sa.Text(), nullable=True),
        sa.Column("start", sa.Text(), nullable=True),
        sa.Column("end", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("import_id", "row", name=op.f("pk_rows_history")),
    )
    op.create_table(
        "rows_interests",
        sa.Column(
            "import_id",
            sa.String(32),
            sa.ForeignKey("imports.id", name=op.f("fk_rows_interests_import_id_imports")),
            nullable=False,
        ),
        sa.Column("row", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("person_id", sa.Text(), nullable=True),
        sa.Column("words", sa.Text(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=True),
        sa.Column("concept_id", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("import_id", "row", name=op.f("pk_rows_interests")),
    )
    op.create_table(
        "rows_local_concepts",
        sa.Column(
            "import_id",
            sa.String(32),
            sa.ForeignKey("imports.id", name=op.f("fk_rows_local_concepts_import_id_imports")),
            nullable=False,
        ),
        sa.Column("row", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("concept_id", sa.Text(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=True),
        sa.Column("label_sv", sa.Text(), nullable=True),
        sa.Column("label_en", sa.Text(), nullable=True),
        sa.Column("alternatives_sv", sa.Text(), nullable=True),
        sa.Column("alternatives_en", sa.Text(), nullable=True),
        sa.Column("description_sv", sa.Text(), nullable=True),
        sa.Column("description_en", sa.Text(), nullable=True),
        sa.Column("broader", sa.Text(), nullable=True),
        sa.Column("related", sa.Text(), nullable=True),
        sa.Column("currency_months", sa.Integer(), nullable=True),
        sa.Column("safety_critical", sa.Boolean(), nullable=True),
        sa.Column("rarely_named", sa.Boolean(), nullable=True),
        sa.Column("matches", sa.Text(), nullable=True),
        sa.Column("scheme", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("import_id", "row", name=op.f("pk_rows_local_concepts")),
    )
    op.create_table(
        "rows_people",
        sa.Column(
            "import_id", sa.String(32), sa.ForeignKey("imports.id", name=op.f("fk_rows_people_import_id_imports")), nullable=False
        ),
        sa.Column("row", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("person_id", sa.Text(), nullable=True),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("sex", sa.Text(), nullable=True),
        sa.Column("age_band", sa.Text(), nullable=True),
        sa.Column("unit_id", sa.Text(), nullable=True),
        sa.Column("title", sa.Text(), nullable=True),
        sa.Column("role_id", sa.Text(), nullable=True),
        sa.Column("form", sa.Text(), nullable=True),
        sa.Column("share", sa.Double(), nullable=True),
        sa.Column("aid", sa.Text(), nullable=True),
        sa.Column("start", sa.Text(), nullable=True),
        sa.Column("end", sa.Text(), nullable=True),
        sa.Column("manager_ids", sa.Text(), nullable=True),
        sa.Column("site", sa.Text(), nullable=True),
        sa.Column("capacity", sa.Integer(), nullable=True),
        sa.Column("mentor", sa.Text(), nullable=True),
        sa.Column("mentee", sa.Text(), nullable=True),
        sa.Column("rotation", sa.Text(), nullable=True),
        sa.Column("expert", sa.Text(), nullable=True),
        sa.Column("prompts", sa.Text(), nullable=True),
        sa.Column("person_end", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("import_id", "row", name=op.f("pk_rows_people")),
    )
    op.create_table(
        "rows_posts",
        sa.Column(
            "import_id", sa.String(32), sa.ForeignKey("imports.id", name=op.f("fk_rows_posts_import_id_imports")), nullable=False
        ),
        sa.Column("row", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("post_id", sa.Text(), nullable=True),
        sa.Column("unit_id", sa.Text(), nullable=True),
        sa.Column("roles", sa.Text(), nullable=True),
        sa.Column("role_id", sa.Text(), nullable=True),
        sa.Column("holder_id", sa.Text(), nullable=True),
        sa.Column("min_staffing", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("import_id", "row", name=op.f("pk_rows_posts")),
    )
    op.create_table(
        "rows_role_requirements",
        sa.Column(
            "import_id",
            sa.String(32),
            sa.ForeignKey("imports.id", name=op.f("fk_rows_role_requirements_import_id_imports")),
            nullable=False,
        ),
        sa.Column("row", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("role_id", sa.Text(), nullable=True),
        sa.Column("title", sa.Text(), nullable=True),
        sa.Column("title_en", sa.Text(), nullable=True),
        sa.Column("alternative_titles", sa.Text(), nullable=True),
        sa.Column("alternative_titles_en", sa.Text(), nullable=True),
        sa.Column("sector", sa.Text(), nullable=True),
        sa.Column("ssyk", sa.Text(), nullable=True),
        sa.Column("isco", sa.Text(), nullable=True),
        sa.Column("aid", sa.Text(), nullable=True),
        sa.Column("concept_id", sa.Text(), nullable=True),
        sa.Column("level", sa.Integer(), nullable=True),
        sa.Column("importance", sa.Text(), nullable=True),
        sa.Column("weight", sa.Double(), nullable=True),
        sa.Column("hard", sa.Boolean(), nullable=True),
        sa.Column("source", sa.Text(), nullable=True),
        sa.Column("scheme", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("import_id", "row", name=op.f("pk_rows_role_requirements")),
    )
    op.create_table(
        "rows_staff",
        sa.Column(
            "import_id", sa.String(32), sa.ForeignKey("imports.id", name=op.f("fk_rows_staff_import_id_imports")), nullable=False
        ),
        sa.Column("row", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("as_of", sa.Text(), nullable=True),
        sa.Column("linked", sa.Boolean(), nullable=True),
        sa.Column("protected_count", sa.Integer(), nullable=True),
        sa.Column("opt_in_columns", sa.Text(), nullable=True),
        sa.Column("tables", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("import_id", "row", name=op.f("pk_rows_staff")),
    )
    op.create_table(
        "rows_statements",
        sa.Column(
            "import_id",
            sa.String(32),
            sa.ForeignKey("imports.id", name=op.f("fk_rows_statements_import_id_imports")),
            nullable=False,
        ),
        sa.Column("row", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("statement_id", sa.Text(), nullable=True),
        sa.Column("person_id", sa.Text(), nullable=True),
        sa.Column("text", sa.Text(), nullable=True),
        sa.Column("lang", sa.Text(), nullable=True),
        sa.Column("learnt_where", sa.Text(), nullable=True),
        sa.Column("day", sa.Text(), nullable=True),
        sa.Column("source", sa.Text(), nullable=True),
        sa.Column("level", sa.Integer(), nullable=True),
        sa.Column("heading", sa.Boolean(), nullable=True),
        sa.Column("visibility", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("import_id", "row", name=op.f("pk_rows_statements")),
    )
    op.create_table(
        "rows_title_links",
        sa.Column(
            "import_id",
            sa.String(32),
            sa.ForeignKey("imports.id", name=op.f("fk_rows_title_links_import_id_imports")),
            nullable=False,
        ),
        sa.Column("row", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("title", sa.Text(), nullable=True),
        sa.Column("role_id", sa.Text(), nullable=True),
        sa.Column("probability", sa.Double(), nullable=True),
        sa.Column("how", sa.Text(), nullable=True),
        sa.Column("label", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("import_id", "row", name=op.f("pk_rows_title_links")),
    )
    op.create_table(
        "rows_travel",
        sa.Column(
            "import_id", sa.String(32), sa.ForeignKey("imports.id", name=op.f("fk_rows_travel_import_id_imports")), nullable=False
        ),
        sa.Column("row", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("from_site", sa.Text(), nullable=True),
        sa.Column("to_site", sa.Text(), nullable=True),
        sa.Column("minutes", sa.Double(), nullable=True),
        sa.PrimaryKeyConstraint("import_id", "row", name=op.f("pk_rows_travel")),
    )
    op.create_table(
        "rows_units",
        sa.Column(
            "import_id", sa.String(32), sa.ForeignKey("imports.id", name=op.f("fk_rows_units_import_id_imports")), nullable=False
        ),
        sa.Column("row", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("unit_id", sa.Text(), nullable=True),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("parent_id", sa.Text(), nullable=True),
        sa.Column("manager_ids", sa.Text(), nullable=True),
        sa.Column("site", sa.Text(), nullable=True),
        sa.Column("max_moving_share", sa.Double(), nullable=True),
        sa.Column("start", sa.Text(), nullable=True),
        sa.Column("end", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("import_id", "row", name=op.f("pk_rows_units")),
    )
    op.create_table(
        "rows_unlinked",
        sa.Column(
            "import_id",
            sa.String(32),
            sa.ForeignKey("imports.id", name=op.f("fk_rows_unlinked_import_id_imports")),
            nullable=False,
        ),
        sa.Column("row", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("words", sa.Text(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=True),
        sa.Column("count", sa.Integer(), nullable=True),
        sa.Column("nearest", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("import_id", "row", name=op.f("pk_rows_unlinked")),
    )
    op.create_table(
        "suggestion_runs",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "import_id",
            sa.String(32),
            sa.ForeignKey("imports.id", name=op.f("fk_suggestion_runs_import_id_imports")),
            nullable=False,
        ),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("request", sa.JSON(), nullable=False),
        sa.Column("result", sa.JSON(), nullable=False),
        sa.Column("seconds", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_suggestion_runs")),
    )
    op.create_index(op.f("ix_suggestion_runs_import_id"), "suggestion_runs", ["import_id"])
    op.create_table(
        "decisions",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "run_id",
            sa.String(32),
            sa.ForeignKey("suggestion_runs.id", name=op.f("fk_decisions_run_id_suggestion_runs")),
            nullable=False,
        ),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("choice", sa.String(12), nullable=False),
        sa.Column("people", sa.JSON(), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("decided_by", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("reasoning", sa.Text(), nullable=False),
        sa.Column("equality_reasoning", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_decisions")),
    )
    op.create_index(op.f("ix_decisions_run_id_rank"), "decisions", ["run_id", "rank"])
    for statement in _APPEND_ONLY[op.get_bind().dialect.name]:
        op.execute(statement)


def downgrade() -> None:
    """Refuse: what was decided is not removed by a command."""
    raise NotImplementedError("the first version has nothing before it")


_APPEND_ONLY = {
    "sqlite": tuple(
        f"CREATE TRIGGER decisions_no_{verb} BEFORE {verb} ON decisions "
        "BEGIN SELECT RAISE(ABORT, 'decisions are added, never changed'); END"
        for verb in ("UPDATE", "DELETE")
    ),
    "postgresql": (
        "CREATE FUNCTION decisions_refuse() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'decisions are added, never changed'; END $$",
        "CREATE TRIGGER decisions_no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON decisions "
        "FOR EACH STATEMENT EXECUTE FUNCTION decisions_refuse()",
    ),
}
