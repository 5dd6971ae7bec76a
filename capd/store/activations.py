"""What field techs pressed: written down first, then taken by whoever carries it out."""

from collections.abc import Collection
from dataclasses import asdict
from datetime import datetime

import orjson
from sqlalchemy import insert, select, update

from capd.model import (
    Activation,
    ActivationState,
    ActivationStep,
    DeviceId,
    Former,
    Order,
    OrderState,
    StepState,
    SubscriberId,
    Undo,
)
from capd.store import rows
from capd.store.database import Database
from capd.store.tables import activations, applied, orders, subscribers
from capd.units import micros, moment

_BEGUN = {
    ActivationState.WAITING: ActivationState.RUNNING,
    ActivationState.UNDO_WAITING: ActivationState.UNDOING,
}
_OPEN = (*_BEGUN, *_BEGUN.values())
UNDOABLE = (ActivationState.DONE, ActivationState.FAILED)
"""What may be undone: what was refused changed nothing."""


class Activations:
    """The activations, running and ended."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def press(self, new: Activation) -> Activation:
        """Write *new* down; return the one that is under way for that radio already, if any."""
        same = (
            activations.c.subscriber == new.subscriber,
            activations.c.device == new.device,
            activations.c.state.in_(_OPEN),
        )
        async with self._database.write() as conn:
            found = (await conn.execute(select(activations).where(*same))).mappings().first()
            if found is not None:
                return _activation(found)
            await conn.execute(insert(activations).values(**_row(new)))
        return new

    async def press_undo(self, id_: str, undo: Undo) -> Activation | None:
        """Write down that an activation is to be undone, unless it is already; return it."""
        mine = (activations.c.id == id_, activations.c.state.in_(UNDOABLE))
        change = update(activations).where(*mine)
        async with self._database.write() as conn:
            await conn.execute(
                change.values(
                    state=ActivationState.UNDO_WAITING, undo=_undo_text(undo), ended_at=None
                )
            )
        return await self.get(id_)

    async def claim(self, id_: str) -> bool:
        """Begin it, or its undoing; say whether nobody else had begun."""
        begun = 0
        async with self._database.write() as conn:
            for waiting, running in _BEGUN.items():
                mine = (activations.c.id == id_, activations.c.state == waiting)
                change = update(activations).where(*mine).values(state=running)
                begun += (await conn.execute(change)).rowcount
        return begun == 1

    async def keep(self, known: Activation) -> None:
        """Write down how far it is."""
        values = {key: value for key, value in _row(known).items() if key != "id"}
        change = update(activations).where(activations.c.id == known.id).values(**values)
        async with self._database.write() as conn:
            await conn.execute(change)

    async def again(self) -> int:
        """Let those that a restart cut off be begun again: every step may be taken twice."""
        count = 0
        async with self._database.write() as conn:
            for waiting, running in _BEGUN.items():
                cut = update(activations).where(activations.c.state == running)
                count += (await conn.execute(cut.values(state=waiting))).rowcount
        return count

    async def get(self, id_: str) -> Activation | None:
        """Return one activation."""
        async with self._database.read() as conn:
            query = select(activations).where(activations.c.id == id_)
            row = (await conn.execute(query)).mappings().first()
        return None if row is None else _activation(row)

    async def doubt(self, device: DeviceId, subscriber: SubscriberId, meter: str) -> None:
        """Let what *device* gives *subscriber* be unknown: then all that is owed is pushed anew."""
        here = (applied.c.device == device, applied.c.subscriber == subscriber)
        async with self._database.write() as conn:
            doubted = await conn.execute(update(applied).where(*here).values(state="unknown"))
            if doubted.rowcount:
                return
            query = select(subscribers.c.product).where(subscribers.c.id == subscriber)
            await conn.execute(
                insert(applied).values(
                    device=device,
                    subscriber=subscriber,
                    meter=meter,
                    product=(await conn.execute(query)).scalar_one(),
                    suspended=False,
                    state="unknown",
                )
            )

    async def orders(self, device: DeviceId, subscriber: SubscriberId) -> list[Order]:
        """Return the orders to *device* for *subscriber* that are not at their end."""
        query = select(orders).where(
            orders.c.device == device,
            orders.c.subscriber == subscriber,
            orders.c.state.in_((OrderState.OPEN, OrderState.UNKNOWN, OrderState.HELD)),
        )
        async with self._database.read() as conn:
            found = (await conn.execute(query.order_by(orders.c.id))).mappings()
            return [rows.order(row) for row in found]

    async def listing(
        self,
        *,
        states: Collection[ActivationState] | None = None,
        subscriber: SubscriberId | None = None,
        before: datetime | None = None,
        limit: int = 100,
    ) -> list[Activation]:
        """Return activations, newest first; those pressed before *before*."""
        query = select(activations).order_by(activations.c.at.desc(), activations.c.id)
        if states is not None:
            query = query.where(activations.c.state.in_(list(states)))
        if subscriber is not None:
            query = query.where(activations.c.subscriber == subscriber)
        if before is not None:
            query = query.where(activations.c.at < micros(before))
        async with self._database.read() as conn:
            found = (await conn.execute(query.limit(limit))).mappings()
            return [_activation(row) for row in found]


def _row(known: Activation) -> dict[str, object]:
    steps = [
        {"name": step.name, "state": step.state, "text": step.text, "fix": step.fix}
        for step in known.steps
    ]
    return {
        "id": known.id,
        "subscriber": known.subscriber,
        "device": known.device,
        "serial": known.serial,
        "mac": known.mac,
        "author": known.author,
        "at": micros(known.at),
        "state": known.state,
        "steps": rows.json_text(steps),
        "ended_at": rows.micros_or_none(known.ended_at),
        "former": None if known.former is None else rows.json_text(asdict(known.former)),
        "undo": _undo_text(known.undo),
    }


def _undo_text(undo: Undo | None) -> str | None:
    return None if undo is None else rows.json_text({**asdict(undo), "at": micros(undo.at)})


def _former(text: str | None) -> Former | None:
    if text is None:
        return None
    told = orjson.loads(text)
    return Former(**{**told, "orders": tuple(told["orders"])})


def _undo(text: str | None) -> Undo | None:
    if text is None:
        return None
    told = orjson.loads(text)
    return Undo(**{**told, "at": moment(told["at"])})


def _activation(row: rows.Row) -> Activation:
    return Activation(
        id=row["id"],
        subscriber=SubscriberId(row["subscriber"]),
        device=DeviceId(row["device"]),
        serial=row["serial"],
        mac=row["mac"],
        author=row["author"],
        at=moment(row["at"]),
        state=ActivationState(row["state"]),
        steps=tuple(
            ActivationStep(
                name=each["name"],
                state=StepState(each["state"]),
                text=each["text"],
                fix=each["fix"],
            )
            for each in orjson.loads(row["steps"])
        ),
        ended_at=rows.moment_or_none(row["ended_at"]),
        former=_former(row["former"]),
        undo=_undo(row["undo"]),
    )
