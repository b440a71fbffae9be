"""The example municipality: sizes and shares of DOMAIN 6B, the people the README speaks of, faults counted, bytes equal."""

from __future__ import annotations

import csv
import hashlib
import io
import os
import re
import subprocess
import sys
from collections import Counter
from datetime import date, timedelta
from pathlib import Path

import pytest

from competence.errors import InputError
from competence.example import ExampleTruth, example_municipality, example_truth, planted, write_example
from competence.example._people import Draw, Municipality, read_rows, share_out
from competence.example._tables import Row, Tables
from competence.graph import build_graph
from competence.io import read_staff
from competence.linking import link_statements
from competence.model import InterestKind, OptIn, Sex, Visibility
from competence.staff import Staff
from competence.suggest.mentoring import pair_mentors
from competence.suggest.rotation import plan_rotation
from competence.taxonomy import Taxonomy

# DOMAIN 6B by hand: people of 2 000, and the percentage of women, lowest and highest.
TABLE = {
    "usk": (270, 88, 90),
    "vb": (100, 71, 72),
    "stod": (120, 72, 73),
    "pa": (60, 72, 72),
    "ssk": (50, 89, 89),
    "rehab": (15, 85, 85),
    "bist": (12, 92, 92),
    "larare": (250, 74, 74),
    "forsk": (160, 96, 96),
    "barnsk": (175, 91, 91),
    "elevass": (100, 63, 63),
    "gym": (65, 53, 53),
    "fritids": (55, 68, 68),
    "spec": (35, 88, 88),
    "lokal": (65, 73, 73),
    "kock": (35, 51, 51),
    "malt": (45, 60, 60),
    "adm": (60, 79, 79),
    "handl": (55, 66, 66),
    "stab": (45, 62, 62),
    "fastighet": (40, 17, 17),
    "teknik": (45, 45, 45),
    "kultur": (30, 65, 65),
    "soc": (40, 86, 86),
    "ec": (30, 85, 85),
    "rektor": (25, 75, 75),
    "ovr": (18, 50, 50),
}
SHEETS = ["Personal", "Enheter", "Tjänster", "Rollkrav", "Utsagor", "Belägg", "Intressen", "Restider", "Historik", "Beslut"]


@pytest.fixture(scope="module")
def taxonomy() -> Taxonomy:
    return Taxonomy.bundled("municipal")


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a whole example of 2 000 people."""
    folder = tmp_path_factory.mktemp("example")
    write_example(folder, people=2000, seed=7)
    return folder


@pytest.fixture(scope="module")
def staff(files: Path) -> Staff:
    return read_staff(files / "staff.xlsx")


@pytest.fixture(scope="module")
def truth() -> ExampleTruth:
    return example_truth(2000, 7)


@pytest.fixture(scope="module")
def small() -> Tables:
    return Tables(Municipality(200, 1))


def _export(folder: Path, name: str) -> list[dict[str, str]]:
    raw = (folder / "export" / f"{name}.csv").read_bytes().decode("cp1252")
    return list(csv.DictReader(io.StringIO(raw), delimiter=";"))


def _first_rows(people: list[dict[str, str]]) -> dict[str, dict[str, str]]:
    first: dict[str, dict[str, str]] = {}
    for row in people:
        first.setdefault(row["ANSTNR"], row)
    return first


def _digests(paths: list[Path]) -> list[str]:
    return [hashlib.sha256(p.read_bytes()).hexdigest() for p in paths]


# -- the same bytes ------------------------------------------------------------------------------------------------


def test_equal_arguments_give_equal_bytes(tmp_path: Path) -> None:
    once, again = (write_example(tmp_path / name, people=60, seed=7) for name in ("a", "b"))
    assert [p.name for p in once] == [p.name for p in again]
    assert _digests(once) == _digests(again)


def test_bytes_depend_on_neither_hash_seed_nor_time_zone(tmp_path: Path) -> None:
    code = (
        "import sys, hashlib; from competence.example import write_example;"
        "print([hashlib.sha256(p.read_bytes()).hexdigest() for p in write_example(sys.argv[1], people=60, seed=7)])"
    )
    seen = set()
    for number, zone in ((1, "Europe/Stockholm"), (2, "Pacific/Auckland")):
        env = {**os.environ, "PYTHONHASHSEED": str(number), "TZ": zone}
        done = subprocess.run([sys.executable, "-c", code, str(tmp_path / zone[:4])], env=env, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        seen.add(done.stdout)
    assert len(seen) == 1


def test_the_stream_of_draws_is_that_of_the_published_generator() -> None:
    # Mersenne Twister seeded with a text: Python promises this sequence for ever, so a change here means that every
    # example ever written would change.
    draw = Draw("competence-example", 2000, 7, "order")
    assert [draw.below(1000) for _ in range(5)] == [int(x * 1000) for x in _mersenne("competence-example/2000/7/order", 5)]


def _mersenne(key: str, n: int) -> list[float]:
    """Compute random() by numpy's MT19937, seeded as CPython seeds from a text."""
    from numpy.random import MT19937, RandomState

    raw = key.encode() + hashlib.sha512(key.encode()).digest()
    whole = int.from_bytes(raw, "big")
    words = []
    while whole:
        words.append(whole & 0xFFFFFFFF)
        whole >>= 32
    bits = MT19937()
    bits._legacy_seeding(words)
    return list(RandomState(bits).random_sample(n))


def test_another_seed_gives_other_people_in_an_organisation_of_the_same_size() -> None:
    one, two = Municipality(200, 1), Municipality(200, 2)
    assert [h.last for h in one.hands] != [h.last for h in two.hands]
    assert Counter(h.job.group for h in one.hands) == Counter(h.job.group for h in two.hands)
    assert [u.name for u in one.units] == [u.name for u in two.units]


# -- sizes and shares ----------------------------------------------------------------------------------------------


def test_group_sizes_are_exact_and_womens_shares_within_two_points(files: Path, truth: ExampleTruth) -> None:
    groups = truth.groups
    people = _first_rows(_export(files, "personal"))
    assert len(people) == len(groups) == 2000
    for group, (size, lowest, highest) in TABLE.items():
        sexes = Counter(people[i]["KÖN"] for i, g in groups.items() if g == group)
        assert sexes.total() == size, group
        share = 100 * sexes["Kvinna"] / (sexes["Kvinna"] + sexes["Man"])
        assert lowest - 2 <= share <= highest + 2, group
    whole = Counter(p["KÖN"] for p in people.values())
    assert 74 <= 100 * whole["Kvinna"] / (whole["Kvinna"] + whole["Man"]) <= 79
    assert whole[""] + whole["Uppgift saknas"] == 10


def test_titles_tell_the_group(files: Path, truth: ExampleTruth) -> None:
    owner: dict[str, str] = {}
    for row in read_rows("titles.csv"):
        assert owner.setdefault(row["title"].casefold(), row["group"]) == row["group"]
    groups = truth.groups
    for person_id, row in _first_rows(_export(files, "personal")).items():
        title = " ".join(re.sub(r" \d+ % / .*", "", row["BEFATTNING"]).casefold().split())
        assert owner[title] == groups[person_id]


@pytest.mark.parametrize(
    ("weights", "total", "parts"), [([1, 1, 1], 4, [2, 1, 1]), ([270, 100, 30], 40, [27, 10, 3]), ([3, 5], 1, [0, 1])]
)
def test_largest_remainder_by_hand(weights: list[int], total: int, parts: list[int]) -> None:
    assert share_out(weights, total) == parts


@pytest.mark.parametrize("people", [8, 9, 31, 77, 199, 201, 640])
def test_every_size_gives_that_many_people_and_no_empty_table(people: int) -> None:
    sheets = Tables(Municipality(people, 3)).by_sheet
    assert list(sheets) == SHEETS
    assert all(sheets.values())
    assert {r["Anst.nr"] for r in sheets["Personal"]} == set(range(10001, 10001 + people))


def test_unit_codes_and_names_are_unique_however_many_units_there_are() -> None:
    units = Municipality(20_000, 1).units
    assert len({u.code for u in units}) == len({u.name for u in units}) == len(units)
    assert all(u.parent in {p.code for p in units} for u in units if u.parent)


@pytest.mark.parametrize("people", [7, 60_001, 0, -5])
def test_sizes_outside_the_range_are_told(people: int) -> None:
    with pytest.raises(InputError, match="from 8 to 60 000"):
        Municipality(people, 1)


def test_terms_of_employment_are_plausible(files: Path, truth: ExampleTruth) -> None:
    people = _first_rows(_export(files, "personal"))
    full = sum(p["SYSS_GRAD"] in ("100", "100 %", "1,0") for p in people.values())
    assert 0.70 <= full / 2000 <= 0.78
    forms = Counter(p["ANST_FORM"] for p in people.values())
    assert 0.82 <= forms["Tillsvidareanställning"] / 2000 <= 0.93
    groups = truth.groups
    for group in ("usk", "larare", "forsk", "barnsk"):
        ages = [2026 - int(p["FODELSEAR"]) for i, p in people.items() if groups[i] == group]
        assert 40 <= sum(ages) / len(ages) <= 46
    assert all(19 <= 2026 - int(p["FODELSEAR"]) <= 67 for i, p in people.items() if i not in truth.under_age)


def test_about_three_percent_have_several_employments_and_some_two_roles_in_one(files: Path) -> None:
    rows = _export(files, "personal")
    several = {i for i, n in Counter(r["ANSTNR"] for r in rows).items() if n > 1}
    assert 0.02 <= len(several) / 2000 <= 0.04
    assert sum(" % / " in r["BEFATTNING"] for r in rows) >= 10


def test_opt_ins_are_yes_for_sixty_percent_and_no_for_five(staff: Staff) -> None:
    for question in ("mentor", "mentee", "rotation", "expert", "prompts"):
        said = Counter(getattr(p.opt_ins, question) for p in staff.people)
        assert 0.56 <= said[OptIn.YES] / len(staff.people) <= 0.64
        assert 0.035 <= said[OptIn.NO] / len(staff.people) <= 0.065


# -- reading back --------------------------------------------------------------------------------------------------


def test_reading_finds_the_planted_faults_and_no_others(files: Path, staff: Staff, truth: ExampleTruth) -> None:
    assert staff.problems.by_code() == {
        "protected": 4,
        "under_age": 2,
        "duplicate_row": truth.faults["duplicate_row"],
        "column_forbidden": 1,
        "column_unknown": 1,
        "fte_over_100": 1,
        "unknown_unit": 1,
        "date_invalid": 1,
        "unknown_person": 1,
    }
    named = {p.column for p in staff.problems if p.code in ("column_forbidden", "column_unknown")}
    assert named == {"Frånvarodagar", "Skåpnr"}
    gone = {*truth.protected, *truth.under_age}
    assert {p.person_id for p in staff.people} == set(truth.groups) - gone


def test_rows_read_are_rows_kept_and_rows_set_aside(files: Path, staff: Staff, truth: ExampleTruth) -> None:
    counts = {c.table: c for c in staff.row_counts}
    export = _export(files, "personal")
    left_out = sum(r["ANSTNR"] in {*truth.protected, *truth.under_age} for r in export)
    assert counts["people"].read == len(export)
    assert counts["people"].set_aside == left_out + truth.faults["duplicate_row"]
    for table in ("units", "role_requirements", "travel", "history", "decisions"):
        assert counts[table].set_aside == 0
    hidden = set(truth.protected)
    for table, name in (("statements", "utsagor"), ("evidence", "belägg"), ("interests", "intressen")):
        rows = _export(files, name)
        assert counts[table].read == len(rows)
        stray = sum(r["Anst.nr"] == "9001" for r in rows)
        assert counts[table].set_aside == sum(r["Anst.nr"] in hidden for r in rows) + stray


def test_the_export_holds_the_same_people_as_the_workbook(files: Path, staff: Staff) -> None:
    export = read_staff(files / "export")
    assert export.people == staff.people
    assert export.as_of == staff.as_of == date(2026, 10, 31)
    for table in ("units", "posts", "roles", "statements", "evidence", "interests", "travel", "history", "decisions"):
        assert set(map(repr, getattr(export, table))) == set(map(repr, getattr(staff, table))), table


def test_every_table_of_the_workbook_is_read(staff: Staff) -> None:
    for table in ("units", "posts", "roles", "statements", "evidence", "interests", "travel", "history", "decisions"):
        assert getattr(staff, table), table
    assert staff.opt_in_columns == {"mentor", "mentee", "rotation", "expert", "prompts"}
    assert {r.label("sv") for r in staff.roles} == {"Fritidsbanksansvarig", "Digitaliseringscoach"}
    assert all(r.requirements for r in staff.roles)
    assert any(p.holder_id is None for p in staff.posts)
    assert len({u.site for u in staff.units}) >= 8


def test_example_municipality_is_what_reading_its_workbook_gives(tmp_path: Path) -> None:
    made = example_municipality(60, 5)
    written = read_staff(write_example(tmp_path, people=60, seed=5)[0])
    assert made == written


# -- the people the examples speak of ------------------------------------------------------------------------------


def _who(tables: Tables) -> dict[str, Row]:
    first: dict[str, Row] = {}
    for row in tables.by_sheet["Personal"]:
        first.setdefault(str(row["Anst.nr"]), row)
    return first


@pytest.mark.parametrize("seed", range(1, 21))
def test_home_care_and_the_two_mentees_exist_for_every_seed(seed: int, taxonomy: Taxonomy) -> None:
    tables = Tables(Municipality(200, seed))
    sheets, people = tables.by_sheet, _who(tables)
    codes = {u["Enhetsnamn"]: u["Enhetskod"] for u in sheets["Enheter"]}
    leads = {str(u[c]) for u in sheets["Enheter"] for c in ("Chef 1", "Chef 2") if u[c]}
    truth = tables.truth()
    gone = {*truth.protected, *truth.under_age}
    homes = {name: [i for i, p in people.items() if p["Enhet"] == codes[name] and i not in gone] for name in _HOMES}
    assert all(len(ids) >= 12 for ids in homes.values())
    assert len(truth.protected) == 4
    assert 1 <= len(truth.under_age) <= 2
    assert any(u["Chef 2"] for u in sheets["Enheter"])
    days = {str(r["Datum"]): str(r["Anst.nr"]) for r in sheets["Utsagor"]}
    assert not {days["2026-10-31"], days["2026-02-30"]} & gone
    levels: dict[tuple[str, str], int] = {}
    for row in sheets["Belägg"]:
        key = (str(row["Anst.nr"]), str(row["Kompetens"]))
        levels[key] = max(levels.get(key, 0), int(str(row["Nivå"])))
    mentors = {i for i, p in people.items() if p["Mentor"] == "Ja" and i not in gone | leads}
    for mentee in ("10014", "10031"):
        person = people[mentee]
        assert person["Adept"] == "Ja"
        assert person["Kön"] in ("Kvinna", "Man")
        assert mentee not in leads | gone
        wishes = [str(r["Kompetens"]) for r in sheets["Intressen"] if str(r["Anst.nr"]) == mentee and r["Vill"] == "lära mig"]
        assert wishes
        for wish in wishes[:2]:
            own = levels[mentee, wish]
            others = [i for (i, c), level in levels.items() if c == wish and i in mentors and 1 <= level - own <= 3]
            assert len(others) >= 3, wish
    # A swap: someone willing in each unit who meets the other's post, half of it at least, with something left to learn.
    able = {name: [i for i in ids if _may_swap(i, people, levels, sheets, taxonomy)] for name, ids in homes.items()}
    assert all(len(ids) >= 2 for ids in able.values())


_HOMES = ("Hemtjänst Norr", "Hemtjänst Söder")


def _may_swap(
    i: str, people: dict[str, Row], levels: dict[tuple[str, str], int], sheets: dict[str, list[Row]], taxonomy: Taxonomy
) -> bool:
    role = taxonomy.role("role-assistant-nurse-home-care")
    # "Usk hemtjänst" or "Undersköterska hemtjänst": the same role on both sides of the swap.
    same = str(people[i]["Befattning"]).casefold().strip().endswith("hemtjänst") and "undersk" in _long(
        str(people[i]["Befattning"])
    )
    met = covered = weight = 0.0
    lacking = False
    for need in role.requirements:
        held = levels.get((i, taxonomy.concept(need.concept_id).label("sv")), 0)
        if need.hard:
            if held < need.level:
                return False
            continue
        weight += need.weight
        covered += need.weight * min(held / need.level, 1)
        lacking |= held < need.level
        met += 1
    return same and people[i]["Rotation"] == "Ja" and covered / weight >= 0.5 and lacking


def _long(title: str) -> str:
    return title.casefold().replace("usk ", "undersköterska ")


def test_the_two_mentees_get_mentors_and_home_care_gets_a_rotation(taxonomy: Taxonomy) -> None:
    graph = build_graph(link_statements(example_municipality(200, 1), taxonomy), taxonomy)
    pairs = pair_mentors(graph, mentees=["10014", "10031"], capacity=2)
    assert {s.people[0] for s in pairs} == {"10014", "10031"}
    assert len(plan_rotation(graph, units=list(_HOMES), months=6)) >= 1


# -- what is said --------------------------------------------------------------------------------------------------


def test_sayings_are_many_written_by_hand_and_tied_to_concepts(taxonomy: Taxonomy) -> None:
    sayings = read_rows("statements.csv")
    texts = [s["text"] for s in sayings]
    assert len(set(texts)) == len(texts)
    tied = [s for s in sayings if s["concepts"]]
    assert len(tied) >= 250
    assert len(sayings) - len(tied) >= 25
    concepts = {c for s in tied for c in s["concepts"].split("+")}
    assert concepts <= set(taxonomy.concepts)
    assert len(concepts) >= 200
    rare = [c for c in concepts if taxonomy.concept(c).rarely_named]
    assert len(rare) >= 100
    assert {r["role_id"] for r in read_rows("titles.csv") if not r["role_id"].startswith("local:")} <= set(taxonomy.roles)


def test_nobody_says_anything_of_faith_union_party_origin_or_illness_of_their_own() -> None:
    never = re.compile(
        r"kyrk|moské|muslim|kristen|\btro\b|troende|facklig|fackförening|skyddsombud|kommunal(?:are)?\b|parti|politik|moderat|"
        r"socialdemokrat|etnisk|invandrare|flykting|min diagnos|jag har (?:adhd|autism|ms)\b|sjukskriv|deprimerad|cancer",
        re.IGNORECASE,
    )
    assert [s["text"] for s in read_rows("statements.csv") if never.search(s["text"])] == []


def test_planted_truth_is_what_the_table_of_statements_says(files: Path, taxonomy: Taxonomy, truth: ExampleTruth) -> None:
    assert planted(2000, 7) == truth.planted
    rows = {r["Utsage-id"]: r for r in _export(files, "utsagor") if r["Anst.nr"] != "9001"}
    assert len(rows) == len(_export(files, "utsagor")) - 1
    told = {p.statement_id for p in truth.planted}
    assert told.isdisjoint(truth.meaningless)
    assert told | set(truth.meaningless) == set(rows)
    assert all(rows[p.statement_id]["Anst.nr"] == p.person_id for p in truth.planted)
    assert all(p.concept_id in taxonomy.concepts for p in truth.planted)
    assert 2.3 <= len(rows) / 2000 <= 2.7
    plain = {t["text"].casefold(): set(t["concepts"].split("+")) for t in read_rows("statements.csv") if "{n}" not in t["text"]}
    by_statement: dict[str, set[str]] = {}
    for p in truth.planted:
        by_statement.setdefault(p.statement_id, set()).add(p.concept_id)
    same = [i for i, r in rows.items() if r["Vad jag kan"].casefold().strip(" .") in plain and i in by_statement]
    assert len(same) >= 2000
    assert all(by_statement[i] == plain[rows[i]["Vad jag kan"].casefold().strip(" .")] for i in same)
    assert 0.05 <= sum(p.misspelt for p in truth.planted) / len(truth.planted) <= 0.15


def test_statements_are_recent_and_mostly_open_to_the_organisation(staff: Staff) -> None:
    days = [s.day for s in staff.statements if s.day]
    assert min(days) >= staff.as_of - timedelta(days=6 * 365 + 2)
    assert max(days) == staff.as_of
    seen = Counter(s.visibility for s in staff.statements)
    shares = {v: seen[v] / len(staff.statements) for v in Visibility}
    assert abs(shares[Visibility.ORGANISATION] - 0.75) < 0.03
    assert abs(shares[Visibility.UNIT] - 0.18) < 0.03
    assert 0 < shares[Visibility.PRIVATE] < 0.06
    assert 0 < shares[Visibility.MANAGER] < 0.07


def test_licensed_roles_are_held_with_formal_proof(taxonomy: Taxonomy) -> None:
    tables = Tables(Municipality(640, 2))
    truth = tables.truth()
    proved = {(str(r["Anst.nr"]), r["Kompetens"]) for r in tables.by_sheet["Belägg"] if r["Lärform"] == "formell"}
    asked = 0
    for person_id, role in truth.roles.items():
        if role.startswith("local:") or person_id in truth.under_age:
            continue
        for need in taxonomy.role(role).requirements:
            if need.hard:
                asked += 1
                assert (person_id, taxonomy.concept(need.concept_id).label("sv")) in proved
    assert asked > 300


def test_interests_are_of_all_three_kinds(staff: Staff) -> None:
    kinds = Counter(i.kind for i in staff.interests)
    assert all(kinds[k] > 50 for k in InterestKind)


# -- nobody is meant -----------------------------------------------------------------------------------------------


def test_no_personal_identity_number_anywhere(files: Path) -> None:
    shape = re.compile(r"\d{6}[-+ ]?\d{4}|\d{10}")
    for path in sorted((files / "export").iterdir()):
        assert shape.search(path.read_bytes().decode("cp1252")) is None, path.name


def test_names_come_from_the_lists_and_are_plain_letters(small: Tables) -> None:
    for row in small.by_sheet["Personal"]:
        for column in ("Förnamn", "Efternamn"):
            assert re.fullmatch(r"[^\W\d_]+(?:-[^\W\d_]+)?", str(row[column]))


def test_protected_and_under_age_people_hold_nothing_that_names_them_elsewhere(staff: Staff, truth: ExampleTruth) -> None:
    gone = {*truth.protected, *truth.under_age}
    text = repr((staff.units, staff.posts, staff.statements, staff.evidence, staff.interests, staff.history, staff.decisions))
    assert not any(f"'{i}'" in text for i in gone)
    assert all(p.sex in (Sex.WOMAN, Sex.MAN, Sex.NOT_STATED) for p in staff.people)


def test_nearly_every_title_is_understood(taxonomy: Taxonomy) -> None:
    from competence.linking import Linker

    linker = Linker.fit(taxonomy)
    found, whole = 0, 0
    for row in read_rows("titles.csv"):
        whole += 1
        best = linker.link_role(row["title"]).best
        found += row["role_id"].startswith("local:") or best is not None
    assert found / whole >= 0.95
