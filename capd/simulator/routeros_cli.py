"""A RouterOS command line in memory: menus of items that add, set, remove, find and print change.

Enough of its language for what is typed in enforcement: `:put`, `:len`, `:foreach`, `:do`, strings,
`.` between them, `[…]` for a command's value and `$name`.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import ClassVar

from capd.simulator.quoting import Unbalanced, split

_VERBS = frozenset({"add", "set", "remove", "print", "find", "get", "enable", "disable"})
_MENUS = frozenset(
    {
        "/ip firewall address-list", "/ipv6 firewall address-list", "/ip firewall connection",
        "/ip firewall filter", "/ipv6 firewall filter", "/queue simple", "/ppp secret",
        "/ppp active", "/system identity",
    }
)  # fmt: skip
_PRINTING = frozenset({"terse", "detail", "brief", "without-paging", "where"})
_TEST = re.compile(r"([a-z.-]+)(=|~)(.*)", re.DOTALL)
_RATE = re.compile(r"([0-9]+)([kMG]?)")
_FACTOR = {"": 1, "k": 1000, "M": 10**6, "G": 10**9}

Value = str | list[str]
Names = dict[str, Value]


class RouterOsError(Exception):
    """What RouterOS prints instead of doing it."""


@dataclass(slots=True)
class Item:
    """A row of a menu."""

    id: str
    values: dict[str, str]

    def get(self, name: str) -> str:
        """Return a value; what was not given is empty, and an item is not disabled."""
        return self.id if name == ".id" else self.values.get(name, _unset(name))


def _unset(name: str) -> str:
    return {"disabled": "no", "dynamic": "no", "max-limit": "0/0"}.get(name, "")


def _ruled(suspended: str) -> dict[str, list[Item]]:
    """Return the operator's two rules that shut a list out, for IPv4 and IPv6."""
    ways = ({"src-address-list": suspended, "action": "reject"},
            {"dst-address-list": suspended, "action": "drop"})  # fmt: skip
    return {
        menu: [Item(f"*{n}", {"chain": "forward", **way}) for n, way in enumerate(ways, 1)]
        for menu in ("/ip firewall filter", "/ipv6 firewall filter")
    }


@dataclass(slots=True)
class RouterOs:
    """One router: what is configured, and a command line to it."""

    paints: ClassVar[bool] = True  # a line that was typed, once more behind the prompt
    name: str = "MikroTik"
    menus: dict[str, list[Item]] = field(default_factory=lambda: _ruled("capd-suspended"))
    changed: Callable[[], None] = lambda: None
    _next_id: int = 0x10

    @property
    def prompt(self) -> str:
        """Return the prompt, as RouterOS shows it."""
        return f"[admin@{self.name}] > "

    def answer(self, line: str) -> str:
        """Return what *line* prints."""
        printed: list[str] = []
        try:
            self._run(line, {}, printed)
        except RouterOsError as exc:
            printed.append(str(exc))
        return "\n".join(printed)

    def add(self, menu: str, **values: str) -> Item:
        """Put an item into *menu*; underscores in names stand for hyphens."""
        item = Item(f"*{self._next_id:X}", {k.replace("_", "-"): v for k, v in values.items()})
        self._next_id += 1
        self.menus.setdefault(menu, []).append(item)
        return item

    def passes(self, address: str, suspended: str = "capd-suspended") -> bool:
        """Tell whether the rules of its firewall let what *address* sends through."""
        rules = self.menus.get("/ip firewall filter", [])
        listed = self.menus.get("/ip firewall address-list", [])
        shut = any(
            rule.get("src-address-list") == suspended and rule.get("disabled") == "no"
            for rule in rules
        )
        return not shut or not any(
            item.get("list") == suspended
            and item.get("address") == address
            and item.get("disabled") == "no"
            for item in listed
        )

    def limits(self, queue: str) -> tuple[int | None, int | None]:
        """Return what the simple queue *queue* allows down and up, in bits a second."""
        for item in self.menus.get("/queue simple", []):
            if item.get("name") == queue:
                up, down = (int(way) or None for way in item.get("max-limit").split("/"))
                return down, up
        return None, None

    # ---- the language ----------------------------------------------------------------------------

    def _run(self, text: str, names: Names, printed: list[str]) -> None:
        for statement in _split(text, ";"):
            words = _split(statement, " ")
            if words:
                self._statement(words, names, printed)

    def _statement(self, words: list[str], names: Names, printed: list[str]) -> None:
        if words[0] == ":put":
            printed.append(_text(self._value(" ".join(words[1:]), names)))
        elif words[0] == ":do":
            try:
                self._run(words[1][1:-1], names, printed)
            except RouterOsError:
                self._run(words[2].removeprefix("on-error=")[1:-1], names, printed)
        elif words[0] == ":foreach":
            found = self._value(words[2].removeprefix("in="), names)
            for each in found if isinstance(found, list) else [found]:
                inner = {**names, words[1]: each}
                self._run(words[3].removeprefix("do=")[1:-1], inner, printed)
        else:
            self._command(words, names, printed)

    def _value(self, text: str, names: Names) -> Value:
        """Return what an expression is worth."""
        text = text.strip()
        if text.startswith("(") and text.endswith(")"):
            parts = [part.strip() for part in _split(text[1:-1], ".")]
            return "".join(_text(self._value(part, names)) for part in parts)
        if text.startswith("[") and text.endswith("]"):
            words = _split(text[1:-1], " ")
            if words[0] == ":len":
                value = self._value(" ".join(words[1:]), names)
                return str(len(value))
            return self._command(words, names, [])
        if text.startswith("$"):
            return names.get(text[1:], "")
        return text[1:-1] if text.startswith('"') else text

    def _command(self, words: list[str], names: Names, printed: list[str]) -> Value:
        verb = next((n for n, word in enumerate(words) if word in _VERBS), None)
        menu = " ".join(words[:verb]) or str(names.get("menu", ""))
        if verb is None or menu not in _MENUS:
            raise RouterOsError(f"bad command name {words[-1].lstrip('/')} (line 1 column 1)")
        inner: Names = {**names, "menu": menu}
        arguments = words[verb + 1 :]
        return getattr(self, f"_{words[verb]}")(menu, arguments, inner, printed)  # type: ignore[no-any-return]

    # ---- the verbs -------------------------------------------------------------------------------

    def _find(self, menu: str, arguments: list[str], names: Names, _: list[str]) -> Value:
        return [item.id for item in self._matching(menu, arguments, names)]

    def _print(self, menu: str, arguments: list[str], names: Names, printed: list[str]) -> Value:
        for number, item in enumerate(self._matching(menu, arguments, names)):
            flag = "X" if item.get("disabled") == "yes" else " "
            values = " ".join(f"{k}={v}" for k, v in item.values.items() if k != "disabled")
            printed.append(f"{number:2} {flag} {values}")
        return ""

    def _get(self, menu: str, arguments: list[str], names: Names, _: list[str]) -> Value:
        items = self._items(menu, arguments[0], names)
        if not items:
            raise RouterOsError("no such item")
        return items[0].get(arguments[1])

    def _add(self, menu: str, arguments: list[str], names: Names, _: list[str]) -> Value:
        values = self._assigned(arguments, names)
        before = values.pop("place-before", None)
        rows = self.menus.setdefault(menu, [])
        unique = ("name",) if "name" in values else ("list", "address")
        for row in rows:
            if all(name in values and row.get(name) == values[name] for name in unique):
                raise RouterOsError("failure: already have such entry")
        item = self.add(menu, **values)
        if before:
            rows.remove(item)
            place = next(
                (n for n, row in enumerate(rows) if row.id in before.split(",")), len(rows)
            )
            rows.insert(place, item)
        self.changed()
        return item.id

    def _set(self, menu: str, arguments: list[str], names: Names, _: list[str]) -> Value:
        for item in self._items(menu, arguments[0], names):
            item.values |= self._assigned(arguments[1:], names)
        self.changed()
        return ""

    def _remove(self, menu: str, arguments: list[str], names: Names, _: list[str]) -> Value:
        gone = [item.id for item in self._items(menu, arguments[0], names)]
        rows = self.menus.get(menu, [])
        rows[:] = [item for item in rows if item.id not in gone]
        self.changed()
        return ""

    def _items(self, menu: str, text: str, names: Names) -> list[Item]:
        wanted = self._value(text, names)
        ids = wanted if isinstance(wanted, list) else [wanted]
        return [item for item in self.menus.get(menu, []) if item.id in ids]

    def _matching(self, menu: str, arguments: list[str], names: Names) -> Iterator[Item]:
        tests = [_test(word) for word in arguments if word not in _PRINTING]
        for item in self.menus.get(menu, []):
            if all(self._holds(item, *test, names) for test in tests):
                yield item

    def _holds(self, item: Item, name: str, sign: str, text: str, names: Names) -> bool:
        value = _text(self._value(text, names))
        if sign == "~":
            return re.search(value, item.get(name)) is not None
        return item.get(name) == value

    def _assigned(self, arguments: list[str], names: Names) -> dict[str, str]:
        values: dict[str, str] = {}
        for word in arguments:
            name, _, text = _test(word)
            value = _text(self._value(text, names))
            values[name] = _limits(value) if name == "max-limit" else value
        return values


def _test(word: str) -> tuple[str, str, str]:
    found = _TEST.fullmatch(word)
    if found is None:
        raise RouterOsError(f"expected end of command (line 1 column 1) near {word}")
    return found[1], found[2], found[3]


def _limits(text: str) -> str:
    """Return "5M/30M" as RouterOS keeps it: "5000000/30000000"."""
    found = [_RATE.fullmatch(part) for part in text.split("/")]
    if len(found) != len(("up", "down")) or None in found:
        raise RouterOsError("value of max-limit expects a pair of rates, and is out of range")
    return "/".join(str(int(part[1]) * _FACTOR[part[2]]) for part in found if part is not None)


def _text(value: Value) -> str:
    return value if isinstance(value, str) else ",".join(value)


def _split(text: str, at: str) -> list[str]:
    try:
        return list(split(text, at))
    except Unbalanced:
        raise RouterOsError(f"syntax error (line 1 column {len(text)})") from None
