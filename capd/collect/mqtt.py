"""Listen for counters that devices publish: a Source on an MQTT broker (5, else 3.1.1)."""

import asyncio
import contextlib
import logging
import random
import ssl
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from urllib.parse import urlsplit

import aiomqtt

from capd.clock import Clock
from capd.collect import Pour
from capd.collect.hearing import Hearing, Message
from capd.collect.topics import Topics, topics_of
from capd.config import MqttConfig
from capd.errors import ConfigError
from capd.model import Device
from capd.profiles import Profile

log = logging.getLogger(__name__)

_FIRST_WAIT_S = 0.5
_LONGEST_WAIT_S = 30.0
_KEEPALIVE_S = 30
_TIMEOUT_S = 10.0
_REFUSED = 128  # the first reason code that means no (MQTT 5, 2.4)
_CROWD = 10_000  # messages kept while accounting is busy, before only the last of a topic is
_PAHO = logging.getLogger(f"{__name__}.paho")
_PAHO.setLevel(logging.CRITICAL)  # what it has to say is said here, once


def _unheard(_: object, __: object = None) -> None:
    """Let a figure pass."""


class MqttSource:
    """Pours what the devices publish, in bursts of at most *burst_s* or *most* messages.

    A device that has not been heard for *silent_s* is poured as unreachable, once.

    The session is a clean one: what a broker kept for capd would come without its own time, and
    counters are cumulative, so that the next message says it all.
    """

    def __init__(
        self,
        devices: Iterable[Device],
        profiles: Mapping[str, Profile],
        config: MqttConfig,
        clock: Clock,
        *,
        connected: Callable[[bool], None] = _unheard,
        rejected: Callable[[str, int], None] = _unheard,
        burst_s: float = 0.25,
        most: int = 500,
        silent_s: float = 900,
    ) -> None:
        self._profiles = profiles
        self._config = config
        self._clock = clock
        self._connected = connected
        self._rejected = rejected
        self._burst_s = burst_s
        self._most = most
        self._patience = timedelta(seconds=silent_s)
        self._topics = self._of(devices)
        self._hearing = Hearing(self._topics.routes)
        self._gathered: list[Message] = []
        self._crowd = _CROWD
        self._something, self._full = asyncio.Event(), asyncio.Event()
        self._changed = asyncio.Event()
        self._protocols = [aiomqtt.ProtocolVersion.V5, aiomqtt.ProtocolVersion.V311]
        self._up_since: datetime | None = None
        self._troubles: set[str] = set()  # what was said of this outage

    def replace(self, devices: Iterable[Device]) -> None:
        """Listen for *devices* from now on."""
        self._topics = self._of(devices)
        self._hearing.follow(self._topics.routes)
        self._changed.set()

    async def run(self, pour: Pour) -> None:
        """Pour polls, for ever; end only by cancellation.

        Raises ConfigError where the broker's certificate authority cannot be read.
        """
        tls = await asyncio.to_thread(_tls, self._config)
        self._connected(False)  # noqa: FBT003 - a gauge's value
        async with asyncio.TaskGroup() as group:
            group.create_task(self._listen(tls), name="mqtt listen")
            group.create_task(self._pour_bursts(pour), name="mqtt pour")
            group.create_task(self._pour_silence(pour), name="mqtt silence")

    def _of(self, devices: Iterable[Device]) -> Topics:
        topics = topics_of(devices, self._profiles)
        for problem in topics.problems:
            log.warning("%s", problem)
        return topics

    async def _listen(self, tls: ssl.SSLContext | None) -> None:
        wait_s = _FIRST_WAIT_S
        while True:
            trouble = ""
            for protocol in tuple(self._protocols):
                there_was, trouble = await self._converse(protocol, tls)
                if there_was:
                    wait_s = _FIRST_WAIT_S
                    break
            self._is_down(trouble)
            await asyncio.sleep(wait_s * random.uniform(0.8, 1.2))  # noqa: S311 - spread only
            wait_s = min(2 * wait_s, _LONGEST_WAIT_S)

    async def _converse(
        self, protocol: aiomqtt.ProtocolVersion, tls: ssl.SSLContext | None
    ) -> tuple[bool, str]:
        """Listen until the connection ends; return whether there was one, and why it ended."""
        there_was, trouble = False, ""
        try:
            async with self._client(protocol, tls) as client, asyncio.TaskGroup() as group:
                there_was = True
                self._protocols.sort(key=lambda known: known is not protocol)
                group.create_task(self._subscribe(client), name="mqtt subscribe")
                self._is_up()
                async for message in client.messages:
                    self._gather(message)
        except* (aiomqtt.MqttError, OSError) as group:
            trouble = _first(group)
        return there_was, trouble

    def _client(
        self, protocol: aiomqtt.ProtocolVersion, tls: ssl.SSLContext | None
    ) -> aiomqtt.Client:
        url = urlsplit(self._config.url or "")
        secret = self._config.password
        v5 = protocol is aiomqtt.ProtocolVersion.V5
        return aiomqtt.Client(
            url.hostname or "127.0.0.1",
            url.port or (8883 if tls else 1883),
            username=self._config.username,
            password=secret.reveal() if secret is not None else None,
            identifier=self._config.client_id,
            protocol=protocol,
            clean_session=None if v5 else True,  # with 5, aiomqtt starts clean by itself
            keepalive=_KEEPALIVE_S,
            timeout=_TIMEOUT_S,
            tls_context=tls,
            logger=_PAHO,
        )

    async def _subscribe(self, client: aiomqtt.Client) -> None:
        """Subscribe to what the devices publish, and again when that changes."""
        subscribed: frozenset[str] = frozenset()
        while True:
            self._changed.clear()
            wanted = self._topics.filters
            for old in sorted(subscribed - wanted):
                await client.unsubscribe(old)
            for new in sorted(wanted - subscribed):
                for code in await client.subscribe(new, qos=1):
                    if (code if isinstance(code, int) else code.value) >= _REFUSED:
                        log.warning("%s: refuses a subscription to %s", self._broker, new)
            subscribed = wanted
            await self._changed.wait()

    @property
    def _broker(self) -> str:
        url = urlsplit(self._config.url or "")
        return f"{url.hostname}:{url.port}" if url.port else f"{url.hostname}"

    def _is_up(self) -> None:
        log.info("%s: connected, listening to %d topics", self._broker, len(self._topics.routes))
        self._up_since = self._clock()
        self._troubles.clear()
        self._connected(True)  # noqa: FBT003 - a gauge's value

    def _is_down(self, trouble: str) -> None:
        """Say each trouble of an outage once."""
        if trouble not in self._troubles:
            log.warning("%s: no connection (%s), trying again", self._broker, trouble)
            self._troubles.add(trouble)
        if self._up_since is not None:
            self._up_since = None
            self._connected(False)  # noqa: FBT003 - a gauge's value

    def _gather(self, message: aiomqtt.Message) -> None:
        payload = message.payload if isinstance(message.payload, bytes) else b""
        self._gathered.append(
            Message(message.topic.value, payload, self._clock(), bool(message.retain))
        )
        if len(self._gathered) >= self._crowd:
            # accounting cannot follow: the last message of a topic contains those before it
            self._gathered = list({each.topic: each for each in self._gathered}.values())
            self._crowd = max(_CROWD, 2 * len(self._gathered))
        self._something.set()
        if len(self._gathered) >= self._most:
            self._full.set()

    async def _pour_bursts(self, pour: Pour) -> None:
        while True:
            await self._something.wait()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._burst_s):
                    await self._full.wait()
            burst, self._gathered = self._gathered, []
            self._something.clear()
            self._full.clear()
            for poll in self._hearing.polls(burst):
                await pour(poll)
            for reason, n in self._hearing.rejected.items():
                if n:
                    self._rejected(reason, n)
            self._hearing.rejected.clear()

    async def _pour_silence(self, pour: Pour) -> None:
        """Say who has not been heard for long, though the broker is there."""
        while True:
            await asyncio.sleep(self._patience.total_seconds() / 10)
            if self._up_since is not None:
                now = self._clock()
                for poll in self._hearing.unheard(self._up_since, now, self._patience):
                    await pour(poll)


def _first(group: BaseExceptionGroup[BaseException]) -> str:
    """Return what the first error of *group* has to say."""
    first: BaseException = group
    while isinstance(first, BaseExceptionGroup):
        first = first.exceptions[0]
    return str(first.__cause__ or first) or type(first).__name__


def _tls(config: MqttConfig) -> ssl.SSLContext | None:
    """Return how to speak to a broker at mqtts://; None for mqtt://."""
    if urlsplit(config.url or "").scheme != "mqtts":
        return None
    try:
        return ssl.create_default_context(cafile=config.ca)
    except (OSError, ssl.SSLError) as exc:
        raise ConfigError(f"[collect.mqtt] ca: cannot use {config.ca}: {exc}") from None
