"""Near-duplicates: what is found alike, what is kept apart for a reason, and that the municipal taxonomy has no open pair."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from competence.cli import cli
from competence.errors import InputError, UnreadableFileError
from competence.model import Concept, ConceptKind, Importance, Requirement, Role
from competence.taxonomy import Taxonomy
from competence.taxonomy.core import NOTHING, bundled_folders
from competence.taxonomy.near import CUTOFFS, KEPT_APART, NearKind, gone, near_duplicates, read_kept_apart

HEAD = "id,other_id,saying,other_saying,reason\n"

SAID_ANEW = {
    "booking-substitutes": (
        ("ringa in vikarier", "Får tag på vikarier snabbt när någon blir sjuk så att passet är bemannat."),
        ("calling in substitutes", "Gets hold of substitutes quickly when somebody falls ill so that the shift is staffed."),
    ),
    "food-waste-reduction": (
        ("minska svinn i köket", "Planerar mängder och tar vara på rester så att mindre mat slängs."),
        ("reducing kitchen waste", "Plans amounts and uses leftovers so that less food is thrown away."),
    ),
    "hygiene-cleaning": (
        ("städa hygieniskt i vårdlokaler", "Städar vårdlokaler så att smitta inte förs vidare och torkar upp spill."),
        ("hygienic cleaning of care premises", "Cleans care premises so that infection is not carried on and wipes up spills."),
    ),
    "hiking-leader": (
        ("leda vandringar", "Leder grupper på vandring i skog och fjäll och ser till att alla kommer hem."),
        ("leading hikes", "Leads groups on hikes in woods and hills and sees that all come home."),
    ),
    "disclosing-official-documents": (
        ("utlämnande av allmän handling", "Prövar begäran, maskar det hemliga och lämnar ut handlingen fort."),
        ("releasing public documents", "Tests the request, masks what is secret and releases the document quickly."),
    ),
    "handling-staff-conflicts": (
        ("hantera konflikter mellan medarbetare", "Tar upp konflikter i gruppen tidigt och hjälper båda till en lösning."),
        ("handling conflicts between employees", "Raises conflicts in the group early and helps both sides to a solution."),
    ),
}
"""Concepts that stand in the municipal taxonomy, worded as somebody might who had not seen them there."""


@pytest.fixture(scope="module")
def folder() -> Path:
    return next(place / "municipal" for place in bundled_folders() if (place / "municipal").is_dir())


@pytest.fixture(scope="module")
def municipal(folder: Path) -> Taxonomy:
    return Taxonomy.read(folder)


def concept(key: str, label: str, description: str = "") -> Concept:
    return Concept(concept_id=key, labels={"sv": label}, descriptions={"sv": description})


def role(key: str, label: str, *asked: str) -> Role:
    needs = tuple(Requirement(concept_id=k, level=3, importance=Importance.ESSENTIAL, weight=1.0) for k in asked)
    return Role(role_id=key, labels={"sv": label}, requirements=needs)


def found(taxonomy: Taxonomy, cutoff: float | None = None) -> list[tuple[str, str]]:
    return [(pair.id, pair.other_id) for pair in near_duplicates(taxonomy, cutoff=cutoff)]


def kept(folder: Path, rows: str) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / KEPT_APART).write_text(HEAD + rows, encoding="utf-8")
    return folder


def test_every_near_duplicate_of_the_municipal_taxonomy_is_argued(municipal: Taxonomy, folder: Path) -> None:
    reasons = read_kept_apart(folder)
    pairs = near_duplicates(municipal, kept=reasons)
    assert [pair.ordered for pair in pairs if not pair.reason] == []
    assert {pair.kind for pair in pairs} == set(NearKind)
    assert gone(municipal, reasons) == ()
    # A reason is about its pair: one sentence that is long enough to say something.
    assert [reason for reason in reasons.values() if len(reason.split()) < 6] == []


def test_concepts_said_anew_in_other_words_are_found_among_a_thousand(municipal: Taxonomy, folder: Path) -> None:
    twins = [
        Concept(
            concept_id=f"local:{key}",
            labels={"sv": swedish[0], "en": english[0]},
            descriptions={"sv": swedish[1], "en": english[1]},
        )
        for key, (swedish, english) in SAID_ANEW.items()
    ]
    pairs = near_duplicates(replace(municipal, spoken={}).merged(twins), kept=read_kept_apart(folder))
    unargued = {pair.places for pair in pairs if not pair.reason}
    assert {frozenset(((key, ""), (f"local:{key}", ""))) for key in SAID_ANEW} <= unargued


def test_a_role_said_anew_and_a_saying_put_under_a_second_concept_are_found(municipal: Taxonomy, folder: Path) -> None:
    nurse = municipal.role("role-occupational-therapist")
    twin = Role(role_id="local:ot", labels={"sv": "arbetsterapeut i hemmet"}, requirements=nurse.requirements[3:])
    said = municipal.sayings("sv")
    borrowed = "själv " + said["welding"][0]
    spoken = {"sv": {**said, "dog-training": (*said["dog-training"], borrowed)}}
    pairs = near_duplicates(replace(municipal, concepts=dict(municipal.concepts), spoken=spoken).merged(roles=[twin]))
    places = {pair.places for pair in pairs}
    assert frozenset((("local:ot", ""), (nurse.role_id, ""))) in places
    assert frozenset((("welding", said["welding"][0]), ("dog-training", borrowed))) in places


def test_what_shares_nothing_is_not_listed_at_any_cutoff() -> None:
    apart = Taxonomy.of([concept("a", "svetsa"), concept("b", "dokumentera")], [role("role-a", "kock"), role("role-b", "jurist")])
    assert found(apart, cutoff=0) == []


def test_the_same_words_are_wholly_alike_and_the_most_alike_stands_first() -> None:
    words = "kör buss i stan"
    taxonomy = Taxonomy.of([concept("a", words), concept("b", words), concept("c", "kör buss på landet"), concept("d", "syr")])
    pairs = near_duplicates(taxonomy)
    assert (pairs[0].id, pairs[0].other_id, pairs[0].likeness) == ("a", "b", 1.0)
    assert found(taxonomy, cutoff=0.1) == [("a", "b"), ("a", "c"), ("b", "c")]


def test_languages_are_compared_by_name_since_all_are_described_alike() -> None:
    told = "Samtalar, läser och skriver i vardag och arbete."
    concepts = [concept("a", "polska", told), concept("b", "turkiska", told)]
    assert found(Taxonomy.of(concepts)) == [("a", "b")]
    assert found(Taxonomy.of([replace(c, kind=ConceptKind.LANGUAGE) for c in concepts])) == []


def test_roles_are_alike_by_half_their_labels_and_half_what_they_ask_for() -> None:
    concepts = [concept(key, word) for key, word in zip("abcd", ("svetsa", "sy", "baka", "räkna"), strict=True)]
    # Two of four are shared and of equal level and weight: 2 / 4, and half of it with labels that share nothing.
    roles = [role("role-a", "kock", "a", "b", "c"), role("role-b", "jurist", "a", "b", "d")]
    (pair,) = near_duplicates(Taxonomy.of(concepts, roles), cutoff=0.2)
    assert (pair.kind, pair.likeness) == (NearKind.ROLE, 0.25)
    assert found(Taxonomy.of(concepts, roles)) == []


def test_sayings_of_one_concept_may_be_alike_but_not_those_of_two_or_of_none(municipal: Taxonomy) -> None:
    concepts = [concept("a", "svetsa"), concept("b", "baka")]
    same, nearly = "lagade räcket på skolan", "lagade räcket på skolan igår"
    assert found(replace(Taxonomy.of(concepts), spoken={"sv": {"a": (same, nearly)}})) == []
    assert found(replace(Taxonomy.of(concepts), spoken={"sv": {"a": (same,), "b": (nearly,)}})) == [("a", "b")]
    assert found(replace(Taxonomy.of(concepts), spoken={"sv": {"a": (same,), NOTHING: (nearly,)}})) == [("", "a")]
    assert found(replace(Taxonomy.of(concepts), spoken={"sv": {"a": (same,)}, "en": {"b": (nearly,)}})) == []


def test_the_order_of_the_taxonomy_changes_nothing() -> None:
    concepts = [concept(key, f"kör buss {word}") for key, word in (("a", "i stan"), ("b", "på landet"), ("c", "om natten"))]
    assert near_duplicates(Taxonomy.of(concepts), cutoff=0) == near_duplicates(Taxonomy.of(concepts[::-1]), cutoff=0)


def test_a_reason_is_read_in_either_order_of_its_pair(tmp_path: Path) -> None:
    concepts = [concept("a", "köra buss"), concept("b", "kör buss")]
    reasons = read_kept_apart(kept(tmp_path, "b,a,,,One is by day and one by night.\nx,a,,,No longer there.\n"))
    (pair,) = near_duplicates(Taxonomy.of(concepts), kept=reasons)
    assert pair.reason == "One is by day and one by night."
    assert gone(Taxonomy.of(concepts), reasons) == (frozenset((("x", ""), ("a", ""))),)


def test_a_taxonomy_without_the_file_or_without_words_has_nothing_to_tell(tmp_path: Path) -> None:
    assert read_kept_apart(Path(__file__).parent / "data" / "taxonomy_small") == {}
    assert near_duplicates(Taxonomy.of([Concept(concept_id="a"), Concept(concept_id="b")])) == ()
    assert set(CUTOFFS) == set(NearKind)


@pytest.mark.parametrize(
    ("rows", "why"),
    [
        ("a,b,,,\n", "row 2 gives no reason"),
        ("a,b,,,Unlike.\nb,a,,,Unlike.\n", "row 3 names a pair"),
        ("a,a,,,Unlike.\n", "one thing twice"),
        ("a,b\n", "row 2 gives no reason"),
    ],
)
def test_a_row_that_argues_nothing_is_told_with_its_number(tmp_path: Path, rows: str, why: str) -> None:
    with pytest.raises(UnreadableFileError, match=why):
        read_kept_apart(kept(tmp_path, rows))


def test_a_column_that_is_missing_is_named(tmp_path: Path) -> None:
    (tmp_path / KEPT_APART).write_text("id,other_id\na,b\n", encoding="utf-8")
    with pytest.raises(UnreadableFileError, match="saying, other_saying, reason"):
        read_kept_apart(tmp_path)


def test_a_cutoff_outside_its_range_is_refused() -> None:
    with pytest.raises(InputError, match=r"cutoff must be in \[0, 1\]; got 2"):
        near_duplicates(Taxonomy.of([]), cutoff=2)


def test_the_command_lists_open_pairs_and_shows_reasons_when_asked(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(Path(__file__).parent / "data" / "taxonomy_small", tmp_path / "small"))
    with (folder / "concepts.csv").open("a", encoding="utf-8") as file:
        file.write(
            "mending,skill,svetsa räcken,welding rails,Svetsar stål så att räcket håller.,Welds steel so that it holds.,,0,0\n"
        )
    call = ["taxonomy", "near", str(folder), "--lang", "en"]
    shown = CliRunner().invoke(cli, call)
    assert (shown.exit_code, "mending | welding" in shown.stdout) == (1, True)
    kept(folder, "welding,mending,,,One is of any steel.\nrole-nurse,role-assistant-nurse,,,Licence.\ngone,mending,,,Gone.\n")
    shown = CliRunner().invoke(cli, call)
    assert (shown.exit_code, "mending | welding" in shown.stdout) == (0, False)
    assert "no longer in the taxonomy: gone | mending" in shown.stdout
    assert "One is of any steel" in CliRunner().invoke(cli, [*call, "--all"]).stdout
    assert "2 par hålls isär" in CliRunner().invoke(cli, [*call[:-1], "sv"]).stdout
