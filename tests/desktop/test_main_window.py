"""The main window and the details on a virtual desktop with a scripted helper: mouse, keys, and what a reader says."""

import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.desktop.files import TITLE
from tests.desktop.window_rig import ADDRESS, APPLICATION, Rig, window_rig
from tests.fakes_bus import until
from tests.lab.waiting import wait_for
from tsunagu.account_file import Account, serialise
from tsunagu.errors import TunnelError
from tsunagu.model import AuthType, ConnectionSettings, HashedPassword, Secrets, State, Statistics

TAKES = (53, 132, 228)  # the theme's line around what would take what is dragged


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    async with window_rig() as rig:
        yield rig


async def test_the_list_shows_every_state_as_it_changes(rig: Rig) -> None:
    office = rig.helper.add("Office")
    await rig.open()
    await rig.said("Office: Offline")

    office.show(state=State.WAITING, error=TunnelError(1))
    await rig.said("Office: Connecting · Waiting to try again")
    office.show(state=State.UP, addresses=[ADDRESS])
    await rig.said("Office: Connected · 192.168.77.23. vpn.example.org:443 · hub VPN · tsunagu0")
    rig.helper.add("Home")
    await rig.said("Home: Offline")
    rig.helper.tree.remove(office.path)
    await rig.gone("Office")


async def test_what_is_typed_on_the_list_searches_it(rig: Rig) -> None:
    rig.helper.add("Office")
    rig.helper.add("Home")
    await rig.open()
    await rig.said("Home: Offline")

    await rig.type("hom")
    await rig.gone("Office: ")
    await rig.said("Home: Offline")
    await rig.type("x")
    await rig.said("Nothing found")
    await rig.keys("Escape")

    await rig.said("Office: Offline")


async def test_a_double_click_connects_what_is_offline(rig: Rig) -> None:
    rig.helper.add("Office")
    await rig.open()

    await rig.do(rig.desktop.double_click, *await rig.do(rig.desktop.place_of, "Office: Offline"))

    await rig.said("Office: Connected")
    assert rig.helper.calls == ["Connect Office"]


async def test_a_double_click_opens_the_details_of_what_is_connected(rig: Rig) -> None:
    office = rig.helper.add("Office")
    office.show(state=State.UP, addresses=[ADDRESS])
    await rig.open()

    await rig.do(rig.desktop.double_click, *await rig.do(rig.desktop.place_of, "Office: Connected"))

    await rig.do(rig.desktop.activate, "^Office: Status$")
    await rig.said("Session name: SID-ALICE-1")
    office.statistics = Statistics(carriers=1, wire_sent_octets=7_000_000)
    await rig.said("Sent: 7.0 MB (7,000,000 bytes)")
    office.show(state=State.IDLE)
    await rig.said("The connection is offline")
    assert rig.helper.calls == []


async def test_all_goes_by_keyboard(rig: Rig) -> None:
    rig.helper.add("Home")
    rig.helper.add("Office")
    await rig.open()
    await rig.said("Office: Offline")

    await rig.keys("ctrl+f")
    await rig.do(rig.desktop.type, "office")
    await rig.gone("Home")
    await rig.keys("Tab", "Down", "Return")
    await until(lambda: rig.helper.calls == ["Connect Office"])
    await rig.said("Office: Connected")
    await rig.keys("alt+Return")

    await rig.do(rig.desktop.activate, "^Office: Status$")


async def test_deleting_can_be_undone_and_is_done_when_the_window_closes(rig: Rig) -> None:
    rig.helper.add("Home")
    rig.helper.add("Office")
    await rig.open()
    await rig.choose("Home: Offline")

    await rig.keys("Delete")
    await rig.gone("Home: Offline")
    await rig.do(rig.desktop.press, "Undo")
    await rig.said("Home: Offline")
    assert rig.helper.calls == []
    await rig.choose("Office: Offline")
    await rig.keys("Delete")
    await rig.gone("Office: Offline")
    await rig.keys("ctrl+w")

    await until(lambda: rig.helper.calls == ["Remove Office"])
    assert await rig.do(rig.program.wait, 20) == 0


async def test_a_connection_is_renamed_and_duplicated(rig: Rig) -> None:
    rig.helper.add("Office")
    await rig.open()
    await rig.choose("Office: Offline")

    await rig.keys("ctrl+d")
    await rig.said("Office (2): Offline")
    await rig.keys("F2")
    await rig.said("New name")
    await rig.do(rig.desktop.type, "Factory")
    await rig.keys("Return")

    await rig.said("Factory: Offline")
    assert [connection.settings.hub for connection in rig.helper.connections.values()] == ["VPN", "VPN"]


async def test_a_name_that_is_refused_is_told(rig: Rig) -> None:
    rig.helper.add("Office")
    await rig.open()
    await rig.choose("Office: Offline")

    await rig.keys("F2")
    await rig.said("New name")
    await rig.do(rig.desktop.type, "x" * 256)
    await rig.keys("Return")

    await rig.said("The name of the connection must have 1 to 255 characters")


async def test_it_outlives_the_helper_and_shows_it_again(rig: Rig) -> None:
    rig.helper.add("Office")
    await rig.open()
    await rig.said("Office: Offline")

    await rig.helper.stop()
    await rig.said("The Tsunagu service is not running")
    await rig.helper.start()

    await rig.said("Office: Offline")


async def test_the_first_window_serves_a_second_start(rig: Rig) -> None:
    rig.helper.add("Office").show(state=State.UP, addresses=[ADDRESS])
    await rig.open()
    await rig.said("Office: Connected")

    second = rig.desktop.start(
        "second", sys.executable, *APPLICATION, "--details", "Office", environment=rig.environment
    )

    assert await rig.do(second.wait, 20) == 0
    await rig.do(rig.desktop.activate, "^Office: Status$")


async def test_the_size_is_remembered(rig: Rig) -> None:
    await rig.open()
    await rig.said("No connections yet")
    window = await rig.do(rig.desktop.activate, "^Tsunagu$")
    before = await rig.do(rig.desktop.size_of, window)

    await rig.do(rig.desktop.run, "xdotool", "windowsize", str(window), str(before[0] + 90), str(before[1] + 60))
    await rig.do(wait_for, lambda: rig.desktop.size_of(window) != before, 10, "the new size")
    after = await rig.do(rig.desktop.size_of, window)
    await rig.keys("ctrl+w")
    assert await rig.do(rig.program.wait, 20) == 0
    await rig.open()

    window = await rig.do(rig.desktop.activate, "^Tsunagu$")
    await rig.do(wait_for, lambda: rig.desktop.size_of(window) == after, 10, "the remembered size")


async def test_an_exported_connection_is_imported_under_a_free_name(rig: Rig, tmp_path: Path) -> None:
    rig.helper.add("Office")
    settings = ConnectionSettings(name="Office", host="vpn.example.org", hub="STAFF", username="mika")
    account = Account(settings=settings, secrets=Secrets(hashed_password=HashedPassword("ab" * 20)))
    (tmp_path / "office.vpn").write_bytes(serialise(account))

    await rig.open(str(tmp_path / "office.vpn"))

    await rig.said("Office (2) imported")
    await rig.said("Office (2): Offline")
    imported = next(c for c in rig.helper.connections.values() if c.settings.name == "Office (2)")
    assert imported.settings.hub == "STAFF"
    assert imported.secrets == {"hashed_password": "ab" * 20}


async def test_a_setting_file_is_dropped_onto_the_list(rig: Rig, tmp_path: Path) -> None:
    settings = ConnectionSettings(name="Büro 日本", host="vpn.example.org", hub="STAFF", username="mika")
    file = tmp_path / "büro 日本.vpn"
    file.write_bytes(serialise(Account(settings=settings)))
    desktop = rig.desktop
    desktop.start("files", sys.executable, "-m", "tests.desktop.files", str(file), environment=rig.environment)
    source = await rig.do(desktop.activate, f"^{TITLE}$")
    rig.helper.add("Home")
    await rig.open()
    await rig.said("Home: Offline")
    [target] = desktop.windows("^Tsunagu$")

    def drag() -> None:
        desktop.run(
            "xdotool", "windowmove", "--sync", str(source), "0", "0", "windowmove", "--sync", str(target), "300", "150"
        )
        (left, top, width, height), (x, y, across, down) = desktop.geometry(source), desktop.geometry(target)
        start, end = (left + width // 2, top + height // 2), (x + across // 2, y + down // 2)
        desktop.drag(start, end, lambda: desktop.find_colour(TAKES, box=(x, y, x + across, y + down)))

    await rig.do(drag)

    await rig.said("Büro 日本 imported")
    await rig.said("Büro 日本: Offline")
    assert [connection.settings.hub for connection in rig.helper.connections.values()] == ["VPN", "STAFF"]


async def test_what_is_no_setting_file_is_refused_with_a_sentence(rig: Rig, tmp_path: Path) -> None:
    (tmp_path / "x.vpn").write_text("# nothing of the kind")

    await rig.open(str(tmp_path / "x.vpn"))

    await rig.said("That did not work")


async def test_ones_own_password_is_changed_on_the_server(rig: Rig) -> None:
    office = rig.helper.add("Office")
    await rig.open()
    await rig.choose("Menu of Office")
    await rig.said("Change Password")
    await rig.keys("h")
    await rig.front("^Change Password$")

    await rig.type("wrong", at="Old password")
    await rig.type("geheimer", at="New password")
    await rig.type("geheime", at="New password once more")
    await rig.said("The two new passwords differ")
    await rig.type("r")
    await rig.gone("The two new passwords differ")
    await rig.keys("Return")
    await rig.said("(error 69)")
    await rig.keys("ctrl+a")
    await rig.type("s3cret")
    await rig.keys("Return")

    await rig.said("The server knows the new password now")
    assert office.server_password == "geheimer"


async def test_a_password_that_is_not_ones_own_is_not_asked_for(rig: Rig) -> None:
    rig.helper.add("Office", auth=AuthType.ANONYMOUS)
    await rig.open()
    await rig.choose("Menu of Office")
    await rig.said("Change Password")
    await rig.keys("h")

    await rig.said("Only a standard password can be changed here")
