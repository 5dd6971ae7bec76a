"""Pure: a mail that says what became of a notice is read (RFC 3464, RFC 6522, and older ways).

Which notice it is about is in our Message-ID, wherever the report brings it back: in the returned
mail or its headers, in its own In-Reply-To or References, in the address that it was sent to, or
in its words. A report may come from anybody: it is only ever recorded and shown.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_bytes, message_from_string
from email.message import Message
from email.policy import compat32
from email.utils import parseaddr
from enum import StrEnum

from capd.notify.letter import one_line

LARGEST = 1024 * 1024  # bytes of a report, with the mail that it returns
_MOST_PARTS = 64  # nested or side by side; the usual report has three
_LOOKED_AT = 64 * 1024  # characters of each part's words

_OURS = re.compile(r"capd\.(\d{1,18})\.(\d{1,18})@")
_STATUS = re.compile(r"(?<![\d.])[245]\.\d{1,3}\.\d{1,3}(?![\d.])")
_REFUSED = re.compile(r"(?<![\d.])5(\d\d(?=[ -])|\.\d{1,3}\.\d{1,3}(?![\d.]))")
_ADDRESS = re.compile(r"<([^<>\s@]{1,64}@[^<>\s@]{1,255})>")
_MACHINE = re.compile(r"mailer-daemon|postmaster|mail delivery (sub)?system", re.IGNORECASE)
_QMAIL = re.compile(r"\s*Hi\. This is the ")
_LATE = re.compile(r"\bdelay|warning:|will be retried|still (being )?(tried|trying)", re.IGNORECASE)
_GONE = re.compile(r"undeliver|could not be delivered|permanent|failure|returned", re.IGNORECASE)
_RETURNED = frozenset({"message/rfc822", "message/global"})
_HEADERS = frozenset({"text/rfc822-headers", "message/rfc822-headers", "message/global-headers"})
_STATUSES = frozenset({"message/delivery-status", "message/global-delivery-status"})
_REPLIES = ("In-Reply-To", "References", "X-Original-Message-ID", "Original-Message-ID")
_SENT_TO = ("To", "Delivered-To", "X-Original-To", "Envelope-To")


class Became(StrEnum):
    """What a report says of a mail."""

    FAILED = "failed"
    DELAYED = "delayed"
    DELIVERED = "delivered"
    OTHER = "other"  # no report of a delivery at all


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What somebody's mail server says became of a notice."""

    became: Became
    said: str  # in a few words, what kind of a mail the report is
    event: int | None = None  # the notice's event; None: no message of capd's is named
    at: int | None = None  # and its moment, in microseconds, which nobody guesses
    recipient: str = ""
    status: str = ""  # RFC 3463: "5.1.1"
    diagnostic: str = ""  # the refusing server's own words


def read_report(raw: bytes) -> Report:
    """Return what *raw*, a mail as it came in, reports.

    Raises ValueError in one line where it is no mail, or one that is made to hurt.
    """
    if len(raw) > LARGEST:
        raise ValueError(f"is larger than {LARGEST} bytes: no delivery report is")
    lower = raw.lower()
    if lower.count(b"boundary=") + lower.count(b"message/") > _MOST_PARTS:
        raise ValueError("has more parts than any delivery report")
    try:
        mail = message_from_bytes(raw, policy=compat32)
        parts = list(_parts(mail))
    except (RecursionError, LookupError, ValueError) as exc:
        raise ValueError(f"cannot be read as a mail: {one_line(str(exc), 100)}") from None
    if not ({"from", "to", "subject", "date"} & {key.lower() for key in mail}):
        raise ValueError("is no mail: it has no From, To, Subject or Date")
    event, at = _named(mail, parts)
    became, said, recipient, status, diagnostic = _told(mail, parts)
    return Report(
        became=became,
        said=said,
        event=event,
        at=at,
        recipient=one_line(recipient, 320),
        status=status,
        diagnostic=one_line(diagnostic, 300),
    )


_Told = tuple[Became, str, str, str, str]


def _parts(mail: Message) -> Iterator[Message]:
    """Yield *mail* and all that is in it, the outer before the inner."""
    waiting, seen = [mail], 0
    while waiting:
        part = waiting.pop(0)
        seen += 1
        if seen > 4 * _MOST_PARTS:
            raise ValueError("too many parts")
        yield part
        inner = part.get_payload()
        if isinstance(inner, list):
            waiting += [each for each in inner if isinstance(each, Message)]


def _header(part: Message, name: str) -> str:
    value = part.get(name)
    return "" if value is None else one_line(str(value)[:4000], 2000)


def _words(part: Message) -> str:
    """Return the words of a part that is a leaf; what cannot be decoded is shown as it is."""
    if part.is_multipart():
        return ""
    try:
        decoded = part.get_payload(decode=True)
    except (ValueError, LookupError):
        decoded = None
    return decoded.decode("utf-8", "replace")[:_LOOKED_AT] if isinstance(decoded, bytes) else ""


def _named(mail: Message, parts: list[Message]) -> tuple[int | None, int | None]:
    """Return the event and the moment in the first of our Message-IDs that comes back."""
    for text in _places(mail, parts):
        found = _OURS.search(text)
        if found is not None:
            return int(found[1]), int(found[2])
    return None, None


def _places(mail: Message, parts: list[Message]) -> Iterator[str]:
    for part in parts:
        kind = part.get_content_type()
        if kind in _RETURNED and part.is_multipart():
            yield _header(_first(part), "Message-ID")
        if kind in _HEADERS:
            yield _words(part)
            yield from (_header(inner, "Message-ID") for inner in _inner(part))
    for part in parts:
        yield from (_header(part, name) for name in _REPLIES)
    yield from (_header(mail, name) for name in _SENT_TO)  # a return path of its own for each mail
    yield from (_words(part) for part in parts)


def _inner(part: Message) -> list[Message]:
    payload = part.get_payload()
    return [each for each in payload if isinstance(each, Message)] if part.is_multipart() else []


def _first(part: Message) -> Message:
    return _inner(part)[0] if _inner(part) else part


def _told(mail: Message, parts: list[Message]) -> _Told:
    statuses = [part for part in parts if part.get_content_type() in _STATUSES]
    if statuses:
        return _by_status([group for part in statuses for group in _groups(part)])
    kinds = {part.get_content_type() for part in parts}
    if "message/disposition-notification" in kinds:
        return Became.OTHER, "a receipt, not a report of a delivery", "", "", ""
    if "message/feedback-report" in kinds:
        return Became.OTHER, "a complaint of a reader, not a report of a delivery", "", "", ""
    return _by_words(mail, parts)


def _groups(part: Message) -> list[Message]:
    """Return the groups of fields of a delivery status: one of the mail, one a recipient."""
    groups = _inner(part)
    if part.get_content_type() == "message/delivery-status" and groups:
        return groups
    rest = "\n\n".join(_words(group) for group in groups) or _words(part)
    texts = re.split(r"\n\s*\n", rest, maxsplit=_MOST_PARTS)
    return [*groups, *(message_from_string(text.strip()) for text in texts)]


_ACTIONS = {
    "failed": (Became.FAILED, "a delivery failure"),
    "delayed": (Became.DELAYED, "a delay: the mail server still tries"),
    "delivered": (Became.DELIVERED, "a report that it was delivered"),
    "relayed": (Became.DELIVERED, "a report that it was passed on"),
    "expanded": (Became.DELIVERED, "a report that it was passed on"),
}


def _by_status(groups: list[Message]) -> _Told:
    """Return what the recipients' groups say; a failure before anything else (RFC 3464, 2.3)."""
    found: list[_Told] = []
    for group in groups:
        action = _header(group, "Action").lower().partition(" ")[0].strip(";,")
        status = _STATUS.search(_header(group, "Status"))
        code = "" if status is None else status[0]
        if not action and code:  # some leave the action out
            action = {"5": "failed", "4": "delayed", "2": "delivered"}[code[0]]
        if action not in _ACTIONS:
            continue
        diagnostic = _header(group, "Diagnostic-Code").partition(";")
        words = (diagnostic[2] or diagnostic[0]).strip()
        told = _STATUS.search(words)
        vague = code in {"", "5.0.0", "4.0.0"} and told is not None
        became, said = _ACTIONS[action]
        found.append((became, said, _recipient(group), told[0] if vague and told else code, words))
    if not found:
        return Became.OTHER, "a report that names no recipient", "", "", ""
    return min(found, key=lambda told: list(Became).index(told[0]))


def _recipient(group: Message) -> str:
    for name in ("Final-Recipient", "Original-Recipient"):
        told = _header(group, name)
        if told:
            return told.partition(";")[2].strip() or told
    return ""


def _by_words(mail: Message, parts: list[Message]) -> _Told:
    """Return what a mail without a delivery status says: only a mail server's words count."""
    subject, failed = _header(mail, "Subject"), _header(mail, "X-Failed-Recipients")
    text = "\n".join(_words(part) for part in parts)
    own = text.partition("--- Below this line is a copy")[0]
    machine = _MACHINE.search(_header(mail, "From")) or _QMAIL.match(text)
    if not (failed or machine):
        automatic = _header(mail, "Auto-Submitted").lower() not in {"", "no"}
        kind = "an automatic answer" if automatic else "somebody's mail"
        return Became.OTHER, f"{kind}, not a report of a delivery", "", "", ""
    if _LATE.search(subject) or (not failed and _LATE.search(own)):
        return (*_ACTIONS["delayed"], "", "", "")
    words = next((line.strip() for line in own.splitlines() if _REFUSED.search(line)), "")
    if not (failed or words or _GONE.search(subject)):
        return Became.OTHER, "a mail server's message that names no failure", "", "", ""
    status = _STATUS.search(words)
    to = failed.partition(",")[0] or next(iter(_ADDRESS.findall(own)), "")
    return (*_ACTIONS["failed"], parseaddr(to)[1] or to, status[0] if status else "", words)
