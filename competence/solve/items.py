"""An additive model of which items stand together: arrays in, scores and exact contributions out.

Rows are roles and columns are what they ask for. What is learnt from the rows is kept as one matrix between rows, never
between columns: 13 000 columns cost no more memory than the rows that hold them. What a row or a column means, who is
scored and what is shown is decided on higher floors.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

__all__ = ["ItemModel", "fit_items"]

_POWER = 2
"""Power of the likeness between a person and a row. Above 1 the likest rows count most, and since the function is then
convex and 0 at 0, taking an item away costs at least what was attributed to it (see :meth:`ItemModel.contributions`)."""
_BLOCK = 2000


@dataclass(frozen=True, slots=True, eq=False)
class ItemModel:
    """What :func:`fit_items` learnt.

    Parameters
    ----------
    rows : csr_array, shape (n_rows, n_items)
        Weights in [0, 1] of the items of each row (A below).
    inverse : ndarray, shape (n_rows, n_rows)
        G = (A A' + ridge I)^-1.
    leverage : ndarray, shape (n_items,)
        a_i' G a_i of each item, in [0, 1).
    likeness : csr_array, shape (n_rows, n_items)
        What each item adds to the likeness of whoever has it and the row.
    words : csr_array, shape (n_items, n_words)
        Text vectors of length 1 (or 0 without text).
    neighbour_weight, word_weight : float
        Weights of the second and third part of the score.
    """

    rows: sparse.csr_array
    inverse: NDArray[np.float64]
    leverage: NDArray[np.float64]
    likeness: sparse.csr_array
    words: sparse.csr_array
    neighbour_weight: float
    word_weight: float

    def scores(self, has: sparse.csr_array, without: Sequence[NDArray[np.int64]] | None = None) -> NDArray[np.float64]:
        """Return the score of every item for each set of items had.

        Parameters
        ----------
        has : csr_array, shape (n_sets, n_items)
            Weights above 0 of what each has.
        without : sequence of ndarray or None
            Per set, rows to score as if they had never been there (exact, without fitting anew).

        Returns
        -------
        ndarray, shape (n_sets, n_items)

        Notes
        -----
        score_i = (x A' G a_i - x_i l_i) / (1 - l_i) + n * sum_r s_r^2 a_ri + w * sum_(j != i) x_j t_j' t_i with l the
        leverage, s the likeness to each row and t the text vectors. The first term is the off-diagonal part of EASE (Steck
        2019, doi:10.1145/3308558.3313710) in its dual form by the identity of Woodbury. A row R is taken out by
        G - G[:, R] G[R, R]^-1 G[R, :], the inverse of the matrix without it. O(n_sets * n_rows * (n_rows + items per row)).
        """
        met = np.asarray((has @ self.rows.T).todense(), dtype=np.float64)
        alike = np.asarray((has @ self.likeness.T).todense(), dtype=np.float64)
        if without is not None:
            for k, out in enumerate(without):
                met[k, out] = 0.0
                alike[k, out] = 0.0
        reached = met @ self.inverse
        leverage = self.leverage[None, :]
        if without is not None:
            leverage = np.repeat(leverage, has.shape[0], axis=0)
            for k, out in enumerate(without):
                if len(out):
                    inner = np.linalg.inv(self.inverse[np.ix_(out, out)])
                    reached[k] -= (reached[k, out] @ inner) @ self.inverse[out]
                    shared = self.inverse[out] @ self.rows
                    leverage[k] -= ((inner @ shared) * shared).sum(axis=0)
        own = np.asarray(has.todense(), dtype=np.float64)
        score = (reached @ self.rows - own * leverage) / (1.0 - leverage)
        score += self.neighbour_weight * (alike**_POWER @ self.rows)
        if self.word_weight:
            said = np.asarray(((has @ self.words) @ self.words.T).todense(), dtype=np.float64)
            score += self.word_weight * (said - own * self._told[None, :])
        return np.asarray(score, dtype=np.float64)

    @property
    def _told(self) -> NDArray[np.float64]:
        """Return which items have a text: their vectors are of length 1."""
        return (np.diff(self.words.indptr) > 0).astype(np.float64)

    def contributions(
        self, items: NDArray[np.int64], weights: NDArray[np.float64], proposed: NDArray[np.int64]
    ) -> NDArray[np.float64]:
        """Return what each item had contributes to each proposed item, shape (n_items_had, n_proposed).

        Parameters
        ----------
        items, weights : ndarray, shape (n_items_had,)
            What is had. An item may stand several times, for several reasons; each is then told apart.
        proposed : ndarray, shape (n_proposed,)
            Items to explain.

        Notes
        -----
        Columns sum to :meth:`scores`. The first and the third part are linear in what is had. The second is quadratic:
        s_r^2 is shared out as s_r * (part of s_r that the item makes), so taking the item away lowers the part by at least
        its share. O(n_rows * (n_rows + n_items_had) * n_proposed) at worst.
        """
        had, asked = self.rows[:, items], self.rows[:, proposed]
        base = np.asarray((had.T @ (self.inverse @ asked)), dtype=np.float64)
        same = items[:, None] == proposed[None, :]
        leverage = self.leverage[proposed][None, :]
        parts = np.where(same, 0.0, base / (1.0 - leverage)) * weights[:, None]
        adds = (self.likeness[:, items] @ sparse.diags_array(weights)).tocsc()
        alike = np.asarray(adds.sum(axis=1), dtype=np.float64).ravel()
        parts += self.neighbour_weight * np.asarray(((sparse.diags_array(alike) @ adds).T @ asked).todense(), dtype=np.float64)
        if self.word_weight:
            said = np.asarray((self.words[items] @ self.words[proposed].T).todense(), dtype=np.float64)
            parts += self.word_weight * np.where(same, 0.0, said) * weights[:, None]
        return parts

    def alike(self, has: sparse.csr_array) -> NDArray[np.float64]:
        """Return the likeness of each set to each row, shape (n_sets, n_rows); 1 is that of a row of usual size to itself."""
        return np.asarray((has @ self.likeness.T).todense(), dtype=np.float64)


def fit_items(
    rows: sparse.csr_array,
    words: sparse.csr_array,
    *,
    ridge: float,
    neighbour_weight: float,
    word_weight: float,
) -> ItemModel:
    """Learn from rows which items stand together.

    Parameters
    ----------
    rows : csr_array, shape (n_rows, n_items)
        Weights in [0, 1], at least one row.
    words : csr_array, shape (n_items, n_words)
        Text vectors of length 1 or 0.
    ridge : float
        Above 0; a larger one trusts the rows less.
    neighbour_weight, word_weight : float
        As in :class:`ItemModel`.

    Notes
    -----
    Likeness of x and row r: sum_j x_j idf_j^2 a_rj / (|a_r| * mean |a|) with |a| the length of a row after weighting by idf_j
    = ln(1 + n_rows / rows that have j). It is not divided by the length of x, so that less evidence is never more likeness.
    O(n_rows^3 + n_rows * entries).

    Examples
    --------
    >>> trades = sparse.csr_array(np.array([[1.0, 1, 0, 0], [1, 1, 0, 0], [0, 0, 1, 1]]))
    >>> model = fit_items(trades, sparse.csr_array((4, 1)), ridge=1.0, neighbour_weight=0.1, word_weight=0.0)
    >>> score = model.scores(sparse.csr_array(np.array([[1.0, 0, 0, 0]])))[0]
    >>> bool(score[1] > score[2])
    True
    """
    rows = rows.astype(np.float64)
    n_rows, n_items = rows.shape
    inverse = _inverse(np.asarray((rows @ rows.T).todense()) + ridge * np.eye(n_rows))
    columns = sparse.csr_array(rows.T)
    leverage = np.zeros(n_items)
    for start in range(0, n_items, _BLOCK):
        block = columns[start : start + _BLOCK]
        leverage[start : start + _BLOCK] = np.asarray(block.multiply(block @ inverse).sum(axis=1)).ravel()
    having = np.bincount(rows.indices, minlength=n_items)
    rarity = np.log1p(n_rows / np.maximum(having, 1)) ** 2
    length = np.sqrt(rows.power(2) @ rarity)
    usual = float(length.mean()) or 1.0
    scale = 1.0 / np.where(length > 0, length * usual, 1.0)
    likeness = sparse.csr_array(sparse.diags_array(scale) @ rows @ sparse.diags_array(rarity))
    return ItemModel(
        rows=rows,
        inverse=inverse,
        leverage=leverage,
        likeness=likeness,
        words=words.astype(np.float64),
        neighbour_weight=neighbour_weight,
        word_weight=word_weight,
    )


def _inverse(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """Invert a symmetric matrix, symmetric to the last bit: the same answer is wanted from either side.

    By LU, though Cholesky is half the work: where few rows share items its factor has entries so small that their products
    underflow, and processors then slow down four to eight times.
    """
    inverse = np.linalg.inv(matrix)
    return np.asarray((inverse + inverse.T) / 2, dtype=np.float64)
