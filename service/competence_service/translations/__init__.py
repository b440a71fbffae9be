"""Texts of the pages: English stands in templates and code, Swedish in ``sv/LC_MESSAGES/messages.po``.

``python -m competence_service.translations`` adds new texts to the .po file and makes the .mo file that the pages read;
both are kept in the repository, so that an installed package needs nothing more. A test fails when a text has no
translation or the .mo file is old.
"""

from __future__ import annotations

from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

__all__ = ["compiled", "read", "texts", "update"]

_METHODS = [("translations/**", "ignore"), ("**.py", "python"), ("templates/**.html", "jinja2")]
_KEYWORDS = {"_": None, "gettext": None, "ngettext": (1, 2)}
_HEADER = "# Swedish texts of the pages. After a change: python -m competence_service.translations"


def _folder() -> Path:
    return Path(__file__).parent


def texts() -> list[str | tuple[str, ...]]:
    """Return every text in templates and code, those with a plural as (one, many)."""
    found = extract_from_dir(str(_folder().parent), method_map=_METHODS, keywords=_KEYWORDS)
    return sorted({message for _, _, message, _, _ in found}, key=str)


def read(path: Path | None = None) -> Catalog:
    """Return the Swedish texts as they stand in the .po file."""
    path = path or _folder() / "sv" / "LC_MESSAGES" / "messages.po"
    with path.open("rb") as file:
        catalog = read_po(file, locale="sv")
    # Else the hour of reading would stand in the .mo file, which must be the same whenever it is made.
    catalog.creation_date = catalog.revision_date = datetime(2000, 1, 1, tzinfo=UTC)
    return catalog


def compiled(catalog: Catalog) -> bytes:
    """Return the .mo file of a catalogue."""
    buffer = BytesIO()
    write_mo(buffer, catalog)
    return buffer.getvalue()


def update(folder: Path | None = None) -> list[str]:
    """Bring .po and .mo up to date with templates and code, and return the texts that still lack Swedish.

    Parameters
    ----------
    folder : Path, optional
        Where messages.po stands; None means the package's own.
    """
    folder = folder or _folder() / "sv" / "LC_MESSAGES"
    old = read(folder / "messages.po")
    new = Catalog(locale="sv", header_comment=_HEADER, fuzzy=False)
    for message in texts():
        known = old.get(message if isinstance(message, str) else message[0])
        new.add(message, known.string if known else "")
    buffer = BytesIO()
    write_po(buffer, new, width=0, no_location=True)
    # Dates and addresses of the tool's own would make every run differ.
    lines = buffer.getvalue().decode("utf-8").splitlines()
    kept = [line for line in lines if not line.startswith(_TOOL_LINES)]
    (folder / "messages.po").write_text("\n".join(kept).rstrip() + "\n", encoding="utf-8")
    catalog = read(folder / "messages.po")
    (folder / "messages.mo").write_bytes(compiled(catalog))
    return [str(m.id) for m in catalog if m.id and not (all(m.string) if isinstance(m.string, tuple) else m.string)]


_TOOL_LINES = tuple(
    f'"{name}:'
    for name in (
        *("Project-Id-Version", "Report-Msgid-Bugs-To", "POT-Creation-Date", "PO-Revision-Date", "Last-Translator"),
        *("Language-Team", "Generated-By"),
    )
)
