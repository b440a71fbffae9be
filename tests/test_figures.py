"""Figures about women and men, worked out by hand: how divided the work is, what is valued, who is suggested."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from math import exp, log, sqrt

import numpy as np
import pytest
from cases import (
    ASSISTANT,
    CALM,
    CARETAKER,
    CARPENTRY,
    DEMENTIA,
    LIFT,
    NORTH,
    OFFICE,
    SOUTH,
    graph_of,
    person,
    piece,
    random_staff,
    small_staff,
)

from competence.equality import WHOLE, TableKind
from competence.errors import InputError
from competence.figures import AccessEquity, access_equity, segregation, valuation_audit
from competence.graph import CompetenceGraph
from competence.model import Employment, Person, Sex, Source, ValidationStage
from competence.settings import Settings
from competence.suggest.experts import find_experts
from competence.testing import swap_sex

W, M, N = Sex.WOMAN, Sex.MAN, Sex.NOT_STATED


def many(women: int, men: int, prefix: str, **fields: object) -> list[Person]:
    """Return that many people of each sex, with ids in order."""
    sexes = [W] * women + [M] * men
    return [person(f"{prefix}{i:02}", s, **fields) for i, s in enumerate(sexes)]  # type: ignore[arg-type]


def graph_with(people: Iterable[Person], evidence: Iterable[object] = ()) -> CompetenceGraph:
    return graph_of(small_staff(people, evidence, ()))  # type: ignore[arg-type]


# -- segregation --------------------------------------------------------------------------------------------------


def test_dissimilarity_index_of_the_eight_by_hand() -> None:
    # Women p1 p3 p7 in north, p6 in south; men p2 p4 p8 in south; the office has p5, of sex not stated.
    found = segregation(graph_of(), kind="named")
    top, lowest = found.levels
    # Level 1: care has all four women and all three men; the office none of either.
    assert top.index == 0.0
    # Level 2: north 3/4 of the women and none of the men, south 1/4 and 3/3: (3/4 + 3/4) / 2.
    assert lowest.index == pytest.approx(0.75)
    assert (lowest.women, lowest.men, lowest.total) == (4, 3, 8)
    # Roles: assistant p1 | p2, coordinator p3 p7 | p4 p8, nurse p6 | none: (|1/4-1/3| + |2/4-2/3| + |1/4-0|) / 2.
    assert segregation(graph_of(), by="role", kind="named").levels[0].index == pytest.approx((1 / 12 + 1 / 6 + 1 / 4) / 2)


def test_a_published_index_is_made_from_what_is_shown_and_tells_no_more() -> None:
    people = many(10, 10, "a", unit=NORTH) + many(10, 4, "b", unit=SOUTH) + many(4, 1, "c", unit=OFFICE)
    found = segregation(graph_with(people))
    lowest = found.levels[-1]
    # All: 24 | 15. At level 1 the office is hidden (one man), and care with it: nothing is left to compare.
    assert found.tables["u-office"]["people"].women is None
    assert found.levels[0].index is None
    # At level 2 north is shown, all others are one group: |10/24 - 10/15| twice, halved.
    shown = [u for u in (NORTH, SOUTH) if found.tables[u]["people"].women is not None]
    assert lowest.compared == len(shown)
    rows = [found.tables[u]["people"] for u in shown]
    women, men = [r.women or 0 for r in rows], [r.men or 0 for r in rows]
    rest = abs((24 - sum(women)) / 24 - (15 - sum(men)) / 15)
    assert lowest.index == pytest.approx((sum(abs(w / 24 - m / 15) for w, m in zip(women, men, strict=True)) + rest) / 2)
    assert lowest.index == pytest.approx(0.25)


def test_no_index_is_published_of_fewer_than_seven_women_or_men() -> None:
    people = many(20, 6, "a", unit=NORTH)
    assert segregation(graph_with(people)).levels[-1].index is None
    assert segregation(graph_with([*people, *many(0, 1, "b", unit=NORTH)])).levels[-1].index == 0.0


def test_segregation_says_what_it_is_as_json_frame_and_words() -> None:
    found = segregation(graph_of(), kind="named")
    assert json.loads(json.dumps(found.to_dict()))["levels"][1]["index"] == pytest.approx(0.75)
    frame = found.to_frame()
    assert list(frame.columns) == [
        *("unit_id", "name", "level", "parent_id", "measure", "women", "men", "total", "share_women", "share_men")
    ]
    assert dict(zip(frame["unit_id"], frame["level"], strict=True)) == {WHOLE: 0, "u-care": 1, OFFICE: 1, NORTH: 2, SOUTH: 2}
    assert "0,75" in found.sentences("sv")[1]
    assert "0.75" in found.sentences("en")[1]
    with pytest.raises(InputError, match="unit or role"):
        segregation(graph_of(), by="site")
    with pytest.raises(InputError, match="named, published"):
        segregation(graph_of(), kind="secret")


def test_a_protected_person_changes_no_figure() -> None:
    staff = small_staff()
    more = staff.replace(people=(*staff.people, replace(person("p9", W, unit=NORTH), protected=True)))
    before, after = graph_of(staff), graph_of(more)
    assert segregation(after, kind="named").to_dict() == segregation(before, kind="named").to_dict()
    assert valuation_audit(after, kind="named").to_dict() == valuation_audit(before, kind="named").to_dict()
    everybody = before.person_ids
    assert access_equity(after, everybody, ["p1"]).to_dict() == access_equity(before, everybody, ["p1"]).to_dict()


# -- valuation ----------------------------------------------------------------------------------------------------


def audited(recognised_women: int, recognised_men: int, n: int = 10) -> CompetenceGraph:
    """Ten women (or n) who are asked for dementia care, as many men who are asked for carpentry; each says to hold it.

    The first so many women and men are assessed. Everybody holds calming manner as well, which only women's role asks for.
    """
    women = many(n, 0, "w", role_id=ASSISTANT, unit=NORTH)
    men = many(0, n, "m", role_id=CARETAKER, unit=SOUTH)
    evidence = []
    for group, concept_id, assessed in ((women, DEMENTIA, recognised_women), (men, CARPENTRY, recognised_men)):
        for i, p in enumerate(group):
            evidence.append(piece(p.person_id, concept_id, 3, Source.SELF))
            evidence.append(piece(p.person_id, CALM, 2, Source.SELF))
            if i < assessed:
                evidence.append(piece(p.person_id, concept_id, 3, Source.ASSESSMENT, stage=ValidationStage.ASSESSED))
    return graph_with([*women, *men], evidence)


def test_a_competence_is_dominated_by_those_whose_roles_ask_for_it_not_by_its_holders() -> None:
    audit = valuation_audit(audited(5, 5), kind="named")
    # Calming manner has as many men as women among its holders, but only women are asked for it.
    assert audit.concepts == {"all": 3, "woman_dominated": 2, "mixed": 0, "man_dominated": 1, "few": 0}
    assert (audit.people["woman_dominated"].women, audit.people["woman_dominated"].men) == (10, 10)
    assert audit.row("asked", "woman_dominated").women.value == 1.0  # type: ignore[union-attr]
    assert audit.row("asked", "woman_dominated").men.value == 0.0  # type: ignore[union-attr]


def test_recognition_weight_level_and_evidence_by_hand() -> None:
    audit = valuation_audit(audited(4, 8), kind="named")
    everything = {m: audit.row(m) for m in ("asked", "weight", "level", "recognition", "evidence")}
    # 20 claims of women of which 4 are assessed; 20 of men, 8.
    assert everything["recognition"].women.value == 0.2  # type: ignore[union-attr]
    assert everything["recognition"].men.value == 0.4  # type: ignore[union-attr]
    assert everything["recognition"].total.value == 0.3  # type: ignore[union-attr]
    # Dementia care is asked for with weight 1 and calming with 0.5; carpentry with 1.
    assert everything["weight"].women.value == 0.75  # type: ignore[union-attr]
    assert everything["weight"].men.value == 1.0  # type: ignore[union-attr]
    assert everything["asked"].men.value == 0.5  # type: ignore[union-attr]
    assert everything["level"].women.value == 2.5  # type: ignore[union-attr]
    # An own statement and an assessment each.
    assert everything["evidence"].total.value == 2.0  # type: ignore[union-attr]


def test_the_interval_of_a_share_is_wilsons_where_each_person_has_one_claim() -> None:
    audit = valuation_audit(audited(4, 8), kind="named")
    # Of men in man-dominated competence: 10 persons, one claim each, 8 assessed. The linearised variance is
    # p (1 - p) / n * n / (n - 1), so that Wilson's interval is that of 9 persons.
    p, n, z = 0.8, 9.0, 1.959964
    centre, half = (p + z * z / (2 * n)) / (1 + z * z / n), z / (1 + z * z / n) * sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    found = audit.row("recognition", "man_dominated").men
    assert found is not None
    assert (found.low, found.high) == (pytest.approx(centre - half, abs=1e-4), pytest.approx(centre + half, abs=1e-4))


def test_claims_of_one_person_do_not_make_the_interval_narrower() -> None:
    def width(copies: int) -> float:
        people = many(8, 8, "p", unit=NORTH)
        held = [DEMENTIA, LIFT, CALM][:copies]
        stages = [ValidationStage.ASSESSED, ValidationStage.IDENTIFIED]
        evidence = [piece(p.person_id, c, 3, stage=stages[i % 2]) for i, p in enumerate(people) for c in held]
        total = valuation_audit(graph_with(people, evidence), kind="named").row("recognition").total
        assert total is not None
        assert total.value == 0.5
        return total.high - total.low

    assert width(3) == pytest.approx(width(1), abs=1e-3)


def test_an_interval_of_a_mean_holds_the_truth_about_as_often_as_it_says() -> None:
    """Levels drawn at random around the same mean, by an independent count of how often the interval misses it."""
    rng = np.random.default_rng(5)
    missed = 0
    for _ in range(40):
        people = many(12, 12, "p", unit=NORTH)
        levels = rng.choice([1, 2, 3, 4, 5], size=(len(people), 2))
        evidence = [piece(p.person_id, c, int(levels[i, k])) for i, p in enumerate(people) for k, c in enumerate((LIFT, CALM))]
        total = valuation_audit(graph_with(people, evidence), kind="named").row("level").total
        assert total is not None
        missed += not total.low <= 3.0 <= total.high
    assert missed <= 6


@pytest.mark.parametrize("few", [1, 2])
def test_recognition_of_one_or_two_is_not_published_nor_all_but_one_or_two(few: int) -> None:
    row = valuation_audit(audited(few, 5)).row("recognition")
    assert (row.women, row.men, row.apart) == (None, None, None)
    assert row.total is not None
    for men in (few, 10 - few):
        # In man-dominated competence there are men alone, so that the total would tell as well.
        row = valuation_audit(audited(4, men)).row("recognition", "man_dominated")
        assert (row.men, row.total) == (None, None)
    shown = valuation_audit(audited(4, 5)).row("recognition")
    assert shown.women is not None
    assert shown.men is not None


def test_results_of_fewer_than_seven_people_are_not_published() -> None:
    staff = graph_with(many(6, 30, "p", unit=NORTH), [piece(f"p{i:02}", LIFT, 3) for i in range(36)])
    row = valuation_audit(staff).row("level")
    assert (row.women, row.men) == (None, None)
    assert row.total is not None
    assert valuation_audit(staff, kind="named").row("level").women is not None
    fewer = valuation_audit(staff, settings=Settings.of({"equality": {"smallest_result": 6}})).row("level")
    assert fewer.women is not None


def test_intervals_that_do_not_overlap_are_said_in_words() -> None:
    graph = audited(0, 20, n=20)
    row = valuation_audit(graph, kind="named").row("recognition")
    assert row.apart is True
    assert any("större än osäkerheten. Ta reda" in s for s in valuation_audit(graph, kind="named").sentences())
    assert any("larger than the uncertainty. Find" in s for s in valuation_audit(graph, kind="named").sentences("en"))
    assert valuation_audit(audited(5, 5), kind="named").row("recognition").apart is False


def test_an_audit_tells_its_rows_as_json_and_as_a_frame() -> None:
    audit = valuation_audit(audited(4, 8))
    data = json.loads(json.dumps(audit.to_dict()))
    assert {frozenset(row) for row in data["rows"]} == {frozenset({"measure", "group", "women", "men", "total", "apart"})}
    frame = audit.to_frame()
    assert len(frame) == len(audit.rows) == 25
    assert {"women", "women_low", "women_high", "men", "total", "apart"} <= set(frame.columns)
    with pytest.raises(InputError, match="measure must be"):
        audit.row("pay")


def test_an_audit_of_nobody_is_empty_and_no_fault() -> None:
    for kind in TableKind:
        audit = valuation_audit(graph_with([]), kind=kind)
        assert all((r.women, r.men, r.total) == (None, None, None) for r in audit.rows)
        assert audit.people["all"].total == 0


def test_swapping_sex_labels_swaps_the_sides_of_an_audit_and_nothing_else() -> None:
    staff = audited(4, 8).staff
    before, after = valuation_audit(graph_of(staff), kind="named"), valuation_audit(graph_of(swap_sex(staff)), kind="named")
    names = {"woman_dominated": "man_dominated", "man_dominated": "woman_dominated"}
    for row in before.rows:
        other = after.row(row.measure, names.get(row.group, row.group))
        assert (row.women, row.men, row.total) == (other.men, other.women, other.total)


# -- access -------------------------------------------------------------------------------------------------------


def pool(share: float | None = 1.0, form: str = "tillsvidare") -> list[Person]:
    """Return 20 women and 20 men of one unit; the first ten of each have the share and form given, the others full time."""

    def working(p: Person, i: int) -> Person:
        own = i % 20 < 10
        job = Employment(
            unit_id=NORTH, roles=p.employments[0].roles, share=share if own else 1.0, form=form if own else "tillsvidare"
        )
        return replace(p, employments=(job,))

    return [working(p, i) for i, p in enumerate(many(20, 20, "p"))]


def of_sex(found: AccessEquity) -> tuple[float | None, float | None, float | None, bool | None]:
    e = found.exposure("sex", "women")
    return e.ratio, e.low, e.high, e.outside


def test_exposure_ratio_and_its_interval_by_hand() -> None:
    graph = graph_with(pool())
    ids = graph.person_ids
    # 4 of 20 women, 8 of 20 men: 0.2 / 0.4.
    found = access_equity(graph, ids, [*ids[:4], *ids[20:28]])
    half = 1.959964 * sqrt(1 / 4 - 1 / 20 + 1 / 8 - 1 / 20)
    ratio, low, high, outside = of_sex(found)
    assert (ratio, outside) == (pytest.approx(0.5), True)
    assert (low, high) == (pytest.approx(exp(log(0.5) - half)), pytest.approx(exp(log(0.5) + half)))
    assert found.tables["unit"][NORTH]["suggested"].women == 4
    # 8 and 9 of 20: 0.889 lies within the bounds, and outside of narrower ones.
    even = [*ids[:8], *ids[20:29]]
    assert of_sex(access_equity(graph, ids, even))[3] is False
    narrow = Settings.of({"equality": {"exposure": (0.95, 1.05)}})
    assert of_sex(access_equity(graph, ids, even, settings=narrow))[3] is True


def test_nobody_of_one_sex_suggested_still_gives_an_interval() -> None:
    graph = graph_with(pool())
    ids = graph.person_ids
    ratio, low, high, outside = of_sex(access_equity(graph, ids, ids[20:28]))
    # A half is added everywhere: (0.5 / 20.5) / (8.5 / 20.5).
    assert ratio == pytest.approx(0.5 / 8.5)
    assert low is not None
    assert high is not None
    assert low < ratio < high < 1
    assert outside
    assert of_sex(access_equity(graph, ids, []))[0] is None


def test_part_time_and_form_are_compared_among_those_considered() -> None:
    graph = graph_with(pool(0.75, "vikariat"))
    ids = graph.person_ids
    part_time = {*ids[:10], *ids[20:30]}
    found = access_equity(graph, ids, [*ids[:2], *ids[20:22], *ids[10:18], *ids[30:38]])
    # 4 of 20 part-timers against 16 of 20.
    assert found.exposure("share", "part_time").ratio == pytest.approx(0.25)
    assert found.exposure("form", "vikariat").ratio == pytest.approx(0.25)
    assert found.exposure("form", "tillsvidare").ratio == pytest.approx(4.0)
    assert found.tables["share"]["part_time"]["considered"].total == len(part_time)
    assert access_equity(graph_with(pool(None)), ids, ids[:5]).tables["share"]["share_not_stated"]["considered"].total == 20


def test_shares_of_several_employments_are_added() -> None:
    halves = tuple(Employment(unit_id=u, share=0.5) for u in (NORTH, SOUTH))
    people = [replace(p, employments=halves) for p in many(8, 8, "p")]
    graph = graph_with(people)
    found = access_equity(graph, graph.person_ids, graph.person_ids[:4], kind="named")
    assert "part_time" not in found.tables["share"]
    assert found.tables["share"]["full_time"]["considered"].total == 16
    assert (found.tables["unit"][NORTH]["considered"].total, found.tables["unit"][SOUTH]["considered"].total) == (16, 16)


def test_ratios_of_small_groups_are_named_only() -> None:
    graph = graph_with(many(6, 20, "p", unit=NORTH))
    ids = graph.person_ids
    chosen = [*ids[:3], *ids[6:14]]
    assert of_sex(access_equity(graph, ids, chosen)) == (None, None, None, None)
    assert of_sex(access_equity(graph, ids, chosen, kind="named"))[0] == pytest.approx((3 / 6) / (8 / 20))
    assert "jämförs inte" in " ".join(access_equity(graph, ids, chosen).sentences())


def test_who_is_suggested_must_have_been_considered() -> None:
    graph = graph_of()
    with pytest.raises(InputError, match="'p2' is not in it"):
        access_equity(graph, ["p1"], ["p1", "p2"])
    with pytest.raises(InputError, match="no ratio"):
        access_equity(graph, ["p1"], []).exposure("sex", "nobody")


def test_a_result_is_compared_as_the_docstring_says() -> None:
    graph = graph_of(random_staff(4, 40))
    result = find_experts(graph, "demensvård", n=9)
    suggested = {p for suggestion in result for p in suggestion.people}
    considered = suggested | {row.person_id for row in result.left_out}
    found = access_equity(graph, considered, suggested, kind="named")
    for row in ("considered", "suggested"):
        assert found.tables["share"][WHOLE][row] == result.by_sex[row]
    assert json.loads(json.dumps(found.to_dict()))["bounds"] == [0.8, 1.25]
    frame = found.to_frame()
    assert set(frame["by"]) == {"share", "form", "unit"}
    assert {"women", "men", "total"} <= set(frame.columns)


def test_no_sentence_judges() -> None:
    graph = graph_with(pool(0.75))
    ids = graph.person_ids
    for lang, words in (("sv", ("rättvis", "diskriminer", "snedvrid")), ("en", ("fair", "bias", "discriminat"))):
        said = [
            *access_equity(graph, ids, ids[20:28]).sentences(lang),
            *valuation_audit(audited(0, 10), kind="named").sentences(lang),
            *segregation(graph_of(), kind="named").sentences(lang),
        ]
        assert len(said) >= 25
        assert not [s for s in said if any(w in s.casefold() for w in words)]
