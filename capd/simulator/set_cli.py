"""Routers that are told `set` and `delete`, and then `commit`, in memory: EdgeOS, VyOS, Junos.

The configuration is the list of lines that `set` would make it of; what is typed changes a
candidate of its own, and `commit` makes that the configuration. A session that ends without one
leaves nothing behind.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field

_SAID = "set "
_LISTS = re.compile(
    r"set (firewall group (address|ipv6-network)-group|policy-options prefix-list) \S+"
)
_KNOWN = re.compile(
    r"(firewall group (address|ipv6-network)-group \S+ (address|network|description) .+"
    r"|traffic-control smart-queue \S+ (download|upload) rate [0-9]+(kbit|mbit)"
    r"|qos policy shaper \S+ bandwidth [0-9]+(kbit|mbit)"
    r"|policy-options prefix-list \S+ [0-9a-f.:]+/[0-9]+"
    r"|firewall policer \S+ if-exceeding bandwidth-limit [0-9]+[kmg]?)"
)
_RATE = re.compile(r" (rate|bandwidth|bandwidth-limit) \S+$")


@dataclass(slots=True)
class SetRouter:
    """One router; *running* is what it does, *saved* what it will do after a reboot."""

    name: str = "edge"
    user: str = "capd"
    running: list[str] = field(default_factory=list)
    refuses_at_commit: str | None = None  # a line with this in it fails only then
    changed: Callable[[], None] = lambda: None
    commits: int = 0
    in_config: bool = False
    saved: list[str] = field(default_factory=list)
    _candidate: list[str] = field(default_factory=list)

    def begin(self) -> None:
        """Begin a session: what the last one left uncommitted is gone."""
        self.in_config = False

    @property
    def prompt(self) -> str:
        """Return the prompt, which is another one in configuration mode."""
        if self.in_config:
            return f"[edit]\n{self.user}@{self.name}# "
        return f"{self.user}@{self.name}:~$ "

    def passes(self, address: str) -> bool:
        """Tell whether the operator's rules, made once, let *address* through."""
        return not any(_LISTS.match(line) and f" {address}" in line for line in self.running)

    def reboot(self) -> None:
        """Start again with what was saved."""
        self.running = list(self.saved)
        self.changed()

    def answer(self, line: str) -> str:
        """Return what *line* prints."""
        verb = line.split(" ", 1)[0] if line else ""
        if not line or verb == "terminal" or line.startswith("set terminal "):
            return ""
        if not self.in_config:
            return self._operate(line)
        known: dict[str, Callable[[str], str]] = {
            "set": self._set, "delete": self._delete, "commit": self._commit,
            "discard": self._discard, "save": self._save, "exit": self._exit,
        }  # fmt: skip
        return known[verb](line) if verb in known else f"\n  Invalid command: [{verb}]\n"

    def _operate(self, line: str) -> str:
        if line == "configure":
            self.in_config, self._candidate = True, list(self.running)
            return ""
        shown = re.fullmatch(r"show configuration commands(?: \| match '?\"?(.*?)'?\"?)?", line)
        if shown is None:
            return f"\n  Invalid command: [{line.split(' ', 1)[0]}]\n"
        return "\n".join(x for x in self.running if re.search(shown[1] or "", x))

    def _set(self, line: str) -> str:
        if not _KNOWN.fullmatch(line.removeprefix(_SAID)):
            return "\n  Configuration path: [" + line[4:] + "] is not valid\n  Set failed\n"
        if line in self._candidate:
            return "\n  Configuration path: [" + line[4:] + "] already exists\n"
        self._put(line)
        return ""

    def _put(self, line: str) -> None:
        """Take *line*: a rate in place of the one before, else behind its like."""
        if _RATE.search(line):
            stem = _RATE.sub("", line)
            like = [n for n, x in enumerate(self._candidate) if _RATE.sub("", x) == stem]
            if like:
                self._candidate[like[0]] = line
                return
        found = _LISTS.match(line)
        group = found[0] if found else line
        if group in self._candidate:  # it was empty, and is not any more
            self._candidate.remove(group)
        like = [n for n, x in enumerate(self._candidate) if x.startswith(f"{group} ")]
        self._candidate.insert(like[-1] + 1 if like else len(self._candidate), line)

    def _delete(self, line: str) -> str:
        path = _SAID + line.removeprefix("delete ")
        gone = [x for x in self._candidate if x == path or x.startswith(f"{path} ")]
        if not gone:
            return "\n  Nothing to delete (the specified node does not exist)\n"
        self._candidate = [x for x in self._candidate if x not in gone]
        found = _LISTS.match(path)
        if found and found[0] != path and not any(x.startswith(found[0]) for x in self._candidate):
            self._candidate.append(found[0])
        return ""

    def _commit(self, line: str) -> str:
        if self._candidate == self.running:
            return "\n  No configuration changes to commit\n"
        if self.refuses_at_commit and any(self.refuses_at_commit in x for x in self._candidate):
            return "\n[[firewall group]] failed\nCommit failed\n"
        self._make_true(line)
        return ""

    def _make_true(self, _: str) -> None:
        self.running = list(self._candidate)
        self.commits += 1
        self.changed()

    def _discard(self, _: str) -> str:
        self._candidate = list(self.running)
        return "\n  Changes have been discarded\n"

    def _save(self, _: str) -> str:
        self.saved = list(self.running)
        return "Saving configuration to '/config/config.boot'...\nDone"

    def _exit(self, line: str) -> str:
        if self._candidate != self.running and line != "exit discard":
            return "\n  Cannot exit: configuration modified.\n  Use 'exit discard' to discard.\n"
        self.in_config = False
        return "exit"


@dataclass  # without slots: `super` finds no way out of a class that is made twice
class Junos(SetRouter):
    """A router that takes a commit back by itself unless it is confirmed."""

    name: str = "mx"
    before_confirmed: list[str] | None = None

    @property
    def prompt(self) -> str:
        """Return the prompt, as Junos shows it."""
        if self.in_config:
            return f"[edit]\n{self.user}@{self.name}# "
        return f"{self.user}@{self.name}> "

    def expire(self) -> None:
        """Let the time for a confirmation pass."""
        if self.before_confirmed is not None:
            self.running, self.before_confirmed = self.before_confirmed, None
            self.changed()

    def answer(self, line: str) -> str:
        """Return what *line* prints."""
        said = {
            "set cli screen-width": "Screen width set to 511",
            "set cli complete-on-space": "Disabling complete-on-space",
            "set cli screen-length": "Screen length set to 0",
        }
        for beginning, words in said.items():
            if line.startswith(beginning):
                return words
        if not line or line == "cli":
            return ""
        return self._configure(line) if self.in_config else self._operate(line)

    def _operate(self, line: str) -> str:
        if line == "configure exclusive":
            self.in_config, self._candidate = True, list(self.running)
            return (
                "warning: uncommitted changes will be discarded on exit\n"
                "Entering configuration mode\n"
            )
        if line.startswith("show system commit"):
            waits = " confirmed, rollback in 9mins" if self.before_confirmed is not None else ""
            return f"0   2026-03-10 12:00:00 UTC by {self.user} via cli commit{waits}"
        shown = re.fullmatch(
            r"show configuration (.*?) \| display set(?: \| match (\S+))?(?: \| no-more)?", line
        )
        if shown is None:
            return "                ^\nunknown command."
        found = [x for x in self.running if f"{x} ".startswith(f"set {shown[1]} ")]
        return "\n".join(x for x in found if re.search(shown[2] or "", x))

    def _configure(self, line: str) -> str:
        verb = line.split(" ", 1)[0]
        if verb == "set":
            return (
                ""
                if not self._set(line).strip().endswith("Set failed")
                else ("               ^\nsyntax error.")
            )
        if verb == "delete":
            return "warning: statement not found" if self._delete(line) else ""
        if verb == "commit":
            failed = "failed" in self._commit(line)
            return "error: configuration check-out failed" if failed else self._told(line)
        if line == "rollback 0":
            self._candidate = list(self.running)
            return "load complete"
        if line == "exit configuration-mode":
            self.in_config = False
            return "Exiting configuration mode"
        return "                ^\nunknown command."

    def _commit(self, line: str) -> str:
        if self._candidate == self.running:
            self.before_confirmed = None
            return ""
        return super()._commit(line)

    def _put(self, line: str) -> None:
        """Take *line*, a rate with the largest letter that fits."""
        found = re.fullmatch(r"(.* bandwidth-limit [0-9]+)000k", line)
        super()._put(f"{found[1]}m" if found else line)

    def _make_true(self, line: str) -> None:
        self.before_confirmed = list(self.running) if "confirmed" in line else None
        super()._make_true(line)

    def _told(self, line: str) -> str:
        if "confirmed" not in line:
            return "commit complete"
        return (
            "commit confirmed will be automatically rolled back in 10 minutes unless confirmed\n"
            "commit complete\n\n# commit confirmed will be rolled back in 10 minutes"
        )
