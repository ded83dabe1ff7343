"""What a run has done, kept beside its output (SQLite): which notes, in which part, and what was set aside. It never holds a word of a note.

A part counts once it stands here: its notes, its faults and how far the input was read are written in one transaction, after the part's file
is in place. So a run can be ended at any moment, and the next one goes on behind the last part.
"""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from abstractor.batch.engine.work import Stage
from abstractor.model.errors import AbstractorError, InputError

LAYOUT = 1
"""Version of the tables below."""

_TABLES = """
CREATE TABLE about (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE pass (number INTEGER PRIMARY KEY, input TEXT NOT NULL, items INTEGER NOT NULL, duplicates INTEGER NOT NULL, complete INTEGER NOT NULL);
CREATE TABLE part (
  number INTEGER PRIMARY KEY, name TEXT NOT NULL, notes INTEGER NOT NULL, with_rows INTEGER NOT NULL, rows INTEGER NOT NULL,
  quarantined INTEGER NOT NULL, bytes INTEGER NOT NULL, sha256 TEXT NOT NULL, pass INTEGER NOT NULL
);
CREATE TABLE note (
  note_id TEXT PRIMARY KEY, hash BLOB NOT NULL, part INTEGER NOT NULL, rows INTEGER NOT NULL, pass INTEGER NOT NULL, item INTEGER NOT NULL,
  patient INTEGER
) WITHOUT ROWID;
CREATE TABLE fault (
  key INTEGER PRIMARY KEY, pass INTEGER NOT NULL, item INTEGER NOT NULL, note_id TEXT, patient_id TEXT, source TEXT NOT NULL,
  place TEXT, stage TEXT NOT NULL, reason TEXT NOT NULL
);
CREATE INDEX fault_note ON fault (note_id);
CREATE TABLE stale (part INTEGER NOT NULL, note_id TEXT NOT NULL, PRIMARY KEY (part, note_id)) WITHOUT ROWID;
"""


@dataclass(frozen=True, slots=True)
class Entry:
    """A note that was done, or set aside while it was."""

    note_id: str
    hash: bytes
    """Of its text and of what stands with it (`note_hash`)."""
    item: int
    """Its place in the input, counted over all that was read, faults too."""
    rows: int = 0
    """How many rows it gave."""
    patient: int | None = None
    """A hash of the patient's id, for runs that count the notes of patients."""


@dataclass(frozen=True, slots=True)
class Known:
    """What the ledger has of a note."""

    hash: bytes
    part: int
    this_pass: bool
    """Whether it was met since the input was last begun anew."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A row or note that was set aside: never a word of it."""

    item: int
    note_id: str | None
    patient_id: str | None
    source: str
    """The path it was read from, as it was given."""
    place: str | None
    """File and row, where the reader knows."""
    stage: Stage
    reason: str

    @property
    def line(self) -> str:
        """For a person to read."""
        if self.stage is Stage.READING:
            return f"{self.place}: {self.reason}"
        return f"note {self.note_id}: set aside ({self.reason} while {self.stage})"


@dataclass(frozen=True, slots=True)
class Part:
    """A finished part."""

    number: int
    name: str
    notes: int
    with_rows: int
    rows: int
    quarantined: int
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Totals:
    """Over all parts."""

    parts: int
    notes: int
    with_rows: int
    rows: int
    quarantined: int
    """Notes set aside: those that failed, and those whose id stands in the dump with another text."""
    unreadable: int
    """Rows that could not be read, or not wholly."""
    duplicates: int
    """Notes met again, the same to the letter, in the last pass over the input."""
    items: int
    """How much was read in the last pass, notes and faults."""

    def told(self) -> dict[str, int]:
        """As the manifest of a run has them."""
        return {
            "items": self.items,
            "notes": self.notes,
            "notes_with_findings": self.with_rows,
            "findings": self.rows,
            "quarantined": self.quarantined,
            "unreadable": self.unreadable,
            "duplicates": self.duplicates,
        }


class Ledger:
    """An open ledger. Only one process can hold it; `close()` it, or use it in a `with` block."""

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self._path = path
        self._connection = connection
        self.pass_number = 0
        """Which reading of the input this is; each other input begins a new one."""

    @classmethod
    def open(cls, path: Path, options: Mapping[str, object]) -> "Ledger":
        """Opens the ledger of an output, or begins one.

        Args:
            path: its file; the folder is there.
            options: everything that the output depends on beside the notes, plain values.

        Raises:
            InputError: it was begun with other options, another run holds it, or it can't be read.
        """
        with ledger_errors(path):
            connection = sqlite3.connect(path, timeout=0, isolation_level=None, check_same_thread=False)
            path.chmod(0o600)
            for pragma in ("locking_mode=EXCLUSIVE", "journal_mode=DELETE", "synchronous=EXTRA", "cache_size=-65536"):
                connection.execute(f"PRAGMA {pragma}")
            connection.execute("BEGIN EXCLUSIVE")
            ledger = cls(path, connection)
            if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'about'").fetchone():
                ledger._begin(options)
            connection.execute("COMMIT")
            ledger._check()
        try:
            ledger._require(options)
        except InputError:
            ledger.close()
            raise
        return ledger

    @classmethod
    def look(cls, path: Path) -> "Ledger":
        """A finished ledger, to be asked only.

        Raises:
            InputError: it is missing or damaged, or a run is writing there.
        """
        with ledger_errors(path):
            connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", timeout=0, uri=True)
            ledger = cls(path, connection)
            ledger.pass_number = ledger._number("SELECT coalesce(max(number), 0) FROM pass")
        return ledger

    def __enter__(self) -> "Ledger":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._connection.close()

    def start(self, input_: str) -> int:
        """Begins to read an input, or goes on with it.

        Args:
            input_: what tells this input from another (paths, sizes, how they are read).

        Returns:
            How many items at its beginning are done; all that stands there needs no look.
        """
        with self._writing():
            last = self._connection.execute("SELECT number, input, items FROM pass ORDER BY number DESC").fetchone()
            if last is not None and last[1] == input_:
                self.pass_number = last[0]
                return int(last[2])
            self.pass_number = last[0] + 1 if last else 1
            self._connection.execute("INSERT INTO pass VALUES (?, ?, 0, 0, 0)", (self.pass_number, input_))
            return 0

    def release_quarantined(self) -> None:
        """Notes that were set aside while they were annotated count as never done, and the input is read again from its beginning."""
        with self._writing():
            aside = "SELECT note_id FROM fault WHERE stage = 'annotating'"
            released = self._connection.execute(f"DELETE FROM note WHERE note_id IN ({aside})").rowcount  # noqa: S608
            if not released:
                return
            self._connection.execute("DELETE FROM fault WHERE stage = 'annotating'")
            # another input, as far as `start` can tell
            self._connection.execute("INSERT INTO pass SELECT max(number) + 1, '', 0, 0, 0 FROM pass")

    def forget_unreadable(self, sources: Iterable[str]) -> None:
        """What could not be read of these paths is told anew by the pass that reads them again."""
        with self._writing():
            self._connection.executemany(
                "DELETE FROM fault WHERE source = ? AND stage <> ? AND pass < ?",
                ((source, Stage.ANNOTATING, self.pass_number) for source in sources),
            )

    @property
    def complete(self) -> bool:
        """Whether this pass has read its input to the end, and everything is in place."""
        return bool(self._number("SELECT complete FROM pass WHERE number = ?", self.pass_number))

    @property
    def next_part(self) -> int:
        return self._number("SELECT coalesce(max(number), 0) + 1 FROM part")

    def known(self, note_ids: Sequence[str]) -> dict[str, Known]:
        """Those of some hundred notes that stand in a part, by id."""
        wanted = ",".join("?" * len(note_ids))
        rows = self._connection.execute(
            f"SELECT note_id, hash, part, pass FROM note WHERE note_id IN ({wanted})",  # noqa: S608  (marks alone)
            note_ids,
        )
        return {note_id: Known(hash_, part, number == self.pass_number) for note_id, hash_, part, number in rows}

    def commit(
        self,
        items: int,
        *,
        part: Part | None = None,
        notes: Iterable[Entry] = (),
        known: Iterable[str] = (),
        faults: Iterable[Fault] = (),
        replaced: Iterable[tuple[str, int]] = (),
        duplicates: int = 0,
    ) -> None:
        """Takes in what was done since the last commit.

        Args:
            items: up to which item of the input all is done.
            part: the part, whose file is in place; None where no note was done.
            notes: those of the part.
            known: ids of notes that were done in an earlier pass, and met again.
            faults: what was set aside.
            replaced: notes of this part whose earlier text was done in another, and that part.
            duplicates: how many notes stood there again, the same to the letter.
        """
        number = part.number if part else 0
        with self._writing():
            run = self._connection.executemany
            if part is not None:
                self._connection.execute(
                    "INSERT INTO part VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", (*_values(part), self.pass_number)
                )
            run("INSERT OR REPLACE INTO stale (note_id, part) VALUES (?, ?)", replaced := list(replaced))
            run(
                "DELETE FROM fault WHERE note_id = ? AND stage = ? AND pass < ?",
                ((note_id, Stage.ANNOTATING, self.pass_number) for note_id, _ in replaced),
            )
            run(
                "INSERT OR REPLACE INTO note VALUES (?, ?, ?, ?, ?, ?, ?)",
                ((one.note_id, one.hash, number, one.rows, self.pass_number, one.item, one.patient) for one in notes),
            )
            run("UPDATE note SET pass = ? WHERE note_id = ?", ((self.pass_number, note_id) for note_id in known))
            run(
                "INSERT INTO fault VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    (
                        self.pass_number,
                        one.item,
                        one.note_id,
                        one.patient_id,
                        one.source,
                        one.place,
                        one.stage,
                        one.reason,
                    )
                    for one in faults
                ),
            )
            self._connection.execute(
                "UPDATE pass SET items = ?, duplicates = duplicates + ? WHERE number = ?",
                (items, duplicates, self.pass_number),
            )

    def stale(self) -> dict[Part, set[str]]:
        """Parts that still hold rows of notes whose text has changed since, and those notes."""
        found: dict[Part, set[str]] = {}
        parts = {part.number: part for part in self.parts()}
        for number, note_id in self._connection.execute("SELECT part, note_id FROM stale"):
            found.setdefault(parts[number], set()).add(note_id)
        return found

    def rewritten(self, part: Part) -> None:
        """The part's file was written anew, without what was stale in it."""
        with self._writing():
            self._connection.execute(
                "UPDATE part SET bytes = ?, sha256 = ? WHERE number = ?", (part.bytes, part.sha256, part.number)
            )
            self._connection.execute("DELETE FROM stale WHERE part = ?", (part.number,))

    def recount(self) -> None:
        """Brings the counts of the parts to what they hold, after notes moved from one to another."""
        with self._writing():
            self._connection.execute(
                "UPDATE part SET notes = coalesce(n, 0), with_rows = coalesce(w, 0), rows = coalesce(r, 0), quarantined = coalesce(q, 0)"
                " FROM (SELECT number AS p FROM part)"
                " LEFT JOIN (SELECT note.part, count(*) AS n, sum(rows > 0) AS w, sum(rows) AS r, sum(f.note_id IS NOT NULL) AS q"
                " FROM note LEFT JOIN (SELECT DISTINCT note_id FROM fault WHERE stage = 'annotating') AS f USING (note_id)"
                " GROUP BY note.part) AS c ON c.part = p"
                " WHERE part.number = p"
            )

    def finish(self) -> None:
        """Everything of this pass is done and in place."""
        with self._writing():
            self._connection.execute("UPDATE pass SET complete = 1 WHERE number = ?", (self.pass_number,))

    def parts(self) -> Iterator[Part]:
        for row in self._connection.execute("SELECT * FROM part ORDER BY number"):
            yield Part(*row[:-1])

    def faults(self) -> Iterator[Fault]:
        """All that is set aside, in the order of the input."""
        columns = "item, note_id, patient_id, source, place, stage, reason"
        for row in self._connection.execute(f"SELECT {columns} FROM fault ORDER BY pass, item, key"):  # noqa: S608
            item, note_id, patient_id, source, place, stage, reason = row
            yield Fault(item, note_id, patient_id, source, place, Stage(stage), reason)

    def order(self) -> Iterator[tuple[str, int, int]]:
        """Id, pass and item of each note that gave rows, in the order of the rows."""
        yield from self._connection.execute(
            "SELECT note_id, part.pass, item FROM note JOIN part ON part.number = note.part"
            " WHERE note.rows > 0 ORDER BY part.number, item"
        )

    def patients(self) -> Iterator[tuple[int, int]]:
        """Hash of each patient's id, ascending, and the number of notes; of runs that count them."""
        yield from self._connection.execute(
            "SELECT patient, count(*) FROM note WHERE patient IS NOT NULL GROUP BY patient ORDER BY patient"
        )

    def totals(self) -> Totals:
        parts, notes, with_rows, rows = self._connection.execute(
            "SELECT count(*), coalesce(sum(notes), 0), coalesce(sum(with_rows), 0), coalesce(sum(rows), 0) FROM part"
        ).fetchone()
        quarantined, unreadable = self._connection.execute(
            "SELECT coalesce(sum(stage <> 'reading'), 0), coalesce(sum(stage = 'reading'), 0) FROM fault"
        ).fetchone()
        items, duplicates = self._connection.execute(
            "SELECT coalesce(max(items), 0), coalesce(max(duplicates), 0) FROM pass WHERE number = ?",
            (self.pass_number,),
        ).fetchone()
        return Totals(parts, notes, with_rows, rows, quarantined, unreadable, duplicates, items)

    def _begin(self, options: Mapping[str, object]) -> None:
        for statement in filter(str.strip, _TABLES.split(";")):
            self._connection.execute(statement)
        about = {"layout": LAYOUT, **options}
        self._connection.executemany(
            "INSERT INTO about VALUES (?, ?)", ((name, json.dumps(value)) for name, value in about.items())
        )

    def _check(self) -> None:
        """A damaged page would be met in the middle of the run, if at all."""
        (said,) = self._connection.execute("PRAGMA quick_check(1)").fetchone()
        if said != "ok":
            raise sqlite3.DatabaseError("its pages do not hang together")

    def _require(self, options: Mapping[str, object]) -> None:
        with ledger_errors(self._path):
            about = {name: json.loads(value) for name, value in self._connection.execute("SELECT * FROM about")}
        wanted = {"layout": LAYOUT, **options}
        differing = [
            f"{name} was {about.get(name)}, is now {wanted.get(name)}"
            for name in sorted(about.keys() | wanted.keys())
            if about.get(name) != wanted.get(name)
        ]
        if differing:
            raise InputError(
                f"{self._path.parent}: begun with other options ({'; '.join(differing)}). "
                "Start over with --fresh, or write to another --out"
            )

    def _number(self, statement: str, *values: object) -> int:
        return int(self._connection.execute(statement, values).fetchone()[0])

    @contextmanager
    def _writing(self) -> Iterator[None]:
        with ledger_errors(self._path):
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise


def _values(part: Part) -> tuple[object, ...]:
    return tuple(asdict(part).values())


@contextmanager
def ledger_errors(path: Path) -> Iterator[None]:
    """The errors of SQLite as one line each."""
    try:
        yield
    except sqlite3.OperationalError as error:
        if "locked" in str(error):
            raise InputError(f"{path.parent}: another run is writing there; wait for it, or end it") from None
        raise AbstractorError(
            f"{path}: can't be written ({error}); what was finished stays, and the same command goes on from there"
        ) from None
    except sqlite3.DatabaseError as error:
        raise InputError(f"{path}: the ledger is damaged ({error}); start over with --fresh") from None
