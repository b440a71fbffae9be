"""What every benchmark prints beside its figures: a fixed calibration loop, the machine's class, versions."""

from __future__ import annotations

import os
import platform
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from importlib.metadata import PackageNotFoundError, version

__all__ = ["calibration", "machine", "median_seconds", "peak_mebibytes", "print_table", "versions"]


def calibration() -> float:
    """Return the seconds of a loop that is the same everywhere: plain Python, and a sort in NumPy.

    A figure divided by it can be compared between machines, and between an idle and a busy one, within some tens of
    per cent.
    """
    import numpy as np

    values = np.random.Generator(np.random.PCG64(0)).random(1_000_000)
    started = time.perf_counter()
    total = 0
    for k in range(1_500_000):
        total += k & 7
    np.sort(values)
    return time.perf_counter() - started


def median_seconds(call: Callable[[], object], repeats: int) -> tuple[float, object]:
    """Return the median wall time of a call, and its last result."""
    times, result = [], None
    for _ in range(repeats):
        started = time.perf_counter()
        result = call()
        times.append(time.perf_counter() - started)
    return statistics.median(times), result


def peak_mebibytes() -> float | None:
    """Return the largest resident memory this process has had, or None where the system does not say."""
    try:
        import resource
    except ImportError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # Linux counts in kibibytes, macOS in bytes.
    return peak / 2**20 if sys.platform == "darwin" else peak / 2**10


def machine() -> str:
    """Return the class of machine, nothing that names it."""
    return f"{os.cpu_count()} cores, {platform.machine()}, {platform.system()}, Python {platform.python_version()}"


def versions(*packages: str) -> str:
    """Return the versions of the packages that matter for a figure."""
    found = []
    for name in packages:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            found.append(f"{name} (not installed)")
    return ", ".join(found)


def print_table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table that can be pasted into README.md as it is."""
    widths = [max(len(str(row[k])) for row in (headings, *rows)) for k in range(len(headings))]
    for row in (headings, ["-" * w for w in widths], *rows):
        print("| " + " | ".join(str(cell).ljust(w) for cell, w in zip(row, widths, strict=True)) + " |", flush=True)
