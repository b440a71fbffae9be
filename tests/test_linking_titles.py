"""Titles that no label meets as a whole: weighed by the occupation group of their head, their parts and their letters."""

from __future__ import annotations

import numpy as np
import pytest

from competence._words import Lexicon, tokenize
from competence.linking import How, Linker
from competence.linking._titles import Title, TitleGroups, head_end
from competence.taxonomy import Taxonomy

TITLES = [
    ("kundtjänst", "4222"),
    ("kundtjänstmedarbetare", "4222"),
    ("medarbetare kontaktcenter", "4222"),
    ("ekonomichef", "1210"),
    ("finanschef", "1210"),
    ("redovisningschef", "1210"),
    ("miljöinspektör", "2182"),
    ("livsmedelsinspektör", "2182"),
    ("hälsoskyddsinspektör", "2182"),
]


@pytest.fixture(scope="module")
def lexicon() -> Lexicon:
    # Compounds are split where both parts are words that somebody uses.
    parts = {"chef", "inspektör", "livsmedel", "ekonomi", "redovisning", "finans", "miljö", "medarbetare"}
    return Lexicon(sorted(parts | {t.word for label, _ in TITLES for t in tokenize(label)}))


@pytest.fixture(scope="module")
def known(lexicon: Lexicon) -> TitleGroups:
    return TitleGroups.fit(TITLES, lexicon)


@pytest.fixture(scope="module")
def municipal() -> Linker:
    return Linker.fit(Taxonomy.bundled("municipal"))


def test_the_head_stands_before_comma_bracket_and_preposition() -> None:
    for text, words in (
        ("Lärare, matematik", 1),
        ("Enhetschef inom social omsorg", 1),
        ("Biträdande rektor (vik)", 2),
        ("Undersköterska/vårdbiträde", 1),
        ("Handläggare – bygglov", 1),
        ("Driftledare", 1),
    ):
        assert head_end(text, tokenize(text)) == words, text
    assert head_end("", []) == 0


def test_a_title_is_read_in_head_and_other_parts(lexicon: Lexicon) -> None:
    title = Title.of("Inspektör, livsmedel", lexicon)
    assert title.head == Title.of("livsmedelsinspektör", lexicon).head
    assert title.head not in title.others
    assert Title.of("", lexicon) == Title((), "", frozenset())


def test_a_title_of_a_known_head_goes_to_the_group_of_that_head(known: TitleGroups) -> None:
    ranked = known.weigh("Personalchef")
    assert ranked[0][0] == "1210"
    assert [p for _, p in ranked] == sorted((p for _, p in ranked), reverse=True)
    assert known.weigh("") == []


def test_what_is_left_out_says_nothing(known: TitleGroups) -> None:
    """Leaving a title out gives what is learned without it, but for the rarity of letters, which the other titles share."""
    place = [label for label, _ in TITLES].index("ekonomichef")
    title = known.titles[place]
    groups, seen = known.inputs(title)
    again, hidden = known.inputs(title, [place])
    own = known.codes.index("1210")
    before, after = seen[groups == own][0], hidden[again == own][0]
    assert before[0] == pytest.approx(1.0)
    assert after[0] < 0.9
    assert (after[[2, 3, 4]] < before[[2, 3, 4]]).all()
    fewer = TitleGroups.fit([t for k, t in enumerate(TITLES) if k != place], known.lexicon)
    _, without = fewer.inputs(title)
    heads = [seen[groups == g][0, 2] for g in groups], [without[k, 2] for k in range(len(without))]
    assert np.isfinite(heads[0]).all()
    assert np.isfinite(heads[1]).all()


def test_a_title_of_no_group_is_refused_and_still_offers_roles(municipal: Linker) -> None:
    links = municipal.link_role("Rymdfärjekonstruktör")
    assert links.best is None
    assert len(links) == 5
    assert all(0 <= link.probability <= 1 for link in links)


def test_a_manager_is_no_clerk_and_a_stated_place_changes_no_trade(municipal: Linker) -> None:
    roles = municipal.taxonomy.roles
    for title, code in (
        ("Specialpedagog, resursskola", "2351"),
        ("Undersköterska, korttidsboende Björken", "5321"),
        ("Brandman utryckning station Öst", "5411"),
    ):
        best = municipal.link_role(title).best
        assert best is not None, title
        assert roles[best.role_id].ssyk == code
    best = municipal.link_role("Kundtjänstchef").best
    assert best is None or roles[best.role_id].ssyk.startswith("1")


def test_links_of_a_weighed_title_are_in_order_and_its_first_has_the_margin(municipal: Linker) -> None:
    links = municipal.link_role("Skolmåltidsutvecklare", n=5)
    assert links[0].place == 1
    assert links[0].how is not How.EXACT
    assert [k.probability for k in links] == sorted((k.probability for k in links), reverse=True)
    assert links[0].margin == pytest.approx(links[0].probability - links[1].probability, abs=1e-6)
    assert len({k.role_id for k in links}) == len(links)


def test_another_sex_is_the_same_title(municipal: Linker) -> None:
    for one, other in (
        ("Skolsköterska, högstadiet", "Skolskötare, högstadiet"),
        ("Brandkvinna i beredskap", "Brandman i beredskap"),
    ):
        a, b = municipal.link_role(one), municipal.link_role(other)
        assert [(k.role_id, k.probability) for k in a] == [(k.role_id, k.probability) for k in b]
