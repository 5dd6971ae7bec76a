"""What is told of an installation: booked, priced, not standard, done, called off, missed."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from decimal import Decimal

from capd.decide import charges, matters
from capd.decide.calendar import working_days_before
from capd.decide.case import Figures
from capd.decide.shapes import day, guess, money, one_of, yes_or_no
from capd.decide.told import Answer, FactKind, Refused, Told
from capd.decide.wording import day_text, money_text
from capd.model import Event, Matter

KIND = "job"


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A visit of an engineer; every event about it says all of this."""

    key: str
    on: date
    tech: str | None = None
    connects: str | None = None  # what is to be connected (IN-1)
    quote: Decimal | None = None  # indicative until the engineer confirms it (IN-2)
    confirmed: Decimal | None = None
    extra: Decimal | None = None  # agreed, where it is not standard (IN-3)
    visits: str | None = None  # the days on which the engineer's visit was charged for

    def change(
        self, *, is_open: bool = True, outcome: str | None = None, note: str | None = None
    ) -> Figures:
        """Return the figures of an event that makes this of the job."""
        return matters.change(
            KIND,
            self.key,
            is_open=is_open,
            on=self.on.isoformat(),
            tech=self.tech,
            connects=self.connects,
            quote=self.quote,
            confirmed=self.confirmed,
            extra=self.extra,
            visits=self.visits,
            outcome=outcome,
            note=note,
        )


def job_of(matter: Matter) -> Job:
    """Return the job that *matter* is."""

    def amount(name: str) -> Decimal | None:
        return None if matters.text(matter, name) is None else matters.money(matter, name)

    return Job(
        key=matter.key,
        on=date.fromisoformat(str(matter.data["on"])),
        tech=matters.text(matter, "tech"),
        connects=matters.text(matter, "connects"),
        quote=amount("quote"),
        confirmed=amount("confirmed"),
        extra=amount("extra"),
        visits=matters.text(matter, "visits"),
    )


def _booked(told: Told) -> Answer:
    details = told.fact.details
    job = Job(
        key=details["reference"],
        on=date.fromisoformat(details["on"]),
        tech=told.get("tech"),
        connects=told.get("connects"),
        quote=told.money("quote"),
    )
    if job.on < told.now.astimezone(told.zone).date():
        return Refused(f"on: {job.on.isoformat()} is over already")
    clause = told.policy.installation.job
    price = ""
    if job.quote is not None:
        price = (
            f"; it costs about {money_text(job.quote)} {told.currency}, as the engineer confirms "
            f"before the work starts ({told.policy.installation.quote})"
        )
    text = f"An engineer comes on {_day(told, job.on)}{price} ({clause})."
    return (told.event(KIND, text, clause, {**job.change(), "reference": job.key}),)


def _moved(told: Told) -> Answer:
    job = _the_job(told)
    if isinstance(job, Refused):
        return job
    on = date.fromisoformat(told.fact.details["on"])
    if on == job.on:
        return ()
    by_customer = told.get("by") != "operator"
    why = f"it was moved to {_day(told, on)} by the customer"
    fee = _late_fee(told, job, why) if by_customer else ()
    # what was confirmed was for the other day: the engineer says it again (IN-2)
    moved = replace(_charged_for(job) if fee else job, on=on, confirmed=None)
    clause = told.policy.installation.job
    text = f"The engineer comes on {_day(told, on)} instead of {_day(told, job.on)} ({clause})."
    return (told.event("job_moved", text, clause, moved.change()), *fee)


def _charged_for(job: Job) -> Job:
    """Return *job* with its day as one for which the visit was charged: a day is paid for once."""
    days = [*(job.visits or "").split(), job.on.isoformat()]
    return replace(job, visits=" ".join(dict.fromkeys(days)))


def _confirmed(told: Told) -> Answer:
    job = _the_job(told)
    if isinstance(job, Refused):
        return job
    amount = Decimal(told.fact.details["amount"])
    if amount == job.confirmed:
        return ()
    quoted = "" if job.quote is None else f", quoted at {money_text(job.quote)}"
    clause = told.policy.installation.quote
    text = (
        f"The engineer confirmed {money_text(amount)} {told.currency} before the work{quoted} "
        f"({clause})."
    )
    figures = replace(job, confirmed=amount).change()
    return (told.event("job_confirmed", text, clause, figures),)


def _not_standard(told: Told) -> Answer:
    job = _the_job(told)
    if isinstance(job, Refused):
        return job
    clause, why = told.policy.installation.not_standard, told.fact.details["note"]
    extra = Decimal(told.fact.details["extra"])
    if told.fact.details["agreed"] == "yes":
        text = (
            f"The installation is not standard ({why}); it is done at an agreed extra "
            f"{money_text(extra)} {told.currency} ({clause})."
        )
        figures = replace(job, extra=extra).change()
        return (told.event("job_not_standard", text, clause, {**figures, "note": why}),)
    text = (
        f"The installation is not standard ({why}) and the extra {money_text(extra)} "
        f"{told.currency} was not agreed: it is cancelled, what was paid for it is refunded "
        f"({clause})."
    )
    figures = job.change(is_open=False, outcome="refunded", note=why)
    return (told.event("job_cancelled", text, clause, figures),)


def _done(told: Told) -> Answer:
    job = _the_job(told)
    if isinstance(job, Refused):
        return job
    terms = told.policy.installation
    if not matters.of_kind(told.standing, "contract"):
        return Refused(f"no radio is activated yet: activate it first ({terms.job})")
    if job.quote is not None and job.confirmed is None:
        return Refused(f"the price is not confirmed: tell `job_confirmed` first ({terms.quote})")
    text = f"Installed on {_day(told, told.now.astimezone(told.zone).date())} ({terms.job})."
    figures = job.change(is_open=False, outcome="done", note=told.get("note"))
    events = [told.event("job_done", text, terms.job, figures)]
    for charge, amount, clause in (
        ("installation", job.confirmed, terms.quote),
        ("extra_work", job.extra, terms.not_standard),
    ):
        if amount:
            events.append(_charge(told, job, charge, amount, clause))
    return tuple(events)


def _cancelled(told: Told) -> Answer:
    job = _the_job(told)
    if isinstance(job, Refused):
        return job
    by, clause = told.get("by") or "customer", told.policy.installation.visit
    fee = _late_fee(told, job, "it was cancelled by the customer") if by == "customer" else ()
    free = "" if fee or by != "customer" else ", free of charge"
    text = f"The visit on {_day(told, job.on)} was cancelled by the {by}{free} ({clause})."
    figures = job.change(is_open=False, outcome=f"cancelled by the {by}", note=told.get("note"))
    return (told.event("job_cancelled", text, clause, figures), *fee)


def _missed(told: Told) -> Answer:
    job = _the_job(told)
    if isinstance(job, Refused):
        return job
    clause = told.policy.installation.visit
    text = f"Nobody was at home on {_day(told, job.on)} ({clause})."
    figures = job.change(is_open=False, outcome="nobody at home", note=told.get("note"))
    missed = told.event("job_missed", text, clause, figures)
    return (missed, *_visit(told, job, "nobody was at home"))


def _late_fee(told: Told, job: Job, why: str) -> tuple[Event, ...]:
    """Return the charge for a visit that is called off too late (IN-4)."""
    terms, calendar = told.policy.installation, told.policy.calendar
    last = working_days_before(job.on, terms.free_until_working_days, calendar)
    today = told.now.astimezone(told.zone).date()
    if today <= last:
        return ()
    days = terms.free_until_working_days
    return _visit(told, job, f"{why} less than {days} working days before")


def _visit(told: Told, job: Job, why: str) -> tuple[Event, ...]:
    terms = told.policy.installation
    if not terms.visit_fee or job.on.isoformat() in (job.visits or "").split():
        return ()
    return (_charge(told, job, "engineer_visit", terms.visit_fee, terms.visit, why=f", as {why}"),)


def _charge(
    told: Told, job: Job, charge: str, amount: Decimal, clause: str, *, why: str = ""
) -> Event:
    what = {"engineer_visit": "The engineer's visit", "extra_work": "The extra work"}
    text = (
        f"{what.get(charge, 'The installation')} on {_day(told, job.on)} costs "
        f"{money_text(amount)} {told.currency}{why} ({clause})."
    )
    figures = charges.figures(
        told.standing.subscriber.id,
        charge,
        f"{job.key}/{job.on.isoformat()}",
        amount,
        currency=told.currency,
        behind={"job": job.key, "on": job.on.isoformat()},
    )
    return told.event("charge", text, clause, figures)


def _day(told: Told, on: date) -> str:
    return day_text(datetime.combine(on, time(12), tzinfo=told.zone), told.zone)


def _the_job(told: Told) -> Job | Refused:
    key = told.fact.details["job"]
    found = matters.find(told.standing, KIND, key)
    if found is None:
        there = [matter.key for matter in matters.of_kind(told.standing, KIND)]
        return Refused(f"there is no open job {key!r}.{guess(key, there)}")
    return job_of(found)


_BY = one_of("customer", "operator")

FACTS: Mapping[str, FactKind] = {
    "job": FactKind(
        help="books an installation: the day, who comes, what is connected, the quote (IN-1, IN-2)",
        required=("reference", "on"),
        optional=("tech", "connects", "quote"),
        shapes={"on": day, "quote": money},
        accept=_booked,
    ),
    "job_moved": FactKind(
        help="moves an installation to another day (IN-4)",
        required=("job", "on"),
        optional=("by",),
        shapes={"on": day, "by": _BY},
        accept=_moved,
    ),
    "job_confirmed": FactKind(
        help="the price, as the engineer confirms it before the work (IN-2)",
        required=("job", "amount"),
        shapes={"amount": money},
        accept=_confirmed,
    ),
    "job_not_standard": FactKind(
        help="an extra charge that was agreed, or not: then it is cancelled and refunded (IN-3)",
        required=("job", "extra", "agreed", "note"),
        shapes={"extra": money, "agreed": yes_or_no},
        accept=_not_standard,
    ),
    "job_done": FactKind(
        help="installed: activated and proven, at the confirmed price (IN-1, IN-2)",
        required=("job",),
        optional=("note",),
        accept=_done,
    ),
    "job_cancelled": FactKind(
        help="calls an installation off; less than two working days before costs the visit (IN-4)",
        required=("job",),
        optional=("by", "note"),
        shapes={"by": _BY},
        accept=_cancelled,
    ),
    "job_missed": FactKind(
        help="nobody was at home: the visit is charged (IN-4)",
        required=("job",),
        optional=("note",),
        accept=_missed,
    ),
}
