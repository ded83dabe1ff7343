"""How far a Spark job is, asked for now and then while it runs."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from abstractor.batch.progress import Status, Watch

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_EVERY = 1.0
"""Seconds."""
_READING_SHARE = 0.1
"""Of the work, what reading the files takes, about; the rest is annotating."""


@contextmanager
def watching(session: "SparkSession", size: int, watch: Watch) -> Iterator[None]:
    """Tells `watch` once a second what share of `size` bytes is done, until the block ends."""
    over = threading.Event()
    thread = threading.Thread(target=_look, args=(session, size, watch, over), daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _look(session: "SparkSession", size: int, watch: Watch, over: threading.Event) -> None:
    tracker = session.sparkContext.statusTracker()
    shares: dict[int, float] = {}
    while not over.wait(_EVERY):
        with suppress(Exception):  # a Spark that has just ended; the job itself tells
            for stage in tracker.getActiveStageIds():
                info = tracker.getStageInfo(stage)
                if info is not None and info.numTasks:
                    shares[stage] = info.numCompletedTasks / info.numTasks
            watch(Status(0, 0, 0, int(_done(shares) * size), size))


def _done(shares: dict[int, float]) -> float:
    """The share of all work: the first stage reads, the last one annotates."""
    if len(shares) < 2:
        return _READING_SHARE * next(iter(shares.values()), 0.0)
    return _READING_SHARE + (1 - _READING_SHARE) * shares[max(shares)]
