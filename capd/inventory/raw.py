"""What else is wrong with a file that does not read: ids given twice, leads to nowhere."""

from collections.abc import Collection, Iterator, Mapping

from capd.inventory.agree import same_ids
from capd.model import Inventory
from capd.strict import did_you_mean

_KINDS = {"products": "product", "sectors": "sector", "subscribers": "subscriber"}


def mistakes(data: object, known: Inventory | None, profiles: Collection[str]) -> list[str]:
    """Return, a line each, what else is wrong with *data* beside its shapes; see `lost`."""
    return [*same_ids(data), *lost(data, known, profiles)]


def lost(data: object, known: Inventory | None, profiles: Collection[str]) -> list[str]:
    """Return, a line each, which names in *data* lead to nowhere.

    *known* is what the store has already; without *profiles* none is looked for.
    """
    lists = data if isinstance(data, dict) else {}
    names = {one: _names(lists, kind, known) for kind, one in _KINDS.items()}
    if profiles:
        names["profile"] = set(profiles)
    found = [
        f"{key}: there is no {kind} {wanted!r}.{did_you_mean(wanted, names[kind])}"
        for key, kind, wanted in _references(lists)
        if kind in names and wanted not in names[kind]
    ]
    return [line.removesuffix(".") for line in found]


def _names(lists: Mapping[str, object], kind: str, known: Inventory | None) -> set[str]:
    there = () if known is None else getattr(known, kind)
    ids = [row.get("id") for _, row in _rows(lists, kind)]
    return {one for one in ids if isinstance(one, str)} | {each.id for each in there}


def _references(lists: Mapping[str, object]) -> Iterator[tuple[str, str, str]]:
    for at, row in _rows(lists, "products"):
        yield from _reference(f"{at}.upgrade_to", "product", row.get("upgrade_to"))
    for at, row in _rows(lists, "subscribers"):
        yield from _reference(f"{at}.product", "product", row.get("product"))
        yield from _reference(f"{at}.sector", "sector", row.get("sector"))
    for at, row in _rows(lists, "devices"):
        yield from _reference(f"{at}.profile", "profile", row.get("profile"))
        for meter_at, meter in _rows(row, "meters"):
            yield from _reference(
                f"{at}.{meter_at}.subscriber", "subscriber", meter.get("subscriber")
            )


def _reference(key: str, kind: str, wanted: object) -> Iterator[tuple[str, str, str]]:
    if isinstance(wanted, str) and wanted:
        yield key, kind, wanted


def _rows(lists: Mapping[str, object], kind: str) -> Iterator[tuple[str, Mapping[str, object]]]:
    rows = lists.get(kind)
    for number, row in enumerate(rows if isinstance(rows, list) else ()):
        if isinstance(row, dict):
            yield f"{kind}[{number}]", row
