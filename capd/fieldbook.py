"""What devices say of themselves beside their counters is kept: health, firmware, who is connected.

Polls only leave it here; it is written down together now and then, so that no poll waits for it.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime

from capd.clock import Clock
from capd.house import House
from capd.model import Device, DeviceId, Event, Poll
from capd.polled import mac_octets
from capd.profiles import Profile, firmware_behind
from capd.store.fieldbook import Health, Whose


class Fieldbook:
    """Gathers what polls say of devices, and writes it down at each turn."""

    def __init__(
        self,
        house: House,
        clock: Clock,
        devices: Callable[[], Mapping[DeviceId, Device]],
        profiles: Mapping[str, Profile],
        minimums: Callable[[], Mapping[str, str]],
    ) -> None:
        """Judge firmware by *minimums*, by profile (CT-16), else by what the profile says."""
        self._house = house
        self._clock = clock
        self._devices = devices
        self._profiles = profiles
        self._minimums = minimums
        self._heard: dict[DeviceId, Poll] = {}
        self._behind: dict[DeviceId, bool] = {}

    def hear(self, poll: Poll) -> None:
        """Keep what *poll* says besides its readings until the next turn."""
        if not poll.health and poll.radios is None:
            return
        before = self._heard.get(poll.device)
        if before is not None and poll.radios is None:
            poll = replace(poll, radios=before.radios, meter_health=before.meter_health)
        self._heard[poll.device] = replace(poll, readings=())

    async def turn(self) -> None:
        """Write down what was heard; tell of each radio that nobody supplied, once (CT-11)."""
        heard, self._heard = self._heard, {}
        if not heard:
            return
        try:
            health = self._health(heard)
            await self._exchanged(health)
            await self._house.store.fieldbook.record(health)
            await self._strangers(heard)
        except BaseException:
            self._heard = heard | self._heard
            raise
        self._house.metrics.field.firmware_behind.set(sum(self._behind.values()))

    def _health(self, heard: Mapping[DeviceId, Poll]) -> dict[Whose, Health]:
        found: dict[Whose, Health] = {}
        for device, poll in heard.items():
            figures = dict(poll.health)
            minimum = self._minimum(device, figures.get("firmware"))
            self._behind[device] = minimum is not None
            if minimum is not None:
                figures["firmware_minimum"] = minimum
            if figures:
                found[Whose(device)] = Health(at=poll.at, figures=figures)
            for meter, each in poll.meter_health.items():
                found[Whose(device, meter)] = Health(at=poll.at, figures=each)
        return found

    def _minimum(self, device: DeviceId, firmware: float | str | None) -> str | None:
        """Return the version that *device* should have at least, where it is behind it (CT-16)."""
        known = self._devices().get(device)
        profile = None if known is None else self._profiles.get(known.profile)
        if profile is None or not isinstance(firmware, str):
            return None
        return firmware_behind(profile, firmware, self._minimums().get(profile.name))

    async def _exchanged(self, health: Mapping[Whose, Health]) -> None:
        """Tell of each device that shows another serial than the inventory has, once (CT-11)."""
        other: dict[Whose, str] = {}
        for whose, each in health.items():
            device, shown = self._devices().get(whose.device), each.figures.get("serial")
            if device is None or whose.meter or not device.serial or not shown:
                continue
            if str(shown).casefold() != device.serial.casefold():
                other[whose] = str(shown)
        if not other:
            return
        store = self._house.store
        known = await store.fieldbook.latest(whose.device for whose in other)
        events = [
            _exchange(self._devices()[whose.device], shown, health[whose].at)
            for whose, shown in other.items()
            if whose not in known or known[whose].figures.get("serial") != shown
        ]
        if events:
            async with store.judging() as desk:
                await desk.record(events)

    async def _strangers(self, heard: Mapping[DeviceId, Poll]) -> None:
        listening = {device: poll for device, poll in heard.items() if poll.radios is not None}
        if not listening:
            return
        store = self._house.store
        known = frozenset(self._supplied()) | await store.fieldbook.own_macs()
        for device, poll in listening.items():
            strangers = [radio for radio in poll.radios or () if radio.mac not in known]
            await store.fieldbook.heard(device, strangers, known, self._clock())
        strangers_now = await store.fieldbook.how_many_strangers()
        self._house.metrics.field.unknown_radios.set(strangers_now)

    def _supplied(self) -> set[str]:
        """Return the MACs that the operator knows: of devices, and of rows that are metered."""
        written = [
            text
            for device in self._devices().values()
            for text in (device.mac, *(meter.row for meter in device.meters))
        ]
        octets = (mac_octets(text) for text in written if text)
        return {mac.hex(":") for mac in octets if mac is not None}


def _exchange(device: Device, shown: str, at: datetime) -> Event:
    return Event(
        at=at,
        kind="other_serial",
        text=(
            f"The device {device.id} shows the serial {shown}; the inventory has {device.serial}. "
            "Was the box exchanged, or is it not ours? Nothing is activated (CT-11)."
        ),
        clause="CT-11",
        device=device.id,
        figures={"serial": shown, "inventory": device.serial},
    )
