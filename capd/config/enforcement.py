"""`[enforce]`: how devices are configured, and read back."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from capd.config import checks
from capd.config.shapes import Strict
from capd.decide.guard import Span


class EnforceConfig(Strict):
    """How devices are configured."""

    at_once: int = Field(default=20, ge=1, le=500)
    timeout_s: float = Field(default=30, gt=0)
    attempts: int = Field(default=5, ge=1)  # before a person must look
    backoff_s: float = Field(default=10, gt=0)  # doubled at each failure, at most an hour
    session_every_s: float = Field(default=0, ge=0, le=3600)  # a device rests between two sessions
    drift_every_s: float = Field(default=3600, ge=0)  # devices are read back; 0: never
    drift_sample: int = Field(default=20, ge=1, le=1000)  # so many devices at a time
    repair_drift: bool = False  # put right what somebody changed by hand
    quiet_hours: Annotated[tuple[str, ...], AfterValidator(checks.hours)] = ()  # local time

    @property
    def quiet(self) -> tuple[Span, ...]:
        """Return the hours in which only service that is given back is pushed."""
        return tuple(checks.span(each) for each in self.quiet_hours)
