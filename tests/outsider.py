"""What an outsider can work out from published tables: the attack that suppression is tested with.

The outsider knows which units lie in which and which rows lie in which, and that head counts are whole and not negative;
then every shown cell is an equation. A count is found out if no other count solves them all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from itertools import product

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_matrix

from competence.equality import WHOLE, GroupTables
from competence.model import Sex

SEXES = (Sex.WOMAN, Sex.MAN, Sex.NOT_STATED)

Family = Mapping[str, Iterable[str]]


class Outsider:
    """Someone who has all the published tables and a solver, and wants to know how many are in a small group."""

    def __init__(
        self,
        tables: GroupTables,
        base: str,
        families: Iterable[Family],
        units_of: Mapping[str, Iterable[str]],
        sex: Mapping[str, Sex],
        *,
        seed: int = 0,
    ) -> None:
        self.rng = np.random.default_rng(seed)
        self.base, self.parents = base, tables.parents
        held = [{row: set(people) for row, people in family.items()} for family in families]
        people = sorted(sex)
        # Which sets of units somebody works in, and which rows may go together, is known; how many there are is not.
        above = {p: frozenset(u for own in units_of.get(p, ()) for u in self._line(own)) | {WHOLE} for p in people}
        in_rows = {p: frozenset({base}).union(*({r for r, who in f.items() if p in who} for f in held)) for p in people}
        combinations = {
            frozenset({base}).union(*parts) for parts in product(*({self._own(f, in_rows[p]) for p in people} for f in held))
        }
        self.kinds = sorted(
            product(set(above.values()), SEXES, combinations), key=lambda k: (sorted(k[0]), k[1].value, sorted(k[2]))
        )
        index = {kind: i for i, kind in enumerate(self.kinds)}
        self.truth = np.zeros(len(self.kinds))
        for p in people:
            self.truth[index[above[p], sex[p], in_rows[p]]] += 1
        self.rows = [base, *(r for f in held for r in f)]
        equations = []
        for unit_id, table in tables.items():
            for row in table.rows:
                inside = self._where(lambda u, s, r, unit_id=unit_id, row=row: unit_id in u and row.measure in r)
                for value, which in ((row.women, Sex.WOMAN), (row.men, Sex.MAN), (row.total, None)):
                    if value is not None:
                        equations.append(inside & self._where(lambda u, s, r, which=which: which in (s, None)))
                        assert equations[-1] @ self.truth == value, "what is shown is true"
        self.known = csr_matrix(np.array(equations, dtype=np.float64).reshape(len(equations), len(self.kinds)))

    @staticmethod
    def _own(family: Family, rows: frozenset[str]) -> frozenset[str]:
        return frozenset(rows & set(family))

    def _line(self, unit_id: str) -> list[str]:
        line: list[str] = []
        here: str | None = unit_id
        while here is not None:
            line.append(here)
            here = self.parents[here]
        return line

    def _where(self, wanted: Callable[..., bool]) -> np.ndarray:
        return np.array([wanted(*kind) for kind in self.kinds])

    def secrets(self) -> dict[tuple[str, ...], np.ndarray]:
        """Return every group of one or two: of each row, of those not in it, and of what a unit has beside one in it."""
        found: dict[tuple[str, ...], np.ndarray] = {}
        in_unit = {u: self._where(lambda us, s, r, u=u: u in us) for u in self.parents}
        in_row = {row: self._where(lambda us, s, r, row=row: row in r) for row in self.rows}
        of_sex = {str(s): self._where(lambda us, own, r, s=s: own is s) for s in SEXES}
        of_sex["all"] = np.ones(len(self.kinds), dtype=bool)
        for unit_id, unit in in_unit.items():
            parent = self.parents[unit_id]
            for row, members in in_row.items():
                groups = {"in": unit & members, "not in": unit & ~members}
                if parent is not None:
                    groups["beside"] = in_unit[parent] & ~unit & members
                for how, group in groups.items():
                    for name, sex in of_sex.items():
                        if 0 < (group & sex) @ self.truth < 3:
                            found[unit_id, row, how, name] = group & sex
        return found

    def solve(self, objective: np.ndarray) -> np.ndarray:
        """Return a staff that shows the same tables and is best by an objective."""
        right = np.asarray(self.known @ self.truth)
        answer = milp(
            objective,
            integrality=np.ones(len(self.kinds), dtype=np.int64),
            bounds=Bounds(0, self.truth.sum()),
            constraints=LinearConstraint(self.known, right, right),
        )
        assert answer.success, answer.message
        return np.round(answer.x)

    def found_out(self, tries: int = 12) -> list[tuple[str, ...]]:
        """Return the small groups whose head count no other staff with the same tables has.

        A few staffs drawn at random clear most groups; for each of the others the least and the greatest count are
        looked for.
        """
        secrets = self.secrets()
        left = dict(secrets)
        for _ in range(tries):
            if left:
                other = self.solve(self.rng.normal(size=len(self.kinds)))
                left = {k: g for k, g in left.items() if g @ other == g @ self.truth}
        return [k for k, g in left.items() if all(g @ self.solve(way * g) == g @ self.truth for way in (1.0, -1.0))]
