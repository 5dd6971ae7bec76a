"""The pages for machines that watch the daemon, and the front page."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus

from aiohttp import web

from capd import __version__
from capd.api.pages import page, rendered
from capd.errors import CapdError
from capd.metrics import Metrics

Ready = Callable[[], Awaitable[Mapping[str, str | None]]]
"""Say how each check went: None, or one line on what is wrong."""

_READY_S = 5.0  # a check that takes longer has failed
_LINKS = (
    ("/api/v1/docs", "the API for billing, NOC, field and portal, to read"),
    ("/api/v1/openapi.json", "the same for programs: OpenAPI 3.1"),
    ("/metrics", "what is counted, for Prometheus"),
    ("/healthz", "the daemon is alive"),
    ("/readyz", "it can do its work"),
)


class Watch:
    """The routes for machines that watch the daemon."""

    def __init__(self, metrics: Metrics, ready: Ready) -> None:
        self._metrics = metrics
        self._ready = ready
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="metrics")  # scrapes wait in line

    def close(self) -> None:
        """Let go of the thread that renders scrapes."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    def routes(self) -> web.RouteTableDef:
        """Return /, /healthz, /readyz and /metrics."""
        table = web.RouteTableDef()
        table.get("/")(self._front)
        table.get("/healthz")(self._healthz)
        table.get("/readyz")(self._readyz)
        table.get("/metrics")(self._show)
        return table

    async def _front(self, _: web.Request) -> web.Response:
        return page(rendered("front.html", {"version": __version__, "links": _LINKS}))

    async def _healthz(self, _: web.Request) -> web.Response:
        return web.Response(text="ok\n")

    async def _readyz(self, _: web.Request) -> web.Response:
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

    async def _show(self, request: web.Request) -> web.Response:
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
