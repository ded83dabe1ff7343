"""Data that can't be: each broken on purpose, named patient by patient in the report, and left out or told as it says; never silently gone."""

import datetime
from collections.abc import Callable

import pytest

from abstractor.checks.book import load_checks
from abstractor.checks.facts import PatientFacts, known_of
from abstractor.checks.run import find_problems
from abstractor.model.errors import InputError
from abstractor.model.fact import Fact
from abstractor.outcomes.cohort import analyse, exclusions
from abstractor.outcomes.further import compute_further
from abstractor.outcomes.numbers import number_all
from abstractor.outcomes.protocol import Protocol
from abstractor.outcomes.record import PatientRecord
from abstractor.outcomes.report.html import render_html
from abstractor.outcomes.report.page import report_page
from abstractor.outcomes.report.shown import Results
from abstractor.rulebook.load import load_rulebook

MakePatient = Callable[..., PatientRecord]


START = datetime.date(2021, 1, 10)


def on(number: int) -> str:
    """A day counted from the start of line 1."""
    return (START + datetime.timedelta(days=number)).isoformat()


def fact(field: str, value: str, *, date: int | None = None, end: int | None = None) -> Fact:
    return Fact("bad", field, value, date=None if date is None else on(date), end_date=None if end is None else on(end))


OUT_OF_ALL, OUT_OF_OS, TOLD = "all", "os", "told"

BROKEN = [
    pytest.param([fact("death_date", on(-20))], {}, "alive_after_death", OUT_OF_OS, id="death before time zero"),
    pytest.param(
        [fact("death_date", on(-100)), fact("diagnosis_date", on(-60))], {}, "death_before_diagnosis", OUT_OF_ALL,
        id="death before the diagnosis",
    ),
    pytest.param([fact("death_date", on(200)), fact("death_date", on(260))], {"seen": 150}, "two_deaths", OUT_OF_OS, id="two deaths"),
    pytest.param([fact("vital_status", "dead")], {}, "undated_death", OUT_OF_OS, id="death without a date"),
    pytest.param([fact("death_date", on(100))], {}, "alive_after_death", OUT_OF_OS, id="a contact after death"),
    pytest.param([fact("response", "PR", date=-10)], {}, "response_before_treatment", TOLD, id="response before treatment"),
    pytest.param([fact("response", "PD")], {}, "undated_response", TOLD, id="response without a date"),
    pytest.param([fact("response", "BETTER", date=50)], {}, "bad_response", TOLD, id="a response that is none"),
    pytest.param(
        [fact("therapy_line", "2", date=60, end=120)], {}, "overlapping_lines", TOLD, id="overlapping lines"
    ),
    pytest.param([fact("therapy_line", "2", date=-60)], {}, "lines_out_of_order", OUT_OF_ALL, id="line 2 before line 1"),
    pytest.param([fact("therapy_line", "1", date=30)], {}, "line_twice", OUT_OF_ALL, id="line 1 with two starts"),
    pytest.param([fact("therapy_line", "2", date=200, end=190)], {}, "line_ends_early", TOLD, id="a line of negative length"),
    pytest.param([fact("therapy_line", "2")], {}, "incomplete_line", TOLD, id="a line without a date"),
    pytest.param([fact("radiotherapy", "thoracic", date=50, end=20)], {}, "ends_before_start", TOLD, id="radiotherapy of negative length"),
    pytest.param([fact("molecular_report_date", on(-60)), fact("diagnosis_date", on(-10))], {}, "report_before_diagnosis", TOLD, id="report before the diagnosis"),
    pytest.param([fact("diagnosis_date", on(40))], {}, "treated_before_diagnosis", TOLD, id="treatment before the diagnosis"),
    pytest.param([fact("birth_date", on(30))], {}, "born_after_diagnosis", TOLD, id="born after the illness"),
    pytest.param([fact("visit", "2021-13-44")], {}, "bad_date", TOLD, id="a date that is none"),
    pytest.param([], {"without": ("therapy_line",)}, "response_untreated", OUT_OF_ALL, id="response without any treatment"),
]  # fmt: skip


TOLD_IN_REVIEW = {
    "alive_after_death": "E05",
    "two_deaths": "E05",
    "undated_death": "E05",
    "death_before_diagnosis": "E06",
    "treated_before_diagnosis": "E07",
    "overlapping_lines": "E23",
    "lines_out_of_order": "E23",
    "line_twice": "E23",
    "response_before_treatment": "E25",
    "response_untreated": "E25",
    "bad_date": "E28",
    "ends_before_start": "E28",
    "line_ends_early": "E28",
}
"""What an analysis leaves out, and the check that says so while somebody who can mend it is at the patient."""


@pytest.mark.parametrize(
    ("more", "options", "code", "_touched"), [one for one in BROKEN if one.values[2] in TOLD_IN_REVIEW]
)
def test_what_the_analysis_will_not_use_is_told_in_review_already(
    make_patient: MakePatient,
    cutoff: datetime.date,
    more: list[Fact],
    options: dict[str, object],
    code: str,
    _touched: str,
) -> None:
    broken = make_patient("bad", "43PR 127PD", more=tuple(more), **options)
    book = load_rulebook()
    seen = PatientFacts("bad", broken.facts, cutoff, known_of(book))
    assert TOLD_IN_REVIEW[code] in {problem.check for problem in find_problems(seen, load_checks(book.root))}


@pytest.mark.parametrize(("more", "options", "code", "touched"), BROKEN)
def test_broken_data_is_named_and_left_out_as_it_says(
    make_patient: MakePatient,
    cutoff: datetime.date,
    more: list[Fact],
    options: dict[str, object],
    code: str,
    touched: str,
) -> None:
    records = [make_patient("bad", "43PR", more=tuple(more), **options), make_patient("good", "43PR", death=200)]
    analysis = analyse(records, Protocol(), cutoff, by=None)
    bad, good = analysis.patients
    told = {one.code: one for one in bad.faults}
    assert code in told
    assert not good.faults
    assert bool(bad.excluded) == (touched == OUT_OF_ALL)
    assert (bad.endpoints["os"].event is None) == (touched != TOLD)
    further = compute_further(analysis)
    page = render_html(report_page(Results(analysis, further, number_all(analysis, further), {})))
    text = told[code].text.replace("'", "&#39;")
    assert ">bad</td>" in page
    assert text in page
    # everybody is counted or named for every endpoint
    result = analysis.endpoint("os")
    named = len(exclusions(analysis)) + result.not_computed + result.sensitivity_only
    assert result.overall.sample.n + named == len(records)


@pytest.mark.parametrize(("more", "options", "code", "touched"), BROKEN)
def test_no_time_is_ever_negative(
    make_patient: MakePatient,
    cutoff: datetime.date,
    more: list[Fact],
    options: dict[str, object],
    code: str,
    touched: str,
) -> None:
    found = analyse([make_patient("bad", "43PR", more=tuple(more), **options)], Protocol(), cutoff, by=None)
    for row in found.patients[0].endpoints.values():
        assert row.days is None or row.days >= 0, (code, touched)


def test_patients_without_a_value_of_the_grouping_are_named_and_in_no_group(
    make_patient: MakePatient, cutoff: datetime.date
) -> None:
    records = [make_patient("a", "43PR"), make_patient("unknown-stage", "43PR", stage=None)]
    analysis = analyse(records, Protocol(), cutoff)
    assert analysis.missing_group == ("unknown-stage",)
    assert [(one.group, one.patients) for one in analysis.endpoint("os").groups] == [("limited", ("a",))]
    further = compute_further(analysis)
    page = render_html(report_page(Results(analysis, further, number_all(analysis, further), {})))
    assert "and so in no group: unknown-stage." in page


def test_a_grouping_that_does_not_exist_is_refused_with_the_choices(
    make_patient: MakePatient, cutoff: datetime.date
) -> None:
    with pytest.raises(InputError, match="unknown field to group by: colour; choose one of stage_valg"):
        analyse([make_patient("a", "43PR")], Protocol(), cutoff, by="colour")
