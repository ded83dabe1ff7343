"""Identifiers planted wherever a hospital, an import or a person can put them, and looked for in all that leaves but identified."""

import csv
import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from exported_study import CUTOFF, P, Said, Study, decided_as

from abstractor.exports.facts import fact_lines, leaving_facts
from abstractor.exports.leaving import Leaving, Profile, load_profiles
from abstractor.exports.masking import UNLISTED, Masking
from abstractor.exports.source import source_of
from abstractor.model.decision import Decision
from abstractor.model.fact import Fact
from abstractor.model.note import Note
from abstractor.model.suggestion import Evidence
from abstractor.outcomes.lines import DrugGroups
from abstractor.outcomes.protocol import Protocol
from abstractor.registry.decisions import record_all
from abstractor.registry.engine import Registry
from abstractor.registry.notes import add_notes
from abstractor.rulebook.book import RuleBook
from abstractor.rulebook.schema import FieldSpec

FORMATS = ("omop", "mcode", "cbioportal", "redcap", "naaccr")
PATIENT, NOTE, PERSON = "MRN-00482913", "Smythe_Jonathan_00482913_2024-01-12.txt", "hargreave@ward7.example"
PLANTED = "Jonathan Smythe 555-014-2277"
TEXT = f"{PLANTED}, 12 Elmtree Street 02139, j.smythe@mail.example. Small cell carcinoma."
KIND = "Dr Hargreave clinic"
WORDS = ("jonathan", "smythe", "014-2277", "elmtree", "hargreave", "ward7", "00482913", "mrn-0", "/mnt/intake")
DATES = ("2024-01-1", "1950-02", "20240112")


def hashes() -> list[str]:
    """The beginnings of what somebody may try: hashes of the ids and of the text."""
    names = (hashlib.md5, hashlib.sha1, hashlib.sha256)
    return [name(one.encode()).hexdigest()[:10] for one in (PATIENT, NOTE, PERSON, TEXT) for name in names]


@pytest.fixture
def planted(registry: Registry, make_rulebook: Callable[[str], RuleBook], tmp_path: Path) -> Study:
    """Every question answered once: those in words with an identifier, the others with one in each attribute."""
    rulebook = make_rulebook("book")
    note = Note(NOTE, TEXT, PATIENT, "2024-01-12", KIND)
    add_notes(registry, [note], "/mnt/intake/Hargreave")
    words = Evidence(NOTE, 0, len(PLANTED), PLANTED, note.sha256, "2024-01-12", KIND)
    said = [one for spec in rulebook.fields.values() for one in answers(spec)]
    decisions = [decided_as(rulebook.fields, at, one, note.sha256) for at, one in enumerate(said)]
    record_all(registry, [planted_in(one, words) for one in decisions])
    return Study(registry, rulebook, tmp_path)


def answers(spec: FieldSpec) -> list[Said]:
    attributes: dict[str, object] = {one.name: [PLANTED] if one.kind == "drugs" else PLANTED for one in spec.attributes}
    attributes |= {"note": PLANTED, "comment": PLANTED, "site": PLANTED, "lab": PLANTED}
    values = {"birth_date": ["1950-02-01"], "variant": [f"TP53 p.R175H {PLANTED}", "TP53 p.R175H"]}
    default = [spec.codes[0].code] if spec.codes else ["2024-01-12"] if spec.kind == "date" else [PLANTED]
    return [
        (PATIENT, spec.name, value, P, value if spec.kind == "date" else "2024-01-12", "2024-01-18", attributes)
        for value in values.get(spec.name, default)
    ]


def planted_in(decision: Decision, words: Evidence) -> Decision:
    return replace(decision, evidence=(words,), decided_by=PERSON, reason=PLANTED)


@pytest.mark.parametrize("profile", ["limited", "deidentified"])
@pytest.mark.parametrize("format_name", FORMATS)
def test_no_planted_identifier_leaves(planted: Study, format_name: str, profile: str) -> None:
    if format_name == "mcode":
        pytest.importorskip("fhir.resources.R4B.bundle", reason="abstractor[fhir] is not installed")
    folder = planted.export(format_name, profile)
    content = "\n".join(
        f"{path.relative_to(folder)}\n{path.read_text(encoding='utf-8')}"
        for path in folder.rglob("*")
        if path.is_file()
    ).lower()
    assert "tp53" in content or format_name == "naaccr"
    for secret in (*WORDS, *hashes(), *(DATES if profile == "deidentified" else ())):
        assert secret not in content, secret


@pytest.mark.parametrize("profile", [Profile.LIMITED, Profile.DEIDENTIFIED])
def test_nor_does_one_with_the_facts(planted: Study, profile: Profile) -> None:
    leaving = Leaving(profile, load_profiles(planted.rulebook.root))
    source = source_of(planted.registry, planted.rulebook, leaving, Protocol(), CUTOFF)
    dates = frozenset(name for name, spec in planted.rulebook.fields.items() if spec.kind == "date")
    content = "".join(fact_lines(leaving_facts(chart, leaving, dates)) for chart in source.charts()).lower()
    assert "tp53 p.r175h" in content
    for secret in (*WORDS, *hashes()):
        assert secret not in content, secret


def test_what_was_held_back_is_counted_by_its_question_and_not_told_exactly(planted: Study) -> None:
    manifest = json.loads((planted.export("redcap") / "export.json").read_text())
    assert manifest["held_back"]["variant"] == "<11"
    assert "sex" not in manifest["held_back"]
    assert "held_back" not in json.loads((planted.export("redcap", "identified") / "export.json").read_text())


def test_a_drug_that_no_vocabulary_has_keeps_its_place_without_its_name(planted: Study) -> None:
    with (planted.export("omop") / "DRUG_EXPOSURE.csv").open() as file:
        assert [row["drug_source_value"] for row in csv.DictReader(file)] == [UNLISTED]


@pytest.mark.parametrize(
    ("field", "value", "shown"),
    [
        ("variant", "TP53 p.R175H", True),
        ("variant", "TP53 p.Arg175His", True),
        ("variant", "RB1 p.S82fs*9", True),
        ("variant", "RB1 c.2107-2A>G", True),
        ("variant", "EGFR p.E746_A750del", True),
        ("variant", "EGFR exon 19 deletion", True),
        ("variant", "KIF5B-RET fusion", True),
        ("variant", "MYC amplification", True),
        ("variant", "TP53 p.R175H per Jonathan", False),
        ("variant", "TP53 seen by Jonathan", False),
        ("ki67", "<5", True),
        ("ki67", "about 80, Smythe", False),
        ("pd_l1", "TPS <1", True),
        ("stage.t", "T2a", True),
        ("stage.t", "T2a (Smythe)", False),
        ("sex", "male", True),
        ("sex", "Jonathan", False),
        ("diagnosis_date", "2024-01", True),
        ("diagnosis_date", "Smythe", False),
        ("no_such_question", "1", False),
    ],
)
def test_a_value_leaves_where_its_question_knows_it(rulebook: RuleBook, field: str, value: str, shown: bool) -> None:
    masking = Masking(rulebook, DrugGroups(), dates=False)
    found = masking.fact(Fact("P", field, value, P, slot="s"))
    assert (found is not None and found.value == value) is shown


def test_an_attribute_leaves_where_it_is_asked_for_and_of_its_kind(rulebook: RuleBook) -> None:
    masking = Masking(rulebook, DrugGroups(platinum=frozenset({"cisplatin"})), dates=False)
    said = {"vaf": 0.4, "vus": "yes", "germline": True, "lab": "Smythe"}
    found = masking.fact(Fact("P", "variant", "TP53 p.R175H", P, attributes=said, slot="s"))
    assert found is not None
    assert found.attributes == {"vaf": 0.4, "vus": "yes", "germline": True}
    line = masking.fact(Fact("P", "therapy_line", "1", P, attributes={"drugs": ["cisplatin", "Smythe"]}, slot="s"))
    assert line is not None
    assert line.attributes == {"drugs": ["cisplatin", UNLISTED]}
