"""The graph of a large employer from its tables, and the map of one unit: seconds and peak memory.

    python benchmarks/group.py [--people 60000] [--concepts 14000] [--roles 3000] [--seed 7] [--repeats 5]

Everything is drawn from the seed: concepts and roles of the size of ESCO (20 to 40 requirements per role), units of 40 under
sectors, people with one role, nine pieces of evidence each on average (the example municipality has nine), two thirds of them
of what the role asks for and the others the more often the more common the concept is. The tables are rows as a reader of
files gives them, ids of concepts and roles resolved; fitting the linker is told apart, since it is kept between runs.
Peak memory is that of the process, the tables and the linker among it. Beside the wall clock stands the time of the processor,
which a machine busy with other work makes less of.
"""

from __future__ import annotations

import argparse
import cProfile
import gc
import pstats
import statistics
import sys
import time
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

if __package__ in (None, ""):
    # Run as a file, so that one command is enough.
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np

from benchmarks.measure import calibration, machine, peak_mebibytes, print_table, versions
from competence.graph import build_graph
from competence.group import group_map, merge_units, unused_competence
from competence.linking import Linker
from competence.model import (
    Concept,
    ConceptKind,
    Importance,
    LearningForm,
    Requirement,
    Role,
    Source,
    ValidationStage,
    Visibility,
)
from competence.staff import Staff
from competence.taxonomy import Taxonomy

AS_OF = date(2026, 6, 30)
UNIT = 40
"""People per unit: the size that the map is measured for."""
UNITS_PER_SECTOR = 50
EVIDENCE = 9.4
"""Pieces of evidence per person: 18 722 of 2 000 people in the example municipality."""
_SYLLABLES = ("ba", "du", "fe", "gri", "hol", "jar", "ke", "lim", "mo", "nat", "per", "ru", "sta", "ti", "vall", "yd")


def _words(number: int) -> str:
    """Return words that no other number has."""
    parts = []
    for _ in range(5):
        number, k = divmod(number, len(_SYLLABLES))
        parts.append(_SYLLABLES[k])
    return f"{''.join(parts[:2])} {''.join(parts[2:])}"


def made_taxonomy(n_concepts: int, n_roles: int, rng: np.random.Generator) -> tuple[Taxonomy, list[Any]]:
    """Return a taxonomy and, per role, the columns that it asks for."""
    kinds = (*([ConceptKind.SKILL] * 14), *([ConceptKind.KNOWLEDGE] * 4), ConceptKind.TRANSVERSAL, ConceptKind.LANGUAGE)
    concepts = [
        Concept(
            concept_id=f"c{k:05d}",
            kind=kinds[k % len(kinds)],
            labels={"sv": _words(k), "en": f"{_words(k)} en"},
            currency_months=(60, 24, None)[k % 3],
        )
        for k in range(n_concepts)
    ]
    common = 1.0 / np.arange(10, n_concepts + 10) ** 0.7
    roles, asked = [], []
    for k in range(n_roles):
        size = int(rng.integers(20, 41))
        columns = np.sort(rng.choice(n_concepts, size=size, replace=False, p=common / common.sum()))
        levels, optional = rng.integers(1, 5, size), rng.random(size) < 0.4
        asked.append(columns)
        roles.append(
            Role(
                role_id=f"r{k:04d}",
                labels={"sv": f"roll {_words(k)}", "en": f"role {_words(k)}"},
                requirements=tuple(
                    Requirement(
                        concept_id=f"c{c:05d}",
                        level=int(level),
                        weight=0.5 if free else 1.0,
                        importance=Importance.OPTIONAL if free else Importance.ESSENTIAL,
                    )
                    for c, level, free in zip(columns.tolist(), levels, optional, strict=True)
                ),
            )
        )
    return Taxonomy.of(concepts, roles, id="made"), asked


def made_tables(n_people: int, n_concepts: int, asked: list[Any], rng: np.random.Generator) -> dict[str, list[dict[str, Any]]]:
    """Return the tables people, units, posts and evidence: a post for each, and one in fifty beside that is vacant."""
    n_units = max(n_people // UNIT, 1)
    sectors = range(-(-n_units // UNITS_PER_SECTOR))
    units: list[dict[str, Any]] = [{"unit_id": "all", "name": "Kommunen"}]
    units += [{"unit_id": f"s{k}", "name": f"Sektor {k}", "parent_id": "all"} for k in sectors]
    units += [
        {"unit_id": f"u{k}", "name": f"Enhet {k}", "parent_id": f"s{k // UNITS_PER_SECTOR}", "site": f"Plats {k % 30}"}
        for k in range(n_units)
    ]
    common = 1.0 / np.arange(10, n_concepts + 10) ** 0.7
    popular = rng.choice(n_concepts, size=int(n_people * EVIDENCE), p=common / common.sum())
    sources, stages = list(Source), list(ValidationStage)
    people: list[dict[str, Any]] = []
    evidence: list[dict[str, Any]] = []
    posts: list[dict[str, Any]] = []
    used = 0
    for i in range(n_people):
        unit = min(i // UNIT, n_units - 1)
        # Three roles to a unit: most are of the first.
        role = (unit * 7 + (0, 0, 0, 0, 0, 0, 1, 1, 1, 2)[i % 10]) % len(asked)
        person = f"p{i:06d}"
        sex = ("woman", "woman", "woman", "man")[int(rng.integers(4))]
        people.append({"person_id": person, "name": f"Namn {i}", "sex": sex, "unit_id": f"u{unit}", "title": f"Titel {role}"})
        people[-1]["role_id"] = f"r{role:04d}"
        for holder in (person, None) if i % 50 == 0 else (person,):
            post = {"post_id": f"{person}-{holder or 'vacant'}", "unit_id": f"u{unit}", "roles": f"Titel {role}"}
            posts.append({**post, "role_id": f"r{role:04d}", "holder_id": holder})
        own = rng.choice(asked[role], size=min(6 + int(rng.integers(2)), len(asked[role])), replace=False)
        more = int(rng.integers(2, 5))
        columns = dict.fromkeys([*own.tolist(), *popular[used : used + more].tolist()])
        used += more
        draws = rng.integers(0, 2**31, size=(len(columns), 2)).tolist()
        for n, (c, (a, b)) in enumerate(zip(columns, draws, strict=True)):
            source = sources[a % len(sources)]
            formal = source is Source.CERTIFICATE
            evidence.append(
                {
                    "evidence_id": f"{person}-{n}",
                    "person_id": person,
                    "concept_id": f"c{c:05d}",
                    "words": _words(c),
                    "level": None if a % 7 == 0 else 1 + a % 5,
                    "source": source.value,
                    "learning_form": (LearningForm.FORMAL if formal else LearningForm.INFORMAL).value,
                    "day": (AS_OF - timedelta(days=b % 2500)).isoformat(),
                    "stage": stages[b % len(stages)].value,
                    "visibility": (Visibility.UNIT if b % 11 == 0 else Visibility.ORGANISATION).value,
                }
            )
    told = [{"as_of": AS_OF.isoformat(), "linked": True, "tables": "people; units; posts; evidence"}]
    return {"people": people, "units": units, "posts": posts, "evidence": evidence, "staff": told}


def _timed(call: Callable[[], Any], repeats: int = 1) -> tuple[float, float, Any]:
    """Return the median seconds by the clock and by the processor of a call, and its last result."""
    wall, busy, result = [], [], None
    gc.collect()
    for _ in range(repeats):
        started, used = time.perf_counter(), time.process_time()
        result = call()
        wall.append(time.perf_counter() - started)
        busy.append(time.process_time() - used)
    return statistics.median(wall), statistics.median(busy), result


def _profiled(call: Callable[[], Any]) -> Any:
    """Print what takes longest in a call and return its result."""
    profiler = cProfile.Profile()
    result = profiler.runcall(call)
    pstats.Stats(profiler).sort_stats("tottime").print_stats(15)
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, default=60_000)
    parser.add_argument("--concepts", type=int, default=14_000)
    parser.add_argument("--roles", type=int, default=3_000)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--profile", action="store_true", help="only print what takes longest in making the graph")
    given = parser.parse_args()
    print(f"{machine()}; {versions('competence', 'numpy', 'scipy')}; seed {given.seed}; calibration {calibration():.3f} s")
    rng = np.random.Generator(np.random.PCG64(given.seed))
    taxonomy, asked = made_taxonomy(given.concepts, given.roles, rng)
    tables = made_tables(given.people, given.concepts, asked, rng)
    counts = ", ".join(f"{len(rows)} {name}" for name, rows in tables.items() if name != "staff")
    print(f"rows: {counts}; {given.concepts} concepts, {given.roles} roles")
    if given.profile:
        linker = Linker.fit(taxonomy, cache=False)
        staff = _profiled(lambda: Staff.from_tables(tables))
        _profiled(lambda: build_graph(staff, taxonomy, linker=linker))
        return
    rows = []

    def told(what: str, call: Callable[[], Any], repeats: int = 1) -> Any:
        wall, busy, result = _timed(call, repeats)
        shown = [f"{x:.2f} s" if x >= 1 else f"{1000 * x:.1f} ms" for x in (wall, busy)]
        rows.append([what, *shown, f"{peak_mebibytes() or 0:.0f}", repr(result)[:110]])
        print(f"  {what}: {shown[0]}, {shown[1]} of the processor", file=sys.stderr, flush=True)
        return result

    linker = told("linker, nothing cached", lambda: Linker.fit(taxonomy, cache=False))
    staff = told("tables to Staff", lambda: Staff.from_tables(tables))
    graph = told("Staff to graph", lambda: build_graph(staff, taxonomy, linker=linker))
    unit = "Enhet 11" if given.people >= 12 * UNIT else "Enhet 0"
    found = told("group_map of one unit, first of the graph", lambda: group_map(graph, unit))
    told(f"group_map of one unit, median of {given.repeats}", lambda: group_map(graph, unit), given.repeats)
    people = list(found.people)
    told(f"group_map of the same by ids, median of {given.repeats}", lambda: group_map(graph, people), given.repeats)
    told(f"group_map of a sector, median of {given.repeats}", lambda: group_map(graph, "Sektor 0"), given.repeats)
    told("group_map of everybody", lambda: group_map(graph, "Kommunen"))
    told(f"merge_units of two, median of {given.repeats}", lambda: merge_units(graph, ["Enhet 0", "Enhet 1"]), given.repeats)
    told("unused_competence of everybody", lambda: unused_competence(graph))
    print_table(["step", "clock", "processor", "peak so far, MiB", "what came"], rows)


if __name__ == "__main__":
    main()
