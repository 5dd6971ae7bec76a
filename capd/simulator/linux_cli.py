"""The shell of a Linux router in memory: what the linux_router profile types changes its files.

It is no shell: it knows the functions that the profile defines by their names, and does itself
what they would do; a definition that is typed is taken and not looked at. nft knows tables only.
"""

import re
import shlex
from collections.abc import Callable
from dataclasses import dataclass, field

from capd.simulator.quoting import Unbalanced, split

_LIMIT = re.compile(r'iifname "(.*)" oifname "(.*)" limit rate over ([0-9]+) bytes')
_MATTERS = re.compile(r"jump (up|down)|reject|drop")
_DEFINES = re.compile(r"[a-z]+\(\) \{")
_BITS = 8


class _Failed(Exception):
    """A command that ended with another status than 0, and what it printed."""

    def __init__(self, status: int, words: str) -> None:
        super().__init__(words)
        self.status = status


@dataclass(slots=True)
class LinuxRouter:
    """One router: its files, the nftables that run, and a command line to it."""

    name: str = "cpe"
    files: dict[str, str] = field(
        default_factory=lambda: {"/etc/nftables.conf": "#!/usr/sbin/nft -f\nflush ruleset\n"}
    )
    tables: dict[str, list[str]] = field(default_factory=dict)
    changed: Callable[[], None] = lambda: None
    _new: str = ""

    @property
    def prompt(self) -> str:
        """Return root's prompt, as bash shows it on Debian."""
        return f"root@{self.name}:~# "

    def passes(self, lan: str) -> bool:
        """Tell whether anything is forwarded to and from *lan* but the walled garden."""
        return f"capd-suspend-{lan}" not in self.tables

    def limits(self, wan: str, lan: str) -> tuple[int | None, int | None]:
        """Return what *lan* may have down and up, in bits a second."""
        found = dict(_limits(self.tables.get(f"capd-rate-{lan}", [])))
        down, up = found.get((wan, lan)), found.get((lan, wan))
        return (down and down * _BITS, up and up * _BITS)

    def reboot(self) -> None:
        """Lose what runs; load what the file that is loaded at boot includes."""
        self.tables.clear()
        for line in self.files.get("/etc/nftables.conf", "").splitlines():
            if found := re.match(r' *include "(.*)/capd-\*\.nft"', line):
                for path in sorted(self.files):
                    if path.startswith(f"{found[1]}/capd-"):
                        self._load(self.files[path])
        self.changed()

    def answer(self, line: str) -> str:
        """Return what *line* prints."""
        printed: list[str] = []
        status = 0
        try:
            for part in split(line, ";", quotes="\"'"):
                if part.startswith("echo "):
                    printed.append(shlex.split(part)[1].replace("$?", str(status)))
                else:
                    status = self._chain(part, printed)
        except (Unbalanced, ValueError):
            return "sh: syntax error: unterminated quoted string"
        return "\n".join(printed)

    def _chain(self, text: str, printed: list[str]) -> int:
        for part in split(text, "&&", quotes="\"'"):
            if _DEFINES.match(part) or re.match(r"(export |[A-Z]+=|umask |\[ )", part):
                continue
            try:
                printed += self._command(shlex.split(part))
            except _Failed as exc:
                printed.append(str(exc))
                return exc.status
        return 0

    def _command(self, words: list[str]) -> list[str]:
        words = [word for word in words if word not in ("$S", ">/dev/null", "2>&1")]
        known: dict[str, Callable[..., list[str]]] = {
            "new": self._begin, "put": self._put, "keep": self._keep, "forget": self._forget,
            "see": self._see, "boot": self._boot, "nft": self._nft, "cat": self._cat,
            "true": list, "hostname": lambda: [self.name],
        }  # fmt: skip
        if words[0] not in known:
            raise _Failed(127, f"sh: {words[0]}: not found")
        return known[words[0]](*words[1:])

    # ---- what the profile's functions do ---------------------------------------------------------

    def _begin(self, folder: str, name: str) -> list[str]:
        self._new = f"{folder}/.{name}.new"
        self.files.pop(self._new, None)
        return []

    def _put(self, *lines: str) -> list[str]:
        self.files[self._new] = self.files.get(self._new, "") + "".join(f"{x}\n" for x in lines)
        return []

    def _keep(self, folder: str, name: str, main: str) -> list[str]:
        self._load(self.files[self._new])
        self.files[f"{folder}/{name}.nft"] = self.files.pop(self._new)
        if self._boot(folder, main) == ["boot: no"]:
            self.files[main] += f'include "{folder}/capd-*.nft" # capd\n'
        self.changed()
        return []

    def _forget(self, folder: str, name: str, main: str) -> list[str]:
        self.files.pop(f"{folder}/{name}.nft", None)
        self.files.pop(f"{folder}/.{name}.new", None)
        if main in self.files and not any(p.startswith(f"{folder}/capd-") for p in self.files):
            kept = [x for x in self.files[main].splitlines(keepends=True) if "# capd" not in x]
            self.files[main] = "".join(kept)
        self.tables.pop(name, None)
        self.changed()
        return []

    def _see(self, what: str, folder: str, lan: str, how: str) -> list[str]:
        count = {"seen": _seen, "policed": _policed}[how]
        running = count(self.tables.get(f"capd-{what}-{lan}", []))
        kept = count(self.files.get(f"{folder}/capd-{what}-{lan}.nft", "").splitlines())
        return [f"{what}: running {running} file {kept}"]

    def _boot(self, folder: str, main: str) -> list[str]:
        if main not in self.files:
            return ["boot: none"]
        return ["boot: yes" if f'include "{folder}/' in self.files[main] else "boot: no"]

    # ---- commands --------------------------------------------------------------------------------

    def _cat(self, path: str) -> list[str]:
        if path not in self.files:
            raise _Failed(1, f"cat: {path}: No such file or directory")
        return self.files[path].splitlines()

    def _nft(self, *words: str) -> list[str]:
        if words[:2] == ("list", "tables"):
            return []
        if words[:2] == ("list", "ruleset"):
            return [line for name in self.tables for line in self._listed(name)]
        if words[:3] == ("list", "table", "inet") and words[-1] in self.tables:
            return self._listed(words[-1])
        raise _Failed(1, "Error: No such file or directory")

    def _listed(self, name: str) -> list[str]:
        return [f"table inet {name} {{", *self.tables[name], "}"]

    def _load(self, text: str) -> None:
        """Take the tables in *text*, each with the lines in its braces."""
        name, depth = "", 0
        for line in text.splitlines():
            if found := re.match(r"table inet (\S+) \{", line):
                name, depth = found[1], 1
                self.tables[name] = []
            elif depth:
                depth += line.endswith("{") - (line == "}")
                if depth:
                    self.tables[name].append(line)


def _seen(lines: list[str]) -> str:
    return str(sum(_MATTERS.search(line) is not None for line in lines))


def _limits(lines: list[str]) -> list[tuple[tuple[str, str], int]]:
    found = [_LIMIT.search(line) for line in lines]
    return [((each[1], each[2]), int(each[3])) for each in found if each is not None]


def _policed(lines: list[str]) -> str:
    return "".join(f"{a}>{b}={rate} " for (a, b), rate in _limits(lines))
