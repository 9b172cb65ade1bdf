"""Plain Python values <-> D-Bus variants."""

from collections.abc import Mapping
from typing import Any

from dbus_next import Variant


def to_variant(value: Any) -> Variant:
    """b, x, d, s for scalars; as, ax, ad, aa{sv} for lists of one kind (an empty list: as), else av; a{sv} for dicts.

    Raises:
        TypeError: no D-Bus form is defined for this type.
    """
    signature, body = _typed(value)
    return Variant(signature, body)


def to_variants(values: Mapping[str, Any]) -> dict[str, Variant]:
    """The form of a{sv}; a None is left out."""
    return {name: to_variant(value) for name, value in values.items() if value is not None}


def plain(value: Any) -> Any:
    """The same value without any ``Variant`` in it, however deep."""
    if isinstance(value, Variant):
        return plain(value.value)
    if isinstance(value, dict):
        return {plain(key): plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value


def _typed(value: Any) -> tuple[str, Any]:
    match value:
        case Variant():
            return "v", value
        case bool():
            return "b", value
        case int():
            return "x", value
        case float():
            return "d", value
        case str():
            return "s", value
        case list() | tuple():
            items = [_typed(item) for item in value]
            signatures = {signature for signature, _ in items} or {"s"}
            if len(signatures) == 1:
                return "a" + signatures.pop(), [item for _, item in items]
            return "av", [Variant(signature, item) for signature, item in items]
        case Mapping():
            return "a{sv}", to_variants(value)
        case _:
            raise TypeError(f"no D-Bus form for {type(value).__name__}")
