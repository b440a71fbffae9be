"""Other publishers' taxonomies: read in their layouts, written, merged, matched; broken releases end in words."""

from __future__ import annotations

import contextlib
import csv
import gzip
import io
import json
import shutil
import sys
import warnings
import zipfile
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from competence.errors import (
    CompetenceError,
    InputError,
    MissingExtraError,
    ProblemEffect,
    TaxonomyError,
    UnknownIdError,
    UnreadableFileError,
)
from competence.model import Concept, ConceptKind, Importance, Requirement, Role
from competence.taxonomy import Taxonomy, check, merge
from competence.taxonomy.core import MATCHES

HERE = Path(__file__).parent / "data"
FORMATS = HERE / "formats"
ESCO = FORMATS / "esco-1.1.1"
SKILL = "http://data.europa.eu/esco/skill/"
OCCUPATION = "http://data.europa.eu/esco/occupation/"
JOBTECH = "http://data.jobtechdev.se/taxonomy/concept/"
CASE = "https://case.example/ims/case/v1p1/CFItems/11111111-0000-4000-8000-00000000000"
CRAFTS = "https://vocab.example/crafts/"


def skill(number: int) -> str:
    return f"{SKILL}{number:08d}-1111-4222-8333-{number:012d}"


def occupation(number: int) -> str:
    return f"{OCCUPATION}{number:08d}-1111-4222-8333-{number:012d}"


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def put(path: Path, found: list[dict[str, str]], columns: Iterable[str] | None = None) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(columns or found[0]), extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        writer.writerows(found)


@pytest.fixture
def release(tmp_path: Path) -> Path:
    """A copy of the ESCO release, to break."""
    return Path(shutil.copytree(ESCO, tmp_path / "esco-1.1.1"))


@pytest.fixture(scope="module")
def esco() -> Taxonomy:
    return Taxonomy.read(ESCO)


@pytest.fixture(scope="module")
def small() -> Taxonomy:
    return Taxonomy.read(HERE / "taxonomy_small")


# ESCO


def test_esco_concepts_have_their_uri_labels_of_every_language_and_kind(esco: Taxonomy) -> None:
    net = esco.concept(skill(1))
    assert net.labels == {"sv": "laga fiskenät", "en": "mend fishing nets"}
    # Hidden labels are words to be found by as well.
    assert net.alternative_labels == {"en": ("repair nets", "mend nets"), "sv": ("reparera nät", "nätlagning")}
    assert net.descriptions["sv"].startswith("Hitta hål")
    assert (net.broader, net.related, net.scheme) == ((skill(92),), (skill(2),), "esco")
    kinds = {n: esco.concept(skill(n)).kind for n in (1, 2, 3, 4, 5, 91, 92)}
    assert kinds == {
        1: ConceptKind.SKILL,
        2: ConceptKind.KNOWLEDGE,
        3: ConceptKind.TRANSVERSAL,
        4: ConceptKind.LANGUAGE,
        5: ConceptKind.LANGUAGE,
        91: ConceptKind.GROUP,
        92: ConceptKind.GROUP,
    }
    assert esco.ancestors(skill(1)) == (skill(92), skill(91))
    assert esco.concept(skill(92)).notation == "S9.1"


def test_esco_occupations_are_roles_with_isco_and_weighted_requirements(esco: Taxonomy) -> None:
    fisher = esco.role(occupation(1))
    assert (fisher.isco, fisher.labels["sv"], fisher.alternative_labels["en"]) == (
        "6222",
        "insjöfiskare",
        ("lake fisher", "ice fisher"),
    )
    asked = [(r.concept_id, r.importance, r.weight, r.level, r.hard) for r in fisher.requirements]
    assert asked == [
        (skill(1), Importance.ESSENTIAL, 1.0, 2, False),
        (skill(2), Importance.ESSENTIAL, 1.0, 2, False),
        (skill(6), Importance.OPTIONAL, 0.45, 2, False),
    ]


def test_relations_of_an_absent_occupation_are_set_aside_with_one_problem(esco: Taxonomy) -> None:
    (problem,) = esco.problems
    assert (problem.code, problem.value, problem.count, problem.row) == ("taxonomy_reference_unknown", occupation(77), 2, 7)
    assert (problem.file, problem.effect) == ("occupationSkillRelations.csv", ProblemEffect.SET_ASIDE)
    assert sum(len(role.requirements) for role in esco.roles.values()) == 5


def test_version_licence_and_attribution_come_with_the_release(esco: Taxonomy) -> None:
    assert (esco.id, esco.version, esco.format) == ("esco", "1.1.1", "esco")
    assert "2011/833" in esco.licence
    assert esco.sources == ("This service uses the ESCO classification of the European Commission.",)


def zipped(folder: Path, path: Path, inside: str = "") -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in folder.iterdir():
            archive.write(file, f"{inside}{file.name}")
            archive.writestr(f"__MACOSX/{inside}._{file.name}", b"\0\1")
    return path


def test_folder_zip_and_gzipped_files_give_the_same(esco: Taxonomy, tmp_path: Path) -> None:
    packed = tmp_path / "esco-1.1.1"
    packed.mkdir()
    for file in ESCO.iterdir():
        (packed / f"{file.name}.gz").write_bytes(gzip.compress(file.read_bytes()))
    archive = zipped(ESCO, tmp_path / "esco v1.1.1.zip", "ESCO dataset - v1.1.1 - classification - en - csv/")
    outer = tmp_path / "esco 1.1.1 unpacked"
    shutil.copytree(ESCO, outer / "csv")
    for place in (packed, archive, zipped(packed, tmp_path / "ESCO-1.1.1.zip"), outer):
        assert Taxonomy.read(place) == esco


def test_release_of_version_1_2_with_labels_beside_the_uris_gives_the_same(esco: Taxonomy, tmp_path: Path) -> None:
    later = tmp_path / "v1.1.1"
    later.mkdir()
    for file in ESCO.iterdir():
        found = rows(file)
        if file.name == "occupationSkillRelations.csv":
            columns = ("occupationUri", "occupationLabel", "relationType", "skillType", "skillUri", "skillLabel")
        elif file.name.startswith("broader"):
            columns = ("conceptType", "conceptUri", "conceptLabel", "broaderType", "broaderUri", "broaderLabel")
        else:
            columns = (*found[0], "naceCode") if file.name.startswith("occupations") else tuple(found[0])
        told = [{"occupationLabel": "x", "skillLabel": "y", "conceptLabel": "x", "broaderLabel": "y", **row} for row in found]
        for lang in ("en", "sv") if "_" not in file.name else ("",):
            # From 1.2 on the relations stand in the files of every language; they count once.
            put(later / (file.name.replace(".csv", f"_{lang}.csv") if lang else file.name), told, columns)
    assert Taxonomy.read(later) == esco


def test_release_of_version_1_0_with_fewer_columns_is_read(esco: Taxonomy, tmp_path: Path) -> None:
    early = Path(shutil.copytree(ESCO, tmp_path / "esco_v1.0.9"))
    put(
        early / "skills_en.csv",
        rows(early / "skills_en.csv"),
        ("conceptType", "conceptUri", "skillType", "reuseLevel", "preferredLabel", "altLabels", "description"),
    )
    put(
        early / "occupations_en.csv",
        rows(early / "occupations_en.csv"),
        ("conceptType", "conceptUri", "iscoGroup", "preferredLabel", "altLabels", "description"),
    )
    read = Taxonomy.read(early)
    assert read.version == "1.0.9"
    assert replace(read, version="1.1.1") == esco


def test_only_the_languages_asked_for_are_read(esco: Taxonomy) -> None:
    swedish = Taxonomy.read(ESCO, langs="sv")
    assert swedish.concept(skill(1)).labels == {"sv": "laga fiskenät"}
    assert swedish.role(occupation(1)).alternative_labels == {"sv": ("fiskare i insjö",)}
    assert len(swedish.role(occupation(1)).requirements) == 3
    assert Taxonomy.read(ESCO, langs=("sv", "en")) == esco
    with pytest.raises(UnreadableFileError, match=r"skills_en\.csv, skills_sv\.csv, and none in fi"):
        Taxonomy.read(ESCO, langs=["fi"])
    with pytest.raises(InputError, match="langs"):
        Taxonomy.read(ESCO, langs=[])


def test_several_places_are_one_release(release: Path, tmp_path: Path) -> None:
    # Labels alone, as an extract of the portal gives them: skills in columns, occupations one label per row.
    extract = tmp_path / "swedish"
    extract.mkdir()
    for file in release.glob("*_sv.csv"):
        if file.name.startswith("skills"):
            labels = [{"conceptUri": row["conceptUri"], "preferredLabel_sv": row["preferredLabel"]} for row in rows(file)]
            put(extract / file.name, labels)
        file.unlink()
    put(
        extract / "occupation_labels_sv.csv",
        [
            {"conceptUri": occupation(1), "label_sv": "insjöfiskare", "order": "0", "kind": "occupation"},
            {"conceptUri": occupation(1), "label_sv": "fiskare", "order": "1", "kind": "occupation"},
            {"conceptUri": "http://data.europa.eu/esco/isco/C6", "label_sv": "Fiskare m.fl.", "order": "0", "kind": "isco"},
        ],
    )
    both = Taxonomy.read([release, extract])
    assert both.concept(skill(6)).labels == {"en": "set nets under ice", "sv": "lägga nät under is"}
    assert both.role(occupation(1)).labels["sv"] == "insjöfiskare"
    assert both.role(occupation(1)).alternative_labels["sv"] == ("fiskare",)
    codes = both.problems.by_code()
    # One of two occupations and both groups have no Swedish label.
    assert codes["taxonomy_language_partial"] == 3
    assert codes["taxonomy_column_missing"] == 3


# O*NET


def test_onet_importance_becomes_weight_and_level_goes_from_0_7_to_1_5() -> None:
    onet = Taxonomy.read(FORMATS / "onet-29.2-text")
    mender, guide = onet.role("onet:99-1001.00"), onet.role("onet:99-1002.00")
    # weight = (importance - 1) / 4; level = 1 + 4 x / 7 rounded: 0.80 -> 1.46, 5.25 -> 4.0, 2.62 -> 2.497, 7 -> 5.
    assert [(r.concept_id, r.importance.value, r.weight, r.level) for r in mender.requirements] == [
        ("onet:2.A.1.a", "optional", 0.25, 1),
        ("onet:2.B.3.j", "essential", 0.9, 4),
    ]
    assert {r.concept_id: (r.importance.value, r.weight, r.level) for r in guide.requirements} == {
        "onet:2.B.1.a": ("essential", 0.5, 2),
        # Level marked as not relevant: the usual one.
        "onet:2.B.3.j": ("optional", 0.375, 2),
        "onet:2.C.7.a": ("essential", 1.0, 5),
        # Two tools of one kind: the one in demand counts.
        "onet:43232110": ("optional", 0.7, 2),
    }


def test_onet_steps_are_those_of_a_straight_line_from_0_7_to_1_5() -> None:
    import tomllib

    scales = tomllib.loads((Path(__file__).parents[1] / "taxonomies/formats/onet.toml").read_text(encoding="utf-8"))["scales"]
    for tenths in range(71):
        value = tenths / 10
        assert sum(value >= step for step in scales["steps"]) == int(1 + 4 * value / 7 + 0.5)


def test_onet_titles_tools_and_the_groups_above_are_kept() -> None:
    onet = Taxonomy.read(FORMATS / "onet-29.2-text")
    assert onet.role("onet:99-1001.00").alternative_labels == {"en": ("Net Repairer", "Twine Mender")}
    assert onet.concept("onet:43232110").alternative_labels == {"en": ("Ticket Till 3", "Harbour Sheet")}
    assert onet.ancestors("onet:2.A.1.a") == ("onet:2.A.1", "onet:2.A", "onet:2")
    assert onet.concept("onet:2.A").kind is ConceptKind.GROUP
    # Only what stands above a skill: worker characteristics are no competence.
    assert "onet:1" not in onet.concepts
    assert (onet.version, list(onet.problems)) == ("29.2", [])


def test_onet_tables_as_csv_give_the_same(tmp_path: Path) -> None:
    folder = tmp_path / "onet-29.2"
    folder.mkdir()
    for file in (FORMATS / "onet-29.2-text").iterdir():
        with file.open(encoding="utf-8", newline="") as stream:
            found = list(csv.reader(stream, delimiter="\t", quoting=csv.QUOTE_NONE))
        with (folder / f"{file.stem.lower().replace(' ', '_')}.csv").open("w", encoding="utf-8", newline="") as stream:
            csv.writer(stream).writerows(found)
    assert Taxonomy.read(folder) == Taxonomy.read(FORMATS / "onet-29.2-text")


def test_onet_is_in_english_only() -> None:
    with pytest.raises(UnreadableFileError, match="none in sv"):
        Taxonomy.read(FORMATS / "onet-29.2-text", langs="sv")


# JobTech


def test_jobtech_names_have_the_skills_of_their_ssyk_group() -> None:
    jobtech = Taxonomy.read(FORMATS / "jobtech")
    mender = jobtech.role(f"{JOBTECH}nAt1_aaa_111")
    assert (mender.label("sv"), mender.ssyk, mender.sector) == ("Nätlagare", "7234", "Hantverksyrken")
    assert [jobtech.concept(r.concept_id).label() for r in mender.requirements] == ["Nätlagning", "Knopar"]
    assert mender.requirements == jobtech.role(f"{JOBTECH}nAt2_aaa_222").requirements
    kinds = {c.label(): c.kind.value for c in jobtech}
    assert kinds == {
        "Nätlagning": "skill",
        "Knopar": "skill",
        "Guidning": "skill",
        "Isborrning": "skill",
        "Meänkieli": "language",
        "B": "licence",
    }
    assert [(p.code, p.value) for p in jobtech.problems] == [("taxonomy_reference_unknown", "9999")]


def test_jobtech_answers_as_json_give_groups_requirements_and_matches() -> None:
    jobtech = Taxonomy.read(FORMATS / "jobtech-json")
    net = jobtech.concept(f"{JOBTECH}sKi1_ddd_555")
    assert (net.broader, net.alternative_labels, net.matches) == (
        (f"{JOBTECH}hEa1_hhh_121",),
        {"sv": ("Laga nät",)},
        (("exact_match", skill(1)),),
    )
    assert jobtech.concept(f"{JOBTECH}hEa1_hhh_121").kind is ConceptKind.GROUP
    mender = jobtech.role(f"{JOBTECH}nAt1_aaa_111")
    assert mender.ssyk == "7234"
    assert {jobtech.concept(r.concept_id).label() for r in mender.requirements} == {"Nätlagning", "Knopar"}
    assert jobtech.to_matches([f"{JOBTECH}sKi1_ddd_555"], "esco") == {f"{JOBTECH}sKi1_ddd_555": (skill(1),)}


# SKOS


@pytest.fixture(scope="module")
def crafts() -> Taxonomy:
    return Taxonomy.read(FORMATS / "skos.ttl")


def test_skos_labels_relations_and_matches_reach_their_records(crafts: Taxonomy) -> None:
    weaving = crafts.concept(f"{CRAFTS}weaving")
    assert weaving.labels == {"sv": "väva", "en": "weaving", "fi": "kutominen"}
    assert weaving.alternative_labels == {"en": ("loom work",), "sv": ("väva i vävstol", "vävning", "vävva")}
    assert (weaving.notation, weaving.descriptions["sv"]) == ("T1", "Sätter upp en varp och väver tyg.")
    # Said by narrower of the other, and by broader of its own.
    assert weaving.broader == crafts.concept(f"{CRAFTS}darning").broader == (f"{CRAFTS}textile",)
    assert weaving.related == (f"{CRAFTS}darning",)
    assert {predicate for predicate, _ in weaving.matches} == set(MATCHES)
    # A label with a record of its own (SKOS-XL).
    assert crafts.concept(f"{CRAFTS}darning").labels["sv"] == "stoppa strumpor"
    assert (crafts.id, crafts.version, crafts.titles) == (CRAFTS, "2.1", {"sv": "Hantverk", "en": "Crafts"})
    assert [(p.code, p.effect.value) for p in crafts.problems] == [("taxonomy_not_kept", "notice")]


def test_skos_occupations_in_the_words_of_esco_are_roles(crafts: Taxonomy) -> None:
    weaver = crafts.role(f"{CRAFTS}weaver")
    assert (weaver.isco, weaver.matches) == ("7318", (("exact_match", occupation(22)),))
    assert [(r.concept_id, r.importance.value, r.weight) for r in weaver.requirements] == [
        (f"{CRAFTS}weaving", "essential", 1.0),
        (f"{CRAFTS}darning", "optional", 0.45),
    ]


def graph_of(path: Path) -> Any:
    """Read a graph apart from our reader; rdflib's way to JSON-LD warns of a class of its own."""
    import rdflib

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return rdflib.Graph().parse(path)


@pytest.mark.parametrize("ending", [".ttl", ".rdf", ".jsonld", ".nt"])
def test_skos_to_us_to_skos_keeps_ids_labels_matches_and_relations(crafts: Taxonomy, tmp_path: Path, ending: str) -> None:
    import rdflib

    written = crafts.write(tmp_path / f"crafts{ending}")
    again = Taxonomy.read(written)
    assert again == crafts
    assert (again.id, again.titles, again.licence) == (crafts.id, crafts.titles, crafts.licence)
    before, after = graph_of(FORMATS / "skos.ttl"), graph_of(written)
    for name in ("exactMatch", "closeMatch", "broadMatch", "narrowMatch", "relatedMatch", "related", "notation"):
        assert set(before.subject_objects(rdflib.SKOS[name])) == set(after.subject_objects(rdflib.SKOS[name])), name
    isco = rdflib.URIRef("http://data.europa.eu/esco/isco/C7318")
    broader = {(s, o) for s, o in before.subject_objects(rdflib.SKOS.broader) if o != isco}
    broader |= {(o, s) for s, o in before.subject_objects(rdflib.SKOS.narrower)}
    assert set(after.subject_objects(rdflib.SKOS.broader)) == broader
    for name, others in (("prefLabel", ()), ("altLabel", ("hiddenLabel",))):
        words = {(s, str(o), str(o.language)[:2]) for n in (name, *others) for s, o in before.subject_objects(rdflib.SKOS[n])}
        if name == "prefLabel":
            words.add((rdflib.URIRef(f"{CRAFTS}darning"), "stoppa strumpor", "sv"))
        assert {(s, str(o), str(o.language)) for s, o in after.subject_objects(rdflib.SKOS[name])} == words


def test_turtle_rdf_xml_and_json_ld_say_the_same(small: Taxonomy, tmp_path: Path) -> None:
    from rdflib.compare import isomorphic

    graphs = [graph_of(small.write(tmp_path / f"x{ending}")) for ending in (".ttl", ".rdf", ".jsonld", ".nt")]
    assert len(graphs[0]) > 100
    assert all(isomorphic(graphs[0], other) for other in graphs[1:])


def test_skos_without_its_extra_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, small: Taxonomy) -> None:
    monkeypatch.setitem(sys.modules, "rdflib", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'competence\[formats\]'"):
        Taxonomy.read(FORMATS / "skos.ttl")
    assert small.write(tmp_path / "x.ttl").stat().st_size > 1000


def test_json_ld_whose_context_lies_elsewhere_is_refused_and_nothing_is_fetched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import socket

    def no_network(*args: object, **kwargs: object) -> None:
        raise AssertionError("the network was asked")

    monkeypatch.setattr(socket, "getaddrinfo", no_network)
    graph = [
        {"@id": "https://x.example/1", "http://www.w3.org/2004/02/skos/core#prefLabel": [{"@value": "x", "@language": "sv"}]}
    ]
    for number, context in enumerate(("https://x.example/context", ["local.json"], {"@import": "https://x.example/context"})):
        path = tmp_path / f"{number}.jsonld"
        path.write_text(json.dumps({"@context": context, "@graph": graph}), encoding="utf-8")
        with pytest.raises(UnreadableFileError, match="nothing is fetched"):
            Taxonomy.read(path)
    nested = tmp_path / "nested.jsonld"
    nested.write_text(json.dumps({"@graph": [{**graph[0], "x": {"@context": "https://x.example/c"}}]}), encoding="utf-8")
    with pytest.raises(UnreadableFileError, match="nothing is fetched"):
        Taxonomy.read(nested)


def test_rdf_xml_with_entities_of_files_or_of_each_other_is_refused(tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("secret", encoding="utf-8")
    for number, entity in enumerate((f'x SYSTEM "{secret.as_uri()}"', 'x "&y;&y;"', '% x SYSTEM "http://x.example/"')):
        path = tmp_path / f"{number}.rdf"
        path.write_text(
            f'<?xml version="1.0"?><!DOCTYPE rdf:RDF [<!ENTITY y "lol"> <!ENTITY {entity}>]>'
            '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"/>',
            encoding="utf-8",
        )
        with pytest.raises(UnreadableFileError, match="refused"):
            Taxonomy.read(path)


PREFIX = "@prefix skos: <http://www.w3.org/2004/02/skos/core#> . @prefix ex: <https://x.example/> .\n"


def turtle(tmp_path: Path, text: str) -> Taxonomy:
    path = tmp_path / "x.ttl"
    path.write_text(PREFIX + text, encoding="utf-8")
    return Taxonomy.read(path)


def test_skos_faults_are_told_and_the_rest_is_kept(tmp_path: Path) -> None:
    read = turtle(
        tmp_path,
        'ex:a a skos:Concept ; skos:prefLabel "a"@sv, "aa"@sv ; skos:broader ex:b, ex:nowhere .\n'
        'ex:b a skos:Concept ; skos:prefLabel "b" ; skos:broader ex:a ; skos:related ex:b .\n'
        "ex:c a skos:Concept .\n"
        '[] a skos:Concept ; skos:prefLabel "d"@sv .',
    )
    assert read.problems.by_code() == {
        "taxonomy_label_twice": 1,
        "taxonomy_value": 1,
        "taxonomy_language_unknown": 1,
        "taxonomy_label_missing": 1,
        "taxonomy_reference_unknown": 1,
        "taxonomy_relation_self": 1,
        "taxonomy_cycle": 1,
    }
    a, b = read.concepts.values()
    assert (a.labels, a.alternative_labels, a.broader) == ({"sv": "a"}, {"sv": ("aa",)}, ("https://x.example/b",))
    assert (b.labels, b.broader, b.related) == ({"und": "b"}, (), ())


def test_language_of_the_scheme_holds_for_labels_that_state_none(tmp_path: Path) -> None:
    read = turtle(
        tmp_path,
        '<https://x.example/> a skos:ConceptScheme ; <http://purl.org/dc/terms/language> "sv-SE" .\n'
        'ex:a skos:prefLabel "a" ; skos:inScheme <https://x.example/> .',
    )
    assert read.concept("https://x.example/a").labels == {"sv": "a"}


# CASE


@pytest.fixture(scope="module")
def course() -> Taxonomy:
    return Taxonomy.read(FORMATS / "case.json")


def test_case_items_and_associations_reach_their_records(course: Taxonomy) -> None:
    weaving, fibres = course.concept(f"{CASE}2"), course.concept(f"{CASE}3")
    # A translation gives its words to what it translates, and its id stays as a match.
    assert weaving.labels == {"en": "Weaving", "sv": "Väva"}
    assert weaving.matches == (("exact_match", f"{CASE}5"), ("exact_match", skill(21)))
    assert (weaving.notation, weaving.descriptions) == ("T.1", {"en": "Sets up a warp and weaves cloth on a loom."})
    assert (weaving.broader, weaving.related, weaving.alternative_labels) == (
        (f"{CASE}1",),
        (f"{CASE}3",),
        {"en": ("Loom work",)},
    )
    assert (fibres.kind, fibres.labels, fibres.descriptions) == (
        ConceptKind.KNOWLEDGE,
        {"en": "Which fibre shrinks in which water"},
        {"en": "Wool, linen, cotton."},
    )
    assert (course.concept(f"{CASE}1").kind, course.concept(f"{CASE}1").broader) == (ConceptKind.GROUP, ())
    # Its URI does not hold its identifier, so the identifier is the id and the URI a match.
    weaver = course.role("urn:uuid:11111111-0000-4000-8000-000000000004")
    assert weaver.matches == (("exact_match", "https://short.example/weaver"),)
    assert [r.concept_id for r in weaver.requirements] == [f"{CASE}2"]
    assert (course.version, course.licence, course.sources) == ("3", "CC0 1.0", ("Exempelby folkhögskola",))
    assert [(p.code, p.column) for p in course.problems] == [("taxonomy_not_kept", "precedes")]


def test_case_to_us_to_case_keeps_identifiers_statements_codes_and_associations(course: Taxonomy, tmp_path: Path) -> None:
    written = course.write(tmp_path / "course.json")
    assert Taxonomy.read(written) == course
    before = json.loads((FORMATS / "case.json").read_text(encoding="utf-8"))
    after = json.loads(written.read_text(encoding="utf-8"))
    assert after["CFDocument"]["identifier"] == before["CFDocument"]["identifier"]
    assert after["CFDocument"]["uri"] == before["CFDocument"]["uri"]
    kept = ("fullStatement", "abbreviatedStatement", "alternativeLabel", "humanCodingScheme", "notes")
    told = {item["identifier"]: {name: item.get(name) for name in kept} for item in after["CFItems"]}
    for item in before["CFItems"]:
        if item.get("language") == "sv":
            assert item["identifier"] not in told
        else:
            assert told[item["identifier"]] == {name: item.get(name) for name in kept}

    def joined(package: dict[str, Any]) -> set[tuple[str, str, str]]:
        return {
            (a["associationType"], a["originNodeURI"]["identifier"][-1:], a["destinationNodeURI"]["identifier"][-2:])
            for a in package["CFAssociations"]
        }

    turned = {
        # The translation is a match now, and what an occupation is related to is what it requires.
        ("isTranslationOf", "5", "02"): ("exactMatchOf", "2", "05"),
        ("isRelatedTo", "4", "02"): ("ext:requires", "4", "02"),
    }
    expected = {turned.get(a, a) for a in joined(before) if a[0] != "precedes"}
    short = next(a["destinationNodeURI"] for a in after["CFAssociations"] if a["originNodeURI"]["identifier"].endswith("4"))
    assert short["uri"] == "https://short.example/weaver"
    assert joined(after) - expected == {("exactMatchOf", "4", short["identifier"][-2:])}
    assert expected <= joined(after)


def test_case_has_what_the_specification_asks_of_every_part(small: Taxonomy, tmp_path: Path) -> None:
    package = json.loads(small.write(tmp_path / "small.json").read_text(encoding="utf-8"))
    uuid = r"[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}"
    import re

    assert {"identifier", "uri", "creator", "title", "lastChangeDateTime"} <= set(package["CFDocument"])
    identifiers = [item["identifier"] for item in package["CFItems"]]
    assert len(set(identifiers)) == len(identifiers) == len(small.concepts) + len(small.roles)
    for item in package["CFItems"]:
        assert {"identifier", "uri", "fullStatement", "lastChangeDateTime"} <= set(item)
        assert re.fullmatch(uuid, item["identifier"])
        assert len(item.get("abbreviatedStatement", "")) <= 60
    named = {"isChildOf", "isPeerOf", "isPartOf", "exactMatchOf", "precedes", "isRelatedTo", "replacedBy", "exemplar"}
    for association in package["CFAssociations"]:
        assert association["associationType"] in named or association["associationType"].startswith("ext:")
        for end in ("originNodeURI", "destinationNodeURI"):
            assert {"title", "identifier", "uri"} <= set(association[end])
            assert re.fullmatch(uuid, association[end]["identifier"])


def test_case_faults_are_told_with_their_place(tmp_path: Path) -> None:
    package = json.loads((FORMATS / "case.json").read_text(encoding="utf-8"))
    package["CFItems"] += [package["CFItems"][0], {"identifier": "x"}, "nonsense", {**package["CFItems"][1], "identifier": 7}]
    package["CFAssociations"] += [
        {"associationType": "isChildOf", "originNodeURI": {"identifier": "nobody"}, "destinationNodeURI": {"identifier": "x"}},
        {"associationType": "isChildOf"},
        17,
    ]
    path = tmp_path / "x.json"
    path.write_text(json.dumps(package), encoding="utf-8")
    found = {(p.code, p.column, p.row) for p in Taxonomy.read(path).problems if p.effect is ProblemEffect.SET_ASIDE}
    assert found == {
        ("taxonomy_id_duplicate", "CFItems.identifier", 6),
        ("taxonomy_value", "CFItems.fullStatement", 7),
        ("taxonomy_value", "CFItems.identifier", 8),
        ("taxonomy_reference_unknown", "CFAssociations.isChildOf", 9),
        ("taxonomy_value", "CFAssociations.associationType", 10),
        ("taxonomy_value", "CFAssociations.associationType", 11),
    }


@pytest.mark.parametrize(("name", "concept"), [("skos.ttl", f"{CRAFTS}weaving"), ("case.json", f"{CASE}2")])
def test_only_the_languages_asked_for_are_read_of_graphs_and_packages(name: str, concept: str) -> None:
    read = Taxonomy.read(FORMATS / name, langs="sv")
    assert read.concept(concept).labels == {"sv": {"skos.ttl": "väva", "case.json": "Väva"}[name]}
    assert {lang for c in read for lang in (*c.labels, *c.alternative_labels, *c.descriptions)} == {"sv"}
    # What has no Swedish name is set aside, and told.
    assert all(p.code != "taxonomy_label_missing" or p.value not in read.concepts for p in read.problems)


def test_identifiers_stay_unique_where_two_uris_end_in_the_same(esco: Taxonomy, tmp_path: Path) -> None:
    # The skill and the occupation number 1 of the release end in the same UUID.
    package = json.loads(esco.write(tmp_path / "x.json").read_text(encoding="utf-8"))
    identifiers = [item["identifier"] for item in package["CFItems"]]
    assert len(set(identifiers)) == len(identifiers)
    assert skill(1).rpartition("/")[2] in identifiers


# Round trips of anything

WORDS = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"], exclude_characters="\u2028\u2029\ufffe\uffff"), min_size=1
)
LABELS = WORDS.map(lambda text: " ".join(text.split())).filter(bool)
IDS = st.one_of(
    LABELS.filter(lambda text: not text.startswith("urn:x-competence:")),
    st.uuids().map(lambda value: f"https://x.example/{value}"),
    st.from_regex(r"local:[a-z]{1,8}", fullmatch=True),
)
TEXTS = st.dictionaries(st.sampled_from(["sv", "en", "fi"]), LABELS, min_size=1)
URIS = st.tuples(st.sampled_from(MATCHES), st.uuids().map(lambda value: f"https://match.example/{value}"))


@st.composite
def taxonomies(draw: st.DrawFn) -> Taxonomy:
    """Any taxonomy without faults: no circle, references that hold."""
    ids = draw(st.lists(IDS, min_size=2, max_size=7, unique_by=str.strip))
    cut = draw(st.integers(1, len(ids)))

    def others(key: str, labels: dict[str, str]) -> dict[str, tuple[str, ...]]:
        found = draw(st.dictionaries(st.sampled_from(sorted(labels)), st.lists(LABELS, min_size=1, max_size=3, unique=True)))
        kept = {lang: tuple(x for x in texts if x != labels[lang]) for lang, texts in found.items()}
        return {lang: texts for lang, texts in kept.items() if texts}

    concepts = []
    for place, key in enumerate(ids[:cut]):
        kind = draw(st.sampled_from(list(ConceptKind)))
        labels = draw(TEXTS)
        group = kind is ConceptKind.GROUP
        concepts.append(
            Concept(
                concept_id=key,
                kind=kind,
                labels=labels,
                alternative_labels=others(key, labels),
                descriptions=draw(st.dictionaries(st.sampled_from(sorted(labels)), LABELS)),
                broader=tuple(draw(st.lists(st.sampled_from(ids[:place]), unique=True))) if place else (),
                related=tuple(draw(st.lists(st.sampled_from(ids[:place]), unique=True))) if place else (),
                currency_months=None if group else draw(st.none() | st.integers(1, 600)),
                safety_critical=False if group else draw(st.booleans()),
                rarely_named=False if group else draw(st.booleans()),
                matches=tuple(draw(st.lists(URIS, unique=True, max_size=3))),
                notation=draw(st.sampled_from(["", "T.1", "å 2"])),
                scheme="own",
            )
        )
    held = [c.concept_id for c in concepts if c.kind is not ConceptKind.GROUP]
    wishes = st.builds(
        Requirement,
        concept_id=st.sampled_from(held) if held else st.nothing(),
        level=st.integers(1, 5),
        importance=st.sampled_from(list(Importance)),
        weight=st.floats(1e-6, 1),
        hard=st.booleans(),
        source=st.sampled_from(["", "Skollagen (2010:800)"]),
    )
    roles = []
    for key in ids[cut:]:
        labels = draw(TEXTS)
        roles.append(
            Role(
                role_id=key,
                labels=labels,
                alternative_labels=others(key, labels),
                sector=draw(st.sampled_from(["", "care"])),
                ssyk=draw(st.sampled_from(["", "5330"])),
                isco=draw(st.sampled_from(["", "2221"])),
                aid=draw(st.sampled_from([(), ("351034",), ("351033", "351034")])),
                requirements=tuple(draw(st.lists(wishes, unique_by=lambda r: r.concept_id, max_size=4))) if held else (),
                matches=tuple(draw(st.lists(URIS, unique=True, max_size=2))),
                scheme="own",
            )
        )
    return Taxonomy(
        id="own",
        concepts={c.concept_id: c for c in concepts},
        roles={r.role_id: r for r in roles},
        titles={"sv": "Egen"},
        version="1",
        licence="CC0-1.0",
        sources=("own writing",),
    )


@pytest.mark.parametrize("ending", ["", ".zip", ".ttl", ".rdf", ".jsonld", ".json"])
@settings(max_examples=40)
@given(taxonomy=taxonomies())
def test_any_taxonomy_is_the_same_after_writing_and_reading(
    tmp_path_factory: pytest.TempPathFactory, ending: str, taxonomy: Taxonomy
) -> None:
    path = tmp_path_factory.mktemp("x") / f"own{ending}"
    again = Taxonomy.read(taxonomy.write(path))
    assert list(again.problems) == []
    assert again == taxonomy
    for key, concept in taxonomy.concepts.items():
        read = again.concepts[key]
        assert (read.labels, read.descriptions) == (concept.labels, concept.descriptions)
        # A graph has no order.
        assert {k: set(v) for k, v in read.alternative_labels.items()} == {
            k: set(v) for k, v in concept.alternative_labels.items()
        }
        assert read.scheme == ("local" if key.startswith("local:") and ending in ("", ".zip") else "own")
    assert (again.id, again.titles, again.version, again.licence, again.sources) == (
        "own",
        {"sv": "Egen"},
        "1",
        "CC0-1.0",
        ("own writing",),
    )


@pytest.mark.parametrize("name", ["x.zip", "x.ttl", "x.rdf", "x.jsonld", "x.json"])
def test_equal_content_gives_equal_bytes_in_every_format(esco: Taxonomy, tmp_path: Path, name: str) -> None:
    turned = replace(esco, concepts=dict(reversed(esco.concepts.items())), roles=dict(reversed(esco.roles.items())))
    (tmp_path / "turned").mkdir()
    assert esco.write(tmp_path / name).read_bytes() == turned.write(tmp_path / "turned" / name).read_bytes()


@pytest.mark.parametrize("source", ["esco-1.1.1", "onet-29.2-text", "jobtech", "jobtech-json", "skos.ttl", "case.json"])
@pytest.mark.parametrize("name", ["csv", "x.ttl", "x.json"])
def test_every_format_read_can_be_written_in_every_format_that_is_written(tmp_path: Path, source: str, name: str) -> None:
    read = Taxonomy.read(FORMATS / source)
    assert Taxonomy.read(read.write(tmp_path / name)) == read


def test_csv_keeps_other_languages_codes_and_the_taxonomy_of_each_record(small: Taxonomy, tmp_path: Path) -> None:
    finnish = replace(
        small.concept("finnish"),
        labels={**small.concept("finnish").labels, "fi": "suomi"},
        alternative_labels={"fi": ("suomen kieli",), "de": ("Finnisch",)},
        descriptions={"fi": "Puhuu suomea."},
        notation="L1",
        scheme="elsewhere",
    )
    driver = replace(
        small.role("role-driver"),
        matches=(("close_match", occupation(9)),),
        descriptions={"sv": "Kör buss.", "fi": "Ajaa bussia."},
    )
    read = Taxonomy.read(small.merged([finnish], [driver]).write(tmp_path / "x"))
    assert read.concept("finnish") == finnish
    assert (read.role("role-driver").matches, read.role("role-driver").descriptions) == (driver.matches, driver.descriptions)
    assert read.concept("welding").scheme == "small"


# The other ways to write the same graph are tried on drawn taxonomies, which are small.
@pytest.mark.slow
@pytest.mark.parametrize("ending", [".ttl", ".json"])
def test_municipal_taxonomy_is_the_same_after_writing_and_reading_but_for_its_sayings(tmp_path: Path, ending: str) -> None:
    municipal = Taxonomy.bundled("municipal")
    again = Taxonomy.read(municipal.write(tmp_path / f"municipal{ending}"))
    assert list(again.problems) == []
    assert again == replace(municipal, spoken={}, asked={})


def test_unknown_format_or_ending_to_write_is_named(small: Taxonomy, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="csv, skos, case"):
        small.write(tmp_path / "x", format="esco")
    with pytest.raises(InputError, match=r"ends in \.ttl"):
        small.write(tmp_path / "x.txt", format="skos")
    bad = small.merged([replace(small.concept("finnish"), matches=(("exact_match", "not a uri"),))])
    with pytest.raises(InputError, match="must be a URI; got 'not a uri'"):
        bad.write(tmp_path / "x.ttl")


# Matches and merging


@pytest.fixture(scope="module")
def matched(small: Taxonomy) -> Taxonomy:
    """The small taxonomy with matches: one exact, one close and one broad of ESCO, one of JobTech."""
    matches = {
        "finnish": (("close_match", skill(5)), ("exact_match", skill(4)), ("exact_match", f"{JOBTECH}lAn1_eee_999")),
        "sewing": (("exact_match", skill(1)),),
        "welding": (("broad_match", skill(92)),),
    }
    return small.merged([replace(small.concept(key), matches=found) for key, found in matches.items()])


def test_competences_are_read_as_ids_of_another_taxonomy_and_back(matched: Taxonomy) -> None:
    held = ["sewing", "finnish", "welding"]
    told = matched.to_matches(held, "esco")
    assert told == {"sewing": (skill(1),), "finnish": (skill(4), skill(5)), "welding": ()}
    assert matched.to_matches(held, "esco", kinds=["exact_match"])["finnish"] == (skill(4),)
    assert matched.to_matches(["finnish"], "jobtech") == {"finnish": (f"{JOBTECH}lAn1_eee_999",)}
    assert matched.to_matches(["welding"], SKILL, kinds=["broad_match"]) == {"welding": (skill(92),)}
    back = matched.from_matches([uri for uris in told.values() for uri in uris])
    assert back == {skill(1): ("sewing",), skill(4): ("finnish",), skill(5): ("finnish",)}
    assert matched.from_matches([skill(77)]) == {skill(77): ()}


def test_ids_of_the_other_taxonomy_are_themselves(esco: Taxonomy) -> None:
    assert esco.to_matches([skill(1), occupation(1)], "esco") == {skill(1): (skill(1),), occupation(1): (occupation(1),)}
    assert esco.from_matches([skill(1)]) == {skill(1): (skill(1),)}


def test_matches_refuse_what_they_do_not_know(matched: Taxonomy) -> None:
    with pytest.raises(InputError, match=r"esco, jobtech, onet.*got 'isco'"):
        matched.to_matches(["finnish"], "isco")
    with pytest.raises(InputError, match="got 'same'"):
        matched.to_matches(["finnish"], "esco", kinds=["same"])
    with pytest.raises(UnknownIdError, match="nearest: finnish"):
        matched.to_matches(["finish"], "esco")


def test_merging_keeps_every_record_match_and_requirement(matched: Taxonomy, esco: Taxonomy) -> None:
    both = merge([matched, esco])
    assert set(both.concepts) == set(matched.concepts) | set(esco.concepts)
    assert set(both.roles) == set(matched.roles) | set(esco.roles)
    for one in (matched, esco):
        for key, concept in one.concepts.items():
            assert both.concepts[key] == replace(concept, scheme=one.id)
        for key, role in one.roles.items():
            assert both.roles[key] == replace(role, scheme=one.id)
    assert both.id == "small+esco"
    assert [s for s in both.sources if s.startswith("esco 1.1.1 (Free reuse")]
    assert list(both.problems) == []


def test_folding_makes_one_of_what_is_matched(matched: Taxonomy, esco: Taxonomy) -> None:
    one = merge([matched, esco], fold="exact_match")
    assert skill(4) not in one.concepts
    finnish = one.concept("finnish")
    assert finnish.labels == matched.concept("finnish").labels
    assert {"Meänkieli", "Tornedal Finnish"} <= set(finnish.alternative_labels["en"])
    assert ("exact_match", skill(4)) in finnish.matches
    # Requirements and relations go over to the one that stays.
    assert "finnish" in [r.concept_id for r in one.role(occupation(2)).requirements]
    assert one.concept(skill(5)).broader == ("finnish",)
    # A close match was not asked for.
    assert skill(5) in one.concepts
    assert one.concept("sewing").related == (skill(2),)
    assert one.to_matches(["finnish"], "esco")["finnish"] == (skill(4), skill(5))


def test_folding_goes_along_matches_of_the_later_taxonomy_too() -> None:
    ours = Taxonomy.of([Concept(concept_id="a", labels={"sv": "a"})], id="ours")
    theirs = Taxonomy.of([Concept(concept_id="urn:b", labels={"en": "b"}, matches=(("close_match", "a"),))], id="theirs")
    third = Taxonomy.of([Concept(concept_id="urn:c", labels={"fi": "c"}, matches=(("close_match", "urn:b"),))], id="third")
    one = merge([ours, theirs, third], fold=["close_match"])
    assert one.concept("a").labels == {"sv": "a", "en": "b", "fi": "c"}
    assert set(one.concept("a").matches) == {("close_match", "urn:b"), ("close_match", "urn:c")}
    assert list(one.concepts) == ["a"]


def test_same_id_in_two_taxonomies_keeps_the_first_word_and_tells() -> None:
    first = Taxonomy.of([Concept(concept_id="a", labels={"sv": "stycka"})], id="first")
    second = Taxonomy.of([Concept(concept_id="a", labels={"sv": "dela", "en": "cut"}, kind=ConceptKind.KNOWLEDGE)], id="second")
    one = merge([first, second])
    assert one.concept("a").labels == {"sv": "stycka", "en": "cut"}
    assert one.concept("a").alternative_labels == {"sv": ("dela",)}
    assert [(p.code, p.column, p.detail) for p in one.problems] == [
        ("taxonomy_merged_differs", "kind", "skill"),
        ("taxonomy_merged_differs", "label sv", "stycka"),
    ]


def test_merging_sets_aside_a_relation_that_closes_a_circle() -> None:
    up = Taxonomy.of([Concept(concept_id="a", broader=("b",)), Concept(concept_id="b")], id="up")
    down = Taxonomy.of([Concept(concept_id="b", broader=("a",)), Concept(concept_id="a")], id="down")
    one = merge([up, down])
    assert [p.code for p in one.problems] == ["taxonomy_cycle"]
    assert (one.concept("a").broader, one.concept("b").broader) == (("b",), ())


def test_merging_a_hard_requirement_with_a_heavier_wish_keeps_the_law() -> None:
    def asked(**more: Any) -> Taxonomy:
        need = Requirement(concept_id="a", **more)
        return Taxonomy.of([Concept(concept_id="a")], [Role(role_id="r", requirements=(need,))])

    one = merge([asked(weight=0.5, hard=True, source="law"), asked(weight=1.0)])
    assert one.role("r").requirements[0].hard
    assert merge([one]) == replace(one, id="local")


def test_merging_needs_something_and_known_kinds(small: Taxonomy) -> None:
    with pytest.raises(InputError, match="got none"):
        merge([])
    with pytest.raises(InputError, match="got 'same'"):
        merge([small], fold=["same"])


# Broken and partial releases


def test_missing_file_that_must_be_there_is_named(release: Path) -> None:
    for file in release.glob("skills_*.csv"):
        file.unlink()
    with pytest.raises(UnreadableFileError, match=r"has no skills_\{lang\}\.csv"):
        Taxonomy.read(release, format="esco")


@pytest.mark.parametrize(
    "name",
    ["broaderRelationsSkillPillar.csv", "skillSkillRelations.csv", "occupationSkillRelations.csv", "occupations", "skillGroups"],
)
def test_missing_file_that_may_be_missing_is_a_notice(release: Path, name: str) -> None:
    for file in release.glob(f"{name}*"):
        file.unlink()
    read = Taxonomy.read(release)
    assert len(read.competences) == 6
    missing = [p for p in read.problems if p.code == "taxonomy_file_missing"]
    assert [p.file.partition(".")[0].partition("_")[0] for p in missing] == [name.partition(".")[0]]
    assert missing[0].effect is ProblemEffect.NOTICE


def rename(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def test_wrong_column_is_named(release: Path) -> None:
    rename(release / "occupationSkillRelations.csv", "skillUri", "skill")
    rename(release / "skills_en.csv", "altLabels", "synonyms")
    read = Taxonomy.read(release)
    found = {(p.file, p.column): p.effect for p in read.problems if p.code == "taxonomy_column_missing"}
    assert found == {
        ("occupationSkillRelations.csv", "skillUri"): ProblemEffect.SET_ASIDE,
        ("skills_en.csv", "altLabels"): ProblemEffect.NOTICE,
    }
    assert not any(role.requirements for role in read.roles.values())
    rename(release / "skills_sv.csv", "conceptUri", "uri")
    with pytest.raises(TaxonomyError, match="nothing to use") as caught:
        Taxonomy.read(release)
    assert ("skills_sv.csv", "conceptUri") in {(p.file, p.column) for p in caught.value.problems}


def test_circle_of_broader_is_cut_and_told(release: Path) -> None:
    path = release / "broaderRelationsSkillPillar.csv"
    put(path, [*rows(path), {"conceptType": "SkillGroup", "conceptUri": skill(91), "broaderType": "", "broaderUri": skill(1)}])
    read = Taxonomy.read(release)
    (problem,) = [p for p in read.problems if p.code == "taxonomy_cycle"]
    assert problem.detail == " → ".join([skill(1), skill(92), skill(91), skill(1)])
    assert read.concept(skill(91)).broader == ()
    assert read.ancestors(skill(1)) == (skill(92), skill(91))


def test_duplicate_ids_keep_the_first(release: Path) -> None:
    path = release / "skills_en.csv"
    found = rows(path)
    put(path, [*found, {**found[0], "preferredLabel": "something else"}, {**found[1], "conceptUri": ""}])
    relations = rows(release / "occupationSkillRelations.csv")
    put(release / "occupationSkillRelations.csv", [*relations, {**relations[0], "relationType": "optional"}])
    read = Taxonomy.read(release)
    assert read.concept(skill(1)).labels["en"] == "mend fishing nets"
    assert read.role(occupation(1)).requirements[0].importance is Importance.ESSENTIAL
    codes = read.problems.by_code()
    assert (codes["taxonomy_id_duplicate"], codes["taxonomy_requirement_twice"], codes["taxonomy_value"]) == (1, 1, 1)
    # An occupation with the id of a skill.
    occupations = rows(release / "occupations_en.csv")
    put(release / "occupations_en.csv", [*occupations, {**occupations[0], "conceptUri": skill(1)}])
    assert Taxonomy.read(release).problems.by_code()["taxonomy_id_duplicate"] == 2


def test_files_of_other_versions_and_languages_are_told(release: Path) -> None:
    path = release / "skills_sv.csv"
    found = rows(path)
    put(path, [*found[1:], {**found[0], "conceptUri": skill(55)}])
    read = Taxonomy.read(release)
    assert skill(55) not in read.concepts
    codes = {p.code: p for p in read.problems}
    assert (codes["taxonomy_language_surplus"].value, codes["taxonomy_language_surplus"].count) == (skill(55), 1)
    assert (codes["taxonomy_language_partial"].value, codes["taxonomy_language_partial"].count) == ("sv", 1)


def test_file_in_the_wrong_language_is_noticed(release: Path) -> None:
    for lang in ("en", "sv"):
        path = release / f"skills_{lang}.csv"
        found = rows(path)
        more = [
            {**found[0], "conceptUri": skill(100 + n), "preferredLabel": f"skill {n}", "altLabels": "", "hiddenLabels": ""}
            for n in range(30)
        ]
        put(path, [*found, *more])
    read = Taxonomy.read(release)
    (problem,) = [p for p in read.problems if p.code == "taxonomy_language_same"]
    # 30 of 36 are the same; the other six are told apart.
    assert (problem.column, problem.value, problem.detail) == ("sv", "en", "30/36")


def test_rows_with_too_few_or_too_many_cells_are_set_aside(release: Path) -> None:
    with (release / "occupationSkillRelations.csv").open("a", encoding="utf-8") as file:
        file.write(f"{occupation(1)},essential\n{occupation(1)},essential,knowledge,{skill(4)},more\n")
        file.write(f"{occupation(1)},vital,knowledge,{skill(4)}\n")
    found = [(p.code, p.row, p.count) for p in Taxonomy.read(release).problems if p.row and p.row > 8]
    assert found == [("taxonomy_row_cells", 9, 2), ("taxonomy_value", 11, 1)]


def test_cut_zip_cut_gzip_and_cut_table_are_told_in_one_line(release: Path, tmp_path: Path) -> None:
    whole = zipped(ESCO, tmp_path / "whole.zip").read_bytes()
    cut = tmp_path / "cut.zip"
    places = []
    for share in (0.2, 0.6, 0.95):
        cut.write_bytes(whole[: int(len(whole) * share)])
        with pytest.raises(UnreadableFileError, match="zip") as caught:
            Taxonomy.read(cut)
        assert "\n" not in str(caught.value)
    flipped = bytearray(whole)
    flipped[len(whole) // 3 : len(whole) // 3 + 40] = bytes(40)
    cut.write_bytes(flipped)
    places.append(cut)
    table = release / "skills_en.csv"
    packed = gzip.compress(table.read_bytes())
    (tmp_path / "cut").mkdir()
    (tmp_path / "cut" / "skills_en.csv.gz").write_bytes(packed[: len(packed) // 2])
    places.append(tmp_path / "cut")
    # Cut inside quotation marks: the last row would swallow everything after it without a word.
    table.write_bytes(table.read_bytes()[:-40] + b',"and then')
    places.append(release)
    for place in places:
        with pytest.raises(UnreadableFileError, match=r"damaged|cut short|unexpected end of data") as caught:
            Taxonomy.read(place)
        assert "\n" not in str(caught.value)
        assert caught.value.problem is not None
        assert caught.value.problem.message("sv")


def test_cell_beyond_reason_is_refused(release: Path, tmp_path: Path) -> None:
    path = release / "skills_en.csv"
    found = rows(path)
    put(path, [{**found[0], "description": "x" * 200_000}, *found[1:]])
    with pytest.raises(UnreadableFileError, match=r"row \d+ cannot be read \(field larger than field limit"):
        Taxonomy.read(release)


@pytest.mark.slow
def test_cell_of_200_million_bytes_is_refused_before_it_fills_the_memory(release: Path, tmp_path: Path) -> None:
    head = (release / "skills_en.csv").read_bytes().splitlines()[0]
    packer = io.BytesIO()
    with gzip.GzipFile(fileobj=packer, mode="wb", compresslevel=1) as stream:
        stream.write(head + b"\n" + b",".join([b"x"] * 4) + b',"')
        for _ in range(200):
            stream.write(b"x" * 1_000_000)
    (release / "skills_en.csv").unlink()
    (release / "skills_en.csv.gz").write_bytes(packer.getvalue())
    with pytest.raises(UnreadableFileError, match="refused"):
        Taxonomy.read(release)
    bomb = tmp_path / "bomb.zip"
    with (
        zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open("skills_en.csv", "w") as member,
    ):
        for _ in range(200):
            member.write(b"x" * 1_000_000)
    with pytest.raises(UnreadableFileError, match="refused"):
        Taxonomy.read(bomb)


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("x.json", b'{"CFItems": [', "not JSON"),
        ("x.json", b"[" * 100_000, "nested too deep|not JSON"),
        ("x.json", b'{"a": 1}', "neither a CASE package"),
        ("x.json", b'{"data": {"concepts": 4}}', "concepts"),
        ("x.json", b'{"CFDocument": {}}', "no list CFItems"),
        ("x.ttl", b"@prefix skos: <http", "not turtle"),
        ("x.ttl", b"\xff\xfe\x00", "UTF-8"),
        ("x.rdf", b"<rdf:RDF", "not xml"),
        ("x.jsonld", b'{"@graph": [{"@id": 7}', "not JSON"),
        ("x.docx", b"no", "no file of a taxonomy"),
        ("x.csv", b"a,b\n", "no file of a taxonomy"),
    ],
)
def test_unusable_file_is_told_in_one_line(tmp_path: Path, name: str, content: bytes, told: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(UnreadableFileError, match=told) as caught:
        Taxonomy.read(path)
    assert "\n" not in str(caught.value)


def test_zip_with_a_password_is_told(tmp_path: Path) -> None:
    path = zipped(ESCO, tmp_path / "locked.zip")
    raw = bytearray(path.read_bytes())
    # Bit 0 of the flags, in the local head and in the list at the end.
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        start = raw.find(mark)
        while start >= 0:
            raw[start + offset] |= 1
            start = raw.find(mark, start + 4)
    path.write_bytes(raw)
    with pytest.raises(UnreadableFileError, match="cannot be unpacked"):
        Taxonomy.read(path)


def test_release_that_may_be_two_asks_which(release: Path) -> None:
    shutil.copy(FORMATS / "jobtech" / "occupation_names.csv", release)
    with pytest.raises(InputError, match=r"may be esco or jobtech; say which with format="):
        Taxonomy.read(release)
    assert Taxonomy.read(release, format="esco").format == "esco"


def test_release_where_every_row_is_wrong_does_not_become_as_many_problems(release: Path) -> None:
    path = release / "occupationSkillRelations.csv"
    put(path, [{**rows(path)[0], "skillUri": skill(1000 + n)} for n in range(500)])
    problems = Taxonomy.read(release).problems
    assert problems.by_code()["taxonomy_reference_unknown"] == 500
    assert len(problems) <= 101


@pytest.mark.parametrize("source", ["esco-1.1.1", "onet-29.2-text", "jobtech", "jobtech-json", "skos.ttl", "case.json"])
def test_no_cut_and_no_flipped_byte_ends_in_a_traceback(tmp_path: Path, source: str) -> None:
    place = FORMATS / source
    files = sorted(place.iterdir()) if place.is_dir() else [place]
    for number, file in enumerate(files):
        whole = file.read_bytes()
        for step in range(8):
            folder = tmp_path / f"{number}-{step}"
            folder.mkdir()
            for other in files:
                shutil.copy(other, folder)
            at = len(whole) * (step + 1) // 9
            broken = whole[:at] if step % 2 else whole[:at] + bytes([whole[at] ^ 0x55]) + whole[at + 1 :]
            (folder / file.name).write_bytes(broken)
            with contextlib.suppress(CompetenceError):
                Taxonomy.read(folder)


def test_check_lists_what_was_set_aside_and_does_not_edit_others(release: Path) -> None:
    # No description in Swedish, few requirements, a skill nobody asks for: theirs to mend, so not told.
    assert [p.code for p in check(release)] == ["taxonomy_reference_unknown"]
    assert list(Taxonomy.read(release).check()) == []
    for file in release.glob("skills_*.csv"):
        rename(file, "conceptUri", "uri")
    assert {"taxonomy_column_missing", "taxonomy_nothing"} <= {p.code for p in check(release)}


def test_every_problem_is_worded_in_both_languages(release: Path, tmp_path: Path) -> None:
    shutil.rmtree(tmp_path / "more", ignore_errors=True)
    more = Path(shutil.copytree(release, tmp_path / "more"))
    rename(release / "skills_en.csv", "altLabels", "synonyms")
    (release / "skillGroups_sv.csv").unlink()
    (release / "skillSkillRelations.csv").unlink()
    problems = Taxonomy.read([release, more]).problems
    assert len({p.code for p in problems}) >= 3
    for problem in problems:
        for lang in ("sv", "en"):
            assert "{" not in problem.message(lang) + problem.remedy(lang).replace("{lang}", "")


def command(*arguments: str) -> Any:
    from competence.cli import cli

    return CliRunner().invoke(cli, list(arguments))


def test_command_checks_and_shows_a_release_of_another_publisher(release: Path) -> None:
    result = command("taxonomy", "check", str(release))
    assert result.exit_code == 1, result.output
    assert occupation(77) in result.output.replace("\n", "").replace("    ", "")
    shown = command("taxonomy", "info", str(FORMATS / "case.json"))
    assert shown.exit_code == 0, shown.output
    assert "Crafts course" in shown.output


def test_command_says_what_is_wrong_with_a_broken_release(release: Path, tmp_path: Path) -> None:
    cut = tmp_path / "cut.zip"
    cut.write_bytes(zipped(ESCO, tmp_path / "x.zip").read_bytes()[:900])
    for file in release.glob("skills_*.csv"):
        file.unlink()
    for place in (cut, release, tmp_path / "nowhere"):
        result = command("taxonomy", "check", str(place))
        assert result.exit_code == 2, (place, result.output, result.exception)
        assert "Traceback" not in result.output


def test_staff_is_linked_to_and_matched_with_another_publishers_taxonomy(esco: Taxonomy) -> None:
    from competence.linking import Linker

    linker = Linker.fit(esco, cache=False)
    found = linker.link("laga fiskenät").best
    assert found is not None
    assert found.concept_id == skill(1)


@pytest.mark.parametrize("name", ["csv", "x.ttl", "x.json"])
def test_what_an_occupation_does_is_read_from_esco_and_kept(esco: Taxonomy, tmp_path: Path, name: str) -> None:
    described = {key: dict(r.descriptions) for key, r in esco.roles.items() if r.descriptions}
    assert described
    again = Taxonomy.read(esco.write(tmp_path / name))
    assert {key: dict(r.descriptions) for key, r in again.roles.items() if r.descriptions} == described
    plain = replace(esco, roles={key: replace(r, descriptions={}) for key, r in esco.roles.items()})
    assert plain.digest != esco.digest
