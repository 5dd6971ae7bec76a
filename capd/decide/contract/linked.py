"""CT-10: a service that hangs on another one, such as voice, is off while that one is.

The connection (the main subscription) says what is `linked`; a matter on each linked one says that
it is off. It is told of, and stopped by a hold of its own, after the notice that the policy sets.
Neither a hold of this kind nor an end by it is passed on to anybody, so two that name each other do
not lock each other out.
"""

from datetime import timedelta

from capd.decide import holds, matters
from capd.decide.case import A_HOLD, Case, Figures, needs
from capd.decide.contract import ending
from capd.decide.contract.ending import Cause, Ending, State
from capd.decide.policy import Policy
from capd.decide.wording import moment_text
from capd.model import Event, Hold, Reason, Standing, SubscriberId

KIND = "linked"
OUTSIDE = "linked_service"
"""The matter of a main subscription: a service linked to it that capd does not serve."""


def off(main: Standing, policy: Policy) -> Hold | None:
    """Return the first hold of *main* that what is linked to it follows; None: it is on."""
    apart = {*policy.contract.linked.not_for, Reason.LINKED}
    ended = ending.of(main)
    if ended is not None and ended.cause is Cause.LINKED:
        apart.add(Reason.ENDED)
    found = (hold for hold in holds.blocking(main.holds, policy) if hold.reason not in apart)
    return next(found, None)


def follow(case: Case, main: SubscriberId, hold: Hold | None) -> tuple[Event, ...]:
    """Return what becomes different for the case by *hold* of the *main* one that it hangs on."""
    there = matters.find(case.standing, KIND, main)
    clause = case.policy.contract.linked.clause
    if hold is None:
        if there is None:
            return ()
        text = f"The connection of {main} is on again ({clause})."
        return (case.event("linked_on", text, clause, matters.change(KIND, main, is_open=False)),)
    found = () if there is not None else (_told(case, main, hold),)
    if hold.reason is Reason.ENDED and not _has_ended(case):
        return (*found, *_ended(case))
    return found


def outside(case: Case, other: str, hold: Hold | None) -> tuple[Event, ...]:
    """Return what becomes different by *hold* for *other*, which hangs on the case's connection.

    It is nobody whom capd serves: the subscriber is told, and whoever runs it hears of it.
    """
    there = matters.find(case.standing, OUTSIDE, other)
    terms = case.policy.contract.linked
    if hold is None:
        if there is None:
            return ()
        text = f"{other} is on again, as the connection that it hangs on is ({terms.clause})."
        told = matters.change(OUTSIDE, other, is_open=False, linked=other)
        return (case.event("linked_service_on", text, terms.clause, told),)
    ends = any(each.reason is Reason.ENDED for each in case.standing.holds)
    reason = Reason.ENDED if ends else hold.reason
    if there is not None and (not ends or there.data.get("because") == reason.value):
        return ()
    at = case.now + timedelta(hours=terms.notice_hours)
    when = f"from {moment_text(at, case.zone)}" if terms.notice_hours else "now"
    text = (
        f"{other} {'ends' if ends else 'is off'} {when}, as the connection that it hangs on is "
        f"off for {holds.NAMES[reason]} ({terms.clause})."
    )
    data = matters.change(OUTSIDE, other, because=reason.value, off_at=at, linked=other)
    return (case.event("linked_service_off", text, terms.clause, data),)


@needs(KIND, A_HOLD)
def held(case: Case) -> tuple[Event, ...]:
    """Open the hold when a connection that it hangs on is off, close it when none is (CT-10)."""
    mains = matters.of_kind(case.standing, KIND)
    mine = [hold for hold in case.standing.holds if hold.reason is Reason.LINKED]
    clause = case.policy.contract.linked.clause
    if mine and not mains:
        text = f"The connection that it hangs on is on again ({clause})."
        return tuple(holds.closed(hold, at=case.now, clause=clause, text=text) for hold in mine)
    due = [matter.due_at or matter.opened_at for matter in mains]
    if mine or not mains or case.now < min(due) or _has_ended(case):
        return ()
    text = f"Service is off with the connection of {mains[0].key} that it hangs on ({clause})."
    figures: Figures = {"reason": Reason.LINKED.value, "note": mains[0].key}
    return (case.event("hold_opened", text, clause, figures, at=min(due)),)


def _told(case: Case, main: SubscriberId, hold: Hold) -> Event:
    terms = case.policy.contract.linked
    at = case.now + timedelta(hours=terms.notice_hours) if terms.notice_hours else None
    data = matters.change(KIND, main, due_at=at, because=hold.reason.value)
    because = f"the connection of {main} is off for {holds.NAMES[hold.reason]}"
    if at is None:
        return case.event("linked_off", f"T{because[1:]} ({terms.clause}).", terms.clause, data)
    end = moment_text(at, case.zone)
    text = f"Service will be off from {end}, because {because} ({terms.clause})."
    notice: Figures = {"notice": "linked_off", "period": case.period, **data}
    return case.event("notice", text, terms.clause, notice)


def _ended(case: Case) -> tuple[Event, ...]:
    over = Ending(
        state=State.TERMINATED,
        cause=Cause.LINKED,
        told_at=case.now,
        ends_at=case.now,
    )
    return ending.ended(case, over, case.policy.contract.linked.clause)


def _has_ended(case: Case) -> bool:
    known = ending.of(case.standing)
    return known is not None and known.state is not State.CANCELLING
