"""The world's taxonomies read from the reference data: counts, seconds and peak memory of each, and what was set aside.

``COMPETENCE_DATA=folder python benchmarks/taxonomies.py`` where the folder holds ``esco-1.1.1-en``, ``esco-sv``, ``jobtech`` and
``onet-29.2``. Each reading has a process of its own, so that its peak memory is its own. Exit code 1 when ESCO's counts are not
those of the release, or a limit is passed.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.measure import calibration, machine, peak_mebibytes, print_table, versions

RELEASES = {
    "ESCO 1.1.1, English": ("esco-1.1.1-en",),
    "ESCO 1.1.1, English and Swedish": ("esco-1.1.1-en", "esco-sv"),
    "O*NET 29.2": ("onet-29.2",),
    "JobTech": ("jobtech",),
}
# Issue 3, Must show 3 and Build 4; the README of the reference data.
ESCO = {"concepts": 13_896, "roles": 3_007, "requirements": 123_788, "aside": 67}
MOST_SECONDS, MOST_MEBIBYTES = 10.0, 1536.0


def read_once(folders: list[Path]) -> dict[str, object]:
    """Read one release in this process; say what came of it."""
    from competence.taxonomy import Taxonomy

    started = time.perf_counter()
    taxonomy = Taxonomy.read(folders)
    seconds = time.perf_counter() - started
    faults = [p for p in taxonomy.problems if p.effect.value == "set_aside"]
    return {
        "seconds": seconds,
        "peak": peak_mebibytes(),
        "calibration": calibration(),
        "concepts": len(taxonomy.competences),
        "groups": len(taxonomy.concepts) - len(taxonomy.competences),
        "roles": len(taxonomy.roles),
        "requirements": sum(len(role.requirements) for role in taxonomy.roles.values()),
        "aside": sum(p.count for p in faults if p.table == "requirements"),
        "problems": [f"{p.file} row {p.row}, {p.count} times: {p.message('en')}" for p in taxonomy.problems],
    }


def round_trips(folder: Path, target: Path) -> list[list[str]]:
    """Write ESCO in each format and read it back; SKOS is left out of what is read, since rdflib takes minutes for it."""
    from competence.taxonomy import Taxonomy

    taxonomy = Taxonomy.read(folder)
    rows = []
    for name, back in (("esco.zip", True), ("esco.json", True), ("esco.ttl", False)):
        started = time.perf_counter()
        path = taxonomy.write(target / name)
        written = time.perf_counter() - started
        started = time.perf_counter()
        same = "not tried" if not back else "yes" if Taxonomy.read(path) == taxonomy else "NO"
        read = time.perf_counter() - started
        rows.append([name, f"{path.stat().st_size / 2**20:.0f}", f"{written:.1f}", f"{read:.1f}" if back else "-", same])
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--round-trips", action="store_true", help="also write ESCO in each format and read it back")
    parser.add_argument("--one", nargs="+", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        print(json.dumps(read_once(given.one)))
        return
    stated = os.environ.get("COMPETENCE_DATA")
    if not stated:
        sys.exit("COMPETENCE_DATA must name the folder of the reference data")
    data = Path(stated)
    print(f"{machine()}; {versions('rdflib')}; medians of {given.repeats}\n")
    rows, failed = [], False
    told: dict[str, list[str]] = {}
    for name, folders in RELEASES.items():
        runs = []
        for _ in range(given.repeats):
            command = [sys.executable, __file__, "--one", *(str(data / folder) for folder in folders)]
            runs.append(json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout))
        last = runs[-1]
        seconds = statistics.median(r["seconds"] for r in runs)
        peak = max(r["peak"] or 0.0 for r in runs)
        counts = [f"{last[c]:,}" for c in ("concepts", "groups", "roles", "requirements", "aside")]
        rows.append([name, *counts, f"{seconds:.2f}", f"{peak:.0f}", f"{statistics.median(r['calibration'] for r in runs):.2f}"])
        told[name] = last["problems"]
        if name.startswith("ESCO"):
            failed |= any(last[count] != wanted for count, wanted in ESCO.items())
            failed |= seconds > MOST_SECONDS or peak > MOST_MEBIBYTES
    print_table(
        ["release", "concepts", "groups", "roles", "requirements", "set aside", "seconds", "peak MiB", "calibration loop, s"],
        rows,
    )
    for name, problems in told.items():
        print(f"\n{name}: {len(problems)} kinds of problem")
        for problem in problems:
            print(f"  {problem}")
    if given.round_trips:
        import tempfile

        print()
        with tempfile.TemporaryDirectory() as folder:
            found = round_trips(data / RELEASES["ESCO 1.1.1, English"][0], Path(folder))
        failed |= any(row[-1] == "NO" for row in found)
        print_table(["file", "MiB", "written, s", "read, s", "the same"], found)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
