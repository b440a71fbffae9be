"""All that is published of one staff, read side by side: sums and differences over every result tell of no one or two.

Each result is tested by itself elsewhere; here the reader has them all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import product
from random import Random
from typing import Any

import numpy as np
import pytest
from cases import (
    ASSISTANT,
    CALM,
    CARETAKER,
    COORDINATOR,
    DEMENTIA,
    LIFT,
    REGISTERED,
    ROSTER,
    graph_of,
    person,
    piece,
    small_staff,
)

from competence import figures, organisation
from competence.equality import WHOLE, GroupRow
from competence.example import example_municipality
from competence.graph import CompetenceGraph, build_graph
from competence.group import unused_competence
from competence.model import AgeBand, Importance, Sex, Source, Unit
from competence.staff import Staff
from competence.taxonomy import Taxonomy
from competence.units import UnitTree, placement, unit_tree

SEXES = (Sex.WOMAN, Sex.MAN, Sex.NOT_STATED)
TREE = {"top": None, "a": "top", "b": "top", "a1": "a", "a2": "a", "a3": "a", "b1": "b", "b2": "b"}

Mask = np.ndarray[Any, Any]


class Reader:
    """Somebody who adds and subtracts everything published, and knows which groups lie in which.

    What is unknown is how many people there are of each *kind*: a unit, a sex and a value of each attribute, where no
    rule that the reader knows forbids it.
    """

    def __init__(self, tree: UnitTree, people: Mapping[str, Mask], allowed: Callable[[Mapping[str, Mask]], Mask]) -> None:
        self.tree = tree
        # Which roles there are in which unit is known.
        places = np.unique(np.stack([people["node"], people["role"]]), axis=1)
        values = {name: np.unique(own) for name, own in people.items() if name not in ("node", "role", "sex")}
        grid = np.meshgrid(np.arange(places.shape[1]), np.arange(3), *values.values(), indexing="ij")
        place, sex, *others = (g.ravel() for g in grid)
        self.kind = {"node": places[0][place], "role": places[1][place], "sex": sex, **dict(zip(values, others, strict=True))}
        kept = allowed(self.kind)
        self.kind = {name: own[kept] for name, own in self.kind.items()}
        index = {k: i for i, k in enumerate(zip(*(own.tolist() for own in self.kind.values()), strict=True))}
        self.truth = np.zeros(len(index))
        for one in zip(*(people[name].tolist() for name in self.kind), strict=True):
            self.truth[index[one]] += 1
        last = tree.last()
        self.inside = {u: (self.kind["node"] >= k) & (self.kind["node"] <= last[k]) for k, u in enumerate(tree.ids)}
        self.known: list[Mask] = []

    def learn(self, unit: str, group: Mask, row: GroupRow) -> None:
        """Read one published row, and see that it is true."""
        own = self.inside["" if unit == WHOLE else unit] & group
        for value, sexes in ((row.women, (0,)), (row.men, (1,)), (row.total, (0, 1, 2))):
            if value is not None:
                vector = own & np.isin(self.kind["sex"], sexes)
                assert vector @ self.truth == value
                self.known.append(vector)

    def works_out(self, groups: Mapping[str, Mask]) -> Iterator[tuple[str, str, str, int]]:
        """Yield every head count of 1 or 2, of a group in a unit, that all rows together give away."""
        rows = np.unique(np.array(self.known), axis=0)
        counts = rows @ self.truth
        # Kinds that no row tells apart are one unknown.
        _, first, merged = np.unique(
            np.random.default_rng(0).normal(size=len(rows)) @ rows, return_index=True, return_inverse=True
        )
        rows = rows[:, first]
        # What a known sum has beyond another of the same size is nobody; so is every part of a sum of nobody.
        nobody = rows[counts == 0].any(axis=0)
        for size in np.unique(counts):
            same = rows[counts == size]
            for one in same:
                beyond = same & ~one
                nobody |= beyond[(~same & one).sum(axis=1) == 0].any(axis=0)
        _, values, basis = np.linalg.svd(rows[:, ~nobody].astype(np.float64), full_matrices=False)
        basis = basis[values > 1e-9]
        sizes = np.bincount(merged)
        names, parts = [], []
        sexes = {"all": (0, 1, 2), "women": (0,), "men": (1,), "not stated": (2,)}
        for label, those in sexes.items():
            of_sex = np.isin(self.kind["sex"], those)
            for (name, group), (unit, inside) in product(groups.items(), self.inside.items()):
                target = inside & group & of_sex
                count = int(self.truth[target].sum())
                if 0 < count < 3:
                    part = np.bincount(merged[target], minlength=len(sizes))
                    # Where only some of an unknown are meant, it cannot be told.
                    if ((part == 0) | (part == sizes))[~nobody].all():
                        names.append((unit, name, label, count))
                        parts.append((part > 0)[~nobody].astype(np.float64))
        if parts:
            wanted = np.array(parts)
            off = np.abs(wanted - (wanted @ basis.T) @ basis).max(axis=1, initial=0.0)
            yield from (found for found, d in zip(names, off.tolist(), strict=True) if d < 1e-7)


def read_everything(graph: CompetenceGraph, concepts: Iterable[str], roles: bool) -> tuple[Reader, dict[str, Mask]]:
    """Return who has read all that is published of some competences, and the groups that must not be told."""
    tree = unit_tree(graph)
    concepts = tuple(concepts)
    unused = {c.concept_id: set(c.people) for c in unused_competence(graph).concepts}
    anything = set().union(*unused.values())
    alone = set(organisation.single_points(graph, kind="named").by_person())
    leaving = {p for p, _ in organisation.departures(graph, by="60+", kind="named").leavers}
    people: dict[str, Mask] = {}
    for c in concepts:
        people[f"level {c}"] = graph.rounded_column(graph.concept_index[c])
        people[f"asked {c}"] = np.array([asked(graph, row, c) for row in range(len(graph.person_ids))])
        people[f"unused {c}"] = np.isin(graph.person_ids, sorted(unused.get(c, ()))).astype(int)
    for name, who in (("unused", anything), ("alone", alone), ("leaving", leaving)):
        people[name] = np.isin(graph.person_ids, sorted(who)).astype(int)
    sets = {own: k for k, own in enumerate(sorted(set(graph.person_roles)))}
    people["role"] = np.array([sets[own] for own in graph.person_roles]) * roles
    people["node"] = placement(graph, tree)
    people["sex"] = np.array([SEXES.index(p.sex) for p in graph.people])
    of_role: dict[tuple[str, int], set[int]] = {}
    for c in concepts:
        for r, a in zip(people["role"].tolist(), people[f"asked {c}"].tolist(), strict=True):
            of_role.setdefault((c, r), set()).add(a)

    def allowed(kind: Mapping[str, Mask]) -> Mask:
        keep = np.ones(len(kind["sex"]), dtype=bool)
        for c in concepts:
            keep &= (kind[f"unused {c}"] == 0) | ((kind[f"level {c}"] > 0) & (kind["unused"] == 1))
            # A role says what it asks for.
            told = np.zeros(len(keep), dtype=bool)
            for (one, r), levels in of_role.items():
                if one == c:
                    told |= (kind["role"] == r) & np.isin(kind[f"asked {c}"], sorted(levels))
            keep &= told
        return keep

    reader = Reader(tree, people, allowed)
    kind, everybody = reader.kind, np.ones(len(reader.truth), dtype=bool)
    groups = {"people": everybody}
    for name in ("unused", "alone", "leaving"):
        groups[name], groups[f"not {name}"] = kind[name] == 1, kind[name] == 0
    for c in concepts:
        level, wanted = kind[f"level {c}"], kind[f"asked {c}"]
        groups |= {f"at least {k} {c}": level >= k for k in range(1, 6)} | {f"below {k} {c}": level < k for k in range(1, 6)}
        groups |= {f"asked {c}": wanted > 0, f"not asked {c}": wanted == 0, f"met {c}": (wanted > 0) & (level >= wanted)}
        groups |= {f"not met {c}": (wanted > 0) & (level < wanted), f"unused {c}": kind[f"unused {c}"] == 1}
        groups |= {
            f"used {c}": (level > 0) & (kind[f"unused {c}"] == 0),
            f"leaving with {c}": (level > 0) & (kind["leaving"] == 1),
        }
        groups |= {f"staying with {c}": (level > 0) & (kind["leaving"] == 0)}
        groups |= {f"other unused than {c}": (kind["unused"] == 1) & (kind[f"unused {c}"] == 0)}
    if roles:
        groups |= {r: np.isin(kind["role"], [k for own, k in sets.items() if r in own]) for r in graph.role_ids}
    heat = organisation.heat_map(graph)
    for unit in heat.unit_ids:
        rows = heat.by_sex(unit)
        reader.learn(unit, everybody, rows["people"])
        for c in concepts:
            reader.learn(unit, groups[f"at least 1 {c}"], rows[c])
    for gap in organisation.gap_table(graph).rows:
        if gap.concept_id in concepts and gap.unit_id is not None:
            reader.learn(gap.unit_id, groups[f"asked {gap.concept_id}"], gap.asked)
            reader.learn(gap.unit_id, groups[f"met {gap.concept_id}"], gap.there)
    needs = [{"concept": c, "level": 3, "count": 3, **({"unit": u} if u else {})} for u in heat.unit_ids for c in concepts]
    for gap in organisation.gap_table(graph, need=needs).rows:
        reader.learn(gap.unit_id or "", groups[f"at least 3 {gap.concept_id}"], gap.there)
    for count in organisation.single_points(graph).by_sector:
        reader.learn(count.unit_id, groups["alone"], count.people)
    departures = organisation.departures(graph, by="60+")
    for count in departures.by_sector:
        reader.learn(count.unit_id, groups["leaving"], count.people)
    for lost in departures.lost:
        if lost.concept_id in concepts:
            reader.learn(lost.unit_id, groups[f"leaving with {lost.concept_id}"], lost.leaving)
    told = organisation.unused_figures(graph)
    for unit, table in told.units.items():
        reader.learn(unit, everybody, table["people"])
        reader.learn(unit, groups["unused"], table["with_unused"])
    for unit, table in told.concepts.items():
        for row in table.rows:
            what, _, c = row.measure.partition(":")
            if c in concepts:
                reader.learn(unit, groups[{"holders": f"at least 1 {c}", "unused": f"unused {c}"}[what]], row)
    for unit, table in figures.segregation(graph).tables.items():
        reader.learn(unit, everybody, table["people"])
    if roles:
        for role_id, table in figures.segregation(graph, by="role").tables.items():
            reader.learn(WHOLE, groups.get(role_id, everybody), table["people"])
    return reader, groups


def asked(graph: CompetenceGraph, row: int, concept_id: str) -> int:
    """Return the highest level that a person's roles ask for as essential."""
    wanted = (r for role_id in graph.person_roles[row] for r in graph.taxonomy.roles[role_id].requirements)
    levels = (r.level for r in wanted if r.concept_id == concept_id and r.importance is Importance.ESSENTIAL)
    return max(levels, default=0)


def town(seed: int, n: int) -> Staff:
    """Return ``n`` people in units three deep, some of them in two; levels are those of the evidence."""
    rng = Random(seed)
    roles = (ASSISTANT, REGISTERED, COORDINATOR, CARETAKER)
    units = ["a1", "a2", "a3", "b1", "b2"]
    likely = {u: rng.choice(roles) for u in units}
    people, evidence = [], []
    for k in range(n):
        unit = rng.choice([*units, *units, rng.choice(["a", "b", "top", ""])])
        own = likely.get(unit) if rng.random() < 0.7 else rng.choice(roles)
        one = person(
            f"t{k}", rng.choices(SEXES, (6, 3, 0.6))[0], unit=unit, role_id=own or ASSISTANT, age_band=rng.choice(tuple(AgeBand))
        )
        people.append(one)
        for c in (DEMENTIA, ROSTER, LIFT, CALM):
            if rng.random() < 0.55:
                evidence.append(piece(f"t{k}", c, rng.randint(1, 4), Source.ASSESSMENT))
    return small_staff(people, evidence, (), [Unit(unit_id=u, name=u.upper(), parent_id=p) for u, p in TREE.items()])


@pytest.mark.parametrize(
    ("seed", "n", "concepts"),
    [
        (0, 30, (DEMENTIA,)),
        (1, 60, (LIFT,)),
        (2, 90, (DEMENTIA,)),
        (3, 140, (LIFT,)),
        (4, 200, (DEMENTIA,)),
        (5, 110, (DEMENTIA, LIFT)),
    ],
)
def test_all_published_results_of_a_town_together_tell_of_no_one_or_two(seed: int, n: int, concepts: tuple[str, ...]) -> None:
    reader, groups = read_everything(graph_of(town(seed, n)), concepts, roles=True)
    assert len(reader.known) > 10
    assert list(reader.works_out(groups)) == []


def test_the_same_reader_does_find_what_one_more_row_gives_away() -> None:
    reader, groups = read_everything(graph_of(town(2, 90)), (DEMENTIA,), roles=True)
    unit = next(u for u in reader.tree.ids if 2 < (reader.inside[u] & groups["unused"]) @ reader.truth < 20)
    few = next(g for g in groups.values() if 0 < (reader.inside[unit] & g) @ reader.truth < 3)
    reader.known.append(reader.inside[unit] & ~few)
    reader.known.append(reader.inside[unit])
    assert list(reader.works_out(groups))


@pytest.fixture(scope="module")
def municipality() -> CompetenceGraph:
    return build_graph(example_municipality(2000, 1), Taxonomy.bundled("municipal"))


def test_all_published_results_of_the_example_municipality_together_tell_of_no_one_or_two(municipality: CompetenceGraph) -> None:
    reader, groups = read_everything(municipality, ("takk-signs",), roles=False)
    assert len(reader.known) > 500
    assert list(reader.works_out(groups)) == []


def test_no_two_numbers_of_people_asked_tell_of_one_or_two_with_a_role(municipality: CompetenceGraph) -> None:
    """Who is asked for one competence and not for another has a role that asks for the first: how many may not be told."""
    roles: dict[str, set[str]] = {}
    for role_id in municipality.role_ids:
        for r in municipality.taxonomy.roles[role_id].requirements:
            if r.importance is Importance.ESSENTIAL:
                roles.setdefault(r.concept_id, set()).add(role_id)
    told: dict[tuple[str, str], dict[str, int]] = {}
    for row in organisation.gap_table(municipality).rows:
        for side in ("women", "men", "total"):
            value = getattr(row.asked, side)
            if row.unit_id is not None and value is not None:
                told.setdefault((row.unit_id, side), {})[row.concept_id] = value
    counts = figures.segregation(municipality, by="role").tables
    for (unit_id, side), own in told.items():
        named = {c: (roles[c], n) for c, n in own.items()}
        if unit_id == "":
            one = ((r, getattr(counts[r]["people"], side)) for r in counts if r != WHOLE)
            named |= {r: ({r}, n) for r, n in one if n is not None}
        for more, n in named.values():
            for less, k in named.values():
                assert not (less < more and 0 < n - k < 3)
    assert sum(map(len, told.values())) > 500
