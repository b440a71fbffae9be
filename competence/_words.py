"""Swedish and English words as the linker sees them: tokens, stems, compound parts, title variants, wishes and denials.

This module decides when two spellings are the same words. Which concept they mean, and how sure that is, belongs to
:mod:`competence.linking`. Nothing here knows a concept, a role or a person.
"""

from __future__ import annotations

import re
import threading
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from itertools import pairwise
from typing import NamedTuple

__all__ = [
    "FILLERS",
    "MEASURES",
    "STOP",
    "Lexicon",
    "Speller",
    "Stance",
    "Token",
    "clauses",
    "content_words",
    "fold",
    "segments",
    "spoken_words",
    "stances",
    "stated_level",
    "stated_years",
    "title_places",
    "title_tokens",
    "tokenize",
]


class Stance(StrEnum):
    """What the words say about the competence they name; only ``claimed`` can become evidence."""

    CLAIMED = "claimed"
    WISH = "wish"
    NEGATED = "negated"


class Token(NamedTuple):
    """One word as compared (casefolded) and where it stands in the text as written; a tuple, for a file of texts has millions."""

    word: str
    start: int
    end: int


STOP = frozenset(
    """
    jag du man vi de dom han hon mig mej dig sig oss er min mitt mina din ditt sin sitt sina vår våra deras dess
    att och samt i på av för med till från om en ett den det dessa denna detta som är var varit vara har hade haft
    dem kan kunna ska skall så då när där här hos inom vid under över åt ut upp in eller även också bland
    a an the of and in on at to for with my our your their i im we you is are am been was have has had can or by as from
    """.split()
)
"""Words that carry no competence: left out of stems and weights, in labels and in texts alike."""

FILLERS = frozenset(
    """
    brukar bruka duktig bra jättebra jätteduktig grym van vana erfaren erfarenhet erfarenheter kunskap kunskaper kunnig
    pratar prata pratat talar talat behärskar hjälplig flytande håller hållit sysslar sysslat gillar
    jobbat jobbar arbetat arbetar jobbade arbetade hemma gärna ofta mest alltid ibland varje dag år åren många flera lite
    mycket ganska rätt riktigt väldigt gång gånger dagligen sedan tidigare länge nu extra själv egen eget egna
    good great very experience experienced speak speaks spoken know knows used worked working years year fluent
    fluently home often also well
    två tre fyra fem sex sju åtta nio tio tjugo tolv femton two three four five ten
    """.split()
)
"""Words of telling, not of doing: stripped from the start of a text, and from what is weighed by likeness."""

# Strong and irregular verb forms that the Snowball stemmer leaves apart from their infinitive, form by form.
_FORMS = """
    köra: kör kört körde körd | göra: gör gjort gjorde | skriva: skrev skrivit | handleda: handlett handledde handled
    leda: lett ledde led | lära: lärt lärde lär | bygga: byggt byggde byggd | sy: syr sytt sydde | sköta: skött skötte
    sjunga: sjöng sjungit | sälja: säljer sålt sålde | hjälpa: hjälpt hjälpte | köpa: köpt köpte | ge: ger gav gett givit
    ta: tar tog tagit | hålla: höll hållit | stå: står stod stått | få: får fick fått | gå: går gick gått | se: ser såg sett
    läsa: läst läste | möta: mött mötte | stödja: stöder stött stödde stötta stöttar stöttat | följa: följt följde
    rita: ritat | bära: bär burit bar | skära: skär skurit skar | klippa: klippt klippte | tvätta: tvättat | föra: för fört förde
    driva: drev drivit | spela: spelat | bryta: bröt brutit | slå: slår slog slagit | lägga: lägger lagt lade | sätta: satt satte
    säga: säger sagt sade sa | visa: visat | rida: red ridit | simma: simmat | dra: drar drog dragit | hugga: högg huggit
    flytta: flyttat | lösa: löst löste | fylla: fyllt fyllde | ställa: ställt ställde | räkna: räknat | röja: röjt röjde
    välja: valt valde väljer | tänka: tänkt tänkte | märka: märkt märkte | trösta: tröstat | mäta: mätt mätte
    mala: malt | höra: hör hört hörde | styra: styr styrt styrde | förstå: förstår förstod förstått | upptäcka: upptäckt upptäckte
    utföra: utför utfört utförde | genomföra: genomför genomfört genomförde | planera: planerat | bemöta: bemött bemötte
    teach: taught | lead: led | drive: drove driven drives | write: wrote written writes | speak: spoke spoken
    """
_IRREGULAR: Mapping[str, str] = {
    form: base.strip()
    for part in _FORMS.replace("\n", "|").split("|")
    if ":" in part
    for base, forms in (part.split(":"),)
    for form in forms.split()
}

_TOKEN = re.compile(r"[^\W_]+(?:['’][^\W_]+)*[+#]*")
_BREAK = re.compile(r"[.;:!?,()/\n\r•]|\s[-–—]+\s")
_FOLD = str.maketrans("åäöéèüæø", "aaoeeuao")

# Three-letter words that do stand inside compounds; other parts must have four letters, else "kontakt" is kon + takt.
_SHORT_PARTS = frozenset("mat bil hem tak sår bad båt bok lek dag tid väg hud ved ost vin rör ljud hot fot öga häst".split())


def tokenize(text: str) -> list[Token]:
    """Return the words of ``text`` in order, casefolded and in NFKC, with their places in the text as written.

    Examples
    --------
    >>> [t.word for t in tokenize("E-tjänster, C++ & HLR!")]
    ['e', 'tjänster', 'c++', 'hlr']
    """
    folded = text.casefold()
    if len(folded) == len(text) and "'" not in text and "’" not in text and unicodedata.is_normalized("NFKC", text):
        # As nearly always: no letter changes its length, so the words stand where they stood.
        return [Token(folded[a:b], a, b) for a, b in (match.span() for match in _TOKEN.finditer(text))]
    found = []
    for match in _TOKEN.finditer(text):
        word = unicodedata.normalize("NFKC", match.group()).casefold().replace("'", "").replace("’", "")
        found.append(Token(word, match.start(), match.end()))
    return found


def fold(word: str) -> str:
    """Return ``word`` without the dots and rings that people leave out on foreign keyboards."""
    return word.translate(_FOLD)


def segments(text: str, tokens: Sequence[Token]) -> list[tuple[int, int]]:
    """Return the runs of tokens between punctuation, and around "men"/"but", as (first, after last)."""
    cuts = [0]
    broken = _BREAK.search(text) is not None
    for i in range(1, len(tokens)):
        if (broken and _BREAK.search(text, tokens[i - 1].end, tokens[i].start)) or tokens[i].word in ("men", "but"):
            cuts.append(i)
    cuts.append(len(tokens))
    return [(a, b) for a, b in pairwise(cuts) if b > a]


_JOIN = frozenset("och samt and plus eller or".split())


def clauses(words: Sequence[str], first: int, last: int) -> list[tuple[int, int]]:
    """Return the runs between "och", "samt", "eller" within one segment, without these words."""
    if _JOIN.isdisjoint(words[first:last]):
        return [(first, last)] if last > first else []
    found, start = [], first
    for i in range(first, last):
        if words[i] in _JOIN:
            found.append((start, i))
            start = i + 1
    found.append((start, last))
    return [(a, b) for a, b in found if b > a]


# Particles that change what a verb means ("följa med ut"); without them a short label would be met by the verb alone.
_PARTICLES = frozenset("in ut upp ned av om åt till från med för under över vid hos på out off up down over for with".split())

_NOT = frozenset("inte ej icke aldrig not never cannot cant dont doesnt couldnt".split())
_NOT_REALLY_NOT = frozenset("bara enbart only just rädd främmande svårt svårigheter problem bekymmer minst fel ovan".split())
_LACKING = frozenset("saknar ingen inga inget utan no without lack".split())
_LACKED = frozenset("erfarenhet erfarenheter kunskap kunskaper vana utbildning experience knowledge training".split())
_HAVE = frozenset("har hade have has had".split())
_SUBORDINATE = frozenset(
    "som när om att fast eftersom innan vad vilken vilket vilka hur så medan utan who that when if what which because".split()
)
_WISH_VERB = frozenset("vill önskar hoppas drömmer want wish hope skulle would ska planerar".split())
_WISH_OBJECT = frozenset(
    """lära bli börja kunna utveckla utvecklas prova testa utbilda utbildas veta vilja kurs bättre
    learn become like try start improve""".split()
)
_WISH_ALONE = frozenset("drömmer hoppas önskar hope wish".split())
_TURNING = _NOT | _LACKING | _WISH_VERB
"""Without one of these words all is claimed."""
_OWN_START = frozenset("jag kan har är pratar talar brukar i can have speak men but".split())


def _has_none(words: Sequence[str], i: int, after: Sequence[str]) -> bool:
    """Say whether a word of lacking follows "har" ("har inget körkort"), and is not "har inga problem med"."""
    return i > 0 and words[i - 1] in _HAVE and not _NOT_REALLY_NOT.intersection(after[:1])


def stances(words: Sequence[str], first: int, last: int) -> list[Stance]:
    """Say for each word of one segment whether it is claimed, wished for or denied.

    A denial or wish holds from the start of its clause to the end of the segment, unless a later clause starts anew
    ("… och kan …"). One inside a subordinate clause ("barn som inte vill sova") speaks of somebody else.

    Examples
    --------
    >>> words = "jag kan inte svetsa och kan löda".split()
    >>> [s.value for s in stances(words, 0, len(words))][-3:]
    ['claimed', 'claimed', 'claimed']
    """
    if _TURNING.isdisjoint(words[first:last]):
        return [Stance.CLAIMED] * (last - first)
    found: list[Stance] = []
    current = Stance.CLAIMED
    end = first
    subordinate = False
    for a, b in clauses(words, first, last):
        if words[a] in _OWN_START:
            current, subordinate = Stance.CLAIMED, False
        stance = Stance.CLAIMED
        for i in range(a, b):
            word, after = words[i], words[i + 1 : i + 4]
            if subordinate:
                break
            if (word in _NOT and not _NOT_REALLY_NOT.intersection(after[:1])) or (
                word in _LACKING and (_LACKED.intersection(after[:2]) or _has_none(words, i, after))
            ):
                stance = Stance.NEGATED
            elif word in _WISH_VERB and (_WISH_OBJECT.intersection(after) or word in _WISH_ALONE):
                stance = Stance.WISH
            if stance is not Stance.CLAIMED:
                break
            subordinate = word in _SUBORDINATE
        if stance is not Stance.CLAIMED:
            current = stance
        found += [current] * (b - end)
        end = b
    return found + [current] * (last - end)


# What people say of how well they can something, as DESIGN's levels are told in behaviour; only words that say it plainly.
_LEVEL_WORDS: Mapping[str, int] = {
    **dict.fromkeys("grunderna grundläggande nybörjare nybörjarnivå nödtorftigt basics beginner basic".split(), 1),
    **dict.fromkeys("flytande obehindrat obehindrad fluent fluently".split(), 3),
}
_NUMBERS: Mapping[str, int] = {
    **{w: n for n, w in enumerate("ett två tre fyra fem sex sju åtta nio tio elva tolv tretton fjorton femton".split(), start=1)},
    "tjugo": 20,
    "trettio": 30,
    "fyrtio": 40,
    "femtio": 50,
    "tjugofem": 25,
    **{w: n for n, w in enumerate("one two three four five six seven eight nine ten eleven twelve".split(), start=1)},
    "fifteen": 15,
    "twenty": 20,
    "thirty": 30,
    "forty": 40,
}
_YEARS = frozenset("år åren years year".split())
MEASURES = frozenset(_LEVEL_WORDS) | _YEARS
"""Without one of these words neither a level nor years are stated."""


def stated_level(words: Sequence[str]) -> int | None:
    """Return the level 1-5 that the words say plainly; None where they do not, or say several.

    Examples
    --------
    >>> stated_level("pratar flytande finska".split()), stated_level("kan grunderna i bokföring".split())
    (3, 1)
    >>> stated_level("pratar finska".split()) is None
    True
    """
    found = {_LEVEL_WORDS[w] for w in words if w in _LEVEL_WORDS}
    return found.pop() if len(found) == 1 else None


def stated_years(words: Sequence[str]) -> int | None:
    """Return the years that the words say something was done; None where they say none.

    Examples
    --------
    >>> stated_years("kört buss i tio år".split()), stated_years("20 years of welding".split())
    (10, 20)
    >>> stated_years("lärare åk 3".split()) is None
    True
    """
    if _YEARS.isdisjoint(words):
        return None
    for number, unit in pairwise(words):
        if unit in _YEARS and (number.isdecimal() or number in _NUMBERS):
            years = int(number) if number.isdecimal() else _NUMBERS[number]
            # A year of the calendar, or an age beyond any working life, is no time of practice.
            return years if 0 < years <= 70 else None
    return None


class Lexicon:
    """Know which words the labels use, and give stems and compound parts of any word.

    Built from the words of a taxonomy's labels: a Swedish compound is split only where all its parts are such words,
    which keeps wrong splits rare. Answers are remembered; the stemmers keep state, so a lock guards them.

    Examples
    --------
    >>> lexicon = Lexicon(["läkemedel", "delegering", "demens", "vård"])
    >>> lexicon.parts("läkemedelsdelegeringar") == lexicon.parts("läkemedel") + lexicon.parts("delegering")
    True
    """

    def __init__(self, words: Iterable[str], memory: Mapping[str, Mapping[str, str]] | None = None) -> None:
        import snowballstemmer

        self._swedish = snowballstemmer.stemmer("swedish")
        self._english = snowballstemmer.stemmer("english")
        self._lock = threading.RLock()
        known = memory or {}
        self._stems: dict[str, str] = dict(known.get("stems", {}))
        self._english_stems: dict[str, str] = dict(known.get("english", {}))
        self.words = frozenset(w for w in words if w not in STOP)
        self._parts: dict[str, tuple[str, ...]] = {w: tuple(p.split()) for w, p in known.get("parts", {}).items()}
        long_enough = [w for w in self.words if self._may_be_part(w)]
        self._part_words = frozenset(long_enough)
        self._part_stems = frozenset(self.stem(w) for w in long_enough if len(w) > 3)
        self._part_starts = frozenset(stem[:4] for stem in self._part_stems)

    @property
    def memory(self) -> dict[str, dict[str, str]]:
        """Stems and compound parts found so far, to be handed to the next Lexicon of the same words."""
        parts = {word: " ".join(found) for word, found in self._parts.items()}
        return {"stems": dict(self._stems), "english": dict(self._english_stems), "parts": parts}

    def stem(self, word: str) -> str:
        """Return the Swedish stem, the same for a verb and the noun made of it (städa, städning)."""
        found = self._stems.get(word)
        if found is None:
            with self._lock:
                found = str(self._swedish.stemWord(_IRREGULAR.get(word, word)))
            for ending, instead in (("ation", "er"), ("ning", ""), ("ing", "")):
                # Four letters must remain, else "ledning" would be the verb "led" and "tidning" a "tid".
                if found.endswith(ending) and len(found) - len(ending) >= 4:
                    found = found[: -len(ending)] + instead
                    break
            self._stems[word] = found
        return found

    def english(self, word: str) -> str:
        """Return the English stem."""
        found = self._english_stems.get(word)
        if found is None:
            with self._lock:
                found = str(self._english.stemWord(_IRREGULAR.get(word, word)))
            self._english_stems[word] = found
        return found

    def parts(self, word: str) -> tuple[str, ...]:
        """Return the Swedish stems of the word's compound parts; one stem when it is no compound of known words."""
        found = self._parts.get(word)
        if found is None:
            split = self._split(word) if len(word) >= 7 else None
            found = self.parts(split[0]) + self.parts(split[1]) if split else (self.stem(word),)
            self._parts[word] = found
        return found

    def keys(self, words: Iterable[str]) -> tuple[frozenset[str], frozenset[str]]:
        """Return the Swedish and the English stems of all words that carry something, free of order."""
        content = content_words(words)
        return frozenset(p for w in content for p in self.parts(w)), frozenset(self.english(w) for w in content)

    @staticmethod
    def _may_be_part(word: str) -> bool:
        return len(word) >= 4 or word in _SHORT_PARTS

    def _split(self, word: str) -> tuple[str, str] | None:
        # The longest last part first: "läkemedels|delegering" before "läke|medelsdelegering".
        for cut in range(3, len(word) - 2):
            head, tail = word[:cut], word[cut:]
            if self._known(tail) or (len(tail) >= 8 and self._split(tail)):
                known_head = self._head(head)
                if known_head:
                    return known_head, tail
        return None

    def head_before_known(self, word: str) -> str:
        """Return what stands before the longest known last part of at least six letters; the whole word if none is known."""
        for cut in range(1, len(word) - 5):
            if self._known(word[cut:]):
                return word[:cut]
        return word

    def _known(self, part: str) -> bool:
        if part in self._part_words:
            return True
        if len(part) < 4:
            return False
        # A stem begins as its word does, so most of what a compound is cut into need not be stemmed.
        starts = self._part_starts
        if part[:4] in starts or part[:3] in starts or part[:2] in starts or part in _IRREGULAR:
            return self.stem(part) in self._part_stems
        return False

    def _head(self, head: str) -> str | None:
        """Return the word that a first part stands for: läkemedels- is läkemedel, skol- skola, gatu- gata."""
        candidates = [head]
        if head[-1] == "s":
            candidates.insert(0, head[:-1])
        elif head[-1] in "uoe":
            candidates.append(head[:-1] + "a")
        for candidate in candidates:
            if len(candidate) >= 3 and self._known(candidate):
                return candidate
        return None


class Speller:
    """Put misspelt words right, where a word that is known is a letter or two away.

    Parameters
    ----------
    words : iterable of str, or mapping of str to int
        All words of labels and sayings, each as often as it occurs, or with how often: of two as near the commoner is taken.

    Examples
    --------
    >>> speller = Speller(["undersköterska", "undersköterska", "anhöriga"])
    >>> speller.correct("undersköterksa"), speller.correct("anhoriga"), speller.correct("rallare")
    ('undersköterska', 'anhöriga', 'rallare')
    """

    def __init__(self, words: Iterable[str] | Mapping[str, int]) -> None:
        self._count = Counter(words)
        self._by_length: dict[int, list[str]] = {}
        self._by_fold: dict[str, str] = {}
        for word in sorted(self._count):
            if len(word) >= 5:
                self._by_length.setdefault(len(word), []).append(word)
            folded = fold(word)
            if folded not in self._by_fold or self._count[word] > self._count[self._by_fold[folded]]:
                self._by_fold[folded] = word
        self._memory: dict[str, str] = {}
        self._spoken: dict[str, str] = {}

    @property
    def counts(self) -> Mapping[str, int]:
        """How often each word occurs, which is all that another Speller of them needs."""
        return self._count

    def spoken(self, word: str) -> str:
        """Return a word of a statement as it is compared; see :func:`spoken_words`."""
        found = self._spoken.get(word)
        if found is None:
            found = _neutral(self.correct(_SAME_PERSON.get(word, word)))
            if len(self._spoken) < 100_000:
                self._spoken[word] = found
        return found

    def correct(self, word: str) -> str:
        """Return the known word nearest to ``word``: dots and rings apart, one slip, two from ten letters on; else itself."""
        if len(word) < 5 or word in self._count:
            return word
        found = self._memory.get(word)
        if found is None:
            found = self._by_fold.get(fold(word)) or self._nearest(word)
            if len(self._memory) < 100_000:
                self._memory[word] = found
        return found

    def _nearest(self, word: str) -> str:
        from rapidfuzz import process
        from rapidfuzz.distance import OSA

        allowed = 1 if len(word) < 10 else 2
        near = [w for n in range(len(word) - allowed, len(word) + allowed + 1) for w in self._by_length.get(n, ())]
        hits = process.extract(word, near, scorer=OSA.distance, score_cutoff=allowed, limit=None)
        # The first letter is nearly always right.
        return min(hits, key=lambda h: (h[1], h[0][0] != word[0], -self._count[h[0]], h[0]))[0] if hits else word


# Whoever is spoken of, the competence is the same.
_SAME_PERSON = {
    "han": "hon",
    "hen": "hon",
    "honom": "henne",
    "hans": "hennes",
    "hens": "hennes",
    "he": "she",
    "him": "her",
    "his": "her",
}


def spoken_words(words: Iterable[str], speller: Speller | None = None) -> tuple[str, ...]:
    """Return the words of a statement as they are compared: spelling mended, feminine and masculine forms alike.

    Examples
    --------
    >>> spoken_words(["jag", "hjälper", "honom", "som", "sjuksköterska"]) == spoken_words(
    ...     ["jag", "hjälper", "henne", "som", "sjukskötare"]
    ... )
    True
    """
    return tuple(map(speller.spoken, words)) if speller else tuple(_neutral(_SAME_PERSON.get(w, w)) for w in words)


def content_words(words: Iterable[str]) -> list[str]:
    """Return the words that are not stop words; particles too when only one word is left, all when none is.

    Examples
    --------
    >>> content_words(["ge", "läkemedel", "till", "barn"]), content_words(["följa", "med", "ut"])
    (['ge', 'läkemedel', 'barn'], ['följa', 'med', 'ut'])
    """
    words = list(words)
    kept = [w for w in words if w not in STOP]
    if len(kept) == 1:
        kept = [w for w in words if w not in STOP or w in _PARTICLES]
    return kept or words


# What an employer writes beside a title, which says nothing of the role.
_TITLE_NOISE = frozenset(
    "vik vikarie vikarierande tim timvikarie timavlönad timanställd tf tillf tillfällig tillsvidare natt dag kväll helg "
    "leg legitimerad i ii iii iv 1e 2e e åk årskurs hel deltid heltid vakans anst anställd kommunal kommun".split()
)
_TITLE_SHORT = {
    "pers": "personlig",
    "bitr": "biträdande",
    "ass": "assistent",
    "adm": "administrativ",
    "handl": "handläggare",
    "sekr": "sekreterare",
    "ek": "ekonomi",
    "samordn": "samordnare",
    "vaktm": "vaktmästare",
    "usk": "undersköterska",
    "ssk": "sjuksköterska",
}
# Feminine, masculine and neutral endings meet in one; applied to labels and titles alike, so none is the norm.
_TITLE_ENDINGS = (
    ("kvinna", "man"),
    ("sköterska", "skötare"),
    ("skötarinna", "skötare"),
    ("kokerska", "kock"),
    ("ettriska", "ettör"),
    ("ftriska", "ftör"),
    ("fröken", "lärare"),
    ("magister", "lärare"),
    ("arinna", "are"),
    ("erinna", "are"),
    ("inna", "e"),
    ("erska", "are"),
    ("personal", "man"),
    ("person", "man"),
)


def title_tokens(words: Iterable[str]) -> list[str]:
    """Return the words of a job title without noise, feminine and masculine forms alike.

    All words are kept when every one of them is noise.

    Examples
    --------
    >>> title_tokens(["leg", "sjuksköterska"]) == title_tokens(["sjukskötare"])
    True
    >>> title_tokens(["städerska"]) == title_tokens(["städare"])
    True
    """
    return [word for _, word in title_places(list(words))]


def title_places(words: Sequence[str]) -> list[tuple[int, str]]:
    """Return the words of :func:`title_tokens`, each with its place among ``words``."""
    kept = [(i, w) for i, w in enumerate(words) if w not in _TITLE_NOISE]
    # "t.f." is noise, the F of "F-3" is not; a last lone figure is a grade ("Handläggare 2"), "7-9" is what is taught.
    kept = [(i, w) for i, w in kept if not (w in "tf" and ("t" in words and "f" in words))]
    if len(kept) > 1 and kept[-1][1].isdigit() and len(kept[-2][1]) > 1:
        kept.pop()
    kept = kept or list(enumerate(words))
    return [(i, _neutral(_TITLE_SHORT.get(w, w))) for i, w in kept]


_ENDINGS = tuple(ending for ending, _ in _TITLE_ENDINGS)


def _neutral(word: str) -> str:
    if not word.endswith(_ENDINGS):
        return word
    for ending, instead in _TITLE_ENDINGS:
        # Two letters before the ending: "kvinna" and "person" alone are no titles.
        if word.endswith(ending) and len(word) >= len(ending) + 2:
            return word[: -len(ending)] + instead
    return word
