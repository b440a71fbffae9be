"""Reading an employer's files into a Staff, and writing tables and workbooks: the only code that opens HR files.

``_files`` opens them safely, ``_headings`` knows what exports call things, ``_tables`` finds headings and tables,
``_values`` reads cells, ``_reading`` joins everything to one Staff, ``_writing`` writes; none of these needs a taxonomy.
``_paragraphs`` and ``_documents`` read a CV or another text of one's own into statements.
``_own`` opens an employer's own table over the taxonomy, its AID list and its choices of what words mean.
"""

from __future__ import annotations

from competence.io._documents import Block, Document, read_document
from competence.io._own import read_aid, read_local, read_merges, read_words
from competence.io._reading import Scale, decisions_from_frame, read_staff
from competence.io._writing import write_graph, write_staff, write_tables

__all__ = [
    "Block",
    "Document",
    "Scale",
    "decisions_from_frame",
    "read_aid",
    "read_document",
    "read_local",
    "read_merges",
    "read_staff",
    "read_words",
    "write_graph",
    "write_staff",
    "write_tables",
]
