"""The notes that the benchmarks read: corpora by name, where they are here; else notes made of invented sentences, in any number.

Figures of two machines can be compared only on the same corpus: the generated ones depend on nothing but their seed.
"""

import random
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from abstractor.model.note import Note
from abstractor.rulebook.book import RuleBook
from abstractor.sources.reader import note_type_mapper, read_notes
from abstractor.sources.reading import Fault, ReadOptions

HERE = Path(__file__).resolve().parent
SAMPLES = HERE.parent / "corpus_samples"
SHARED = HERE.parents[1] / "shared"
CORPORA: Mapping[str, tuple[Path, ...]] = {
    "general": (SHARED / "corpora/notes/mtsamples.jsonl", SHARED / "corpora/radiology/openi.jsonl"),
    "charts": (SHARED / "corpora/charts/charts.jsonl",),
    "letters": (SHARED / "corpora/letters/letters.jsonl",),
    "gold": (SHARED / "gold/dev",),
    "sclc": (SAMPLES / "notes", SAMPLES / "single.jsonl"),
}
"""Name to files and folders: notes of all specialties and chest radiographs; long oncology charts; letters; annotated notes; our samples."""
GENERATED = {"general": "general", "charts": "oncology"}
"""Where the files of a corpus are missing, notes of these kinds are made instead."""
GENERATED_NOTES = 2000
Draw = random.Random


@dataclass(frozen=True)
class Corpus:
    """Notes under a name, and where they come from."""

    name: str
    origin: str
    """`files`, or `generated`."""
    notes: tuple[Note, ...]

    @property
    def characters(self) -> int:
        return sum(len(note.text) for note in self.notes)


def corpus(name: str, rulebook: RuleBook, seed: int) -> Corpus:
    """The corpus of this name, or the notes of a path.

    Raises:
        SystemExit: there is no such corpus or path here, and none like it can be made.
    """
    paths = CORPORA.get(name, (Path(name),))
    if all(path.exists() for path in paths):
        return Corpus(name, "files", tuple(_read(paths, rulebook)))
    if name in GENERATED:
        return Corpus(name, "generated", tuple(generated(GENERATED[name], GENERATED_NOTES, seed)))
    raise SystemExit(f"{name}: no such corpus here; there are {', '.join(known())}, or name a file or folder of notes")


def known() -> list[str]:
    """The names that `corpus` can serve here, from files or made."""
    return [name for name, paths in CORPORA.items() if name in GENERATED or all(path.exists() for path in paths)]


def sampled(notes: Iterable[Note], size: int | None, seed: int) -> list[Note]:
    """So many notes drawn by seed, in their old order; all where there are no more."""
    listed = list(notes)
    if size is None or size >= len(listed):
        return listed
    chosen = sorted(random.Random(seed).sample(range(len(listed)), size))  # noqa: S311 - drawing, not secrecy
    return [listed[index] for index in chosen]


def sampled_characters(notes: Iterable[Note], size: int, seed: int) -> list[Note]:
    """Notes drawn by seed until they have so many characters together."""
    listed = list(notes)
    random.Random(seed).shuffle(listed)  # noqa: S311 - drawing, not secrecy
    kept: list[Note] = []
    left = size
    while listed and left > 0:
        kept.append(listed.pop())
        left -= len(kept[-1].text)
    return kept


def _read(paths: Iterable[Path], rulebook: RuleBook) -> Iterator[Note]:
    options = ReadOptions(note_type=note_type_mapper(rulebook.note_types))
    for path in paths:
        for item in read_notes(path, options):
            if not isinstance(item, Fault):
                yield item


def generated(kind: str, count: int, seed: int) -> Iterator[Note]:
    """Notes of invented sentences, one after the other, made one at a time: the same ones for the same seed.

    Args:
        kind: `general` (no cancer in most of them) or `oncology`.
        count: how many.
        seed: of the draw.
    """
    draw = random.Random(f"{kind} {seed}")  # noqa: S311 - drawing, not secrecy
    templates = Templates.load()
    for number in range(count):
        mostly = kind if kind != "general" or draw.random() > templates.oncology_share else "oncology"
        yield Note(f"made{number:09d}", templates.note(mostly, draw), note_type=draw.choice(templates.note_types))


@dataclass(frozen=True)
class Templates:
    """`invented.toml`: headings, sentences with slots, and what stands in the slots."""

    oncology_share: float
    sentences: Mapping[str, tuple[int, int]]
    note_types: tuple[str, ...]
    sections: Mapping[str, list[dict[str, Any]]]
    slots: Mapping[str, list[str]]

    @classmethod
    def load(cls) -> "Templates":
        told = tomllib.loads((HERE / "invented.toml").read_text(encoding="utf-8"))
        return cls(told["oncology_share"], told["sentences"], tuple(told["note_types"]), told["section"], told["slots"])

    def note(self, kind: str, draw: Draw) -> str:
        """One note: some sentences under each heading."""
        least, most = self.sentences[kind]
        return "\n\n".join(
            f"{section['heading']}:\n"
            + " ".join(
                self._sentence(draw.choice(section["sentences"]), draw) for _ in range(draw.randint(least, most))
            )
            for section in self.sections[kind]
        )

    def _sentence(self, template: str, draw: Draw) -> str:
        filled = re.sub(r"\{(\w+)\}", lambda slot: self._word(slot[1], draw), template)
        return filled[0].upper() + filled[1:]

    def _word(self, slot: str, draw: Draw) -> str:
        return str(draw.randint(2, 90)) if slot == "number" else draw.choice(self.slots[slot])


def with_new_words(note: Note, draw: Draw, count: int) -> Note:
    """The note with made-up words that no other note has, here and there in its sentences: what names, codes and slips are in a real dump."""
    text = note.text
    for _ in range(count):
        word = "".join(draw.choices("abcdefghijklmnoprstuvwyz", k=draw.randint(7, 12)))
        blank = text.find(" ", draw.randrange(max(1, len(text))))
        place = blank if blank >= 0 else len(text)
        text = f"{text[:place]} {word}{text[place:]}"
    return replace(note, text=text)
