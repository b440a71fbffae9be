"""How units meet through what their people can do: links between units, silos, and those who work in two places.

People are related by the competences they share. A competence that everybody has relates nobody in particular, so each
of the n holders of a competence gives 1 / (n - 1) to each of the others (Newman 2001): every holding is worth 1 in all,
and a rare one that two people share ties them more than a common one that hundreds do.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from competence.equality import GroupRow, TableKind
from competence.errors import InputError
from competence.graph import CompetenceGraph
from competence.organisation._published import Figures, conceal
from competence.organisation._units import sex_columns
from competence.units import WHOLE, UnitTree, placement, unit_tree

if TYPE_CHECKING:
    import networkx as nx
    import pandas as pd

__all__ = ["Bridges", "UnitLink", "UnitTies", "bridges"]

_SHARED = 5
"""Competences named per link: enough to talk about, few enough to read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitTies:
    """How much of a unit's relations stay inside it. None is hidden, or says nothing since there are no relations.

    ``inside`` is the share of the relations of the unit's people that are with each other (its silo measure), for women,
    men and all; ``expected_inside`` what it would be if competences did not follow units. ``ei_index`` is outside minus
    inside over their sum: -1 a silo, 1 only outside. ``betweenness`` says how often the unit lies between two others.
    """

    unit_id: str
    name: str
    people: GroupRow
    inside: float | None
    inside_women: float | None
    inside_men: float | None
    expected_inside: float | None
    ei_index: float | None
    betweenness: float | None

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        means = ("inside", "inside_women", "inside_men", "expected_inside", "ei_index", "betweenness")
        return {
            "unit_id": self.unit_id,
            "name": self.name,
            "women": self.people.women,
            "men": self.people.men,
            "total": self.people.total,
            **{name: getattr(self, name) for name in means},
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitLink:
    """A link between two units: its strength in [0, 1] and the competences that tie them most.

    ``people`` are those who work in both, when named.
    """

    unit_id: str
    other_id: str
    strength: float
    concept_ids: tuple[str, ...]
    people: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {name: list(v) if isinstance(v := getattr(self, name), tuple) else v for name in self.__slots__}


@dataclass(frozen=True, kw_only=True)
class Bridges:
    """Units and the links between them. Made by :func:`bridges`.

    Parameters
    ----------
    kind : TableKind
        Named or published.
    as_of : date
        The graph's date.
    units : tuple of UnitTies
        The most closed first: by ``inside`` above what is expected.
    links : tuple of UnitLink
        The strongest first; each pair once.
    """

    kind: TableKind
    as_of: date
    units: tuple[UnitTies, ...]
    links: tuple[UnitLink, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {
            "kind": self.kind.value,
            "as_of": self.as_of.isoformat(),
            "units": [u.to_dict() for u in self.units],
            "links": [link.to_dict() for link in self.links],
        }

    def to_frame(self) -> pd.DataFrame:
        """Return one row per unit; hidden figures are missing values."""
        import pandas as pd

        counts = ["women", "men", "total"]
        means = ["inside", "inside_women", "inside_men", "expected_inside", "ei_index", "betweenness"]
        frame = pd.DataFrame([u.to_dict() for u in self.units], columns=["unit_id", "name", *counts, *means])
        return frame.astype(dict.fromkeys(counts, "Int64") | dict.fromkeys(means, "Float64"))

    def to_networkx(self) -> nx.Graph[str]:
        """Return units as nodes and links as edges with ``strength``, for further measures or for export."""
        import networkx as nx

        graph: nx.Graph[str] = nx.Graph(as_of=self.as_of.isoformat(), kind=self.kind.value)
        for unit in sorted(self.units, key=lambda u: u.unit_id):
            graph.add_node(unit.unit_id, label=unit.name, inside=unit.inside, betweenness=unit.betweenness)
        for link in self.links:
            graph.add_edge(link.unit_id, link.other_id, strength=link.strength, concepts=list(link.concept_ids))
        return graph


def bridges(graph: CompetenceGraph, *, kind: TableKind | str = TableKind.PUBLISHED) -> Bridges:
    """Show which units share what they can do, which lie between others, and which keep to themselves.

    Parameters
    ----------
    graph : CompetenceGraph
        Holdings that count are read, and in which unit each person first works.
    kind : TableKind
        ``published`` (default) shows units, and women and men, only where ``settings.equality.smallest_result`` people
        stand behind the figure, also by difference; a competence is named only where it is no small number that holds it in
        either unit. ``named`` shows all, and those who work in both units of a link.

    Returns
    -------
    Bridges

    Raises
    ------
    InputError
        If kind is neither.

    Notes
    -----
    With n_c holders of concept c, n_uc of them in unit u:

        tie(u, v)   = sum_c n_uc n_vc / (n_c - 1)          for u != v
        tie(u, u)   = sum_c n_uc (n_uc - 1) / (n_c - 1)
        inside(u)   = tie(u, u) / sum_v tie(u, v)
        E-I index   = (outside - inside) / (outside + inside)
        strength    = tie(u, v) / sqrt(sum_w tie(u, w) sum_w tie(v, w))

    ``expected_inside`` is (size - 1) / (everybody - 1). Betweenness (Freeman 1977) is taken over the
    ``settings.organisation.neighbours`` strongest links of each unit, with 1 / strength as length, in [0, 1]; above
    ``sampled_units`` units it is estimated from that many, chosen by a fixed seed. No person gets a score: a general
    ranking of employees is not made here (REQ-AI-4). No people-by-people matrix is built:
    O(holdings + units ** 2 + units * links).

    References
    ----------
    Newman (2001), Scientific collaboration networks II, Physical Review E 64, 016132,
    https://doi.org/10.1103/PhysRevE.64.016132. Krackhardt & Stern (1988), Informal networks and organizational crises,
    Social Psychology Quarterly 51(2), https://doi.org/10.2307/2786835. Freeman (1977), A set of measures of centrality
    based on betweenness, Sociometry 40(1), https://doi.org/10.2307/3033543.

    Examples
    --------
    >>> from tests.cases import graph_of
    >>> found = bridges(graph_of(), kind="named")
    >>> [(link.unit_id, link.other_id) for link in found.links]
    [('u-north', 'u-south'), ('u-office', 'u-south')]
    """
    try:
        kind = TableKind(kind)
    except ValueError:
        raise InputError(f"kind must be one of {', '.join(TableKind)}; got {kind!r}") from None
    tree = unit_tree(graph)
    place = placement(graph, tree)
    used = np.unique(place[place > 0])
    held = _shared_holdings(graph, place)
    sums = _ties(held, place, used, sex_columns(graph))
    between = _betweenness(graph, tree, used, sums.strength)
    shown, by_sex = _visible(graph, tree, place, used, kind)
    units = _unit_rows(tree, used, sums, between, shown, by_sex, kind, len(graph.person_ids))
    links = _link_rows(graph, tree, place, used, held, sums.strength, shown, kind)
    return Bridges(kind=kind, as_of=graph.as_of, units=units, links=links)


@dataclass(frozen=True, eq=False, slots=True)
class _Sums:
    """Ties per unit: people and inside and all ties by sex, shape (3, n_units), and strengths between units."""

    people: NDArray[np.float64]
    inside: NDArray[np.float64]
    everything: NDArray[np.float64]
    strength: NDArray[np.float64]


def _shared_holdings(graph: CompetenceGraph, place: NDArray[np.int64]) -> sparse.csr_matrix:
    """Return holdings of those in a unit that somebody else has too, entries 1."""
    arrays = graph.arrays
    data = (arrays.rounded > 0).astype(np.float64) * np.repeat(place > 0, np.diff(arrays.indptr))
    held = sparse.csr_matrix((data, arrays.concept, arrays.indptr), shape=(len(graph.person_ids), len(graph.concept_ids)))
    held = held[:, np.flatnonzero(held.sum(axis=0).A1 > 1)] if held.shape[0] else held
    held.eliminate_zeros()
    return held


def _ties(held: sparse.csr_matrix, place: NDArray[np.int64], used: NDArray[np.int64], sex: NDArray[np.float64]) -> _Sums:
    unit = np.searchsorted(used, place)
    inside = place > 0
    rows = np.flatnonzero(inside)
    member = sparse.csr_matrix((np.ones(len(rows)), (unit[rows], rows)), shape=(len(used), len(place)))
    count = member @ held
    weight = 1.0 / np.maximum(held.sum(axis=0).A1 - 1.0, 1.0)
    tie = np.asarray((count.multiply(weight).tocsr() @ count.T).todense())
    # Of a person's own holding, n_uc - 1 others share it in the unit, and n_c - 1 anywhere.
    entry = held.tocoo()
    own_unit = unit[entry.row]
    lookup = np.asarray(count[own_unit, entry.col]).ravel() if entry.nnz else np.empty(0)
    kept = np.bincount(entry.row, weights=(lookup - 1.0) * weight[entry.col], minlength=len(place))
    every = np.bincount(entry.row, minlength=len(place)).astype(np.float64)
    by_sex = [member @ sparse.csr_matrix(sex * v[:, None]) for v in (np.ones(len(place)), kept, every)]
    people, inner, whole = (np.asarray(m.todense()).T for m in by_sex)
    own = np.maximum(np.sqrt(whole.sum(axis=0)), 1e-300)
    strength = tie / own[:, None] / own[None, :]
    np.fill_diagonal(strength, 0.0)
    return _Sums(people, inner, whole, strength)


def _neighbours(graph: CompetenceGraph, strength: NDArray[np.float64]) -> list[tuple[int, int]]:
    """Return the links that are among the strongest of either of their units, each once."""
    n, most = len(strength), graph.settings.organisation.neighbours
    order = np.argsort(-strength, axis=1, kind="stable")[:, :most]
    near = np.zeros((n, n), dtype=np.bool_)
    near[np.arange(n)[:, None], order] = True
    near &= strength > 0
    return [(int(a), int(b)) for a, b in np.argwhere(np.triu(near | near.T, 1))]


def _betweenness(
    graph: CompetenceGraph, tree: UnitTree, used: NDArray[np.int64], strength: NDArray[np.float64]
) -> NDArray[np.float64]:
    import networkx as nx

    net: nx.Graph[int] = nx.Graph()
    net.add_nodes_from(range(len(used)))
    net.add_weighted_edges_from(((a, b, 1.0 / strength[a, b]) for a, b in _neighbours(graph, strength)), weight="length")
    most = graph.settings.organisation.sampled_units
    sample = most if len(used) > most else None
    found = nx.betweenness_centrality(net, k=sample, weight="length", seed=0)
    return np.array([found[k] for k in range(len(used))])


def _visible(
    graph: CompetenceGraph, tree: UnitTree, place: NDArray[np.int64], used: NDArray[np.int64], kind: TableKind
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Say which units' results may be shown, and which of them by sex."""
    if kind is TableKind.NAMED:
        everything = np.ones(len(used), dtype=np.bool_)
        return everything, everything
    figures = Figures(graph)
    flat = UnitTree((WHOLE, *(tree.ids[u] for u in used)), ("", *(tree.names[u] for u in used)), np.array([-1] + [0] * len(used)))
    unit = np.searchsorted(used, place[place > 0]) + 1
    counts = np.zeros((3, len(used) + 1, 1))
    for k, one in enumerate(figures.sex[place > 0].T):
        counts[k, :, 0] = np.bincount(unit, weights=one, minlength=len(used) + 1)
    counts[:, 0] = counts[:, 1:].sum(axis=1)
    leaf = tree.last()[used] == used
    # A unit with units below it has no published figure of its own people alone, so that none can be taken from it.
    may = np.concatenate([[True], figures.people_shown[used, 0] & leaf])[:, None]
    may_by_sex = np.concatenate([[True], figures.people_by_sex[used, 0] & leaf])[:, None]
    least = graph.settings.equality.smallest_result
    shown = conceal(flat, counts.sum(axis=0)[None], least, may)
    by_sex = conceal(flat, counts, least, may_by_sex & shown)
    return shown[1:, 0], by_sex[1:, 0]


def _share(part: float, whole: float) -> float | None:
    return round(float(part / whole), 3) if whole > 0 else None


def _unit_rows(
    tree: UnitTree,
    used: NDArray[np.int64],
    sums: _Sums,
    between: NDArray[np.float64],
    shown: NDArray[np.bool_],
    by_sex: NDArray[np.bool_],
    kind: TableKind,
    everybody: int,
) -> tuple[UnitTies, ...]:
    rows = []
    for k, node in enumerate(used.tolist()):
        size, inner, whole = sums.people[:, k], sums.inside[:, k], sums.everything[:, k]
        inside = _share(inner.sum(), whole.sum()) if shown[k] else None
        women, men = ((_share(inner[s], whole[s]) if by_sex[k] else None) for s in (0, 1))
        told_women, told_men = (int(size[s]) if by_sex[k] else None for s in (0, 1))
        rows.append(
            UnitTies(
                unit_id=tree.ids[node],
                name=tree.names[node],
                people=GroupRow("people", told_women, told_men, int(size.sum()) if shown[k] else None),
                inside=inside,
                inside_women=women,
                inside_men=men,
                expected_inside=_share(size.sum() - 1, everybody - 1) if shown[k] else None,
                ei_index=None if inside is None else round(1.0 - 2.0 * inside, 3),
                betweenness=round(float(between[k]), 4) if shown[k] else None,
            )
        )
    return tuple(sorted(rows, key=lambda r: (r.inside is None, -((r.inside or 0) - (r.expected_inside or 0)), r.unit_id)))


def _link_rows(
    graph: CompetenceGraph,
    tree: UnitTree,
    place: NDArray[np.int64],
    used: NDArray[np.int64],
    held: sparse.csr_matrix,
    strength: NDArray[np.float64],
    shown: NDArray[np.bool_],
    kind: TableKind,
) -> tuple[UnitLink, ...]:
    columns = np.unique(graph.arrays.concept[graph.arrays.rounded > 0]).astype(np.int64)
    rows = np.flatnonzero(place > 0)
    shape = (len(used), len(place))
    member = sparse.csr_matrix((np.ones(len(rows)), (np.searchsorted(used, place[rows]), rows)), shape=shape)
    figures = Figures(graph)
    all_held = figures.holding(columns, 1)
    count = np.asarray((member @ all_held).todense())
    total = all_held[rows].sum(axis=0).A1
    weight = np.where(total > 1, 1.0 / np.maximum(total - 1, 1.0), 0.0)
    told = np.ones_like(count, dtype=np.bool_)
    if kind is TableKind.PUBLISHED:
        told = figures.at_least(columns, 1)[1][used]
    both: dict[tuple[int, int], list[str]] = {}
    if kind is TableKind.NAMED:
        index, at = tree.index, {int(u): k for k, u in enumerate(used)}
        for row, own in enumerate(graph.units_of):
            nodes = sorted({at[index[u]] for u in own if index[u] in at})
            for i, a in enumerate(nodes):
                for b in nodes[i + 1 :]:
                    both.setdefault((a, b), []).append(graph.person_ids[row])
    found = []
    for a, b in sorted({*_neighbours(graph, strength), *both}):
        if not (shown[a] and shown[b]):
            continue
        share = count[a] * count[b] * weight * (told[a] & told[b])
        best = [c for c in np.argsort(-share, kind="stable")[:_SHARED].tolist() if share[c] > 0]
        first, second = sorted((tree.ids[used[a]], tree.ids[used[b]]))
        found.append(
            UnitLink(
                unit_id=first,
                other_id=second,
                strength=round(float(strength[a, b]), 4),
                concept_ids=tuple(graph.concept_ids[columns[c]] for c in best),
                people=tuple(both.get((a, b), ())),
            )
        )
    return tuple(sorted(found, key=lambda link: (-link.strength, link.unit_id, link.other_id)))
