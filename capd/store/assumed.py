"""What devices are taken to give, as long as nobody has pushed or read it."""

from collections.abc import Collection, Iterator
from dataclasses import replace

from sqlalchemy import delete, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from capd.model import Applied, DeviceId, Inventory, Product, Role, Service, SubscriberId
from capd.store import inventory_rows, rows
from capd.store.tables import applied


async def assume(conn: AsyncConnection, enforcing: Collection[DeviceId]) -> None:
    """Make the service book's rows fit the meters: who hangs on which device by what meter.

    A new row assumes that the device gives what the product says. Where a meter went from one
    subscriber to another, what the device has went with it: a suspended port is still suspended.
    """
    inventory = await inventory_rows.load(conn)
    catalogue = {product.id: product for product in inventory.products}
    sold = {one.id: catalogue[one.product] for one in inventory.subscribers}
    wanted = dict(_homes(inventory))
    known = {
        (row["device"], row["subscriber"]): rows.applied(row)
        for row in (await conn.execute(select(applied))).mappings()
    }
    gone = [row for home, row in known.items() if home not in wanted]
    left = {(row.device, row.meter): row for row in gone}
    new = [
        _first(home, meter, sold[home[1]], left.get((home[0], meter)))
        for home, meter in wanted.items()
        if home not in known and (home[0] in enforcing or (home[0], meter) in left)
    ]
    for chunk in rows.chunks([(row.device, row.subscriber) for row in gone]):
        await conn.execute(
            delete(applied).where(tuple_(applied.c.device, applied.c.subscriber).in_(chunk))
        )
    renamed = [
        replace(row, meter=wanted[home])
        for home, row in known.items()
        if home in wanted and row.meter != wanted[home]
    ]
    await inventory_rows.write(
        conn,
        applied,
        [rows.applied_row(row) for row in new],
        [rows.applied_row(r) for r in renamed],
    )


def _homes(inventory: Inventory) -> Iterator[tuple[tuple[DeviceId, SubscriberId], str]]:
    """Yield each device and subscriber on it with the meter whose settings render its orders."""
    for device in inventory.devices:
        # the last one yielded stays: backup meters first, the first main one at the end
        for role in (Role.BACKUP, Role.MAIN):
            for meter in reversed(device.meters):
                if meter.role is role:
                    yield (device.id, meter.subscriber), meter.id


def _first(
    home: tuple[DeviceId, SubscriberId], meter: str, product: Product, left: Applied | None
) -> Applied:
    service = Service(product=product.id, down_bps=product.down_bps, up_bps=product.up_bps)
    state, at, order = "assumed", None, None
    if left is not None and (left.state != "assumed" or left.service.suspended):
        service, state, at, order = left.service, left.state, left.at, left.order
    device, subscriber = home
    return Applied(
        device=device,
        subscriber=subscriber,
        meter=meter,
        service=service,
        state=state,
        at=at,
        order=order,
    )
