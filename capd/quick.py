"""Frozen dataclasses that are quick to make: a judgement, or a reading, makes a dozen of them.

The `__init__` of a frozen dataclass sets every field through `object.__setattr__`, which costs
three times as much as an assignment. Here an instance is made as one of a class with the same slots
that is not frozen, and becomes what it is at the end; nobody sees it before.
"""

import dataclasses
import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import MISSING, Field, fields
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

if TYPE_CHECKING:
    from dataclasses import replace as replace  # noqa: PLC0414 - what `replace` below is, typed

_T = TypeVar("_T")
_TO_BE_MADE = object()  # stands for what a default_factory makes
_COPY: dict[type, Callable[[Any], Any]] = {}  # of a quick class: an instance not frozen yet


def quick(cls: type[_T]) -> type[_T]:
    """Give the frozen dataclass *cls*, with slots and keywords alone, a quick `__init__`."""
    known = [one for one in fields(cls) if one.init]  # type: ignore[arg-type]
    names: dict[str, Any] = {
        "thaw": object.__setattr__,
        "thawed": type(cls.__name__, (), {"__slots__": cls.__dict__["__slots__"]}),
        "frozen": cls,
        "to_be_made": _TO_BE_MADE,
        **{f"default_{one.name}": one.default for one in known},
        **{f"make_{one.name}": one.default_factory for one in known},
    }
    lines = [
        f"def __init__(self, *, {', '.join(map(_parameter, known))}):",
        "    thaw(self, '__class__', thawed)",
        *(f"    self.{one.name} = {_value(one)}" for one in known),
        "    self.__class__ = frozen",
    ]
    if hasattr(cls, "__post_init__"):
        lines.append("    self.__post_init__()")
    exec("\n".join(lines), names)  # noqa: S102 - as dataclasses does: names of fields, nothing else
    made: Callable[..., None] = names["__init__"]
    _COPY[cls] = _copying(known, names["thawed"])
    made.__qualname__ = f"{cls.__qualname__}.__init__"
    made.__annotations__ = {one.name: one.type for one in known}
    cls.__init__ = made  # type: ignore[method-assign]
    return cls


def _copying(known: list[Field[Any]], thawed: type) -> Callable[[Any], Any]:
    names: dict[str, Any] = {"new": object.__new__, "thawed": thawed}
    lines = [
        "def copy(old):",
        "    made = new(thawed)",
        *(f"    made.{one.name} = old.{one.name}" for one in known),
        "    return made",
    ]
    exec("\n".join(lines), names)  # noqa: S102 - as above
    copy: Callable[[Any], Any] = names["copy"]
    return copy


if not TYPE_CHECKING:

    def replace(one: Any, /, **changes: Any) -> Any:  # noqa: ANN401 - as dataclasses has it
        """Return what `dataclasses.replace` returns, of a quick class in a fifth of the time."""
        kind = type(one)
        copy = _COPY.get(kind)
        if copy is None:
            return dataclasses.replace(one, **changes)
        made = copy(one)
        for name, value in changes.items():
            setattr(made, name, value)
        made.__class__ = kind
        if hasattr(kind, "__post_init__"):
            made.__post_init__()
        return made


class Late(Generic[_T]):
    """A value that is worked out when somebody first asks for it; equal to one that is equal."""

    __slots__ = ("_made", "_make")

    def __init__(self, make: Callable[[], _T]) -> None:
        self._make: Callable[[], _T] | None = make
        self._made: _T | None = None

    def __call__(self) -> _T:
        """Return the value."""
        if self._make is not None:
            self._made, self._make = self._make(), None
        return cast("_T", self._made)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Late) and self() == other()

    def __hash__(self) -> int:
        return hash(self())

    def __repr__(self) -> str:
        return repr(self())


@contextmanager
def seldom_collected() -> Iterator[None]:
    """Let Python look seldom for circles among what is in memory.

    Millions of small values come and go, and none of them is in a circle: looking for some after
    each few hundred takes a fifth of the time.
    """
    often = gc.get_threshold()
    gc.set_threshold(50_000, 20, 100)
    try:
        yield
    finally:
        gc.set_threshold(*often)


def _parameter(one: Field[Any]) -> str:
    if one.default is not MISSING:
        return f"{one.name}=default_{one.name}"
    return f"{one.name}=to_be_made" if one.default_factory is not MISSING else one.name


def _value(one: Field[Any]) -> str:
    if one.default_factory is MISSING:
        return one.name
    return f"make_{one.name}() if {one.name} is to_be_made else {one.name}"
