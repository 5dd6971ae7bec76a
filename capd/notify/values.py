"""Pure: an event and its addressee become the values that templates may use.

`VARIABLES` is the whole list; every one of them is always there, empty where it has no meaning.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, tzinfo
from decimal import Decimal, InvalidOperation

from capd.account.periods import period_of
from capd.config import Operator
from capd.decide.wording import amount_text, day_text, moment_text, money_text, month_text
from capd.model import Event, Period, Product, ProductId, Subscriber, Unit
from capd.notify.letter import LONGEST_DECISION, Pair, one_line
from capd.told import TOLD
from capd.units import moment_of, rate_text

VARIABLES: Mapping[str, str] = {
    "decision": "the event's own sentence; it must stand in every text and page, unchanged",
    "kind": "the kind of event, such as hold_opened",
    "about": "what the kind is about, in the words of a subject",
    "clause": "the id of the clause of the terms; empty where there is none",
    "name": "the subscriber's name",
    "subscriber": "the subscriber's id",
    "operator": "[operator] name",
    "support": "[operator] support; empty where it is not set",
    "day": "the day of the event, such as 1 April",
    "reason": "of a hold: cap, non_payment, aup ...",
    "notice": "of a notice: usage_80 ...",
    "share": "of a usage notice: 80",
    "used": "what was used, such as 101.2 GB",
    "allowance": "the allowance, such as 100 GB, or unlimited",
    "left": "what is left of it",
    "new_allowance": "of a change of product: the allowance from now on",
    "size": "of a top-up: how much was bought",
    "amount": "of a charge: such as 6.00 GBP",
    "charge": "of a charge: what for",
    "price": "such as 35.00 GBP",
    "was": "of a change of product: the name of the former one",
    "now": "the name of the product that it leads to",
    "breach": "of what follows from going over the cap again (UC-4): the period's name",
    "new_period": "such as: on 1 April, when the new period starts",
    "usage": "(label, value) pairs: used, allowance, left, period",
    "limits": "(label, value) pairs: rates and an end, where the event has them",
    "details": "(label, value) pairs: every other figure that capd knows a name for",
    "terms": "(label, value) pairs: the clause",
    "figures": "all figures of the event by their keys, as `capd events --json` shows them",
    "products": "names of products by their ids",
}
"""What a template may use, in words for whoever writes one."""

WORDS: Mapping[str, str] = {
    "subject": "what the mail is about; the operator's name is put before it",
    "opening": "the first sentence",
    "facts": "the (label, value) pairs of the table",
    "way_back": "the last sentence: what the subscriber can do (UC-6)",
}
"""What a KIND.j2 sets, and the layouts show."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Addressee:
    """Who is told, by whom, and what their figures are called."""

    name: str
    operator: str
    zone: tzinfo  # the operator's
    support: str | None = None  # how to reach the operator
    period: Period | None = None  # the one that the event is in
    products: Mapping[str, str] = field(default_factory=dict)  # id: name

    def product(self, key: object) -> str:
        """Return what the product is called, its id where nobody knows."""
        return "" if key is None else one_line(self.products.get(str(key), str(key)))

    @property
    def new_period(self) -> str:
        """Return when the next period starts, as words that follow a verb."""
        if self.period is None:
            return "when the new period starts"
        return f"on {day_text(self.period.end, self.zone)}, when the new period starts"


def addressee_of(
    event: Event,
    who: Subscriber | None,
    products: Mapping[ProductId, Product],
    operator: Operator,
) -> Addressee:
    """Return *who*, as they are written to about *event*."""
    zone = operator.zone
    return Addressee(
        name="customer" if who is None else who.name,
        operator=operator.name,
        support=operator.support,
        zone=zone,
        period=None if who is None else period_of(event.at, who.cycle, zone),
        products={id_: product.name for id_, product in products.items()},
    )


def variables(event: Event, to: Addressee) -> dict[str, object]:
    """Return the values of `VARIABLES`, each text one harmless line."""
    figures = {key: _harmless(value) for key, value in event.figures.items()}
    notice = str(figures.get("notice") or "")
    told = TOLD.get(event.kind)
    return {
        "decision": one_line(event.text, LONGEST_DECISION),
        "kind": one_line(event.kind),
        "about": event.kind.replace("_", " ") if told is None else told.about,
        "clause": one_line(event.clause or ""),
        "name": one_line(to.name, 100),
        "subscriber": one_line(event.subscriber or ""),
        "operator": one_line(to.operator, 100),
        "support": one_line(to.support or ""),
        "day": day_text(event.at, to.zone),
        "reason": str(figures.get("reason") or ""),
        "notice": notice,
        "share": notice.removeprefix("usage_") if notice[6:].isdigit() else "",
        "was": to.product(figures.get("from")),
        "now": to.product(figures.get("to")),
        "charge": str(figures.get("charge") or "charge").replace("_", " "),
        "breach": str(figures.get("breach") or ""),
        "new_period": to.new_period,
        **_amounts(event),
        "usage": _usage(event, to),
        "limits": _limits(event, to),
        "details": _details(event, to),
        "terms": []
        if event.clause is None
        else [("Our terms", f"clause {one_line(event.clause)}")],
        "figures": figures,
        "products": {one_line(key): one_line(name) for key, name in to.products.items()},
    }


def _harmless(value: object) -> object:
    return one_line(value) if isinstance(value, str) else value


def _amounts(event: Event) -> dict[str, object]:
    return {
        "used": _size(event, "counted_bytes"),
        "allowance": _cap(event, "allowance_bytes"),
        "left": _size(event, "remaining_bytes"),
        "new_allowance": _cap(event, "new_allowance_bytes"),
        "size": _size(event, "size_bytes"),
        "amount": money(event, "amount"),
        "price": money(event, "price"),
    }


def _usage(event: Event, to: Addressee) -> list[Pair]:
    amounts = _amounts(event)
    found = [
        (label, str(amounts[key]))
        for label, key in (("Used", "used"), ("Allowance", "allowance"), ("Left", "left"))
        if amounts[key]
    ]
    if found and to.period is not None and event.figures.get("period") == to.period.name:
        end = day_text(to.period.end, to.zone)
        found.append(("Period", f"{month_text(to.period.name)}, until {end}"))
    return found


def _limits(event: Event, to: Addressee) -> list[Pair]:
    return [
        (label, text)
        for key, label, write in _LIMITS
        if event.figures.get(key) and (text := write(event, key, to))
    ]


def _details(event: Event, to: Addressee) -> list[Pair]:
    return [
        (label, text)
        for key, label, write in _DETAILS
        if key in event.figures and (text := write(event, key, to))
    ]


def _size(event: Event, key: str) -> str:
    count, unit = event.figures.get(key), event.figures.get("unit")
    if not isinstance(count, int) or isinstance(count, bool):
        return ""
    return amount_text(count, Unit.SECONDS if unit == Unit.SECONDS else Unit.BYTES)  # D-1


def _cap(event: Event, key: str) -> str:
    return (_size(event, key) or "unlimited") if key in event.figures else ""


def money(event: Event, key: str) -> str:
    """Return the amount at *key* with its currency: "6.00 GBP"; empty where there is none."""
    amount, currency = event.figures.get(key), event.figures.get("currency") or ""
    if amount is None:
        return ""
    try:
        return one_line(f"{money_text(Decimal(str(amount)))} {currency}")
    except InvalidOperation:  # no number: shown as it is
        return one_line(f"{amount} {currency}")


def _money(event: Event, key: str, _to: Addressee) -> str:
    return money(event, key)


def _bytes(event: Event, key: str, _to: Addressee) -> str:
    return _size(event, key)


def _bytes_or_none(event: Event, key: str, _to: Addressee) -> str:
    return _cap(event, key)


def _rate(event: Event, key: str, _to: Addressee) -> str:
    bps = event.figures.get(key)
    return rate_text(bps) if isinstance(bps, int) else ""


def _plain(event: Event, key: str, _to: Addressee) -> str:
    value = event.figures.get(key)
    return "" if value is None else one_line(str(value).replace("_", " "))


def _product(event: Event, key: str, to: Addressee) -> str:
    return to.product(event.figures.get(key))


def _when(event: Event, key: str, to: Addressee) -> str:
    """Return a moment or a day as people write it; what is neither stays as it is."""
    value = str(event.figures.get(key) or "")
    try:
        if len(value) > len("2026-03-01"):
            return moment_text(moment_of(value), to.zone)
        return f"{(day := date.fromisoformat(value)).day} {month_text(f'{day:%Y-%m}')}"
    except (ValueError, OverflowError):
        return one_line(value)


Write = Callable[[Event, str, Addressee], str]
_LIMITS: tuple[tuple[str, str, Write], ...] = (
    ("down_bps", "Download limit", _rate),
    ("up_bps", "Upload limit", _rate),
    ("until", "Until", _when),
)
_DETAILS: tuple[tuple[str, str, Write], ...] = (
    # keys of figures that a subscriber may be shown; a note is for the operator's people alone
    ("from", "Before", _product),
    ("to", "Product", _product),
    ("product", "Product", _product),
    ("new_allowance_bytes", "New allowance", _bytes_or_none),
    ("size_bytes", "Size", _bytes),
    ("balance_bytes", "Balance", _bytes),
    ("addon", "Add-on", _plain),
    ("invoice", "Invoice", _plain),
    ("reference", "Reference", _plain),
    ("amount", "Amount", _money),
    ("price", "Price", _money),
    ("fee", "Fee", _money),
    ("due", "Due", _when),
    ("due_at", "Due", _when),
    ("effective", "From", _when),
    ("effective_at", "From", _when),
    ("starts_at", "Starts", _when),
    ("renews_at", "Renews", _when),
    ("ends_at", "Ends", _when),
)
