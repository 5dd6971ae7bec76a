"""Pure: what a letter is made of, and how its words are kept harmless and laid out.

Whatever came from outside (a name, a note, a reference) is one harmless line before a template
sees it, and the finished text has no characters in it that a reader cannot see.
"""

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from textwrap import fill

WIDTH = 76  # RFC 5322, 2.1.1: 78 at most is kind
LONGEST = 500
LONGEST_DECISION = 1000
_LONGEST_SUBJECT = 150
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})  # controls, line ends, what turns text round

Pair = tuple[str, str]
"""What a figure is called, and the figure."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What is sent: a one-line subject, and the same words as text and as HTML."""

    subject: str
    text: str
    html: str
    problem: str = ""  # why a template of the operator's own was left aside, in one line


def one_line(text: str, longest: int = LONGEST) -> str:
    """Return *text* without line ends and invisible characters, cut at *longest* characters."""
    flat = " ".join(_seen(text).split())
    return flat if len(flat) <= longest else flat[: longest - 1] + "…"


def subject_line(operator: str, subject: str) -> str:
    """Return the subject of a mail: who writes, and what about."""
    return one_line(f"{operator}: {subject}", _LONGEST_SUBJECT)


def lines(text: str) -> str:
    """Return *text* with its line ends, and without any other invisible character."""
    clean = "\n".join(_seen(line).rstrip() for line in text.replace("\r\n", "\n").split("\n"))
    return clean.strip("\n") + "\n"


def _seen(text: str) -> str:
    return "".join(" " if unicodedata.category(c) in _UNSEEN else c for c in text)


def wrapped(text: object) -> str:
    """Return *text* in lines of at most 76 characters; a long word stays whole."""
    return fill(str(text), WIDTH, break_long_words=False, break_on_hyphens=False)


def columns(pairs: Iterable[Sequence[object]]) -> str:
    """Return (label, value) *pairs* as lines whose values stand under each other."""
    rows = [(f"{label}:", str(value)) for label, value in pairs]
    widest = max((len(label) for label, _ in rows), default=0)
    return "\n".join(f"  {label:<{widest}} {value}" for label, value in rows)


def big(text: object) -> str:
    """Return *text* as a sentence: a capital at its beginning, a full stop at its end."""
    words = str(text)
    return words[:1].upper() + words[1:] + ("" if words.endswith((".", "!", "?")) else ".")


def small(text: object) -> str:
    """Return *text* as a subject wants it: no capital at its beginning, no full stop."""
    words = str(text)
    return words[:1].lower() + words[1:].rstrip(".")
