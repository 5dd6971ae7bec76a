"""The lines of a replay file through a live daemon, whose clock the file sets: what it told.

Readings come in through a source of the daemon's, facts as the API and the commands tell them, and
time passes only as the file says; all rounds of the daemon go on meanwhile, as ever.
"""

import asyncio
import tempfile
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from capd import policies, sales
from capd.config import Config
from capd.daemon import Daemon
from capd.decide.book import Book, book_of
from capd.lines import event_record, line_of
from capd.model import Poll, Reading
from capd.pipeline import accept_turn, decide_turn
from capd.store import Store
from capd.told import UNPRINTED

_SOON_S = 0.002
_LONGEST_S = 20


class _Script:
    """A source that pours what it is given, and says when that is in the ledger and judged."""

    def __init__(self):
        self._waiting = asyncio.Queue()

    async def run(self, pour):
        while True:
            poll, done = await self._waiting.get()
            await pour(poll)
            done.set()

    async def take(self, reading):
        done = asyncio.Event()
        poll = Poll(device=reading.device, protocol="snmp", at=reading.at, readings=(reading,))
        self._waiting.put_nowait((poll, done))
        await done.wait()


class _Daemon(Daemon):
    """A daemon that goes by the policies it is given, from its first look on."""

    book = None

    async def _api(self, stack, parts):
        if self.book is not None:
            parts.house.go_by(self.book)
        return await super()._api(stack, parts)


class _Play:
    """A clock that stands until it is set."""

    def __init__(self, now):
        self.now = now

    def __call__(self):
        return self.now


async def lived(lines, *, inventory, policy=None, zone, currency="GBP", policy_file=None):
    """Return the events that a daemon told of *lines*, each as a replay prints it."""
    told = [line_of(line) for line in lines]
    clock, script = _Play(told[0].at), _Script()
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/live.db"
        await _seed(url, inventory, told[0].at)
        config = Config.model_validate(
            {
                "operator": {"name": "Live", "timezone": str(zone), "currency": currency},
                "store": {"url": url},
                "collect": {"batch_ms": 1},
                "decide": {
                    "policy": str(policy_file or policies.default_path()),
                    "paused": True,  # there are no devices: nothing is to be pushed
                },
                "api": {"listen": ""},
            }
        )
        daemon = _Daemon(config, clock=clock, look_s=_SOON_S, sources={"script": script})
        if policy is not None:
            daemon.book = policy if isinstance(policy, Book) else book_of([policy])
        async with asyncio.timeout(_LONGEST_S + len(told)), _running(daemon):
            house = daemon.parts.house
            for line in told:
                clock.now = max(line.at, clock.now)
                await _nothing_due(house, clock)
                if isinstance(line, Reading):
                    await script.take(line)
                elif line.fact != "clock":
                    take = sales.told if line.fact == sales.FACT else accept_turn
                    await take(house, line, now=clock())
            await _nothing_due(house, clock)
            house.heard_to = clock()  # as at the end of a file: no reading is still to come
            await decide_turn(house, sorted(house.memory.awaited), now=clock())
        return await _told(Path(folder))


async def _seed(url, inventory, at):
    """Import *inventory*, without any way to reach its devices."""
    silent = tuple(
        replace(device, snmp=None, ssh=None, address=None, mqtt_name=None)
        for device in inventory.devices
    )
    store = await Store.open(url, upgrade=True)
    try:
        await store.people.apply(
            replace(inventory, devices=silent), dry_run=False, author="file", at=at, enforcing=()
        )
    finally:
        await store.close()


@asynccontextmanager
async def _running(daemon):
    async with asyncio.TaskGroup() as group:
        group.create_task(daemon.run(signals=False), name="daemon")
        await daemon.started.wait()
        yield
        daemon.stop()


async def _nothing_due(house, clock):
    """Wait until the daemon has done all that is due, and nothing of it is under way."""
    while True:
        if not any(moment <= clock() for moment in house.memory.due.values()):
            async with house.store.judging():
                pass
            if not any(moment <= clock() for moment in house.memory.due.values()):
                return
        await asyncio.sleep(_SOON_S)


async def _told(folder):
    store = await Store.open(f"sqlite:///{folder}/live.db")
    try:
        events = await store.trail.events(limit=100_000)
    finally:
        await store.close()
    return [
        event_record(event)
        for _, event in sorted(events, key=lambda numbered: numbered[1].at)
        if event.kind not in UNPRINTED and not event.kind.startswith("order_")
    ]
