"""The one sanitiser of the screen: whatever comes from notes, ids or people passes through `safe` before it is drawn.

It never changes the number of code points, so offsets into the text are offsets into what is shown.
"""

_CONTROL_PICTURES = 0x2400
_DELETED = "\N{SYMBOL FOR DELETE}"
_C1 = "\N{SYMBOL FOR DELETE FORM TWO}"
_HIDDEN = "\N{SYMBOL FOR SUBSTITUTE FORM TWO}"
_BROKEN = "\N{REPLACEMENT CHARACTER}"

_INVISIBLE = (
    0x00AD,  # soft hyphen: terminals disagree on its width
    0x061C,
    *range(0x200B, 0x2010),  # zero-width characters and direction marks
    *range(0x2028, 0x202F),  # line and paragraph separators, embeddings and overrides
    *range(0x2060, 0x2070),  # joiners, isolates
    *range(0xFE00, 0xFE10),  # variation selectors: terminals disagree on the width of what stands before
    0xFEFF,
    *range(0xFFF9, 0xFFFC),
    *range(0x1F1E6, 0x1F200),  # regional indicators: pairs make flags, of a width nobody agrees on
    *range(0x1F3FB, 0x1F400),  # skin tones join with what stands before
    *range(0xE0000, 0xE01F0),  # tags and more variation selectors
)

_TABLE: dict[int, str] = {
    **{code: chr(_CONTROL_PICTURES + code) for code in range(0x20)},
    0x7F: _DELETED,
    **dict.fromkeys(range(0x80, 0xA0), _C1),
    **dict.fromkeys(_INVISIBLE, _HIDDEN),
    **dict.fromkeys(range(0xD800, 0xE000), _BROKEN),  # lone surrogates can't be written to a terminal at all
}


def safe(text: str) -> str:
    """The text with every character that a terminal would obey, hide or reorder by made visible; of the same length."""
    if text.isascii() and text.isprintable():
        return text
    return text.translate(_TABLE)
