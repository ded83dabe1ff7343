"""The review of an encrypted registry in a browser: it gets the key from the server, and nobody sees it."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from abstractor.registry.engine import Registry, create_registry
from abstractor.registry.keys import COMMAND, Key, write_key
from abstractor.rulebook.load import load_rulebook
from abstractor.tui.tour import fill_tour
from tests.serve.conftest import drawn

pytest.importorskip("sqlcipher3", reason="the extra `cipher` is not installed")

SECRET = "feedc0de" * 8


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Registry]:
    made = create_registry(str(tmp_path / "r.db"), Key(SECRET, "test"))
    fill_tour(made, load_rulebook(None))
    yield made
    made.close()


async def test_a_review_in_the_browser_opens_an_encrypted_registry_and_shows_the_key_nowhere(
    serve, visitor, registry, tmp_path
):
    write_key(Key(SECRET, "test"), tmp_path / "key")
    once = tmp_path / "once.sh"  # says the key a single time: the review can't ask for it again
    once.write_text(f"cat {tmp_path}/key && rm {tmp_path}/key\n")
    served = serve("--patient", "TOUR-01", **{COMMAND: f"sh {once}"})
    await visitor.come_in(served.address)
    for _ in range(2):  # each page gets it anew
        async with visitor.connect() as connected:
            await drawn(connected, "Histology")
            for pid in (served.process.pid, await served.child()):
                for name in ("cmdline", "environ"):
                    assert SECRET.encode() not in Path(f"/proc/{pid}/{name}").read_bytes()
    assert SECRET not in served.told
    assert not os.path.lexists(tmp_path / "key")
