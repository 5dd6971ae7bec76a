"""API tokens over real books, and as an operator types them: shown once, known again, revoked."""

import hashlib
import json
from datetime import timedelta

import pytest
from sqlalchemy import text

from capd.errors import CannotBeDone, NoSuch
from capd.model import TokenRole
from capd.store import check
from capd.tokens import create, recognised, revoke
from tests.builders import NOON, an_event, an_inventory
from tests.servers.commandline import Capd


async def a_token(store, name="billing-1", role=TokenRole.BILLING, subscriber=None):
    return await create(store, name, role, subscriber=subscriber, author="test", now=NOON)


async def everything(store):
    """Return every text that the database keeps of tokens and of the trail."""
    async with store.tokens._database.read() as conn:
        found = [*await conn.execute(text("SELECT * FROM tokens"))]
        return str([*found, *(await conn.execute(text("SELECT * FROM events")))])


async def test_a_token_is_known_again_by_its_text_and_by_no_other(store):
    secret = await a_token(store)
    other = await a_token(store, "noc", TokenRole.NOC)
    token = await recognised(store, secret)
    assert (token.name, token.role, token.subscriber) == ("billing-1", TokenRole.BILLING, None)
    assert (await recognised(store, other)).role is TokenRole.NOC
    for wrong in ("", secret[:-1], secret + "x", secret.upper(), "é", "x" * 10_000):
        assert await recognised(store, wrong) is None


async def test_the_log_in_of_whose_credentials_are_known_is_off_until_it_is_changed__AU_5(store):
    await store.people.apply(an_inventory(), dry_run=False, author="test", at=NOON)
    secret = await a_token(store, "portal", TokenRole.PORTAL, "S-1")
    staff = await a_token(store, "noc", TokenRole.NOC)
    for kind, is_known in (("hold_opened", False), ("hold_closed", True)):
        event = an_event(kind, reason="credentials", note="leaked")
        async with store.judging() as desk:
            await desk.record([event])
        assert (await recognised(store, secret) is not None) is is_known
        assert await recognised(store, staff) is not None
    assert (await store.people.states())["active"] == 1


async def test_the_books_keep_a_digest_and_never_the_token(store):
    secret = await a_token(store)
    kept = await everything(store)
    assert secret not in kept
    assert secret.removeprefix("capd_") not in kept
    assert hashlib.sha256(secret.encode()).hexdigest() in kept


async def test_a_token_that_was_revoked_is_none_any_more_and_its_name_is_free(store):
    old = await a_token(store)
    with pytest.raises(CannotBeDone, match="revoke it first"):
        await a_token(store)
    await revoke(store, "billing-1", author="test", now=NOON + timedelta(days=1))
    assert await recognised(store, old) is None
    assert await recognised(store, await a_token(store)) is not None
    assert [one.revoked_at is None for one in await store.tokens.listing(revoked=True)] == [
        False,
        True,
    ]


async def test_making_and_revoking_is_in_the_audit_trail_with_who_did_it(store):
    await a_token(store)
    await revoke(store, "billing-1", author="cli:anna", now=NOON)
    found = [event for _, event in await store.trail.events()]
    assert [(event.kind, event.author) for event in found] == [
        ("token_created", "test"),
        ("token_revoked", "cli:anna"),
    ]
    assert found[0].figures == {"token": "billing-1", "role": "billing", "for": None}
    assert await check(store) == []


async def test_a_token_that_is_none_cannot_be_revoked_and_the_near_one_is_named(store):
    await a_token(store)
    with pytest.raises(NoSuch, match="Did you mean 'billing-1'"):
        await revoke(store, "billing", author="test", now=NOON)


@pytest.mark.parametrize("name", ["", " a", "a b", "a\nb", "-a", "ä", "a" * 65, "a:b"])
async def test_a_name_is_fit_to_be_an_author(sqlite_store, name):
    with pytest.raises(CannotBeDone, match="a token's name"):
        await a_token(sqlite_store, name)


async def test_only_a_portals_token_is_of_one_subscriber(sqlite_store):
    await sqlite_store.people.apply(an_inventory(), dry_run=False, author="test", at=NOON)
    secret = await a_token(sqlite_store, "p", TokenRole.PORTAL, "S-1")
    assert (await recognised(sqlite_store, secret)).subscriber == "S-1"
    with pytest.raises(CannotBeDone, match="only a portal's token"):
        await a_token(sqlite_store, "n", TokenRole.NOC, "S-1")


@pytest.fixture
def capd(tmp_path):
    found = Capd(tmp_path)
    found.ok("init")
    found.ok("import", "inventory.json")
    return found


def test_an_operator_makes_lists_and_revokes_tokens(capd):
    secret = capd.ok("token", "create", "--role", "noc", "--name", "wallboard").out.strip()
    made = capd.ok(
        "token", "create", "--role", "portal", "--name", "mine", "--subscriber", "S-1", "--json"
    ).json()
    assert secret.startswith("capd_")
    assert made.keys() == {"name", "role", "subscriber", "token"}
    listed = capd.ok("token", "list", "--json")
    assert [one["name"] for one in listed.json()] == ["mine", "wallboard"]
    assert listed.json()[0]["last_used_at"] is None
    assert capd.ok("token", "revoke", "mine", "--json").json() == {"name": "mine", "revoked": True}
    assert "wallboard" in capd.ok("token", "list").out
    assert "mine" not in capd.ok("token", "list").out
    assert "mine" in capd.ok("token", "list", "--all").out
    for said in (listed.out, capd.ok("events", "--json").out):
        assert secret not in said
        assert made["token"] not in said


def test_what_is_wrong_with_a_token_is_a_line_and_an_exit_code(capd):
    wrong = capd("token", "create", "--role", "boss", "--name", "n")
    assert wrong.code == 2
    assert "'noc'" in wrong.err
    capd.ok("token", "create", "--role", "noc", "--name", "n")
    assert capd("token", "create", "--role", "noc", "--name", "n").code == 1
    assert capd("token", "revoke", "m").code == 1
    nobody = capd("token", "create", "--role", "portal", "--name", "p", "--subscriber", "S-11")
    assert (nobody.code, "S-1" in nobody.err) == (1, True)


def test_a_portal_of_nobody_is_made_with_a_warning(capd):
    said = capd("token", "create", "--role", "portal", "--name", "p", "--json")
    assert said.code == 0
    assert "--subscriber" in said.err
    assert json.loads(said.out)["subscriber"] is None
