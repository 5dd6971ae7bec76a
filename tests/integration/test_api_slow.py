"""Clients that are slow, on purpose or not: each is cut off in time, and nobody else notices."""

import asyncio
import json
import socket
from contextlib import asynccontextmanager, suppress
from urllib.parse import urlsplit

from capd.model import Event
from tests.builders import NOON
from tests.integration.test_api_events import following, now, topup
from tests.integration.test_pipeline import a_house
from tests.servers.api import PREFIX, an_api

SECONDS = 30  # generous: what is waited for comes in one


def head(api, method, path, *lines):
    """Return the head of a request as bytes, the empty line at its end left out."""
    first = f"{method} {PREFIX}{path} HTTP/1.1"
    token = f"Authorization: Bearer {api.tokens['noc']}"
    return "\r\n".join([first, "Host: capd", token, *lines, ""]).encode()


@asynccontextmanager
async def a_line(api, *said):
    """Connect by hand, with the smallest of windows, and say that."""
    door = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    door.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    door.setblocking(False)
    where = urlsplit(api.server.address)
    await asyncio.get_running_loop().sock_connect(door, (where.hostname, where.port))
    reader, writer = await asyncio.open_connection(sock=door, limit=1024)
    try:
        writer.write(b"".join(said))
        yield reader
    finally:
        writer.transport.abort()
        with suppress(ConnectionError):
            await writer.wait_closed()


async def all_of(reader):
    """Return what comes until the other end closes."""
    async with asyncio.timeout(SECONDS):
        try:
            return await reader.read()
        except ConnectionError:
            return b""


async def until(true):
    async with asyncio.timeout(SECONDS):
        while not true():  # noqa: ASYNC110 - a gauge tells nobody that it moved
            await asyncio.sleep(0.02)


async def test_a_body_that_does_not_come_is_a_408_and_changes_nothing(sqlite_store):
    house = await a_house(sqlite_store)
    async with an_api(house, clock=now, read_s=0.2) as api:
        before = await sqlite_store.trail.last_id()
        more = ("Content-Type: application/json", "Content-Length: 40", "Connection: close", "")
        asked = head(api, "POST", "/subscribers/S-1/topups", *more)
        async with a_line(api, asked, b'{"size": "1') as reader:
            answer = await all_of(reader)
    assert answer.startswith(b"HTTP/1.1 408 ")
    problem = json.loads(answer.partition(b"\r\n\r\n")[2])
    assert problem["detail"] == "the body did not come in 0.2 s"
    assert await sqlite_store.trail.last_id() == before


async def test_whoever_never_ends_the_head_of_a_request_is_cut_off(sqlite_store):
    async with an_api(await a_house(sqlite_store), idle_s=0.5) as api:
        for begin in (b"", b"GET /api/v1/sub", head(api, "GET", "/subscribers")):
            async with a_line(api, begin) as reader:
                assert await all_of(reader) == b""
        assert (await api.get("/subscribers")).status == 200


async def test_whoever_follows_may_be_silent_for_longer_than_an_idle_line(sqlite_store):
    house = await a_house(sqlite_store)
    async with an_api(house, clock=now, idle_s=0.2) as api, following(api) as stream:
        await asyncio.sleep(0.6)
        await topup(house, 1)
        assert json.loads((await stream.next())["data"])["reference"] == "r-1"


async def test_whoever_follows_and_does_not_read_is_cut_off_and_frees_the_place(sqlite_store):
    house = await a_house(sqlite_store)
    big = Event(at=NOON, kind="device_notified", text="x" * 50_000)
    for _ in range(4):
        async with sqlite_store.judging() as desk:
            await desk.record([big] * 40)  # 8 MB, more than the kernel holds for a client
    async with an_api(house, clock=now, streams=1, slow_s=0.3) as api:
        asked = head(api, "GET", "/events?after=0", "Accept: text/event-stream", "", "")
        async with a_line(api, asked):
            await until(lambda: b"capd_api_streams 1.0" in house.metrics.render()[0])
            await until(lambda: b"capd_api_streams 0.0" in house.metrics.render()[0])
        async with following(api) as stream:
            assert stream.answer.status == 200
