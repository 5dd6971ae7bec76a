"""Tasks for people: something that capd asks for and cannot do itself, such as a call (C-2).

A task is a matter of kind `task`; it is closed when somebody says that it is done, or by the rule
that opened it when nothing is left to do.
"""

from datetime import datetime

from capd.decide import matters
from capd.decide.case import Case
from capd.decide.told import Told
from capd.model import Event, Matter, Standing

KIND = "task"


def opened(
    case: Case,
    key: str,
    what: str,
    clause: str,
    *,
    at: datetime | None = None,
    due_at: datetime | None = None,
    channel: str | None = None,
    about: str | None = None,
) -> Event:
    """Return the event that asks a person to do *what*, by *due_at*; *key* tells it from others.

    One to try a *channel* is an attempt when it is done; *about* is the invoice it is for.
    """
    figures = matters.change(
        KIND, key, due_at=due_at, task=key, what=what, channel=channel, about=about
    )
    return case.event("task_opened", f"To do: {what} ({clause}).", clause, figures, at=at)


def closed(case: Case, task: Matter, why: str, clause: str) -> Event:
    """Return the event that nobody need do *task* any more."""
    figures = matters.change(KIND, task.key, is_open=False, task=task.key)
    text = f"No longer to do: {matters.text(task, 'what')}; {why} ({clause})."
    return case.event("task_closed", text, clause, figures)


def waiting(standing: Standing, channel: str, about: str | None = None) -> tuple[Matter, ...]:
    """Return the open tasks to try *channel*, about one thing or about any."""
    return tuple(
        task
        for task in matters.of_kind(standing, KIND)
        if task.data.get("channel") == channel and about in (None, task.data.get("about"))
    )


def done(told: Told, task: Matter) -> Event:
    """Return the event that *task* was done."""
    outcome, note = told.get("outcome"), told.get("note")
    words = ": ".join(word for word in (outcome, note) if word)
    text = f"Done: {matters.text(task, 'what')}{words and f' ({words})'}."
    figures = matters.change(
        KIND, task.key, is_open=False, task=task.key, outcome=outcome, note=note
    )
    return told.event("task_done", text, None, figures)
