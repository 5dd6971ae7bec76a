"""What is sold, and what the network is made of."""

from capd.answers import network
from capd.api.calls import Answer, AnyCall, Ask, Call, Nothing, Paged
from capd.api.cursors import after, page
from capd.api.roles import Right
from capd.api.shapes import DeviceRecord, Page, ProductRecord, SectorRecord
from capd.errors import NoSuch
from capd.strict import did_you_mean

_GUESSED = 2000  # of more it takes seconds


async def products(ask: Ask[Paged, None]) -> Answer:
    """Return a page of products."""
    since = after(ask.query.cursor)
    catalogue = await ask.house.store.people.products()
    found = [network.product_record(product) for name, product in catalogue.items() if name > since]
    return Answer(page(found, ask.query.limit))


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
