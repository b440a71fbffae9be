"""Sex enters statistics and stage 2 of teams, and nothing else: swapping all labels, and walking every signature."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterator
from dataclasses import is_dataclass, replace
from typing import Any

import pytest
from cases import graph_of, random_staff, small_staff
from pydantic import BaseModel

import competence
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
