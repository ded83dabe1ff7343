"""An export as one call: patients in, a folder of files out, an entry in the log of exports before the folder appears."""

import datetime
import hashlib
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from abstractor.exports.brat import write_brat
from abstractor.exports.cbioportal import write_cbioportal
from abstractor.exports.folder import Folder, Written, whole_folder, write_key
from abstractor.exports.leaving import Leaving, Profile, load_profiles
from abstractor.exports.mcode import write_mcode
from abstractor.exports.naaccr import write_naaccr
from abstractor.exports.omop import write_omop
from abstractor.exports.redcap import write_redcap
from abstractor.exports.source import Source, source_of
from abstractor.model.errors import InputError
from abstractor.outcomes.protocol import Protocol
from abstractor.registry.engine import Registry, utc_now
from abstractor.registry.exportlog import log_export
from abstractor.registry.people import within
from abstractor.rulebook.book import RuleBook

Writer = Callable[[Source, Folder], None]

WRITERS: Mapping[str, Writer] = {
    "omop": write_omop,
    "mcode": write_mcode,
    "cbioportal": write_cbioportal,
    "redcap": write_redcap,
    "naaccr": write_naaccr,
    "brat": write_brat,
}
ONLY_IDENTIFIED = frozenset({"brat"})
"""Formats that are the words of the notes, and nothing without them."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked for."""

    format: str
    profile: Profile
    key: Path | None = None
    """Where to write who is who; None: nobody will know."""


@dataclass(frozen=True, slots=True)
class ExportSummary:
    """What was written."""

    folder: Path
    profile: Profile
    files: tuple[tuple[str, int | str], ...]
    """Names and rows, the latter as they may be told."""


def export(
    registry: Registry,
    rulebook: RuleBook,
    out: Path,
    wanted: Wanted,
    *,
    protocol: Protocol,
    cutoff: datetime.date,
    user: str,
    clock: Callable[[], str] = utc_now,
) -> ExportSummary:
    """Writes an export into a folder of its own, and logs it.

    Args:
        registry: an open registry; one patient at a time is held in memory.
        rulebook: for the questions, the drugs and the code maps (`exchange/`).
        out: the folder; an earlier export there is replaced, anything else is not.
        wanted: format and profile.
        protocol: how endpoints are counted.
        cutoff: nothing later is used for endpoints.
        user: who takes it out.
        clock: gives the time, UTC in ISO 8601.

    Raises:
        NotAllowed: who is at work may not export under this profile.
        InputError: the format can't leave under this profile, or `out` or the key can't be written.
    """
    if wanted.format in ONLY_IDENTIFIED and wanted.profile is not Profile.IDENTIFIED:
        raise InputError(
            f"{wanted.format}: holds the words of the notes, which leave only identified; say --profile identified"
        )
    leaving = Leaving(wanted.profile, load_profiles(rulebook.root))
    if wanted.key is not None:
        _require_key(wanted.key, out, leaving)
    source = source_of(registry, rulebook, leaving, protocol, cutoff)
    told: list[tuple[str, int | str]] = []

    def finish(written: tuple[Written, ...]) -> Mapping[str, object]:
        told.extend((one.name, leaving.count(one.rows)) for one in written)
        if wanted.key is not None:
            write_key(wanted.key, leaving.keys())
        log_export(
            registry,
            uuid.uuid4().hex,
            user=user,
            profile=str(wanted.profile),
            format_name=wanted.format,
            rows={one.name: one.rows for one in written},
            sha256=whole_hash(written),
            clock=clock,
        )
        return _manifest(wanted, written, source)

    with within(registry, f"export_{wanted.profile}"), whole_folder(out, finish) as folder:
        WRITERS[wanted.format](source, folder)
    return ExportSummary(out, wanted.profile, tuple(told))


def whole_hash(written: tuple[Written, ...]) -> str:
    """SHA-256 over the names and hashes of all files, by name: `sha256sum`'s lines, hashed."""
    lines = "".join(f"{one.sha256}  {one.name}\n" for one in sorted(written, key=lambda one: one.name))
    return hashlib.sha256(lines.encode()).hexdigest()


def _require_key(key: Path, out: Path, leaving: Leaving) -> None:
    if leaving.identified:
        raise InputError("--key: an identified export needs none; it holds the ids as they are")
    if key.resolve().is_relative_to(out.resolve()):
        raise InputError(f"{key}: the key must not lie in the export; name a place elsewhere with --key")
    if key.exists():
        raise InputError(f"{key}: exists already; a key is never written over: name another file with --key")


def _manifest(wanted: Wanted, written: tuple[Written, ...], source: Source) -> dict[str, object]:
    leaving = source.leaving
    held_back = {field: leaving.count(number) for field, number in sorted(source.masking.held_back.items())}
    return {
        "format": wanted.format,
        "profile": str(wanted.profile),
        "program": f"abstractor {version('abstractor')}",
        "rulebook": source.rulebook.version,
        **({"held_back": held_back} if held_back else {}),
        "files": {one.name: {"rows": leaving.count(one.rows), "sha256": one.sha256} for one in written},
    }
