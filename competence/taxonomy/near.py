"""What in a taxonomy is nearly the same: concepts, roles and sayings that an editor should merge, rewrite or argue for.

This module decides how alike two texts are and which pairs are worth an editor's eye. Whether a pair is one thing or two is
for people to say: what they said stands in ``kept_apart.csv`` beside the taxonomy, one reason per pair. Faults that need no
judgement, such as one label of two concepts, are told by :mod:`competence.taxonomy.checks`.

The columns of ``kept_apart.csv`` are id, other_id, saying, other_saying (both empty where concepts or roles are meant; the id
is empty for a saying that means no concept) and reason.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Any

from competence.errors import InputError, Problem, ProblemEffect, UnreadableFileError
from competence.model import Concept, ConceptKind, Role
from competence.taxonomy.core import Taxonomy
from competence.taxonomy.releases import Release

__all__ = ["CUTOFFS", "KEPT_APART", "Kept", "NearKind", "NearPair", "Place", "gone", "near_duplicates", "read_kept_apart"]


class NearKind(StrEnum):
    """What two things that are nearly the same are."""

    CONCEPT = "concept"
    ROLE = "role"
    SAYING = "saying"


CUTOFFS: Mapping[NearKind, float] = MappingProxyType({NearKind.CONCEPT: 0.3, NearKind.ROLE: 0.3, NearKind.SAYING: 0.45})
"""Lowest likeness that is listed.

Chosen by reading the list of the municipal taxonomy. Concepts: 18 that stand there were written anew in other words, and 17 of
them came to 0.32 or more (the last to 0.24); of its 465 000 pairs 84 reached 0.3, and the next 130, read down to 0.25, held no
duplicate. Roles: 43 pairs reached 0.3 and the twenty below held none. Sayings: 80 pairs reached 0.45; of the hundred
Swedish ones next below, read down to 0.41, all but seven shared a turn of phrase and not a meaning.
"""

KEPT_APART = "kept_apart.csv"
_COLUMNS = ("id", "other_id", "saying", "other_saying", "reason")
_BLOCK = 500
"""Rows compared at a time: 500 by the 14 000 concepts of ESCO are 56 MB."""

Place = tuple[str, str]
"""An id and, where a saying is meant, the saying."""
Kept = Mapping[frozenset[Place], str]
"""Pairs that somebody has argued, with the reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NearPair:
    """Two things of a taxonomy that are nearly the same.

    Parameters
    ----------
    kind : NearKind
        Whether concepts, roles or sayings.
    id, other_id : str
        Concepts or roles, the lower id first; empty for a saying that means none.
    saying, other_saying : str
        Empty for concepts and roles.
    likeness : float
        In [0, 1].
    reason : str
        Why both stand, where somebody has argued it; else empty.
    """

    kind: NearKind
    id: str
    other_id: str
    saying: str = ""
    other_saying: str = ""
    likeness: float
    reason: str = ""

    @property
    def ordered(self) -> tuple[Place, Place]:
        """The two places: an id and a saying each."""
        return (self.id, self.saying), (self.other_id, self.other_saying)

    @property
    def places(self) -> frozenset[Place]:
        """The two places without their order, as reasons are kept by."""
        return frozenset(self.ordered)


def near_duplicates(taxonomy: Taxonomy, *, cutoff: float | None = None, kept: Kept | None = None) -> tuple[NearPair, ...]:
    """List the pairs of concepts, of roles and of sayings that are nearly the same.

    Parameters
    ----------
    taxonomy : Taxonomy
        Of any size; what is only an employer's own is compared as well.
    cutoff : float or None
        Lowest likeness listed, in [0, 1]; None means :data:`CUTOFFS`, one for each kind.
    kept : mapping or None
        Reasons from :func:`read_kept_apart`, written into the pairs they speak of.

    Returns
    -------
    tuple of NearPair
        Concepts, then roles, then sayings; within each the most alike first, ties by id.

    Raises
    ------
    InputError
        If ``cutoff`` is not in [0, 1].

    Notes
    -----
    Likeness is the mean of two cosines of TF-IDF weights: of whole words, and of 3 to 5 characters within words. What is
    compared of a concept is its labels, alternative labels and descriptions in all languages; of a language its labels only,
    since every language is described alike; of a saying the saying. Roles have no description but what they ask for, so that
    theirs is the mean of the likeness of their labels and of shared over joint requirements: the sum over concepts of the
    smaller level times weight by that of the larger. Sayings of one concept may be alike; across languages none are.
    Groups are not compared. The cost is O(concepts² + roles² + sayings²), some seconds for the municipal taxonomy.

    Examples
    --------
    >>> from competence.model import Concept
    >>> labels = {"a": "driving a bus", "b": "bus driving", "c": "sewing clothes"}
    >>> taxonomy = Taxonomy.of([Concept(concept_id=key, labels={"en": label}) for key, label in labels.items()])
    >>> [(pair.id, pair.other_id) for pair in near_duplicates(taxonomy)]
    [('a', 'b')]
    """
    if cutoff is not None and not 0 <= cutoff <= 1:
        raise InputError(f"cutoff must be in [0, 1]; got {cutoff}")
    lowest = {kind: CUTOFFS[kind] if cutoff is None else cutoff for kind in NearKind}
    reasons = kept or {}
    found = (
        *_near_concepts(taxonomy, lowest[NearKind.CONCEPT]),
        *_near_roles(taxonomy, lowest[NearKind.ROLE]),
        *_near_sayings(taxonomy, lowest[NearKind.SAYING]),
    )
    return tuple(replace(pair, reason=reasons.get(pair.places, "")) for pair in found)


def read_kept_apart(path: str | Path) -> dict[frozenset[Place], str]:
    """Read what has been argued of near-duplicates beside the taxonomy at ``path``, a folder or zip.

    Returns
    -------
    dict
        Empty when there is no ``kept_apart.csv``.

    Raises
    ------
    UnreadableFileError
        If there is nothing at ``path``, or a column is missing, a reason is empty or a pair stands twice.
    """
    release = Release([Path(path)])
    if KEPT_APART not in release:
        return {}
    table = release.table(KEPT_APART)
    if missing := [column for column in _COLUMNS if column not in table.headings]:
        raise _unreadable(", ".join(missing), f"it has no column {', '.join(missing)}")
    reasons: dict[frozenset[Place], str] = {}
    for row, cells in table.rows:
        said = dict(zip(table.headings, (cell.strip() for cell in cells), strict=False))
        places = frozenset(((said["id"], said.get("saying", "")), (said.get("other_id", ""), said.get("other_saying", ""))))
        if len(places) < 2 or places in reasons:
            raise _unreadable(str(row), f"row {row} names a pair that stands above, or one thing twice")
        if not said.get("reason"):
            raise _unreadable(str(row), f"row {row} gives no reason")
        reasons[places] = said["reason"]
    return reasons


def gone(taxonomy: Taxonomy, kept: Kept) -> tuple[frozenset[Place], ...]:
    """Return the argued pairs of which one no longer stands in the taxonomy, in order: such rows can go.

    A pair that has become less alike keeps its reason, since a word added elsewhere may bring it back.
    """
    said = {(key, saying) for by_id in taxonomy.spoken.values() for key, found in by_id.items() for saying in found}
    there = said | {(key, "") for key in (*taxonomy.concepts, *taxonomy.roles)}
    return tuple(sorted((places for places in kept if not places <= there), key=sorted))


def _unreadable(value: str, why: str) -> UnreadableFileError:
    problem = Problem(
        code="taxonomy_value", table="kept_apart", file=KEPT_APART, value=value, detail=why, effect=ProblemEffect.SET_ASIDE
    )
    return UnreadableFileError(f"{KEPT_APART}: {why}", problem)


def _near_concepts(taxonomy: Taxonomy, cutoff: float) -> list[NearPair]:
    concepts = sorted(taxonomy.competences, key=lambda concept: concept.concept_id)
    texts = [
        _words(concept, () if concept.kind is ConceptKind.LANGUAGE else concept.descriptions.values()) for concept in concepts
    ]
    found = [
        NearPair(kind=NearKind.CONCEPT, id=concepts[i].concept_id, other_id=concepts[j].concept_id, likeness=value)
        for i, j, value in _alike(texts, cutoff)
    ]
    return _ordered(found)


def _near_roles(taxonomy: Taxonomy, cutoff: float) -> list[NearPair]:
    roles = sorted(taxonomy.roles.values(), key=lambda role: role.role_id)
    asked = [{need.concept_id: need.level * need.weight for need in role.requirements} for role in roles]
    # The mean of two values reaches the cutoff only when their sum does, so that labels wholly unlike must be looked at too.
    alike = {(i, j): value for i, j, value in _alike([_words(role) for role in roles], 0.0)}
    found = []
    for j in range(len(roles)):
        for i in range(j):
            value = (alike.get((i, j), 0.0) + _shared(asked[i], asked[j])) / 2
            if value >= cutoff and value > 0:
                found.append(NearPair(kind=NearKind.ROLE, id=roles[i].role_id, other_id=roles[j].role_id, likeness=value))
    return _ordered(found)


def _near_sayings(taxonomy: Taxonomy, cutoff: float) -> list[NearPair]:
    found: list[NearPair] = []
    for by_id in taxonomy.spoken.values():
        said = sorted((key, saying) for key, sayings in by_id.items() for saying in sayings)
        for i, j, value in _alike([saying for _, saying in said], cutoff):
            (key, saying), (other, other_saying) = said[i], said[j]
            if key != other:
                words = {"saying": saying, "other_saying": other_saying}
                found.append(NearPair(kind=NearKind.SAYING, id=key, other_id=other, likeness=value, **words))
    return _ordered(found)


def _words(record: Concept | Role, descriptions: Iterable[str] = ()) -> str:
    """Return all that names and describes a record, in all languages, as one text."""
    further = (label for labels in record.alternative_labels.values() for label in labels)
    return " ".join((*record.labels.values(), *further, *descriptions))


def _shared(asked: Mapping[str, float], other: Mapping[str, float]) -> float:
    """Return what two roles both ask for as a share of what either does."""
    keys = asked.keys() | other.keys()
    joint = sum(max(asked.get(key, 0.0), other.get(key, 0.0)) for key in keys)
    return sum(min(asked[key], other[key]) for key in asked.keys() & other.keys()) / joint if joint else 0.0


def _alike(texts: Sequence[str], cutoff: float) -> Iterator[tuple[int, int, float]]:
    """Yield the places and likeness of texts that share something and reach the cutoff, the lower place first."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    if not any(any(letter.isalnum() for letter in text) for text in texts):
        # There is nothing to learn words from, and the vectoriser says so by an exception.
        return
    ways = ({"analyzer": "word", "token_pattern": r"\w+"}, {"analyzer": "char_wb", "ngram_range": (3, 5)})
    tables: list[Any] = [TfidfVectorizer(sublinear_tf=True, **way).fit_transform(texts) for way in ways]
    for start in range(0, len(texts), _BLOCK):
        likeness = sum((table[start : start + _BLOCK] @ table.T) for table in tables).tocoo()
        keep = (likeness.data / 2 >= cutoff) & (likeness.row + start < likeness.col)
        for row, column, value in zip(likeness.row[keep] + start, likeness.col[keep], likeness.data[keep] / 2, strict=True):
            # Sums of floats end differently by machine in their last digits; the order must not.
            yield int(row), int(column), round(float(value), 6)


def _ordered(pairs: Iterable[NearPair]) -> list[NearPair]:
    return sorted(pairs, key=lambda pair: (-pair.likeness, pair.id, pair.other_id, pair.saying, pair.other_saying))
