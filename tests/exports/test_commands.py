"""`abstractor export` and `abstractor import redcap` as they are typed."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from exported_study import Study
from registry_copies import address

from abstractor.cli.main import cli
from abstractor.registry.engine import create_registry
from abstractor.registry.exportlog import exports


def run(study: Study, *words: str, db: str | None = None) -> Result:
    return CliRunner().invoke(cli, [*words, "--db", db or address(study.registry), "--user", "mortiz"])


@pytest.mark.both_databases
@pytest.mark.parametrize("format_name", ["omop", "mcode", "cbioportal", "redcap", "naaccr"])
def test_a_format_is_written_deidentified_unless_told_otherwise(study: Study, format_name: str) -> None:
    out = study.folder / "out"
    result = run(study, "export", format_name, "--out", str(out))
    assert result.exit_code == 0, result.output
    assert f"{format_name}, deidentified" in result.output
    assert (out / "export.json").exists()
    assert [(one.format, one.profile, one.exported_by) for one in exports(study.registry)] == [
        (format_name, "deidentified", "mortiz")
    ]


def test_brat_asks_for_the_profile_in_so_many_words(study: Study) -> None:
    refused = run(study, "export", "brat", "--out", str(study.folder / "brat"))
    assert refused.exit_code == 1
    assert "say --profile identified" in refused.output
    taken = run(study, "export", "brat", "--out", str(study.folder / "brat"), "--profile", "identified")
    assert taken.exit_code == 0, taken.output


@pytest.mark.both_databases
def test_facts_and_findings_are_logged_too(study: Study) -> None:
    for name in ("facts", "findings"):
        result = run(study, "export", name, "--out", str(study.folder / "plain"))
        assert result.exit_code == 0, result.output
    assert [(one.format, one.profile) for one in exports(study.registry)] == [
        ("facts", "identified"),
        ("findings", "identified"),
    ]


@pytest.mark.both_databases
def test_redcap_goes_there_and_back(study: Study, tmp_path: Path) -> None:
    run(study, "export", "redcap", "--out", str(study.folder / "redcap"), "--profile", "limited")
    other = str(tmp_path / "other.db")
    create_registry(other).close()
    result = run(study, "import", "redcap", str(study.folder / "redcap" / "data.csv"), db=other)
    assert result.exit_code == 0, result.output
    assert "39 facts imported, 0 known already, 0 faults" in result.output


def test_a_folder_with_something_else_is_refused_in_one_line(study: Study) -> None:
    (study.folder / "mine.txt").write_text("mine")
    result = run(study, "export", "naaccr", "--out", str(study.folder))
    assert result.exit_code == 1
    assert "holds something else than an export" in result.output
    assert result.output.count("\n") == 1
