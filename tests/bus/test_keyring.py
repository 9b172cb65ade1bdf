"""Saved passwords in a real keyring: gnome-keyring on a session bus of its own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes_bus import PrivateBus
from tests.lab.keyring import GnomeKeyring
from tsunagu.errors import Cancelled, KeyringFailed, NoKeyring
from tsunagu.model import Secret
from tsunagu_tray import keyring as keyring_module
from tsunagu_tray.keyring import Keyring, KeyringLocked

OFFICE = "0a1b2c3d"
LABEL = "Tsunagu: Office (mika, vpn.example.org:443)"


@pytest.fixture
def bus(monkeypatch: pytest.MonkeyPatch) -> Iterator[PrivateBus]:
    bus = PrivateBus()
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", bus.address)
    yield bus
    bus.close()


@pytest.fixture
def gnome(bus: PrivateBus, tmp_path: Path) -> Iterator[GnomeKeyring]:
    gnome = GnomeKeyring(tmp_path, {"DBUS_SESSION_BUS_ADDRESS": bus.address})
    gnome.start()
    yield gnome
    gnome.stop()


async def test_what_is_saved_is_found_after_a_restart_and_is_not_readable_on_disk(gnome: GnomeKeyring) -> None:
    keyring = Keyring()
    await keyring.save(OFFICE, "password", LABEL, Secret("pä55 wörd 日本"))
    gnome.stop()
    gnome.start()

    assert await keyring.is_there()
    assert await keyring.find(OFFICE, "password") == Secret("pä55 wörd 日本")
    assert b"rd \xe6\x97\xa5" not in gnome.files() != b""


async def test_each_connection_and_kind_has_its_own_and_the_newest_counts(gnome: GnomeKeyring) -> None:
    keyring = Keyring()
    assert gnome.files()
    for connection, kind, secret in (
        (OFFICE, "password", "old"),
        (OFFICE, "password", "new"),
        (OFFICE, "proxy_password", "the proxy's"),
        ("other", "password", "another"),
    ):
        await keyring.save(connection, kind, LABEL, Secret(secret))

    assert await keyring.find(OFFICE, "password") == Secret("new")
    assert await keyring.find(OFFICE, "proxy_password") == Secret("the proxy's")
    assert await keyring.find("nobody", "password") is None
    await keyring.forget(OFFICE, ["password"])
    assert await keyring.find(OFFICE, "password") is None
    assert await keyring.find(OFFICE, "proxy_password") == Secret("the proxy's")
    await keyring.forget(OFFICE)
    assert await keyring.find(OFFICE, "proxy_password") is None
    assert await keyring.find("other", "password") == Secret("another")


async def test_a_locked_one_says_so_and_who_does_not_unlock_it_has_cancelled(gnome: GnomeKeyring) -> None:
    keyring = Keyring()
    await keyring.save(OFFICE, "password", LABEL, Secret("tiger"))
    gnome.lock()

    with pytest.raises(KeyringLocked):
        await keyring.find(OFFICE, "password")
    for work in (  # nothing here could show the keyring's own window
        keyring.find(OFFICE, "password", unlock=True),
        keyring.save(OFFICE, "password", LABEL, Secret("other")),
    ):
        with pytest.raises(Cancelled):
            await work
    with pytest.raises(KeyringLocked):
        await keyring.forget(OFFICE)
    assert await keyring.is_there()


async def test_without_one_that_is_said(bus: PrivateBus, monkeypatch: pytest.MonkeyPatch) -> None:
    keyring = Keyring()
    assert bus.address
    for address in (bus.address, "unix:path=/nonexistent"):
        monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", address)
        assert not await keyring.is_there()
        with pytest.raises(NoKeyring):
            await keyring.find(OFFICE, "password")
        with pytest.raises(NoKeyring):
            await keyring.save(OFFICE, "password", LABEL, Secret("tiger"))
        with pytest.raises(NoKeyring):
            await keyring.forget(OFFICE)


async def test_one_that_does_not_answer_has_failed_and_is_not_taken_for_none(
    gnome: GnomeKeyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keyring_module, "ANSWER_S", 0.3)
    keyring = Keyring()
    gnome.freeze()
    for work in (
        keyring.save(OFFICE, "password", LABEL, Secret("tiger")),
        keyring.find(OFFICE, "password"),
        keyring.forget(OFFICE),
    ):
        with pytest.raises(KeyringFailed):
            await work
    assert not await keyring.is_there()

    gnome.kill()
    with pytest.raises(NoKeyring):
        await keyring.save(OFFICE, "password", LABEL, Secret("tiger"))
