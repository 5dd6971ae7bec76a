"""Sizes, rates and moments as people write them, and back (KB is 1000, KiB is 1024)."""

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_SIZE = re.compile(r"\s*([0-9]+(?:\.[0-9]+)?)\s*([A-Za-z]*)\s*", re.ASCII)
_BYTES = {
    "": 1, "B": 1,
    "KB": 1000, "MB": 1000**2, "GB": 1000**3, "TB": 1000**4,
    "KIB": 1024, "MIB": 1024**2, "GIB": 1024**3, "TIB": 1024**4,
}  # fmt: skip
_SECONDS = {"": 1, "S": 1, "SEC": 1, "MIN": 60, "H": 3600}
_BPS = {"": 1, "BPS": 1, "KBPS": 10**3, "MBPS": 10**6, "GBPS": 10**9}
_LARGEST = 2**63 - 1  # what a BIGINT column holds
_YEARS = range(1970, 2200)  # beyond them a year is a slip of the hand


def bytes_of(text: str | int) -> int:
    """Return the bytes that *text* ("100GB", "1.5 GiB", 2048) names.

    Raises ValueError with a sentence that says what is accepted.
    """
    return _scaled(text, _BYTES, 'a size such as "100GB", "500MB", "2GiB" or a number of bytes')


def signed_bytes_of(text: str | int) -> int:
    """Return the bytes that *text* names, with a minus or a plus before it, or neither.

    Raises ValueError with a sentence that says what is accepted.
    """
    bare = str(text).strip()
    sign = -1 if bare.startswith("-") else 1
    return sign * bytes_of(bare.removeprefix("-") if sign < 0 else bare.removeprefix("+"))


def bps_of(text: str | int) -> int:
    """Return the bits a second that *text* ("30Mbps", "512kbps", 64000) names.

    Raises ValueError with a sentence that says what is accepted.
    """
    return _scaled(text, _BPS, 'a rate such as "30Mbps", "512kbps" or a number of bits a second')


def seconds_of(text: str | int) -> int:
    """Return the seconds that *text* ("500min", "90s", "2h", 90) names.

    Raises ValueError with a sentence that says what is accepted.
    """
    return _scaled(text, _SECONDS, 'a time such as "500min", "90s", "2h" or a number of seconds')


def _scaled(text: str | int, factors: dict[str, int], wanted: str) -> int:
    if isinstance(text, bool) or not isinstance(text, str | int):
        raise ValueError(f"wants {wanted}")  # noqa: TRY004 - pydantic turns ValueError into a line
    match = _SIZE.fullmatch(str(text))
    if match is None or match[2].upper() not in factors:
        raise ValueError(f"wants {wanted}, not {text!r}")
    try:
        scaled = Decimal(match[1]) * factors[match[2].upper()]
    except InvalidOperation:
        raise ValueError(f"wants {wanted}, not {text!r}") from None
    if scaled != scaled.to_integral_value():
        whole = {id(_BYTES): "bytes", id(_BPS): "bits"}.get(id(factors), "seconds")
        raise ValueError(f"{text!r} is not a whole number of {whole}")
    if scaled > _LARGEST:
        raise ValueError(f"{text!r} is more than any meter can count")
    return int(scaled)


def size_text(count: int) -> str:
    """Return *count* bytes as a person reads them: "214.3 GB"; one decimal, rounded down."""
    for name in ("TB", "GB", "MB", "KB"):
        factor = _BYTES[name]
        if count >= factor:
            tenths = count * 10 // factor
            return (
                f"{tenths // 10}.{tenths % 10} {name}" if tenths % 10 else f"{tenths // 10} {name}"
            )
    return f"{count} B"


def seconds_text(count: int) -> str:
    """Return *count* seconds as a person reads them: "501.5 min"; one decimal, rounded down."""
    if count < 60:  # noqa: PLR2004 - seconds of a minute
        return f"{count} s"
    tenths = count * 10 // 60
    return f"{tenths // 10}.{tenths % 10} min" if tenths % 10 else f"{tenths // 10} min"


def rate_text(bps: int) -> str:
    """Return *bps* bits a second as a person reads them: "30 Mbps"."""
    for name in ("Gbps", "Mbps", "kbps"):
        factor = _BPS[name.upper()]
        if bps >= factor:
            return f"{Decimal(bps) / factor:.10g} {name}"
    return f"{bps} bps"


def micros(at: datetime) -> int:
    """Return *at* as whole microseconds since 1970 UTC: how the store keeps moments."""
    return (at - _EPOCH) // _MICROSECOND


def moment(count: int) -> datetime:
    """Return the moment that is *count* microseconds after 1970 UTC."""
    return _EPOCH + timedelta(microseconds=count)


def rfc3339(at: datetime) -> str:
    """Return *at* in UTC with a Z; fractions only where there are any."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def moment_of(text: str) -> datetime:
    """Return the moment that the RFC 3339 *text* names; an offset or Z must be there.

    Raises ValueError with a sentence that says what is accepted: a slip in the year is none.
    """
    try:
        at = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        raise ValueError(f"wants a time such as 2026-03-01T00:05:00Z, not {text!r}") from None
    if at.tzinfo is None:
        raise ValueError(f"wants a time with its zone (2026-03-01T00:05:00Z), not {text!r}")
    if at.year not in _YEARS:
        raise ValueError(f"wants a year from {_YEARS[0]} to {_YEARS[-1]}, not {text!r}")
    return at.astimezone(UTC)
