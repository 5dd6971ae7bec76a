"""The other SNMP engine: pysnmp, pure Python; thirty times the CPU of gufo-snmp.

v1 and v2c go through its v1arch dispatcher, whose cost is linear in the number of devices; only v3
needs the full engine. SNMPv1 with 64-bit counters (airOS) is not understood; gufo-snmp does that.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from pyasn1.error import PyAsn1Error
from pyasn1.type.univ import Integer, ObjectIdentifier, OctetString
from pysnmp.carrier.asyncio.dispatch import AsyncioDispatcher
from pysnmp.error import PySnmpError
from pysnmp.hlapi.v1arch import asyncio as v1arch
from pysnmp.hlapi.v3arch import asyncio as v3arch
from pysnmp.proto.errind import RequestTimedOut
from pysnmp.proto.rfc1902 import Null
from pysnmp.proto.rfc1905 import EndOfMibView, NoSuchInstance, NoSuchObject

from capd.collect.decode.rows import Value
from capd.errors import DeviceError, DeviceRefused, DeviceUnreachable, NonsenseFromDevice
from capd.model import SnmpAccess

_MOST_ROWS = 100_000
_TOO_BIG, _NO_SUCH_NAME, _AUTHORIZATION_ERROR = 1, 2, 16  # RFC 3416 error-status
_NOT_THERE = (NoSuchObject, NoSuchInstance, EndOfMibView)
_MP_MODEL = {"1": 0, "2c": 1}
_AUTHS = {
    "md5": v3arch.USM_AUTH_HMAC96_MD5,
    "sha1": v3arch.USM_AUTH_HMAC96_SHA,
    "sha224": v3arch.USM_AUTH_HMAC128_SHA224,
    "sha256": v3arch.USM_AUTH_HMAC192_SHA256,
    "sha384": v3arch.USM_AUTH_HMAC256_SHA384,
    "sha512": v3arch.USM_AUTH_HMAC384_SHA512,
}
_PRIVS = {
    "des": v3arch.USM_PRIV_CBC56_DES,
    "aes128": v3arch.USM_PRIV_CFB128_AES,
    "aes192": v3arch.USM_PRIV_CFB192_AES_BLUMENTHAL,
    "aes256": v3arch.USM_PRIV_CFB256_AES_BLUMENTHAL,
}
_Answer = list[tuple[str, Value]]


_Protocol = tuple[int, ...]


def keys_of(access: SnmpAccess) -> tuple[_Protocol, str | None, _Protocol, str | None]:
    """Return the protocol and key of an SNMPv3 user's authentication, then of its privacy."""
    auth = access.auth_key.reveal() if access.auth and access.auth_key else None
    priv = access.priv_key.reveal() if access.priv and access.priv_key and auth else None
    return (
        _AUTHS[access.auth] if access.auth and auth else v3arch.USM_AUTH_NONE,
        auth,
        _PRIVS[access.priv] if access.priv and priv else v3arch.USM_PRIV_NONE,
        priv,
    )


_UNREADABLE = (
    PyAsn1Error, PySnmpError, ValueError, TypeError, IndexError, KeyError, AttributeError,
)  # fmt: skip


class CalmDispatcher(AsyncioDispatcher):  # type: ignore[misc]
    """Passes datagrams to the library; one that it stumbles over is as one that never came."""

    def __init__(self, unreadable: Callable[[], object] = lambda: None) -> None:
        super().__init__()
        self._unreadable = unreadable

    def _callback_function(self, *what: object) -> None:
        try:
            super()._callback_function(*what)
        except _UNREADABLE:
            self._unreadable()


class _Dispatcher(v1arch.SnmpDispatcher):  # type: ignore[misc]
    PROTO_DISPATCHER = CalmDispatcher


class PysnmpEngine:
    """Speaks SNMP with pysnmp: one socket for v1 and v2c, one for each set of v3 credentials."""

    def __init__(self, *, timeout_s: float, retries: int) -> None:
        self._timeout_s = timeout_s
        self._retries = retries
        self._dispatcher: v1arch.SnmpDispatcher | None = None
        self._engines: dict[SnmpAccess, v3arch.SnmpEngine] = {}
        self._targets: dict[tuple[bool, str, int], v1arch.UdpTransportTarget] = {}

    async def get(
        self, access: SnmpAccess, address: str, oids: Sequence[str]
    ) -> Mapping[str, Value]:
        """Return what is there of *oids*, in one request; what is not there is left out."""
        return dict(await self._request("get_cmd", access, address, oids))

    async def first(
        self, access: SnmpAccess, address: str, column: str
    ) -> tuple[str, Value] | None:
        """Return the first object under *column*, in one request; None where there is none."""
        for oid, value in await self._request("next_cmd", access, address, [column]):
            if oid.startswith(f"{column}."):
                return oid, value
        return None

    async def walk(
        self, access: SnmpAccess, address: str, column: str, *, bulk: bool, max_repetitions: int
    ) -> Mapping[str, Value]:
        """Return everything under *column*."""
        rows: dict[str, Value] = {}
        last = column
        while True:
            if bulk and access.version != "1":
                more = await self._request("bulk_cmd", access, address, [last], 0, max_repetitions)
            else:
                more = await self._request("next_cmd", access, address, [last])
            for oid, value in more:
                if not oid.startswith(f"{column}."):
                    return rows
                if oid in rows or len(rows) >= _MOST_ROWS:
                    raise NonsenseFromDevice(f"walks in circles under {column}")
                rows[oid] = value
                last = oid
            if not more:
                return rows

    async def close(self) -> None:
        """Let go of every socket."""
        if self._dispatcher is not None:
            self._dispatcher.close()
            self._dispatcher = None
        for engine in self._engines.values():
            engine.close_dispatcher()
        self._engines.clear()
        self._targets.clear()

    async def _request(
        self, command: str, access: SnmpAccess, address: str, oids: Sequence[str], *bulk: int
    ) -> _Answer:
        asked = [(oid, Null("")) for oid in oids]
        try:
            target = await self._target(access, address)
            if access.version == "3":
                what = (self._engine(access), self._user(access), target, v3arch.ContextData())
                answer = await getattr(v3arch, command)(*what, *bulk, *asked, lookupMib=False)
            else:
                named = access.community.reveal() if access.community else ""
                who = v1arch.CommunityData(named, mpModel=_MP_MODEL[access.version])
                self._dispatcher = self._dispatcher or _Dispatcher()
                answer = await getattr(v1arch, command)(
                    self._dispatcher, who, target, *bulk, *asked
                )
        except KeyError as exc:
            raise DeviceError(f"SNMP cannot do {exc}") from None
        except PySnmpError as exc:
            if access.version == "3" and "errorIndication" in str(exc):
                raise DeviceRefused("refuses the SNMPv3 user, key or level") from exc
            raise NonsenseFromDevice(f"SNMP with {address} failed: {exc}") from exc
        return self._judged(*answer)

    def _judged(
        self,
        indication: object,
        status: int,
        _index: int,
        varbinds: Sequence[tuple[object, object]],
    ) -> _Answer:
        """Return what is there in an answer; raise what the agent said instead."""
        if isinstance(indication, RequestTimedOut):
            tries = self._retries + 1
            raise DeviceUnreachable(f"no answer ({tries} tries of {self._timeout_s:g} s)")
        if indication:
            raise DeviceRefused(f"refuses the SNMPv3 user, key or level ({indication})")
        if int(status) == _AUTHORIZATION_ERROR:
            raise DeviceRefused("refuses the SNMPv3 user, key or level (authorizationError)")
        if int(status) == _NO_SUCH_NAME:
            return []
        if int(status) == _TOO_BIG:
            return []
        if status:
            raise NonsenseFromDevice(f"answers with error-status {status}")
        return [(str(oid), _plain(v)) for oid, v in varbinds if not isinstance(v, _NOT_THERE)]

    async def _target(self, access: SnmpAccess, address: str) -> v1arch.UdpTransportTarget:
        key = (access.version == "3", address, access.port)
        if key not in self._targets:
            arch = v3arch if access.version == "3" else v1arch
            kind = arch.Udp6TransportTarget if ":" in address else arch.UdpTransportTarget
            self._targets[key] = await kind.create(
                (address, access.port), timeout=self._timeout_s, retries=self._retries
            )
        return self._targets[key]

    def _engine(self, access: SnmpAccess) -> v3arch.SnmpEngine:
        """Return the engine of these credentials: in one engine a user has but one key."""
        who = replace(access, port=0, community=None)
        if who not in self._engines:
            self._engines[who] = v3arch.SnmpEngine()
            self._engines[who].register_transport_dispatcher(CalmDispatcher())
        return self._engines[who]

    def _user(self, access: SnmpAccess) -> v3arch.UsmUserData:
        auth, auth_key, priv, priv_key = keys_of(access)
        return v3arch.UsmUserData(
            access.user or "", auth_key, priv_key, authProtocol=auth, privProtocol=priv
        )


def _plain(value: object) -> Value:
    """Return *value* as the Python type that gufo-snmp has for it."""
    if isinstance(value, OctetString):
        return bytes(value.asOctets())
    if isinstance(value, ObjectIdentifier):
        return str(value)
    if isinstance(value, Integer):
        return int(value)
    return str(value)
