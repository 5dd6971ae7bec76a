"""The real HTTP server over real books, and a client with a token for each role."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp

from capd.api import Api, v1
from capd.api.events import Streams
from capd.api.signal import Signals
from capd.clock import utc_now
from capd.errors import NoSuch
from capd.model import TokenRole
from capd.tokens import create

PREFIX = "/api/v1"


async def _no_radio(device, after):
    raise NoSuch(f"there is no device {device!r}")


async def _ready():
    return {}


@dataclass(frozen=True)
class Said:
    """What was answered."""

    status: int
    body: Any
    headers: Any

    @property
    def events(self):
        return [event["kind"] for event in self.body["events"]]


class Client:
    """Asks as whoever a test wants to be."""

    def __init__(self, http: aiohttp.ClientSession, tokens: dict[str, str]) -> None:
        self.http = http
        self.tokens = tokens

    def headers(self, role: str | None, more: dict[str, str] | None = None) -> dict[str, str]:
        given = {} if role is None else {"Authorization": f"Bearer {self.tokens[role]}"}
        return given | (more or {})

    async def ask(self, method, path, *, role="noc", key=None, json=None, data=None, **headers):
        more = {name.replace("_", "-"): value for name, value in headers.items()}
        if key is not None:
            more["Idempotency-Key"] = key
        sent = {"json": json} if data is None else {"data": data}
        async with self.http.request(
            method, PREFIX + path, headers=self.headers(role, more), **sent
        ) as answer:
            body = await answer.json(content_type=None)
            if answer.status >= 400:
                assert answer.content_type == "application/problem+json"
                assert body["status"] == answer.status
            return Said(answer.status, body, answer.headers)

    async def get(self, path, **more):
        return await self.ask("GET", path, **more)

    async def post(self, path, body=None, **more):
        return await self.ask("POST", path, json=body, **more)

    async def delete(self, path, **more):
        return await self.ask("DELETE", path, **more)


@asynccontextmanager
async def an_api(
    house,
    *,
    clock=utc_now,
    streams=5,
    beat_s=15.0,
    slow_s=10.0,
    read_s=20.0,
    idle_s=30.0,
    portal="S-1",
    tokens=None,
    signals=None,
) -> AsyncIterator[Client]:
    """Serve *house* on a free port, with a token for each role; the portal's is *portal*'s."""
    tokens = tokens or {
        role.value: await create(
            house.store,
            f"the-{role}",
            role,
            subscriber=portal if role is TokenRole.PORTAL else None,
            author="test",
            now=clock(),
        )
        for role in TokenRole
    }
    api = Api(
        "127.0.0.1:0",
        house.metrics,
        _ready,
        tables=[
            v1(
                house,
                clock,
                Streams(streams, house.metrics, beat_s=beat_s, slow_s=slow_s),
                signals or Signals(_no_radio, house.metrics),
                read_s=read_s,
            ).routes()
        ],
        idle_s=idle_s,
    )
    address = await api.start()
    try:
        async with aiohttp.ClientSession(base_url=address) as http:
            client = Client(http, tokens)
            client.server = api
            yield client
    finally:
        await api.stop()
