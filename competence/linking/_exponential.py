"""The exponential function in a stated order of operations, so that array operations and compiled loops agree to the last bit.

``numpy.exp`` and that of a compiler differ in the last bits, and from machine to machine.

References
----------
Reduction by ln 2 in two parts as in fdlibm's e_exp.c (Sun Microsystems, 1993); then the series of the exponential function.
"""

from __future__ import annotations

from math import factorial

import numpy as np

__all__ = ["LN2", "LN2_REST", "LOWEST", "PER_LN2", "SERIES", "exponential"]

PER_LN2 = 1.44269504088896338700
LN2, LN2_REST = 6.93147180369123816490e-01, 1.90821492927058770002e-10
"""Their sum is ln 2, and a whole number up to a thousand times the first is exact."""
LOWEST = -700.0
"""Below it the function stays what it is here, about 1e-304."""
SERIES = tuple(1 / factorial(k) for k in range(13, -1, -1))
"""Of r in [-0.35, 0.35], highest power first; what is left out is below 1e-17."""


def exponential(values: np.ndarray) -> np.ndarray:
    """Return e to the power of values of at most 0; relative error below 1e-15.

    Examples
    --------
    >>> exponential(np.array([0.0, -1.0])).round(9).tolist()
    [1.0, 0.367879441]
    """
    values = np.maximum(values, LOWEST)
    whole = np.rint(values * PER_LN2)
    rest = (values - whole * LN2) - whole * LN2_REST
    result = np.full(values.shape, SERIES[0])
    for term in SERIES[1:]:
        result = result * rest + term
    # The power of two is made of its exponent's bits.
    return np.asarray(result * ((whole.astype(np.int64) + 1023) << 52).view(np.float64))
