"""What subscribers were told, and what became of it: lists, and the proof for a dispute."""

from collections.abc import AsyncIterator
from datetime import datetime

from capd.answers.subscribers import known
from capd.house import House
from capd.model import Notice
from capd.told import notice_of
from capd.units import rfc3339

_PAGE = 500
_SHOWN = 20


def notice_record(notice: Notice) -> dict[str, object]:
    """Return a notice as JSON wants it: what, to whom, how it was taken, whether it came back."""
    bounce = notice.bounced
    return {
        "id": notice.delivery,
        "event": notice.event_id,
        "subscriber": notice.event.subscriber,
        "notice": notice_of(notice.event),
        "kind": notice.event.kind,
        "decided_at": rfc3339(notice.event.at),
        "text": notice.event.text,
        "clause": notice.event.clause,
        "channel": notice.channel,
        "to": notice.to,
        "state": state_of(notice),
        "attempts": notice.attempts,
        "accepted_at": _moment(notice.ended_at if notice.state == "done" else None),
        "answer": notice.answer or None,
        "message_id": notice.message_id,
        "problem": notice.problem or None,
        "bounced_at": None if bounce is None else rfc3339(bounce.at),
        "bounce_status": None if bounce is None else bounce.figures.get("status") or None,
        "bounce_diagnostic": None if bounce is None else bounce.figures.get("diagnostic") or None,
    }


def proof_record(notice: Notice) -> dict[str, object]:
    """Return a notice with what proves it: its hash in the audit trail, and that it holds."""
    return notice_record(notice) | {"hash": notice.digest, "unbroken": notice.unbroken}


def state_of(notice: Notice) -> str:
    """Return "accepted" (by the mail server), "bounced", "failed", "waiting", or "none"."""
    if notice.bounced is not None:
        return "bounced"
    return {"open": "waiting", "done": "accepted", "given_up": "failed"}.get(notice.state, "none")


def _moment(at: datetime | None) -> str | None:
    return None if at is None else rfc3339(at)


async def proof(
    house: House, who: str, *, since: datetime, until: datetime
) -> AsyncIterator[dict[str, object]]:
    """Yield what *who* was to be told in that time, oldest first. Raises NoSuch."""
    subscriber, after = (await known(house, who)).id, 0
    while page := await house.store.notices.proof(
        subscriber, after=after, since=since, until=until, limit=_PAGE
    ):
        for notice in page:
            yield proof_record(notice)
        after = page[-1].event_id


async def undelivered(house: House, who: str) -> list[dict[str, object]]:
    """Return the last notices of *who* that did not arrive, newest first (UC-7)."""
    subscriber = (await known(house, who)).id
    found = await house.store.notices.listing(
        subscriber=subscriber, failed=True, bounced=True, limit=_SHOWN
    )
    return [notice_record(notice) for notice in found]
