"""Pure: more bytes in a reading than its subscriber would use: a counter or a poller may be wrong.

One alone proves nothing: somebody may be faster than sold. Of many at once the guard makes a stop.
"""

FLOOR_BYTES = 250_000_000  # fewer are no surge, whatever the product
_SHARE_FLOOR_BYTES = 1_000_000_000  # a film is more than a fifth of some prepaid bundles
_SHORTEST_S = 60.0  # what a reading says of less time is mostly its jitter
_WITHIN_S = 900.0
_PARTS_OF_A_MONTH = 5  # a fifth of it within a quarter of an hour
_FASTER = 1.5  # than sold, on average


def is_surge(
    down_bytes: int,
    up_bytes: int,
    seconds: float,
    *,
    allowance_bytes: int | None,
    rates: tuple[int | None, int | None],
) -> bool:
    """Say whether so many bytes in *seconds* are more than use explains.

    That is a fifth of the month's *allowance_bytes* within a quarter of an hour, or half as much
    again as the product's *rates* (down and up, in bits a second) can carry. None: not known.
    """
    used = down_bytes + up_bytes
    if used < FLOOR_BYTES:
        return False
    span = max(seconds, _SHORTEST_S)
    within = used * min(1.0, _WITHIN_S / span)
    if (
        allowance_bytes is not None
        and used >= _SHARE_FLOOR_BYTES
        and within * _PARTS_OF_A_MONTH >= allowance_bytes
    ):
        return True
    return any(
        sold is not None and way > FLOOR_BYTES and way * 8 > _FASTER * sold * span
        for way, sold in zip((down_bytes, up_bytes), rates, strict=True)
    )
