"""The conditional logit: its gradient is nothing at the answer, and a grid search finds no better weights."""

from __future__ import annotations

import numpy as np

from competence.solve.choice import fit_choice


def lost(inputs: np.ndarray, right: np.ndarray, counts: np.ndarray, weights: np.ndarray, ridge: float) -> float:
    """The penalised loss, question by question."""
    total, start = ridge * float(weights @ weights) / 2, 0
    for count in counts:
        part = slice(start, start + count)
        powers = np.exp(inputs[part] @ weights)
        if right[part].any():
            total -= float(np.log(powers[right[part]].sum() / powers.sum()))
        start += count
    return total


def test_no_weights_on_a_grid_lose_less() -> None:
    random = np.random.Generator(np.random.PCG64(4))
    counts = random.integers(1, 6, 30)
    inputs = random.normal(size=(int(counts.sum()), 2))
    right = np.zeros(len(inputs), dtype=np.bool_)
    start = 0
    for count in counts:
        # The right one is likelier where the first input is large; some questions have none.
        if random.random() < 0.8:
            right[start + int(np.argmax(inputs[start : start + count, 0] + random.normal(size=count)))] = True
        start += count
    weights = fit_choice(inputs, right, counts, ridge=0.5)
    best = lost(inputs, right, counts, weights, 0.5)
    grid = np.linspace(-3, 3, 61)
    assert best <= min(lost(inputs, right, counts, np.array([a, b]), 0.5) for a in grid for b in grid) + 1e-9
    assert weights[0] > abs(weights[1])
    for k in range(2):
        step = np.eye(2)[k] * 1e-5
        slope = lost(inputs, right, counts, weights + step, 0.5) - lost(inputs, right, counts, weights - step, 0.5)
        assert abs(slope / 2e-5) < 1e-3


def test_without_a_right_candidate_there_is_nothing_to_learn() -> None:
    nothing = np.zeros(3, dtype=np.bool_)
    assert (fit_choice(np.ones((3, 2)), nothing, np.array([2, 1]), ridge=1.0) == 0).all()
    assert (fit_choice(np.ones((0, 2)), nothing[:0], np.array([], dtype=np.int64), ridge=1.0) == 0).all()


def test_a_heavier_ridge_gives_smaller_weights() -> None:
    inputs, right = np.array([[1.0], [0.0]]), np.array([True, False])
    light, heavy = (fit_choice(inputs, right, np.array([2]), ridge=r)[0] for r in (0.1, 10.0))
    assert light > heavy > 0
