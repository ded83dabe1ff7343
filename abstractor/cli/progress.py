"""Progress on standard error: a bar with rate and time left on a terminal, a plain line now and then elsewhere, nothing when quiet."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import click

from abstractor.batch.progress import Progress, Status, Watch, silent, unwatched

_EVERY_SECONDS = 10.0


@contextmanager
def progress(label: str, *, quiet: bool) -> Iterator[Progress]:
    """A callback (done, total) that shows how far `label` is."""
    if quiet:
        yield silent
    elif sys.stderr.isatty():
        with _bar(label) as show:
            yield show
    else:
        yield _lines(label)


@contextmanager
def _bar(label: str) -> Iterator[Progress]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    rate = TextColumn("{task.fields[rate]}/s")
    with Bar(
        TextColumn(label, markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        rate,
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    ) as bar:
        task = bar.add_task(label, total=None, rate="-")

        def show(done: int, total: int | None) -> None:
            speed = bar.tasks[0].speed
            bar.update(task, completed=done, total=total, rate=f"{speed:.0f}" if speed else "-")

        yield show


def _lines(label: str) -> Progress:
    began = last = time.monotonic()

    def show(done: int, total: int | None) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last < _EVERY_SECONDS:
            return
        last = now
        rate = done / (now - began)
        left = f", {(total - done) / rate:.0f} s left" if total and rate else ""
        of = f" of {total}" if total else ""
        click.echo(f"{label}: {done}{of}, {rate:.0f}/s{left}", err=True)

    return show


@contextmanager
def watching(label: str, *, quiet: bool) -> Iterator[Watch]:
    """A callback that shows how far a dump is: notes, their rate, the time left as the bytes of the files tell it, findings, notes set aside."""
    if quiet:
        yield unwatched
    elif sys.stderr.isatty():
        with _dump_bar(label) as show:
            yield show
    else:
        yield _dump_lines(label)


@contextmanager
def _dump_bar(label: str) -> Iterator[Watch]:
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    with Bar(
        TextColumn(label, markup=False),
        BarColumn(),
        TextColumn("{task.fields[says]}", markup=False),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    ) as bar:
        task = bar.add_task(label, total=None, says="starting")
        began = time.monotonic()

        def show(status: Status) -> None:
            says = _says(status, time.monotonic() - began)
            bar.update(task, completed=status.read, total=status.size or None, says=says)

        yield show


def _dump_lines(label: str) -> Watch:
    began = last = time.monotonic()

    def show(status: Status) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last < _EVERY_SECONDS:
            return
        last = now
        left = (status.size - status.read) / status.read * (now - began) if status.read else 0
        told = f", {left:.0f} s left" if left else ""
        click.echo(f"{label}: {_says(status, now - began)}{told}", err=True)

    return show


def _says(status: Status, seconds: float) -> str:
    rate = status.notes / seconds if seconds else 0.0
    aside = f", {status.quarantined} set aside" if status.quarantined else ""
    return f"{status.notes} notes, {rate:.0f}/s, {status.with_findings} with findings{aside}"
