"""`capd notices`: what subscribers were told, and what became of it: lists, bounces, the proof."""

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from capd import config as configuration
from capd.answers import notices
from capd.answers.notices import notice_record
from capd.answers.subscribers import known
from capd.bounces import Bounce, bounce_turn
from capd.cli import letters
from capd.cli.books import author, opened, span_of, wait
from capd.cli.options import ConfigFile, Csv, From, Json, Note, Subscriber, To
from capd.cli.output import as_csv, as_json, line, table
from capd.clock import utc_now
from capd.errors import CannotBeDone, ConfigError
from capd.lines import event_record
from capd.notify.reports import LARGEST

app = typer.Typer(
    help="What subscribers are told: how it reads, and what became of it.", no_args_is_help=True
)
for _command in (letters.preview, letters.kinds, letters.variables, letters.templates):
    app.command()(_command)


Failed = Annotated[bool, typer.Option("--failed", help="Only those that were given up.")]
Bounced = Annotated[bool, typer.Option("--bounced", help="Only those that came back.")]


Unwritten = Annotated[
    bool,
    typer.Option(
        "--unwritten", help="Only those without an address to mail to: for a letter or a call."
    ),
]


@app.command("list")
def list_(  # noqa: PLR0917 - typer makes options of them
    subscriber: Annotated[
        str | None, typer.Option("--subscriber", metavar="S", show_default=False)
    ] = None,
    failed: Failed = False,
    bounced: Bounced = False,
    unwritten: Unwritten = False,
    limit: Annotated[int, typer.Option("--limit", metavar="N", min=1, max=100_000)] = 1000,
    json: Json = False,
    config: ConfigFile = None,
) -> None:
    """List what subscribers were told, newest first, and what became of it."""
    if unwritten and (failed or bounced):
        raise ConfigError("--unwritten: what was not written was neither given up nor came back")
    if unwritten:
        records = wait(_unwritten(config, subscriber, limit=limit))
    else:
        records = wait(_list(config, subscriber, failed=failed, bounced=bounced, limit=limit))
    if json:
        as_json(records)
        return
    table(
        ("id", "at", "subscriber", "notice", "to", "state", "said"),
        [
            (
                str(record["id"] or "-"),
                str(record["decided_at"]),
                str(record["subscriber"]),
                str(record["notice"]),
                str(record["to"] or "-"),
                str(record["state"]),
                str(record["bounce_diagnostic"] or record["problem"] or record["answer"] or ""),
            )
            for record in records
        ],
        empty="No notices.",
    )


async def _list(
    path: Path | None, who: str | None, *, failed: bool, bounced: bool, limit: int
) -> list[dict[str, object]]:
    async with opened(path) as books:
        subscriber = None if who is None else (await known(books.house, who)).id
        found = await books.store.notices.listing(
            subscriber=subscriber, failed=failed, bounced=bounced, limit=limit
        )
    return [notice_record(notice) for notice in found]


async def _unwritten(path: Path | None, who: str | None, *, limit: int) -> list[dict[str, object]]:
    async with opened(path) as books:
        subscriber = None if who is None else (await known(books.house, who)).id
        found = await books.store.notices.unwritten(subscriber=subscriber, limit=limit)
    return [notice_record(notice) for notice in found]


@app.command()
def retry(
    notice: Annotated[int, typer.Argument(metavar="ID", help="Of `capd notices list`.")],
    note: Note,
    json: Json = False,
    config: ConfigFile = None,
) -> None:
    """Send a notice again that was given up or came back, to the address on file now."""
    record = wait(_retry(config, notice, note))
    if json:
        as_json(record)
    else:
        line(f"{record['notice']} to {record['to']} is sent again")


async def _retry(path: Path | None, notice: int, note: str) -> dict[str, object]:
    async with opened(path, change=True) as books:
        found = await books.store.notices.retry(notice, author=author(), note=note, at=utc_now())
    return notice_record(found)


@app.command()
def bounced(
    file: Annotated[str, typer.Argument(metavar="FILE|-", help="The mail; - for standard input.")],
    json: Json = False,
    config: ConfigFile = None,
) -> None:
    """Take in a delivery-failure report: the notice that it is about came back (UC-7).

    A delay, a receipt or an automatic answer is no failure: that is said, and nothing recorded.
    """
    raw = _mail(file)
    found = wait(_bounced(config, file, raw))
    if json:
        event = None if found.event is None else event_record(found.event)
        as_json({"became": found.became, "recorded": found.recorded, "event": event})
    else:
        line(found.text)


def _mail(file: str) -> bytes:
    try:
        if file == "-":
            return sys.stdin.buffer.read(LARGEST + 1)
        with Path(file).open("rb") as opened_:
            return opened_.read(LARGEST + 1)
    except OSError as exc:
        raise ConfigError(f"{file}: {exc.strerror}") from None


async def _bounced(path: Path | None, file: str, raw: bytes) -> Bounce:
    async with opened(path, change=True) as books:
        try:
            return await bounce_turn(books.house, raw, now=utc_now(), author=author())
        except ValueError as exc:
            raise ConfigError(f"{file}: {exc}") from None


@app.command()
def proof(  # noqa: PLR0917 - typer makes options of them
    subscriber: Subscriber,
    since: From = None,
    until: To = None,
    csv: Csv = False,
    json: Json = False,
    config: ConfigFile = None,
) -> None:
    """Prove what a subscriber was told: when, in which words, and how the mail server took it.

    Each notice has its hash in the audit trail, chained to the event before; `capd db check` proves
    the whole trail.
    """
    settings = configuration.load(config)
    span = span_of(since, until, settings, default=(datetime(1970, 1, 1, tzinfo=UTC), utc_now()))
    records = wait(_proof(config, subscriber, *span))
    if json:
        as_json(records)
    elif csv:
        as_csv(_PROOF, [[record[name] for name in _PROOF] for record in records], sys.stdout)
    else:
        _say_proof(subscriber, records)
    if not all(record["unbroken"] for record in records):
        raise CannotBeDone("the audit trail is not what was written: see `capd db check`")


_PROOF = (
    "event", "decided_at", "notice", "text", "clause", "channel", "to", "state", "attempts",
    "accepted_at", "answer", "message_id", "problem", "bounced_at", "bounce_status",
    "bounce_diagnostic", "hash", "unbroken",
)  # fmt: skip


async def _proof(
    path: Path | None, who: str, since: datetime, until: datetime
) -> list[dict[str, object]]:
    async with opened(path) as books:
        return [
            record async for record in notices.proof(books.house, who, since=since, until=until)
        ]


def _say_proof(who: str, records: list[dict[str, object]]) -> None:
    line(f"{who}: {len(records)} notices")
    for record in records:
        line("")
        line(f"{record['decided_at']}  {record['notice']}  (event {record['event']})")
        line(f"  {record['text']}")
        for name in _PROOF[4:-1]:
            if record[name] not in (None, 0):
                line(f"  {name.replace('_', ' ')}: {record[name]}")
