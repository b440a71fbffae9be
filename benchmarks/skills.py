"""Swedish skill terms to ESCO skills, and everyday statements to our own concepts and to ESCO.

    COMPETENCE_DATA=<folder> python benchmarks/skills.py [--part terms|statements|own] [--seeds 0 1 2]

``rank(queries, corpus, train)`` is the product's linker as it ships, on any queries of the form given there. ``own`` needs no
reference data: the reserved half of our phrase set, which nobody has tuned on.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
import re
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

if __package__ in (None, ""):
    # Run as a file, so that one command is enough.
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import reference
from benchmarks.linking import shown
from benchmarks.measure import calibration, machine, median_seconds, print_table, versions
from benchmarks.reference import Figures, codes, figures, normal
from competence.linking import Linker, Pair
from competence.taxonomy import Taxonomy

MOST = 200
STATEMENT_WORDS = 4
"""Words from which on a text is read as a statement, not as a term."""
PHRASES = Path(__file__).resolve().parent.parent / "tests" / "data" / "phrases_sv.csv"


def development_pairs(relations: Sequence[str] = ("skos:exactMatch", "skos:closeMatch")) -> list[dict[str, Any]]:
    """Return the development pairs with these relations, each with the SSYK groups that JobTech names the skill for."""
    groups: dict[str, list[str]] = {}
    for r in reference.rows("jobtech", "ssyk4_related_skills.csv.gz"):
        groups.setdefault(r["skill_id"], []).append(r["ssyk4"])
    return [
        {
            "text": r["jobtech_label_sv"],
            "concept": r["esco_uri"],
            "relation": r["relation"],
            "context": {"ssyk4": sorted(set(groups.get(r["jobtech_uri"].rsplit("/", 1)[1], ())))},
        }
        for r in reference.rows("eval", "skill_sv_dev_map.csv.gz")
        if r["relation"] in relations
    ]


def rank(
    queries: Sequence[Mapping[str, Any]],
    corpus: Sequence[Mapping[str, Any]],
    train: Sequence[Mapping[str, Any]] | None = None,
    *,
    hide: bool = True,
) -> list[list[list[Any]]]:
    """Rank the concepts of a corpus for each query, best first; see :func:`benchmarks.linking.rank`.

    A text of four words or more without an SSYK code is read as a statement: what the municipal linker understands is
    carried over to the corpus by matches and likeness, before what the words alone give.
    """
    known = {str(row["concept"]) for row in corpus}
    pairs = [p for p in (development_pairs() if train is None else train) if p["concept"] in known]
    taxonomy = reference.skills(corpus)
    municipal = Linker.fit(Taxonomy.bundled("municipal"))
    found: dict[int, list[list[Any]]] = {}
    own = {normal(str(q["text"])) for q in queries} if hide else set()
    linker = Linker.fit(
        taxonomy,
        [Pair(str(p["text"]), str(p["concept"]), codes(p.get("context"))) for p in pairs if normal(str(p["text"])) not in own],
        cache=False,
    )
    statements = [
        i for i, q in enumerate(queries) if len(str(q["text"]).split()) >= STATEMENT_WORDS and not codes(q.get("context"))
    ]
    terms = sorted(set(range(len(queries))) - set(statements))
    for places, answers in (
        (
            terms,
            linker.rank_concepts(
                [str(queries[i]["text"]) for i in terms], codes=[codes(queries[i].get("context")) for i in terms], n=MOST
            ),
        ),
        (
            statements,
            linker.rank_statements([str(queries[i]["text"]) for i in statements], through=municipal, n=MOST)
            if statements
            else [],
        ),
    ):
        found |= {i: [[uri, p] for uri, p in answer] for i, answer in zip(places, answers, strict=True)}
    return [found[i] for i in range(len(queries))]


# ---------------------------------------------------------------- Must show 2: skill terms


def terms(seeds: Sequence[int]) -> None:
    """Measure Swedish skill terms (exact matches) by cross-validation over terms."""
    pairs = development_pairs()
    exact = [p for p in pairs if p["relation"] == "skos:exactMatch"]
    gold: dict[str, set[str]] = {}
    contexts: dict[str, Any] = {}
    for p in exact:
        gold.setdefault(p["text"], set()).add(p["concept"])
        contexts[p["text"]] = p["context"]
    texts = sorted(gold)
    corpus = [{"id": uri, "text": label, "concept": uri} for uri, label in reference.swedish_skills().items()]
    verbatim = {normal(str(r["text"])) for r in corpus}
    sizes = {str(r["concept"]): 1 for r in corpus}
    table = []
    queries = [
        [{"id": str(i), "text": text, "context": contexts[text] if with_context else {}} for i, text in enumerate(texts)]
        for with_context in (False, True)
    ]
    names = ("terms alone", "with role context", "terms alone, own row visible", "with role context, own row visible")
    runs: dict[str, list[tuple[Figures, Figures]]] = {name: [] for name in names}

    def measure(name: str, seed: str, answers: Mapping[int, list[list[Any]]]) -> None:
        other = [i for i, t in enumerate(texts) if normal(t) not in verbatim]
        whole, apart = (
            figures([[(u, p) for u, p in answers[i]] for i in places], [frozenset(gold[texts[i]]) for i in places], sizes)
            for places in (range(len(texts)), other)
        )
        runs[name].append((whole, apart))
        print(f"  {name}, seed {seed}: S@1 {whole.hit(1):.4f}, ECE {whole.ece:.4f}, not verbatim {apart.hit(1):.4f}", flush=True)

    for seed in seeds:
        ranked: list[dict[int, list[list[Any]]]] = [{}, {}]
        for _, test in reference.folds(len(texts), seed):
            held = {normal(texts[i]) for i in test}
            train = [p for p in pairs if normal(p["text"]) not in held]
            for found, answers in zip(ranked, rank_terms([[q[i] for i in test] for q in queries], corpus, train), strict=True):
                found |= dict(zip(test.tolist(), answers, strict=True))
        for name, found in zip(names, ranked, strict=False):
            measure(name, str(seed), found)
    for name, answers in zip(names[2:], rank_terms(queries, corpus, pairs), strict=True):
        measure(name, "-", dict(enumerate(answers)))
    for name, both in runs.items():
        table.append([name, str(len(texts)), *shown([w for w, _ in both])[1:], *shown([a for _, a in both])[1:4]])
    heads = ["skill terms to ESCO, exact", "terms", "S@1", "S@5", "S@10", "ECE", "not verbatim S@1", "S@5", "S@10"]
    print_table(heads, table)


def rank_terms(
    variants: Sequence[Sequence[Mapping[str, Any]]], corpus: Sequence[Mapping[str, Any]], train: Sequence[Mapping[str, Any]]
) -> list[list[list[list[Any]]]]:
    """Rank as :func:`rank` does, every query a term, in several contexts with the same linker."""
    linker = Linker.fit(
        reference.skills(corpus), [Pair(str(p["text"]), str(p["concept"]), codes(p.get("context"))) for p in train], cache=False
    )
    return [
        [
            [[uri, p] for uri, p in answer]
            for answer in linker.rank_concepts(
                [str(q["text"]) for q in queries], codes=[codes(q.get("context")) for q in queries], n=MOST
            )
        ]
        for queries in variants
    ]


# ---------------------------------------------------------------- Must show 4: everyday statements


def interval(hits: Sequence[float]) -> str:
    """Return the mean with its 95 % interval by 2 000 seeded resamples."""
    values = np.asarray(hits, dtype=float)
    random = np.random.Generator(np.random.PCG64(0))
    means = values[random.integers(0, len(values), (2000, len(values)))].mean(axis=1)
    low, high = np.quantile(means, [0.025, 0.975])
    return f"{values.mean():.3f} ({low:.3f}-{high:.3f})"


def own(part: str = "report") -> None:
    """Measure our own phrase set on the municipal taxonomy, one half."""
    linker = Linker.fit(Taxonomy.bundled("municipal"))
    rows = phrases(part)
    links = linker.link_many([r["text"] for r in rows], n=10)
    gold = [set(r["concepts"].split("|")) - {""} for r in rows]
    some = [i for i, g in enumerate(gold) if g]
    hits = {k: [bool({link.concept_id for link in links[i][:k]} & gold[i]) for i in some] for k in (1, 3, 5, 10)}
    refused = [not links[i].accepted for i in range(len(rows)) if not gold[i]]
    taken = [bool(links[i].accepted) for i in some]
    right = [link.concept_id in g for found, g in zip(links, gold, strict=True) for link in found.accepted]
    print(f"own phrase set, {part} half, municipal taxonomy: {len(some)} with a concept, {len(refused)} that mean none")
    print_table(
        ["S@1", "S@3", "S@5", "S@10", "means none: refused", "means some: accepted", "accepted links right"],
        [[*(interval(hits[k]) for k in (1, 3, 5, 10)), interval(refused), interval(taken), f"{interval(right)} of {len(right)}"]],
    )


def statements() -> None:
    """Measure the development statements against ESCO."""
    rows = reference.rows("eval", "phrases_sv_dev.csv")
    gold = [{uri: int(grade) for uri, grade in json.loads(r["gold"])} for r in rows]
    english = {r["conceptUri"]: r["preferredLabel"] for r in reference.rows("esco-1.1.1-en", "skills_en.csv.gz")}
    swedish = reference.swedish_skills()
    corpus = [
        {"id": f"{uri}#{k}", "text": text, "concept": uri}
        for uri in english
        for k, text in enumerate(t for t in (swedish.get(uri), english[uri]) if t)
    ]
    answers = rank([{"id": r["id"], "text": r["text"], "context": {}} for r in rows], corpus)
    municipal = Linker.fit(Taxonomy.bundled("municipal"))
    understood = [bool(found.accepted) for found in municipal.link_many([r["text"] for r in rows])]
    some = [i for i, g in enumerate(gold) if g]
    hits = {k: [any(gold[i].get(str(uri), 0) >= 2 for uri, _ in answers[i][:k]) for i in some] for k in (1, 5, 10)}
    gains = []
    for i in some:
        got = sum((2 ** gold[i].get(str(uri), 0) - 1) / np.log2(k + 2) for k, (uri, _) in enumerate(answers[i][:10]))
        best = sum((2**g - 1) / np.log2(k + 2) for k, g in enumerate(sorted(gold[i].values(), reverse=True)[:10]))
        gains.append(got / best)
    refused = [not understood[i] for i in range(len(rows)) if not gold[i]]
    print(f"everyday statements to ESCO (a hit is a grade of 2 or 3): {len(some)} with a skill, {len(refused)} without")
    print_table(
        ["S@1", "S@5", "S@10", "nDCG@10", "without: refused by the municipal linker"],
        [[*(interval(hits[k]) for k in (1, 5, 10)), interval(gains), interval(refused)]],
    )
    print("character TF-IDF reaches S@5 0.19 (issue C)")


# ---------------------------------------------------------------- Must show 6 and 7: speed, and words turned around


def phrases(part: str | None = None) -> list[dict[str, str]]:
    """Return our own phrases, all or one half."""
    with PHRASES.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    halves = {r["phrase_id"]: hashlib.sha256(r["phrase_id"].encode()).hexdigest()[0] in "01234567" for r in rows}
    return [r for r in rows if part is None or halves[r["phrase_id"]] == (part == "tuning")]


def speed() -> None:
    """Measure fit, one statement at a time and 10 000 at once, on the municipal taxonomy; and one term against ESCO."""
    taxonomy = Taxonomy.bundled("municipal")
    fit, _ = median_seconds(lambda: Linker.fit(taxonomy, cache=False), 3)
    linker = Linker.fit(taxonomy)
    cached, _ = median_seconds(lambda: Linker.fit(taxonomy), 3)
    said = [saying for by_id in taxonomy.spoken.values() for sayings in by_id.values() for saying in sayings]
    # Distinct statements: two sayings beside each other, half as long again as everyday ones, none asked twice.
    many = list(dict.fromkeys(f"{a} {b}" for a, b in zip(said, said[1:] + said[:1], strict=True)))[:10_000]
    one_by_one = [r["text"] for r in phrases("tuning")]
    linker.link(one_by_one[0])
    times = []
    for text in one_by_one:
        seconds, _ = median_seconds(lambda text=text: linker.link(text), 1)  # type: ignore[misc]
        times.append(seconds)
    # What is compiled is loaded once in a process; none of the words of these is asked for below.
    linker.link_many([f"{number}x" for number in range(1000)])
    own, both = time.thread_time(), time.process_time()
    batch, _ = median_seconds(lambda: linker.link_many(many), 1)
    own, both = time.thread_time() - own, time.process_time() - both
    single_long = []
    alone = time.process_time()
    for text in many[:200]:
        seconds, _ = median_seconds(lambda text=text: linker.link(text), 1)  # type: ignore[misc]
        single_long.append(seconds)
    alone = (time.process_time() - alone) / len(single_long)
    each = batch / len(many)
    print_table(
        ["municipal taxonomy", "seconds"],
        [
            ["fit, nothing cached, median of 3", f"{fit:.1f}"],
            ["fit from the disk cache, median of 3", f"{cached:.2f}"],
            ["one statement, median (warm)", f"{np.median(times):.4f}"],
            ["one statement, 95th percentile", f"{np.quantile(times, 0.95):.4f}"],
            [f"{len(many)} distinct statements at once, each", f"{each:.5f}"],
            ["one of the same, alone, median", f"{np.median(single_long):.4f}"],
            ["alone / at once", f"{np.median(single_long) / each:.1f}"],
            # On a busy machine these tell what two free cores would give, and one.
            ["processor time alone, mean", f"{alone:.5f}"],
            ["at once, each: the calling thread", f"{own / len(many):.5f}"],
            ["at once, each: all threads", f"{both / len(many):.5f}"],
        ],
    )


def esco_speed() -> None:
    """Measure one term and one statement against ESCO's skills in Swedish."""
    corpus = [{"id": uri, "text": label, "concept": uri} for uri, label in reference.swedish_skills().items()]
    linker = Linker.fit(reference.skills(corpus), cache=False)
    municipal = Linker.fit(Taxonomy.bundled("municipal"))
    texts = [r["text"] for r in phrases("tuning")][:200]
    linker.rank_statements(texts[:2], through=municipal)
    rows = []
    for name, ask in (
        ("rank_concepts", lambda text: linker.rank_concepts([text])),
        ("rank_statements through the municipal linker", lambda text: linker.rank_statements([text], through=municipal)),
    ):
        times = [median_seconds(lambda text=text, ask=ask: ask(text), 1)[0] for text in texts]  # type: ignore[misc]
        rows.append([name, f"{np.median(times):.4f}", f"{np.quantile(times, 0.95):.4f}"])
    print_table(["one text against ESCO's 13 378 skills (warm)", "median, s", "95th percentile, s"], rows)


SEXED = (("sjuksköterska", "sjukskötare"), ("hon", "han"), ("henne", "honom"), ("hennes", "hans"))


def turned() -> None:
    """Measure how often the first concept stays when the same statement is said of the other sex, misspelt or in capitals."""
    linker = Linker.fit(Taxonomy.bundled("municipal"))
    texts = [r["text"] for r in phrases() if r["concepts"]]
    random = np.random.Generator(np.random.PCG64(0))
    exchange = {a: b for pair in SEXED for a, b in (pair, pair[::-1])}

    def other_sex(text: str) -> str:
        return re.sub(r"\w+", lambda m: exchange.get(m[0].casefold(), m[0]), text)

    def misspelt(text: str) -> str:
        words = list(re.finditer(r"[^\W\d_]{5,}", text))
        if not words:
            return text
        word = words[int(random.integers(len(words)))]
        place = word.start() + int(random.integers(len(word[0])))
        letter = "abcdefghijklmnoprstuvyåäö"[int(random.integers(25))]
        return text[:place] + letter + text[place + 1 :]

    plain = linker.link_many(texts)
    rows = []
    for name, turn in (("other sex", other_sex), ("one letter wrong", misspelt), ("capitals", str.upper)):
        changed = [turn(t) for t in texts]
        some = [i for i, t in enumerate(changed) if t != texts[i]]
        again = linker.link_many([changed[i] for i in some])
        same = [
            (links[0].concept_id if links else None) == (plain[i][0].concept_id if plain[i] else None)
            for i, links in zip(some, again, strict=True)
        ]
        rows.append([name, str(len(some)), interval(same)])
    print_table(["said otherwise", "statements changed", "same first concept"], rows)


ALONE = {"speed": speed, "esco-speed": esco_speed, "turned": turned}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--part", choices=("terms", "statements", "own", "tuning", *ALONE), action="append")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    given = parser.parse_args()
    print(f"{machine()}; {versions('numpy', 'scipy', 'scikit-learn', 'rapidfuzz')}; calibration loop {calibration():.2f} s\n")
    for part in given.part or ("own", "turned", "speed", "statements", "esco-speed", "terms"):
        if part in ALONE:
            ALONE[part]()
        elif part in ("own", "tuning"):
            own("report" if part == "own" else "tuning")
        else:
            reference.folder()
            statements() if part == "statements" else terms(given.seeds)
        print(flush=True)


if __name__ == "__main__":
    main()
