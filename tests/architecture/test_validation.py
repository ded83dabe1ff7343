"""The validation pack names tests that are there."""

import re
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
NAMED = sorted(set(re.findall(r"`(tests/[^`]+)`", (PROJECT / "docs" / "validation.md").read_text(encoding="utf-8"))))


@pytest.mark.parametrize("named", NAMED)
def test_what_the_validation_pack_names_is_there(named: str) -> None:
    file, _, test = named.partition("::")
    assert (PROJECT / file).exists()
    if test:
        assert f"def {test}(" in (PROJECT / file).read_text(encoding="utf-8")


def test_the_pack_names_something() -> None:
    assert len(NAMED) > 20
