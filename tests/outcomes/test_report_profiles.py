"""The report for the registry and the report for others: what each holds, as HTML, as PDF and as tables."""

import csv
import datetime
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from abstractor.model.errors import InputError
from abstractor.model.fact import Fact
from abstractor.model.suggestion import Evidence
from abstractor.outcomes.protocol import Protocol
from abstractor.outcomes.record import PatientRecord
from abstractor.outcomes.report.blocks import Cell, Column, Heading, Page, Paragraph, table
from abstractor.outcomes.report.pdf import render_pdf
from abstractor.outcomes.run import Extras, OutcomesSummary, run_outcomes

MakePatient = Callable[..., PatientRecord]
WORDS = "carcinoma regrew <b>in the liver</b>"


def quoted(record: PatientRecord) -> PatientRecord:
    """Each response with words of a note."""

    def with_words(fact: Fact) -> Fact:
        evidence = (Evidence(f"{record.patient_id}-N2", 10, 10 + len(WORDS), WORDS, note_date=fact.date),)
        return replace(fact, evidence=evidence) if fact.field == "response" else fact

    return replace(record, facts=tuple(map(with_words, record.facts)))


@pytest.fixture(scope="module")
def records(make_patient: MakePatient) -> list[PatientRecord]:
    found = []
    for place in range(48):
        stage = ("limited", "extensive")[place % 3 > 0]
        name = f"REG-{place:04d}"
        scans = ("43PR 85PR 127PD", "43SD 85PD", "43PD")[place % 3 if place % 7 else 2]
        sex = Fact(name, "sex", "female" if place == 5 else "male")
        found.append(quoted(make_patient(name, scans, death=130 + 7 * place, stage=stage, more=(sex,))))
    return found


@pytest.fixture(scope="module")
def internal(
    records: list[PatientRecord], cutoff: datetime.date, tmp_path_factory: pytest.TempPathFactory
) -> OutcomesSummary:
    out = tmp_path_factory.mktemp("internal")
    return run_outcomes(
        records, out, protocol=Protocol(), cutoff=cutoff, second_opinion_most=0, extras=Extras(pdf=True),
        provenance={"rulebook": "rb-1", "suggestions not yet reviewed": 3, "patients with suggestions not yet reviewed": 2},
    )  # fmt: skip


@pytest.fixture(scope="module")
def shareable(
    records: list[PatientRecord], cutoff: datetime.date, tmp_path_factory: pytest.TempPathFactory
) -> OutcomesSummary:
    out = tmp_path_factory.mktemp("shareable")
    return run_outcomes(
        records, out, protocol=Protocol(), cutoff=cutoff, second_opinion_most=0,
        extras=Extras(shareable=True, pdf=True), provenance={"registry": "/secret/place.db"},
    )  # fmt: skip


def page_of(summary: OutcomesSummary) -> str:
    return summary.report.read_text(encoding="utf-8")


def numbers_of(summary: OutcomesSummary) -> dict[str, dict[str, str]]:
    path = summary.report.parent / "tables" / "numbers.csv"
    with path.open(encoding="utf-8", newline="") as file:
        return {row["id"]: row for row in csv.DictReader(file)}


@pytest.mark.parametrize(
    "section",
    [
        "Patients at the start", "Competing events", "Response and what came after", "Genes", "Subgroups",
        "Uncertainty of abstraction", "Missing data", "From a number to the words of the notes", "Methods",
    ],
)  # fmt: skip
def test_the_report_has_the_sections_a_statistician_asks_for(internal: OutcomesSummary, section: str) -> None:
    assert f">{section}</h2>" in page_of(internal)


def test_the_methods_name_definitions_and_versions(internal: OutcomesSummary) -> None:
    page = page_of(internal)
    methods = page[page.index(">Methods</h2>") : page.index(">Definitions</h2>")]
    for part in (
        "rulebook rb-1",
        "Clopper–Pearson",
        "Efron",
        "delayed entry",
        "landmark at day 84",
        "Software: abstractor",
    ):
        assert part in methods


def test_quoted_words_are_folded_away_and_escaped(internal: OutcomesSummary) -> None:
    page = page_of(internal)
    before, _, trace = page.partition("From a number to the words of the notes</h2>")
    assert WORDS not in page
    assert "carcinoma regrew &lt;b&gt;in the liver" in trace
    assert "carcinoma regrew" not in before
    assert trace.count("<details") > 48


def test_every_row_of_results_shows_its_id(internal: OutcomesSummary) -> None:
    page, numbers = page_of(internal), numbers_of(internal)
    for name in ("os.all", "pfs.limited", "risk.progression.progression.all", "gene.os.TP53", "forest.os.sex.male"):
        assert f'<code class="id">{name}</code>' in page
        assert any(one.startswith(f"{name}.") for one in numbers)


@pytest.mark.parametrize("name", ["response_rates", "best_response", "survival", "comparisons", "genes", "curves"])
def test_every_row_of_a_table_has_an_id_that_can_be_traced(internal: OutcomesSummary, name: str) -> None:
    numbers = numbers_of(internal)
    groups = {row["members"] for row in numbers.values()}
    with (internal.report.parent / "tables" / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            known = row["id"] in numbers or row["id"] in groups or row["id"].partition("@")[0] in groups
            assert known or row.get("note", "").startswith("no test"), row


def test_a_link_leads_to_something(internal: OutcomesSummary) -> None:
    page = page_of(internal)
    for target in set(re.findall(r'href="#([^"]+)"', page)):
        assert f'id="{target}"' in page


def test_the_shareable_report_holds_no_patient_no_words_no_place(shareable: OutcomesSummary) -> None:
    folder = shareable.report.parent
    for path in folder.rglob("*"):
        if path.is_file() and path.suffix != ".png":
            content = path.read_bytes()
            for forbidden in (b"REG-0", b"regrew", b"/secret/place.db"):
                assert forbidden not in content, path.name
    assert "REG-0" not in "\n".join(shareable.lines())


def test_no_reason_in_the_shareable_report_names_the_size_of_a_group(
    internal: OutcomesSummary, shareable: OutcomesSummary
) -> None:
    sizes = re.compile(r"(?:group [\w ]+ has|altered in|unknown of) \d")
    assert sizes.search(page_of(internal))
    assert not sizes.search(page_of(shareable))
    for path in shareable.files:
        if path.suffix in (".txt", ".svg"):
            assert not sizes.search(path.read_text(encoding="utf-8")), path.name


def test_the_shareable_tables_are_those_without_patients(shareable: OutcomesSummary) -> None:
    folder = shareable.report.parent
    assert {one.name for one in (folder / "tables").iterdir()} == {"numbers.csv", "table_one.csv"}
    assert not (folder / "analysis.csv").exists()


def test_small_counts_and_what_gives_them_away_are_withheld(
    internal: OutcomesSummary, shareable: OutcomesSummary
) -> None:
    full, shared = numbers_of(internal), numbers_of(shareable)
    assert full["forest.os.sex.female.n"]["value"] == "1.0"
    assert shared["forest.os.sex.female.n"]["value"] == ""
    # all patients are shown, so all but one would tell of the one
    assert shared["os.all.n"]["value"] == full["os.all.n"]["value"] == "48.0"
    assert shared["forest.os.sex.male.n"]["value"] == ""
    for name, row in shared.items():
        if row["unit"] == "patients" and row["value"]:
            assert float(row["value"]) == 0 or float(row["value"]) >= 5, name


def test_what_is_shown_is_the_same_number(internal: OutcomesSummary, shareable: OutcomesSummary) -> None:
    full = numbers_of(internal)
    for name, row in numbers_of(shareable).items():
        if row["withheld"] == "0":
            assert row["value"] == full[name]["value"], name


def test_figures_of_single_patients_are_not_shared(internal: OutcomesSummary, shareable: OutcomesSummary) -> None:
    names = {one.stem for one in internal.files if one.suffix == ".svg"}
    shared = {one.stem for one in shareable.files if one.suffix == ".svg"}
    assert any(one.startswith("swimmer") for one in names)
    assert not any(one.startswith(("swimmer", "oncoprint", "waterfall")) for one in shared)


def test_a_shareable_report_is_not_written_among_patients(
    internal: OutcomesSummary, records: list[PatientRecord], cutoff: datetime.date
) -> None:
    folder = internal.report.parent
    with pytest.raises(InputError, match="holds an internal report with patients"):
        run_outcomes(records, folder, protocol=Protocol(), cutoff=cutoff, extras=Extras(shareable=True))


def test_the_pdf_is_one_file_with_its_fonts(internal: OutcomesSummary) -> None:
    pdf = (internal.report.parent / "report.pdf").read_bytes()
    assert pdf.startswith(b"%PDF-")
    assert b"DejaVuSans" in pdf
    assert b"/URI" not in pdf


def test_the_same_page_gives_the_same_pdf() -> None:
    rows = [[Cell("<b>x</b> & y", ("1–2",), note="why", strong=True), Cell("≤ 3")]] * 80
    page = Page(
        "Outcomes", (Heading("A"), table([Column("One"), Column("Two", right=True)], rows), Paragraph("ß", "warn"))
    )
    assert render_pdf(page) == render_pdf(page)


def test_without_the_library_a_pdf_is_refused_before_any_work(
    records: list[PatientRecord], cutoff: datetime.date, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("abstractor.outcomes.report.pdf.find_spec", lambda _: None)
    with pytest.raises(InputError, match="--pdf needs the package reportlab"):
        run_outcomes(records, tmp_path / "out", protocol=Protocol(), cutoff=cutoff, extras=Extras(pdf=True))
    assert not (tmp_path / "out").exists()


def test_every_table_has_only_cells_no_spreadsheet_runs(internal: OutcomesSummary) -> None:
    for path in (internal.report.parent / "tables").glob("*.csv"):
        with path.open(encoding="utf-8", newline="") as file:
            for row in csv.reader(file):
                for cell in row:
                    risky = cell.startswith(("=", "+", "-", "@"))
                    assert (
                        not risky or cell.lstrip("+-").replace(".", "").replace("e", "").replace("-", "").isdigit()
                    ), path.name


def test_the_flow_for_others_has_only_counts_that_the_report_shows(shareable: OutcomesSummary) -> None:
    words = (shareable.report.parent / "figures" / "consort.txt").read_text(encoding="utf-8")
    numbers = {name: row for name, row in numbers_of(shareable).items() if name.startswith("flow.")}
    for row in numbers.values():
        line = next((one for one in words.lower().splitlines() if one.startswith(row["what"].lower())), None)
        assert (line is None) == (row["withheld"] == "1")
        assert line is None or float(line.split()[-2]) == float(row["value"])
    assert "limited" not in words
