"""Whether devices would take a suspension: logged in, and looked at, as the pusher would."""

import asyncio
from collections.abc import Iterable, Mapping

from capd.clock import utc_now
from capd.config import Config
from capd.enforce.ready import lacks
from capd.enforce.ssh import NetmikoPusher
from capd.model import Device, DeviceId
from capd.parts import HOST_KEY
from capd.profiles import Profile
from capd.store import Store


async def lacking(
    settings: Config, store: Store, devices: Iterable[Device], profiles: Mapping[str, Profile]
) -> dict[DeviceId, list[str]]:
    """Return what stands in the way on each of *devices* that can be configured; often nothing.

    Their credentials are open. A host key that is seen first is not remembered by that.
    """
    found: dict[DeviceId, list[str]] = {}

    async def one(device: Device) -> None:
        said = await lacks(pusher, device, profiles, utc_now())
        if said is not None:
            found[device.id] = said

    async def forgotten(_: DeviceId, __: str) -> None:
        """Leave it to the first push."""

    pusher = NetmikoPusher(
        profiles,
        settings.enforce,
        utc_now,
        recall=lambda device: store.people.recall(HOST_KEY + device),
        remember=forgotten,
    )
    try:
        async with asyncio.TaskGroup() as group:
            for device in devices:
                group.create_task(one(device), name=f"log in to {device.id}")
    finally:
        pusher.close()
    return dict(sorted(found.items()))
