"""The same script through the official ``vpncmd`` and through ours: the same settings and states."""

import csv
import os
from collections.abc import Iterator

import pytest

from tests.identity import make_identity, rsa_key
from tests.lab.server import HUB, PASSWORD, SERVER, USER, VpnServer
from tests.lab.stack import Stack
from tests.lab.test_official_client import OfficialClient
from tests.lab.waiting import wait_for

SCRIPT = f"""\
NicCreate vpn
AccountCreate office /SERVER:{SERVER}:443 /HUB:{HUB} /USERNAME:{USER} /NICNAME:vpn
AccountPasswordSet office /PASSWORD:{PASSWORD} /TYPE:standard
AccountDetailSet office /MAXTCP:4 /INTERVAL:1 /TTL:0 /HALF:no /BRIDGE:no /MONITOR:no /NOTRACK:no /NOQOS:yes \
/DISABLEUDP:yes
AccountRetrySet office /NUM:999 /INTERVAL:20
AccountCompressEnable office
AccountStatusHide office
AccountCreate "second place" /SERVER:vpn.example.org:992 /HUB:DEMO /USERNAME:jun /NICNAME:vpn
AccountProxyHttp "second place" /SERVER:10.0.0.1:8080 /USERNAME:mika /PASSWORD:sesame
AccountHttpHeaderAdd "second place" /NAME:X-Room /DATA:8
AccountSet "second place" /SERVER:vpn.example.org:5555 /HUB:OTHER
AccountUsernameSet "second place" /USERNAME:alice
AccountPasswordSet "second place" /PASSWORD:sesame /TYPE:radius
AccountEncryptDisable "second place"
AccountRename "second place" /NEW:second
AccountCreate third /SERVER:h:443 /HUB:h /USERNAME:u /NICNAME:vpn
AccountProxySocks5 third /SERVER:10.0.0.1:1080
AccountProxyNone third
accountget nothing
Dance
"""


class Both:
    """One command through the one and the other."""

    def __init__(self, server: VpnServer, stack: Stack) -> None:
        self._server, self._stack = server, stack

    def run(self, *words: str) -> tuple[tuple[int, str], tuple[int, str]]:
        """Exit status and output, the official ones first."""
        command = ("localhost", "/CLIENT", "/CSV", *words)
        official = self._server.run(self._server.cli, "vpncmd", *command, check=False)
        ours = self._stack.cli("vpncmd", *command)
        return (official.returncode, official.stdout), (ours.returncode, ours.stdout)

    def rows(self, *command: str) -> tuple[list[list[str]], list[list[str]]]:
        """The cells of a table."""
        (status, official), (our_status, ours) = self.run("/CMD", *command)
        assert status == our_status == 0, (official, ours)
        return _cells(official), _cells(ours)


def _cells(text: str) -> list[list[str]]:
    dropped = ("Verify Server Certificate", 'Connected to VPN Client "localhost".')  # Tsunagu always does; a greeting
    return [row for row in csv.reader(text.splitlines()) if row and row[0] not in dropped]


@pytest.fixture
def both(own_server: VpnServer, own_stack: Stack) -> Iterator[Both]:
    client = OfficialClient(own_server)
    yield Both(own_server, own_stack)
    client.close()


def test_a_script_leaves_the_same_settings_states_and_exit_statuses(both: Both, own_stack: Stack) -> None:
    script = own_stack.folder / "script"
    script.write_text(SCRIPT)

    (status, _), (our_status, ours) = both.run(f"/IN:{script}")

    assert status == our_status, ours
    for name in ("office", "second", "third"):
        official, mine = both.rows("AccountGet", name)
        assert official == mine
    official, mine = both.rows("AccountList")
    assert sorted(official) == sorted(mine)
    assert both.rows("AccountHttpHeaderGet", "second") == ([["Item"], ["X-Room: 8"]],) * 2
    for command in (
        ("AccountGet", "nothing"),
        ("AccountDisconnect", "office"),
        ("AccountStatusGet", "office"),
        ("AccountRename", "office", "/NEW:third"),
        ("AccountCreate", "office", "/SERVER:h:443", "/HUB:h", "/USERNAME:u", "/NICNAME:vpn"),
        ("AccountCreate", "fourth"),
        ("AccountRetrySet", "office", "/NUM:5", "/INTERVAL:1"),
        ("NicCreate", "vpn"),
        ("NicEnable", "nowhere"),
        ("NicSetSetting", "vpn", "/MAC:zz"),
        ("Dance",),
    ):
        (status, output), (our_status, our_output) = both.run("/CMD", *command)
        assert status == our_status != 0, (command, output, our_output)
        assert our_output.strip()


def test_both_connect_and_show_the_same_session(both: Both, own_stack: Stack) -> None:
    script = own_stack.folder / "script"
    script.write_text(SCRIPT.partition("AccountCreate")[0] + "\n".join(SCRIPT.splitlines()[1:4]) + "\n")
    both.run(f"/IN:{script}")
    own_stack.done("trust", "office", "--yes")

    assert [status for status, _ in both.run("/CMD", "AccountConnect", "office")] == [0, 0]

    def states() -> list[list[str]]:
        return [[row[1] for row in table[1:]] for table in both.rows("AccountList")]

    wait_for(lambda: states() == [["Connected"], ["Connected"]], 30, "both to be connected")
    official, ours = (dict(table) for table in both.rows("AccountStatusGet", "office"))
    assert list(official) == list(ours)
    same = {name for name in official if official[name] == ours[name]}
    assert {"Session Status", "Server Name", "Port Number", "Server Product Name", "Server Build", "VLAN ID"} <= same
    assert {"Encryption", "Physical Underlay Protocol", "Use of Compression", "VoIP / QoS Function"} <= same
    assert [status for status, _ in both.run("/CMD", "AccountConnect", "office")] == [35, 35]
    assert [status for status, _ in both.run("/CMD", "AccountDisconnect", "office")] == [0, 0]
    wait_for(lambda: states() == [["Offline"], ["Offline"]], 30, "both to be offline")


def test_network_adapters_are_managed_by_the_same_commands(both: Both, own_stack: Stack) -> None:
    script = own_stack.folder / "script"
    script.write_text(
        "\n".join([*SCRIPT.splitlines()[:2], "NicSetSetting vpn /MAC:5E-00-01-02-03-04", "NicUpgrade vpn"])
    )
    assert [status for status, _ in both.run(f"/IN:{script}")] == [0, 0]

    def listed() -> list[list[list[str]]]:
        return [[row[:3] for row in table] for table in both.rows("NicList")]  # versions differ

    official, ours = listed()
    assert (
        official
        == ours
        == [["Virtual Network Adapter Name", "Status", "MAC Address"], ["vpn", "Enabled", "5E0001020304"]]
    )
    assert own_stack.json("nic", "list")[0]["mac"] == "5e:00:01:02:03:04"
    assert [status for status, _ in both.run("/CMD", "NicDisable", "vpn")] == [0, 0]
    assert [status for status, _ in both.run("/CMD", "AccountConnect", "office")] == [44, 44]
    official, ours = listed()
    assert official[1] == ours[1] == ["vpn", "Disabled", "5E0001020304"]
    assert own_stack.cli("vpncmd", "localhost", "/CLIENT", "/CMD", "NicGetSetting", "vpn").returncode == 0
    assert own_stack.cli("vpncmd", "localhost", "/CLIENT", "/CMD", "NicDelete", "vpn").returncode == 33  # see there
    for command in (("NicEnable", "vpn"), ("AccountDelete", "office"), ("NicDelete", "vpn"), ("NicList",)):
        assert [status for status, _ in both.run("/CMD", *command)] == [0, 0], command
    assert [len(table) for table in listed()] == [1, 1]
    for command in (("RemoteDisable",), ("KeepDisable",)):
        assert [status for status, _ in both.run("/CMD", *command)] == [0, 0], command
    official, ours = both.rows("PasswordGet")
    assert official == ours


def test_all_that_the_official_client_has_is_taken_over(own_server: VpnServer, own_stack: Stack) -> None:
    client = OfficialClient(own_server)
    script, authority = own_stack.folder / "script", own_stack.folder / "ca.pem"
    script.write_text(SCRIPT + "AccountStartupSet second\n")
    authority.write_text(make_identity("Lab Authority", rsa_key()).certificate)
    own_server.run(own_server.cli, "vpncmd", "localhost", "/CLIENT", f"/IN:{script}", check=False)
    client.vpncmd("CertAdd", os.path.relpath(authority))
    client.close()  # so that it writes its file
    (config := own_stack.folder / "vpn_client.config").write_bytes(
        (own_server.folder / "official/lib/vpn_client.config").read_bytes()
    )

    own_stack.done("import", "--from-vpnclient", str(config))

    assert [entry["name"] for entry in own_stack.json("list")] == ["office", "second", "third"]
    second = own_stack.json("show", "second")
    assert (second["connect_at_start"], second["hub"], second["auth"]) == (True, "OTHER", "plain-password")
    assert second["proxy"]["headers"] == [["X-Room", "8"]]
    assert own_stack.status("second")["saved_secrets"] == ["password", "proxy_password"]
    assert len(own_stack.json("ca", "list")) == 1
    own_stack.done("trust", "office", "--yes")
    own_stack.connect("office")  # with the hash of the password that the official client had
    own_stack.disconnect("office")
    assert own_stack.cli("import", "--from-vpnclient", str(config)).returncode == 1  # they are there already
