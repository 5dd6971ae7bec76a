"""Usage of any range: spans of time are put into buckets, and shared where a cut goes through.

Single readings are shared by time, hour by hour as everywhere else (CN-12). What is only kept as a
whole hour, day or period is never shared: it stands beside the buckets as what it is.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

from capd.account.history import Figures, Span, Sums, add, add_hours
from capd.account.usage import shared


@dataclass(slots=True)
class Ranged:
    """What was used between the first and the last of *cuts*, ascending moments in microseconds."""

    cuts: Sequence[int]
    zone: ZoneInfo
    sums: Sums = field(default_factory=dict)  # by bucket; or by a coarser span within the range
    cut: Sums = field(default_factory=dict)  # whole spans that reach beyond the range: in no sum

    def add_inside(self, bucket: int, figures: Figures) -> None:
        """Add what lies in the *bucket*th bucket."""
        add(self.sums, (self.cuts[bucket], self.cuts[bucket + 1]), figures)

    def add_readings(self, span: Span, figures: Figures) -> None:
        """Add single readings' bytes, shared by the hour, and within an hour by time."""
        hours: Sums = {}
        add_hours(hours, *span, figures, self.zone)
        for (start, end), share in hours.items():
            self._shared((max(start, span[0]), min(end, span[1])), share)

    def _shared(self, span: Span, figures: Figures) -> None:
        start, end = span
        cuts = [cut for cut in self.cuts if start < cut < end]
        columns = [shared(count, start, end, cuts) for count in figures]
        for n, (down, up, estimated, unknown_us) in enumerate(zip(*columns, strict=True)):
            at = cuts[n - 1] if n else start
            if self.cuts[0] <= at < self.cuts[-1]:
                bucket = bisect_right(self.cuts, at) - 1
                self.add_inside(bucket, (down, up, estimated, unknown_us))

    def add_whole(self, span: Span, figures: Figures) -> None:
        """Add what is kept as a whole only, and goes over a cut."""
        within = self.cuts[0] <= span[0] and span[1] <= self.cuts[-1]
        add(self.sums if within else self.cut, span, figures)


def total(several: Iterable[Figures]) -> Figures:
    """Return the sum of *several* figures."""
    down = up = estimated = unknown_us = 0
    for figures in several:
        down, up = down + figures[0], up + figures[1]
        estimated, unknown_us = estimated + figures[2], unknown_us + figures[3]
    return down, up, estimated, unknown_us
