"""Values for tests: a test says only what matters, the builder fills in the rest."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from capd.model import (
    Applied,
    Breach,
    Fact,
    Hold,
    Order,
    Period,
    Product,
    Reason,
    Service,
    Standing,
    Subscriber,
    Usage,
    Verdict,
)

GB = 1_000_000_000
LONDON = ZoneInfo("Europe/London")
MARCH = Period(
    name="2026-03",
    start=datetime(2026, 3, 1, tzinfo=UTC),
    end=datetime(2026, 3, 31, 23, tzinfo=UTC),  # summer time began on the 29th
)
APRIL = Period(
    name="2026-04",
    start=datetime(2026, 3, 31, 23, tzinfo=UTC),
    end=datetime(2026, 4, 30, 23, tzinfo=UTC),
)
NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)


def a_product(product="home-100", cap_gb=100, **more):
    cap = None if cap_gb is None else int(cap_gb * GB)
    name = product.replace("-", " ").capitalize()
    return Product(
        **{"id": product, "name": name, "cap_bytes": cap, "price": Decimal("25.00"), **more}
    )


HOME_100 = a_product("home-100", 100, upgrade_to="home-300", down_bps=30_000_000, up_bps=5_000_000)
HOME_300 = a_product(
    "home-300", 300, upgrade_to="home-900", price=Decimal("35.00"), down_bps=60_000_000
)
HOME_900 = a_product("home-900", 900, price=Decimal("55.00"), down_bps=90_000_000)
ENDLESS = a_product("endless", None, price=Decimal("75.00"), family="business")
CATALOGUE = {product.id: product for product in (HOME_100, HOME_300, HOME_900, ENDLESS)}


def a_subscriber(subscriber="S-1", **more):
    return Subscriber(**{"id": subscriber, "name": "A. Customer", "product": "home-100", **more})


def a_usage(used=0, *, up=0, period=MARCH, subscriber="S-1"):
    return Usage(subscriber=subscriber, period=period, down_bytes=used, up_bytes=up)


def a_standing(used=0, *, product=HOME_100, period=MARCH, **more):
    """Return what is known of somebody who used that many bytes of March."""
    return Standing(
        subscriber=a_subscriber(product=product.id),
        product=product,
        period=period,
        usage=a_usage(used, period=period),
        **more,
    )


def using(standing, used):
    return replace(standing, usage=replace(standing.usage, down_bytes=used))


def a_hold(reason=Reason.NON_PAYMENT, **more):
    given = {
        "subscriber": "S-1",
        "reason": reason,
        "opened_at": NOON,
        "clause": "CT-4",
        "text": "Service is suspended.",
        "author": "billing",
    }
    return Hold(**{**given, **more})


def a_breach(period="2026-01", at=datetime(2026, 1, 20, tzinfo=UTC), allowance=100 * GB):
    return Breach(period=period, at=at, counted_bytes=allowance + 1, allowance_bytes=allowance)


def a_fact(fact="topup", *, at=NOON, subscriber="S-1", author="desk", **details):
    return Fact(at=at, fact=fact, subscriber=subscriber, details=details, author=author)


def a_service(*, suspended=False, product="home-100", down_bps=30_000_000, up_bps=5_000_000):
    return Service(product=product, suspended=suspended, down_bps=down_bps, up_bps=up_bps)


def a_verdict(*, subscriber="S-1", **service):
    return Verdict(
        subscriber=subscriber,
        owed=a_service(**service),
        reason="Because.",
        clause="UC-2",
        allowance_bytes=100 * GB,
        counted_bytes=0,
    )


def an_applied(*, subscriber="S-1", device="cpe-1", state="assumed", **service):
    return Applied(
        device=device, subscriber=subscriber, meter="wan", service=a_service(**service), state=state
    )


def an_order(*, number=1, subscriber="S-1", device="cpe-1", before=None, after=None, **more):
    return Order(
        id=number,
        device=device,
        subscriber=subscriber,
        meter="wan",
        before=before or a_service(),
        after=after or a_service(suspended=True),
        reason="Because.",
        clause="UC-2",
        created_at=NOON,
        **more,
    )
