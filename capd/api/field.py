"""Activations over HTTP: pressed here, carried out by the daemon, asked for until they ended."""

import uuid
from http import HTTPStatus
from typing import Any

from pydantic import BaseModel, Field

from capd.answers.field import activation_record
from capd.answers.subscribers import known
from capd.api.calls import Answer, AnyCall, Ask, Asked, Call, Nothing
from capd.api.roles import Right
from capd.errors import CannotBeDone, NoSuch
from capd.model import Activation, ActivationState, DeviceId, StepState, Undo
from capd.strict import did_you_mean

_LONGEST = 200


class ActivationBody(Asked):
    """Which radio for whom; serial and MAC as they are read off it."""

    subscriber: str = Field(min_length=1, max_length=_LONGEST)
    device: str = Field(min_length=1, max_length=_LONGEST)
    serial: str | None = Field(default=None, min_length=1, max_length=_LONGEST)
    mac: str | None = Field(default=None, min_length=1, max_length=_LONGEST)


class UndoBody(Asked):
    """Why it is taken back: wanted where it is older than [field] undo_hours."""

    note: str = Field(default="", max_length=500)
    by_hand: bool = Field(default=False, description="The device was put back by hand.")


class StepRecord(BaseModel):
    """One thing that was looked at or done."""

    name: str
    state: StepState
    text: str
    fix: str


class ActivationRecord(BaseModel):
    """How far an activation is."""

    id: str
    subscriber: str
    device: str
    serial: str | None
    mac: str | None
    author: str
    at: str
    state: ActivationState
    undone_by: str | None = Field(description="Who wants, or wanted, it taken back.")
    ended_at: str | None = Field(description="Null while it, or its undoing, is under way.")
    steps: list[StepRecord]


async def press(ask: Ask[Nothing, ActivationBody]) -> Answer:
    """Write an activation down, for the daemon to carry out."""
    body = ask.body
    who = await known(ask.house, body.subscriber)
    devices = await ask.house.store.people.devices()
    if body.device not in devices:
        guess = did_you_mean(body.device, devices)
        raise NoSuch(f"there is no device {body.device!r}.{guess}".removesuffix("."))
    written = await ask.house.store.activations.press(
        Activation(
            id=uuid.uuid4().hex,
            subscriber=who.id,
            device=DeviceId(body.device),
            serial=body.serial,
            mac=body.mac,
            author=ask.author,
            at=ask.now,
        )
    )
    return Answer(activation_record(written), HTTPStatus.ACCEPTED)


async def undo(ask: Ask[Nothing, UndoBody]) -> Answer:
    """Write down that an activation is to be taken back, for the daemon to do."""
    said = Undo(author=ask.author, at=ask.now, note=ask.body.note, by_hand=ask.body.by_hand)
    found = await ask.house.store.activations.press_undo(ask.path["id"], said)
    if found is None:
        raise NoSuch(f"there is no activation {ask.path['id']!r}")
    if found.state not in _TAKEN_BACK:
        raise CannotBeDone(f"the activation is {found.state}: there is nothing to undo")
    return Answer(activation_record(found), HTTPStatus.ACCEPTED)


async def activation(ask: Ask[Nothing, None]) -> Answer:
    """Return an activation, as far as it is."""
    return Answer(await _activation(ask))


async def _activation(ask: Ask[Any, Any]) -> dict[str, object]:
    found = await ask.house.store.activations.get(ask.path["id"])
    if found is None:
        raise NoSuch(f"there is no activation {ask.path['id']!r}")
    return activation_record(found)


_TAKEN_BACK = (
    ActivationState.UNDO_WAITING,
    ActivationState.UNDOING,
    ActivationState.UNDONE,
)
_SUBJECT = "Field"
CALLS: tuple[AnyCall, ...] = (
    Call(
        method="POST",
        path="/activations",
        subject=_SUBJECT,
        right=Right.FIELD,
        help="Put a radio into service",
        more="Checked, configured, read and proven by the daemon; the term begins with the first "
        "radio (CT-1). Pressing again while it runs answers with the one that runs.",
        query=Nothing,
        body=ActivationBody,
        answer=ActivationRecord,
        statuses=(HTTPStatus.ACCEPTED,),
        problems=(HTTPStatus.NOT_FOUND,),
        handle=press,
    ),
    Call(
        method="POST",
        path="/activations/{id}/undo",
        subject=_SUBJECT,
        right=Right.FIELD,
        help="Take an activation back: the wrong subscriber was pressed",
        more="The daemon puts the device back as it was and reads it back, takes the meter and "
        "what it counted off the subscriber, and the term that began with it never began (CT-1); "
        "after a replacement the former radio stands in the contract again. `undone` is the end; "
        "where it cannot be, the activation is what it was, and its last step says why and what to "
        "do: charges since must be reversed first, and after [field] undo_hours a note must say "
        "why. Safe to press twice.",
        query=Nothing,
        body=UndoBody,
        answer=ActivationRecord,
        statuses=(HTTPStatus.ACCEPTED,),
        problems=(HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT),
        handle=undo,
    ),
    Call(
        method="GET",
        path="/activations/{id}",
        subject=_SUBJECT,
        right=Right.FIELD,
        help="Show how far an activation is",
        query=Nothing,
        answer=ActivationRecord,
        handle=activation,
    ),
)
