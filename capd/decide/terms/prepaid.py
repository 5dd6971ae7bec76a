"""Prepaid products (E-1): a balance that usage draws down and purchases fill."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepaid:
    """When somebody is told that the balance runs out; that it is used up suspends by its hold."""

    shares: tuple[int, ...] = (80, 100)  # per cent of the last purchase that are used, rising
    clause: str = "E-1"
