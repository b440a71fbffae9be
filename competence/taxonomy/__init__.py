"""The taxonomy: concepts, roles and what roles ask for, in Swedish and English; read, written and checked here."""

from competence.taxonomy.checks import check
from competence.taxonomy.core import Taxonomy

__all__ = ["Taxonomy", "check"]
