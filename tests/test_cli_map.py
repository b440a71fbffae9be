"""Commands on units, unused competence and roles within reach: what they print, write and refuse."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from competence.cli import cli
from competence.cli._map import group_of_maps


@pytest.fixture(autouse=True)
def wide(monkeypatch: pytest.MonkeyPatch) -> None:
    # So that tables are printed as on a screen of this width.
    monkeypatch.setenv("COLUMNS", "120")


@pytest.fixture(scope="module")
def eight(root: Path) -> str:
    return str(root / "tests" / "data" / "staff_eight")


SMALL = str(Path(__file__).parent / "data" / "taxonomy_small")


def run(*arguments: str, code: int = 0) -> Result:
    """Call a command with the small taxonomy, which is learned in a moment."""
    more = () if "--help" in arguments else ("--taxonomy", SMALL)
    result = CliRunner().invoke(cli, ["map", *arguments, *more])
    assert result.exit_code == code, result.output
    return result


def test_a_unit_tells_what_it_covers_and_writes_its_table(eight: str, tmp_path: Path) -> None:
    out = tmp_path / "norr.json"
    shown = run("group", eight, "--unit", "Hemtjänst Norr", "--out", str(out)).stdout
    assert shown.startswith("Hemtjänst Norr: 4 anställda.")
    assert "finska" in shown
    written = json.loads(out.read_text(encoding="utf-8"))
    assert written["by_sex"]["rows"][0]["total"] == 4
    book = tmp_path / "norr.xlsx"
    run("group", eight, "--unit", "E1", "--out", str(book))
    assert book.stat().st_size > 0


def test_people_may_be_given_in_place_of_a_unit_but_not_both_and_not_neither(eight: str) -> None:
    assert "2" in run("group", eight, "--person", "10001", "--person", "10002", "--lang", "en").stdout.splitlines()[0]
    for arguments in ((), ("--unit", "E1", "--person", "10001")):
        assert run("group", eight, *arguments, code=2).stderr == "Fel: ange antingen --unit eller --person\n"


def test_units_to_be_joined_are_at_least_two_that_exist(eight: str) -> None:
    assert run("merge", eight, "--unit", "E1", "--unit", "E2").stdout.strip()
    assert run("merge", eight, "--unit", "E1", code=2).stderr.startswith("Fel: ")
    assert "Hemtjänst Norr" in run("merge", eight, "--unit", "Hemtjänst Nord", "--unit", "E2", code=2).stderr


def test_unused_competence_and_roles_within_reach_are_told_of_a_person(eight: str, tmp_path: Path) -> None:
    assert run("unused", eight, "--units", "E1").stdout.strip()
    shown = run("reach", eight, "--person", "10001", "--n", "2", "--out", str(tmp_path / "reach.xlsx")).stdout
    assert shown.count("kan redan") == 2
    assert (tmp_path / "reach.xlsx").is_file()
    assert "9" in run("reach", eight, "--person", "9", code=2).stderr


def test_a_transition_needs_no_staff_and_unknown_titles_are_refused_with_what_there_is() -> None:
    assert "lokalvårdare" in run("transition", "undersköterska", "lokalvårdare").stdout
    assert run("transition", "undersköterska", "trollkarl", code=2).stderr.startswith("Fel: ")


@pytest.mark.parametrize("command", sorted(group_of_maps.commands))
def test_every_command_explains_itself(command: str) -> None:
    shown = run(command, "--help").stdout
    assert shown.startswith("Usage: ")
    assert len(shown) > 200


def test_the_guide_is_printed_short_or_whole_in_both_languages() -> None:
    short, whole = (CliRunner().invoke(cli, ["guide", *more]).stdout for more in ((), ("--whole",)))
    assert short.startswith("# ")
    assert whole.count("\n### ") > short.count("\n### ") >= 5
    assert CliRunner().invoke(cli, ["guide", "--lang", "en"]).stdout != short


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("heat", "--rows", "3"), "Hela organisationen"),
        (("gaps", "--people", "10002"), "local:bemötande"),
        (("points", "--kind", "named"), "10002"),
        (("departures", "--by", "60+", "--kind", "named"), "dementia-care"),
        (("bridges",), "Hemtjänst Norr"),
        (("circles", "--topic", "demensvård"), "Inget att visa."),
    ],
)
def test_the_map_of_the_organisation_is_shown_and_written(
    arguments: tuple[str, ...], said: str, eight: str, tmp_path: Path
) -> None:
    out = tmp_path / "map.json"
    assert said in run(arguments[0], eight, *arguments[1:], "--out", str(out)).stdout
    assert json.loads(out.read_text(encoding="utf-8"))


def test_published_figures_hold_no_person_and_no_small_number(eight: str, tmp_path: Path) -> None:
    out = tmp_path / "points.json"
    run("points", eight, "--out", str(out))
    assert "10001" not in out.read_text(encoding="utf-8")


def test_a_future_need_is_read_from_a_table(eight: str, tmp_path: Path) -> None:
    (tmp_path / "behov.csv").write_text("concept;level;count\nfinska;2;5\n", encoding="utf-8")
    assert "finnish" in run("gaps", eight, "--need", str(tmp_path / "behov.csv")).stdout
    # As Excel saves it in Sweden, with one column only, and empty.
    (tmp_path / "excel.csv").write_bytes("concept;count\nbemötande;9\n".encode("cp1252"))
    assert "local:bemötande" in run("gaps", eight, "--need", str(tmp_path / "excel.csv")).stdout
    (tmp_path / "en.csv").write_text("concept\nfinska\n", encoding="utf-8")
    assert "finnish" in run("gaps", eight, "--need", str(tmp_path / "en.csv")).stdout
    (tmp_path / "tom.csv").write_text("", encoding="utf-8")
    for refused in ("tom.csv", "ingen.csv", "ingen.xlsx"):
        told = run("gaps", eight, "--need", str(tmp_path / refused), code=2).stderr
        assert told.startswith("Fel: ")
        assert refused in told
        assert told.count("\n") == 1


def test_a_snapshot_is_kept_and_compared_with(eight: str, tmp_path: Path) -> None:
    out = tmp_path / "nu.json"
    run("snapshot", eight, "--out", str(out))
    assert "10001" not in out.read_text(encoding="utf-8")
    assert run("snapshot", eight, "--before", str(out)).stdout
    for refused in ((), ("--out", str(tmp_path / "nu.xlsx"))):
        assert run("snapshot", eight, *refused, code=2).stderr.startswith("Fel: ange --out")
