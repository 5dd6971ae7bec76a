"""Pure: what is to be said becomes a plain text and a page that look alike. No markup gets in.

Whatever came from outside (a name, a note, a reference) is one harmless line before it is laid out.
"""

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from textwrap import fill

_WIDTH = 76  # RFC 5322, 2.1.1: 78 at most is kind
_LONGEST = 500
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})  # controls, line ends, what turns text round
_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{subject}</title></head>
<body style="font-family:sans-serif;font-size:16px;line-height:1.5;max-width:38em;margin:1em">
{body}
</body></html>
"""
_CELL = "padding:0.2em 1.5em 0.2em 0;text-align:left;vertical-align:top"


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What is sent: a one-line subject, and the same words as text and as HTML."""

    subject: str
    text: str
    html: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """What is said, before it is laid out."""

    subject: str
    opening: str  # what happened, in a sentence
    decision: str  # the event's own sentence, unchanged
    facts: tuple[tuple[str, str], ...] = ()
    way_back: str = ""


def one_line(text: str, longest: int = _LONGEST) -> str:
    """Return *text* without line ends and invisible characters, cut at *longest* characters."""
    seen = "".join(" " if unicodedata.category(c) in _UNSEEN else c for c in text)
    flat = " ".join(seen.split())
    return flat if len(flat) <= longest else flat[: longest - 1] + "…"


def laid_out(letter: Letter, *, name: str, operator: str) -> Message:
    """Return the message to the customer *name* from *operator*."""
    subject = one_line(f"{operator}: {letter.subject}", 150)
    letter = _harmless(letter)
    greeting, regards = f"Dear {one_line(name, 100)},", one_line(operator, 100)
    return Message(
        subject=subject,
        text="\n\n".join(_text_parts(letter, greeting, regards)) + "\n",
        html=_PAGE.format(
            subject=escape(subject), body="\n".join(_html_parts(letter, greeting, regards))
        ),
    )


def _harmless(letter: Letter) -> Letter:
    return Letter(
        subject=one_line(letter.subject),
        opening=one_line(letter.opening),
        decision=one_line(letter.decision, 2 * _LONGEST),
        facts=tuple((one_line(label), one_line(value)) for label, value in letter.facts),
        way_back=one_line(letter.way_back),
    )


def _text_parts(letter: Letter, greeting: str, regards: str) -> Iterator[str]:
    yield greeting
    yield fill(letter.opening, _WIDTH, break_long_words=False)
    yield fill(letter.decision, _WIDTH, break_long_words=False)
    if letter.facts:
        widest = max(len(label) for label, _ in letter.facts)
        yield "\n".join(f"  {label + ':':<{widest + 1}} {value}" for label, value in letter.facts)
    if letter.way_back:
        yield fill(letter.way_back, _WIDTH, break_long_words=False)
    yield regards


def _html_parts(letter: Letter, greeting: str, regards: str) -> Iterator[str]:
    yield f"<p>{escape(greeting)}</p>"
    yield f"<p><strong>{escape(letter.opening)}</strong></p>"
    yield f"<p>{escape(letter.decision)}</p>"
    if letter.facts:
        rows = "\n".join(
            f'<tr><th style="{_CELL}">{escape(label)}</th>'
            f'<td style="{_CELL}">{escape(value)}</td></tr>'
            for label, value in letter.facts
        )
        yield f'<table style="border-collapse:collapse">\n{rows}\n</table>'
    if letter.way_back:
        yield f"<p>{escape(letter.way_back)}</p>"
    yield f"<p>{escape(regards)}</p>"
