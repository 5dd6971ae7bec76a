"""A delivery-failure report becomes an event beside the notice that came back (UC-7)."""

import asyncio
from dataclasses import dataclass
from datetime import datetime

from capd.errors import CannotBeDone
from capd.house import House
from capd.model import Delivery, Event
from capd.notify.letter import one_line
from capd.notify.reports import Became, Report, read_report
from capd.store.notices import BOUNCED
from capd.told import masked, notice_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounce:
    """What became of a report."""

    text: str  # one line for a person
    became: Became
    recorded: bool = False
    event: Event | None = None  # of kind notice_bounced


async def bounce_turn(house: House, raw: bytes, *, now: datetime, author: str) -> Bounce:
    """Record that a notice came back, where the mail *raw* reports just that; the same one once.

    A delay, a receipt and an automatic answer are no bounces, and are said to be none. Nothing
    else is tried: UC-7 names no other channel. Raises ValueError where *raw* is no mail that can
    be read, CannotBeDone where it names no notice of this capd's.
    """
    report = await asyncio.to_thread(read_report, raw)
    if report.became is not Became.FAILED:
        return Bounce(text=f"this is {report.said}: nothing is recorded", became=report.became)
    if report.event is None or report.at is None:
        raise CannotBeDone("the report names no mail of capd's: it brings back no Message-ID of it")
    delivery = await house.store.notices.delivery(report.event, report.at)
    if delivery is None:
        raise CannotBeDone(f"the report names the notice {report.event}, which capd did not send")
    if await _is_of_before(house, delivery, report.recipient):
        text = f"the notice was sent again, and no more to {masked(report.recipient)}"
        return Bounce(text=f"{text}: nothing is recorded", became=report.became)
    event = _event(delivery, report, now, author)
    new = await house.store.notices.came_back(delivery.id, event)
    text = event.text if new else f"{event.text} That is on record already."
    return Bounce(text=text, became=report.became, recorded=new, event=event)


async def _is_of_before(house: House, delivery: Delivery, recipient: str) -> bool:
    """Say whether *recipient* is one that *delivery* went to before it was sent again.

    A report may take days. One for an address that is none of ours is one for what we sent last:
    mail is passed on.
    """
    if not recipient or recipient.lower() == (delivery.to or "").lower():
        return False
    return masked(recipient) in await house.store.notices.earlier_addresses(delivery)


def _event(delivery: Delivery, report: Report, now: datetime, author: str) -> Event:
    notice, to = notice_of(delivery.event), masked(delivery.to or report.recipient)
    words = hidden(report.diagnostic, delivery.to, report.recipient)
    why = " ".join(part for part in (report.status, words) if part) or "no reason was given"
    return Event(
        at=now,
        kind=BOUNCED,
        text=one_line(f"The notice {notice} to {to} came back: {why}."),
        clause="UC-7",
        subscriber=delivery.event.subscriber,
        author=author,
        figures={
            "notice": notice,
            "event": delivery.event_id,
            "delivery": delivery.id,
            "channel": delivery.channel,
            "address": to,
            "status": report.status,
            "diagnostic": words,
        },
    )


def hidden(text: str, *addresses: str | None) -> str:
    """Return *text* with *addresses* masked, however they are spelled."""
    for address in addresses:
        if address and "@" in address:
            at = text.lower().find(address.lower())
            while at >= 0:
                text = text[:at] + masked(address) + text[at + len(address) :]
                at = text.lower().find(address.lower(), at + len(masked(address)))
    return text
