"""Settings: written and read without loss, and nothing odd let in."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pydantic import BaseModel, ValidationError

from competence.errors import InputError, UnreadableFileError
from competence.model import Source
from competence.settings import Settings


def test_settings_written_as_json_are_read_back_equal(tmp_path: Path) -> None:
    changed = Settings.of({"fit": {"cutoff": 0.4}, "suggest": {"level_gap": [1, 2]}, "evidence": {"prior_sigma": 2.0}})
    path = tmp_path / "settings.json"
    path.write_text(json.dumps(changed.to_dict()), encoding="utf-8")
    assert Settings.read(path) == changed
    assert changed != Settings()


def test_settings_are_read_from_toml(tmp_path: Path) -> None:
    path = tmp_path / "settings.toml"
    path.write_text("[fit]\ncutoff = 0.7\n", encoding="utf-8")
    assert Settings.read(path).fit.cutoff == 0.7


def test_the_shipped_values_are_those_of_the_design() -> None:
    shipped = Settings()
    assert shipped.evidence.sigma == {
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
    }
    assert (shipped.evidence.prior_sigma, shipped.evidence.assumed_level, shipped.evidence.assumed_sigma) == (1.5, 2, 1.5)
    assert shipped.evidence.reconfirm_below == 0.15
    assert shipped.suggest.level_gap == (1, 3)
    assert (shipped.equality.smallest_cell, shipped.equality.smallest_result, shipped.equality.band) == (3, 7, (0.4, 0.6))


@pytest.mark.parametrize(
    ("section", "values", "told"),
    [
        ("fit", {"cutof": 0.4}, "fit.cutof"),
        ("fit", {"cutoff": 1.1}, "fit.cutoff"),
        ("suggest", {"pairs": {"topic_gain": 1.0}}, "mentor_confidence"),
        ("suggest", {"rotation": {"fit": 0.5, "growth": 0.5, "interest": 0.5, "new_unit": 0.1}}, "sum to 1"),
        ("suggest", {"rotation": {"fit": 1.5, "growth": -0.5, "interest": 0.0, "new_unit": 0.0}}, "at least 0"),
        ("suggest", {"level_gap": [3, 1]}, "low first"),
        ("equality", {"band": [0.6, 0.4]}, "low first"),
        ("evidence", {"sigma": {"self": 1.0}}, "colleague"),
        ("evidence", {"sigma": {s.value: 0.0 for s in Source}}, "above 0"),
    ],
)
def test_a_value_that_is_not_allowed_is_refused_by_name(section: str, values: dict[str, object], told: str) -> None:
    with pytest.raises(InputError, match=told):
        Settings.of({section: values})


def test_all_faults_are_told_at_once() -> None:
    with pytest.raises(InputError, match=r"fit\.cutoff.*suggest\.choices"):
        Settings.of({"fit": {"cutoff": 3}, "suggest": {"choices": 0}})


def test_what_is_no_json_no_text_or_no_file_is_told_in_one_line(tmp_path: Path) -> None:
    broken = tmp_path / "settings.json"
    broken.write_text("{", encoding="utf-8")
    with pytest.raises(InputError, match="must be JSON"):
        Settings.read(broken)
    broken.write_bytes(b"\xff\xfe{")
    with pytest.raises(InputError, match="UTF-8"):
        Settings.read(broken)
    with pytest.raises(UnreadableFileError, match="cannot be opened"):
        Settings.read(tmp_path / "none.json")


def test_settings_cannot_be_changed_in_place() -> None:
    with pytest.raises(ValidationError):
        Settings().fit.cutoff = 0.1  # type: ignore[misc]


def test_every_field_has_a_text_that_says_what_it_does() -> None:
    for name, section in Settings.model_fields.items():
        kind = section.annotation
        assert isinstance(kind, type)
        assert issubclass(kind, BaseModel)
        for field_name, field in kind.model_fields.items():
            assert field.description, f"{name}.{field_name}"
