"""Matters: how rules open, change and read them. An event says all that is known of its matter."""

from datetime import datetime
from decimal import Decimal

from capd.decide.case import Figures
from capd.decide.wording import money_text
from capd.model import Matter, Standing
from capd.units import moment_of, rfc3339

_RESERVED = frozenset({"at", "kind", "text", "clause", "subscriber", "device", "author", "id"})

Value = str | int | bool | Decimal | datetime | None


def change(
    kind: str, key: str, *, is_open: bool = True, due_at: datetime | None = None, **data: Value
) -> Figures:
    """Return the figures of an event that opens or changes the matter, or closes it.

    *data* is all that is to be known of the matter from now on, not only what changes; *due_at* is
    when it must be judged again though nobody tells anything. Moments and money become text.
    """
    taken = _RESERVED & data.keys()
    if taken:
        raise ValueError(f"an event has its own {', '.join(sorted(taken))}")
    told = {name: _flat(value) for name, value in data.items() if value is not None}
    due = {} if due_at is None else {"due_at": rfc3339(due_at)}
    return {"matter": kind, "key": key, "open": is_open, **due, **told}


def _flat(value: Value) -> str | int | bool | None:
    if isinstance(value, datetime):
        return rfc3339(value)
    return money_text(value) if isinstance(value, Decimal) else value


def of_kind(standing: Standing, kind: str) -> tuple[Matter, ...]:
    """Return the open matters of *kind*, oldest first."""
    if not standing.matters:
        return ()
    return tuple(matter for matter in standing.matters if matter.kind == kind)


def find(standing: Standing, kind: str, key: str) -> Matter | None:
    """Return the open matter of *kind* with *key*."""
    for matter in standing.matters:  # asked of everyone by many rules, and mostly there is none
        if matter.kind == kind and matter.key == key:
            return matter
    return None


def text(matter: Matter, name: str) -> str | None:
    """Return what *matter* says of *name*, as text."""
    value = matter.data.get(name)
    return None if value is None else str(value)


def number(matter: Matter, name: str) -> int | None:
    """Return what *matter* says of *name*, as a whole number."""
    value = matter.data.get(name)
    return None if value is None else int(value)


def money(matter: Matter, name: str) -> Decimal:
    """Return the amount that *matter* says of *name*; nothing said is 0."""
    value = matter.data.get(name)
    return Decimal(0) if value is None else Decimal(str(value))


def moment(matter: Matter, name: str) -> datetime | None:
    """Return the moment that *matter* says of *name*."""
    value = matter.data.get(name)
    return None if value is None else moment_of(str(value))


def flag(matter: Matter, name: str) -> bool:
    """Say whether *matter* says yes to *name*; nothing said is no."""
    return bool(matter.data.get(name))
