"""How long records are kept, each kind with its own time (D-6); the audit trail is for ever."""

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

DISPUTE_DAYS = 60
"""A charge can be disputed for so long, and the readings behind it must be there (E-5)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Keep:
    """For how many days each kind of record is kept."""

    raw_days: int = 90
    hours_days: int = 400
    days_days: int = 2555
    transcripts_days: int = 400
    deliveries_days: int = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Cuts:
    """What ended before these moments has been kept for long enough; local midnights."""

    raw: datetime
    hours: datetime
    days: datetime
    transcripts: datetime
    deliveries: datetime
    disputes: datetime  # the readings behind charges from here on are kept in any case (E-5)


def cuts(keep: Keep, now: datetime, zone: ZoneInfo) -> Cuts:
    """Return up to where records go at *now*; it changes once a local day."""

    def ago(days: int) -> datetime:
        day = now.astimezone(zone).date() - timedelta(days=days)
        return datetime.combine(day, time(), zone).astimezone(UTC)

    return Cuts(
        raw=ago(keep.raw_days),
        hours=ago(keep.hours_days),
        days=ago(keep.days_days),
        transcripts=ago(keep.transcripts_days),
        deliveries=ago(keep.deliveries_days),
        disputes=ago(DISPUTE_DAYS),
    )
