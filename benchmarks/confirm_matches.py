"""Which matches of the municipal taxonomy the reference data of ESCO and JobTech confirm, and which a person should read.

    COMPETENCE_DATA=<folder> python benchmarks/confirm_matches.py [--kind exact_match]

The folder holds `esco-sv/skills_sv.csv.gz`, `esco-1.1.1-en/skills_en.csv.gz`, `jobtech/ssyk4_related_skills.csv.gz` and
`jobtech/concepts_2020.csv.gz`. Two lists are printed: matches whose id is not in the data, which are wrong or come from
another release, and matches whose labels share no word and no word stem with ours in either language, which may well
be right ("skotta tak" beside "Snöskottning") but that no machine can confirm. Then the counts. Without
COMPETENCE_DATA it says so and does nothing: the reference data is not part of this project.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

if __package__ in (None, ""):
    # Run as a file, so that one command is enough.
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.measure import print_table

MATCHES = ("exact_match", "close_match")
ESCO = "http://data.europa.eu/esco/skill/"
JOBTECH = ("jobtech:", "http://data.jobtechdev.se/taxonomy/concept/")
JOBTECH_TYPES = frozenset({"skill", "language", "driving-licence"})
STEM = 4
"""Letters of a common beginning that count as the same stem; Swedish compounds share no whole words."""
WORD = re.compile(r"[^\W\d_]{2,}")
COMMON = frozenset("and the for with from och att med för till som inom work använda hantera utföra".split())


def rows(path: Path) -> Iterator[dict[str, str]]:
    """Yield the rows of one table of the reference data."""
    with gzip.open(path, "rt", encoding="utf-8-sig", newline="") as file:
        for row in csv.DictReader(file):
            yield {key: value or "" for key, value in row.items() if key}


def reference(data: Path) -> dict[str, set[str]]:
    """Return every id of the reference data with its labels, Swedish and English; JobTech ids without a beginning."""
    found: dict[str, set[str]] = {}
    for row in rows(data / "esco-1.1.1-en" / "skills_en.csv.gz"):
        labels = (row["preferredLabel"], *row["altLabels"].splitlines())
        found.setdefault(row["conceptUri"], set()).update(label for label in labels if label.strip())
    for row in rows(data / "esco-sv" / "skills_sv.csv.gz"):
        found.setdefault(row["conceptUri"], set()).update((row["preferredLabel_sv"], row["preferredLabel_en"]))
    for row in rows(data / "jobtech" / "concepts_2020.csv.gz"):
        if row["type"] in JOBTECH_TYPES:
            found.setdefault(row["concept_id"], set()).add(row["label_sv"])
    for row in rows(data / "jobtech" / "ssyk4_related_skills.csv.gz"):
        found.setdefault(row["skill_id"], set()).add(row["skill_label_sv"])
    return found


def bare(uri: str) -> str:
    """Return the id as the reference data writes it."""
    for start in JOBTECH:
        if uri.startswith(start):
            return uri[len(start) :]
    return uri


def words(labels: Iterable[str]) -> set[str]:
    """Return the words of the labels, without those that say nothing about what is done."""
    return {word for label in labels for word in WORD.findall(label.casefold())} - COMMON


def share(ours: set[str], theirs: set[str]) -> bool:
    """Say whether two sets of words have a word, a beginning of one, or a part of a compound in common."""
    if ours & theirs:
        return True
    long_ours, long_theirs = ([w for w in found if len(w) >= STEM] for found in (ours, theirs))
    return any(
        a[:STEM] == b[:STEM] or (len(a) > STEM and a in b) or (len(b) > STEM and b in a) for a in long_ours for b in long_theirs
    )


def shown(labels: Iterable[str]) -> str:
    """Return a few labels as one cell, the shortest first."""
    return " / ".join(sorted(labels, key=lambda label: (len(label), label))[:2])


def confirm(known: Mapping[str, set[str]], kinds: Iterable[str]) -> None:
    """Print what the reference data does not confirm, and the counts."""
    from competence.taxonomy import Taxonomy

    kinds = frozenset(kinds)
    taxonomy = Taxonomy.bundled("municipal")
    absent: list[list[str]] = []
    apart: list[list[str]] = []
    counts: dict[tuple[str, str], int] = {}
    matched: dict[str, set[str]] = {"ESCO": set(), "JobTech": set()}
    for concept in taxonomy.competences:
        ours = words([*concept.labels.values(), *(label for found in concept.alternative_labels.values() for label in found)])
        for kind, uri in concept.matches:
            if kind not in kinds:
                continue
            scheme = "ESCO" if uri.startswith(ESCO) else "JobTech" if uri.startswith(JOBTECH) else "other"
            counts[scheme, kind] = counts.get((scheme, kind), 0) + 1
            matched.setdefault(scheme, set()).add(concept.concept_id)
            theirs = known.get(bare(uri))
            if theirs is None:
                absent.append([concept.concept_id, kind, uri])
            elif not share(ours, words(theirs)):
                apart.append([concept.concept_id, kind, shown(concept.labels.values()), shown(theirs)])
    print(f"Not in the reference data: {len(absent)}")
    if absent:
        print_table(["concept", "kind", "id"], absent)
    print(f"\nLabels that share nothing, to be read by a person: {len(apart)}")
    if apart:
        print_table(["concept", "kind", "ours", "theirs"], apart)
    print()
    print_table(["taxonomy", "kind", "rows"], [[scheme, kind, str(n)] for (scheme, kind), n in sorted(counts.items())])
    total = len(taxonomy.competences)
    for scheme, ids in matched.items():
        print(f"{scheme}: {len(ids)} of {total} concepts matched ({len(ids) / total:.0%})")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kind", choices=MATCHES, action="append", help="only these kinds of match (default: both)")
    given = parser.parse_args()
    data = os.environ.get("COMPETENCE_DATA", "")
    if not data:
        print("COMPETENCE_DATA is not set to the folder of the reference data; nothing was confirmed.")
        return
    confirm(reference(Path(data)), given.kind or MATCHES)


if __name__ == "__main__":
    main()
