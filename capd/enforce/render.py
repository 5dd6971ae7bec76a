"""Pure: an order and a profile become the lines to type, and how to read the device back.

What may stand in braces in a profile's [enforce]:

| placeholder           | what is typed                                                       |
|-----------------------|---------------------------------------------------------------------|
| {NAME}                | the setting NAME of the meter, else of the device, else its default |
| {NAME4} {NAME6}       | of a setting of addresses: its IPv4 or IPv6 ones, "a, b"            |
| {subscriber} {device} | ids, for comments and names: other characters than letters, digits, |
| {meter} {product}     | and _ . @ : - become -, and a hash of the whole is put behind       |
| {down_bps} {up_bps}   | the rate owed, in bits a second                                     |
| {down_max_bps}        | the same, and 0 where nothing limits it                             |
| {up_max_bps}          |                                                                     |
| {down_kbps} {up_kbps} | in units of 1000 bits a second, rounded down, at least 1            |
| {down_Bps} {up_Bps}   | in bytes a second, made odd: nft rewrites multiples of 1024         |

But for {down_max_bps} and {up_max_bps}, a rate that is not limited has no value: lines with
`when = "down_bps"` are left out then.
"""

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from capd.dialect import WORD, Enforce, Line, Lines, Method, Sign, Signs, addresses_of
from capd.errors import CannotBeDone, ConfigError
from capd.model import Device, Meter, Order, Service
from capd.profiles import Profile, settings_of

_ODD = re.compile(r"[^A-Za-z0-9_.@:-]")
_LONGEST_NAME = 60
_UNTYPED = re.compile(r"""[^ -~]|["'`$;\\?|&]""", re.ASCII)  # not printable, or a shell reads it


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """What to type for one order, and what the device says when it took."""

    order: Order
    opening: tuple[str, ...]
    suspend: tuple[str, ...]
    restore: tuple[str, ...]
    rate: tuple[str, ...]  # sets what is owed, or takes the limit away; empty: nothing to do
    save: tuple[str, ...]
    verify: tuple[str, ...]  # the lines of the read-back
    suspended: tuple[str, ...]  # expressions, all of which must be found
    in_service: tuple[str, ...] | None
    rated: tuple[str, ...] | None  # None: the order leaves rates alone
    unrated_if_not: tuple[str, ...] | None  # no rate is owed, and these would show one
    rate_left_if: tuple[str, ...] | None  # found: rates are left alone after all
    failure_marks: tuple[str, ...]
    line_end: str
    answer_ends: str | None
    netmiko: str

    def missing(self, answer: str) -> tuple[str, ...]:
        """Return the lines still to be typed, going by the read-back *answer*; () when as owed."""
        return (*self._missing_rate(answer), *self._missing_state(answer))

    def assumed(self) -> tuple[str, ...]:
        """Return the lines that would be typed if the device is as the books say."""
        if self.order.before == self.order.after:
            return ()
        state: tuple[str, ...] = ()
        if self.order.after.suspended != self.order.before.suspended:
            state = self.suspend if self.order.after.suspended else self.restore
        return (*self.rate, *state)

    def refusal(self, answer: str) -> str | None:
        """Return the words in which the device said no; None if it did not."""
        if not any(re.search(mark, answer, re.MULTILINE) for mark in self.failure_marks):
            return None
        ends = self.answer_ends
        text = answer if ends is None else re.sub(f"^{ends}", "", answer, flags=re.MULTILINE)
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        return " / ".join(lines[:2])[:200] or answer.strip()

    def _missing_state(self, answer: str) -> tuple[str, ...]:
        if self.order.after.suspended:
            return () if _all_found(self.suspended, answer) else self.suspend
        if self.in_service is None:
            return self.restore if _all_found(self.suspended, answer) else ()
        return () if _all_found(self.in_service, answer) else self.restore

    def _missing_rate(self, answer: str) -> tuple[str, ...]:
        if self.unrated_if_not is not None and not _all_found(self.unrated_if_not, answer):
            return ()
        if self.rate_left_if is not None and _all_found(self.rate_left_if, answer):
            return ()
        if self.rated is not None and _all_found(self.rated, answer):
            return ()
        return self.rate


def script(order: Order, device: Device, profile: Profile) -> Script:
    """Return what carries out *order* on *device*.

    Raises CannotBeDone with a sentence: nothing to type for this family, a setting that is
    missing or wrong, a value or a line that must not be typed.
    """
    enforce = profile.enforce
    if enforce is None:
        elsewhere = profile.enforce_elsewhere or "nothing can be typed into this family"
        raise CannotBeDone(f"{device.id}: profile {profile.name}: {elsewhere}")
    try:
        settings = settings_of(profile, device, _meter(device, order.meter))
    except ConfigError as exc:
        raise CannotBeDone("; ".join(exc.problems)) from None
    method = _method(device, enforce, settings)
    words = _words(order, settings, profile)
    _refuse_untypable(device, words)
    made = _script(order, enforce, method, words)
    _refuse_long(device, made, enforce.longest_line)
    return made


def _script(order: Order, enforce: Enforce, method: Method, words: Mapping[str, str]) -> Script:
    verify = method.verify
    limited = order.after.down_bps is not None or order.after.up_bps is not None
    sure = order.before == order.after  # nobody knows what the device has: make it so
    rate: tuple[str, ...] = ()
    rated = unrated_if_not = None
    if sure or _rates(order.before) != _rates(order.after):
        rate = _lines(method.rate if limited else method.unrate, words)
    if rate and limited:
        rated = _signs(verify.rate, words)
    elif rate and verify.no_rate is not None:
        rated = _signs(verify.no_rate, words)
    elif rate:
        unrated_if_not = _signs(verify.rate, words)
    made = Script(
        order=order,
        opening=enforce.open,
        suspend=_lines(method.suspend, words),
        restore=_lines(method.restore, words),
        rate=rate,
        save=_lines(enforce.save, words),
        verify=_lines((verify.line,) if isinstance(verify.line, str) else verify.line, words),
        suspended=_signs(verify.suspended, words) or (),
        in_service=_signs(verify.in_service, words),
        rated=rated,
        unrated_if_not=unrated_if_not,
        rate_left_if=_signs(verify.no_rate, words) if sure else None,
        failure_marks=enforce.failure_marks,
        line_end=enforce.line_end,
        answer_ends=enforce.answer_ends,
        netmiko=enforce.netmiko,
    )
    return made if enforce.join is None else _joined(made, enforce.join, enforce.longest_line)


def _joined(made: Script, join: str, longest: int) -> Script:
    """Return *made* with as many lines in one as fit: each line typed is a way there and back."""
    room = longest - len(made.line_end)
    return replace(
        made,
        opening=_packed(made.opening, join, room),
        suspend=_packed(made.suspend, join, room),
        restore=_packed(made.restore, join, room),
        rate=_packed(made.rate, join, room),
    )


def _packed(lines: tuple[str, ...], join: str, room: int) -> tuple[str, ...]:
    packed: list[str] = []
    for line in lines:
        if packed and len(packed[-1]) + len(join) + len(line) <= room:
            packed[-1] += join + line
        else:
            packed.append(line)
    return tuple(packed)


def _meter(device: Device, name: str) -> Meter | None:
    return next((meter for meter in device.meters if meter.id == name), None)


def _method(device: Device, enforce: Enforce, settings: Mapping[str, str]) -> Method:
    method = enforce.chosen(settings)
    if method is None:
        named = settings.get(enforce.method or "", "")
        known = ", ".join(enforce.methods)
        raise CannotBeDone(f"{device.id}: {enforce.method} = {named!r} is none of: {known}")
    empty = [name for name in method.needs if not settings.get(name)]
    if empty:
        raise CannotBeDone(f"{device.id}: settings.{empty[0]}: must be given to suspend anyone")
    return method


def _words(order: Order, settings: Mapping[str, str], profile: Profile) -> dict[str, str]:
    """Return the value of each placeholder; one without a value is empty."""
    words = dict(settings)
    for name, setting in profile.settings.items():
        if setting.kind == "addresses":
            v4, v6 = addresses_of(settings[name])
            words |= {f"{name}4": ", ".join(v4), f"{name}6": ", ".join(v6)}
    words |= {
        "subscriber": _name(order.subscriber),
        "device": _name(order.device),
        "meter": _name(order.meter),
        "product": _name(order.after.product),
    }
    return words | _rate_words("down", order.after.down_bps) | _rate_words("up", order.after.up_bps)


def _rate_words(way: str, bps: int | None) -> dict[str, str]:
    if bps is None:
        units = ("bps", "kbps", "Bps")
        return {f"{way}_max_bps": "0"} | {f"{way}_{unit}": "" for unit in units}
    return {
        f"{way}_bps": str(bps),
        f"{way}_max_bps": str(bps),
        f"{way}_kbps": str(max(bps // 1000, 1)),
        f"{way}_Bps": str(bps // 8 | 1),
    }


def _name(text: str) -> str:
    """Return *text* fit for a comment; two different ids never become the same."""
    clean = _ODD.sub("-", text)[:_LONGEST_NAME]
    if clean == text:
        return clean
    return f"{clean}~{hashlib.sha256(text.encode()).hexdigest()[:8]}"


def _rates(service: Service) -> tuple[int | None, int | None]:
    return (service.down_bps, service.up_bps)


def _refuse_untypable(device: Device, words: Mapping[str, str]) -> None:
    for name, value in words.items():
        if found := _UNTYPED.search(value):
            raise CannotBeDone(
                f"{device.id}: settings.{name}: {value!r} holds {found[0]!r}, which is never typed"
            )


def _refuse_long(device: Device, made: Script, longest: int) -> None:
    for line in (*made.opening, *made.suspend, *made.restore, *made.rate, *made.verify):
        if len(line) + len(made.line_end) > longest:
            raise CannotBeDone(
                f"{device.id}: a line of {len(line)} characters is too long for its terminal: "
                f"{line[:40]}…; give fewer addresses or shorter names"
            )


def _lines(lines: Lines, words: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(_filled(text, words) for text in _holding(lines, words))


def _signs(signs: Signs | None, words: Mapping[str, str]) -> tuple[str, ...] | None:
    if signs is None:
        return None
    escaped = {name: re.escape(value) for name, value in words.items()}
    several = (signs,) if isinstance(signs, str) else signs
    return tuple(_filled(text, escaped) for text in _holding(several, words))


def _holding(lines: tuple[str | Line | Sign, ...], words: Mapping[str, str]) -> Iterator[str]:
    """Yield the texts whose conditions hold."""
    for line in lines:
        if isinstance(line, str):
            yield line
        elif (line.when is None or words[line.when]) and not (line.unless and words[line.unless]):
            yield line.line


def _filled(template: str, words: Mapping[str, str]) -> str:
    return WORD.sub(lambda found: words[found[1]], template)


def _all_found(expressions: tuple[str, ...], answer: str) -> bool:
    return all(re.search(expression, answer, re.MULTILINE) for expression in expressions)
