"""The taxonomy: concepts, roles and what roles ask for; read, written, merged and checked here."""

from competence.taxonomy.checks import check
from competence.taxonomy.core import Taxonomy
from competence.taxonomy.merging import merge

__all__ = ["Taxonomy", "check", "merge"]
