"""In a real browser: the page shows the review, takes keys, asks nobody else for anything, and leaves nothing behind."""

import asyncio
import os
import signal
import struct
import zlib

import pytest

from abstractor.registry.decisions import decisions_of
from tests.serve.conftest import PATIENCE, gone, until

DRAWN = "document.body.classList.contains('-first-byte')"
CLOSED = "document.body.classList.contains('-closed')"


def colours(png: bytes) -> int:
    """How many byte values a picture has: an empty page has next to none."""
    at, data = 8, b""
    while at < len(png):
        size, kind = struct.unpack(">I4s", png[at : at + 8])
        if kind == b"IDAT":
            data += png[at + 8 : at + 8 + size]
        at += size + 12
    return len(set(zlib.decompress(data)))


async def test_the_page_shows_the_review_and_takes_keys(serve, browser, registry):
    served = serve("--patient", "TOUR-01")
    async with browser() as page:
        await page.open(served.address)
        await page.until(DRAWN)
        await page.until("document.activeElement.className === 'xterm-helper-textarea'")
        await page.press("1")
        await until(lambda: decisions_of(registry, "TOUR-01"), "the key was not taken")
        async with asyncio.timeout(PATIENCE):
            while colours(await page.picture()) < 40:
                await asyncio.sleep(0.1)
        assert await page.evaluate("document.cookie") == ""
        assert await page.evaluate("document.fonts.check('16px \"Roboto Mono\"')")
        assert "token" not in await page.evaluate("location.href")
        history = await page.ask("Page.getNavigationHistory")
        assert not [one for one in history["entries"] if "token" in one["url"]]
        own = served.base.removeprefix("http://")
        assert {address.split("/")[2] for address in page.asked_for()} == {own}
        assert page.complaints() == []


async def test_a_reload_goes_on_where_one_was_with_one_program(serve, browser, registry):
    served = serve("--patient", "TOUR-01")
    async with browser() as page:
        await page.open(served.address)
        await page.until(DRAWN)
        await page.press("1")
        await until(lambda: decisions_of(registry, "TOUR-01"), "the key was not taken")
        before = await served.child()
        await page.ask("Page.reload")
        await gone(before)
        await page.until(DRAWN)
        await page.press("a")
        await until(lambda: len(decisions_of(registry, "TOUR-01")) == 2, "the key was not taken")


async def test_the_page_says_when_the_session_has_ended_and_opens_another(serve, browser, registry):
    served = serve("--patient", "TOUR-01")
    async with browser() as page:
        await page.open(served.address)
        await page.until(DRAWN)
        os.kill(await served.child(), signal.SIGKILL)
        await page.until(CLOSED)
        assert "Everything decided is saved" in await page.evaluate("document.querySelector('.closed').innerText")
        await page.evaluate("document.getElementById('again').click()")
        await page.until(f"{DRAWN} && !{CLOSED}")


@pytest.mark.parametrize("seconds", [0, 0.5, 2])
async def test_a_browser_that_is_killed_leaves_no_program(serve, browser, registry, seconds):
    """Right after the page was opened, while the program starts, and later."""
    served = serve("--patient", "TOUR-01")
    async with browser() as page:
        await page.open(served.address)
        child = await served.child()
        await asyncio.sleep(seconds)  # the moment is what varies; nothing waits for it
        os.killpg(page.process.pid, signal.SIGKILL)
        await gone(child)
