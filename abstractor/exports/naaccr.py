"""NAACCR XML for the items that exist: who, what cancer, where, which stage, spread at diagnosis, alive or dead. Nothing else is written.

Lines, regimens, responses and progression have no items; `docs/exchange.md` says what is lost.
"""

import datetime
from collections.abc import Iterator
from typing import IO
from xml.sax.saxutils import escape, quoteattr

from abstractor.exports.codes import Entry, read_codes
from abstractor.exports.folder import Folder
from abstractor.exports.leaving import Leaving
from abstractor.exports.source import Chart, Source
from abstractor.model.dates import PartialDate, stated_date
from abstractor.model.finding import Assertion

FILE = "naaccr.xml"
_ARABIC = {"IV": "4", "III": "3", "II": "2", "I": "1", "0": "0"}
_YES, _NO = "1", "0"
_ALIVE, _DEAD = "1", "0"

Items = dict[str, str]


class NaaccrCodes(Entry):
    """`rules/exchange/naaccr.toml`."""

    dictionary: str
    namespace: str
    specification: str
    record_type: str
    at_diagnosis_days: int
    sex: dict[str, str]
    smoking: dict[str, str]
    histology: dict[str, str]
    site: dict[str, tuple[str, str]]
    mets: dict[str, str]
    clinical: dict[str, str]


def write_naaccr(source: Source, folder: Folder) -> None:
    """Writes `naaccr.xml`, one patient at a time; identified, `patients.csv` with the numbers the patients have in it."""
    codes = read_codes(source.rulebook.root, "naaccr", NaaccrCodes)
    numbers = folder.table("patients.csv", ("patient_id_number", "patient_id"))
    out = folder.open(FILE)
    out.write(
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f"<NaaccrData baseDictionaryUri={quoteattr(codes.dictionary)} recordType={quoteattr(codes.record_type)}"
        f" specificationVersion={quoteattr(codes.specification)} xmlns={quoteattr(codes.namespace)}>\n"
    )
    for number, chart in enumerate(source.charts(), 1):
        patient_id = f"{number:08d}"
        _element(
            out,
            {"patientIdNumber": patient_id, **_patient(chart, codes, source.leaving)},
            _tumor(chart, codes, source.leaving),
        )
        folder.count(FILE)
        numbers.write({"patient_id_number": patient_id, "patient_id": chart.patient_id})
    out.write("</NaaccrData>\n")


def _element(out: IO[str], patient: Items, tumor: Items) -> None:
    out.write("  <Patient>\n")
    for name, value in patient.items():
        out.write(f"    <Item naaccrId={quoteattr(name)}>{escape(value)}</Item>\n")
    out.write("    <Tumor>\n")
    for name, value in tumor.items():
        out.write(f"      <Item naaccrId={quoteattr(name)}>{escape(value)}</Item>\n")
    out.write("    </Tumor>\n  </Patient>\n")


def _patient(chart: Chart, codes: NaaccrCodes, leaving: Leaving) -> Items:
    last = next(iter(chart.record.values("death_date")), None) or chart.value("last_contact_date")
    vital = {"dead": _DEAD, "alive": _ALIVE}.get(chart.value("vital_status") or "")
    born = None if leaving.is_pooled(chart.age) else chart.value("birth_date")
    found = {
        "sexAssignedAtBirth": codes.sex.get(chart.value("sex") or ""),
        "dateOfBirth": _date(born, leaving),
        "vitalStatus": vital,
        "dateOfLastContact": _date(last, leaving),
    }
    return {name: value for name, value in found.items() if value}


def _tumor(chart: Chart, codes: NaaccrCodes, leaving: Leaving) -> Items:
    site, laterality = codes.site.get(chart.value("primary_site") or "", (None, None))
    histology = codes.histology.get(chart.value("histology") or "")
    diagnosed = None if leaving.is_pooled(chart.age) else chart.value("diagnosis_date")
    found = {
        "primarySite": site,
        "laterality": laterality,
        "histologicTypeIcdO3": histology,
        "behaviorCodeIcdO3": "3" if histology else None,
        "dateOfDiagnosis": _date(diagnosed, leaving),
        "tobaccoUseSmokingStatus": codes.smoking.get(chart.value("smoking_status") or ""),
        **dict(_stage(chart, codes)),
        **_mets(chart, codes),
    }
    return {name: value for name, value in found.items() if value}


def _date(stated: str | None, leaving: Leaving) -> str | None:
    """YYYYMMDD, cut where the date is partial; de-identified, the year."""
    date = stated_date(stated)
    if date is None:
        return None
    return f"{date.year:04d}" if leaving.deidentified else str(date).replace("-", "")


def _stage(chart: Chart, codes: NaaccrCodes) -> Iterator[tuple[str, str]]:
    """The clinical categories; what was staged by surgery, after therapy or at recurrence has other items."""
    for field, item in codes.clinical.items():
        for fact in chart.record.present(field)[:1]:
            prefix = str(fact.attributes.get("prefix") or "")
            if prefix not in ("", "c"):
                continue
            yield item, _arabic(fact.value) if field == "stage.group" else f"c{fact.value}"


def _arabic(group: str) -> str:
    """`IIIB` as the item wants it: `3B`."""
    roman = next(one for one in _ARABIC if group.startswith(one))
    return _ARABIC[roman] + group[len(roman) :]


def _mets(chart: Chart, codes: NaaccrCodes) -> Items:
    """Spread that was stated, or stated not to be, at diagnosis; where nothing was, the item is blank."""
    found: Items = {}
    zero = chart.calendar.zero
    if zero is None:
        return found
    limit = zero + datetime.timedelta(days=codes.at_diagnosis_days)
    for fact in chart.facts:
        if fact.field != "metastasis" or fact.assertion not in (Assertion.PRESENT, Assertion.ABSENT):
            continue
        item = codes.mets.get(fact.value, "metsAtDxOther")
        day = chart.dated(fact)
        if not item or day is None or PartialDate.parse(day).first > limit:
            continue
        if fact.assertion is Assertion.PRESENT:
            found[item] = _YES
        elif item != "metsAtDxOther":  # that it is not in one other site says nothing of the rest of them
            found.setdefault(item, _NO)
    return found
