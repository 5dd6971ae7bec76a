"""Pure: what is typed for one order, and what the device's own words make of it."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from capd.dialect import ConfigMode
from capd.model import Order


@dataclass(frozen=True, slots=True, kw_only=True)
class Required:
    """What must be there for a suspension to stop anything: how it is read, how it is added."""

    line: str
    found: tuple[str, ...]  # expressions, all of which must be found
    missing: str
    add: tuple[str, ...]

    @property
    def sentence(self) -> str:
        """Return what is missing, and what to do."""
        lines = "; ".join(self.add)
        return f"{self.missing}: nothing was typed. Add it once, then retry the order: {lines}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """What to type for one order, and what the device says when it took."""

    order: Order
    opening: tuple[str, ...]
    suspend: tuple[str, ...]
    restore: tuple[str, ...]
    rate: tuple[str, ...]  # sets what is owed, or takes the limit away; empty: nothing to do
    save: tuple[str, ...]
    verify: tuple[str, ...]  # the lines of the read-back
    suspended: tuple[str, ...]  # expressions, all of which must be found
    in_service: tuple[str, ...] | None
    requires: tuple[Required, ...]
    rated: tuple[str, ...] | None  # None: the order leaves rates alone
    unrated_if_not: tuple[str, ...] | None  # no rate is owed, and these would show one
    rate_left_if: tuple[str, ...] | None  # found: rates are left alone after all
    shows: str | None  # the rate that is set, as groups `down` and `up`, in bits a second
    failure_marks: tuple[str, ...]
    busy_marks: tuple[str, ...]
    config: ConfigMode | None
    own: frozenset[str]  # values by which its lines are told from those of other orders
    line_end: str
    answer_ends: str | None
    netmiko: str
    pause_s: float

    def missing(self, answer: str) -> tuple[str, ...]:
        """Return the lines still to be typed, going by the read-back *answer*; () when as owed."""
        return (*self._missing_rate(answer), *self._missing_state(answer))

    def looks(self, answer: str) -> tuple[bool, ...]:
        """Return which of all signs the read-back *answer* shows: what changes with the order."""
        signs = (self.suspended, self.in_service, self.rated, self.unrated_if_not)
        every = [sign for some in signs for sign in some or ()]
        return tuple(_all_found((sign,), answer) for sign in every)

    def assumed(self) -> tuple[str, ...]:
        """Return the lines that would be typed if the device is as the books say."""
        if self.order.before == self.order.after:
            return ()
        state: tuple[str, ...] = ()
        if self.order.after.suspended != self.order.before.suspended:
            state = self.suspend if self.order.after.suspended else self.restore
        return (*self.rate, *state)

    def half_done(self, answer: str) -> tuple[str, ...]:
        """Return the lines that take back what is there of a suspension; () if nothing is.

        Only of an order that takes service away: what gives it back is never taken back.
        """
        if self.order.before.suspended or not self.order.after.suspended:
            return ()
        return self._to_restore(answer)

    def unmet(self, answers: Mapping[str, str]) -> Iterator[Required]:
        """Yield what is not there, going by what was answered to the line of each."""
        for need in self.requires:
            if not _all_found(need.found, answers.get(need.line, "")):
                yield need

    def refusal(self, answer: str) -> str | None:
        """Return the words in which the device said no; None if it did not."""
        return self._said(self.failure_marks, answer)

    def busy(self, answer: str) -> str | None:
        """Return the words in which the device said that it cannot be changed now."""
        return self._said(self.busy_marks, answer)

    def _said(self, marks: tuple[str, ...], answer: str) -> str | None:
        if not any(re.search(mark, answer, re.MULTILINE) for mark in marks):
            return None
        ends = self.answer_ends
        text = answer if ends is None else re.sub(f"^{ends}", "", answer, flags=re.MULTILINE)
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        return " / ".join(lines[:2])[:200] or answer.strip()

    def _missing_state(self, answer: str) -> tuple[str, ...]:
        if self.order.after.suspended:
            return () if _all_found(self.suspended, answer) else self.suspend
        return self._to_restore(answer)

    def _to_restore(self, answer: str) -> tuple[str, ...]:
        if self.in_service is None:
            return self.restore if _all_found(self.suspended, answer) else ()
        return () if _all_found(self.in_service, answer) else self.restore

    def _missing_rate(self, answer: str) -> tuple[str, ...]:
        if self.unrated_if_not is not None and not _all_found(self.unrated_if_not, answer):
            return ()
        if self.rate_left_if is not None and _all_found(self.rate_left_if, answer):
            return ()
        if self.rated is not None and _all_found(self.rated, answer):
            return ()
        return self.rate


def _all_found(expressions: tuple[str, ...], answer: str) -> bool:
    return all(re.search(expression, answer, re.MULTILINE) for expression in expressions)
