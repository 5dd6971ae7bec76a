"""Pure: what a device gave before, read out of its own words of then."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from capd.enforce.render import script
from capd.errors import CannotBeDone
from capd.model import Device, Order, Service
from capd.profiles import Profile

_AMONG = (1, 1_000_000)  # the words of one order, or of one of many in a session


def former(
    words: str, order: Order, device: Device, profile: Profile, guesses: Sequence[Service]
) -> Service | None:
    """Return the service that *device* gave when it said *words* in answer to *order*'s read-back.

    Tried are the rates that the words show where the profile knows how to read them, then
    *guesses*, in service and suspended. None: nothing that an order could bring about again.
    Raises CannotBeDone where nothing can be typed into *device* any more.
    """
    for among in _AMONG:
        shows = script(order, device, profile, among=among).shows
        for guess in _several(words, shows, order.after, guesses):
            try:
                made = script(_towards(order, guess), device, profile, among=among)
            except CannotBeDone:
                continue
            if not made.missing(words):
                return guess
    return None


def _several(
    words: str, shows: str | None, after: Service, guesses: Iterable[Service]
) -> Iterator[Service]:
    """Yield what may have been, the likeliest first, in service and suspended."""
    shown = None if shows is None else re.search(shows, words, re.MULTILINE)
    if shown is not None:
        down, up = (int(shown[way]) or None for way in ("down", "up"))
        guesses = (replace(after, down_bps=down, up_bps=up), *guesses)
    for guess in guesses:
        for suspended in (False, True):
            yield replace(guess, suspended=suspended)


def _towards(order: Order, service: Service) -> Order:
    """Return an order for which everything of *service* is read back."""
    other = replace(
        service,
        suspended=not service.suspended,
        down_bps=(service.down_bps or 0) + 1,
        up_bps=(service.up_bps or 0) + 1,
    )
    return replace(order, before=other, after=service)
