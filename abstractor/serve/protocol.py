"""What browser and program say to each other: JSON lists from textual-serve's script, packets to and from Textual's web driver.

A packet is a letter (`D` keys or drawing, `M` a message in JSON), four bytes of length, and so many bytes.
"""

import json
from asyncio import IncompleteReadError, StreamReader
from collections.abc import AsyncIterator

KEYS = DRAWING = b"D"
MESSAGE = b"M"

_START = b"__GANGLION__\n"
_SMALLEST, _LARGEST = 2, 1000
"""Columns or rows of a terminal."""


def packet(kind: bytes, payload: bytes) -> bytes:
    """One packet, as it goes over the pipe."""
    return kind + len(payload).to_bytes(4, "big") + payload


def message(kind: str, **content: int) -> bytes:
    """A packet that holds a message."""
    return packet(MESSAGE, json.dumps({"type": kind, **content}).encode())


def from_browser(text: str) -> bytes:
    """The packet for what a browser said; empty where it needs none.

    Raises:
        ValueError: it is not of this language.
    """
    match json.loads(text):
        case ["stdin", str(typed)]:
            return packet(KEYS, typed.encode("utf-8", "replace"))
        case ["resize", {"width": int(width), "height": int(height)}]:
            return message("resize", width=within(width), height=within(height))
        case ["focus" | "blur" as kind]:
            return message(kind)
        case ["ping", _]:
            return b""
    raise ValueError("not a message of the page")


def within(size: int) -> int:
    """A number of columns or rows that a terminal can have."""
    return min(max(size, _SMALLEST), _LARGEST)


async def packets(stream: StreamReader) -> AsyncIterator[tuple[bytes, bytes]]:
    """What the program draws and says, until it ends or speaks otherwise: (kind, payload)."""
    try:
        await stream.readuntil(_START)
        while (kind := await stream.readexactly(1)) in {b"D", b"M", b"P"}:
            size = int.from_bytes(await stream.readexactly(4), "big")
            yield kind, await stream.readexactly(size)
    except IncompleteReadError:
        return


def says_exit(kind: bytes, payload: bytes) -> bool:
    """Whether a packet is the program's last.

    Everything else it may say (open an address, send a file) has no place here and is passed over.
    """
    return kind == MESSAGE and json.loads(payload).get("type") == "exit"
