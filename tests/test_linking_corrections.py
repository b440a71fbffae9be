"""Corrections: what people say words mean holds at once, is logged, can be undone, and teaches the next fit."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from competence.errors import InputError, Problems, UnknownIdError, UnreadableFileError
from competence.io import read_merges, read_words, write_tables
from competence.linking import (
    Correction,
    Corrections,
    How,
    Linker,
    Pair,
    SimilarTerm,
    Stance,
    chosen_merges,
    link_statements,
    similar_local_terms,
    unknown_words,
)
from competence.linking._settling import list_unknown
from competence.model import Concept, ConceptKind, Evidence, Interest, InterestKind, Person, Role, Sex, Statement, Visibility
from competence.staff import Staff, Unlinked
from competence.taxonomy import LocalAction, LocalLayer, LocalRow, Taxonomy, apply_local

DAY = date(2026, 3, 2)


def concept(id: str, sv: str, en: str, **more: Any) -> Concept:
    return Concept(concept_id=id, labels={"sv": sv, "en": en}, **more)


OURS = Taxonomy.of(
    [
        concept("payroll", "lönesystem", "payroll systems"),
        concept("finnish", "finska", "Finnish"),
        concept("dementia-care", "demensvård", "dementia care"),
        concept("welding", "svetsning", "welding"),
        concept("group", "Språk", "Languages", kind=ConceptKind.GROUP),
    ],
    [
        Role(role_id="nurse", labels={"sv": "sjuksköterska"}),
        Role(role_id="planner", labels={"sv": "planerare"}, alternative_labels={"sv": ("samordnare",)}),
        Role(role_id="leader", labels={"sv": "arbetsledare"}, alternative_labels={"sv": ("samordnare",)}),
    ],
)
PEOPLE = (Person(person_id="1", name="Eva Lind", sex=Sex.WOMAN), Person(person_id="2", name="Bo Ek", sex=Sex.MAN))


@pytest.fixture(scope="module")
def linker() -> Linker:
    return Linker.fit(OURS, cache=False)


def staff(*texts: str, headings: Mapping[str, int] | None = None, visibility: Visibility = Visibility.UNIT) -> Staff:
    said = [Statement(statement_id=f"s{i}", person_id="1", text=t, visibility=visibility) for i, t in enumerate(texts)]
    marks = [
        Statement(statement_id=f"{words}-{i}", person_id="1", text=words, heading=True, visibility=Visibility.ORGANISATION)
        for words, count in (headings or {}).items()
        for i in range(count)
    ]
    return Staff(people=PEOPLE, statements=(*said, *marks), as_of=DAY)


def chosen(**targets: str) -> Corrections:
    return Corrections(log=tuple(Correction(words=w.replace("_", " "), target_id=t) for w, t in targets.items()))


def codes(problems: Problems) -> list[str]:
    return [p.code for p in problems]


# ---------------------------------------------------------------- at once


def test_words_chosen_mean_their_concept_at_once_as_an_alternative_label(linker: Linker) -> None:
    assert linker.link("Primula").best is None
    best = linker.with_pairs([Pair("Primula", "payroll")]).link("PRIMULA!").best
    assert best is not None
    assert (best.concept_id, best.how, best.probability, best.label) == ("payroll", How.ALTERNATIVE, 0.97, "Primula")


def test_words_chosen_are_met_inside_a_longer_text_and_inflected_like_other_labels(linker: Linker) -> None:
    knowing = linker.with_pairs([("rullstolsteknik", "welding")])
    assert [k.concept_id for k in knowing.link("Jag kan finska, rullstolstekniken också").accepted] == ["finnish", "welding"]
    assert knowing.link_heading("rullstolstekniken").best.how is How.INFLECTED  # type: ignore[union-attr]


def test_a_choice_wins_over_likeness_and_over_other_labels_for_exactly_these_words(linker: Linker) -> None:
    knowing = linker.with_pairs([("finska", "payroll")])
    assert [k.concept_id for k in knowing.link("Finska").accepted] == ["payroll"]
    assert [k.concept_id for k in knowing.link_heading("finska").accepted] == ["payroll"]
    assert [k.concept_id for k in knowing.link("prata finska").accepted] == ["finnish"]


def test_a_title_that_two_roles_share_means_the_one_chosen_and_no_concept_is_touched(linker: Linker) -> None:
    assert linker.link_role("Samordnare").best is None
    knowing = linker.with_pairs([("samordnare", "leader")])
    best = knowing.link_role("Samordnare").best
    assert best is not None
    assert (best.role_id, best.probability) == ("leader", 0.97)
    assert knowing.link("Samordnare") == linker.link("Samordnare")


def test_words_that_mean_none_give_no_accepted_link_anywhere_and_keep_their_alternatives(linker: Linker) -> None:
    knowing = linker.with_pairs([("svetsning", ""), ("sjuksköterska", "")])
    for links in (knowing.link("Svetsning"), knowing.link_heading("svetsning"), knowing.link("svetsning.")):
        assert not links.accepted
        assert links.named is None
    assert not knowing.link_role("Sjuksköterska").understood
    assert knowing.link("jag gillar svetsning").understood == linker.link("jag gillar svetsning").understood


def test_a_code_still_leads_a_title_whose_words_mean_none() -> None:
    coded = Taxonomy.of([], [Role(role_id="nurse", labels={"sv": "sjuksköterska"}, aid=("206014",))])
    knowing = Linker.fit(coded, cache=False).with_pairs([("resurs", "")])
    assert [k.role_id for k in knowing.link_role("Resurs", aid="206014").accepted] == ["nurse"]


def test_a_choice_turns_neither_a_wish_nor_a_denial_into_a_claim(linker: Linker) -> None:
    knowing = linker.with_pairs([("vill lära mig Primula", "payroll"), ("kan inte Primula", "payroll")])
    for text, stance in (("Vill lära mig Primula", Stance.WISH), ("Kan inte Primula", Stance.NEGATED)):
        links = knowing.link(text)
        assert not links.accepted
        assert links.named is not None
        assert (links.named.concept_id, links.named.stance) == ("payroll", stance)


def test_a_text_that_claims_and_wishes_is_chosen_for_what_it_claims(linker: Linker) -> None:
    said = "Sköter Primula, vill lära mig Visma"
    assert [k.concept_id for k in linker.with_pairs([(said, "payroll")]).link(said).accepted] == ["payroll"]


def test_new_pairs_take_the_place_of_earlier_ones_for_the_same_words(linker: Linker) -> None:
    twice = linker.with_pairs([("Primula", "payroll")]).with_pairs([("primula", "welding")])
    assert [k.concept_id for k in twice.link("Primula").accepted] == ["welding"]
    none = twice.with_pairs([("PRIMULA", "")])
    assert not none.link("Primula").accepted


def test_choices_stay_when_the_taxonomy_grows_and_when_the_settings_change(linker: Linker) -> None:
    grown = linker.with_pairs([("Primula", "payroll"), ("svetsning", "")]).with_concepts([concept("own", "skidor", "skiing")])
    assert [k.concept_id for k in grown.link("Primula").accepted] == ["payroll"]
    assert not grown.link("svetsning").accepted


def test_n_holds_and_the_sum_of_probabilities_with_a_choice_is_at_most_one(linker: Linker) -> None:
    knowing = linker.with_pairs([("demensvård och finska", "welding")])
    links = knowing.link("demensvård och finska", n=2)
    assert len(links) == 2
    assert sum(k.probability for k in links) <= 1.0
    assert links[0].margin == pytest.approx(links[0].probability - links[1].probability)


def test_a_pair_for_what_the_taxonomy_lacks_is_refused(linker: Linker) -> None:
    with pytest.raises(UnknownIdError):
        linker.with_pairs([("Primula", "pay-roll")])


def test_linking_a_staff_with_a_choice_gives_evidence_and_leaves_the_words_out(linker: Linker) -> None:
    before = link_statements(staff("Primula"), OURS, linker=linker)
    assert [u.words for u in before.unlinked] == ["Primula"]
    after = link_statements(staff("Primula"), OURS, linker=linker.with_pairs([("primula", "payroll")]))
    assert [(e.concept_id, e.probability, e.label) for e in after.evidence] == [("payroll", 0.97, "primula")]
    assert not after.unlinked


def test_undo_brings_back_the_earlier_links_exactly(linker: Linker) -> None:
    texts = ["Primula", "finska", "vård av dementa", "svetsa", "Primula och finska"]
    log = Corrections().with_choice("Primula", "payroll", who="Eva Lind", day=DAY)
    changed = linker.with_pairs(log.pairs)
    assert changed.link_many(texts) != linker.link_many(texts)
    undone = log.undo("primula", who="Bo Ek", day=DAY)
    assert linker.with_pairs(undone.pairs).link_many(texts) == linker.link_many(texts)
    read = staff(*texts)
    assert link_statements(read, OURS, linker=linker.with_pairs(undone.pairs)) == link_statements(read, OURS, linker=linker)


# ---------------------------------------------------------------- the next fit


def test_a_fit_with_the_pairs_does_the_same_for_their_words() -> None:
    fitted = Linker.fit(OURS, chosen(Primula="payroll", finska="").pairs, cache=False)
    assert [k.concept_id for k in fitted.link("Primula").accepted] == ["payroll"]
    assert not fitted.link("finska").accepted


def test_the_next_fit_lets_words_near_a_choice_mean_the_same() -> None:
    # No label of the taxonomy has the word; the words chosen do.
    pairs = chosen(körde_hjullastare_på_vintern="welding").pairs
    before = Linker.fit(OURS, cache=False).link("hjullastare")
    after = Linker.fit(OURS, pairs, cache=False).link("hjullastare")
    assert max((k.probability for k in before if k.concept_id == "welding"), default=0.0) < 0.1
    assert after[0].concept_id == "welding"
    assert after[0].probability > 0.1


# ---------------------------------------------------------------- the log


def test_the_last_choice_for_the_same_words_holds_and_all_stay_in_the_log() -> None:
    log = Corrections().with_choice("Primula", "payroll", who="Eva", day=DAY).with_choice("primula!", "", who="Bo", day=DAY)
    assert [(c.words, c.target_id) for c in log.in_force] == [("primula!", "")]
    assert len(log.log) == 2
    assert log.settles("PRIMULA")


def test_undo_lets_the_choice_before_hold_again_and_then_none() -> None:
    log = Corrections().with_choice("Primula", "payroll", who="Eva", day=DAY).with_choice("Primula", "", who="Bo", day=DAY)
    once = log.undo("Primula", who="Eva", day=DAY)
    assert [c.target_id for c in once.in_force] == ["payroll"]
    twice = once.undo("Primula", who="Eva", day=None)
    assert twice.pairs == ()
    assert [c.undone_by for c in twice.log] == ["Eva", "Eva"]
    with pytest.raises(UnknownIdError):
        twice.undo("Primula", who="Eva", day=DAY)


def test_an_undo_says_who_or_when_and_words_have_a_letter() -> None:
    with pytest.raises(InputError):
        chosen(Primula="payroll").undo("Primula", who="", day=None)
    with pytest.raises(InputError):
        Correction(words=" – ", target_id="payroll")


WRITTEN = Corrections(
    log=(
        Correction(words="Primula", target_id="payroll", who="Eva Lind", day=DAY, note="lön; Visma före 2020"),
        Correction(words="-Å=1, ”citat”\noch rad", target_id="", who="Bo", day=None),
        Correction(words="2026", target_id="finnish", undone_by="Bo Ek", undone_day=date(2026, 4, 1)),
        Correction(words="'n rock", target_id="welding", day=DAY),
    )
)


@pytest.mark.parametrize("ending", ["csv", "xlsx"])
def test_the_log_comes_back_from_a_file_as_it_was(ending: str, tmp_path: Path) -> None:
    path = write_tables({"Ord": WRITTEN.to_frame()}, tmp_path / f"words.{ending}")
    back = read_words(path)
    assert back == WRITTEN
    assert not back.problems
    assert read_words(WRITTEN.to_frame()) == WRITTEN


def test_a_table_filled_in_chooses_by_number_id_label_or_none_and_empty_chooses_nothing() -> None:
    near = {"Förslag 1": "finska [finnish] 31 %", "Förslag 2": "lön [system] [payroll] 9 %"}
    rows = [
        {"Ord": "suomi", **near, "Val": "1"},
        {"Ord": "Primula", **near, "Val": 2.0},
        {"Ord": "Resurs", **near, "Val": "Ingen"},
        {"Ord": "MIG", **near, "Val": "welding"},
        {"Ord": "minnet", **near, "Val": "Demensvård"},
        {"Ord": "annat", **near, "Val": ""},
    ]
    read = Corrections.read(rows).checked(OURS)
    assert [(c.words, c.target_id) for c in read.log] == [
        ("suomi", "finnish"),
        ("Primula", "payroll"),
        ("Resurs", ""),
        ("MIG", "welding"),
        ("minnet", "dementia-care"),
    ]
    assert not read.problems


def test_rows_that_cannot_be_used_are_told_by_row_in_both_languages_and_the_rest_is_kept() -> None:
    rows = [
        {"Ord": "", "Val": "finnish"},
        {"Ord": "suomi", "Förslag 1": "finska [finnish] 31 %", "Val": "4"},
        {"Ord": "suomea", "Val": "finnish", "Datum": "i mars"},
        {"Ord": "telex", "Val": "fjärrskrift"},
        {"Ord": "samordning", "Val": "samordnare"},
        {"Ord": "språk", "Val": "group"},
        {"Ord": "teckning", "Val": "welding", "Ångrat datum": "i går"},
    ]
    read = Corrections.read(rows).checked(OURS)
    assert [(p.code, p.row) for p in read.problems] == [
        ("words_missing", 2),
        ("words_choice", 3),
        ("words_day", 4),
        ("words_day", 8),
        ("words_target_gone", None),
        ("words_target_several", None),
        ("words_target_gone", None),
    ]
    assert [c.words for c in read.in_force] == ["suomea"]
    for problem in read.problems:
        for lang in ("sv", "en"):
            assert problem.message(lang)
            assert problem.remedy(lang)


def test_a_file_without_the_columns_is_no_table_of_choices(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("Namn;Kön\nEva;kvinna\n", encoding="utf-8")
    with pytest.raises(UnreadableFileError):
        read_words(path)


def test_a_choice_follows_what_the_employers_own_table_merged_and_is_left_out_where_it_retired_a_role() -> None:
    rows = (
        LocalRow(action=LocalAction.MERGE, id="welding", target=("payroll",)),
        LocalRow(action=LocalAction.MERGE, id="planner", target=("leader",)),
        LocalRow(action=LocalAction.RETIRE, id="nurse"),
    )
    layer = LocalLayer(rows=rows)
    theirs, _ = layer.apply(OURS)
    read = chosen(MIG="welding", planering="planner", syster="nurse").checked(theirs, layer)
    assert [(c.words, c.target_id) for c in read.log] == [("MIG", "payroll"), ("planering", "leader")]
    assert codes(read.problems) == ["words_target_gone"]


# ---------------------------------------------------------------- words to settle


LEFT = (
    Unlinked("Primula", "statement", 2, (("payroll", 0.3), ("finnish", 0.1))),
    Unlinked("primula!", "interest", 3, (("payroll", 0.2),)),
    Unlinked("Resurs", "title", 9, (("local:resurs", 0.2), ("nurse", 0.124))),
    Unlinked("vill svetsa", "wish", 7, (("welding", 0.9),)),
    Unlinked("kan inte finska", "negated", 7, (("finnish", 0.9),)),
    Unlinked("skotare", "heading", 1, ()),
    # Not understood, but a wish all the same: it would give no evidence.
    Unlinked("vill lära mig Primula", "statement", 8, (("payroll", 0.3),)),
)


def test_unknown_words_are_counted_over_spellings_the_most_frequent_first_without_wishes_and_denials() -> None:
    table = unknown_words(Staff(people=PEOPLE, as_of=DAY, unlinked=LEFT), OURS)
    assert table[["words", "kind", "count", "nearest_1"]].values.tolist() == [
        ["Resurs", "title", 9, "sjuksköterska [nurse] 12 %"],
        ["primula!", "interest", 5, "lönesystem [payroll] 20 %"],
        ["skotare", "heading", 1, ""],
    ]
    assert table["target_id"].tolist() == ["", "", ""]


def test_words_that_somebody_has_settled_are_not_asked_again_also_where_they_mean_none() -> None:
    read = Staff(people=PEOPLE, as_of=DAY, unlinked=LEFT)
    assert [u.words for u in list_unknown(read, OURS, chosen(Primula="payroll", resurs=""))] == ["skotare"]


def test_words_kept_private_or_for_the_manager_are_never_listed(linker: Linker) -> None:
    for visibility in (Visibility.PRIVATE, Visibility.MANAGER):
        read = link_statements(staff("hemlig hobby", visibility=visibility), OURS, linker=linker)
        assert unknown_words(read, OURS).empty


def test_a_table_of_words_survives_a_workbook_and_comes_back_as_choices(tmp_path: Path) -> None:
    table = unknown_words(Staff(people=PEOPLE, as_of=DAY, unlinked=LEFT), OURS)
    table["target_id"] = ["0", 1, ""]
    path = write_tables({"Ord": table}, tmp_path / "words.xlsx")
    assert [(p.words, p.target_id) for p in read_words(path).pairs] == [("Resurs", ""), ("primula!", "payroll")]


# ---------------------------------------------------------------- own terms that are nearly the same


def terms(*labels: tuple[str, int], nearest: Mapping[str, tuple[tuple[str, float], ...]] | None = None) -> Staff:
    own = tuple(Concept(concept_id=f"local:{w.replace(' ', '-')}", labels={"sv": w, "en": w}, scheme="local") for w, _ in labels)
    left = tuple(Unlinked(w, "heading", n, (nearest or {}).get(w, ())) for w, n in labels)
    return Staff(people=PEOPLE, as_of=DAY, local_concepts=own, unlinked=left)


def said(found: tuple[SimilarTerm, ...]) -> list[tuple[str, str, str]]:
    return [(t.label, t.target_label, t.reason.value) for t in found]


def test_own_terms_alike_in_spelling_compound_or_words_are_proposed_the_rarer_into_the_more_frequent() -> None:
    found = similar_local_terms(
        terms(
            ("truck teknik", 1),
            ("truckteknik", 5),
            ("Procapita", 4),
            ("Procapitta", 1),
            ("handledning av studenter", 1),
            ("handledning av nya studenter", 2),
            ("simning", 3),
        ),
        OURS,
    )
    assert sorted(said(found)) == [
        ("Procapitta", "Procapita", "spelling"),
        ("handledning av studenter", "handledning av nya studenter", "likeness"),
        ("truck teknik", "truckteknik", "compound"),
    ]


def test_terms_that_differ_in_a_number_or_are_short_are_kept_apart() -> None:
    assert said(
        similar_local_terms(terms(("HLR nivå 1", 1), ("HLR nivå 2", 1), ("fika", 1), ("fika!", 0), ("bas", 1)), OURS)
    ) == [("fika!", "fika", "compound")]


def test_an_own_term_near_a_concept_of_the_taxonomy_is_proposed_for_it() -> None:
    near = {"finska språket i tal": (("finnish", 0.4), ("welding", 0.1)), "skotare": (("welding", 0.2),)}
    found = similar_local_terms(terms(("finska språket i tal", 2), ("skotare", 2), nearest=near), OURS)
    assert said(found) == [("finska språket i tal", "finska", "likeness")]
    assert found[0].row == LocalRow(
        action=LocalAction.MERGE, id="local:finska-språket-i-tal", label_sv="finska språket i tal", target=("finnish",)
    )


def test_merges_that_were_chosen_make_one_concept_of_the_terms_at_the_next_reading(linker: Linker) -> None:
    read = staff(headings={"truckteknik": 2, "truck-teknik": 1, "suomen kieli": 1})
    linked = link_statements(read, OURS, linker=linker)
    assert len(linked.local_concepts) == 3
    proposal = next(t for t in similar_local_terms(linked, OURS))
    table = [
        {"id": proposal.id, "label": proposal.label, "target": proposal.target_id, "target_label": proposal.target_label},
        {"id": "local:suomen-kieli", "label": "suomen kieli", "target": "finnish", "target_label": "finska"},
    ]
    layer = chosen_merges([{**row, "choice": "Ja"} for row in table])
    theirs, again = apply_local(layer, OURS, read)
    after = link_statements(again, theirs)
    assert not after.local_concepts
    assert sorted(e.concept_id or "" for e in after.evidence) == ["finnish", *["local:truckteknik"] * 3]


def test_proposals_without_a_yes_do_nothing_and_another_word_is_told(tmp_path: Path) -> None:
    row = {"Id": "local:suomi", "Term": "suomi", "Mål": "finnish", "Slås ihop med": "finska"}
    rows = [{**row, "Val": ""}, {**row, "Val": "nej"}, {**row, "Val": "kanske"}]
    layer = chosen_merges(rows)
    assert not layer.rows
    assert [(p.code, p.row) for p in layer.problems] == [("words_merge", 4)]
    assert layer.problems[0].message("sv") == "”kanske” är inget svar på om ”suomi” ska slås ihop."
    path = write_tables({"Ord": [{"Ord": "a", "Val": ""}], "Slå ihop": [{**row, "Val": "ja"}]}, tmp_path / "words.xlsx")
    assert len(read_merges(path).rows) == 1
    assert read_words(path) == Corrections()


def test_evidence_and_interests_follow_a_choice_like_statements(linker: Linker) -> None:
    evidence = (Evidence(evidence_id="e", person_id="1", words="Primula", visibility=Visibility.ORGANISATION),)
    interests = (Interest(person_id="2", words="Primula", kind=InterestKind.LEARN),)
    read = Staff(people=PEOPLE, as_of=DAY, evidence=evidence, interests=interests)
    after = link_statements(read, OURS, linker=linker.with_pairs([("Primula", "payroll")]))
    assert [e.concept_id for e in after.evidence] == ["payroll"]
    assert [i.concept_id for i in after.interests] == ["payroll"]
    assert not after.local_concepts
