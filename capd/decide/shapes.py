"""Details of a fact are text: what each must look like, said in words."""

from collections.abc import Callable, Iterable, Mapping
from datetime import date
from decimal import Decimal, InvalidOperation
from difflib import get_close_matches

from capd.model import Reason
from capd.units import bps_of, bytes_of, moment_of, seconds_of

Shape = Callable[[str, str], list[str]]
"""What is wrong with the value of a key, a line each."""

_DEAREST = Decimal(10) ** 12
_OF_SEVERAL_LINES = frozenset({"address", "note"})
_LONGEST, _LONGEST_OF_SEVERAL = 500, 10_000  # characters


def guess(word: str, known: Iterable[str]) -> str:
    """Return " Did you mean 'x'?" where one of *known* is near to *word*, else nothing."""
    near = get_close_matches(word, list(known), n=1)
    return f" Did you mean {near[0]!r}?" if near else ""


def any_text(key: str, value: str) -> list[str]:
    """Return what is wrong with a text as such, before anybody asks what it means.

    A reference is in an index, in which longer ones than these find no room.
    """
    several = key in _OF_SEVERAL_LINES
    if not (value.replace("\n", "") if several else value).isprintable():
        lines = "lines" if several else "one line"
        return [f"{key}: wants {lines} of text, without control characters"]
    most = _LONGEST_OF_SEVERAL if several else _LONGEST
    return (
        [f"{key}: wants at most {most} characters, not {len(value)}"] if len(value) > most else []
    )


def _size_shape(key: str, value: str) -> list[str]:
    wrong = _said(bytes_of, key, value)
    if not wrong:
        return [] if bytes_of(value) > 0 else [f"{key}: wants more than nothing"]
    return wrong if _said(seconds_of, key, value) else []  # "10min", of what counts seconds


def rate(key: str, value: str) -> list[str]:
    """Return what is wrong with a rate, such as 30Mbps."""
    wrong = _said(bps_of, key, value)
    return wrong or ([] if bps_of(value) > 0 else [f"{key}: wants more than nothing"])


def _moment_shape(key: str, value: str) -> list[str]:
    return _said(moment_of, key, value)


def money(key: str, value: str) -> list[str]:
    """Return what is wrong with an amount: "25" or "25.00", at least 0."""
    try:
        amount = Decimal(value)
    except InvalidOperation:
        return [f"{key}: wants an amount such as 25.00, not {value!r}"]
    if not amount.is_finite() or amount < 0 or amount >= _DEAREST:
        return [f"{key}: wants an amount of 0 or more, not {value!r}"]
    if amount != amount.quantize(Decimal("0.01")):
        return [f"{key}: {value!r} has more than two places"]
    return []


def day(key: str, value: str) -> list[str]:
    """Return what is wrong with a day, such as 2026-03-01."""
    try:
        date.fromisoformat(value)
    except ValueError:
        return [f"{key}: wants a day such as 2026-03-01, not {value!r}"]
    return []


def count(key: str, value: str) -> list[str]:
    """Return what is wrong with a whole number of 0 or more."""
    right = value.isascii() and value.isdigit()
    return [] if right else [f"{key}: wants a whole number of 0 or more, not {value!r}"]


def words(_key: str, _value: str) -> list[str]:
    """Return nothing: any words are right."""
    return []


def yes_or_no(key: str, value: str) -> list[str]:
    """Return what is wrong with a yes or no."""
    return [] if value in ("yes", "no") else [f'{key}: wants "yes" or "no", not {value!r}']


def one_of(*known: str) -> Shape:
    """Return the shape of a word that is one of *known*."""

    def shape(key: str, value: str) -> list[str]:
        if value in known:
            return []
        return [f"{key}: unknown {value!r}, wants one of {', '.join(known)}.{guess(value, known)}"]

    return shape


SHAPES: Mapping[str, Shape] = {
    "size": _size_shape,
    "down": rate,
    "up": rate,
    "until": _moment_shape,
    "reason": one_of(*(reason.value for reason in Reason)),
}


def _said(read: Callable[[str], object], key: str, value: str) -> list[str]:
    try:
        read(value)
    except ValueError as exc:
        return [f"{key}: {exc}"]
    return []
