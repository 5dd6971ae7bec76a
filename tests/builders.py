"""Values for tests: a test says only what matters, the builder fills in the rest."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from capd.account.counters import step
from capd.account.usage import parts
from capd.model import (
    Applied,
    Breach,
    Device,
    Event,
    Fact,
    Hold,
    Inventory,
    Kind,
    Meter,
    Order,
    Period,
    Posting,
    Product,
    Reading,
    Reason,
    Secret,
    Service,
    SnmpAccess,
    SshAccess,
    Standing,
    Subscriber,
    Usage,
    Verdict,
)
from capd.quick import Late

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
PREPAID = a_product("prepaid", None, price=None, kind=Kind.PREPAID)
CATALOGUE = {product.id: product for product in (HOME_100, HOME_300, HOME_900, ENDLESS, PREPAID)}


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
        why=Late(lambda: ("Because.", "UC-2")),
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


def a_reading(down=0, up=0, *, at=NOON, device="cpe-1", meter="wan", **more):
    """Return a reading of raw counters; *at* may be seconds after NOON."""
    if isinstance(at, int | float):
        at = NOON + timedelta(seconds=at)
    return Reading(device=device, meter=meter, at=at, down_bytes=down, up_bytes=up, **more)


def a_meter(meter="wan", subscriber="S-1", **more):
    return Meter(**{"id": meter, "subscriber": subscriber, "if_name": "wan0", **more})


def a_device(device="cpe-1", **more):
    """Return a Linux router at 10.9.0.2 with one meter, S-1's."""
    given = {
        "id": device,
        "profile": "linux_router",
        "address": "10.9.0.2",
        "snmp": SnmpAccess(community=Secret("public")),
        "ssh": SshAccess(username="capd", password=Secret("env:CPE_PASSWORD")),
        "settings": {"wan": "wan0", "lan": "lan0"},
        "meters": (a_meter(),),
    }
    return Device(**{**given, **more})


def an_inventory(*, products=(HOME_100, HOME_300, HOME_900), sectors=(), **more):
    """Return S-1 on Home 100 behind cpe-1, unless told otherwise."""
    given = {"subscribers": (a_subscriber(),), "devices": (a_device(),)}
    return Inventory(**{"products": products, "sectors": sectors, **given, **more})


def an_event(kind=None, *, at=NOON, subscriber="S-1", text="It became different.", **more):
    """Return an event; what is not one of its own fields is one of its figures."""
    kind = kind or ("notice" if "notice" in more else "noted")
    own = {key: more.pop(key) for key in ("clause", "device", "author") if key in more}
    return Event(at=at, kind=kind, text=text, subscriber=subscriber, figures=more, **own)


def postings(readings, state=None, *, subscriber="S-1", cycle_day=1, counts=True, zone=LONDON):
    """Return one meter's *readings*, stepped one after the other from *state*, for the ledger."""
    done = []
    for reading in readings:
        result = step(state, reading)
        shares = ()
        if result.entry is not None:
            shares = parts(result.entry, subscriber, cycle_day, zone, counts=counts)
        done.append(Posting(before=state, step=result, reading=reading, parts=shares))
        state = result.state
    return done
