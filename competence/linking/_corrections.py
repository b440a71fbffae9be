"""What people here have said that words mean: a log of choices, from which the words become other labels at once.

This module decides which choice holds (the last that is not undone) and how the log is read from and written to a table. What a
linker does with it stands in :meth:`competence.linking.Linker.with_pairs`, at once, and in :meth:`competence.linking.Linker.fit`,
which learns from it; which words there are to choose for, in ``_settling``.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Self

from competence._words import tokenize
from competence.errors import InputError, Problem, ProblemEffect, Problems, UnknownIdError
from competence.model import Concept, ConceptKind, Role
from competence.taxonomy import LocalLayer, Taxonomy
from competence.taxonomy.core import NOTHING
from competence.taxonomy.local import Cells, Records, normalised, text_rows

if TYPE_CHECKING:
    import pandas as pd

    from competence.linking import Pair

__all__ = ["CHOICES", "NONE_WORDS", "Correction", "Corrections", "Settled", "settled", "words_key"]

CHOICES = 5
"""Proposals that a row of a table of words can have, numbered from 1."""
NONE_WORDS = ("none", "ingen", "inget", "0")
"""What stands in a table where none is meant; the first is written."""

_COLUMNS = ("words", "target_id", "who", "day", "note", "undone_by", "undone_day")
_HEADINGS: Mapping[str, str] = MappingProxyType(
    {
        **{"".join(c for c in column if c.isalnum()): column for column in _COLUMNS},
        "ord": "words",
        "val": "target_id",
        "val15benämningellerid0ingetavdem": "target_id",
        "choice": "target_id",
        "choice15labelorid0noneofthem": "target_id",
        "vem": "who",
        "datum": "day",
        "anteckning": "note",
        "ångratav": "undone_by",
        "ångratdatum": "undone_day",
        **{f"{name}{number}": f"nearest_{number}" for name in ("nearest", "förslag") for number in range(1, CHOICES + 1)},
    }
)
_PROPOSED = re.compile(r"\[([^\[\]]+)\]")
_GUARDED = ("'=", "'+", "'-", "'@", "'\t", "'\r")
"""An apostrophe before what a spreadsheet would run, as :func:`competence.io.write_tables` puts it in a CSV file."""

Settled = Mapping[tuple[bool, tuple[str, ...]], str]
"""Whether as a title, and the words compared -> the one thing they mean, ``""`` for none."""


def words_key(words: str) -> tuple[str, ...]:
    """Return words as they are compared: case and punctuation tell nothing apart."""
    return tuple(t.word for t in tokenize(words))


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """One choice of what some words mean here.

    Parameters
    ----------
    words : str
        As written; compared without case and punctuation.
    target_id : str
        The concept or role they mean; ``""`` means none of them.
    who, day, note : str, date or None, str
        Who chose, when, and why.
    undone_by, undone_day : str, date or None
        Who took it back, and when; both empty as long as it holds.

    Raises
    ------
    InputError
        If the words have neither letter nor digit.
    """

    words: str
    target_id: str
    who: str = ""
    day: date | None = None
    note: str = ""
    undone_by: str = ""
    undone_day: date | None = None

    def __post_init__(self) -> None:
        if not words_key(self.words):
            raise InputError(f"words must have a letter or digit; got {self.words!r}")

    @property
    def undone(self) -> bool:
        """True when it was taken back."""
        return bool(self.undone_by) or self.undone_day is not None


@dataclass(frozen=True, kw_only=True)
class Corrections:
    """Hold every choice ever made, in order; none is taken out, also not by an undo.

    Parameters
    ----------
    log : tuple of Correction
        The earliest first.
    problems : Problems
        What was set aside when it was read or checked; not compared.
    file : str
        Name of the file it was read from; not compared.

    Examples
    --------
    >>> from datetime import date
    >>> day = date(2026, 3, 2)
    >>> chosen = Corrections().with_choice("Primula", "payroll", who="Eva Lind", day=day)
    >>> chosen = chosen.with_choice("primula!", "", who="Bo Ek", day=day)
    >>> [(pair.words, pair.target_id) for pair in chosen.pairs]
    [('primula!', '')]
    >>> [(pair.words, pair.target_id) for pair in chosen.undo("Primula", who="Eva Lind", day=day).pairs]
    [('Primula', 'payroll')]
    """

    log: tuple[Correction, ...] = ()
    problems: Problems = field(default_factory=Problems, compare=False)
    file: str = field(default="", compare=False)

    def with_choice(self, words: str, target_id: str, *, who: str, day: date | None, note: str = "") -> Self:
        """Return the log with one more choice; for the same words it holds before all earlier ones."""
        made = Correction(words=words.strip(), target_id=target_id, who=who, day=day, note=note)
        return replace(self, log=(*self.log, made))

    def undo(self, words: str, *, who: str, day: date | None) -> Self:
        """Return the log with the choice that holds for these words marked as undone; the one before it holds again.

        Raises
        ------
        InputError
            If neither ``who`` nor ``day`` is given: the log must tell.
        UnknownIdError
            If no choice holds for them.
        """
        if not who and day is None:
            raise InputError("an undo must say who or which day; got neither")
        held = self._in_force.get(words_key(words))
        if held is None:
            raise UnknownIdError(f"no choice holds for {words!r}")
        log = list(self.log)
        log[held] = replace(log[held], undone_by=who, undone_day=day)
        return replace(self, log=tuple(log))

    @cached_property
    def _in_force(self) -> Mapping[tuple[str, ...], int]:
        """Place in the log of the choice that holds, by words."""
        held: dict[tuple[str, ...], int] = {}
        for place, made in enumerate(self.log):
            if not made.undone:
                held[words_key(made.words)] = place
        return MappingProxyType(held)

    @property
    def in_force(self) -> tuple[Correction, ...]:
        """The choice that holds for each words, in the order they were made: of several, the last that is not undone."""
        return tuple(self.log[place] for place in sorted(self._in_force.values()))

    @property
    def pairs(self) -> tuple[Pair, ...]:
        """What holds, as :meth:`Linker.with_pairs` and :meth:`Linker.fit` take it; ``""`` is the target of none."""
        # The linker's module imports this one.
        from competence.linking import Pair

        return tuple(Pair(made.words, made.target_id) for made in self.in_force)

    def settles(self, words: str) -> bool:
        """Say whether a choice holds for these words."""
        return words_key(words) in self._in_force

    def checked(self, taxonomy: Taxonomy, layer: LocalLayer | None = None) -> Self:
        """Return the log with targets as a taxonomy has them.

        Parameters
        ----------
        taxonomy : Taxonomy
            What is linked to; with ``layer`` applied where there is one.
        layer : LocalLayer, optional
            The employer's own table: what it merged leads on to what it became.

        Returns
        -------
        Corrections
            A label in place of an id has become the id it is the label of. A choice whose target is not there, or is the label
            of several, is left out and told in ``problems``; so that a choice for something retired cannot stop the linking.
        """
        named: dict[str, dict[str, None]] = {}
        records: list[Concept | Role] = [*taxonomy.competences, *taxonomy.roles.values()]
        for record in records:
            key = record.role_id if isinstance(record, Role) else record.concept_id
            further = (label for found in record.alternative_labels.values() for label in found)
            for label in (*record.labels.values(), *further):
                named.setdefault(normalised(label), {})[key] = None
        kept, told = [], list(self.problems)
        for made in self.log:
            found = [made.target_id] if made.target_id == NOTHING else _targets(made.target_id, taxonomy, layer, named)
            if len(found) == 1:
                kept.append(replace(made, target_id=found[0]))
            elif not made.undone:
                told.append(
                    Problem(
                        code="words_target_several" if found else "words_target_gone",
                        table="words",
                        column="target_id",
                        value=made.words,
                        effect=ProblemEffect.SET_ASIDE,
                        detail=", ".join((made.target_id, *found)),
                        file=self.file,
                    )
                )
        return replace(self, log=tuple(kept), problems=Problems(told))

    def to_frame(self) -> pd.DataFrame:
        """Return the log as a table of words, target_id, who, day, note, undone_by and undone_day; ``read`` gives it back."""
        import pandas as pd

        rows = [
            {**{column: getattr(made, column) for column in _COLUMNS}, "target_id": made.target_id or NONE_WORDS[0]}
            for made in self.log
        ]
        return pd.DataFrame(rows, columns=list(_COLUMNS), dtype=object)

    @classmethod
    def read(cls, source: str | Path | Cells | Records | Iterable[Mapping[str, object]]) -> Self:
        """Read a log, or a table of unknown words that was filled in; :func:`competence.io.read_words` opens workbooks too.

        Parameters
        ----------
        source : str, Path, Cells, DataFrame or rows
            Columns words and target_id (Ord and Val), and where wanted who, day (ISO), note, undone_by, undone_day and
            nearest_1 to nearest_5. What is meant stands as an id, as a label, or as the number of one of the row's
            proposals; ``none`` or 0 says none of them, and an empty cell that nothing has been chosen.

        Returns
        -------
        Corrections
            ``problems`` tells each row set aside. Labels stay until :meth:`checked`.

        Raises
        ------
        UnreadableFileError
            If it is not a table of text, or has no columns of words and choices.
        """
        file, rows, problems = text_rows(source, _HEADINGS, ("words", "target_id"))
        log = []
        for number, raw in rows:
            cells = {column: cell[1:] if cell.startswith(_GUARDED) else cell for column, cell in raw.items()}

            def fault(code: str, column: str, effect: ProblemEffect, row: int = number, cells: Any = cells) -> None:
                problems.append(
                    Problem(
                        code=code,
                        table="words",
                        row=row,
                        column=column,
                        value=cells.get(column, ""),
                        effect=effect,
                        detail=cells.get("words", "") or "–",
                        file=file,
                    )
                )

            choice = cells.get("target_id", "")
            if not choice:
                continue
            if not words_key(cells.get("words", "")):
                fault("words_missing", "target_id", ProblemEffect.SET_ASIDE)
                continue
            target = _chosen(choice, cells)
            if target is None:
                fault("words_choice", "target_id", ProblemEffect.SET_ASIDE)
                continue
            days: dict[str, date | None] = {}
            for column in ("day", "undone_day"):
                try:
                    days[column] = date.fromisoformat(cells[column]) if cells.get(column) else None
                except ValueError:
                    fault("words_day", column, ProblemEffect.CELL_DROPPED)
                    days[column] = None
            plain = {column: cells.get(column, "") for column in ("words", "who", "note", "undone_by")}
            # What was undone on a day that cannot be read is undone still.
            plain["undone_by"] = plain["undone_by"] or ("" if days["undone_day"] else cells.get("undone_day", ""))
            log.append(Correction(target_id=target, day=days["day"], undone_day=days["undone_day"], **plain))
        return cls(log=tuple(log), problems=Problems(problems), file=file)


def _chosen(choice: str, cells: Mapping[str, str]) -> str | None:
    """Return what a cell of choices says: an id or a label as written, an id by its number; None where it says nothing known."""
    if choice.casefold() in NONE_WORDS:
        return NOTHING
    if not (choice.isascii() and choice.isdigit() and len(choice) == 1):
        return choice
    found = _PROPOSED.findall(cells.get(f"nearest_{choice}", ""))
    return found[-1] if found else None


def _targets(target: str, taxonomy: Taxonomy, layer: LocalLayer | None, named: Mapping[str, Mapping[str, None]]) -> list[str]:
    """Return the ids that are meant by an id or a label: none, one or several."""

    def can_be_meant(key: str) -> bool:
        concept = taxonomy.concepts.get(key)
        return key in taxonomy.roles if concept is None else concept.kind is not ConceptKind.GROUP

    if can_be_meant(target):
        return [target]
    if layer is not None:
        for resolve in (layer.resolve, layer.resolve_role):
            try:
                return [resolve(target, taxonomy)]
            except UnknownIdError:
                # Neither is known to lead on from it; it may still be a label.
                continue
    return list(named.get(normalised(target), ()))


def settled(pairs: Iterable[Pair], roles: Collection[str]) -> Settled:
    """Return what whole texts mean by the pairs, where those of the same words agree; none of them counts for titles too."""
    meant: dict[tuple[bool, tuple[str, ...]], set[str]] = {}
    for pair in pairs:
        if key := words_key(pair.words):
            for titles in (False, True) if pair.target_id == NOTHING else (pair.target_id in roles,):
                meant.setdefault((titles, key), set()).add(pair.target_id)
    return MappingProxyType({key: next(iter(targets)) for key, targets in meant.items() if len(targets) == 1})
