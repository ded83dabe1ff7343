"""Patients as tests of the outcomes need them: a line 1, scans on days, and a death or a last visit."""

import datetime
from collections.abc import Callable

import pytest

from abstractor.model.fact import Fact
from abstractor.outcomes.record import NoteContact, PatientRecord

START = datetime.date(2021, 1, 10)
CUTOFF = datetime.date(2024, 6, 30)

MakePatient = Callable[..., PatientRecord]


def on(number: int) -> str:
    """A day counted from the start of line 1."""
    return (START + datetime.timedelta(days=number)).isoformat()


@pytest.fixture(scope="session")
def day() -> Callable[[int], str]:
    return on


@pytest.fixture(scope="session")
def cutoff() -> datetime.date:
    return CUTOFF


@pytest.fixture(scope="session")
def make_patient() -> MakePatient:
    """`scans` such as `43PR 85PR 127PD`; dead on a day, or seen until one; other facts as they are given."""

    def made(
        name: str,
        scans: str = "",
        *,
        death: int | None = None,
        seen: int = 300,
        stage: str | None = "limited",
        more: tuple[Fact, ...] = (),
        without: tuple[str, ...] = (),
    ) -> PatientRecord:
        until = death if death is not None else seen
        facts = [
            Fact(name, "histology", "small_cell", action_id=f"{name}-histology"),
            Fact(
                name, "therapy_line", "1", date=on(0), end_date=on(min(70, until)),
                attributes={"drugs": "carboplatin + etoposide"}, action_id=f"{name}-line-1",
            ),
        ]  # fmt: skip
        if stage:
            facts.append(Fact(name, "stage.valg", stage, action_id=f"{name}-stage"))
        for one in scans.split():
            number = one.rstrip("CRPSDNE")
            value = one.removeprefix(number)
            facts.append(Fact(name, "response", value, date=on(int(number)), action_id=f"{name}-{one}"))
        visits = sorted({*range(0, until, 42), until})
        facts += [Fact(name, "visit", on(one), date=on(one), action_id=f"{name}-visit-{one}") for one in visits]
        if death is not None:
            facts.append(Fact(name, "death_date", on(death), action_id=f"{name}-death"))
        kept = tuple(fact for fact in (*facts, *more) if fact.field not in without or fact in more)
        return PatientRecord(name, kept, (NoteContact(START, "clinic", f"{name}-N1"),))

    return made
