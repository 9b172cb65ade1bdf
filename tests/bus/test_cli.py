"""The command line against a scripted helper: what it prints, its exit status, its questions in a terminal."""

import asyncio
import base64
import json
import os
import signal
import sys
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from ssl import PEM_cert_to_DER_cert

import pytest

from tests.bus.command import Run
from tests.fakes import make_certificate
from tests.fakes_bus import SESSION, FakeConnection, FakeHelper, PrivateBus, until
from tsunagu.errors import NoAddress, NoAgent, TunnelError
from tsunagu.model import Phase, Proxy, ProxyKind, State
from tsunagu_dbus import BusError
from tsunagu_helper.errand import Trial
from tsunagu_tray.traffic import GREETING

DER = base64.b64encode(b"a certificate, as far as this test is concerned").decode()
FINGERPRINT = sha256(base64.b64decode(DER)).hexdigest()


async def test_a_connection_is_added_listed_and_removed(tsunagu: Run, helper: FakeHelper) -> None:
    added = await tsunagu(
        *("add", "Büro", "--server", "[::1]:5555", "--hub", "VPN", "--user", "alice", "--carriers", "4"),
        *("--password-stdin", "--json"),
        stdin="geheim\n",
    )
    listed = await tsunagu("list", "--json")
    shown = await tsunagu("list")
    names = await tsunagu("list", "--names")
    removed = await tsunagu("remove", "Büro")

    assert added.status == listed.status == removed.status == 0
    assert names.out == "Büro\n"
    [entry] = json.loads(listed.out)
    assert entry["id"] == json.loads(added.out)["id"]
    assert (entry["name"], entry["server"], entry["state"], entry["activity"]) == (
        "Büro",
        "[::1]:5555",
        "Offline",
        "idle",
    )
    assert shown.out.splitlines()[1].split() == ["Büro", "Offline", "[::1]:5555", "VPN"]
    assert not helper.connections


async def test_a_connection_is_renamed_and_duplicated_without_its_secrets(tsunagu: Run, helper: FakeHelper) -> None:
    helper.add("Office", hub="DEMO").secrets = {"password": "s3cret"}

    assert (await tsunagu("rename", "Office", "Work")).status == 0
    assert (await tsunagu("duplicate", "Work", "Home")).status == 0

    work, home = helper.connections.values()
    assert (work.settings.name, home.settings.name, home.settings.hub) == ("Work", "Home", "DEMO")
    assert (work.secrets, home.secrets) == ({"password": "s3cret"}, {})


async def test_the_status_is_watched_line_by_line_until_it_is_interrupted(helper: FakeHelper, bus: PrivateBus) -> None:
    office = helper.add("Office")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tsunagu_tray.cli", "status", "Office", "--watch", "--json", "--interval", "0.05"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=os.environ | {"DBUS_SYSTEM_BUS_ADDRESS": bus.address, "LC_ALL": "C.UTF-8"},
    )
    assert process.stdout is not None

    async with asyncio.timeout(30):
        assert json.loads(await process.stdout.readline())["state"] == "Offline"
        office.show(state=State.UP)
        while json.loads(await process.stdout.readline())["state"] != "Connected":
            pass
    process.send_signal(signal.SIGINT)
    _, err = await asyncio.wait_for(process.communicate(), 30)

    assert (process.returncode, err.decode()) == (130, "tsunagu: Interrupted\n")


async def test_in_a_terminal_the_watched_status_is_drawn_in_place(tsunagu: Run, helper: FakeHelper) -> None:
    async def go_after_some_looks() -> None:
        await until(lambda: office.looks > 3)
        helper.tree.remove(office.path)

    office = helper.add("Office")
    office.later(go_after_some_looks())

    status, shown = await tsunagu.in_terminal("status", "Office", "--watch", "--interval", "0.05", says={})

    assert status == 1  # once it is gone
    assert shown.count("\x1b[H") > 1
    assert "Office\x1b[K" in shown


async def test_no_password_is_stored_without_being_asked_to(tsunagu: Run, helper: FakeHelper) -> None:
    assert (await tsunagu("add", "A", "--server", "h", "--hub", "VPN", "--user", "u", stdin="x\n")).status == 0
    [connection] = helper.connections.values()
    assert connection.secrets == {}

    assert (await tsunagu("password", "A", "--stdin", stdin="s3cret\n")).status == 0
    assert connection.secrets == {"password": "s3cret"}


async def test_a_password_is_changed_on_the_server(tsunagu: Run, helper: FakeHelper) -> None:
    connection = helper.add("Office")

    wrong = await tsunagu("passwd", "Office", "--stdin", stdin="wrong\nnew\n")
    nothing = await tsunagu("passwd", "Office", "--stdin", stdin="s3cret\n")
    assert (wrong.status, nothing.status, connection.server_password) == (1, 1, "s3cret")
    assert "error 69" in wrong.err

    assert (await tsunagu("passwd", "Office", "--stdin", stdin="s3cret\nnew\n")).status == 0
    assert connection.server_password == "new"


@pytest.mark.parametrize(("again", "after"), [("pässword", "pässword"), ("pasword", "s3cret")])
async def test_in_a_terminal_the_new_password_is_asked_for_twice(
    tsunagu: Run, helper: FakeHelper, again: str, after: str
) -> None:
    connection = helper.add("Office")
    says = {"Old password of Office": "s3cret", "New password: ": "pässword", "New password once more": again}

    status, shown = await tsunagu.in_terminal("passwd", "Office", says=says)

    assert connection.server_password == after
    assert (status == 0) is (again == "pässword")
    assert not any(secret in shown for secret in says.values())


ADD = ("add", "A", "--server", "vpn.example.org", "--hub", "VPN", "--user", "u")
NO_PROXY = {"http_proxy": "", "https_proxy": "", "all_proxy": "", "no_proxy": ""}


async def test_a_proxy_is_saved_with_its_password_and_headers(tsunagu: Run, helper: FakeHelper) -> None:
    words = ("--proxy", "http://mika@proxy.example.org:3128", "--proxy-header", "X-Office: 7", "--proxy-password-stdin")

    assert (await tsunagu(*ADD, *words, "--password-stdin", stdin="s3cret\nsesame\n")).status == 0

    [connection] = helper.connections.values()
    assert connection.secrets == {"password": "s3cret", "proxy_password": "sesame"}
    assert connection.settings.proxy == Proxy(
        kind=ProxyKind.HTTP, host="proxy.example.org", port=3128, username="mika", headers=(("X-Office", "7"),)
    )
    assert (await tsunagu("set", "A", "proxy=socks4://10.0.0.1")).status == 0
    assert connection.settings.proxy == Proxy(kind=ProxyKind.SOCKS4, host="10.0.0.1", port=1080)
    assert "socks4://10.0.0.1:1080" in (await tsunagu("show", "A")).out
    assert (await tsunagu("set", "A", "proxy=none")).status == 0
    assert connection.settings.proxy is None


async def test_the_environments_proxy_is_taken_over(tsunagu: Run, helper: FakeHelper) -> None:
    there = NO_PROXY | {"https_proxy": "http://mika:open%20sesame@10.0.0.1:3128", "no_proxy": "example.com"}

    done = await tsunagu(*ADD, "--proxy", "system", **there)

    [connection] = helper.connections.values()
    assert connection.settings.proxy == Proxy(kind=ProxyKind.HTTP, host="10.0.0.1", port=3128, username="mika")
    assert connection.secrets == {"proxy_password": "open sesame"}
    assert "http://mika@10.0.0.1:3128" in done.err
    assert "sesame" not in done.err + done.out
    assert (await tsunagu("set", "A", "proxy=system", **there | {"no_proxy": "example.org"})).status == 0
    assert connection.settings.proxy is None


async def test_the_desktops_proxy_is_taken_over(tsunagu: Run, helper: FakeHelper, tmp_path: Path) -> None:
    keys = tmp_path / "glib-2.0" / "settings" / "keyfile"
    keys.parent.mkdir(parents=True)
    there = NO_PROXY | {"GSETTINGS_BACKEND": "keyfile", "XDG_CONFIG_HOME": str(tmp_path)}
    keys.write_text("[system/proxy]\nmode='manual'\n[system/proxy/socks]\nhost='10.0.0.1'\nport=1080\n")

    assert (await tsunagu(*ADD, "--proxy", "system", **there)).status == 0

    [connection] = helper.connections.values()
    assert connection.settings.proxy == Proxy(kind=ProxyKind.SOCKS5, host="10.0.0.1", port=1080)
    keys.write_text("[system/proxy]\nmode='auto'\n")
    refused = await tsunagu("set", "A", "proxy=system", **there)
    assert (refused.status, "PAC" in refused.err) == (1, True)
    keys.write_text("[system/proxy]\nmode='none'\n")
    assert (await tsunagu("set", "A", "proxy=system", **there)).status == 0
    assert connection.settings.proxy is None


@pytest.mark.parametrize(
    "arguments",
    [
        (*ADD, "--proxy", "ftp://10.0.0.1"),
        (*ADD, "--proxy", "http://mika:sesame@10.0.0.1:3128"),
        (*ADD, "--proxy", "http://10.0.0.1", "--proxy-header", "no header"),
        (*ADD, "--proxy-header", "X: y"),
        (*ADD, "--proxy-password-stdin"),
        (*ADD, "--proxy", "socks5://10.0.0.1", "--proxy-header", "X: y"),
        ("add", "A", "--server", "bad host", "--hub", "VPN", "--user", "u"),
        ("add", "A", "--server", "h", "--hub", "VPN", "--user", "u", "--fingerprint", "12"),
        ("remove", "Nothing"),
        ("connect", "Nothing"),
        ("status", "Nothing"),
        ("trust", "Nothing", "--fingerprint", "ab" * 32),
        ("password", "Nothing", "--stdin"),
    ],
)
async def test_what_cannot_be_done_has_one_sentence(
    tsunagu: Run, helper: FakeHelper, arguments: tuple[str, ...]
) -> None:
    assert helper.bus is not None

    done = await tsunagu(*arguments)

    assert done.status == 1
    assert done.out == ""
    assert done.err.startswith("tsunagu: ")
    assert done.err.count("\n") == 1


async def test_without_a_helper_it_says_what_to_do(tsunagu: Run) -> None:
    done = await tsunagu("list")

    assert done.status == 1
    assert "systemctl status tsunagu-helper" in done.err


async def test_waiting_ends_with_the_address(tsunagu: Run, helper: FakeHelper) -> None:
    async def come_up(connection: FakeConnection) -> None:
        await asyncio.sleep(0.05)
        connection.show(state=State.UP)
        await asyncio.sleep(0.05)
        connection.show(addresses=["192.168.77.23/24"])

    helper.add("Office")
    helper.on_connect = lambda connection: connection.later(come_up(connection))

    done = await tsunagu("connect", "Office", "--wait")

    assert (done.status, done.err) == (0, "")
    assert done.out == "Connected to Office\nAddress: 192.168.77.23/24\n"


async def test_what_the_hub_has_to_say_is_said_when_connected(tsunagu: Run, helper: FakeHelper) -> None:
    helper.add("Office").message = "Welcome.\nMaintenance on Sunday"
    helper.on_connect = lambda connection: connection.show(state=State.UP, addresses=["192.168.77.23/24"])

    done = await tsunagu("connect", "Office", "--wait")

    assert done.out.splitlines()[:3] == ["Connected to Office", "Welcome.", "Maintenance on Sunday"]


async def test_the_policy_is_told_with_meanings_while_there_is_a_session(tsunagu: Run, helper: FakeHelper) -> None:
    office = helper.add("Office")
    office.show(state=State.UP)

    shown = await tsunagu("policy", "Office")
    plain = await tsunagu("policy", "Office", "--json")
    office.show(state=State.IDLE)
    offline = await tsunagu("policy", "Office")

    assert shown.out.split("  ")[1:2] == ["3"]
    assert json.loads(plain.out)[0]["key"] == "MaxMac"
    assert offline.status == 1
    assert "not connected" in offline.err


async def test_a_hub_without_dhcp_is_connected_all_the_same(tsunagu: Run, helper: FakeHelper) -> None:
    helper.add("Office")
    helper.on_connect = lambda connection: connection.show(state=State.UP, error=NoAddress("No DHCP server answered"))

    done = await tsunagu("connect", "Office", "--wait")

    assert (done.status, done.err) == (0, "No DHCP server answered\n")


async def test_a_refused_connection_fails_with_its_code(tsunagu: Run, helper: FakeHelper) -> None:
    helper.add("Office")
    helper.on_connect = lambda connection: connection.show(state=State.IDLE, error=TunnelError(8))

    english = await tsunagu("connect", "Office", "--wait")
    japanese = await tsunagu("connect", "Office", "--wait", LC_ALL="ja_JP.UTF-8")

    assert english.status == japanese.status == 1
    assert english.err.startswith("tsunagu: There is no virtual hub of that name on the server (error 8). Check the")
    assert english.err.count("\n") == 1
    assert "仮想 HUB" in japanese.err
    assert "8" in japanese.err


async def test_retries_are_told_and_the_timeout_disconnects(tsunagu: Run, helper: FakeHelper) -> None:
    connection = helper.add("Office")
    helper.on_connect = lambda connection: connection.show(state=State.WAITING, error=TunnelError(1, "refused"))

    done = await tsunagu("connect", "Office", "--wait", "--timeout", "0.5")

    assert done.status == 1
    assert "trying again" in done.err
    assert "Not connected within 0.5 s" in done.err
    assert "error 1" in done.err.splitlines()[-1]
    assert connection.state is State.IDLE


async def test_an_interrupted_wait_disconnects(helper: FakeHelper, bus: PrivateBus) -> None:
    helper.add("Office")
    helper.on_connect = lambda _connection: None
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tsunagu_tray.cli", "connect", "Office", "--wait"),
        stdin=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
        env=os.environ | {"DBUS_SYSTEM_BUS_ADDRESS": bus.address, "LC_ALL": "C.UTF-8"},
    )
    await until(lambda: helper.calls)
    await asyncio.sleep(0.2)

    process.send_signal(signal.SIGINT)
    _, err = await asyncio.wait_for(process.communicate(), 30)

    assert (process.returncode, err.decode()) == (130, "tsunagu: Interrupted\n")
    assert helper.calls == ["Connect Office", "Disconnect Office"]


async def test_a_helper_that_goes_while_one_waits_is_told(tsunagu: Run, helper: FakeHelper) -> None:
    async def stop() -> None:
        await asyncio.sleep(0.3)
        await helper.stop()

    helper.add("Office")
    helper.on_connect = lambda connection: connection.later(stop())

    done = await tsunagu("connect", "Office", "--wait")

    assert done.status == 1
    assert done.err == "tsunagu: The Tsunagu service has stopped meanwhile\n"


@pytest.mark.parametrize(
    ("state", "command"),
    [(State.NEEDS_TRUST, "tsunagu trust 'My Office'"), (State.NEEDS_SECRET, "tsunagu password 'My Office'")],
)
async def test_with_nobody_to_ask_it_fails_at_once_and_leaves_nothing_waiting(
    tsunagu: Run, helper: FakeHelper, state: State, command: str
) -> None:
    connection = helper.add("My Office")
    text = str(TunnelError(9))
    helper.events = [{"time": 1.0, "connection": "My Office", "id": "c1", "level": "error", "code": 9, "text": text}]
    helper.on_connect = lambda connection: connection.show(state=state, error=NoAgent("Nobody is here"))

    done = await tsunagu("connect", "My Office", "--wait")

    assert done.status == 1
    assert command in done.err
    assert "error 9" in done.err
    assert connection.state is State.IDLE


async def test_in_a_terminal_it_asks_for_the_password_itself(tsunagu: Run, helper: FakeHelper) -> None:
    answers = []

    async def ask(connection: FakeConnection) -> None:
        connection.show(state=State.NEEDS_SECRET)
        answers.append(await helper.ask_password(connection))
        connection.show(state=State.UP, addresses=["10.0.0.2/8"])

    helper.add("Office")
    helper.on_connect = lambda connection: connection.later(ask(connection))

    status, shown = await tsunagu.in_terminal("connect", "Office", "--wait", says={"Password for Office": "pässword"})

    assert answers == [{"secret": "pässword", "save": False, "stored": False}]
    assert "10.0.0.2" in shown
    assert "pässword" not in shown
    assert status == 0


@pytest.mark.parametrize(("says", "verdict"), [("y", "pin"), ("", "no")])
async def test_in_a_terminal_it_asks_about_the_certificate(
    tsunagu: Run, helper: FakeHelper, says: str, verdict: str
) -> None:
    answers = []

    async def ask(connection: FakeConnection) -> None:
        connection.show(state=State.NEEDS_TRUST)
        answers.append(await helper.ask_trust(connection))
        connection.show(state=State.UP if verdict == "pin" else State.IDLE, addresses=["10.0.0.2/8"])

    helper.add("Office")
    helper.on_connect = lambda connection: connection.later(ask(connection))

    status, shown = await tsunagu.in_terminal("connect", "Office", "--wait", says={"[y/N]": says})

    assert answers == [verdict]
    assert "AB AB AB" in shown
    assert status == (verdict != "pin")


async def test_trust_looks_at_the_certificate_first_and_leaves_the_connection_alone(
    tsunagu: Run, helper: FakeHelper
) -> None:
    async def ask(connection: FakeConnection) -> None:
        connection.show(state=State.NEEDS_TRUST, seen_certificate=DER)

    connection = helper.add("Office")
    helper.on_connect = lambda connection: connection.later(ask(connection))

    refused = await tsunagu("trust", "Office")
    accepted = await tsunagu("trust", "Office", "--yes")

    assert refused.status == 1
    assert f"tsunagu trust Office --fingerprint {FINGERPRINT}" in refused.err
    assert accepted.status == 0
    assert connection.settings.server_fingerprint == FINGERPRINT
    assert connection.state is State.IDLE
    assert (await tsunagu("trust", "Office", "--fingerprint", ":".join(["CD"] * 32))).status == 0
    assert connection.settings.server_fingerprint == "cd" * 32


async def test_status_and_log_have_stable_keys_and_readable_lines(tsunagu: Run, helper: FakeHelper) -> None:
    helper.add("Office").show(state=State.UP)
    helper.events = [
        {"time": 0.0, "connection": "Office", "id": "c1", "level": "info", "code": 0, "text": "Connecting\x1b[31m"},
        {"time": 1.0, "connection": "Other", "id": "c9", "level": "error", "code": 9, "text": str(TunnelError(9))},
    ]

    status = await tsunagu("status", "Office", "--json")
    readable = await tsunagu("status", LC_ALL="ja_JP.UTF-8")
    log = await tsunagu("log", "--json")
    mine = await tsunagu("log", "Office")

    assert json.loads(status.out)["policy"] == {"MaxMac": 3}
    assert "接続設定名" in readable.out
    assert [event["code"] for event in json.loads(log.out)] == [0, 9]
    assert mine.out.count("\n") == 1
    assert "\x1b" not in mine.out


async def test_only_the_helper_may_ask_the_terminal(tsunagu: Run, helper: FakeHelper, bus: PrivateBus) -> None:
    refusals = []

    async def ask(connection: FakeConnection) -> None:
        async with fake_helper_of_a_stranger(bus, helper) as stranger:
            try:
                await stranger.ask_password(connection)
            except BusError as error:
                refusals.append(error.name)
        connection.show(state=State.UP, addresses=["10.0.0.2/8"])

    helper.add("Office")
    helper.on_connect = lambda connection: connection.later(ask(connection))

    status, _ = await tsunagu.in_terminal("connect", "Office", "--wait", says={})

    assert status == 0
    assert refusals == ["org.tsunagu.VPN1.Error.NotAuthorized"]


class fake_helper_of_a_stranger:  # noqa: N801  # used like the function
    """Someone else on the bus, who has heard of the agent."""

    def __init__(self, bus: PrivateBus, helper: FakeHelper) -> None:
        self._stranger = FakeHelper(bus.address)
        self._agents = helper.agents

    async def __aenter__(self) -> FakeHelper:
        await self._stranger.start()
        self._stranger.agents = list(self._agents)
        return self._stranger

    async def __aexit__(self, *_: object) -> None:
        await self._stranger.stop()


async def test_vpncmd_takes_commands_from_stdin_and_copies_its_output(
    tsunagu: Run, helper: FakeHelper, tmp_path: Path
) -> None:
    create = "AccountCreate 'x' /SERVER:h:443 /HUB:DEMO /USERNAME:u /NICNAME:vpn".replace("'x'", '"my office"')
    out = tmp_path / "out"

    done = await tsunagu("vpncmd", "localhost", "/CLIENT", f"/OUT:{out}", stdin=f"{create}\nAccountList\nKeepEnable\n")

    [connection] = helper.connections.values()
    assert (connection.settings.name, connection.settings.hub) == ("my office", "DEMO")
    assert done.status == 33  # as the last command
    assert "Tsunagu sends nothing to anybody but the VPN server" in done.out
    assert "VPN Server Hostname         |h:443 (Direct TCP/IP Connection)" in done.out
    assert out.read_text() == done.out
    unwritable = await tsunagu("vpncmd", f"/OUT:{tmp_path}/no/out", stdin="AccountList\n")
    assert (unwritable.status, "cannot be written" in unwritable.out) == (38, True)


@pytest.mark.parametrize("words", [("192.0.2.1", "/CLIENT"), ("localhost", "/SERVER"), ("/TOOLS",), ("/IN:nowhere",)])
async def test_vpncmd_says_what_it_is_not_for(tsunagu: Run, helper: FakeHelper, words: tuple[str, ...]) -> None:
    assert helper.bus is not None

    done = await tsunagu("vpncmd", *words, "/CMD", "AccountList")

    assert done.status in (33, 38)
    assert len(done.out.strip().splitlines()) == 2


async def test_vpncmd_tells_the_helper_no_password_that_was_not_set(tsunagu: Run, helper: FakeHelper) -> None:
    helper.add("Office")

    for command in ("AccountPasswordSet Office /PASSWORD:s3cret /TYPE:standard", "AccountStatusHide Office"):
        assert (await tsunagu("vpncmd", "/CMD", *command.split())).status == 0

    [connection] = helper.connections.values()
    assert connection.secrets == {"password": "s3cret"}
    assert connection.settings.hide_windows


async def test_nics_are_listed_and_what_people_choose_is_set_for_all_their_connections(
    tsunagu: Run, helper: FakeHelper
) -> None:
    office, home = helper.add("Office"), helper.add("Home")
    ids = [one.path.rpartition("/")[2] for one in (office, home)]
    nic = {"name": "tsunagu0", "mac": "5e:00:00:00:00:01", "enabled": True, "state": "up", "connections": ids}
    helper.nics = [nic, nic | {"name": "tsunagu1", "connections": ["others"]}]

    listed, shown = await tsunagu("nic", "list"), await tsunagu("nic", "list", "--json")
    for words in (
        ("rename", "tsunagu0", "tsunagu_x"),
        ("mac", "tsunagu0", "5E:00:00:00:00:02"),
        ("disable", "tsunagu0"),
    ):
        assert (await tsunagu("nic", *words)).status == 0
    missing, wrong = await tsunagu("nic", "enable", "tsunagu7"), await tsunagu("nic", "enable")

    assert listed.out == "tsunagu0  5e:00:00:00:00:01  enabled  cable in  Office, Home\n"
    assert json.loads(shown.out) == [nic | {"connections": ["Office", "Home"]}]
    for one in (office, home):
        settings = one.settings
        assert (settings.interface, settings.mac, settings.nic_enabled) == ("tsunagu_x", "5e:00:00:00:00:02", False)
    assert "error 42" in missing.err
    assert "tsunagu nic list" in wrong.err


async def test_preferences_are_shown_and_changed_with_and_without_the_helper(
    tsunagu: Run, helper: FakeHelper, tmp_path: Path
) -> None:
    helper.add("Office", connect_at_start=True)
    own = {"XDG_CONFIG_HOME": str(tmp_path), "XDG_CONFIG_DIRS": str(tmp_path / "none")}

    for words in (("icon", "dark"), ("autostart", "yes"), ("click_connection", "Office"), ("notifications", "trouble")):
        changed = await tsunagu("preferences", *words, **own)
        assert (changed.status, changed.out, changed.err) == (0, "", "")
    shown = await tsunagu("preferences", "--json", **own)
    refused = [await tsunagu("preferences", *words, **own) for words in (("icon", "pink"), ("click_connection", "x"))]
    elsewhere = await tsunagu("preferences", "connect_at_start", "Office", **own)
    await helper.stop()
    alone = await tsunagu("preferences", "autostart", "no", **own)
    [icon, start] = [await tsunagu("preferences", key, **own) for key in ("icon", "autostart")]

    assert json.loads(shown.out) == {
        "autostart": True,
        "notifications": "trouble",
        "click": "connect",
        "click_connection": "Office",
        "icon": "dark",
        "connect_at_start": ["Office"],
    }
    assert [result.status for result in refused] == [1, 1]
    assert refused[0].err == "tsunagu: The preference icon cannot be pink; it can be: automatic, light, dark, colour\n"
    assert "no connection named x" in refused[1].err
    assert "tsunagu set NAME connect_at_start=yes" in elsewhere.err
    assert alone.status == 0
    assert (icon.out, start.out) == ("dark\n", "no\n")


async def test_damaged_preferences_are_told_and_replaced(tsunagu: Run, tmp_path: Path) -> None:
    file = tmp_path / "tsunagu/preferences.json"
    file.parent.mkdir()
    file.write_text("{")

    shown = await tsunagu("preferences", "icon", XDG_CONFIG_HOME=str(tmp_path))
    changed = await tsunagu("preferences", "icon", "light", XDG_CONFIG_HOME=str(tmp_path))

    assert (shown.status, shown.out) == (0, "automatic\n")
    assert f"{file} is damaged" in shown.err
    assert changed.status == 0
    assert json.loads(file.read_text())["icon"] == "light"


async def test_a_servers_hubs_are_listed(tsunagu: Run, helper: FakeHelper) -> None:
    assert (await tsunagu("hubs", "[2001:db8::1]:992")).out == "LAB\nSTAFF\n"
    assert json.loads((await tsunagu("hubs", "vpn.example.org", "--json")).out) == ["LAB", "STAFF"]
    assert helper.calls == ["ListHubs 2001:db8::1", "ListHubs vpn.example.org"]

    helper.hubs = []
    shown = await tsunagu("hubs", "vpn.example.org")
    assert (shown.status, shown.out) == (0, "")
    assert "names no virtual hub" in shown.err

    helper.errand_error = TunnelError(1, "timed out")
    shown = await tsunagu("hubs", "vpn.example.org")
    assert (shown.status, "(error 1): timed out" in shown.err) == (1, True)


async def test_a_log_in_is_tried(tsunagu: Run, helper: FakeHelper) -> None:
    helper.add("Office", hub="DEMO", username="mika")

    well = await tsunagu("test", "Office")
    helper.trial = Trial(error=TunnelError(9))
    badly = await tsunagu("test", "Office", "--password-stdin", stdin="typed\n")
    plainly = await tsunagu("test", "Office", "--json")
    helper.trial = Trial(error=TunnelError(85), certificate=DER)
    unknown = await tsunagu("test", "Office")

    assert (well.status, well.out.splitlines()[:2]) == (
        0,
        [
            "The log-in works",
            "mika may use the virtual hub DEMO. Nothing was saved, and the session has ended again.",
        ],
    )
    assert (badly.status, badly.out) == (1, "")
    assert badly.err.startswith(f"tsunagu: {TunnelError(9)}")
    assert (plainly.status, json.loads(plainly.out)["error_code"]) == (1, 9)
    assert (unknown.status, FINGERPRINT in unknown.err) == (1, True)
    path = next(iter(helper.connections))
    assert [(secrets, like) for _, secrets, like in helper.tried][:2] == [({}, path), ({"password": "typed"}, path)]


async def test_all_connections_are_disconnected_at_once(tsunagu: Run, helper: FakeHelper) -> None:
    for name in ("Office", "Lab", "Idle"):
        helper.add(name)
    for connection in list(helper.connections.values())[:2]:
        connection.show(state=State.UP)

    assert (await tsunagu("disconnect", "--all")).status == 0
    assert sorted(helper.calls) == ["Disconnect Lab", "Disconnect Office"]
    assert (await tsunagu("disconnect")).status == 2
    assert (await tsunagu("disconnect", "Office", "--all")).status == 2


async def test_the_certificates_of_both_sides_are_shown_and_saved(
    tsunagu: Run, helper: FakeHelper, tmp_path: Path
) -> None:
    server, mika = make_certificate("vpn.example.org"), make_certificate("mika")
    office = helper.add("office")
    asked = ("show-certificate", "office")

    none = await tsunagu(*asked)
    office.seen_certificate = base64.b64encode(server.der).decode()
    shown = await tsunagu(*asked, "--json")
    office.session = replace(SESSION, client_certificate=base64.b64encode(mika.der).decode())
    office.show(state=State.UP)
    mine = await tsunagu(*asked, "--client")
    saved = await tsunagu(*asked, "--client", "--output", f"{tmp_path}/mika.pem")
    again = await tsunagu(*asked, "--client", "--output", f"{tmp_path}/mika.pem")

    assert (none.status, none.err) == (
        1,
        "tsunagu: The server of office has not shown a certificate yet; run: tsunagu connect office\n",
    )
    assert json.loads(shown.out)["sha256"] == sha256(server.der).hexdigest()
    assert sha256(mika.der).hexdigest() in mine.out
    assert saved.status == 0
    assert PEM_cert_to_DER_cert((tmp_path / "mika.pem").read_text()) == mika.der
    assert again.status == 1  # it is there


async def test_an_errors_number_is_explained_without_the_helper(tsunagu: Run) -> None:
    english = await tsunagu("explain", "9", DBUS_SYSTEM_BUS_ADDRESS="unix:path=/nowhere")
    japanese = await tsunagu("explain", "9", LC_ALL="ja_JP.UTF-8")
    plain = await tsunagu("explain", "9", "--json")
    unknown = await tsunagu("explain", "999")

    assert (english.status, japanese.status, unknown.status) == (0, 0, 1)
    assert "auth_failed" in english.out
    assert "auth_failed" in japanese.out
    assert json.loads(plain.out)["advice"] in english.out
    assert english.out.splitlines()[-1] != japanese.out.splitlines()[-1]
    assert unknown.err == "tsunagu: No error has the number 999\n"


async def test_a_terminal_shows_how_far_an_attempt_is_and_clears_that_away(tsunagu: Run, helper: FakeHelper) -> None:
    async def come_up() -> None:
        for phase in (Phase.CONNECTING, Phase.AUTHENTICATING):
            office.show(state=State.CONNECTING, phase=phase.value)
            await asyncio.sleep(0.3)
        office.show(state=State.UP, addresses=["192.168.77.23/24"])

    office = helper.add("office", host="h")
    helper.on_connect = lambda connection: connection.later(come_up())

    status, shown = await tsunagu.in_terminal("connect", "office", "--wait", says={}, TERM="xterm")
    _, dumb = await tsunagu.in_terminal("connect", "office", "--wait", says={}, TERM="dumb")

    clear = "\x1b[K"
    assert status == 0
    assert f"\rConnecting to server h:443…{clear}\rAuthenticating the user…{clear}\r{clear}Connected" in shown
    assert dumb.startswith("Connected")


async def test_a_terminal_shows_how_long_a_measurement_still_takes(tsunagu: Run) -> None:
    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(GREETING)  # and nothing more
        await reader.read()
        writer.close()
        await writer.wait_closed()

    plan = ("--seconds", "2", "--connections", "1", "--direction", "down")
    async with await asyncio.start_server(greet, "127.0.0.1", 0) as server:
        where = "{}:{}".format(*server.sockets[0].getsockname())

        status, shown = await tsunagu.in_terminal("speed", where, *plan, says={}, TERM="xterm")

    assert status == 0
    assert "\rMeasuring… 0 / 2 s\x1b[K\rMeasuring… 1 / 2 s\x1b[K" in shown
    assert "\r\x1b[K" in shown.partition("1 / 2 s")[2]
