"""How well variant mentions are found in published annotated texts, and how much of the HGVS notation is read.

    python benchmarks/variants.py [SHARED_FOLDER]

Prints, for the train parts of SETH, tmVar and the AMIA corpus: strict (the same characters), normalised (the same change in the same
text, however it is written) and gene figures; and which share of written HGVS names the grammar reads. Gold mentions are normalised
here, by an own small reading of them, so that a fault of the pipeline's normaliser shows. What is not there is skipped, with a line
that says so.
"""

import json
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from abstractor.api import Abstractor
from abstractor.pipeline.variants import VariantMention, VariantReader
from abstractor.rulebook.load import load_rulebook

SHARED = Path(__file__).resolve().parents[2] / "shared"
TYPES = {
    "SETH": {"SNP", "RS"},
    "tmvar": {"ProteinMutation", "DNAMutation", "SNP"},
    "amia": {"DNA_Mutation", "Protein_Mutation", "Mutation", "dbSNP", "RNA_Mutation"},
}
GENE_TYPES = {"Gene", "Gene_protein"}
GENE_RELATIONS = {"AssociatedTo", "Has_Mutation"}
ACIDS = dict(
    zip(
        "Ala Arg Asn Asp Cys Gln Glu Gly His Ile Leu Lys Met Phe Pro Ser Thr Trp Tyr Val Ter Stop".lower().split(),
        "ARNDCQEGHILKMFPSTWYV**",
        strict=True,
    )
)
ACID_NAMES = """alanine arginine asparagine aspartic|aspartate cysteine glutamine glutamic|glutamate glycine histidine
isoleucine leucine lysine methionine phenylalanine proline serine threonine tryptophan tyrosine valine"""
NAMES = dict(zip(ACID_NAMES.split(), "ARNDCQEGHILKMFPSTWYV", strict=True))


@dataclass
class Tally:
    """Hits, finds and wants of one measure."""

    hits: int = 0
    found: int = 0
    wanted: int = 0

    def add(self, ours: set[Any], gold: set[Any]) -> None:
        self.hits, self.found, self.wanted = (
            self.hits + len(ours & gold),
            self.found + len(ours),
            self.wanted + len(gold),
        )

    def __str__(self) -> str:
        precision, recall = self.hits / max(self.found, 1), self.hits / max(self.wanted, 1)
        return f"P {precision:.3f}  R {recall:.3f}  F1 {2 * self.hits / max(self.found + self.wanted, 1):.3f}  (n {self.wanted})"


@dataclass
class Figures:
    """The measures of one corpus."""

    strict: Tally = field(default_factory=Tally)
    change: Tally = field(default_factory=Tally)
    pair: Tally = field(default_factory=Tally)


def canonical(words: str) -> str:
    """One spelling for one change: `R273H`, `818G>A`, `E746_A750del`, `rs1042522`; words that fit nothing, without blanks."""
    bare = re.sub(r"^\(|\)$", "", words.strip()) if words.count("(") != words.count(")") else words.strip()
    spoken = _spoken(bare)
    if spoken is not None:
        return spoken
    bare = re.sub(r"^(?:[pcgmnr]\s?\.\s?|[cg](?=[-\d]))", "", bare)
    bare = re.sub(r"-{0,4}>|-{2,4}(?=\s?[A-Z])|/|\bto\b|→", ">", bare)
    bare = re.sub(r"[()\[\]\s,]", "", bare)
    bare = re.sub(r"(?i)" + "|".join(ACIDS), lambda match: ACIDS[match.group().lower()], bare)
    bare = re.sub(r"X$", "*", bare)
    bare = re.sub(r"(?i)^delta([A-Z]\d+)$", r"\1del", bare)
    bare = re.sub(r"^([+*-]?\d+)-(?=\d+(?:del|dup|ins))", r"\1_", bare)
    bare = re.sub(r"^(\d+[ACGT])4([ACGT])$", r"\1>\2", bare)
    base = re.fullmatch(r"([+*-]?\d[\d_+-]*)([ACGT]+)>([ACGT]+)", bare)
    if base:
        return f"{base[1].removeprefix('+')}{base[2]}>{base[3]}"
    first = re.fullmatch(r"([ACGT])(-\d+|\d{4,})([ACGT])", bare)
    if first and words.lstrip("(")[:2] != "p.":
        return f"{first[2]}{first[1]}>{first[3]}"
    residue = re.fullmatch(r"([A-Z*])-?(\d+)>?([A-Z*=])", bare)
    if residue:
        return f"{residue[1]}{residue[2]}{residue[3]}"
    shift = re.fullmatch(r"([A-Z]\d+)[A-Z]?fs.*", bare, re.IGNORECASE)
    if shift:
        return f"{shift[1]}fs"
    gone = re.fullmatch(r"([A-Z]?\d+(?:_[A-Z]?\d+)?)(del|dup)[A-Z]*", bare)
    if gone:
        return f"{gone[1]}{gone[2]}"
    return bare.lower().removeprefix("rs#") if bare.lower().startswith("rs") else bare


def _spoken(words: str) -> str | None:
    """A change told in words: "arginine to histidine at codon 273", "C to T transition at nucleotide 571"."""
    letters = dict(NAMES) if re.search(r"(?i)" + "|".join(NAMES), words) else {f"{name}": ACIDS[name] for name in ACIDS}
    residues = [
        letter
        for _, letter in sorted(
            (match.start(), letter)
            for name, letter in letters.items()
            for match in re.finditer(rf"(?i)\b(?:{name})\b", words)
        )
    ]
    number = re.search(r"\d+(?:,\d{3})*", words)
    if len(residues) == 2 and number and re.search(r"[a-z]{4}", words):
        first, second = residues[::-1] if re.search(r"\bfor\b", words) else residues
        return f"{first}{number[0]}{second}"
    bases = re.search(r"\b([ACGT])(?:\s?-{0,4}>\s?|-{4}|-to-| to | by )([ACGT])\b", words)
    place = re.search(r"(?:nucleotide|position|base|nt|cDNA)\D{0,12}?([+-]?\d+)", words)
    return f"{place[1]}{bases[1]}>{bases[2]}" if bases and place else None


def change_of(mention: VariantMention) -> str:
    """The change a finding gives, spelled as `canonical` does."""
    given = mention.hgvs_p or mention.hgvs_c
    return canonical(given) if given else canonical(mention.text)


def documents(path: Path) -> Iterator[dict[str, Any]]:
    """The texts of one corpus with their entities and relations."""
    for entry in json.loads(path.read_text(encoding="utf-8"))["documents"]:
        yield entry["document"]


def measure(
    path: Path, kinds: set[str], find: Callable[[str], list[VariantMention]], symbol: Callable[[str], str | None]
) -> Figures:
    """All figures of one corpus. Mentions without a figure ("mutations") are no changes and are left out on both sides."""
    figures = Figures()
    for document in documents(path):
        text = document["text"]
        entities = {one["ID"]: one for one in document["entities"]}
        gold = [
            one for one in entities.values() if one["type"] in kinds and re.search(r"\d|[ACGT]\W+[ACGT]", one["text"])
        ]
        ours = find(text)
        figures.strict.add({(one.start, one.end) for one in ours}, {(one["begin"], one["end"]) for one in gold})
        figures.change.add({change_of(one) for one in ours}, {canonical(one["text"]) for one in gold})
        pairs = set(_pairs(document["relations"], entities, kinds, symbol))
        related = {change for change, _ in pairs}
        figures.pair.add({(change_of(one), one.gene) for one in ours if change_of(one) in related}, pairs)
    return figures


def _pairs(
    relations: Iterable[dict[str, str]],
    entities: dict[str, dict[str, Any]],
    kinds: set[str],
    symbol: Callable[[str], str | None],
) -> Iterator[tuple[str, str]]:
    """Changes with the gene that the annotators tied to them, where its name has a symbol."""
    for relation in relations:
        ends = [entities[relation[key]] for key in ("arg1", "arg2") if relation[key] in entities]
        gene = next((one for one in ends if one["type"] in GENE_TYPES), None)
        change = next((one for one in ends if one["type"] in kinds and re.search(r"\d", one["text"])), None)
        name = symbol(gene["text"]) if gene else None
        if relation["type"] in GENE_RELATIONS and change and name:
            yield canonical(change["text"]), name


def grammar_shares(folder: Path, find: Callable[[str], list[VariantMention]]) -> Iterator[str]:
    """The share of names that are read whole: ClinVar's, and the valid and invalid lines of the grammar's own test."""
    names = [
        name.partition(":")[2]
        for line in (folder / "clinvar.txt").read_text(encoding="utf-8").splitlines()[1:]
        if not line.startswith("#")
        for name in line.split("\t")[-1].split()
    ]
    for prefix in "cgmnp":
        some = sorted({name for name in names if name.startswith(f"{prefix}.")})
        if some:
            yield _share(f"ClinVar {prefix}.", some, find)
    valid, invalid = _written(folder / "grammar_test.tsv")
    yield _share("grammar test, valid", valid, find)
    yield _share("grammar test, invalid (fewer is better)", invalid, find)


def _written(path: Path) -> tuple[list[str], list[str]]:
    """Whole variants of the grammar's test: those it calls valid, those it calls invalid."""
    prefixes = {"c_posedit": "c.", "p_posedit": "p.", "g_posedit": "g.", "n_posedit": "n.", "m_posedit": "m."}
    lists: dict[str, list[str]] = {"True": [], "False": []}
    for line in path.read_text(encoding="utf-8").splitlines():
        parts = line.split("\t")
        if len(parts) < 3 or parts[2] not in lists:
            continue
        kind = parts[0]
        if kind in prefixes or re.fullmatch(r"[cgmnp]_(?:typed_posedit|variant)|hgvs_variant", kind):
            some = parts[1].split("|") if "|" in parts[1] and "(Phe|Phe)" not in parts[1] else [parts[1]]
            lists[parts[2]].extend(
                prefixes.get(kind, "") + one.partition(":")[2] if ":" in one else prefixes.get(kind, "") + one
                for one in some
            )
    return [one for one in lists["True"] if not one.startswith("r.")], lists["False"]


def _share(name: str, names: list[str], find: Callable[[str], list[VariantMention]]) -> str:
    read = sum(any(one.text == name for one in find(f"variant {name} detected")) for name in names)
    return f"{name:<42} {read}/{len(names)}  {read / max(len(names), 1):.3f}"


def main(folder: Path) -> None:
    """Prints everything that can be measured with what lies in the folder."""
    abstractor = Abstractor.load()
    lexicon = VariantReader.from_rulebook(load_rulebook()).lexicon

    def symbol(name: str) -> str | None:
        genes = lexicon.find(name)
        return genes[0].symbols[0] if genes else None

    for name, kinds in TYPES.items():
        path = folder / "corpora" / "variants" / f"{name}-train.json"
        if not path.is_file():
            print(f"{name}: skipped, the corpus is not beside the project")
            continue
        figures = measure(path, kinds, abstractor.variants, symbol)
        print(f"{name:<6} strict           {figures.strict}")
        print(f"{'':<6} normalised       {figures.change}")
        if figures.pair.wanted:
            print(f"{'':<6} gene and change  {figures.pair}")
    if (folder / "corpora" / "hgvs").is_dir():
        for line in grammar_shares(folder / "corpora" / "hgvs", abstractor.variants):
            print(line)
    else:
        print("hgvs: skipped, the names are not beside the project")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else SHARED)
