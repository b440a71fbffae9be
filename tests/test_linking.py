"""Words to concepts and titles to roles: what is met, how sure it is, and what is kept when nothing is."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from competence._words import Lexicon, Stance, stances, title_tokens, tokenize
from competence.errors import InputError, UnknownIdError
from competence.linking import How, Linker, link_statements, resolve
from competence.model import (
    Concept,
    Employment,
    Evidence,
    Importance,
    Interest,
    InterestKind,
    LearningForm,
    LearntWhere,
    Person,
    Post,
    Requirement,
    Role,
    RoleShare,
    Sex,
    Source,
    Statement,
    Visibility,
)
from competence.settings import LinkingSettings, Settings
from competence.staff import Staff
from competence.taxonomy import Taxonomy, read_aid

SMALL = Path(__file__).parent / "data" / "taxonomy_small"
DAY = date(2026, 3, 1)


@pytest.fixture(scope="module")
def small() -> Taxonomy:
    return Taxonomy.read(SMALL)


@pytest.fixture(scope="module")
def linker(small: Taxonomy) -> Linker:
    return Linker.fit(small, cache=False)


@pytest.fixture(scope="module")
def municipal() -> Linker:
    return Linker.fit(Taxonomy.bundled("municipal"))


def met(linker: Linker, text: str) -> list[str]:
    return sorted(k.concept_id for k in linker.link(text).accepted)


# ---------------------------------------------------------------- one text


@pytest.mark.parametrize(
    ("text", "concept_id", "how"),
    [
        ("demensvård", "dementia-care", How.EXACT),
        ("Demensvård!", "dementia-care", How.EXACT),
        ("Dementia care", "dementia-care", How.EXACT),
        ("busskort", "driving-bus", How.ALTERNATIVE),
        ("jag brukar lugna oroliga anhöriga", "calming-relatives", How.EXACT),
        ("läkemedels delegering", "medicine-giving", How.EXACT),
        ("svetsar", "welding", How.INFLECTED),
        ("plogade snö", "snow-ploughing", How.INFLECTED),
        ("svetsninng", "welding", How.MISSPELT),
        ("läkmedelsdelegering", "medicine-giving", How.MISSPELT),
        ("lakemedelsdelegering", "medicine-giving", How.MISSPELT),
        ("ploga sno", "snow-ploughing", How.MISSPELT),
        ("lugna oroliga anhoriga", "calming-relatives", How.MISSPELT),
        ("våld och hot", "threats", How.INFLECTED),
    ],
)
def test_words_meet_a_label_in_the_surest_way_there_is(linker: Linker, text: str, concept_id: str, how: How) -> None:
    best = linker.link(text).best
    assert best is not None
    assert (best.concept_id, best.how) == (concept_id, how)


def test_a_compound_is_met_by_its_parts_in_any_order(small: Taxonomy) -> None:
    words = [
        Concept(concept_id="local:delegation", labels={"sv": "delegering"}),
        Concept(concept_id="local:medicine", labels={"sv": "läkemedel"}),
    ]
    links = Linker.fit(small.merged(words), cache=False).link("delegering av läkemedel")
    assert links.best is not None
    assert (links.best.concept_id, links.best.how) == ("medicine-giving", How.INFLECTED)


def test_surer_ways_have_higher_probability(linker: Linker) -> None:
    ways = ["demensvård", "vårda dementa", "vårdade dementa", "demensvord"]
    probabilities = [linker.link(w)[0].probability for w in ways]
    assert probabilities == sorted(probabilities, reverse=True)
    assert len(set(probabilities)) == 4


def test_each_link_says_which_words_met_which_label(linker: Linker) -> None:
    links = linker.link("Jag pratar bra Finska, tror jag.")
    assert links.best is not None
    assert (links.best.words, links.best.label, links.best.lang) == ("pratar Finska", "prata finska", "sv")


def test_one_sentence_can_name_several_competences(linker: Linker) -> None:
    assert met(linker, "Jag har kört buss i tio år, syr kläder och pratar finska hemma") == ["driving-bus", "finnish", "sewing"]


def test_a_label_with_och_is_met_inside_a_sentence(linker: Linker) -> None:
    best = linker.link("Har gått en kurs om hot och våld i höstas").best
    assert best is not None
    assert (best.concept_id, best.words) == ("threats", "hot och våld")


def test_words_inside_a_sentence_are_less_sure_than_the_words_alone(linker: Linker) -> None:
    alone, inside = linker.link("finska").best, linker.link("den långa finska vintern skrämmer nog många").named
    assert alone is not None
    assert inside is None or inside.probability < alone.probability


@pytest.mark.parametrize("text", ["kvantfysik", "", "   ", "?!", "42", "Chefen vet vad jag kan", "Parkeringen är alltid full"])
def test_what_is_not_understood_says_so_and_keeps_the_words(linker: Linker, text: str) -> None:
    links = linker.link(text)
    assert links.best is None
    assert not links.understood
    assert links.text == text


def test_not_understood_still_offers_the_nearest(linker: Linker) -> None:
    links = linker.link("dementer")
    assert 0 < len(links) <= 5
    assert "dementia-care" in [k.concept_id for k in links]


@pytest.mark.parametrize(
    "text",
    [
        "Jag kan inte svetsa",
        "svetsa kan jag inte",
        "Har aldrig lärt mig svetsning",
        "I cannot do welding",
        "saknar erfarenhet av svetsning",
        "har ingen svetsning",
    ],
)
def test_a_denial_is_no_competence(linker: Linker, text: str) -> None:
    links = linker.link(text)
    assert links.best is None
    assert links[0].concept_id == "welding"
    assert links[0].stance is Stance.NEGATED


@pytest.mark.parametrize(
    "text",
    ["vill lära mig svetsa", "Jag skulle vilja kunna svetsa", "hoppas få lära mig svetsning", "would like to learn welding"],
)
def test_a_wish_is_no_competence_but_is_named(linker: Linker, text: str) -> None:
    links = linker.link(text)
    assert links.best is None
    assert links.named is not None
    assert (links.named.concept_id, links.named.stance) == ("welding", Stance.WISH)


def test_a_denial_ends_where_a_new_claim_starts(linker: Linker) -> None:
    assert met(linker, "Jag kan inte svetsa men pratar finska") == ["finnish"]
    assert met(linker, "Jag pratar finska och kan inte svetsa") == ["finnish"]


def test_what_others_do_not_want_is_no_denial() -> None:
    words = [t.word for t in tokenize("lugnar barn som inte vill sova")]
    assert set(stances(words, 0, len(words))) == {Stance.CLAIMED}
    words = [t.word for t in tokenize("är inte rädd för hot")]
    assert set(stances(words, 0, len(words))) == {Stance.CLAIMED}


def test_a_contrast_is_no_denial(linker: Linker) -> None:
    assert met(linker, "Svetsar för hand, inte med robot") == ["welding"]
    assert met(linker, "Kan svetsa också fast det inte står i min tjänst") == ["welding"]


def test_a_label_of_two_concepts_shares_its_probability_and_is_asked_about(small: Taxonomy) -> None:
    twins = [Concept(concept_id=k, labels={"sv": "kanotpaddling"}) for k in ("twin-a", "twin-b")]
    linker = Linker.fit(small.merged(twins), cache=False)
    links = linker.link("kanotpaddling")
    assert [(k.concept_id, k.probability) for k in links[:2]] == [("twin-a", 0.495), ("twin-b", 0.495)]
    assert links.best is None


def test_a_context_breaks_a_tie_and_nothing_else(small: Taxonomy) -> None:
    twins = [Concept(concept_id=k, labels={"sv": "kanotpaddling"}) for k in ("twin-a", "twin-b")]
    role = Role(role_id="role-x", labels={"sv": "x"}, requirements=(Requirement(concept_id="twin-b"),))
    linker = Linker.fit(small.merged(twins, [role]), cache=False)
    best = linker.link("kanotpaddling", context=["role-x"]).best
    assert best is not None
    assert best.concept_id == "twin-b"
    assert linker.link("finska", context=["role-x"]).accepted == linker.link("finska").accepted


def test_n_bounds_the_links_and_must_be_positive(linker: Linker) -> None:
    assert len(linker.link("vård", n=2)) <= 2
    with pytest.raises(InputError, match="n must be at least 1"):
        linker.link("vård", n=0)


def test_a_heading_is_met_as_a_whole_only(linker: Linker) -> None:
    assert linker.link_heading("Rutin finska fordonsparken").best is None
    best = linker.link_heading("Läkemedelsdelegering").best
    assert best is not None
    assert best.concept_id == "medicine-giving"


def test_confirmed_pairs_count_as_labels(small: Taxonomy) -> None:
    linker = Linker.fit(small, [("Alvedonkörkort", "medicine-giving")], cache=False)
    best = linker.link("alvedonkörkort").best
    assert best is not None
    assert (best.concept_id, best.how) == ("medicine-giving", How.ALTERNATIVE)
    with pytest.raises(UnknownIdError, match="nearest"):
        Linker.fit(small, [("x", "medicin")], cache=False)


# ---------------------------------------------------------------- many texts, cache, additions

TEXTS = [
    "Jag har kört buss i tio år och pratar finska hemma",
    "demensvård",
    "vårdar dementa, ger läkemedel",
    "vill lära mig svetsa",
    "",
    "snöplogning på natten",
    "demensvård",
    "något helt annat",
]


def test_link_many_gives_the_same_as_link(linker: Linker, municipal: Linker) -> None:
    for one in (linker, municipal):
        assert one.link_many(TEXTS) == [one.link(t) for t in TEXTS]


@settings(max_examples=25)
@given(st.permutations(TEXTS))
def test_the_order_of_texts_changes_nothing(linker: Linker, texts: list[str]) -> None:
    alone = dict(zip(TEXTS, linker.link_many(TEXTS), strict=True))
    assert linker.link_many(texts) == [alone[t] for t in texts]


def test_the_order_of_concepts_changes_nothing(small: Taxonomy) -> None:
    turned = replace(
        small, concepts=dict(reversed(list(small.concepts.items()))), roles=dict(reversed(list(small.roles.items())))
    )
    texts = [*TEXTS, "vård", "köra", "språk"]
    assert Linker.fit(turned, cache=False).link_many(texts) == Linker.fit(small, cache=False).link_many(texts)


@settings(max_examples=60)
@given(st.text(max_size=60))
def test_any_text_gives_probabilities_in_range_and_first_candidates_first(linker: Linker, text: str) -> None:
    links = linker.link(text)
    assert all(0 <= k.probability <= 1 and 0 <= k.margin <= 1 for k in links)
    assert len({k.concept_id for k in links}) == len(links)
    claimed = [k.probability for k in links if k.place == 1 and k.stance is Stance.CLAIMED]
    assert claimed == sorted(claimed, reverse=True)


def test_the_cache_gives_identical_links(small: Taxonomy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COMPETENCE_CACHE", str(tmp_path / "cache"))
    first = Linker.fit(small)
    files = list((tmp_path / "cache").iterdir())
    assert len(files) == 1
    again = Linker.fit(small)
    assert again.link_many(TEXTS) == first.link_many(TEXTS)
    assert again.link_role("usk") == first.link_role("usk")
    assert list((tmp_path / "cache").iterdir()) == files
    # Another taxonomy or other settings are another file.
    Linker.fit(small.merged([Concept(concept_id="x", labels={"sv": "x"})]))
    Linker.fit(small, settings=Settings(linking=LinkingSettings(cutoff=0.6)))
    assert len(list((tmp_path / "cache").iterdir())) == 3


def test_the_cache_folder_does_not_grow_without_end(small: Taxonomy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COMPETENCE_CACHE", str(tmp_path))
    for number in range(10):
        Linker.fit(small, [(f"ord {number}", "finnish")])
    assert len(list(tmp_path.iterdir())) == 8


@pytest.mark.parametrize("damage", [b"", b"rubbish", None])
def test_a_damaged_cache_file_is_made_anew(
    small: Taxonomy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: bytes | None
) -> None:
    monkeypatch.setenv("COMPETENCE_CACHE", str(tmp_path))
    first = Linker.fit(small)
    (file,) = tmp_path.iterdir()
    sound = file.read_bytes()
    file.write_bytes(sound[:-100] if damage is None else damage)
    assert Linker.fit(small).link_many(TEXTS) == first.link_many(TEXTS)
    assert file.read_bytes() == sound


def test_a_cache_folder_that_cannot_be_used_is_left_alone(
    small: Taxonomy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocked = tmp_path / "a-file"
    blocked.write_text("in the way")
    monkeypatch.setenv("COMPETENCE_CACHE", str(blocked / "cache"))
    assert Linker.fit(small).link("finska").understood


def test_added_concepts_are_met_and_the_old_links_stay(linker: Linker) -> None:
    local = Concept(concept_id="local:treserva", labels={"sv": "Treserva", "en": "Treserva"}, scheme="local")
    wider = linker.with_concepts([local])
    best = wider.link("dokumenterar i Treserva").best
    assert best is not None
    assert best.concept_id == "local:treserva"
    assert linker.link("Treserva").best is None
    for text in ("demensvård", "svetsar och syr kläder", "vill lära mig finska"):
        assert wider.link(text).accepted == linker.link(text).accepted


def test_an_own_label_wins_over_the_same_label_of_the_taxonomy(linker: Linker) -> None:
    own = Concept(concept_id="local:finska", labels={"sv": "Finska"}, scheme="local")
    best = linker.with_concepts([own]).link("finska").best
    assert best is not None
    assert best.concept_id == "local:finska"


def test_a_changed_concept_makes_the_linker_anew(linker: Linker, small: Taxonomy) -> None:
    changed = small.merged([replace(small.concept("finnish"), labels={"sv": "suomi", "en": "Suomi"}, alternative_labels={})])
    other = linker.with_taxonomy(changed)
    assert other.link("suomi").understood
    assert not other.link("prata finska").understood


def test_a_taxonomy_without_concepts_understands_nothing() -> None:
    empty = Linker.fit(Taxonomy.of([]), cache=False)
    assert not empty.link("finska").understood
    assert not empty.link_role("kock").understood
    assert empty.with_concepts([Concept(concept_id="a", labels={"sv": "finska"})]).link("finska").understood


def test_exact_labels_of_the_bundled_taxonomy_link_to_themselves(municipal: Linker) -> None:
    wanted = [
        (label, c.concept_id)
        for c in municipal.taxonomy.competences
        for label in (*c.labels.values(), *(a for found in c.alternative_labels.values() for a in found))
    ]
    got = municipal.link_many([label for label, _ in wanted])
    right = sum(k.best is not None and k.best.concept_id == concept_id for k, (_, concept_id) in zip(got, wanted, strict=True))
    assert right / len(wanted) >= 0.99


def test_role_labels_of_the_bundled_taxonomy_link_to_themselves(municipal: Linker) -> None:
    wanted = [
        (label, r.role_id)
        for r in municipal.taxonomy.roles.values()
        for label in (*r.labels.values(), *(a for found in r.alternative_labels.values() for a in found))
    ]
    # Every fourth: all of them take half a minute.
    asked = wanted[::4]
    right = sum((best := municipal.link_role(t).best) is not None and best.role_id == role_id for t, role_id in asked)
    assert right / len(asked) >= 0.99


@pytest.mark.parametrize(
    ("text", "concept_ids"),
    [
        ("dementia care", {"dementia-care"}),
        ("Brukar lugna oroliga anhöriga på natten", {"calming-worried-relatives"}),
        ("Har kört lastbil och kan finska flytande", {"finnish"}),
        ("Läkemedelsdelegering", {"medicine-giving"}),
        ("körkort B", {"driving-licence-b"}),
        ("jag har körkort", {"driving-licence-b"}),
        ("körkort BE", {"driving-licence-be"}),
    ],
)
def test_everyday_sayings_meet_the_municipal_taxonomy(municipal: Linker, text: str, concept_ids: set[str]) -> None:
    assert concept_ids <= set(met(municipal, text))


# ---------------------------------------------------------------- titles


@pytest.mark.parametrize(
    ("title", "role_id"),
    [
        ("Sjuksköterska", "role-nurse"),
        ("sjukskötare", "role-nurse"),
        ("Leg. sjuksköterska natt", "role-nurse"),
        ("SSK vik", "role-nurse"),
        ("Undersköterska", "role-assistant-nurse"),
        ("USK", "role-assistant-nurse"),
        ("Underskötare", "role-assistant-nurse"),
        ("Städerska", "role-cleaner"),
        ("städare", "role-cleaner"),
        ("Lokalvårdare, deltid", "role-cleaner"),
        ("Lokalvårdarinna", "role-cleaner"),
        ("cleaner", "role-cleaner"),
        ("Chaufför 2", "role-driver"),
    ],
)
def test_titles_meet_their_role_in_any_form(linker: Linker, title: str, role_id: str) -> None:
    best = linker.link_role(title).best
    assert best is not None
    assert best.role_id == role_id


def test_feminine_and_masculine_titles_have_the_same_links(linker: Linker) -> None:
    for one, other in (("sjuksköterska", "sjukskötare"), ("städerska", "städare"), ("lokalvårdarinna", "lokalvårdare")):
        a, b = linker.link_role(one), linker.link_role(other)
        assert [(k.role_id, k.probability, k.how) for k in a] == [(k.role_id, k.probability, k.how) for k in b]
    assert title_tokens(["brandkvinna"]) == title_tokens(["brandman"])


def test_an_unknown_title_is_not_understood_but_its_code_may_tell(linker: Linker) -> None:
    assert linker.link_role("Trollkarl").best is None
    by_aid = linker.link_role("Trollkarl", aid="351999").best
    assert by_aid is not None
    assert (by_aid.role_id, by_aid.how, by_aid.probability) == ("role-driver", How.CODE, 0.9)
    by_ssyk = linker.link_role("Trollkarl", ssyk="9111").best
    assert by_ssyk is not None
    assert (by_ssyk.role_id, by_ssyk.probability) == ("role-cleaner", 0.8)
    # A title that is understood is not overruled by a code.
    best = linker.link_role("Sjuksköterska", aid="351999").best
    assert best is not None
    assert best.role_id == "role-nurse"


# ---------------------------------------------------------------- a whole staff


def cell(number: int, person_id: str, heading: str, level: int | None = 3) -> Statement:
    return Statement(
        statement_id=f"m{number}",
        person_id=person_id,
        text=heading,
        source=Source.MANAGER,
        level=level,
        heading=True,
        day=DAY,
        visibility=Visibility.ORGANISATION,
    )


@pytest.fixture(scope="module")
def staff() -> Staff:
    def employed(*titles: str, aid: str = "") -> tuple[Employment, ...]:
        return (Employment(unit_id="u1", roles=tuple(RoleShare(title=t) for t in titles), aid=aid),)

    return Staff(
        people=(
            Person(person_id="1", sex=Sex.WOMAN, employments=employed("Leg. sjuksköterska")),
            Person(person_id="2", sex=Sex.MAN, employments=employed("Städare")),
            Person(person_id="3", sex=Sex.WOMAN, employments=employed("Trollkarl")),
            Person(person_id="4", employments=employed("Kuskassistent", aid="351999")),
            Person(person_id="5", employments=employed("Nattbiträde")),
        ),
        as_of=DAY,
        posts=(Post(post_id="p1", unit_id="u1", roles=(RoleShare(title="Lokalvårdare"),), holder_id="2"),),
        roles=(
            Role(
                role_id="local:nattbiträde",
                labels={"sv": "Nattbiträde"},
                scheme="local",
                requirements=(
                    Requirement(concept_id="vårda dementa", level=2),
                    Requirement(concept_id="Demensvård", level=3, importance=Importance.OPTIONAL, weight=0.5),
                    Requirement(concept_id="Treserva", level=1),
                    Requirement(concept_id="finnish", level=2),
                ),
            ),
        ),
        statements=(
            Statement(
                statement_id="s1",
                person_id="1",
                text="Jag har kört buss i tio år och pratar finska hemma",
                day=DAY,
                level=4,
                learnt_where=LearntWhere.HOME,
            ),
            Statement(statement_id="s2", person_id="2", text="Utbildad i svetsning", learnt_where=LearntWhere.EDUCATION),
            Statement(statement_id="s3", person_id="2", text="vill lära mig finska"),
            Statement(statement_id="s4", person_id="3", text="trollar med kort"),
            Statement(statement_id="s5", person_id="3", text="hemlig hobby xyz", visibility=Visibility.PRIVATE),
            Statement(statement_id="s6", person_id="5", text="skriver i treserva"),
            cell(1, "1", "Demensvård"),
            cell(2, "2", "Treserva", None),
            cell(3, "3", "treserva", 2),
        ),
        evidence=(
            Evidence(evidence_id="e1", person_id="1", words="Läkemedelsdelegering", source=Source.CERTIFICATE, level=3),
            Evidence(evidence_id="e2", person_id="2", concept_id="welding", words="svets"),
            Evidence(evidence_id="e3", person_id="2", concept_id="okänt-id", words="Saneringskurs Alfa"),
        ),
        interests=(
            Interest(person_id="1", words="lära mig svetsa"),
            Interest(person_id="2", words="vill lära mig finska"),
            Interest(person_id="3", words="kvantfysik", kind=InterestKind.TEACH),
        ),
    )


@pytest.fixture(scope="module")
def linked(staff: Staff, small: Taxonomy, linker: Linker) -> Staff:
    return link_statements(staff, small, linker=linker)


def test_titles_of_employments_and_posts_get_their_role(linked: Staff) -> None:
    roles = [p.employments[0].roles[0].role_id for p in linked.people]
    assert roles == ["role-nurse", "role-cleaner", None, "role-driver", "local:nattbiträde"]
    assert linked.posts[0].roles[0].role_id == "role-cleaner"
    assert linked.title_links["Kuskassistent"].how == "code"
    assert linked.title_links["Trollkarl"].role_id is None
    assert [p.value for p in linked.problems if p.code == "title_unlinked"] == ["Trollkarl"]


# Codes stand for themselves: these rows only have the form of an employer's list.
AID_ROWS = [
    {"AID": "351999", "Etikett": "Annat, fordon", "SSYK": ""},
    {"AID": "900001", "Etikett": "Undersköterska", "SSYK": ""},
    {"AID": "900002", "Etikett": "Annat, städning", "SSYK": "9111"},
    {"AID": "90", "Etikett": "kort", "SSYK": ""},
]


def employed_as(*titles: tuple[str, str], posts: tuple[str, ...] = ()) -> Staff:
    people = tuple(
        Person(person_id=str(n), employments=(Employment(unit_id="u1", roles=(RoleShare(title=title),), aid=code),))
        for n, (title, code) in enumerate(titles)
    )
    vacant = tuple(Post(post_id=f"p{n}", unit_id="u1", roles=(RoleShare(title=t),)) for n, t in enumerate(posts))
    return Staff(people=people, posts=vacant, as_of=DAY)


def roles_of(staff: Staff) -> list[str | None]:
    return [p.employments[0].roles[0].role_id for p in staff.people]


def test_titles_that_words_leave_uncertain_are_led_by_the_aid_list(small: Taxonomy, linker: Linker) -> None:
    given = employed_as(
        ("Nattvandrare", "351999"),  # a role has the code
        ("Omsorgare", "900001 C"),  # the list's words are a role
        ("Fixare", "900002"),  # the list's SSYK is a role's
        ("Sjuksköterska", "900001"),  # certain by its own words
        ("Kvantfysiker", ""),
        posts=("Omsorgare",),
    )
    linked = link_statements(given, small, linker=linker, aid=read_aid(AID_ROWS[:3]))
    assert roles_of(linked) == ["role-driver", "role-assistant-nurse", "role-cleaner", "role-nurse", None]
    assert linked.posts[0].roles[0].role_id == "role-assistant-nurse"
    links = linked.title_links
    assert (links["Omsorgare"].how, links["Omsorgare"].probability, links["Omsorgare"].label) == ("code", 0.9, "Undersköterska")
    assert (links["Fixare"].probability, links["Fixare"].label) == (0.8, "lokalvårdare")
    assert [(p.code, p.value) for p in linked.problems] == [("title_unlinked", "Kvantfysiker")]
    # The order of people changes nothing.
    turned = link_statements(given.replace(people=given.people[::-1]), small, linker=linker, aid=read_aid(AID_ROWS[:3]))
    assert roles_of(turned)[::-1] == roles_of(linked)


def test_a_likely_title_yields_to_the_code_of_a_role_but_not_to_a_wider_ssyk_group(small: Taxonomy, linker: Linker) -> None:
    best = linker.link_role("Förare av buss").best
    assert best is not None
    assert best.role_id == "role-driver"
    assert 0.8 < best.probability < 0.9
    aid = read_aid(AID_ROWS[:3])
    by_words = link_statements(employed_as(("Förare av buss", "900001")), small, linker=linker, aid=aid)
    by_ssyk = link_statements(employed_as(("Förare av buss", "900002")), small, linker=linker, aid=aid)
    assert (roles_of(by_words), roles_of(by_ssyk)) == (["role-assistant-nurse"], ["role-driver"])


def test_one_title_with_two_codes_is_two_roles_and_without_a_code_neither(small: Taxonomy, linker: Linker) -> None:
    given = employed_as(("Kvantfysiker", "351999"), ("Kvantfysiker", "900001"), ("Kvantfysiker", "900009"), ("Kvantfysiker", ""))
    linked = link_statements(given, small, linker=linker, aid=read_aid(AID_ROWS[:3]))
    assert roles_of(linked) == ["role-driver", "role-assistant-nurse", None, None]
    told = {p.code: (p.table, p.row, p.value, p.count) for p in linked.problems}
    assert told == {
        "aid_not_listed": ("linking", None, "900009", 1),
        "title_unlinked": ("linking", None, "Kvantfysiker", 2),
    }


def test_what_is_wrong_in_the_list_is_told_once_however_often_staff_is_linked(small: Taxonomy, linker: Linker) -> None:
    aid = read_aid(AID_ROWS)
    once = link_statements(employed_as(("Nattvandrare", "12")), small, linker=linker, aid=aid)
    assert [(p.code, p.table, p.value) for p in once.problems] == [
        ("aid_code", "aid", "90"),
        ("aid_code", "linking", "12"),
        ("title_unlinked", "linking", "Nattvandrare"),
    ]
    assert link_statements(once, small, linker=linker, aid=aid) == once
    assert [p.code for p in link_statements(once, small, linker=linker).problems] == ["title_unlinked"]


def test_several_roles_of_one_code_are_told_by_name_and_none_is_chosen(small: Taxonomy, linker: Linker) -> None:
    two = [Role(role_id=f"local:{key}", labels={"sv": f"{key}-vakt"}, ssyk="5413") for key in ("natt", "dag")]
    aid = read_aid([{"AID": "900003", "Etikett": "Annat, vakt", "SSYK": "5413"}])
    linked = link_statements(employed_as(("Nattvandrare", "900003")), small.merged([], two), linker=linker, aid=aid)
    assert roles_of(linked) == [None]
    assert ("title_ambiguous", "natt-vakt, dag-vakt") in [(p.code, p.detail) for p in linked.problems]


def test_each_accepted_link_of_a_statement_is_one_piece_of_evidence(linked: Staff) -> None:
    made = [e for e in linked.evidence if e.statement_id == "s1"]
    assert sorted((e.evidence_id[:3], e.concept_id) for e in made) == [("s1#", "driving-bus"), ("s1#", "finnish")]
    for row in made:
        assert (row.level, row.day, row.visibility, row.learning_form) == (4, DAY, Visibility.UNIT, LearningForm.INFORMAL)
        assert 0.5 <= row.probability < 1
        assert row.words
        assert row.label


def test_what_was_learnt_in_education_is_formal(linked: Staff) -> None:
    (row,) = [e for e in linked.evidence if e.statement_id == "s2"]
    assert (row.concept_id, row.learning_form) == ("welding", LearningForm.FORMAL)


def test_a_wish_gives_no_evidence_and_is_listed_as_one(linked: Staff) -> None:
    assert not [e for e in linked.evidence if e.statement_id == "s3"]
    assert [(u.words, u.count) for u in linked.unlinked if u.kind == "wish"] == [("vill lära mig finska", 1)]


def test_free_text_not_understood_is_kept_and_listed_but_no_concept(linked: Staff) -> None:
    listed = {u.words: u.kind for u in linked.unlinked}
    assert listed["trollar med kort"] == "statement"
    assert "local:trollar-med-kort" not in [c.concept_id for c in linked.local_concepts]
    assert "s4" in [s.statement_id for s in linked.statements]


def test_words_of_a_private_statement_are_not_listed_for_others(linked: Staff) -> None:
    assert "hemlig hobby xyz" not in [u.words for u in linked.unlinked]


def test_headings_and_terms_not_understood_become_own_concepts(linked: Staff) -> None:
    assert [c.concept_id for c in linked.local_concepts] == ["local:saneringskurs-alfa", "local:treserva"]
    treserva = linked.local_concepts[1]
    assert treserva.labels == {"sv": "Treserva", "en": "Treserva"}
    assert treserva.scheme == "local"
    (notice,) = [p for p in linked.problems if p.code == "local_concept" and p.value == "Treserva"]
    # Two matrix cells and one requirement.
    assert notice.count == 3
    assert notice.message("sv")
    assert {(e.person_id, e.level) for e in linked.evidence if e.concept_id == "local:treserva" and "m" in e.evidence_id} == {
        ("2", None),
        ("3", 2),
    }


def test_a_statement_can_name_an_own_concept(linked: Staff) -> None:
    assert [e.concept_id for e in linked.evidence if e.statement_id == "s6"] == ["local:treserva"]


def test_evidence_words_are_linked_and_named_concepts_left_alone(linked: Staff) -> None:
    rows = {e.evidence_id: e for e in linked.evidence}
    assert (rows["e1"].concept_id, rows["e1"].label, rows["e1"].probability) == ("medicine-giving", "läkemedelsdelegering", 0.99)
    assert (rows["e2"].concept_id, rows["e2"].probability) == ("welding", 1.0)
    assert rows["e3"].concept_id == "local:saneringskurs-alfa"


def test_requirement_words_are_linked_and_two_words_for_one_concept_become_one_requirement(linked: Staff) -> None:
    (role,) = linked.roles
    assert [q.concept_id for q in role.requirements] == ["dementia-care", "local:treserva", "finnish"]
    assert (role.requirements[0].level, role.requirements[0].importance, role.requirements[0].weight) == (
        3,
        Importance.ESSENTIAL,
        1.0,
    )


def test_interests_are_linked_though_worded_as_wishes(linked: Staff) -> None:
    assert [i.concept_id for i in linked.interests] == ["welding", "finnish", None]
    assert ("kvantfysik", "interest") in [(u.words, u.kind) for u in linked.unlinked]


def test_linking_twice_gives_the_same_staff(linked: Staff, small: Taxonomy, linker: Linker) -> None:
    assert link_statements(linked, small, linker=linker) == linked


def test_linking_leaves_the_staff_it_was_given(staff: Staff, linked: Staff) -> None:
    assert not staff.linked
    assert linked.linked
    assert all(e.evidence_id in ("e1", "e2", "e3") for e in staff.evidence)


def test_the_order_of_rows_changes_no_link(staff: Staff, linked: Staff, small: Taxonomy, linker: Linker) -> None:
    turned = staff.replace(
        people=staff.people[::-1],
        statements=staff.statements[::-1],
        evidence=staff.evidence[::-1],
        interests=staff.interests[::-1],
    )
    again = link_statements(turned, small, linker=linker)
    assert sorted(again.evidence, key=lambda e: e.evidence_id) == sorted(linked.evidence, key=lambda e: e.evidence_id)
    assert again.local_concepts == linked.local_concepts
    assert again.unlinked == linked.unlinked
    assert dict(again.title_links) == dict(linked.title_links)


def test_swapping_all_sex_labels_changes_no_link(staff: Staff, linked: Staff, small: Taxonomy, linker: Linker) -> None:
    swap = {Sex.WOMAN: Sex.MAN, Sex.MAN: Sex.WOMAN, Sex.NOT_STATED: Sex.NOT_STATED}
    again = link_statements(staff.replace(people=tuple(replace(p, sex=swap[p.sex]) for p in staff.people)), small, linker=linker)
    assert again.evidence == linked.evidence
    assert again.unlinked == linked.unlinked


def test_resolve_joins_own_concepts_and_roles(linked: Staff, small: Taxonomy) -> None:
    whole = resolve(linked, small)
    assert "local:treserva" in whole.concepts
    assert "local:nattbiträde" in whole.roles
    known = {q.concept_id for q in whole.roles["local:nattbiträde"].requirements}
    assert known <= set(whole.concepts)
    assert {e.concept_id for e in linked.evidence} <= set(whole.concepts)


def test_a_higher_cutoff_gives_less_evidence(staff: Staff, linked: Staff, small: Taxonomy, linker: Linker) -> None:
    strict = link_statements(staff, small, linker=linker, settings=Settings(linking=LinkingSettings(cutoff=0.95)))
    own = [e for e in strict.evidence if e.statement_id and e.statement_id.startswith("s")]
    assert len(own) < len([e for e in linked.evidence if e.statement_id and e.statement_id.startswith("s")])


def test_link_statements_fits_its_own_linker_when_none_is_given(
    staff: Staff, linked: Staff, small: Taxonomy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COMPETENCE_CACHE", str(tmp_path))
    assert link_statements(staff, small) == linked


# ---------------------------------------------------------------- words


def test_verb_and_noun_have_one_stem() -> None:
    lexicon = Lexicon(["städa", "städning", "dokumentera"])
    assert lexicon.stem("städning") == lexicon.stem("städar")
    assert lexicon.stem("dokumentation") == lexicon.stem("dokumenterar")
    assert lexicon.stem("kört") == lexicon.stem("köra")
    # Too little would be left of these for the ending to tell a verb.
    assert lexicon.stem("ledning") != lexicon.stem("led")


def test_a_compound_is_split_only_into_words_that_labels_use() -> None:
    lexicon = Lexicon(["sår", "vård", "skola", "mat", "kontakt"])
    assert lexicon.parts("sårvård") == (*lexicon.parts("sår"), *lexicon.parts("vård"))
    assert lexicon.parts("skolmat") == (*lexicon.parts("skola"), *lexicon.parts("mat"))
    assert len(lexicon.parts("kontakt")) == 1
    assert len(lexicon.parts("fjällvandring")) == 1


@pytest.mark.parametrize(
    ("visibility", "shared"), [("private", False), ("manager", False), ("unit", True), ("organisation", True)]
)
def test_words_kept_from_the_unit_never_become_a_concept_that_all_can_see(small: Taxonomy, visibility: str, shared: bool) -> None:
    kept = Evidence(evidence_id="e", person_id="p", words="Kvastbindning", visibility=Visibility(visibility))
    staff = link_statements(Staff(people=(Person(person_id="p"),), as_of=date(2026, 1, 1), evidence=(kept,)), small)
    assert bool(staff.local_concepts) is shared
    assert bool(staff.unlinked) is shared
    assert bool(staff.problems.by_code().get("local_concept")) is shared
    # Nothing is lost: the words stay with the evidence.
    assert staff.evidence[0].words == "Kvastbindning"
