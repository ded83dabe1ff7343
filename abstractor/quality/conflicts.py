"""Which charts have a conflict that an edit check names: their progressions and deaths are audited in full."""

import datetime

from abstractor.checks.book import load_checks
from abstractor.checks.facts import NoteDay, facts_of, known_of
from abstractor.checks.run import find_problems
from abstractor.quality.desk import Desk
from abstractor.quality.frame import Flagged
from abstractor.registry.decisions import case_of
from abstractor.registry.notes import notes_of


def conflict_finder(desk: Desk) -> Flagged:
    """From a patient to the first of the checks of the settings that fires; "" where none does.

    Raises:
        RulebookError: `edits.toml` is wrong.
    """
    wanted = desk.rules.sample.conflicts.checks
    rules = [one for one in load_checks(desk.book.root) if one.id in wanted]
    known = known_of(desk.book)
    today = datetime.date.fromisoformat(desk.clock()[:10])

    def flagged(patient_id: str) -> str:
        case = case_of(desk.registry, patient_id)
        days = [
            NoteDay(one.note_id, one.note_date, one.note_type, one.sha256)
            for one in notes_of(desk.registry, patient_id)
        ]
        problems = find_problems(facts_of(case, days, known, today, stands=lambda _: True), rules)
        return problems[0].check if problems else ""

    return flagged
