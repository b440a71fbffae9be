"""`competence serve` and `migrate`: loopback only, the address is printed, a taken port is stepped over."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import urllib.request
from importlib.metadata import entry_points
from pathlib import Path

import pytest
from click.testing import CliRunner

from competence_service.cli import migrate, serve

ROOT = Path(__file__).resolve().parent.parent


def test_commands_are_found_by_the_entry_point() -> None:
    found = {e.name: e.value for e in entry_points(group="competence.commands")}
    if not found:
        pytest.skip("the package is not installed")
    assert found["serve"] == "competence_service.cli:serve"
    assert found["migrate"] == "competence_service.cli:migrate"


def test_migrate_makes_the_database(tmp_path: Path) -> None:
    result = CliRunner().invoke(migrate, ["--folder", str(tmp_path)])
    assert result.exit_code == 0, result.output
    assert (tmp_path / "competence.db").exists()


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.4", "example.org"])
def test_other_addresses_than_loopback_are_refused_with_the_reason(tmp_path: Path, host: str) -> None:
    result = CliRunner().invoke(serve, ["--folder", str(tmp_path), "--host", host])
    assert result.exit_code == 1
    assert "there is no sign-in yet" in result.output


def test_serve_prints_its_address_steps_over_a_taken_port_and_answers(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        command = "from competence_service.cli import serve; serve()"
        process = subprocess.Popen(
            [sys.executable, "-c", command, "--folder", str(tmp_path), "--port", str(port)],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "service")])},
        )
        try:
            assert process.stdout is not None
            said = process.stdout.readline()
            assert str(port) in said
            address = process.stdout.readline().strip()
            assert re.fullmatch(r"http://127\.0\.0\.1:\d+/", address)
            assert f":{port}/" not in address
            with urllib.request.urlopen(address, timeout=60) as answer:
                assert answer.status == 200
                assert "Övningsläge" in answer.read().decode("utf-8")
        finally:
            process.terminate()
            process.wait(20)
            if process.stdout is not None:
                process.stdout.close()


def test_the_pages_import_neither_pandas_nor_networkx_themselves() -> None:
    for path in (ROOT / "service" / "competence_service" / "web").glob("*.py"):
        source = path.read_text(encoding="utf-8")
        assert not re.search(r"^\s*(import|from) (pandas|networkx)", source, re.MULTILINE), path.name
