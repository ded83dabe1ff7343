"""Words about who works on a patient. Times are shown as the clock on the wall says them; what is stored is UTC."""

from datetime import datetime


def wall_time(moment: str) -> str:
    """Hours and minutes of a stored time, in the local zone: `10:31`."""
    return datetime.fromisoformat(moment).astimezone().strftime("%H:%M")


def wall_seconds(moment: str) -> str:
    """A stored time to the second, in the local zone: `10:31:07`."""
    return datetime.fromisoformat(moment).astimezone().strftime("%H:%M:%S")


def ago(then: str, now: str) -> str:
    """How long before `now` something was: `now`, `3 min ago`, `2 h ago`, `4 d ago`."""
    minutes = int((datetime.fromisoformat(now) - datetime.fromisoformat(then)).total_seconds() // 60)
    if minutes < 1:
        return "now"
    if minutes < 120:
        return f"{minutes} min ago"
    return f"{minutes // 60} h ago" if minutes < 48 * 60 else f"{minutes // 1440} d ago"


def held_words(patient_id: str, holder: str, since: str, active_at: str, now: str) -> str:
    """Who is at a patient: `R.CHEN holds 00430 since 10:31 (active 1 min ago)`."""
    return f"{holder} holds {patient_id} since {wall_time(since)} (active {ago(active_at or since, now)})"
