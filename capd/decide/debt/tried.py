"""Somebody was tried to be reached about a debt, and that is kept with its invoice (C-2).

An attempt about no invoice in particular is one about those that are overdue, or, where none is,
about those that are open. One about a debt of which capd knows no invoice is kept by itself.
"""

from collections.abc import Mapping
from dataclasses import replace

from capd.decide import matters, tasks
from capd.decide.debt.book import INVOICE, Invoice, invoices
from capd.decide.debt.schedule import change, named
from capd.decide.debt.state import overdue
from capd.decide.shapes import guess, one_of
from capd.decide.told import Answer, FactKind, Refused, Told
from capd.model import Event, Fact

ATTEMPT = "attempt"
UNSENT = "unsent"  # a notice about an invoice that never left: no attempt


def _attempt(told: Told) -> Answer:
    channel, about = told.fact.details["channel"], told.get("invoice")
    asked = tasks.waiting(told.standing, channel, about)
    several: list[str | None] = [about]
    if about is None and asked:
        several = [matters.text(task, "about") for task in asked]
        several += [one.key for one in overdue(told.case)]
    finished = [tasks.done(told, task) for task in asked]
    return (*finished, *_tried(told, channel, several))


def _done(told: Told) -> Answer:
    key = told.fact.details["task"]
    task = matters.find(told.standing, tasks.KIND, key)
    if task is None:
        there = [matter.key for matter in matters.of_kind(told.standing, tasks.KIND)]
        return Refused(f"there is no open task {key!r}.{guess(key, there)}")
    finished, channel = tasks.done(told, task), matters.text(task, "channel")
    if channel is None:
        return (finished,)
    return (finished, *_tried(told, channel, [matters.text(task, "about")]))


def _tried(told: Told, channel: str, about: list[str | None]) -> tuple[Event, ...]:
    """Return the events that *channel* was tried *about* these invoices; none: about the debt."""
    wanted = list(dict.fromkeys(key for key in about if key is not None))
    there = {one.key: one for one in invoices(told.standing)}
    if not wanted:
        wanted = [one.key for one in overdue(told.case)] or [*there]
    found = [_about(told, channel, there[key]) for key in wanted if key in there]
    unknown = [key for key in wanted if key not in there]
    found += [_by_itself(told, channel, key) for key in unknown]
    return tuple(found or [_by_itself(told, channel, None)])


def _about(told: Told, channel: str, invoice: Invoice) -> Event:
    known = replace(invoice, tried={**invoice.tried, channel: told.now})
    figures = {**change(told.case, known, told.now), "channel": channel, "outcome": None}
    return _event(told, channel, f" about {named(invoice, small=True)}", figures)


def _by_itself(told: Told, channel: str, about: str | None) -> Event:
    """Return the event, which keeps the attempt unless it is about an invoice that is over."""
    figures = matters.change(
        ATTEMPT,
        _key(channel, about),
        is_open="invoice" not in told.past,
        channel=channel,
        about=about,
        tried_at=told.now,
    )
    return _event(told, channel, "" if about is None else f" about {about}", figures)


def _key(channel: str, about: str | None) -> str:
    return channel if about is None else f"{channel}/{about}"


def _event(
    told: Told, channel: str, about: str, figures: Mapping[str, str | int | bool | None]
) -> Event:
    outcome, note = told.get("outcome"), told.get("note")
    words = ": ".join(word for word in (outcome, note) if word)
    text = f"Tried by {channel}{about}{words and f': {words}'}"
    clause = told.policy.dunning.attempts_clause
    return told.event(
        "attempt", f"{text} ({clause}).", clause, {**figures, "outcome": outcome, "why": note}
    )


def _the_invoice(fact: Fact) -> Mapping[str, tuple[str, str]]:
    about = fact.details.get("invoice")
    return {"invoice": (INVOICE, about)} if about else {}


FACTS: Mapping[str, FactKind] = {
    "attempt": FactKind(
        help="somebody was tried to be reached about a debt, whatever came of it (C-2)",
        required=("channel",),
        optional=("invoice", "outcome", "note"),
        shapes={"channel": one_of("email", "phone", "text", "letter", "visit")},
        recalls=_the_invoice,
        accept=_attempt,
    ),
    "task_done": FactKind(
        help="a person did what capd had asked for; a call about a debt is an attempt (C-2)",
        required=("task",),
        optional=("outcome", "note"),
        accept=_done,
    ),
}
