"""Model objects to JSON columns and back."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from abstractor.model.suggestion import Evidence


def evidence_rows(evidence: tuple[Evidence, ...]) -> list[dict[str, object]]:
    return [asdict(one) for one in evidence]


def read_evidence(rows: list[dict[str, Any]]) -> tuple[Evidence, ...]:
    return tuple(Evidence(**row) for row in rows)


def plain(attributes: Mapping[str, object]) -> dict[str, object]:
    """Attributes as JSON takes them: tuples become lists."""
    return {key: list(value) if isinstance(value, tuple) else value for key, value in attributes.items()}
