"""Rotation beside other solvers and simple rules, on the same instances: gains, proven gaps, seconds, steps.

    python benchmarks/rotation.py [--part free cycles rules periods replan repeat peers] [--env FOLDER] [--quick]

Instances are made from a seed: each person may take the posts of about 27 others (30 drawn, fewer when locked people are
taken out), four fifths of them in a role family of about 60; gains are whole numbers 1 to 100 (gamma, mean 30); 5 per cent
are locked. Each measured call runs in a process of its own, and prints wall seconds and the processor seconds of its
process: on a machine that others use the second is the better guide. Every plan is checked here, rule by rule, by code
that knows nothing of the solver; a broken rule ends the run.

Peers get the very same model from one file: OR-Tools CP-SAT (Apache-2.0), installed by name into an environment of its
own, and HiGHS by way of SciPy, each in a process of its own. The two are never in one process (google/or-tools issue
5246). Beside them a random plan, the greedy plan (dearest cycle first), and the plan of a program that looks only at how
alike posts are: each by plain rules in this file.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import venv
from pathlib import Path
from typing import Any

if __package__ in (None, ""):
    # Run as a file, so that one command is enough.
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

PEER = ("ortools==9.15.6755",)
PERIODS, SLACK = 4, 1.12


# -- instances ---------------------------------------------------------------------------------------------------------------


def make_instance(n: int, seed: int, degree: int = 30) -> dict[str, Any]:
    """Return moves, gains, likeness of the posts, locked people, units, holders of critical competences and loads."""
    import numpy as np

    rng = np.random.default_rng([n, degree, seed])
    families = max(1, round(n / 60))
    family = rng.integers(0, families, n)
    order = np.argsort(family, kind="stable")
    start = np.searchsorted(family[order], np.arange(families + 1))
    near = degree * 4 // 5
    sources, targets = [], []
    for i in range(n):
        mine = order[start[family[i]] : start[family[i] + 1]]
        drawn = np.union1d(rng.choice(mine, min(near, mine.size), replace=False), rng.integers(0, n, degree - near))
        drawn = drawn[drawn != i]
        sources.append(np.full(drawn.size, i))
        targets.append(drawn)
    source, target = np.concatenate(sources), np.concatenate(targets)
    gain = np.clip(np.rint(rng.gamma(2.0, 15.0, source.size)), 1, 100)
    locked = np.flatnonzero(rng.random(n) < 0.05)
    unit = rng.integers(0, max(1, n // 25), n)
    load = rng.integers(1, 6, n).astype(float)
    limit = np.full(n, SLACK * PERIODS * load.mean())
    # Who is locked carries what the own post weighs.
    limit[locked] = np.maximum(limit[locked], PERIODS * load[locked])
    return {
        "n": n,
        "source": source,
        "target": target,
        "gain": gain,
        "alike": np.where(family[source] == family[target], 0.7, 0.3) + 0.3 * rng.random(source.size),
        "locked": locked,
        "unit": unit,
        # At most a third of a unit moves at once, and each unit keeps two of the holders of each of four competences.
        "unit_limit": np.ceil(np.bincount(unit, minlength=max(1, n // 25)) / 3),
        "holders": rng.random((n, 4)) < 0.12,
        "minimum": np.full((max(1, n // 25), 4), 2),
        "load": load,
        "load_limit": limit,
    }


def matrix(instance: dict[str, Any], key: str = "gain") -> Any:
    """Return the moves as CSR."""
    from scipy import sparse

    n = instance["n"]
    return sparse.coo_array((instance[key], (instance["source"], instance["target"])), shape=(n, n)).tocsr()


# -- every rule, checked apart ------------------------------------------------------------------------------------------------


def check_plan(instance: dict[str, Any], cycles: list[list[int]], max_cycle: int | None, rules: bool, locked: set[int]) -> float:
    """Return the gain of a plan of one period, counted from the instance; stop at a broken rule."""
    worth = {(int(i), int(j)): float(g) for i, j, g in zip(*(instance[k] for k in ("source", "target", "gain")), strict=True)}
    people = [i for c in cycles for i in c]
    if len(set(people)) < len(people) or locked & set(people) or any(max_cycle and len(c) > max_cycle for c in cycles):
        raise SystemExit("broken: somebody in two cycles, a locked person moves, or a cycle is too long")
    moves = [(c[k], c[(k + 1) % len(c)]) for c in cycles for k in range(len(c))]
    if not all(m in worth for m in moves):
        raise SystemExit("broken: a move that is not allowed")
    if rules:
        unit, holders = instance["unit"], instance["holders"]
        after = dict(moves)
        moving = [0] * len(instance["unit_limit"])
        now = [[0] * holders.shape[1] for _ in moving]
        then = [[0] * holders.shape[1] for _ in moving]
        for i in range(instance["n"]):
            moving[unit[i]] += i in after
            for k in holders[i].nonzero()[0]:
                now[unit[i]][k] += 1
                then[unit[after.get(i, i)]][k] += 1
        if any(m > most for m, most in zip(moving, instance["unit_limit"], strict=True)):
            raise SystemExit("broken: more movers than a unit allows")
        for u, row in enumerate(instance["minimum"]):
            if any(then[u][k] < min(least, now[u][k]) for k, least in enumerate(row)):
                raise SystemExit("broken: a unit is left with too few holders")
    return sum(worth[m] for m in moves)


def check_periods(instance: dict[str, Any], posts: list[list[int]], waits: int | None, locked: set[int]) -> float:
    """Return the gain of a plan over periods, counted from the instance; stop at a broken rule."""
    worth = {(int(i), int(j)): float(g) for i, j, g in zip(*(instance[k] for k in ("source", "target", "gain")), strict=True)}
    n, total, moves = instance["n"], 0.0, []
    for row in posts:
        if sorted(row) != list(range(n)):
            raise SystemExit("broken: a post is left, or held twice")
        for i, j in enumerate(row):
            if i != j:
                if (i, j) not in worth or i in locked:
                    raise SystemExit("broken: a move that is not allowed")
                total += worth[i, j]
    for i in range(n):
        away = [row[i] for row in posts if row[i] != i]
        moves.append(len(away))
        if len(set(away)) < len(away):
            raise SystemExit("broken: somebody is twice in the same post")
        if sum(instance["load"][row[i]] for row in posts) > instance["load_limit"][i] + 1e-6:
            raise SystemExit("broken: somebody carries more than the limit")
    if waits is not None and max(moves) >= waits:
        has_move = {int(i) for i, j in worth if i not in locked and j not in locked}
        if any(moves[i] == 0 for i in has_move & {int(j) for i, j in worth if i not in locked and j not in locked}):
            raise SystemExit("broken: somebody waits while another moves often")
    return total


# -- ours, in a process of its own ---------------------------------------------------------------------------------------------


def run_ours(job: dict[str, Any]) -> dict[str, Any]:
    """Solve one job; the processor seconds are those of the call, the first compilation left out."""
    from competence.solve.periods import rotate_periods
    from competence.solve.rotate import rotate

    small = make_instance(60, 0, 10)
    for length in (3, None):
        rotate(matrix(small), max_cycle=length, effort=2)
    instance = make_instance(job["n"], job["seed"])
    locked, refused = [int(i) for i in instance["locked"]], None
    gain = matrix(instance)
    options: dict[str, Any] = {"max_cycle": job["max_cycle"], "seed": job["seed"]}
    if job.get("rules"):
        options |= {"groups": instance["unit"], "group_limit": instance["unit_limit"]}
        options["cover"] = (instance["holders"], instance["minimum"])
    if job.get("periods"):
        options |= {"load": instance["load"], "load_limit": instance["load_limit"], "waits": job.get("waits")}

    def solve(gain: Any, locked: list[int], **more: Any) -> Any:
        if job.get("periods"):
            return rotate_periods(gain, PERIODS, locked=locked, **options, **more)
        return rotate(gain, locked=locked, **options, **more)

    def checked(plan: Any) -> dict[str, Any]:
        o = plan.outcome
        if o.conflicts:
            raise SystemExit(f"broken: {o.conflicts[:3]}")
        if job.get("periods"):
            total = check_periods(instance, plan.posts.tolist(), job.get("waits"), set(locked))
        else:
            total = check_plan(instance, [list(c) for c in plan.cycles], job["max_cycle"], bool(job.get("rules")), set(locked))
        if abs(total - o.objective) > 1e-6 * max(1.0, total) or o.bound < o.objective:
            raise SystemExit("the objective is not what the moves are worth, or lies above the bound")
        return {"gain": total, "bound": o.bound, "gap": o.gap, "steps": o.steps, "status": o.status.value, "by": o.stopped_by}

    wall, cpu = time.perf_counter(), time.process_time()
    limit, effort = job.get("seconds"), job.get("effort")
    if limit is None:
        plan = solve(gain, locked, effort=effort)
    else:
        # The guard counts processor seconds: others use this machine too.
        most = time.process_time() + limit
        plan = solve(gain, locked, effort=10**6, progress=lambda steps, phase: time.process_time() < most)
    answer = checked(plan) | {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}
    answer["plan"] = plan.posts.tolist() if job.get("periods") else [list(c) for c in plan.cycles]
    if job.get("replan"):
        again = answer["again"] = {}
        rings = plan.cycles[0] if job.get("periods") else plan.cycles
        # Somebody whose own post is not too heavy to be kept: else no plan is left, and that is another question.
        light = instance["load"] * PERIODS <= instance["load_limit"]
        turned = [c[k:] + c[:k] for c in rings for k in range(len(c)) if light[c[k]]]
        ring = turned[len(turned) // 2]
        for change in ("lock", "refuse"):
            if change == "lock":
                locked.append(int(ring[0]))
                part = gain
            else:
                refused = gain.tolil()
                refused[ring[0], ring[1]] = 0
                part = refused.tocsr()
                part.eliminate_zeros()
            began = time.process_time()
            second = checked(solve(part, locked, start=plan.start, effort=plan.outcome.steps // 5))
            again[change] = second | {"cpu": time.process_time() - began}
            if change == "lock":
                locked.pop()
    return answer


# -- peers: they get arrays of one model ----------------------------------------------------------------------------------------


def write_model(instance: dict[str, Any], path: Path, max_cycle: int | None, rules: bool, periods: bool) -> None:
    """Write columns (cycles, or moves when over periods) with their gains and rows, as plain numbers."""
    import numpy as np
    from scipy import sparse

    from competence.solve.rotate import enumerate_cycles

    n, stays = instance["n"], np.zeros(instance["n"], dtype=bool)
    stays[instance["locked"]] = True
    keep = ~(stays[instance["source"]] | stays[instance["target"]])
    source, target, gain = (instance[k][keep] for k in ("source", "target", "gain"))
    at = np.arange(source.size)
    one = np.ones(source.size)
    leave = sparse.csr_array((one, (source, at)), shape=(n, at.size))
    arrive = sparse.csr_array((one, (target, at)), shape=(n, at.size))
    if periods:
        # Over periods: how often each move is made; which period is settled afterwards, at no loss (see solve.periods).
        shift = sparse.csr_array((instance["load"][target] - instance["load"][source], (source, at)), shape=(n, at.size))
        rows = sparse.vstack([leave, shift], format="csr")
        upper = np.concatenate([np.full(n, PERIODS), instance["load_limit"] - PERIODS * instance["load"]])
        equal = sparse.csr_array(leave - arrive)
        cycles = np.column_stack([source, target])
    else:
        allowed = sparse.coo_array((gain, (source, target)), shape=(n, n)).tocsr()
        cycles, gain, _ = enumerate_cycles(allowed, int(max_cycle or 3))
        inside = cycles >= 0
        column = np.broadcast_to(np.arange(len(cycles))[:, None], cycles.shape)[inside]
        member = cycles[inside]
        ahead = np.roll(cycles, -1, axis=1)
        ahead[np.arange(len(cycles)), inside.sum(axis=1) - 1] = cycles[:, 0]
        onward = ahead[inside]
        size = (n, len(cycles))
        parts = [sparse.csr_array((np.ones(column.size), (member, column)), shape=size)]
        limits = [np.ones(n)]
        if rules:
            unit, holders = instance["unit"], instance["holders"]
            units = len(instance["unit_limit"])
            parts.append(sparse.csr_array((np.ones(column.size), (unit[member], column)), shape=(units, len(cycles))))
            limits.append(instance["unit_limit"])
            for k in range(holders.shape[1]):
                has = holders[member, k]
                out = sparse.coo_array((np.ones(int(has.sum())), (unit[member[has]], column[has])), shape=(units, len(cycles)))
                come = sparse.coo_array((np.ones(int(has.sum())), (unit[onward[has]], column[has])), shape=(units, len(cycles)))
                now = np.bincount(unit[holders[:, k]], minlength=units)
                parts.append(sparse.csr_array(out.tocsr() - come.tocsr()))
                limits.append(now - np.minimum(now, instance["minimum"][:, k]))
        rows, upper = sparse.vstack(parts, format="csr"), np.concatenate(limits)
        equal = sparse.csr_array((0, len(cycles)))
    np.savez(
        path,
        gain=gain,
        columns=cycles,
        upper=upper,
        **{
            f"{name}_{part}": getattr(m, part)
            for name, m in (("rows", rows), ("equal", equal))
            for part in ("data", "indices", "indptr")
        },
    )


def run_cp_sat(path: Path, seconds: float) -> dict[str, Any]:
    """Solve a written model with CP-SAT, two workers; numbers are whole, or scaled by 100 once."""
    import numpy as np
    from ortools.sat.python import cp_model  # type: ignore[import-not-found]

    file = np.load(path)
    began, cpu = time.perf_counter(), time.process_time()
    model = cp_model.CpModel()
    x = [model.new_bool_var("") for _ in range(file["gain"].size)]
    for name in ("rows", "equal"):
        data, indices, indptr = (file[f"{name}_{part}"] for part in ("data", "indices", "indptr"))
        for r in range(indptr.size - 1):
            span = slice(indptr[r], indptr[r + 1])
            total = sum(round(c) * x[k] for c, k in zip(data[span].tolist(), indices[span].tolist(), strict=True))
            if span.start == span.stop:
                continue
            if name == "equal":
                model.add(total == 0)
            else:
                model.add(total <= int(np.floor(file["upper"][r] + 1e-9)))
    model.maximize(sum(int(g) * v for g, v in zip(file["gain"].tolist(), x, strict=True)))
    solver = cp_model.CpSolver()
    solver.parameters.max_time_in_seconds = seconds
    solver.parameters.num_workers = 2
    status = solver.status_name(solver.solve(model))
    found = status in ("OPTIMAL", "FEASIBLE")
    return {
        "gain": solver.objective_value if found else 0.0,
        "bound": solver.best_objective_bound,
        "status": status.lower(),
        "wall": time.perf_counter() - began,
        "cpu": time.process_time() - cpu,
    }


def run_highs(path: Path, seconds: float) -> dict[str, Any]:
    """Solve a written model with HiGHS by way of SciPy."""
    import numpy as np
    from scipy import sparse
    from scipy.optimize import Bounds, LinearConstraint, milp

    file = np.load(path)
    k = file["gain"].size
    rows, equal = (
        sparse.csr_array(
            tuple(file[f"{name}_{part}"] for part in ("data", "indices", "indptr")), shape=(file[f"{name}_indptr"].size - 1, k)
        )
        for name in ("rows", "equal")
    )
    limits = [LinearConstraint(rows, -np.inf, file["upper"])]
    if equal.shape[0]:
        limits.append(LinearConstraint(equal, 0, 0))
    began, cpu = time.perf_counter(), time.process_time()
    answer = milp(-file["gain"], constraints=limits, integrality=np.ones(k), bounds=Bounds(0, 1), options={"time_limit": seconds})
    return {
        "gain": 0.0 if answer.x is None else float(file["gain"] @ np.rint(answer.x)),
        "bound": float("nan") if answer.mip_dual_bound is None else -answer.mip_dual_bound,
        "status": "optimal" if answer.status == 0 else "stopped",
        "wall": time.perf_counter() - began,
        "cpu": time.process_time() - cpu,
    }


def run_simple(job: dict[str, Any]) -> dict[str, float]:
    """Return the gain of a random, a greedy and a likeness-only plan of cycles, under the same rules."""
    import numpy as np

    from competence.solve.rotate import enumerate_cycles

    instance = make_instance(job["n"], job["seed"])
    stays = np.zeros(instance["n"], dtype=bool)
    stays[instance["locked"]] = True
    keep = ~(stays[instance["source"]] | stays[instance["target"]])
    part = instance | {k: instance[k][keep] for k in ("source", "target", "gain", "alike")}
    cycles, gain, _ = enumerate_cycles(matrix(part), job["max_cycle"])
    likeness = enumerate_cycles(matrix(part, "alike"), job["max_cycle"])[1]
    rng = np.random.default_rng(job["seed"])
    unit, holders = instance["unit"], instance["holders"]
    out = {}
    for name, order in (
        ("random", rng.permutation(len(cycles))),
        ("greedy", np.argsort(-gain)),
        ("likeness", np.argsort(-likeness)),
    ):
        free, room, total, chosen = ~stays, instance["unit_limit"].copy(), 0.0, []
        now = np.array([np.bincount(unit[holders[:, k]], minlength=room.size) for k in range(holders.shape[1])]).T
        least = np.minimum(now, instance["minimum"])
        for c in order.tolist():
            ring = cycles[c][cycles[c] >= 0]
            if not free[ring].all():
                continue
            if job.get("rules"):
                more = np.bincount(unit[ring], minlength=room.size)
                after = now.copy()
                np.add.at(after, unit[np.roll(ring, -1)], holders[ring].astype(int))
                np.subtract.at(after, unit[ring], holders[ring].astype(int))
                if (more > room).any() or (after < least).any():
                    continue
                room, now = room - more, after
            free[ring] = False
            chosen.append(ring.tolist())
            total += gain[c]
        checked = check_plan(instance, chosen, job["max_cycle"], bool(job.get("rules")), set(instance["locked"].tolist()))
        out[name] = float(checked)
        if abs(checked - total) > 1e-6:
            raise SystemExit("a simple plan is counted wrongly")
    return out


def peer_python(folder: Path) -> Path | None:
    """Return the interpreter of an environment with OR-Tools in it; None when it cannot be had."""
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if not python.exists():
        venv.create(folder, with_pip=True)
    probe = [python, "-c", "import importlib.metadata as m; print(m.version('ortools'))"]
    if subprocess.run(probe, capture_output=True, text=True, check=False).stdout.strip() == PEER[0].split("==")[1]:
        return python
    install = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *PEER]
    done = subprocess.run(install, capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return python
    print(f"{PEER[0]} could not be installed: {(done.stderr.strip().splitlines() or ['pip said nothing'])[-1][:200]}")
    return None


# -- side by side ------------------------------------------------------------------------------------------------------------


def _child(python: str | Path, *arguments: str, cores: int | None = None) -> dict[str, Any]:
    """Run this file in a process of its own and return what it printed last."""
    root = str(Path(__file__).resolve().parent.parent)
    kept = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"} | ({"PYTHONPATH": root} if python == sys.executable else {})
    if cores is not None:
        kept |= dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"), str(cores))
        arguments = (*arguments, "--cores", str(cores))
    done = subprocess.run([str(python), __file__, *arguments], capture_output=True, text=True, env=kept, check=False)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(arguments)}: {(done.stderr.strip().splitlines() or ['no word'])[-1][:300]}")
    return dict(json.loads(done.stdout.splitlines()[-1]))


def _row(name: str, job: dict[str, Any], reach: str, cores: int | None = None) -> tuple[list[str], dict[str, Any]]:
    answer = _child(sys.executable, "--job", json.dumps(job), cores=cores)
    cells = [
        name,
        str(job["n"]),
        f"{answer['gain']:.0f}",
        f"{answer['bound']:.1f}",
        f"{100 * answer['gap']:.3f} %",
        answer["status"],
    ]
    return [*cells, str(answer["steps"]), f"{answer['wall']:.1f}", f"{answer['cpu']:.1f}", reach], answer


def main() -> None:
    parts = ("free", "cycles", "rules", "periods", "replan", "repeat", "peers")
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--part", choices=parts, action="append", help="may be given several times (default: all)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--quick", action="store_true", help="sizes up to 2 000 and a tenth of the seconds")
    parser.add_argument("--env", type=Path, help="folder of the peer's environment, kept (default: a temporary one)")
    parser.add_argument("--job", help=argparse.SUPPRESS)
    parser.add_argument("--simple", help=argparse.SUPPRESS)
    parser.add_argument("--solver", nargs=3, help=argparse.SUPPRESS)
    parser.add_argument("--cores", type=int, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.cores and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: given.cores])
    if given.job or given.simple:
        print(json.dumps(run_ours(json.loads(given.job)) if given.job else run_simple(json.loads(given.simple))))
        return
    if given.solver:
        run = run_cp_sat if given.solver[0] == "cp_sat" else run_highs
        print(json.dumps(run(Path(given.solver[1]), float(given.solver[2]))))
        return

    from benchmarks.measure import calibration, machine, print_table, versions

    chosen, s, k = given.part or list(parts), given.seed, 0.1 if given.quick else 1.0
    print(f"{machine()}; {versions('competence', 'numpy', 'scipy', 'numba')}; seed {s}; calibration loop {calibration():.3f} s")
    heads = ["what", "people", "gain", "bound", "gap", "status", "steps", "wall s", "cpu s", "to reach"]
    rows: list[list[str]] = []
    base = {"seed": s}
    jobs: list[tuple[str, dict[str, Any], str]] = []
    if "free" in chosen:
        jobs.append(("free", {"n": 10_000, "max_cycle": None}, "optimal, 1 s"))
        jobs.append(("free", {"n": 60_000, "max_cycle": None}, "optimal, 5 s"))
    if "cycles" in chosen:
        jobs.append(("cycles of 2", {"n": 2000, "max_cycle": 2}, "optimal, 5 s"))
        jobs.append(("cycles of 3", {"n": 200, "max_cycle": 3, "seconds": 10 * k}, "0.8 % in 10 s"))
        jobs.append(("cycles of 3", {"n": 2000, "max_cycle": 3, "seconds": 10 * k}, "3 % in 10 s"))
        jobs.append(("cycles of 3", {"n": 2000, "max_cycle": 3, "seconds": 60 * k}, "0.6 % in 60 s"))
        jobs.append(("cycles of 3", {"n": 10_000, "max_cycle": 3, "seconds": 60 * k}, "1.5 % in 60 s"))
        jobs.append(("cycles of 4", {"n": 2000, "max_cycle": 4, "seconds": 60 * k}, "4 % in 60 s"))
    if "rules" in chosen:
        jobs.append(("units and cover", {"n": 2000, "max_cycle": 3, "rules": True, "seconds": 60 * k}, "5 % in 60 s, aimed at"))
    if "periods" in chosen:
        for waits in (None, 3):
            name = "four periods" if waits is None else "four periods, none waits"
            jobs.append((name, {"n": 200, "max_cycle": None, "periods": True, "waits": waits}, "3.5 %"))
            jobs.append(
                (name, {"n": 2000, "max_cycle": None, "periods": True, "waits": waits, "seconds": 60 * k}, "nothing broken")
            )
    for name, job, reach in jobs:
        if given.quick and job["n"] > 2000:
            continue
        row, _ = _row(name, base | job, reach)
        rows.append(row)
        print(" | ".join(row), flush=True)
    if "replan" in chosen:
        for name, job in (
            ("cycles of 3", {"n": 200, "max_cycle": 3}),
            ("cycles of 3", {"n": 2000, "max_cycle": 3}),
            ("four periods", {"n": 200, "max_cycle": None, "periods": True}),
        ):
            row, answer = _row(name, base | job | {"replan": True}, "")
            rows.append(row)
            for change, again in answer["again"].items():
                cells = [f"after a {change}", str(job["n"]), f"{again['gain']:.0f}", f"{again['bound']:.1f}"]
                cells += [f"{100 * again['gap']:.3f} %", again["status"], str(again["steps"]), "", f"{again['cpu']:.1f}"]
                rows.append([*cells, f"{row[4]} in {answer['steps'] // 5} steps"])
            print(" | ".join(row), flush=True)
    print_table(heads, rows)
    if "repeat" in chosen:
        job = base | {"n": 300, "max_cycle": 3, "effort": 30}
        plans = [_row("", job, "", cores)[1]["plan"] for cores in (1, 1, 2)]
        clock = _row("", base | {"n": 2000, "max_cycle": 3, "seconds": 5}, "")[1]
        again = _row("", base | {"n": 2000, "max_cycle": 3, "effort": clock["steps"]}, "")[1]
        print(f"the same plan twice on 1 core and on 2: {plans[0] == plans[1] == plans[2]}")
        same = clock["plan"] == again["plan"]
        print(f"stopped at {clock['steps']} steps ({clock['by']}), and again by these steps: same plan {same}")
    if "peers" in chosen:
        peers(given, k)


def peers(given: argparse.Namespace, k: float) -> None:
    """Print ours beside CP-SAT, HiGHS and the simple rules, on the same models and seconds."""
    from benchmarks.measure import print_table

    rows = []
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        python = peer_python(given.env or folder / "env")
        for name, job, seconds in (
            ("cycles of 2", {"n": 2000, "max_cycle": 2}, 30 * k),
            ("cycles of 3", {"n": 200, "max_cycle": 3}, 30 * k),
            ("cycles of 3", {"n": 2000, "max_cycle": 3}, 60 * k),
            ("units and cover", {"n": 2000, "max_cycle": 3, "rules": True}, 60 * k),
            ("four periods", {"n": 200, "max_cycle": None, "periods": True}, 60 * k),
        ):
            job = {"seed": given.seed, **job}
            ours = _child(sys.executable, "--job", json.dumps(job | {"seconds": seconds}))
            found: dict[str, dict[str, Any]] = {"competence": ours}
            path = folder / "model.npz"
            periods = bool(job.get("periods"))
            write_model(make_instance(job["n"], given.seed), path, job["max_cycle"], bool(job.get("rules")), periods)
            if python is not None:
                found["OR-Tools CP-SAT"] = _child(python, "--solver", "cp_sat", str(path), str(seconds))
            found["HiGHS (SciPy)"] = _child(sys.executable, "--solver", "highs", str(path), str(seconds))
            if not periods:
                for rule, gain in _child(sys.executable, "--simple", json.dumps(job)).items():
                    found[rule] = {
                        "gain": gain,
                        "bound": float("nan"),
                        "status": "rule",
                        "wall": float("nan"),
                        "cpu": float("nan"),
                    }
            for program, answer in found.items():
                below = 100 * (1 - answer["gain"] / ours["bound"])
                cells = [name, str(job["n"]), program, f"{answer['gain']:.0f}", f"{answer['bound']:.0f}", f"{below:.2f} %"]
                rows.append([*cells, answer["status"], f"{answer['wall']:.1f}", f"{answer['cpu']:.1f}"])
                print(" | ".join(rows[-1]), flush=True)
    print_table(["what", "people", "program", "gain", "own bound", "below our bound", "status", "wall s", "cpu s"], rows)


if __name__ == "__main__":
    main()
