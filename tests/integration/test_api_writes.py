"""What billing and NOC tell over /api/v1: facts, once for each key, in sound bodies."""

import asyncio
import json
from datetime import timedelta

from capd.decide.facts import FACTS
from capd.store import Store, check
from tests.builders import GB, NOON
from tests.integration.test_pipeline import a_house, kinds
from tests.servers.api import an_api


def now():
    return NOON + timedelta(hours=1)


TOPUP = {"size": "5GB", "reference": "inv-9"}


async def test_a_topup_adds_once_by_its_reference_and_says_what_became_different__UC_3(store):
    house = await a_house(store)
    async with an_api(house, clock=now) as api:
        said = await api.post("/subscribers/S-1/topups", TOPUP, role="billing")
        assert (said.status, said.body["changed"], said.events) == (201, True, ["topup"])
        assert said.body["events"][0]["author"] == "token:the-billing"
        again = await api.post("/subscribers/S-1/topups", TOPUP, role="billing")
        assert (again.status, again.body) == (200, {"changed": False, "events": []})
        other = await api.post("/subscribers/S-1/topups", {**TOPUP, "size": "6GB"})
        assert (other.status, "stands for 5 GB" in other.body["detail"]) == (409, True)
        usage = (await api.get("/subscribers/S-1/usage")).body
        assert usage["allowance_bytes"] == 105 * GB


async def test_a_plan_is_changed_and_an_unknown_one_is_refused_with_a_guess(sqlite_store):
    async with an_api(await a_house(sqlite_store), clock=now) as api:
        said = await api.post("/subscribers/S-1/plan", {"product": "home-300"}, role="billing")
        assert (said.status, said.events[0]) == (200, "plan_changed")
        wrong = await api.post("/subscribers/S-1/plan", {"product": "home-30"})
        assert (wrong.status, "home-300" in wrong.body["detail"]) == (409, True)


async def test_a_product_is_changed_with_the_notice_that_is_owed__CT_6(sqlite_store):
    async with an_api(await a_house(sqlite_store), clock=now) as api:
        worse = {"price": 30, "cap": "80GB"}
        said = await api.post("/products/home-100/terms", worse)
        assert (said.status, said.body["product"]["terms_from"]) == (200, "2026-04-11")
        assert said.body["notes"][0].startswith("product home-100: worse for 1 who have it")
        assert (await api.get("/subscribers/S-1/usage")).body["allowance_bytes"] == 100 * GB
        again = await api.post("/products/home-100/terms", worse)
        assert (again.body["changes"], again.body["notes"]) == ([], [])
        near = await api.post("/products/home-100/terms", {"price": "40.00", "from": "2026-04-01"})
        assert (near.status, "is too near" in near.body["detail"]) == (400, True)
        assert (await api.post("/products/home-1/terms", worse)).status == 404
        assert (await api.post("/products/home-100/terms", worse, role="billing")).status == 403
        [told] = [e for _, e in await sqlite_store.trail.events() if e.kind == "product_terms"]
        assert told.author.startswith("token:")


async def test_a_hold_is_opened_and_closed_and_judged_at_once(sqlite_store):
    async with an_api(await a_house(sqlite_store), clock=now) as api:
        hold = {"reason": "aup", "note": "spam", "until": "2026-03-20T00:00:00Z"}
        said = await api.post("/subscribers/S-1/holds", hold)
        assert (said.status, said.events) == (201, ["hold_opened", "order_open"])
        assert (await api.post("/subscribers/S-1/holds", hold)).status == 200
        assert (await api.get("/subscribers/S-1")).body["owed"]["suspended"] is True
        closed = await api.delete("/subscribers/S-1/holds/aup?note=cleaned+up")
        assert (closed.status, closed.events[0]) == (200, "hold_closed")
        assert closed.body["events"][0]["note"] == "cleaned up"
        assert (await api.delete("/subscribers/S-1/holds/aup")).status == 404
        assert (await api.delete("/subscribers/S-1/holds/nonsense")).status == 404


async def test_billing_holds_for_debt_and_for_nothing_else(sqlite_store):
    async with an_api(await a_house(sqlite_store), clock=now) as api:
        debt = {"reason": "non_payment", "note": "inv-7"}
        assert (await api.post("/subscribers/S-1/holds", debt, role="billing")).status == 201
        fraud = {"reason": "fraud", "note": "x"}
        for path in ("/subscribers/S-1/holds", "/subscribers/S-1/facts/hold"):
            said = await api.post(path, fraud, role="billing")
            assert (said.status, "non_payment" in said.body["detail"]) == (403, True)
        await api.post("/subscribers/S-1/holds", fraud)
        assert (await api.delete("/subscribers/S-1/holds/fraud", role="billing")).status == 403
        assert (
            await api.delete("/subscribers/S-1/holds/non_payment", role="billing")
        ).status == 200


async def test_every_kind_of_fact_can_be_told_and_is_listed(sqlite_store):
    async with an_api(await a_house(sqlite_store), clock=now) as api:
        listed = {
            one["fact"]: one for one in (await api.get("/facts", role="billing")).body["items"]
        }
        wanted = {name for name, kind in FACTS.items() if kind.of_subscriber}
        assert set(listed) == wanted
        assert (listed["topup"]["yours"], listed["delay"]["yours"]) == (True, False)
        for name in wanted:
            missing = await api.post(f"/subscribers/S-1/facts/{name}", {"bogus": 1})
            assert missing.status == 400
            wrong = {each["key"] for each in missing.body["errors"]}
            assert wrong == {*FACTS[name].required, "bogus"}


async def test_a_fact_may_be_told_by_its_name(sqlite_store):
    async with an_api(await a_house(sqlite_store), clock=now) as api:
        until = {"until": "2026-03-20T00:00:00Z", "note": "a good customer"}
        said = await api.post("/subscribers/S-1/facts/delay", until)
        assert (said.status, said.events) == (200, ["delay"])
        assert (await api.post("/subscribers/S-9/facts/delay", until)).status == 404
        breach = {"serious": True, "note": "resold the service"}
        said = await api.post("/subscribers/S-1/facts/breach", breach)
        assert (said.status, said.events) == (200, ["contract_breach", "hold_opened", "order_open"])


async def test_figures_are_corrected_with_who_and_why(sqlite_store):
    async with an_api(await a_house(sqlite_store), clock=now) as api:
        path = "/subscribers/S-1/corrections"
        said = await api.post(path, {"down": "3GB", "up": 7, "note": "a lost week"})
        assert (said.status, said.events[0]) == (201, "correction")
        assert (await api.post(path, {"down": "-1GB", "note": "too much"})).status == 201
        assert (await api.get("/subscribers/S-1/usage")).body["counted_bytes"] == 2 * GB + 7
        too_much = await api.post(path, {"down": "-3GB", "note": "x"})
        assert (too_much.status, "less than nothing" in too_much.body["detail"]) == (409, True)
        for body in (
            {"down": "3GB"},
            {"down": "3XB", "note": "x"},
            {"down": "3GB", "note": "  "},
            {"down": "3GB", "note": "x", "at": "yesterday"},
        ):
            assert (await api.post(path, body)).status == 400
        for body in ({"note": "x"}, {"down": "1GB", "note": "x", "period": "2027-01"}):
            assert (await api.post(path, body)).status == 409
    assert await check(sqlite_store) == []


async def test_the_brake_is_pulled_and_let_go(sqlite_store):
    async with an_api(await a_house(sqlite_store), clock=now) as api:
        said = await api.post("/pause", {"note": "works"})
        assert (said.status, said.events) == (200, ["paused"])
        assert await sqlite_store.people.paused() is True
        assert (await api.post("/pause", {"note": "works"})).body["changed"] is False
        assert (await api.post("/resume", {"note": "done"})).events == ["resumed"]
        assert await sqlite_store.people.paused() is False


async def test_the_brake_is_pulled_without_a_word_in_a_hurry(sqlite_store):
    async with an_api(await a_house(sqlite_store), clock=now) as api:
        said = await api.ask("POST", "/pause")
        assert (said.status, said.events) == (200, ["paused"])
        assert said.body["events"][0]["text"] == "Paused: nothing is pushed until it is resumed."
        assert (await api.post("/resume", {})).events == ["resumed"]
        assert (await api.ask("POST", "/subscribers/S-1/topups")).status == 415


# ---- once for each key ---------------------------------------------------------------------------


GIVEN = {"down": "1GB", "note": "by hand"}
CORRECT = "/subscribers/S-1/corrections"


async def test_the_same_key_twice_is_answered_twice_and_done_once(store):
    house = await a_house(store)
    async with an_api(house, clock=now) as api:
        first = await api.post(CORRECT, GIVEN, key="k-1")
        again = await api.post(CORRECT, GIVEN, key="k-1")
        assert (again.status, again.body) == (first.status, first.body)
        assert "Idempotent-Replayed" not in first.headers
        assert again.headers["Idempotent-Replayed"] == "true"
        assert (await api.post(CORRECT, GIVEN, key="k-2")).status == 201
    assert await kinds(store, "correction") == ["correction"] * 2


async def test_a_key_that_stands_for_another_request_is_refused(sqlite_store):
    async with an_api(await a_house(sqlite_store), clock=now) as api:
        await api.post(CORRECT, GIVEN, key="k")
        for path, body in ((CORRECT, {**GIVEN, "down": "2GB"}), ("/pause", {"note": "x"})):
            said = await api.post(path, body, key="k")
            assert (said.status, "another request" in said.body["detail"]) == (422, True)
    assert await sqlite_store.people.paused() is None


async def test_a_key_is_of_its_token(sqlite_store):
    async with an_api(await a_house(sqlite_store), clock=now) as api:
        one = await api.post("/subscribers/S-1/topups", TOPUP, role="billing", key="k")
        other = await api.post(
            "/subscribers/S-1/topups", {**TOPUP, "reference": "inv-10"}, role="noc", key="k"
        )
        assert (one.status, other.status) == (201, 201)


async def test_what_was_refused_may_be_asked_again_with_the_same_key(sqlite_store):
    async with an_api(await a_house(sqlite_store), clock=now) as api:
        path = "/subscribers/S-1/facts/release"
        closed = {"reason": "aup", "note": "clean"}
        assert (await api.post(path, closed, key="k")).status == 409
        await api.post("/subscribers/S-1/holds", {"reason": "aup", "note": "spam"})
        assert (await api.post(path, closed, key="k")).status == 200


async def test_nothing_changed_is_an_answer_to_be_kept_too(sqlite_store):
    async with an_api(await a_house(sqlite_store), clock=now) as api:
        await api.post("/subscribers/S-1/topups", TOPUP)
        for replayed in (None, "true"):
            said = await api.post("/subscribers/S-1/topups", TOPUP, key="k")
            assert (said.status, said.headers.get("Idempotent-Replayed")) == (200, replayed)


async def test_a_key_that_is_none_is_refused(sqlite_store):
    async with an_api(await a_house(sqlite_store), clock=now) as api:
        for key in ("", "   ", "x" * 256, "a\u00e9"):
            assert (await api.post("/pause", {"note": "x"}, key=key)).status == 400, key


async def test_many_at_once_with_one_key_are_done_once(store):
    async with an_api(await a_house(store), clock=now) as api:
        said = await asyncio.gather(*(api.post(CORRECT, GIVEN, key="k") for _ in range(10)))
        assert {one.status for one in said} <= {201, 409}
        assert [one.status for one in said].count(201) >= 1
        assert all("Retry-After" in one.headers for one in said if one.status == 409)
    assert await kinds(store, "correction") == ["correction"]


async def test_two_daemons_asked_at_once_with_one_key_do_it_once(store_url):
    """The second finds the first's answer in the transaction that would have done it again."""
    one, other = await Store.open(store_url, upgrade=True), await Store.open(store_url)
    try:
        houses = [await a_house(one), await a_house(other)]
        async with an_api(houses[0], clock=now) as here:
            tokens = here.tokens
            async with an_api(houses[1], clock=now, tokens=tokens) as there:
                for n in range(5):
                    said = await asyncio.gather(
                        *(each.post(CORRECT, GIVEN, key=f"k-{n}") for each in (here, there))
                    )
                    assert [answer.status for answer in said] == [201, 201]
                    assert said[0].body == said[1].body
        assert await kinds(one, "correction") == ["correction"] * 5
        assert await check(one) == []
    finally:
        await one.close()
        await other.close()


async def test_the_answer_is_kept_in_the_transaction_of_what_it_is_about(sqlite_store):
    """Whatever ends the process after the commit, the retry is answered and not done again."""
    house = await a_house(sqlite_store)
    async with an_api(house, clock=now) as api:
        real = sqlite_store.answered.keep

        async def lost(*_):
            raise ConnectionError  # the way that is taken after the commit is never reached

        sqlite_store.answered.keep = lost
        assert (await api.post(CORRECT, GIVEN, key="k")).status == 201
        sqlite_store.answered.keep = real
        again = await api.post(CORRECT, GIVEN, key="k")
        assert (again.status, again.headers["Idempotent-Replayed"]) == (201, "true")
    assert await kinds(sqlite_store, "correction") == ["correction"]


# ---- bodies that are wrong -----------------------------------------------------------------------


WRONG = [
    (b"", "expecting value"),
    (b"{", "line 1"),
    (b"[]", "table of keys"),
    (b"null", "table of keys"),
    (b'"x"', "table of keys"),
    (b'{"size": NaN, "reference": "r"}', "NaN"),
    (b'{"size": 1e999, "reference": "r"}', "finite"),
    (b'{"size": 1, "size": 2, "reference": "r"}', "twice"),
    (b'{"size": true, "reference": "r"}', "size"),
    (b'{"size": {}, "reference": "r"}', "size"),
    (b'{"size": "5XB", "reference": "r"}', "5XB"),
    (b'{"size": "0", "reference": "r"}', "more than nothing"),
    (b'{"size": "5GB", "reference": "a\\u0000b"}', "control characters"),
    (b'{"size": "5GB", "reference": "a\\nb"}', "control characters"),
    (b'{"size": "5GB", "reference": "' + b"a" * 3000 + b'"}', "at most 500 characters"),
    (b'{"size": "5GB", "reference": "\\ud800"}', "control characters"),
    (b'{"size": "5GB", "reference": ""}', "missing"),
    (b"\xff\xfe", "UTF-8"),
    (b'{"a":' * 5000 + b"1" + b"}" * 5000, "nested too deeply"),
]


async def test_a_body_that_is_wrong_says_what_is(store):
    async with an_api(await a_house(store), clock=now) as api:
        for body, words in WRONG:
            said = await api.ask(
                "POST", "/subscribers/S-1/topups", data=body, Content_Type="application/json"
            )
            assert said.status == 400, body
            assert words in json.dumps(said.body, ensure_ascii=False), body
    assert await kinds(store, "topup") == []


async def test_every_mistake_of_a_body_is_told_at_once_with_its_key(sqlite_store):
    async with an_api(await a_house(sqlite_store), clock=now) as api:
        said = await api.post("/subscribers/S-1/holds", {"reasn": "aup", "nte": "x"})
        assert {each["key"] for each in said.body["errors"]} == {"reason", "reasn", "nte"}
        assert "Did you mean 'reason'?" in json.dumps(said.body)
        shapes = await api.post("/subscribers/S-1/holds", {"reason": "aupp", "until": "x"})
        assert {each["key"] for each in shapes.body["errors"]} == {"reason", "until"}


async def test_a_body_must_be_json_and_small(sqlite_store):
    async with an_api(await a_house(sqlite_store), clock=now) as api:
        path = "/subscribers/S-1/topups"
        for kind in ("text/plain", "application/x-www-form-urlencoded"):
            said = await api.ask("POST", path, data=b"{}", Content_Type=kind)
            assert (said.status, said.headers["Accept-Post"]) == (415, "application/json")
        large = b'{"reference": "' + b"x" * 70_000 + b'"}'
        said = await api.ask("POST", path, data=large, Content_Type="application/json")
        assert said.status == 413


async def test_a_method_that_is_none_says_which_there_are(sqlite_store):
    async with an_api(await a_house(sqlite_store), clock=now) as api:
        said = await api.ask("PUT", "/subscribers/S-1/topups")
        assert (said.status, said.headers["Allow"]) == (405, "POST")


async def test_books_out_of_reach_are_a_503_that_says_no_more(sqlite_store, tmp_path):
    async with an_api(await a_house(sqlite_store), clock=now) as api:
        await sqlite_store.close()
        for file in tmp_path.glob("capd.db*"):
            file.write_bytes(b"this is no database, but long enough to be looked at as one" * 100)
        said = await api.get("/subscribers")
        assert (said.status, "Retry-After" in said.headers) == (503, True)
        assert "capd.db" not in said.body["detail"]
