"""HTTP: what a scraper and a watchdog ask; further route tables hang on the same server.

A handler reads, or writes a fact; it never touches a device.
"""

import asyncio
import errno
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from http import HTTPStatus
from urllib.parse import urlsplit

from aiohttp import web

from capd import __version__
from capd.errors import CapdError, ConfigError
from capd.metrics import Metrics

log = logging.getLogger(__name__)

Ready = Callable[[], Awaitable[Mapping[str, str | None]]]
"""Say how each check went: None, or one line on what is wrong."""

_READY_S = 5.0  # a check that takes longer has failed
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
_FRONT = f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>capd</title>
<meta name="viewport" content="width=device-width, initial-scale=1"></head><body>
<h1>capd {__version__}</h1>
<ul>
<li><a href="/metrics">/metrics</a>: what is counted, for Prometheus</li>
<li><a href="/healthz">/healthz</a>: the daemon is alive</li>
<li><a href="/readyz">/readyz</a>: it can do its work</li>
</ul>
</body></html>
"""
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
    ) -> None:
        self._listen = listen
        self._host, self._port = host_and_port(listen)
        self._watch = _Watch(metrics, ready)
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
        app = web.Application(middlewares=[_problems], client_max_size=_LARGEST_BODY)
        app.on_response_prepare.append(_protect)
        for table in self._tables:
            app.add_routes(table)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=_STOP_S)
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


class _Watch:
    """The routes for machines that watch the daemon."""

    def __init__(self, metrics: Metrics, ready: Ready) -> None:
        self._metrics = metrics
        self._ready = ready
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="metrics")  # scrapes wait in line

    def close(self) -> None:
        self._thread.shutdown(wait=False, cancel_futures=True)

    def routes(self) -> web.RouteTableDef:
        table = web.RouteTableDef()
        table.get("/")(self.front)
        table.get("/healthz")(self.healthz)
        table.get("/readyz")(self.readyz)
        table.get("/metrics")(self.metrics)
        return table

    async def front(self, _: web.Request) -> web.Response:
        return web.Response(text=_FRONT, content_type="text/html")

    async def healthz(self, _: web.Request) -> web.Response:
        return web.Response(text="ok\n")

    async def readyz(self, _: web.Request) -> web.Response:
        try:
            async with asyncio.timeout(_READY_S):
                checks = await self._ready()
        except TimeoutError:
            checks = {"checks": f"no answer in {_READY_S:.0f} s"}
        except CapdError as exc:
            checks = {"checks": str(exc)}
        ready = not any(checks.values())
        answer = {"ready": ready, "checks": {name: why or "ok" for name, why in checks.items()}}
        status = HTTPStatus.OK if ready else HTTPStatus.SERVICE_UNAVAILABLE
        return web.json_response(answer, status=status)

    async def metrics(self, request: web.Request) -> web.Response:
        packed = "gzip" in request.headers.get("Accept-Encoding", "")
        accept = request.headers.get("Accept", "")
        loop = asyncio.get_running_loop()
        body, content_type = await loop.run_in_executor(
            self._thread, lambda: self._metrics.render(accept, packed=packed)
        )
        headers = {"Content-Type": content_type, "Vary": "Accept, Accept-Encoding"}
        if packed:
            headers["Content-Encoding"] = "gzip"
        return web.Response(body=body, headers=headers)


@web.middleware
async def _problems(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Turn what went wrong into a problem document (RFC 9457)."""
    try:
        return await handler(request)
    except web.HTTPException as exc:
        if exc.status < HTTPStatus.BAD_REQUEST:
            raise
        allow = {"Allow": exc.headers["Allow"]} if "Allow" in exc.headers else None
        return _problem(exc.status, exc.reason, allow)
    except Exception:
        log.exception("%s %s failed", request.method, request.path)
        return _problem(HTTPStatus.INTERNAL_SERVER_ERROR, "Internal Server Error")


def _problem(status: int, title: str, headers: Mapping[str, str] | None = None) -> web.Response:
    return web.json_response(
        {"type": "about:blank", "title": title, "status": status},
        status=status,
        headers=headers,
        content_type="application/problem+json",
    )


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
