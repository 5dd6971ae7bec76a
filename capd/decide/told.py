"""A fact as it is told, beside all that is known then; and what a kind of fact is."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from decimal import Decimal

from capd.decide.case import Case, Figures, with_unit
from capd.decide.policy import Policy
from capd.decide.shapes import Shape
from capd.model import Event, Fact, Product, ProductId, Standing
from capd.units import bps_of, bytes_of, moment_of


@dataclass(frozen=True, slots=True)
class Refused:
    """The fact is well formed, and the terms or the state of things say no."""

    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A fact, beside all that is known when it is told."""

    standing: Standing
    fact: Fact
    catalogue: Mapping[ProductId, Product]
    policy: Policy
    now: datetime
    currency: str
    zone: tzinfo
    past: Mapping[str, Event] = field(default_factory=dict)  # what the fact's kind recalls

    @property
    def case(self) -> Case:
        """Return the subscriber as a judgement would see them now, for what rules work out."""
        return Case(
            standing=self.standing,
            catalogue=self.catalogue,
            policy=self.policy,
            now=self.now,
            currency=self.currency,
            zone=self.zone,
        )

    def get(self, key: str) -> str | None:
        """Return the detail *key*; an empty one counts as left out."""
        return self.fact.details.get(key) or None

    def moment(self, key: str) -> datetime | None:
        """Return the moment that the detail *key* names."""
        text = self.get(key)
        return None if text is None else moment_of(text)

    def rate(self, key: str) -> int | None:
        """Return the bits a second that the detail *key* names."""
        text = self.get(key)
        return None if text is None else bps_of(text)

    def size(self, key: str) -> int | None:
        """Return the bytes that the detail *key* names."""
        text = self.get(key)
        return None if text is None else bytes_of(text)

    def money(self, key: str) -> Decimal | None:
        """Return the amount that the detail *key* names, in the operator's currency."""
        text = self.get(key)
        return None if text is None else Decimal(text)

    def event(
        self,
        kind: str,
        text: str,
        clause: str | None,
        figures: Figures,
        *,
        at: datetime | None = None,
    ) -> Event:
        """Return an event by the fact's author, dated now unless *at* says otherwise."""
        return Event(
            at=at or self.now,
            kind=kind,
            text=text,
            clause=clause,
            subscriber=self.standing.subscriber.id,
            author=self.fact.author,
            figures=with_unit(figures, self.standing.product.unit),
        )


Answer = tuple[Event, ...] | Refused

Recalls = Callable[[Fact], Mapping[str, tuple[str, str]]]
"""What a fact speaks of that may be over: under a name, the kind of thing and its key.

The thing is a "charge", by its id; the newest charge, or counter-charge, whose id begins so
(CHARGE_FROM); or a matter of that kind; what is found is its newest event.
"""

CHARGE_FROM = "charge_from"


def _nothing(_fact: Fact) -> Mapping[str, tuple[str, str]]:
    return {}


@dataclass(frozen=True, slots=True, kw_only=True)
class FactKind:
    """One kind of fact: its fields in a JSON line, and what it is for.

    One that has a `reference` makes an event of its own name with that in the figures: by it a
    fact that is told twice is known, and counts once.
    """

    help: str
    required: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    of_subscriber: bool = True
    shapes: Mapping[str, Shape] = field(default_factory=dict)  # of fields that are no plain text
    recalls: Recalls = _nothing
    accept: Callable[[Told], Answer]
