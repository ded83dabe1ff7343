"""The documents that claim to list something list all of it."""

from pathlib import Path

import pytest
from pydantic import BaseModel

from abstractor.rulebook.schema import AttributeSpec, ContextRule, FieldSpec, TargetRule

ROOT = Path(__file__).parents[2]
RULES = (ROOT / "docs" / "rules.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("entry", [FieldSpec, AttributeSpec, TargetRule, ContextRule])
def test_every_key_of_a_rule_is_explained(entry: type[BaseModel]) -> None:
    code = RULES.replace("`", " ").replace("=", " ").replace(",", " ").replace(";", " ").replace(":", " ").split()
    assert [name for name in entry.model_fields if name not in code] == []


def test_every_folder_and_file_of_the_rules_is_named() -> None:
    several = {path.relative_to(ROOT / "rules").parts[0] for path in (ROOT / "rules").rglob("*.*")}
    assert sorted(name for name in several if name not in RULES) == []
