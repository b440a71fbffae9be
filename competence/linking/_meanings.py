"""What whole texts mean: how near each target's profile is, and whether a competence is claimed, or asked for, at all.

This module learns from sayings, what people say when they mean a target, from the words with which they ask for it, and from
both that mean nothing. A target's profile joins its labels, descriptions, sayings and what it is asked for with; features count
by the square root of their sum, so that what is said often does not drown what is said once. The words that tell a claim from a
wish, a complaint or somebody else's skill are mostly small ones, so that question is asked of all words and of each two
neighbours, and of no subject; and so is the question whether somebody who can is asked for, or where the key is.

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

__all__ = ["Gate", "Meaning", "Meanings"]

Words = tuple[str, ...]

_SHARPNESS = 1.97
"""Weight of a profile's standard score in the probability that it is meant; see benchmarks/calibrate_linking.py."""
_CLAIM = (-1.58, 1.96)
"""Intercept and weight of the claim's log odds; the same script."""
_ASK = (-0.68, 1.40)
"""The same of a text that asks for somebody."""
_STRANGE = 0.2
"""What a text counts none of whose words is known; set by hand."""
_FEWEST_NOTHING = 50
"""Texts that mean nothing from which on the question is asked whether anything is claimed, or asked for."""
_CHUNK = 1024
"""Texts weighed at once."""
_MANY = 300
"""Texts from which on it pays to load what is compiled: a second, or some seconds the first time of all."""


@dataclass(frozen=True, slots=True)
class Meaning:
    """What one text means: targets, best first, their probabilities given that it means any, and the probability of that."""

    targets: list[int]
    probabilities: list[float]
    claimed: float


@dataclass(frozen=True, slots=True)
class Gate:
    """Tell texts that mean a competence, whatever it is, from those that mean none, by all their words and neighbours."""

    space: Space
    weights: np.ndarray
    intercept: float

    @classmethod
    def fit(cls, texts: Sequence[tuple[int, Words]]) -> Gate:
        """Learn from texts with targets, -1 for none, by logistic regression (liblinear); both answers weigh the same."""
        from sklearn.linear_model import LogisticRegression

        documents = [_with_neighbours(words) for _, words in texts]
        space = Space.fit(_itself, documents)
        model = LogisticRegression(C=10.0, class_weight="balanced", solver="liblinear", tol=1e-3, max_iter=300, random_state=0)
        model.fit(space.rows(documents), np.array([target >= 0 for target, _ in texts]))
        return cls(space, model.coef_[0].astype(np.float64), float(model.intercept_[0]))

    def odds(self, texts: Sequence[Words]) -> np.ndarray:
        """Return the log odds as learned, before they are calibrated, shape (n,)."""
        return np.asarray(self.space.rows([_with_neighbours(w) for w in texts]) @ self.weights + self.intercept)


class Meanings:
    """Weigh statements; made by :meth:`fit`, never changed."""

    def __init__(
        self, size: int, char: Space, stem: Space, profiles: csr_matrix, claim: Gate | None, ask: Gate | None, lexicon: Lexicon
    ) -> None:
        self.size = size
        self.char = char
        self.stem = stem
        self.profiles = profiles
        self.claim = claim
        self.ask = ask
        self.lexicon = lexicon

    @classmethod
    def fit(
        cls,
        size: int,
        labels: Sequence[tuple[int, Words]],
        descriptions: Sequence[tuple[int, Words]],
        sayings: Sequence[tuple[int, Words]],
        lexicon: Lexicon,
        asked: Sequence[tuple[int, Words]] = (),
    ) -> Meanings:
        """Learn the profiles of targets 0..size-1, what claims sound like, and what questions for somebody do.

        Parameters
        ----------
        size : int
            How many targets.
        labels, descriptions, sayings : sequence of (int, words)
            What is said of each target; -1 in ``sayings`` for what means none.
        lexicon : Lexicon
            Stems and compound parts.
        asked : sequence of (int, words)
            How each target is asked for; -1 for what asks for none.

        Notes
        -----
        O(words).
        """
        from scipy.sparse import csr_matrix

        documents: dict[tuple[int, int], list[str]] = {}
        for part, found in ((0, labels), (1, descriptions)):
            for target, words in found:
                documents.setdefault((target, part), []).extend(words)
        keys = sorted(documents)
        about = [(target, tuple(documents[target, part])) for target, part in keys]
        said = [(target, words) for target, words in (*sayings, *asked) if target >= 0]
        known = [words for _, words in (*labels, *descriptions, *sayings, *asked)]
        char = Space.fit(characters(5), known)
        stem = Space.fit(stems(lexicon), [pairs_of_words(words) for words in known])
        made = cls(size, char, stem, csr_matrix((0, 0)), None, None, lexicon)
        rows = made._rows([words for _, words in (*about, *said)])
        owners = np.array([target for target, _ in (*about, *said)], dtype=np.int64)
        owner = csr_matrix((np.ones(len(owners)), (owners, np.arange(len(owners)))), shape=(size, len(owners)))
        profiles = csr_matrix(owner @ rows)
        profiles.data = np.sqrt(profiles.data)
        length = np.sqrt(np.asarray(profiles.multiply(profiles).sum(axis=1)).ravel())
        profiles.data /= np.repeat(np.where(length > 0, length, 1.0), np.diff(profiles.indptr))
        made.profiles = profiles.T.tocsr()
        # What is claimed can be asked for, and what means nothing when said means nothing when typed into a search. A third of
        # what means something tells it from the rest as well as all of it does, at half the cost.
        every = [*sayings, *asked]
        some = [*(t for t in every if t[0] < 0), *[t for t in every if t[0] >= 0][::3]] if asked else []
        for name, texts, framed in (("claim", sayings, _framed(labels)), ("ask", some, [])):
            nothing = sum(target < 0 for target, _ in texts)
            if min(nothing, len(texts) - nothing) >= _FEWEST_NOTHING:
                setattr(made, name, Gate.fit([*texts, *framed]))
        return made

    def _rows(self, texts: Sequence[Words]) -> csr_matrix:
        from scipy.sparse import csr_matrix, hstack

        char, stem = self.char.rows(texts), self.stem.rows([pairs_of_words(w) for w in texts])
        return csr_matrix(hstack([char * np.sqrt(0.5), stem * np.sqrt(0.5)]))

    def meant(self, texts: Sequence[Words], *, asked: bool = False) -> np.ndarray:
        """Return the probability that each text claims, or asks for, a competence, shape (n,); 1 where nothing was learned."""
        gate = self.ask if asked else self.claim
        return np.ones(len(texts)) if gate is None or not texts else _calibrated(gate.odds(texts), _ASK if asked else _CLAIM)

    def weigh(self, texts: Sequence[Words], n: int, least: Sequence[float] = (), *, asked: bool = False) -> list[Meaning]:
        """Return the ``n`` likeliest meanings of each text; bit for bit the same alone as among others.

        ``least`` says from which probability of a claim on a text's targets are wanted at all: below it none are given. With
        ``asked`` the texts ask for somebody who can, and claim nothing.
        """
        many = len(texts) >= _MANY
        bundle = Bundle.of(texts) if many else None
        if bundle is None or asked or self.claim is None:
            claims = self.meant(texts, asked=asked)
        else:
            claims = _calibrated(self._many.claim_odds(bundle, self.claim.intercept), _CLAIM)
        # Letters alone are like those of some word or other, whatever is said.
        strange = [not any(self.stem.knows(word) for word in words) for words in texts]
        claims = np.round(np.where(strange, _STRANGE * claims, claims), 9)
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
        if self.claim is not None:
            self._many.claim_odds(bundle, self.claim.intercept)
        self._many.likeliest(bundle, _SHARPNESS, 1)

    @cached_property
    def _many(self) -> Many:
        space, weights = (None, np.zeros(0)) if self.claim is None else (self.claim.space, self.claim.weights)
        return Many(self.char, self.stem, space, self.profiles, weights, self.lexicon)

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
    def _gates(self) -> Mapping[str, Gate]:
        return {name: gate for name, gate in (("claim", self.claim), ("ask", self.ask)) if gate is not None}

    @property
    def _spaces(self) -> Mapping[str, Space]:
        return {"char": self.char, "stem": self.stem} | {name: gate.space for name, gate in self._gates.items()}

    def features(self) -> dict[str, list[str]]:
        """Return the features of each space, in order; with :meth:`arrays` all that :meth:`of` needs."""
        return {name: list(space.features) for name, space in self._spaces.items()}

    def arrays(self) -> dict[str, np.ndarray]:
        """Return what was learned as arrays."""
        found = {f"said.profiles.{part}": getattr(self.profiles, part) for part in ("data", "indices", "indptr")}
        for name, space in self._spaces.items():
            found |= {f"said.{name}.idf": space.idf, f"said.{name}.unknown": np.array([space.unknown])}
        for name, gate in self._gates.items():
            found |= {f"said.{name}.weights": gate.weights, f"said.{name}.intercept": np.array([gate.intercept])}
        return found | {"said.size": np.array([self.size])}

    @classmethod
    def of(cls, features: Mapping[str, Sequence[str]], arrays: Mapping[str, np.ndarray], lexicon: Lexicon) -> Meanings:
        """Return what :meth:`features` and :meth:`arrays` gave."""
        from scipy.sparse import csr_matrix

        analyses = {"char": characters(5), "stem": stems(lexicon), "claim": _itself, "ask": _itself}
        spaces = {
            name: Space(
                analyses[name],
                {f: i for i, f in enumerate(names)},
                arrays[f"said.{name}.idf"],
                float(arrays[f"said.{name}.unknown"][0]),
            )
            for name, names in features.items()
        }
        gates = {
            name: Gate(spaces[name], arrays[f"said.{name}.weights"], float(arrays[f"said.{name}.intercept"][0]))
            for name in ("claim", "ask")
            if name in spaces
        }
        size = int(arrays["said.size"][0])
        data, indices, indptr = (arrays[f"said.profiles.{part}"] for part in ("data", "indices", "indptr"))
        profiles = csr_matrix((data, indices, indptr), shape=(len(indptr) - 1, size))
        return cls(size, spaces["char"], spaces["stem"], profiles, gates.get("claim"), gates.get("ask"), lexicon)


def _calibrated(odds: np.ndarray, trust: tuple[float, float]) -> np.ndarray:
    return np.asarray(1 / (1 + np.exp(-(trust[0] + trust[1] * odds))))


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
