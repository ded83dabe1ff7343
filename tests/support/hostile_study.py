"""A registry of odd ids and odd values, such as an import may bring: what the grammar of a format could trip over."""

from pathlib import Path

from exported_study import A, P, Said, Study, decided_as

from abstractor.model.note import Note
from abstractor.registry.decisions import record_all
from abstractor.registry.engine import Registry
from abstractor.registry.notes import add_notes
from abstractor.rulebook.book import RuleBook

IDS = (
    "NA", "na", "[null]", "[Not Available]", "#hash", "jan-12", "12-Feb", "x" * 200, "x" * 201, "é", "日本", "a b", "a\tb",
    'a"b', "=1+1", "-1", "1", "TCGA-1", "PATIENT_ID", "a\u2028b", "a/b", "..", "A-1", "a-1", "\ufeffx", "\U0001f600", "<b>&",
)  # fmt: skip
VARIANTS = (
    "TP53 p.R175H", "TP53 p.R175H;p.G12D", "TP53 p.[R175H;G12D]", "tp53 p.R1H", "#X p.R1H", "É p.R1H", "MYC amplification",
    "myc amplification", "MYC loss", f"ERBB2 p.G1_H2ins{'A' * 300}", "NA p.R1H", "Unknown mutation", "RET fusion", "-RET fusion",
    "KIF5B-RET fusion", "kif5b-ret fusion", "BCR--ABL1 fusion", "- fusion", "TP53", "TP53 c.375+1G>A", "9G8 p.R1H",
    "HLA-A p.R1H", '"TP53" p.R1H', "TP53 p.R175H p.R1H",
)  # fmt: skip
ODD: tuple[Said, ...] = (
    ("", "vital_status", "dead", P, None, None, {}),
    ("", "pd_l1", "Jan-12", P, None, None, {}),
    ("", "tmb", '10\tmut\r\n"x"\x0b<y>&amp; é', P, None, None, {}),
    ("", "primary_site", "#site é", P, None, None, {}),
    ("", "pack_years", ">40 or so", P, None, None, {}),
    ("", "ecog", "1", P, "2024-02-30", None, {}),
    ("", "ecog", "2", P, "2023-05", None, {}),
    ("", "stage.t", "not told", P, None, None, {}),
    ("", "stage.group", "IV", P, None, None, {}),
    ("", "surgery", "lobectomy", P, "2023-01-01", None, {"note": "a\nb"}),
    ("", "radiotherapy", "thoracic", P, None, None, {"dose_gy": "45 Gy"}),
    ("", "radiotherapy", "pci", P, "2024-03-01", "2024-02", {}),
    ("", "systemic_therapy", "étoposide <oral>", P, "2024", "2023", {}),
    ("", "response", "PR", P, "2024-05", None, {}),
    ("", "variant", "EGFR mutation", A, None, None, {}),
)
"""Said of every patient."""


def hostile(registry: Registry, rulebook: RuleBook, folder: Path, *, variants: bool = True) -> Study:
    """Puts the odd patients into a registry: a third diagnosed on a day, a third in a year, a third nobody knows when."""
    add_notes(registry, [Note(f"N-{at}", "Text.", one, None, "clinic") for at, one in enumerate(IDS)], "test")
    said: list[Said] = []
    for at, one in enumerate(IDS):
        day = (None, "2024-01-10", "2024")[at % 3]
        if day:
            said.append((one, "diagnosis_date", day, P, day, None, {}))
        said += [(one, *rest) for _, *rest in ODD]  # type: ignore[misc]
        if variants:
            said += [
                (one, "variant", value, P, None, None, {"germline": at % 5 == 0, "vaf": "n/a"}) for value in VARIANTS
            ]
    record_all(registry, [decided_as(rulebook.fields, number, one, "ab" * 32) for number, one in enumerate(said)])
    return Study(registry, rulebook, folder)
