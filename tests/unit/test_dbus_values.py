"""What of the D-Bus wrapper needs no bus: addresses and values."""

import pytest

from tsunagu_dbus import BusError, plain, to_variants
from tsunagu_dbus.bus import bus_address


def test_the_environment_says_where_the_buses_are() -> None:
    assert bus_address("system", {}) == "unix:path=/run/dbus/system_bus_socket"
    assert bus_address("system", {"DBUS_SYSTEM_BUS_ADDRESS": "unix:path=/x"}) == "unix:path=/x"
    assert bus_address("session", {"XDG_RUNTIME_DIR": "/run/user/1"}) == "unix:path=/run/user/1/bus"
    with pytest.raises(BusError, match="no session bus"):
        bus_address("session", {})


def test_values_become_variants_of_the_agreed_types_and_plain_again() -> None:
    values = {
        "flag": True,
        "number": 5,
        "time": 0.5,
        "text": "あ",
        "none": None,
        "list": ("a", "b"),
        "empty": [],
        "rows": [{"x": 1, "gone": None}],
        "map": {"a": {"b": -1}},
        "mixed": [1, "a"],
    }

    variants = to_variants(values)

    assert {name: variant.signature for name, variant in variants.items()} == {
        "flag": "b",
        "number": "x",
        "time": "d",
        "text": "s",
        "list": "as",
        "empty": "as",
        "rows": "aa{sv}",
        "map": "a{sv}",
        "mixed": "av",
    }
    assert plain(variants) == {
        **{name: value for name, value in values.items() if value is not None},
        "list": ["a", "b"],
        "rows": [{"x": 1}],
    }
    with pytest.raises(TypeError):
        to_variants({"bad": object()})
