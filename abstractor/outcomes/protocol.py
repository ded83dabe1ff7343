"""The study protocol: every decision that changes a published number, as one validated, frozen object.

The names are those of the domain specification; the values come from a TOML file a clinician can read (`rules/protocol.toml`).
Nothing in the outcomes package has a threshold of its own.
"""

import datetime
import tomllib
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from abstractor.model.errors import ProtocolError

UNLIMITED = frozenset({"none", "unlimited"})
"""How a file (TOML has no null) says that a limit does not apply."""


def _no_limit(value: object) -> object:
    return None if isinstance(value, str) and value.strip().lower() in UNLIMITED else value


Days = Annotated[int, Field(ge=0, le=3660)]
Limit = Annotated[Days | None, BeforeValidator(_no_limit)]
"""Days, or None for no limit (written "none" or "unlimited" in a file)."""

TimeZero = Literal["line_1_start", "diagnosis", "extensive_first", "radiotherapy_start", "molecular_report"]
ProgressionBasis = Literal["clinician", "imaging", "recist", "pfs_i", "pfs_m", "pfs_i_or_m", "pfs_i_and_m"]


class Protocol(BaseModel):
    """The settings of one study. Days are calendar days; months are only ever for display."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=False)

    # Time
    time_zero: TimeZero = "line_1_start"
    """Day 0 of the time-to-event endpoints. ORR and DCR always run from the first dose of line 1."""
    day_count: Literal["end_minus_start", "inclusive"] = "end_minus_start"
    """`inclusive` adds the day that many trial plans add."""
    month_days: Annotated[float, Field(ge=28.0, le=31.0)] = 30.4375
    """Days a month, for display."""
    data_cutoff: datetime.date | None = None
    """Nothing after this day is used; None leaves it to the one who runs the analysis."""
    delayed_entry: Literal["none", "molecular_report"] = "none"
    """Left truncation of OS: a patient is at risk only from the day of the molecular report."""

    # Progression
    progression_basis: ProgressionBasis = "clinician"
    """What `pfs` is: clinician-anchored real-world PFS, its restriction to imaging or to stated RECIST, or a GENIE variant."""
    rwp_grace_days: Days = 14
    """Progression within these days after the index is not counted."""
    visit_gap_days: Limit = 90
    """Follow-up for progression ends at the last visit before the first longer gap."""
    death_window_days: Limit = 30
    """Death this long after the end of that follow-up still is an event."""
    line_change_before_rwp: Literal["follow", "censor", "event"] = "follow"
    """What a new line before any progression means for rwPFS."""
    recist_gap_days: Limit = 98
    """Trial PFS: progression or death this long after the last adequate assessment is censored there."""
    clinical_progression_in_trial_pfs: bool = False
    """Trial PFS: a progression without imaging counts (sensitivity B)."""

    # Response
    confirm_response: Literal["both", "confirmed", "unconfirmed"] = "both"
    """Which ORR is the headline: `both` prints both and leads with the confirmed one where later scans are usual."""
    confirm_min_days: Days = 28
    """From a response to the assessment that confirms it."""
    confirm_max_ne: Annotated[int, Field(ge=0, le=9)] = 1
    """NE assessments allowed in between."""
    confirm_accept_sd: bool = False
    """Whether one SD in between still lets a PR be confirmed."""
    response_after_cr: Literal["lenient", "strict"] = "lenient"
    """PR after CR: `lenient` lets a later pair of PR confirm each other, `strict` counts no PR after a CR."""
    sd_min_days: Days = 42
    """SD needs an assessment at least this long after the index."""
    benefit_days: Days = 168
    """Clinical benefit: response, or SD lasting this long (24 weeks)."""

    # Lines of therapy
    line_window_days: Days = 28
    """Agents first given within these days of a line's start are its regimen."""
    line_gap_days: Days = 90
    """Treatment after a longer break is a new line."""
    ici_join_days: Days = 84
    """An immunotherapy first given this late still joins the running line."""
    consolidation_days: Days = 42
    """Consolidation after chemoradiation joins its line when it starts this soon after."""
    consolidation_tolerance_days: Days = 90
    """... and with a flag up to here."""
    maintenance_join_days: Days = 60
    """A maintenance partner joins the line this long after the last platinum."""
    continued_days: Days = 42
    """After progression a dose this soon after the one before is treatment beyond progression, not a new line."""
    before_diagnosis_days: Days = 14
    """Treatment may begin this long before the dated diagnosis."""
    platinum_free_cutoff: Days = 90
    """Days from last platinum to progression from which a patient is platinum-sensitive."""
    ttd_gap_days: Days = 120
    """Activity this long after the last dose makes a treatment discontinued."""

    # Population and display
    tnm_edition_rule: Literal["diagnosis_date", "as_written"] = "diagnosis_date"
    """Which edition of TNM a stage is read in."""
    require_histology: bool = True
    """Only patients with confirmed small-cell histology, or a limited/extensive stage, are analysed."""
    include_transformed: bool = False
    """Small cell transformed from an earlier NSCLC is analysed with the others."""
    genes: tuple[str, ...] = ("TP53", "RB1", "MYC", "MYCL", "MYCN", "NOTCH1", "PTEN")
    """Columns of the analysis table."""
    contact_note_types: tuple[str, ...] = ("clinic", "radiology", "radiotherapy", "nursing", "discharge", "pathology")
    """Notes of these types show that the patient was in contact on their date."""
    status_note_types: tuple[str, ...] = ("clinic", "radiology", "discharge", "radiotherapy")
    """The last note of these types is the last day on which progression was looked for."""
    conf_type: Literal["log-log", "log", "plain"] = "log-log"
    conf_level: Annotated[float, Field(gt=0.5, lt=1.0)] = 0.95
    landmark_months: tuple[float, ...] = (6.0, 12.0, 24.0)
    min_group_patients: Annotated[int, Field(ge=1)] = 10
    """No test where a group is smaller."""
    min_group_events: Annotated[int, Field(ge=0)] = 5
    """No test where a group has fewer events."""

    # Further analyses
    response_landmark_days: Days = 84
    """Responders and non-responders are followed from this day after the start of line 1."""
    rmst_months: Annotated[float, Field(gt=0.0, le=240.0)] = 12.0
    """Restricted mean survival times run up to here."""
    start_at_risk: Annotated[int, Field(ge=1)] = 10
    """A curve with delayed entry begins when so many are at risk."""
    gene_min_altered: Annotated[int, Field(ge=1)] = 10
    """The screen of genes leaves out a gene altered in fewer patients."""
    gene_min_prevalence: Annotated[float, Field(ge=0.0, le=1.0)] = 0.05
    """... or in a smaller share of those tested."""
    gene_q: Annotated[float, Field(gt=0.0, lt=1.0)] = 0.10
    """A gene with a smaller Benjamini–Hochberg q is marked."""
    genes_named_before: tuple[str, ...] = ("TP53", "RB1", "MYC", "NOTCH1")
    """Genes chosen before the data were seen: Holm's correction over these alone."""
    subgroups: tuple[str, ...] = (
        "stage_valg", "sex", "ecog_2", "age_65", "brain_metastases", "liver_metastases", "histology",
    )  # fmt: skip
    """Columns of the forest plot; `ecog_2` and `age_65` cut at ECOG 2 and at 65 years, others are baseline columns or genes."""

    # Small cells
    small_cell: Annotated[int, Field(ge=1, le=100)] = 5
    """The shareable report withholds counts below this, and what would give them away."""

    # Errors of abstraction
    error_runs: Annotated[int, Field(ge=0, le=20_000)] = 1000
    """Simulated registries; 0 switches the simulation off."""
    error_seed: int = 20_250_630
    date_error_days: Annotated[float, Field(ge=0.0, le=365.0)] = 14.0
    """Standard deviation of a wrong date of progression."""

    @model_validator(mode="after")
    def _ordered(self) -> "Protocol":
        if self.consolidation_tolerance_days < self.consolidation_days:
            raise ValueError("consolidation_tolerance_days is below consolidation_days")
        if len(set(self.subgroups)) < len(self.subgroups):
            raise ValueError("subgroups names a column twice")
        if any(month <= 0 for month in self.landmark_months):
            raise ValueError("landmark_months holds a time that is not after 0")
        return self

    def months(self, days: float) -> float:
        """Days as months, for display."""
        return days / self.month_days

    def days_between(self, start: datetime.date, stop: datetime.date) -> int:
        """Days from start to stop, by `day_count`."""
        return (stop - start).days + (1 if self.day_count == "inclusive" else 0)


def load_protocol(path: Path | None) -> Protocol:
    """Reads a protocol file; None gives the defaults.

    Raises:
        ProtocolError: the file can't be read, or has unknown keys or values out of range; all faults are named at once.
    """
    if path is None:
        return Protocol()
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ProtocolError(f"{path}: can't be read as UTF-8 text ({type(error).__name__}); check the path") from error
    except tomllib.TOMLDecodeError as error:
        raise ProtocolError(f"{path}: not TOML: {error}") from error
    settings = raw.pop("protocol", {})
    try:
        return Protocol.model_validate({**raw, **settings})
    except ValidationError as error:
        raise ProtocolError(_explain(path, error)) from error


def _explain(path: Path, error: ValidationError) -> str:
    choices = ", ".join(Protocol.model_fields)
    faults = []
    for fault in error.errors():
        key = ".".join(str(part) for part in fault["loc"]) or "the settings together"
        if fault["type"] == "extra_forbidden":
            faults.append(f"{key}: unknown setting; the settings are {choices}")
        else:
            faults.append(f"{key} = {fault['input']!r}: {fault['msg']}" if fault["loc"] else f"{key}: {fault['msg']}")
    return f"{path}: " + "; ".join(faults)
