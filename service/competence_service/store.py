"""All that is read from and written to the database; nothing else in the service speaks SQL.

What it hands out are library records or frozen rows, never open database objects. The employer's key is turned into a
random id here (:meth:`Store.person_ids`) and is given back to nobody.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import Engine, create_engine, delete, event, func, insert, inspect, select, update
from sqlalchemy.engine import make_url
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from competence.errors import Problem, ProblemEffect, UnknownIdError
from competence.linking import Correction, Corrections
from competence.model import Choice, Decision, Visibility
from competence.staff import RowCount, Staff
from competence_service.config import Config
from competence_service.migrations import migrate
from competence_service.models import ROW_TABLES, Base, Decided, Import, PersonKey, Run, WordChoice

__all__ = ["ChoiceRow", "DecidedRow", "ImportRow", "RunRow", "Store", "new_id", "open_engine"]

_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
_CHUNK = 5_000


def new_id(prefix: str = "") -> str:
    """Return a random id of 16 letters and digits (79 bits) after ``prefix``, easy to read aloud."""
    return prefix + "".join(secrets.choice(_ALPHABET) for _ in range(16))


def open_engine(config: Config) -> Engine:
    """Open the database of ``config``; SQLite in its folder by default."""
    url = make_url(config.url)
    if url.drivername == "postgresql":
        url = url.set(drivername="postgresql+psycopg")
    if url.get_backend_name() == "sqlite" and not config.database_url:
        config.folder.mkdir(parents=True, exist_ok=True)
    # A failed statement is logged without its values, which may be names or people's own words.
    engine = create_engine(url, hide_parameters=True)
    if url.get_backend_name() == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _record: object) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA foreign_keys = ON")
    # Readers go on while somebody writes, and a second writer waits rather than fails.
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA busy_timeout = 15000")
    cursor.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportRow:
    """One import as the pages need it."""

    id: str
    created_at: datetime
    confirmed_at: datetime | None
    state: str
    as_of: date
    audience: Visibility
    options: Mapping[str, Any]
    files: tuple[tuple[str, str], ...]
    row_counts: tuple[RowCount, ...]
    problems: tuple[Problem, ...]
    preview: Mapping[str, Any]

    @property
    def rows(self) -> tuple[int, int, int]:
        """Rows read, kept and set aside, over all tables."""
        counts = self.row_counts
        return sum(c.read for c in counts), sum(c.kept for c in counts), sum(c.set_aside for c in counts)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRow:
    """One stored call of a suggest function."""

    id: str
    created_at: datetime
    import_id: str
    kind: str
    request: Mapping[str, Any]
    result: Mapping[str, Any]
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class DecidedRow:
    """One stored decision."""

    id: int
    created_at: datetime
    run_id: str
    rank: int
    decision: Decision


@dataclass(frozen=True, slots=True, kw_only=True)
class ChoiceRow:
    """One stored choice of what words mean, with its undo where there is one."""

    id: int
    created_at: datetime
    correction: Correction


def _utc(moment: datetime) -> datetime:
    """Give a moment its zone back, which SQLite does not keep."""
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _clean(value: Any) -> Any:
    """PostgreSQL holds no NUL character in a text; no file means one."""
    return value.replace("\x00", "") if isinstance(value, str) else value


class Store:
    """The database of one employer.

    Parameters
    ----------
    engine : Engine
        From :func:`open_engine`. :meth:`migrate` must have run once.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def migrate(self) -> None:
        """Bring the tables up to date."""
        migrate(self.engine)

    def is_ready(self) -> bool:
        """Say whether the tables are there."""
        return inspect(self.engine).has_table(Run.__tablename__)

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()

    @contextmanager
    def _session(self) -> Iterator[Session]:
        with Session(self.engine) as session, session.begin():
            yield session

    # -- imports ----------------------------------------------------------------------------------------------------

    def add_import(
        self,
        staff: Staff,
        *,
        audience: Visibility,
        options: Mapping[str, Any],
        preview: Mapping[str, Any],
        files: Iterable[tuple[str, str]],
        import_id: str | None = None,
    ) -> str:
        """Store what a dry run found as a draft, without any row of the staff itself; return its id.

        An ``import_id`` that exists is written over, as when the same files are read again with other choices.
        """
        values = {
            "as_of": staff.as_of,
            "audience": audience.value,
            "options": dict(options),
            "files": [list(f) for f in files],
            "row_counts": [_count_dict(c) for c in staff.row_counts],
            "problems": [_problem_dict(p) for p in staff.problems],
            "preview": dict(preview),
        }
        with self._session() as session:
            if import_id is not None:
                session.execute(update(Import).where(Import.id == import_id, Import.state == "draft").values(**values))
                return import_id
            row = Import(id=new_id("i"), created_at=datetime.now(UTC), state="draft", **values)
            session.add(row)
            return row.id

    def imports(self, limit: int = 50) -> tuple[ImportRow, ...]:
        """Return the latest imports that were not discarded, the newest first."""
        query = select(Import).where(Import.state != "discarded").order_by(Import.created_at.desc(), Import.id).limit(limit)
        with self._session() as session:
            return tuple(_import_row(i) for i in session.scalars(query))

    def get_import(self, import_id: str) -> ImportRow:
        """Return one import.

        Raises
        ------
        UnknownIdError
            If there is none.
        """
        with self._session() as session:
            found = session.get(Import, import_id)
            if found is None:
                raise UnknownIdError(f"no import {import_id!r}")
            return _import_row(found)

    def current_import(self) -> ImportRow | None:
        """Return the import that was confirmed last, which all views show; None before the first."""
        query = select(Import).where(Import.state == "confirmed").order_by(Import.confirmed_at.desc(), Import.id).limit(1)
        with self._session() as session:
            found = session.scalars(query).first()
            return None if found is None else _import_row(found)

    def confirm_import(
        self, import_id: str, staff: Staff, *, audience: Visibility, present: Iterable[str], problems: Iterable[Problem] = ()
    ) -> bool:
        """Store the rows of a draft and make it the current import; all or nothing.

        Parameters
        ----------
        import_id : str
            A draft.
        staff : Staff
            With random ids, linked.
        audience : Visibility
            Whose words count.
        present : iterable of str
            Employer's keys of everybody in the files. Whoever has a key and is not among them is marked as ended.
        problems : iterable of Problem
            As told in the dry run, values taken out.

        Returns
        -------
        bool
            False when it was confirmed or discarded already, as by a second click.
        """
        keys = set(present)
        with self._session() as session:
            taken = session.execute(
                update(Import)
                .where(Import.id == import_id, Import.state == "draft")
                .values(
                    state="confirmed",
                    confirmed_at=datetime.now(UTC),
                    audience=audience.value,
                    preview={},
                    problems=[_problem_dict(p) for p in problems],
                )
            )
            if taken.rowcount != 1:  # type: ignore[attr-defined]
                return False
            for name, rows in staff.to_tables().items():
                table = ROW_TABLES[name]
                for start in range(0, len(rows), _CHUNK):
                    session.execute(
                        insert(table),
                        [
                            {"import_id": import_id, "row": start + number, **{k: _clean(v) for k, v in row.items()}}
                            for number, row in enumerate(rows[start : start + _CHUNK])
                        ],
                    )
            for key in session.scalars(select(PersonKey)):
                ended = None if key.employer_key in keys else (key.ended_on or staff.as_of)
                if key.ended_on != ended:
                    key.ended_on = ended
            return True

    def discard_import(self, import_id: str) -> bool:
        """Forget a draft: only that there was one is kept. False when it is not a draft any more."""
        values = {"state": "discarded", "preview": {}, "problems": [], "row_counts": [], "files": []}
        with self._session() as session:
            done = session.execute(update(Import).where(Import.id == import_id, Import.state == "draft").values(**values))
            return bool(done.rowcount == 1)  # type: ignore[attr-defined]

    def staff(self, import_id: str) -> Staff:
        """Build the Staff of a confirmed import from its rows, as it was when confirmed."""
        record = self.get_import(import_id)
        tables: dict[str, list[dict[str, Any]]] = {}
        with self.engine.connect() as connection:
            for name, table in ROW_TABLES.items():
                columns = [c for c in table.columns if c.name not in ("import_id", "row")]
                query = select(*columns).where(table.c.import_id == import_id).order_by(table.c.row)
                rows = [dict(row) for row in connection.execute(query).mappings()]
                if rows:
                    tables[name] = rows
        return Staff.from_tables(tables, problems=record.problems, row_counts=record.row_counts, sources=record.files)

    # -- people -----------------------------------------------------------------------------------------------------

    def person_ids(self, employer_keys: Iterable[str]) -> dict[str, str]:
        """Return the random id of each of the employer's keys; keys seen for the first time get one.

        The same key always gives the same id, so that reading the same files again changes nothing.
        """
        keys = list(dict.fromkeys(employer_keys))
        for _ in range(3):
            try:
                return self._person_ids(keys)
            except IntegrityError:
                # Somebody else met the same new key at the same moment: theirs stands.
                continue
        return self._person_ids(keys)

    def _person_ids(self, keys: Sequence[str]) -> dict[str, str]:
        found: dict[str, str] = {}
        with self._session() as session:
            for start in range(0, len(keys), 500):
                part = keys[start : start + 500]
                query = select(PersonKey.employer_key, PersonKey.person_id).where(PersonKey.employer_key.in_(part))
                found.update((key, person_id) for key, person_id in session.execute(query))
            now = datetime.now(UTC)
            fresh = [
                {"employer_key": key, "person_id": new_id("p"), "created_at": now, "ended_on": None}
                for key in keys
                if key not in found
            ]
            if fresh:
                session.execute(insert(PersonKey), fresh)
                found.update((str(row["employer_key"]), str(row["person_id"])) for row in fresh)
        return found

    def forget_unused_keys(self) -> None:
        """Remove keys that no confirmed import has used, left behind by a draft that was never confirmed."""
        people = ROW_TABLES["people"]
        with self._session() as session:
            used = select(people.c.person_id).distinct()
            session.execute(delete(PersonKey).where(PersonKey.person_id.not_in(used), PersonKey.ended_on.is_(None)))

    def count_vanishing(self, present: Iterable[str]) -> int:
        """Count people who are in the current import and have a key that is not among ``present``."""
        keys = set(present)
        with self._session() as session:
            known = session.scalars(select(PersonKey.employer_key).where(PersonKey.ended_on.is_(None)))
            return sum(key not in keys for key in known)

    def ended_on(self, person_id: str) -> date | None:
        """Return since when a person is no longer in the files; None for somebody who is, or never was."""
        with self._session() as session:
            return session.scalar(select(PersonKey.ended_on).where(PersonKey.person_id == person_id))

    # -- runs and decisions -------------------------------------------------------------------------------------------

    def add_run(self, *, import_id: str, kind: str, request: Mapping[str, Any], result: Mapping[str, Any], seconds: float) -> str:
        """Store a call and its result; return its id."""
        with self._session() as session:
            row = Run(
                id=new_id("r"),
                created_at=datetime.now(UTC),
                import_id=import_id,
                kind=kind,
                request=dict(request),
                result=dict(result),
                seconds=seconds,
            )
            session.add(row)
            return row.id

    def run(self, run_id: str) -> RunRow:
        """Return one stored call.

        Raises
        ------
        UnknownIdError
            If there is none.
        """
        with self._session() as session:
            found = session.get(Run, run_id)
            if found is None:
                raise UnknownIdError(f"no run {run_id!r}")
            return _run_row(found)

    def runs(self, kind: str | None = None, limit: int = 10) -> tuple[RunRow, ...]:
        """Return the latest calls without their results, the newest first."""
        query = select(Run.id, Run.created_at, Run.import_id, Run.kind, Run.request, Run.seconds)
        if kind is not None:
            query = query.where(Run.kind == kind)
        with self._session() as session:
            rows = session.execute(query.order_by(Run.created_at.desc(), Run.id).limit(limit)).all()
        return tuple(
            RunRow(
                id=r.id,
                created_at=_utc(r.created_at),
                import_id=r.import_id,
                kind=r.kind,
                request=r.request,
                result={},
                seconds=r.seconds,
            )
            for r in rows
        )

    def decide(self, run_id: str, rank: int, decision: Decision) -> int:
        """Add a decision about one suggestion; return its number. An earlier one stays as it was."""
        with self._session() as session:
            row = Decided(
                created_at=datetime.now(UTC),
                run_id=run_id,
                rank=rank,
                kind=decision.kind,
                choice=decision.choice.value,
                people=list(decision.people),
                target=decision.target,
                decided_by=_clean(decision.decided_by),
                day=decision.day,
                reasoning=_clean(decision.reasoning),
                equality_reasoning=_clean(decision.equality_reasoning),
            )
            session.add(row)
            session.flush()
            return row.id

    def decisions(self, run_id: str | None = None) -> tuple[DecidedRow, ...]:
        """Return the decisions about a run, or all of them, in the order they were made."""
        query = select(Decided).order_by(Decided.id)
        if run_id is not None:
            query = query.where(Decided.run_id == run_id)
        with self._session() as session:
            return tuple(_decided_row(d) for d in session.scalars(query))

    def standing_decisions(self) -> tuple[Decision, ...]:
        """Return the decision that stands for each suggestion: the one made last."""
        latest: dict[tuple[str, int], Decision] = {}
        for row in self.decisions():
            latest[row.run_id, row.rank] = row.decision
        return tuple(latest.values())

    def decision_count(self) -> int:
        """Count all decisions; it grows with each, so it tells whether a graph in memory knows them all."""
        with self._session() as session:
            return session.scalar(select(func.count()).select_from(Decided)) or 0

    # -- what words mean ----------------------------------------------------------------------------------------------

    def choose_words(self, chosen: Mapping[str, str], *, decided_by: str, day: date) -> None:
        """Add what words mean: id of a concept or role by words, empty for none. Earlier choices stay as they were."""
        with self._session() as session:
            session.add_all(
                WordChoice(
                    created_at=datetime.now(UTC),
                    words=_clean(words),
                    target_id=target_id,
                    decided_by=_clean(decided_by),
                    day=day,
                    undoes_id=None,
                )
                for words, target_id in chosen.items()
            )

    def undo_choice(self, choice_id: int, *, decided_by: str, day: date) -> bool:
        """Add that a choice is taken back; False when there is none or it is undone already."""
        with self._session() as session:
            found = session.get(WordChoice, choice_id)
            undone = session.scalar(select(WordChoice.id).where(WordChoice.undoes_id == choice_id).limit(1))
            if found is None or found.undoes_id is not None or undone is not None:
                return False
            session.add(
                WordChoice(
                    created_at=datetime.now(UTC),
                    words=found.words,
                    target_id=found.target_id,
                    decided_by=_clean(decided_by),
                    day=day,
                    undoes_id=choice_id,
                )
            )
            return True

    def word_choices(self) -> tuple[ChoiceRow, ...]:
        """Return every choice in the order they were made, the undone ones marked."""
        with self._session() as session:
            rows = list(session.scalars(select(WordChoice).order_by(WordChoice.id)))
            undone: dict[int, WordChoice] = {}
            for row in rows:
                if row.undoes_id is not None:
                    undone.setdefault(row.undoes_id, row)
            return tuple(_choice_row(row, undone.get(row.id)) for row in rows if row.undoes_id is None)

    def corrections(self) -> Corrections:
        """Return the log of choices as the library takes it."""
        return Corrections(log=tuple(row.correction for row in self.word_choices()))

    def choice_count(self) -> int:
        """Count all choices and undos; it grows with each, so it tells whether a linker in memory knows them all."""
        with self._session() as session:
            return session.scalar(select(func.count()).select_from(WordChoice)) or 0


@event.listens_for(Decided, "before_update")
@event.listens_for(Decided, "before_delete")
@event.listens_for(WordChoice, "before_update")
@event.listens_for(WordChoice, "before_delete")
def _refuse(_mapper: object, _connection: object, _target: Base) -> None:
    # The database refuses too (see the migration); this tells it closer to the mistake.
    raise TypeError("decisions and choices are added, never changed")


def _count_dict(count: RowCount) -> dict[str, object]:
    return {"file": count.file, "table": count.table, "read": count.read, "kept": count.kept, "set_aside": count.set_aside}


_PROBLEM_FIELDS = ("code", "table", "row", "column", "value", "detail", "count", "file")


def _problem_dict(problem: Problem) -> dict[str, object]:
    return {**{name: getattr(problem, name) for name in _PROBLEM_FIELDS}, "effect": problem.effect.value}


def _import_row(row: Import) -> ImportRow:
    return ImportRow(
        id=row.id,
        created_at=_utc(row.created_at),
        confirmed_at=None if row.confirmed_at is None else _utc(row.confirmed_at),
        state=row.state,
        as_of=row.as_of,
        audience=Visibility(row.audience),
        options=row.options,
        files=tuple((str(name), str(digest)) for name, digest in row.files),
        row_counts=tuple(RowCount(**c) for c in row.row_counts),  # type: ignore[arg-type]
        problems=tuple(Problem(**{**p, "effect": ProblemEffect(str(p["effect"]))}) for p in row.problems),  # type: ignore[arg-type]
        preview=row.preview,
    )


def _run_row(row: Run) -> RunRow:
    return RunRow(
        id=row.id,
        created_at=_utc(row.created_at),
        import_id=row.import_id,
        kind=row.kind,
        request=row.request,
        result=row.result,
        seconds=row.seconds,
    )


def _decided_row(row: Decided) -> DecidedRow:
    decision = Decision(
        kind=row.kind,
        choice=Choice(row.choice),
        people=tuple(row.people),
        target=row.target,
        decided_by=row.decided_by,
        day=row.day,
        reasoning=row.reasoning,
        equality_reasoning=row.equality_reasoning,
    )
    return DecidedRow(id=row.id, created_at=_utc(row.created_at), run_id=row.run_id, rank=row.rank, decision=decision)


def _choice_row(row: WordChoice, undo: WordChoice | None) -> ChoiceRow:
    correction = Correction(
        words=row.words,
        target_id=row.target_id,
        who=row.decided_by,
        day=row.day,
        undone_by="" if undo is None else undo.decided_by,
        undone_day=None if undo is None else undo.day,
    )
    return ChoiceRow(id=row.id, created_at=_utc(row.created_at), correction=correction)
