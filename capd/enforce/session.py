"""One session on a device: read back, type what is missing, read back; the last word is its own."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from capd.enforce.render import Script
from capd.errors import DeviceRefused, DeviceUnreachable, NonsenseFromDevice
from capd.model import Device, OrderState, Outcome, Secret

_LONGEST_TRANSCRIPT = 20_000
_LONGEST_QUOTE = 60


class Terminal(Protocol):
    """Where lines are typed; it blocks, and is used by one thread."""

    def type(self, line: str, *, ends: str | None) -> str:
        """Return the answer to *line*, complete when *ends* matches (None: at the prompt).

        Raises DeviceUnreachable when the session is lost or the answer does not end.
        """


@dataclass(slots=True)
class Work:
    """How far one order has come in this session."""

    script: Script
    typed: bool = False  # something that changes the device may have been typed
    state: OrderState | None = None  # None: not known yet
    detail: str = ""
    retry: bool = False
    unreachable: bool = False
    said: list[str] = field(default_factory=list)  # the transcript

    def ends(self, state: OrderState, detail: str, *, retry: bool = False) -> None:
        """Settle the order."""
        self.state, self.detail, self.retry = state, detail, retry


def carry(terminal: Terminal, works: Sequence[Work]) -> None:
    """Carry out *works*, all of one device; each is settled when this returns.

    A session that is lost settles what was not proven yet: UNKNOWN where something may have been
    typed, else FAILED, both to be tried again.
    """
    try:
        _open(terminal, works)
        for work in works:
            _change(terminal, work)
        changed = [work for work in works if work.state is None]
        _save(terminal, changed)
        for work in changed:
            _prove(terminal, work)
    except DeviceUnreachable as exc:
        fail(works, str(exc), retry=True, unreachable=True)
    except (DeviceRefused, NonsenseFromDevice) as exc:
        fail(works, str(exc), retry=False)


def fail(works: Sequence[Work], why: str, *, retry: bool, unreachable: bool = False) -> None:
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


def _open(terminal: Terminal, works: Sequence[Work]) -> None:
    """Type the opening lines, which change nothing on the device."""
    first = works[0]
    for line in first.script.opening:
        answer = _typed(terminal, first, line)
        if (words := first.script.refusal(answer)) is not None:
            raise DeviceRefused(f"did not take the first line of the session: {words}")


def _change(terminal: Terminal, work: Work) -> None:
    """Type what the read-back says is missing; settled if nothing is, or if it was refused."""
    answer = _read_back(terminal, work)
    if work.state is not None:
        return
    missing = work.script.missing(answer)
    if not missing:
        work.ends(OrderState.APPLIED, "already so: nothing was typed")
        return
    for line in missing:
        work.typed = True
        answer = _typed(terminal, work, line)
        if (words := work.script.refusal(answer)) is not None:
            _settle_refused(terminal, work, line, words)
            return


def _settle_refused(terminal: Terminal, work: Work, line: str, words: str) -> None:
    """Let the read-back say whether the refusal of *line* mattered."""
    answer = _read_back(terminal, work)
    if work.state is not None:
        return
    if work.script.missing(answer):
        work.ends(OrderState.FAILED, f"refused {_short(line)}: {words}")
    else:
        work.ends(OrderState.APPLIED, f"is as owed, though it refused {_short(line)}: {words}")


def _save(terminal: Terminal, changed: Sequence[Work]) -> None:
    """Type the lines that make the session's changes last, once."""
    if not changed:
        return
    first = changed[0]
    for line in first.script.save:
        answer = _typed(terminal, first, line)
        if (words := first.script.refusal(answer)) is not None:
            fail(changed, f"changed, but not saved: refused {_short(line)}: {words}", retry=False)
            return


def _prove(terminal: Terminal, work: Work) -> None:
    """Settle *work* by what the device says now."""
    if work.state is not None:
        return
    answer = _read_back(terminal, work)
    if work.state is not None:
        return
    if work.script.missing(answer):
        told = " / ".join(answer.split("\n")[:4])[:200]
        work.ends(
            OrderState.FAILED,
            f"took every line, and is not as owed; it says: {told or 'nothing'}",
            retry=True,
        )
    else:
        work.ends(OrderState.APPLIED, "the device says so")


def _read_back(terminal: Terminal, work: Work) -> str:
    """Return what the device says of itself; a refusal to say it settles *work*."""
    answers: list[str] = []
    for line in work.script.verify:
        answer = _typed(terminal, work, line)
        if (words := work.script.refusal(answer)) is not None:
            state = OrderState.UNKNOWN if work.typed else OrderState.FAILED
            work.ends(state, f"would not be read back: {words}")
            break
        answers.append(answer)
    return "\n".join(answers)


def _typed(terminal: Terminal, work: Work, line: str) -> str:
    started = time.monotonic()
    work.said.append(f"> {line}")
    answer = terminal.type(line + work.script.line_end, ends=work.script.answer_ends)
    work.said.append(f"{answer.strip()}  [{time.monotonic() - started:.2f} s]")
    return answer


def _short(line: str) -> str:
    return repr(line if len(line) <= _LONGEST_QUOTE else f"{line[:_LONGEST_QUOTE]}…")
