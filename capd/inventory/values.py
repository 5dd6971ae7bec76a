"""What single values of an inventory must look like, in words for the person who wrote them."""

import ipaddress
import re

_MAC = re.compile(r"[0-9a-f]{12}")
_HOST = re.compile(r"(?=.{1,253}\Z)([A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9])?\.)*"
                   r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.?")  # fmt: skip
_MAIL = re.compile(r"[^@\s<>,;]+@[^@\s<>,;]+")
_LONGEST_MAIL = 254  # RFC 5321 4.5.3.1.3, without the angle brackets
_LONGEST_NAME = 200


def line(text: str) -> str:
    """Refuse an empty text, line breaks and control characters, blanks around it."""
    if not text:
        raise ValueError("must not be empty")
    if not text.isprintable():
        raise ValueError("wants one line of text, without control characters")
    if text != text.strip():
        raise ValueError("must not begin or end with a blank")
    if len(text) > _LONGEST_NAME:
        raise ValueError(f"is longer than {_LONGEST_NAME} characters")
    return text


def paragraph(text: str) -> str:
    """Refuse control characters; line breaks may be there (a postal address)."""
    text = text.replace("\r\n", "\n")  # a spreadsheet's
    if not all(part.isprintable() for part in text.split("\n")):
        raise ValueError("wants text without control characters")
    return text


def email(text: str) -> str:
    """Refuse what is no single e-mail address (a line break would forge mail headers)."""
    if not _MAIL.fullmatch(text) or not text.isprintable() or len(text) > _LONGEST_MAIL:
        raise ValueError(f"wants one e-mail address such as a@example.net, not {text!r}")
    return text


def mac(text: str) -> str:
    """Return *text* as 02:00:00:00:00:01; dashes, dots and capitals are taken too."""
    digits = re.sub(r"[.:-]", "", text.lower())
    if not _MAC.fullmatch(digits):
        raise ValueError(f"wants a MAC address such as 02:00:00:00:00:01, not {text!r}")
    return ":".join(digits[i : i + 2] for i in range(0, 12, 2))


def host(text: str) -> str:
    """Refuse what is neither an IPv4 nor an IPv6 address nor the name of a host."""
    bare = text.removeprefix("[").removesuffix("]") if text.startswith("[") else text
    try:
        ipaddress.ip_address(bare)
    except ValueError:
        if not _HOST.fullmatch(text) or text.rstrip(".").rpartition(".")[2].isdigit():
            raise ValueError(
                f"wants an IPv4 or IPv6 address or a host name, without a port, not {text!r}"
            ) from None
    else:
        return bare
    return text


def key_file(text: str) -> str:
    """Refuse a private key itself where its path is wanted: a path is shown, a key must not be."""
    if "-----BEGIN" in text:
        raise ValueError("wants the path of a private key, not the key")
    return line(text)


def host_key(text: str) -> str:
    """Refuse what is no public key as OpenSSH writes it: `ssh-ed25519 AAAA…`."""
    if not re.fullmatch(r"[a-z0-9@.-]+ [A-Za-z0-9+/]+=*( [ -~]*)?", text):
        raise ValueError('wants a public key such as "ssh-ed25519 AAAA…"')
    return text
