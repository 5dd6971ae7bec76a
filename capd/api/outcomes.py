"""What became different by a write: the events of the very transaction that it was."""

from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import TypeVar

from pydantic import BaseModel

from capd.api.calls import Answer, AnyCall, Ask, Call, Keep, Nothing
from capd.api.requests import MayNoteBody, NoteBody
from capd.api.roles import Right
from capd.api.shapes import Outcome
from capd.lines import event_record
from capd.store import Desk

_Note = TypeVar("_Note", NoteBody, MayNoteBody)


class Witnessed:
    """Watches a transaction to its end: `answer` is what is told of it, kept with it."""

    def __init__(self, keep: Keep | None, status: int = HTTPStatus.OK) -> None:
        self._keep = keep
        self._status = status
        self.answer = Answer({"changed": False, "events": []})

    async def __call__(self, desk: Desk) -> None:
        """Take down what was written, and keep it as the answer."""
        events = [event_record(event, id_=number) for number, event in desk.written]
        if events:
            self.answer = Answer({"changed": True, "events": events}, self._status)
        if self._keep is not None:
            await self._keep(desk, self.answer)


def noted(
    path: str,
    words: str,
    right: Right,
    handle: Callable[[Ask[Nothing, _Note]], Awaitable[Answer]],
    *,
    subject: str,
    answer: type[BaseModel] = Outcome,
    body: type[_Note] = NoteBody,  # type: ignore[assignment] # most
) -> AnyCall:
    """Return the call at *path* that takes a note, and nothing else."""
    return Call(
        method="POST",
        path=path,
        subject=subject,
        right=right,
        help=words,
        query=Nothing,
        body=body,
        answer=answer,
        handle=handle,
    )
