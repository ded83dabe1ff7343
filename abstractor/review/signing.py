"""Signatures on the patient under review: who has signed it, and putting and voiding one's own."""

from abstractor.registry.signatures import Signature, may_unlock, open_meanings, sign, signatures, unlock
from abstractor.review.refused import Refused
from abstractor.review.work import Shown, Work


class Signing:
    """The signatures of one patient, as this person may put and void them."""

    def __init__(self, work: Work, shown: Shown) -> None:
        self._work = work
        self._shown = shown
        self.signatures: tuple[Signature, ...] = ()
        """Those of the patient, also void ones, oldest first; none in a second reading, which nobody signs."""
        self.may_unlock = False
        """Whether the patient is signed, and this person could void the signatures."""
        self._open_meanings: tuple[str, ...] = ()

    def read(self) -> None:
        """Reads who has signed the patient, or unlocked it."""
        if self._work.on_record:
            registry, patient_id, user = self._work.registry, self._work.patient_id, self._work.user
            self.signatures = signatures(registry, patient_id)
            self._open_meanings = open_meanings(registry, patient_id, user)
            self.may_unlock = may_unlock(registry, patient_id, user)

    @property
    def signed(self) -> Signature | None:
        """The last signature, if one stands: nothing is decided until the patient is unlocked."""
        return next((one for one in reversed(self.signatures) if one.stands), None)

    @property
    def meanings(self) -> tuple[str, ...]:
        """What this person could sign the patient as now, in the order of the work; nothing as long as it is not complete."""
        case = self._shown.case
        return self._open_meanings if case.closed and not case.recheck else ()

    def sign(self, meaning: str) -> Signature:
        """Puts this person's name to what holds now; see `registry.signatures.sign` for what it raises."""
        try:
            return sign(
                self._work.registry,
                self._work.patient_id,
                meaning,
                self._work.user,
                seen=self._shown.case.version,
                signature_id=self._work.new_id(),
                clock=self._work.clock,
            )
        finally:
            self._shown.reload()

    def unlock(self, reason: str) -> Signature:
        """Voids the signatures, with a reason; see `registry.signatures.unlock` for what it raises."""
        try:
            return unlock(self._work.registry, self._work.patient_id, self._work.user, reason, self._work.clock)
        finally:
            self._shown.reload()

    def require_unsigned(self) -> None:
        """Raises `Refused` where the patient is signed."""
        signed = self.signed
        if signed is not None:
            raise Refused(f"signed as {signed.meaning} by {signed.signed_by}; `L` unlocks it, with a reason")
