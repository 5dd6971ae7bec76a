"""Webhooks to a real HTTP server: signed, in order, each once by its id, again if it fails."""

import asyncio
import hashlib
import hmac
import json
import socket
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest
from aiohttp import web

from capd.config import WebhookConfig
from capd.model import Delivery, Event, SubscriberId
from capd.notify import Done
from capd.notify.webhook import Webhook
from capd.notify.worker import Worker

NOON = datetime(2026, 3, 20, 12, tzinfo=UTC)
KEY = "a secret that is long enough"


class Billing:
    """The operator's own system: what it was sent, and what it answers next (None hangs)."""

    def __init__(self):
        self.requests = []
        self.answers = []
        self.url = ""

    async def hook(self, request):
        self.requests.append((request.headers.copy(), await request.read()))
        answer = self.answers.pop(0) if self.answers else 204
        if answer is None:
            await asyncio.Event().wait()
        headers = {"Location": "/elsewhere"} if answer // 100 == 3 else None
        return web.Response(status=answer, headers=headers)

    @property
    def ids(self):
        return [headers["X-Capd-Id"] for headers, _ in self.requests]


@asynccontextmanager
async def a_billing():
    billing = Billing()
    app = web.Application()
    app.router.add_post("/hook", billing.hook)
    app.router.add_post("/elsewhere", billing.hook)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    billing.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
    try:
        yield billing
    finally:
        await runner.cleanup()


@asynccontextmanager
async def a_webhook(url, *, clock=lambda: NOON, **settings):
    door = Webhook(WebhookConfig(**{"url": url, "secret": KEY, **settings}), clock=clock)
    try:
        yield door
    finally:
        await door.close()


def a_delivery(n=7, who="S-1"):
    event = Event(
        at=NOON, kind="notice", subscriber=SubscriberId(who), clause="UC-11",
        text="80 % of the allowance is used: 80 of 100 GB — “so far”.",
        figures={"notice": "usage_80", "counted_bytes": 80_000_000_000},
    )  # fmt: skip
    return Delivery(id=n, event_id=1000 + n, channel="webhook", event=event)


def holds(headers, body, key=KEY):
    """The check that deploy/README.md tells the receiver to make."""
    signed = headers["X-Capd-Timestamp"].encode() + b"." + body
    wanted = "sha256=" + hmac.new(key.encode(), signed, hashlib.sha256).hexdigest()
    return hmac.compare_digest(wanted, headers["X-Capd-Signature"])


async def test_an_event_is_posted_as_json_with_its_id():
    async with a_billing() as billing, a_webhook(billing.url) as door:
        assert isinstance(await door.tell(a_delivery()), Done)
        ((headers, body),) = billing.requests
    assert headers["Content-Type"] == "application/json"
    assert headers["X-Capd-Id"] == "1007"
    assert json.loads(body) == {
        "id": 1007, "at": "2026-03-20T12:00:00Z", "kind": "notice", "subscriber": "S-1",
        "notice": "usage_80", "counted_bytes": 80_000_000_000, "clause": "UC-11",
        "text": "80 % of the allowance is used: 80 of 100 GB — “so far”.", "author": "capd",
    }  # fmt: skip


async def test_the_signature_holds_for_what_was_sent_and_for_nothing_else():
    async with a_billing() as billing, a_webhook(billing.url) as door:
        await door.tell(a_delivery())
        ((headers, body),) = billing.requests
    assert headers["X-Capd-Timestamp"] == str(int(NOON.timestamp()))
    assert holds(headers, body)
    assert not holds(headers, body.replace(b"80", b"90"))
    assert not holds(headers, body, key="another")
    headers["X-Capd-Timestamp"] = "1"
    assert not holds(headers, body)


async def test_a_secret_may_stand_in_a_file_and_is_optional(tmp_path):
    (tmp_path / "hook").write_text(KEY + "\n")
    async with a_billing() as billing:
        async with a_webhook(billing.url, secret=f"file:{tmp_path}/hook") as door:
            await door.tell(a_delivery())
        async with a_webhook(billing.url, secret=None) as door:
            await door.tell(a_delivery())
        (signed, body), (unsigned, _) = billing.requests
    assert holds(signed, body)
    assert "X-Capd-Signature" not in unsigned


@pytest.mark.parametrize("status", [200, 201, 204])
async def test_any_2xx_is_done(status):
    async with a_billing() as billing, a_webhook(billing.url) as door:
        billing.answers = [status]
        assert isinstance(await door.tell(a_delivery()), Done)


@pytest.mark.parametrize("status", [400, 404, 410, 429, 500, 503])
async def test_any_other_answer_is_tried_again_later(status):
    async with a_billing() as billing, a_webhook(billing.url) as door:
        billing.answers = [status]
        problem = await door.tell(a_delivery())
    assert problem.text == f"127.0.0.1: answered {status}"
    assert (problem.final, problem.silent) == (False, False)


async def test_a_redirect_is_not_followed():
    async with a_billing() as billing, a_webhook(billing.url) as door:
        billing.answers = [307]
        problem = await door.tell(a_delivery())
        assert len(billing.requests) == 1
    assert "redirects are not followed" in problem.text


async def test_an_endpoint_that_hangs_is_given_up_on_in_time():
    async with a_billing() as billing, a_webhook(billing.url, timeout_s=0.2) as door:
        billing.answers = [None]
        problem = await door.tell(a_delivery())
    assert problem.text == "127.0.0.1: no answer in 0.2 s"
    assert problem.silent


async def test_an_endpoint_that_is_not_there_is_one_line_for_a_person():
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    async with a_webhook(f"http://127.0.0.1:{port}/hook?token=topsecret") as door:
        problem = await door.tell(a_delivery())
    assert problem.text == "127.0.0.1: cannot be reached (Connection refused)"
    assert problem.silent


async def test_an_endpoint_that_speaks_no_http_is_one_line_for_a_person():
    async def babble(reader, writer):
        await reader.readline()
        writer.write(b"220 relay ESMTP\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(babble, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    async with server, a_webhook(url) as door:
        problem = await door.tell(a_delivery())
    assert problem.silent
    assert "\n" not in problem.text


class Watch:
    """A clock that stands still until it is moved."""

    def __init__(self):
        self.now = NOON

    def __call__(self):
        return self.now


async def written(store, *subscribers):
    """Write an event about each of *subscribers* in the books, and return their ids."""
    async with store.judging() as desk:
        return await desk.record(
            [
                Event(at=NOON, kind="noted", text=f"{n}.", subscriber=SubscriberId(who))
                for n, who in enumerate(subscribers)
            ]
        )


async def test_a_failing_endpoint_gets_every_event_at_last_in_order_and_once(sqlite_store):
    clock, store = Watch(), sqlite_store
    store.outbox.channels = ("webhook",)
    ids = [str(n) for n in await written(store, "S-1", "S-2", "S-1", "S-1")]
    async with a_billing() as billing, a_webhook(billing.url, clock=clock) as door:
        billing.answers = [500, 204, 500, 503, 204, 500]
        taken = []
        worker = Worker(store.outbox, door, clock=clock, at_once=1)
        for _ in range(8):
            await worker.turn()
            clock.now += timedelta(hours=6)
        statuses = [500, 204, 500, 503, 204, 500, *[204] * len(billing.ids)]
        taken = [n for n, status in zip(billing.ids, statuses, strict=False) if status == 204]
        assert all(holds(headers, body) for headers, body in billing.requests)
    assert sorted(taken) == sorted(ids)
    assert [n for n in taken if n != ids[1]] == [ids[0], ids[2], ids[3]]
    assert await store.outbox.due(clock.now) == []


async def test_a_daemon_that_was_killed_goes_on_with_what_is_left(sqlite_store):
    store = sqlite_store
    store.outbox.channels = ("webhook",)
    ids = [str(n) for n in await written(store, "S-1", "S-1")]
    async with a_billing() as billing, a_webhook(billing.url) as door:
        (first,) = await store.outbox.due(NOON, channel="webhook")
        assert isinstance(
            await door.tell(first), Done
        )  # and then it is killed, before it wrote that down
        assert await Worker(store.outbox, door, clock=lambda: NOON).turn() == 2
        assert billing.ids == [ids[0], ids[0], ids[1]]


async def test_what_could_not_be_delivered_is_recorded_and_shown__UC_7(sqlite_store):
    store, clock = sqlite_store, Watch()
    store.outbox.channels = ("webhook",)
    await written(store, "S-1")
    async with a_billing() as billing, a_webhook(billing.url, clock=clock, attempts=2) as door:
        billing.answers = [500, 500]
        worker = Worker(store.outbox, door, clock=clock)
        await worker.turn()
        clock.now += timedelta(hours=6)
        await worker.turn()
    ((_, problem),) = await store.outbox.given_up()
    assert problem == "127.0.0.1: answered 500"
    (*_, (_, event)) = await store.trail.events()
    assert event.kind == "delivery_failed"
