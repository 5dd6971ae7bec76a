"""`capd report`: usage of any range for regulators and resellers, the readings behind a charge."""

import json as json_
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, TextIO

import typer

from capd import config as configuration
from capd.answers import reports
from capd.answers.reports import Part, Row
from capd.answers.subscribers import known
from capd.cli import progress
from capd.cli.books import Books, opened, span_of, wait
from capd.cli.options import ConfigFile, Csv, From, Json, To
from capd.cli.output import as_json, csv_writer, harmless, line, listed, problem
from capd.cli.progress import Done
from capd.clock import utc_now
from capd.config import Config
from capd.errors import CannotBeDone, ConfigError
from capd.model import SubscriberId
from capd.units import size_text

app = typer.Typer(help="Usage of any range; the readings behind a charge.", no_args_is_help=True)

_USAGE = (
    "subscriber", "part", "from", "to", "down_bytes", "up_bytes", "total_bytes",
    "estimated_bytes", "unknown_s", "cut",
)  # fmt: skip
_NOT_BEHIND = frozenset(  # what is told in the lines above, or is not what the amount comes from
    {
        *("id", "at", "subscriber", "clause", "text", "charge", "charge_id", "amount", "currency"),
        *("hash", "unbroken", "counts", "adds_up", "readings", "readings_bytes", "posted_later"),
        *("kept_as_a_whole", "matter", "key", "open", "due_at"),
    }
)
_CUT = "cut: kept as a whole, and it reaches beyond the range: in no other row"
Whom = Annotated[
    str | None, typer.Option("--subscriber", metavar="S", help="Only theirs.", show_default=False)
]


@app.command()
def usage(  # noqa: PLR0917 - typer makes options of them
    since: From = None,
    until: To = None,
    subscriber: Whom = None,
    by: Annotated[Part, typer.Option("--by", help="Parts, in local time.")] = Part.WHOLE,
    csv: Csv = False,
    json: Json = False,
    out: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="FILE", help="Written there.", show_default=False),
    ] = None,
    config: ConfigFile = None,
) -> None:
    """Report what everybody used: by default in this month so far, a line a subscriber (E-4).

    Figures are the ledger's, exact. What is only kept as a whole hour, day or period and reaches
    beyond the range stands in rows of its own, marked cut.
    """
    if csv and json:
        raise ConfigError("capd report usage: --csv and --json: one of them")
    settings = configuration.load(config)
    span = span_of(since, until, settings, default=_this_month(settings))
    with _written(out) as file, progress.bar("Adding up") as done:
        write = _writer(file, csv=csv, json=json)
        rows, cut = wait(_usage(config, span, by, subscriber, write, done))
    if out is not None and not json:
        line(f"{out}: {rows} rows")
    if cut:
        problem(f"{cut} rows are {_CUT}; begin and end at whole days to avoid it")


def _this_month(settings: Config) -> tuple[datetime, datetime]:
    now = utc_now()
    local = now.astimezone(settings.operator.zone)
    start = local.replace(day=1, hour=0, minute=0, second=0, microsecond=0, fold=0)
    return start, max(now, start + timedelta(seconds=1))


@contextmanager
def _written(out: Path | None) -> Iterator[TextIO]:
    """Give a file that is there only when it is whole; None: standard output."""
    if out is None:
        yield sys.stdout
        return
    half = out.with_name(f"{out.name}.part")
    try:
        with half.open("w", encoding="utf-8", newline="") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        half.replace(out)
    except OSError as exc:
        raise CannotBeDone(f"{out}: {exc.strerror}") from None
    finally:
        half.unlink(missing_ok=True)


async def _usage(  # noqa: PLR0917 - an option each
    path: Path | None,
    span: tuple[datetime, datetime],
    by: Part,
    who: str | None,
    write: Callable[[Row], object],
    done: Done,
) -> tuple[int, int]:
    """Write the rows as they come; return how many there were, and how many of them are cut."""
    count = cut = 0
    async with opened(path) as books:
        only = None if who is None else await _whom(books, who)
        async for row in reports.usage(books.house, *span, by, only=only, progress=done):
            write(row)
            count += 1
            cut += bool(row["cut"])
    return count, cut


async def _whom(books: Books, who: str) -> SubscriberId:
    """Return *who*, also when only the ledger knows them by now; NoSuch where nothing does."""
    if await books.store.reports.knows(SubscriberId(who)):
        return SubscriberId(who)
    return (await known(books.house, who)).id


def _writer(file: TextIO, *, csv: bool, json: bool) -> Callable[[Row], object]:
    """Return what writes one row to *file*."""
    if json:
        return lambda row: file.write(f"{json_.dumps(row, ensure_ascii=False)}\n")
    if csv:
        write = csv_writer(file)
        write(_USAGE)
        return lambda row: write([_cell(row, name) for name in _USAGE])
    return lambda row: file.write(f"{harmless(_sentence(row))}\n")


def _cell(row: Row, name: str) -> object:
    return ("cut" if row["cut"] else "") if name == "cut" else row[name]


def _sentence(row: Row) -> str:
    when = row["part"] or f"{row['from']} to {row['to']}"
    down, up, both = (size_text(int(str(row[f"{k}_bytes"]))) for k in ("down", "up", "total"))
    cut = "  (cut)" if row["cut"] else ""
    return f"{row['subscriber']}  {when}  down {down}  up {up}  {both}{cut}"


@app.command()
def charge(
    which: Annotated[
        str | None,
        typer.Argument(metavar="ID", help="Of the event, or the charge's own.", show_default=False),
    ] = None,
    subscriber: Whom = None,
    json: Json = False,
    config: ConfigFile = None,
) -> None:
    """Show the readings behind a charge, or behind all of a subscriber (E-5).

    They are kept for at least 60 days after the charge. Ends with 1 where they do not come to the
    bytes that the charge names.
    """
    if (which is None) == (subscriber is None):
        raise ConfigError("capd report charge: wants an ID or --subscriber")
    wrong = wait(_charges(config, which, subscriber, json=json))
    if wrong:
        raise CannotBeDone(f"charge {', '.join(wrong)}: the readings do not add up to its bytes")


async def _charges(
    path: Path | None, which: str | None, who: str | None, *, json: bool
) -> list[str]:
    """Print charges one by one, as lines of JSON where it is several; return those that are off."""
    wrong = []
    async with opened(path) as books:
        whose = None if who is None else (await known(books.house, who)).id
        found = await books.store.reports.charges(subscriber=whose, key=which)
        if which is not None and not found:
            raise CannotBeDone(f"there is no charge {which!r}: `capd report charge --subscriber S`")
        for one in found:
            record = await reports.charge(books.house, one)
            if json:
                as_json(record, at_once=which is None)
            else:
                _say_charge(record, whole=which is not None)
            if record["adds_up"] is False:
                wrong.append(str(one.number))
    return wrong


def _say_charge(record: Row, *, whole: bool) -> None:
    amount = f"{record['amount']} {record['currency']}"
    line(f"{record['id']}  {record['at']}  {record['charge']}: {amount}")
    line(f"  {record['text']}")
    for key in sorted(record.keys() - _NOT_BEHIND):
        line(f"  {key.replace('_', ' ')}: {record[key]}")
    if record["adds_up"] is None:
        line("  no bytes are behind it")
        return
    adds_up = "which is what the charge names" if record["adds_up"] else "and the charge names"
    named = "" if record["adds_up"] else f" {record['counted_bytes']}"
    readings, kept = listed(record["readings"]), listed(record["kept_as_a_whole"])
    line(f"  {len(readings)} readings come to {record['readings_bytes']} bytes, {adds_up}{named}")
    for row in [*kept, *readings] if whole else ():
        meter = f"{row['device']} {row['meter']}" if "device" in row else "kept as a whole"
        down, up = row["down_bytes"], row["up_bytes"]
        line(f"  {row['from']}  {row['to']}  {meter}  down {down}  up {up}  {row.get('rule', '')}")
