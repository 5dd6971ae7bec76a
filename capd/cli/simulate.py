"""`capd simulate`: what a changed policy or products would have done, beside what did happen."""

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Annotated, TypeVar
from zoneinfo import ZoneInfo

import typer

from capd import inventory as inventories
from capd import policies
from capd.cli import progress, simulated
from capd.cli.books import Books, opened, wait
from capd.cli.in_force import terms_of
from capd.cli.options import ConfigFile, Json
from capd.errors import CannotBeDone, ConfigError
from capd.hindsight.difference import Compared, Difference, Which
from capd.hindsight.known import Span
from capd.hindsight.run import Question, lives, range_of
from capd.model import Product, ProductId
from capd.strict import did_you_mean

_DAY = timedelta(days=1)
_SHOWN = 20
_LIGHT = frozenset({"notice", "hold_closed"})
_T = TypeVar("_T")


_Rules = Annotated[
    Path | None,
    typer.Option(
        "--policy", metavar="P", help="The changed policy. Else the one in force.",
        show_default=False,
    ),
]  # fmt: skip
_Products = Annotated[
    Path | None,
    typer.Option(
        "--products", "--inventory", metavar="FILE",
        help="Changed or new products, by id; nothing else in the file is looked at.",
        show_default=False,
    ),
]  # fmt: skip
_Since = Annotated[
    str | None,
    typer.Option(
        "--from", metavar="D", help="The first local day. Else that of the first usage.",
        show_default=False,
    ),
]  # fmt: skip
_Until = Annotated[
    str | None,
    typer.Option(
        "--to", metavar="D", help="The last local day. Else that of the last usage.",
        show_default=False,
    ),
]  # fmt: skip


def simulate(  # noqa: PLR0917 - typer makes options of them
    policy: _Rules = None,
    products: _Products = None,
    since: _Since = None,
    until: _Until = None,
    json: Json = False,
    config: ConfigFile = None,
) -> None:
    """Show what a changed policy or products would have done with the usage in the store.

    Everybody is judged again from the first day on, as if the policy held from then; what people
    and billing told stays as it was told. Nothing is written, and nobody is told anything.

    With --json one object: policy, from, to, zone, currency; events, each as `capd events` has it,
    with day (local) and happened: both (on the same day), would or did (only that); totals with
    would and did (events by kind, charges, suspensions, suspended_subscribers, suspended_days);
    days with the suspensions of each; subscribers, different_subscribers, refused_facts,
    unseen_days (of service that was off and would have been on: nobody knows their usage).
    """
    if policy is None and products is None:
        raise ConfigError("capd simulate: what is changed? --policy P, --products FILE, or both")
    wait(_simulate(policy, products, (since, until), config, json=json))


async def _simulate(
    rules: Path | None,
    listed: Path | None,
    days: tuple[str | None, str | None],
    config: Path | None,
    *,
    json: bool,
) -> None:
    async with opened(config) as books:
        question = await _question(books, rules, listed, days)
        difference = Difference(zone=question.would.zone, span=question.span)
        with progress.bar("simulating") as done:
            found = lives(books.store, question, difference, done)
            if json:
                await simulated.as_json(question, difference, found)
                return
            first, more = await _changed(found)
    simulated.as_text(question, difference, first, more)


async def _question(
    books: Books, rules: Path | None, listed: Path | None, days: tuple[str | None, str | None]
) -> Question:
    """Return what is asked; every mistake in policy, products and days at once."""
    did = await terms_of(books)
    catalogue = did.catalogue
    mistakes: list[str] = []
    policy = _gathered(mistakes, lambda: policies.load(rules)) if rules else did.policy
    changed = _gathered(mistakes, lambda: _products(listed, catalogue)) if listed else catalogue
    first, last = (
        _gathered(mistakes, lambda name=name, text=text: _day(name, text))  # type: ignore[misc]
        for name, text in zip(("--from", "--to"), days, strict=True)
    )
    if first is not None and last is not None and first > last:
        mistakes.append(f"--to: {last} is before --from {first}")
    if mistakes or policy is None or changed is None:
        raise ConfigError(*mistakes)
    return Question(
        would=replace(did, policy=policy, catalogue=changed, book=None if rules else did.book),
        did=did,
        span=await _span(books, first, last),
    )


def _gathered(mistakes: list[str], read: Callable[[], _T]) -> _T | None:
    try:
        return read()
    except ConfigError as exc:
        mistakes += exc.problems
        return None


def _products(listed: Path, catalogue: Mapping[ProductId, Product]) -> Mapping[ProductId, Product]:
    told = inventories.read(listed).products
    if not told:
        raise ConfigError(f"{listed}: products: there is none in it")
    changed = {**catalogue, **{product.id: product for product in told}}
    nowhere = [
        f"{listed}: product {product.id}: upgrade_to: no product {product.upgrade_to!r}."
        f"{did_you_mean(product.upgrade_to, changed)}".removesuffix(".")
        for product in told
        if product.upgrade_to is not None and product.upgrade_to not in changed
    ]
    if nowhere:
        raise ConfigError(*nowhere)
    return changed


def _day(option: str, text: str | None) -> date | None:
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ConfigError(f"{option}: wants a day such as 2026-03-01, not {text!r}") from None


async def _span(books: Books, first: date | None, last: date | None) -> Span:
    """Return the days asked for, as far as there is usage; CannotBeDone where there is none."""
    there = await range_of(books.store)
    if there is None:
        raise CannotBeDone("there is no usage in the store yet: nothing to simulate")
    zone = books.house.zone
    since = there.since if first is None else max(there.since, _midnight(first, zone))
    until = there.until if last is None else min(there.until, _midnight(last + _DAY, zone))
    if since >= until:
        known = [f"{at.astimezone(zone):%Y-%m-%d}" for at in (there.since, there.last)]
        raise CannotBeDone(f"there is no usage then; there is from {known[0]} to {known[1]}")
    return Span(since=since, until=until)


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone).astimezone(UTC)


async def _changed(found: AsyncIterator[Compared]) -> tuple[list[Compared], int]:
    """Return the first events that are on one side only, and how many more there are.

    Notices and the ends of holds are only told where there is room.
    """
    weighty: list[Compared] = []
    light: list[Compared] = []
    count = 0
    async for one in found:
        if one.which is not Which.BOTH:
            count += 1
            side = light if one.event.kind in _LIGHT else weighty
            if len(side) < _SHOWN:
                side.append(one)
    first = [*weighty, *light][:_SHOWN]
    return first, count - len(first)
