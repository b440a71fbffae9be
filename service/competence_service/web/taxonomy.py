"""The taxonomy in use: what it is, the employer's own rows over it, its AID list, and where they disagree."""

from __future__ import annotations

from competence.model import Concept, Role
from competence.taxonomy import LocalAction
from competence_service.app import services
from competence_service.policy import permission
from competence_service.web import web
from competence_service.web.view import _, lang, page


@web.get("/taxonomy")
@permission("practice")
def taxonomy() -> tuple[str, int]:
    """Show which taxonomy words and titles are linked to, the own table over it and what is wrong in that."""
    library = services().library
    used, ours = library.taxonomy, library.ours

    def name(key: str) -> str:
        # What was merged or retired has its name in ours alone.
        for taxonomy in (ours, used):
            found: Concept | Role | None = taxonomy.concepts.get(key) or taxonomy.roles.get(key)
            if found is not None:
                return found.label(lang())
        return ""

    order = ("set_aside", "cell_dropped", "changed", "notice")
    return page(
        "taxonomy.html",
        used=used,
        layer=library.layer,
        aid=library.aid,
        name=name,
        actions=_actions(),
        kinds=_kinds(),
        problems=sorted(library.own_problems, key=lambda p: (order.index(p.effect.value), p.file, p.row or 0)),
    )


def _actions() -> dict[str, str]:
    return {
        LocalAction.ADD: _("added"),
        LocalAction.RENAME: _("renamed"),
        LocalAction.MERGE: _("merged"),
        LocalAction.SPLIT: _("split"),
        LocalAction.RETIRE: _("retired"),
        LocalAction.KEEP: _("kept though the taxonomy has it no more"),
    }


def _kinds() -> dict[str, str]:
    return {
        "role": _("role"),
        "group": _("group"),
        "concept": _("concept"),
        "skill": _("skill"),
        "knowledge": _("knowledge"),
        "transversal": _("transversal skill"),
        "language": _("language"),
        "licence": _("licence"),
    }
