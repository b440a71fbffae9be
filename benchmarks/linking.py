"""Job titles to ESCO occupations and ISCO groups, Swedish titles to our own roles, and English alternative labels.

    COMPETENCE_DATA=<folder> python benchmarks/linking.py [--part titles|english|roles|speed|turned] [--seeds 0 1 2]

``rank(queries, corpus, train)`` is the product's linker as it ships, on any queries of the form given there. The development
half is measured by 5-fold cross-validation; the published figures it stands beside are zero-shot, ours are not: the same
queries and the same metric, ranked by concept, and where pairs are named, trained on four fifths of the development pairs.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

if __package__ in (None, ""):
    # Run as a file, so that one command is enough.
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import reference
from benchmarks.measure import calibration, machine, print_table, versions
from benchmarks.reference import Figures, codes, figures, normal
from competence.linking import Linker, Pair
from competence.taxonomy import Taxonomy

MOST = 200


def development_pairs() -> list[dict[str, Any]]:
    """Return all pairs of the development half, with the SSYK code where JobTech's list has the title."""
    code = {normal(label): ssyk for label, ssyk in reversed(reference.occupation_names())}
    return [
        {
            "text": r["title_sv"],
            "concept": r["esco_uri"],
            "context": {"ssyk4": code[normal(r["title_sv"])]} if normal(r["title_sv"]) in code else {},
        }
        for r in reference.rows("eval", "melo_sv_dev_queries.csv.gz")
    ]


def rank(
    queries: Sequence[Mapping[str, Any]],
    corpus: Sequence[Mapping[str, Any]],
    train: Sequence[Mapping[str, Any]] | None = None,
    *,
    hide: bool = True,
) -> list[list[list[Any]]]:
    """Rank the concepts of a corpus for each query, best first.

    Parameters
    ----------
    queries : sequence of mapping
        ``id``, ``text``, ``context`` ({"ssyk4": code or codes} or empty).
    corpus : sequence of mapping
        ``id``, ``text``, ``concept``: several ids may be labels of one concept.
    train : sequence of mapping, optional
        ``text``, ``concept``, ``context``: pairs to learn from; None for all development pairs, empty for none.
    hide : bool
        Whether each query's own row is hidden: from JobTech's occupation names, and from the pairs.

    Returns
    -------
    list of list of [str, float]
        For each query at most 200 concepts with probabilities.
    """
    (answers,) = rank_contexts([queries], corpus, train, hide=hide)
    return answers


def rank_contexts(
    variants: Sequence[Sequence[Mapping[str, Any]]],
    corpus: Sequence[Mapping[str, Any]],
    train: Sequence[Mapping[str, Any]] | None = None,
    *,
    hide: bool = True,
) -> list[list[list[list[Any]]]]:
    """Rank the same texts in several contexts with the same linkers; see :func:`rank`."""
    queries = variants[0]
    known = {str(row["concept"]) for row in corpus}
    pairs = [p for p in (development_pairs() if train is None else train) if p["concept"] in known]
    taxonomy = reference.occupations(corpus)
    found: list[dict[int, list[list[Any]]]] = [{} for _ in variants]
    for places in reference.bundles(queries):
        own = {normal(str(queries[i]["text"])) for i in places} if hide else set()
        linker = Linker.fit(
            taxonomy,
            [
                Pair(str(p["text"]), str(p["concept"]), codes(p.get("context")))
                for p in pairs
                if normal(str(p["text"])) not in own
            ],
            titles=[(label, ssyk) for label, ssyk in reference.occupation_names() if normal(label) not in own],
            cache=False,
        )
        for variant, ranked in zip(variants, found, strict=True):
            answers = linker.rank_roles(
                [str(variant[i]["text"]) for i in places], codes=[codes(variant[i].get("context")) for i in places], n=MOST
            )
            ranked |= {i: [[uri, p] for uri, p in answer] for i, answer in zip(places, answers, strict=True)}
    return [[ranked[i] for i in range(len(queries))] for ranked in found]


# ---------------------------------------------------------------- Must show 1: Swedish titles


def titles(seeds: Sequence[int], only: Sequence[str]) -> None:
    """Measure Swedish titles to ESCO by cross-validation."""
    pairs = development_pairs()
    corpus = [
        {"id": r["element_id"], "text": r["label_sv"], "concept": r["esco_uri"]}
        for r in reference.rows("eval", "melo_sv_corpus.csv.gz")
    ]
    sizes = {uri: len(found) for uri, found in reference.by_concept(corpus).items()}
    gold = [frozenset({str(p["concept"])}) for p in pairs]
    kinds = {
        ("text alone", "with SSYK code"): (True, True, seeds),
        ("no crosswalk pair",): (False, True, seeds),
        ("text, own row visible",): (True, False, seeds[:1]),
    }
    table = []
    for names, (with_pairs, hide, chosen) in kinds.items():
        if only and not set(only).intersection(names):
            continue
        runs: dict[str, list[Figures]] = {name: [] for name in names}
        for seed in chosen:
            ranked: dict[str, dict[int, list[list[Any]]]] = {name: {} for name in names}
            for train, test in reference.folds(len(pairs), seed):
                variants = [
                    [
                        {"id": str(i), "text": pairs[i]["text"], "context": pairs[i]["context"] if "SSYK" in name else {}}
                        for i in test
                    ]
                    for name in names
                ]
                answers = rank_contexts(variants, corpus, [pairs[i] for i in train] if with_pairs else (), hide=hide)
                for name, found in zip(names, answers, strict=True):
                    ranked[name] |= dict(zip(test.tolist(), found, strict=True))
            for name in names:
                runs[name].append(figures([[(u, p) for u, p in ranked[name][i]] for i in range(len(pairs))], gold, sizes))
                print(f"  {name}, seed {seed}: MAP {runs[name][-1].mean_ap:.4f}, ECE {runs[name][-1].ece:.4f}", flush=True)
        table += [[name, str(len(pairs)), " ".join(map(str, chosen)), *shown(runs[name])] for name in names]
    print_table(["titles to ESCO", "queries", "seeds", "MAP", "S@1", "S@5", "S@10", "ECE of the first"], table)
    print("published, zero-shot and not grouped by concept: OpenAI embeddings 0.362, e5 0.363, character TF-IDF 0.305 MAP")


def shown(runs: Sequence[Figures]) -> list[str]:
    """Return the mean of some runs as cells."""
    return [
        f"{np.mean([m(r) for r in runs]):.3f}"
        for m in (lambda r: r.mean_ap, *(lambda r, k=k: r.hit(k) for k in (1, 5, 10)), lambda r: r.ece)
    ]


# ---------------------------------------------------------------- Must show 3: English alternative labels


def english() -> None:
    """Hide one alternative label of 1 500 skills and of 1 500 occupations, and ask for it."""
    table = []
    for what, file in (("skills", "skills_en.csv.gz"), ("occupations", "occupations_en.csv.gz")):
        records = {
            r["conceptUri"]: [r["preferredLabel"], *r["altLabels"].split("\n")] for r in reference.rows("esco-1.1.1-en", file)
        }
        labels = {uri: list(dict.fromkeys(t.strip() for t in texts if t.strip())) for uri, texts in records.items()}
        random = np.random.RandomState(0)
        able = sorted(uri for uri, texts in labels.items() if len(texts) > 1)
        drawn = [able[i] for i in random.permutation(len(able))[:1500]]
        asked = {uri: labels[uri][1 + random.randint(len(labels[uri]) - 1)] for uri in drawn}
        corpus = [
            {"id": f"{uri}#{k}", "text": text, "concept": uri}
            for uri, texts in labels.items()
            for k, text in enumerate(texts)
            if asked.get(uri) != text
        ]
        started = time.perf_counter()
        taxonomy = (reference.skills if what == "skills" else english_occupations)(corpus, "en")
        linker = Linker.fit(taxonomy, cache=False)
        ask = linker.rank_concepts if what == "skills" else linker.rank_roles
        answers = ask([asked[uri] for uri in drawn], n=10)
        result = figures(answers, [frozenset({uri}) for uri in drawn], dict.fromkeys(labels, 1))
        table.append([what, "1500", *shown([result])[1:], f"{time.perf_counter() - started:.0f}"])
    print_table(["English alternative labels", "queries", "S@1", "S@5", "S@10", "ECE of the first", "seconds in all"], table)


def english_occupations(corpus: Sequence[Mapping[str, Any]], lang: str) -> Taxonomy:
    """Return ESCO's occupations with English labels and descriptions, and what they ask for in English."""
    made = reference.occupations(corpus, lang)
    names = {r["conceptUri"]: r["preferredLabel"] for r in reference.rows("esco-1.1.1-en", "skills_en.csv.gz")}
    about = {r["conceptUri"]: r["description"] for r in reference.rows("esco-1.1.1-en", "occupations_en.csv.gz")}
    return Taxonomy.of(
        [replace(c, labels={"en": names[k]}) for k, c in made.concepts.items() if k in names],
        [replace(r, descriptions={"en": about[k]} if about.get(k) else {}) for k, r in made.roles.items()],
    )


# ---------------------------------------------------------------- Must show 5: occupation names to our roles


def roles() -> None:
    """Link each JobTech occupation name whose SSYK code is that of one of our roles, with equal titles of ours hidden or not."""
    taxonomy = Taxonomy.bundled("municipal")
    ours = {r.ssyk for r in taxonomy.roles.values() if r.ssyk}
    names = [(label, ssyk) for label, ssyk in reference.occupation_names() if ssyk in ours]
    table = []
    for hidden in (True, False):
        right = wrong = refused = 0
        for places in reference.bundles([{"text": label} for label, _ in names]) if hidden else [range(len(names))]:
            gone = {normal(names[i][0]) for i in places} if hidden else set()
            kept = [
                replace(
                    r,
                    alternative_labels={
                        lang: tuple(t for t in found if normal(t) not in gone) for lang, found in r.alternative_labels.items()
                    },
                )
                for r in taxonomy.roles.values()
            ]
            # Titles are linked alike with and without the sayings, which take most of the time to learn.
            linker = Linker.fit(replace(taxonomy, roles={r.role_id: r for r in kept}, spoken={}, asked={}), cache=False)
            for label, ssyk in (names[i] for i in places):
                best = linker.link_role(label).best
                refused += best is None
                right += best is not None and taxonomy.roles[best.role_id].ssyk == ssyk
                wrong += best is not None and taxonomy.roles[best.role_id].ssyk != ssyk
        cells = [f"{n / len(names):.1%} ({n})" for n in (right, wrong, refused)]
        table.append(["equal titles hidden" if hidden else "nothing hidden", str(len(names)), *cells])
    print_table(["occupation names to our roles", "names", "right group accepted", "wrong accepted", "refused"], table)


PARTS = {"english": english, "roles": roles}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--part", choices=("titles", *PARTS), action="append")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--only", nargs="+", default=[], help="of the titles, these rows only, such as 'no crosswalk pair'")
    given = parser.parse_args()
    reference.folder()
    print(f"{machine()}; {versions('numpy', 'scipy', 'scikit-learn', 'rapidfuzz')}; calibration loop {calibration():.2f} s\n")
    for part in given.part or ("roles", "english", "titles"):
        if part == "titles":
            titles(given.seeds, given.only)
        else:
            PARTS[part]()
        print(flush=True)


if __name__ == "__main__":
    main()
