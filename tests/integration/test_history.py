"""Usage by hour and day outlives the readings: the same figures, whatever was made of them."""

import asyncio
import random
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from alembic import command
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from capd.account.history import by_time
from capd.account.periods import period_of
from capd.account.retention import Keep, cuts
from capd.decide.legal import legal_hold
from capd.model import OrderState, Outcome, Role
from capd.store import Store, check, schema
from capd.store.compaction import MOST_ROWS
from capd.units import micros
from tests.builders import (
    APRIL,
    LONDON,
    MARCH,
    NOON,
    a_device,
    a_meter,
    a_reading,
    a_subscriber,
    an_event,
    an_inventory,
    an_order,
    postings,
)
from tests.integration.test_migrations import on

KEEP = Keep(raw_days=60, hours_days=120, days_days=365)
LORD_HOWE = ZoneInfo("Australia/Lord_Howe")
CAIRO = ZoneInfo("Africa/Cairo")
KATHMANDU = ZoneInfo("Asia/Kathmandu")


def days_on(days, *, since=NOON):
    return since + timedelta(days=days)


async def compact(store, now, *, zone=LONDON, keep=KEEP, most=None):
    """Compact all that is old at *now*, or at most that many steps."""
    work = store.history.compaction(cuts(keep, now, zone), zone)
    steps = 0
    while not work.done and (most is None or steps < most):
        await work.step()
        steps += 1
    return work


async def counted(store, table):
    async with store._database.read() as conn:
        return (await conn.execute(text(f"SELECT count(*) FROM {table}"))).scalar_one()


async def rows(store, period, by="hour", zone=LONDON, who="S-1"):
    return await store.history.by_time(who, period, by, zone)


async def read_for_days(store, days, *, since=NOON, every_s=7 * 3600 + 13, **more):
    """Post readings of S-1 over *days*, some hours apart, crossing hours, days and months."""
    dice = random.Random(7)
    at, down, up, readings = since, 0, 0, []
    while at < since + timedelta(days=days):
        readings.append(a_reading(down, up, at=at, **more))
        down, up = down + dice.randrange(10**9), up + dice.randrange(10**7)
        at += timedelta(seconds=every_s)
    await store.ledger.post(postings(readings))
    return readings


async def import_s1(store):
    people = (a_subscriber(), a_subscriber("S-2"))
    await store.people.apply(
        an_inventory(subscribers=people), dry_run=False, author="test", at=NOON
    )


async def hold(store, *, on=True, who="S-1"):
    async with store.judging() as desk:
        await desk.record([legal_hold(who, on=on, note="case 7", author="desk", now=NOON)])


async def test_hours_and_days_are_the_same_when_the_readings_are_gone__CN_12(store):
    await read_for_days(store, 45)
    before = {
        (period.name, by): await rows(store, period, by)
        for period in (MARCH, APRIL)
        for by in ("hour", "day")
    }
    for day in (70, 85, 200):  # readings gone here and there; all of them; hours gone as well
        await compact(store, days_on(day))
        assert await check(store) == []
        if day < 200:
            for period in (MARCH, APRIL):
                assert await rows(store, period) == before[period.name, "hour"]
        for period in (MARCH, APRIL):
            assert await rows(store, period, "day") == before[period.name, "day"]
    assert await counted(store, "entries") <= 1
    assert await counted(store, "hours") == 0


async def test_parts_add_up_to_the_total_when_even_days_have_lapsed(store):
    await read_for_days(store, 45)
    await compact(store, days_on(385))
    await read_for_days(store, 1, since=days_on(50), device="cpe-2")
    for day in (385, 400, 1_000):
        work = await compact(store, days_on(day))
        assert work.done
        assert await check(store) == []
        for period in (MARCH, APRIL):
            usage = await store.ledger.usage("S-1", period)
            for by in ("hour", "day"):
                found = await rows(store, period, by)
                assert sum(row[2] for row in found) == usage.down_bytes > 0
                assert sum(row[3] for row in found) == usage.up_bytes
    assert await counted(store, "lapsed") > 0
    assert len(await rows(store, MARCH)) == 1


async def test_compacting_again_changes_nothing(store):
    await read_for_days(store, 45)
    assert (await compact(store, days_on(85))).moved.entries > 50
    before = await rows(store, MARCH)
    assert (await compact(store, days_on(85))).moved.rows == 0
    assert await rows(store, MARCH) == before


async def test_what_is_young_stays_as_it_is(store):
    await read_for_days(store, 45)
    work = await compact(store, days_on(59))
    assert (work.moved.rows, await counted(store, "hours")) == (0, 0)
    await compact(store, days_on(61))
    parts = await store.ledger.entries("S-1", MARCH.start, APRIL.end)
    midnight = days_on(1).replace(hour=0)
    assert all(part.ended_at > midnight for part in parts)


async def test_one_transaction_takes_away_a_bounded_number_of_rows(store):
    readings = [a_reading(n, at=60 * n) for n in range(2_500)]
    await store.ledger.post(postings(readings))
    work = store.history.compaction(cuts(KEEP, days_on(100), LONDON), LONDON)
    taken = []
    while not work.done:
        taken.append(await work.step())
    assert max(taken) == MOST_ROWS
    assert sum(taken) == work.moved.rows == 2_498  # the newest stays


async def test_two_that_compact_at_once_and_a_post_between_count_everything_once(store, store_url):
    await read_for_days(store, 45)
    before = {by: await rows(store, MARCH, by) for by in ("hour", "day")}
    other = await Store.open(store_url)

    async def post():
        state = None
        for n in range(60):
            batch = postings([a_reading(1_000 * n, device="cpe-9", at=days_on(200 + n))], state)
            assert await store.ledger.post(batch) == frozenset()
            state = batch[-1].step.state

    try:
        first, second, _ = await asyncio.gather(
            compact(store, days_on(85)), compact(other, days_on(85)), post()
        )
    finally:
        await other.close()
    assert first.moved.entries + second.moved.entries > 50
    for by in ("hour", "day"):
        assert await rows(store, MARCH, by) == before[by]
    assert await check(store) == []


async def test_late_bytes_of_a_compacted_hour_are_added_to_it(store):
    await store.ledger.post(postings([a_reading(0), a_reading(700, at=300)]))
    other = [a_reading(0, device="cpe-2"), a_reading(50, device="cpe-2", at=600)]
    await compact(store, days_on(100))
    await store.ledger.post(postings(other))
    await read_for_days(store, 1, since=days_on(90), device="cpe-3")
    before = await rows(store, MARCH)
    await compact(store, days_on(101))
    assert await rows(store, MARCH) == before
    assert [row[2] for row in before] == [750]
    assert await check(store) == []


async def test_a_legal_hold_keeps_every_record_of_its_subscriber__AU_3(store):
    await import_s1(store)
    await read_for_days(store, 5)
    other = postings([a_reading(5 * n, device="cpe-2", at=60 * n) for n in range(9)])
    more = postings(
        [a_reading(5 * n, device="cpe-3", at=60 * n) for n in range(9)], subscriber="S-2"
    )
    await hold(store)
    await store.ledger.post(other)
    await store.ledger.post(more)
    parts = await store.ledger.entries("S-1", MARCH.start, MARCH.end)
    work = await compact(store, days_on(3_000))
    assert work.moved.entries == 7
    assert await store.ledger.entries("S-1", MARCH.start, MARCH.end) == parts
    (found,) = await store.history.legal_holds()
    assert (found.subscriber, found.author, found.note) == ("S-1", "desk", "case 7")
    await hold(store, on=False)
    assert await store.history.legal_hold("S-1") is None
    assert (await compact(store, days_on(3_000))).moved.entries > 15
    assert await check(store) == []


async def test_a_legal_hold_that_is_opened_while_records_go_keeps_the_rest__AU_3(store):
    await import_s1(store)
    await store.ledger.post(postings([a_reading(n, at=60 * n) for n in range(2_500)]))
    work = store.history.compaction(cuts(KEEP, days_on(100), LONDON), LONDON)
    assert await work.step() == MOST_ROWS
    await hold(store)
    while not work.done:
        await work.step()
    assert work.moved.rows == MOST_ROWS
    assert await check(store) == []


async def test_readings_behind_a_charge_that_can_be_disputed_stay__E_5(store):
    await import_s1(store)
    await read_for_days(store, 45)
    charge = an_event(
        "charge", at=days_on(40), charge="overage", amount="6.00", currency="GBP", breach="2026-03"
    )
    async with store.judging() as desk:
        await desk.record([charge])
    march = await store.ledger.entries("S-1", MARCH.start, MARCH.end)
    await compact(store, days_on(99))
    assert await store.ledger.entries("S-1", MARCH.start, MARCH.end) == march
    april = await store.ledger.entries("S-1", APRIL.start, APRIL.end)
    assert 0 < len(april) <= 25
    await compact(store, days_on(102))
    assert await store.ledger.entries("S-1", MARCH.start, MARCH.end) == []


async def test_what_a_person_wrote_into_the_ledger_stays_as_it_is(store):
    await store.ledger.post(postings([a_reading(n, at=60 * n) for n in range(5)]))
    async with store._database.write() as conn:
        await conn.execute(
            text(
                "INSERT INTO adjustments (entry, kind, at, author, note) "
                "SELECT min(id), 'corrected', 0, 'desk', 'typo' FROM entries"
            )
        )
    before = await rows(store, MARCH)
    assert (await compact(store, days_on(3_000))).moved.entries == 2  # and the newest
    parts = await store.ledger.entries("S-1", MARCH.start, MARCH.end)
    assert [part.started_at for part in parts] == [NOON, NOON + timedelta(seconds=180)]
    assert sum(row[2] for row in await rows(store, MARCH)) == sum(row[2] for row in before)
    assert await check(store) == []


async def test_a_backup_meters_readings_go_without_being_counted__CN_14(store):
    await store.ledger.post(postings([a_reading(0), a_reading(9, at=60)], counts=False))
    await store.ledger.post(postings([a_reading(0, device="z"), a_reading(9, device="z", at=60)]))
    assert (await compact(store, days_on(100))).moved.entries == 1
    assert await check(store) == []


async def test_a_backups_readings_stay_while_its_main_meter_is_silent__CN_14(store):
    devices = (a_device(), a_device("cpe-2", meters=(a_meter(role=Role.BACKUP),)))
    await store.people.apply(an_inventory(devices=devices), dry_run=False, author="test", at=NOON)
    await store.ledger.post(postings([a_reading(0), a_reading(9, at=60)]))
    backup = [a_reading(n, device="cpe-2", at=30 * n) for n in range(9)]
    await store.ledger.post(postings(backup, counts=False))
    await compact(store, days_on(100))
    left = await store.ledger.entries("S-1", MARCH.start, MARCH.end)
    assert [part.ended_at for part in left] == [
        NOON + timedelta(seconds=30 * n) for n in range(3, 9)
    ]
    state = (await store.ledger.states([a_reading().key]))[a_reading().key]
    await store.ledger.post(postings([a_reading(10, at=days_on(101))], state))
    await compact(store, days_on(100))
    assert await store.ledger.entries("S-1", MARCH.start, NOON + timedelta(days=1)) == []


async def test_what_a_gap_waits_for_stays_until_it_is_judged__CN_14(store):
    await store.ledger.post(postings([a_reading(n, at=60 * n) for n in range(9)]))
    start = micros(NOON + timedelta(seconds=200))
    async with store._database.write() as conn:
        await conn.execute(
            text(
                "INSERT INTO gaps (subscriber, device, meter, started_at, ended_at, unknown_from, "
                "unknown_to, state, down, up) VALUES ('S-1', 'cpe-1', 'wan', :start, :end, "
                ":start, :end, 'waiting', 0, 0)"
            ),
            {"start": start, "end": start + 9},
        )
    assert (await compact(store, days_on(100))).moved.entries == 3


async def test_the_check_finds_an_hour_or_a_sum_that_vanished_or_changed(store):
    await read_for_days(store, 45)
    await compact(store, days_on(85))
    async with store._database.write() as conn:
        await conn.execute(text("UPDATE hours SET up = up + 1 WHERE started_at IN "
                                "(SELECT max(started_at) FROM hours)"))  # fmt: skip
    (mistake,) = await check(store)
    assert mistake.startswith("ledger: S-1 2026-04: up is ")
    await compact(store, days_on(1_000))
    async with store._database.write() as conn:
        await conn.execute(text("DELETE FROM lapsed"))
    assert len(await check(store)) == 2
    async with store._database.write() as conn:
        await conn.execute(text("DELETE FROM totals WHERE period = '2026-03'"))
        await conn.execute(
            text("INSERT INTO lapsed SELECT 'S-9', period_start, 0, 1, 5, 0, 0, 0 FROM totals")
        )
    assert any("1 lapsed since" in mistake for mistake in await check(store))


async def test_going_back_to_the_schema_before_loses_no_byte(store, store_url):
    await read_for_days(store, 45)
    await compact(store, days_on(140))
    assert await counted(store, "days") > 0
    assert await counted(store, "hours") > 0
    before = await rows(store, MARCH, "day")
    await on(store_url, lambda conn: command.downgrade(schema.config(conn), "0001"))
    assert await counted(store, "entries") > 40
    await on(store_url, lambda conn: command.upgrade(schema.config(conn), "head"))
    assert await rows(store, MARCH, "day") == before
    await compact(store, days_on(140))
    assert await rows(store, MARCH, "day") == before
    assert await check(store) == []


async def test_transcripts_and_deliveries_go_when_they_are_old__D_6(store):
    await import_s1(store)
    store.outbox.channels = ("webhook",)
    async with store.judging() as desk:
        (order,) = await desk.add_orders([an_order(number=0)])
    done = Outcome(order=order, state=OrderState.APPLIED, detail="", transcript="typed", at=NOON)
    await store.orders.close([done], next_at={})
    for delivery in await store.outbox.due(NOON):
        await store.outbox.done(delivery.id, NOON)
    young = await compact(store, days_on(300))
    assert (young.moved.transcripts, young.moved.deliveries) == (0, 0)
    await hold(store)
    assert (await compact(store, days_on(500))).moved.transcripts == 0
    await hold(store, on=False)
    assert (await compact(store, days_on(500))).moved.transcripts == 1
    assert await store.orders.transcript(order.id) == ""
    assert await store.trail.check() == []


async def test_sizes_say_how_much_there_is(store):
    await read_for_days(store, 45)
    raw = await counted(store, "entries")
    assert await store.history.sizes() == {"raw": raw, "hours": 0, "days": 0}
    await compact(store, days_on(85))
    sizes = await store.history.sizes()
    assert sizes["raw"] < raw
    assert sizes["hours"] == await counted(store, "hours") > 500


moments = st.datetimes(datetime(2026, 2, 20), datetime(2026, 11, 10)).map(
    lambda naive: naive.replace(tzinfo=UTC)
)
gaps = st.sampled_from([1, 299, 300, 3_600, 5_000, 86_400, 86_400 * 3 + 1, 86_400 * 40])
steps = st.lists(
    st.tuples(gaps, st.integers(0, 10**10), st.integers(0, 999), st.booleans()), max_size=15
)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    start=moments,
    steps=steps,
    cycle_day=st.sampled_from([1, 15, 31]),
    zone=st.sampled_from([LONDON, LORD_HOWE, CAIRO, KATHMANDU]),
    cut=st.integers(0, 400),
)
def test_any_readings_make_the_same_hours_and_days_compacted_or_not(  # noqa: PLR0917
    store_factory, start, steps, cycle_day, zone, cut
):
    readings, at, down, up = [a_reading(at=start, uptime_s=1e6)], start, 0, 0
    for gap, more_down, more_up, restarted in steps:
        at += timedelta(seconds=gap)
        down, up = (more_down, more_up) if restarted else (down + more_down, up + more_up)
        uptime = 0.5 if restarted else (at - start).total_seconds() + 1e6
        readings.append(a_reading(down, up, at=at, uptime_s=uptime))
    done = postings(readings, cycle_day=cycle_day, zone=zone)
    parts = [part for posting in done for part in posting.parts]
    periods = {period_of(part.started_at, cycle_day, zone) for part in parts}

    async def compare():
        store = await store_factory()
        try:
            await store.ledger.post(done)
            now = start + timedelta(days=60 + cut / 10)
            for _ in range(3):
                await compact(store, now, zone=zone)
                for period in periods:
                    mine = [part for part in parts if part.period == period]
                    if now < start + timedelta(days=118):
                        assert await rows(store, period, "hour", zone) == by_time(
                            mine, "hour", zone
                        )
                    assert await rows(store, period, "day", zone) == by_time(mine, "day", zone)
                assert await store.ledger.check() == []
                now += timedelta(days=35)
        finally:
            await store.close()

    asyncio.run(compare())


@pytest.fixture
def store_factory(store_url):
    """Open the same books again, emptied."""

    async def emptied():
        store = await Store.open(store_url, upgrade=True)
        async with store._database.write() as conn:
            for table in ("entries", "totals", "hours", "days", "lapsed", "meter_states"):
                await conn.execute(text(f"DELETE FROM {table}"))
        return store

    return emptied


_VICTIM = """
import asyncio, os, signal, sys
from sqlalchemy import Engine, event
from capd.store import Store
from tests.integration.test_history import compact, days_on

url, day, kill_at = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
executed = 0

@event.listens_for(Engine, "after_cursor_execute")
def executed_one(conn, cursor, statement, *more):
    global executed
    if statement.startswith(("INSERT", "UPDATE", "DELETE")):
        executed += 1
        if executed == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)

async def main():
    store = await Store.open(url)
    await compact(store, days_on(day))
    await store.close()

asyncio.run(main())
"""


def killed_at(url, day, statement):
    command = [sys.executable, "-c", _VICTIM, url, str(day), str(statement)]
    code = subprocess.run(
        command, cwd=Path(__file__).parents[2], timeout=60, check=False
    ).returncode
    assert code in {0, -signal.SIGKILL}
    return code != 0


@pytest.mark.slow
@pytest.mark.parametrize("day", [70, 1_000])
async def test_a_compaction_that_is_killed_anywhere_loses_and_doubles_nothing(
    store, store_url, day
):
    await read_for_days(store, 45, every_s=36_000)
    before = await rows(store, MARCH, "day")
    total = sum(row[2] for row in before)
    for statement in range(1, 25):
        killed = await asyncio.to_thread(killed_at, store_url, day, statement)
        assert await check(store) == []
        after = await rows(store, MARCH, "day")
        assert sum(row[2] for row in after) == total
        assert day > 365 or after == before
        if not killed:
            break
    assert not killed
    assert await counted(store, "hours" if day == 70 else "lapsed") > 0
