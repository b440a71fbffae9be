"""The library's objects that are costly to make: one taxonomy and linker, and the graphs of a few imports.

A graph is made from the store when it is first asked for. Decisions and choices of what words mean that were made since are
joined to it without making it again.
The number kept is bounded; a lock makes sure that two requests do not build the same one.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from functools import cached_property
from threading import Lock, RLock

from competence.errors import Problems
from competence.graph import CompetenceGraph, build_graph
from competence.io import read_aid, read_local
from competence.linking import Corrections, Linker, Pair
from competence.staff import Staff
from competence.taxonomy import AidList, LocalLayer, Taxonomy, apply_local
from competence_service.config import Config
from competence_service.imports import Importer
from competence_service.store import ImportRow, Store

__all__ = ["Library"]


@dataclass(frozen=True, slots=True)
class _Kept:
    """The graph of an import as it was read, and with the decisions and choices there were when ``seen`` was their number."""

    base: CompetenceGraph
    seen: tuple[int, int]
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
        self._known: tuple[int, Linker] | None = None

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
        """The linker of that taxonomy, knowing every choice of what words mean that holds."""
        return self._knowing()[1]

    def _knowing(self) -> tuple[int, Linker]:
        """Return the linker and how many choices it knows."""
        with self._making:
            count = self._store.choice_count()
            if self._known is None or self._known[0] != count:
                pairs = self.corrections.pairs
                taught, fitted = self._taught
                # What a linker has learned it cannot forget: after an undo it begins again from the taxonomy alone.
                base = fitted if taught.issubset(pairs) else self._linker
                self._known = (count, base.with_pairs(pairs) if pairs else base)
            return self._known

    @property
    def corrections(self) -> Corrections:
        """The choices of what words mean; those whose target the taxonomy lacks are left out, and told in ``problems``."""
        return self._store.corrections().checked(self.taxonomy, self.layer)

    @cached_property
    def _taught(self) -> tuple[frozenset[Pair], Linker]:
        """The choices that held when the service started, and a linker that has learned from them."""
        pairs = self.corrections.pairs
        linker = Linker.fit(self.taxonomy, pairs, settings=self._config.settings) if pairs else self._linker
        return frozenset(pairs), linker

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
        """Return the graph of a confirmed import with every decision and every choice of what words mean made so far.

        Neither changes a holding, but the next suggestions read decisions (paired before, pinned, rejected), and what is
        asked for is understood by the choices.
        """
        choices, linker = self._knowing()
        seen = (self._store.decision_count(), choices)
        with self._lock:
            kept = self._graphs.get(row.id)
            base = self._build(row) if kept is None else kept.base
            if kept is None or kept.seen != seen:
                if kept is None:
                    knowing = base.linker
                elif kept.seen[1] == choices:
                    knowing = kept.graph.linker
                else:
                    knowing = linker.with_taxonomy(base.taxonomy)
                kept = _Kept(base, seen, self._joined(base, knowing))
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

    def _joined(self, base: CompetenceGraph, linker: Linker) -> CompetenceGraph:
        """Return the graph of an import with what was decided and chosen; its arrays are shared, since none changes."""
        present = {p.person_id for p in base.staff.people}
        decisions = [d for d in self._store.standing_decisions() if present.issuperset(d.people)]
        if not decisions and linker is base.linker:
            return base
        return base.with_decisions(decisions, linker)
