"""The door to aiomqtt: one connection to a broker, in MQTT 5 or 3.1.1.

aiomqtt acknowledges a message as soon as it is in its queue. paho beneath it can leave that to the
caller; the one private attribute that this needs is used here and nowhere else.
"""

import asyncio
import logging
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Literal, NamedTuple
from urllib.parse import urlsplit

import aiomqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.subscribeoptions import SubscribeOptions

from capd.config import MqttConfig, secret
from capd.errors import CapdError, ConfigError

_KEEPALIVE_S = 30
_TIMEOUT_S = 10.0
_REFUSED = 128  # the first reason code that means no (MQTT 5, 2.4)
_UNACKNOWLEDGED = 8000  # messages under way at once: Receive Maximum (MQTT 5, 3.1.2.11.3)
_PAHO = logging.getLogger(f"{__name__}.paho")
_PAHO.setLevel(logging.CRITICAL)  # what it has to say is said by capd, once


class BrokerLost(CapdError):
    """No connection, or none any more; *other_version*: it may be worth trying 3.1.1 instead."""

    def __init__(self, text: str, *, other_version: bool = False) -> None:
        super().__init__(text)
        self.other_version = other_version


class Arrival(NamedTuple):
    """A message as the broker sent it; *receipt* is what it wants back, if anything."""

    topic: str
    payload: bytes
    retained: bool
    receipt: int | None  # None: QoS 0


class Ended(NamedTuple):
    """How a connection ended: not the error itself, which would keep the socket alive."""

    why: str = "the connection ended"
    other_version: bool = False
    there_was: bool = False


def ended_by(group: BaseExceptionGroup[BrokerLost]) -> Ended:
    """Return what the first of the errors that ended a connection says."""
    first: BaseException = group
    while isinstance(first, BaseExceptionGroup):
        first = first.exceptions[0]
    return Ended(str(first), isinstance(first, BrokerLost) and first.other_version)


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """How to be at the broker: which version, as whom, for how long."""

    v5: bool
    client_id: str
    kept_s: int = 0  # how long the broker keeps the session of one who is away; 0: a clean one
    bare: bool = False  # ask for nothing on top


class Session:
    """One connection, while it lasts. Every QoS 1 message waits for its `acknowledge`."""

    def __init__(self, client: aiomqtt.Client, manner: Manner) -> None:
        self._client = client
        self._v5 = manner.v5
        self._open = True

    async def subscribe(self, topic: str, *, again: bool, qos: int = 1) -> bool:
        """Subscribe; return whether the broker allows it. Raises BrokerLost.

        What is retained comes with a new subscription, and on MQTT 5 not *again*.
        """
        handling = SubscribeOptions.RETAIN_DO_NOT_SEND
        if not again:
            handling = SubscribeOptions.RETAIN_SEND_IF_NEW_SUB
        options = SubscribeOptions(qos, retainHandling=handling) if self._v5 else None
        try:
            codes = await self._client.subscribe(topic, qos=0 if options else qos, options=options)
        except aiomqtt.MqttError as exc:
            raise BrokerLost(_words(exc)) from None
        return all((c if isinstance(c, int) else c.value) < _REFUSED for c in codes)

    async def unsubscribe(self, topic: str) -> None:
        """Unsubscribe. Raises BrokerLost."""
        try:
            await self._client.unsubscribe(topic)
        except aiomqtt.MqttError as exc:
            raise BrokerLost(_words(exc)) from None

    async def arrivals(self) -> AsyncIterator[Arrival]:
        """Yield messages until the connection ends. Raises BrokerLost then."""
        try:
            async for message in self._client.messages:
                payload = message.payload if isinstance(message.payload, bytes) else b""
                receipt = message.mid if message.qos else None
                yield Arrival(message.topic.value, payload, bool(message.retain), receipt)
        except (aiomqtt.MqttError, OSError) as exc:
            raise BrokerLost(_words(exc)) from None

    def acknowledge(self, receipt: int) -> bool:
        """Tell the broker that a message may be forgotten; of a lost connection it is in vain."""
        if self._open:
            self._client._client.ack(receipt, 1)  # noqa: SLF001 - see above
        return self._open

    def close(self) -> None:
        """Acknowledge nothing from now on: another connection has other numbers."""
        self._open = False


@asynccontextmanager
async def session(
    config: MqttConfig, tls: ssl.SSLContext | None, manner: Manner
) -> AsyncIterator[Session]:
    """Connect to the broker of *config*. Raises BrokerLost."""
    client = _client(config, tls, manner, await _password(config))
    try:
        async with client:
            talk = Session(client, manner)
            try:
                yield talk
            finally:
                talk.close()
    except aiomqtt.MqttError as exc:
        unreached = isinstance(exc.__context__, OSError)
        raise BrokerLost(_words(exc), other_version=not unreached) from None
    except OSError as exc:
        raise BrokerLost(_words(exc)) from None


async def greet(config: MqttConfig, tls: ssl.SSLContext | None, client_id: str) -> None:
    """Find out whether the broker knows MQTT 5. Raises BrokerLost.

    Brokers of 3.1.1 refuse the version at once, but some wait for ever where properties follow it.
    """
    async with session(config, tls, Manner(v5=True, client_id=f"{client_id}-hello", bare=True)):
        pass


async def _password(config: MqttConfig) -> str | None:
    """Return the password, read anew for each connection: it may have been changed."""
    if config.password is None:
        return None
    try:
        return (await asyncio.to_thread(secret, config.password)).reveal()
    except ConfigError as exc:
        raise BrokerLost(f"collect.mqtt.password: {exc}") from None


def _client(
    config: MqttConfig, tls: ssl.SSLContext | None, manner: Manner, password: str | None
) -> aiomqtt.Client:
    url = urlsplit(config.url or "")
    version = aiomqtt.ProtocolVersion.V5 if manner.v5 else aiomqtt.ProtocolVersion.V311
    client = aiomqtt.Client(
        url.hostname or "127.0.0.1",
        url.port or (8883 if tls else 1883),
        username=config.username,
        password=password,
        identifier=manner.client_id,
        protocol=version,
        clean_session=None if manner.v5 else not manner.kept_s,
        clean_start=not manner.kept_s if manner.v5 else _NOT_ASKED,
        properties=_properties(manner),
        keepalive=_KEEPALIVE_S,
        timeout=_TIMEOUT_S,
        tls_context=tls,
        logger=_PAHO,
    )
    client._client.manual_ack_set(on=True)  # noqa: SLF001 - see above
    return client


_NOT_ASKED: Literal[3] = 3  # paho's default, the only one that it takes for 3.1.1


def _properties(manner: Manner) -> Properties | None:
    if manner.bare or not manner.v5:
        return None
    properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
    properties.ReceiveMaximum = _UNACKNOWLEDGED
    properties.SessionExpiryInterval = manner.kept_s
    return properties


def _words(exc: BaseException) -> str:
    return str(exc.__cause__ or exc) or type(exc).__name__


def tls_of(config: MqttConfig) -> ssl.SSLContext | None:
    """Return how to speak to a broker at mqtts://; None for mqtt://. Raises ConfigError."""
    if urlsplit(config.url or "").scheme != "mqtts":
        return None
    try:
        return ssl.create_default_context(cafile=config.ca)
    except (OSError, ssl.SSLError) as exc:
        raise ConfigError(f"[collect.mqtt] ca: cannot use {config.ca}: {exc}") from None


def name_of(config: MqttConfig) -> str:
    """Return the broker as it is called in the log: its host and port, and no login."""
    url = urlsplit(config.url or "")
    return f"{url.hostname}:{url.port}" if url.port else f"{url.hostname}"


def end_if_asked_to() -> None:
    """Raise the CancelledError that came as the connection was lost: one of the two gets lost."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError
