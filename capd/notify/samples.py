"""Pure: an event of every kind, to try templates on; and every mistake in a folder of them."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from capd.account.periods import period_of
from capd.errors import ConfigError
from capd.model import Cycle, Event, Reason, SubscriberId
from capd.notify.files import BadLetter, named, read
from capd.notify.messages import Letters
from capd.notify.values import Addressee
from capd.told import TOLD

Figures = Mapping[str, str | int | bool | None]

_AT = datetime(2026, 3, 20, 12, tzinfo=UTC)
_USAGE: Figures = {
    "period": "2026-03", "counted_bytes": 101_200_000_000, "allowance_bytes": 100_000_000_000,
}  # fmt: skip
_LEFT: Figures = {**_USAGE, "counted_bytes": 80_000_000_000, "remaining_bytes": 20_000_000_000}
_MOVE: Figures = {
    "from": "home-100", "to": "home-300", "price": "35.00", "currency": "GBP",
    "new_allowance_bytes": 300_000_000_000,
}  # fmt: skip
_CHARGE: Figures = {
    "charge": "overage", "amount": "6.00", "currency": "GBP",
}  # fmt: skip


def addressee(operator: str = "Example Wireless", support: str | None = None) -> Addressee:
    """Return somebody to write to, who does not exist."""
    zone = ZoneInfo("Europe/London")
    return Addressee(
        name="A. Customer",
        operator=operator,
        support=support,
        zone=zone,
        period=period_of(_AT, Cycle(1), zone),
        products={"home-100": "Home 100", "home-300": "Home 300"},
    )


def samples(kind: str) -> Iterator[Event]:
    """Yield events of *kind* as they come: the usual one first, then the variants of it."""
    if kind == "notice":
        text = "80 % of the allowance is used: 80 of 100 GB."
        yield _event(kind, text, "UC-11", _LEFT, notice="usage_80")
    elif kind == "hold_opened":
        for reason in Reason:
            yield _event(kind, "Service is suspended.", "UC-2", _USAGE, reason=reason.value)
        yield _event(
            kind, "Service is limited to 2 Mbps.", "NM-4", {}, reason="restricted",
            down_bps=2_000_000, up_bps=1_000_000, until="2026-03-22T08:00:00Z",
        )  # fmt: skip
    elif kind == "hold_closed":
        for reason in Reason:
            yield _event(kind, "Back in service.", "UC-3", _USAGE, reason=reason.value)
    elif kind in {"plan_changed", "charge"}:
        figures = _MOVE if kind == "plan_changed" else _CHARGE
        again = {**_USAGE, **figures, "breach": "2026-03"}
        yield _event(kind, "Over the cap twice in 6 months.", "UC-4", again)
        yield _event(kind, "As you asked.", None, figures)
    else:
        every = {**_USAGE, **_MOVE, "size_bytes": 10_000_000_000, "reference": "inv-9"}
        yield _event(kind, "A sentence about what happened.", "UC-6", every, amount="6.00")
    yield _event(kind, 'Nothing else is "known" & <told>.', None, {})


def _event(
    kind: str, text: str, clause: str | None, figures: Figures, **more: str | int | None
) -> Event:
    return Event(
        at=_AT, kind=kind, text=text, clause=clause, subscriber=SubscriberId("S-1"),
        figures={**figures, **more},
    )  # fmt: skip


def checked(folder: str | None) -> Letters:
    """Return capd's templates with those of *folder* in front.

    Raises ConfigError with every mistake in them: each is tried on events of every kind.
    """
    letters = Letters({} if folder is None else read(Path(folder)))
    mistakes = list(dict.fromkeys(_mistakes(letters)))
    if mistakes:
        raise ConfigError(*mistakes)
    return letters


def _mistakes(letters: Letters) -> Iterator[str]:
    broken = list(_unreadable(letters))
    yield from broken
    if broken or not letters.own:
        return
    for kind in TOLD:
        for event in samples(kind):
            for support in (None, "help@example.net"):
                yield from letters.mistakes(event, addressee(support=support))


def _unreadable(letters: Letters) -> Iterator[str]:
    for name, source in letters.own.items():
        try:
            with named(source.path):
                letters.environment.get_template(name)
        except BadLetter as exc:
            yield str(exc)
