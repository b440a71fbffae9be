"""What there is to settle after linking: words not understood, and own terms that are nearly the same as something else.

This module lists; people choose, row by row, and nothing is chosen where they write nothing. The tables come back as
:class:`competence.linking.Corrections` and as rows of the employer's own table (:func:`chosen_merges`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from competence._words import Stance, fold, segments, stances, tokenize
from competence.errors import InputError, Problem, ProblemEffect, Problems
from competence.linking._corrections import CHOICES, Corrections, words_key
from competence.model import Concept, ConceptKind
from competence.staff import Staff, Unlinked
from competence.taxonomy import LocalAction, LocalLayer, LocalRow, Taxonomy
from competence.taxonomy.local import Cells, Records, text_rows
from competence.taxonomy.near import near_duplicates

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["NearReason", "SimilarTerm", "Unknown", "chosen_merges", "list_unknown", "similar_local_terms", "unknown_words"]

_UNDERSTOOD = (Stance.WISH.value, Stance.NEGATED.value)
"""Kinds of words without a link that were understood: they claim nothing."""
_TWO_TERMS = 0.5
"""Likeness from which on two own terms are proposed; as for sayings of the taxonomy (0.45), names being shorter."""
_TERM_AND_CONCEPT = 0.25
"""Probability from which on a concept is proposed for a term that was not linked to it; even odds would have linked it."""
_SLIPS = ((10, 2), (6, 1))
"""Letters that may differ, by the least length; shorter words are as often other words."""
_YES = ("ja", "yes", "x", "1")
_NO = ("nej", "no", "0")
_HEADINGS: Mapping[str, str] = MappingProxyType(
    {
        **{name: name for name in ("id", "kind", "label", "target", "choice")},
        "targetid": "target",
        "targetlabel": "target_label",
        "typ": "kind",
        "term": "label",
        "mål": "target",
        "slåsihopmed": "target_label",
        "mergewith": "target_label",
        "val": "choice",
        "valjaslåihop": "choice",
        "choiceyesmerge": "choice",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unknown:
    """Words that were not understood, in all their spellings, with the nearest concepts or, for titles, roles."""

    words: str
    kind: str
    count: int
    nearest: tuple[tuple[str, float], ...]


def list_unknown(staff: Staff, taxonomy: Taxonomy, corrections: Corrections | None = None) -> tuple[Unknown, ...]:
    """List the words of a linked staff that were not understood and that nobody has settled; see :func:`unknown_words`.

    What is nearest is of the taxonomy: an own term is made anew at each reading, so that nothing can be chosen to mean it.
    """
    groups: dict[tuple[bool, tuple[str, ...]], list[Unlinked]] = {}
    for left in staff.unlinked:
        key = words_key(left.words)
        asked = left.kind not in _UNDERSTOOD and not (left.kind == "statement" and _claims_nothing(left.words))
        if key and asked and not (corrections is not None and corrections.settles(left.words)):
            groups.setdefault((left.kind == "title", key), []).append(left)
    found = []
    for spellings in groups.values():
        first = min(spellings, key=lambda s: (-s.count, s.words, s.kind))
        count = sum(s.count for s in spellings)
        near = [n for n in first.nearest if n[0] in taxonomy.concepts or n[0] in taxonomy.roles]
        found.append(Unknown(words=first.words, kind=first.kind, count=count, nearest=tuple(near[:CHOICES])))
    return tuple(sorted(found, key=lambda u: (-u.count, u.words, u.kind)))


def _claims_nothing(text: str) -> bool:
    """Say whether a statement only wishes or denies: whatever its words are chosen to mean, it gives no evidence."""
    tokens = tokenize(text)
    words = [t.word for t in tokens]
    return not any(Stance.CLAIMED in stances(words, first, last) for first, last in segments(text, tokens))


def unknown_words(staff: Staff, taxonomy: Taxonomy, *, corrections: Corrections | None = None, lang: str = "sv") -> pd.DataFrame:
    """Return a table of the words that were not understood, for somebody to say what each means.

    Parameters
    ----------
    staff : Staff
        Linked. What a person keeps private or for the manager alone is not in its list of words, and so not here.
    taxonomy : Taxonomy
        What it was linked to, for the labels.
    corrections : Corrections, optional
        Choices made so far: words that one holds for are left out, also those that mean none.
    lang : str
        ``sv`` or ``en``, of the labels.

    Returns
    -------
    DataFrame
        One row per words, the most frequent first, ties by words: words, kind, count, nearest_1 to nearest_5 (label, id in
        brackets, probability), and target_id, who, day and note, which are empty. Written to a sheet and filled in,
        :meth:`Corrections.read` takes it: 1 to 5 in target_id is that proposal, 0 is none, and an empty cell chooses nothing.

    Examples
    --------
    >>> from datetime import date
    >>> from competence.model import Concept, Person, Sex
    >>> ours = Taxonomy.of([Concept(concept_id="payroll", labels={"sv": "lönesystem"})])
    >>> eva = Person(person_id="1", name="Eva Lind", sex=Sex.WOMAN)
    >>> left = Unlinked("Primula", "statement", 3, (("payroll", 0.2),))
    >>> table = unknown_words(Staff(people=(eva,), as_of=date(2026, 1, 1), unlinked=(left,)), ours)
    >>> table[["words", "count", "nearest_1"]].values.tolist()
    [['Primula', 3, 'lönesystem [payroll] 20 %']]
    >>> table["target_id"] = "1"
    >>> Corrections.read(table).pairs
    (Pair(words='Primula', target_id='payroll', codes=()),)
    """
    import pandas as pd

    rows = []
    for left in list_unknown(staff, taxonomy, corrections):
        near = []
        for key, chance in left.nearest:
            record = taxonomy.concepts.get(key) or taxonomy.roles[key]
            near.append(f"{record.label(lang)} [{key}] {100 * chance:.0f} %")
        proposed = {f"nearest_{n}": near[n - 1] if n <= len(near) else "" for n in range(1, CHOICES + 1)}
        empty = {"target_id": "", "who": "", "day": "", "note": ""}
        rows.append({"words": left.words, "kind": left.kind, "count": left.count, **proposed, **empty})
    columns = ("words", "kind", "count", *(f"nearest_{n}" for n in range(1, CHOICES + 1)), "target_id", "who", "day", "note")
    return pd.DataFrame(rows, columns=list(columns), dtype=object)


class NearReason(StrEnum):
    """Why two terms may be one."""

    SPELLING = "spelling"
    """They differ by a letter or two, or by dots and rings."""
    COMPOUND = "compound"
    """The same letters, written as one word or as several."""
    LIKENESS = "likeness"
    """They share words and parts of words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SimilarTerm:
    """Propose to make one of two: an own term, and another or a concept of the taxonomy.

    Parameters
    ----------
    id, label, kind, count : str, str, ConceptKind, int
        The own term, and how often it stands in the files.
    target_id, target_label : str
        What it would become: a concept of the taxonomy, or the own term that stands there more often.
    reason : NearReason
        Why.
    likeness : float
        In [0, 1]; for a concept of the taxonomy the probability that it is meant.
    own : bool
        Whether the target is an own term too.
    """

    id: str
    label: str
    kind: ConceptKind
    count: int
    target_id: str
    target_label: str
    reason: NearReason
    likeness: float
    own: bool

    @property
    def row(self) -> LocalRow:
        """The row of the employer's own table that does it: a merge, or the own target with this term as another label."""
        return _merge_row(self.id, self.label, self.target_id, self.target_label, self.kind)


def similar_local_terms(staff: Staff, taxonomy: Taxonomy, *, lang: str = "sv") -> tuple[SimilarTerm, ...]:
    """Propose own terms that may be the same as another own term or as a concept of the taxonomy.

    Parameters
    ----------
    staff : Staff
        Linked; its ``local_concepts`` are headings, evidence words and requirement words that the taxonomy does not know.
        Other inflection, word order and known compounds made them one already.
    taxonomy : Taxonomy
        What it was linked to.
    lang : str
        ``sv`` or ``en``, of the target's label.

    Returns
    -------
    tuple of SimilarTerm
        At most one concept of the taxonomy per term; the most alike first, ties by id. Numbers that differ keep terms apart.

    Notes
    -----
    Cost O(terms²) over short words, a second or so for 3 000 terms. Nothing is merged: ``row`` goes into the employer's own
    table (:meth:`competence.taxonomy.LocalLayer.with_rows`) where somebody has said yes.

    Examples
    --------
    >>> from datetime import date
    >>> from competence.model import Person, Sex
    >>> terms = [
    ...     Concept(concept_id=f"local:{w}", labels={"sv": w}, scheme="local") for w in ("kylteknik", "kyl-teknik", "nivå 1")
    ... ]
    >>> left = (Unlinked("kylteknik", "heading", 4), Unlinked("kyl-teknik", "heading", 1), Unlinked("nivå 1", "heading", 1))
    >>> people = (Person(person_id="1", name="Eva Lind", sex=Sex.WOMAN),)
    >>> staff = Staff(people=people, as_of=date(2026, 1, 1), local_concepts=tuple(terms), unlinked=left)
    >>> [(t.label, t.target_label, t.reason.value) for t in similar_local_terms(staff, Taxonomy.of([]))]
    [('kyl-teknik', 'kylteknik', 'compound')]
    """
    counts: dict[str, int] = {}
    best: dict[str, tuple[str, float]] = {}
    by_words = {w: c for c in staff.local_concepts for w in (*c.labels.values(), *_also(c))}
    for left in staff.unlinked:
        concept = by_words.get(left.words.strip())
        if concept is not None and left.kind in ("heading", "evidence", "requirement"):
            counts[concept.concept_id] = counts.get(concept.concept_id, 0) + left.count
            near = [n for n in left.nearest[:1] if n[0] in taxonomy.concepts and n[1] >= _TERM_AND_CONCEPT]
            best[concept.concept_id] = max([*near, best.get(concept.concept_id, ("", 0.0))], key=lambda n: n[1])
    found = []
    for one, other, reason, likeness in _near_each_other(staff.local_concepts):
        # The term that stands in the files more often is the better name.
        less, more = sorted((one, other), key=lambda c: (counts.get(c.concept_id, 0), c.concept_id))
        found.append(_similar(less, counts, more.concept_id, more.label("sv"), reason, likeness, own=True))
    for concept in staff.local_concepts:
        key, chance = best.get(concept.concept_id, ("", 0.0))
        if key and _numbers(concept.label("sv")) == _numbers(taxonomy.concepts[key].label("sv")):
            label = taxonomy.concepts[key].label(lang)
            found.append(_similar(concept, counts, key, label, NearReason.LIKENESS, round(chance, 6), own=False))
    return tuple(sorted(found, key=lambda t: (-t.likeness, t.id, t.target_id)))


def _also(concept: Concept) -> tuple[str, ...]:
    return tuple(label for found in concept.alternative_labels.values() for label in found)


def _similar(
    concept: Concept, counts: Mapping[str, int], target: str, label: str, reason: NearReason, likeness: float, *, own: bool
) -> SimilarTerm:
    return SimilarTerm(
        id=concept.concept_id,
        label=concept.label("sv"),
        kind=concept.kind,
        count=counts.get(concept.concept_id, 0),
        target_id=target,
        target_label=label,
        reason=reason,
        likeness=likeness,
        own=own,
    )


def _near_each_other(concepts: Iterable[Concept]) -> list[tuple[Concept, Concept, NearReason, float]]:
    """Return pairs of own terms, each with the surest reason."""
    from rapidfuzz.distance import OSA

    terms = {c.concept_id: c for c in concepts}
    joined = {key: "".join(words_key(c.label("sv"))) for key, c in terms.items()}
    found: dict[tuple[str, str], tuple[NearReason, float]] = {}
    # The first letter is nearly always right.
    by_letter: dict[str, list[str]] = {}
    for key in sorted(terms):
        by_letter.setdefault(fold(joined[key][:1]), []).append(key)
    for keys in by_letter.values():
        for i, one in enumerate(keys):
            for other in keys[i + 1 :]:
                a, b = joined[one], joined[other]
                allowed = next((slips for least, slips in _SLIPS if min(len(a), len(b)) >= least), 0)
                if abs(len(a) - len(b)) > allowed or _numbers(a) != _numbers(b):
                    continue
                if a == b:
                    found[one, other] = (NearReason.COMPOUND, 1.0)
                elif fold(a) == fold(b) or (allowed and OSA.distance(a, b, score_cutoff=allowed) <= allowed):
                    found[one, other] = (NearReason.SPELLING, round(OSA.normalized_similarity(a, b), 6))
    for pair in near_duplicates(Taxonomy.of(list(terms.values())), cutoff=_TWO_TERMS) if terms else ():
        if _numbers(joined[pair.id]) == _numbers(joined[pair.other_id]):
            found.setdefault((pair.id, pair.other_id), (NearReason.LIKENESS, pair.likeness))
    return [(terms[one], terms[other], *why) for (one, other), why in sorted(found.items())]


def _numbers(text: str) -> list[str]:
    """Return the figures of a term: "nivå 1" is never "nivå 2"."""
    return [c for c in text if c.isdigit()]


def _merge_row(id: str, label: str, target: str, target_label: str, kind: ConceptKind) -> LocalRow:
    if target.startswith("local:"):
        # No taxonomy has the target, so it becomes a concept of the employer's table, and the term a label of it.
        return LocalRow(action=LocalAction.ADD, kind=kind.value, id=target, label_sv=target_label, also_sv=(label,))
    return LocalRow(action=LocalAction.MERGE, id=id, label_sv=label, target=(target,))


def chosen_merges(source: str | Path | Cells | Records | Iterable[Mapping[str, object]]) -> LocalLayer:
    """Read back a table of proposals to merge: the rows somebody has said yes to, as rows of the employer's own table.

    Parameters
    ----------
    source : str, Path, Cells, DataFrame or rows
        Columns id, kind, label, target, target_label (Id, Typ, Term, Mål, Slås ihop med) and choice (Val): ``ja`` or ``yes``
        merges, an empty cell or ``nej`` does nothing.

    Returns
    -------
    LocalLayer
        For :func:`competence.taxonomy.apply_local`, after the employer's other rows; ``problems`` tells rows set aside.

    Raises
    ------
    UnreadableFileError
        If it is not a table of text, or has no columns id, target and choice.

    Examples
    --------
    >>> table = [{"id": "local:suomi", "label": "suomi", "target": "finnish", "choice": "ja"}]
    >>> [(row.action.value, row.id, row.target) for row in chosen_merges(table).rows]
    [('merge', 'local:suomi', ('finnish',))]
    """
    file, rows, problems = text_rows(source, _HEADINGS, ("id", "target", "choice"))
    made = []
    for number, cells in rows:
        said = cells.get("choice", "").casefold()
        if not said or said in _NO:
            continue
        kind = cells.get("kind", "") or ConceptKind.SKILL.value
        label, target = cells.get("label", ""), cells.get("target", "")
        try:
            if said not in _YES:
                raise InputError(f"choice must be yes or no; got {said!r}")
            made.append(_merge_row(cells.get("id", ""), label, target, cells.get("target_label", ""), ConceptKind(kind)))
        except ValueError:
            problems.append(
                Problem(
                    code="words_merge",
                    table="words",
                    row=number,
                    column="choice",
                    value=said,
                    effect=ProblemEffect.SET_ASIDE,
                    detail=label or "–",
                    file=file,
                )
            )
    return LocalLayer(rows=tuple(made), problems=Problems(problems), file=file)
