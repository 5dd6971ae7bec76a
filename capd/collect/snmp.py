"""Ask one device for its counters over SNMP, whatever the library (the Engine) that carries it."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from capd.clock import Clock
from capd.collect.decode import Decoded, Refused, varbinds
from capd.collect.decode.varbinds import Plan, Value
from capd.errors import DeviceError, DeviceUnreachable, NonsenseFromDevice
from capd.model import Device, DeviceId, Poll, Reading, SnmpAccess
from capd.profiles import Profile, SnmpCollect


class Engine(Protocol):
    """A library that speaks SNMP; it has its own timeout and retries.

    Strings come as bytes, counters and ticks as int, OIDs as dotted text. All raise
    DeviceUnreachable (silence), DeviceRefused (user, key, level) or NonsenseFromDevice.
    """

    async def get(
        self, access: SnmpAccess, address: str, oids: Sequence[str]
    ) -> Mapping[str, Value]:
        """Return what is there of *oids*, in one request; what is not there is left out."""

    async def walk(
        self, access: SnmpAccess, address: str, column: str, *, bulk: bool, max_repetitions: int
    ) -> Mapping[str, Value]:
        """Return everything under *column*."""

    async def close(self) -> None:
        """Let go of every socket."""


@dataclass(frozen=True, slots=True)
class _Target:
    """A device, and all that is needed to ask it."""

    device: Device
    profile: Profile
    snmp: SnmpCollect
    access: SnmpAccess
    address: str


class Asker:
    """Asks devices for their meters; remembers where each one's interfaces are."""

    def __init__(self, engine: Engine, profiles: Mapping[str, Profile], clock: Clock) -> None:
        self._engine = engine
        self._profiles = profiles
        self._clock = clock
        self._known: dict[DeviceId, tuple[_Target, Plan]] = {}

    async def ask(self, device: Device) -> Poll:
        """Return what *device* says; silence and nonsense are polls with a problem."""
        began = time.monotonic()
        try:
            decoded = await self._read(device)
        except DeviceError as exc:
            return Poll(
                device=device.id,
                protocol="snmp",
                at=self._clock(),
                took_s=time.monotonic() - began,
                problem=str(exc),
                unreachable=isinstance(exc, DeviceUnreachable),
            )
        return Poll(
            device=device.id,
            protocol="snmp",
            at=self._clock(),
            took_s=time.monotonic() - began,
            readings=decoded.readings,
            problem="; ".join(each.text for each in decoded.refused) or None,
            health=decoded.health,
        )

    def forget(self, device: DeviceId) -> None:
        """Drop what is remembered of *device*."""
        self._known.pop(device, None)

    async def _read(self, device: Device) -> Decoded:
        known = self._known.get(device.id)
        if known is None or (known[0].device is not device and known[0].device != device):
            target = self._target(device)
            plan = await self._look(target)
            return await self._take(target, plan)
        target, plan = known
        decoded = await self._take(target, plan)
        if not decoded.doubtful and not plan.missing:
            return decoded
        found = await self._look(target)
        if found == plan:
            return decoded  # nothing has moved: what is down is down
        return await self._take(target, found)

    def _target(self, device: Device) -> _Target:
        profile = self._profiles.get(device.profile)
        if profile is None:
            raise DeviceError(f"profile {device.profile} is not known")
        if profile.snmp is None:
            raise DeviceError(f"profile {profile.name} reads nothing over SNMP")
        if device.snmp is None or device.address is None:
            raise DeviceError("has no address, or no [snmp] access")
        return _Target(device, profile, profile.snmp, device.snmp, device.address)

    async def _look(self, target: _Target) -> Plan:
        """Find the interfaces of the meters by name, in one walk, and remember where they are."""
        index = await self._index(target) if target.device.meters else {}
        plan = varbinds.plan(target.device, target.profile, index)
        self._known[target.device.id] = (target, plan)
        return plan

    async def _index(self, target: _Target) -> varbinds.Index:
        table, snmp = target.snmp.interfaces, target.snmp
        names = await self._engine.walk(
            target.access,
            target.address,
            table.name,
            bulk=snmp.bulk,
            max_repetitions=snmp.max_repetitions,
        )
        if not names:
            raise NonsenseFromDevice(
                f"shows no interfaces under {table.name}: check what its SNMP view, or the SNMPv3 "
                "user, may see"
            )
        wanted = {(meter.if_name or "").encode() for meter in target.device.meters}
        rows = {name: at for name, at in varbinds.index_of(names).items() if name in wanted}
        twins = [row for at in rows.values() if len(at) > 1 for row in at]
        statuses = await self._cells(target, table.oper_status, twins)
        chosen = {n: varbinds.choose(at, table.oper_status, statuses) for n, at in rows.items()}
        types = await self._cells(target, table.type, list(chosen.values()))
        return varbinds.placed(chosen, table.type, types)

    async def _cells(
        self, target: _Target, column: str | None, rows: Sequence[int]
    ) -> dict[str, Value]:
        """Return *column* of *rows*."""
        cells: dict[str, Value] = {}
        if column is not None:
            oids = [f"{column}.{row}" for row in rows]
            for first in range(0, len(oids), target.snmp.max_oids):
                cells |= await self._get(target, oids[first : first + target.snmp.max_oids])
        return cells

    async def _take(self, target: _Target, plan: Plan) -> Decoded:
        """Ask what *plan* says, and read the answers: one GET, unless there are many meters."""
        readings, refused, doubtful = list[Reading](), list[Refused](), False
        of: varbinds.Box | None = None
        for get in plan.gets:
            answer = await self._get(target, get.oids)
            if target.access.version == "1" and len(answer) < len(get.oids):
                self._known[target.device.id] = (target, varbinds.without(plan, get, answer))
            at = self._clock()
            of = of or varbinds.box(plan, answer, at)
            decoded = varbinds.readings(plan, get, answer, at, of)
            readings += decoded.readings
            refused += decoded.refused
            doubtful = doubtful or decoded.doubtful
        return Decoded(
            readings=tuple(readings),
            refused=(*refused, *varbinds.absent(plan)),
            doubtful=doubtful,
            health=of.health if of is not None else {},
        )

    async def _get(self, target: _Target, oids: Sequence[str]) -> Mapping[str, Value]:
        answer = await self._engine.get(target.access, target.address, oids)
        if answer or target.access.version != "1":
            return answer
        # SNMPv1 refuses the whole for one OID that is not there (RFC 1157, noSuchName)
        alone: dict[str, Value] = {}
        for oid in oids:
            alone.update(await self._engine.get(target.access, target.address, [oid]))
        return alone
