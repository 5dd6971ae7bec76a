"""One device's SNMP agent, asked in the ways that it can bear."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from capd.collect.decode.plans import PULSE
from capd.collect.decode.rows import Value
from capd.errors import DeviceUnreachable, NonsenseFromDevice
from capd.model import SnmpAccess
from capd.polled import SnmpCollect

_SILENCES = 6


class Engine(Protocol):
    """A library that speaks SNMP; it has its own timeout and retries.

    Strings come as bytes, counters and ticks as int, OIDs as dotted text. All raise
    DeviceUnreachable (silence), DeviceRefused (user, key, level) or NonsenseFromDevice.
    """

    async def get(
        self, access: SnmpAccess, address: str, oids: Sequence[str]
    ) -> Mapping[str, Value]:
        """Return what is there of *oids*, in one request; what is not there is left out.

        Nothing is left of a request that the agent refused (tooBig, noSuchName of SNMPv1).
        """

    async def first(
        self, access: SnmpAccess, address: str, column: str
    ) -> tuple[str, Value] | None:
        """Return the first object under *column*, in one request; None where there is none."""

    async def walk(
        self, access: SnmpAccess, address: str, column: str, *, bulk: bool, max_repetitions: int
    ) -> Mapping[str, Value]:
        """Return everything under *column*."""

    async def close(self) -> None:
        """Let go of every socket."""


@dataclass(slots=True)
class Habits:
    """What an agent bears: as its profile says at first, then as it has shown."""

    bulk: bool
    max_oids: int
    max_repetitions: int
    most_answered: int = 0  # OIDs of one GET: what is not answered at that size was lost on its way
    silences: int = 0  # in a row, of requests that large: it may bear less than it did
    bulk_answered: bool = False
    longest_walk_s: float = 60.0  # an agent that never ends, slowly, would keep one for hours

    @classmethod
    def of(cls, snmp: SnmpCollect) -> "Habits":
        """Return what the profile says."""
        return cls(snmp.bulk, snmp.max_oids, snmp.max_repetitions)


@dataclass(frozen=True, slots=True)
class Agent:
    """The agent at *address*; *habits* change as it shows what it does not bear."""

    engine: Engine
    access: SnmpAccess
    address: str
    habits: Habits

    @property
    def is_v1(self) -> bool:
        """Say whether one OID that is not there spoils a whole GET (RFC 1157, noSuchName)."""
        return self.access.version == "1"

    async def ask(self, oids: Sequence[str]) -> Mapping[str, Value]:
        """Return what is there of *oids* in one request; nothing where it was refused."""
        said = await self.engine.get(self.access, self.address, oids)
        if said and len(oids) > 1:
            self.habits.most_answered = max(self.habits.most_answered, len(oids))
            self.habits.silences = 0
        return said

    def was_lost(self, count: int) -> bool:
        """Say whether a request of *count* OIDs that met silence was lost on its way.

        Else it may be more than the agent bears: it never answered so many, or no longer does.
        """
        self.habits.silences += 1
        if count <= self.habits.most_answered and self.habits.silences <= _SILENCES:
            return True
        self.habits.silences = self.habits.most_answered = 0
        return False

    async def one(self, oid: str) -> Value:
        """Return the value of *oid*, None if it is not there."""
        return (await self.ask([oid])).get(oid)

    async def cells(self, oids: Sequence[str]) -> dict[str, Value]:
        """Return what is there of *oids*, in as many requests as the agent wants."""
        found: dict[str, Value] = {}
        todo = list(oids)
        while todo:
            some, todo = todo[: self.habits.max_oids - 1], todo[self.habits.max_oids - 1 :]
            found |= await self._halving(some)
        return found

    async def _halving(self, oids: Sequence[str]) -> Mapping[str, Value]:
        pulse = [] if self.is_v1 or PULSE in oids else [PULSE]
        answer = await self.ask([*oids, *pulse])
        if answer or len(oids) == 1:
            return {oid: value for oid, value in answer.items() if oid in oids}
        if not self.is_v1:
            self.habits.max_oids = max(2, len(oids) // 2 + 1)
        half = len(oids) // 2
        return {**await self._halving(oids[:half]), **await self._halving(oids[half:])}

    async def first(self, column: str) -> tuple[str, Value] | None:
        """Return the first object under *column*, None where there is none."""
        return await self.engine.first(self.access, self.address, column)

    async def walk(self, column: str) -> Mapping[str, Value]:
        """Return everything under *column*; GETBULK where the agent answers it, else GETNEXT.

        Raises NonsenseFromDevice where no end of it comes in a minute.
        """
        try:
            async with asyncio.timeout(self.habits.longest_walk_s):
                return await self._walked(column)
        except TimeoutError:
            most_s = self.habits.longest_walk_s
            raise NonsenseFromDevice(f"shows no end of {column} in {most_s:g} s") from None

    async def _walked(self, column: str) -> Mapping[str, Value]:
        if self.habits.bulk and not self.is_v1:
            try:
                rows = await self._walk(column, bulk=True)
            except DeviceUnreachable:
                if not await self.ask([PULSE]):
                    raise
                if self.habits.bulk_answered:  # one was lost on its way
                    return await self._walk(column, bulk=True)
                self.habits.bulk = False  # it answers, but no GETBULK
            else:
                self.habits.bulk_answered = self.habits.bulk_answered or bool(rows)
                if rows or await self.first(column) is None:
                    return rows
                return await self._smaller(column)
        return await self._walk(column, bulk=False)

    async def _smaller(self, column: str) -> Mapping[str, Value]:
        """Walk in smaller steps: there is something, and yet GETBULK showed nothing (tooBig)."""
        while self.habits.max_repetitions > 1:
            self.habits.max_repetitions //= 2
            rows = await self._walk(column, bulk=True)
            if rows:
                return rows
        self.habits.bulk = False
        return await self._walk(column, bulk=False)

    async def _walk(self, column: str, *, bulk: bool) -> Mapping[str, Value]:
        return await self.engine.walk(
            self.access,
            self.address,
            column,
            bulk=bulk,
            max_repetitions=self.habits.max_repetitions,
        )
