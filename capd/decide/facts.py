"""What a person, billing or a file may tell of a subscriber, and what becomes different by it.

The facts of a subject (debt, add-ons, the contract) stand with its rules; `FACTS` has them all.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, tzinfo
from types import MappingProxyType

from capd.decide import everybodys, holds, proration
from capd.decide.addons import facts as addons
from capd.decide.case import Figures, allowance_with
from capd.decide.contract import facts as contract
from capd.decide.debt import attempts
from capd.decide.debt import facts as debt
from capd.decide.debt.facts import extension
from capd.decide.debt.state import released
from capd.decide.holds import has_ended
from capd.decide.installation import facts as installation
from capd.decide.policy import Policy
from capd.decide.prepaid import balance
from capd.decide.prepaid.balance import is_prepaid
from capd.decide.prepaid.rules import bought
from capd.decide.shapes import SHAPES, any_text, guess, yes_or_no
from capd.decide.told import Answer, FactKind, Refused, Told
from capd.decide.voice import facts as voice
from capd.decide.wording import (
    amount_text,
    day_text,
    moment_text,
    quantity_of,
    rate_clause,
)
from capd.model import Event, Fact, Hold, Product, ProductId, Reason, Standing
from capd.units import moment_of, rfc3339

__all__ = ["FACTS", "FactKind", "Refused", "accept", "check", "recalled"]


def accept(
    standing: Standing,
    fact: Fact,
    catalogue: Mapping[ProductId, Product],
    policy: Policy,
    now: datetime,
    *,
    currency: str,
    zone: tzinfo,
    past: Mapping[str, Event] = MappingProxyType({}),
) -> Answer:
    """Return what *fact* makes different at *now*, or why it is refused; judge again after it.

    *past* is what its kind recalls, where there was such a thing.
    A fact that says what is already so makes nothing different: no events.
    """
    wrong = check(fact)
    if wrong:
        return Refused("; ".join(wrong))
    told = Told(
        standing=standing,
        fact=_said_in_a_sentence(fact),
        catalogue=catalogue,
        policy=policy,
        now=now,
        currency=currency,
        zone=zone,
        past=past,
    )
    found = FACTS[fact.fact].accept(told)
    return found if isinstance(found, Refused) else (*found, *proration.following(told.case, found))


def recalled(fact: Fact) -> Mapping[str, tuple[str, str]]:
    """Return which things that may be over *fact* speaks of; it must be well formed."""
    return {} if check(fact) else FACTS[fact.fact].recalls(fact)


def check(fact: Fact) -> list[str]:
    """Return every mistake in the shape of *fact*, one line each; nothing is looked up."""
    kind = FACTS.get(fact.fact)
    if kind is None:
        return [f"fact: unknown {fact.fact!r}.{guess(fact.fact, FACTS)}"]
    wrong = [f"{key}: is missing" for key in kind.required if not fact.details.get(key)]
    if kind.of_subscriber and not fact.subscriber:
        wrong.insert(0, "subscriber: is missing")
    known = (*kind.required, *kind.optional)
    for key, value in fact.details.items():
        if key not in known:
            wrong.append(f"{key}: unknown key for {fact.fact!r}.{guess(key, known)}")
        elif unfit := any_text(key, value):
            wrong += unfit
        elif value:
            shape = kind.shapes.get(key) or SHAPES.get(key)
            wrong += shape(key, value) if shape else []
    return wrong


_Rates = tuple[int | None, int | None]  # down, up


def _said_in_a_sentence(fact: Fact) -> Fact:
    """Return *fact* with its note on one line, as every sentence that cites it wants it."""
    if "\n" not in fact.details.get("note", ""):
        return fact
    return replace(fact, details={**fact.details, "note": " ".join(fact.details["note"].split())})


def _topup(told: Told) -> Answer:
    standing, unit = told.standing, told.standing.product.unit
    try:
        size = quantity_of(told.fact.details["size"], unit)
    except ValueError as exc:
        return Refused(f"size: {exc}")
    if has_ended(standing):
        return Refused("the contract has ended: there is nothing to add data to")
    if is_prepaid(standing):
        return bought(told)
    before = allowance_with(standing, standing.product, told.policy)
    if before is None:
        return Refused(f"{standing.product.name} has no cap: there is nothing to add data to")
    reference = told.fact.details["reference"]
    end, clause = day_text(standing.period.end, told.zone), told.policy.clauses.back
    text = (
        f"{amount_text(size, unit)} added (reference {reference}): "
        f"{amount_text(before + size, unit)} in all until {end} ({clause})."
    )
    figures: Figures = {
        "size_bytes": size,
        "reference": reference,
        "period": standing.period.name,
        "allowance_bytes": before + size,
    }
    return (told.event("topup", text, clause, figures),)


_BY_THEMSELVES: Mapping[Reason, str] = {
    Reason.CAP: "a hold for the cap follows from usage alone; use the reason 'operator'",
    Reason.LINKED: "a hold for what it hangs on follows from that connection; use 'operator'",
    Reason.ENDED: "a hold for the end of the contract follows from `cancel` or `terminate`",
}
"""Holds that nobody opens, and why."""


def _hold(told: Told) -> Answer:
    reason = Reason(told.fact.details["reason"])
    if reason in _BY_THEMSELVES:
        return Refused(_BY_THEMSELVES[reason])
    rule, until = told.policy.hold_rule(reason), told.moment("until")
    if until is not None and until <= told.now:
        return Refused(f"until: {rfc3339(until)} is over already")
    if reason is Reason.NON_PAYMENT and (no := attempts.refusal(told.case, told.get("note"))):
        return Refused(no)
    if told.get("down") or told.get("up"):
        if rule.blocking:
            return Refused(f"a hold for {reason.value} stops service: it has no rates")
        if reason is Reason.CREDENTIALS:
            return Refused("a hold for credentials stops log-ins alone: it has no rates")
    rates = (told.rate("down") or rule.down_bps, told.rate("up") or rule.up_bps)
    figures: Figures = {
        "reason": reason.value,
        "note": told.get("note") or "",
        "until": None if until is None else rfc3339(until),
        "down_bps": rates[0],
        "up_bps": rates[1],
        **({} if told.get("notify") is None else {"notify": told.get("notify")}),
    }
    event = told.event("hold_opened", _hold_text(told, reason, rates), rule.clause, figures)
    same = _open(told.standing, reason)
    return (event,) if same is None else _already_open(told, same, figures)


def _hold_text(told: Told, reason: Reason, rates: _Rates) -> str:
    rule, until = told.policy.hold_rule(reason), told.moment("until")
    if reason is Reason.CREDENTIALS:
        return f"Log-ins are off for {holds.NAMES[reason]}; the connection stays ({rule.clause})."
    end = "" if until is None else f" until {moment_text(until, told.zone)}"
    what = "suspended" if rule.blocking else f"limited{rate_clause(*rates)}"
    return f"Service is {what}{end} for {holds.NAMES[reason]} ({rule.clause})."


def _already_open(told: Told, hold: Hold, figures: Figures) -> Answer:
    until = None if hold.until is None else rfc3339(hold.until)
    present = (hold.note, until, hold.down_bps, hold.up_bps)
    if present == tuple(figures[key] for key in ("note", "until", "down_bps", "up_bps")):
        return ()
    since = moment_text(hold.opened_at, told.zone)
    return Refused(
        f"a hold for {hold.reason.value} is open since {since}; release it first to change it"
    )


def _release(told: Told) -> Answer:
    reason = Reason(told.fact.details["reason"])
    hold = _open(told.standing, reason)
    if hold is None:
        return Refused(f"no hold for {reason.value} is open")
    if reason in _BY_THEMSELVES and reason is not Reason.CAP:
        return Refused(_STAYS[reason])
    if told.policy.hold_rule(reason).asks_why and not told.get("note"):
        return Refused(f"note: is missing: say why the hold may be released ({hold.clause})")
    note = told.get("note") or ""
    silent = {} if told.get("notify") is None else {"notify": told.get("notify")}
    text = f"The hold for {holds.NAMES[reason]} was released{note and f': {note}'} ({hold.clause})."
    figures: Figures = {
        "reason": reason.value,
        "note": note,
        **silent,
        **({} if hold.period is None else {"period": hold.period}),
        **(released(told.standing, told.now) if reason is Reason.NON_PAYMENT else {}),
        **(balance.released(told.standing) if reason is Reason.PREPAID else {}),
    }
    closed = told.event("hold_closed", text, hold.clause, figures)
    if reason is not Reason.CAP:
        return (closed,)
    # Usage is still over the cap: without a delay the same hold would open again at once (UC-8).
    delay = told.standing.delay
    end = told.standing.period.end
    return closed, _delay_event(told, end if delay is None else max(end, delay.until), note)


_STAYS: Mapping[Reason, str] = {
    Reason.LINKED: "it ends when the connection that it hangs on is back",
    Reason.ENDED: "the contract has ended: an activation begins a new one",
}


def _delay(told: Told) -> Answer:
    until = moment_of(told.fact.details["until"])
    if until <= told.now:
        return Refused(f"until: {rfc3339(until)} is over already")
    if told.get("reason") not in (None, Reason.CAP, Reason.NON_PAYMENT):
        return Refused("reason: only what follows from the cap or non_payment can be put off")
    if told.get("reason") == Reason.NON_PAYMENT:
        return extension(told, until)
    note, present = told.get("note") or "", told.standing.delay
    if present is not None and (present.until, present.note) == (until, note):
        return ()
    return (_delay_event(told, until, note),)


def _delay_event(told: Told, until: datetime, note: str) -> Event:
    clause = told.policy.clauses.delay
    text = (
        "Nothing follows from going over the cap until "
        f"{moment_text(until, told.zone)}{note and f': {note}'} ({clause})."
    )
    return told.event("delay", text, clause, {"until": rfc3339(until), "note": note})


_OF_USAGE: Mapping[str, FactKind] = {
    "topup": FactKind(
        help="adds data to the running period; the same reference twice adds once (UC-3)",
        required=("size", "reference"),
        accept=_topup,
    ),
    "hold": FactKind(
        help="opens a hold, told or not (AU-1); down, up: rates of one that limits (NM-4)",
        required=("reason",),
        optional=("note", "until", "down", "up", "notify"),
        shapes={"notify": yes_or_no},
        accept=_hold,
    ),
    "release": FactKind(
        help="closes a hold; one for the cap stays closed until the period ends (UC-8)",
        required=("reason",),
        optional=("note", "notify"),
        shapes={"notify": yes_or_no},
        accept=_release,
    ),
    "delay": FactKind(
        help="puts off what follows from the cap, or with the reason non_payment from debt (UC-8)",
        required=("until",),
        optional=("note", "reason"),
        accept=_delay,
    ),
}

FACTS: Mapping[str, FactKind] = {
    **_OF_USAGE,
    **everybodys.FACTS,
    **contract.FACTS,
    **addons.FACTS,
    **debt.FACTS,
    **installation.FACTS,
    **voice.FACTS,
}


def _open(standing: Standing, reason: Reason) -> Hold | None:
    return next((hold for hold in standing.holds if hold.reason is reason), None)
