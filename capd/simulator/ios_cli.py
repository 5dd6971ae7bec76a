"""A Cisco IOS command line in memory: sections of lines, which `configure terminal` changes."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field

_TOP = re.compile(r"(object-group network|policy-map|interface|ip access-list extended) \S+")
_DEEP = re.compile(r"class \S+")
_LEAF = re.compile(
    r"(no )?(host [0-9.]+|[0-9.]+ [0-9.]+|shutdown|shape average( [0-9]+)?"
    r"|police( cir [0-9]+)?|description .+|ip address \S+ \S+)"
)
_ONE_OF_A_KIND = ("shape average", "police", "description", "ip address")
_INVALID = "                ^\n% Invalid input detected at '^' marker.\n"


@dataclass(slots=True)
class Ios:
    """One router: sections (their headings, one deeper for a class) and the lines in each."""

    name: str = "Router"
    running: dict[tuple[str, ...], list[str]] = field(default_factory=dict)
    startup: dict[tuple[str, ...], list[str]] = field(default_factory=dict)
    changed: Callable[[], None] = lambda: None
    in_config: bool = False
    _at: tuple[str, ...] = ()

    def begin(self) -> None:
        """Begin a session, in privileged mode."""
        self.in_config, self._at = False, ()

    @property
    def prompt(self) -> str:
        """Return the prompt; the mode stands behind the name."""
        if not self.in_config:
            return f"{self.name}#"
        deep = {"object-group": "-network-group", "policy-map": "-pmap", "interface": "-if"}
        mode = deep.get(self._at[0].split(" ")[0], "") if self._at else ""
        return f"{self.name}(config{mode}{'-c' * (len(self._at) > 1)})#"

    def text(self) -> str:
        """Return the running configuration, as `show running-config` prints it."""
        shown: list[str] = []
        for path, lines in self.running.items():
            shown.append(" " * (len(path) - 1) + path[-1])
            shown += [" " * len(path) + line for line in lines]
            if len(path) == 1 and not any(p[0] == path[0] and len(p) > 1 for p in self.running):
                shown.append("!")
        return "\n".join(shown)

    def passes(self, address: str) -> bool:
        """Tell whether the operator's access list, made once, lets *address* through."""
        return not any(f"host {address}" in lines for lines in self.running.values())

    def reboot(self) -> None:
        """Start again with what was written to memory."""
        self.running = {path: list(lines) for path, lines in self.startup.items()}
        self.changed()

    def answer(self, line: str) -> str:
        """Return what *line* prints."""
        line = line.strip()
        if not line or line.startswith("terminal "):
            return ""
        return self._configure(line) if self.in_config else self._execute(line)

    def _execute(self, line: str) -> str:
        if line == "configure terminal":
            self.in_config, self._at = True, ()
            return "Enter configuration commands, one per line.  End with CNTL/Z."
        if line == "write memory":
            self.startup = {path: list(lines) for path, lines in self.running.items()}
            return "Building configuration...\n[OK]"
        found = re.fullmatch(r"show running-config \| (section|include) (.+)", line)
        if found is None:
            return _INVALID
        if found[1] == "include":
            return "\n".join(x for x in self.text().splitlines() if re.search(found[2], x))
        return self._section(found[2])

    def _section(self, expression: str) -> str:
        shown: list[str] = []
        taken = False
        for line in self.text().splitlines():
            if not line.startswith(" "):
                taken = re.search(expression, line) is not None
            if taken and line != "!":
                shown.append(line)
        return "\n".join(shown)

    def _configure(self, line: str) -> str:
        if line in ("end", "exit"):
            self.in_config, self._at = line == "exit" and bool(self._at), self._at[:-1]
            return ""
        if _TOP.fullmatch(line):
            self._at = (line,)
        elif _DEEP.fullmatch(line) and self._at:
            self._at = (self._at[0], line)
        elif _LEAF.fullmatch(line) and self._at:
            return self._leaf(line)
        else:
            return _INVALID
        self.running.setdefault(self._at, [])
        return ""

    def _leaf(self, line: str) -> str:
        lines = self.running[self._at]
        bare = line.removeprefix("no ")
        kind = next((k for k in _ONE_OF_A_KIND if bare.startswith(k)), bare)
        if line.startswith("no "):
            if bare.startswith("host") and lines == [bare]:
                return "% The object-group is in use: it cannot be made empty"
            lines[:] = [x for x in lines if not x.startswith(kind)]
        elif kind in _ONE_OF_A_KIND and any(x.startswith(kind) for x in lines):
            lines[:] = [bare if x.startswith(kind) else x for x in lines]
        elif bare not in lines:
            lines.append(bare)
        self.changed()
        return ""
