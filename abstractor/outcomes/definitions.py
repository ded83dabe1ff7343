"""What each endpoint and rate means, in the words the report prints; filled in with the protocol's own numbers."""

from abstractor.outcomes.protocol import Protocol

TITLES = {
    "os": "Overall survival",
    "pfs": "Progression-free survival",
    "pfs_trial": "Progression-free survival, trial style",
    "pfs_i": "PFS by imaging (PFS-I)",
    "pfs_m": "PFS by oncologist (PFS-M)",
    "pfs_i_or_m": "PFS by either (PFS-I-or-M)",
    "pfs_i_and_m": "PFS by both (PFS-I-and-M)",
    "pfs_systemic": "PFS outside the central nervous system",
    "ttp": "Time to progression",
    "ttnt": "Time to next treatment",
    "ttd": "Time to treatment discontinuation",
    "dor": "Duration of confirmed response",
    "dor_unconfirmed": "Duration of response, unconfirmed",
}
MEASURES = {
    "ORR": "objective response rate, best response without confirmation",
    "confirmed ORR": "objective response rate, confirmed",
    "DCR": "disease control rate, best response without confirmation",
    "confirmed DCR": "disease control rate, confirmed",
    "CBR": "clinical benefit rate",
}
_COLUMNS = {"stage_valg": "stage", "stage_t": "T", "stage_n": "N", "stage_m": "M", "ecog": "ECOG"}


def column_title(column: str) -> str:
    """What a column to group by is called in print."""
    return _COLUMNS.get(column, column.replace("_", " "))


def level_title(level: str) -> str:
    """What a group is called in print: `wild_type` is wild type."""
    return level.replace("_", " ")


TIME_ZERO = {
    "line_1_start": "the first dose of line 1",
    "diagnosis": "the date of diagnosis",
    "extensive_first": "the first documentation of extensive disease",
    "radiotherapy_start": "the start of thoracic radiotherapy",
    "molecular_report": "the molecular report (a landmark)",
}
_BASIS = {
    "clinician": "progression as the treating clinician concluded it, dated to its evidence",
    "imaging": "progression that rests on imaging",
    "recist": "progression stated in RECIST terms",
    "pfs_i": "the first imaging report that shows progression",
    "pfs_m": "the first oncologist's assessment of progression",
    "pfs_i_or_m": "the earlier of imaging and oncologist",
    "pfs_i_and_m": "the later of imaging and oncologist, both required",
}


def _days(limit: int | None) -> str:
    return "without limit" if limit is None else f"{limit} days"


def endpoint_definitions(protocol: Protocol) -> dict[str, str]:
    """Endpoint to its definition in one or two sentences."""
    zero = TIME_ZERO[protocol.time_zero]
    gap = _days(protocol.visit_gap_days)
    return {
        "os": f"From {zero} to death of any cause; alive patients are censored when last known alive, at most at the cutoff.",
        "pfs": (
            f"From {zero} to {_BASIS[protocol.progression_basis]}, or death. Progression within {protocol.rwp_grace_days} days "
            f"is not counted. Follow-up for progression ends at the earliest of the last day whose record was read for "
            f"status, the last contact, and the last visit before a gap of more than {gap}; a death up to "
            f"{_days(protocol.death_window_days)} after that is an event, else the patient is censored there."
        ),
        "pfs_trial": (
            f"From {zero} to the first progression on imaging, or death; censored at the last adequate assessment when there is "
            f"neither, when new systemic therapy came first, or when the event came more than "
            f"{_days(protocol.recist_gap_days)} after it."
        ),
        "pfs_i": "First imaging report of progression, or death; censored at the last imaging before the next line.",
        "pfs_m": "First oncologist's assessment of progression, or death; censored at the last one before the next line.",
        "pfs_i_or_m": "The earlier of imaging and oncologist progression, or death.",
        "pfs_i_and_m": "The later of imaging and oncologist progression, both required, or death.",
        "pfs_systemic": "As progression-free survival, without progression confined to the central nervous system.",
        "ttp": "As progression-free survival, but death is censored.",
        "ttnt": f"From {zero} to the start of the next line, or death; censored when last known alive.",
        "ttd": (
            "From the first to the last dose of line 1; an event when a new line or death followed, or activity for "
            f"{protocol.ttd_gap_days} days without treatment."
        ),
        "dor": "From the first assessment of a confirmed response to progression or death, censored as trial-style PFS.",
        "dor_unconfirmed": "From the first response, confirmed or not, to progression or death, censored as trial-style PFS.",
    }


def response_definition(protocol: Protocol) -> str:
    """How best response and its rates are made."""
    sd_between = "one SD" if protocol.confirm_accept_sd else "no SD"
    return (
        "Best response to line 1 from the assessments after its first dose, up to the first progression, the next line and "
        f"the cutoff. SD needs an assessment at least {protocol.sd_min_days} days after the first dose. A confirmed response "
        f"is repeated at least {protocol.confirm_min_days} days later, with at most {protocol.confirm_max_ne} NE and "
        f"{sd_between} in between. ORR counts CR and PR, DCR also SD, CBR responses and SD seen for "
        f"{protocol.benefit_days} days. Denominator “all”: every analysed patient with a line 1, NE counting as non-response; "
        "“evaluable”: disease at the start and at least one adequate assessment after it. Intervals: Clopper–Pearson, with "
        "Wilson beside."
    )


def statistics_definition(protocol: Protocol) -> str:
    """Which estimators were used."""
    level = f"{protocol.conf_level * 100:g} %"
    return (
        f"Kaplan–Meier estimates with Greenwood's variance and {level} intervals of type {protocol.conf_type}; median: the first "
        "time with S(t) ≤ 0.5, the midpoint where S(t) equals 0.5 on an interval; its interval inverts the limits of the "
        "curve (Brookmeyer–Crowley). NE: not reached. Follow-up: reverse Kaplan–Meier. Groups: log-rank test and Cox model "
        "with Efron ties, unadjusted, with the score test of proportional hazards on 1 − S(t); "
        f"none where a group has fewer than {protocol.min_group_patients} patients or "
        f"{protocol.min_group_events} events. All computing is in whole days; months are days / {protocol.month_days:g}."
    )
