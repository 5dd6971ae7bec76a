"""What a family of devices publishes over MQTT, as its profile says it (`[collect.mqtt]`)."""

import re
from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from capd.strict import did_you_mean
from capd.units import bytes_of

_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
TOPIC_WORDS = frozenset({"name", "ifName"})
MAP_WORDS = frozenset({"ifName"})

TimeUnit = Literal["s", "ms", "us", "ns"]


def _unit(value: object) -> object:
    """Return the bytes that a unit such as "KiB" is worth."""
    if isinstance(value, str):
        return bytes_of(value if value[:1].isdigit() else f"1{value}")
    return value


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class JsonMap(_Strict):
    """Where the values are in a JSON payload: keys between slashes, or an RFC 6901 pointer.

    `{ifName}` is the meter's, another word in braces a setting; a step `[name={ifName}]` takes the
    element of a list whose key `name` has that value.
    """

    rx_bytes: str  # as the device's interface sees it: "if/{ifName}/rx"
    tx_bytes: str
    uptime_s: str | None = None
    at: str | None = None  # since 1970 in time_unit, or RFC 3339
    serial: str | None = None
    name: str | None = None  # what the device calls itself; see name_must_match
    samples: str | None = None  # a list of such objects, each with a time of its own
    unit_bytes: Annotated[int, BeforeValidator(_unit), Field(ge=1)] = 1  # what one count is worth

    def paths(self) -> Iterator[tuple[str, str]]:
        """Yield each key whose value is a path, and the path."""
        for key, path in self:
            if isinstance(path, str):
                yield key, path


class MqttCollect(_Strict):
    """What devices of this family publish. Identity is the topic's {name}, never the payload's."""

    format: Literal["collectd", "json", "telegraf"]
    topic: str  # {name} and {ifName}, each a whole level or within one
    uptime_topic: str | None = None  # collectd: PREFIX/{name}/uptime/uptime
    counter_bits: Literal[32, 64] = 64
    time_unit: TimeUnit = "s"  # of whole numbers in JSON; line protocol has ns always
    name_must_match: bool = True  # false: a payload's name may be anything but another device's
    map: JsonMap | None = None  # for format = "json"


def placeholders(template: str) -> frozenset[str]:
    """Return the words in braces in *template*."""
    return frozenset(_PLACEHOLDER.findall(template))


def mistakes(mqtt: MqttCollect, settings: frozenset[str]) -> Iterator[str]:
    """Yield what types cannot see: values that do not go together."""
    topics = {"topic": mqtt.topic, "uptime_topic": mqtt.uptime_topic}
    for key, topic in topics.items():
        if topic is not None:
            yield from _topic_mistakes(f"collect.mqtt.{key}", topic, TOPIC_WORDS | settings)
    if mqtt.format == "json" and mqtt.map is None:
        yield 'collect.mqtt.map: must be given for format = "json": where are the counters?'
    if mqtt.format != "json" and mqtt.map is not None:
        yield f'collect.mqtt.map: says nothing for format = "{mqtt.format}", which needs none'
    if mqtt.format == "json" and mqtt.uptime_topic is not None:
        yield "collect.mqtt.uptime_topic: JSON tells its uptime beside the counters: map.uptime_s"
    if mqtt.format == "collectd" and "{ifName}" not in mqtt.topic:
        yield "collect.mqtt.topic: needs {ifName}: a collectd payload does not name its interface"
    if mqtt.map is not None:
        for key, path in mqtt.map.paths():
            yield from _unknown(f"collect.mqtt.map.{key}", path, MAP_WORDS | settings)


def _topic_mistakes(key: str, topic: str, words: frozenset[str]) -> Iterator[str]:
    yield from _unknown(key, topic, words)
    if "{name}" not in topic:
        yield f"{key}: needs {{name}}: the topic alone says which device is speaking"
    if {"+", "#"} & set(topic):
        yield f"{key}: + and # are put in by capd; write {{name}} and {{ifName}}"


def _unknown(key: str, template: str, words: frozenset[str]) -> Iterator[str]:
    for word in sorted(placeholders(template) - words):
        yield f"{key}: unknown placeholder {{{word}}}.{did_you_mean(word, words)}"
