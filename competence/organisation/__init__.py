"""The organisation's map: what it can do where, what it lacks, whom it hangs on, and how its units meet.

``heat`` counts holders per unit and competence, ``gaps`` sets them against what is asked, ``single`` and ``departures`` say
what goes with whom, ``links`` how units are connected, ``circles`` brings people together around a topic,
``unused`` counts what is held and asked for nowhere near, and ``snapshots`` keeps published figures to compare over time.
``_units`` has who counts in which unit as arrays, ``_requirements``
what each must be able to do, ``_sectors`` counts per sector, and ``_published`` decides what may be shown to those who are
not entitled to see persons. Nothing here reads sex but to count by it.
"""

from __future__ import annotations

from competence.organisation._requirements import UnitRequirement, unit_requirements
from competence.organisation._sectors import SectorCount
from competence.organisation.circles import Circle, CircleMember, Circles, circles
from competence.organisation.departures import Departures, LostHolders, departures
from competence.organisation.gaps import FutureNeed, GapRow, GapTable, gap_table
from competence.organisation.heat import HeatCell, HeatMap, heat_map
from competence.organisation.links import Bridges, UnitLink, UnitTies, bridges
from competence.organisation.single import SinglePoint, SinglePoints, single_points
from competence.organisation.snapshots import Change, Comparison, Snapshot, compare, snapshot
from competence.organisation.unused import UnusedFigures, unused_figures

__all__ = [
    "Bridges",
    "Change",
    "Circle",
    "CircleMember",
    "Circles",
    "Comparison",
    "Departures",
    "FutureNeed",
    "GapRow",
    "GapTable",
    "HeatCell",
    "HeatMap",
    "LostHolders",
    "SectorCount",
    "SinglePoint",
    "SinglePoints",
    "Snapshot",
    "UnitLink",
    "UnitRequirement",
    "UnitTies",
    "UnusedFigures",
    "bridges",
    "circles",
    "compare",
    "departures",
    "gap_table",
    "heat_map",
    "single_points",
    "snapshot",
    "unit_requirements",
    "unused_figures",
]
