"""A variant as people type it (`tp53 r175h`, `egfr ex19del`, `EML4-ALK`), in the one form the registry keeps. Pure.

The spelling of changes is that of the rulebook (`settings/variants.toml`), as the reading of notes has it.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from rapidfuzz import process
from rapidfuzz.distance import DamerauLevenshtein

from abstractor.pipeline.variant_grammar import Change, Grammar
from abstractor.rulebook.book import RuleBook
from abstractor.rulebook.schema import Code

_NEAR = 3
"""Gene symbols named where one is not known."""
_HGVS = re.compile(r"[pcgnm]\s?\.", re.IGNORECASE)
_PARTNERS = re.compile(r"\s*(?:::|--?|/)\s*")
_BASES = re.compile(r"[acgt]+(?=>)|(?<=>)[acgt]+|(?<=del|ins|dup)[acgt]+", re.IGNORECASE)
_ANY_RESIDUE = re.compile(r"(?:p\.\s?)?([A-Z])(\d+)X", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class VariantReading:
    """What typed words say."""

    value: str
    problem: str = ""
    doubt: str = ""


@dataclass(frozen=True)
class VariantReader:
    """Gene symbols and the spelling of changes."""

    book: RuleBook

    @cached_property
    def _grammar(self) -> Grammar | None:
        return Grammar.from_rulebook(self.book) if "variants" in self.book.settings else None

    @cached_property
    def _symbols(self) -> Mapping[str, str]:
        """Every name of a gene in capitals, to its symbol; symbols go before names of other genes."""
        names = {name.upper(): gene.symbol for gene in self.book.genes() for name in gene.aliases}
        listed = str(self.book.settings.get("gene_symbols", {}).get("symbols", "")).split()
        names |= {symbol.upper(): symbol for symbol in listed}
        return names | {gene.symbol.upper(): gene.symbol for gene in self.book.genes()}

    @cached_property
    def genes(self) -> tuple[Code, ...]:
        """The genes of the vocabulary, for choosing."""
        return tuple(
            Code(code=gene.symbol, label=gene.symbol, synonyms=(*gene.aliases, *gene.names))
            for gene in self.book.genes()
        )

    @cached_property
    def _words(self) -> tuple[tuple[str, re.Pattern[str]], ...]:
        """Kinds of alteration, with the words for each."""
        kinds = self.book.settings.get("variants", {}).get("alterations", {})
        if not isinstance(kinds, Mapping):
            return ()
        return tuple((str(kind), re.compile("|".join(map(str, forms)), re.IGNORECASE)) for kind, forms in kinds.items())

    @property
    def kinds(self) -> tuple[str, ...]:
        """The words for an alteration that is not given as a change of the sequence."""
        return tuple(kind for kind, _ in self._words)

    def symbol(self, name: str) -> str | None:
        """The symbol of a gene by any of its names; None for an unknown one."""
        return self._symbols.get(name.upper())

    def read(self, typed: str) -> VariantReading:
        """Reads `GENE ALTERATION`."""
        text = " ".join(typed.split())
        named, _, said = text.partition(" ")
        if not said:
            return VariantReading(text, problem="a gene and its alteration: TP53 p.R175H, RB1 loss, EML4-ALK fusion")
        if self._grammar is None:
            return VariantReading(text)
        gene, doubt = self._gene(named)
        if _HGVS.match(named):
            return VariantReading(text, problem="the gene comes first: TP53 p.R175H")
        alteration, wrong, unsure = self._alteration(gene, said)
        return VariantReading(f"{gene} {alteration}", wrong, doubt or unsure)

    def _gene(self, named: str) -> tuple[str, str]:
        """The symbol, or the two of a fusion; with what is doubtful about them."""
        symbol = self.symbol(named)
        if symbol is not None:
            return symbol, ""
        partners = [part for part in _PARTNERS.split(named) if part]
        known = [self.symbol(part) for part in partners]
        if len(partners) == 2 and all(known):
            return "-".join(one for one in known if one), ""
        unknown = next((part for part, one in zip(partners, known, strict=True) if one is None), named)
        return named, f"{unknown} is no gene symbol we know{self._near(unknown)}"

    def _near(self, unknown: str) -> str:
        """Symbols that differ by a letter or two, for the doubt."""
        found = process.extract(
            unknown.upper(), self._symbols.keys(), scorer=DamerauLevenshtein.distance, score_cutoff=1, limit=_NEAR
        )
        near = sorted({self._symbols[name] for name, _, _ in found})
        return f" (near: {', '.join(near)})" if near else ""

    def _alteration(self, gene: str, said: str) -> tuple[str, str, str]:
        """The alteration in one form, what is wrong with it, and what is doubtful."""
        any_residue = self._any_residue(gene, said)
        if any_residue:
            return any_residue, "", ""
        change = self._whole_change(said)
        if change:
            return change, "", ""
        kind = next((kind for kind, words in self._words if said.casefold() == kind or words.fullmatch(said)), None)
        if kind is not None:
            return kind, "", ""
        if _HGVS.match(said):
            return said, "this is no change we can read; write p.R175H, p.E746_A750del, p.S82fs or c.375+1G>T", ""
        return said, "", f"not a change or a word for one ({', '.join(self.kinds)})"

    def _whole_change(self, said: str) -> str | None:
        """A change that the words are, from the first letter to the last."""
        assert self._grammar is not None
        bases = _BASES.sub(lambda match: match.group().upper(), said)
        for words in dict.fromkeys((said, bases, said.upper())):
            for one in self._grammar.find(words):
                if (one.start, one.end) == (0, len(words)) and (form := _form(one)):
                    return form
        return None

    def _any_residue(self, gene: str, said: str) -> str | None:
        """G719X: a last letter X that means any residue, where the rulebook says so of this place."""
        match = _ANY_RESIDUE.fullmatch(said)
        residues = self.book.settings.get("variants", {}).get("residues", {})
        listed = residues.get("any", ()) if isinstance(residues, Mapping) else ()
        if match and f"{gene} {match[1].upper()}{match[2]}" in listed:
            return f"p.{match[1].upper()}{match[2]}X"
        return None


def _form(change: Change) -> str | None:
    return change.written or change.hgvs_p or change.hgvs_c or change.label
