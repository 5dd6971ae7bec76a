"""See what is published and what capd makes of it, beside a daemon and without disturbing it."""

import secrets
from collections.abc import AsyncGenerator, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from capd.clock import Clock
from capd.collect.broker import BrokerLost, Manner, Session, name_of, session, tls_of
from capd.collect.hearing import Hearing, Message
from capd.collect.topics import Route, topics_of
from capd.config import MqttConfig
from capd.errors import CannotBeDone
from capd.model import Device, DeviceId, Reading
from capd.profiles import Profile
from capd.strict import did_you_mean


@dataclass(frozen=True, slots=True, kw_only=True)
class Sniffed:
    """What a message says of one meter, or why it says nothing (`reason`, and a sentence)."""

    at: datetime
    topic: str
    retained: bool
    device: DeviceId | None = None
    meter: str | None = None
    down_bytes: int | None = None
    up_bytes: int | None = None
    age_s: float | None = None  # None: the message bears no time that can be believed
    uptime_s: float | None = None
    reason: str | None = None  # as in capd_mqtt_rejected_total; None: it is understood
    text: str | None = None


class Sniffer:
    """Reads messages as the daemon would, one by one, with a memory of its own."""

    def __init__(self, devices: Iterable[Device], profiles: Mapping[str, Profile]) -> None:
        self.topics = topics_of(devices, profiles)
        self._hearing = Hearing(self.topics.routes)

    def read(self, message: Message) -> Iterator[Sniffed]:
        """Yield what *message* says: a line for each meter, or for each thing that is wrong."""
        route = self.topics.routes.get(message.topic)
        if route is None:
            yield self._said(message, reason="unknown_topic", text=self._stranger(message.topic))
            return
        self._hearing.rejected.clear()
        polls = self._hearing.polls([message])
        skewed = self._hearing.rejected.pop("clock_skew", 0)
        reasons = [reason for reason, n in self._hearing.rejected.items() if n]
        for poll in polls:
            for reading in poll.readings:
                yield self._understood(message, reading, skewed=bool(skewed))
        if reasons:
            text = self._hearing.complaint(message.topic)
            yield self._said(message, device=route.device, reason=", ".join(reasons), text=text)
        elif not any(poll.readings for poll in polls):
            yield self._beside(message, route)

    def _said(
        self,
        message: Message,
        *,
        device: DeviceId | None = None,
        reason: str | None = None,
        text: str | None = None,
        uptime_s: float | None = None,
    ) -> Sniffed:
        return Sniffed(
            at=message.at, topic=message.topic, retained=message.retained, device=device,
            reason=reason, text=text, uptime_s=uptime_s,
        )  # fmt: skip

    def _understood(self, message: Message, reading: Reading, *, skewed: bool) -> Sniffed:
        age_s = (message.at - reading.at).total_seconds() if reading.at != message.at else None
        return Sniffed(
            at=message.at,
            topic=message.topic,
            retained=message.retained,
            device=reading.device,
            meter=reading.meter,
            down_bytes=reading.down_bytes,
            up_bytes=reading.up_bytes,
            age_s=age_s,
            uptime_s=reading.uptime_s,
            text="its clock is wrong: the time of arrival is used" if skewed else None,
        )

    def _beside(self, message: Message, route: Route) -> Sniffed:
        """Return what a message without counters is good for."""
        uptime_s = None if route.meters else self._hearing.uptime_of(route.device)
        text = "the uptime" if uptime_s is not None else "nothing for a meter of this device"
        return self._said(message, device=route.device, text=text, uptime_s=uptime_s)

    def _stranger(self, topic: str) -> str:
        """Return which level of *topic* is unknown, and what may be meant."""
        levels = topic.split("/")
        for place, level in enumerate(levels):
            near = {
                known[place]: route
                for name, route in self.topics.routes.items()
                if (known := name.split("/"))[:place] + known[place + 1 :]
                == levels[:place] + levels[place + 1 :]
            }
            if near:
                guess = did_you_mean(level, near).removesuffix(".")
                return f"{level!r} is in no topic of the inventory's devices.{guess}".rstrip(".")
        return "no device of the inventory publishes here"


async def sniff(
    config: MqttConfig, sniffer: Sniffer, filters: Iterable[str], clock: Clock
) -> AsyncGenerator[Sniffed, None]:
    """Yield what is published to *filters*, for ever, in a session of its own.

    Raises CannotBeDone where the broker is not there, or refuses every filter.
    """
    tls = tls_of(config)
    client_id = f"capd-sniff-{secrets.token_hex(4)}"
    for v5 in (True, False):
        try:
            async with session(config, tls, Manner(v5=v5, client_id=client_id, bare=True)) as talk:
                await _subscribe(talk, filters)
                async for topic, payload, retained, receipt in talk.arrivals():
                    for sniffed in sniffer.read(Message(topic, payload, clock(), retained)):
                        yield sniffed
                    if receipt is not None:
                        talk.acknowledge(receipt)
        except BrokerLost as exc:
            if not (v5 and exc.other_version):
                raise CannotBeDone(f"{name_of(config)}: no connection ({exc})") from None


async def _subscribe(talk: Session, filters: Iterable[str]) -> None:
    wanted = sorted(filters)
    allowed = [await talk.subscribe(each, again=False, qos=0) for each in wanted]
    if not any(allowed):
        raise CannotBeDone(f"the broker allows no subscription to {', '.join(wanted)}")
