"""Expert search: the whole call on a large employer, and 200 everyday questions on the example municipality.

    python benchmarks/experts.py [--part call] [--part questions] [--people 60000] [--concepts 14000] [--seed 7] [--repeats 9]

``call`` measures ``find_experts`` with reasons for 20 people, from the need to the result, on the made-up employer of
``group.py`` with relations between concepts, wishes, running mentors and earlier requests added. The graph is warm: the call
has been made once before, which is told apart. One answer is compared with a plain scan of everybody. A need in words also
pays for the linker, told apart too.

``questions`` asks two sets of 200 of the example municipality with 2 000 people:
``tests/data/expert_questions_chat_sv.csv``, as somebody would type them, and ``expert_questions_sv.csv``, which avoid the
words of the labels; how they were written stands in ``tests/data/expert_questions_README.md``. A question is answered when
one of those who were made to say that they can do it (``planted``), and who do not refuse to be found, is among the first
five; beside it stands how often anybody is there who holds it by design, since the files have evidence of others who hold
it as well or better. Then the same questions are asked as a stream, two a day: the first of each list is asked and the
decision recorded, so that the next search sees it. How even that is counts over all who are on any list.
"""

from __future__ import annotations

import argparse
import csv
import statistics
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import Any

if __package__ in (None, ""):
    # Run as a file, so that one command is enough.
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np

from benchmarks.group import AS_OF, made_tables, made_taxonomy
from benchmarks.measure import calibration, machine, median_seconds, peak_mebibytes, print_table, versions
from competence.example import example_municipality, planted
from competence.example._people import Municipality
from competence.example._tables import Tables
from competence.graph import CompetenceGraph, build_graph
from competence.linking import Linker, link_statements
from competence.model import Choice, Decision, InterestKind, Need, NeedItem, OptIn
from competence.settings import Settings
from competence.staff import Staff
from competence.suggest.experts import find_experts
from competence.suggest.result import Suggestions
from competence.taxonomy import Taxonomy

QUESTIONS = {
    name: Path(__file__).resolve().parent.parent / "tests" / "data" / f"expert_questions_{name}.csv"
    for name in ("third_sv", "chat_sv", "sv")
}
FIRST = 5
EXACT = Settings.of({"suggest": {"expert_margin": 0.0}})


# ---------------------------------------------------------------- the whole call on a large employer


def large_graph(people: int, n_concepts: int, roles: int, seed: int) -> CompetenceGraph:
    """Return the employer of ``group.py`` with three relations per concept, wishes, mentors and earlier requests."""
    rng = np.random.Generator(np.random.PCG64(seed))
    taxonomy, asked = made_taxonomy(n_concepts, roles, rng)
    tables: dict[str, list[dict[str, Any]]] = made_tables(people, n_concepts, asked, rng)
    near = rng.integers(0, n_concepts, size=(n_concepts, 3)).tolist()
    concepts = [
        replace(c, related=tuple(dict.fromkeys(f"c{k:05d}" for k in others if k != own)))
        for own, (c, others) in enumerate(zip(taxonomy.concepts.values(), near, strict=True))
    ]
    related = Taxonomy.of(concepts, taxonomy.roles.values(), id="made")
    held = [(e["person_id"], e["concept_id"]) for e in tables["evidence"]]
    wished = rng.choice(len(held), size=people // 2, replace=False).tolist()
    kinds = (InterestKind.USE, InterestKind.TEACH)
    tables["interests"] = [
        {"person_id": held[k][0], "concept_id": held[k][1], "words": held[k][1], "kind": kinds[k % 2].value} for k in wished
    ]
    ids = [p["person_id"] for p in tables["people"]]
    pairs = rng.integers(0, people, size=(people // 20, 2)).tolist()
    tables["history"] = [
        {"kind": "pair", "person_id": ids[a], "other_id": ids[b], "start": "2026-03-01", "end": "2026-12-31"}
        for a, b in pairs
        if a != b
    ]
    told = rng.integers(0, people, size=people // 20).tolist()
    tables["decisions"] = [
        {
            "kind": "experts",
            "choice": "accepted",
            "people": ids[k],
            "target": "c00000",
            "day": (AS_OF - timedelta(days=i % 200)).isoformat(),
        }
        for i, k in enumerate(told)
    ]
    linker = Linker.fit(related, cache=False)
    return build_graph(Staff.from_tables(tables), related, linker=linker)


def scan(graph: CompetenceGraph, asked: Mapping[str, int], n: int) -> list[float]:
    """Return the best n scores from a plain loop over everybody, one measure at a time, without arrays by concept."""
    weights, share = graph.settings.suggest.experts, 1 / len(asked)
    near = {c: {*graph.taxonomy.concepts[c].related} for c in asked}
    for concept in graph.taxonomy.concepts.values():
        for c in near.keys() & {*concept.related}:
            near[c].add(concept.concept_id)
    mentees = Counter(h.other_id for h in graph.staff.history if h.end is None or h.end >= graph.as_of)
    lately: Counter[str] = Counter()
    last: dict[str, int] = {}
    for d in graph.staff.decisions:
        age = (graph.as_of - (d.day or date.min)).days
        lately[d.people[0]] += age < 90
        last[d.people[0]] = min(age, last.get(d.people[0], age))
    wishes = {(i.person_id, i.concept_id) for i in graph.staff.interests if i.kind is not InterestKind.LEARN}
    found = []
    for person_id in graph.person_ids:
        row = graph.person_index[person_id]
        span = range(graph.arrays.indptr[row], graph.arrays.indptr[row + 1])
        own = {graph.concept_ids[graph.arrays.concept[p]]: p for p in span}
        total, knows = 0.0, False
        for c, level in asked.items():
            at = own.get(c)
            have = 0 if at is None else int(graph.arrays.rounded[at])
            cover = min(have / level, 1.0)
            kin = max((0.5 * min(int(graph.arrays.rounded[own[k]]) / level, 1.0) for k in near[c] if k in own), default=0.0)
            kin = min(kin, 1.0 - cover)
            part = weights["coverage"] * cover + weights["surplus"] * max(have - level, 0) / 4 + weights["related"] * kin
            if at is not None and cover > 0:
                months = graph.taxonomy.concepts[c].currency_months
                latest = int(graph.arrays.latest[at])
                old = max(graph.as_of.toordinal() - latest, 0) / (365.2425 / 12)
                fresh = 1.0 if months is None else 2.0 ** (-old / months) if latest else 0.5
                part += weights["confidence"] * float(graph.arrays.confidence[at]) + weights["freshness"] * fresh
            if cover > 0 or kin > 0:
                knows = True
                part += weights["willingness"] * ((person_id, c) in wishes)
            total += part * share
        busy = mentees[person_id] + lately[person_id]
        score = total + weights["load"] / (1 + busy)
        if knows and score >= 0.1 and mentees[person_id] < 3 and lately[person_id] < 6 and last.get(person_id, 999) >= 7:
            found.append(score)
    return sorted(found, reverse=True)[:n]


def call(people: int, n_concepts: int, roles: int, seed: int, repeats: int) -> None:
    """Print what a whole call with reasons for 20 people takes."""
    graph = large_graph(people, n_concepts, roles, seed)
    print(f"{graph!r}", flush=True)
    sizes = np.diff(graph.arrays.column_ptr)
    by_size = np.argsort(-sizes, kind="stable")
    role = next(iter(graph.taxonomy.roles.values()))
    label = graph.taxonomy.concepts[graph.concept_ids[by_size[100]]].label("sv")
    needs: dict[str, Any] = {
        f"the most held concept ({sizes[by_size[0]]} people)": {graph.concept_ids[by_size[0]]: 3},
        f"one of the middle ({sizes[by_size[2000]]} people)": {graph.concept_ids[by_size[2000]]: 3},
        "three concepts": {graph.concept_ids[by_size[k]]: 3 for k in (3, 50, 500)},
        f"all {len(role.requirements)} of a role": {r.concept_id: r.level for r in role.requirements},
        "required by law": Need((NeedItem(concept_id=graph.concept_ids[by_size[0]], hard=True),)),
    }
    started = time.perf_counter()
    find_experts(graph, next(iter(needs.values())), n=20)
    print(f"first call on the graph (reads answers, load and decisions once): {time.perf_counter() - started:.2f} s")
    rows = []
    for name, need in needs.items():
        wall, busy, found = timed(partial(find_experts, graph, need, n=20), repeats)
        rows.append([name, str(len(found)), str(sum(len(s.reasons) for s in found)), f"{wall:.2f}", f"{busy:.2f}"])
    linked, _ = median_seconds(lambda: graph.need(label), repeats)
    wall, busy, found = timed(partial(find_experts, graph, label, n=20), repeats)
    words = f"the same in words (of which {1000 * linked:.2f} ms linking)"
    rows.append([words, str(len(found)), str(sum(len(s.reasons) for s in found)), f"{wall:.2f}", f"{busy:.2f}"])
    print_table(["need", "experts", "reasons", "call, ms", "processor, ms"], rows)
    seen = graph.seen(settings=EXACT)
    for asked in ({graph.concept_ids[by_size[0]]: 3}, {graph.concept_ids[by_size[k]]: 3 for k in (3, 50, 500)}):
        ours = [s.score for s in find_experts(seen, asked, n=20)]
        plain = scan(seen, asked, 20)
        assert np.allclose(ours, plain, atol=1e-12), "the scan of everybody gives other scores"
        print(f"the 20 best of {len(asked)} concepts are those of a plain scan of everybody")


def timed(what: Callable[[], Suggestions], repeats: int) -> tuple[float, float, Suggestions]:
    """Return the median milliseconds by the clock and by the processor of a call, and its result."""
    wall, busy = [], []
    result = what()
    for _ in range(repeats):
        started, used = time.perf_counter(), time.process_time()
        result = what()
        wall.append(1000 * (time.perf_counter() - started))
        busy.append(1000 * (time.process_time() - used))
    return statistics.median(wall), statistics.median(busy), result


# ---------------------------------------------------------------- everyday questions on the example municipality


def example_graph(people: int, seed: int) -> CompetenceGraph:
    """Return the graph of the example municipality on the municipal taxonomy."""
    taxonomy = Taxonomy.bundled("municipal")
    linker = Linker.fit(taxonomy)
    return build_graph(link_statements(example_municipality(people, seed), taxonomy, linker=linker), taxonomy, linker=linker)


def read_questions(path: Path) -> list[dict[str, str]]:
    """Return the questions with the concept that each is about."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def holders_of(graph: CompetenceGraph, people: int, seed: int) -> tuple[dict[str, set[str]], dict[str, set[str]]]:
    """Return who holds each thing by design, of those that the graph has and who may be found.

    First who was made to say so in a statement (``planted``), then these and whoever the files have evidence of.
    """

    def findable(person_id: str) -> bool:
        row = graph.person_index.get(person_id)
        return row is not None and graph.takes_part(row, "expert") is not OptIn.NO

    said: dict[str, set[str]] = defaultdict(set)
    for p in planted(people, seed):
        if findable(p.person_id):
            said[p.concept_id].add(p.person_id)
    known = {c: set(found) for c, found in said.items()}
    of_label = {c.label("sv"): c.concept_id for c in graph.taxonomy.concepts.values()}
    for row in Tables(Municipality(people, seed)).by_sheet["Belägg"]:
        concept_id, person_id = of_label.get(str(row["Kompetens"])), str(row["Anst.nr"])
        if concept_id in known and findable(person_id):
            known[concept_id].add(person_id)
    return said, known


def questions(people: int, seed: int, *, misses: bool = False) -> None:
    """Print how often a planted holder is among the first five, and how evenly people are asked."""
    graph = example_graph(people, seed)
    for path in QUESTIONS.values():
        print(f"\n{path.name}")
        ask(graph, read_questions(path), people, seed, misses=misses)


def ask(graph: CompetenceGraph, found_questions: Sequence[dict[str, str]], people: int, seed: int, *, misses: bool) -> None:
    """Ask one set of questions and print what came of it."""
    said, known = holders_of(graph, people, seed)
    asked = [q for q in found_questions if said.get(q["concept_id"])]
    lists = [find_experts(graph, q["question"], n=FIRST) for q in asked]
    by_id = [find_experts(graph, NeedItem(concept_id=q["concept_id"]), n=FIRST) for q in asked]
    answers: dict[str, list[bool]] = defaultdict(list)
    for q, found, named in zip(asked, lists, by_id, strict=True):
        concept_id = q["concept_id"]
        wanted, holders = said[concept_id], known[concept_id]
        shown, best = ({s.people[0] for s in result} for result in (found, named))
        sure = concept_id in {i["concept_id"] for i in found.provenance.request["need"]["items"]}
        read = sure or concept_id in {s.target for s in found}
        answers["the concept was understood"].append(sure)
        answers["the concept was understood, or was one of the meanings tried"].append(read)
        answers["a planted holder is among the first five"].append(bool(wanted & shown))
        answers["a holder by design (statement or evidence) is among the first five"].append(bool(holders & shown))
        answers["asked by the concept itself: a planted holder is among the first five"].append(bool(wanted & best))
        answers["asked by the concept itself: a holder by design is among the first five"].append(bool(holders & best))
        if wanted == holders:
            answers["only statements tell of it: a planted holder is among the first five"].append(bool(wanted & shown))
        if misses and not holders & shown:
            print(f"  missed: {q['question']} | {concept_id} | {'understood' if sure else 'tried' if read else 'not understood'}")
    visible = [graph.holding(person_id, concept_id) is not None for concept_id, holders in said.items() for person_id in holders]
    answers["a planted statement gives its author the holding in the graph (all planted, beside the questions)"] = visible
    print(f"{len(asked)} questions about something that somebody says and may be found for")
    print_table(["what", "of", "share"], [[name, str(len(hits)), f"{np.mean(hits):.3f}"] for name, hits in answers.items()])
    spread_of(graph, asked, lists)
    stream(graph, asked)


def spread_of(graph: CompetenceGraph, asked: Sequence[Mapping[str, str]], lists: Sequence[Suggestions]) -> None:
    """Print how often the same people stand on the lists, and on those where others were nearly as good."""
    exact = graph.seen(settings=EXACT)
    rows = []
    for name, results in (
        ("spread", lists),
        ("margin 0", [find_experts(exact, q["question"], n=FIRST) for q in asked]),
    ):
        every, contested = Counter[str](), Counter[str]()
        for found in results:
            every.update(s.people[0] for s in found)
            if found.outcome.runner_up is not None:
                # Others were nearly as good as somebody: the best left out scored within the margin of them.
                best = min(s.score for s in found) - found.outcome.runner_up + graph.settings.suggest.expert_margin
                contested.update(s.people[0] for s in found if s.score <= best)
        for part, counts in (("all places on lists", every), ("places where others were nearly as good", contested)):
            if counts:
                most, median = max(counts.values()), statistics.median(counts.values())
                rows.append([name, part, str(len(counts)), str(most), f"{median:.0f}", f"{most / median:.1f}"])
    print_table(["order", "counted", "people", "most", "median", "ratio"], rows)


def stream(graph: CompetenceGraph, asked: Sequence[Mapping[str, str]]) -> None:
    """Ask the first of each list, two questions a day, and print how often the same people were asked."""
    free = Settings.of({"suggest": {"expert_margin": 0.0, "expert_rest_days": 0, "expert_most_asked": 10_000}})
    rows = []
    for name, settings in (("as shipped", graph.settings), ("no rest, no cap, margin 0", free)):
        decisions: list[Decision] = []
        first = Counter[str]()
        for k, q in enumerate(asked):
            day = graph.as_of + timedelta(days=k // 2)
            now = CompetenceGraph(
                graph.staff.replace(decisions=tuple(decisions)),
                graph.taxonomy,
                graph.linker,
                as_of=day,
                audience=graph.audience,
                viewer_id=None,
                settings=settings,
            )
            for expert in find_experts(now, q["question"], n=1):
                first.update(expert.people)
                decisions.append(
                    Decision(kind="experts", choice=Choice.ACCEPTED, people=expert.people, target=expert.target, day=day)
                )
        most, median = max(first.values()), statistics.median(first.values())
        rows.append([name, str(sum(first.values())), str(len(first)), str(most), f"{median:.0f}", f"{most / median:.1f}"])
    print_table(["two questions a day, the first is asked", "answered", "people asked", "most", "median", "ratio"], rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--part", action="append", choices=("call", "questions"))
    parser.add_argument("--people", type=int, default=60_000)
    parser.add_argument("--concepts", type=int, default=14_000)
    parser.add_argument("--roles", type=int, default=3_000)
    parser.add_argument("--example", type=int, default=2_000, help="people of the example municipality")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--misses", action="store_true", help="list the questions that were not answered")
    given = parser.parse_args()
    parts = given.part or ["call", "questions"]
    print(f"{machine()}; {versions('competence', 'numpy', 'scipy')}; seed {given.seed}; calibration {calibration():.3f} s")
    if "call" in parts:
        call(given.people, given.concepts, given.roles, given.seed, given.repeats)
    if "questions" in parts:
        questions(given.example, 1, misses=given.misses)
    print(f"peak memory {peak_mebibytes() or 0:.0f} MiB")


if __name__ == "__main__":
    main()
