"""UC-3: a reference stands for one fact; the same twice counts once."""

from decimal import Decimal, InvalidOperation

from capd.decide.facts import check
from capd.decide.wording import amount_text
from capd.model import Event, Fact, Unit
from capd.units import bytes_of, rfc3339, seconds_of


def repeated(before: Event, fact: Fact) -> str | None:
    """Return why *fact* is refused, whose reference *before* bore already; None: it is the same.

    Money may stand behind a reference: whoever gives it to somebody else, or with another size or
    amount, must hear that nothing was added (UC-3).
    """
    wrong = check(fact)
    if wrong:
        return "; ".join(wrong)
    if before.subscriber == fact.subscriber and not _other_figures(before, fact):
        return None
    return (
        f"reference {fact.details['reference']!r} stands for {_what(before)}of {before.subscriber} "
        f"since {rfc3339(before.at)}; nothing was added, give this one a reference of its own"
    )


def _other_figures(before: Event, fact: Fact) -> bool:
    """Say whether *fact* tells anything else than *before* has kept of it."""
    for key, value in fact.details.items():
        if key == "size" and "size_bytes" in before.figures:
            if _amount(value) != before.figures["size_bytes"]:
                return True
        elif key in before.figures and not _same(value, before.figures[key]):
            return True
    return False


def _amount(text: str) -> int:
    try:
        return bytes_of(text)
    except ValueError:
        return seconds_of(text)  # of what counts seconds (D-1)


def _same(told: str, kept: object) -> bool:
    if told == str(kept):
        return True
    try:
        return Decimal(told) == Decimal(str(kept))  # 25 is 25.00
    except InvalidOperation:
        return False


def _what(before: Event) -> str:
    if "size_bytes" in before.figures:
        unit = Unit(str(before.figures.get("unit") or Unit.BYTES))
        return f"{amount_text(int(before.figures['size_bytes'] or 0), unit)} "
    if "amount" in before.figures:
        return f"{before.figures['amount']} "
    return ""
