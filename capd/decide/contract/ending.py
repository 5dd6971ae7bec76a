"""CT-15, C-6, AU-3: the contract ends by notice, within the days to cool off, or at once.

`cancelling` until the notice is over; then service stops, and the contract waits for the operator's
equipment (`awaiting_equipment`) before it is `terminated`. What stops service is a hold of its own
reason, `ended`: one that a person may have opened for another reason stays apart from it, and no
release of that one brings back a service that nobody has a contract for.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum

from capd.decide import holds, legal, matters, tasks
from capd.decide.case import A_HOLD, Case, Figures, needs
from capd.decide.contract import agreement, early, equipment
from capd.decide.contract.days import after_days, day_of, start_of
from capd.decide.shapes import day, words, yes_or_no
from capd.decide.told import Answer, FactKind, Refused, Told
from capd.decide.wording import list_text, moment_text
from capd.model import Event, Reason, Standing

KIND = "ending"


class State(StrEnum):
    """Where a contract stands that ends."""

    CANCELLING = "cancelling"
    AWAITING_EQUIPMENT = "awaiting_equipment"
    TERMINATED = "terminated"


class Cause(StrEnum):
    """By what it ends."""

    NOTICE = "notice"
    COOLING_OFF = "cooling_off"  # CT-3
    BREACH = "breach"  # AU-3: at once
    MOVE = "move"  # C-5
    LINKED = "linked"  # CT-10: with the connection that it hangs on


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """What is known of an ending; every event about it says all of this."""

    state: State
    cause: Cause
    told_at: datetime
    ends_at: datetime
    note: str | None = None
    moved_to: str | None = None  # the subscription that follows (C-5)

    def change(self) -> Figures:
        """Return the figures of an event that makes this of the ending."""
        return matters.change(
            KIND,
            KIND,
            due_at=self.ends_at if self.state is State.CANCELLING else None,
            state=self.state.value,
            cause=self.cause.value,
            told_at=self.told_at,
            ends_at=self.ends_at,
            note=self.note,
            moved_to=self.moved_to,
        )


def of(standing: Standing) -> Ending | None:
    """Return how the contract ends; None: it does not."""
    matter = matters.find(standing, KIND, KIND)
    if matter is None:
        return None
    told_at, ends_at = matters.moment(matter, "told_at"), matters.moment(matter, "ends_at")
    return Ending(
        state=State(str(matter.data["state"])),
        cause=Cause(str(matter.data["cause"])),
        told_at=told_at or matter.opened_at,
        ends_at=ends_at or matter.opened_at,
        note=matters.text(matter, "note"),
        moved_to=matters.text(matter, "moved_to"),
    )


def _cancel(told: Told) -> Answer:
    known, present, zone = agreement.of(told.standing), of(told.standing), told.zone
    cooling = known is not None and told.now < known.cools_off_until(told.policy, zone)
    terms, on = told.policy.contract.ending, told.get("on")
    earliest = told.now if cooling else after_days(told.now, terms.notice_days, zone)
    wanted = earliest if on is None else start_of(date.fromisoformat(on), zone)
    if present is not None:
        same = present.state is State.CANCELLING and on in (None, day_of(present.ends_at, zone))
        return () if same else Refused(_said_already(told, present))
    if day_of(wanted, zone) < day_of(earliest, zone):
        least = moment_text(earliest, zone)
        return Refused(
            f"on: {on} is too early: {terms.notice_days} days' notice ends on {least} "
            f"({terms.clause})"
        )
    ending = Ending(
        state=State.CANCELLING,
        cause=Cause.COOLING_OFF if cooling else Cause.NOTICE,
        told_at=told.now,
        ends_at=max(wanted, earliest),
        note=told.get("reason"),
    )
    return (_cancelled(told, ending),)


def _cancelled(told: Told, ending: Ending) -> Event:
    terms, term = told.policy.contract.ending, told.policy.contract.term
    end = moment_text(ending.ends_at, told.zone)
    if ending.cause is Cause.COOLING_OFF:
        text, clause = (
            f"Cancelled within the days to cool off; service ends on {end}",
            term.cooling_off,
        )
    else:
        text, clause = (
            f"Cancelled with {terms.notice_days} days' notice; service ends on {end}",
            terms.clause,
        )
    owed = early.due(told.case, ending.ends_at, ending.cause.value)
    if owed is not None:
        text += f"; {owed.text} will be charged"
    items = equipment.out(told.standing)
    if items:
        text += f"; {list_text(list(items), 'and')} must come back"
    return told.event("cancellation", f"{text} ({clause}).", clause, ending.change())


def _said_already(told: Told, ending: Ending) -> str:
    end, clause = moment_text(ending.ends_at, told.zone), told.policy.contract.ending.clause
    if ending.state is State.CANCELLING:
        return f"cancelled already, for {end}; withdraw that first to choose another day ({clause})"
    return f"the contract has ended on {end} ({clause})"


def _withdrawn(told: Told) -> Answer:
    ending, clause = of(told.standing), told.policy.contract.ending.clause
    if ending is None:
        return Refused("there is no cancellation to withdraw")
    if ending.state is not State.CANCELLING:
        return Refused(f"{_said_already(told, ending)}; an activation begins a new one")
    text = f"The cancellation is withdrawn: the contract goes on ({clause})."
    figures = matters.change(KIND, KIND, is_open=False, note=told.get("note"))
    return (told.event("cancellation_withdrawn", text, clause, figures),)


def _terminate(told: Told) -> Answer:
    present, terms = of(told.standing), told.policy.contract.ending
    if present is not None and present.state is State.TERMINATED:
        return Refused(_said_already(told, present))
    why, author = told.fact.details["cause"], told.fact.author
    ending = Ending(
        state=State.TERMINATED,
        cause=Cause.BREACH,
        told_at=told.now,
        ends_at=told.now,
        note=why,
    )
    events = list(ended(told.case, ending, terms.cause))
    if told.get("authorities") == "yes":
        what = f"tell the authorities: {why}"
        events.append(tasks.opened(told.case, "authorities", what, terms.cause))
    if terms.keep_evidence:
        who = told.standing.subscriber.id
        events.append(legal.legal_hold(who, on=True, note=why, author=author, now=told.now))
    return tuple(replace(event, author=author) for event in events)


@needs(KIND)
def due(case: Case) -> tuple[Event, ...]:
    """End service when the notice is over; the contract with it, or with the last item's return."""
    ending, terms = of(case.standing), case.policy.contract.ending
    if ending is None:
        return ()
    waits = bool(equipment.out(case.standing))
    if ending.state is State.CANCELLING and case.now >= ending.ends_at:
        state = State.AWAITING_EQUIPMENT if waits else State.TERMINATED
        return ended(case, replace(ending, state=state), terms.clause)
    if ending.state is State.AWAITING_EQUIPMENT and not waits:
        text = f"All equipment is back: the contract is at its end ({terms.clause})."
        done = replace(ending, state=State.TERMINATED)
        return (case.event("terminated", text, terms.clause, done.change()),)
    return ()


def ended(case: Case, ending: Ending, clause: str) -> tuple[Event, ...]:
    """Return the events by which service ends when *ending* says: the hold, and what is charged."""
    at, items = ending.ends_at, equipment.out(case.standing)
    if ending.state is State.TERMINATED:
        kind, what, off = "terminated", "The contract has ended", "; service is off"
    else:
        kind, what, off = "service_ended", "Service has ended", ""
    why = f": {ending.note}" if ending.cause is Cause.BREACH and ending.note else ""
    left = f"; {list_text(list(items), 'and')} must come back" if items else ""
    event = case.event(kind, f"{what}{why}{off}{left} ({clause}).", clause, ending.change(), at=at)
    charge = early.charge(case, at, ending.cause.value)
    return (event, *_off(case, at, clause), *charge)


def _off(case: Case, at: datetime, clause: str) -> tuple[Event, ...]:
    """Stop service, unless it is stopped for that already; the ending itself tells of it."""
    if any(hold.reason is Reason.ENDED for hold in case.standing.holds):
        return ()
    text = f"Service is off: the contract has ended ({clause})."
    figures: Figures = {"reason": Reason.ENDED.value, "note": "", "notify": "no"}
    return (case.event("hold_opened", text, clause, figures, at=at),)


@needs(A_HOLD)
def begun_again(case: Case) -> tuple[Event, ...]:
    """Close the hold of an ending that a new contract follows, whose activation tells of it."""
    ending, clause = of(case.standing), case.policy.contract.term.start
    if ending is not None and ending.state is not State.CANCELLING:
        return ()
    text = f"A new contract has begun ({clause})."
    return tuple(
        holds.closed(hold, at=case.now, clause=clause, text=text, figures={"notify": "no"})
        for hold in case.standing.holds
        if hold.reason is Reason.ENDED
    )


def followed(told: Told) -> tuple[Event, ...]:
    """Return the event by which a new activation follows a contract that has ended (CT-1)."""
    ending, clause = of(told.standing), told.policy.contract.term.start
    if ending is None or ending.state is State.CANCELLING:
        return ()
    text = f"The contract that ended on {moment_text(ending.ends_at, told.zone)} has a new one."
    figures = matters.change(KIND, KIND, is_open=False)
    return (told.event("contract_followed", text, clause, figures),)


FACTS: Mapping[str, FactKind] = {
    "cancel": FactKind(
        help="the subscriber gives notice; at once within the days to cool off (CT-15, CT-3, C-6)",
        optional=("reason", "on"),
        shapes={"on": day, "reason": words},
        accept=_cancel,
    ),
    "cancel_withdrawn": FactKind(
        help="takes a cancellation back while its notice runs (CT-15)",
        optional=("note",),
        accept=_withdrawn,
    ),
    "terminate": FactKind(
        help="ends the contract at once, with cause; evidence is kept (AU-3, C-6)",
        required=("cause",),
        optional=("authorities",),
        shapes={"authorities": yes_or_no},
        accept=_terminate,
    ),
}
