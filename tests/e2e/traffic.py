"""The two ends of the lab's traffic, run as a program inside a host; standard library only.

traffic.py serve                        HTTP on port 80 and DNS on port 53
traffic.py fetch URL PROGRESS [LIMIT]   download; the bytes so far stand in the file PROGRESS
traffic.py send HOST BYTES              upload
traffic.py resolve SERVER NAME          ask DNS
"""

import contextlib
import itertools
import os
import socket
import socketserver
import sys
import threading
import time
from urllib.parse import parse_qs, urlsplit

ANSWER = "198.19.255.1"  # what the lab's resolver says to every question
SILENCE_S = 3.0  # a transfer that gets nothing for this long is dead
_CHUNK = 16_384


class _Web(socketserver.StreamRequestHandler):
    """GET / greets, GET /bytes?n=&rate= sends n bytes (endlessly without n), POST swallows."""

    def handle(self) -> None:
        # A peer that vanished must not be sent to for a quarter of an hour: counters must rest.
        self.request.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 2000)
        with contextlib.suppress(OSError):
            method, target, _ = self.rfile.readline().decode("ascii", "replace").split(" ", 2)
            headers = self._headers()
            if method == "POST":
                self._swallow(int(headers["content-length"]))
            elif target.startswith("/bytes"):
                self._pour(parse_qs(urlsplit(target).query))
            else:
                self._answer(b"hello from the lab\n")

    def _headers(self) -> dict[str, str]:
        headers = {}
        for line in iter(self.rfile.readline, b"\r\n"):
            name, _, text = line.decode("latin-1").partition(":")
            headers[name.strip().lower()] = text.strip()
        return headers

    def _answer(self, body: bytes) -> None:
        self.wfile.write(b"HTTP/1.0 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))

    def _swallow(self, count: int) -> None:
        while count > 0 and (piece := self.rfile.read(min(count, _CHUNK))):
            count -= len(piece)
        self._answer(b"got it\n")

    def _pour(self, asked: dict[str, list[str]]) -> None:
        count = int(asked["n"][0]) if "n" in asked else None
        rate = float(asked["rate"][0]) if "rate" in asked else None
        head = "HTTP/1.0 200 OK\r\n" + ("" if count is None else f"Content-Length: {count}\r\n")
        self.wfile.write(f"{head}\r\n".encode())
        sent, begun = 0, time.monotonic()
        while count is None or sent < count:
            size = _CHUNK if count is None else min(_CHUNK, count - sent)
            self.wfile.write(bytes(size))
            sent += size
            if rate is not None:
                time.sleep(max(0.0, begun + sent / rate - time.monotonic()))


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 64


def _answer_names() -> None:
    """Answer every DNS question with one A record."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as port:
        port.bind(("", 53))
        while True:
            asked, who = port.recvfrom(512)
            record = b"\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x05\x00\x04"
            port.sendto(
                asked[:2] + b"\x81\x80\x00\x01\x00\x01\x00\x00\x00\x00" + asked[12:]
                + record + socket.inet_aton(ANSWER),
                who,
            )  # fmt: skip


def serve() -> None:
    """Be the internet."""
    threading.Thread(target=_answer_names, daemon=True).start()
    with _Server(("", 80), _Web) as server:
        server.serve_forever()


def fetch(url: str, progress: str, silence_s: str = str(SILENCE_S)) -> None:
    """Download *url*; fail when it is refused, cut, or silent for *silence_s*."""
    at = urlsplit(url)
    port = at.port or 80
    target = f"{at.path or '/'}?{at.query}"
    with socket.create_connection((at.hostname, port), timeout=float(silence_s)) as link:
        link.sendall(f"GET {target} HTTP/1.0\r\nHost: {at.hostname}\r\n\r\n".encode())
        received = link.makefile("rb")
        _, status, _ = received.readline().decode().split(" ", 2)
        headers = {k.lower(): v for k, v in _pairs(iter(received.readline, b"\r\n"))}
        total = _keep(received, progress)
    wanted = int(headers.get("content-length", total))
    sys.exit(0 if status == "200" and total == wanted else 1)


def _pairs(lines):
    for line in lines:
        name, _, text = line.decode("latin-1").partition(":")
        yield name.strip(), text.strip()


def _keep(received, progress: str) -> int:
    """Write the running total into the file *progress* until the other end is done."""
    total = 0
    out = os.open(progress, os.O_WRONLY | os.O_CREAT, 0o644)
    while piece := received.read1(_CHUNK):
        total += len(piece)
        os.pwrite(out, b"%020d" % total, 0)
    return total


def send(host: str, count: str) -> None:
    """Upload *count* bytes to *host*."""
    left = int(count)
    with socket.create_connection((host, 80), timeout=SILENCE_S) as link:
        link.sendall(f"POST / HTTP/1.0\r\nContent-Length: {left}\r\n\r\n".encode())
        for size in itertools.chain([_CHUNK] * (left // _CHUNK), [left % _CHUNK]):
            link.sendall(bytes(size))
        sys.exit(0 if b"200 OK" in link.recv(100) else 1)


def resolve(server: str, name: str) -> None:
    """Print the address that *server* gives for *name*."""
    labels = b"".join(bytes([len(part)]) + part.encode() for part in name.split("."))
    question = b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00" + labels + b"\0\0\1\0\1"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as port:
        port.settimeout(1.0)
        for _ in range(2):
            with contextlib.suppress(TimeoutError):
                port.sendto(question, (server, 53))
                print(socket.inet_ntoa(port.recv(512)[-4:]))
                return
    sys.exit(1)


if __name__ == "__main__":
    {"serve": serve, "fetch": fetch, "send": send, "resolve": resolve}[sys.argv[1]](*sys.argv[2:])
