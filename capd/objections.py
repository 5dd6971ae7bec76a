"""What stands against a fact beyond what is known of its own subscriber."""

from capd.inventory import values
from capd.model import Fact
from capd.store.desk import Desk
from capd.store.inventory_rows import Radio


async def objection(desk: Desk, fact: Fact, *, radios: str) -> str | None:
    """Return why *fact* is refused; None: nothing is known against it.

    *radios* is the clause by which only the operator's own may be used (CT-11).
    """
    if fact.fact == "activated":
        return await _unsupplied(desk, fact, radios)
    if fact.fact == "move" and fact.subscriber is not None and fact.details.get("agreed") != "yes":
        return "; ".join(await desk.taken(fact.subscriber, fact.details.get("address", ""))) or None
    return None


async def _unsupplied(desk: Desk, fact: Fact, clause: str) -> str | None:
    """Return why the radio that is told cannot be activated: nobody supplied it (CT-11)."""
    device, serial = fact.details.get("device"), fact.details.get("serial")
    mac = fact.details.get("mac")
    try:
        mac = values.mac(mac) if mac else None
    except ValueError as exc:
        return f"mac: {exc}"
    known = await desk.radios()
    only = f"only radios that the operator supplied may be used ({clause})"
    if device and all(one.id != device for one in known):
        return f"there is no device {device!r} in the inventory: {only}"
    for key, told in (("serial", serial), ("mac", mac)):
        if told and not _fits(known, device, key, told):
            return f"{key} {told}: {_whose(known, device, key, told)}; {only}"
    return None


def _fits(known: list[Radio], device: str | None, key: str, told: str) -> bool:
    """Say whether a radio has it; one that is named, and of which it is not known, may."""
    mine = [one for one in known if not device or one.id == device]
    with_it = [one for one in known if getattr(one, key) == told]
    if device and not with_it:
        return any(getattr(one, key) is None for one in mine)
    return any(one in mine for one in with_it)


def _whose(known: list[Radio], device: str | None, key: str, told: str) -> str:
    other = next((one.id for one in known if getattr(one, key) == told), None)
    if other is None:
        return "no device of the inventory has it"
    return f"that is {other}, not {device}"
