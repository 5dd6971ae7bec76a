"""The audit trail over HTTP, paged and while it happens: nothing left out, nothing twice."""

import asyncio
import json
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest

from capd.pipeline import accept_turn
from capd.tokens import revoke
from tests.builders import NOON, a_fact
from tests.integration.test_api_v1 import people
from tests.integration.test_pipeline import a_house
from tests.servers.api import PREFIX, an_api


def now():
    return NOON + timedelta(hours=1)


async def topup(house, number, subscriber="S-1"):
    fact = a_fact(size="1GB", reference=f"r-{number}", subscriber=subscriber)
    await accept_turn(house, fact, now=NOON)


class Stream:
    """One client that reads server-sent events as a browser does."""

    def __init__(self, answer):
        self.answer = answer
        self.comments = 0

    async def next(self):
        """Return the next event as a dictionary of its fields; None at the end."""
        fields = {}
        async with asyncio.timeout(20):
            while line := (await self.answer.content.readline()).decode():
                if line == "\n" and "data" in fields:
                    return fields
                if line.startswith(":"):
                    self.comments += 1
                name, _, value = line.rstrip("\n").partition(": ")
                fields[name] = value
        return None


@asynccontextmanager
async def following(api, query="", role="noc", **headers):
    more = {"Accept": "text/event-stream"}
    more |= {name.replace("_", "-"): value for name, value in headers.items()}
    url = f"{PREFIX}/events{query}"
    async with api.http.get(url, headers=api.headers(role, more)) as answer:
        yield Stream(answer)


async def test_events_are_paged_oldest_first_and_none_is_left_out(sqlite_store):
    house = await a_house(sqlite_store)
    for n in range(5):
        await topup(house, n)
    async with an_api(house, clock=now) as api:
        every = (await api.get("/events?limit=1000")).body["items"]
        assert [one["id"] for one in every] == list(range(1, len(every) + 1))
        seen, cursor = [], ""
        while cursor is not None:
            page = (await api.get(f"/events?limit=3{cursor}")).body
            seen += page["items"]
            cursor = page["next"] and f"&cursor={page['next']}"
        assert seen == every
        after = (await api.get(f"/events?after={every[-2]['id']}")).body
        assert after == {"items": every[-1:], "next": None}


async def test_events_of_one_subscriber_and_a_portals_are_theirs_alone(sqlite_store):
    house = await a_house(sqlite_store, inventory=people(2))
    await topup(house, 1, "S-1")
    await topup(house, 2, "S-2")
    async with an_api(house, clock=now) as api:
        of_2 = (await api.get("/events?subscriber=S-2")).body["items"]
        assert {one["subscriber"] for one in of_2} == {"S-2"}
        for query in ("", "?subscriber=S-2"):
            own = (await api.get(f"/events{query}", role="portal")).body["items"]
            assert [one["reference"] for one in own] == ["r-1"]


async def test_whoever_follows_hears_of_what_happens_from_now_on(sqlite_store):
    house = await a_house(sqlite_store)
    await topup(house, 0)
    async with an_api(house, clock=now) as api, following(api) as stream:
        assert stream.answer.content_type == "text/event-stream"
        for n in range(1, 4):
            await topup(house, n)
            event = await stream.next()
            record = json.loads(event["data"])
            assert (event["event"], record["reference"]) == ("topup", f"r-{n}")
            assert int(event["id"]) == record["id"]


@pytest.mark.parametrize("way", ["query", "header"])
async def test_whoever_comes_again_goes_on_where_they_were(sqlite_store, way):
    house = await a_house(sqlite_store)
    last = await sqlite_store.trail.last_id()
    for n in range(3):
        await topup(house, n)
    async with an_api(house, clock=now) as api:
        given = {"Last_Event_ID": str(last)} if way == "header" else {}
        query = f"?after={last}" if way == "query" else "?after=0"
        async with following(api, query, **given) as stream:
            heard = [json.loads((await stream.next())["data"])["reference"] for _ in range(3)]
        assert heard == ["r-0", "r-1", "r-2"]


async def test_a_portal_follows_its_own_subscriber(sqlite_store):
    house = await a_house(sqlite_store, inventory=people(2))
    async with an_api(house, clock=now) as api, following(api, role="portal") as stream:
        await topup(house, 1, "S-2")
        await topup(house, 2, "S-1")
        event = json.loads((await stream.next())["data"])
        assert (event["reference"], event["author"]) == ("r-2", "")


async def test_no_more_follow_than_may_and_a_place_is_free_again(sqlite_store):
    house = await a_house(sqlite_store)
    async with an_api(house, clock=now, streams=1) as api:
        async with following(api) as stream:
            assert stream.answer.status == 200
            async with following(api) as refused:
                assert refused.answer.status == 503
                assert refused.answer.headers["Retry-After"]
            assert b"capd_api_streams 1.0" in house.metrics.render()[0]
        async with asyncio.timeout(10):
            while b"capd_api_streams 0.0" not in house.metrics.render()[0]:
                await topup(house, len(await sqlite_store.trail.events()))
                await asyncio.sleep(0.05)
        async with following(api) as stream:
            assert stream.answer.status == 200


async def test_a_server_that_ends_closes_what_is_followed_cleanly(sqlite_store):
    house = await a_house(sqlite_store)
    async with an_api(house, clock=now) as api, following(api) as stream:
        async with asyncio.timeout(10):
            await api.server.stop()
            assert await stream.next() is None  # the end of the answer, and no error


async def test_a_token_that_is_revoked_hears_no_more(sqlite_store):
    house = await a_house(sqlite_store)
    async with an_api(house, clock=now, beat_s=0.05) as api, following(api) as stream:
        await revoke(sqlite_store, "the-noc", author="test", now=NOON)
        while (event := await stream.next()) is not None:
            assert event["event"] == "token_revoked"


async def test_what_is_silent_is_kept_alive(sqlite_store):
    house = await a_house(sqlite_store)
    async with an_api(house, clock=now, beat_s=0.05) as api, following(api) as stream:
        async with asyncio.timeout(10):
            while b"still here" not in await stream.answer.content.readline():
                pass


async def test_a_place_in_the_trail_that_is_none_is_refused(sqlite_store):
    house = await a_house(sqlite_store)
    async with an_api(house) as api, following(api, Last_Event_ID="x") as stream:
        assert stream.answer.status == 400
