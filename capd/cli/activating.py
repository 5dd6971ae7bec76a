"""`capd activate`, `capd signal`: what a field tech does, on the roof and after it."""

import asyncio
import time
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from capd import config as configuration
from capd.activate.run import Push
from capd.activate.run import activate as carry_out
from capd.activate.signal import Measured, signals
from capd.activate.undo import take_back
from capd.answers.field import activation_record
from capd.cli.books import author, wait
from capd.cli.options import ConfigFile, Json, Subscriber
from capd.cli.output import as_json, line, problem
from capd.clock import utc_now
from capd.errors import CannotBeDone
from capd.metrics import Metrics
from capd.model import (
    Activation,
    ActivationState,
    ActivationStep,
    DeviceId,
    Order,
    StepState,
    SubscriberId,
    Undo,
)
from capd.parts import Parts
from capd.rounds import Enforcement

_SIGNS = {
    StepState.DONE: "ok",
    StepState.NOTED: "--",
    StepState.REFUSED: "NO",
    StepState.FAILED: "!!",
}
_STRONG, _WEAK = -50.0, -90.0  # dBm, the ends of the bar
_BAR = 30


def activate(
    subscriber: Subscriber,
    *,
    device: Annotated[
        str | None, typer.Option("--device", metavar="ID", help="Of the inventory.")
    ] = None,
    serial: Annotated[
        str | None, typer.Option("--serial", metavar="S", help="As read off it.")
    ] = None,
    mac: Annotated[str | None, typer.Option("--mac", metavar="M", help="As read off it.")] = None,
    undo: Annotated[
        bool, typer.Option("--undo", help="Take the subscriber's last activation back.")
    ] = False,
    note: Annotated[str, typer.Option("--note", help="With --undo: why.")] = "",
    by_hand: Annotated[
        bool, typer.Option("--by-hand", help="With --undo: the device was put back by hand.")
    ] = False,
    json: Json = False,
    config: ConfigFile = None,
) -> None:
    """Check a radio, push its configuration, verify, and start the term; twice is once.

    With --undo, what the last one did is taken back: the device is put back as it was and read
    back, its meter and what it counted are taken off, and the term that began with it never began.
    """
    if undo:
        said = Undo(author=author(), at=utc_now(), note=note, by_hand=by_hand)
        ended = wait(_undo(subscriber, device, said, config))
        _show(ended, json=json, well=ActivationState.UNDONE, else_="it stands")
        return
    if device is None:
        raise typer.BadParameter("--device: which radio?")
    press = Activation(
        id=uuid.uuid4().hex,
        subscriber=SubscriberId(subscriber),
        device=DeviceId(device),
        serial=serial,
        mac=mac,
        author=author(),
        at=utc_now(),
    )
    ended = wait(_activate(press, config))
    _show(ended, json=json, well=ActivationState.DONE, else_="nothing began")


def _show(ended: Activation, *, json: bool, well: ActivationState, else_: str) -> None:
    if json:
        as_json(activation_record(ended))
    else:
        for step in ended.steps:
            _say(step)
    if ended.state is not well:
        raise CannotBeDone(f"{ended.subscriber} on {ended.device}: {ended.state}, {else_}")


async def _undo(who: str, device: str | None, undo: Undo, path: Path | None) -> Activation:
    settings = configuration.load(path)
    parts = await Parts.open(settings, utc_now, Metrics(clock=utc_now))
    try:
        book = parts.house.store.activations
        known = await _last(parts, who, device)
        pressed = await book.press_undo(known.id, undo) or known
        if pressed.state is ActivationState.UNDONE:
            return pressed
        if pressed.state not in (ActivationState.UNDO_WAITING, ActivationState.UNDOING):
            raise CannotBeDone(f"{who} on {known.device}: {known.state}: there is nothing to undo")
        if not await book.claim(known.id):
            return await _until_ended(parts, known.id)
        return await take_back(parts.field(_pushing(parts)), pressed)
    finally:
        await parts.close()


async def _last(parts: Parts, who: str, device: str | None) -> Activation:
    """Return the newest activation of *who*, refused ones left out: they changed nothing."""
    every = await parts.house.store.activations.listing(subscriber=SubscriberId(who))
    mine = [one for one in every if device in (None, one.device)]
    found = [one for one in mine if one.state is not ActivationState.REFUSED]
    if not found:
        raise CannotBeDone(f"no activation of {who} is known, or none changed anything")
    return found[0]


def _pushing(parts: Parts) -> Push:
    enforcement = Enforcement(parts.house, parts.pusher, parts.breaker, utc_now, parts.devices)

    async def push(orders: Sequence[Order]) -> None:
        await enforcement.push(orders)

    return push


async def _activate(press: Activation, path: Path | None) -> Activation:
    settings = configuration.load(path)
    parts = await Parts.open(settings, utc_now, Metrics(clock=utc_now))
    try:
        book = parts.house.store.activations
        written = await book.press(press)
        if written.id != press.id or not await book.claim(press.id):
            return await _until_ended(parts, written.id)
        return await carry_out(parts.field(_pushing(parts)), press)
    finally:
        await parts.close()


async def _until_ended(parts: Parts, id_: str) -> Activation:
    """Wait for the one that somebody pressed before, here or through the API."""
    while True:
        known = await parts.house.store.activations.get(id_)
        if known is None or known.ended_at is not None:
            break
        await asyncio.sleep(0.2)
    if known is None:
        raise CannotBeDone("the activation is gone from the books")
    return known


def _say(step: ActivationStep) -> None:
    line(f"{_SIGNS[step.state]}  {step.name:<11} {step.text}")
    if step.fix:
        line(f"    {'':<11} -> {step.fix}")


def signal(
    device: Annotated[str, typer.Argument(metavar="DEVICE", help="A device's id.")],
    *,
    seconds: Annotated[
        float | None,
        typer.Option(
            "--seconds", metavar="S", min=1, help="Else until Ctrl-C.", show_default=False
        ),
    ] = None,
    json: Json = False,
    config: ConfigFile = None,
) -> None:
    """Read the signal of a radio every second, while somebody turns it."""
    wait(_signal(device, seconds, config, json=json))


async def _signal(name: str, seconds: float | None, path: Path | None, *, json: bool) -> None:
    settings = configuration.load(path)
    parts = await Parts.open(settings, utc_now, Metrics(clock=utc_now))
    try:
        device = parts.devices().get(DeviceId(name))
        if device is None:
            raise CannotBeDone(f"there is no device {name!r}")
        until = None if seconds is None else time.monotonic() + seconds
        async for measured in signals(parts.field(_nothing), device):
            if json:
                as_json(measured.record(), at_once=True)
            else:
                _draw(measured)
            if until is not None and time.monotonic() >= until:
                return
    finally:
        await parts.close()


async def _nothing(_: Sequence[Order]) -> None:
    """Push nothing: a signal is only read."""


def _draw(measured: Measured) -> None:
    if measured.problem is not None:
        problem(measured.problem)
        return
    for whose, figures in measured.figures.items():
        dbm = figures.get("signal_dbm")
        if not isinstance(dbm, int | float):
            continue
        share = min(1.0, max(0.0, (dbm - _WEAK) / (_STRONG - _WEAK)))
        bar = "#" * round(share * _BAR)
        rest = "  ".join(f"{key} {value}" for key, value in figures.items() if key != "signal_dbm")
        line(f"{dbm:>7.1f} dBm [{bar:<{_BAR}}] {whose} {rest}".rstrip())
