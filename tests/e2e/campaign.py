"""A quarter of many meters with every fault at once, and the daemon killed again and again.

    python -m tests.e2e.campaign [--meters 200] [--days 92] [--every 3600] [--kills 50] [--seed N]
                                 [--postgresql]

Polls go to another process, which runs the real turn (`account_turn` through the intake, on a
database) and is killed with -9 at random moments. Then it starts again on the same database, and
the boxes are polled anew. What it had saved must be what some number of the readings make, one
after the other; at the end the books add up, hold what this process worked out beside them, to the
byte, and obey the laws: never more than true, and true where nothing was hidden.
"""

import argparse
import asyncio
import contextlib
import logging
import pickle
import random
import secrets
import signal
import struct
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from capd.collect.intake import Intake
from capd.decide.policy import Policy
from capd.house import House
from capd.metrics import Metrics
from capd.model import MeterKey, Poll
from capd.pipeline import account_turn, decide_turn
from capd.store import Store, check
from tests.builders import (
    ENDLESS,
    HOME_100,
    HOME_300,
    HOME_900,
    a_device,
    a_meter,
    a_subscriber,
    an_inventory,
)
from tests.servers import postgres
from tests.truth import FAULTS, UPTIME_WRAP_S, Box

BEGAN = datetime(2026, 9, 1, tzinfo=UTC)  # summer time ends in it
LONDON = ZoneInfo("Europe/London")
HARMLESS = ("lose", "twice", "late", "hold", "agent", "forgetful")
SHARES = (0.0, 0.0001, 0.002, 0.01, 0.05, 0.15)
ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, kw_only=True)
class Size:
    meters: int = 200
    days: float = 92
    every_s: int = 3600
    kills: int = 50
    faults: float = 0.05  # a reading
    seed: int = 1


@dataclass(kw_only=True)
class Findings:
    readings: int = 0
    kills: int = 0
    lost_with_a_kill: int = 0  # readings that were sent and not saved
    faults: Counter = field(default_factory=Counter)
    true_bytes: int = 0
    counted_bytes: int = 0
    unknown_s: float = 0.0
    clean: int = 0  # meters of which nothing was hidden
    mistakes: list = field(default_factory=list)

    def text(self):
        share = self.counted_bytes / max(1, self.true_bytes)
        faults = ", ".join(f"{count} {what}" for what, count in sorted(self.faults.items()))
        return (
            f"{self.readings} readings, {self.kills} kills ({self.lost_with_a_kill} readings lost "
            f"with them); faults: {faults}\n"
            f"true {self.true_bytes}, counted {self.counted_bytes} ({share:.4%}), unknown "
            f"{self.unknown_s / 3600:.0f} meter hours; {self.clean} meters hid nothing and are "
            f"exact\nmistakes: {self.mistakes or 'none'}"
        )


class Campaign:
    """The parent: what is true, what arrives, and when the child dies."""

    def __init__(self, url, size):
        self.url, self.size = url, size
        self.dice = random.Random(size.seed)
        self.boxes = [self._box(n) for n in range(size.meters)]
        self.lucky = {box.name for box in self.boxes[::4]}  # to them nothing happens that hides
        self.found = Findings()
        self.child = None

    def _box(self, n):
        dice = self.dice
        real, told = dice.choice([(64, 64)] * 6 + [(32, 32)] * 3 + [(32, 64)])
        tells = set(Box.tells)
        if dice.random() < 0.3:
            tells.discard(dice.choice(sorted(tells)))
        uptime_s = dice.uniform(60, 90 * 86_400)
        if dice.random() < 0.3:
            uptime_s = UPTIME_WRAP_S - uptime_s
        return Box(
            name=f"cpe-{n}", real_bits=real, told_bits=told, tells=frozenset(tells),
            uptime_s=uptime_s, began=BEGAN, keeps_entries=False,
        )  # fmt: skip

    def run(self):
        asyncio.run(self._prepare())
        rounds = int(self.size.days * 86_400 / self.size.every_s)
        deadly = set(self.dice.sample(range(1, rounds), min(self.size.kills, rounds - 1)))
        took_s = 0.01
        try:
            for number in range(rounds):
                arrived = self._happens()
                began = time.monotonic()
                if number in deadly:
                    self._ask(arrived)
                    time.sleep(self.dice.uniform(0, 1.2 * took_s))
                    self._kill(arrived)
                else:
                    self._ask(arrived)
                    self._answered(arrived)
                    took_s = max(0.005, 0.8 * took_s + 0.2 * (time.monotonic() - began))
            for _ in range(400):  # as long as a clock that was set back takes to catch up
                if not any(self._waits(box) for box in self.boxes):
                    break
                arrived = [(box, self._quiet(box)) for box in self.boxes]
                self._ask(arrived)
                self._answered(arrived)
        finally:
            self._end_child()
        asyncio.run(self._judge())
        return self.found

    def _happens(self):
        """Let one interval pass on every line; return what arrives of each box."""
        dice, arrived = self.dice, []
        for box in self.boxes:
            gap_s = self.size.every_s + dice.randrange(-5, 6)
            box.flow(gap_s, dice.choice(SHARES), dice.choice(SHARES) / 5)
            what = "read"
            if dice.random() < self.size.faults:
                what = dice.choice(HARMLESS if box.name in self.lucky else FAULTS)
                self.found.faults[what] += 1
            some = box.careful(box.befall(what, dice.randrange(10**9)))
            box.births = [birth for birth in box.births if birth.at_s >= box.shadow.last_s]
            arrived.append((box, some))
        return arrived

    def _waits(self, box):
        return box.shadow.candidate_s is not None or box.shadow.last_s < box.now_s

    def _quiet(self, box):
        box.flow(self.size.every_s, 0, 0)
        return box.careful(box.befall("read"))

    def _ask(self, arrived):
        if self.child is None:
            self.child = subprocess.Popen(
                [sys.executable, "-m", "tests.e2e.campaign", "--child", self.url],
                cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            )  # fmt: skip
            assert self.child.stdout.readline() == b"ready\n"
        polls = [
            Poll(device=box.name, protocol="snmp", at=reading.at, readings=(reading,))
            for box, some in arrived
            for reading, *_ in some
        ]
        frame = pickle.dumps(polls)
        self.child.stdin.write(struct.pack("!I", len(frame)) + frame)
        self.child.stdin.flush()
        self.found.readings += len(polls)

    def _answered(self, arrived):
        assert self.child.stdout.readline() == b"saved\n", "the child died by itself"
        for box, some in arrived:
            box.take(some)

    def _kill(self, arrived):
        self.child.send_signal(signal.SIGKILL)
        self.child.wait()
        self._end_child()
        self.found.kills += 1
        asyncio.run(self._look(arrived))

    def _end_child(self):
        child, self.child = self.child, None
        if child is not None:
            with contextlib.suppress(BrokenPipeError):
                child.stdin.close()
            try:
                child.wait(timeout=30)
            except subprocess.TimeoutExpired:  # it goes on trying: what it said is why
                child.kill()
                child.wait()
            child.stdout.close()

    # ---- what the books say

    async def _prepare(self):
        store = await Store.open(self.url, upgrade=True)
        products = (HOME_100, HOME_300, HOME_900, ENDLESS)
        ids = [product.id for product in products]
        inventory = an_inventory(
            products=products,
            subscribers=tuple(
                a_subscriber(
                    f"S-{n}", product=self.dice.choice(ids), cycle_day=self.dice.randrange(1, 32)
                )
                for n in range(self.size.meters)
            ),
            devices=tuple(
                a_device(f"cpe-{n}", meters=(a_meter(subscriber=f"S-{n}"),))
                for n in range(self.size.meters)
            ),
        )
        await store.people.apply(inventory, dry_run=False, author="test", at=BEGAN)
        await store.close()

    async def _look(self, arrived):
        """Find out how many readings of the last batch were saved before the child died."""
        store = await Store.open(self.url)
        try:
            async with store.judging():  # PostgreSQL may still be busy with what it was told
                pass
            saved = await store.ledger.states([MeterKey(box.name, "wan") for box in self.boxes])
            if self.found.kills % 10 == 1:
                self.found.mistakes += await check(store)
        finally:
            await store.close()
        for box, some in arrived:
            place = saved.get(MeterKey(box.name, "wan"))
            might = [box.shadow]
            for one in some:
                might.append(box.after(might[-1], one))
            matching = [n for n, shadow in enumerate(might) if shadow.state == place]
            if not matching:
                self.found.mistakes.append(f"{box.name}: saved what no readings make: {place}")
                continue
            box.shadow = might[matching[-1]]
            if box.shadow.state is not None:
                box.begin_again()
            self.found.lost_with_a_kill += len(some) - matching[-1]

    async def _judge(self):
        """Compare the books with the truth, and with what was worked out beside them."""
        found = self.found
        store = await Store.open(self.url)
        found.mistakes += await check(store)
        for n, box in enumerate(self.boxes):
            shadow, periods = box.shadow, await store.ledger.periods(f"S-{n}")
            booked = [sum(p.down_bytes for p in periods), sum(p.up_bytes for p in periods)]
            unknown_us = sum(p.unknown_us for p in periods)
            true = [box.flowed[way] - shadow.base[way] for way in (0, 1)]
            if booked != [shadow.down, shadow.up]:
                found.mistakes.append(
                    f"{box.name}: {booked} booked, {shadow.down}, {shadow.up} made"
                )
            if unknown_us != round(shadow.unknown.total_seconds() * 1e6):
                found.mistakes.append(f"{box.name}: unknown {unknown_us}, made {shadow.unknown}")
            if any(one > other for one, other in zip(booked, true, strict=True)):
                found.mistakes.append(f"{box.name}: {booked} booked, but {true} is true")
            if box.clean and box.real_bits == box.told_bits:
                found.clean += 1
                if booked != true:
                    found.mistakes.append(f"{box.name}: {booked} booked, and {true} not hidden")
            found.true_bytes += sum(true)
            found.counted_bytes += sum(booked)
            found.unknown_s += unknown_us / 1e6
        await store.close()


async def child(url):
    """Post what comes in, batch after batch, as the daemon would."""
    store = await Store.open(url)
    house = House(
        store=store, policy=Policy(), zone=LONDON, currency="GBP", metrics=Metrics(),
    )  # fmt: skip
    await house.look_round()
    await decide_turn(house, await store.people.ids(), now=BEGAN)
    intake = Intake(lambda readings: account_turn(house, readings))
    try:
        async with asyncio.TaskGroup() as group:
            running = group.create_task(intake.run())
            print("ready", flush=True)
            while (frame := await asyncio.to_thread(_frame)) is not None:
                for poll in pickle.loads(frame):
                    await intake.pour(poll)
                intake.hurry()
                await intake.committed(intake.mark())
                print("saved", flush=True)
            running.cancel()
    finally:
        await store.close()


def _frame():
    head = sys.stdin.buffer.read(4)
    return sys.stdin.buffer.read(struct.unpack("!I", head)[0]) if len(head) == 4 else None


def campaign(size, *, server=None):
    """Return what was found on SQLite, or in a database of its own on *server*."""
    print(f"campaign: {size}", flush=True)
    if server is not None:
        with postgres.a_database(server) as url:
            return Campaign(url, size).run()
    with tempfile.TemporaryDirectory() as folder:
        return Campaign(f"sqlite:///{Path(folder)}/capd.db", size).run()


def main():
    asked = argparse.ArgumentParser(prog="python -m tests.e2e.campaign", description=__doc__)
    asked.add_argument("--child", metavar="URL", help=argparse.SUPPRESS)
    asked.add_argument("--meters", type=int, default=200)
    asked.add_argument("--days", type=float, default=92)
    asked.add_argument("--every", type=int, default=3600, help="seconds between two polls")
    asked.add_argument("--kills", type=int, default=50)
    asked.add_argument("--faults", type=float, default=0.05, help="share of the readings")
    asked.add_argument("--seed", type=int, default=secrets.randbelow(10**9))
    asked.add_argument("--postgresql", action="store_true")
    given = asked.parse_args()
    if given.child:
        asyncio.run(child(given.child))
        return
    size = Size(
        meters=given.meters, days=given.days, every_s=given.every, kills=given.kills,
        faults=given.faults, seed=given.seed,
    )  # fmt: skip
    logging.disable()  # clocks are set all the time
    began = time.monotonic()
    with postgres.a_server() if given.postgresql else contextlib.nullcontext() as server:
        found = campaign(size, server=server)
    print(found.text())
    print(f"{time.monotonic() - began:.0f} s; again with --seed {size.seed}")
    sys.exit(1 if found.mistakes else 0)


if __name__ == "__main__":
    main()
