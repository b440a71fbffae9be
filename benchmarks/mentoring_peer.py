"""A mentoring round beside the published package mentor-match: same people, same points, same forbidden pairs.

    python benchmarks/mentoring_peer.py [--n 1000] [--munkres 1.1.4] [--env FOLDER]

mentor-match 7.0.1 (MIT) with munkres 3.0.0 is installed by name into a virtual environment of its own and runs in a
process of its own; its package is called ``matching``, as others are. Both read one instance file. The points of the pairs
that each gives are counted afterwards by one function that knows neither.

Timed is the public call ``pair_mentors`` on a graph made just before, on which nothing has been asked yet, and then, as a
caller would, the reading of every reason (concept, contribution, evidence, the facts of its sentence) and of the three
alternatives of each pair with their costs and differences. The peer is timed from its people on: its matrix and its
assignment; it gives pairs only. Beside it stand the same call again on the same graph, the records and the graph before it,
the scores and the assignment by themselves, and the notes, for which a stable plan is made that the peer does not have.
Python's memory is tidied before each timed part, of both, so that neither pays for what was left over before it.

The instance: 60 competences; each mentee wants three of them and holds them at level 1 or 2; each mentor holds ten at level
2 to 5 and is glad to teach about half of those; 30 per cent of the pairs within a unit are forbidden. A topic counts where
the mentor is one to three levels ahead. Points of a pair = 6 x (leads, at most 2 each) + 5 x (topics gladly taught) + 9
where the units differ: whole numbers, since mentor-match wants that, and 60 times our score. A pair without a topic is
not allowed. Everybody has room for one.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

if __package__ in (None, ""):
    # Run as a file, so that one command is enough.
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

PEER = ("mentor-match==7.0.1", "munkres==3.0.0")
GAIN, TEACHES, OTHER_UNIT, ALL = 6, 5, 9, 60
COMPETENCES, TOPICS, HELD = 60, 3, 10


# -- the instance and its points, standard library only: both environments run this ------------------------------------------


def make_instance(n: int, seed: int) -> dict[str, Any]:
    """Return n mentees and n mentors as plain JSON values."""
    draw = random.Random(seed * 1_000_003 + n)
    units = max(2, n // 25)
    mentees = [
        {"unit": draw.randrange(units), "topics": {str(c): draw.randint(1, 2) for c in draw.sample(range(COMPETENCES), TOPICS)}}
        for _ in range(n)
    ]
    mentors = []
    for _ in range(n):
        held = {str(c): draw.randint(2, 5) for c in draw.sample(range(COMPETENCES), HELD)}
        mentors.append({"unit": draw.randrange(units), "held": held, "teaches": [c for c in held if draw.random() < 0.5]})
    forbidden = [[e, r] for e in range(n) for r in range(n) if mentees[e]["unit"] == mentors[r]["unit"] and draw.random() < 0.3]
    return {"n": n, "seed": seed, "mentees": mentees, "mentors": mentors, "forbidden": forbidden}


def points(mentee: dict[str, Any], mentor: dict[str, Any]) -> int:
    """Return the points of a pair, 0 when it shares no topic."""
    gain = taught = 0
    for concept, level in mentee["topics"].items():
        lead = mentor["held"].get(concept, 0) - level
        if 1 <= lead <= 3:
            gain += min(lead, 2)
            taught += concept in mentor["teaches"]
    if not gain:
        return 0
    return GAIN * gain + TEACHES * taught + (OTHER_UNIT if mentee["unit"] != mentor["unit"] else 0)


def count_points(instance: dict[str, Any], pairs: list[list[int]]) -> int:
    """Add up the points of the pairs; refuse one that is not allowed or somebody paired twice."""
    forbidden = {tuple(pair) for pair in instance["forbidden"]}
    total = 0
    for e, r in pairs:
        worth = points(instance["mentees"][e], instance["mentors"][r])
        if worth == 0 or (e, r) in forbidden:
            raise SystemExit(f"mentee {e} and mentor {r} are not an allowed pair")
        total += worth
    if len({e for e, _ in pairs}) < len(pairs) or len({r for _, r in pairs}) < len(pairs):
        raise SystemExit("somebody is in two pairs")
    return total


def _peak() -> float:
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 2**20 if sys.platform == "darwin" else peak / 2**10


# -- the peer, in its own environment ----------------------------------------------------------------------------------------


def run_peer(path: Path) -> dict[str, Any]:
    """Pair with mentor-match, through the functions its own entry point calls."""
    import gc

    from matching.mentee import Mentee  # type: ignore[import-not-found]
    from matching.mentor import Mentor  # type: ignore[import-not-found]
    from matching.process import generate_match_matrix, match_and_assign_participants  # type: ignore[import-not-found]
    from matching.rules.rule import Disqualify, Rule  # type: ignore[import-not-found]

    instance = json.loads(path.read_text(encoding="utf-8"))
    forbidden = {tuple(pair) for pair in instance["forbidden"]}

    class Points(Rule):  # type: ignore[misc]
        def apply(self, match_object: Any) -> int:
            return points(match_object.mentee.facts, match_object.mentor.facts)

        def evaluate(self, match_object: Any) -> bool:
            return True

    mentees: list[Any] = []
    mentors: list[Any] = []
    for kind, made, known in ((Mentee, mentees, instance["mentees"]), (Mentor, mentors, instance["mentors"])):
        for k, facts in enumerate(known):
            person = kind(grade=1, email=f"{kind.__name__} {k}", organisation=str(facts["unit"]))
            person.number, person.facts = k, facts
            made.append(person)
    # The last rule is applied first; a forbidden pair then costs no more work.
    rules = [
        Disqualify(lambda match: points(match.mentee.facts, match.mentor.facts) == 0),
        Points(),
        Disqualify(lambda match: (match.mentee.number, match.mentor.number) in forbidden),
    ]
    gc.collect()
    started = time.perf_counter()
    matrix = generate_match_matrix(mentors, mentees, rules)
    scored = time.perf_counter()
    match_and_assign_participants(matrix)
    done = time.perf_counter()
    pairs = [[mentee.number, mentor.number] for mentee in mentees for mentor in mentee.mentors]
    return {"pairs": pairs, "seconds": done - started, "scores": scored - started, "solve": done - scored, "peak": _peak()}


# -- ours ------------------------------------------------------------------------------------------------------------------


def run_ours(path: Path, repeats: int) -> dict[str, Any]:
    """Pair with the public call, from the instance to pairs with reasons and alternatives."""
    import gc
    from datetime import date
    from unittest import mock

    import competence.suggest.mentoring as module
    from benchmarks.measure import calibration
    from competence import Settings, Staff, Taxonomy, build_graph, pair_mentors
    from competence.linking import Linker
    from competence.model import Concept, Employment, Evidence, Interest, InterestKind, OptIn, OptIns, Person, Source, Unit

    instance = json.loads(path.read_text(encoding="utf-8"))
    day = date(2026, 1, 1)
    taxonomy = Taxonomy.of(
        Concept(concept_id=str(c), labels={"sv": f"kompetens {c}", "en": f"competence {c}"}, currency_months=None)
        for c in range(COMPETENCES)
    )
    linker = Linker.fit(taxonomy, cache=False)
    weights = {"topic_gain": GAIN * 6, "mentor_confidence": 0, "teaching": TEACHES * 3, "other_unit": OTHER_UNIT, "load": 0}
    settings = Settings.of({"suggest": {"pairs": {k: v / ALL for k, v in weights.items()}, "pair_cutoff": 0.0}})

    def staff() -> Staff:
        people, evidence, interests = [], [], []
        for part, known in (("E", instance["mentees"]), ("R", instance["mentors"])):
            for k, facts in enumerate(known):
                person_id = f"{part}{k}"
                answers = OptIns(mentee=OptIn.YES if part == "E" else OptIn.NO, mentor=OptIn.YES if part == "R" else OptIn.NO)
                job = Employment(unit_id=str(facts["unit"]))
                people.append(Person(person_id=person_id, name=person_id, employments=(job,), opt_ins=answers))
                for concept, level in facts.get("topics", facts.get("held", {})).items():
                    evidence.append(
                        Evidence(
                            evidence_id=f"{person_id}-{concept}",
                            person_id=person_id,
                            concept_id=concept,
                            level=level,
                            source=Source.ASSESSMENT,
                            day=day,
                        )
                    )
                interests += [
                    Interest(person_id=person_id, concept_id=c, kind=InterestKind.LEARN) for c in facts.get("topics", ())
                ]
                interests += [
                    Interest(person_id=person_id, concept_id=c, kind=InterestKind.TEACH) for c in facts.get("teaches", ())
                ]
        units = sorted({p.employments[0].unit_id for p in people})
        return Staff(
            people=tuple(people),
            as_of=day,
            units=tuple(Unit(unit_id=u) for u in units),
            evidence=tuple(evidence),
            interests=tuple(interests),
            opt_in_columns=frozenset({"mentor", "mentee"}),
            linked=True,
        )

    forbidden = [(f"E{e}", f"R{r}") for e, r in instance["forbidden"]]

    def call(graph: Any) -> tuple[float, Any]:
        """Pair and read everything; return the seconds and the result."""
        gc.collect()
        started = time.perf_counter()
        plan = pair_mentors(graph, objective="score", forbidden=forbidden, settings=settings)
        for suggestion in plan:
            read = [(r.measure, r.concept_id, r.contribution, r.evidence, r.facts) for r in suggestion.reasons]
            others = [(a.people, a.score, a.cost, a.difference) for a in suggestion.alternatives]
            assert read
            assert others
        return time.perf_counter() - started, plan

    times: dict[str, list[float]] = {"graph": [], "seconds": [], "warm": [], "parts": [], "notes": []}
    spent: list[float] = []

    def timed(function: Any) -> Any:
        def run(*given: Any, **named: Any) -> Any:
            started = time.perf_counter()
            result = function(*given, **named)
            spent.append(time.perf_counter() - started)
            return result

        return run

    first = 0.0
    for k in range(repeats + 1):
        gc.collect()
        started = time.perf_counter()
        graph = build_graph(staff(), taxonomy, linker=linker, settings=settings)
        built = time.perf_counter() - started
        cold, plan = call(graph)
        if k == 0:
            first = built + cold
            if repeats:
                continue
        times["graph"].append(built)
        times["seconds"].append(cold)
        times["warm"].append(call(graph)[0])
        spent.clear()
        parts = ("topics_of", "skill_candidates", "refused_by", "best_plan")
        with mock.patch.multiple(module, **{name: timed(getattr(module, name)) for name in parts}):
            call(graph)
        times["parts"].append(sum(spent))
        started = time.perf_counter()
        _ = plan.notes
        times["notes"].append(time.perf_counter() - started)
    pairs = [[int(s.people[0][1:]), int(s.people[1][1:])] for s in plan]
    if abs(sum(s.score for s in plan) * ALL - count_points(instance, pairs)) > 1e-6 * len(pairs):
        raise SystemExit("our score is not the points of the instance divided by 60")
    return {
        "pairs": pairs,
        "first": first,
        **{name: statistics.median(found) for name, found in times.items()},
        "peak": _peak(),
        "status": plan.outcome.status.value,
        "reasons": sum(len(s.reasons) for s in plan),
        "alternatives": sum(len(s.alternatives) for s in plan),
        "calibration": calibration(),
    }


# -- side by side ------------------------------------------------------------------------------------------------------------


def peer_python(folder: Path, packages: Sequence[str] = PEER) -> Path | None:
    """Return the interpreter of an environment with these packages (name==version) in it; None when it cannot be had."""
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if not python.exists():
        venv.create(folder, with_pip=True)
    names, wanted = ([p.split("==")[k] for p in packages] for k in (0, 1))
    code = f"import importlib.metadata as m; print([m.version(n) for n in {names!r}])"
    if subprocess.run([python, "-c", code], capture_output=True, text=True, check=False).stdout.strip() == str(wanted):
        return python
    install = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *packages]
    done = subprocess.run(install, capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return python
    last = (done.stderr.strip().splitlines() or ["pip said nothing"])[-1]
    print(f"{' '.join(packages)} could not be installed, so there is nothing to compare with: {last[:200]}")
    return None


def child(python: str | Path, script: str, *arguments: str, limit: float | None = None) -> dict[str, Any] | str:
    """Run a benchmark file in a process of its own; a text says why there is no result."""
    root = str(Path(__file__).resolve().parent.parent)
    kept = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"} | ({"PYTHONPATH": root} if python == sys.executable else {})
    try:
        done = subprocess.run(
            [str(python), script, *arguments], capture_output=True, text=True, timeout=limit, env=kept, check=False
        )
    except subprocess.TimeoutExpired:
        return f"stopped after {limit:.0f} s"
    if done.returncode != 0:
        return (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1][:120]
    return dict(json.loads(done.stdout.splitlines()[-1]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n", type=int, default=1000, help="largest round; 100, 200 and 400 are run before it (default: 1000)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=5, help="runs of ours after the first; the peer runs once per size")
    parser.add_argument("--limit", type=float, default=600, help="seconds the peer may take per size (default: 600)")
    parser.add_argument("--env", type=Path, help="folder of the peer's environment, kept (default: a temporary one)")
    parser.add_argument("--munkres", default="3.0.0", help="the version beside mentor-match, which itself asks for 1.1.4")
    parser.add_argument("--peer", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--ours", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.peer:
        print(json.dumps(run_peer(given.peer)))
        return
    if given.ours:
        print(json.dumps(run_ours(given.ours, given.repeats)))
        return

    from benchmarks.measure import machine, print_table, versions

    packages = (PEER[0], f"munkres=={given.munkres}")
    print(f"{machine()}; {versions('competence', 'numpy', 'scipy', 'numba')}; beside {', '.join(packages)}; seed {given.seed}")
    rows = []
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        python = peer_python(given.env or folder / "env", packages)
        for n in [*(k for k in (100, 200, 400) if k < given.n), given.n]:
            instance = make_instance(n, given.seed)
            path = folder / f"{n}.json"
            path.write_text(json.dumps(instance), encoding="utf-8")
            ours = child(sys.executable, __file__, "--ours", str(path), "--repeats", str(given.repeats))
            if isinstance(ours, str):
                raise SystemExit(f"ours failed at n = {n}: {ours}")
            best = count_points(instance, ours["pairs"])
            rows.append(
                [
                    *(str(n), "competence", str(len(ours["pairs"])), str(best), f"{ours['seconds']:.3f}"),
                    f"{ours['seconds'] / ours['calibration']:.1f}",
                    *(f"{ours['peak']:.0f}", "1"),
                    f"{ours['status']}; {ours['reasons']} reasons, {ours['alternatives']} alternatives; again on the same graph "
                    f"{ours['warm']:.3f} s, scores and assignment {ours['parts']:.3f} s; records and graph before it "
                    f"{ours['graph']:.3f} s, notes after it {ours['notes']:.3f} s; first run {ours['first']:.1f} s",
                ]
            )
            if python is None:
                continue
            peer = child(python, __file__, "--peer", str(path), limit=given.limit)
            if isinstance(peer, str):
                rows.append([str(n), "mentor-match", "", "", "", "", "", "", peer])
                continue
            reached = count_points(instance, peer["pairs"])
            rows.append(
                [
                    *(str(n), "mentor-match", str(len(peer["pairs"])), str(reached), f"{peer['seconds']:.2f}"),
                    f"{peer['seconds'] / ours['calibration']:.1f}",
                    *(f"{peer['peak']:.0f}", f"{peer['seconds'] / ours['seconds']:.0f}"),
                    f"{reached - best:+d} points; scores {peer['scores']:.2f} s, assignment {peer['solve']:.2f} s; "
                    f"{peer['seconds'] / ours['parts']:.0f} times our scores and assignment, "
                    f"{peer['seconds'] / (ours['graph'] + ours['seconds']):.0f} times ours with records and graph",
                ]
            )
    heads = ["n", "program", "pairs", "points", "seconds", "× calibration", "peak, MiB", "times ours", "what came"]
    print_table(heads, rows)


if __name__ == "__main__":
    main()
