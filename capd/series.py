"""Series beside `metrics`: those of which there are many, and those of what holds capd back."""

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector


class Ups(Collector):
    """capd_device_up: twenty thousand numbers in a dictionary, series only while rendering."""

    def __init__(self, *, shown: bool) -> None:
        self.shown = shown
        self.up: dict[str, bool] = {}

    def collect(self) -> Iterator[Metric]:
        """Yield the one family; nothing when the operator switched it off."""
        if not self.shown:
            return
        text = "1: the device answered when last asked; 0: silent."
        family = GaugeMetricFamily("capd_device_up", text, labels=["device"])
        for device, up in self.up.copy().items():  # in one go: the loop goes on writing
            family.add_metric([device], up)
        yield family


_ANSWER_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class Http:
    """What is asked over /api/v1: by the call's path as declared, never by who or what in it."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._requests = Counter(
            "capd_api_requests_total",
            "Requests to the API, by call and status.",
            ("route", "method", "status"),
            registry=registry,
        )
        self._answer_s = Histogram(
            "capd_api_seconds",
            "How long the API took to answer; streams are not in it.",
            ("route", "method"),
            registry=registry,
            buckets=_ANSWER_S,
        )
        self._streams = Gauge(
            "capd_api_streams", "Clients that follow the events.", registry=registry
        )

    def answered(self, route: str, method: str, status: int, seconds: float | None) -> None:
        """Count a request, and measure it unless it was a stream (None)."""
        self._requests.labels(route, method, str(status)).inc()
        if seconds is not None:
            self._answer_s.labels(route, method).observe(seconds)

    def streams(self, more: int) -> None:
        """Show that *more* clients follow something by now; fewer where that is negative."""
        self._streams.inc(more)


_TRAPS = (
    "cold_start",
    "warm_start",
    "link_down",
    "link_up",
    "authentication_failure",
    "other",
)


class Field:
    """What is counted of devices in the field, beside their polls."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.short = Counter(
            "capd_short_walks_total",
            "Polls that found rows which a table's walk left out.",
            registry=registry,
        )
        self.unknown_radios = Gauge(
            "capd_unknown_radios",
            "Radios that access points hear and nobody supplied.",
            registry=registry,
        )
        self.traps = Counter(
            "capd_traps_total",
            "SNMP notifications, by kind and by whether they were heard or why not.",
            ("kind", "result"),
            registry=registry,
        )
        for kind in _TRAPS:
            self.traps.labels(kind, "heard")  # what did not happen yet is 0
        self.firmware_behind = Gauge(
            "capd_firmware_behind",
            "Devices whose firmware is behind the minimum.",
            registry=registry,
        )


class Brakes:
    """What keeps capd from pushing, and what was changed behind its back."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.stopped = Gauge(
            "capd_guard_stopped", "1: a jump has stopped all suspensions.", registry=registry
        )
        self.windows = Gauge(
            "capd_maintenance_windows", "Open windows: nothing is pushed there.", registry=registry
        )
        self.drifted = Gauge(
            "capd_drifted_services", "Changed by hand on their device.", registry=registry
        )
        self.looks = Counter(
            "capd_looks_total",
            "Services read back to find what was changed by hand.",
            ("result",),
            registry=registry,
        )
        for result in ("as_owed", "drifted", "unreadable"):
            self.looks.labels(result)  # what did not happen yet is 0
