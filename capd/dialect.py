"""[enforce] of a device profile: what is typed into a family of devices, and read back from it.

`device_profiles/README.md` explains each key; `enforce/render.py` says what each placeholder is.
"""

import re
from collections.abc import Iterator, Mapping
from ipaddress import IPv4Network, IPv6Network, collapse_addresses, ip_network
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

WORD = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")
"""A placeholder: one word in braces. `{ 80, 443 }` and `do={…}` are the device's own braces."""

_LISTS = ("suspend", "restore", "rate", "unrate")
_SIGNS = ("line", "suspended", "in_service", "rate", "no_rate", "shows")

RATE_WORDS = frozenset(
    f"{way}_{unit}" for way in ("down", "up") for unit in ("bps", "max_bps", "kbps", "Bps", "si")
)
WORDS = RATE_WORDS | {"subscriber", "device", "meter", "product"}


def _compiles(template: str) -> str:
    """Refuse an expression that is none, whatever stands in its placeholders."""
    try:
        re.compile(WORD.sub("x", template))
    except re.error as exc:
        raise ValueError(f"{template!r} is no regular expression: {exc}") from None
    return template


def _several(value: object) -> object:
    if isinstance(value, str):
        return (value,)
    return tuple(value) if isinstance(value, list) else value


Pattern = Annotated[str, AfterValidator(_compiles)]
Words = Annotated[tuple[str, ...], BeforeValidator(_several)]
"""One word, or several, all of which must be as asked."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Line(_Strict):
    """A line that is typed only where words have values, or only where they have none."""

    line: str
    when: Words = ()
    unless: Words = ()


Lines = tuple[str | Line, ...]


class Sign(_Strict):
    """An expression that counts only where words have values, or only where they have none."""

    line: Pattern
    when: Words = ()
    unless: Words = ()


Signs = Pattern | tuple[Pattern | Sign, ...]


class Requirement(_Strict):
    """What the operator configured once, without which a suspension would stop nothing.

    It is read in each session before anything is typed to suspend anyone.
    """

    line: str
    found: Signs  # it is there
    missing: str  # else: what is not there, as the end of a sentence
    add: tuple[str, ...]  # what the operator types, once
    when: Words = ()
    unless: Words = ()


class Verify(_Strict):
    """The read-back: what is typed, and what the answers look like in each state.

    The expressions (all of a list) are rendered like the lines, values escaped, then searched for;
    ^ and $ are the ends of a line. What is neither of a pair is half done, and is done again.
    """

    line: str | Lines
    suspended: Signs  # found: suspended, wholly
    in_service: Signs | None = None  # found: nothing of it is left; None: `suspended` not found
    rate: Signs | None = None  # found: {down_bps} and {up_bps} are set
    no_rate: Signs | None = None  # found: no rate is set; None: `rate` not found
    shows: Pattern | None = None  # the rate that is set, as groups `down` and `up`: 0 for none
    many_from: int = Field(default=20, ge=2)  # orders of one session, from which on `many` is read
    many: "Verify | None" = None  # lines whose one answer is for all of a session; None: as above

    def for_some(self, orders: int) -> "Verify":
        """Return how *orders* of one session are read back."""
        return self if self.many is None or orders < self.many_from else self.many


class Method(_Strict):
    """One way to suspend: what is typed for each difference between two services."""

    needs: tuple[str, ...] = ()  # settings that must not be empty
    suspend: Lines
    restore: Lines
    rate: Lines = ()
    unrate: Lines = ()  # no rate is owed any more
    verify: Verify
    requires: tuple[Requirement, ...] = ()


class ConfigMode(_Strict):
    """The mode in which changes are typed: entered once, for all orders that change anything.

    Lines here hold no placeholders. With `commit`, what is typed becomes true with it, all at once.
    """

    enter: tuple[str, ...]
    leave: tuple[str, ...]
    commit: tuple[str, ...] = ()  # none: each line is true as soon as it is typed
    discard: tuple[str, ...] = ()  # takes back all that was typed since, and stays in the mode
    confirm: tuple[str, ...] = ()  # without them, the device undoes the commit by itself


class Enforce(_Strict):
    """How to speak to the devices of a family; one way to suspend, or several to choose from."""

    netmiko: str  # Netmiko's device_type
    open: tuple[str, ...] = ()  # typed first in each session, changes nothing on the device
    join: str | None = None  # short lines are typed as one, with this between them
    line_end: str = ""  # put after each line
    answer_ends: Pattern | None = None  # where an answer is complete; None: at the prompt
    longest_line: int = Field(default=480, ge=40, le=500)  # Netmiko asks for 511 columns
    needs: tuple[str, ...] = ()
    suspend: Lines = ()
    restore: Lines = ()
    rate: Lines = ()  # {down_bps}, {up_bps}, {down_kbps} …
    unrate: Lines = ()  # no rate is owed any more
    verify: Verify | None = None
    requires: tuple[Requirement, ...] = ()
    method: str | None = None  # the setting that names one of `methods`
    methods: dict[str, Method] = {}  # instead of suspend, restore, … above
    save: Lines = ()  # once, after all lines of a session
    failure_marks: tuple[Pattern, ...] = ()  # expressions that mean "the device said no"
    busy_marks: tuple[Pattern, ...] = ()  # "not now": tried again for as long as it is owed
    config: ConfigMode | None = None  # None: lines are typed where the session begins
    pause_s: float = Field(default=0.0, ge=0, le=10)  # between two lines: spares a slow CPU
    leak_bytes_per_hour: int = Field(default=10_000_000, ge=0)  # the walled garden's own traffic

    def chosen(self, settings: Mapping[str, str]) -> Method | None:
        """Return the way to suspend that *settings* choose; None if they name no such way."""
        if self.method is not None:
            return self.methods.get(settings.get(self.method, ""))
        if self.verify is None:
            return None
        return Method(
            needs=self.needs,
            suspend=self.suspend,
            restore=self.restore,
            rate=self.rate,
            unrate=self.unrate,
            verify=self.verify,
            requires=self.requires,
        )


def mistakes(enforce: Enforce, settings: Mapping[str, str | None]) -> Iterator[str]:
    """Yield what types cannot see in [enforce]; *settings* are the profile's, with defaults."""
    yield from _choice_mistakes(enforce, settings)
    words = WORDS | _setting_words(settings)
    for key, line in _every_line(enforce):
        text = line if isinstance(line, str) else line.line
        conditions = () if isinstance(line, str) else (*line.when, *line.unless)
        for word in sorted({*WORD.findall(text), *conditions} - words):
            yield f"enforce.{key}: unknown placeholder {{{word}}}"
        if "\n" in text:
            yield f"enforce.{key}: one line each: a line end would be typed as Enter"
    yield from _config_mistakes(enforce.config)
    for key, needs in _every_need(enforce):
        for name in sorted(set(needs) - settings.keys()):
            yield f"enforce.{key}: there is no setting {name!r}"


def addresses_of(text: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the IPv4 and the IPv6 addresses or networks in *text*, none within another.

    Raises ValueError with a sentence about the first that is neither.
    """
    v4: list[IPv4Network] = []
    v6: list[IPv6Network] = []
    for part in text.replace(",", " ").split():
        try:
            network = ip_network(part)
        except ValueError:
            raise ValueError(f"{part!r} is no IP address or network") from None
        if isinstance(network, IPv4Network):
            v4.append(network)
        else:
            v6.append(network)
    return (
        tuple(str(n).removesuffix("/32") for n in collapse_addresses(v4)),
        tuple(str(n).removesuffix("/128") for n in collapse_addresses(v6)),
    )


def _setting_words(settings: Mapping[str, str | None]) -> frozenset[str]:
    """Return the settings' names, and each one's list of IPv4 and of IPv6 addresses."""
    return frozenset(f"{name}{family}" for name in settings for family in ("", "4", "6"))


def _choice_mistakes(enforce: Enforce, settings: Mapping[str, str | None]) -> Iterator[str]:
    if enforce.method is None:
        if enforce.methods:
            yield "enforce.method: must name the setting that chooses one of enforce.methods"
        elif enforce.verify is None or not enforce.suspend or not enforce.restore:
            yield "enforce: suspend, restore and verify must be given, or methods"
        return
    if enforce.suspend or enforce.restore or enforce.verify:
        yield "enforce: suspend, restore and verify belong into the methods, since there are some"
    if enforce.method not in settings:
        yield f"enforce.method: there is no setting {enforce.method!r}"
    elif (default := settings[enforce.method]) is not None and default not in enforce.methods:
        yield f"enforce.methods: has no {default!r}, the default of settings.{enforce.method}"


def _config_mistakes(config: ConfigMode | None) -> Iterator[str]:
    if config is None:
        return
    if bool(config.commit) != bool(config.discard):
        yield "enforce.config: commit and discard go together: what is refused must be taken back"
    if config.confirm and not config.commit:
        yield "enforce.config.confirm: there is no commit to confirm"
    for key in ("enter", "leave", "commit", "discard", "confirm"):
        for line in getattr(config, key):
            if WORD.search(line) or "\n" in line:
                yield f"enforce.config.{key}: {line!r}: one line each, without placeholders"


def _ways(enforce: Enforce) -> Iterator[tuple[str, Enforce | Method]]:
    yield "", enforce
    for name, method in enforce.methods.items():
        yield f"methods.{name}.", method


def _every_line(enforce: Enforce) -> Iterator[tuple[str, str | Line | Sign]]:
    """Yield the key and text of everything that holds placeholders."""
    lists: list[tuple[str, Lines | Signs]] = [("save", enforce.save)]
    for prefix, way in _ways(enforce):
        lists += [(f"{prefix}{key}", getattr(way, key)) for key in _LISTS]
        for name, verify in (
            ("verify", way.verify),
            ("verify.many", way.verify and way.verify.many),
        ):
            keys = [key for key in _SIGNS if getattr(verify, key, None) is not None]
            lists += [(f"{prefix}{name}.{key}", getattr(verify, key)) for key in keys]
        for need in way.requires:
            conditions = Line(line=need.line, when=need.when, unless=need.unless)
            lists += [(f"{prefix}requires.line", (conditions,))]
            lists += [(f"{prefix}requires.found", need.found)]
            lists += [(f"{prefix}requires.missing", (need.missing, *need.add))]
    for key, lines in lists:
        for line in (lines,) if isinstance(lines, str) else lines:
            yield key, line


def _every_need(enforce: Enforce) -> Iterator[tuple[str, tuple[str, ...]]]:
    for prefix, way in _ways(enforce):
        yield f"{prefix}needs", way.needs
