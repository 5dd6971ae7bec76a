"""An MQTT 3.1.1 broker inside the process, on loopback (amqtt's door)."""

import asyncio
import logging
from contextlib import suppress
from types import TracebackType
from typing import Self

from amqtt.adapters import StreamReaderAdapter, StreamWriterAdapter
from amqtt.broker import Broker
from amqtt.contexts import BrokerConfig, ListenerConfig, ListenerType

_QUIET = ("amqtt", "transitions")
_GOODBYE_S = 5.0


class EmbeddedBroker:
    """Serve MQTT while the context is open; everybody on this machine may connect."""

    def __init__(self, *, host: str = "127.0.0.1", port: int = 0) -> None:
        self._address = host, port
        self._server: asyncio.Server | None = None
        self._broker: Broker | None = None

    @property
    def port(self) -> int:
        """Return the TCP port that it listens on."""
        if self._server is None:
            raise RuntimeError("the broker has not started")
        number: int = self._server.sockets[0].getsockname()[1]
        return number

    @property
    def url(self) -> str:
        """Return the broker's URL, for `[collect.mqtt]`."""
        return f"mqtt://{self._address[0]}:{self.port}"

    async def __aenter__(self) -> Self:
        for name in _QUIET:  # it tells of each packet, and warns of each client that hangs up
            logging.getLogger(name).setLevel(logging.CRITICAL)
        self._broker = Broker(
            BrokerConfig(
                listeners={"default": ListenerConfig(type=ListenerType.EXTERNAL)},
                plugins={
                    "amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}
                },
            )
        )
        await self._broker.start()
        self._server = await asyncio.start_server(self._welcome, *self._address)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._server is not None:
            self._server.close()
        if self._broker is not None:
            with suppress(TimeoutError):
                async with asyncio.timeout(_GOODBYE_S):
                    await self._broker.shutdown()

    async def _welcome(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._broker is None:
            return
        try:
            await self._broker.external_connected(
                StreamReaderAdapter(reader), StreamWriterAdapter(writer), "default"
            )
        finally:
            writer.close()
