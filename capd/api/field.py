"""Activations over HTTP: pressed here, carried out by the daemon, asked for until they ended."""

import uuid
from http import HTTPStatus
from typing import Any

from pydantic import BaseModel, Field

from capd.answers.field import activation_record
from capd.answers.subscribers import known
from capd.api.calls import Answer, AnyCall, Ask, Asked, Call, Nothing
from capd.api.roles import Right
from capd.errors import NoSuch
from capd.model import Activation, ActivationState, DeviceId, StepState
from capd.strict import did_you_mean

_LONGEST = 200


class ActivationBody(Asked):
    """Which radio for whom; serial and MAC as they are read off it."""

    subscriber: str = Field(min_length=1, max_length=_LONGEST)
    device: str = Field(min_length=1, max_length=_LONGEST)
    serial: str | None = Field(default=None, min_length=1, max_length=_LONGEST)
    mac: str | None = Field(default=None, min_length=1, max_length=_LONGEST)


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
    ended_at: str | None
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


async def activation(ask: Ask[Nothing, None]) -> Answer:
    """Return an activation, as far as it is."""
    return Answer(await _activation(ask))


async def _activation(ask: Ask[Any, Any]) -> dict[str, object]:
    found = await ask.house.store.activations.get(ask.path["id"])
    if found is None:
        raise NoSuch(f"there is no activation {ask.path['id']!r}")
    return activation_record(found)


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
