"""What may leave the registry, and under which names: the three export profiles.

`identified` is everything as it is. `limited` (a limited data set, under a data use agreement) keeps dates, but no ids of the hospital and
no free text. `deidentified` (Safe Harbor) has days from diagnosis for dates, ages from 90 on as one, and no free text.
"""

import datetime
import hashlib
import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from abstractor.exports.codes import Entry, read_codes
from abstractor.model.dates import exact_day, stated_date
from abstractor.model.fact import Fact

_PARTS = re.compile(r"[^A-Za-z0-9._-]")


class Profile(StrEnum):
    """How much leaves."""

    IDENTIFIED = "identified"
    LIMITED = "limited"
    DEIDENTIFIED = "deidentified"


class ProfileSettings(Entry):
    """`rules/exchange/profiles.toml`."""

    anchor: datetime.date
    pooled_age: int
    small_cell: int
    identifying: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Calendar:
    """The dates of one patient, as they may leave."""

    profile: Profile
    zero: datetime.date | None
    """The day of diagnosis; None where it is not known: then no date leaves de-identified."""
    anchor: datetime.date

    def day(self, stated: str | None) -> int | None:
        """Whole days from the diagnosis; None where the date is not known to the day."""
        found = exact_day(stated)
        return None if found is None or self.zero is None else (found - self.zero).days

    def date(self, stated: str | None) -> str | None:
        """The date as it is; de-identified, as many days from the anchor as it was from the diagnosis, and nothing for a partial one."""
        if self.profile is not Profile.DEIDENTIFIED:
            found = stated_date(stated)
            return str(found) if found else None
        days = self.day(stated)
        return None if days is None else str(self.anchor + datetime.timedelta(days=days))

    def first_day(self, stated: str | None) -> str | None:
        """`date`, as a whole day: the first that a partial date can mean."""
        shown = self.date(stated)
        found = stated_date(shown)
        return found.first.isoformat() if found else None


class Leaving:
    """The rules of one export: what may leave, and the names under which it does. Made anew for each, so ids are random per export."""

    def __init__(self, profile: Profile, settings: ProfileSettings) -> None:
        self.profile = profile
        self.settings = settings
        self._names: dict[tuple[str, str], str] = {}

    @property
    def identified(self) -> bool:
        """Ids, people and words of notes leave only then."""
        return self.profile is Profile.IDENTIFIED

    @property
    def deidentified(self) -> bool:
        """Dates do not leave then."""
        return self.profile is Profile.DEIDENTIFIED

    def patient(self, patient_id: str) -> str:
        """The name of a patient outside."""
        return self._name("patient", patient_id)

    def note(self, note_id: str) -> str:
        """The name of a note outside."""
        return self._name("note", note_id)

    def person(self, user: str) -> str:
        """The name of one who decided; machines and imports have none."""
        return self._name("person", user) if user else ""

    def keys(self) -> Iterator[tuple[str, str, str]]:
        """Kind, name here and name outside of all that was renamed: the key, to be kept apart from the export."""
        for (kind, here), outside in sorted(self._names.items()):
            yield kind, here, outside

    def calendar(self, diagnosis: datetime.date | None) -> Calendar:
        """The dates of a patient diagnosed on that day."""
        return Calendar(self.profile, diagnosis, self.settings.anchor)

    def age(self, years: int | None) -> int | None:
        """An age in years; de-identified, all from 90 on are 90."""
        return min(years, self.settings.pooled_age) if years is not None and self.deidentified else years

    def is_pooled(self, years: int | None) -> bool:
        """Whether `age` stands for that age and all higher ones."""
        return self.deidentified and years is not None and years >= self.settings.pooled_age

    def may_leave(self, fact: Fact) -> bool:
        """Germline findings identify a family."""
        return not self.deidentified or not any(
            fact.attributes.get(name) or fact.attributes.get("origin") == name for name in self.settings.identifying
        )

    def count(self, number: int) -> int | str:
        """A count as it may be told."""
        least = self.settings.small_cell
        return f"<{least}" if not self.identified and 0 < number < least else number

    def _name(self, kind: str, here: str) -> str:
        if self.identified:
            return here
        return self._names.setdefault((kind, here), f"{kind[0].upper()}{secrets.token_hex(8)}")


def plain_id(name: str) -> str:
    """An id of letters, digits, point, hyphen and underscore only, as some formats want it; different names stay different."""
    return name if name and not _PARTS.search(name) else hashed_id(name)


def hashed_id(name: str, longest: int | None = None) -> str:
    """As much of an id as may stand, then a hash of the whole of it.

    Args:
        name: the id.
        longest: how many characters it may have.
    """
    ending = f"-{hashlib.sha256(name.encode('utf-8', 'backslashreplace')).hexdigest()[:10]}"
    room = None if longest is None else longest - len(ending)
    return _PARTS.sub("_", name)[:room] + ending


def load_profiles(rules: Path) -> ProfileSettings:
    """The settings of the profiles; raises InputError where they can't be read."""
    return read_codes(rules, "profiles", ProfileSettings)
