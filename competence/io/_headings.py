"""Which headings mean which column of which table, which must never be read, and which are known to be of no use.

Plain data: a new export of an HR system is met by adding its headings here. The first heading of each column is the
one written to files; the column's own English name is always understood. Headings are compared folded (case,
accents, spaces and punctuation away), so ``Anst.nr``, ``ANSTNR`` and ``anst nr`` are one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

from competence.io._values import fold
from competence.staff import TABLES

__all__ = [
    "HEADINGS",
    "MULTIPLE",
    "PERSON",
    "REQUIRED",
    "SHEETS",
    "fields_of",
    "hinted_table",
    "is_forbidden",
    "is_known_useless",
    "known_fields",
    "split_number",
]

_PERSON_ID = (
    *("Anst.nr", "Anställningsnummer", "Anställningsnr", "Anst nr", "Anstid", "Anställnings-id", "Personal-id", "Personalnr"),
    *("Personalnummer", "Löpnr", "Medarbetar-id", "Medarbetarnr", "Medarbetarnummer", "Employee id", "Employee number"),
    *("Employee no", "Staff id", "Person-id", "Id", "Anv-id", "Användar-id", "Lönenr", "Lönenummer", "Emp id"),
)
_NAME = (
    *("Namn", "Fullständigt namn", "Medarbetare", "Person", "Anställd", "För- och efternamn", "Förnamn efternamn"),
    *("Efternamn, förnamn", "Efternamn förnamn", "Personnamn", "Employee", "Employee name", "Full name", "Vem"),
)
_FIRST = ("Förnamn", "FNAMN", "Tilltalsnamn", "First name", "Given name")
_LAST = ("Efternamn", "ENAMN", "Last name", "Surname", "Family name")
_PERSONAL = (
    *("Personnummer", "PERSNR", "Pnr", "Personnr", "Pers.nr", "Person nr", "Samordningsnummer", "Personal identity number"),
    *("Social security number", "SSN"),
)
PERSON: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"person_id": _PERSON_ID, "name": _NAME, "first_name": _FIRST, "last_name": _LAST, "personal_number": _PERSONAL}
)
"""Columns that say whom a row is about, in every table."""

_WORDS = ("Kompetens", "Kompetenser", "Kompetensområde", "Kunskap", "Färdighet", "Område", "Competence", "Skill", "Kan")
_CONCEPT = ("Kompetens-id", "Begrepps-id", "Begrepp", "Concept", "Kompetenskod", "Concept uri", "Skill id")
_LEVEL = ("Nivå", "Kompetensnivå", "Grad", "Level", "Steg", "Nivå 1-5", "Nivå (1-5)")
_DAY = ("Datum", "Dag", "Date", "Registrerad", "Uppdaterad", "Senast uppdaterad", "När", "Datum registrerat")
_SOURCE = ("Källa", "Uppgift från", "Uppgiftslämnare", "Source")
_VISIBILITY = ("Synlighet", "Synlig för", "Vem får se", "Visibility")
_START = (
    *("Från", "Fr.o.m.", "From", "Startdatum", "Anställd from", "Anställningsdatum", "Anst.datum", "Anst from", "Start"),
    *("Tillträde", "Datum from", "Fr o m", "Start date", "Hire date", "Anställd fr.o.m.", "ANST_FROM", "FROM_DAT"),
)
_END = (
    *("Till", "T.o.m.", "Tom", "Slutdatum", "Anställd tom", "Anst tom", "Slut", "Datum tom", "T o m", "End date", "End"),
    *("Anställd t.o.m.", "ANST_TOM", "TOM_DAT", "To"),
)
_SITE = ("Plats", "Arbetsplats", "Arbetsställe", "Ort", "Arbetsort", "Site", "Location", "Placeringsort", "Workplace")
_MANAGER = (
    *("Chef", "Närmaste chef", "Chefs anst.nr", "Chef anst.nr", "Ansvarig chef", "Chef-id", "Manager", "Line manager"),
    *("Manager id", "Managers", "Chefer", "CHEF_ANSTNR", "Enhetschef"),
)
_UNIT = (
    *("Enhet", "Enhetskod", "ENHET_KOD", "Enhets-id", "Orgenhet", "Org.enhet", "Organisationsenhet", "Enhetsnamn", "Avdelning"),
    *("Arbetslag", "Orgkod", "ORG_KOD", "Unit", "Unit id", "Department", "Placering", "ORG_ENHET", "Enhet-id", "ENHETSKOD"),
)

HEADINGS: Mapping[str, Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "people": {
            **PERSON,
            "sex": ("Kön", "Sex", "Gender", "Juridiskt kön"),
            "birth": (
                *("Födelseår", "Född", "Föd.år", "Födelsedatum", "Födår", "FODAR", "FODELSEAR", "Birth year", "Birth date"),
                *("Year of birth", "Date of birth"),
            ),
            "age": ("Ålder", "Age"),
            "age_band": ("Åldersgrupp", "Åldersklass", "Åldersintervall", "Age group"),
            "unit_id": tuple(u for u in _UNIT if u not in ("Enhetsnamn",)),
            "unit_name": (
                "Enhetsnamn",
                "ENHET_NAMN",
                "Enhet namn",
                "Enhetens namn",
                "Unit name",
                "Department name",
                "ENHETSNAMN",
            ),
            "title": (
                *("Befattning", "Titel", "Yrkestitel", "Befattningsbenämning", "Benämning", "Yrke", "Roll", "Tjänst", "Title"),
                *("Job title", "Role", "Position", "BEF_BEN", "BEFATTN", "Befattningstext", "Etikett", "Occupation"),
            ),
            "title_share": ("Andel", "Rollandel", "Andel av tjänst", "Befattning andel", "Role share"),
            "role_id": ("Roll-id",),
            "form": (
                *("Anställningsform", "ANST_FORM", "Anst.form", "Anställningstyp", "Form", "Employment form", "Contract type"),
                *("Employment type",),
            ),
            "share": (
                *("Sysselsättningsgrad", "SYSS_GRAD", "Syss.grad", "Sysselsättningsgrad %", "Syss.grad %", "Tjänstgöringsgrad"),
                *("Tj.grad", "FTE", "Anställningsgrad", "Sysgrad", "Sysselsättningsgrad (%)", "Share", "Omfattning"),
            ),
            "aid": ("AID", "AID-kod", "AID etikett", "AID-etikett", "Etikettkod"),
            "start": _START,
            "end": _END,
            "manager_ids": _MANAGER,
            "site": _SITE,
            "capacity": ("Antal adepter", "Kapacitet", "Kapacitet mentor", "Max adepter", "Capacity", "Mentor capacity"),
            "protected": (
                *("Skyddad", "Skyddad identitet", "Skyddade personuppgifter", "Sekretessmarkering", "Sekretess", "Skydd"),
                *("Skyddad folkbokföring", "Protected", "Protected identity"),
            ),
            "mentor": ("Mentor", "Vill vara mentor", "Kan vara mentor", "Mentor ja/nej"),
            "mentee": ("Adept", "Vill ha mentor", "Vill vara adept", "Mentee", "Adept ja/nej"),
            "rotation": ("Rotation", "Vill rotera", "Jobbrotation", "Vill byta", "Arbetsrotation"),
            "expert": ("Expert", "Vill vara expert", "Får kontaktas", "Får sökas", "Kan kontaktas"),
            "prompts": ("Frågor", "Får frågor", "Får förslag", "Förslag om kompetens", "Prompts"),
            "person_end": ("Slutar", "Avgång", "Avgångsdatum", "Sista arbetsdag", "Slutar sin anställning", "Last day"),
            "day": _DAY,
            "source": _SOURCE,
            "visibility": _VISIBILITY,
            "statement": ("Egna ord", "Övrig kompetens", "Övriga kompetenser", "Kan också", "Annan kompetens", "Own words"),
        },
        "units": {
            "unit_id": ("Enhetskod", *(u for u in _UNIT if u not in ("Enhetskod", "Enhetsnamn", "Arbetslag")), "Kod"),
            "name": ("Enhetsnamn", "Namn", "Benämning", "ENHET_NAMN", "Unit name", "Enhetens namn"),
            "parent_id": (
                *("Överordnad enhet", "Överordnad", "Överordnad kod", "Tillhör", "Ingår i", "Parent", "Parent unit"),
                *("Överordnad enhetskod", "Moderenhet", "Hör till"),
            ),
            "manager_ids": _MANAGER,
            "site": _SITE,
            "max_moving_share": (
                *("Största andel som flyttar", "Största andel i rörelse", "Max andel flytt", "Max moving share", "Flyttandel"),
                *("Största andel som får flytta", "Största flyttandel"),
            ),
            "start": _START,
            "end": _END,
        },
        "posts": {
            "post_id": ("Tjänst-id", "Tjänstnr", "Tjänstenummer", "Tjänste-id", "Post-id", "Position id", "Befattningsnr"),
            "unit_id": _UNIT,
            "roles": ("Roller", "Roll", "Befattning", "Titel", "Roles", "Role", "Title", "Befattningar"),
            "title_share": ("Andel", "Rollandel", "Role share"),
            "role_id": ("Roll-id",),
            "share": ("Sysselsättningsgrad", "SYSS_GRAD", "FTE", "Syss.grad", "Omfattning", "Tjänstgöringsgrad"),
            "holder_id": ("Innehavare", "Innehavare anst.nr", "Innehas av", "Holder", "Tillsatt av", "Innehavarens anst.nr"),
            "min_staffing": ("Minsta bemanning", "Minimibemanning", "Min bemanning", "Lägsta bemanning", "Minimum staffing"),
        },
        "role_requirements": {
            "role_id": ("Roll-id",),
            "title": ("Roll", "Befattning", "Titel", "Yrkesroll", "Role", "Title", "Job title"),
            "title_en": ("Roll (engelska)", "Befattning (engelska)", "Title en", "Role (English)"),
            "alternative_titles": ("Andra benämningar", "Alternativa titlar", "Alternative titles"),
            "alternative_titles_en": ("Andra benämningar (engelska)",),
            "sector": ("Sektor", "Förvaltning", "Sector"),
            "ssyk": ("SSYK", "SSYK-kod", "SSYK 2012"),
            "isco": ("ISCO", "ISCO-08"),
            "aid": ("AID", "AID-kod"),
            "concept_id": (_WORDS[0], *_CONCEPT, *_WORDS[1:], "Krav på kompetens", "Kompetenskrav"),
            "level": ("Nivå", *_LEVEL[1:], "Kravnivå", "Krävd nivå"),
            "importance": ("Viktighet", "Betydelse", "Ska/bör", "Importance", "Kravtyp", "Prioritet"),
            "weight": ("Vikt", "Weight"),
            "hard": ("Lagkrav", "Hårt krav", "Krav enligt lag", "Hard", "Måste enligt lag", "Formellt krav"),
            "source": ("Källa", "Lagrum", "Stöd", "Källa till krav", "Source"),
            "scheme": ("Taxonomi",),
        },
        "statements": {
            **PERSON,
            "statement_id": ("Utsage-id", "Berättelse-id", "Uttalande-id"),
            "text": (
                *("Vad jag kan", "Egna ord", "Berättelse", "Uttalande", "Utsaga", "Det här kan jag", "Beskrivning", "Text"),
                *("Statement", "Own words", "Jag kan", "Kompetens med egna ord", "Vad kan du", "Fritext", "What I can do"),
                *("Beskriv din kompetens", "Vad kan du som inte syns i din titel", "Svar"),
            ),
            "lang": ("Språkkod", "Språk i texten", "Lang"),
            "learnt_where": ("Var lärt", "Lärt var", "Var har du lärt dig det", "Lärde mig", "Learnt where", "Where learnt"),
            "day": _DAY,
            "source": _SOURCE,
            "level": _LEVEL,
            "heading": ("Från matris",),
            "visibility": _VISIBILITY,
        },
        "evidence": {
            **PERSON,
            "evidence_id": ("Belägg-id", "Bevis-id"),
            "concept_id": _CONCEPT,
            "words": (*_WORDS, "Words"),
            "level": _LEVEL,
            "source": (*_SOURCE, "Typ av belägg", "Belägg", "Typ av bevis"),
            "learning_form": ("Lärform", "Form av lärande", "Lärandeform", "Learning form"),
            "day": (*_DAY, "Utfärdad", "Intygsdatum", "Issued"),
            "author": ("Utfärdare", "Lämnad av", "Bedömare", "Av", "Author", "Intygat av", "Issued by"),
            "statement_id": ("Utsage-id",),
            "stage": ("Steg i validering", "Valideringssteg", "Valideringsläge", "Stage", "Validation stage"),
            "visibility": _VISIBILITY,
            "probability": ("Sannolikhet",),
            "label": ("Begreppets namn",),
            "valid_until": ("Giltig till", "Giltigt till", "Giltig t.o.m.", "Giltighetstid", "Upphör", "Valid until", "Expires"),
        },
        "interests": {
            **PERSON,
            "words": (*_WORDS, "Intresseområde", "Words", "Vad"),
            "kind": ("Vill", "Intresse", "Typ av intresse", "Jag vill", "Interest", "Kind", "Wants to"),
            "concept_id": _CONCEPT,
        },
        "travel": {
            "from_site": ("Från plats", "Från", "Från ort", "From site", "From", "Plats 1", "Plats A", "Från arbetsplats"),
            "to_site": ("Till plats", "Till", "Till ort", "To site", "To", "Plats 2", "Plats B", "Till arbetsplats"),
            "minutes": ("Minuter", "Restid", "Restid (min)", "Restid i minuter", "Minutes", "Travel time", "Restid min"),
        },
        "history": {
            "kind": ("Händelse", "Typ", "Typ av händelse", "Kind", "Slag"),
            **PERSON,
            "other_id": ("Andra personen", "Mentor", "Med", "Motpart", "Other", "Mentor anst.nr", "Tillsammans med"),
            "from_unit": ("Från enhet", "From unit", "Tidigare enhet"),
            "to_unit": ("Till enhet", "To unit", "Ny enhet"),
            "start": _START,
            "end": _END,
        },
        "decisions": {
            "kind": ("Förslag", "Typ av förslag", "Slag av förslag", "Suggestion", "Kind", "Typ"),
            "choice": ("Beslut", "Val", "Choice", "Decision"),
            "people": ("Personer", "Berörda", "People", "Persons", "Anst.nr berörda"),
            "target": ("Avser", "Mål", "Target", "Gäller"),
            "decided_by": ("Beslutat av", "Beslutsfattare", "Decided by"),
            "day": ("Datum", "Beslutsdatum", "Day", "Date"),
            "alternatives": ("Alternativ", "Alternatives"),
            "reasoning": ("Motivering", "Skäl", "Reasoning", "Reason"),
            "equality_reasoning": ("Jämställdhetsresonemang", "Jämställdhet", "Equality reasoning"),
        },
        "delegations": {
            "delegator_id": ("Delegerad av", "Delegerande", "Delegent", "Delegerad från", "Delegator", "Delegated by"),
            "delegate_id": ("Delegerad till", "Mottagare", "Delegat", "Delegated to", "Delegate"),
            "task": ("Delegerad uppgift", "Arbetsuppgift", "Uppgift", "Åtgärd", "Delegering avser", "Task"),
            "unit_id": _UNIT,
            "start": _START,
            "end": (*_END, "Giltig till", "Giltigt till", "Giltig t.o.m.", "Gäller till"),
        },
    }
)

REQUIRED: Mapping[str, tuple[tuple[str, ...], ...]] = MappingProxyType(
    {
        "people": (("person_id", "name", "first_name", "last_name", "personal_number"),),
        "units": (("unit_id", "name"), ("name", "parent_id", "max_moving_share", "manager_ids")),
        "posts": (("unit_id",), ("roles",), ("holder_id", "min_staffing", "post_id")),
        "role_requirements": (("title", "role_id"), ("concept_id",)),
        "statements": (("person_id", "name", "first_name", "last_name", "personal_number"), ("text",)),
        "evidence": (("person_id", "name", "first_name", "last_name", "personal_number"), ("words", "concept_id")),
        "interests": (
            ("person_id", "name", "first_name", "last_name", "personal_number"),
            ("words", "concept_id"),
            ("kind",),
        ),
        "travel": (("from_site",), ("to_site",), ("minutes",)),
        "history": (("kind",), ("person_id", "name", "first_name", "last_name"), ("other_id", "to_unit", "from_unit")),
        "decisions": (("choice",), ("people",)),
        "delegations": (("delegator_id",), ("delegate_id",), ("task",), ("end",)),
    }
)
"""For each table, groups of columns of which at least one each must be there."""

MULTIPLE = frozenset({"title", "roles", "title_share", "manager_ids"})
"""Columns that may come several times (``Befattning 1``, ``Befattning 2``; ``Chef 1``, ``Chef 2``)."""

SHEETS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "people": (
            "Personal",
            "Personer",
            "Medarbetare",
            "Anställda",
            "People",
            "Staff",
            "Kompetensmatris",
            "Matris",
            "Employees",
        ),
        "units": ("Enheter", "Organisation", "Org", "Units"),
        "posts": ("Tjänster", "Befattningar", "Poster", "Posts", "Positions"),
        "role_requirements": ("Rollkrav", "Kravprofiler", "Kompetenskrav", "Krav", "Role requirements", "Requirements"),
        "statements": ("Egna ord", "Berättelser", "Uttalanden", "Statements", "Utsagor"),
        "evidence": ("Belägg", "Kompetenser", "Evidence", "Intyg", "Bevis", "Kompetens"),
        "interests": ("Intressen", "Önskemål", "Interests"),
        "travel": ("Restider", "Resor", "Travel"),
        "history": ("Historik", "History", "Tidigare par"),
        "decisions": ("Beslut", "Decisions"),
        "delegations": ("Delegeringar", "Delegering", "Delegations", "Delegeringsbeslut"),
    }
)
"""Names of sheets and files that hint at a table; the first is written to files."""

# REQ-DP-3: what we must not hold. A heading is forbidden when it is one of these as a whole ...
_FORBIDDEN = (
    *("lön", "pay", "hälsa", "health", "fack", "union", "tro", "ursprung", "origin", "betyg", "varning", "varningar", "rating"),
    *("prestation", "performance", "religion", "disciplin", "barn", "antal barn", "civilstånd", "graviditet", "allergi", "iq"),
    *("allergier", "medicin", "mediciner", "handikapp", "hudfärg", "parti", "politik", "politisk åsikt", "sexuell läggning"),
    *(
        "rehab",
        "rehabilitering",
        "sjuk",
        "sick",
        "vab",
        "sjuktal",
        "lön kr",
        "resultat",
        "potential",
        "score",
        "bonus",
        "ethnicity",
    ),
    *("family status", "marital status", "disability", "funktionsnedsättning", "bankkonto", "kontonummer", "disciplinary"),
    *("facklig", "fackligt uppdrag", "fackligt förtroendevald", "medlem i facket", "union role", "personlighet", "race"),
    *("trade union", "trade union role", "flyktingbakgrund", "utländsk bakgrund", "modersland", "ras", "brott", "straff"),
)
# ... or when one of its words begins with one of these. "Sjukvård" and "Lönehandläggning" are competences: only
# words that cannot name one stand here.
_FORBIDDEN_STARTS = (
    *(
        "månadslön",
        "timlön",
        "grundlön",
        "årslön",
        "lönebelopp",
        "lönetillägg",
        "lönegrad",
        "lönenivå",
        "salary",
        "wage",
        "frånvaro",
    ),
    *(
        "sjukfrånvaro",
        "lönenivå",
        "sjukdag",
        "sjukskriv",
        "sjuklön",
        "absence",
        "prestationsbe",
        "lönekriteri",
        "medarbetarbetyg",
        "omdöme",
    ),
    *(
        "facklig",
        "fackförbund",
        "facktillhör",
        "fackmedlem",
        "religio",
        "trosuppfatt",
        "nationalit",
        "medborgarskap",
        "etnic",
        "etnisk",
    ),
    *("födelseland", "diagnos", "hälsotillstånd", "personlighetstest", "inkomst", "sjukpenning", "partitillhör", "hälsoläge"),
)
_FORBIDDEN_PHRASES = ("sick leave", "sick days", "country of birth", "performance rating", "lön 20", "lön (", "union member")

# Ordinary columns of no use here whose cells could be mistaken for marks of a matrix (0-5, x, A-E).
_USELESS = (
    *("nr", "rad", "radnr", "#", "no", "antal", "grupp", "schema", "schemagrupp", "schemarad", "turnus", "lag", "team", "summa"),
    *("totalt", "total", "aktiv", "status", "semester", "rum", "våning", "plan", "kommentar", "kommentarer", "anteckning"),
    *("anteckningar", "notering", "övrigt", "telefon", "tel", "mobil", "e-post", "epost", "mail", "e-mail", "email", "adress"),
    *(
        "postnr",
        "postnummer",
        "postort",
        "kostnadsställe",
        "konto",
        "avtal",
        "kol_avtal",
        "las_dagar",
        "las-dagar",
        "las",
        "medel",
    ),
    *(
        "summa x",
        "antal x",
        "medelvärde",
        "genomsnitt",
        "prio",
        "ordning",
        "sortering",
        "version",
        "natt",
        "dag",
        "kväll",
        "helg",
    ),
    *(
        "skåp",
        "nyckel",
        "tagg",
        "skostorlek",
        "storlek",
        "behörighetsgrupp",
        "zon",
        "område nr",
        "vikariepool",
        "index",
        "sum",
        "count",
    ),
)


@cache
def split_number(heading: str) -> tuple[str, int]:
    """Return a folded heading without its trailing number, and the number (0 if there is none)."""
    match = re.fullmatch(r"(\D+?)(\d{1,2})", fold(heading))
    return (match[1], int(match[2])) if match else (fold(heading), 0)


@cache
def _fields(table: str) -> Mapping[str, str]:
    found: dict[str, str] = {}
    # The first heading of each column is the one written to files: it must always win over another column's synonym.
    for field, headings in HEADINGS[table].items():
        found.setdefault(fold(headings[0]), field)
    for field, headings in HEADINGS[table].items():
        for heading in (field, *headings[1:]):
            found.setdefault(fold(heading), field)
    return MappingProxyType(found)


def fields_of(table: str, heading: str) -> str | None:
    """Return the column of ``table`` that a heading means, or None."""
    known = _fields(table)
    folded = fold(heading)
    if folded in known:
        return known[folded]
    stem, number = split_number(heading)
    field = known.get(stem) if number else None
    return field if field in MULTIPLE else None


def known_fields(table: str) -> frozenset[str]:
    """Return every column that files may have for ``table``."""
    return frozenset(HEADINGS[table])


@cache
def hinted_table(name: str) -> str | None:
    """Return the table that the name of a sheet or file points at, or None.

    Examples
    --------
    >>> hinted_table("Enheter 2025"), hinted_table("Blad1")
    ('units', None)
    """
    plain = re.sub(r"[\d_]+", " ", name.rsplit(".", 1)[0] if "." in name else name)
    for table in TABLES:
        if fold(plain) in {fold(s) for s in (table, *SHEETS[table])}:
            return table
    return None


_FORBIDDEN_FOLDED = frozenset(fold(w) for w in _FORBIDDEN)
_STARTS_FOLDED = tuple(fold(w) for w in _FORBIDDEN_STARTS)
_USELESS_FOLDED = frozenset(fold(w) for w in _USELESS)


@cache
def is_forbidden(heading: str) -> bool:
    """Say whether a column must not be held (REQ-DP-3): pay, absence, rating, health, union, faith, origin.

    Examples
    --------
    >>> is_forbidden("Lön 2024"), is_forbidden("Sjukfrånvaro %"), is_forbidden("Sjukvård"), is_forbidden("Lönehandläggning")
    (True, True, False, False)
    """
    plain = " ".join(heading.casefold().split())
    stem, _ = split_number(heading)
    if stem in _FORBIDDEN_FOLDED or re.sub(r"\d+$", "", fold(heading)) in _FORBIDDEN_FOLDED:
        return True
    if any(phrase in plain for phrase in _FORBIDDEN_PHRASES):
        return True
    return any(fold(w).startswith(_STARTS_FOLDED) for w in re.split(r"[\s_/\-.,()]+", plain) if w)


@cache
def is_known_useless(heading: str) -> bool:
    """Say whether a heading is an ordinary column of no use here, never a competence."""
    return fold(heading) in _USELESS_FOLDED or split_number(heading)[0] in _USELESS_FOLDED
