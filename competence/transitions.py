"""Moves from one role to another, and roles within reach of a person: what is covered, what is missing, what bars.

What the origin gives is compared with what the destination asks for as essential. Where the same concept stands on both
sides, levels decide; where it does not, the nearest concept counts by how alike their texts are:

    covered      = max over what is given of  likeness * min(level given / level asked, 1)
    share        = weight * (1 + ln((1 + roles) / (1 + roles that ask for it))), scaled to sum to 1
    coverage     = sum(share * covered)                                            the contributions sum to it exactly

Likeness is 1 for the same concept, else the cosine of labels and descriptions where it reaches
``settings.transition.likeness_cutoff``, else 0; where the taxonomy itself calls two concepts related, or the one given
narrower, it is at least ``settings.fit.related_credit``. A language or a licence is like no other. Hard requirements are
never weighed: each that is not met is a veto, whatever the coverage (REQ-VAL-16).

One asymmetric number is all that is needed: on 9 113 judged moves, the overlap of everything the origin asks for with
what is essential in the destination told the crowd's judgement better (Spearman 0.773) than a mean of four similarities
(0.706); see :func:`feasibility_of`. This module suggests nothing and opens no file.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from math import fsum
from typing import TYPE_CHECKING, Any, overload

import numpy as np
from numpy.typing import NDArray

from competence._texts import text
from competence.errors import InputError, UnknownIdError
from competence.graph import CompetenceGraph
from competence.linking import Linker
from competence.model import Concept, ConceptKind, Importance, Requirement, Role
from competence.settings import Settings
from competence.taxonomy import Taxonomy

if TYPE_CHECKING:
    import pandas as pd
    from scipy.sparse import csr_matrix

__all__ = ["Reach", "Transition", "TransitionPart", "Veto", "feasibility_of", "find_role", "roles_within_reach", "transition"]

CURVE_COVERAGE = (0.0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.5, 0.6, 0.7, 0.8, 1.0)
"""Coverage at the knots of the curve; see :func:`feasibility_of`."""
CURVE_FEASIBLE = (0.0, 0.065, 0.146, 0.239, 0.45, 0.526, 0.65, 0.779, 0.809, 0.873, 0.941, 0.967, 0.992, 1.0)
"""Share of judged moves that were called feasible, at each knot."""

_UNLIKE_ANYTHING = (ConceptKind.GROUP, ConceptKind.LANGUAGE, ConceptKind.LICENCE)
"""Finnish is described as Estonian is, and one licence as the next; neither is a part of the other."""


def feasibility_of(coverage: float) -> float:
    """Return the share of moves of that coverage which a crowd of judges called feasible, in [0, 1].

    Parameters
    ----------
    coverage : float
        In [0, 1].

    Returns
    -------
    float
        Read off a curve, straight between its knots. It says nothing of vetoes, nor of a person's wish.

    Raises
    ------
    InputError
        If the coverage is not in [0, 1].

    Notes
    -----
    The curve is the isotonic regression of "mean judgement at least 2.5 of 5" on Nesta's asymmetric overlap of skills, over
    9 113 moves between occupations, read at the knots; `benchmarks/transitions.py --curve` makes it again. Their overlap
    uses other word vectors than our likeness, so the shape is borrowed and the place on it is approximate. The judges
    were a crowd in another country, asked about occupations, never about a municipality or a person.

    References
    ----------
    Kanders, Djumalieva, Sleeman & Orlik (2020), Mapping Career Causeways, Nesta,
    https://github.com/nestauk/mapping-career-causeways (MIT).

    Examples
    --------
    >>> feasibility_of(0.0), feasibility_of(0.3), feasibility_of(1.0)
    (0.0, 0.65, 1.0)
    """
    if not 0 <= coverage <= 1 + 1e-9:
        raise InputError(f"coverage must lie in [0, 1]; got {coverage!r}")
    return float(np.interp(coverage, CURVE_COVERAGE, CURVE_FEASIBLE))


@dataclass(frozen=True, slots=True, kw_only=True)
class TransitionPart:
    """One essential requirement of the destination, and how far it is covered.

    Parameters
    ----------
    concept_id, level
        What is asked for, and the level asked, 1-5.
    share : float
        Its part of the whole, in (0, 1]; the shares of one transition sum to 1.
    given_by : str or None
        The concept that covers it best; None when nothing does.
    given_level : int
        Level of that concept, 0 when nothing covers it.
    likeness : float
        1 when ``given_by`` is the concept asked for, else how alike the two are, in [0, 1).
    covered : float
        likeness * min(given level / level asked, 1), in [0, 1].
    labels, given_labels : Mapping of str to str
        The two concepts by language.
    """

    concept_id: str
    level: int
    share: float
    given_by: str | None
    given_level: int
    likeness: float
    covered: float
    labels: Mapping[str, str] = field(default_factory=dict)
    given_labels: Mapping[str, str] = field(default_factory=dict)

    @property
    def contribution(self) -> float:
        """What it adds to the coverage: share * covered."""
        return self.share * self.covered

    @property
    def same(self) -> bool:
        """True when the concept asked for is itself given, at whatever level."""
        return self.given_by == self.concept_id

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {
            "concept_id": self.concept_id,
            "labels": dict(self.labels),
            "level": self.level,
            "share": self.share,
            "given_by": self.given_by,
            "given_labels": dict(self.given_labels),
            "given_level": self.given_level,
            "likeness": self.likeness,
            "covered": self.covered,
            "contribution": self.contribution,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Veto:
    """A hard requirement of the destination that is not met: a licence, a register check, a decided language level.

    ``source`` names the law or the decision behind it.
    """

    concept_id: str
    level: int
    source: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {"concept_id": self.concept_id, "labels": dict(self.labels), "level": self.level, "source": self.source}


@dataclass(frozen=True, slots=True, kw_only=True)
class Transition:
    """How near a role is, from another role or for one person.

    Parameters
    ----------
    to_role : str
        Id of the destination.
    from_role, person_id : str or None
        One of them: where the move starts.
    coverage : float
        Share of what is essential in the destination that the origin covers, in [0, 1]; the sum of the contributions.
        1 when nothing but hard requirements is essential there.
    parts : tuple of TransitionPart
        One per essential requirement that is not hard, the largest share first.
    vetoes : tuple of Veto
        Hard requirements that are not met. While there is one, the move is barred.
    """

    to_role: str
    from_role: str | None = None
    person_id: str | None = None
    coverage: float
    parts: tuple[TransitionPart, ...] = ()
    vetoes: tuple[Veto, ...] = ()
    to_labels: Mapping[str, str] = field(default_factory=dict)
    from_labels: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_barred(self) -> bool:
        """True when a hard requirement is not met; no coverage outweighs it."""
        return bool(self.vetoes)

    @property
    def feasibility(self) -> float:
        """Share of judged moves of this coverage that were called feasible; 0 while a veto stands."""
        return 0.0 if self.vetoes else feasibility_of(self.coverage)

    @property
    def missing(self) -> tuple[TransitionPart, ...]:
        """What is not fully covered, the largest loss (share * (1 - covered)) first."""
        short = [p for p in self.parts if p.covered < 1 - 1e-9]
        return tuple(sorted(short, key=lambda p: (-p.share * (1 - p.covered), p.concept_id)))

    def explain(self, lang: str = "sv", *, n: int = 5) -> str:
        """Say the transition in plain sentences: coverage, vetoes, what counts most and what is missing, ``n`` of each."""
        named = self.to_labels.get(lang, self.to_role)
        percent = round(100 * self.coverage)
        if self.person_id is not None:
            lines = [text("transition.person", lang, person=self.person_id, role=named, percent=percent)]
        else:
            origin = self.from_labels.get(lang, self.from_role or "")
            lines = [text("transition.role", lang, origin=origin, role=named, percent=percent)]
        for veto in self.vetoes:
            source = f" ({veto.source})" if veto.source else ""
            lines.append(text("transition.veto", lang, concept=veto.labels.get(lang, veto.concept_id), source=source))
        if not self.vetoes:
            lines.append(text("transition.feasibility", lang, percent=round(100 * self.feasibility)))
        given = sorted((p for p in self.parts if p.covered > 0), key=lambda p: (-p.contribution, p.concept_id))
        lines += [_part_line(p, lang) for p in given[:n]]
        lines += [
            text("transition.missing", lang, concept=p.labels.get(lang, p.concept_id), asked=p.level)
            for p in [p for p in self.missing if p.covered <= 0][:n]
        ]
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {
            "from_role": self.from_role,
            "person_id": self.person_id,
            "to_role": self.to_role,
            "from_labels": dict(self.from_labels),
            "to_labels": dict(self.to_labels),
            "coverage": self.coverage,
            "feasibility": self.feasibility,
            "vetoes": [v.to_dict() for v in self.vetoes],
            "parts": [p.to_dict() for p in self.parts],
            "missing": [p.concept_id for p in self.missing],
        }

    def to_frame(self) -> pd.DataFrame:
        """Return one row per essential requirement."""
        import pandas as pd

        columns = ["concept_id", "label_sv", "label_en", "level", "share", "given_by", "given_level", "likeness", "covered"]
        rows = [
            {
                **{c: v for c, v in p.to_dict().items() if not c.endswith("labels")},
                "label_sv": p.labels.get("sv", ""),
                "label_en": p.labels.get("en", ""),
            }
            for p in self.parts
        ]
        return pd.DataFrame(rows, columns=[*columns, "contribution"])


class Reach(Sequence[Transition]):
    """The roles nearest to what one person holds, the best covered first, each with its vetoes and what is missing."""

    def __init__(self, person_id: str, transitions: Iterable[Transition] = ()) -> None:
        self.person_id = person_id
        self._transitions = tuple(transitions)

    @overload
    def __getitem__(self, index: int) -> Transition: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Transition, ...]: ...
    def __getitem__(self, index: int | slice) -> Transition | tuple[Transition, ...]:
        return self._transitions[index]

    def __len__(self) -> int:
        return len(self._transitions)

    def __iter__(self) -> Iterator[Transition]:
        return iter(self._transitions)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Reach) and (self.person_id, self._transitions) == (other.person_id, other._transitions)

    def __hash__(self) -> int:
        return hash((self.person_id, tuple(t.to_role for t in self._transitions)))

    def __repr__(self) -> str:
        return f"Reach({self.person_id}: {', '.join(f'{t.to_role} {t.coverage:.2f}' for t in self._transitions)})"

    @property
    def open(self) -> tuple[Transition, ...]:
        """Those that nothing bars."""
        return tuple(t for t in self._transitions if not t.is_barred)

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {"person_id": self.person_id, "roles": [t.to_dict() for t in self._transitions]}

    def to_frame(self) -> pd.DataFrame:
        """Return one row per role: coverage, feasibility, vetoes and what is missing with the level asked."""
        import pandas as pd

        rows = [
            {
                "rank": rank,
                "role_id": t.to_role,
                "label_sv": t.to_labels.get("sv", ""),
                "label_en": t.to_labels.get("en", ""),
                "coverage": t.coverage,
                "feasibility": t.feasibility,
                "vetoes": "; ".join(v.labels.get("sv", v.concept_id) for v in t.vetoes),
                "missing": "; ".join(f"{p.labels.get('sv', p.concept_id)} ({p.level})" for p in t.missing),
            }
            for rank, t in enumerate(self._transitions, start=1)
        ]
        columns = ["rank", "role_id", "label_sv", "label_en", "coverage", "feasibility", "vetoes", "missing"]
        return pd.DataFrame(rows, columns=columns)


def transition(
    graph: CompetenceGraph | Taxonomy, from_role: str, to_role: str, *, settings: Settings | None = None
) -> Transition:
    """Compare two roles: how much of what is essential in the one the other already gives.

    Parameters
    ----------
    graph : CompetenceGraph or Taxonomy
        A taxonomy is enough: no person is looked at.
    from_role, to_role : str
        Ids, or titles as :func:`find_role` understands them.
    settings : Settings or None
        None means the graph's, and the shipped ones for a taxonomy.

    Returns
    -------
    Transition
        From a role to itself: coverage 1 and no veto.

    Raises
    ------
    UnknownIdError
        If a role is not known.
    InputError
        If nothing is known of what the destination asks for.

    Notes
    -----
    The origin gives everything it asks for, essential or optional, at the level it asks. A hard requirement is met when
    the origin has it too at that level, since the employer has then checked it. O(asked * given) after the texts of the
    taxonomy have been weighed once, O(concepts).

    Examples
    --------
    >>> from competence.model import Concept, Requirement, Role
    >>> concepts = [Concept(concept_id=c) for c in ("rostering", "carpentry", "welding")]
    >>> asks = {"caretaker": ("carpentry", "welding"), "planner": ("rostering", "carpentry")}
    >>> roles = [Role(role_id=r, requirements=tuple(Requirement(concept_id=c) for c in a)) for r, a in asks.items()]
    >>> move = transition(Taxonomy.of(concepts, roles), "caretaker", "planner")
    >>> [(p.concept_id, p.level) for p in move.missing], round(move.coverage, 3)
    ([('rostering', 2)], 0.416)
    """
    taxonomy = graph.taxonomy if isinstance(graph, CompetenceGraph) else graph
    origin, destination = find_role(graph, from_role), find_role(graph, to_role)
    if not destination.requirements:
        raise InputError(f"role {destination.role_id!r} asks for nothing, so nothing can be compared; give it requirements first")
    chosen = _chosen(graph, settings)
    measure = _measure(taxonomy)
    columns = np.array([measure.index[r.concept_id] for r in origin.requirements], dtype=np.int64)
    levels = np.array([r.level for r in origin.requirements], dtype=np.float64)
    checked = {r.concept_id: r.level for r in origin.requirements if r.hard}
    unmet = [r for r in destination.requirements if r.hard and checked.get(r.concept_id, 0) < r.level]
    parts = _parts(measure, destination, columns, levels, chosen)
    return Transition(
        to_role=destination.role_id,
        from_role=origin.role_id,
        coverage=_coverage(parts),
        parts=parts,
        vetoes=_vetoes(taxonomy, unmet),
        to_labels=_labels(destination),
        from_labels=_labels(origin),
    )


def roles_within_reach(
    graph: CompetenceGraph, person_id: str, *, n: int = 10, cutoff: float = 0.0, settings: Settings | None = None
) -> Reach:
    """List the roles that a person's holdings cover best, among those the person does not have today.

    Parameters
    ----------
    graph : CompetenceGraph
        With what its audience may see. Proposals of ``infer_hidden`` are not read.
    person_id : str
        Whose holdings.
    n : int
        How many roles at most.
    cutoff : float
        Lowest coverage that is listed, in [0, 1]; a role that nothing is covered of is never listed.
    settings : Settings or None
        None means the graph's.

    Returns
    -------
    Reach
        The best covered first, ties by role id. A barred role is listed in its place with its vetoes; ``open`` leaves
        those out.

    Raises
    ------
    UnknownIdError
        If nobody in the graph has this id.
    InputError
        If n is below 1 or cutoff not in [0, 1].

    Notes
    -----
    Holdings count at their whole level; one that is to be re-confirmed covers nothing. A hard requirement is met as
    :func:`competence.fit.hard_met` says. All roles are measured at once: O(held * concepts asked + requirements).
    """
    if n < 1:
        raise InputError(f"n must be at least 1; got {n!r}")
    if not 0 <= cutoff <= 1:
        raise InputError(f"cutoff must lie in [0, 1]; got {cutoff!r}")
    row = graph.row(person_id)
    span = slice(graph.arrays.indptr[row], graph.arrays.indptr[row + 1])
    counts = graph.arrays.rounded[span] > 0
    columns = graph.arrays.concept[span][counts].astype(np.int64)
    levels = graph.arrays.rounded[span][counts].astype(np.float64)
    chosen = _chosen(graph, settings)
    measure = _measure(graph.taxonomy)
    coverage = _coverage_of_all(measure, columns, levels, chosen)
    own = set(graph.person_roles[row])
    ranked = [
        j
        for j in np.lexsort((measure.order_of_roles, -np.round(coverage, 12))).tolist()
        if coverage[j] >= max(cutoff, 1e-12) and measure.role_ids[j] not in own and measure.weighed[j]
    ]
    found = []
    for j in ranked[:n]:
        role = graph.taxonomy.roles[measure.role_ids[j]]
        parts = _parts(measure, role, columns, levels, chosen)
        unmet = [r for r in role.requirements if r.hard and not _is_met(graph, row, r)]
        found.append(
            Transition(
                to_role=role.role_id,
                person_id=person_id,
                coverage=_coverage(parts),
                parts=parts,
                vetoes=_vetoes(graph.taxonomy, unmet),
                to_labels=_labels(role),
            )
        )
    return Reach(person_id, found)


def find_role(source: CompetenceGraph | Taxonomy, words: str, *, linker: Linker | None = None) -> Role:
    """Return the role with an id, or else the one a title names.

    Parameters
    ----------
    source : CompetenceGraph or Taxonomy
        Where roles are looked for.
    words : str
        An id; a preferred label in any language; an alternative label that only one role has; or a title that the linker
        is sure enough of.
    linker : Linker or None
        None takes the graph's; with a taxonomy alone, titles are then only looked up.

    Raises
    ------
    UnknownIdError
        If no role, or more than one, goes by these words; the message offers the nearest.

    Examples
    --------
    >>> small = Taxonomy.of([], [Role(role_id="r1", labels={"en": "registered nurse"})])
    >>> find_role(small, "Registered Nurse").role_id
    'r1'
    """
    taxonomy = source.taxonomy if isinstance(source, CompetenceGraph) else source
    if words in taxonomy.roles:
        return taxonomy.roles[words]
    preferred, alternative = _titles(taxonomy)
    wanted = _normal(words)
    for titles in (preferred, alternative):
        if len(titles.get(wanted, ())) == 1:
            return taxonomy.roles[titles[wanted][0]]
    if linker is None and isinstance(source, CompetenceGraph):
        linker = source.linker
    best = linker.link_role(words).best if linker is not None else None
    if best is not None and best.role_id in taxonomy.roles:
        return taxonomy.roles[best.role_id]
    several = preferred.get(wanted) or alternative.get(wanted)
    if several:
        raise UnknownIdError(f"{len(several)} roles are called {words!r}; give one of their ids: {', '.join(several[:5])}")
    return taxonomy.role(words)


# ---------------------------------------------------------------- the measure


@dataclass(frozen=True, slots=True)
class _Measure:
    """What is worked out once per taxonomy: texts as vectors, and every essential requirement as flat arrays."""

    concepts: tuple[Concept, ...]
    index: Mapping[str, int]
    vectors: csr_matrix
    # Which concept counts towards which, by row and column: related, or narrower than it.
    near: csr_matrix
    rarity: NDArray[np.float64]
    role_ids: tuple[str, ...]
    order_of_roles: NDArray[np.int64]
    # Whether a role has an essential requirement that is weighed.
    weighed: NDArray[np.bool_]
    # One entry per such requirement: role, concept, level, share of the role.
    role: NDArray[np.int64]
    concept: NDArray[np.int64]
    level: NDArray[np.float64]
    share: NDArray[np.float64]


@lru_cache(maxsize=2)
def _measure(taxonomy: Taxonomy) -> _Measure:
    """Weigh a taxonomy once: equal content gives equal arrays, so that what is kept here can never be seen to be old."""
    concepts = tuple(taxonomy.concepts.values())
    index = {c.concept_id: i for i, c in enumerate(concepts)}
    for role in taxonomy.roles.values():
        for requirement in role.requirements:
            if requirement.concept_id not in index:
                unknown = f"role {role.role_id!r} asks for {requirement.concept_id!r}"
                raise UnknownIdError(f"{unknown}, which is not among the concepts of the taxonomy; add it first")
    asking = np.zeros(len(concepts))
    for role in taxonomy.roles.values():
        asking[[index[r.concept_id] for r in role.requirements]] += 1
    rarity = 1.0 + np.log((1 + len(taxonomy.roles)) / (1 + asking))
    role_ids = tuple(taxonomy.roles)
    rows = [
        (j, index[r.concept_id], float(r.level), share)
        for j, role in enumerate(taxonomy.roles.values())
        for r, share in _shares(role, index, rarity)
    ]
    flat = list(zip(*rows, strict=True)) if rows else [(), (), (), ()]
    places = np.empty(len(role_ids), dtype=np.int64)
    places[sorted(range(len(role_ids)), key=lambda j: role_ids[j])] = np.arange(len(role_ids))
    role_of = np.array(flat[0], dtype=np.int64)
    weighed = np.zeros(len(role_ids), dtype=np.bool_)
    weighed[role_of] = True
    return _Measure(
        concepts=concepts,
        index=index,
        vectors=_vectors(concepts),
        near=_near(concepts, index),
        rarity=rarity,
        role_ids=role_ids,
        order_of_roles=places,
        weighed=weighed,
        role=role_of,
        concept=np.array(flat[1], dtype=np.int64),
        level=np.array(flat[2], dtype=np.float64),
        share=np.array(flat[3], dtype=np.float64),
    )


@lru_cache(maxsize=2)
def _titles(taxonomy: Taxonomy) -> tuple[Mapping[str, tuple[str, ...]], Mapping[str, tuple[str, ...]]]:
    """Return the role ids by preferred and by alternative label."""
    preferred: dict[str, dict[str, None]] = {}
    alternative: dict[str, dict[str, None]] = {}
    for role in taxonomy.roles.values():
        for label in role.labels.values():
            preferred.setdefault(_normal(label), {})[role.role_id] = None
        for labels in role.alternative_labels.values():
            for label in labels:
                alternative.setdefault(_normal(label), {})[role.role_id] = None
    return ({k: tuple(v) for k, v in preferred.items()}, {k: tuple(v) for k, v in alternative.items()})


def _normal(words: str) -> str:
    return " ".join(words.casefold().split())


def _shares(role: Role, index: Mapping[str, int], rarity: NDArray[np.float64]) -> list[tuple[Requirement, float]]:
    """Return the essential requirements that are weighed, each with its share of the role."""
    asked = [r for r in role.requirements if r.importance is Importance.ESSENTIAL and not r.hard]
    weights = [r.weight * float(rarity[index[r.concept_id]]) for r in asked]
    total = fsum(weights)
    return [(r, w / total) for r, w in zip(asked, weights, strict=True)]


def _vectors(concepts: Sequence[Concept]) -> csr_matrix:
    """Return the texts of all concepts as unit vectors; a concept that is like no other has none.

    Character n-grams meet Swedish compounds and inflections, and did better than words on the judged moves and on
    O*NET's list of related occupations.
    """
    from scipy.sparse import csr_matrix as sparse
    from sklearn.feature_extraction.text import TfidfVectorizer

    texts = ["" if c.kind in _UNLIKE_ANYTHING else _text_of(c) for c in concepts]
    if not any(t.strip() for t in texts):
        return sparse(np.zeros((len(concepts), 1), dtype=np.float32))
    weighed = TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 5), sublinear_tf=True, dtype=np.float32).fit_transform(texts)
    return sparse(weighed)


def _near(concepts: Sequence[Concept], index: Mapping[str, int]) -> csr_matrix:
    """Return where the taxonomy says that the concept of a row counts towards that of a column."""
    from scipy.sparse import csr_matrix as sparse

    pairs: set[tuple[int, int]] = set()
    for here, concept in enumerate(concepts):
        for other in concept.related:
            if other in index:
                pairs |= {(here, index[other]), (index[other], here)}
        pairs |= {(here, index[parent]) for parent in concept.broader if parent in index}
    alone = [c.kind in _UNLIKE_ANYTHING for c in concepts]
    kept = sorted((a, b) for a, b in pairs if a != b and not alone[a] and not alone[b])
    rows, columns = zip(*kept, strict=True) if kept else ((), ())
    ones = np.ones(len(kept), dtype=np.float32)
    return sparse((ones, (rows, columns)), shape=(len(concepts), len(concepts)))


def _text_of(concept: Concept) -> str:
    said = [concept.labels, concept.descriptions]
    texts = [by_lang[lang] for by_lang in said for lang in sorted(by_lang)]
    texts += [label for lang in sorted(concept.alternative_labels) for label in concept.alternative_labels[lang]]
    return " ".join(texts)


def _likeness(measure: _Measure, given: NDArray[np.int64], asked: NDArray[np.int64], settings: Settings) -> NDArray[np.float64]:
    """Return how alike each given concept is to each asked, shape (n_given, n_asked): 1 for the same, 0 under the cutoff."""
    if not len(given) or not len(asked):
        return np.zeros((len(given), len(asked)))
    alike = np.asarray((measure.vectors[given] @ measure.vectors[asked].T).toarray(), dtype=np.float64)
    # Rounded so that the last bits, which depend on how many are multiplied at once, cannot change a result.
    alike = np.round(alike, 6)
    alike[alike < settings.transition.likeness_cutoff] = 0.0
    near = np.asarray(measure.near[given][:, asked].toarray(), dtype=np.float64)
    # Two concepts with the same words are still two: only the same one is wholly the same.
    alike = np.minimum(np.maximum(alike, settings.fit.related_credit * near), 1.0 - 1e-6)
    return np.where(given[:, None] == asked[None, :], 1.0, alike)


def _coverage_of_all(
    measure: _Measure, columns: NDArray[np.int64], levels: NDArray[np.float64], settings: Settings
) -> NDArray[np.float64]:
    """Return the coverage of every role by what is given, shape (n_roles,)."""
    asked, place = np.unique(measure.concept, return_inverse=True)
    alike = _likeness(measure, columns, asked, settings)
    covered = np.zeros(len(measure.concept))
    if len(columns):
        for level in np.unique(measure.level):
            best = (alike * np.minimum(levels / level, 1.0)[:, None]).max(axis=0)
            here = measure.level == level
            covered[here] = best[place[here]]
    summed = np.bincount(measure.role, weights=measure.share * covered, minlength=len(measure.role_ids))
    return np.asarray(summed, dtype=np.float64)


def _parts(
    measure: _Measure, role: Role, columns: NDArray[np.int64], levels: NDArray[np.float64], settings: Settings
) -> tuple[TransitionPart, ...]:
    """Return what each weighed requirement of a role gets from what is given, the largest share first."""
    wanted = _shares(role, measure.index, measure.rarity)
    asked = np.array([measure.index[r.concept_id] for r, _ in wanted], dtype=np.int64)
    alike = _likeness(measure, columns, asked, settings)
    # Where two cover equally, the more alike, then the lower id is named.
    order = np.array(sorted(range(len(columns)), key=lambda k: measure.concepts[columns[k]].concept_id), dtype=np.int64)
    parts = []
    for k, (requirement, share) in enumerate(wanted):
        concept = measure.concepts[asked[k]]
        covered, by = 0.0, -1
        if len(columns):
            values = alike[:, k] * np.minimum(levels / requirement.level, 1.0)
            by = int(min(order, key=lambda g: (-values[g], -alike[g, k])))
            covered = float(values[by])
        giver = measure.concepts[columns[by]] if covered > 0 else None
        parts.append(
            TransitionPart(
                concept_id=requirement.concept_id,
                level=requirement.level,
                share=share,
                given_by=giver.concept_id if giver is not None else None,
                given_level=int(levels[by]) if giver is not None else 0,
                likeness=float(alike[by, k]) if giver is not None else 0.0,
                covered=covered,
                labels=_labels(concept),
                given_labels=_labels(giver) if giver is not None else {},
            )
        )
    return tuple(sorted(parts, key=lambda p: (-p.share, p.concept_id)))


def _coverage(parts: Sequence[TransitionPart]) -> float:
    """Return the exactly rounded sum of the contributions; nothing to weigh is covered, as in :func:`competence.fit.fit`."""
    return min(fsum(p.contribution for p in parts), 1.0) if parts else 1.0


def _is_met(graph: CompetenceGraph, row: int, requirement: Requirement) -> bool:
    """Say what :func:`competence.fit.hard_met` says, for one person, without looking at everybody."""
    position = graph.position(row, graph.concept_index[requirement.concept_id])
    if position is not None and graph.arrays.formal_level[position] >= requirement.level:
        return True
    return any(
        r.hard and r.concept_id == requirement.concept_id and r.level >= requirement.level
        for role_id in graph.person_roles[row]
        for r in graph.taxonomy.roles[role_id].requirements
    )


def _vetoes(taxonomy: Taxonomy, unmet: Iterable[Requirement]) -> tuple[Veto, ...]:
    found = [
        Veto(concept_id=r.concept_id, level=r.level, source=r.source, labels=_labels(taxonomy.concept(r.concept_id)))
        for r in unmet
    ]
    return tuple(sorted(found, key=lambda v: v.concept_id))


def _labels(record: Concept | Role) -> dict[str, str]:
    return {lang: record.label(lang) for lang in ("sv", "en")}


def _part_line(part: TransitionPart, lang: str) -> str:
    concept = part.labels.get(lang, part.concept_id)
    if part.same:
        return text("transition.same", lang, concept=concept, have=part.given_level, asked=part.level)
    via = part.given_labels.get(lang, part.given_by or "")
    return text("transition.alike", lang, concept=concept, via=via, percent=round(100 * part.covered))


def _chosen(graph: CompetenceGraph | Taxonomy, settings: Settings | None) -> Settings:
    return settings or (graph.settings if isinstance(graph, CompetenceGraph) else Settings())
