"""The library's objects that are costly to make: one taxonomy and linker, and the graphs of a few imports.

A graph is made from the store when it is first asked for. Decisions made since are joined to it without making it again.
The number kept is bounded; a lock makes sure that two requests do not build the same one.
"""

from __future__ import annotations

from collections import OrderedDict
from copy import copy
from dataclasses import dataclass
from functools import cached_property
from threading import Lock, RLock

from competence.graph import CompetenceGraph, build_graph
from competence.linking import Linker
from competence.staff import Staff
from competence.taxonomy import Taxonomy
from competence_service.config import Config
from competence_service.imports import Importer
from competence_service.store import ImportRow, Store

__all__ = ["Library"]


@dataclass(frozen=True, slots=True)
class _Kept:
    """The graph of an import as it was read, and with the decisions there were when their number was ``decisions``."""

    base: CompetenceGraph
    decisions: int
    graph: CompetenceGraph


class Library:
    """Makes and keeps what the requests share.

    Parameters
    ----------
    config : Config
        Settings, audience and how many graphs to keep.
    store : Store
        Where rows and decisions come from.
    """

    def __init__(self, config: Config, store: Store) -> None:
        self._config = config
        self._store = store
        self._graphs: OrderedDict[str, _Kept] = OrderedDict()
        self._drafts: dict[str, Staff] = {}
        self._lock = RLock()
        self._making = Lock()

    @cached_property
    def taxonomy(self) -> Taxonomy:
        """The municipal taxonomy that comes with the library."""
        return Taxonomy.bundled("municipal")

    @property
    def linker(self) -> Linker:
        """The linker of that taxonomy, from the library's disk cache where there is one."""
        with self._making:
            return self._linker

    @cached_property
    def _linker(self) -> Linker:
        return Linker.fit(self.taxonomy, settings=self._config.settings)

    def importer(self) -> Importer:
        """Return what reads files into the store."""
        return Importer(
            store=self._store,
            folder=self._config.uploads,
            taxonomy=self.taxonomy,
            linker=self.linker,
            settings=self._config.settings,
            audience=self._config.audience,
            recent=self._drafts,
        )

    def current(self) -> tuple[ImportRow, CompetenceGraph] | None:
        """Return the import confirmed last and its graph; None before the first."""
        row = self._store.current_import()
        return None if row is None else (row, self.graph(row))

    def graph(self, row: ImportRow) -> CompetenceGraph:
        """Return the graph of a confirmed import with every decision made so far.

        A decision changes no holding, but the next suggestions read it (paired before, pinned, rejected).
        """
        count = self._store.decision_count()
        with self._lock:
            kept = self._graphs.get(row.id)
            base = self._build(row) if kept is None else kept.base
            if kept is None or kept.decisions != count:
                kept = _Kept(base, count, self._with_decisions(base))
                self._graphs[row.id] = kept
            self._graphs.move_to_end(row.id)
            while len(self._graphs) > max(self._config.graphs, 1):
                self._graphs.popitem(last=False)
            return kept.graph

    def _build(self, row: ImportRow) -> CompetenceGraph:
        return build_graph(
            self._store.staff(row.id),
            self.taxonomy,
            linker=self.linker,
            audience=row.audience,
            settings=self._config.settings,
        )

    def _with_decisions(self, base: CompetenceGraph) -> CompetenceGraph:
        """Return the graph of an import with the decisions that stand; its arrays are shared, since none changes."""
        present = {p.person_id for p in base.staff.people}
        decisions = [d for d in self._store.standing_decisions() if present.issuperset(d.people)]
        if not decisions:
            return base
        graph = copy(base)
        graph.staff = base.staff.with_decisions(decisions)
        return graph
