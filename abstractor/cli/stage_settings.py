"""The settings of a folder of rules that no extraction reads: those of checks, quality, timeline, outcomes and exports, each by its own reader."""

from collections.abc import Callable, Iterator
from pathlib import Path

from abstractor.model.errors import AbstractorError, RulebookError


def faults_of_settings(root: Path) -> Iterator[str]:
    """Every fault of the settings that are in the folder; one that is left out of a copy is not missed here."""
    for name, read in _readers().items():
        if not (root / name).is_file():
            continue
        try:
            read(root)
        except RulebookError as error:
            yield from error.faults
        except AbstractorError as error:
            yield str(error).replace(f"{root / name}: ", f"{name}: ")


def _readers() -> dict[str, Callable[[Path], object]]:
    """What each file is read by. `roles.toml` is not among them: it is never taken from a copy."""
    from abstractor.checks.book import load_checks
    from abstractor.exports.cbioportal import CbioportalCodes
    from abstractor.exports.codes import read_codes
    from abstractor.exports.leaving import load_profiles
    from abstractor.exports.mcode import McodeCodes
    from abstractor.exports.naaccr import NaaccrCodes
    from abstractor.exports.omop_tables import OmopCodes
    from abstractor.outcomes.figures.alteration_kinds import load_alteration_kinds
    from abstractor.outcomes.lines import load_drug_groups
    from abstractor.outcomes.protocol import load_protocol
    from abstractor.quality.settings import read_quality_rules
    from abstractor.rulebook.authors import load_authors
    from abstractor.rulebook.lanes import load_lanes

    return {
        "edits.toml": load_checks,
        "timeline.toml": load_lanes,
        "authors.toml": load_authors,
        "quality.toml": read_quality_rules,
        "protocol.toml": lambda root: load_protocol(root / "protocol.toml"),
        "lines.toml": lambda root: load_drug_groups(root / "lines.toml"),
        "alterations.toml": load_alteration_kinds,
        "exchange/profiles.toml": load_profiles,
        "exchange/cbioportal.toml": lambda root: read_codes(root, "cbioportal", CbioportalCodes),
        "exchange/mcode.toml": lambda root: read_codes(root, "mcode", McodeCodes),
        "exchange/naaccr.toml": lambda root: read_codes(root, "naaccr", NaaccrCodes),
        "exchange/omop.toml": lambda root: read_codes(root, "omop", OmopCodes),
    }
