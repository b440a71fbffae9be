"""Pairs and stable pairs beside SciPy, OR-Tools, networkx and the package ``matching``, on the same instance files.

    python benchmarks/pairs.py [--part dense sparse stable] [--env FOLDER]

``dense``: 2 000 x 2 000 with every pair allowed, whole numbers so that all count alike: uniform, ties everywhere, one
bottleneck competence (a tenth of the columns is worth much to everybody), nobody willing (all columns without room).
``sparse``: 60 000 people with 30 candidates each among 24 000 with room for 1 to 3. ``stable``: 1 000 x 1 000 and what
``matching`` manages below that, its recursion limit raised, then 60 000 people x 6 000 posts x 20 preferences for ours
alone. SciPy, OR-Tools and networkx run in one environment, ``matching`` in another, each peer in a process of its own.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

if __package__ in (None, ""):
    # Run as a file, so that one command is enough.
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

SOLVERS = ("numpy==2.4.6", "scipy==1.17.1", "ortools==9.15.6755", "networkx==3.6.1")
HOSPITALS = ("matching==1.4.3",)
KINDS = ("uniform", "ties", "bottleneck", "nobody")


# -- instances: every environment runs this ----------------------------------------------------------------------------------


def make_dense(kind: str, n: int, seed: int) -> dict[str, Any]:
    """Return an instance in which every pair is allowed, scores whole numbers of a million."""
    draw = np.random.default_rng(seed)
    score = draw.integers(0, 1_000_001, n * n)
    if kind == "ties":
        score[:] = 500_000
    elif kind == "bottleneck":
        score = score // 10 + 900_000 * (np.arange(n * n) % n < n // 10)
    return {
        "indptr": np.arange(n + 1) * n,
        "columns": np.tile(np.arange(n), n),
        "score": score,
        "room": np.zeros(n, dtype=np.int64) if kind == "nobody" else np.ones(n, dtype=np.int64),
    }


def make_sparse(kind: str, n: int, m: int, k: int, seed: int) -> dict[str, Any]:
    """Return n rows with k candidates each among m columns, some drawn twice and counted once, and room for 1 to 3."""
    draw = np.random.default_rng(seed)
    key = np.unique(np.repeat(np.arange(n), k) * m + draw.integers(0, m, n * k))
    score = draw.integers(0, 1_000_001, key.size)
    columns = key % m
    if kind == "ties":
        score[:] = 500_000
    elif kind == "bottleneck":
        score = score // 10 + 900_000 * (columns < m // 10)
    room = draw.integers(1, 4, m)
    return {
        "indptr": np.searchsorted(key // m, np.arange(n + 1)),
        "columns": columns,
        "score": score,
        "room": np.zeros_like(room) if kind == "nobody" else room,
    }


def make_stable(n: int, m: int, k: int, seed: int) -> dict[str, Any]:
    """Return n rows that rank k of m columns, and the columns' own order of them; room for all in the end."""
    draw = np.random.default_rng(seed)
    columns = np.concatenate([np.sort(draw.permutation(m)[:k]) for _ in range(n)])
    return {
        "indptr": np.arange(n + 1) * k,
        "columns": columns,
        "first": draw.permutation(n * k) + 1.0,
        "second": draw.permutation(n * k) + 1.0,
        "room": np.full(m, -(-n // m)),
    }


# -- the peers ---------------------------------------------------------------------------------------------------------------


def run_peer(path: Path, name: str) -> dict[str, Any]:
    """Solve with one peer; the clock runs from arrays to pairs."""
    data = dict(np.load(path))
    n, m = data["indptr"].size - 1, data["room"].size
    row = np.repeat(np.arange(n), np.diff(data["indptr"]))
    if name == "matching":
        return run_matching(data, row)
    column, score, room = data["columns"], data["score"], data["room"]
    started = time.perf_counter()
    if name == "SciPy dense":
        from scipy.optimize import linear_sum_assignment

        table = np.zeros((n, m))
        table[row, column] = score * (room[column] > 0)
        started = time.perf_counter()
        i, j = linear_sum_assignment(table, maximize=True)
        total = table[i, j].sum()
    elif name == "SciPy sparse":
        from scipy.sparse import csr_matrix
        from scipy.sparse.csgraph import min_weight_full_bipartite_matching

        started = time.perf_counter()
        # A copy of a column per place, a column of one's own for staying out; costs above 0, since a 0 is dropped.
        begin = np.concatenate([[0], np.cumsum(room)])
        copies = room[column]
        place = np.arange(copies.sum()) - np.repeat(np.cumsum(copies) - copies, copies) + np.repeat(begin[column], copies)
        top = float(score.max()) + 1.0
        rows = np.concatenate([np.repeat(row, copies), np.arange(n)])
        cost = np.concatenate([top - np.repeat(score, copies), np.full(n, top)])
        graph = csr_matrix((cost, (rows, np.concatenate([place, begin[-1] + np.arange(n)]))))
        i, j = min_weight_full_bipartite_matching(graph)
        total = top * n - np.asarray(graph[i, j]).sum()
    elif name == "OR-Tools flow":
        from ortools.graph.python import min_cost_flow

        started = time.perf_counter()
        flow = min_cost_flow.SimpleMinCostFlow()
        out = np.arange(n)
        tails = np.concatenate([row, out, n + np.arange(m)])
        heads = np.concatenate([n + column, np.full(n + m, n + m)])
        room_of = np.concatenate([np.ones(row.size + n, dtype=np.int64), room])
        flow.add_arcs_with_capacity_and_unit_cost(
            tails, heads, room_of, np.concatenate([-score, np.zeros(n + m, dtype=np.int64)])
        )
        flow.set_nodes_supplies(
            np.arange(n + m + 1), np.concatenate([np.ones(n, dtype=np.int64), np.zeros(m, dtype=np.int64), [-n]])
        )
        if flow.solve() != flow.OPTIMAL:
            raise SystemExit("no optimum")
        total = -flow.optimal_cost()
    else:
        import networkx as nx

        started = time.perf_counter()
        graph = nx.Graph()
        graph.add_weighted_edges_from(zip(row.tolist(), (n + column).tolist(), score.tolist(), strict=True))
        total = sum(graph[a][b]["weight"] for a, b in nx.max_weight_matching(graph))
    return {"seconds": time.perf_counter() - started, "total": float(total)}


def run_matching(data: dict[str, Any], row: np.ndarray) -> dict[str, Any]:
    """Solve with the package ``matching``, its recursion limit raised as its users are told to."""
    import threading
    import warnings

    from matching.games import HospitalResident  # type: ignore[import-not-found]

    warnings.simplefilter("ignore")
    column = data["columns"]
    sys.setrecursionlimit(10**7)
    threading.stack_size(512 * 2**20)
    out: dict[str, Any] = {}

    def solve() -> None:
        started = time.perf_counter()
        by_row, by_column = np.lexsort((-data["first"], row)), np.lexsort((-data["second"], column))
        residents: dict[int, list[int]] = {}
        hospitals: dict[int, list[int]] = {}
        for a in by_row:
            residents.setdefault(int(row[a]), []).append(int(column[a]))
        for a in by_column:
            hospitals.setdefault(int(column[a]), []).append(int(row[a]))
        game = HospitalResident.create_from_dictionaries(residents, hospitals, {c: int(data["room"][c]) for c in hospitals})
        answer = game.solve(optimal="resident")
        out["pairs"] = sorted([r.name, h.name] for h, held in answer.items() for r in held)
        out["seconds"] = time.perf_counter() - started

    worker = threading.Thread(target=solve)
    worker.start()
    worker.join()
    if "seconds" not in out:
        raise SystemExit("it did not finish")
    return out


# -- side by side ------------------------------------------------------------------------------------------------------------


def median(call: Callable[[], Any], repeats: int) -> tuple[float, Any]:
    """Return the median seconds of a call after one not counted, and its answer."""
    answer = call()
    times = []
    for _ in range(repeats):
        started = time.perf_counter()
        call()
        times.append(time.perf_counter() - started)
    return statistics.median(times), answer


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--part", nargs="+", choices=("dense", "sparse", "stable"), default=["dense", "sparse", "stable"])
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=list(KINDS))
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=5, help="runs of ours; a peer runs once per instance")
    parser.add_argument("--limit", type=float, default=120, help="seconds a peer may take per instance (default: 120)")
    parser.add_argument("--env", type=Path, help="folder for the peers' two environments, kept (default: a temporary one)")
    parser.add_argument("--peer", help=argparse.SUPPRESS)
    parser.add_argument("--instance", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.peer:
        print(json.dumps(run_peer(given.instance, given.peer)))
        return

    from scipy import sparse

    from benchmarks.measure import calibration, machine, print_table, versions
    from benchmarks.mentoring_peer import child, peer_python
    from competence.solve.assign import assign
    from competence.solve.stable import blocking_pairs, stable_match

    print(
        f"{machine()}; {versions('competence', 'numpy', 'scipy', 'numba')}; beside {', '.join(SOLVERS + HOSPITALS)}; "
        f"seed {given.seed}; calibration {calibration():.3f} s"
    )
    rows: list[list[str]] = []

    def add(row: list[str]) -> None:
        """Keep a row for the table, and say it at once: a run takes many minutes."""
        rows.append(row)
        print(" | ".join(row), file=sys.stderr, flush=True)

    def table(data: dict[str, Any], values: str) -> Any:
        shape = (data["indptr"].size - 1, data["room"].size)
        return sparse.csr_array((data[values].astype(float), data["columns"].astype(np.int32), data["indptr"]), shape=shape)

    with tempfile.TemporaryDirectory() as temporary:
        envs = given.env or Path(temporary) / "envs"
        envs.mkdir(parents=True, exist_ok=True)
        path = Path(temporary) / "instance.npz"
        cases: list[tuple[str, dict[str, Any], tuple[str, ...]]] = []
        solvers = peer_python(envs / "pairs", SOLVERS)
        if "dense" in given.part:
            cases += [
                (f"200 dense, {k}", make_dense(k, 200, given.seed), ("SciPy dense", "networkx"))
                for k in given.kinds
                if k != "nobody"
            ]
            peers = ("SciPy dense", "SciPy sparse", "OR-Tools flow")
            cases += [(f"2 000 dense, {k}", make_dense(k, 2000, given.seed), peers) for k in given.kinds]
        if "sparse" in given.part:
            peers = ("SciPy sparse", "OR-Tools flow")
            cases += [(f"60 000 x 30, {k}", make_sparse(k, 60_000, 24_000, 30, given.seed), peers) for k in given.kinds]
        for label, data, peers in cases:
            np.savez(path, **data)
            score, room = table(data, "score"), data["room"]
            seconds, plan = median(lambda score=score, room=room: assign(score, 1, room), given.repeats)  # type: ignore[misc]
            value, outcome = plan.outcome.objective, plan.outcome
            what = f"{outcome.status.value}, {len(plan.pairs)} pairs, {outcome.steps} steps"
            add([label, "competence, score", f"{seconds:.3f}", "1", what])
            more, most = median(lambda score=score, room=room: assign(score, 1, room, objective="most_pairs"), 1)  # type: ignore[misc]
            add([label, "competence, most_pairs", f"{more:.3f}", "", f"{most.outcome.status.value}, {len(most.pairs)} pairs"])
            for name in peers if solvers else ():
                done = child(solvers, __file__, "--peer", name, "--instance", str(path), limit=given.limit)
                if isinstance(done, str):
                    add([label, name, "", "", done])
                else:
                    same = (
                        "same total"
                        if abs(done["total"] - value) <= 1e-9 * max(1.0, value)
                        else f"total {done['total'] - value:+.6g}"
                    )
                    add([label, name, f"{done['seconds']:.3f}", f"{done['seconds'] / seconds:.2f}", same])
        if "stable" in given.part:
            hospitals = peer_python(envs / "matching", HOSPITALS)
            for n, m, k in ((200, 200, 78), (400, 400, 156), (1000, 1000, 390), (60_000, 6000, 20)):
                data = make_stable(n, m, k, given.seed)
                np.savez(path, **data)
                first, second, room = table(data, "first"), table(data, "second"), data["room"]
                seconds, plan = median(
                    lambda first=first, second=second, room=room: stable_match(first, second, room),  # type: ignore[misc]
                    given.repeats,
                )
                blocks = len(blocking_pairs(first, second, plan.pairs, room))
                label = f"stable {n} x {m} x {k}"
                add([label, "competence", f"{seconds:.4f}", "1", f"{len(plan.pairs)} pairs, {blocks} blocking"])
                if hospitals and n <= 1000:
                    done = child(hospitals, __file__, "--peer", "matching", "--instance", str(path), limit=given.limit * 5)
                    if isinstance(done, str):
                        add([label, "matching", "", "", done])
                    else:
                        same = "same pairs" if done["pairs"] == plan.pairs.tolist() else "OTHER PAIRS"
                        add([label, "matching", f"{done['seconds']:.2f}", f"{done['seconds'] / seconds:.0f}", same])
    print_table(["instance", "program", "seconds", "times ours", "what came"], rows)


if __name__ == "__main__":
    main()
