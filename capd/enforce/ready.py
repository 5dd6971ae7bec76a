"""Whether a device would take a suspension: its settings, its login, what was configured once."""

from collections.abc import Mapping
from datetime import datetime

from capd.enforce import Pusher
from capd.enforce.render import script
from capd.errors import CannotBeDone
from capd.model import Device, Order, ProductId, Service
from capd.network import enforces
from capd.profiles import Profile

_OFF = Service(product=ProductId("capd"), suspended=True)


async def lacks(
    pusher: Pusher, device: Device, profiles: Mapping[str, Profile], now: datetime
) -> list[str] | None:
    """Return what stands in the way of a suspension on *device*; [] if nothing does.

    It is only looked at, in one session. None: nothing is typed into this family, or nobody's.
    """
    if not enforces(device, profiles) or not device.meters:
        return None
    problems: list[str] = []
    orders: dict[object, Order] = {}  # by what they require
    for number, meter in enumerate(device.meters, 1):
        order = Order(
            id=number, device=device.id, subscriber=meter.subscriber, meter=meter.id,
            before=_OFF, after=_OFF, reason="", clause=None, created_at=now,
        )  # fmt: skip
        try:
            orders.setdefault(script(order, device, profiles[device.profile]).requires, order)
        except CannotBeDone as exc:
            problems.append(str(exc))
    if orders:
        looks = await pusher.look(device, list(orders.values()))
        problems += [look.lacks for look in looks if look.lacks]
        problems += [f"{device.id}: {look.words}" for look in looks if look.as_owed is None]
    return list(dict.fromkeys(problems))
