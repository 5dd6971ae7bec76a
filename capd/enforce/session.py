"""One session on a device: read back, type what is missing, read back; the last word is its own."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Protocol

from capd.enforce.script import Script
from capd.enforce.work import Work, fail, of_one
from capd.errors import DeviceRefused, DeviceUnreachable, NonsenseFromDevice
from capd.model import OrderState

_LONGEST_QUOTE = 60
_AT_A_TIME = 50  # orders, where each line is true at once: a lost session leaves no more unknown


class Terminal(Protocol):
    """Where lines are typed; it blocks, and is used by one thread."""

    def type(self, line: str, *, ends: str | None) -> str:
        """Return the answer to *line*, complete when *ends* matches (None: at the prompt).

        Raises DeviceUnreachable when the session is lost or the answer does not end.
        """


def carry(terminal: Terminal, works: Sequence[Work]) -> None:
    """Carry out *works*, all of one device; each is settled when this returns.

    A session that is lost settles what was not proven yet: UNKNOWN where something may have been
    typed, else FAILED, both to be tried again.
    """
    session = _Session(terminal, works[0].script)
    try:
        session.open(works)
        for some in session.groups(works):
            session.carry(some)
    except DeviceUnreachable as exc:
        fail(works, str(exc), retry=True, unreachable=True)
    except (DeviceRefused, NonsenseFromDevice) as exc:
        fail(works, str(exc), retry=False)


_Verdict = tuple[OrderState, str, bool]  # the last: to be tried again
_Act = Callable[[], None]


def look(terminal: Terminal, works: Sequence[Work]) -> None:
    """Read back whether *works* still hold: APPLIED is so, UNKNOWN is not; nothing is changed."""
    session = _Session(terminal, works[0].script)
    try:
        session.open(works)
        for work in works:
            session.look(work)
            if work.state is None or work.unmet:
                work.ends(OrderState.UNKNOWN, work.unmet or "is not as it was left")
    except DeviceUnreachable as exc:
        fail(works, str(exc), retry=True, unreachable=True)
    except (DeviceRefused, NonsenseFromDevice) as exc:
        fail(works, str(exc), retry=False)


class _Session:
    """Lines typed for several orders; what is the same for all of them is typed once."""

    def __init__(self, terminal: Terminal, family: Script) -> None:
        self._terminal = terminal
        self._family = family  # what every script of the device has in common is taken from it
        self._config = family.config
        self._to_confirm = False
        self._read: dict[str, str] = {}  # what was answered since something was last typed

    def open(self, works: Sequence[Work]) -> None:
        """Type the opening lines, which change nothing on the device."""
        for line in self._family.opening:
            answer = self._typed(works[:1], line)
            if (words := self._family.busy(answer)) is not None:
                raise DeviceUnreachable(f"is not to be changed now: {words}")
            if (words := self._family.refusal(answer)) is not None:
                raise DeviceRefused(f"did not take the first line of the session: {words}")

    def groups(self, works: Sequence[Work]) -> Iterator[Sequence[Work]]:
        """Yield *works* as they are carried out: all at once where one commit is for all."""
        size = len(works) if self._config is not None and self._config.commit else _AT_A_TIME
        for start in range(0, len(works), size):
            yield works[start : start + size]

    def carry(self, works: Sequence[Work]) -> None:
        """Settle *works*: looked at, changed, saved and proven together."""
        for work in works:
            self.look(work)
        changing = [work for work in works if work.state is None]
        if not changing:
            return
        self._change(changing)
        self._save(changing)
        self._to_confirm = False
        verdicts = [(work, self._verdict(work)) for work in changing]
        if self._to_confirm:  # else the device may take all of it back by itself
            self._confirm(changing)
        for work, verdict in verdicts:
            if work.state is None and verdict is not None:
                work.ends(*verdict[:2], retry=verdict[2])

    # ---- before -------------------------------------------------------------------------------

    def look(self, work: Work) -> None:
        """Keep what the device says of itself; settled if it is as owed already."""
        answer = self._read_back(work)
        if answer is None:
            return
        work.before = "\n".join(
            of_one(self._read[line], work.script) for line in work.script.verify
        )
        work.looked = work.script.looks(answer)
        if (unmet := self._unmet(work)) is not None:
            work.unmet = unmet
            work.ends(OrderState.FAILED, unmet)
            return
        work.asked = work.script.missing(answer)
        if not work.asked:
            work.ends(OrderState.APPLIED, "already so: nothing was typed")

    def _unmet(self, work: Work) -> str | None:
        """Say what is not there without which the suspension of *work* would stop nothing."""
        if not work.script.order.after.suspended:
            return None
        answers = {need.line: self._answer(work, need.line) for need in work.script.requires}
        unmet = next(work.script.unmet(answers), None)
        return None if unmet is None else unmet.sentence

    # ---- changing -----------------------------------------------------------------------------

    def _change(self, works: Sequence[Work]) -> None:
        """Type what is missing; what the device refuses is noted, and proven with the others."""
        self._in_config(works, lambda: self._together(works))

    def _in_config(self, works: Sequence[Work], act: _Act) -> None:
        """Do *act* where changes are typed."""
        self._read.clear()
        if self._config is None:
            act()
            return
        for line in self._config.enter:
            self._common(works, line)
        act()
        for line in self._config.leave:
            self._typed(works[:1], line)

    def _common(self, works: Sequence[Work], line: str) -> None:
        """Type a line that is for all; nobody can go on where it is refused."""
        answer = self._typed(works[:1], line)
        if (words := self._family.busy(answer)) is not None:
            raise DeviceUnreachable(f"is not to be changed now: {words}")
        if (words := self._family.refusal(answer)) is not None:
            raise DeviceRefused(f"refused {_short(line)}: {words}")

    def _together(self, works: Sequence[Work]) -> None:
        """Type and commit the lines of *works* in one; where some are refused, without those."""
        for work in works:
            self._type(work)
        if self._config is None or not self._config.commit:
            return
        good = [work for work in works if not work.refused]
        if len(good) < len(works):
            self._discard(works)
            if good:
                self._together(good)
            return
        words = self._commit(works)
        if words is None:
            return
        self._discard(works)
        if len(works) == 1:
            works[0].refused = words
            return
        half = len(works) // 2  # which one it was is found by halving
        self._together(works[:half])
        self._together(works[half:])

    def _type(self, work: Work) -> None:
        for line in work.asked:
            work.typed = work.typed or self._config is None or not self._config.commit
            answer = self._typed([work], line)
            if (words := work.script.refusal(answer)) is not None:
                work.refused = f"refused {_short(line)}: {words}"
                return

    def _commit(self, works: Sequence[Work]) -> str | None:
        """Make what was typed true; return the words in which the device refused, if it did."""
        for line in self._config.commit if self._config else ():
            for work in works:
                work.typed = True
            answer = self._typed(works, line)
            if (words := self._family.busy(answer)) is not None:
                self._discard(works)
                raise DeviceUnreachable(f"is not to be changed now: {words}")
            if (words := self._family.refusal(answer)) is not None:
                return f"refused {_short(line)}: {words}"
        return None

    def _discard(self, works: Sequence[Work]) -> None:
        for line in self._config.discard if self._config else ():
            self._common(works, line)

    def _confirm(self, works: Sequence[Work]) -> None:
        """Keep the device from taking the commit back."""
        config = self._config
        if config is None or not config.confirm:
            return

        def act() -> None:
            for line in config.confirm:
                self._common(works, line)

        self._in_config(works, act)

    def _save(self, works: Sequence[Work]) -> None:
        """Type the lines that make the session's changes last, once."""
        for line in self._family.save:
            answer = self._typed(works[:1], line)
            if (words := self._family.refusal(answer)) is not None:
                fail(works, f"changed, but not saved: refused {_short(line)}: {words}", retry=False)
                return

    # ---- after --------------------------------------------------------------------------------

    def _verdict(self, work: Work) -> _Verdict | None:
        """Return what the device's own words make of *work*; None where it is settled."""
        if work.state is not None:
            return None
        answer = self._read_back(work)
        if answer is None:
            return None
        if not work.script.missing(answer):
            self._to_confirm = True
            words = (
                f"is as owed, though it {work.refused}" if work.refused else "the device says so"
            )
            return OrderState.APPLIED, words, False
        changed = work.script.looks(answer) != work.looked
        if work.refused:
            return self._put_back(work, work.script.half_done(answer), changed=changed)
        told = " / ".join(of_one(answer, work.script).split("\n")[:4])[:200]
        words = f"took every line, and is not as owed; it says: {told or 'nothing'}"
        return (OrderState.UNKNOWN if changed else OrderState.FAILED), words, True

    def _put_back(self, work: Work, half: tuple[str, ...], *, changed: bool) -> _Verdict | None:
        """Take back what is there of a suspension that was refused half-way."""
        if not half:
            return (OrderState.UNKNOWN if changed else OrderState.FAILED), work.refused, False
        words, work.refused, work.asked = work.refused, "", half
        self._in_config([work], lambda: self._together([work]))
        self._save([work])
        answer = self._read_back(work)
        if answer is None:
            return None
        if work.script.half_done(answer):
            return OrderState.UNKNOWN, f"{words}; what took of it could not be put back", False
        self._to_confirm = True
        return OrderState.FAILED, f"{words}; put back as it was", False

    def _read_back(self, work: Work) -> str | None:
        """Return what the device says of itself; a refusal to say it settles *work*."""
        answers: list[str] = []
        for line in work.script.verify:
            answer = self._answer(work, line)
            if (words := work.script.refusal(answer)) is not None:
                state = OrderState.UNKNOWN if work.typed else OrderState.FAILED
                work.ends(state, f"would not be read back: {words}")
                return None
            answers.append(answer)
        return "\n".join(answers)

    def _answer(self, work: Work, line: str) -> str:
        """Return the answer to *line*, which changes nothing: asked once for all orders."""
        answer = self._read.get(line)
        if answer is None:
            answer = self._read[line] = self._typed([work], line)
        else:
            work.said.append(f"> {line}\n{of_one(answer, work.script)}")
        return answer

    def _typed(self, works: Iterable[Work], line: str) -> str:
        """Return the answer to *line*; it stands in the transcript of each of *works*."""
        started = time.monotonic()
        answer = "(lost)"
        try:
            answer = self._terminal.type(
                line + self._family.line_end, ends=self._family.answer_ends
            )
            return answer
        finally:
            took = f"[{time.monotonic() - started:.2f} s]"
            for work in works:
                work.said.append(f"> {line}\n{of_one(answer, work.script).strip()}  {took}")


def _short(line: str) -> str:
    return repr(line if len(line) <= _LONGEST_QUOTE else f"{line[:_LONGEST_QUOTE]}…")
