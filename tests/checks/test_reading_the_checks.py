"""`edits.toml`: a site changes limits, words and messages in it; what is wrong in it is named."""

from pathlib import Path

import pytest

from abstractor.checks.book import load_checks
from abstractor.model.errors import RulebookError
from abstractor.rulebook.load import default_rules

STANDARD = (default_rules() / "edits.toml").read_text(encoding="utf-8")


def rules(folder: Path, text: str) -> Path:
    (folder / "edits.toml").write_text(text, encoding="utf-8")
    return folder


def test_a_folder_without_the_file_takes_the_checks_of_the_program(tmp_path: Path) -> None:
    assert load_checks(tmp_path) == load_checks(default_rules())


def test_a_site_can_allow_ids_of_digits(tmp_path: Path) -> None:
    changed = STANDARD.replace("record_number = ['\\d{7,10}', ", "record_number = [")
    assert changed != STANDARD
    first = load_checks(rules(tmp_path, changed))[0]
    assert first.words["record_number"] == ("(?i)mrn[\\s:_#-]*\\d+",)


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ('id = "E14"', 'id = "F14"', "check 14"),
        ('id = "E14"', 'id = "E13"', "E13 comes twice"),
        (
            "limits = { youngest = 15, oldest = 110, unusual = 30 }",
            "limits = { oldest = 110 }",
            "E02: youngest is missing",
        ),
        ('never = "never smoked, but {pack_years} pack-years"', 'never = "{pack_years.x}"', "E03.never"),
        ('title = "Smoking"', 'titel = "Smoking"', "check 3"),
        ("severities = { unusual", "severities = { unusal", "no message"),
        ("'\\d{3}-\\d{2}-\\d{4}'", "'(\\d'", "no regular expression"),
        ("[[check]]", "[[chekc]]", "can't be read|nothing else"),
    ],
)
def test_a_fault_is_named(tmp_path: Path, before: str, after: str, told: str) -> None:
    changed = STANDARD.replace(before, after, 1)
    assert changed != STANDARD
    with pytest.raises(RulebookError, match=told):
        load_checks(rules(tmp_path, changed))
