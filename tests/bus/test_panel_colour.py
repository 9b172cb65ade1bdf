"""The desktop's colour scheme, from a portal."""
# mypy: disable-error-code="valid-type, name-defined, untyped-decorator"
# (annotations of methods under @method are D-Bus signatures)

import pytest

from tests.fakes_bus import PrivateBus, until
from tsunagu_dbus import DBusError, Interface, MessageBus, Variant, close, connect, dbus_signal, method
from tsunagu_tray.panel_colour import PORTAL, PORTAL_PATH, SCHEME, SETTINGS, Scheme, SchemeWatch


class Portal(Interface):
    """As xdg-desktop-portal answers, with its variant in a variant."""

    def __init__(self, scheme: object) -> None:
        super().__init__(SETTINGS)
        self.scheme = scheme

    @method()
    def Read(self, namespace: "s", key: "s") -> "v":
        if (namespace, key) != SCHEME:
            raise DBusError("org.freedesktop.portal.Error.NotFound", "Requested setting not found")
        return Variant("v", self.scheme)

    @dbus_signal()
    def SettingChanged(self, namespace: str, key: str, value: Variant) -> "ssv":
        return [namespace, key, value]


async def portal_on(bus: PrivateBus, scheme: object) -> tuple[MessageBus, Portal]:
    connection = MessageBus(bus.address)
    await connection.connect()
    portal = Portal(scheme)
    connection.export(PORTAL_PATH, portal)
    await connection.request_name(PORTAL)
    return connection, portal


async def test_it_is_asked_for_and_followed(bus: PrivateBus, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", bus.address)
    theirs, portal = await portal_on(bus, Variant("u", 1))
    ours = await connect("session")
    changes: list[Scheme] = []
    watch = SchemeWatch(ours, lambda: changes.append(watch.scheme))

    await watch.ask()
    portal.SettingChanged("org.gnome.desktop.interface", "font-name", Variant("s", "Sans 11"))
    portal.SettingChanged(*SCHEME, Variant("u", 2))
    portal.SettingChanged(*SCHEME, Variant("u", 4711))

    await until(lambda: changes == [Scheme.DARK, Scheme.LIGHT, Scheme.UNKNOWN])
    await close(ours)
    await close(theirs)


@pytest.mark.parametrize("odd", [None, Variant("s", "dark"), Variant("au", [1])])
async def test_without_an_answer_that_makes_sense_it_is_unknown(
    bus: PrivateBus, monkeypatch: pytest.MonkeyPatch, odd: Variant | None
) -> None:
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", bus.address)
    theirs = (await portal_on(bus, odd))[0] if odd else None
    ours = await connect("session")
    watch = SchemeWatch(ours, lambda: None)

    await watch.ask()

    assert watch.scheme is Scheme.UNKNOWN
    await close(ours)
    if theirs:
        await close(theirs)
