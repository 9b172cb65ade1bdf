"""The systemd units: as tight as they claim, and each line of what a worker claims is tried elsewhere."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

UNITS = Path(__file__).parents[2] / "packaging/systemd"

# What privileges.py and confinement.py amount to, in systemd's words, and nothing that only a service manager gives
# (a user namespace of its own, less in /proc); test_tunnel_confinement tries it.
# The network is what a worker is for, and local sockets are how names are looked up.
WORKER = """[Service]
ExecStart=/bin/true
User=tsunagu-tunnel
CapabilityBoundingSet=
NoNewPrivileges=yes
UMask=0077
LimitCORE=0
DevicePolicy=closed
PrivateDevices=yes
PrivateTmp=yes
ProtectSystem=strict
ProtectHome=yes
ProtectProc=invisible
ProtectClock=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
KeyringMode=private
LockPersonality=yes
MemoryDenyWriteExecute=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
SystemCallArchitectures=native
SystemCallFilter=@basic-io @io-event @network-io
"""

pytestmark = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd-analyze")


def exposure(unit: Path) -> float:
    """What systemd thinks of it, 0 (closed) to 10 (open)."""
    command = ["systemd-analyze", "security", "--offline=yes", "--no-pager", str(unit)]
    output = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    found = re.search(r"Overall exposure level for .*: ([0-9.]+)", output)
    assert found, output
    return float(found[1])


@pytest.mark.parametrize("unit", ["tsunagu-helper.service", "tsunagu-restore.service"])
def test_root_is_exposed_less_than_3(unit: str) -> None:
    assert exposure(UNITS / unit) < 3.0


def test_a_worker_is_exposed_less_than_2(tmp_path: Path) -> None:
    unit = tmp_path / "tsunagu-worker.service"
    unit.write_text(WORKER)

    assert exposure(unit) < 2.0


@pytest.mark.parametrize("unit", sorted(UNITS.iterdir()), ids=lambda unit: unit.name)
def test_the_units_are_understood(unit: Path, tmp_path: Path) -> None:
    copy = tmp_path / unit.name
    copy.write_text(unit.read_text().replace("/usr/lib/tsunagu/bin/python", "/bin/true"))

    verified = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(copy)], capture_output=True, text=True, check=False
    )

    assert [line for line in verified.stderr.splitlines() if unit.name in line] == []


def test_both_kinds_of_packages_enable_every_unit_that_wants_to_be() -> None:
    wanting = {unit.stem for unit in UNITS.iterdir() if "[Install]" in unit.read_text()}
    rules, spec = (UNITS.parent / name for name in ("debian/rules", "rpm/tsunagu.spec"))

    [installed] = re.findall(r"for name in (tsunagu-helper .*);", rules.read_text())
    [enabled] = re.findall(r"systemctl --quiet enable (.*) \|\|", spec.read_text())
    [disabled] = re.findall(r"systemctl --quiet disable (.*) \|\|", spec.read_text())

    assert {*installed.split()} == {unit.stem for unit in UNITS.iterdir()}
    assert {*enabled.split()} == {*disabled.split()} == {f"{name}.service" for name in wanting}


def test_a_worker_may_confine_itself_under_the_helpers_filter() -> None:
    unit = (UNITS / "tsunagu-helper.service").read_text()

    for call in ("seccomp", "landlock_restrict_self", "capset", "prlimit64"):
        assert re.search(rf"^SystemCallFilter=.*\b{call}\b", unit, re.MULTILINE), call
