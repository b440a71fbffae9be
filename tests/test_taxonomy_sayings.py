"""Sayings: reading, writing, checking and merging them, and those of the municipal taxonomy."""

from __future__ import annotations

import csv
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from competence.errors import ProblemEffect, TaxonomyError
from competence.model import Concept, ConceptKind
from competence.taxonomy import Taxonomy, check, merge
from competence.taxonomy.core import NOTHING

SMALL = Path(__file__).parent / "data" / "taxonomy_small"
SPOKEN: dict[str, dict[str, tuple[str, ...]]] = {
    "sv": {
        "welding": ("lagade räcket med migen", "har svetsat båtar hela livet"),
        NOTHING: ("önskar att vi fick längre raster",),
    },
    "en": {"welding": ("I mended the railing myself",)},
}


@pytest.fixture(scope="module")
def small() -> Taxonomy:
    return Taxonomy.read(SMALL)


@pytest.fixture(scope="module")
def municipal() -> Taxonomy:
    return Taxonomy.bundled("municipal")


def faults(taxonomy: Taxonomy) -> dict[str, ProblemEffect]:
    """What the checker says of sayings, by code."""
    return {p.code: p.effect for p in check(taxonomy) if (p.table or "").startswith("sayings")}


def written(folder: Path, *rows: tuple[str, str]) -> Path:
    """Copy the small taxonomy and give it these Swedish sayings."""
    shutil.copytree(SMALL, folder)
    with (folder / "sayings_sv.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([("concept_id", "saying"), *rows])
    return folder


def test_a_taxonomy_without_sayings_has_none_in_any_language(small: Taxonomy) -> None:
    assert dict(small.sayings("sv")) == dict(small.sayings("fi")) == {}


@pytest.mark.parametrize("name", ["folder", "one.zip"])
def test_sayings_come_back_from_our_files_in_the_order_they_were_written(small: Taxonomy, tmp_path: Path, name: str) -> None:
    spoken = replace(small, spoken=SPOKEN)
    again = Taxonomy.read(spoken.write(tmp_path / name))
    assert again == spoken
    assert {lang: dict(again.sayings(lang)) for lang in ("sv", "en")} == SPOKEN


def test_a_third_language_has_a_file_of_its_own(small: Taxonomy, tmp_path: Path) -> None:
    spoken = replace(small, spoken={"fi": {"welding": ("korjasin kaiteen ihan itse",)}})
    again = Taxonomy.read(spoken.write(tmp_path / "x"))
    assert again.sayings("fi")["welding"] == ("korjasin kaiteen ihan itse",)
    assert not again.sayings("sv")


def test_sayings_count_in_the_digest_and_their_absence_leaves_it_as_it_was(small: Taxonomy) -> None:
    spoken = replace(small, spoken=SPOKEN)
    turned = replace(small, spoken={lang: dict(reversed(by_id.items())) for lang, by_id in reversed(SPOKEN.items())})
    assert spoken.digest == turned.digest != small.digest
    assert replace(spoken, spoken={}).digest == replace(spoken, spoken={"sv": {"welding": ()}}).digest == small.digest


def test_sayings_of_unknown_concepts_and_groups_and_empty_ones_are_told_with_their_row(tmp_path: Path) -> None:
    rows = (("welding", "lagade räcket med migen"), ("weldin", "lagade ett räcke till"), ("group-care", "jobbar i vården nu"))
    folder = written(tmp_path / "x", *rows, ("welding", " "))
    told = [(p.code, p.row) for p in check(folder) if p.table == "sayings_sv"]
    assert told == [("taxonomy_reference_unknown", 3), ("taxonomy_reference_unknown", 4), ("taxonomy_value", 5)]
    with pytest.raises(TaxonomyError, match=r"3 faults .*sayings_sv\.csv row 3"):
        Taxonomy.read(folder)


def test_a_file_of_sayings_without_its_column_is_told(tmp_path: Path) -> None:
    folder = written(tmp_path / "x")
    (folder / "sayings_sv.csv").write_text("concept_id,text\nwelding,lagade räcket\n", encoding="utf-8")
    assert [(p.code, p.file, p.column) for p in check(folder) if p.file == "sayings_sv.csv"] == [
        ("taxonomy_column_missing", "sayings_sv.csv", "saying")
    ]


@pytest.mark.parametrize(
    ("spoken", "code", "effect"),
    [
        # The same but for case and spaces, of two concepts; of a concept and of none; twice of one.
        (
            {"welding": ("lagade räcket med migen",), "finnish": ("Lagade  räcket med MIGEN",)},
            "saying_twice",
            ProblemEffect.SET_ASIDE,
        ),
        (
            {"welding": ("lagade räcket med migen",), NOTHING: ("lagade räcket med migen",)},
            "saying_twice",
            ProblemEffect.SET_ASIDE,
        ),
        ({"welding": ("lagade räcket med migen",) * 2}, "saying_twice", ProblemEffect.SET_ASIDE),
        ({"gone": ("lagade räcket med migen",)}, "reference_unknown", ProblemEffect.SET_ASIDE),
        ({"group-care": ("lagade räcket med migen",)}, "reference_unknown", ProblemEffect.SET_ASIDE),
        ({"welding": ("lagar räcken",)}, "saying_short", ProblemEffect.NOTICE),
    ],
)
def test_the_checker_tells_sayings_that_would_teach_wrong_links(
    small: Taxonomy, spoken: dict[str, tuple[str, ...]], code: str, effect: ProblemEffect
) -> None:
    assert faults(replace(small, spoken={"sv": spoken})) == {f"taxonomy_{code}": effect}


def test_a_saying_that_is_a_label_is_told_whatever_its_case() -> None:
    concept = Concept(
        concept_id="mower", labels={"sv": "gräs", "en": "grass"}, alternative_labels={"sv": ("klipper gräs åt andra",)}
    )
    taxonomy = replace(Taxonomy.of([concept]), spoken={"sv": {"mower": ("Klipper gräs åt andra",)}})
    assert faults(taxonomy) == {"taxonomy_saying_is_label": ProblemEffect.SET_ASIDE}


def test_the_same_words_in_two_languages_are_no_fault(small: Taxonomy) -> None:
    same = {"welding": ("mig and tig all day",)}
    assert faults(replace(small, spoken={"sv": same, "en": same})) == {}


def test_merging_joins_sayings_and_follows_what_is_folded() -> None:
    uri = "urn:example:weld"
    ours = replace(
        Taxonomy.of([Concept(concept_id="welding", matches=(("exact_match", uri),))], id="ours"),
        spoken={"sv": {"welding": ("lagade räcket med migen",), NOTHING: ("vill ha längre raster",)}},
    )
    theirs = replace(
        Taxonomy.of([Concept(concept_id=uri)], id="theirs"),
        spoken={"sv": {uri: ("har svetsat båtar hela livet", "lagade räcket med migen")}},
    )
    apart, folded = merge([ours, theirs]), merge([ours, theirs], fold=["exact_match"])
    assert apart.sayings("sv")[uri] == ("har svetsat båtar hela livet",)
    assert folded.sayings("sv") == {
        "welding": ("lagade räcket med migen", "har svetsat båtar hela livet"),
        NOTHING: ("vill ha längre raster",),
    }


def test_municipal_sayings_are_as_many_as_the_linker_needs(municipal: Taxonomy) -> None:
    swedish, english = municipal.sayings("sv"), municipal.sayings("en")
    enough = {key for key, said in swedish.items() if key != NOTHING and len(said) >= 8 and len(english.get(key, ())) >= 3}
    assert enough == set(swedish) - {NOTHING} == set(english) - {NOTHING} == {c.concept_id for c in municipal.competences}
    assert len(swedish[NOTHING]) >= 800


def test_municipal_sayings_are_spoken_not_labels_turned_round(municipal: Taxonomy) -> None:
    assert not [p for p in check(municipal) if (p.table or "").startswith("sayings")]
    for lang in ("sv", "en"):
        for key, said in municipal.sayings(lang).items():
            # A language can hardly be told of without its name.
            if key != NOTHING and municipal.concept(key).kind is not ConceptKind.LANGUAGE:
                label = municipal.concept(key).labels[lang].casefold()
                assert not [saying for saying in said if label in saying.casefold()], key


# ---------------------------------------------------------------- what is asked for

ASKED: dict[str, dict[str, tuple[str, ...]]] = {
    "sv": {"welding": ("nån som kan laga grinden?", "svetsning"), NOTHING: ("vem har nyckeln till svetsen?",)},
}


@pytest.mark.parametrize("name", ["folder", "one.zip"])
def test_what_is_asked_for_comes_back_from_our_files_and_counts_in_the_digest(small: Taxonomy, tmp_path: Path, name: str) -> None:
    asked = replace(small, asked=ASKED)
    again = Taxonomy.read(asked.write(tmp_path / name))
    assert again == asked
    assert {lang: dict(by_id) for lang, by_id in again.asked.items()} == ASKED
    assert not again.spoken
    # The same words said and asked are two taxonomies.
    assert len({small.digest, asked.digest, replace(small, spoken=ASKED).digest}) == 3
    assert replace(asked, asked={"sv": {"welding": ()}}).digest == small.digest


def test_the_checker_tells_faults_in_what_is_asked_for_but_not_that_it_is_short(small: Taxonomy) -> None:
    def told(asked: dict[str, tuple[str, ...]]) -> list[str]:
        return [p.code for p in check(replace(small, asked={"sv": asked})) if p.table == "asked_sv"]

    assert told({"welding": ("laga grind",)}) == []
    assert told({"welding": ("laga grinden nu",), "finnish": ("Laga grinden nu",)}) == ["taxonomy_saying_twice"]
    assert told({"gone": ("laga grinden nu",)}) == ["taxonomy_reference_unknown"]


def test_merging_joins_what_is_asked_for() -> None:
    one = replace(Taxonomy.of([Concept(concept_id="welding")], id="one"), asked={"sv": {"welding": ("laga grind",)}})
    other = replace(Taxonomy.of([Concept(concept_id="finnish")], id="other"), asked={"sv": {"finnish": ("finsktalande",)}})
    assert merge([one, other]).asked["sv"] == {"welding": ("laga grind",), "finnish": ("finsktalande",)}


def test_municipal_words_that_ask_are_as_many_as_the_linker_needs(municipal: Taxonomy) -> None:
    asked = municipal.asked["sv"]
    assert set(asked) - {NOTHING} == {c.concept_id for c in municipal.competences}
    assert min(len(words) for words in asked.values()) >= 15
    assert len(asked[NOTHING]) >= 400
    assert not [p for p in check(municipal) if p.table == "asked_sv"]
