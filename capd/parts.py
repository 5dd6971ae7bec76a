"""The parts of a running capd, wired from its configuration: for the daemon, and for commands."""

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from capd.activate.run import Field, Push
from capd.clock import Clock
from capd.collect import Source
from capd.collect.mqtt import MqttSource
from capd.collect.poller import Poller
from capd.collect.snmp import Asker, Engine
from capd.collect.snmp_gufo import GufoEngine
from capd.collect.snmp_pysnmp import PysnmpEngine
from capd.config import Config, SnmpConfig
from capd.enforce.ssh import NetmikoPusher
from capd.enforce.worker import Breaker
from capd.errors import ConfigError
from capd.fieldbook import Fieldbook
from capd.house import House
from capd.metrics import Metrics
from capd.model import Device, DeviceId
from capd.network import Network, enforces, network
from capd.notify.email import Email
from capd.notify.messages import Letters
from capd.notify.samples import checked
from capd.notify.webhook import Webhook
from capd.notify.worker import Worker, deliver
from capd.opening import open_house, profiles_of, rules_of
from capd.profiles import Profile
from capd.store import Store

log = logging.getLogger(__name__)

HOST_KEY = "host_key:"
"""By this, and its id, the books remember the host key that a device first showed."""


def engine_of(config: SnmpConfig) -> Engine:
    """Return the SNMP library that the configuration names."""
    kind = GufoEngine if config.engine == "gufo" else PysnmpEngine
    return kind(timeout_s=config.timeout_s, retries=config.retries)


@dataclass(slots=True, kw_only=True)
class Parts:
    """Everything that turns need, in working order; `close` lets go of it all."""

    config: Config
    clock: Clock
    metrics: Metrics
    house: House
    profiles: Mapping[str, Profile]
    engine: Engine
    asker: Asker
    poller: Poller
    mqtt: MqttSource | None
    pusher: NetmikoPusher
    breaker: Breaker
    workers: tuple[Worker, ...]
    notifiers: tuple[Email | Webhook, ...]
    network: Network = field(default_factory=Network)
    listeners: list[Callable[[Iterable[Device]], None]] = field(default_factory=list)
    fieldbook: Fieldbook = field(init=False)

    def __post_init__(self) -> None:
        self.fieldbook = Fieldbook(
            self.house,
            self.clock,
            self.devices,
            self.profiles,
            lambda: self.config.collect.snmp.firmware_minimum,
        )

    def field(self, push: Push) -> Field:
        """Return what activations work with; *push* brings their orders to an end."""
        return Field(
            house=self.house,
            clock=self.clock,
            settings=self.config.field,
            minimums=self.config.collect.snmp.firmware_minimum,
            profiles=self.profiles,
            devices=self.devices,
            engine=self.engine,
            asker=Asker(self.engine, self.profiles, self.clock),
            push=push,
            look=self.pusher.look,
        )

    @classmethod
    async def open(cls, config: Config, clock: Clock, metrics: Metrics) -> "Parts":
        """Build every part. Raises ConfigError or StoreError, and leaves nothing open then."""
        _usable(config)
        known, letters = profiles_of(config), checked(config.notify.templates)
        house = await open_house(config, metrics, upgrade=True)
        try:
            parts = cls._wired(config, clock, metrics, house, known, letters=letters)
            await parts.look_round()
        except BaseException:
            await house.store.close()
            raise
        return parts

    @classmethod
    def _wired(
        cls,
        config: Config,
        clock: Clock,
        metrics: Metrics,
        house: House,
        known: Mapping[str, Profile],
        *,
        letters: Letters,
    ) -> "Parts":
        snmp = config.collect.snmp
        engine = engine_of(snmp)
        asker = Asker(engine, known, clock)
        store = house.store
        notifiers = _notifiers(config, store, clock, letters)
        return cls(
            config=config,
            clock=clock,
            metrics=metrics,
            house=house,
            profiles=known,
            engine=engine,
            asker=asker,
            poller=Poller(
                (),
                asker,
                snmp,
                clock,
                observe=lambda name, value: metrics.lag(value) if name == "lag_s" else None,
            ),
            mqtt=_broker(config, known, clock, metrics),
            pusher=NetmikoPusher(
                known,
                config.enforce,
                clock,
                recall=lambda device: store.people.recall(HOST_KEY + device),
                remember=lambda device, key: store.people.remember(HOST_KEY + device, key),
            ),
            breaker=Breaker(config.enforce, clock),
            notifiers=notifiers,
            workers=tuple(
                Worker(store.outbox, one, clock=clock, told=metrics.noticed) for one in notifiers
            ),
        )

    async def close(self) -> None:
        """Let go of sockets, threads and the database."""
        self.pusher.close()
        for one in (self.engine, *self.notifiers):
            await one.close()
        await self.house.store.close()

    async def look_round(self) -> None:
        """Read the inventory again, and meter and configure what is in it from now on."""
        devices = await self.house.store.people.devices()
        before = self.network.devices
        self.network = network(
            devices.values(),
            self.profiles,
            broker=self.mqtt is not None,
            interval_s=self.config.collect.snmp.interval_s,
        )
        for device in self.network.devices.values():
            if device.id in before and device != before[device.id]:
                await self.house.store.orders.retry(
                    None,
                    device=device.id,
                    author="capd",
                    note="the device's entry in the inventory changed",
                    at=self.clock(),
                )
        for problem in self.network.problems:
            log.warning("%s", problem)
        self.poller.replace(self.network.polled)
        if self.mqtt:
            self.mqtt.replace(self.network.heard)
        for listen in self.listeners:
            listen(self.network.devices.values())
        self.metrics.forget_devices(frozenset(self.network.devices))
        await self.house.look_round()

    def devices(self) -> Mapping[DeviceId, Device]:
        """Return the devices that can be used, credentials opened."""
        return self.network.devices

    def sources(self) -> dict[str, Source]:
        """Return where polls come from."""
        found: dict[str, Source] = {"poller": self.poller}
        return found if self.mqtt is None else found | {"mqtt": self.mqtt}

    def allowed_leaks(self) -> dict[DeviceId, int]:
        """Return the bytes an hour that each device's suspended lines may pass (walled garden)."""
        return {
            device.id: profile.enforce.leak_bytes_per_hour
            for device in self.network.devices.values()
            if (profile := self.profiles.get(device.profile)) is not None
            and profile.enforce is not None
        }

    async def tell(self) -> int:
        """Tell what nobody was told yet; return how many deliveries arrived."""
        return await deliver(self.workers)

    async def note_paused(self) -> None:
        """Let the setting `paused` hold or let go of the brake, where it changed."""
        await self.house.note_paused(self.config.decide.paused, self.clock())

    async def adopt(self, config: Config) -> None:
        """Take over what of a new configuration can change while capd runs.

        Raises ConfigError, and changes nothing, where a policy or a profile is broken. What needs
        a restart is said.
        """
        _usable(config)
        outbox = self.house.store.outbox  # [notify] changes with the next start
        book = rules_of(config, outbox.channels, outbox.off)
        if gone := ", ".join(self.house.left_out_of(book)):
            log.warning("[decide] policy: no more, and without notice: %s", gone)
        known, letters = profiles_of(config), checked(config.notify.templates)
        for what, before, after in (
            ("[store] url", self.config.store.url, config.store.url),
            ("[api]", self.config.api, config.api),
            ("[collect]", self.config.collect, config.collect),
            ("[enforce]", self.config.enforce, config.enforce),
            ("[notify]", self.config.notify, config.notify),
            ("the device profiles", dict(self.profiles), known),
        ):
            if before != after:
                log.warning("%s changed: that takes effect at the next start", what)
        self.config = config
        self.house.go_by(book)
        self.house.zone = config.operator.zone
        self.house.currency = config.operator.currency
        self.house.limits = config.decide.limits
        for notifier in self.notifiers:
            if isinstance(notifier, Email):
                notifier.letters = letters
        await self.note_paused()
        await self.look_round()

    def summary(self) -> str:
        """Return in one line what there is to do."""
        return (
            f"{len(self.network.polled)} devices polled, {len(self.network.heard)} heard, "
            f"{sum(enforces(one, self.profiles) for one in self.network.devices.values())} "
            f"configured, {len(self.house.memory.homes)} meters"
        )


def _usable(config: Config) -> None:
    """Raise ConfigError with each file or secret that is not there, by the key that names it."""
    problems = config.problems()
    if problems:
        raise ConfigError(*problems)


def _broker(
    config: Config, known: Mapping[str, Profile], clock: Clock, metrics: Metrics
) -> MqttSource | None:
    if config.collect.mqtt.url is None:
        return None
    return MqttSource(
        (),
        known,
        config.collect.mqtt,
        clock,
        connected=metrics.mqtt_connected,
        rejected=metrics.mqtt_rejected,
    )


def _notifiers(
    config: Config, store: Store, clock: Clock, letters: Letters
) -> tuple[Email | Webhook, ...]:
    found: list[Email | Webhook] = []
    people, operator = store.people, config.operator
    if config.notify.email.smtp is not None:
        found.append(
            Email(
                config.notify.email, operator=operator, people=people, clock=clock, letters=letters
            )
        )
    if config.notify.webhook.url is not None:
        found.append(Webhook(config.notify.webhook, clock=clock))
    return tuple(found)
