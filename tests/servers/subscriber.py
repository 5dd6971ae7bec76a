"""What somebody behind `router.Router` tries, run on their host; prints one line of JSON at a time.

`fetch ADDRESS PORT SECONDS`: bytes that came, how it ended, and the speed of the second half;
`send`: the other way; `ask ADDRESS
PORT SIZE COUNT`: how many datagrams were answered.
"""

import json
import socket
import sys
import time


def family(address):
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def say(**what):
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


def fetch(address, port, seconds, *, send=False):
    count, late, ended, began = 0, 0, "done", time.monotonic()
    sock = socket.socket(family(address), socket.SOCK_STREAM)
    sock.settimeout(2)
    try:
        sock.connect((address, port))
        say(connected=True)
        while time.monotonic() < began + seconds:
            some = sock.send(bytes(16384)) if send else len(sock.recv(65536))
            count += some
            late += some * (time.monotonic() > began + seconds / 2)
    except OSError as exc:
        ended = type(exc).__name__
    took = time.monotonic() - began
    say(bytes=count, ended=ended, seconds=took, late_bps=late * 8 / (took - seconds / 2))


def ask(address, port, size, count):
    sock = socket.socket(family(address), socket.SOCK_DGRAM)
    sock.connect((address, port))
    sock.settimeout(0.3)
    answered = 0
    for _ in range(count):
        try:
            sock.send(bytes(size))
            answered += bool(sock.recv(65536))
        except OSError:
            pass
    say(answered=answered)


if __name__ == "__main__":
    verb, address, *numbers = sys.argv[1:]
    if verb == "ask":
        ask(address, *(int(number) for number in numbers))
    else:
        fetch(address, int(numbers[0]), float(numbers[1]), send=verb == "send")
