"""Command lines over real SSH: what is typed reaches a router in memory; faults can be switched."""

import asyncio
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import asyncssh

_ENTER = re.compile(r"\r\n|\r|\n")
_LONGEST_LOGIN_S = 20
_MORE = " --More-- "


class Cli(Protocol):
    """A router's command line."""

    @property
    def prompt(self) -> str:
        """Return what is shown when a line may be typed."""

    def answer(self, line: str) -> str:
        """Do what *line* says, and return what it prints."""


@dataclass(slots=True)
class CliFaults:
    """What is wrong just now; of a line, whatever contains the text given."""

    motd: str = ""  # shown before the first prompt
    slow_prompt_s: float = 0.0
    late_prompt: bool = False  # a shell that edits no lines: it comes behind the next one's echo
    drop_at: str | None = None  # the connection is lost while this is typed, and it is not done
    drop_after: str | None = None  # it is done, and the connection is lost before the answer
    hang_at: str | None = None  # no answer ever comes
    refuse: str | None = None  # answered with *refusal*, and not done
    refusal: str = "failure: not allowed"
    page_lines: int | None = None  # longer answers wait for a key after so many lines
    ignore: str | None = None  # answered with nothing, and not done


class CliServer:
    """An SSH server for one router; a login name may carry RouterOS's `+options`."""

    def __init__(
        self, cli: Cli, *, username: str, password: str, host_key: asyncssh.SSHKey | None = None
    ) -> None:
        self.cli = cli
        self.faults = CliFaults()
        self.typed: list[str] = []
        self.sessions = 0
        self.most_at_once = 0
        self._open = 0
        self._connections: set[asyncssh.SSHServerConnection] = set()
        self._login = (username, password)
        self._key = host_key or asyncssh.generate_private_key("ssh-ed25519")
        self._server: asyncssh.SSHAcceptor | None = None

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> int:
        """Listen, and return the port."""
        self._server = await asyncssh.create_server(
            lambda: _Door(self._connections, *self._login),
            host,
            port,
            server_host_keys=[self._key],
            process_factory=self._serve,
            line_editor=False,
            login_timeout=_LONGEST_LOGIN_S,
        )
        return self._server.get_port()

    async def stop(self) -> None:
        """Close every session and listen no more."""
        if self._server is not None:
            self._server.close()
            for connection in list(self._connections):
                connection.abort()
                await connection.wait_closed()
            await self._server.wait_closed()
            self._server = None

    @property
    def host_key(self) -> str:
        """Return its public key as an inventory writes it."""
        return " ".join(self._key.export_public_key().decode().split()[:2])

    def new_host_key(self) -> None:
        """Take another identity from the next `start` on."""
        self._key = asyncssh.generate_private_key("ssh-ed25519")

    async def _serve(self, process: asyncssh.SSHServerProcess[str]) -> None:
        self._open += 1
        self.sessions += 1
        self.most_at_once = max(self.most_at_once, self._open)
        try:
            await self._talk(process)
        except (asyncssh.Error, OSError):
            pass
        finally:
            self._open -= 1
            process.exit(0)

    async def _talk(self, process: asyncssh.SSHServerProcess[str]) -> None:
        out = process.stdout
        if (begin := getattr(self.cli, "begin", None)) is not None:
            begin()
        out.write(self.faults.motd.replace("\n", "\r\n"))
        await asyncio.sleep(self.faults.slow_prompt_s)
        out.write(self._prompt)
        rest = ""
        while text := await process.stdin.read(4096):
            *lines, rest = _ENTER.split(rest + text)
            for line in lines:
                if line in ("exit", "quit") and not getattr(self.cli, "in_config", False):
                    return
                out.write("".join(await self._typed(process, line)))

    async def _typed(self, process: asyncssh.SSHServerProcess[str], line: str) -> Iterator[str]:
        """Return what the terminal shows for *line*: its echo, the answer, the prompt."""
        faults = self.faults
        self.typed.append(line)
        if _hits(faults.drop_at, line):
            process.channel.get_connection().abort()
            raise ConnectionAbortedError
        if _hits(faults.hang_at, line):
            await process.channel.wait_closed()
            raise ConnectionAbortedError
        if _hits(faults.refuse, line):
            answer = faults.refusal
        elif _hits(faults.ignore, line):
            answer = self.cli.answer(line.rpartition(";")[2] if "; echo " in line else "")
        else:
            answer = self.cli.answer(line)
        if _hits(faults.drop_after, line):
            process.channel.get_connection().abort()
            raise ConnectionAbortedError
        await asyncio.sleep(faults.slow_prompt_s)
        echo = "" if self._is_paged(answer) else line
        return self._shown(echo, await self._paged(process, line, answer))

    async def _paged(self, process: asyncssh.SSHServerProcess[str], line: str, answer: str) -> str:
        """Show a long *answer* a page at a time; return the last one."""
        if not self._is_paged(answer):
            return answer
        size, lines = self.faults.page_lines or 1, answer.split("\n")
        process.stdout.write(f"{line}\r\n")
        while len(lines) > size:
            page, lines = lines[:size], lines[size:]
            process.stdout.write("\r\n".join(page) + "\r\n" + _MORE)
            await process.stdin.readexactly(1)
            process.stdout.write("\b" * len(_MORE) + " " * len(_MORE) + "\b" * len(_MORE))
        return "\n".join(lines)

    def _is_paged(self, answer: str) -> bool:
        size = self.faults.page_lines
        return size is not None and answer.count("\n") >= size

    @property
    def _prompt(self) -> str:
        return self.cli.prompt.replace("\n", "\r\n")

    def _shown(self, line: str, answer: str) -> Iterator[str]:
        if line or not answer:
            yield f"{line}\r\n"
        if self.faults.late_prompt:
            yield self._prompt
        if getattr(self.cli, "paints", False) and line:  # RouterOS paints the line once more
            yield f"\r{self.cli.prompt}{line}\r\n"
        if answer:
            yield answer.replace("\n", "\r\n") + "\r\n"
        if not self.faults.late_prompt:
            yield self._prompt


class _Door(asyncssh.SSHServer):
    """Lets one name with one password in."""

    def __init__(
        self, connections: set[asyncssh.SSHServerConnection], username: str, password: str
    ) -> None:
        self._connections = connections
        self._username, self._password = username, password

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        """Note the connection, so that it can be closed from here."""
        self._connection = conn
        self._connections.add(conn)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncssh calls it
        """Forget it."""
        self._connections.discard(self._connection)

    def begin_auth(self, username: str) -> bool:
        """Ask everybody for a password."""
        return bool(username)

    def password_auth_supported(self) -> bool:
        """Say that a password will do."""
        return True

    def validate_password(self, username: str, password: str) -> bool:
        """Compare, without the terminal options that follow a + in the name."""
        return (username.partition("+")[0], password) == (self._username, self._password)


def _hits(text: str | None, line: str) -> bool:
    return text is not None and text in line
