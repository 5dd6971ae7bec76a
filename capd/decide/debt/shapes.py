"""What details of facts on money must look like."""

from decimal import Decimal

from capd.decide.shapes import money


def some_money(key: str, value: str) -> list[str]:
    """Return what is wrong with an amount of more than nothing."""
    wrong = money(key, value)
    return wrong or ([] if Decimal(value) > 0 else [f"{key}: wants more than nothing"])


def any_text(_key: str, _value: str) -> list[str]:
    """Return nothing: words are words."""
    return []
