"""What became different by a write: the events of the very transaction that it was."""

from http import HTTPStatus

from capd.api.calls import Answer, Keep
from capd.lines import event_record
from capd.store import Desk


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
