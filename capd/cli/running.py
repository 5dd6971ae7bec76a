"""What runs: the daemon, one round by hand, the demo, a replay."""

import logging
import signal
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from capd import config as configuration
from capd import inventory as inventories
from capd import policies
from capd.cli.books import open_store, wait
from capd.cli.options import ConfigFile, Json
from capd.cli.output import as_json, line, problem, table
from capd.clock import utc_now
from capd.config import Config, Operator
from capd.daemon import Daemon
from capd.decide.facts import FACTS
from capd.errors import ConfigError
from capd.model import Inventory
from capd.once import once as taken_once
from capd.quick import seldom_collected
from capd.replay import misshapen
from capd.replay import replay as replayed
from capd.units import size_text

_LOG = "%(asctime)s %(levelname)s %(name)s: %(message)s"


def logged(level: int = logging.INFO) -> None:
    """Send the log to standard error."""
    logging.basicConfig(level=level, format=_LOG, stream=sys.stderr)
    for noisy in ("asyncio", "paramiko", "netmiko", "alembic"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


def run(
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Log more.")] = False,
    config: ConfigFile = None,
) -> None:
    """Run the daemon; SIGTERM ends it cleanly, SIGHUP reads the configuration again."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # nothing is read yet: nothing to read again
    settings = configuration.load(config)
    logged(logging.DEBUG if verbose else logging.INFO)
    wait(Daemon(settings).run())


def once(json: Json = False, config: ConfigFile = None) -> None:
    """Take every turn once, by hand: collect, account, decide, enforce, notify; then sum up."""
    settings = configuration.load(config)
    logged(logging.WARNING)
    summary = wait(taken_once(settings, utc_now, _progress))
    if json:
        as_json(summary.record())
        return
    for name, value in summary.record().items():
        if name != "problems":
            line(f"{name.replace('_', ' ')}: {value}")
    for each in summary.problems:
        problem(each)


def _progress(turn: str, done: int, whole: int) -> None:
    """Show on a terminal how far a turn is; whoever reads a pipe wants the sum alone."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\r{turn}: {done} of {whole}" + ("\n" if done >= whole else ""))


def demo(
    subscribers: Annotated[
        int, typer.Option("--subscribers", metavar="N", min=1, help="How many households.")
    ] = 40,
    seconds: Annotated[
        float | None,
        typer.Option(
            "--seconds", metavar="S", min=1, help="Else until Ctrl-C.", show_default=False
        ),
    ] = None,
    port: Annotated[
        int | None,
        typer.Option("--port", metavar="P", min=1, max=65_535, help="Of the page in a browser."),
    ] = None,
    config: ConfigFile = None,  # noqa: ARG001 - every command takes -c; a demo has its own
) -> None:
    """Play a wireless operator: real SNMP, MQTT and SSH on loopback to pretend radios."""
    # the pretend network's servers would make every other command start slower
    from capd.demo import demo as play  # noqa: PLC0415

    play(subscribers=subscribers, seconds=seconds, port=port)


def replay(
    file: Annotated[
        Path | None, typer.Argument(metavar="FILE", help="JSON lines; - is standard input.")
    ] = None,
    *,
    policy: Annotated[
        list[Path] | None,
        typer.Option("--policy", metavar="P", show_default=False, help="May be given again."),
    ] = None,
    inventory: Annotated[
        Path | None, typer.Option("--inventory", metavar="I", show_default=False)
    ] = None,
    facts: Annotated[bool, typer.Option("--facts", help="List the facts a file may tell.")] = False,
    json: Json = False,
    config: ConfigFile = None,
) -> None:
    """Play readings and facts of a file through the real accounting and policy; change nothing.

    Without --inventory the one in the store is taken, without --policy the configured one.
    """
    if facts:
        _list_facts(json=json)
        return
    if file is None:
        raise ConfigError("capd replay: FILE is missing: readings and facts, a JSON line each")
    wait(_replay(file, policy, inventory, config, json=json))


def _list_facts(*, json: bool) -> None:
    kinds = {
        name: {
            "required": ["at", *(["subscriber"] if kind.of_subscriber else []), *kind.required],
            "optional": list(kind.optional),
            "help": kind.help,
        }
        for name, kind in FACTS.items()
    }
    if json:
        as_json(kinds)
        return
    table(
        ("fact", "needs", "may have", "what it does"),
        [
            (name, ", ".join(kind.required), ", ".join(kind.optional), kind.help)
            for name, kind in FACTS.items()
        ],
        empty="",
    )


async def _replay(
    file: Path, rules: list[Path] | None, listed: Path | None, path: Path | None, *, json: bool
) -> None:
    settings = _settings(path, needed=listed is None)
    problems: list[str] = []
    with _gathered(problems):
        told = await _inventory(listed, settings)
    with _gathered(problems):
        book = policies.book(rules or _rules(settings))
    with _gathered(problems):
        lines = _lines(file)
        if problems:  # else they are found on the way, with what the inventory lacks
            raise ConfigError(*misshapen(str(file), lines))
    if problems:
        raise ConfigError(*problems)
    records = replayed(
        str(file),
        lines,
        inventory=told,
        policy=book,
        zone=settings.operator.zone,
        currency=settings.operator.currency,
        refused=problem,
    )
    with seldom_collected():
        async for record in records:
            if json:
                as_json(record, at_once=True)
            else:
                line(_sentence(record))


@contextmanager
def _gathered(problems: list[str]) -> Iterator[None]:
    """Put the mistakes of one file beside those of the others."""
    try:
        yield
    except ConfigError as exc:
        problems += exc.problems


def _settings(path: Path | None, *, needed: bool) -> Config:
    """Return the configuration; a replay that is told everything else does without one."""
    try:
        return configuration.load(path)
    except ConfigError:
        if needed or path is not None:
            raise
    try:
        configuration.find(None)
    except ConfigError:
        return Config(operator=Operator())
    return configuration.load(None)


def _rules(settings: Config) -> tuple[Path, ...]:
    """Return the policy that is configured; without a configuration the one capd comes with."""
    if not settings.source:
        return (policies.default_path(),)
    return tuple(Path(name) for name in settings.decide.policies)


async def _inventory(listed: Path | None, settings: Config) -> Inventory:
    if listed is not None:
        return inventories.read(listed)
    async with open_store(settings) as store:
        return await store.people.inventory()


def _lines(file: Path) -> list[bytes]:
    try:
        data = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
    except FileNotFoundError:
        raise ConfigError(f"{file}: no such file") from None
    except OSError as exc:
        raise ConfigError(f"{file}: cannot be read: {(exc.strerror or '').lower()}") from None
    return data.splitlines()


def _sentence(record: Mapping[str, object]) -> str:
    if record["kind"] != "usage":
        return f"{record['at']}  {record['subscriber']}  {record['kind']}: {record['text']}"
    counted, allowance = record["counted_bytes"], record["allowance_bytes"]
    used = size_text(counted) if isinstance(counted, int) else "?"
    of = size_text(allowance) if isinstance(allowance, int) else "unlimited"
    return f"{record['period']}  {record['subscriber']}  used {used} of {of}"
