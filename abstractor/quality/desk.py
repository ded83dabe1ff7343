"""Who works, on what, with which rules: what every piece of quality work starts from. The screens and the command line stand on this.

Audits are in `audits.py`, second readings in `second_readings.py`, adjudication in `adjudication.py`, queries and the inbox in `mail.py`.
Each function there takes a `Desk` first, commits before it returns, and refuses with one line (`audit.Refused`).
"""

from collections.abc import Callable
from dataclasses import dataclass
from uuid import uuid4

from abstractor.quality.settings import QualityRules, read_quality_rules
from abstractor.registry.engine import Registry, utc_now
from abstractor.registry.quality import Step
from abstractor.rulebook.book import RuleBook


def _new_id() -> str:
    return str(uuid4())


@dataclass(frozen=True)
class Desk:
    """One person at work on one registry."""

    registry: Registry
    book: RuleBook
    user: str
    rules: QualityRules
    clock: Callable[[], str] = utc_now
    """Gives the time: UTC, ISO 8601."""
    new_id: Callable[[], str] = _new_id

    def step(self, kind: str, scope: str, subject: str, action: str, **content: object) -> Step:
        """A step of this person, now."""
        return Step(self.new_id(), kind, scope, subject, action, self.user, self.clock(), content)


def open_desk(registry: Registry, book: RuleBook, user: str, clock: Callable[[], str] = utc_now) -> Desk:
    """A desk with the rules of the rulebook's folder.

    Raises:
        InputError: `quality.toml` is at fault.
    """
    return Desk(registry, book, user, read_quality_rules(book.root), clock)
