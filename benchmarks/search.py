"""The best people for a need, out of many: posting lists beside pandas, DuckDB, SciPy and sparse_dot_topn.

    python benchmarks/search.py [--people 60000 1200000] [--roles 2000] [--env FOLDER]

People hold 25 concepts on average out of 14 000, as unevenly as words in a text (Zipf), at level 1 to 5; a role asks
for 12 concepts, drawn less unevenly. Each peer gives the 50 best of one role, or the 10 best of each role, from its
own best form of the same data, made before the clock starts. pandas, DuckDB and sparse_dot_topn run in an environment
and processes of their own; every answer is compared with a plain scan of everybody. sparse_dot_topn and SciPy's
products need a dot product: a level is written as steps (a column per concept and level), which gives the same
numbers.
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

PEERS = ("numpy==2.4.6", "scipy==1.17.1", "pandas==3.1.1", "duckdb==2.0.1", "sparse-dot-topn==1.2.0")
CONCEPTS, ASKED, ONE, EACH = 14_000, 12, 50, 10


# -- the instance: both environments run this --------------------------------------------------------------------------------


def make_instance(people: int, roles: int, seed: int) -> dict[str, Any]:
    """Return who holds what at which level by concept, and the needs."""
    draw = np.random.default_rng(seed)
    chance = 1.0 / np.arange(1, CONCEPTS + 1) ** 0.8
    chance /= chance.sum()
    drawn = draw.choice(CONCEPTS, size=people * 27, p=chance)
    key = np.unique(drawn * np.int64(people) + np.repeat(np.arange(people, dtype=np.int64), 27))
    held = (key % people).astype(np.int32)
    indptr = np.searchsorted(key // people, np.arange(CONCEPTS + 1)).astype(np.int64)
    # What roles ask for is less common than what people say: a role reads about 0.9 per cent of what is held.
    rarer = chance**0.72 / (chance**0.72).sum()
    needs = np.array([draw.choice(CONCEPTS, size=ASKED, replace=False, p=rarer) for _ in range(roles)], dtype=np.int64)
    return {
        "people": people,
        "indptr": indptr,
        "held": held,
        "levels": draw.integers(1, 6, held.size).astype(np.uint8),
        "concepts": needs,
        "weights": draw.integers(1, 5, needs.shape) / 4,
        "wanted": draw.integers(1, 6, needs.shape),
    }


def scan(data: dict[str, Any], role: int) -> np.ndarray:
    """Return everybody's fit to a role, by going through all that everybody holds."""
    weight = np.zeros(CONCEPTS)
    level = np.ones(CONCEPTS)
    weight[data["concepts"][role]] = data["weights"][role] / data["weights"][role].sum()
    level[data["concepts"][role]] = data["wanted"][role]
    concept = np.repeat(np.arange(CONCEPTS), np.diff(data["indptr"]))
    part = weight[concept] * np.minimum(data["levels"] / level[concept], 1.0)
    return np.bincount(data["held"], weights=part, minlength=int(data["people"]))


def timed(call: Callable[[int], Any], roles: range) -> tuple[float, Any]:
    """Return the median seconds of a call per role, after one not counted, and the first role's answer."""
    first = call(roles[0])
    times = []
    for k in roles:
        started = time.perf_counter()
        call(k)
        times.append(time.perf_counter() - started)
    return statistics.median(times), first


def run_peer(path: Path, name: str, repeats: int) -> dict[str, Any]:
    """Answer with one peer; ``scores`` are the first role's, best first."""
    from scipy import sparse

    data = dict(np.load(path))
    people, asked, weights, wanted = int(data["people"]), data["concepts"], data["weights"], data["wanted"]
    concept = np.repeat(np.arange(CONCEPTS), np.diff(data["indptr"]))
    roles = range(min(repeats, len(asked)))
    if name == "pandas":
        import pandas as pd

        table = pd.DataFrame(
            {"person": data["held"], "level": data["levels"].astype(float)}, index=pd.Index(concept, name="concept")
        )

        def call(k: int) -> Any:
            need = pd.DataFrame({"concept": asked[k], "weight": weights[k], "wanted": wanted[k]})
            found = need.merge(table, left_on="concept", right_index=True)
            part = found["weight"] * (found["level"] / found["wanted"]).clip(upper=1.0) / weights[k].sum()
            return part.groupby(found["person"]).sum().nlargest(ONE).to_numpy()
    elif name == "DuckDB":
        import duckdb
        import pandas as pd

        link = duckdb.connect()
        link.execute("SET threads TO 2")
        source = {"concept": concept.astype(np.int32), "person": data["held"], "level": data["levels"].astype(np.int32)}
        link.register("source", pd.DataFrame(source))
        link.execute("CREATE TABLE held AS SELECT * FROM source ORDER BY concept")
        link.execute("CREATE TABLE need (concept INT, weight DOUBLE, wanted INT)")

        def call(k: int) -> Any:
            link.execute("DELETE FROM need")
            rows = ", ".join(
                f"({c}, {float(w / weights[k].sum())!r}, {v})"
                for c, w, v in zip(*(x[k].tolist() for x in (asked, weights, wanted)), strict=True)
            )
            link.execute(f"INSERT INTO need VALUES {rows}")
            query = (
                "SELECT sum(weight * least(level * 1.0 / wanted, 1.0)) AS fit FROM held JOIN need USING (concept) "
                f"GROUP BY person ORDER BY fit DESC LIMIT {ONE}"
            )
            return np.array([row[0] for row in link.execute(query).fetchall()])
    elif name == "SciPy columns":
        columns = sparse.csc_array((data["levels"].astype(float), data["held"], data["indptr"]), shape=(people, CONCEPTS))

        def call(k: int) -> Any:
            part = columns[:, asked[k]]
            part.data = np.minimum(part.data, np.repeat(wanted[k], np.diff(part.indptr)))
            fit = part @ (weights[k] / wanted[k] / weights[k].sum())
            return np.sort(np.partition(fit, people - ONE)[people - ONE :])[::-1]
    else:
        import sparse_dot_topn

        # Column (concept, step) is 1 where the level reaches the step: min(level, L) is then a sum of L columns.
        steps = np.repeat(data["levels"].astype(np.int64), data["levels"])
        first = np.repeat(np.concatenate([[0], np.cumsum(data["levels"].astype(np.int64))[:-1]]), data["levels"])
        column = np.repeat(concept, data["levels"]) * 5 + (np.arange(steps.size) - first)
        held = sparse.csr_matrix(
            (np.ones(steps.size), (column, np.repeat(data["held"], data["levels"]))), shape=(5 * CONCEPTS, people)
        )
        per = weights / wanted / weights.sum(axis=1, keepdims=True)
        rows = np.repeat(np.arange(asked.size) // ASKED, wanted.ravel())
        begin = np.repeat(np.concatenate([[0], np.cumsum(wanted.ravel())[:-1]]), wanted.ravel())
        cells = np.repeat(asked.ravel(), wanted.ravel()) * 5 + np.arange(begin.size) - begin
        needs = sparse.csr_matrix((np.repeat(per.ravel(), wanted.ravel()), (rows, cells)), shape=(len(asked), 5 * CONCEPTS))
        seconds = []
        for _ in range(3):
            started = time.perf_counter()
            answer = sparse_dot_topn.sp_matmul_topn(needs, held, top_n=EACH, sort=True, n_threads=2)
            seconds.append(time.perf_counter() - started)
        return {"seconds": statistics.median(seconds) / len(asked), "scores": answer[[0]].data.tolist()}
    seconds_each, scores = timed(call, roles)
    return {"seconds": seconds_each, "scores": list(map(float, scores))}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, nargs="+", default=[60_000, 1_200_000])
    parser.add_argument("--roles", type=int, default=2000, help="roles of the batch; a tenth of it above 200 000 people")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=50, help="roles asked one by one")
    parser.add_argument("--env", type=Path, help="folder of the peers' environment, kept (default: a temporary one)")
    parser.add_argument("--peer", help=argparse.SUPPRESS)
    parser.add_argument("--instance", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.peer:
        print(json.dumps(run_peer(given.instance, given.peer, given.repeats)))
        return

    from benchmarks.measure import calibration, machine, print_table, versions
    from benchmarks.mentoring_peer import child, peer_python
    from competence.solve.top import Postings, top, top_many

    print(
        f"{machine()}; {versions('competence', 'numpy', 'numba')}; beside {', '.join(PEERS)}; seed {given.seed}; "
        f"calibration {calibration():.3f} s"
    )
    rows: list[list[str]] = []

    def add(row: list[str]) -> None:
        """Keep a row for the table, and say it at once: a run takes many minutes."""
        rows.append(row)
        print(" | ".join(row), file=sys.stderr, flush=True)

    with tempfile.TemporaryDirectory() as temporary:
        python = peer_python(given.env or Path(temporary) / "env", PEERS)
        for people in given.people:
            roles = given.roles if people <= 200_000 else max(1, given.roles // 10)
            data = make_instance(people, roles, given.seed)
            path = Path(temporary) / f"{people}.npz"
            np.savez(path, **data)
            lists = Postings.build(data["indptr"], data["held"], data["levels"], people)
            needs = list(zip(data["concepts"], data["weights"], data["wanted"], strict=True))
            one, _ = timed(lambda k, lists=lists, needs=needs: top(lists, *needs[k], ONE), range(min(given.repeats, roles)))  # type: ignore[misc]
            times, work = [], []
            for _ in range(9):
                started, worked = time.perf_counter(), time.process_time()
                answers = top_many(lists, needs, EACH)
                times.append(time.perf_counter() - started)
                work.append(time.process_time() - worked)
            batch = statistics.median(times) / roles
            same = 0
            checked = range(min(20, roles))
            for k in checked:
                plain = np.round(scan(data, k), 9)
                order = np.lexsort((np.arange(people), -plain))
                for count, (who, scores) in ((ONE, top(lists, *needs[k], ONE)), (EACH, answers[k])):
                    expected = order[:count][plain[order[:count]] > 0]
                    # The same people in the same order, ties by position; the last digits of the plain sums are noise.
                    same += np.array_equal(who, expected) and np.allclose(scores, plain[expected], rtol=0, atol=1e-9)
            add([str(people), "competence, one role", f"{one * 1e3:.3f}", "1", f"{same} of {2 * len(checked)} as the scan"])
            add(
                [
                    str(people),
                    f"competence, {roles} roles, each",
                    f"{batch * 1e3:.4f}",
                    "1",
                    f"processor {statistics.median(work) / roles * 1e3:.4f}",
                ]
            )
            for name in ("pandas", "DuckDB", "SciPy columns", "sparse_dot_topn") if python else ():
                done = child(
                    python, __file__, "--peer", name, "--instance", str(path), "--repeats", str(given.repeats), limit=1200
                )
                if isinstance(done, str):
                    add([str(people), name, "", "", done])
                    continue
                best = np.sort(scan(data, 0))[::-1][: len(done["scores"])]
                ours = batch if name == "sparse_dot_topn" else one
                note = "same scores" if np.allclose(best, done["scores"], atol=1e-9) else "OTHER SCORES"
                add([str(people), name, f"{done['seconds'] * 1e3:.3f}", f"{done['seconds'] / ours:.1f}", note])
    print_table(["people", "program", "ms per role", "times ours", "what came"], rows)


if __name__ == "__main__":
    main()
