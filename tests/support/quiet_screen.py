"""Waits until the interface has done all there is to do, by asking its queues.

Textual's own way is to sleep until the process uses little time: three sleeps a key, and on a busy machine it takes a program that gets no
time for one that is done.
"""

import asyncio
import unicodedata
from itertools import count
from typing import Any

from textual import events
from textual._context import active_app
from textual.app import App
from textual.keys import REPLACED_KEYS, _character_to_key, _get_unicode_name_from_key
from textual.message_pump import MessagePump
from textual.screen import Screen

_THREADS = 200
"""Looks, 5 ms apart, at threads that still work; those that a test holds back on purpose are then left alone."""


async def press_key(app: App[Any], key: str) -> None:
    """Presses one key, as Textual's pilot does, and waits until all is done that comes of it."""
    name = _character_to_key(key) if len(key) == 1 and not key.isalnum() else key
    try:
        char: str | None = unicodedata.lookup(_get_unicode_name_from_key(REPLACED_KEYS.get(name, name)))
    except KeyError:
        char = name if len(name) == 1 else None
    event = events.Key(name, char)
    event.set_sender(app)
    app.post_message(event)
    await until_quiet()


async def until_quiet(_least: float = 0, _most: float = 0) -> None:
    """Stands in for Textual's `wait_for_idle`: returns when no message waits, nothing is left to draw, and no thread works."""
    app = active_app.get()
    looks = 0
    for turn in count():
        if app._exception is not None or app._exit or not app.screen_stack:
            return
        quiet = await _flushed(app)
        resizing = app._resize_timer is not None  # Textual lets sizes settle for a moment
        if quiet and (resizing or (looks < _THREADS and any(worker.is_running for worker in app.workers))):
            looks += not resizing
            await asyncio.sleep(0.005)
        elif quiet or turn > 10_000:
            return


async def _flushed(app: App[Any]) -> bool:
    """Lets everybody do what waits, and draws; whether there was nothing."""
    screen = app.screen
    for _ in range(3):  # messages from a driver or a thread need a turn or two of the loop to arrive
        await asyncio.sleep(0)
    was_quiet = _is_quiet(app, screen)
    pumps = [app, *screen.walk_children(with_self=True)]
    left = len(pumps)
    done = asyncio.Event()

    def one_done() -> None:
        nonlocal left
        left -= 1
        if left <= 0:
            done.set()

    for pump in pumps:
        if not pump.call_later(one_done):
            one_done()
    ended: asyncio.Task[bool] = asyncio.create_task(app._exception_event.wait())
    all_done = asyncio.create_task(done.wait())
    _, pending = await asyncio.wait({ended, all_done}, timeout=30, return_when=asyncio.FIRST_COMPLETED)
    for task in pending:
        task.cancel()
    if app.screen_stack and app.screen is screen:
        screen._on_timer_update()
        return was_quiet and _is_quiet(app, screen)
    return False


def _is_quiet(app: App[Any], screen: Screen[Any]) -> bool:
    waiting = any(_has_work(pump) for pump in (app, *screen.walk_children(with_self=True)))
    to_draw = screen._dirty_widgets or screen._layout_required or screen._repaint_required or screen._callbacks
    return not waiting and not to_draw


def _has_work(pump: MessagePump) -> bool:
    return bool(pump.message_queue_size or pump._next_callbacks)
