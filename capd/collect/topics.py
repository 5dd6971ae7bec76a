"""Which topic is whose: devices and profiles become exact topics, and what to subscribe to."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from capd.model import Device, DeviceId, Meter
from capd.profiles import Profile
from capd.published import MAP_WORDS, MqttCollect, placeholders

Kind = Literal["octets", "uptime", "json", "telegraf"]
_KINDS: Mapping[str, Kind] = {"collectd": "octets", "json": "json", "telegraf": "telegraf"}


@dataclass(frozen=True, slots=True)
class Route:
    """Whose a topic is, and what its payload is."""

    device: DeviceId
    kind: Kind
    mqtt: MqttCollect
    meters: tuple[Meter, ...] = ()  # none: only an uptime is to be learnt
    name: str = ""  # the topic's, and so what a payload may call the device
    serial: str | None = None

    @property
    def names(self) -> tuple[str | None, ...]:
        """Return the interfaces that its meters are on, each once."""
        return tuple(dict.fromkeys(meter.if_name for meter in self.meters))


@dataclass(frozen=True, slots=True)
class Topics:
    """The topics of all devices, the filters that cover them, and what is wrong with some."""

    routes: Mapping[str, Route]
    filters: frozenset[str]
    problems: tuple[str, ...]


def topics_of(devices: Iterable[Device], profiles: Mapping[str, Profile]) -> Topics:
    """Return where to listen for *devices*; one that cannot be listened to is a problem, in words.

    Two meters on one interface share its topic; two devices never do: the first keeps it.
    """
    routes: dict[str, Route] = {}
    filters: set[str] = set()
    problems: list[str] = []
    for device in devices:
        profile = profiles.get(device.profile)
        if profile is None or profile.mqtt is None:
            problems.append(f"{device.id}: profile {device.profile} hears nothing over MQTT")
            continue
        try:
            found = list(_routes(device, profile, profile.mqtt))
        except ValueError as exc:
            problems.append(f"{device.id}: {exc}")
            continue
        for topic, covered_by, route in found:
            other = routes.setdefault(topic, route)
            filters.add(covered_by)
            if other is not route:
                problems.append(f"{device.id}: {topic} is the topic of {other.device} already")
    return Topics(routes, frozenset(filters), tuple(problems))


def _routes(
    device: Device, profile: Profile, mqtt: MqttCollect
) -> Iterator[tuple[str, str, Route]]:
    alone = Route(
        device.id, "uptime", mqtt, name=device.mqtt_name or device.id, serial=device.serial
    )
    if mqtt.uptime_topic is not None:
        topic, covered_by = _filled(mqtt.uptime_topic, device, profile)
        kind: Kind = "uptime" if mqtt.format == "collectd" else "telegraf"
        yield topic, covered_by, replace(alone, kind=kind)
    by_name: dict[str, list[Meter]] = {}
    for meter in device.meters:
        if meter.if_name is None and mqtt.format != "json":
            raise ValueError(f"meter {meter.id} names no interface (ifName)")
        by_name.setdefault(meter.if_name or "", []).append(meter)
    if "{ifName}" not in mqtt.topic:
        topic, covered_by = _filled(mqtt.topic, device, profile)
        kind = "json" if mqtt.format == "json" else "telegraf"
        own = _mapped(mqtt, device, profile)
        yield topic, covered_by, replace(alone, kind=kind, mqtt=own, meters=device.meters)
        return
    kind = _KINDS[mqtt.format]
    own = _mapped(mqtt, device, profile)
    for if_name, meters in by_name.items():
        # collectd has no slash in the name of an interface (Gi0/1): it writes _ for it
        topic, covered_by = _filled(mqtt.topic, device, profile, if_name.replace("/", "_"))
        yield topic, covered_by, replace(alone, kind=kind, mqtt=own, meters=tuple(meters))


def _mapped(mqtt: MqttCollect, device: Device, profile: Profile) -> MqttCollect:
    """Return *mqtt*, the settings put into the paths of its map."""
    if mqtt.map is None:
        return mqtt
    filled = {}
    for key, path in mqtt.map.paths():
        for word in placeholders(path) - MAP_WORDS:
            path = path.replace(f"{{{word}}}", _setting(word, device, profile))  # noqa: PLW2901
            filled[key] = path
    if not filled:
        return mqtt
    return mqtt.model_copy(update={"map": mqtt.map.model_copy(update=filled)})


def _setting(word: str, device: Device, profile: Profile) -> str:
    text = device.settings.get(word, profile.settings[word].default)
    if text is None:
        raise ValueError(f"settings.{word} must be given")
    return text


def _filled(
    template: str, device: Device, profile: Profile, if_name: str | None = None
) -> tuple[str, str]:
    """Return the topic, and the filter that has + for each level with a name in it."""
    words = {"name": device.mqtt_name or device.id, "ifName": if_name or ""}
    for word in placeholders(template) - words.keys():
        words[word] = _setting(word, device, profile)
    for word in placeholders(template):
        if re.search(r"[+#\0]", words[word]) or not words[word]:
            raise ValueError(f"{words[word]!r} cannot stand for {{{word}}} in the topic {template}")
    topic, covered_by = list[str](), list[str]()
    for level in template.split("/"):
        filled = level
        for word, text in words.items():
            filled = filled.replace(f"{{{word}}}", text)
        own = "{name}" in level or "{ifName}" in level
        topic.append(filled)
        covered_by += ["+" for _ in filled.split("/")] if own else [filled]
    return "/".join(topic), "/".join(covered_by)
