"""The best n by fit, against a plain scan of everybody."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from competence.errors import InputError
from competence.solve.top import Postings, top, top_many


def build(matrix: np.ndarray) -> Postings:
    """Build postings of a dense people x concepts matrix of levels."""
    people, concepts = np.nonzero(matrix)
    order = np.lexsort((people, concepts))
    starts = np.concatenate([[0], np.cumsum(np.bincount(concepts, minlength=matrix.shape[1]))])
    return Postings.build(starts, people[order], matrix[people, concepts][order], matrix.shape[0])


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_top_equals_a_scan_of_everybody_with_ties_by_position(data) -> None:  # type: ignore[no-untyped-def]
    n, k = data.draw(st.integers(1, 12)), data.draw(st.integers(1, 5))
    matrix = np.array([[data.draw(st.integers(0, 5)) for _ in range(k)] for _ in range(n)])
    asked = data.draw(st.lists(st.integers(0, k - 1), min_size=1, max_size=4))
    weights = [data.draw(st.sampled_from([0.25, 0.5, 1.0])) for _ in asked]
    levels = [data.draw(st.integers(1, 5)) for _ in asked]
    allowed = np.array([data.draw(st.booleans()) for _ in range(n)])
    base = np.array([data.draw(st.sampled_from([0.0, 0.5])) for _ in range(n)])
    wanted = data.draw(st.integers(0, n + 1))
    for mask, more in ((None, None), (allowed, None), (allowed, base)):
        plain = [
            sum(w * min(matrix[p, c], level) / level for c, w, level in zip(asked, weights, levels, strict=True)) / sum(weights)
            + (0.0 if more is None else more[p])
            for p in range(n)
        ]
        fine = [p for p in range(n) if plain[p] > 0 and (mask is None or mask[p])]
        expected = sorted(fine, key=lambda p: (-round(plain[p], 9), p))[:wanted]
        indices, scores = top(build(matrix), asked, weights, levels, wanted, allowed=mask, base=more)
        assert [round(plain[p], 9) for p in indices] == [round(plain[p], 9) for p in expected]
        assert scores.tolist() == pytest.approx([plain[p] for p in indices])
        assert all(
            a < b
            for (a, x), (b, y) in zip(*[list(zip(indices, scores, strict=True))[s:] for s in (0, 1)], strict=False)
            if x == y
        )


def test_only_the_first_positions_of_a_tie_are_kept() -> None:
    indices, scores = top(build(np.full((50, 1), 3)), [0], [1.0], [3], 4)
    assert indices.tolist() == [0, 1, 2, 3]
    assert scores.tolist() == [1.0] * 4


def test_a_level_above_what_is_asked_counts_no_more_than_the_level_asked() -> None:
    indices, scores = top(build(np.array([[5], [2], [1]])), [0], [1.0], [2], 5)
    assert indices.tolist() == [0, 1, 2]
    assert scores.tolist() == [1.0, 1.0, 0.5]


def test_nothing_asked_and_nobody_holding_give_an_empty_answer() -> None:
    postings = build(np.array([[1, 0]]))
    assert top(postings, [1], [1.0], [1], 3)[0].tolist() == []
    assert top(postings, [], [], [], 3)[0].tolist() == []


@pytest.mark.parametrize("bad", [([2], [1.0], [1]), ([0], [0.0], [1]), ([0], [1.0], [6]), ([0], [1.0, 1.0], [1])])
def test_wrong_input_is_refused(bad) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(InputError):
        top(build(np.array([[1, 2]])), *bad, 3)
    with pytest.raises(InputError):
        Postings.build([0, 1], [3], [1], 2)


def test_many_needs_at_once_give_what_each_gives_alone() -> None:
    rng = np.random.default_rng(3)
    postings = build(rng.integers(0, 6, (200, 30)) * (rng.random((200, 30)) < 0.3))
    needs = [
        (rng.choice(30, k, replace=False), rng.integers(1, 4, k) / 4, rng.integers(1, 6, k))
        for k in rng.integers(0, 6, 25).tolist()
    ]
    allowed, base = rng.random(200) < 0.8, rng.integers(0, 3, 200) / 8
    for mask, more in ((None, None), (allowed, None), (None, base), (allowed, base)):
        for need, (indices, scores) in zip(needs, top_many(postings, needs, 7, allowed=mask, base=more), strict=True):
            alone = top(postings, *need, 7, allowed=mask, base=more)
            assert indices.tolist() == alone[0].tolist()
            assert scores.tolist() == alone[1].tolist()
    assert top_many(postings, [], 7) == []
    assert [len(i) for i, _ in top_many(postings, needs, 0)] == [0] * 25
    with pytest.raises(InputError, match="need 1: levels"):
        top_many(postings, [([0], [1.0], [3]), ([0], [1.0], [9])], 5)


def test_a_level_of_zero_counts_as_not_held() -> None:
    postings = Postings.build([0, 2, 4], [0, 1, 0, 1], [0, 0, 0, 4], 2)
    indices, scores = top(postings, [0, 1], [1.0, 1.0], [2, 4], 5)
    assert (indices.tolist(), scores.tolist()) == ([1], [0.5])


def whole_scan(matrix: np.ndarray, concepts: np.ndarray, quarters: np.ndarray, levels: np.ndarray) -> np.ndarray:
    """Return everybody's fit in whole numbers (times 60 and the sum of weights), in which a tie is a tie."""
    fit = np.zeros(matrix.shape[0], dtype=np.int64)
    for c, w, level in zip(concepts, quarters, levels, strict=True):
        fit += w * np.minimum(matrix[:, c], level) * (60 // level)
    return fit


@pytest.mark.parametrize("n", [1, 6, 90])
def test_more_needs_than_one_array_of_sums_can_tell_apart_are_ranked_as_in_whole_numbers(n: int, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    """1 100 needs of one thread: old sums are set back twice. Half of the lists are rare, two are everybody's."""
    monkeypatch.setattr("os.cpu_count", lambda: 1)
    rng = np.random.default_rng(5)
    chance = np.array([0.02, 0.03, 0.05, 0.05, 0.1, 0.2, 0.4, 0.9, 1.0])
    matrix = rng.integers(0, 6, (120, chance.size)) * (rng.random((120, chance.size)) < chance)
    postings = build(matrix)
    needs = [
        (rng.choice(chance.size, k, replace=False), rng.integers(1, 5, k), rng.integers(1, 6, k))
        for k in rng.integers(1, 8, 1100).tolist()
    ]
    allowed = rng.random(120) < 0.7
    for mask in (None, allowed):
        answers = top_many(postings, [(c, w / 4, level) for c, w, level in needs], n, allowed=mask)
        for need, (indices, scores) in zip(needs, answers, strict=True):
            plain = whole_scan(matrix, *need)
            order = np.lexsort((np.arange(120), -plain))
            fine = order[(plain[order] > 0) & (True if mask is None else mask[order])][:n]
            assert indices.tolist() == fine.tolist()
            np.testing.assert_allclose(scores, plain[fine] / (60 * need[1].sum()), rtol=0, atol=1e-15)


def test_the_order_of_concepts_changes_no_bit() -> None:
    rng = np.random.default_rng(7)
    postings = build(rng.integers(0, 6, (80, 9)))
    concepts, weights, levels = np.arange(9), rng.random(9) + 0.1, rng.integers(1, 6, 9)
    indices, scores = top(postings, concepts, weights, levels, 20)
    for _ in range(10):
        mixed = rng.permutation(9)
        again = top(postings, concepts[mixed], weights[mixed], levels[mixed], 20)
        assert (again[0].tolist(), again[1].tolist()) == (indices.tolist(), scores.tolist())


def test_equal_parts_that_differ_in_the_last_bit_are_a_tie() -> None:
    # Position 0 holds what counts 3 of 6, position 1 three things that count 1 of 6 each. As whole numbers of 2^-52 the
    # sixth is 750599937895082.67, rounded up: three of them are one more than the half, 2251799813685248.
    matrix = np.array([[0, 0, 0, 5], [5, 5, 5, 0]])
    indices, scores = top(build(matrix), [0, 1, 2, 3], [1, 1, 1, 3], [5, 5, 5, 5], 2)
    assert indices.tolist() == [0, 1]
    assert [int(score * 2**52) for score in scores] == [2251799813685248, 2251799813685249]
    assert top(build(matrix), [0, 1, 2, 3], [1, 1, 1, 3], [5, 5, 5, 5], 1)[0].tolist() == [0]
    assert top(build(matrix), [0, 1, 2, 3], [1, 1, 1, 3], [5, 5, 5, 5], 1, base=np.zeros(2))[0].tolist() == [0]


def test_who_holds_only_what_everybody_holds_comes_in_at_a_tie_and_not_below_it() -> None:
    # Concept 0 is held by 4 and 6 alone, concept 1 by everybody but them: with equal weights all reach 1/2.
    matrix = np.zeros((9, 2), dtype=int)
    matrix[[4, 6], 0] = 3
    matrix[[0, 1, 2, 3, 5, 7, 8], 1] = 3
    assert top(build(matrix), [0, 1], [1.0, 1.0], [3, 3], 2)[0].tolist() == [0, 1]
    assert top(build(matrix), [0, 1], [1.0, 1.0], [3, 3], 6)[0].tolist() == [0, 1, 2, 3, 4, 5]
    assert top(build(matrix), [0, 1], [1.5, 1.0], [3, 3], 3)[0].tolist() == [4, 6, 0]
    assert top(build(matrix), [0, 1], [1.0, 1.5], [3, 3], 8)[0].tolist() == [0, 1, 2, 3, 5, 7, 8, 4]


def test_a_weight_next_to_nothing_still_counts_as_something() -> None:
    indices, scores = top(build(np.array([[0, 5], [5, 0], [5, 5]])), [0, 1], [1.0, 1e-30], [5, 5], 3)
    assert indices.tolist() == [1, 2, 0]
    assert 0 < scores[2] < 1e-15


def test_a_person_twice_in_a_list_is_refused_and_lists_need_no_order() -> None:
    with pytest.raises(InputError, match="concept 1 has person 3 twice"):
        Postings.build([0, 2, 5], [0, 1, 3, 2, 3], [1, 1, 1, 1, 1], 4)
    mixed = Postings.build([0, 3], [2, 0, 1], [5, 1, 5], 3)
    assert top(mixed, [0], [1.0], [5], 3)[0].tolist() == [1, 2, 0]
