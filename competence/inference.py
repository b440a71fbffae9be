"""Hidden competence that nobody stated: proposed as questions to the person, never as facts (DESIGN 4.2).

The model is additive. A weight matrix W between concepts is learnt in closed form from which concepts stand together
in roles (and, in an organisation large enough, in people's holdings):

    B = I - P / diag(P),  P = (X'X + ridge * I)^-1          (EASE; Steck 2019, doi:10.1145/3308558.3313710)
    W = (1 - share) * B + share * S                         S = similarity of labels and descriptions

A person's score for a concept is the sum of W over the holdings that count, plus, with half the weight, over what the
roles held ask for. The contributions therefore sum to the score exactly. A probability is read off an isotonic curve
fitted on people simulated from roles kept out of the training. It says how often such a proposal was right in the
*taxonomy*; it is not measured on employees.

What a current role asks for follows from the role and is not proposed. Languages and licences are never guessed: a
language says something of a person's origin, and a licence is held or not.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from competence.graph import CompetenceGraph, Inferred
from competence.model import Concept, ConceptKind, Importance, OptIn
from competence.settings import InferenceSettings, Settings
from competence.taxonomy import Taxonomy

__all__ = ["infer_hidden"]

_ROLE_SHARE = 0.5
"""Weight of what a role asks for but nobody has stated, beside 1 for a stated holding."""
_OPTIONAL = 0.45
"""Weight of an optional requirement beside an essential one when training (best of a scan, see benchmarks)."""
_FOLDS = 5
_SIMULATED = 400


def infer_hidden(graph: CompetenceGraph, *, settings: Settings | None = None, seed: int = 0) -> CompetenceGraph:
    """Return a new graph with proposals of competence that nobody has stated beside the holdings.

    Parameters
    ----------
    graph : CompetenceGraph
        Not changed; the new graph shares its holdings.
    settings : Settings or None
        None means the graph's.
    seed : int
        Draws the simulated people that the probability is calibrated on.

    Returns
    -------
    CompetenceGraph
        With ``inferred`` set. Only people who answered yes to ``prompts`` get proposals; no export, statistic or
        suggestion reads them.

    Notes
    -----
    O(concepts ** 3) once, O(people * holdings * concepts) for the scores.
    """
    chosen = (settings or graph.settings).inference
    model = _fit(graph.taxonomy, chosen, seed)
    allowed = np.array(
        [c.kind not in (ConceptKind.GROUP, ConceptKind.LANGUAGE, ConceptKind.LICENCE) for c in graph.taxonomy.concepts.values()]
    )
    person: list[int] = []
    concept: list[int] = []
    scores: list[float] = []
    contributions: list[tuple[tuple[str, str, float], ...]] = []
    for row, member in enumerate(graph.people):
        if member.opt_ins.prompts is not OptIn.YES:
            continue
        proposals = _propose(graph, model, row, allowed, chosen)
        for column, score, parts in proposals:
            person.append(row)
            concept.append(column)
            scores.append(score)
            contributions.append(parts)
    total = np.array(scores, dtype=np.float64)
    return graph.with_inferred(
        Inferred(
            person=np.array(person, dtype=np.int32),
            concept=np.array(concept, dtype=np.int32),
            probability=model.probability(total),
            score=total,
            contributions=tuple(contributions),
        )
    )


@dataclass(frozen=True, slots=True)
class _Model:
    weight: NDArray[np.float64]
    curve_score: NDArray[np.float64]
    curve_probability: NDArray[np.float64]

    def probability(self, score: NDArray[np.float64]) -> NDArray[np.float64]:
        """Read the probability off the isotonic curve, level beyond its ends."""
        return np.interp(score, self.curve_score, self.curve_probability)


def _propose(
    graph: CompetenceGraph, model: _Model, row: int, allowed: NDArray[np.bool_], settings: InferenceSettings
) -> list[tuple[int, float, tuple[tuple[str, str, float], ...]]]:
    """Return the best proposals of one person: column, score, and the contribution of each holding and role."""
    arrays = graph.arrays
    span = slice(arrays.indptr[row], arrays.indptr[row + 1])
    held = [int(c) for c, r in zip(arrays.concept[span], arrays.rounded[span], strict=True) if r > 0]
    known = set(arrays.concept[span].tolist())
    sources: list[tuple[str, str, NDArray[np.float64]]] = [("holding", graph.concept_ids[c], model.weight[c]) for c in held]
    follows: set[int] = set()
    for role_id in graph.person_roles[row]:
        asked = {graph.concept_index[r.concept_id] for r in graph.taxonomy.roles[role_id].requirements}
        follows |= asked
        new = sorted(asked - set(held))
        if new:
            sources.append(("role", role_id, _ROLE_SHARE * model.weight[new].sum(axis=0)))
    if not sources:
        return []
    score = np.sum([s[2] for s in sources], axis=0)
    barred = ~allowed
    barred[sorted(known | follows)] = True
    probability = model.probability(score)
    order = np.lexsort((np.arange(len(score)), -np.where(barred, -np.inf, score)))
    best = [int(c) for c in order[: settings.most] if not barred[c] and probability[c] >= settings.cutoff]
    return [(c, float(score[c]), tuple((kind, source, float(weights[c])) for kind, source, weights in sources)) for c in best]


def _fit(taxonomy: Taxonomy, settings: InferenceSettings, seed: int) -> _Model:
    from sklearn.isotonic import IsotonicRegression

    concepts = list(taxonomy.concepts.values())
    index = {c.concept_id: i for i, c in enumerate(concepts)}
    data = np.zeros((len(taxonomy.roles), len(concepts)))
    for row, role in enumerate(taxonomy.roles.values()):
        for requirement in role.requirements:
            data[row, index[requirement.concept_id]] = 1.0 if requirement.importance is Importance.ESSENTIAL else _OPTIONAL
    similarity = _label_similarity(concepts)
    weight = _weights(data, similarity, settings)
    scores, truths = [], []
    rng = np.random.default_rng(seed)
    folds = np.arange(len(data)) % _FOLDS
    rng.shuffle(folds)
    for fold in range(_FOLDS):
        kept_out = np.flatnonzero(folds == fold)
        if not len(kept_out) or len(kept_out) == len(data):
            continue
        held_out_weight = _weights(data[folds != fold], similarity, settings)
        for _ in range(_SIMULATED // _FOLDS):
            profile = data[rng.choice(kept_out, size=min(len(kept_out), int(rng.integers(1, 3))), replace=False)].max(axis=0)
            has = rng.random(len(concepts)) < profile * 0.85
            shown = has & (rng.random(len(concepts)) < rng.uniform(0.3, 0.7))
            if shown.any():
                scores.append(held_out_weight[shown].sum(axis=0)[~shown])
                truths.append(has[~shown])
    if not scores:
        # Fewer than two roles: nothing to learn from, so nothing is ever proposed.
        return _Model(weight, np.array([0.0, 1.0]), np.array([0.0, 0.0]))
    curve = IsotonicRegression(y_min=0.0, y_max=1.0, out_of_bounds="clip")
    curve.fit(np.concatenate(scores), np.concatenate(truths).astype(np.float64))
    return _Model(weight, np.asarray(curve.X_thresholds_), np.asarray(curve.y_thresholds_))


def _weights(data: NDArray[np.float64], similarity: NDArray[np.float64], settings: InferenceSettings) -> NDArray[np.float64]:
    """Return W. The inverse is taken over rows or columns, whichever are fewer (Woodbury), so that it scales with roles."""
    n_rows, n_columns = data.shape
    if n_rows < n_columns:
        inner = np.linalg.inv(data @ data.T + settings.ridge * np.eye(n_rows))
        precision = np.asarray((np.eye(n_columns) - data.T @ inner @ data) / settings.ridge, dtype=np.float64)
    else:
        precision = np.asarray(np.linalg.inv(data.T @ data + settings.ridge * np.eye(n_columns)), dtype=np.float64)
    items = -precision / np.diag(precision)
    np.fill_diagonal(items, 0.0)
    return (1.0 - settings.label_share) * items + settings.label_share * similarity


def _label_similarity(concepts: list[Concept]) -> NDArray[np.float64]:
    """Return the cosine of label and description texts, zero on the diagonal, rows summing to at most 1."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    texts = [" ".join((*c.labels.values(), *c.descriptions.values())) for c in concepts]
    vectors = TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 5), sublinear_tf=True).fit_transform(texts)
    similar = np.asarray((vectors @ vectors.T).todense(), dtype=np.float64)
    np.fill_diagonal(similar, 0.0)
    similar[similar < 0.1] = 0.0
    return np.asarray(similar / np.maximum(similar.sum(axis=1, keepdims=True), 1.0), dtype=np.float64)
