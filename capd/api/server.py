"""The one HTTP server: what answers, on which address, with which headers."""

import asyncio
import errno
import logging
from collections.abc import Iterable
from contextlib import suppress
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from capd.api.problems import problems
from capd.api.watch import Ready, Watch
from capd.errors import CapdError, ConfigError
from capd.metrics import Metrics

log = logging.getLogger(__name__)
logging.getLogger("aiohttp.server").addFilter(
    lambda record: not record.exc_info or not isinstance(record.exc_info[1], HttpProcessingError)
)  # what is no HTTP is answered with a 400; whoever sends it shall not fill the log

CLOSING = web.AppKey("closing", asyncio.Event)
"""Set when the server is about to end: whoever answers for long ends then."""

_IDLE_S = 30.0  # for the next request, and for the whole head of one
_LINGER_S = 2.0  # for the rest of a body that nobody wants, so that the answer is read
_STOP_S = 2.0  # for answers on their way when the daemon ends
_LARGEST_BODY = 64 * 1024
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; base-uri 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
_CANNOT_LISTEN = {
    errno.EADDRINUSE: "is in use: stop what listens there, or change [api] listen",
    errno.EACCES: "may not be listened on by this user: take a port above 1023 in [api] listen",
    errno.EADDRNOTAVAIL: "is no address of this machine: change [api] listen",
}


class Api:
    """The one HTTP server; *tables* are further routes (/api/v1, /portal, /field)."""

    def __init__(
        self,
        listen: str,
        metrics: Metrics,
        ready: Ready,
        *,
        tables: Iterable[web.RouteTableDef] = (),
        idle_s: float = _IDLE_S,
    ) -> None:
        self._listen, self._idle_s = listen, idle_s
        self._host, self._port = host_and_port(listen)
        self._watch = Watch(metrics, ready)
        self._tables = (self._watch.routes(), *tables)
        self._runner: web.AppRunner | None = None
        self.address: str | None = None  # "http://127.0.0.1:8080" once it listens

    async def run(self) -> None:
        """Serve until cancelled. Raises CapdError when the address cannot be listened on."""
        await self.start()
        try:
            await asyncio.Event().wait()
        finally:
            await self.stop()

    async def start(self) -> str:
        """Listen, and return where; port 0 takes a free one. Raises CapdError when it cannot."""
        app = web.Application(middlewares=[problems], client_max_size=_LARGEST_BODY)
        app.on_response_prepare.append(_protect)
        app[CLOSING] = asyncio.Event()
        app.on_shutdown.append(_close)
        for table in self._tables:
            app.add_routes(table)
        self._runner = web.AppRunner(
            app,
            access_log=None,
            shutdown_timeout=_STOP_S,
            keepalive_timeout=self._idle_s,
            lingering_time=_LINGER_S,
        )
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, self._host, self._port).start()
        except OSError as exc:
            await self.stop()
            raise CapdError(f"{self._listen} {_why(exc)}") from exc
        self.address = f"http://{_written(self._runner.addresses[0])}"
        log.info("listening on %s", self.address)
        return self.address

    async def stop(self) -> None:
        """Close the server; what is being answered gets two seconds."""
        runner, self._runner, self.address = self._runner, None, None
        if runner is not None:
            await runner.cleanup()
        self._watch.close()


async def _close(app: web.Application) -> None:
    app[CLOSING].set()


async def _protect(_: web.Request, response: web.StreamResponse) -> None:
    response.headers["Server"] = "capd"  # not whose library, in which version
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)


def host_and_port(listen: str) -> tuple[str | None, int]:
    """Return what "127.0.0.1:8080", "[::1]:0" or ":8080" (every address) names.

    Raises ConfigError with one line.
    """
    with suppress(ValueError):
        split = urlsplit(f"//{listen}")
        if split.port is not None and split.netloc == listen and "@" not in listen:
            return split.hostname, split.port
    raise ConfigError(f'api.listen: wants an address such as "127.0.0.1:8080", not {listen!r}')


def _why(exc: OSError) -> str:
    known = _CANNOT_LISTEN.get(exc.errno or 0)
    return known or f"cannot be listened on ({exc.strerror or exc}): change [api] listen"


def _written(address: tuple[str, int]) -> str:
    host, port = address[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
