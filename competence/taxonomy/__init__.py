"""The taxonomy: concepts, roles and what roles ask for; read, written, merged and checked here."""

from competence.taxonomy.aid import AidList, LocalTitle, TitleMapping, map_titles, read_aid
from competence.taxonomy.checks import check
from competence.taxonomy.core import Taxonomy
from competence.taxonomy.local import LocalAction, LocalLayer, LocalRow, apply_local, carry_over, is_retired
from competence.taxonomy.merging import merge

__all__ = [
    "AidList",
    "LocalAction",
    "LocalLayer",
    "LocalRow",
    "LocalTitle",
    "Taxonomy",
    "TitleMapping",
    "apply_local",
    "carry_over",
    "check",
    "is_retired",
    "map_titles",
    "merge",
    "read_aid",
]
