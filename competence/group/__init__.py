"""The group as bearer of competence: what people hold together, what lies unused among them, and units to be joined.

This package decides how a group is measured against what the roles held in it ask for, which holdings are unused and how far
away somebody would want them, and what joining units changes. Coverage of one person stands in :mod:`competence.fit`. Sex is
read for the figures by sex alone; proposals of :func:`competence.infer_hidden` are never read (DESIGN 4). How a group fills
what is asked for stands at the head of ``_map.py``.
"""

from competence.group._map import CommonUnused, Contribution, Depth, GroupMap, GroupNeed, SingleHolder, group_map
from competence.group._merge import HeldInOne, HeldInSeveral, MergeChange, MergedNeed, MergeMap, SameWords, merge_units
from competence.group._unused import (
    AskedWhere,
    UnitUnused,
    UnusedCompetence,
    UnusedConcept,
    UnusedHolding,
    Wanted,
    unused_competence,
)

__all__ = [
    "AskedWhere",
    "CommonUnused",
    "Contribution",
    "Depth",
    "GroupMap",
    "GroupNeed",
    "HeldInOne",
    "HeldInSeveral",
    "MergeChange",
    "MergeMap",
    "MergedNeed",
    "SameWords",
    "SingleHolder",
    "UnitUnused",
    "UnusedCompetence",
    "UnusedConcept",
    "UnusedHolding",
    "Wanted",
    "group_map",
    "merge_units",
    "unused_competence",
]
