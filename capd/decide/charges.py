"""Charges as events: each once, with an id that says what it is for, and the figures behind it.

A rule that charges must know from what it can see (a matter, what was charged before) that it has
not done so yet: the id is how billing, and `capd db check`, would notice a second one.
"""

from decimal import Decimal

from capd.decide.case import Figures
from capd.decide.wording import money_text
from capd.model import SubscriberId


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
