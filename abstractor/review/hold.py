"""Who works on the patient under review: its lease."""

from abstractor.registry.leases import Lease, claim, release
from abstractor.review.refused import Refused
from abstractor.review.work import Work


class Hold:
    """Whether this person works on the patient, or only looks."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self.lease: Lease | None = None
        self.read_only = False
        """Set by somebody who only wants to look, or whose lease another holds."""

    def claim(self, *, take_over: bool = False, active: bool = True) -> Lease:
        """Takes or renews the lease; held by somebody else, the session becomes read-only.

        Args:
            take_over: take it from another, who must have been idle for long unless the settings make this person a supervisor.
            active: False renews it for an open program whose user does nothing.
        """
        config = self._work.config
        self.lease = claim(
            self._work.registry,
            self._work.patient_id,
            self._work.user,
            minutes=config.lease_minutes,
            take_over=take_over,
            idle_minutes=config.idle_minutes or float("inf"),
            supervisor=config.supervisor,
            active=active,
            clock=self._work.clock,
        )
        self.read_only = not self.lease.mine
        return self.lease

    def look_again(self) -> None:
        """Renews the lease that this person has; taken over meanwhile, the session becomes read-only."""
        if self.lease is not None and self.lease.mine:
            self.claim()

    def release(self) -> None:
        """Gives the patient back."""
        if self.lease is not None and self.lease.mine:
            release(self._work.registry, self._work.patient_id, self._work.user)

    def require_writable(self) -> None:
        """Raises `Refused` where this person only looks."""
        if self.read_only:
            holder = self.lease.holder if self.lease is not None else "somebody"
            raise Refused(f"read only: {holder} holds this patient; nothing was saved")
