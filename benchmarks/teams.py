"""Teams of 40 to 60 000 people: what is proven, what is broken, beside plain greedy, random, anticlustering and two solvers.

Every method runs in a process of its own on the same instance file, and every plan is checked here, by code that
shares nothing with the library. The anticlustering is Spaeth's exchange heuristic (1986, Operations Research Spektrum
8: 35-37), as the R package anticlust describes it (Papenberg & Klau 2021, https://doi.org/10.1037/met0000301).
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Instance = dict[str, Any]

KINDS = ("plain", "women", "bottleneck", "ties", "weighted", "units")
METHODS = ("ours", "greedy", "random", "anticlustering", "cpsat", "highs")
BAND = (0.4, 0.6)


def make_instance(kind: str, n: int, seed: int) -> Instance:
    """Make people with 10 to 12 sparse competences, 70 to 80 % women, pairs together (n / 50) and apart (n / 20).

    ``women``: a pool of women only. ``bottleneck``: one competence that a quarter of the teams can have. ``ties``:
    everybody holds the same half. ``weighted``: weights and head counts of 1 to 3. ``units``: at most 2 of a unit.
    """
    rng = np.random.Generator(np.random.PCG64([n, seed]))
    k, size, women = 10 + seed % 3, 4 + seed % 4, (0.70, 0.75, 0.80)[seed % 3]
    chance = np.geomspace(0.06, 0.5, k)
    holds = rng.random((n, k)) < chance * 2.6 / chance.sum()
    if kind == "bottleneck":
        holds[:, 0] = False
        holds[rng.permutation(n)[: max(1, n // (4 * size))], 0] = True
    if kind == "ties":
        holds[:] = np.arange(k) % 2 == 0
    sex = np.where(rng.random(n) < women, 0, 1)
    sex[rng.random(n) < 0.02] = 2
    if kind == "women":
        sex[:] = 0
    order, joined, parted = rng.permutation(n), max(1, n // 50), max(1, n // 20)
    made: Instance = {
        "holds": holds,
        "sex": sex,
        "together": order[: 2 * joined].reshape(-1, 2),
        "apart": order[2 * joined : 2 * (joined + parted)].reshape(-1, 2),
        "units": rng.integers(0, max(3, n // 10), n),
        "limit": 2 if kind == "units" else 0,
        "size": size,
        "counts": np.ones(k, dtype=np.int64),
        "weights": np.ones(k),
    }
    if kind == "weighted":
        made["counts"], made["weights"] = rng.integers(1, 4, k), np.round(rng.random(k) + 0.1, 3)
    return made


def sizes_of(made: Instance) -> NDArray[np.int64]:
    """Return the sizes of round(people / size) teams."""
    n = len(made["sex"])
    teams = max(1, int(n / int(made["size"]) + 0.5))
    return np.array([n // teams + (t < n % teams) for t in range(teams)], dtype=np.int64)


def check(made: Instance, team: NDArray[np.int64]) -> dict[str, Any]:
    """Count what a plan covers, what it breaks and whom it leaves alone, person by person."""
    sizes = sizes_of(made)
    members: list[list[int]] = [[] for _ in sizes]
    for person, t in enumerate(team.tolist()):
        members[t].append(person)
    broken = sum(team[i] != team[j] for i, j in made["together"]) + sum(team[i] == team[j] for i, j in made["apart"])
    broken += sorted(map(len, members)) != sorted(sizes.tolist())
    share = made["weights"] / made["weights"].sum()
    cover, lone, in_band = [], 0, 0
    for people in members:
        if made["limit"]:
            units = made["units"][people]
            broken += sum(max(0, int((units == u).sum()) - int(made["limit"])) for u in set(units.tolist()))
        held = made["holds"][people].sum(axis=0)
        cover.append(float((np.minimum(held, made["counts"]) / made["counts"]) @ share))
        women, men = (int((made["sex"][people] == code).sum()) for code in (0, 1))
        lone += women == 1 or men == 1
        in_band += all(BAND[0] * len(people) - 1e-9 <= one <= BAND[1] * len(people) + 1e-9 for one in (women, men))
    return {
        "broken": int(broken),
        "worst": min(cover),
        "mean": statistics.fmean(cover),
        "lone": int(lone),
        "in_band": int(in_band),
    }


# -- the methods -------------------------------------------------------------------------------------------------------------


def run_ours(made: Instance, balance: str, seed: int, limit: float) -> tuple[NDArray[np.int64], dict[str, Any]]:
    from competence.solve.teams import partition

    def call(what: Instance) -> Any:
        return partition(
            what["holds"],
            what["counts"],
            what["weights"],
            what["sex"],
            size=int(what["size"]),
            together=what["together"].tolist(),
            apart=what["apart"].tolist(),
            at_most=(what["units"], int(what["limit"])) if what["limit"] else None,
            balance=balance,
            seed=seed,
        )

    # Compiled, or fetched from the cache, before the clock starts: a service does so when it starts.
    call(make_instance("units", 40, 0))
    began, cpu = time.perf_counter(), time.process_time()
    plan = call(made)
    seconds, used = time.perf_counter() - began, time.process_time() - cpu
    team = np.empty(len(made["sex"]), dtype=np.int64)
    stage1 = team.copy()
    for into, stage in ((team, plan.stage2), (stage1, plan.stage1)):
        for t, people in enumerate(stage):
            into[list(people)] = t
    return team, {
        "seconds": seconds,
        "cpu": used,
        "first": check(made, stage1),
        "levels1": [[level.value, level.bound] for level in plan.levels1],
        "levels2": [[level.name, level.value, level.bound] for level in plan.levels2],
        "proven1": all(level.proven for level in plan.levels1),
        "proven2": all(level.proven for level in plan.levels2),
        "steps": [plan.outcome1.steps, plan.outcome2.steps],
        "gap": plan.outcome1.gap,
    }


def run_random(made: Instance, balance: str, seed: int, limit: float) -> tuple[NDArray[np.int64], dict[str, Any]]:
    seats = np.repeat(np.arange(sizes_of(made).size), sizes_of(made))
    return np.random.Generator(np.random.PCG64(seed)).permutation(seats), {}


def run_greedy(made: Instance, balance: str, seed: int, limit: float) -> tuple[NDArray[np.int64], dict[str, Any]]:
    """Put those who hold most first, each where they add most, into the weakest of such teams, keeping the pairs."""
    sizes, holds, counts = sizes_of(made), made["holds"].astype(np.int64), made["counts"]
    share = made["weights"] / made["weights"].sum() / counts
    room, held = sizes.copy(), np.zeros((sizes.size, counts.size), dtype=np.int64)
    team = np.full(len(holds), -1)
    partner = {int(a): int(b) for i, j in made["together"] for a, b in ((i, j), (j, i))}
    foes = {int(a): int(b) for i, j in made["apart"] for a, b in ((i, j), (j, i))}
    for person in np.argsort(-holds.sum(axis=1), kind="stable").tolist():
        if team[person] >= 0:
            continue
        group = [person] + ([partner[person]] if person in partner else [])
        cover = np.minimum(held, counts) @ share
        gain = np.minimum(held + holds[group].sum(axis=0), counts) @ share - cover
        allowed = room >= len(group)
        if person in foes and team[foes[person]] >= 0:
            allowed[team[foes[person]]] = False
        if not allowed.any():
            group, allowed = [person], room > 0
        chosen = int(np.lexsort((cover, -np.where(allowed, gain, -np.inf)))[0])
        team[group] = chosen
        held[chosen] += holds[group].sum(axis=0)
        room[chosen] -= len(group)
    return team, {}


def run_anticlustering(made: Instance, balance: str, seed: int, limit: float) -> tuple[NDArray[np.int64], dict[str, Any]]:
    """Exchange each person for whoever brings the teams' means nearest to the pool's; 100 partners each beyond 5 000."""
    rng = np.random.Generator(np.random.PCG64(seed))
    team, sizes = run_random(made, balance, seed, limit)[0], sizes_of(made)
    values = np.column_stack([made["holds"], made["sex"] == 0, made["sex"] == 1]).astype(float)
    values = values[:, values.std(axis=0) > 0]
    values = (values - values.mean(axis=0)) / values.std(axis=0)
    total = np.zeros((sizes.size, values.shape[1]))
    np.add.at(total, team, values)
    n = len(team)
    for person in range(n):
        others = np.arange(n) if n <= 5000 else rng.integers(0, n, 100)
        here, there = team[person], team[others]
        change = values[others] - values[person]
        away = ((total[here] + change) ** 2).sum(axis=1) / sizes[here] - (total[here] ** 2).sum() / sizes[here]
        away += (((total[there] - change) ** 2).sum(axis=1) - (total[there] ** 2).sum(axis=1)) / sizes[there]
        away[there == here] = 0.0
        at = int(np.argmin(away))
        if away[at] < -1e-9:
            other = int(others[at])
            total[here] += change[at]
            total[team[other]] -= change[at]
            team[person], team[other] = team[other], here
    return team, {}


def _kinds(made: Instance) -> tuple[NDArray[np.bool_], list[NDArray[np.int64]], dict[int, int]]:
    """Return kinds of people who are alike, the people of each, and the kind of whoever is in a pair."""
    n = len(made["sex"])
    unlike = np.zeros(n, dtype=np.int64)
    paired = np.unique(np.concatenate([made["together"].ravel(), made["apart"].ravel()]))
    unlike[paired] = np.arange(1, paired.size + 1)
    label = np.column_stack([made["holds"], unlike, made["units"] if made["limit"] else np.zeros(n, dtype=np.int64)])
    _, first, kind = np.unique(label, axis=0, return_index=True, return_inverse=True)
    people = [np.flatnonzero(kind.ravel() == c) for c in range(len(first))]
    return made["holds"][first], people, {int(p): int(kind.ravel()[p]) for p in paired}


def _plan(people: list[NDArray[np.int64]], number: NDArray[np.int64], n: int) -> NDArray[np.int64]:
    team = np.empty(n, dtype=np.int64)
    for who, row in zip(people, number, strict=True):
        team[who] = np.repeat(np.arange(row.size), row)
    return team


def run_cpsat(made: Instance, balance: str, seed: int, limit: float) -> tuple[NDArray[np.int64] | None, dict[str, Any]]:
    """Stage 1 in whole numbers, worst team before sum; teams of one size ordered by coverage."""
    from ortools.sat.python import cp_model

    holds, people, where = _kinds(made)
    sizes, counts = sizes_of(made), made["counts"]
    alike = counts.max() == 1 and np.ptp(made["weights"]) == 0
    worth = np.ones(counts.size) if alike else np.rint(1e6 * made["weights"] / made["weights"].sum() / counts)
    model = cp_model.CpModel()
    x = [[model.new_int_var(0, min(len(p), int(s)), "") for s in sizes] for p in people]
    h = [[model.new_int_var(0, int(c), "") for _ in sizes] for c in counts]
    most = int(worth @ counts)
    cover = [model.new_int_var(0, most, "") for _ in sizes]
    worst = model.new_int_var(0, most, "")
    for c, who in enumerate(people):
        model.add(sum(x[c]) == len(who))
    for t, size in enumerate(sizes.tolist()):
        model.add(sum(row[t] for row in x) == size)
        for k in range(counts.size):
            model.add(h[k][t] <= sum(x[c][t] for c in range(len(people)) if holds[c, k]))
        model.add(cover[t] == sum(int(worth[k]) * h[k][t] for k in range(counts.size)))
        model.add(worst <= cover[t])
        for i, j in made["together"].tolist():
            model.add(x[where[i]][t] == x[where[j]][t])
        for i, j in made["apart"].tolist():
            model.add(x[where[i]][t] + x[where[j]][t] <= 1)
        if made["limit"]:
            unit = np.array([made["units"][who[0]] for who in people])
            for u in np.unique(unit).tolist():
                model.add(sum(x[c][t] for c in np.flatnonzero(unit == u).tolist()) <= int(made["limit"]))
        if t and sizes[t] == sizes[t - 1]:
            model.add(cover[t] <= cover[t - 1])
    model.maximize(worst * (most * sizes.size + 1) + sum(cover))
    solver = cp_model.CpSolver()
    solver.parameters.max_time_in_seconds = limit
    solver.parameters.num_workers = 2
    solver.parameters.random_seed = seed
    status = solver.solve(model)
    told = {"status": solver.status_name(status).lower(), "proven1": status == cp_model.OPTIMAL}
    if status not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
        return None, told
    return _plan(people, np.array([[solver.value(v) for v in row] for row in x]), len(made["sex"])), told


def run_highs(made: Instance, balance: str, seed: int, limit: float) -> tuple[NDArray[np.int64] | None, dict[str, Any]]:
    """Solve the same model by SciPy's HiGHS, worst team before sum in one objective."""
    from scipy import sparse
    from scipy.optimize import Bounds, LinearConstraint, milp

    holds, people, where = _kinds(made)
    sizes, counts = sizes_of(made), made["counts"]
    c, t, k = len(people), sizes.size, counts.size
    share = made["weights"] / made["weights"].sum() / counts
    x, h = np.arange(c * t).reshape(c, t), c * t + np.arange(k * t).reshape(k, t)
    width = (c + k) * t + 1
    row: list[NDArray[np.int64]] = []
    column: list[NDArray[np.int64]] = []
    value: list[NDArray[np.float64]] = []
    low: list[float] = []
    high: list[float] = []

    def add(columns: Any, values: Any, least: float, most: float) -> None:
        row.append(np.full(len(columns), len(low)))
        column.append(np.asarray(columns))
        value.append(np.asarray(values, dtype=float))
        low.append(least)
        high.append(most)

    for at, who in enumerate(people):
        add(x[at], np.ones(t), len(who), len(who))
    unit = np.array([made["units"][who[0]] for who in people])
    for team, size in enumerate(sizes.tolist()):
        add(x[:, team], np.ones(c), size, size)
        for item in range(k):
            holders = np.flatnonzero(holds[:, item])
            add([*x[holders, team], h[item, team]], [-1.0] * holders.size + [1.0], -np.inf, 0)
        add([*h[:, team], width - 1], [*share, -1.0], 0, np.inf)
        for i, j in made["together"].tolist():
            add([x[where[i], team], x[where[j], team]], [1, -1], 0, 0)
        for i, j in made["apart"].tolist():
            add([x[where[i], team], x[where[j], team]], [1, 1], -np.inf, 1)
        if made["limit"]:
            for u in np.unique(unit).tolist():
                add(x[unit == u, team], np.ones(int((unit == u).sum())), -np.inf, int(made["limit"]))
        if team and sizes[team] == sizes[team - 1]:
            add([*h[:, team - 1], *h[:, team]], [*share, *-share], 0, np.inf)
    matrix = sparse.csr_array((np.concatenate(value), (np.concatenate(row), np.concatenate(column))), shape=(len(low), width))
    objective = np.concatenate([np.zeros(c * t), np.repeat(share, t), [t + 1.0]])
    top = np.concatenate([np.repeat([float(len(p)) for p in people], t), np.repeat(counts.astype(float), t), [1.0]])
    whole = np.concatenate([np.ones(c * t), np.zeros(k * t + 1)])
    rows: Any = LinearConstraint(matrix, low, high)
    solver: Any = milp
    result: Any = solver(
        -objective, constraints=rows, integrality=whole, bounds=Bounds(0, top), options={"time_limit": limit, "mip_rel_gap": 1e-7}
    )
    told = {"status": str(result.message).split(".")[0][:60], "proven1": result.status == 0}
    if result.x is None:
        return None, told
    return _plan(people, np.rint(result.x[: c * t]).astype(np.int64).reshape(c, t), len(made["sex"])), told


RUN = {
    "ours": run_ours,
    "greedy": run_greedy,
    "random": run_random,
    "anticlustering": run_anticlustering,
    "cpsat": run_cpsat,
    "highs": run_highs,
}


def run_child(method: str, path: Path, balance: str, seed: int, limit: float) -> dict[str, Any]:
    """Run one method on an instance file; called in a process of its own."""
    with np.load(path) as stored:
        made = {name: stored[name] for name in stored.files}
    began, cpu = time.perf_counter(), time.process_time()
    team, told = RUN[method](made, balance, seed, limit)
    told = {"seconds": time.perf_counter() - began, "cpu": time.process_time() - cpu, **told}
    return told if team is None else {**told, **check(made, team)}


# -- side by side ------------------------------------------------------------------------------------------------------------


def _child(method: str, path: Path, balance: str, seed: int, limit: float) -> dict[str, Any]:
    root = str(Path(__file__).resolve().parent.parent)
    try:
        done = subprocess.run(
            [
                sys.executable,
                __file__,
                "--run",
                method,
                str(path),
                "--balance",
                balance,
                "--seed",
                str(seed),
                "--limit",
                str(limit),
            ],
            capture_output=True,
            text=True,
            timeout=4 * limit + 120,
            env={**os.environ, "PYTHONPATH": root},
            check=False,
        )
    except subprocess.TimeoutExpired:
        # The solvers' own limits do not always hold: building and presolve can outlast them.
        return {"seconds": 4 * limit + 120, "cpu": float("nan"), "status": "killed"}
    if done.returncode != 0:
        return {"seconds": 0.0, "cpu": 0.0, "status": (done.stderr.strip().splitlines() or ["failed"])[-1][:80]}
    return dict(json.loads(done.stdout.splitlines()[-1]))


def summary(kind: str, n: int, method: str, runs: list[dict[str, Any]], ours: list[dict[str, Any]]) -> list[str]:
    """Bring the runs of all seeds into one row; the worst team is that of stage 1, where there are two."""
    found = [(r, o) for r, o in zip(runs, ours, strict=True) if "worst" in r]
    worst = [(r.get("first", r)["worst"], o["first"]["worst"]) for r, o in found]
    mean = [r.get("first", r)["mean"] / o["levels1"][1][1] - 1 for r, o in found]
    many = len(runs)

    def count(name: str) -> str:
        return f"{sum(bool(r.get(name)) for r in runs)}/{many}" if any(name in r for r in runs) else ""

    return [
        kind,
        str(n),
        method,
        f"{len(found)}/{many}",
        f"{statistics.fmean(w for w, _ in worst):.3f}" if worst else "",
        "/".join(str(sum(side == np.sign(round(w - b, 9)) for w, b in worst)) for side in (1, 0, -1)),
        f"{100 * statistics.fmean(mean):.2f} %" if mean else "",
        count("proven1"),
        count("proven2"),
        str(sum(r["broken"] for r, _ in found)) if found else "",
        str(sum(r["lone"] for r, _ in found)) if found else "",
        str(sum(r["in_band"] for r, _ in found)) if found else "",
        f"{statistics.median(r['seconds'] for r in runs):.2f}",
        f"{statistics.median(r['cpu'] for r in runs):.2f}",
        f"{max(r['cpu'] for r in runs):.2f}",
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n", type=int, nargs="+", default=[40, 200, 2000], help="people (default: 40 200 2000)")
    parser.add_argument("--kind", nargs="+", choices=KINDS, default=["plain"])
    parser.add_argument("--seeds", type=int, default=15, help="instances of each kind; sizes 4 to 7 in turn (default: 15)")
    parser.add_argument("--first", type=int, default=0, help="first seed")
    parser.add_argument("--method", nargs="+", choices=METHODS, default=list(METHODS))
    parser.add_argument("--balance", choices=("no_lone", "balanced", "proportional"), default="no_lone")
    parser.add_argument("--limit", type=float, default=20, help="seconds for each of the two solvers (default: 20)")
    parser.add_argument("--each", action="store_true", help="print every run of ours")
    parser.add_argument("--seed", type=int, default=0, help=argparse.SUPPRESS)
    parser.add_argument("--run", nargs=2, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.run:
        print(json.dumps(run_child(given.run[0], Path(given.run[1]), given.balance, given.seed, given.limit)))
        return

    from benchmarks.measure import calibration, machine, print_table, versions

    last = given.first + given.seeds - 1
    print(f"{machine()}; {versions('competence', 'numpy', 'scipy', 'numba', 'ortools')}; seeds {given.first} to {last}")
    print(f"balance {given.balance}; calibration loop {calibration():.2f} s")
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for kind in given.kind:
            for n in given.n:
                runs: dict[str, list[dict[str, Any]]] = {method: [] for method in ("ours", *given.method)}
                for seed in range(given.first, given.first + given.seeds):
                    path = Path(folder) / "instance.npz"
                    np.savez(path, **make_instance(kind, n, seed))
                    for method, done in runs.items():
                        told = _child(method, path, given.balance, seed, given.limit)
                        done.append(told)
                        if method == "ours" and "first" not in told:
                            raise SystemExit(f"ours failed on {kind}, {n} people, seed {seed}: {told['status']}")
                        if given.each and method == "ours":
                            print(f"{kind} {n} seed {seed} {json.dumps(told)}", flush=True)
                rows += [summary(kind, n, method, each, runs["ours"]) for method, each in runs.items()]
    heads = (
        "kind|n|method|plans|worst team|above/equal/below ours|mean to bound|stage 1 proven|stage 2 proven|broken|lone teams|"
        "in band|seconds|CPU s|most CPU s"
    )
    print_table(heads.split("|"), rows)


if __name__ == "__main__":
    main()
