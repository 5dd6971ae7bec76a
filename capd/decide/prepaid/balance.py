"""What is known of a subscriber's balance, and how much of it is left (E-1)."""

from collections.abc import Iterable
from dataclasses import dataclass

from capd.decide import matters
from capd.decide.case import Figures
from capd.model import Kind, Matter, Product, Standing, Usage

KIND = "prepaid"
KEY = "balance"


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """What was bought and since when usage is drawn from it; every event says all of this.

    While the subscriber is on another product the balance rests: then `down_bytes` and `up_bytes`
    are what was used of it, else what the ledger had counted in all when it began.
    """

    down_bytes: int
    up_bytes: int
    bought_bytes: int = 0
    last_bytes: int = 0  # the last purchase
    told_share: int = 0  # the highest that was told since then
    rests: bool = False
    stopped: bool = False  # the open hold is its own
    let_go: bool = False  # a person released it: on until the next purchase

    def change(self) -> Figures:
        """Return the figures of an event that makes this of the balance."""
        return matters.change(
            KIND,
            KEY,
            down_bytes=self.down_bytes,
            up_bytes=self.up_bytes,
            bought_bytes=self.bought_bytes,
            last_bytes=self.last_bytes,
            told_share=self.told_share,
            rests=self.rests,
            stopped=self.stopped,
            let_go=self.let_go,
        )


def balance(standing: Standing) -> Balance | None:
    """Return the balance of a subscriber, in use or not."""
    found = matters.find(standing, KIND, KEY)
    if found is None:
        return None
    return Balance(
        down_bytes=matters.number(found, "down_bytes") or 0,
        up_bytes=matters.number(found, "up_bytes") or 0,
        bought_bytes=matters.number(found, "bought_bytes") or 0,
        last_bytes=matters.number(found, "last_bytes") or 0,
        told_share=matters.number(found, "told_share") or 0,
        rests=matters.flag(found, "rests"),
        stopped=matters.flag(found, "stopped"),
        let_go=matters.flag(found, "let_go"),
    )


def has_balance(product: Product, open_matters: Iterable[Matter]) -> bool:
    """Say whether somebody draws on a balance, or has one that rests: all their usage counts."""
    prepaid = product.kind is Kind.PREPAID
    return prepaid or any(matter.kind == KIND for matter in open_matters)


def is_prepaid(standing: Standing) -> bool:
    """Say whether the product draws on a balance."""
    return standing.product.kind is Kind.PREPAID


def drawn(standing: Standing, known: Balance) -> Usage:
    """Return what was used of the balance so far, both ways."""
    whole = standing.lifetime or standing.usage
    down, up = known.down_bytes, known.up_bytes
    if not known.rests:
        down, up = whole.down_bytes - down, whole.up_bytes - up
    return Usage(subscriber=whole.subscriber, period=whole.period, down_bytes=down, up_bytes=up)


def used(standing: Standing, known: Balance) -> int:
    """Return the bytes that were used of the balance, as the product counts them."""
    return drawn(standing, known).counted(standing.product.counts)


def left(standing: Standing) -> int | None:
    """Return what is left of the balance, less than nothing where more was used; None: no such."""
    known = balance(standing)
    if known is None or not is_prepaid(standing):
        return None
    return known.bought_bytes - used(standing, known)


def released(standing: Standing) -> Figures:
    """Return the figures by which a person's release lasts until the next purchase."""
    known = balance(standing)
    if known is None:
        return {}
    return Balance(
        down_bytes=known.down_bytes,
        up_bytes=known.up_bytes,
        bought_bytes=known.bought_bytes,
        last_bytes=known.last_bytes,
        told_share=known.told_share,
        rests=known.rests,
        let_go=True,
    ).change()
