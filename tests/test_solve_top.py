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
