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
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from competence._words import Lexicon, spoken_words
from competence.linking._exponential import exponential
from competence.linking._many import Bundle, Many
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

    targets: list[int]
    probabilities: list[float]
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

    def weigh(self, texts: Sequence[Words], n: int, least: Sequence[float] = ()) -> list[Meaning]:
        """Return the ``n`` likeliest meanings of each text; bit for bit the same alone as among others.

        ``least`` says from which probability of a claim on a text's targets are wanted at all: below it none are given.
        """
        many = len(texts) >= _MANY
        bundle = Bundle.of(texts) if many else None
        odds = self.claim_odds(texts) if bundle is None else self._many.claim_odds(bundle, self.intercept)
        claims = np.round(self._calibrated(odds), 9)
        chosen = np.flatnonzero(claims >= np.asarray(least)) if least else np.arange(len(texts))
        claimed = claims.tolist()
        found = [Meaning([], [], claim) for claim in claimed]
        count = min(n, self.size)
        step = len(texts) if bundle is not None else _CHUNK
        for start in range(0, len(chosen), max(1, step)):
            part = chosen[start : start + step]
            if bundle is not None:
                targets, chances = self._many.likeliest(bundle.some(part), _SHARPNESS, count)
            else:
                targets, chances = self._likeliest((self._rows([texts[i] for i in part]) @ self.profiles).toarray(), count)
            for i, mine, likely in zip(part.tolist(), targets.tolist(), chances.tolist(), strict=True):
                if mine and mine[0] >= 0:
                    found[i] = Meaning(mine, likely, claimed[i])
        return found

    def prepare(self) -> None:
        """Load what :meth:`weigh` needs for very many texts, once for all forks of a process."""
        bundle = Bundle.of([("",)])
        self._many.claim_odds(bundle, self.intercept)
        self._many.likeliest(bundle, _SHARPNESS, 1)

    @cached_property
    def _many(self) -> Many:
        return Many(self.char, self.stem, self.claim, self.profiles, self.weights, self.lexicon)

    @staticmethod
    def _likeliest(scores: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the likeliest targets by their likeness, shape (texts, size), and their shares: softmax of the standard scores.

        Sums run from the first target to the last and the exponential is our own, so that a compiled loop gives the same bits.
        """
        scores = np.rint(scores * 1e9) / 1e9
        size = scores.shape[1]
        off: np.ndarray = scores - (_total(scores) / size)[:, None]
        spread = np.sqrt(_total(off * off) / size)
        off /= np.where(spread > 0, spread, 1.0)[:, None]
        likely = exponential((off - off.max(axis=1)[:, None]) * _SHARPNESS)
        # All that tie with the last one are looked at: of those the first are taken.
        lowest = np.partition(scores, size - count, axis=1)[:, size - count]
        rows, targets = np.nonzero(scores >= lowest[:, None])
        order = np.lexsort((targets, -scores[rows, targets], rows))
        first = np.searchsorted(rows, np.arange(len(scores)))
        best = targets[order[first[:, None] + np.arange(count)]]
        chances = np.rint(np.take_along_axis(likely, best, axis=1) / _total(likely)[:, None] * 1e9) / 1e9
        return np.where(spread[:, None] > 0, best, -1), chances

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


def _total(values: np.ndarray) -> np.ndarray:
    """Return the sum of each row, added up from its first value to its last."""
    return np.asarray(np.cumsum(values, axis=1)[:, -1])


def _itself(word: str) -> list[str]:
    return [word]


def _with_neighbours(words: Words) -> list[str]:
    """Return all words, and each two neighbours as one."""
    return [*words, *(a + PAIR + b for a, b in pairwise(words))]
