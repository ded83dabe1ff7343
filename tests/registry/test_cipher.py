"""An encrypted registry holds no word in clear, opens with its key only, and is as safe as one in clear; it becomes one, and back, whole."""

import logging
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from tampering import past_the_program
from writing import WRITER

from abstractor.model.decision import Decision
from abstractor.model.errors import RegistryError
from abstractor.model.note import Note
from abstractor.registry import encryption, engine
from abstractor.registry.backup import back_up, restore
from abstractor.registry.cipher import changed_pages
from abstractor.registry.decisions import decisions_of, record
from abstractor.registry.encryption import decrypt, encrypt, rekey
from abstractor.registry.engine import Registry, create_registry, open_registry, upgrade_registry
from abstractor.registry.keys import COMMAND, Key, forget_key, new_key, take_from_descriptor, write_key
from abstractor.registry.leases import claim, release
from abstractor.registry.notes import add_notes, note_text
from abstractor.registry.verify import verify_chain, verify_notes

pytest.importorskip("sqlcipher3", reason="the extra `cipher` is not installed")

REGISTRIES = ("encrypted",)
CANARY = "Xanthippe"
HARD = f"{CANARY}\0 IV \x10 \u2028 é😀\r\n"


@pytest.fixture
def filled(registry: Registry, decide: Callable[..., Decision]) -> Registry:
    """Notes with the word, and decisions that cite it."""
    add_notes(registry, [Note("N1", HARD, "P1"), Note("N2", CANARY * 2000, "P2")], "test")
    for number in range(5):
        record(registry, decide(slot=f"response@{number}", value=CANARY, reason=CANARY), seen=10**6)
    return registry


@pytest.fixture
def clear_file(filled: Registry, tmp_path: Path) -> Path:
    """The same in clear."""
    filled.close()
    path = tmp_path / "clear.db"
    shutil.copy(filled.name, path)
    path.chmod(0o600)
    decrypt(str(path))
    return path


@pytest.fixture
def key(key_given: Path) -> Key:
    return Key(key_given.read_text().strip(), "the tests")


def holding(folder: Path, *words: str) -> set[str]:
    """The files of a folder in which a word stands in clear."""
    wanted = [coded for word in words for coded in (word.encode(), word.encode("utf-16-le"))]
    return {
        path.name for path in folder.rglob("*") if path.is_file() and any(one in path.read_bytes() for one in wanted)
    }


def refused(attempt: Callable[[], object]) -> str:
    with pytest.raises(RegistryError) as error:
        attempt()
    assert "\n" not in str(error.value)
    return str(error.value)


def content(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as connection:
        return list(connection.iterdump())


def without_a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(COMMAND)
    forget_key()


def test_no_word_stands_in_clear_in_the_file_its_journal_its_copies_or_anywhere_beside_them(
    filled: Registry, tmp_path: Path
) -> None:
    with filled.write() as connection:
        connection.exec_driver_sql("PRAGMA cache_size = 1")  # pages go to the disk before the end of the transaction
        connection.exec_driver_sql("CREATE TABLE large AS SELECT * FROM note_text")
        connection.exec_driver_sql("DROP TABLE large")
        connection.exec_driver_sql("UPDATE patient SET changes = changes + 1")
        assert (tmp_path / "study.db-journal").stat().st_size > 0
        assert holding(tmp_path, CANARY, "note_text", "SQLite format") == set()
    back_up(filled, tmp_path / "backup.db")
    restore(tmp_path / "backup.db", str(tmp_path / "restored.db"))
    assert holding(tmp_path, CANARY, "SQLite format") == set()
    assert {path.stat().st_mode & 0o777 for path in tmp_path.glob("*.db*")} == {0o600}


def test_settings_are_those_that_were_measured_to_be_safe(registry: Registry) -> None:
    wanted = {
        "journal_mode": "delete",
        "synchronous": 3,
        "foreign_keys": 1,
        "temp_store": 2,
        "busy_timeout": 30000,
        "recursive_triggers": 1,
    }
    with registry.read() as connection:
        found = {name: connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in wanted}
        assert connection.exec_driver_sql("PRAGMA cipher_memory_security").scalar() == "1"
    assert found == wanted


def test_a_passphrase_opens_what_it_encrypted(tmp_path: Path) -> None:
    phrase = Key('it\'s a "long" passphrase; — naïve', "test")
    registry = create_registry(str(tmp_path / "r.db"), phrase)
    add_notes(registry, [Note("N1", HARD, "P1")], "test")
    registry.close()
    again = open_registry(str(tmp_path / "r.db"), key=phrase)
    assert note_text(again, "N1") == HARD
    again.close()


@pytest.mark.parametrize("attempt", [open_registry, upgrade_registry, decrypt])
def test_another_key_is_refused_with_what_to_do_and_without_a_word_on_the_terminal(
    filled: Registry,
    attempt: Callable[[str], object],
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    filled.close()
    before = Path(filled.name).read_bytes()
    write_key(new_key(), tmp_path / "other")
    monkeypatch.setenv(COMMAND, f"cat {tmp_path / 'other'}")
    forget_key()
    said = refused(lambda: attempt(filled.name))
    assert "the key from the program 'cat' doesn't open it" in said
    assert "damaged" in said
    assert "give its own key, else restore a backup" in said
    assert Path(filled.name).read_bytes() == before
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("attempt", [open_registry, upgrade_registry, decrypt])
def test_without_a_key_it_is_told_how_to_give_one(
    filled: Registry, attempt: Callable[[str], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    filled.close()
    without_a_key(monkeypatch)
    said = refused(lambda: attempt(filled.name))
    assert "is encrypted, and no key was given: name it by --key-fd" in said


def test_without_the_library_it_is_told_what_to_install(filled: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    filled.close()
    monkeypatch.setitem(sys.modules, "sqlcipher3", None)
    assert "pip install 'abstractor[cipher]'" in refused(lambda: open_registry(filled.name))


def test_a_letter_is_no_registry_whatever_the_key(key_given: Path, tmp_path: Path) -> None:
    (tmp_path / "letter.db").write_text("Dear colleague, thank you. " * 1000)
    assert "is not an Abstractor registry" in refused(lambda: open_registry(str(tmp_path / "letter.db")))


def test_a_key_in_a_url_is_refused_and_not_repeated(tmp_path: Path) -> None:
    for url in ("sqlite+pysqlcipher://:geheim@/r.db", "sqlite://:geheim@/r.db"):
        said = refused(lambda url=url: open_registry(url))
        assert "never stands in a URL" in said
        assert "geheim" not in said


def test_a_registry_in_clear_needs_no_key_and_loads_no_cipher(registry_file: Path) -> None:
    code = (
        "import sys; from abstractor.registry.engine import open_registry; open_registry(sys.argv[1]).close();"
        "print(*{'sqlcipher3', 'keyring'} & set(sys.modules))"
    )
    environment = {**os.environ, COMMAND: "false"}
    command = [sys.executable, "-c", code, str(registry_file)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


@pytest.mark.parametrize("page", [0, 7, -1])
def test_a_flipped_bit_is_found_wherever_it_is(filled: Registry, page: int) -> None:
    filled.close()
    path = Path(filled.name)
    held = bytearray(path.read_bytes())
    held[page % (len(held) // 4096) * 4096 + 2000] ^= 1
    path.write_bytes(held)
    if page == 0:
        assert "damaged" in refused(lambda: open_registry(filled.name))
        return
    again = open_registry(filled.name)
    (found,) = changed_pages(again)
    assert f"page {page % (len(held) // 4096) + 1}" in found
    again.close()


def test_a_page_that_is_read_and_was_changed_is_one_line_that_says_so(filled: Registry) -> None:
    filled.close()
    path = Path(filled.name)
    held = bytearray(path.read_bytes())
    for place in range(4096 + 2000, len(held), 4096):
        held[place] ^= 1
    path.write_bytes(held)
    assert "changed by who does not have the key" in refused(lambda: open_registry(filled.name))


def test_what_was_acknowledged_survives_kills_and_nothing_half_is_there(encrypted_registry_file: Path) -> None:
    for number, after in enumerate((1, 20)):
        command = [sys.executable, "-c", WRITER, str(encrypted_registry_file), f"w{number}", "P1", "200"]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, bufsize=1)
        assert process.stdout is not None
        said = [process.stdout.readline().strip() for _ in range(after)]
        os.kill(process.pid, signal.SIGKILL)
        said += [line.strip() for line in process.stdout if line.endswith("\n")]
        process.wait()
        process.stdout.close()
        registry = open_registry(str(encrypted_registry_file))
        ids = [one.action_id for one in decisions_of(registry, "P1") if one.decided_by == f"w{number}"]
        assert ids[: len(said)] == said
        assert len(ids) <= len(said) + 1  # the last one may have been saved before it could be said
        assert (changed_pages(registry), verify_chain(registry).faults) == ([], [])
        registry.close()


def test_a_killed_transaction_is_undone_by_who_opens_it_next(filled: Registry) -> None:
    code = (
        "import os, sys; from abstractor.registry.engine import open_registry\n"
        "with open_registry(sys.argv[1]).write() as connection:\n"
        "    connection.exec_driver_sql('PRAGMA cache_size = 1')\n"
        "    connection.exec_driver_sql('CREATE TABLE half AS SELECT * FROM note_text')\n"
        "    connection.exec_driver_sql('UPDATE patient SET changes = changes + 1')\n"
        "    os.kill(os.getpid(), 9)\n"
    )
    filled.close()
    done = subprocess.run([sys.executable, "-c", code, filled.name], check=False)
    assert done.returncode == -signal.SIGKILL
    assert Path(f"{filled.name}-journal").exists()
    again = open_registry(filled.name)
    with again.read() as connection:
        assert connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE name = 'half'").all() == []
    assert (changed_pages(again), verify_chain(again).faults, verify_notes(again).faults) == ([], [], [])
    again.close()


def test_an_older_encrypted_registry_is_upgraded_and_its_backup_is_encrypted_too(key: Key, tmp_path: Path) -> None:
    path = tmp_path / "older.db"
    engine.private_file(path)
    older = engine._connect(engine.registry_url(str(path)), key=key)
    engine._migrate(older.engine, "0004")
    older.close()
    before, after = upgrade_registry(str(path))
    assert before == "0004"
    open_registry(str(path)).close()
    (backup,) = tmp_path.glob("older.db.before-*")
    assert after in backup.name
    assert holding(tmp_path, "CREATE TABLE", "SQLite format") == set()
    assert "abstractor upgrade" in refused(lambda: open_registry(str(backup)))


def test_what_becomes_encrypted_and_clear_again_is_what_it_was(clear_file: Path, key: Key, tmp_path: Path) -> None:
    before = content(clear_file)
    done = encrypt(str(clear_file), key)
    assert done.rows == sum(line.startswith("INSERT INTO") for line in before)
    assert done.entries == 5
    assert clear_file.stat().st_mode & 0o777 == 0o600
    assert holding(tmp_path, CANARY) == set()
    opened = open_registry(str(clear_file))
    assert note_text(opened, "N1") == HARD
    assert (verify_chain(opened).faults, verify_notes(opened).faults) == ([], [])
    opened.close()
    decrypt(str(clear_file))
    assert content(clear_file) == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["clear.db", "study.db"]


def test_another_key_opens_it_after_rekeying_and_the_old_one_does_not(
    filled: Registry, key: Key, tmp_path: Path
) -> None:
    filled.close()
    other = new_key()
    rekey(filled.name, other)
    assert "doesn't open it" in refused(lambda: open_registry(filled.name, key=key))
    again = open_registry(filled.name, key=other)
    assert note_text(again, "N1") == HARD
    again.close()
    assert holding(tmp_path, CANARY) == set()


def test_who_has_it_open_while_it_is_encrypted_is_refused_afterwards_and_loses_nothing_unseen(
    clear_file: Path, key: Key
) -> None:
    code = (
        "import sys; from abstractor.model.errors import RegistryError; from abstractor.model.note import Note\n"
        "from abstractor.registry.engine import open_registry; from abstractor.registry.notes import add_notes\n"
        "registry = open_registry(sys.argv[1]); add_notes(registry, [Note('B', 'before', 'P9')], 'test'); print('ready', flush=True); input()\n"
        "try:\n    add_notes(registry, [Note('A', 'after', 'P9')], 'test'); print('saved')\n"
        "except RegistryError as error:\n    print(error)\n"
    )
    command = [sys.executable, "-c", code, str(clear_file)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "ready\n"
        encrypt(str(clear_file), key)
        said, _ = other.communicate("\n")
    assert "was encrypted meanwhile; start again" in said
    opened = open_registry(str(clear_file))
    assert note_text(opened, "B") == "before"
    opened.close()


def test_it_is_not_encrypted_under_the_hands_of_others(
    clear_file: Path, key: Key, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(encryption, "_PATIENCE_MILLISECONDS", 100)
    before = clear_file.read_bytes()
    code = (
        "import sqlite3, sys; c = sqlite3.connect(sys.argv[1], isolation_level=None); c.execute('BEGIN IMMEDIATE');"
        "print('ready', flush=True); input()"
    )
    command = [sys.executable, "-c", code, str(clear_file)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "ready\n"
        said = refused(lambda: encrypt(str(clear_file), key))
        other.communicate("\n")
    assert "another program is reading or writing it; nothing was changed" in said
    assert clear_file.read_bytes() == before
    assert list(tmp_path.glob(".*")) == []


def test_it_is_not_encrypted_while_somebody_is_at_a_patient(clear_file: Path, key: Key) -> None:
    registry = open_registry(str(clear_file))
    claim(registry, "P1", "mortiz")
    said = refused(lambda: encrypt(str(clear_file), key))
    assert "mortiz is at work" in said
    release(registry, "P1", "mortiz")
    registry.close()
    encrypt(str(clear_file), key)


def test_what_was_tampered_with_is_not_encrypted_over(clear_file: Path, key: Key, tmp_path: Path) -> None:
    registry = open_registry(str(clear_file))
    past_the_program(registry, "UPDATE decision SET value = 'other' WHERE sequence = 2")
    registry.close()
    before = clear_file.read_bytes()
    assert "does not verify, and was left as it is" in refused(lambda: encrypt(str(clear_file), key))
    assert clear_file.read_bytes() == before
    assert list(tmp_path.glob(".*")) == []


def test_what_is_already_so_is_refused(filled: Registry, clear_file: Path, key: Key) -> None:
    assert "is encrypted already" in refused(lambda: encrypt(filled.name, key))
    assert "is not encrypted" in refused(lambda: decrypt(str(clear_file)))
    assert "is not encrypted" in refused(lambda: rekey(str(clear_file), key))


HALFWAY = """
import sys
from pathlib import Path
from abstractor.registry import encryption
from abstractor.registry.keys import key_at_hand
def at(*arguments):
    {what}
encryption.verify_chain = at
encryption.encrypt(sys.argv[1], key_at_hand())
"""


def test_a_program_that_is_killed_while_it_encrypts_leaves_the_registry_as_it_was(
    clear_file: Path, key: Key, tmp_path: Path
) -> None:
    before = clear_file.read_bytes()
    code = HALFWAY.format(what="import os; os.kill(os.getpid(), 9)")
    done = subprocess.run([sys.executable, "-c", code, str(clear_file)], check=False)
    assert done.returncode == -signal.SIGKILL
    assert clear_file.read_bytes() == before
    assert holding(tmp_path, CANARY) == {"clear.db"}  # what was left half done is encrypted
    encrypt(str(clear_file), key)
    assert holding(tmp_path, CANARY) == set()


def test_a_disk_that_fills_up_while_it_is_encrypted_leaves_the_registry_as_it_was(
    clear_file: Path, key: Key, tmp_path: Path
) -> None:
    """No file may grow beyond a limit, as on a full disk."""
    before = clear_file.read_bytes()
    code = (
        "import resource, sys; from abstractor.registry.encryption import encrypt\n"
        "from abstractor.registry.keys import key_at_hand; from abstractor.model.errors import RegistryError\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))\n"
        "try:\n    encrypt(sys.argv[1], key_at_hand())\nexcept RegistryError as error:\n    print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(clear_file)], capture_output=True, text=True, check=True)
    assert "can't be written anew" in done.stdout
    assert "nothing was changed" in done.stdout
    assert clear_file.read_bytes() == before
    assert list(tmp_path.glob(".*")) == []


def test_the_key_is_in_no_log_no_error_and_no_trace_of_locals(
    encrypted_registry_file: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture, decide: Callable[..., Decision]
) -> None:
    wrong = Key("feedc0de" * 8, "test")
    with caplog.at_level(logging.DEBUG), pytest.raises(RegistryError) as error:
        open_registry(str(encrypted_registry_file), key=wrong)
    right = open_registry(str(encrypted_registry_file))
    assert right.key is not None
    with caplog.at_level(logging.DEBUG), right.read() as connection:
        connection.exec_driver_sql("SELECT 1")
    said = "".join(traceback.TracebackException.from_exception(error.value, capture_locals=True).format())
    assert "open_registry" in said
    for secret in (wrong.text, right.key.text):
        assert secret not in said + caplog.text + str(error.value) + repr(right.engine.url) + repr(vars(right))
    right.close()


def test_one_descriptor_serves_every_connection_copy_and_upgrade_of_the_process(
    encrypted_registry_file: Path, key: Key, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_a_key(monkeypatch)
    write_key(key, tmp_path / "once")
    number = os.open(tmp_path / "once", os.O_RDONLY)
    take_from_descriptor(number)
    for name in ("one", "two"):
        registry = open_registry(str(encrypted_registry_file))
        back_up(registry, tmp_path / name)
        registry.close()
        restore(tmp_path / name, str(tmp_path / f"{name}.restored"))


def test_the_backup_of_a_registry_on_a_server_can_be_encrypted(
    postgres_url: str, key: Key, decide: Callable[..., Decision], tmp_path: Path
) -> None:
    served = open_registry(postgres_url)
    add_notes(served, [Note("N1", f"{CANARY} has limited disease", "P1")], "test")
    record(served, decide(reason=CANARY), seen=0)
    back_up(served, tmp_path / "backup.db", key=key)
    assert holding(tmp_path, CANARY, "SQLite format") == set()
    restore(tmp_path / "backup.db", str(tmp_path / "restored.db"))
    again = open_registry(str(tmp_path / "restored.db"))
    assert decisions_of(again, "P1") == decisions_of(served, "P1")
    for one in (served, again):
        one.close()


def test_the_backup_of_a_file_in_clear_is_not_said_to_be_encrypted(clear_file: Path, key: Key, tmp_path: Path) -> None:
    with closing(open_registry(str(clear_file))) as registry:
        said = refused(lambda: back_up(registry, tmp_path / "backup.db", key=key))
    assert "is in clear, and so would its backup be" in said
    assert not (tmp_path / "backup.db").exists()


@pytest.fixture(autouse=True)
def no_key_is_kept() -> Iterator[None]:
    yield
    forget_key()
