"""How many are asked for each competence, where that may be published: roles say more than competences do.

Which roles ask for which competence is public. So the numbers asked for two competences, one of which fewer roles ask for,
tell by their difference how many have the other roles: often one or two. Here the numbers of all competences are settled
together, before each is settled by itself (:mod:`._published`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from competence import equality
from competence.equality import Guard, Shown
from competence.model import Importance
from competence.units import role_counts

if TYPE_CHECKING:
    from competence.organisation._published import Figures

__all__ = ["asked_shown"]

Mask = NDArray[np.bool_]


def asked_shown(figures: Figures) -> tuple[Mask, Mask]:
    """Return where it may be told how many are asked for a competence, and how many women and men.

    Returns
    -------
    totals, by_sex : ndarray of bool, shape (n_nodes, n_concepts)
        Over all concepts of the graph; True where nobody is asked.

    Notes
    -----
    Two steps. In each unit, the competences most asked for first, a :class:`Guard` shows what tells no few people apart; in
    the whole it knows what :func:`competence.units.role_counts` publishes. Then, for every two competences where the roles
    that ask for one are some of those that ask for the other, their difference is followed through the tree of units, and
    where the rest of a unit would be of one or two, the smaller number is hidden. O(people * depth * requirements +
    nested pairs * units).
    """
    graph, tree = figures.graph, figures.tree
    asked = figures.asked
    n_people, n_concepts = len(graph.person_ids), len(graph.concept_ids)
    entries = sparse.csr_matrix((np.ones(len(asked.person)), (asked.person, asked.concept)), shape=(n_people, n_concepts))
    columns = np.unique(asked.concept)
    entries = entries[:, columns].tocsr()
    size = np.asarray(entries.sum(axis=0)).ravel()
    order = np.lexsort((columns, -size))
    sex = figures.sex.argmax(axis=1)
    totals, by_sex = (np.ones((len(tree.ids), len(columns)), dtype=np.bool_) for _ in range(2))
    member = figures.member.tocsr()
    for node in range(len(tree.ids)):
        rows = np.sort(member.indices[member.indptr[node] : member.indptr[node + 1]])
        much = Shown(int(figures.people_shown[node, 0]) + int(figures.people_by_sex[node, 0]))
        if much is Shown.NOTHING:
            # Where the head count is hidden, nothing of the unit is shown.
            totals[node] = by_sex[node] = False
            continue
        own = entries[rows].tocsc()
        guard = Guard(sex[rows])
        guard.tell(np.arange(len(rows)), much)
        if node == 0:
            _tell_roles(figures, guard)
        for c in order.tolist():
            group = own.indices[own.indptr[c] : own.indptr[c + 1]].astype(np.int64)
            if len(group):
                shown = min(guard.show(group, figures.smallest), much)
                totals[node, c], by_sex[node, c] = shown >= Shown.TOTAL, shown is Shown.ALL
    wanted = figures.count(entries)
    pairs = _nested(figures, columns)
    step = max(200_000 // len(tree.ids), 1)
    for shown_at, parts in ((totals, wanted.sum(axis=0)[None]), (by_sex, wanted)):
        hidden = True
        while hidden:
            hidden = False
            for k in range(0, len(pairs), step):
                hidden |= _hide_rests(figures, parts, shown_at, pairs[k : k + step])
    by_sex &= totals
    whole = np.ones((2, len(tree.ids), n_concepts), dtype=np.bool_)
    whole[0][:, columns], whole[1][:, columns] = totals, by_sex
    return whole[0], whole[1]


def _tell_roles(figures: Figures, guard: Guard) -> None:
    """Let the guard of the whole know how many have each role, where that is published."""
    graph = figures.graph
    holders: dict[str, list[int]] = {}
    for row, own in enumerate(graph.person_roles):
        for role_id in own:
            holders.setdefault(role_id, []).append(row)
    for role_id, table in role_counts(graph).items():
        people = table.rows[0]
        if role_id != equality.WHOLE and role_id in holders:
            much = Shown.ALL if people.women is not None else Shown.TOTAL if people.total is not None else Shown.NOTHING
            guard.tell(np.array(holders[role_id], dtype=np.int64), much)


def _nested(figures: Figures, columns: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the pairs of columns where the roles that ask for the second are some of those that ask for the first."""
    graph = figures.graph
    place = {graph.concept_ids[c]: k for k, c in enumerate(columns.tolist())}
    held = sorted({r for own in graph.person_roles for r in own})
    asks = np.zeros((len(held), len(columns)))
    for k, role_id in enumerate(held):
        for requirement in graph.taxonomy.roles[role_id].requirements:
            if requirement.importance is Importance.ESSENTIAL and requirement.concept_id in place:
                asks[k, place[requirement.concept_id]] = 1.0
    common, roles = asks.T @ asks, asks.sum(axis=0)
    # Of competences that the same roles ask for, the numbers are the same.
    return np.argwhere((common == roles[None, :]) & (roles[None, :] < roles[:, None]))


def _hide_rests(figures: Figures, parts: NDArray[np.float64], shown: Mask, pairs: NDArray[np.int64]) -> bool:
    """Hide the second of a pair where the difference of both tells of few in the rest of a unit; say whether any was."""
    from competence.organisation._published import rests, safe

    more, less = pairs.T
    both = shown[:, more] & shown[:, less]
    beyond = parts[:, :, more] - parts[:, :, less]
    bad = both & ~safe(rests(figures.tree, beyond, both), figures.smallest)
    node, pair = np.nonzero(bad)
    shown[node, less[pair]] = False
    return bool(len(node))
