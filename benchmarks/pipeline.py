"""From files to all five suggestions: seconds and peak memory of every step, for 2 000 people.

    python benchmarks/pipeline.py [--people 2000] [--seed 7] [--repeats 5] [--only read,link]

Every step runs in a process of its own, which first does what the step needs (not measured) and then the step itself,
several times. Seconds are the median; the first run of each process is shown apart, since it also compiles and loads. Peak
memory is the largest resident memory of that process at its end, so it holds everything a program needs that goes this
far, and nothing that comes later.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

if __package__ in (None, ""):
    # Run as a file, so that one command is enough.
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.measure import calibration, machine, median_seconds, peak_mebibytes, print_table, versions

NEED = {"dementia care": 3, "Finnish": 2}
STEPS: Mapping[str, str] = {
    "read": "workbook to Staff, every row accounted for",
    "linker": "linker for the municipal taxonomy, nothing cached",
    "linker_cached": "the same from the disk cache",
    "link": "titles, statements and evidence to concepts and roles",
    "graph": "evidence to holdings to graph",
    "infer": "hidden competence proposed",
    "experts": "find_experts, one need, 10 best",
    "pairs": "pair_mentors, everybody who takes part",
    "rotation": "plan_rotation, all units, cycles of 2 and 3",
    "teams": "form_teams, 4 teams of 5",
    "partition": "form_teams, everybody of two units placed in teams of 5",
    "validations": "suggest_validations, 20 claims",
    "whole": "from the workbook to all five, one after the other",
}


class Case:
    """What a step needs, made when it is first asked for."""

    def __init__(self, workbook: Path) -> None:
        self.workbook = workbook
        self._made: dict[str, Any] = {}

    def _once(self, name: str, make: Callable[[], Any]) -> Any:
        if name not in self._made:
            self._made[name] = make()
        return self._made[name]

    @property
    def taxonomy(self) -> Any:
        from competence.taxonomy import Taxonomy

        return self._once("taxonomy", lambda: Taxonomy.bundled("municipal"))

    @property
    def linker(self) -> Any:
        from competence.linking import Linker

        return self._once("linker", lambda: Linker.fit(self.taxonomy))

    @property
    def staff(self) -> Any:
        return self._once("staff", self.read)

    @property
    def linked(self) -> Any:
        return self._once("linked", self.link)

    @property
    def graph(self) -> Any:
        return self._once("graph", self.build)

    def read(self) -> Any:
        from competence.io import read_staff

        return read_staff(self.workbook)

    def link(self) -> Any:
        from competence.linking import link_statements

        return link_statements(self.staff, self.taxonomy, linker=self.linker)

    def build(self) -> Any:
        from competence.graph import build_graph

        return build_graph(self.linked, self.taxonomy, linker=self.linker)

    def whole(self) -> Any:
        import competence as cp

        taxonomy = cp.Taxonomy.bundled("municipal")
        graph = cp.build_graph(cp.link_statements(cp.read_staff(self.workbook), taxonomy), taxonomy)
        made = [
            cp.find_experts(graph, "dementia care"),
            cp.pair_mentors(graph),
            cp.plan_rotation(graph),
            cp.form_teams(graph, NEED, size=5, n=60),
            cp.suggest_validations(graph),
        ]
        # Each suggestion is told in words as well.
        assert all(s.explain("sv") for result in made for s in result)
        return made

    def call(self, step: str) -> Callable[[], Any]:
        """Return the step as a call, with everything before it done."""
        import competence as cp

        if step == "read":
            return self.read
        if step == "linker":
            taxonomy = self.taxonomy
            return lambda: cp.Linker.fit(taxonomy, cache=False)
        if step == "linker_cached":
            taxonomy = self.taxonomy
            cp.Linker.fit(taxonomy)
            return lambda: cp.Linker.fit(taxonomy)
        if step == "link":
            _ = self.staff, self.linker
            return self.link
        if step == "graph":
            _ = self.linked
            return self.build
        if step == "whole":
            return self.whole
        graph = self.graph
        calls: dict[str, Callable[[], Any]] = {
            "infer": lambda: cp.infer_hidden(graph),
            "experts": lambda: cp.find_experts(graph, "dementia care"),
            "pairs": lambda: cp.pair_mentors(graph),
            "rotation": lambda: cp.plan_rotation(graph),
            "teams": lambda: cp.form_teams(graph, NEED, size=5, n=4),
            "partition": lambda: cp.form_teams(graph, NEED, units=["Hemtjänst Norr", "Hemtjänst Söder"], size=5, n=None),
            "validations": lambda: cp.suggest_validations(graph),
        }
        return calls[step]


def _said(result: Any) -> str:
    """Return how good an answer is, and how large."""
    if isinstance(result, list):
        return "; ".join(map(_said, result))
    if hasattr(result, "outcome"):
        steps = f", {result.outcome.steps} steps" if result.outcome.steps else ""
        gap = "" if result.outcome.gap is None else f", gap {result.outcome.gap:.2%}"
        return f"{len(result)} suggestions, {result.outcome.status.value}{gap}{steps}"
    if hasattr(result, "row_counts"):
        return f"{sum(c.read for c in result.row_counts)} rows, {len(result.evidence)} pieces of evidence"
    return ""


def measure_here(workbook: Path, step: str, repeats: int) -> dict[str, Any]:
    """Measure one step in this process."""
    case = Case(workbook)
    call = case.call(step)
    started = time.perf_counter()
    call()
    first = time.perf_counter() - started
    seconds, result = median_seconds(call, repeats)
    return {"first": first, "seconds": seconds, "peak": peak_mebibytes(), "said": _said(result), "calibration": calibration()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--only", default="", help="steps with commas between: " + ", ".join(STEPS))
    parser.add_argument("--child", nargs=2, metavar=("WORKBOOK", "STEP"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        print(json.dumps(measure_here(Path(given.child[0]), given.child[1], given.repeats)))
        return
    wanted = [s for s in given.only.split(",") if s] or list(STEPS)
    unknown = sorted(set(wanted) - set(STEPS))
    if unknown:
        parser.error(f"no step {', '.join(unknown)}; there are {', '.join(STEPS)}")
    print(f"{machine()}; {versions('competence', 'numpy', 'scipy', 'pandas', 'scikit-learn', 'numba', 'ortools')}")
    with tempfile.TemporaryDirectory() as folder:
        from competence.example import write_example

        started = time.perf_counter()
        write_example(folder, people=given.people, seed=given.seed)
        print(f"example municipality, {given.people} people, seed {given.seed}: written in {time.perf_counter() - started:.1f} s")
        rows = []
        for step in wanted:
            command = [
                sys.executable,
                __file__,
                "--child",
                str(Path(folder) / "staff.xlsx"),
                step,
                "--repeats",
                str(given.repeats),
            ]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode != 0:
                rows.append([step, "failed", "", "", "", done.stderr.strip().splitlines()[-1][:100]])
                continue
            got = json.loads(done.stdout.splitlines()[-1])
            peak = "–" if got["peak"] is None else f"{got['peak']:.0f}"
            ratio = got["seconds"] / got["calibration"]
            rows.append([step, f"{got['first']:.2f}", f"{got['seconds']:.3f}", f"{ratio:.1f}", peak, got["said"] or STEPS[step]])
            print(f"  {step}: {got['seconds']:.3f} s", file=sys.stderr, flush=True)
        print_table(["step", "first, s", f"median of {given.repeats}, s", "× calibration", "peak, MiB", "what came"], rows)


if __name__ == "__main__":
    main()
