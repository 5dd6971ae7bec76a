"""The dunning schedule: which step of an unpaid invoice falls due when, and what it does."""

from dataclasses import replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal

from capd.decide import charges, matters, quiet, tasks
from capd.decide.breaches import months_after
from capd.decide.case import Case, Figures, needs
from capd.decide.debt import late_fees
from capd.decide.debt.book import INVOICE, LATE_FEE, Invoice, invoices
from capd.decide.terms.debt import Fee, Since, Step, StepKind
from capd.decide.wording import day_text, money_text
from capd.model import Event, Reason, Standing
from capd.units import rfc3339

EXTENSION = "extension"
_DAY = timedelta(days=1)
_CENT = Decimal("0.01")
_TERMS = ("percent_a_month", "legal_percent_a_month", "most")


@needs(INVOICE)
def steps(case: Case) -> tuple[Event, ...]:
    """Return the notices, tasks and late fees that are due by now, each once for an invoice.

    Of several notices that fell due since the last look only the latest is given.
    """
    found: list[Event] = []
    for invoice in invoices(case.standing):
        known = invoice
        while (due := _first_due(case, known)) is not None:
            at, step = due
            times = known.taken.get(step.name, 0)
            known = replace(known, taken={**known.taken, step.name: times + 1})
            if step.kind is StepKind.NOTICE:
                if _is_overtaken(case, known, at):
                    continue
                known = _noticed(case, known, at)
            elif step.kind is StepKind.LATE_FEE:
                months = late_fees.months_begun(overdue_at(case, known), at, case)
                known = late_fees.with_fee(case, known, step, months)
            found += _taken(case, known, step, at)
    return tuple(found)


def _noticed(case: Case, invoice: Invoice, at: datetime) -> Invoice:
    """Return *invoice* after a notice about it: an attempt by e-mail, if there is an address."""
    tried = {**invoice.tried}
    if case.policy.dunning.notice_is_attempt and case.standing.subscriber.email:
        tried["email"] = at
    return replace(invoice, noticed_at=invoice.noticed_at or at, tried=tried)


def step_at(case: Case, invoice: Invoice, step: Step) -> datetime | None:
    """Return when *step* is to be taken next for *invoice*; None: not as things are."""
    if waits(case, invoice) or (step.kind is StepKind.LATE_FEE and invoice.principal <= 0):
        return None  # there is no fee upon a fee
    times = invoice.taken.get(step.name, 0)
    if times and not (step.fee is not None and step.fee.every_month):
        return None
    base = _base(case, invoice, step.since)
    if base is None:
        return None
    wall = datetime.combine(base + step.days * _DAY, case.policy.dunning.at)
    at = months_after(quiet.local(wall, case.zone), times, case.zone)
    return max(at, invoice.since, extended_until(case.standing) or invoice.since)


def suspension_step(case: Case) -> Step | None:
    """Return the step of the schedule that stops service."""
    steps = case.policy.dunning.steps
    return next((step for step in steps if step.kind is StepKind.SUSPEND), None)


def suspended_at(case: Case, invoice: Invoice) -> datetime | None:
    """Return when *invoice*, unpaid, stops service; quiet hours and attempts are not looked at."""
    step = suspension_step(case)
    return None if step is None else step_at(case, invoice, step)


def overdue_at(case: Case, invoice: Invoice) -> datetime:
    """Return when the day by which *invoice* was to be paid is over."""
    day = invoice.due_on + (1 + invoice.rest_days) * _DAY
    return quiet.local(datetime.combine(day, time()), case.zone)


def waits(case: Case, invoice: Invoice) -> bool:
    """Say whether nothing follows from *invoice* because it is in dispute."""
    return invoice.disputed_at is not None and case.policy.dunning.disputes_wait


def extended_until(standing: Standing) -> datetime | None:
    """Return until when a person gave the subscriber time to pay (UC-8)."""
    given = matters.find(standing, EXTENSION, EXTENSION)
    return None if given is None else matters.moment(given, "until")


def moments(case: Case) -> list[datetime]:
    """Return when time alone changes something about invoices: past and future."""
    return [at for one in invoices(case.standing) for at in _moments(case, one)]


def _moments(case: Case, invoice: Invoice) -> list[datetime]:
    found = [step_at(case, invoice, step) for step in case.policy.dunning.steps]
    return [overdue_at(case, invoice), *(at for at in found if at is not None)]


def change(case: Case, invoice: Invoice, at: datetime) -> Figures:
    """Return the figures of an event at *at* that makes this of *invoice*; paid ones are closed."""
    due_at = min((moment for moment in _moments(case, invoice) if moment > at), default=None)
    return invoice.change(is_open=invoice.owed > 0, due_at=due_at)


def _base(case: Case, invoice: Invoice, since: Since) -> date | None:
    if since is Since.NOTICE:
        at = invoice.noticed_at
        return None if at is None else at.astimezone(case.zone).date()
    day = invoice.issued_on if since is Since.ISSUED else invoice.due_on
    return day + invoice.rest_days * _DAY


def _first_due(case: Case, invoice: Invoice) -> tuple[datetime, Step] | None:
    due = [
        (at, number, step)
        for number, step in enumerate(case.policy.dunning.steps)
        if step.kind is not StepKind.SUSPEND
        and (at := step_at(case, invoice, step)) is not None
        and at <= case.now
    ]
    if not due:
        return None
    at, _, step = min(due, key=lambda one: one[:2])
    return at, step


def _is_overtaken(case: Case, invoice: Invoice, at: datetime) -> bool:
    """Say whether a later notice about *invoice* is due by now as well."""
    return any(
        step.kind is StepKind.NOTICE
        and (later := step_at(case, invoice, step)) is not None
        and at <= later <= case.now
        for step in case.policy.dunning.steps
    )


def _taken(case: Case, invoice: Invoice, step: Step, at: datetime) -> tuple[Event, ...]:
    if step.kind is StepKind.NOTICE:
        return (_notice(case, invoice, step, at),)
    if step.kind is StepKind.TASK:
        return _task(case, invoice, step, at)
    return (_late_fee(case, invoice, step, at),)


def _notice(case: Case, invoice: Invoice, step: Step, at: datetime) -> Event:
    figures = {**change(case, invoice, at), "notice": step.name}
    late = overdue_at(case, invoice) <= at
    due = day_text(overdue_at(case, invoice) - _DAY / 2, case.zone)
    state = f"was due on {due} and is not paid" if late else f"is due on {due}"
    text = f"{named(invoice)} {state}: {owed_text(invoice)} to pay{_threat(case, invoice, at)}"
    return case.event("notice", f"{text} ({step.clause}).", step.clause, figures, at=at)


def _threat(case: Case, invoice: Invoice, at: datetime) -> str:
    stop = suspended_at(case, invoice)
    if stop is None or invoice.principal < max(case.policy.dunning.least, _CENT):
        return ""
    stop = quiet.allowed(max(stop, at), Reason.NON_PAYMENT, case.policy, case.zone)
    return f"; unless that is paid before, service is suspended on {day_text(stop, case.zone)}"


def _task(case: Case, invoice: Invoice, step: Step, at: datetime) -> tuple[Event, ...]:
    text = f"{named(invoice)} is not paid: a person is to call about it ({step.clause})."
    told = case.event("dunning", text, step.clause, change(case, invoice, at), at=at)
    if tasks.waiting(case.standing, "phone", invoice.key):
        return (told,)
    return told, call(case, invoice, "phone", step.clause, at)


def call(case: Case, invoice: Invoice, channel: str, clause: str, at: datetime) -> Event:
    """Return the event that asks a person to try *channel* about *invoice* (C-2)."""
    who = case.standing.subscriber
    how = {"phone": "Call", "email": "Write an e-mail to"}.get(channel, f"Try by {channel}:")
    return tasks.opened(
        case,
        f"{channel}/{invoice.key}",
        f"{how} {who.name} about {named(invoice, small=True)}: {owed_text(invoice)} to pay",
        clause,
        at=at,
        due_at=suspended_at(case, invoice),
        channel=channel,
        about=invoice.key,
    )


def _late_fee(case: Case, invoice: Invoice, step: Step, at: datetime) -> Event:
    """Return the charge, or the step alone where the share comes to nothing (E-3)."""
    name, figures = late_fees.name_of(invoice, step), change(case, invoice, at)
    amount = {**invoice.fees, **invoice.apart}.get(name)
    if amount is None:
        text = f"{named(invoice)} is not paid; the late fee comes to nothing ({step.clause})."
        return case.event("dunning", text, step.clause, figures, at=at)
    told = charges.figures(
        case.standing.subscriber.id,
        LATE_FEE,
        f"{invoice.key}/{name}",
        amount,
        currency=invoice.currency,
        behind=_behind(case, invoice, step, at),
    )
    joins = " and owed with it" if name in invoice.fees else ""
    left = f"{money_text(invoice.principal)} {invoice.currency}"
    text = (
        f"{named(invoice)} is not paid, {left} to pay: a late fee of "
        f"{money_text(amount)} {invoice.currency} is charged{joins} ({step.clause})."
    )
    return case.event("charge", text, step.clause, {**figures, **told}, at=at)


def _behind(case: Case, invoice: Invoice, step: Step, at: datetime) -> Figures:
    """Return what a late fee is worked out from (E-5)."""
    fee, since = step.fee or Fee(), overdue_at(case, invoice)
    terms = {name: getattr(fee, name) for name in _TERMS}
    return {
        "months": late_fees.months_begun(since, at, case),
        "overdue_since": rfc3339(since),
        "owed_then": money_text(invoice.principal),
        "joins_debt": case.policy.dunning.late_fees_join_debt,
        "every_month": fee.every_month,
        **{name: str(value) for name, value in terms.items() if value is not None},
    }


def named(invoice: Invoice, *, small: bool = False) -> str:
    """Return what the invoice is called in a sentence."""
    return f"{'invoice' if small else 'Invoice'} {invoice.key}"


def owed_text(invoice: Invoice) -> str:
    """Return what is to be paid of it: "25.00 GBP"."""
    return f"{money_text(invoice.owed)} {invoice.currency}"
