"""Settings as words: what ``tsunagu set`` takes and ``tsunagu show`` prints, one line a field of the model.  Pure."""

from collections.abc import Iterable
from dataclasses import fields, replace
from enum import Enum
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from tsunagu.errors import InvalidSettings
from tsunagu.model import ConnectionSettings, Proxy
from tsunagu_tray.proxy_text import parse_proxy, proxy_text
from tsunagu_tray.texts import Texts

_YES, _NO, _UNSET = ("yes", "true", "on", "1"), ("no", "false", "off", "0"), "none"
_KINDS: dict[str, Any] = get_type_hints(ConnectionSettings)


def changed(settings: ConnectionSettings, assignments: Iterable[str], texts: Texts) -> ConnectionSettings:
    """The settings after ``key=value``, ...; all of them count together.

    Raises:
        InvalidSettings: one of them is not possible.
    """
    changes = {}
    for assignment in assignments:
        key, equals, value = assignment.partition("=")
        key = key.strip().replace("-", "_")
        if not equals:
            raise InvalidSettings(texts("cli_not_an_assignment", word=assignment))
        if key not in _KINDS:
            raise InvalidSettings(texts("cli_no_such_setting", setting=key, keys=", ".join(_KINDS)))
        try:
            changes[key] = _parse(_KINDS[key], value.strip())
        except ValueError:
            raise InvalidSettings(
                texts("cli_bad_setting", setting=key, value=value, expected=_expected(_KINDS[key]))
            ) from None
    return replace(settings, **changes)


def rows(settings: ConnectionSettings) -> list[tuple[str, str]]:
    """Each field with its value, in the form that ``changed`` takes."""
    return [(field.name, as_text(getattr(settings, field.name))) for field in fields(settings)]


def truth(text: str) -> bool:
    """Yes or no in one of their spellings.

    Raises:
        ValueError: in none.
    """
    if text.lower() not in _YES + _NO:
        raise ValueError
    return text.lower() in _YES


def _parse(kind: Any, text: str) -> Any:
    if get_origin(kind) in (Union, UnionType):
        return None if text == _UNSET else _parse(next(k for k in get_args(kind) if k is not NoneType), text)
    if kind == tuple[str, ...]:
        return tuple(text.replace(",", " ").split())
    if kind is bool:
        return truth(text)
    if kind is Proxy:
        proxy, password = parse_proxy(text)
        if password:
            raise ValueError
        return proxy
    if kind in (int, str) or (isinstance(kind, type) and issubclass(kind, Enum)):
        return kind(text)
    raise ValueError


def _expected(kind: Any) -> str:
    if get_origin(kind) in (Union, UnionType):
        others = ", ".join(_expected(option) for option in get_args(kind) if option is not NoneType)
        return f"{others}, {_UNSET}".removeprefix(", ")
    if kind == tuple[str, ...]:
        return "VALUE,VALUE"
    if kind is bool:
        return "yes, no"
    if kind is int:
        return "0, 1, 2..."
    if kind is Proxy:
        return "http://[USER@]HOST:PORT, socks4://..., socks5://..., system"
    if isinstance(kind, type) and issubclass(kind, Enum):
        return ", ".join(option.value for option in kind)
    return ""


def as_text(value: Any) -> str:
    """A value in that form."""
    match value:
        case None:
            return _UNSET
        case bool():
            return _YES[0] if value else _NO[0]
        case Enum():
            return str(value.value)
        case Proxy():
            return proxy_text(value)
        case tuple():
            return ",".join(map(str, value))
        case _:
            return str(value)
