"""What one judgement looks at, and the figures that every rule asks for."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, tzinfo

from capd.decide.policy import Policy
from capd.decide.wording import over_text
from capd.model import Event, Hold, Matter, Product, ProductId, Reason, Standing, Unit
from capd.quick import quick
from capd.units import moment_of

Figures = Mapping[str, str | int | bool | None]


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One subscriber, at one moment, under one policy."""

    standing: Standing
    catalogue: Mapping[ProductId, Product]
    policy: Policy
    now: datetime
    currency: str
    zone: tzinfo  # the operator's: months and days are local
    counted: int = field(init=False)  # bytes that the product's cap looks at (UC-1)
    allowance: int | None = field(init=False)  # of the period, in bytes; None: unlimited (UC-1)

    def __post_init__(self) -> None:
        """Work out what every rule asks for."""
        standing = self.standing
        counted = standing.usage.counted(standing.product.counts)
        object.__setattr__(self, "counted", counted)
        allowance = allowance_with(standing, standing.product, self.policy)
        object.__setattr__(self, "allowance", allowance)

    @property
    def is_over(self) -> bool:
        """Say whether more was used than the allowance: > and not >= (UC-2)."""
        return self.allowance is not None and self.counted > self.allowance

    @property
    def unit(self) -> Unit:
        """Return what is counted: bytes, or seconds (D-1)."""
        return self.standing.product.unit

    @property
    def over_text(self) -> str:
        """Return "101.2 of 100 GB used", as the subscriber reads it."""
        return over_text(self.counted, self.allowance or 0, self.unit)

    @property
    def period(self) -> str:
        """Return the name of the period."""
        return self.standing.period.name

    def event(
        self,
        kind: str,
        text: str,
        clause: str | None,
        figures: Figures,
        *,
        at: datetime | None = None,
    ) -> Event:
        """Return an event about the subscriber; *at* is now unless it fell due before."""
        return Event(
            at=at or self.now,
            kind=kind,
            text=text,
            clause=clause,
            subscriber=self.standing.subscriber.id,
            figures=with_unit(figures, self.unit),
        )

    @property
    def cap_hold(self) -> Hold | None:
        """Return the open hold for the cap."""
        return next((h for h in self.standing.holds if h.reason is Reason.CAP), None)


def prorated(amount: int, served: int, whole: int) -> int:
    """Return *amount* (bytes, or seconds) for *served* days of *whole* ones, rounded down (B-2)."""
    return amount * served // whole


def allowance_with(standing: Standing, product: Product, policy: Policy) -> int | None:
    """Return the allowance if the subscriber were on *product*: cap, top-ups, add-ons (UC-1).

    The cap of a period that is not a whole one is by days where the policy says so (B-2).

    None: unlimited, by the product or while an add-on makes it so.
    """
    if product.cap_bytes is None:
        return None
    cap = product.cap_bytes
    if policy.prorate and standing.days is not None:
        cap = prorated(cap, *standing.days)
    allowance = cap + standing.topup_bytes
    for matter in standing.matters:
        if _adds(standing, matter):
            if matter.data.get("unlimited"):
                return None
            allowance += int(matter.data.get("adds_bytes") or 0)
    return allowance


def _adds(standing: Standing, matter: Matter) -> bool:
    """Say whether *matter* is an add-on that was active at the period's end, or is now (AD)."""
    if matter.kind == "addon":
        return bool(matter.data.get("active"))
    ended_at = matter.data.get("ended_at") if matter.kind == "addon_past" else None
    return ended_at is not None and moment_of(str(ended_at)) >= standing.period.end


def covers(standing: Standing, product: Product, policy: Policy) -> bool:
    """Say whether what was used so far fits in *product* with the period's top-ups."""
    allowance = allowance_with(standing, product, policy)
    return allowance is None or standing.usage.counted(product.counts) <= allowance


def with_unit(figures: Figures, unit: Unit) -> Figures:
    """Return *figures*, saying what their amounts count where that is not bytes (D-1)."""
    return figures if unit is Unit.BYTES else {"unit": unit.value, **figures}


Rule = Callable[[Case], tuple[Event, ...]]
"""A clause: what becomes different, seen from the case; nothing where nothing does."""

A_HOLD = "a hold"
_NEEDED: dict[Rule, frozenset[str]] = {}


def needs(*open_: str) -> Callable[[Rule], Rule]:
    """Say of a rule that it finds nothing where no matter of these kinds (or A_HOLD) is open.

    Most subscribers have none: then it need not be asked.
    """

    def noted(rule: Rule) -> Rule:
        _NEEDED[rule] = frozenset(open_)
        return rule

    return noted


def may_find(rule: Rule, open_: frozenset[str]) -> bool:
    """Say whether *rule* is to be asked about somebody of whom all that is *open_*, and no more."""
    needed = _NEEDED.get(rule)
    return needed is None or not needed.isdisjoint(open_)


def is_open(standing: Standing) -> frozenset[str]:
    """Return the kinds of matters that are open, and A_HOLD where a hold is."""
    kinds = [matter.kind for matter in standing.matters]
    return frozenset((*kinds, A_HOLD) if standing.holds else kinds)
