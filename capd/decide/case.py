"""What one judgement looks at, and the figures that every rule asks for."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo

from capd.decide.policy import Policy
from capd.model import Event, Hold, Product, ProductId, Reason, Standing

Figures = Mapping[str, str | int | bool | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One subscriber, at one moment, under one policy."""

    standing: Standing
    catalogue: Mapping[ProductId, Product]
    policy: Policy
    now: datetime
    currency: str
    zone: tzinfo  # the operator's: months and days are local

    @property
    def counted(self) -> int:
        """Return the bytes that the product's cap looks at (UC-1)."""
        return self.standing.usage.counted(self.standing.product.counts)

    @property
    def allowance(self) -> int | None:
        """Return the period's allowance in bytes; None: unlimited (UC-1)."""
        return allowance_with(self.standing, self.standing.product)

    @property
    def is_over(self) -> bool:
        """Say whether more was used than the allowance: > and not >= (UC-2)."""
        return self.allowance is not None and self.counted > self.allowance

    @property
    def period(self) -> str:
        """Return the name of the period."""
        return self.standing.period.name

    def event(
        self, kind: str, text: str, clause: str, figures: Figures, *, at: datetime | None = None
    ) -> Event:
        """Return an event about the subscriber; *at* is now unless it fell due before."""
        return Event(
            at=at or self.now,
            kind=kind,
            text=text,
            clause=clause,
            subscriber=self.standing.subscriber.id,
            figures=figures,
        )

    @property
    def cap_hold(self) -> Hold | None:
        """Return the open hold for the cap."""
        return next((h for h in self.standing.holds if h.reason is Reason.CAP), None)


def allowance_with(standing: Standing, product: Product) -> int | None:
    """Return the allowance if the subscriber were on *product*: cap and top-ups (UC-1)."""
    return None if product.cap_bytes is None else product.cap_bytes + standing.topup_bytes


def covers(standing: Standing, product: Product) -> bool:
    """Say whether what was used so far fits in *product* with the period's top-ups."""
    allowance = allowance_with(standing, product)
    return allowance is None or standing.usage.counted(product.counts) <= allowance


Rule = Callable[[Case], tuple[Event, ...]]
"""A clause: what becomes different, seen from the case; nothing where nothing does."""
