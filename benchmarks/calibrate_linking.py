"""Fit and check the probabilities of competence.linking: constants of likeness, and how often each way of meeting is right.

Run: ``python benchmarks/calibrate_linking.py``. It prints the constants ``_LIKENESS`` and, on texts not used for the
fit, precision and recall of accepted links and the share that was right per band of probability.

Texts: (a) alternative labels taken out of the taxonomy and asked for again (every eighth, by hash); (b) the statements
written for the example municipality, with the concepts they speak of, half for the fit and half for the check, by hash
of the text; (c) the sayings below that name no competence. All are made for this project, none comes from employees,
so the probabilities hold for texts like these and should be fitted again on confirmed links. The rules of words (what
may meet inside a sentence) were shaped while looking at faults in both halves of (b), whose author knew the taxonomy:
the figures of the other half are therefore better than those of texts nobody has seen.
"""

from __future__ import annotations

import csv
import hashlib
import os
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression

if __package__ in (None, ""):
    # Run as a file, so that one command is enough.
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from competence import linking
from competence.linking import Linker
from competence.linking._titles import Title, TitleGroups
from competence.taxonomy import Taxonomy

STATEMENTS = Path(__file__).parent.parent / "competence" / "example" / "data" / "statements.csv"

NOTHING = """
Trivs bra med arbetskamraterna
Vi skulle behöva vara fler på kvällarna
Parkeringen är alltid full
Har semester i juli
Det är för mycket papper
Bor nära jobbet
Tycker att lunchen är för kort
Kontakta mig på torsdag
Se bifogad fil
Vet inte vad jag ska skriva
Inget att tillägga
Hoppas på högre lön nästa år
Chefen vet vad jag kan
Ring om ni undrar något
Gillar sommaren bäst
Det beror på dagen
Fråga min kollega
Har varit här längst av alla
Nya lokalerna är kalla
Skulle vilja gå ner i tid
Samma som förra året
Min bror är duktig på att snickra
Barnen går i skolan nu
Det blir bra
Har ont om tid just nu
Hälsningar från oss alla
Mycket att göra på höstarna
I like the coffee here
Nothing to add
My sister lives in Norway
""".strip().splitlines()


def half(text: str, parts: int = 2) -> int:
    """Return the part that a text belongs to, by its hash."""
    return hashlib.sha256(text.encode()).digest()[0] % parts


def features(linker: Linker, text: str) -> list[tuple[list[float], str]]:
    """Return, for each span that is weighed, its features and the concept most alike."""
    index = linker._concepts
    reading = linking._read(text)
    linker._meet(index, reading, None, frozenset())
    if reading.whole:
        return []
    met = {i for m in reading.matches for i in m.places}
    found = []
    for a, b in reading.spans:
        content = linking._carrying(reading, set(range(a, b)))
        if 2 * len(content & met) >= max(1, len(content)):
            continue
        words = linking._query(index, reading, a, b)
        scored = index.likeness([words], 2)[0]
        if scored:
            lead = scored[0][1] - (scored[1][1] if len(scored) > 1 else 0.0)
            found.append(([scored[0][1], lead, *linking._overlap(index, words, scored[0][2])], index.keys[scored[0][0]]))
    return found


def main() -> None:
    taxonomy = Taxonomy.bundled("municipal")
    linker = Linker.fit(taxonomy)
    with STATEMENTS.open(encoding="utf-8", newline="") as file:
        rows = [
            (r["text"].replace("{n}", "tio"), frozenset(r["concepts"].split("+")) - {""})
            for r in csv.DictReader(file, delimiter=";")
        ]
    rows += [(text, frozenset()) for text in NOTHING]

    inputs: list[list[float]] = []
    right: list[bool] = []
    weights: list[float] = []
    for text, gold in rows:
        if half(text) == 0:
            for values, concept_id in features(linker, text):
                inputs.append(values)
                right.append(concept_id in gold)
                weights.append(1.0)

    held: list[tuple[str, str]] = []
    concepts = []
    for concept in taxonomy.concepts.values():
        kept = {}
        for lang, labels in concept.alternative_labels.items():
            out = [label for label in labels if half(concept.concept_id + label, 8) == 0]
            held += [(label, concept.concept_id) for label in out]
            kept[lang] = tuple(label for label in labels if label not in out)
        concepts.append(replace(concept, alternative_labels=kept))
    without = Linker.fit(taxonomy.merged(concepts), cache=False)
    first = sum(
        bool(links) and links[0].concept_id == gold
        for links, (_, gold) in zip(without.link_many([h[0] for h in held]), held, strict=True)
    )
    for label, gold_id in held:
        for values, concept_id in features(without, label):
            inputs.append(values)
            right.append(concept_id == gold_id)
            # Labels are terser than what people write: they count less.
            weights.append(0.25)

    said(linker)
    asked(linker)
    titles(taxonomy)
    word_for_word()
    model = LogisticRegression(C=10.0, max_iter=1000).fit(np.array(inputs), np.array(right), sample_weight=np.array(weights))
    constants = (float(model.intercept_[0]), *(float(c) for c in model.coef_[0]))
    print(f"_LIKENESS = ({', '.join(f'{c:.2f}' for c in constants)})   # fitted on {len(inputs)} spans")
    print(f"held-out alternative labels: first is right for {first} of {len(held)} = {first / len(held):.3f}")

    for name, chosen in (("as shipped", None), ("with the constants above", constants)):
        if chosen is not None:
            linking._LIKENESS = chosen  # type: ignore[assignment]
        for part, title in ((0, "fitted half"), (1, "other half")):
            report(linker, [r for r in rows if half(r[0]) == part], f"{name}, {title}")


def said(linker: Linker) -> None:
    """Print the constants of competence.linking._meanings, fitted on the tuning half of the phrase set."""
    from scipy.optimize import minimize_scalar

    from benchmarks.skills import phrases

    learned = linker._said
    rows = phrases("tuning")
    texts = [learned.words([t.word for t in linking.tokenize(r["text"])]) for r in rows]
    gold = [[linker._concepts.position[c] for c in r["concepts"].split("|") if c in linker._concepts.position] for r in rows]
    scores = np.asarray((learned.meanings._rows(texts) @ learned.meanings.profiles).toarray())
    standard = (scores - scores.mean(axis=1, keepdims=True)) / scores.std(axis=1, keepdims=True)
    some = [i for i, g in enumerate(gold) if g]

    def loss(sharpness: float) -> float:
        likely = np.exp(sharpness * (standard - standard.max(axis=1, keepdims=True)))
        likely /= likely.sum(axis=1, keepdims=True)
        return -float(np.mean([np.log(max(likely[i, gold[i]].max(), 1e-9)) for i in some]))

    sharpness = minimize_scalar(loss, bounds=(0.5, 4.0), method="bounded").x
    odds = learned.meanings.claim.odds(texts)
    model = LogisticRegression(C=100.0).fit(odds[:, None], [bool(g) for g in gold])
    print(f"\n_SHARPNESS = {sharpness:.2f}, _CLAIM = ({model.intercept_[0]:.2f}, {model.coef_[0][0]:.2f})   # tuning half")


def asked(linker: Linker) -> None:
    """Print the constant of what asks for somebody: a fifth of the taxonomy's own such texts at a time, by hash, left out.

    Texts that ask for nobody count a tenth of all, as if every tenth search were one.
    """
    from competence.linking._meanings import Gate

    learned, taxonomy, position = linker._said, linker.taxonomy, linker._concepts.position

    def texts(words: Mapping[str, Mapping[str, Sequence[str]]]) -> list[tuple[int, tuple[str, ...], int]]:
        return [
            (position.get(key, -1), learned.words([t.word for t in linking.tokenize(text)]), half(text, 5))
            for by_id in words.values()
            for key, found in by_id.items()
            for text in found
        ]

    spoken, typed = texts(taxonomy.spoken), texts(taxonomy.asked)
    odds, means = [], []
    for part in range(5):
        gate = Gate.fit([(target, words) for target, words, fold in (*spoken, *typed) if fold != part])
        held = [(target, words) for target, words, fold in typed if fold == part]
        odds.extend(gate.odds([words for _, words in held]).tolist())
        means.extend(target >= 0 for target, _ in held)
    right = np.array(means)
    weights = np.where(right, 0.9 / right.sum(), 0.1 / (~right).sum()) * len(right)
    model = LogisticRegression(C=100.0).fit(np.array(odds)[:, None], right, sample_weight=weights)
    print(f"_ASK = ({model.intercept_[0]:.2f}, {model.coef_[0][0]:.2f})   # {right.sum()} texts, {(~right).sum()} ask for nobody")
    likely = model.predict_proba(np.array(odds)[:, None])[:, 1]
    print(f"  mean {likely[right].mean():.2f} where somebody is asked for, {likely[~right].mean():.2f} where not")


def titles(taxonomy: Taxonomy) -> None:
    """Print the constants of competence.linking._titles: weights on our own titles, trust on half of JobTech's names."""
    from benchmarks import reference
    from competence._words import Lexicon, tokenize

    rows = [
        (label, role.ssyk, place == 0)
        for role in taxonomy.roles.values()
        for place, label in enumerate((role.label("sv"), *role.alternative_labels.get("sv", ())))
    ]
    lexicon = Lexicon(sorted({t.word for label, _, _ in rows for t in tokenize(label)}))
    known = TitleGroups.fit([(label, code) for label, code, _ in rows], lexicon)
    same: dict[str, list[int]] = {}
    for i, (label, _, _) in enumerate(rows):
        same.setdefault(reference.normal(label), []).append(i)
    inputs, right = [], []
    for i, (label, _, _) in enumerate(rows):
        if half(label, 3) == 0:
            groups, found = known.inputs(known.titles[i], same[reference.normal(label)])
            inputs.append(found)
            right.append(groups == known.owners[i])
    model = LogisticRegression(C=10.0, max_iter=2000).fit(np.concatenate(inputs), np.concatenate(right))
    print(f"_WEIGHTS = ({', '.join(f'{c:.2f}' for c in (model.intercept_[0], *model.coef_[0]))})   # {len(inputs)} titles")
    if "COMPETENCE_DATA" not in os.environ:
        print("_TRUST skipped: COMPETENCE_DATA must name the folder of the reference data")
        return
    odds, hit = [], []
    for label, code in reference.occupation_names():
        if code in known.codes and half(label) == 0:
            hidden = [i for i in same.get(reference.normal(label), ()) if not rows[i][2]]
            groups, found = known.inputs(Title.of(label, lexicon), hidden)
            likely = model.predict_proba(found)[:, 1]
            first = np.clip(likely.max() / max(1.0, likely.sum()), 1e-9, 1 - 1e-9)
            odds.append(np.log(first / (1 - first)))
            hit.append(known.codes[groups[int(likely.argmax())]] == code)
    trust = LogisticRegression(C=100.0).fit(np.array(odds)[:, None], hit)
    print(f"_TRUST = ({trust.intercept_[0]:.2f}, {trust.coef_[0][0]:.2f})   # {len(odds)} names, half by hash")


def word_for_word() -> None:
    """Print the constant of competence.linking._ranker: how often a term that is one label word for word means it.

    Measured on the development half of the skill crosswalk, never on titles, for which it is used where no pair is known.
    """
    from benchmarks import reference

    if "COMPETENCE_DATA" not in os.environ:
        print("_WORD_FOR_WORD skipped: COMPETENCE_DATA must name the folder of the reference data")
        return
    named: dict[tuple[str, ...], set[str]] = {}
    for uri, label in reference.swedish_skills().items():
        named.setdefault(linking._term_words(label, titles=False), set()).add(uri)
    meant: dict[str, set[str]] = {}
    for row in reference.rows("eval", "skill_sv_dev_map.csv.gz"):
        mine = meant.setdefault(row["jobtech_label_sv"], set())
        if row["relation"] in ("skos:exactMatch", "skos:closeMatch"):
            mine.add(row["esco_uri"])
    hits = []
    for term, targets in meant.items():
        met = named.get(linking._term_words(term, titles=False), set())
        if len(met) == 1:
            hits.append(bool(met & targets))
    print(f"_WORD_FOR_WORD = {np.mean(hits):.2f}   # {len(hits)} terms of the development half that are one label")


def report(linker: Linker, rows: list[tuple[str, frozenset[str]]], title: str) -> None:
    """Print precision, recall and calibration of the accepted links."""
    bands: dict[float, list[bool]] = {}
    ways: Counter[tuple[str, str, bool]] = Counter()
    hit = wrong = missed = quiet = nothing = 0
    for (_text, gold), links in zip(rows, linker.link_many([r[0] for r in rows], n=8), strict=True):
        got = {k.concept_id for k in links.accepted}
        hit, wrong, missed = hit + len(got & gold), wrong + len(got - gold), missed + len(gold - got)
        if not gold:
            nothing += 1
            quiet += not got
        for k in links.accepted:
            bands.setdefault(min(0.9, int(k.probability * 10) / 10), []).append(k.concept_id in gold)
            words = "one" if len(k.words.split()) == 1 else "more"
            ways[k.how.value, words, k.concept_id in gold] += 1
    print(f"\n{title}: precision {hit / (hit + wrong):.3f}, recall {hit / (hit + missed):.3f}")
    print(f"  nothing said and nothing linked: {quiet} of {nothing}")
    print("  right per band:", ", ".join(f"{b:.1f}: {np.mean(v):.2f} of {len(v)}" for b, v in sorted(bands.items())))
    for how, words in sorted({(h, w) for h, w, _ in ways}):
        good, bad = ways[how, words, True], ways[how, words, False]
        print(f"  {how:12} {words:5} {good / (good + bad):.2f} of {good + bad}")


if __name__ == "__main__":
    main()
