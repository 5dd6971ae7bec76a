"""A breach of the contract: a serious one stops service at once, another after notice (CT-4)."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from capd.decide import holds, matters, quiet
from capd.decide.case import Case, Figures, needs
from capd.decide.shapes import yes_or_no
from capd.decide.told import Answer, FactKind, Refused, Told
from capd.decide.wording import moment_text
from capd.model import Event, Hold, Reason, Standing

KIND = "contract_breach"
_KEY = "breach"


@needs(KIND)
def due(case: Case) -> tuple[Event, ...]:
    """Stop service when the notice of a breach is over, and it has not ended."""
    known = matters.find(case.standing, KIND, _KEY)
    at = None if known is None else matters.moment(known, "stops_at")
    if known is None or at is None or at > case.now or _hold(case.standing) is not None:
        return ()
    if matters.flag(known, "stopped"):
        return ()  # and a person let it go
    clause = case.policy.breach.clause
    note = matters.text(known, "note")
    text = f"Service is suspended for a breach of the contract: {note} ({clause})."
    figures: Figures = {
        **known.data,
        **matters.change(KIND, _KEY, stopped=True),
        "reason": Reason.BREACH.value,
        "note": note,
    }
    return (case.event("hold_opened", text, clause, figures, at=at),)


def _told(told: Told) -> Answer:
    if matters.find(told.standing, KIND, _KEY) is not None:
        return Refused("a breach is on record already: tell `breach_ended` when it has stopped")
    serious = told.fact.details["serious"] == "yes"
    terms, note = told.policy.breach, told.fact.details["note"]
    stops_at = told.now if serious else _days_after(told, terms.notice_days)
    stops_at = quiet.allowed(stops_at, Reason.BREACH, told.policy, told.zone)
    when = moment_text(stops_at, told.zone)
    stops = "service is suspended" if stops_at <= told.now else f"service is suspended on {when}"
    unless = "" if serious else " unless it has stopped by then"
    text = f"The contract was not kept: {note}; {stops}{unless} ({terms.clause})."
    figures: Figures = {
        **matters.change(
            KIND, _KEY, due_at=stops_at, serious=serious, note=note, stops_at=stops_at
        ),
        "notify": told.get("notify"),
    }
    return (told.event("contract_breach", text, terms.clause, figures),)


def _days_after(told: Told, days: int) -> datetime:
    """Return the same local time *days* later."""
    wall = told.now.astimezone(told.zone).replace(tzinfo=None) + timedelta(days=days)
    return quiet.local(wall, told.zone)


def _ended(told: Told) -> Answer:
    known = matters.find(told.standing, KIND, _KEY)
    if known is None:
        return Refused("no breach of the contract is on record")
    clause, note = told.policy.breach.clause, told.get("note")
    text = f"The breach of the contract has ended{f': {note}' if note else ''} ({clause})."
    figures = matters.change(KIND, _KEY, is_open=False, note=note)
    events = [told.event("breach_ended", text, clause, figures)]
    hold = _hold(told.standing)
    if hold is not None and matters.flag(known, "stopped"):
        back = f"The suspension for a breach of the contract has ended ({clause})."
        events.append(
            holds.closed(hold, at=told.now, clause=clause, text=back, author=told.fact.author)
        )
    return tuple(events)


def _hold(standing: Standing) -> Hold | None:
    return next((hold for hold in standing.holds if hold.reason is Reason.BREACH), None)


FACTS: Mapping[str, FactKind] = {
    "breach": FactKind(
        help="the contract was not kept: serious stops service at once, else after notice (CT-4)",
        required=("serious", "note"),
        optional=("notify",),
        shapes={"serious": yes_or_no, "notify": yes_or_no},
        accept=_told,
    ),
    "breach_ended": FactKind(
        help="a breach has stopped: its suspension ends, or does not come (CT-4)",
        optional=("note",),
        accept=_ended,
    ),
}
