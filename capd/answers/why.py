"""Why a subscriber has what they have: for `capd explain` and the API."""

from datetime import datetime

from capd.account.report import seconds
from capd.answers.notices import undelivered
from capd.answers.proof import leaks_of
from capd.answers.subscribers import policy_record, standing_of, state_of
from capd.decide.explain import explain as explained
from capd.decide.judge import judge
from capd.decide.standing import apply
from capd.house import House
from capd.model import Standing
from capd.units import rfc3339


async def explain(house: House, who: str, now: datetime) -> dict[str, object]:
    """Return what is owed and applied, why, the figures behind it, and what would change it.

    Raises NoSuch where there is nobody.
    """
    standing = await standing_of(house, who, now)
    catalogue = await house.store.people.products()
    policy = house.policy_of(standing, now)
    verdict = judge(standing, catalogue, policy, now, currency=house.currency, zone=house.zone)
    after = apply(standing, verdict.events, catalogue)
    applied = await house.store.orders.applied(standing.subscriber.id)
    record = explained(after, verdict, applied, catalogue, policy, zone=house.zone)
    record["state"] = state_of(after, policy)
    record["policy"] = policy_record(policy)
    figures = record["figures"]
    if isinstance(figures, dict):
        figures["unknown_s"] = seconds(after.usage.unknown_us)
    leaks = await leaks_of(house.store)
    record["leaking_since"] = leaks.since.get(standing.subscriber.id)
    record["readings"] = await _readings(house, standing)
    record["undelivered"] = await undelivered(house, who)
    return record


async def _readings(house: House, standing: Standing) -> list[dict[str, object]]:
    """Return the last reading of each of the subscriber's meters: the figures' evidence."""
    homes = await house.store.people.meter_homes()
    mine = [key for key, home in homes.items() if home.subscriber == standing.subscriber.id]
    states = await house.store.ledger.states(mine)
    return [
        {
            "device": key.device,
            "meter": key.meter,
            "role": homes[key].role.value,
            "at": rfc3339(found.last.at),
            "down_bytes": found.last.down_bytes,
            "up_bytes": found.last.up_bytes,
        }
        for key, found in sorted(states.items())
    ]
