"""The spelling of sequence changes: finds them in text and writes them in one form. It never decides whether they were found."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from abstractor.pipeline.sieve import Expression, compiled_expression
from abstractor.rulebook.book import RuleBook

_ARROW = compiled_expression(r"\s*(?:-{1,4}>?|>|/|\bto\b)\s*")
_PROTEIN = compiled_expression(
    r"(?P<ref>[A-Z*])(?P<pos>\d{1,5})(?:_(?P<ref2>[A-Z])?(?P<pos2>\d{1,5}))?"
    r"(?:(?P<fs>[A-Z]?fs.*)|(?P<ext>[A-Z]?ext.*)|(?P<event>delins|del|dup|[A-Z]?ins)(?P<seq>[A-Z*\d]*)|>(?P<put>[A-Z]+)|(?P<alt>[A-Z*=?]))"
)
_DELETED_RESIDUE = compiled_expression(r"(?P<pos>\d{1,5}(?:_\d{1,5})?)(?P<event>del|dup|ins)(?P<seq>[A-Z]+)")
_DELTA = compiled_expression(r"delta ?-?([A-Z])(\d+)", re.IGNORECASE)
_INSTEAD = compiled_expression(r"\bfor\b")
_SPOKEN_BASES = compiled_expression(
    r"\(?([ACGT])\s?(?:-to-|-{0,4}>|-{2,4}|to)\s?([ACGT])\b.*?\b(?:nucleotide|position|base|nt)\s([+-]?\d{1,6})\b"
)
_REPLACED_RANGE = compiled_expression(r"_[A-Za-z]{1,3}\d+>")
"""E746_S752>V: an older way to write delins."""
_BASE_FIRST = compiled_expression(r"([ACGT])(-?\d+)([ACGT])")
_PLACE_FIRST = compiled_expression(
    r"[*+-]?\d[\d_+-]*(?:[ACGT]+>[ACGT]+|del[ACGT]*(?:ins[ACGT]+)?|ins[ACGT]+|dup[ACGT]*|inv)"
)


@dataclass(frozen=True, slots=True)
class Spelling:
    """One way to write a change (an entry `[[form]]` of `settings/variants.toml`)."""

    id: str
    kind: str
    """protein, coding, genomic, exon, dbsnp, nucleotide or phrase."""
    expression: Expression
    weak: bool
    """Means other things too: taken only right beside a gene or a word for a change."""


@dataclass(frozen=True, slots=True)
class Change:
    """A sequence change as the text writes it."""

    start: int
    end: int
    kind: str
    hgvs_p: str | None = None
    """One-letter protein change with `p.`, frameshifts without their tail."""
    hgvs_c: str | None = None
    written: str | None = None
    """A frameshift with the tail the text gives (`p.G245Vfs*2`), where it gives one."""
    label: str | None = None
    """For changes named by their exon: `exon 19 deletion`."""
    weak: bool = False
    prefixed: bool = False
    """Written with p. or c., or in three-letter code: nothing but a sequence change."""


@dataclass(frozen=True)
class Grammar:
    """All spellings and the amino acids."""

    spellings: tuple[Spelling, ...]
    letters: Mapping[str, str]
    """Three-letter code and name, in lower case, to the one-letter code."""
    residue: Expression

    @classmethod
    def from_rulebook(cls, rulebook: RuleBook) -> "Grammar":
        """Compiles the forms of `settings/variants.toml`."""
        settings = rulebook.settings["variants"]
        acids = settings["amino_acids"]
        if not isinstance(acids, Mapping):
            acids = {}
        letters = {str(name).lower(): letter for letter, names in acids.items() for name in names}
        codes = [str(names[0]) for names in acids.values()]
        words = [str(name) for names in acids.values() for name in names[1:]]
        parts = {
            "{aaa}": "(?:" + "|".join(codes) + ")",
            "{a}": "[" + "".join(acids) + "]",
            "{name}": "(?:" + "|".join(sorted(words, key=len, reverse=True)) + ")",
            "{b}": "[ACGT]{1,30}",
            "{b1}": "[ACGT]",
        }
        forms = settings["form"]
        spellings = []
        for form in forms if isinstance(forms, list) else []:
            regex = str(form["regex"])
            for placeholder, expression in parts.items():
                regex = regex.replace(placeholder, expression)
            flags = re.NOFLAG if form.get("cased") else re.IGNORECASE
            spellings.append(
                Spelling(form["id"], form["kind"], compiled_expression(regex, flags), bool(form.get("weak")))
            )
        residue = compiled_expression("|".join(sorted((*codes, *words), key=len, reverse=True)), re.IGNORECASE)
        return cls(tuple(spellings), letters, residue)

    def find(self, text: str, kinds: Iterable[str] | None = None) -> list[Change]:
        """Changes in order, without overlap: of two that overlap the longer is kept, of equals the one listed first."""
        wanted = set(kinds) if kinds is not None else None
        found: list[Change] = []
        for spelling in self.spellings:
            if wanted is not None and spelling.kind not in wanted:
                continue
            found.extend(self._change(spelling, match) for match in spelling.expression.finditer(text))
        return _longest(found)

    def _change(self, spelling: Spelling, match: re.Match[str]) -> Change:
        start, end = _trimmed(match.group(), match.start())
        words = match.string[start:end]
        hgvs_p = self.protein(words) if spelling.kind in {"protein", "phrase"} else None
        hgvs_c = coding(words) if spelling.kind in {"coding", "nucleotide"} else None
        label = _exon_label(match) if spelling.kind == "exon" else None
        prefixed = words.lower().startswith(("p.", "p .", "c.", "c .")) or "three-letters" in spelling.id
        written = self._with_tail(words) if hgvs_p and hgvs_p.endswith("fs") else None
        return Change(start, end, spelling.kind, hgvs_p, hgvs_c, written, label, spelling.weak, prefixed)

    def protein(self, words: str) -> str | None:
        """Writes a protein change in one-letter HGVS: `p.(Arg273His)` and `R273H` are `p.R273H`; None where it can't be."""
        delta = _DELTA.fullmatch(words.strip())
        if delta:
            return f"p.{delta[1].upper()}{delta[2]}del"
        if " at " in words or " in " in words:
            return self._phrase(words)
        bare = re.sub(r"^p ?\. ?", "", words.strip())
        bare = bare if _REPLACED_RANGE.search(bare) else _ARROW.sub("", bare)
        bare = re.sub(r"[()\[\]\s-]", "", bare)
        bare = self.residue.sub(lambda match: self.letters[match.group().lower()], bare)
        bare = re.sub(r"(?i)(?:ter|stop)(?=\d*$)", "*", bare)
        bare = re.sub(r"X(?=\d*$)", "*", bare)
        match = _PROTEIN.fullmatch(bare)
        if match is None:
            other = _DELETED_RESIDUE.fullmatch(bare)
            return f"p.{bare}" if other else None
        place = match["ref"] + match["pos"]
        if match["pos2"]:
            place += f"_{match['ref2'] or ''}{match['pos2']}"
        if match["fs"] is not None:
            return f"p.{place}fs"
        if match["ext"] is not None:
            return f"p.{place}{match['ext']}"
        if match["put"]:
            return f"p.{place}delins{match['put']}"
        if match["event"]:
            # What was deleted or doubled follows from the place; what was inserted doesn't.
            inserted = match["seq"] if match["event"].endswith("ins") else ""
            return f"p.{place}{match['event']}{inserted}"
        return f"p.{place}{match['alt']}"

    def _with_tail(self, words: str) -> str | None:
        bare = re.sub(r"[()\[\]\s]|^p ?\. ?", "", words)
        bare = self.residue.sub(lambda match: self.letters[match.group().lower()], bare)
        match = re.fullmatch(r"([A-Z]\d+)([A-Z]?)fs(?:\*|X|Ter)?(\d*)", bare)
        if match is None or not (match[2] or match[3]):
            return None
        return f"p.{match[1]}{match[2]}fs" + (f"*{match[3]}" if match[3] else "")

    def _phrase(self, words: str) -> str | None:
        residues = [self.letters[match.group().lower()] for match in self.residue.finditer(words)]
        number = re.search(r"\d{1,5}(?=\D*$)", words)
        if len(residues) != 2 or number is None:
            return None
        # "A substitution of alanine for proline" puts alanine in.
        first, second = reversed(residues) if _INSTEAD.search(words) else residues
        return f"p.{first}{number[0]}{second}"


def coding(words: str) -> str | None:
    """Writes a change of the coding sequence in HGVS: `c.818G>A`, `c.375+1G>T`; None for spellings that give no place."""
    spoken = _SPOKEN_BASES.match(words)
    if spoken is not None:
        return f"c.{spoken[3]}{spoken[1]}>{spoken[2]}"
    bare = re.sub(r"^c ?\.? ?(?=[\d*(+-])|^c\.", "", words.strip())
    bare = re.sub(r"(?<=[ACGT])4(?=[ACGT]$)", ">", bare)
    bare = re.sub(r"\s*-{0,4}>\s*", ">", bare)
    bare = re.sub(r"(?<=[ACGT])\s*(?:/|-{2,4})\s*(?=[ACGT])", ">", bare)
    bare = re.sub(r"\bto\b", ">", bare)
    bare = re.sub(r"[()\s,]", "", bare) if not re.match(r"\(\d+_\d+\)", bare) else bare
    base_first = _BASE_FIRST.fullmatch(bare)
    if base_first:
        bare = f"{base_first[2]}{base_first[1]}>{base_first[3]}"
    bare = re.sub(r"(?<=\d)-(?=\d+(?:del|ins|dup))", "_", bare) if not re.search(r"[+]", bare) else bare
    return f"c.{bare}" if _PLACE_FIRST.fullmatch(bare) else None


def _exon_label(match: re.Match[str]) -> str:
    groups = match.groupdict()
    exon = groups.get("exon")
    if groups.get("deletion"):
        event = "deletion"
    else:
        event = next((name for name in ("insertion", "skipping", "duplication") if groups.get(name)), "insertion")
    return f"exon {exon} {event}"


def _trimmed(words: str, start: int) -> tuple[int, int]:
    """Drops a parenthesis that was opened or closed outside, and blanks at the end."""
    if words.startswith("(") and ")" not in words:
        words, start = words[1:], start + 1
    while words and words[-1] in ")], ":
        if words[-1] == ")" and words.count(")") <= words.count("("):
            break
        if words[-1] == "]" and words.count("]") <= words.count("["):
            break
        words = words[:-1]
    return start, start + len(words)


def _longest(changes: list[Change]) -> list[Change]:
    kept: list[Change] = []
    for change in sorted(changes, key=lambda one: (one.start, -one.end)):
        if kept and change.start < kept[-1].end:
            if change.end - change.start > kept[-1].end - kept[-1].start:
                kept[-1] = change
            continue
        kept.append(change)
    return kept
