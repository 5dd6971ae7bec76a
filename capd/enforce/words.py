"""Pure: what an order, a device and a profile put in the places of its lines, checked first.

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
| {down_si} {up_si}     | the same with the largest letter that fits: 30m, 1500k              |
| {down_Bps} {up_Bps}   | in bytes a second, made odd: nft rewrites multiples of 1024         |

But for {down_max_bps} and {up_max_bps}, a rate that is not limited has no value: lines with
`when = "down_bps"` are left out then.
"""

import hashlib
import re
from collections.abc import Mapping

from capd.dialect import addresses_of
from capd.errors import CannotBeDone
from capd.model import Device, Order
from capd.profiles import Profile

_ODD = re.compile(r"[^A-Za-z0-9_.@:-]")
_LONGEST_NAME = 60
_UNTYPED = re.compile(r"""[^ -~]|["'`$;\\?|&]""", re.ASCII)  # not printable, or a shell reads it


def words_of(order: Order, settings: Mapping[str, str], profile: Profile) -> dict[str, str]:
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
        units = ("bps", "kbps", "Bps", "si")
        return {f"{way}_max_bps": "0"} | {f"{way}_{unit}": "" for unit in units}
    return {
        f"{way}_bps": str(bps),
        f"{way}_max_bps": str(bps),
        f"{way}_kbps": str(max(bps // 1000, 1)),
        f"{way}_Bps": str(bps // 8 | 1),
        f"{way}_si": _si(max(bps // 1000, 1)),
    }


def _si(kbps: int) -> str:
    """Return a rate as Junos shows it: 30m, 1500k."""
    for factor, letter in ((10**6, "g"), (10**3, "m")):
        if kbps % factor == 0:
            return f"{kbps // factor}{letter}"
    return f"{kbps}k"


def _name(text: str) -> str:
    """Return *text* fit for a comment; two different ids never become the same."""
    clean = _ODD.sub("-", text)[:_LONGEST_NAME]
    if clean == text:
        return clean
    return f"{clean}~{hashlib.sha256(text.encode()).hexdigest()[:8]}"


def refuse_untypable(device: Device, words: Mapping[str, str]) -> None:
    """Raise CannotBeDone for a value that could end a line or a word, or look like another."""
    for name, value in words.items():
        if found := _UNTYPED.search(value):
            raise CannotBeDone(
                f"{device.id}: settings.{name}: {value!r} holds {found[0]!r}, which is never typed"
            )
