"""What comes from data is shown and never obeyed; its offsets are never changed."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.style import Style

from abstractor.tui.safe import safe
from abstractor.tui.widgets.lines import Line
from abstractor.tui.wrap import cell_width, drawn, fit, wrap

ANY = st.text(st.characters(exclude_categories=()), max_size=120)


@given(ANY)
def test_nothing_that_a_terminal_would_obey_or_hide_is_left_and_no_offset_moves(text):
    shown = safe(text)
    assert len(shown) == len(text)
    assert not any(unicodedata.category(char) in {"Cc", "Cs", "Zl", "Zp"} for char in shown)
    assert not any(
        unicodedata.bidirectional(char) in {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
        for char in shown
    )
    shown.encode("utf-8")


@given(ANY)
def test_what_is_plain_stays_as_it_is(text):
    plain = "".join(char for char in text if " " <= char <= "~" or "\u00e0" <= char <= "\u00ff")
    assert safe(plain) == plain


@pytest.mark.parametrize(
    ("hostile", "shown"),
    [
        ("\x1b[2J", "\u241b[2J"),
        ("\x1b]52;c;AAAA\x07", "\u241b]52;c;AAAA\u2407"),
        ("\x9b31m", "\u242531m"),
        ("a\u202eb", "a\u2426b"),
        ("[/]", "[/]"),
        ("\x7f", "\u2421"),
    ],
)
def test_known_attacks_become_pictures(hostile, shown):
    assert safe(hostile) == shown


@given(ANY, st.integers(1, 60))
def test_wrapping_loses_and_moves_no_character(text, width):
    lines = wrap(text, width)
    assert lines.starts[0] == 0
    assert lines.ends[-1] == len(text)
    for start, end in zip(lines.starts, lines.ends, strict=True):
        assert start <= end
        assert "\n" not in text[start:end]
    between = [text[end:start] for end, start in zip(lines.ends, lines.starts[1:], strict=False)]
    assert set(between) <= {"", "\n"}
    assert between.count("\n") == text.count("\n")


@given(ANY, st.integers(4, 60))
def test_no_line_is_wider_than_the_screen_but_for_blanks_at_its_end(text, width):
    lines = wrap(text, width)
    for start, end in zip(lines.starts, lines.ends, strict=True):
        part = text[start:end]
        shown, column = drawn(part.rstrip(" "))
        assert cell_len(shown) == column
        assert column <= max(width, 8) or len(part) == 1


@given(ANY, st.integers(4, 60))
def test_every_offset_is_on_the_line_that_holds_it(text, width):
    lines = wrap(text, width)
    for offset in range(0, len(text), 7):
        line = lines.line_at(offset)
        assert lines.starts[line] <= offset
        assert line + 1 == len(lines) or offset < lines.starts[line + 1]


def test_lines_end_at_newlines_only():
    text = "one\x0ctwo\x0bthree\x85four\u2028five\rsix\r\nseven"
    lines = wrap(text, 80)
    assert len(lines) == 2
    assert text[lines.starts[1] :] == "seven"


def test_a_tab_runs_to_the_next_stop_and_a_carriage_return_takes_no_room():
    assert drawn("ab\tc") == ("ab      c", 9)
    assert drawn("ab\r") == ("ab", 2)
    assert cell_width("\t", 8) == 8


def test_wide_and_combining_characters_are_measured():
    assert drawn("漢字")[1] == 4
    assert drawn("e\u0301")[1] == 1
    assert len(wrap("漢字漢字", 4)) == 2


@given(ANY, st.integers(1, 40))
def test_a_column_has_exactly_its_width(text, width):
    assert cell_len(fit(text, width)) == width


@given(st.lists(ANY, max_size=4), st.integers(1, 80))
def test_a_drawn_line_reaches_exactly_to_the_right_edge(parts, width):
    strip = Line.of(*[(part, Style()) for part in parts]).strip(width, Style())
    assert sum(cell_len(segment.text) for segment in strip) == width
