"""What the screens show and may not compute themselves: statistics are loaded when somebody asks for them, and not before."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from abstractor.registry.engine import Registry
    from abstractor.review.config import ReviewConfig
    from abstractor.review.curves import Ask, OutcomesView
    from abstractor.rulebook.book import RuleBook
    from abstractor.tui.going import Beyond


def beyond(registry: "Registry", rulebook: "RuleBook", config: "ReviewConfig", user: str) -> "Beyond":
    """Outcomes as `abstractor outcomes` computes them, with the protocol that came with the rules and today as the cutoff; and this person's quality desk."""
    from abstractor.quality.at_screen import QualityWork
    from abstractor.registry.quality import is_training
    from abstractor.tui.going import Beyond

    def outcomes(ask: "Ask", stopped: Callable[[], bool]) -> "OutcomesView":
        from abstractor.batch.curves import outcomes_source
        from abstractor.outcomes.protocol import load_protocol
        from abstractor.registry.engine import utc_now
        from abstractor.registry.readings import read_blind

        source = outcomes_source(
            registry,
            rulebook,
            load_protocol(rulebook.root / "protocol.toml"),
            cutoff=lambda: datetime.now(UTC).date(),
            clock=utc_now,
            least=config.smallest_group,
            hidden=lambda: read_blind(registry, user),
        )
        return source(ask, stopped)

    work = QualityWork(registry, rulebook, user, config)
    return Beyond(outcomes=outcomes, desk=work, quality=work, training=is_training(registry))
