"""What every test file shares: how a missing tool is told, and how Hypothesis draws its cases."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# Set by .ci/run: there, a test that could not run is a failure.
TOOLS_REQUIRED = bool(os.environ.get("COMPETENCE_REQUIRE_TOOLS"))

# Workers of the suite take a core each. Threads of libraries beside them wait for one another in loops, which made small
# problems take ten times as long; what the libraries answer does not hang on how many there are.
if "PYTEST_XDIST_WORKER" in os.environ:
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(name, "1")

# A deadline would make a busy machine fail a right answer. Where a red run must be seen again, the cases are fixed.
settings.register_profile("here", deadline=None)
settings.register_profile("everywhere", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("everywhere" if TOOLS_REQUIRED else "here")


@pytest.fixture(scope="session", autouse=True)
def shared_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], None]]:
    """Let what a linker learns of a taxonomy be computed once for the run, and leave the user's own cache alone.

    With workers, that of the bundled taxonomy is learned while the first tests run, in a process that no coverage is measured
    in: measured, it takes three times as long. What comes back waits for it.
    """
    base = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" not in os.environ:
        os.environ["COMPETENCE_CACHE"] = str(base / "linkers")
        yield lambda: None
        return
    os.environ["COMPETENCE_CACHE"] = str(base.parent / "linkers")
    done, learning = base.parent / "learned", None
    try:
        (base.parent / "learning").mkdir()
    except FileExistsError:
        pass  # Another worker has it learned.
    else:
        learn = (
            "import pathlib, sys; from competence import Linker, Taxonomy\n"
            "try: Linker.fit(Taxonomy.bundled('municipal'))\n"
            "finally: pathlib.Path(sys.argv[1]).touch()"
        )
        here = Path(__file__).resolve().parent.parent
        learning = subprocess.Popen([sys.executable, "-c", learn, str(done)], cwd=here)

    def wait() -> None:
        patience = time.monotonic() + 300
        while not done.exists() and time.monotonic() < patience:
            time.sleep(0.2)

    yield wait
    if learning is not None:
        assert learning.wait(timeout=300) == 0


@pytest.fixture(scope="session", autouse=True)
def one_linker(shared_cache: Callable[[], None]) -> Iterator[None]:
    """Let a linker that was read from the cache once be had again in the same process: it is never changed.

    A test that fits with pairs, titles or without the cache, or that names a cache of its own, gets what it asks for.
    """
    from competence.linking import Linker
    from competence.settings import Settings
    from competence.taxonomy import Taxonomy

    fit: Callable[..., Linker] = Linker.fit.__func__  # type: ignore[attr-defined]
    known: dict[tuple[str, str], Linker] = {}
    shared = os.environ["COMPETENCE_CACHE"]

    def once(
        cls: type[Linker], /, taxonomy: Taxonomy, *given: object, settings: Settings | None = None, **named: object
    ) -> Linker:
        # Only the large one is worth it.
        if given or named or len(taxonomy.concepts) < 500 or os.environ.get("COMPETENCE_CACHE") != shared:
            return fit(cls, taxonomy, *given, settings=settings, **named)
        key = (taxonomy.digest, (settings or Settings()).model_dump_json())
        if key not in known:
            shared_cache()
            known[key] = fit(cls, taxonomy, settings=settings)
        return known[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Linker, "fit", classmethod(once))
        yield


@pytest.fixture(scope="session")
def root() -> Path:
    """Return the folder of the checkout."""
    return Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def require_tool() -> Callable[..., str]:
    """Return a function that finds a program by any of its names, or skips the test (fails it under ``.ci/run``)."""

    def find(*names: str, folders: tuple[str, ...] = ()) -> str:
        path = os.pathsep.join([os.environ.get("PATH", os.defpath), *folders])
        for name in names:
            found = shutil.which(name, path=path)
            if found:
                return found
        reason = f"needs {' or '.join(names)}, which is not installed"
        if TOOLS_REQUIRED:
            pytest.fail(reason)
        pytest.skip(reason)

    return find
