"""Every command that opens a registry, run by everybody who may not: refused in one line, nothing written, nothing told."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result
from registry_copies import copied

from abstractor.cli.main import cli
from abstractor.model.decision import Action, Decision
from abstractor.model.errors import NotAllowed
from abstractor.model.note import Note
from abstractor.quality.audit import Verdict
from abstractor.quality.audits import judge, lock
from abstractor.quality.desk import open_desk
from abstractor.registry.decisions import record
from abstractor.registry.engine import open_registry
from abstractor.registry.notes import add_notes, patients
from abstractor.registry.people import within
from abstractor.registry.people_changes import add_person
from abstractor.registry.quality import Sample, SampleItem, add_sample
from abstractor.registry.signatures import sign
from abstractor.rulebook.book import RuleBook

CANARY = "Xanthippe"
AT = "2024-05-01T08:00:00.000+00:00"
ROLES = (
    "abstractor", "second_reader", "adjudicator", "pi", "data_manager", "statistician", "rule_author", "admin", "auditor",
)  # fmt: skip
STRANGER = "stranger"
"""A login that is no person's."""
READ = {"abstractor", "second_reader", "adjudicator", "pi", "data_manager", "auditor"}
QUERY = {"abstractor", "second_reader", "adjudicator", "pi", "data_manager"}
PLAN = {"pi", "data_manager"}
EVERYBODY = set(ROLES)

COMMANDS: dict[str, tuple[str, set[str]]] = {
    "ingest": ("notes.csv", {"data_manager"}),
    "annotate": ("", {"data_manager"}),
    "review": ("--plain --patient P1", READ),
    "serve": ("--patient P1", READ),
    "checks": ("", READ),
    "outcomes": ("--out out", READ),
    "trace": ("P1", READ),
    "trail": ("P1 --out out.html", {"abstractor", "adjudicator", "pi", "data_manager", "auditor"}),
    "verify": ("--write-anchor out", {"pi", "data_manager", "admin", "auditor"}),
    "backup": ("out", {"data_manager", "admin"}),
    "user add": ("newcomer --role abstractor", {"admin"}),
    "user list": ("", EVERYBODY),
    "user grant": ("abstractor second_reader", {"admin"}),
    "user revoke": ("abstractor abstractor", {"admin"}),
    "user disable": ("abstractor", {"admin"}),
    "user enable": ("abstractor", {"admin"}),
    "user idle-limit": ("5", {"admin"}),
    "user break-glass": ("--reason why", {"admin"}),
    "sign": ("P2", {"abstractor"}),
    "unlock": ("P1 --reason why", {"abstractor", "data_manager"}),
    "signatures": ("P1", READ),
    "import facts": ("facts.csv", {"data_manager"}),
    "import redcap": ("redcap.csv", {"data_manager"}),
    "export facts": ("--out out", {"data_manager"}),
    "export findings": ("--out out", {"data_manager"}),
    "export omop": ("--out out", PLAN | {"statistician"}),
    "export mcode": ("--out out", PLAN | {"statistician"}),
    "export cbioportal": ("--out out", PLAN | {"statistician"}),
    "export redcap": ("--out out --profile limited", PLAN),
    "export naaccr": ("--out out --profile identified", {"data_manager"}),
    "export brat": ("--out out --profile identified", {"data_manager"}),
    "qa sample": ("more --seed 2 --per-field 1", PLAN),
    "qa audit": ("drawn --list", READ),
    "qa lock": ("drawn", {"second_reader", "adjudicator", "pi"}),
    "qa reopen": ("locked --reason why", {"second_reader", "adjudicator", "pi"}),
    "qa status": ("", READ),
    "qa adjudicate queue": ("", READ),  # there is nothing to queue; `test_people.py` has who may
    "qa adjudicate list": ("", READ),
    "qa adjudicate settle": ("none A --error missed", READ),
    "qa report": ("--out out", READ),
    "qa inbox": ("", EVERYBODY),
    "qa query ask": ("P1 stage.valg why --to pi", QUERY),
    "qa query list": ("", READ),
    "qa query answer": ("none because", READ),
    "qa query close": ("none", READ),
    "qa training": ("out --seed 1", PLAN),
    "rules diff": ("rules rules", READ),
    "rules stats": ("--csv out", EVERYBODY),
    "rules release": ("rules", {"pi"}),
}
"""Words of a command to its arguments and the roles that are not refused. What they could not know (`none`) is told to who may read."""

NOT_ASKED = {
    "init": "makes a registry that is nobody's yet",
    "demo": "works on one of its own",
    "restore": "makes a new registry from a file that whoever can read it can read anyway; it must work in an emergency",
    "upgrade": "the owner of the tables does it, who need be no person of the registry; it tells nothing",
    "encrypt": "whoever can write the file, with the key",
    "decrypt": "whoever can write the file, with the key",
    "rekey": "whoever can write the file, with the key",
    "qa noticed": "reads training copies, which hold no people",
}
"""Commands of a registry that ask nobody, and why."""


def with_registry(group: click.Group, words: tuple[str, ...] = ()) -> Iterator[str]:
    """All commands that open a registry, by their words."""
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from with_registry(command, (*words, name))
        elif any(one.name == "db" for one in command.params):
            yield " ".join((*words, name))


def test_every_command_of_a_registry_is_asked_about_or_says_why_not() -> None:
    assert set(with_registry(cli)) <= set(COMMANDS) | set(NOT_ASKED)
    assert not set(COMMANDS) & set(NOT_ASKED)


def decision(number: int, patient_id: str, action: str, slot: str = "", **more: str) -> Decision:
    return Decision(f"d{number}", patient_id, slot, Action(action), "abstractor", AT, **more)


@pytest.fixture(scope="module")
def staffed(empty_registry_file: Path, tmp_path_factory: pytest.TempPathFactory, rulebook: RuleBook) -> Path:
    """A registry with one person in each role, a patient that is signed and one to sign, and a sample to audit."""
    path = copied(empty_registry_file, tmp_path_factory.mktemp("permissions") / "abstractor.db")
    registry = open_registry(str(path))
    text = f"{CANARY} has limited stage disease"
    add_notes(registry, [Note(f"N{one}", text, one, "2024-03-01", "clinic") for one in ("P1", "P2")], "test")
    registry.login = "admin"
    for name in ("admin", *(one for one in ROLES if one != "admin")):
        add_person(registry, name, [name])
    registry.login = "abstractor"
    for number, patient_id in enumerate(("P1", "P2")):
        value = {"field": "stage.valg", "value": "limited"}
        first = record(registry, decision(2 * number, patient_id, "accept", "stage.valg", **value), seen=0)
        record(registry, decision(2 * number + 1, patient_id, "close"), seen=first.sequence)
    sign(registry, "P1", "abstracted", "abstractor")
    registry.login = "pi"
    desk = open_desk(registry, rulebook, "pi")
    for seed, name in enumerate(("drawn", "locked")):
        item = SampleItem(name, 1, "P1", "stage.valg", "d0", "stage.valg", "all")
        add_sample(registry, Sample(name, "facts", seed, {}, 1, "0", (), "pi", AT), [item])
        judge(desk, name, 1, Verdict.AGREE)
    lock(desk, "locked")
    registry.close()
    return path


@pytest.fixture
def place(staffed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rulebook: RuleBook) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ABSTRACTOR_DB", raising=False)
    monkeypatch.setattr("abstractor.rulebook.load.load_rulebook", lambda _root=None: rulebook)
    monkeypatch.setattr("abstractor.api.Abstractor.load", lambda _rules=None: type("Read", (), {"rulebook": rulebook}))
    (tmp_path / "notes.csv").write_text("note_id,patient_id,text\nN9,P9,Later.\n")
    (tmp_path / "facts.csv").write_text("patient_id,field,value\nP9,stage.valg,limited\n")
    (tmp_path / "redcap.csv").write_text("record_id,redcap_repeat_instrument,redcap_repeat_instance\nP9,,\n")
    copied(staffed, tmp_path / "abstractor.db")
    return tmp_path


def run_as(who: str, command: str, monkeypatch: pytest.MonkeyPatch) -> Result:
    monkeypatch.setattr("abstractor.registry.people.system_login", lambda: who)
    return CliRunner().invoke(cli, [*command.split(), *COMMANDS[command][0].split()], input="")


def state(place: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in place.rglob("*") if path.is_file()}


@pytest.mark.parametrize("command", COMMANDS)
def test_who_may_not_is_refused_and_nothing_is_written_or_told(
    place: Path, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = state(place)
    for who in [one for one in (*ROLES, STRANGER) if one not in COMMANDS[command][1]]:
        result = run_as(who, command, monkeypatch)
        assert result.exit_code == 1, f"{who}: {result.output} {result.exception!r}"
        lines = result.stderr.splitlines()
        assert len(lines) == 1, f"{who}: {result.output}"
        assert "may not" in lines[0] or "is no person of this registry" in lines[0], f"{who}: {lines[0]}"
        assert CANARY not in result.output
        assert result.stdout == ""
        assert state(place) == before, who


ALLOWED = (
    ("statistician", "export redcap"),
    ("statistician", "export cbioportal"),
    ("admin", "verify"),
    ("admin", "backup"),
    ("auditor", "verify"),
    ("auditor", "trail"),
    ("auditor", "signatures"),
    ("rule_author", "rules stats"),
    ("admin", "qa inbox"),
    ("data_manager", "unlock"),
    ("abstractor", "sign"),
    ("admin", "user idle-limit"),
)
"""Where a step reads more than its person may, and where nothing else may stand in the way."""


@pytest.mark.parametrize(("who", "command"), ALLOWED, ids=[f"{who}: {command}" for who, command in ALLOWED])
def test_who_may_is_not_stopped_by_what_the_step_itself_must_read(
    place: Path, who: str, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = COMMANDS[command][0].replace("--profile limited", "").split()
    monkeypatch.setattr("abstractor.registry.people.system_login", lambda: who)
    monkeypatch.setattr("abstractor.batch.recompute.proposed", lambda *_: ())
    result = CliRunner().invoke(cli, [*command.split(), *arguments])
    assert "may not" not in result.output
    assert result.exit_code == 0, f"{result.output} {result.exception!r}"


def test_a_backup_is_restored_by_whoever_has_it(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run_as("admin", "backup", monkeypatch)
    monkeypatch.setattr("abstractor.registry.people.system_login", lambda: STRANGER)
    result = CliRunner().invoke(cli, ["restore", "out", "--db", "again.db"])
    assert result.exit_code == 0, result.output
    assert "P1" not in result.output
    refused = CliRunner().invoke(cli, ["trail", "P1", "--db", "again.db"])
    assert "is no person of this registry" in refused.stderr


def test_what_an_export_may_read_ends_with_it(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    registry = open_registry(str(place / "abstractor.db"))
    registry.login = "statistician"
    with within(registry, "export_deidentified"):
        assert patients(registry) == ("P1", "P2")
    with pytest.raises(NotAllowed, match="may not see the list of patients"):
        patients(registry)
    registry.close()
