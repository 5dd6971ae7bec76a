"""What is looked at before anything is changed, as steps: pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from capd.activate.steps import done, noted, refused
from capd.model import Activation, ActivationStep, Device, Meter, StepState, Subscriber


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What the radio said when it was asked."""

    profile: str | None = None
    serial: str | None = None
    mac: str | None = None
    firmware: str | None = None
    health: Mapping[str, float | str] = field(default_factory=dict)


def meter_of(device: Device, subscriber: Subscriber) -> Meter | None:
    """Return the meter of *device* that counts what *subscriber* uses."""
    return next((m for m in device.meters if m.subscriber == subscriber.id), None)


def supplied(
    press: Activation, device: Device | None, subscriber: Subscriber | None
) -> tuple[ActivationStep, ...]:
    """Say whether the operator supplied that radio, and to this subscriber (CT-11)."""
    if subscriber is None:
        return (refused("subscriber", f"there is no subscriber {press.subscriber!r}"),)
    if device is None:
        text = f"there is no device {press.device!r} in the inventory: radios are supplied (CT-11)"
        return (refused("supplied", text, "import it, with a meter of the subscriber"),)
    if meter_of(device, subscriber) is None:
        text = f"{device.id} meters nothing of {subscriber.id}"
        return (refused("supplied", text, "import the device with a meter of the subscriber"),)
    for what, pressed, known in (
        ("serial", press.serial, device.serial),
        ("mac", press.mac, device.mac),
    ):
        if pressed is not None and known is not None and not _same(pressed, known):
            text = f"its {what} is {pressed}, and {device.id} was supplied with {known} (CT-11)"
            return (refused("supplied", text, "take the right radio, or import what it is"),)
    return (done("supplied", f"{device.id} was supplied to {subscriber.id}"),)


def recognised(device: Device, seen: Seen) -> ActivationStep:
    """Say whether it is of the family that the inventory says."""
    if seen.profile is None:
        text = f"{device.id} answers, and no profile knows what it is"
        return noted("recognised", text, "capd device probe shows what it says")
    if seen.profile != device.profile:
        text = f"{device.id} is {seen.profile}, the inventory says {device.profile}"
        return refused("recognised", text, "import the device with the right profile")
    return done("recognised", f"{device.id} is {seen.profile}")


def identity(press: Activation, device: Device, seen: Seen) -> ActivationStep:
    """Say whether it is that very radio, by what it says of itself (CT-11)."""
    for what, said, known in (
        ("serial", seen.serial, press.serial or device.serial),
        ("MAC", seen.mac, press.mac or device.mac),
    ):
        if said is not None and known is not None and not _same(said, known):
            text = f"at its address answers a radio with {what} {said}, not {known} (CT-11)"
            return refused("identity", text, "check the address, or import what was supplied")
    told = seen.serial or seen.mac
    if told is None:
        return noted("identity", f"{device.id} tells neither serial nor MAC")
    return done("identity", f"it is {told}")


def firmware(seen: Seen, behind: str | None) -> ActivationStep:
    """Say whether its software is allowed; *behind* is the version that it lacks (CT-16)."""
    if seen.firmware is None:
        return noted("firmware", "it does not tell its firmware")
    if behind is not None:
        text = f"its firmware {seen.firmware} is behind {behind} (CT-16)"
        return refused("firmware", text, f"upgrade it to {behind} or newer")
    return done("firmware", f"firmware {seen.firmware}")


def signal(seen: Seen, floor_dbm: float | None) -> ActivationStep:
    """Say whether its signal carries the product; the floor is the operator's."""
    measured = seen.health.get("signal_dbm")
    if not isinstance(measured, int | float):
        return noted("signal", "it tells no signal")
    text = f"signal {measured:g} dBm"
    if floor_dbm is None or measured >= floor_dbm:
        return done("signal", text)
    short = f"{text}, {floor_dbm - measured:g} dB under the floor of {floor_dbm:g} dBm"
    return refused("signal", short, "align it: capd signal shows it every second")


def sector(
    subscriber: Subscriber, access_points: tuple[str, ...], *, heard: bool | None
) -> ActivationStep:
    """Say whether an access point of the subscriber's sector hears it; None: none told."""
    where = subscriber.sector
    if where is None or not access_points:
        return noted("sector", "it is not known which access points should hear it")
    named = ", ".join(access_points)
    if heard is None:
        return noted("sector", f"{named} of {where} did not tell whom they hear")
    if not heard:
        text = f"{named} of {where} do not hear it"
        return refused("sector", text, "turn it to its sector, or import the new one")
    return done("sector", f"{where} hears it")


def stops(steps: tuple[ActivationStep, ...]) -> bool:
    """Say whether anything must be put right before the radio is touched."""
    return any(step.state in (StepState.REFUSED, StepState.FAILED) for step in steps)


def _same(one: str, other: str) -> bool:
    plain = [text.lower().translate({ord(c): None for c in ":-. "}) for text in (one, other)]
    return plain[0] == plain[1]
