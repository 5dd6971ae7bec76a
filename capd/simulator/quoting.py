"""Command lines taken apart where no quote or bracket is open."""

import re
from collections.abc import Iterator

_QUOTED = {'"': r'"(?:\\.|[^"\\])*"', "'": r"'[^']*'"}


class Unbalanced(ValueError):
    """A quote or a bracket was opened and not closed."""


def split(text: str, at: str, *, quotes: str = '"') -> Iterator[str]:
    """Yield the parts of *text* between *at*, but for empty ones.

    Raises Unbalanced at the end of a text that leaves something open.
    """
    kinds = [r"\\.", *(_QUOTED[quote] for quote in quotes), re.escape(at), "."]
    part, depth = "", 0
    for piece in re.findall("|".join(kinds), text, re.DOTALL):
        if piece in quotes:
            raise Unbalanced(text)
        depth += (piece in "([{") - (piece in ")]}")
        if piece != at or depth > 0:
            part += piece
            continue
        if part.strip():
            yield part.strip()
        part = ""
    if depth > 0:
        raise Unbalanced(text)
    if part.strip():
        yield part.strip()
