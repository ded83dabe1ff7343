from pathlib import Path

import pytest

from abstractor.model.errors import ProtocolError
from abstractor.outcomes.definitions import TITLES, endpoint_definitions
from abstractor.outcomes.patient import ENDPOINTS
from abstractor.outcomes.protocol import Protocol, load_protocol

RULES = Path(__file__).resolve().parents[2] / "rules"

SPECIFIED = {
    "time_zero": "line_1_start",
    "day_count": "end_minus_start",
    "month_days": 30.4375,
    "progression_basis": "clinician",
    "rwp_grace_days": 14,
    "visit_gap_days": 90,
    "death_window_days": 30,
    "confirm_response": "both",
    "sd_min_days": 42,
    "recist_gap_days": 98,
    "line_window_days": 28,
    "line_gap_days": 90,
    "platinum_free_cutoff": 90,
    "tnm_edition_rule": "diagnosis_date",
    "data_cutoff": None,
}


def written(folder: Path, text: str) -> Path:
    path = folder / "protocol.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_defaults_are_those_of_the_specification() -> None:
    settings = Protocol().model_dump()
    assert {name: settings[name] for name in SPECIFIED} == SPECIFIED


def test_the_file_in_rules_says_the_same_as_the_defaults() -> None:
    assert load_protocol(RULES / "protocol.toml") == load_protocol(None)


def test_the_file_in_rules_names_every_setting() -> None:
    text = (RULES / "protocol.toml").read_text(encoding="utf-8")
    assert [name for name in Protocol.model_fields if f"{name} =" not in text] == []


def test_a_limit_can_be_switched_off(tmp_path: Path) -> None:
    text = 'visit_gap_days = "none"\ndeath_window_days = "unlimited"\n'
    protocol = load_protocol(written(tmp_path, text))
    assert (protocol.visit_gap_days, protocol.death_window_days) == (None, None)


def test_settings_may_stand_under_a_heading(tmp_path: Path) -> None:
    assert load_protocol(written(tmp_path, "[protocol]\nsd_min_days = 35\n")).sd_min_days == 35


def test_all_faults_are_named_at_once_with_file_and_key(tmp_path: Path) -> None:
    path = written(tmp_path, 'grace = 3\nsd_min_days = -1\ntime_zero = "birth"\n')
    with pytest.raises(ProtocolError) as caught:
        load_protocol(path)
    message = str(caught.value)
    assert "protocol.toml" in message
    for part in ("grace: unknown setting", "rwp_grace_days", "sd_min_days = -1", "time_zero = 'birth'", "diagnosis"):
        assert part in message
    assert "\n" not in message


def test_a_file_that_is_no_toml_or_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ProtocolError, match="not TOML"):
        load_protocol(written(tmp_path, "a = = 1"))
    with pytest.raises(ProtocolError, match="can't be read"):
        load_protocol(tmp_path / "nowhere.toml")


def test_every_endpoint_has_a_title_and_a_definition() -> None:
    assert set(TITLES) == set(ENDPOINTS)
    assert set(endpoint_definitions(Protocol())) == set(ENDPOINTS)
