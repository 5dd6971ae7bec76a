"""CT-1: a radio is activated, which begins the contract once; CT-8: what is measured after that."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal

from capd.decide import charges, matters, proration
from capd.decide.contract import agreement, ending
from capd.decide.contract.agreement import Agreement
from capd.decide.contract.days import day_of
from capd.decide.shapes import day, rate, yes_or_no
from capd.decide.told import CHARGE_FROM, Answer, FactKind, Refused, Told
from capd.decide.wording import date_text, day_text
from capd.model import Event, Fact
from capd.units import rate_text

SLOW = "slow"


def _activated(told: Told) -> Answer:
    followed, today = ending.followed(told), day_of(told.now, told.zone)
    known = None if followed else agreement.of(told.standing)
    on = told.get("on")
    since = today if on is None else date.fromisoformat(on)
    if since > today:
        return Refused(f"on: {since.isoformat()} has not come yet")
    if known is None:
        months = agreement.term_of(told.standing.product, told.policy)
        begun = _with_radio(told, Agreement(activated_on=since, term_months=months))
        text = _begun_text(told, begun)
        return (*followed, told.event("activated", text, _clause(told), begun.change()))
    if on is not None and since != known.activated_on:
        return Refused(
            f"activated on {known.activated_on.isoformat()} already: the first activation counts, "
            f"another radio does not move it ({_clause(told)})"
        )
    changed = _with_radio(told, known)
    if changed == known:
        return ()
    first = date_text(known.activated_on)
    text = (
        f"The radio was replaced; the contract runs since {first} as before ({_clause(told)})."
        if (changed.device, changed.serial, changed.mac) != (known.device, known.serial, known.mac)
        else f"The survey of the contract that runs since {first} was taken again."
    )
    return (told.event("radio_changed", text, _clause(told), changed.change()),)


def _undone(told: Told) -> Answer:
    """Take back what an activation did to the contract; told again, it changes nothing more."""
    known, device = agreement.of(told.standing), str(told.get("device"))
    note = told.get("note")
    why = f" ({note})" if note else ""
    if known is None or known.device != device:
        if known is not None and known.device is not None:
            return Refused(f"the contract runs over {known.device}, not over {device}")
        text = f"The activation of {device} was taken back{why}; no contract had begun with it."
        return (told.event("radio_put_back", text, _clause(told), {"device_id": device}),)
    if told.get("keeps_term") == "yes":
        former = replace(
            known,
            device=told.get("former_device"),
            serial=told.get("former_serial"),
            mac=told.get("former_mac"),
            signal=told.get("former_signal"),
        )
        back = f"over {former.device} " if former.device else ""
        text = (
            f"The activation of {device} was taken back{why}; the contract runs {back}since "
            f"{date_text(known.activated_on)} as before ({_clause(told)})."
        )
        return (told.event("radio_put_back", text, _clause(told), former.change()),)
    text = (
        f"The activation of {device} was taken back{why}: the contract that began on "
        f"{date_text(known.activated_on)} never began, and nothing is charged by it "
        f"({_clause(told)})."
    )
    closed = {**known.change(), "open": False}
    undone = told.event("activation_undone", text, _clause(told), closed)
    return (undone, *_not_charged(told))


def _not_charged(told: Told) -> tuple[Event, ...]:
    """Take back what the days since the contract began were charged, where they were (B-2)."""
    made = told.past.get("charge")
    contracts = matters.of_kind(told.standing, agreement.KIND)
    if made is None or "reverses" in made.figures:
        return ()
    if all(matter.opened_at != made.at for matter in contracts):
        return ()  # of an earlier one
    counter = charges.counter(
        told,
        str(made.figures["charge_id"]),
        charge=str(made.figures["charge"]),
        amount=Decimal(str(made.figures["amount"])),
        clause=made.clause,
        why="the contract never began",
    )
    return (counter,)


def _first_charge(fact: Fact) -> Mapping[str, tuple[str, str]]:
    start = f"{fact.subscriber}/{proration.CHARGE}/{proration.BEGUN}"
    return {"charge": (CHARGE_FROM, start)}


def _clause(told: Told) -> str:
    return told.policy.contract.term.start


def _with_radio(told: Told, known: Agreement) -> Agreement:
    """Return *known* with what is told of the radio; what is left out stays as it was."""
    return replace(
        known,
        device=told.get("device") or known.device,
        serial=told.get("serial") or known.serial,
        mac=told.get("mac") or known.mac,
        signal=told.get("signal") or known.signal,
        estimate_down_bps=told.rate("estimate_down") or known.estimate_down_bps,
        estimate_up_bps=told.rate("estimate_up") or known.estimate_up_bps,
    )


def _begun_text(told: Told, begun: Agreement) -> str:
    term = told.policy.contract.term
    until = begun.cools_off_until(told.policy, told.zone)
    bound = f"its minimum term ends on {date_text(begun.bound_until(told.zone))}"
    cooling = f"until {day_text(until, told.zone)} it may be cancelled at once"
    return (
        f"The radio was activated on {date_text(begun.activated_on)}: charges begin with that day, "
        f"{bound} ({term.start}), and {cooling} ({term.cooling_off})."
    )


def _measured(told: Told) -> Answer:
    known = agreement.of(told.standing)
    speeds = [
        (told.rate(way), estimate, way)
        for way, estimate in (
            ("down", known and known.estimate_down_bps),
            ("up", known and known.estimate_up_bps),
        )
    ]
    if not any(estimate for _, estimate, _ in speeds):
        clause = told.policy.contract.speed.clause
        return Refused(f"no estimate of the survey is known to compare with ({clause})")
    share = told.policy.contract.speed.well_under
    slow = [
        f"{rate_text(bps)} {way} of the {rate_text(estimate)} estimated"
        for bps, estimate, way in speeds
        if bps is not None and estimate and bps * 100 < estimate * share
    ]
    return _flagged(told, slow)


def _flagged(told: Told, slow: list[str]) -> tuple[Event, ...]:
    clause, there = told.policy.contract.speed.clause, matters.find(told.standing, SLOW, SLOW)
    down, up = told.rate("down"), told.rate("up")
    if slow:
        text = (
            f"Measured well under the survey's estimate: {' and '.join(slow)}; a slower product "
            f"may be chosen ({clause})."
        )
        figures = matters.change(SLOW, SLOW, down_bps=down, up_bps=up)
        return (told.event("speed_flagged", text, clause, figures),)
    if there is None:
        return ()
    text = f"Measured near the survey's estimate again ({clause})."
    figures = matters.change(SLOW, SLOW, is_open=False, down_bps=down, up_bps=up)
    return (told.event("speed_cleared", text, clause, figures),)


FACTS: Mapping[str, FactKind] = {
    "activated": FactKind(
        help="a radio went into service: the term begins with the first one (CT-1, CT-3, CT-11)",
        optional=("device", "serial", "mac", "signal", "estimate_down", "estimate_up", "on"),
        shapes={"on": day, "estimate_down": rate, "estimate_up": rate},
        accept=_activated,
    ),
    "activation_undone": FactKind(
        help="a radio was activated for the wrong subscriber: its term never began (CT-1)",
        required=("device",),
        optional=(
            "note",
            "keeps_term",
            "former_device",
            "former_serial",
            "former_mac",
            "former_signal",
        ),
        shapes={"keeps_term": yes_or_no},
        recalls=_first_charge,
        accept=_undone,
    ),
    "measured": FactKind(
        help="rates measured at the subscriber's, compared with the survey's estimate (CT-8)",
        required=("down",),
        optional=("up",),
        accept=_measured,
    ),
}
