"""The question guide: the same questions in both languages, plain words, nothing that must not be asked; answers as claims."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from competence.conversation import Guide, Perspective, Question, answers_to_statements, read_guide
from competence.errors import InputError, UnknownIdError
from competence.graph import build_graph
from competence.linking import Linker, link_statements
from competence.model import ConceptKind, LearntWhere, Person, Source, Visibility
from competence.staff import Staff
from competence.taxonomy import Taxonomy

DAY = date(2026, 6, 30)
LANGS = ("sv", "en")


def lix(text: str) -> float:
    """Return LIX: words per sentence, and the per cent of words longer than six letters (Björnsson 1968, Läsbarhet)."""
    words = re.findall(r"[^\W\d_]+", text)
    sentences = len(re.findall(r"[.!?:](?=\s|$)", text)) or 1
    return len(words) / sentences + 100 * sum(len(w) > 6 for w in words) / len(words)


def test_lix_is_counted_as_by_hand() -> None:
    # 8 words in 2 sentences, of which "berättar" and "hemligheter" are long: 4 + 25.
    assert lix("Jag berättar allt för dig. Inga hemligheter finns.") == pytest.approx(8 / 2 + 100 * 2 / 8)


# -- the guide


def bones(guide: Guide) -> list[tuple[object, ...]]:
    return [(q.question_id, q.area_id, q.perspective, q.order, q.short, q.minutes, len(q.examples)) for q in guide]


def test_both_languages_ask_the_same_questions_in_the_same_order() -> None:
    swedish, english = map(read_guide, LANGS)
    assert bones(swedish) == bones(english)
    assert [(a.area_id, a.learnt_where) for a in swedish.areas] == [(a.area_id, a.learnt_where) for a in english.areas]
    assert (swedish.guide_id, swedish.version) == (english.guide_id, english.version)
    assert swedish.words.keys() == english.words.keys()
    assert not {q.text for q in swedish} & {q.text for q in english}


@pytest.mark.parametrize("lang", LANGS)
def test_every_area_asks_what_i_do_what_others_do_and_what_i_do_not(lang: str) -> None:
    guide = read_guide(lang)
    areas = ["work", "home", "association", "other_country", "own_project", "earlier_trade"]
    assert [a.area_id for a in guide.areas] == areas
    for area in areas:
        asked = Counter(q.perspective for q in guide if q.area_id == area)
        assert asked[Perspective.OWN] >= 2
        assert (asked[Perspective.OTHERS], asked[Perspective.NOT_OWN]) == (1, 1)
    assert [q.order for q in guide] == list(range(1, len(guide) + 1))
    assert len({q.question_id for q in guide}) == len(guide)
    assert all(q.text.endswith((".", "?")) and q.help and q.examples for q in guide)


@pytest.mark.parametrize("lang", LANGS)
def test_the_short_form_takes_ten_minutes_and_visits_every_area(lang: str) -> None:
    short = read_guide(lang).short_form()
    assert 5 <= short.minutes <= 10
    assert {q.area_id for q in short} == {a.area_id for a in read_guide(lang).areas}
    assert all(q.perspective is Perspective.OWN for q in short)
    assert short.title != read_guide(lang).title


def test_every_swedish_question_is_easy_to_read_aloud() -> None:
    guide = read_guide("sv")
    for question in guide:
        assert lix(f"{question.text} {question.help}") <= 35, question.question_id
        assert lix(question.text) <= 35, question.question_id
        assert all(len(s.split()) <= 20 for s in re.split(r"[.?!]", f"{question.text}. {question.help}"))
    for text in (guide.intro, guide.outro, *(f"{a.title}. {a.intro}" for a in guide.areas)):
        assert lix(text) <= 35, text


FORBIDDEN = {
    "sv": r"\b(hälsa|sjuk|diagnos|handikapp|medicinsk|fack|tro(n|s)?\b|relig|kyrk|moské|församling|ursprung|etni|hemland|född|"
    r"medborgar|lön|inkomst|betalt för|politi|parti|läggning|gift\b|gravid|frånvaro|prestation)",
    "en": r"\b(health|ill\b|illness|sick|diagnos|disab|union|faith|relig|church|mosque|congregation|origin|ethnic|home country|"
    r"born|citizen|salary|wage|pay\b|income|politic|party of|orientation|married|pregnan|absence|performance)",
}


@pytest.mark.parametrize("lang", LANGS)
def test_nothing_is_asked_that_may_not_be_held(lang: str) -> None:
    for question in read_guide(lang):
        said = " ".join((question.text, question.help, *question.examples))
        assert not re.search(FORBIDDEN[lang], said, re.IGNORECASE), said
    words = {"sv": ("hälsa", "fack", "tro", "ursprung", "lön"), "en": ("health", "union", "faith", "origin", "pay")}
    assert all(w in read_guide(lang).intro for w in words[lang]), "the guide says so too"


def test_a_pattern_of_what_may_not_be_held_finds_it() -> None:
    for text in ("Hur är din hälsa?", "Är du med i facket?", "Var är du född?", "Vilken lön hade du?", "Hur var din tro?"):
        assert re.search(FORBIDDEN["sv"], text, re.IGNORECASE), text


def test_a_guide_that_is_not_there_says_which_are() -> None:
    with pytest.raises(InputError, match="lang must be one of sv, en; got 'fi'"):
        read_guide("fi")
    with pytest.raises(UnknownIdError, match="nearest: work-day"):
        read_guide("sv").question("work-daz")
    with pytest.raises(UnknownIdError, match="there are: work, home"):
        read_guide("sv").area("moon")


# -- the form


@pytest.mark.parametrize("lang", LANGS)
@pytest.mark.parametrize("short", [False, True])
def test_the_form_has_every_question_numbered_with_lines_and_no_html(lang: str, short: bool) -> None:
    guide = read_guide(lang).short_form() if short else read_guide(lang)
    form = guide.to_form()
    heads = re.findall(r"^### (\d+)\. (.+)$", form, re.MULTILINE)
    assert [int(n) for n, _ in heads] == list(range(1, len(guide) + 1))
    assert [text for _, text in heads] == [q.text for q in guide]
    assert list(re.findall(r"^## (.+)$", form, re.MULTILINE)) == [a.title for a in guide.areas]
    for question in guide:
        assert question.help in form
        assert all(f"- {e}" in form for e in question.examples)
    assert not re.search(r"<[a-z/!]|&[a-z]+;", form)
    own = sum(q.perspective is Perspective.OWN for q in guide)
    # Two lines for name and date, four for what I do, two for the rest; each alone, so that it is a rule and no heading.
    assert len(re.findall(r"\n\n___(?=\n)", form)) == 2 + 4 * own + 2 * (len(guide) - own)
    assert "{" not in form


def test_a_guide_becomes_json_and_a_table() -> None:
    guide = read_guide("sv")
    data = json.loads(json.dumps(guide.to_dict(), ensure_ascii=False))
    assert [q["question_id"] for q in data["questions"]] == [q.question_id for q in guide]
    assert {q["perspective"] for q in data["questions"]} == {"own", "others", "not_own"}
    frame = guide.to_frame()
    assert list(frame["question_id"]) == [q.question_id for q in guide]
    assert frame["minutes"].sum() == pytest.approx(guide.minutes)


# -- answers


def test_an_answer_becomes_the_persons_own_words_line_by_line_and_sentence_by_sentence() -> None:
    said = "- syr om kläder\n* bakar  till kalas\n\n3. Fyller i papper t.ex. Skatteverkets. Hjälper grannen kl. 7! lagar bilen"
    found = answers_to_statements(read_guide("sv"), "10014", {"home-run": said}, day=DAY)
    assert [s.text for s in found] == [
        "syr om kläder",
        "bakar till kalas",
        "Fyller i papper t.ex. Skatteverkets.",
        "Hjälper grannen kl. 7! lagar bilen",
    ]
    assert {(s.person_id, s.lang, s.learnt_where, s.day, s.source, s.visibility, s.level, s.heading) for s in found} == {
        ("10014", "sv", LearntWhere.HOME, DAY, Source.SELF, Visibility.PRIVATE, None, False)
    }
    assert len({s.statement_id for s in found}) == len(found)


@pytest.mark.parametrize(
    ("question_id", "where"),
    [
        ("work-day", LearntWhere.WORK),
        ("home-care", LearntWhere.HOME),
        ("association-do", LearntWhere.ASSOCIATION),
        ("country-did", LearntWhere.OTHER_COUNTRY),
        ("project-made", LearntWhere.OWN_PROJECT),
        ("trade-before", LearntWhere.WORK),
    ],
)
def test_where_something_was_learnt_follows_from_the_area(question_id: str, where: LearntWhere) -> None:
    (found,) = answers_to_statements(read_guide("en"), "p", {question_id: "I mend things"}, day=DAY)
    assert (found.learnt_where, found.lang) == (where, "en")


def questions(*perspectives: Perspective) -> list[Question]:
    return [q for q in read_guide("sv") if q.perspective in perspectives]


@given(text=st.text(min_size=1, max_size=60), which=st.sampled_from(questions(Perspective.OTHERS, Perspective.NOT_OWN)))
def test_what_others_do_or_the_person_does_not_is_never_a_claim(text: str, which: Question) -> None:
    assert answers_to_statements(read_guide("sv"), "p", {which.question_id: text}, day=DAY) == ()


@given(answers=st.dictionaries(st.sampled_from([q.question_id for q in read_guide("sv")]), st.text(max_size=80)))
def test_statements_hold_only_words_that_were_said_in_the_order_of_the_guide(answers: dict[str, str]) -> None:
    guide = read_guide("sv")
    found = answers_to_statements(guide, "p", answers, day=DAY)
    turned = answers_to_statements(guide, "p", dict(reversed(answers.items())), day=DAY)
    assert found == turned
    asked = [s.statement_id.split(":")[3] for s in found]
    assert [guide.question(a).order for a in asked] == sorted(guide.question(a).order for a in asked)
    for statement, question_id in zip(found, asked, strict=True):
        assert statement.text in " ".join(answers[question_id].split())


@pytest.mark.parametrize("lang", LANGS)
def test_a_bare_no_or_a_dash_is_no_statement(lang: str) -> None:
    guide = read_guide(lang)
    for said in (*guide.nothing, "-", "...", "", "  \n "):
        for written in (said, said.capitalize(), f"{said}."):
            assert answers_to_statements(guide, "p", {"home-run": written}, day=DAY) == (), written


def test_several_texts_are_as_several_lines_and_the_same_twice_counts_once() -> None:
    guide = read_guide("sv")
    lines = answers_to_statements(guide, "p", {"home-run": "syr om\nlagar cyklar\nsyr om"}, day=DAY)
    assert lines == answers_to_statements(guide, "p", {"home-run": ["syr om", "lagar cyklar"]}, day=DAY)


def test_answers_that_cannot_be_used_say_what_to_do() -> None:
    guide = read_guide("sv")
    with pytest.raises(UnknownIdError, match="no question 'hobby'"):
        answers_to_statements(guide, "p", {"hobby": "fiskar"}, day=DAY)
    with pytest.raises(UnknownIdError, match="no question 'work-hard'"):
        answers_to_statements(guide.short_form(), "p", {"work-hard": "fiskar"}, day=DAY)
    with pytest.raises(InputError, match="must be text"):
        answers_to_statements(guide, "p", {"home-run": 3}, day=DAY)  # type: ignore[dict-item]
    with pytest.raises(InputError, match="day must be a date"):
        answers_to_statements(guide, "p", {}, day="2026-06-30")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="person_id must say who answered"):
        answers_to_statements(guide, "", {}, day=DAY)


# -- from answers to a first profile


@pytest.fixture(scope="module")
def linker() -> Linker:
    return Linker.fit(Taxonomy.bundled("municipal"))


def told(guide: Guide, answers: dict[str, str], linker: Linker) -> Staff:
    """Return a staff of one whose answers have been linked."""
    statements = answers_to_statements(guide, "p", answers, day=DAY)
    staff = Staff(people=(Person(person_id="p"),), statements=statements, as_of=DAY)
    return link_statements(staff, linker.taxonomy, linker=linker)


def held(staff: Staff) -> set[str]:
    return {str(e.concept_id) for e in staff.evidence}


# A person written for this test: works in home care, and answers the short form by speaking.
ANSWERS = {
    "work-day": "jag hjälper dem med duschen på morgonen. Jag lugnar dem som letar efter sin mamma, och lagar lunch till åtta.",
    "work-asked": "de andra ringer mig när datorn strular",
    "work-languages": "Finska flytande, lite teckenspråk",
    "home-care": "jag läser läxor med barnen och får dem till träningen",
    "home-run": "- syr om kläder\n- bakar till alla kalas\n- fyller i blanketter åt grannarna",
    "association-do": "Jag är kassör i föreningen och sköter bokföringen. Jag tränar ett fotbollslag.",
    "country-did": "Nej",
    "project-made": "har byggt ett växthus och odlar grönsaker",
    "trade-before": "Jag jobbade som svetsare i nio år. Och så har jag truckkort.",
}


def test_ten_minutes_give_a_first_profile(linker: Linker) -> None:
    staff = told(read_guide("sv").short_form(), ANSWERS, linker)
    found = held(staff)
    assert len(found) >= 5
    # What a reader of the answers would say is there.
    assert {"finnish", "association-treasurer", "football-coach", "welding", "forklift-permit"} <= found
    texts = {s.statement_id: s for s in staff.statements}
    for piece in staff.evidence:
        words = set(re.findall(r"\w+", piece.words.casefold()))
        assert words <= set(re.findall(r"\w+", texts[piece.statement_id or ""].text.casefold())), "in the person's words"
        assert (piece.visibility, piece.source, piece.day) == (Visibility.PRIVATE, Source.SELF, DAY)


def test_the_first_profile_is_seen_by_the_person_and_by_nobody_else(linker: Linker) -> None:
    staff = told(read_guide("sv").short_form(), ANSWERS, linker)
    own = build_graph(staff, linker.taxonomy, linker=linker, audience="private", person_id="p")
    assert {h.concept_id for h in own.holdings("p")} == held(staff)
    assert build_graph(staff, linker.taxonomy, linker=linker, audience="unit").holdings("p") == ()
    assert staff.unlinked == (), "private words are not listed for others"


def test_an_english_answer_gives_the_same_as_a_swedish_one(linker: Linker) -> None:
    answers = {
        "work-languages": "I speak Finnish fluently",
        "association-do": "I am the treasurer and keep the books.",
        "trade-before": "I was a welder at a shipyard",
    }
    found = held(told(read_guide("en").short_form(), answers, linker))
    assert {"finnish", "association-treasurer", "welding"} <= found


def test_what_others_do_gives_no_evidence_though_the_same_words_would(linker: Linker) -> None:
    words = "Jag lägger personalens schema."
    assert held(told(read_guide("sv"), {"work-day": words}, linker)) == {"staff-scheduling"}
    for question in questions(Perspective.OTHERS, Perspective.NOT_OWN):
        assert held(told(read_guide("sv"), {question.question_id: words}, linker)) == set()


def test_a_denial_among_what_i_do_is_not_a_claim(linker: Linker) -> None:
    assert held(told(read_guide("sv"), {"trade-tools": "Jag har truckkort. Jag kan inte svetsa."}, linker)) == {"forklift-permit"}


@pytest.mark.parametrize("lang", LANGS)
def test_most_example_answers_are_understood(lang: str, linker: Linker) -> None:
    """An example nobody's linker can read would teach people to answer in vain."""
    guide = read_guide(lang)
    own = [e for q in guide if q.perspective is Perspective.OWN for e in q.examples]
    understood = [e for e in own if linker.link(e).understood]
    assert len(understood) >= 0.6 * len(own), sorted(set(own) - set(understood))


def test_no_example_is_a_saying_of_the_taxonomy_or_learnt_from(linker: Linker) -> None:
    said: Iterable[str] = (s for by_id in linker.taxonomy.spoken.values() for group in by_id.values() for s in group)
    known = {" ".join(re.findall(r"\w+", s.casefold())) for s in said}
    examples = {e for lang in LANGS for q in read_guide(lang) for e in q.examples}
    assert not {e for e in examples if " ".join(re.findall(r"\w+", e.casefold())) in known}


def test_languages_are_asked_for_as_something_one_can_do(linker: Linker) -> None:
    found = told(read_guide("sv"), {"work-languages": "Arabiska flytande"}, linker).evidence
    assert [linker.taxonomy.concept(str(e.concept_id)).kind for e in found] == [ConceptKind.LANGUAGE]
