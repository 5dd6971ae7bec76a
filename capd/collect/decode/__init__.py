"""Pure: what devices say becomes readings, or a refusal with its reason (CN-17)."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from capd.model import Reading


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """A value that is not trusted, and is not guessed either."""

    reason: str  # a word for a metric: rate_not_counter, missing, fractional, …
    text: str  # the sentence for a person


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoded:
    """What was understood of one answer or message."""

    readings: tuple[Reading, ...] = ()
    refused: tuple[Refused, ...] = ()
    doubtful: frozenset[str] = frozenset()  # tables with a row that is gone, moved or down
    skewed: int = 0  # timestamps that were replaced by the time of arrival (CN-16)
    health: Mapping[str, float | str] = field(default_factory=dict)
    short: int = 0  # rows that a walk did not show, though they are there


def counter(value: object, bits: int, unit_bytes: int, what: str) -> int | Refused:
    """Return the bytes that *value* counts; *what* names it in a refusal (CN-17)."""
    if isinstance(value, bool) or not isinstance(value, int):
        if value is None:
            return Refused(reason="missing", text=f"{what} is missing")
        reason = "fractional" if isinstance(value, float) else "not_a_number"
        return Refused(reason=reason, text=f"{what} is {_shown(value)}, not a whole number")
    if value < 0:
        return Refused(reason="negative", text=f"{what} is negative ({value})")
    if value >> bits:
        return Refused(reason="too_large", text=f"{what} is {value}, more than {bits} bits hold")
    return value * unit_bytes


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:40]}…"  # noqa: PLR2004
