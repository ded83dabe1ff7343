"""Settings: every one documented, every fault named with its file and key."""

import tomllib
from dataclasses import fields
from pathlib import Path

import pytest
from click.testing import CliRunner

from abstractor.cli.main import cli
from abstractor.cli.review import _settings
from abstractor.model.errors import InputError
from abstractor.review.clipboard import write_copied
from abstractor.review.config import ReviewConfig, config_of, default_settings, read_config, settings_table
from abstractor.tui.actions import ACTIONS, Keymap
from abstractor.tui.listing import keys_text, keys_toml

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "review.md"


@pytest.fixture
def written(tmp_path):
    def write(text: str) -> Path:
        path = tmp_path / "review.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("dwel_ms = 100", "unknown setting 'dwel_ms'; did you mean 'dwell_ms'?"),
        ("dwell_ms = 5000", "dwell_ms is 5000; write 0 to 1000"),
        ("dwell_ms = '100'", "dwell_ms is '100'; write a value like 250"),
        ("low_confidence = nan", "low_confidence is nan; write 0 to 1"),
        ("bulk_accept = 1", "bulk_accept is 1; write a value like true"),
        ("claim_count = 0", "claim_count is 0; write 1 to 200"),
        ("lease_minutes = true", "lease_minutes is True"),
        ("theme = 'pink'", "theme is 'pink'; write one of auto, dark, light, high-contrast, mono"),
        ("clipboard = 'xclip'", "write one of off, osc52, file"),
        ("first = 'stage'", "write a list of texts"),
        ("[keys]\nacept = 'y'", "did you mean 'accept'?"),
        ("[keys]\naccept = 'r'", "'r' is both 'accept' and 'reject' on review"),
        ("dwell_ms =", "can't be read as TOML"),
    ],
)
def test_a_fault_names_the_file_the_key_and_what_to_write(written, line, told):
    path = written(line)
    with pytest.raises(InputError) as fault:
        _settings(path)
    assert str(fault.value).startswith(f"{path}: ")
    assert told in str(fault.value)


def test_all_faults_are_told_at_once(written):
    with pytest.raises(InputError, match=r"dwell_ms is 5000.*unknown setting 'colour'.*theme is 'pink'"):
        read_config(written("dwell_ms = 5000\ncolour = 1\ntheme = 'pink'"))


def test_a_file_that_is_not_there_or_not_text_is_named(tmp_path):
    with pytest.raises(InputError, match=r"absent\.toml: can't be read"):
        read_config(tmp_path / "absent.toml")
    (tmp_path / "bytes.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(InputError, match=r"bytes\.toml: can't be read as TOML"):
        read_config(tmp_path / "bytes.toml")


def test_a_byte_order_mark_is_no_fault(tmp_path):
    (tmp_path / "windows.toml").write_text("\ufeffdwell_ms = 100\r\n", encoding="utf-8")
    assert read_config(tmp_path / "windows.toml").dwell_ms == 100


def test_the_file_of_defaults_says_nothing_new_and_names_every_setting_and_action():
    text = f"{default_settings()}\n{keys_toml()}"
    assert config_of(tomllib.loads(text)) == ReviewConfig()
    for one in fields(ReviewConfig):
        assert f"# {one.name} = " in text or one.name == "keys"
    for action in ACTIONS:
        assert f"# {action.id} = " in text


def test_every_line_of_the_file_of_defaults_can_be_used():
    settings = [line[2:] for line in default_settings().splitlines() if line.startswith("# ") and " = " in line]
    keys = [line[2:] for line in keys_toml().splitlines() if line.startswith("# ") and " = '" in line]
    names = {one.name for one in fields(ReviewConfig)}
    settings = [line for line in settings if line.split(" = ")[0] in names]
    config = config_of(tomllib.loads("\n".join([*settings, "[keys]", *keys])))
    assert Keymap(config.keys).keys == Keymap().keys
    assert config.dwell_ms == ReviewConfig().dwell_ms


def test_settings_are_documented():
    assert settings_table() in DOCUMENT.read_text(encoding="utf-8")


def test_keys_are_listed_with_what_a_person_has_changed():
    listed = keys_text(Keymap({"accept": "ctrl+y"}))
    assert "  ctrl+y             accept " in listed
    assert all(f" {action.id} " in listed for action in ACTIONS)


def test_keys_and_defaults_need_no_registry(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    listed = CliRunner().invoke(cli, ["review", "--keys", "--config", str(tmp_path / "none.toml")])
    assert listed.exit_code == 1
    assert "none.toml: can't be read" in listed.output
    done = CliRunner().invoke(cli, ["review", "--write-config", "--config", "mine.toml"])
    assert done.exit_code == 0
    assert read_config(tmp_path / "mine.toml") == ReviewConfig()
    again = CliRunner().invoke(cli, ["review", "--write-config", "--config", "mine.toml"])
    assert again.exit_code == 1
    assert "is there already" in again.output
    listed = CliRunner().invoke(cli, ["review", "--keys", "--config", "mine.toml"])
    assert "ctrl+q" in listed.output


def test_a_persons_own_settings_are_read_from_the_place_the_system_has_for_them(tmp_path, monkeypatch):
    monkeypatch.setattr("platformdirs.user_config_path", lambda *_names, **_more: tmp_path / "abstractor")
    assert _settings(None) == ReviewConfig()
    (tmp_path / "abstractor").mkdir()
    (tmp_path / "abstractor" / "review.toml").write_text("claim_count = 3\n")
    assert _settings(None).claim_count == 3


def test_fields_asked_first_come_first(registry, book):
    from abstractor.review.session import Session

    session = Session(registry, book, "TOUR-01", "ann", lambda: "2024-03-01T08:00:00.000+00:00")
    plain = [row.spec.name for row in session.rows]
    config = ReviewConfig(first=("ki67", "stage"))
    session = Session(registry, book, "TOUR-01", "ann", lambda: "2024-03-01T08:00:00.000+00:00", config)
    wanted = [row.spec.name for row in session.rows]
    assert wanted[0] == "ki67"
    assert all(name.startswith("stage") for name in wanted[1:5])
    assert sorted(wanted) == sorted(plain)


def test_copied_words_go_to_a_file_of_their_owner_to_the_letter(tmp_path):
    path = tmp_path / "run" / "copied.txt"
    write_copied("first", path)
    write_copied("a\r\nb\u2028c", path)
    assert path.read_bytes().decode() == "a\r\nb\u2028c"
    assert path.stat().st_mode & 0o077 == 0


async def test_copying_to_a_file_says_where(opened, tmp_path, monkeypatch):
    monkeypatch.setattr("abstractor.review.clipboard.user_runtime_path", lambda *_names, **_more: tmp_path)
    async with opened(clipboard="file") as hand:
        await hand.press("v", "y")
        assert "copied.txt" in hand.line()
    assert (tmp_path / "copied.txt").read_text() == "combined small cell carcinoma"
