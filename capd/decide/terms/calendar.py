"""The operator's calendar: which days are worked on, in local time."""

from dataclasses import dataclass
from datetime import date

SATURDAY, SUNDAY = 5, 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendar:
    """Weekends (0 is Monday) and public holidays; every other day is a working day."""

    weekend: tuple[int, ...] = (SATURDAY, SUNDAY)
    holidays: tuple[date, ...] = ()
