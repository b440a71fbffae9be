"""One competence matrix as a manager keeps it goes all the way, without any configuration."""

from __future__ import annotations

from pathlib import Path

import pytest

import competence as cp
from competence.model import Status

DATA = Path(__file__).parent / "data"


@pytest.fixture(scope="module", params=["csv", "xlsx"])
def graph(request: pytest.FixtureRequest) -> cp.CompetenceGraph:
    staff = cp.read_staff(DATA / f"kompetensmatris_40.{request.param}")
    return cp.build_graph(staff, cp.Taxonomy.bundled("municipal"))


def test_every_row_of_the_matrix_is_kept_and_every_mark_is_a_statement(graph: cp.CompetenceGraph) -> None:
    assert len(graph.people) == 40
    assert all(count.read == count.kept + count.set_aside for count in graph.staff.row_counts)
    assert graph.staff.statements
    assert {s.source.value for s in graph.staff.statements} == {"manager"}
    # A heading is either met by the taxonomy or kept as the employer's own concept: no mark is lost.
    assert {s.statement_id for s in graph.staff.statements} == {e.statement_id for e in graph.staff.evidence}


def test_matrix_gives_experts_pairs_teams_and_validations_with_a_proof(graph: cp.CompetenceGraph) -> None:
    plans = [
        cp.find_experts(graph, "demensvård", n=5),
        cp.pair_mentors(graph),
        cp.form_teams(graph, {"demensvård": 2, "finska": 1}, size=4, n=2),
        cp.suggest_validations(graph),
    ]
    for plan in plans:
        assert len(plan) > 0, plan.kind
        assert plan.outcome.status is Status.OPTIMAL or plan.outcome.gap is not None
        assert plan[0].reasons
        assert plan[0].explain("sv")


def test_matrix_with_titles_and_units_gives_a_rotation_plan(graph: cp.CompetenceGraph) -> None:
    plan = cp.plan_rotation(graph)
    assert len(plan) > 0
    assert plan.outcome.status is Status.OPTIMAL or plan.outcome.gap is not None


def test_nobody_was_asked_so_every_draft_says_ask_first(graph: cp.CompetenceGraph) -> None:
    experts = cp.find_experts(graph, "demensvård", n=3)
    assert all(s.ask_first == s.people for s in experts)
    assert "opt_in_not_asked" in experts.notes


def test_what_a_bare_matrix_cannot_feed_is_empty_with_a_named_reason(tmp_path: Path) -> None:
    """Names and marks only: no titles, no units, no sex, and no date anywhere."""
    path = tmp_path / "vad vi kan.csv"
    path.write_text(
        "Vad vi kan;;\n\nNamn;Demensvård;Treserva\n"
        "Anna Ek;5;x\nBo Alm;2;3\nCilla Björk;x;1\nDavid Lind;;4\nEva Rönn;1;\nFilip Al;3;5\n",
        encoding="cp1252",
    )
    staff = cp.read_staff(path)
    assert "no_date_saved" in staff.problems.by_code()
    graph = cp.build_graph(staff, cp.Taxonomy.bundled("municipal"))
    rotation = cp.plan_rotation(graph)
    assert (len(rotation), rotation.outcome.status, rotation.outcome.conflicts) == (0, Status.EMPTY, ("no_posts",))
    validations = cp.suggest_validations(graph)
    assert (len(validations), validations.outcome.status) == (0, Status.EMPTY)
    assert len(cp.find_experts(graph, "demensvård")) == 5
    assert len(cp.pair_mentors(graph)) > 0
    teams = cp.form_teams(graph, "demensvård", size=3, n=1)
    assert len(teams) == 1
    assert "no_sex" in teams.notes
