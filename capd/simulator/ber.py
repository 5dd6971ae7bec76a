"""SNMP v1 and v2c messages as bytes and back (RFC 1157, RFC 3416; BER of X.690). Pure.

Written out here because an agent of hundreds of devices shares one core with the daemon that polls
them: this takes a twentieth of what a general ASN.1 compiler takes.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

Oid = tuple[int, ...]

INTEGER, OCTETS, NULL_TAG, OID, SEQUENCE = 0x02, 0x04, 0x05, 0x06, 0x30
COUNTER32, GAUGE32, TIMETICKS, COUNTER64 = 0x41, 0x42, 0x43, 0x46
GET, GETNEXT, RESPONSE, SET, GETBULK = 0xA0, 0xA1, 0xA2, 0xA3, 0xA5

V1, V2C = 0, 1
TOO_BIG, NO_SUCH_NAME, NOT_WRITABLE = 1, 2, 17

_NUMBERS = frozenset({INTEGER, COUNTER32, GAUGE32, TIMETICKS, COUNTER64})
_LONG_FORM = 0x80  # of a length: the octets of the length itself follow
_MORE = 0x80  # of a sub-identifier: another octet follows
_SECOND_ARCS = 40  # the first two arcs share one octet


class Value(NamedTuple):
    """One value and its type: a whole number, some bytes, an OID, or nothing."""

    tag: int
    content: int | bytes | Oid | None = None


NULL = Value(NULL_TAG)
NO_SUCH_INSTANCE = Value(0x81)
END_OF_VIEW = Value(0x82)


class VarBind(NamedTuple):
    """A name and its value."""

    oid: Oid
    value: Value


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One SNMP message; of a GETBULK *status* is non-repeaters and *index* max-repetitions."""

    version: int
    community: bytes
    kind: int
    request_id: int
    status: int = 0
    index: int = 0
    binds: tuple[VarBind, ...] = ()


def oid(dotted: str) -> Oid:
    """Return the OID that *dotted* ("1.3.6.1.2.1.1.3.0") names."""
    return tuple(int(arc) for arc in dotted.strip(".").split("."))


def encode(message: Message) -> bytes:
    """Return *message* as one datagram."""
    binds = b"".join(
        _tlv(SEQUENCE, _tlv(OID, _oid_octets(bind.oid)) + encoded(bind.value))
        for bind in message.binds
    )
    pdu = _tlv(
        message.kind,
        _integer(message.request_id)
        + _integer(message.status)
        + _integer(message.index)
        + _tlv(SEQUENCE, binds),
    )
    return _tlv(SEQUENCE, _integer(message.version) + _tlv(OCTETS, message.community) + pdu)


def encoded(value: Value) -> bytes:
    """Return *value* with its tag and length."""
    content = value.content
    if content is None:
        return _tlv(value.tag, b"")
    if isinstance(content, int):
        return _tlv(value.tag, _number_octets(content))
    if isinstance(content, bytes):
        return _tlv(value.tag, content)
    return _tlv(value.tag, _oid_octets(content))


def decode(datagram: bytes) -> Message:
    """Return the message in *datagram*; ValueError where it is none."""
    (tag, body), *rest = _parts(datagram)
    if tag != SEQUENCE or rest:
        raise ValueError("not one sequence")
    (_, version), (_, community), (kind, pdu) = _parts(body)
    (_, request_id), (_, status), (_, index), (_, binds) = _parts(pdu)
    return Message(
        version=_number(version),
        community=community,
        kind=kind,
        request_id=_number(request_id),
        status=_number(status),
        index=_number(index),
        binds=tuple(_bind(content) for _, content in _parts(binds)),
    )


def _bind(octets: bytes) -> VarBind:
    (_, name), (tag, content) = _parts(octets)
    if tag in _NUMBERS:
        return VarBind(_oid_arcs(name), Value(tag, _number(content)))
    if tag == OID:
        return VarBind(_oid_arcs(name), Value(tag, _oid_arcs(content)))
    return VarBind(_oid_arcs(name), Value(tag, content if tag == OCTETS else None))


def _parts(octets: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at < len(octets):
        start, length = _length(octets, at + 1)
        if start + length > len(octets):
            raise ValueError("cut short")
        yield octets[at], octets[start : start + length]
        at = start + length


def _length(octets: bytes, at: int) -> tuple[int, int]:
    if at >= len(octets):
        raise ValueError("cut short")
    first = octets[at]
    if first < _LONG_FORM:
        return at + 1, first
    start = at + 1 + (first - _LONG_FORM)
    return start, int.from_bytes(octets[at + 1 : start], "big")


def _number(octets: bytes) -> int:
    return int.from_bytes(octets, "big", signed=True)


def _oid_arcs(octets: bytes) -> Oid:
    arcs: list[int] = []
    arc = 0
    for octet in octets:
        arc = arc << 7 | octet & ~_MORE
        if octet < _MORE:
            arcs.append(arc)
            arc = 0
    if not arcs:
        raise ValueError("an OID without arcs")
    first = min(arcs[0] // _SECOND_ARCS, 2)
    return (first, arcs[0] - first * _SECOND_ARCS, *arcs[1:])


def _oid_octets(arcs: Oid) -> bytes:
    octets = bytearray()
    for arc in (arcs[0] * _SECOND_ARCS + arcs[1], *arcs[2:]):
        if arc < _MORE:
            octets.append(arc)
        else:
            sevens = [arc >> shift & ~_MORE & 0xFF for shift in range(0, arc.bit_length(), 7)]
            octets += bytes(seven | _MORE for seven in sevens[:0:-1]) + bytes(sevens[:1])
    return bytes(octets)


def _number_octets(number: int) -> bytes:
    return number.to_bytes(number.bit_length() // 8 + 1, "big", signed=True)


def _integer(number: int) -> bytes:
    return _tlv(INTEGER, _number_octets(number))


def _tlv(tag: int, content: bytes) -> bytes:
    if len(content) < _LONG_FORM:
        return bytes((tag, len(content))) + content
    size = len(content).to_bytes((len(content).bit_length() + 7) // 8, "big")
    return bytes((tag, _LONG_FORM | len(size))) + size + content
