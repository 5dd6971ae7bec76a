"""An SNMP agent that shows what it is given, with the habits of real ones; UDP on loopback."""

import asyncio
import threading
from bisect import bisect_right
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from capd.simulator import ber
from capd.simulator.ber import Message, Value, VarBind

COMMUNITY = "public"
_WIDE = 2**32


@dataclass
class Manners:
    """How an agent behaves, beside what it knows."""

    versions: tuple[int, ...] = (ber.V1, ber.V2C)
    bulk: bool = True  # False: silence instead of an answer to GETBULK
    most_oids: int = 1000  # more in one GET is answered tooBig
    most_repetitions: int = 1000  # more in one GETBULK is answered tooBig
    silent_above: int = 10_000  # and more than that meets silence, where it is above most_oids
    end_after: str | None = None  # walks end behind this OID, as if there was no more
    deaf_to_walks: bool = False  # GETNEXT and GETBULK meet silence
    slow_s: float = 0.0  # each answer comes so late
    loses_each: int = 0  # each so manieth answer is lost on its way; 0: none
    garbled: int = 0  # so many answers come broken
    answered: list[tuple[int, int]] = field(default_factory=list)  # kind and number of OIDs


class TableAgent(asyncio.DatagramProtocol):
    """Answers GET, GETNEXT and GETBULK out of a table of OIDs, Counter64 in SNMPv1 too."""

    def __init__(self, objects, manners=None, community=COMMUNITY):
        self.community = community.encode()
        self.manners = manners or Manners()
        self.show(objects)

    @classmethod
    async def start(cls, objects, manners=None, *, host="127.0.0.1", port=0, community=COMMUNITY):
        loop = asyncio.get_running_loop()
        transport, agent = await loop.create_datagram_endpoint(
            lambda: cls(objects, manners, community), local_addr=(host, port)
        )
        agent.transport = transport
        return agent

    @property
    def port(self):
        return self.transport.get_extra_info("sockname")[1]

    def stop(self):
        self.transport.close()

    def show(self, objects):
        """Know *objects* from now on: values by dotted OID."""
        self.objects = {ber.oid(oid): value_of(value) for oid, value in objects.items()}
        self.order = sorted(self.objects)

    def put(self, **cells):
        """Change some values."""
        self.show({**self.objects, **cells})

    def datagram_received(self, data, addr):
        question = ber.decode(data)
        if question.version not in self.manners.versions or question.community != self.community:
            return
        self.manners.answered.append((question.kind, len(question.binds)))
        answer = self._answer(question)
        lossy = self.manners.loses_each
        if answer is not None and not (lossy and len(self.manners.answered) % lossy == 0):
            whole = ber.encode(answer)
            broken = self.manners.garbled > 0
            self.manners.garbled -= broken
            sent = whole[: len(whole) // 2] if broken else whole
            asyncio.get_running_loop().call_later(
                self.manners.slow_s, self.transport.sendto, sent, addr
            )

    def _answer(self, question: Message) -> Message | None:
        manners, asked = self.manners, len(question.binds)
        if manners.deaf_to_walks and question.kind != ber.GET:
            return None
        bare = replace(question, kind=ber.RESPONSE, status=0, index=0, binds=())
        if question.kind == ber.GETBULK:
            return self._bulky(question, bare)
        if question.kind == ber.GET and asked > manners.most_oids:
            return None if asked > manners.silent_above else replace(bare, status=ber.TOO_BIG)
        look = self._get if question.kind == ber.GET else self._next
        binds = tuple(look(bind.oid) for bind in question.binds)
        if question.version == ber.V1 and any(
            bind.value in (ber.NO_SUCH_INSTANCE, ber.END_OF_VIEW) for bind in binds
        ):
            return replace(bare, status=ber.NO_SUCH_NAME, index=1, binds=question.binds)
        return replace(bare, binds=binds)

    def _bulky(self, question, bare):
        if not self.manners.bulk or question.version == ber.V1:
            return None
        if question.index > self.manners.most_repetitions:
            return replace(bare, status=ber.TOO_BIG)
        return replace(bare, binds=tuple(self._bulk(question)))

    def _get(self, oid):
        return VarBind(oid, self.objects.get(oid, ber.NO_SUCH_INSTANCE))

    def _next(self, oid):
        place = bisect_right(self.order, oid)
        last = self.manners.end_after
        if place == len(self.order) or (
            last is not None
            and self.order[place] > ber.oid(last)
            and _siblings(self.order[place], last)
        ):
            return VarBind(oid, ber.END_OF_VIEW)
        return VarBind(self.order[place], self.objects[self.order[place]])

    def _bulk(self, question):
        oid = question.binds[0].oid
        for _ in range(question.index):
            bind = self._next(oid)
            yield bind
            if bind.value == ber.END_OF_VIEW:
                return
            oid = bind.oid


def _siblings(oid, last):
    """Say whether *oid* is in the column of *last*."""
    column = ber.oid(last)[:-1]
    return oid[: len(column)] == column


def value_of(value) -> Value:
    """Return what an agent sends for *value*; `hex:`, `oid:` and `c64:` say what text means."""
    if isinstance(value, Value):
        return value
    if isinstance(value, int):
        return Value(ber.INTEGER if -_WIDE < value < _WIDE else ber.COUNTER64, value)
    kind, _, rest = value.partition(":") if isinstance(value, str) else ("", "", "")
    if kind == "oid":
        return Value(ber.OID, ber.oid(rest))
    if kind == "c64":
        return Value(ber.COUNTER64, int(rest))
    octets = bytes.fromhex(rest) if kind == "hex" else value
    return Value(ber.OCTETS, octets.encode() if isinstance(octets, str) else octets)


@contextmanager
def in_a_thread(objects, manners=None, *, hosts=("127.0.0.1",), community=COMMUNITY):
    """Run an agent beside the test, on one port of each of *hosts*; yield the port."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    async def start():
        first = await TableAgent.start(objects, manners, host=hosts[0], community=community)
        others = [
            await TableAgent.start(
                objects, manners, host=host, port=first.port, community=community
            )
            for host in hosts[1:]
        ]
        return [first, *others]

    agents = asyncio.run_coroutine_threadsafe(start(), loop).result()
    try:
        yield agents[0]
    finally:
        for agent in agents:
            loop.call_soon_threadsafe(agent.stop)
        loop.call_soon_threadsafe(loop.call_soon, loop.stop)
        thread.join()
        loop.close()
