"""The books, the policies and the profiles, opened as the configuration says: for every command."""

from collections.abc import Collection
from pathlib import Path

from capd import policies, profiles
from capd.config import Config
from capd.decide.book import Book
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


def rules_of(config: Config, channels: Collection[str], off: Collection[str]) -> Book:
    """Return the policies. A notice that goes nowhere is no attempt to reach anybody (C-2).

    It goes to the subscriber, or to the operator's own systems, which may write.
    """
    book = policies.book(map(Path, config.decide.policies))
    mailed = "email" in channels and "notice" not in off
    return book if mailed or "webhook" in channels else book.without_mail()


async def open_house(config: Config, metrics: Metrics, *, upgrade: bool) -> House:
    """Open the books and the policy: what is needed to judge; the caller closes `house.store`."""
    channels, off = channels_of(config), frozenset(config.notify.off)
    book = rules_of(config, channels, off)
    store = await Store.open(config.store.url, upgrade=upgrade)
    store.outbox.channels, store.outbox.off = channels, off
    operator = config.operator
    return House(
        store=store, policy=book.newest, book=book, zone=operator.zone, currency=operator.currency,
        metrics=metrics, limits=config.decide.limits,
    )  # fmt: skip
