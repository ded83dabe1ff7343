"""Equal facts meet in one slot; different questions never do."""

import pytest

from abstractor.model.finding import Assertion
from abstractor.rulebook.schema import FieldSpec
from abstractor.rulebook.slots import numbered, slot_date, slot_key


@pytest.mark.parametrize(
    ("field", "value", "assertion", "date", "slot"),
    [
        ("stage.valg", "limited", "present", "2024-03-01", "stage.valg"),
        ("stage.valg", "extensive", "present", None, "stage.valg"),
        ("metastasis", "liver", "present", "2024-03-01", "metastasis:liver"),
        ("metastasis", "liver", "absent", None, "metastasis:liver:absent"),
        ("ihc", "TTF-1 positive", "present", None, "ihc:TTF-1 positive"),
        ("response", "PR", "present", "2024-03-01", "response@2024-03-01"),
        ("response", "PD", "present", "2024-03-01", "response@2024-03-01"),
        ("response", "PD", "present", None, "response@undated"),
        ("systemic_therapy", "carboplatin", "present", "2024-01-22", "systemic_therapy:carboplatin@2024-01-22"),
        ("systemic_therapy", "carboplatin", "absent", "2024-01-22", "systemic_therapy:carboplatin:absent"),
    ],
)
def test_a_fact_has_the_slot_of_its_question(
    fields: dict[str, FieldSpec], field: str, value: str, assertion: str, date: str | None, slot: str
) -> None:
    assert slot_key(fields[field], value, Assertion(assertion), date) == slot


@pytest.mark.parametrize(
    ("slot", "date"),
    [
        ("response@2024-03-01", "2024-03-01"),
        ("response@2024-03", "2024-03"),
        ("response@2024-03-01#2", "2024-03-01"),
        ("radiotherapy:pci@2024-03-01", "2024-03-01"),
        ("response@undated", None),
        ("response@undated#2", None),
        ("stage.valg", None),
    ],
)
def test_the_date_of_a_slot_is_that_of_its_event(slot: str, date: str | None) -> None:
    assert slot_date(slot) == date


def test_a_second_statement_on_one_question_is_numbered_and_the_first_is_not() -> None:
    assert numbered("response@2024-03-01", 1) == "response@2024-03-01"
    assert numbered("response@2024-03-01", 2) == "response@2024-03-01#2"
