"""The section [calendar]: weekends and public holidays, in the operator's local time."""

from datetime import date
from enum import StrEnum
from typing import Self

from pydantic import model_validator

from capd.decide.terms.calendar import Calendar
from capd.policies.shapes import Strict

_PLAIN = Calendar()


class _Weekday(StrEnum):
    MONDAY = "monday"
    TUESDAY = "tuesday"
    WEDNESDAY = "wednesday"
    THURSDAY = "thursday"
    FRIDAY = "friday"
    SATURDAY = "saturday"
    SUNDAY = "sunday"


_DAYS = list(_Weekday)


class CalendarSection(Strict):
    """[calendar]: which days are worked on."""

    weekend: tuple[_Weekday, ...] = tuple(_DAYS[n] for n in _PLAIN.weekend)
    holidays: tuple[date, ...] = _PLAIN.holidays

    @model_validator(mode="after")
    def _some_day_is_worked_on(self) -> Self:
        if set(self.weekend) == set(_DAYS):
            raise ValueError("weekend: a week wants a working day")
        return self

    def terms(self) -> Calendar:
        """Return what the section says."""
        weekend = tuple(sorted(_DAYS.index(name) for name in set(self.weekend)))
        return Calendar(weekend=weekend, holidays=tuple(sorted(set(self.holidays))))
