"""Notices, reports that one came back, lost deliveries and open matters over /api/v1."""

import io
from dataclasses import replace
from datetime import timedelta

from capd.pipeline import accept_turn
from capd.units import micros
from tests import reports
from tests.builders import NOON, a_fact, a_subscriber, an_inventory
from tests.integration.test_pipeline import a_house, kinds
from tests.servers.api import an_api


def now():
    return NOON + timedelta(hours=1)


async def a_house_that_writes(store):
    """Return one where S-1 has an address and mails wait: each test says how they fare."""
    store.outbox.channels = ("email", "webhook")
    who = a_subscriber(email="anna@example.net")
    return await a_house(store, inventory=an_inventory(subscribers=(who,)))


async def topup(house, number):
    await accept_turn(house, a_fact(size="1GB", reference=f"r-{number}"), now=NOON)
    (mail, *_) = await house.store.outbox.due(now(), channel="email")
    return mail


async def test_notices_are_listed_with_what_became_of_them_and_sent_again__UC_7(store):
    house = await a_house_that_writes(store)
    lost = await topup(house, 1)
    await store.outbox.failed(lost.id, "550 no such user", None, NOON)
    await topup(house, 2)
    async with an_api(house, clock=now) as api:
        waiting, failed = (await api.get("/notices")).body["items"]
        assert (waiting["state"], failed["state"]) == ("waiting", "failed")
        assert (failed["problem"], failed["to"]) == ("550 no such user", "anna@example.net")
        assert (await api.get("/notices?failed=true")).body["items"] == [failed]
        assert (await api.get("/notices?subscriber=S-1&limit=1")).body["items"] == [waiting]
        assert (await api.get("/notices?subscriber=S-9")).status == 404
        (given_up,) = (await api.get("/deliveries")).body["items"]
        assert (given_up["id"], given_up["problem"]) == (failed["id"], "550 no such user")
        path = f"/notices/{failed['id']}/retry"
        said = await api.post(path, {"note": "a new address"}, role="billing")
        assert (said.status, said.body["state"]) == (200, "waiting")
        assert (await api.post(path, {"note": "again"})).status == 409
        assert (await api.post("/notices/999/retry", {"note": "x"})).status == 404


async def test_pages_of_lost_deliveries_go_on_where_the_last_ended(sqlite_store):
    house = await a_house_that_writes(sqlite_store)
    for number in range(3):
        mail = await topup(house, number)
        await sqlite_store.outbox.failed(mail.id, "550", None, NOON)
    async with an_api(house, clock=now) as api:
        every = (await api.get("/deliveries")).body["items"]
        assert len(every) == 3
        first = (await api.get("/deliveries?limit=2")).body
        rest = (await api.get(f"/deliveries?limit=2&cursor={first['next']}")).body
        assert (first["items"] + rest["items"], rest["next"]) == (every, None)


async def test_a_report_that_a_notice_came_back_is_taken_in_once__UC_7(sqlite_store):
    house = await a_house_that_writes(sqlite_store)
    mail = await topup(house, 1)
    ours = f"capd.{mail.event_id}.{micros(mail.event.at)}@example.org"
    async with an_api(house, clock=now) as api:

        async def hand_in(text, **more):
            return await api.ask(
                "POST",
                "/bounces",
                data=io.BytesIO(text.encode()),
                Content_Type="message/rfc822",
                **more,
            )

        report = reports.POSTFIX.replace(reports.OURS, ours)
        delayed = await hand_in(reports.POSTFIX_DELAY.replace(reports.OURS, ours))
        assert (delayed.status, delayed.body["recorded"]) == (200, False)
        said = await hand_in(report, role="billing")
        assert (said.status, said.body["became"], said.body["recorded"]) == (200, "failed", True)
        assert (await hand_in(report)).body["recorded"] is False
        (lost,) = (await api.get("/notices?bounced=true")).body["items"]
        assert (lost["state"], lost["bounce_status"]) == ("bounced", "5.1.1")
        assert (await hand_in("x")).status == 400
        assert (await hand_in(report.replace(ours, "other@example.org"))).status == 409
        assert (await hand_in(report, role="viewer")).status == 403
        assert (await hand_in("x" * 1_100_000)).status == 413  # a report is smaller
        as_json = await api.post("/bounces", {"report": report})
        assert (as_json.status, as_json.headers["Accept-Post"]) == (415, "message/rfc822")
    assert await kinds(sqlite_store, "notice_bounced") == ["notice_bounced"]


async def test_what_is_open_is_listed_by_kind_and_subscriber_page_by_page(sqlite_store):
    names = ("S-1", "S-2")
    house = await a_house(
        sqlite_store,
        inventory=an_inventory(subscribers=tuple(a_subscriber(name) for name in names), devices=()),
    )
    for who in names:
        for number in (1, 2):
            job = a_fact(
                "job", subscriber=who, reference=f"{who}/{number}", on="2026-03-20", tech="anna"
            )
            assert await accept_turn(house, replace(job, at=NOON), now=NOON) is None
    async with an_api(house, clock=now) as api:
        every = (await api.get("/matters?kind=job")).body["items"]
        assert [(one["subscriber"], one["kind"]) for one in every] == [
            ("S-1", "job"), ("S-1", "job"), ("S-2", "job"), ("S-2", "job"),
        ]  # fmt: skip
        seen, cursor = [], ""
        while cursor is not None:
            page = (await api.get(f"/matters?kind=job&limit=3{cursor}")).body
            seen += page["items"]
            cursor = page["next"] and f"&cursor={page['next']}"
        assert seen == every
        assert len((await api.get("/matters?subscriber=S-2")).body["items"]) >= 2
        for cursor in ("MTo", "MTpbMV0", "MTpbIlMtMSIsImEiLDFd"):
            expected = 200 if cursor == "MTo" else 400
            assert (await api.get(f"/matters?cursor={cursor}")).status == expected
