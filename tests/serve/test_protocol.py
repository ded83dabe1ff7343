"""What goes over the socket and over the pipe."""

import asyncio
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.drivers._byte_stream import ByteStream

from abstractor.serve.protocol import from_browser, packet, packets, says_exit


def received(data: bytes) -> list[tuple[str, bytes]]:
    """What Textual's own reader makes of it."""
    return [tuple(one) for one in ByteStream().feed(data)]


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_what_is_typed_arrives_as_typed(text):
    assert received(from_browser(json.dumps(["stdin", text]))) == [("D", text.encode())]


def test_a_size_arrives_within_what_a_terminal_can_be():
    for said, meant in (((142, 31), (142, 31)), ((0, -5), (2, 2)), ((10**9, 10**9), (1000, 1000))):
        [(kind, content)] = received(from_browser(json.dumps(["resize", {"width": said[0], "height": said[1]}])))
        assert kind == "M"
        assert json.loads(content) == {"type": "resize", "width": meant[0], "height": meant[1]}


def test_focus_is_passed_on_and_a_ping_is_not():
    assert received(from_browser('["focus"]')) == [("M", b'{"type": "focus"}')]
    assert received(from_browser('["blur"]')) == [("M", b'{"type": "blur"}')]
    assert from_browser('["ping", "1700000000000"]') == b""


@pytest.mark.parametrize(
    "said",
    [
        "",
        "{",
        "[]",
        "{}",
        "7",
        '["stdin"]',
        '["stdin", 7]',
        '["resize", {"width": "9"}]',
        '["quit"]',
        '["deliver_chunk_request", {"key": "x", "size": 9}]',
        '["stdin", "a", "b"]',
    ],
)
def test_what_the_page_never_says_is_refused(said):
    with pytest.raises(ValueError, match=r".*"):
        from_browser(said)


async def read(data: bytes) -> list[tuple[bytes, bytes]]:
    stream = asyncio.StreamReader()
    stream.feed_data(data)
    stream.feed_eof()
    return [one async for one in packets(stream)]


async def test_drawing_is_read_after_the_word_of_textual():
    said = b"a warning of some library\n__GANGLION__\n" + packet(b"D", b"\x1b[2J") + packet(b"M", b'{"type": "exit"}')
    assert await read(said) == [(b"D", b"\x1b[2J"), (b"M", b'{"type": "exit"}')]


async def test_a_program_that_says_something_else_has_nothing_to_show():
    assert await read(b"abstractor: no registry here\n") == []
    assert await read(b"") == []


async def test_reading_ends_where_packets_end_and_where_one_is_cut_off():
    whole = b"__GANGLION__\n" + packet(b"D", b"x")
    assert await read(whole + b"Traceback (most recent call last)") == [(b"D", b"x")]
    assert await read(whole + packet(b"D", b"cut off")[:-2]) == [(b"D", b"x")]


def test_only_exit_ends_a_session():
    assert says_exit(b"M", b'{"type": "exit"}')
    assert not says_exit(b"M", b'{"type": "open_url", "url": "http://evil.example"}')
    assert not says_exit(b"P", b"anything")
