"""The people of the demo: some buy data, some move up, some wait; all through the real code."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from capd.demo.households import NEXT, Character, Household
from capd.model import Event, Fact, SubscriberId

_NOTICES_AFTER = timedelta(hours=14)  # nobody looks at once
_SIZE = "25GB"
_PURCHASES = 2  # then they, too, move to a larger product


class Customers:
    """Decides who does what, and when: hears the trail's events, hands out facts when due."""

    def __init__(self, households: Iterable[Household]) -> None:
        self._homes: Mapping[str, Household] = {home.id: home for home in households}
        self._products = {home.id: home.product for home in self._homes.values()}
        self._due: dict[str, datetime] = {}
        self._bought: dict[str, int] = {}

    def hear(self, event: Event) -> None:
        """Take notice of *event*: who was cut off will do something about it."""
        who = event.subscriber or ""
        if who not in self._homes:
            return
        if event.kind == "plan_changed":
            self._products[who] = str(event.figures["to"])
        elif event.figures.get("reason") != "cap":
            return
        elif event.kind == "hold_opened" and self._homes[who].character is not Character.WAITS:
            self._due[who] = event.at + _NOTICES_AFTER
        elif event.kind == "hold_closed":
            self._due.pop(who, None)

    def act(self, now: datetime) -> list[Fact]:
        """Return what people do by *now*: facts for the same door that `capd topup` knocks at."""
        due = [who for who, moment in self._due.items() if moment <= now]
        return [fact for who in due if (fact := self._act(who, now)) is not None]

    def _act(self, who: str, now: datetime) -> Fact | None:
        del self._due[who]
        bought = self._bought.get(who, 0)
        following = NEXT[self._products[who]]
        if self._homes[who].character is Character.BUYS and bought < _PURCHASES:
            self._bought[who] = bought + 1
            details = {"size": _SIZE, "reference": f"demo-{who}-{bought + 1}"}
            return Fact(at=now, fact="topup", subscriber=SubscriberId(who), details=details)
        if following is None:
            return None
        details = {"product": following}
        return Fact(at=now, fact="plan", subscriber=SubscriberId(who), details=details)
