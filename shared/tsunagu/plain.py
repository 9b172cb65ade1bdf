"""Models <-> plain values (dict, list, str, int, bool, None): the form for files, control messages and the bus."""

from dataclasses import fields, is_dataclass
from enum import Enum
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints


def to_plain(value: Any) -> Any:
    """Dataclasses become dicts, enums their values, tuples lists."""
    if is_dataclass(value):
        return {f.name: to_plain(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, tuple):
        return [to_plain(item) for item in value]
    return value


def from_plain(kind: Any, plain: Any) -> Any:
    """A value of type ``kind`` (dataclasses, enums, tuples, dicts, optionals, scalars) from plain JSON values.

    Raises:
        TypeError, ValueError: a name, a type or a value does not fit.
    """
    origin = get_origin(kind)
    if is_dataclass(kind):
        if not isinstance(plain, dict):
            raise TypeError("not an object")
        hints = get_type_hints(kind)
        if unknown := plain.keys() - hints.keys():
            raise ValueError(f"unknown names: {sorted(unknown)[:9]}")
        return kind(**{name: from_plain(hints[name], value) for name, value in plain.items()})  # type: ignore[operator]  # a dataclass type is callable
    if origin in (Union, UnionType):
        if plain is None and NoneType in get_args(kind):
            return None
        return from_plain(next(option for option in get_args(kind) if option is not NoneType), plain)
    if origin is tuple:
        if not isinstance(plain, list):
            raise TypeError("not a list")
        options = get_args(kind)
        if len(options) == 2 and options[1] is Ellipsis:
            return tuple(from_plain(options[0], item) for item in plain)
        return tuple(from_plain(option, item) for option, item in zip(options, plain, strict=True))
    if origin is dict:
        if not isinstance(plain, dict):
            raise TypeError("not an object")
        return {from_plain(str, key): from_plain(get_args(kind)[1], value) for key, value in plain.items()}
    if isinstance(kind, type) and issubclass(kind, Enum):
        return kind(plain)
    if type(plain) is not kind:
        raise TypeError(f"{kind.__name__} expected")
    return plain
