"""Pure: postings become rows, with as few of them as say the same.

A meter that was read several times moves once, from where the first reading found it to where the
last one left it; totals are summed up here, a row a subscriber and period.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from capd.model import Implausible, MeterKey, MeterState, Part, Posting, Reading, SubscriberId
from capd.store.rows import reading_json, signed
from capd.units import micros

Row = tuple[Any, ...]


class Batch:
    """What a transaction is to write; rows have the order of the tables' columns."""

    __slots__ = ("after", "before", "broken", "entries", "gaps", "implausible", "totals")

    def __init__(self) -> None:
        self.before: dict[MeterKey, MeterState | None] = {}  # where meters must stand
        self.after: dict[MeterKey, MeterState] = {}
        self.entries: list[Row] = []
        self.totals: dict[tuple[str, int], list[Any]] = {}
        self.implausible: list[tuple[Implausible, SubscriberId | None]] = []
        self.gaps: list[dict[str, Any]] = []  # that a backup meter may fill
        self.broken: set[MeterKey] = set()  # not worked out one after the other

    def __bool__(self) -> bool:
        return bool(self.after or self.entries)

    def new_states(self) -> list[Row]:
        """Return the rows of meters that were never read before."""
        return [_state_row(self.after[key]) for key, state in self.before.items() if state is None]

    def moved_states(self) -> list[Row]:
        """Return the rows of the others, with where each must still stand at the end."""
        return [
            (*_state_row(self.after[key]), *_place(state))
            for key, state in self.before.items()
            if state is not None
        ]

    def total_rows(self) -> list[Row]:
        """Return what is to be added, in the order of the key: databases like that."""
        return [tuple(self.totals[key]) for key in sorted(self.totals)]


def gathered(postings: Sequence[Posting]) -> Batch:
    """Return *postings* as one batch; those of one meter must follow from each other."""
    batch = Batch()
    for posting in postings:
        step = posting.step
        if posting.before is step.state and not posting.parts:
            continue  # CN-2: nothing became different
        key = posting.reading.key
        if key not in batch.before:
            batch.before[key] = posting.before
        elif batch.after[key] is not posting.before and batch.after[key] != posting.before:
            batch.broken.add(key)
        batch.after[key] = step.state
        if posting.parts:
            _add_parts(batch, posting)
            if posting.backed and posting.parts[0].counts:
                _add_gap(batch, posting)
        if step.implausible is not None:
            whose = posting.parts[0].subscriber if posting.parts else None
            batch.implausible.append((step.implausible, whose))
    return batch


def _add_parts(batch: Batch, posting: Posting) -> None:
    step = posting.step
    reading = step.state.last  # of two falls in a row, an entry ends at the first (CN-8)
    rule = "" if step.entry is None else step.entry.rule
    quality = step.quality.value
    raw = (signed(reading.down_bytes), signed(reading.up_bytes), reading.uptime_s)
    for part in posting.parts:
        start, ended = micros(part.period.start), micros(part.ended_at)
        figures = (part.down_bytes, part.up_bytes, part.estimated_bytes, part.unknown_us)
        batch.entries.append(
            (
                reading.device,
                reading.meter,
                part.subscriber,
                start,
                micros(part.started_at),
                ended,
                *figures,
                part.counts,
                quality,
                rule,
                *raw,
            )
        )
        # a backup's part counts nothing, but its period must be known by name
        _add_to_total(batch, part, start, ended, figures if part.counts else (0, 0, 0, 0))


def _add_gap(batch: Batch, posting: Posting) -> None:
    entry = posting.step.entry
    if entry is None or entry.unknown_from is None or entry.unknown_to is None:
        return
    if entry.unknown_from < entry.unknown_to:
        batch.gaps.append(
            {
                "subscriber": posting.parts[0].subscriber,
                "device": entry.device,
                "meter": entry.meter,
                "started_at": micros(entry.started_at),
                "ended_at": micros(entry.ended_at),
                "unknown_from": micros(entry.unknown_from),
                "unknown_to": micros(entry.unknown_to),
                "state": "waiting",
                "down": 0,
                "up": 0,
            }
        )


def _add_to_total(batch: Batch, part: Part, start: int, ended: int, figures: Iterable[int]) -> None:
    total = batch.totals.get((part.subscriber, start))
    if total is None:
        batch.totals[part.subscriber, start] = [
            part.subscriber,
            start,
            part.period.name,
            micros(part.period.end),
            *figures,
            ended,
        ]
        return
    for column, figure in enumerate(figures, 4):
        total[column] += figure
    total[8] = max(total[8], ended)


def _state_row(state: MeterState) -> Row:
    last: Reading = state.last
    return (
        last.device,
        last.meter,
        micros(last.at),
        signed(last.down_bytes),
        signed(last.up_bytes),
        last.uptime_s,
        last.agent_uptime_s,
        last.epoch,
        last.counter_bits,
        last.link_bps,
        last.identity,
        last.retained,
        *_candidate(state),
    )


def _candidate(state: MeterState) -> tuple[int | None, str | None]:
    if state.candidate is None:
        return None, None
    return micros(state.candidate.at), reading_json(state.candidate)


def _place(state: MeterState) -> tuple[int, int | None]:
    candidate = state.candidate
    return micros(state.last.at), None if candidate is None else micros(candidate.at)
