"""`facts.csv`: every confirmed fact with who decided it; same facts, same bytes."""

import csv
import io

from abstractor.exports.facts import facts_csv
from abstractor.model.fact import Fact
from abstractor.model.finding import Assertion
from abstractor.model.suggestion import Evidence

FACTS = [
    Fact("P2", "stage.valg", "limited", source="review", decided_by="mortiz", decided_at="2024-05-01T08:00:00+00:00"),
    Fact(
        "P1",
        "radiotherapy",
        "thoracic",
        Assertion.PRESENT,
        "2024-03-01",
        "2024-04-11",
        {"fractions": 30, "dose_gy": 45.0, "site": "é"},
        evidence=(Evidence("N1", 5, 9, "word"), Evidence("N2", 1, 2, "w")),
    ),
    Fact("=P", "metastasis", "liver", Assertion.ABSENT),
]


def test_a_row_holds_what_the_fact_says_and_where_its_first_words_stand() -> None:
    rows = list(csv.DictReader(io.StringIO(facts_csv(FACTS), newline="")))
    assert [row["patient_id"] for row in rows] == ["'=P", "P1", "P2"]
    assert rows[1] == {
        "patient_id": "P1",
        "field": "radiotherapy",
        "value": "thoracic",
        "assertion": "present",
        "date": "2024-03-01",
        "end_date": "2024-04-11",
        "attributes": '{"dose_gy": 45.0, "fractions": 30, "site": "é"}',
        "source": "",
        "decided_by": "",
        "decided_at": "",
        "note_id": "N1",
        "start": "5",
        "end": "9",
    }
    assert (rows[2]["source"], rows[2]["decided_by"], rows[2]["note_id"]) == ("review", "mortiz", "")


def test_the_order_the_facts_come_in_does_not_matter() -> None:
    assert facts_csv(FACTS) == facts_csv(reversed(FACTS))


def test_no_facts_are_a_header() -> None:
    assert facts_csv([]).count("\n") == 1
