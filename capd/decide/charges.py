"""Charges as events: each once, with an id that says what it is for, and the figures behind it.

Amounts have two places. Where one is worked out by days it is rounded half up, once, at the end; a
late fee is cut off, so that no limit of the law is passed. The figures behind a charge are all that
it takes to work the amount out again (E-5), whatever the policy says by then.

A rule that charges must know from what it can see (a matter, what was charged before) that it has
not done so yet: the id is how billing, and `capd db check`, would notice a second one.
"""

from decimal import ROUND_HALF_UP, Decimal

from capd.decide.case import Figures
from capd.decide.told import Told
from capd.decide.wording import money_text
from capd.model import Event, SubscriberId

_CENT = Decimal("0.01")


def rounded(amount: Decimal) -> Decimal:
    """Return *amount* to the cent, half a cent away from nothing: what is given back is as much."""
    return amount.quantize(_CENT, rounding=ROUND_HALF_UP)


def exact(price: Decimal) -> str:
    """Return *price* with all its places, two at least: what an amount is worked out from."""
    return money_text(price) if price == rounded(price) else f"{price:f}"


def figures(
    subscriber: SubscriberId,
    charge: str,
    what_for: str,
    amount: Decimal,
    *,
    currency: str,
    behind: Figures | None = None,
) -> Figures:
    """Return the figures of a `charge` event; *what_for* tells it from others of the same name.

    *charge* is its name ("late_fee"), *what_for* the occasion ("inv-7"): together with the
    subscriber they are the charge's id. *behind* is what the amount was worked out from.
    """
    return {
        "charge": charge,
        "charge_id": f"{subscriber}/{charge}/{what_for}",
        "amount": money_text(amount),
        "currency": currency,
        **(behind or {}),
    }


def reversal_id(charge_id: str) -> str:
    """Return the id of the counter-charge of a charge: there is one at most."""
    return f"{charge_id}/reversed"


def counter(
    told: Told, charge_id: str, *, charge: str, amount: Decimal, clause: str | None, why: str
) -> Event:
    """Return the counter-charge of a charge of *amount*: nothing else takes one back."""
    currency = told.currency
    behind: Figures = {"reverses": charge_id, "why": why}
    who = told.standing.subscriber.id
    told_of = figures(who, charge, charge_id, -amount, currency=currency, behind=behind)
    taken = f"{money_text(amount)} {currency}"
    ending = "" if clause is None else f" ({clause})"
    text = f"The charge of {taken} ({charge.replace('_', ' ')}) is taken back: {why}{ending}."
    return told.event("charge", text, clause, {**told_of, "charge_id": reversal_id(charge_id)})
