"""How evidence becomes a holding: how much each piece counts, and what all of it together says.

For one person and concept every piece of evidence counts with the precision

    probability * 2 ** (-age / half-life) / sigma ** 2

where the half-life is the concept's currency and sigma the source's standard error in levels. The level is the
precision-weighted mean of the stated levels; the confidence is ``1 - (1/s0**2 + sum of precision) ** -0.5 / s0`` with
s0 the standard error of knowing nothing. More supporting evidence therefore never lowers the confidence, and ageing
never raises it. The level has no prior: one piece of evidence gives exactly the level it states.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import numpy as np
from numpy.typing import NDArray

from competence.model import Evidence, LearningForm, Source, ValidationStage
from competence.settings import EvidenceSettings

__all__ = ["age_in_months", "combine", "highest_stage", "is_formal", "piece_level", "precision", "round_level"]

_DAYS_PER_MONTH = 365.2425 / 12


def age_in_months(day: date | None, as_of: date) -> float | None:
    """Return the age of evidence in months on ``as_of``; None without a date, 0 for a later date."""
    if day is None:
        return None
    return max((as_of - day).days, 0) / _DAYS_PER_MONTH


def piece_level(level: int | None, settings: EvidenceSettings) -> tuple[float, bool]:
    """Return the level that counts and whether it was assumed because none was stated."""
    return (float(settings.assumed_level), True) if level is None else (float(level), False)


def precision(piece: Evidence, currency_months: int | None, as_of: date, settings: EvidenceSettings) -> float:
    """Return how much one piece of evidence counts, in 1 / levels squared.

    Parameters
    ----------
    piece : Evidence
        Its probability, source, level (None: assumed) and date (None: counted as one half-life old) are read.
    currency_months : int or None
        Half-life in months; None means that the concept is held for life and evidence does not age.
    as_of : date
        The date of the question.
    settings : EvidenceSettings
        Standard errors per source.

    Examples
    --------
    >>> from competence.model import Source
    >>> piece = Evidence(evidence_id="e", person_id="p", level=3, source=Source.ASSESSMENT, day=date(2026, 1, 1))
    >>> round(precision(piece, None, date(2026, 1, 1), EvidenceSettings()), 6)
    6.25
    """
    sigma = settings.assumed_sigma if piece.level is None else settings.sigma[piece.source]
    freshness = 1.0
    if currency_months is not None:
        months = age_in_months(piece.day, as_of)
        freshness = 0.5 if months is None else 2.0 ** (-months / currency_months)
    return piece.probability * freshness / sigma**2


def combine(
    holding: NDArray[np.int64],
    level: NDArray[np.float64],
    weight: NDArray[np.float64],
    n_holdings: int,
    settings: EvidenceSettings,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Join pieces of evidence into holdings.

    Parameters
    ----------
    holding : ndarray of int, shape (n_pieces,)
        Which holding each piece belongs to, in [0, n_holdings).
    level, weight : ndarray of float, shape (n_pieces,)
        Level 1-5 and precision of each piece.
    n_holdings : int
        How many holdings there are.
    settings : EvidenceSettings
        The standard error of knowing nothing.

    Returns
    -------
    level, confidence : ndarray of float, shape (n_holdings,)
        Level in [1, 5] (nan without any precision) and confidence in [0, 1).

    Notes
    -----
    O(pieces + holdings).
    """
    total = np.bincount(holding, weights=weight, minlength=n_holdings)
    summed = np.bincount(holding, weights=weight * level, minlength=n_holdings)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean: NDArray[np.float64] = np.where(total > 0, summed / total, np.nan)
    s0 = settings.prior_sigma
    confidence: NDArray[np.float64] = np.asarray(1.0 - (1.0 / s0**2 + total) ** -0.5 / s0, dtype=np.float64)
    return mean, confidence


def round_level(level: NDArray[np.float64], confidence: NDArray[np.float64], settings: EvidenceSettings) -> NDArray[np.int8]:
    """Return the whole level (halves upwards) that coverage, gap and growth use; 0 where it is to be re-confirmed."""
    whole = np.floor(np.nan_to_num(level, nan=0.0) + 0.5)
    whole[confidence < settings.reconfirm_below] = 0
    return np.clip(whole, 0, 5).astype(np.int8)


def is_formal(piece: Evidence) -> bool:
    """Say whether a piece can meet a hard (legal) requirement: a certificate, a certified stage, or formal learning.

    Informal competence never meets one, whatever its level (REQ-VAL-16). Nor does one's own or a colleague's word that
    something was learnt formally: that is a claim, not a proof.
    """
    if piece.source is Source.CERTIFICATE or piece.stage is ValidationStage.CERTIFIED:
        return True
    return piece.learning_form is LearningForm.FORMAL and piece.source not in (Source.SELF, Source.COLLEAGUE)


def highest_stage(pieces: Sequence[Evidence]) -> ValidationStage:
    """Return the furthest validation stage among pieces of evidence; identified when there are none."""
    return max((p.stage for p in pieces), key=lambda s: s.rank, default=ValidationStage.IDENTIFIED)
