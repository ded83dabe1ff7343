"""The key of an encrypted registry, and where it comes from: an inherited descriptor, a program that hands out keys, systemd's
credentials, or the keyring of the system.

Never an argument, a URL or the value of an environment variable: others can read those (`ps`, /proc, crash reports, shell histories),
and every program that is started gets a copy. What stands in an argument or a variable here is only where to find the key.
"""

import os
import secrets
import shlex
import string
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from abstractor.model.errors import RegistryError

DESCRIPTOR = "ABSTRACTOR_KEY_FD"
"""Names a number: of a descriptor that whoever starts the program has opened, e.g. `3< file`."""
COMMAND = "ABSTRACTOR_KEY_COMMAND"
"""Names a program and its arguments, separated as a shell would; no shell runs it. The first line of its output is the key."""
ENTRY = "ABSTRACTOR_KEY_NAME"
"""Names an entry of the keyring, for who has several registries with keys of their own."""

SERVICE = "abstractor"
"""What the keyring's entries belong to."""
_FIRST_ENTRY = "registry"
_CREDENTIAL = "abstractor-key"
"""A file of the folder in which systemd hands credentials to a service."""

_RAW_DIGITS = 64
_SHORTEST_PASSPHRASE = 16
_LONGEST = 4096
_PATIENCE_SECONDS = 180
"""For a program that may ask a person."""


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Key:
    """A key. Neither its `repr` nor an error shows it, and it can't be pickled into another process by mistake."""

    text: str
    source: str
    """Where it came from, for messages."""

    def __repr__(self) -> str:
        return f"<key from {self.source}>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a key goes to another process by a descriptor only")

    @property
    def raw(self) -> bool:
        """Whether these are the 256 bits themselves; else a passphrase, from which they are derived each time (0.1 to 0.4 s)."""
        return len(self.text) == _RAW_DIGITS and set(self.text) <= set(string.hexdigits)

    def require_strong(self) -> None:
        """Refuses to encrypt anything with a passphrase that can be guessed by who has the file.

        Raises:
            RegistryError: it is too short.
        """
        if not self.raw and len(self.text) < _SHORTEST_PASSPHRASE:
            raise RegistryError(
                f"{self.source}: a passphrase needs {_SHORTEST_PASSPHRASE} characters or more; better is a key of 64 hex digits, "
                "which `abstractor key new` makes"
            )


def new_key() -> Key:
    """256 random bits."""
    return Key(secrets.token_hex(_RAW_DIGITS // 2), "the system's random numbers")


class _AtHand:
    """The key this process was given. A descriptor can be read once, but many connections need what it said."""

    def __init__(self) -> None:
        self.key: Key | None = None


_at_hand = _AtHand()


def key_at_hand() -> Key | None:
    """The key of this process, from the first source that is named; None where none is. It is read once.

    Raises:
        RegistryError: the source that is named gives no key.
    """
    if _at_hand.key is None:
        _at_hand.key = next((key for source in _SOURCES if (key := source()) is not None), None)
    return _at_hand.key


def take_from_descriptor(number: int) -> Key:
    """Reads the key of this process from a descriptor, and closes it.

    Raises:
        RegistryError: nothing can be read there, or it is no key.
    """
    _at_hand.key = key_from_descriptor(number)
    return _at_hand.key


def forget_key() -> None:
    """The process has no key any more, and looks for one when it needs one."""
    _at_hand.key = None


def key_from_descriptor(number: int) -> Key:
    """The first line that a descriptor gives; it is closed then.

    Raises:
        RegistryError: nothing can be read there, or it is no key.
    """
    source = f"descriptor {number}"
    if os.isatty(number):
        raise RegistryError(
            f"{source}: is a terminal, and what is typed there can be seen; write e.g. `--key-fd 3 3< FILE`, or let "
            f"{COMMAND} ask"
        )
    try:
        line = _first_line(number)
    except OSError as error:
        raise RegistryError(
            f"{source}: no key can be read there ({error.strerror}); open it for the program, e.g. `--key-fd 3 3< FILE`"
        ) from None
    finally:
        if number > 2:  # the standard streams stay
            with suppress(OSError):
                os.close(number)
    return _key_of(line, source)


def key_from_keyring(entry: str | None = None) -> Key | None:
    """What the keyring of the system holds; None where there is no keyring, or no such entry.

    Args:
        entry: its name; default: what ABSTRACTOR_KEY_NAME says.

    Raises:
        RegistryError: the keyring is locked, or holds something else.
    """
    name = entry or os.environ.get(ENTRY) or _FIRST_ENTRY
    try:
        import keyring
        from keyring.errors import KeyringError, KeyringLocked, NoKeyringError
    except ModuleNotFoundError:
        return None
    try:
        found = keyring.get_password(SERVICE, name)
    except KeyringLocked:
        raise RegistryError("the keyring is locked; unlock it, or give the key by --key-fd") from None
    except NoKeyringError:
        return None
    except KeyringError as error:
        raise RegistryError(f"the keyring can't be read ({type(error).__name__}); give the key by --key-fd") from None
    return None if found is None else _key_of(found.encode(), f"entry {name!r} of the keyring")


def put_into_keyring(key: Key, entry: str | None = None) -> str:
    """Puts a key into the keyring, where there is none of that name yet.

    Returns:
        The name of the entry.

    Raises:
        RegistryError: there is one already (a registry may depend on it), or there is no keyring.
    """
    name = entry or os.environ.get(ENTRY) or _FIRST_ENTRY
    if key_from_keyring(name) is not None:
        raise RegistryError(f"entry {name!r} of the keyring: holds a key already, which stays; give another --name")
    try:
        import keyring
        from keyring.errors import KeyringError
    except ModuleNotFoundError:
        raise RegistryError("the keyring needs abstractor[cipher]; or write the key to a --file") from None
    try:
        keyring.set_password(SERVICE, name, key.text)
    except KeyringError as error:
        raise RegistryError(
            f"this system has no keyring that takes a key ({type(error).__name__}); write it to a --file"
        ) from None
    return name


def write_key(key: Key, file: Path) -> None:
    """Writes a key to a new file, for its owner only.

    Raises:
        RegistryError: there is a file already, or it can't be written.
    """
    try:
        descriptor = os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    except FileExistsError:
        raise RegistryError(f"{file}: exists already; a key is never written over") from None
    except OSError as error:
        raise RegistryError(f"{file}: can't be written ({error.strerror})") from None
    with os.fdopen(descriptor, "w", encoding="utf-8") as opened:
        opened.write(f"{key.text}\n")
        opened.flush()
        os.fsync(descriptor)


@contextmanager
def handed_over(key: Key | None) -> Iterator[tuple[dict[str, str], tuple[int, ...]]]:
    """For starting a program that needs the same key: what its environment says, and the descriptors it inherits."""
    if key is None:
        yield {}, ()
        return
    ours, theirs = os.pipe()
    try:
        os.write(theirs, key.text.encode())  # far less than a pipe holds
        os.close(theirs)
        yield {DESCRIPTOR: str(ours)}, (ours,)
    finally:
        os.close(ours)


def _from_descriptor() -> Key | None:
    named = os.environ.get(DESCRIPTOR)
    if not named:
        return None
    if not named.isdecimal():
        raise RegistryError(f"{DESCRIPTOR}: takes the number of a descriptor, e.g. 3; never the key itself")
    return key_from_descriptor(int(named))


def _from_command() -> Key | None:
    named = os.environ.get(COMMAND)
    if not named:
        return None
    try:
        command = shlex.split(named, posix=os.name != "nt")
    except ValueError:
        raise RegistryError(f"{COMMAND}: a quote is not closed") from None
    if not command:
        return None
    return _key_of(_said(command), f"the program {Path(command[0]).name!r}")


def _said(command: list[str]) -> bytes:
    """Its output; its errors go where ours go. Standard input is ours: it may hold what a person decides."""
    program = Path(command[0]).name
    try:
        done = subprocess.run(  # noqa: S603  (the person's own choice, and no shell)
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=False, timeout=_PATIENCE_SECONDS
        )
    except subprocess.TimeoutExpired:
        raise RegistryError(f"{COMMAND}: {program!r} gave no key within {_PATIENCE_SECONDS} seconds") from None
    except OSError as error:
        raise RegistryError(f"{COMMAND}: {program!r} can't be started ({error.strerror})") from None
    if done.returncode:
        raise RegistryError(f"{COMMAND}: {program!r} gave no key; it ended with {done.returncode}")
    return done.stdout


def _from_credentials() -> Key | None:
    folder = os.environ.get("CREDENTIALS_DIRECTORY")
    file = Path(folder, _CREDENTIAL) if folder else None
    if file is None or not file.is_file():
        return None
    try:
        return _key_of(file.read_bytes(), f"the credential {_CREDENTIAL!r}")
    except OSError as error:
        raise RegistryError(f"the credential {_CREDENTIAL!r} can't be read ({error.strerror})") from None


_SOURCES: tuple[Callable[[], Key | None], ...] = (_from_descriptor, _from_command, _from_credentials, key_from_keyring)
"""In this order: what was named for this one call comes before what always stands there."""


def _first_line(descriptor: int) -> bytes:
    """Up to the end of the line or of what is there: whoever writes may keep the other end open."""
    said = b""
    while b"\n" not in said and len(said) <= _LONGEST:
        more = os.read(descriptor, _LONGEST)
        if not more:
            break
        said += more
    return said


def _key_of(said: bytes, source: str) -> Key:
    text = _decoded(said.partition(b"\n")[0].removesuffix(b"\r"))
    if not text:
        raise RegistryError(f"{source}: gives no key: 64 hex digits, or a passphrase, in one line of UTF-8")
    return Key(text, source)


def _decoded(line: bytes) -> str:
    """Blank for what is no text: an error of decoding would hold the bytes."""
    if len(line) > _LONGEST or b"\0" in line:
        return ""
    try:
        return line.decode()
    except UnicodeDecodeError:
        return ""
