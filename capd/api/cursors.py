"""Cursors: where a page ended, so that the next goes on there whatever was added meanwhile."""

import base64
import binascii
import json
from collections.abc import Sequence

from capd.errors import ConfigError

_MARK = "1:"  # a version, so that its content may change


def cursor_of(last: str | int) -> str:
    """Return the cursor of a page that ended with *last*."""
    return base64.urlsafe_b64encode(f"{_MARK}{last}".encode()).decode().rstrip("=")


def after(cursor: str | None) -> str:
    """Return what the page before ended with, "" for the first page; ConfigError for nonsense."""
    if cursor is None:
        return ""
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        text = base64.b64decode(padded, altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError):
        text = ""
    if not text.startswith(_MARK) or not text.isprintable():
        raise ConfigError("cursor: wants the `next` of the page before")
    return text.removeprefix(_MARK)


def number_after(cursor: str | None) -> int | None:
    """Return the number that the page before ended with; ConfigError for nonsense."""
    text = after(cursor)
    if not text:
        return None
    if not (text.isascii() and text.isdigit()) or int(text) >= 1 << 63:
        raise ConfigError("cursor: wants the `next` of the page before")
    return int(text)


def key_after(cursor: str | None, parts: int) -> tuple[str, ...]:
    """Return the key of several *parts* that the page before ended with; ConfigError."""
    text = after(cursor)
    if not text:
        return ("",) * parts
    try:
        key = json.loads(text)
    except ValueError:
        key = None
    if not isinstance(key, list) or len(key) != parts or not all(isinstance(k, str) for k in key):
        raise ConfigError("cursor: wants the `next` of the page before")
    return tuple(key)


def page(
    records: Sequence[dict[str, object]], limit: int, key: Sequence[str] = ("id",)
) -> dict[str, object]:
    """Return the first *limit* of *records* as a page; one more than that shows there is a next."""
    items = list(records[:limit])
    more = len(records) > limit
    last = [str(items[-1][name]) for name in key] if more else []
    return {"items": items, "next": _next(last) if more else None}


def _next(last: list[str]) -> str:
    return cursor_of(last[0] if len(last) == 1 else json.dumps(last, ensure_ascii=False))
