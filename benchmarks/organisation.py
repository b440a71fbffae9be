"""Seconds for the organisation's map of the example municipality: all single points of failure, heat map, gaps and the rest.

    python benchmarks/organisation.py                        # 2 000 people, seed 7, median of 5
    python benchmarks/organisation.py --copies 30 --repeats 1   # 60 000: thirty such municipalities under one roof

The municipality is written, read, linked and built into a graph first, which is not timed here (see pipeline.py). The
single points are also checked on some people: taking a person away and counting again must lose the same requirements.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

if __package__ in (None, ""):
    # Run as a file, so that one command is enough.
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.measure import calibration, machine, median_seconds, peak_mebibytes, print_table, versions


def calls() -> dict[str, Callable[[Any], tuple[Any, str]]]:
    """Return each measured call, with what is said of its answer."""
    from competence import organisation as org

    def said(make: Callable[[Any], Any], tell: Callable[[Any], str]) -> Callable[[Any], tuple[Any, str]]:
        def call(graph: Any) -> tuple[Any, str]:
            result = make(graph)
            return result, tell(result)

        return call

    return {
        "single_points": said(
            lambda g: org.single_points(g, kind="named"),
            lambda r: f"{len(r)} points of {len(r.by_person())} people; {len(r.unmet)} requirements short already",
        ),
        "single_points_published": said(org.single_points, lambda r: f"{len(r.by_sector)} sectors"),
        "departures": said(
            lambda g: org.departures(g, by="60+", kind="named"), lambda r: f"{len(r.leavers)} people, {len(r.lost)} rows"
        ),
        "heat_map": said(org.heat_map, lambda r: f"{len(r.unit_ids)} units x {len(r.concept_ids)} competences, published"),
        "heat_map_named": said(lambda g: org.heat_map(g, kind="named"), lambda r: f"{int((r.holders[2] > 0).sum())} cells"),
        "gap_table": said(org.gap_table, lambda r: f"{len(r)} rows of units, published"),
        "bridges": said(lambda g: org.bridges(g, kind="named"), lambda r: f"{len(r.units)} units, {len(r.links)} links"),
        "circles": said(lambda g: org.circles(g, "demensvård"), lambda r: f"{len(r)} circles, {r.reason or 'proposed'}"),
        "snapshot": said(org.snapshot, lambda r: f"{len(r.to_json()) / 2**20:.1f} MiB of JSON"),
    }


def build(people: int, seed: int) -> Any:
    """Return the graph of the example municipality."""
    import competence as cp
    from competence.example import write_example

    taxonomy = cp.Taxonomy.bundled("municipal")
    with tempfile.TemporaryDirectory() as folder:
        write_example(folder, people=people, seed=seed)
        staff = cp.read_staff(Path(folder) / "staff.xlsx")
    return cp.build_graph(cp.link_statements(staff, taxonomy), taxonomy)


def copied(graph: Any, copies: int) -> Any:
    """Return the graph of several employers like this one as one: every id of people, units and posts once per copy.

    Linking 60 000 people's words takes longer than everything measured here; what it gives is the same per copy.
    """
    from competence.graph import build_graph

    staff = graph.staff

    def name(own: str | None, k: int) -> str | None:
        return f"{k}-{own}" if own else own

    def everywhere(make: Callable[[int], Any]) -> tuple[Any, ...]:
        return tuple(row for k in range(copies) for row in make(k))

    def person(p: Any, k: int) -> Any:
        jobs = tuple(replace(e, unit_id=name(e.unit_id, k) or "") for e in p.employments)
        return replace(p, person_id=f"{k}-{p.person_id}", employments=jobs, manager_ids=())

    def moved(row: Any, k: int, *fields: str) -> Any:
        return replace(row, **{f: name(getattr(row, f), k) for f in fields})

    larger = staff.replace(
        people=everywhere(lambda k: (person(p, k) for p in staff.people)),
        units=everywhere(lambda k: (moved(replace(u, manager_ids=()), k, "unit_id", "parent_id") for u in staff.units)),
        posts=everywhere(lambda k: (moved(p, k, "post_id", "unit_id", "holder_id") for p in staff.posts)),
        evidence=everywhere(lambda k: (moved(e, k, "evidence_id", "person_id") for e in staff.evidence)),
        interests=everywhere(lambda k: (moved(i, k, "person_id") for i in staff.interests)),
        statements=(),
        history=(),
        decisions=(),
    )
    return build_graph(larger, graph.taxonomy, linker=graph.linker)


def holders(graph: Any, asked: Any) -> list[int]:
    """Count who meets each requirement in its unit, one requirement after the other."""
    import numpy as np

    from competence.fit import hard_met
    from competence.model import Requirement

    inside: dict[str, list[int]] = {}
    for row, own in enumerate(graph.units_of):
        for unit in own:
            inside.setdefault(unit, []).append(row)
    met: dict[tuple[str, int, bool], Any] = {}
    counts = []
    for a in asked:
        key = (a.concept_id, a.level, a.hard)
        if key not in met:
            rule = Requirement(concept_id=a.concept_id, level=a.level, hard=True)
            column = graph.rounded_column(graph.concept_index[a.concept_id])
            met[key] = hard_met(graph, [rule]) if a.hard else column >= a.level
        counts.append(int(np.count_nonzero(met[key][inside.get(a.unit_id, [])])))
    return counts


def check(graph: Any, seed: int, sample: int) -> str:
    """Take people away in turn, build the graph again, count again what their units must be able to do, and compare."""
    from competence import organisation as org
    from competence.graph import build_graph

    found = {
        p: {(a.unit_id, a.concept_id, a.level, a.hard) for a in lost}
        for p, lost in org.single_points(graph, kind="named").by_person().items()
    }
    asked = org.unit_requirements(graph)
    before = holders(graph, asked)
    rng = random.Random(seed)
    people = sorted(graph.person_ids)
    chosen = people if sample >= len(people) else rng.sample(people, sample)
    equal = lost_with = 0
    for person in chosen:
        kept = tuple(p for p in graph.staff.people if p.person_id != person)
        evidence = tuple(e for e in graph.staff.evidence if e.person_id != person)
        rest = build_graph(graph.staff.replace(people=kept, evidence=evidence), graph.taxonomy, linker=graph.linker)
        lost = {
            (a.unit_id, a.concept_id, a.level, a.hard)
            for a, had, has in zip(asked, before, holders(rest, asked), strict=True)
            if had >= a.minimum > has
        }
        equal += lost == found.get(person, set())
        lost_with += bool(lost)
    return f"{equal} of {len(chosen)} people taken away lose the same requirements; with {lost_with} of them something is lost"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, default=2000)
    parser.add_argument("--copies", type=int, default=1)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--only", default="", help="calls with commas between: " + ", ".join(calls()))
    parser.add_argument("--check", type=int, default=0, metavar="N", help="take N people away and compare")
    given = parser.parse_args()
    measured = calls()
    wanted = [s for s in given.only.split(",") if s] or list(measured)
    unknown = sorted(set(wanted) - set(measured))
    if unknown:
        parser.error(f"no call {', '.join(unknown)}; there are {', '.join(measured)}")
    print(f"{machine()}; {versions('competence', 'numpy', 'scipy', 'networkx')}")
    started = time.perf_counter()
    graph = build(given.people, given.seed)
    print(f"example municipality, {given.people} people, seed {given.seed}: {graph!r} in {time.perf_counter() - started:.0f} s")
    if given.copies > 1:
        started = time.perf_counter()
        graph = copied(graph, given.copies)
        seconds = time.perf_counter() - started
        print(f"{given.copies} copies as one employer: {graph!r}, {len(graph.staff.units)} units, in {seconds:.0f} s")
    rows = []
    for name in wanted:
        beside = calibration()
        seconds, result = median_seconds(lambda name=name: measured[name](graph), given.repeats)  # type: ignore[misc]
        said = result[1] if isinstance(result, tuple) else ""
        rows.append([name, f"{seconds:.3f}", f"{seconds / beside:.1f}", said])
        print(f"  {name}: {seconds:.3f} s", file=sys.stderr, flush=True)
    print_table(["call", f"median of {given.repeats}, s", "× calibration", "what came"], rows)
    peak = peak_mebibytes()
    print(f"peak memory {'–' if peak is None else f'{peak:.0f} MiB'}")
    if given.check:
        print(check(graph, given.seed, given.check))


if __name__ == "__main__":
    main()
