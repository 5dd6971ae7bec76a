"""Listen for counters that devices publish: a Source on an MQTT broker (5, else 3.1.1)."""

import asyncio
import contextlib
import logging
import random
import secrets
import ssl
import time
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta

from capd.clock import Clock
from capd.collect import Commits, Pour
from capd.collect.broker import (
    BrokerLost,
    Ended,
    Manner,
    Session,
    end_if_asked_to,
    ended_by,
    greet,
    name_of,
    session,
    tls_of,
)
from capd.collect.hearing import Hearing, Message
from capd.collect.topics import Topics, topics_of
from capd.config import MqttConfig
from capd.model import Device
from capd.profiles import Profile

log = logging.getLogger(__name__)

_FIRST_WAIT_S = 0.5
_LONGEST_WAIT_S = 30.0
_CROWD = 10_000  # messages kept while accounting is busy, before only the last of a topic is
_QUIET_S = 0.02
_WINDOW = 10  # the fewest unacknowledged messages at which brokers by default send no more
_LATE_S = 60.0  # how long at most a broker takes to send what it kept
_LATE_BURST_S = 5.0

Receipts = list[tuple[Session, int]]


def _unheard(_: object, __: object = None) -> None:
    """Let a figure pass."""


class MqttSource:
    """Pours what the devices publish, in bursts of at most *burst_s* or *most* messages.

    A device that has not been heard for *silent_s* is poured as unreachable, once.

    A message is acknowledged when what it says is in the ledger, in the order of arrival. That
    matters where the session is not a clean one (`clean_session = false`): whatever the broker kept
    or saw unacknowledged comes again, and is counted once, because counters are cumulative and a
    reading that is not newer is dropped (CN-2). With a clean session, which is the default, the
    next message of each device says all that was missed.
    """

    def __init__(
        self,
        devices: Iterable[Device],
        profiles: Mapping[str, Profile],
        config: MqttConfig,
        clock: Clock,
        *,
        connected: Callable[[bool], None] = _unheard,
        rejected: Callable[[str, int], None] = _unheard,
        burst_s: float = 0.25,
        most: int = 500,
        silent_s: float = 900,
    ) -> None:
        self._profiles = profiles
        self._config = config
        self._clock = clock
        self._connected = connected
        self._rejected = rejected
        self._burst_s = burst_s
        self._most = most
        self._patience = timedelta(seconds=silent_s)
        self._client_id = config.client_id
        if config.share is not None:  # each member of the group must be somebody else
            self._client_id = f"{config.client_id}-{secrets.token_hex(4)}"
        self._topics = self._of(devices)
        self._hearing = Hearing(self._topics.routes)
        self._gathered: list[Message] = []
        self._receipts: Receipts = []
        self._given: asyncio.Queue[tuple[int, Receipts]] = asyncio.Queue()
        self._arrived = self._open = 0  # messages ever, and those not acknowledged
        self._crowd = _CROWD
        self._something, self._full = asyncio.Event(), asyncio.Event()
        self._changed = asyncio.Event()
        self._versions = [True, False]  # MQTT 5, else 3.1.1: the one that worked comes first
        self._knows_v5 = False
        self._subscribed_once: set[str] = set()
        self._late_until_s = 0.0
        self._up_since: datetime | None = None
        self._troubles: set[str] = set()  # what was said of this outage

    def replace(self, devices: Iterable[Device]) -> None:
        """Listen for *devices* from now on."""
        self._topics = self._of(devices)
        self._hearing.follow(self._topics.routes)
        self._changed.set()

    async def run(self, pour: Pour, commits: Commits | None = None) -> None:
        """Pour polls, for ever; end only by cancellation.

        Without *commits* a message is acknowledged when it was poured. Raises ConfigError where
        the broker's certificate authority cannot be read.
        """
        tls = await asyncio.to_thread(tls_of, self._config)
        self._connected(False)  # noqa: FBT003 - a gauge's value
        async with asyncio.TaskGroup() as group:
            group.create_task(self._listen(tls), name="mqtt listen")
            group.create_task(self._pour_bursts(pour, commits), name="mqtt pour")
            if commits is not None:
                group.create_task(self._acknowledge(commits), name="mqtt acknowledge")
            if self._config.share is None:  # else another member may have heard
                group.create_task(self._pour_silence(pour), name="mqtt silence")

    def _of(self, devices: Iterable[Device]) -> Topics:
        topics = topics_of(devices, self._profiles)
        for problem in topics.problems:
            log.warning("%s", problem)
        return topics

    async def _listen(self, tls: ssl.SSLContext | None) -> None:
        wait_s = _FIRST_WAIT_S
        while True:
            for v5 in tuple(self._versions):
                ended = await self._converse(tls, v5=v5)
                end_if_asked_to()
                if ended.there_was:
                    wait_s = _FIRST_WAIT_S
                if ended.there_was or not ended.other_version:
                    break
            self._is_down(ended.why)
            await asyncio.sleep(wait_s * random.uniform(0.8, 1.2))  # noqa: S311 - spread only
            wait_s = min(2 * wait_s, _LONGEST_WAIT_S)

    async def _converse(self, tls: ssl.SSLContext | None, *, v5: bool) -> Ended:
        """Listen until the connection ends; return whether there was one, and why it ended."""
        there_was, ended = False, Ended()
        kept_s = 0 if self._config.clean_session else self._config.session_expiry_s
        manner = Manner(v5=v5, client_id=self._client_id, kept_s=kept_s)
        try:
            if v5 and not self._knows_v5:
                await greet(self._config, tls, self._client_id)
                self._knows_v5 = True
            async with session(self._config, tls, manner) as talk, asyncio.TaskGroup() as group:
                there_was = True
                self._versions.sort(key=lambda known: known is not v5)
                self._is_up()
                group.create_task(self._subscribe(talk), name="mqtt subscribe")
                async for topic, payload, retained, receipt in talk.arrivals():
                    self._gather(Message(topic, payload, self._clock(), retained, self._late))
                    if receipt is not None:
                        self._receipts.append((talk, receipt))
                        self._open += 1
        except* BrokerLost as lost:
            ended = ended_by(lost)
        return ended._replace(there_was=there_was)

    async def _subscribe(self, talk: Session) -> None:
        """Subscribe to what the devices publish, and again when that changes."""
        subscribed: frozenset[str] = frozenset()
        group = "" if self._config.share is None else f"$share/{self._config.share}/"
        while True:
            self._changed.clear()
            wanted = self._topics.filters
            for old in sorted(subscribed - wanted):
                await talk.unsubscribe(group + old)
            for new in sorted(wanted - subscribed):
                again = new in self._subscribed_once
                if not await talk.subscribe(group + new, again=again):
                    log.warning("%s: refuses a subscription to %s", self._broker, new)
                self._subscribed_once.add(new)
            self._subscribed_once &= wanted
            subscribed = wanted
            await self._changed.wait()

    @property
    def _broker(self) -> str:
        return name_of(self._config)

    @property
    def _late(self) -> bool:
        """Say whether what comes now may be what the broker kept."""
        return not self._config.clean_session and time.monotonic() < self._late_until_s

    def _is_up(self) -> None:
        log.info("%s: connected, listening to %d topics", self._broker, len(self._topics.routes))
        self._up_since = self._clock()
        self._open = 0  # what was open comes again, or not at all
        self._late_until_s = time.monotonic() + _LATE_S
        self._troubles.clear()
        self._connected(True)  # noqa: FBT003 - a gauge's value

    def _is_down(self, trouble: str) -> None:
        """Say each trouble of an outage once."""
        if trouble not in self._troubles:
            log.warning("%s: no connection (%s), trying again", self._broker, trouble)
            self._troubles.add(trouble)
        if self._up_since is not None:
            self._up_since = None
            self._connected(False)  # noqa: FBT003 - a gauge's value

    def _gather(self, message: Message) -> None:
        self._arrived += 1
        self._gathered.append(message)
        if len(self._gathered) >= self._crowd:
            # accounting cannot follow: the last message of a topic contains those before it
            self._gathered = list({each.topic: each for each in self._gathered}.values())
            self._crowd = max(_CROWD, 2 * len(self._gathered))
        self._something.set()
        if len(self._gathered) >= self._most:
            self._full.set()

    async def _burst(self) -> None:
        """Wait for a burst: it ends early where the broker seems to wait for acknowledgements."""
        await self._something.wait()
        late = self._late
        end_s = time.monotonic() + (_LATE_BURST_S if late else self._burst_s)
        while time.monotonic() < end_s:
            before = self._arrived
            if late:  # of what was kept without a time of its own only the last may count
                await asyncio.sleep(self._burst_s)
            else:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(min(_QUIET_S, self._burst_s)):
                        await self._full.wait()
                        return
            quiet, stalled = self._arrived == before, self._stalled
            if late and quiet and not stalled:
                self._late_until_s = 0.0  # that was all
            if quiet and (late or stalled):
                return

    @property
    def _stalled(self) -> bool:
        """Say whether a broker may send no more before something is acknowledged."""
        return self._open >= _WINDOW

    async def _pour_bursts(self, pour: Pour, commits: Commits | None) -> None:
        while True:
            await self._burst()
            burst, self._gathered = self._gathered, []
            receipts, self._receipts = self._receipts, []
            self._something.clear()
            self._full.clear()
            for poll in self._hearing.polls(burst):
                await pour(poll)
            self._count_rejected()
            if commits is None:
                self._give_back(receipts)
            elif receipts:
                self._given.put_nowait((commits.mark(), receipts))

    def _count_rejected(self) -> None:
        for reason, n in self._hearing.rejected.items():
            if n:
                self._rejected(reason, n)
        self._hearing.rejected.clear()

    async def _acknowledge(self, commits: Commits) -> None:
        """Give receipts back in the order of arrival, each when its readings are committed."""
        while True:
            mark, receipts = await self._given.get()
            await self._committed(commits, mark)
            self._give_back(receipts)

    async def _committed(self, commits: Commits, mark: int) -> None:
        """Wait for the commit, and hurry it where the broker seems to wait for it too."""
        while True:
            before = self._arrived
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_QUIET_S):
                    await commits.committed(mark)
                    return
            if self._stalled and self._arrived == before:
                commits.hurry()

    def _give_back(self, receipts: Receipts) -> None:
        self._open -= sum(talk.acknowledge(receipt) for talk, receipt in receipts)

    async def _pour_silence(self, pour: Pour) -> None:
        """Say who has not been heard for long, though the broker is there."""
        while True:
            await asyncio.sleep(self._patience.total_seconds() / 10)
            if self._up_since is not None:
                now = self._clock()
                for poll in self._hearing.unheard(self._up_since, now, self._patience):
                    await pour(poll)
