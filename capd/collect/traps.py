"""Hear what devices tell unasked: SNMP traps and informs (v1, v2c, v3; RFC 3416, RFC 3418).

They prove nothing: one over UDP can be forged, and may never come. So a trap only makes capd look:
the device is polled at once, and its counters tell whether it restarted (CN-4).
"""

import asyncio
import socket
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from pyasn1.codec.ber import decoder
from pyasn1.error import PyAsn1Error
from pyasn1.type import univ
from pysnmp.carrier.asyncio.dgram import udp, udp6
from pysnmp.entity import config
from pysnmp.entity.engine import SnmpEngine
from pysnmp.entity.rfc3413 import ntfrcv
from pysnmp.proto.mpmod.rfc3412 import SNMPv3Message
from pysnmp.proto.rfc1902 import OctetString
from pysnmp.proto.secmod.rfc3414.service import UsmSecurityParameters

from capd.collect.snmp_pysnmp import CalmDispatcher, keys_of
from capd.errors import CapdError
from capd.model import Device, DeviceId, Secret, SnmpAccess

_TRAP_OID = "1.3.6.1.6.3.1.1.4.1.0"
_NAMES = ("1.3.6.1.2.1.31.1.1.1.1.", "1.3.6.1.2.1.2.2.1.2.")  # ifName, ifDescr
_INDEX = "1.3.6.1.2.1.2.2.1.1."
_KINDS: Mapping[str, str] = {
    "1.3.6.1.6.3.1.1.5.1": "cold_start",
    "1.3.6.1.6.3.1.1.5.2": "warm_start",
    "1.3.6.1.6.3.1.1.5.3": "link_down",
    "1.3.6.1.6.3.1.1.5.4": "link_up",
    "1.3.6.1.6.3.1.1.5.5": "authentication_failure",
}
OTHER = "other"
KINDS = (*_KINDS.values(), OTHER)
_LARGEST = 8192
_V3 = 3
_MOST_ENGINES = 4  # of one device: a box that was replaced has another
_AT_ONCE, _EVERY_S = 30, 1.0  # of one device: more than that says no more, and costs as much


@dataclass(frozen=True, slots=True, kw_only=True)
class Trap:
    """What a device told unasked."""

    device: DeviceId
    kind: str  # one of KINDS
    what: str = ""  # the interface of a link; the OID of another kind


Hear = Callable[[Trap], None]
Reject = Callable[[str], None]
"""Count a datagram that was not taken; why, in a word."""


class TrapReceiver:
    """Listens for the notifications of the devices that it was told of, and of nobody else."""

    def __init__(self, listen: tuple[str | None, int], hear: Hear, reject: Reject) -> None:
        self._listen = listen
        self._hear, self._reject = hear, reject
        self._devices: dict[str, Device] = {}
        self._engine: Any = None
        self._learnt: dict[tuple[str, str], set[bytes]] = {}  # of a user at an address
        self._communities: set[str] = set()
        self._spent: dict[DeviceId, float] = {}  # until when a device has used up its share
        self.port = 0

    def replace(self, devices: Iterable[Device]) -> None:
        """Hear *devices* from now on, each by its address, with the credentials it is read with."""
        self._devices = {str(d.address): d for d in devices if d.address and d.snmp}
        self._spent.clear()
        if self._engine is not None:
            self._let_in()

    async def start(self) -> None:
        """Listen. Raises CapdError where that is not possible."""
        host, port = self._listen[0] or "0.0.0.0", self._listen[1]  # noqa: S104 - as it is written
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        door = socket.socket(family, socket.SOCK_DGRAM)
        door.setblocking(False)  # noqa: FBT003 - its own word
        try:
            door.bind((host, port))
        except OSError as exc:
            door.close()
            raise CapdError(
                f"collect.traps: cannot listen on {host}:{port} ({exc.strerror}): the port may be "
                "in use, or below 1024 and not this user's"
            ) from exc
        self.port = door.getsockname()[1]
        base = udp6.Udp6AsyncioTransport if family == socket.AF_INET6 else udp.UdpAsyncioTransport
        domain = udp6.DOMAIN_NAME if family == socket.AF_INET6 else udp.DOMAIN_NAME
        self._engine = SnmpEngine()
        self._engine.register_transport_dispatcher(
            CalmDispatcher(unreadable=lambda: self._reject("unreadable"))
        )
        transport = _door(base, self._let_pass)().open_server_mode(sock=door)
        config.add_transport(self._engine, domain, transport)
        await transport._lport  # noqa: SLF001 - it says by nothing else that it listens
        self._let_in()
        ntfrcv.NotificationReceiver(self._engine, self._heard)
        self._engine.transport_dispatcher.job_started(1)

    async def stop(self) -> None:
        """Close the socket."""
        engine, self._engine = self._engine, None
        if engine is not None:
            engine.transport_dispatcher.job_finished(1)
            engine.close_dispatcher()
            await asyncio.sleep(0)  # the socket is closed in the loop's next round

    def _let_in(self) -> None:
        """Let the library know the communities; users become known with their first message."""
        for device in self._devices.values():
            named = device.snmp.community.reveal() if device.snmp and device.snmp.community else ""
            if named and named not in self._communities:
                config.add_v1_system(self._engine, f"c{len(self._communities)}", named)
                self._communities.add(named)

    def _let_pass(self, datagram: bytes, address: str) -> bool:
        """Say whether the library may see *datagram*: only from a device, in its own version."""
        device = self._devices.get(address.removeprefix("::ffff:"))
        if device is None or device.snmp is None:
            self._reject("unknown_source")
            return False
        if len(datagram) > _LARGEST:
            self._reject("too_large")
            return False
        if not self._has_share(device.id):
            self._reject("too_many")
            return False
        engine_id = _engine_id(datagram)
        if engine_id is not None:
            self._learn(device.snmp, address, engine_id)
        elif device.snmp.version == "3":
            self._reject("version")  # nobody gets around v3's keys with a community
            return False
        elif _community(datagram) != device.snmp.community:
            self._reject("community")
            return False
        return True

    def _has_share(self, device: DeviceId) -> bool:
        """Say whether *device* may be heard again so soon: a flood must not take the whole core."""
        now = asyncio.get_running_loop().time()
        until = max(self._spent.get(device, now), now) + _EVERY_S
        if until - now > _AT_ONCE * _EVERY_S:
            return False
        self._spent[device] = until
        return True

    def _learn(self, access: SnmpAccess, address: str, engine_id: bytes) -> None:
        """Let the device's user speak for its engine; keys are the inventory's (RFC 3414)."""
        if access.version != "3" or access.user is None:
            return
        known = self._learnt.setdefault((address, access.user), set())
        if engine_id in known or len(known) >= _MOST_ENGINES:
            return
        known.add(engine_id)
        own = engine_id in (b"", bytes(self._engine.snmpEngineID))  # of an inform: it asks for ours
        auth, auth_key, priv, priv_key = keys_of(access)
        config.add_v3_user(
            self._engine, access.user, auth, auth_key, priv, priv_key,
            securityEngineId=None if own else OctetString(engine_id),
        )  # fmt: skip

    def _heard(
        self,
        engine: Any,  # noqa: ANN401 - the library's
        state: int,
        _engine_id: object,
        _context: object,
        varbinds: Sequence[tuple[object, object]],
        _more: object,
    ) -> None:
        _, where = engine.message_dispatcher.get_transport_info(state)
        device = self._devices.get(str(where[0]).removeprefix("::ffff:"))
        if device is None:
            return
        said = {str(oid): value for oid, value in varbinds}
        oid = str(said.get(_TRAP_OID, ""))
        kind = _KINDS.get(oid, OTHER)
        self._hear(Trap(device=device.id, kind=kind, what=oid if kind == OTHER else _link(said)))


def _link(said: Mapping[str, object]) -> str:
    """Return the interface that a notification names, by its name or else its index."""
    for begin in (*_NAMES, _INDEX):
        for oid, value in said.items():
            if oid.startswith(begin):
                text = "".join(c for c in str(value) if c.isprintable())[:64]
                return text if begin != _INDEX else f"ifIndex {text}"
    return ""


def _engine_id(datagram: bytes) -> bytes | None:
    """Return the engine id that SNMPv3 *datagram* names, or none of it; None: no SNMPv3."""
    with suppress(PyAsn1Error, ValueError, TypeError, IndexError):
        message, _ = decoder.decode(datagram, asn1Spec=SNMPv3Message())
        if int(message[0]) != _V3:
            return None
        security, _ = decoder.decode(bytes(message[2]), asn1Spec=UsmSecurityParameters())
        return bytes(security[0])
    return None


def _community(datagram: bytes) -> Secret | None:
    """Return the community of SNMPv1 or v2c *datagram* (RFC 1157), None where it has none."""
    with suppress(PyAsn1Error, ValueError, TypeError, IndexError):
        _, inside = decoder.decode(datagram, asn1Spec=univ.Sequence(), recursiveFlag=False)
        _, behind = decoder.decode(inside, asn1Spec=univ.Integer())
        named, _ = decoder.decode(behind, asn1Spec=OctetString())
        return Secret(bytes(named).decode())
    return None


def _door(base: type[Any], let_pass: Callable[[bytes, str], bool]) -> type[Any]:
    """Return a transport that hands over only what *let_pass* says yes to."""

    class Door(base):  # type: ignore[misc]
        def datagram_received(self, datagram: bytes, transportAddress: Any) -> None:  # noqa: ANN401, N803
            if let_pass(datagram, transportAddress[0]):
                super().datagram_received(datagram, transportAddress)

    return Door
