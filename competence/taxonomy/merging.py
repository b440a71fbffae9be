"""Several taxonomies as one, with their matches kept.

This module decides what happens where two speak of the same: of one id the first taxonomy's word holds and the others add to
it; two ids that are matched stay two, unless the caller folds them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from competence.errors import InputError, ProblemEffect
from competence.model import Concept, ConceptKind, Requirement, Role
from competence.taxonomy.core import MATCHES, Taxonomy
from competence.taxonomy.releases import Findings
from competence.taxonomy.tables import Parts, assemble

__all__ = ["joined_sayings", "merge"]


def merge(taxonomies: Sequence[Taxonomy], *, id: str | None = None, fold: Sequence[str] = ()) -> Taxonomy:
    """Make one taxonomy of several.

    Parameters
    ----------
    taxonomies : sequence of Taxonomy
        In order of precedence.
    id : str, optional
        Name of the whole; None joins the names by ``+``.
    fold : sequence of str
        Kinds of match (``exact_match`` ...) by which a concept or role of a later taxonomy becomes one with that of an
        earlier: its labels, requirements and relations go over to it, and its id stays as a match. None by default: both
        stay, and :meth:`Taxonomy.to_matches` leads from one to the other.

    Returns
    -------
    Taxonomy
        Every concept keeps the ``scheme`` it is from. ``problems`` tells where the same id differs, and relations set
        aside since they would close a circle.

    Raises
    ------
    InputError
        If there is nothing to merge, or a kind of match is not known.

    Notes
    -----
    Of one id in several, the first preferred label of each language holds and the others become alternatives; kind, months
    and flags are the first's; relations, matches and requirements are joined, the heavier requirement holding. Folding goes
    to the earliest, also in several steps. Cost O(concepts + relations + requirements).

    Examples
    --------
    >>> uri = "http://data.europa.eu/esco/skill/3f6ba5d0"
    >>> ours = Taxonomy.of([Concept(concept_id="finnish", labels={"sv": "finska"}, matches=(("exact_match", uri),))], id="ours")
    >>> esco = Taxonomy.of([Concept(concept_id=uri, labels={"en": "Finnish"})], id="esco")
    >>> len(merge([ours, esco]).concepts), merge([ours, esco], fold=["exact_match"]).concept("finnish").labels["en"]
    (2, 'Finnish')
    """
    if not taxonomies:
        raise InputError("taxonomies must hold at least one; got none")
    fold = (fold,) if isinstance(fold, str) else tuple(fold)
    if unknown := [kind for kind in fold if kind not in MATCHES]:
        raise InputError(f"fold must be among {', '.join(MATCHES)}; got {', '.join(map(repr, unknown))}")
    parts, findings = Parts(), Findings()
    into = _folds(taxonomies, fold)
    for taxonomy in taxonomies:
        for concept in taxonomy.concepts.values():
            _add_concept(concept, taxonomy.id, into, parts, findings)
        for role in taxonomy.roles.values():
            _add_role(role, taxonomy.id, into, parts, findings)
    for relations in (parts.broader, parts.related):
        for key, others in relations.items():
            # Two that became one were perhaps related to each other.
            others.pop(key, None)
    first = taxonomies[0]
    whole = assemble(
        Taxonomy,
        parts,
        findings,
        id=id or "+".join(dict.fromkeys(t.id for t in taxonomies)),
        format="",
        titles=first.titles if len(taxonomies) == 1 else _joined_titles(taxonomies),
        version=first.version if len(taxonomies) == 1 else "",
        licence="; ".join(dict.fromkeys(t.licence for t in taxonomies if t.licence)),
        sources=dict.fromkeys(source for t in taxonomies for source in (*_stated(t), *t.sources)),
    )
    spoken, asked = (joined_sayings([getattr(t, name) for t in taxonomies], into) for name in ("spoken", "asked"))
    return replace(whole, spoken=spoken, asked=asked)


def _stated(taxonomy: Taxonomy) -> tuple[str, ...]:
    """Return which taxonomy this is, its version and its licence, as a source."""
    return (
        " ".join(part for part in (taxonomy.id, taxonomy.version, f"({taxonomy.licence})" if taxonomy.licence else "") if part),
    )


def _joined_titles(taxonomies: Sequence[Taxonomy]) -> dict[str, str]:
    langs = dict.fromkeys(lang for t in taxonomies for lang in t.titles)
    return {lang: " + ".join(dict.fromkeys(t.titles.get(lang) or t.title for t in taxonomies)) for lang in langs}


def joined_sayings(
    sayings: Sequence[Mapping[str, Mapping[str, tuple[str, ...]]]], into: Mapping[str, str]
) -> dict[str, dict[str, tuple[str, ...]]]:
    """Join what is said of each concept, by language and concept id; of one saying in several the first one's concept holds."""
    joined: dict[str, dict[str, str]] = {}
    for by_language in sayings:
        for lang, by_id in by_language.items():
            for key, said in by_id.items():
                for saying in said:
                    joined.setdefault(lang, {}).setdefault(saying, into.get(key, key))
    found: dict[str, dict[str, tuple[str, ...]]] = {}
    for lang, concepts in joined.items():
        for saying, key in concepts.items():
            held = found.setdefault(lang, {})
            held[key] = (*held.get(key, ()), saying)
    return found


def _folds(taxonomies: Sequence[Taxonomy], kinds: Sequence[str]) -> dict[str, str]:
    """Return id -> the id it is folded into: along the matches, to the one met first."""
    place: dict[str, int] = {}
    groups: set[str] = set()
    for taxonomy in taxonomies:
        for key in (*taxonomy.concepts, *taxonomy.roles):
            place.setdefault(key, len(place))
        groups.update(key for key, concept in taxonomy.concepts.items() if concept.kind is ConceptKind.GROUP)
    into = {key: key for key in place}

    def root(key: str) -> str:
        while into[key] != key:
            into[key] = into[into[key]]
            key = into[key]
        return key

    for number, taxonomy in enumerate(taxonomies):
        elsewhere: dict[str, int] = {}
        for other, t in enumerate(taxonomies):
            if other != number:
                elsewhere |= dict.fromkeys((*t.concepts, *t.roles), other)
        for records in (taxonomy.concepts, taxonomy.roles):
            for key, record in records.items():
                for kind, uri in record.matches:
                    # Only across taxonomies: what one publisher keeps apart is not ours to join.
                    if kind in kinds and uri in elsewhere and uri not in records and not {key, uri} & groups:
                        if (key in taxonomy.roles) != (uri in taxonomies[elsewhere[uri]].roles):
                            continue
                        one, two = root(key), root(uri)
                        if one != two:
                            low, high = sorted((one, two), key=place.__getitem__)
                            into[high] = low
    return {key: root(key) for key in into if root(key) != key}


def _differs(findings: Findings, key: str, column: str, holds: str) -> None:
    findings.add("taxonomy_merged_differs", column=column, value=key, detail=holds, effect=ProblemEffect.NOTICE)


def _add_words(record: Concept | Role, own: str, key: str, parts: Parts, findings: Findings) -> None:
    for lang, label in record.labels.items():
        held = parts.labels.setdefault(key, {}).setdefault(lang, label)
        if held != label:
            parts.add_alternative(key, lang, label)
            if own == key:
                _differs(findings, key, f"label {lang}", held)
    for lang, labels in record.alternative_labels.items():
        for label in labels:
            parts.add_alternative(key, lang, label)


def _keep_id(own: str, key: str, matches: Sequence[tuple[str, str]], parts: Parts) -> None:
    """Keep the id of what was folded as a match, of the kind that it was matched by."""
    if own != key and not any(uri == own for _, uri in parts.matches.get(key, {})):
        # Where the way led over a third, no more than close is known.
        kind = next((kind for kind, uri in matches if uri == key), "close_match")
        parts.matches.setdefault(key, {})[(kind, own)] = None


def _add_concept(concept: Concept, scheme: str, into: dict[str, str], parts: Parts, findings: Findings) -> None:
    own = concept.concept_id
    key = into.get(own, own)
    if key in parts.roles:
        findings.add("taxonomy_id_duplicate", table="concepts", value=own)
        return
    if own == key and parts.kinds.get(key, concept.kind) is not concept.kind:
        _differs(findings, key, "kind", parts.kinds[key].value)
    parts.kinds.setdefault(key, concept.kind)
    parts.extra.setdefault(
        key,
        {
            "currency_months": concept.currency_months,
            "safety_critical": concept.safety_critical,
            "rarely_named": concept.rarely_named,
            "scheme": concept.scheme or scheme,
        },
    )
    _add_words(concept, own, key, parts, findings)
    for lang, text in concept.descriptions.items():
        parts.descriptions.setdefault(key, {}).setdefault(lang, text)
    if concept.notation:
        parts.notations.setdefault(key, concept.notation)
    for held, others in ((parts.broader, concept.broader), (parts.related, concept.related)):
        for other in others:
            held.setdefault(key, {})[into.get(other, other)] = None
    # A match with oneself says nothing; the id that was folded is named by the match that led here.
    for match in concept.matches:
        if match[1] != key:
            parts.matches.setdefault(key, {})[match] = None
    _keep_id(own, key, concept.matches, parts)


def _add_role(role: Role, scheme: str, into: dict[str, str], parts: Parts, findings: Findings) -> None:
    own = role.role_id
    key = into.get(own, own)
    if key in parts.kinds:
        findings.add("taxonomy_id_duplicate", table="roles", value=own)
        return
    codes = parts.roles.setdefault(key, {})
    for name, value in (("sector", role.sector), ("ssyk", role.ssyk), ("isco", role.isco), ("aid", " ".join(role.aid))):
        if value and codes.setdefault(name, value) != value and own == key:
            _differs(findings, key, name, codes[name])
    parts.extra.setdefault(key, {"scheme": role.scheme or scheme})
    _add_words(role, own, key, parts, findings)
    for lang, text in role.descriptions.items():
        parts.descriptions.setdefault(key, {}).setdefault(lang, text)
    for match in role.matches:
        if match[1] != key:
            parts.matches.setdefault(key, {})[match] = None
    _keep_id(own, key, role.matches, parts)
    held: dict[str, Requirement] = parts.requirements.setdefault(key, {})
    for need in role.requirements:
        concept = into.get(need.concept_id, need.concept_id)
        new = need if concept == need.concept_id else _moved(need, concept)
        # Law is kept before weight: a heavier wish must not take the place of a hard requirement.
        held[concept] = max(held[concept], new, key=lambda r: (r.hard, r.weight)) if concept in held else new


def _moved(need: Requirement, concept_id: str) -> Requirement:
    return Requirement(
        concept_id=concept_id,
        level=need.level,
        importance=need.importance,
        weight=need.weight,
        hard=need.hard,
        source=need.source,
    )
