"""An employer's own table over the taxonomy: their word holds, every conflict is told, nothing held is lost."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from competence.errors import InputError, Problems, UnknownIdError, UnreadableFileError
from competence.io import read_local, write_tables
from competence.model import (
    Concept,
    ConceptKind,
    Employment,
    Evidence,
    Interest,
    Person,
    Post,
    Requirement,
    Role,
    RoleShare,
    Sex,
)
from competence.staff import Staff
from competence.taxonomy import LocalAction, LocalLayer, LocalRow, Taxonomy, apply_local, carry_over, is_retired
from competence.taxonomy.local import RETIRED

ADD, RENAME, MERGE, SPLIT, RETIRE, KEEP = LocalAction


def concept(id: str, label: str = "", kind: ConceptKind = ConceptKind.SKILL, **more: object) -> Concept:
    return Concept(concept_id=id, kind=kind, labels={"sv": label or id, "en": f"{label or id} (en)"}, **more)  # type: ignore[arg-type]


def role(id: str, *needs: Requirement, label: str = "") -> Role:
    return Role(role_id=id, labels={"sv": label or id}, sector="care", requirements=needs)


def layer(*rows: LocalRow) -> LocalLayer:
    return LocalLayer(rows=rows)


def codes(problems: Problems) -> list[str]:
    return [p.code for p in problems]


ELSEWHERE = (("exact_match", "urn:x:wash"),)
OURS = Taxonomy.of(
    [
        concept("group", "Vård", ConceptKind.GROUP),
        concept("lift", "förflyttning", broader=("group",), related=("wash",)),
        concept(
            "wash", "hygien", broader=("group",), alternative_labels={"sv": ("duscha",)}, matches=(("exact_match", "urn:x:wash"),)
        ),
        concept("shave", "rakning", broader=("wash",)),
        concept("driving", "B-körkort", ConceptKind.LICENCE, broader=("group",), currency_months=None),
    ],
    [
        role("aide", Requirement(concept_id="lift", level=3, weight=0.8), Requirement(concept_id="wash", level=2, weight=0.4)),
        role(
            "driver", Requirement(concept_id="driving", hard=True, source="1998:488"), Requirement(concept_id="shave", weight=0.9)
        ),
    ],
)


def test_an_empty_layer_changes_nothing() -> None:
    theirs, problems = LocalLayer().apply(OURS)
    assert theirs == OURS
    assert not problems


def test_added_concepts_groups_and_roles_stand_in_the_taxonomy() -> None:
    theirs, problems = layer(
        LocalRow(action=ADD, kind="role", id="local:night", label_sv="nattpatrull", target=("aide",)),
        LocalRow(action=ADD, kind="skill", id="local:moose", label_sv="älgeftersök", target=("local:wild",), currency_months=0),
        LocalRow(action=ADD, kind="group", id="local:wild", label_sv="Vilt"),
    ).apply(OURS)
    assert not problems
    moose = theirs.concept("local:moose")
    assert (moose.labels, moose.broader, moose.currency_months, moose.scheme) == (
        {"sv": "älgeftersök"},
        ("local:wild",),
        None,
        "local",
    )
    night = theirs.role("local:night")
    assert (night.requirements, night.sector, night.ssyk) == (OURS.role("aide").requirements, "care", "")


def test_a_renamed_concept_has_their_label_and_is_still_met_by_ours() -> None:
    theirs, problems = layer(
        LocalRow(action=RENAME, id="wash", label_sv="personlig omvårdnad"),
        LocalRow(action=RENAME, id="aide", label_sv="omsorgsassistent"),
    ).apply(OURS)
    assert not problems
    wash = theirs.concept("wash")
    assert wash.labels == {"sv": "personlig omvårdnad", "en": "hygien (en)"}
    assert wash.alternative_labels == {"sv": ("duscha", "hygien")}
    assert (theirs.role("aide").labels, theirs.role("aide").alternative_labels) == ({"sv": "omsorgsassistent"}, {"sv": ("aide",)})


def test_a_label_they_give_to_something_else_is_no_alternative_of_what_they_renamed() -> None:
    theirs, problems = layer(
        LocalRow(action=RENAME, id="wash", label_sv="omvårdnad"),
        LocalRow(action=ADD, kind="skill", id="local:x", label_sv="Hygien"),
    ).apply(OURS)
    assert theirs.concept("wash").alternative_labels == {"sv": ("duscha",)}
    assert not problems


def test_a_merged_concept_hands_over_words_relations_requirements_and_matches() -> None:
    table = layer(LocalRow(action=MERGE, id="wash", target=("lift",)))
    theirs, problems = table.apply(OURS)
    assert not problems
    assert "wash" not in theirs.concepts
    lift = theirs.concept("lift")
    assert lift.alternative_labels == {"sv": ("hygien", "duscha"), "en": ("hygien (en)",)}
    # "lift" was related to what it now is; "shave" stood under it.
    assert lift.related == ()
    assert theirs.concept("shave").broader == ("lift",)
    assert lift.matches == (("close_match", "urn:x:wash"), ("close_match", "wash"))
    assert theirs.role("aide").requirements == (Requirement(concept_id="lift", level=3, weight=0.8),)
    assert table.resolve("wash", theirs) == "lift"
    assert theirs.from_matches(["wash"]) == {"wash": ("lift",)}


def test_what_people_say_of_a_merged_concept_means_its_target() -> None:
    said = {"sv": {"wash": ("hjälpte mamma i badet",), "lift": ("flyttade tunga",), "": ("önskar ledigt",)}}
    theirs, _ = layer(LocalRow(action=MERGE, id="wash", target=("lift",))).apply(replace(OURS, spoken=said))
    assert dict(theirs.sayings("sv")) == {"lift": ("hjälpte mamma i badet", "flyttade tunga"), "": ("önskar ledigt",)}


def test_merging_into_what_stood_below_closes_no_circle() -> None:
    theirs, _ = layer(LocalRow(action=MERGE, id="wash", target=("shave",))).apply(OURS)
    assert theirs.concept("shave").broader == ("group",)
    assert not [p for p in theirs.check() if p.code == "taxonomy_cycle"]


def test_a_retired_concept_is_held_and_asked_for_by_nobody() -> None:
    table = layer(LocalRow(action=RETIRE, id="wash"))
    theirs, problems = table.apply(OURS)
    assert not problems
    assert is_retired(theirs, "wash")
    assert not is_retired(theirs, "lift")
    assert theirs.concept("wash").labels == OURS.concept("wash").labels
    assert table.resolve("wash", theirs) == "wash"
    assert [r.concept_id for r in theirs.role("aide").requirements] == ["lift"]
    assert theirs.concept(RETIRED).kind is ConceptKind.GROUP


def test_what_law_asks_for_stays_asked_for_when_it_is_retired() -> None:
    theirs, problems = layer(LocalRow(action=RETIRE, id="driving")).apply(OURS)
    assert [r.concept_id for r in theirs.role("driver").requirements if r.hard] == ["driving"]
    assert [(p.code, p.detail) for p in problems] == [("local_hard_kept", "driver")]


def test_a_split_concept_is_kept_and_its_parts_share_the_weight() -> None:
    table = layer(
        LocalRow(action=SPLIT, id="lift", target=("local:by-hand", "local:hoist"), note="tvåpersonslyft är ett annat jobb"),
        LocalRow(action=ADD, kind="skill", id="local:by-hand", label_sv="för hand", target=("group",)),
        LocalRow(action=ADD, kind="skill", id="local:hoist", label_sv="med lyft", target=("group",)),
    )
    theirs, problems = table.apply(OURS)
    assert not problems
    assert is_retired(theirs, "lift")
    assert table.resolve("lift", theirs) == "lift"
    assert [(r.concept_id, r.level, r.weight) for r in theirs.role("aide").requirements] == [
        ("local:by-hand", 3, 0.4),
        ("local:hoist", 3, 0.4),
        ("wash", 2, 0.4),
    ]
    assert theirs.concept("lift").related == ("wash", "local:by-hand", "local:hoist")


def test_retired_and_merged_roles_are_out_and_their_titles_lead_to_the_target() -> None:
    table = layer(LocalRow(action=MERGE, id="aide", target=("driver",)))
    theirs, _ = table.apply(OURS)
    assert list(theirs.roles) == ["driver"]
    assert theirs.role("driver").alternative_labels == {"sv": ("aide",)}
    assert table.resolve_role("aide", theirs) == "driver"
    gone, _ = layer(LocalRow(action=RETIRE, id="aide")).apply(OURS)
    with pytest.raises(UnknownIdError):
        LocalLayer().resolve_role("aide", gone)


def test_a_retired_group_hands_what_stood_in_it_to_those_above() -> None:
    nested = OURS.merged(
        [concept("top", "Allt", ConceptKind.GROUP), concept("group", "Vård", ConceptKind.GROUP, broader=("top",))]
    )
    theirs, _ = layer(LocalRow(action=RETIRE, id="group")).apply(nested)
    assert "group" not in theirs.concepts
    assert theirs.concept("lift").broader == ("top",)


def test_a_licence_is_merged_with_licences_only() -> None:
    for source, target in (("driving", "lift"), ("lift", "driving"), ("lift", "group"), ("group", "lift")):
        table = layer(LocalRow(action=MERGE, id=source, target=(target,)))
        theirs, problems = table.apply(OURS)
        assert codes(problems) == ["local_merge_kind"]
        assert source in theirs.concepts
        if source != "group":
            assert table.resolve(source, theirs) == source


def test_merges_lead_on_and_a_row_that_closes_a_circle_is_set_aside() -> None:
    table = layer(
        LocalRow(action=MERGE, id="shave", target=("wash",)),
        LocalRow(action=RETIRE, id="wash", target=("lift",)),
        LocalRow(action=MERGE, id="lift", target=("shave",)),
        LocalRow(action=RETIRE, id="shave"),
    )
    theirs, problems = table.apply(OURS)
    assert table.resolve("shave", theirs) == "lift"
    assert list(theirs.concepts) == ["group", "lift", "driving"]
    assert codes(problems) == ["local_row_twice", "local_row_twice"]


def test_evidence_on_an_old_id_counts_for_the_new_and_unknown_ids_are_left() -> None:
    table = layer(LocalRow(action=MERGE, id="wash", target=("lift",)))
    theirs, _ = table.apply(OURS)
    pieces = [Evidence(evidence_id=str(i), person_id="p", concept_id=c) for i, c in enumerate(("wash", "lift", None, "never"))]
    assert [e.concept_id for e in table.resolve_evidence(pieces, theirs)] == ["lift", "lift", None, "never"]
    with pytest.raises(UnknownIdError):
        table.resolve("never", theirs)


# Conflicts with a new version of ours: each told by name, and their word holds.


def test_conflict_we_renamed_what_they_renamed() -> None:
    table = layer(LocalRow(action=RENAME, id="wash", label_sv="omvårdnad")).anchored(OURS)
    assert not table.apply(OURS)[1]
    theirs, problems = table.apply(OURS.merged([concept("wash", "kroppsvård")]))
    assert [(p.code, p.detail) for p in problems] == [("local_renamed_both", "kroppsvård")]
    assert theirs.concept("wash").label() == "omvårdnad"


def test_conflict_we_removed_what_they_renamed_and_what_is_held_stays_under_their_name() -> None:
    table = layer(LocalRow(action=RENAME, id="wash", label_sv="omvårdnad"))
    new = Taxonomy.of([c for c in OURS if c.concept_id not in ("wash", "shave")])
    assert codes(table.apply(new)[1]) == ["local_id_gone"]
    table, told = carry_over(OURS, new, ["wash"], layer=table)
    theirs, problems = table.apply(new)
    assert codes(told) == ["local_kept"]
    assert not problems
    assert theirs.concept("wash").label() == "omvårdnad"
    assert is_retired(theirs, "wash")
    assert theirs.concept("wash").matches == (("exact_match", "urn:x:wash"),)


def test_conflict_we_merged_what_they_renamed() -> None:
    table = layer(LocalRow(action=RENAME, id="wash", label_sv="omvårdnad"))
    new = Taxonomy.of([concept("care", "vård", matches=(("exact_match", "wash"),))])
    table, told = carry_over(OURS, new, ["wash"], layer=table)
    theirs, problems = table.apply(new)
    assert [(p.code, p.detail) for p in told] == [("local_followed", "care")]
    assert codes(problems) == ["local_id_gone", "local_id_gone"]
    assert table.resolve("wash", theirs) == "care"
    assert "omvårdnad" in theirs.concept("care").alternative_labels["sv"]


def test_conflict_an_id_they_add_is_now_ours_too() -> None:
    table = layer(LocalRow(action=ADD, kind="skill", id="moose", label_sv="älgeftersök", currency_months=12))
    new = OURS.merged([concept("moose", "eftersök av vilt", ConceptKind.KNOWLEDGE, broader=("group",))])
    theirs, problems = table.apply(new)
    moose = theirs.concept("moose")
    assert [(p.code, p.detail) for p in problems] == [("local_add_exists", "eftersök av vilt")]
    assert (moose.label(), moose.kind, moose.currency_months, moose.broader) == ("älgeftersök", ConceptKind.SKILL, 12, ("group",))
    assert moose.alternative_labels["sv"] == ("eftersök av vilt",)


def test_conflict_a_label_they_add_is_now_ours_under_another_id() -> None:
    table = layer(LocalRow(action=ADD, kind="skill", id="local:moose", label_sv="älgeftersök"))
    _, problems = table.apply(OURS.merged([concept("moose", "Älgeftersök")]))
    assert [(p.code, p.detail) for p in problems] == [("local_label_shared", "moose")]


def test_conflict_the_target_of_their_merge_is_gone() -> None:
    table = layer(LocalRow(action=MERGE, id="wash", target=("lift",)))
    new = Taxonomy.of([c for c in OURS if c.concept_id != "lift"])
    theirs, problems = table.apply(new)
    assert codes(problems) == ["local_target_gone"]
    assert table.resolve("wash", theirs) == "wash"
    # Somebody holds the target: it is kept, and the merge into it is told.
    table, told = carry_over(OURS, new, ["lift", "wash"], layer=table)
    theirs, problems = table.apply(new)
    assert codes(told) == ["local_kept"]
    assert codes(problems) == ["local_target_retired"]
    assert table.resolve("wash", theirs) == table.resolve("lift", theirs) == "lift"


def test_conflict_an_id_is_a_role_here_and_a_concept_there() -> None:
    theirs, problems = layer(LocalRow(action=ADD, kind="role", id="lift", label_sv="lyftare")).apply(OURS)
    assert codes(problems) == ["local_id_both"]
    assert "lift" in theirs.concepts
    assert "lift" not in theirs.roles
    theirs, problems = layer(LocalRow(action=ADD, kind="skill", id="aide", label_sv="bistå")).apply(OURS)
    assert codes(problems) == ["local_id_both"]
    assert "aide" in theirs.concepts
    assert "aide" not in theirs.roles


def test_conflict_what_is_held_is_a_group_in_the_new_version() -> None:
    new = Taxonomy.of([concept("wash", "Hygien", ConceptKind.GROUP), concept("shave", broader=("wash",))])
    table, told = carry_over(OURS, new, ["wash"])
    theirs, problems = table.apply(new)
    assert codes(told) == ["local_kept"]
    assert codes(problems) == ["local_group_now"]
    assert theirs.concept("wash").kind is ConceptKind.SKILL


def test_an_id_that_returns_in_a_later_version_is_alive_again() -> None:
    new = Taxonomy.of([c for c in OURS if c.concept_id != "wash"])
    table, _ = carry_over(OURS, new, ["wash"])
    theirs, problems = table.apply(OURS)
    assert theirs == OURS
    assert not problems


def test_an_id_known_to_neither_version_is_told_and_not_made_up() -> None:
    table, told = carry_over(OURS, OURS, ["nothing", "wash"])
    assert codes(told) == ["local_used_unknown"]
    assert not table.rows


def test_months_and_safety_of_what_is_kept_are_those_it_had() -> None:
    old = Taxonomy.of([concept("a", currency_months=None, safety_critical=True, alternative_labels={"sv": ("å", "ä")})])
    table, _ = carry_over(old, Taxonomy.of([concept("b")]), ["a"])
    kept = table.apply(Taxonomy.of([concept("b")]))[0].concept("a")
    assert (kept.currency_months, kept.safety_critical, kept.alternative_labels, kept.labels) == (
        None,
        True,
        {"sv": ("å", "ä")},
        old.concept("a").labels,
    )


def test_the_municipal_taxonomy_under_a_table_survives_an_update_with_nothing_held_lost() -> None:
    old = Taxonomy.bundled("municipal")
    ids = [c.concept_id for c in old.competences if c.kind is ConceptKind.SKILL]
    renamed, merged, into, split, retired, removed, followed = ids[:7]
    table = layer(
        LocalRow(action=RENAME, id=renamed, label_sv="vårt eget ord"),
        LocalRow(action=MERGE, id=merged, target=(into,)),
        LocalRow(action=SPLIT, id=split, target=("local:one", "local:two")),
        LocalRow(action=ADD, kind="skill", id="local:one", label_sv="första halvan"),
        LocalRow(action=ADD, kind="skill", id="local:two", label_sv="andra halvan"),
        LocalRow(action=RETIRE, id=retired),
    ).anchored(old)
    used = [c.concept_id for c in old.competences]
    # The version to come: what they renamed is renamed, two are gone (one said to be another), their merge's target too.
    gone = {removed, followed, into}
    kept = [c for c in old if c.concept_id not in gone]
    kept = [concept(renamed, "nytt ord") if c.concept_id == renamed else c for c in kept]
    new = Taxonomy.of([*kept, concept("heir", "arvtagare", matches=(("exact_match", followed),))], id="municipal")
    table, told = carry_over(old, new, used, layer=table)
    theirs, problems = table.apply(new)
    resolved = {key: table.resolve(key, theirs) for key in used}
    assert {key: found for key, found in resolved.items() if key != found} == {merged: into, followed: "heir"}
    assert {key for key in used if is_retired(theirs, resolved[key])} == {split, retired, removed, into, merged}
    assert sorted((p.code, p.value) for p in told) == sorted(
        [("local_kept", into), ("local_kept", removed), ("local_followed", followed)]
    )
    assert {"local_renamed_both", "local_target_retired"} <= set(codes(problems))
    assert theirs.concept(renamed).label() == "vårt eget ord"


# Over a staff that names ids.

BEFORE = Staff(
    people=(
        Person(
            person_id="p",
            sex=Sex.WOMAN,
            employments=(
                Employment(unit_id="u", roles=(RoleShare(title="Bud", role_id="driver"), RoleShare(title="X", role_id="aide"))),
            ),
        ),
    ),
    posts=(Post(post_id="1", unit_id="u", roles=(RoleShare(title="Bud", role_id="driver"),)),),
    roles=(role("own", Requirement(concept_id="lift", level=2, weight=0.9), Requirement(concept_id="wash", level=4, hard=True)),),
    evidence=tuple(Evidence(evidence_id=c, person_id="p", concept_id=c) for c in ("wash", "shave", "driving", "never")),
    interests=(Interest(person_id="p", concept_id="wash"), Interest(person_id="p", words="sjunga")),
    as_of=date(2026, 3, 1),
)
MOVES = layer(
    LocalRow(action=MERGE, id="wash", target=("lift",)),
    LocalRow(action=RETIRE, id="shave"),
    LocalRow(action=RENAME, id="driving", label_sv="bilkort"),
    LocalRow(action=MERGE, id="aide", target=("driver",)),
)


def test_what_a_staff_names_is_carried_over_to_what_the_table_made_of_it() -> None:
    theirs, staff = apply_local(MOVES, OURS, BEFORE)
    assert theirs == MOVES.apply(OURS)[0]
    assert [e.concept_id for e in staff.evidence] == ["lift", "shave", "driving", "never"]
    assert is_retired(theirs, "shave")
    assert theirs.concept("driving").label() == "bilkort"
    assert [i.concept_id for i in staff.interests] == ["lift", None]
    # What law asks for goes before a heavier wish.
    assert staff.roles[0].requirements == (Requirement(concept_id="lift", level=4, hard=True),)
    assert [s.role_id for s in staff.people[0].employments[0].roles] == ["driver", "driver"]
    assert BEFORE.evidence[0].concept_id == "wash"


def test_a_role_retired_without_a_target_leaves_the_title_and_no_role() -> None:
    _, staff = apply_local(layer(LocalRow(action=RETIRE, id="driver")), OURS, BEFORE)
    (one, two), (post,) = staff.people[0].employments[0].roles, staff.posts[0].roles
    assert (one.title, one.role_id, two.role_id, post.role_id) == ("Bud", None, "aide", None)


def test_what_is_told_of_the_table_stands_in_the_staff_once() -> None:
    table = layer(LocalRow(action=RENAME, id="gone", label_sv="x", row=7))
    _, once = apply_local(replace(table, file="egna.csv"), OURS, BEFORE)
    assert [(p.code, p.row, p.file) for p in once.problems] == [("local_id_gone", 7, "egna.csv")]
    _, twice = apply_local(table, OURS, once)
    assert codes(twice.problems) == ["local_id_gone"]
    assert not apply_local(LocalLayer(), OURS, once)[1].problems


def test_an_id_that_nobody_knows_is_told_of_linked_evidence_and_left_to_linking_before() -> None:
    assert not apply_local(LocalLayer(), OURS, BEFORE)[1].problems
    _, staff = apply_local(LocalLayer(), OURS, BEFORE.replace(linked=True))
    assert [(p.code, p.value) for p in staff.problems] == [("local_used_unknown", "never")]


def test_what_somebody_has_and_a_new_version_lacks_is_kept_where_the_old_version_is_named() -> None:
    new = Taxonomy.of([c for c in OURS if c.concept_id != "shave"])
    theirs, staff = apply_local(LocalLayer(), new, BEFORE, before=OURS)
    assert is_retired(theirs, "shave")
    assert [e.concept_id for e in staff.evidence][:2] == ["wash", "shave"]
    assert [(p.code, p.value) for p in staff.problems] == [("local_kept", "shave")]


def test_a_sheet_of_a_workbook_is_read_with_the_rows_as_excel_numbers_them(tmp_path: Path) -> None:
    path = write_tables(
        {
            "Läs mig": [{"Om tabellen": "gäller 2026"}],
            "Egna": [
                {"Åtgärd": "byt namn", "Id": "wash", "Benämning sv": "omvårdnad", "Datum": date(2026, 3, 1)},
                {"Åtgärd": "riv", "Id": "lift", "Benämning sv": "", "Datum": None},
            ],
        },
        tmp_path / "egna.xlsx",
    )
    table = read_local(path)
    assert [(r.id, r.label_sv, r.day, r.row) for r in table.rows] == [("wash", "omvårdnad", date(2026, 3, 1), 2)]
    assert [(p.row, p.column, p.file) for p in table.problems] == [(3, "action", "egna.xlsx!Egna")]
    assert read_local(table.write(tmp_path / "egna.csv")) == table


def test_a_workbook_without_such_a_sheet_is_one_error_that_names_the_columns(tmp_path: Path) -> None:
    path = write_tables({"Blad1": [{"a": 1}], "Blad2": [{"b": 2}]}, tmp_path / "x.xlsx")
    with pytest.raises(UnreadableFileError, match="action, id"):
        read_local(path)
    with pytest.raises(UnreadableFileError):
        read_local(tmp_path / "none.xlsx")


# The file.

FULL = LocalRow(
    action=KEEP,
    kind="skill",
    id="telex",
    label_sv='telex, gammal; "fin"',
    label_en="telex",
    note="rad ett\nrad två",
    who="Åsa Öberg",
    day=date(2026, 3, 1),
    also_sv=("fjärrskrift", "telexa"),
    also_en=("teleprinting",),
    description_sv="Sänder.",
    description_en="Sends.",
    currency_months=0,
    safety_critical=True,
    matches=(("exact_match", "http://data.europa.eu/esco/skill/1"), ("close_match", "urn:x:2")),
)


def test_write_and_read_give_the_same_layer(tmp_path: Path) -> None:
    table = layer(
        FULL, LocalRow(action=SPLIT, id="a", target=("b", "c")), LocalRow(action=RENAME, id="d", label_en="D", was_en="d")
    )
    path = table.write(tmp_path / "local.csv")
    again = LocalLayer.read(path)
    assert again == table
    assert not again.problems
    assert again.write(tmp_path / "again.csv").read_bytes() == path.read_bytes()


def test_a_table_as_a_municipality_keeps_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "egna.csv"
    text = "Egna begrepp;;;;\nÅtgärd;Typ;Id;Benämning sv;Mål\nByt namn;;wash;omvårdnad;\nslå ihop;;shave;;wash\n"
    text += ";;;;\nlägg till;role;local:n;natt;aide\n"
    path.write_bytes(text.encode("cp1252"))
    table = LocalLayer.read(path)
    assert [(r.action, r.id, r.row) for r in table.rows] == [(RENAME, "wash", 3), (MERGE, "shave", 4), (ADD, "local:n", 6)]
    assert not table.problems
    assert not table.apply(OURS)[1]


def test_rows_that_cannot_be_used_are_told_with_row_and_column(tmp_path: Path) -> None:
    path = tmp_path / "egna.csv"
    path.write_text(
        "action,kind,id,label_sv,target,day,currency_months,matches\n"
        "destroy,,a,,,,,\nadd,,a,A,,,,\nadd,skill,a,,,,,\nmerge,,a,,,,,\nmerge,,a,,a,,,\nrename,,,A,,,,\n"
        "rename,,a,A,,2026-02-30,x,same as\n",
        encoding="utf-8",
    )
    table = LocalLayer.read(path)
    assert [(p.row, p.column) for p in table.problems] == [
        (2, "action"),
        (3, "kind"),
        (4, "label_sv"),
        (5, "target"),
        (6, "target"),
        (7, "id"),
        (8, "day"),
        (8, "currency_months"),
        (8, "matches"),
    ]
    assert [(r.id, r.day, r.matches) for r in table.rows] == [("a", None, ())]


def test_a_file_without_the_columns_is_an_error_that_names_them(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("a;b\n1;2\n", encoding="utf-8")
    with pytest.raises(UnreadableFileError, match="action, id"):
        LocalLayer.read(path)


def test_a_row_made_in_python_is_checked_too() -> None:
    with pytest.raises(InputError, match="target"):
        LocalRow(action=MERGE, id="a")


def test_every_problem_has_its_texts(root: Path) -> None:
    import re

    from competence._texts import keys

    found = set()
    for name in ("local", "aid"):
        found |= set(
            re.findall(r'"((?:local|aid|title)_[a-z_]+)"', (root / "competence" / "taxonomy" / f"{name}.py").read_text("utf-8"))
        )
    found.discard("aid_label")
    missing = {c for c in found if f"problem.{c}.message" not in keys("sv") or f"problem.{c}.remedy" not in keys("en")}
    assert len(found) > 15
    assert not missing


# Any sequence of tables and versions.

IDS = ("a", "b", "c", "d", "e")


@st.composite
def versions(draw: st.DrawFn) -> Taxonomy:
    chosen = draw(st.lists(st.sampled_from(IDS), unique=True, max_size=5))
    order = draw(st.permutations(chosen))
    concepts = []
    for place, key in enumerate(order):
        above = draw(st.lists(st.sampled_from(order[:place]), max_size=2, unique=True)) if place else []
        kind = draw(st.sampled_from([ConceptKind.SKILL, ConceptKind.SKILL, ConceptKind.LICENCE, ConceptKind.GROUP]))
        matches = tuple(("exact_match", other) for other in draw(st.lists(st.sampled_from(IDS), max_size=1)) if other != key)
        concepts.append(concept(key, kind=kind, broader=tuple(above), matches=matches))
    holdable = [c.concept_id for c in concepts if c.kind is not ConceptKind.GROUP]
    needs = draw(st.lists(st.sampled_from(holdable), unique=True)) if holdable else []
    roles = [role("role", *(Requirement(concept_id=c, hard=draw(st.booleans())) for c in needs))]
    free = [key for key in IDS if key not in chosen]
    if free and draw(st.booleans()):
        roles.append(role(free[0]))
    return Taxonomy.of([concept("other"), *concepts], roles)


@st.composite
def tables(draw: st.DrawFn) -> tuple[LocalRow, ...]:
    rows = []
    for _ in range(draw(st.integers(0, 4))):
        key = draw(st.sampled_from(IDS))
        others = [other for other in IDS if other != key]
        action = draw(st.sampled_from([ADD, RENAME, MERGE, SPLIT, RETIRE]))
        most = {ADD: (0, 1), RENAME: (0, 0), MERGE: (1, 1), SPLIT: (2, 2), RETIRE: (0, 1)}[action]
        target = draw(st.lists(st.sampled_from(others), min_size=most[0], max_size=most[1], unique=True))
        kind = draw(st.sampled_from(["skill", "licence", "group", "role"])) if action is ADD else ""
        label = draw(st.sampled_from(["x", "y", *IDS])) if action in (ADD, RENAME) else ""
        rows.append(LocalRow(action=action, kind=kind, id=key, target=tuple(target), label_sv=label))
    return tuple(rows)


Steps = list[tuple[tuple[LocalRow, ...], Taxonomy]]
UNSOUND = ("taxonomy_cycle", "taxonomy_reference_unknown", "taxonomy_requirement_twice")


def held(table: LocalLayer, theirs: Taxonomy, used: set[str]) -> None:
    for key in sorted(used):
        assert theirs.concept(table.resolve(key, theirs)).kind is not ConceptKind.GROUP


@given(st.lists(st.tuples(tables(), versions()), min_size=2, max_size=3))
def test_every_id_used_before_resolves_to_a_concept_after_any_tables_and_versions(steps: Steps) -> None:
    table, base = LocalLayer(), steps[0][1]
    used: set[str] = set()
    for rows, new in steps:
        used |= {c.concept_id for c in table.apply(base)[0].competences}
        # The employer writes rows, then a version of ours comes; both go through the same door.
        table, _ = carry_over(base, base, used, layer=table)
        table = table.with_rows(rows)
        theirs, _ = table.apply(base)
        held(table, theirs, used)
        used |= {c.concept_id for c in theirs.competences}
        table, told = carry_over(base, new, used, layer=table)
        theirs, problems = table.apply(new)
        held(table, theirs, used)
        assert (theirs, problems) == table.apply(new)
        assert not [p for p in theirs.check() if p.code in UNSOUND]
        assert all(p.message(lang) and p.remedy(lang) for p in told + problems for lang in ("sv", "en"))
        base = new
