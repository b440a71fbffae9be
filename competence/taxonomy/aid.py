"""AID: the list an employer holds, and local titles led to roles by AID, SSYK, then words.

AID (arbetsidentifikation) classifies work tasks in Swedish municipalities and regions; its list is SKR's and is not bundled, nor
is any code made up here. This module reads the employer's own copy and decides which role a local title with codes belongs to
when that is certain. A title never decides an AID code; words that are not exactly a label are left to linking.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from types import MappingProxyType

from competence.errors import Problem, ProblemEffect, Problems
from competence.taxonomy.core import Taxonomy
from competence.taxonomy.local import Cells, Records, normalised, text_rows

__all__ = ["AidLabel", "AidList", "LocalTitle", "MappedBy", "TitleMapping", "map_titles", "read_aid"]

_CODE = re.compile(r"(\d{6})(?:[ -]?[ABCLMF])?", re.ASCII)
"""Six digits; a responsibility code (A, B, C, L, M, F) may follow, which says nothing of the label."""
_SSYK = re.compile(r"\d{4}", re.ASCII)
_HEADINGS: Mapping[str, str] = MappingProxyType(
    {
        **dict.fromkeys(("code", "aid", "aidkod", "aidcode", "kod", "etikettkod", "aidetikettkod"), "code"),
        **dict.fromkeys(("label", "etikett", "aidetikett", "benämning", "aidbenämning", "klartext", "namn", "name"), "label"),
        **dict.fromkeys(("ssyk", "ssykkod", "ssykcode", "ssyk2012", "ssyk4", "ssyk2012kod", "ssyk20124"), "ssyk"),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class AidLabel:
    """One AID etikett: six digits, its words, and the SSYK-2012 codes the employer's list gives for it, if any."""

    code: str
    label: str
    ssyk: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class AidList:
    """The AID list as the employer holds it; ``problems`` tells what of the file was set aside."""

    labels: tuple[AidLabel, ...] = ()
    problems: Problems = field(default_factory=Problems, compare=False)

    @cached_property
    def _by_code(self) -> Mapping[str, AidLabel]:
        return MappingProxyType({label.code: label for label in self.labels})

    def __len__(self) -> int:
        return len(self.labels)

    def __contains__(self, code: object) -> bool:
        return code in self._by_code

    def get(self, code: str) -> AidLabel | None:
        """Return the etikett with this code, or None: the list has none."""
        return self._by_code.get(code)


def read_aid(source: str | Path | Cells | Records | Iterable[Mapping[str, object]]) -> AidList:
    """Read an AID list: columns code, label and, where there is one, SSYK; :func:`competence.read_aid` opens workbooks too.

    Parameters
    ----------
    source : str, Path, Cells, DataFrame or rows
        Text with ``;``, ``,`` or tab (UTF-8, UTF-16 with a mark, cp1252), or rows already read from a workbook. Headings such as
        AID, AID-kod, Etikett, Benämning, SSYK; rows above the headings are passed over.

    Returns
    -------
    AidList
        In the order of the file. A code that is not six digits, a row without words and a code that stands again are set
        aside with a Problem each; SSYK that is not four digits is dropped from its row.

    Raises
    ------
    UnreadableFileError
        If it is no table of text, or has no code or label column.

    Examples
    --------
    >>> found = read_aid([{"AID": 207009, "Etikett": "Undersköterska", "SSYK": ""}, {"AID": "20700", "Etikett": "?"}])
    >>> found.get("207009").label, [p.code for p in found.problems]
    ('Undersköterska', ['aid_code'])
    """
    file, rows, problems = text_rows(source, _HEADINGS, ("code", "label"))
    found: dict[str, AidLabel] = {}
    for number, cells in rows:
        raw, label = cells.get("code", ""), cells.get("label", "")

        def told(code: str, column: str, value: str, effect: ProblemEffect, detail: str = "", number: int = number) -> None:
            problems.append(
                Problem(
                    code=code, table="aid", row=number, column=column, value=value, effect=effect, detail=detail or "–", file=file
                )
            )

        code = re.sub(r"\s", "", raw)
        if not (code.isascii() and code.isdigit() and len(code) == 6):
            told("aid_code", "code", raw, ProblemEffect.SET_ASIDE)
        elif not label:
            told("aid_label_missing", "label", raw, ProblemEffect.SET_ASIDE)
        elif code in found:
            told("aid_duplicate", "code", code, ProblemEffect.SET_ASIDE, detail=found[code].label)
        else:
            ssyk = []
            for part in re.split(r"[\s,;/]+", cells.get("ssyk", "")):
                if _SSYK.fullmatch(part):
                    ssyk.append(part)
                elif part:
                    told("aid_ssyk", "ssyk", part, ProblemEffect.CELL_DROPPED, detail=code)
            found[code] = AidLabel(code=code, label=label, ssyk=tuple(dict.fromkeys(ssyk)))
    return AidList(labels=tuple(found.values()), problems=Problems(problems))


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalTitle:
    """A title as the employer writes it, with the codes it stands with."""

    title: str
    aid: str = ""
    ssyk: str = ""


class MappedBy(StrEnum):
    """What led a title to its role, the surest first."""

    AID = "aid"
    """A role has the AID code."""
    AID_LABEL = "aid_label"
    """The AID list's words are a label of the role."""
    AID_SSYK = "aid_ssyk"
    """The AID list's SSYK is the role's."""
    SSYK = "ssyk"
    """The title's own SSYK is the role's."""
    WORDS = "words"
    """The title is a label of the role."""
    AMBIGUOUS = "ambiguous"
    """Several roles are as good; a person must choose."""
    WORDS_NEEDED = "words_needed"
    """Nothing certain: linking must read the words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TitleMapping:
    """Where a title leads: its role or None, by what, through which code or words, and the candidates when there are several.

    ``narrowed_by`` names what chose among several that the first had in common (``ssyk``, ``words``).
    """

    title: LocalTitle
    role_id: str | None
    by: MappedBy
    through: str = ""
    candidates: tuple[str, ...] = ()
    narrowed_by: tuple[str, ...] = ()


def map_titles(
    titles: Iterable[LocalTitle | str], taxonomy: Taxonomy, *, aid: AidList | None = None
) -> tuple[tuple[TitleMapping, ...], Problems]:
    """Lead local titles to roles: by AID, then by SSYK, then by exactly the same words.

    Parameters
    ----------
    titles : iterable of LocalTitle or str
        Titles, with codes where the file has them.
    taxonomy : Taxonomy
        Roles with labels, SSYK and, where verified, AID.
    aid : AidList, optional
        The employer's list. An AID code that no role has is looked up in it: its words, then its SSYK.

    Returns
    -------
    tuple of TitleMapping, Problems
        One per title, in the same order. The first step that names any role decides; where it names several, the later steps
        may choose among them, else the title is ``ambiguous`` with a Problem that names them. A code that is wrong or not in
        the list, and a title whose words are exactly those of another role than its code, are told.

    Notes
    -----
    Nothing is guessed: similar words are :mod:`competence.linking`'s. Cost O(roles + titles).

    Examples
    --------
    >>> from competence.model import Role
    >>> roles = [
    ...     Role(role_id="role-cook", labels={"sv": "kock"}, ssyk="5120"),
    ...     Role(role_id="role-clerk", labels={"sv": "kontorist"}),
    ... ]
    >>> found, problems = map_titles(["Kock", LocalTitle(title="Kökschef 2", ssyk="5120"), "Vikarie"], Taxonomy.of([], roles))
    >>> [(m.role_id, m.by.value) for m in found]
    [('role-cook', 'words'), ('role-cook', 'ssyk'), (None, 'words_needed')]
    """
    index = _Index(taxonomy)
    problems: list[Problem] = []
    found = []
    for number, given in enumerate(titles, 1):
        title = LocalTitle(title=given) if isinstance(given, str) else given
        found.append(_mapped(title, number, index, aid, problems))
    return tuple(found), Problems(problems)


class _Index:
    """Roles by code and by label, in the order of the taxonomy."""

    def __init__(self, taxonomy: Taxonomy) -> None:
        self.aid: dict[str, list[str]] = {}
        self.ssyk: dict[str, list[str]] = {}
        self.words: dict[str, list[str]] = {}
        for role_id, role in taxonomy.roles.items():
            for code in dict.fromkeys(role.aid):
                self.aid.setdefault(code, []).append(role_id)
            if role.ssyk:
                self.ssyk.setdefault(role.ssyk, []).append(role_id)
            labels = [*role.labels.values(), *(label for others in role.alternative_labels.values() for label in others)]
            for word in dict.fromkeys(map(normalised, labels)):
                self.words.setdefault(word, []).append(role_id)


def _mapped(title: LocalTitle, number: int, index: _Index, aid: AidList | None, problems: list[Problem]) -> TitleMapping:
    def told(code: str, column: str, value: str, detail: Sequence[str] = ()) -> None:
        problems.append(
            Problem(code=code, table="titles", row=number, column=column, value=value, detail=", ".join(detail) or "–")
        )

    # The codes as they are meant; what is wrong in them is told and not used.
    written = _CODE.fullmatch(title.aid.strip().upper())
    code = written.group(1) if written else ""
    if title.aid.strip() and not code:
        told("aid_code", "aid", title.aid)
    listed = aid.get(code) if aid is not None and code else None
    if code and aid is not None and listed is None:
        told("aid_not_listed", "aid", code)
    ssyk = title.ssyk.strip()
    if ssyk and not _SSYK.fullmatch(ssyk):
        told("aid_ssyk", "ssyk", ssyk, (title.title,))
        ssyk = ""

    worded = index.words.get(normalised(title.title), [])
    by_ssyk = index.ssyk.get(ssyk, []) if ssyk else []
    listed_ssyk = list(dict.fromkeys(r for s in (listed.ssyk if listed else ()) for r in index.ssyk.get(s, ())))
    steps: tuple[tuple[MappedBy, str, list[str]], ...] = (
        (MappedBy.AID, code, index.aid.get(code, [])),
        (MappedBy.AID_LABEL, listed.label if listed else "", index.words.get(normalised(listed.label), []) if listed else []),
        (MappedBy.AID_SSYK, " ".join(listed.ssyk) if listed else "", listed_ssyk),
        (MappedBy.SSYK, ssyk, by_ssyk),
        (MappedBy.WORDS, title.title, worded),
    )
    for by, through, candidates in steps:
        if not candidates:
            continue
        left, narrowed = candidates, []
        for name, others in (("ssyk", by_ssyk), ("words", worded)):
            fewer = [role for role in left if role in others]
            if len(left) > 1 and 0 < len(fewer) < len(left):
                left = fewer
                narrowed.append(name)
        if len(left) > 1:
            told("title_ambiguous", "title", title.title, left)
            return TitleMapping(
                title=title,
                role_id=None,
                by=MappedBy.AMBIGUOUS,
                through=through,
                candidates=tuple(left),
                narrowed_by=tuple(narrowed),
            )
        if worded and left[0] not in worded:
            told("title_codes_differ", "title", title.title, (left[0], *worded))
        return TitleMapping(
            title=title,
            role_id=left[0],
            by=by,
            through=through,
            candidates=tuple(candidates) if len(candidates) > 1 else (),
            narrowed_by=tuple(narrowed),
        )
    return TitleMapping(title=title, role_id=None, by=MappedBy.WORDS_NEEDED, through=title.title)
