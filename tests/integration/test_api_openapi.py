"""The document of the API is its routes, the page shows them all, and a stranger tries them all."""

import re
import shutil

import pytest
from playwright.async_api import async_playwright

from capd.api import table
from capd.api.calls import PREFIX
from capd.api.signal import Signals
from capd.decide.facts import FACTS
from capd.errors import NoSuch
from tests.builders import NOON
from tests.conftest import need
from tests.integration.test_pipeline import a_house
from tests.servers.api import an_api

CHROMIUM = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip
BESIDE = {f"{PREFIX}/openapi.json", f"{PREFIX}/docs"}


async def none(device, after):
    raise NoSuch(device)


async def the_document(api):
    async with api.http.get(f"{PREFIX}/openapi.json") as answer:
        assert answer.status == 200
        return await answer.json()


async def test_every_route_is_in_the_document_and_the_other_way_round(sqlite_store):
    house = await a_house(sqlite_store)
    routes = {
        (route.method, re.sub(r":[^}]*}+", "}", route.path))
        for route in table(house, lambda: NOON, streams=1, signals=Signals(none, house.metrics))
    }
    async with an_api(house) as api:
        document = await the_document(api)
    told = {(method.upper(), path) for path, each in document["paths"].items() for method in each}
    assert {(method, path) for method, path in routes if path not in BESIDE} == told
    assert document["openapi"] == "3.1.0"


async def test_every_fact_of_the_registry_is_documented_with_its_help_and_fields(sqlite_store):
    async with an_api(await a_house(sqlite_store)) as api:
        document = await the_document(api)
    for name, kind in FACTS.items():
        path = f"{PREFIX}/subscribers/{{id}}/facts/{name}"
        if not kind.of_subscriber:
            assert path not in document["paths"]
            continue
        told = document["paths"][path]["post"]
        assert kind.help in told["description"]
        reference = told["requestBody"]["content"]["application/json"]["schema"]["$ref"]
        schema = document["components"]["schemas"][reference.rpartition("/")[2]]
        assert set(schema["properties"]) == {*kind.required, *kind.optional}
        assert set(schema.get("required", ())) == set(kind.required)
        assert schema["additionalProperties"] is False


async def test_a_call_says_who_may_make_it_and_what_can_go_wrong(sqlite_store):
    async with an_api(await a_house(sqlite_store)) as api:
        document = await the_document(api)
    told = document["paths"][f"{PREFIX}/subscribers/{{id}}/topups"]["post"]
    assert "Roles: noc, billing." in told["description"]
    assert {"200", "201", "400", "401", "403", "404", "409", "413", "415", "422"} <= set(
        told["responses"]
    )
    assert "Idempotency-Key" in [one["name"] for one in told["parameters"]]
    names = [each["operationId"] for path in document["paths"].values() for each in path.values()]
    assert len(names) == len(set(names))


async def test_the_page_shows_every_call_and_asks_nothing_of_anybody_else(sqlite_store):
    async with an_api(await a_house(sqlite_store)) as api:
        document = await the_document(api)
        async with api.http.get(f"{PREFIX}/docs") as answer:
            page = await answer.text()
            assert "style-src 'sha256-" in answer.headers["Content-Security-Policy"]
    for path in document["paths"]:
        assert f'<span class="path">{path}</span>' in page
    assert not re.search(r"<script|<link|<img|https?://(?!127\.0\.0\.1:8080)", page)


@pytest.mark.browser
@pytest.mark.parametrize(("width", "scheme"), [(360, "light"), (1280, "dark")])
async def test_the_pages_fit_a_phone_and_a_desk_by_day_and_night(sqlite_store, width, scheme):
    need("chromium", shutil.which("chromium"))
    async with (
        an_api(await a_house(sqlite_store)) as api,
        async_playwright() as playwright,
        await playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=CHROMIUM
        ) as browser,
    ):
        page = await browser.new_page(viewport={"width": width, "height": 740}, color_scheme=scheme)
        said, asked = [], []
        page.on("console", lambda message: said.append(message.text))
        page.on("request", lambda request: asked.append(request.url))
        await page.goto(f"{api.server.address}/")
        assert await page.evaluate("document.documentElement.scrollWidth") <= width
        await page.click(f"a[href='{PREFIX}/docs']")
        assert "The API of capd" in await page.inner_text("h1")
        ground = await page.evaluate("getComputedStyle(document.documentElement).colorScheme")
        assert ground == "light dark"
        await page.click("#post_subscribers_id_topups summary")
        assert await page.is_visible("#post_subscribers_id_topups dt:has-text('reference')")
        assert await page.evaluate("document.documentElement.scrollWidth") <= width
        low = await page.evaluate(
            "Math.min(...[...document.querySelectorAll('summary')].map(e => e.offsetHeight))"
        )
        assert low >= 44  # a thumb's
        assert said == []
        assert all(url.startswith(api.server.address) for url in asked)
