"""The Python sketch of HOUSE section 4, as written there, on the example municipality (issue 2, must show 4)."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from competence.example import write_example
from competence.model import Status
from competence.suggest.result import COLUMNS, Suggestions

SKETCH = """
import competence as cp
taxonomy = cp.Taxonomy.bundled("municipal")                       # or cp.Taxonomy.read("esco.zip", format="esco")
staff = cp.read_staff("staff.xlsx", columns={"Anst.nr": "person_id"})      # a DataFrame works too
print(staff.problems.to_frame())                                  # each row set aside: where, why, what to do
staff = cp.link_statements(staff, taxonomy)                       # free text -> evidence
graph = cp.infer_hidden(cp.build_graph(staff, taxonomy))          # steps return new objects, never change old ones

experts = cp.find_experts(graph, "dementia care", n=5)
pairs = cp.pair_mentors(graph, mentees=["10014", "10031"], capacity=2)
moves = cp.plan_rotation(graph, units=["Hemtjänst Norr", "Hemtjänst Söder"], months=6)
teams = cp.form_teams(graph, {"dementia care": 3, "Finnish": 2}, size=5, n=4, balance="no_lone")
checks = cp.suggest_validations(graph, stage="documented")

for plan in (experts, pairs, moves, teams, checks):               # one result type for all five
    print(plan.outcome)                                           # optimal / within 2.1 % / search / infeasible: why
    print(plan[0].explain(lang="sv"))                             # measure by measure, with evidence and path
    print(plan.by_sex, plan.left_out)                             # counts and shares by sex; who got nothing and why
    plan.to_frame(); plan.to_excel(f"{plan.kind}.xlsx")
"""


def run(people: int, seed: int) -> None:
    """Write the example into the current folder, run the sketch there and check what it made."""
    folder = Path.cwd()
    write_example(folder, people=people, seed=seed)
    names: dict[str, object] = {}
    exec(compile(SKETCH, "sketch", "exec"), names)
    plans = [names[n] for n in ("experts", "pairs", "moves", "teams", "checks")]
    for plan in plans:
        assert isinstance(plan, Suggestions)
        assert len(plan) > 0, plan.outcome
        outcome = plan.outcome
        assert outcome.status is Status.OPTIMAL or (outcome.status is Status.FEASIBLE and outcome.gap is not None), outcome
        assert outcome.objective is not None
        assert outcome.bound is not None
        assert outcome.bound >= outcome.objective - 1e-9
        assert all(abs(sum(r.contribution for r in s.reasons) - s.score) <= 1e-9 for s in plan)
        assert tuple(plan.to_frame().columns[:6]) == COLUMNS
        assert (folder / f"{plan.kind}.xlsx").stat().st_size > 5000
    experts, pairs, moves, teams, checks = plans
    assert isinstance(experts, Suggestions)
    assert isinstance(pairs, Suggestions)
    assert isinstance(moves, Suggestions)
    assert isinstance(teams, Suggestions)
    assert isinstance(checks, Suggestions)
    assert len(experts) == 5
    assert {s.people[0] for s in pairs} == {"10014", "10031"}
    assert len(teams) == 4
    assert all(len(s.people) == 5 for s in teams)
    assert all(2 <= len(s.people) <= 3 for s in moves)


@pytest.mark.slow
@pytest.mark.parametrize(("people", "seed"), [(2000, 7), (200, 1)])
def test_the_sketch_runs_as_written_with_every_outcome_optimal_or_its_gap_stated(tmp_path: Path, people: int, seed: int) -> None:
    # In a process of its own, as a user runs it; there no coverage is measured, which would take twice as long.
    here = Path(__file__).resolve().parent
    call = f"import test_sketch; test_sketch.run({people}, {seed})"
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(here), str(here.parent)])}
    done = subprocess.run(
        [sys.executable, "-c", call],
        cwd=tmp_path,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert "Traceback" not in done.stdout
