"""A backup is the registry as it was at one moment, whoever wrote meanwhile; what is restored is that, or a clear refusal."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tampering import past_the_program
from writing import WRITER

from abstractor.model.decision import Decision
from abstractor.model.errors import RegistryError
from abstractor.model.note import Note
from abstractor.registry.backup import back_up, manifest_of, restore
from abstractor.registry.decisions import decisions_of, record
from abstractor.registry.engine import Registry, create_registry, open_registry
from abstractor.registry.leases import claim
from abstractor.registry.notes import add_notes, note_text
from abstractor.registry.verify import Anchor, verify_chain, verify_notes

if TYPE_CHECKING:
    from postgres_server import Databases

REGISTRIES = ("sqlite", "postgresql", "encrypted")

HARD = "Stage\0 IV \x10 \u2028 é😀\r\n"


@pytest.fixture
def filled(with_decision: Registry, decide: Callable[..., Decision]) -> Registry:
    """Two versions of a note, text that databases find hard, three decisions, and somebody at work."""
    add_notes(with_decision, [Note("N1", HARD, "P1", "2024-03-01", "clinic")], "test")
    record(with_decision, decide(slot="s2", value="v\0", attributes={"vaf": 0.125, "drugs": ["a"]}), seen=10**6)
    record(with_decision, decide(slot="s3", action="defer"), seen=10**6)
    claim(with_decision, "P1", "mortiz")
    return with_decision


@pytest.fixture
def elsewhere(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[str], str]:
    """A place where there is no registry yet, of the kind asked for."""

    def place(kind: str) -> str:
        if kind == "sqlite":
            return str(tmp_path / "restored.db")
        databases: Databases = request.getfixturevalue("postgres")
        return databases.create()

    return place


def whole(registry: Registry, *anchors: Anchor) -> bool:
    return verify_chain(registry, anchors).faults == verify_notes(registry).faults == []


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_what_is_restored_is_what_was_backed_up_wherever_it_came_from_and_goes(
    filled: Registry, tmp_path: Path, kind: str, elsewhere: Callable[[str], str], decide: Callable[..., Decision]
) -> None:
    made = back_up(filled, tmp_path / "backup.db")
    name = elsewhere(kind)
    restore(tmp_path / "backup.db", name)
    again = open_registry(name)
    assert decisions_of(again, "P1") == decisions_of(filled, "P1")
    assert note_text(again, "N1") == HARD
    assert whole(again, Anchor(made.sequence, made.hash))
    record(again, decide(slot="s9", action_id="after"), seen=10**6)
    add_notes(again, [Note("N2", "New.", "P2")], "test")
    assert whole(again)
    again.close()


def test_a_backup_is_its_owners_only_and_says_what_it_holds(filled: Registry, tmp_path: Path) -> None:
    target = tmp_path / "backup.db"
    made = back_up(filled, target)
    assert (made.rows["decision"], made.rows["note"], made.made_from) == (3, 2, filled.engine.dialect.name)
    assert made.sequence == verify_chain(filled).entries
    for path in (target, manifest_of(target)):
        assert path.stat().st_mode & 0o777 == 0o600
    assert sorted(path.name for path in tmp_path.glob("*backup*")) == ["backup.db", "backup.db.json"]


def test_a_backup_is_never_written_over_and_the_refusal_leaves_both_as_they_are(
    filled: Registry, tmp_path: Path
) -> None:
    target = tmp_path / "backup.db"
    back_up(filled, target)
    before = target.read_bytes()
    with pytest.raises(RegistryError, match="exists already"):
        back_up(filled, target)
    assert target.read_bytes() == before


def test_a_place_that_cannot_be_written_is_told_and_leaves_nothing(filled: Registry, tmp_path: Path) -> None:
    with pytest.raises(RegistryError, match=r"backup\.db"):
        back_up(filled, tmp_path / "none" / "backup.db")
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize("damage", ["byte", "cut", "list", "no list", "no file"])
def test_a_damaged_backup_is_refused_and_nothing_is_made_of_it(
    filled: Registry, tmp_path: Path, elsewhere: Callable[[str], str], damage: str
) -> None:
    target = tmp_path / "backup.db"
    back_up(filled, target)
    content = target.read_bytes()
    if damage == "byte":
        target.write_bytes(content[:5000] + bytes([content[5000] ^ 1]) + content[5001:])
    elif damage == "cut":
        target.write_bytes(content[:-4096])
    elif damage == "list":
        manifest_of(target).write_text('{"sha256": 1')
    elif damage == "no list":
        manifest_of(target).unlink()
    else:
        target.unlink()
    name = elsewhere("sqlite")
    with pytest.raises(RegistryError, match=r"backup\.db"):
        restore(target, name)
    assert not Path(name).exists()


def test_a_file_that_was_damaged_before_its_hash_was_taken_is_refused(
    filled: Registry, tmp_path: Path, elsewhere: Callable[[str], str]
) -> None:
    from hashlib import sha256

    target = tmp_path / "backup.db"
    back_up(filled, target)
    content = bytearray(target.read_bytes())
    content[4096 * 3 : 4096 * 6] = b"x" * (4096 * 3)
    target.write_bytes(content)
    listed = json.loads(manifest_of(target).read_text())
    manifest_of(target).write_text(json.dumps(listed | {"sha256": sha256(content).hexdigest()}))
    name = elsewhere("sqlite")
    with pytest.raises(RegistryError, match="damaged"):
        restore(target, name)
    assert not Path(name).exists()


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_nothing_is_restored_over_a_registry(
    filled: Registry, tmp_path: Path, kind: str, elsewhere: Callable[[str], str]
) -> None:
    back_up(filled, tmp_path / "backup.db")
    name = elsewhere(kind)
    create_registry(name).close()
    with pytest.raises(RegistryError, match=r"exists already|is a registry already"):
        restore(tmp_path / "backup.db", name)


def test_a_decision_that_was_tampered_with_before_the_backup_is_found_after_the_restore(
    filled: Registry, tmp_path: Path, elsewhere: Callable[[str], str]
) -> None:
    past_the_program(filled, "UPDATE decision SET value = 'other' WHERE action_id = 'first'")
    back_up(filled, tmp_path / "backup.db")
    name = elsewhere("sqlite")
    restore(tmp_path / "backup.db", name)
    again = open_registry(name)
    assert "its row was changed after it was written" in verify_chain(again).faults[0]
    again.close()


def test_backups_made_while_others_write_are_whole_and_hold_what_was_acknowledged_before(
    registry_name: str, tmp_path: Path
) -> None:
    registry = open_registry(registry_name)
    name = registry.engine.url.render_as_string(hide_password=False)
    command = [sys.executable, "-c", WRITER, name]
    writers = [
        subprocess.Popen([*command, f"w{one}", f"P{one}", "60"], stdout=subprocess.PIPE, text=True, bufsize=1)
        for one in range(2)
    ]
    said: list[str] = []
    for number in range(3):
        for writer in writers:
            assert writer.stdout is not None
            said += [writer.stdout.readline().strip() for _ in range(8)]
        made = back_up(registry, tmp_path / f"{number}.db")
        copied = open_registry(str(tmp_path / f"{number}.db"))
        with copied.read() as connection:
            held = set(connection.exec_driver_sql("SELECT action_id FROM decision").scalars())
        assert set(said) <= held
        found = verify_chain(copied, [Anchor(made.sequence, made.hash)])
        assert (found.faults, found.entries) == ([], len(held))
        copied.close()
    for writer in writers:
        writer.communicate()
        assert writer.returncode == 0
    assert verify_chain(registry).entries == 120
    assert verify_chain(registry).faults == []
    registry.close()
