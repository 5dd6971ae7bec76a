"""The usage book against real databases: what is counted is kept, once, and adds up."""

import asyncio
import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from capd.account.periods import period_of
from capd.errors import StoreError
from capd.model import MeterKey, MeterState, Quality
from capd.store import Store, check
from tests.builders import (
    APRIL,
    LONDON,
    MARCH,
    NOON,
    a_device,
    a_meter,
    a_reading,
    a_subscriber,
    an_inventory,
    postings,
)

WAN = MeterKey("cpe-1", "wan")


async def imported(store, **more):
    await store.people.apply(an_inventory(**more), dry_run=False, author="test", at=NOON)


async def sql(store, statement, **values):
    """Change the books behind their back."""
    async with store._database.write() as conn:
        await conn.execute(text(statement), values)


async def test_a_state_comes_back_as_it_was_saved(store):
    last = a_reading(
        2**64 - 1,
        2**63,
        uptime_s=86400.25,
        agent_uptime_s=12.5,
        epoch="ifIndex 7",
        counter_bits=64,
        link_bps=10**10,
        identity="X1",
    )
    fallen = replace(last, at=NOON + timedelta(minutes=5), down_bytes=7, retained=True)
    (posting,) = postings([last])
    state = MeterState(last=last, candidate=fallen)
    saved = replace(posting, step=replace(posting.step, state=state))
    assert await store.ledger.post([saved]) == frozenset()
    assert await store.ledger.states([WAN, MeterKey("cpe-2", "wan")]) == {WAN: state}


async def test_a_state_with_nothing_but_counters_comes_back_as_it_was_saved(store):
    (posting,) = postings([a_reading(1, 2)])
    await store.ledger.post([posting])
    assert await store.ledger.states([WAN]) == {WAN: posting.step.state}


async def test_a_first_reading_is_remembered_and_counts_nothing__CN_1(store):
    await store.ledger.post(postings([a_reading(5_000, 500)]))
    assert (await store.ledger.usage("S-1", MARCH)).down_bytes == 0
    assert await store.ledger.entries("S-1", MARCH.start, MARCH.end) == []


async def test_what_was_posted_is_in_the_totals_and_in_the_entries(store):
    await imported(store)
    done = postings([a_reading(0), a_reading(700, 70, at=300), a_reading(900, 80, at=600)])
    await store.ledger.post(done)
    usage = await store.ledger.usage("S-1", MARCH)
    assert (usage.down_bytes, usage.up_bytes) == (900, 80)
    assert await store.ledger.totals(NOON, ["S-1", "S-9"], LONDON) == {"S-1": usage}
    parts = await store.ledger.entries("S-1", MARCH.start, MARCH.end)
    assert parts == [part for posting in done for part in posting.parts]
    assert await check(store) == []


async def test_the_same_batch_twice_changes_nothing(store):
    done = postings([a_reading(0), a_reading(700, at=300)])
    assert await store.ledger.post(done) == frozenset()
    assert await store.ledger.post(done) == {WAN}
    assert (await store.ledger.usage("S-1", MARCH)).down_bytes == 700
    assert len(await store.ledger.entries("S-1", MARCH.start, MARCH.end)) == 1


async def test_a_stale_reading_writes_nothing_and_stands_in_nobodys_way__CN_2(store):
    first = postings([a_reading(0), a_reading(700, at=300)])
    await store.ledger.post(first)
    late = postings([a_reading(650, at=200)], first[-1].step.state)
    assert late[0].step.quality is Quality.STALE
    assert await store.ledger.post(late) == frozenset()
    assert await store.ledger.states([WAN]) == {WAN: first[-1].step.state}


async def test_one_meter_that_somebody_else_moved_keeps_the_whole_batch_out(store):
    mine = postings([a_reading(0)])
    other = postings([a_reading(0, device="cpe-2")], subscriber="S-2")
    await store.ledger.post([*mine, *other])
    await store.ledger.post(postings([a_reading(100, at=300)], mine[-1].step.state))
    late = postings([a_reading(150, at=400)], mine[-1].step.state)
    fine = postings([a_reading(80, at=400, device="cpe-2")], other[-1].step.state, subscriber="S-2")
    assert await store.ledger.post([*fine, *late]) == {WAN}
    assert (await store.ledger.usage("S-2", MARCH)).down_bytes == 0
    assert (await store.ledger.usage("S-1", MARCH)).down_bytes == 100
    assert await check(store) == []


async def test_a_candidate_that_somebody_else_saved_stands_in_the_way_too__CN_8(store):
    begun = postings([a_reading(1000)])
    await store.ledger.post(begun)
    state = begun[-1].step.state
    await store.ledger.post(postings([a_reading(10, at=300)], state))
    assert await store.ledger.post(postings([a_reading(1200, at=400)], state)) == {WAN}


async def test_postings_of_a_meter_that_do_not_follow_from_each_other_are_not_saved(store):
    begun = postings([a_reading(0)])
    await store.ledger.post(begun)
    twice = [*postings([a_reading(500, at=300)], begun[-1].step.state)] * 2
    assert await store.ledger.post(twice) == {WAN}
    assert (await store.ledger.usage("S-1", MARCH)).down_bytes == 0


async def test_a_fall_and_its_recovery_in_one_batch_are_a_glitch__CN_8(store):
    done = postings([a_reading(1000), a_reading(3, at=300), a_reading(1500, at=600)])
    assert done[-1].step.quality is Quality.GLITCH
    await store.ledger.post(done)
    assert (await store.ledger.usage("S-1", MARCH)).down_bytes == 500
    assert await check(store) == []


async def test_bytes_across_the_end_of_a_period_go_to_both__CN_12(store):
    before = a_reading(0, at=MARCH.end - timedelta(minutes=1))
    after = a_reading(300, at=MARCH.end + timedelta(minutes=2))
    await store.ledger.post(postings([before, after]))
    assert (await store.ledger.usage("S-1", MARCH)).down_bytes == 100
    assert (await store.ledger.usage("S-1", APRIL)).down_bytes == 200
    assert [usage.period.name for usage in await store.ledger.periods("S-1")] == [
        "2026-03",
        "2026-04",
    ]
    assert await check(store) == []


async def test_a_backup_meters_bytes_are_kept_as_evidence_and_not_counted__CN_14(store):
    done = postings([a_reading(0), a_reading(700, at=300)], counts=False)
    await store.ledger.post(done)
    assert (await store.ledger.usage("S-1", MARCH)).down_bytes == 0
    parts = await store.ledger.entries("S-1", MARCH.start, MARCH.end)
    assert [(part.down_bytes, part.counts, part.period) for part in parts] == [(700, False, MARCH)]
    assert await check(store) == []


async def test_several_meters_of_one_subscriber_add_up__CN_15(store):
    one = postings([a_reading(0), a_reading(5, at=300)])
    other = postings([a_reading(0, meter="lte"), a_reading(7, at=300, meter="lte")])
    await store.ledger.post([*one, *other])
    assert (await store.ledger.usage("S-1", MARCH)).down_bytes == 12


async def test_the_running_period_is_by_each_ones_own_cycle_day(store):
    people = (a_subscriber(), a_subscriber("S-2", cycle_day=15))
    meters = (a_meter(), a_meter("wan2", "S-2"))
    await imported(store, subscribers=people, devices=(a_device(meters=meters),))
    second = [a_reading(0, meter="wan2"), a_reading(50, at=300, meter="wan2")]
    await store.ledger.post(
        [
            *postings([a_reading(0), a_reading(40, at=300)]),
            *postings(second, subscriber="S-2", cycle_day=15),
        ]
    )
    found = await store.ledger.totals(NOON, ["S-1", "S-2"], LONDON)
    assert {who: (usage.period.name, usage.down_bytes) for who, usage in found.items()} == {
        "S-1": ("2026-03", 40),
        "S-2": ("2026-02", 50),
    }


async def test_a_meter_that_moves_counts_on_for_whoever_has_it_now(store):
    begun = postings([a_reading(0), a_reading(40, at=300)])
    await store.ledger.post(begun)
    state = (await store.ledger.states([WAN]))[WAN]
    await store.ledger.post(postings([a_reading(100, at=600)], state, subscriber="S-2"))
    assert (await store.ledger.usage("S-1", MARCH)).down_bytes == 40
    assert (await store.ledger.usage("S-2", MARCH)).down_bytes == 60


async def test_bytes_since_a_moment_are_of_parts_that_began_then_or_later(store):
    await store.ledger.post(
        postings([a_reading(0), a_reading(10, 1, at=300), a_reading(30, 3, at=600)])
    )
    quiet = NOON + timedelta(seconds=601)
    cut = {"S-1": NOON + timedelta(seconds=300), "S-2": NOON}
    assert await store.ledger.since(cut) == {"S-1": 22, "S-2": 0}
    assert await store.ledger.since({"S-1": quiet}) == {"S-1": 0}
    assert await store.ledger.since({}) == {}


async def test_what_no_link_can_carry_is_put_aside_with_its_evidence__CN_10(store):
    done = postings(
        [a_reading(0, link_bps=1_000_000), a_reading(10**12, at=300, link_bps=1_000_000)]
    )
    assert done[-1].step.quality is Quality.IMPLAUSIBLE
    await store.ledger.post(done)
    assert await store.ledger.implausible() == [done[-1].step.implausible]
    assert (await store.ledger.usage("S-1", MARCH)).down_bytes == 0
    assert await check(store) == []


async def test_nothing_to_post_is_posted_without_a_word(store):
    assert await store.ledger.post([]) == frozenset()
    assert await store.ledger.states([]) == {}
    assert await store.ledger.totals(NOON, [], LONDON) == {}


async def test_more_meters_than_a_statement_takes_are_posted_and_found(store):
    keys = [f"cpe-{n}" for n in range(1_300)]
    done = [
        posting
        for key in keys
        for posting in postings(
            [a_reading(0, device=key), a_reading(9, at=300, device=key)], subscriber=f"of-{key}"
        )
    ]
    assert await store.ledger.post(done) == frozenset()
    assert len(await store.ledger.states([MeterKey(key, "wan") for key in keys])) == 1_300
    assert sum((await store.ledger.since({f"of-{key}": NOON for key in keys})).values()) == 11_700


@pytest.mark.parametrize("seed", range(4))
async def test_totals_are_the_sum_of_entries_whatever_was_posted(store, seed):
    dice = random.Random(seed)
    truth: dict[tuple[str, str], list[int]] = {}
    homes = {f"cpe-{n}": (f"S-{n % 3}", dice.randint(1, 31), n != 4) for n in range(5)}
    states: dict[str, MeterState | None] = dict.fromkeys(homes)
    at = dict.fromkeys(homes, datetime(2026, 2, 27, tzinfo=UTC))
    for _ in range(25):
        batch, after = [], dict(states)
        for _ in range(dice.randint(1, 12)):
            device = dice.choice(list(homes))
            subscriber, cycle_day, counts = homes[device]
            at[device] += timedelta(seconds=dice.choice([1, 299.5, 300, 86_400, 86_400 * 12]))
            reading = a_reading(
                dice.choice([0, dice.randrange(2**40), 2**64 - 1]),
                dice.randrange(2**33),
                at=at[device] - timedelta(seconds=dice.choice([0, 0, 0, 600])),
                device=device,
                uptime_s=dice.choice([None, 10.0, 10**7]),
                link_bps=dice.choice([None, 10**9]),
            )
            more = {"subscriber": subscriber, "cycle_day": cycle_day, "counts": counts}
            (posting,) = postings([reading], after[device], **more)
            if any(part.down_bytes >= 2**62 for part in posting.parts):
                continue  # no link of this world carries that
            batch.append(posting)
            after[device] = posting.step.state
        conflicts = await store.ledger.post(batch)
        assert conflicts == frozenset()
        if dice.random() < 0.3:
            moved = {p.reading.key for p in batch if p.before is not p.step.state}
            assert moved >= await store.ledger.post(batch)  # again: nothing, or refused
        states = after
        for part in (part for posting in batch for part in posting.parts if part.counts):
            sums = truth.setdefault((part.subscriber, part.period.start), [0, 0, 0, 0])
            figures = (part.down_bytes, part.up_bytes, part.estimated_bytes, part.unknown_us)
            sums[:] = [a + b for a, b in zip(sums, figures, strict=True)]
    for device, (subscriber, cycle_day, counts) in homes.items():
        key = MeterKey(device, "wan")
        assert (await store.ledger.states([key])).get(key) == states[device]
        period = period_of(at[device], cycle_day, LONDON)
        usage = await store.ledger.usage(subscriber, period)
        expected = truth.get((subscriber, period.start), [0, 0, 0, 0])
        if counts:
            assert [
                usage.down_bytes,
                usage.up_bytes,
                usage.estimated_bytes,
                usage.unknown_us,
            ] == expected
    assert await check(store) == []


async def test_the_check_finds_a_total_that_was_tampered_with(store):
    await store.ledger.post(postings([a_reading(0), a_reading(700, at=300)]))
    await sql(store, "UPDATE totals SET down = down - 1")
    assert await check(store) == ["ledger: S-1 2026-03: down is 699, entries make 700"]


async def test_the_check_finds_entries_and_readings_that_are_missing(store):
    await store.ledger.post(postings([a_reading(0), a_reading(700, at=300)]))
    await sql(store, "UPDATE meter_states SET down_raw = 1")
    noon = "2026-03-10T12:05:00Z"
    (mistake,) = await check(store)
    assert mistake.startswith(f"ledger: cpe-1 wan: the newest entry ends at {noon}, but the last")
    await sql(store, "DELETE FROM totals")
    assert "ledger: S-1: 1 entries since 2026-03-01T00:00:00Z have no total" in await check(store)
    await sql(store, "DELETE FROM entries")
    assert await check(store) == []


async def test_two_processes_that_post_the_same_batch_at_once_count_it_once(store, store_url):
    other = await Store.open(store_url)
    try:
        state = None
        for n in range(20):
            batch = postings([a_reading(100 * n, at=300 * n)], state)
            answers = await asyncio.gather(store.ledger.post(batch), other.ledger.post(batch))
            assert sorted(answers, key=len) == [frozenset(), {WAN}]
            state = batch[-1].step.state
        assert (await other.ledger.usage("S-1", MARCH)).down_bytes == 1_900
        assert await check(store) == []
    finally:
        await other.close()


async def test_what_no_column_can_hold_is_an_error_in_one_line_and_leaves_nothing(store):
    done = postings([a_reading(0), a_reading(1, at=300)])
    (part,) = done[1].parts
    too_much = replace(done[1], parts=(replace(part, down_bytes=2**63),))  # no step counts that
    with pytest.raises(StoreError) as refused:
        await store.ledger.post([done[0], too_much])
    assert "\n" not in str(refused.value)
    assert await store.ledger.states([WAN]) == {}
    await store.ledger.post(postings([a_reading(0), a_reading(1, at=300)]))


async def test_a_post_that_is_cancelled_leaves_nothing_and_lets_the_next_one_through(store):
    batch = postings([a_reading(0), a_reading(700, at=300)])
    cancelled = 0
    for turns in range(40):
        task = asyncio.get_running_loop().create_task(store.ledger.post(batch))
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        try:
            await task
        except asyncio.CancelledError:
            cancelled += 1
        counted = (await store.ledger.usage("S-1", MARCH)).down_bytes
        assert counted in {0, 700}
        assert await check(store) == []
    assert cancelled > 0
    await store.ledger.post(batch)
    assert (await store.ledger.usage("S-1", MARCH)).down_bytes == 700
