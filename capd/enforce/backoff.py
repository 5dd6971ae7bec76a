"""Pure: when to try again what did not work."""

from datetime import datetime, timedelta

LONGEST_S = 3600.0
_MOST_DOUBLINGS = 40  # keeps the float finite


def next_try(now: datetime, *, failures: int, backoff_s: float) -> datetime:
    """Return when to try again after *failures* in a row: doubled each time, at most an hour."""
    doublings = min(max(failures - 1, 0), _MOST_DOUBLINGS)
    return now + timedelta(seconds=min(backoff_s * 2**doublings, LONGEST_S))
