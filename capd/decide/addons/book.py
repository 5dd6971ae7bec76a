"""What is known of a subscriber's add-on, and what its events say."""

from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

from capd.decide import matters
from capd.decide.breaches import months_after
from capd.decide.case import Figures
from capd.decide.terms.addons import Addons, Every, Offer
from capd.model import Matter, Standing

KIND = "addon"
PAST = "addon_past"  # ended, and still counts for late bytes of the period before


@dataclass(frozen=True, slots=True, kw_only=True)
class Addon:
    """A subscriber's add-on; every event about it says all of this."""

    key: str
    every: Every
    ordered_at: datetime
    late_told: bool = False
    started_at: datetime | None = None  # None: not active yet
    renewals: int = 0
    ends_at: datetime | None = None  # cancelled: usable until then (AD-6)
    unlimited: bool = True
    adds_bytes: int | None = None
    base_period: str | None = None  # when it became active: in which period, and what
    base_bytes: int = 0  # was counted of it by then

    @property
    def active(self) -> bool:
        """Say whether the allowance is larger by it now."""
        return self.started_at is not None

    def renews_at(self, zone: tzinfo, *, after: int = 1) -> datetime | None:
        """Return the *after*-next renewal: the same day of the month, or its last (AD-2)."""
        if self.started_at is None:
            return None
        months = self.every.months * (self.renewals + after)
        return months_after(self.started_at, months, zone)

    def change(self, zone: tzinfo, terms: Addons, *, is_open: bool = True) -> Figures:
        """Return the figures of an event that makes this of the add-on."""
        late_at = self.ordered_at + timedelta(hours=terms.active_within_h)
        if self.active:
            due_at = self.ends_at or self.renews_at(zone)
        else:
            due_at = None if self.late_told else late_at
        return matters.change(
            KIND,
            self.key,
            is_open=is_open,
            due_at=due_at if is_open else None,
            every=self.every.value,
            ordered_at=self.ordered_at,
            late_told=self.late_told or None,
            active=self.active,
            started_at=self.started_at,
            renewals=self.renewals,
            renews_at=self.renews_at(zone),
            ends_at=self.ends_at,
            unlimited=self.unlimited,
            adds_bytes=self.adds_bytes,
            base_period=self.base_period,
            base_bytes=self.base_bytes,
        )


def addon_of(matter: Matter) -> Addon:
    """Return the add-on that *matter* is."""
    ordered_at = matters.moment(matter, "ordered_at")
    return Addon(
        key=matter.key,
        every=Every(matters.text(matter, "every") or Every.MONTH),
        ordered_at=matter.opened_at if ordered_at is None else ordered_at,
        late_told=matters.flag(matter, "late_told"),
        started_at=matters.moment(matter, "started_at"),
        renewals=matters.number(matter, "renewals") or 0,
        ends_at=matters.moment(matter, "ends_at"),
        unlimited=matters.flag(matter, "unlimited"),
        adds_bytes=matters.number(matter, "adds_bytes"),
        base_period=matters.text(matter, "base_period"),
        base_bytes=matters.number(matter, "base_bytes") or 0,
    )


def addons_of(standing: Standing) -> tuple[Addon, ...]:
    """Return the add-ons of a subscriber, ordered or active."""
    return tuple(addon_of(matter) for matter in matters.of_kind(standing, KIND))


def offer_of(terms: Addons, addon: Addon) -> Offer:
    """Return what is on offer under that id; one that no policy names any more has no price."""
    return terms.offers.get(addon.key) or Offer(name=addon.key, prices={})
