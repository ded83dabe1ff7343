"""What leaves under which profile: every file of every format is searched for what must not be in it."""

import csv
import itertools
import json
import re
import stat
from pathlib import Path

import pytest
from exported_study import BARE, CUTOFF, FULL, OLD, Study

from abstractor.exports.facts import leaving_facts
from abstractor.exports.leaving import Leaving, Profile, load_profiles, plain_id
from abstractor.exports.source import source_of
from abstractor.model.errors import InputError
from abstractor.outcomes.protocol import Protocol
from abstractor.registry.exportlog import exports

FORMATS = ("omop", "mcode", "cbioportal", "redcap", "naaccr")
IDS = ('"A-1"', "A-1-T1", ">A-1<", ",A-1,", "B 2", "=C", "N-1", "dr.jones", "Dr Who")
"""The patients, their notes, who decided, and words typed into an attribute."""
WORDS = ("metastases in the liver", "Staging CT", "No brain")
REAL_DATES = ("2024-01", "2024-09-30", "1950-02", "1931", "2023-06-01", "20240110", "2022-03")
NOT_STANDING = ("kidney", "|77|", "|99|")
"""Rejected, put off, taken back; the numbers as cells of their own."""


def whole(folder: Path) -> str:
    """Everything a folder holds, its names too; cells between bars."""
    pieces = []
    for path in sorted(folder.rglob("*")):
        pieces.append(str(path.relative_to(folder)))
        if path.is_file() and path.name not in ("export.json", "dictionary.csv", "annotation.conf"):
            pieces.append(re.sub(r"[\t,\"<>]", "|", path.read_text(encoding="utf-8")))
            pieces.append(path.read_text(encoding="utf-8"))
    return "\n".join(pieces)


@pytest.mark.parametrize("format_name", FORMATS)
@pytest.mark.parametrize("profile", ["limited", "deidentified"])
def test_ids_people_and_words_of_notes_leave_identified_only(study: Study, format_name: str, profile: str) -> None:
    content = whole(study.export(format_name, profile))
    for secret in (*IDS, *WORDS):
        assert secret not in content, secret


@pytest.mark.parametrize("format_name", FORMATS)
def test_no_date_leaves_deidentified(study: Study, format_name: str) -> None:
    content = whole(study.export(format_name))
    dates = [one for one in REAL_DATES if format_name != "naaccr" or len(one) > 4]
    for date in dates:
        assert date not in content, date


@pytest.mark.parametrize("format_name", [*FORMATS, "brat"])
def test_what_is_not_confirmed_never_leaves(study: Study, format_name: str) -> None:
    content = whole(study.export(format_name, "identified"))
    for value in NOT_STANDING:
        assert value not in content, value


def test_an_age_over_ninety_is_told_as_such_and_no_more(study: Study) -> None:
    identified = (study.export("cbioportal", "identified") / "data_clinical_patient.txt").read_text()
    deidentified = (study.export("cbioportal") / "data_clinical_patient.txt").read_text()
    assert "\t92\t" in identified  # born 1931-05-05, diagnosed 2023-06-01
    assert "\t92\t" not in deidentified
    assert "\t>89\t" in deidentified
    with (study.export("redcap") / "data.csv").open() as file:
        assert {row["age"] for row in csv.DictReader(file) if not row["redcap_repeat_instrument"]} == {"73", "90", ""}
    with (study.export("omop") / "PERSON.csv").open() as file:
        assert {row["year_of_birth"] for row in csv.DictReader(file)} == {"1927", "1910", "0"}  # 2000 - 73, 2000 - 90


def test_days_between_dates_are_kept_from_an_anchor(study: Study) -> None:
    with (study.export("omop") / "DEATH.csv").open() as file:
        (death,) = csv.DictReader(file)
    assert death["death_date"] == "2000-09-21"  # 264 days after the anchor, as after the diagnosis


def test_days_stand_where_dates_stood(study: Study) -> None:
    with (study.export("redcap") / "data.csv").open() as file:
        rows = list(csv.DictReader(file))
    days = {row["response"]: row["response_day"] for row in rows if row["redcap_repeat_instrument"] == "response"}
    assert days == {"PR": "60", "PD": "173"}
    assert "birth_date" not in rows[0]
    assert "response_date" not in rows[0]


def test_germline_variants_identify_a_family_and_stay(study: Study) -> None:
    for format_name in ("cbioportal", "redcap", "omop", "mcode"):
        assert "BRCA2" not in whole(study.export(format_name))
        assert "BRCA2" in whole(study.export(format_name, "identified"))


def test_ids_are_random_for_each_export(study: Study) -> None:
    def ids() -> set[str]:
        lines = (study.export("cbioportal") / "data_clinical_sample.txt").read_text().splitlines()[5:]
        return {line.split("\t")[0] for line in lines}

    first, second = ids(), ids()
    assert len(first) == len(second) == 3
    assert not first & second


def test_the_key_says_who_is_who_for_its_owner_only_and_is_never_written_over(study: Study, tmp_path: Path) -> None:
    key = tmp_path / "keys" / "key.csv"
    folder = study.export("redcap", "limited", key)
    with key.open() as file:
        known = {
            row["here"].removeprefix("'"): row["outside"] for row in csv.DictReader(file) if row["kind"] == "patient"
        }
    assert known.keys() == {FULL, OLD, BARE}
    with (folder / "data.csv").open() as file:
        assert {row["record_id"] for row in csv.DictReader(file)} == set(known.values())
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    with pytest.raises(InputError, match="never written over"):
        study.export("redcap", "limited", key)


def test_a_key_may_not_lie_in_the_export(study: Study) -> None:
    with pytest.raises(InputError, match="must not lie in the export"):
        study.export("redcap", "limited", study.folder / "redcap" / "key.csv")


def test_small_counts_are_not_told(study: Study) -> None:
    manifest = json.loads((study.export("redcap") / "export.json").read_text())
    assert manifest["profile"] == "deidentified"
    assert manifest["files"]["data.csv"]["rows"] == 20  # 17 of A-1 without the germline variant, 2 of B 2, 1 of =C
    told = (study.export("omop") / "LEFT_OUT.txt").read_text()
    assert set(re.findall(r"^\S+", told, re.MULTILINE)) == {"<11"}


def test_every_export_is_logged_with_who_when_what_and_its_hash(study: Study) -> None:
    study.export("redcap", "limited")
    study.export("naaccr")
    first, second = exports(study.registry)
    assert (first.exported_by, first.profile, first.format) == ("mortiz", "limited", "redcap")
    assert (second.format, second.profile, second.exported_at) == (
        "naaccr",
        "deidentified",
        "2025-07-01T08:00:00.000+00:00",
    )
    assert second.rows == {"naaccr.xml": 3, "patients.csv": 3}
    assert re.fullmatch(r"[0-9a-f]{64}", first.sha256)


def test_facts_leave_with_days_and_without_who_and_where(study: Study) -> None:
    leaving = Leaving(Profile.DEIDENTIFIED, load_profiles(study.rulebook.root))
    source = source_of(study.registry, study.rulebook, leaving, Protocol(), CUTOFF)
    dates = frozenset(name for name, spec in study.rulebook.fields.items() if spec.kind == "date")
    facts = list(itertools.chain.from_iterable(leaving_facts(chart, leaving, dates) for chart in source.charts()))
    assert "birth_date" not in {fact.field for fact in facts}
    (death,) = [fact for fact in facts if fact.field == "death_date"]
    assert (death.value, death.date) == ("264", "264")
    assert not any(fact.evidence or fact.decided_by or fact.decided_at or fact.attributes for fact in facts)


def test_different_ids_stay_different_where_a_format_allows_few_characters() -> None:
    names = ["a b", "a_b", "a.b", "a/b", "é", "è"]
    assert len({plain_id(name) for name in names}) == len(names)
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+", plain_id(name)) for name in names)
