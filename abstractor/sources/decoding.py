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
_HEAD = 4096
_WITHOUT_MARK = "every other byte is NUL: binary, or UTF-16 without its mark; try --encoding utf-16-le"


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
        raise InputError(_unknown(chosen)) from None
    except UnicodeDecodeError as error:
        raise InputError(undecodable(chosen, content[error.start], f"at {error.start}")) from None
    except UnicodeError:
        raise InputError(f"can't be read as {chosen}; try utf-8, utf-16, cp1252 or latin-1") from None
    if encoding is None and looks_wide(content):
        raise InputError(_WITHOUT_MARK)
    return text


def encoding_of(head: bytes, encoding: str | None) -> str:
    """The encoding of a file by its first bytes and by what the user says.

    Raises:
        InputError: there is no such encoding, or the bytes are UTF-16 without its mark.
    """
    chosen = encoding or marked(head) or "utf-8"
    try:
        codecs.lookup(chosen)
        "".encode(chosen)  # knows text; hex and rot13 are codecs too
    except (LookupError, UnicodeError):
        raise InputError(_unknown(chosen)) from None
    if encoding is None and looks_wide(head):
        raise InputError(_WITHOUT_MARK)
    return chosen


def undecodable(encoding: str, byte: int, where: str) -> str:
    """What to say of a byte that an encoding does not know."""
    return (
        f"not {encoding.upper()} (byte 0x{byte:02x} {where}); convert it, or say what it is with --encoding "
        f"(often {'latin-1' if encoding.lower() == 'cp1252' else 'cp1252'})"
    )


def _unknown(encoding: str) -> str:
    return f"unknown encoding {encoding!r}; try utf-8, utf-16, cp1252 or latin-1"


def marked(content: bytes) -> str | None:
    """The encoding that a byte order mark at the beginning says; None without one."""
    return next((name for mark, name in _MARKS if content.startswith(mark)), None)


def is_wide(encoding: str) -> bool:
    """Whether a line end takes more than one byte, so that lines can only be told once decoded."""
    return codecs.lookup(encoding).name.startswith(("utf-16", "utf-32"))


def looks_wide(content: bytes) -> bool:
    """Whether nearly every other of the first bytes is NUL, as in UTF-16 of Western text, and there is no byte order mark."""
    head = content[:_HEAD]
    if 0 not in head or len(head) < 4 or marked(head):
        return False
    fewer, more = sorted((head[::2].count(0), head[1::2].count(0)))
    return more * 3 > len(head) and fewer * 10 < len(head)


def looks_binary(content: bytes) -> bool:
    """Whether the first bytes are those of no text: many control bytes, and no byte order mark."""
    head = content[:_HEAD]
    if marked(head):
        return False
    controls = sum(byte < 9 or 13 < byte < 32 for byte in head)
    return bool(head) and controls * 10 > len(head)
