"""Where a policy file cites which clause, and the settings that stand beside it."""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping

Settings = dict[str, object]
_ID = re.compile(r"[A-Z]{1,3}-[0-9]+")


def cited(tree: Mapping[str, object]) -> dict[str, Settings]:
    """Return the clauses that *tree*, a policy as TOML, cites: to each the settings beside it."""
    found: dict[str, Settings] = defaultdict(dict)
    _walk(tree, "", {}, found)
    return dict(found)


def _walk(
    table: Mapping[str, object], path: str, around: Settings, found: dict[str, Settings]
) -> None:
    clauses = {key for key, value in table.items() if _cites(key, value, path)}
    plain: Settings = {
        f"{path}{key}": value
        for key, value in table.items()
        if key not in clauses and path and not list(_tables(value))
    }
    if path.endswith("clauses."):
        plain = around
    for key in clauses:
        found[str(table[key])].update(plain)
    for key, value in table.items():
        for number, inner in _tables(value):
            _walk(inner, f"{path}{key}{number}.", plain, found)
            if clauses and not any(_cites(k, v, f"{key}.") for k, v in inner.items()):
                for clause in clauses:  # [repeat.charge] belongs to [repeat]
                    beside = {f"{path}{key}{number}.{k}": v for k, v in inner.items()}
                    found[str(table[clause])].update(beside)


def _tables(value: object) -> Iterator[tuple[str, Mapping[str, object]]]:
    if isinstance(value, Mapping):
        yield "", value
    elif isinstance(value, list):
        for number, each in enumerate(value, 1):
            if isinstance(each, Mapping):
                yield f"[{number}]", each


def _cites(key: str, value: object, path: str) -> bool:
    named = key == "clause" or path.endswith("clauses.")
    return isinstance(value, str) and (named or _ID.fullmatch(value) is not None)
