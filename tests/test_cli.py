"""What the command promises: files in, a table on the screen, exit codes for scripts, never a traceback."""

from __future__ import annotations

import importlib.metadata
import json
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import click
import openpyxl
import pytest
from broken_files import write_broken_files
from click.testing import CliRunner, Result

import competence
from competence import Suggestions
from competence.cli import cli
from competence.cli._options import parse_ids, parse_need
from competence.cli._screen import _table
from competence.errors import InputError

SMALL = Path(__file__).parent / "data" / "taxonomy_small"
CALLS = {
    "experts": ("--need", "demensvård"),
    "pairs": (),
    "rotation": (),
    "teams": ("--need", "bemötande=1", "--size", "2"),
    "validations": (),
}


@pytest.fixture(autouse=True)
def wide(monkeypatch: pytest.MonkeyPatch) -> None:
    # So that tables are printed as on a screen of this width.
    monkeypatch.setenv("COLUMNS", "120")


@pytest.fixture(scope="session")
def eight(root: Path) -> Path:
    return root / "tests" / "data" / "staff_eight"


@pytest.fixture(scope="session")
def three(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of three people without a fault."""
    path = tmp_path_factory.mktemp("three") / "personal.csv"
    path.write_text(
        "Anst.nr;Namn;Kön;Enhet;Befattning;Från;Demensvård;Finska\n"
        "1;Eva Lind;kvinna;Norr;Undersköterska;2020-01-01;4;\n"
        "2;Bo Ek;man;Norr;Undersköterska;2021-02-01;2;x\n"
        "3;Maj Sand;kvinna;Söder;Vårdbiträde;2023-03-01;;5\n",
        encoding="utf-8",
    )
    return path


def quick(*arguments: str | Path, code: int = 0) -> Result:
    """Run with a small taxonomy, where the municipal one would only take time."""
    return run(*arguments, "--taxonomy", SMALL, code=code)


def run(*arguments: str | Path, code: int = 0) -> Result:
    result = CliRunner().invoke(cli, [str(a) for a in arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    assert result.exit_code == code, (result.stdout, result.stderr)
    assert "Traceback" not in result.output
    return result


# -- check ------------------------------------------------------------------------------------------------------------------


def test_check_of_a_file_without_faults_prints_the_row_sum_and_ends_with_0(three: Path) -> None:
    shown = run("check", three).stdout
    assert "3 rader lästa = 3 kvar + 0 undantagna." in shown
    assert "personer" in shown
    assert "2 av 2 kopplade till en roll" in shown


def test_check_ends_with_1_where_rows_were_set_aside_and_says_which_row_why_and_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "personal.csv"
    path.write_text("Anst.nr;Namn;Från\n1;Eva Lind;2020-01-01\n1;Eva Lind;2020-01-01\n3;Maj Sand;2026-02-30\n", encoding="utf-8")
    shown = run("check", path, code=1).stdout
    assert "3 rader lästa = 2 kvar + 1 undantagna." in shown
    assert "RADEN ANVÄNDS INTE" in shown
    assert "rad 3" in shown
    assert "Datumet ”2026-02-30” finns inte." in shown
    assert "→ Skriv ÅÅÅÅ-MM-DD." in shown


def test_rows_read_are_rows_kept_plus_rows_set_aside_in_every_line_of_the_table(eight: Path) -> None:
    lines = run("check", eight, code=0).stdout.splitlines()
    start = next(k for k, line in enumerate(lines) if line.startswith("---"))
    rows = [line.split() for line in lines[start + 1 :]]
    table = [row for row in rows[: rows.index(next(r for r in rows if "rader" in r))] if row]
    assert len(table) == 11
    for row in table:
        read, kept, aside = (int(cell) for cell in row[-4:-1])
        assert read == kept + aside


@pytest.mark.parametrize("what", ["missing", "empty", "image"])
def test_a_file_that_cannot_be_read_is_one_line_on_stderr_and_2(tmp_path: Path, what: str) -> None:
    path = tmp_path / "personal.xlsx"
    if what == "empty":
        path.touch()
    elif what == "image":
        path.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(range(256)))
    for command, arguments in {"check": (), **CALLS}.items():
        result = quick(command, path, *arguments, code=2)
        assert result.stdout == ""
        assert len(result.stderr.strip().splitlines()) == 1
        assert result.stderr.startswith("Fel: personal.xlsx: ")


def test_one_unreadable_file_among_readable_ones_is_told_and_ends_with_2(three: Path, tmp_path: Path) -> None:
    folder = tmp_path / "files"
    folder.mkdir()
    (folder / "personal.csv").write_bytes(three.read_bytes())
    (folder / "trasig.xlsx").write_bytes(b"PK\x03\x04 not a workbook")
    result = run("check", folder, code=2)
    assert "3 rader lästa = 3 kvar" in result.stdout
    assert "trasig.xlsx" in result.stdout


def test_equal_faults_are_said_once_with_all_their_rows_and_all_of_them_on_request(tmp_path: Path) -> None:
    path = tmp_path / "personal.csv"
    rows = "".join(f"{k};Person {k};2026-02-30;20{k:02}-13-01\n" for k in range(1, 31))
    path.write_text(f"Anst.nr;Namn;Från;Till\n0;Eva Lind;2020-01-01;\n{rows}", encoding="utf-8")
    short, whole = run("check", path).stdout, run("check", path, "--all").stdout
    assert short.count("Datumet ”2026-02-30” finns inte.") == 1
    assert "och 18 till" in short
    assert "(--all visar alla)" in short
    assert "(--all visar alla)" not in whole
    assert "Datumet ”2030-13-01” finns inte." in whole
    assert "2030-13-01" not in short


def test_check_lists_words_that_were_not_understood_with_their_nearest_competences(tmp_path: Path) -> None:
    path = tmp_path / "egna_ord.csv"
    path.write_text("Anst.nr;Namn;Befattning;Från\n1;Eva Lind;Blorkatör;2020-01-01\n", encoding="utf-8")
    shown = run("check", path).stdout
    assert "0 av 1 kopplade till en roll" in shown
    assert "Blorkatör" in shown


def test_check_writes_rows_problems_titles_and_words_to_a_workbook_and_to_json(eight: Path, tmp_path: Path) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    run("check", eight, "--out", tmp_path / "läst.xlsx")
    book = openpyxl.load_workbook(tmp_path / "läst.xlsx")
    assert book.sheetnames[:2] == ["Rader", "Problem"]
    sheet = book["Rader"]
    assert sum(row[2].value for row in sheet.iter_rows(min_row=2)) > 30
    run("check", eight, "--out", tmp_path / "read.json", "--lang", "en")
    told = json.loads((tmp_path / "read.json").read_text(encoding="utf-8"))
    assert all(r["read"] == r["kept"] + r["set_aside"] for r in told["rows"])
    assert {"as_of", "sources", "problems", "titles", "unlinked"} <= set(told)


def test_every_broken_file_ends_in_named_problems_or_one_line_and_the_row_sum_holds(tmp_path: Path) -> None:
    broken = write_broken_files(tmp_path)
    assert len(broken) >= 15
    for case in broken:
        result = CliRunner().invoke(cli, ["check", str(tmp_path / case.name), "--taxonomy", str(SMALL), "--lang", "en"])
        assert result.exception is None or isinstance(result.exception, SystemExit), (case.name, result.exception)
        if case.read is None or case.kept is None:
            assert result.exit_code == 2, case.name
            assert result.stdout == ""
            assert len(result.stderr.strip().splitlines()) == 1, result.stderr
            continue
        aside = case.read - case.kept
        assert result.exit_code == (1 if aside else 0), (case.name, result.output)
        assert f"{case.read} rows read = {case.kept} kept + {aside} set aside." in result.stdout, (case.name, result.stdout)


def test_a_whole_folder_of_broken_files_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    write_broken_files(tmp_path)
    shown = quick("check", tmp_path, code=2).stdout
    read, kept, aside = map(int, re.search(r"(\d+) rader lästa = (\d+) kvar \+ (\d+) undantagna", shown).groups())  # type: ignore[union-attr]
    assert read == kept + aside > 20


# -- suggestions --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", CALLS)
def test_each_suggestion_says_its_outcome_figures_by_sex_and_that_it_is_a_draft(command: str, eight: Path) -> None:
    shown = quick(command, eight, *CALLS[command]).stdout
    assert "Nr" in shown
    assert "Poäng" in shown
    assert "Bästa möjliga, bevisat." in shown or "från bästa möjliga" in shown or "Funnet genom sökning" in shown
    assert "Prövade: kvinnor" in shown
    assert "Detta är ett utkast." in shown
    english = quick(command, eight, *CALLS[command], "--lang", "en").stdout
    assert "Considered: women" in english
    assert "This is a draft." in english


@pytest.mark.parametrize("command", CALLS)
def test_each_suggestion_is_written_whole_as_json_and_as_a_workbook(command: str, eight: Path, tmp_path: Path) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    path = tmp_path / "plan.json"
    result = quick(command, eight, *CALLS[command], "--out", path)
    assert f"Skrivet: {path}" in result.stdout
    plan = Suggestions.from_json(path.read_text(encoding="utf-8"))
    assert plan.kind == command
    assert len(plan)
    assert plan.provenance.audience == "unit"
    quick(command, eight, *CALLS[command], "--out", tmp_path / "plan.xlsx")
    sheets = openpyxl.load_workbook(tmp_path / "plan.xlsx").sheetnames
    assert sheets[:5] == ["Förslag", "Skäl", "Inte med", "Kvinnor och män", "Om"]
    assert zipfile.is_zipfile(tmp_path / "plan.xlsx")


def test_the_same_call_prints_and_writes_the_same_twice(eight: Path, tmp_path: Path) -> None:
    first = quick("pairs", eight, "--out", tmp_path / "a.json", "--seed", "3").stdout
    second = quick("pairs", eight, "--out", tmp_path / "b.json", "--seed", "3").stdout
    assert first.replace("a.json", "") == second.replace("b.json", "")
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()


def test_what_the_words_were_taken_for_stands_above_the_result(eight: Path) -> None:
    shown = quick("experts", eight, "--need", "dementia care=3", "--need", "zzzqqq").stdout
    assert "”dementia care” lästes som demensvård, nivå 3." in shown
    assert "”zzzqqq” förstods inte. Närmast:" in shown


def test_explain_prints_every_reason_with_a_sum_and_ids_hide_the_names(eight: Path) -> None:
    whole = quick("experts", eight, "--need", "demensvård", "--explain").stdout
    assert "Poäng" in whole
    assert "summan av:" in whole
    assert "Eva Lind" in whole
    hidden = (
        quick("experts", eight, "--need", "demensvård", "--ids").stdout
        + quick("experts", eight, *CALLS["experts"], "--ids", "--explain").stdout
    )
    assert "10001" in hidden
    assert "Eva" not in hidden


def test_what_would_change_a_result_for_one_person_is_told_on_request(eight: Path) -> None:
    call = ("experts", eight, "--need", "demensvård=5", "--lang", "en")
    before = quick(*call).stdout
    left = quick(*call, "--change-for", "10003").stdout
    assert left.startswith(before.rstrip())
    assert "This is worked out and is no advice" in left.removeprefix(before.rstrip())
    assert "no person with id 'nobody'" in run(*call, "--change-for", "nobody", code=2).stderr


def test_a_result_that_the_data_cannot_feed_is_empty_with_a_reason_and_no_error(tmp_path: Path) -> None:
    path = tmp_path / "matris.csv"
    path.write_text("Namn;Uppdaterad;Demensvård\nEva Lind;2026-01-02;3\nBo Ek;2026-01-02;x\n", encoding="utf-8")
    shown = quick("rotation", path, "--as-of", "2026-01-02").stdout
    assert "Inget förslag." in shown
    assert "enhet och titel" in shown


def test_set_aside_rows_give_1_and_a_line_on_stderr_but_the_result_is_printed(tmp_path: Path) -> None:
    path = tmp_path / "personal.csv"
    path.write_text("Anst.nr;Namn;Från;Demensvård\n1;Eva Lind;2020-01-01;4\n1;Bo Ek;2021-01-01;3\n", encoding="utf-8")
    result = quick("experts", path, "--need", "demensvård", code=1)
    assert "Eva Lind (1)" in result.stdout
    assert result.stderr.strip() == "1 rader undantogs vid läsningen; competence check visar vilka och varför."


def test_audience_decides_whether_peoples_own_words_count(eight: Path) -> None:
    # Bo Ek says himself that he speaks Finnish; what people say of themselves is for their unit.
    assert "Bo Ek" in quick("experts", eight, "--need", "finska").stdout
    assert "Bo Ek" not in quick("experts", eight, "--need", "finska", "--audience", "organisation").stdout


def test_pinned_and_forbidden_pairs_reach_the_plan(eight: Path, tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    quick("pairs", eight, "--out", path)
    first = Suggestions.from_json(path.read_text(encoding="utf-8"))[0].people
    quick("pairs", eight, "--out", path, "--forbid", ",".join(first))
    assert first not in [s.people for s in Suggestions.from_json(path.read_text(encoding="utf-8"))]
    quick("pairs", eight, "--out", path, "--pin", ",".join(first))
    assert first in [s.people for s in Suggestions.from_json(path.read_text(encoding="utf-8"))]


def test_an_earlier_round_of_pairs_is_left_as_it_is_and_a_broken_file_is_one_line(eight: Path, tmp_path: Path) -> None:
    first = tmp_path / "omgang1.json"
    quick("pairs", eight, "--out", first)
    pairs = {tuple(m["person_id"] for m in s["members"]) for s in json.loads(first.read_text("utf-8"))["suggestions"]}
    assert pairs
    second = tmp_path / "omgang2.json"
    quick("pairs", eight, "--earlier", first, "--objective", "score", "--out", second)
    assert pairs <= {tuple(m["person_id"] for m in s["members"]) for s in json.loads(second.read_text("utf-8"))["suggestions"]}
    broken = tmp_path / "trasig.json"
    broken.write_text("[1", encoding="utf-8")
    assert run("pairs", eight, "--earlier", broken, code=2).stderr.count("\n") == 1


def test_a_rotation_takes_try_outs_open_posts_answers_of_managers_and_hours(eight: Path, tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    shown = quick(
        *("rotation", eight, "--out", path, "--weeks", "4", "--start", "2026-03-02", "--whole-posts", "--cutoff", "0.05"),
        *("--open-post", "vacant", "--placement", "Hemtjänst Söder=Vårdbiträde", "--placement", "Regionen=Vårdbiträde"),
        *("--manager", "E0=ja", "--manager", "10004=no", "--hours", "10008=dag, kväll", "--form", "tillsvidare"),
    ).stdout
    plan = Suggestions.from_json(path.read_text(encoding="utf-8"))
    told = plan.provenance.request
    assert (told["weeks"], told["start"], told["parts"], told["forms"]) == (4, "2026-03-02", False, ["tillsvidare"])
    assert told["managers"] == {"10004": False, "E0": True}
    assert told["hours"] == {"10008": ["dag", "kväll"]}
    opened = [p if isinstance(p, str) else (p["unit_id"], p["roles"][0]["title"]) for p in told["open_posts"]]
    assert sorted(opened, key=str) == sorted(["T9", ("E2", "Vårdbiträde"), ("Regionen", "Vårdbiträde")], key=str)
    chain = next(s for s in plan if s.facts.get("chain"))
    assert f"kedja av {len(chain.members)}" in " ".join(shown.split())
    assert "prova på i 4 veckor" in " ".join(shown.split())
    assert "Tom i stället" in shown
    assert {r.rule for r in plan.left_out if r.person_id == "10004"} <= {"manager_said_no", "employment_form"}


def test_periods_are_told_apart_in_the_table(eight: Path, tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    shown = quick("rotation", eight, "--periods", "2", "--cutoff", "0.1", "--out", path).stdout
    plan = Suggestions.from_json(path.read_text(encoding="utf-8"))
    assert plan.provenance.request["periods"] == 2
    assert len(plan)
    assert [f"period {s.facts['period']}" in shown for s in plan] == [True] * len(plan)


def reject_the_first(workbook: Path) -> None:
    """Write a no into the column of decisions of the first suggestion."""
    book = openpyxl.load_workbook(workbook)
    heads = [cell.value for cell in book.worksheets[0][1]]
    book.worksheets[0].cell(2, heads.index("Beslut") + 1, "avvisad")
    book.save(workbook)


def test_a_plan_goes_on_from_an_earlier_one_and_from_what_was_written_in_its_workbook(eight: Path, tmp_path: Path) -> None:
    first, sheet, second = tmp_path / "plan.json", tmp_path / "plan.xlsx", tmp_path / "ny.json"
    asked = ("rotation", eight, "--cutoff", "0.1", "--max-cycle", "2")
    quick(*asked, "--out", first)
    quick(*asked, "--out", sheet)
    ring = Suggestions.from_json(first.read_text(encoding="utf-8"))[0].people
    quick(*asked, "--earlier", first, "--out", second)
    assert Suggestions.from_json(second.read_text(encoding="utf-8")).provenance.request["earlier"]
    reject_the_first(sheet)
    quick(*asked, "--earlier", first, "--answers", sheet, "--out", second)
    assert ring not in [s.people for s in Suggestions.from_json(second.read_text(encoding="utf-8"))]
    quick(*asked, "--answers", sheet, code=2)


def test_pairs_of_an_earlier_round_take_answers_too(eight: Path, tmp_path: Path) -> None:
    first, sheet, second = tmp_path / "omgang.json", tmp_path / "omgang.xlsx", tmp_path / "ny.json"
    quick("pairs", eight, "--out", first)
    quick("pairs", eight, "--out", sheet)
    pair = Suggestions.from_json(first.read_text(encoding="utf-8"))[0].people
    reject_the_first(sheet)
    quick("pairs", eight, "--earlier", first, "--answers", sheet, "--out", second)
    assert pair not in [s.people for s in Suggestions.from_json(second.read_text(encoding="utf-8"))]


def test_several_teams_have_needs_sizes_and_priorities_of_their_own(eight: Path, tmp_path: Path) -> None:
    path = tmp_path / "teams.json"
    shown = quick(
        *("teams", eight, "--size", "2", "--out", path),
        *("--task", "Demens; demensvård=2:1; priority=2", "--task", "Samtal; bemötande; size=3; n=1; priority=1"),
    ).stdout
    plan = Suggestions.from_json(path.read_text(encoding="utf-8"))
    told = [(t["name"], t["size"], t["n"], t["priority"]) for t in plan.provenance.request["tasks"]]
    assert sorted(told) == [("Demens", 2, 1, 2), ("Samtal", 3, 1, 1)]
    assert {s.facts["task"]: len(s.people) for s in plan} == {"Demens": 2, "Samtal": 3}
    assert "”demensvård”" in shown
    assert "”bemötande”" in shown


def test_shared_leadership_takes_who_is_willing_and_says_that_sex_is_not_used(eight: Path, tmp_path: Path) -> None:
    path = tmp_path / "leda.json"
    shown = quick(
        *("teams", eight, "--need", "demensvård", "--need", "bemötande", "--purpose", "co_leaders", "--out", path),
        *("--willing", "10001", "--willing", "10003", "--willing", "10007"),
    ).stdout
    plan = Suggestions.from_json(path.read_text(encoding="utf-8"))
    assert plan.provenance.request["willing"] == ["10001", "10003", "10007"]
    assert {p for s in plan for p in s.people} <= {"10001", "10003", "10007"}
    assert "Steg 2 använder kön" not in shown


def test_settings_file_is_used_and_a_broken_one_is_one_line(eight: Path, tmp_path: Path) -> None:
    good, bad = tmp_path / "good.toml", tmp_path / "bad.toml"
    good.write_text("[suggest]\nexpert_cutoff = 1.0\n", encoding="utf-8")
    bad.write_text("[suggest\n", encoding="utf-8")
    assert "Inget förslag." in quick("experts", eight, "--need", "demensvård", "--settings", good).stdout
    for path in (bad, tmp_path / "none.toml"):
        result = quick("experts", eight, "--need", "demensvård", "--settings", path, code=2)
        assert len(result.stderr.strip().splitlines()) == 1


def test_columns_scale_and_date_reach_the_reader(tmp_path: Path) -> None:
    path = tmp_path / "lista.csv"
    path.write_text("Kodnyckel;Namn;Demensvård\n7;Eva Lind;3\n8;Bo Ek;1\n", encoding="utf-8")
    out = tmp_path / "plan.json"
    arguments = ("--columns", "Kodnyckel=person_id", "--scale", "1-3", "--as-of", "2026-01-02", "--need", "demensvård=5")
    quick("experts", path, *arguments, "--out", out)
    plan = Suggestions.from_json(out.read_text(encoding="utf-8"))
    assert plan.as_of.isoformat() == "2026-01-02"
    assert plan[0].people == ("7",)
    # The highest of three steps is level 5, so the need of level 5 is wholly covered.
    assert next(r.value for r in plan[0].reasons if r.measure == "coverage") == 1.0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("check", "x.csv", "--columns", "Anst.nr"), "RUBRIK=FÄLT"),
        (("check", "x.csv", "--scale", "a=b"), "--scale"),
        (("check", "x.csv", "--out", "x.pdf"), ".xlsx, .json"),
        (("check", "x.csv", "--out", "ingen/mapp/x.json"), "finns inte"),
        (("experts", "x.csv", "--need", "demens=7"), "nivå 1–5"),
        (("pairs", "x.csv", "--pin", "10001"), "kommatecken"),
        (("pairs", "x.csv", "--forbid", "1,2,3"), "kommatecken"),
        (("rotation", "x.csv", "--max-cycle", "5"), "--max-cycle"),
        (("teams", "x.csv", "--need", "demens", "--n", "0"), "--n"),
        (("experts", "x.csv"), "--need"),
        (("teams", "x.csv"), "--task"),
        (("teams", "x.csv", "--need", "demens", "--task", "A; demens"), "--task"),
        (("teams", "x.csv", "--task", "A"), "minst en kompetens"),
        (("teams", "x.csv", "--task", "A; demens; size=two"), "E-tjänster"),
        (("teams", "x.csv", "--need", "demens", "--willing", "1", "--purpose", "leaders"), "--purpose"),
        (("rotation", "x.csv", "--weeks", "9"), "--weeks"),
        (("rotation", "x.csv", "--periods", "0"), "--periods"),
        (("rotation", "x.csv", "--start", "i morgon"), "--start"),
        (("rotation", "x.csv", "--manager", "u-norr"), "ENHET=ja"),
        (("rotation", "x.csv", "--manager", "u-norr=kanske"), "ENHET=ja"),
        (("rotation", "x.csv", "--hours", "u-norr="), "PLATS=TIDER"),
        (("rotation", "x.csv", "--placement", "Regionen"), "ARBETSGIVARE=BEFATTNING"),
        (("rotation", "x.csv", "--earlier", "ingen.json"), "ingen.json"),
        (("experts", "--need", "demens"), "FILES"),
        (("experts", "x.csv", "--need", "demens", "--audience", "private"), "--audience"),
        (("example", ".", "--people", "3"), "--people"),
        (("nothing",), "nothing"),
    ],
)
def test_a_call_that_is_not_allowed_is_refused_before_any_file_is_opened(arguments: tuple[str, ...], said: str) -> None:
    result = run(*arguments, code=2)
    assert said in result.stderr
    assert result.stdout == ""


def test_unknown_unit_or_person_offers_what_there_is_in_one_line(eight: Path) -> None:
    result = quick("experts", eight, "--need", "demensvård", "--units", "Hemtjänst Nor", code=2)
    assert "Hemtjänst Norr" in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
    assert "4711" in quick("pairs", eight, "--mentee", "4711", code=2).stderr


def test_needs_take_a_level_and_a_head_count_after_the_words() -> None:
    need = parse_need(["demensvård", "finska=3", "köra bil = 2:4", "a=b=1"], 2, "sv")
    assert [(i.words, i.level, i.count) for i in need.items] == [
        ("demensvård", 2, 1),
        ("finska", 3, 1),
        ("köra bil", 2, 4),
        ("a=b", 1, 1),
    ]
    for wrong in ("finska=0", "finska=6", "finska=2:0", "=3", "finska=x"):
        with pytest.raises(InputError, match="WORDS=LEVEL"):
            parse_need([wrong], 1, "en")


def test_groups_of_ids_have_commas_between() -> None:
    assert parse_ids(["1, 2", "3,4"], "--pin", "sv") == [("1", "2"), ("3", "4")]
    assert parse_ids(["1,2,3"], "--pin", "sv", exactly=None) == [("1", "2", "3")]


# -- the rest -----------------------------------------------------------------------------------------------------------------


def test_example_writes_the_workbook_and_the_export_and_says_what_to_try(tmp_path: Path) -> None:
    shown = run("example", tmp_path / "kommun", "--people", "20", "--seed", "3").stdout
    assert (tmp_path / "kommun" / "staff.xlsx").is_file()
    assert list((tmp_path / "kommun" / "export").glob("*.csv"))
    assert "competence check" in shown
    assert "20 påhittade personer" in shown


def test_bundled_taxonomy_has_no_faults_and_tells_its_size() -> None:
    assert "inga fel" in run("taxonomy", "check").stdout
    info = run("taxonomy", "info", "--lang", "en").stdout
    assert "competences in" in info
    assert "CC0" in info
    cover = re.search(r"municipality: ([0-9.]+) per cent of 1994 staff", info)
    assert cover is not None
    assert float(cover[1]) >= 95


def test_taxonomy_with_a_fault_is_told_by_row_and_ends_with_1_and_none_at_all_with_2(root: Path, tmp_path: Path) -> None:
    folder = tmp_path / "taxonomy"
    folder.mkdir()
    for path in (root / "tests" / "data" / "taxonomy_small").iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    concepts = (folder / "concepts.csv").read_text(encoding="utf-8").splitlines()
    (folder / "concepts.csv").write_text("\n".join([*concepts, concepts[1]]) + "\n", encoding="utf-8")
    shown = run("taxonomy", "check", folder, code=1).stdout
    assert "finns två gånger" in shown
    assert len(run("taxonomy", "check", tmp_path / "nothing", code=2).stderr.strip().splitlines()) == 1
    assert len(run("taxonomy", "info", tmp_path / "nothing", code=2).stderr.strip().splitlines()) == 1


# -- the employer's own table and AID list ----------------------------------------------------------------------------------


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """Write a table of two rows that hold, one in conflict with the small taxonomy, and one that cannot be used."""
    path = tmp_path / "egna.csv"
    path.write_text(
        "Åtgärd;Typ;Id;Benämning sv;Mål\n"
        "byt namn;;dementia-care;minnesvård;\n"
        "lägg till;role;local:vakt;nattvakt;role-assistant-nurse\n"
        "byt namn;;borta;x;\n"
        "riv;;welding;;\n",
        encoding="utf-8",
    )
    return path


@pytest.fixture
def coded(tmp_path: Path) -> tuple[Path, Path]:
    """Write three people with titles that only their AID codes explain, and the list of those codes."""
    staff, codes = tmp_path / "personal.csv", tmp_path / "aid.csv"
    staff.write_text(
        "Anst.nr;Namn;Kön;Enhet;Befattning;AID;Minnesvård;Från\n"
        "1;Eva Lind;kvinna;Norr;Omsorgare;900001;4;2020-01-01\n"
        "2;Bo Ek;man;Norr;Fixare;900002;;2021-02-01\n"
        "3;Maj Sand;kvinna;Söder;Nattvakt;;5;2023-03-01\n",
        encoding="utf-8",
    )
    codes.write_text("AID;Etikett;SSYK\n900001;Undersköterska;\n900002;Annat, städning;9111\n", encoding="utf-8")
    return staff, codes


def test_check_reads_titles_by_the_aid_list_and_words_by_the_employers_own_table(coded: tuple[Path, Path], own: Path) -> None:
    staff, codes = coded
    assert "Titlar: 0 av 3 kopplade till en roll." in quick("check", staff).stdout
    shown = quick("check", staff, "--aid", codes, "--local", own, code=1).stdout
    assert "Titlar: 3 av 3 kopplade till en roll." in shown
    assert "egna.csv, action, rad 5: " in shown
    assert "egna.csv, id, rad 4: Tabellen ändrar borta" in shown
    assert "blev ett eget begrepp" not in shown


def test_a_code_that_the_list_lacks_is_told_among_the_problems(coded: tuple[Path, Path], tmp_path: Path) -> None:
    (tmp_path / "aid.csv").write_text("AID;Etikett\n900001;Undersköterska\n12;kort\n", encoding="utf-8")
    shown = quick("check", coded[0], "--aid", coded[1], code=1).stdout
    assert "aid.csv, code, rad 3: ”12” är ingen AID-kod" in shown
    assert "ord till kompetens, aid: AID-koden 900002 finns inte i er AID-lista." in shown


def test_suggestions_are_made_in_the_employers_own_words(coded: tuple[Path, Path], own: Path) -> None:
    result = quick("experts", coded[0], "--need", "minnesvård=3", "--local", own, "--aid", coded[1], code=1)
    assert "”minnesvård” lästes som minnesvård, nivå 3." in result.stdout
    assert {"Eva Lind", "Maj Sand"} == set(re.findall("Eva Lind|Bo Ek|Maj Sand", result.stdout))
    # The row that cannot be used, and the row that changes what is not there.
    assert "2 rader undantogs" in result.stderr


@pytest.mark.parametrize("option", ["--local", "--aid"])
def test_a_table_of_ones_own_that_cannot_be_read_is_one_line_and_2(three: Path, tmp_path: Path, option: str) -> None:
    other = tmp_path / "annat.csv"
    other.write_text("a;b\n1;2\n", encoding="utf-8")
    for path in (other, tmp_path / "none.csv"):
        assert len(quick("check", three, option, path, code=2).stderr.strip().splitlines()) == 1


def test_taxonomy_check_lists_where_the_own_table_and_the_taxonomy_disagree(own: Path, tmp_path: Path) -> None:
    shown = run("taxonomy", "check", SMALL, "--local", own, code=1).stdout
    assert "Er egen tabell egna.csv: 3 rader, 2 fel och 0 saker att känna till." in shown
    assert "egna.csv, id, rad 4: Tabellen ändrar borta" in shown
    good = tmp_path / "bra.csv"
    good.write_text("action,id,label_sv\nrename,dementia-care,minnesvård\n", encoding="utf-8")
    assert "1 rows, 0 faults" in run("taxonomy", "check", SMALL, "--local", good, "--lang", "en").stdout
    assert "5 roller" in run("taxonomy", "info", SMALL, "--local", own).stdout


def test_taxonomy_local_writes_the_table_back_with_what_was_renamed(own: Path, tmp_path: Path) -> None:
    out = tmp_path / "ut.csv"
    shown = run("taxonomy", "local", own, "--taxonomy", SMALL, "--out", out, code=1).stdout
    assert str(out) in shown
    rows = competence.read_local(out).rows
    assert [(r.id, r.was_sv) for r in rows] == [("dementia-care", "demensvård"), ("local:vakt", ""), ("borta", "")]


def test_taxonomy_local_keeps_what_somebody_has_and_the_new_version_lacks(own: Path, three: Path, tmp_path: Path) -> None:
    out = tmp_path / "ut.csv"
    new = competence.Taxonomy.read(SMALL)
    less = type(new).of([c for c in new if c.concept_id not in ("finnish", "welding")], id=new.id)
    less.write(tmp_path / "ny")
    call = ("taxonomy", "local", own, "--taxonomy", tmp_path / "ny", "--out", out)
    shown = run(*call[:3], three, *call[3:], "--before", SMALL, code=1).stdout
    assert "finnish finns inte i den nya versionen" in shown
    assert [r.id for r in competence.read_local(out).rows if r.action == "keep"] == ["finnish"]
    assert "hör ihop" in run(*call, "--before", SMALL, code=2).stderr
    assert ".csv" in run(*call[:-1], tmp_path / "ut.xlsx", code=2).stderr
    assert "finns inte" in run(*call[:-1], tmp_path / "mapp" / "ut.csv", code=2).stderr


def test_without_the_service_serve_and_migrate_say_in_one_line_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.metadata, "entry_points", lambda **_: [])
    for command in ("serve", "migrate"):
        result = run(command, "--port", "1", code=2)
        assert "pip install" in result.stderr
        assert "competence[service]" in result.stderr
        assert len(result.stderr.strip().splitlines()) == 1
    assert "serve" in run("--help").stdout


def test_a_service_whose_packages_are_missing_says_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken:
        name = "serve"

        def load(self) -> object:
            raise ModuleNotFoundError("No module named 'flask'", name="flask")

    class Late:
        name = "migrate"

        def load(self) -> object:
            def start() -> None:
                raise ModuleNotFoundError("No module named 'alembic'", name="alembic")

            return click.Command("migrate", callback=start)

    monkeypatch.setattr(importlib.metadata, "entry_points", lambda **_: [Broken(), Late()])
    for command in ("serve", "migrate"):
        assert "competence[service]" in run(command, code=2).stderr


def test_a_command_of_another_package_is_run_and_its_refusal_ends_with_2(monkeypatch: pytest.MonkeyPatch) -> None:
    class Point:
        name = "serve"

        def load(self) -> object:
            def refuse() -> None:
                raise click.ClickException("ports are all in use")

            return click.Command("serve", callback=refuse)

    monkeypatch.setattr(importlib.metadata, "entry_points", lambda **_: [Point()])
    assert "ports are all in use" in run("serve", code=2).stderr


def test_progress_goes_to_stderr_and_only_when_asked_for_where_there_is_no_terminal(eight: Path) -> None:
    quiet, told = quick("pairs", eight), quick("pairs", eight, "--progress")
    assert quiet.stderr == ""
    assert quiet.stdout == told.stdout
    assert told.stderr.splitlines()[0] == "Läser filer"


def test_language_can_be_set_once_for_all_by_the_environment(eight: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COMPETENCE_LANG", "en")
    assert "This is a draft." in quick("experts", eight, "--need", "demensvård").stdout
    assert run("experts", "none.csv", "--need", "demensvård", code=2).stderr.startswith("Error: none.csv: ")


def test_version_is_the_library_s() -> None:
    assert competence.__version__ in run("--version").stdout


@pytest.mark.parametrize(
    "command", [(), ("check",), ("taxonomy",), ("taxonomy", "check"), ("taxonomy", "local"), *((name,) for name in CALLS)]
)
def test_every_command_explains_itself(command: tuple[str, ...]) -> None:
    shown = run(*command, "--help").stdout
    assert "Usage:" in shown
    if command and command[0] in CALLS:
        assert "--audience" in shown
        assert "what people" in " ".join(shown.split())


def test_module_is_the_same_command_and_a_narrow_character_set_is_no_error(three: Path, root: Path, tmp_path: Path) -> None:
    environment = os.environ | {"PYTHONIOENCODING": "cp1252", "PYTHONPATH": str(root), "PYTHONWARNINGS": "error"}
    broken = tmp_path / "personal.csv"
    broken.write_text("Anst.nr;Namn;Från\n1;Łucja Ż;2026-02-30\n2;Eva;2020-01-01\n", encoding="utf-8")
    result = subprocess.run(
        [sys.executable, "-m", "competence", "check", str(broken)], env=environment, capture_output=True, timeout=120
    )
    assert result.returncode == 0, result.stderr
    shown = result.stdout.decode("cp1252")
    assert "Skriv ÅÅÅÅ-MM-DD" in shown
    assert "Datumet ”2026-02-30” finns inte." in shown


def test_help_loads_neither_pandas_nor_solvers() -> None:
    heavy = ("pandas", "numba", "ortools", "sklearn", "scipy", "numpy")
    code = f"import sys, competence.cli; print([m for m in {heavy} if m in sys.modules])"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True).stdout
    assert shown.strip() == "[]"


def test_table_breaks_long_cells_within_their_column_and_keeps_the_indent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    lines = _table(
        ["Nr", "Vem", "Varför"], [[["1"], ["Eva Lind (1)", "  Enhet med ett långt namn"], ["kort"]]], (3, 14), right=(0,)
    )
    assert lines[0] == "Nr  Vem             Varför"
    assert lines[2] == " 1  Eva Lind (1)    kort"
    assert lines[3] == "      Enhet med"
    assert lines[4] == "        ett långt"


# -- words that were not understood ------------------------------------------------------------------------------------------


@pytest.fixture
def unclear(tmp_path: Path) -> Path:
    """Write three people with two spellings of a system, and two titles, that no taxonomy knows."""
    path = tmp_path / "oklart.csv"
    path.write_text(
        "Anst.nr;Namn;Kön;Enhet;Befattning;Från;Demensvård;Procapitasystem;Procapittasystem\n"
        "1;Eva Lind;kvinna;Norr;Undersköterska;2020-01-01;4;3;\n"
        "2;Bo Ek;man;Norr;Fixare;2021-02-01;2;3;\n"
        "3;Maj Sand;kvinna;Söder;Omsorgare;2023-03-01;;5;4\n",
        encoding="utf-8",
    )
    return path


def filled(path: Path, sheet: str, choices: dict[str, str], to: Path) -> Path:
    """Write in the column of choices of a sheet, as somebody would, by the first cell of the row."""
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.load_workbook(path)
    heads = [str(cell.value) for cell in book[sheet][1]]
    column = next(k for k, head in enumerate(heads, start=1) if head.startswith(("Val", "Choice")))
    for row in book[sheet].iter_rows(min_row=2):
        if str(row[0].value) in choices:
            book[sheet].cell(row[0].row, column, choices[str(row[0].value)])
    book.save(to)
    return to


@pytest.mark.parametrize(("lang", "sheets"), [("sv", ("Ord", "Slå ihop")), ("en", ("Words", "Merge"))])
def test_words_are_settled_in_one_workbook_that_every_command_takes(
    unclear: Path, tmp_path: Path, lang: str, sheets: tuple[str, str]
) -> None:
    first, second, third = (tmp_path / f"{n}.xlsx" for n in ("first", "second", "third"))
    shown = quick("words", unclear, "--out", first, "--lang", lang).stdout
    assert "Procapittasystem (1) → Procapitasystem" in shown
    assert "Fixare" in shown
    filled(first, sheets[0], {"Fixare": "role-cleaner", "Omsorgare": "0"}, second)
    filled(second, sheets[1], {"Procapittasystem": "ja" if lang == "sv" else "yes"}, second)
    checked = quick("check", unclear, "--words", second).stdout
    assert "Titlar: 2 av 3 kopplade till en roll." in checked
    assert "blev ett eget begrepp" not in checked
    again = quick("words", unclear, "--words", second, "--out", third).stdout
    assert again.startswith("0 ord eller fraser förstods inte (0 gånger i filerna). 2 val gäller.")
    # What was chosen came along to the next workbook.
    assert quick("words", unclear, "--words", third).stdout == again.replace(f"Skrivet: {third}\n", "")
    assert "Titlar: 2 av 3 kopplade till en roll." in quick("check", unclear, "--words", third).stdout


def test_suggestions_are_made_with_the_words_chosen(unclear: Path, tmp_path: Path) -> None:
    table = tmp_path / "ord.csv"
    table.write_text("Ord;Val;Vem\nProcapitasystem;teckenspråk;Eva\n", encoding="utf-8")
    asked = ("experts", unclear, "--need", "teckenspråk", "--audience", "manager")
    assert "Bo Ek" not in quick(*asked).stdout
    assert "Bo Ek" in quick(*asked, "--words", table).stdout


def test_a_choice_that_cannot_be_used_is_told_and_ends_with_1_and_no_table_at_all_with_2(unclear: Path, tmp_path: Path) -> None:
    table = tmp_path / "ord.csv"
    table.write_text("Ord;Val\nFixare;kranförare\nOmsorgare;3\n", encoding="utf-8")
    shown = quick("check", unclear, "--words", table, code=1).stdout
    assert "Valet för ”Fixare” finns inte i taxonomin: kranförare." in shown
    assert "”3” är inget av förslagen för ”Omsorgare”." in shown
    assert quick("check", unclear, "--words", unclear, code=2).stderr.startswith("Fel: ")


def test_words_are_written_as_json_too(unclear: Path, tmp_path: Path) -> None:
    path = tmp_path / "ord.json"
    quick("words", unclear, "--out", path)
    whole = json.loads(path.read_text(encoding="utf-8"))
    assert [row["words"] for row in whole["unknown"]] == ["Procapitasystem", "Fixare", "Omsorgare", "Procapittasystem"]
    assert [(t["label"], t["target_label"], t["reason"]) for t in whole["similar"]] == [
        ("Procapittasystem", "Procapitasystem", "spelling")
    ]
