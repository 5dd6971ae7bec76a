"""Pure: Telegraf's `net` and `system`: line protocol, or JSON, one metric a message or a batch."""

from collections.abc import Iterable, Sequence
from datetime import datetime

import orjson

from capd.collect.decode import Refused, counter
from capd.collect.decode.influx import Metric, metrics
from capd.collect.decode.payloads import Pair, Sample, Told, moment_in
from capd.published import MqttCollect, TimeUnit

_ALL = "all"  # Linux: a row of protocols' counters that belongs to no interface
_LONGEST_S = 2**40
RATES = (
    "is a decimal, so a rate and no counter: let [[inputs.net]] through as it counts; take the "
    "derivative aggregator and the converter of net out of telegraf.conf"
)
_NOT_TELEGRAF = Refused(reason="undecodable", text="is not JSON as Telegraf writes it")


def read(payload: bytes, mqtt: MqttCollect, names: Sequence[str | None]) -> Told:
    """Return what a message says of the interfaces *names*, and the uptime if it has one."""
    json = payload.lstrip()[:1] in (b"{", b"[")
    found = _json(payload, mqtt.time_unit) if json else metrics(payload)
    if isinstance(found, Refused):
        return Told(refused=(found,))
    samples, seen = list[Sample](), list[str]()
    for metric in found:
        interface = metric.tags.get("interface", _ALL)
        if metric.name != "net" or interface == _ALL:
            continue
        if interface in names:
            samples.append(Sample(interface, _pair(metric, mqtt.counter_bits)))
        else:
            seen.append(interface)
    hosts = {m.tags["host"]: None for m in found if m.tags.get("host")}
    return Told(samples=tuple(samples), uptime=_uptime(found), names=tuple(hosts), seen=tuple(seen))


def _pair(metric: Metric, bits: int) -> Pair | Refused:
    counts: list[int] = []
    for field in ("bytes_recv", "bytes_sent"):
        value = metric.fields.get(field)
        if isinstance(value, float):
            return Refused(reason="rate_not_counter", text=f"{field} {RATES}")
        count = counter(value, bits, 1, field)
        if isinstance(count, Refused):
            return count
        counts.append(count)
    return Pair(counts[0], counts[1], metric.at)


def _uptime(found: Iterable[Metric]) -> tuple[float, datetime | None] | None:
    for metric in found:
        value = metric.fields.get("uptime") if metric.name == "system" else None
        if isinstance(value, int | float) and 0 <= value < _LONGEST_S:
            return float(value), metric.at
    return None


def _json(payload: bytes, unit: TimeUnit) -> list[Metric] | Refused:
    try:
        tree = orjson.loads(payload.rstrip(b"\0"))
    except orjson.JSONDecodeError as exc:
        return Refused(reason="undecodable", text=f"is not JSON: {exc}")
    batch = tree.get("metrics", [tree]) if isinstance(tree, dict) else tree
    if not isinstance(batch, list):
        return _NOT_TELEGRAF
    found: list[Metric] = []
    for each in batch:
        one = _metric(each, unit)
        if isinstance(one, Refused):
            return one
        found.append(one)
    return found


def _metric(each: object, unit: TimeUnit) -> Metric | Refused:
    if not isinstance(each, dict):
        return _NOT_TELEGRAF
    name, tags, fields = each.get("name"), each.get("tags", {}), each.get("fields")
    if not isinstance(name, str) or not isinstance(tags, dict) or not isinstance(fields, dict):
        return _NOT_TELEGRAF
    at = moment_in(each.get("timestamp"), unit)
    if isinstance(at, Refused):
        return at
    return Metric(name, {key: str(value) for key, value in tags.items()}, fields, at)
