"""The books, the policies and the profiles, opened as the configuration says: for every command."""

from pathlib import Path

from capd import policies, profiles
from capd.config import Config
from capd.house import House
from capd.metrics import Metrics
from capd.profiles import Profile
from capd.store import Store


def channels_of(config: Config) -> tuple[str, ...]:
    """Return the channels over which people and systems are told."""
    notify = config.notify
    return tuple(
        channel
        for channel, there in (("email", notify.email.smtp), ("webhook", notify.webhook.url))
        if there
    )


def profiles_of(config: Config) -> dict[str, Profile]:
    """Return every device profile: those shipped, and the operator's own on top."""
    return profiles.load_all(Path(config.device_profiles) if config.device_profiles else None)


async def open_house(config: Config, metrics: Metrics, *, upgrade: bool) -> House:
    """Open the books and the policy: what is needed to judge; the caller closes `house.store`."""
    book = policies.book(map(Path, config.decide.policies))
    store = await Store.open(config.store.url, upgrade=upgrade)
    store.outbox.channels = channels_of(config)
    store.outbox.off = frozenset(config.notify.off)
    operator = config.operator
    return House(
        store=store, policy=book.newest, book=book, zone=operator.zone, currency=operator.currency,
        metrics=metrics, limits=config.decide.limits,
    )  # fmt: skip
