"""Pure: an order and a profile become the lines to type, and how to read the device back."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from capd.dialect import (
    RATE_WORDS,
    WORD,
    Enforce,
    Line,
    Lines,
    Method,
    Requirement,
    Sign,
    Signs,
    Verify,
)
from capd.enforce.script import Required, Script
from capd.enforce.words import refuse_untypable, words_of
from capd.errors import CannotBeDone, ConfigError
from capd.model import Device, Meter, Order, Service
from capd.profiles import Profile, settings_of

_Some = tuple[str | Line | Sign, ...]


def script(order: Order, device: Device, profile: Profile, *, among: int = 1) -> Script:
    """Return what carries out *order* on *device*, as one of *among* orders of its session.

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
    words = words_of(order, settings, profile)
    refuse_untypable(device, words)
    made = _script(order, enforce, method, words, among)
    _refuse_long(device, made, enforce.longest_line)
    return made


def _script(
    order: Order, enforce: Enforce, method: Method, words: Mapping[str, str], among: int
) -> Script:
    verify = method.verify.for_some(among)
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
        verify=_lines(_listed(verify.line), words),
        suspended=_signs(verify.suspended, words) or (),
        in_service=_signs(verify.in_service, words),
        requires=tuple(_required(method.requires, words)),
        rated=rated,
        unrated_if_not=unrated_if_not,
        rate_left_if=_signs(verify.no_rate, words) if sure else None,
        shows=next(iter(_signs(verify.shows, words) or ()), None),
        failure_marks=enforce.failure_marks,
        busy_marks=enforce.busy_marks,
        config=enforce.config,
        own=_own(verify, words),
        line_end=enforce.line_end,
        answer_ends=enforce.answer_ends,
        netmiko=enforce.netmiko,
        pause_s=enforce.pause_s,
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


def _own(verify: Verify, words: Mapping[str, str]) -> frozenset[str]:
    """Return the values of *words* that the read-back's signs have and its lines have not."""
    lines = " ".join(_lines(_listed(verify.line), words))
    signs = (verify.suspended, verify.in_service, verify.rate, verify.no_rate)
    texts = [text for some in signs if some is not None for text in _holding(_several(some), words)]
    named = {word for text in texts for word in WORD.findall(text)} - RATE_WORDS
    return frozenset(v for w in named if len(v := words[w]) > 1 and v not in lines)


def _listed(lines: str | Lines) -> Lines:
    return (lines,) if isinstance(lines, str) else lines


def _several(signs: Signs) -> tuple[str | Sign, ...]:
    return (signs,) if isinstance(signs, str) else signs


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


def _rates(service: Service) -> tuple[int | None, int | None]:
    return (service.down_bps, service.up_bps)


def _refuse_long(device: Device, made: Script, longest: int) -> None:
    checks = tuple(need.line for need in made.requires)
    for line in (
        *made.opening, *made.suspend, *made.restore, *made.rate, *made.verify, *checks
    ):  # fmt: skip
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
    return tuple(_filled(text, escaped) for text in _holding(_several(signs), words))


def _required(needs: Iterable[Requirement], words: Mapping[str, str]) -> Iterator[Required]:
    """Yield what is required under these *words*."""
    for need in needs:
        for line in _lines((Line(line=need.line, when=need.when, unless=need.unless),), words):
            yield Required(
                line=line,
                found=_signs(need.found, words) or (),
                missing=_filled(need.missing, words),
                add=tuple(_filled(each, words) for each in need.add),
            )


def _holding(lines: _Some, words: Mapping[str, str]) -> Iterator[str]:
    """Yield the texts whose conditions hold."""
    for line in lines:
        if isinstance(line, str):
            yield line
        elif all(words[w] for w in line.when) and not any(words[w] for w in line.unless):
            yield line.line


def _filled(template: str, words: Mapping[str, str]) -> str:
    return WORD.sub(lambda found: words[found[1]], template)
