"""The devices as they are used: credentials opened, and who is polled, heard or configured."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

from capd.errors import ConfigError
from capd.inventory.credentials import resolve
from capd.model import Device, DeviceId, Secret, SnmpAccess, SshAccess
from capd.polled import SnmpCollect
from capd.profiles import Profile

_INTERVAL_S = 300.0
_Open = Callable[[Secret | None, str], Secret | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """All devices with their credentials, and the way in which each is metered."""

    devices: Mapping[DeviceId, Device] = field(default_factory=dict)
    polled: tuple[Device, ...] = ()
    heard: tuple[Device, ...] = ()
    problems: tuple[str, ...] = ()  # one line a device that cannot be used as it is


def network(
    devices: Iterable[Device],
    profiles: Mapping[str, Profile],
    *,
    broker: bool,
    interval_s: float = _INTERVAL_S,
) -> Network:
    """Return *devices* sorted by how they are metered; what is wrong with one spares the others.

    A device that publishes is heard where there is a *broker*, else polled: never both, since two
    ways of reading one counter would disagree about its age.
    """
    opened: dict[DeviceId, Device] = {}
    polled, heard, problems = [], [], []
    for written in devices:
        profile = profiles.get(written.profile)
        if profile is None:
            problems.append(f"{written.id}: there is no device profile {written.profile!r}")
            continue
        try:
            device = unlocked(written)
        except ConfigError as exc:
            problems += [f"{written.id}: {problem}" for problem in exc.problems]
            continue
        opened[device.id] = device
        if not device.meters:
            if _is_watched(device, profile):
                polled.append(device)
            continue
        if is_heard(device, profile, broker=broker):
            heard.append(device)
        elif profile.snmp is not None and device.snmp is not None and device.address:
            polled.append(_often(device, profile.snmp, interval_s))
        else:
            problems.append(
                f"{device.id}: its meters are neither polled nor heard: {_lacks(device)}"
            )
    return Network(
        devices=opened, polled=tuple(polled), heard=tuple(heard), problems=tuple(problems)
    )


def is_heard(device: Device, profile: Profile, *, broker: bool) -> bool:
    """Say whether *device* is metered by what it publishes."""
    possible = broker and profile.mqtt is not None and device.mqtt_name is not None
    return possible and device.collect != "snmp"


def _is_watched(device: Device, profile: Profile) -> bool:
    """Say whether a device without meters is asked how it is, and who is connected to it."""
    return profile.snmp is not None and device.snmp is not None and device.address is not None


def _often(device: Device, snmp: SnmpCollect, interval_s: float) -> Device:
    """Return *device*, polled often enough for counters that wrap soon."""
    tables = [snmp.tables.get(meter.table or "") for meter in device.meters]
    most = [snmp.interval_s, *(table.interval_s for table in tables if table is not None)]
    wanted = min((each for each in most if each is not None), default=None)
    if wanted is None or wanted >= (device.interval_s or interval_s):
        return device
    return replace(device, interval_s=wanted)


def enforces(device: Device, profiles: Mapping[str, Profile]) -> bool:
    """Say whether capd can configure *device*: its profile knows how, and there is a login."""
    profile = profiles.get(device.profile)
    can = profile is not None and profile.enforce is not None
    return can and device.ssh is not None and device.address is not None


def _lacks(device: Device) -> str:
    if device.mqtt_name is not None:
        return "it publishes, and [collect.mqtt] names no broker"
    if device.address is None:
        return "it has no address"
    return "it has no snmp access"


def unlocked(device: Device) -> Device:
    """Return *device* with its credentials read from where they are kept.

    Raises ConfigError with a line for each that cannot be read; none is ever shown.
    """
    problems: list[str] = []

    def opened(secret: Secret | None, what: str) -> Secret | None:
        if secret is None:
            return None
        try:
            return resolve(secret)
        except ConfigError as exc:
            problems.extend(f"{what}: {problem}" for problem in exc.problems)
            return None

    snmp, ssh = _snmp(device.snmp, opened), _ssh(device.ssh, opened)
    if problems:
        raise ConfigError(*problems)
    return replace(device, snmp=snmp, ssh=ssh)


def _snmp(access: SnmpAccess | None, opened: _Open) -> SnmpAccess | None:
    if access is None:
        return None
    return replace(
        access,
        community=opened(access.community, "snmp.community"),
        auth_key=opened(access.auth_key, "snmp.auth_key"),
        priv_key=opened(access.priv_key, "snmp.priv_key"),
    )


def _ssh(access: SshAccess | None, opened: _Open) -> SshAccess | None:
    if access is None:
        return None
    return replace(access, password=opened(access.password, "ssh.password"))
