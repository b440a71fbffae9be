"""The database: migrations make what the models say, rows come back as they were, decisions are only ever added."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from service_cases import Browser, copy_fed, eight, make_app, services_of
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from competence.errors import UnknownIdError
from competence.model import Choice, Decision
from competence.staff import TABLE_COLUMNS
from competence_service import Config
from competence_service.models import ROW_TABLES, Base, Decided
from competence_service.store import Store, open_engine

DECISION = Decision(
    kind="pairs", choice=Choice.ACCEPTED, people=("p1", "p2"), target="x", decided_by="Karin", day=date(2026, 3, 1), reasoning="r"
)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(open_engine(Config(folder=tmp_path)))
    store.migrate()
    yield store
    store.close()


def some_run(store: Store) -> str:
    from competence.staff import Staff

    staff = Staff(people=(), as_of=date(2026, 1, 1))
    import_id = store.add_import(staff, audience=Config().audience, options={}, preview={}, files=[])
    return store.add_run(import_id=import_id, kind="pairs", request={}, result={}, seconds=0.1)


def test_migrations_make_exactly_the_tables_of_the_models(store: Store) -> None:
    with store.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []


def test_migrating_again_changes_nothing(store: Store) -> None:
    store.person_ids(["1"])
    store.migrate()
    assert store.is_ready()
    assert len(store.person_ids(["1"])) == 1


def test_every_table_of_a_staff_has_its_columns_in_the_database() -> None:
    assert set(ROW_TABLES) == set(TABLE_COLUMNS)
    for name, table in ROW_TABLES.items():
        assert tuple(c.name for c in table.columns)[2:] == TABLE_COLUMNS[name], name


def test_a_key_keeps_its_random_id(store: Store) -> None:
    first = store.person_ids(["10001", "10002", "10001"])
    assert len(set(first.values())) == 2
    assert store.person_ids(["10003", "10002", "10001"]) == {**first, "10003": store.person_ids(["10003"])["10003"]}
    assert all(i.startswith("p") and len(i) == 17 for i in first.values())


def test_two_imports_at_once_agree_on_the_ids(store: Store) -> None:
    keys = [str(n) for n in range(300)]
    found: list[dict[str, str]] = []
    threads = [threading.Thread(target=lambda: found.append(store.person_ids(keys))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 3
    assert found[0] == found[1] == found[2]


def test_decisions_are_added_and_the_latest_stands(store: Store) -> None:
    run = some_run(store)
    store.decide(run, 1, DECISION)
    store.decide(
        run, 1, Decision(kind="pairs", choice=Choice.REJECTED, people=("p1", "p2"), decided_by="Olle", day=date(2026, 3, 2))
    )
    assert [d.decision.choice for d in store.decisions(run)] == [Choice.ACCEPTED, Choice.REJECTED]
    assert [d.choice for d in store.standing_decisions()] == [Choice.REJECTED]
    assert store.decision_count() == 2


@pytest.mark.parametrize("change", ["UPDATE decisions SET choice = 'rejected'", "DELETE FROM decisions"])
def test_the_database_itself_refuses_to_change_a_decision(store: Store, change: str) -> None:
    store.decide(some_run(store), 1, DECISION)
    with pytest.raises(DBAPIError, match="never changed"), store.engine.begin() as connection:
        connection.execute(text(change))
    assert [d.choice for d in store.standing_decisions()] == [Choice.ACCEPTED]


def test_the_code_refuses_to_change_a_decision_too(store: Store) -> None:
    store.decide(some_run(store), 1, DECISION)
    with Session(store.engine) as session:
        row = session.get(Decided, 1)
        assert row is not None
        row.reasoning = "another"
        with pytest.raises(TypeError, match="never changed"):
            session.flush()
        session.rollback()
        session.delete(row)
        with pytest.raises(TypeError, match="never changed"):
            session.flush()


def test_what_does_not_exist_is_told_as_such(store: Store) -> None:
    for find in (store.run, store.get_import, store.staff):
        with pytest.raises(UnknownIdError):
            find("nothing")
    assert store.current_import() is None
    assert store.ended_on("nobody") is None


def test_a_failed_statement_is_told_without_its_values(store: Store) -> None:
    store.person_ids(["10001"])
    with pytest.raises(DBAPIError) as caught, store.engine.begin() as connection:
        connection.execute(
            text("INSERT INTO person_keys (employer_key, person_id, created_at) VALUES (:k, :p, :t)"),
            {"k": "10001", "p": "Leila Haddad", "t": None},
        )
    assert "Haddad" not in str(caught.value)


def test_graphs_kept_in_memory_are_few_and_know_every_decision(tmp_path: Path) -> None:
    app = make_app(copy_fed(tmp_path), graphs=1)
    browser, library = Browser(app), services_of(app).library
    first = library.current()
    assert first is not None
    assert library.current() == first
    before = len(first[1].staff.decisions)
    run = browser.suggest("experts").location.rsplit("/", 1)[1]
    people = (first[1].person_ids[0],)
    browser.services.store.decide(run, 1, Decision(kind="experts", choice=Choice.ACCEPTED, people=people, day=date(2026, 3, 1)))
    second = library.current()
    assert second is not None
    assert len(second[1].staff.decisions) == before + 1
    assert len(library._graphs) == 1
    services_of(app).store.close()


# -- PostgreSQL ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def postgres(tmp_path: Path, require_tool: Callable[..., str]) -> Iterator[str]:
    """Start a PostgreSQL of our own on a socket, and return its URL."""
    pytest.importorskip("psycopg")
    folders = tuple(str(p) for p in sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True))
    initdb, server = require_tool("initdb", folders=folders), require_tool("postgres", folders=folders)
    # Not under tmp_path: the name of a socket may have 107 characters, and the server runs as somebody else.
    place = Path(tempfile.mkdtemp(prefix="cpg-"))
    prefix: list[str] = []
    if os.geteuid() == 0:
        runuser = require_tool("runuser", "su")
        user = "postgres" if subprocess.run(["id", "postgres"], capture_output=True).returncode == 0 else "nobody"
        shutil.chown(place, user)
        prefix = [runuser, "-u", user, "--"] if runuser.endswith("runuser") else []
    data = place / "data"
    process = None
    try:
        subprocess.run(
            [*prefix, initdb, "-D", str(data), "-U", "c", "-A", "trust", "-E", "UTF8", "--no-sync"],
            check=True,
            capture_output=True,
        )
        process = subprocess.Popen(
            [*prefix, server, "-D", str(data), "-k", str(place), "-c", "listen_addresses=", "-c", "fsync=off"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for _ in range(100):
            if (place / ".s.PGSQL.5432").exists():
                break
            time.sleep(0.1)
        time.sleep(0.5)
        yield f"postgresql://c@/postgres?host={place}"
    finally:
        if process is not None:
            process.terminate()
            process.wait(20)
        shutil.rmtree(place, ignore_errors=True)


def test_postgresql_by_url_works_the_same(tmp_path: Path, postgres: str) -> None:
    app = make_app(tmp_path, database_url=postgres)
    browser = Browser(app)
    store = services_of(app).store
    with store.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []
    browser.import_files(eight())
    assert len(browser.people()) == 8
    run = browser.suggest("experts").location
    store.decide(run.rsplit("/", 1)[1], 1, DECISION)
    with pytest.raises(DBAPIError, match="never changed"), store.engine.begin() as connection:
        connection.execute(text("DELETE FROM decisions"))
    browser.get(run)
    browser.import_files(eight())
    assert len(browser.people()) == 8
    assert len(store.imports()) == 2
    store.close()
