"""Every metric in one place: the contract with Prometheus and Grafana.

What the hot path touches is bound beforehand (one label child for each value that can come), and
what every device has one of is a plain dictionary that is turned into series only when somebody
asks. `render` may run in a thread beside the loop.
"""

import gzip
import platform
from collections import Counter as Tally
from collections.abc import Iterable, Mapping, Sequence

import prometheus_client as prometheus
from prometheus_client import Counter, Gauge, Histogram, Info
from prometheus_client.exposition import choose_encoder

from capd import __version__
from capd.clock import Clock, utc_now
from capd.model import (
    DeviceId,
    OrderState,
    Outcome,
    Poll,
    Posting,
    Quality,
    Reason,
    SectorId,
    Verdict,
)
from capd.series import Brakes, Field, Http, Ups

_Bounds = tuple[float, ...]
_POLL_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10)
_LAG_S = (0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 300)
_PUSH_S = (0.25, 0.5, 1, 2, 5, 10, 20, 30, 60, 120)
_BREACH_S = (1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 14400, 86400)
_TURN_S = (0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60)
_POLL_RESULTS = ("ok", "unreachable", "error")
_PUSH_RESULTS = (OrderState.APPLIED, OrderState.FAILED, OrderState.UNKNOWN)


class Metrics:
    """What capd counts, measures and shows; each instance has a registry of its own."""

    def __init__(self, *, devices: bool = True, clock: Clock = utc_now) -> None:
        prometheus.disable_created_metrics()  # type: ignore[no-untyped-call]
        self._clock = clock
        self._registry = prometheus.CollectorRegistry(auto_describe=False)
        prometheus.ProcessCollector(registry=self._registry)
        prometheus.PlatformCollector(registry=self._registry)
        prometheus.GCCollector(registry=self._registry)
        self._collecting()
        self._subscribers_and_orders()
        self._pushing_and_telling()
        self._daemon()
        self.http = Http(self._registry)
        self.field = Field(self._registry)
        self.brakes = Brakes(self._registry)
        self._ups = Ups(shown=devices)
        self._registry.register(self._ups)

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(name, text, labels, registry=self._registry)

    def _gauge(self, name: str, text: str, *labels: str) -> Gauge:
        return Gauge(name, text, labels, registry=self._registry)

    def _histogram(self, name: str, text: str, buckets: _Bounds, *labels: str) -> Histogram:
        return Histogram(name, text, labels, registry=self._registry, buckets=buckets)

    def _collecting(self) -> None:
        self._polls = self._counter(
            "capd_polls_total", "Visits to devices and messages from them.", "protocol", "result"
        )
        self._polled = {
            (protocol, result): self._polls.labels(protocol, result)
            for protocol in ("snmp", "mqtt")
            for result in _POLL_RESULTS
        }
        self._poll_s = self._histogram("capd_poll_seconds", "How long a poll took.", _POLL_S)
        self._readings = self._counter(
            "capd_readings_total", "Readings, by what the accounting made of them.", "quality"
        )
        for quality in (*Quality, "unknown_meter"):
            self._readings.labels(quality)  # what did not happen yet is 0
        counted = self._counter(
            "capd_counted_bytes_total", "Bytes put in the ledger, as subscribers see them.",
            "direction",
        )  # fmt: skip
        self._down, self._up = counted.labels("down"), counted.labels("up")
        self._lag = self._histogram(
            "capd_poll_lag_seconds", "How late a poll began, by its timetable.", _LAG_S
        )
        self._mqtt = self._gauge("capd_mqtt_connected", "1: the broker is connected; NaN: none.")
        self._mqtt.set(float("nan"))
        self._rejected = self._counter(
            "capd_mqtt_rejected_total", "Messages that could not be used.", "reason"
        )

    def _subscribers_and_orders(self) -> None:
        self._states: set[str] = set()
        self._subscribers = self._gauge("capd_subscribers", "Subscribers, by state.", "state")
        self._holds = self._gauge("capd_holds", "Open holds, by reason.", "reason")
        self._orders = self._gauge("capd_orders", "Orders in the service book, by state.", "state")
        self.set_holds({})
        self.set_orders({})
        self._breaches = self._counter("capd_breaches_total", "Periods over the allowance.")
        self._known_breaches: set[tuple[str, object]] = set()  # one a subscriber and month
        self._held = self._gauge("capd_guard_held_orders", "Orders that wait for a person.")
        self._aside = self._gauge("capd_implausible_open", "Readings that wait for a person.")
        self._leaking = self._gauge("capd_leaking_subscribers", "Verified off, still in traffic.")
        self._sector_load = self._gauge(
            "capd_sector_load_ratio", "Measured load over capacity.", "sector", "direction"
        )
        self._paused = self._gauge("capd_paused", "1: the brake is on, nothing is pushed.")

    def _pushing_and_telling(self) -> None:
        self._push_s = self._histogram(
            "capd_push_seconds", "How long a device took to be configured and read back.", _PUSH_S
        )
        self._pushes = self._counter(
            "capd_pushes_total", "Orders carried to a device.", "profile", "result"
        )
        self._breach_s = self._histogram(
            "capd_breach_to_applied_seconds",
            "From the reading that shows a breach to the device that says it is applied.",
            _BREACH_S,
        )
        self._notices = self._counter(
            "capd_notices_total", "Notices, once for each channel.", "notice", "result"
        )

    def _daemon(self) -> None:
        self._loop_lag = self._gauge("capd_loop_lag_seconds", "How late the event loop runs.")
        self._turn_s = self._histogram(
            "capd_turn_seconds", "How long a turn of the pipeline took.", _TURN_S, "turn"
        )
        self._turn_failures = self._counter(
            "capd_turn_failures_total", "Turns that failed and were taken again.", "turn"
        )
        self._committed = self._gauge(
            "capd_last_commit_timestamp_seconds", "When readings were last put in the ledger."
        )
        self._reloaded = self._gauge(
            "capd_config_last_reload_successful", "1 while the configuration on disk is in force."
        )
        self._reloaded.set(1)
        self._history = self._gauge("capd_history_rows", "Rows of usage, by how fine.", "kind")
        self._compacted = self._counter(
            "capd_compacted_entries_total", "Readings in the ledger that became hours."
        )
        Info("capd_build", "What is running.", registry=self._registry).info(
            {"version": __version__, "python": platform.python_version()}
        )

    def polled(self, poll: Poll) -> None:
        """Count one poll, how long it took, and whether the device answered."""
        result = "ok"
        if poll.problem is not None:
            result = "unreachable" if poll.unreachable else "error"
        child = self._polled.get((poll.protocol, result))
        (child or self._polls.labels(poll.protocol, result)).inc()
        self._poll_s.observe(poll.took_s)
        self._ups.up[poll.device] = not poll.unreachable
        if poll.short:
            self.field.short.inc()

    def posted(self, postings: Sequence[Posting]) -> None:
        """Count a batch that is now in the ledger: its readings and its bytes."""
        for quality, n in Tally(posting.step.quality for posting in postings).items():
            self.read(quality, n)
        parts = [part for posting in postings for part in posting.parts if part.counts]  # CN-14
        self.counted(sum(p.down_bytes for p in parts), sum(p.up_bytes for p in parts))
        self._committed.set(self._clock().timestamp())

    def read(self, quality: str, n: int = 1) -> None:
        """Count *n* readings that the accounting judged alike (a Quality, or unknown_meter)."""
        self._readings.labels(quality).inc(n)  # a batch has few qualities

    def counted(self, down: int, up: int) -> None:
        """Count the bytes of a committed batch."""
        self._down.inc(down)
        self._up.inc(up)

    def lag(self, seconds: float) -> None:
        """Measure how late a poll began."""
        self._lag.observe(max(0.0, seconds))

    def mqtt_connected(self, up: bool) -> None:  # noqa: FBT001 - a gauge's value
        """Show whether the broker is connected."""
        self._mqtt.set(up)

    def mqtt_rejected(self, reason: str, n: int = 1) -> None:
        """Count messages that could not be used; *reason* is one of a few fixed words."""
        self._rejected.labels(reason).inc(n)

    def forget_devices(self, known: frozenset[DeviceId]) -> None:
        """Drop the series of devices that are no longer in the inventory."""
        for device in [d for d in self._ups.up if d not in known]:
            self._ups.up.pop(device, None)

    def judged(self, verdicts: Iterable[Verdict]) -> None:
        """Count the breaches that saved judgements found; a hold and its charges share one."""
        found = {
            (verdict.subscriber, event.figures["breach"])
            for verdict in verdicts
            for event in verdict.events
            if "breach" in event.figures
        }
        self.breached(len(found - self._known_breaches))
        self._known_breaches |= found

    def breached(self, n: int = 1) -> None:
        """Count periods in which an allowance was exceeded (UC-4)."""
        self._breaches.inc(n)

    def set_subscribers(self, counts: Mapping[str, int]) -> None:
        """Show how many subscribers are in each state; a state that emptied shows 0."""
        self._states |= set(counts)
        for state in self._states:
            self._subscribers.labels(state).set(counts.get(state, 0))

    def set_holds(self, counts: Mapping[Reason, int]) -> None:
        """Show how many holds are open for each reason."""
        for reason in Reason:
            self._holds.labels(reason.value).set(counts.get(reason, 0))

    def set_orders(self, counts: Mapping[OrderState, int]) -> None:
        """Show how many orders are in each state."""
        for state in OrderState:
            self._orders.labels(state.value).set(counts.get(state, 0))

    def set_guard_held(self, n: int) -> None:
        """Show how many orders wait for a person."""
        self._held.set(n)

    def set_implausible_open(self, n: int) -> None:
        """Show how many readings that were put aside wait for a person (CN-10)."""
        self._aside.set(n)

    def set_leaking(self, n: int) -> None:
        """Show how many suspended subscribers still pass traffic."""
        self._leaking.set(n)

    def set_paused(self, paused: bool) -> None:  # noqa: FBT001 - a gauge's value
        """Show whether the brake is on."""
        self._paused.set(paused)

    def set_sector_load(self, sector: SectorId, down: float, up: float) -> None:
        """Show a sector's measured load over its capacity (NM-1)."""
        self._sector_load.labels(sector, "down").set(down)
        self._sector_load.labels(sector, "up").set(up)

    def pushed(self, outcome: Outcome, profile: str) -> None:
        """Count an order that was carried to a device with *profile*, and how long it took."""
        for result in _PUSH_RESULTS:  # a profile's first push shows the others as 0
            self._pushes.labels(profile, result.value)
        self._pushes.labels(profile, outcome.state.value).inc()
        self._push_s.observe(outcome.took_s)

    def breach_to_applied(self, seconds: float) -> None:
        """Measure from the reading that shows a breach to the device's own read-back."""
        self._breach_s.observe(max(0.0, seconds))

    def noticed(self, kind: str, result: str) -> None:
        """Count a notice: *kind* such as usage_80 or hold_opened; sent, retry, failed, bounced."""
        self._notices.labels(kind, result).inc()

    def set_loop_lag(self, seconds: float) -> None:
        """Show how late the event loop woke from a sleep."""
        self._loop_lag.set(seconds)

    def reloaded(self, *, ok: bool) -> None:
        """Show whether the configuration could be read again."""
        self._reloaded.set(ok)

    def turned(self, turn: str, seconds: float, *, failed: bool = False) -> None:
        """Measure one turn of the pipeline, and count it if it failed."""
        self._turn_s.labels(turn).observe(seconds)
        self._turn_failures.labels(turn).inc(int(failed))

    def compacted(self, entries: int) -> None:
        """Count readings that became hours."""
        self._compacted.inc(entries)

    def set_history(self, rows: Mapping[str, int]) -> None:
        """Show how many rows of raw readings, hours and days there are."""
        for kind, n in rows.items():
            self._history.labels(kind).set(n)

    def render(self, accept: str = "", *, packed: bool = False) -> tuple[bytes, str]:
        """Return all series in the format that *accept* asks for, and its content type.

        *packed* gzips the body: a tenth of the bytes where there are many devices.
        """
        encode, content_type = choose_encoder(accept)
        body = encode(self._registry)
        return (gzip.compress(body, compresslevel=1) if packed else body), content_type
