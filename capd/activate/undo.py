"""An activation taken back: the device as it was, the meter off it, the bytes and the term away.

    allowed ─▶ put back ─ read back ─▶ untied, uncounted, the term over: in one transaction

What an activation did is not edited: what takes it back is recorded beside it. A press that was
repeated for the same radio is one with the first. Safe to do twice, and to begin again.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from capd.account.adjusting import corrected
from capd.activate import checks
from capd.activate.putback import Case, put_back
from capd.activate.run import Field
from capd.activate.steps import done, failed, refused
from capd.decide import facts
from capd.errors import CapdError
from capd.judgement import look_after
from capd.model import (
    Activation,
    ActivationState,
    ActivationStep,
    Adjustment,
    Fact,
    MeterKey,
    Part,
    StepState,
    Usage,
)
from capd.pipeline import accept_turn
from capd.store import Desk
from capd.store.activations import UNDOABLE
from capd.units import size_text

_WORST = 300  # characters of what a device said, told to a person


async def take_back(field: Field, press: Activation) -> Activation:
    """Take *press* back, whose undoing this caller has claimed; return it as it ended.

    One that cannot be taken back stays what it was, with the reason among its steps.
    """
    book = field.house.store.activations
    case = await _case(field, press)
    try:
        steps = await _steps(case)
    except CapdError as exc:
        steps = (failed("undo", str(exc), "press again"),)
    now = await book.get(press.id) or press
    if now.state is not ActivationState.UNDONE:
        now = replace(now, state=_before(press), ended_at=field.clock())
    ended = replace(now, steps=(*now.steps, *steps))
    await book.keep(ended)
    await field.house.look_round()
    return ended


def _before(press: Activation) -> ActivationState:
    """Return what *press* was before somebody wanted it undone."""
    failed_ones = [step for step in press.steps if step.name not in _OWN]
    well = all(step.state is not StepState.FAILED for step in failed_ones)
    return ActivationState.DONE if well else ActivationState.FAILED


_OWN = frozenset({"undo", "put back", "read back", "untied"})
"""The steps that are this page's."""


async def _case(field: Field, press: Activation) -> Case:
    others = await field.house.store.activations.listing(subscriber=press.subscriber)
    newer = tuple(o for o in others if o.at > press.at and o.state in UNDOABLE and o.former)
    chain = [press]
    for other in others:  # the newest first
        if other.at >= press.at or other.state not in UNDOABLE or other.former is None:
            continue
        if other.device != press.device:
            break
        chain.append(other)
    assert press.undo is not None  # noqa: S101 - it was claimed
    return Case(
        field=field,
        press=press,
        undo=replace(press.undo, note=" ".join(press.undo.note.split())),
        first=chain[-1],
        chain=tuple(one.id for one in chain),
        later=newer,
    )


async def _steps(case: Case) -> tuple[ActivationStep, ...]:
    against = await _against(case)
    if against is not None:
        return (against,)
    device = case.field.devices().get(case.press.device)
    steps: tuple[ActivationStep, ...] = ()
    if device is not None and case.first.former is not None and case.first.former.orders:
        steps = await put_back(case, device)
    if checks.stops(steps):
        return steps
    return (*steps, await _untied(case))


async def _against(case: Case) -> ActivationStep | None:
    """Say what stands against it, and what to do about that."""
    if wrong := facts.check(_fact(case)):
        return refused("undo", "; ".join(wrong), "undo it with another note")
    field, since = case.field, case.first.at
    store = field.house.store
    if case.later:
        other = case.later[0]
        text = f"{other.device} was activated for {other.subscriber} after it"
        return refused("undo", text, "undo that one first")
    async with store.judging() as desk:
        charged = await desk.bindings.charged(case.press.subscriber, since)
    if charged:
        text = f"charges were made since: {', '.join(charged)}"
        return refused("undo", text, "tell charge_reversed of each first, then undo")
    hours = field.settings.undo_hours
    if not case.undo.note.strip() and field.clock() - since > timedelta(hours=hours):
        text = f"it is more than {hours:g} hours old, and nobody said why it is taken back"
        return refused("undo", text, "undo it with a note")
    if await store.people.paused():
        return refused("undo", "enforcement is paused: nothing is pushed", "capd resume first")
    return None


async def _untied(case: Case) -> ActivationStep:
    """Take away, in one transaction, meter, bytes and term."""
    field, press, now = case.field, case.press, case.field.clock()
    told: list[str] = []

    async def witness(desk: Desk) -> None:
        counted = await desk.bindings.counted(press.device, press.subscriber, case.first.at)
        names = await desk.bindings.untie(press.device, press.subscriber)
        parts = await _uncounted(desk, case, counted)
        await desk.bindings.end(case.chain, now)
        await look_after(field.house, desk, parts, now)
        taken = -sum(part.down_bytes + part.up_bytes for part in parts)
        told.extend((", ".join(names) or "no meter", size_text(taken)))

    why = await accept_turn(field.house, _fact(case), now=now, witness=witness)
    if why is not None:
        return refused("untied", why, "undo what came after it first")
    meters, size = told
    text = (
        f"{press.device} meters nothing of {press.subscriber} any more ({meters}), {size} counted "
        "since are taken off, and the term is what it was (CT-1)"
    )
    return done("untied", text)


def _fact(case: Case) -> Fact:
    known = case.first.former
    details = {"device": case.press.device, "note": case.undo.note}
    if known is not None and known.has_contract:
        details |= {
            "keeps_term": "yes",
            **{
                f"former_{name}": value
                for name in ("device", "serial", "mac", "signal")
                if (value := getattr(known, name)) is not None
            },
        }
    return Fact(
        at=case.field.clock(),
        fact="activation_undone",
        subscriber=case.press.subscriber,
        details={name: value for name, value in details.items() if value},
        author=case.undo.author,
    )


async def _uncounted(
    desk: Desk, case: Case, counted: Sequence[tuple[MeterKey, Part]]
) -> list[Part]:
    """Write entries that take *counted* off again; never more than there is."""
    parts = []
    for key, part in counted:
        usage = await desk.adjusting.usage(part.subscriber, part.period)
        taken = corrected(usage, _off(part, usage))
        assert taken is not None  # noqa: S101 - no more than there is
        taken = replace(taken, unknown_us=-min(part.unknown_us, usage.unknown_us))
        await desk.adjusting.write(
            [taken],
            kind=Adjustment.CORRECTED,
            rule="correction",
            key=key,
            author=case.undo.author,
            note=case.undo.note or "activated for the wrong subscriber",
            at=case.field.clock(),
        )
        parts.append(taken)
    return parts


def _off(part: Part, usage: Usage) -> Part:
    return replace(
        part,
        down_bytes=-min(part.down_bytes, usage.down_bytes),
        up_bytes=-min(part.up_bytes, usage.up_bytes),
        estimated_bytes=0,
    )
