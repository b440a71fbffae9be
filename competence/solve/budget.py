"""When a solver stops, and what it may then claim.

A budget is counted in steps, whose meaning each solver states; the clock is only a guard. So a run that ended by
steps or by proof is repeatable, and one stopped by the clock is repeated by asking for the steps it reports.
"""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter

from competence.errors import InputError
from competence.model import Outcome, Status

__all__ = ["PROOF", "Budget", "Progress", "infeasible"]

Progress = Callable[[int, str], bool]
"""Called now and then with the steps done and the phase; returning False cancels."""

PROOF = 1e-9
"""Relative gap within which an answer counts as proven optimal: sums of floats in two orders differ by less."""


class Budget:
    """Count the steps of one call and say when to stop.

    Parameters
    ----------
    effort : int or None
        Most steps; None takes ``default``.
    time_limit : float or None
        Seconds; None sets no limit.
    progress : callable or None
        See :data:`Progress`.
    default : int or None
        Steps where the caller names none; None is without limit.

    Raises
    ------
    InputError
        If effort or time_limit is negative.
    """

    def __init__(
        self,
        effort: int | None = None,
        time_limit: float | None = None,
        progress: Progress | None = None,
        default: int | None = None,
    ) -> None:
        if effort is not None and effort < 0:
            raise InputError(f"effort must be at least 0 steps; got {effort!r}")
        if time_limit is not None and time_limit < 0:
            raise InputError(f"time_limit must be at least 0 seconds; got {time_limit!r}")
        self.limit = default if effort is None else effort
        self.by_default = effort is None
        self.time_limit = time_limit
        self.progress = progress
        self.steps = 0
        self.stopped_by = "proof"
        self._start = perf_counter()

    @property
    def seconds(self) -> float:
        """Seconds since the call began."""
        return perf_counter() - self._start

    @property
    def seconds_left(self) -> float | None:
        """Seconds until the guard, at least 0; None without one."""
        return None if self.time_limit is None else max(0.0, self.time_limit - self.seconds)

    def allow(self, wanted: int) -> int:
        """Return how many of the wanted steps are still in the budget."""
        return wanted if self.limit is None else max(0, min(wanted, self.limit - self.steps))

    def spend(self, steps: int, phase: str) -> bool:
        """Count steps done; return whether to go on."""
        self.steps += steps
        return self.go_on(phase)

    def go_on(self, phase: str) -> bool:
        """Return whether to go on, and remember what stopped the run if not."""
        if self.stopped_by in ("cancelled", "clock"):
            return False
        if self.progress is not None and not self.progress(self.steps, phase):
            self.stopped_by = "cancelled"
        elif self.time_limit is not None and self.seconds >= self.time_limit:
            self.stopped_by = "clock"
        elif self.limit is not None and self.steps >= self.limit:
            self.stopped_by = "steps"
        else:
            return True
        return False

    def outcome(
        self,
        objective: float,
        bound: float | None,
        method: str,
        *,
        certificate: str = "",
        conflicts: tuple[str, ...] = (),
        notes: tuple[str, ...] = (),
        rounding: float = PROOF,
        proven: bool = True,
    ) -> Outcome:
        """Return the Outcome of a maximisation: optimal only when bound and objective meet within :data:`PROOF`.

        A bound that lies under the objective, or above it by at most ``rounding``, is set to it; the default suits
        objectives of the order of 1, and solvers whose input may be of any size say their own. ``proven`` is False
        where the objective is not all that was asked for and the rest is open: the answer is then no optimum even if
        bound and objective meet. ``stopped_by`` is ``proof`` for an optimum and otherwise what ended the run
        (``steps`` also when the search had nothing left to try).
        """
        if bound is None:
            status, gap = Status.HEURISTIC, None
        else:
            bound = objective if bound - objective <= rounding else bound
            # Where the bound is 0 the gap has no scale; where it is only small, it is its own.
            gap = (bound - objective) / (abs(bound) or 1e-9)
            status = Status.OPTIMAL if proven and gap <= PROOF else Status.FEASIBLE
        stopped_by = self.stopped_by
        if status is Status.OPTIMAL:
            stopped_by = "proof"
        elif stopped_by == "proof":
            stopped_by = "steps"
        return Outcome(
            status=status,
            objective=objective,
            bound=bound,
            gap=gap,
            method=method,
            seconds=self.seconds,
            steps=self.steps,
            stopped_by=stopped_by,
            conflicts=conflicts,
            certificate=certificate,
            notes=notes,
        )


def infeasible(budget: Budget, conflicts: tuple[str, ...], method: str, certificate: str = "") -> Outcome:
    """Return the Outcome of a problem that no answer can satisfy, with the names of the rules in conflict."""
    return Outcome(
        status=Status.INFEASIBLE,
        method=method,
        seconds=budget.seconds,
        steps=budget.steps,
        conflicts=conflicts,
        certificate=certificate,
    )
