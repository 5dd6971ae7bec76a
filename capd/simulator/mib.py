"""What a simulated box shows over SNMP: SNMPv2-MIB system, HOST-RESOURCES uptime, IF-MIB."""

from bisect import bisect_right
from collections.abc import Callable, Iterable

from capd.simulator.ber import (
    COUNTER32,
    COUNTER64,
    GAUGE32,
    INTEGER,
    OCTETS,
    OID,
    TIMETICKS,
    Oid,
    Value,
    oid,
)
from capd.simulator.box import Box, Port

Ask = Callable[[], Value]

_SYSTEM = oid("1.3.6.1.2.1.1")
_HR_SYSTEM_UPTIME = oid("1.3.6.1.2.1.25.1.1.0")
_ENGINE_TIME = oid("1.3.6.1.6.3.10.2.1.3.0")
_IF_NUMBER = oid("1.3.6.1.2.1.2.1.0")
_IF_ENTRY = oid("1.3.6.1.2.1.2.2.1")
_IF_X_ENTRY = oid("1.3.6.1.2.1.31.1.1.1")
_TICKS = 2**32  # TimeTicks wrap after 497.1 days (CN-11)
_ETHERNET = 6
_SPEED_IN_GAUGE = 2**32 - 1  # ifSpeed of a port faster than it can say (RFC 2863)


class View:
    """The objects of one box in lexicographic order; values are read when they are asked for."""

    def __init__(self, box: Box) -> None:
        self._box = box
        self._shape: tuple[int, frozenset[str]] | None = None
        self._asks: dict[Oid, Ask] = {}
        self._order: list[Oid] = []

    def get(self, name: Oid) -> Value | None:
        """Return the value at exactly *name*, None where there is none."""
        self._look_again()
        ask = self._asks.get(name)
        return None if ask is None else ask()

    def after(self, name: Oid) -> tuple[Oid, Value] | None:
        """Return the first object behind *name*, None at the end."""
        self._look_again()
        place = bisect_right(self._order, name)
        if place == len(self._order):
            return None
        return self._order[place], self._asks[self._order[place]]()

    def _look_again(self) -> None:
        shape = self._box.shape, self._box.faults.without
        if shape == self._shape:
            return
        gone = [oid(subtree) for subtree in self._box.faults.without]
        self._asks = {
            name: ask
            for name, ask in _objects(self._box)
            if not any(name[: len(subtree)] == subtree for subtree in gone)
        }
        self._order = sorted(self._asks)
        self._shape = shape


def _objects(box: Box) -> Iterable[tuple[Oid, Ask]]:
    yield from _system(box)
    yield _HR_SYSTEM_UPTIME, lambda: _ticks(box.uptime_s())
    yield _ENGINE_TIME, lambda: Value(INTEGER, int(box.agent_uptime_s()))
    yield _IF_NUMBER, lambda: Value(INTEGER, len(box.ports))
    for port in box.ports:
        yield from _if_entry(box, port)
    for dotted, scalar in box.scalars.items():
        yield oid(dotted), _constant(_number(scalar) if isinstance(scalar, int) else _text(scalar))


def _system(box: Box) -> Iterable[tuple[Oid, Ask]]:
    yield (*_SYSTEM, 1, 0), lambda: _text(box.sys_descr)
    yield (*_SYSTEM, 2, 0), lambda: Value(OID, oid(box.sys_object_id))
    yield (*_SYSTEM, 3, 0), lambda: _ticks(box.agent_uptime_s())
    yield (*_SYSTEM, 4, 0), lambda: _text("noc@example.net")
    yield (*_SYSTEM, 5, 0), lambda: _text(box.name)
    yield (*_SYSTEM, 6, 0), lambda: _text("a pretend hill")


def _if_entry(box: Box, port: Port) -> Iterable[tuple[Oid, Ask]]:
    columns: dict[int, Ask] = {
        1: lambda: _number(port.index),
        2: lambda: _text(port.name),
        3: lambda: _number(_ETHERNET),
        4: lambda: _number(1500),
        5: lambda: Value(GAUGE32, min(port.speed_bps, _SPEED_IN_GAUGE)),
        7: lambda: _number(1),
        8: lambda: _number(1 if port.up else 2),
        10: lambda: Value(COUNTER32, port.in_bytes % 2**32),
        16: lambda: Value(COUNTER32, port.out_bytes % 2**32),
    }
    wide: dict[int, Ask] = {
        1: lambda: _text(port.name),
        6: lambda: _counter64(box, port.in_bytes),
        10: lambda: _counter64(box, port.out_bytes),
        15: lambda: Value(GAUGE32, port.speed_bps // 10**6),
        18: lambda: _text(""),
        19: lambda: _ticks(0),  # net-snmp never says when a counter was born again
    }
    for column, ask in columns.items():
        yield (*_IF_ENTRY, column, port.index), ask
    for column, ask in wide.items():
        yield (*_IF_X_ENTRY, column, port.index), ask


def _counter64(box: Box, count: int) -> Value:
    return Value(COUNTER64, count % (2**32 if box.faults.counter32 else 2**64))


def _ticks(seconds: float) -> Value:
    return Value(TIMETICKS, int(seconds * 100) % _TICKS)


def _number(number: int) -> Value:
    return Value(INTEGER, number)


def _text(text: str) -> Value:
    return Value(OCTETS, text.encode())


def _constant(value: Value) -> Ask:
    return lambda: value
