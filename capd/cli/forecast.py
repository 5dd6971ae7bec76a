"""`capd forecast`: who will reach the cap in the running period, when, and how sure that is."""

from pathlib import Path
from typing import Annotated

import typer

from capd.cli import progress
from capd.cli.books import Books, opened, wait
from capd.cli.in_force import terms_of
from capd.cli.options import ConfigFile, Json
from capd.cli.output import as_json, line, table
from capd.clock import utc_now
from capd.decide.wording import day_text
from capd.errors import CannotBeDone, ConfigError
from capd.foresight.hindcast import DAYS, Scored, scored
from capd.foresight.run import Now, Prospect, prospect, prospects
from capd.foresight.score import Score
from capd.hindsight.run import range_of
from capd.model import SubscriberId
from capd.units import rfc3339, size_text

_AT_RISK = 0.05  # less likely than that is not listed

_Who = Annotated[
    str | None, typer.Argument(metavar="[SUBSCRIBER]", help="Whose id.", show_default=False)
]
_Scored = Annotated[
    bool, typer.Option("--score", help="How good forecasts of past periods would have been.")
]


def forecast(
    subscriber: _Who = None, score: _Scored = False, json: Json = False, config: ConfigFile = None
) -> None:
    """Show who may reach the cap before the period ends: the likeliest first, from 5 % on.

    Each one's own last eight weeks are drawn from: how much on which day of the week, and how much
    days differ; where there is little of their own, what all do stands in. Whoever asks
    again on the same day is told the same, but for the time that has passed.

    With --json a list of subscriber, period, ends, allowance_bytes, counted_bytes, expected_bytes,
    p10_bytes, p50_bytes, p90_bytes, probability, likely_day, over (already), learnt_days,
    covered_by (the next product that would cover p90_bytes), text; one such of SUBSCRIBER.
    """
    if subscriber is not None and score:
        raise ConfigError("capd forecast: --score is of all subscribers; name none")
    if score:
        wait(_score(config, json=json))
    elif subscriber is not None:
        wait(_one(config, subscriber, json=json))
    else:
        wait(_all(config, json=json))


async def _asked(books: Books) -> Now:
    if await range_of(books.store) is None:
        raise CannotBeDone("there is no usage in the store yet: nothing to learn from")
    return Now(terms=await terms_of(books), at=utc_now())


async def _one(config: Path | None, who: str, *, json: bool) -> None:
    async with opened(config) as books:
        found = await books.store.people.subscriber(SubscriberId(who))
        if found is None:
            raise await books.nobody(who)
        now = await _asked(books)
        record = _record(await prospect(books.store, now, found), now)
    if json:
        as_json(record)
    else:
        line(str(record["text"]))


async def _all(config: Path | None, *, json: bool) -> None:
    found, over, looked = [], 0, 0
    async with opened(config) as books:
        now = await _asked(books)
        with progress.bar("forecasting") as done:
            async for one in prospects(books.store, now, done):
                looked += 1
                over += one.is_over
                if one.outlook is not None and one.outlook.probability >= _AT_RISK:
                    found.append(one)
    found.sort(key=lambda one: (-_probability(one), one.standing.subscriber.id))
    records = [_record(one, now) for one in found]
    if json:
        as_json(records)
        return
    table(
        ("subscriber", "sure", "likely on", "what"),
        [
            (
                str(record["subscriber"]),
                f"{_per_cent(_probability(one))}",
                str(record["likely_day"] or ""),
                str(record["text"]),
            )
            for one, record in zip(found, records, strict=True)
        ],
        empty="Nobody is likely to reach the cap.",
    )
    line(f"{len(found)} of {looked} subscribers may reach the cap; {over} did already.")


def _probability(one: Prospect) -> float:
    return 0.0 if one.outlook is None else one.outlook.probability


def _per_cent(probability: float) -> str:
    return f"{round(probability * 100)} %"


def _record(one: Prospect, now: Now) -> dict[str, object]:
    outlook, standing = one.outlook, one.standing
    drawn: dict[str, object] = {}
    if outlook is not None:
        drawn = {
            "expected_bytes": outlook.expected_bytes,
            "p10_bytes": outlook.p10_bytes,
            "p50_bytes": outlook.p50_bytes,
            "p90_bytes": outlook.p90_bytes,
            "probability": round(outlook.probability, 4),
            "likely_day": None if outlook.likely_day is None else str(outlook.likely_day),
        }
    return {
        "subscriber": standing.subscriber.id,
        "period": standing.period.name,
        "ends": rfc3339(standing.period.end),
        "product": standing.product.id,
        "allowance_bytes": one.allowance_bytes,
        "counted_bytes": one.counted_bytes,
        **drawn,
        "over": one.is_over,
        "learnt_days": one.learnt_days,
        "covered_by": None if one.covered_by is None else one.covered_by.id,
        "text": _sentence(one, now),
    }


def _sentence(one: Prospect, now: Now) -> str:
    outlook, used = one.outlook, size_text(one.counted_bytes)
    if outlook is None:
        return f"{used} used."
    end = day_text(one.standing.period.end, now.terms.zone)
    range_ = f"{size_text(outlook.p10_bytes)} to {size_text(outlook.p90_bytes)}"
    what = f"{used} used; about {size_text(outlook.p50_bytes)} ({range_}) expected by {end}"
    if one.allowance_bytes is None:
        return f"{what}; there is no cap."
    cap = size_text(one.allowance_bytes)
    if one.is_over:
        return f"{what}; the allowance of {cap} is used up."
    sure = _per_cent(outlook.probability)
    on = f", most likely on {outlook.likely_day:%-d %B}" if outlook.likely_day else ""
    cover = f" {one.covered_by.name} would cover it." if one.covered_by and on else ""
    return f"{what}; more than {cap} with {sure} probability{on}.{cover}"


# ---- the score -----------------------------------------------------------------------------------


async def _score(config: Path | None, *, json: bool) -> None:
    async with opened(config) as books:
        now, span = await _asked(books), await range_of(books.store)
        if span is None:
            return
        with progress.bar("scoring") as done:
            found = await scored(books.store, now.terms, span, done)
    if not found.forecast.guesses:
        raise CannotBeDone(
            "there is no whole period with three weeks of usage before it yet: nothing to score"
        )
    if json:
        as_json(_score_record(found))
    else:
        _say_score(found)


def _score_record(found: Scored) -> dict[str, object]:
    return {
        "subscribers": found.subscribers,
        "forecasts": len(found.forecast.guesses),
        "forecast": _figures(found.forecast),
        "straight_line": _figures(found.line),
        "days": [
            {
                "day": day,
                "forecast": _figures(found.forecast.of_day(day)),
                "straight_line": _figures(found.line.of_day(day)),
            }
            for day in DAYS
        ],
        "calibration": [
            {"said": round(one.said, 4), "happened": round(one.happened, 4), "count": one.count}
            for one in found.forecast.calibration()
        ],
    }


def _figures(score: Score) -> dict[str, object]:
    return {"brier": round(score.brier, 4), "mean_absolute_error_bytes": score.error_bytes}


def _say_score(found: Scored) -> None:
    forecast, straight = found.forecast, found.line
    line(f"{len(forecast.guesses)} forecasts of past periods, of {found.subscribers} subscribers.")
    line("Brier score: 0 is perfect, less is better. Error: of the usage by the period's end.")
    line("")
    parts = [*((f"as of day {day}", day) for day in DAYS), ("all", None)]
    rows = []
    for name, day in parts:
        ours, theirs = (side if day is None else side.of_day(day) for side in (forecast, straight))
        rows.append(
            (
                name, f"{ours.brier:.4f}", f"{theirs.brier:.4f}",
                size_text(ours.error_bytes), size_text(theirs.error_bytes),
            )
        )  # fmt: skip
    table(("", "brier", "straight line", "error", "straight line"), rows, empty="")
    line("")
    line("What was said, and how often it came true:")
    table(
        ("said", "happened", "forecasts"),
        [
            (_per_cent(one.said), _per_cent(one.happened), str(one.count))
            for one in forecast.calibration()
        ],
        empty="",
    )
