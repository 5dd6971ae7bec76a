"""Ask one device for its counters over SNMP, whatever the library (the Engine) that carries it."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from capd.clock import Clock
from capd.collect import look
from capd.collect.agent import Agent, Engine, Habits
from capd.collect.decode import Decoded, Refused, plans, rows, varbinds
from capd.collect.decode.plans import Get, Plan
from capd.collect.decode.rows import Index, Key, Value
from capd.collect.look import Walks
from capd.errors import DeviceError, DeviceUnreachable
from capd.model import Device, DeviceId, Poll, Radio, Reading
from capd.polled import SnmpCollect
from capd.profiles import Profile

__all__ = ["Asker", "Engine"]

_CENSUS_S = 900.0  # how often an access point is asked who else is connected
_FEW = 4  # OIDs that any agent takes at once
_GIVE_UP = 2  # requests in a row without an answer


@dataclass(frozen=True, slots=True)
class _Target:
    """A device, and all that is needed to ask it."""

    device: Device
    snmp: SnmpCollect
    agent: Agent


@dataclass(slots=True)
class _Known:
    """What is remembered of a device between two visits."""

    target: _Target
    plan: Plan
    index: Index
    looked_at: float  # by the steady clock
    whole: bool  # all that the profile names was found

    def is_stale(self, device: Device, age_s: float) -> bool:
        """Say whether to look for everything again: another entry in the inventory, or long ago."""
        mine = self.target.device
        if mine is not device and mine != device:
            return True
        if time.monotonic() - self.looked_at <= age_s:
            return False
        return not self.whole or bool(self.target.snmp.tables) or self.target.agent.is_v1


@dataclass(slots=True)
class _Census:
    """Who is connected to a device, and how well."""

    radios: tuple[Radio, ...] | None = None
    meter_health: Mapping[str, Mapping[str, float | str]] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)


class _Answer(NamedTuple):
    get: Get
    said: Mapping[str, Value]
    at: datetime


@dataclass(slots=True)
class _Round:
    """The answers to a plan."""

    answers: list[_Answer] = field(default_factory=list)
    split: bool = False  # a GET was asked in parts
    lost: int = 0  # GETs that nothing came back of


class Asker:
    """Asks devices for their meters; remembers where each one's rows are."""

    def __init__(
        self,
        engine: Engine,
        profiles: Mapping[str, Profile],
        clock: Clock,
        *,
        census_s: float = _CENSUS_S,
    ) -> None:
        self._engine = engine
        self._profiles = profiles
        self._clock = clock
        self._census_s = census_s
        self._known: dict[DeviceId, _Known] = {}

    async def ask(self, device: Device) -> Poll:
        """Return what *device* says; silence and nonsense are polls with a problem."""
        began = time.monotonic()
        try:
            return await self._visit(device, began)
        except DeviceError as exc:
            return Poll(
                device=device.id,
                protocol="snmp",
                at=self._clock(),
                took_s=time.monotonic() - began,
                problem=str(exc),
                unreachable=isinstance(exc, DeviceUnreachable),
            )

    def forget(self, device: DeviceId) -> None:
        """Drop what is remembered of *device*."""
        self._known.pop(device, None)

    async def _visit(self, device: Device, began: float) -> Poll:
        walks: Walks = {}
        known = self._known.get(device.id)
        census = _Census()
        if known is None or known.is_stale(device, self._census_s):
            try:
                known = await self._look(self._target(device), known, walks)
            except DeviceUnreachable:
                if known is None or known.target.device != device:
                    raise
                decoded = await self._take(known)  # it was there before: look another time
            else:
                decoded = await self._take(known)
                census = await _census(known, walks)
        else:
            decoded = await self._read(known, walks)
        problems = [each.text for each in decoded.refused] + census.problems
        return Poll(
            device=device.id,
            protocol="snmp",
            at=self._clock(),
            took_s=time.monotonic() - began,
            readings=decoded.readings,
            problem="; ".join(problems) or None,
            health=decoded.health,
            meter_health=census.meter_health,
            radios=census.radios,
            short=decoded.short,
        )

    async def _read(self, known: _Known, walks: Walks) -> Decoded:
        decoded = await self._take(known)
        doubtful = decoded.doubtful
        if known.plan.missing:
            doubtful |= {key.table for key in known.plan.missing}
        try:
            if not doubtful or not await self._look_again(known, doubtful, walks):
                return decoded  # nothing has moved: what is down is down
        except DeviceUnreachable:
            return decoded  # what was heard is true all the same
        return await self._take(known)

    def _target(self, device: Device) -> _Target:
        profile = self._profiles.get(device.profile)
        if profile is None:
            raise DeviceError(f"profile {device.profile} is not known")
        if profile.snmp is None:
            raise DeviceError(f"profile {profile.name} reads nothing over SNMP")
        if device.snmp is None or device.address is None:
            raise DeviceError("has no address, or no [snmp] access")
        habits = Habits.of(profile.snmp)
        return _Target(
            device, profile.snmp, Agent(self._engine, device.snmp, device.address, habits)
        )

    async def _look(self, target: _Target, before: _Known | None, walks: Walks) -> _Known:
        """Find the rows of the meters by their keys, and remember where they are."""
        old: Index = {}
        if before is not None and before.target.device == target.device:
            target, old = before.target, before.index  # its habits are known
        index = await look.index_of(target.agent, target.snmp, _keys(target), old, walks)
        facts = await look.facts_of(target.agent, target.snmp)
        plan = plans.plan(
            target.device, target.snmp, index, facts, most=target.agent.habits.max_oids
        )
        whole = len(facts) == look.how_many(target.snmp)
        known = _Known(target, plan, index, time.monotonic(), whole)
        self._known[target.device.id] = known
        return known

    async def _look_again(self, known: _Known, tables: frozenset[str], walks: Walks) -> bool:
        """Find the rows in *tables* again; say whether one has moved, come or gone."""
        target = known.target
        keys = [key for key in _keys(target) if key.table in tables]
        found = await look.index_of(target.agent, target.snmp, keys, known.index, walks)
        kept = {key: at for key, at in known.index.items() if key.table not in tables}
        index = {**kept, **found}
        if index == known.index:
            return False
        known.index = index
        facts, most = known.plan.facts, target.agent.habits.max_oids
        known.plan = plans.plan(target.device, target.snmp, index, facts, most=most)
        return True

    async def _take(self, known: _Known) -> Decoded:
        """Ask what the plan says, and read the answers: one GET, unless there are many meters."""
        plan = known.plan
        heard = await self._answers(known)
        answers = heard.answers
        said: Mapping[str, Value] = answers[0].said if answers else {}
        if len(answers) > 1:  # of what was said twice the first counts
            said = {oid: cell for one in reversed(answers) for oid, cell in one.said.items()}
        of = varbinds.box(plan, said, answers[0].at if answers else self._clock())
        readings, refused, doubtful = list[Reading](), list[Refused](), frozenset[str]()
        for one in answers:
            decoded = varbinds.readings(plan, one.get, one.said, one.at, of)
            readings += decoded.readings
            refused += decoded.refused
            doubtful |= decoded.doubtful
        if heard.split or (plan.away and any(each.meter in plan.away for each in readings)):
            asked = frozenset(oid for answer in answers for oid in answer.get.oids)
            most = known.target.agent.habits.max_oids
            known.plan = plans.repacked(plan, said, asked, most)
        if heard.lost:
            refused.append(Refused(reason="unanswered", text="some requests were not answered"))
        if plan.missing or plan.problems:
            refused += plans.absent(plan, known.target.snmp)
        return Decoded(
            readings=tuple(readings),
            refused=tuple(refused),
            doubtful=doubtful,
            health=of.health,
            short=sum(each.meter in plan.guesses for each in readings) if plan.guesses else 0,
        )

    async def _answers(self, known: _Known) -> _Round:
        """Return the answers to a plan; a GET that is refused whole is asked in parts.

        Of a line that loses some, what came is kept; after two in a row the rest is not asked.
        """
        agent, found = known.target.agent, _Round()
        todo, silent = list(known.plan.gets), 0
        while todo and silent < _GIVE_UP:
            get = todo.pop(0)
            said: Mapping[str, Value] = {}
            try:
                said = await agent.ask(get.oids)
            except DeviceUnreachable:
                if agent.was_lost(len(get.oids)) or len(get.oids) <= _FEW:
                    if not found.answers:
                        raise
                    silent, found.lost = silent + 1, found.lost + 1
                    continue
                await agent.ask([plans.PULSE])  # it may answer small requests only
            silent = 0
            parts = [] if said else plans.parts(get)
            if not parts:
                found.answers.append(_Answer(get, said, self._clock()))
                continue
            todo, found.split = [*parts, *todo], True
            if not agent.is_v1:
                agent.habits.max_oids = max(_FEW, min(agent.habits.max_oids, len(get.oids) // 2))
        found.lost += len(todo)
        return found


async def _census(known: _Known, walks: Walks) -> _Census:
    """Count who is connected to an access point, and how well its meters' radios are.

    What goes wrong here costs no reading.
    """
    agent, snmp = known.target.agent, known.target.snmp
    found = _Census()
    try:
        metered = {meter.table for meter in known.target.device.meters if meter.table}
        found.radios = await look.radios(agent, snmp, metered, walks)
        found.meter_health = await look.health_of(agent, snmp, known.plan.rows)
    except DeviceError as exc:
        found.problems.append(f"its radios could not be counted: {exc}")
    return found


def _keys(target: _Target) -> list[Key]:
    keys = rows.keys_of(target.device, target.snmp).values()
    return list(dict.fromkeys(key for key in keys if not isinstance(key, str)))
