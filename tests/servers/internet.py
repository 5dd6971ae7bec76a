"""The internet of `router.Router`, run on its host: it serves whoever gets through.

Ports 80 and 8080 answer with bytes without end, 9 takes them; UDP 53 and 123 of the addresses given
(IPv4 as ::ffff:A) answer what they are asked.
"""

import contextlib
import socketserver
import sys
import threading


class Endless(socketserver.BaseRequestHandler):
    def handle(self):
        with contextlib.suppress(OSError):
            while True:
                self.request.sendall(bytes(16384))


class Sink(socketserver.BaseRequestHandler):
    def handle(self):
        with contextlib.suppress(OSError):
            while self.request.recv(65536):
                pass


class Echo(socketserver.BaseRequestHandler):
    def handle(self):
        data, sock = self.request
        sock.sendto(data, self.client_address)


class Tcp(socketserver.ThreadingTCPServer):
    address_family = socketserver.socket.AF_INET6  # IPv4 as well
    allow_reuse_address = True
    daemon_threads = True


class Udp(socketserver.ThreadingUDPServer):
    address_family = socketserver.socket.AF_INET6
    daemon_threads = True


if __name__ == "__main__":
    servers = [Tcp(("::", 80), Endless), Tcp(("::", 8080), Endless), Tcp(("::", 9), Sink)]
    for address in sys.argv[1:]:  # a socket each: the answer comes from the address that was asked
        servers += [Udp((address, 53), Echo), Udp((address, 123), Echo)]
    for server in servers:
        threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    threading.Event().wait()
