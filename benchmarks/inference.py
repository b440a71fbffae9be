"""Hidden competence: what occupations ask for and nobody stated, on ESCO, on made-up people and in the example municipality.

    COMPETENCE_DATA=<folder> python benchmarks/inference.py [--part esco|cost|example] [--seeds 0 1 2]

``infer(train, known, k, roles)`` is the product's own model on any data of that form. It learns only from ``train`` and the
texts of the reference data; ``example`` needs no reference data.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

if __package__ in (None, ""):
    # Run as a file, so that one command is enough.
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import reference
from benchmarks.measure import calibration, machine, peak_mebibytes, print_table, versions
from competence.inference import InferenceModel, fit_inference
from competence.model import Concept, Importance, Requirement, Role, RoleShare
from competence.staff import Staff
from competence.taxonomy import Taxonomy

Row = Mapping[str, Any]
Ranked = list[list[tuple[str, float]]]


@cache
def texts() -> Mapping[str, tuple[str, str]]:
    """Return the English label and description of each ESCO skill."""
    return {r["conceptUri"]: (r["preferredLabel"], r["description"]) for r in reference.rows("esco-1.1.1-en", "skills_en.csv.gz")}


def taxonomy_of(train: Sequence[Row]) -> Taxonomy:
    """Return the training rows as a taxonomy. A skill without a text in the reference data is named by its id."""
    skills = sorted({s for row in train for kind in ("essential", "optional") for s in row[kind]})
    known = texts()
    concepts = [
        Concept(
            concept_id=s,
            labels={"en": known[s][0]} if s in known else {},
            descriptions={"en": known[s][1]} if s in known and known[s][1] else {},
        )
        for s in skills
    ]
    # The same role twice is one role that asks for what either does.
    merged: dict[str, tuple[set[str], set[str]]] = {}
    for row in train:
        essential, optional = merged.setdefault(str(row["role"]), (set(), set()))
        essential |= set(row["essential"])
        optional |= set(row["optional"])
    roles = [
        Role(
            role_id=role_id,
            requirements=tuple(
                Requirement(concept_id=s, level=2, importance=Importance.ESSENTIAL if s in essential else Importance.OPTIONAL)
                for s in sorted(essential | optional)
            ),
        )
        for role_id, (essential, optional) in sorted(merged.items())
    ]
    return Taxonomy.of(concepts, roles, id="train")


def fit(train: Sequence[Row], seed: int = 0) -> InferenceModel:
    """Fit the product's model on training rows."""
    return fit_inference(taxonomy_of(train), seed=seed)


def infer(
    train: Sequence[Row], known: Sequence[Collection[str]], k: int, roles: Sequence[Collection[str]] | None = None
) -> Ranked:
    """Rank what each may also have: per set of known skills (skill, probability), best first, at most k.

    Parameters
    ----------
    train : list of {"role", "essential": set, "optional": set}
        All that is learnt from.
    known : list of sets
        Skills known of each.
    k : int
        How many at most.
    roles : list of collections of role ids, or None
        Roles each holds; what they ask for is then ranked too.
    """
    held = None if roles is None else [[r] if isinstance(r, str) else list(r or ()) for r in roles]
    return fit(train).rank(known, k, roles=held)


# ------------------------------------------------------------------------------------------------------------- ESCO


def esco() -> list[Row]:
    """Return every ESCO occupation with what it asks for."""
    found: list[Row] = []
    for role, asked in sorted(reference.asked_for().items()):
        essential = {s for s, kind in asked if kind == "essential"}
        found.append({"role": role, "essential": essential, "optional": {s for s, _ in asked} - essential})
    return found


def split(rows: Sequence[Row], seed: int) -> tuple[list[Row], list[Row]]:
    """Return four fifths of the occupations to learn from and one fifth that nothing has seen."""
    order = np.random.default_rng(seed).permutation(len(rows))
    cut = len(rows) // 5
    return [rows[i] for i in sorted(order[cut:])], [rows[i] for i in sorted(order[:cut])]


def hide(rows: Sequence[Row], seed: int, share: float = 0.3) -> tuple[list[set[str]], list[set[str]]]:
    """Hide a share of each occupation's skills: known and hidden."""
    rng = np.random.default_rng(seed)
    known, hidden = [], []
    for row in rows:
        skills = sorted(row["essential"] | row["optional"])
        if len(skills) < 2:
            continue
        order = rng.permutation(len(skills))
        cut = max(1, round(share * len(skills)))
        hidden.append({skills[i] for i in order[:cut]})
        known.append({skills[i] for i in order[cut:]})
    return known, hidden


def make_up(rows: Sequence[Row], n: int, seed: int) -> tuple[list[set[str]], list[set[str]], list[list[str]]]:
    """Make up people of one to three of these roles: what is known of them, what is hidden, and the roles."""
    rng = np.random.default_rng(seed)
    known: list[set[str]] = []
    hidden: list[set[str]] = []
    roles: list[list[str]] = []
    while len(known) < n:
        own = [rows[i] for i in rng.choice(len(rows), size=int(rng.integers(1, 4)), replace=False)]
        has: set[str] = set()
        for row in own:
            for kind, share in (("essential", 0.85), ("optional", 0.4)):
                skills = sorted(row[kind])
                has |= {s for s, chosen in zip(skills, rng.random(len(skills)) < share, strict=True) if chosen}
        everything = sorted(has)
        shown = rng.random(len(everything)) < rng.uniform(0.3, 0.7)
        if shown.any() and not shown.all():
            known.append({s for s, is_shown in zip(everything, shown, strict=True) if is_shown})
            hidden.append(has - known[-1])
            roles.append([str(row["role"]) for row in own])
    return known, hidden, roles


def recall(ranked: Ranked, hidden: Sequence[set[str]], k: int = 20) -> NDArray[np.float64]:
    """Return hits / hidden of each."""
    return np.array([len({s for s, _ in found[:k]} & true) / len(true) for found, true in zip(ranked, hidden, strict=True)])


def ndcg(ranked: Ranked, hidden: Sequence[set[str]], k: int = 20) -> NDArray[np.float64]:
    """Return the discounted gain of each, of the best possible."""
    discount = 1 / np.log2(np.arange(2, k + 2))
    return np.array(
        [
            sum(discount[i] for i, (s, _) in enumerate(found[:k]) if s in true) / discount[: min(k, len(true))].sum()
            for found, true in zip(ranked, hidden, strict=True)
        ]
    )


def calibration_error(ranked: Ranked, hidden: Sequence[set[str]], k: int) -> tuple[float, float, float]:
    """Return the expected calibration error in ten bins, the Brier score and the share that is right, of the k best of each."""
    pairs = [(p, s in true) for found, true in zip(ranked, hidden, strict=True) for s, p in found[:k]]
    p, y = np.array([a for a, _ in pairs]), np.array([float(b) for _, b in pairs])
    bins = np.minimum((p * 10).astype(int), 9)
    error = sum(abs(p[bins == b].mean() - y[bins == b].mean()) * (bins == b).mean() for b in range(10) if (bins == b).any())
    return float(error), float(((p - y) ** 2).mean()), float(y.mean())


def peers(train: Sequence[Row]) -> dict[str, Callable[[Sequence[Collection[str]], int], Ranked]]:
    """Return popularity and item-kNN (cosine of columns) on the same training rows, in SciPy."""
    skills = sorted({s for row in train for kind in ("essential", "optional") for s in row[kind]})
    column = {s: i for i, s in enumerate(skills)}
    places = [(r, column[s]) for r, row in enumerate(train) for s in sorted(row["essential"] | row["optional"])]
    rows = sparse.csr_array(
        (np.ones(len(places)), ([r for r, _ in places], [c for _, c in places])), shape=(len(train), len(skills))
    )
    counts = np.asarray(rows.sum(axis=0)).ravel()
    unit = rows @ sparse.diags_array(1 / np.sqrt(counts))

    def best(scores: NDArray[np.float64], known: Sequence[Collection[str]], k: int) -> Ranked:
        found: Ranked = []
        for score, own in zip(scores, known, strict=True):
            score = score.copy()
            score[[column[s] for s in own if s in column]] = -np.inf
            found.append([(skills[i], 0.0) for i in np.argsort(-score, kind="stable")[:k]])
        return found

    def popularity(known: Sequence[Collection[str]], k: int) -> Ranked:
        return best(np.tile(counts, (len(known), 1)), known, k)

    def item_knn(known: Sequence[Collection[str]], k: int) -> Ranked:
        at = [(q, column[s]) for q, own in enumerate(known) for s in sorted(own) if s in column]
        has = sparse.csr_array((np.ones(len(at)), ([q for q, _ in at], [c for _, c in at])), shape=(len(known), len(skills)))
        return best(np.asarray(((has @ unit.T) @ unit).todense()), known, k)

    return {"popularity": popularity, "item-kNN, cosine": item_knn}


def interval(values: NDArray[np.float64]) -> str:
    """Return the mean with its 95 % interval by 2 000 seeded resamples."""
    random = np.random.Generator(np.random.PCG64(0))
    means = values[random.integers(0, len(values), (2000, len(values)))].mean(axis=1)
    low, high = np.quantile(means, [0.025, 0.975])
    return f"{values.mean():.3f} ({low:.3f}-{high:.3f})"


def measure_esco(seeds: Sequence[int]) -> None:
    """Measure ranking and calibration on occupations that nothing has seen."""
    rows = esco()
    for seed in seeds:
        train, test = split(rows, seed)
        known, hidden = hide(test, seed)
        people, lacking, _ = make_up(test, 600, seed)
        held, held_lacking, held_roles = make_up(train, 600, seed + 1000)
        model = fit(train)
        ranked, ranked_people = model.rank(known, 20), model.rank(people, 100)
        table = [
            [
                "competence",
                *(interval(f(ranked, hidden)) for f in (recall, ndcg)),
                *(interval(f(ranked_people, lacking)) for f in (recall, ndcg)),
            ]
        ]
        for name, peer in peers(train).items():
            pairs = ((peer(known, 20), hidden), (peer(people, 20), lacking))
            table.append([name, *(interval(f(found, true)) for found, true in pairs for f in (recall, ndcg))])
        print(f"seed {seed}: {len(train)} occupations to learn from, {len(known)} unseen; 600 people of 1-3 unseen ones")
        print_table(["", "occupations R@20", "nDCG@20", "people R@20", "nDCG@20"], table)
        ranked_roles = model.rank(held, 100, roles=held_roles)
        rows_out = []
        groups = (("people, roles not known", ranked_people, lacking), ("roles known", ranked_roles, held_lacking))
        for name, answers, true in groups:
            for k in (10, 20, 50, 100):
                error, brier, share = calibration_error(answers, true, k)
                rows_out.append([name, str(k), f"{error:.3f}", f"{brier:.3f}", f"{share:.3f}"])
        print_table(["probability of the k best", "k", "ECE", "Brier", "right"], rows_out)
        print(
            f"roles known (what they ask for is ranked too): R@20 {interval(recall(ranked_roles, held_lacking))}, "
            f"nDCG@20 {interval(ndcg(ranked_roles, held_lacking))}"
        )
        for cut in (0.3, 0.5, 0.7):
            shown = [(s in true) for found, true in zip(ranked_people, lacking, strict=True) for s, p in found if p >= cut]
            right = f"{np.mean(shown):.2f} right" if shown else "none"
            print(f"  p >= {cut}: {len(shown) / len(people):.1f} per person, {right}")


def measure_cost() -> None:
    """Measure fit and 600 people in a process of its own, with all 3 007 occupations."""
    script = "from benchmarks.inference import run_once; run_once()"
    subprocess.run([sys.executable, "-c", script], check=True, cwd=Path(__file__).resolve().parent.parent)


def run_once() -> None:
    """Fit on all of ESCO and score 600 people, once; print seconds and peak memory."""
    rows = esco()
    people, _, _ = make_up(rows, 600, 0)
    texts()
    # Loading scikit-learn is no part of the fit.
    import_module("sklearn.isotonic")
    import_module("sklearn.feature_extraction.text")
    before = peak_mebibytes()
    loop = calibration()
    started, spent = time.perf_counter(), time.process_time()
    model = fit(rows)
    fitted = time.perf_counter()
    ranked = model.rank(people, 20)
    done, cpu = time.perf_counter(), time.process_time() - spent
    loop = (loop + calibration()) / 2
    peak = peak_mebibytes()
    print(
        f"{len(model.role_ids)} occupations x {len(model.concept_ids)} skills: fit {fitted - started:.1f} s, 600 people "
        f"{done - fitted:.1f} s ({sum(map(len, ranked))} proposals), together {done - started:.1f} s "
        f"(processor time {cpu:.1f} s, calibration loop {loop:.2f} s before and after); peak memory "
        f"{peak:.0f} MiB, of which {before:.0f} MiB before"
        if peak is not None and before is not None
        else f"fit {fitted - started:.1f} s, 600 people {done - fitted:.1f} s; memory is not told on this system"
    )


# ------------------------------------------------------------------------------------------- the example municipality


def _found(hits: Sequence[bool]) -> tuple[int, int, float]:
    return sum(hits), len(hits), sum(hits) / max(len(hits), 1)


def _without_roles(staff: Staff) -> Staff:
    """Return the staff as if no title had met a role."""

    def bare(shares: Sequence[RoleShare]) -> tuple[RoleShare, ...]:
        return tuple(replace(r, role_id=None) for r in shares)

    return staff.replace(
        people=tuple(replace(p, employments=tuple(replace(e, roles=bare(e.roles)) for e in p.employments)) for p in staff.people),
        posts=tuple(replace(post, roles=bare(post.roles)) for post in staff.posts),
    )


def measure_example(people: int = 2000, seed: int = 1) -> None:
    """Measure what the example municipality's planted competences are found as, by sex, and print 20 questions."""
    import competence as cp
    from competence.example import example_municipality, planted
    from competence.inference import infer_hidden, prompts
    from competence.model import ConceptKind, OptIn, Sex

    taxonomy = cp.Taxonomy.bundled("municipal")
    staff = cp.link_statements(example_municipality(people, seed), taxonomy)
    graph = cp.build_graph(staff, taxonomy)
    asked_of = {p: set(graph.required(p)) for p in graph.person_ids}
    never = (ConceptKind.LANGUAGE, ConceptKind.LICENCE, ConceptKind.GROUP)
    outside = sorted(
        {(t.person_id, t.concept_id) for t in planted(people, seed) if t.person_id in asked_of}
        - {(p, c) for p, asked in asked_of.items() for c in asked}
    )
    unused = {(p, h.concept_id) for p in graph.person_ids for h in graph.unused(p)}
    willing = {p.person_id for p in graph.people if p.opt_ins.prompts is OptIn.YES}
    print(f"example municipality, {people} people, seed {seed}")
    groups = {"women": {Sex.WOMAN}, "men": {Sex.MAN}, "total": set(Sex)}
    members = {name: {p for p in graph.person_ids if graph.sex[p] in sexes} for name, sexes in groups.items()}
    print_table(
        ["", "said yes to questions", "said outside of the role: found as unused"],
        [
            [
                name,
                f"{len(own & willing)} of {len(own)}",
                "{} of {} ({:.3f})".format(*_found([pair in unused for pair in outside if pair[0] in own])),
            ]
            for name, own in members.items()
        ],
    )
    said = set(outside)
    roleless = _without_roles(staff)
    # What is asked about and can be checked: (what it is, the files, what may be taken away).
    cases = (
        ("said outside of the role", staff, said & {(p, c) for p in willing for c in graph.concept_ids}),
        ("courses and earlier trades outside of it", staff, {pair for pair in unused if pair[0] in willing} - said),
        (
            "what the role asks for, with no role known",
            roleless,
            {(p, c) for p in willing for c in asked_of[p] if graph.holding(p, c) is not None},
        ),
    )
    rows = []
    for what, files, pairs in cases:
        able = sorted(pair for pair in pairs if taxonomy.concepts[pair[1]].kind not in never)
        # Half is taken away, with all evidence of it; it is to be found again.
        taken = {able[i] for i in np.flatnonzero(np.random.default_rng(seed).random(len(able)) < 0.5)}
        less = files.replace(evidence=tuple(e for e in files.evidence if (e.person_id, e.concept_id) not in taken))
        without = infer_hidden(cp.build_graph(less, taxonomy, linker=graph.linker))
        inferred = without.inferred
        if inferred is None:
            continue
        proposed = {
            (without.person_ids[r], without.concept_ids[c]): float(p)
            for r, c, p in zip(inferred.person, inferred.concept, inferred.probability, strict=True)
        }
        for name, own in members.items():
            gone = [pair for pair in taken if pair[0] in own]
            guessed = sorted(pair for pair in proposed if pair[0] in own)
            right = [pair in taken for pair in guessed]
            rows.append(
                [
                    what,
                    name,
                    str(len({p for p, _ in guessed})),
                    f"{sum(right)} of {len(gone)} ({sum(right) / max(len(gone), 1):.3f})",
                    "{} of {} ({:.3f})".format(*_found(right)),
                    f"{np.mean([proposed[pair] for pair in guessed]):.2f}" if guessed else "",
                ]
            )
    print("half of it taken away: is it asked about at the shipped cutoff?")
    print_table(["taken away", "", "people asked", "recall", "precision", "mean probability"], rows)
    whole = infer_hidden(graph)
    order = [p for p in sorted(willing) if (whole.inferred is not None and graph.row(p) in set(whole.inferred.person.tolist()))]
    shown = 0
    print("\n20 people drawn by seed 3, and the first question to each:")
    for i in np.random.default_rng(3).permutation(len(order)):
        for question in prompts(whole, order[i], n=1):
            held = ", ".join(graph.role(r).label() for r in graph.person_roles[graph.row(order[i])]) or "(no role linked)"
            shown += 1
            print(f"{shown:2}. {held}, p {question.proposal.probability:.2f}: {question}")
        if shown == 20:
            break


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--part", action="append", choices=("esco", "cost", "example"))
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    given = parser.parse_args()
    print(machine(), "|", versions("competence", "numpy", "scipy", "scikit-learn"), f"| calibration loop {calibration():.2f} s")
    for part in given.part or ("example", "esco", "cost"):
        if part == "example":
            measure_example()
        else:
            reference.folder()
            {"esco": lambda: measure_esco(given.seeds), "cost": measure_cost}[part]()
