"""The contract as it is known: since when, over which radio, until when it binds."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo

from capd.decide import matters
from capd.decide.case import Figures
from capd.decide.contract.days import after_months, start_of
from capd.decide.policy import Policy
from capd.model import Matter, Product, Standing

KIND = "contract"


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """What is known of a contract; every event about it says all of this."""

    activated_on: date
    term_months: int
    device: str | None = None
    serial: str | None = None
    mac: str | None = None
    signal: str | None = None  # as the field tech read it
    estimate_down_bps: int | None = None  # the survey's (CT-8)
    estimate_up_bps: int | None = None

    def change(self) -> Figures:
        """Return the figures of an event that makes this of the contract."""
        return matters.change(
            KIND,
            KIND,
            activated_on=self.activated_on.isoformat(),
            term_months=self.term_months,
            device_id=self.device,
            serial=self.serial,
            mac=self.mac,
            signal=self.signal,
            estimate_down_bps=self.estimate_down_bps,
            estimate_up_bps=self.estimate_up_bps,
        )

    def bound_until(self, zone: tzinfo) -> date:
        """Return the first day after the minimum term (CT-1)."""
        return after_months(self.activated_on, self.term_months, zone)

    def is_bound(self, at: datetime, zone: tzinfo) -> bool:
        """Say whether *at* lies within the minimum term."""
        return at < start_of(self.bound_until(zone), zone)

    def cools_off_until(self, policy: Policy, zone: tzinfo) -> datetime:
        """Return when the days to cool off are over: a day counts to its end (CT-3)."""
        days = policy.contract.term.cooling_off_days
        return start_of(self.activated_on + timedelta(days=days + 1), zone)


def term_of(product: Product, policy: Policy) -> int:
    """Return the months that a contract on *product* binds for, where it begins now."""
    return policy.contract.term.months if product.term_months is None else product.term_months


def of(standing: Standing) -> Agreement | None:
    """Return the contract; None where nobody told when it began."""
    matter = matters.find(standing, KIND, KIND)
    return None if matter is None else _read(matter)


def activated_on(matters_: Iterable[Matter]) -> date | None:
    """Return the first day of service (CT-1); None where nobody told."""
    found = (matter for matter in matters_ if (matter.kind, matter.key) == (KIND, KIND))
    return next((_read(matter).activated_on for matter in found), None)


def _read(matter: Matter) -> Agreement:
    return Agreement(
        activated_on=date.fromisoformat(str(matter.data["activated_on"])),
        term_months=matters.number(matter, "term_months") or 0,
        device=matters.text(matter, "device_id"),
        serial=matters.text(matter, "serial"),
        mac=matters.text(matter, "mac"),
        signal=matters.text(matter, "signal"),
        estimate_down_bps=matters.number(matter, "estimate_down_bps"),
        estimate_up_bps=matters.number(matter, "estimate_up_bps"),
    )
