"""The compiled start and swap search of :mod:`competence.solve.teams`; imported only when teams are formed."""

from __future__ import annotations

import numpy as np
from numba import njit

__all__ = ["anneal", "deal"]


@njit(cache=True)
def _random(state):  # type: ignore[no-untyped-def]
    """Step a 64-bit xorshift (Marsaglia 2003, https://doi.org/10.18637/jss.v008.i14): alike compiled or not."""
    x = state[0]
    x ^= x << np.uint64(13)
    x ^= x >> np.uint64(7)
    x ^= x << np.uint64(17)
    state[0] = x
    return x


@njit(cache=True)
def _below(state, n):  # type: ignore[no-untyped-def]
    """Return a whole number in 0..n-1."""
    return np.int64((_random(state) >> np.uint64(33)) % np.uint64(n))


@njit(cache=True)
def _team_cost(cover, balance, target, weights):  # type: ignore[no-untyped-def]
    """Return what one team costs: little coverage, being under the target, being unbalanced."""
    cost = balance - weights[0] * cover
    short = target - cover
    if short > 1e-9:
        cost += weights[1] * short + weights[2] * short * short
    return cost


@njit(cache=True)
def _pair_cost(person, there, other_moving, n_teams, team, pair_start, pair_other, pair_kind):  # type: ignore[no-untyped-def]
    """Count the pairs of ``person`` broken if they were in team ``there``; the one changing place too is left out."""
    broken = 0
    for p in range(pair_start[person], pair_start[person + 1]):
        other = pair_other[p]
        if other == other_moving:
            continue
        where = team[other]
        if pair_kind[p] == 0:
            if where != there:
                broken += 1
        elif where == there and there < n_teams:
            broken += 1
    return broken


@njit(cache=True)
def _bad_team(bad, n_bad, cover, balance, target, state):  # type: ignore[no-untyped-def]
    """Draw a team of ``bad``, rather one that has not been mended since the list was made."""
    for _ in range(8):
        t = bad[_below(state, n_bad)]
        if cover[t] < target - 1e-9 or balance[t] > 0.0:
            return t
    return bad[_below(state, n_bad)]


@njit(cache=True)
def _of_unit(unit, there, members, group):  # type: ignore[no-untyped-def]
    """Count a team's members of one unit."""
    same = 0
    for seat in range(members.shape[1]):
        person = members[there, seat]
        if person >= 0 and group[person] == unit:
            same += 1
    return same


@njit(cache=True)
def anneal(  # type: ignore[no-untyped-def]
    team,
    members,
    place,
    n_teams,
    holds,
    counts,
    share,
    held,
    cover,
    holder_start,
    holder_people,
    sex,
    n_women,
    n_men,
    size_class,
    balance_table,
    balance,
    pair_start,
    pair_other,
    pair_kind,
    group,
    group_limit,
    placed,
    bad,
    n_bad,
    target,
    weights,
    total_floor,
    total_weight,
    broken_weight,
    hot,
    cold,
    steps,
    state,
):
    """Swap two people of different teams, ``steps`` times, accepting a worse plan with falling probability.

    Team ``n_teams`` is the bench. Everything about the plan is kept up to date in place. Half of the proposals start
    from a team in ``bad`` or fetch a holder of what a team lacks; the rest are uniform, so that every plan can be
    reached. Returns the number of swaps made.
    """
    n = team.shape[0]
    k_items = holds.shape[1]
    total = 0.0
    for t in range(n_teams):
        total += cover[t]
    made = 0
    new1 = np.zeros(k_items, dtype=np.int64)
    new2 = np.zeros(k_items, dtype=np.int64)
    n_placed = placed.shape[0]
    temperature = hot
    cool = (cold / hot) ** (1.0 / max(1, steps // 64)) if hot > 0.0 else 1.0
    for step in range(steps):
        if step % 64 == 63:
            temperature *= cool
        kind = _below(state, 8)
        if n_bad > 0 and kind < 4:
            t1 = _bad_team(bad, n_bad, cover, balance, target, state)
            a = members[t1, _below(state, members.shape[1])]
            if a < 0:
                continue
        else:
            a = placed[_below(state, n_placed)]
            a = members[a // members.shape[1], a % members.shape[1]]
            t1 = team[a]
        b = -1
        if kind % 2 == 0:
            first = _below(state, k_items)
            for off in range(k_items):
                k = (first + off) % k_items
                if held[t1, k] < counts[k] and holder_start[k + 1] > holder_start[k]:
                    b = holder_people[holder_start[k] + _below(state, holder_start[k + 1] - holder_start[k])]
                    break
        if b < 0 and kind == 3 and n_bad > 1:
            # Two teams that lack something each may have what the other lacks: only they can mend each other.
            b = members[_bad_team(bad, n_bad, cover, balance, target, state), _below(state, members.shape[1])]
        if b < 0 and kind == 1 and pair_start[a + 1] > pair_start[a]:
            # A person of a pair: change places with somebody beside the partner, or at random away from the partner.
            p = pair_start[a] + _below(state, pair_start[a + 1] - pair_start[a])
            where = team[pair_other[p]]
            if pair_kind[p] == 0 and where != t1 and where < n_teams:
                b = members[where, _below(state, members.shape[1])]
        if b < 0:
            b = _below(state, n)
        t2 = team[b]
        if t1 == t2:
            continue
        # What changes in the two teams.
        cover1 = 0.0
        cover2 = 0.0
        for k in range(k_items):
            diff = np.int64(holds[b, k]) - np.int64(holds[a, k])
            c1 = held[t1, k] + diff
            new1[k] = c1
            cover1 += share[k] * min(c1, counts[k])
            if t2 < n_teams:
                c2 = held[t2, k] - diff
                new2[k] = c2
                cover2 += share[k] * min(c2, counts[k])
        w1, m1 = n_women[t1], n_men[t1]
        if sex[a] == 0:
            w1 -= 1
        elif sex[a] == 1:
            m1 -= 1
        if sex[b] == 0:
            w1 += 1
        elif sex[b] == 1:
            m1 += 1
        balance1 = balance_table[size_class[t1], w1, m1]
        delta = _team_cost(cover1, balance1, target, weights) - _team_cost(cover[t1], balance[t1], target, weights)
        change = cover1 - cover[t1]
        w2, m2, balance2 = 0, 0, 0.0
        if t2 < n_teams:
            w2, m2 = n_women[t2] + n_women[t1] - w1, n_men[t2] + n_men[t1] - m1
            balance2 = balance_table[size_class[t2], w2, m2]
            delta += _team_cost(cover2, balance2, target, weights) - _team_cost(cover[t2], balance[t2], target, weights)
            change += cover2 - cover[t2]
        if total_weight > 0.0:
            delta += total_weight * (max(0.0, total_floor - total - change) - max(0.0, total_floor - total))
        if pair_start[a + 1] > pair_start[a] or pair_start[b + 1] > pair_start[b]:
            broken = _pair_cost(a, t2, b, n_teams, team, pair_start, pair_other, pair_kind)
            broken -= _pair_cost(a, t1, b, n_teams, team, pair_start, pair_other, pair_kind)
            broken += _pair_cost(b, t1, a, n_teams, team, pair_start, pair_other, pair_kind)
            broken -= _pair_cost(b, t2, a, n_teams, team, pair_start, pair_other, pair_kind)
            delta += broken_weight * broken
        ga, gb = group[a], group[b]
        if ga != gb:
            over = 0
            if ga >= 0:
                if _of_unit(ga, t1, members, group) > group_limit:
                    over -= 1
                if t2 < n_teams and _of_unit(ga, t2, members, group) >= group_limit:
                    over += 1
            if gb >= 0:
                if _of_unit(gb, t1, members, group) >= group_limit:
                    over += 1
                if t2 < n_teams and _of_unit(gb, t2, members, group) > group_limit:
                    over -= 1
            delta += broken_weight * over
        if delta > 0.0:
            if temperature <= 0.0:
                continue
            chance = np.float64(_random(state) >> np.uint64(11)) / 9007199254740992.0
            if chance >= np.exp(-delta / temperature):
                continue
        # Make the swap.
        for k in range(k_items):
            held[t1, k] = new1[k]
        cover[t1] = cover1
        n_women[t1], n_men[t1], balance[t1] = w1, m1, balance1
        if t2 < n_teams:
            for k in range(k_items):
                held[t2, k] = new2[k]
            cover[t2] = cover2
            n_women[t2], n_men[t2], balance[t2] = w2, m2, balance2
        total += change
        team[a], team[b] = t2, t1
        pa, pb = place[a], place[b]
        members[t1, pa] = b
        place[b] = pa
        place[a] = pb
        if t2 < n_teams:
            members[t2, pb] = a
        made += 1
    return made


@njit(cache=True)
def _fits(person, there, team, members, pair_start, pair_other, pair_kind, group, group_limit):  # type: ignore[no-untyped-def]
    """Say whether no rule keeps a person out of a team that is being filled."""
    for p in range(pair_start[person], pair_start[person + 1]):
        if pair_kind[p] == 1 and team[pair_other[p]] == there:
            return False
    if group[person] >= 0:
        return _of_unit(group[person], there, members, group) < group_limit
    return True


@njit(cache=True)
def deal(  # type: ignore[no-untyped-def]
    team,
    members,
    filled,
    n_teams,
    sizes,
    kinds,
    kind_start,
    kind_people,
    rarity,
    counts,
    share,
    held,
    cover,
    pair_start,
    pair_other,
    pair_kind,
    group,
    group_limit,
):
    """Fill each seat of the weakest team with somebody of the kind that adds most to it and wastes least.

    People of a kind hold the same; they are taken in order, except who may not sit there. Where nobody of any kind
    may, the first person left is taken, and the search has to mend it. O(seats x (teams + kinds x items)).
    """
    n_kinds, k_items = kinds.shape
    left = np.zeros(n_kinds, dtype=np.int64)
    for c in range(n_kinds):
        left[c] = kind_start[c + 1] - kind_start[c]
    seats = 0
    for t in range(n_teams):
        seats += sizes[t] - filled[t]
    tried = np.zeros(n_kinds, dtype=np.bool_)
    for _ in range(seats):
        chosen = -1
        for t in range(n_teams):
            if filled[t] < sizes[t] and (
                chosen < 0
                or cover[t] < cover[chosen] - 1e-12
                or (cover[t] < cover[chosen] + 1e-12 and sizes[t] - filled[t] > sizes[chosen] - filled[chosen])
            ):
                chosen = t
        tried[:] = False
        person, where = -1, -1
        for _attempt in range(n_kinds):
            best, best_gain, best_spare = -1, 0.0, 0.0
            for c in range(n_kinds):
                if left[c] == 0 or tried[c]:
                    continue
                gain, spare = 0.0, 0.0
                for k in range(k_items):
                    if kinds[c, k]:
                        if held[chosen, k] < counts[k]:
                            gain += share[k]
                        else:
                            spare += share[k] * rarity[k]
                if best < 0 or gain > best_gain + 1e-12 or (gain > best_gain - 1e-12 and spare < best_spare - 1e-15):
                    best, best_gain, best_spare = c, gain, spare
            if best < 0:
                break
            for at in range(kind_start[best], kind_start[best] + min(left[best], 20)):
                candidate = kind_people[at]
                if _fits(candidate, chosen, team, members, pair_start, pair_other, pair_kind, group, group_limit):
                    person, where = best, at
                    break
            if person >= 0:
                break
            tried[best] = True
        if person < 0:
            for c in range(n_kinds):
                if left[c] > 0:
                    person, where = c, kind_start[c]
                    break
        if person < 0:
            return
        who = kind_people[where]
        # Those still left of the kind stay its first places.
        kind_people[where] = kind_people[kind_start[person] + left[person] - 1]
        left[person] -= 1
        team[who] = chosen
        members[chosen, filled[chosen]] = who
        filled[chosen] += 1
        cover[chosen] = 0.0
        for k in range(k_items):
            held[chosen, k] += np.int64(kinds[person, k])
            cover[chosen] += share[k] * min(held[chosen, k], counts[k])
