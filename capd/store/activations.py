"""What field techs pressed: written down first, then taken by whoever carries it out."""

from collections.abc import Collection
from datetime import datetime

import orjson
from sqlalchemy import insert, select, update

from capd.model import (
    Activation,
    ActivationState,
    ActivationStep,
    DeviceId,
    Order,
    OrderState,
    StepState,
    SubscriberId,
)
from capd.store import rows
from capd.store.database import Database
from capd.store.tables import activations, applied, orders, subscribers
from capd.units import micros, moment

_OPEN = (ActivationState.WAITING, ActivationState.RUNNING)


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

    async def claim(self, id_: str) -> bool:
        """Begin it; say whether nobody else had begun."""
        mine = (activations.c.id == id_, activations.c.state == ActivationState.WAITING)
        change = update(activations).where(*mine).values(state=ActivationState.RUNNING)
        async with self._database.write() as conn:
            return (await conn.execute(change)).rowcount == 1

    async def keep(self, known: Activation) -> None:
        """Write down how far it is."""
        values = {key: value for key, value in _row(known).items() if key != "id"}
        change = update(activations).where(activations.c.id == known.id).values(**values)
        async with self._database.write() as conn:
            await conn.execute(change)

    async def again(self) -> int:
        """Let those that a restart cut off be begun again: every step may be taken twice."""
        cut = update(activations).where(activations.c.state == ActivationState.RUNNING)
        async with self._database.write() as conn:
            found = await conn.execute(cut.values(state=ActivationState.WAITING))
            return found.rowcount

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
    }


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
    )
