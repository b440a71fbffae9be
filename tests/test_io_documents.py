"""Reading what people have written of themselves: their words kept, their contact details not, and no file that harms."""

from __future__ import annotations

import io
import logging
import struct
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from broken_files import _compound, _lying
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from competence.cli import cli
from competence.errors import CompetenceError, InputError, MissingExtraError, UnreadableFileError
from competence.io import Document, read_document
from competence.io._documents import _sentences, _without_contact, _without_numbers
from competence.io._paragraphs import BlockKind, _joined, _vocabulary, open_text
from competence.linking import Linker
from competence.model import LearntWhere, Source, Visibility
from competence.taxonomy import Taxonomy

DATA = Path(__file__).parent / "data" / "documents"
CVS = ("cv.docx", "cv.odt", "cv_writer.pdf", "cv_typst.pdf", "cv_columns.pdf")
PAGES = {"cv_writer.pdf": 2, "cv_typst.pdf": 2, "cv_columns.pdf": 1}

WORK, EDUCATION, ASSOCIATION = LearntWhere.WORK, LearntWhere.EDUCATION, LearntWhere.ASSOCIATION
ABROAD, OWN = LearntWhere.OTHER_COUNTRY, LearntWhere.OWN_PROJECT

# What the CV says, passage by passage, copied from the text it was made from: words, where learnt, language, page.
SAID = (
    (
        "Jag är undersköterska med femton års erfarenhet av äldreomsorg och personcentrerad demensvård. Jag möter oroliga "
        "anhöriga och är den som kollegorna hämtar när en situation på avdelningen håller på att bli hotfull.",
        None,
        "sv",
        1,
    ),
    (
        "Jag trivs bäst när arbetslaget delar på ansvaret och när de boende märker att vi har gott om tid för var och en av dem.",
        None,
        "sv",
        1,
    ),
    ("Undersköterska, Solgårdens äldreboende, 2014–2024", WORK, "sv", 1),
    (
        "Kontaktman för sex boende på en avdelning för personer med demenssjukdom, med levnadsberättelse, genomförandeplan och "
        "uppföljning tillsammans med närstående.",
        WORK,
        "sv",
        1,
    ),
    ("Läkemedelsdelegering och insulindelegering sedan 2015.", WORK, "sv", 1),
    ("Dokumenterade i Treserva och lärde nya kollegor hur man skriver så att nästa arbetspass förstår.", WORK, "sv", 1),
    ("Handledde elever från vård- och omsorgsprogrammet, två åt gången, varje termin.", WORK, "sv", 1),
    ("Restaurangbiträde, Restaurang Hamnkrogen, 2009–2013", WORK, "sv", 1),
    ("Storköksmatlagning för 140 gäster, specialkost och egenkontroll.", WORK, "sv", 1),
    ("Vård- och omsorgsprogrammet, Österlengymnasiet, 2013–2014.", EDUCATION, "sv", 1),
    ("Silviasystrarnas kurs i demensvård, fem dagar, 2016.", EDUCATION, "sv", 1),
    ("Hjärt-lungräddning, förnyad 2023.", EDUCATION, "sv", 1),
    ("Förflyttningsteknik, 2022.", EDUCATION, "sv", 1),
    (
        "Kassör i Ystads simsällskap sedan 2018. Jag sköter bokföringen, söker föreningsbidrag och planerar sommarlägret för "
        "åttio barn.",
        ASSOCIATION,
        "sv",
        1,
    ),
    ("Svenska | modersmål", None, "sv", 1),
    ("Finska | flytande i tal och skrift", None, "sv", 1),
    ("Engelska | god", None, "sv", 1),
    ("B-körkort.", None, "sv", 1),
    ("Care assistant, Kotipaikka Home Care, Turku, 2005–2008", ABROAD, "en", 2),
    (
        "Home care for older people in the archipelago, often alone and far from the nearest colleague, which taught me to plan "
        "the day around ferries and weather.",
        ABROAD,
        "en",
        2,
    ),
    ("De-escalation of threatening situations at night.", ABROAD, "en", 2),
    ("Interpreted between Finnish and Swedish at doctor's appointments.", ABROAD, "en", 2),
    ("Upper secondary school, business programme, Turku, 2002–2005.", EDUCATION, "en", 2),
    (
        "I have coached a girls' swimming team for eight years and led the association's first-aid group. When a parent is upset "
        "I listen first and suggest something concrete afterwards; most conflicts end there.",
        ASSOCIATION,
        "en",
        2,
    ),
    ("I repair bicycles, sew clothes for the whole family and grow vegetables on an allotment.", OWN, "en", 2),
)


@pytest.fixture(scope="module")
def linker() -> Linker:
    return Linker.fit(Taxonomy.bundled("municipal"))


def outcome(data: bytes, name: str = "") -> Document | str:
    """Return the document, or what the error says."""
    try:
        return read_document(data, name=name)
    except CompetenceError as error:
        return str(error)


def ends_well(came: Document | str) -> bool:
    return isinstance(came, Document) or len(came.splitlines()) == 1


# A CV as people have it


@pytest.mark.parametrize("name", CVS)
def test_a_cv_gives_every_passage_in_its_own_words_with_page_language_and_where_it_was_learnt(name: str) -> None:
    document = read_document(DATA / name)
    is_pdf = name.endswith(".pdf")
    # The lines of a table have no bars in a PDF, and Typst curves apostrophes.
    wanted = [
        (text.replace(" | ", " ") if is_pdf else text, where, lang, min(page, PAGES[name]) if is_pdf else None)
        for text, where, lang, page in SAID
    ]
    read = [(b.text.replace("’", "'"), b.learnt_where, b.lang, b.page) for b in document.passages]
    assert read == wanted
    assert document.pages == PAGES.get(name)
    assert document.format == name.rsplit(".", 1)[1]


@pytest.mark.parametrize("name", CVS)
def test_nothing_to_reach_or_identify_anybody_by_and_nothing_forbidden_is_kept(name: str) -> None:
    document = read_document(DATA / name)
    kept = " ".join(block.text for block in document.blocks) + repr(document) + repr(list(document.problems))
    for gone in ("Aalto", "Ekgatan", "271 31", "070", "@", "810412", "1234", "Holm", "0411", "Kommunal", "Föräldraledig"):
        assert gone not in kept
    # Name, address, telephone and number are four lines; one reference, one sentence on absence, one under union membership.
    told = document.problems.by_code()
    assert told == {
        # Typst repeats the name in its footer, which goes with the margins.
        "document_contact": 4,
        "personal_id_in_text": 1,
        "document_others": 1,
        "document_forbidden_text": 1,
        "document_forbidden": 1,
    }
    (forbidden,) = [p for p in document.problems if p.code == "document_forbidden"]
    assert forbidden.column == "Facklig tillhörighet"
    for problem in document.problems:
        for lang in ("sv", "en"):
            assert problem.message(lang)
            assert problem.remedy(lang)


@pytest.mark.parametrize("name", CVS)
def test_the_competences_of_a_cv_are_linked_with_words_that_stand_in_it(name: str, linker: Linker) -> None:
    texts = [block.text for block in read_document(DATA / name).passages]
    links = [link for found in linker.link_many(texts) for link in found.accepted]
    named = {link.concept_id for link in links}
    assert {
        "dementia-care",
        "medicine-giving",
        "first-aid-and-cpr",
        "transfer-technique",
        "finnish",
        "driving-licence-b",
    } <= named
    words = set(" ".join(texts).lower().split())
    assert all(part in " ".join(words) for link in links for part in link.words.lower().split())


def test_statements_are_the_persons_own_private_and_of_the_day_given() -> None:
    document = read_document(DATA / "cv.docx")
    statements = document.to_statements("10014", as_of=date(2026, 3, 1))
    assert [s.text for s in statements] == [text for text, *_ in SAID]
    assert {(s.person_id, s.source, s.visibility, s.day) for s in statements} == {
        ("10014", Source.SELF, Visibility.PRIVATE, date(2026, 3, 1))
    }
    assert len({s.statement_id for s in statements}) == len(statements)
    assert statements == read_document(DATA / "cv.docx").to_statements("10014", as_of=date(2026, 3, 1))
    other = document.to_statements("10015", as_of=date(2026, 3, 1), visibility=Visibility.UNIT)
    assert not {s.statement_id for s in other} & {s.statement_id for s in statements}
    assert {s.visibility for s in other} == {Visibility.UNIT}


@pytest.mark.parametrize("key", ["", "810412-1234", "198104121234"])
def test_a_personal_identity_number_is_no_key(key: str) -> None:
    with pytest.raises(InputError, match="employer's own key"):
        read_document(text="Jag talar finska").to_statements(key)


def test_a_path_its_bytes_and_a_stream_give_the_same() -> None:
    path = DATA / "cv.odt"
    data = path.read_bytes()
    one = read_document(path)
    assert one == read_document(str(path)) == read_document(data, name="cv.odt") == read_document(io.BytesIO(data), name="cv.odt")
    with path.open("rb") as stream:
        assert read_document(stream) == one


# Text


def read(text: str) -> list[tuple[BlockKind, str]]:
    return [(b.kind, b.text) for b in read_document(text=text).blocks]


def test_wrapped_lines_are_joined_hyphens_that_broke_a_word_go_and_those_that_belong_stay() -> None:
    text = (
        "Jag har arbetat länge i äldreomsorgen och lärt mig att lugna oroliga anhö-\n"
        "riga när läget är svårt. På natten är jag ensam och ringer vård-\n"
        "och omsorgsjouren bara när det verkligen behövs.\n"
        "Finska\n"
        "- Kör buss\n"
        "  och minibuss\n"
        "• Talar arabiska\n"
    )
    # "och minibuss" is not joined: nothing shows that the line before it was full.
    assert read(text) == [
        (
            BlockKind.PARAGRAPH,
            "Jag har arbetat länge i äldreomsorgen och lärt mig att lugna oroliga anhöriga när läget är svårt. På natten är jag "
            "ensam och ringer vård- och omsorgsjouren bara när det verkligen behövs.",
        ),
        (BlockKind.PARAGRAPH, "Finska"),
        (BlockKind.BULLET, "Kör buss"),
        (BlockKind.PARAGRAPH, "och minibuss"),
        (BlockKind.BULLET, "Talar arabiska"),
    ]


@pytest.mark.parametrize(
    ("before", "after", "whole"),
    [
        ("oroliga anhö-", "riga", "oroliga anhöriga"),
        ("vård-", "och omsorg", "vård- och omsorg"),
        ("hjärt-", "lungräddning", "hjärt-lungräddning"),
        ("Sri-", "Lanka", "Sri-Lanka"),
        ("två rader", "utan streck", "två rader utan streck"),
        ("åren 2014 -", "ett tag", "åren 2014 - ett tag"),
        ("skickar e-", "post", "skickar e-post"),
        ("de-", "eskalera", "de-eskalera"),
    ],
)
def test_two_lines_become_one(before: str, after: str, whole: str) -> None:
    # The document writes de-eskalera elsewhere, and so shows that the hyphen belongs to the word.
    assert _joined(before, after, _vocabulary(["att de-eskalera", before, after])) == whole


def test_a_long_paragraph_becomes_groups_of_whole_sentences_and_loses_no_word() -> None:
    sentences = [f"Jag har gjort sak nummer {n} i tjugo år, t.ex. på natten." for n in range(12)]
    text = " ".join(sentences)
    passages = [p.text for p in read_document(text=text).passages]
    assert " ".join(passages) == text
    assert all(len(p) <= 280 and p.endswith("natten.") for p in passages)
    endless = "ord " * 1000
    assert " ".join(p.text for p in read_document(text=endless).passages).split() == endless.split()


def test_shortened_words_and_initials_end_no_sentence() -> None:
    assert _sentences("Arbetade med bl.a. Treserva. Chef var K. Holm. Slut") == [
        "Arbetade med bl.a. Treserva.",
        "Chef var K. Holm.",
        "Slut",
    ]


def test_headings_are_no_statements_and_tell_where_the_rest_was_learnt() -> None:
    document = read_document(
        text="KURSER:\nSvetsning\n\nIdeella uppdrag\nKassör\n\nHemma\nVårdar min mor\n\nUtbildning och kurser\nSpråk 1\n\n"
        "Övrigt\nUtbildning: barnskötare"
    )
    assert [(p.section, p.text, p.learnt_where) for p in document.passages] == [
        ("KURSER", "Svetsning", EDUCATION),
        ("Ideella uppdrag", "Kassör", ASSOCIATION),
        ("Hemma", "Vårdar min mor", LearntWhere.HOME),
        ("Utbildning och kurser", "Språk 1", EDUCATION),
        ("Övrigt", "Utbildning: barnskötare", EDUCATION),
    ]


@pytest.mark.parametrize(
    "line",
    [
        "Storgatan 5, 123 45 Ystad",
        "Maria Aalto, 0411-57 70 00",
        "Tel: 070 123 45 67",
        "Mobil +46 70 123 45 67",
        "maria@example.org",
        "linkedin.com/in/maria",
        "Född 1981 i Åbo",
        "Adress: Byn, Skåne",
        "810412-1234",
        "810412 1234",
        "1981-04-12-1234",
        "Personnummer 19810412-1234",
        "Namn | Maria",
    ],
)
def test_a_line_of_contact_details_is_dropped_and_counted(line: str) -> None:
    document = read_document(text=f"Profil\n{line}\n\nJag talar finska")
    assert [p.text for p in document.passages] == ["Jag talar finska"]
    assert document.problems.by_code()["document_contact"] == 1


def test_a_sentence_with_a_number_or_an_address_is_kept_without_it() -> None:
    document = read_document(text="Jag vikarierade för 850161-1234 och svarade på jour@example.org hela sommaren")
    assert [p.text for p in document.passages] == ["Jag vikarierade för […] och svarade på […] hela sommaren"]
    assert document.problems.by_code() == {"personal_id_in_text": 1, "document_masked": 1}


@pytest.mark.parametrize(
    "said",
    [
        "Undersköterska 2010-12 – 2013-05",
        "2014–2019",
        "Svetslicens 3834-2, 2020",
        "Storkök för 140 gäster",
        "Fackliga förhandlingar enligt MBL",
        "Rehabilitering av sjukskrivna",
        "Lönehandläggning",
        "Elever med diagnoser",
        "Resultat: kortare köer",
    ],
)
def test_years_figures_and_tasks_are_neither_numbers_of_persons_nor_forbidden(said: str) -> None:
    document = read_document(text=f"Jag talar finska\n\n{said}")
    assert document.blocks[1].text == said
    assert not document.problems
    assert _without_numbers(said) == (said, 0)
    assert _without_contact(said) == (said, 0)


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ("Lön: 31 000", "document_forbidden"),
        ("Nationalitet: svensk", "document_forbidden"),
        ("Civilstånd: gift", "document_forbidden"),
        ("Föräldraledig 2011", "document_forbidden_text"),
        ("Medlem i Kommunal", "document_forbidden_text"),
        ("Fackligt ombud 2015–2018", "document_forbidden_text"),
        ("Referenser lämnas på begäran", "document_others"),
    ],
)
def test_what_must_not_be_held_is_dropped_and_counted(said: str, code: str) -> None:
    document = read_document(text=f"Jag talar finska\n\n{said}\n\nJag kör buss")
    assert [p.text for p in document.passages] == ["Jag talar finska", "Jag kör buss"]
    assert document.problems.by_code() == {code: 1}


def test_a_forbidden_section_ends_where_the_next_begins() -> None:
    document = read_document(text="HÄLSA\nOnt i ryggen\nSover dåligt\n\nSpråk\nFinska")
    assert [p.text for p in document.passages] == ["Finska"]
    assert [(p.column, p.count) for p in document.problems] == [("HÄLSA", 2)]


def test_cp1252_utf16_and_marks_of_byte_order_are_read() -> None:
    for encoding in ("utf-8", "utf-8-sig", "cp1252", "utf-16"):
        document = read_document("Lugnar oroliga anhöriga".encode(encoding), name="kan.txt")
        assert [p.text for p in document.passages] == ["Lugnar oroliga anhöriga"], encoding


@given(st.text(max_size=400))
@settings(max_examples=150)
def test_any_text_ends_in_passages_of_its_own_words_or_one_line(text: str) -> None:
    came = outcome(text.encode(), "kan.txt")
    assert ends_well(came)
    if isinstance(came, Document):
        assert all(p.text == " ".join(p.text.split()) for p in came.passages)
        assert all(statement.text for statement in came.to_statements("7"))


@given(
    st.lists(st.sampled_from(["Talar finska flytande.", "- Kör buss", "", "Utbildning", "svetsa och"]), min_size=1, max_size=30)
)
def test_text_without_hyphens_keeps_every_word_in_order(lines: list[str]) -> None:
    text = "\n".join([*lines, "slut"])
    said = " ".join(p.text for p in open_text("text", text).paragraphs)
    assert said.split() == text.replace("- ", "").split()


# Small writers of the formats

W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
PARAGRAPH = "<w:p><w:r><w:t>Jag talar finska</w:t></w:r></w:p>"


def zipped(**members: bytes | str) -> bytes:
    return zipped_all({name.replace("__", "/").replace("_DOT_", "."): content for name, content in members.items()})


def zipped_all(members: dict[str, bytes | str]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return out.getvalue()


def docx(body: str = PARAGRAPH, **more: bytes | str) -> bytes:
    members: dict[str, bytes | str] = {
        "[Content_Types].xml": "<Types/>",
        "word/document.xml": f"<w:document {W}><w:body>{body}</w:body></w:document>",
    }
    return zipped_all(members | {name.replace("__", "/").replace("_DOT_", "."): content for name, content in more.items()})


ODT_TYPE = "application/vnd.oasis.opendocument.text"
ODT_NAMES = " ".join(
    f'xmlns:{short}="urn:oasis:names:tc:opendocument:xmlns:{short}:1.0"' for short in ("office", "text", "table", "style")
)


def odt(body: str = "<text:p>Jag talar finska</text:p>", **more: bytes | str) -> bytes:
    members: dict[str, bytes | str] = {
        "mimetype": ODT_TYPE,
        "content.xml": f"<office:document-content {ODT_NAMES}><office:body><office:text>{body}</office:text></office:body>"
        "</office:document-content>",
    }
    return zipped_all(members | {name.replace("__", "/").replace("_DOT_", "."): content for name, content in more.items()})


def pdf(
    *contents: bytes, count: int | None = None, extra: bytes = b"", resources: bytes = b"", more: tuple[bytes, ...] = ()
) -> bytes:
    """Write a PDF with one page for each content stream, then what more objects it has."""
    kids = b" ".join(b"%d 0 R" % (4 + 2 * k) for k in range(len(contents)))
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [%s] /Count %d >>" % (kids, len(contents) if count is None else count),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
    ]
    for k, content in enumerate(contents):
        objects += [
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents %d 0 R /Resources << /Font << /F1 3 0 R >> %s >> >>"
            % (5 + 2 * k, resources),
            content if content.startswith(b"<<") else b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), content),
        ]
    objects += more
    out, places = bytearray(b"%PDF-1.4\n"), []
    for number, content in enumerate(objects, start=1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % place for place in places)
    out += b"trailer\n<< /Size %d /Root 1 0 R %s >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, extra, start)
    return bytes(out)


def shown(text: str) -> bytes:
    return b"BT /F1 11 Tf 72 700 Td (%s) Tj ET" % text.encode("cp1252")


def texts(document: Document) -> list[str]:
    return [block.text for block in document.blocks]


def test_word_shows_what_a_reader_sees_and_nothing_else() -> None:
    body = (
        '<w:p><w:pPr><w:pStyle w:val="Rubrik1"/></w:pPr><w:r><w:t>Utbildning</w:t></w:r></w:p>'
        '<w:p><w:pPr><w:numPr><w:numId w:val="1"/></w:numPr></w:pPr><w:r><w:t xml:space="preserve">Kurs i </w:t></w:r>'
        "<w:r><w:t>demens</w:t></w:r><w:r><w:t>vård</w:t></w:r></w:p>"
        "<w:p><w:ins><w:r><w:t>Tillagt</w:t></w:r></w:ins><w:del><w:r><w:delText>Struket</w:delText></w:r></w:del></w:p>"
        "<w:p><w:r><w:rPr><w:vanish/></w:rPr><w:t>Dolt</w:t></w:r><w:r><w:t>Synligt</w:t><w:br/><w:t>Ny rad</w:t></w:r></w:p>"
        "<w:p><w:r><w:instrText>PAGE</w:instrText></w:r><w:hyperlink><w:r><w:t>Länkad text</w:t></w:r></w:hyperlink></w:p>"
        "<w:p><w:r><mc:AlternateContent xmlns:mc='x'><mc:Choice><w:txbxContent><w:p><w:r><w:t>I en ruta</w:t></w:r></w:p>"
        "</w:txbxContent></mc:Choice><mc:Fallback><w:p><w:r><w:t>I en ruta</w:t></w:r></w:p></mc:Fallback>"
        "</mc:AlternateContent></w:r></w:p>"
        "<w:tbl><w:tr><w:tc><w:p><w:r><w:t>Finska</w:t></w:r></w:p></w:tc><w:tc><w:p><w:r><w:t>flytande</w:t></w:r></w:p></w:tc></w:tr></w:tbl>"
        "<w:sectPr/>"
    )
    styles = f'<w:styles {W}><w:style w:styleId="Rubrik1"><w:name w:val="heading 1"/></w:style></w:styles>'
    document = read_document(docx(body, word__styles_DOT_xml=styles), name="cv.docx")
    assert [(b.kind.value, b.text) for b in document.blocks] == [
        ("heading", "Utbildning"),
        ("bullet", "Kurs i demensvård"),
        ("paragraph", "Tillagt"),
        ("paragraph", "Synligt"),
        ("paragraph", "Ny rad"),
        ("paragraph", "Länkad text"),
        ("paragraph", "I en ruta"),
        ("row", "Finska | flytande"),
    ]
    assert {b.learnt_where for b in document.blocks} == {EDUCATION}


def test_an_odt_is_read_without_struck_text_and_comments() -> None:
    body = (
        "<text:tracked-changes><text:changed-region><text:deletion><text:p>Struket</text:p></text:deletion></text:changed-region>"
        "</text:tracked-changes><text:h text:outline-level='1'>Kurser</text:h>"
        "<text:list><text:list-item><text:p>Kör<text:s text:c='999999999'/>buss</text:p><text:list><text:list-item>"
        "<text:p>och minibuss</text:p></text:list-item></text:list></text:list-item></text:list>"
        "<text:p>Talar<office:annotation><text:p>Kommentar</text:p></office:annotation> finska<text:line-break/>Svetsar</text:p>"
    )
    document = read_document(odt(body), name="cv.odt")
    assert [(b.kind.value, b.text) for b in document.blocks] == [
        ("heading", "Kurser"),
        ("bullet", "Kör buss"),
        ("bullet", "och minibuss"),
        ("paragraph", "Talar finska"),
        ("paragraph", "Svetsar"),
    ]


def test_a_table_with_headings_in_its_first_column_tells_where_each_row_was_learnt() -> None:
    def row(*cells: str) -> str:
        return f"<w:tr>{''.join(f'<w:tc><w:p><w:r><w:t>{c}</w:t></w:r></w:p></w:tc>' for c in cells)}</w:tr>"

    body = f"<w:tbl>{row('Utbildning', 'Barnskötare')}{row('', 'Kurs i svetsning')}{row('Fritid', 'Syr kläder')}</w:tbl>"
    document = read_document(docx(body), name="cv.docx")
    assert [(b.section, b.text, b.learnt_where) for b in document.blocks] == [
        ("Utbildning", "Barnskötare", EDUCATION),
        ("Utbildning", "Kurs i svetsning", EDUCATION),
        ("Fritid", "Syr kläder", OWN),
    ]


def test_a_pdf_without_its_ending_in_the_name_is_known_by_its_content() -> None:
    assert texts(read_document(pdf(shown("Jag talar finska")))) == ["Jag talar finska"]


def test_two_columns_of_a_pdf_are_read_one_after_the_other() -> None:
    def column(x: int, *lines: str) -> bytes:
        return b"".join(
            b"BT /F1 11 Tf %d %d Td (%s) Tj ET\n" % (x, 700 - 14 * k, line.encode("cp1252")) for k, line in enumerate(lines)
        )

    content = column(60, "Talar finska", "Svetsar") + column(300, "Har lett ett stort projekt om hur vi", "planerar natten.")
    assert texts(read_document(pdf(content), name="cv.pdf")) == [
        "Talar finska",
        "Svetsar",
        "Har lett ett stort projekt om hur vi planerar natten.",
    ]


# Files that harm, or cannot be read


def many_pages(n: int) -> bytes:
    return pdf(*[shown(f"Svetsade rum {k}") for k in range(n)])


def bomb(member: str, before: dict[str, bytes | str]) -> bytes:
    return zipped_all(before | {member: b" " * 80_000_000})


def entities() -> str:
    declared = "".join(f'<!ENTITY e{k} "{f"&e{k - 1};" * 10 if k else "lol"}">' for k in range(9))
    return f"<!DOCTYPE w [{declared}]><w:document {W}><w:body><w:p><w:r><w:t>&e8;</w:t></w:r></w:p></w:body></w:document>"


def outside() -> str:
    return (
        f'<!DOCTYPE w [<!ENTITY x SYSTEM "secret.txt">]><w:document {W}><w:body><w:p><w:r><w:t>&x;</w:t>'
        "</w:r></w:p></w:body></w:document>"
    )


def forms(depth: int) -> bytes:
    """Write a PDF whose form draws another ten times, and so on: ten to the power of depth drawings."""
    names = b" ".join(b"/X%d %d 0 R" % (k, 6 + k) for k in range(depth))
    more = []
    for k in range(depth):
        content = b"/X%d Do " % (k + 1) * 10 if k < depth - 1 else shown("Svetsar") * 200
        more.append(
            b"<< /Type /XObject /Subtype /Form /BBox [0 0 9 9] /Resources << /Font << /F1 3 0 R >> /XObject << %s >> >> "
            b"/Length %d >>\nstream\n%s\nendstream" % (names, len(content), content)
        )
    return pdf(b"/X0 Do", resources=b"/XObject << %s >>" % names, more=tuple(more))


def deflated(content: bytes) -> bytes:
    packed = zlib.compress(content, 9)
    return b"<< /Length %d /Filter /FlateDecode >>\nstream\n%s\nendstream" % (len(packed), packed)


def circle() -> bytes:
    return pdf(shown("x")).replace(b"/Kids [4 0 R]", b"/Kids [2 0 R]")


REAL = {name: (DATA / name).read_bytes() for name in CVS}
HARMFUL: dict[str, tuple[str, Callable[[], bytes], str]] = {
    "docx with macros": ("cv.docx", lambda: docx(word__vbaProject_DOT_bin=b"\xd0\xcf\x11\xe0macro"), "document_macros"),
    "docm": ("cv.docm", docx, "document_macros"),
    "macros declared": (
        "cv.docx",
        lambda: zipped_all(
            {
                "[Content_Types].xml": "<Types><Override ContentType='vnd.ms-word.document.macroEnabled.main+xml'/></Types>",
                "word/document.xml": f"<w:document {W}><w:body>{PARAGRAPH}</w:body></w:document>",
            }
        ),
        "document_macros",
    ),
    "odt with Basic": ("cv.odt", lambda: odt(Basic__Standard__Module1_DOT_xml="<module/>"), "document_macros"),
    "odt with a script": ("cv.odt", lambda: odt(Scripts__python__x_DOT_py="import os"), "document_macros"),
    "10 000 pages": ("cv.pdf", lambda: many_pages(10_000), "document_too_many_pages"),
    "10 000 pages that claim to be one": ("cv.pdf", lambda: pdf(*[shown("x")] * 10_000, count=1), "document_too_many_pages"),
    "201 pages": ("cv.pdf", lambda: many_pages(201), "document_too_many_pages"),
    "10 000 pages of Word": (
        "cv.docx",
        lambda: docx(f'{PARAGRAPH}<w:p><w:r><w:br w:type="page"/></w:r></w:p>' * 10_000),
        "document_too_many_pages",
    ),
    "too much text": ("cv.txt", lambda: b"Jag talar finska och kan laga mat.\n\n" * 20_000, "document_too_long"),
    "too many elements": ("cv.docx", lambda: docx("<w:p/>" * 700_000), "document_too_long"),
    "too large": ("cv.txt", lambda: b"finska " * 3_000_000, "document_too_large"),
    "zip in docx": ("cv.docx", lambda: docx(word__embeddings__more_DOT_zip=zipped(a=b"x")), "document_packed"),
    "docx in odt": ("cv.odt", lambda: odt(Object_DOT_docx=docx()), "document_packed"),
    "zip of a docx": ("cv.zip", lambda: zipped(cv_DOT_docx=docx()), "document_unknown"),
    "zip called docx": ("cv.docx", lambda: zipped(cv_DOT_docx=docx()), "document_unknown"),
    "gzip called txt": ("cv.txt", lambda: b"\x1f\x8b\x08" + bytes(300), "document_unknown"),
    "zip bomb": (
        "cv.docx",
        lambda: bomb("word/media/image1.png", {"word/document.xml": f"<w:document {W}/>"}),
        "document_too_large",
    ),
    "lying zip bomb": ("cv.docx", lambda: _lying(bomb("word/document.xml", {})), "document_too_large"),
    "locked docx": ("cv.docx", lambda: _compound("EncryptedPackage"), "document_password"),
    "old doc": ("cv.doc", lambda: _compound("WordDocument"), "document_unknown"),
    "locked odt": (
        "cv.odt",
        lambda: odt(**{"META-INF__manifest_DOT_xml": "<manifest:file-entry><manifest:encryption-data/></manifest:file-entry>"}),
        "document_password",
    ),
    "locked pdf": (
        "cv.pdf",
        lambda: pdf(
            shown("x"),
            extra=b"/Encrypt << /Filter /Standard /V 1 /R 2 /O (%s) /U (%s) /P -4 >> /ID [(aaaaaaaaaaaaaaaa) (aaaaaaaaaaaaaaaa)]"
            % (b"o" * 32, b"u" * 32),
        ),
        "document_password",
    ),
    "entities": ("cv.docx", lambda: zipped_all({"word/document.xml": entities()}), "document_damaged"),
    "entity of a file": ("cv.docx", lambda: zipped_all({"word/document.xml": outside()}), "document_damaged"),
    "entities in odt": ("cv.odt", lambda: zipped_all({"mimetype": ODT_TYPE, "content.xml": entities()}), "document_damaged"),
    "deep": ("cv.docx", lambda: docx("<w:tbl><w:tr><w:tc>" * 20_000), "document_damaged"),
    "half a docx": ("cv.docx", lambda: REAL["cv.docx"][:3000], "document_damaged"),
    "half an odt": ("cv.odt", lambda: REAL["cv.odt"][:9000], "document_damaged"),
    "first kilobyte of a pdf": ("cv.pdf", lambda: REAL["cv_writer.pdf"][:1000], "document_damaged"),
    "pages in a circle": ("cv.pdf", circle, "document_damaged"),
    "pdf called docx": ("cv.docx", lambda: pdf(shown("x")), "document_not_as_named"),
    "docx called pdf": ("cv.pdf", docx, "document_not_as_named"),
    "text called docx": ("cv.docx", lambda: b"Jag talar finska", "document_not_as_named"),
    "odt called txt": ("cv.txt", odt, "document_not_as_named"),
    "workbook": ("cv.xlsx", lambda: zipped(xl__workbook_DOT_xml="<workbook/>"), "document_unknown"),
    "picture": ("cv.png", lambda: b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 4, "document_unknown"),
    "rtf": ("cv.rtf", lambda: b"{\\rtf1 Jag talar finska}", "document_unknown"),
    "web page": ("cv.html", lambda: b"<!DOCTYPE html><p>Jag talar finska", "document_unknown"),
    "pdf of pictures": ("cv.pdf", lambda: pdf(b"q 595 0 0 842 0 0 cm /Im1 Do Q"), "document_no_text"),
    "docx without words": ("cv.docx", lambda: docx("<w:p/>"), "document_no_text"),
    "only figures": ("cv.txt", lambda: b"1 2 3", "document_no_text"),
    "empty": ("cv.pdf", lambda: b"", "file_empty"),
    "blank": ("cv.txt", lambda: b" \n \n", "file_empty"),
    "stream that unpacks to 50 MB": ("cv.pdf", lambda: pdf(deflated(b"q Q " * 12_500_000)), "document_too_long"),
    "drawing without end": ("cv.pdf", lambda: pdf(*[deflated(b"0 0 m " * 300_000)] * 20), "document_too_long"),
}


@pytest.mark.parametrize("kind", HARMFUL)
def test_a_harmful_or_unreadable_file_ends_in_one_line_that_says_what_to_do(kind: str, tmp_path: Path) -> None:
    name, made, code = HARMFUL[kind]
    path = tmp_path / name
    path.write_bytes(made())
    with pytest.raises(UnreadableFileError) as caught:
        read_document(path)
    problem = caught.value.problem
    assert problem is not None
    assert problem.code == code
    assert str(caught.value).startswith(f"{name}: ")
    for line in (str(caught.value), problem.message("sv"), problem.remedy("sv"), problem.message("en"), problem.remedy("en")):
        assert line.strip()
        assert len(line.splitlines()) == 1


def test_forms_that_draw_each_other_a_million_times_end() -> None:
    # Without a limit this would not end within the patience of any test run.
    assert ends_well(outcome(forms(7), "cv.pdf"))
    # One inside the other, drawn once each, is read.
    assert isinstance(outcome(forms(1), "cv.pdf"), Document)


def test_running_heads_and_page_numbers_in_the_margins_of_a_pdf_are_no_paragraphs() -> None:
    def page(n: int) -> bytes:
        head = b"BT /F1 9 Tf 72 800 Td (Mina kunskaper, utskrift %d) Tj ET BT /F1 9 Tf 300 30 Td (Sida %d av 3) Tj ET " % (n, n)
        return head + b"BT /F1 11 Tf 72 700 Td (Svetsar rum %d) Tj ET" % n

    document = read_document(pdf(page(1), page(2), page(3)), name="cv.pdf")
    assert [(b.page, b.text) for b in document.blocks] == [(1, "Svetsar rum 1"), (2, "Svetsar rum 2"), (3, "Svetsar rum 3")]


def test_a_long_but_ordinary_pdf_of_200_pages_is_read() -> None:
    assert read_document(many_pages(200), name="cv.pdf").pages == 200


def test_a_missing_file_and_odd_sources_are_refused_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFileError, match=r"none\.pdf: The file does not exist"):
        read_document(tmp_path / "none.pdf")
    with pytest.raises(UnreadableFileError, match="cannot be opened"):
        read_document(tmp_path)
    with pytest.raises(InputError, match="got neither"):
        read_document()
    with pytest.raises(InputError, match="got both"):
        read_document(b"x", text="x")
    with pytest.raises(InputError, match="binary stream; got StringIO"):
        read_document(io.StringIO("x"))  # type: ignore[arg-type]
    with pytest.raises(UnreadableFileError, match="empty"):
        read_document(text=" ")
    with pytest.raises(UnreadableFileError, match="more text"):
        read_document(text="ord " * 400_000)


@given(
    st.sampled_from(CVS), st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.binary(max_size=6)), min_size=1, max_size=8)
)
@settings(max_examples=60)
def test_a_damaged_file_ends_in_a_document_or_one_line(name: str, faults: list[tuple[float, bytes]]) -> None:
    data = bytearray(REAL[name])
    for place, put in faults:
        at = int(place * len(data))
        data[at : at + len(put)] = put
    came = outcome(bytes(data), name)
    assert ends_well(came)
    if isinstance(came, Document):
        assert "Ekgatan 12 B, 271 31 Ystad" not in texts(came)


def test_a_faulty_pdf_writes_nothing_and_leaves_logging_as_it_was(capfd: pytest.CaptureFixture[str]) -> None:
    before = logging.getLogger("pypdf").level
    faulty = REAL["cv_writer.pdf"].replace(b"startxref\n39080", b"startxref\n1")
    assert len(read_document(faulty, name="cv.pdf").passages) == len(SAID)
    assert capfd.readouterr() == ("", "")
    assert logging.getLogger("pypdf").level == before


def test_without_pypdf_a_pdf_says_how_to_install_it_and_the_rest_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pypdf", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'competence\[documents\]'"):
        read_document(DATA / "cv_writer.pdf")
    assert read_document(DATA / "cv.docx").passages


def test_reading_a_document_loads_neither_pandas_nor_the_network(root: Path) -> None:
    code = (
        "import sys, competence as cp; cp.read_document(sys.argv[1]); "
        "print([m for m in ('pandas', 'requests', 'urllib.request', 'sklearn') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, DATA / "cv_typst.pdf"], cwd=root, capture_output=True, text=True, timeout=60
    )
    assert (done.stdout.strip(), done.stderr) == ("[]", "")


# The command


@pytest.fixture
def small() -> str:
    return str(Path(__file__).parent / "data" / "taxonomy_small")


def run(*arguments: str | Path, data: bytes | None = None) -> tuple[int, str, str]:
    result = CliRunner().invoke(cli, [str(a) for a in arguments], input=data)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.stdout, result.stderr


def test_the_command_prints_statements_with_competences_probability_and_quoted_words(small: str) -> None:
    code, out, err = run("document", DATA / "cv_writer.pdf", "--taxonomy", small, "--lang", "en")
    assert (code, err) == (0, "")
    assert out.startswith("cv_writer.pdf (pdf, 2 pages): 25 statements.\n")
    assert "\nUtbildning, page 1\n  Vård- och omsorgsprogrammet, Österlengymnasiet, 2013–2014.\n" in out
    (finnish,) = [line for line in out.splitlines() if "→ Finnish" in line and "Finska" in line]
    assert "percent, by the words “Finska" in finnish
    assert "Lines of name and contact details left out: 4." in out
    assert "Aalto" not in out
    code, out, _ = run("document", DATA / "cv.odt", "--taxonomy", small)
    assert code == 0
    assert "cv.odt (odt): 25 utsagor." in out
    assert "Under ”Facklig tillhörighet” står sådant som inte får hanteras" in out


def test_the_command_takes_pasted_text_and_ends_with_2_and_one_line_for_what_cannot_be_read(small: str, tmp_path: Path) -> None:
    code, out, _ = run("document", "-", "--taxonomy", small, data=b"Jag talar finska")
    assert code == 0
    assert "Jag talar finska" in out
    path = tmp_path / "cv.docx"
    path.write_bytes(docx(word__vbaProject_DOT_bin=b"x"))
    code, out, err = run("document", path, "--taxonomy", small)
    assert (code, out) == (2, "")
    assert err == "Fel: cv.docx: Dokumentet har makron och öppnades inte. Spara det som .docx, .odt eller PDF utan makron.\n"
    assert run("document", tmp_path / "none.pdf")[0] == 2


def test_bytes_of_any_kind_end_in_a_document_or_one_line() -> None:
    for head in (b"PK\x03\x04", b"PK\x05\x06", b"%PDF-1.7\n", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"\xff\xfe", b"{", b""):
        for tail in (
            b"",
            b"\0" * 600,
            struct.pack("<300I", *range(300)),
            b"trailer << /Root 1 0 R >> startxref 0 %%EOF",
            b"a b c",
        ):
            assert ends_well(outcome(head + tail)), (head, tail)
