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

from competence.errors import Problems
from competence.graph import CompetenceGraph, build_graph
from competence.io import read_aid, read_local
from competence.linking import Linker
from competence.staff import Staff
from competence.taxonomy import AidList, LocalLayer, Taxonomy, apply_local
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

    Attributes
    ----------
    layer : LocalLayer
        The employer's own table over the taxonomy; without rows where there is none.
    aid : AidList or None
        The employer's AID list; None where there is none.

    Raises
    ------
    UnreadableFileError
        If the own table or the AID list that the settings name cannot be read.
    """

    def __init__(self, config: Config, store: Store) -> None:
        self._config = config
        self._store = store
        self.layer = LocalLayer() if config.local_taxonomy is None else read_local(config.local_taxonomy)
        self.aid: AidList | None = None if config.aid_list is None else read_aid(config.aid_list)
        self._graphs: OrderedDict[str, _Kept] = OrderedDict()
        self._drafts: dict[str, Staff] = {}
        self._lock = RLock()
        self._making = Lock()

    @cached_property
    def ours(self) -> Taxonomy:
        """The municipal taxonomy that comes with the library."""
        return Taxonomy.bundled("municipal")

    @cached_property
    def _laid(self) -> tuple[Taxonomy, Problems]:
        return self.layer.apply(self.ours)

    @property
    def taxonomy(self) -> Taxonomy:
        """The taxonomy in use: the municipal one, with the employer's own table over it."""
        return self._laid[0]

    @property
    def own_problems(self) -> Problems:
        """What of the own table and the AID list was set aside, and where the table and the taxonomy disagree."""
        return self.layer.problems + self._laid[1] + (self.aid.problems if self.aid is not None else ())

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
            layer=self.layer,
            ours=self.ours,
            aid=self.aid,
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
        staff = self._store.staff(row.id)
        if self.layer.rows:
            # The rows were linked when they came; the own table may since have merged or retired what they name.
            _, staff = apply_local(self.layer, self.ours, staff)
        return build_graph(
            staff,
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
