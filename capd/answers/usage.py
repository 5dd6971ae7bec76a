"""The ledger's figures of one subscriber and period: for `capd usage` and the API."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from capd.account.history import By, Row
from capd.account.periods import period_named
from capd.account.report import seconds, usage_record
from capd.answers.subscribers import about, standing_of
from capd.decide.case import allowance_with
from capd.errors import CannotBeDone
from capd.house import House
from capd.model import Counts, Event, Product, ProductId, Standing, Usage
from capd.units import rfc3339

_PAGE = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """A usage record, and what it was made of."""

    record: dict[str, object]
    counts: Counts
    allowance_bytes: int | None
    rows: Sequence[Row] = ()  # the parts, where they were asked for


async def usage(
    house: House, who: str, now: datetime, *, period: str | None = None, by: By | None = None
) -> Figures:
    """Return what *who* used in *period* ("2026-11"; None: the running one), in parts with *by*.

    Raises NoSuch where there is nobody, CannotBeDone for a period that has not begun, and
    ValueError for what names none.
    """
    standing = await standing_of(house, who, now)
    asked = standing
    if period is not None:
        start = period_named(period, standing.subscriber.cycle, house.zone).start
        if start > now:
            raise CannotBeDone(f"{who}: the period {period} has not begun")
        asked = await standing_of(house, who, start)
    product = await _product_then(house, asked, ended=asked.period.end <= now)
    policy = house.policy_of(standing, now)
    allowance = allowance_with(asked, product, policy)
    record = usage_record(asked.usage, product.counts, allowance, product.unit)
    record |= about(standing, record, policy)
    rows: Sequence[Row] = ()
    if by is not None:
        rows = await house.store.history.by_time(
            asked.usage.subscriber, asked.usage.period, by, house.zone
        )
        record["parts"] = _parts(asked.usage, product.counts, rows)
    return Figures(record=record, counts=product.counts, allowance_bytes=allowance, rows=rows)


async def _product_then(house: House, asked: Standing, *, ended: bool) -> Product:
    """Return the product that counted in the period: the one before the first later change."""
    return await product_at(house, asked, asked.period.end) if ended else asked.product


async def product_at(house: House, asked: Standing, at: datetime) -> Product:
    """Return the product that counted just before *at*: the one before the first later change."""
    later = await _first_change_after(house, asked, at)
    catalogue = await house.store.people.products()
    name = None if later is None else later.figures.get("from")
    return catalogue.get(ProductId(str(name)), asked.product)


async def _first_change_after(house: House, asked: Standing, at: datetime) -> Event | None:
    after = 0
    while page := await house.store.trail.events(
        after=after, limit=_PAGE, subscriber=asked.subscriber.id
    ):
        for number, event in page:
            after = number
            if event.kind == "plan_changed" and event.at >= at:
                return event
    return None


def _parts(whole: Usage, counts: Counts, rows: Sequence[Row]) -> list[dict[str, object]]:
    return [
        {
            "start": rfc3339(start),
            "end": rfc3339(end),
            "down_bytes": down,
            "up_bytes": up,
            "counted_bytes": Usage(
                subscriber=whole.subscriber, period=whole.period, down_bytes=down, up_bytes=up
            ).counted(counts),
            "estimated_bytes": estimated,
            "unknown_s": seconds(unknown_us),
        }
        for start, end, down, up, estimated, unknown_us in rows
    ]
