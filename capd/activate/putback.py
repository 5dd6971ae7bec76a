"""The device of an activation, put back as it was: pushed as an order, proven by its own words."""

from dataclasses import dataclass, replace

from capd.activate.run import Field
from capd.activate.steps import done, failed, noted, refused
from capd.enforce.former import former
from capd.gate import let_go
from capd.model import Activation, ActivationStep, Device, Order, OrderState, Service, Undo
from capd.network import enforces

_WORST = 300  # characters of what a device said, told to a person


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What is taken back: an activation, and those before it that were the same radio's."""

    field: Field
    press: Activation
    undo: Undo
    first: Activation  # what it found is what goes back
    chain: tuple[str, ...]
    later: tuple[Activation, ...]  # of the same subscriber


async def put_back(case: Case, device: Device) -> tuple[ActivationStep, ...]:
    """Bring the device to what it had, and compare its words with those of then."""
    field = case.field
    if not enforces(device, field.profiles):
        return (noted("put back", f"{device.id} cannot be configured any more"),)
    if all(meter.subscriber != case.press.subscriber for meter in device.meters):
        text = f"{device.id} serves somebody else by now: it is left as it is"
        return (noted("put back", text),)
    found = await _then(case)
    if found is None:
        return (noted("put back", f"{device.id} was never configured by it"),)
    order, words = found
    service = await _service(case, device, order, words)
    if service is None and not case.undo.by_hand:
        said = " / ".join(words.split("\n"))[:_WORST]
        text = f"what {device.id} had is nothing that capd can set again: {said}"
        return (refused("put back", text, "set it by hand, then undo it as put back by hand"),)
    if not case.undo.by_hand and service is not None:
        problem = await _pushed(case, replace(order, after=service))
        if problem is not None:
            return (problem,)
    return (await _read_back(case, device, replace(order, after=service or order.before), words),)


async def _then(case: Case) -> tuple[Order, str] | None:
    """Return the order that configured the device first, and what it said before."""
    orders = case.field.house.store.orders
    for number in case.first.former.orders if case.first.former is not None else ():
        order, words = await orders.get(number), await orders.device_before(number)
        if order is not None and words:
            return order, words
    return None


async def _service(case: Case, device: Device, order: Order, words: str) -> Service | None:
    async with case.field.house.store.judging() as desk:
        sold = await desk.products()
    guesses = [
        replace(order.after, down_bps=None, up_bps=None),
        *(replace(order.after, down_bps=one.down_bps, up_bps=one.up_bps) for one in sold.values()),
    ]
    return former(words, order, device, case.field.profiles[device.profile], guesses)


async def _pushed(case: Case, order: Order) -> ActivationStep | None:
    """Push what puts the device back; return what went wrong."""
    field, device, who = case.field, order.device, order.subscriber
    store, now = field.house.store, field.clock()
    async with store.judging() as desk:
        waiting = [one for one in await desk.open_orders([who]) if one.device == device]
        has = [row for row in await desk.applied([who]) if row.device == device]
        await desk.supersede(waiting, now)
        back = replace(
            order,
            id=0,
            before=replace(has[0].service if has else order.after, product=order.after.product),
            reason=f"The activation is taken back: {case.undo.note or 'the wrong subscriber'}.",
            clause="CT-1",
            created_at=now,
            state=OrderState.OPEN,
            attempts=0,
            next_at=None,
            detail="",
        )
        await let_go(field.house, desk, [back], now)
    mine = await store.activations.orders(device, who)
    if any(one.state is OrderState.HELD for one in mine):
        return failed("put back", mine[-1].detail, "capd orders approve, then undo again")
    await field.push(mine)
    for one in mine:
        ended = await store.orders.get(one.id)
        if ended is None or ended.state is not OrderState.APPLIED:
            said = (ended.detail if ended is not None else "") or "it is still tried"
            return failed("put back", said, "see capd orders, then undo again")
    return None


async def _read_back(case: Case, device: Device, order: Order, words: str) -> ActivationStep:
    looks = await case.field.look(device, [order])
    if looks and looks[0].words == words:
        return done("put back", f"{device.id} is as it was before, word for word")
    if looks and looks[0].as_owed and not case.undo.by_hand:
        return done("put back", f"{device.id} does as before; it words it differently")
    said = looks[0].words if looks else "it could not be read"
    text = f"{device.id} is not as it was before: {said[:_WORST]}"
    return failed("put back", text, "see to the device, then undo again")
