"""An alteration as the registry writes it, `GENE what`, taken apart for formats that keep genes and changes in columns of their own."""

import re
from dataclasses import dataclass

_SYMBOL = re.compile(r"[A-Z][A-Z0-9-]*")
_NO_GENES = frozenset({"NA", "NULL", "UNKNOWN"})
"""Words that a portal takes for "no gene"."""
_LONGEST_CHANGE = 255
_SEVERAL = re.compile(r"[,;]|.p\.")
"""More than one change in one value."""


@dataclass(frozen=True, slots=True)
class Alteration:
    """`TP53 p.R175H`, `MYC amplification`, `KIF5B-RET fusion`."""

    genes: tuple[str, ...]
    """One, in capitals; of a fusion the partners that are told, in their order."""
    change: str
    """What is said of the gene; blank where it is only named."""
    word: str
    """The last word of it, blank for exons: `exon 19 deletion` is no lost copy."""

    @property
    def gene(self) -> str:
        """The gene that it is counted under: of a fusion the last partner."""
        return self.genes[-1]

    @property
    def told_change(self) -> str | None:
        """The change as one cell; None where nothing but "mutation" is told, or where it is several, or longer than a portal takes."""
        return self.change if self.change not in ("", "mutation") and not self.is_unheld else None

    @property
    def is_unheld(self) -> bool:
        """Whether there is a change that one cell can't hold."""
        return len(self.change) > _LONGEST_CHANGE or _SEVERAL.search(self.change) is not None


def read_alteration(value: str) -> Alteration | None:
    """Takes a value apart; None where its gene is no symbol that a portal could look up."""
    gene, _, change = " ".join(value.split()).partition(" ")
    word = "" if change.startswith("exon ") else change.rpartition(" ")[2]
    parts = gene.upper().rpartition("-") if word == "fusion" else (gene.upper(),)
    genes = tuple(part.strip("-") for part in parts if part.strip("-"))
    if not genes or any(not _SYMBOL.fullmatch(one) or one in _NO_GENES for one in genes):
        return None
    return Alteration(genes, change, word)
