"""Moves between ESCO occupations beside what a crowd thought of them.

    COMPETENCE_DATA=<folder> python benchmarks/transitions.py [--curve]

``score(pairs)`` is the product's coverage of moves given as labels. It learns from ESCO alone; the crowd's judgements are
only compared with it. ``--curve`` fits the constants of ``competence.transitions.feasibility_of`` again.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

if __package__ in (None, ""):
    # Run as a file, so that one command is enough.
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import reference
from benchmarks.measure import calibration, machine, peak_mebibytes, print_table, versions
from competence.errors import InputError, UnknownIdError
from competence.linking import Linker
from competence.model import Importance, Role
from competence.settings import Settings
from competence.taxonomy import Taxonomy
from competence.transitions import CURVE_COVERAGE, CURVE_FEASIBLE, feasibility_of, find_role, transition

FEASIBLE = 2.5
"""Mean judgement, of 5, from which a move counts as feasible (Nesta's own line)."""
RESAMPLES = 2000
SEED = 0


@cache
def esco() -> Taxonomy:
    """Return ESCO in English."""
    return Taxonomy.read(reference.folder() / "esco-1.1.1-en", langs=("en",))


@cache
def _titles() -> Linker:
    """Return a linker of the occupations alone: made only when a label is not in ESCO as it stands."""
    bare = [replace(role, requirements=()) for role in esco().roles.values()]
    return Linker.fit(Taxonomy.of([], bare, id="occupations"))


def resolved(label: str) -> Role | None:
    """Return the occupation a label names: by its labels first, else by the linker; None where neither knows it."""
    try:
        return find_role(esco(), label)
    except UnknownIdError:
        pass
    try:
        return esco().roles[find_role(_titles().taxonomy, label, linker=_titles()).role_id]
    except UnknownIdError:
        return None


def score(pairs: Sequence[tuple[str, str]]) -> list[float]:
    """Return the coverage of each move (origin label, destination label); 0.0 where a label names no occupation.

    Labels that name none are told on standard error.
    """
    return [_scored(pair, Settings()) for pair in pairs]


def _scored(pair: tuple[str, str], settings: Settings) -> float:
    origin, destination = (resolved(label) for label in pair)
    for label, role in zip(pair, (origin, destination), strict=True):
        if role is None:
            print(f"not understood, scored 0.0: {label}", file=sys.stderr)
    if origin is None or destination is None:
        return 0.0
    try:
        return transition(esco(), origin.role_id, destination.role_id, settings=settings).coverage
    except InputError as error:
        print(f"scored 0.0: {error}", file=sys.stderr)
        return 0.0


# ---------------------------------------------------------------- what it is compared with


def _words(label: str) -> set[str]:
    return set(label.casefold().replace("/", " ").replace("-", " ").split())


def title_overlap(pair: tuple[str, str]) -> float:
    """Return the Jaccard index of the words of two titles."""
    a, b = map(_words, pair)
    return len(a & b) / len(a | b)


def _asked(label: str, *, essential: bool) -> set[str]:
    role = resolved(label)
    found = role.requirements if role else ()
    return {r.concept_id for r in found if not essential or r.importance is Importance.ESSENTIAL}


def jaccard(pair: tuple[str, str]) -> float:
    """Return the Jaccard index of all that two occupations ask for."""
    a, b = (_asked(label, essential=False) for label in pair)
    return len(a & b) / len(a | b) if a | b else 0.0


def plain_coverage(pair: tuple[str, str]) -> float:
    """Return the share of what the destination needs that the origin asks for too, every one counting alike."""
    given, needed = _asked(pair[0], essential=False), _asked(pair[1], essential=True)
    return len(given & needed) / len(needed) if needed else 0.0


# ---------------------------------------------------------------- figures


def auc(values: NDArray[np.float64], positive: NDArray[np.bool_]) -> float:
    """Return the chance that a feasible move scores higher than one that is not, ties counting half."""
    from scipy.stats import rankdata

    ranks = rankdata(values)
    n = int(positive.sum())
    return float((ranks[positive].sum() - n * (n + 1) / 2) / (n * (len(values) - n)))


def spearman(values: NDArray[np.float64], rating: NDArray[np.float64]) -> float:
    """Return Spearman's rank correlation."""
    from scipy.stats import rankdata

    return float(np.corrcoef(rankdata(values), rankdata(rating))[0, 1])


def interval(measure: Callable[[NDArray[np.int64]], float], n: int, seed: int = SEED) -> tuple[float, float]:
    """Return the 95 % percentile interval of a measure over resampled pairs; one that cannot be measured is drawn again."""
    rng = np.random.default_rng(seed)
    found: list[float] = []
    while len(found) < RESAMPLES:
        with np.errstate(invalid="ignore", divide="ignore"):
            try:
                value = measure(rng.integers(0, n, n))
            except ZeroDivisionError:
                continue
        if np.isfinite(value):
            found.append(value)
    low, high = np.quantile(found, [0.025, 0.975])
    return float(low), float(high)


def development_pairs() -> tuple[list[tuple[str, str]], NDArray[np.float64]]:
    """Return the judged moves, and their mean judgement: nan where it is only known to be at most 2."""
    read = reference.rows("eval", "nesta_pairs_dev.csv.gz")
    judged = [r["crowd_feasibility_mean_1_5_blank_means_le_2"] for r in read]
    return [(r["origin_label"], r["destination_label"]) for r in read], np.array([float(j) if j else np.nan for j in judged])


def curve() -> tuple[list[float], float]:
    """Fit the feasibility curve on the points of the crowd and read it at the knots; also its Spearman correlation."""
    from sklearn.isotonic import IsotonicRegression

    points = reference.rows("nesta", "similarity_vs_crowd_feasibility_points.csv.gz")
    overlap = np.array([float(p["sim_optional_skills"]) for p in points])
    judged = np.array([float(p["crowd_feasibility_mean_1_5"]) for p in points])
    fitted = IsotonicRegression(y_min=0, y_max=1, out_of_bounds="clip").fit(overlap, (judged >= FEASIBLE).astype(float))
    return [round(float(v), 3) for v in fitted.predict(np.array(CURVE_COVERAGE))], spearman(overlap, judged)


def _measured(values: NDArray[np.float64], positive: NDArray[np.bool_], judged: NDArray[np.float64]) -> tuple[str, str]:
    """Return AUC over all moves and Spearman over the rated ones, each with its interval."""
    rated = ~np.isnan(judged)
    mine, known = values[rated], judged[rated]
    area = interval(lambda k: auc(values[k], positive[k]), len(values))
    rank = interval(lambda k: spearman(mine[k], known[k]), len(mine))
    return (
        f"{auc(values, positive):.3f} ({area[0]:.3f}-{area[1]:.3f})",
        f"{spearman(mine, known):.3f} ({rank[0]:.3f}-{rank[1]:.3f})",
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--curve", action="store_true", help="fit the curve from coverage to feasibility again")
    options = parser.parse_args()
    print(machine())
    print(versions("competence", "numpy", "scipy", "scikit-learn"))
    print(f"calibration {calibration():.3f} s, {RESAMPLES} resamples with seed {SEED}")
    if options.curve:
        fitted, rank = curve()
        print(f"Spearman of the points {rank:.3f}; fitted: {fitted}")
        print("as shipped" if fitted == list(CURVE_FEASIBLE) else f"shipped: {list(CURVE_FEASIBLE)}")
        return
    pairs, judged = development_pairs()
    rated = ~np.isnan(judged)
    positive = np.nan_to_num(judged, nan=0.0) >= FEASIBLE
    started = time.perf_counter()
    esco()
    read = time.perf_counter() - started
    started = time.perf_counter()
    own = np.array(score(pairs))
    took = time.perf_counter() - started
    again = np.array(score(pairs))
    same = Settings.of({"transition": {"likeness_cutoff": 1.0}, "fit": {"related_credit": 0.0}})
    rows = {
        "transition (ours)": own,
        "ours, same concepts only": np.array([_scored(p, same) for p in pairs]),
        "share of essential skills": np.array([plain_coverage(p) for p in pairs]),
        "Jaccard of all skills": np.array([jaccard(p) for p in pairs]),
        "overlap of titles": np.array([title_overlap(p) for p in pairs]),
    }
    print(f"{len(pairs)} moves, {int(positive.sum())} feasible, {int(rated.sum())} with a mean judgement")
    print(
        f"ESCO read in {read:.1f} s, scored in {took:.1f} s, peak {peak_mebibytes() or 0:.0f} MiB, equal when run again: ", end=""
    )
    print("yes" if np.array_equal(own, again) else "NO")
    table = [[name, *_measured(values, positive, judged)] for name, values in rows.items()]
    print_table(["score", "AUC, all", "Spearman, rated"], table)
    said = np.array([feasibility_of(v) for v in own])
    print(f"feasibility read off the curve: mean {said.mean():.3f}, feasible {positive.mean():.3f}; ", end="")
    print(f"Brier {np.mean((said - positive) ** 2):.3f}, of always saying the mean {positive.mean() * (1 - positive.mean()):.3f}")


if __name__ == "__main__":
    main()
