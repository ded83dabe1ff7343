"""Gathers every regular expression that a rulebook compiles to, as it will run, and names those that can run without bound.

What stands in the files is put together from macros, word lists and vocabularies: only the result shows how it will run. Verdicts are kept
by the expression's hash in the user's cache folder, so that only what changed is tried again; no note and no rule is stored there.
"""

import gc
import hashlib
import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING

from abstractor.files import whole_file
from abstractor.model.errors import InputError
from abstractor.pipeline.literals import conditions
from abstractor.pipeline.sieve import Expression
from abstractor.rulebook.backtracking import Suspicion, suspect
from abstractor.rulebook.load import strings_of
from abstractor.rulebook.probe import Trial, Verdict, probe

if TYPE_CHECKING:
    from abstractor.pipeline.nlp import Reader
    from abstractor.pipeline.variants import VariantReader

_METHOD = "3"
"""Of judging; another one asks for new verdicts."""
_FOREIGN = frozenset({"spacy", "medspacy", "thinc", "srsly", "catalogue"})
"""Libraries whose objects hold expressions of their own."""
_SHOWN = 70
_SHORTEST = 5
"""Characters of a text that tells where an expression comes from."""

Source = tuple[str, int]
"""Expression and flags."""


@dataclass(frozen=True, slots=True)
class Runaway:
    """An expression that can run without bound."""

    place: str
    """File and line of the words it is made of, or the part of the program that makes it."""
    expression: str
    verdict: Verdict
    sample: str
    """What it was tried on."""

    @property
    def endless(self) -> bool:
        """A fault; anything less is a warning."""
        return self.verdict is Verdict.ENDLESS

    def __str__(self) -> str:
        """One line."""
        shown = self.expression if len(self.expression) <= _SHOWN else f"{self.expression[:_SHOWN]}…"
        how = "can run without bound" if self.verdict is Verdict.ENDLESS else "can run for minutes on one page of text"
        return (
            f"{self.place}: {how}, for example on {self.sample}: its repeats can share the same words in many ways; let each begin "
            f"with something that the one before it can't take: {shown!r}"
        )


def find_runaways(reader: "Reader", variants: "VariantReader", cache: Path | None = None) -> list[Runaway]:
    """The expressions of a rulebook that can run without bound, tried out on texts made up for each.

    Args:
        reader: with everything compiled.
        variants: the reader of variants.
        cache: a file of verdicts from earlier runs; None keeps none.
    """
    owners = compiled(reader, variants)
    known = _read(cache)
    asked = [source for source in owners if _key(source) not in known]
    trials = [Trial(*source, tuple(_met(source))) for source in asked]
    doubtful = [trial for trial in trials if trial.suspicions]
    verdicts = {(trial.expression, trial.flags): one for trial, one in zip(doubtful, probe(doubtful), strict=True)}
    known |= {_key(source): str(verdicts.get(source, Verdict.BOUNDED)) for source in asked}
    if asked and cache is not None:
        _write(cache, {_key(source): known[_key(source)] for source in owners})
    return [
        Runaway(
            _place(reader.rulebook.root, source[0], owner), source[0], Verdict(known[_key(source)]), _sample(source)
        )
        for source, owner in owners.items()
        if known[_key(source)] != Verdict.BOUNDED
    ]


def find_unfiltered(reader: "Reader") -> list[str]:
    """Words of the rulebook that a reader can't look for beforehand, so that it takes its time over every note or sentence.

    The first kind counts most: while such an expression says whose cancer a note is about, every note of a dump has to be read.
    """
    gate = [
        f"settings/cancers.toml: {name} has an alternative that names no certain word, so every note has to be read whole"
        for name in sorted(reader.rulings.gate.always)
    ]
    rules = [
        f"target rule {rule.id!r}: its expression names no certain word, so it is run on every sentence of the notes that are read"
        for rule in reader.rulebook.targets
        for expression in rule.regex
        if not conditions(expression, re.NOFLAG if rule.case_sensitive else re.IGNORECASE)
    ]
    return [*gate, *dict.fromkeys(rules)]


def _met(source: Source) -> Iterator[Suspicion]:
    """The suspicions that a note can bear out: long runs of blanks are shortened before anything reads them."""
    return (one for one in suspect(*source) if not one.pump.isspace())


def _sample(source: Source) -> str:
    """The text that an expression was tried on, in short."""
    worst = next(_met(source), None)
    return f"{worst.prefix[-20:]!r} and many times {worst.pump!r}" if worst else "the right text"


def compiled(reader: "Reader", variants: "VariantReader") -> dict[Source, str]:
    """Every expression that reading a note runs, with the part of the program that runs it."""
    from abstractor.pipeline.nlp import EXTRACTORS

    found: dict[Source, str] = {}
    parts = [*zip(EXTRACTORS, reader.extractors, strict=True), ("variants", variants)]
    rest = [("sections, masks, context and whose cancer it is", reader)]
    for name, part in [*parts, *rest]:
        for pattern in _patterns(part):
            if isinstance(pattern.pattern, str):
                found.setdefault((pattern.pattern, pattern.flags), name)
    return found


def _patterns(root: object) -> Iterator[re.Pattern[str] | Expression]:
    """The compiled expressions that an object holds, however deep, closures included."""
    seen: set[int] = set()
    stack = [root]
    while stack:
        one = stack.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        if isinstance(one, re.Pattern | Expression):
            yield one
        elif isinstance(one, FunctionType):
            stack.extend(cell.cell_contents for cell in one.__closure__ or ())
            stack.extend(one.__defaults__ or ())
        elif not isinstance(one, type | ModuleType | str) and type(one).__module__.split(".")[0] not in _FOREIGN:
            stack.extend(gc.get_referents(one))


def _place(root: Path, expression: str, owner: str) -> str:
    """Where the expression comes from: the shortest piece of a rule file that stands in it and is suspicious by itself.

    A piece of the settings that bear the owner's name goes before one of another file. Where a list of words makes it, only the owner is known.
    """
    pieces = [piece for piece in _pieces(root) if any(form in expression for form in piece.forms)]
    own = [piece for piece in pieces if piece.path.stem in owner or "targets" in piece.path.parts]
    for group in (own, pieces):
        guilty = [piece for piece in group if any(form in expression and _suspicious(form) for form in piece.forms)]
        if guilty:
            return _line_of(root, min(guilty, key=lambda piece: len(piece.text)))
    if own:
        return _line_of(root, max(own, key=lambda piece: len(piece.text)))
    return f"what the files give to {owner!r}"


def _line_of(root: Path, piece: "_PieceOfFile") -> str:
    lines = piece.path.read_text("utf-8").split("\n")
    line = next((number for number, row in enumerate(lines, 1) if piece.first_line in row), None)
    name = piece.path.relative_to(root).as_posix()
    return f"{name}:{line}" if line else f"{name} ({piece.key})"


@dataclass(frozen=True, slots=True)
class _PieceOfFile:
    """A text in a rule file."""

    path: Path
    key: str
    text: str

    @property
    def forms(self) -> tuple[str, ...]:
        """As it stands, and with its blanks as the settings' patterns read them."""
        spaced = self.text
        for blank, means in ((" ?", r"\s*"), (" *", r"\s*"), (" ", r"\s+")):
            spaced = spaced.replace(blank, means)
        return (self.text, spaced) if spaced != self.text else (self.text,)

    @property
    def first_line(self) -> str:
        return self.text.split("\n", maxsplit=1)[0]


def _pieces(root: Path) -> Iterator[_PieceOfFile]:
    for path in sorted(root.rglob("*.toml")):
        if "examples" not in path.relative_to(root).parts:
            for key, text in strings_of(tomllib.loads(path.read_text("utf-8"))):
                if len(text) >= _SHORTEST:
                    yield _PieceOfFile(path, key, text)


def _suspicious(expression: str) -> bool:
    try:
        return bool(suspect(expression, re.IGNORECASE))
    except re.error:
        return False


def _key(source: Source) -> str:
    return hashlib.sha256(f"{_METHOD}\0{source[1]}\0{source[0]}".encode()).hexdigest()[:32]


def _read(cache: Path | None) -> dict[str, str]:
    """Verdicts of earlier runs; none where there are none, or none that can be read."""
    if cache is None:
        return {}
    try:
        content = json.loads(cache.read_text("utf-8"))
        return {str(key): str(Verdict(value)) for key, value in content.items()}
    except (OSError, ValueError, AttributeError):
        return {}


def _write(cache: Path, verdicts: Mapping[str, str]) -> None:
    with suppress(InputError), whole_file(cache) as file:
        file.write(json.dumps(dict(verdicts)))  # type: ignore[call-overload]
