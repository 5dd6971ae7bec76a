"""Details of a fact are text: what each must look like, said in words."""

from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches

from capd.model import Reason
from capd.units import bps_of, bytes_of, moment_of


def guess(word: str, known: Iterable[str]) -> str:
    """Return " Did you mean 'x'?" where one of *known* is near to *word*, else nothing."""
    near = get_close_matches(word, list(known), n=1)
    return f" Did you mean {near[0]!r}?" if near else ""


def _size_shape(key: str, value: str) -> list[str]:
    wrong = _said(bytes_of, key, value)
    return wrong or ([] if bytes_of(value) > 0 else [f"{key}: wants more than nothing"])


def _rate_shape(key: str, value: str) -> list[str]:
    wrong = _said(bps_of, key, value)
    return wrong or ([] if bps_of(value) > 0 else [f"{key}: wants more than nothing"])


def _moment_shape(key: str, value: str) -> list[str]:
    return _said(moment_of, key, value)


def _reason_shape(key: str, value: str) -> list[str]:
    known = [reason.value for reason in Reason]
    if value in known:
        return []
    return [f"{key}: unknown {value!r}, wants one of {', '.join(known)}.{guess(value, known)}"]


SHAPES: Mapping[str, Callable[[str, str], list[str]]] = {
    "size": _size_shape,
    "down": _rate_shape,
    "up": _rate_shape,
    "until": _moment_shape,
    "reason": _reason_shape,
}


def _said(read: Callable[[str], object], key: str, value: str) -> list[str]:
    try:
        read(value)
    except ValueError as exc:
        return [f"{key}: {exc}"]
    return []
