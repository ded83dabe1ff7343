"""Copies of the rulebook with more target rules: does the number of rules cost anything?"""

import random
import re
import shutil
from pathlib import Path

from corpora import HERE, Draw

_SYLLABLES = (
    "ba",
    "cor",
    "den",
    "fil",
    "gan",
    "hep",
    "lor",
    "mi",
    "nax",
    "os",
    "pul",
    "ren",
    "sta",
    "tor",
    "vir",
    "zel",
)
_RULE = '[[target]]\nid = "generated-{number:05d}"\nfield = "{field}"\nvalue = "{value}"\nterms = ["{term}"]\n\n'


def generated_terms(count: int, seed: int) -> list[str]:
    """Two or three words each: half of them words that stand in the generated notes, though hardly together; half made up."""
    draw = random.Random(seed)  # noqa: S311 - drawing, not secrecy
    common = sorted(set(re.findall(r"[a-z]{3,}", (HERE / "invented.toml").read_text(encoding="utf-8").lower())))
    found: set[str] = set()
    while len(found) < count:
        found.add(_real(common, draw) if len(found) % 2 else _made_up(draw))
    return sorted(found)


def _real(common: list[str], draw: Draw) -> str:
    return " ".join(draw.sample(common, draw.choice((2, 3))))


def _made_up(draw: Draw) -> str:
    return " ".join("".join(draw.choices(_SYLLABLES, k=3)) for _ in range(2))


def with_more_rules(rules: Path, folder: Path, terms: list[str], field: str, value: str) -> Path:
    """A copy of a folder of rules in which each of these terms is a target rule for that value.

    Returns:
        The copy.
    """
    copy = folder / f"rules-{len(terms)}"
    shutil.copytree(rules, copy)
    text = "".join(
        _RULE.format(number=number, field=field, value=value, term=term) for number, term in enumerate(terms)
    )
    (copy / "targets" / "generated.toml").write_text(text, encoding="utf-8")
    return copy
