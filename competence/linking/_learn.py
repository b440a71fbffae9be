"""What the linker learns with: a ridge classifier of texts with its leave-one-out answers, and boosted trees as plain arrays.

This module decides how weights come from examples. It knows neither concepts nor words.

References
----------
Kernel ridge regression and its leave-one-out formula: Rifkin & Lippert (2007), Notes on Regularized Least Squares, MIT
CSAIL TR-2007-025. The diagonal of an inverse by random signs: Bekas, Kokiopoulou & Saad (2007), doi:10.1016/j.apnum.2007.01.003.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

__all__ = ["Classifier", "Trees"]

_PROBES = 200
"""Random sign vectors for the diagonal of the inverse; its relative error is then about 1/10 of an off-diagonal row's length."""
_BLOCK = 2048
"""Features whose weights are worked out at once: bounds memory to _BLOCK x classes x 4 bytes."""


@dataclass(frozen=True)
class Classifier:
    """Score texts for classes by weights of their features, shape (n_features, n_classes); most weights are left out.

    Parameters
    ----------
    weights : csr_matrix
        The largest weights of each feature.
    """

    weights: csr_matrix

    @classmethod
    def fit(
        cls, rows: csr_matrix, owners: np.ndarray, n_classes: int, *, ridge: float, balance: float, kept: int
    ) -> tuple[Self, np.ndarray]:
        """Fit a ridge classifier by its kernel, and return it with the answer for each row as if that row were not there.

        Parameters
        ----------
        rows : csr_matrix
            Texts, shape (n, n_features).
        owners : ndarray
            The class of each, in [0, n_classes).
        n_classes : int
            How many classes.
        ridge : float
            Added to the kernel's diagonal, > 0.
        balance : float
            A row of a class of m rows counts m ** -balance: 0 all alike, 1 all classes alike.
        kept : int
            Weights kept per feature, the largest.

        Returns
        -------
        Classifier, ndarray
            And the leave-one-out scores, shape (n, n_classes).

        Notes
        -----
        O(n^3 / 3 + n^2 * n_classes). Equal input gives equal output on one machine; the last bits depend on its BLAS.
        """
        from scipy.linalg import cho_factor, cho_solve
        from scipy.sparse import csr_matrix, vstack

        n = rows.shape[0]
        single = rows.astype(np.float32)
        kernel = np.asarray((single @ single.T).toarray(), dtype=np.float32)
        kernel[np.diag_indices(n)] += ridge
        wanted = np.zeros((n, n_classes), dtype=np.float32)
        wanted[np.arange(n), owners] = np.bincount(owners, minlength=n_classes)[owners] ** -balance
        signs = np.random.Generator(np.random.PCG64(0)).choice(np.array([-1, 1], dtype=np.float32), (n, _PROBES))
        solved = cho_solve(
            cho_factor(kernel, overwrite_a=True, check_finite=False), np.hstack([wanted, signs]), check_finite=False
        )
        dual, probed = solved[:, :n_classes], solved[:, n_classes:]
        diagonal = np.maximum(np.mean(probed * signs, axis=1), 1.0 / (1.0 + ridge) / 4)
        left_out = wanted - dual / diagonal[:, None]
        columns = single.T.tocsr()
        blocks = []
        for start in range(0, columns.shape[0], _BLOCK):
            block = np.asarray(columns[start : start + _BLOCK] @ dual)
            if block.shape[1] > kept:
                least = np.partition(np.abs(block), block.shape[1] - kept, axis=1)[:, block.shape[1] - kept]
                block[np.abs(block) < least[:, None]] = 0.0
            blocks.append(csr_matrix(block))
        return cls(csr_matrix(vstack(blocks)).astype(np.float64)), left_out

    def scores(self, rows: csr_matrix) -> np.ndarray:
        """Return the score of each class for each text, shape (n, n_classes)."""
        return np.asarray((rows @ self.weights).toarray())


@dataclass(frozen=True)
class Trees:
    """Boosted trees as arrays, so that they are kept on disk without anything that could be executed.

    Parameters
    ----------
    feature, left, right : ndarray of int32
        Per node: the column asked, and the node to go to when its value is at most the threshold or not; a leaf leads to itself.
    threshold, value : ndarray of float64
        Per node: the threshold, and what a leaf adds.
    roots : ndarray of int32
        The first node of each tree.
    base : float
        Log odds before any tree.
    depth : int
        Steps from a root to the lowest leaf.
    """

    feature: np.ndarray
    threshold: np.ndarray
    left: np.ndarray
    right: np.ndarray
    value: np.ndarray
    roots: np.ndarray
    base: float
    depth: int

    @classmethod
    def fit(
        cls,
        inputs: np.ndarray,
        right: np.ndarray,
        weights: np.ndarray | None = None,
        *,
        trees: int,
        leaves: int = 8,
        models: int = 1,
    ) -> Self:
        """Learn the probability that a row is right.

        Parameters
        ----------
        inputs : ndarray
            Shape (n, n_columns), finite.
        right : ndarray of bool
            Shape (n,).
        weights : ndarray, optional
            What each row counts.
        trees, leaves : int
            How many trees of each model, and leaves of each at most.
        models : int
            How many models the log odds are the mean of; each of several asks 40 % of the columns at each node.

        Notes
        -----
        scikit-learn's HistGradientBoostingClassifier (log loss); deterministic. Its trees are read from ``_predictors``, which
        scikit-learn does not promise to keep: a test compares the answers with ``predict_proba``.
        """
        from sklearn.ensemble import HistGradientBoostingClassifier
        from threadpoolctl import threadpool_limits

        # Threads that find their core taken wait for each other at every node: five times slower on a machine that is shared.
        with threadpool_limits(limits=1, user_api="openmp"):
            fitted = [
                HistGradientBoostingClassifier(
                    max_iter=trees,
                    learning_rate=0.06,
                    max_leaf_nodes=leaves,
                    max_depth=7,
                    min_samples_leaf=40,
                    l2_regularization=1.0,
                    max_features=1.0 if models == 1 else 0.4,
                    early_stopping=False,
                    random_state=seed,
                ).fit(inputs, right, sample_weight=weights)
                for seed in range(models)
            ]
        parts: dict[str, list[np.ndarray]] = {name: [] for name in ("feature", "threshold", "left", "right", "value")}
        roots, start, depth = [], 0, 1
        for (tree,) in (predictors for model in fitted for predictors in model._predictors):
            nodes = tree.nodes
            leaf = nodes["is_leaf"].astype(bool)
            here = start + np.arange(len(nodes))
            parts["feature"].append(np.where(leaf, 0, nodes["feature_idx"]).astype(np.int32))
            parts["threshold"].append(np.where(leaf, np.inf, nodes["num_threshold"]))
            parts["left"].append(np.where(leaf, here, start + nodes["left"]).astype(np.int32))
            parts["right"].append(np.where(leaf, here, start + nodes["right"]).astype(np.int32))
            parts["value"].append(nodes["value"].astype(np.float64) / models)
            roots.append(start)
            start += len(nodes)
            depth = max(depth, int(nodes["depth"].max()))
        joined = {name: np.concatenate(found) for name, found in parts.items()}
        return cls(
            **joined, roots=np.array(roots, dtype=np.int32), base=float(np.ravel(fitted[0]._baseline_prediction)[0]), depth=depth
        )

    def log_odds(self, inputs: np.ndarray) -> np.ndarray:
        """Return the log odds of each row, shape (n,); O(n * trees * depth)."""
        found = np.empty(len(inputs))
        inputs = np.asarray(inputs, dtype=np.float64)
        for start in range(0, len(inputs), 2048):
            part = inputs[start : start + 2048]
            flat, width = part.ravel(), part.shape[1]
            offset = (np.arange(len(part)) * width)[:, None]
            node = np.broadcast_to(self.roots, (len(part), len(self.roots)))
            for _ in range(self.depth):
                below = flat[offset + self.feature[node]] <= self.threshold[node]
                node = np.where(below, self.left[node], self.right[node])
            found[start : start + 2048] = self.base + self.value[node].sum(axis=1)
        return found

    def arrays(self) -> Mapping[str, np.ndarray]:
        """Return everything as arrays, for :meth:`of`."""
        names = ("feature", "threshold", "left", "right", "value", "roots")
        return {**{name: getattr(self, name) for name in names}, "base": np.array([self.base]), "depth": np.array([self.depth])}

    @classmethod
    def of(cls, arrays: Mapping[str, np.ndarray]) -> Self:
        """Return the trees of ``arrays``."""
        names = ("feature", "threshold", "left", "right", "value", "roots")
        return cls(**{name: arrays[name] for name in names}, base=float(arrays["base"][0]), depth=int(arrays["depth"][0]))
