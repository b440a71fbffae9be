"""Sex enters statistics and stage 2 of teams, and nothing else: swapping all labels, and walking every signature.

And where it enters, it enters whole: every figure that may be published stands for women, men and total.
"""

from __future__ import annotations

import importlib
import inspect
import json
import pkgutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import is_dataclass, replace
from functools import cache
from typing import Any

import pytest
from cases import ASSISTANT, COORDINATOR, DEMENTIA, NORTH, SOUTH, graph_of, random_staff, small_staff
from pydantic import BaseModel

import competence
from competence import conversation, equality, figures, group, inference, organisation, transitions
from competence.equality import GroupTable, publish_units
from competence.graph import CompetenceGraph
from competence.model import OptIn, Sex
from competence.settings import Settings
from competence.staff import Staff
from competence.suggest.experts import find_experts
from competence.suggest.mentoring import pair_mentors
from competence.suggest.result import Suggestions
from competence.suggest.rotation import plan_rotation
from competence.suggest.teams import form_teams
from competence.suggest.validations import suggest_validations
from competence.testing import swap_sex

CALLS: dict[str, Callable[[CompetenceGraph], Suggestions]] = {
    "experts": lambda g: find_experts(g, {"demensvård": 3, "schemaläggning": 2}, n=4),
    "pairs": pair_mentors,
    "stable pairs": lambda g: pair_mentors(g, stable=True, capacity=2),
    "rotation": plan_rotation,
    "rotation without limit": lambda g: plan_rotation(g, max_cycle=None, cutoff=0.3),
    "validations": suggest_validations,
}
VERSIONS: dict[str, Callable[[Staff], Staff]] = {
    "swapped": swap_sex,
    "all women": lambda s: s.replace(people=tuple(replace(p, sex=Sex.WOMAN) for p in s.people)),
    "none stated": lambda s: s.replace(people=tuple(replace(p, sex=Sex.NOT_STATED) for p in s.people)),
}


def without_figures(result: Suggestions) -> dict[str, Any]:
    """Return everything but the figures by sex."""
    data = result.to_dict()
    data.pop("by_sex")
    return data


@pytest.mark.parametrize("version", list(VERSIONS))
@pytest.mark.parametrize("kind", list(CALLS))
@pytest.mark.parametrize("seed", [-1, 0, 4, 9])
def test_other_sex_labels_change_no_expert_pair_rotation_or_validation(seed: int, kind: str, version: str) -> None:
    staff = small_staff() if seed < 0 else random_staff(seed, 8)
    before, after = CALLS[kind](graph_of(staff)), CALLS[kind](graph_of(VERSIONS[version](staff)))
    assert without_figures(after) == without_figures(before)


@pytest.mark.parametrize("n", [2, None])
@pytest.mark.parametrize("version", list(VERSIONS))
@pytest.mark.parametrize("seed", [0, 4, 9])
def test_other_sex_labels_change_teams_only_through_stage_two(seed: int, version: str, n: int | None) -> None:
    staff = random_staff(seed, 8)

    def stage_one(labelled: Staff) -> list[object]:
        found = form_teams(graph_of(labelled), {"demensvård": 2, "schemaläggning": 2}, size=3, n=n)
        assert found.neutral is not None
        return [(s.rank, s.members, s.score, s.reasons, s.target) for s in found.neutral] + [found.neutral.outcome]

    assert stage_one(VERSIONS[version](staff)) == stage_one(staff)


def test_figures_by_sex_change_places_and_their_totals_stay() -> None:
    staff = small_staff()
    before, after = (
        find_experts(graph_of(staff), "demensvård").by_sex,
        find_experts(graph_of(swap_sex(staff)), "demensvård").by_sex,
    )
    for name in ("considered", "suggested"):
        assert (before[name].women, before[name].men) == (after[name].men, after[name].women)
        assert before[name].total == after[name].total


def test_swapping_twice_gives_the_same_staff() -> None:
    staff = random_staff(2, 6)
    assert swap_sex(swap_sex(staff)) == staff
    assert {p.sex for p in swap_sex(small_staff()).people} == set(Sex)


# -- nothing inferred, mapped or measured depends on sex -----------------------------------------------------------


def asked(staff: Staff) -> Staff:
    """Return the staff with everybody having said yes to questions about what they may be able to do."""
    return staff.replace(people=tuple(replace(p, opt_ins=replace(p.opt_ins, prompts=OptIn.YES)) for p in staff.people))


def inferred(graph: CompetenceGraph) -> object:
    """Return every proposal and question that is made for anybody."""
    found = inference.infer_hidden(graph)
    assert found.inferred is not None
    arrays = found.inferred
    told = [[inference.proposals(found, p), inference.prompts(found, p)] for p in graph.person_ids]
    return [
        *(getattr(arrays, name).tolist() for name in ("person", "concept", "probability", "score")),
        arrays.contributions,
        [[[record.to_dict() for record in records] for records in pair] for pair in told],
    ]


NAMED: dict[str, Callable[[CompetenceGraph], object]] = {
    "infer_hidden": inferred,
    "group_map": lambda g: group.group_map(g, NORTH).to_dict(),
    "group_map of people": lambda g: group.group_map(g, g.person_ids[:4]).to_dict(),
    "merge_units": lambda g: group.merge_units(g, [NORTH, SOUTH]).to_dict(),
    "unused_competence": lambda g: group.unused_competence(g).to_dict(),
    "heat_map": lambda g: organisation.heat_map(g, kind="named").to_dict(),
    "gap_table": lambda g: organisation.gap_table(g, kind="named").to_dict(),
    "gap_table of people": lambda g: organisation.gap_table(g, people=g.person_ids).to_dict(),
    "single_points": lambda g: organisation.single_points(g, kind="named").to_dict(),
    "departures": lambda g: organisation.departures(g, kind="named").to_dict(),
    "bridges": lambda g: organisation.bridges(g, kind="named").to_dict(),
    "circles": lambda g: organisation.circles(g, DEMENTIA).to_dict(),
    "transition": lambda g: transitions.transition(g, ASSISTANT, COORDINATOR).to_dict(),
    "roles_within_reach": lambda g: [transitions.roles_within_reach(g, p).to_dict() for p in g.person_ids],
    "unit_requirements": lambda g: [r.to_dict() for r in organisation.unit_requirements(g)],
}

PUBLISHED: dict[str, Callable[[CompetenceGraph], Any]] = {
    "heat_map": organisation.heat_map,
    "gap_table": organisation.gap_table,
    "single_points": organisation.single_points,
    "departures": organisation.departures,
    "bridges": organisation.bridges,
    "snapshot": organisation.snapshot,
    "unused_figures": organisation.unused_figures,
    "segregation": figures.segregation,
    "segregation by role": lambda g: figures.segregation(g, by="role"),
    "valuation_audit": figures.valuation_audit,
    "access_equity": lambda g: figures.access_equity(g, g.person_ids, g.person_ids[::2]),
    "publish_units": lambda g: publish_units(
        {"people": g.person_ids},
        [{"some": g.person_ids[::2]}],
        units_of=dict(zip(g.person_ids, g.units_of, strict=True)),
        parents={u.unit_id: u.parent_id for u in g.staff.units},
        sex=g.sex,
    ),
    "GroupTable": lambda g: GroupTable({"people": g.person_ids}, g.sex),
}

_SIDES = {"women", "men"}
SHOWS_SIDES = set(PUBLISHED) - {"gap_table", "single_points", "departures", "bridges"}
"""Those that show women and men of a staff as small as that of the tests; the others hide them."""


def without_sides(data: object) -> object:
    """Return plain data without what stands for women or for men alone."""
    if isinstance(data, Mapping):
        return {k: without_sides(v) for k, v in data.items() if _SIDES.isdisjoint(str(k).split("_"))}
    if isinstance(data, list | tuple):
        return [without_sides(v) for v in data]
    # A mean over women and men is added up in another order when they change places.
    return round(data, 9) if isinstance(data, float) else data


def test_leaving_the_sides_out_leaves_the_rest() -> None:
    data = {"women": 1, "level_men": 2.0, "total": 3, "rows": [{"share_women": 0.5, "measure": "women"}], "womens": 4}
    assert without_sides(data) == {"total": 3, "rows": [{"measure": "women"}], "womens": 4}


@cache
def told(seed: int, version: str, call: str) -> object:
    staff = asked(small_staff() if seed < 0 else random_staff(seed, 12, posts=True))
    return without_sides(NAMED[call](graph_of(VERSIONS[version](staff) if version else staff)))


@pytest.mark.parametrize("version", list(VERSIONS))
@pytest.mark.parametrize("call", list(NAMED))
@pytest.mark.parametrize("seed", [-1, 4])
def test_other_sex_labels_change_no_inference_map_or_transition(seed: int, call: str, version: str) -> None:
    assert told(seed, version, call) == told(seed, "", call)


def test_what_is_compared_is_not_empty() -> None:
    for call in NAMED:
        assert len(str(told(4, "", call))) > 100, call


@pytest.mark.parametrize("call", [c for c in PUBLISHED if c not in {"valuation_audit", "access_equity"}])
def test_swapped_sex_labels_change_nothing_but_the_sides_of_what_is_published(call: str) -> None:
    """The audit and the ratios name their groups after the sexes; their own tests swap these."""
    staff = random_staff(3, 60)
    before, after = (PUBLISHED[call](graph_of(s)).to_dict() for s in (staff, swap_sex(staff)))
    assert without_sides(after) == without_sides(before)
    if call in SHOWS_SIDES:
        assert json.dumps(after) != json.dumps(before), "the sides themselves have changed places"


# -- every published figure stands for women, men and total --------------------------------------------------------

WALKED = (competence, conversation, equality, figures, group, inference, organisation, transitions)
# What returns no figure of people, or only what stands beside the names of those it is about.
WITHOUT_FIGURES = {
    "answers_to_statements": "a person's own statements",
    "read_answers": "decisions of named people",
    "compare_plans": "two plans set against each other; who moves stands by sex in each",
    "plan_effects": "what a plan changes in units; who moves stands by sex in the plan",
    "waiting_list": "decisions to keep",
    "what_would_change": "what would change a result for one person",
    "apply_local": "a taxonomy",
    "build_graph": "the graph itself",
    "compare": "two snapshots set against each other, walked below",
    "example_municipality": "a staff",
    "feasibility_of": "a number of a curve",
    "find_role": "a role",
    "fit_inference": "a model of the taxonomy",
    "follows_from_roles": "concepts of one person",
    "infer_hidden": "the graph itself, with proposals that are counted nowhere",
    "link_statements": "a staff",
    "prompts": "questions to one person",
    "proposals": "proposals to one person",
    "read_aid": "a list of codes",
    "read_document": "a person's own text",
    "read_guide": "questions",
    "read_local": "changes of a taxonomy",
    "read_staff": "a staff",
    "recalibrate": "a curve",
    "roles_within_reach": "roles of one person",
    "sex_columns": "what tables are counted from",
    "transition": "two roles",
    "unit_requirements": "what roles ask for, nobody counted",
    "write_graph": "a file of the map itself, with the names of people",
    "write_staff": "a file of the employer's own",
}
BESIDE_NAMES: dict[str, Callable[[CompetenceGraph], Any]] = {
    "find_experts": lambda g: find_experts(g, "demensvård"),
    "pair_mentors": pair_mentors,
    "plan_rotation": plan_rotation,
    "form_teams": lambda g: form_teams(g, "demensvård", n=2),
    "suggest_validations": suggest_validations,
    "group_map": lambda g: group.group_map(g, NORTH),
    "merge_units": lambda g: group.merge_units(g, [NORTH, SOUTH]),
    "unused_competence": group.unused_competence,
    "circles": lambda g: organisation.circles(g, DEMENTIA),
}
# Numbers of a published result that are not about a group of people; ratios stand beside the tables they are made from.
NOT_OF_PEOPLE = {"links", "exposures", "bounds", "concepts", "smallest_cell"}


def public_functions() -> set[str]:
    """Return the functions that anybody may call, in all modules walked."""
    return {n for module in WALKED for n in module.__all__ if callable(f := getattr(module, n)) and not inspect.isclass(f)}


def test_every_public_function_is_walked_or_returns_no_figure() -> None:
    walked = {call.split()[0] for call in (*PUBLISHED, *BESIDE_NAMES)} - {"GroupTable"}
    assert walked.isdisjoint(WITHOUT_FIGURES)
    assert walked | set(WITHOUT_FIGURES) == public_functions()


def records(data: object, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Mapping[str, Any]]]:
    """Return every record in plain data with the keys that lead to it."""
    if isinstance(data, Mapping):
        yield path, data
        for key, value in data.items():
            yield from records(value, (*path, str(key)))
    elif isinstance(data, list | tuple):
        for value in data:
            yield from records(value, path)


def triples(record: Mapping[str, Any]) -> dict[str, set[str]]:
    """Return which of women, men and total a record has of each figure, e.g. of ``asked`` in ``asked_women``.

    A figure that is called as the record's own total (``level`` beside ``level_women``) has that; women, men and not
    stated beside the names of a team add up to it.
    """
    found: dict[str, set[str]] = {}
    for key in record:
        figure, _, side = f"_{key}".rpartition("_")
        if side in {"women", "men", "total"}:
            found.setdefault(figure.strip("_"), set()).add(side)
    for figure, sides in found.items():
        if figure in record or (not figure and "not_stated" in record):
            sides.add("total")
    found.pop("share", None)
    return found


def one_sided(data: object) -> list[tuple[tuple[str, ...], list[str]]]:
    """Return the records that have a figure of women, of men or in total without the two others."""
    return [(path, sorted(r)) for path, r in records(data) if any(len(sides) < 3 for sides in triples(r).values())]


def uncounted(data: object) -> list[tuple[tuple[str, ...], list[str]]]:
    """Return the records of a published result that hold a number but not women, men and total."""
    found = []
    for path, record in records(data):
        # What stands under women, men or total is a part of such a record.
        inside = not {"women", "men", "total"}.isdisjoint(path) or not NOT_OF_PEOPLE.isdisjoint(path)
        numbers = [k for k, v in record.items() if isinstance(v, int | float) and not isinstance(v, bool)]
        numbers = [k for k in numbers if k not in NOT_OF_PEOPLE]
        if numbers and not inside and not any(len(sides) == 3 for sides in triples(record).values()):
            found.append((path, numbers))
    return found


def test_the_walk_finds_a_figure_that_lacks_a_side() -> None:
    assert one_sided({"rows": [{"women": 1, "total": 2}]}) == [(("rows",), ["total", "women"])]
    assert one_sided({"level": 2.0, "level_women": 2.0}) == [((), ["level", "level_women"])]
    assert one_sided({"level": 2.0, "level_women": 2.0, "level_men": 2.0, "share_women": 0.5}) == []
    assert uncounted({"rows": [{"holders": 3}, {"holders": 3, "women": 1, "men": 2, "total": 3}]}) == [(("rows",), ["holders"])]
    assert uncounted({"rows": [{"women": {"value": 0.5}, "men": None, "total": None}]}) == []


@pytest.mark.parametrize("call", list(PUBLISHED))
def test_every_published_figure_stands_for_women_men_and_total(call: str) -> None:
    result = PUBLISHED[call](graph_of(random_staff(3, 60)))
    data = json.loads(json.dumps(result.to_dict()))
    assert one_sided(data) == []
    assert uncounted(data) == []
    whole = [(r, figure) for _, r in records(data) for figure, sides in triples(r).items() if len(sides) == 3]
    assert whole, "a published result counts somebody"
    if call in SHOWS_SIDES:
        assert any(r.get(f"{figure}_women".strip("_")) is not None for r, figure in whole), "and shows it"
    if hasattr(result, "to_frame"):
        frame = result.to_frame()
        assert any(len(sides) == 3 for sides in triples(dict.fromkeys(frame.columns)).values())


@pytest.mark.parametrize("call", list(BESIDE_NAMES))
def test_figures_beside_names_stand_for_women_men_and_total_too(call: str) -> None:
    data = BESIDE_NAMES[call](graph_of(random_staff(3, 60))).to_dict()
    # The record of a call tells how the two stages of teams compare, for whoever makes them again.
    assert [(path, keys) for path, keys in one_sided(data) if "provenance" not in path] == []
    assert any(len(sides) == 3 for _, r in records(data) for sides in triples(r).values())


def test_what_has_changed_between_snapshots_stands_for_women_men_and_total() -> None:
    earlier, later = (organisation.snapshot(graph_of(random_staff(seed, 60))) for seed in (3, 4))
    assert one_sided(organisation.compare(earlier, later).to_dict()) == []


# -- no parameter includes or excludes people by sex --------------------------------------------------------------

GROUNDS = frozenset(
    "sex sexes gender genders kön woman women man men female male age ages birth born ethnicity origin nationality faith "
    "religion union health disability orientation parental pregnancy".split()
)


def is_protected(name: str) -> bool:
    """Say whether one word of a name is that of a ground that no rule may choose people by."""
    return not GROUNDS.isdisjoint(name.casefold().split("_"))


# What only counts, or evens teams in stage 2, by full name and parameter.
ALLOWED = {
    ("competence.equality.GroupTable", "sex"): "counts people by sex, for figures",
    ("competence.solve.teams.select", "sex"): "stage 2 only, tested above",
    ("competence.solve.teams.partition", "sex"): "stage 2 only, tested above",
    ("competence.suggest.result.Suggestions", "by_sex"): "figures of a result",
    ("competence.solve.teams.select_in_turn", "sex"): "stage 2 only, as select",
    ("competence.solve.teams_problem.read_problem", "sex"): "stage 2 only, what select and partition hand on",
    ("competence.equality.publish_units", "sex"): "counts people by sex, for figures",
    ("competence.equality.sex_columns", "sex"): "counts people by sex, for figures",
}


def modules() -> Iterator[Any]:
    """Return every module of the library that can be imported without starting anything."""
    yield competence
    for found in pkgutil.walk_packages(competence.__path__, "competence."):
        if "._" not in found.name:
            yield importlib.import_module(found.name)


def parameters() -> Iterator[tuple[str, str]]:
    """Return the parameters of every public function, class and method."""
    for module in modules():
        for name, thing in vars(module).items():
            if name.startswith("_") or getattr(thing, "__module__", None) != module.__name__:
                continue
            where = f"{module.__name__}.{name}"
            own = [(where, thing)] if inspect.isfunction(thing) else []
            # A record only holds what it is told; its fields ask for nobody.
            if inspect.isclass(thing) and not is_dataclass(thing):
                # What a class takes is what its __init__ takes; one without its own takes nothing of ours.
                methods = {k: m for k, m in vars(thing).items() if inspect.isfunction(m) and (k == "__init__" or k[0] != "_")}
                own = [(where if k == "__init__" else f"{where}.{k}", m) for k, m in methods.items()]
            for path, function in own:
                yield from ((path, p) for p in inspect.signature(function).parameters)


def fields(model: type[BaseModel], path: str = "") -> Iterator[str]:
    """Return the full name of every setting."""
    for name, field in model.model_fields.items():
        yield f"{path}{name}"
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from fields(field.annotation, f"{path}{name}.")


def test_no_public_parameter_is_named_after_sex_age_or_another_protected_ground() -> None:
    found = {(where, p) for where, p in parameters() if is_protected(p)}
    assert ("competence.equality.GroupTable", "sex") in found, "the walk finds what there is"
    assert found - set(ALLOWED) == set()


def test_no_option_of_the_command_line_is_named_after_a_protected_ground() -> None:
    from competence.cli import cli

    options = {(name, p.name or "") for name, command in cli.commands.items() for p in command.params}
    assert len(options) > 10
    assert not {(name, p) for name, p in options if is_protected(p)}


def test_no_setting_is_named_after_sex_age_or_another_protected_ground() -> None:
    names = set(fields(Settings))
    assert "suggest.experts" in names
    assert not {n for n in names if is_protected(n)}
    weights = Settings().suggest
    measures = {*weights.experts, *weights.pairs, *weights.rotation, *weights.validations}
    measures |= {*weights.co_leaders, *weights.circles}
    assert not {m for m in measures if is_protected(m)}


@pytest.mark.parametrize("function", [find_experts, pair_mentors, plan_rotation, form_teams, suggest_validations])
def test_the_record_of_a_call_holds_every_argument_but_what_stands_elsewhere(function: Callable[..., Suggestions]) -> None:
    """What can be asked can be seen in the record, so nothing about sex can be asked unseen."""
    needs: dict[str, tuple[Any, ...]] = {"find_experts": ("demensvård",), "form_teams": ("demensvård",)}
    request = function(graph_of(), *needs.get(function.__name__, ())).provenance.request
    elsewhere = {"graph", "settings", "as_of", "seed", "progress"}
    assert set(inspect.signature(function).parameters) - elsewhere <= set(request)
    assert not any(is_protected(name) for name in request)


def test_opt_ins_are_not_read_by_sex() -> None:
    staff = small_staff()
    answered = staff.replace(people=tuple(replace(p, opt_ins=replace(p.opt_ins, mentor=OptIn.YES)) for p in staff.people))
    assert without_figures(pair_mentors(graph_of(answered))) == without_figures(pair_mentors(graph_of(swap_sex(answered))))
