"""What was heard in a burst of MQTT messages becomes polls; remembers what each topic has shown."""

import logging
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from capd.collect.decode import Refused, payloads
from capd.collect.decode.payloads import Pair, Proof
from capd.collect.topics import Route
from capd.model import DeviceId, Down, Meter, Poll, Reading

log = logging.getLogger(__name__)

_UPTIME_KEEPS_S = 90.0  # how far from a reading an uptime may be, to speak of it
_MOST_BYTES = 64 * 1024


class Message(NamedTuple):
    """A message as it arrived; *retained* is the broker's mark of an old one."""

    topic: str
    payload: bytes
    at: datetime
    retained: bool


@dataclass(slots=True)
class _Said:
    """What one device said in one burst."""

    at: datetime
    readings: dict[tuple[str, datetime | None], Reading] = field(default_factory=dict)
    problems: dict[str, None] = field(default_factory=dict)  # a set that keeps its order


class Hearing:
    """Turns messages into polls. Identity is the topic's: the broker protects it, not payloads."""

    def __init__(self, routes: Mapping[str, Route]) -> None:
        self.routes = routes
        self._proofs: dict[str, Proof] = {}
        self._uptimes: dict[DeviceId, tuple[float, datetime]] = {}
        self._complaints: dict[str, str] = {}
        self._heard: dict[DeviceId, datetime] = {}
        self._silent: set[DeviceId] = set()
        self.rejected: Counter[str] = Counter()  # by reason, until somebody takes it

    def follow(self, routes: Mapping[str, Route]) -> None:
        """Hear by *routes* from now on; what topics have shown is kept where they stay."""
        self.routes = routes
        devices = {route.device for route in routes.values()}
        self._proofs = {t: p for t, p in self._proofs.items() if t in routes}
        self._complaints = {t: c for t, c in self._complaints.items() if t in routes}
        self._uptimes = {d: u for d, u in self._uptimes.items() if d in devices}
        self._heard = {d: at for d, at in self._heard.items() if d in devices}
        self._silent &= devices

    def polls(self, burst: Iterable[Message]) -> list[Poll]:
        """Return one poll for each device that was heard in *burst*."""
        known = [(self.routes.get(message.topic), message) for message in burst]
        self.rejected["unknown_topic"] += sum(route is None for route, _ in known)
        said: dict[DeviceId, _Said] = {}
        mine = [(route, message) for route, message in known if route is not None]
        for route, message in mine:  # first the uptimes, for all counters of the burst
            self._note_presence(route.device, message)
            if route.kind == "uptime":
                self._note_uptime(route, message)
        for route, message in mine:
            if route.kind != "uptime":
                one = said.setdefault(route.device, _Said(message.at))
                one.at = message.at
                self._hear(route, message, one)
        return [
            Poll(
                device=device,
                protocol="mqtt",
                at=one.at,
                readings=tuple(one.readings.values()),
                problem="; ".join(one.problems) or None,
            )
            for device, one in said.items()
        ]

    def unheard(self, since: datetime, now: datetime, patience: timedelta) -> list[Poll]:
        """Return a poll for each device that has just become silent, said once.

        *since* is when the broker was reached: before that nobody could be heard.
        """
        devices = {route.device for route in self.routes.values()}
        late = {d for d in devices if now - max(self._heard.get(d, since), since) > patience}
        fresh = sorted(late - self._silent)
        self._silent |= late
        text = f"nothing heard for {patience.total_seconds() / 60:g} min"
        for device in fresh:
            log.warning("%s: %s", device, text)
        return [
            Poll(device=d, protocol="mqtt", at=now, problem=text, unreachable=True) for d in fresh
        ]

    def _note_presence(self, device: DeviceId, message: Message) -> None:
        if message.retained:
            return
        self._heard[device] = message.at
        if device in self._silent:
            self._silent.discard(device)
            log.info("%s: heard again", device)

    def _note_uptime(self, route: Route, message: Message) -> None:
        heard = payloads.uptime(message.payload)
        if isinstance(heard, Refused):
            self.rejected[heard.reason] += 1
            self._complain(message.topic, heard.text)
        elif not message.retained:
            at, skewed = payloads.when(heard[1], message.at)
            self.rejected["clock_skew"] += skewed
            self._uptimes[route.device] = (heard[0], at)

    def _hear(self, route: Route, message: Message, said: _Said) -> None:
        refused: list[Refused] = []
        if len(message.payload) > _MOST_BYTES:
            refused.append(Refused(reason="too_large", text="is larger than 64 KiB"))
        elif route.kind == "octets":
            refused.extend(self._hear_octets(route, message, said))
        else:
            refused.extend(self._hear_json(route, message, said))
        self.rejected.update(each.reason for each in refused)
        texts = dict.fromkeys(each.text for each in refused)
        said.problems |= {f"{message.topic} {text}": None for text in texts}
        self._complain(message.topic, "; ".join(texts))

    def _hear_octets(self, route: Route, message: Message, said: _Said) -> Sequence[Refused]:
        found = payloads.octets(message.payload, route.mqtt.counter_bits)
        before = self._proofs.get(message.topic, Proof())
        self._proofs[message.topic], refused = payloads.proven(before, found)
        if refused is not None:
            return (refused,)
        if isinstance(found, Refused):
            return (found,)
        self._take(route, message, said, meters=route.meters, found=found)
        return ()

    def _hear_json(self, route: Route, message: Message, said: _Said) -> Sequence[Refused]:
        if route.mqtt.map is None:
            return ()
        told = payloads.document(message.payload, route.mqtt.map)
        if isinstance(told, Refused):
            return (told,)
        refused = []
        for meter in route.meters:
            found = payloads.pair_in(told, route.mqtt, meter.if_name)
            if isinstance(found, Refused):
                refused.append(found)
            else:
                self._take(route, message, said, meters=(meter,), found=found, told=told)
        return refused

    def _take(
        self,
        route: Route,
        message: Message,
        said: _Said,
        *,
        meters: Iterable[Meter],
        found: Pair,
        told: payloads.Payload | None = None,
    ) -> None:
        at, skewed = payloads.when(found.at, message.at)
        self.rejected["clock_skew"] += skewed
        for meter in meters:
            down_is_rx = meter.down is Down.IN
            # of several without a time of their own the last one says it all: counters are sums
            place = (meter.id, None if found.at is None or skewed else at)
            said.readings.pop(place, None)
            said.readings[place] = Reading(
                device=route.device,
                meter=meter.id,
                at=at,
                down_bytes=found.rx if down_is_rx else found.tx,
                up_bytes=found.tx if down_is_rx else found.rx,
                uptime_s=told.uptime_s if told else self._uptime_at(route.device, at),
                counter_bits=meter.counter_bits or route.mqtt.counter_bits,
                link_bps=meter.link_bps,
                identity=told.serial if told else None,
                retained=message.retained,
            )

    def _uptime_at(self, device: DeviceId, at: datetime) -> float | None:
        """Return the uptime of *device* at the moment *at*, where one was heard near it."""
        if device not in self._uptimes:
            return None
        uptime_s, heard_at = self._uptimes[device]
        since_s = (at - heard_at).total_seconds()
        near = abs(since_s) <= _UPTIME_KEEPS_S and uptime_s + since_s >= 0
        return uptime_s + since_s if near else None

    def _complain(self, topic: str, text: str) -> None:
        """Say it when what is wrong with *topic* becomes different; empty: nothing is."""
        if text == self._complaints.get(topic, ""):
            return
        if text:
            self._complaints[topic] = text
            log.warning("%s %s", topic, text)
        else:
            del self._complaints[topic]
            log.info("%s is understood again", topic)
