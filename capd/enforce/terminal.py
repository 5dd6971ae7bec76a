"""A session that Netmiko has opened: a line goes in, its answer comes out, without naps between."""

import re
import time

from netmiko import BaseConnection, NetmikoBaseException, ReadException
from netmiko.channel import SSHChannel
from paramiko import SSHException  # type: ignore[import-untyped]

from capd.errors import DeviceUnreachable

_LONGEST_WAIT_S = 0.1  # then the clock is looked at again
_SETTLE_S = 0.003  # RouterOS paints a line twice: what looks like its prompt may be half of that
_MOST_BYTES = 65_536
_ENDS_OF_PROMPTS = ">#$%"
_PAGER = re.compile(r"\n?[ \t]*(?:-- ?[Mm]ore ?--|---\(more[^)\n]*\)---)[ \t]*$")
_TURNED = "\0"  # where a page was turned
_WIPED = re.compile(r"\0[\b \r\n]*")  # and how the pager's words are taken off the screen then


class _Wakeful(SSHChannel):
    """Wakes when something comes, and at once when the other end is gone; Netmiko's sleeps."""

    def read_channel(self) -> str:
        """Return what comes within a moment; ReadException when nothing can come any more."""
        conn = self.remote_conn
        if conn is None:
            raise ReadException("no session")
        usual = conn.gettimeout()
        conn.settimeout(_LONGEST_WAIT_S)
        try:
            came = conn.recv(_MOST_BYTES)
            while came and conn.recv_ready():
                came += conn.recv(_MOST_BYTES)
        except TimeoutError:
            return ""
        finally:
            conn.settimeout(usual)
        if not came:
            raise ReadException("closed by the other end")
        return bytes(came).decode(self.encoding, "ignore")


class NetmikoTerminal:
    """Where lines are typed; it blocks, and is used by one thread."""

    def __init__(
        self, connection: BaseConnection, timeout_s: float, *, pause_s: float = 0.0
    ) -> None:
        self._channel = _Wakeful(connection.remote_conn, connection.encoding)
        connection.channel = self._channel
        self._connection = connection
        self._timeout_s = timeout_s
        self._pause_s = pause_s
        base = connection.base_prompt.strip()
        more = (
            "" if base.endswith(tuple(_ENDS_OF_PROMPTS)) else rf"[^\n]{{0,60}}?[{_ENDS_OF_PROMPTS}]"
        )
        self._prompt = re.compile(rf"(?:^|\n)[^\n]{{0,40}}?{re.escape(base)}{more}[ \t]*$")
        # a shell that edits no lines shows it behind the echo of what is typed next
        self._late = re.compile(rf"\A[\r\n]*{re.escape(base)}{more}[ \t]+")
        self._base = base

    def type(self, line: str, *, ends: str | None) -> str:
        """Return the answer to *line*, complete where *ends* is found (None: at the prompt).

        Raises DeviceUnreachable when the session is lost, or the answer does not end in time.
        """
        connection = self._connection
        time.sleep(self._pause_s)
        try:
            connection.write_channel(connection.normalize_cmd(line))
            return self._answer(line.rstrip(), None if ends is None else re.compile(ends))
        except (SSHException, OSError, EOFError, NetmikoBaseException) as exc:
            raise DeviceUnreachable("the session was lost in the middle") from exc

    def _answer(self, line: str, ends: re.Pattern[str] | None) -> str:
        said, deadline = "", time.monotonic() + self._timeout_s
        while time.monotonic() < deadline:
            said += self._connection.read_channel()
            _, echo, answer = said.partition(line)
            if not echo:
                continue
            if ends is not None:
                if found := ends.search(answer):
                    return self._late.sub("", answer[: found.end()]).lstrip("\n")
            elif (found := self._prompt.search(answer)) and self._is_quiet():
                return self._without_echo(_WIPED.sub("\n", answer[: found.start()]), line)
            if found := _PAGER.search(said):
                self._connection.write_channel(" ")
                said = f"{said[: found.start()]}{_TURNED}"
        raise DeviceUnreachable(f"no end of its answer in {self._timeout_s:.0f} s")

    def _is_quiet(self) -> bool:
        """Say whether nothing follows what looks like a prompt."""
        time.sleep(_SETTLE_S)
        conn = self._channel.remote_conn
        return conn is None or not conn.recv_ready()

    def _without_echo(self, answer: str, line: str) -> str:
        """Return *answer* without the line painted a second time behind the prompt."""
        before, again, rest = answer.rpartition(line)
        painted = again and self._base in before.rpartition("\n")[2]
        return (rest if painted else answer).strip("\n")
