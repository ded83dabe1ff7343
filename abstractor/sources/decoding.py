"""Bytes to text, explicitly: nothing is guessed, nothing is replaced, line ends stay as they are."""

import codecs

from abstractor.model.errors import InputError

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def decode(content: bytes, encoding: str | None) -> str:
    """Decodes a whole file or line.

    Args:
        content: the bytes.
        encoding: what the user says they are; None for UTF-8, or what a byte order mark says.

    Raises:
        InputError: naming the byte and the remedy, never the text. The caller adds the place.
    """
    chosen = encoding or marked(content) or "utf-8"
    try:
        text = content.decode(chosen)
    except LookupError:
        raise InputError(f"unknown encoding {chosen!r}; try utf-8, utf-16, cp1252 or latin-1") from None
    except UnicodeDecodeError as error:
        raise InputError(
            f"not {chosen.upper()} (byte 0x{content[error.start]:02x} at {error.start}); "
            "convert it, or say what it is with --encoding (often cp1252)"
        ) from None
    except UnicodeError:
        raise InputError(f"can't be read as {chosen}; try utf-8, utf-16, cp1252 or latin-1") from None
    if chosen == "utf-8" and encoding is None and len(content) >= 4 and content.count(0) * 4 > len(content):
        raise InputError("every other byte is NUL: binary, or UTF-16 without its mark; try --encoding utf-16-le")
    return text


def marked(content: bytes) -> str | None:
    """The encoding that a byte order mark at the beginning says; None without one."""
    return next((name for mark, name in _MARKS if content.startswith(mark)), None)


def looks_binary(content: bytes) -> bool:
    """Whether the first bytes are those of no text: many control bytes, and no byte order mark."""
    head = content[:4096]
    if marked(head):
        return False
    controls = sum(byte < 9 or 13 < byte < 32 for byte in head)
    return bool(head) and controls * 10 > len(head)
