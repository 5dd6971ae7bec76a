"""A pretend wireless operator in one command: everything real but the radios and the people."""

import asyncio
import logging
import signal
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console

from capd.demo.households import neighbourhood
from capd.demo.play import Play
from capd.demo.reckoning import Reckoning
from capd.errors import CapdError

_NOISY = ("capd", "amqtt", "asyncssh", "asyncio", "paramiko", "netmiko", "transitions")


def demo(*, subscribers: int = 40, seconds: float | None = None, port: int | None = None) -> None:
    """Play until *seconds* are over, or Ctrl-C; then say what it came to.

    Raises CapdError where it cannot begin, such as a *port* that is taken.
    """
    console = Console()
    with _quiet():
        reckoning = asyncio.run(_performed(subscribers, seconds, port, console))
    for line in reckoning.lines():
        console.print(line, markup=False, highlight=False, soft_wrap=True)


async def _performed(
    subscribers: int, seconds: float | None, port: int | None, console: Console
) -> Reckoning:
    play = Play(neighbourhood(subscribers), console)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, play.stop)
    try:
        return await play.run(seconds=seconds, port=port)
    except* CapdError as problems:
        raise _first(problems) from None


def _first(problems: BaseExceptionGroup[CapdError]) -> CapdError:
    """Return the one error that a person should read."""
    first = problems.exceptions[0]
    return _first(first) if isinstance(first, BaseExceptionGroup) else first


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep every library's log off the screen for the time being."""
    loggers = [logging.getLogger(name) for name in _NOISY]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
