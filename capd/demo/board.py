"""What the audience sees: gathered from the books, as any other reader of them would."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from capd.demo.households import Household
from capd.model import Event, Product, ProductId, SubscriberId, Usage
from capd.store import Store

_PAGE = 1000


@dataclass(slots=True)
class Row:
    """One subscriber, as the books have it."""

    household: Household
    product: Product
    counted_bytes: int = 0
    allowance_bytes: int | None = None
    holds: set[str] = field(default_factory=set)
    suspended: bool = False  # applied: read back from the router
    sentence: str = ""  # the last one said about them

    @property
    def share(self) -> float:
        """Return the used part of the allowance, 0 where there is no cap."""
        return self.counted_bytes / self.allowance_bytes if self.allowance_bytes else 0.0

    @property
    def state(self) -> str:
        """Return where they stand, in a word or two."""
        if self.suspended:
            return "suspended" if self.holds else "coming back"
        return "over the cap" if self.holds else "in service"


class Board:
    """Reads the books again and again: where everyone stands, and what happened to whom."""

    def __init__(
        self, store: Store, households: Iterable[Household], products: Mapping[str, Product]
    ) -> None:
        self._store = store
        self._products = products
        self.rows = {home.id: Row(home, products[home.product]) for home in households}
        self.events: list[Event] = []  # all of them, oldest first
        self.usage: dict[SubscriberId, Usage] = {}
        self._topups: defaultdict[tuple[str, str], int] = defaultdict(int)
        self._open: set[object] = set()
        self._seen = 0

    async def look(self, now: datetime, zone: ZoneInfo) -> list[Event]:
        """Read what is new; return the events."""
        fresh = await self._store.trail.events(after=self._seen, limit=_PAGE)
        for number, event in fresh:
            self._seen = number
            self.events.append(event)
            self._take(event)
        who = [SubscriberId(name) for name in self.rows]
        self.usage = await self._store.ledger.totals(now, who, zone)
        for name, usage in self.usage.items():
            row = self.rows[name]
            row.counted_bytes = usage.counted(row.product.counts)
            cap = row.product.cap_bytes
            bought = self._topups[name, usage.period.name]
            row.allowance_bytes = None if cap is None else cap + bought
        return [event for _, event in fresh]

    def under_way(self) -> int:
        """Return how many orders have neither come true nor been given up."""
        return len(self._open)

    def _take(self, event: Event) -> None:
        row = self.rows.get(event.subscriber or "")
        if row is None:
            return
        if event.kind in ("order_open", "order_unknown"):
            self._open.add(event.figures["order"])
        elif event.kind.startswith("order_"):
            self._open.discard(event.figures["order"])
        if event.kind == "order_applied":
            row.suspended = bool(event.figures["suspended"])
        if event.kind.startswith("order_"):
            return  # the device's words; theirs is the sentence that goes to the subscriber
        row.sentence = event.text
        if event.kind == "hold_opened":
            row.holds.add(str(event.figures["reason"]))
        elif event.kind == "hold_closed":
            row.holds.discard(str(event.figures["reason"]))
        elif event.kind == "topup":
            period = row.household.id, str(event.figures["period"])
            self._topups[period] += int(event.figures["size_bytes"] or 0)
        elif event.kind == "plan_changed":
            row.product = self._products[ProductId(str(event.figures["to"]))]
