"""What a command opens before it works: the configuration, the store, the policy."""

import asyncio
import getpass
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any, TypeVar

from capd import config
from capd.answers.subscribers import nobody, standing_of
from capd.config import Config
from capd.errors import CannotBeDone, ConfigError
from capd.house import House
from capd.metrics import Metrics
from capd.model import Standing
from capd.opening import open_house
from capd.store import Store
from capd.units import moment_of, rfc3339

try:
    import uvloop
except ImportError:  # it is not built for every machine
    _new_loop: Callable[[], asyncio.AbstractEventLoop] = asyncio.new_event_loop
else:
    _new_loop = uvloop.new_event_loop

_T = TypeVar("_T")
_SQLITE = "sqlite:///"


@dataclass(frozen=True, slots=True)
class Books:
    """An open store, and by what rules it is read."""

    config: Config
    house: House

    @property
    def store(self) -> Store:
        """Return the store."""
        return self.house.store

    async def standing(self, who: str, now: datetime) -> Standing:
        """Return what is known of *who*; CannotBeDone with a guess where there is nobody."""
        return await standing_of(self.house, who, now)

    async def nobody(self, who: str) -> CannotBeDone:
        """Return the error that there is no subscriber *who*."""
        return await nobody(self.house, who)


@asynccontextmanager
async def opened(
    path: Path | None, *, change: bool = False, create: bool = False
) -> AsyncIterator[Books]:
    """Open the books by the configuration at *path*: to look, to *change*, or to *create* them.

    A change brings SQLite's file to the newest schema by itself, a server's database is left to
    `capd db upgrade`. Raises ConfigError, StoreError, CannotBeDone where nothing is there yet.
    """
    settings = config.load(path)
    _refuse_absent(settings, create=create)
    upgrade = create or (change and database_file(settings) is not None)
    house = await open_house(settings, Metrics(), upgrade=upgrade)
    try:
        yield Books(settings, house)
    finally:
        await house.store.close()


@asynccontextmanager
async def open_store(settings: Config) -> AsyncIterator[Store]:
    """Open the store alone, to read in it."""
    _refuse_absent(settings, create=False)
    store = await Store.open(settings.store.url)
    try:
        yield store
    finally:
        await store.close()


def _refuse_absent(settings: Config, *, create: bool) -> None:
    file = database_file(settings)
    if file is None:
        return
    if not create and not file.exists():
        raise CannotBeDone(f"{file}: there is no database yet; `capd import FILE` makes it")
    if create and not file.parent.is_dir():
        raise ConfigError(f"{settings.source}: store.url: there is no folder {file.parent}")


def database_file(settings: Config) -> Path | None:
    """Return SQLite's file; None for a server."""
    if not settings.store.url.startswith(_SQLITE):
        return None
    return Path(settings.store.url.removeprefix(_SQLITE).partition("?")[0])


def wait(work: Coroutine[Any, Any, _T]) -> _T:
    """Run *work* to its end, on uvloop's event loop where it is installed."""
    with asyncio.Runner(loop_factory=_new_loop) as runner:
        return runner.run(work)


def author() -> str:
    """Return who is at the keyboard, for the audit trail."""
    try:
        return f"cli:{getpass.getuser()}"
    except (KeyError, OSError):  # a container's user has no name
        return "cli"


def local_moment(text: str, settings: Config, *, option: str = "--until") -> datetime:
    """Return the moment that *text* names: with its zone, or in the operator's local time.

    Raises ConfigError that says what is accepted.
    """
    zone = settings.operator.zone
    try:
        bare = datetime.fromisoformat(text)
        return moment_of((bare if bare.tzinfo else bare.replace(tzinfo=zone)).isoformat())
    except ValueError:
        pass
    try:
        return moment_of(datetime.combine(date.fromisoformat(text), time(), zone).isoformat())
    except ValueError:
        raise ConfigError(
            f"{option}: wants a time such as 2026-03-01T09:00:00Z or 2026-03-01, not {text!r}"
        ) from None


def span_of(
    since: str | None, until: str | None, settings: Config, *, default: tuple[datetime, datetime]
) -> tuple[datetime, datetime]:
    """Return where --from begins and --to ends, a day of --to as a whole; else what is *default*.

    Raises ConfigError where one of them is no time, or they are the wrong way round.
    """
    start = default[0] if since is None else local_moment(since, settings, option="--from")
    end = default[1] if until is None else _end_of(until, settings)
    if start >= end:
        raise ConfigError(f"--from {since or rfc3339(start)}: is not before --to")
    return start, end


def _end_of(until: str, settings: Config) -> datetime:
    try:
        day = date.fromisoformat(until) + timedelta(days=1)
    except (ValueError, OverflowError):
        return local_moment(until, settings, option="--to")
    return local_moment(day.isoformat(), settings, option="--to")
