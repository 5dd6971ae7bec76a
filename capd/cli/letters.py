"""`capd notices preview` and its like: how what subscribers are told reads, and may be changed."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from capd import config as configuration
from capd.cli.books import opened, wait
from capd.cli.options import ConfigFile, Json
from capd.cli.output import as_json, line, table
from capd.clock import utc_now
from capd.config import Config
from capd.errors import CannotBeDone, ConfigError
from capd.model import Event, SubscriberId
from capd.notify.files import ENDINGS, SHIPPED, BadLetter, read
from capd.notify.letter import Message
from capd.notify.samples import addressee, checked, samples
from capd.notify.values import VARIABLES, WORDS, Addressee, addressee_of
from capd.store.trail import Trail
from capd.strict import did_you_mean
from capd.told import TOLD

_PAGE = 1000


def preview(
    kind: Annotated[str, typer.Argument(metavar="KIND", help="Such as hold_opened, usage_80.")],
    subscriber: Annotated[
        str | None,
        typer.Option(
            "--subscriber", metavar="S", show_default=False,
            help="To whom: the last event of that kind, or a made-up one with their name.",
        ),
    ] = None,
    html: Annotated[bool, typer.Option("--html", help="The page instead of the text.")] = False,
    json: Json = False,
    config: ConfigFile = None,
) -> None:  # fmt: skip
    """Show what would be sent about an event of a kind; nothing is."""
    settings = configuration.load(config)
    wanted = "notice" if kind.startswith("usage_") else kind
    if wanted not in TOLD:
        guess = did_you_mean(kind, TOLD)
        raise ConfigError(f"nobody is told of {kind!r}.{guess}".removesuffix("."))
    message, made_up = wait(_preview(config, settings, wanted, kind, subscriber))
    if json:
        record = {"subject": message.subject, "text": message.text, "html": message.html}
        as_json({"kind": kind, "made_up": made_up, **record})
    elif html:
        for each in message.html.splitlines():
            line(each)
    else:
        line(f"Subject: {message.subject}")
        for each in ["", *message.text.splitlines()]:
            line(each)


async def _preview(
    path: Path | None, settings: Config, kind: str, asked: str, who: str | None
) -> tuple[Message, bool]:
    operator = settings.operator
    event, to = next(samples(kind)), addressee(operator.name, operator.support)
    made_up = True
    if who is not None:
        event, to, made_up = await _about(path, kind, asked, who, event)
    elif asked != kind:
        event = replace(event, figures={**event.figures, "notice": asked})
    try:
        return checked(settings.notify.templates).rendered(event, to), made_up
    except BadLetter as exc:
        raise ConfigError(str(exc)) from None


async def _about(
    path: Path | None, kind: str, asked: str, who: str, sample: Event
) -> tuple[Event, Addressee, bool]:
    """Return the last such event of *who*, else the sample in their name; and the addressee."""
    async with opened(path) as books:
        person = await books.store.people.subscriber(SubscriberId(who))
        if person is None:
            raise await books.nobody(who)
        products = await books.store.people.products()
        found = await _last(books.store.trail, person.id, kind, asked)
        event = found or replace(sample, subscriber=person.id, at=utc_now())
        to = addressee_of(event, person, products, books.config.operator)
        return event, to, found is None


async def _last(trail: Trail, who: SubscriberId, kind: str, asked: str) -> Event | None:
    last, after = None, 0
    while page := await trail.events(after=after, limit=_PAGE, subscriber=who):
        after = page[-1][0]
        found = [event for _, event in page if event.kind == kind]
        wanted = [event for event in found if asked in (kind, event.figures.get("notice"))]
        last = wanted[-1] if wanted else last
    return last


def kinds(json: Json = False, config: ConfigFile = None) -> None:
    """List what subscribers are told about, and which templates say it."""
    settings = configuration.load(config)
    letters = checked(settings.notify.templates)
    own = {
        kind: [name for name in (f"{kind}{end}" for end in ENDINGS) if name in letters]
        for kind in TOLD
    }
    if json:
        as_json(
            [
                {
                    "kind": kind,
                    "about": telling.about,
                    "channels": list(telling.channels),
                    "told": kind not in settings.notify.off,
                    "templates": own[kind],
                }
                for kind, telling in TOLD.items()
            ]
        )
        return
    table(
        ("kind", "told over", "about", "templates"),
        [
            (
                kind,
                "off" if kind in settings.notify.off else ", ".join(telling.channels),
                telling.about,
                ", ".join(own[kind]) or "generic.j2",
            )
            for kind, telling in TOLD.items()
        ],
        empty="None.",
    )


def variables(json: Json = False) -> None:
    """List what templates may use, and what they set."""
    if json:
        as_json({"variables": dict(VARIABLES), "words": dict(WORDS)})
        return
    table(("variable", "is"), list(VARIABLES.items()), empty="")
    line("")
    table(("set in KIND.j2", "is"), list(WORDS.items()), empty="")


def templates(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Made where it is not there.")],
) -> None:
    """Copy capd's templates to a folder, to change them; keep only those that you change."""
    there = [name for name in read(SHIPPED) if (folder / name).exists()]
    if there:
        raise CannotBeDone(f"{folder}: {', '.join(there)}: there already, and left alone")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, source in read(SHIPPED).items():
            (folder / name).write_text(source.text, encoding="utf-8")
    except OSError as exc:
        raise CannotBeDone(f"{folder}: {exc.strerror}") from None
    line(f"{folder}: set [notify] templates to it, and delete what you do not change")
