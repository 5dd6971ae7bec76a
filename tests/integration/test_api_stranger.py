"""A stranger who only has the document tries the API of a running daemon."""

import json
import re
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from capd.api.calls import PREFIX
from tests.servers.commandline import Capd

TRIED_S = 240


@pytest.mark.slow
def test_a_stranger_who_only_has_the_document_finds_nothing_that_breaks_it(tmp_path):
    """Thousands of requests that fit the document, and that do not, to a running daemon."""
    capd = Capd(tmp_path)
    capd.ok("init")
    settings = tmp_path / "capd.toml"
    settings.write_text(
        re.sub(r"(?m)^listen = .*$", 'listen = "127.0.0.1:0"', settings.read_text())
    )
    capd.ok("import", "inventory.json")
    token = capd.ok("token", "create", "--role", "noc", "--name", "stranger").out.strip()
    with capd.background("run") as daemon:
        try:
            address = _address(daemon)
            _try(f"{address}{PREFIX}/openapi.json", token, tmp_path)
            with urllib.request.urlopen(f"{address}/healthz") as answer:
                assert answer.read() == b"ok\n"
        finally:
            daemon.terminate()
            rest = daemon.communicate(timeout=60)[1]
    assert daemon.returncode == 0
    assert "Traceback" not in rest
    assert token not in rest
    assert capd.ok("db", "check")


def _address(daemon):
    until = time.monotonic() + 60
    while time.monotonic() < until:
        found = re.search(r"listening on (\S+)", daemon.stderr.readline())
        if found:
            return found[1]
    raise TimeoutError


def _try(url, token, folder):
    report = folder / "report.json"
    done = subprocess.run(
        [
            Path(sys.executable).with_name("schemathesis"), "run", url,
            "--header", f"Authorization: Bearer {token}",
            "--phases", "coverage,fuzzing", "--max-examples", "2",
            # a size is text here, and a fact of a subscriber who is on another product: refused
            "--checks", "all", "--exclude-checks", "positive_data_acceptance",
            "--exclude-path-regex", "/facts/(?!delay|topup)|/bounces$",  # alike; no JSON
            "--warnings", "off", "--continue-on-failure", "--no-color",
            "--report", "json", "--report-json-path", str(report),
        ],
        cwd=folder, capture_output=True, text=True, timeout=TRIED_S, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert json.loads(report.read_text())
