"""Pure: an event becomes what the customer is told in writing (UC-6).

What was used, the allowance, what is done, under which clause of the terms, what it costs, and the
way back. The event's own sentence stands in it unchanged; kinds that customers are not told about
become no message.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import tzinfo
from decimal import Decimal

from capd.decide.wording import day_text, moment_text, money_text, month_text
from capd.model import Event, Period, Reason
from capd.notify.letter import Letter, Message, laid_out
from capd.units import moment_of, rate_text, size_text


@dataclass(frozen=True, slots=True, kw_only=True)
class Addressee:
    """Who is told, by whom, and what their figures are called."""

    name: str
    operator: str
    zone: tzinfo  # the operator's
    period: Period | None = None  # the one that the event is in
    products: Mapping[str, str] = field(default_factory=dict)  # id: name

    def product(self, key: object) -> str:
        """Return what the product is called, its id where nobody knows."""
        return self.products.get(str(key), str(key))

    @property
    def new_period(self) -> str:
        """Return when the next period starts, as words that follow a verb."""
        if self.period is None:
            return "when the new period starts"
        return f"on {day_text(self.period.end, self.zone)}, when the new period starts"


def message(event: Event, to: Addressee) -> Message | None:
    """Return what *to* is told about *event*; None: nothing (an inner matter, or hushed: AU-1)."""
    write = _LETTERS.get(event.kind)
    if write is None or event.figures.get("notify") in {False, "no"}:
        return None
    return laid_out(write(event, to), name=to.name, operator=to.operator)


def _notice(event: Event, to: Addressee) -> Letter:
    share = str(event.figures.get("notice", "")).removeprefix("usage_")
    told = f"{share} % of your data allowance is used" if share.isdigit() else "your data allowance"
    return Letter(
        subject=told,
        opening=f"{told[0].upper()}{told[1:]}.",
        decision=event.text,
        facts=_usage(event, to) + _terms(event),
        way_back="You can buy more data for this period, or move to a product with a higher cap. "
        f"Otherwise your allowance starts afresh {to.new_period}.",
    )


_OFF = "Your service is suspended"
_OPENINGS: Mapping[str, str] = {
    Reason.CAP: f"{_OFF}: more was used than your allowance for this period.",
    Reason.NON_PAYMENT: f"{_OFF}: a payment is missing.",
    Reason.BREACH: f"{_OFF}: the terms of your contract were not kept.",
    Reason.AUP: f"{_OFF}: the acceptable use policy was not kept.",
    Reason.SECURITY: f"{_OFF}: a machine on your connection is not safe.",
    Reason.FRAUD: f"{_OFF}: fraud is suspected.",
    Reason.RESTRICTED: "Your service is limited for now.",
    Reason.MAINTENANCE: "Your service is interrupted for maintenance.",
    Reason.PREPAID: f"{_OFF}: your prepaid balance is used up.",
    Reason.SPIKE: f"{_OFF}: unusually much was used in a short time.",
    Reason.OPERATOR: f"{_OFF}.",
}
_WAYS_BACK: Mapping[str, str] = {
    Reason.NON_PAYMENT: "Service comes back when the payment has arrived.",
    Reason.BREACH: "Service comes back when the breach is put right: please contact us.",
    Reason.AUP: "Service comes back when the activity has stopped: please contact us.",
    Reason.SECURITY: "Service comes back when the machine is safe again: please contact us.",
    Reason.FRAUD: "Please contact us, so that the matter can be cleared up.",
    Reason.RESTRICTED: "The limit is lifted when the activity has stopped: please contact us.",
    Reason.MAINTENANCE: "Service comes back by itself when the work is done.",
    Reason.PREPAID: "Service comes back when you buy more data.",
    Reason.SPIKE: "Please contact us, so that we can check it with you.",
    Reason.OPERATOR: "Please contact us if you have questions.",
}


_DONE: Mapping[str, str] = {
    Reason.RESTRICTED: "service is limited",
    Reason.MAINTENANCE: "service is interrupted",
}


def _hold_opened(event: Event, to: Addressee) -> Letter:
    reason = str(event.figures.get("reason"))
    opening = _OPENINGS.get(reason, f"{_OFF}.")
    return Letter(
        subject=opening[0].lower() + opening[1:].rstrip(".").partition(":")[0],
        opening=opening,
        decision=event.text,
        facts=(
            *_usage(event, to),
            *_limits(event, to),
            ("Action", _DONE.get(reason, "service is suspended")),
            *_terms(event),
        ),
        way_back=_way_back(reason, to),
    )


def _way_back(reason: str, to: Addressee) -> str:
    if reason == Reason.CAP:
        return (
            "To get service back, buy more data for this period or move to a product with a "
            f"higher cap. Otherwise it comes back by itself {to.new_period}."
        )
    return _WAYS_BACK.get(reason, _WAYS_BACK[Reason.OPERATOR])


_ENDED: Mapping[str, str] = {
    Reason.RESTRICTED: "the limit on your service is lifted",
    Reason.MAINTENANCE: "maintenance has ended",
}


def _hold_closed(event: Event, to: Addressee) -> Letter:
    ended = _ENDED.get(str(event.figures.get("reason")), "a suspension has ended")
    return Letter(
        subject=ended,
        opening=f"{ended[0].upper()}{ended[1:]}.",
        decision=event.text,
        facts=_usage(event, to) + _terms(event),
        way_back="Your service is back, unless we told you of another reason for a suspension.",
    )


def _plan_changed(event: Event, to: Addressee) -> Letter:
    figures = event.figures
    was, now = to.product(figures.get("from")), to.product(figures.get("to"))
    facts = [("Before", was), ("Now", now)]
    if figures.get("price") is not None:
        facts.append(("Price", f"{_money(event, 'price')} a month"))
    if "new_allowance_bytes" in figures:
        facts.append(("New allowance", _size(event, "new_allowance_bytes") or "unlimited"))
    back = (
        f"You may go back to {was} without charge once a month's usage is below its cap. "
        "We tell you when that is so."
    )
    return Letter(
        subject=f"your product is now {now}",
        opening=f"Your product is now {now}.",
        decision=event.text,
        facts=_usage(event, to) + tuple(facts) + _terms(event),
        way_back=back if "breach" in figures else "",  # UC-4 (a), so UC-5
    )


def _charge(event: Event, to: Addressee) -> Letter:
    amount, what = _money(event, "amount"), str(event.figures.get("charge", "charge"))
    what = what.replace("_", " ")
    back = (
        "To avoid further charges, move to a product with a higher cap. "
        f"Your allowance starts afresh {to.new_period}."
    )
    return Letter(
        subject=f"a charge of {amount}",
        opening=f"{amount} will be added to your bill ({what}).",
        decision=event.text,
        facts=(*_usage(event, to), ("Charge", f"{amount} ({what})"), *_terms(event)),
        way_back=back if "breach" in event.figures else "",
    )


def _topup(event: Event, to: Addressee) -> Letter:
    size = _size(event, "size_bytes") or "More data"
    reference = event.figures.get("reference")
    facts = [("Bought", size)] + ([("Reference", str(reference))] if reference else [])
    return Letter(
        subject=f"{size} added to your allowance",
        opening=f"Thank you: {size} is added to your allowance.",
        decision=event.text,
        facts=tuple(facts) + _usage(event, to) + _terms(event),
        way_back=f"Whatever is left of it ends {to.new_period}.",
    )


def _downgrade_offered(event: Event, to: Addressee) -> Letter:
    target = to.product(event.figures.get("to"))
    return Letter(
        subject=f"you may go back to {target}",
        opening=f"You may go back to {target} without charge.",
        decision=event.text,
        facts=_usage(event, to) + _terms(event),
        way_back="Tell us if you would like to; otherwise nothing changes.",
    )


_LETTERS: Mapping[str, Callable[[Event, Addressee], Letter]] = {
    "notice": _notice,
    "hold_opened": _hold_opened,
    "hold_closed": _hold_closed,
    "plan_changed": _plan_changed,
    "charge": _charge,
    "topup": _topup,
    "downgrade_offered": _downgrade_offered,
}

KINDS = frozenset(_LETTERS)
"""The kinds of event that customers are told about."""

_Facts = tuple[tuple[str, str], ...]


def _usage(event: Event, to: Addressee) -> _Facts:
    facts = []
    if (used := _size(event, "counted_bytes")) is not None:
        facts.append(("Used", used))
    if "allowance_bytes" in event.figures:
        facts.append(("Allowance", _size(event, "allowance_bytes") or "unlimited"))
    if (left := _size(event, "remaining_bytes")) is not None:
        facts.append(("Left", left))
    if facts and to.period is not None and event.figures.get("period") == to.period.name:
        end = day_text(to.period.end, to.zone)
        facts.append(("Period", f"{month_text(to.period.name)}, until {end}"))
    return tuple(facts)


def _limits(event: Event, to: Addressee) -> _Facts:
    facts = []
    for key, label in (("down_bps", "Download limit"), ("up_bps", "Upload limit")):
        bps = event.figures.get(key)
        if isinstance(bps, int):
            facts.append((label, rate_text(bps)))
    if until := event.figures.get("until"):
        facts.append(("Until", moment_text(moment_of(str(until)), to.zone)))
    return tuple(facts)


def _terms(event: Event) -> _Facts:
    return () if event.clause is None else (("Our terms", f"clause {event.clause}"),)


def _size(event: Event, key: str) -> str | None:
    count = event.figures.get(key)
    return size_text(count) if isinstance(count, int) else None


def _money(event: Event, key: str) -> str:
    amount, currency = event.figures.get(key), event.figures.get("currency", "")
    return f"{money_text(Decimal(str(amount)))} {currency}".strip()
