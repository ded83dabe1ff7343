"""What is to be done of a dump: each note read is new, done already, there twice, or in contradiction to one that was there before."""

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from abstractor.batch.engine.guard import CHUNK_NOTES, chunk_characters
from abstractor.batch.engine.ledger import Fault, Known, Ledger
from abstractor.batch.engine.shards import Shard
from abstractor.batch.engine.work import Stage
from abstractor.model.errors import InputError
from abstractor.model.note import Note
from abstractor.sources.reader import read_notes
from abstractor.sources.reading import Fault as ReadingFault
from abstractor.sources.reading import Place, ReadOptions, visible

CONTRADICTION = "its id stands in this dump before, with another text, date, type or patient"
_CHUNK_ITEMS = 20_000
"""A list of things ends after so many, even if nothing of them is to be done."""


@dataclass(frozen=True)
class Source:
    """A dump, and how it is read."""

    paths: tuple[Path, ...]
    options: ReadOptions
    format_name: str | None = None

    def identity(self) -> str:
        """What changes when another dump, or the same one grown, is read, or when it is read otherwise."""
        options = [sorted(self.options.columns.items()), self.options.encoding, self.format_name]
        files = [[str(path), [(name, *sizes) for name, *sizes in _files(path)]] for path in self.paths]
        return hashlib.sha256(json.dumps([options, files]).encode("utf-8", "surrogatepass")).hexdigest()

    @property
    def names(self) -> tuple[str, ...]:
        """The paths as they are told, and kept in the ledger: a name need not be text."""
        return tuple(visible(str(path)) for path in self.paths)

    def size(self) -> int:
        """Bytes of all its files."""
        return sum(size for path in self.paths for _, size, _ in _files(path))


def _files(path: Path) -> Iterator[tuple[str, int, int]]:
    """Name, bytes and time of change of each file."""
    found = sorted(path.rglob("*")) if path.is_dir() else [path]
    for file in found:
        try:
            if file.is_file():
                state = file.stat()
                yield str(file), state.st_size, state.st_mtime_ns
        except OSError:  # the reader tells
            continue


@dataclass(frozen=True, slots=True)
class Task:
    """A note to be done; its text is not kept here."""

    item: int
    note_id: str
    patient_id: str
    hash: bytes
    length: int
    source: str
    place: Place | str
    """File and row."""
    replaces: int | None
    """The part that holds what was found in an earlier text of it."""


@dataclass(frozen=True, slots=True)
class Done:
    """A note that an earlier pass has done."""

    item: int
    note_id: str


@dataclass(frozen=True, slots=True)
class Repeat:
    """The same note again, to the letter."""

    item: int


@dataclass
class Chunk:
    """What was read, in order, and the notes of it that are to be done."""

    number: int
    things: list[Task | Done | Repeat | Fault] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    """One for each `Task`, in the same order."""
    items: int = 0
    """How much of the input is read when this chunk is."""


@dataclass(frozen=True, slots=True)
class _Read:
    """Something that the source holds."""

    item: int
    """Its number in the input, from 1."""
    source: str
    """The path it is read from, as it was given."""
    thing: Note | ReadingFault
    place: Place | str


class Intake:
    """Reads a source and compares it with the ledger.

    Args:
        source: the dump.
        ledger: what is done; only asked.
        begin: so many items at the beginning are settled already.
        shard: only the notes of this shard are looked at.
    """

    def __init__(self, source: Source, ledger: Ledger, begin: int, shard: Shard | None) -> None:
        self._source = source
        self._ledger = ledger
        self._begin = begin
        self._shard = shard
        self._underway: dict[str, bytes] = {}
        """Notes met since the ledger last took in what was done, and their hashes."""
        self._seen = hashlib.blake2b(digest_size=16)

    def chunks(self) -> Iterator[Chunk]:
        """Some notes at a time, and what was read between them."""
        number = items = met = characters = 0
        gathered: list[_Read] = []
        for read in self._items():
            items, met = read.item, met + 1
            self._note(read.thing)
            if read.item > self._begin and self._is_ours(read.thing):
                gathered.append(read)
                characters += len(read.thing.text) if isinstance(read.thing, Note) else 0
            if characters >= chunk_characters(number) or len(gathered) >= CHUNK_NOTES or met >= _CHUNK_ITEMS:
                yield self._chunk(number, items, gathered)
                gathered = []
                number, met, characters = number + 1, 0, 0
        yield self._chunk(number, items, gathered)

    def _chunk(self, number: int, items: int, gathered: list[_Read]) -> Chunk:
        chunk = Chunk(number, items=items)
        known = self._ledger.known([read.thing.note_id for read in gathered if isinstance(read.thing, Note)])
        for read in gathered:
            if isinstance(read.thing, ReadingFault):
                chunk.things.append(_unreadable(read, read.thing))
                continue
            judged = self._judged(read, read.thing, known.get(read.thing.note_id))
            chunk.things.append(judged)
            if isinstance(judged, Task):
                chunk.notes.append(read.thing)
        return chunk

    @property
    def digest(self) -> str:
        """Tells this input from another, wherever its files lie: of the ids and lengths of all notes, in order. Whole once all is read."""
        return self._seen.hexdigest()

    def _note(self, thing: Note | ReadingFault) -> None:
        said = f"{thing.note_id}\0{len(thing.text)}\n" if isinstance(thing, Note) else "\n"
        self._seen.update(said.encode("utf-8", "surrogatepass"))

    def settled(self, note_ids: Iterable[str]) -> None:
        """The ledger knows these notes now."""
        for note_id in note_ids:
            self._underway.pop(note_id, None)

    def _items(self) -> Iterator[_Read]:
        """Everything the source holds."""
        number = 0
        meter = self._source.options.meter
        for path, shown in zip(self._source.paths, self._source.names, strict=True):
            try:
                for thing in read_notes(path, self._source.options, self._source.format_name):
                    number += 1
                    yield _Read(number, shown, thing, meter.place)
            except InputError as error:
                number += 1
                fault = ReadingFault(shown, visible(str(error).removeprefix(f"{path}: ")))
                yield _Read(number, shown, fault, shown)
            except Exception as error:  # the message could quote the file; the files beside it are read
                number += 1
                fault = ReadingFault(shown, f"can't be read any further ({type(error).__name__})")
                yield _Read(number, shown, fault, shown)

    def _is_ours(self, read: Note | ReadingFault) -> bool:
        if self._shard is None:
            return True
        return self._shard.holds(read.note_id if isinstance(read, Note) else str(read))

    def _judged(self, read: _Read, note: Note, known: Known | None) -> Task | Done | Repeat | Fault:
        hash_ = note_hash(note)
        before = self._underway.get(note.note_id)
        if before is None and known is not None and known.this_pass:
            before = known.hash
        if before is not None:
            return Repeat(read.item) if before == hash_ else _contradiction(read, note)
        self._underway[note.note_id] = hash_
        if known is not None and known.hash == hash_:
            return Done(read.item, note.note_id)
        replaces = None if known is None else known.part
        return Task(read.item, note.note_id, note.patient_id, hash_, len(note.text), read.source, read.place, replaces)


def _unreadable(read: _Read, fault: ReadingFault) -> Fault:
    return Fault(
        read.item, fault.note_id or None, None, read.source, visible(fault.place), Stage.READING, visible(fault.says)
    )


def _contradiction(read: _Read, note: Note) -> Fault:
    place = visible(str(read.place))
    return Fault(read.item, note.note_id, note.patient_id, read.source, place, Stage.COMPARING, CONTRADICTION)


def note_hash(note: Note) -> bytes:
    """The first 16 bytes of the SHA-256 of a note: of its text, and of what is written beside its findings."""
    whole = "\0".join((note.text, note.patient_id, note.note_date or "", note.note_type))
    return hashlib.sha256(whole.encode("utf-8", "surrogatepass")).digest()[:16]
