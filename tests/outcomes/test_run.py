"""The whole stage: cohort numbers, files, figures and the report."""

import csv
import datetime
import html.parser
import subprocess
import sys
from pathlib import Path

import pytest

from abstractor.model.errors import InputError
from abstractor.model.fact import Fact
from abstractor.outcomes.cohort import GROUPINGS, Analysis, analyse, grouping, headline
from abstractor.outcomes.figures.alteration_kinds import AlterationKinds
from abstractor.outcomes.figures.gallery import draw_gallery
from abstractor.outcomes.figures.kaplan_meier import month_ticks, name_group, shorten, survival_figure
from abstractor.outcomes.figures.style import Picture
from abstractor.outcomes.further import compute_further
from abstractor.outcomes.numbers import number_all
from abstractor.outcomes.patient import ENDPOINTS
from abstractor.outcomes.protocol import Protocol
from abstractor.outcomes.record import NoteContact, PatientRecord
from abstractor.outcomes.report.html import render_html
from abstractor.outcomes.report.page import UNREVIEWED, report_page
from abstractor.outcomes.report.shown import Results
from abstractor.outcomes.run import run_outcomes
from abstractor.outcomes.tables import analysis_columns
from abstractor.outcomes.writing import write_table, write_text

CUTOFF = datetime.date(2022, 6, 30)
START = datetime.date(2021, 1, 10)
PROTOCOL = Protocol()


def day(number: int) -> str:
    return (START + datetime.timedelta(days=number)).isoformat()


def patient(name: str, stage: str | None, scans: str, death: int | None = None, seen: int = 300) -> PatientRecord:
    """`43PR 85PR 127PD`, dead on a day or seen (every six weeks) until another."""
    facts = [
        Fact(name, "histology", "small_cell"),
        Fact(name, "therapy_line", "1", date=day(0), end_date=day(70), attributes={"drugs": "carboplatin + etoposide"}),
    ]
    if stage:
        facts.append(Fact(name, "stage.valg", stage))
    facts += [
        Fact(name, "response", one.lstrip("0123456789"), date=day(int(one.rstrip("CRPSDNE")))) for one in scans.split()
    ]
    until = death if death is not None else seen
    facts += [Fact(name, "visit", day(one), date=day(one)) for one in {*range(0, until, 42), until}]
    if death is not None:
        facts.append(Fact(name, "death_date", day(death)))
    return PatientRecord(name, tuple(facts), (NoteContact(START, "clinic"),))


def fifty() -> list[PatientRecord]:
    """The cohort of the worked binomial example: CR 3, PR 28, SD 10, PD 6, NE 3."""
    courses = ["43CR 85CR"] * 3 + ["43PR 85PR 127PD"] * 28 + ["43SD 85PD"] * 10 + ["43PD"] * 6 + [""] * 3
    return [
        patient(
            f"p{place:02d}",
            ("limited", "extensive")[place % 3 > 0],
            course,
            death=150 + 9 * place if place % 4 else None,
        )
        for place, course in enumerate(courses)
    ]


def render_report(analysis: Analysis, pictures: tuple[Picture, ...], provenance: dict[str, object]) -> str:
    further = compute_further(analysis)
    results = Results(
        analysis, further, number_all(analysis, further), {}, pictures=tuple(pictures), provenance=provenance
    )
    return render_html(report_page(results))


@pytest.fixture(scope="module")
def analysis() -> Analysis:
    return analyse(fifty(), PROTOCOL, CUTOFF)


def test_response_rates_are_those_of_the_worked_cohort(analysis: Analysis) -> None:
    assert analysis.best_responses["confirmed"] == {"CR": 3, "PR": 28, "SD": 10, "PD": 6, "NE": 3}
    for measure, denominator, x, n in (
        ("confirmed ORR", "all", 31, 50),
        ("confirmed ORR", "evaluable", 31, 47),
        ("confirmed DCR", "all", 41, 50),
        ("confirmed DCR", "evaluable", 41, 47),
    ):
        found = analysis.rate(measure, denominator)
        assert (found.x, found.n) == (x, n)
    assert analysis.rate("confirmed ORR").lower == pytest.approx(0.4717, abs=5e-5)
    assert headline(analysis) == "confirmed"


def test_rates_of_the_groups_add_up(analysis: Analysis) -> None:
    for denominator in ("all", "evaluable"):
        parts = [analysis.rate("DCR", denominator, group) for group in ("limited", "extensive")]
        whole = analysis.rate("DCR", denominator)
        assert (sum(one.x for one in parts), sum(one.n for one in parts)) == (whole.x, whole.n)


def test_every_patient_is_in_the_curve_or_named(analysis: Analysis) -> None:
    for result in analysis.endpoints:
        counted = result.overall.sample.n + result.not_computed + result.sensitivity_only
        assert counted == len(analysis.analysed), result.endpoint


def test_large_enough_groups_are_compared(analysis: Analysis) -> None:
    result = analysis.endpoint("os")
    assert result.test is not None
    assert [one.group for one in result.groups] == ["limited", "extensive"]
    (ratio,) = result.hazard_ratios
    assert (ratio.group, ratio.reference) == ("extensive", "limited")
    assert ratio.lower < ratio.estimate < ratio.upper


def test_small_groups_are_not_compared_and_the_reason_is_given() -> None:
    few = analyse([patient("a", "limited", "43PR", 100), patient("b", "extensive", "43PD", 90)], PROTOCOL, CUTOFF)
    assert few.endpoint("os").no_test == "no test: group limited has 1 patient (at least 10)"
    one_group = analyse([patient("a", "limited", "43PR", 100)], PROTOCOL, CUTOFF)
    assert one_group.endpoint("os").no_test == "no test: fewer than two groups"


def test_a_patient_without_the_group_is_named_and_stays_in_the_whole() -> None:
    found = analyse([patient("a", None, "43PR"), patient("b", "limited", "43PR")], PROTOCOL, CUTOFF)
    assert found.missing_group == ("a",)
    assert found.endpoint("os").overall.sample.n == 2
    assert [one.sample.n for one in found.endpoint("os").groups] == [1]


def test_flow_counts_fall_from_patients_on(analysis: Analysis) -> None:
    counts = [step.count for step in analysis.flow]
    assert counts == [50, 50, 50, 50, 50, 47]


@pytest.mark.parametrize("by", [*GROUPINGS, "stage.valg", "TP53", "variant.TP53", None])
def test_baseline_columns_and_genes_can_group(by: str | None) -> None:
    assert grouping(by, PROTOCOL) == (by if by in (None, "TP53") else by.replace("variant.", "").replace(".", "_"))


def test_an_unknown_group_is_refused_with_the_choices() -> None:
    with pytest.raises(InputError, match=r"unknown field to group by: colour.*stage_valg.*TP53"):
        grouping("colour", PROTOCOL)


@pytest.mark.parametrize("by", ["best_response", "n_lines", "response"])
def test_grouping_by_what_comes_later_is_refused_for_immortal_time(by: str) -> None:
    with pytest.raises(InputError, match="immortal time"):
        grouping(by, PROTOCOL)


def test_a_patient_that_comes_twice_is_refused() -> None:
    with pytest.raises(InputError, match="patient a comes twice"):
        analyse([patient("a", None, ""), patient("a", None, "")], PROTOCOL, CUTOFF)


def test_the_cutoff_of_the_protocol_wins_when_earlier() -> None:
    early = Protocol(data_cutoff=datetime.date(2021, 4, 1))
    found = analyse([patient("a", "limited", "43PR", death=200)], early, CUTOFF)
    assert str(found.patients[0].endpoints["os"].stop) == "2021-04-01"


def test_year_only_deaths_are_in_the_sensitivity_analyses_alone() -> None:
    record = patient("a", "limited", "43PR", seen=60)
    record = PatientRecord("a", (*record.facts, Fact("a", "death_date", "2021")))
    found = analyse([record, patient("b", "limited", "43PR", 100)], PROTOCOL, CUTOFF)
    assert (found.endpoint("os").overall.sample.n, found.endpoint("os").sensitivity_only) == (1, 1)
    by_choice = {one.choice: one.n for one in found.sensitivity if one.endpoint == "os"}
    assert by_choice["as in the protocol"] == 1
    assert by_choice["partial dates in the middle, year-only ones too"] == 2


def test_all_files_are_written_and_say_the_same(tmp_path: Path) -> None:
    summary = run_outcomes(fifty(), tmp_path, protocol=PROTOCOL, cutoff=CUTOFF, provenance={"unreviewed": 7})
    assert all(path.is_file() for path in summary.files)
    assert {path.name for path in tmp_path.iterdir()} == {"analysis.csv", "tables", "figures", "report.html"}
    with summary.table.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == summary.patients == 50
    events = sum(row["os_event"] == "1" for row in rows)
    os_median = next(one for one in summary.medians if one.endpoint == "os")
    assert events == os_median.events
    assert float(rows[1]["os_months"]) == pytest.approx(int(rows[1]["os_days"]) / 30.4375, abs=1e-6)
    for name in ("os", "pfs", "pfs_trial", "ttnt"):
        for part in ("months", "event", "start", "stop", "reason"):
            assert f"{name}_{part}" in rows[0]
    assert sum(row["confirmed_best_response"] in ("CR", "PR") for row in rows) == summary.orr.x == 31
    assert "ORR (confirmed) 31/50 = 62.0 % (47.2–75.3)" in summary.lines()


class Links(html.parser.HTMLParser):
    """Collects what a page would load or open."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [value or "" for name, value in attrs if name in ("src", "href", "data", "action")]


def test_the_report_needs_nothing_from_outside_and_holds_what_a_reader_asks_for(analysis: Analysis) -> None:
    page = render_report(
        analysis, draw_gallery(analysis, fifty(), AlterationKinds()), {"registry": "demo", "unreviewed suggestions": 7}
    )
    links = Links()
    links.feed(page)
    outside = [link for link in links.found if not link.startswith(("data:image/png;base64,", "#"))]
    assert outside == []
    assert any(link.startswith("data:") for link in links.found)
    assert all(f'id="{link[1:]}"' in page for link in links.found if link.startswith("#"))
    assert "<script" not in page
    for part in (
        "31/50",
        "visit_gap_days",
        "unreviewed suggestions",
        "log-rank p",
        "Not analysed",
        "2022-06-30",
        "p07",
    ):
        assert part in page


def test_the_key_results_come_first(analysis: Analysis) -> None:
    page = render_report(analysis, (), {})
    top = page[page.index('<div class="key">') : page.index("From notes to the analysis")]
    for part in ("ORR, confirmed", "62.0 %", "47.2–75.3", "31 of 50 patients", "Median OS", "32 events in 50 patients"):
        assert part in top


@pytest.mark.parametrize(
    ("counts", "says"),
    [
        ((12, 3), "12 suggestions of 3 patients are not yet reviewed."),
        ((0, 0), "No suggestion waits for review."),
    ],
)
def test_what_nobody_has_reviewed_is_said_at_the_top(analysis: Analysis, counts: tuple[int, int], says: str) -> None:
    page = render_report(analysis, (), dict(zip(UNREVIEWED, counts, strict=True)))
    assert says in page[: page.index("From notes to the analysis")]


def test_an_excluded_patient_is_named_with_the_reason_in_the_report() -> None:
    found = analyse([patient("a", "limited", "43PR"), PatientRecord("b", ())], PROTOCOL, CUTOFF)
    page = render_report(found, (), {})
    assert "not analysed: no confirmed small-cell histology" in page


def test_text_of_the_registry_is_escaped_in_the_report() -> None:
    name = "<b>p</b>&"
    found = analyse([patient(name, "limited", "43PR")], PROTOCOL, CUTOFF)
    page = render_report(found, (), {"who": "<i>me</i>"})
    assert "<b>p" not in page
    assert "<i>me" not in page
    assert "&lt;b&gt;p&lt;/b&gt;&amp;" in page


def test_an_empty_registry_gives_a_report_that_says_so(tmp_path: Path) -> None:
    summary = run_outcomes([], tmp_path, protocol=PROTOCOL, cutoff=CUTOFF)
    assert (summary.patients, summary.orr.estimate) == (0, None)
    assert "nothing to analyse yet" in summary.report.read_text(encoding="utf-8")


def test_nobody_treated_gives_a_report_that_names_everybody(tmp_path: Path) -> None:
    untreated = PatientRecord("u1", (Fact("u1", "histology", "small_cell"),))
    summary = run_outcomes([untreated], tmp_path, protocol=PROTOCOL, cutoff=CUTOFF)
    assert [one.patient_id for one in summary.excluded] == ["u1"]
    page = summary.report.read_text(encoding="utf-8")
    assert "No patient can be analysed" in page
    assert "no dated line 1 of systemic therapy" in page


def test_figures_are_the_same_bytes_twice_and_carry_no_date(analysis: Analysis) -> None:
    one, other = (
        survival_figure(analysis.endpoint("os"), month_days=30.4375, conf_level=0.95, by="stage_valg") for _ in range(2)
    )
    assert one is not None
    assert other is not None
    assert one.svg == other.svg
    assert b"<dc:date>" not in one.svg
    assert one.png.startswith(b"\x89PNG")


def test_ticks_divide_years_and_are_few() -> None:
    for longest in (0.03, 1, 7.9, 13, 40, 97, 300, 900):
        ticks = month_ticks(longest)
        assert ticks[0] == 0
        assert 2 <= len(ticks) <= 9
    assert month_ticks(40) == [0, 6, 12, 18, 24, 30, 36]
    assert len(shorten("a_very_long_group_name_without_any_end")) <= 26


def test_groups_that_are_numbers_say_of_what() -> None:
    assert [name_group("2", "ecog"), name_group("limited", "stage_valg"), name_group("all", None)] == [
        "ECOG 2",
        "limited",
        "all patients",
    ]


def test_cells_that_a_spreadsheet_would_run_are_disarmed(tmp_path: Path) -> None:
    path = write_table(tmp_path / "a.csv", ("a", "b", "c"), [{"a": "=1+1", "b": -3, "c": None}])
    assert path.read_text(encoding="utf-8") == "a,b,c\n'=1+1,-3,\n"


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    write_text(path, "old")
    write_table(path, ("a", "b"), [{"a": 1, "b": "x,y"}])
    assert path.read_text(encoding="utf-8") == 'a,b\n1,"x,y"\n'
    assert [one.name for one in tmp_path.iterdir()] == ["a.csv"]


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("x", encoding="utf-8")
    with pytest.raises(InputError, match="can't be written"):
        write_text(blocked / "report.html", "x")


def test_the_header_begins_with_the_patient_and_repeats_nothing(analysis: Analysis) -> None:
    columns = analysis_columns(analysis)
    assert columns[0] == "patient_id"
    assert len(set(columns)) == len(columns)


def test_deriving_lines_loads_no_statistics() -> None:
    code = (
        "import sys, abstractor.outcomes.lines, abstractor.outcomes.patient; "
        "sys.exit(bool({'pandas', 'numpy', 'matplotlib', 'lifelines', 'scipy'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_docs_name_every_endpoint_and_every_table(tmp_path: Path) -> None:
    docs = (Path(__file__).resolve().parents[2] / "docs" / "outcomes.md").read_text(encoding="utf-8")
    files = run_outcomes([patient("a", "limited", "43PR")], tmp_path, protocol=PROTOCOL, cutoff=CUTOFF).files
    assert [name for name in ENDPOINTS if f"`{name}`" not in docs] == []
    assert [path.name for path in files if path.suffix == ".csv" and path.name not in docs] == []


def test_files_of_an_earlier_report_are_told_and_not_taken_away(tmp_path: Path) -> None:
    records = [patient("a", "limited", "43PR"), patient("b", "extensive", "43PD")]
    first = run_outcomes(records, tmp_path, protocol=PROTOCOL, cutoff=CUTOFF, second_opinion_most=0)
    again = run_outcomes(records, tmp_path, protocol=PROTOCOL, cutoff=CUTOFF, by=None, second_opinion_most=0)
    assert first.leftovers == ()
    assert "km_os_by_stage_valg.png" in {one.name for one in again.leftovers}
    assert all(one.is_file() for one in again.leftovers)
    assert "files of an earlier report are still in the folder" in again.text()
