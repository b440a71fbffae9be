"""From uploaded files to a Staff with random ids: the dry run, what it shows, and the confirmed reading.

Nothing of the files is stored before somebody has said yes: until then their bytes lie in a folder, and what was read of
them in memory. The employer's keys end here: everything that leaves carries random ids.
"""

from __future__ import annotations

import hashlib
import shutil
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any, Protocol

from competence.equality import GroupTable
from competence.errors import InputError, Problem
from competence.io import read_staff
from competence.linking import Linker, link_statements
from competence.model import HistoryKind, Visibility
from competence.settings import Settings
from competence.staff import Staff
from competence.taxonomy import AidList, LocalLayer, Taxonomy, apply_local
from competence_service.store import Store, new_id

__all__ = ["SCALES", "Importer", "Upload", "with_random_ids", "without_values"]

SCALES = ("", "1-3", "1-4", "1-5")
"""Scales of a competence matrix that can be chosen; empty lets the reader decide."""

_RECENT = 2
"""Dry runs kept in memory."""
_SHOWN = 30
"""Titles or words not understood that a dry run lists."""


class Upload(Protocol):
    """A file as the web framework hands it over."""

    filename: str | None

    def save(self, dst: str) -> None:
        """Write the bytes to a path."""


@dataclass(frozen=True, slots=True)
class Importer:
    """Reads files into the store.

    Parameters
    ----------
    store : Store
        Where drafts and confirmed rows go.
    folder : Path
        Where file bytes lie until the import is confirmed or discarded.
    taxonomy, linker : Taxonomy, Linker
        What words and titles are linked to.
    settings : Settings
        The library's numbers.
    audience : Visibility
        Widest circle allowed; see :class:`competence_service.config.Config`.
    recent : MutableMapping
        The latest dry runs of this process, in memory only, so that confirming need not read the files again.
    layer, ours : LocalLayer, Taxonomy
        The employer's own table and what it lies over; together they are ``taxonomy``. None means that ``taxonomy`` is ours.
    aid : AidList, optional
        The employer's AID list.
    """

    store: Store
    folder: Path
    taxonomy: Taxonomy
    linker: Linker
    settings: Settings
    audience: Visibility
    recent: MutableMapping[str, Staff] = field(default_factory=dict)
    layer: LocalLayer = field(default_factory=LocalLayer)
    ours: Taxonomy | None = None
    aid: AidList | None = None

    def receive(self, uploads: Iterable[Upload], options: Mapping[str, Any]) -> str:
        """Keep the uploaded files, read them without storing a row, and return the id of the draft.

        Raises
        ------
        InputError
            If no file came.
        UnreadableFileError
            If none of the files can be read; nothing is kept.
        """
        place = self._place(new_id("u"))
        place.mkdir(parents=True)
        try:
            taken: set[str] = set()
            for upload in uploads:
                name = _safe_name(upload.filename or "", taken)
                if name:
                    upload.save(str(place / name))
            if not taken:
                raise InputError("no file came")
            return self._draft(place, options)
        except BaseException:
            shutil.rmtree(place, ignore_errors=True)
            raise

    def receive_example(self, people: int, seed: int) -> str:
        """Make the example municipality and take it in like any other file; return the id of the draft."""
        from competence.example import write_example

        place = self._place(new_id("u"))
        place.mkdir(parents=True)
        try:
            write_example(place, people=people, seed=seed)
            # The same people come a second time as CSV, for those who want to see what an export looks like.
            shutil.rmtree(place / "export", ignore_errors=True)
            return self._draft(place, {"example": people})
        except BaseException:
            shutil.rmtree(place, ignore_errors=True)
            raise

    def reread(self, import_id: str, options: Mapping[str, Any]) -> None:
        """Read the files of a draft again with other choices."""
        row = self.store.get_import(import_id)
        self._draft(self._place(import_id), {**row.options, **options}, import_id=import_id)

    def confirm(self, import_id: str, audience: Visibility) -> bool:
        """Store the rows of a draft under random ids, and delete its files.

        What the dry run read is taken from memory; another process, or this one after a restart, reads the files again.

        Returns
        -------
        bool
            False when the draft was confirmed or discarded already.
        """
        row = self.store.get_import(import_id)
        place = self._place(import_id)
        if row.state != "draft" or not place.is_dir():
            return False
        staff = self.recent.pop(import_id, None)
        if staff is None:
            staff = self._linked(self._read(place, row.options))
        keys = [p.person_id for p in staff.people]
        narrower = audience if audience.rank >= self.audience.rank else self.audience
        done = self.store.confirm_import(
            import_id,
            with_random_ids(staff, self.store.person_ids(keys)),
            audience=narrower,
            present=keys,
            problems=without_values(staff.problems, staff),
        )
        shutil.rmtree(place, ignore_errors=True)
        return done

    def discard(self, import_id: str) -> bool:
        """Forget a draft and delete its files."""
        self.recent.pop(import_id, None)
        done = self.store.discard_import(import_id)
        if done:
            shutil.rmtree(self._place(import_id), ignore_errors=True)
        return done

    def _place(self, import_id: str) -> Path:
        if not import_id.isalnum():
            raise InputError("an import id has letters and digits only")
        return self.folder / import_id

    def _read(self, place: Path, options: Mapping[str, Any]) -> Staff:
        day = options.get("as_of")
        return read_staff(
            sorted(place.iterdir()),
            scale=options.get("scale") or None,
            as_of=date.fromisoformat(day) if day else None,
        )

    def _linked(self, staff: Staff) -> Staff:
        _, staff = apply_local(self.layer, self.ours or self.taxonomy, staff)
        return link_statements(staff, self.taxonomy, linker=self.linker, settings=self.settings, aid=self.aid)

    def _draft(self, place: Path, options: Mapping[str, Any], import_id: str | None = None) -> str:
        staff = self._read(place, options)
        linked = self._linked(staff)
        files = [(p.name, hashlib.sha256(p.read_bytes()).hexdigest()) for p in sorted(place.iterdir())]
        stored = self.store.add_import(
            linked.replace(problems=without_values(linked.problems, staff)),
            audience=self.audience,
            options=options,
            preview=self._preview(linked),
            files=files,
            import_id=import_id,
        )
        if import_id is None:
            place.rename(self._place(stored))
        while len(self.recent) >= _RECENT:
            self.recent.pop(next(iter(self.recent)), None)
        self.recent[stored] = linked
        return stored

    def _preview(self, staff: Staff) -> dict[str, Any]:
        """Return what a dry run shows besides rows and problems, as plain JSON values."""
        ids = [p.person_id for p in staff.people]
        groups = GroupTable({"people": ids}, {p.person_id: p.sex for p in staff.people}, settings=self.settings.equality)
        titles: Counter[str] = Counter(
            role.title for p in staff.people for e in p.employments for role in e.roles if role.role_id is None
        )
        held = {role.title for p in staff.people for e in p.employments for role in e.roles if role.role_id is not None}
        told = {e.statement_id for e in staff.evidence}
        # A heading that became a competence of their own is counted there, not among what was not understood.
        kept = {label for c in staff.local_concepts for label in (c.label(), *c.alternative_labels.get("sv", ()))}
        unclear = [u for u in staff.unlinked if u.kind != "title" and u.words not in kept]
        return {
            "people": len(ids),
            "by_sex": groups.to_dict(),
            "units": len(staff.units),
            "posts": len(staff.posts),
            "statements": len(staff.statements),
            "statements_linked": sum(s.statement_id in told for s in staff.statements),
            "evidence": len(staff.evidence),
            "titles": len(held | set(titles)),
            "titles_linked": len(held - set(titles)),
            "titles_unlinked": titles.most_common(_SHOWN),
            "words_unlinked": [[u.words, u.count] for u in unclear[:_SHOWN]],
            "words_unlinked_count": len(unclear),
            "local_concepts": [c.label() for c in staff.local_concepts][:_SHOWN],
            "local_concepts_count": len(staff.local_concepts),
            "opt_ins": sorted(staff.opt_in_columns),
            "protected": staff.protected_count,
            "vanishing": self.store.count_vanishing(ids),
        }


def _safe_name(filename: str, taken: set[str]) -> str:
    """Return the last part of a file name, without what a file system minds, and different from those taken."""
    name = unicodedata.normalize("NFC", filename).replace("\\", "/").rsplit("/", 1)[-1]
    name = "".join(c for c in name if c.isprintable() and c not in '<>:"|?*').strip().lstrip(".~$")[-120:]
    if not name:
        return ""
    stem, dot, ending = name.rpartition(".")
    number = 1
    while name.casefold() in taken:
        number += 1
        name = f"{stem} ({number}){dot}{ending}" if dot else f"{ending} ({number})"
    taken.add(name.casefold())
    return name


def with_random_ids(staff: Staff, ids: Mapping[str, str]) -> Staff:
    """Return the same Staff under other person ids; what speaks of somebody without one loses the reference.

    Statements, evidence and posts get new ids too, counted per person, since a reader may have made theirs from the
    employer's key.

    Parameters
    ----------
    staff : Staff
        Linked or not.
    ids : mapping of the employer's key to random id
        Has everybody in ``staff.people``.
    """

    def known(keys: Iterable[str]) -> tuple[str, ...]:
        return tuple(ids[k] for k in keys if k in ids)

    counts: Counter[str] = Counter()

    def number(person_id: str, letter: str) -> str:
        counts[person_id + letter] += 1
        return f"{person_id}-{letter}{counts[person_id + letter]}"

    statement_ids: dict[str, str] = {}
    statements = []
    for statement in staff.statements:
        person_id = ids[statement.person_id]
        statement_ids[statement.statement_id] = number(person_id, "s")
        statements.append(replace(statement, person_id=person_id, statement_id=statement_ids[statement.statement_id]))
    evidence = []
    for piece in staff.evidence:
        person_id = ids[piece.person_id]
        evidence.append(
            replace(
                piece,
                person_id=person_id,
                evidence_id=number(person_id, "e"),
                statement_id=statement_ids.get(piece.statement_id or ""),
                author=_author(piece.author, ids),
            )
        )
    return staff.replace(
        people=tuple(replace(p, person_id=ids[p.person_id], manager_ids=known(p.manager_ids)) for p in staff.people),
        units=tuple(replace(u, manager_ids=known(u.manager_ids)) for u in staff.units),
        posts=tuple(
            replace(p, post_id=f"post-{n}", holder_id=None if p.holder_id is None else ids.get(p.holder_id))
            for n, p in enumerate(staff.posts, start=1)
            # A post whose holder is nobody known is not vacant; it is left out rather than offered.
            if p.holder_id is None or p.holder_id in ids
        ),
        statements=tuple(statements),
        evidence=tuple(evidence),
        interests=tuple(replace(i, person_id=ids[i.person_id]) for i in staff.interests),
        history=tuple(
            replace(h, person_id=ids[h.person_id], other_id=None if h.other_id is None else ids.get(h.other_id))
            for h in staff.history
            if h.person_id in ids and (h.kind is not HistoryKind.PAIR or h.other_id in ids)
        ),
        decisions=tuple(
            replace(d, people=known(d.people), decided_by=_author(d.decided_by, ids))
            for d in staff.decisions
            if all(p in ids for p in d.people)
        ),
        delegations=tuple(
            replace(d, delegator_id=ids[d.delegator_id], delegate_id=ids[d.delegate_id])
            for d in staff.delegations
            if d.delegator_id in ids and d.delegate_id in ids
        ),
    )


def _author(author: str, ids: Mapping[str, str]) -> str:
    """Return the random id of an author given by key; words are kept, other keys are not."""
    if author in ids:
        return ids[author]
    return "" if any(c.isdigit() for c in author) else author


_SILENT = frozenset(
    {
        *(
            "birth_invalid",
            "duplicate_id",
            "id_from_name",
            "key_missing",
            "name_not_unique",
            "not_a_person",
            "personal_id_as_key",
        ),
        *("personal_id_in_text", "sex_differs", "sex_invalid", "under_age", "unknown_manager", "unknown_person"),
    }
)
"""Problems about who somebody is: what was written there is never repeated."""


def without_values(problems: Sequence[Problem], staff: Staff) -> tuple[Problem, ...]:
    """Return Problems that repeat nobody's name or key: row, column and remedy are enough to find the cell."""
    named = {p.person_id.casefold() for p in staff.people}
    for person in staff.people:
        named.add(person.name.casefold())
        named.update(person.name.casefold().split())
    named.discard("")

    def shown(text: str | None) -> bool:
        return text is not None and not named.intersection((text.casefold(), *text.casefold().replace(",", " ").split()))

    kept = []
    for problem in problems:
        silent = problem.code in _SILENT
        kept.append(
            replace(
                problem,
                value=None if silent or not shown(problem.value) else problem.value,
                detail="" if silent or not shown(problem.detail) else problem.detail,
            )
        )
    return tuple(kept)
