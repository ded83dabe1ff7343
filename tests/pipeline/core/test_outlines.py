"""What is known of expressions is kept between runs; a file that can't be trusted is as good as none."""

import re
from pathlib import Path

import pytest

from abstractor.pipeline.literals import Outline, outline
from abstractor.pipeline.outlines import Outlines

EXPRESSION = r"\b(?:small|large)[ -]cell\b|\d+ Gy"


def never(expression: str, flags: int) -> Outline:
    raise AssertionError("worked out again")


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    path = tmp_path / "cache" / "outlines.json"
    outlines = Outlines(path)
    outlines.of(EXPRESSION, re.IGNORECASE, outline)
    outlines.keep()
    return path


def test_what_was_kept_is_not_worked_out_again(kept: Path) -> None:
    assert Outlines(kept).of(EXPRESSION, re.IGNORECASE, never) == outline(EXPRESSION, re.IGNORECASE)


def test_other_flags_are_another_expression(kept: Path) -> None:
    with pytest.raises(AssertionError):
        Outlines(kept).of(EXPRESSION, 0, never)


@pytest.mark.parametrize("spoil", [lambda text: text[:-40], lambda text: text.replace("small", "smell"), lambda _: ""])
def test_a_damaged_file_is_not_believed(kept: Path, spoil: object) -> None:
    kept.write_text(spoil(kept.read_text("utf-8")), "utf-8")  # type: ignore[operator]
    assert Outlines(kept).of(EXPRESSION, re.IGNORECASE, outline) == outline(EXPRESSION, re.IGNORECASE)


def test_only_the_owner_can_read_or_write_the_file(kept: Path) -> None:
    assert kept.stat().st_mode & 0o077 == 0


def test_a_place_that_cannot_be_written_costs_only_time(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("", "utf-8")
    outlines = Outlines(blocked / "outlines.json")
    assert outlines.of(EXPRESSION, 0, outline) == outline(EXPRESSION)
    outlines.keep()


def test_what_is_no_expression_is_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(re.error):
        Outlines(tmp_path / "x.json").of("(", 0, outline)
    with pytest.raises(re.error):
        Outlines(tmp_path / "x.json").of("(?<=a+)b", 0, outline)
