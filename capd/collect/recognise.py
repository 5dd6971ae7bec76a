"""Tell what family a device is of: the profiles' signs, in order, asked of its SNMP agent."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from capd.collect.agent import Agent
from capd.collect.decode.rows import Value, text_of
from capd.errors import NonsenseFromDevice
from capd.polled import Recognise
from capd.profiles import Profile

_SYS_DESCR, _SYS_OBJECT_ID, _SYS_NAME = (f"1.3.6.1.2.1.1.{n}.0" for n in (1, 2, 5))


@dataclass(frozen=True, slots=True)
class Identity:
    """What a device says of itself in the system group (RFC 3418)."""

    sys_object_id: str
    sys_descr: str
    sys_name: str


@dataclass(frozen=True, slots=True)
class Signs:
    """Looks for further signs, each once."""

    agent: Agent
    seen: dict[str, tuple[Value, ...]] = field(default_factory=dict)

    async def fit(self, signs: Recognise) -> bool:
        """Say whether what the device answers fits *signs*, beside its identity."""
        if signs.absent is not None and await self._there(signs.absent):
            return False
        if signs.exists is None:
            return True
        if signs.matches is None:
            return await self._there(signs.exists)
        values = await self._values(signs.exists)
        return any(re.search(signs.matches, text_of(each)) for each in values)

    async def _there(self, oid: str) -> bool:
        if oid not in self.seen:
            self.seen[oid] = await self._look(oid)
        return bool(self.seen[oid])

    async def _look(self, oid: str) -> tuple[Value, ...]:
        value = await self.agent.one(oid)
        if value is None:
            below = await self.agent.first(oid)
            return () if below is None else (below[1],)
        return (value,)

    async def _values(self, oid: str) -> tuple[Value, ...]:
        """Return the value of *oid*, or all under it."""
        value = await self.agent.one(oid)
        if value is not None:
            return (value,)
        if not await self._there(oid):
            return ()
        return tuple((await self.agent.walk(oid)).values())


async def identity(agent: Agent) -> Identity:
    """Return what the device says of itself. Raises NonsenseFromDevice where it says nothing."""
    # apart: some agents answer sysDescr and sysObjectID oddly in one request
    object_id = str(await agent.one(_SYS_OBJECT_ID) or "").lstrip(".")
    descr = text_of(await agent.one(_SYS_DESCR) or b"")
    name = text_of(await agent.one(_SYS_NAME) or b"")
    if not object_id and not descr:
        raise NonsenseFromDevice("answers neither sysObjectID nor sysDescr: check its SNMP view")
    return Identity(object_id, descr, name)


async def family(agent: Agent, profiles: Mapping[str, Profile], who: Identity) -> Profile | None:
    """Return the first profile that knows the device; None where none does."""
    signs = Signs(agent)
    for profile, way in candidates(profiles.values(), who.sys_object_id, who.sys_descr):
        if await signs.fit(way):
            return profile
    return None


def candidates(
    profiles: Iterable[Profile], object_id: str, descr: str
) -> Iterator[tuple[Profile, Recognise]]:
    """Yield the profiles that *object_id* and *descr* fit, the most particular first."""
    fitting: list[tuple[int, int, str, int, Profile, Recognise]] = []
    for profile in profiles:
        for nth, way in enumerate(profile.recognise):
            arcs = _longest(way.sys_object_id, object_id)
            if arcs is None or (way.sys_descr and not re.search(way.sys_descr, descr)):
                continue
            fitting.append((way.priority, -arcs, profile.name, nth, profile, way))
    for *_, profile, way in sorted(fitting, key=lambda each: each[:4]):
        yield profile, way


def _longest(prefixes: Iterable[str], object_id: str) -> int | None:
    """Return how many arcs of *object_id* the longest of *prefixes* names; None if none fits."""
    wanted = tuple(prefixes)
    if not wanted:
        return 0
    fit = [each.count(".") + 1 for each in wanted if f"{object_id}.".startswith(f"{each}.")]
    return max(fit, default=None)
