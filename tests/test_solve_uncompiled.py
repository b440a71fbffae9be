"""The compiled loops give the same answers as plain Python: the same calls with numba's compiler switched off."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
from scipy import sparse

from competence.solve.assign import assign
from competence.solve.rotate import rotate
from competence.solve.stable import stable_match
from competence.solve.teams import partition, select
from competence.solve.top import Postings, top_many


def answers() -> dict[str, object]:
    """Solve one small problem of each kind; also run in the second process."""
    rng = np.random.default_rng(0)
    score = sparse.csr_array(rng.random((9, 6)))
    other = sparse.csr_array(rng.random((9, 6)))
    cells = rng.random((14, 14)) * (rng.random((14, 14)) < 0.5)
    gain = sparse.csr_array(np.round(cells * (1 - np.eye(14)), 3))
    groups = np.arange(14) % 3
    holders = rng.random((14, 2)) < 0.5
    holds = rng.random((20, 5)) < 0.25
    sex = rng.integers(0, 3, 20)
    rules = {"together": [(0, 1)], "apart": [(2, 3)], "at_most": (np.arange(20) % 5, 2)}
    rotation = rotate(gain, groups=groups, group_limit=[3, 3, 3], cover=(holders, np.ones((3, 2))), effort=4)
    parts = partition(holds, [1] * 5, [1.0] * 5, sex, size=4, effort=1500, **rules)
    chosen = select(holds, [1] * 5, [1.0] * 5, sex, size=3, n_teams=2, effort=1500, **rules)
    postings = Postings.build([0, 3, 5, 9], [0, 2, 3, 1, 2, 0, 1, 2, 3], [1, 5, 3, 2, 2, 4, 4, 1, 5], 4)
    found = top_many(postings, [([0, 2], [0.5, 1.0], [3, 4]), ([1], [1.0], [2])], 2)
    crowd = sparse.csr_array(np.round(rng.random((12, 5)) * (rng.random((12, 5)) < 0.7), 1))
    return {
        "assign crowd": assign(crowd, 1, [1, 2, 0, 1, 3]).pairs.tolist(),
        "top": [[i.tolist(), s.tolist()] for i, s in found],
        "assign": assign(score, 1, [2, 1, 1, 2, 0, 1], objective="most_pairs").pairs.tolist(),
        "stable": stable_match(score, other, 2).pairs.tolist(),
        "rotate": [list(c) for c in rotation.cycles],
        "partition": [[list(t) for t in stage] for stage in (parts.stage1, parts.stage2)],
        "select": [[list(t) for t in stage] for stage in (chosen.stage1, chosen.stage2)],
    }


def test_compiled_and_plain_runs_give_the_same_answers() -> None:
    root = Path(__file__).resolve().parents[1]
    code = "import json, test_solve_uncompiled as t; print(json.dumps(t.answers()))"
    environment = {**os.environ, "NUMBA_DISABLE_JIT": "1", "PYTHONPATH": os.pathsep.join([str(root), str(root / "tests")])}
    plain = subprocess.run(
        [sys.executable, "-W", "error::RuntimeWarning", "-c", code], env=environment, capture_output=True, text=True, check=False
    )
    assert plain.returncode == 0, plain.stderr
    assert json.loads(plain.stdout) == answers()
