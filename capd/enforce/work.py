"""One order on its way through a session: how far it has come, and what became of it."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from capd.enforce.script import Script
from capd.model import Device, OrderState, Outcome, Secret

_LONGEST_TRANSCRIPT = 20_000
_LINES_BELOW = 2  # an IOS section says under its heading what it is about
_SHARED_LINES = 40  # of an answer that is for many orders, so many are kept for each


@dataclass(slots=True)
class Work:
    """How far one order has come in this session."""

    script: Script
    typed: bool = False  # something that changes the device may have been typed
    asked: tuple[str, ...] = ()  # the lines that the read-back says are missing
    refused: str = ""  # which line the device would not take, and its words
    unmet: str = ""  # what is not there, without which a suspension would stop nothing
    state: OrderState | None = None  # None: not known yet
    detail: str = ""
    retry: bool = False
    unreachable: bool = False
    looked: tuple[bool, ...] = ()  # which of the signs were there before anything was typed
    before: str = ""  # what the device said of itself before anything was typed
    said: list[str] = field(default_factory=list)  # the transcript

    def ends(self, state: OrderState, detail: str, *, retry: bool = False) -> None:
        """Settle the order."""
        self.state, self.detail, self.retry = state, detail, retry


def fail(works: Iterable[Work], why: str, *, retry: bool, unreachable: bool = False) -> None:
    """Settle all of *works* that are not settled yet, for the one reason *why*."""
    for work in works:
        if work.state is None:
            state = OrderState.UNKNOWN if work.typed else OrderState.FAILED
            work.ends(state, why, retry=retry)
            work.unreachable = unreachable


def outcome(work: Work, at: datetime, took_s: float) -> Outcome:
    """Return what became of a settled *work*."""
    return Outcome(
        order=work.script.order,
        state=work.state or OrderState.UNKNOWN,
        detail=work.detail,
        at=at,
        took_s=took_s,
        before=work.before,
        transcript="\n".join(work.said)[:_LONGEST_TRANSCRIPT],
        retry=work.retry,
        unreachable=work.unreachable,
    )


def mask(text: str, device: Device) -> str:
    """Return *text* with every secret of *device* as ***."""
    secrets = [getattr(device.ssh, "password", None)]
    secrets += [getattr(device.snmp, name, None) for name in ("community", "auth_key", "priv_key")]
    revealed = {secret.reveal() for secret in secrets if isinstance(secret, Secret)} - {""}
    for secret in sorted(revealed, key=len, reverse=True):
        text = text.replace(secret, "***")
    return text


def of_one(answer: str, script: Script) -> str:
    """Return of a long *answer*, which is for many orders, what is about the order of *script*."""
    lines = answer.split("\n")
    if len(lines) <= _SHARED_LINES:
        return answer
    near = [n for n, line in enumerate(lines) if any(value in line for value in script.own)]
    own = [
        line for n, line in enumerate(lines) if any(0 <= n - hit <= _LINES_BELOW for hit in near)
    ]
    return "\n".join([*(own or lines)[:_SHARED_LINES], f"({len(lines)} lines in all)"])
