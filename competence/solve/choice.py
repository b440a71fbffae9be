"""Weights by which the right one of several candidates is chosen: the conditional logit, penalised.

Per question q with candidates x the right ones R(q) have the probability ``sum over R of exp(w·x) / sum over all of exp(w·x)``.
The weights w minimise ``-sum over q of log P(q) + ridge·w·w / 2``, by L-BFGS (Liu & Nocedal 1989, doi:10.1007/BF01589116) from
zero, with the exact gradient. Where each question has one right candidate the problem is convex and the answer the only one.

References
----------
McFadden, D. (1974). Conditional logit analysis of qualitative choice behavior. In Zarembka (ed.), Frontiers in Econometrics.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["fit_choice"]

_FAR = 1e-12
"""Added to a probability, so that a right candidate far behind leaves its logarithm finite."""


def fit_choice(
    inputs: NDArray[np.float64], right: NDArray[np.bool_], counts: NDArray[np.int64], *, ridge: float
) -> NDArray[np.float64]:
    """Return the weights, shape (n_inputs,).

    Parameters
    ----------
    inputs : ndarray, shape (n_candidates, n_inputs)
        Candidates of one question after the other.
    right : ndarray of bool, shape (n_candidates,)
        Which of them are right; a question without one teaches nothing and is passed over.
    counts : ndarray of int, shape (n_questions,)
        How many candidates each question has, at least 1.
    ridge : float
        Above 0: how much large weights cost.

    Notes
    -----
    O(n_candidates * n_inputs) per step, some tens of steps.

    Examples
    --------
    >>> inputs = np.array([[1.0], [0.0], [0.9], [0.2]])
    >>> bool(fit_choice(inputs, np.array([True, False, True, False]), np.array([2, 2]), ridge=1.0)[0] > 0)
    True
    """
    from scipy.optimize import minimize

    if not len(counts):
        return np.zeros(inputs.shape[1])
    found = np.add.reduceat(right.astype(np.int64), np.concatenate([[0], np.cumsum(counts)[:-1]])) > 0
    some = np.repeat(found, counts)
    if not some.any():
        return np.zeros(inputs.shape[1])
    inputs, right, counts = inputs[some], right[some], counts[found]
    starts = np.concatenate([[0], np.cumsum(counts)[:-1]])

    def loss(weights: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        scores = inputs @ weights
        powers = np.exp(scores - np.repeat(np.maximum.reduceat(scores, starts), counts))
        of_all, of_right = np.add.reduceat(powers, starts), np.add.reduceat(powers * right, starts) + _FAR
        slope = inputs.T @ (powers / np.repeat(of_all, counts) - powers * right / np.repeat(of_right, counts))
        lost = float(np.sum(np.log(of_all) - np.log(of_right)) + ridge * weights @ weights / 2)
        return lost, np.asarray(slope + ridge * weights, dtype=np.float64)

    return np.asarray(minimize(loss, np.zeros(inputs.shape[1]), jac=True, method="L-BFGS-B").x, dtype=np.float64)
