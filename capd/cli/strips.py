"""Two figures a day, drawn: a line of signs a month for each, a sign a day."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from itertools import groupby

_BLOCKS, _NUMBERS = "▁▂▃▄▅▆▇█", "123456789"
_NONE = "·"
_PLAIN_NONE = "."


def strips(
    days: Sequence[date], sides: Mapping[str, Mapping[date, int]], *, fancy: bool
) -> Iterator[str]:
    """Yield the drawing: for each month and side a sign a day, as high as the most of all days."""
    signs, none = (_BLOCKS, _NONE) if fancy else (_NUMBERS, _PLAIN_NONE)
    most = max((side.get(day, 0) for side in sides.values() for day in days), default=0)
    wide = max(map(len, sides))
    yield f"{none} none, {signs[-1]} {most} a day"
    for month, several in groupby(days, key=lambda day: f"{day:%Y-%m}"):
        held = list(several)
        for n, (name, side) in enumerate(sides.items()):
            counts = [side.get(day, 0) for day in held]
            drawn = "".join(_sign(count, most, signs) if count else none for count in counts)
            gap = " " * (held[0].day - 1)
            label = month if n == 0 else " " * len(month)
            yield f"{label}  {name:<{wide}}  {gap}{drawn}  {sum(counts)}"


def _sign(count: int, most: int, signs: str) -> str:
    return signs[-(-count * len(signs) // most) - 1]
