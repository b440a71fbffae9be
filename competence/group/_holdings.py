"""What some people hold and what is asked of them, as arrays: one story for the group map and for what lies unused."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from competence.graph import CompetenceGraph

__all__ = ["N_LEVELS", "Entries", "Places", "asked_by", "ranges"]

N_LEVELS = 5


@dataclass(frozen=True, slots=True)
class Entries:
    """Holdings of some people, by person and concept: place among the people, column, level, formal level, confidence."""

    person: NDArray[np.int64]
    concept: NDArray[np.int64]
    rounded: NDArray[np.int64]
    formal: NDArray[np.int64]
    confidence: NDArray[np.float64]

    @classmethod
    def of(cls, graph: CompetenceGraph, rows: NDArray[np.int64]) -> Entries:
        arrays = graph.arrays
        lengths = arrays.indptr[rows + 1] - arrays.indptr[rows]
        at = ranges(arrays.indptr[rows], lengths)
        return cls(
            np.repeat(np.arange(len(rows)), lengths),
            arrays.concept[at].astype(np.int64),
            arrays.rounded[at].astype(np.int64),
            arrays.formal_level[at].astype(np.int64),
            arrays.confidence[at],
        )


def ranges(starts: NDArray[np.int64], lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return starts[0], starts[0] + 1, ... for each start and length, one after the other."""
    before = np.cumsum(lengths) - lengths
    return np.repeat(starts - before, lengths) + np.arange(int(lengths.sum()))


@dataclass(frozen=True, slots=True)
class Places:
    """What is asked of some people, by person and concept: place among the people, column, level, weight, by law."""

    person: NDArray[np.int64]
    concept: NDArray[np.int64]
    level: NDArray[np.int64]
    weight: NDArray[np.float64]
    hard: NDArray[np.bool_]

    @classmethod
    def of(cls, graph: CompetenceGraph, roles: Sequence[tuple[str, ...]]) -> Places:
        """Join what the roles of each person ask for; people with the same roles are asked the same."""
        kinds = {held: k for k, held in enumerate(dict.fromkeys(roles))}
        asked = [asked_by(graph, held) for held in kinds]
        kind = np.fromiter((kinds[held] for held in roles), np.int64, len(roles))
        sizes = np.fromiter((len(a) for a in asked), np.int64, len(asked))
        flat = [item for items in asked for item in items]
        starts = np.cumsum(sizes) - sizes
        lengths = sizes[kind] if len(kind) else np.empty(0, np.int64)
        at = ranges(starts[kind], lengths) if len(kind) else np.empty(0, np.int64)
        column = np.fromiter((c for c, _, _, _ in flat), np.int64, len(flat))
        level = np.fromiter((n for _, n, _, _ in flat), np.int64, len(flat))
        weight = np.fromiter((w for _, _, w, _ in flat), np.float64, len(flat))
        hard = np.fromiter((h for _, _, _, h in flat), np.bool_, len(flat))
        return cls(np.repeat(np.arange(len(roles)), lengths), column[at], level[at], weight[at], hard[at])


def asked_by(graph: CompetenceGraph, roles: Iterable[str]) -> list[tuple[int, int, float, bool]]:
    """Return (column, level, weight, hard) of what roles together ask of one person, as ``graph.required`` joins them."""
    merged: dict[int, tuple[int, float, bool]] = {}
    for role_id in roles:
        for r in graph.taxonomy.roles[role_id].requirements:
            column = graph.concept_index[r.concept_id]
            level, weight, hard = merged.get(column, (0, 0.0, False))
            merged[column] = (max(level, r.level), max(weight, r.weight), hard or r.hard)
    return [(column, *merged[column]) for column in sorted(merged)]
