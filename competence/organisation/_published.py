"""What a published table of the map may show: one answer per unit and competence, whatever table is asked for.

A table that is made safe by itself can still be given away by another one, for a unit above or below or for other
competences. So what is hidden is not worked out for the table asked for but for the whole tree of units, always in the
same way: every published heat map, gap table and snapshot of one graph is a part of one large table, and no number of
them tells more than that one does.

Within it, a figure of a unit tells of its *rest*: the people of the unit who are in no shown unit below it. Rests have
nobody in common, and whatever sums and differences of shown figures amount to, it is a union of rests. So a table is
safe exactly when every rest of a shown unit is safe (REQ-EQ-10):

1. A head count is unsafe when it is below ``smallest`` but not nobody, or when another count that follows from the same
   figures is (those who do not hold a competence, from all people of the unit).
2. From the lowest units up, a unit is shown when its rest is safe. Otherwise the smallest unit below it that makes it
   so (or several) is hidden, since the larger figure says more; where none do, the unit is hidden itself, and its rest
   becomes part of the unit above.

Totals are settled first; women and men then only where totals are shown.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from competence import equality
from competence.graph import CompetenceGraph
from competence.organisation._asked import asked_shown
from competence.organisation._units import Asked, asked_of_people, membership, sex_columns
from competence.units import UnitTree, head_counts, sectors, unit_tree

__all__ = ["Figures", "conceal", "conceal_by_sex", "rests", "safe", "sector_tree"]

Parts = NDArray[np.float64]
Mask = NDArray[np.bool_]

CHUNK = 200_000
"""Cells (units times competences) worked on at once: a bound on memory, not on results."""


def safe(parts: Parts, smallest: int) -> Mask:
    """Say where every part is either nobody or at least ``smallest``, over the first axis."""
    size = np.abs(parts)
    return np.asarray(((size < 0.5) | (size > smallest - 0.5)).all(axis=0))


def conceal(tree: UnitTree, parts: Parts, smallest: int, allowed: Mask | None = None, at_stake: Mask | None = None) -> Mask:
    """Return which cells may be shown.

    Parameters
    ----------
    tree : UnitTree
        Every part of a node is the sum of those below it and of the people placed in the node itself.
    parts : ndarray, shape (n_parts, n_nodes, n_cells)
        Head counts that a shown cell tells, directly or by a difference; their sum says which cells are smaller.
    smallest : int
        Smallest head count that may be told.
    allowed : ndarray of bool, shape (n_nodes, n_cells), or None
        Cells that may not be shown for another reason are False.
    at_stake : ndarray of bool, shape (n_nodes, n_cells), or None
        For figures by sex: where the total of a rest is shown whose women and men must not be.

    Returns
    -------
    ndarray of bool, shape (n_nodes, n_cells)

    Notes
    -----
    O(parts * nodes * depth of the tree * cells).
    """
    n_nodes, n_cells = parts.shape[1:]
    last = tree.last()
    shown = np.ones((n_nodes, n_cells), dtype=np.bool_) if allowed is None else allowed.copy()
    stake = np.zeros((n_nodes, n_cells), dtype=np.bool_) if at_stake is None else at_stake.copy()
    rest = parts.astype(np.float64)
    for node in range(1, n_nodes):
        rest[:, tree.parent[node]] -= parts[:, node]
    for node in range(n_nodes - 1, -1, -1):
        bad = shown[node] & ~_is_safe(rest[:, node], stake[node], smallest)
        cells = np.flatnonzero(bad)
        if len(cells) and last[node] > node:
            joined = _least_to_hide(tree, node, last[node], parts, rest, shown, stake, cells, smallest)
            at, column = np.nonzero(joined)
            below = slice(node + 1, last[node] + 1)
            rest[:, node, cells] += (rest[:, below, cells] * joined).sum(axis=1)
            stake[node, cells] |= (stake[below, cells] & joined).any(axis=0)
            shown[node + 1 + at, cells[column]] = False
            bad[cells[joined.any(axis=0)]] = False
        shown[node] &= ~bad
        above = tree.parent[node]
        if above >= 0:
            rest[:, above] += np.where(shown[node], 0.0, rest[:, node])
            stake[above] |= stake[node] & ~shown[node]
    return shown


def _least_to_hide(
    tree: UnitTree,
    node: int,
    last: int,
    parts: Parts,
    rest: Parts,
    shown: Mask,
    stake: Mask,
    cells: NDArray[np.int64],
    smallest: int,
) -> Mask:
    """Return which shown units below a node must be hidden so that its rest is safe, shape (n_below, len(cells)).

    One unit, with those between it and the node: as few as possible, then the smallest. Else the smallest units that have
    no shown unit between, together. None where nothing helps.
    """
    below = np.arange(node + 1, last + 1)
    columns = np.arange(len(cells))
    seen = shown[below][:, cells]
    own = np.where(seen, rest[:, below][:, :, cells], 0.0)
    risks = stake[below][:, cells] & seen
    path, steps, path_risk = own.copy(), seen.astype(np.float64), risks.copy()
    for k, unit in enumerate(below.tolist()):
        above = int(tree.parent[unit]) - node - 1
        if above >= 0:
            path[:, k] += path[:, above]
            steps[k] += steps[above]
            path_risk[k] |= path_risk[above]
    here, risk = rest[:, node, cells][:, None], stake[node, cells]
    size = parts[:, below][:, :, cells].sum(axis=0)
    # Rather the whole employer is hidden than two units of it; elsewhere a larger figure says more than two below it.
    most = 1 if node == 0 else 2
    alone = seen & (steps <= most) & _is_safe(here + path, path_risk | risk, smallest)
    cost = np.where(alone, steps * (1.0 + parts[:, node, cells].sum(axis=0)) + size, np.inf)
    best = cost.argmin(axis=0)
    single = np.isfinite(cost[best, columns])
    chosen = np.zeros_like(seen)
    step = np.where(single, best, -1)
    while (going := step >= 0).any():
        chosen[step[going], columns[going]] |= seen[step[going], columns[going]]
        step = np.where(going, tree.parent[below[np.maximum(step, 0)]] - node - 1, -1)
    if single.all():
        return chosen
    useful = seen & (steps == 1) & (np.abs(own) > 0.5).any(axis=0)
    order = np.argsort(np.where(useful, size, np.inf), axis=0, kind="stable")
    together = np.take_along_axis(np.where(useful, own, 0.0), order[None], axis=1).cumsum(axis=1) + here
    with_risk = np.logical_or.accumulate(np.take_along_axis(risks & useful, order, axis=0), axis=0) | risk
    enough = _is_safe(together, with_risk, smallest)
    upto = np.where(~single & enough.any(axis=0), enough.argmax(axis=0), -1)
    place = np.empty_like(order)
    np.put_along_axis(place, order, np.arange(len(below))[:, None].repeat(len(cells), axis=1), axis=0)
    return np.asarray(chosen | (useful & (place <= upto)))


def _is_safe(rest: Parts, stake: Mask, smallest: int) -> Mask:
    """Say which rests may be told.

    Where a rest has nobody of a sex among those counted, or among the others, that sex is known in every part of it; if
    it is so for all sexes but one, a total shown within the rest gives that one away.
    """
    fine = safe(rest, smallest)
    if stake.any():
        unknown = ((np.abs(rest[:3]) > 0.5) & (np.abs(rest[3:6]) > 0.5)).sum(axis=0)
        fine &= ~(stake & (unknown < 2))
    return fine


def rests(tree: UnitTree, parts: Parts, shown: Mask) -> Parts:
    """Return every node's count without the shown units below it, shape as ``parts``."""
    rest = parts.astype(np.float64)
    for node in range(parts.shape[1] - 1, 0, -1):
        above = tree.parent[node]
        rest[:, above] += np.where(shown[node], 0.0, rest[:, node]) - parts[:, node]
    return rest


def conceal_by_sex(
    tree: UnitTree,
    holders: Parts,
    others: Parts,
    totals: Mask,
    smallest: int,
    *,
    allowed: Mask | None = None,
    also: tuple[Parts, ...] = (),
) -> Mask:
    """Return where women and men may be shown beside a total.

    Parameters
    ----------
    holders, others : ndarray, shape (3, n_nodes, n_cells)
        Women, men and not stated among those counted, and among the rest of the unit.
    totals : ndarray of bool, shape (n_nodes, n_cells)
        Where totals are shown.
    allowed : ndarray of bool, shape (n_nodes, n_cells), or None
        Cells that may not be shown by sex for another reason are False.
    also : tuple of ndarray, shape (3, n_nodes, n_cells) each
        Other head counts by sex that would follow from these.
    """
    parts = np.concatenate([holders, others, *also])
    at_stake = totals & ~safe(rests(tree, parts[:6], totals), smallest)
    return conceal(tree, parts, smallest, totals if allowed is None else totals & allowed, at_stake)


def sector_tree(tree: UnitTree) -> tuple[UnitTree, list[int]]:
    """Return a tree of the whole and its sectors only, and the node of the large tree behind each of its nodes."""
    nodes = [0, *sectors(tree)]
    parent = np.zeros(len(nodes), dtype=np.int64)
    parent[0] = -1
    return UnitTree(tuple(tree.ids[n] for n in nodes), tuple(tree.names[n] for n in nodes), parent), nodes


class Figures:
    """Head counts by unit and sex, and which of them may be published; the same for every table of one graph.

    Parameters
    ----------
    graph : CompetenceGraph
        Counted as it stands; each person once, in the first current unit.
    """

    def __init__(self, graph: CompetenceGraph) -> None:
        self.graph = graph
        self.tree = unit_tree(graph)
        self.smallest = graph.settings.equality.smallest_cell
        self.sex = sex_columns(graph)
        self.member = membership(graph, self.tree, once=True)
        #: People by sex and node, shape (3, n_nodes, 1).
        self.people = self.count(sparse.csr_matrix(np.ones((len(graph.person_ids), 1))))
        # Head counts are decided where those of every other table are; see head_counts.
        heads = head_counts(graph, self.tree)
        rows = [heads[unit_id or equality.WHOLE].rows[0] for unit_id in self.tree.ids]
        self.people_shown = np.array([[row.total is not None] for row in rows])
        self.people_by_sex = np.array([[row.women is not None] for row in rows])

    def count(self, entries: sparse.csr_matrix) -> Parts:
        """Return how many have an entry in each column, by sex and node, shape (3, n_nodes, n_columns)."""
        return np.stack([np.asarray((self.member.multiply(one[None]).tocsr() @ entries).todense()) for one in self.sex.T])

    def holding(self, columns: NDArray[np.int64], level: int) -> sparse.csr_matrix:
        """Return who holds each concept at a level or above, shape (n_people, n_columns)."""
        arrays = self.graph.arrays
        shape = (len(self.graph.person_ids), len(self.graph.concept_ids))
        data = (arrays.rounded >= level).astype(np.float64)
        found = sparse.csr_matrix((data, arrays.concept, arrays.indptr), shape=shape)[:, columns]
        found.eliminate_zeros()
        return found

    def at_least(self, columns: NDArray[np.int64], level: int) -> tuple[Parts, Mask, Mask]:
        """Return holders at a level or above by sex, shape (3, n_nodes, n_columns), and where totals and sexes are shown.

        Levels are settled from 1 upwards, so that no difference of two levels tells of a few people either; a level
        is shown only where those below it are.
        """
        shown = np.repeat(self.people_shown, len(columns), axis=1)
        by_sex = np.repeat(self.people_by_sex, len(columns), axis=1)
        known: list[Parts] = []
        for asked in range(1, level + 1):
            here = self.count(self.holding(columns, asked))
            steps = tuple(lower - here for lower in known)
            others = self.people - here
            parts = np.stack([p.sum(axis=0) for p in (here, others, *steps)])
            shown = conceal(self.tree, parts, self.smallest, shown)
            by_sex = conceal_by_sex(self.tree, here, others, shown, self.smallest, allowed=by_sex, also=steps)
            known.append(here)
        return known[-1], shown, by_sex

    @cached_property
    def asked(self) -> Asked:
        """What roles ask as essential, one entry per person and concept: the highest level of several roles."""
        asked = asked_of_people(self.graph)
        asked = asked.only(asked.essential)
        order = np.lexsort((asked.met, -asked.level, asked.concept, asked.person))
        asked = asked.at(order)
        first = np.ones(len(asked.person), dtype=np.bool_)
        first[1:] = (np.diff(asked.person) != 0) | (np.diff(asked.concept) != 0)
        return asked.only(first)

    @cached_property
    def asked_shown(self) -> tuple[Mask, Mask]:
        """Where it may be told how many are asked for each concept, and how many women and men; over all concepts."""
        return asked_shown(self)

    def gaps(self, columns: NDArray[np.int64]) -> tuple[Parts, Parts, Mask, Mask]:
        """Return people whose role asks for each concept, those of them who reach the level, and where both are shown."""
        n = len(self.graph.person_ids)
        place = np.full(len(self.graph.concept_ids), -1, dtype=np.int64)
        place[columns] = np.arange(len(columns))
        own = self.asked.only(place[self.asked.concept] >= 0)
        where = (own.person, place[own.concept])
        wanted = self.count(sparse.csr_matrix((np.ones(len(own.person)), where), shape=(n, len(columns))))
        met = self.count(sparse.csr_matrix((own.met.astype(np.float64), where), shape=(n, len(columns))))
        _, shown, by_sex = self.at_least(columns, 1)
        told, told_by_sex = self.asked_shown
        shown, by_sex = shown & told[:, columns], by_sex & told_by_sex[:, columns]
        held = [self.count(self.holding(columns, level)) for level in range(1, 6)]
        others = (wanted, self.people - wanted, self.people - met, *(h - met for h in held), *(h - wanted for h in held))
        parts = np.stack([p.sum(axis=0) for p in (met, wanted - met, *others)])
        shown = conceal(self.tree, parts, self.smallest, shown)
        by_sex = conceal_by_sex(self.tree, met, wanted - met, shown, self.smallest, allowed=by_sex, also=others)
        return wanted, met, shown, by_sex

    def chunks(self, columns: NDArray[np.int64]) -> list[NDArray[np.int64]]:
        """Return the columns in parts that bound the memory taken."""
        step = max(CHUNK // len(self.tree.ids), 1)
        return [columns[k : k + step] for k in range(0, len(columns), step)]
