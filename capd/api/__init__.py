"""HTTP: what a scraper and a watchdog ask, and /api/v1 for billing, NOC, field and portal.

A handler reads, or writes a fact; it never changes a device.
"""

from aiohttp import web

from capd.api import events, field, network, notices, people, signal, telling, work
from capd.api.requests import READ_S
from capd.api.server import Api, host_and_port
from capd.api.v1 import V1
from capd.api.watch import Ready
from capd.clock import Clock
from capd.house import House

__all__ = ["V1", "Api", "Ready", "host_and_port", "table", "v1"]


def v1(
    house: House,
    clock: Clock,
    streams: events.Streams,
    signals: signal.Signals,
    *,
    read_s: float = READ_S,
) -> V1:
    """Return /api/v1 over *house*."""
    return V1(
        house,
        clock,
        (
            *people.CALLS,
            *telling.CALLS,
            *network.CALLS,
            *work.CALLS,
            *notices.CALLS,
            *field.CALLS,
            *signal.calls(signals),
            *events.calls(streams),
        ),
        read_s=read_s,
    )


def table(
    house: House, clock: Clock, *, streams: int, signals: signal.Signals
) -> web.RouteTableDef:
    """Return the routes of /api/v1; at most *streams* clients follow the events at once."""
    return v1(house, clock, events.Streams(streams, house.metrics), signals).routes()
