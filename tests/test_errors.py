"""Faults: worded in both languages, catchable as the built-in that fits."""

from __future__ import annotations

import re

import pytest

from competence import errors
from competence._texts import LANGUAGES, keys
from competence.errors import InputError, Problem, ProblemEffect, Problems, TaxonomyError, UnknownIdError


@pytest.mark.parametrize(
    ("kind", "builtin"),
    [
        (errors.InputError, ValueError),
        (errors.UnknownIdError, KeyError),
        (errors.UnreadableFileError, OSError),
        (errors.TaxonomyError, ValueError),
        (errors.MissingExtraError, ImportError),
    ],
)
def test_every_exception_is_also_the_builtin_that_fits(kind: type[Exception], builtin: type[Exception]) -> None:
    assert issubclass(kind, builtin)
    assert issubclass(kind, errors.CompetenceError)


def test_an_unknown_id_is_told_as_a_sentence_without_quotes_around_it() -> None:
    assert str(UnknownIdError("no unit 'x'")) == "no unit 'x'"


def test_a_taxonomy_error_carries_every_fault() -> None:
    problems = Problems([Problem(code="taxonomy_cycle")])
    assert TaxonomyError("no", problems).problems == problems
    assert len(TaxonomyError("no").problems) == 0


def test_problems_are_counted_by_code_the_most_frequent_first() -> None:
    found = Problems([Problem(code="a"), Problem(code="b", count=3), Problem(code="a")])
    assert found.by_code() == {"b": 3, "a": 2}
    assert list(found.by_code()) == ["b", "a"]
    more = [Problem(code="c")]
    longer = found + more
    assert isinstance(longer, Problems)
    assert longer[-1].code == "c"
    assert isinstance(found[:1], Problems)
    assert hash(found) == hash(Problems(found))


def test_each_problem_code_has_message_and_remedy_in_both_languages_that_need_only_its_fields() -> None:
    codes = {k.split(".")[1] for k in keys("sv") if k.startswith("problem.")}
    assert codes
    for code in codes:
        problem = Problem(code=code, table="t", row=3, column="c", value="v", detail="d", file="f")
        for lang in LANGUAGES:
            for sentence in (problem.message(lang), problem.remedy(lang)):
                assert sentence.strip()
                assert not re.search(r"[{}]", sentence), (code, lang)


def test_a_table_of_problems_has_rows_as_the_spreadsheet_shows_them() -> None:
    found = Problems([Problem(code="taxonomy_cycle", row=4, effect=ProblemEffect.SET_ASIDE), Problem(code="taxonomy_cycle")])
    frame = found.to_frame("en")
    assert frame["row"].tolist()[0] == 4
    assert frame["row"].isna().tolist() == [False, True]
    assert frame["effect"].tolist() == ["set_aside", "notice"]
    assert list(Problems().to_frame().columns) == list(frame.columns)


def test_texts_have_the_same_keys_and_the_same_blanks_in_both_languages() -> None:
    from competence._texts import _texts

    assert keys("sv") == keys("en")
    blanks = re.compile(r"{(\w+)}")
    for key in keys("sv"):
        assert set(blanks.findall(_texts("sv")[key])) == set(blanks.findall(_texts("en")[key])), key


def test_an_unknown_language_is_refused() -> None:
    with pytest.raises(ValueError, match="sv, en"):
        keys("de")


def test_an_input_error_is_a_value_error() -> None:
    with pytest.raises(ValueError, match="share"):
        raise InputError("share must lie in [0, 1]; got 2")
