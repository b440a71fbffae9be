"""The library's objects that are costly to make: one taxonomy and linker, and the graphs of a few imports.

A graph is made from the store when it is first asked for, and again when decisions have been added. The number kept is
bounded; a lock makes sure that two requests do not build the same one.
"""

from __future__ import annotations

from collections import OrderedDict
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
        self._graphs: OrderedDict[tuple[str, int], CompetenceGraph] = OrderedDict()
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
        key = (row.id, self._store.decision_count())
        with self._lock:
            found = self._graphs.get(key)
            if found is None:
                found = self._build(row)
                # What knows fewer decisions is of no more use.
                for old in [k for k in self._graphs if k[0] == row.id]:
                    del self._graphs[old]
                self._graphs[key] = found
                while len(self._graphs) > max(self._config.graphs, 1):
                    self._graphs.popitem(last=False)
            self._graphs.move_to_end(key)
            return found

    def _build(self, row: ImportRow) -> CompetenceGraph:
        staff = self._store.staff(row.id)
        present = {p.person_id for p in staff.people}
        decisions = [d for d in self._store.standing_decisions() if present.issuperset(d.people)]
        if decisions:
            staff = staff.with_decisions(decisions)
        return build_graph(staff, self.taxonomy, linker=self.linker, audience=row.audience, settings=self._config.settings)
