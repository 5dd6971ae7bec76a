"""The HTTP server over real sockets: what Prometheus, systemd and a load balancer ask of it."""

import asyncio
import socket
import threading
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime

import aiohttp
import pytest
from aiohttp import web
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics

from capd.api import Api, host_and_port
from capd.errors import CapdError, ConfigError, StoreError
from capd.metrics import Metrics
from capd.model import DeviceId, Poll

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


async def all_well():
    return {"database": None, "schema": None, "polls": None}


@asynccontextmanager
async def serving(listen="127.0.0.1:0", *, metrics=None, ready=all_well, tables=()):
    api = Api(listen, metrics or Metrics(), ready, tables=tables)
    address = await api.start()
    try:
        async with aiohttp.ClientSession(base_url=address) as session:
            yield session
    finally:
        await api.stop()


async def test_port_0_takes_a_free_one_and_says_which():
    api = Api("127.0.0.1:0", Metrics(), all_well)
    address = await api.start()
    try:
        assert address == api.address
        assert int(address.removeprefix("http://127.0.0.1:")) > 0
    finally:
        await api.stop()


async def test_it_listens_on_ipv6_too():
    if not socket.has_ipv6:
        pytest.skip("this machine has no IPv6")
    async with serving("[::1]:0") as http, http.get("/healthz") as answer:
        assert str(answer.url).startswith("http://[::1]:")
        assert answer.status == 200


async def test_a_scrape_negotiates_its_format_and_may_be_packed():
    metrics = Metrics()
    metrics.polled(Poll(device=DeviceId("cpe-1"), protocol="snmp", at=NOON))
    wants = {"Accept": "application/openmetrics-text; version=1.0.0"}
    async with serving(metrics=metrics) as http:
        async with http.get("/metrics", headers=wants) as answer:
            assert answer.headers["Content-Type"].startswith("application/openmetrics-text")
            assert answer.headers["Content-Encoding"] == "gzip"
            assert list(openmetrics(await answer.text()))
        plain = {"Accept-Encoding": "identity"}
        async with http.get("/metrics", headers=plain) as answer:
            assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
            assert 'capd_device_up{device="cpe-1"} 1.0' in await answer.text()


class HeldUp(Metrics):
    """Metrics whose rendering waits, as it would with very many series on a busy machine."""

    def __init__(self):
        super().__init__()
        self.go_on = threading.Event()

    def render(self, accept="", *, packed=False):
        assert self.go_on.wait(10)
        return super().render(accept, packed=packed)


async def test_the_loop_stays_alive_while_a_scrape_is_rendered():
    metrics = HeldUp()
    async with serving(metrics=metrics) as http, asyncio.TaskGroup() as group:
        scrape = group.create_task(http.get("/metrics"))
        async with http.get("/healthz") as answer:
            assert (answer.status, await answer.text()) == (200, "ok\n")
        assert not scrape.done()
        metrics.go_on.set()
        async with await scrape as answer:
            assert answer.status == 200


async def test_ready_means_that_every_check_holds():
    async with serving() as http, http.get("/readyz") as answer:
        assert answer.status == 200
        assert await answer.json() == {
            "ready": True,
            "checks": {"database": "ok", "schema": "ok", "polls": "ok"},
        }


async def test_what_is_not_ready_says_why():
    async def silent():
        return {"database": None, "polls": "no poll for 900 s"}

    async with serving(ready=silent) as http, http.get("/readyz") as answer:
        assert answer.status == 503
        assert await answer.json() == {
            "ready": False,
            "checks": {"database": "ok", "polls": "no poll for 900 s"},
        }


async def test_a_check_that_cannot_be_made_is_not_ready_and_no_crash():
    async def broken():
        raise StoreError("the database at postgresql://capd:***@db/capd does not answer")

    async with serving(ready=broken) as http, http.get("/readyz") as answer:
        assert answer.status == 503
        assert "does not answer" in (await answer.json())["checks"]["checks"]


async def test_the_front_page_links_to_what_there_is():
    async with serving() as http, http.get("/") as answer:
        page = await answer.text()
        assert answer.content_type == "text/html"
        for path in ("/metrics", "/healthz", "/readyz"):
            assert f'href="{path}"' in page


@pytest.mark.parametrize("path", ["/", "/healthz", "/readyz", "/metrics", "/nowhere"])
async def test_every_answer_carries_the_headers_that_protect_a_browser(path):
    async with serving() as http, http.get(path) as answer:
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["Server"] == "capd"


async def test_a_path_that_is_none_is_a_problem_document():
    async with serving() as http:
        async with http.get("/nowhere") as answer:
            assert answer.status == 404
            assert answer.content_type == "application/problem+json"
            problem = await answer.json(content_type="application/problem+json")
            assert problem == {"type": "about:blank", "title": "Not Found", "status": 404}
        async with http.post("/metrics") as answer:
            assert answer.status == 405
            assert answer.headers["Allow"] == "GET,HEAD"


async def test_further_route_tables_hang_on_the_same_server_and_a_bug_shows_no_traceback():
    table = web.RouteTableDef()

    @table.get("/api/v1/thing")
    async def thing(request):
        return web.json_response({"thing": 1})

    @table.get("/api/v1/bug")
    async def bug(request):
        raise ZeroDivisionError

    async with serving(tables=[table]) as http:
        async with http.get("/api/v1/thing") as answer:
            assert await answer.json() == {"thing": 1}
        async with http.get("/api/v1/bug") as answer:
            assert answer.status == 500
            assert "ZeroDivision" not in await answer.text()


async def test_an_address_that_is_taken_is_one_line_for_a_person():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        listen = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(CapdError) as caught:
            await Api(listen, Metrics(), all_well).run()
    assert str(caught.value).startswith(f"{listen} is in use: ")
    assert "\n" not in str(caught.value)


async def test_an_address_of_another_machine_is_one_line_for_a_person():
    with pytest.raises(CapdError, match=r"^192\.0\.2\.1:8080 is no address of this machine: "):
        await Api("192.0.2.1:8080", Metrics(), all_well).start()


async def test_a_cancelled_server_closes_its_port():
    api = Api("127.0.0.1:0", Metrics(), all_well)
    async with asyncio.TaskGroup() as group:
        task = group.create_task(api.run())
        async with asyncio.timeout(10):
            while api.address is None:  # noqa: ASYNC110 - there is nothing to wait on
                await asyncio.sleep(0.01)
        port = int(api.address.rpartition(":")[2])
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", port)


@pytest.mark.parametrize(
    ("listen", "expected"),
    [
        ("127.0.0.1:8080", ("127.0.0.1", 8080)),
        ("[::1]:0", ("::1", 0)),
        (":9090", (None, 9090)),
        ("localhost:1", ("localhost", 1)),
    ],
)
def test_an_address_names_a_host_and_a_port(listen, expected):
    assert host_and_port(listen) == expected


@pytest.mark.parametrize("listen", ["", "8080", "localhost", "h:99999", "h:x", "h:1/x", "u@h:1"])
def test_what_is_no_address_is_refused_with_an_example(listen):
    with pytest.raises(ConfigError, match=r"api\.listen: wants an address such as"):
        host_and_port(listen)
