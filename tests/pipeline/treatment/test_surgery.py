"""Operations on this cancer."""

from collections.abc import Callable

import pytest

Said = Callable[..., set[tuple[str, str]]]
FIELD = "surgery"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("Underwent left upper lobectomy.", "lobectomy"),
        ("Status post right pneumonectomy.", "pneumonectomy"),
        ("VATS wedge resection of the RUL nodule was performed.", "wedge_resection"),
        ("Underwent lingular segmentectomy.", "segmentectomy"),
        ("Craniotomy with resection of the frontal metastasis in May.", "craniotomy"),
        ("Underwent resection of the liver metastasis.", "metastasectomy"),
        ("The primary tumour was resected.", "other_resection"),
    ],
)
def test_operations_are_named_by_their_kind(said: Said, text: str, value: str) -> None:
    assert (value, "present") in said(FIELD, text)


@pytest.mark.parametrize(
    ("text", "fact"),
    [
        ("He declined lobectomy.", ("lobectomy", "absent")),
        ("The tumour is inoperable.", ("other_resection", "absent")),
        ("Referred for consideration of lobectomy.", ("lobectomy", "hypothetical")),
        ("Colon cancer 2011, hemicolectomy.", ("other_resection", "historical")),
    ],
)
def test_refused_planned_and_former_operations(said: Said, text: str, fact: tuple[str, str]) -> None:
    assert said(FIELD, text) == {fact}


@pytest.mark.parametrize(
    "text", ["VATS biopsy of the pleura.", "CT-guided core biopsy.", "Appendectomy in childhood.", "EBUS-TBNA of 4R."]
)
def test_biopsies_and_other_operations_are_none(said: Said, text: str) -> None:
    assert said(FIELD, text) == set()
