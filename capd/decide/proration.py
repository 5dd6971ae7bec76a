"""B-2: a product that is begun, or changed, in mid-month costs its share of the days."""

from collections.abc import Iterable, Iterator
from datetime import date, datetime, time, tzinfo
from decimal import Decimal

from capd.decide import charges
from capd.decide.case import Case, Figures
from capd.decide.wording import day_text, money_text
from capd.model import Event, Period, Product, ProductId
from capd.units import rfc3339

CHARGE = "product_price"
BEGUN = "begun/"  # in the id of what a service costs that begins


def share(amount: Decimal, days: int, of_days: int) -> Decimal:
    """Return what *days* of *of_days* cost of *amount*, rounded to the cent."""
    return charges.rounded(amount * days / of_days)


def days_left(period: Period, day: date, zone: tzinfo) -> tuple[int, int]:
    """Return how many local days *period* has from *day* on, and how many in all."""
    first, end = (moment.astimezone(zone).date() for moment in (period.start, period.end))
    return (end - day).days, (end - first).days


def following(case: Case, events: Iterable[Event]) -> tuple[Event, ...]:
    """Return what *events* cost, or give back, by days: begun or changed in mid-month."""
    if not case.policy.proration.price:
        return ()
    return tuple(charge for event in events for charge in _following(case, event))


def _following(case: Case, event: Event) -> Iterator[Event]:
    if event.kind == "activated":
        product = case.standing.product
        day = date.fromisoformat(str(event.figures["activated_on"]))
        price = product.price or Decimal(0)
        yield from _charged(case, event, product.id, price, how="begins", day=day)
    if event.kind == "plan_changed":
        was, now_on = (_product(case, event, side) for side in ("from", "to"))
        if was is not None and now_on is not None:
            difference = (now_on.price or Decimal(0)) - (was.price or Decimal(0))
            day = event.at.astimezone(case.zone).date()
            yield from _charged(case, event, now_on.id, difference, how="comes instead", day=day)


def _product(case: Case, event: Event, side: str) -> Product | None:
    name, now_on = ProductId(str(event.figures[side])), case.standing.product
    return now_on if name == now_on.id else case.catalogue.get(name)  # as it is for them (CT-6)


def _charged(
    case: Case, event: Event, product: ProductId, monthly: Decimal, *, how: str, day: date
) -> Iterator[Event]:
    """Yield the charge for what is so from *day* on; nothing where that is not in mid-month."""
    period = case.standing.period
    left, days = days_left(period, day, case.zone)
    amount = share(monthly, left, days)
    if not amount or not 0 < left < days:
        return
    terms, name = case.policy.proration, case.catalogue[product].name
    behind: Figures = {
        "product": product,
        "monthly": charges.exact(monthly),
        "days": left,
        "of_days": days,
        "period": period.name,
    }
    told = charges.figures(
        case.standing.subscriber.id,
        CHARGE,
        f"{'' if event.kind == 'plan_changed' else BEGUN}{product}/{rfc3339(event.at)}",
        amount,
        currency=case.currency,
        behind=behind,
    )
    effect = "charged" if amount > 0 else "given back"
    text = (
        f"{name} {how} on {_day_text(case, day)}: {money_text(abs(amount))} "
        f"{case.currency} is {effect} for {left} of {days} days ({terms.clause})."
    )
    yield case.event("charge", text, terms.clause, told, at=event.at)


def _day_text(case: Case, day: date) -> str:
    return day_text(datetime.combine(day, time(12), tzinfo=case.zone), case.zone)
