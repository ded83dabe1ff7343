"""Finds names of genes in text: symbols, older names, spelling with and without hyphens. It never decides what is said of them."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum
from itertools import pairwise

from abstractor.pipeline.sieve import compiled_expression
from abstractor.rulebook.book import RuleBook

_TOKEN = compiled_expression(r"[A-Za-z]+\d*[A-Za-z0-9]*|\d+[A-Za-z0-9]*")
_LONGEST_SEPARATOR = 2
_FURTHER_MEMBERS = compiled_expression(r"(?:/(?:\d{1,2}[A-Z]?|[A-Z])(?![A-Za-z0-9]))+")
_GLUED = compiled_expression(
    r"([A-Z][A-Z0-9]{2,6}?)(?:[ACDEFGHIKLMNPQRSTVWY]\d{2,4}[ACDEFGHIKLMNPQRSTVWYX]|ex(?:on)?\d{1,2}[a-z]{0,12}|(?:mut(?:ant|ated)?|[wW][tT]|amp|del))"
)
"""BRAFV600E, METex14, TP53mut."""
_RANGE = compiled_expression(r"-(\d)(?![A-Za-z0-9%])")


class Trust(IntEnum):
    """How sure it is that the word names a gene."""

    RARE = 0
    """A symbol outside the cancer panels: only with an alteration spelled out beside it."""
    AMBIGUOUS = 1
    """Also a common word or abbreviation, or written in unusual case: only with an alteration or result beside it."""
    SAFE = 2


@dataclass(frozen=True, slots=True)
class GeneMention:
    """One or more genes named by one stretch of text ("NTRK1/2/3" names three)."""

    start: int
    end: int
    symbols: tuple[str, ...]
    """HGNC symbols."""
    trust: Trust
    protein: bool = False
    """The name is the protein's ("p53"): by itself it is immunohistochemistry."""


@dataclass(frozen=True, slots=True)
class _Name:
    symbol: str
    tokens: tuple[str, ...]
    """As written in the vocabulary, without separators."""
    ambiguous: bool
    rare: bool
    protein: bool


@dataclass(frozen=True)
class GeneLexicon:
    """All names, by their first token in lower case, the longest first."""

    names: Mapping[str, tuple[_Name, ...]]
    symbols: frozenset[str]
    never: frozenset[str]
    """Words that look like a gene in other case and are none (eGFR)."""

    @classmethod
    def from_rulebook(cls, rulebook: RuleBook) -> "GeneLexicon":
        """Reads `vocab/genes.csv`, `settings/gene_symbols.toml` and the name lists of `settings/variants.toml`."""
        defaults = rulebook.settings["variants"]["defaults"]
        proteins = frozenset(_strings(defaults, "protein_names"))
        entries: list[_Name] = []
        for gene in rulebook.genes():
            unsure = set(gene.ambiguous)
            for name in dict.fromkeys((gene.symbol, *gene.aliases, *gene.ambiguous)):
                tokens = tuple(_TOKEN.findall(name))
                if tokens:
                    entries.append(_Name(gene.symbol, tokens, name in unsure, rare=False, protein=name in proteins))
        known = {entry.symbol for entry in entries}
        listed = str(rulebook.settings.get("gene_symbols", {}).get("symbols", "")).split()
        entries.extend(_Name(symbol, (symbol,), True, True, False) for symbol in listed if symbol not in known)
        grouped: dict[str, list[_Name]] = {}
        for entry in entries:
            grouped.setdefault(entry.tokens[0].lower(), []).append(entry)
        return cls(
            names={
                token: tuple(sorted(some, key=lambda one: (-len(one.tokens), one.rare, one.ambiguous)))
                for token, some in grouped.items()
            },
            symbols=frozenset(known) | frozenset(listed),
            never=frozenset(_strings(defaults, "never")),
        )

    def find(self, text: str) -> list[GeneMention]:
        """Gene names in order, without overlap; offsets into `text`."""
        tokens = [(match.group(), match.start(), match.end()) for match in _TOKEN.finditer(text)]
        found: list[GeneMention] = []
        index = 0
        while index < len(tokens):
            hit = self._at(text, tokens, index)
            if hit is None:
                index += 1
                continue
            mention, used = hit
            found.append(mention)
            index += used
            while index < len(tokens) and tokens[index][1] < mention.end:
                index += 1
        return found

    def _at(self, text: str, tokens: list[tuple[str, int, int]], index: int) -> tuple[GeneMention, int] | None:
        surface, start, _ = tokens[index]
        names = self.names.get(surface.lower())
        if not names:
            glued = _GLUED.fullmatch(surface)
            candidates = self.names.get(glued[1].lower(), ()) if glued else ()
            symbol = next((one.symbol for one in candidates if not one.rare and len(one.tokens) == 1), None)
            if glued and symbol is not None:
                return GeneMention(start, start + len(glued[1]), (symbol,), Trust.SAFE), 1
        if not names or surface in self.never:
            return None
        for name in names:
            count = len(name.tokens)
            stretch = tokens[index : index + count]
            written = tuple(token for token, _, _ in stretch)
            if "".join(written).lower() != "".join(name.tokens).lower() or not _joined(text, stretch):
                continue
            trust = _trust(name, written)
            if trust is None:
                continue
            symbols, end = self._members(text, name.symbol, stretch[-1][2])
            return GeneMention(start, end, symbols, trust, name.protein), count
        return None

    def _members(self, text: str, symbol: str, end: int) -> tuple[tuple[str, ...], int]:
        """Reads on where a family is written short: NTRK1/2/3, FGFR1-3, CDKN2A/B."""
        further = _FURTHER_MEMBERS.match(text, end)
        if further:
            parts = further.group().split("/")[1:]
            symbols = [_replace_tail(symbol, part) for part in parts]
            if all(one in self.symbols for one in symbols):
                return (symbol, *symbols), further.end()
        span = _RANGE.match(text, end)
        if span and symbol[-1].isdigit() and int(symbol[-1]) < int(span[1]):
            symbols = [symbol[:-1] + str(number) for number in range(int(symbol[-1]) + 1, int(span[1]) + 1)]
            if all(one in self.symbols for one in symbols):
                return (symbol, *symbols), span.end()
        return (symbol,), end


def _strings(table: object, key: str) -> Iterator[str]:
    if isinstance(table, Mapping):
        yield from (str(one) for one in table.get(key, ()))


def _joined(text: str, stretch: list[tuple[str, int, int]]) -> bool:
    """Whether the tokens stand side by side, with no more than a hyphen, slash or blank between them."""
    for (_, _, end), (_, start, _) in pairwise(stretch):
        between = text[end:start]
        if len(between) > _LONGEST_SEPARATOR or between.strip(" -/\n"):
            return False
    return True


def _trust(name: _Name, surface: tuple[str, ...]) -> Trust | None:
    """None where the spelling rules the name out."""
    exact = surface == name.tokens
    if name.rare:
        return Trust.RARE if exact else None
    if name.ambiguous:
        return Trust.AMBIGUOUS if exact else None
    if exact:
        return Trust.SAFE
    written = "".join(surface)
    if len(name.tokens) > 1 or any(letter.isdigit() for letter in written):
        return Trust.SAFE if len(written) > 3 else Trust.AMBIGUOUS
    return Trust.AMBIGUOUS


def _replace_tail(symbol: str, part: str) -> str:
    """NTRK1 and 2 make NTRK2; CDKN2A and B make CDKN2B; MSH2 and 6 make MSH6."""
    stem = re.sub(r"\d+[A-Z]?$" if part[0].isdigit() else r"[A-Z]$", "", symbol)
    return stem + part
