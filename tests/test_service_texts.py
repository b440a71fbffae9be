"""Every text of the pages has Swedish, and the compiled catalogue is the written one."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from competence_service import translations


def test_every_text_in_templates_and_code_has_swedish() -> None:
    catalog = translations.read()
    lacking = []
    for message in translations.texts():
        found = catalog.get(message if isinstance(message, str) else message[0])
        if found is None or not (all(found.string) if isinstance(found.string, tuple) else found.string):
            lacking.append(message)
    assert lacking == [], "run: python -m competence_service.translations, then write the Swedish"


def test_no_text_is_left_over() -> None:
    used = {m if isinstance(m, str) else m[0] for m in translations.texts()}
    known = {m.id if isinstance(m.id, str) else m.id[0] for m in translations.read() if m.id}
    assert known - used == set()


def test_the_compiled_texts_are_the_written_ones() -> None:
    path = Path(translations.__file__).parent / "sv" / "LC_MESSAGES" / "messages.mo"
    assert path.read_bytes() == translations.compiled(translations.read())


def test_translations_name_the_same_values_as_the_texts() -> None:
    for message in translations.read():
        if not message.id:
            continue
        ids = message.id if isinstance(message.id, tuple) else (message.id,)
        strings = message.string if isinstance(message.string, tuple) else (message.string,)
        wanted = set(re.findall(r"%\((\w+)\)s", ids[0]))
        for string in strings:
            assert set(re.findall(r"%\((\w+)\)s", string)) == wanted, ids[0]


def test_updating_what_is_up_to_date_changes_no_byte(tmp_path: Path) -> None:
    source = Path(translations.__file__).parent / "sv" / "LC_MESSAGES"
    folder = shutil.copytree(source, tmp_path / "sv")
    assert translations.update(folder) == []
    for name in ("messages.po", "messages.mo"):
        assert (folder / name).read_bytes() == (source / name).read_bytes(), name


def test_no_text_promises_that_anything_is_fair() -> None:
    for message in translations.read():
        for text in (str(message.id), str(message.string)):
            assert not re.search(r"\b(fair|unbiased|rättvis|objektiv|fördomsfri)", text, re.IGNORECASE), text
