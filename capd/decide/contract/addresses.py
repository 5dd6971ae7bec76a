"""CT-9: a static address goes to somebody else when service has been off for some time."""

import ipaddress
from collections.abc import Iterator, Mapping
from datetime import datetime

from capd.decide import holds, matters
from capd.decide.case import Case, needs
from capd.decide.contract.days import after_days
from capd.decide.told import Answer, FactKind, Told
from capd.model import Event, Matter

KIND = "static_address"


def _assigned(told: Told) -> Answer:
    address = told.fact.details["address"]
    if matters.find(told.standing, KIND, address) is not None:
        return ()
    clause = told.policy.contract.ending.addresses
    text = (
        f"The static address {address} is assigned; it may go to somebody else when service is "
        f"off for long ({clause})."
    )
    return (told.event("address_assigned", text, clause, matters.change(KIND, address)),)


@needs(KIND)
def released(case: Case) -> tuple[Event, ...]:
    """Let go of the addresses of who has been off for the time that the policy sets."""
    clause = case.policy.contract.ending.addresses
    return tuple(
        case.event(
            "address_released",
            f"The static address {matter.key} may be given to somebody else; coming back does not "
            f"bring it back ({clause}).",
            clause,
            {**matters.change(KIND, matter.key, is_open=False), "address": matter.key},
            at=at,
        )
        for matter, at in _releases(case)
        if case.now >= at
    )


def moments(case: Case) -> Iterator[datetime]:
    """Yield when addresses would be let go of, if nothing changes."""
    for _, at in _releases(case):
        yield at


def _releases(case: Case) -> Iterator[tuple[Matter, datetime]]:
    blocking = holds.blocking(case.standing.holds, case.policy)
    days = case.policy.contract.ending.address_days
    for matter in matters.of_kind(case.standing, KIND) if blocking else ():
        since = max(blocking[0].opened_at, matter.opened_at)
        yield matter, after_days(since, days, case.zone)


def _ip(key: str, value: str) -> list[str]:
    try:
        ipaddress.ip_network(value)
    except ValueError:
        return [f"{key}: wants an IPv4 or IPv6 address, or a network of them, not {value!r}"]
    return []


FACTS: Mapping[str, FactKind] = {
    "static_address": FactKind(
        help="assigns a static address, which is let go of when service is off for long (CT-9)",
        required=("address",),
        shapes={"address": _ip},
        accept=_assigned,
    ),
}
