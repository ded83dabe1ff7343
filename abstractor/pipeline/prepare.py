"""Makes a copy of a note's text that is easier to read for rules, character for character. It never changes the length of a text."""

import unicodedata
from itertools import chain

_REPLACED = {
    **dict.fromkeys("\u2018\u2019\u201a\u201b\u2032\u02bc\u00b4`", "'"),
    **dict.fromkeys("\u201c\u201d\u201e\u201f\u2033\u00ab\u00bb", '"'),
    **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212\u00ad\ufe63\uff0d", "-"),
    **dict.fromkeys("\u2022\u2023\u25cf\u25cb\u25aa\u25ab\u25a0\u2043\u00b7\u25e6\u2219\uf0b7", "*"),
    **dict.fromkeys("\u2190\u2192\u2794\u21d2", ">"),
    **dict.fromkeys("\u2028\u2029\x0b\x0c\x85", "\n"),
    "\r": " ",
    "\u2265": ">",
    "\u2264": "<",
    "\u00d7": "x",
    "\u0130": "I",  # the one letter whose lower case is two characters long
    "\u2044": "/",
}


def _table() -> dict[int, str]:
    """Every code point that is replaced, to what stands in its place. The ranges are where Unicode keeps such characters."""
    table = {ord(old): new for old, new in _REPLACED.items()}
    for code in chain(range(0x3001), range(0xD800, 0xE000), range(0xFE00, 0x10000), range(0xE0000, 0xE0080)):
        kind = unicodedata.category(chr(code))
        if code in table or chr(code) in "\n\t":
            continue
        if kind in {"Zs", "Cc", "Cf"}:  # blanks of every width, control and invisible characters
            table[code] = " "
        elif kind == "Cs":  # lone surrogates, which no tokenizer takes
            table[code] = "\ufffd"
    return table


_CLEAN = _table()


def prepare(text: str) -> str:
    """Replaces odd blanks, quotes, dashes, bullets and control characters one for one; offsets stay."""
    return text.translate(_CLEAN)
