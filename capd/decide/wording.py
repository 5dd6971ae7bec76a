"""Figures and days as the subscriber reads them in a sentence."""

from datetime import date, datetime, tzinfo
from decimal import Decimal

from capd.model import Product, Unit
from capd.units import bytes_of, rate_text, seconds_of, seconds_text, size_text

_MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip


def amount_text(count: int, unit: Unit = Unit.BYTES) -> str:
    """Return "101.2 GB", or "501.5 min" of what is measured in seconds."""
    return seconds_text(count) if unit is Unit.SECONDS else size_text(count)


def quantity_of(text: str, unit: Unit) -> int:
    """Return the bytes or seconds that *text* names; ValueError says what is accepted."""
    return seconds_of(text) if unit is Unit.SECONDS else bytes_of(text)


def of_text(part: int, whole: int, unit: Unit = Unit.BYTES) -> str:
    """Return "101.2 of 100 GB", or "900 MB of 100 GB" where the units differ."""
    head, tail = amount_text(part, unit), amount_text(whole, unit)
    number, name = head.rsplit(" ", 1)
    return f"{number} of {tail}" if tail.endswith(f" {name}") else f"{head} of {tail}"


def over_text(counted: int, allowance: int, unit: Unit = Unit.BYTES) -> str:
    """Return "101.2 of 100 GB used"; with the excess where rounding would hide it."""
    used = f"{of_text(counted, allowance, unit)} used"
    if amount_text(counted, unit) == amount_text(allowance, unit):
        return f"{used} and {amount_text(counted - allowance, unit)} more"
    return used


def cap_text(product: Product) -> str:
    """Return "a cap of 300 GB", or "no cap"."""
    if product.cap_bytes is None:
        return "no cap"
    return f"a cap of {amount_text(product.cap_bytes, product.unit)}"


def day_text(at: datetime, zone: tzinfo) -> str:
    """Return the day of *at* in *zone*: "1 April"."""
    local = at.astimezone(zone)
    return f"{local.day} {_MONTHS[local.month - 1]}"


def date_text(day: date) -> str:
    """Return *day* with its year: "1 April 2027"."""
    return f"{day.day} {_MONTHS[day.month - 1]} {day.year}"


def moment_text(at: datetime, zone: tzinfo) -> str:
    """Return *at* as a day and a time in *zone*: "3 April 09:00 BST"."""
    local = at.astimezone(zone)
    return f"{day_text(at, zone)} {local:%H:%M} {local.tzname() or ''}".strip()


def month_text(name: str) -> str:
    """Return the period with the *name* "2026-03" as "March 2026"."""
    return f"{_MONTHS[int(name[5:7]) - 1]} {name[:4]}"


def money_text(amount: Decimal) -> str:
    """Return *amount* as a decimal string with two places."""
    return str(amount.quantize(Decimal("0.01")))


def price_text(product: Product, currency: str) -> str:
    """Return what *product* costs: "35.00 GBP a month", or that no price is listed."""
    if product.price is None:
        return "its listed price"
    return f"{money_text(product.price)} {currency} a month"


def list_text(parts: list[str], last: str = "or") -> str:
    """Return "a", "a or b", "a, b or c"."""
    return f" {last} ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)


def rate_clause(down_bps: int | None, up_bps: int | None) -> str:
    """Return " to 2 Mbps down and 1 Mbps up", or nothing where no rate is set."""
    rates = [
        f"{rate_text(bps)} {way}"
        for bps, way in ((down_bps, "down"), (up_bps, "up"))
        if bps is not None
    ]
    return f" to {list_text(rates, 'and')}" if rates else ""
