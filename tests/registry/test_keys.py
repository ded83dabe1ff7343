"""A key comes from a descriptor, a program, systemd or the keyring, is read once, and shows itself nowhere."""

import os
import pickle
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from abstractor.model.errors import RegistryError
from abstractor.registry.keys import (
    COMMAND,
    DESCRIPTOR,
    ENTRY,
    Key,
    forget_key,
    handed_over,
    key_at_hand,
    key_from_descriptor,
    key_from_keyring,
    new_key,
    put_into_keyring,
    write_key,
)

RAW = "feedc0de" * 8
PHRASE = "Xanthippe's 'long' passphrase — naïve"


@pytest.fixture(autouse=True)
def nothing_named(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in (DESCRIPTOR, COMMAND, ENTRY, "CREDENTIALS_DIRECTORY"):
        monkeypatch.delenv(name, raising=False)
    forget_key()
    yield
    forget_key()


@pytest.fixture
def descriptor() -> Callable[[bytes], int]:
    """A descriptor that gives these bytes; whoever wrote a whole line keeps their end open."""

    def opened(said: bytes) -> int:
        ours, theirs = os.pipe()
        os.write(theirs, said)
        if b"\n" not in said:
            os.close(theirs)
        return ours

    return opened


@pytest.fixture
def keyring() -> Iterator[dict[tuple[str, str], str]]:
    """What a keyring in memory holds."""
    library = pytest.importorskip("keyring", reason="the extra `cipher` is not installed")
    held: dict[tuple[str, str], str] = {}

    class Memory(library.backend.KeyringBackend):  # type: ignore[misc,name-defined]
        priority = 1

        def get_password(self, service: str, username: str) -> str | None:
            return held.get((service, username))

        def set_password(self, service: str, username: str, password: str) -> None:
            held[service, username] = password

        def delete_password(self, service: str, username: str) -> None:
            del held[service, username]

    before = library.get_keyring()
    library.set_keyring(Memory())
    yield held
    library.set_keyring(before)


@pytest.mark.parametrize("said", [f"{RAW}\n", RAW, f"{RAW}\r\n", f"{RAW}\nmore lines\n"])
def test_the_first_line_of_a_descriptor_is_the_key_and_the_descriptor_is_closed(
    said: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "key").write_bytes(said.encode())
    number = os.open(tmp_path / "key", os.O_RDONLY)
    monkeypatch.setenv(DESCRIPTOR, str(number))
    key = key_at_hand()
    assert key is not None
    assert (key.text, key.raw, key.source) == (RAW, True, f"descriptor {number}")
    with pytest.raises(OSError, match="Bad file"):
        os.fstat(number)


def test_a_descriptor_whose_writer_stays_is_read_to_the_end_of_the_line(descriptor: Callable[[bytes], int]) -> None:
    assert key_from_descriptor(descriptor(f"{PHRASE}\n".encode())).text == PHRASE


def test_a_key_is_read_once_and_serves_the_whole_process(
    descriptor: Callable[[bytes], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(DESCRIPTOR, str(descriptor(f"{RAW}\n".encode())))
    assert key_at_hand() is key_at_hand()


@pytest.mark.parametrize("said", [b"", b"\n", b"a\0b\n", b"\xff\xfe\n", b"x" * 10_000])
def test_what_is_no_key_is_refused_without_repeating_it(descriptor: Callable[[bytes], int], said: bytes) -> None:
    with pytest.raises(RegistryError, match="gives no key: 64 hex digits, or a passphrase") as error:
        key_from_descriptor(descriptor(said))
    assert "xxx" not in str(error.value)


def test_a_descriptor_that_nobody_opened_is_named_with_what_to_write() -> None:
    with pytest.raises(RegistryError, match=r"descriptor 987: .*--key-fd 3 3< FILE"):
        key_from_descriptor(987)


def test_a_terminal_is_refused_for_what_is_typed_there_can_be_seen() -> None:
    ours, theirs = os.openpty()
    with pytest.raises(RegistryError, match="is a terminal"):
        key_from_descriptor(theirs)
    os.close(ours)
    os.close(theirs)


def test_a_key_in_place_of_a_number_is_refused_and_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(DESCRIPTOR, RAW.replace("0", "f"))
    with pytest.raises(RegistryError, match="never the key itself") as error:
        key_at_hand()
    assert "feed" not in str(error.value)


def test_a_program_says_the_key_and_no_shell_runs_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "a key; touch made"
    file.write_text(f"{PHRASE}\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(COMMAND, f"cat '{file}'")
    key = key_at_hand()
    assert key is not None
    assert (key.text, key.raw, key.source) == (PHRASE, False, "the program 'cat'")
    assert [path.name for path in tmp_path.iterdir()] == [file.name]


@pytest.mark.parametrize(
    ("command", "says"),
    [("false", "ended with 1"), ("/none/such", "can't be started"), ("'open", "quote"), ("true", "gives no key")],
)
def test_a_program_that_gives_no_key_is_named(monkeypatch: pytest.MonkeyPatch, command: str, says: str) -> None:
    monkeypatch.setenv(COMMAND, command)
    with pytest.raises(RegistryError, match=says):
        key_at_hand()


def test_a_service_of_systemd_finds_its_credential(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "abstractor-key").write_text(RAW)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    key = key_at_hand()
    assert key is not None
    assert key.text == RAW


def test_the_keyring_holds_keys_by_name(keyring: dict[tuple[str, str], str], monkeypatch: pytest.MonkeyPatch) -> None:
    assert key_at_hand() is None
    first, second = new_key(), new_key()
    assert put_into_keyring(first) == "registry"
    assert put_into_keyring(second, "year2") == "year2"
    assert keyring == {("abstractor", "registry"): first.text, ("abstractor", "year2"): second.text}
    key = key_at_hand()
    assert key is not None
    assert key.text == first.text
    forget_key()
    monkeypatch.setenv(ENTRY, "year2")
    key = key_at_hand()
    assert key is not None
    assert key.text == second.text


def test_a_key_in_the_keyring_is_never_replaced(keyring: dict[tuple[str, str], str]) -> None:
    kept = new_key()
    put_into_keyring(kept)
    with pytest.raises(RegistryError, match="holds a key already, which stays"):
        put_into_keyring(new_key())
    assert list(keyring.values()) == [kept.text]


def test_without_a_keyring_there_is_no_key_and_none_is_put_anywhere() -> None:
    library = pytest.importorskip("keyring", reason="the extra `cipher` is not installed")
    from keyring.backends.fail import Keyring

    before = library.get_keyring()
    library.set_keyring(Keyring())
    try:
        assert key_from_keyring() is None
        with pytest.raises(RegistryError, match="write it to a --file"):
            put_into_keyring(new_key())
    finally:
        library.set_keyring(before)


def test_what_is_named_for_one_call_comes_before_what_always_stands_there(
    keyring: dict[tuple[str, str], str], descriptor: Callable[[bytes], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    put_into_keyring(new_key())
    monkeypatch.setenv(COMMAND, "false")
    monkeypatch.setenv(DESCRIPTOR, str(descriptor(f"{RAW}\n".encode())))
    key = key_at_hand()
    assert key is not None
    assert key.text == RAW


def test_a_written_key_is_its_owners_only_and_never_written_over(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        write_key(Key(RAW, "test"), tmp_path / "key")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "key").stat().st_mode) == 0o600
    with pytest.raises(RegistryError, match="exists already"):
        write_key(new_key(), tmp_path / "key")
    assert (tmp_path / "key").read_text() == f"{RAW}\n"


def test_new_keys_are_256_bits_and_never_the_same() -> None:
    keys = [new_key() for _ in range(100)]
    assert all(key.raw for key in keys)
    assert len({key.text for key in keys}) == 100


@pytest.mark.parametrize(("text", "fits"), [(RAW, True), (PHRASE, True), ("correct horse", False), (RAW[:15], False)])
def test_a_passphrase_that_can_be_guessed_encrypts_nothing(text: str, fits: bool) -> None:
    if fits:
        Key(text, "test").require_strong()
        return
    with pytest.raises(RegistryError, match="16 characters or more") as error:
        Key(text, "test").require_strong()
    assert text not in str(error.value)


def test_a_key_shows_itself_to_nobody_and_is_not_pickled() -> None:
    key = Key(RAW, "test")
    assert RAW not in f"{key!r} {key} {[key]}"
    with pytest.raises(TypeError, match="descriptor only"):
        pickle.dumps(key)


def test_a_program_is_handed_the_key_by_a_descriptor_of_its_own() -> None:
    with handed_over(Key(RAW, "test")) as (environment, descriptors):
        assert RAW not in str(environment)
        assert environment[DESCRIPTOR] == str(descriptors[0])
        number = os.dup(descriptors[0])
    assert key_from_descriptor(number).text == RAW
    with handed_over(None) as nothing:
        assert nothing == ({}, ())
