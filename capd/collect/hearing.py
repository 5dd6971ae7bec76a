"""What was heard in a burst of MQTT messages becomes polls; remembers what each topic has shown."""

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from capd.collect.decode import Refused, collectd, mapped, payloads, telegraf
from capd.collect.decode.payloads import Pair, Proof, Sample, Told
from capd.collect.topics import Kind, Route
from capd.model import DeviceId, Down, Poll, Reading
from capd.published import MqttCollect

log = logging.getLogger(__name__)

_UPTIME_KEEPS_S = 90.0  # how far from a reading an uptime may be, to speak of it
_MOST_BYTES = 64 * 1024
_NONE, _SAY_AGAIN = timedelta(0), timedelta(seconds=60)
_Read = Callable[[bytes, MqttCollect, Sequence[str | None]], Told]
_READ: Mapping[Kind, _Read] = {
    "octets": collectd.read_octets,
    "uptime": collectd.read_uptime,
    "json": mapped.read,
    "telegraf": telegraf.read,
}


class Message(NamedTuple):
    """A message as it arrived; *retained* is the broker's mark of an old one.

    One that the broker kept while capd was away is *late*: it may be older than its arrival.
    """

    topic: str
    payload: bytes
    at: datetime
    retained: bool
    late: bool = False


@dataclass(slots=True)
class _Said:
    """What one device said in one burst."""

    at: datetime
    readings: dict[tuple[str, datetime | None], Reading] = field(default_factory=dict)
    problems: dict[str, None] = field(default_factory=dict)  # a set that keeps its order


_NO_PROOF = Proof()


class Hearing:
    """Turns messages into polls. Identity is the topic's: the broker protects it, not payloads."""

    def __init__(self, routes: Mapping[str, Route]) -> None:
        self.routes = routes
        self._know_each_other()
        self._proofs: dict[tuple[str, str | None], Proof] = {}
        self._uptimes: dict[DeviceId, tuple[float, datetime]] = {}
        self._complaints: dict[str, str] = {}
        self._said: dict[str, tuple[str, datetime]] = {}  # in the log, of each topic
        self._heard: dict[DeviceId, datetime] = {}
        self._silent: set[DeviceId] = set()
        self.rejected: Counter[str] = Counter()  # by reason, until somebody takes it

    def follow(self, routes: Mapping[str, Route]) -> None:
        """Hear by *routes* from now on; what topics have shown is kept where they stay."""
        self.routes = routes
        self._know_each_other()
        devices = {route.device for route in routes.values()}
        self._proofs = {key: p for key, p in self._proofs.items() if key[0] in routes}
        self._complaints = {t: c for t, c in self._complaints.items() if t in routes}
        self._said = {t: said for t, said in self._said.items() if t in routes}
        self._uptimes = {d: u for d, u in self._uptimes.items() if d in devices}
        self._heard = {d: at for d, at in self._heard.items() if d in devices}
        self._silent &= devices

    def polls(self, burst: Iterable[Message]) -> list[Poll]:
        """Return one poll for each device that was heard in *burst*."""
        known = [(self.routes.get(message.topic), message) for message in burst]
        self.rejected["unknown_topic"] += sum(route is None for route, _ in known)
        said: dict[DeviceId, _Said] = {}
        mine = [(route, message) for route, message in known if route is not None]
        told = [(route, message, self._told(route, message)) for route, message in mine]
        for route, message, what in told:  # first the uptimes, for all counters of the burst
            self._note_presence(route.device, message)
            if what.uptime is not None and not message.retained:
                self._note_uptime(route.device, message, what.uptime)
        for route, message, what in told:
            if route.meters:
                one = said.setdefault(route.device, _Said(message.at))
                one.at = message.at
                self._hear(route, message, what, one)
            else:
                self.rejected.update(each.reason for each in what.refused)
                text = "; ".join(each.text for each in what.refused)
                self._complain(message.topic, text, message.at)
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

    def complaint(self, topic: str) -> str | None:
        """Return what is wrong with *topic* at the moment, None if nothing is."""
        return self._complaints.get(topic) or None

    def uptime_of(self, device: DeviceId) -> float | None:
        """Return the uptime that *device* last told on a topic of its own, in seconds."""
        told = self._uptimes.get(device)
        return None if told is None else told[0]

    def _note_presence(self, device: DeviceId, message: Message) -> None:
        if message.retained:
            return
        self._heard[device] = message.at
        if device in self._silent:
            self._silent.discard(device)
            log.info("%s: heard again", device)

    def _note_uptime(
        self, device: DeviceId, message: Message, told: tuple[float, datetime | None]
    ) -> None:
        at, skewed = payloads.when(told[1], message.at)
        self.rejected["clock_skew"] += skewed
        if not (message.late and (skewed or told[1] is None)):  # else: an uptime of when?
            self._uptimes[device] = (told[0], at)

    def _know_each_other(self) -> None:
        """Learn the names and serials by which one device could be taken for another."""
        routes = self.routes.values()
        self._names = {route.name.casefold(): route.device for route in routes}
        self._serials = {route.serial: route.device for route in routes if route.serial}

    def _told(self, route: Route, message: Message) -> Told:
        """Return what *message* says, unless it is another device's."""
        if len(message.payload) > _MOST_BYTES:
            return Told(refused=(Refused(reason="too_large", text="is larger than 64 KiB"),))
        told = _READ[route.kind](message.payload, route.mqtt, route.names)
        strange = self._stranger(route, told)
        return told if strange is None else Told(refused=(strange,))

    def _stranger(self, route: Route, told: Told) -> Refused | None:
        for name in told.names:
            other = self._names.get(name.casefold(), route.device) != route.device
            wrong = route.mqtt.name_must_match and name.casefold() != route.name.casefold()
            if other or wrong:
                text = (
                    f"comes from a device that calls itself {name!r:.60}: give it that name in "
                    f"the inventory (mqtt.name), or let it publish to topics of its own"
                )
                return Refused(reason="identity", text=text)
        for serial in {sample.serial for sample in told.samples if sample.serial}:
            owner = self._serials.get(serial, route.device)
            if owner != route.device:
                text = f"has the serial {serial!r:.60}, which is {owner}'s in the inventory"
                return Refused(reason="identity", text=text)
        return None

    def _hear(self, route: Route, message: Message, told: Told, said: _Said) -> None:
        refused = list(told.refused)
        for sample in told.samples:
            key = (message.topic, sample.if_name)
            self._proofs[key], doubt = payloads.proven(
                self._proofs.get(key, _NO_PROOF),
                sample.found,
                zeros_prove=route.kind != "octets",
            )
            if doubt is not None:
                refused.append(doubt)
            elif not isinstance(sample.found, Refused):
                self._take(route, message, said, sample, sample.found)
        self.rejected.update(each.reason for each in refused)
        texts = dict.fromkeys(each.text for each in refused)
        said.problems |= {f"{message.topic} {text}": None for text in texts}
        self._complain(message.topic, "; ".join(texts), message.at)

    def _take(
        self, route: Route, message: Message, said: _Said, sample: Sample, found: Pair
    ) -> None:
        at, skewed = payloads.when(found.at, message.at)
        self.rejected["clock_skew"] += skewed
        timed = found.at is not None and not skewed
        told_s = sample.uptime_s if timed or not message.late else None
        for meter in route.meters:
            if route.kind != "octets" and meter.if_name != sample.if_name:
                continue
            down_is_rx = meter.down is not Down.OUT
            # of several without a time of their own the last one says it all: counters are sums
            place = (meter.id, at if timed else None)
            said.readings.pop(place, None)
            said.readings[place] = Reading(
                device=route.device,
                meter=meter.id,
                at=at,
                down_bytes=found.rx if down_is_rx else found.tx,
                up_bytes=found.tx if down_is_rx else found.rx,
                uptime_s=self._uptime_at(route.device, at) if told_s is None else told_s,
                counter_bits=meter.counter_bits or route.mqtt.counter_bits,
                link_bps=meter.link_bps,
                identity=sample.serial,
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

    def _complain(self, topic: str, text: str, at: datetime) -> None:
        """Say it when what is wrong with *topic* becomes different; empty: nothing is.

        At most once a minute of a topic: whoever publishes nonsense of all kinds fills no disk.
        """
        self._complaints[topic] = text
        told, told_at = self._said.get(topic, ("", None))
        if text == told or (text and told_at is not None and _NONE <= at - told_at < _SAY_AGAIN):
            return
        self._said[topic] = (text, at)
        if text:
            log.warning("%s %s", topic, text)
        else:
            log.info("%s is understood again", topic)
