"""Map what the people of an employer can do, and suggest experts, mentoring pairs, rotations, teams and validations.

Here stand the public names, and nothing else. Each is fetched from its module when it is first used (PEP 562,
https://peps.python.org/pep-0562/), so that ``import competence`` loads neither pandas nor a solver.

Examples
--------
>>> import competence as cp
>>> len(cp.Need.of({"demensvård": 3, "finska": 2}))
2
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from competence.conversation import Guide, answers_to_statements, read_guide
    from competence.equality import GroupTable
    from competence.errors import CompetenceError, Problem, Problems
    from competence.example import example_municipality
    from competence.figures import access_equity, segregation, valuation_audit
    from competence.graph import CompetenceGraph, build_graph
    from competence.group import group_map, merge_units, unused_competence
    from competence.inference import infer_hidden, prompts, recalibrate
    from competence.io import read_aid, read_document, read_local, read_staff, write_graph, write_staff
    from competence.linking import Linker, link_statements
    from competence.model import Choice, Decision, Evidence, Need, NeedItem, Outcome, Person, Reason, Sex, Statement
    from competence.organisation import gap_table, heat_map, single_points
    from competence.settings import Settings
    from competence.staff import Staff
    from competence.suggest.answers import read_answers
    from competence.suggest.change import what_would_change
    from competence.suggest.compare import compare_plans, plan_effects
    from competence.suggest.experts import find_experts
    from competence.suggest.mentoring import pair_mentors, waiting_list
    from competence.suggest.result import Suggestion, Suggestions
    from competence.suggest.rotation import plan_rotation
    from competence.suggest.teams import TeamTask, form_teams
    from competence.suggest.validations import suggest_validations
    from competence.taxonomy import Taxonomy, apply_local
    from competence.transitions import roles_within_reach, transition

__version__ = "0.1.0"

__all__ = [
    "Choice",
    "CompetenceError",
    "CompetenceGraph",
    "Decision",
    "Evidence",
    "GroupTable",
    "Guide",
    "Linker",
    "Need",
    "NeedItem",
    "Outcome",
    "Person",
    "Problem",
    "Problems",
    "Reason",
    "Settings",
    "Sex",
    "Staff",
    "Statement",
    "Suggestion",
    "Suggestions",
    "Taxonomy",
    "TeamTask",
    "__version__",
    "access_equity",
    "answers_to_statements",
    "apply_local",
    "build_graph",
    "compare_plans",
    "example_municipality",
    "find_experts",
    "form_teams",
    "gap_table",
    "group_map",
    "heat_map",
    "infer_hidden",
    "link_statements",
    "merge_units",
    "pair_mentors",
    "plan_effects",
    "plan_rotation",
    "prompts",
    "read_aid",
    "read_answers",
    "read_document",
    "read_guide",
    "read_local",
    "read_staff",
    "recalibrate",
    "roles_within_reach",
    "segregation",
    "single_points",
    "suggest_validations",
    "transition",
    "unused_competence",
    "valuation_audit",
    "waiting_list",
    "what_would_change",
    "write_graph",
    "write_staff",
]

_MODULES = {
    "conversation": ("Guide", "answers_to_statements", "read_guide"),
    "equality": ("GroupTable",),
    "errors": ("CompetenceError", "Problem", "Problems"),
    "example": ("example_municipality",),
    "figures": ("access_equity", "segregation", "valuation_audit"),
    "graph": ("CompetenceGraph", "build_graph"),
    "group": ("group_map", "merge_units", "unused_competence"),
    "inference": ("infer_hidden", "prompts", "recalibrate"),
    "io": ("read_aid", "read_document", "read_local", "read_staff", "write_graph", "write_staff"),
    "linking": ("Linker", "link_statements"),
    "model": ("Choice", "Decision", "Evidence", "Need", "NeedItem", "Outcome", "Person", "Reason", "Sex", "Statement"),
    "organisation": ("gap_table", "heat_map", "single_points"),
    "settings": ("Settings",),
    "staff": ("Staff",),
    "suggest.experts": ("find_experts",),
    "suggest.answers": ("read_answers",),
    "suggest.compare": ("compare_plans", "plan_effects"),
    "suggest.change": ("what_would_change",),
    "suggest.mentoring": ("pair_mentors", "waiting_list"),
    "suggest.result": ("Suggestion", "Suggestions"),
    "suggest.rotation": ("plan_rotation",),
    "suggest.teams": ("TeamTask", "form_teams"),
    "suggest.validations": ("suggest_validations",),
    "taxonomy": ("Taxonomy", "apply_local"),
    "transitions": ("roles_within_reach", "transition"),
}

# Hidden from type checkers, which would otherwise take any misspelt name for an object.
if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        from importlib import import_module

        for module, names in _MODULES.items():
            if name in names:
                # Bound here, so that the second use is an ordinary attribute.
                value = globals()[name] = getattr(import_module(f"competence.{module}"), name)
                return value
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
