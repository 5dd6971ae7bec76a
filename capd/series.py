"""Series of which there are as many as devices: a dictionary, until somebody asks for them."""

from collections.abc import Iterator

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
