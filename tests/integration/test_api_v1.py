"""/api/v1 over real sockets and real books: who may read what, pages, and what is refused."""

import json
from datetime import timedelta

from capd.api.roles import MAY, Right
from capd.model import TokenRole
from capd.pipeline import accept_turn, account_turn
from capd.store import check
from capd.tokens import revoke
from tests.builders import (
    GB,
    NOON,
    a_device,
    a_fact,
    a_meter,
    a_reading,
    a_subscriber,
    an_inventory,
)
from tests.integration.test_pipeline import a_house
from tests.servers.api import an_api


def now():
    return NOON + timedelta(hours=1)


def people(count):
    names = [f"S-{n}" for n in range(1, count + 1)]
    return an_inventory(
        subscribers=tuple(a_subscriber(name) for name in names),
        devices=tuple(
            a_device(f"cpe-{name}", meters=(a_meter(subscriber=name),)) for name in names
        ),
    )


async def over_the_cap(house):
    await account_turn(house, [a_reading(0, at=0), a_reading(101 * GB, at=300)])


async def test_without_a_token_nothing_is_told_but_how_to_get_one(sqlite_store):
    async with an_api(await a_house(sqlite_store)) as api:
        for role, given in ((None, {}), (None, {"Authorization": "Basic eDp5"})):
            said = await api.get("/subscribers", role=role, **given)
            assert (said.status, said.headers["WWW-Authenticate"]) == (401, 'Bearer realm="capd"')
        wrong = await api.get("/subscribers", role=None, Authorization="Bearer capd_nonsense")
        assert wrong.status == 401
        assert 'error="invalid_token"' in wrong.headers["WWW-Authenticate"]


async def test_a_token_that_was_revoked_is_refused_at_once(sqlite_store):
    async with an_api(await a_house(sqlite_store)) as api:
        assert (await api.get("/subscribers")).status == 200
        await revoke(sqlite_store, "the-noc", author="test", now=NOON)
        assert (await api.get("/subscribers")).status == 401


async def test_the_use_of_a_token_is_written_down(sqlite_store):
    async with an_api(await a_house(sqlite_store), clock=now) as api:
        await api.get("/products", role="tech")
    used = {one.name: one.last_used_at for one in await sqlite_store.tokens.listing()}
    assert used["the-tech"] == now()
    assert used["the-noc"] is None


READS = {
    "/subscribers": Right.PEOPLE,
    "/subscribers/S-1": Right.PEOPLE,
    "/subscribers/S-1/usage": Right.PEOPLE,
    "/subscribers/S-1/explain": Right.PEOPLE,
    "/products": Right.OFFERS,
    "/sectors": Right.NETWORK,
    "/devices": Right.NETWORK,
    "/devices/cpe-1": Right.NETWORK,
    "/events": Right.EVENTS,
    "/orders": Right.WORK,
    "/implausible": Right.WORK,
    "/deliveries": Right.WORK,
    "/facts": Right.OFFERS,
}
OWN = ("/subscribers/S-1", "/subscribers/S-1/usage", "/subscribers/S-1/explain", "/events")


async def test_each_role_reads_what_it_may_and_no_more(sqlite_store):
    async with an_api(await a_house(sqlite_store)) as api:
        for path, right in READS.items():
            for role in TokenRole:
                may = right in MAY[role] or (role is TokenRole.PORTAL and path in OWN)
                said = await api.get(path, role=role.value)
                assert said.status == (200 if may else 403), (path, role)


WRITES = {
    "/subscribers/S-1/topups": ("noc", "billing"),
    "/subscribers/S-1/plan": ("noc", "billing"),
    "/subscribers/S-1/holds": ("noc", "billing"),
    "/subscribers/S-1/facts/delay": ("noc",),
    "/subscribers/S-1/corrections": ("noc",),
    "/orders/1/approve": ("noc",),
    "/implausible/1/accept": ("noc",),
    "/pause": ("noc",),
    "/resume": ("noc",),
}


async def test_each_role_writes_what_it_may_and_no_more(sqlite_store):
    """A body that is wrong tells one from the other: whoever may not is refused before that."""
    async with an_api(await a_house(sqlite_store)) as api:
        for path, roles in WRITES.items():
            for role in TokenRole:
                said = await api.post(path, {"bogus": 1}, role=role.value)
                assert said.status == (400 if role.value in roles else 403), (path, role)
        assert (await api.delete("/subscribers/S-1/holds/aup", role="tech")).status == 403


async def test_a_portal_sees_its_own_subscriber_and_not_even_whether_there_are_others(sqlite_store):
    async with an_api(await a_house(sqlite_store, inventory=people(2))) as api:
        for path in ("/subscribers/S-2", "/subscribers/S-2/usage", "/subscribers/S-99/explain"):
            said = await api.get(path, role="portal")
            assert (said.status, "S-1 alone" in said.body["detail"]) == (403, True)


async def test_a_portal_of_nobody_is_refused_everywhere(sqlite_store):
    async with an_api(await a_house(sqlite_store), portal=None) as api:
        for path in OWN:
            assert (await api.get(path, role="portal")).status == 403


async def test_a_portal_is_not_told_what_the_staff_wrote_for_itself(sqlite_store):
    house = await a_house(sqlite_store)
    await accept_turn(
        house, a_fact("hold", reason="fraud", note="see case 9", author="anna"), now=NOON
    )
    delay = a_fact("delay", until="2026-03-20T00:00:00Z", note="case 10", author="anna")
    await accept_turn(house, delay, now=NOON)
    async with an_api(house, clock=now) as api:
        for path in OWN:
            text = json.dumps((await api.get(path, role="portal")).body)
            assert "case 9" not in text, path
            assert "case 10" not in text, path
            assert "anna" not in text, path
            assert "fraud" in text, path
            assert "case 9" in json.dumps((await api.get(path)).body), path


async def test_subscribers_are_told_with_the_service_owed_and_applied(sqlite_store):
    house = await a_house(sqlite_store)
    await over_the_cap(house)
    async with an_api(house, clock=now) as api:
        (one,) = (await api.get("/subscribers")).body["items"]
        assert one == (await api.get("/subscribers/S-1")).body
        assert (one["id"], one["state"], one["counted_bytes"]) == ("S-1", "suspended", 101 * GB)
        assert one["owed"]["suspended"] is True
        assert [(row["device"], row["suspended"]) for row in one["applied"]] == [("cpe-1", False)]
        assert [hold["reason"] for hold in one["holds"]] == ["cap"]


async def test_pages_go_on_where_the_last_ended_though_somebody_joined(sqlite_store):
    house = await a_house(sqlite_store, inventory=people(7))
    async with an_api(house) as api:
        seen, cursor = [], ""
        for n in range(10):
            page = (await api.get(f"/subscribers?limit=2{cursor}")).body
            seen += [one["id"] for one in page["items"]]
            if n == 1:
                joined = an_inventory(subscribers=(a_subscriber("S-0"),), devices=())
                await sqlite_store.people.apply(joined, dry_run=False, author="test", at=NOON)
            if page["next"] is None:
                break
            cursor = f"&cursor={page['next']}"
        assert seen == [f"S-{n}" for n in range(1, 8)]


async def test_subscribers_are_found_by_their_state(sqlite_store):
    house = await a_house(sqlite_store, inventory=people(5))
    for who, reason in (("S-2", "aup"), ("S-4", "restricted"), ("S-5", "security")):
        await accept_turn(house, a_fact("hold", subscriber=who, reason=reason), now=NOON)
    async with an_api(house, clock=now) as api:
        for state, names in (
            ("active", ["S-1", "S-3"]),
            ("restricted", ["S-4"]),
            ("suspended", ["S-2", "S-5"]),
        ):
            found = (await api.get(f"/subscribers?state={state}")).body["items"]
            assert [one["id"] for one in found] == names
        first = (await api.get("/subscribers?state=suspended&limit=1")).body
        rest = (await api.get(f"/subscribers?state=suspended&limit=1&cursor={first['next']}")).body
        assert ([one["id"] for one in rest["items"]], rest["next"]) == (["S-5"], None)


WRONG = [
    ("/subscribers?state=suspnded", "Did you mean 'suspended'?"),
    ("/subscribers?stat=active", "Did you mean 'state'?"),
    ("/subscribers?limit=0", "at least 1"),
    ("/subscribers?limit=1001", "at most 1000"),
    ("/subscribers?limit=1&limit=2", "given twice"),
    ("/subscribers?cursor=nonsense", "`next` of the page before"),
    ("/orders?cursor=MTphYmM", "`next` of the page before"),
    ("/subscribers/S-1/usage?period=2026-13", "period: "),
    ("/subscribers/S-1/usage?by=week", "'hour'"),
    ("/events?after=-1", "at least 0"),
    ("/events?after=99999999999999999999", "at most"),
    ("/subscribers/S-1/usage?period=a%00b", "control characters"),
]


async def test_a_query_that_is_wrong_says_what_is_and_a_guess(sqlite_store):
    async with an_api(await a_house(sqlite_store)) as api:
        for path, words in WRONG:
            said = await api.get(path)
            assert said.status == 400, path
            assert words in json.dumps(said.body, ensure_ascii=False), path


ABSENT = [
    ("/subscribers/S-11", "Did you mean 'S-1'?"),
    ("/subscribers/S-11/usage", "Did you mean 'S-1'?"),
    ("/devices/cpe-2", "Did you mean 'cpe-1'?"),
    ("/orders/77", "no order 77"),
    ("/implausible/77", "77"),
    ("/subscribers/a%00b", "nothing of that name"),
    ("/orders/x", "/api/v1/docs"),
]


async def test_what_is_not_there_is_a_404_with_a_guess(store):
    async with an_api(await a_house(store)) as api:
        for path, words in ABSENT:
            said = await api.get(path)
            assert (said.status, words in said.body["detail"]) == (404, True), path


async def test_a_period_that_has_not_begun_is_refused(sqlite_store):
    async with an_api(await a_house(sqlite_store), clock=now) as api:
        assert (await api.get("/subscribers/S-1/usage?period=2026-04")).status == 409
        assert (await api.get("/subscribers/S-1/usage?period=2026-02")).status == 200


async def test_orders_are_read_approved_refused_and_tried_again(sqlite_store):
    house = await a_house(sqlite_store, most_suspensions=0)
    await over_the_cap(house)
    async with an_api(house, clock=now) as api:
        (held,) = (await api.get("/orders?state=held")).body["items"]
        assert (held["subscriber"], held["change"]) == ("S-1", "suspend")
        path = f"/orders/{held['id']}"
        refused = await api.post(f"{path}/refuse", {"note": "not today"})
        assert (refused.status, refused.body["state"]) == (200, "refused")
        let_go = await api.post(f"{path}/approve", {"note": "it is right"})
        assert (let_go.body["state"], let_go.body["detail"]) == ("open", "it is right")
        assert (await api.post(f"{path}/approve", {"note": "again"})).status == 409
        assert (await api.post(f"{path}/retry", {"note": "again"})).status == 409
        assert (await api.get(path)).body == let_go.body
        assert (await api.post("/orders/99/approve", {"note": "x"})).status == 404
    authors = [event.author for _, event in await sqlite_store.trail.events()]
    assert authors.count("token:the-noc") == 2


async def test_readings_put_aside_are_decided_on_by_a_named_token__CN_10(sqlite_store):
    house = await a_house(sqlite_store)
    readings = [a_reading(0, at=0, link_bps=1_000_000)]
    readings += [a_reading(n * 900 * GB, at=300 * n, link_bps=1_000_000) for n in (1, 2)]
    await account_turn(house, readings)
    async with an_api(house, clock=now) as api:
        newer, older = (await api.get("/implausible")).body["items"]
        assert newer["id"] > older["id"]
        assert older["before"]["down_bytes"] == 0
        first = (await api.get("/implausible?limit=1")).body
        assert first["items"] == [newer]
        rest = (await api.get(f"/implausible?limit=1&cursor={first['next']}")).body
        assert rest == {"items": [older], "next": None}
        path = f"/implausible/{older['id']}"
        said = await api.post(f"{path}/refuse", {"note": "the agent lied"})
        assert (said.status, said.events) == (200, ["implausible_refused"])
        assert (await api.post(f"{path}/accept", {"note": "no"})).status == 409
        shown = (await api.get(path)).body
        assert (shown["state"], shown["decided_by"], shown["note"]) == (
            "refused",
            "token:the-noc",
            "the agent lied",
        )
        accepted = await api.post(f"/implausible/{newer['id']}/accept", {"note": "a backup"})
        assert accepted.events[0] == "implausible_accepted"
        assert (await api.get("/implausible")).body["items"] == []
        assert len((await api.get("/implausible?decided=true")).body["items"]) == 2
    assert await check(sqlite_store) == []
