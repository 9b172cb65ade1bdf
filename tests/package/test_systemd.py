"""The packages under a real systemd: its units start, are as tight as they claim, and survive what happens to them."""

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.server import LAN, PASSWORD, VpnServer
from tests.lab.waiting import wait_for
from tests.package.booted import BootedSystem, cannot_boot
from tests.package.system import OFFICE, PACKAGES, TYPED, newer
from tsunagu_helper.lockdown import Hold, ruleset

pytestmark = pytest.mark.skipif(bool(cannot_boot()), reason=cannot_boot())

AS_MIKA = ("setpriv", "--reuid=mika", "--regid=mika", "--init-groups", "--")


@pytest.fixture(scope="module")
def system(server: VpnServer) -> Iterator[BootedSystem]:
    """With our packages, and with mika, who may use them."""
    assert len(PACKAGES) == 2, "`make test-package` builds them"
    with BootedSystem(server.cli) as system:
        for package in PACKAGES:  # /tmp is the booted system's own
            shutil.copy(package, system.root / "var")
        system.run("dpkg", "--install", *(f"/var/{package.name}" for package in PACKAGES))
        system.run("useradd", "--groups=tsunagu", "mika")
        yield system


@pytest.fixture
def office(server: VpnServer, system: BootedSystem) -> Iterator[None]:
    """A connection of mika's, up."""
    mika(system, *OFFICE, "--fingerprint", server.fingerprint(), stdin=TYPED)
    mika(system, "connect", "office", "--wait")
    assert server.ping(LAN)
    yield
    mika(system, "remove", "office")
    wait_for(lambda: "tsunagu0" not in system.run("ip", "-brief", "link"), 20, "the NIC to go")


def mika(system: BootedSystem, *words: str, stdin: str = "") -> str:
    return system.run(*AS_MIKA, "tsunagu", *words, stdin=stdin)


def helper(system: BootedSystem) -> str:
    return system.unit("MainPID")["MainPID"]


def status_of(system: BootedSystem, process: str) -> dict[str, str]:
    lines = system.run("cat", f"/proc/{process}/status").splitlines()
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


def test_whoever_asks_starts_the_helper_by_the_bus_and_it_is_as_confined_as_its_unit_says(
    system: BootedSystem,
) -> None:
    system.run("systemctl", "stop", "tsunagu-helper")

    assert mika(system, "list") == ""

    assert system.unit("ActiveState", "Type") == {"ActiveState": "active", "Type": "dbus"}
    status = status_of(system, helper(system))
    assert (status["NoNewPrivs"], status["Seccomp"]) == ("1", "2")
    wanted = (1 << 5) | (1 << 6) | (1 << 7) | (1 << 8) | (1 << 12)  # KILL SETGID SETUID SETPCAP NET_ADMIN
    assert int(status["CapBnd"], 16) == wanted


def test_systemd_calls_the_helper_exposed_less_than_3(system: BootedSystem) -> None:
    said = system.run("systemd-analyze", "security", "--no-pager", "tsunagu-helper.service")

    found = re.search(r"Overall exposure level for .*: ([0-9.]+)", said)
    assert found
    assert float(found[1]) < 3.0


@pytest.mark.usefixtures("office")
def test_under_its_unit_a_tunnel_works_and_its_worker_is_confined(server: VpnServer, system: BootedSystem) -> None:
    [worker] = system.run("pgrep", "--full", "tsunagu_tunnel").split()
    status = status_of(system, worker)
    assert (status["NoNewPrivs"], status["Seccomp"], int(status["CapEff"], 16), int(status["CapBnd"], 16)) == (
        "1",
        "2",
        0,
        0,
    )
    found = {one["key"]: one for one in json.loads(mika(system, "doctor", "--json"))}
    assert [key for key, one in found.items() if one["level"] != "info" and key != "agent"] == [], found
    assert found["guard"]["text"].startswith("The addresses of tsunagu0")
    assert server.ping(LAN)
    connected = system.run("journalctl", "--output=json", "TSUNAGU_CONNECTION=office", "TSUNAGU_NIC=tsunagu0")
    assert "Connected to" in connected
    assert PASSWORD not in system.run("journalctl", "--output=json", "--all")


def test_a_hook_is_a_unit_with_all_of_roots_rights(server: VpnServer, system: BootedSystem) -> None:
    hooks = system.root / "etc/tsunagu/hooks.d"
    hooks.mkdir(mode=0o755, parents=True)
    (hooks / "10-note").write_text(
        '#!/bin/sh\nset -eu\n[ "$TSUNAGU_EVENT" = connected ] || exit 3\nmount -t tmpfs none /mnt\numount /mnt\n'
        '{ env; cat /proc/self/cgroup; grep -E "CapEff|Seccomp:|NoNewPrivs" /proc/self/status; } >/var/told\n'
        "echo noted\n"
    )
    (hooks / "10-note").chmod(0o755)
    told = system.root / "var/told"
    mika(system, *OFFICE, "--fingerprint", server.fingerprint(), stdin=TYPED)

    mika(system, "connect", "office", "--wait")
    wait_for(lambda: told.exists() and "run-" in told.read_text(), 30, f"the hook; {mika(system, 'log')}")
    mika(system, "remove", "office")

    lines = dict(re.split("[=:]", line, maxsplit=1) for line in told.read_text().splitlines())
    assert (lines["TSUNAGU_NIC"], lines["TSUNAGU_CONNECTION"]) == ("tsunagu0", "office")
    assert (lines["NoNewPrivs"].strip(), lines["Seccomp"].strip()) == ("0", "0")
    assert int(lines["CapEff"], 16) & (1 << 21)  # SYS_ADMIN, which the helper has not
    assert "tsunagu-helper.service" not in lines["0"]
    wait_for(
        lambda: "10-note failed with exit status 3" in system.run("journalctl", "--unit=tsunagu-helper"),
        30,
        "the hook's failure to be told",
    )
    assert "hook 10-note: noted" in system.run("journalctl", "--unit=tsunagu-helper")
    (hooks / "10-note").unlink()


@pytest.mark.usefixtures("office")
def test_a_killed_helper_is_started_again_with_what_was_connected(server: VpnServer, system: BootedSystem) -> None:
    before = helper(system)

    system.run("kill", "-KILL", before)

    wait_for(lambda: helper(system) not in ("0", before), 30, "another helper")
    wait_for(lambda: is_up(system), 60, "the connection to come back")
    assert server.ping(LAN)


@pytest.mark.usefixtures("office")
def test_an_upgrade_starts_the_helper_anew_and_the_tunnel_is_back(
    server: VpnServer, system: BootedSystem, tmp_path: Path
) -> None:
    before = helper(system)
    for package in PACKAGES:
        shutil.copy(newer(package, tmp_path), system.root / "var")

    system.run("dpkg", "--install", *(f"/var/{path.name}" for path in tmp_path.glob("*_newer.deb")))

    assert helper(system) not in ("0", before)
    wait_for(lambda: is_up(system), 60, "the connection to come back")
    assert server.ping(LAN)


@pytest.mark.usefixtures("office")
def test_a_stop_takes_nic_and_workers_with_it(system: BootedSystem) -> None:
    system.run("systemctl", "stop", "tsunagu-helper")

    assert "tsunagu0" not in system.run("ip", "-brief", "link")
    assert system.unit("ActiveState", "Result") == {"ActiveState": "inactive", "Result": "success"}
    mika(system, "connect", "office", "--wait")


@pytest.mark.usefixtures("office")
def test_under_its_unit_the_helper_changes_resolv_conf_and_puts_it_back(system: BootedSystem) -> None:
    file, kept = system.root / "etc/resolv.conf", system.root / "var/lib/tsunagu/resolv.conf.kept"
    mine = "# mine\nnameserver 192.0.2.53\n"
    mika(system, "disconnect", "office")
    file.write_text(mine)
    mika(system, "set", "office", "dns=manual", "dns_servers=192.168.77.1")

    mika(system, "connect", "office", "--wait")

    wait_for(lambda: "nameserver 192.168.77.1" in file.read_text(), 30, f"the name server: {system.helper_log()}")
    as_left = file.read_text(), kept.read_text()
    mika(system, "disconnect", "office")
    assert (file.read_text(), kept.exists()) == (mine, False)

    mika(system, "connect", "office", "--wait")
    new = file.with_name("new")
    new.write_text("nameserver 192.0.2.54\n")
    new.rename(file)  # as DHCP clients do; it takes away the mount of the helper's unit, too
    wait_for(lambda: "nameserver 192.168.77.1" in file.read_text(), 30, f"the name server: {system.helper_log()}")
    file.with_name("theirs").write_text("nameserver 192.0.2.55\n")
    new.symlink_to("theirs")
    new.rename(file)
    wait_for(lambda: "nameserver 192.168.77.1" in file.read_text(), 30, f"the name server: {system.helper_log()}")
    mika(system, "disconnect", "office")
    assert (str(file.readlink()), kept.exists()) == ("theirs", False)
    file.unlink()
    file.write_text(mine)

    system.run("systemctl", "stop", "tsunagu-helper")
    file.write_text(as_left[0])  # as after a power cut
    kept.write_text(as_left[1])
    system.start("tsunagu-restore")
    assert (file.read_text(), kept.exists()) == (mine, False)


@pytest.mark.usefixtures("office")
def test_what_a_killed_helper_left_goes_with_it_but_for_the_kill_switch(system: BootedSystem) -> None:
    file, kept = system.root / "etc/resolv.conf", system.root / "var/lib/tsunagu/resolv.conf.kept"
    file.with_name("theirs").write_text("nameserver 192.0.2.55\n")
    file.unlink()
    file.symlink_to("theirs")
    settings = ("routing=everything", "kill_switch=yes", "dns=manual", "dns_servers=192.168.77.1")
    mika(system, "set", "office", *settings)
    mika(system, "disconnect", "office")
    mika(system, "connect", "office", "--wait")
    wait_for(lambda: "nameserver 192.168.77.1" in file.read_text(), 30, f"the name server: {system.helper_log()}")
    once = "/run/systemd/system/tsunagu-helper.service.d"
    system.run(
        "sh", "-ec", f"mkdir {once}; printf '[Service]\nRestart=no\n' >{once}/once.conf; systemctl daemon-reload"
    )

    system.run("kill", "-KILL", helper(system))

    wait_for(lambda: system.unit("ActiveState")["ActiveState"] == "failed", 30, "systemd to have cleaned up")
    assert (str(file.readlink()), kept.exists()) == ("theirs", False)
    assert "tsunagu0" not in system.run("ip", "-brief", "link")
    assert "proto 84" not in system.run("ip", "route", "show", "table", "all")
    assert system.run("nft", "list", "tables") == "table inet tsunagu\n"
    system.run("sh", "-ec", f"rm -r {once}; systemctl daemon-reload; systemctl reset-failed")
    file.unlink()
    file.write_text("nameserver 192.0.2.53\n")


def test_the_kill_switch_unit_blocks_before_the_network_comes_up(system: BootedSystem) -> None:
    file = system.root / "var/lib/tsunagu/lockdown.nft"
    file.write_text(ruleset(996, [Hold(name="Office", allow_lan=True)]))

    system.start("tsunagu-lockdown")

    assert "table inet tsunagu" in system.run("nft", "list", "tables")
    assert "network-pre.target" in system.unit("Before", unit="tsunagu-lockdown")["Before"]
    system.run("tsunagu", "unblock")
    assert "table inet tsunagu" not in system.run("nft", "list", "tables")


@pytest.mark.usefixtures("office")
def test_after_a_power_cut_the_kill_switch_is_there_before_the_network_and_the_connection_comes_back(
    server: VpnServer, system: BootedSystem
) -> None:
    mika(system, "set", "office", "routing=everything", "kill_switch=yes", "connect_at_start=yes")
    mika(system, "disconnect", "office")
    mika(system, "connect", "office", "--wait")
    system.run("systemctl", "enable", "nftables")  # it begins by flushing all rules

    system.cut_power()

    firewall, began, network = (
        int(system.unit("ActiveEnterTimestampMonotonic", unit=unit)["ActiveEnterTimestampMonotonic"])
        for unit in ("nftables.service", "tsunagu-lockdown.service", "network-pre.target")
    )
    assert 0 < firewall < began < network
    assert "table inet tsunagu" in system.run("nft", "list", "tables")
    wait_for(lambda: is_up(system), 60, f"the connection to come back: {system.helper_log()}")
    assert server.ping(LAN)

    system.run("systemctl", "restart", "nftables")

    for table in ("table inet tsunagu\n", "table inet tsunagu_addresses\n"):
        wait_for(lambda: table in system.run("nft", "list", "tables"), 30, f"{table}: {system.helper_log()}")  # noqa: B023


def test_what_is_to_start_with_the_machine_or_is_blocked_starts_the_helper(system: BootedSystem) -> None:
    system.run("systemctl", "stop", "tsunagu-helper", "tsunagu-start")
    folder = system.root / "var/lib/tsunagu"

    system.run("systemctl", "start", "tsunagu-start")
    assert system.unit("ActiveState")["ActiveState"] == "inactive"

    kill_switch = ruleset(996, [Hold(name="Office", allow_lan=True)])
    for reason, text in (
        (folder / "lockdown.nft", f'# {{"a": {{"name": "Office", "allow_lan": true}}}}\n{kill_switch}'),
        (folder / "connect-at-start", ""),
    ):
        reason.write_text(text)
        system.run("systemctl", "start", "tsunagu-start")
        wait_for(lambda: system.unit("ActiveState")["ActiveState"] == "active", 30, "the helper")
        system.run("tsunagu", "unblock")
        reason.unlink(missing_ok=True)
        system.run("systemctl", "stop", "tsunagu-helper", "tsunagu-start")


def test_a_removed_package_leaves_no_process(system: BootedSystem) -> None:
    mika(system, "list")

    system.run("dpkg", "--remove", "tsunagu", "tsunagu-helper")

    assert system.unit("MainPID", "ActiveState") == {"MainPID": "0", "ActiveState": "inactive"}


def is_up(system: BootedSystem) -> bool:
    status = json.loads(mika(system, "status", "office", "--json"))
    return bool(status["addresses"])
