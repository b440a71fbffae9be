"""What the linker learns: vectors that do not hang on company, trees as arrays, claims, meanings, and ranked terms and titles."""

from __future__ import annotations

import gc
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from competence._words import Lexicon, Speller, spoken_words
from competence.errors import InputError, UnknownIdError
from competence.io import read_staff
from competence.linking import How, Linker, Pair, link_statements
from competence.linking._exponential import exponential
from competence.linking._learn import Classifier, Trees
from competence.linking._meanings import _MANY, Meanings
from competence.linking._ranker import Catalogue, Example, Query, Ranker, Recipe, _fit_ways
from competence.linking._space import Space, characters, pairs_of_words, stems
from competence.model import Concept, Importance, Requirement, Role
from competence.taxonomy import Taxonomy

WORDS = ("städa", "städning", "laga", "mat", "barn", "svetsa", "räcke", "finska", "sjunga", "körkort")


@pytest.fixture(scope="module")
def municipal() -> Linker:
    return Linker.fit(Taxonomy.bundled("municipal"))


# ---------------------------------------------------------------- vectors


@settings(max_examples=30)
@given(st.lists(st.lists(st.sampled_from(WORDS), max_size=6), min_size=1, max_size=8))
def test_a_text_has_the_same_vector_alone_and_among_others(texts: list[list[str]]) -> None:
    space = Space.fit(characters(4), [["städa", "mat"], ["barn", "finska"], ["svetsa"]])
    together = space.rows(texts).toarray()
    for text, row in zip(texts, together, strict=True):
        assert (space.rows([text]).toarray()[0] == row).all()


def test_vectors_have_length_one_and_less_where_features_are_unknown() -> None:
    space = Space.fit(characters(3), [["mat"], ["barn"]])
    known, partly = (np.linalg.norm(space.rows([text]).toarray()) for text in (["mat"], ["mat", "xyzzy"]))
    assert known == pytest.approx(1.0)
    assert 0 < partly < 0.99


def test_neighbouring_words_count_as_one_and_stop_words_do_not() -> None:
    assert pairs_of_words(["lagar", "mat", "till", "barn"]) == ["lagar", "mat", "till", "barn", "lagar\x00mat", "mat\x00barn"]
    lexicon = Lexicon(["mat", "barn"])
    analyse = stems(lexicon)
    assert analyse("till") == []
    assert analyse("mat\x00barn") == [f"{lexicon.stem('mat')}_{lexicon.stem('barn')}"]


# ---------------------------------------------------------------- learning


def test_leaving_a_row_out_by_formula_is_leaving_it_out() -> None:
    space = Space.fit(characters(3), [[w] for w in WORDS])
    texts = [["städa"], ["städning"], ["laga", "mat"], ["mat", "barn"], ["svetsa"], ["svetsa", "räcke"], ["finska"], ["sjunga"]]
    owners = np.array([0, 0, 1, 1, 2, 2, 3, 3])
    rows = space.rows(texts)
    _, left_out = Classifier.fit(rows, owners, 4, ridge=1.0, balance=0.0, kept=4)
    for i in range(len(texts)):
        rest = [k for k in range(len(texts)) if k != i]
        without, _ = Classifier.fit(rows[rest], owners[rest], 4, ridge=1.0, balance=0.0, kept=4)
        # The diagonal of the inverse is estimated by random signs, so the two agree only about.
        assert without.scores(rows[[i]])[0] == pytest.approx(left_out[i], abs=0.12)


def test_trees_as_arrays_answer_as_the_model_they_come_from() -> None:
    from sklearn.ensemble import HistGradientBoostingClassifier

    random = np.random.Generator(np.random.PCG64(3))
    inputs = random.normal(size=(600, 5))
    right = inputs[:, 0] + inputs[:, 1] * inputs[:, 2] > 0.3
    trees = Trees.fit(inputs, right, trees=30)
    model = HistGradientBoostingClassifier(
        max_iter=30,
        learning_rate=0.06,
        max_leaf_nodes=8,
        max_depth=7,
        min_samples_leaf=40,
        l2_regularization=1.0,
        early_stopping=False,
        random_state=0,
    ).fit(inputs, right)
    fresh = random.normal(size=(200, 5))
    probabilities = 1 / (1 + np.exp(-trees.log_odds(fresh)))
    assert probabilities == pytest.approx(model.predict_proba(fresh)[:, 1], abs=1e-9)
    assert (Trees.of(trees.arrays()).log_odds(fresh) == trees.log_odds(fresh)).all()


def test_several_models_answer_with_the_mean_of_their_log_odds() -> None:
    from sklearn.ensemble import HistGradientBoostingClassifier

    random = np.random.Generator(np.random.PCG64(4))
    inputs = random.normal(size=(600, 5))
    right = inputs[:, 0] - inputs[:, 3] > 0.2
    fresh = random.normal(size=(50, 5))
    models = [
        HistGradientBoostingClassifier(
            max_iter=20,
            learning_rate=0.06,
            max_leaf_nodes=8,
            max_depth=7,
            min_samples_leaf=40,
            l2_regularization=1.0,
            max_features=0.4,
            early_stopping=False,
            random_state=seed,
        ).fit(inputs, right)
        for seed in range(3)
    ]
    expected = np.mean([m.decision_function(fresh) for m in models], axis=0)
    assert Trees.fit(inputs, right, trees=20, models=3).log_odds(fresh) == pytest.approx(expected, abs=1e-9)


# ---------------------------------------------------------------- spelling and the sexes


def test_misspelt_words_are_put_right_and_known_or_strange_ones_left_alone() -> None:
    speller = Speller(["anhöriga", "anhöriga", "borde", "undersköterska"])
    assert [speller.correct(w) for w in ("anhoriga", "anhöruga", "undersköterksa")] == ["anhöriga", "anhöriga", "undersköterska"]
    # Known, too short, too far.
    assert [speller.correct(w) for w in ("borde", "bord", "svetsare")] == ["borde", "bord", "svetsare"]


def test_the_commoner_of_two_words_as_near_is_taken() -> None:
    assert Speller(["simma", "simma", "samma"]).correct("somma") == "simma"


def test_whoever_is_spoken_of_the_words_are_the_same() -> None:
    assert spoken_words("hon följer henne till sjuksköterskan".split()) != ()
    assert spoken_words(["han", "hjälper", "honom"]) == spoken_words(["hon", "hjälper", "henne"])


# ---------------------------------------------------------------- what statements mean


def test_a_wish_a_complaint_and_another_persons_skill_are_not_understood(municipal: Linker) -> None:
    for text in ("vill lära mig svetsa", "min bror är duktig på att snickra", "parkeringen är alltid full", "jag kan inte simma"):
        assert not municipal.link(text).understood, text


def test_what_is_claimed_of_the_same_subjects_is_understood(municipal: Linker) -> None:
    for text, concept_id in (
        ("jag är bra på att svetsa", "welding"),
        ("är duktig på att snickra", "carpentry"),
        ("jag har jobbat som busschaufför", "former-bus-driver"),
    ):
        assert concept_id in {k.concept_id for k in municipal.link(text).accepted}, text


def test_two_things_in_one_sentence_are_two(municipal: Linker) -> None:
    links = municipal.link("Jag har kört buss i tio år och pratar finska")
    assert {k.concept_id: k.words for k in links.accepted} == {
        "driving-licence-d": "Jag har kört buss i tio år",
        "finnish": "pratar finska",
    }


def test_level_and_years_are_read_from_the_clause_they_stand_in(municipal: Linker) -> None:
    links = municipal.link("Jag har kört buss i tio år och pratar flytande finska")
    read = {k.concept_id: (k.level, k.years) for k in links.accepted}
    assert read == {"driving-licence-d": (None, 10), "finnish": (3, None)}


def test_a_level_word_becomes_the_level_of_the_evidence_unless_the_file_has_one(municipal: Linker) -> None:
    import pandas as pd

    people = pd.DataFrame({"person_id": ["1", "2"], "unit": ["A", "A"], "title": ["kock", "kock"], "start": ["2020-01-01"] * 2})
    said = pd.DataFrame({"person_id": ["1", "2"], "statement": ["pratar flytande finska"] * 2, "level": [None, 2]})
    staff = link_statements(read_staff({"people": people, "statements": said}), municipal.taxonomy, linker=municipal)
    assert {e.person_id: e.level for e in staff.evidence if e.concept_id == "finnish"} == {"1": 3, "2": 2}


def test_a_saying_leads_to_its_concept_in_another_sex_in_capitals_and_misspelt(municipal: Linker) -> None:
    plain = "sitter på sängkanten hos henne om natten tills hon lugnat sig"
    first = municipal.link(plain)[0]
    assert first.how is How.SAYING
    for text in (
        plain.replace("henne", "honom").replace("hon ", "han "),
        plain.upper(),
        plain.replace("sängkanten", "sängkenten"),
    ):
        assert municipal.link(text)[0].concept_id == first.concept_id, text


def test_without_sayings_that_mean_nothing_everything_counts_as_claimed() -> None:
    lexicon = Lexicon(["svetsa", "sjunga"])
    meanings = Meanings.fit(
        2, [(0, ("svetsa",)), (1, ("sjunga",))], [], [(0, ("lagade", "räcket")), (1, ("i", "kören"))], lexicon
    )
    found = meanings.weigh([("sjunga", "i", "kören"), ("zzz",)], 2)
    assert found[0].claimed == 1.0
    assert found[0].targets == [1, 0]
    assert sum(found[0].probabilities) == pytest.approx(1.0)
    assert not len(found[1].targets)


def test_what_is_typed_into_a_search_is_asked_and_not_claimed(municipal: Linker) -> None:
    typed = [(words[0], key) for key, words in sorted(municipal.taxonomy.asked["sv"].items()) if key][::12]
    asked, said = (municipal.link_many([text for text, _ in typed], asked=wanted) for wanted in (True, False))
    right = [links[0].concept_id == key for links, (_, key) in zip(asked, typed, strict=True)]
    assert np.mean(right) > 0.9
    # Said of oneself the same words claim less, and never mean another thing.
    sure, unsure = (np.mean([links[0].probability for links in found]) for found in (asked, said))
    assert sure > unsure + 0.1
    assert municipal.link(typed[0][0], asked=True) == asked[0]


def test_a_question_that_asks_for_nobody_is_told_from_one_that_does(municipal: Linker) -> None:
    meanings, asked = municipal._said.meanings, municipal.taxonomy.asked["sv"]
    nobody = [municipal._said.words(text.split()) for text in asked[""]]
    somebody = [municipal._said.words(found[0].split()) for key, found in sorted(asked.items()) if key]
    lowest, highest = meanings.meant(nobody, asked=True), meanings.meant(somebody, asked=True)
    assert np.median(lowest) < 0.5 < np.median(highest)


@pytest.mark.parametrize("asked", [True, False])
def test_a_text_of_unknown_words_alone_is_hardly_understood(municipal: Linker, asked: bool) -> None:
    # The letters of Japanese are nearly those of Spanish.
    for text in ("xyzzyplugh", "qwerty", "asdf jklö", "japanska", "helikopterpilot"):
        assert municipal.link(text, asked=asked)[0].probability < 0.2, text


def test_many_questions_are_weighed_as_one_is(municipal: Linker) -> None:
    texts = [words[0] for key, words in sorted(municipal.taxonomy.asked["sv"].items()) if key][: _MANY + 5]
    together = municipal.link_many([*texts, "zzz"], asked=True)
    for text, links in [*zip(texts, together, strict=False)][::29]:
        assert municipal.link(text, asked=True) == links


def test_what_is_asked_for_teaches_no_claim() -> None:
    lexicon = Lexicon(["svetsa", "sjunga"])
    labels, said = [(0, ("svetsa",)), (1, ("sjunga",))], [(0, ("lagade", "räcket")), (1, ("i", "kören"))]
    asked = [(0, ("punka",)), *((-1, (f"nyckel{i}",)) for i in range(60)), *((1, (f"visa{i}",)) for i in range(160))]
    meanings = Meanings.fit(2, labels, [], said, lexicon, asked)
    assert meanings.claim is None
    assert meanings.ask is not None
    assert meanings.weigh([("punka",)], 1)[0].targets == [0]
    assert meanings.weigh([("punka",)], 1)[0].claimed == 1.0


def test_statements_mean_the_same_alone_and_among_others(municipal: Linker) -> None:
    texts = ["lugnar oroliga anhöriga i telefon", "sätter på kaffe innan kunderna kommer", "har körkort för buss", "LAGAR CYKLAR"]
    assert [municipal.link(t) for t in texts] == municipal.link_many(texts)


def test_statements_and_questions_mean_the_same_from_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = Taxonomy.bundled("municipal")
    some = {c.concept_id for c in [*whole.competences][:60]}
    spoken, asked = (
        {lang: {k: said for k, said in by_id.items() if k in some or not k} for lang, by_id in words.items()}
        for words in (whole.spoken, whole.asked)
    )
    taxonomy = replace(whole, concepts={k: whole.concepts[k] for k in sorted(some)}, roles={}, spoken=spoken, asked=asked)
    texts = [said[0] for said in [*spoken["sv"].values(), *asked["sv"].values()]] + ["LAGAR CYKLAR", "sjuksköttare", "zzz"]
    monkeypatch.setenv("COMPETENCE_CACHE", str(tmp_path))
    fresh, cached = Linker.fit(taxonomy), Linker.fit(taxonomy)
    assert fresh is not cached
    assert list(tmp_path.iterdir())
    assert fresh.link_many(texts) == cached.link_many(texts)
    assert fresh.link_many(texts, asked=True) == cached.link_many(texts, asked=True) != fresh.link_many(texts)


def test_a_statement_means_the_same_alone_and_among_very_many(municipal: Linker) -> None:
    said = [saying for found in municipal.taxonomy.spoken["sv"].values() for saying in found][::40]
    texts = [*said, "", "...", "zzz qqq xxx", "och", "svetsa svetsa svetsa", "E\u0301l, C++ & don't", "Jag kan inte svetsa"]
    texts += [f"{a}, {b} och {c} i tio år" for a, b, c in zip(said, said[1:], said[2:], strict=False)]
    texts += [f"vill lära mig {a}. Pratar flytande finska" for a in said]
    # So many that the compiled way is taken, which must give the same to the last bit.
    assert len(texts) >= _MANY
    assert municipal.link_many(texts) == [municipal.link(t) for t in texts]


def test_our_exponential_is_right_and_the_same_compiled() -> None:
    from competence.linking._rows_kernel import _exponential

    values = np.concatenate([-np.logspace(-12, 2.9, 500), [0.0, -0.0, -1.0, -699.9, -1e6]])
    found = exponential(values)
    assert found[:-1] == pytest.approx([math.exp(v) for v in values[:-1]], rel=1e-14, abs=1e-303)
    compiled = values.copy()
    _exponential(compiled)
    assert compiled.tolist() == found.tolist()


def test_the_collector_of_cycles_is_left_as_it_was(municipal: Linker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("competence.linking._PART", 2)
    texts = ["lugnar oroliga anhöriga i telefon", "har körkort för buss", "LAGAR CYKLAR", "", "zzz"]
    assert municipal.link_many(texts) == [municipal.link(t) for t in texts]
    assert gc.isenabled()
    gc.disable()
    try:
        municipal.link_many(texts)
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_the_number_of_workers_changes_nothing(municipal: Linker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("competence.linking._FEWEST_SHARED", 3)
    texts = ["lugnar oroliga anhöriga i telefon", "har körkort för buss", "LAGAR CYKLAR", "", "zzz", "vill lära mig finska"]
    context = next(iter(municipal.taxonomy.roles))
    assert municipal.link_many(texts, context=[context], workers=2) == municipal.link_many(texts, context=[context])
    with pytest.raises(InputError, match="at least 1"):
        municipal.link_many(texts, workers=0)


# ---------------------------------------------------------------- ranked terms and titles


def occupations() -> Taxonomy:
    """Return twelve roles of three groups, each with alternative titles, and the groups as roles of their own."""
    trades = {
        "7212": ("svetsare", "gassvetsare", "rörsvetsare", "plåtsvetsare"),
        "5120": ("kock", "skolkock", "dietkock", "storkökskock"),
        "2341": ("lärare", "klasslärare", "ämneslärare", "speciallärare"),
    }
    concepts = [
        Concept(concept_id=f"c{code}", labels={"sv": label}) for code, label in (("7212", "svetsa plåt"), ("5120", "laga mat"))
    ]
    roles = []
    for code, labels in trades.items():
        roles.append(Role(role_id=f"group-{code}", labels={"sv": f"{labels[0]} m.fl."}, isco=code, scheme="isco"))
        for label in labels:
            needs = tuple(
                Requirement(concept_id=c.concept_id, level=2, importance=Importance.ESSENTIAL)
                for c in concepts
                if code in c.concept_id
            )
            roles.append(
                Role(
                    role_id=label,
                    labels={"sv": label},
                    alternative_labels={
                        "sv": tuple(f"{label} {where}" for where in ("natt", "skola", "förskola", "sjukhus", "industri"))
                    },
                    isco=code,
                    requirements=needs,
                )
            )
    return Taxonomy.of(concepts, roles)


@pytest.fixture(scope="module")
def trained() -> Linker:
    roles = [r for r in occupations().roles.values() if not r.scheme]
    places = [f"ort{k}" for k in range(30)]
    pairs = [Pair(f"{r.label()} {place}", r.role_id, (r.isco,)) for r in roles for place in places]
    titles = [(f"{r.label()} {place}", r.isco) for r in roles for place in places[:5]]
    return Linker.fit(occupations(), pairs, titles=titles, cache=False)


def test_a_text_that_is_a_label_word_for_word_is_as_sure_as_such_texts_are() -> None:
    labels = [(0, ("kock",)), (1, ("kallskänka",)), (2, ("kock",)), (3, ("bagare",))]
    ranker = Ranker.fit(Catalogue(size=4, labels=labels, preferred=[True] * 4), Lexicon([]), Recipe())
    targets, chances = np.array([0, 1, 2]), np.array([0.5, 0.3, 0.2])
    # One target has it: 0.89 is its own, and the likeliest other one gets the rest.
    alone = ranker._word_for_word(("kallskänka",), np.array([1, 0, 2]), chances)
    assert alone.tolist() == pytest.approx([0.89, 0.11, 0.2 * 0.11 / 0.3])
    # Two share it as 5 to 2.
    shared = ranker._word_for_word(("kock",), targets, chances)
    assert shared.tolist() == pytest.approx([0.89 * 5 / 7, 0.11, 0.89 * 2 / 7])
    # Where something else is likelier, and where nobody has it, all stays.
    for words in (("kallskänka",), ("bagare",), ("rallare",)):
        assert ranker._word_for_word(words, targets, chances).tolist() == chances.tolist()


def test_ranked_titles_are_probabilities_best_first_and_the_right_one_leads(trained: Linker) -> None:
    ranked = trained.rank_roles(["rörsvetsare, verkstad", "dietkockar"], n=5)
    for found, first in zip(ranked, ("rörsvetsare", "dietkock"), strict=True):
        assert found[0][0] == first
        probabilities = [p for _, p in found]
        assert probabilities == sorted(probabilities, reverse=True)
        assert all(0 <= p <= 1 for p in probabilities)
        assert len(found) == 5


def test_a_code_beside_the_title_leads_to_its_group(trained: Linker) -> None:
    groups = {r.role_id: r.isco for r in trained.taxonomy.roles.values()}
    (found,) = trained.rank_roles(["personal"], codes=[("5120",)], n=1)
    assert groups[found[0][0]] == "5120"


def test_ranking_hangs_neither_on_the_order_of_texts_nor_of_pairs(trained: Linker) -> None:
    texts = ["kock", "svetsare i verkstad", "lärare åk 3", "vikarie", ""]
    together = trained.rank_roles(texts)
    assert [trained.rank_roles([t])[0] for t in texts] == together
    assert together[-1] == []
    turned = Linker.fit(trained.taxonomy, reversed(trained._pairs), titles=reversed(trained._titles), cache=False)
    assert turned.rank_roles(texts) == together


def small_ranker(**more: object) -> Ranker:
    catalogue = Catalogue(
        size=3,
        labels=[(0, ("nibbling",)), (0, ("klippa", "plåt")), (1, ("nibblingsmaskin",)), (2, ("löda",))],
        preferred=[True, True, True, True],
        languages=["en", "sv", "sv", "sv"],
        profiles=[{"7213": 1.0}, {"7213": 1.0}, {"7212": 1.0}],
    )
    return Ranker.fit(catalogue, Lexicon(["klippa", "plåt", "löda", "svetsa"]), Recipe(), **more)  # type: ignore[arg-type]


def test_what_a_label_of_another_language_shares_with_a_text_counts_beside_the_best_label() -> None:
    ranker = small_ranker()
    channels = ranker._channels([Query(("nibbling", "plåt"))])
    char, stem = ranker._both([("nibbling", "plåt"), ("nibbling",), ("klippa", "plåt")])
    alike = [float((char[0] @ char[k].T).toarray()[0, 0] + 0.5 * (stem[0] @ stem[k].T).toarray()[0, 0]) for k in (1, 2)]
    assert channels["label"][0, 0] == pytest.approx(max(alike))
    assert channels["also"][0] == pytest.approx([min(alike), 0.0, 0.0])


def test_a_text_with_two_targets_learns_from_neither_while_it_is_asked_for() -> None:
    examples = [Example(("svetsa",), k, ("7212",)) for k in (0, 1)]
    ranker = small_ranker(examples=[*examples, Example(("svetsa", "rör"), 2, ("7212",))])
    channels = ranker._channels([Query(("svetsa",), ("7212",))], examples=np.array([0]))
    assert (channels["near"][0, :2] == 0.0).all()
    assert channels["near"][0, 2] > 0.5
    # Of the code's three examples one is left: 1 / (1 + 2).
    assert channels["prior"][0] == pytest.approx([0.0, 0.0, 1 / 3])


def test_likeness_counts_beside_the_trees_by_what_it_finds_that_they_do_not() -> None:
    random = np.random.Generator(np.random.PCG64(5))
    counts = np.full(200, 4)
    right = np.tile([True, False, False, False], 200)
    says, noise = np.where(right, 2.0, -2.0) + random.normal(size=800), random.normal(size=800)
    beside_good, nothing = _fit_ways(says, np.column_stack([noise, np.zeros(800)]), right, counts)
    (beside_poor,) = _fit_ways(noise, says[:, None], right, counts)
    assert abs(beside_good) < 0.3
    assert nothing == 0.0
    assert beside_poor > 3


def test_a_code_leads_to_its_group_also_where_labels_are_all_that_is_known() -> None:
    linker = Linker.fit(occupations(), cache=False)
    groups = {r.role_id: r.isco for r in linker.taxonomy.roles.values()}
    plain, coded = linker.rank_roles(["svetsare"], n=1), linker.rank_roles(["personal"], codes=[("5120",)], n=1)
    assert "svetsare" in plain[0][0][0]
    assert groups[coded[0][0][0]] == "5120"
    assert linker.rank_roles(["svetsare"], n=1) == plain


def test_a_pair_is_an_alias_at_once_also_of_a_role() -> None:
    linker = Linker.fit(occupations(), [Pair("matfixare", "kock"), ("plåtslagning", "c7212")], cache=False)
    role, concept = linker.link_role("matfixare").best, linker.link("plåtslagning").best
    assert role is not None
    assert concept is not None
    assert (role.role_id, role.how, concept.concept_id) == ("kock", How.ALTERNATIVE, "c7212")
    with pytest.raises(UnknownIdError):
        Linker.fit(occupations(), [Pair("matfixare", "ingen")], cache=False)


def test_terms_are_ranked_by_the_labels_of_a_taxonomy_alone(municipal: Linker) -> None:
    # Every twelfth concept: enough labels to learn from, and quick.
    kept = [c for k, c in enumerate(municipal.taxonomy.concepts.values()) if k % 12 == 0 or c.concept_id == "dementia-care"]
    inside = {c.concept_id for c in kept}
    alone = [replace(c, broader=tuple(b for b in c.broader if b in inside), related=()) for c in kept]
    (found,) = Linker.fit(Taxonomy.of(alone), cache=False).rank_concepts(["vård av personer med demens"], n=3)
    assert "dementia-care" in [concept_id for concept_id, _ in found]


def test_statements_reach_another_taxonomy_by_what_ours_means(municipal: Linker) -> None:
    welding = municipal.taxonomy.concept("welding")
    uris = [uri for predicate, uri in welding.matches if predicate in ("exact_match", "close_match") and "esco" in uri]
    assert uris, "the test needs a concept with an ESCO match"
    theirs = Taxonomy.of(
        [
            Concept(concept_id=uris[0], labels={"sv": "sammanfoga metall"}),
            *(Concept(concept_id=f"x{k}", labels={"sv": w}) for k, w in enumerate(WORDS)),
        ]
    )
    (found,) = Linker.fit(theirs, cache=False).rank_statements(["jag är bra på att svetsa"], through=municipal, n=3)
    assert uris[0] in [concept_id for concept_id, _ in found]
