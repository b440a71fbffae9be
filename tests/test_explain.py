"""Reasons, rules and outcomes in words: complete in both languages, and saying no more than the record holds."""

from __future__ import annotations

import re

import pytest

from competence._texts import LANGUAGES, keys
from competence.equality import GroupTable
from competence.explain import by_sex_lines, join, measure_name, outcome_sentence, reason_sentence, rule_sentence, word
from competence.model import Outcome, Reason, Sex, Source, Status
from competence.settings import Settings

KINDS = {
    "experts": Settings().suggest.experts,
    "pairs": Settings().suggest.pairs,
    "rotation": Settings().suggest.rotation,
    "validations": Settings().suggest.validations,
    "teams": {"coverage": 1.0, "complement": 1.0, "brings": 1.0, "seeks": 1.0},
}


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize(("kind", "measure"), [(k, m) for k, weights in KINDS.items() for m in weights])
def test_every_measure_has_a_name_and_a_sentence_even_with_no_facts(kind: str, measure: str, lang: str) -> None:
    bare = Reason(measure=measure, value=0.5, weight=0.2, contribution=0.1)
    assert measure_name(kind, measure, lang)
    assert not re.search(r"[{}]", reason_sentence(kind, bare, lang))


def test_a_reason_is_said_with_its_label_in_the_language_and_its_proof() -> None:
    facts = {
        "concept_sv": "finska",
        "concept_en": "Finnish",
        "have": 3,
        "asked": 2,
        "sources": "manager,self",
        "latest": "2025-01-02",
        "words": "pratar {finska}",
    }
    reason = Reason(measure="coverage", value=1.0, weight=0.5, contribution=0.5, concept_id="finnish", facts=facts)
    sv, en = reason_sentence("experts", reason, "sv"), reason_sentence("experts", reason, "en")
    assert "finska" in sv
    assert "Finnish" in en
    assert "2025-01-02" in sv
    assert "pratar {finska}" in sv, "words are shown as written, braces too"


def test_evidence_without_a_date_is_said_to_have_none() -> None:
    reason = Reason(measure="coverage", value=1, weight=1, contribution=1, facts={"sources": "self", "latest": None})
    assert word("phrase.no_date", "en") in reason_sentence("experts", reason, "en")


def test_names_are_shown_only_where_given() -> None:
    reason = Reason(measure="teaching", value=1.0, weight=0.1, contribution=0.1, person_id="10014")
    assert "10014" in reason_sentence("pairs", reason, "sv")
    assert "Ada" in reason_sentence("pairs", reason, "sv", {"10014": "Ada"})


def test_a_rule_is_said_in_words_with_its_detail_and_an_unknown_one_by_its_name() -> None:
    assert rule_sentence("opted_out", "en") == "Has answered no to taking part"
    assert rule_sentence("choices_limited:30", "en").endswith("(30)")
    assert rule_sentence("no_such_rule") == "no_such_rule"
    assert rule_sentence("no_such_rule:x") == "no_such_rule: x"


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("status", list(Status))
def test_every_outcome_is_said(status: Status, lang: str) -> None:
    for stopped_by in ("proof", "steps", "clock", "cancelled"):
        sentence = outcome_sentence(
            Outcome(status=status, gap=0.0213, stopped_by=stopped_by, steps=7, conflicts=("no_posts",)), lang
        )
        assert not re.search(r"[{}]", sentence)
        assert rule_sentence("no_posts", lang) in sentence


def test_numbers_have_a_decimal_comma_in_swedish() -> None:
    outcome = Outcome(status=Status.FEASIBLE, gap=0.0213)
    assert "2,1 %" in outcome_sentence(outcome, "sv")
    assert "2.1%" in outcome_sentence(outcome, "en")


def test_a_hidden_figure_is_said_to_be_hidden() -> None:
    sex = {str(i): Sex.WOMAN if i else Sex.MAN for i in range(9)}
    named, published = GroupTable({"people": sex}, sex, kind="named"), GroupTable({"people": sex}, sex)
    (line,) = by_sex_lines(named, "en")
    assert "women 8 (88.9%)" in line
    assert "men 1 (11.1%)" in line
    (line,) = by_sex_lines(published, "en")
    assert word("phrase.hidden", "en") in line
    assert "total 9" in line


def test_words_are_joined_as_a_list_in_running_text() -> None:
    assert join([], "en") == ""
    assert join(["a"], "sv") == "a"
    assert join(["a", "", "b", "c"], "sv") == "a, b och c"
    assert join(["a", "b"], "en") == "a and b"


def test_every_source_has_a_word() -> None:
    for lang in LANGUAGES:
        assert {f"source.{s.value}" for s in Source} <= keys(lang)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_no_text_calls_anything_fair_or_free_of_bias(lang: str) -> None:
    from competence._texts import _texts

    for key, sentence in _texts(lang).items():
        assert not re.search(r"\b(fair|unbiased|rättvis\w*|opartisk\w*|fördomsfri\w*)\b", sentence, re.IGNORECASE), key
