"""What the values of capd.toml must look like, in words for the person who wrote them."""

import re
from datetime import time
from urllib.parse import SplitResult, unquote, urlsplit, urlunsplit
from zoneinfo import available_timezones

from capd.strict import did_you_mean
from capd.told import TOLD

_MAIL = re.compile(r"[^@\s<>]+@[^@\s<>]+|[^@<>\r\n]*<[^@\s<>]+@[^@\s<>]+>")
_LARGEST_PORT = 65_535


def one_line(text: str) -> str:
    """Refuse line breaks and control characters (a name goes into mail headers)."""
    if not text.isprintable():
        raise ValueError("wants one line of text, without control characters")
    return text


def zone(name: str) -> str:
    """Refuse what is not in the time zone database, with a guess."""
    zones = available_timezones()
    if name not in zones:
        raise ValueError(f"no time zone is called {name!r}.{did_you_mean(name, zones)}")
    return name


def span(text: str) -> tuple[time, time]:
    """Return the hours that a text such as 22:00-07:00 names; ValueError for any other."""
    found = re.fullmatch(r"(\d\d:\d\d)-(\d\d:\d\d)", text, re.ASCII)
    try:
        hours = (time.fromisoformat(found[1]), time.fromisoformat(found[2])) if found else None
    except ValueError:
        hours = None
    if hours is None or hours[0] == hours[1]:
        raise ValueError(f"wants hours such as 22:00-07:00, not {text!r}")
    return hours


def hours(several: tuple[str, ...]) -> tuple[str, ...]:
    """Refuse what is no list of hours of the day."""
    for each in several:
        span(each)
    return several


def currency(code: str) -> str:
    """Refuse what is not shaped like ISO 4217."""
    if not re.fullmatch("[A-Z]{3}", code):
        raise ValueError(f"wants three capital letters such as GBP, not {code!r}")
    return code


def _url(text: str, schemes: tuple[str, ...], example: str, *, host: bool = True) -> SplitResult:
    """Return the parts of a url; errors never echo it, for it may carry a password."""
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise ValueError(f"wants a url such as {example}; its port or host is wrong") from None
    if parts.scheme not in schemes:
        guess = did_you_mean(parts.scheme, schemes) if parts.scheme else ""
        raise ValueError(f"wants a url such as {example}.{guess}".removesuffix("."))
    if (host and not parts.hostname) or port == 0 or not text.isprintable() or " " in text:
        raise ValueError(f"wants a url such as {example}; its host or port is missing or wrong")
    return parts


def mqtt_url(text: str) -> str:
    """Refuse all but mqtt:// and mqtts://."""
    _url(text, ("mqtt", "mqtts"), "mqtt://127.0.0.1:1883")
    return text


def share(text: str) -> str:
    """Refuse what cannot be the name of a group that shares subscriptions (MQTT 5, 4.8.2)."""
    if not text or not text.isprintable() or set(text) & set("/+# "):
        raise ValueError(f"wants the name of a group, without / + # or a space, not {text!r}")
    return text


def smtp_url(text: str) -> str:
    """Refuse all but smtp:// and smtps://."""
    _url(text, ("smtp", "smtps"), "smtp://127.0.0.1:25")
    return text


def web_url(text: str) -> str:
    """Refuse all but http:// and https://."""
    _url(text, ("http", "https"), "https://billing.example.net/hook")
    return text


def store_url(text: str) -> str:
    """Refuse what is no database; `env:NAME` and `file:PATH` are looked into at loading."""
    examples = "sqlite:///capd.db or postgresql://host/database"
    if text.startswith(("env:", "file:")):
        return text
    if text.startswith("sqlite:///") and text.removeprefix("sqlite:///").strip("/ "):
        return text
    if text.startswith("sqlite:"):
        raise ValueError("wants the name of a file after sqlite:///, such as sqlite:///capd.db")
    _url(text, ("postgresql", "sqlite"), examples, host=False)  # a socket has no host
    return text


def listen(text: str) -> str | None:
    """Refuse all but HOST:PORT; an empty text is nowhere."""
    if not text:
        return None
    host, _, port = text.rpartition(":")
    right = port.isascii() and port.isdigit() and int(port) <= _LARGEST_PORT
    bare_ipv6 = ":" in host and not (host.startswith("[") and host.endswith("]"))
    if not right or not host or bare_ipv6 or not host.isprintable() or " " in host:
        raise ValueError(f'wants HOST:PORT such as "127.0.0.1:8080" or "[::1]:8080", not {text!r}')
    return text


def mail_address(text: str) -> str:
    """Refuse what is no e-mail address, with or without a name before it."""
    if not _MAIL.fullmatch(text) or not text.isprintable():
        raise ValueError(f"wants an e-mail address such as support@example.net, not {text!r}")
    return text


def kinds(names: tuple[str, ...]) -> tuple[str, ...]:
    """Refuse what is no kind of event that subscribers are told about."""
    for name in names:
        if name not in TOLD:
            guess = did_you_mean(name, TOLD)
            raise ValueError(f"nobody is told of {name!r}.{guess}".removesuffix("."))
    return names


def versions(texts: dict[str, str]) -> dict[str, str]:
    """Refuse what has no numbers to compare a device's firmware with."""
    for name, text in texts.items():
        if not any(c.isdigit() for c in text):
            raise ValueError(f"{name}: wants a version such as 7.16.1, not {text!r}")
    return texts


def split_login(data: object, key: str) -> object:
    """Move `user:password@` out of the url at *key*, so that the url may be shown."""
    if not isinstance(data, dict) or not isinstance(data.get(key), str):
        return data
    try:
        parts = urlsplit(data[key])
        login = {"username": parts.username, "password": parts.password}
    except ValueError:
        return data
    if login["username"] is None:
        return data
    clean = urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
    told = {name: unquote(text) for name, text in login.items() if text is not None}
    return {**told, **data, key: clean}
