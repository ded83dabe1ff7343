"""From a number to the quoted words, over a real registry and a real report."""

import datetime
from collections.abc import Callable
from pathlib import Path

import pytest

from abstractor.batch.records import records
from abstractor.batch.scenarios import scenarios
from abstractor.batch.trace import ReportTables, read_report, trace, trace_text
from abstractor.model.decision import Action, Decision
from abstractor.model.errors import InputError
from abstractor.model.finding import Assertion
from abstractor.model.note import Note
from abstractor.model.suggestion import Evidence, Suggestion
from abstractor.outcomes.protocol import Protocol
from abstractor.outcomes.run import Extras, run_outcomes
from abstractor.outcomes.uncertainty import ACCEPTED, ADJUDICATED, MACHINE
from abstractor.registry.decisions import case_of, record_all
from abstractor.registry.engine import Registry
from abstractor.registry.notes import add_notes
from abstractor.registry.suggestions import replace_suggestions

TEXT = "Seen today. CT shows partial response. Later she passed away on 3 December 2021."
CUTOFF = datetime.date(2023, 1, 1)
Decide = Callable[..., Decision]


def words(part: str, note_id: str = "N1") -> Evidence:
    start = TEXT.index(part)
    return Evidence(note_id, start, start + len(part), part, note_date="2021-03-01", note_type="clinic")


def decision(name: str, field: str, value: str, **more: object) -> Decision:
    values: dict[str, object] = {
        "action_id": f"decision-{name}", "patient_id": "P1", "slot": f"{field}:{name}", "action": Action.ACCEPT,
        "decided_by": "ann", "decided_at": "2024-05-01T08:00:00.000+00:00", "field": field, "value": value, "source": "review",
    }  # fmt: skip
    return Decision(**(values | more))  # type: ignore[arg-type]


@pytest.fixture
def study(registry: Registry) -> Registry:
    add_notes(registry, [Note("N1", TEXT, "P1", "2021-03-01", "clinic")], "test")
    record_all(
        registry,
        [
            decision("histology", "histology", "small_cell"),
            decision("line-one", "therapy_line", "1", date="2021-01-10", end_date="2021-03-10"),
            decision("response", "response", "PR", date="2021-03-01", evidence=(words("partial response"),)),
            decision("death", "death_date", "2021-12-03", date="2021-12-03", evidence=(words("passed away on 3 December 2021"),)),
        ],
    )  # fmt: skip
    return registry


@pytest.fixture
def report(study: Registry, tmp_path: Path) -> ReportTables:
    run_outcomes(records(study), tmp_path / "report", protocol=Protocol(), cutoff=CUTOFF, second_opinion_most=0)
    return read_report(tmp_path / "report")


def told(registry: Registry, name: str, report: ReportTables | None, *, with_text: bool = True) -> str:
    return trace_text(trace(registry, name, report), with_text=with_text)


def test_a_median_leads_to_the_words_that_state_the_death(study: Registry, report: ReportTables) -> None:
    lines = told(study, "os.all.median", report).splitlines()
    assert lines[0].startswith("os.all.median: Overall survival, all: median = 10.7433")
    assert "  patient P1: event, day 327" in lines
    start = TEXT.index("passed away")
    assert any(
        f"note N1 of 2021-03-01 (clinic) [{start}:{start + 30}] “passed away on 3 December 2021”" in one
        for one in lines
    )


def test_a_step_of_a_curve_leads_to_who_ended_there(study: Registry, report: ReportTables) -> None:
    text = told(study, "os.all@327", report)
    assert "day 327: 1 with a time of at least 327 days" in text
    assert "decision-death" in text


def test_a_day_on_which_nothing_happens_names_the_nearest(study: Registry, report: ReportTables) -> None:
    with pytest.raises(InputError, match="nobody's time ends on day 5; the nearest is 327"):
        trace(study, "os.all@5", report)


def test_a_response_rate_leads_to_the_assessment(study: Registry, report: ReportTables) -> None:
    text = told(study, "orr.all.all.share", report)
    assert "patient P1: counted" in text
    assert "“partial response”" in text


def test_without_text_places_stand_and_words_do_not(study: Registry, report: ReportTables) -> None:
    for name in ("os.all.median", "P1", "P1/os", "decision-death"):
        text = told(study, name, report, with_text=False)
        assert "note N1" in text
        assert "passed away" not in text
        assert "partial response" not in text


def test_a_patient_and_an_endpoint_of_a_patient_are_traced(study: Registry, report: ReportTables) -> None:
    assert "decision-response" in told(study, "P1", report)
    assert "decision-response" not in told(study, "P1/os", report)
    with pytest.raises(InputError, match="P1/nothing: no such endpoint; there are response, os"):
        trace(study, "P1/nothing", report)


def test_a_patient_is_traced_without_a_report(study: Registry) -> None:
    assert "“partial response”" in told(study, "P1", None)


def test_a_decision_is_known_by_the_beginning_of_its_id(study: Registry) -> None:
    assert "decision decision-death of patient P1" in told(study, "decision-dea", None)
    with pytest.raises(InputError, match="4 decisions begin with this"):
        trace(study, "decision", None)


def test_what_is_nothing_is_refused_in_one_line(study: Registry, report: ReportTables) -> None:
    with pytest.raises(InputError, match=r"os\.nobody\.median: no number, patient or decision"):
        trace(study, "os.nobody.median", report)


def test_a_note_that_was_changed_since_is_told(study: Registry, report: ReportTables) -> None:
    add_notes(study, [Note("N1", "ADDENDUM. " + TEXT, "P1", "2021-03-01", "clinic")], "test")
    assert "decided on an older version of the note" in told(study, "P1/os", report)


def test_a_decision_taken_back_since_the_report_is_told(study: Registry, report: ReportTables) -> None:
    other = decision(
        "other", "death_date", "2021-12-05", slot="death_date:death", date="2021-12-05", action=Action.EDIT
    )
    record_all(study, [other])
    assert "decided otherwise since the report" in told(study, "P1/os", report)


def test_a_folder_without_a_trace_is_refused(study: Registry, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no report with a trace here"):
        read_report(tmp_path)
    run_outcomes(
        records(study),
        tmp_path / "s",
        protocol=Protocol(),
        cutoff=CUTOFF,
        second_opinion_most=0,
        extras=Extras(shareable=True),
    )
    with pytest.raises(InputError, match="a shareable report has none"):
        read_report(tmp_path / "s")


def test_a_damaged_table_is_named(report: ReportTables) -> None:
    (report.folder / "tables" / "trail.csv").write_bytes(b"patient_id,endpoint\n\xff\xfe,\n")
    with pytest.raises(InputError, match=r"trail\.csv: can't be read"):
        read_report(report.folder)


def suggested(field: str, value: str, slot: str, date: str | None = None) -> Suggestion:
    return Suggestion("P1", slot, field, value, Assertion.PRESENT, date=date, confidence=0.9)


def test_pending_suggestions_are_a_set_of_facts_of_their_own(study: Registry) -> None:
    replace_suggestions(
        study,
        "P1",
        [
            suggested("response", "PD", "response@2021-05-01", "2021-05-01"),
            suggested("response", "CR", "response:response", "2021-03-01"),
        ],
    )
    confirmed = records(study)
    found = {one.name: one for one in scenarios(study, confirmed)}
    assert found[ACCEPTED].changed == 1
    (accepted,) = found[ACCEPTED].records
    assert [(one.value, one.source) for one in accepted.present("response")] == [("PR", "review"), ("PD", "machine")]
    (machine,) = found[MACHINE].records
    assert [one.value for one in machine.facts] == ["PD", "CR"]
    assert found[ADJUDICATED].why_not
    assert case_of(study, "P1").facts == confirmed[0].facts


def test_adjudicated_patients_stand_apart(study: Registry) -> None:
    record_all(
        study,
        [
            decision(
                "settled",
                "response",
                "SD",
                slot="response:response",
                date="2021-03-01",
                source="adjudication",
                action=Action.EDIT,
            )
        ],
    )
    found = next(one for one in scenarios(study, records(study)) if one.name.startswith(ADJUDICATED))
    assert not found.why_not
    assert [one.patient_id for one in found.records] == ["P1"]
