"""What encryption costs: opening, one decision, a worklist of 500 patients, and encrypting a registry; each against the same in clear.

    python benchmarks/encryption.py --folder /tmp/cipher-size

Times are medians of pairs taken in turns, so that a busy machine is busy for both.
"""

import argparse
import shutil
import statistics
import time
from collections.abc import Callable
from pathlib import Path

from worklist_size import build

from abstractor.model.decision import Action, Decision
from abstractor.registry.decisions import record
from abstractor.registry.encryption import encrypt
from abstractor.registry.engine import Registry, open_registry
from abstractor.registry.keys import Key, new_key
from abstractor.registry.notes import note_text, notes_of, patients
from abstractor.registry.worklist import keep_counts, read_worklist

_PATIENTS, _NOTES, _SUGGESTIONS = 500, 50_000, 10_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--pairs", type=int, default=50)
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    clear, raw, phrase = (options.folder / f"{name}.db" for name in ("clear", "raw", "passphrase"))
    if not clear.exists():
        build(clear, _PATIENTS, _NOTES, _SUGGESTIONS, 0.0)
    keys: dict[Path, Key | None] = {
        clear: None,
        raw: new_key(),
        phrase: Key("a passphrase of many words", "the benchmark"),
    }
    for path, key in keys.items():
        if key is not None:
            shutil.copy(clear, path)
            began = time.perf_counter()
            encrypt(str(path), key)
            size = path.stat().st_size / 1e6
            print(f"encrypting {size:.0f} MB, compared and verified: {time.perf_counter() - began:.1f} s")
    in_turns("opening", options.pairs, {path.stem: lambda p=path: opened(p, keys[p]) for path in keys})
    registries = {path.stem: open_registry(str(path), key=keys[path]) for path in (clear, raw)}
    for registry in registries.values():
        keep_counts(registry, read_worklist(registry, "ann"))
    in_turns("one decision", options.pairs, {name: decider(one) for name, one in registries.items()})
    for registry in registries.values():
        keep_counts(registry, read_worklist(registry, "ann"))
    in_turns(
        "worklist of 500", options.pairs // 5, {n: lambda r=r: read_worklist(r, "ann") for n, r in registries.items()}
    )
    in_turns("the notes of a patient (100)", options.pairs, {n: lambda r=r: read_all(r) for n, r in registries.items()})


def opened(path: Path, key: Key | None) -> None:
    open_registry(str(path), key=key).close()


def decider(registry: Registry) -> Callable[[], None]:
    count = 0

    def decide() -> None:
        nonlocal count
        count += 1
        decision = Decision(
            f"{time.time_ns()}", "S-000499", f"response@{time.time_ns()}", Action.ACCEPT, "ann",
            "2024-05-01T08:00:00+00:00", "response", "PR",
        )  # fmt: skip
        record(registry, decision, seen=10**9)

    return decide


def read_all(registry: Registry) -> None:
    patient = patients(registry)[7]
    for note in notes_of(registry, patient):
        note_text(registry, note.note_id)


def in_turns(what: str, times: int, works: "dict[str, Callable[[], object]]") -> None:
    taken: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(times):
        for name, work in works.items():
            began = time.perf_counter()
            work()
            taken[name].append(1000 * (time.perf_counter() - began))
    print(f"{what}: " + ", ".join(f"{name} {statistics.median(found):.1f} ms" for name, found in taken.items()))


if __name__ == "__main__":
    main()
