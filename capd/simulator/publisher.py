"""Routers that publish their counters over MQTT, in collectd's plain form or as JSON."""

import asyncio
import json
import logging
from collections.abc import Iterable
from enum import StrEnum

import aiomqtt

from capd.simulator.box import Box

_AGAIN_S = 1.0


class Style(StrEnum):
    """What a router's messages look like."""

    COLLECTD = "collectd"  # plain `EPOCH.mmm:RX:TX`, ended by a NUL as up to collectd 5.12
    JSON = "json"  # one object a message, as `generic_mqtt_json` describes it


def messages(box: Box, style: Style) -> Iterable[tuple[str, bytes]]:
    """Return the topics and payloads that *box* publishes at this moment."""
    if style is Style.COLLECTD:
        return _collectd(box)
    return [(f"capd/{box.name}/counters", _json(box))]


def _collectd(box: Box) -> Iterable[tuple[str, bytes]]:
    at = f"{box.clock().timestamp():.3f}"
    yield f"collectd/{box.name}/uptime/uptime", f"{at}:{box.uptime_s():.0f}\0".encode()
    for port in box.ports:
        if port.up:
            topic = f"collectd/{box.name}/interface-{port.name}/if_octets"
            yield topic, f"{at}:{port.in_bytes}:{port.out_bytes}\0".encode()


def _json(box: Box) -> bytes:
    ports = {
        port.name: {"rx": port.in_bytes, "tx": port.out_bytes} for port in box.ports if port.up
    }
    return json.dumps(
        {
            "v": 1,
            "sn": f"SIM-{box.name}",
            "at": box.clock().isoformat(),
            "uptime": round(box.uptime_s(), 3),
            "if": ports,
        }
    ).encode()


class Publisher:
    """One router's own connection to the broker; a broker that goes away is awaited."""

    def __init__(self, box: Box, style: Style, *, host: str, port: int, every_s: float) -> None:
        self._box, self._style = box, style
        self._host, self._port, self._every_s = host, port, every_s
        self.published = 0

    async def run(self) -> None:
        """Publish for ever; end only by cancellation."""
        while True:
            try:
                async with aiomqtt.Client(
                    self._host,
                    self._port,
                    identifier=self._box.name,
                    logger=_SILENT,
                    timeout=10,
                ) as client:
                    while True:
                        await self._publish(client)
                        await asyncio.sleep(self._every_s)
            except aiomqtt.MqttError:
                await asyncio.sleep(_AGAIN_S)

    async def _publish(self, client: aiomqtt.Client) -> None:
        if self._box.faults.silent:
            return
        for topic, payload in messages(self._box, self._style):
            await client.publish(topic, payload, qos=1)
            self.published += 1


_SILENT = logging.getLogger(f"{__name__}.paho")
_SILENT.setLevel(logging.CRITICAL)
