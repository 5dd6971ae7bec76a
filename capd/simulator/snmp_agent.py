"""Answer SNMP v1 and v2c GET, GETNEXT and GETBULK on UDP for one simulated box (RFC 3416)."""

import asyncio
import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Self

from capd.simulator import ber
from capd.simulator.ber import Message, VarBind
from capd.simulator.box import Box
from capd.simulator.mib import View

_LARGEST = 1472  # bytes of an answer: what Ethernet carries in one packet
_MOST_REPETITIONS = 100


class SnmpAgent(asyncio.DatagramProtocol):
    """One box's agent on one UDP port of loopback; `box.faults` decides how well it behaves."""

    def __init__(self, box: Box, *, community: str = "public") -> None:
        self.box, self._community = box, community.encode()
        self._view = View(box)
        self._transport: asyncio.DatagramTransport | None = None
        self.answered = 0

    @classmethod
    async def start(
        cls, box: Box, *, host: str = "127.0.0.1", port: int = 0, community: str = "public"
    ) -> Self:
        """Listen; port 0 takes a free one, which `port` then tells."""
        loop = asyncio.get_running_loop()
        transport, agent = await loop.create_datagram_endpoint(
            lambda: cls(box, community=community), local_addr=(host, port)
        )
        agent._transport = transport  # noqa: SLF001 - its own
        return agent

    @property
    def port(self) -> int:
        """Return the UDP port that it listens on."""
        if self._transport is None:
            raise RuntimeError("the agent has not started")
        number: int = self._transport.get_extra_info("sockname")[1]
        return number

    async def stop(self) -> None:
        """Close the socket; later questions meet silence."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.close()
            await asyncio.sleep(0)  # the socket is closed in the loop's next round

    def datagram_received(self, data: bytes, addr: tuple[str | int, ...]) -> None:
        """Answer one question (asyncio calls this); nonsense and wrong communities: silence."""
        faults = self.box.faults
        answer = None if faults.silent else self.answer(data)
        if answer is None:
            return
        if faults.slow_s:
            asyncio.get_running_loop().call_later(faults.slow_s, self._send, answer, addr)
        else:
            self._send(answer, addr)

    def answer(self, data: bytes) -> bytes | None:
        """Return the datagram that answers *data*, None where an agent says nothing."""
        try:
            question = ber.decode(data)
        except ValueError:
            return None
        if question.community != self._community or question.version not in (ber.V1, ber.V2C):
            return None
        self.answered += 1
        if self.box.faults.garbage:
            return os.urandom(40)
        return self._in_one_packet(question, respond(question, self._view))

    def _in_one_packet(self, question: Message, response: Message) -> bytes:
        answer = ber.encode(response)
        while len(answer) > _LARGEST and question.kind == ber.GETBULK and response.binds:
            response = replace(response, binds=response.binds[: len(response.binds) * 3 // 4])
            answer = ber.encode(response)
        if len(answer) > _LARGEST:
            answer = ber.encode(replace(response, status=ber.TOO_BIG, binds=()))
        return answer

    def _send(self, answer: bytes, addr: tuple[str | int, ...]) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.sendto(answer, addr)


def respond(question: Message, view: View) -> Message:
    """Return the response to *question* over *view*, before it is cut to a packet's size."""
    response = replace(question, kind=ber.RESPONSE, status=0, index=0)
    if question.kind == ber.GETBULK and question.version == ber.V2C:
        return replace(response, binds=tuple(_bulk(question, view)))
    if question.kind not in (ber.GET, ber.GETNEXT):
        return replace(
            response,
            status=ber.NO_SUCH_NAME if question.version == ber.V1 else ber.NOT_WRITABLE,
            index=1,
        )
    look = _get if question.kind == ber.GET else _next
    binds = tuple(look(view, bind.oid, question.version) for bind in question.binds)
    return (
        _without_exceptions(response, binds)
        if question.version == ber.V1
        else replace(response, binds=binds)
    )


def _get(view: View, name: ber.Oid, version: int) -> VarBind:
    value = view.get(name)
    if value is None or (version == ber.V1 and value.tag == ber.COUNTER64):
        return VarBind(name, ber.NO_SUCH_INSTANCE)
    return VarBind(name, value)


def _next(view: View, name: ber.Oid, version: int = ber.V2C) -> VarBind:
    found = view.after(name)
    while found is not None and version == ber.V1 and found[1].tag == ber.COUNTER64:
        found = view.after(found[0])  # v1 has no Counter64: such rows do not exist (RFC 2089)
    return VarBind(name, ber.END_OF_VIEW) if found is None else VarBind(*found)


def _bulk(question: Message, view: View) -> Iterator[VarBind]:
    singles, repetitions = max(question.status, 0), min(question.index, _MOST_REPETITIONS)
    for bind in question.binds[:singles]:
        yield _next(view, bind.oid)
    names = [bind.oid for bind in question.binds[singles:]]
    for _ in range(repetitions if names else 0):
        row = [_next(view, name) for name in names]
        yield from row
        if all(bind.value == ber.END_OF_VIEW for bind in row):
            return
        names = [bind.oid for bind in row]


def _without_exceptions(response: Message, binds: Sequence[VarBind]) -> Message:
    for place, bind in enumerate(binds, start=1):
        if bind.value in (ber.NO_SUCH_INSTANCE, ber.END_OF_VIEW):
            return replace(response, status=ber.NO_SUCH_NAME, index=place)
    return replace(response, binds=tuple(binds))
