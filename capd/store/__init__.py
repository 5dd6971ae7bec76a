"""The memory: what must be known after a restart, in one database with a few books in it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy import text

from capd.store import books_check, schema
from capd.store.activations import Activations
from capd.store.answered import Answered, AnsweredBefore, Kept
from capd.store.charges import Charges
from capd.store.database import Database, mask
from capd.store.desk import Desk, Witness
from capd.store.fieldbook import Fieldbook
from capd.store.history import History
from capd.store.imports import Changes
from capd.store.ledger import Ledger
from capd.store.looks import Looks
from capd.store.maintenance import Maintenance
from capd.store.matters import Matters
from capd.store.notices import Notices
from capd.store.orders import Orders
from capd.store.outbox import Outbox
from capd.store.past import Past
from capd.store.people import MeterHome, People
from capd.store.reports import Reports
from capd.store.schema import head, upgrade
from capd.store.suspensions import Suspensions
from capd.store.tokens import Tokens
from capd.store.trail import Trail

__all__ = [
    "AnsweredBefore",
    "Changes",
    "Desk",
    "Kept",
    "MeterHome",
    "Past",
    "Store",
    "Witness",
    "check",
    "head",
    "mask",
    "upgrade",
]


class Store:
    """The books, each by its name; `judging` opens the transaction in which is decided."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.outbox = Outbox(database)
        self.ledger = Ledger(database)
        self.history = History(database)
        self.people = People(database, self.outbox)
        self.matters = Matters(database)
        self.charges = Charges(database)
        self.activations = Activations(database)
        self.orders = Orders(database, self.outbox)
        self.trail = Trail(database)
        self.notices = Notices(database, self.outbox)
        self.answered = Answered(database)
        self.fieldbook = Fieldbook(database, self.outbox)
        self.reports = Reports(database)
        self.tokens = Tokens(database, self.outbox)
        self.looks = Looks(database, self.outbox)
        self.maintenance = Maintenance(database, self.outbox)

    @classmethod
    async def open(cls, url: str, *, upgrade: bool = False) -> "Store":
        """Open the books at *url*, brought to the newest schema first where *upgrade* says so.

        Raises StoreError: unreachable, or a schema that is not this capd's.
        """
        database = Database(url)
        await database.expect_file()
        if upgrade:
            await schema.upgrade(url)
        store = cls(database)
        try:
            await schema.expect_head(database)
        except BaseException:
            await store.close()
            raise
        return store

    async def close(self) -> None:
        """Let go of the database."""
        await self._database.close()

    async def ping(self) -> None:
        """Ask the database for an answer; StoreError where there is none."""
        async with self._database.read() as conn:
            await conn.execute(text("SELECT 1"))

    @asynccontextmanager
    async def looking(self) -> AsyncIterator[Suspensions]:
        """Open what the guard asks, without the right to write."""
        async with self._database.read() as conn:
            yield Suspensions(conn)

    @asynccontextmanager
    async def judging(self) -> AsyncIterator[Desk]:
        """Open the one transaction that a judgement takes: load, think, save.

        No other writer comes in between, here or in another process; so post nothing to the
        ledger inside it, for that would wait for itself.
        """
        async with self._database.write() as conn:
            yield Desk(conn, self.outbox)

    @asynccontextmanager
    async def reviewing(self) -> AsyncIterator[Desk]:
        """Open what a judgement reads, of one moment, without the right to write."""
        async with self._database.read() as conn:
            yield Desk(conn, self.outbox)

    @asynccontextmanager
    async def looking_back(self) -> AsyncIterator[Past]:
        """Open a look at what was; all that it sees is of one moment, whatever is posted since."""
        async with self._database.read() as conn:
            yield Past(conn)


async def check(store: Store, progress: books_check.Progress = books_check.unseen) -> list[str]:
    """Return what is wrong, a line each: sums, last readings, the audit trail, the books it makes.

    *progress* is told of the last, which takes longest.
    """
    return [
        *await store.ledger.check(),
        *await store.trail.check(),
        *await store.people.check(progress),
    ]
