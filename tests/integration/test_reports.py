"""Usage of any range, exact to the byte, and the readings behind a charge: on both databases."""

import asyncio
import csv
import io
import itertools
import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from capd.account.retention import Keep, cuts
from capd.answers import reports
from capd.answers.reports import Part
from capd.cli.output import csv_cell
from capd.decide.policy import Action, Overage, Policy
from capd.pipeline import account_turn
from capd.store import Store, check
from capd.units import rfc3339
from tests.builders import (
    GB,
    LONDON,
    MARCH,
    NOON,
    a_reading,
    a_subscriber,
    an_event,
    an_inventory,
    postings,
)
from tests.integration.test_pipeline import a_house
from tests.servers.commandline import Capd

START = datetime(2026, 3, 27, 13, 7, tzinfo=UTC)


def at(text, zone=LONDON):
    return datetime.fromisoformat(text).replace(tzinfo=zone).astimezone(UTC)


@pytest.fixture
async def house(store):
    """S-1 with a reading each 35 minutes over the clock change; bytes that divide by nothing."""
    house = await a_house(store)
    readings = [
        a_reading(10_007 * n, 101 * n, at=START + timedelta(minutes=35 * n)) for n in range(300)
    ]
    await store.ledger.post(postings(readings))
    return house


async def told(house, since, until, by=Part.WHOLE, **more):
    return [row async for row in reports.usage(house, since, until, by, **more)]


def bytes_of(rows, *, cut=False):
    return sum(row["total_bytes"] for row in rows if row["cut"] == cut)


async def test_a_report_by_period_is_the_ledgers_totals__E_4(house):
    rows = await told(house, at("2026-01-01"), at("2026-12-31"), Part.PERIOD, only="S-1")
    assert [row["part"] for row in rows] == ["2026-03", "2026-04"]
    for row in rows:
        standing = await house.store.people.standing_of(
            "S-1", datetime.fromisoformat(row["from"]), LONDON, 6
        )
        assert (row["down_bytes"], row["up_bytes"]) == (
            standing.usage.down_bytes, standing.usage.up_bytes,
        )  # fmt: skip
    assert bytes_of(rows) == 299 * 10_108


async def test_days_are_those_of_the_operators_clock_and_the_same_as_usage_by_day__E_4(house):
    rows = await told(house, MARCH.start, MARCH.end, Part.DAY, only="S-1")
    by_day = await house.store.history.by_time("S-1", MARCH, "day", LONDON)
    assert [(row["from"], row["down_bytes"], row["up_bytes"]) for row in rows] == [
        (rfc3339(start), down, up) for start, _, down, up, _, _ in by_day
    ]
    short = next(row for row in rows if row["part"] == "2026-03-29")
    assert (short["from"], short["to"]) == ("2026-03-29T00:00:00Z", "2026-03-29T23:00:00Z")


@pytest.mark.parametrize(
    ("by", "age"),
    [(Part.WHOLE, 0), (Part.DAY, 0), (Part.PERIOD, 100), (Part.DAY, 100), (Part.MONTH, 500),
     (Part.WHOLE, 4000)],
)  # fmt: skip
async def test_ranges_side_by_side_add_up_to_the_whole_also_when_readings_are_gone__E_4(
    house, by, age
):
    if age:
        keep = Keep(raw_days=60)
        work = house.store.history.compaction(
            cuts(keep, START + timedelta(days=age), LONDON), LONDON
        )
        while not work.done:
            await work.step()
        assert await check(house.store) == []
    edges = [at("2026-03-01"), at("2026-03-29T01:30"), at("2026-03-29T03:00"), at("2026-03-31"),
             at("2026-04-01"), at("2026-04-02T00:17"), at("2026-05-01")]  # fmt: skip
    whole = await told(house, edges[0], edges[-1], by, only="S-1")
    assert bytes_of(whole) == 299 * 10_108
    assert not any(row["cut"] for row in whole)
    spans = list(itertools.pairwise(edges))
    several = [await told(house, *span, by, only="S-1") for span in spans]
    whole_spans = {
        (row["from"], row["to"]): row["total_bytes"]
        for rows in several for row in rows if row["cut"]
    }  # fmt: skip
    assert sum(map(bytes_of, several)) + sum(whole_spans.values()) == 299 * 10_108
    assert bool(whole_spans) == bool(age)
    for rows, (since, until) in zip(several, spans, strict=True):
        for row in rows:
            inside = rfc3339(since) <= row["from"] and row["to"] <= rfc3339(until)
            assert inside != row["cut"]


async def test_what_a_backup_meter_saw_is_in_no_report__CN_14(house):
    before = await told(house, at("2026-03-01"), at("2026-05-01"), only="S-1")
    seen = [a_reading(n * GB, device="backup", at=START + timedelta(hours=n)) for n in range(9)]
    await house.store.ledger.post(postings(seen, counts=False))
    assert await told(house, at("2026-03-01"), at("2026-05-01"), only="S-1") == before


async def test_one_long_gap_over_many_days_is_counted_once__CN_12(store):
    house = await a_house(store)
    readings = [a_reading(at=START), a_reading(1_000_003, at=START + timedelta(days=200))]
    await store.ledger.post(postings(readings))
    rows = await told(house, at("2026-01-01"), at("2026-12-31"), Part.DAY, only="S-1")
    assert bytes_of(rows) == 1_000_003
    assert len(rows) == 201
    inner = await told(house, at("2026-05-01"), at("2026-05-02"), Part.DAY, only="S-1")
    assert inner[0]["total_bytes"] == next(
        row["total_bytes"] for row in rows if row["part"] == "2026-05-01"
    )


async def test_everybody_is_in_the_report_also_who_used_nothing_or_has_left__E_4(house):
    gone = postings([a_reading(at=NOON, device="x"), a_reading(5, at=START, device="x")],
                    subscriber="A-gone")  # fmt: skip
    await house.store.ledger.post(gone)
    people = an_inventory(subscribers=tuple(a_subscriber(f"T-{n}") for n in range(3)))
    await house.store.people.apply(people, dry_run=False, author="t", at=NOON)
    steps = []
    rows = await told(
        house, at("2026-03-01"), at("2026-05-01"), progress=lambda *done: steps.append(done)
    )
    assert (steps[0], steps[-1]) == ((0, 5), (5, 5))
    assert [(row["subscriber"], row["total_bytes"]) for row in rows][:2] == [
        ("A-gone", 5), ("S-1", 299 * 10_108),
    ]  # fmt: skip
    assert [row["total_bytes"] for row in rows[-3:]] == [0, 0, 0]


async def charged(house, counted, **more):
    figures = {"charge": "overage", "amount": "1.00", "currency": "GBP", "period": "2026-03",
               "breach": "2026-03", "units": 1, "counted_bytes": counted,
               "charge_id": f"S-1/overage/{counted}"}  # fmt: skip
    event = an_event("charge", at=MARCH.end - timedelta(hours=20), **{**figures, **more})
    async with house.store.judging() as desk:
        await desk.record([event])
    (found,) = await house.store.reports.charges(key=f"S-1/overage/{counted}")
    return await reports.charge(house, found)


async def posted_before(house, moment):
    async with house.store._database.read() as conn:
        rows = (await conn.exec_driver_sql(
            "SELECT started_at, ended_at, down, up FROM entries WHERE counts ORDER BY id"
        )).all()  # fmt: skip
    until = int(moment.timestamp() * 1e6)
    return sum(row.down + row.up for row in rows if row.ended_at <= until)


async def test_the_readings_behind_a_charge_come_to_its_bytes_exactly__E_5(house):
    counted = await posted_before(house, MARCH.end - timedelta(hours=20))
    record = await charged(house, counted)
    assert record["adds_up"] is True
    assert record["readings_bytes"] == counted
    assert sum(row["counted_bytes"] for row in record["readings"]) == counted
    assert record["readings"][-1]["to"] <= record["at"]
    assert record["posted_later"] > 0
    assert record["counts"] == "both"
    last = record["readings"][-1]
    assert last["down_counter"] == 10_007 * len(record["readings"])
    assert (last["rule"], last["quality"]) == ("CN-3", "counted")
    assert record["unbroken"]


async def test_every_charge_that_was_decided_has_its_readings__E_5(store):
    house = await a_house(store)
    house.policy = Policy(
        first_action=Action.CHARGE, overage=Overage(unit_price=Decimal("1.50"), fee=Decimal(5))
    )
    for n in range(40):
        seen = a_reading(n * 3 * GB + 7, n, at=NOON + timedelta(hours=n))
        await account_turn(house, [seen])
    found = await store.reports.charges(subscriber="S-1")
    assert len(found) > 10
    for one in found:
        record = await reports.charge(house, one)
        assert record["adds_up"] is True
        assert record["readings_bytes"] == record["counted_bytes"]
    assert found[0].event.figures["charge"] == "administration"


async def test_they_still_do_when_some_are_hours_by_now_and_a_charge_keeps_its_own__E_5(house):
    counted = await posted_before(house, MARCH.end - timedelta(hours=20))
    before = await charged(house, counted)
    for days, kept in ((59, True), (75, False)):
        at_ = MARCH.end - timedelta(hours=20) + timedelta(days=days)
        work = house.store.history.compaction(cuts(Keep(raw_days=0), at_, LONDON), LONDON)
        while not work.done:
            await work.step()
        (found,) = await house.store.reports.charges(subscriber="S-1")
        record = await reports.charge(house, found)
        assert (record["readings"] == before["readings"]) == kept
        if kept:
            assert record["adds_up"]
    assert record["kept_as_a_whole"]
    assert record["adds_up"] is False
    assert not record["readings"]


async def test_a_charge_that_readings_do_not_come_to_is_said_to_be_so__E_5(house):
    record = await charged(house, 12_345)
    assert record["adds_up"] is False
    fee = await charged(house, None)
    assert (fee["adds_up"], fee["readings"]) == (None, [])


def test_no_cell_is_a_formula():
    assert [csv_cell(value) for value in ("=1", "+1", "-1", "@a", "\t=1", "\r=1", "a=1", "", None)
            ] == ["'=1", "'+1", "'-1", "'@a", "'\t=1", "'\r=1", "a=1", "", ""]  # fmt: skip
    assert csv_cell(-5) == -5


@pytest.fixture
def capd(tmp_path):
    found = Capd(tmp_path)
    found.ok("init")
    config = tmp_path / "capd.toml"
    config.write_text(config.read_text())
    people = {
        "products": [{"id": "p", "name": "P", "cap": "1GB", "price": "5.00"}],
        "subscribers": [{"id": "=S-1", "name": "Eve", "product": "p"}],
        "devices": [],
    }
    (tmp_path / "people.json").write_text(json.dumps(people))
    found.ok("import", "people.json")
    return found


async def post(folder, start=START, several=300):
    store = await Store.open(f"sqlite:///{folder}/capd.db")
    readings = [a_reading(1000 * n, at=start + timedelta(hours=n)) for n in range(several)]
    zone = ZoneInfo("Europe/London")
    await store.ledger.post(postings(readings, subscriber="=S-1", zone=zone))
    await store.close()


async def test_a_report_is_written_as_csv_json_and_text_and_to_a_file__E_4(capd):
    await post(capd.folder)

    def run(*arguments):
        span = ("--from", "2026-03-01", "--to", "2026-04-30")
        return asyncio_free(capd, "report", "usage", *span, *arguments)

    table = list(csv.DictReader(io.StringIO((await run("--csv", "--by", "month")).out)))
    assert [(row["subscriber"], row["part"]) for row in table] == [
        ("'=S-1", "2026-03"), ("'=S-1", "2026-04"),
    ]  # fmt: skip
    assert sum(int(row["total_bytes"]) for row in table) == 299_000
    (row,) = (await run("--json")).records()
    assert (row["subscriber"], row["total_bytes"], row["cut"]) == ("=S-1", 299_000, False)
    assert row["to"] == "2026-04-30T23:00:00Z"
    assert "=S-1  2026-03-01T00:00:00Z to " in (await run()).out
    said = await run("--csv", "-o", "usage.csv")
    assert said.out == "usage.csv: 1 rows\n"
    assert (capd.folder / "usage.csv").read_text().startswith("subscriber,part,from,to,")
    assert sorted(path.name for path in capd.folder.glob("usage*")) == ["usage.csv"]
    nowhere = await run("-o", "nowhere/usage.csv")
    assert (nowhere.code, nowhere.err) == (1, "nowhere/usage.csv: No such file or directory\n")
    assert (await run("--csv", "--json")).code == 2
    assert (await run("--subscriber", "=S-2")).code == 1


async def test_what_is_cut_is_said_on_standard_error_too(capd):
    await post(capd.folder, start=datetime(2024, 3, 27, 13, 7, tzinfo=UTC))
    await asyncio_free(capd, "db", "compact")
    said = await asyncio_free(
        capd, "report", "usage", "--from", "2024-03-28T05:30", "--to", "2024-04-02"
    )
    assert said.code == 0
    assert "1 rows are cut" in said.err
    assert "(cut)" in said.out


async def test_a_charge_is_shown_with_its_readings_or_refused_in_a_line__E_5(capd):
    nothing = await asyncio_free(capd, "report", "charge", "7")
    assert (nothing.code, nothing.err) == (
        1, "there is no charge '7': `capd report charge --subscriber S`\n"
    )  # fmt: skip
    assert (await asyncio_free(capd, "report", "charge")).code == 2
    assert (await asyncio_free(capd, "report", "charge", "--subscriber", "=S-1")).out == ""
    assert (await asyncio_free(capd, "report", "charge", "--subscriber", "x")).code == 1


async def asyncio_free(capd, *arguments):
    """Run a command beside this test's loop: it has one of its own."""
    return await asyncio.to_thread(capd, *arguments)


async def test_a_silence_over_the_first_cut_is_found_however_long_it_was__E_4(store):
    """Each meter has its own: what began before the range, and in the period that it begins in."""
    house = await a_house(store)
    for n, device in enumerate(("a", "b")):
        moments = (at("2026-03-02"), at("2026-03-20"), at("2026-03-21"))
        readings = [a_reading(432 * (n + 1) * k, at=one, device=device)
                    for k, one in enumerate(moments)]  # fmt: skip
        await store.ledger.post(postings(readings))
    halves = [
        await told(house, *span, Part.DAY, only="S-1")
        for span in ((at("2026-03-01"), at("2026-03-11")), (at("2026-03-11"), at("2026-03-31")))
    ]
    assert [bytes_of(rows) for rows in halves] == [648, 1944]
    assert [rows[0]["from"] for rows in halves] == ["2026-03-02T00:00:00Z", "2026-03-11T00:00:00Z"]


async def test_a_charge_with_no_bytes_behind_it_shows_what_it_comes_from__E_5(capd):
    for details in (("state=out",), ("state=lost", "amount=45")):
        told = await asyncio_free(capd, "fact", "equipment", "=S-1", "item=radio", *details)
        assert told.code == 0, told.err
    shown = await asyncio_free(capd, "report", "charge", "--subscriber", "=S-1")
    assert "equipment: 45.00 GBP" in shown.out
    assert "  item: radio\n" in shown.out
    assert "  out since: " in shown.out
    assert "  no bytes are behind it\n" in shown.out
