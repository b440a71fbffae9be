"""The one door to HiGHS, by way of SciPy: linear and whole-number programmes, maximised, with valid bounds.

Never by way of highspy: it cannot be loaded beside OR-Tools (google/or-tools issue 5246). HiGHS: Huangfu & Hall 2018,
https://doi.org/10.1007/s12532-017-0130-5.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

__all__ = ["LinearAnswer", "Rows", "WholeAnswer", "maximise", "maximise_whole"]

Rows = tuple[sparse.csr_array, ArrayLike, ArrayLike]
"""A matrix with the least and the most that each of its rows may be."""


@dataclass(frozen=True, slots=True, eq=False)
class LinearAnswer:
    """Values, and the prices (>= 0) of the rows with a limit and (any sign) of the rows with an equality."""

    values: NDArray[np.float64]
    limit_prices: NDArray[np.float64]
    equality_prices: NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class WholeAnswer:
    """The best values found (None if none were), a bound on every answer, and how it ended.

    ``impossible`` is proof that no answer exists; ``finished`` that the values are optimal within the solver's
    absolute tolerance of 1e-6.
    """

    values: NDArray[np.float64] | None
    bound: float
    impossible: bool
    finished: bool


def maximise(
    objective: NDArray[np.float64],
    matrix: sparse.csr_array,
    limits: NDArray[np.float64],
    *,
    equal: sparse.csr_array | None = None,
    equal_to: NDArray[np.float64] | None = None,
    top: NDArray[np.float64] | float | None = None,
    simplex: bool = False,
    seconds: float | None = None,
) -> LinearAnswer | None:
    """Maximise objective @ x with matrix @ x <= limits, equal @ x = equal_to, 0 <= x <= top.

    ``simplex`` asks for a vertex and for tolerances of 1e-10 instead of 1e-7. None: no answer exists or the seconds
    were spent. The prices are those of the solver, cut at zero; a bound made of them must be checked against its
    tolerance by the caller.
    """
    from scipy.optimize import linprog

    options: dict[str, Any] = {}
    if simplex:
        options = {"dual_feasibility_tolerance": 1e-10, "primal_feasibility_tolerance": 1e-10}
    if seconds is not None:
        options["time_limit"] = max(seconds, 0.01)
    bounds: Any = (0, top) if top is None or isinstance(top, float) else np.column_stack([np.zeros(top.size), top])
    # The published types know neither sparse matrices nor these options here; SciPy does.
    solver: Any = linprog
    result: Any = solver(
        -objective,
        A_ub=matrix,
        b_ub=limits,
        A_eq=equal,
        b_eq=equal_to,
        bounds=bounds,
        method="highs-ds" if simplex else "highs",
        options=options,
    )
    if result.x is None or result.status != 0:
        return None
    return LinearAnswer(
        np.asarray(result.x), np.maximum(-result.ineqlin.marginals, 0.0), -np.asarray(result.eqlin.marginals, dtype=np.float64)
    )


def maximise_whole(
    objective: NDArray[np.float64],
    rows: Sequence[Rows],
    top: NDArray[np.float64] | float,
    whole: NDArray[np.bool_] | None = None,
    *,
    nodes: int,
    seconds: float | None = None,
) -> WholeAnswer:
    """Maximise objective @ x within the rows and 0 <= x <= top, x whole where ``whole`` says so (None: everywhere).

    ``nodes`` limits the branching; it, not the clock, makes a run repeatable. Scale the objective so that 1e-6 is
    far less than what matters.
    """
    from scipy.optimize import Bounds, LinearConstraint, milp

    options: dict[str, Any] = {"mip_rel_gap": 0.0, "node_limit": nodes}
    if seconds is not None:
        options["time_limit"] = max(seconds, 0.01)
    kinds = np.ones(objective.size, dtype=np.int64) if whole is None else whole.astype(np.int64)
    limits: Any = [LinearConstraint(matrix, low, high) for matrix, low, high in rows]  # type: ignore[arg-type]
    solver: Any = milp
    result: Any = solver(-objective, constraints=limits, integrality=kinds, bounds=Bounds(0, top), options=options)
    if result.status == 4:
        # HiGHS's presolve ends in an error now and then; without it the same programme is solved.
        options["presolve"] = False
        result = solver(-objective, constraints=limits, integrality=kinds, bounds=Bounds(0, top), options=options)
    values = None if result.x is None else np.asarray(result.x, dtype=np.float64)
    if result.status == 2:
        return WholeAnswer(None, -np.inf, True, True)
    bound = np.inf if result.mip_dual_bound is None else -float(result.mip_dual_bound)
    finished = result.status == 0 and values is not None
    if finished and values is not None:
        bound = max(float(objective @ values), min(bound, float(objective @ values) + 1e-6))
    return WholeAnswer(values, bound, False, finished)
