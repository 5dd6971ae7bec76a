"""The whole file: its sections, a file a subject beside this one, become one Policy."""

from datetime import date
from typing import Annotated, Self

from pydantic import Field, model_validator

from capd.decide.policy import Clauses, HoldRule, Overage, Policy
from capd.decide.terms.debt import StepKind
from capd.model import Reason
from capd.policies.addons import AddonSection
from capd.policies.calendar import CalendarSection
from capd.policies.contract import ContractSection
from capd.policies.debt import BreachSection, DunningSection, QuietSection, ReconnectionSection
from capd.policies.fair import FairUseSection
from capd.policies.holds import Holds
from capd.policies.installation import InstallationSection
from capd.policies.prepaid import PrepaidSection
from capd.policies.proration import ProrationSection
from capd.policies.shapes import Strict
from capd.policies.usage import Allowance, Cap, Delay, Downgrade, Notices, Repeat
from capd.policies.voice import CallSection


class PolicyFile(Strict):
    """A policy as it is written: one field a section."""

    name: str = Field(min_length=1, max_length=80)
    version: str = Field(min_length=1, max_length=40)
    valid_from: date
    families: tuple[Annotated[str, Field(min_length=1, max_length=200)], ...] = ()
    allowance: Allowance = Allowance()
    notices: Notices = Notices()
    cap: Cap = Cap()
    delay: Delay = Delay()
    repeat: Repeat = Repeat()
    downgrade: Downgrade = Downgrade()
    holds: Holds = Holds()
    addons: AddonSection = AddonSection()
    calls: CallSection = CallSection()
    fair_use: FairUseSection = FairUseSection()
    contract: ContractSection = ContractSection()
    calendar: CalendarSection = CalendarSection()
    installation: InstallationSection = InstallationSection()
    dunning: DunningSection = DunningSection()
    quiet: QuietSection = QuietSection()
    reconnection: ReconnectionSection = ReconnectionSection()
    breach: BreachSection = BreachSection()
    prepaid: PrepaidSection = PrepaidSection()
    proration: ProrationSection = ProrationSection()

    @model_validator(mode="after")
    def _one_late_fee(self) -> Self:
        by_step = any(step.step is StepKind.LATE_FEE for step in self.dunning.steps or ())
        if by_step and self.reconnection.late_fee:
            raise ValueError(
                "reconnection.late_fee: a step of [dunning] charges a late fee already, so coming "
                "back would charge a second: leave one of them out"
            )
        return self

    def policy(self) -> Policy:
        """Return what the file says, and what it leaves out as it is by default."""
        charge = self.repeat.charge
        return Policy(
            name=self.name,
            version=self.version,
            valid_from=self.valid_from,
            families=tuple(dict.fromkeys(self.families)),
            notice_shares=self.notices.shares,
            first_action=self.cap.action,
            repeat_action=self.repeat.action,
            window_months=self.repeat.window_months,
            second_breach_in_same_period=self.repeat.second_breach_in_same_period,
            overage=Overage(unit_bytes=charge.unit, unit_price=charge.unit_price, fee=charge.fee),
            prorate=self.allowance.prorate,
            delay_h=self.delay.hours,
            holds={**self.holds.rules(), Reason.CAP: HoldRule(clause=self.cap.clause)},
            clauses=self._clauses(),
            addons=self.addons.terms(),
            calls=self.calls.terms(),
            fair_use=self.fair_use.terms(),
            contract=self.contract.terms(self.downgrade.terms()),
            calendar=self.calendar.terms(),
            installation=self.installation.terms(),
            dunning=self.dunning.terms(),
            quiet=self.quiet.terms(),
            reconnection=self.reconnection.terms(),
            breach=self.breach.terms(),
            prepaid=self.prepaid.terms(),
            proration=self.proration.terms(),
        )

    def _clauses(self) -> Clauses:
        return Clauses(
            allowance=self.allowance.clause,
            back=self.cap.back,
            repeat=self.repeat.clause,
            downgrade=self.downgrade.clause,
            delay=self.delay.clause,
            notices=self.notices.clause,
        )
