"""TOML and JSON files become checked models, or every mistake in them at once, in words."""

import json
import math
import re
import tomllib
import types
import typing
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, time
from difflib import get_close_matches
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, get_args, get_origin

from pydantic import BaseModel, SecretStr, ValidationError
from pydantic_core import ErrorDetails

from capd.errors import ConfigError
from capd.model import Secret

M = TypeVar("M", bound=BaseModel)

_WHERE = re.compile(r"\s*\(at (line \d+, column \d+|end of document)\)$")
_SECRET_KEY = re.compile(r"password|passphrase|secret|token|community|(^|_)key$", re.IGNORECASE)
_LONGEST_ECHO = 60
_WANTS = {
    "bool": "true or false",
    "date": "a date such as 2026-03-01",
    "datetime": "a time such as 2026-03-01T00:05:00Z",
    "decimal": 'a number such as "25.00"',
    "dict": "a table of keys",
    "float": "a number",
    "frozenset": "a list",
    "int": "a whole number",
    "list": "a list",
    "model": "a table of keys",
    "set": "a list",
    "string": "text",
    "time": "a time of day such as 17:00",
    "tuple": "a list",
}
_BOUNDS = {
    "greater_than": ("gt", "more than"),
    "greater_than_equal": ("ge", "at least"),
    "less_than": ("lt", "less than"),
    "less_than_equal": ("le", "at most"),
}


def read_text(path: Path) -> str:
    """Return the UTF-8 text of *path* (a byte order mark is dropped).

    Raises ConfigError with one line: missing, unreadable, a directory, not UTF-8.
    """
    try:
        return path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such file") from None
    except IsADirectoryError:
        raise ConfigError(f"{path}: is a directory, not a file") from None
    except UnicodeDecodeError as exc:
        raise ConfigError(f"{path}: is not UTF-8 text (byte {exc.start})") from None
    except OSError as exc:
        why = (exc.strerror or "cannot be read").lower()
        raise ConfigError(f"{path}: cannot be read: {why}") from None
    except ValueError:
        raise ConfigError(f"{str(path)!r}: is not the name of a file") from None


def read_toml(path: Path) -> dict[str, object]:
    """Return what the TOML file *path* says; ConfigError names line and column of a mistake."""
    text = read_text(path)
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as exc:
        message = str(exc)
        where = _WHERE.search(message)
        at = f"{where[1]}: " if where else ""
        raise ConfigError(f"{path}: {at}{_small(_WHERE.sub('', message))}") from None
    except (RecursionError, ValueError):
        raise ConfigError(f"{path}: is nested too deeply, or has a number too long") from None


def read_json(path: Path) -> object:
    """Return what the JSON file *path* says; a key given twice and NaN are mistakes too."""
    return json_of(read_text(path), source=str(path))


def json_of(text: str, *, source: str) -> object:
    """Return what the JSON *text* says.

    Raises ConfigError with line and column.
    """
    try:
        return json.loads(text, object_pairs_hook=_once, parse_constant=_no_constant)
    except json.JSONDecodeError as exc:
        at = f"line {exc.lineno}, column {exc.colno}"
        raise ConfigError(f"{source}: {at}: {_small(exc.msg)}") from None
    except _Refused as exc:
        raise ConfigError(f"{source}: {exc}") from None
    except (RecursionError, ValueError):
        raise ConfigError(f"{source}: is nested too deeply, or has a number too long") from None


def parse(model: type[M], data: object, *, source: str, texts: bool = False) -> M:
    """Return *data* as a *model*; *texts* when all values are text, as in CSV.

    Raises ConfigError with a line `SOURCE: KEY: what is wrong` for each mistake, all at once.
    """
    endless = [f"{source}: {key}: wants a finite number" for key in _endless(data, "")]
    if endless:
        raise ConfigError(*endless)
    try:
        if texts:
            return model.model_validate(data)
        # JSON's strict mode takes lists for tuples and text for enums, and no 1 for true.
        return model.model_validate_json(json.dumps(data, default=_as_json), strict=True)
    except ValidationError as exc:
        problems = exc.errors(include_url=False)
        raise ConfigError(*dict.fromkeys(_line(model, each, source) for each in problems)) from None


def did_you_mean(word: str, options: Iterable[str]) -> str:
    """Return " Did you mean 'x'?" where one of *options* is near to *word*, else nothing."""
    lower = {option.lower(): option for option in options}
    near = get_close_matches(word.lower(), lower, n=1, cutoff=0.6)
    return f" Did you mean '{lower[near[0]]}'?" if near else ""


class _Refused(Exception):
    """Well-formed JSON that is refused all the same."""


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = sorted({key for key in keys if keys.count(key) > 1})
        raise _Refused(f"key given twice in one object: {', '.join(map(repr, twice))}")
    return found


def _no_constant(name: str) -> object:
    raise _Refused(f"{name} is not a number")


def _as_json(value: object) -> str:
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    return str(value)


def _small(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:]


def _endless(data: object, key: str) -> list[str]:
    if isinstance(data, float) and not math.isfinite(data):
        return [key]
    if isinstance(data, Mapping):
        return [k for name in data for k in _endless(data[name], _joined(key, name))]
    if isinstance(data, Sequence) and not isinstance(data, str):
        return [k for i, each in enumerate(data) for k in _endless(each, _joined(key, i))]
    return []


def _joined(key: str, name: str | int) -> str:
    if isinstance(name, int):
        return f"{key}[{name}]"
    return f"{key}.{name}" if key else str(name)


def _line(model: type[BaseModel], error: ErrorDetails, source: str) -> str:
    key, kind, owner = _place(model, error["loc"])
    what = _words(error, kind=kind, owner=owner, secret=_is_secret(kind, error["loc"]))
    line = f"{source}: {key}: {what}" if key else f"{source}: {what}"
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in line)  # it stays one line


def _place(model: type[BaseModel], loc: tuple[int | str, ...]) -> tuple[str, object, object]:
    """Return the dotted key of *loc*, the type that is wanted there, and that of its table."""
    key, kind, owner = "", _bare(model), None
    for item in loc:
        if isinstance(kind, tuple):  # a union: pydantic names the member that it tried
            kind = next((one for one in kind if _is_member(one, item)), None)
            if kind is not None:
                continue
        key, owner, kind = _joined(key, item), kind, _inside(kind, item)
    return key, kind, owner


def _bare(kind: object) -> object:
    """Return *kind* without Annotated and None; the members of a union as a tuple."""
    if get_origin(kind) is Annotated:
        return _bare(get_args(kind)[0])
    if get_origin(kind) in (typing.Union, types.UnionType):
        members = [_bare(one) for one in get_args(kind) if one is not type(None)]
        return members[0] if len(members) == 1 else tuple(members)
    return kind


def _is_member(kind: object, item: int | str) -> bool:
    if getattr(kind, "__name__", None) == item or str(kind) == item:
        return True
    if not (isinstance(kind, type) and issubclass(kind, BaseModel)):
        return False
    return any(
        get_origin(field.annotation) is Literal and item in get_args(field.annotation)
        for field in kind.model_fields.values()
    )


def _inside(kind: object, item: int | str) -> object:
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        for name, field in kind.model_fields.items():
            if item in (name, field.alias):
                return _bare(field.annotation)
        return None
    args = get_args(kind)
    return _bare(args[-1 if isinstance(item, str) else 0]) if args else None


def _is_secret(kind: object, loc: tuple[int | str, ...]) -> bool:
    kinds = kind if isinstance(kind, tuple) else (kind,)
    return any(one in (Secret, SecretStr) for one in kinds) or any(
        isinstance(item, str) and _SECRET_KEY.search(item) for item in loc[-1:]
    )


def _words(error: ErrorDetails, *, kind: object, owner: object, secret: bool) -> str:
    """Return what is wrong, in words."""
    about, value, name = error.get("ctx", {}), error["input"], error["type"]
    tag = str(about.get("discriminator", "")).strip("'")
    said: dict[str, str] = {
        "missing": "is missing",
        "extra_forbidden": "unknown key",
        "union_tag_not_found": f"{tag} is missing",
        "value_error": str(about.get("error", "")),
    }
    if name in said:
        guess = _near_key(error, owner)
        return said[name] + (guess and f".{guess}")
    if name in ("literal_error", "enum", "union_tag_invalid"):
        options = _options(kind) or re.findall(r"'([^']*)'", str(about.get("expected_tags", "")))
        tried = about.get("tag", value)
        guess = "" if secret else did_you_mean(str(tried), options)
        return f"wants {_or(options)}{_not(tried, secret=secret)}" + (guess and f".{guess}")
    if name in _BOUNDS:
        bound, words = _BOUNDS[name]
        return f"wants {words} {str(about[bound]).removesuffix('.0')}{_not(value, secret=secret)}"
    if name == "string_too_short" and not value:
        return "must not be empty"
    wanted = _WANTS.get(name.split("_")[0])
    if wanted is None or name.endswith(("_short", "_long", "_mismatch")):
        return _small(error["msg"])
    return f"wants {wanted}{_not(value, secret=secret or wanted == _WANTS['dict'])}"


def _near_key(error: ErrorDetails, owner: object) -> str:
    if error["type"] != "extra_forbidden" or not isinstance(owner, type):
        return ""
    if not issubclass(owner, BaseModel):
        return ""
    names = [field.alias or name for name, field in owner.model_fields.items()]
    return did_you_mean(str(error["loc"][-1]), names)


def _options(kind: object) -> list[str]:
    if get_origin(kind) is Literal:
        return [str(one) for one in get_args(kind)]
    if isinstance(kind, type) and issubclass(kind, Enum):
        return [str(one.value) for one in kind]
    return []


def _or(options: Sequence[Any]) -> str:
    quoted = [f"'{one}'" for one in options]
    return " or ".join([", ".join(quoted[:-1]), quoted[-1]] if len(quoted) > 1 else quoted)


def _not(value: object, *, secret: bool) -> str:
    """Return ", not 'x'"; of a secret, a table or a list only what kind of thing it is."""
    if value is None:
        return ", not nothing"
    if isinstance(value, dict | list | tuple):
        return ", not a table of keys" if isinstance(value, dict) else ", not a list"
    if secret or "://" in str(value):
        return ", not text" if isinstance(value, str) else ", not a number"
    if isinstance(value, bool):
        return f", not {str(value).lower()}"
    echo = repr(value)
    return f", not {echo}" if len(echo) <= _LONGEST_ECHO else f", not {echo[:_LONGEST_ECHO]}…"
