"""`capd demo` as its audience starts it: a process of its own, ended by time or by Ctrl-C."""

import os
import re
import signal
import socket
import subprocess
import sys

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]


@pytest.fixture
def start(tmp_path):
    """Start demos whose scratch folders lie in tmp_path; whatever still runs is ended."""
    running = []

    def started(*options):
        running.append(
            subprocess.Popen(
                [sys.executable, "-m", "capd", "demo", *options],
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                env=os.environ | {"TMPDIR": str(tmp_path), "COLUMNS": "200"},
            )
        )
        return running[-1]

    yield started
    for process in running:
        with process:
            process.kill()


def ended(process):
    output, errors = process.communicate(timeout=150)
    return process.returncode, output, errors


def summary(output):
    """Return the last lines by their names."""
    found = {}
    for line in output.splitlines():
        if match := re.match(r"([a-z]+(?: off)?): +(.*)", line):
            found.setdefault(match[1], []).append(match[2])
    return {name: " | ".join(lines) for name, lines in found.items()}


def test_within_a_minute_somebody_is_warned_suspended_buys_and_comes_back(start, tmp_path):
    code, output, errors = ended(start("--subscribers", "20", "--seconds", "45"))

    told = summary(output)
    assert (code, errors) == (0, ""), output
    for what in ("warned", "suspended", "restored", "bought"):
        assert "S-001 Amara Okafor" in told[what], output
    assert "home-50 -> home-150" in told["bought"], output
    assert re.fullmatch(r"counted (\d+), true \1: equal", told["bytes"]), output
    assert int(told["pushes"].split()[0]) >= 4, output
    assert "Over the cap" in output
    assert "suspension applied" in output
    assert not list(tmp_path.iterdir())


def test_ctrl_c_ends_it_with_a_summary_and_nothing_left_behind(start, tmp_path):
    process = start("--subscribers", "5")
    seen = []
    for line in process.stdout:
        seen.append(line)
        if "allowance is used" in line:
            process.send_signal(signal.SIGINT)
            break
    code, output, errors = ended(process)

    assert (code, errors) == (0, ""), "".join(seen) + output
    assert summary(output)["bytes"].endswith("equal")
    assert not list(tmp_path.iterdir())


def test_its_metrics_can_be_read_at_the_address_it_prints(start):
    process = start("--subscribers", "1", "--seconds", "3")
    found = None
    for line in process.stdout:
        if found := re.search(r"http://127\.0\.0\.1:(\d+)/metrics", line):
            break
    with socket.create_connection(("127.0.0.1", int(found[1])), timeout=10) as scraper:
        scraper.sendall(b"GET /metrics HTTP/1.0\r\n\r\n")
        page = b"".join(iter(lambda: scraper.recv(65_536), b""))
    code, _, errors = ended(process)

    assert (code, errors) == (0, "")
    assert b"capd_polls_total" in page


def test_a_port_that_is_taken_is_one_line_and_not_a_traceback(start, tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        code, _, errors = ended(start("--port", port))

    assert code == 1
    assert len(errors.splitlines()) == 1
    assert "is in use" in errors
    assert not list(tmp_path.iterdir())
