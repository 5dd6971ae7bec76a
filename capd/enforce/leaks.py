"""Pure: who is suspended, proven so by the device, and passes traffic all the same."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from capd.model import Applied, DeviceId, SubscriberId


def leaking(
    applied: Iterable[Applied],
    bytes_since: Mapping[SubscriberId, int],
    allowance_per_hour: Mapping[DeviceId, int],
    now: datetime,
) -> frozenset[SubscriberId]:
    """Return who passes more than DNS and the portal explain, though a device proved them off.

    *bytes_since* is what each one's meters counted since the proof, of the last hour at most; what
    a device's walled garden may take in an hour is its profile's `leak_bytes_per_hour`. A device
    without an allowance, and a proof that is not of the past, are not looked at.
    """
    return frozenset(
        each.subscriber
        for each in applied
        if each.state in ("applied", "drifted")
        and each.service.suspended
        and each.at is not None
        and each.at < now
        and each.device in allowance_per_hour
        and bytes_since.get(each.subscriber, 0) > allowance_per_hour[each.device]
    )
