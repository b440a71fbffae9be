"""What stands on the screen for one document: its statements, and the competences each names with the words quoted."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from competence._texts import text

if TYPE_CHECKING:
    from competence.io import Block, Document
    from competence.linking import Link, Links
    from competence.taxonomy import Taxonomy

__all__ = ["print_document"]

_WIDTH = 110


def print_document(document: Document, links: Sequence[Links[Link]], taxonomy: Taxonomy, lang: str) -> None:
    """Print every passage under its heading, what each names, and by number what was left out."""
    passages = document.passages
    shape = {"name": document.name, "format": document.format, "count": len(passages)}
    pages = document.pages
    click.echo(
        text("cli.document.read", lang, **shape) if pages is None else text("cli.document.pages", lang, pages=pages, **shape)
    )
    above = None
    for passage, linked in zip(passages, links, strict=True):
        heading = _heading(passage, lang)
        if heading != above and heading:
            click.echo(f"\n{heading}")
        above = heading
        click.echo(textwrap.fill(passage.text, _WIDTH, initial_indent="  ", subsequent_indent="  "))
        for link in linked.accepted:
            label = taxonomy.concept(link.concept_id).label(lang)
            share = f"{100 * link.probability:.0f}"
            click.echo(f"    → {text('cli.document.linked', lang, label=label, share=share, words=link.words)}")
        if not linked.accepted:
            click.echo(f"    – {text('cli.document.unlinked', lang)}")
    met = [{link.concept_id for link in linked.accepted} for linked in links]
    concepts = len(set().union(*met))
    click.echo("\n" + text("cli.document.summary", lang, linked=sum(map(bool, met)), count=len(passages), concepts=concepts))
    if document.problems:
        click.echo(text("cli.document.left", lang))
        for problem in document.problems:
            click.echo(f"  {problem.message(lang)}")


def _heading(passage: Block, lang: str) -> str:
    if passage.page is None:
        return passage.section
    return text("cli.document.under", lang, section=passage.section, page=passage.page).lstrip(" ,")
