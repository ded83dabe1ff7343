"""The value that an auditor or adjudicator holds to be right, where it is neither reader's: checked like any other that is typed."""

from collections.abc import Mapping

from abstractor.model.finding import Assertion
from abstractor.quality.audit import Refused
from abstractor.review.typed_dates import date_problem, order_problem
from abstractor.review.values import ValueReader
from abstractor.rulebook.book import RuleBook


def read_third(book: RuleBook, field: str, said: Mapping[str, object]) -> dict[str, object]:
    """Value, assertion, date, end_date and attributes, in the registry's form.

    Raises:
        Refused: there is no value, or it or a date does not fit the field.
    """
    value = str(said.get("value") or "").strip()
    date, end = (str(said[key]) if said.get(key) else None for key in ("date", "end_date"))
    if not value:
        raise Refused("say which value is right")
    spec = book.fields.get(field)
    if spec is not None:
        read = ValueReader(book).read(spec, value)
        value, problem = read.value, read.problem or order_problem(date, end)
        for stated in (date, end):
            problem = problem or (date_problem(stated) if stated else "")
        if problem:
            raise Refused(problem)
    attributes = said.get("attributes")
    return {
        "value": value,
        "assertion": str(Assertion(str(said.get("assertion") or Assertion.PRESENT))),
        "date": date,
        "end_date": end,
        "attributes": dict(attributes) if isinstance(attributes, Mapping) else {},
    }
