"""The promises of the house: what an import loads, which module may know which, what is in the wheel and in the files."""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tomllib
import venv
import zipfile
from pathlib import Path
from typing import Any

import pytest

import competence

HEAVY = ("flask", "sqlalchemy", "pandas", "numba", "ortools", "sklearn", "networkx", "competence_service")
SOLVERS = ("ortools", "numba", "scipy.optimize", "highspy")


def run(*command: str, cwd: Path, **extra: str) -> subprocess.CompletedProcess[str]:
    """Run a command without the editor's or the suite's own Python settings."""
    kept = {k: v for k, v in os.environ.items() if k not in {"PYTHONWARNINGS", "PYTHONPATH"}}
    return subprocess.run(command, cwd=cwd, env=kept | extra, capture_output=True, text=True, timeout=300)


def tool(name: str) -> str:
    found = shutil.which(name, path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    assert found, f"{name} belongs to the development requirements"
    return found


def tracked(root: Path) -> list[Path]:
    if not (root / ".git").exists():
        pytest.skip("needs the git history")
    listed = run("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", cwd=root).stdout
    return [root / name for name in listed.split("\0") if name and (root / name).is_file()]


def loaded_after(statement: str, cwd: Path) -> set[str]:
    code = f"{statement}\nimport json, sys\nprint(json.dumps(sorted(sys.modules)))"
    result = run(sys.executable, "-c", code, cwd=cwd)
    assert result.returncode == 0, result.stderr
    return set(json.loads(result.stdout))


def test_importing_the_library_loads_neither_pandas_nor_solvers_nor_the_web(root: Path) -> None:
    loaded = loaded_after("import competence", root)
    assert not {name for name in HEAVY if name in loaded}


def test_using_records_and_settings_loads_neither_pandas_nor_solvers_nor_the_web(root: Path) -> None:
    loaded = loaded_after("import competence as cp; cp.Need, cp.Settings, cp.Staff, cp.Problems", root)
    assert not {name for name in HEAVY if name in loaded}


def test_importtime_of_the_library_names_no_heavy_module(root: Path) -> None:
    result = run(sys.executable, "-X", "importtime", "-c", "import competence", cwd=root)
    named = {line.rsplit("|", 1)[-1].strip().split(".")[0] for line in result.stderr.splitlines() if "|" in line}
    assert "competence" in named
    assert not named & set(HEAVY)


def test_every_public_name_can_be_fetched_and_every_fetched_name_is_public() -> None:
    listed = {name for names in competence._MODULES.values() for name in names}
    assert listed == set(competence.__all__) - {"__version__"}
    for name in competence.__all__:
        assert getattr(competence, name) is not None
    assert set(competence.__all__) <= set(dir(competence))


def test_each_public_name_has_a_docstring_that_begins_with_a_sentence() -> None:
    for name in set(competence.__all__) - {"__version__"}:
        text = getattr(competence, name).__doc__ or ""
        assert re.match(r"[A-Z].*[.:]$", text.strip().split("\n")[0]), name


def test_a_name_that_does_not_exist_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        competence.nothing  # noqa: B018


def test_version_is_the_one_of_the_package(root: Path) -> None:
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert competence.__version__ == project["version"]


def test_no_arrow_points_up_between_the_floors(root: Path) -> None:
    result = run(tool("lint-imports"), "--no-cache", cwd=root, PYTHONPATH=os.pathsep.join([str(root), str(root / "service")]))
    assert result.returncode == 0, result.stdout + result.stderr


def test_only_solve_imports_solvers_and_compilers(root: Path) -> None:
    # import-linter sees scipy as one package, so the import of scipy.optimize is looked for in the code itself.
    found = []
    # Sparse rows of many statements are weighed by one compiled loop, which belongs to no solver.
    kernel = root / "competence" / "linking" / "_rows_kernel.py"
    for path in sorted((root / "competence").rglob("*.py")):
        if path.is_relative_to(root / "competence" / "solve") or path == kernel:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module:
                names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
            found += [
                f"{path.relative_to(root)}:{node.lineno} {name}"
                for name in names
                for solver in SOLVERS
                if name == solver or name.startswith(f"{solver}.")
            ]
    assert not found


def test_swedish_and_english_texts_have_the_same_keys_and_fields() -> None:
    from competence._texts import _texts, keys

    assert keys("sv") == keys("en")
    fields = {lang: {key: set(re.findall(r"\{(\w+)", text)) for key, text in _texts(lang).items()} for lang in ("sv", "en")}
    # A field may be left out in one language only where the sentence says the same without it; today none does.
    assert fields["sv"] == fields["en"]


def test_every_problem_code_in_the_code_has_a_message_and_a_remedy(root: Path) -> None:
    from competence._texts import keys

    used: dict[str, str] = {}
    for path in sorted((root / "competence").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Problem":
                for keyword in node.keywords:
                    if keyword.arg == "code" and isinstance(keyword.value, ast.Constant):
                        used[str(keyword.value.value)] = str(path.relative_to(root))
    missing = {f"problem.{code}.{part}": where for code, where in used.items() for part in ("message", "remedy")}
    assert not {key: where for key, where in missing.items() if key not in keys("sv")}


def test_no_file_names_a_package_index_or_a_folder_of_somebodys_machine(root: Path) -> None:
    # Put together here, so that this file does not find itself.
    addresses = [
        "pypi" + r"\.org",
        "pythonhosted" + r"\.org",
        r"--(extra-)?index" + "-url",
        r"--find" + "-links",
        r"/opt/" + "pypi",
    ]
    folders = [rf"(?<![\w.~/-]){folder}/\w" for folder in ("/work", "/tmp", "/home", "/root", "/opt", "/Users")]
    pattern = re.compile("|".join(addresses + folders))
    found = []
    for path in tracked(root):
        if path.suffix in {".xlsx", ".ods", ".png", ".jpg", ".zip", ".npz", ".woff2", ".ico", ".pdf"}:
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), start=1):
            if pattern.search(line):
                found.append(f"{path.relative_to(root)}:{number}: {line.strip()[:100]}")
    assert not found


def test_locks_pin_and_hash_every_package_and_hold_no_address(root: Path) -> None:
    for name in ("service", "dev", "lock"):
        text = (root / "requirements" / f"{name}.txt").read_text(encoding="utf-8")
        assert "://" not in text
        assert "#" not in text
        blocks = re.split(r"\n(?=\S)", text.strip())
        assert len(blocks) >= (1 if name == "lock" else 20)
        for block in blocks:
            assert re.match(r"[a-z0-9][a-z0-9.-]*(\[[a-z0-9,-]+\])?==\S+", block), block
            assert re.search(r"--hash=sha256:[0-9a-f]{64}", block), block


def test_both_locks_pin_the_same_versions(root: Path) -> None:
    pins = {}
    for name in ("service", "dev"):
        text = (root / "requirements" / f"{name}.txt").read_text(encoding="utf-8")
        pins[name] = set(re.findall(r"^([a-z0-9.-]+==\S+)(?: ; (.*?))? \\$", text, flags=re.MULTILINE))
    assert pins["service"] <= pins["dev"]


def test_every_dependency_of_the_project_is_in_the_service_lock(root: Path) -> None:
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lock = (root / "requirements" / "service.txt").read_text(encoding="utf-8")
    for wanted in [*project["dependencies"], *project["optional-dependencies"]["service"]]:
        name = re.split(r"[<>=!~\[; ]", wanted)[0].lower().replace("_", "-")
        assert re.search(rf"^{re.escape(name)}==", lock, flags=re.MULTILINE), f"{name}: run make lock"


def test_make_names_the_commands_that_the_readme_promises(root: Path) -> None:
    text = run("make", "help", cwd=root).stdout
    for command in ("run", "test", "lint", "bench", "lock"):
        assert f"make {command}" in text
    readme = (root / "README.md").read_text(encoding="utf-8")
    for command in re.findall(r"(?:^|`)make (\w+)", readme, flags=re.MULTILINE):
        assert f"make {command}" in text


def test_readme_lists_every_command(root: Path) -> None:
    readme = (root / "README.md").read_text(encoding="utf-8")
    shown = run(sys.executable, "-m", "competence", "--help", cwd=root).stdout
    commands = re.findall(r"^  ([a-z]+)\b", shown.split("Commands:")[-1], flags=re.MULTILINE)
    assert commands
    for command in commands:
        assert f"| `competence {command}" in readme


@pytest.mark.slow
def test_python_sketch_of_the_readme_runs_as_written_and_no_result_is_empty(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = run(sys.executable, "-m", "competence", "example", ".", "--people", "400", "--seed", "7", cwd=tmp_path)
    assert made.returncode == 0, made.stderr
    (sketch,) = re.findall(r"```python\n(.*?)```", (root / "README.md").read_text(encoding="utf-8"), flags=re.DOTALL)
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    exec(compile(sketch, "README.md", "exec"), names)
    for plan in (names[name] for name in ("experts", "pairs", "moves", "teams", "checks")):
        assert len(plan) > 0
        assert plan.outcome.status == "optimal" or plan.outcome.gap is not None
        assert (tmp_path / f"{plan.kind}.xlsx").stat().st_size > 0


@pytest.fixture(scope="session")
def wheel(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    result = run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(root), cwd=folder)
    assert result.returncode == 0, result.stdout + result.stderr
    (built,) = folder.glob("*.whl")
    return built


@pytest.mark.slow
def test_wheel_carries_the_library_the_service_and_the_taxonomies(wheel: Path, root: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        (points,) = [archive.read(n).decode() for n in names if n.endswith(".dist-info/entry_points.txt")]
        (metadata,) = [archive.read(n).decode() for n in names if n.endswith(".dist-info/METADATA")]
    for package, folder in (("competence", root / "competence"), ("competence_service", root / "service" / "competence_service")):
        for path in folder.rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts:
                assert f"{package}/{path.relative_to(folder).as_posix()}" in names
    for path in (root / "taxonomies").rglob("*"):
        if path.is_file():
            assert f"competence/_taxonomies/{path.relative_to(root / 'taxonomies').as_posix()}" in names
    assert "competence/_taxonomies/municipal/concepts.csv" in names
    assert "competence/py.typed" in names
    assert not [n for n in names if n.split("/")[0] not in {"competence", "competence_service"} and ".dist-info/" not in n]
    assert "competence = competence.cli:main" in points
    assert "[competence.commands]" in points
    for wanted in re.findall(r"^Requires-Dist: (.*)$", metadata, flags=re.MULTILINE):
        if re.match(r"(flask|sqlalchemy|alembic|waitress)\b", wanted, flags=re.IGNORECASE):
            assert "extra ==" in wanted


@pytest.mark.slow
def test_wheel_without_extras_works_where_there_is_neither_flask_nor_sqlalchemy(wheel: Path, tmp_path: Path) -> None:
    # An empty environment with the wheel alone; the core packages come from this one through a path that leaves out
    # everything of the service and the checkout, so that nothing has to be fetched.
    venv.create(tmp_path / "env", with_pip=False)
    python = str(tmp_path / "env" / "bin" / "python")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "installed")
    shutil.rmtree(tmp_path / "installed" / "competence_service")
    borrowed = tmp_path / "borrowed"
    borrowed.mkdir()
    barred = re.compile(r"(flask|sqlalchemy|alembic|waitress|werkzeug|jinja2|competence|_?editable|__pycache__)", re.IGNORECASE)
    for path in Path(sysconfig.get_path("purelib")).iterdir():
        if not barred.match(path.name) and path.suffix != ".pth":
            (borrowed / path.name).symlink_to(path)
    code = """
import sys, importlib.util
assert importlib.util.find_spec("flask") is None and importlib.util.find_spec("sqlalchemy") is None
import competence as cp
for name in cp.__all__:
    getattr(cp, name)
taxonomy = cp.Taxonomy.bundled("municipal")
assert len(taxonomy.concepts) >= 350 and len(taxonomy.roles) >= 60
print(cp.__file__)
"""
    result = run(python, "-c", code, cwd=tmp_path, PYTHONPATH=os.pathsep.join([str(tmp_path / "installed"), str(borrowed)]))
    assert result.returncode == 0, result.stderr
    assert Path(result.stdout.strip()).is_relative_to(tmp_path / "installed")
