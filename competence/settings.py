"""Every number that steers a result, in one frozen object with a text under each field.

Sections are read by the module of the same name. Settings come from JSON or TOML, are written back without loss and
are carried by every result, so that a result can be made again.
"""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, field_validator

from competence.errors import InputError, UnreadableFileError
from competence.model import Source

__all__ = [
    "EqualitySettings",
    "EvidenceSettings",
    "FitSettings",
    "GroupSettings",
    "InferenceSettings",
    "LinkingSettings",
    "OrganisationSettings",
    "Settings",
    "SuggestSettings",
    "TransitionSettings",
]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


def _weights(values: dict[str, float]) -> dict[str, float]:
    if any(v < 0 for v in values.values()) or abs(sum(values.values()) - 1) > 1e-9:
        raise ValueError(f"weights must be at least 0 and sum to 1; got a sum of {sum(values.values()):.6g}")
    return values


class LinkingSettings(_Section):
    """How words become concepts."""

    cutoff: float = Field(default=0.5, ge=0, le=1, description="Lowest probability at which a link gives evidence.")
    title_cutoff: float = Field(default=0.8, ge=0, le=1, description="Lowest probability at which a title is taken for a role.")
    alternatives: int = Field(default=5, ge=1, le=20, description="How many nearest concepts are kept for words not understood.")


class EvidenceSettings(_Section):
    """How evidence becomes a holding (DESIGN section 3)."""

    sigma: dict[Source, float] = Field(
        default={
            Source.SELF: 1.2,
            Source.COLLEAGUE: 1.0,
            Source.MANAGER: 0.9,
            Source.COURSE: 0.9,
            Source.WORK_SAMPLE: 0.6,
            Source.OBSERVATION: 0.6,
            Source.SIMULATION: 0.6,
            Source.CERTIFICATE: 0.5,
            Source.ASSESSMENT: 0.4,
            Source.ROLE_HISTORY: 1.3,
        },
        description="Standard error of one piece of evidence, in levels, per source.",
    )
    prior_sigma: float = Field(default=1.5, gt=0, description="Standard error, in levels, of knowing nothing.")
    assumed_level: int = Field(default=2, ge=1, le=5, description="Level counted when none was stated.")
    assumed_sigma: float = Field(default=1.5, gt=0, description="Standard error, in levels, of an assumed level.")
    reconfirm_below: float = Field(default=0.15, ge=0, lt=1, description="Confidence under which a holding covers nothing.")

    @field_validator("sigma")
    @classmethod
    def _check_sigma(cls, value: dict[Source, float]) -> dict[Source, float]:
        missing = [s.value for s in Source if s not in value]
        if missing or any(not sigma > 0 for sigma in value.values()):
            raise ValueError(f"sigma must give every source a standard error above 0; missing: {', '.join(missing) or 'none'}")
        return value


class FitSettings(_Section):
    """How a person is measured against a need (DESIGN section 6)."""

    cutoff: float = Field(default=0.5, ge=0, le=1, description="Lowest fit at which growth counts.")
    growth_cap: int = Field(default=2, ge=1, le=4, description="Levels of gap that count as growth, at most.")
    related_credit: float = Field(default=0.5, ge=0, le=1, description="Share of coverage a related or narrower concept gives.")


class InferenceSettings(_Section):
    """How hidden competence is proposed (DESIGN section 4.2)."""

    ridge: float = Field(default=10.0, gt=0, description="Regularisation of the item-item model.")
    optional: float = Field(default=0.65, gt=0, le=1, description="Weight of an optional requirement beside an essential one.")
    neighbour_weight: float = Field(
        default=0.05, ge=0, description="Weight of neighbours among roles beside the item-item model."
    )
    label_weight: float = Field(default=0.02, ge=0, description="Weight of label similarity beside the item-item model.")
    role_weight: float = Field(
        default=0.25, ge=0, le=1, description="Weight of what a role held asks for but nobody has stated, beside 1 for a holding."
    )
    probable: float = Field(default=0.5, ge=0, le=1, description="Probability from which a proposal is called probable.")
    cutoff: float = Field(default=0.3, ge=0, le=1, description="Lowest probability at which a question is proposed.")
    most: int = Field(default=10, ge=1, le=50, description="Questions per person, at most.")
    least_known: int = Field(
        default=3, ge=1, description="Fewest known competences and roles of a person, together, from which anything is proposed."
    )
    least_roles: int = Field(default=3, ge=2, description="Fewest roles with requirements that the model is learnt from.")
    simulated: int = Field(default=400, ge=50, description="Made-up people that each probability curve is fitted on.")
    least_answers: int = Field(
        default=200, ge=50, description="Fewest answers to questions from which a recalibration is made; nothing is learnt below."
    )
    never: tuple[str, ...] = Field(
        default=(
            *("accountant-abroad", "doctor-abroad", "engineer-abroad", "lawyer-abroad", "military-service-abroad"),
            *("nurse-abroad", "pharmacist-abroad", "police-abroad", "social-worker-abroad", "teacher-abroad"),
        ),
        description="Concepts that nobody is asked about and nothing is guessed from, beside languages and licences: "
        "they would hint at where somebody comes from.",
    )
    prior_answers: float = Field(
        default=100.0, ge=0, description="How many answers the earlier curve counts as in a recalibration."
    )


class EqualitySettings(_Section):
    """How figures by sex are made and hidden (DESIGN section 8)."""

    smallest_cell: int = Field(default=3, ge=1, le=10, description="Head counts under this are hidden in published tables.")
    smallest_result: int = Field(default=7, ge=5, le=10, description="Results for fewer people than this are hidden.")
    band: tuple[float, float] = Field(default=(0.4, 0.6), description="Share of each sex that counts as even.")
    exposure: tuple[float, float] = Field(
        default=(0.8, 1.25), description="Ratio of shares suggested outside of which a figure is worth a closer look."
    )

    @field_validator("band")
    @classmethod
    def _check_band(cls, value: tuple[float, float]) -> tuple[float, float]:
        if not 0 <= value[0] <= value[1] <= 1:
            raise ValueError(f"band must be two shares in [0, 1], low first; got {value}")
        return value

    @field_validator("exposure")
    @classmethod
    def _check_exposure(cls, value: tuple[float, float]) -> tuple[float, float]:
        if not 0 < value[0] <= 1 <= value[1]:
            raise ValueError(f"exposure must be two ratios, one above 0 and at most 1, one at least 1; got {value}")
        return value


class GroupSettings(_Section):
    """What a group holds together, and what it holds unused (DESIGN section 4)."""

    common: int = Field(
        default=2, ge=2, description="Holders that a competence no role of theirs asks for must have to be unused in common."
    )
    places: int = Field(default=5, ge=1, description="Places listed per unused competence where it would be wanted, at most.")


class OrganisationSettings(_Section):
    """How the organisation's map is drawn (DESIGN section 7, map measures)."""

    minimum: int = Field(default=1, ge=1, description="Holders a unit needs of what its roles ask, where no post says more.")
    neighbours: int = Field(default=10, ge=1, le=100, description="Strongest links per unit that centrality is measured over.")
    sampled_units: int = Field(default=500, ge=10, description="Units from which shortest paths are counted, at most.")
    circle_level: int = Field(default=3, ge=1, le=5, description="Level from which a member brings something to a circle.")


class SuggestSettings(_Section):
    """Weights of the measures behind each suggestion, and limits; the weights of one kind sum to 1."""

    experts: dict[str, float] = Field(
        default={
            "coverage": 0.4,
            "surplus": 0.1,
            "confidence": 0.15,
            "freshness": 0.1,
            "related": 0.1,
            "willingness": 0.1,
            "load": 0.05,
        },
        description="Weights of the measures of an expert.",
    )
    pairs: dict[str, float] = Field(
        default={"topic_gain": 0.5, "mentor_confidence": 0.2, "teaching": 0.15, "other_unit": 0.1, "load": 0.05},
        description="Weights of the measures of a mentoring pair.",
    )
    buddies: dict[str, float] = Field(
        default={"nearby": 0.5, "time_in_role": 0.3, "load": 0.2},
        description="Weights of the measures of a new employee and a buddy.",
    )
    circles: dict[str, float] = Field(
        default={"brings": 0.5, "seeks": 0.5},
        description="Weights of what the members of a mentoring circle bring and seek.",
    )
    co_leaders: dict[str, float] = Field(
        default={"coverage": 0.7, "complement": 0.3},
        description="Weights of what two co-leaders cover together and of how evenly they complement each other.",
    )
    rotation: dict[str, float] = Field(
        default={"fit": 0.35, "growth": 0.35, "interest": 0.2, "new_unit": 0.1},
        description="Weights of the measures of one move.",
    )
    validations: dict[str, float] = Field(
        default={"required_now": 0.35, "single_holder": 0.25, "within_reach": 0.2, "safety": 0.1, "weak_proof": 0.1},
        description="Weights of the measures of a claim worth validating.",
    )
    mentor_capacity: int = Field(default=1, ge=0, description="Mentees per mentor where neither file nor call says.")
    mentor_load: int = Field(default=2, ge=1, description="Mentees at the same time from which a mentor's load is told of.")
    mentors_at_once: int = Field(default=1, ge=1, description="Mentors that a mentee can have at the same time.")
    pair_months: float = Field(
        default=12.0, ge=0, description="Months that an accepted pair counts as running where the history does not say."
    )
    buddy_months: float = Field(default=6.0, gt=0, description="Months from the first day in which an employee counts as new.")
    level_gap: tuple[int, int] = Field(default=(1, 3), description="Least and most lead of a mentor, in levels.")
    alternatives: int = Field(default=3, ge=0, le=10, description="Alternatives listed beside each pair.")
    expert_cutoff: float = Field(default=0.1, ge=0, le=1, description="Lowest score of an expert that is shown.")
    expert_margin: float = Field(
        default=0.02, ge=0, le=0.2, description="Difference in score within which experts are nearly equal and are spread."
    )
    expert_sure: float = Field(
        default=0.9, ge=0, le=1, description="Probability of a meaning from which the words' other meanings are not searched for."
    )
    expert_guess: float = Field(
        default=0.1, gt=0, le=1, description="Probability of the likeliest meaning from which words are searched for at all."
    )
    expert_other: float = Field(
        default=0.02, gt=0, le=1, description="Lowest probability of another meaning that is searched for where none is sure."
    )
    expert_most_mentees: int = Field(default=3, ge=1, description="Running mentees from which an expert is not asked as well.")
    expert_asked_days: int = Field(default=90, ge=1, le=366, description="Days back in which requests to an expert are counted.")
    expert_most_asked: int = Field(default=6, ge=1, description="Requests in those days from which an expert is not asked more.")
    expert_rest_days: int = Field(default=7, ge=0, le=90, description="Days of rest after a request to an expert; 0: none.")
    pair_cutoff: float = Field(default=0.1, ge=0, le=1, description="Lowest score of a mentoring pair.")
    topics: int = Field(default=5, ge=1, le=20, description="Topics per mentee taken from gaps when no interest is stated.")
    choices: int = Field(default=30, ge=1, description="Posts considered per person in a rotation, the best ones.")
    share_tolerance: float = Field(default=0.25, ge=0, le=1, description="Largest difference in share of full time in a move.")
    part_tolerance: float = Field(
        default=0.1, ge=0, le=1, description="Largest difference in share of full time where a part of a post changes hands."
    )
    cover: int = Field(default=1, ge=0, description="Holders of each safety-critical competence that a unit keeps in a rotation.")
    travel_minutes: float = Field(default=45.0, ge=0, description="Longest travel between sites in a rotation, in minutes.")
    moving_share: float = Field(
        default=0.2, gt=0, le=1, description="Share of a unit that moves at once where the unit does not say."
    )
    reach_cutoff: float = Field(default=0.6, ge=0, le=1, description="Fit from which another role is within reach.")

    @field_validator("experts", "pairs", "buddies", "circles", "co_leaders", "rotation", "validations")
    @classmethod
    def _check_weights(cls, value: dict[str, float], info: ValidationInfo) -> dict[str, float]:
        known = cls.model_fields[info.field_name or ""].default
        if set(value) != set(known):
            raise ValueError(f"weights must be given for {', '.join(known)}; got {', '.join(value)}")
        return _weights(value)

    @field_validator("level_gap")
    @classmethod
    def _check_gap(cls, value: tuple[int, int]) -> tuple[int, int]:
        if not 1 <= value[0] <= value[1] <= 5:
            raise ValueError(f"level_gap must be two whole numbers from 1 to 5, low first; got {value}")
        return value


class TransitionSettings(_Section):
    """How near a role is to another, or to a person."""

    likeness_cutoff: float = Field(
        default=0.25, gt=0, le=1, description="Likeness of two competences from which one counts towards the other; 1: never."
    )


class Settings(_Section):
    """All settings. ``Settings()`` gives the shipped ones; ``Settings.read(path)`` reads JSON or TOML.

    Examples
    --------
    >>> Settings().fit.cutoff
    0.5
    """

    linking: LinkingSettings = LinkingSettings()
    evidence: EvidenceSettings = EvidenceSettings()
    fit: FitSettings = FitSettings()
    inference: InferenceSettings = InferenceSettings()
    equality: EqualitySettings = EqualitySettings()
    group: GroupSettings = GroupSettings()
    organisation: OrganisationSettings = OrganisationSettings()
    suggest: SuggestSettings = SuggestSettings()
    transition: TransitionSettings = TransitionSettings()

    @classmethod
    def read(cls, path: str | Path) -> Self:
        """Read settings from a .json or .toml file.

        Raises
        ------
        InputError
            If the text is neither, a field is unknown or a value not allowed; the message names each.
        UnreadableFileError
            If the file cannot be opened.
        """
        path = Path(path)
        try:
            raw = path.read_text(encoding="utf-8")
        except OSError as error:
            raise UnreadableFileError(f"{path.name} cannot be opened: {error.strerror}") from error
        except UnicodeDecodeError as error:
            raise InputError(f"{path.name} must be UTF-8 text") from error
        try:
            data = tomllib.loads(raw) if path.suffix == ".toml" else json.loads(raw)
        except ValueError as error:
            raise InputError(f"{path.name} must be JSON, or TOML if its name ends in .toml: {error}") from error
        return cls.of(data)

    @classmethod
    def of(cls, data: dict[str, Any]) -> Self:
        """Build settings from nested dicts, with the same checks as :meth:`read`."""
        try:
            return cls.model_validate(data)
        except ValidationError as error:
            faults = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
            raise InputError(f"settings not allowed: {faults}") from error

    def to_dict(self) -> dict[str, Any]:
        """Return the settings as plain JSON values; ``Settings.of`` gives them back."""
        return self.model_dump(mode="json")
