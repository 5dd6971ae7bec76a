"""A real Prometheus scrapes capd, and every panel and rule has something to show."""

import asyncio
import json
import socket
import time
from contextlib import asynccontextmanager

import aiohttp
import pytest

from capd.api import Api
from capd.metrics import Metrics
from tests.house.test_monitoring import DASHBOARDS, RULES, shown, substituted
from tests.servers.process import free_port, need
from tests.unit.test_metrics import everything

CONFIG = """
global: {{scrape_interval: 1s, evaluation_interval: 1s}}
rule_files: ["{rules}"]
scrape_configs:
  - job_name: capd
    static_configs: [{{targets: ["{target}"]}}]
"""
# What a healthy network has none of, and a panel therefore does not draw.
MAY_BE_EMPTY = ("> 0", "== 0")


@asynccontextmanager
async def a_prometheus(folder, target):
    port = free_port(socket.SOCK_STREAM)
    config = folder / "prometheus.yml"
    config.write_text(CONFIG.format(rules=RULES, target=target))
    with (folder / "log").open("w") as log:
        process = await asyncio.create_subprocess_exec(
            need("prometheus"),
            f"--config.file={config}",
            f"--storage.tsdb.path={folder}/tsdb",
            f"--web.listen-address=127.0.0.1:{port}",
            "--log.level=warn",
            stdout=log,
            stderr=log,
        )
    try:
        async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session:
            yield session
    finally:
        process.terminate()
        await process.wait()


async def ask(prometheus, expression):
    async with prometheus.get("/api/v1/query", params={"query": expression}) as answer:
        found = json.loads(await answer.text())
        assert found["status"] == "success", (expression, found)
        return found["data"]["result"]


async def until_scraped(prometheus, metrics):
    """Wait until several scrapes are in, so that rates have something to go by."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        everything(metrics)
        try:
            found = await ask(prometheus, "count_over_time(capd_build_info[5m])")
            if found and int(found[0]["value"][1]) >= 3:
                return
        except (aiohttp.ClientError, json.JSONDecodeError):  # not ready yet
            pass
        await asyncio.sleep(0.3)
    pytest.fail("Prometheus scraped nothing within a minute")


async def all_well():
    return {}


async def test_every_panel_has_something_to_show(tmp_path):
    need("prometheus")
    metrics = everything(Metrics())
    api = Api("127.0.0.1:0", metrics, all_well)
    address = await api.start()
    try:
        async with a_prometheus(tmp_path, address.removeprefix("http://")) as prometheus:
            await until_scraped(prometheus, metrics)
            for path in DASHBOARDS:
                for panel, expression in shown(path):
                    found = await ask(prometheus, substituted(expression))
                    assert found or expression.endswith(MAY_BE_EMPTY), panel["title"]
            assert await ask(prometheus, 'up{job="capd"} == 1')
            async with prometheus.get("/api/v1/rules") as answer:
                groups = json.loads(await answer.text())["data"]["groups"]
            assert all(rule["health"] == "ok" for group in groups for rule in group["rules"])
    finally:
        await api.stop()
