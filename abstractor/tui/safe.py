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

_MARK = "?"
"""Stands for all of them where a terminal has no glyphs but those of ASCII."""


class _Table(dict[int, str]):
    """What is drawn for a code point; for those not listed, the character itself if the terminal's charset has it."""

    def __init__(self, charset: str = "utf-8", *, pictures: bool = True) -> None:
        picture = (lambda mark: mark) if pictures else (lambda _mark: _MARK)
        super().__init__(
            {
                **{code: picture(chr(_CONTROL_PICTURES + code)) for code in range(0x20)},
                0x7F: picture(_DELETED),
                **dict.fromkeys(range(0x80, 0xA0), picture(_C1)),
                **dict.fromkeys(_INVISIBLE, picture(_HIDDEN)),
                # lone surrogates can't be written to a terminal at all
                **dict.fromkeys(range(0xD800, 0xE000), picture(_BROKEN)),
            }
        )
        self._charset = charset

    def __missing__(self, code: int) -> str:
        char = chr(code)
        if self._charset != "utf-8":
            char = char.encode(self._charset, "replace").decode(self._charset)
        self[code] = char
        return char


_table = _Table()


def use_charset(charset: str, *, pictures: bool = True) -> None:
    """Fits what `safe` gives to the terminal this process writes to; called once, before anything is drawn.

    Args:
        charset: a codec of one code point a character; what it lacks becomes a question mark.
        pictures: False where the terminal has no glyphs for control pictures.
    """
    global _table  # a process has one terminal
    _table = _Table(charset, pictures=pictures)


def safe(text: str) -> str:
    """The text with every character that a terminal would obey, hide or reorder by made visible; of the same length."""
    if text.isascii() and text.isprintable():
        return text
    return text.translate(_table)


def safe_lines(text: str) -> str:
    """The same for text of several lines, which stay lines."""
    return "\n".join(safe(line) for line in text.split("\n"))
