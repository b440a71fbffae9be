"""Taxonomy: reading, writing, finding, merging, and the bundled municipal one."""

from __future__ import annotations

import csv
import shutil
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from competence.errors import InputError, TaxonomyError, UnknownIdError, UnreadableFileError
from competence.model import Concept, ConceptKind, Importance, Requirement, Role
from competence.taxonomy import Taxonomy, check

SMALL = Path(__file__).parent / "data" / "taxonomy_small"


@pytest.fixture(scope="module")
def small() -> Taxonomy:
    return Taxonomy.read(SMALL)


@pytest.fixture(scope="module")
def municipal() -> Taxonomy:
    return Taxonomy.bundled("municipal")


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return Path(shutil.copytree(SMALL, tmp_path / "copy"))


def append(folder: Path, table: str, *cells: str) -> int:
    """Add one row; return its number as an editor shows it."""
    path = folder / f"{table}.csv"
    with path.open("a", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerow(cells)
    return len(path.read_text(encoding="utf-8").splitlines())


def codes(folder: Path) -> dict[str, int]:
    """Faults of a copy of the small taxonomy, beside the four roles that have few requirements by design."""
    return {code: n for code, n in check(folder).by_code().items() if code != "taxonomy_few_requirements"}


def test_every_column_of_the_files_reaches_its_record(small: Taxonomy) -> None:
    welding = small.concept("welding")
    assert welding.labels == {"sv": "svetsning", "en": "welding"}
    assert welding.alternative_labels == {"sv": ("svetsa",)}
    assert (welding.kind, welding.currency_months, welding.safety_critical, welding.rarely_named) == (
        ConceptKind.SKILL,
        60,
        True,
        True,
    )
    assert welding.matches == (("exact_match", "urn:example:welding"),)
    assert welding.broader == ("group-crafts",)
    assert small.concept("finnish").currency_months is None
    nurse = small.role("role-nurse")
    assert nurse.requirements[0] == Requirement(
        concept_id="nurse-licence",
        level=2,
        importance=Importance.ESSENTIAL,
        weight=1.0,
        hard=True,
        source="Patientsäkerhetslagen (2010:659) 4 kap.",
    )
    assert (nurse.ssyk, nurse.isco, nurse.aid, small.role("role-driver").aid) == ("2221", "2221", (), ("351999",))
    assert (small.id, small.title, small.version, small.licence) == ("small", "Liten taxonomi", "1", "CC0-1.0")


def test_groups_are_concepts_that_nobody_holds(small: Taxonomy) -> None:
    assert small.concept("group-care").kind is ConceptKind.GROUP
    assert len(small.competences) == 11
    assert len(small.concepts) == 15


@pytest.mark.parametrize("name", ["folder", "one.zip"])
def test_written_and_read_again_is_the_same_taxonomy(small: Taxonomy, tmp_path: Path, name: str) -> None:
    again = Taxonomy.read(small.write(tmp_path / name))
    assert again == small
    assert dict(again.concepts["welding"].alternative_labels) == dict(small.concepts["welding"].alternative_labels)
    assert again.titles == small.titles
    assert again.stated_digest == small.digest


def test_equal_content_gives_equal_bytes(small: Taxonomy, tmp_path: Path) -> None:
    turned = replace(
        small, concepts=dict(reversed(list(small.concepts.items()))), roles=dict(reversed(list(small.roles.items())))
    )
    assert turned.digest == small.digest
    first, second = small.write(tmp_path / "a.zip"), turned.write(tmp_path / "b.zip")
    assert first.read_bytes() == second.read_bytes()


def test_digest_changes_with_any_label_requirement_or_flag(small: Taxonomy) -> None:
    concept, role = small.concept("welding"), small.role("role-driver")
    changed = [
        small.merged([replace(concept, labels={**concept.labels, "sv": "svets"})]),
        small.merged([replace(concept, safety_critical=False)]),
        small.merged(roles=[replace(role, requirements=role.requirements[1:])]),
    ]
    assert len({t.digest for t in (small, *changed)}) == 4


def test_local_concepts_keep_their_scheme_through_files(small: Taxonomy, tmp_path: Path) -> None:
    local = Concept(concept_id="local:treserva", labels={"sv": "Treserva", "en": "Treserva"}, scheme="local", currency_months=60)
    merged = small.merged([local])
    assert Taxonomy.read(merged.write(tmp_path / "x")).concept("local:treserva").scheme == "local"


def test_unknown_id_offers_the_three_nearest(small: Taxonomy) -> None:
    with pytest.raises(UnknownIdError, match=r"no concept with id 'weldin'; nearest: welding, \S+, \S+$"):
        small.concept("weldin")
    with pytest.raises(UnknownIdError, match="nearest: role-nurse"):
        small.role("sjuksköterskan")


def test_narrower_and_ancestors_follow_broader(small: Taxonomy) -> None:
    assert small.narrower("group-languages") == ("finnish", "sign-language")
    assert small.ancestors("finnish") == ("group-languages",)
    deep = small.merged([Concept(concept_id="karelian", labels={"sv": "karelska", "en": "Karelian"}, broader=("finnish",))])
    assert deep.ancestors("karelian") == ("finnish", "group-languages")


def test_ancestors_of_a_cycle_come_to_an_end() -> None:
    ring = Taxonomy.of([Concept(concept_id="a", broader=("b",)), Concept(concept_id="b", broader=("a",))])
    assert ring.ancestors("a") == ("b",)


def test_merged_adds_and_replaces_without_changing_the_old(small: Taxonomy) -> None:
    merged = small.merged([Concept(concept_id="local:x", scheme="local")], [Role(role_id="local:r", scheme="local")])
    assert "local:x" in merged.concepts
    assert "local:r" in merged.roles
    assert "local:x" not in small.concepts
    assert merged.merged([Concept(concept_id="local:x", scheme="local")]) == merged


def test_a_taxonomy_cannot_be_changed(small: Taxonomy) -> None:
    with pytest.raises(TypeError):
        small.concepts["x"] = Concept(concept_id="x")  # type: ignore[index]


def test_of_refuses_an_id_that_stands_twice() -> None:
    with pytest.raises(TaxonomyError) as caught:
        Taxonomy.of([Concept(concept_id="a"), Concept(concept_id="a")])
    assert caught.value.problems.by_code() == {"taxonomy_id_duplicate": 1}


def test_unknown_format_names_those_allowed() -> None:
    with pytest.raises(InputError, match="csv, esco, jobtech, onet, skos, case"):
        Taxonomy.read(SMALL, format="xls")


def test_unreadable_places_are_told_in_one_line(tmp_path: Path) -> None:
    picture = tmp_path / "x.zip"
    picture.write_bytes(b"\x89PNG not a zip")
    latin = tmp_path / "latin"
    latin.mkdir()
    (latin / "concepts.csv").write_bytes("concept_id\nå".encode("latin-1"))
    bad_toml = Path(shutil.copytree(SMALL, tmp_path / "toml"))
    (bad_toml / "about.toml").write_text("id = ")
    for path in (tmp_path / "nowhere", picture, tmp_path, latin, bad_toml):
        with pytest.raises(UnreadableFileError) as caught:
            Taxonomy.read(path)
        assert "\n" not in str(caught.value).strip()


def test_a_zip_that_unpacks_to_too_much_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from competence.taxonomy import releases

    monkeypatch.setattr(releases, "_LARGEST_MEMBER", 1000)
    path = tmp_path / "bomb.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("concepts.csv", "x" * 5000)
    with pytest.raises(UnreadableFileError, match="refused"):
        Taxonomy.read(path)


@pytest.mark.parametrize(
    ("table", "cells", "code"),
    [
        ("concepts", ("finnish", "language", "x", "x", "", "", "", "0", "0"), "taxonomy_id_duplicate"),
        ("concepts", ("new", "talent", "x", "x", "x", "x", "", "0", "0"), "taxonomy_value"),
        ("concepts", ("new", "skill", "x", "x", "x", "x", "soon", "0", "0"), "taxonomy_value"),
        ("labels", ("nobody", "sv", "x"), "taxonomy_reference_unknown"),
        ("labels", ("finnish", "fi", "suomi"), "taxonomy_value"),
        ("relations", ("finnish", "broader", "nowhere"), "taxonomy_reference_unknown"),
        ("relations", ("finnish", "above", "welding"), "taxonomy_value"),
        ("requirements", ("role-driver", "nothing", "2", "essential", "1", "0", ""), "taxonomy_reference_unknown"),
        ("requirements", ("role-driver", "group-care", "2", "essential", "1", "0", ""), "taxonomy_reference_unknown"),
        ("requirements", ("role-none", "finnish", "2", "essential", "1", "0", ""), "taxonomy_reference_unknown"),
        ("requirements", ("role-driver", "finnish", "6", "essential", "1", "0", ""), "taxonomy_value"),
        ("requirements", ("role-driver", "finnish", "2", "essential", "0", "0", ""), "taxonomy_value"),
        ("requirements", ("role-driver", "finnish", "2", "vital", "1", "0", ""), "taxonomy_value"),
        ("requirements", ("role-driver", "finnish", "2", "optional", "nan", "0", ""), "taxonomy_value"),
    ],
)
def test_a_row_that_cannot_be_used_is_told_with_its_number(copy: Path, table: str, cells: tuple[str, ...], code: str) -> None:
    row = append(copy, table, *cells)
    found = [p for p in check(copy) if p.code == code]
    assert row in [p.row for p in found]
    with pytest.raises(TaxonomyError) as caught:
        Taxonomy.read(copy)
    assert code in caught.value.problems.by_code()


@pytest.mark.parametrize(
    ("table", "cells", "code"),
    [
        ("relations", ("group-care", "broader", "dementia-care"), "taxonomy_cycle"),
        ("relations", ("finnish", "broader", "finnish"), "taxonomy_cycle"),
        ("concepts", ("lonely", "skill", "ensam", "lonely", "Är ensam.", "Is alone.", "", "0", "0"), "taxonomy_orphan"),
        ("concepts", ("lonely", "skill", "ensam", "", "Är ensam.", "Is alone.", "", "0", "0"), "taxonomy_label_missing"),
        ("groups", ("group-empty", "Tom", "Empty", "Inget.", "Nothing."), "taxonomy_group_empty"),
        ("labels", ("sewing", "sv", "Köra  buss"), "taxonomy_label_shared"),
        ("labels", ("role-cleaner", "sv", "USK"), "taxonomy_label_shared"),
        ("requirements", ("role-driver", "finnish", "2", "essential", "1", "1", ""), "taxonomy_hard_without_source"),
        ("requirements", ("role-driver", "driving-bus", "3", "essential", "1", "0", ""), "taxonomy_requirement_twice"),
    ],
)
def test_each_rule_on_content_is_checked(copy: Path, table: str, cells: tuple[str, ...], code: str) -> None:
    assert code not in codes(copy)
    append(copy, table, *cells)
    assert code in codes(copy)


def test_a_cycle_is_told_once_with_its_way_round() -> None:
    ring = Taxonomy.of([Concept(concept_id=k, broader=(b,)) for k, b in (("a", "b"), ("b", "c"), ("c", "a"), ("d", "a"))])
    cycles = [p for p in check(ring) if p.code == "taxonomy_cycle"]
    assert [p.detail for p in cycles] == ["a → b → c → a"]


def test_missing_column_is_told(copy: Path) -> None:
    (copy / "labels.csv").write_text("id,label\nfinnish,suomi\n", encoding="utf-8")
    assert "taxonomy_column_missing" in codes(copy)


def test_changed_content_no_longer_matches_its_stated_checksum(small: Taxonomy, tmp_path: Path) -> None:
    folder = small.write(tmp_path / "x")
    assert "taxonomy_digest" not in codes(folder)
    append(folder, "labels", "finnish", "sv", "suomi")
    assert "taxonomy_digest" in codes(folder)


def test_every_problem_has_texts_in_both_languages(copy: Path) -> None:
    append(copy, "concepts", "lonely", "skill", "", "", "", "", "x", "0", "0")
    append(copy, "groups", "group-empty", "Tom", "Empty", "", "")
    problems = check(copy)
    for lang in ("sv", "en"):
        for problem in problems:
            assert problem.message(lang)
            assert problem.remedy(lang)
    assert len(problems.to_frame("en")) == len(problems)


def test_bundled_of_unknown_name_lists_those_there_are() -> None:
    with pytest.raises(UnknownIdError, match="municipal"):
        Taxonomy.bundled("galactic")


def test_municipal_taxonomy_has_no_fault(municipal: Taxonomy) -> None:
    assert list(municipal.check()) == []


def test_municipal_taxonomy_reaches_the_size_of_the_first_half(municipal: Taxonomy) -> None:
    assert len(municipal.roles) >= 60
    assert len(municipal.competences) >= 350
    assert sum(c.rarely_named for c in municipal.competences) >= 100


def test_municipal_labels_stand_in_both_languages_and_ids_are_slugs(municipal: Taxonomy) -> None:
    for concept in municipal.concepts.values():
        assert set(concept.labels) == {"sv", "en"}
        assert set(concept.descriptions) == {"sv", "en"}
        assert concept.concept_id.replace("-", "").isalnum()
        assert concept.concept_id == concept.concept_id.lower()
    for role in municipal.roles.values():
        assert set(role.labels) == {"sv", "en"}
        assert len(role.ssyk) == len(role.isco) == 4


def test_only_confirmed_aid_codes_stand_in_the_municipal_taxonomy(municipal: Taxonomy) -> None:
    assert {a for r in municipal.roles.values() for a in r.aid} <= {"351034", "351033", "351015"}


def test_hard_requirements_are_licences_or_formal_knowledge_with_law(municipal: Taxonomy) -> None:
    for role in municipal.roles.values():
        for need in role.requirements:
            if need.hard:
                assert municipal.concept(need.concept_id).kind is ConceptKind.LICENCE, (role.role_id, need.concept_id)
                assert "(" in need.source
