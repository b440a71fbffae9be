"""What whole statements mean: how near each target's profile is, and whether the speaker claims a competence at all.

This module learns from sayings, what people say when they mean a target, and from sayings that mean nothing. A target's profile
joins its labels, descriptions and sayings; features count by the square root of their sum, so that what is said often does not
drown what is said once. The words that tell a claim from a wish, a complaint or somebody else's skill are mostly small ones,
so that question is asked of all words and of each two neighbours, and of no subject.

References
----------
Profiles are Rocchio's (1971), in The SMART Retrieval System, with square roots in place of plain sums.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from competence._words import Lexicon, spoken_words
from competence.linking._many import Many
from competence.linking._space import PAIR, Space, characters, pairs_of_words, stems

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

__all__ = ["Meaning", "Meanings"]

Words = tuple[str, ...]

_SHARPNESS = 1.9
"""Weight of a profile's standard score in the probability that it is meant; see benchmarks/calibrate_linking.py."""
_CLAIM = (-1.7, 1.85)
"""Intercept and weight of the claim's log odds; the same script."""
_FEWEST_NOTHING = 50
"""Sayings that mean nothing from which on the question is asked whether anything is claimed."""
_CHUNK = 1024
"""Texts weighed at once."""
_MANY = 300
"""Texts from which on it pays to load what is compiled: a second, or some seconds the first time of all."""


@dataclass(frozen=True, slots=True)
class Meaning:
    """What one statement means: targets, best first, their probabilities given a claim, and that of a claim."""

    targets: np.ndarray
    probabilities: np.ndarray
    claimed: float


class Meanings:
    """Weigh statements; made by :meth:`fit`, never changed."""

    def __init__(
        self,
        size: int,
        char: Space,
        stem: Space,
        profiles: csr_matrix,
        claim: Space | None,
        weights: np.ndarray,
        intercept: float,
        lexicon: Lexicon,
    ) -> None:
        self.size = size
        self.char = char
        self.stem = stem
        self.profiles = profiles
        self.claim = claim
        self.weights = weights
        self.intercept = intercept
        self.lexicon = lexicon

    @classmethod
    def fit(
        cls,
        size: int,
        labels: Sequence[tuple[int, Words]],
        descriptions: Sequence[tuple[int, Words]],
        sayings: Sequence[tuple[int, Words]],
        lexicon: Lexicon,
    ) -> Meanings:
        """Learn the profiles of targets 0..size-1, and what claims sound like.

        Parameters
        ----------
        size : int
            How many targets.
        labels, descriptions, sayings : sequence of (int, words)
            What is said of each target; -1 in ``sayings`` for what means none.
        lexicon : Lexicon
            Stems and compound parts.

        Notes
        -----
        O(words); the claims are learned by logistic regression (liblinear), both answers weighing the same.
        """
        from scipy.sparse import csr_matrix

        documents: dict[tuple[int, int], list[str]] = {}
        for part, found in ((0, labels), (1, descriptions)):
            for target, words in found:
                documents.setdefault((target, part), []).extend(words)
        keys = sorted(documents)
        about = [(target, tuple(documents[target, part])) for target, part in keys]
        said = [(target, words) for target, words in sayings if target >= 0]
        char = Space.fit(characters(5), [words for _, words in (*labels, *descriptions, *sayings)])
        stem = Space.fit(stems(lexicon), [pairs_of_words(words) for _, words in (*labels, *descriptions, *sayings)])
        made = cls(size, char, stem, csr_matrix((0, 0)), None, np.zeros(0), 0.0, lexicon)
        rows = made._rows([words for _, words in (*about, *said)])
        owners = np.array([target for target, _ in (*about, *said)], dtype=np.int64)
        owner = csr_matrix((np.ones(len(owners)), (owners, np.arange(len(owners)))), shape=(size, len(owners)))
        profiles = csr_matrix(owner @ rows)
        profiles.data = np.sqrt(profiles.data)
        length = np.sqrt(np.asarray(profiles.multiply(profiles).sum(axis=1)).ravel())
        profiles.data /= np.repeat(np.where(length > 0, length, 1.0), np.diff(profiles.indptr))
        made.profiles = profiles.T.tocsr()
        nothing = sum(target < 0 for target, _ in sayings)
        if min(nothing, len(said)) >= _FEWEST_NOTHING:
            made._fit_claim([*sayings, *_framed(labels)])
        return made

    def _fit_claim(self, sayings: Sequence[tuple[int, Words]]) -> None:
        from sklearn.linear_model import LogisticRegression

        documents = [_with_neighbours(words) for _, words in sayings]
        self.claim = Space.fit(_itself, documents)
        model = LogisticRegression(C=10.0, class_weight="balanced", solver="liblinear", max_iter=300, random_state=0)
        model.fit(self.claim.rows(documents), np.array([target >= 0 for target, _ in sayings]))
        self.weights, self.intercept = model.coef_[0].astype(np.float64), float(model.intercept_[0])

    def _rows(self, texts: Sequence[Words]) -> csr_matrix:
        from scipy.sparse import csr_matrix, hstack

        char, stem = self.char.rows(texts), self.stem.rows([pairs_of_words(w) for w in texts])
        return csr_matrix(hstack([char * np.sqrt(0.5), stem * np.sqrt(0.5)]))

    def claimed(self, texts: Sequence[Words]) -> np.ndarray:
        """Return the probability that the speaker of each text claims a competence, shape (n,); 1 where nothing was learned."""
        return self._calibrated(self.claim_odds(texts))

    def claim_odds(self, texts: Sequence[Words]) -> np.ndarray:
        """Return the log odds of a claim as learned, before they are calibrated, shape (n,)."""
        if self.claim is None or not texts:
            return np.zeros(len(texts))
        return np.asarray(self.claim.rows([_with_neighbours(w) for w in texts]) @ self.weights + self.intercept)

    def _calibrated(self, odds: np.ndarray) -> np.ndarray:
        return np.ones(len(odds)) if self.claim is None else np.asarray(1 / (1 + np.exp(-(_CLAIM[0] + _CLAIM[1] * odds))))

    def weigh(self, texts: Sequence[Words], n: int) -> list[Meaning]:
        """Return the ``n`` likeliest meanings of each text; bit for bit the same alone as among others."""
        found: list[Meaning] = []
        if len(texts) >= _MANY:
            for scores, odds in self._many.weigh(texts):
                found += self._likeliest(scores, self._calibrated(odds + self.intercept), n)
            return found
        for start in range(0, len(texts), _CHUNK):
            part = texts[start : start + _CHUNK]
            found += self._likeliest((self._rows(part) @ self.profiles).toarray(), self.claimed(part), n)
        return found

    def prepare(self) -> None:
        """Load what :meth:`weigh` needs for very many texts, once for all forks of a process."""
        self._many.prepare()

    @cached_property
    def _many(self) -> Many:
        return Many(self.char, self.stem, self.claim, self.profiles, self.weights, self.lexicon)

    def _likeliest(self, scores: np.ndarray, claims: np.ndarray, n: int) -> list[Meaning]:
        """Return the ``n`` likeliest meanings by their likeness, shape (texts, size): softmax of the standard scores."""
        scores = np.round(scores, 9)
        claimed = [round(p, 9) for p in claims.tolist()]
        count = min(n, self.size)
        # In place: a new array for each step would take longer than the step.
        off: np.ndarray = scores - (scores.sum(axis=1) / self.size)[:, None]
        spread: np.ndarray = np.sqrt((off * off).sum(axis=1) / self.size)
        off /= np.where(spread > 0, spread, 1.0)[:, None]
        off -= off.max(axis=1)[:, None]
        off *= _SHARPNESS
        likely = np.exp(off, out=off)
        total = likely.sum(axis=1)
        lowest = np.partition(scores, self.size - count, axis=1)[:, self.size - count]
        # All that tie with the last one are looked at: of those the first are taken.
        rows, targets = np.nonzero(scores >= lowest[:, None])
        order = np.lexsort((targets, -scores[rows, targets], rows))
        first = np.searchsorted(rows, np.arange(len(scores)))
        best = targets[order[first[:, None] + np.arange(count)]]
        chances = np.round(np.take_along_axis(likely, best, axis=1) / total[:, None], 9)
        none = Meaning(np.zeros(0, dtype=np.int64), np.zeros(0), 1.0)
        return [
            Meaning(best[i], chances[i], claim) if varied else replace(none, claimed=claim)
            for i, (claim, varied) in enumerate(zip(claimed, (spread > 0).tolist(), strict=True))
        ]

    @property
    def _spaces(self) -> Mapping[str, Space]:
        return {"char": self.char, "stem": self.stem} | ({} if self.claim is None else {"claim": self.claim})

    def features(self) -> dict[str, list[str]]:
        """Return the features of each space, in order; with :meth:`arrays` all that :meth:`of` needs."""
        return {name: list(space.features) for name, space in self._spaces.items()}

    def arrays(self) -> dict[str, np.ndarray]:
        """Return what was learned as arrays."""
        found = {f"said.profiles.{part}": getattr(self.profiles, part) for part in ("data", "indices", "indptr")}
        for name, space in self._spaces.items():
            found |= {f"said.{name}.idf": space.idf, f"said.{name}.unknown": np.array([space.unknown])}
        return found | {
            "said.size": np.array([self.size]),
            "said.weights": self.weights,
            "said.intercept": np.array([self.intercept]),
        }

    @classmethod
    def of(cls, features: Mapping[str, Sequence[str]], arrays: Mapping[str, np.ndarray], lexicon: Lexicon) -> Meanings:
        """Return what :meth:`features` and :meth:`arrays` gave."""
        from scipy.sparse import csr_matrix

        analyses = {"char": characters(5), "stem": stems(lexicon), "claim": _itself}
        spaces = {
            name: Space(
                analyses[name],
                {f: i for i, f in enumerate(names)},
                arrays[f"said.{name}.idf"],
                float(arrays[f"said.{name}.unknown"][0]),
            )
            for name, names in features.items()
        }
        size = int(arrays["said.size"][0])
        data, indices, indptr = (arrays[f"said.profiles.{part}"] for part in ("data", "indices", "indptr"))
        profiles = csr_matrix((data, indices, indptr), shape=(len(indptr) - 1, size))
        intercept = float(arrays["said.intercept"][0])
        char, stem, claim = spaces["char"], spaces["stem"], spaces.get("claim")
        return cls(size, char, stem, profiles, claim, arrays["said.weights"], intercept, lexicon)


# How a competence is claimed, and how it is not, whatever the competence: the subject alone must never decide.
_CLAIMS = tuple(
    tuple(frame.split())
    for frame in (
        "jag är duktig på att _|är duktig på att _|jag är bra på att _|är bra på att _|van vid att _|jag är grym på att _"
        "|jag kan _|kan _|är bra på _|jag är duktig på _|har jobbat med _|jag har jobbat som _|jobbade med _ i många år|brukar _"
        "|håller på med _ hemma|har lång erfarenhet av _|jag har utbildning i _|sköter _|ansvarar för _|har hand om _"
        "|gör _ varje dag|jag har _ i tio år|har _ sen många år|jag har hållit på med _ hela livet|jag har haft hand om _"
        "|_ i fem år|jag har _ hemma|lärde mig _ på förra jobbet|van vid _|jag har haft ansvar för _|i can _|good at _"
        "|i have worked with _|experience of _"
    ).split("|")
)
_NOT_CLAIMS = tuple(
    tuple(frame.split())
    for frame in (
        "vill lära mig _|skulle vilja kunna _|jag kan inte _|har aldrig _|jag har aldrig jobbat med _|min bror är duktig på _"
        "|min man kan _|min syster jobbar med _|kollegan är den som kan _|vi borde ha någon som kan _|vi saknar folk som kan _"
        "|det är för mycket _ här|hoppas få gå kurs i _|hon är bra på _|min granne sköter _|ingen av oss kan _|behöver lära mig _"
        "|vet inget om _|chefen har hand om _|i want to learn _|i can not _|i have never done _|my brother is good at _"
    ).split("|")
)


def _framed(labels: Sequence[tuple[int, Words]]) -> list[tuple[int, Words]]:
    """Return each sixth label, by hash, claimed in one way and not claimed in another."""
    found = []
    for target, words in labels:
        drawn = int.from_bytes(hashlib.sha256(" ".join(words).encode()).digest()[:4], "big")
        if drawn % 6 == 0:
            for owner, frames in ((target, _CLAIMS), (-1, _NOT_CLAIMS)):
                frame = spoken_words(frames[drawn // 6 % len(frames)])
                place = frame.index("_") if "_" in frame else len(frame)
                found.append((owner, (*frame[:place], *words, *frame[place + 1 :])))
    return found


def _itself(word: str) -> list[str]:
    return [word]


def _with_neighbours(words: Words) -> list[str]:
    """Return all words, and each two neighbours as one."""
    return [*words, *(a + PAIR + b for a, b in pairwise(words))]
