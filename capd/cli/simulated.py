"""How a simulation is told: tables and a picture for people, one object for scripts."""

import sys
from collections.abc import AsyncIterator, Iterator, Sequence

import orjson
from rich.console import Console

from capd.cli.output import line, table
from capd.cli.strips import strips
from capd.decide.wording import money_text
from capd.hindsight.difference import Compared, Difference, Sums, Which, days
from capd.hindsight.run import Question
from capd.lines import event_record
from capd.units import rfc3339

_CAVEATS = (
    "Usage is as it was: what people would have used, bought or chosen otherwise is not guessed.",
    "It is dated by the reading that showed it; where only hours are kept, to a share of the hour.",
    "Charges of one unit after the other are dated by their day.",
)


async def as_json(
    question: Question, difference: Difference, found: AsyncIterator[Compared]
) -> None:
    """Print one JSON object, the events as they come: there may be millions."""
    out = sys.stdout
    head = orjson.dumps(_head(question)).decode()
    out.write(f'{head[:-1]},"events":[')
    comma = ""
    async for one in found:
        record = event_record(one.event) | {"day": str(one.day), "happened": one.which.value}
        out.write(comma + orjson.dumps(record).decode())
        comma = ",\n"
    tail = orjson.dumps(_tail(difference)).decode()
    out.write(f"],{tail[1:]}\n")


def _head(question: Question) -> dict[str, object]:
    policy, span = question.would.policy, question.span
    return {
        "policy": {"name": policy.name, "version": policy.version},
        "from": rfc3339(span.since),
        "to": rfc3339(span.until),
        "zone": str(question.would.zone),
        "currency": question.would.currency,
    }


def _tail(difference: Difference) -> dict[str, object]:
    would, did = difference.would, difference.did
    return {
        "subscribers": difference.subscribers,
        "different_subscribers": difference.different,
        "totals": {"would": _totals(would), "did": _totals(did)},
        "refused_facts": difference.refused,
        "unseen_days": difference.unseen_days,
        "days": [
            {"day": str(day), "would": would.suspensions[day], "did": did.suspensions[day]}
            for day in days(difference.span, difference.zone)
        ],
    }


def _totals(sums: Sums) -> dict[str, object]:
    return {
        "events": {" ".join(key).strip(): count for key, count in sorted(sums.events.items())},
        "charges": {charge: money_text(sums.money[charge]) for charge in sorted(sums.money)},
        "suspensions": sums.suspensions.total(),
        "suspended_subscribers": sums.suspended,
        "suspended_days": sums.suspended_days,
    }


def as_text(
    question: Question, difference: Difference, first: Sequence[Compared], more: int
) -> None:
    """Print the totals, what is different, and the picture by day."""
    policy, span, zone = question.would.policy, question.span, difference.zone
    since, last = (f"{at.astimezone(zone):%Y-%m-%d}" for at in (span.since, span.last))
    line(f"{policy.name}, version {policy.version}, from {since} to {last}:")
    line(f"{difference.different} of {difference.subscribers} subscribers would see a difference.")
    line("")
    table(("", "did", "would"), list(_rows(difference, question.would.currency)), empty="")
    _say_changes(first, more)
    line("")
    line("Suspensions by day:")
    sides = {"did": difference.did.suspensions, "would": difference.would.suspensions}
    for text in strips(list(days(span, zone)), sides, fancy=_fancy()):
        line(text)
    line("")
    for text in _caveats(difference):
        line(text)


def _rows(difference: Difference, currency: str) -> Iterator[tuple[str, str, str]]:
    did, would = difference.did, difference.would
    for key in sorted(did.events.keys() | would.events.keys()):
        yield " ".join(key).strip(), str(did.events[key]), str(would.events[key])
    for charge in sorted(did.money.keys() | would.money.keys()):
        was, would_be = (f"{money_text(side.money[charge])} {currency}" for side in (did, would))
        yield f"money, {charge}", was, would_be
    yield "suspensions", str(did.suspensions.total()), str(would.suspensions.total())
    yield "subscribers suspended", str(did.suspended), str(would.suspended)
    yield "days suspended, together", f"{did.suspended_days:.1f}", f"{would.suspended_days:.1f}"


def _say_changes(first: Sequence[Compared], more: int) -> None:
    if not first:
        return
    line("")
    names = {Which.WOULD: "would", Which.DID: "did"}
    columns = ("day", "subscriber", "only", "what")
    rows = [
        (str(one.day), str(one.event.subscriber), names[one.which], one.event.text) for one in first
    ]
    table(columns, rows, empty="")
    if more:
        line(f"... and {more} more; --json has all of them.")


def _caveats(difference: Difference) -> Iterator[str]:
    yield from _CAVEATS
    if difference.refused:
        yield f"{difference.refused} of the things that people told would have been refused."
    if difference.unseen_days:
        days_ = f"{difference.unseen_days:.1f} days"
        yield f"Service was off for {days_} in which it would be on: what was not used is unknown."


def _fancy() -> bool:
    console = Console(file=sys.stdout)
    return console.is_terminal and (console.encoding or "").lower().startswith("utf")
