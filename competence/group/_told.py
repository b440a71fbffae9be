"""Results of a group as plain JSON values, and what sentences about them need."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import date
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from competence._texts import text
from competence.equality import GroupTable
from competence.model import Concept
from competence.settings import Settings

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

__all__ = ["labels_of", "listed", "plain", "whole_per_cent"]


def plain(record: DataclassInstance) -> dict[str, Any]:
    """Return a record as plain JSON values; what is not shown in its repr is not told here either."""
    return {f.name: _plain(getattr(record, f.name)) for f in fields(record) if f.repr}


def _plain(value: Any) -> Any:
    if isinstance(value, GroupTable | Settings):
        return value.to_dict()
    if is_dataclass(value) and not isinstance(value, type):
        return plain(value)
    if isinstance(value, tuple | list):
        return [_plain(v) for v in value]
    if isinstance(value, StrEnum):
        return value.value
    return value.isoformat() if isinstance(value, date) else value


def labels_of(concepts: Mapping[str, Concept]) -> dict[str, dict[str, str]]:
    """Return the labels of concepts in both languages."""
    return {c: {lang: concept.label(lang) for lang in ("sv", "en")} for c, concept in concepts.items()}


_SHOWN = 5
"""Things named in one sentence; the rest is in the tables."""


def listed(words: Sequence[str], lang: str) -> str:
    """Return the first few of a list for one sentence, and how many more there are."""
    shown = ", ".join(words[:_SHOWN])
    return text("group_map.and_more", lang, shown=shown, more=len(words) - _SHOWN) if len(words) > _SHOWN else shown


def whole_per_cent(share: float) -> int:
    """Return whole per cent, rounded down: nothing short is told as 100."""
    return int(100 * share + 1e-9)
