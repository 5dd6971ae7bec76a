"""What is sold, and what the network is made of."""

from http import HTTPStatus

from pydantic import Field

from capd.answers import network
from capd.api.calls import Answer, AnyCall, Ask, Asked, Call, Nothing, Paged
from capd.api.cursors import after, page
from capd.api.roles import Right
from capd.api.shapes import ChangedProduct, DeviceRecord, Page, ProductRecord, SectorRecord
from capd.errors import NoSuch
from capd.model import Counts, ProductId
from capd.sales import sales_turn
from capd.strict import did_you_mean

_GUESSED = 2000  # of more it takes seconds


async def products(ask: Ask[Paged, None]) -> Answer:
    """Return a page of products."""
    since = after(ask.query.cursor)
    catalogue = await ask.house.store.people.products()
    found = [network.product_record(product) for name, product in catalogue.items() if name > since]
    return Answer(page(found, ask.query.limit))


class TermsBody(Asked):
    """What of a product becomes something else; the rest stays."""

    price: str | int | float | None = Field(default=None, description='A month: "25.00".')
    cap: str | int | None = Field(default=None, description='A month: "100GB", or "unlimited".')
    down: str | None = Field(default=None, description='A rate such as "30Mbps".')
    up: str | None = Field(default=None, description='A rate such as "5Mbps".')
    counts: Counts | None = Field(default=None, description="What the cap counts.")
    starts: str | None = Field(
        default=None,
        alias="from",
        description="Where it is worse: the day, such as 2027-02-01; else the first that the "
        "notice allows.",
    )


async def change(ask: Ask[Nothing, TermsBody]) -> Answer:
    """Change what is sold; who has it and is worse off is told, and keeps it until their day."""
    body = ask.body.model_dump(by_alias=True, exclude_none=True)
    details = {key: str(value) for key, value in body.items()}
    changes = await sales_turn(ask.house, ask.path["id"], details, author=ask.author, now=ask.now)
    catalogue = await ask.house.store.people.products()
    product = network.product_record(catalogue[ProductId(ask.path["id"])])
    notes = {"changes": list(changes.lines), "notes": list(changes.warnings)}
    return Answer({"product": product, **notes})


async def sectors(ask: Ask[Paged, None]) -> Answer:
    """Return a page of sectors."""
    since = after(ask.query.cursor)
    everything = await ask.house.store.people.sectors()
    found = [network.sector_record(sector) for sector in everything if sector.id > since]
    return Answer(page(found, ask.query.limit))


async def devices(ask: Ask[Paged, None]) -> Answer:
    """Return a page of devices."""
    query = ask.query
    found = await network.devices(ask.house, after=after(query.cursor), limit=query.limit + 1)
    return Answer(page(found, query.limit))


async def device(ask: Ask[Nothing, None]) -> Answer:
    """Return a device."""
    name = ask.path["id"]
    found = await network.device(ask.house, name)
    if found is None:
        known = await ask.house.store.people.devices()
        guess = did_you_mean(name, known) if len(known) <= _GUESSED else ""
        raise NoSuch(f"there is no device {name!r}.{guess}".removesuffix("."))
    return Answer(found)


_SUBJECT = "Network"
CALLS: tuple[AnyCall, ...] = (
    Call(
        method="GET",
        path="/products",
        subject=_SUBJECT,
        right=Right.OFFERS,
        help="List what is sold",
        query=Paged,
        answer=Page[ProductRecord],
        handle=products,
    ),
    Call(
        method="POST",
        path="/products/{id}/terms",
        subject=_SUBJECT,
        right=Right.SERVICE,
        help="Change what a product is, with the notice that is owed",
        more="What is better holds at once. What is worse holds for who has the product from their "
        "first billing month on or after `from`; a day that is too near is refused (CT-6, B-3).",
        query=Nothing,
        body=TermsBody,
        answer=ChangedProduct,
        problems=(HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND),
        handle=change,
    ),
    Call(
        method="GET",
        path="/sectors",
        subject=_SUBJECT,
        right=Right.NETWORK,
        help="List the sectors",
        query=Paged,
        answer=Page[SectorRecord],
        handle=sectors,
    ),
    Call(
        method="GET",
        path="/devices",
        subject=_SUBJECT,
        right=Right.NETWORK,
        help="List the devices",
        more="Where they are, whom they serve, when they were last read; never a credential.",
        query=Paged,
        answer=Page[DeviceRecord],
        handle=devices,
    ),
    Call(
        method="GET",
        path="/devices/{id}",
        subject=_SUBJECT,
        right=Right.NETWORK,
        help="Show a device",
        query=Nothing,
        answer=DeviceRecord,
        handle=device,
    ),
)
