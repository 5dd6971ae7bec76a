"""The devices as they are used: credentials opened, and who is polled, heard or configured."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

from capd.errors import ConfigError
from capd.inventory.credentials import resolve
from capd.model import Device, DeviceId, Secret, SnmpAccess, SshAccess
from capd.profiles import Profile

_Open = Callable[[Secret | None, str], Secret | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """All devices with their credentials, and the way in which each is metered."""

    devices: Mapping[DeviceId, Device] = field(default_factory=dict)
    polled: tuple[Device, ...] = ()
    heard: tuple[Device, ...] = ()
    problems: tuple[str, ...] = ()  # one line a device that cannot be used as it is


def network(devices: Iterable[Device], profiles: Mapping[str, Profile], *, broker: bool) -> Network:
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
            continue
        if is_heard(device, profile, broker=broker):
            heard.append(device)
        elif profile.snmp is not None and device.snmp is not None and device.address:
            polled.append(device)
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
