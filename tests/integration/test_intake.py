"""Group commit: many readings to a transaction, none lost, none overtaken."""

import asyncio

import pytest

from capd.collect.intake import Intake
from capd.errors import StoreError
from capd.model import Poll
from tests.builders import NOON, a_reading


def a_poll(*values):
    return Poll(
        device="cpe-1", protocol="snmp", at=NOON, readings=tuple(a_reading(v) for v in values)
    )


class Ledger:
    """Takes batches, unless it is out of order."""

    def __init__(self, *troubles):
        self.batches = []
        self._troubles = list(troubles)

    async def post(self, readings):
        if self._troubles:
            raise self._troubles.pop(0)
        self.batches.append([reading.down_bytes for reading in readings])


async def running(intake, *polls):
    task = asyncio.get_running_loop().create_task(intake.run())
    try:
        for poll in polls:
            await intake.pour_through(poll)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_what_comes_within_the_wait_shares_a_transaction():
    ledger = Ledger()
    intake = Intake(ledger.post, batch_ms=20)
    for value in range(5):
        await intake.pour(a_poll(value))
    await running(intake, a_poll(9))
    assert ledger.batches == [[0, 1, 2, 3, 4, 9]]


async def test_a_full_batch_does_not_wait():
    ledger = Ledger()
    intake = Intake(ledger.post, batch_ms=60_000, batch_readings=3)
    await running(intake, a_poll(1, 2, 3))
    assert ledger.batches == [[1, 2, 3]]


async def test_a_store_that_is_out_of_order_gets_the_same_batch_again():
    ledger = Ledger(StoreError("disk full"), StoreError("disk full"))
    await running(Intake(ledger.post, batch_ms=1), a_poll(7))
    assert ledger.batches == [[7]]


async def test_a_batch_that_could_not_be_posted_is_still_there():
    ledger = Ledger(RuntimeError("a bug"))
    intake = Intake(ledger.post, batch_ms=1)
    await intake.pour(a_poll(7))
    with pytest.raises(RuntimeError):
        await intake.flush()
    await intake.pour(a_poll(8))
    await intake.flush()
    assert ledger.batches == [[7, 8]]


async def test_a_full_intake_makes_its_sources_wait():
    ledger = Ledger()
    intake = Intake(ledger.post, batch_ms=60_000, batch_readings=2)
    await intake.pour(a_poll(1, 2, 3, 4))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await intake.pour(a_poll(5))
    await intake.flush()
    await intake.pour(a_poll(5))
    await intake.flush()
    assert ledger.batches == [[1, 2, 3, 4], [5]]


async def test_who_waits_for_a_commit_may_hurry_it():
    ledger = Ledger()
    intake = Intake(ledger.post, batch_ms=60_000)
    await intake.pour(a_poll(1))
    first = intake.mark()
    task = asyncio.get_running_loop().create_task(intake.run())
    intake.hurry()
    await intake.committed(first)
    assert ledger.batches == [[1]]
    intake.hurry()  # there is nothing to hurry
    await intake.committed(first)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
