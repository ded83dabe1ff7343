"""What goes wrong while clients work, at moments drawn from a seed; every fault is real."""

import os
import random
import signal
import sqlite3
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field, replace
from multiprocessing import get_context
from multiprocessing.process import BaseProcess
from pathlib import Path

import client
import psycopg
from client import Script
from server import Server

KILL_CLIENT = "client killed -9, and started again"
KILL_SERVER = "server killed -9, and started again"
KILL_BACKEND = "one process of the server killed -9"
CUT = "connections cut"
LOCK = "file locked by another program for seconds"
_WEIGHTS = {KILL_CLIENT: 5, CUT: 4, KILL_BACKEND: 1, KILL_SERVER: 2}
_WEIGHTS_OF_A_FILE = {KILL_CLIENT: 4, LOCK: 1}


@dataclass
class Crew:
    """The clients' processes; whoever dies is replaced, with another seed and the same name."""

    scripts: dict[str, Script]
    processes: dict[str, BaseProcess] = field(default_factory=dict)
    lives: Counter[str] = field(default_factory=Counter)
    gave_up: list[str] = field(default_factory=list)
    """Clients that ended by a fault of their own."""

    def start(self) -> None:
        for user in self.scripts:
            self._start(user)

    def kill(self, user: str) -> None:
        process = self.processes[user]
        assert process.pid is not None
        with suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGKILL)
        process.join()
        self._start(user)

    def _start(self, user: str) -> None:
        context = get_context("forkserver")
        self.lives[user] += 1
        script = replace(self.scripts[user], seed=self.scripts[user].seed + 1000 * self.lives[user])
        self.processes[user] = context.Process(target=client.run, args=(script,), name=user, daemon=True)
        self.processes[user].start()

    @property
    def is_done(self) -> bool:
        return all(one.exitcode is not None for one in self.processes.values())

    def watch(self) -> None:
        """Whoever ended before the time by a fault of their own is noted; nobody takes their place."""
        self.gave_up += [
            f"{user} ended by itself with {one.exitcode}"
            for user, one in self.processes.items()
            if one.exitcode not in {None, 0} and not any(said.startswith(f"{user} ") for said in self.gave_up)
        ]

    def finish(self) -> None:
        for user, process in self.processes.items():
            process.join(180)
            if process.exitcode is None:
                self.gave_up.append(f"{user} did not end")
                process.kill()
        self.watch()


def injected(
    crew: Crew, chance: random.Random, ends_at: float, mean_seconds: float, target: Server | Path
) -> Iterator[str]:
    """Injects one fault after the other until shortly before the end; gives the name of each."""
    weights = _WEIGHTS if isinstance(target, Server) else _WEIGHTS_OF_A_FILE
    while True:
        time.sleep(chance.uniform(0.3, 1.7) * mean_seconds)
        crew.watch()
        if time.time() > ends_at - 2:
            return
        (kind,) = chance.choices(list(weights), list(weights.values()))
        if kind == KILL_CLIENT:
            crew.kill(chance.choice(sorted(crew.scripts)))
        elif isinstance(target, Server):
            _of_server(kind, target, chance)
        else:
            _lock(target, chance.uniform(1, 7))
        yield kind
        if crew.is_done:
            return


def _of_server(kind: str, server: Server, chance: random.Random) -> None:
    if kind == CUT:
        _cut(server.url, chance)
    elif kind == KILL_BACKEND:
        _kill_backend(server.url, chance)
    else:
        server.kill()
        time.sleep(chance.choice((0, 0, 1, 3, 8)))
        server.start()


def _backends(connection: "psycopg.Connection[tuple[int]]") -> list[int]:
    statement = "SELECT pid FROM pg_stat_activity WHERE application_name = 'abstractor' ORDER BY pid"
    return [pid for (pid,) in connection.execute(statement)]


def _cut(url: str, chance: random.Random) -> None:
    with _alone(url) as connection:
        found = _backends(connection)
        for pid in chance.sample(found, min(len(found), chance.choice((1, 3, 100)))):
            connection.execute("SELECT pg_terminate_backend(%s)", (pid,))


def _kill_backend(url: str, chance: random.Random) -> None:
    """The server then ends all its connections, and recovers as after a crash."""
    with _alone(url) as connection:
        found = _backends(connection)
        if found:
            os.kill(chance.choice(found), signal.SIGKILL)
            with suppress(psycopg.OperationalError):
                while True:  # until this connection is ended too
                    connection.execute("SELECT 1")
                    time.sleep(0.02)


def _alone(url: str) -> "psycopg.Connection[tuple[int]]":
    plain = url.replace("+psycopg", "")
    for _ in range(200):
        with suppress(psycopg.OperationalError):
            return psycopg.connect(plain, autocommit=True)
        time.sleep(0.1)
    raise SystemExit("the server does not come back")


def _lock(path: Path, seconds: float) -> None:
    with closing(sqlite3.connect(path, timeout=60)) as connection:
        connection.isolation_level = None
        connection.execute("BEGIN IMMEDIATE")
        time.sleep(seconds)
        connection.execute("ROLLBACK")
