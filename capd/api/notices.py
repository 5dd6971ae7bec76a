"""What subscribers were told, what became of it, and what is open with them."""

from pydantic import Field

from capd.answers.desk import delivery_record
from capd.answers.matters import matter_record
from capd.answers.notices import notice_record
from capd.answers.subscribers import known
from capd.api.calls import Answer, AnyCall, Ask, Call, Nothing, Paged
from capd.api.cursors import key_after, number_after, page
from capd.api.desk_shapes import BounceRecord, DeliveryRecord, MatterRecord, NoticeRecord
from capd.api.outcomes import noted
from capd.api.requests import NoteBody, mistaken
from capd.api.roles import Right
from capd.api.shapes import Page
from capd.bounces import bounce_turn
from capd.model import SubscriberId
from capd.notify.reports import LARGEST

_MATTER = ("subscriber", "kind", "key")


class NoticesQuery(Paged):
    """Which notices are wanted."""

    subscriber: str | None = Field(default=None, description="Only those of this subscriber.")
    failed: bool = Field(default=False, description="Only those that were given up.")
    bounced: bool = Field(default=False, description="Only those that came back.")


class MattersQuery(Paged):
    """Which matters are wanted."""

    kind: str | None = Field(default=None, description="Such as invoice, addon, job.")
    subscriber: str | None = Field(default=None, description="Only those of this subscriber.")
    closed: bool = Field(default=False, description="Closed ones as well.")


async def listing(ask: Ask[NoticesQuery, None]) -> Answer:
    """Return a page of notices, newest first."""
    query = ask.query
    whose = None if query.subscriber is None else (await known(ask.house, query.subscriber)).id
    found = await ask.house.store.notices.listing(
        subscriber=whose,
        failed=query.failed,
        bounced=query.bounced,
        before=number_after(query.cursor),
        limit=query.limit + 1,
    )
    return Answer(page([notice_record(one) for one in found], query.limit))


async def retry(ask: Ask[Nothing, NoteBody]) -> Answer:
    """Send a notice again."""
    found = await ask.house.store.notices.retry(
        int(ask.path["number"]), author=ask.author, note=ask.body.note, at=ask.now
    )
    return Answer(notice_record(found))


async def bounced(ask: Ask[Nothing, None]) -> Answer:
    """Take in a delivery-failure report."""
    try:
        found = await bounce_turn(ask.house, ask.raw, now=ask.now, author=ask.author)
    except ValueError as exc:
        raise mistaken(f"the report {exc}") from None
    return Answer({"became": found.became.value, "recorded": found.recorded, "text": found.text})


async def deliveries(ask: Ask[Paged, None]) -> Answer:
    """Return a page of deliveries that were given up, newest first."""
    found = await ask.house.store.outbox.given_up(
        ask.query.limit + 1, before=number_after(ask.query.cursor)
    )
    return Answer(page([delivery_record(*one) for one in found], ask.query.limit))


async def matters(ask: Ask[MattersQuery, None]) -> Answer:
    """Return a page of matters, by subscriber, kind and key."""
    query = ask.query
    who, kind, key = key_after(query.cursor, len(_MATTER))
    found = await ask.house.store.matters.find(
        kind=query.kind,
        subscriber=None if query.subscriber is None else SubscriberId(query.subscriber),
        closed_too=query.closed,
        after=(who, kind, key),
        limit=query.limit + 1,
    )
    return Answer(page([matter_record(one) for one in found], query.limit, _MATTER))


_SUBJECT = "Notices"
CALLS: tuple[AnyCall, ...] = (
    Call(
        method="GET",
        path="/matters",
        subject="Facts",
        right=Right.PEOPLE,
        help="List what is open with subscribers: invoices, add-ons, jobs, contracts",
        query=MattersQuery,
        answer=Page[MatterRecord],
        handle=matters,
    ),
    Call(
        method="GET",
        path="/notices",
        subject=_SUBJECT,
        right=Right.WORK,
        help="List what subscribers were told, and what became of it, newest first",
        more="With `failed` and `bounced` those that were given up or came back (UC-7).",
        query=NoticesQuery,
        answer=Page[NoticeRecord],
        problems=(404,),
        handle=listing,
    ),
    noted(
        "/notices/{number}/retry",
        "Send a notice again, to the address on file now",
        Right.NOTICES,
        retry,
        subject=_SUBJECT,
        answer=NoticeRecord,
    ),
    Call(
        method="POST",
        path="/bounces",
        subject=_SUBJECT,
        right=Right.NOTICES,
        help="Hand in a delivery-failure report, as it came in",
        more="Of a delay, a receipt or an automatic answer nothing is recorded (UC-7).",
        query=Nothing,
        takes="message/rfc822",
        largest=LARGEST,
        answer=BounceRecord,
        handle=bounced,
    ),
    Call(
        method="GET",
        path="/deliveries",
        subject=_SUBJECT,
        right=Right.WORK,
        help="List what could not be delivered, newest first",
        more="Mails that were refused, and webhook calls that were given up (UC-7).",
        query=Paged,
        answer=Page[DeliveryRecord],
        handle=deliveries,
    ),
)
