"""Who is served with what: subscribers with the service they are owed and what devices give."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from capd.account.report import usage_record
from capd.decide import holds
from capd.decide.case import allowance_with
from capd.decide.explain import balance_record
from capd.decide.judge import judge
from capd.decide.policy import Policy
from capd.errors import CannotBeDone, NoSuch
from capd.house import House
from capd.model import (
    Applied,
    Hold,
    Product,
    ProductId,
    Service,
    Standing,
    Subscriber,
    SubscriberId,
)
from capd.strict import did_you_mean
from capd.units import rfc3339

STATES = ("active", "restricted", "suspended")
_LIMITED = STATES[1:]  # by holds
_AT_A_TIME = 500
_GUESSED = 2000


async def standing_of(house: House, who: str, now: datetime) -> Standing:
    """Return what is known of *who*; NoSuch with a guess where there is nobody."""
    found = await house.store.people.standing_of(
        SubscriberId(who), now, house.zone, house.window_months
    )
    if found is None:
        raise await nobody(house, who)
    return found


async def known(house: House, who: str) -> Subscriber:
    """Return the subscriber *who*; NoSuch with a guess where there is nobody."""
    found = await house.store.people.subscriber(SubscriberId(who))
    if found is None:
        raise await nobody(house, who)
    return found


async def nobody(house: House, who: str) -> CannotBeDone:
    """Return the error that there is no subscriber *who*."""
    some = await house.store.people.ids(limit=_GUESSED + 1)
    guess = did_you_mean(who, some) if len(some) <= _GUESSED else ""  # of many it takes seconds
    problem = f"there is no subscriber {who!r}.{guess}"
    return NoSuch(problem.removesuffix("."))


async def subscribers(
    house: House, now: datetime, *, state: str | None = None, after: str = "", limit: int
) -> list[dict[str, object]]:
    """Return at most *limit* subscribers with ids above *after*, in their order.

    *state* is one of STATES, None for all.
    """
    found: list[dict[str, object]] = []
    held = True if state in _LIMITED else None  # the others need not be looked at
    while len(found) < limit:
        ids = await house.store.people.ids(after=after, limit=_AT_A_TIME, held=held)
        if not ids:
            break
        after = ids[-1]
        found += [
            record for record in await _records(house, ids, now) if state in (None, record["state"])
        ]
    return found[:limit]


async def subscriber(house: House, who: str, now: datetime) -> dict[str, object]:
    """Return one subscriber; NoSuch where there is nobody."""
    await known(house, who)
    (record,) = await _records(house, [SubscriberId(who)], now)
    return record


async def _records(
    house: House, ids: Sequence[SubscriberId], now: datetime
) -> list[dict[str, object]]:
    people = house.store.people
    catalogue = await people.products()
    given: dict[str, list[Applied]] = {}
    for row in await house.store.orders.applied_to(ids):
        given.setdefault(row.subscriber, []).append(row)
    standings = await people.standings(ids, now, house.zone, house.window_months)
    return [
        _record(house, standing, catalogue, given.get(standing.subscriber.id, ()), now)
        for standing in standings
    ]


def _record(
    house: House,
    standing: Standing,
    catalogue: Mapping[ProductId, Product],
    applied: Sequence[Applied],
    now: datetime,
) -> dict[str, object]:
    who, product = standing.subscriber, standing.product
    policy = house.policy_of(standing, now)
    allowance = allowance_with(standing, product, policy)
    usage = usage_record(standing.usage, product.counts, allowance, product.unit)
    usage |= about(standing, usage, policy)
    verdict = judge(standing, catalogue, policy, now, currency=house.currency, zone=house.zone)
    return {
        "id": who.id,
        "name": who.name,
        "email": who.email,
        "product": product.id,
        "sector": who.sector,
        "cycle_day": who.cycle_day,
        **{key: value for key, value in usage.items() if key not in ("kind", "subscriber")},
        "owed": service_record(verdict.owed),
        "applied": [applied_record(row) for row in applied],
    }


def about(standing: Standing, record: dict[str, object], policy: Policy) -> dict[str, object]:
    """Return what stands beside a usage record: what remains, the state, the open holds."""
    allowance, counted = record["allowance_bytes"], record["counted_bytes"]
    remaining = None
    if isinstance(allowance, int) and isinstance(counted, int):
        remaining = max(0, allowance - counted)
    return {
        "remaining_bytes": remaining,
        **balance_record(standing),
        "state": state_of(standing, policy),
        "holds": [hold_record(hold) for hold in standing.holds],
        "policy": policy_record(policy),
    }


def policy_record(policy: Policy) -> dict[str, object]:
    """Return which version of which terms holds, as JSON wants it (CT-6)."""
    return {
        "name": policy.name,
        "version": policy.version,
        "valid_from": policy.valid_from.isoformat(),
    }


def state_of(standing: Standing, policy: Policy) -> str:
    """Return "suspended", "restricted" (a hold limits the rates) or "active"."""
    if holds.blocking(standing.holds, policy):
        return "suspended"
    return "restricted" if holds.limiting(standing.holds, policy) else "active"


def hold_record(hold: Hold) -> dict[str, object]:
    """Return an open hold as JSON wants it."""
    return {
        "reason": hold.reason.value,
        "clause": hold.clause,
        "opened_at": rfc3339(hold.opened_at),
        "until": None if hold.until is None else rfc3339(hold.until),
        "author": hold.author,
        "note": hold.note,
        "text": hold.text,
    }


def service_record(service: Service) -> dict[str, object]:
    """Return a service as JSON wants it."""
    return {
        "product": service.product,
        "suspended": service.suspended,
        "down_bps": service.down_bps,
        "up_bps": service.up_bps,
    }


def applied_record(row: Applied) -> dict[str, object]:
    """Return what a device was last known to give, as JSON wants it."""
    return {
        "device": row.device,
        "state": row.state,
        **service_record(row.service),
        "at": None if row.at is None else rfc3339(row.at),
        "order": row.order,
    }
