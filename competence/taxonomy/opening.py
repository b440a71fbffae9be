"""Which reader or writer a path goes to: the format is named, or told from the files.

This module decides nothing of content; each format has a module of its own (:mod:`~competence.taxonomy.files` for ours,
:mod:`~competence.taxonomy.tables` for releases of tables, :mod:`~competence.taxonomy.skos`, :mod:`~competence.taxonomy.case`).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

from competence.errors import InputError, Problems, UnreadableFileError
from competence.taxonomy.core import FORMATS, WRITTEN, Taxonomy
from competence.taxonomy.releases import Release, layout, layout_names, load_json
from competence.taxonomy.tables import files_of, read_tables

__all__ = ["read_any", "recognised", "write_any"]

TaxonomyT = TypeVar("TaxonomyT", bound=Taxonomy)

_ENDINGS = {".json": "case", ".zip": "csv", "": "csv"}


def read_any(
    cls: type[TaxonomyT],
    path: str | Path | Sequence[str | Path],
    format: str | None = None,
    langs: str | Sequence[str] | None = None,
) -> tuple[TaxonomyT, Problems]:
    """Read what lies at ``path``, with a Problem for all that could not be used; see :meth:`Taxonomy.read`."""
    if format is not None and format not in FORMATS:
        raise InputError(f"format must be one of {', '.join(FORMATS)}, or None to tell it from the files; got {format!r}")
    places = [Path(path)] if isinstance(path, str | Path) else [Path(p) for p in path]
    wanted = (langs,) if isinstance(langs, str) else None if langs is None else tuple(langs)
    if wanted is not None and not (wanted and all(wanted)):
        raise InputError(f"langs must be language codes such as 'sv', or None for all; got {langs!r}")
    release = Release(places)
    found = format or recognised(release)
    if found == "csv":
        from competence.taxonomy.files import read_csv

        return read_csv(cls, release)
    if found == "skos":
        from competence.taxonomy.skos import read_skos

        return read_skos(cls, release, wanted)
    if found == "case":
        from competence.taxonomy.case import read_case

        return read_case(cls, release, wanted)
    return read_tables(cls, release, found, wanted)


def recognised(release: Release) -> str:
    """Tell the format by the names of the files, and of a lone ``.json`` by what it holds.

    Raises
    ------
    UnreadableFileError
        If no format is met; the message says what each looks for.
    InputError
        If several are.
    """
    if "concepts.csv" in release:
        return "csv"
    looked_for = {"csv": ["concepts.csv"]}
    found = []
    for name in layout_names():
        declared = layout(name)
        looked_for[name] = [*declared.get("recognised_by", ()), *(f"*{ending}" for ending in declared.get("suffixes", ()))]
        if any(True for _ in files_of(declared.get("recognised_by", ()), release)):
            found.append(name)
    if not found:
        graphs = layout("skos")["suffixes"]
        if any(name.lower().endswith(".json") for name in release.names):
            found = [_json_format(release)]
        elif any(Path(name).suffix.lower() in graphs for name in release.names):
            found = ["skos"]
    if len(found) > 1:
        raise InputError(f"{release.name} may be {' or '.join(found)}; say which with format=")
    if not found:
        told = "; ".join(f"{name}: {', '.join(files)}" for name, files in looked_for.items() if files)
        raise UnreadableFileError(f"{release.name} has no file of a taxonomy that is known ({told})")
    return found[0]


def _json_format(release: Release) -> str:
    name = next(n for n in release.names if n.lower().endswith(".json"))
    values = load_json(release, name)
    if isinstance(values, dict) and ("CFItems" in values or "CFDocument" in values):
        return "case"
    if isinstance(values, dict) and isinstance(values.get("data"), dict):
        return "jobtech"
    if isinstance(values, list) or (isinstance(values, dict) and ({"@context", "@graph", "@id"} & set(values))):
        return "skos"
    raise UnreadableFileError(f"{release.shown(name)} is neither a CASE package, JSON-LD nor an answer of JobTech")


def write_any(taxonomy: Taxonomy, path: Path, format: str | None = None) -> Path:
    """Write a taxonomy; see :meth:`Taxonomy.write`."""
    ending = path.suffix.lower()
    graphs = layout("skos")["suffixes"]
    chosen = format or _ENDINGS.get(ending, "skos" if ending in graphs else "csv")
    if chosen not in WRITTEN:
        raise InputError(f"format must be one of {', '.join(WRITTEN)}, or None to go by the ending; got {format!r}")
    if chosen == "csv":
        from competence.taxonomy.files import write_csv

        return write_csv(taxonomy, path)
    if chosen == "case":
        from competence.taxonomy.case import case_text

        content = case_text(taxonomy)
    else:
        from competence.taxonomy.skos import skos_text

        if ending not in graphs:
            raise InputError(f"a SKOS file ends in {', '.join(graphs)}; got {path.name}")
        content = skos_text(taxonomy, graphs[ending])
    path.write_text(content, encoding="utf-8", newline="")
    return path
