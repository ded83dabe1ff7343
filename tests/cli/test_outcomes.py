"""`outcomes` and `trace` on the command line."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from abstractor.cli.main import cli

FACTS = """patient_id,field,value,date,end_date,attributes
PAT-1,histology,small_cell,,,
PAT-1,therapy_line,1,2021-01-10,2021-03-10,"{""drugs"": [""carboplatin"", ""etoposide""]}"
PAT-1,response,PR,2021-02-22,,
PAT-1,death_date,2021-11-20,2021-11-20,,
"""


@pytest.fixture
def study(registry_file: Path, tmp_path: Path) -> Path:
    facts = tmp_path / "facts.csv"
    facts.write_text(FACTS, encoding="utf-8")
    assert invoke(registry_file, "import", "facts", str(facts), "--user", "ann").exit_code == 0
    return registry_file


def invoke(db: Path, *arguments: str) -> Result:
    return CliRunner().invoke(cli, [*arguments, "--db", str(db)])


def test_a_report_is_written_and_a_number_of_it_traced(study: Path, tmp_path: Path) -> None:
    out = tmp_path / "report"
    done = invoke(study, "outcomes", "--out", str(out), "--cutoff", "2022-06-30", "--pdf")
    assert done.exit_code == 0, done.output
    assert (out / "report.pdf").is_file()
    traced = invoke(study, "trace", "os.all.median", "--report", str(out))
    assert traced.exit_code == 0
    assert "patient PAT-1: event, day 314" in traced.stdout
    assert "death_date = 2021-11-20" in traced.stdout


def test_a_number_of_nobody_is_traced_to_nobody(study: Path, tmp_path: Path) -> None:
    out = tmp_path / "report"
    assert invoke(study, "outcomes", "--out", str(out), "--cutoff", "2022-06-30").exit_code == 0
    traced = invoke(study, "trace", "platinum.60.refractory", "--report", str(out))
    assert (traced.exit_code, traced.stdout.splitlines()[1].strip()) == (0, "no patient")


def test_a_shareable_report_names_nobody(study: Path, tmp_path: Path) -> None:
    out = tmp_path / "for-others"
    done = invoke(study, "outcomes", "--out", str(out), "--cutoff", "2022-06-30", "--profile", "shareable")
    assert done.exit_code == 0
    assert "PAT-1" not in (out / "report.html").read_text(encoding="utf-8")
    refused = invoke(study, "trace", "os.all.median", "--report", str(out))
    assert refused.exit_code == 1
    assert "a shareable report has none" in refused.stderr


def test_faults_are_one_line_and_exit_code_1(study: Path, tmp_path: Path) -> None:
    out = str(tmp_path / "report")
    for arguments, says in (
        (("outcomes", "--out", out, "--by", "colour"), "unknown field to group by: colour"),
        (("outcomes", "--out", out, "--by", "best_response"), "immortal time"),
        (("outcomes", "--out", out, "--error-rates", str(tmp_path / "no.json")), "can't be read"),
        (("trace", "os.all.median", "--report", str(tmp_path)), "no report with a trace here"),
        (("trace", "nobody"), "no number, patient or decision"),
    ):
        done = invoke(study, *arguments)
        assert done.exit_code == 1, arguments
        assert says in done.stderr
        assert len(done.stderr.strip().splitlines()) == 1


def test_a_protocol_with_an_unknown_subgroup_is_refused(study: Path, tmp_path: Path) -> None:
    protocol = tmp_path / "mine.toml"
    protocol.write_text('subgroups = ["colour"]\n', encoding="utf-8")
    done = invoke(study, "outcomes", "--out", str(tmp_path / "report"), "--protocol", str(protocol))
    assert done.exit_code == 1
    assert "there is no column colour" in done.stderr
