"""The tables of the service: imports, keys, the rows of each import, runs, decisions and choices of what words mean.

The ``rows_*`` tables hold what :meth:`competence.Staff.to_tables` gives, column by column, for one import. Types are
those that SQLite and PostgreSQL share. How they come about stands in ``migrations``; a test compares the two.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Date,
    DateTime,
    Double,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import TypeEngine

__all__ = ["ROW_TABLES", "Base", "Decided", "Import", "PersonKey", "Run", "WordChoice"]


class Base(DeclarativeBase):
    """Base of all tables; constraint names are fixed, so that migrations can speak of them on any database."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(column_0_label)s",
            "uq": "uq_%(table_name)s_%(column_0_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


class Import(Base):
    """One reading of staff files: a draft until somebody confirms or discards it."""

    __tablename__ = "imports"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    confirmed_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    state: Mapped[str] = mapped_column(String(12))
    """draft, confirmed or discarded."""
    as_of: Mapped[date] = mapped_column(Date)
    audience: Mapped[str] = mapped_column(String(12))
    options: Mapped[dict[str, object]] = mapped_column(JSON)
    """What the reader was asked for: as_of and scale."""
    files: Mapped[list[list[str]]] = mapped_column(JSON)
    """Name and SHA-256 of each file; the bytes are gone once the import is confirmed or discarded."""
    row_counts: Mapped[list[dict[str, object]]] = mapped_column(JSON)
    problems: Mapped[list[dict[str, object]]] = mapped_column(JSON)
    preview: Mapped[dict[str, object]] = mapped_column(JSON)


class PersonKey(Base):
    """The employer's key of a person and the random id that stands for it everywhere else."""

    __tablename__ = "person_keys"

    employer_key: Mapped[str] = mapped_column(String(200), primary_key=True)
    person_id: Mapped[str] = mapped_column(String(32), unique=True)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    ended_on: Mapped[date | None] = mapped_column(Date)
    """Date of the import in which the person was missing; the earlier rows stay, the person is in no view."""


class Run(Base):
    """One call of a suggest function with its request and result, names left out of both."""

    __tablename__ = "suggestion_runs"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    import_id: Mapped[str] = mapped_column(ForeignKey("imports.id"), index=True)
    kind: Mapped[str] = mapped_column(String(20))
    request: Mapped[dict[str, object]] = mapped_column(JSON)
    result: Mapped[dict[str, object]] = mapped_column(JSON)
    seconds: Mapped[float] = mapped_column(Double)


class Decided(Base):
    """What a named human chose about one suggestion. Rows are added, never changed; the latest per suggestion counts."""

    __tablename__ = "decisions"
    __table_args__ = (Index("ix_decisions_run_id_rank", "run_id", "rank"),)

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    run_id: Mapped[str] = mapped_column(ForeignKey("suggestion_runs.id"))
    rank: Mapped[int] = mapped_column(Integer)
    kind: Mapped[str] = mapped_column(String(20))
    choice: Mapped[str] = mapped_column(String(12))
    people: Mapped[list[str]] = mapped_column(JSON)
    target: Mapped[str] = mapped_column(Text)
    decided_by: Mapped[str] = mapped_column(Text)
    day: Mapped[date] = mapped_column(Date)
    reasoning: Mapped[str] = mapped_column(Text)
    equality_reasoning: Mapped[str] = mapped_column(Text)


class WordChoice(Base):
    """What a named human said some words mean, or that an earlier row is undone. Rows are added, never changed."""

    __tablename__ = "word_choices"

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    words: Mapped[str] = mapped_column(Text)
    target_id: Mapped[str] = mapped_column(Text)
    """Id of a concept or role; empty where they mean none."""
    decided_by: Mapped[str] = mapped_column(Text)
    day: Mapped[date] = mapped_column(Date)
    undoes_id: Mapped[int | None] = mapped_column(ForeignKey("word_choices.id"))
    """The row that this one takes back; None for a choice."""


_TEXT, _WHOLE, _YES = Text(), Integer(), Boolean()
_REAL: Double[float] = Double()


def _rows(table: str, /, **columns: TypeEngine[Any]) -> Table:
    """Make the table of one kind of record: the import it belongs to, its place in the file's order, its columns."""
    return Table(
        f"rows_{table}",
        Base.metadata,
        Column("import_id", String(32), ForeignKey("imports.id"), primary_key=True),
        Column("row", Integer, primary_key=True, autoincrement=False),
        *(Column(column, kind) for column, kind in columns.items()),
    )


ROW_TABLES: dict[str, Table] = {
    "people": _rows(
        "people",
        person_id=_TEXT,
        name=_TEXT,
        sex=_TEXT,
        age_band=_TEXT,
        unit_id=_TEXT,
        title=_TEXT,
        role_id=_TEXT,
        form=_TEXT,
        share=_REAL,
        aid=_TEXT,
        start=_TEXT,
        end=_TEXT,
        manager_ids=_TEXT,
        site=_TEXT,
        capacity=_WHOLE,
        mentor=_TEXT,
        mentee=_TEXT,
        rotation=_TEXT,
        expert=_TEXT,
        prompts=_TEXT,
        person_end=_TEXT,
    ),
    "units": _rows(
        "units",
        unit_id=_TEXT,
        name=_TEXT,
        parent_id=_TEXT,
        manager_ids=_TEXT,
        site=_TEXT,
        max_moving_share=_REAL,
        start=_TEXT,
        end=_TEXT,
    ),
    "posts": _rows("posts", post_id=_TEXT, unit_id=_TEXT, roles=_TEXT, role_id=_TEXT, holder_id=_TEXT, min_staffing=_WHOLE),
    "role_requirements": _rows(
        "role_requirements",
        role_id=_TEXT,
        title=_TEXT,
        title_en=_TEXT,
        alternative_titles=_TEXT,
        alternative_titles_en=_TEXT,
        sector=_TEXT,
        ssyk=_TEXT,
        isco=_TEXT,
        aid=_TEXT,
        concept_id=_TEXT,
        level=_WHOLE,
        importance=_TEXT,
        weight=_REAL,
        hard=_YES,
        source=_TEXT,
        scheme=_TEXT,
    ),
    "statements": _rows(
        "statements",
        statement_id=_TEXT,
        person_id=_TEXT,
        text=_TEXT,
        lang=_TEXT,
        learnt_where=_TEXT,
        day=_TEXT,
        source=_TEXT,
        level=_WHOLE,
        heading=_YES,
        visibility=_TEXT,
    ),
    "evidence": _rows(
        "evidence",
        evidence_id=_TEXT,
        person_id=_TEXT,
        concept_id=_TEXT,
        words=_TEXT,
        level=_WHOLE,
        source=_TEXT,
        learning_form=_TEXT,
        day=_TEXT,
        author=_TEXT,
        statement_id=_TEXT,
        stage=_TEXT,
        visibility=_TEXT,
        probability=_REAL,
        label=_TEXT,
        valid_until=_TEXT,
    ),
    "interests": _rows("interests", person_id=_TEXT, words=_TEXT, kind=_TEXT, concept_id=_TEXT),
    "travel": _rows("travel", from_site=_TEXT, to_site=_TEXT, minutes=_REAL),
    "history": _rows(
        "history", kind=_TEXT, person_id=_TEXT, other_id=_TEXT, from_unit=_TEXT, to_unit=_TEXT, start=_TEXT, end=_TEXT
    ),
    "decisions": _rows(
        "decisions",
        kind=_TEXT,
        choice=_TEXT,
        people=_TEXT,
        target=_TEXT,
        decided_by=_TEXT,
        day=_TEXT,
        alternatives=_TEXT,
        reasoning=_TEXT,
        equality_reasoning=_TEXT,
    ),
    "delegations": _rows("delegations", delegator_id=_TEXT, delegate_id=_TEXT, task=_TEXT, unit_id=_TEXT, start=_TEXT, end=_TEXT),
    "staff": _rows("staff", as_of=_TEXT, linked=_YES, protected_count=_WHOLE, opt_in_columns=_TEXT, tables=_TEXT),
    "title_links": _rows("title_links", title=_TEXT, role_id=_TEXT, probability=_REAL, how=_TEXT, label=_TEXT),
    "local_concepts": _rows(
        "local_concepts",
        concept_id=_TEXT,
        kind=_TEXT,
        label_sv=_TEXT,
        label_en=_TEXT,
        alternatives_sv=_TEXT,
        alternatives_en=_TEXT,
        description_sv=_TEXT,
        description_en=_TEXT,
        broader=_TEXT,
        related=_TEXT,
        currency_months=_WHOLE,
        safety_critical=_YES,
        rarely_named=_YES,
        matches=_TEXT,
        scheme=_TEXT,
    ),
    "unlinked": _rows("unlinked", words=_TEXT, kind=_TEXT, count=_WHOLE, nearest=_TEXT),
}
"""Table of each kind of record, by the name it has in ``Staff.to_tables``."""
