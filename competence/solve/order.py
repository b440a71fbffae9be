"""The order that input is put in before solving, so that ties are broken by nothing that anybody could prefer.

Solvers here break ties by position. A caller first sorts by :func:`seeded_order`; then the order of rows in a file,
a name, a sex or an age can never decide between equals, and the same people with the same seed give the same answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

__all__ = ["seeded_order"]


def seeded_order(ids: Sequence[str], seed: int = 0) -> NDArray[np.int64]:
    """Return the permutation that puts ids in the order of a seeded hash.

    Parameters
    ----------
    ids : sequence of str
        Distinct ids, in any order.
    seed : int
        Another seed gives another, equally arbitrary order.

    Returns
    -------
    ndarray of int64, shape (len(ids),)
        ``[ids[i] for i in result]`` is the same list for every order of the input. Ids whose hashes meet (64 bits)
        are ordered by the id itself.

    Notes
    -----
    The hash is BLAKE2b of seed and id (RFC 7693, https://www.rfc-editor.org/rfc/rfc7693). Cost O(n log n).

    Examples
    --------
    >>> ids = ["a", "b", "c"]
    >>> [ids[i] for i in seeded_order(ids)] == [ids[::-1][i] for i in seeded_order(ids[::-1])]
    True
    """
    keys = [blake2b(f"{seed}\x00{i}".encode(), digest_size=8).digest() for i in ids]
    return np.array(sorted(range(len(ids)), key=lambda i: (keys[i], ids[i])), dtype=np.int64)
