"""Wrapping by display width: every offset has a cell, no line is too wide, nothing is lost."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from abstractor.tui.wrap import cell_width, column_of, drawn, offset_at, wrap

LETTERS = "ab .\t\r\n\u00e9\u00df\u6f22\u5b57\uff21\U0001f9ec\u0301\u0308\u200d\ufe0f\u202e\x1b\x0b\x85\u2028\U0001f468\U0001f1e9\u0915\u094d"
texts = st.text(LETTERS, max_size=120) | st.text(max_size=60)
widths = st.integers(2, 30)


@given(texts, widths)
def test_the_lines_put_together_are_the_text(text, width):
    lines = wrap(text, width)
    together = ""
    for number, (start, end) in enumerate(zip(lines.starts, lines.ends, strict=True)):
        together += text[start:end]
        if number + 1 < len(lines) and lines.starts[number + 1] > end:
            together += text[end]
            assert text[end] == "\n"
    assert together == text


@given(texts, widths)
def test_no_line_is_wider_than_the_screen(text, width):
    """But for one blank at the edge, which is not seen."""
    lines = wrap(text, width)
    for start, end in zip(lines.starts, lines.ends, strict=True):
        shown, _ = drawn(text[start:end])
        assert cell_len(shown.rstrip(" ")) <= width


@given(texts, widths)
def test_what_is_drawn_is_as_wide_as_was_reckoned(text, width):
    lines = wrap(text, width)
    for start, end in zip(lines.starts, lines.ends, strict=True):
        shown, column = drawn(text[start:end])
        assert column == column_of(text, start, end) == cell_len(shown)


@given(texts, widths)
def test_every_offset_has_a_cell_and_the_cell_leads_back_to_it(text, width):
    lines = wrap(text, width)
    for offset in range(len(text)):
        line = lines.line_at(offset)
        start, end = lines.starts[line], lines.ends[line]
        column = column_of(text, start, offset)
        if offset == end:
            assert text[offset] == "\n"
        elif cell_width(text[offset], column) == 0:
            # drawn on the cell of the character before it, or on none
            assert start <= offset_at(text, start, end, max(0, column - 1)) <= end
        else:
            for cell in range(column, column + cell_width(text[offset], column)):
                assert offset_at(text, start, end, cell) == offset


@given(texts, st.text(LETTERS, max_size=20), widths)
def test_lines_end_at_newlines_and_nowhere_else(before, after, width):
    """Form feeds, carriage returns and Unicode's own separators end none: offsets of evidence were counted without them."""
    joined = wrap(f"{before}\n{after}", width)
    assert len(joined) == len(wrap(before, width)) + len(wrap(after, width))


@pytest.mark.parametrize(
    ("line", "width", "rows"),
    [
        ("WBC\t5.4\t10*9/L", 30, ["WBC     5.4     10*9/L"]),
        ("WBC\t5.4\t10*9/L", 18, ["WBC     5.4     ", "10*9/L"]),
        ("limited stage\r", 13, ["limited stage"]),
        ("limited stage\r", 7, ["limited ", "stage"]),
        ("\u6f22\u5b57\u6f22", 4, ["\u6f22\u5b57", "\u6f22"]),
        ("\u6f22\u5b57\u6f22", 5, ["\u6f22\u5b57", "\u6f22"]),
        ("cafe\u0301s", 5, ["cafe\u0301s"]),
        ("cafe\u0301s", 4, ["cafe\u0301", "s"]),
    ],
)
def test_tabs_returns_wide_and_combining_characters_are_drawn_as_wide_as_they_are(line, width, rows):
    lines = wrap(line, width)
    assert [drawn(line[start:end])[0] for start, end in zip(lines.starts, lines.ends, strict=True)] == rows
